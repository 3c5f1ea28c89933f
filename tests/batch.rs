//! Many queries over one file of events: the order of results and the contract of the command line.
//!
//! The data are `corpus/json/`: events, queries, and their answers, checked by hand.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::BTreeMap;
use std::fs;

use assert_cmd::Command;
use serde_json::{Value, json};

const EVENTS: &str = "corpus/json/events.ndjson";
const QUERIES: &str = "corpus/json/queries.ndjson";

struct Run {
    lines: Vec<Value>,
    stderr: String,
    code: i32,
}

fn catena(arguments: &[&str], stdin: &str) -> Run {
    let mut command = Command::cargo_bin("catena").unwrap();
    let output = command.arg("query").args(arguments).write_stdin(stdin).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Run {
        lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// The arguments that every call over the corpus has.
fn over_corpus<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["--events", EVENTS, "--timestamp-field", "@timestamp"];
    arguments.extend(["--event-category-field", "event.category", "--tiebreaker-field", "seq"]);
    arguments.extend(["--id-field", "n", "--types", "corpus/json/types.json", "--format", "ids"]);
    arguments.extend(more);
    arguments
}

fn lines(path: &str) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The answer to one query over events given as text.
fn ask(query: &str, events: &str, more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("query.eql");
    fs::write(&path, query).unwrap();
    let mut arguments = vec!["--events", "-", "--query-file", path.to_str().unwrap()];
    arguments.extend(more);
    catena(&arguments, events)
}

#[test]
fn every_query_of_the_corpus_has_its_answer() {
    let run = catena(&over_corpus(&["--queries", QUERIES]), "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = lines("corpus/json/answers.ndjson");
    assert_eq!(run.lines.len(), expected.len());
    for (answer, expected) in run.lines.iter().zip(&expected) {
        assert_eq!(answer, expected);
    }
    assert_eq!(run.stderr, "catena: warning: 4 events without a time: not offered to sequences\n");
}

#[test]
fn one_query_alone_gives_its_results_alone() {
    let answers: BTreeMap<String, Value> = lines("corpus/json/answers.ndjson")
        .into_iter()
        .map(|answer| (answer["name"].as_str().unwrap().to_owned(), answer))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("query.eql");
    for query in lines(QUERIES) {
        fs::write(&path, query["query"].as_str().unwrap()).unwrap();
        let mut more = vec!["--query-file".to_owned(), path.to_str().unwrap().to_owned()];
        for (key, option) in [("size", "--size"), ("max_samples_per_key", "--max-samples-per-key")]
        {
            if let Some(count) = query[key].as_u64() {
                more.extend([option.to_owned(), count.to_string()]);
            }
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let run = catena(&over_corpus(&more), "");
        let answer = &answers[query["name"].as_str().unwrap()];
        assert_eq!(json!(run.lines), answer["results"], "{query}");
        if answer["error"].is_null() {
            assert_eq!(run.code, 0);
        } else {
            assert_eq!(run.code, 2);
            assert!(run.stderr.contains("error[E"), "{}", run.stderr);
        }
    }
}

#[test]
fn pipes_read_fields_that_no_condition_reads() {
    let events = r#"
        {"@timestamp": "2026-01-01T00:00:01Z", "event": {"category": "x"}, "colour": "red", "n": 3}
        {"@timestamp": "2026-01-01T00:00:02Z", "event": {"category": "x"}, "colour": "Red", "n": 1}
        {"@timestamp": "2026-01-01T00:00:03Z", "event": {"category": "x"}, "colour": "blue", "n": 2}
    "#
    .replace("\n        ", "\n");
    let ids = |query: &str| {
        let run = ask(query, events.trim_start(), &["--format", "ids", "--id-field", "n"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.lines.iter().map(|line| line["ids"][0].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("any where true | unique colour"), [3, 2]);
    assert_eq!(ids("any where true | sort n"), [1, 2, 3]);
    assert_eq!(ids("any where true | sort colour, n"), [2, 1, 3]);
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let mut events: Vec<String> =
        fs::read_to_string(EVENTS).unwrap().lines().map(str::to_owned).collect();
    // Events without a time are ordered by their place alone.
    let timed = events.iter().filter(|line| line.contains("@timestamp")).count();
    events.retain(|line| !line.is_empty());
    let expected = lines("corpus/json/answers.ndjson");
    for _ in 0..3 {
        events[..timed].rotate_left(4);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        fs::write(&path, events.join("\n")).unwrap();
        let mut arguments = over_corpus(&["--queries", QUERIES, "-q"]);
        arguments[1] = path.to_str().unwrap();
        assert_eq!(catena(&arguments, "").lines, expected);
    }
}

#[test]
fn types_that_are_declared_win_over_those_we_know() {
    let folder = tempfile::tempdir().unwrap();
    let types = folder.path().join("types.json");
    fs::write(&types, r#"{"process.pid": "keyword", "version": "keyword", "odd": "shape"}"#)
        .unwrap();
    let types = ["--types", types.to_str().unwrap()];
    let event = r#"{"process":{"pid":"abc"},"version":"1.10"}"#;
    let by_text = r#"any where process.pid : "A*" and version < "1.9""#;
    let run = ask(by_text, event, &types);
    assert_eq!(run.lines, [json!({"ids": [1], "join_keys": []})]);
    assert!(run.stderr.contains("type `shape` of `odd` is not known"), "{}", run.stderr);
    assert_eq!(ask(by_text, event, &[]).code, 2, "a process id is a number");
    let run = ask(r#"any where version > "1.9""#, event, &[]);
    assert_eq!(run.lines.len(), 1, "a field named version is a version");
}

#[test]
fn dates_are_cut_to_milliseconds_only_where_they_are_declared_so() {
    let folder = tempfile::tempdir().unwrap();
    let types = folder.path().join("types.json");
    fs::write(&types, r#"{"@timestamp": "date"}"#).unwrap();
    let events = r#"
        {"@timestamp":"2024-05-01T10:00:00.0009Z","k":"b"}
        {"@timestamp":"2024-05-01T10:00:00.0001Z","k":"a"}
    "#;
    let query = r#"sequence [any where k == "a"] [any where k == "b"]"#;
    assert_eq!(ask(query, events, &[]).lines, [json!({"ids": [2, 1], "join_keys": []})]);
    let cut = ask(query, events, &["--types", types.to_str().unwrap()]);
    assert_eq!(cut.lines, [] as [Value; 0], "at the same millisecond the order of the file counts");
}

#[test]
fn tiebreakers_order_by_value_and_those_without_come_last() {
    let events = r#"
        {"@timestamp":0,"n":"e"}
        {"@timestamp":0,"n":"d","tie":"x"}
        {"@timestamp":0,"n":"c","tie":10.5}
        {"@timestamp":0,"n":"b","tie":10}
        {"@timestamp":0,"n":"a","tie":-9}
    "#;
    let more = ["--tiebreaker-field", "tie", "--id-field", "n"];
    let found = ask("any where true", events, &more).lines;
    let ids: Vec<&str> = found.iter().map(|found| found["ids"][0].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
}

#[test]
fn keys_of_mixed_kinds_are_told_apart_and_listed_in_one_order() {
    let events = r#"
        {"@timestamp":1,"k":["b",2,"10","9",true,9.5,null]}
        {"@timestamp":2,"k":["9",true,2,"b",9.5,"10"]}
    "#;
    let run = ask("sequence by k [any where true] [any where true]", events, &[]);
    let keys: Vec<&Value> = run.lines.iter().map(|found| &found["join_keys"][0]).collect();
    assert_eq!(json!(keys), json!([true, 2, 9.5, "10", "9", "b"]));
}

#[test]
fn one_query_that_cannot_run_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries.ndjson");
    let queries = [
        json!({"name": "broken", "query": "any where"}),
        json!({"name": "fine", "query": "any where n == 3", "note": "of no interest"}),
        json!({"name": "", "query": ""}),
    ];
    let text: Vec<String> = queries.iter().map(Value::to_string).collect();
    fs::write(&path, text.join("\n")).unwrap();
    let run = catena(&over_corpus(&["--queries", path.to_str().unwrap(), "-q"]), "");
    assert_eq!(run.code, 0);
    assert_eq!(run.lines.len(), 3);
    assert_eq!(run.lines[0]["results"], json!([]));
    assert!(run.lines[0]["error"].as_str().unwrap().starts_with("line 1:10: "), "{}", run.lines[0]);
    assert_eq!(run.lines[1]["results"], json!([{"ids": [3], "join_keys": []}]));
    assert_eq!(run.lines[2]["name"], "");
    assert!(run.lines[2]["error"].is_string());
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    fs::write(&bad, "{\"name\": 1}\n\n{\"name\":\"x\",\"query\":\"any where n == 3\"}\n").unwrap();
    let bad = bad.to_str().unwrap();
    let run = catena(&over_corpus(&["--queries", bad, "-q"]), "");
    assert_eq!((run.code, run.lines.len()), (2, 1), "the other query is answered");
    assert!(run.stderr.contains("bad:1: not a query"), "{}", run.stderr);

    let run = catena(&over_corpus(&["--queries", "nowhere"]), "");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (4, "catena: error: nowhere: no such file or directory\n")
    );

    let run = catena(&["--events", "nowhere", "--queries", QUERIES], "");
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("catena: error: nowhere: no such file"), "{}", run.stderr);

    let run = catena(&["--events", EVENTS, "--queries", QUERIES, "--types", bad], "");
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("not an object of fields and types"), "{}", run.stderr);

    let run = ask("any where true", "garbage\n{\"n\":1}\n", &["--id-field", "n"]);
    assert_eq!((run.code, run.lines.len()), (0, 1));
    assert!(run.stderr.contains("-:1: skipped: not a JSON object"), "{}", run.stderr);
    assert_eq!(ask("any where true", "garbage\n{}\n", &["--strict"]).code, 5);
}

#[test]
fn arguments_that_do_not_go_together_are_refused() {
    for arguments in [
        &["--events", EVENTS][..],
        &["--events", EVENTS, "--queries", QUERIES, "--format", "text"],
        &["--events", EVENTS, "--queries", QUERIES, "--query-file", "x"],
        &["--events", EVENTS, "any where true", EVENTS],
        &["--queries", QUERIES, "any where true", EVENTS],
        &["--size", "3", "any where true", EVENTS],
        &["--format", "ids", "any where true", EVENTS],
        &["any where true"],
    ] {
        let run = catena(arguments, "");
        assert_eq!((run.code, run.lines.len()), (3, 0), "{arguments:?}");
        assert!(!run.stderr.is_empty());
    }
}
