//! Match + rule metadata → [`Alert`], and alerts → JSON lines or a report for people.
//!
//! In: a [`Match`], its rule and the [`Evidence`] of its window. Out: one ECS-shaped JSON object
//! ([`Alert::write_json`], described in `docs/alerts.md`) or text ([`Alert::to_text`]). Text that comes
//! from logs is escaped here before it can reach a terminal. Nothing here decides whether something
//! is an alert.

mod ecs;
mod json;
mod line;
mod nested;
mod text;
mod writer;

use std::sync::{Arc, OnceLock};

pub use line::write_nested;
pub use nested::nested;
pub(crate) use nested::{one, scalar};
pub(crate) use text::detail;

use sha2::{Digest as _, Sha256};

use crate::engine::{Counted, Evidence, Match};
use crate::event::{Document, Kept};
use crate::plan::{RuleIx, Shape};
use crate::rule::{Rule, RuleSet};
use crate::time::Timestamp;
use crate::value::Value;

/// A match with all that is known about it.
#[derive(Debug)]
pub struct Alert {
    /// Number of its rule.
    pub rule: RuleIx,
    /// 32 hexadecimal digits: the same rule on the same events has the same id on every run.
    pub id: String,
    /// Names and values of the join key.
    pub keys: Vec<(Arc<str>, Value)>,
    /// One entry per item of the query; `None` for a missing item.
    pub events: Vec<Option<AlertEvent>>,
    /// Time of the first event.
    pub first: Timestamp,
    /// Time of the last event.
    pub last: Timestamp,
    /// When it was certain, in event time.
    pub decided: Timestamp,
    /// Losses in its window.
    pub evidence: Evidence,
    /// It says that something did not happen, and a loss in its window could have hidden it.
    pub uncertain: bool,
    /// For how many matches it stands, behind a pipe that counts.
    pub counted: Option<Counted>,
    rules: Arc<RuleSet>,
}

/// A matched event.
#[derive(Debug)]
pub struct AlertEvent {
    /// The event as it was kept.
    pub kept: Arc<Kept>,
    document: OnceLock<Document>,
}

impl AlertEvent {
    /// All its fields. They are read when they are first asked for: that costs more than finding the
    /// match did.
    pub fn document(&self) -> &Document {
        self.document.get_or_init(|| self.kept.document())
    }
}

impl Alert {
    /// Puts an alert together; `None` only when the match belongs to another rule set.
    pub fn new(rules: &Arc<RuleSet>, found: Match, evidence: Evidence) -> Option<Self> {
        let rule = rules.rule(found.rule)?;
        let planned = rules.plan().rules.get(found.rule.index())?;
        let first = found.first()?.time;
        let last = found.last()?.time;
        let id = identifier(rule, rules.logic(found.rule)?, &found);
        let events = found
            .events
            .into_iter()
            .map(|event| event.map(|kept| AlertEvent { kept, document: OnceLock::new() }));
        Some(Self {
            rule: found.rule,
            id,
            keys: planned.key_names.iter().cloned().zip(found.keys).collect(),
            events: events.collect(),
            first,
            last,
            decided: found.decided,
            evidence,
            uncertain: found.absence && evidence.any(),
            counted: found.counted,
            rules: rules.clone(),
        })
    }

    /// Its rule.
    pub fn rule(&self) -> Option<&Rule> {
        self.rules.rule(self.rule)
    }

    /// `event`, `sequence` or `sample`.
    pub fn kind(&self) -> &'static str {
        match self.rules.plan().rules.get(self.rule.index()).map(|planned| &planned.shape) {
            Some(Shape::Sequence { .. }) => "sequence",
            Some(Shape::Sample { .. }) => "sample",
            Some(Shape::Event(_)) | None => "event",
        }
    }

    /// The events that are there.
    pub fn present(&self) -> impl Iterator<Item = &AlertEvent> {
        self.events.iter().flatten()
    }

    /// The last event in time, which stands for the whole where one event must.
    pub fn latest(&self) -> Option<&AlertEvent> {
        self.events.get(self.latest_place()?)?.as_ref()
    }

    /// Which of the items it is.
    fn latest_place(&self) -> Option<usize> {
        let present =
            self.events.iter().zip(0..).filter_map(|(event, place)| {
                event.as_ref().map(|event| (event.kept.ordinal, place))
            });
        present.max().map(|(_, place)| place)
    }
}

/// Hash of rule id, rule logic, key values and the identities of the events in item order.
fn identifier(rule: &Rule, logic: crate::plan::LogicHash, found: &Match) -> String {
    let mut hash = Sha256::new();
    // Lengths keep neighbouring parts apart: ("ab", "c") is not ("a", "bc").
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(rule.id.as_bytes());
    part(&logic.0);
    for key in &found.keys {
        part(key.to_string().as_bytes());
    }
    for event in &found.events {
        match event {
            Some(event) => part(event.identity().as_bytes()),
            None => part(b"!"),
        }
    }
    let digest = hash.finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
