//! Live sources: standard input, a file that is still written, a socket.
//!
//! In: a [`LiveInput`]. Out: a [`Supply`] of what it gives.

use std::fs::File;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::follow::Follower;
use super::input::{self, Refusal, Source};
use super::queue::queue;
use super::read::Reader;
use super::socket::Connector;
use super::supply::Supply;

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
    /// A file cannot be read, or not to its end; others may follow.
    Broken { name: String, why: String },
    /// There is no more.
    End,
}

/// A source that is read step by step.
pub(super) trait Tap: std::fmt::Debug + Send {
    /// What has something to read when a step would give something without waiting; `None` when only a step can tell.
    fn ready(&self) -> Option<BorrowedFd<'_>>;

    /// One step; `buffer` should hold some thousand bytes at least.
    fn step(&mut self, buffer: &mut [u8]) -> Polled;
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

    /// Begins to read its source, and takes orders on a thread of its own, which ends at the next one
    /// when the supply is dropped.
    pub(super) fn supply(
        &self,
        source: Source,
        orders: impl Iterator<Item = Order> + Send + 'static,
    ) -> Supply {
        let drops = self.drops && !self.is_file(&source);
        let (writer, taker) = queue(self.queue_bytes, drops);
        let (mut orders, end) = (orders, writer.orders());
        std::thread::spawn(move || while orders.next().is_some_and(|order| end.give(order)) {});
        let name = source.name.clone();
        let tap: Box<dyn Tap> = match &self.source {
            LiveSource::Input(_) => Box::new(Reader::new(source)),
            LiveSource::Follow { path, from_start } => {
                Box::new(Follower::new(path.clone(), *from_start))
            }
            LiveSource::Socket(path) => Box::new(Connector::new(path.clone())),
        };
        Supply::new(name, tap, writer, taker)
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
