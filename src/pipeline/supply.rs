//! [`Supply`]: what the matching thread takes from, and the thread that reads for it.
//!
//! In: a [`Tap`]. Out: what it gives, in order, through a [`queue`](super::queue). There are two who can read.
//! While nothing waits the matching thread waits for the source by itself and reads what comes: no other thread must be
//! woken, which takes longer than matching. Where that is not enough - it has fallen behind, it has not come back
//! for a while, or only the source can tell when it has something - the reading thread reads, so that whoever
//! writes is not held up; it stops when the queue has stayed short.

use std::cell::Cell;
use std::io::{PipeReader, Read as _};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::live::Tap;
use super::queue::{Bell, PIECE_BYTES, Taker, Took, Writer};
use super::read::Read1;
use super::reading::{Came, Reading, keep_reading, wait};

/// What comes within this time came soon: about what it costs to fall asleep and to be woken.
const SOON: Duration = Duration::from_micros(20);
/// So many looks without sleeping take about as long.
const LOOKS: u32 = 32;

/// See the module page.
#[derive(Debug)]
pub(super) struct Supply {
    taker: Taker,
    reading: Arc<Mutex<Reading>>,
    bell: Bell,
    /// What came last came soon.
    is_brisk: Cell<bool>,
    /// Somebody else can run meanwhile.
    has_cores: bool,
}

impl Supply {
    /// Reads what a source gives, on a thread of its own where need be; the thread ends when this is dropped,
    /// as soon as it sees it. `name` is what the source is called.
    pub(super) fn new(name: String, tap: Box<dyn Tap>, writer: Writer, taker: Taker) -> Self {
        let bell = writer.bell();
        let reading = Arc::new(Mutex::new(Reading::new(name, tap, writer)));
        let (shared, ear) = (reading.clone(), bell.clone());
        std::thread::spawn(move || keep_reading(&shared, &ear));
        let has_cores = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
        Self { taker, reading, bell, is_brisk: Cell::new(false), has_cores }
    }

    /// Takes what is next, waiting so long at most.
    pub(super) fn take(&self, how_long: Duration) -> Took {
        loop {
            if let Some(took) = self.taker.take_now() {
                return took;
            }
            match self.read_here(how_long) {
                Some(Came::Something) => {}
                Some(Came::Nothing) => return Took::Nothing,
                // The other thread reads.
                None => {
                    if let Some(took) = self.taker.take(how_long) {
                        return took;
                    }
                }
            }
        }
    }

    /// Waits for the source and reads once; `None` when the other thread must, or is at it.
    fn read_here(&self, how_long: Duration) -> Option<Came> {
        let wake = self.taker.wake()?;
        let mut reading = self.reading.try_lock().ok()?;
        let source = reading.tap.ready()?;
        if !self.taker.begins_to_wait() {
            return Some(Came::Something);
        }
        let (came, is_ordered) = self.wait(source, wake, how_long);
        self.taker.has_waited();
        if is_ordered {
            let mut wake = wake;
            // How often it was told says nothing.
            let _ = wake.read(&mut [0; 64]);
            return Some(Came::Something);
        }
        if came == Came::Something {
            reading.step();
            let leaves = reading.tap.ready().is_none();
            drop(reading);
            if leaves || self.taker.bytes() >= PIECE_BYTES {
                self.bell.call();
            }
        }
        Some(came)
    }

    /// Waits for the source. While something comes in less time than a sleeping thread takes to wake up,
    /// it does not sleep.
    fn wait(&self, source: BorrowedFd<'_>, wake: &PipeReader, how_long: Duration) -> (Came, bool) {
        const NOTHING: (Came, bool) = (Came::Nothing, false);
        let wait = |how_long| wait(source, Some(wake), how_long);
        if self.is_brisk.get() {
            for _ in 0..LOOKS {
                match wait(Duration::ZERO) {
                    // Whoever else wants this core is not to wait for somebody who waits.
                    NOTHING => std::thread::yield_now(),
                    found => return found,
                }
            }
        }
        let soon = wait(SOON.min(how_long));
        self.is_brisk.set(self.has_cores && soon != NOTHING);
        if soon == NOTHING { wait(how_long) } else { soon }
    }

    /// What waits to be taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.taker.bytes()
    }

    /// Gives the memory of a piece back.
    pub(super) fn recycle(&self, read: Read1) {
        self.taker.recycle(read);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeWriter, Write as _};
    use std::os::fd::AsFd as _;

    use super::super::live::{Notice, Order, Polled};
    use super::super::queue::queue;
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// The end of a pipe that a test writes to.
    #[derive(Debug)]
    struct Pipe(PipeReader);

    impl Tap for Pipe {
        fn ready(&self) -> Option<BorrowedFd<'_>> {
            Some(self.0.as_fd())
        }

        fn step(&mut self, buffer: &mut [u8]) -> Polled {
            match self.0.read(buffer).unwrap() {
                0 => Polled::End,
                length => Polled::Bytes(0..length),
            }
        }
    }

    /// Only a step can tell what there is.
    #[derive(Debug)]
    struct Blind<T>(T);

    impl<T: Tap> Tap for Blind<T> {
        fn ready(&self) -> Option<BorrowedFd<'_>> {
            None
        }

        fn step(&mut self, buffer: &mut [u8]) -> Polled {
            self.0.step(buffer)
        }
    }

    /// Where reading dies.
    #[derive(Debug)]
    struct Fault;

    impl Tap for Fault {
        fn ready(&self) -> Option<BorrowedFd<'_>> {
            None
        }

        fn step(&mut self, _: &mut [u8]) -> Polled {
            panic!("a fault")
        }
    }

    fn supply(tap: impl Tap + 'static, bytes: usize, drops: bool) -> Supply {
        let (writer, taker) = queue(bytes, drops);
        Supply::new("test".to_owned(), Box::new(tap), writer, taker)
    }

    /// All text to the end, and how much was dropped.
    fn rest(supply: &Supply) -> (Vec<u8>, u64) {
        let (mut text, mut dropped) = (Vec::new(), 0);
        loop {
            match supply.take(LONG) {
                Took::Read(Read1::Block(block)) => text.extend(block),
                Took::Read(Read1::Notice(Notice::Dropped { bytes, .. })) => dropped += bytes,
                Took::End => return (text, dropped),
                other => panic!("{other:?}"),
            }
        }
    }

    fn text(took: Took) -> String {
        let Took::Read(Read1::Block(block)) = took else { panic!("{took:?}") };
        String::from_utf8(block).unwrap()
    }

    /// Writes numbered lines, as fast as they go.
    fn write(mut pipe: PipeWriter, lines: u32) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut all = Vec::new();
            for number in 0..lines {
                let line = format!("line {number}\n");
                pipe.write_all(line.as_bytes()).unwrap();
                all.extend(line.into_bytes());
            }
            all
        })
    }

    #[test]
    fn all_that_is_written_is_taken_in_order_whoever_reads() {
        let (reader, writer) = std::io::pipe().unwrap();
        let lines = write(writer, 100_000);
        assert_eq!(rest(&supply(Pipe(reader), 1 << 20, false)), (lines.join().unwrap(), 0));
        let (reader, writer) = std::io::pipe().unwrap();
        let lines = write(writer, 100_000);
        assert_eq!(rest(&supply(Blind(Pipe(reader)), 1 << 20, false)), (lines.join().unwrap(), 0));
    }

    #[test]
    fn what_is_written_bit_by_bit_is_taken_at_once() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let supply = supply(Pipe(reader), 1 << 20, true);
        for line in ["one\n", "two\n", "three\n"] {
            writer.write_all(line.as_bytes()).unwrap();
            assert_eq!(text(supply.take(LONG)), line);
            assert!(matches!(supply.take(Duration::ZERO), Took::Nothing));
        }
        drop(writer);
        assert!(matches!(supply.take(LONG), Took::End));
        assert!(matches!(supply.take(LONG), Took::End), "and again");
    }

    #[test]
    fn a_taker_that_does_not_come_back_holds_nobody_up() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let supply = supply(Pipe(reader), 256 << 10, true);
        writer.write_all(b"first\n").unwrap();
        assert_eq!(text(supply.take(LONG)), "first\n");
        // Several times what pipe and queue hold, while nobody takes.
        let written = write(writer, 100_000).join().unwrap();
        let (text, dropped) = rest(&supply);
        assert!(text.len() >= 128 << 10 && written.starts_with(&text[..128 << 10]));
        assert_eq!(text.len() as u64 + dropped, written.len() as u64);
    }

    #[test]
    fn an_order_is_heard_while_nothing_comes() {
        let (reader, writer) = std::io::pipe().unwrap();
        let (end, taker) = queue(1 << 20, true);
        let orders = end.orders();
        let supply = Supply::new("test".to_owned(), Box::new(Pipe(reader)), end, taker);
        for _ in 0..3 {
            let thread = std::thread::scope(|scope| {
                let given = scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(20));
                    orders.give(Order::Reopen)
                });
                assert!(matches!(supply.take(LONG), Took::Order(Order::Reopen)));
                given.join().unwrap()
            });
            assert!(thread);
        }
        assert!(matches!(supply.take(Duration::ZERO), Took::Nothing), "once each");
        drop(writer);
        assert!(matches!(supply.take(LONG), Took::End));
    }

    #[test]
    fn a_reader_that_dies_is_no_end_of_the_input() {
        let supply = supply(Fault, 100, true);
        assert!(matches!(supply.take(LONG), Took::Read(Read1::Failed { .. })));
        assert!(matches!(supply.take(LONG), Took::End));
    }
}
