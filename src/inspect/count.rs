//! [`Counts`]: how often each of some things occurred, in bounded memory.
//!
//! In: names that anybody may have chosen. Out: a number for each. When there are more names than may be
//! kept, those that come later are counted together, and how many times is known exactly.

use std::borrow::Borrow;
use std::hash::Hash;

use hashbrown::HashMap;

/// See the module page.
#[derive(Debug)]
pub(super) struct Counts<K> {
    table: HashMap<K, u64>,
    most: usize,
    /// Occurrences of what there was no more room for.
    pub(super) other: u64,
}

impl<K: Hash + Eq + Ord + Clone> Counts<K> {
    /// Keeps up to `most` names.
    pub(super) fn new(most: usize) -> Self {
        Self { table: HashMap::new(), most, other: 0 }
    }

    /// Counts one occurrence. Allocates for a new name only.
    pub(super) fn add<Q>(&mut self, name: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(count) = self.table.get_mut(name) {
            *count += 1;
        } else if self.table.len() < self.most {
            self.table.insert(name.to_owned(), 1);
        } else {
            self.other += 1;
        }
    }

    /// Counts an occurrence of what has no name that may be kept.
    pub(super) fn add_other(&mut self) {
        self.other += 1;
    }

    /// Whether it occurred.
    pub(super) fn has<Q>(&self, name: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.contains_key(name)
    }

    /// All names with their numbers, the most frequent first, equal ones by name.
    pub(super) fn sorted(&self) -> Vec<(K, u64)> {
        let mut all: Vec<(K, u64)> =
            self.table.iter().map(|(name, count)| (name.clone(), *count)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted_together() {
        let mut counts: Counts<String> = Counts::new(2);
        ["b", "a", "c", "a", "c", "b", "a"].iter().for_each(|name| counts.add(*name));
        assert_eq!(counts.sorted(), [("a".to_owned(), 3), ("b".to_owned(), 2)]);
        assert_eq!(counts.other, 2);
        assert!(counts.has("a") && !counts.has("c"));
    }
}
