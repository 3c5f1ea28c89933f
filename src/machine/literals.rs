//! Lists of literals, sorted out by the kind of value they are compared with.
//!
//! In: the literals of an `in` or `==`. Out: whether a value equals one of them, in time that hardly
//! grows with their number. What is read as what is decided once, here: a number field reads text literals
//! as numbers, a text field compares with the decimal text of a number, an address lies in a network,
//! a time is read from RFC 3339 text or whole milliseconds.

use std::collections::HashSet;

use ipnet::IpNet;

use crate::net::{self, NetSet};
use crate::time::Timestamp;
use crate::value::{self, Scalar, Value};

/// Literals to compare values with, see the module's description.
#[derive(Debug)]
pub(super) struct Literals {
    /// For text values.
    texts: Texts,
    /// For text values that are addresses: networks from address literals.
    text_nets: Option<NetSet>,
    /// For text values that are times, from time literals; ascending.
    text_times: Box<[Timestamp]>,
    /// For number values; ascending.
    numbers: Box<[Number]>,
    /// For whole numbers that are milliseconds, from time literals; ascending.
    millis: Box<[i64]>,
    /// For `false` and for `true`.
    bools: (bool, bool),
    /// For addresses.
    nets: NetSet,
    /// For times; ascending.
    times: Box<[Timestamp]>,
}

/// What the lists of [`Literals`] are built from.
#[derive(Default)]
struct Builder {
    texts: Vec<Box<str>>,
    text_nets: Vec<IpNet>,
    text_times: Vec<Timestamp>,
    numbers: Vec<Number>,
    millis: Vec<i64>,
    bools: (bool, bool),
    nets: Vec<IpNet>,
    times: Vec<Timestamp>,
}

impl Literals {
    pub(super) fn new(literals: &[Value]) -> Self {
        let mut builder = Builder::default();
        for literal in literals {
            builder.add(literal);
        }
        Self {
            texts: Texts::new(builder.texts),
            text_nets: Some(builder.text_nets.iter().collect())
                .filter(|nets| *nets != NetSet::default()),
            text_times: ascending(builder.text_times),
            numbers: ascending(builder.numbers),
            millis: ascending(builder.millis),
            bools: builder.bools,
            nets: builder.nets.iter().collect(),
            times: ascending(builder.times),
        }
    }

    pub(super) fn contain(&self, value: Scalar<'_>) -> bool {
        let has_number = |number| self.numbers.binary_search(&number).is_ok();
        match value {
            Scalar::Str(text) => {
                self.texts.contain(text) || self.contain_ip(text) || self.contain_time(text)
            }
            Scalar::Int(int) => {
                has_number(Number::Int(int)) || self.millis.binary_search(&int).is_ok()
            }
            Scalar::Float(float) => Number::from_float(float).is_some_and(has_number),
            Scalar::Bool(truth) => {
                if truth {
                    self.bools.1
                } else {
                    self.bools.0
                }
            }
            Scalar::Ip(ip) => self.nets.contains(ip),
            Scalar::Time(time) => self.times.binary_search(&time).is_ok(),
        }
    }

    fn contain_ip(&self, text: &str) -> bool {
        let Some(nets) = &self.text_nets else {
            return false;
        };
        text.parse().is_ok_and(|ip| nets.contains(ip))
    }

    fn contain_time(&self, text: &str) -> bool {
        !self.text_times.is_empty()
            && value::timestamp(text)
                .is_some_and(|time| self.text_times.binary_search(&time).is_ok())
    }
}

impl Builder {
    fn add(&mut self, literal: &Value) {
        match literal {
            Value::Null => {}
            Value::Bool(truth) => self.add_bool(*truth, literal),
            Value::Int(int) => {
                self.numbers.push(Number::Int(*int));
                self.texts.push(literal.to_string().into());
                self.times.push(Timestamp::from_millis(*int));
            }
            Value::Float(float) => {
                self.numbers.extend(Number::from_float(*float));
                self.texts.push(literal.to_string().into());
            }
            Value::Str(text) => self.add_text(text),
            Value::Ip(ip) => {
                self.nets.push(IpNet::from(*ip));
                self.text_nets.push(IpNet::from(*ip));
            }
            Value::Time(time) => {
                self.times.push(*time);
                self.text_times.push(*time);
                if Timestamp::from_millis(time.as_millis()) == *time {
                    self.millis.push(time.as_millis());
                }
            }
        }
    }

    fn add_bool(&mut self, truth: bool, literal: &Value) {
        self.texts.push(literal.to_string().into());
        if truth {
            self.bools.1 = true;
        } else {
            self.bools.0 = true;
        }
    }

    fn add_text(&mut self, text: &str) {
        self.texts.push(text.into());
        match value::number(text) {
            Some(Scalar::Int(int)) => self.numbers.push(Number::Int(int)),
            Some(Scalar::Float(float)) => self.numbers.extend(Number::from_float(float)),
            _ => {}
        }
        match text {
            "true" => self.bools.1 = true,
            "false" => self.bools.0 = true,
            _ => {}
        }
        self.nets.extend(net::parse(text));
        self.times.extend(value::timestamp(text));
    }
}

/// A number in the one form that equal numbers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    Int(i64),
    /// Bits of a float that is no `i64`.
    Float(u64),
}

impl Number {
    /// `None` for what equals nothing.
    fn from_float(float: f64) -> Option<Self> {
        // 2^63 as a float is exact; every whole float below it in size is an i64.
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        if float.is_nan() {
            return None;
        }
        if float.trunc() == float && (-LIMIT..LIMIT).contains(&float) {
            #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
            return Some(Self::Int(float as i64));
        }
        Some(Self::Float(float.to_bits()))
    }
}

/// A set of texts. Few are compared one by one, which is faster than hashing.
#[derive(Debug)]
pub(super) enum Texts {
    Few(Box<[Box<str>]>),
    Many(HashSet<Box<str>, foldhash::fast::RandomState>),
}

impl Texts {
    pub(super) fn new(mut texts: Vec<Box<str>>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        if texts.len() <= 6 {
            Self::Few(texts.into_boxed_slice())
        } else {
            Self::Many(texts.into_iter().collect())
        }
    }

    pub(super) fn contain(&self, text: &str) -> bool {
        match self {
            Self::Few(texts) => texts.iter().any(|known| **known == *text),
            Self::Many(texts) => texts.contains(text),
        }
    }
}

fn ascending<T: Ord>(mut list: Vec<T>) -> Box<[T]> {
    list.sort_unstable();
    list.dedup();
    list.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, one pair at a time.
    fn equal(value: Scalar<'_>, literal: &Value) -> bool {
        match (value, literal) {
            (Scalar::Str(text), Value::Int(_) | Value::Float(_)) => text == literal.to_string(),
            (Scalar::Ip(ip), Value::Str(net)) if net.contains('/') => {
                net::parse(net).is_some_and(|net| net.contains(&value::plain_ip(ip)))
            }
            (_, literal) => literal.scalar().is_some_and(|literal| value::equal(value, literal)),
        }
    }

    #[test]
    fn a_value_decides_how_a_literal_is_read() {
        let ip = |text: &str| Value::Ip(text.parse().unwrap());
        let text = |text: &str| Value::Str(text.into());
        let time = |millis| Value::Time(Timestamp::from_millis(millis));
        let cases = [
            (Value::Int(5), Value::Float(5.0), true),
            (Value::Float(5.0), Value::Int(5), true),
            (Value::Float(-0.0), Value::Int(0), true),
            (Value::Int(5), text("5.0"), true),
            (Value::Int(5), text("five"), false),
            // Text compares with the number's decimal text.
            (text("4625"), Value::Int(4625), true),
            (text("04625"), Value::Int(4625), false),
            (text("5"), Value::Float(5.0), false),
            (Value::Bool(true), text("true"), true),
            (text("false"), Value::Bool(false), true),
            (text("False"), Value::Bool(false), false),
            (Value::Bool(true), Value::Int(1), false),
            (ip("::1"), text("0:0:0:0:0:0:0:1"), true),
            (text("0:0:0:0:0:0:0:1"), ip("::1"), true),
            (ip("10.1.2.3"), text("10.0.0.0/8"), true),
            (ip("::ffff:10.1.2.3"), ip("10.1.2.3"), true),
            (text("10.1.2.3"), text("10.0.0.0/8"), false),
            (text("10.0.0.0/8"), text("10.0.0.0/8"), true),
            (time(0), text("1970-01-01"), true),
            (time(0), text("1970-01-01T01:00:00+01:00"), true),
            (time(1500), Value::Int(1500), true),
            (Value::Int(1500), time(1500), true),
            (text("1970-01-01T00:00:00Z"), time(0), true),
            (Value::Time(Timestamp(1)), Value::Int(0), false),
            (text("a"), text("A"), false),
            (text(""), Value::Null, false),
        ];
        for (value, literal, expected) in cases {
            let found =
                Literals::new(std::slice::from_ref(&literal)).contain(value.scalar().unwrap());
            assert_eq!(found, expected, "{value:?} == {literal:?}");
            assert_eq!(equal(value.scalar().unwrap(), &literal), expected, "definition");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[0-3]{1,2}(\\.0)?",
            "10\\.0\\.0\\.[0-3](/3[0-2])?",
            "1970-01-0[12]",
            "true|false|a|b|\\+1| 1"
        ];
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-1_i64..30).prop_map(Value::Int),
            (-4_i32..30).prop_map(|quarters| Value::Float(f64::from(quarters) / 4.0)),
            any::<f64>().prop_map(Value::Float),
            text.prop_map(|s| Value::Str(s.into())),
            (0_u8..4).prop_map(|host| Value::Ip([10, 0, 0, host].into())),
            (0_i64..3).prop_map(|t| Value::Time(Timestamp(t * 500_000))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_list_contains_what_equals_one_of_it(
            literals in prop::collection::vec(any_value(), 0..10),
            value in any_value(),
        ) {
            if let Some(value) = value.scalar() {
                let expected = literals.iter().any(|literal| equal(value, literal));
                prop_assert_eq!(Literals::new(&literals).contain(value), expected);
            }
        }
    }
}
