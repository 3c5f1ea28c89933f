//! Rules with their cases, ready to be run again and again with other rules, or on other logs.
//!
//! In: a [`Library`](super::Library). Out: [`Subject`]s, each a rule and the [`Stand`]s of its cases. A
//! [`Ready`] stand has its log picked and changed, and knows what its rule made of it; it runs any number
//! of other rules over the log at once, which reads the log one time. What is asked of them is the
//! asker's matter.

use std::borrow::Cow;
use std::sync::Arc;

use super::case::Case;
use super::found::Found;
use super::log::Log;
use super::trial::{Trial, Trying};
use super::{Failure, Kind};
use crate::alert::Alert;
use crate::pipeline::{self, Flow, Observer, Rehearsal, Settings};
use crate::rule::{Rule, RuleSet};
use crate::schema::Schema;
use crate::span::Span;

/// A rule and its cases.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The rule file.
    pub file: &'a str,
    pub(super) rules: &'a Arc<RuleSet>,
    /// Its cases in order; none when nobody has written one.
    pub stands: Vec<Stand<'a>>,
}

impl Subject<'_> {
    /// The rule.
    pub fn rule(&self) -> Option<&Rule> {
        self.rules.rules().first()
    }
}

/// A case and its log.
#[derive(Debug)]
pub struct Stand<'a> {
    pub(super) rules: &'a Arc<RuleSet>,
    /// What it says.
    pub case: &'a Case,
    pub(super) log: Result<&'a [u8], (String, Span)>,
    pub(super) old: Option<&'a str>,
}

impl<'a> Stand<'a> {
    /// Picks and changes the log, and runs the rule over it once, without faults.
    ///
    /// # Errors
    ///
    /// What is not as the case says.
    pub fn ready(&self, schema: &Arc<Schema>) -> Result<Ready<'a>, Vec<Failure>> {
        let log = match &self.log {
            Ok(log) => *log,
            Err((why, span)) => {
                let title = format!("the log cannot be read: {why}");
                return Err(vec![Failure::new(Kind::Log, title).at(*span)]);
            }
        };
        let trying =
            Trying { case: self.case, rules: self.rules, others: None, schema, old: self.old };
        let mut trial = Trial::default();
        let (bytes, _) = trying.prepare(log).map_err(|failure| vec![failure])?;
        let found = trying.base(&bytes, &mut trial).map_err(|failure| vec![failure])?;
        if !trial.failures.is_empty() {
            return Err(trial.failures);
        }
        let settings = trying.settings();
        Ok(Ready { rules: self.rules, case: self.case, bytes, settings, found })
    }
}

/// A case whose log is as its rule saw it.
#[derive(Debug)]
pub struct Ready<'a> {
    rules: &'a Arc<RuleSet>,
    /// What it says.
    pub case: &'a Case,
    bytes: Cow<'a, [u8]>,
    settings: Settings,
    /// The alerts of its rule.
    pub found: Vec<Found>,
}

/// What a rule found.
#[derive(Debug, Default)]
pub struct Ran {
    /// How many alerts.
    pub count: usize,
    /// The first of them.
    pub found: Vec<Found>,
}

impl Ready<'_> {
    /// Runs other rules over the log; keeps `most` alerts of each. The log is read once, unless memory
    /// runs out: then each rule has it for itself, for what one holds must not take from another.
    ///
    /// # Errors
    ///
    /// When the rules cannot be made into an engine.
    pub fn run(&self, rules: Vec<Rule>, most: usize) -> Result<Vec<Ran>, String> {
        let count = rules.len();
        let set = RuleSet::new(rules);
        let (ran, evicted) = self.over(&set, &self.bytes, most)?;
        if evicted == 0 || count < 2 {
            return Ok(ran);
        }
        let alone = |rule: &Rule| {
            let (mut ran, _) = self.over(&RuleSet::new(vec![rule.clone()]), &self.bytes, most)?;
            Ok(ran.pop().unwrap_or_default())
        };
        set.rules().iter().map(alone).collect()
    }

    /// How many alerts the rule of the case gives on another log.
    ///
    /// # Errors
    ///
    /// When the rule cannot be made into an engine.
    pub fn count(&self, log: &[u8]) -> Result<usize, String> {
        let (ran, _) = self.over(self.rules, log, 0)?;
        Ok(ran.first().map_or(0, |ran| ran.count))
    }

    /// The log, taken apart.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn log(&self) -> Result<Log, String> {
        Log::new(&self.bytes, &self.settings)
    }

    /// The types of fields it is run under.
    pub fn schema(&self) -> &Schema {
        &self.settings.schema
    }

    fn over(
        &self,
        rules: &Arc<RuleSet>,
        log: &[u8],
        most: usize,
    ) -> Result<(Vec<Ran>, u64), String> {
        let ran = rules.rules().iter().map(|_| Ran::default()).collect();
        let mut gather = Gather { ran, most };
        let calm = Rehearsal { restarts: false, wait: self.case.wait };
        let report = pipeline::rehearse(rules, log, calm, &self.settings, &mut gather)?;
        Ok((gather.ran, report.engine.evicted))
    }
}

struct Gather {
    ran: Vec<Ran>,
    most: usize,
}

impl Observer for Gather {
    fn alert(&mut self, alert: &Alert) -> Flow {
        if let Some(ran) = self.ran.get_mut(alert.rule.index()) {
            ran.count += 1;
            if ran.found.len() < self.most {
                ran.found.push(Found::new(alert));
            }
        }
        Flow::Continue
    }

    fn reads_events(&self) -> bool {
        false
    }
}
