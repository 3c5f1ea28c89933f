//! Functions on numbers: arithmetic and `number`.
//!
//! In: scalars. Out: numbers or null. Whole numbers stay whole; what no `i64` or finite `f64` can hold
//! is null, never wrapped, rounded to infinity or an error.

use super::{Answer, Function, arg};
use crate::value::{self, Scalar, Value};

/// `a + b` and the like. Division truncates towards zero and the remainder has the sign of the
/// dividend; dividing by zero gives null, also for floating point.
pub(super) fn arithmetic(function: Function, args: &[Option<Scalar<'_>>]) -> Option<Answer> {
    match (arg(args, 0)?, arg(args, 1)?) {
        (Scalar::Int(a), Scalar::Int(b)) => whole(function, a, b).map(Answer::Int),
        (a, b) => finite(floating(function, as_float(a)?, as_float(b)?)?),
    }
}

fn whole(function: Function, a: i64, b: i64) -> Option<i64> {
    match function {
        Function::Add => a.checked_add(b),
        Function::Subtract => a.checked_sub(b),
        Function::Multiply => a.checked_mul(b),
        Function::Divide => a.checked_div(b),
        // The remainder by -1 is 0 for every number, also where the quotient is out of range.
        Function::Modulo if b != 0 => Some(a.wrapping_rem(b)),
        _ => None,
    }
}

fn floating(function: Function, a: f64, b: f64) -> Option<f64> {
    match function {
        Function::Add => Some(a + b),
        Function::Subtract => Some(a - b),
        Function::Multiply => Some(a * b),
        Function::Divide if b != 0.0 => Some(a / b),
        Function::Modulo if b != 0.0 => Some(a % b),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "mixed arithmetic is floating point by definition")]
fn as_float(scalar: Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Int(int) => Some(int as f64),
        Scalar::Float(float) => Some(float),
        _ => None,
    }
}

fn finite(float: f64) -> Option<Answer> {
    float.is_finite().then_some(Answer::Float(float))
}

/// `-a`; `None` is null.
pub fn negate(scalar: Scalar<'_>) -> Option<Value> {
    match scalar {
        Scalar::Int(int) => int.checked_neg().map(Value::Int),
        Scalar::Float(float) => Some(Value::Float(-float)),
        _ => None,
    }
}

/// `number(source [, base])`: without a base it is 16 for text that starts with `0x` and else 10. Only base
/// 10 knows fractions and exponents. A number is itself.
pub(super) fn number(args: &[Option<Scalar<'_>>]) -> Option<Answer> {
    let base = match arg(args, 1) {
        None => None,
        Some(Scalar::Int(base)) => Some(u32::try_from(base).ok().filter(|b| (2..=36).contains(b))?),
        Some(_) => return None,
    };
    let text = match (arg(args, 0)?, base) {
        (Scalar::Str(text), _) => text.trim(),
        (Scalar::Int(int), None) => return Some(Answer::Int(int)),
        (Scalar::Float(float), None) => return finite(float),
        _ => return None,
    };
    let prefixed = text.strip_prefix("0x");
    match (base, prefixed) {
        (None | Some(16), Some(digits)) => i64::from_str_radix(digits, 16).ok().map(Answer::Int),
        (None | Some(10), _) => match value::number(text)? {
            Scalar::Int(int) => Some(Answer::Int(int)),
            Scalar::Float(float) => finite(float),
            _ => None,
        },
        (Some(base), _) => i64::from_str_radix(text, base).ok().map(Answer::Int),
    }
}
