//! What is known about one join key of a sequence: its partials, and what they take.
//!
//! Nothing here knows items, keys or `maxspan`; it only keeps, gives back and counts bytes. An event in
//! several partials of one key is counted once: a run of a hundred failures holds a hundred events, not
//! the five thousand places they stand in.
//!
//! Most keys hold one partial of one event, and a flood makes millions of them: that case lives in the
//! table alone. What few rules need is behind a pointer.

mod saved;

use std::sync::Arc;

use smallvec::SmallVec;

use super::partial::{Marks, Partial};
use crate::event::{Host, Kept};
use crate::machine::ledger::Ledger;
use crate::machine::table::Pending;
use crate::near;
use crate::time::{Duration, Ordinal, Timestamp};

/// What a mention of an event costs, besides the event.
const MENTION_BYTES: usize = 2 * size_of::<Arc<Kept>>();

/// How much more memory a list may hold than it is counted as, until some is given back: a list that
/// grows and shrinks about a bound must not be copied each time.
const SLACK: usize = 4;

/// What the marks of a partial cost.
const MARKS_BYTES: usize = size_of::<Marks>() + 16;

/// What it costs to hold more than a partial of one event.
const MORE_BYTES: usize = size_of::<More>() + 16;

/// What a list of so many is counted as.
fn room(length: usize) -> usize {
    if length == 0 { 0 } else { length.next_power_of_two().max(4) }
}

/// See the module page.
#[derive(Debug)]
pub(crate) struct State {
    /// When to look at it again: one time, so that a flood of starts cannot fill memory with timers.
    timer: Timestamp,
    /// A partial of one event, in the first slot, without marks, if that is all there is.
    begun: Option<Arc<Kept>>,
    /// Whatever else there is.
    more: Option<Box<More>>,
    event_bytes: usize,
    /// What this key was last counted as, and for which host.
    pub(super) charged: usize,
    pub(super) charged_to: u32,
    /// [`Ledger::repeats`] is set.
    repeats: bool,
}

/// More than a partial of one event.
#[derive(Debug, Default)]
struct More {
    /// Slot i holds the partial whose last event filled positive item i. Only the slots from `low` to
    /// the furthest one filled are here: most keys hold one partial.
    slots: SmallVec<[Option<Partial>; 1]>,
    low: u32,
    /// Slots that hold anything, and those of them that hold but the place of a partial given up.
    filled: u32,
    ghosts: u32,
    rare: Option<Box<Rare>>,
}

/// What only rules with missing items or runs have.
#[derive(Debug, Default)]
struct Rare {
    /// The last two distinct times of leading missing items, newest first.
    leading: [Option<Timestamp>; 2],
    /// The host of the newer of them.
    leading_host: Option<Arc<Host>>,
    /// Complete matches that wait for their trailing missing items not to happen.
    waiting: Vec<Waiting>,
    /// How many mentions each event has, in order of the events; unused when `Ledger::repeats` is not
    /// set. A partial of one event, if that is all there is, mentions it once, and nothing says so.
    mentions: Vec<(Ordinal, u32)>,
}

impl Rare {
    fn leading_host(&self) -> u32 {
        self.leading_host.as_ref().map_or(0, |host| host.index)
    }

    /// Whether it holds nothing but mentions.
    fn is_bare(&self) -> bool {
        self.leading == [None, None] && self.waiting.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.is_bare() && self.mentions.is_empty()
    }

    /// Counts a mention of an event; tells whether it is the first.
    fn mention(&mut self, event: &Kept) -> bool {
        let place = self.mentions.binary_search_by_key(&event.ordinal, |(known, _)| *known);
        match place.map(|at| self.mentions.get_mut(at)) {
            Ok(Some((_, mentions))) => *mentions += 1,
            Ok(None) => {}
            Err(at) => self.mentions.insert(at, (event.ordinal, 1)),
        }
        place.is_err()
    }

    /// Takes back a mention of an event; tells whether it was the last.
    fn unmention(&mut self, event: &Kept) -> bool {
        let place = self.mentions.binary_search_by_key(&event.ordinal, |(known, _)| *known);
        let Ok(at) = place else { return false };
        if let Some((_, mentions @ 2..)) = self.mentions.get_mut(at) {
            *mentions -= 1;
            return false;
        }
        self.mentions.remove(at);
        true
    }
}

/// A complete match that waits for what must not follow.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) deadline: Timestamp,
    pub(super) partial: Partial,
}

impl Default for State {
    fn default() -> Self {
        Self {
            timer: Timestamp::MAX,
            begun: None,
            more: None,
            event_bytes: 0,
            charged: 0,
            charged_to: 0,
            repeats: false,
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
        if let Some(event) = &self.begun {
            near::bring_shared(event);
        }
    }

    fn bring_more(&self) {
        if let Some(event) = &self.begun {
            event.bring();
        }
    }
}

impl State {
    pub(super) fn is_idle(&self) -> bool {
        let idle = |more: &More| {
            let rare = more.rare.as_ref();
            more.filled == more.ghosts && rare.is_none_or(|rare| rare.is_bare())
        };
        self.begun.is_none() && self.more.as_deref().is_none_or(idle)
    }

    /// Bytes beyond the state itself.
    pub(super) fn bytes(&self) -> usize {
        let Some(more) = &self.more else { return self.event_bytes };
        let slots = if more.slots.len() > 1 { more.slots.len().next_power_of_two() } else { 0 };
        let rare = more.rare.as_ref().map_or(0, |rare| {
            size_of::<Rare>()
                + room(rare.waiting.len()) * size_of::<Waiting>()
                + room(rare.mentions.len()) * size_of::<(Ordinal, u32)>()
        });
        self.event_bytes + MORE_BYTES + slots * size_of::<Option<Partial>>() + rare
    }

    /// What it was last counted as, and for which host.
    pub(super) fn charge(&self) -> (u32, usize) {
        (self.charged_to, self.charged)
    }

    /// Gives back memory that what is held has no use for, so that what a key takes depends on what it
    /// holds and not on what it held before.
    pub(super) fn trim(&mut self) {
        let Some(more) = &mut self.more else { return };
        more.trim();
        // Mentions of a partial of one event need no saying.
        let is_told = more.rare.as_ref().is_some_and(|rare| !rare.is_bare());
        if is_told || more.slots.len() > 1 {
            return;
        }
        let partial = more.slots.first_mut().and_then(Option::as_mut);
        if let Some(partial) = partial {
            if more.low > 0 || !partial.is_begun() {
                return;
            }
            self.begun = partial.events.pop();
        }
        self.more = None;
    }

    /// What it holds, in the form that can hold anything.
    fn more(&mut self) -> &mut More {
        let begun = self.begun.take();
        let more = self.more.get_or_insert_default();
        if let Some(event) = begun {
            if self.repeats {
                more.rare.get_or_insert_default().mention(&event);
            }
            more.put(0, Partial::begun(event));
        }
        more
    }

    fn rare(&self) -> Option<&Rare> {
        self.more.as_ref()?.rare.as_deref()
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.more().rare.get_or_insert_default()
    }

    /// The last two distinct times of leading missing items, newest first.
    pub(super) fn leading(&self) -> [Option<Timestamp>; 2] {
        self.rare().map_or([None, None], |rare| rare.leading)
    }

    /// Who the newer of the leading missing items is from.
    pub(super) fn set_leading_host(&mut self, host: Option<Arc<Host>>) {
        self.rare_mut().leading_host = host;
    }

    pub(super) fn set_leading(&mut self, leading: [Option<Timestamp>; 2]) {
        if self.rare().is_some() || leading != [None, None] {
            self.rare_mut().leading = leading;
        }
    }

    /// The next time at which something here ends.
    pub(super) fn next_deadline(&self, maxspan: Duration) -> Option<Timestamp> {
        let begun = self.begun.iter().map(|event| event.ordinal.time.plus(maxspan));
        let slots = self.more.iter().flat_map(|more| more.slots.iter().flatten());
        let partials = slots.map(|partial| partial.first().plus(maxspan));
        let leading = self.leading().into_iter().flatten().map(|time| time.plus(maxspan));
        let waiting = self.waiting().map(|waiting| waiting.deadline);
        begun.chain(partials).chain(leading).chain(waiting).min()
    }

    /// The events of each partial in a slot, by slots.
    pub(super) fn partials(&self) -> impl Iterator<Item = &[Arc<Kept>]> {
        let slots = self.more.iter().flat_map(|more| more.slots.iter().flatten());
        let partials = slots.filter(|partial| !partial.is_ghost());
        let begun = self.begun.as_ref().map(std::slice::from_ref);
        begun.into_iter().chain(partials.map(|partial| partial.events.as_slice()))
    }

    /// The events of everything that could still be a match, by what they wait for.
    fn open(&self) -> impl Iterator<Item = &[Arc<Kept>]> {
        self.partials().chain(self.waiting().map(|waiting| waiting.partial.events.as_slice()))
    }

    /// The host that pays for all of it: that of the partial least far.
    pub(super) fn host(&self) -> u32 {
        let of_leading = || self.rare().map_or(0, Rare::leading_host);
        let first = self.open().next().and_then(<[_]>::first);
        first.map_or_else(of_leading, |event| event.host())
    }

    /// What could be given up: stage, host, and the time by which partials of one rule expire.
    pub(super) fn ranks(&self) -> impl Iterator<Item = (u32, u32, Timestamp)> {
        // Its host is the one that is charged: to ask the event would be to look at three places in memory.
        let begun = self.begun.iter().map(|event| (1, self.charged_to, event.ordinal.time));
        let more = self.more.iter().flat_map(|_| self.open_ranks());
        begun.chain(more)
    }

    /// The same, if there is more than a partial of one event.
    fn open_ranks(&self) -> impl Iterator<Item = (u32, u32, Timestamp)> {
        let partials = self.open().filter_map(|events| {
            let first = events.first()?;
            let reached = u32::try_from(events.len()).unwrap_or(u32::MAX);
            Some((reached, first.host(), first.ordinal.time))
        });
        let rare = self.rare().into_iter();
        let leading = rare.filter_map(|rare| Some((0, rare.leading_host(), rare.leading[0]?)));
        partials.chain(leading)
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.rare().into_iter().flat_map(|rare| &rare.waiting)
    }

    /// The latest event of the partial in a slot.
    pub(super) fn last_of(&self, slot: usize) -> Option<Ordinal> {
        match &self.begun {
            Some(event) => (slot == 0).then_some(event.ordinal),
            None => self.more.as_ref()?.get(slot).map(Partial::last),
        }
    }

    /// Empties a slot. The events of the partial stay counted.
    pub(super) fn take(&mut self, slot: usize) -> Option<Partial> {
        match &mut self.more {
            Some(more) => more.take(slot),
            None if slot == 0 => self.begun.take().map(Partial::begun),
            None => None,
        }
    }

    /// Fills a slot; gives back what it held.
    pub(super) fn put(&mut self, slot: usize, mut partial: Partial) -> Option<Partial> {
        if slot == 0 && partial.is_begun() && self.more.is_none() {
            let older = self.begun.take().map(Partial::begun);
            self.begun = partial.events.pop();
            return older;
        }
        let is_first = self.more.is_none();
        let repeats = self.repeats;
        let more = self.more();
        if is_first && repeats {
            let rare = more.rare.get_or_insert_default();
            partial.events.iter().for_each(|event| {
                rare.mention(event);
            });
        }
        more.put(slot, partial)
    }

    /// Gives up the partial in a slot if `meant` says so, but keeps its place while another has got further.
    /// Tells whether it did.
    pub(super) fn give_up(
        &mut self,
        slot: usize,
        ledger: &mut Ledger,
        meant: impl FnOnce(&Partial) -> bool,
    ) -> bool {
        let Some(partial) = self.take(slot) else { return false };
        if !meant(&partial) {
            self.put(slot, partial);
            return false;
        }
        self.release(&partial, ledger);
        if self.more.as_ref().is_some_and(|more| more.goes_beyond(slot)) {
            let ghost = partial.ghost();
            self.hold_marks(&ghost);
            self.put(slot, ghost);
        }
        true
    }

    /// Ends the partials that `ends` says; gives their number, without those that were given up before.
    pub(super) fn end(
        &mut self,
        ledger: &mut Ledger,
        mut ends: impl FnMut(&Partial) -> bool,
    ) -> u64 {
        let slots = match &self.more {
            None => 0..1,
            Some(more) => more.low as usize..more.low as usize + more.slots.len(),
        };
        let mut ended = 0;
        for slot in slots {
            let Some(partial) = self.take(slot) else { continue };
            if ends(&partial) {
                self.release(&partial, ledger);
                ended += u64::from(!partial.is_ghost());
            } else {
                self.put(slot, partial);
            }
        }
        ended
    }

    /// Lets a match wait.
    pub(super) fn wait(&mut self, waiting: Waiting, ledger: &mut Ledger) {
        self.more();
        for event in &waiting.partial.events {
            self.hold(event, ledger);
        }
        self.hold_marks(&waiting.partial);
        self.rare_mut().waiting.push(waiting);
    }

    /// Ends the waits that `ends` says, in the order in which they began.
    pub(super) fn end_waits(
        &mut self,
        ledger: &mut Ledger,
        mut ends: impl FnMut(&Waiting) -> bool,
    ) -> Vec<Waiting> {
        if self.rare().is_none() {
            return Vec::new();
        }
        let waits = &mut self.rare_mut().waiting;
        let ended: Vec<Waiting> = waits.extract_if(.., |waiting| ends(waiting)).collect();
        for waiting in &ended {
            self.release(&waiting.partial, ledger);
        }
        ended
    }

    /// Counts a mention of an event.
    pub(super) fn hold(&mut self, event: &Kept, ledger: &mut Ledger) {
        self.event_bytes += MENTION_BYTES;
        self.repeats = ledger.repeats;
        if self.repeats && !self.is_new(event) {
            return;
        }
        ledger.hold(event);
        self.event_bytes += event.size_bytes();
    }

    /// Whether an event that is mentioned now is mentioned for the first time.
    fn is_new(&mut self, event: &Kept) -> bool {
        match (&mut self.more, &self.begun) {
            (Some(more), _) => more.rare.get_or_insert_default().mention(event),
            (None, Some(begun)) => begun.ordinal != event.ordinal,
            (None, None) => true,
        }
    }

    /// Whether an event whose mention is taken back is mentioned no longer.
    fn is_last(&mut self, event: &Kept) -> bool {
        match (&mut self.more, &self.begun) {
            (Some(more), _) => more.rare.as_mut().is_some_and(|rare| rare.unmention(event)),
            (None, Some(begun)) => begun.ordinal != event.ordinal,
            (None, None) => true,
        }
    }

    /// Counts the marks of a partial, if it has any.
    pub(super) fn hold_marks(&mut self, partial: &Partial) {
        self.event_bytes += if partial.marks.is_some() { MARKS_BYTES } else { 0 };
    }

    /// Notes when the gap behind a slot has first seen what must be missing in it.
    pub(super) fn mark_gap(&mut self, slot: usize, time: Timestamp) {
        if self.last_of(slot).is_none() {
            return;
        }
        let Some(partial) = self.more().get_mut(slot) else { return };
        let known = partial.marks().and_then(|marks| marks.gap);
        if time > partial.last().time && known.is_none_or(|known| time < known) {
            let bare = partial.marks.is_none();
            partial.marks.get_or_insert_default().gap = Some(time);
            self.event_bytes += if bare { MARKS_BYTES } else { 0 };
        }
    }

    /// Takes back the mentions that a partial has made.
    pub(super) fn release(&mut self, partial: &Partial, ledger: &mut Ledger) {
        let mut freed = if partial.marks.is_some() { MARKS_BYTES } else { 0 };
        for event in &partial.events {
            freed += MENTION_BYTES;
            if self.repeats && !self.is_last(event) {
                continue;
            }
            ledger.release(event);
            freed += event.size_bytes();
        }
        self.event_bytes = self.event_bytes.saturating_sub(freed);
    }
}

impl More {
    fn trim(&mut self) {
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
        let empty = self.slots.iter().take_while(|slot| slot.is_none()).count();
        if empty > 0 {
            self.slots.drain(..empty);
            self.low += u32::try_from(empty).unwrap_or(u32::MAX);
        }
        let length = self.slots.len();
        if self.slots.spilled() && (length <= 1 || self.slots.capacity() > SLACK * room(length)) {
            self.slots.shrink_to_fit();
        }
        let Some(rare) = &mut self.rare else { return };
        if rare.is_empty() {
            self.rare = None;
            return;
        }
        if rare.waiting.capacity() > SLACK * room(rare.waiting.len()) {
            rare.waiting.shrink_to(room(rare.waiting.len()));
        }
        if rare.mentions.capacity() > SLACK * room(rare.mentions.len()) {
            rare.mentions.shrink_to(room(rare.mentions.len()));
        }
    }

    fn get(&self, slot: usize) -> Option<&Partial> {
        self.slots.get(slot.checked_sub(self.low as usize)?)?.as_ref()
    }

    fn get_mut(&mut self, slot: usize) -> Option<&mut Partial> {
        self.slot(slot)?.as_mut()
    }

    fn slot(&mut self, slot: usize) -> Option<&mut Option<Partial>> {
        self.slots.get_mut(slot.checked_sub(self.low as usize)?)
    }

    fn take(&mut self, slot: usize) -> Option<Partial> {
        let partial = self.slot(slot)?.take()?;
        self.filled -= 1;
        self.ghosts -= u32::from(partial.is_ghost());
        Some(partial)
    }

    fn put(&mut self, slot: usize, partial: Partial) -> Option<Partial> {
        if self.filled == 0 {
            self.slots.clear();
            self.low = u32::try_from(slot).unwrap_or(u32::MAX);
        }
        let low = self.low as usize;
        if slot < low {
            self.slots.insert_many(0, (slot..low).map(|_| None));
            self.low = u32::try_from(slot).unwrap_or(u32::MAX);
        } else if self.slots.len() <= slot - low {
            self.slots.resize_with(slot - low + 1, || None);
        }
        self.ghosts += u32::from(partial.is_ghost());
        let older = self.slot(slot)?.replace(partial);
        self.filled += u32::from(older.is_none());
        self.ghosts -= u32::from(older.as_ref().is_some_and(Partial::is_ghost));
        older
    }

    /// Whether a partial that was not given up stands behind a slot.
    fn goes_beyond(&self, slot: usize) -> bool {
        let behind = (slot + 1).saturating_sub(self.low as usize);
        self.slots.iter().skip(behind).flatten().any(|other| !other.is_ghost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    fn event(second: i64) -> Arc<Kept> {
        let mut event = Event::new(0);
        event.ordinal = Ordinal::new(Timestamp(second), None, 0);
        Arc::new(event.kept())
    }

    fn partial(events: &[Arc<Kept>]) -> Partial {
        Partial { events: events.iter().cloned().collect(), ..Partial::new(None) }
    }

    /// Slot i holds the last i+1 of the events, as `runs` does.
    fn run_of(length: usize, ledger: &mut Ledger) -> State {
        let mut state = State::default();
        let events: Vec<_> = (0..).take(length).map(event).collect();
        for slot in 0..length {
            let partial = partial(&events[length - 1 - slot..]);
            partial.events.iter().for_each(|event| state.hold(event, ledger));
            state.put(slot, partial);
        }
        state
    }

    #[test]
    fn an_event_in_many_partials_is_counted_once() {
        let state = run_of(50, &mut Ledger::new(true));
        let mentions = (1..=50).sum::<usize>() * MENTION_BYTES;
        assert_eq!(state.event_bytes, 50 * event(0).size_bytes() + mentions);
    }

    #[test]
    fn what_is_held_is_given_back() {
        let mut ledger = Ledger::new(true);
        let mut state = run_of(50, &mut ledger);
        assert_eq!(state.end(&mut ledger, |partial| partial.events.len() % 2 == 0), 25);
        assert!(state.event_bytes > 49 * event(0).size_bytes(), "the longest are still there");
        assert_eq!(state.end(&mut ledger, |_| true), 25);
        assert!(state.is_idle());
        assert_eq!(state.event_bytes, 0);
        assert!(state.rare().is_none_or(|rare| rare.mentions.is_empty()));
    }
}
