//! What ends partials before they are complete: `until`, time, the end of the input.
//!
//! In: an event that satisfies `until`, or a place whose timer is past. Out: what was only waiting for
//! time to pass, as matches; everything else that ends is counted and told.

use super::super::key::Key;
use super::super::table::Place;
use super::super::watch::{Fate, tell};
use super::super::{Match, Offer};
use super::{Sequence, Table};
use crate::time::Timestamp;

impl Sequence {
    /// `until`: every partial of the key ends.
    pub(super) fn cut(&mut self, table: &mut Table, key: Key<'_>, offer: &mut Offer<'_>) -> bool {
        let Some(place) = table.find(key, self.seat) else { return false };
        let by = self.watcher.is_some().then(|| offer.keep());
        let Some((_, state)) = table.get_mut(place, self.seat) else { return false };
        let watcher = &mut self.watcher;
        self.stats.cut += state.end(&mut self.ledger, |partial| {
            // A late `until` leaves alone what began after it.
            let ends = partial.last() <= offer.ordinal();
            if let (true, false, Some(by)) = (ends, partial.is_ghost(), &by) {
                tell(watcher, key.bytes, &partial.events, Fate::Cut(by));
            }
            ends
        });
        self.settle(table, place);
        true
    }

    /// Time has come to `now`, past the timer of the key at `place`: ends its partials that can no longer
    /// complete and emits its waiting matches whose wait is over.
    pub(crate) fn expire(
        &mut self,
        table: &mut Table,
        place: Place,
        now: Timestamp,
        out: &mut Vec<Match>,
    ) {
        let Some(maxspan) = self.maxspan else { return };
        let Some((key, state)) = table.get_mut(place, self.seat) else { return };
        let over = state.end_waits(&mut self.ledger, |waiting| waiting.deadline < now);
        let watcher = &mut self.watcher;
        let is_told = !over.is_empty() || watcher.is_some();
        let key = if is_told { key.bytes().into_owned() } else { Vec::new() };
        self.stats.expired += state.end(&mut self.ledger, |partial| {
            let ends = partial.first().plus(maxspan) < now;
            if ends && !partial.is_ghost() {
                tell(watcher, &key, &partial.events, Fate::Expired(None));
            }
            ends
        });
        // A leading event further back than maxspan says the same as none.
        let leading = state.leading();
        let near = leading.map(|time| time.filter(|missing| missing.plus(maxspan) >= now));
        state.set_leading(near);
        let next = state.next_deadline(maxspan);
        for waiting in over {
            self.emit(&key, waiting.partial, waiting.deadline, out);
        }
        if let Some(next) = next {
            table.wake(place, self.seat, next);
        }
        self.settle(table, place);
    }

    /// The input has ended: tells of what is still open.
    pub(crate) fn tell_left(&mut self, table: &Table) {
        if self.watcher.is_some() {
            for (_, key, state) in table.places(self.seat) {
                for events in state.partials() {
                    tell(&mut self.watcher, &key.bytes(), events, Fate::Left);
                }
            }
        }
    }
}
