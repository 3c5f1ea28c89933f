//! Our own captures (`corpus/auditd`): every line is a record, every event is found, and what an
//! independent script found in them is what our fields say.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::Read as _;

use catena::event::{CoalesceLimits, Coalescer, Group, Record};
use catena::record::{Field, RawValue, RecordType, Sockaddr, fields, head};
use flate2::read::GzDecoder;
use serde_json::Value;

fn log(name: &str) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(format!("corpus/auditd/{name}.log.gz")).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    lines.filter(|line| !line.is_empty()).collect()
}

fn truth(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("corpus/auditd/{name}.truth.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All events of some lines, of which nothing may be wrong.
fn events(lines: &[Vec<u8>]) -> Vec<Group> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (number, line) in (1..).zip(lines) {
        coalescer.push(0, number, line);
    }
    coalescer.finish();
    let stats = coalescer.stats();
    assert_eq!(stats.records, lines.len() as u64);
    assert_eq!(
        (stats.late, stats.duplicate, stats.gaps, stats.boots, stats.incomplete_total()),
        (0, 0, 0, 0, 0)
    );
    std::iter::from_fn(|| coalescer.pop()).collect()
}

fn get<'a>(record: Record<'a>, key: &str) -> RawValue<'a> {
    fields(record.body).find(|field| field.key == key.as_bytes()).unwrap().value
}

/// An undecoded value as text.
fn text(record: Record<'_>, key: &str) -> String {
    String::from_utf8(get(record, key).bytes().unwrap().to_vec()).unwrap()
}

#[test]
fn attacks_hold_the_events_and_connections_of_their_truth() {
    let (lines, truth) = (log("attacks"), truth("attacks"));
    let groups = events(&lines);
    assert_eq!(groups.len() as u64, truth["events"].as_u64().unwrap());
    assert_eq!(groups.iter().map(Group::len).sum::<usize>(), 13_014);

    // DAEMON_* records count for themselves, so the system call decides between equal serials.
    let by_serial: BTreeMap<u64, &Group> = groups
        .iter()
        .filter(|group| group.first(RecordType::SYSCALL).is_some())
        .map(|group| (u64::from(group.id().serial), group))
        .collect();
    let expected = truth["inet_socket_connect"].as_array().unwrap();
    assert_eq!(expected.len(), 50);
    for entry in expected {
        let group = by_serial[&entry["serial"].as_u64().unwrap()];
        let syscall = group.first(RecordType::SYSCALL).unwrap();
        assert_eq!(
            group.id().time.as_millis(),
            (entry["ts"].as_f64().unwrap() * 1e3).round() as i64
        );
        assert_eq!(text(syscall, "pid"), entry["pid"].to_string());
        assert_eq!(text(syscall, "comm"), entry["comm"].as_str().unwrap());
        if entry["kind"] == "socket" {
            assert_eq!(text(syscall, "a1"), entry["a1"].as_str().unwrap());
        } else {
            let saddr = text(group.first(RecordType::SOCKADDR).unwrap(), "saddr");
            let Sockaddr::Inet { ip, port } = Sockaddr::parse(saddr.as_bytes(), None) else {
                panic!("{saddr}");
            };
            assert_eq!(Ok(ip), entry["ip"].as_str().unwrap().parse());
            assert_eq!(u64::from(port), entry["port"].as_u64().unwrap());
        }
    }
}

#[test]
fn every_argument_of_the_attacks_is_whole() {
    let (mut most, mut longest) = (0, 0);
    for group in events(&log("attacks")) {
        let mut arguments = catena::record::Arguments::default();
        let execve = group.records().filter(|record| record.kind == RecordType::EXECVE);
        execve.for_each(|record| arguments.push(record.body));
        assert!(!arguments.is_truncated(), "{}", group.id());
        most = most.max(arguments.len());
        longest = longest.max(arguments.iter().map(<[u8]>::len).max().unwrap_or(0));
    }
    assert_eq!((most, longest), (3001, 20_000));
}

/// Events by id: type and body of each record without the enriched copies.
fn content(groups: &[Group]) -> BTreeMap<String, Vec<(RecordType, Vec<String>)>> {
    let body = |record: Record<'_>| fields(record.body).map(|f| format!("{f:?}")).collect();
    let records =
        |group: &Group| group.records().map(|record| (record.kind, body(record))).collect();
    groups.iter().map(|group| (group.id().to_string(), records(group))).collect()
}

#[test]
fn a_plugin_and_a_file_give_the_same_events() {
    let (plugin, file) = (log("audisp-enriched"), log("audisp-same-run"));
    let ends = |lines: &[Vec<u8>]| lines.iter().filter(|l| l.starts_with(b"type=EOE")).count();
    assert_eq!((ends(&plugin), ends(&file)), (142, 0), "auditd writes no ends to its file");
    let (from_plugin, from_file) = (content(&events(&plugin)), content(&events(&file)));
    assert_eq!(from_plugin.len() as u64, truth("audisp-enriched")["events"].as_u64().unwrap());
    assert_eq!(from_plugin, from_file);
}

#[test]
fn a_plugin_and_a_file_without_enrichment_give_the_same_events() {
    let plugin = log("audisp-enriched");
    let file: Vec<Vec<u8>> = log("audisp-same-run")
        .iter()
        .map(|line| line.split(|byte| *byte == 0x1d).next().unwrap().to_vec())
        .collect();
    assert_eq!(content(&events(&plugin)), content(&events(&file)));
}

/// What rules and people see of both: every field of every event, order included.
#[test]
fn a_plugin_and_a_file_give_the_same_documents() {
    let documents = |name: &str| -> Vec<Value> {
        let mut command = assert_cmd::Command::cargo_bin("catena").unwrap();
        let log = format!("corpus/auditd/{name}.log.gz");
        let output = command.args(["events", "-q", "--format", "ndjson", &log]).output().unwrap();
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    };
    let (plugin, file) = (documents("audisp-enriched"), documents("audisp-same-run"));
    assert_eq!((plugin.len(), &plugin), (148, &file));
}

/// What shows a scenario that connects to nobody, as a rule would say it.
const SIGNS: [(&str, &str); 13] = [
    ("memfd_exec", r#"any where auditd.data.syscall == "memfd_create""#),
    (
        "misc_sockaddrs_openat2_prctl",
        r#"any where auditd.data.syscall == "socket" and auditd.data.a0 == "26""#,
    ),
    (
        "ptrace_attach",
        r#"any where auditd.data.syscall == "ptrace" and event.outcome == "success""#,
    ),
    ("crash", r#"any where event.action == "crashed-program""#),
    ("weird_names", r#"process where process.name == "new\nline" and process.args == "a\"b""#),
    ("long_args", "process where process.args_count == 3001"),
    ("failed_execs", r#"process where event.action == "executed" and event.outcome == "failure""#),
    ("tty_session", r#"process where process.tty like "pts*" or auditd.data.tty like "pts*""#),
    ("su_failure", r#"any where event.action == "authenticated" and event.outcome == "failure""#),
    ("benign_admin", r#"process where process.args == "/etc/apt" and process.name == "tar""#),
    (
        "benign_udp_loopback",
        r#"network where event.action == "connected-to" and cidrMatch(destination.ip, "127.0.0.0/8")"#,
    ),
    ("benign_dns_like", r#"any where event.action == "sent-to""#),
    (
        "persistence_writes",
        r#"file where event.action == "opened-file" and event.outcome == "failure"
             and file.path like "/etc/cron.d/*""#,
    ),
];

#[test]
fn every_scenario_of_the_attacks_is_seen() {
    let truth = truth("attacks");
    let scenarios = truth["scenarios"].as_array().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, query: &str| {
        std::fs::write(folder.path().join(format!("{name}.eql")), query).unwrap();
    };
    SIGNS.iter().for_each(|(name, query)| write(name, query));
    for scenario in scenarios {
        if let Some(ip) = scenario["dst_ip"].as_str() {
            let transport = scenario["proto"].as_str().unwrap();
            assert!(["udp", "tcp"].contains(&transport));
            let (name, port) = (scenario["name"].as_str().unwrap(), &scenario["port"]);
            let action = r#"network where event.action == "connected-to""#;
            let place = format!("destination.ip == \"{ip}\" and destination.port == {port}");
            write(name, &format!("{action} and {place}"));
        }
    }
    let mut command = assert_cmd::Command::cargo_bin("catena").unwrap();
    command.args(["replay", "-q", "--format", "ndjson", "corpus/auditd/attacks.log.gz", "-r"]);
    let output = command.arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut serials: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let alert: Value = serde_json::from_slice(line).unwrap();
        let name = alert["rule"]["name"].as_str().unwrap().to_owned();
        let serial = alert.pointer("/catena/events/0/event/event/sequence").unwrap();
        serials.entry(name).or_default().push(serial.as_u64().unwrap());
    }
    // DAEMON_* records count for themselves and are in no scenario.
    let kernel: Vec<u64> = events(&log("attacks"))
        .iter()
        .filter(|group| group.records().all(|record| !(1200..1300).contains(&record.kind.0)))
        .map(|group| u64::from(group.id().serial))
        .collect();
    assert_eq!(scenarios.len(), 31);
    for scenario in scenarios {
        let name = scenario["name"].as_str().unwrap();
        let range =
            scenario["first_serial"].as_u64().unwrap()..=scenario["last_serial"].as_u64().unwrap();
        let events = kernel.iter().filter(|serial| range.contains(serial)).count();
        assert_eq!(events as u64, scenario["events"].as_u64().unwrap(), "{name}");
        let seen = serials.get(name).map_or(&[][..], Vec::as_slice);
        assert!(seen.iter().any(|serial| range.contains(serial)), "{name}: {range:?} {seen:?}");
    }
}

#[test]
fn a_lost_separator_is_found_again() {
    let all = |line: &[u8]| -> (Vec<String>, Vec<String>) {
        let body = head(line).unwrap().body;
        let show = |field: Field<'_>| format!("{field:?}");
        (fields(body).map(show).collect(), fields(body).enriched().map(show).collect())
    };
    let mut enriched = 0;
    for line in log("audisp-enriched") {
        let (plain, tail) = all(&line);
        assert_eq!(!tail.is_empty(), line.contains(&0x1d));
        enriched += usize::from(!tail.is_empty());
        let spaced: Vec<u8> = line.iter().map(|b| if *b == 0x1d { b' ' } else { *b }).collect();
        assert_eq!(all(&spaced), (plain.clone(), tail.clone()));
        let glued: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0x1d).collect();
        assert_eq!(all(&glued), (plain, tail), "{}", String::from_utf8_lossy(&glued));
    }
    assert_eq!(enriched, 286);
}
