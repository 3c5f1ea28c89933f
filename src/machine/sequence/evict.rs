//! What a sequence gives up when memory runs out, and in which order.
//!
//! In: a stage and a host, chosen by the engine. Out: what was given up there. Which of them goes is
//! said by [`Ranks`], which are made when they are first asked for and kept up to date from then on.

use super::super::ranks::{Rank, Ranks};
use super::super::table::{AHEAD, KeyView, Place};
use super::super::watch::{Fate, tell};
use super::super::{Cause, Evicted};
use super::partial::Partial;
use super::state::State;
use super::{Sequence, Table};
use crate::state::key_hash;
use crate::time::Timestamp;

impl Sequence {
    /// Notes that a place has got something, if memory has run out before.
    pub(super) fn note(&mut self, table: &Table, place: Place) {
        if let Some(ranks) = &mut self.ranks {
            ranks.note(place);
            if ranks.outlived(table.len(self.seat)) {
                self.ranks = None;
                self.ledger.forget_hosts();
            }
        }
    }

    /// Ranks what has come since something was last given up.
    pub(crate) fn rank_noted(&mut self, table: &mut Table) {
        let Some(ranks) = &mut self.ranks else { return };
        let noted = ranks.noted();
        for (place, at) in noted.iter().copied().zip(1..) {
            table.bring(AHEAD.map(|ahead| noted.get(at + ahead).copied()));
            if let Some((key, state)) = table.get_mut(place, self.seat) {
                Self::rank_all(ranks, place, key, state);
            }
        }
        ranks.tidy(|rank| {
            table.get(rank.place, self.seat).is_some_and(|state| {
                state.ranks().any(|known| known == (rank.stage, rank.host, rank.time))
            })
        });
    }

    /// Ranks what one key holds.
    pub(crate) fn rank_all(ranks: &mut Ranks, place: Place, key: KeyView<'_>, state: &State) {
        let tie = key_hash(key.each_byte());
        for (stage, host, time) in state.ranks() {
            ranks.add(Rank { stage, host, time, tie, place });
        }
    }

    /// Counts by host what it holds, if it does not yet.
    pub(crate) fn count_hosts(&mut self, table: &Table) {
        if !self.ledger.counts_hosts() {
            let states = table.places(self.seat);
            self.ledger.count_hosts(states.map(|(.., state)| state.charge()));
        }
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
    pub(crate) fn evict(
        &mut self,
        table: &mut Table,
        stage: u32,
        host: u32,
        cause: Cause,
    ) -> Option<Evicted> {
        let (Rank { time, place, .. }, soon) = self.ranks.as_mut()?.pop(stage, host)?;
        table.bring(soon);
        let mut evicted = Evicted { count: 0, expires: self.expires(time) };
        let Some((key, state)) = table.get_mut(place, self.seat) else { return Some(evicted) };
        let watcher = &mut self.watcher;
        let key = if watcher.is_some() { key.bytes().into_owned() } else { Vec::new() };
        let mut meant = |partial: &Partial| {
            let meant = !partial.is_ghost()
                && partial.events.len() == stage as usize
                && (partial.first(), partial.host()) == (time, host);
            if meant {
                tell(watcher, &key, &partial.events, Fate::Evicted);
            }
            meant
        };
        if let Some(slot) = (stage as usize).checked_sub(1) {
            evicted.count += u64::from(state.give_up(slot, &mut self.ledger, &mut meant));
            let waits = state.end_waits(&mut self.ledger, |waiting| meant(&waiting.partial));
            evicted.count += waits.len() as u64;
        } else if state.leading().first() == Some(&Some(time)) {
            state.set_leading([None, None]);
            evicted.count += 1;
        }
        self.stats.give_up(stage, cause, evicted.count);
        self.settle(table, place);
        Some(evicted)
    }
}
