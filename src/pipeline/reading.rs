//! [`Reading`]: the end of a live source, and the thread that reads where the matching one cannot.
//!
//! In: a [`Tap`], step by step. Out: what it gives, in the [`queue`](super::queue). When the thread reads is decided
//! here, see [`supply`](super::supply); how long it rests between two looks is all it knows of time.

use std::io::PipeReader;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::live::{Polled, Tap};
use super::queue::{Bell, Look, PIECE_BYTES, Writer};
use super::read::Read1;

/// Bytes of one read.
const READ_BYTES: usize = 256 << 10;
/// How long the reading thread rests between two looks at the other one. A pipe holds what comes meanwhile at
/// 16 MB a second.
const LOOK: Duration = Duration::from_millis(4);
/// So many looks at a thread that only waits, and the next one is when something comes.
const QUIET_LOOKS: u32 = 25;
/// The reading thread leaves reading to the other one when the queue was short so many reads in a row, or nothing
/// came for so long.
const CALM_READS: u32 = 64;
const CALM: Duration = Duration::from_millis(2);
/// How long to rest before looking at a followed file again.
const POLL: Duration = Duration::from_millis(100);

/// Whether a source, or an order, has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Something,
    Nothing,
}

/// Waits until a source has something or nothing more to come; tells also whether an order has.
pub(super) fn wait(
    source: BorrowedFd<'_>,
    wake: Option<&PipeReader>,
    how_long: Duration,
) -> (Came, bool) {
    let mut ends = [
        PollFd::from_borrowed_fd(source, PollFlags::IN),
        PollFd::from_borrowed_fd(wake.map_or(source, |wake| wake.as_fd()), PollFlags::IN),
    ];
    // No wait is as long as a time may be.
    let how_long = Timespec::try_from(how_long).ok();
    loop {
        match poll(&mut ends, how_long.as_ref()) {
            Ok(0) => return (Came::Nothing, false),
            // A signal is no reason to be early, and rare.
            Err(Errno::INTR) => {}
            // What is wrong, reading tells.
            Ok(_) | Err(_) => break,
        }
    }
    let [source, order] = ends.map(|end| !end.revents().is_empty());
    let is_ordered = wake.is_some() && order;
    (if source || !is_ordered { Came::Something } else { Came::Nothing }, is_ordered)
}

/// The end of a source, whoever reads it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) tap: Box<dyn Tap>,
    /// What is being read.
    name: String,
    beginning: Beginning,
    buffer: Vec<u8>,
    /// `None` when nothing more will come.
    writer: Option<Writer>,
}

impl Reading {
    pub(super) fn new(name: String, tap: Box<dyn Tap>, writer: Writer) -> Self {
        let beginning = Beginning::default();
        Self { tap, name, beginning, buffer: vec![0; READ_BYTES], writer: Some(writer) }
    }

    /// Reads until whoever takes keeps up, or to the end where only the source can tell when it has something.
    fn read_on(&mut self, bell: &Bell) {
        let mut calm = 0;
        while self.writer.is_some() {
            if let Some(source) = self.tap.ready() {
                calm = if bell.bytes() < PIECE_BYTES { calm + 1 } else { 0 };
                if calm > CALM_READS || wait(source, None, CALM).0 == Came::Nothing {
                    return;
                }
            }
            self.step();
        }
    }

    /// Reads once. Waits where the source is not [ready](Tap::ready) or the queue has no room.
    pub(super) fn step(&mut self) {
        let Some(writer) = &mut self.writer else { return };
        let goes_on = match self.tap.step(&mut self.buffer) {
            Polled::Bytes(range) => {
                let bytes = self.buffer.get(range).unwrap_or_default();
                if self.beginning.is_binary(bytes) {
                    let (name, why) = (std::mem::take(&mut self.name), BINARY.to_owned());
                    writer.tell(Read1::Failed { name, why });
                    false
                } else {
                    writer.bytes(bytes)
                }
            }
            Polled::File(file) => {
                self.beginning = Beginning::default();
                self.name.clone_from(&file);
                writer.tell(Read1::File(file))
            }
            Polled::Notice(notice) => writer.tell(Read1::Notice(notice)),
            Polled::Rest => writer.bell().rest(Some(POLL)),
            Polled::Pause(pause) => writer.bell().rest(Some(pause)),
            Polled::Broken { name, why } => writer.tell(Read1::Failed { name, why }),
            Polled::Failed(why) => {
                writer.tell(Read1::Failed { name: std::mem::take(&mut self.name), why });
                false
            }
            Polled::End => false,
        };
        if !goes_on {
            self.writer = None;
        }
    }

    /// A fault in this program is no end of the input.
    fn die(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            let why = "the reading thread died of a fault in this program".to_owned();
            writer.tell(Read1::Failed { name: std::mem::take(&mut self.name), why });
        }
    }
}

/// Reads whenever the other thread cannot.
pub(super) fn keep_reading(reading: &Mutex<Reading>, bell: &Bell) {
    let _told = Told { reading };
    let mut watch = Watch::default();
    // What a source is, is known when it has been opened.
    let mut reads = true;
    loop {
        if reads {
            match reading.try_lock() {
                Ok(mut reading) => {
                    reading.read_on(bell);
                    if reading.writer.is_none() {
                        return;
                    }
                    drop(reading);
                    bell.hand_back();
                    watch = Watch::default();
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Poisoned(_)) => return,
            }
        }
        let is_quiet = watch.quiet >= QUIET_LOOKS;
        if !bell.rest((!is_quiet).then_some(LOOK)) {
            return;
        }
        if is_quiet {
            watch = Watch::default();
        }
        reads = watch.is_behind(bell.look());
    }
}

/// Tells of a thread that dies.
struct Told<'r> {
    reading: &'r Mutex<Reading>,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.reading.lock().unwrap_or_else(PoisonError::into_inner).die();
        }
    }
}

/// What is known of the thread that takes.
#[derive(Debug, Default)]
struct Watch {
    /// How often it had waited when it was last looked at.
    waits: Option<u64>,
    /// Looks in a row at which it was still at the same wait.
    quiet: u32,
}

impl Watch {
    /// Whether somebody else must read: it says so, or it has not come to wait since the last look.
    fn is_behind(&mut self, look: Look) -> bool {
        let same = self.waits.replace(look.waits) == Some(look.waits);
        self.quiet = if look.is_waiting && same { self.quiet + 1 } else { 0 };
        look.is_called || same && !look.is_waiting
    }
}

const BINARY: &str =
    "auditd sends its binary format: set `format = string` in the plugin's configuration";

/// The first bytes of a stream, as far as they are needed to tell what it is.
#[derive(Debug, Default)]
struct Beginning {
    bytes: Vec<u8>,
}

impl Beginning {
    /// Whether this is how auditd's binary format begins, as far as is known: version 0 or 1, then the length
    /// of the header, 16, as two numbers of four bytes.
    fn is_binary(&mut self, next: &[u8]) -> bool {
        const HEAD: usize = 8;
        let room = HEAD.saturating_sub(self.bytes.len());
        if room == 0 {
            return false;
        }
        self.bytes.extend(next.iter().take(room));
        let number = |at: usize| {
            let bytes = self.bytes.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_ne_bytes(*bytes))
        };
        matches!((number(0), number(4)), (Some(0 | 1), Some(16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_thread_reads_where_it_is_called_or_the_first_one_does_not_come_back() {
        let mut watch = Watch::default();
        let look = |waits, is_waiting| Look { waits, is_waiting, is_called: false };
        // It comes back between looks, or waits at one.
        for (waits, is_waiting) in [(1, false), (2, false), (2, true), (2, true), (3, false)] {
            assert!(!watch.is_behind(look(waits, is_waiting)), "{waits} {is_waiting}");
        }
        assert!(watch.is_behind(look(3, false)));
        assert!(watch.is_behind(Look { is_called: true, ..look(4, true) }));
    }
}
