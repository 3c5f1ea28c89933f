//! The state machine of `sample`: distinct events of one key, one per item, in any order.
//!
//! Every assignment of events to items is found when its newest event arrives. Per key at most
//! `per_key` samples are reported. With a window, the events of a sample lie at most that far apart,
//! and a key may be reported again once the window has left its last sample behind.

mod list;
mod saved;

use std::sync::Arc;

use smallvec::SmallVec;

use super::key::{Columns, KeyScratch, decode};
use super::ledger::Ledger;
use super::ranks::{Rank, Ranks};
use super::table::{AHEAD, KeyTable, KeyView, Pending, Place, Seat};
use super::watch::{Change, Fate, Held, Watcher};
use super::{Cause, Evicted, Match, Offer, RuleStats};
use crate::event::{Host, Kept};
use crate::near;
use crate::plan::{Item, RuleIx};
use crate::state::key_hash;
use crate::time::{Duration, Timestamp};
use list::List;

/// The pending keys of the samples that share a table.
pub(crate) type Table = KeyTable<State>;

/// A program and its pending keys.
#[derive(Debug)]
pub(crate) struct Sample {
    rule: RuleIx,
    items: SmallVec<[Columns; 4]>,
    per_key: usize,
    window: Option<Duration>,
    at_end: bool,
    /// Where its keys are in the table it shares with others.
    pub(crate) seat: Seat,
    pub(crate) ledger: Ledger,
    /// What goes first when memory runs out; only while it does.
    pub(crate) ranks: Option<Ranks>,
    /// Keys that the event at hand was added to; empty between events.
    touched: Vec<Place>,
    pub(crate) stats: RuleStats,
    pub(crate) watcher: Watcher,
}

/// What is known of one key.
#[derive(Debug)]
pub(crate) struct State {
    /// Events that fit each item; none once nothing is waited for any more.
    lists: SmallVec<[List; 2]>,
    /// Samples reported.
    reported: usize,
    /// Time of the newest of them.
    newest_sample: Option<Timestamp>,
    /// Time of the newest event added.
    newest: Option<Timestamp>,
    /// When to look at it again.
    timer: Timestamp,
    /// Bytes of its events.
    bytes: usize,
    /// What this key was last counted as.
    charged: usize,
    /// The host of its first event, which pays for all of it.
    host: Option<Arc<Host>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            lists: SmallVec::new(),
            reported: 0,
            newest_sample: None,
            newest: None,
            timer: Timestamp::MAX,
            bytes: 0,
            charged: 0,
            host: None,
        }
    }
}

impl Pending for State {
    fn timer(&self) -> Timestamp {
        self.timer
    }

    fn set_timer(&mut self, timer: Timestamp) {
        self.timer = timer;
    }

    fn bring(&self) {
        let events = self.lists.iter().filter_map(List::first);
        events.for_each(near::bring_shared);
    }

    fn bring_more(&self) {
        self.lists.iter().filter_map(List::first).for_each(|event| event.bring());
    }
}

impl State {
    /// Lets go of the first event of a list.
    fn drop_first(&mut self, list: usize, ledger: &mut Ledger) {
        if let Some(event) = self.lists.get_mut(list).and_then(List::pop_first) {
            ledger.release(&event);
            self.bytes = self.bytes.saturating_sub(event.size_bytes());
        }
    }

    /// Lets go of all events.
    fn drop_all(&mut self, ledger: &mut Ledger) {
        self.bytes = 0;
        let lists = std::mem::take(&mut self.lists);
        lists.iter().flat_map(List::iter).for_each(|event| ledger.release(event));
    }

    /// Bytes beyond the state itself.
    fn bytes(&self) -> usize {
        let spilled = if self.lists.spilled() { self.lists.capacity() } else { 0 };
        let lists = self.lists.iter().map(List::bytes).sum::<usize>();
        self.bytes + spilled * size_of::<List>() + lists
    }

    /// The number of the host that pays.
    fn payer(&self) -> u32 {
        self.host.as_ref().map_or(0, |host| host.index)
    }

    /// When it is given up: stage, host, time.
    fn rank(&self, items: usize) -> (u32, u32, Timestamp) {
        // A key that has been reported goes last: without it the same would be reported again.
        let stage = match self.lists.len() {
            0 => items,
            _ => self.lists.iter().filter(|list| !list.is_empty()).count(),
        };
        let stage = u32::try_from(stage).unwrap_or(u32::MAX);
        (stage, self.payer(), self.newest.unwrap_or(Timestamp::MAX))
    }
}

impl Sample {
    pub(crate) fn new(
        rule: RuleIx,
        items: &[Item],
        per_key: usize,
        window: Option<Duration>,
        seat: Seat,
        keys: &mut KeyScratch,
    ) -> Self {
        Self {
            rule,
            items: items.iter().map(|item| keys.columns(&item.keys)).collect(),
            per_key: per_key.max(1),
            window,
            at_end: false,
            seat,
            ledger: Ledger::default(),
            ranks: None,
            touched: Vec::new(),
            watcher: None,
            stats: RuleStats { reached: vec![0; items.len()], ..RuleStats::default() },
        }
    }

    /// The same, but it reports at the end of the log only; see [`Sample::finish`].
    pub(crate) fn at_end(self, at_end: bool) -> Self {
        Self { at_end, ..self }
    }

    /// Offers an event to the items it satisfies, all at once and in item order.
    pub(crate) fn step(
        &mut self,
        items: impl Iterator<Item = u32>,
        table: &mut Table,
        offer: &mut Offer<'_>,
        keys: &mut KeyScratch,
        out: &mut Vec<Match>,
    ) {
        let mut touched = std::mem::take(&mut self.touched);
        for item in items.map(|item| item as usize) {
            if let Some(count) = self.stats.reached.get_mut(item) {
                *count += 1;
            }
            let Some(columns) = self.items.get(item).copied() else { continue };
            keys.fill(offer.event, columns);
            if keys.is_lacking() && self.watcher.is_some() {
                tell(&mut self.watcher, KeyView::default(), None, Fate::NoKey(item, &offer.keep()));
            }
            for number in 0..keys.len() {
                let place = table.find_or_insert(keys.get(number), self.seat);
                let added = self.add(table, place, item, offer);
                self.settle(table, place);
                if added.is_some() && !touched.contains(&place) {
                    touched.push(place);
                }
            }
        }
        if self.at_end {
            touched.clear();
        }
        for place in touched.drain(..) {
            self.report(table, place, offer, out);
        }
        self.touched = touched;
    }

    /// Adds the event to one list of a key; `None` when there is no use for it.
    fn add(
        &mut self,
        table: &mut Table,
        place: Place,
        item: usize,
        offer: &mut Offer<'_>,
    ) -> Option<()> {
        let items = self.items.len();
        let time = offer.time();
        let (key, state) = table.get_mut(place, self.seat)?;
        if let Some(window) = self.window {
            // What came late and lies too far back for the newest would need lists of its own.
            if state.newest.is_some_and(|newest| newest.since(time) > window) {
                return None;
            }
            let oldest = time.minus(window);
            if state.newest_sample.is_some_and(|newest| newest < oldest) {
                state.reported = 0;
            }
            let is_old = |event: &Arc<Kept>| event.ordinal.time < oldest;
            let leaves = |list: &List| list.first().is_some_and(is_old);
            if self.watcher.is_some() && state.lists.iter().any(leaves) && state.reported == 0 {
                tell(&mut self.watcher, key, Some(&state.lists), Fate::Expired(None));
            }
            for list in 0..state.lists.len() {
                while state.lists.get(list).and_then(List::first).is_some_and(&is_old) {
                    state.drop_first(list, &mut self.ledger);
                }
            }
        }
        if state.reported >= self.per_key {
            return None;
        }
        if state.lists.is_empty() {
            state.lists.reserve_exact(items);
            state.lists.resize_with(items, List::default);
            if state.charged == 0 {
                state.host = offer.event.host().cloned();
            }
            self.stats.begun += 1;
            tell(&mut self.watcher, key, None, Fate::Begun);
        }
        // More than n+m-1 events in a list cannot make more than m samples.
        let room = items + self.per_key - 1;
        if state.lists.get(item)?.len() >= room {
            // With a window the newest are worth more: they stay longest.
            self.window?;
            state.drop_first(item, &mut self.ledger);
        }
        let list = state.lists.get_mut(item)?;
        let event = offer.keep();
        self.ledger.hold(&event);
        state.bytes += event.size_bytes();
        // A late event takes its place, so that the first is what a window leaves behind first.
        list.insert(event);
        tell(&mut self.watcher, key, Some(&state.lists), Fate::Advanced(item));
        state.newest = state.newest.max(Some(time));
        if let Some(window) = self.window
            && state.timer == Timestamp::MAX
        {
            table.wake(place, self.seat, time.plus(window));
        }
        Some(())
    }

    /// Counts what a key takes.
    fn settle(&mut self, table: &mut Table, place: Place) {
        let Some((key, state)) = table.get_mut(place, self.seat) else { return };
        let bytes = state.bytes() + Table::STATE_BYTES;
        let before = std::mem::replace(&mut state.charged, bytes);
        let payer = state.payer();
        self.ledger.charge(Table::bytes_of(key), (payer, before), (payer, bytes));
        self.note(table, place);
    }

    /// Gives up the state of a key.
    fn remove(&mut self, table: &mut Table, place: Place) {
        let Some((key, state)) = table.get_mut(place, self.seat) else { return };
        let payer = state.payer();
        self.ledger.charge(Table::bytes_of(key), (payer, state.charged), (payer, 0));
        state.drop_all(&mut self.ledger);
        table.remove(place, self.seat);
    }

    /// Notes that a place has got something, if memory has run out before.
    fn note(&mut self, table: &Table, place: Place) {
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
        let items = self.items.len();
        let Some(mut ranks) = self.ranks.take() else { return };
        let noted = ranks.noted();
        for (place, at) in noted.iter().copied().zip(1..) {
            table.bring(AHEAD.map(|ahead| noted.get(at + ahead).copied()));
            if let Some((key, state)) = table.get_mut(place, self.seat) {
                self.rank_all(&mut ranks, place, key, state);
            }
        }
        ranks.tidy(|rank| {
            let known = table.get(rank.place, self.seat).map(|state| state.rank(items));
            known == Some((rank.stage, rank.host, rank.time))
        });
        self.ranks = Some(ranks);
    }

    /// Ranks one key.
    pub(crate) fn rank_all(
        &self,
        ranks: &mut Ranks,
        place: Place,
        key: KeyView<'_>,
        state: &State,
    ) {
        let (stage, host, time) = state.rank(self.items.len());
        let tie = key_hash(key.each_byte());
        ranks.add(Rank { stage, host, time, tie, place });
    }

    /// Counts by host what it holds, if it does not yet.
    pub(crate) fn count_hosts(&mut self, table: &Table) {
        if !self.ledger.counts_hosts() {
            let states = table.places(self.seat);
            self.ledger.count_hosts(states.map(|(.., state)| (state.payer(), state.charged)));
        }
    }

    /// The number of stages.
    pub(crate) fn stages(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// When what has this time in [`Self::ranks`] expires.
    pub(crate) fn expires(&self, time: Timestamp) -> Timestamp {
        self.window.map_or(Timestamp::MAX, |window| time.plus(window))
    }

    /// Reports the samples of a key that the offered event completes.
    fn report(
        &mut self,
        table: &mut Table,
        place: Place,
        offer: &mut Offer<'_>,
        out: &mut Vec<Match>,
    ) {
        let newest = offer.keep();
        let Some((key, state)) = table.get_mut(place, self.seat) else { return };
        if state.lists.iter().any(List::is_empty) {
            return;
        }
        let wanted = self.per_key - state.reported;
        let found = assignments(&state.lists, Some(&newest), wanted);
        if found.is_empty() {
            return;
        }
        tell(&mut self.watcher, key, Some(&state.lists), Fate::Matched);
        let key = decode(&key.bytes());
        state.reported += found.len();
        state.newest_sample = state.newest_sample.max(Some(offer.time()));
        self.stats.matches += found.len() as u64;
        for events in found {
            out.push(Match {
                rule: self.rule,
                keys: key.clone(),
                events: events.into_iter().map(Some).collect(),
                decided: offer.time(),
                absence: false,
                counted: None,
            });
        }
        if state.reported >= self.per_key {
            // Only the key is kept, so that it is not reported again.
            state.drop_all(&mut self.ledger);
            self.settle(table, place);
        }
    }

    /// The log has ended: reports what is left to be reported, the earliest events of the first item
    /// first. Keys come in no particular order.
    pub(crate) fn finish(&mut self, table: &mut Table, out: &mut Vec<Match>) {
        if !self.at_end {
            return;
        }
        let places: Vec<Place> = table.places(self.seat).map(|(place, ..)| place).collect();
        for place in places {
            let Some((key, state)) = table.get_mut(place, self.seat) else { continue };
            if state.lists.len() != self.items.len() {
                continue;
            }
            let wanted = self.per_key - state.reported;
            let found = assignments(&state.lists, None, wanted);
            if !found.is_empty() {
                tell(&mut self.watcher, key, Some(&state.lists), Fate::Matched);
            }
            let key = decode(&key.bytes());
            let decided = state.newest.unwrap_or(Timestamp::MAX);
            state.reported += found.len();
            self.stats.matches += found.len() as u64;
            out.extend(found.into_iter().map(|events| Match {
                rule: self.rule,
                keys: key.clone(),
                events: events.into_iter().map(Some).collect(),
                decided,
                absence: false,
                counted: None,
            }));
        }
    }

    /// Time has come to `now`, past the timer of the key at `place`: forgets it when the window has left it
    /// behind.
    pub(crate) fn expire(&mut self, table: &mut Table, place: Place, now: Timestamp) {
        let Some(window) = self.window else { return };
        let Some((key, state)) = table.get_mut(place, self.seat) else { return };
        let oldest = now.minus(window);
        if let Some(newest) = state.newest.filter(|newest| *newest >= oldest) {
            table.wake(place, self.seat, newest.plus(window));
            return;
        }
        self.stats.expired += u64::from(state.reported == 0);
        if state.reported == 0 {
            tell(&mut self.watcher, key, Some(&state.lists), Fate::Expired(None));
        }
        self.remove(table, place);
    }

    /// The input has ended: tells of keys that have not been reported.
    pub(crate) fn tell_left(&mut self, table: &Table) {
        if self.watcher.is_some() {
            let left = table.places(self.seat).filter(|(.., state)| state.reported == 0);
            for (_, key, state) in left {
                tell(&mut self.watcher, key, Some(&state.lists), Fate::Left);
            }
        }
    }

    /// Gives up the key that goes first of a stage and a host. `None` when [`Self::ranks`] has nothing
    /// there.
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
        let items = self.items.len();
        let Some((key, state)) = table.get_mut(place, self.seat) else { return Some(evicted) };
        if state.rank(items) == (stage, host, time) {
            tell(&mut self.watcher, key, Some(&state.lists), Fate::Evicted);
            evicted.count = 1;
            self.stats.give_up(stage, cause, 1);
            self.remove(table, place);
        }
        Some(evicted)
    }
}

/// Tells a watcher, if there is one, of a key with these lists.
#[inline]
fn tell(watcher: &mut Watcher, key: KeyView<'_>, lists: Option<&[List]>, fate: Fate<'_>) {
    if let Some(watch) = watcher {
        let oldest: Vec<_> =
            lists.into_iter().flatten().map(|list| list.first().cloned()).collect();
        watch.told(&Change { key: &key.bytes(), held: Held::Items(&oldest), fate });
    }
}

/// Up to `wanted` ways to pick one event from each list, all distinct and `newest`, if any, among them.
///
/// Depth-first, the first list outermost, each list in order. Before each step a matching shows
/// whether the rest can be completed at all, so that no dead end is entered: the work is polynomial
/// in the lists even when many items are alike.
fn assignments(lists: &[List], newest: Option<&Arc<Kept>>, wanted: usize) -> Vec<Vec<Arc<Kept>>> {
    let mut search = Search { lists, newest, wanted, chosen: Vec::new(), found: Vec::new() };
    if search.can_complete(newest.is_none()) {
        search.descend(newest.is_none());
    }
    search.found
}

struct Search<'a> {
    lists: &'a [List],
    newest: Option<&'a Arc<Kept>>,
    wanted: usize,
    chosen: Vec<&'a Arc<Kept>>,
    found: Vec<Vec<Arc<Kept>>>,
}

impl<'a> Search<'a> {
    fn descend(&mut self, has_newest: bool) {
        let Some(list) = self.lists.get(self.chosen.len()) else {
            self.found.push(self.chosen.iter().map(|event| Arc::clone(event)).collect());
            return;
        };
        for event in list.iter() {
            if self.found.len() >= self.wanted {
                return;
            }
            if self.chosen.iter().any(|used| Arc::ptr_eq(used, event)) {
                continue;
            }
            let has_newest = has_newest || self.is_newest(event);
            self.chosen.push(event);
            if self.can_complete(has_newest) {
                self.descend(has_newest);
            }
            self.chosen.pop();
        }
    }

    fn is_newest(&self, event: &Arc<Kept>) -> bool {
        self.newest.is_some_and(|newest| Arc::ptr_eq(event, newest))
    }

    /// Whether the lists behind the chosen events can still be served, with the newest event if it has
    /// not been chosen.
    fn can_complete(&self, has_newest: bool) -> bool {
        let rest = self.lists.get(self.chosen.len()..).unwrap_or_default();
        if has_newest {
            return self.matching(rest, None);
        }
        (0..rest.len()).any(|at| {
            let holds = rest.get(at).is_some_and(|l| l.iter().any(|e| self.is_newest(e)));
            holds && self.matching(rest, Some(at))
        })
    }

    /// Kuhn's algorithm; list `fixed` takes the newest event, which no other list may take.
    fn matching(&self, rest: &[List], fixed: Option<usize>) -> bool {
        let mut taken: Vec<(&Arc<Kept>, usize)> = Vec::new();
        (0..rest.len()).filter(|list| Some(*list) != fixed).all(|list| {
            let mut visited = Vec::new();
            self.augment(rest, list, fixed.is_some(), &mut taken, &mut visited)
        })
    }

    fn augment<'b>(
        &self,
        rest: &'b [List],
        list: usize,
        newest_used: bool,
        taken: &mut Vec<(&'b Arc<Kept>, usize)>,
        visited: &mut Vec<&'b Arc<Kept>>,
    ) -> bool {
        for event in rest.get(list).into_iter().flat_map(List::iter) {
            let used = self.chosen.iter().any(|chosen| Arc::ptr_eq(chosen, event));
            if used
                || (newest_used && self.is_newest(event))
                || visited.iter().any(|seen| Arc::ptr_eq(seen, event))
            {
                continue;
            }
            visited.push(event);
            let holder = taken.iter().position(|(held, _)| Arc::ptr_eq(held, event));
            let Some(holder) = holder else {
                taken.push((event, list));
                return true;
            };
            let other = taken.get(holder).map_or(0, |(_, other)| *other);
            if self.augment(rest, other, newest_used, taken, visited) {
                if let Some(entry) = taken.iter_mut().find(|(held, _)| Arc::ptr_eq(held, event)) {
                    entry.1 = list;
                }
                return true;
            }
        }
        false
    }
}
