//! Live sources: standard input, a file that is still written, a socket.
//!
//! In: a [`LiveInput`]. Out: what it gives, on a [`queue`](super::queue), from a thread that does
//! nothing but read. How long that thread rests between two looks at a file is all it knows of time.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::follow::Follower;
use super::input::{self, Refusal, Source};
use super::queue::{Taker, Writer, queue};
use super::read::{Read1, Reader, Step};
use super::socket::Connector;

/// Bytes of one read.
const READ_BYTES: usize = 256 << 10;
/// How long to rest before looking at a followed file again.
const POLL: Duration = Duration::from_millis(100);

/// Where a live stream comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveSource {
    /// Standard input (`-`), files, or a pipe: read to the end.
    Input(PathBuf),
    /// A file that is still written, through its rotations; never ends by itself.
    Follow {
        /// The file. It need not be there yet.
        path: PathBuf,
        /// What it holds already is wanted too.
        from_start: bool,
    },
    /// A Unix socket that somebody listens on; connected to anew when it closes.
    Socket(PathBuf),
}

/// A live source and how far the reader may be ahead of the matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveInput {
    /// Where from.
    pub source: LiveSource,
    /// Most bytes that wait to be matched.
    pub queue_bytes: usize,
    /// When so many wait: drop what comes, or let whoever writes wait. Files wait in any case:
    /// what is in them is not lost.
    pub drops: bool,
}

/// What a live stream is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Match what has come, and end as if the input had ended.
    Stop,
    /// Open the files that alerts go to anew: somebody has renamed them.
    Reopen,
}

/// What has happened to a live source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It cannot be read just now; it is tried again.
    Waiting {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// It can be read again, or now.
    Opened {
        /// Which.
        name: String,
    },
    /// A file was truncated and is read from its start; what was written in between is not known.
    Truncated {
        /// Which.
        name: String,
    },
    /// A file was rotated, and where the old one is now is not known: there may have been others in between.
    Untraced {
        /// Which.
        name: String,
    },
    /// A connection has ended; what came until the next one is lost.
    Closed {
        /// Which.
        name: String,
    },
    /// Lines came faster than they could be matched and were dropped.
    Dropped {
        /// How many.
        lines: u64,
        /// Their bytes.
        bytes: u64,
    },
}

/// One step of reading a source that goes on.
#[derive(Debug)]
pub(super) enum Polled {
    /// Bytes, in this part of the buffer.
    Bytes(Range<usize>),
    /// Another file or connection begins.
    File(String),
    /// Something has happened.
    Notice(Notice),
    /// Nothing is there just now.
    Rest,
    /// Nothing is to be had for so long.
    Pause(Duration),
    /// Nothing will be to be had.
    Failed(String),
}

/// A live source, found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) sources: Vec<Source>,
    pub(super) refusals: Vec<Refusal>,
}

impl LiveInput {
    /// Finds what is to be read.
    pub(super) fn discover(&self) -> Found {
        let named = |name: String| Found {
            sources: vec![Source { name, files: Vec::new() }],
            refusals: Vec::new(),
        };
        match &self.source {
            LiveSource::Input(path) => {
                let (mut sources, mut refusals) = input::discover(std::slice::from_ref(path));
                if sources.len() > 1 {
                    let why = format!("holds {} logs; a live stream is one", sources.len());
                    refusals.push(Refusal { name: path.display().to_string(), why });
                    sources.clear();
                }
                Found { sources, refusals }
            }
            LiveSource::Follow { path, .. } => named(path.display().to_string()),
            LiveSource::Socket(path) => named(format!("unix:{}", path.display())),
        }
    }

    /// Reads its source on a thread of its own, and takes orders on another. Both end when the
    /// taker is dropped, as soon as they see it.
    pub(super) fn spawn(
        &self,
        source: Source,
        orders: impl Iterator<Item = Order> + Send + 'static,
    ) -> Taker {
        let drops = self.drops && !self.is_file(&source);
        let (writer, taker) = queue(self.queue_bytes, drops);
        let (mut orders, end) = (orders, writer.orders());
        std::thread::spawn(move || while orders.next().is_some_and(|order| end.give(order)) {});
        let wanted = self.source.clone();
        std::thread::spawn(move || match wanted {
            LiveSource::Input(_) => read(Reader::new(source), writer),
            LiveSource::Follow { path, from_start } => {
                let mut follower = Follower::new(path, from_start);
                poll(&source.name, writer, |buffer| follower.poll(buffer));
            }
            LiveSource::Socket(path) => {
                let mut connector = Connector::new(path);
                poll(&source.name, writer, |buffer| connector.poll(buffer));
            }
        });
        taker
    }

    /// Whether what is not read now can be read later.
    fn is_file(&self, source: &Source) -> bool {
        let is_file = |path: &Path| path.is_file();
        match &self.source {
            LiveSource::Follow { .. } => true,
            LiveSource::Socket(_) => false,
            LiveSource::Input(_) if source.files.is_empty() => std::io::stdin()
                .as_fd()
                .try_clone_to_owned()
                .and_then(|stdin| File::from(stdin).metadata())
                .is_ok_and(|metadata| metadata.is_file()),
            LiveSource::Input(_) => source.files.iter().all(|path| is_file(path)),
        }
    }
}

/// Reads a source that ends.
fn read(mut reader: Reader, mut writer: Writer) {
    let mut buffer = vec![0; READ_BYTES];
    let mut name = String::new();
    let mut beginning = Beginning::default();
    loop {
        let goes_on = match reader.step(&mut buffer) {
            Step::Bytes(length) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                if beginning.is_binary(bytes) {
                    writer.tell(Read1::Failed { name, why: BINARY.to_owned() });
                    return;
                }
                writer.bytes(bytes)
            }
            Step::File(file) => {
                name.clone_from(&file);
                beginning = Beginning::default();
                writer.tell(Read1::File(file))
            }
            Step::Failed { name, why } => writer.tell(Read1::Failed { name, why }),
            Step::End => return,
        };
        if !goes_on {
            return;
        }
    }
}

/// Reads a source that goes on.
fn poll(name: &str, mut writer: Writer, mut step: impl FnMut(&mut [u8]) -> Polled) {
    let mut buffer = vec![0; READ_BYTES];
    let mut beginning = Beginning::default();
    loop {
        let goes_on = match step(&mut buffer) {
            Polled::Bytes(range) => {
                let bytes = buffer.get(range).unwrap_or_default();
                if beginning.is_binary(bytes) {
                    writer.tell(Read1::Failed { name: name.to_owned(), why: BINARY.to_owned() });
                    return;
                }
                writer.bytes(bytes)
            }
            Polled::File(file) => {
                beginning = Beginning::default();
                writer.tell(Read1::File(file))
            }
            Polled::Notice(notice) => writer.tell(Read1::Notice(notice)),
            Polled::Rest => writer.rest(POLL),
            Polled::Pause(pause) => writer.rest(pause),
            Polled::Failed(why) => {
                writer.tell(Read1::Failed { name: name.to_owned(), why });
                return;
            }
        };
        if !goes_on {
            return;
        }
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
