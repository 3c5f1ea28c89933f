//! When to look at which key again.
//!
//! In: places and times, at most one valid time a place. Out: the places whose time is past, earliest
//! first. Times are put on the second in which they fall, unsorted; a second is sorted when it has come.
//! That costs each the same however many there are, and memory is walked along instead of jumped about
//! in, as a heap of millions would. What comes for the second at hand stands in a heap of its own. A time
//! that no longer holds is left where it is and skipped when its turn comes; when most is such waste it
//! is thrown out, so that all of this stays as small as the table.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use smallvec::SmallVec;

use super::table::Place;
use crate::time::Timestamp;

/// Waste that is not worth a look: a table of a few busy keys would else be looked through all the time.
pub(super) const SLACK: usize = 256;
/// Nanoseconds that are sorted at once: few enough for a flood to sort in milliseconds.
const SECOND: i64 = 1_000_000_000;

type Entry = (Timestamp, Place);

/// The times of one second.
#[derive(Debug)]
struct Bucket {
    first: Timestamp,
    /// In no order.
    entries: SmallVec<[Entry; 1]>,
}

/// See the module page.
#[derive(Debug)]
pub(crate) struct Timers {
    /// The second at hand.
    second: i64,
    /// What was left of it when it came, latest first.
    sorted: SmallVec<[Entry; 1]>,
    /// What has come for it since, or for one before.
    heap: BinaryHeap<Reverse<Entry>>,
    /// Later seconds; none of them is empty.
    later: BTreeMap<i64, Bucket>,
    /// How many there are, valid or not.
    len: usize,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            second: i64::MIN,
            sorted: SmallVec::new(),
            heap: BinaryHeap::new(),
            later: BTreeMap::new(),
            len: 0,
        }
    }
}

impl Timers {
    /// How many there are, valid or not.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The earliest time, valid or not.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let sorted = self.sorted.last().map(|(time, _)| *time);
        let heaped = self.heap.peek().map(|Reverse((time, _))| *time);
        let at_hand = sorted.into_iter().chain(heaped).min();
        at_hand.or_else(|| self.later.values().next().map(|bucket| bucket.first))
    }

    /// Adds a time. `keys` is how many places there are, `valid` whether an entry still holds; the latter
    /// is asked for rarely, so that adding costs the same for any number of keys.
    pub(crate) fn push(
        &mut self,
        time: Timestamp,
        place: Place,
        keys: usize,
        valid: impl Fn(Timestamp, Place) -> bool,
    ) {
        let second = time.0.div_euclid(SECOND);
        if second <= self.second {
            self.heap.push(Reverse((time, place)));
        } else {
            let empty = || Bucket { first: time, entries: SmallVec::new() };
            let bucket = self.later.entry(second).or_insert_with(empty);
            bucket.first = bucket.first.min(time);
            bucket.entries.push((time, place));
        }
        self.len += 1;
        if self.len > 2 * keys + SLACK {
            self.throw_out(valid);
        }
    }

    fn throw_out(&mut self, valid: impl Fn(Timestamp, Place) -> bool) {
        self.sorted.retain(|(time, place)| valid(*time, *place));
        self.heap.retain(|Reverse((time, place))| valid(*time, *place));
        self.later.retain(|_, bucket| {
            bucket.entries.retain(|(time, place)| valid(*time, *place));
            bucket.entries.shrink_to_fit();
            let first = bucket.entries.iter().map(|(time, _)| *time).min();
            bucket.first = first.unwrap_or(bucket.first);
            first.is_some()
        });
        let later = self.later.values().map(|bucket| bucket.entries.len()).sum::<usize>();
        self.len = self.sorted.len() + self.heap.len() + later;
    }

    /// The place so many behind the next one, valid or not, as far as that is known.
    pub(crate) fn soon(&self, behind: usize) -> Option<Place> {
        let at = self.sorted.len().checked_sub(behind + 1)?;
        self.sorted.get(at).map(|(_, place)| *place)
    }

    /// The next entry that lies before `now`.
    pub(crate) fn pop_before(&mut self, now: Timestamp) -> Option<Entry> {
        if self.next()? >= now {
            return None;
        }
        if self.sorted.is_empty() && self.heap.is_empty() {
            let (second, bucket) = self.later.pop_first()?;
            self.second = second;
            self.sorted = bucket.entries;
            self.sorted.sort_unstable_by(|a, b| b.cmp(a));
        }
        self.len -= 1;
        match (self.sorted.last(), self.heap.peek()) {
            (Some(sorted), Some(Reverse(heaped))) if heaped < sorted => {
                self.heap.pop().map(|Reverse(entry)| entry)
            }
            (Some(_), _) => self.sorted.pop(),
            (None, _) => self.heap.pop().map(|Reverse(entry)| entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::key::Key;
    use crate::machine::table::{KeyTable, Pending};

    /// A state that is never looked at.
    #[derive(Debug, Default)]
    struct Never;

    impl Pending for Never {
        fn timer(&self) -> Timestamp {
            Timestamp::MAX
        }

        fn set_timer(&mut self, _: Timestamp) {}
    }

    /// Times in tenths of a second.
    fn tenths(tenths: i64) -> Timestamp {
        Timestamp(tenths * SECOND / 10)
    }

    fn push(timers: &mut Timers, tenth: i64) {
        timers.push(tenths(tenth), Place::default(), 100, |_, _| true);
    }

    fn pop_before(timers: &mut Timers, now: i64) -> Vec<i64> {
        let all = std::iter::from_fn(|| timers.pop_before(tenths(now)));
        all.map(|(time, _)| time.0 / (SECOND / 10)).collect()
    }

    #[test]
    fn what_lies_before_now_comes_in_order() {
        let mut timers = Timers::default();
        [31, 5, -7, 8, 45, 33, 8].into_iter().for_each(|time| push(&mut timers, time));
        assert_eq!(timers.next(), Some(tenths(-7)));
        assert_eq!(pop_before(&mut timers, 32), [-7, 5, 8, 8, 31]);
        assert_eq!(timers.next(), Some(tenths(33)));
        assert!(pop_before(&mut timers, 33).is_empty());
        assert_eq!(pop_before(&mut timers, 99), [33, 45]);
        assert_eq!((timers.next(), timers.len), (None, 0));
    }

    #[test]
    fn what_comes_for_the_second_at_hand_or_before_is_not_lost() {
        let mut timers = Timers::default();
        [12, 18, 25].into_iter().for_each(|time| push(&mut timers, time));
        assert_eq!(pop_before(&mut timers, 15), [12]);
        [16, 3, 19, 21].into_iter().for_each(|time| push(&mut timers, time));
        assert_eq!(timers.next(), Some(tenths(3)));
        assert_eq!(pop_before(&mut timers, 20), [3, 16, 18, 19]);
        assert_eq!(pop_before(&mut timers, 30), [21, 25]);
    }

    #[test]
    fn every_place_comes_once_also_at_equal_times() {
        let mut table: KeyTable<Never> = KeyTable::with_seat().0;
        let seat = table.take_seat().unwrap();
        let places = [b"a", b"b", b"c"].map(|key| table.find_or_insert(Key::plain(key), seat));
        let mut timers = Timers::default();
        for place in places.iter().rev() {
            timers.push(Timestamp(7), *place, 3, |_, _| true);
        }
        let mut all: Vec<_> = std::iter::from_fn(|| timers.pop_before(Timestamp(8))).collect();
        all.sort_unstable();
        assert_eq!(all, places.map(|place| (Timestamp(7), place)));
    }

    #[test]
    fn what_is_left_when_waste_is_thrown_out_keeps_its_time() {
        let mut timers = Timers::default();
        (10..20).for_each(|time| push(&mut timers, time));
        timers.throw_out(|time, _| time >= tenths(15));
        assert_eq!(timers.next(), Some(tenths(15)));
        assert!(pop_before(&mut timers, 15).is_empty());
        assert_eq!(pop_before(&mut timers, 17), [15, 16]);
        assert_eq!(timers.len, 3);
    }

    #[test]
    fn what_no_longer_holds_is_thrown_out() {
        let mut timers = Timers::default();
        for time in 0..100_000 {
            let time = if time % 2 == 0 { time } else { -time };
            timers.push(Timestamp(time), Place::default(), 1, |other, _| other.0 == time);
            assert!(timers.len <= SLACK + 3);
        }
    }
}
