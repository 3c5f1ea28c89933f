//! The reorder buffer: puts what arrives nearly in order into the one total order.
//!
//! In: items with a time, in order of arrival. Out: the same items in [`Ordinal`] order, each as soon
//! as the watermark has passed it. The watermark trails the latest time seen by the allowed lateness,
//! or is set by the caller when it knows better. What arrives behind an item that has been handed out
//! is handed out at once, marked late, and counted: it is never dropped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::codec::{Invalid, Reader, Writer};
use crate::event::{load_ordinal, save_ordinal};
use crate::near;
use crate::time::{Duration, Ordinal, Timestamp};

/// A jump into the future by more than this moves the watermark only when a second item confirms it:
/// one broken clock stamp must not make everything after it late.
const MAX_JUMP: Duration = Duration::from_secs(3600);

/// How far from the end of the row an item may belong and still be put into it.
const MAX_STEPS: usize = 16;
/// How many items ahead the memory of one is brought near.
const SOON: usize = 4;

/// Counters of a [`Reorder`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReorderStats {
    /// Items that came behind one that had been handed out.
    pub late: u64,
    /// Items whose time lay far ahead of everything around them; they did not move the watermark.
    pub clamped: u64,
    /// Items handed out early because the buffer was full.
    pub forced: u64,
}

/// See the module page.
#[derive(Debug)]
pub struct Reorder<T> {
    lateness: Duration,
    max_items: usize,
    /// What came in order, or nearly so, as nearly everything does: in order. Places in `items`, so that
    /// only little moves when order is made.
    row: VecDeque<(Ordinal, usize)>,
    /// What came far behind its successors.
    heap: BinaryHeap<Reverse<(Ordinal, usize)>>,
    items: Vec<Option<T>>,
    free: Vec<usize>,
    /// Latest time believed.
    latest: Option<Timestamp>,
    /// A far-future time that waits for confirmation.
    suspect: Option<Timestamp>,
    watermark: Timestamp,
    /// Everything up to here, this time included, may go: nothing more is to be had just now.
    settled: Option<Timestamp>,
    /// The last item handed out in order.
    last: Option<Ordinal>,
    stats: ReorderStats,
}

/// An item on its way out.
#[derive(Debug, PartialEq, Eq)]
pub struct Released<T> {
    /// Its place in the order.
    pub ordinal: Ordinal,
    /// What was pushed.
    pub item: T,
    /// It came behind one that had been handed out before.
    pub late: bool,
}

impl<T> Reorder<T> {
    /// A buffer that waits `lateness` of event time and holds at most `max_items`.
    pub fn new(lateness: Duration, max_items: usize) -> Self {
        Self {
            lateness,
            max_items: max_items.max(1),
            row: VecDeque::new(),
            heap: BinaryHeap::new(),
            items: Vec::new(),
            free: Vec::new(),
            latest: None,
            suspect: None,
            watermark: Timestamp::MIN,
            settled: None,
            last: None,
            stats: ReorderStats::default(),
        }
    }

    /// Takes an item in. Returns it at once, marked late, when a later one has been handed out.
    pub fn push(&mut self, ordinal: Ordinal, item: T) -> Option<Released<T>> {
        self.see(ordinal.time);
        if self.last.is_some_and(|last| ordinal < last) {
            self.stats.late += 1;
            return Some(Released { ordinal, item, late: true });
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.items.push(None);
                self.items.len() - 1
            }
        };
        if let Some(free) = self.items.get_mut(place) {
            *free = Some(item);
        }
        self.put((ordinal, place));
        None
    }

    /// Puts a place where it belongs: at the end of the row or near it, else into the heap. Constant time
    /// for what comes nearly in order, logarithmic for the rest.
    fn put(&mut self, entry: (Ordinal, usize)) {
        let near = self.row.iter().rev().take(MAX_STEPS).position(|before| *before <= entry);
        match near {
            Some(0) => self.row.push_back(entry),
            Some(steps) => self.row.insert(self.row.len() - steps, entry),
            None if self.row.len() < MAX_STEPS => self.row.push_front(entry),
            None => self.heap.push(Reverse(entry)),
        }
    }

    /// The first place in order, and whether it stands in the heap.
    fn first(&self) -> Option<(Ordinal, bool)> {
        let row = self.row.front().copied();
        match (row, self.heap.peek().copied()) {
            (Some(row), Some(Reverse(heap))) if heap < row => Some((heap.0, true)),
            (Some((ordinal, _)), _) => Some((ordinal, false)),
            (None, heap) => heap.map(|Reverse((ordinal, _))| (ordinal, true)),
        }
    }

    /// Takes the first item, which stands in the heap or in the row.
    fn take(&mut self, in_heap: bool) -> Option<(Ordinal, T)> {
        let (ordinal, place) = match in_heap {
            true => self.heap.pop()?.0,
            false => self.row.pop_front()?,
        };
        self.free.push(place);
        Some((ordinal, self.items.get_mut(place)?.take()?))
    }

    /// The next item in order, once the watermark has passed it or the buffer is too full.
    pub fn pop(&mut self) -> Option<Released<T>> {
        let (first, in_heap) = self.first()?;
        let time = first.time;
        // Nothing is behind the end of time, so that what stands there would never be passed.
        let due = time < self.watermark
            || self.settled.is_some_and(|settled| time <= settled)
            || self.watermark == Timestamp::MAX;
        if !due && self.len() <= self.max_items {
            return None;
        }
        if let Some((_, soon)) = self.row.get(SOON) {
            near::bring_one(&self.items, *soon);
        }
        let (ordinal, item) = self.take(in_heap)?;
        if !due {
            self.stats.forced += 1;
            self.watermark = self.watermark.max(ordinal.time);
        }
        self.last = Some(ordinal);
        Some(Released { ordinal, item, late: false })
    }

    /// Hands out the first item although its time has not come: there is no room for it.
    pub fn force(&mut self) -> Option<Released<T>> {
        let (_, in_heap) = self.first()?;
        let (ordinal, item) = self.take(in_heap)?;
        self.stats.forced += u64::from(ordinal.time >= self.watermark);
        self.watermark = self.watermark.max(ordinal.time);
        self.last = Some(ordinal);
        Some(Released { ordinal, item, late: false })
    }

    /// Lets everything go up to and including `time`, without claiming that nothing more of that very
    /// time will come: an item of the same time that sorts behind those handed out is not late.
    pub fn settle(&mut self, time: Timestamp) {
        self.settled = self.settled.max(Some(time));
        self.advance(time);
    }

    /// Declares that nothing earlier than `time` will come. Never moves back.
    pub fn advance(&mut self, time: Timestamp) {
        self.watermark = self.watermark.max(time);
    }

    /// Nothing has come for so long: the watermark goes on as if something that much later had come.
    pub fn pass(&mut self, silent: Duration) {
        if let Some(latest) = self.latest {
            self.advance(latest.plus(silent).minus(self.lateness));
        }
    }

    /// Nothing earlier than this will be handed out, but for late items.
    pub fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// Latest time believed so far.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Items held.
    pub fn len(&self) -> usize {
        self.row.len() + self.heap.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty() && self.heap.is_empty()
    }

    /// Counters so far.
    pub fn stats(&self) -> ReorderStats {
        self.stats
    }

    /// Writes what it holds and knows, in the one order of items; `each` writes an item.
    pub fn save(&self, out: &mut Writer, mut each: impl FnMut(&T, &mut Writer)) {
        let time = |out: &mut Writer, time: Timestamp| out.signed(time.0);
        out.option(self.latest, time);
        out.option(self.suspect, time);
        out.signed(self.watermark.0);
        out.option(self.settled, time);
        out.option(self.last, |out, last| save_ordinal(last, out));
        let ReorderStats { late, clamped, forced } = self.stats;
        [late, clamped, forced].into_iter().for_each(|count| out.number(count));
        let heap = self.heap.iter().map(|Reverse(place)| *place);
        let mut places: Vec<_> = heap.chain(self.row.iter().copied()).collect();
        places.sort_unstable();
        out.size(places.len());
        for (ordinal, place) in places {
            save_ordinal(ordinal, out);
            if let Some(Some(item)) = self.items.get(place) {
                each(item, out);
            }
        }
    }

    /// Goes on from what [`Reorder::save`] wrote; `each` reads an item. What was held before is given up;
    /// lateness and room stay.
    ///
    /// # Errors
    ///
    /// When the bytes are not what is written; the buffer is then of no use any more.
    pub fn load<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        mut each: impl FnMut(&mut Reader<'a>) -> Result<T, Invalid>,
    ) -> Result<(), Invalid> {
        /// Counters below this can be counted on.
        const MOST: u64 = 1 << 62;
        let time = |reader: &mut Reader<'_>| reader.signed().map(Timestamp);
        let count = |reader: &mut Reader<'_>| reader.at_most(MOST, "count too great");
        *self = Self {
            latest: reader.option(time)?,
            suspect: reader.option(time)?,
            watermark: time(reader)?,
            settled: reader.option(time)?,
            last: reader.option(load_ordinal)?,
            stats: ReorderStats {
                late: count(reader)?,
                clamped: count(reader)?,
                forced: count(reader)?,
            },
            ..Self::new(self.lateness, self.max_items)
        };
        let mut last = None;
        for place in 0..reader.count()? {
            let ordinal = load_ordinal(reader)?;
            if last.is_some_and(|last| last > ordinal) {
                return Err(reader.invalid("items out of order"));
            }
            last = Some(ordinal);
            self.items.push(Some(each(reader)?));
            self.row.push_back((ordinal, place));
        }
        Ok(())
    }

    /// Moves the latest time and with it the watermark.
    fn see(&mut self, time: Timestamp) {
        let Some(latest) = self.latest else {
            self.latest = Some(time);
            self.advance(time.minus(self.lateness));
            return;
        };
        if time <= latest {
            return;
        }
        if time.since(latest) > MAX_JUMP {
            let confirmed = self.suspect.filter(|suspect| time >= suspect.minus(MAX_JUMP));
            let Some(suspect) = confirmed else {
                self.stats.clamped += 1;
                self.suspect = Some(time);
                return;
            };
            // The second witness: the log really continues there, so the first was right too.
            if time.since(suspect) > MAX_JUMP {
                // It leaps on, as in a log of few events: now this one waits to be confirmed.
                self.suspect = Some(time);
                self.latest = Some(suspect);
                self.advance(suspect.minus(self.lateness));
                return;
            }
            self.stats.clamped = self.stats.clamped.saturating_sub(1);
        }
        self.suspect = None;
        self.latest = Some(time);
        self.advance(time.minus(self.lateness));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, serial: u64) -> Ordinal {
        Ordinal::new(Timestamp(seconds * 1_000_000_000), Some(serial), serial)
    }

    fn drain(buffer: &mut Reorder<u64>) -> Vec<u64> {
        std::iter::from_fn(|| buffer.pop()).map(|released| released.item).collect()
    }

    #[test]
    fn order_is_restored_within_the_lateness() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        for (second, serial) in [(10, 1), (12, 3), (11, 2), (14, 4)] {
            assert_eq!(buffer.push(at(second, serial), serial), None);
        }
        assert_eq!(drain(&mut buffer), [1, 2], "14 - 2 = 12 has not been passed by 12 itself");
        buffer.advance(Timestamp::MAX);
        assert_eq!(drain(&mut buffer), [3, 4]);
        assert_eq!(buffer.stats(), ReorderStats::default());
    }

    #[test]
    fn time_goes_on_without_items_and_makes_none_late() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        buffer.pass(Duration::from_secs(9));
        assert_eq!(buffer.watermark(), Timestamp::MIN, "there is no time to go on from");
        buffer.push(at(10, 1), 1);
        buffer.pass(Duration::from_secs(1));
        assert_eq!(drain(&mut buffer), [0_u64; 0]);
        buffer.pass(Duration::from_secs(3));
        assert_eq!((drain(&mut buffer), buffer.watermark()), (vec![1], at(11, 0).time));
        assert_eq!(buffer.push(at(10, 2), 2), None, "it stands behind what was handed out");
        assert_eq!(drain(&mut buffer), [2]);
    }

    #[test]
    fn what_comes_behind_something_handed_out_is_late_and_not_lost() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        buffer.push(at(10, 1), 1);
        assert_eq!(buffer.push(at(7, 2), 2), None, "nothing later has gone out yet");
        assert_eq!(drain(&mut buffer), [2]);
        buffer.push(at(20, 3), 3);
        assert_eq!(drain(&mut buffer), [1]);
        let late = buffer.push(at(9, 4), 4).unwrap();
        assert!(late.late);
        assert_eq!(late.item, 4);
        assert_eq!(buffer.stats().late, 1);
    }

    #[test]
    fn a_settled_time_goes_out_and_more_of_the_same_time_is_not_late() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        buffer.push(at(10, 1), 1);
        buffer.push(at(10, 2), 2);
        buffer.settle(Timestamp(10_000_000_000));
        assert_eq!(drain(&mut buffer), [1, 2]);
        assert_eq!(buffer.push(at(10, 3), 3), None);
        assert_eq!(drain(&mut buffer), [3]);
        assert!(buffer.push(at(10, 2), 2).unwrap().late);
    }

    #[test]
    fn one_stamp_from_the_far_future_moves_nothing() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        buffer.push(at(10, 1), 1);
        buffer.push(at(9_000_000, 2), 2);
        assert_eq!(buffer.push(at(11, 3), 3), None, "not late");
        assert_eq!(buffer.stats(), ReorderStats { clamped: 1, ..ReorderStats::default() });
        buffer.advance(Timestamp::MAX);
        assert_eq!(drain(&mut buffer), [1, 3, 2]);
    }

    #[test]
    fn a_gap_in_the_log_is_believed_when_a_second_event_confirms_it() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        buffer.push(at(10, 1), 1);
        buffer.push(at(900_000, 2), 2);
        buffer.push(at(900_003, 3), 3);
        assert_eq!(drain(&mut buffer), [1, 2]);
        assert_eq!(buffer.stats(), ReorderStats::default());
    }

    #[test]
    fn a_log_of_few_events_flows_one_event_behind() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        let mut out = Vec::new();
        for serial in 0..5 {
            let hours = i64::try_from(serial).unwrap() * 2;
            buffer.push(at(hours * 3600, serial), serial);
            out.extend(drain(&mut buffer));
        }
        assert_eq!(out, [0, 1, 2], "3 waits for the lateness, 4 for a witness");
        assert_eq!(buffer.stats(), ReorderStats { clamped: 1, ..ReorderStats::default() });
    }

    #[test]
    fn times_at_both_ends_neither_overflow_nor_stay_behind() {
        let mut buffer = Reorder::new(Duration::from_secs(2), 100);
        for (serial, time) in [(1, i64::MIN), (2, i64::MAX), (3, -5), (4, i64::MAX)] {
            buffer.push(Ordinal::new(Timestamp(time), Some(serial), serial), serial);
        }
        buffer.advance(Timestamp::MAX);
        assert_eq!(drain(&mut buffer), [1, 3, 2, 4]);
    }

    /// Written and read between any two items, the buffer hands out the same, and the same is late.
    #[test]
    fn a_buffer_goes_on_where_it_was() {
        let written = |buffer: &Reorder<u64>| {
            let mut out = Writer::default();
            buffer.save(&mut out, |item, out| out.number(*item));
            out.into_bytes()
        };
        let new = || Reorder::new(Duration::from_secs(2), 3);
        let (mut whole, mut resumed) = (new(), new());
        let seconds = [10, 12, 11, 14, 7, 9_000_000, 13, 15, 15, 9_000_001, 3, 20, 9_000_007];
        for (second, serial) in seconds.into_iter().zip(1..) {
            let bytes = written(&resumed);
            resumed = new();
            let mut reader = Reader::new(&bytes);
            resumed.load(&mut reader, Reader::number).unwrap();
            assert_eq!(reader.end(), Ok(()));
            assert_eq!(written(&resumed), bytes);
            for cut in 0..bytes.len() {
                let mut reader = Reader::new(bytes.get(..cut).unwrap());
                assert!(new().load(&mut reader, Reader::number).is_err());
            }
            let late = [&mut whole, &mut resumed].map(|b| b.push(at(second, serial), serial));
            assert_eq!(late[0], late[1]);
            assert_eq!(drain(&mut whole), drain(&mut resumed));
            assert_eq!(whole.watermark(), resumed.watermark());
        }
        assert_eq!(whole.stats(), resumed.stats());
        assert!(whole.stats().late > 0 && whole.stats().forced > 0 && !whole.is_empty());
    }

    #[test]
    fn a_full_buffer_gives_up_the_earliest_and_counts_it() {
        let mut buffer = Reorder::new(Duration::from_secs(60), 2);
        for serial in 1..=4 {
            buffer.push(at(10, serial), serial);
        }
        assert_eq!(drain(&mut buffer), [1, 2]);
        assert_eq!(buffer.stats().forced, 2);
    }
}
