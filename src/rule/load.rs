//! Paths → rules: walks folders, reads files side by side, keeps their order.
//!
//! In: files and folders. Out: [`Loaded`]: every rule with what became of it, in order of the paths
//! whatever the number of threads. A path that cannot be read is a problem like any other.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::file::load_text;
use super::model::Rule;
use crate::diagnostic::{Code, Diagnostic, Location, Severity, Source};
use crate::schema::Schema;
use crate::span::{Span, position};

/// Largest rule file read, in bytes; exports hold many rules.
const MAX_FILE_BYTES: u64 = 4 << 20;
const MAX_EXPORT_BYTES: u64 = 128 << 20;
/// Fewer files than this are read faster by one thread.
const MIN_FILES_PER_THREAD: usize = 32;
const MAX_THREADS: usize = 16;

/// What came of loading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Rules that can run, in order of their files.
    pub rules: Vec<Rule>,
    /// Everything worth a message: errors refuse a rule, warnings do not.
    pub problems: Vec<Problem>,
    /// What became of every rule and every file that holds none, in order of their files.
    pub entries: Vec<Entry>,
    /// Where in `rules` an id is.
    by_id: HashMap<String, usize>,
    /// Where the id of the only rule stands in its file.
    pub(super) id_place: Option<(Arc<str>, Span)>,
}

/// A rule that was found and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, when it could be read.
    pub id: Option<String>,
    /// Its name; empty when it could not be read.
    pub name: String,
    /// The file.
    pub file: String,
    /// Line of the rule in its file, from 1.
    pub line: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It runs.
    Loaded {
        /// Warnings about it.
        warnings: usize,
    },
    /// It is no mistake, and does not run, for this reason.
    Disabled(String),
    /// It is refused; the problems say why.
    Rejected,
}

impl Loaded {
    /// One rule, or a file that holds none.
    pub(super) fn one(rule: Option<Rule>, problems: Vec<Problem>, entry: Entry) -> Self {
        let rules = rule.into_iter().collect();
        Self { rules, problems, entries: vec![entry], ..Self::default() }
    }

    /// Whether some rule was refused.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.diagnostic.severity == Severity::Error)
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        let severities = self.problems.iter().map(|problem| problem.diagnostic.severity);
        severities.filter(|severity| *severity == Severity::Warning).count()
    }

    /// Adds another batch; a rule whose id is taken is refused.
    pub fn merge(&mut self, other: Self) {
        let Self { rules, problems, mut entries, id_place, .. } = other;
        self.problems.extend(problems);
        // Rules stand in the order of their entries.
        let mut own = entries.iter_mut();
        for rule in rules {
            let entry = own.find(|entry| matches!(entry.outcome, Outcome::Loaded { .. }));
            let taken = self.by_id.get(&rule.id).and_then(|index| self.rules.get(*index));
            if let Some(first) = taken.filter(|first| first.id == rule.id) {
                self.problems.push(taken_id(&rule, first, id_place.clone()));
                if let Some(entry) = entry {
                    entry.outcome = Outcome::Rejected;
                }
            } else {
                self.by_id.insert(rule.id.clone(), self.rules.len());
                self.rules.push(rule);
            }
        }
        self.entries.append(&mut entries);
    }
}

fn taken_id(rule: &Rule, first: &Rule, place: Option<(Arc<str>, Span)>) -> Problem {
    let title = format!("rule id `{}` is already taken", rule.id);
    let (file, line) = (&first.origin.file, first.origin.line);
    let help = format!("the other rule is `{}` in {file}:{line}", first.name);
    let diagnostic = Diagnostic::new(Code::DuplicateRule, title).help(help);
    let (file, id) = (rule.origin.file.clone(), Some(rule.id.clone()));
    match place {
        Some((text, span)) => {
            let diagnostic = diagnostic.label(span, "");
            Problem { file, text, diagnostic, rule: id, inner_line: None }
        }
        None => {
            let inner_line = Some(rule.origin.line);
            Problem { file, text: "".into(), diagnostic, rule: id, inner_line }
        }
    }
}

/// A message about a rule file.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The text the diagnostic points into: the file's, or that of a query which stands in the file
    /// in some other spelling.
    pub text: Arc<str>,
    /// What is wrong.
    pub diagnostic: Diagnostic,
    /// Id of the rule it is about, when known.
    pub rule: Option<String>,
    /// The line of the file that `text` comes from, when it is not the text of the file.
    pub inner_line: Option<usize>,
}

impl Problem {
    /// Renders it with the lines it stands on.
    pub fn render(&self, color: bool) -> String {
        let name = match self.inner_line {
            Some(line) if self.text.is_empty() => format!("{}:{line}", self.file),
            Some(line) => format!("{}:{line} query", self.file),
            None => self.file.clone(),
        };
        crate::diagnostic::text(&self.diagnostic, Source { name: &name, text: &self.text }, color)
    }

    /// The text it points into.
    pub fn source(&self) -> Source<'_> {
        Source { name: &self.file, text: &self.text }
    }

    /// Where in its file it is.
    pub fn location(&self) -> Location {
        let span = self.diagnostic.primary();
        let file = self.file.clone();
        match (self.inner_line, span) {
            (Some(line), _) => Location { file, start: Some((line, 1)), end: None },
            (None, Some(span)) => {
                let place = |offset| {
                    let place = position(&self.text, offset);
                    (place.line, place.column)
                };
                Location { file, start: Some(place(span.start)), end: Some(place(span.end)) }
            }
            (None, None) => Location { file, start: None, end: None },
        }
    }
}

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
    for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
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
fn side_by_side<T: Sync, R: Send>(
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

fn is_rule_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("toml" | "eql" | "ndjson"))
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
