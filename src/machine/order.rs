//! The one order of values, whatever their kinds: results are sorted by it.

use std::cmp::Ordering;

use crate::value::{Value, compare};

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
    use crate::time::Timestamp;

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
