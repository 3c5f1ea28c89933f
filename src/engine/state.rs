//! The programs of an engine with their partials, whatever their kind.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::machine::key::KeyScratch;
use crate::machine::sample::Sample;
use crate::machine::sequence::{self, Sequence};
use crate::machine::{Candidate, Match, Offer, RuleStats};
use crate::plan::{RuleIx, Shape, StageIx};
use crate::rule::RuleOptions;
use crate::time::Timestamp;
use crate::value::{Value, compare};

/// What an event that satisfies a stage means to a program; orders by the order of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Event,
    Sequence(sequence::Role),
    /// Item of a sample.
    Sample(u32),
}

impl Role {
    /// Whether it asks for the place of the event in the order.
    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::Sequence(_))
    }
}

/// A program and its partials.
#[derive(Debug)]
pub(super) enum Machine {
    Event { rule: RuleIx, stats: RuleStats },
    Sequence(Sequence),
    Sample(Sample),
}

impl Machine {
    pub(super) fn new(rule: RuleIx, shape: &Shape, options: &RuleOptions) -> Self {
        match shape {
            Shape::Event(_) => {
                Self::Event { rule, stats: RuleStats { reached: vec![0], ..RuleStats::default() } }
            }
            Shape::Sequence { items, until, maxspan } => {
                let maxspan = maxspan.or(options.window);
                Self::Sequence(Sequence::new(rule, items, until.as_ref(), maxspan))
            }
            Shape::Sample { items } => {
                let per_key = options.samples_per_key;
                let sample = Sample::new(rule, items, per_key, options.window);
                Self::Sample(sample.at_end(options.samples_at_end))
            }
        }
    }

    /// Which stage stands for which role.
    pub(super) fn roles(&self, shape: &Shape) -> Vec<(StageIx, Role)> {
        match (self, shape) {
            (Self::Sequence(sequence), Shape::Sequence { items, until, .. }) => {
                let stages = items.iter().chain(until).map(|item| item.stage);
                stages.zip(sequence.roles().map(Role::Sequence)).collect()
            }
            (Self::Sample(_), Shape::Sample { items }) => {
                items.iter().map(|item| item.stage).zip((0..).map(Role::Sample)).collect()
            }
            (_, Shape::Event(stage)) => vec![(*stage, Role::Event)],
            _ => Vec::new(),
        }
    }

    /// Offers an event to all the roles it satisfies, given in order.
    pub(super) fn step(
        &mut self,
        roles: &[(u32, Role)],
        offer: &mut Offer<'_>,
        keys: &mut KeyScratch,
        out: &mut Vec<Match>,
    ) {
        match self {
            Self::Event { rule, stats } => {
                stats.matches += 1;
                stats.reached.iter_mut().for_each(|count| *count += 1);
                out.push(Match {
                    rule: *rule,
                    keys: Vec::new(),
                    events: vec![Some(offer.keep())],
                    decided: offer.time(),
                    absence: false,
                });
            }
            Self::Sequence(sequence) => {
                for (_, role) in roles {
                    if let Role::Sequence(role) = role {
                        sequence.step(*role, offer, keys, out);
                    }
                }
            }
            Self::Sample(sample) => {
                let items = roles.iter().filter_map(|(_, role)| match role {
                    Role::Sample(item) => Some(*item),
                    _ => None,
                });
                sample.step(items, offer, keys, out);
            }
        }
    }

    pub(super) fn advance(&mut self, now: Timestamp, out: &mut Vec<Match>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.advance(now, out),
            Self::Sample(sample) => sample.advance(now),
        }
    }

    /// The log has ended and all waits are over.
    pub(super) fn finish(&mut self, out: &mut Vec<Match>) {
        if let Self::Sample(sample) = self {
            sample.finish(out);
        }
    }

    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => sequence.next_timer(),
            Self::Sample(sample) => sample.next_timer(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.bytes(),
            Self::Sample(sample) => sample.bytes(),
        }
    }

    pub(super) fn keys(&self) -> usize {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.keys(),
            Self::Sample(sample) => sample.keys(),
        }
    }

    pub(super) fn stats(&self) -> &RuleStats {
        match self {
            Self::Event { stats, .. } => stats,
            Self::Sequence(sequence) => &sequence.stats,
            Self::Sample(sample) => &sample.stats,
        }
    }

    /// Gives up what `candidate` stands for, unless that has gone already; gives how many partials.
    pub(super) fn evict(&mut self, candidate: &Candidate) -> u64 {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.evict(candidate.place, candidate.stage),
            Self::Sample(sample) => sample.evict(candidate.place),
        }
    }

    fn candidates(&self, out: &mut Vec<Candidate>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.candidates(out),
            Self::Sample(sample) => sample.candidates(out),
        }
    }
}

/// All partials, those to be given up first in front, each with the number of its program.
pub(super) fn eviction_order(machines: &[Machine], only: Option<usize>) -> Vec<(usize, Candidate)> {
    let mut all = Vec::new();
    for (number, machine) in machines.iter().enumerate() {
        if only.is_none_or(|only| only == number) {
            let mut found = Vec::new();
            machine.candidates(&mut found);
            all.extend(found.into_iter().map(|candidate| (number, candidate)));
        }
    }
    let mut by_host: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, candidate) in &all {
        *by_host.entry(candidate.host).or_default() += candidate.bytes;
    }
    let held = |host: u64| by_host.get(&host).copied().unwrap_or(0);
    all.sort_by_key(|(number, candidate)| {
        let most_first = std::cmp::Reverse(held(candidate.host));
        (candidate.stage, most_first, candidate.expires, *number, candidate.place)
    });
    all
}

/// Order of key values in results: null, booleans, numbers, text, addresses, times; then by value.
///
/// Total over all values, whatever kinds an event mixes in one field: sorting relies on it.
pub fn compare_keys(a: &Value, b: &Value) -> Ordering {
    let kind = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::Str(_) => 3,
        Value::Ip(_) => 4,
        Value::Time(_) => 5,
    };
    let not_a_number = |value: &Value| matches!(value, Value::Float(f) if f.is_nan());
    kind(a).cmp(&kind(b)).then_with(|| {
        let order = a.scalar().zip(b.scalar()).and_then(|(a, b)| compare(a, b));
        order.unwrap_or_else(|| not_a_number(a).cmp(&not_a_number(b)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared across kinds, 9 < 10 < "1x" < 9 would be a circle, on which sorting may panic.
    #[test]
    fn keys_of_any_kinds_have_one_order() {
        let text = |text: &str| Value::Str(text.into());
        let values = [
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::Float(f64::NEG_INFINITY),
            Value::Int(-3),
            Value::Int(9),
            Value::Float(9.5),
            Value::Int(10),
            Value::Float(f64::NAN),
            text("10"),
            text("1x"),
            text("9"),
            text("true"),
            Value::Ip([10, 0, 0, 1].into()),
            Value::Ip([10, 0, 0, 2].into()),
            Value::Time(Timestamp(0)),
            Value::Time(Timestamp(1)),
        ];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(compare_keys(a, b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }
}
