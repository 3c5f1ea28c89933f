//! Files each stage under its most selective necessary leaves.
//!
//! A set of leaves is *necessary* for a condition when the condition can only hold if at least one of
//! them is true. An event then visits only the stages filed under a leaf that it makes true, so its
//! cost follows what it satisfies and not how many stages there are.
//!
//! By the same estimates the parts of a condition are put in the order in which it is decided soonest.

use super::{Cond, LeafIx, Plan};
use crate::check::ir::{self, Test};

/// Sets [`super::Stage::filed`] for every stage.
pub(super) fn file(plan: &mut Plan) {
    let shares = plan.shares();
    for stage in &mut plan.stages {
        stage.filed = necessary_leaves(&stage.condition, &shares);
    }
}

/// Leaves of which at least one is true when the condition holds, those that are fewest together; `None` when
/// there are none such. `shares` are those of the plan.
pub fn necessary_leaves(condition: &Cond, shares: &[f64]) -> Option<Vec<LeafIx>> {
    necessary(condition, shares).map(|set| set.leaves)
}

impl Plan {
    /// By stage: a condition that holds where the stage's does, with those parts first that decide it
    /// most often.
    pub fn tests(&self) -> Vec<Cond> {
        let costs = self.shares();
        self.stages.iter().map(|stage| ordered(&stage.condition, &costs).0).collect()
    }

    /// By leaf: the estimated share of events that make it true.
    pub fn shares(&self) -> Vec<f64> {
        self.leaves.iter().map(|leaf| share(&leaf.leaf)).collect()
    }
}

/// A condition in order, and the estimated share of events for which it holds.
fn ordered(condition: &Cond, costs: &[f64]) -> (Cond, f64) {
    let parts = |all: &[Cond]| {
        let mut parts: Vec<(Cond, f64)> = all.iter().map(|part| ordered(part, costs)).collect();
        parts.sort_by(|a, b| a.1.total_cmp(&b.1));
        parts
    };
    let bare = |parts: Vec<(Cond, f64)>| parts.into_iter().map(|(part, _)| part).collect();
    match condition {
        Cond::Leaf(leaf) => (condition.clone(), costs.get(leaf.index()).copied().unwrap_or(1.0)),
        Cond::Const(value) => (condition.clone(), f64::from(u8::from(*value))),
        Cond::Not(inner) => {
            let (inner, share) = ordered(inner, costs);
            (Cond::Not(Box::new(inner)), 1.0 - share)
        }
        // The rarest first: it is most likely to say no.
        Cond::And(all) => {
            let parts = parts(all);
            let share = parts.iter().map(|(_, share)| share).product();
            (Cond::And(bare(parts)), share)
        }
        // The most common first: it is most likely to say yes.
        Cond::Or(any) => {
            let mut parts = parts(any);
            parts.reverse();
            let share = parts.iter().map(|(_, share)| share).sum::<f64>().min(1.0);
            (Cond::Or(bare(parts)), share)
        }
    }
}

struct Necessary {
    leaves: Vec<LeafIx>,
    /// Estimated share of events that make one of them true.
    cost: f64,
}

fn necessary(condition: &Cond, costs: &[f64]) -> Option<Necessary> {
    match condition {
        Cond::Leaf(leaf) => {
            let cost = costs.get(leaf.index()).copied().unwrap_or(1.0);
            Some(Necessary { leaves: vec![*leaf], cost })
        }
        Cond::Const(false) => Some(Necessary { leaves: Vec::new(), cost: 0.0 }),
        // A negated leaf holds when nothing is there: no leaf need be true.
        Cond::Const(true) | Cond::Not(_) => None,
        Cond::And(all) => {
            all.iter().filter_map(|c| necessary(c, costs)).min_by(|a, b| a.cost.total_cmp(&b.cost))
        }
        Cond::Or(any) => {
            let mut union = Necessary { leaves: Vec::new(), cost: 0.0 };
            for operand in any {
                let part = necessary(operand, costs)?;
                union.leaves.extend(part.leaves);
                union.cost += part.cost;
            }
            union.leaves.sort_unstable();
            union.leaves.dedup();
            Some(union)
        }
    }
}

/// A rough share of audit events that make a leaf true. Only the order of these numbers matters, and
/// only for speed.
fn share(leaf: &ir::Leaf) -> f64 {
    let ir::Leaf::Test(field, test) = leaf else {
        return 0.9;
    };
    let field = match &*field.name {
        "host.os.type" | "event.kind" | "event.module" | "event.dataset" => 1.0,
        "event.category" => 0.5,
        "event.type" | "event.outcome" => 0.4,
        "event.action" => 0.1,
        "auditd.data.syscall" => 0.08,
        "process.name" | "process.executable" => 0.03,
        "process.parent.name" | "process.parent.executable" => 0.03,
        _ => 0.06,
    };
    let share: f64 = match test {
        Test::Present => 0.8,
        Test::Missing => 0.9,
        Test::In(values) => field * (0.5 + 0.5 * count(values.len())),
        Test::InFold(values) => field * (0.5 + 0.5 * count(values.len())),
        Test::Like { patterns, .. } => field * (1.0 + count(patterns.len())),
        Test::Regex { .. } => field * 2.0,
        Test::Cidr(nets) => 0.1 * count(nets.len()),
        Test::Compare(..) | Test::Version(..) => 0.5,
    };
    share.min(1.0)
}

fn count(elements: usize) -> f64 {
    u32::try_from(elements).map_or(f64::MAX, f64::from)
}
