//! Random rules over random small streams: the engine finds what the plain matcher in
//! `tests/matcher` finds, whatever the engine is put through on the way.
//!
//! Streams are small and dense (few stages, keys and instants), because that is where partials meet.
//! What a failure shrinks to becomes a grid in `corpus/sequences`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is wrong"
)]

mod matcher;

use catena::engine::Limits;
use catena::plan::RuleIx;
use catena::rule::{Rule, RuleOptions};
use catena::time::{Duration, Ordinal, Timestamp};
use catena::value::Value;
use matcher::drive::{Driven, of_rule, rule};
use matcher::{Found, Happening, find};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Times of streams are multiples of this, and so are maxspans.
const TICK: Duration = Duration::from_millis(500);

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(2000))]

    /// Same matches, same keys, same order, certain at the same time.
    #[test]
    fn the_engine_agrees_with_the_oracle((query, options) in any_rule(), events in stream(14)) {
        let rule = rule(&query, options);
        let expected = find(&rule.query, &rule.options, &events);
        let found = Driven::unlimited(vec![rule]).run(&events);
        prop_assert_eq!(of_rule(&found, 0), expected, "{}", query);
    }
}

proptest! {
    #![proptest_config(config(500))]

    /// Being told the time, and how often, changes nothing.
    #[test]
    fn telling_the_time_changes_nothing(
        rules in rules(),
        events in stream(20),
        steps in vec(0..=4_i64, 20),
    ) {
        let rules = load(&rules);
        let expected = Driven::unlimited(rules.clone()).run(&events);
        let mut driven = Driven::unlimited(rules);
        for (number, event) in events.iter().enumerate() {
            driven.advance(event.ordinal.time);
            driven.push(event);
            let next = events.get(number + 1).map_or(Timestamp::MAX, |next| next.ordinal.time);
            let step = Duration(TICK.0 / 4 * steps[number]);
            driven.advance(event.ordinal.time.plus(step).min(next));
        }
        driven.advance(Timestamp::MAX);
        driven.finish();
        prop_assert_eq!(driven.found, expected);
    }

    /// A rule finds beside others what it finds alone.
    #[test]
    fn rules_do_not_see_each_other(rules in rules(), events in stream(20)) {
        let rules = load(&rules);
        let together = Driven::unlimited(rules.clone()).run(&events);
        for (number, rule) in rules.into_iter().enumerate() {
            let text = rule.text.clone();
            let alone = Driven::unlimited(vec![rule]).run(&events);
            prop_assert_eq!(of_rule(&together, number), of_rule(&alone, 0), "{}", text);
        }
    }

    /// Any order of arrival within the lateness gives the same matches in the same order.
    #[test]
    fn arrival_within_the_lateness_changes_nothing(
        rules in rules(),
        events in stream(20),
        delays in vec(0..=6_i64, 20),
    ) {
        let rules = load(&rules);
        let expected = Driven::unlimited(rules.clone()).run(&events);
        let delayed = |event: &Happening| {
            let number = usize::try_from(event.ordinal.arrival).unwrap();
            event.ordinal.time.plus(Duration(TICK.0 * delays[number]))
        };
        let mut arrivals = events.clone();
        arrivals.sort_by_key(delayed);
        let lateness = Duration(TICK.0 * 6);
        let found = Driven::unlimited(rules).run_reordered(&arrivals, lateness);
        prop_assert_eq!(found, expected);
    }

    /// Under memory pressure partials are given up, and that is counted; nothing else goes wrong.
    #[test]
    fn little_memory_loses_matches_and_says_so(
        rules in rules(),
        events in stream(60),
        total_bytes in 0..6000_usize,
        rule_bytes in 0..3000_usize,
    ) {
        let rules = load(&rules);
        let limits = Limits { total_bytes, rule_bytes };
        let mut driven = Driven::new(rules.clone(), limits);
        for event in &events {
            driven.push(event);
            let held = driven.engine.state_bytes();
            prop_assert!(held <= total_bytes, "{held} bytes are held, {total_bytes} allowed");
        }
        driven.finish();
        let (bytes, keys) = (driven.engine.state_bytes(), driven.engine.state_keys());
        prop_assert_eq!(bytes == 0, keys == 0, "{} bytes, {} keys", bytes, keys);
        if rules.iter().all(ends_in_time) {
            prop_assert_eq!(keys, 0, "nothing outlives its time");
        }
        let all = Driven::unlimited(rules.clone()).run(&events);
        let mut evicted = 0;
        for (number, rule) in rules.iter().enumerate() {
            let (some, all) = (of_rule(&driven.found, number), of_rule(&all, number));
            let counted = driven.engine.rule_stats(rule_ix(number)).unwrap().evicted;
            evicted += counted;
            prop_assert!(counted > 0 || some == all, "{} loses in silence", rule.text);
            if is_pure_sequence(&rule.text) {
                // What remains ends where a match of the full run ends. It need not be the same chain:
                // an older partial is not replaced by one that was given up.
                let two_stages = all.iter().all(|found| found.events.len() <= 2);
                for found in &some {
                    let fits = |full: &Found| {
                        full.keys == found.keys && full.events.last() == found.events.last()
                    };
                    prop_assert!(all.iter().any(fits), "{}: {found:?}", rule.text);
                    prop_assert!(!two_stages || all.contains(found), "{}: {found:?}", rule.text);
                }
            }
        }
        prop_assert_eq!(driven.engine.stats().evicted, evicted);
    }
}

fn rule_ix(number: usize) -> RuleIx {
    RuleIx(u32::try_from(number).unwrap())
}

/// Whether time alone ends everything the rule may hold.
fn ends_in_time(rule: &Rule) -> bool {
    rule.options.window.is_some() || rule.text.contains("maxspan") || rule.text.starts_with("any")
}

/// No missing items, which say more where less is seen, and no pipes, which count matches.
fn is_pure_sequence(query: &str) -> bool {
    query.starts_with("sequence") && !query.contains('!') && !query.contains('|')
}

// ---------------------------------------------------------------- random streams

/// Events in order; their times advance by 0 to 3 ticks.
fn stream(events: usize) -> impl Strategy<Value = Vec<Happening>> {
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

// ---------------------------------------------------------------- random rules

fn rules() -> impl Strategy<Value = Vec<(String, RuleOptions)>> {
    vec(any_rule(), 1..=4)
}

fn load(rules: &[(String, RuleOptions)]) -> Vec<Rule> {
    rules.iter().map(|(query, options)| rule(query, options.clone())).collect()
}

fn any_rule() -> impl Strategy<Value = (String, RuleOptions)> {
    let query = prop_oneof![1 => event_query(), 7 => sequence(), 3 => sample()];
    let window = option::weighted(0.3, 1..=8_i64);
    (query, pipes(), window, 0..=3_usize).prop_map(|(query, pipes, window, samples_per_key)| {
        let window = window.map(|ticks| Duration(TICK.0 * ticks));
        (query + &pipes, RuleOptions { window, samples_per_key, samples_at_end: false })
    })
}

fn pipes() -> impl Strategy<Value = String> {
    let pipe = ("head|tail", 0..=4_u32).prop_map(|(pipe, n)| format!(" | {pipe} {n}"));
    prop_oneof![4 => Just(String::new()), 1 => vec(pipe, 1..=2).prop_map(|pipes| pipes.concat())]
}

fn condition() -> impl Strategy<Value = &'static str> {
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

fn sequence() -> impl Strategy<Value = String> {
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

fn sample() -> impl Strategy<Value = String> {
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
