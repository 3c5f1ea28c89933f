//! Paths → rules: walks folders, reads files side by side, keeps their order.
//!
//! In: files and folders. Out: [`Loaded`]: every rule with what became of it, in order of the paths
//! whatever the number of threads. A path that cannot be read is a problem like any other.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::file::load_text;
use super::outcome::{Entry, Loaded, Outcome, Problem};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Schema;

/// Largest rule file read, in bytes; exports hold many rules.
const MAX_FILE_BYTES: u64 = 4 << 20;
const MAX_EXPORT_BYTES: u64 = 128 << 20;
/// Fewer files than this are read faster by one thread.
const MIN_FILES_PER_THREAD: usize = 32;
const MAX_THREADS: usize = 16;

/// Loads files and folders; in a folder every `.toml`, `.eql` and `.ndjson` file, in order of its
/// path. Uses as many threads as there are processors; the result does not depend on their number.
pub fn load_paths(paths: &[PathBuf], schema: &Schema) -> Loaded {
    let mut found = Vec::new();
    for path in paths {
        find(path, &mut found);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS).min(found.len() / MIN_FILES_PER_THREAD).max(1);
    let mut loaded = Loaded::default();
    for part in side_by_side(&found, threads, &|found| match found {
        Ok(path) => load_file(path, schema),
        Err((file, why)) => unreadable(file.clone(), why),
    }) {
        loaded.merge(part);
    }
    loaded
}

type Found = Result<PathBuf, (String, String)>;

fn find(path: &Path, found: &mut Vec<Found>) {
    let walk = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !holds_cases(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if entry.depth() > 0 && !is_rule_file(entry.path()) => {}
            // Reading a pipe or a device could wait for ever.
            Ok(entry) if !entry.file_type().is_file() => {
                let file = entry.path().display().to_string();
                found.push(Err((file, "not a regular file".to_owned())));
            }
            Ok(entry) => found.push(Ok(entry.into_path())),
            Err(error) => {
                let file = error.path().unwrap_or(path).display().to_string();
                found.push(Err((file, error.to_string())));
            }
        }
    }
}

/// `work` on every item, on several threads; results in order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: &(impl Fn(&T) -> R + Sync),
) -> Vec<R> {
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(item)));
        }
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut results = take();
        for other in others {
            match other.join() {
                Ok(mut done) => results.append(&mut done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Whether a file in a folder holds rules, by its name. `NAME.test.toml` holds cases.
pub fn is_rule_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_test =
        path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b".test.toml"));
    matches!(extension, Some("toml" | "eql" | "ndjson")) && !is_test
}

/// The folder `NAME.cases` holds logs and snapshots of a rule's cases, and no rules.
fn holds_cases(entry: &walkdir::DirEntry) -> bool {
    entry.file_type().is_dir()
        && entry.path().extension().is_some_and(|extension| extension == "cases")
}

fn load_file(path: &Path, schema: &Schema) -> Loaded {
    let name = path.display().to_string();
    let refuse = |why: &str| unreadable(name.clone(), why);
    let most = match path.extension().is_some_and(|extension| extension == "ndjson") {
        true => MAX_EXPORT_BYTES,
        false => MAX_FILE_BYTES,
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    if let Err(error) = read {
        return refuse(&error.to_string());
    }
    if bytes.len() as u64 > most {
        return refuse(&format!("larger than {} MiB, which no rule file is", most >> 20));
    }
    match String::from_utf8(bytes) {
        Ok(text) => load_text(&name, text, schema),
        Err(error) => {
            let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            let line = line.filter(|byte| **byte == b'\n').count() + 1;
            refuse(&format!("not UTF-8 text (line {line})"))
        }
    }
}

fn unreadable(file: String, why: &str) -> Loaded {
    let title = format!("cannot read rule file: {why}");
    let entry = Entry {
        id: None,
        name: String::new(),
        file: file.clone(),
        line: 1,
        outcome: Outcome::Rejected,
    };
    let problem = Problem {
        file,
        text: "".into(),
        diagnostic: Diagnostic::new(Code::RuleFile, title),
        rule: None,
        inner_line: None,
    };
    Loaded::one(None, vec![problem], entry)
}
