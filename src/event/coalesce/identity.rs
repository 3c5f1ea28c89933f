//! What makes two records one event, and two events the same: [`Key`] and [`Digest`].
//!
//! In: heads of records. Out: values to compare. Nothing here keeps anything.

use crate::record::Head;
use crate::time::Timestamp;

/// What tells two events apart; the lane stands for source and machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) lane: u32,
    pub(super) serial: u32,
    pub(super) time: Timestamp,
}

/// A summary of records that does not depend on their order: equal for equal events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digest {
    /// Records added.
    pub(super) count: u32,
    sum: u64,
}

impl Digest {
    /// Adds a record. Records of one event differ in type or length or count; their text need not be
    /// read, because equal source, machine, time and serial make it the same event already.
    #[inline]
    pub(super) fn add(&mut self, head: &Head<'_>) {
        self.count = self.count.saturating_add(1);
        let length = head.line.len() as u64;
        self.sum = self.sum.wrapping_add((length + 1) << 16 | u64::from(head.kind.0));
    }
}
