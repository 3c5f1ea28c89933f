//! [`Follower`]: a log file that is still written, through every way of rotating it.
//!
//! In: a path. Out, step by step: bytes as they are written, a [`Polled::File`] wherever another file
//! goes on, and [`Notice`]s. A value without thread or clock: whoever polls decides how often.
//!
//! A file that was renamed is read to its end before the one that took its name: it counts as finished
//! once the new one holds something, because one daemon writes to one of them. Files that came and went
//! between two polls are found by their numbers (`audit.log.1`, `.2`), as auditd and logrotate name them. A file that
//! was truncated is recognised by what stands in front of the place where reading goes on, which is
//! read again with every read; so it is even when as much has been written since.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::live::{Notice, Polled, Tap};

/// Bytes in front of the next that are read again, to see whether the file is the same.
const TAIL_BYTES: usize = 64;
/// How far back the beginning of the last line is looked for when reading begins at the end. A line of
/// auditd has 8,970 bytes at most.
const LINE_BYTES: u64 = 64 << 10;
/// Rotated files that are looked at; auditd keeps 999 at most.
const ROTATIONS: u32 = 999;
/// How often in a row the file may be missing before that is told: while it is rotated it is.
const MISSES: u32 = 10;

/// Device and inode.
type Id = (u64, u64);

/// See the module page.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    name: String,
    /// Of what is there when reading begins, nothing is wanted.
    skips: bool,
    current: Option<Opened>,
    /// Files that go on behind the current one.
    next: VecDeque<Opened>,
    /// To be told first.
    pending: VecDeque<Notice>,
    /// Why nothing can be read, as told.
    told: Option<String>,
    misses: u32,
}

#[derive(Debug)]
struct Opened {
    file: File,
    name: String,
    id: Id,
    /// Where reading goes on.
    offset: u64,
    /// The bytes in front of it.
    tail: Vec<u8>,
}

/// What one read of a file gave.
enum Got {
    Bytes(Range<usize>),
    Nothing,
    /// The file no longer holds what was read of it.
    Changed,
}

impl Follower {
    /// Follows `path`: from its beginning, or from its end if it is there already.
    pub(super) fn new(path: PathBuf, from_start: bool) -> Self {
        Self {
            name: path.display().to_string(),
            path,
            skips: !from_start,
            current: None,
            next: VecDeque::new(),
            pending: VecDeque::new(),
            told: None,
            misses: 0,
        }
    }

    /// One step; `buffer` should hold some thousand bytes at least. Never waits.
    pub(super) fn poll(&mut self, buffer: &mut [u8]) -> Polled {
        loop {
            if let Some(notice) = self.pending.pop_front() {
                return Polled::Notice(notice);
            }
            if let Some(current) = &mut self.current {
                match current.read(buffer) {
                    Ok(Got::Bytes(range)) => return Polled::Bytes(range),
                    Ok(Got::Nothing) => {}
                    Ok(Got::Changed) => {
                        (current.offset, current.tail) = (0, Vec::new());
                        return Polled::Notice(Notice::Truncated { name: current.name.clone() });
                    }
                    Err(error) => {
                        self.current = None;
                        return self.wait(error.to_string());
                    }
                }
            }
            if let Some(next) = self.next.pop_front() {
                let name = next.name.clone();
                self.current = Some(next);
                return Polled::File(name);
            }
            // INVARIANT: what is found here was written after the current file was read to its end
            // above, or the other way round; so the current one is read once more before the switch.
            if let Some(polled) = self.look() {
                return polled;
            }
        }
    }

    /// Looks what goes by the name now; `None` when something was found.
    fn look(&mut self) -> Option<Polled> {
        let mut found = match Opened::open(&self.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.current.is_none() {
                    // Whatever will be written there is new.
                    self.skips = false;
                } else if self.misses < MISSES {
                    self.misses += 1;
                    return Some(Polled::Rest);
                }
                return Some(self.wait(error.to_string()));
            }
            Err(error) => return Some(self.wait(error.to_string())),
        };
        self.misses = 0;
        if self.told.take().is_some() {
            self.pending.push_back(Notice::Opened { name: self.name.clone() });
        }
        match &self.current {
            Some(current) if current.id == found.id => {
                return self
                    .pending
                    .pop_front()
                    .map_or(Some(Polled::Rest), |notice| Some(Polled::Notice(notice)));
            }
            // The old one may still be written to.
            Some(_) if found.is_empty() => return Some(Polled::Rest),
            Some(current) => match between(&self.path, current.id) {
                Some(files) => self.next.extend(files),
                None => {
                    self.pending.push_back(Notice::Untraced { name: self.name.clone() });
                }
            },
            None if self.skips => {
                if let Err(error) = found.skip() {
                    return Some(self.wait(error.to_string()));
                }
            }
            None => {}
        }
        self.skips = false;
        self.next.push_back(found);
        None
    }

    /// Nothing can be read just now, for a reason that is told once.
    fn wait(&mut self, why: String) -> Polled {
        if self.told.as_ref() == Some(&why) {
            return Polled::Rest;
        }
        self.told = Some(why.clone());
        Polled::Notice(Notice::Waiting { name: self.name.clone(), why })
    }
}

impl Opened {
    fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe that nobody writes to would wait for ever.
        is_file(&fs::metadata(path)?)?;
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        is_file(&metadata)?;
        let id = (metadata.dev(), metadata.ino());
        let name = path.display().to_string();
        Ok(Self { file, name, id, offset: 0, tail: Vec::new() })
    }

    fn is_empty(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.len() == 0)
    }

    /// Goes to the beginning of the last line that is not whole, or to the end.
    fn skip(&mut self) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        let from = end.saturating_sub(LINE_BYTES);
        let mut last = vec![0; usize::try_from(end - from).unwrap_or_default()];
        self.file.read_exact_at(&mut last, from)?;
        let begun = memchr::memrchr(b'\n', &last).map_or(0, |at| at + 1);
        // Of a longer line the beginning is lost.
        let begun = if begun == 0 && from > 0 { last.len() } else { begun };
        last.truncate(begun);
        self.offset = from + begun as u64;
        self.tail = last.split_off(last.len().saturating_sub(TAIL_BYTES));
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Got> {
        let known = self.tail.len();
        let from = self.offset - known as u64;
        let length = loop {
            match self.file.read_at(buffer, from) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let read = buffer.get(..length).unwrap_or_default();
        if !read.starts_with(&self.tail) {
            return Ok(Got::Changed);
        }
        if length == known {
            return Ok(Got::Nothing);
        }
        self.offset = from + length as u64;
        self.tail.clear();
        let tail = read.get(length.saturating_sub(TAIL_BYTES)..).unwrap_or_default();
        self.tail.extend_from_slice(tail);
        Ok(Got::Bytes(known..length))
    }
}

fn is_file(metadata: &fs::Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("not a regular file: only files are followed")),
    }
}

/// The files between the one that was read and the one that goes by its name now, oldest first; `None`
/// when there may be some but the old one is not found among them.
fn between(path: &Path, old: Id) -> Option<Vec<Opened>> {
    let numbered = |number: u32| -> PathBuf {
        let mut name = OsString::from(path);
        name.push(format!(".{number}"));
        name.into()
    };
    let mut ids = Vec::new();
    for number in 1..=ROTATIONS {
        let Ok(metadata) = fs::metadata(numbered(number)) else { break };
        let id = (metadata.dev(), metadata.ino());
        if id == old {
            let files = (1..number).rev().zip(ids.into_iter().rev()).map(|(number, id)| {
                Opened::open(&numbered(number)).ok().filter(|opened| opened.id == id)
            });
            return files.collect();
        }
        ids.push(id);
    }
    // Rotated in another way: by date, compressed, or deleted.
    ids.is_empty().then(Vec::new)
}

impl Tap for Follower {
    // Whether a file has grown, only looking tells.
    fn ready(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn step(&mut self, buffer: &mut [u8]) -> Polled {
        self.poll(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    struct Log {
        folder: tempfile::TempDir,
        follower: Follower,
    }

    impl Log {
        fn new(before: Option<&str>, from_start: bool) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("audit.log");
            let follower = Follower::new(path, from_start);
            let log = Self { folder, follower };
            if let Some(before) = before {
                log.append("", before);
            }
            log
        }

        fn path(&self, suffix: &str) -> PathBuf {
            self.folder.path().join(format!("audit.log{suffix}"))
        }

        fn append(&self, suffix: &str, text: &str) {
            let path = self.path(suffix);
            let mut file = File::options().append(true).create(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn rename(&self, from: &str, to: &str) {
            fs::rename(self.path(from), self.path(to)).unwrap();
        }

        /// Everything until there is nothing more: text, and in brackets what else was told.
        fn read(&mut self) -> String {
            let mut out = String::new();
            let mut buffer = [0; 200];
            loop {
                match self.follower.poll(&mut buffer) {
                    Polled::Bytes(range) => out += std::str::from_utf8(&buffer[range]).unwrap(),
                    Polled::File(name) => {
                        let name = name.rsplit('/').next().unwrap().to_owned();
                        out += &format!("[{name}]");
                    }
                    Polled::Notice(notice) => {
                        let text = format!("{notice:?}");
                        out += &format!("<{}>", text.split(' ').next().unwrap());
                    }
                    Polled::Rest => return out,
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn from_its_end_or_from_its_start() {
        let mut log = Log::new(Some("old\n"), false);
        assert_eq!(log.read(), "[audit.log]");
        log.append("", "new\n");
        assert_eq!((log.read(), log.read()), ("new\n".to_owned(), String::new()));
        let mut log = Log::new(Some("old\n"), true);
        assert_eq!(log.read(), "[audit.log]old\n");
    }

    #[test]
    fn a_line_that_is_being_written_at_the_start_is_read_whole() {
        let mut log = Log::new(Some("old\nhal"), false);
        assert_eq!(log.read(), "[audit.log]hal");
        log.append("", "f\n");
        assert_eq!(log.read(), "f\n");
        let mut log = Log::new(Some("no end of line yet"), false);
        assert_eq!(log.read(), "[audit.log]no end of line yet");
        let mut log = Log::new(Some(&"x".repeat(1 << 17)), false);
        assert_eq!(log.read(), "[audit.log]", "longer than a line may be");
        log.append("", "\nnew\n");
        assert_eq!(log.read(), "\nnew\n");
    }

    #[test]
    fn a_file_that_comes_later_is_read_from_its_start() {
        let mut log = Log::new(None, false);
        assert_eq!(log.read(), "<Waiting>");
        assert_eq!(log.read(), "", "told once");
        log.append("", "one\n");
        assert_eq!(log.read(), "<Opened>[audit.log]one\n");
    }

    #[test]
    fn a_renamed_file_is_read_to_its_end_first() {
        let mut log = Log::new(Some(""), true);
        log.append("", "one\n");
        assert_eq!(log.read(), "[audit.log]one\n");
        log.append("", "two\n");
        log.rename("", ".1");
        assert_eq!(log.read(), "two\n");
        // The daemon goes on in the old file until it opens the new one.
        log.append(".1", "three\n");
        log.append("", "");
        log.append(".1", "four\n");
        assert_eq!(log.read(), "three\nfour\n");
        log.append(".1", "five\n");
        log.append("", "six\n");
        assert_eq!(log.read(), "five\n[audit.log]six\n");
        assert_eq!(log.read(), "");
    }

    #[test]
    fn two_files_of_one_poll_are_read_in_order() {
        let mut log = Log::new(Some("one\n"), true);
        assert_eq!(log.read(), "[audit.log]one\n");
        log.append("", "two\n");
        for text in ["three\n", "four\n", "five\n"] {
            for number in [2, 1] {
                if log.path(&format!(".{number}")).exists() {
                    log.rename(&format!(".{number}"), &format!(".{}", number + 1));
                }
            }
            log.rename("", ".1");
            log.append("", text);
        }
        assert_eq!(log.read(), "two\n[audit.log.2]three\n[audit.log.1]four\n[audit.log]five\n");
    }

    #[test]
    fn an_old_file_that_is_not_found_again_is_told() {
        let mut log = Log::new(Some("one\n"), true);
        assert_eq!(log.read(), "[audit.log]one\n");
        log.append(".1", "another\n");
        fs::remove_file(log.path("")).unwrap();
        log.append("", "two\n");
        assert_eq!(log.read(), "<Untraced>[audit.log]two\n");
        // Without numbers nobody can know, and nothing speaks for it.
        fs::remove_file(log.path(".1")).unwrap();
        log.rename("", "-20260101");
        log.append("", "three\n");
        assert_eq!(log.read(), "[audit.log]three\n");
    }

    #[test]
    fn a_truncated_file_is_read_from_its_start() {
        let mut log = Log::new(Some("one\ntwo\n"), true);
        assert_eq!(log.read(), "[audit.log]one\ntwo\n");
        File::options().write(true).truncate(true).open(log.path("")).unwrap();
        assert_eq!(log.read(), "<Truncated>");
        log.append("", "three\n");
        assert_eq!(log.read(), "three\n");
    }

    #[test]
    fn a_truncated_file_is_recognised_though_it_has_grown_again() {
        let mut log = Log::new(Some("one\ntwo\n"), true);
        assert_eq!(log.read(), "[audit.log]one\ntwo\n");
        fs::write(log.path(""), "three\nfour\nfive\n").unwrap();
        assert_eq!(log.read(), "<Truncated>three\nfour\nfive\n");
    }

    #[test]
    fn a_file_that_vanishes_for_a_while_goes_on_where_it_was() {
        let mut log = Log::new(Some("one\n"), true);
        assert_eq!(log.read(), "[audit.log]one\n");
        log.rename("", ".away");
        let told: Vec<String> = (0..2 * MISSES).map(|_| log.read()).collect();
        assert_eq!(told.concat(), "<Waiting>", "told once, and not at once");
        log.append(".away", "two\n");
        log.rename(".away", "");
        assert_eq!(log.read(), "two\n<Opened>");
        // Another file under the same name is another log.
        fs::remove_file(log.path("")).unwrap();
        (0..2 * MISSES).for_each(|_| drop(log.read()));
        log.append("", "three\n");
        assert_eq!(log.read(), "<Opened>[audit.log]three\n");
    }

    fn drain(log: &mut Log, found: &mut Vec<u8>) {
        let mut buffer = [0; 4096];
        loop {
            match log.follower.poll(&mut buffer) {
                Polled::Bytes(range) => found.extend_from_slice(&buffer[range]),
                Polled::Rest => return,
                _ => {}
            }
        }
    }

    #[test]
    fn whatever_a_read_holds_nothing_is_lost_or_read_twice() {
        for size in [TAIL_BYTES + 1, TAIL_BYTES + 7, 1000] {
            let mut log = Log::new(Some(""), true);
            let mut expected = String::new();
            let mut found = Vec::new();
            let mut buffer = vec![0; size];
            for number in 0..300 {
                let line = format!("line {number} {}\n", "x".repeat(number % 90));
                log.append("", &line);
                expected += &line;
                if number % 40 == 20 {
                    log.rename("", ".1");
                }
                for _ in 0..number % 3 {
                    if let Polled::Bytes(range) = log.follower.poll(&mut buffer) {
                        found.extend_from_slice(&buffer[range]);
                    }
                }
                // The next file to be renamed takes the place of the one before.
                if number % 40 == 19 {
                    drain(&mut log, &mut found);
                }
            }
            drain(&mut log, &mut found);
            assert!(found == expected.as_bytes(), "reads of {size}");
        }
    }

    #[test]
    fn a_folder_and_a_pipe_are_refused_without_opening_them() {
        let mut log = Log::new(None, true);
        fs::create_dir(log.path("")).unwrap();
        assert_eq!(log.read(), "<Waiting>");
        fs::remove_dir(log.path("")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(log.path("")).status().unwrap().success());
        assert_eq!(log.read(), "", "for the same reason");
    }
}
