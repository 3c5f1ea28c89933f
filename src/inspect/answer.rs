//! [`Inspection`]: what a log holds and lacks, as plain data; `docs/events.md` describes it.
//!
//! Nothing here is escaped: JSON does that, and `text` for people. Lists are sorted, the largest first.

use serde::Serialize;

/// What a log holds and lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// What was read.
    pub read: Read,
    /// The inputs that could not be read, in whole or in part.
    pub failures: Vec<Failure>,
    /// Time of the earliest event.
    pub first: Option<String>,
    /// Time of the latest event.
    pub last: Option<String>,
    /// The machines.
    pub hosts: List<Host>,
    /// The types of records.
    pub record_types: List<Count>,
    /// The system calls.
    pub syscalls: List<Syscall>,
    /// The categories of events.
    pub categories: List<Count>,
    /// The keys of audit rules.
    pub keys: List<Count>,
    /// Whether events are whole.
    pub completeness: Completeness,
    /// What never reached the log.
    pub losses: Losses,
    /// Lines that could not be used.
    pub lines: Lines,
    /// What is never logged, and the rules that can never fire for it.
    pub never: Never,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// Some things with their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List<T> {
    /// Each of them.
    pub items: Vec<T>,
    /// Occurrences of more things than are told apart.
    pub other: u64,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Bytes, after decompression.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Records among them.
    pub records: u64,
    /// Events of all kinds.
    pub events: u64,
    /// Events that were JSON.
    pub json_events: u64,
}

/// An input that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its events.
    pub events: u64,
    /// Those that lack records.
    pub incomplete: u64,
    /// Time of the earliest.
    pub first: Option<String>,
    /// Time of the latest.
    pub last: Option<String>,
}

/// Something that occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// A system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Syscall {
    /// The architecture, `io_uring` for what was done by it; as logged where it has no name.
    pub arch: String,
    /// Its number there.
    pub number: Option<u32>,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// Its events.
    pub count: u64,
    /// Those that failed.
    pub failed: u64,
}

/// Whether events are whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// Events of which nothing is known to be missing.
    pub complete: u64,
    /// The others.
    pub incomplete: u64,
    /// Why something is thought to be missing; an event may have several causes.
    pub causes: Vec<Count>,
    /// Events by the type of a record that they lack; an event may lack several.
    pub missing_records: Vec<Count>,
}

/// What never reached the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Gaps in the serial numbers.
    pub gaps: u64,
    /// Serial numbers missing in them: about as many events were lost.
    pub serials: u64,
    /// The largest gaps.
    pub largest: Vec<Gap>,
    /// Records that the kernel says it lost.
    pub kernel: u64,
    /// How often serial numbers started over.
    pub boots: u64,
}

/// A gap in the serial numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The machine.
    pub host: String,
    /// Serial numbers missing.
    pub serials: u64,
    /// Time of the last event before it.
    pub after: String,
    /// Time of the first event behind it.
    pub before: String,
}

/// Lines that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// Lines that should have been records.
    pub malformed: u64,
    /// The first of them.
    pub first_malformed: Vec<Malformed>,
    /// Lines that were longer than a line may be.
    pub cut: u64,
    /// Lines that need not be records: blank lines, separators, messages of the kernel.
    pub skipped: u64,
    /// Records that came after their event had been completed.
    pub late_records: u64,
    /// Records of events that had too many.
    pub dropped: u64,
    /// Events that came twice.
    pub duplicates: u64,
    /// Events that came later than the allowed lateness.
    pub late: u64,
}

/// A line that should have been a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Malformed {
    /// The file.
    pub file: String,
    /// Its number there.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// What is never logged, and the rules that can never fire for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Never {
    /// Why nothing can be said; then the lists below are empty.
    pub unknown: Option<String>,
    /// Rules that were looked at.
    pub rules: u64,
    /// Those of which some stage is satisfied by nothing that was logged.
    pub blind: Vec<Blind>,
    /// System calls that those stages could come from and that were never logged.
    pub syscalls: Vec<Needed>,
    /// The same for types of records.
    pub record_types: Vec<Needed>,
    /// Categories that audit events can have and no event has.
    pub categories: Vec<String>,
}

/// A rule that can never fire on this log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blind {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The stages that nothing satisfies.
    pub stages: Vec<BlindStage>,
}

/// A stage that nothing in the log satisfies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlindStage {
    /// Its number in the rule, from 1.
    pub number: usize,
    /// In the query language.
    pub eql: String,
    /// System calls that could satisfy it.
    pub syscalls: Vec<&'static str>,
    /// Record types that could.
    pub record_types: Vec<&'static str>,
}

/// Something that rules could need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// What.
    pub name: &'static str,
    /// How many of those rules it could serve.
    pub rules: u64,
}
