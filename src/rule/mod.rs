//! Rule file → [`Rule`] → [`RuleSet`].
//!
//! In: TOML rule files in the format of Elastic's detection rules, Kibana's exports, bare `.eql` files,
//! single queries. Out: an immutable [`RuleSet`]: metadata, checked queries and one plan for all. A bad
//! file never stops the others: [`Loaded`] has what could be loaded, an [`Entry`] for every rule with
//! what became of it, and a [`Problem`] for everything that is wrong.
//!
//! The way of a file: `load` walks and reads, `file` tells the formats apart, `data` makes one tree of
//! TOML and JSON, `keys` takes values out of it, `read` makes the rule with the help of `kind`,
//! `options`, `threat` and `filter`; `place` knows where in the file a query stands.

mod audit;
mod builtin;
mod data;
mod explain;
mod file;
mod filter;
mod format;
mod keys;
mod kind;
mod load;
mod model;
mod options;
mod outcome;
mod place;
mod read;
mod source;
mod threat;

use std::sync::Arc;

pub use audit::{Needs, judge};
pub(crate) use data::{Data, Node, Table, toml};
pub use explain::{Cost, Explanation, FieldUse, Key, StageInfo, TestInfo, Tried, explain, leaves};
pub use file::{load_query, load_text};
pub use format::{Form, FormatError, Formatted, format};
pub(crate) use keys::{Keys, Text, labelled};
pub(crate) use load::side_by_side;
pub use load::{is_rule_file, load_paths};
pub use model::{
    Format, Frame, Origin, Overrides, Rule, RuleOptions, Severity, SeverityOverride, Status,
    Tactic, Technique, Threat, ThreatVersion,
};
pub use outcome::{Entry, Loaded, Outcome, Problem};

use crate::plan::{LogicHash, Plan, RuleIx};
use crate::schema::Schema;

/// Rules compiled together; never changes once built.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    plan: Plan,
    no_options: RuleOptions,
}

impl RuleSet {
    /// Plans the rules together. Cost grows with their total size.
    pub fn new(rules: Vec<Rule>) -> Arc<Self> {
        let plan = Plan::new(rules.iter().map(|rule| &rule.query));
        Arc::new(Self { rules, plan, no_options: RuleOptions::default() })
    }

    /// The rules in order of [`RuleIx`].
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// One rule.
    pub fn rule(&self, rule: RuleIx) -> Option<&Rule> {
        self.rules.get(rule.index())
    }

    /// The plan of all rules.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What a rule says beside its query.
    pub fn options(&self, rule: RuleIx) -> &RuleOptions {
        self.rule(rule).map_or(&self.no_options, |rule| &rule.options)
    }

    /// Hash of what decides a rule's matches.
    pub fn logic(&self, rule: RuleIx) -> Option<LogicHash> {
        self.plan.rules.get(rule.index()).map(|planned| planned.logic)
    }
}

/// The rules that come with the program.
pub fn builtin() -> Loaded {
    builtin_under(&Schema::new())
}

/// The rules that come with the program, checked under `schema`.
pub fn builtin_under(schema: &Schema) -> Loaded {
    builtin::load(schema)
}
