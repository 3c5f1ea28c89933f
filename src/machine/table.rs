//! States by join key, in one entry a key for all rules that share the table.
//!
//! In: the encoded keys of events, and the seat of a rule at the table. Out: that rule's state for the
//! key, and the keys whose time is up. Rules with the same `by` have a table together (as many as an
//! entry has bits): a key is stored once, an event's key is looked up once for all of them, and a bit
//! tells each whether anything of its own is pending there, so that a rule with nothing to do costs no
//! look at memory of its own.
//!
//! Entries are addressed by a small [`Place`], so that queues can refer to them without a copy of the
//! key. A place that was given up is recognised by its generation.
//!
//! Time costs what ends: an entry has at most one valid timer, the earliest of its states.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;

mod names;
mod pages;

use super::key::Key;
use super::timers::Timers;
use crate::near;
use crate::time::Timestamp;
pub(crate) use names::KeyView;
use names::{Names, Stored};
use pages::Pages;

/// Where an entry is, as long as anything is in it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    index: u32,
    generation: u32,
}

/// The bit of a rule in the entries of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat(u8);

impl Seat {
    /// How many there are at a table.
    const ALL: u32 = u64::BITS;

    /// Its number, counted from 0.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    fn bit(self) -> u64 {
        1 << self.0
    }
}

/// Some of the seats at a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seats(u64);

impl FromIterator<bool> for Seats {
    /// Of whether each seat is meant, from the first.
    fn from_iter<I: IntoIterator<Item = bool>>(meant: I) -> Self {
        let bits = meant.into_iter().zip(0..Seat::ALL);
        Self(bits.fold(0, |seats, (meant, bit)| seats | u64::from(meant) << bit))
    }
}

/// What is known of a key for one rule.
pub(crate) trait Pending: Default {
    /// When it wants to be looked at: [`Timestamp::MAX`] for never.
    fn timer(&self) -> Timestamp;

    /// Changes that time.
    fn set_timer(&mut self, timer: Timestamp);

    /// Has brought near what it holds, because its time will soon be up.
    fn bring(&self) {}

    /// The same for what that holds in turn.
    fn bring_more(&self) {}
}

#[derive(Debug)]
struct Entry<S> {
    key: Stored,
    hash: u32,
    generation: u32,
    /// The seats that have a state here; none when the entry is free.
    live: u64,
    /// Their states, in order of seats.
    states: SmallVec<[S; 1]>,
}

impl<S: Pending> Entry<S> {
    /// Where the state of a seat stands among the states, or would stand.
    fn rank(&self, seat: Seat) -> usize {
        (self.live & (seat.bit() - 1)).count_ones() as usize
    }

    fn is_live(&self, seat: Seat) -> bool {
        self.live & seat.bit() != 0
    }

    fn state(&self, seat: Seat) -> Option<&S> {
        if self.is_live(seat) { self.states.get(self.rank(seat)) } else { None }
    }

    /// The earliest timer of its states.
    fn timer(&self) -> Timestamp {
        self.states.iter().map(Pending::timer).min().unwrap_or(Timestamp::MAX)
    }

    fn seats(&self) -> impl Iterator<Item = Seat> + use<S> {
        seats(self.live)
    }
}

/// The seats of a set of bits, in ascending order.
fn seats(mut bits: u64) -> impl Iterator<Item = Seat> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        u8::try_from(lowest).ok().filter(|lowest| u32::from(*lowest) < Seat::ALL).map(Seat)
    })
}

/// How far ahead what will be asked for is brought near, see [`KeyTable::bring`].
pub(crate) const AHEAD: [usize; 4] = [12, 9, 6, 3];

/// What will be asked for so many steps ahead, as far as that is known.
pub(crate) type Soon = [Option<Place>; AHEAD.len()];

/// Look-ups that are remembered: an event has a key or two for the rules of a table.
const RECENT: usize = 4;

/// See the module page. Seeds are random per process; nothing depends on the order inside.
#[derive(Debug)]
pub(crate) struct KeyTable<S> {
    index: HashTable<u32>,
    entries: Pages<Entry<S>>,
    names: Names,
    free: Vec<u32>,
    seeds: RandomState,
    /// The last look-ups, by the number of the key; see [`Key::number`].
    recent: [(u64, Option<Place>); RECENT],
    oldest: usize,
    /// For each seat that is taken, in how many entries it has a state.
    held: Vec<usize>,
    timers: Timers,
    /// The entry whose states are being looked at: it is armed when that is done.
    open: Option<Place>,
    /// What all keys take, see [`Self::bytes_of`].
    bytes: usize,
}

impl<S: Pending> KeyTable<S> {
    /// What a state costs, without what it owns: a place among the states of an entry, which may have as much room
    /// again, and two entries among the ranks in a queue half empty. Ranks are made only when memory runs out, and
    /// must fit then.
    pub(crate) const STATE_BYTES: usize = 2 * size_of::<S>() + 64;

    /// What an entry costs besides its states and the bytes of its key: its places in the index and in the free list,
    /// the key's allocation, two timers.
    const ENTRY_BYTES: usize = (size_of::<Entry<S>>() + 80).saturating_sub(2 * size_of::<S>());

    /// Bytes that a key takes, however many states it has.
    pub(crate) fn bytes_of(key: KeyView<'_>) -> usize {
        key.len() + Self::ENTRY_BYTES
    }

    /// Bytes that all keys take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn new() -> Self {
        Self {
            index: HashTable::new(),
            entries: Pages::default(),
            names: Names::default(),
            free: Vec::new(),
            seeds: RandomState::default(),
            recent: [(0, None); RECENT],
            oldest: 0,
            held: Vec::new(),
            timers: Timers::default(),
            open: None,
            bytes: 0,
        }
    }

    /// A table and its first seat.
    pub(crate) fn with_seat() -> (Self, Seat) {
        let mut table = Self::new();
        let seat = table.take_seat().unwrap_or(Seat(0));
        (table, seat)
    }

    /// A seat for one more rule; `None` when all are taken.
    pub(crate) fn take_seat(&mut self) -> Option<Seat> {
        let seat =
            u8::try_from(self.held.len()).ok().filter(|seat| u32::from(*seat) < Seat::ALL)?;
        self.held.push(0);
        Some(Seat(seat))
    }

    /// Number of keys with a state of this seat.
    pub(crate) fn len(&self, seat: Seat) -> usize {
        self.held.get(seat.index()).copied().unwrap_or(0)
    }

    /// The place of a key, if it has a state of this seat.
    #[inline]
    pub(crate) fn find(&mut self, key: Key<'_>, seat: Seat) -> Option<Place> {
        let place = self.look_up(key)?;
        let live = self.entries.get(place.index).is_some_and(|entry| entry.is_live(seat));
        live.then_some(place)
    }

    /// The place of a key, which gets an empty state of this seat if it has none.
    pub(crate) fn find_or_insert(&mut self, key: Key<'_>, seat: Seat) -> Place {
        let place = match self.look_up(key) {
            Some(place) => place,
            None => self.insert(key),
        };
        if let Some(entry) = self.entries.get_mut(place.index)
            && !entry.is_live(seat)
        {
            let rank = entry.rank(seat);
            if entry.states.len() == entry.states.capacity() {
                // What more than one rule wants is mostly wanted by several.
                entry.states.reserve_exact(entry.states.len().max(3));
            }
            entry.states.insert(rank, S::default());
            entry.live |= seat.bit();
            self.held.get_mut(seat.index()).into_iter().for_each(|held| *held += 1);
        }
        place
    }

    /// The place of a key that has any state.
    fn look_up(&mut self, key: Key<'_>) -> Option<Place> {
        let mut recent = self.recent.iter().filter(|_| key.number != 0);
        if let Some((_, place)) = recent.find(|(number, _)| *number == key.number) {
            return place.filter(|place| self.is_alive(*place));
        }
        let place = self.search(key.bytes);
        self.remember(key, place);
        place
    }

    fn search(&self, key: &[u8]) -> Option<Place> {
        let (hash, short) = self.hash(key);
        let index = *self.index.find(hash, |index| {
            self.entries.get(*index).is_some_and(|e| e.hash == short && self.names.is(&e.key, key))
        })?;
        let generation = self.entries.get(index)?.generation;
        Some(Place { index, generation })
    }

    fn insert(&mut self, key: Key<'_>) -> Place {
        let (hash, short) = self.hash(key.bytes);
        let index = self.free.pop().unwrap_or_else(|| {
            let key = Stored::default();
            let states = SmallVec::new();
            self.entries.push(Entry { key, hash: 0, generation: 0, live: 0, states })
        });
        let mut generation = 0;
        if let Some(entry) = self.entries.get_mut(index) {
            entry.hash = short;
            entry.key = self.names.store(key.bytes);
            self.bytes += Self::bytes_of(self.names.view(&entry.key));
            generation = entry.generation;
        }
        let entries = &self.entries;
        let again = |index: &u32| entries.get(*index).map_or(0, |entry| spread(entry.hash));
        self.index.insert_unique(hash, index, again);
        let place = Place { index, generation };
        // What was looked for in vain may be this one.
        self.recent = [(0, None); RECENT];
        self.remember(key, Some(place));
        place
    }

    /// The hash of a key, whole and as entries keep it.
    fn hash(&self, key: &[u8]) -> (u64, u32) {
        #[expect(clippy::cast_possible_truncation, reason = "half of it is kept")]
        let short = self.seeds.hash_one(key) as u32;
        (spread(short), short)
    }

    fn remember(&mut self, key: Key<'_>, place: Option<Place>) {
        if key.number != 0
            && let Some(oldest) = self.recent.get_mut(self.oldest)
        {
            *oldest = (key.number, place);
            self.oldest = (self.oldest + 1) % RECENT;
        }
    }

    fn is_alive(&self, place: Place) -> bool {
        let entry = self.entries.get(place.index);
        entry.is_some_and(|entry| entry.live != 0 && entry.generation == place.generation)
    }

    fn entry_mut(&mut self, place: Place) -> Option<&mut Entry<S>> {
        self.entries.get_mut(place.index).filter(|entry| entry.generation == place.generation)
    }

    /// The key at a place and what is known of it for this seat, `None` when that is gone.
    #[inline]
    pub(crate) fn get_mut(&mut self, place: Place, seat: Seat) -> Option<(KeyView<'_>, &mut S)> {
        let entry = self.entries.get_mut(place.index)?;
        if entry.generation != place.generation || !entry.is_live(seat) {
            return None;
        }
        let rank = entry.rank(seat);
        Some((self.names.view(&entry.key), entry.states.get_mut(rank)?))
    }

    /// The same, to read.
    pub(crate) fn get(&self, place: Place, seat: Seat) -> Option<&S> {
        let entry = self.entries.get(place.index)?;
        if entry.generation == place.generation { entry.state(seat) } else { None }
    }

    /// Gives up a state. Without effect when it is gone already.
    pub(crate) fn remove(&mut self, place: Place, seat: Seat) {
        let is_open = self.open == Some(place);
        let Some(entry) = self.entry_mut(place).filter(|entry| entry.is_live(seat)) else { return };
        let rank = entry.rank(seat);
        let timer = if is_open { Timestamp::MIN } else { entry.timer() };
        let removed = entry.states.remove(rank);
        entry.live &= !seat.bit();
        if entry.live == 0 {
            entry.generation = entry.generation.wrapping_add(1);
            let key = std::mem::take(&mut entry.key);
            entry.states = SmallVec::new();
            let hash = spread(entry.hash);
            self.bytes -= Self::bytes_of(self.names.view(&key));
            self.names.release(&key);
            if let Ok(occupied) = self.index.find_entry(hash, |index| *index == place.index) {
                occupied.remove();
            }
            self.free.push(place.index);
        } else {
            if entry.states.spilled() && entry.states.len() <= entry.states.capacity() / 4 {
                entry.states.shrink_to_fit();
            }
            // Partials that began with one event often end with one, too: the timer there is still holds.
            if removed.timer() == timer && entry.timer() != timer {
                self.arm(place);
            }
        }
        self.held.get_mut(seat.index()).into_iter().for_each(|held| *held -= 1);
    }

    /// Sees to it that a state is looked at when `deadline` is past.
    pub(crate) fn wake(&mut self, place: Place, seat: Seat, deadline: Timestamp) {
        let is_open = self.open == Some(place);
        let Some(entry) = self.entry_mut(place).filter(|entry| entry.is_live(seat)) else { return };
        let rank = entry.rank(seat);
        // Asked first, because a partial that was replaced has a timer already, and many keys have many states.
        if entry.states.get(rank).is_none_or(|state| deadline >= state.timer()) {
            return;
        }
        let earliest = if is_open { Timestamp::MIN } else { entry.timer() };
        entry.states.get_mut(rank).into_iter().for_each(|state| state.set_timer(deadline));
        if deadline < earliest {
            self.arm(place);
        }
    }

    /// Adds the timer of an entry to the queue.
    fn arm(&mut self, place: Place) {
        let timer = |place: Place| {
            let entry = self.entries.get(place.index)?;
            (entry.generation == place.generation).then(|| entry.timer())
        };
        if let Some(time) = timer(place).filter(|time| *time != Timestamp::MAX) {
            self.timers
                .push(time, place, self.index.len(), |time, place| timer(place) == Some(time));
        }
    }

    /// When the next entry is to be looked at, at the earliest.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The next entry with a state whose time lies before `now`, and the seats of such states. Their
    /// timers are cleared: whoever looks at them sets the next ones, and then calls [`Self::rearm`].
    pub(crate) fn pop_due(
        &mut self,
        now: Timestamp,
    ) -> Option<(Place, impl Iterator<Item = Seat> + use<S>)> {
        while let Some((time, place)) = self.timers.pop_before(now) {
            self.bring_soon();
            let Some(entry) = self.entry_mut(place) else { continue };
            if entry.timer() != time {
                continue;
            }
            let mut due = 0;
            for (seat, state) in entry.seats().zip(&mut entry.states) {
                if state.timer() < now {
                    state.set_timer(Timestamp::MAX);
                    due |= seat.bit();
                }
            }
            self.open = Some(place);
            return Some((place, seats(due)));
        }
        None
    }

    /// Has brought near what is due soon: nobody has read it since it was put there.
    fn bring_soon(&self) {
        self.bring(AHEAD.map(|ahead| self.timers.soon(ahead)));
    }

    /// Has brought near what will be asked for in [`AHEAD`] so many steps: first an entry, then its states, then what
    /// they hold. One thing leads to the next, and each is waited for while some others are seen to.
    pub(crate) fn bring(&self, [entry, states, events, more]: Soon) {
        if let Some(place) = entry {
            self.entries.bring(place.index);
        }
        if let Some(entry) = states.and_then(|place| self.entries.get(place.index)) {
            near::bring(&entry.states, 256);
            entry.key.bring();
        }
        let first = |place: Option<Place>| self.entries.get(place?.index)?.states.first();
        first(events).into_iter().for_each(Pending::bring);
        first(more).into_iter().for_each(Pending::bring_more);
    }

    /// The states of an entry have been looked at; see [`Self::pop_due`].
    pub(crate) fn rearm(&mut self, place: Place) {
        self.open = None;
        self.arm(place);
    }

    /// All states of a seat, in no particular order. Looks at every entry.
    pub(crate) fn places(&self, seat: Seat) -> impl Iterator<Item = (Place, KeyView<'_>, &S)> {
        self.entries.iter().zip(0_u32..).filter_map(move |(entry, index)| {
            let state = entry.state(seat)?;
            let place = Place { index, generation: entry.generation };
            Some((place, self.names.view(&entry.key), state))
        })
    }

    /// All states of all seats, in no particular order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Place, Seat, KeyView<'_>, &S)> {
        self.of(Seats(u64::MAX))
    }

    /// All states of some seats, in no particular order. Looks at every entry, and no further where there are none.
    pub(crate) fn of(&self, seats: Seats) -> impl Iterator<Item = (Place, Seat, KeyView<'_>, &S)> {
        let entries = self.entries.iter().zip(0_u32..);
        let with_any = entries.filter(move |(entry, _)| entry.live & seats.0 != 0);
        with_any.flat_map(move |(entry, index)| {
            let place = Place { index, generation: entry.generation };
            let key = self.names.view(&entry.key);
            let states = entry.seats().zip(&entry.states);
            let wanted = states.filter(move |(seat, _)| seats.0 & seat.bit() != 0);
            wanted.map(move |(seat, state)| (place, seat, key, state))
        })
    }
}

/// A hash for the index, of the half that entries keep: buckets are chosen by its lower bits, told apart by its
/// upper ones.
fn spread(short: u32) -> u64 {
    u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests;
