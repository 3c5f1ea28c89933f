//! Rules and their cases → whether the cases would notice if a rule were another one.
//!
//! In: folders and files of rules with their cases, as `catena test` finds them. Out: a [`Report`]: every
//! *mutant* of every rule - the rule with one small change - and whether a case *killed* it, by failing,
//! or it *survived*; and every *attack* - the log of a case with one small change by which an attacker
//! might hide - and whether the rule still fires. The same on every run, whatever the number of threads.
//!
//! `draft` says what a mutant is; `stages` and `conditions` make them from the tree of the query; `weigh`
//! checks them, throws out those that mean the same, and runs all that are alive over a case at once, so
//! that its log is read once; `compare` says when a case fails; `suggest` what case is missing. `attack`
//! changes logs, with `record` for the lines; `report` tells of it all. Nothing is written, and nothing
//! here matches anything itself.

mod attack;
mod compare;
mod conditions;
mod draft;
mod record;
mod report;
mod stages;
mod suggest;
mod weigh;

use std::path::PathBuf;
use std::sync::Arc;

pub use attack::{Attack, AttackKind, Outcome};
pub use draft::Operator;
pub use report::Totals;

use crate::prove::{self, Library};
use crate::rule::{self, Problem};
use crate::schema::Schema;

/// How to mutate.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Mutants are made and not run.
    pub list: bool,
    /// Threads to use; no result depends on it.
    pub jobs: usize,
    /// The types of fields of JSON events.
    pub schema: Arc<Schema>,
}

/// What came of it all.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong with rule files and test files.
    pub problems: Vec<Problem>,
    /// Every rule, in order of the files.
    pub rules: Vec<Weighed>,
}

/// A rule and what came of its mutants.
#[derive(Debug, Default)]
pub struct Weighed {
    /// The rule file.
    pub file: String,
    /// The line of the rule there.
    pub line: usize,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Why its mutants could not be run, and lines that tell more.
    pub not_run: Option<(String, String)>,
    /// Its mutants in order of their place, without those thrown out.
    pub mutants: Vec<Mutant>,
    /// Mutants thrown out because they mean what the rule means.
    pub equivalent: usize,
    /// Mutants thrown out because they mean what another mutant means.
    pub repeated: usize,
    /// Mutants thrown out because no such rule can be.
    pub refused: usize,
    /// Mutants beyond what one rule may have, not made.
    pub left_out: usize,
    /// What became of the changed logs.
    pub attacks: Vec<Attack>,
}

/// A rule with one small change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// What kind of change.
    pub operator: Operator,
    /// Where, in the rule file when the query stands there as it is.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Line and column one past the end of what was changed.
    pub end: (usize, usize),
    /// What was changed; words of others in it are not escaped.
    pub what: String,
    /// Lines that the query loses and gains, safe to show.
    pub diff: String,
    /// The query with the change.
    pub query: String,
    /// What came of it.
    pub fate: Fate,
}

/// What came of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was not run.
    Listed,
    /// This case fails with it.
    Killed(String),
    /// All cases pass with it; which one is missing, not escaped.
    Survived(String),
}

/// Mutates the rules in files and folders. The path of a test file stands for its rule.
///
/// Costs two runs of the log of each case, and one more for each attack on a case that must fire.
pub fn mutate(paths: &[PathBuf], options: &Options) -> Report {
    let proving =
        prove::Options { cross: false, jobs: options.jobs, schema: options.schema.clone() };
    let mut library = Library::new(paths, &proving);
    let problems = std::mem::take(&mut library.problems);
    let subjects = library.subjects();
    let rules = rule::side_by_side(&subjects, options.jobs.max(1), &|subject| {
        weigh::weigh(subject, options)
    });
    Report { problems, rules }
}
