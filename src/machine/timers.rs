//! When to look at which key again.
//!
//! In: places and times, at most one valid time a place. Out: the places whose time is past, earliest
//! first. A time that no longer holds is left in the queue and skipped when its turn comes; when most
//! of the queue is such waste it is thrown out, so that the queue stays as small as the table.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::table::Place;
use crate::time::Timestamp;

/// Waste that is not worth a look.
const SLACK: usize = 64;

/// See the module page.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, Place)>>,
}

impl Timers {
    /// The earliest time, valid or not.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((time, _))| *time)
    }

    /// Adds a time. `keys` is how many places there are, `valid` whether an entry still holds; both are
    /// asked for rarely, so that adding costs the logarithm of `keys`.
    pub(crate) fn push(
        &mut self,
        time: Timestamp,
        place: Place,
        keys: usize,
        mut valid: impl FnMut(Timestamp, Place) -> bool,
    ) {
        self.heap.push(Reverse((time, place)));
        if self.heap.len() > 2 * keys + SLACK {
            self.heap.retain(|Reverse((time, place))| valid(*time, *place));
        }
    }

    /// The next entry that lies before `now`.
    pub(crate) fn pop_before(&mut self, now: Timestamp) -> Option<(Timestamp, Place)> {
        let Reverse((time, _)) = self.heap.peek()?;
        if *time >= now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::table::KeyTable;

    #[test]
    fn a_key_that_comes_and_goes_leaves_no_queue_behind() {
        let mut table: KeyTable<Option<Timestamp>> = KeyTable::new();
        let mut timers = Timers::default();
        for second in 0..100_000 {
            let place = table.find_or_insert(b"key");
            *table.get_mut(place).unwrap().1 = Some(Timestamp(second));
            timers.push(Timestamp(second), place, table.len(), |time, place| {
                table.get_mut(place).is_some_and(|(_, timer)| *timer == Some(time))
            });
            assert!(timers.heap.len() <= SLACK + 3);
            table.remove(place);
        }
    }

    #[test]
    fn what_lies_before_now_comes_in_order() {
        let mut table: KeyTable<()> = KeyTable::new();
        let place = table.find_or_insert(b"key");
        let mut timers = Timers::default();
        for time in [3, 1, 2, 4] {
            timers.push(Timestamp(time), place, 4, |_, _| true);
        }
        assert_eq!(timers.next(), Some(Timestamp(1)));
        let times: Vec<_> = std::iter::from_fn(|| timers.pop_before(Timestamp(3)))
            .map(|(time, _)| time.0)
            .collect();
        assert_eq!(times, [1, 2]);
    }
}
