//! Constant folding.
//!
//! Only rewrites that keep every answer, for missing and multi-valued fields too: `not (a > 1)` stays
//! what it is, and two tests of one field are never made one range.

use super::ir::{Cond, Expr, Leaf, Test};
use crate::syntax::ast::{Arithmetic, Compare};
use crate::value::{Value, compare};

/// All of `parts`; flat, constants folded.
pub(super) fn and(parts: Vec<Cond>) -> Cond {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Cond::Const(true) => {}
            Cond::Const(false) => return Cond::Const(false),
            Cond::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    single(flat, true, Cond::And)
}

/// Any of `parts`; flat, constants folded.
pub(super) fn or(parts: Vec<Cond>) -> Cond {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Cond::Const(false) => {}
            Cond::Const(true) => return Cond::Const(true),
            Cond::Or(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    single(flat, false, Cond::Or)
}

fn single(mut parts: Vec<Cond>, empty: bool, many: fn(Vec<Cond>) -> Cond) -> Cond {
    match parts.pop() {
        None => Cond::Const(empty),
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
    }
}

/// The opposite. Exact, because conditions are two-valued.
pub(super) fn not(cond: Cond) -> Cond {
    match cond {
        Cond::Const(value) => Cond::Const(!value),
        Cond::Not(inner) => *inner,
        Cond::Leaf(Leaf::Test(field, Test::Missing)) => {
            Cond::Leaf(Leaf::Test(field, Test::Present))
        }
        Cond::Leaf(Leaf::Test(field, Test::Present)) => {
            Cond::Leaf(Leaf::Test(field, Test::Missing))
        }
        other => Cond::Not(Box::new(other)),
    }
}

/// The edge of a leaf: a boolean expression as a condition, null as false.
pub(super) fn condition(expr: Expr) -> Cond {
    match expr {
        Expr::Cond(cond) => *cond,
        Expr::Literal(value) => Cond::Const(value == Value::Bool(true)),
        Expr::Field(field) => Cond::Leaf(Leaf::Test(field, Test::In(vec![Value::Bool(true)]))),
        Expr::Test(inner, test) => match *inner {
            Expr::Field(field) => Cond::Leaf(Leaf::Test(field, test)),
            other => Cond::Leaf(Leaf::Expr(Expr::Test(Box::new(other), test))),
        },
        Expr::IsNull(inner) => match *inner {
            Expr::Field(field) => Cond::Leaf(Leaf::Test(field, Test::Missing)),
            other => Cond::Leaf(Leaf::Expr(Expr::IsNull(Box::new(other)))),
        },
        other => Cond::Leaf(Leaf::Expr(other)),
    }
}

/// A condition as a value inside a larger expression.
pub(super) fn value(cond: Cond) -> Expr {
    match cond {
        Cond::Const(value) => Expr::Literal(Value::Bool(value)),
        other => Expr::Cond(Box::new(other)),
    }
}

/// `expr == null`
pub(super) fn is_null(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(value) => Expr::Literal(Value::Bool(value == Value::Null)),
        // Conditions and null tests are never null.
        Expr::Cond(_) | Expr::IsNull(_) => Expr::Literal(Value::Bool(false)),
        other => Expr::IsNull(Box::new(other)),
    }
}

/// `a op b` on constants. Null when either is.
pub(super) fn comparison(op: Compare, a: &Value, b: &Value) -> Value {
    let (Some(a), Some(b)) = (a.scalar(), b.scalar()) else { return Value::Null };
    let Some(order) = compare(a, b) else { return Value::Null };
    Value::Bool(match op {
        Compare::Equal => order.is_eq(),
        Compare::NotEqual => order.is_ne(),
        Compare::Less => order.is_lt(),
        Compare::LessEqual => order.is_le(),
        Compare::Greater => order.is_gt(),
        Compare::GreaterEqual => order.is_ge(),
    })
}

/// `a op b` on constant numbers; `None` when there is no result: division by zero, overflow.
pub(super) fn arithmetic(op: Arithmetic, a: &Value, b: &Value) -> Option<Value> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => match op {
            Arithmetic::Add => a.checked_add(*b),
            Arithmetic::Subtract => a.checked_sub(*b),
            Arithmetic::Multiply => a.checked_mul(*b),
            Arithmetic::Divide => a.checked_div(*b),
            Arithmetic::Modulo => a.checked_rem(*b),
        }
        .map(Value::Int),
        _ => {
            let (a, b) = (float(a)?, float(b)?);
            let result = match op {
                Arithmetic::Add => a + b,
                Arithmetic::Subtract => a - b,
                Arithmetic::Multiply => a * b,
                Arithmetic::Divide => a / b,
                Arithmetic::Modulo => a % b,
            };
            result.is_finite().then_some(Value::Float(result))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "as every language with both kinds of number")]
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}
