//! Pipes: which matches pass, in which order, and for how many they stand.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use assert_cmd::Command;
use serde_json::Value as Json;

/// Events of one process each: second, name of the program, process id.
const EVENTS: [(u32, &str, u32); 7] = [
    (1, "sh", 30),
    (2, "curl", 10),
    (3, "SH", 20),
    (4, "id", 10),
    (5, "sh", 40),
    (6, "curl", 5),
    (7, "sh", 30),
];

fn events() -> String {
    let line = |(second, name, pid): &(u32, &str, u32)| {
        let second = format!("2026-01-01T00:00:0{second}Z");
        serde_json::json!({
            "@timestamp": second, "event": { "category": "process" }, "host": { "id": "h" },
            "process": { "name": name, "pid": pid, "args": [name, "-c"] },
        })
        .to_string()
    };
    EVENTS.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// The seconds of the events of each alert, and what was counted: `1+2 (3 of 7)`.
fn found(query: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    std::fs::write(&path, events()).unwrap();
    let mut command = Command::cargo_bin("catena").unwrap();
    let command = command.args(["query", "--format", "ndjson", query]).arg(&path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let second = |event: &Json| {
        let time = event["event"]["@timestamp"].as_str().unwrap().to_owned();
        time.split([':', '.', 'Z']).nth(2).unwrap().trim_start_matches('0').to_owned()
    };
    let alert = |line: &str| {
        let alert: Json = serde_json::from_str(line).unwrap();
        let events = alert["catena"]["events"].as_array().unwrap();
        let seconds: Vec<String> = events.iter().map(second).collect();
        let counted = &alert["catena"]["counted"];
        let counted = match counted.is_null() {
            true => String::new(),
            false => format!(" ({} of {})", counted["matches"], counted["of"]),
        };
        format!("{}{counted}", seconds.join("+"))
    };
    String::from_utf8(output.stdout).unwrap().lines().map(alert).collect()
}

#[test]
fn unique_keeps_the_first_of_each_whatever_its_case() {
    assert_eq!(found("any where true | unique process.name"), ["1", "2", "4"]);
    assert_eq!(
        found("any where true | unique process.name, process.pid"),
        ["1", "2", "3", "4", "5", "6"]
    );
    assert_eq!(found("any where true | unique host.id"), ["1"]);
}

#[test]
fn a_missing_value_is_a_value_of_its_own() {
    assert_eq!(found("any where true | unique user.id"), ["1"]);
}

#[test]
fn unique_count_says_how_many_each_stands_for() {
    assert_eq!(
        found("any where true | unique_count process.name"),
        ["1 (4 of 7)", "2 (2 of 7)", "4 (1 of 7)"]
    );
}

#[test]
fn count_lists_the_rarest_first_and_alone_counts_all() {
    assert_eq!(
        found("any where true | count process.name"),
        ["4 (1 of 7)", "2 (2 of 7)", "1 (4 of 7)"]
    );
    assert_eq!(found("any where true | count"), ["1 (7 of 7)"]);
    assert_eq!(found("any where process.pid > 99 | count"), [""; 0]);
    // Equally often: by their values.
    assert_eq!(
        found("any where process.pid in (5, 20, 40) | count process.pid"),
        ["6 (1 of 3)", "3 (1 of 3)", "5 (1 of 3)"]
    );
}

#[test]
fn sort_orders_by_value_and_keeps_the_order_of_equals() {
    assert_eq!(found("any where true | sort process.pid"), ["6", "2", "4", "3", "1", "7", "5"]);
    assert_eq!(
        found("any where true | sort process.name, process.pid"),
        ["6", "2", "4", "3", "1", "7", "5"],
        "case does not matter"
    );
}

#[test]
fn filter_is_a_part_of_the_condition() {
    assert_eq!(found("any where process.pid < 30 | filter process.name == \"curl\""), ["2", "6"]);
    assert_eq!(
        found("any where true | filter process.pid < 30 | filter process.pid > 5"),
        ["2", "3", "4"]
    );
}

#[test]
fn pipes_apply_from_left_to_right() {
    assert_eq!(found("any where true | sort process.pid | head 2"), ["6", "2"]);
    assert_eq!(found("any where true | head 2 | sort process.pid"), ["2", "1"]);
    assert_eq!(found("any where true | unique process.name | count"), ["1 (3 of 3)"]);
    assert_eq!(found("any where true | tail 3 | unique process.name"), ["5", "6"]);
    assert_eq!(found("any where true | count process.name | tail 1 | head 1"), ["1 (4 of 7)"]);
}

#[test]
fn of_a_sequence_the_first_event_counts() {
    let query = "sequence by host.id with maxspan=1m \
        [any where process.name : \"sh\"] [any where process.name == \"curl\"]";
    assert_eq!(found(query), ["1+2", "5+6"]);
    assert_eq!(found(&format!("{query} | sort process.pid")), ["1+2", "5+6"]);
    assert_eq!(found(&format!("{query} | unique process.name")), ["1+2"]);
    assert_eq!(found(&format!("{query} | count process.name")), ["1+2 (2 of 2)"]);
}
