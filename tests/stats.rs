//! `--stats`: what a run cost, by phase and by rule. Times are never compared, only what must hold of
//! any times.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

const ATTACKS: &str = "corpus/auditd/attacks.log.gz";

fn catena(arguments: &[&str]) -> Output {
    Command::cargo_bin("catena").unwrap().args(arguments).output().unwrap()
}

/// What a run of the built-in rules, or of a query, says it cost.
fn stats(arguments: &[&str]) -> Value {
    let output = catena(arguments);
    assert!(output.status.success());
    serde_json::from_slice(&output.stderr).unwrap()
}

fn number(stats: &Value, pointer: &str) -> f64 {
    stats.pointer(pointer).and_then(Value::as_f64).unwrap()
}

#[test]
fn the_object_is_as_the_schema_says() {
    let schema = std::fs::read_to_string("docs/stats.schema.json").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let runs = [
        vec!["replay", "-q", "--stats=json", ATTACKS],
        vec!["query", "-q", "--stats=json", "process where process.pid == -1", ATTACKS],
    ];
    for arguments in runs {
        let stats = stats(&arguments);
        let problems: Vec<String> =
            schema.iter_errors(&stats).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn phases_and_rest_are_the_whole_and_all_of_it_is_something() {
    let stats = stats(&["replay", "-q", "--stats=json", ATTACKS]);
    let phases = stats.pointer("/phases").unwrap().as_array().unwrap();
    let sum: f64 = phases.iter().map(|phase| number(phase, "/seconds")).sum();
    assert!((sum / number(&stats, "/seconds") - 1.0).abs() < 0.001, "{stats}");
    for name in ["read", "gather", "fields", "predicates", "alerts"] {
        let phase = phases.iter().find(|phase| phase.get("phase").unwrap() == name).unwrap();
        assert!(number(phase, "/seconds") > 0.0, "{phase}");
    }
    let events = number(&stats, "/events");
    assert_eq!(number(&stats, "/sampled_events"), (events / 17.0).ceil());
}

#[test]
fn rules_that_found_something_are_told_with_what_they_did() {
    let stats = stats(&["replay", "-q", "--stats=json", ATTACKS]);
    let rules = stats.pointer("/rules").unwrap().as_array().unwrap();
    let found = String::from_utf8(catena(&["replay", "-q", ATTACKS]).stdout).unwrap();
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!found.is_empty() && !rules.is_empty() && rules.len() <= 10);
    for rule in rules {
        let its = found.iter().filter(|alert| alert.pointer("/rule/id") == rule.get("id"));
        assert_eq!(number(rule, "/alerts"), its.count() as f64, "{rule}");
    }
    assert!(rules.iter().all(|rule| number(rule, "/steps") > 0.0), "{rules:?}");
}

#[test]
fn a_query_is_the_one_rule_that_is_told() {
    let query = "process where event.action == \"executed\"";
    let stats = stats(&["query", "-q", "--stats=json", "--format", "none", query, ATTACKS]);
    let found = catena(&["query", "-q", query, ATTACKS]).stdout;
    let found = found.iter().filter(|byte| **byte == b'\n').count() as f64;
    let rules = stats.pointer("/rules").unwrap().as_array().unwrap();
    assert!(found > 0.0 && rules.len() == 1);
    assert_eq!(number(&stats, "/rules/0/alerts"), found);
    assert_eq!(number(&stats, "/rules/0/steps"), found);
}

#[test]
fn events_that_no_rule_can_use_are_counted() {
    let stats =
        stats(&["query", "-q", "--stats=json", "network where destination.port == 9", ATTACKS]);
    assert!(number(&stats, "/skipped/share") > 0.5, "{stats}");
    assert_eq!(number(&stats, "/skipped/of"), number(&stats, "/events"));
}

#[test]
fn alerts_are_the_same_with_and_without_it() {
    let plain = catena(&["replay", "-q", ATTACKS]);
    let measured = catena(&["replay", "-q", "--stats", ATTACKS]);
    assert!(!plain.stdout.is_empty() && plain.stderr.is_empty());
    assert_eq!(plain.stdout, measured.stdout);
    let text = String::from_utf8(measured.stderr).unwrap();
    for word in ["read", "gather", "predicates", "machines", "events that no rule can use"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn several_threads_and_files_of_queries_are_refused() {
    for arguments in [
        &["replay", "--stats", "--jobs", "2", ATTACKS][..],
        &["query", "--stats", "--events", "e.ndjson", "--query-file", "q.eql"],
    ] {
        let refused = catena(arguments);
        assert_eq!(refused.status.code(), Some(3), "{refused:?}");
        assert!(String::from_utf8(refused.stderr).unwrap().contains("--stats"));
    }
}
