//! What a test file says, as plain data.

use std::path::PathBuf;
use std::sync::Arc;

use crate::rule::Rule;
use crate::span::Span;
use crate::time::Duration;

/// A file of cases.
#[derive(Debug, Clone)]
pub struct TestFile {
    /// Its path as it was found.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// A log and what a rule must make of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Unique in its file; names the snapshot.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// What it shows.
    pub about: String,
    /// Id of the rule, where the file beside it holds several.
    pub rule: Option<(String, Span)>,
    /// The log.
    pub log: LogOf,
    /// Only these events of the log.
    pub pick: Option<Pick>,
    /// The host that records without `node=` come from.
    pub host: Option<String>,
    /// How late an event may come.
    pub lateness: Duration,
    /// How much time passes behind the log, which then does not end.
    pub wait: Option<Duration>,
    /// How many lines of the log are no records.
    pub malformed: u64,
    /// What is done to the events.
    pub changes: Vec<Change>,
    /// What must not change the alerts.
    pub faults: Vec<Fault>,
    /// How often the log is shuffled.
    pub seeds: u32,
    /// What must come out.
    pub expect: Expect,
    /// Ids and file names of other rules that fire on it too.
    pub also: Vec<(String, Span)>,
}

/// Where a log stands.
#[derive(Debug, Clone)]
pub enum LogOf {
    /// In the test file.
    Lines(String),
    /// In a file, and where the test file names it.
    File(PathBuf, Span),
}

/// Which events; of several conditions all hold.
#[derive(Debug, Clone)]
pub struct Pick {
    /// Serial numbers from the first to the last.
    pub serials: Option<(u32, u32)>,
    /// Process id.
    pub pid: Option<u32>,
    /// A query for single events that matches them.
    pub condition: Option<Box<Rule>>,
    /// Where it stands in the test file.
    pub span: Span,
}

/// What is done to some events before the rule sees the log.
#[derive(Debug, Clone)]
pub struct Change {
    /// The events.
    pub pick: Pick,
    /// What is done.
    pub action: Action,
}

/// What is done to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is left out.
    Drop,
    /// It happened at another time, later or earlier.
    Shift(Duration),
    /// It came this much later than it happened.
    Delay(Duration),
}

/// What must not change the alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Events come in another order, none later than the lateness allows.
    Shuffle,
    /// Every event comes twice.
    Duplicate,
    /// The engine is started again from its state behind every event.
    Restart,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shuffle, Self::Duplicate, Self::Restart];

    /// As in test files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shuffle => "shuffle",
            Self::Duplicate => "duplicate",
            Self::Restart => "restart",
        }
    }
}

/// What must come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// What the snapshot of the case says.
    Snapshot,
    /// So many alerts.
    Count(usize),
    /// These alerts, in this order.
    These(Vec<Wanted>),
}

/// What is known of an alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Serial numbers of its events, in order of the items.
    pub serials: Option<Vec<u32>>,
    /// Fields of the join key and their values as shown.
    pub keys: Vec<(String, String)>,
}
