//! Files → blocks of bytes.
//!
//! In: a [`Source`]. Out: its bytes in blocks, file after file, decompressed when the content says so
//! (gzip, zstd, bzip2, xz, by their first bytes). A file that cannot be read, or whose compressed data
//! is broken, is reported; what was read of it before counts.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::PathBuf;

use flate2::bufread::GzDecoder;

use super::input::Source;
use super::live::{Notice, Polled, Tap};

/// Bytes per block.
const BLOCK_BYTES: usize = 256 << 10;

/// Memory that the decoder of one file may ask for; the highest common level of `xz` needs half of it.
const MAX_XZ_BYTES: u64 = 128 << 20;
/// The same for zstd, as the logarithm of bytes.
const MAX_WINDOW_LOG: u32 = 27;

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
    /// Something has happened to a live source.
    Notice(Notice),
}

/// What one step of reading gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many bytes.
    Bytes(usize),
    /// A new file begins.
    File(String),
    /// The current file could not be opened or read to its end.
    Failed { name: String, why: String },
    /// There is no more.
    End,
}

/// Reads a source block by block, in the caller's thread.
pub(super) struct Reader {
    /// Files still to be opened, last first.
    files: Vec<Option<PathBuf>>,
    current: Option<(String, Opened)>,
    /// Memory for the next block.
    spare: Vec<u8>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) fn new(source: Source) -> Self {
        let stdin = source.files.is_empty();
        let mut files: Vec<_> = source.files.into_iter().map(Some).collect();
        if stdin {
            files.push(None);
        }
        files.reverse();
        Self { files, current: None, spare: Vec::new() }
    }

    /// Takes the memory of a block back.
    pub(super) fn recycle(&mut self, block: Vec<u8>) {
        self.spare = block;
    }

    /// The next thing read; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Read1> {
        let mut block = std::mem::take(&mut self.spare);
        block.resize(BLOCK_BYTES, 0);
        let read = match self.step(&mut block) {
            Step::Bytes(length) => {
                block.truncate(length);
                return Some(Read1::Block(block));
            }
            Step::File(name) => Some(Read1::File(name)),
            Step::Failed { name, why } => Some(Read1::Failed { name, why }),
            Step::End => None,
        };
        self.spare = block;
        read
    }

    /// Reads on, into `block`, as far as there is something without waiting for more.
    pub(super) fn step(&mut self, block: &mut [u8]) -> Step {
        loop {
            let Some((name, reader)) = &mut self.current else {
                let Some(file) = self.files.pop() else { return Step::End };
                let name = file.as_ref().map_or("-".to_owned(), |path| path.display().to_string());
                return match open(file) {
                    Ok(reader) => {
                        self.current = Some((name.clone(), reader));
                        Step::File(name)
                    }
                    Err(error) => Step::Failed { name, why: error.to_string() },
                };
            };
            match read_some(reader, block) {
                Ok(0) => self.current = None,
                Ok(length) => return Step::Bytes(length),
                Err(error) => {
                    let (name, why) = (std::mem::take(name), explain(&error));
                    self.current = None;
                    return Step::Failed { name, why };
                }
            }
        }
    }
}

impl Tap for Reader {
    fn ready(&self) -> Option<BorrowedFd<'_>> {
        match &self.current {
            Some((_, Opened::Plain(head, file)))
                if head.get_ref().len() as u64 == head.position() =>
            {
                Some(file.as_fd())
            }
            _ => None,
        }
    }

    fn step(&mut self, buffer: &mut [u8]) -> Polled {
        match Self::step(self, buffer) {
            Step::Bytes(length) => Polled::Bytes(0..length),
            Step::File(name) => Polled::File(name),
            Step::Failed { name, why } => Polled::Broken { name, why },
            Step::End => Polled::End,
        }
    }
}

/// One successful read of at least one byte, or 0 at the end. Never waits for a full block: what has
/// arrived is passed on at once.
pub(super) fn read_some(reader: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Why a file cannot be read, in words that help.
fn explain(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    match inner {
        Some(liblzma::stream::Error::MemLimit) => {
            let most = MAX_XZ_BYTES >> 20;
            format!("its xz dictionary needs more than {most} MiB of memory to decompress")
        }
        _ => error.to_string(),
    }
}

/// A file that is being read.
enum Opened {
    /// As it is, behind the first bytes, which have been read already.
    Plain(io::Cursor<Vec<u8>>, File),
    Packed(Box<dyn Read + Send>),
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(head, file) => match head.read(buffer)? {
                0 => file.read(buffer),
                length => Ok(length),
            },
            Self::Packed(reader) => reader.read(buffer),
        }
    }
}

/// Opens a file, or standard input, behind the decompressor its first bytes ask for.
fn open(file: Option<PathBuf>) -> io::Result<Opened> {
    let mut raw = match file {
        Some(path) => File::open(path)?,
        None => File::from(io::stdin().as_fd().try_clone_to_owned()?),
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
    let head = io::Cursor::new(head);
    let unpack: fn(_) -> io::Result<Box<dyn Read + Send>> = match format {
        Format::Plain => return Ok(Opened::Plain(head, raw)),
        Format::Gzip => |whole| Ok(Box::new(Gzip::new(whole))),
        Format::Zstd => |whole| {
            let mut decoder = zstd::stream::read::Decoder::new(whole)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            Ok(Box::new(decoder))
        },
        Format::Bzip2 => |whole| Ok(Box::new(bzip2::read::MultiBzDecoder::new(whole))),
        Format::Xz => |whole| {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(MAX_XZ_BYTES, flags)?;
            Ok(Box::new(liblzma::read::XzDecoder::new_stream(whole, stream)))
        },
    };
    unpack(head.chain(raw)).map(Opened::Packed)
}

/// Members of gzip, one after the other. Zeros behind the last are padding; anything else there is an
/// error once all members have been read.
struct Gzip<R> {
    /// `None` once the end has been reached.
    member: Option<GzDecoder<BufReader<R>>>,
    /// Whether a whole member has been read.
    behind_first: bool,
}

impl<R: Read> Gzip<R> {
    fn new(raw: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::new(raw))), behind_first: false }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            match member.read(buffer) {
                Ok(0) if !buffer.is_empty() => {}
                // Of all that can be wrong, only a header has this kind.
                Err(error) if self.behind_first && error.kind() == io::ErrorKind::InvalidInput => {
                    return Err(trailing());
                }
                other => return other,
            }
            let Some(member) = self.member.take() else { return Ok(0) };
            self.behind_first = true;
            let mut raw = member.into_inner();
            match behind_padding(&mut raw)? {
                None => return Ok(0),
                Some(0x1f) => self.member = Some(GzDecoder::new(raw)),
                Some(_) => return Err(trailing()),
            }
        }
    }
}

/// Skips zeros; the byte that follows, which is not taken.
fn behind_padding(raw: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = match raw.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let next = bytes.get(zeros).copied();
        raw.consume(zeros);
        if next.is_some() {
            return Ok(next);
        }
    }
}

fn trailing() -> io::Error {
    let why = "bytes that are no gzip follow the compressed data; what came before them was read";
    io::Error::new(io::ErrorKind::InvalidData, why)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a file with this content, and why not more.
    fn read(content: &[u8]) -> (String, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, content).unwrap();
        let mut reader = Reader::new(Source { name: String::new(), files: vec![path] });
        let (mut text, mut failure) = (Vec::new(), None);
        while let Some(next) = reader.next() {
            match next {
                Read1::Block(block) => text.extend(block),
                Read1::File(_) | Read1::Notice(_) => {}
                Read1::Failed { why, .. } => failure = Some(why),
            }
        }
        (String::from_utf8(text).unwrap(), failure)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let level = flate2::Compression::fast();
        flate2::read::GzEncoder::new(text.as_bytes(), level).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn zeros_round_members_of_gzip_are_padding() {
        let members = [gzip("one\n"), vec![0; 100_000], gzip("two\n"), vec![0; 512]].concat();
        assert_eq!(read(&members), ("one\ntwo\n".to_owned(), None));
    }

    #[test]
    fn what_is_no_gzip_behind_a_member_is_told_and_the_member_counts() {
        for garbage in [&b"garbage"[..], b"\0\0garbage", b"\x1fgarbage which is long"] {
            let (text, failure) = read(&[&gzip("one\n")[..], garbage].concat());
            assert_eq!((text.as_str(), failure), ("one\n", Some(trailing().to_string())));
        }
        let (text, failure) = read(&gzip("one\n")[..20]);
        assert!(text.len() < 5 && failure != Some(trailing().to_string()), "{failure:?}");
    }

    #[test]
    fn a_dictionary_of_gigabytes_is_refused() {
        let mut packed = Vec::new();
        liblzma::read::XzEncoder::new(&b"one\n"[..], 9).read_to_end(&mut packed).unwrap();
        assert_eq!(read(&packed), ("one\n".to_owned(), None), "the highest level is read");
        // Behind the stream header of 12 bytes: size, flags, filter, its size, and the dictionary.
        assert_eq!(packed[14..16], [0x21, 1]);
        packed[16] = 40;
        let mut sum = flate2::Crc::new();
        sum.update(&packed[12..20]);
        packed[20..24].copy_from_slice(&sum.sum().to_le_bytes());
        let (text, failure) = read(&packed);
        assert_eq!(text, "");
        assert!(failure.unwrap().contains("more than 128 MiB"));
    }
}
