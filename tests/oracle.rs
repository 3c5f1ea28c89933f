//! Random rules over random small streams: the engine finds what the plain matcher in
//! `tests/matcher` finds, whatever the engine is put through on the way.
//!
//! What a failure shrinks to becomes a grid in `corpus/sequences`. A million pairs of rule and stream:
//!
//!     CATENA_CASES=100 cargo test --release --test oracle

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
use catena::rule::Rule;
use catena::time::{Duration, Timestamp};
use matcher::drive::{Driven, Parts, in_any_order, of_rule, rule};
use matcher::random::{TICK, any_rule, config, load, rules, stream};
use matcher::{Happening, find};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

proptest! {
    #![proptest_config(config(10_000))]

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

    /// A state that is written, split, put together and read anywhere on the way changes nothing, also
    /// when memory is short and whatever comes late.
    #[test]
    fn restarts_change_nothing(
        rules in rules(),
        mut events in stream(40),
        late in vec((0..40_usize, 0..40_usize), 0..=3),
        total_bytes in prop_oneof![Just(usize::MAX), 0..6000_usize],
        rule_bytes in prop_oneof![Just(usize::MAX), 0..3000_usize],
        host_bytes in prop_oneof![Just(usize::MAX), 0..9000_usize],
        restarts in vec(option::weighted(0.3, 1..=9_u32), 41),
    ) {
        for (from, to) in late {
            if from.max(to) < events.len() {
                events.swap(from, to);
            }
        }
        let rules = load(&rules);
        let limits = Limits { total_bytes, rule_bytes, host_bytes };
        let expected = Driven::new(rules.clone(), limits).run(&events);
        let found = Driven::new(rules, limits).run_restarted(&events, |number| restarts[number]);
        prop_assert_eq!(found, expected);
    }

    /// Engines that each have a part of the keys find together what one finds, and know what it knows;
    /// they may become more or fewer at any time.
    #[test]
    fn parts_find_what_the_whole_finds(
        rules in rules(),
        mut events in stream(30),
        late in vec((0..30_usize, 0..30_usize), 0..=3),
        counts in vec(option::weighted(0.2, 1..=9_u32), 30),
    ) {
        for (from, to) in late {
            if from.max(to) < events.len() {
                events.swap(from, to);
            }
        }
        let rules = load(&rules);
        let mut whole = Driven::unlimited(rules.clone());
        let mut parts = Parts::new(rules, 3);
        for (event, count) in events.iter().zip(counts) {
            if let Some(count) = count {
                parts.become_parts(count);
            }
            whole.push(event);
            parts.push(event);
            prop_assert_eq!(whole.engine.export().encode(), parts.export().encode());
            prop_assert_eq!(in_any_order(&parts.found), in_any_order(&whole.found));
        }
        whole.finish();
        parts.finish();
        prop_assert_eq!(in_any_order(&parts.found), in_any_order(&whole.found));
    }

    /// Under memory pressure partials are given up, and that is counted; nothing else goes wrong.
    #[test]
    fn little_memory_loses_matches_and_says_so(
        rules in rules(),
        events in stream(60),
        total_bytes in 0..6000_usize,
        rule_bytes in 0..3000_usize,
        host_bytes in 0..9000_usize,
    ) {
        let rules = load(&rules);
        let limits = Limits { total_bytes, rule_bytes, host_bytes };
        let mut driven = Driven::new(rules.clone(), limits);
        for event in &events {
            driven.push(event);
            let held = driven.engine.state_bytes();
            prop_assert!(held <= total_bytes, "{held} bytes are held, {total_bytes} allowed");
            // All events of a test are from the one host 0, which pays for everything but the keys.
            let of_host = driven.engine.host_bytes(0);
            prop_assert!(of_host <= held, "{of_host} bytes of {held}");
            prop_assert!(of_host <= host_bytes, "{of_host} bytes are held, {host_bytes} allowed");
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
            let stats = driven.engine.rule_stats(rule_ix(number)).unwrap();
            let counted = stats.evicted;
            evicted += counted;
            let causes = stats.given_up.iter().map(|stage| stage.total + stage.rule + stage.host);
            prop_assert_eq!(causes.sum::<u64>(), counted);
            prop_assert!(counted > 0 || some == all, "{} loses in silence", rule.text);
            if is_pure_sequence(&rule.text) {
                // The very same chains, in the same order: what was given up still replaces what it
                // would have replaced.
                let mut rest = all.iter();
                for found in &some {
                    prop_assert!(rest.any(|full| full == found), "{}: {found:?}", rule.text);
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
