//! `catena inspect`: what a log holds, what it lacks, and the rules that can never fire on it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]

#[path = "common/three.rs"]
mod three;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use assert_cmd::Command;
use serde_json::Value;
use three::THREE;

const SMALL: &str = "corpus/auditd/small.log";
const ATTACKS: &str = "corpus/auditd/attacks.log.gz";
const ENRICHED: &str = "corpus/auditd/audisp-enriched.log.gz";
const WEBSHELL: &str = "corpus/auditd/webshell.log";
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

/// With three rules, however many are built in, unless others are named.
fn catena(arguments: &[&str]) -> Run {
    let own = arguments.first() != Some(&"inspect") || arguments.contains(&"-r");
    let rules = if own { &[][..] } else { &THREE[..] };
    run(Command::cargo_bin("catena").unwrap().args(arguments).args(rules))
}

fn fed(arguments: &[&str], input: &str) -> Run {
    let mut command = Command::cargo_bin("catena").unwrap();
    let rules = if arguments.contains(&"-r") { &[][..] } else { &THREE[..] };
    run(command.arg("inspect").arg("-").args(arguments).args(rules).write_stdin(input))
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

/// The answer for a log.
fn answer(log: &str) -> Value {
    json(&fed(&["--format", "json", "-q"], log))
}

fn count(answer: &Value, path: &str) -> u64 {
    answer.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path}: {answer:#}"))
}

fn sum(answer: &Value, path: &str, key: &str) -> u64 {
    let list = answer.pointer(path).unwrap();
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item[key].as_u64().unwrap()).sum::<u64>()
        + list["other"].as_u64().unwrap()
}

fn names(answer: &Value, path: &str) -> Vec<String> {
    let items = answer.pointer(path).unwrap().as_array().unwrap();
    items
        .iter()
        .map(|item| format!("{} {}", item["name"].as_str().unwrap(), item["count"]))
        .collect()
}

#[test]
fn a_page_for_people() {
    insta::assert_snapshot!("inspect_attacks", catena(&["inspect", ATTACKS, "-q"]).stdout);
    insta::assert_snapshot!("inspect_small", catena(&["inspect", SMALL, "-q"]).stdout);
}

#[test]
fn an_object_for_programs() {
    let run = catena(&["inspect", SMALL, "-q", "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_json_snapshot!("inspect_small_json", json(&run));
}

#[test]
fn every_answer_follows_the_schema() {
    let schema = fs::read_to_string("docs/inspect.schema.json").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let inputs: [&[&str]; 7] = [
        &[ATTACKS],
        &[ENRICHED],
        &[WEBSHELL],
        &[JSON],
        &[JSON, SMALL],
        &["no/such.log"],
        &["README.md"],
    ];
    let mut answers: Vec<Value> = inputs
        .iter()
        .map(|inputs| json(&catena(&[&["inspect", "--format", "json", "-q"], *inputs].concat())))
        .collect();
    answers.push(answer(""));
    answers.push(answer(LACKING));
    for answer in answers {
        if let Some(error) = schema.iter_errors(&answer).next() {
            panic!("{error} at {}\n{answer:#}", error.instance_path());
        }
    }
}

#[test]
fn the_numbers_agree_with_one_another() {
    for log in [ATTACKS, ENRICHED, WEBSHELL, SMALL] {
        let answer = json(&catena(&["inspect", log, "--format", "json", "-q"]));
        let events = count(&answer, "/read/events");
        assert!(events > 0, "{log}");
        assert_eq!(sum(&answer, "/hosts", "events"), events, "{log}");
        assert_eq!(
            sum(&answer, "/record_types", "count"),
            count(&answer, "/read/records"),
            "{log}"
        );
        let types = names(&answer, "/record_types/items");
        let calls = sum(&answer, "/syscalls", "count");
        assert!(types.contains(&format!("SYSCALL {calls}")), "{log}: {types:?}");
        let complete = count(&answer, "/completeness/complete");
        assert_eq!(complete + count(&answer, "/completeness/incomplete"), events, "{log}");
    }
}

/// Events that lack what they must have had, each in its own way.
const LACKING: &str = "\
type=SYSCALL msg=audit(1795196523.100:1): arch=c000003e syscall=59 success=yes exit=0 items=2 pid=5 key=\"a\"
type=PATH msg=audit(1795196523.100:1): item=0 name=\"/bin/sh\" nametype=NORMAL
type=PROCTITLE msg=audit(1795196523.100:1): proctitle=\"sh\"
type=SYSCALL msg=audit(1795196523.100:2): arch=c000003e syscall=42 success=yes exit=0 items=0 pid=5
type=PROCTITLE msg=audit(1795196523.100:2): proctitle=\"sh\"
type=SYSCALL msg=audit(1795196523.100:3): arch=c000003e syscall=42 success=no exit=-14 items=0 pid=5
type=PROCTITLE msg=audit(1795196523.100:3): proctitle=\"sh\"
type=PATH msg=audit(1795196523.100:4): item=0 name=\"/bin/sh\" nametype=NORMAL
type=PROCTITLE msg=audit(1795196523.100:4): proctitle=\"sh\"
type=SYSCALL msg=audit(1795196523.100:5): arch=c000003e syscall=59 success=yes exit=0 items=0 pid=5
type=EXECVE msg=audit(1795196523.100:5): argc=3 a0=\"sh\"
type=PROCTITLE msg=audit(1795196523.100:5): proctitle=\"sh\"
type=SYSCALL msg=audit(1795196523.100:6): arch=c000003e syscall=59 success=no exit=-2 items=0 pid=5
";

#[test]
fn events_are_incomplete_by_what_they_lack() {
    let answer = answer(LACKING);
    assert_eq!(
        count(&answer, "/completeness/complete"),
        1,
        "a connection that failed has no address"
    );
    assert_eq!(count(&answer, "/completeness/incomplete"), 5);
    assert_eq!(
        names(&answer, "/completeness/missing_records"),
        ["SYSCALL 1", "PATH 1", "SOCKADDR 1", "EXECVE 1"]
    );
    assert_eq!(
        names(&answer, "/completeness/causes"),
        ["no SYSCALL record 1", "input ended 1", "arguments missing 1"]
    );
    assert_eq!(count(&answer, "/hosts/items/0/incomplete"), 5);
}

fn user(serial: u64, millis: u64, more: &str) -> String {
    format!(
        "{more}type=USER_CMD msg=audit({}.{:03}:{serial}): pid=1 uid=0 msg='cmd=6964 res=success'\n",
        1_795_196_500 + millis / 1000,
        millis % 1000
    )
}

#[test]
fn gaps_and_boots_are_told() {
    let log = [
        user(10, 0, ""),
        user(15, 10, ""),
        user(115, 20, ""),
        user(116, 60_000, ""),
        user(3, 120_000, ""),
    ];
    let answer = answer(&log.concat());
    assert_eq!(count(&answer, "/losses/gaps"), 2);
    assert_eq!(count(&answer, "/losses/serials"), 103);
    assert_eq!(count(&answer, "/losses/boots"), 1);
    let largest = answer.pointer("/losses/largest/0").unwrap();
    assert_eq!(largest["serials"], 99);
    assert_eq!(largest["host"], "unknown");
    assert_eq!(largest["after"], "2026-11-20T17:41:40.010Z");
    assert_eq!(largest["before"], "2026-11-20T17:41:40.020Z");
}

#[test]
fn lines_that_cannot_be_used_are_told() {
    let log = format!("garbage\n\n{}type=X msg=audit(): y\n", user(1, 0, ""));
    let answer = answer(&log);
    assert_eq!(count(&answer, "/lines/malformed"), 2);
    assert_eq!(count(&answer, "/lines/skipped"), 1);
    assert_eq!(count(&answer, "/lines/first_malformed/1/line"), 4);
    let mut endless = "x".repeat(2 << 20);
    endless.push('\n');
    assert_eq!(count(&self::answer(&(endless + &user(1, 0, ""))), "/lines/cut"), 1);
}

#[test]
fn more_than_may_be_told_apart_is_counted_together() {
    let mut log = String::new();
    for number in 0..5000 {
        log += &user(number, number, &format!("node=h{number} "));
    }
    for number in 0..1500 {
        let _ = writeln!(
            log,
            "type=TYPE_{number} msg=audit(1795196600.000:{number}): arch={number:x} syscall={number}"
        );
        let _ = writeln!(
            log,
            "type=SYSCALL msg=audit(1795196700.000:{number}): arch={number:x} syscall={number} key=\"k{number}\""
        );
    }
    let answer = answer(&log);
    assert_eq!(answer.pointer("/hosts/items").unwrap().as_array().unwrap().len(), 4096);
    assert_eq!(sum(&answer, "/hosts", "events"), count(&answer, "/read/events"));
    assert_eq!(answer.pointer("/record_types/items").unwrap().as_array().unwrap().len(), 1024);
    assert_eq!(sum(&answer, "/record_types", "count"), 8000);
    assert_eq!(answer.pointer("/keys/items").unwrap().as_array().unwrap().len(), 1024);
    assert_eq!(sum(&answer, "/keys", "count"), 1500);
}

#[test]
fn rules_that_need_what_is_never_logged_are_named() {
    let raw = catena(&[
        "events",
        ATTACKS,
        "--raw",
        "-q",
        "--where",
        "auditd.data.syscall != \"connect\"",
    ]);
    let page = fed(&["-q"], &raw.stdout).stdout;
    let blind = page.split("Rules that can never fire").nth(1).unwrap();
    insta::assert_snapshot!("inspect_blind", blind.trim());
    let none = answer(&user(1, 0, ""));
    assert_eq!(none.pointer("/never/blind").unwrap().as_array().unwrap().len(), 3);
    assert!(none["notes"][0].as_str().unwrap().contains("-a never,task"), "{none:#}");
}

#[test]
fn a_rule_that_is_said_never_to_fire_does_not_fire() {
    let folder = tempfile::tempdir().unwrap();
    let calls =
        ["connect", "socket", "execve", "clone", "openat", "sendto", "kill", "memfd_create"];
    let mut rules = 0;
    for (number, call) in calls.iter().enumerate() {
        let queries = [
            format!("process where auditd.data.syscall == \"{call}\""),
            format!(
                "sequence by process.pid with maxspan=1m [any where event.action == \"executed\"] [any where auditd.data.syscall == \"{call}\"]"
            ),
            format!(
                "sequence by process.pid with maxspan=1m [any where event.action == \"executed\"] ![any where auditd.data.syscall == \"{call}\"]"
            ),
        ];
        for query in queries {
            rules += 1;
            fs::write(folder.path().join(format!("{number}-{rules}.eql")), query).unwrap();
        }
    }
    let rules = folder.path().to_str().unwrap();
    let mut seen = 0;
    for call in calls {
        let condition = format!("auditd.data.syscall != \"{call}\"");
        let raw = catena(&["events", SMALL, ENRICHED, "--raw", "-q", "--where", &condition]).stdout;
        let answer = json(&fed(&["-r", rules, "--format", "json", "-q"], &raw));
        let blind: BTreeSet<&str> = answer["never"]["blind"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["id"].as_str().unwrap())
            .collect();
        seen += blind.len();
        let mut command = Command::cargo_bin("catena").unwrap();
        let alerts = run(command
            .args(["replay", "-", "-q", "--format", "ndjson", "-r", rules])
            .write_stdin(raw));
        for line in alerts.stdout.lines() {
            let alert: Value = serde_json::from_str(line).unwrap();
            let id = alert.pointer("/rule/id").unwrap().as_str().unwrap();
            assert!(!blind.contains(id), "without {call}: {id}");
        }
        let missing = answer["never"]["syscalls"].as_array().unwrap();
        assert!(missing.iter().any(|needed| needed["name"] == call), "{call}: {answer:#}");
    }
    assert!(seen >= 2 * calls.len(), "{seen}");
}

#[test]
fn nothing_is_said_of_rules_where_nothing_can_be_known() {
    let mixed = json(&catena(&["inspect", JSON, SMALL, "--format", "json", "-q"]));
    assert!(mixed.pointer("/never/unknown").unwrap().is_string());
    assert_eq!(mixed.pointer("/never/blind").unwrap().as_array().unwrap().len(), 0);
    assert!(answer("").pointer("/never/unknown").unwrap().is_string());
}

#[test]
fn nothing_in_a_log_commands_a_terminal() {
    let log = user(1, 0, "node=a\u{1b}[2J\u{202e}b ")
        + "type=SYSCALL msg=audit(1795196700.000:2): arch=c000003e syscall=1 key=\"k\u{9b}31m\u{7}\"\n";
    let run = fed(&[], &log);
    let is_unsafe = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!run.stdout.contains(is_unsafe), "{:?}", run.stdout);
    assert!(run.stdout.contains("a\\x1b[2J\\u{202e}b"), "{}", run.stdout);
}

#[test]
fn exit_codes_are_those_of_replay() {
    let missing = catena(&["inspect", "no/such.log", SMALL]);
    assert_eq!(missing.code, 4);
    assert!(missing.stdout.contains("not read: no/such.log"), "{}", missing.stdout);
    assert!(missing.stderr.contains("no/such.log"), "{}", missing.stderr);
    assert_eq!(catena(&["inspect", SMALL, "--strict", "-q"]).code, 5, "it has gaps");
    assert_eq!(catena(&["inspect", ATTACKS, "--strict", "-q"]).code, 0);
    assert_eq!(catena(&["inspect", SMALL, "-r", "no/such/rules", "-q"]).code, 2);
    assert_eq!(catena(&["inspect"]).code, 3);
}
