//! Condition → the system calls and record types whose events can satisfy it.
//!
//! In: a planned condition and the known [`Producer`]s. Out: those that cannot be ruled out by what is
//! known of them. A producer that is left out can never satisfy the condition by itself; one that is
//! named may still fail other tests. An event that begins with a record of another kind than its system
//! call (an AVC before an open, say) is judged by each of the two alone.

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
}

/// Which producers can satisfy a condition.
pub(super) fn needs(condition: &Cond, plan: &Plan, producers: &[Producer]) -> Needs {
    let can = |producer: &&Producer| {
        let may = |variant: &Variant| judge(condition, plan, producer.call, variant) != Some(false);
        producer.variants.iter().any(may)
    };
    let possible: Vec<&Producer> = producers.iter().filter(can).collect();
    if possible.len() == producers.len() {
        return Needs { any: true, calls: Vec::new(), records: Vec::new() };
    }
    let names = |call: bool| possible.iter().filter(|p| p.call == call).map(|p| p.name).collect();
    Needs { any: false, calls: names(true), records: names(false) }
}

/// Whether the condition holds on events of this kind; `None` when that depends on more than is known.
fn judge(condition: &Cond, plan: &Plan, call: bool, variant: &Variant) -> Option<bool> {
    match condition {
        Cond::Const(value) => Some(*value),
        Cond::Leaf(leaf) => judge_leaf(*leaf, plan, call, variant),
        Cond::Not(inner) => judge(inner, plan, call, variant).map(|holds| !holds),
        Cond::And(all) => {
            let mut known = Some(true);
            for part in all {
                match judge(part, plan, call, variant) {
                    Some(false) => return Some(false),
                    Some(true) => {}
                    None => known = None,
                }
            }
            known
        }
        Cond::Or(any) => {
            let mut known = Some(false);
            for part in any {
                match judge(part, plan, call, variant) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => known = None,
                }
            }
            known
        }
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
