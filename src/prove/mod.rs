//! Rules and their cases → whether the rules do what the cases say.
//!
//! In: folders and files of rules. Beside `NAME.toml` stands `NAME.test.toml` with the cases of the rule,
//! and `NAME.cases/` with their snapshots (`docs/testing.md`). Out: a [`Report`]: what came of every case,
//! in order of the files whatever the number of threads, and [`Proposal`]s to write or remove snapshots,
//! which only [`Proposal::carry_out`] does.
//!
//! `file` reads test files into what `case` describes; `log` takes logs apart and puts them together in
//! other ways; `trial` runs one case by the same run that `replay` is; `found` shows alerts without
//! secrets; `library` finds what belongs together; `report` tells of it. `stand`
//! hands cases out to whoever runs other rules, or other logs, under their conditions. Nothing here
//! matches anything itself, reads a clock or draws a random number.

mod case;
mod file;
mod found;
mod library;
mod log;
mod report;
mod stand;
mod trial;

use std::path::PathBuf;
use std::sync::Arc;

pub use case::{Action, Case, Change, Expect, Fault, LogOf, Pick, TestFile, Wanted};
pub use file::read_text;
pub use found::Found;
pub use library::{Library, prove};
pub use log::{Log, Piece, is_json};
pub use report::Counts;
pub use stand::{Ran, Ready, Stand, Subject};

use crate::rule::Problem;
use crate::schema::Schema;
use crate::span::Span;

/// How to prove.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Every rule is run over the cases of every other one.
    pub cross: bool,
    /// Threads to use; no result depends on it.
    pub jobs: usize,
    /// The types of fields of JSON events.
    pub schema: Arc<Schema>,
}

/// What came of it all.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong with rule files and test files: these did not run.
    pub problems: Vec<Problem>,
    /// Every case, and everything else that can fail, in order of the files.
    pub checks: Vec<Check>,
}

/// A case that was run, or what is wrong with the cases of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The rule file.
    pub rule: String,
    /// Where it stands.
    pub file: String,
    /// The line there, from 1.
    pub line: usize,
    /// The name of the case; `None` when it is about the file.
    pub case: Option<String>,
    /// What the case shows.
    pub about: String,
    /// Alerts of the run without faults.
    pub alerts: usize,
    /// How often its log was run.
    pub runs: usize,
    /// What is not as it must be; empty when all is well.
    pub failures: Vec<Failure>,
    /// What would make a failure of the snapshot go away.
    pub proposal: Option<Proposal>,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The log cannot be read, is empty, or nothing of it is picked.
    Log,
    /// Other alerts than the case lists or counts.
    Alerts,
    /// Nobody has accepted the snapshot so far.
    SnapshotNew,
    /// Other alerts than the snapshot shows.
    SnapshotChanged,
    /// No case has this snapshot.
    SnapshotUnused,
    /// A fault changes the alerts.
    Fault,
    /// Told beside another failure: why the rule did not fire.
    Why,
    /// A rule without a case, a test file without a rule, a file of which no case ran.
    NoCase,
    /// Another rule fires on the log of the case.
    Cross,
}

impl Kind {
    /// As in output for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Alerts => "alerts",
            Self::SnapshotNew => "snapshot-new",
            Self::SnapshotChanged => "snapshot-changed",
            Self::SnapshotUnused => "snapshot-unused",
            Self::Fault => "fault",
            Self::Why => "why",
            Self::NoCase => "no-case",
            Self::Cross => "cross",
        }
    }

    /// Whether accepting the snapshot makes it go away.
    pub fn is_of_snapshot(self) -> bool {
        matches!(self, Self::SnapshotNew | Self::SnapshotChanged | Self::SnapshotUnused)
    }
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub kind: Kind,
    /// One line; words of others in it are not escaped.
    pub title: String,
    /// Lines that tell more, safe to show.
    pub detail: String,
    /// Where in the test file it is, when it is not the case as a whole.
    at: Option<Span>,
}

impl Failure {
    fn new(kind: Kind, title: impl Into<String>) -> Self {
        Self { kind, title: title.into(), detail: String::new(), at: None }
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    fn at(self, span: Span) -> Self {
        Self { at: Some(span), ..self }
    }
}

/// A snapshot that should be written, or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub old: Option<String>,
    /// What it should say; `None` when it should go.
    pub new: Option<String>,
}

impl Proposal {
    /// Writes or removes the file. It is replaced as a whole.
    ///
    /// # Errors
    ///
    /// When that cannot be done; nothing has changed then.
    pub fn carry_out(&self) -> std::io::Result<()> {
        let Some(new) = &self.new else { return std::fs::remove_file(&self.path) };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let beside = self.path.with_extension("snap.new");
        std::fs::write(&beside, new)?;
        std::fs::rename(&beside, &self.path).inspect_err(|_| {
            // What is left of the attempt is of no use.
            let _ = std::fs::remove_file(&beside);
        })
    }

    /// What would change, line by line.
    pub fn diff(&self) -> String {
        diff(self.old.as_deref().unwrap_or_default(), self.new.as_deref().unwrap_or_default())
    }
}

/// What one text has and another has not: lines with `-` and `+`, and what stands round them.
fn diff(old: &str, new: &str) -> String {
    /// Lines shown round a change.
    const AROUND: usize = 3;
    /// More than this helps nobody.
    const MOST: usize = 200;
    let diff = similar::TextDiff::from_lines(old, new);
    let mut out = String::new();
    let mut left = MOST;
    for (group, number) in diff.grouped_ops(AROUND).iter().zip(0..) {
        if number > 0 {
            out.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let Some(fewer) = left.checked_sub(1) else {
                out.push_str("  ... and more\n");
                return out;
            };
            left = fewer;
            let sign = match change.tag() {
                similar::ChangeTag::Delete => "- ",
                similar::ChangeTag::Insert => "+ ",
                similar::ChangeTag::Equal => "  ",
            };
            // A file of somebody else's may hold anything.
            let line = crate::escape::escape(change.value().trim_end_matches('\n'));
            out.push_str(format!("{sign}{line}").trim_end());
            out.push('\n');
        }
    }
    out
}
