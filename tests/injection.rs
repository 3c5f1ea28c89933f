//! Bytes of an attacker in a log that the kernel, libaudit or a program wrote: whatever they are, they
//! make no field, no record, no event and no line, and come out as they were put in.
//!
//! The texts are encoded as their writers encode them: between quotes where every byte is printable and
//! none a blank or a double quote, hexadecimal elsewhere. They are random, of many lengths, and full of
//! what means something in a log.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use catena::event::{
    CoalesceLimits, Coalescer, Document, Event, Group, Hosts, Identity, Projection,
};
use catena::pick::Text;
use catena::record::text::text_of;
use catena::record::{RawValue, RecordType, Sockaddr, decode, fields, nested};

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

    fn pick<'t>(&mut self, from: &[&'t [u8]]) -> &'t [u8] {
        from[self.below(from.len())]
    }

    /// Bytes that somebody who knows the format would try, and any others.
    fn bytes(&mut self, most: usize) -> Vec<u8> {
        const PARTS: [&[u8]; 36] = [
            b" ",
            b"\n",
            b"\r",
            b"\0",
            b"\"",
            b"'",
            b"\\",
            b"=",
            b"{ ",
            b" }",
            b"(null)",
            b"?",
            b"\x1d",
            b"\x01",
            b"\x1b[2J",
            b"\x1b]0;x\x07",
            b"\xff",
            b"\xc3\xbc",
            b"\xe2\x80\xae",
            b"41",
            b"DEADBEEF",
            b" key=\"k\"",
            b" uid=0",
            b"\" exe=\"/bin/true",
            b"' res=success'",
            b" res=success",
            b"UID=\"root\"",
            b"type=SYSCALL msg=audit(1.000:1): ",
            b"node=x ",
            b"----",
            b"\ntype=EOE msg=audit(1700000000.100:2): ",
            b"/tmp/a",
            b"a0=\"x\"",
            b"argc=1",
            b"SYSCALL=execve",
            b"success=yes",
        ];
        let mut out = Vec::new();
        for _ in 0..self.below(6) {
            if self.below(4) == 0 {
                out.extend((0..self.below(9)).map(|_| u8::try_from(self.below(256)).unwrap()));
            } else {
                out.extend_from_slice(self.pick(&PARTS));
            }
        }
        out.truncate(most);
        out
    }

    /// The same without the byte that ends a text in the kernel.
    fn text(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = self.bytes(most);
        bytes.retain(|byte| *byte != 0);
        bytes
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// What the kernel and libaudit write for a text they do not trust.
fn encoded(bytes: &[u8]) -> String {
    match bytes.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e)) {
        true => format!("\"{}\"", String::from_utf8(bytes.to_vec()).unwrap()),
        false => hex(bytes),
    }
}

/// One execution of an attacker: everything in it is his.
struct Attempt {
    serial: u32,
    comm: Vec<u8>,
    exe: Vec<u8>,
    args: Vec<Vec<u8>>,
    cwd: Vec<u8>,
    path: Vec<u8>,
    title: Vec<u8>,
    sun_path: Vec<u8>,
    keys: Vec<Vec<u8>>,
    acct: Vec<u8>,
    cmd: Vec<u8>,
}

impl Attempt {
    fn new(numbers: &mut Numbers, serial: u32) -> Self {
        let mut keys: Vec<Vec<u8>> = (0..numbers.below(3)).map(|_| numbers.text(30)).collect();
        keys.iter_mut().for_each(|key| key.retain(|byte| *byte != 1));
        keys.retain(|key| !key.is_empty());
        let mut title = numbers.bytes(128);
        if title.is_empty() {
            title.push(b'x');
        }
        Self {
            serial,
            comm: numbers.text(15),
            exe: [b"/", &numbers.text(40)[..]].concat(),
            args: (0..=numbers.below(4)).map(|_| numbers.text(60)).collect(),
            cwd: [b"/", &numbers.text(40)[..]].concat(),
            path: numbers.text(60),
            title,
            sun_path: numbers.text(100),
            keys,
            acct: numbers.text(40),
            cmd: numbers.text(60),
        }
    }

    fn stamp(&self) -> String {
        format!("msg=audit(1700000000.100:{})", self.serial)
    }

    /// The records of the kernel, as `auditd` writes them.
    fn lines(&self) -> Vec<String> {
        let stamp = self.stamp();
        let key = match self.keys.is_empty() {
            true => "(null)".to_owned(),
            false => encoded(&self.keys.join(&1_u8)),
        };
        let mut args = String::new();
        for (index, arg) in self.args.iter().enumerate() {
            if arg.len() > 20 {
                // In pieces: always hexadecimal where one byte is not printable.
                let text = encoded(arg);
                let text = match text.strip_prefix('"') {
                    Some(_) => hex(arg),
                    None => text,
                };
                let (first, second) = text.split_at(20);
                args.push_str(&format!(
                    " a{index}_len={} a{index}[0]={first} a{index}[1]={second}",
                    text.len()
                ));
            } else {
                args.push_str(&format!(" a{index}={}", encoded(arg)));
            }
        }
        let mut address = b"\x01\x00".to_vec();
        address.extend(&self.sun_path);
        // What lies behind the name in memory.
        address.extend(b"\0 uid=0\n");
        vec![
            format!(
                "type=SYSCALL {stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 \
                 ppid=10 pid=11 auid=1000 uid=33 gid=33 tty=(none) ses=2 comm={} exe={} key={key}\u{1d}ARCH=x86_64 \
                 SYSCALL=execve AUID=\"ann\" UID=\"www-data\"",
                encoded(&self.comm),
                encoded(&self.exe)
            ),
            format!("type=EXECVE {stamp}: argc={}{args}", self.args.len()),
            format!("type=SOCKADDR {stamp}: saddr={}", hex(&address)),
            format!("type=CWD {stamp}: cwd={}", encoded(&self.cwd)),
            format!(
                "type=PATH {stamp}: item=0 name={} inode=7 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 \
                 nametype=NORMAL\u{1d}OUID=\"root\" OGID=\"root\"",
                encoded(&self.path)
            ),
            format!("type=PROCTITLE {stamp}: proctitle={}", encoded(&self.title)),
        ]
    }

    /// What `sudo` writes about him.
    fn user_line(&self) -> String {
        format!(
            "type=USER_CMD msg=audit(1700000000.100:{}): pid=11 uid=33 auid=1000 ses=2 msg='acct={} cwd={} cmd={} \
             exe=\"/usr/bin/sudo\" hostname=? addr=? terminal=pts/0 res=failed'\u{1d}UID=\"www-data\" AUID=\"ann\"",
            self.serial + 1_000_000,
            encoded(&self.acct),
            encoded(&self.cwd),
            encoded(&self.cmd)
        )
    }
}

fn decoded(group: &Group, kind: RecordType, key: &str) -> Option<Vec<u8>> {
    let record = group.first(kind).unwrap();
    let found = fields(record.body).filter(|field| field.key == key.as_bytes()).collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "{key} of {}", String::from_utf8_lossy(&record.line()));
    decode(found[0].key, kind, found[0].value).map(std::borrow::Cow::into_owned)
}

/// The keys of a record in order, the enriched ones behind a bar.
fn key_list(group: &Group, kind: RecordType) -> String {
    let body = group.first(kind).unwrap().body;
    let own =
        fields(body).map(|field| text_of(field.key).into_owned()).collect::<Vec<_>>().join(" ");
    let copies = fields(body).enriched().map(|field| text_of(field.key).into_owned());
    let copies = copies.collect::<Vec<_>>().join(" ");
    if copies.is_empty() { own } else { format!("{own} | {copies}") }
}

fn document(group: Group) -> (Document, String) {
    let projection = Projection::new([]);
    let mut event = Event::new(projection.len());
    let host = Hosts::new(&Identity::named("web01"), ["log"]).find(0, None);
    event.load(group, &projection, host);
    let mut text = Text::default();
    let shown = text.of(&event).to_owned();
    (event.document(), shown)
}

fn values(document: &Document, field: &str) -> Vec<String> {
    document.values(field).iter().map(|v| v.to_string()).collect()
}

#[test]
fn what_an_attacker_writes_stays_what_he_wrote() {
    let mut numbers = Numbers(7);
    for round in 0..400 {
        let attempts: Vec<Attempt> =
            (0..12).map(|index| Attempt::new(&mut numbers, round * 12 + index + 1)).collect();
        // Records of one event stay in order; those of several interleave.
        let mut queues: Vec<Vec<String>> = attempts.iter().map(Attempt::lines).collect();
        queues.extend(attempts.iter().map(|attempt| vec![attempt.user_line()]));
        let mut log = Vec::new();
        while queues.iter().any(|queue| !queue.is_empty()) {
            let index = numbers.below(queues.len());
            if !queues[index].is_empty() {
                log.push(queues[index].remove(0));
            }
        }
        let text = log.join("\n");
        let mut coalescer = Coalescer::new(CoalesceLimits::default());
        for (number, line) in (1..).zip(text.split('\n')) {
            coalescer.push(0, number, line.as_bytes());
        }
        coalescer.finish();
        let stats = coalescer.stats();
        assert_eq!((stats.lines, stats.records), (log.len() as u64, log.len() as u64));
        assert_eq!((stats.malformed, stats.late, stats.duplicate, stats.boots), (0, 0, 0, 0));
        let mut groups: Vec<Group> = std::iter::from_fn(|| coalescer.pop()).collect();
        assert_eq!(groups.len(), 24, "an event for each of its own and no other");
        groups.sort_by_key(|group| group.id().serial);
        let (calls, texts) = groups.split_at(12);
        for (attempt, group) in attempts.iter().zip(calls) {
            check_call(attempt, group);
        }
        for (attempt, group) in attempts.iter().zip(texts) {
            check_text(attempt, group);
        }
    }
}

fn check_call(attempt: &Attempt, group: &Group) {
    assert_eq!(group.id().serial, attempt.serial);
    assert_eq!(group.len(), 6);
    assert_eq!(group.node(), None);
    assert_eq!(
        key_list(group, RecordType::SYSCALL),
        "arch syscall success exit a0 a1 a2 a3 items ppid pid auid uid gid tty ses comm exe key | ARCH SYSCALL AUID UID"
    );
    assert_eq!(
        key_list(group, RecordType::PATH),
        "item name inode dev mode ouid ogid rdev nametype | OUID OGID"
    );
    assert_eq!(key_list(group, RecordType::CWD), "cwd");
    assert_eq!(key_list(group, RecordType::PROCTITLE), "proctitle");
    assert_eq!(key_list(group, RecordType::SOCKADDR), "saddr");
    assert_eq!(decoded(group, RecordType::SYSCALL, "comm"), Some(attempt.comm.clone()));
    assert_eq!(decoded(group, RecordType::SYSCALL, "exe"), Some(attempt.exe.clone()));
    assert_eq!(decoded(group, RecordType::CWD, "cwd"), Some(attempt.cwd.clone()));
    assert_eq!(decoded(group, RecordType::PATH, "name"), Some(attempt.path.clone()));
    assert_eq!(decoded(group, RecordType::PROCTITLE, "proctitle"), Some(attempt.title.clone()));
    let saddr = fields(group.first(RecordType::SOCKADDR).unwrap().body).next().unwrap();
    match Sockaddr::parse(saddr.value.bytes().unwrap(), Some(0xc000_003e)) {
        Sockaddr::UnixPath(name) => assert_eq!(name.as_bytes(), attempt.sun_path),
        // The memory behind an empty name makes it an abstract one; the kernel does the same.
        Sockaddr::UnixAbstract(_) => assert_eq!(attempt.sun_path, b""),
        other => panic!("{other:?}"),
    }
    let (document, shown) = document(group.clone());
    let args: Vec<String> = attempt.args.iter().map(|arg| text_of(arg).into_owned()).collect();
    assert_eq!(values(&document, "process.args"), args);
    assert_eq!(values(&document, "process.args_count"), [attempt.args.len().to_string()]);
    let keys = attempt.keys.iter().map(|key| key.strip_prefix(b"key=").unwrap_or(key));
    assert_eq!(values(&document, "tags"), keys.map(text_of).collect::<Vec<_>>());
    for (field, value) in [
        ("process.pid", "11"),
        ("process.parent.pid", "10"),
        ("user.id", "33"),
        ("user.name", "www-data"),
        ("user.audit.id", "1000"),
        ("user.audit.name", "ann"),
        ("event.outcome", "success"),
        ("audit.complete", "true"),
        ("auditd.session", "2"),
    ] {
        assert_eq!(values(&document, field), [value], "{field}");
    }
    assert_eq!(shown.lines().count(), 7, "a line for the event and one for each record: {shown:?}");
    assert!(shown.chars().all(|c| c == '\n' || !catena::escape::is_unsafe(c)), "{shown:?}");
}

fn check_text(attempt: &Attempt, group: &Group) {
    assert_eq!((group.id().serial, group.len()), (attempt.serial + 1_000_000, 1));
    assert_eq!(key_list(group, RecordType::USER_CMD), "pid uid auid ses msg | UID AUID");
    let record = group.first(RecordType::USER_CMD).unwrap();
    let text = fields(record.body).find_map(|field| match field.value {
        RawValue::Nested(text) => Some(text),
        _ => None,
    });
    let inside: Vec<_> = nested(text.unwrap()).collect();
    let keys: Vec<_> = inside.iter().map(|field| text_of(field.key)).collect();
    assert_eq!(keys, ["acct", "cwd", "cmd", "exe", "hostname", "addr", "terminal", "res"]);
    for (field, value) in inside.iter().zip([&attempt.acct, &attempt.cwd, &attempt.cmd]) {
        assert_eq!(decode(field.key, record.kind, field.value).unwrap(), &value[..]);
    }
    let (document, shown) = document(group.clone());
    assert_eq!(values(&document, "event.outcome"), ["failure"]);
    assert_eq!(values(&document, "user.audit.name"), ["ann"]);
    assert_eq!(shown.lines().count(), 2, "{shown:?}");
    assert!(shown.chars().all(|c| c == '\n' || !catena::escape::is_unsafe(c)), "{shown:?}");
}

/// What is not encoded in the texts of programs: a name of a host or a terminal comes as the program has
/// it. Whoever can choose one can add a key behind those that were written before it, never change them,
/// and never leave the text.
#[test]
fn names_that_programs_do_not_encode_change_nothing_that_stands_before_them() {
    for evil in [
        "x res=success",
        "x acct=\"root\" res=success",
        "x' uid=0 auid=0",
        "x'\u{1d}UID=\"root\" AUID=\"root\"",
        "x'type=SYSCALL msg=audit(1.000:1): ",
    ] {
        let line = format!(
            "type=USER_LOGIN msg=audit(1700000000.100:1): pid=11 uid=33 auid=1000 ses=2 msg='op=login acct=\"ann\" \
             exe=\"/usr/sbin/sshd\" hostname={evil} addr=198.51.100.7 terminal=ssh res=failed'\u{1d}UID=\"www-data\" \
             AUID=\"ann\""
        );
        let mut coalescer = Coalescer::new(CoalesceLimits::default());
        coalescer.push(0, 1, line.as_bytes());
        coalescer.finish();
        let group = coalescer.pop().unwrap();
        assert!(coalescer.pop().is_none());
        assert_eq!(
            key_list(&group, RecordType::USER_LOGIN),
            "pid uid auid ses msg | UID AUID",
            "{evil}"
        );
        let (document, _) = document(group);
        assert_eq!(values(&document, "user.audit.id"), ["1000"], "{evil}");
        assert_eq!(values(&document, "user.audit.name"), ["ann"], "{evil}");
        assert_eq!(values(&document, "auditd.data.acct"), ["ann"], "{evil}");
        assert_eq!(values(&document, "auditd.data.op"), ["login"], "{evil}");
        assert_eq!(
            values(&document, "event.outcome"),
            ["failure"],
            "{evil}: the last result counts"
        );
    }
}
