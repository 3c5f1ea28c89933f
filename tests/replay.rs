//! The main job on real logs: what must be found, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

#[path = "common/three.rs"]
mod three;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::Value;
use three::THREE;

const ATTACKS: &str = "corpus/auditd/attacks.log.gz";
const ENRICHED: &str = "corpus/auditd/audisp-enriched.log.gz";

const WEBSHELL: &str = "corpus/auditd/webshell.log";

/// Who ended the audit daemon of the shipped log; messages of the daemon are counted from another number.
const ENDED_BY: i64 = 28083;

/// The tools of the pattern the project is named for.
const NAMES: &str = r#"process.name like ("bash", "dash", "sh", "tcsh", "csh", "zsh", "ksh", "fish",
    "perl", "python*", "nc", "ncat", "netcat", "php*", "ruby", "openssl", "awk", "telnet", "lua*", "socat")"#;

/// Egress to another machine.
const CONNECT: &str = r#"network where event.action == "connected-to" and
    network.direction == "egress" and destination.ip != null and
    not destination.ip in ("127.0.0.1", "127.0.0.53", "::1")"#;

fn catena() -> Command {
    Command::cargo_bin("catena").unwrap()
}

/// Runs and gives the alerts.
fn alerts(arguments: &[&str]) -> Vec<Value> {
    let output = catena().args(arguments).arg("--quiet").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    parse(&output.stdout)
}

fn parse(lines: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(lines).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Process ids of the last events, sorted; every alert is of another process.
fn pids(alerts: &[Value]) -> Vec<i64> {
    let pid = |alert: &Value| alert.pointer("/process/pid").and_then(Value::as_i64).unwrap();
    let mut pids: Vec<i64> = alerts.iter().map(pid).collect();
    pids.sort_unstable();
    pids
}

/// The pattern as a query of either kind; `socket` is the test of the second step.
fn pattern(kind: &str, socket: &str) -> String {
    format!(
        "{kind} [process where event.action == \"executed\" and {NAMES}]
           [process where auditd.data.syscall == \"socket\" and {socket} and {NAMES}]
           [{CONNECT} and {NAMES}]"
    )
}

const SAMPLE: &str = "sample by host.id, process.pid, process.parent.pid";
const SEQUENCE: &str = "sequence by host.id, process.pid, process.parent.pid with maxspan=10m";

const LITERAL: [i64; 6] = [28292, 28352, 28382, 28419, 28437, 28774];

#[test]
fn types_taken_literally_find_the_six() {
    let socket = r#"auditd.data.a0 == "2" and auditd.data.a1 in ("2", "802")"#;
    for kind in [SAMPLE, SEQUENCE] {
        assert_eq!(pids(&alerts(&["query", &pattern(kind, socket), ATTACKS])), LITERAL, "{kind}");
    }
}

#[test]
fn type_2_alone_does_not_see_the_non_blocking_socket_of_nc() {
    let socket = r#"auditd.data.a0 == "2" and auditd.data.a1 == "2""#;
    for kind in [SAMPLE, SEQUENCE] {
        let found = pids(&alerts(&["query", &pattern(kind, socket), ATTACKS]));
        assert_eq!(found, [28292, 28382, 28419, 28437, 28774], "{kind}");
    }
}

#[test]
fn the_decoded_type_sees_datagram_sockets_whatever_their_flags() {
    let socket = r#"audit.socket.family in ("inet", "inet6") and audit.socket.type == "dgram""#;
    let mut expected = LITERAL.to_vec();
    expected.extend([28315, 28339, 28442, 28564]);
    expected.sort_unstable();
    for kind in [SAMPLE, SEQUENCE] {
        assert_eq!(pids(&alerts(&["query", &pattern(kind, socket), ATTACKS])), expected, "{kind}");
    }
}

#[test]
fn the_built_in_rules_find_the_shells_and_nothing_benign() {
    let alerts = alerts(&["replay", ATTACKS]);
    let found: BTreeSet<i64> = pids(&alerts).into_iter().collect();
    let gawk = 28430;
    for pid in LITERAL.into_iter().chain([28315, 28339, 28442, 28564, gawk]) {
        assert!(found.contains(&pid), "{pid} was not found");
    }
    let truth = std::fs::read_to_string("corpus/auditd/attacks.truth.json").unwrap();
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let scenarios = truth.get("scenarios").and_then(Value::as_array).unwrap();
    // Scenarios ran one after another, and every alert must lie in a malicious one.
    let last = scenarios.last().and_then(|s| s.get("last_serial")).and_then(Value::as_i64).unwrap();
    for alert in &alerts {
        // Behind the last scenario the capture itself was ended, and whoever ends auditing is found.
        let rule = alert.pointer("/catena/rule_file").and_then(Value::as_str).unwrap();
        if rule.ends_with("/audit_stopped.toml") || rule.ends_with("/audit_rules_removed.toml") {
            let event = alert.pointer("/catena/events/0/event/event/sequence");
            let daemon = alert.pointer("/process/pid").and_then(Value::as_i64) == Some(ENDED_BY);
            assert!(event.and_then(Value::as_i64).unwrap() > last || daemon, "{rule}");
            continue;
        }
        let serials = alert.pointer("/catena/events").and_then(Value::as_array).unwrap();
        for event in serials {
            let serial = event.pointer("/event/event/sequence").and_then(Value::as_i64).unwrap();
            let number = |s: &Value, key: &str| s.get(key).and_then(Value::as_i64).unwrap();
            let inside = |s: &&Value| {
                (number(s, "first_serial")..=number(s, "last_serial")).contains(&serial)
            };
            let malicious = |s: &Value| s.get("malicious").and_then(Value::as_bool).unwrap();
            assert!(
                scenarios.iter().filter(inside).any(malicious),
                "{} at serial {serial} is in no malicious scenario",
                alert.pointer("/rule/name").unwrap(),
            );
        }
    }
}

#[test]
fn the_web_shell_is_found_and_the_harmless_page_is_not() {
    let all = alerts(&["replay", WEBSHELL]);
    assert!(pids(&all).starts_with(&[27317]), "{all:?}");
    let shells = alerts(&[&["replay", WEBSHELL], &THREE[..]].concat());
    assert_eq!(pids(&shells), [27317, 27321]);
}

#[test]
fn the_enriched_plugin_stream_through_standard_input() {
    let log = plain(ENRICHED);
    let socket = r#"auditd.data.a0 == "2" and auditd.data.a1 in ("2", "802")"#;
    let queries = [
        [&["stream", "--no-proc"], &THREE[..]].concat().into_iter().map(str::to_owned).collect(),
        [&["replay", "-"], &THREE[..]].concat().into_iter().map(str::to_owned).collect(),
        vec!["query".to_owned(), pattern(SAMPLE, socket), "-".to_owned()],
        vec!["query".to_owned(), pattern(SEQUENCE, socket), "-".to_owned()],
    ];
    for arguments in queries {
        let output = catena().args(&arguments).write_stdin(log.clone()).output().unwrap();
        assert!(output.status.success());
        let shells = parse(&output.stdout);
        // Other built-in rules find what the shell ran, and who ended auditing when the capture was over.
        let is_other = |alert: &Value| {
            let file = alert.pointer("/catena/rule_file").and_then(Value::as_str).unwrap();
            file.starts_with("built-in/") && !file.contains("/udp_reverse_shell_")
        };
        let shells: Vec<Value> = shells.into_iter().filter(|alert| !is_other(alert)).collect();
        let found: BTreeSet<i64> = pids(&shells).into_iter().collect();
        assert_eq!(found, BTreeSet::from([8130]), "{arguments:?}");
    }
}

/// A compressed log as plain bytes.
fn plain(path: &str) -> Vec<u8> {
    let mut log = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut log).unwrap();
    log
}

#[test]
fn a_stream_gives_the_same_alerts_as_a_replay_in_the_same_order() {
    let replayed = catena().args(["replay", ATTACKS, "-q"]).output().unwrap();
    // Recorded elsewhere: what happens to run here now has the numbers of other processes.
    let stream = ["stream", "--no-proc", "-q"];
    let streamed = catena().args(stream).write_stdin(plain(ATTACKS)).output().unwrap();
    assert_eq!(
        String::from_utf8(streamed.stdout).unwrap(),
        String::from_utf8(replayed.stdout).unwrap()
    );
}

#[test]
fn a_replay_gives_the_same_bytes_every_time_and_however_the_log_is_packed() {
    let folder = tempfile::tempdir().unwrap();
    let log = plain(ATTACKS);
    let raw = folder.path().join("raw.log");
    std::fs::write(&raw, &log).unwrap();
    let first = catena().args(["replay", ATTACKS, "-q"]).output().unwrap().stdout;
    let packed = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let bzip2 = {
        let mut out = Vec::new();
        let level = bzip2::Compression::fast();
        bzip2::read::BzEncoder::new(log.as_slice(), level).read_to_end(&mut out).unwrap();
        out
    };
    let xz = {
        let mut out = Vec::new();
        liblzma::read::XzEncoder::new(log.as_slice(), 0).read_to_end(&mut out).unwrap();
        out
    };
    let zstd = zstd::encode_all(log.as_slice(), 1).unwrap();
    // The names say nothing: the content decides.
    for path in [raw, packed("a", bzip2), packed("b", xz), packed("c", zstd)] {
        let again = catena().arg("replay").arg(&path).arg("-q").output().unwrap().stdout;
        assert!(first == again, "{}", path.display());
    }
}

/// Events out of order by far more than is allowed: what is late must not depend on how the bytes come.
#[test]
fn what_is_late_does_not_depend_on_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let log = plain(ATTACKS);
    let mut lines: Vec<&[u8]> = log.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    lines.reverse();
    let reversed = lines.join(&b'\n');
    let path = folder.path().join("reversed.log");
    std::fs::write(&path, &reversed).unwrap();
    let path = path.to_str().unwrap();
    let arguments = ["replay", path, "--lateness", "100ms"];
    let whole = catena().args(arguments).output().unwrap();
    let report = |stderr: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(stderr).into_owned();
        text.lines().filter(|line| line.contains("warning")).map(str::to_owned).collect()
    };
    assert!(report(&whole.stderr).iter().any(|line| line.contains("later than --lateness")));
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("catena"))
        .args(["replay", "-", "--lateness", "100ms"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for piece in reversed.chunks(997) {
            std::io::Write::write_all(&mut input, piece).unwrap();
        }
    });
    let pieces = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(whole.stdout == pieces.stdout, "alerts differ");
    assert_eq!(report(&whole.stderr), report(&pieces.stderr));
}

/// An argument list with a hole ends at the hole, and the event is incomplete.
#[test]
fn a_lost_argument_is_a_loss() {
    let log = "type=SYSCALL msg=audit(1700000000.100:1): arch=c000003e syscall=59 success=yes exit=0 \
        a0=1 a1=2 a2=3 a3=4 items=0 ppid=10 pid=11 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 \
        sgid=0 fsgid=0 tty=pts0 ses=1 comm=\"bash\" exe=\"/bin/bash\" key=(null)\n\
        type=EXECVE msg=audit(1700000000.100:1): argc=5 a0=\"bash\" a1=\"-c\" a4=\"last\"\n\
        type=PROCTITLE msg=audit(1700000000.100:1): proctitle=\"x\"\n";
    let output = catena()
        .args(["query", "process where true", "-", "--strict"])
        .write_stdin(log)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let alert = parse(&output.stdout).remove(0);
    assert_eq!(alert.pointer("/process/command_line"), Some(&Value::from("bash -c")));
    assert_eq!(alert.pointer("/process/args_count"), Some(&Value::from(5)));
    assert_eq!(alert.pointer("/catena/evidence/incomplete"), Some(&Value::from(1)));
}

#[test]
fn rotated_files_are_one_log_also_when_an_event_is_cut_in_two() {
    let folder = tempfile::tempdir().unwrap();
    let log = plain(ATTACKS);
    // Between two records of one event, and in the middle of the first shell.
    let cut = log.windows(16).position(|w| w == b"1795196526.276:1").unwrap();
    let line = cut + log[cut..].iter().position(|b| *b == b'\n').unwrap() + 1;
    std::fs::write(folder.path().join("audit.log.1"), &log[..line]).unwrap();
    std::fs::write(folder.path().join("audit.log"), &log[line..]).unwrap();
    let whole = alerts(&["replay", ATTACKS]);
    let cut = alerts(&["replay", folder.path().to_str().unwrap()]);
    let ids = |alerts: &[Value]| -> Vec<String> {
        alerts.iter().map(|a| a.pointer("/catena/id").unwrap().to_string()).collect()
    };
    assert_eq!(ids(&whole), ids(&cut));
}

/// On a quiet machine nothing comes that would say that time has passed.
#[test]
fn an_absence_is_decided_although_nothing_more_comes() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("absence.eql");
    let query = r#"sequence by host.id with maxspan=1s
        [any where process.name == "a"] ![any where process.name == "b"]"#;
    std::fs::write(&rule, query).unwrap();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("catena"))
        .args(["stream", "--no-proc", "-q", "-r"])
        .arg(&rule)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let log = "type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes exit=0 \
               ppid=1 pid=7 comm=\"a\"\ntype=EOE msg=audit(1700000000.000:1):\n";
    std::io::Write::write_all(&mut input, log.as_bytes()).unwrap();
    // Blocks until the alert comes; the input stays open meanwhile.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let alert: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(alert.pointer("/process/pid"), Some(&Value::from(7)));
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_alert_leaves_the_stream_while_the_input_is_still_open() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("catena"))
        .args(["stream", "--no-proc", "-q"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let log = plain(ENRICHED);
    // Up to the end of the event that completes the shell.
    let last = b"type=EOE msg=audit(1795196961.340:8623):";
    let end = log.windows(last.len()).position(|w| w == last).unwrap() + last.len();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &log[..end]).unwrap();
    std::io::Write::write_all(&mut input, b"\n").unwrap();
    std::io::Write::flush(&mut input).unwrap();
    // Blocks until the alert comes; the input stays open meanwhile.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let alert: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(alert.pointer("/process/pid"), Some(&Value::from(8130)));
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_alert_follows_the_schema() {
    let schema = std::fs::read_to_string("docs/alert.schema.json").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let absence = "sequence by process.pid with maxspan=1m
        [process where event.action == \"executed\"] ![network where true]";
    let runs: [&[&str]; 5] = [
        &["replay", ATTACKS],
        &["replay", ENRICHED],
        &["query", "any where true", ATTACKS],
        &["query", absence, ATTACKS],
        &["replay", WEBSHELL],
    ];
    for run in runs {
        let alerts = alerts(run);
        assert!(!alerts.is_empty(), "{run:?}");
        for alert in alerts {
            if let Some(error) = schema.iter_errors(&alert).next() {
                panic!("{run:?}: {error} at {}\n{alert:#}", error.instance_path());
            }
        }
    }
}

#[test]
fn the_alerts_of_the_shipped_log() {
    let arguments = ["replay", ATTACKS, "-q", "--format", "text"];
    let output = catena().args(arguments).args(THREE).output().unwrap();
    insta::assert_snapshot!("shipped_log_text", String::from_utf8(output.stdout).unwrap());
    let alerts = alerts(&[&["replay", ATTACKS], &THREE[..]].concat());
    insta::assert_json_snapshot!("shipped_log_first_alert", alerts[0]);
}

#[test]
fn the_corpus_is_there() {
    for path in [ATTACKS, ENRICHED, WEBSHELL] {
        assert!(Path::new(path).is_file(), "{path}");
    }
}
