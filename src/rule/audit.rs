//! Condition → the system calls and record types whose events can satisfy it.
//!
//! In: a planned condition and the known [`Producer`]s. Out: those that cannot be ruled out by what is
//! known of them. A producer that is left out can never satisfy the condition by itself; one that is
//! named may still fail other tests. Where nothing can alone, events are tried that begin with a record of
//! the kernel and hold the system call that caused it: an AVC and an open, say.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::ir::{Leaf, Test};
use crate::plan::{Cond, LeafIx, Plan};
use crate::schema::{self, Producer, Variant};
use crate::value::{Value, fold};
use crate::wildcard::Pattern;

/// What can satisfy a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Nothing about it says where it comes from: any audited event may do.
    pub any: bool,
    /// System calls, by name; empty when `any`.
    pub calls: Vec<&'static str>,
    /// Record types that are events of their own, by name; empty when `any`.
    pub records: Vec<&'static str>,
    /// No call and no record alone: only a record of the kernel together with the call that caused it.
    pub together: bool,
}

/// Which producers can satisfy a condition.
pub(super) fn needs(condition: &Cond, plan: &Plan, producers: &[Producer]) -> Needs {
    let can = |producer: &&Producer| {
        let may = |variant: &Variant| judge(condition, plan, producer.call, variant) != Some(false);
        producer.variants.iter().any(may)
    };
    let possible: Vec<&Producer> = producers.iter().filter(can).collect();
    if possible.len() == producers.len() {
        return Needs { any: true, calls: Vec::new(), records: Vec::new(), together: false };
    }
    if possible.is_empty() {
        return together(condition, plan, producers);
    }
    let names = |call: bool| possible.iter().filter(|p| p.call == call).map(|p| p.name).collect();
    Needs { any: false, calls: names(true), records: names(false), together: false }
}

/// Whether the condition holds on events that are alike in this; `None` when that depends on more than is
/// known. `call`: a system call, not a record that is an event of its own.
pub fn judge(condition: &Cond, plan: &Plan, call: bool, variant: &Variant) -> Option<bool> {
    holds(condition, &|leaf| judge_leaf(leaf, plan, call, variant))
}

/// Whether a condition holds where some of its leaves are known.
fn holds(condition: &Cond, leaves: &dyn Fn(LeafIx) -> Option<bool>) -> Option<bool> {
    let (parts, decides) = match condition {
        Cond::Const(value) => return Some(*value),
        Cond::Leaf(leaf) => return leaves(*leaf),
        Cond::Not(inner) => return holds(inner, leaves).map(|holds| !holds),
        Cond::And(all) => (all, false),
        Cond::Or(any) => (any, true),
    };
    let mut known = Some(!decides);
    for part in parts {
        match holds(part, leaves) {
            Some(part) if part == decides => return Some(decides),
            Some(_) => {}
            None => known = None,
        }
    }
    known
}

/// What is known of each leaf of a condition.
type Known = Vec<Option<bool>>;

/// Records and calls that satisfy a condition in one event and not alone. Producers that look the same to
/// the condition are tried once.
fn together(condition: &Cond, plan: &Plan, producers: &[Producer]) -> Needs {
    let mut leaves = Vec::new();
    super::explain::leaves(condition, &mut leaves);
    leaves.sort_unstable();
    let alike = |call: bool| {
        let mut alike: BTreeMap<Known, Vec<&'static str>> = BTreeMap::new();
        for producer in producers.iter().filter(|p| p.call == call && (call || p.with_call)) {
            for variant in &producer.variants {
                let known = |leaf: &LeafIx| judge_leaf(*leaf, plan, call, variant);
                let names = alike.entry(leaves.iter().map(known).collect()).or_default();
                if !names.contains(&producer.name) {
                    names.push(producer.name);
                }
            }
        }
        alike
    };
    let (of_calls, of_records) = (alike(true), alike(false));
    let (mut calls, mut records) = (Vec::new(), Vec::new());
    for (record, record_names) in &of_records {
        for (call, call_names) in &of_calls {
            let both = |leaf: LeafIx| {
                let at = leaves.binary_search(&leaf).ok()?;
                both(leaf, plan, *record.get(at)?, *call.get(at)?)
            };
            if holds(condition, &both) != Some(false) {
                calls.extend_from_slice(call_names);
                records.extend_from_slice(record_names);
            }
        }
    }
    for names in [&mut calls, &mut records] {
        names.sort_unstable();
        names.dedup();
    }
    Needs { any: false, together: !calls.is_empty(), calls, records }
}

/// A leaf on an event of a record and a call: it has the names of both, its type from the record, and the
/// rest from the call.
fn both(leaf: LeafIx, plan: &Plan, record: Option<bool>, call: Option<bool>) -> Option<bool> {
    let Leaf::Test(field, test) = &plan.leaves.get(leaf.index())?.leaf else { return None };
    match (&*field.name, test) {
        ("auditd.message_type", _) => record,
        ("event.action" | "event.category" | "event.type", Test::Missing) => Some(record? && call?),
        ("event.action" | "event.category" | "event.type", _) => match (record, call) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        _ => call,
    }
}

fn judge_leaf(leaf: LeafIx, plan: &Plan, call: bool, variant: &Variant) -> Option<bool> {
    let Leaf::Test(field, test) = &plan.leaves.get(leaf.index())?.leaf else { return None };
    let known = variant.iter().find(|(name, _)| *name == &*field.name);
    let values = match known {
        Some((_, values)) => values.as_slice(),
        // No record of a system call, no field of one.
        None if !call && schema::lookup(&field.name)?.records == "SYSCALL" => &[],
        None => return None,
    };
    let any = |passes: &dyn Fn(&str) -> bool| Some(values.iter().any(|value| passes(value)));
    match test {
        Test::Missing => Some(values.is_empty()),
        Test::Present => Some(!values.is_empty()),
        Test::In(wanted) => any(&|value| {
            wanted.iter().any(|wanted| matches!(wanted, Value::Str(text) if **text == *value))
        }),
        Test::InFold(wanted) => any(&|value| wanted.iter().any(|text| **text == *fold(value))),
        Test::Like { patterns, fold } => {
            any(&|value| patterns.iter().any(|text| Pattern::new(text, *fold).matches(value)))
        }
        Test::Regex { .. } | Test::Compare(..) | Test::Version(..) | Test::Cidr(_) => None,
    }
}

/// What must be set up for fields that do not come from single records, given where fields come from.
pub(super) fn setup<'a>(records: impl Iterator<Item = &'a str>) -> Vec<String> {
    let (mut table, mut enriched, mut node) = (false, false, false);
    for from in records {
        // What a SYSCALL record says too is there without the table.
        table |= from.contains("process table") && !from.contains("SYSCALL");
        enriched |= from.contains("enriched");
        node |= from.contains("node=");
    }
    let mut setup = Vec::new();
    if table {
        setup.push(
            "fields of the process table need execve (and for exact parents clone, fork, vfork and \
             exit_group) in the audit rules"
                .to_owned(),
        );
    }
    if enriched {
        setup.push(
            "names of users and groups need `log_format = ENRICHED` in auditd.conf".to_owned(),
        );
    }
    if node {
        setup.push(
            "the host comes from `name_format` in auditd.conf (node= in records) or from --host-name"
                .to_owned(),
        );
    }
    setup
}
