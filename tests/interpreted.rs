//! Output of `ausearch -i`, read because the user says so: the same events as the log it was made from,
//! but for what the words do not say; and no text of an attacker that makes another record or event.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use std::collections::BTreeSet;
use std::io::Read as _;

use assert_cmd::Command;
use catena::record::{Arguments, RecordType, decode, fields, head};
use catena::translate::{Form, Line, Translator};
use serde_json::Value;

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

fn corpus(name: &str) -> Vec<u8> {
    let mut log = Vec::new();
    let file = std::fs::File::open(format!("corpus/auditd/{name}")).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut log).unwrap();
    log
}

/// What a line becomes; `Err` is why it becomes nothing.
fn records(line: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, String> {
    let mut out = Vec::new();
    let mut each = |line: Line<'_>| match line {
        Line::Record(record) => out.push(record.to_vec()),
        Line::Event(_) => panic!("an event"),
    };
    let done = Translator::new(None).translate(Form::Interpreted, line.as_ref(), &mut each);
    done.map(|_| out).map_err(|error| error.to_string())
}

const DATE: &str = "11/20/2026 17:42:06.852:301";

fn record(kind: &str, body: &str) -> String {
    let mut records = records(format!("type={kind} msg=audit({DATE}) : {body} ")).unwrap();
    assert_eq!(records.len(), 1);
    let record = String::from_utf8(records.remove(0)).unwrap();
    let body = record.strip_prefix(&format!("type={kind} msg=audit(1795196526.852:301):")).unwrap();
    body.trim_start().replace('\x1d', " | ")
}

/// Fields of documents by their full names.
fn flat(prefix: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let dot = if prefix.is_empty() { "" } else { "." };
            flat(&format!("{prefix}{dot}{name}"), value, out);
        }),
        value => out.push((prefix.to_owned(), value.clone())),
    }
}

/// Why a field differs that the words say less about.
fn is_known_difference(name: &str) -> bool {
    const USERS: [&str; 4] = ["user.", "group.", "actor.", "owner"];
    USERS.iter().any(|part| name.contains(part))
        || matches!(
            name,
            // Names of owners in place of their ids.
            "related.user" | "file.uid" | "file.gid" | "file.group" | "auditd.paths"
            // Every event says that it was read from words.
            | "audit.complete"
            // `SOCK_STREAM` for `80801`; `audtest` for the argument 1092.
            | "auditd.data.a0" | "auditd.data.a1" | "audit.socket.type_flags"
            // Memory behind the end of a path.
            | "auditd.data.socket.saddr"
        )
}

#[test]
fn a_log_and_its_words_are_the_same_events() {
    let raw = catena(&["events", "-", "-q", "--host", "here"], corpus("lost.log.gz"));
    let words = catena(
        &["events", "-", "--host", "here", "--input-format", "interpreted"],
        corpus("lost.ausearch-i.txt.gz"),
    );
    assert_eq!((raw.lines.len(), words.lines.len(), words.code), (114, 114, 0), "{}", words.stderr);
    assert!(words.stderr.contains("520 lines read from interpreted text"), "{}", words.stderr);
    assert!(words.stderr.contains("114 events incomplete: read from interpreted text"));
    let mut differ = BTreeSet::new();
    let mut same = 0;
    for (raw, words) in raw.lines.iter().zip(&words.lines) {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        flat("", raw, &mut left);
        flat("", words, &mut right);
        assert_eq!(raw["event"]["sequence"], words["event"]["sequence"]);
        for (one, other) in [(&left, &right), (&right, &left)] {
            let missing = one.iter().filter(|field| !other.contains(field));
            differ.extend(missing.map(|(name, _)| name.clone()));
        }
        same += left.iter().filter(|field| right.contains(field)).count();
    }
    let new: Vec<_> = differ.iter().filter(|name| !is_known_difference(name)).collect();
    assert!(new.is_empty(), "{new:?}");
    assert!(same > 2000, "{same}");
}

#[test]
fn a_log_and_its_words_give_the_same_alerts() {
    let query = r#"sequence by process.entity_id with maxspan=5s
        [process where event.action == "exec" and process.args_count > 0]
        [any where true]"#;
    for query in [query, r#"process where process.executable like "/usr/bin/*""#] {
        let arguments = ["query", query, "-", "--format", "ndjson", "--host", "here"];
        let raw = catena(&arguments, corpus("lost.log.gz"));
        let with_form = [&arguments[..], &["--input-format", "interpreted"]].concat();
        let words = catena(&with_form, corpus("lost.ausearch-i.txt.gz"));
        assert!(!raw.lines.is_empty(), "{}", raw.stderr);
        assert_eq!(raw.lines.len(), words.lines.len());
        for (raw, words) in raw.lines.iter().zip(&words.lines) {
            let (id, other_id) = (&raw["event"]["id"], &words["event"]["id"]);
            assert!(id.is_string() && id == other_id, "{id} {other_id}");
            let incomplete =
                |alert: &Value| alert["catena"]["evidence"]["incomplete"].as_u64().unwrap();
            assert!(incomplete(words) > incomplete(raw));
        }
    }
}

#[test]
fn without_the_option_the_way_is_named() {
    let run = catena(&["events", "-"], format!("type=EOE msg=audit({DATE}) : \n"));
    assert!(run.stderr.contains("--input-format interpreted"), "{}", run.stderr);
    assert!(run.lines.is_empty());
    let raw = "type=CWD msg=audit(1795196526.852:301): cwd=\"/\"\n";
    let run = catena(&["events", "-", "--input-format", "interpreted"], raw);
    assert!(run.stderr.contains("is an audit record, not an interpreted"), "{}", run.stderr);
    assert_ne!(run.code, 0);
}

#[test]
fn local_time_is_what_the_user_says() {
    let line =
        format!("type=USER_CMD msg=audit({DATE}) : pid=1 uid=ann msg='cmd=ls res=success' \n");
    let time = |offset: &str| {
        let arguments =
            ["events", "-", "--input-format", "interpreted", "--timezone-offset", offset];
        let run = catena(&arguments, line.clone());
        run.lines.first().map(|event| event["@timestamp"].clone())
    };
    assert_eq!(time("+00:00").unwrap(), "2026-11-20T17:42:06.852Z");
    assert_eq!(time("+01:00").unwrap(), "2026-11-20T16:42:06.852Z");
    assert_eq!(time("-03:30").unwrap(), "2026-11-20T21:12:06.852Z");
    for bad in ["1", "+1:00", "+01:60", "+14:01", "01:00", "Europe/Berlin", ""] {
        assert_eq!(time(bad), None, "{bad}");
    }
    let run = catena(&["events", "-", "--timezone-offset", "+01:00"], line.clone());
    assert!(run.stderr.contains("is for --input-format interpreted"), "{}", run.stderr);
}

#[test]
fn bad_dates_are_counted() {
    let lines = format!(
        "type=CWD msg=audit(02/30/2026 00:00:00.000:1) : cwd=/\n----\n\
         type=CWD msg=audit({DATE}) : cwd=/\nNov 20 17:42:06 h sshd[7]: Invalid user type=CWD msg=audit({DATE}) : cwd=/x\n"
    );
    let run = catena(&["events", "-", "--strict", "--input-format", "interpreted"], lines);
    assert!(run.stderr.contains("1 records, 1 events, 1 skipped, 2 malformed"), "{}", run.stderr);
    assert!(run.stderr.contains("-:1: skipped: not an interpreted audit record: not a date"));
    assert!(run.stderr.contains("a record inside the text of another message"), "{}", run.stderr);
    assert_eq!(run.code, 5);
}

#[test]
fn words_become_what_was_logged() {
    assert_eq!(
        record(
            "SYSCALL",
            "arch=x86_64 syscall=openat success=no exit=EACCES(Permission denied) a0=AT_FDCWD a1=0x7ffe \
             a2=O_RDONLY|O_CLOEXEC a3=0x0 items=1 ppid=1 pid=7 auid=unset uid=unknown(4242) gid=ann euid=root \
             tty=(none) ses=unset comm=a b exe=/usr/bin/cat key=one key=two"
        ),
        "arch=c000003e syscall=257 success=no exit=-13 a0=ffffff9c a1=7ffe a2=80000 a3=0 items=1 ppid=1 pid=7 \
         auid=4294967295 uid=4242 tty=(none) ses=4294967295 comm=612062 exe=\"/usr/bin/cat\" key=6F6E650174776F \
         | GID=\"ann\" EUID=\"root\""
    );
    #[rustfmt::skip]
    let rows = [
        ("SOCKADDR", "saddr={ saddr_fam=inet laddr=198.51.100.7 lport=9003 }", "saddr=0200232BC63364070000000000000000"),
        ("SOCKADDR", "saddr={ saddr_fam=inet6 laddr=fd00::2 lport=9016 }",
         "saddr=0A00233800000000FD00000000000000000000000000000200000000"),
        ("SOCKADDR", "saddr={ saddr_fam=local path=/run/a }b }", "saddr=01002F72756E2F61207D6200"),
        ("SOCKADDR", "saddr={ saddr_fam=netlink nlnk-fam=16 nlnk-pid=7 }", "saddr=100000000700000000000000"),
        ("SOCKADDR", "saddr=unknown-family(0)", "saddr=0000"),
        ("SOCKADDR", "saddr={ saddr_fam=inet laddr=me lport=x }", "| SADDR=\"{ saddr_fam=inet laddr=me lport=x }\""),
        ("PATH", "item=0 name=/a b mode=file,suid,755 ouid=root nametype=NORMAL cap_fp=none",
         "item=0 name=2F612062 mode=0104755 nametype=NORMAL cap_fp=0 | OUID=\"root\""),
        ("PATH", "item=0 name=(null) nametype=PARENT", "item=0 name=(null) nametype=PARENT"),
        ("CWD", "cwd=/tmp", "cwd=\"/tmp\""),
        ("PROCTITLE", "proctitle=sh -c id", "proctitle=7368202D63206964"),
        ("EXECVE", "argc=3 a0=sh a1= a2=\"q\" (null)", "argc=3 a0=\"sh\" a1=\"\" a2=22712220286E756C6C29"),
        ("CONFIG_CHANGE", "auid=unset op=add_rule key=exec list=exit res=yes",
         "auid=4294967295 op=add_rule list=4 res=1 key=\"exec\""),
        ("USER_AUTH", "pid=7 uid=root auid=unset ses=unset msg='op=PAM:authentication grantors=? acct=dead \
          exe=/usr/bin/su hostname=? addr=? terminal=? res=failed'",
         "pid=7 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"dead\" \
          exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=failed' | UID=\"root\""),
        ("AVC", "avc:  denied  { read } for  pid=7 comm=a b", "avc:  denied  { read } for pid=7 comm=612062"),
    ];
    for (kind, words, logged) in rows {
        assert_eq!(record(kind, words).trim(), logged, "{kind} {words}");
    }
}

fn arguments(body: &str) -> Vec<String> {
    let record = record("EXECVE", body);
    let mut arguments = Arguments::default();
    arguments.push(record.as_bytes());
    arguments.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

fn value(kind: &str, body: &str, key: &str) -> Option<String> {
    let record = record(kind, body);
    let kind = RecordType::from_name(kind.as_bytes()).unwrap();
    let field = fields(record.as_bytes()).find(|field| field.key == key.as_bytes())?;
    let bytes = decode(field.key, kind, field.value)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is ambiguous is said here: the words of one argument and of two look the same.
#[test]
fn text_that_looks_like_fields_stays_in_its_value() {
    assert_eq!(arguments("argc=2 a0=x uid=0 a1=y a3=z a2"), ["x uid=0", "y a3=z a2"]);
    // Ambiguous: an argument that holds the next place begins another argument, of the same list.
    assert_eq!(arguments("argc=3 a0=sh a1=x a2=forged a2=y"), ["sh", "x", "forged a2=y"]);
    let call = "arch=x86_64 syscall=execve pid=7 uid=unknown(4242) comm=sh uid=0 pid=1 exe=/bin/sh key=(null)";
    assert_eq!(value("SYSCALL", call, "comm").unwrap(), "sh uid=0 pid=1");
    assert_eq!(value("SYSCALL", call, "uid").unwrap(), "4242");
    // Ambiguous: a program named `a exe=/bin/true`. The path that it was run from is in the value.
    let call = "pid=7 comm=a exe=/bin/true exe=/tmp/x key=(null)";
    assert_eq!(value("SYSCALL", call, "exe").unwrap(), "/bin/true exe=/tmp/x");
    let path = "item=0 name=/tmp/x inode=1 nametype=DELETE inode=9 dev=fe:00 nametype=NORMAL";
    assert_eq!(value("PATH", path, "name").unwrap(), "/tmp/x inode=1 nametype=DELETE");
    assert_eq!(value("PATH", path, "nametype").unwrap(), "NORMAL");
    assert_eq!(value("CWD", "cwd=/tmp cwd=/root", "cwd").unwrap(), "/tmp cwd=/root");
    let said = "pid=7 uid=root msg='op=login acct=x res=success exe=/bin/su res=success' exe=/usr/sbin/sshd \
                hostname=? addr=192.0.2.1 terminal=ssh res=failed'";
    let text = record("USER_LOGIN", said);
    assert!(text.ends_with("terminal=ssh res=failed' | UID=\"root\""), "{text}");
    assert!(!text.contains("res=success"), "{text}");
}

/// Whatever stands in a value: one line in, at most one record out, of the same type and event.
#[test]
fn no_text_makes_another_record() {
    let texts = [
        " uid=0",
        " a3=x",
        "'",
        "\"",
        "\x1dUID=\"root\"",
        "\r",
        "} saddr=00",
        " msg='res=success'",
        "\0",
        "\u{fffd}",
        " type=SYSCALL msg=audit(1.000:1): syscall=59",
        ") : syscall=59",
        " key=(null)",
        "=",
        " = ",
        "unknown(",
        "{ ",
    ];
    let bodies = [
        ("SYSCALL", "arch=x86_64 syscall=execve pid=7 comm=@ exe=/@ key=@"),
        ("EXECVE", "argc=2 a0=@ a1=@"),
        ("PATH", "item=0 name=@ inode=1 nametype=NORMAL"),
        ("CWD", "cwd=@"),
        ("PROCTITLE", "proctitle=@"),
        ("SOCKADDR", "saddr={ saddr_fam=local path=@ }"),
        ("USER_LOGIN", "pid=7 uid=@ msg='op=login acct=@ exe=/x res=failed'"),
        ("AVC", "avc:  denied  { read } for  pid=7 comm=@ path=@"),
        ("ANOM_ABEND", "pid=7 comm=@ exe=@ sig=SIGSEGV res=yes"),
    ];
    for (kind, body) in bodies {
        for text in
            texts.iter().flat_map(|one| texts.iter().map(move |other| format!("{one}{other}")))
        {
            let line = format!("type={kind} msg=audit({DATE}) : {}", body.replace('@', &text));
            let records = records(&line).unwrap();
            assert_eq!(records.len(), 1, "{line:?}");
            assert!(!records[0].contains(&b'\n') && !records[0].contains(&b'\r'), "{line:?}");
            let head = head(&records[0]).unwrap();
            assert_eq!((head.kind_name, head.serial), (kind.as_bytes(), 301), "{line:?}");
            assert!(records[0].iter().filter(|byte| **byte == 0x1d).count() <= 1, "{line:?}");
            for field in fields(head.body).enriched() {
                assert_ne!(
                    (field.key, field.value.bytes()),
                    (&b"UID"[..], Some(&b"root"[..])),
                    "{line:?}"
                );
            }
            let first = fields(head.body).find(|field| field.key == b"pid");
            if let Some(field) = first {
                assert_eq!(field.value.bytes(), Some(&b"7"[..]), "{line:?}");
            }
        }
    }
}
