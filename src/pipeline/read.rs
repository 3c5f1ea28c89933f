//! Files → blocks of bytes.
//!
//! In: a [`Source`]. Out: its bytes in blocks, file after file, decompressed when the content says so
//! (gzip, zstd, bzip2, xz, by their first bytes). A file that cannot be read, or whose compressed data
//! is broken, is reported; what was read of it before counts.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crossbeam_channel::{Receiver, bounded};

use super::input::Source;

/// Bytes per block.
const BLOCK_BYTES: usize = 256 << 10;
/// Blocks that may wait for the matcher: enough to hide a slow disk, small enough to bound memory.
const BLOCKS_AHEAD: usize = 4;

/// What a reader hands over.
#[derive(Debug)]
pub(super) enum Read1 {
    /// Bytes of the current file.
    Block(Vec<u8>),
    /// A new file begins; line numbers start again.
    File(String),
    /// The current file could not be opened or read to its end.
    Failed {
        /// The file.
        name: String,
        /// Why.
        why: String,
    },
}

/// Reads a source on a thread of its own. The channel closes at the end of input; dropping the
/// receiver ends the thread.
pub(super) fn spawn(source: Source) -> Receiver<Read1> {
    let (sender, receiver) = bounded(BLOCKS_AHEAD);
    std::thread::spawn(move || {
        let mut reader = Reader::new(source);
        while let Some(next) = reader.next() {
            if sender.send(next).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Reads a source block by block, in the caller's thread.
pub(super) struct Reader {
    /// Files still to be opened, last first.
    files: Vec<Option<PathBuf>>,
    current: Option<(String, Box<dyn Read + Send>)>,
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        let stdin = source.files.is_empty();
        let mut files: Vec<_> = source.files.into_iter().map(Some).collect();
        if stdin {
            files.push(None);
        }
        files.reverse();
        Self { files, current: None }
    }

    /// The next thing read; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Read1> {
        loop {
            let Some((name, reader)) = &mut self.current else {
                let file = self.files.pop()?;
                let name = file.as_ref().map_or("-".to_owned(), |path| path.display().to_string());
                match open(file) {
                    Ok(reader) => {
                        self.current = Some((name.clone(), reader));
                        return Some(Read1::File(name));
                    }
                    Err(error) => return Some(Read1::Failed { name, why: error.to_string() }),
                }
            };
            let mut block = vec![0; BLOCK_BYTES];
            match read_some(reader, &mut block) {
                Ok(0) => self.current = None,
                Ok(length) => {
                    block.truncate(length);
                    return Some(Read1::Block(block));
                }
                Err(error) => {
                    let (name, why) = (std::mem::take(name), error.to_string());
                    self.current = None;
                    return Some(Read1::Failed { name, why });
                }
            }
        }
    }
}

/// One successful read of at least one byte, or 0 at the end. Never waits for a full block: what has
/// arrived is passed on at once.
fn read_some(reader: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Opens a file, or standard input, behind the decompressor its first bytes ask for.
fn open(file: Option<PathBuf>) -> io::Result<Box<dyn Read + Send>> {
    let mut raw: Box<dyn Read + Send> = match file {
        Some(path) => Box::new(File::open(path)?),
        None => Box::new(io::stdin()),
    };
    let mut head = [0; 6];
    let mut length = 0;
    // A pipe may give the first bytes one by one; they are needed to tell the format. A plain log
    // starts with none of the magic bytes, so the first byte often decides.
    while length < head.len() {
        let read = read_some(&mut raw, head.get_mut(length..).unwrap_or_default())?;
        length += read;
        if read == 0 || !maybe_compressed(head.get(..length).unwrap_or_default()) {
            break;
        }
    }
    let head = head.get(..length).unwrap_or_default().to_vec();
    let format = Format::of(&head);
    let whole = io::Cursor::new(head).chain(raw);
    Ok(match format {
        Format::Plain => Box::new(whole),
        Format::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Format::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
        Format::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
        Format::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(whole)),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Plain,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

const MAGIC: [(&[u8], Format); 4] = [
    (&[0x1f, 0x8b], Format::Gzip),
    (&[0x28, 0xb5, 0x2f, 0xfd], Format::Zstd),
    (b"BZh", Format::Bzip2),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], Format::Xz),
];

impl Format {
    fn of(head: &[u8]) -> Self {
        let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic));
        known.map_or(Self::Plain, |(_, format)| *format)
    }
}

/// Whether more bytes could still turn this into a known magic.
fn maybe_compressed(head: &[u8]) -> bool {
    MAGIC.iter().any(|(magic, _)| magic.starts_with(head))
}
