//! The state machine of `sequence`.
//!
//! One partial per (key, slot); an event is offered to the last stage first, so it fills at most one
//! stage of one partial; a newer partial replaces an older one in its slot; advancing empties the slot
//! it came from. Missing items (`![..]`) never take part in this: they leave marks on partials, and a
//! finished partial is accepted or rejected by its marks.
//!
//! Cost of an event: the items it satisfies times the keys it has for them. Cost of time passing: the
//! partials that end.

mod evict;
mod expire;
mod partial;
mod saved;
mod state;

use std::cmp::Reverse;
use std::sync::Arc;

use smallvec::SmallVec;

use super::key::{Columns, Key, KeyScratch, decode};
use super::ledger::Ledger;
use super::ranks::Ranks;
use super::table::{KeyTable, Place, Seat};
use super::watch::{Fate, Watcher, tell};
use super::{Match, Offer, RuleStats};
use crate::event::Kept;
use crate::plan::{Item, RuleIx};
use crate::time::{Duration, Timestamp};
use partial::Partial;
pub(crate) use state::State;
use state::Waiting;

/// The partials of the sequences that share a table.
pub(crate) type Table = KeyTable<State>;

/// What an event that satisfies a stage means to the program.
///
/// INVARIANT: roles of one event are stepped in this order: positives from last to first, missing
/// items, then until.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Positive item, numbered from the *last*, so that the derived order is the order of work.
    Positive(Reverse<u32>),
    /// Missing item.
    Missing(u32),
    /// `until`
    Until,
}

/// Where a missing item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    Leading,
    /// Behind positive item number n.
    Behind(usize),
    Trailing,
}

/// A positive item after unrolling `runs`.
#[derive(Debug)]
struct Positive {
    keys: Columns,
    /// Its number among all items.
    item: u32,
}

#[derive(Debug)]
struct Missing {
    place: Absent,
    keys: Columns,
    /// Its number among all items.
    item: u32,
}

/// What [`Sequence::take`] has found.
enum Taken {
    /// No partial that waits for the event.
    Nothing,
    /// One whose time is up; it has ended.
    Expired,
    Partial(Partial),
}

/// The last instant at which a wait may end, so that the end of time comes after every wait.
const LAST_DEADLINE: Timestamp = Timestamp(i64::MAX - 1);

/// A program and its partials.
#[derive(Debug)]
pub(crate) struct Sequence {
    rule: RuleIx,
    positives: SmallVec<[Positive; 4]>,
    missing: Vec<Missing>,
    until: Option<Columns>,
    maxspan: Option<Duration>,
    /// Output layout: `true` for a positive item.
    layout: Vec<bool>,
    leading: bool,
    trailing: bool,

    /// Where its partials are in the table it shares with others.
    pub(crate) seat: Seat,
    pub(crate) ledger: Ledger,
    /// What goes first when memory runs out; only while it does.
    pub(crate) ranks: Option<Ranks>,
    pub(crate) stats: RuleStats,
    pub(crate) watcher: Watcher,
}

impl Sequence {
    pub(crate) fn new(
        rule: RuleIx,
        items: &[Item],
        until: Option<&Item>,
        maxspan: Option<Duration>,
        seat: Seat,
        keys: &mut KeyScratch,
    ) -> Self {
        let last_positive = items.iter().rposition(|item| !item.missing).unwrap_or(0);
        let (mut positives, mut missing) = (SmallVec::new(), Vec::new());
        let mut stages = Vec::new();
        for (index, (item, number)) in items.iter().zip(0..).enumerate() {
            if !item.missing {
                stages.push(item.stage);
                positives.push(Positive { keys: keys.columns(&item.keys), item: number });
                continue;
            }
            let place = match positives.len().checked_sub(1) {
                None => Absent::Leading,
                Some(_) if index > last_positive => Absent::Trailing,
                Some(before) => Absent::Behind(before),
            };
            missing.push(Missing { place, keys: keys.columns(&item.keys), item: number });
        }
        let trailing = missing.iter().any(|m| m.place == Absent::Trailing);
        // What fills the last item is complete and gone, unless it waits.
        let held = stages.len().saturating_sub(usize::from(!trailing));
        let mut seen = Vec::new();
        let repeats = stages.iter().take(held).any(|stage| {
            let again = seen.contains(stage);
            seen.push(*stage);
            again
        });
        Self {
            rule,
            leading: missing.iter().any(|m| m.place == Absent::Leading),
            trailing,
            stats: RuleStats { reached: vec![0; items.len()], ..RuleStats::default() },
            layout: items.iter().map(|item| !item.missing).collect(),
            positives,
            missing,
            until: until.map(|item| keys.columns(&item.keys)),
            maxspan,
            seat,
            ledger: Ledger::new(repeats),
            ranks: None,
            watcher: None,
        }
    }

    /// The role of each item, in item order, then that of `until`.
    pub(crate) fn roles(&self) -> impl Iterator<Item = Role> {
        let (mut positives, mut missing) = (0, 0);
        self.layout
            .iter()
            .map(move |positive| {
                if *positive {
                    positives += 1;
                    Role::Positive(Reverse(positives - 1))
                } else {
                    missing += 1;
                    Role::Missing(missing - 1)
                }
            })
            .chain(self.until.iter().map(|_| Role::Until))
    }

    /// Offers an event to one item. Items of one event come in the order of [`Role`]. Tells whether what it
    /// holds may have changed.
    pub(crate) fn step(
        &mut self,
        role: Role,
        table: &mut Table,
        offer: &mut Offer<'_>,
        keys: &mut KeyScratch,
        out: &mut Vec<Match>,
    ) -> bool {
        let mut changed = false;
        match role {
            Role::Positive(Reverse(index)) => {
                let index = index as usize;
                let Some(item) = self.positives.get(index) else { return false };
                let number = item.item as usize;
                count(&mut self.stats, number);
                keys.fill(offer.event, item.keys);
                self.tell_keyless(keys, number, offer);
                for number in 0..keys.len() {
                    changed |= self.positive(index, table, keys.get(number), offer, out);
                }
            }
            Role::Missing(index) => {
                let Some(item) = self.missing.get(index as usize) else { return false };
                let (place, number) = (item.place, item.item as usize);
                count(&mut self.stats, number);
                keys.fill(offer.event, item.keys);
                self.tell_keyless(keys, number, offer);
                for number in 0..keys.len() {
                    changed |= self.absent(place, table, keys.get(number), offer);
                }
            }
            Role::Until => {
                let Some(columns) = self.until else { return false };
                keys.fill(offer.event, columns);
                for number in 0..keys.len() {
                    changed |= self.cut(table, keys.get(number), offer);
                }
            }
        }
        changed
    }

    fn positive(
        &mut self,
        index: usize,
        table: &mut Table,
        key: Key<'_>,
        offer: &mut Offer<'_>,
        out: &mut Vec<Match>,
    ) -> bool {
        let last = index + 1 == self.positives.len();
        let mut partial = if index == 0 {
            self.begin(table, key, offer)
        } else {
            match self.take(index, table, key, offer, last) {
                Taken::Partial(partial) => partial,
                Taken::Nothing => return false,
                Taken::Expired => return true,
            }
        };
        let time = offer.time();
        if let Some(missing) = partial.end_gap(time) {
            tell(&mut self.watcher, key.bytes, &partial.events, Fate::Spoiled(missing));
        }
        partial.take_in(offer.ordinal(), || offer.keep());
        if !partial.is_ghost() {
            let fate = match index {
                0 => Fate::Begun,
                _ => Fate::Advanced(self.number(index)),
            };
            tell(&mut self.watcher, key.bytes, &partial.events, fate);
        }
        if last && partial.is_ghost() {
            // It would have been a match; it has been counted when it was given up.
        } else if last {
            self.complete(table, key, partial, time, out);
        } else {
            self.store(index, table, key, partial, offer);
        }
        true
    }

    /// Tells of an event that lacks a column of the join key.
    fn tell_keyless(&mut self, keys: &KeyScratch, item: usize, offer: &mut Offer<'_>) {
        if keys.is_lacking() && self.watcher.is_some() {
            tell(&mut self.watcher, &[], &[], Fate::NoKey(item, &offer.keep()));
        }
    }

    /// Tells of an event that is of no use to the partials of its key.
    fn tell_unused(
        &mut self,
        index: usize,
        key: &[u8],
        held: &[Arc<Kept>],
        offer: &mut Offer<'_>,
        late: bool,
    ) {
        if self.watcher.is_some() {
            let item = self.number(index);
            let event = offer.keep();
            let fate = if late { Fate::Late(item, &event) } else { Fate::Alone(item, &event) };
            tell(&mut self.watcher, key, held, fate);
        }
    }

    /// The number among all items of a positive one.
    fn number(&self, index: usize) -> usize {
        self.positives.get(index).map_or(0, |positive| positive.item as usize)
    }

    /// A partial that lacks its first event.
    fn begin(&mut self, table: &mut Table, key: Key<'_>, offer: &Offer<'_>) -> Partial {
        let time = offer.time();
        let leading = if self.leading {
            let known = table.find(key, self.seat).and_then(|place| table.get(place, self.seat));
            known.and_then(|state| {
                state.leading().into_iter().flatten().find(|missing| *missing < time)
            })
        } else {
            None
        };
        self.stats.begun += 1;
        Partial::new(leading)
    }

    /// Takes the partial that waits for item `index`. When that is the last item, its key is settled.
    fn take(
        &mut self,
        index: usize,
        table: &mut Table,
        key: Key<'_>,
        offer: &mut Offer<'_>,
        last: bool,
    ) -> Taken {
        let place = table.find(key, self.seat);
        let state = place.and_then(|place| Some((place, table.get_mut(place, self.seat)?.1)));
        let waits = state.and_then(|(place, state)| {
            let latest = state.last_of(index - 1)?;
            Some((place, state, latest))
        });
        // A late event cannot follow what happened after it.
        let late = waits.as_ref().is_some_and(|(.., latest)| *latest >= offer.ordinal());
        let Some((place, state, _)) = waits.filter(|_| !late) else {
            self.tell_unused(index, key.bytes, &[], offer, late);
            return Taken::Nothing;
        };
        let Some(partial) = state.take(index - 1) else { return Taken::Nothing };
        let span = offer.time().since(partial.first());
        let expired = self.maxspan.is_some_and(|maxspan| span > maxspan);
        if expired || last {
            state.release(&partial, &mut self.ledger);
            self.settle(table, place);
        }
        if expired {
            self.stats.expired += u64::from(!partial.is_ghost());
            if !partial.is_ghost() && self.watcher.is_some() {
                let fate = Fate::Expired(Some(&offer.keep()));
                tell(&mut self.watcher, key.bytes, &partial.events, fate);
            }
            return Taken::Expired;
        }
        Taken::Partial(partial)
    }

    /// Puts a partial that has just got its event for item `index` into its slot.
    fn store(
        &mut self,
        index: usize,
        table: &mut Table,
        key: Key<'_>,
        partial: Partial,
        offer: &mut Offer<'_>,
    ) {
        let place = table.find_or_insert(key, self.seat);
        let Some((_, state)) = table.get_mut(place, self.seat) else { return };
        if let Some(newest) = partial.events.last() {
            state.hold(newest, &mut self.ledger);
        }
        if index == 0 {
            state.hold_marks(&partial);
        }
        let ghost = partial.is_ghost();
        let deadline = self.maxspan.map(|maxspan| partial.first().plus(maxspan));
        let newer = state.last_of(index).is_some_and(|newer| newer > partial.last());
        if offer.late && newer {
            state.release(&partial, &mut self.ledger);
            if !ghost {
                self.tell_unused(index, key.bytes, &partial.events, offer, true);
            }
        } else {
            if let Some(older) = state.put(index, partial) {
                // INVARIANT: one partial per (slot, key). A newer one replaces an older one: its last
                // event is newer, and what the older could still become is given up, as Elasticsearch
                // does.
                state.release(&older, &mut self.ledger);
                if !older.is_ghost() {
                    self.stats.replaced += 1;
                    tell(&mut self.watcher, key.bytes, &older.events, Fate::Replaced);
                }
            }
            if !ghost {
                self.note(table, place);
            }
        }
        if let Some(deadline) = deadline {
            table.wake(place, self.seat, deadline);
        }
        self.settle(table, place);
    }

    /// Counts what a key takes, and gives it up when nothing is left of it.
    fn settle(&mut self, table: &mut Table, place: Place) {
        let Some((key, state)) = table.get_mut(place, self.seat) else { return };
        let idle = state.is_idle();
        state.trim();
        let bytes = if idle { 0 } else { state.bytes() + Table::STATE_BYTES };
        let host = if idle { state.charged_to } else { state.host() };
        let before = std::mem::replace(&mut state.charged, bytes);
        let payer = std::mem::replace(&mut state.charged_to, host);
        self.ledger.charge(Table::bytes_of(key), (payer, before), (host, bytes));
        if idle {
            table.remove(place, self.seat);
        }
    }

    /// A finished positive part: accept, reject or wait for what must not follow.
    fn complete(
        &mut self,
        table: &mut Table,
        key: Key<'_>,
        partial: Partial,
        now: Timestamp,
        out: &mut Vec<Match>,
    ) {
        if partial.marks().is_some_and(|marks| marks.spoiled) {
            self.stats.rejected += 1;
            tell(&mut self.watcher, key.bytes, &partial.events, Fate::Rejected(None));
            return;
        }
        let maxspan = self.maxspan.unwrap_or(Duration(i64::MAX));
        let leading = partial.marks().and_then(|marks| marks.leading);
        let wait_from = match (self.leading, self.trailing) {
            (false, false) => None,
            (true, false) => {
                let near = |missing| partial.last().time.since(missing) <= maxspan;
                if leading.is_some_and(near) {
                    self.stats.rejected += 1;
                    tell(&mut self.watcher, key.bytes, &partial.events, Fate::Rejected(None));
                    return;
                }
                None
            }
            (false, true) => Some(partial.first()),
            // With both kinds a leading one that never was leaves nothing to forbid.
            (true, true) => leading,
        };
        let Some(from) = wait_from else {
            self.emit(key.bytes, partial, now, out);
            return;
        };
        let deadline = from.plus(maxspan).min(LAST_DEADLINE);
        if deadline < now {
            self.emit(key.bytes, partial, now, out);
            return;
        }
        tell(&mut self.watcher, key.bytes, &partial.events, Fate::Waits);
        let place = table.find_or_insert(key, self.seat);
        if let Some((_, state)) = table.get_mut(place, self.seat) {
            state.wait(Waiting { deadline, partial }, &mut self.ledger);
        }
        self.note(table, place);
        table.wake(place, self.seat, deadline);
        self.settle(table, place);
    }

    fn emit(&mut self, key: &[u8], partial: Partial, decided: Timestamp, out: &mut Vec<Match>) {
        self.stats.matches += 1;
        tell(&mut self.watcher, key, &partial.events, Fate::Matched);
        let mut events = partial.events.into_iter();
        let layout = self.layout.iter();
        out.push(Match {
            rule: self.rule,
            keys: decode(key),
            events: layout.map(|p| p.then(|| events.next()).flatten()).collect(),
            decided,
            absence: !self.missing.is_empty(),
            counted: None,
        });
    }

    /// A missing item did occur.
    fn absent(
        &mut self,
        at: Absent,
        table: &mut Table,
        key: Key<'_>,
        offer: &mut Offer<'_>,
    ) -> bool {
        let time = offer.time();
        let place = match at {
            Absent::Leading => table.find_or_insert(key, self.seat),
            _ => match table.find(key, self.seat) {
                Some(place) => place,
                None => return false,
            },
        };
        let Some((_, state)) = table.get_mut(place, self.seat) else { return false };
        match at {
            Absent::Leading => {
                let [newest, older] = state.leading();
                if [newest, older].contains(&Some(time)) {
                    return false;
                }
                if newest < Some(time) {
                    let of = offer.event.host();
                    state.set_leading([Some(time), newest]);
                    state.set_leading_host(of.cloned());
                    self.note(table, place);
                } else {
                    state.set_leading([newest, older.max(Some(time))]);
                }
                if let Some(maxspan) = self.maxspan {
                    table.wake(place, self.seat, time.plus(maxspan));
                }
            }
            Absent::Behind(index) => {
                state.mark_gap(index, time);
            }
            Absent::Trailing => {
                let rejected = state.end_waits(&mut self.ledger, |waiting| {
                    time > waiting.partial.last().time && time <= waiting.deadline
                });
                self.stats.rejected += rejected.len() as u64;
                if self.watcher.is_some() {
                    let by = offer.keep();
                    for waiting in &rejected {
                        let fate = Fate::Rejected(Some(&by));
                        tell(&mut self.watcher, key.bytes, &waiting.partial.events, fate);
                    }
                }
            }
        }
        self.settle(table, place);
        true
    }
}

/// Counts an event that satisfies an item.
fn count(stats: &mut RuleStats, item: usize) {
    if let Some(count) = stats.reached.get_mut(item) {
        *count += 1;
    }
}
