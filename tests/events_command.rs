//! `catena events`: the events of a log as JSON, in words and raw; which of them; what becomes of the
//! rest.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use assert_cmd::Command;
use catena::alert::{self, Alert};
use catena::event::Event;
use catena::pick::{self, Filter};
use catena::pipeline::{self, Flow, Observer, Settings};
use catena::rule::{self, RuleSet};
use catena::schema::Schema;
use proptest::prelude::*;
use serde_json::Value;

const SMALL: &str = "corpus/auditd/small.log";
const ATTACKS: &str = "corpus/auditd/attacks.log.gz";
const ENRICHED: &str = "corpus/auditd/audisp-enriched.log.gz";
const JSON: &str = "corpus/json/events.ndjson";

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

fn events(arguments: &[&str]) -> Run {
    run(Command::cargo_bin("catena").unwrap().arg("events").args(arguments))
}

fn fed(arguments: &[&str], input: &str) -> Run {
    run(Command::cargo_bin("catena").unwrap().arg("events").args(arguments).write_stdin(input))
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn serial(event: &Value) -> i64 {
    event.pointer("/event/sequence").and_then(Value::as_i64).unwrap()
}

/// Standard error without what differs from run to run.
fn steady(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| match line.split_once(" in ") {
        Some((before, _)) if line.ends_with("MB/s)") => format!("{before} in SECONDS"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn words_for_people() {
    let run = events(&[SMALL, "--format", "interpret"]);
    assert_eq!(run.code, 0);
    insta::assert_snapshot!("interpreted_small", run.stdout);
    insta::assert_snapshot!("interpreted_small_messages", steady(&run.stderr));
    let enriched = events(&[ENRICHED, "--format", "interpret", "--serial", "8620..8626", "-q"]);
    insta::assert_snapshot!("interpreted_enriched", enriched.stdout);
    let json = events(&[JSON, "--format", "interpret", "-q"]);
    insta::assert_snapshot!("interpreted_json", json.stdout);
}

#[test]
fn json_is_what_alerts_hold() {
    for log in [SMALL, ATTACKS, ENRICHED, JSON] {
        let query = run(Command::cargo_bin("catena").unwrap().args([
            "query",
            "any where true",
            log,
            "--format",
            "ndjson",
        ]));
        let held: Vec<Value> = parsed(&query.stdout)
            .into_iter()
            .map(|alert| alert.pointer("/catena/events/0/event").unwrap().clone())
            .collect();
        assert!(held.len() > 10, "{log}");
        assert_eq!(parsed(&events(&[log]).stdout), held, "{log}");
    }
}

#[test]
fn events_as_json_are_events_again() {
    // Lists of objects become objects of lists, as they do in every event that is read as JSON.
    let without_paths = |text: &str| -> Vec<Value> {
        let mut events = parsed(text);
        for event in &mut events {
            event.pointer_mut("/auditd").unwrap().as_object_mut().unwrap().remove("paths");
        }
        events
    };
    let once = events(&[ATTACKS, "-q"]).stdout;
    let again = fed(&["-", "-q"], &once).stdout;
    assert_eq!(without_paths(&again).len(), 3780);
    assert!(without_paths(&again) == without_paths(&once), "see the files themselves");
}

#[test]
fn raw_lines_give_the_same_events() {
    for log in [SMALL, ATTACKS, ENRICHED] {
        let raw = events(&[log, "--raw", "-q"]).stdout;
        let told = fed(&["-", "-q"], &raw).stdout;
        assert_eq!(parsed(&told), parsed(&events(&[log, "-q"]).stdout), "{log}");
        assert_eq!(fed(&["-", "--raw", "-q"], &raw).stdout, raw, "{log}");
    }
    let mut log = String::new();
    let file = fs::File::open(ATTACKS).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut log).unwrap();
    let mut lines: Vec<&str> = log.lines().collect();
    let raw = events(&[ATTACKS, "--raw", "-q"]).stdout;
    let mut given: Vec<&str> = raw.lines().collect();
    lines.sort_unstable();
    given.sort_unstable();
    assert_eq!(given, lines, "every line, and nothing else");
}

#[test]
fn bytes_that_are_no_text_come_raw_as_they_are() {
    let line = b"node=web type=USER_CMD msg=audit(1795196523.435:7): pid=1 uid=0 msg='cmd=\xff\x1b[31m res=1'\n";
    let mut command = Command::cargo_bin("catena").unwrap();
    let output =
        command.args(["events", "-", "--raw", "-q"]).write_stdin(&line[..]).output().unwrap();
    assert_eq!(output.stdout, line);
}

#[test]
fn nothing_in_a_log_commands_a_terminal() {
    let line = "node=a\u{1b}[2Jb type=USER_CMD msg=audit(1795196523.435:7): pid=1 \
                k\u{202e}ey=\u{9b}31m msg='cmd=1B5B33316D exe=\"/a\u{1b}]0;x\u{7}\" res=1'\n\
                type=USER_CMD msg=audit(1795196523.436:8): pid=1 msg='cmd=61205B625D20633D64 a=\"b [c]\"'\n";
    let run = fed(&["-", "--format", "interpret"], line);
    let unsafe_character = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!run.stdout.contains(unsafe_character), "{:?}", run.stdout);
    assert!(!run.stderr.contains(unsafe_character), "{:?}", run.stderr);
    insta::assert_snapshot!("interpreted_hostile", run.stdout);
}

#[test]
fn filters_pass_what_all_of_them_pass() {
    let serials = |arguments: &[&str]| -> Vec<i64> {
        let run = events(&[&[SMALL, "-q"], arguments].concat());
        assert_eq!(run.code, 0, "{arguments:?} {}", run.stderr);
        parsed(&run.stdout).iter().map(serial).collect()
    };
    assert_eq!(serials(&["--serial", "186"]), [186]);
    assert_eq!(serials(&["--serial", "185..199"]), [185, 186, 199]);
    assert_eq!(serials(&["--pid", "28294"]), [210]);
    let condition = "auditd.data.syscall == \"execve\" and event.outcome == \"success\"";
    assert_eq!(serials(&["--where", condition, "--pid", "28292"]), [186]);
    assert_eq!(serials(&["--where", condition, "--pid", "28292", "--serial", "1..185"]), [0; 0]);
    assert_eq!(serials(&["--serial", "4294967295"]), [0; 0]);
}

#[test]
fn json_events_have_serials_and_pids_too() {
    let line = |pid: &str, serial: &str| {
        format!(
            "{{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"process.pid\":{pid},\"auditd\":{{\"sequence\":{serial}}}}}\n"
        )
    };
    let log = [line("7", "40"), line("\"7\"", "41"), line("8", "42")].concat();
    assert_eq!(fed(&["-", "-q", "--pid", "7"], &log).stdout.lines().count(), 2);
    assert_eq!(fed(&["-", "-q", "--serial", "41..42"], &log).stdout.lines().count(), 2);
    assert_eq!(fed(&["-", "-q", "--serial", "41", "--pid", "8"], &log).stdout, "");
    assert_eq!(fed(&["-", "-q", "--serial", "42", "--raw"], &log).stdout, line("8", "42"));
}

#[test]
fn conditions_that_cannot_be_used_are_refused() {
    for (condition, code) in [
        ("process.pid ==", 2),
        ("process where true", 2),
        ("true | head 1", 2),
        ("process.nmae == \"a\"", 0),
    ] {
        let run = events(&[SMALL, "--where", condition, "--format", "none"]);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{condition}: {}", run.stderr);
    }
    let pipe = events(&[SMALL, "--where", "true | head 1"]);
    assert_eq!(pipe.stderr, "catena: error: --where: not a condition on single events\n");
    for serial in ["x", "5..", "7..3", "4294967296"] {
        assert_eq!(events(&[SMALL, "--serial", serial]).code, 3, "{serial}");
    }
    assert_eq!(events(&[SMALL, "--raw", "--format", "none"]).code, 3);
    assert_eq!(events(&[]).code, 3);
}

#[test]
fn trouble_with_the_input_is_told_as_replay_tells_it() {
    let missing = events(&["no/such.log", SMALL, "--format", "none"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (4, ""));
    assert!(missing.stderr.contains("no/such.log"), "{}", missing.stderr);
    let cut = "type=SYSCALL msg=audit(): x\ntype=USER_CMD msg=audit(1795196523.435:7): pid=1\n";
    let run = fed(&["-"], cut);
    assert_eq!((run.code, run.stdout.lines().count()), (0, 1));
    insta::assert_snapshot!("events_malformed", steady(&run.stderr));
    assert_eq!(fed(&["-", "--strict"], cut).code, 5);
    assert_eq!(events(&[ATTACKS, "--strict", "--format", "none"]).code, 0);
}

#[test]
fn all_that_replay_reads_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(SMALL).unwrap();
    let (older, newer) = text.split_at(text.match_indices('\n').nth(60).unwrap().0 + 1);
    fs::write(folder.path().join("audit.log"), newer).unwrap();
    fs::write(
        folder.path().join("audit.log.1.zst"),
        zstd::encode_all(older.as_bytes(), 1).unwrap(),
    )
    .unwrap();
    let whole = events(&[SMALL, "-q"]).stdout;
    assert_eq!(events(&[folder.path().to_str().unwrap(), "-q"]).stdout, whole);
    let host = events(&[SMALL, "-q", "--host", "web"]).stdout;
    let host = host.lines().next().unwrap();
    assert!(host.contains("\"name\":\"web\""), "{host}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    for format in [&["--format", "ndjson"][..], &["--format", "interpret"], &["--raw"]] {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("catena"))
            .args(["events", ATTACKS])
            .args(format)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        drop(lines);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{format:?}");
    }
}

/// The documents that a run gave.
#[derive(Default)]
struct Documents(Vec<Value>);

impl Observer for Documents {
    fn alert(&mut self, alert: &Alert) -> Flow {
        let event = alert.to_json().pointer("/catena/events/0/event").unwrap().clone();
        self.0.push(event);
        Flow::Continue
    }
}

/// Tests that hold, fail, compute, look at several values, at missing ones and at processes.
const TESTS: [&str; 16] = [
    "event.category == \"process\"",
    "event.action == \"connected-to\"",
    "auditd.data.syscall in (\"execve\", \"connect\", \"socket\")",
    "process.name : (\"ba*\", \"SH\")",
    "process.parent.name like~ \"RUN*\"",
    "process.args regex \".*/dev/(tcp|udp)/.*\"",
    "process.args_count > 2",
    "destination.port != 9001",
    "destination.ip == \"198.51.100.7\"",
    "cidrMatch(destination.ip, \"198.51.100.0/24\")",
    "?no.such.field == null",
    "user.name == null",
    "process.pid % 2 == 0",
    "length(process.title) > 40",
    "startsWith(process.title, process.name)",
    "file.path != null",
];

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(&TESTS[..]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|any| format!("({})", any.join(" or "))),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    /// What a condition selects is what a query with it matches, in the same order.
    #[test]
    fn a_condition_selects_what_a_query_matches(condition in condition()) {
        let inputs = [PathBuf::from(SMALL), PathBuf::from(ENRICHED), PathBuf::from(JSON)];
        let settings = Settings::default();
        let loaded = rule::load_query(&format!("any where {condition}"), &Schema::new());
        prop_assert!(!loaded.has_errors(), "{}", condition);
        let filter = Filter::matching(&loaded.rules[0]).unwrap();
        let mut selected = Vec::new();
        let mut each = |event: &Event| {
            selected.push(alert::nested(&event.document()));
            Flow::Continue
        };
        let picked = pick::pick(&inputs, &settings, filter, &mut each, &mut |_| {}).unwrap();
        let rules: Arc<RuleSet> = RuleSet::new(loaded.rules);
        let mut matched = Documents::default();
        let report = pipeline::replay(&rules, &inputs, &settings, &mut matched).unwrap();
        prop_assert_eq!(picked.events, report.alerts);
        prop_assert_eq!(picked.report.events, report.events);
        prop_assert_eq!(selected, matched.0);
    }
}
