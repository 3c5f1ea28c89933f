//! Random rules and random small streams, dense in few stages, keys and instants, because that is where
//! partials meet.

use catena::rule::{Rule, RuleOptions};
use catena::time::{Duration, Ordinal, Timestamp};
use catena::value::Value;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::Happening;
use super::drive::rule;

/// Times of streams are multiples of this, and so are maxspans.
pub(crate) const TICK: Duration = Duration::from_millis(500);

/// So many cases, or as many more as `CATENA_CASES` says: a number of times.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let times = std::env::var("CATENA_CASES").ok().and_then(|times| times.parse().ok());
    let cases = cases.saturating_mul(times.unwrap_or(1));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Events in order; their times advance by 0 to 3 ticks.
pub(crate) fn stream(events: usize) -> impl Strategy<Value = Vec<Happening>> {
    let stages = proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..=2);
    let event = (prop_oneof![3 => Just(0_i64), 3 => Just(1), 1 => Just(3)], stages, key(), key());
    vec(event, 0..=events).prop_map(|events| {
        let mut time = Timestamp(0);
        let happening = |(number, (step, stages, k, j)): (u64, (i64, Vec<&str>, _, _))| {
            time = time.plus(Duration(TICK.0 * step));
            let texts =
                |texts: Vec<&str>| texts.into_iter().map(|t| Value::Str(t.into())).collect();
            let fields = [("s", stages), ("k", k), ("j", j)];
            Happening {
                ordinal: Ordinal::new(time, Some(number), number),
                fields: fields.map(|(name, values)| (name.to_owned(), texts(values))).to_vec(),
            }
        };
        (0..).zip(events).map(happening).collect()
    })
}

/// Values of a key field: mostly one of two, sometimes both or none.
fn key() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        6 => Just(vec!["red"]),
        6 => Just(vec!["blue"]),
        1 => Just(vec![]),
        1 => Just(vec!["blue", "red"]),
    ]
}

pub(crate) fn rules() -> impl Strategy<Value = Vec<(String, RuleOptions)>> {
    vec(any_rule(), 1..=4)
}

pub(crate) fn load(rules: &[(String, RuleOptions)]) -> Vec<Rule> {
    rules.iter().map(|(query, options)| rule(query, options.clone())).collect()
}

pub(crate) fn any_rule() -> impl Strategy<Value = (String, RuleOptions)> {
    let query = prop_oneof![1 => event_query(), 7 => sequence(), 3 => sample()];
    let window = option::weighted(0.3, 1..=8_i64);
    (query, pipes(), window, 0..=3_usize).prop_map(|(query, pipes, window, samples_per_key)| {
        let window = window.map(|ticks| Duration(TICK.0 * ticks));
        (query + &pipes, RuleOptions { window, samples_per_key, samples_at_end: false })
    })
}

pub(crate) fn pipes() -> impl Strategy<Value = String> {
    let pipe = ("head|tail", 0..=4_u32).prop_map(|(pipe, n)| format!(" | {pipe} {n}"));
    prop_oneof![4 => Just(String::new()), 1 => vec(pipe, 1..=2).prop_map(|pipes| pipes.concat())]
}

pub(crate) fn condition() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just(r#"s == "a""#),
        4 => Just(r#"s == "b""#),
        2 => Just(r#"s == "c""#),
        1 => Just(r#"s == "d""#),
        1 => Just(r#"s in ("a", "b")"#),
        1 => Just(r#"s != "c""#),
        1 => Just(r#"s == null"#),
        1 => Just(r#"s == "a" and k == "red""#),
        1 => Just("true"),
    ]
}

fn event_query() -> impl Strategy<Value = String> {
    condition().prop_map(|condition| format!("any where {condition}"))
}

/// `by` of all items, and how many fields each item adds.
fn common_key() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just(""), 6 => Just("by k"), 2 => Just("by ?k"), 1 => Just("by k, ?j")]
}

fn own_key() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("by k"), Just("by j"), Just("by ?j"), Just("by ?k")]
}

#[derive(Debug, Clone)]
struct Bracket {
    missing: bool,
    condition: &'static str,
    own: &'static str,
    runs: u32,
}

fn bracket() -> impl Strategy<Value = Bracket> {
    let missing = prop::bool::weighted(0.3);
    let runs = prop_oneof![5 => Just(1_u32), 1 => Just(2), 1 => Just(3)];
    (missing, condition(), own_key(), runs).prop_map(|(missing, condition, own, runs)| Bracket {
        missing,
        condition,
        own,
        runs,
    })
}

pub(crate) fn sequence() -> impl Strategy<Value = String> {
    let parts = (
        common_key(),
        prop::bool::weighted(0.3),
        option::weighted(0.6, 1..=8_i64),
        vec(bracket(), 1..=4),
        option::weighted(0.3, (condition(), own_key())),
    );
    parts.prop_map(|(common, own, maxspan, mut items, until)| {
        if items.iter().all(|item| item.missing) {
            items[0].missing = false;
        }
        if items.iter().map(|item| item.runs).sum::<u32>() < 2 {
            items[0].runs = 2;
        }
        let mut query = format!("sequence {common}");
        let has_missing = items.iter().any(|item| item.missing);
        if let Some(ticks) = maxspan.or(has_missing.then_some(4)) {
            query += &format!(" with maxspan={}ms", ticks * TICK.0 / 1_000_000);
        }
        for Bracket { missing, condition, own: key, runs } in items {
            let sign = if missing { "!" } else { "" };
            let key = if own { key } else { "" };
            query += &format!(" {sign}[any where {condition}] {key}");
            if runs > 1 {
                query += &format!(" with runs={runs}");
            }
        }
        if let Some((condition, key)) = until {
            query += &format!(" until [any where {condition}] {}", if own { key } else { "" });
        }
        query
    })
}

pub(crate) fn sample() -> impl Strategy<Value = String> {
    let own = prop::bool::weighted(0.3);
    let parts = (common_key(), own, vec((condition(), own_key()), 1..=3));
    parts.prop_map(|(common, own, items)| {
        let own = own || common.is_empty();
        let item = |(condition, key): (&str, &str)| {
            format!(" [any where {condition}] {}", if own { key } else { "" })
        };
        format!("sample {common}{}", items.into_iter().map(item).collect::<String>())
    })
}
