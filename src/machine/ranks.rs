//! Which partials go first when memory runs out.
//!
//! In: the partials of one program as they come, each with the stage it has reached, the host it began
//! on and a time by which it expires sooner or later than its fellows. Out: the next one of a stage and
//! a host, earliest first. An entry that no longer holds is left where it is and skipped when its turn
//! comes; when there are many of them they are thrown out. Nothing is kept here in normal operation: a
//! program makes its [`Ranks`] when it has to give something up for the first time, and drops them once
//! it has become much smaller.
//!
//! Most partials end before anything is given up again: of what comes in between only the place is noted,
//! and ranked when somebody asks. Has there come more than there was, all is ranked anew.

use std::collections::{BTreeMap, VecDeque};

use super::table::{AHEAD, Place, Soon};
use crate::time::Timestamp;

/// Waste that is not worth a look.
const SLACK: usize = 64;

/// One partial, or what is known of leading missing items, in the order in which they are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rank {
    /// Items reached.
    pub(crate) stage: u32,
    /// The host of the first event.
    pub(crate) host: u32,
    /// Earlier goes first.
    pub(crate) time: Timestamp,
    /// A hash of its key tells those of one time apart: what goes first must not depend on where in its
    /// table a key happens to stand.
    pub(crate) tie: u64,
    /// Where it is.
    pub(crate) place: Place,
}

/// What goes of a stage and a host, in order; what comes goes to the end, where it mostly belongs, and is put in
/// order before the next is taken. Unlike a heap this says what goes after that, and after that.
#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<(Timestamp, u64, Place)>,
    is_mixed: bool,
}

impl Queue {
    fn push(&mut self, entry: (Timestamp, u64, Place)) {
        self.is_mixed |= self.entries.back().is_some_and(|last| *last > entry);
        self.entries.push_back(entry);
    }

    /// Puts it in order; what has come in order already costs a look.
    fn sort(&mut self) {
        if std::mem::take(&mut self.is_mixed) {
            self.entries.make_contiguous().sort();
        }
    }
}

/// See the module page.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    /// By stage and host; no queue is empty.
    queues: BTreeMap<(u32, u32), Queue>,
    entries: usize,
    /// Places that have got something since it was last asked what goes first.
    fresh: Vec<Place>,
    /// As soon as there are more entries, those that no longer hold are thrown out.
    most: usize,
    /// Keys that the program had when this was made.
    keys: usize,
}

impl Ranks {
    /// Of a program with `keys` keys.
    pub(crate) fn new(keys: usize) -> Self {
        Self { most: usize::MAX, keys, ..Self::default() }
    }

    /// Everything there is has been added: from now on waste is looked for.
    pub(crate) fn filled(mut self) -> Self {
        self.queues.values_mut().for_each(Queue::sort);
        self.most = 2 * self.entries + SLACK;
        self
    }

    /// Whether ranking a program with `keys` keys again costs less than going on with this. Not to be acted
    /// upon while something is being given up.
    pub(crate) fn outlived(&self, keys: usize) -> bool {
        keys < self.keys / 4 || self.fresh.len() > self.keys + SLACK
    }

    /// Something has come to a place.
    pub(crate) fn note(&mut self, place: Place) {
        self.fresh.push(place);
    }

    /// What has been noted since the last call, each place once.
    pub(crate) fn noted(&mut self) -> Vec<Place> {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable();
        fresh.dedup();
        fresh
    }

    /// Adds a partial; [`Self::tidy`] or [`Self::filled`] follows before the first is asked for.
    pub(crate) fn add(&mut self, rank: Rank) {
        let queue = self.queues.entry((rank.stage, rank.host)).or_default();
        queue.push((rank.time, rank.tie, rank.place));
        self.entries += 1;
    }

    /// Everything has been added: puts it in order, and throws out what no longer holds, if that may be much.
    pub(crate) fn tidy(&mut self, mut holds: impl FnMut(Rank) -> bool) {
        if self.entries > self.most {
            self.entries = 0;
            for ((stage, host), queue) in &mut self.queues {
                queue.entries.retain(|(time, tie, place)| {
                    let (stage, host, time, tie, place) = (*stage, *host, *time, *tie, *place);
                    holds(Rank { stage, host, time, tie, place })
                });
                queue.entries.shrink_to(2 * queue.entries.len());
                self.entries += queue.entries.len();
            }
            self.queues.retain(|_, queue| !queue.entries.is_empty());
            self.most = 2 * self.entries + SLACK;
        }
        self.queues.values_mut().for_each(Queue::sort);
    }

    /// The lowest stage with anything in it.
    pub(crate) fn first_stage(&self) -> Option<u32> {
        self.queues.keys().next().map(|(stage, _)| *stage)
    }

    /// The hosts with anything at a stage, in ascending order.
    pub(crate) fn hosts(&self, stage: u32) -> impl Iterator<Item = u32> {
        self.queues.range((stage, 0)..=(stage, u32::MAX)).map(|((_, host), _)| *host)
    }

    /// The lowest stage at which a host has anything, of `stages` there are.
    pub(crate) fn first_stage_of(&self, host: u32, stages: u32) -> Option<u32> {
        (0..=stages).find(|stage| self.queues.contains_key(&(*stage, host)))
    }

    /// The time of the first of a stage and a host.
    pub(crate) fn peek(&self, stage: u32, host: u32) -> Option<Timestamp> {
        let (time, ..) = self.queues.get(&(stage, host))?.entries.front()?;
        Some(*time)
    }

    /// Takes the first of a stage and a host; gives those that come soon after as well.
    pub(crate) fn pop(&mut self, stage: u32, host: u32) -> Option<(Rank, Soon)> {
        let queue = self.queues.get_mut(&(stage, host))?;
        let (time, tie, place) = queue.entries.pop_front()?;
        let soon = AHEAD.map(|ahead| queue.entries.get(ahead).map(|(.., place)| *place));
        if queue.entries.is_empty() {
            self.queues.remove(&(stage, host));
        }
        self.entries -= 1;
        Some((Rank { stage, host, time, tie, place }, soon))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_stage_and_a_host_is_the_earliest() {
        let place = Place::default();
        let mut ranks = Ranks::new(1).filled();
        for (stage, host, time) in [(2, 0, 1), (1, 7, 5), (1, 7, 4), (1, 3, 9)] {
            ranks.add(Rank { stage, host, time: Timestamp(time), tie: 0, place });
        }
        ranks.tidy(|_| true);
        assert_eq!(ranks.first_stage(), Some(1));
        assert_eq!(ranks.hosts(1).collect::<Vec<_>>(), [3, 7]);
        assert_eq!(ranks.first_stage_of(0, 3), Some(2));
        assert_eq!(ranks.peek(1, 7), Some(Timestamp(4)));
        let times: Vec<_> =
            std::iter::from_fn(|| ranks.pop(1, 7)).map(|(rank, _)| rank.time.0).collect();
        assert_eq!(times, [4, 5]);
        assert_eq!(ranks.hosts(1).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn what_no_longer_holds_is_thrown_out() {
        let place = Place::default();
        let mut ranks = Ranks::new(1).filled();
        for time in 0..100_000 {
            let rank = Rank { stage: 1, host: 0, time: Timestamp(time), tie: 0, place };
            ranks.add(rank);
            ranks.tidy(|other| other == rank);
            assert!(ranks.entries <= SLACK + 3);
        }
        let queued = ranks.queues.values().map(|queue| queue.entries.len());
        assert_eq!(queued.sum::<usize>(), ranks.entries);
    }
}
