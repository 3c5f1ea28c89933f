//! What follows from what, between conditions.
//!
//! In: checked conditions. Out: whether one implies the other, whether one can never or must always be
//! true. Every `true` is certain, for missing and multi-valued fields too; `false` only means that it
//! was not found within [`Steps`].

use std::collections::BTreeSet;

use super::super::ir::{Cond, Expr, Leaf, Order, Test};
use crate::span::Span;
use crate::value::{Scalar, Value, equal, fold, order};
use crate::wildcard::Pattern;

/// How much looking is left.
#[derive(Debug)]
pub(super) struct Steps(u32);

impl Steps {
    /// Enough for any condition a person wrote; some ten milliseconds.
    pub(super) fn new() -> Self {
        Self(50_000)
    }

    /// Uses some up; `false` when there are none left.
    fn spend(&mut self, steps: usize) -> bool {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether none are left, and looping over the rest finds nothing.
    fn are_spent(&self) -> bool {
        self.0 == 0
    }
}

/// Whether every event for which `a` holds is one for which `b` holds.
pub(super) fn implies(a: &Cond, b: &Cond, steps: &mut Steps) -> bool {
    if !steps.spend(1) {
        return false;
    }
    match (a, b) {
        (Cond::Const(false), _) | (_, Cond::Const(true)) => true,
        (_, Cond::And(parts)) => parts.iter().all(|part| implies(a, part, steps)),
        (Cond::Or(parts), _) => parts.iter().all(|part| implies(part, b, steps)),
        (Cond::And(parts), _) if parts.iter().any(|part| implies(part, b, steps)) => true,
        (_, Cond::Or(parts)) => parts.iter().any(|part| implies(a, part, steps)),
        (Cond::Not(a), Cond::Not(b)) => implies(b, a, steps),
        (Cond::Leaf(_), Cond::Not(b)) => exclude(a, b, steps),
        (Cond::Leaf(a), Cond::Leaf(b)) => leaf_implies(a, b, steps),
        _ => false,
    }
}

/// Whether no event satisfies both.
pub(super) fn exclude(a: &Cond, b: &Cond, steps: &mut Steps) -> bool {
    if !steps.spend(1) {
        return false;
    }
    match (a, b) {
        (Cond::Const(false), _) | (_, Cond::Const(false)) => true,
        (Cond::And(parts), other) | (other, Cond::And(parts)) => {
            parts.iter().any(|part| exclude(part, other, steps))
        }
        (Cond::Or(parts), other) | (other, Cond::Or(parts)) => {
            parts.iter().all(|part| exclude(part, other, steps))
        }
        (Cond::Not(inner), other) | (other, Cond::Not(inner)) => implies(other, inner, steps),
        (Cond::Leaf(Leaf::Test(field, a)), Cond::Leaf(Leaf::Test(other, b))) if field == other => {
            match (a, b) {
                (Test::Missing, b) => *b != Test::Missing,
                (a, Test::Missing) => *a != Test::Missing,
                (a, b) => has_one_value(&field.name) && tests_exclude(a, b, steps),
            }
        }
        _ => false,
    }
}

/// Two parts of an `and` that exclude each other.
pub(super) fn contradiction<'a>(
    parts: &'a [Cond],
    steps: &mut Steps,
) -> Option<(&'a Cond, &'a Cond)> {
    for (index, a) in parts.iter().enumerate() {
        if steps.are_spent() {
            break;
        }
        let later = parts.get(index + 1..).unwrap_or_default();
        if let Some(b) = later.iter().find(|b| exclude(a, b, steps)) {
            return Some((a, b));
        }
    }
    None
}

/// Whether it can never be true.
pub(super) fn never(condition: &Cond, steps: &mut Steps) -> bool {
    match condition {
        Cond::Const(value) => !value,
        Cond::And(parts) => {
            parts.iter().any(|part| never(part, steps)) || contradiction(parts, steps).is_some()
        }
        Cond::Or(parts) => parts.iter().all(|part| never(part, steps)),
        Cond::Not(inner) => always(inner, steps),
        Cond::Leaf(Leaf::Test(_, test)) => is_empty(test),
        Cond::Leaf(Leaf::Expr(_)) => false,
    }
}

/// Whether it is always true.
pub(super) fn always(condition: &Cond, steps: &mut Steps) -> bool {
    match condition {
        Cond::Const(value) => *value,
        Cond::And(parts) => parts.iter().all(|part| always(part, steps)),
        Cond::Or(parts) => parts.iter().any(|part| always(part, steps)) || covers(parts, steps),
        Cond::Not(inner) => never(inner, steps),
        Cond::Leaf(_) => false,
    }
}

/// Whether some `a or not b` among the parts leaves nothing out.
fn covers(parts: &[Cond], steps: &mut Steps) -> bool {
    let is_missing = |cond: &Cond| match cond {
        Cond::Leaf(Leaf::Test(field, Test::Missing)) => Some(field.clone()),
        _ => None,
    };
    parts.iter().any(|part| match (part, is_missing(part)) {
        (Cond::Not(inner), _) if !steps.are_spent() => {
            parts.iter().any(|other| implies(inner, other, steps))
        }
        (_, Some(missing)) if steps.spend(parts.len()) => {
            let present = Cond::Leaf(Leaf::Test(missing, Test::Present));
            parts.contains(&present)
        }
        _ => false,
    })
}

/// A test that nothing passes.
pub(super) fn is_empty(test: &Test) -> bool {
    match test {
        Test::In(values) => values.is_empty(),
        Test::InFold(texts) => texts.is_empty(),
        _ => false,
    }
}

/// Fields of audit events that never have more than one value.
fn has_one_value(name: &str) -> bool {
    const ENDS: [&str; 7] =
        [".pid", ".port", ".args_count", ".entity_id", ".working_directory", ".inode", ".mode"];
    const NAMES: [&str; 12] = [
        "auditd.data.a0",
        "auditd.data.a1",
        "auditd.data.a2",
        "auditd.data.a3",
        "auditd.result",
        "auditd.session",
        "event.outcome",
        "host.id",
        "host.os.type",
        "network.direction",
        "process.interactive",
        "user.id",
    ];
    ENDS.iter().any(|end| name.ends_with(end)) || NAMES.contains(&name)
}

fn leaf_implies(a: &Leaf, b: &Leaf, steps: &mut Steps) -> bool {
    match (a, b) {
        (Leaf::Test(field, a), Leaf::Test(other, b)) => field == other && test_implies(a, b, steps),
        (Leaf::Expr(_), Leaf::Expr(_)) => a == b,
        _ => false,
    }
}

/// Whether every value that passes `a` passes `b`.
fn test_implies(a: &Test, b: &Test, steps: &mut Steps) -> bool {
    if a == b {
        return true;
    }
    match (a, b) {
        (Test::Missing, _) | (_, Test::Missing) => false,
        (_, Test::Present) => true,
        (Test::In(values), _) => values.iter().all(|value| passes(b, value, steps) == Some(true)),
        (Test::InFold(texts), Test::InFold(_) | Test::Like { fold: true, .. }) => {
            texts.iter().all(|text| passes(b, &Value::Str(text.clone()), steps) == Some(true))
        }
        (Test::Like { patterns, fold: a_folds }, Test::Like { patterns: wider, fold: b_folds })
            if *b_folds || !a_folds =>
        {
            steps.spend(patterns.len().saturating_mul(wider.len()))
                && patterns.iter().all(|pattern| {
                    let pattern = if *b_folds { fold(pattern) } else { pattern.as_ref().into() };
                    wider.iter().any(|wider| **wider == *pattern || **wider == *"*")
                })
        }
        (Test::Compare(a_order, a), Test::Compare(b_order, b)) => {
            range_implies((*a_order, a), (*b_order, b))
        }
        (Test::Cidr(networks), Test::Cidr(wider)) => {
            steps.spend(networks.len().saturating_mul(wider.len()))
                && networks.iter().all(|network| wider.iter().any(|wide| wide.contains(network)))
        }
        _ => false,
    }
}

/// `> 5` implies `>= 3`.
fn range_implies((a_order, a): (Order, &Value), (b_order, b): (Order, &Value)) -> bool {
    let Some(between) = ordering(a, b) else { return false };
    match (a_order, b_order) {
        (Order::Greater | Order::GreaterEqual, Order::GreaterEqual)
        | (Order::Greater, Order::Greater) => between.is_ge(),
        (Order::GreaterEqual, Order::Greater) => between.is_gt(),
        (Order::Less | Order::LessEqual, Order::LessEqual) | (Order::Less, Order::Less) => {
            between.is_le()
        }
        (Order::LessEqual, Order::Less) => between.is_lt(),
        _ => false,
    }
}

/// Whether no single value passes both.
fn tests_exclude(a: &Test, b: &Test, steps: &mut Steps) -> bool {
    match (a, b) {
        (Test::In(values), other) | (other, Test::In(values)) => {
            values.iter().all(|value| passes(other, value, steps) == Some(false))
        }
        (Test::Compare(a_order, a), Test::Compare(b_order, b)) => {
            let Some(between) = ordering(a, b) else { return false };
            match (a_order, b_order) {
                (Order::Greater | Order::GreaterEqual, Order::Less)
                | (Order::Greater, Order::LessEqual) => between.is_ge(),
                (Order::GreaterEqual, Order::LessEqual) => between.is_gt(),
                (Order::Less | Order::LessEqual, Order::Greater)
                | (Order::Less, Order::GreaterEqual) => between.is_le(),
                (Order::LessEqual, Order::GreaterEqual) => between.is_lt(),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a value passes a test; `None` when that is not known here.
fn passes(test: &Test, value: &Value, steps: &mut Steps) -> Option<bool> {
    let scalar = value.scalar()?;
    match test {
        Test::Missing => Some(false),
        Test::Present => Some(true),
        Test::In(values) => steps.spend(values.len()).then(|| {
            values.iter().any(|other| other.scalar().is_some_and(|other| equal(scalar, other)))
        }),
        Test::InFold(texts) => {
            let Scalar::Str(text) = scalar else { return None };
            let text = fold(text);
            steps.spend(texts.len()).then(|| texts.iter().any(|other| **other == *text))
        }
        Test::Like { patterns, fold } => {
            let Scalar::Str(text) = scalar else { return None };
            let cost = patterns.iter().map(|pattern| pattern.len() + text.len() + 16).sum();
            steps
                .spend(cost)
                .then(|| patterns.iter().any(|pattern| Pattern::new(pattern, *fold).matches(text)))
        }
        Test::Compare(relation, bound) => {
            let between = ordering(value, bound)?;
            Some(match relation {
                Order::Less => between.is_lt(),
                Order::LessEqual => between.is_le(),
                Order::Greater => between.is_gt(),
                Order::GreaterEqual => between.is_ge(),
            })
        }
        Test::Cidr(networks) => match scalar {
            Scalar::Ip(address) => steps
                .spend(networks.len())
                .then(|| networks.iter().any(|network| network.contains(&address))),
            _ => None,
        },
        Test::Regex { .. } | Test::Version(..) => None,
    }
}

fn ordering(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    order(a.scalar()?, b.scalar()?)
}

/// Names of the fields without which a condition is never true.
pub(super) fn needed(condition: &Cond) -> BTreeSet<&str> {
    match condition {
        Cond::Const(_) | Cond::Not(_) => BTreeSet::new(),
        Cond::And(parts) => parts.iter().flat_map(needed).collect(),
        Cond::Or(parts) => {
            let mut parts = parts.iter().map(needed);
            let first = parts.next().unwrap_or_default();
            parts.fold(first, |all, part| all.intersection(&part).copied().collect())
        }
        Cond::Leaf(Leaf::Test(_, Test::Missing)) => BTreeSet::new(),
        Cond::Leaf(Leaf::Test(field, _)) => BTreeSet::from([&*field.name]),
        Cond::Leaf(Leaf::Expr(expr)) => {
            let mut fields = BTreeSet::new();
            needed_in(expr, &mut fields);
            fields
        }
    }
}

/// Null in, null out: every field outside of a null test and of logic is needed.
fn needed_in<'a>(expr: &'a Expr, out: &mut BTreeSet<&'a str>) {
    match expr {
        Expr::Field(field) => {
            out.insert(&field.name);
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| needed_in(arg, out)),
        Expr::Arithmetic(_, a, b) | Expr::Compare(_, a, b) => {
            needed_in(a, out);
            needed_in(b, out);
        }
        Expr::Negate(inner) => needed_in(inner, out),
        Expr::Test(inner, test) if *test != Test::Missing => needed_in(inner, out),
        Expr::Test(..) | Expr::Literal(_) | Expr::IsNull(_) | Expr::Cond(_) => {}
    }
}

/// From the first to the last field of a condition.
pub(super) fn span(condition: &Cond) -> Option<Span> {
    match condition {
        Cond::Const(_) => None,
        Cond::And(parts) | Cond::Or(parts) => {
            parts.iter().filter_map(span).reduce(|all, part| all.to(part))
        }
        Cond::Not(inner) => span(inner),
        Cond::Leaf(Leaf::Test(field, _)) => Some(field.span),
        Cond::Leaf(Leaf::Expr(expr)) => expr_span(expr),
    }
}

fn expr_span(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::Literal(_) => None,
        Expr::Field(field) => Some(field.span),
        Expr::Call { args, .. } => {
            args.iter().filter_map(expr_span).reduce(|all, part| all.to(part))
        }
        Expr::Arithmetic(_, a, b) | Expr::Compare(_, a, b) => match (expr_span(a), expr_span(b)) {
            (Some(a), Some(b)) => Some(a.to(b)),
            (a, b) => a.or(b),
        },
        Expr::Negate(inner) | Expr::IsNull(inner) | Expr::Test(inner, _) => expr_span(inner),
        Expr::Cond(inner) => span(inner),
    }
}
