//! Our reader beside another one, the crate `linux-audit-parser`: on every line that both read, every
//! value that it tells is told by ours as well. Where the two differ there is a row that says why, and
//! every row is needed by some line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;

use catena::record::text::unhex;
use catena::record::{Field, Head, RawValue, RecordType, decode, fields, head, nested};
use flate2::read::GzDecoder;
use linux_audit_parser::{Number, Parser, Quote, Value};

/// One value, as both tell it.
struct Told<'a> {
    kind: RecordType,
    key: &'a str,
    ours: Option<Field<'a>>,
    theirs: &'a Value<'a>,
    in_text: bool,
}

/// A difference: what it is, and when two values differ because of it.
struct Row {
    why: &'static str,
    holds: fn(&Told<'_>) -> bool,
}

const ROWS: [Row; 4] = [
    Row {
        why: "it takes any even number of digits for hexadecimal, also where nobody encodes: an `id=1000` in \
              the text of a program and a `tty=dead` are what they look like",
        holds: |told| !is_encoded(told) && guesses_hex(told),
    },
    Row {
        why: "`?` and `(null)` are no value in any field; it takes them for text where it wants a number, and \
              where they end the text of a program",
        holds: |told| is_absent(told),
    },
    Row {
        why: "the value that ends the text of a program it takes as it stands, because a quote follows instead \
              of a blank: hexadecimal is that at the end as well",
        holds: |told| told.in_text && stands_as_logged(told),
    },
    Row {
        why: "where the separator before the enriched copies was lost, it reads the first copy as a part of the \
              value before",
        holds: |told| match told.theirs {
            Value::Str(theirs, _) => theirs.starts_with(b"(null)ARCH="),
            _ => false,
        },
    },
];

fn is_encoded(told: &Told<'_>) -> bool {
    catena::record::is_encoded(told.kind, told.key.as_bytes())
}

/// They decoded what we left as it is.
fn guesses_hex(told: &Told<'_>) -> bool {
    let (Some(RawValue::Bare(token)), Value::Str(theirs, _)) =
        (told.ours.map(|field| field.value), told.theirs)
    else {
        return false;
    };
    let mut decoded = Vec::new();
    unhex(token, &mut decoded) && decoded == *theirs
}

/// They tell what was logged where we tell what it means.
fn stands_as_logged(told: &Told<'_>) -> bool {
    let (Some(ours), Value::Str(theirs, Quote::None)) =
        (told.ours.map(|field| field.value), told.theirs)
    else {
        return false;
    };
    matches!(ours, RawValue::Bare(token) if is_encoded(told) && token == *theirs)
}

fn is_absent(told: &Told<'_>) -> bool {
    match (told.ours.map(|field| field.value), told.theirs) {
        (Some(RawValue::Null), Value::Str(theirs, _)) => *theirs == b"(null)",
        (Some(RawValue::Unknown), Value::Str(theirs, _)) => *theirs == b"?",
        _ => false,
    }
}

/// Whether both say the same.
fn agree(told: &Told<'_>) -> bool {
    let Some(field) = told.ours else { return false };
    let number = |radix: u32| -> Option<i128> {
        i128::from_str_radix(std::str::from_utf8(field.value.bytes()?).ok()?, radix).ok()
    };
    let ours = decode(field.key, told.kind, field.value);
    match told.theirs {
        Value::Empty => ours.is_none_or(|ours| ours.is_empty()),
        Value::Number(Number::Hex(n)) => number(16) == Some(i128::from(*n)),
        Value::Number(Number::Dec(n)) => number(10) == Some(i128::from(*n)),
        Value::Number(Number::Oct(n)) => number(8) == Some(i128::from(*n)),
        Value::Str(text, Quote::Braces) => ours.is_some_and(|ours| *ours == *text.trim_ascii()),
        Value::Str(text, _) => ours.is_some_and(|ours| *ours == **text),
        Value::Owned(bytes) => ours.is_some_and(|ours| *ours == bytes[..]),
        Value::List(list) => {
            let words: Vec<&[u8]> = list
                .iter()
                .filter_map(|item| match item {
                    Value::Str(text, _) => Some(*text),
                    _ => None,
                })
                .collect();
            let perms = ours.unwrap_or_default();
            words.len() == list.len() && words == perms.split(|b| *b == b' ').collect::<Vec<_>>()
        }
        other => panic!("{}={other:?}", told.key),
    }
}

/// Lines compared, values compared, and how often each row was needed.
#[derive(Default)]
struct Account {
    lines: u64,
    values: u64,
    only_ours: u64,
    needed: BTreeMap<usize, u64>,
    unexplained: BTreeSet<String>,
}

impl Account {
    fn line(&mut self, line: &[u8]) {
        let with_end = [line, b"\n"].concat();
        let parser = Parser::default();
        let Ok(theirs) = parser.parse(&with_end) else {
            self.only_ours += u64::from(head(line).is_ok());
            return;
        };
        let ours = head(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        self.lines += 1;
        assert_eq!(ours.time.as_millis(), i64::try_from(theirs.id.timestamp).unwrap());
        assert_eq!(ours.serial, theirs.id.sequence);
        assert_eq!(ours.node, theirs.node.as_deref());
        assert_eq!(u32::from(ours.kind.0), theirs.ty.0);
        // Values point into the body that they came from: it must outlive them.
        let body: Vec<_> =
            (&theirs.body).into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        self.body(&ours, &body);
    }

    fn body<'a>(&mut self, head: &Head<'a>, theirs: &[(String, &Value<'_>)]) {
        let all: Vec<Field<'a>> = fields(head.body).chain(fields(head.body).enriched()).collect();
        let mut seen = HashMap::new();
        for (key, value) in theirs {
            // The permissions of an AVC have the verb for a key there, and one of their own here.
            let key = if matches!(value, Value::List(_)) { "perms" } else { key };
            let nth = seen.entry(key.to_owned()).or_insert(0_usize);
            let ours = all.iter().filter(|field| field.key == key.as_bytes()).nth(*nth).copied();
            *nth += 1;
            if let (Value::Map(inside), Some(RawValue::Nested(text))) =
                (value, ours.map(|field| field.value))
            {
                let mut seen = HashMap::new();
                for (key, value) in inside {
                    let key = key.to_string();
                    let nth = seen.entry(key.clone()).or_insert(0_usize);
                    let ours = nested(text).filter(|field| field.key == key.as_bytes()).nth(*nth);
                    *nth += 1;
                    self.value(
                        &Told { kind: head.kind, key: &key, ours, theirs: value, in_text: true },
                        head,
                    );
                }
                continue;
            }
            self.value(&Told { kind: head.kind, key, ours, theirs: value, in_text: false }, head);
        }
    }

    fn value(&mut self, told: &Told<'_>, head: &Head<'_>) {
        self.values += 1;
        if agree(told) {
            return;
        }
        match ROWS.iter().position(|row| (row.holds)(told)) {
            Some(row) => *self.needed.entry(row).or_default() += 1,
            None => {
                let line = String::from_utf8_lossy(head.line).into_owned();
                let ours =
                    told.ours.and_then(|field| field.value.bytes()).map(String::from_utf8_lossy);
                let shown = format!(
                    "{} {}: {ours:?} and {:?}\n    {line}",
                    told.key, head.kind.0, told.theirs
                );
                self.unexplained.insert(shown);
            }
        }
    }
}

/// Every line of our corpus of audit logs.
fn corpus() -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for name in ["attacks.log.gz", "audisp-enriched.log.gz", "small.log", "webshell.log"] {
        let mut bytes = std::fs::read(format!("corpus/auditd/{name}")).unwrap();
        if name.ends_with(".gz") {
            let packed = std::mem::take(&mut bytes);
            GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        }
        lines.extend(bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
    }
    let kit = std::fs::read_to_string("corpus/auditd/kit.jsonl").unwrap();
    for case in kit.lines() {
        let case: serde_json::Value = serde_json::from_str(case).unwrap();
        let texts = case["in"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        lines.extend(texts.map(|line| line.as_bytes().to_vec()));
    }
    lines
}

/// Numbers that are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % most as u64).unwrap()
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

/// Records of every type with keys and values of every form in any order.
fn generated(count: usize) -> Vec<Vec<u8>> {
    const KINDS: [&str; 16] = [
        "SYSCALL",
        "EXECVE",
        "PATH",
        "CWD",
        "PROCTITLE",
        "SOCKADDR",
        "OBJ_PID",
        "USER_AUTH",
        "USER_CMD",
        "LOGIN",
        "AVC",
        "CONFIG_CHANGE",
        "SECCOMP",
        "BPF",
        "CAPSET",
        "UNKNOWN[1399]",
    ];
    const KEYS: [&str; 40] = [
        "arch",
        "syscall",
        "success",
        "exit",
        "a0",
        "a1",
        "a12",
        "items",
        "ppid",
        "pid",
        "auid",
        "uid",
        "gid",
        "tty",
        "ses",
        "comm",
        "exe",
        "subj",
        "key",
        "argc",
        "item",
        "name",
        "inode",
        "dev",
        "mode",
        "rdev",
        "nametype",
        "cwd",
        "proctitle",
        "saddr",
        "opid",
        "ocomm",
        "acct",
        "addr",
        "terminal",
        "hostname",
        "cap_fp",
        "sig",
        "op",
        "new-disk",
    ];
    const VALUES: [&str; 26] = [
        "0",
        "1",
        "59",
        "-13",
        "4294967295",
        "c000003e",
        "7ffd",
        "41",
        "4142",
        "ABC",
        "dead",
        "2F746D70",
        "\"\"",
        "\"x\"",
        "\"/usr/bin/x\"",
        "\"DEADBEEF\"",
        "\"a=b\"",
        "\"it's\"",
        "(null)",
        "(none)",
        "?",
        "yes",
        "fe:00",
        "0100755",
        "NORMAL",
        "u:r:t:s0",
    ];
    let mut numbers = Numbers(1);
    let mut lines = Vec::new();
    for serial in 0..count {
        let kind = numbers.pick(&KINDS);
        let mut line = format!("type={kind} msg=audit(1700000000.{:03}:{serial}):", serial % 1000);
        let mut pairs = |line: &mut String, most: usize| {
            for _ in 0..numbers.below(most) {
                line.push_str(&format!(" {}={}", numbers.pick(&KEYS), numbers.pick(&VALUES)));
            }
        };
        pairs(&mut line, 12);
        if kind.starts_with("USER") {
            let mut text = String::new();
            pairs(&mut text, 8);
            // Between single quotes there is none.
            line.push_str(&format!(" msg='{}'", text.trim().replace("it's", "its")));
        }
        if serial % 3 == 0 {
            line.push_str("\u{1d}ARCH=x86_64 SYSCALL=execve UID=\"root\" AUID=\"unset\"");
        }
        lines.push(line.into_bytes());
    }
    lines
}

#[test]
fn every_value_that_the_other_reader_tells_is_told() {
    let mut account = Account::default();
    for line in corpus().iter().chain(&generated(20_000)) {
        account.line(line);
    }
    let shown: Vec<_> = account.unexplained.iter().take(20).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} differ:\n{}", account.unexplained.len(), shown.join("\n"));
    for (index, row) in ROWS.iter().enumerate() {
        assert!(account.needed.contains_key(&index), "no line needs: {}", row.why);
    }
    // Both read nearly all; what the other refuses are heads it does not know and cut lines.
    assert!(account.lines > 30_000, "{}", account.lines);
    assert!(account.values > 250_000, "{}", account.values);
    assert!(account.only_ours < 4_000, "{}", account.only_ours);
}
