//! [`Answer`]: why a rule fired, or did not, as plain data; `docs/why.md` describes it.
//!
//! Nothing here is escaped: JSON does that, and `text` for people.

use serde::Serialize;
use serde_json::Value as Json;

/// Why a rule fired, or did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The rule.
    pub rule: RuleInfo,
    /// What was read.
    pub log: LogInfo,
    /// What it found.
    pub found: FoundInfo,
    /// Its brackets in order, `until` last, `runs` not written out.
    pub stages: Vec<StageInfo>,
    /// The keys that came nearest, the nearest first.
    pub nearest: Vec<Nearest>,
    /// More keys came near than were asked for.
    pub more: bool,
}

/// The rule that was asked about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleInfo {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub file: String,
    /// `event`, `sequence` or `sample`.
    pub kind: &'static str,
    /// As written; spans are bytes of this text.
    pub query: String,
    /// Longest time between its first and last event, `maxspan` or the window of the rule.
    pub maxspan: Option<String>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogInfo {
    /// Events.
    pub events: u64,
    /// Time of the earliest.
    pub first: Option<String>,
    /// Time of the latest.
    pub last: Option<String>,
    /// Events that came later than allowed.
    pub late: u64,
    /// Partials given up for lack of memory.
    pub evicted: u64,
    /// Whether anything at all was lost or doubtful.
    pub losses: bool,
}

/// What the rule found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundInfo {
    /// Alerts.
    pub alerts: u64,
    /// Matches, before pipes; of rules for single events the same as alerts.
    pub matches: u64,
    /// Keys with alerts, the first that fired first.
    pub keys: Vec<FiredKey>,
}

/// A key with alerts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FiredKey {
    /// The key.
    pub keys: Vec<KeyValue>,
    /// How many alerts.
    pub alerts: u64,
    /// The ids of the first of them.
    pub ids: Vec<String>,
    /// Time of the last event of the last of them.
    pub last: String,
}

/// A column of a join key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyValue {
    /// The field.
    pub field: String,
    /// Its value; null when it is missing.
    pub value: Json,
}

/// What a bracket let pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageInfo {
    /// Its number from 1, `until` included.
    pub stage: usize,
    /// In canonical layout.
    pub eql: String,
    /// `stage`, `missing` or `until`.
    pub role: &'static str,
    /// The category it asks for; `None` is any.
    pub category: Option<String>,
    /// Events of that category.
    pub of_category: u64,
    /// Events that satisfied it.
    pub satisfied: u64,
    /// Of those: events that lack a column of the join key.
    pub without_key: u64,
    /// The first of them.
    pub first_without_key: Option<EventInfo>,
    /// Of those: events whose key no partial had that waited for them.
    pub alone: u64,
    /// Of those: events that came out of order and were of no use.
    pub late: u64,
    /// Its tests.
    pub tests: Vec<TestInfo>,
}

/// What a test let pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestInfo {
    /// In canonical layout.
    pub eql: String,
    /// Events of the category that passed it.
    pub passed: u64,
    /// The fields it reads.
    pub fields: Vec<FieldInfo>,
}

/// A field and how often it is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldInfo {
    /// Its name.
    pub field: String,
    /// Events of any category that have it.
    pub present: u64,
}

/// A key that came near.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Nearest {
    /// The key; empty without one. Of a partial that never began what was asked for.
    pub keys: Vec<KeyValue>,
    /// Ids of alerts that the same key has.
    pub alerts: Vec<String>,
    /// Items reached.
    pub reached: usize,
    /// Of how many, missing ones not counted.
    pub of: usize,
    /// The events it had.
    pub events: Vec<StageEvent>,
    /// How it ended.
    pub end: EndInfo,
    /// What it lacked: one for a sequence, one for each empty item of a sample.
    pub wants: Vec<WantInfo>,
}

/// An event of a partial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageEvent {
    /// Number of the bracket, from 1.
    pub stage: usize,
    /// The event.
    pub event: EventInfo,
}

/// How a partial ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndInfo {
    /// `never_begun`, `log_ended`, `expired`, `cut`, `rejected`, `replaced` or `evicted`.
    pub kind: &'static str,
    /// The event that ended it: of `until`, or of a missing stage.
    pub by: Option<EventInfo>,
    /// The bracket of that event, from 1.
    pub stage: Option<usize>,
    /// When its time was up.
    pub deadline: Option<String>,
}

/// What a partial lacked, and what came near.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WantInfo {
    /// Number of the bracket, from 1.
    pub stage: usize,
    /// Events of the key and the category that came in time.
    pub of_key: u64,
    /// Events of the key that some tests refused, the best first; of those that the same tests refused
    /// only the first.
    pub near: Vec<Candidate>,
    /// Events that satisfy it and have another key, the most alike first.
    pub other_key: Vec<Candidate>,
    /// The first event that fits and came when the partial was gone already.
    pub fits: Option<Candidate>,
    /// The first event that fits and came too late.
    pub too_late: Option<Candidate>,
    /// The last event that fits and came before those it should follow.
    pub too_early: Option<Candidate>,
    /// The first event that fits and came out of order.
    pub out_of_order: Option<Candidate>,
}

/// An event that came near.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The event.
    pub event: EventInfo,
    /// The tests that refused it.
    pub refused: Vec<Refusal>,
    /// Its key, where it is another one.
    pub keys: Vec<KeyDifference>,
    /// It has to do with the partial: its process comes from that of the last event, or the other way
    /// round, or another of its fields has the wanted value.
    pub related: bool,
    /// How much too late it is, in milliseconds, rounded up.
    pub over_ms: Option<i64>,
}

/// A test that refused an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// In canonical layout; `None` for what is not in the query, such as a filter of the rule file.
    pub eql: Option<String>,
    /// Where it stands in the query, in bytes.
    pub span: Option<[usize; 2]>,
    /// The fields it reads and their values; no values when missing.
    pub values: Vec<FieldValues>,
}

/// A field with its values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldValues {
    /// The field.
    pub field: String,
    /// The first of its values.
    pub values: Vec<Json>,
}

/// A key column of an event beside that of a partial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyDifference {
    /// The field of this stage.
    pub field: String,
    /// Whether it is the same.
    pub same: bool,
    /// What the partial has.
    pub wanted: Json,
    /// What the event has; nothing when the field is missing.
    pub found: Vec<Json>,
    /// Other fields of the event that have the wanted value.
    pub elsewhere: Vec<String>,
}

/// An event, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventInfo {
    /// When it happened.
    pub time: String,
    /// Serial number of an audit event.
    pub serial: Option<Json>,
    /// The machine.
    pub host: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// Name of the process.
    pub process: Option<String>,
    /// Its id.
    pub pid: Option<Json>,
    /// What it was about: a command line, a file, an address.
    pub detail: Option<String>,
}
