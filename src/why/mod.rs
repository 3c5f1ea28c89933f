//! Why a rule fired over a log, or did not.
//!
//! In: one rule and captured logs. Out: an [`Answer`]: how many events each test let pass, the keys that
//! came furthest, what became of their partials, and which events would have been next but for what.
//!
//! The log is read twice by the same run that `replay` is. The first time the machines tell what becomes
//! of partials (`gather`); the second time the events that the nearest of them lacked are looked for
//! (`search`). `probe` takes conditions apart and has each part tested by the predicates of the
//! machines. Nothing here matches anything itself.

mod answer;
mod assemble;
mod gather;
mod probe;
mod search;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use answer::{
    Answer, Candidate, EndInfo, EventInfo, FieldInfo, FieldValues, FiredKey, FoundInfo,
    KeyDifference, KeyValue, LogInfo, Nearest, Refusal, RuleInfo, StageEvent, StageInfo, TestInfo,
    WantInfo,
};

use crate::pipeline::{self, Live, Observer, Rehearsal, Report, Settings};
use crate::rule::{Rule, RuleSet};
use assemble::Assembly;
use gather::{Gather, Selection};
use probe::Probe;
use search::Search;

/// Most keys that can be asked for.
pub const MAX_LIMIT: usize = 100;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// How many keys to tell of, at most [`MAX_LIMIT`].
    pub limit: usize,
    /// Only keys with these values: the field of a column, which may be left out where there is but one
    /// column, and the value as it is shown.
    pub keys: Vec<(Option<String>, String)>,
}

/// An answer, and what the run it comes from read and lost.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// The run.
    pub report: Report,
    /// The log was not the same when it was read again.
    pub changed: bool,
}

/// The first input that cannot be read twice: standard input, a pipe or a device.
pub fn read_once(inputs: &[PathBuf]) -> Option<&Path> {
    let once = |input: &&PathBuf| {
        let special = |meta: std::fs::Metadata| !meta.is_file() && !meta.is_dir();
        input.as_os_str() == "-" || std::fs::metadata(input).is_ok_and(special)
    };
    inputs.iter().find(once).map(PathBuf::as_path)
}

/// Answers why `rule` fired over `inputs`, or did not. The inputs are read twice; `live` is told how far
/// each reading is.
///
/// Costs about two replays. Memory is bounded as in a replay; beside it some hundreds of partials and
/// events are kept.
///
/// # Errors
///
/// A key that the rule does not have, and rules that cannot be made into an engine. Inputs that cannot
/// be read are in the report.
pub fn why(
    rule: Rule,
    inputs: &[PathBuf],
    settings: &Settings,
    question: &Question,
    live: &mut dyn FnMut(&Live),
) -> Result<Answered, String> {
    answer(rule, &Log::Inputs(inputs), settings, question, live)
}

/// Answers the same over a log in memory, under the conditions it was run under; restarts are left out.
///
/// # Errors
///
/// As [`why`].
pub fn why_text(
    rule: Rule,
    log: &[u8],
    rehearsal: Rehearsal,
    settings: &Settings,
    question: &Question,
) -> Result<Answered, String> {
    // Who watches is forgotten at a restart.
    let rehearsal = Rehearsal { restarts: false, ..rehearsal };
    answer(rule, &Log::Text(log, rehearsal), settings, question, &mut |_| ())
}

/// What is read.
enum Log<'a> {
    Inputs(&'a [PathBuf]),
    Text(&'a [u8], Rehearsal),
}

impl Log<'_> {
    fn run(
        &self,
        rules: &Arc<RuleSet>,
        settings: &Settings,
        observer: &mut impl Observer,
    ) -> Result<Report, String> {
        match self {
            Self::Inputs(inputs) => pipeline::replay(rules, inputs, settings, observer),
            Self::Text(log, rehearsal) => {
                pipeline::rehearse(rules, log, *rehearsal, settings, observer)
            }
        }
    }
}

fn answer(
    rule: Rule,
    log: &Log<'_>,
    settings: &Settings,
    question: &Question,
    live: &mut dyn FnMut(&Live),
) -> Result<Answered, String> {
    let limit = question.limit.clamp(1, MAX_LIMIT);
    let mut probe = Probe::new(&rule, &settings.schema)?;
    let names = columns(&probe);
    let selection = select(&question.keys, &names)?;
    let rules = RuleSet::new(vec![rule]);
    let mut gather = Gather::new(&mut probe, selection.clone(), limit, live);
    let report = log.run(&rules, settings, &mut gather)?;
    let Gather { fates, passed, present, events, first, last, fired, .. } = gather;
    let mut assembly = Assembly {
        rules: Arc::clone(&rules),
        names,
        passed,
        present,
        events,
        first,
        last,
        fired,
        attempts: Vec::new(),
        fates,
        selection,
        more: false,
    };
    let (wants, spoilers) = assembly.questions(&probe, limit);
    let mut search = Search::new(&mut probe, wants, spoilers, live);
    let again = log.run(&rules, settings, &mut search)?;
    let Search { wants, spoilers, events: seen, .. } = search;
    let changed = seen != events || again.bytes != report.bytes;
    let answer = assembly.answer(&probe, &report, limit, wants, spoilers);
    Ok(Answered { answer, report, changed })
}

/// The fields of each key column, by column and item.
fn columns(probe: &Probe) -> Vec<Vec<Arc<str>>> {
    let count = probe.items.first().map_or(0, |item| item.keys.len());
    let of = |column: usize| -> Vec<Arc<str>> {
        let keys = probe.items.iter().filter_map(|item| item.keys.get(column));
        keys.map(|key| probe.field_name(key.field)).collect()
    };
    (0..count).map(of).collect()
}

/// Which columns must have which values.
fn select(keys: &[(Option<String>, String)], names: &[Vec<Arc<str>>]) -> Result<Selection, String> {
    let mut columns = vec![None; names.len()];
    let known = || {
        let mut known: Vec<&str> = names.iter().flatten().map(|name| &**name).collect();
        known.dedup();
        known.join(", ")
    };
    if names.is_empty() && !keys.is_empty() {
        return Err("the rule has no join key".to_owned());
    }
    for (name, value) in keys {
        let column = match name {
            Some(name) => names.iter().position(|column| column.iter().any(|n| **n == **name)),
            None if names.len() == 1 => Some(0),
            None => None,
        };
        let place = column.and_then(|column| columns.get_mut(column));
        let Some(place) = place else {
            return Err(match name {
                Some(name) => {
                    format!("`{name}` is no join key of the rule; its keys are: {}", known())
                }
                None => format!("which join key? write FIELD=VALUE; its keys are: {}", known()),
            });
        };
        *place = Some(value.clone());
    }
    Ok(Selection { columns })
}
