//! Changes to a log that must change what is found in a known way, or not at all.
//!
//! Unlike the oracle these laws need no second implementation: each compares the engine with itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is wrong"
)]

mod matcher;

use catena::rule::Rule;
use catena::time::{Duration, Ordinal, Timestamp};
use catena::value::Value;
use matcher::drive::Driven;
use matcher::random::{config, load, rules, stream};
use matcher::{Found, Happening};
use proptest::collection::vec;
use proptest::prelude::*;

/// Numbers of inserted events begin here.
const INSERTED: u64 = 1_000;

fn found(rules: &[Rule], events: &[Happening]) -> Vec<(usize, Found)> {
    Driven::unlimited(rules.to_vec()).run(events)
}

/// Texts of the join fields, changed.
fn renamed(event: &Happening, name: impl Fn(&str) -> String) -> Happening {
    let mut event = event.clone();
    for (field, values) in &mut event.fields {
        if *field != "s" {
            for value in values {
                *value = renamed_value(value, &name);
            }
        }
    }
    event
}

fn renamed_value(value: &Value, name: impl Fn(&str) -> String) -> Value {
    match value {
        Value::Str(text) => Value::Str(name(text).into()),
        other => other.clone(),
    }
}

/// Events that satisfy no condition of `query`: it names the stages it wants.
fn is_selective(query: &str) -> bool {
    !["!=", "null", "true"].iter().any(|word| query.contains(word))
}

/// No condition looks at a join field.
fn reads_no_key(query: &str) -> bool {
    !query.contains("k == ")
}

/// Every item has a key that must be there, and results are not counted.
fn is_keyed(query: &str) -> bool {
    let keyed = ["sequence by k", "sample by k"].iter().any(|start| query.starts_with(start));
    keyed && !query.contains('?') && !query.contains('|')
}

proptest! {
    #![proptest_config(config(500))]

    /// Rules that run side by side, more of them than an entry of a table has bits, find what each finds
    /// alone: those with the same `by` share entries, and must not notice.
    #[test]
    fn rules_do_not_notice_each_other(rules in rules(), events in stream(20)) {
        let rules = load(&rules);
        let many: Vec<Rule> = rules.iter().cycle().take(70.max(rules.len())).cloned().collect();
        let together = found(&many, &events);
        for (number, rule) in many.iter().enumerate() {
            let of_rule = together.iter().filter(|(of, _)| *of == number).map(|(_, found)| found);
            let alone = found(std::slice::from_ref(rule), &events);
            prop_assert!(of_rule.eq(alone.iter().map(|(_, found)| found)), "rule {}", number);
        }
    }

    /// Events that satisfy no stage change nothing, wherever they stand and whatever their key.
    #[test]
    fn unrelated_events_change_nothing(
        rules in rules(),
        events in stream(20),
        inserted in vec((any::<prop::sample::Index>(), prop::sample::select(vec!["red", "blue"])), 0..20),
    ) {
        let rules: Vec<_> = rules.into_iter().filter(|(query, _)| is_selective(query)).collect();
        let rules = load(&rules);
        let expected = found(&rules, &events);
        let mut more = events.clone();
        more.extend((INSERTED..).zip(inserted).map(|(number, (place, key))| {
            let place = place.index(events.len() + 1);
            let before = place.checked_sub(1).map(|before| events[before].ordinal);
            let before = before.unwrap_or(Ordinal::new(Timestamp(0), Some(0), 0));
            let text = |text: &str| vec![Value::Str(text.into())];
            Happening {
                ordinal: Ordinal { arrival: number, ..before },
                fields: vec![("s".to_owned(), text("z")), ("k".to_owned(), text(key))],
            }
        }));
        more.sort_by_key(|event| event.ordinal);
        prop_assert_eq!(found(&rules, &more), expected);
    }

    /// What happens later happens in the same way: times move, and nothing else.
    #[test]
    fn a_shift_in_time_shifts_what_is_found(
        rules in rules(),
        events in stream(20),
        seconds in 1..2_000_000_000_i64,
    ) {
        let rules = load(&rules);
        let by = Duration(seconds * 1_000_000_000);
        let shift = |time: Timestamp| if time == Timestamp::MAX { time } else { time.plus(by) };
        let mut expected = found(&rules, &events);
        expected.iter_mut().for_each(|(_, found)| found.decided = shift(found.decided));
        let mut later = events.clone();
        later.iter_mut().for_each(|event| event.ordinal.time = shift(event.ordinal.time));
        prop_assert_eq!(found(&rules, &later), expected);
    }

    /// Other names for hosts and processes give the same matches under the other names.
    #[test]
    fn names_do_not_matter(rules in rules(), events in stream(20)) {
        let rules: Vec<_> = rules.into_iter().filter(|(query, _)| reads_no_key(query)).collect();
        let rules = load(&rules);
        let name = |text: &str| format!("host-{text}");
        let mut expected = found(&rules, &events);
        for (_, found) in &mut expected {
            for key in &mut found.keys {
                *key = renamed_value(key, name);
            }
        }
        let others: Vec<_> = events.iter().map(|event| renamed(event, name)).collect();
        prop_assert_eq!(found(&rules, &others), expected);
    }

    /// Two logs without a common key, read as one, give what each gives alone.
    #[test]
    fn logs_that_share_no_key_do_not_meet(
        rules in rules(),
        one in stream(15),
        other in stream(15),
    ) {
        let fits = |query: &str| is_keyed(query) && reads_no_key(query);
        let rules: Vec<_> = rules.into_iter().filter(|(query, _)| fits(query)).collect();
        let rules = load(&rules);
        let mut both: Vec<Happening> = one.clone();
        both.extend(other.iter().map(|event| {
            let mut event = renamed(event, |text| format!("other-{text}"));
            event.ordinal.arrival += INSERTED;
            event
        }));
        both.sort_by_key(|event| event.ordinal);
        let of = |all: &[(usize, Found)], wanted: bool| -> Vec<(usize, Found)> {
            let is_other = |found: &Found| {
                let numbers = found.events.iter().flatten();
                numbers.map(|number| *number >= INSERTED).next().unwrap()
            };
            all.iter().filter(|(_, found)| is_other(found) == wanted).cloned().collect()
        };
        let together = found(&rules, &both);
        prop_assert_eq!(of(&together, false), found(&rules, &one));
        let mut alone = found(&rules, &other);
        for (_, found) in &mut alone {
            found.keys.iter_mut().for_each(|k| *k = renamed_value(k, |t| format!("other-{t}")));
            found.events.iter_mut().flatten().for_each(|number| *number += INSERTED);
        }
        prop_assert_eq!(of(&together, true), alone);
    }
}
