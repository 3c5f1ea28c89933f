//! What a sequence gives up when memory runs out, and in which order.
//!
//! In: a stage and a host, chosen by the engine. Out: what was given up there. Which of them goes is
//! said by [`Ranks`], which are made when they are first asked for and kept up to date from then on.

use super::super::ranks::{Rank, Ranks};
use super::super::watch::{Fate, tell};
use super::super::{Cause, Evicted};
use super::Sequence;
use super::state::Partial;
use crate::state::key_hash;
use crate::time::Timestamp;

impl Sequence {
    /// Remembers when something goes if memory runs out again.
    pub(super) fn rank(&mut self, rank: Rank) {
        let table = &mut self.table;
        if let Some(ranks) = &mut self.ranks {
            ranks.add(rank, |rank| {
                table.get_mut(rank.place).is_some_and(|(_, state)| {
                    state.ranks().any(|known| known == (rank.stage, rank.host, rank.time))
                })
            });
        }
    }

    /// Makes [`Self::ranks`] of everything there is, unless they are there. Looks at every partial.
    pub(crate) fn make_ranks(&mut self) {
        if self.ranks.is_some() {
            return;
        }
        let mut ranks = Ranks::new(self.table.len());
        for (place, key, state) in self.table.places() {
            let tie = key_hash(key);
            for (stage, host, time) in state.ranks() {
                ranks.add(Rank { stage, host, time, tie, place }, |_| true);
            }
        }
        self.ranks = Some(ranks.filled());
    }

    /// The number of stages.
    pub(crate) fn stages(&self) -> u32 {
        u32::try_from(self.positives.len()).unwrap_or(u32::MAX)
    }

    /// When what has this time in [`Self::ranks`] expires.
    pub(crate) fn expires(&self, time: Timestamp) -> Timestamp {
        self.maxspan.map_or(Timestamp::MAX, |maxspan| time.plus(maxspan))
    }

    /// Gives up what goes first of a stage and a host. `None` when [`Self::ranks`] has nothing there.
    pub(crate) fn evict(&mut self, stage: u32, host: u32, cause: Cause) -> Option<Evicted> {
        let Rank { time, place, .. } = self.ranks.as_mut()?.pop(stage, host)?;
        let mut evicted = Evicted { count: 0, expires: self.expires(time) };
        let Some((key, state)) = self.table.get_mut(place) else { return Some(evicted) };
        let watcher = &mut self.watcher;
        let mut meant = |partial: &Partial| {
            let meant = !partial.is_ghost()
                && partial.events.len() == stage as usize
                && (partial.first(), partial.host()) == (time, host);
            if meant {
                tell(watcher, key, &partial.events, Fate::Evicted);
            }
            meant
        };
        if let Some(slot) = (stage as usize).checked_sub(1) {
            if state.get_mut(slot).is_some_and(|partial| meant(partial)) {
                state.give_up(slot, self.repeats);
                evicted.count += 1;
            }
            let waits = state.end_waits(self.repeats, |waiting| meant(&waiting.partial));
            evicted.count += waits.len() as u64;
        } else if state.leading().first() == Some(&Some(time)) {
            state.set_leading([None, None]);
            evicted.count += 1;
        }
        self.stats.give_up(stage, cause, evicted.count);
        self.settle(place);
        Some(evicted)
    }
}
