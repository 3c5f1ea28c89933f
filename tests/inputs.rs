//! Logs of other producers: what they say becomes the same events as the audit log it was made of.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "functions of tests may panic"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use assert_cmd::Command;
use catena::event::{CoalesceLimits, Coalescer, Group};
use catena::record::{Arguments, RawValue, RecordType, decode, fields, nested};
use serde_json::{Map, Value, json};

struct Run {
    lines: Vec<Value>,
    stderr: String,
    code: i32,
}

fn catena(arguments: &[&str], stdin: impl Into<Vec<u8>>) -> Run {
    let mut command = Command::cargo_bin("catena").unwrap();
    let output = command.args(arguments).write_stdin(stdin).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Run {
        lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

fn events(log: impl Into<Vec<u8>>) -> Vec<Value> {
    catena(&["events", "-", "-q", "--host", "here"], log).lines
}

/// What is said on standard error, without the time it took.
fn steady(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| match line.split_once(" in ") {
        Some((before, _)) if line.ends_with("MB/s)") => format!("{before} in SECONDS"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn attacks() -> Vec<u8> {
    let mut log = Vec::new();
    let file = std::fs::File::open("corpus/auditd/attacks.log.gz").unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut log).unwrap();
    log
}

fn enriched() -> Vec<u8> {
    let mut log = Vec::new();
    let file = std::fs::File::open("corpus/auditd/audisp-enriched.log.gz").unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut log).unwrap();
    log
}

fn groups(log: &[u8]) -> Vec<Group> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (line, number) in log.split(|byte| *byte == b'\n').zip(1..) {
        coalescer.push(0, number, line);
    }
    coalescer.finish();
    std::iter::from_fn(|| coalescer.pop()).collect()
}

/// Text as LAUREL writes it: percent signs, control characters and what is no UTF-8 as `%XX`.
fn percent(bytes: &[u8]) -> Value {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' || c == '+' || c.is_ascii_control() {
                let _ = write!(out, "%{:02x}", c as u32);
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out.into()
}

/// A value as LAUREL writes it.
fn member(kind: RecordType, key: &[u8], value: RawValue<'_>) -> Value {
    let decoded = match decode(key, kind, value) {
        Some(decoded) => decoded,
        None if value == RawValue::Unknown => return "?".into(),
        None => return Value::Null,
    };
    let text = String::from_utf8_lossy(&decoded);
    let decimal = matches!(
        key,
        b"syscall" | b"exit" | b"items" | b"item" | b"pid" | b"ppid" | b"ses" | b"inode" | b"argc"
    ) || key.ends_with(b"id");
    match text.parse::<i64>() {
        Ok(number) if decimal => return number.into(),
        _ => {}
    }
    match key {
        b"arch" | b"cap_fp" | b"cap_fi" => format!("0x{text}").into(),
        b"mode" => format!("0o{:o}", u32::from_str_radix(&text, 8).unwrap()).into(),
        _ => percent(&decoded),
    }
}

/// The event as LAUREL would write it; keys that stand twice stay twice.
fn laurel(group: &Group) -> String {
    let mut types: Vec<(String, Vec<String>)> = Vec::new();
    let records: Vec<_> = group.records().collect();
    for record in &records {
        let name = String::from_utf8_lossy(record.kind_name()).into_owned();
        if record.kind == RecordType::EXECVE && types.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut argv = Vec::new();
        for field in fields(record.body) {
            let key = String::from_utf8_lossy(field.key).into_owned();
            match (field.key, record.kind, field.value) {
                ([b'a', b'0'..=b'3'], RecordType::SYSCALL, value) => {
                    let text = String::from_utf8_lossy(value.bytes().unwrap()).into_owned();
                    argv.push(Value::from(format!("0x{text}")));
                }
                ([b'a', b'0'..=b'9', ..], RecordType::EXECVE, _) => {}
                (b"proctitle", _, value) => {
                    let title = decode(field.key, record.kind, value).unwrap();
                    argv.extend(title.split(|byte| *byte == 0).map(percent));
                }
                (b"msg", _, RawValue::Nested(text)) => {
                    for field in nested(text) {
                        let key = String::from_utf8_lossy(field.key).into_owned();
                        members.push((key, member(record.kind, field.key, field.value)));
                    }
                }
                (key_bytes, kind, value) => members.push((key, member(kind, key_bytes, value))),
            }
        }
        for field in fields(record.body).enriched() {
            if let RawValue::Quoted(text) | RawValue::Bare(text) = field.value {
                members.push((String::from_utf8_lossy(field.key).into_owned(), percent(text)));
            }
        }
        if record.kind == RecordType::EXECVE {
            let mut arguments = Arguments::default();
            let parts = records.iter().filter(|record| record.kind == RecordType::EXECVE);
            parts.for_each(|record| arguments.push(record.body));
            argv.extend(arguments.iter().map(percent));
        }
        if !argv.is_empty() {
            members.push(("ARGV".to_owned(), argv.into()));
        }
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
            .collect();
        let object = format!("{{{}}}", members.join(","));
        match types.iter_mut().find(|(known, _)| *known == name) {
            Some((_, objects)) => objects.push(object),
            None => types.push((name, vec![object])),
        }
    }
    let mut line = format!("{{\"ID\":\"{}\"", group.id());
    if let Some(node) = group.node() {
        let _ = write!(line, ",\"NODE\":{}", percent(node));
    }
    for (name, objects) in types {
        let single = matches!(name.as_str(), "SYSCALL" | "EXECVE" | "CWD" | "PROCTITLE");
        let value = if single { objects[0].clone() } else { format!("[{}]", objects.join(",")) };
        let _ = write!(line, ",\"{name}\":{value}");
    }
    line + "}\n"
}

/// By serial number: the order of equal times may differ.
fn by_serial(events: Vec<Value>) -> BTreeMap<(String, u64), Value> {
    let key = |event: &Value| {
        let time = event["@timestamp"].as_str().unwrap().to_owned();
        (
            time,
            event["auditd"]["sequence"].as_u64().or(event["event"]["sequence"].as_u64()).unwrap(),
        )
    };
    events.into_iter().map(|event| (key(&event), event)).collect()
}

#[test]
fn events_of_laurel_are_those_of_the_log_they_were_made_of() {
    for log in [attacks(), enriched(), std::fs::read("corpus/auditd/small.log").unwrap()] {
        let groups = groups(&log);
        let lines: String = groups.iter().map(laurel).collect();
        let (raw, told) = (by_serial(events(log)), by_serial(events(lines)));
        assert!(!raw.is_empty());
        assert_eq!(told.len(), raw.len());
        for (key, event) in &raw {
            assert_eq!(&told[key], event, "{key:?}");
        }
    }
}

#[test]
fn the_builtin_rules_find_the_same_in_laurel() {
    let log = attacks();
    let lines: String = groups(&log).iter().map(laurel).collect();
    let found = |log: Vec<u8>| {
        let run = catena(&["replay", "-", "-q"], log);
        let mut found: Vec<String> = run
            .lines
            .iter()
            .map(|alert| format!("{} {}", alert["catena"]["id"], alert["rule"]["id"]))
            .collect();
        found.sort();
        found
    };
    let raw = found(log);
    assert!(raw.len() > 10);
    assert_eq!(found(lines.into_bytes()), raw, "alerts with the same ids");
}

#[test]
fn values_of_laurel_stay_in_their_record() {
    let line = json!({
        "ID": "1700000000.123:7",
        "SYSCALL": {"arch": "0xc000003e", "syscall": 59, "success": "yes", "exit": 0, "pid": 2, "ppid": 1,
            "comm": "x\" uid=0", "tty": "pts0 uid=0\ntype=USER_LOGIN msg=audit(1.1:1): res=success",
            "auid": 1000, "uid": 1000, "subj": "UID=root", "bad key": 1, "evil=1 b": 2,
            "UID": "al\"ice\u{1d}AUID=root", "key": ["k1", "k2"]},
        "EXECVE": {"argc": 2, "ARGV": ["x", "%41%0a"]},
    });
    let [event] = events(line.to_string()).try_into().unwrap();
    assert_eq!(event["user"]["id"], "1000");
    assert_eq!(event["process"]["name"], json!("x\" uid=0"));
    assert_eq!(event["process"]["args"], json!(["x", "A\n"]));
    assert_eq!(event["tags"], json!(["k1", "k2"]));
    assert_eq!(event["user"]["audit"], json!({"id": "1000"}));
}

#[test]
fn what_laurel_left_out_of_arguments_is_missed() {
    let line = |argv: Value| {
        json!({"ID": "1700000000.123:7",
            "SYSCALL": {"arch": "0xc000003e", "syscall": 59, "success": "yes", "exit": 0, "pid": 2},
            "EXECVE": {"argc": 3, "ARGV": argv}})
        .to_string()
    };
    let run = |argv| catena(&["events", "-"], line(argv));
    let whole = run(json!(["a", "b", "c"]));
    assert!(!whole.stderr.contains("arguments missing"), "{}", whole.stderr);
    let cut = run(json!(["a", {"skipped": 1}, "c"]));
    assert_eq!(cut.lines[0]["process"]["args"], json!(["a"]));
    assert!(cut.stderr.contains("1 event incomplete: arguments missing"), "{}", cut.stderr);
    let text = line(json!([])).replace("\"ARGV\":[]", "\"ARGV_STR\":\"sh -c echo hi\"");
    assert_eq!(events(text)[0]["process"]["args"], json!(["sh", "-c", "echo hi"]));
}

#[test]
fn an_address_that_was_only_translated_is_the_address() {
    for (address, ip, port) in [
        (json!({"family": "ipv4", "addr": "10.0.0.1", "port": 443}), "10.0.0.1", 443),
        (json!({"family": "ipv6", "addr": "2001:db8::1", "port": 53}), "2001:db8::1", 53),
    ] {
        let line = json!({"ID": "1700000000.123:7",
            "SYSCALL": {"arch": "0xc000003e", "syscall": 42, "success": "yes", "exit": 0, "pid": 2},
            "SOCKADDR": [{"SADDR": address}]});
        let event = &events(line.to_string())[0];
        assert_eq!(event["destination"]["ip"], ip);
        assert_eq!(event["destination"]["port"], port);
    }
}

/// The log as journald hears it.
fn journal(log: impl AsRef<[u8]>, bytes: bool) -> String {
    let mut out = String::new();
    for line in log.as_ref().split(|byte| *byte == b'\n') {
        let Ok(head) = catena::record::raw::head(line) else { continue };
        if head.body.is_empty() {
            continue;
        }
        let mut message = [head.kind_name, b" "].concat();
        message.extend_from_slice(head.body);
        let text = String::from_utf8(message.clone());
        let message = match text {
            Ok(text) if !bytes => Value::from(text),
            _ => message.into(),
        };
        let mut entry = Map::new();
        entry.insert("__CURSOR".into(), "s=1".into());
        entry.insert("_TRANSPORT".into(), "audit".into());
        entry.insert("_AUDIT_ID".into(), head.serial.to_string().into());
        entry.insert("_AUDIT_TYPE".into(), "0".into());
        entry.insert("_SOURCE_REALTIME_TIMESTAMP".into(), (head.time.0 / 1000).to_string().into());
        entry.insert("MESSAGE".into(), message);
        let _ = writeln!(out, "{}", Value::Object(entry));
    }
    out
}

#[test]
fn entries_of_journald_are_the_records_they_carry() {
    let log = attacks();
    let raw = by_serial(events(log.clone()));
    assert_eq!(by_serial(events(journal(&log, false))), raw);
    assert_eq!(by_serial(events(journal(&log, true))), raw);
}

const KERNEL: &str = r#"{"__CURSOR":"1","_TRANSPORT":"kernel","_HOSTNAME":"db","MESSAGE":"audit: type=1326 audit(1700000000.123:9): auid=1000 uid=1000 gid=1000 ses=1 pid=7 comm=\"x\" exe=\"/x\" sig=31 arch=c000003e syscall=41 compat=0 ip=0x1 code=0x80000000"}
{"__CURSOR":"2","_TRANSPORT":"syslog","_HOSTNAME":"db","MESSAGE":"nothing of ours"}
{"__CURSOR":"3","_TRANSPORT":"kernel","_HOSTNAME":"db","MESSAGE":"audit: audit_lost=7 audit_rate_limit=0 audit_backlog_limit=64"}
{"__CURSOR":"4","_TRANSPORT":"syslog","_HOSTNAME":"db","MESSAGE":"audispd: node=web type=USER_LOGIN msg=audit(1700000001.000:10): pid=1 uid=0 auid=0 ses=1 msg='op=login acct=\"root\" exe=\"/x\" hostname=? addr=? terminal=tty1 res=success'"}
"#;

#[test]
fn records_of_kernel_and_syslog_in_the_journal_are_records() {
    let run = catena(&["events", "-"], KERNEL);
    let types: Vec<&Value> = run.lines.iter().map(|e| &e["auditd"]["message_type"]).collect();
    assert_eq!(types, ["seccomp", "user_login"]);
    let hosts: Vec<&Value> = run.lines.iter().map(|e| &e["host"]["name"]).collect();
    assert_eq!(hosts, ["db", "web"]);
    insta::assert_snapshot!("kernel_in_the_journal", steady(&run.stderr));
}

#[test]
fn the_kernels_copies_of_what_journald_heard_are_passed_by() {
    let log =
        "type=SECCOMP msg=audit(1700000000.123:9): auid=1000 uid=1000 pid=7 comm=\"x\" sig=31";
    let copy = KERNEL.lines().next().unwrap().replace("\"_HOSTNAME\":\"db\",", "");
    let both = journal(log, false) + &copy;
    let run = catena(&["events", "-"], both);
    assert_eq!(run.lines.len(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("1 records, 1 events, 1 skipped, 0 malformed"), "{}", run.stderr);
    let other = journal(log.replace(":9)", ":10)"), false) + &copy;
    assert_eq!(catena(&["events", "-"], other).lines.len(), 2, "of another event it is no copy");
}

#[test]
fn what_a_program_says_to_syslog_hides_nothing() {
    let log =
        "type=SECCOMP msg=audit(1700000000.123:9): auid=1000 uid=1000 pid=7 comm=\"x\" sig=31";
    let forged =
        json!({"__CURSOR": "0", "_TRANSPORT": "syslog", "MESSAGE": log.replace("pid=7", "pid=8")});
    let run = catena(&["events", "-"], format!("{forged}\n{}", journal(log, false)));
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("2 records, 1 events, 0 skipped, 0 malformed"), "{}", run.stderr);
}

#[test]
fn wazuhs_archives_hold_records() {
    let full = r#"type=SYSCALL msg=audit(1700000000.123:7): arch=c000003e syscall=59 success=yes exit=0 pid=2 comm="a type=b" type=EXECVE msg=audit(1700000000.123:7): argc=1 a0="id" type=PROCTITLE msg=audit(1700000000.123:7): proctitle="id""#;
    let line = json!({"agent": {"id": "001", "name": "web"}, "full_log": full});
    let [event] = events(line.to_string()).try_into().unwrap();
    assert_eq!(event["process"]["args"], json!(["id"]));
    assert_eq!(event["host"]["name"], "web");
    let named = format!(
        "node=db {}",
        full.replace(" type=EX", " node=db type=EX").replace(" type=PR", " node=db type=PR")
    );
    let [event] = events(json!({"agent": {"name": "web"}, "full_log": named}).to_string())
        .try_into()
        .unwrap();
    assert_eq!((&event["process"]["args"], &event["host"]["name"]), (&json!(["id"]), &json!("db")));
    let other = json!({"agent": {"name": "web"}, "full_log": "sshd: hello"}).to_string();
    let run = catena(&["events", "-"], other);
    assert!(run.stderr.contains("0 events, 1 skipped, 0 malformed"), "{}", run.stderr);
}

const ENDGAME: &str = r#"{"event_type_full":"process_event","event_subtype_full":"creation_event","process_name":"sh","pid":7,"ppid":1,"unique_pid":70,"unique_ppid":10,"command_line":"sh -c id","timestamp":133444736001230000,"user_name":"root"}
{"event_type_full":"network_event","event_subtype_full":"connection_attempt_event","process_name":"sh","pid":7,"unique_pid":70,"timestamp":133444736011230000,"destination_address":"10.0.0.1","destination_port":"443"}
"#;

#[test]
fn endgames_events_have_our_fields_and_keep_theirs() {
    let query = "sequence by process.entity_id with maxspan=5s \
        [process where event.type == \"start\" and command_line : \"sh*\"] \
        [network where cidrmatch(destination.ip, \"10.0.0.0/8\") and destination.port == 443]";
    let run = catena(&["query", query, "-"], ENDGAME);
    assert_eq!(run.lines.len(), 1, "{}", run.stderr);
    assert_eq!(run.lines[0]["catena"]["first"], "2023-11-14T22:13:20.123Z");
    assert!(run.stderr.contains("catena: -: Endgame events\n"), "{}", run.stderr);
}

#[test]
fn falco_and_tetragon_have_our_fields() {
    let falco = json!({"time": "2023-11-14T22:13:20.123456789Z", "rule": "Shell", "hostname": "web",
        "output_fields": {"proc.name": "sh", "proc.pid": 7, "evt.type": "execve", "user.name": "<NA>"}});
    let event = &events(falco.to_string())[0];
    assert_eq!(event["event"]["category"], json!(["process"]));
    assert_eq!(event["process"], json!({"name": "sh", "pid": 7}));
    assert_eq!(event["user"], Value::Null);
    let tetragon = json!({"time": "2023-11-14T22:13:20Z", "node_name": "web", "process_exec": {
        "process": {"exec_id": "abc", "pid": 7, "binary": "/bin/sh", "arguments": "-c id"},
        "parent": {"pid": 1, "binary": "/sbin/init"}}});
    let event = &events(tetragon.to_string())[0];
    assert_eq!(event["event"]["action"], json!(["exec"]));
    assert_eq!(event["process"]["executable"], "/bin/sh");
    assert_eq!(event["process"]["parent"]["executable"], "/sbin/init");
}

#[test]
fn a_map_of_the_user_says_what_fields_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.toml");
    let map = "absent = [\"-\"]\n[time]\nfield = \"ts\"\nformat = \"ms\"\n[fields]\nproc = \"process.name\"\n\
        kind = { field = \"event.category\", values = { exec = \"process\" } }\n[constants]\n\"host.os.type\" = \"linux\"\n";
    std::fs::write(&path, map).unwrap();
    let log = "{\"ts\":1700000000123,\"proc\":\"sh\",\"kind\":\"exec\"}\n{\"ts\":1700000001123,\"proc\":\"-\",\"kind\":\"exec\"}\n";
    let query = "process where host.os.type == \"linux\" and process.name == null";
    let map = path.to_str().unwrap();
    let run = catena(&["query", query, "-", "--field-map", map], log);
    assert_eq!(run.lines.len(), 1, "{}", run.stderr);
    assert_eq!(run.lines[0]["@timestamp"], "2023-11-14T22:13:21.123Z");
    assert!(run.stderr.contains("catena: -: JSON events through a field map\n"), "{}", run.stderr);
    let run = catena(&["query", query, "-", "--field-map", map, "--input-format", "laurel"], log);
    assert_eq!(run.code, 3);
}

#[test]
fn bad_maps_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.toml");
    let map = "absnet = []\n[time]\nfield = \"ts\"\nformat = \"minutes\"\n[fields]\nproc = \"proces.name\"\n\
        pid = 3\n\"a.b\" = \"a.b\"\n[constants]\n\"event.kind\" = 1.5\n";
    std::fs::write(&path, map).unwrap();
    let run =
        catena(&["query", "any where true", "-", "--field-map", path.to_str().unwrap()], "{}");
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(
        "bad_map",
        run.stderr.replace(&folder.path().display().to_string(), "FOLDER")
    );
    let json = "{\"fields\":\n {\"proc\": \"proces.name\"}}";
    std::fs::write(&path, json).unwrap();
    let run =
        catena(&["query", "any where true", "-", "--field-map", path.to_str().unwrap()], "{}");
    insta::assert_snapshot!(
        "bad_map_json",
        run.stderr.replace(&folder.path().display().to_string(), "FOLDER")
    );
}

const TWO: &str = r#"{"@timestamp":"2024-05-01T10:00:00Z","n":1}
{"@timestamp":"2024-05-01T10:00:01Z","n":2}
"#;

fn numbers(run: &Run) -> Vec<i64> {
    run.lines.iter().map(|event| event["n"].as_i64().unwrap()).collect()
}

#[test]
fn documents_give_the_events_they_hold() {
    let (one, two) = TWO.trim().split_once('\n').unwrap();
    let pretty = TWO.lines().map(|line| {
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(line).unwrap()).unwrap() + "\n"
    });
    for document in [
        format!("[{one},{two}]"),
        format!("\n[\n {one},\n {two}\n]\n"),
        format!(
            "{{\"took\":1,\"hits\":{{\"hits\":[{{\"_source\":{one}}},{{\"_source\":{two}}}]}}}}"
        ),
        format!(
            "{{\n\"took\":1,\n\"hits\":{{\"hits\":[\n{{\"_source\":{one}}},\n{{\"_source\":{two}}}]}}}}\n"
        ),
        pretty.collect(),
        TWO.trim().to_owned(),
        format!("\u{feff}{TWO}"),
        TWO.replace("{\"@", "@cee: {\"@"),
        format!("{{\"index\":{{\"_index\":\"x\"}}}}\n{one}\n{{\"create\":{{}}}}\n{two}\n"),
    ] {
        let run = catena(&["events", "-"], document.clone());
        assert_eq!(numbers(&run), [1, 2], "{document}\n{}", run.stderr);
        assert!(run.stderr.contains(" 0 malformed"), "{document}\n{}", run.stderr);
    }
}

#[test]
fn the_fields_of_a_hit_without_source_are_its_fields() {
    let hit =
        r#"{"_index":"x","_id":"1","fields":{"@timestamp":["2024-05-01T10:00:00Z"],"n":[1]}}"#;
    assert_eq!(numbers(&catena(&["events", "-"], hit)), [1]);
    let both = r#"{"_index":"x","_source":{"@timestamp":"2024-05-01T10:00:00Z","n":1},"fields":{"n":[1]}}"#;
    assert_eq!(numbers(&catena(&["events", "-"], both)), [1]);
}

#[test]
fn a_document_of_many_events_is_never_held_whole() {
    let event =
        json!({"@timestamp": "2024-05-01T10:00:00Z", "n": 1, "x": "y".repeat(1000)}).to_string();
    let document =
        format!("{{\"took\":1,\"hits\":{{\"hits\":[{}]}}}}", vec![event; 20_000].join(","));
    let run = catena(&["query", "any where n == 1 | head 1", "-"], document);
    assert!(run.stderr.contains("20,000 events"), "{}", run.stderr);
}

#[test]
fn changes_of_stored_documents_and_cut_documents_are_told() {
    let bulk = format!(
        "{}{}",
        TWO, "{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{\"n\":3}}\n{\"delete\":{\"_id\":\"1\"}}\n"
    );
    insta::assert_snapshot!("bulk", steady(&catena(&["events", "-"], bulk).stderr));
    let cut = format!("[{},", TWO.lines().next().unwrap());
    insta::assert_snapshot!("cut_document", steady(&catena(&["events", "-"], cut).stderr));
}

#[test]
fn a_log_may_change_its_form_and_loses_nothing() {
    let record = "type=USER_LOGIN msg=audit(1714557600.000:1): pid=1 uid=0 auid=0 ses=1 msg='op=login res=success'\n";
    let laurel =
        "{\"ID\":\"1714557600.500:2\",\"USER_LOGOUT\":[{\"pid\":1,\"res\":\"success\"}]}\n";
    for log in [
        format!("{record}{TWO}{laurel}"),
        format!("{TWO}{laurel}{record}"),
        format!("{laurel}{record}{TWO}"),
    ] {
        let run = catena(&["events", "-", "--strict"], log.clone());
        assert_eq!((run.lines.len(), run.code), (4, 0), "{log}{}", run.stderr);
        assert!(run.stderr.contains("JSON events (2 lines)"), "{}", run.stderr);
        assert!(run.stderr.contains("audit records (1 line)"), "{}", run.stderr);
        assert!(run.stderr.contains("LAUREL events (1 line)"), "{}", run.stderr);
        assert!(run.stderr.contains("catena: 4 lines, 2 records, 4 events"), "{}", run.stderr);
    }
}

#[test]
fn a_form_that_is_said_is_the_form_or_the_input_is_refused() {
    let record =
        "type=USER_LOGIN msg=audit(1714557600.000:1): pid=1 uid=0 msg='op=login res=success'\n";
    let laurel =
        "{\"ID\":\"1714557600.500:2\",\"USER_LOGOUT\":[{\"pid\":1,\"res\":\"success\"}]}\n";
    for (form, log, said) in [
        ("laurel", record, "line 1 is an audit record, not a LAUREL event as it was said to be"),
        ("ecs", laurel, "line 1 is a LAUREL event, not a JSON event as it was said to be"),
        ("audit", TWO, "line 1 is a JSON event, not an audit record as it was said to be"),
        ("journald", laurel, "line 1 is a LAUREL event, not a journald entry as it was said to be"),
    ] {
        let run = catena(&["events", "-", "--input-format", form], log);
        assert_eq!((run.code, run.lines.len()), (4, 0), "{form} {}", run.stderr);
        assert!(run.stderr.contains(&format!("catena: error: -: {said}\n")), "{}", run.stderr);
    }
    for (form, log) in [("audit", record), ("laurel", laurel), ("ecs", TWO), ("auditbeat", TWO)] {
        let run = catena(&["events", "-", "--strict", "--input-format", form], log);
        assert_eq!(run.code, 0, "{form} {}", run.stderr);
        assert!(!run.lines.is_empty());
    }
    let batch = ["query", "--events", "-", "--queries", "x", "--input-format", "laurel"];
    assert_eq!(catena(&batch, laurel).code, 3, "files of events are read as they are");
    let run = catena(&["events", "-", "--input-format", "laurel"], format!("{laurel}{TWO}"));
    assert_eq!((run.code, run.lines.len()), (0, 1));
    assert!(run.stderr.contains("-:2: skipped: not a LAUREL event: no `ID`\n"), "{}", run.stderr);
}

/// Every example of the page is what the page says.
#[test]
fn the_examples_of_the_page_are_read() {
    let page = std::fs::read_to_string("docs/json.md").unwrap();
    let blocks = |kind: &str| -> Vec<String> {
        let open = format!("```{kind}\n");
        let blocks = page.split(open.as_str()).skip(1);
        blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
    };
    let run = catena(&["events", "-", "--input-format", "auto"], blocks("json").concat());
    assert_eq!(run.lines.len(), 8, "{}", run.stderr);
    insta::assert_snapshot!("page", steady(&run.stderr));
    let [map] = blocks("toml").try_into().unwrap();
    let schema = catena::schema::Schema::new();
    assert!(catena::translate::read_map(&map, &schema).is_ok());
}
