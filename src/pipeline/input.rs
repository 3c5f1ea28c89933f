//! Which files to read, and in which order.
//!
//! In: what the user named - files, folders, globs, `-`. Out: [`Source`]s, each a run of files that
//! continue one another: `audit.log.2`, `audit.log.1.gz` and `audit.log` are one source, read in that
//! order. What cannot be read is a [`Refusal`] and stops nothing else.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// A number of this many digits or more is a date.
const DATE_DIGITS: usize = 8;

/// Files that continue one another, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name without rotation number and compression, `-` for standard input.
    pub name: String,
    /// The files; empty for standard input.
    pub files: Vec<PathBuf>,
}

/// An input that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As named or found.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Finds the sources behind `arguments`. A file named twice is read once.
pub(super) fn discover(arguments: &[PathBuf]) -> (Vec<Source>, Vec<Refusal>) {
    let mut found = Found::default();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            found.stdin = true;
        } else if argument.exists() || !is_pattern(argument) {
            found.add(argument);
        } else {
            found.expand(argument);
        }
    }
    found.sources()
}

#[derive(Debug, Default)]
struct Found {
    stdin: bool,
    /// Files in the order they were found.
    files: Vec<PathBuf>,
    /// Where in `files` a file is, by the one name that all its spellings and links have.
    known: HashMap<PathBuf, usize>,
    refusals: Vec<Refusal>,
}

impl Found {
    fn refuse(&mut self, name: &Path, why: impl ToString) {
        self.refusals.push(Refusal { name: name.display().to_string(), why: why.to_string() });
    }

    fn expand(&mut self, pattern: &Path) {
        let text = pattern.to_string_lossy();
        match glob::glob(&text) {
            Ok(paths) => {
                let mut matched = false;
                for path in paths {
                    matched = true;
                    match path {
                        Ok(path) => self.add(&path),
                        Err(error) => self.refuse(error.path(), error.error()),
                    }
                }
                if !matched {
                    self.refuse(pattern, "no file matches this pattern");
                }
            }
            Err(error) => self.refuse(pattern, error),
        }
    }

    fn add(&mut self, path: &Path) {
        let mut empty = true;
        for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => continue,
                // Reading a pipe or a device could wait for ever: only whoever names it wants that.
                Ok(entry) if entry.depth() > 0 && !entry.file_type().is_file() => {
                    self.refuse(entry.path(), "not a regular file");
                }
                Ok(entry) => self.file(entry.into_path()),
                Err(error) => {
                    let why = error.io_error().map_or_else(
                        || "a link leads back to its own folder".to_owned(),
                        ToString::to_string,
                    );
                    self.refuse(error.path().unwrap_or(path), why);
                }
            }
            empty = false;
        }
        if empty {
            self.refuse(path, "no file in this folder");
        }
    }

    fn file(&mut self, path: PathBuf) {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        match self.known.get(&real).and_then(|index| self.files.get_mut(*index)) {
            // Rotations belong to the file, not to a link that leads to it.
            Some(known) if known.is_symlink() && !path.is_symlink() => *known = path,
            Some(_) => {}
            None => {
                self.known.insert(real, self.files.len());
                self.files.push(path);
            }
        }
    }

    fn sources(self) -> (Vec<Source>, Vec<Refusal>) {
        let stdin = self.stdin.then(|| Source { name: "-".to_owned(), files: Vec::new() });
        // By source name; inside, by how far back the rotation is, then by path.
        let mut sources: BTreeMap<String, Vec<(Reverse<u64>, PathBuf)>> = BTreeMap::new();
        for path in self.files {
            let (name, age) = rotation(&path);
            sources.entry(name).or_default().push((Reverse(age), path));
        }
        let files = sources.into_iter().map(|(name, mut files)| {
            files.sort();
            Source { name, files: files.into_iter().map(|(_, path)| path).collect() }
        });
        (stdin.into_iter().chain(files).collect(), self.refusals)
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The name of the log a file belongs to, and how many rotations old it is: `audit.log.3.gz` is
/// three rotations old. Dates as suffixes (`audit.log-20240101`) count as older the earlier they are.
///
/// `web-1` and `web-2`, `host.1` and `host.2` are logs of their own: a number behind a dot counts only
/// behind `.log` or when the file without it is there, one behind a dash only when it is a date.
fn rotation(path: &Path) -> (String, u64) {
    let text = path.to_string_lossy();
    let mut name: &str = text.strip_prefix("./").unwrap_or(&text);
    for suffix in [".gz", ".zst", ".bz2", ".xz"] {
        if let Some(stem) = name.strip_suffix(suffix) {
            name = stem;
            break;
        }
    }
    let split = name.rsplit_once(['.', '-']).filter(|(stem, tail)| {
        let digits = !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit());
        let numbered = digits && tail.len() <= 14 && !stem.is_empty() && !stem.ends_with('/');
        let dotted = name.as_bytes().get(stem.len()) == Some(&b'.');
        numbered
            && match dotted {
                true => stem.ends_with(".log") || Path::new(stem).is_file(),
                false => tail.len() >= DATE_DIGITS,
            }
    });
    match split {
        Some((stem, tail)) => {
            let number: u64 = tail.parse().unwrap_or(0);
            // A date: later dates are younger, all are older than the file without a date.
            let age = if tail.len() >= DATE_DIGITS { u64::MAX / 2 - number } else { number };
            (stem.to_owned(), age)
        }
        None => (name.to_owned(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(source: &Source) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        source.files.iter().map(name).collect()
    }

    #[test]
    fn rotated_files_are_one_source_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["audit.log", "audit.log.1", "audit.log.10.gz", "audit.log.2", "other.log"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let (sources, refusals) = discover(&[folder.path().to_owned()]);
        assert_eq!(refusals, []);
        assert_eq!(sources.len(), 2);
        assert_eq!(
            files(&sources[0]),
            ["audit.log.10.gz", "audit.log.2", "audit.log.1", "audit.log"]
        );
        assert_eq!(files(&sources[1]), ["other.log"]);
    }

    #[test]
    fn dated_files_go_by_date() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.log", "a.log-20240201", "a.log-20231230.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let (sources, _) = discover(&[folder.path().to_owned()]);
        assert_eq!(files(&sources[0]), ["a.log-20231230.gz", "a.log-20240201", "a.log"]);
    }

    #[test]
    fn a_missing_file_and_an_empty_glob_are_refused_and_the_rest_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.log"), "").unwrap();
        let (sources, refusals) = discover(&[
            folder.path().join("nope.log"),
            folder.path().join("*.txt"),
            folder.path().join("*.log"),
            folder.path().join("a.log"),
            PathBuf::from("-"),
        ]);
        assert_eq!(sources.iter().map(|s| s.files.len()).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(refusals.len(), 2);
    }

    #[test]
    fn numbered_names_are_logs_of_their_own_unless_they_are_rotations() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["web-1", "web-2", "host.1", "host.2", "syslog", "syslog.1", "b.log.1"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let (sources, _) = discover(&[folder.path().to_owned()]);
        let found: Vec<Vec<String>> = sources.iter().map(files).collect();
        let expected: [&[&str]; 6] = [
            &["b.log.1"],
            &["host.1"],
            &["host.2"],
            &["syslog.1", "syslog"],
            &["web-1"],
            &["web-2"],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_is_read_once_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.log");
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, folder.path().join("a")).unwrap();
        std::fs::create_dir(folder.path().join("x")).unwrap();
        let (sources, refusals) = discover(&[
            folder.path().join("a"),
            folder.path().join("x/../b.log"),
            folder.path().join("./b.log"),
            folder.path().join("*.log"),
        ]);
        assert_eq!(refusals, []);
        assert_eq!(sources.iter().map(files).collect::<Vec<_>>(), [["b.log"]]);
    }

    #[test]
    fn a_pipe_is_read_only_when_it_is_named_and_an_empty_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (sources, refusals) = discover(&[folder.path().to_owned()]);
        let why = |refusals: &[Refusal]| -> Vec<String> {
            refusals.iter().map(|refusal| refusal.why.clone()).collect()
        };
        assert_eq!((sources.len(), why(&refusals)), (0, vec!["no file in this folder".to_owned()]));
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (sources, refusals) = discover(&[folder.path().to_owned()]);
        assert_eq!((sources.len(), why(&refusals)), (0, vec!["not a regular file".to_owned()]));
        assert_eq!(refusals[0].name, pipe.display().to_string());
        let (sources, refusals) = discover(&[pipe]);
        assert_eq!((sources.len(), refusals.len()), (1, 0));
    }
}
