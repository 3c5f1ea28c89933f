//! When to look at which key again.
//!
//! In: places and times, at most one valid time a place. Out: the places whose time is past, earliest
//! first. For one length of time waits end in the order in which they began: such times stand in a
//! row, one row for each length, and cost the same however many there are. What fits no row stands in
//! a heap. A time that no longer holds is left where it is and skipped when its turn comes; when most
//! is such waste it is thrown out, so that all of this stays as small as the table.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::table::Place;
use crate::time::Timestamp;

/// Waste that is not worth a look.
const SLACK: usize = 64;
/// Most rows: the rules of a table have few different `maxspan`s, and each row is looked at each time.
const ROWS: usize = 8;

/// See the module page.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// Each in ascending order.
    rows: Vec<VecDeque<(Timestamp, Place)>>,
    /// What fits at the end of none.
    heap: BinaryHeap<Reverse<(Timestamp, Place)>>,
    /// How many there are, valid or not.
    len: usize,
    /// The earliest of them, and where it stands: the row, or `None` for the heap.
    first: Option<((Timestamp, Place), Option<usize>)>,
}

impl Timers {
    /// How many there are, valid or not.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The earliest time, valid or not.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.first.map(|((time, _), _)| time)
    }

    /// Finds [`Self::first`].
    fn search(&self) -> Option<((Timestamp, Place), Option<usize>)> {
        let heads =
            self.rows.iter().zip(0..).filter_map(|(row, at)| Some((*row.front()?, Some(at))));
        let heaped = self.heap.peek().map(|Reverse(entry)| (*entry, None));
        heads.chain(heaped).min()
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
        let row = self.row_for(time);
        match row.and_then(|at| self.rows.get_mut(at)) {
            Some(row) => row.push_back((time, place)),
            None => self.heap.push(Reverse((time, place))),
        }
        // Of equal times the one that came first stays: it may stand before this one in the same row.
        if self.first.is_none_or(|((first, _), _)| time < first) {
            self.first = Some(((time, place), row));
        }
        self.len += 1;
        if self.len > 2 * keys + SLACK {
            for row in &mut self.rows {
                row.retain(|(time, place)| valid(*time, *place));
            }
            self.heap.retain(|Reverse((time, place))| valid(*time, *place));
            self.len = self.rows.iter().map(VecDeque::len).sum::<usize>() + self.heap.len();
            self.first = self.search();
        }
    }

    /// The row at the end of which this time fits best: with the latest end that is not later.
    fn row_for(&mut self, time: Timestamp) -> Option<usize> {
        let ends = self.rows.iter().map(|row| row.back().map_or(Timestamp::MIN, |(end, _)| *end));
        let best = ends.zip(0..).filter(|(end, _)| *end <= time).max().map(|(_, at)| at);
        if best.is_none() && self.rows.len() < ROWS {
            self.rows.push(VecDeque::new());
            return Some(self.rows.len() - 1);
        }
        best
    }

    /// The next entry that lies before `now`.
    pub(crate) fn pop_before(&mut self, now: Timestamp) -> Option<(Timestamp, Place)> {
        let (_, row) = self.first.filter(|((time, _), _)| *time < now)?;
        self.len -= 1;
        let entry = match row.and_then(|at| self.rows.get_mut(at)) {
            Some(row) => row.pop_front(),
            None => self.heap.pop().map(|Reverse(entry)| entry),
        };
        self.first = self.search();
        entry
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

    #[test]
    fn what_lies_before_now_comes_in_order() {
        let mut timers = Timers::default();
        for time in [3, 1, 2, 4, 5, 4] {
            timers.push(Timestamp(time), Place::default(), 6, |_, _| true);
        }
        assert_eq!(timers.rows, [vec![3, 4, 5], vec![1, 2, 4]].map(of_times));
        assert_eq!(timers.next(), Some(Timestamp(1)));
        let times: Vec<_> = std::iter::from_fn(|| timers.pop_before(Timestamp(5)))
            .map(|(time, _)| time.0)
            .collect();
        assert_eq!(times, [1, 2, 3, 4, 4]);
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

    fn of_times(times: Vec<i64>) -> VecDeque<(Timestamp, Place)> {
        times.into_iter().map(|time| (Timestamp(time), Place::default())).collect()
    }

    #[test]
    fn what_fits_no_row_is_heaped() {
        let mut timers = Timers::default();
        for time in (0..20).rev() {
            timers.push(Timestamp(time), Place::default(), 20, |_, _| true);
        }
        assert_eq!((timers.rows.len(), timers.heap.len()), (ROWS, 20 - ROWS));
        for time in 0..20 {
            assert_eq!(timers.pop_before(Timestamp(20)).map(|(time, _)| time.0), Some(time));
        }
        assert_eq!((timers.next(), timers.len), (None, 0));
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
