//! What rules need and a log never holds.
//!
//! In: rules, and what was seen. Out: the rules of which some stage cannot be satisfied by anything that
//! was seen, and what would satisfy it. Both are judged as `explain` judges what a stage needs: once by
//! every kind of event that was seen, with the categories, actions and outcomes it had, once by every
//! kind there can be. A rule that is not listed may still never fire for another reason.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Blind, BlindStage, Needed, Never};
use super::count::Counts;
use crate::event;
use crate::plan::RuleIx;
use crate::rule::{self, Explanation, RuleSet, StageInfo};
use crate::schema::Producer;

/// What was seen in a log.
pub(super) struct Seen<'a> {
    /// Some events were JSON: nobody knows what made them.
    pub(super) json: bool,
    pub(super) events: u64,
    /// Names of system calls, as logged and as meant.
    pub(super) calls: BTreeSet<&'static str>,
    /// Types of records that are events of their own.
    pub(super) leading: &'a Counts<Vec<u8>>,
    /// Every kind of event; `None` when there were too many to be told apart.
    pub(super) kinds: Option<Vec<Producer>>,
    pub(super) categories: &'a Counts<String>,
}

/// What rules need of it and do not find.
pub(super) fn never(rules: &RuleSet, seen: &Seen<'_>) -> Never {
    let mut never = Never {
        unknown: None,
        rules: rules.rules().len() as u64,
        blind: Vec::new(),
        syscalls: Vec::new(),
        record_types: Vec::new(),
        categories: Vec::new(),
    };
    if seen.events == 0 {
        never.unknown = Some("no event was read".to_owned());
        return never;
    }
    if seen.json {
        never.unknown = Some(
            "what JSON events were made of is not known, so that nothing can be said to be missing"
                .to_owned(),
        );
        return never;
    }
    let Some(kinds) = &seen.kinds else {
        never.unknown = Some("there are too many kinds of events to tell them apart".to_owned());
        return never;
    };
    let producers = event::producers();
    let (mut calls, mut records) = (BTreeMap::new(), BTreeMap::new());
    for (_, number) in rules.rules().iter().zip(0..) {
        let rule = RuleIx(number);
        let Some(explained) = rule::explain(rules, rule, kinds) else { continue };
        let blind: Vec<usize> = blind_stages(&explained);
        if blind.is_empty() {
            continue;
        }
        let Some(explained) = rule::explain(rules, rule, &producers) else { continue };
        let numbered = explained.stages.into_iter().zip(1..);
        let stages: Vec<BlindStage> =
            numbered.filter(|(_, number)| blind.contains(number)).map(stage).collect();
        tally(stages.iter().map(|stage| &stage.syscalls), &mut calls);
        tally(stages.iter().map(|stage| &stage.record_types), &mut records);
        never.blind.push(Blind { id: explained.id, name: explained.name, stages });
    }
    calls.retain(|call, _| !seen.calls.contains(call));
    records.retain(|kind, _| !seen.leading.has(kind.as_bytes()));
    never.syscalls = needed(calls);
    never.record_types = needed(records);
    let possible: BTreeSet<&String> = producers
        .iter()
        .flat_map(|producer| &producer.variants)
        .flatten()
        .filter(|(field, _)| *field == "event.category")
        .flat_map(|(_, values)| values)
        .collect();
    let absent = possible.into_iter().filter(|name| !seen.categories.has(name.as_str()));
    never.categories = absent.cloned().collect();
    never
}

/// The numbers of the stages that must hold and that no kind of event can satisfy.
fn blind_stages(rule: &Explanation) -> Vec<usize> {
    let numbered = rule.stages.iter().zip(1..).filter(|(stage, _)| !stage.missing);
    let blind = numbered.filter(|(stage, _)| {
        let needs = &stage.needs;
        !needs.any && needs.calls.is_empty() && needs.records.is_empty()
    });
    blind.map(|(_, number)| number).collect()
}

fn stage((stage, number): (StageInfo, usize)) -> BlindStage {
    BlindStage {
        number,
        eql: stage.eql,
        syscalls: stage.needs.calls,
        record_types: stage.needs.records,
    }
}

/// Counts a rule for each of the names that its stages need.
fn tally<'a>(
    stages: impl Iterator<Item = &'a Vec<&'static str>>,
    counts: &mut BTreeMap<&'static str, u64>,
) {
    let names: BTreeSet<&'static str> = stages.flatten().copied().collect();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
}

fn needed(counts: BTreeMap<&'static str, u64>) -> Vec<Needed> {
    let mut all: Vec<Needed> =
        counts.into_iter().map(|(name, rules)| Needed { name, rules }).collect();
    all.sort_by_key(|needed| std::cmp::Reverse(needed.rules));
    all
}
