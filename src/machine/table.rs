//! A table of states by join key.
//!
//! Keys are stored once; states are addressed by a small [`Place`], so that queues can refer to them
//! without a copy of the key. A place that was given up is recognised by its generation.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

/// Where a state lives, as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    index: u32,
    generation: u32,
}

#[derive(Debug)]
struct Entry<S> {
    hash: u64,
    generation: u32,
    state: Option<(Box<[u8]>, S)>,
}

/// Entries of a page.
const PAGE: usize = 256;

/// Entries by number. In pages, so that growing moves nothing and never needs more than a page beside
/// what is used: what a table takes is what it is counted as.
#[derive(Debug)]
struct Pages<S>(Vec<Vec<Entry<S>>>);

impl<S> Pages<S> {
    fn get(&self, index: u32) -> Option<&Entry<S>> {
        self.0.get(index as usize / PAGE)?.get(index as usize % PAGE)
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut Entry<S>> {
        self.0.get_mut(index as usize / PAGE)?.get_mut(index as usize % PAGE)
    }

    /// Adds an entry; gives its number.
    fn push(&mut self, entry: Entry<S>) -> u32 {
        if self.0.last().is_none_or(|page| page.len() == PAGE) {
            self.0.push(Vec::with_capacity(PAGE));
        }
        let before = (self.0.len() - 1) * PAGE;
        let Some(page) = self.0.last_mut() else { return u32::MAX };
        page.push(entry);
        u32::try_from(before + page.len() - 1).unwrap_or(u32::MAX)
    }

    fn iter(&self) -> impl Iterator<Item = &Entry<S>> {
        self.0.iter().flatten()
    }
}

/// States by key. Seeds are random per process; nothing depends on the order inside.
#[derive(Debug)]
pub(crate) struct KeyTable<S> {
    index: HashTable<u32>,
    entries: Pages<S>,
    free: Vec<u32>,
    seeds: RandomState,
}

impl<S: Default> KeyTable<S> {
    /// What a key costs besides its bytes: the entry, its places in the index and in the free list, the
    /// key's allocation, two timers, and two entries among the ranks in a queue half empty. Ranks are
    /// made only when memory runs out, and must fit then.
    const ENTRY_BYTES: usize = size_of::<Entry<S>>() + 80 + 64;

    /// Bytes that a key and its state take, without what the state owns.
    pub(crate) fn bytes_of(key: &[u8]) -> usize {
        key.len() + Self::ENTRY_BYTES
    }

    pub(crate) fn new() -> Self {
        Self {
            index: HashTable::new(),
            entries: Pages(Vec::new()),
            free: Vec::new(),
            seeds: RandomState::default(),
        }
    }

    /// Number of keys with a state.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The place of a key, if it has a state.
    pub(crate) fn find(&self, key: &[u8]) -> Option<Place> {
        let hash = self.seeds.hash_one(key);
        let index = *self.index.find(hash, |index| self.key_at(*index) == Some(key))?;
        let generation = self.entries.get(index)?.generation;
        Some(Place { index, generation })
    }

    /// The place of a key, which gets an empty state if it has none.
    pub(crate) fn find_or_insert(&mut self, key: &[u8]) -> Place {
        if let Some(place) = self.find(key) {
            return place;
        }
        let hash = self.seeds.hash_one(key);
        let state = Some((key.into(), S::default()));
        let index = self
            .free
            .pop()
            .unwrap_or_else(|| self.entries.push(Entry { hash, generation: 0, state: None }));
        let mut generation = 0;
        if let Some(entry) = self.entries.get_mut(index) {
            entry.hash = hash;
            entry.state = state;
            generation = entry.generation;
        }
        let entries = &self.entries;
        self.index.insert_unique(hash, index, |i| entries.get(*i).map_or(0, |e| e.hash));
        Place { index, generation }
    }

    /// The key and state at a place, `None` when that state is gone.
    pub(crate) fn get_mut(&mut self, place: Place) -> Option<(&[u8], &mut S)> {
        let entry = self.entries.get_mut(place.index)?;
        let current = entry.generation == place.generation;
        entry.state.as_mut().filter(|_| current).map(|(key, state)| (&**key, state))
    }

    /// Gives up the state at a place. Without effect when it is gone already.
    pub(crate) fn remove(&mut self, place: Place) {
        let Some(entry) = self.entries.get_mut(place.index) else { return };
        if entry.generation != place.generation {
            return;
        }
        if entry.state.take().is_none() {
            return;
        }
        entry.generation = entry.generation.wrapping_add(1);
        let hash = entry.hash;
        if let Ok(occupied) = self.index.find_entry(hash, |index| *index == place.index) {
            occupied.remove();
        }
        self.free.push(place.index);
    }

    /// All states, in no particular order.
    pub(crate) fn places(&self) -> impl Iterator<Item = (Place, &[u8], &S)> {
        self.entries.iter().zip(0_u32..).filter_map(|(entry, index)| {
            let (key, state) = entry.state.as_ref()?;
            Some((Place { index, generation: entry.generation }, &**key, state))
        })
    }

    /// All keys with their states, in no particular order.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&[u8], &S)> {
        self.entries
            .iter()
            .filter_map(|entry| entry.state.as_ref().map(|(key, state)| (&**key, state)))
    }

    fn key_at(&self, index: u32) -> Option<&[u8]> {
        self.entries.get(index)?.state.as_ref().map(|(key, _)| &**key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_dies_with_its_state() {
        let mut table: KeyTable<u32> = KeyTable::new();
        let a = table.find_or_insert(b"a");
        *table.get_mut(a).unwrap().1 = 5;
        assert_eq!(table.find_or_insert(b"a"), a);
        table.remove(a);
        assert!(table.find(b"a").is_none());
        let b = table.find_or_insert(b"b");
        assert!(table.get_mut(a).is_none(), "the memory is reused, the old place is not");
        assert_eq!(*table.get_mut(b).unwrap().1, 0);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn many_keys_are_found_again_after_growth_and_removal() {
        let mut table: KeyTable<u32> = KeyTable::new();
        for i in 0..1000_u32 {
            let place = table.find_or_insert(&i.to_be_bytes());
            *table.get_mut(place).unwrap().1 = i;
        }
        for i in (0..1000_u32).step_by(2) {
            let place = table.find(&i.to_be_bytes()).unwrap();
            table.remove(place);
        }
        for i in 0..1000_u32 {
            let state = table.find(&i.to_be_bytes()).map(|p| *table.get_mut(p).unwrap().1);
            assert_eq!(state, (i % 2 == 1).then_some(i));
        }
    }
}
