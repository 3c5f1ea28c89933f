//! The queue between the thread that reads a live source and the one that matches.
//!
//! In: what was read, and [`Order`]s. Out: the same, in order; orders first. Bounded in bytes. The
//! reading thread never waits for the matching one unless it is asked to: when the queue is full, what
//! comes is dropped by whole lines and counted until half of the queue is free again, so that what is
//! lost is one stretch of time and not every second line. Whoever takes gets one
//! [`Notice::Dropped`] where the lines would have stood.
//!
//! What was read in small pieces is put together while it waits: whoever is behind takes more at once.
//! Memory goes back and forth; nothing is allocated while the queue stays short.

use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::live::{Notice, Order};
use super::read::Read1;

/// Most bytes of one piece: small, because alerts leave behind a piece.
pub(super) const PIECE_BYTES: usize = 16 << 10;
/// What anything but a block counts for.
const NOTICE_BYTES: usize = 512;
/// Emptied pieces that are kept.
const SPARES: usize = 64;

/// What was taken from the queue.
#[derive(Debug)]
pub(super) enum Took {
    /// Something that was read.
    Read(Read1),
    /// An order.
    Order(Order),
    /// Nothing in all the time.
    Nothing,
    /// Nothing, and nothing more will come.
    End,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Read1>,
    /// What the items count for.
    bytes: usize,
    orders: VecDeque<Order>,
    spare: Vec<Vec<u8>>,
    /// The taker waits for something to come.
    taker_waits: bool,
    /// The writer waits for room.
    writer_waits: bool,
    /// The reader shall not rest but look once more.
    nudged: bool,
    /// The reader shall read: whoever takes has fallen behind.
    called: bool,
    /// The reader leaves reading to whoever takes.
    handed: bool,
    /// The reader rests until it is nudged.
    rests: bool,
    /// Whoever takes waits for the source by itself, and how often it has.
    reads_itself: bool,
    waits: u64,
    /// Nothing more will come.
    ended: bool,
    /// Nobody takes any more.
    abandoned: bool,
}

#[derive(Debug)]
struct Shared {
    /// Wakes whoever waits for the source by itself. Without, it does not.
    wake: Option<(PipeReader, PipeWriter)>,
    state: Mutex<State>,
    /// Something came.
    filled: Condvar,
    /// Something went, or the reader is wanted.
    drained: Condvar,
}

impl Shared {
    /// A thread that panicked holding the lock has left no half-done work behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_taker(&self, mut state: MutexGuard<'_, State>) {
        let waits = std::mem::take(&mut state.taker_waits);
        drop(state);
        if waits {
            self.filled.notify_one();
        }
    }
}

/// Makes a queue of so many bytes; when it is full, what comes is dropped, or the writer waits.
pub(super) fn queue(max_bytes: usize, drops: bool) -> (Writer, Taker) {
    let shared = Arc::new(Shared {
        wake: std::io::pipe().ok(),
        state: Mutex::default(),
        filled: Condvar::new(),
        drained: Condvar::new(),
    });
    let writer = Writer { shared: shared.clone(), max_bytes, drops, losing: None };
    (writer, Taker { shared })
}

/// Lines and bytes that are being dropped.
#[derive(Debug, Clone, Copy, Default)]
struct Losing {
    lines: u64,
    bytes: u64,
}

impl Losing {
    fn count(&mut self, bytes: &[u8]) {
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.bytes += bytes.len() as u64;
    }

    fn notice(self) -> Read1 {
        Read1::Notice(Notice::Dropped { lines: self.lines, bytes: self.bytes })
    }
}

/// The end of the reading thread.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    max_bytes: usize,
    drops: bool,
    losing: Option<Losing>,
}

impl Writer {
    /// Puts bytes in, or drops them; `false` when nobody takes any more.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> bool {
        let mut bytes = bytes;
        let mut state = self.shared.lock();
        if !self.drops {
            state = self.wait_for_room(state, bytes.len());
        } else if let Some(losing) = &mut self.losing {
            if state.bytes > self.max_bytes / 2 {
                losing.count(bytes);
                return !state.abandoned;
            }
            // The line that is being dropped is dropped to its end.
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
            let (dropped, rest) = bytes.split_at(end);
            losing.count(dropped);
            if !dropped.ends_with(b"\n") {
                return !state.abandoned;
            }
            bytes = rest;
            state.push(losing.notice());
            self.losing = None;
        }
        if state.abandoned {
            return false;
        }
        if self.drops && !state.items.is_empty() && state.bytes + bytes.len() > self.max_bytes {
            self.losing.get_or_insert_default().count(bytes);
        } else {
            state.append(bytes);
        }
        self.shared.wake_taker(state);
        true
    }

    /// Puts anything else in, waiting for room; `false` when nobody takes any more.
    pub(super) fn tell(&mut self, read: Read1) -> bool {
        let mut state = self.wait_for_room(self.shared.lock(), NOTICE_BYTES);
        if let Some(losing) = self.losing.take() {
            state.push(losing.notice());
        }
        state.push(read);
        let goes_on = !state.abandoned;
        self.shared.wake_taker(state);
        goes_on
    }

    fn wait_for_room<'a>(&self, state: MutexGuard<'a, State>, bytes: usize) -> MutexGuard<'a, State>
    where
        Self: 'a,
    {
        let is_full = |state: &mut State| {
            let is_full = !state.items.is_empty() && state.bytes + bytes > self.max_bytes;
            state.writer_waits = is_full && !state.abandoned;
            state.writer_waits
        };
        let waited = self.shared.drained.wait_while(state, is_full);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the reader rests.
    pub(super) fn bell(&self) -> Bell {
        Bell { shared: self.shared.clone() }
    }

    /// Where orders go in.
    pub(super) fn orders(&self) -> Orders {
        Orders { shared: self.shared.clone() }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(losing) = self.losing.take() {
            state.push(losing.notice());
        }
        state.ended = true;
        self.shared.wake_taker(state);
    }
}

/// Where orders go in.
#[derive(Debug)]
pub(super) struct Orders {
    shared: Arc<Shared>,
}

impl Orders {
    /// Gives an order; `false` when nobody takes any more.
    pub(super) fn give(&self, order: Order) -> bool {
        let mut state = self.shared.lock();
        state.orders.push_back(order);
        // What was written before the order was given shall be seen before it is obeyed.
        state.nudged = true;
        let goes_on = !state.abandoned;
        let reads_itself = state.reads_itself;
        self.shared.drained.notify_all();
        self.shared.wake_taker(state);
        if reads_itself && let Some((_, wake)) = &self.shared.wake {
            let mut wake = wake;
            // It is read at once, and so has room.
            let _ = wake.write(&[0]);
        }
        goes_on
    }
}

/// Where the reader rests, and is called.
#[derive(Debug, Clone)]
pub(super) struct Bell {
    shared: Arc<Shared>,
}

/// What whoever takes is doing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// It waits for the source by itself, and how often it has begun to.
    pub(super) is_waiting: bool,
    pub(super) waits: u64,
    /// It wants the reader to read.
    pub(super) is_called: bool,
}

impl Bell {
    /// Rests for so long, or until it is time to look once more; `false` when nobody takes any more.
    pub(super) fn rest(&self, how_long: Option<Duration>) -> bool {
        let mut state = self.shared.lock();
        let rests = |state: &mut State| !state.abandoned && !state.nudged;
        state.rests = how_long.is_none();
        let drained = &self.shared.drained;
        let mut state = match how_long {
            Some(how_long) => {
                let waited = drained.wait_timeout_while(state, how_long, rests);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => drained.wait_while(state, rests).unwrap_or_else(PoisonError::into_inner),
        };
        (state.rests, state.nudged) = (false, false);
        !state.abandoned
    }

    /// Has the reader read.
    pub(super) fn call(&self) {
        let mut state = self.shared.lock();
        (state.called, state.nudged) = (true, true);
        drop(state);
        self.shared.drained.notify_all();
    }

    /// What whoever takes is doing.
    pub(super) fn look(&self) -> Look {
        let state = self.shared.lock();
        let State { reads_itself: is_waiting, waits, called: is_called, .. } = *state;
        Look { is_waiting, waits, is_called }
    }

    /// What waits to be taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.shared.lock().bytes
    }

    /// The reader leaves reading to whoever takes.
    pub(super) fn hand_back(&self) {
        let mut state = self.shared.lock();
        (state.called, state.handed) = (false, true);
        self.shared.wake_taker(state);
    }
}

/// The end of the matching thread.
#[derive(Debug)]
pub(super) struct Taker {
    shared: Arc<Shared>,
}

impl Taker {
    /// Takes what is next; `None` when nothing is.
    pub(super) fn take_now(&self) -> Option<Took> {
        self.pop(self.shared.lock())
    }

    /// Takes what the reader reads next, waiting so long at most; `None` when it no longer reads.
    pub(super) fn take(&self, how_long: Duration) -> Option<Took> {
        let mut state = self.shared.lock();
        if state.is_idle() && !state.handed {
            state.taker_waits = true;
            let idle = |state: &mut State| state.is_idle() && !state.handed;
            let waited = self.shared.filled.wait_timeout_while(state, how_long, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.taker_waits = false;
        }
        let is_handed = std::mem::take(&mut state.handed);
        let took = self.pop(state);
        if is_handed { took } else { took.or(Some(Took::Nothing)) }
    }

    fn pop(&self, mut state: MutexGuard<'_, State>) -> Option<Took> {
        if let Some(order) = state.orders.pop_front() {
            return Some(Took::Order(order));
        }
        match state.items.pop_front() {
            Some(read) => {
                state.bytes = state.bytes.saturating_sub(weight(&read));
                let waits = state.writer_waits;
                drop(state);
                if waits {
                    self.shared.drained.notify_all();
                }
                Some(Took::Read(read))
            }
            None => state.ended.then_some(Took::End),
        }
    }

    /// Where it is told that an order has come, while whoever takes waits for the source by itself.
    pub(super) fn wake(&self) -> Option<&PipeReader> {
        self.shared.wake.as_ref().map(|(reader, _)| reader)
    }

    /// Whoever takes waits for the source by itself from now on; `false` when there is something to take.
    pub(super) fn begins_to_wait(&self) -> bool {
        let mut state = self.shared.lock();
        state.reads_itself = state.is_idle();
        state.waits += u64::from(state.reads_itself);
        state.reads_itself
    }

    /// It waits no longer.
    pub(super) fn has_waited(&self) {
        let mut state = self.shared.lock();
        state.reads_itself = false;
        // From now on the reader looks now and then whether it must read.
        if state.rests {
            state.nudged = true;
            drop(state);
            self.shared.drained.notify_all();
        }
    }

    /// What waits to be taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.shared.lock().bytes
    }

    /// Gives the memory of a piece back.
    pub(super) fn recycle(&self, read: Read1) {
        let Read1::Block(mut block) = read else { return };
        block.clear();
        let mut state = self.shared.lock();
        if state.spare.len() < SPARES {
            state.spare.push(block);
        }
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.shared.lock().abandoned = true;
        self.shared.drained.notify_all();
    }
}

fn weight(read: &Read1) -> usize {
    match read {
        Read1::Block(block) => block.len(),
        _ => NOTICE_BYTES,
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.items.is_empty() && self.orders.is_empty() && !self.ended
    }

    fn push(&mut self, read: Read1) {
        self.bytes += weight(&read);
        self.items.push_back(read);
    }

    /// Puts bytes behind what waits already.
    fn append(&mut self, bytes: &[u8]) {
        let mut left = bytes;
        if let Some(Read1::Block(last)) = self.items.back_mut() {
            let room = PIECE_BYTES.saturating_sub(last.len()).min(left.len());
            let (part, rest) = left.split_at(room);
            last.extend_from_slice(part);
            self.bytes += room;
            left = rest;
        }
        for part in left.chunks(PIECE_BYTES) {
            let mut block = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(PIECE_BYTES));
            block.extend_from_slice(part);
            self.push(Read1::Block(block));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_now(taker: &Taker) -> Took {
        taker.take_now().unwrap_or(Took::Nothing)
    }

    /// Everything that is in the queue: text, and what was dropped in brackets.
    fn taken(taker: &Taker) -> String {
        let mut out = String::new();
        loop {
            match taken_now(taker) {
                Took::Read(Read1::Block(block)) => {
                    out += &String::from_utf8(block.clone()).unwrap();
                    taker.recycle(Read1::Block(block));
                }
                Took::Read(Read1::Notice(Notice::Dropped { lines, bytes })) => {
                    out += &format!("[{lines} lines, {bytes} bytes]");
                }
                Took::Nothing | Took::End => return out,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn small_pieces_become_one_while_they_wait() {
        let (mut writer, taker) = queue(1 << 20, true);
        for _ in 0..3 {
            assert!(writer.bytes(b"one\ntw"));
        }
        let Took::Read(Read1::Block(block)) = taken_now(&taker) else { panic!() };
        assert_eq!(block, b"one\ntwone\ntwone\ntw");
        assert!(matches!(taken_now(&taker), Took::Nothing));
        drop(writer);
        assert!(matches!(taken_now(&taker), Took::End));
    }

    #[test]
    fn what_does_not_fit_is_dropped_by_whole_lines_and_counted_where_it_stood() {
        let (mut writer, taker) = queue(NOTICE_BYTES + 8, true);
        let long = "-".repeat(NOTICE_BYTES);
        // The second line has begun when the queue is full.
        for piece in [&*format!("one\ntw{long}"), "o\nthree\nfo", "ur\nfive"] {
            assert!(writer.bytes(piece.as_bytes()));
        }
        assert_eq!(taken(&taker), format!("one\ntw{long}"));
        // There is room again: the line that was being dropped is dropped to its end.
        assert!(writer.bytes(b" still five\nsix\n"));
        assert_eq!(taken(&taker), "[4 lines, 29 bytes]six\n");
    }

    #[test]
    fn room_for_half_of_the_queue_is_waited_for() {
        let (mut writer, taker) = queue(4 * PIECE_BYTES, true);
        let line = "x".repeat(PIECE_BYTES - 1) + "\n";
        for _ in 0..6 {
            assert!(writer.bytes(line.as_bytes()));
        }
        assert!(matches!(taken_now(&taker), Took::Read(_)));
        assert!(writer.bytes(b"still dropped\n"));
        assert!(matches!(taken_now(&taker), Took::Read(_)));
        assert!(writer.bytes(b"cut\nkept\n"));
        let rest = taken(&taker);
        let lost = format!("[4 lines, {} bytes]kept\n", 2 * PIECE_BYTES + 14 + 4);
        assert!(rest.ends_with(&lost), "{}", rest.trim_matches('x'));
    }

    #[test]
    fn what_is_being_dropped_at_the_end_is_told() {
        let (mut writer, taker) = queue(4, true);
        assert!(writer.bytes(b"one\n"));
        assert!(writer.bytes(b"two\n"));
        drop(writer);
        assert_eq!(taken(&taker), "one\n[1 lines, 4 bytes]");
    }

    #[test]
    fn a_writer_that_waits_loses_nothing() {
        let (mut writer, taker) = queue(100, false);
        let thread = std::thread::spawn(move || {
            (0..1000).all(|number| writer.bytes(format!("line {number}\n").as_bytes()))
        });
        let mut out = Vec::new();
        loop {
            match taker.take(Duration::from_secs(60)).unwrap() {
                Took::Read(Read1::Block(block)) => {
                    assert!(block.len() <= 100);
                    out.extend_from_slice(&block);
                }
                Took::End => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(thread.join().unwrap());
        let expected: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn an_order_comes_first_and_wakes_a_resting_reader() {
        let (mut writer, taker) = queue(100, true);
        assert!(writer.bytes(b"one\n"));
        assert!(writer.orders().give(Order::Stop));
        assert!(writer.bell().rest(Some(Duration::from_secs(3600))), "it does not rest");
        assert!(matches!(taken_now(&taker), Took::Order(Order::Stop)));
        assert_eq!(taken(&taker), "one\n");
        drop(taker);
        assert!(!writer.bell().rest(Some(Duration::from_secs(3600))) && !writer.bytes(b"two\n"));
        assert!(!writer.orders().give(Order::Reopen));
    }
}
