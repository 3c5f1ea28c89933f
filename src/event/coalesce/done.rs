//! [`Done`]: the events that were completed recently.
//!
//! In: completed events, then records that claim to belong to one. Out: whether a record is late, and
//! whether a whole event was repeated. Bounded in number; what is forgotten is taken for a new event.
//! The place of an event follows from its serial and lane alone, so results are the same on every run.
//! There is no bound in time: time, serial and machine together do not come back, and a log that is
//! read a second time starts far behind where it ended.

use super::identity::{Digest, Key};
use crate::record::Head;

/// What a record for a completed event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The event is not remembered: the record starts a new one.
    New,
    /// It came after its event was completed.
    Late,
    /// With it a whole event has come again; holds how many of its records were called late before.
    Duplicate(u32),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Key,
    digest: Digest,
    again: Digest,
}

/// Recently completed events, by serial.
#[derive(Debug)]
pub(super) struct Done {
    entries: Vec<Option<Entry>>,
}

impl Done {
    /// Remembers about `size` events (rounded up to a power of two, 2²⁰ at most).
    pub(super) fn new(size: usize) -> Self {
        Self { entries: vec![None; size.clamp(1, 1 << 20).next_power_of_two()] }
    }

    /// Notes that an event is complete.
    #[inline]
    pub(super) fn insert(&mut self, key: Key, digest: Digest) {
        let at = self.place(&key);
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = Some(Entry { key, digest, again: Digest::default() });
        }
    }

    /// Judges a record whose event is not in flight.
    #[inline]
    pub(super) fn judge(&mut self, key: &Key, head: &Head<'_>) -> Verdict {
        let at = self.place(key);
        let Some(Some(entry)) = self.entries.get_mut(at) else { return Verdict::New };
        if entry.key != *key {
            return Verdict::New;
        }
        entry.again.add(head);
        if entry.again != entry.digest {
            return Verdict::Late;
        }
        entry.again = Digest::default();
        Verdict::Duplicate(entry.digest.count.saturating_sub(1))
    }

    /// Whether this event was completed recently.
    #[inline]
    pub(super) fn contains(&self, key: &Key) -> bool {
        matches!(self.entries.get(self.place(key)), Some(Some(entry)) if entry.key == *key)
    }

    /// Neighbouring serials get neighbouring places; machines are spread by an odd factor.
    #[inline]
    fn place(&self, key: &Key) -> usize {
        let spread = key.lane.wrapping_mul(0x9E37_79B1);
        (key.serial.wrapping_add(spread)) as usize & (self.entries.len() - 1)
    }
}
