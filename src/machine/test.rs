//! One test of one value, compiled.
//!
//! In: a [`Test`] of the plan and the values of a field, one at a time. Out: whether a value passes. An
//! absent field has no value to ask about: who holds the event answers [`Test::Missing`] and
//! [`Test::Present`]. Nothing here fails on a value: one of the wrong kind does not pass.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::literals::{Literals, Texts};
use crate::net::NetSet;
use crate::plan::ir::{Order, Test};
use crate::time::Timestamp;
use crate::value::{self, Scalar, Value};
use crate::version;
use crate::wildcard::Pattern;

/// A compiled regular expression takes at most this.
const REGEX_LIMIT_BYTES: usize = 4 << 20;

/// A compiled [`Test`].
#[derive(Debug)]
pub(crate) struct Tester(Kind);

#[derive(Debug)]
enum Kind {
    Never,
    Always,
    In(Literals),
    InFold(Texts),
    Like { patterns: Box<[Pattern]>, fold: bool },
    Regex(Regex),
    Compare(Order, Box<Bound>),
    Version(Order, Box<str>),
    Cidr(NetSet),
}

impl Tester {
    /// Compiles a test.
    ///
    /// # Errors
    ///
    /// A regular expression that is malformed or takes more than 4 MiB.
    pub(crate) fn new(test: &Test) -> Result<Self, String> {
        Ok(Self(match test {
            Test::Missing => Kind::Never,
            Test::Present => Kind::Always,
            Test::In(literals) => Kind::In(Literals::new(literals)),
            Test::InFold(texts) => Kind::InFold(Texts::new(
                texts.iter().map(|text| value::fold(text).into()).collect(),
            )),
            Test::Like { patterns, fold } => Kind::Like {
                patterns: patterns.iter().map(|pattern| Pattern::new(pattern, *fold)).collect(),
                fold: *fold,
            },
            Test::Regex { pattern, .. } => Kind::Regex(regex(pattern)?),
            Test::Compare(order, literal) => Kind::Compare(*order, Box::new(Bound::new(literal))),
            Test::Version(order, version) => Kind::Version(*order, version.clone()),
            Test::Cidr(nets) => Kind::Cidr(nets.iter().collect()),
        }))
    }

    /// Whether the value passes: never for `Missing`, always for `Present`.
    ///
    /// Allocates only for a test without regard to case on text that is longer than 1 KiB and not in
    /// lower case; [`Tester::passes`] does not.
    pub(crate) fn matches(&self, value: Scalar<'_>) -> bool {
        self.verdict(value) == Some(true)
    }

    /// As [`Tester::matches`]; `None`, which is null, when the test does not apply to such a value.
    pub(crate) fn verdict(&self, value: Scalar<'_>) -> Option<bool> {
        Some(match (&self.0, value) {
            (Kind::Never, _) => false,
            (Kind::Always, _) => true,
            (Kind::In(literals), value) => literals.contain(value),
            (Kind::InFold(texts), Scalar::Str(text)) => {
                value::with_fold(text, |folded| texts.contain(folded))
            }
            (Kind::Like { patterns, fold }, Scalar::Str(text)) => match &**patterns {
                [one] => one.matches(text),
                many if *fold => value::with_fold(text, |folded| any_folded(many, folded)),
                many => any_folded(many, text),
            },
            (Kind::Regex(regex), Scalar::Str(text)) => regex.is_match(text),
            (Kind::Compare(order, bound), value) => stands(bound.compare(value)?, *order),
            (Kind::Version(order, wanted), Scalar::Str(text)) => {
                stands(version::compare(text, wanted), *order)
            }
            (Kind::Cidr(nets), Scalar::Ip(ip)) => nets.contains(ip),
            (Kind::Cidr(nets), Scalar::Str(text)) => text.parse().is_ok_and(|ip| nets.contains(ip)),
            // What is not an address lies in no network.
            (Kind::Cidr(_), _) => false,
            (Kind::InFold(_) | Kind::Like { .. } | Kind::Regex(_) | Kind::Version(..), _) => {
                return None;
            }
        })
    }

    /// As [`Tester::matches`], for asking many testers about one value: case is folded once.
    pub(crate) fn passes(&self, subject: &mut Subject<'_, '_>) -> bool {
        match &self.0 {
            Kind::InFold(texts) => subject.folded().is_some_and(|folded| texts.contain(folded)),
            Kind::Like { patterns, fold: true } => {
                subject.folded().is_some_and(|folded| any_folded(patterns, folded))
            }
            _ => self.matches(subject.value),
        }
    }
}

fn any_folded(patterns: &[Pattern], folded: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches_folded(folded))
}

fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_LIMIT_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        error => error.to_string(),
    })
}

/// Whether what was found is what `order` asks for.
pub(super) fn stands(found: Ordering, order: Order) -> bool {
    match order {
        Order::Less => found.is_lt(),
        Order::LessEqual => found.is_le(),
        Order::Greater => found.is_gt(),
        Order::GreaterEqual => found.is_ge(),
    }
}

/// The right side of `<`, with what it is read as for values of other kinds.
#[derive(Debug)]
struct Bound {
    literal: Value,
    number: Option<Scalar<'static>>,
    time: Option<Timestamp>,
}

impl Bound {
    fn new(literal: &Value) -> Self {
        let (number, time) = match literal {
            Value::Str(text) => (value::number(text), value::timestamp(text)),
            _ => (None, None),
        };
        Self { literal: literal.clone(), number, time }
    }

    fn compare(&self, value: Scalar<'_>) -> Option<Ordering> {
        match (value, self.number, self.time) {
            (Scalar::Int(_) | Scalar::Float(_), Some(number), _) => value::order(value, number),
            (Scalar::Time(value), _, Some(time)) => Some(value.cmp(&time)),
            _ => value::order(value, self.literal.scalar()?),
        }
    }
}

/// A value that many testers are asked about.
#[derive(Debug)]
pub(crate) struct Subject<'v, 'b> {
    value: Scalar<'v>,
    buffer: &'b mut String,
    folded: Folded,
}

#[derive(Debug, Clone, Copy)]
enum Folded {
    /// Nobody has asked.
    Unknown,
    /// The value is in lower case itself.
    Same,
    /// In the buffer.
    Copied,
}

impl<'v, 'b> Subject<'v, 'b> {
    /// `buffer` holds the value in lower case when that is needed; its content is replaced.
    pub(crate) fn new(value: Scalar<'v>, buffer: &'b mut String) -> Self {
        Self { value, buffer, folded: Folded::Unknown }
    }

    /// The value in lower case, `None` when it is not text.
    pub(crate) fn folded(&mut self) -> Option<&str> {
        let Scalar::Str(text) = self.value else {
            return None;
        };
        if let Folded::Unknown = self.folded {
            self.folded = if value::is_folded_ascii(text) {
                Folded::Same
            } else {
                self.buffer.clear();
                value::fold_into(text, self.buffer);
                Folded::Copied
            };
        }
        Some(if let Folded::Same = self.folded { text } else { self.buffer })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Str(text.into())
    }

    fn ip(text: &str) -> Value {
        Value::Ip(text.parse().unwrap())
    }

    fn like(patterns: &[&str], fold: bool) -> Test {
        let form = |p: &&str| if fold { value::fold(p).into() } else { (*p).into() };
        Test::Like { patterns: patterns.iter().map(form).collect(), fold }
    }

    fn regex(pattern: &str) -> Test {
        Test::Regex {
            pattern: format!("^(?s:{pattern})$").into(),
            written: Box::default(),
            fold: false,
        }
    }

    fn cidr(nets: &[&str]) -> Test {
        Test::Cidr(nets.iter().map(|net| crate::net::parse(net).unwrap()).collect())
    }

    /// Both ways to ask.
    fn passes(test: &Test, value: &Value) -> bool {
        let tester = Tester::new(test).unwrap();
        let scalar = value.scalar().unwrap();
        let found = tester.matches(scalar);
        let mut buffer = String::from("left over");
        assert_eq!(tester.passes(&mut Subject::new(scalar, &mut buffer)), found, "{test:?}");
        found
    }

    #[test]
    fn what_passes_each_test() {
        let many: Vec<Value> = (0..100).map(|i| text(&format!("name{i}"))).collect();
        let many_folded: Vec<Box<str>> = (0..100).map(|i| format!("name{i}").into()).collect();
        let order = |order, literal| Test::Compare(order, literal);
        let version = |order, version: &str| Test::Version(order, version.into());
        let cases = [
            (Test::Present, text(""), true),
            (Test::Missing, text(""), false),
            (Test::In(vec![text("a"), text("b")]), text("b"), true),
            (Test::In(vec![text("a")]), text("A"), false),
            // No wildcards outside `like`.
            (Test::In(vec![text("a*")]), text("ab"), false),
            (Test::InFold(vec!["test*".into()]), text("TEST1"), false),
            (Test::InFold(vec!["test*".into()]), text("TEST*"), true),
            (Test::InFold(vec!["äk".into()]), text("Ä\u{212a}"), true),
            (Test::InFold(vec!["5".into()]), Value::Int(5), false),
            (Test::In(many.clone()), text("name99"), true),
            (Test::In(many), text("name100"), false),
            (Test::InFold(many_folded.clone()), text("NAME99"), true),
            (Test::InFold(many_folded), text("NAME100"), false),
            (like(&["net.exe"], false), text("netXexe"), false),
            (like(&["net.exe"], false), text("NET.exe"), false),
            (like(&["NET.exe"], true), text("net.EXE"), true),
            (like(&["x", "*.sh"], false), text("a.sh"), true),
            (like(&["x", "*.sh", "*A*b*"], true), text("xBaXBx"), true),
            (like(&["*.sh", "*é*"], true), text("CAFÉ!"), true),
            (like(&["*"], false), Value::Int(1), false),
            (like(&["*"], true), Value::Int(1), false),
            (regex("ne[st]\\.exe|x"), text("net.exe"), true),
            (regex("ne[st]"), text("net.exe"), false),
            (regex(""), text(""), true),
            (regex("a.c"), text("a\nc"), true),
            (regex("5"), Value::Int(5), false),
            (order(Order::Less, Value::Int(5)), Value::Float(4.5), true),
            (order(Order::Less, Value::Int(5)), Value::Int(5), false),
            (order(Order::LessEqual, Value::Int(5)), Value::Int(5), true),
            (order(Order::Greater, Value::Float(4.5)), Value::Int(5), true),
            (order(Order::GreaterEqual, Value::Int(5)), Value::Int(4), false),
            // Numbers in text compare as numbers, whichever side the text is on.
            (order(Order::Less, Value::Int(10)), text("9"), true),
            (order(Order::Less, text("10")), Value::Int(9), true),
            (order(Order::Less, text("ten")), Value::Int(9), false),
            (order(Order::Less, Value::Int(10)), text("nine"), false),
            // Text by bytes: capital letters come first.
            (order(Order::GreaterEqual, text("System")), text("svchost"), true),
            (order(Order::GreaterEqual, text("System")), text("SVCHOST"), false),
            (order(Order::Less, text("10")), text("9"), false),
            (order(Order::Less, Value::Bool(true)), Value::Bool(false), false),
            (order(Order::GreaterEqual, Value::Bool(true)), Value::Bool(true), false),
            (order(Order::Greater, text("1970-01-01")), Value::Time(Timestamp(1)), true),
            (order(Order::Greater, Value::Int(1)), Value::Time(Timestamp(1_000_001)), true),
            (order(Order::Less, Value::Null), Value::Int(1), false),
            (version(Order::Greater, "1.5.0"), text("1.11.3"), true),
            (version(Order::Less, "1.5.0"), text("1.5.0-rc.1"), true),
            (version(Order::LessEqual, "1.5.0"), text("1.5.0"), true),
            (version(Order::Greater, "1.5.0"), Value::Int(9), false),
            (cidr(&["10.0.0.0/8", "::1"]), ip("10.1.2.3"), true),
            (cidr(&["10.0.0.0/8", "::1"]), ip("::ffff:10.1.2.3"), true),
            (cidr(&["10.0.0.0/8", "::1"]), ip("::1"), true),
            (cidr(&["10.0.0.0/8", "::1"]), ip("11.1.2.3"), false),
            (cidr(&["10.6.48.157/8"]), text("10.1.2.3"), true),
            (cidr(&["0.0.0.0/0"]), text("localhost"), false),
            (cidr(&["0.0.0.0/0"]), Value::Int(1), false),
        ];
        for (test, value, expected) in cases {
            assert_eq!(passes(&test, &value), expected, "{test:?} {value:?}");
        }
    }

    #[test]
    fn a_subject_is_folded_once_for_all_testers() {
        let testers: Vec<Tester> = [like(&["*AB*", "x"], true), like(&["*Ab"], true)]
            .iter()
            .map(|test| Tester::new(test).unwrap())
            .collect();
        let long = "AB".repeat(5000);
        let mut buffer = String::new();
        for value in ["AB", "ab", &long] {
            let mut subject = Subject::new(Scalar::Str(value), &mut buffer);
            assert!(testers.iter().all(|tester| tester.passes(&mut subject)), "{value}");
        }
    }

    #[test]
    fn regular_expressions_that_cannot_be_compiled_are_refused() {
        assert!(Tester::new(&regex("(")).is_err());
        let huge = Test::Regex {
            pattern: "(?:\\w{1000}){1000}".into(),
            written: Box::default(),
            fold: false,
        };
        assert_eq!(Tester::new(&huge).unwrap_err(), "the regular expression is too large");
    }

    proptest! {
        #[test]
        fn both_ways_to_ask_agree(patterns in prop::collection::vec("[abBkÄ*?]{0,5}", 1..4),
            value in "[abABkÄä\u{212a}]{0,8}", fold: bool)
        {
            let test = like(&patterns.iter().map(String::as_str).collect::<Vec<_>>(), fold);
            let expected = patterns.iter().any(|p| Pattern::new(p, fold).matches(&value));
            prop_assert_eq!(passes(&test, &text(&value)), expected);
            let folded = patterns.iter().map(|p| value::fold(p).into()).collect();
            let expected = patterns.iter().any(|p| value::equal_folded(p, &value));
            prop_assert_eq!(passes(&Test::InFold(folded), &text(&value)), expected);
        }

        #[test]
        fn any_literal_and_any_value_compare_as_the_ground_floor_says(a: i64, b: f64, c: String) {
            let values = [Value::Int(a), Value::Float(b), text(&c), text(&a.to_string())];
            for (value, literal) in values.iter().flat_map(|v| values.iter().map(move |l| (v, l))) {
                let found = value::order(value.scalar().unwrap(), literal.scalar().unwrap());
                for order in [Order::Less, Order::LessEqual, Order::Greater, Order::GreaterEqual] {
                    let expected = found.is_some_and(|found| stands(found, order));
                    prop_assert_eq!(passes(&Test::Compare(order, literal.clone()), value), expected);
                }
            }
        }
    }
}
