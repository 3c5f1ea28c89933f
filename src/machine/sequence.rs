//! The state machine of `sequence`.
//!
//! One partial per (key, slot); an event is offered to the last stage first, so it fills at most one
//! stage of one partial; a newer partial replaces an older one in its slot; advancing empties the slot
//! it came from. Missing items (`![..]`) never take part in this: they leave marks on partials, and a
//! finished partial is accepted or rejected by its marks.
//!
//! Cost of an event: the items it satisfies times the keys it has for them. Cost of time passing: the
//! partials that end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::key::{KeyScratch, decode};
use super::table::{KeyTable, Place};
use super::{Candidate, Match, Offer, RuleStats};
use crate::event::Kept;
use crate::plan::{Item, KeyColumn, RuleIx};
use crate::time::{Duration, Ordinal, Timestamp};

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

#[derive(Debug)]
struct MissingItem {
    place: Absent,
    keys: Vec<KeyColumn>,
}

/// What a key costs besides its partials, about.
const STATE_BYTES: usize = size_of::<State>() + 64;

/// A program and its partials.
#[derive(Debug)]
pub(crate) struct Sequence {
    rule: RuleIx,
    positives: Vec<Vec<KeyColumn>>,
    missing: Vec<MissingItem>,
    until: Option<Vec<KeyColumn>>,
    maxspan: Option<Duration>,
    /// Output layout: `true` for a positive item.
    layout: Vec<bool>,
    leading: bool,
    trailing: bool,

    table: KeyTable<State>,
    /// When to look at a key again; see [`State::timer`].
    timers: BinaryHeap<Reverse<(Timestamp, Place)>>,
    bytes: usize,
    pub(crate) stats: RuleStats,
}

/// What is known about one join key.
#[derive(Debug, Default)]
struct State {
    /// Slot i holds the partial whose last event filled positive item i.
    slots: Vec<Option<Partial>>,
    /// The last two distinct times of leading missing items, newest first.
    leading: [Option<Timestamp>; 2],
    /// Complete matches that wait for their trailing missing items not to happen.
    waiting: Vec<Waiting>,
    /// The time of this key's valid entry among the timers: one entry a key, so that a flood of starts
    /// cannot fill memory with timers.
    timer: Option<Timestamp>,
}

impl State {
    fn is_idle(&self) -> bool {
        self.slots.iter().all(Option::is_none)
            && self.leading == [None, None]
            && self.waiting.is_empty()
    }

    /// The next time at which something here ends.
    fn next_deadline(&self, maxspan: Duration) -> Option<Timestamp> {
        let partials = self.slots.iter().flatten().map(|partial| partial.first.plus(maxspan));
        let leading = self.leading.iter().flatten().map(|time| time.plus(maxspan));
        let waiting = self.waiting.iter().map(|waiting| waiting.deadline);
        partials.chain(leading).chain(waiting).min()
    }
}

#[derive(Debug)]
struct Partial {
    events: Vec<Arc<Kept>>,
    first: Timestamp,
    last: Ordinal,
    /// Latest leading missing event before the first event.
    leading: Option<Timestamp>,
    /// First missing event of the current gap that is later than the last event.
    gap: Option<Timestamp>,
    /// A gap held a missing event: the match will be rejected. It stays, because a partial it replaced
    /// is gone and must not come back.
    spoiled: bool,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    deadline: Timestamp,
    partial: Partial,
}

impl Sequence {
    pub(crate) fn new(
        rule: RuleIx,
        items: &[Item],
        until: Option<&Item>,
        maxspan: Option<Duration>,
    ) -> Self {
        let last_positive = items.iter().rposition(|item| !item.missing).unwrap_or(0);
        let mut positives = Vec::new();
        let mut missing = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if !item.missing {
                positives.push(item.keys.clone());
                continue;
            }
            let place = match positives.len().checked_sub(1) {
                None => Absent::Leading,
                Some(_) if index > last_positive => Absent::Trailing,
                Some(before) => Absent::Behind(before),
            };
            missing.push(MissingItem { place, keys: item.keys.clone() });
        }
        Self {
            rule,
            leading: missing.iter().any(|m| m.place == Absent::Leading),
            trailing: missing.iter().any(|m| m.place == Absent::Trailing),
            stats: RuleStats { reached: vec![0; items.len()], ..RuleStats::default() },
            layout: items.iter().map(|item| !item.missing).collect(),
            positives,
            missing,
            until: until.map(|item| item.keys.clone()),
            maxspan,
            table: KeyTable::new(),
            timers: BinaryHeap::new(),
            bytes: 0,
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

    /// Bytes held by partials.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.table.bytes()
    }

    /// Number of keys with something pending.
    pub(crate) fn keys(&self) -> usize {
        self.table.len()
    }

    /// When it wants to be told the time.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.peek().map(|Reverse((time, _))| *time)
    }

    /// Offers an event to one item. Items of one event come in the order of [`Role`].
    pub(crate) fn step(
        &mut self,
        role: Role,
        offer: &mut Offer<'_>,
        keys: &mut KeyScratch,
        out: &mut Vec<Match>,
    ) {
        match role {
            Role::Positive(Reverse(index)) => {
                let index = index as usize;
                self.count(index, true);
                let Some(columns) = self.positives.get(index) else { return };
                keys.fill(offer.event, columns);
                for number in 0..keys.len() {
                    self.positive(index, keys.get(number), offer, out);
                }
            }
            Role::Missing(index) => {
                self.count(index as usize, false);
                let Some(item) = self.missing.get(index as usize) else { return };
                let place = item.place;
                keys.fill(offer.event, &item.keys);
                for number in 0..keys.len() {
                    self.absent(place, keys.get(number), offer);
                }
            }
            Role::Until => {
                let Some(columns) = &self.until else { return };
                keys.fill(offer.event, columns);
                for number in 0..keys.len() {
                    self.cut(keys.get(number), offer);
                }
            }
        }
    }

    /// Counts an event that satisfies positive (or missing) item number `index`.
    fn count(&mut self, index: usize, positive: bool) {
        let item = self.layout.iter().enumerate().filter(|(_, p)| **p == positive).nth(index);
        if let Some(count) = item.and_then(|(item, _)| self.stats.reached.get_mut(item)) {
            *count += 1;
        }
    }

    fn positive(&mut self, index: usize, key: &[u8], offer: &mut Offer<'_>, out: &mut Vec<Match>) {
        let partial = if index == 0 {
            self.begin(key, offer)
        } else {
            match self.continue_partial(index, key, offer) {
                Some(partial) => partial,
                None => return,
            }
        };
        if index + 1 == self.positives.len() {
            self.complete(key, partial, offer.time(), out);
        } else {
            self.store(index, key, partial, offer.late);
        }
    }

    fn begin(&mut self, key: &[u8], offer: &mut Offer<'_>) -> Partial {
        let time = offer.time();
        let leading = if self.leading {
            let known = self.table.find(key).and_then(|place| self.table.get_mut(place));
            known.and_then(|(_, state)| {
                state.leading.iter().flatten().copied().find(|missing| *missing < time)
            })
        } else {
            None
        };
        self.stats.begun += 1;
        let event = offer.keep();
        let bytes = event.size_bytes() + size_of::<Partial>() + key.len();
        Partial {
            events: vec![event],
            first: time,
            last: offer.ordinal(),
            leading,
            gap: None,
            spoiled: false,
            bytes,
        }
    }

    /// Takes the partial that waits for item `index` and adds the event to it.
    fn continue_partial(
        &mut self,
        index: usize,
        key: &[u8],
        offer: &mut Offer<'_>,
    ) -> Option<Partial> {
        let place = self.table.find(key)?;
        let (_, state) = self.table.get_mut(place)?;
        let slot = state.slots.get_mut(index - 1)?;
        // A late event cannot follow what happened after it.
        if slot.as_ref().is_none_or(|partial| partial.last >= offer.ordinal()) {
            return None;
        }
        let mut partial = slot.take()?;
        let idle = state.is_idle();
        self.bytes = self.bytes.saturating_sub(partial.bytes);
        let time = offer.time();
        let expired = self.maxspan.is_some_and(|maxspan| time.since(partial.first) > maxspan);
        if idle && (expired || index + 1 == self.positives.len()) {
            self.table.remove(place);
        }
        if expired {
            self.stats.expired += 1;
            return None;
        }
        partial.spoiled |= partial.gap.take().is_some_and(|missing| missing < time);
        partial.last = offer.ordinal();
        let event = offer.keep();
        partial.bytes += event.size_bytes();
        partial.events.push(event);
        Some(partial)
    }

    fn store(&mut self, index: usize, key: &[u8], partial: Partial, late: bool) {
        let place = self.table.find_or_insert(key);
        let slots = self.positives.len().saturating_sub(1);
        let Some((_, state)) = self.table.get_mut(place) else { return };
        if state.slots.is_empty() {
            state.slots.resize_with(slots, || None);
        }
        let Some(slot) = state.slots.get_mut(index) else { return };
        if late && slot.as_ref().is_some_and(|newer| newer.last > partial.last) {
            return;
        }
        self.bytes += partial.bytes;
        let deadline = self.maxspan.map(|maxspan| partial.first.plus(maxspan));
        // INVARIANT: one partial per (slot, key). A newer one replaces an older one: its last event is
        // newer, and what the older could still become is given up, as Elasticsearch does.
        if let Some(older) = slot.replace(partial) {
            self.bytes = self.bytes.saturating_sub(older.bytes);
            self.stats.replaced += 1;
        }
        if let Some(deadline) = deadline {
            self.set_timer(place, deadline);
        }
    }

    /// Sees to it that the key at `place` is looked at when `deadline` is past.
    fn set_timer(&mut self, place: Place, deadline: Timestamp) {
        let Some((_, state)) = self.table.get_mut(place) else { return };
        if state.timer.is_none_or(|timer| deadline < timer) {
            state.timer = Some(deadline);
            self.timers.push(Reverse((deadline, place)));
        }
    }

    /// A finished positive part: accept, reject or wait for what must not follow.
    fn complete(&mut self, key: &[u8], partial: Partial, now: Timestamp, out: &mut Vec<Match>) {
        if partial.spoiled {
            self.stats.rejected += 1;
            return;
        }
        let maxspan = self.maxspan.unwrap_or(Duration(i64::MAX));
        let wait_from = match (self.leading, self.trailing) {
            (false, false) => None,
            (true, false) => {
                let near = |missing| partial.last.time.since(missing) <= maxspan;
                if partial.leading.is_some_and(near) {
                    self.stats.rejected += 1;
                    return;
                }
                None
            }
            (false, true) => Some(partial.first),
            // With both kinds a leading one that never was leaves nothing to forbid.
            (true, true) => partial.leading,
        };
        let Some(from) = wait_from else {
            self.emit(key, partial, now, out);
            return;
        };
        let deadline = from.plus(maxspan);
        if deadline < now {
            self.emit(key, partial, now, out);
            return;
        }
        let place = self.table.find_or_insert(key);
        self.bytes += partial.bytes;
        if let Some((_, state)) = self.table.get_mut(place) {
            state.waiting.push(Waiting { deadline, partial });
        }
        self.set_timer(place, deadline);
    }

    fn emit(&mut self, key: &[u8], partial: Partial, decided: Timestamp, out: &mut Vec<Match>) {
        self.stats.matches += 1;
        let mut events = partial.events.into_iter();
        let layout = self.layout.iter();
        out.push(Match {
            rule: self.rule,
            keys: decode(key),
            events: layout.map(|p| p.then(|| events.next()).flatten()).collect(),
            decided,
            absence: !self.missing.is_empty(),
        });
    }

    /// A missing item did occur.
    fn absent(&mut self, at: Absent, key: &[u8], offer: &Offer<'_>) {
        let time = offer.time();
        let place = match at {
            Absent::Leading => self.table.find_or_insert(key),
            _ => match self.table.find(key) {
                Some(place) => place,
                None => return,
            },
        };
        let Some((_, state)) = self.table.get_mut(place) else { return };
        match at {
            Absent::Leading => {
                if state.leading.contains(&Some(time)) {
                    return;
                }
                let [newest, older] = state.leading;
                state.leading = if newest < Some(time) {
                    [Some(time), newest]
                } else {
                    [newest, older.max(Some(time))]
                };
                if let Some(maxspan) = self.maxspan {
                    self.set_timer(place, time.plus(maxspan));
                }
            }
            Absent::Behind(index) => {
                if let Some(Some(partial)) = state.slots.get_mut(index)
                    && time > partial.last.time
                    && partial.gap.is_none_or(|known| time < known)
                {
                    partial.gap = Some(time);
                }
            }
            Absent::Trailing => {
                let before = state.waiting.len();
                let mut freed = 0;
                state.waiting.retain(|waiting| {
                    let kills = time > waiting.partial.last.time && time <= waiting.deadline;
                    if kills {
                        freed += waiting.partial.bytes;
                    }
                    !kills
                });
                self.stats.rejected += (before - state.waiting.len()) as u64;
                self.bytes = self.bytes.saturating_sub(freed);
                if state.is_idle() {
                    self.table.remove(place);
                }
            }
        }
    }

    /// `until`: every partial of the key ends.
    fn cut(&mut self, key: &[u8], offer: &Offer<'_>) {
        let Some(place) = self.table.find(key) else { return };
        let Some((_, state)) = self.table.get_mut(place) else { return };
        for slot in &mut state.slots {
            // A late `until` leaves alone what began after it.
            if slot.as_ref().is_some_and(|partial| partial.last <= offer.ordinal())
                && let Some(partial) = slot.take()
            {
                self.bytes = self.bytes.saturating_sub(partial.bytes);
                self.stats.cut += 1;
            }
        }
        if state.is_idle() {
            self.table.remove(place);
        }
    }

    /// Time has come to `now`: no event earlier than `now` will follow. Ends partials that can no
    /// longer complete and emits waiting matches whose wait is over, in order of their deadlines.
    pub(crate) fn advance(&mut self, now: Timestamp, out: &mut Vec<Match>) {
        let Some(maxspan) = self.maxspan else { return };
        while let Some(Reverse((timer, place))) = self.timers.peek().copied() {
            if timer >= now {
                break;
            }
            self.timers.pop();
            let Some((key, state)) = self.table.get_mut(place) else { continue };
            if state.timer != Some(timer) {
                continue;
            }
            let mut freed = 0;
            let over = state.waiting.extract_if(.., |waiting| waiting.deadline < now);
            let mut over: Vec<Waiting> = over.collect();
            for slot in &mut state.slots {
                if slot.as_ref().is_some_and(|partial| partial.first.plus(maxspan) < now)
                    && let Some(partial) = slot.take()
                {
                    freed += partial.bytes;
                    self.stats.expired += 1;
                }
            }
            // A leading event further back than maxspan says the same as none.
            for leading in &mut state.leading {
                *leading = leading.filter(|missing| missing.plus(maxspan) >= now);
            }
            state.timer = state.next_deadline(maxspan);
            let next = state.timer;
            let key: Box<[u8]> = if over.is_empty() { Box::default() } else { key.into() };
            match next {
                Some(next) => self.timers.push(Reverse((next, place))),
                None => self.table.remove(place),
            }
            over.sort_by_key(|waiting| (waiting.deadline, waiting.partial.last));
            for waiting in over {
                freed += waiting.partial.bytes;
                self.emit(&key, waiting.partial, waiting.deadline, out);
            }
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }

    /// Adds every partial that could be given up.
    pub(crate) fn candidates(&self, out: &mut Vec<Candidate>) {
        let maxspan = self.maxspan.unwrap_or(Duration(i64::MAX));
        for (place, state) in self.table.places() {
            if state.slots.iter().all(Option::is_none) && state.waiting.is_empty() {
                let latest = state.leading.iter().flatten().max().copied();
                let expires = latest.map_or(Timestamp::MAX, |time| time.plus(maxspan));
                out.push(Candidate { stage: 0, host: 0, expires, bytes: STATE_BYTES, place });
            }
            let waiting = state.waiting.iter().map(|waiting| &waiting.partial);
            let partials = state.slots.iter().flatten().chain(waiting);
            for partial in partials {
                out.push(Candidate {
                    stage: u32::try_from(partial.events.len()).unwrap_or(u32::MAX),
                    host: partial.events.first().map_or(0, |event| event.host()),
                    expires: partial.first.plus(maxspan),
                    bytes: partial.bytes,
                    place,
                });
            }
        }
    }

    /// Gives up the partials of a key that reached just `stage` items.
    pub(crate) fn evict(&mut self, place: Place, stage: u32) {
        let Some((_, state)) = self.table.get_mut(place) else { return };
        let stage = stage as usize;
        for slot in &mut state.slots {
            if slot.as_ref().is_some_and(|partial| partial.events.len() == stage)
                && let Some(partial) = slot.take()
            {
                self.bytes = self.bytes.saturating_sub(partial.bytes);
                self.stats.evicted += 1;
            }
        }
        let (mut freed, before) = (0, state.waiting.len());
        state.waiting.retain(|waiting| {
            let keep = waiting.partial.events.len() != stage;
            if !keep {
                freed += waiting.partial.bytes;
            }
            keep
        });
        self.stats.evicted += (before - state.waiting.len()) as u64;
        self.bytes = self.bytes.saturating_sub(freed);
        if stage == 0 {
            state.leading = [None, None];
            self.stats.evicted += 1;
        }
        if state.is_idle() {
            self.table.remove(place);
        }
    }
}
