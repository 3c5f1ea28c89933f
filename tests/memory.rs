//! What an engine holds does not grow while nothing new is known, and stays within its limits under a
//! flood.

#![allow(clippy::indexing_slicing, reason = "a test stops where something is wrong")]

mod matcher;

use catena::engine::Limits;
use catena::plan::RuleIx;
use catena::rule::RuleOptions;
use catena::time::{Duration, Ordinal, Timestamp};
use catena::value::Value;
use matcher::Happening;
use matcher::drive::{Driven, rule};

fn driven(query: &str) -> Driven {
    Driven::unlimited(vec![rule(query, RuleOptions::default())])
}

/// Event number `number` of stage `s` and key `k`, at a time.
fn event(number: u64, millis: i64, s: &str, k: &str) -> Happening {
    let ordinal = Ordinal::new(Timestamp::from_millis(millis), Some(number), number);
    let field = |name: &str, text: &str| (name.to_owned(), vec![Value::Str(text.into())]);
    Happening { ordinal, fields: vec![field("s", s), field("k", k)] }
}

/// Pushes `events` and gives the bytes held after the first `early` and after all of them.
fn early_and_last(driven: &mut Driven, early: usize, events: &[Happening]) -> (usize, usize) {
    let (first, rest) = events.split_at(early);
    first.iter().for_each(|event| driven.push(event));
    let bytes = driven.engine.state_bytes();
    rest.iter().for_each(|event| driven.push(event));
    (bytes, driven.engine.state_bytes())
}

#[test]
fn replacing_holds_no_more() {
    let mut driven = driven(r#"sequence by k [any where s == "a"] [any where s == "b"]"#);
    let starts: Vec<_> = (0..1000).map(|n| event(n, 0, "a", "red")).collect();
    let (early, last) = early_and_last(&mut driven, 10, &starts);
    assert!(early > 0);
    assert_eq!(early, last);
}

#[test]
fn late_starts_that_are_not_wanted_hold_no_more() {
    let mut driven = driven(r#"sequence by k [any where s == "a"] [any where s == "b"]"#);
    driven.push(&event(0, 5000, "a", "red"));
    let late: Vec<_> = (1..1000).map(|n| event(n, 1000, "a", "red")).collect();
    let (early, last) = early_and_last(&mut driven, 1, &late);
    assert_eq!(early, last);
}

#[test]
fn a_run_holds_its_window_and_each_event_of_it_once() {
    let mut run = driven(r#"sequence by k [any where s == "a"] with runs=50"#);
    let events: Vec<_> = (0..2000).map(|n| event(n, 0, "a", "red")).collect();
    let (early, last) = early_and_last(&mut run, 500, &events);
    assert_eq!(early, last);
    let mut one = driven(r#"sequence by k [any where s == "a"] [any where s == "b"]"#);
    one.push(&events[0]);
    assert!(last < 100 * one.engine.state_bytes(), "{last} bytes for 49 events");
}

#[test]
fn keys_that_come_and_go_hold_nothing() {
    let mut driven =
        driven(r#"sequence by k with maxspan=1d [any where s == "a"] [any where s == "b"]"#);
    for n in 0..1000 {
        let key = format!("{}", n % 7);
        driven.push(&event(2 * n, 0, "a", &key));
        assert!(driven.engine.state_bytes() > 0);
        driven.push(&event(2 * n + 1, 0, "b", &key));
        assert_eq!((driven.engine.state_bytes(), driven.engine.state_keys()), (0, 0));
    }
    assert_eq!(driven.found.len(), 1000);
}

/// A flood of starts under new keys pushes out starts, never what has got further.
#[test]
fn a_flood_of_starts_leaves_deeper_partials_alone() {
    let query = r#"sequence by k with maxspan=1h
        [any where s == "a"] [any where s == "b"] [any where s == "c"]"#;
    let limits = Limits { total_bytes: 100_000, ..Limits::NONE };
    let mut driven = Driven::new(vec![rule(query, RuleOptions::default())], limits);
    driven.push(&event(0, 0, "a", "deep"));
    driven.push(&event(1, 0, "b", "deep"));
    for n in 2..10_000 {
        driven.push(&event(n, 1000, "a", &format!("flood {n}")));
        assert!(driven.engine.state_bytes() <= limits.total_bytes);
    }
    driven.push(&event(10_000, 2000, "c", "deep"));
    assert_eq!(driven.found.len(), 1);
    let evicted = driven.engine.rule_stats(RuleIx(0)).unwrap().evicted;
    assert_eq!(driven.engine.stats().evicted, evicted);
    let left = u64::try_from(driven.engine.state_keys()).unwrap();
    assert_eq!(evicted + left, 9998, "every start is there or counted");
}

/// Keys of samples that were reported are given up last, so that they are not reported again.
#[test]
fn a_flood_of_pending_samples_leaves_reported_keys_alone() {
    let query = r#"sample by k [any where s == "a"] [any where s == "b"]"#;
    let limits = Limits { total_bytes: 100_000, ..Limits::NONE };
    let mut driven = Driven::new(vec![rule(query, RuleOptions::default())], limits);
    driven.push(&event(0, 0, "a", "known"));
    driven.push(&event(1, 0, "b", "known"));
    for n in 2..10_000 {
        driven.push(&event(n, 1000, "a", &format!("flood {n}")));
    }
    driven.push(&event(10_000, 2000, "a", "known"));
    driven.push(&event(10_001, 2000, "b", "known"));
    assert_eq!(driven.found.len(), 1);
    assert!(driven.engine.stats().evicted > 0);
}

/// What is known of leading missing items is memory like any other.
#[test]
fn a_flood_of_leading_missing_items_stays_within_the_limit() {
    let query = r#"sequence by k with maxspan=1h
        ![any where s == "x"] [any where s == "a"] [any where s == "b"]"#;
    let limits = Limits { rule_bytes: 100_000, ..Limits::NONE };
    let mut driven = Driven::new(vec![rule(query, RuleOptions::default())], limits);
    for n in 0..10_000 {
        driven.push(&event(n, 1000, "x", &format!("flood {n}")));
        assert!(driven.engine.state_bytes() <= limits.rule_bytes);
    }
    assert!(driven.engine.stats().evicted > 0);
}

/// Giving up what is known of a leading missing item may free nothing; then partials follow.
#[test]
fn what_frees_nothing_is_not_the_end_of_giving_up() {
    let query = r#"sequence with maxspan=2s
        ![any where s == "a"] [any where s == "b"] [any where s == "a"]"#;
    let limits = Limits { total_bytes: 490, rule_bytes: 536, ..Limits::NONE };
    let mut driven = Driven::new(vec![rule(query, RuleOptions::default())], limits);
    let mut both = event(0, 0, "a", "red");
    both.fields[0].1.push(Value::Str("b".into()));
    driven.push(&both);
    assert!(driven.engine.state_bytes() <= limits.total_bytes);
}

#[test]
fn time_gives_everything_back() {
    let query = r#"sequence by k with maxspan=10s
        ![any where s == "x"] [any where s == "a"] [any where s == "b"] ![any where s == "y"]"#;
    let mut driven = driven(query);
    for (n, s) in (0..).zip(["x", "a", "b", "a", "x"].into_iter().cycle().take(500)) {
        driven.push(&event(n, 100, s, &format!("{}", n % 50)));
    }
    assert!(driven.engine.state_keys() > 0);
    driven.advance(Timestamp::from_millis(100).plus(Duration::from_secs(10)));
    assert!(driven.engine.state_keys() > 0, "the span is inclusive");
    driven.advance(Timestamp::from_millis(10_101));
    assert_eq!((driven.engine.state_bytes(), driven.engine.state_keys()), (0, 0));
}
