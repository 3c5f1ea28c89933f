//! A rule set → what each stage of each rule can come from, in the terms of the kernel.
//!
//! In: a rule set and the producers of audit events. Out: for each stage its calls with what is [`Wanted`]
//! of them, and its records. Both the rules that are suggested and the verdicts are made from this.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::calls;
use super::list::Width;
use super::walk::Call;
use super::wanted::{Wanted, first, wanted};
use crate::event;
use crate::plan::{RuleIx, Shape, StageIx};
use crate::rule::{self, Explanation, RuleSet, StageInfo};
use crate::schema::{Producer, Variant};

static PRODUCERS: LazyLock<Vec<Producer>> = LazyLock::new(event::producers);

/// What events can come from, found once.
pub(super) fn producers() -> &'static [Producer] {
    &PRODUCERS
}

/// A stage of a rule.
pub(super) struct Stage<'a> {
    pub(super) number: usize,
    pub(super) info: StageInfo,
    pub(super) until: bool,
    /// What it can come from.
    pub(super) sources: Vec<Source<'a>>,
    /// Types of records of their own that satisfy it.
    pub(super) records: Vec<&'static str>,
}

/// A way the events of a call look that may satisfy a stage.
pub(super) struct Source<'a> {
    pub(super) call: Call,
    pub(super) category: &'a str,
    pub(super) variant: &'a Variant,
    pub(super) wanted: Vec<Wanted>,
    pub(super) index: StageIx,
}

/// A rule with its stages.
pub(super) struct Analysed<'a> {
    pub(super) explained: Explanation,
    pub(super) stages: Vec<Stage<'a>>,
}

/// Takes one rule apart.
pub(super) fn analyse<'a>(
    rules: &RuleSet,
    number: RuleIx,
    producers: &'a [Producer],
) -> Option<Analysed<'a>> {
    let mut explained = rule::explain(rules, number, producers)?;
    let planned = rules.plan().rules.get(number.index())?;
    let (items, until): (Vec<StageIx>, Option<StageIx>) = match &planned.shape {
        Shape::Event(stage) => (vec![*stage], None),
        Shape::Sequence { items, until, .. } => {
            (items.iter().map(|item| item.stage).collect(), until.as_ref().map(|item| item.stage))
        }
        Shape::Sample { items } => (items.iter().map(|item| item.stage).collect(), None),
    };
    let mut unrolled = items.into_iter();
    let mut stages = Vec::new();
    let infos = std::mem::take(&mut explained.stages);
    let mut add = |info: StageInfo, index: StageIx, number, until| {
        let (sources, records) = sources(rules, index, producers);
        stages.push(Stage { number, info, until, sources, records });
    };
    for (info, number) in infos.into_iter().zip(1..) {
        let Some(index) = unrolled.next() else { break };
        let more = usize::try_from(info.runs.saturating_sub(1)).unwrap_or(0);
        unrolled.by_ref().take(more).for_each(drop);
        add(info, index, number, false);
    }
    if let (Some(info), Some(index)) = (explained.until.take(), until) {
        add(info, index, 0, true);
    }
    Some(Analysed { explained, stages })
}

fn sources<'a>(
    rules: &RuleSet,
    index: StageIx,
    producers: &'a [Producer],
) -> (Vec<Source<'a>>, Vec<&'static str>) {
    let plan = rules.plan();
    let Some(stage) = plan.stages.get(index.index()) else { return (Vec::new(), Vec::new()) };
    let (mut sources, mut records) = (Vec::new(), Vec::new());
    for producer in producers {
        for variant in &producer.variants {
            if rule::judge(&stage.condition, plan, producer.call, variant) == Some(false) {
                continue;
            }
            let wanted = wanted(&stage.condition, plan, producer.call, variant);
            if !producer.call {
                // Messages have no records beside their own.
                let alone = wanted.iter().any(|wanted| wanted.records.is_empty());
                if alone && !records.contains(&producer.name) {
                    records.push(producer.name);
                }
                continue;
            }
            let width = match first(variant, "auditd.data.arch") {
                "i386" => Width::B32,
                _ => Width::B64,
            };
            let Some(number) = calls::number(width, producer.name) else { continue };
            let call = Call { width, number, name: producer.name };
            let category = first(variant, "event.category");
            if !wanted.is_empty() {
                sources.push(Source { call, category, variant, wanted, index });
            }
        }
    }
    (sources, records)
}

/// The calls of a stage, each once with all that is wanted of it.
pub(super) fn by_call<'s>(sources: &'s [Source<'_>]) -> BTreeMap<Call, Vec<&'s Wanted>> {
    let mut calls: BTreeMap<Call, Vec<&Wanted>> = BTreeMap::new();
    for source in sources {
        calls.entry(source.call).or_default().extend(&source.wanted);
    }
    calls
}
