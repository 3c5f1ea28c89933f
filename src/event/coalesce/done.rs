//! [`Done`]: the events that were completed recently.
//!
//! In: completed events, then records that claim to belong to one. Out: whether a record is late, and
//! whether a whole event was repeated. Bounded in number; what is forgotten is taken for a new event.
//! The place of an event follows from its serial and lane alone, so results are the same on every run.
//! There is no bound in time: time, serial and machine together do not come back, and a log that is
//! read a second time starts far behind where it ended.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::identity::{Digest, Key};
use crate::near;
use crate::record::Head;
use crate::time::Timestamp;

/// How many events ahead of the one that begins a place is brought near: those of one machine stand in a row, but
/// machines take turns, and all places together are as large as the near caches.
const AHEAD: usize = 4;

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

/// A completed event; one without records stands for none.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Key,
    digest: Digest,
}

/// Recently completed events, by serial.
#[derive(Debug)]
pub(super) struct Done {
    entries: Vec<Entry>,
    /// What has come again of the event at a place. Of most nothing ever does.
    again: HashMap<usize, Digest, FixedState>,
}

impl Done {
    /// Remembers about `size` events (rounded up to a power of two, 2²⁰ at most).
    pub(super) fn new(size: usize) -> Self {
        let key = Key { lane: 0, serial: 0, time: Timestamp(0) };
        let none = Entry { key, digest: Digest::default() };
        Self {
            entries: vec![none; size.clamp(1, 1 << 20).next_power_of_two()],
            again: HashMap::default(),
        }
    }

    /// Notes that an event is complete.
    #[inline]
    pub(super) fn insert(&mut self, key: Key, digest: Digest) {
        let at = self.place(&key);
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = Entry { key, digest };
        }
        if !self.again.is_empty() {
            self.again.remove(&at);
        }
    }

    /// Judges a record whose event is not in flight.
    #[inline]
    pub(super) fn judge(&mut self, key: &Key, head: &Head<'_>) -> Verdict {
        let at = self.place(key);
        near::bring_one(&self.entries, at + AHEAD);
        match self.entries.get(at) {
            Some(Entry { key: known, digest }) if digest.count > 0 && known == key => {
                Self::judge_again(self.again.entry(at).or_default(), *digest, head)
            }
            _ => Verdict::New,
        }
    }

    /// Judges a record of an event that is complete, of which this has come again.
    #[cold]
    fn judge_again(again: &mut Digest, whole: Digest, head: &Head<'_>) -> Verdict {
        again.add(head);
        if *again != whole {
            return Verdict::Late;
        }
        *again = Digest::default();
        Verdict::Duplicate(whole.count.saturating_sub(1))
    }

    /// Whether this event was completed recently.
    #[inline]
    pub(super) fn contains(&self, key: &Key) -> bool {
        let entry = self.entries.get(self.place(key));
        entry.is_some_and(|entry| entry.digest.count > 0 && entry.key == *key)
    }

    /// Neighbouring serials get neighbouring places; machines are spread by an odd factor.
    #[inline]
    fn place(&self, key: &Key) -> usize {
        let spread = key.lane.wrapping_mul(0x9E37_79B1);
        (key.serial.wrapping_add(spread)) as usize & (self.entries.len() - 1)
    }
}
