//! The lines of an audit log, one table for each thing about them: shapes of lines, forms of values,
//! encodings, bases of numbers, enriched copies, types of records, addresses, signs of loss.
//!
//! A row is what stands in the log and what is read from it, as `catena events --format interpret` tells
//! it: `key=value`, `key=meaning [value]`, `key!` where the record says that there is no value.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use catena::event::{CoalesceLimits, Coalescer, Document, Event, Group, Projection, interpret};
use catena::record::{HeadError, RawValue, RecordType, Sockaddr, fields, head};

/// The events of some lines.
fn groups(lines: &[&str]) -> Vec<Group> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (line, number) in lines.iter().zip(1..) {
        coalescer.push(0, number, line.as_bytes());
    }
    coalescer.finish();
    std::iter::from_fn(|| coalescer.pop()).collect()
}

/// What is read from the one event of some lines.
fn told(lines: &[&str]) -> Vec<String> {
    let group = groups(lines).remove(0);
    let mut out = Vec::new();
    interpret(&group, None, &mut |_, fields| {
        out.extend(fields.iter().map(|field| match &field.means {
            _ if field.absent => format!("{}!", field.key),
            Some(means) => format!("{}={means} [{}]", field.key, field.raw),
            None => format!("{}={}", field.key, field.raw),
        }));
    });
    out
}

/// What is read from a record of this type with this body.
fn record(kind: &str, body: &str) -> String {
    told(&[&format!("type={kind} msg=audit(1700000000.123:456): {body}")]).join(" ")
}

/// All fields of the one event of some lines.
fn document(lines: &[&str]) -> Document {
    let projection = Projection::new([]);
    let mut event = Event::new(projection.len());
    event.load(groups(lines).remove(0), &projection, None);
    event.document()
}

fn shown(document: &Document, field: &str) -> String {
    let values: Vec<String> = document.values(field).iter().map(|v| v.to_string()).collect();
    values.join("|")
}

#[test]
fn every_shape_of_a_line_holds_the_same_record() {
    // What stands before the record, its type, what stands between type and body; node and prefix.
    #[rustfmt::skip]
    let shapes = [
        ("the file of auditd, a plugin, `ausearch --raw`", "", "CWD", " msg=audit(1700000000.123:456): ", None),
        ("a node", "node=web01 ", "CWD", " msg=audit(1700000000.123:456): ", Some("web01")),
        ("a type that the daemon does not know", "", "UNKNOWN[1307]", " msg=audit(1700000000.123:456): ", None),
        ("a number for a type", "", "1307", " msg=audit(1700000000.123:456): ", None),
        ("the kernel log", "audit: ", "1307", " audit(1700000000.123:456): ", None),
        ("the kernel log of dmesg", "[   12.345678] audit: ", "1307", " audit(1700000000.123:456): ", None),
        ("the kernel log in syslog", "Nov 14 22:13:20 web01 kernel: [   12.345678] audit: ", "1307", " audit(1700000000.123:456): ", None),
        ("the kernel log in the journal", "Nov 14 22:13:20 web01 kernel: audit: ", "1307", " audit(1700000000.123:456): ", None),
        ("syslog, RFC 3164", "<13>Nov 14 22:13:20 web01 audispd: ", "CWD", " msg=audit(1700000000.123:456): ", None),
        ("syslog with a node", "Nov 14 22:13:20 log audisp-syslog[9]: node=web01 ", "CWD", " msg=audit(1700000000.123:456): ", Some("web01")),
        ("syslog, RFC 5424", "<13>1 2023-11-14T22:13:20.123Z web01 audisp-syslog 9 - - ", "CWD", " msg=audit(1700000000.123:456): ", None),
        ("a byte order mark", "\u{feff}", "CWD", " msg=audit(1700000000.123:456): ", None),
        ("no blank behind the colon", "", "CWD", " msg=audit(1700000000.123:456):", None),
        ("two blanks behind the colon, as old kernels write", "", "CWD", " msg=audit(1700000000.123:456):  ", None),
        ("a blank before the colon", "", "CWD", " msg=audit(1700000000.123:456) : ", None),
    ];
    for (what, before, kind, stamp, node) in shapes {
        for end in ["", "\r", "\r\n"] {
            let line = format!("{before}type={kind}{stamp}cwd=\"/tmp\"{end}");
            let head = head(line.as_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((head.kind, head.kind_name), (RecordType::CWD, &b"CWD"[..]), "{what}");
            assert_eq!((head.time.as_millis(), head.serial), (1_700_000_000_123, 456), "{what}");
            assert_eq!(head.node, node.map(str::as_bytes), "{what}");
            assert_eq!(head.body, b"cwd=\"/tmp\"", "{what}");
            assert_eq!(told(&[&line]), ["cwd=/tmp"], "{what}");
        }
    }
}

#[test]
fn the_head_of_a_line_has_bounds() {
    let ok = |head_text: &str| head(head_text.as_bytes()).map(|h| (h.time.as_millis(), h.serial));
    for (text, read) in [
        ("type=EOE msg=audit(0.000:0): ", Ok((0, 0))),
        ("type=EOE msg=audit(1700000000.5:7): ", Ok((1_700_000_000_005, 7))),
        ("type=EOE msg=audit(1700000000.050:7): ", Ok((1_700_000_000_050, 7))),
        ("type=EOE msg=audit(9223372036.000:4294967295): ", Ok((9_223_372_036_000, u32::MAX))),
        ("type=EOE msg=audit(1.000:4294967296): ", Err(HeadError::BadStamp)),
        ("type=EOE msg=audit(1.0000:1): ", Err(HeadError::BadStamp)),
        ("type=EOE msg=audit(1:1): ", Err(HeadError::BadStamp)),
        ("type=EOE msg=audit(-1.000:1): ", Err(HeadError::BadStamp)),
        ("type=SYSCALL msg=lost", Err(HeadError::NoStamp)),
        ("type=eoe msg=audit(1.000:1): ", Err(HeadError::BadType)),
        ("type=EOE msg=audit(11/20/2026 17:42:06.848:301) : ", Err(HeadError::Interpreted)),
        ("type=EOE msg=audit(20.11.2026 17:42:06.848:301) : ", Err(HeadError::Interpreted)),
        ("NODE,EVENT,DATE,TIME,SERIAL_NUM,EVENT_KIND,SESSION", Err(HeadError::NoType)),
        ("Nov 14 22:13:20 web01 audit[7]: CWD cwd=\"/\"", Err(HeadError::NoType)),
        ("----", Err(HeadError::Separator)),
        ("time->Tue Nov 14 22:13:20 2023", Err(HeadError::Blank)),
    ] {
        assert_eq!(ok(text), read, "{text}");
    }
    // A record may begin in the first 256 bytes of a line.
    let far = |blanks: usize| format!("{}type=EOE msg=audit(1.000:1): ", " ".repeat(blanks));
    assert_eq!(ok(&far(251)), Ok((1000, 1)));
    assert_eq!(ok(&far(252)), Err(HeadError::NoType));
}

#[test]
fn names_of_types_that_nobody_knows_pass_through() {
    for (name, read) in [
        ("SOMETHING_NEW", "SOMETHING_NEW"),
        ("UNKNOWN[1399]", "UNKNOWN[1399]"),
        ("1398", "1398"),
        ("UNKNOWN[1334]", "BPF"),
        ("AUOMS_EXECVE", "AUOMS_EXECVE"),
    ] {
        let line = format!("type={name} msg=audit(1.000:1): a=b");
        let group = groups(&[&line]).remove(0);
        assert_eq!(group.records().next().unwrap().kind_name(), read.as_bytes());
        assert_eq!(told(&[&line]), ["a=b"], "{name}");
    }
}

#[test]
fn forms_of_values() {
    let read = |body: &str| -> String {
        let show = |value: RawValue<'_>| {
            let bytes = value.bytes().map(|b| String::from_utf8(b.to_vec()).unwrap());
            match (value, bytes) {
                (RawValue::Quoted(_), Some(text)) => format!("\"{text}\""),
                (RawValue::Braced(_), Some(text)) => format!("{{{text}}}"),
                (RawValue::Nested(_), Some(text)) => format!("'{text}'"),
                (RawValue::Null, _) => "null".to_owned(),
                (RawValue::Unknown, _) => "unknown".to_owned(),
                (_, text) => text.unwrap_or_default(),
            }
        };
        let all = fields(body.as_bytes());
        let key = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap();
        all.map(|field| format!("{}:{}", key(field.key), show(field.value)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    #[rustfmt::skip]
    let rows = [
        ("between quotes, literally", r#"comm="a\b'c={?}" exe="/x""#, r#"comm:"a\b'c={?}" exe:"/x""#),
        ("a blank between quotes", r#"info="Failed name lookup" error=-2"#, r#"info:"Failed name lookup" error:-2"#),
        ("bare words and numbers", "success=yes exit=-13 a0=7ffc", "success:yes exit:-13 a0:7ffc"),
        ("no value", "key=(null) name=(null) hostname=?", "key:null name:null hostname:unknown"),
        ("a terminal that is none keeps its word", "tty=(none) ses=1", "tty:(none) ses:1"),
        ("an interpreted address", "saddr=0100 SADDR={ saddr_fam=local path=/run/a b }x }", "saddr:0100"),
        ("permissions", "avc:  denied  { read write } for  pid=7 dev=\"sda1\"", "avc:denied perms:{read write} pid:7 dev:\"sda1\""),
        ("the text of a program ends at the last quote", "pid=1 msg='op=x acct=\"o'neil\" res=success'", "pid:1 msg:'op=x acct=\"o'neil\" res=success'"),
        ("an empty value", "op= id=4244", "op: id:4244"),
        ("keys with dashes, underscores and numbers", "old-auid=1 cap_fp=2 a1[0]=41 a1_len=2", "old-auid:1 cap_fp:2 a1[0]:41 a1_len:2"),
        ("a key twice", "uid=0 uid=1", "uid:0 uid:1"),
        ("a label with an equals sign", "subj==/usr/sbin/ntpd (enforce) key=(null)", "subj:=/usr/sbin/ntpd (enforce) key:null"),
        ("a label with braces", "subj=/{,usr/}sbin/dhclient (complain) key=\"k\"", "subj:/{,usr/}sbin/dhclient (complain) key:\"k\""),
        ("a label of SELinux", "subj=system_u:system_r:init_t:s0-s0:c0.c1023 key=\"k\"", "subj:system_u:system_r:init_t:s0-s0:c0.c1023 key:\"k\""),
        ("words before the first key", "tty pid=7 data=6C73", "pid:7 data:6C73"),
        ("leading blanks", "  a2=\"x\"", "a2:\"x\""),
        ("cut in the middle of quotes", "name=\"/etc/pas", "name:\"/etc/pas\""),
        ("cut behind a key", "comm=\"a\" ex", "comm:\"a\""),
    ];
    for (what, body, expected) in rows {
        assert_eq!(read(body), expected, "{what}");
    }
    let line = "type=CRED_REFR msg=audit(1.000:1): pid=7 auid=0 auid=1 msg='op=a op=b res=success'";
    let first = document(&[line]);
    assert_eq!(
        (shown(&first, "user.audit.id"), shown(&first, "auditd.data.op")),
        ("0".into(), "a".into())
    );
}

/// Fields that the kernel and libaudit write as hexadecimal where their text has unusual bytes.
const ENCODED: [&str; 36] = [
    "acct",
    "addr",
    "apparmor",
    "cgroup",
    "cmd",
    "comm",
    "cwd",
    "data",
    "device",
    "dir",
    "exe",
    "file",
    "grp",
    "invalid_context",
    "key",
    "name",
    "new-chardev",
    "old-chardev",
    "new-disk",
    "old-disk",
    "new-fs",
    "old-fs",
    "new-net",
    "old-net",
    "new-rng",
    "old-rng",
    "ocomm",
    "path",
    "vm",
    "watch",
    "sw",
    "root_dir",
    "profile",
    "operation",
    "info",
    "new_group",
];

#[test]
fn only_fields_that_are_encoded_are_decoded() {
    for key in ENCODED {
        let row = |value: &str| record("USER_CMD", &format!("{key}={value}"));
        assert_eq!(row("2F612062"), format!("{key}=/a b [2F612062]"));
        assert_eq!(row("\"2F612062\""), format!("{key}=2F612062"), "quoted text is text");
        assert_eq!(row("root"), format!("{key}=root"), "not hexadecimal");
        assert_eq!(row("ABC"), format!("{key}=ABC"), "half a byte");
        assert_eq!(row("(null)"), format!("{key}!"));
        assert_eq!(row("\"\""), format!("{key}="));
        assert_eq!(row("C3BC"), format!("{key}=ü [C3BC]"));
        assert_eq!(row("FF41"), format!("{key}=\\xFFA [FF41]"), "no text: the byte is told");
        assert_eq!(row("610A62"), format!("{key}=a\nb [610A62]"), "decoded after splitting");
    }
    for (kind, body) in [
        ("SYSCALL", "a0=41 a1=42 a2=43 a3=44"),
        ("SYSCALL", "ses=10"),
        ("SYSCALL", "tty=dead"),
        ("SYSCALL", "subj=4142"),
        ("PATH", "dev=fe:00 inode=41"),
        ("USER_AUTH", "terminal=4142 hostname=4142 id=4142"),
        ("SOCKETCALL", "nargs=3 a0=41"),
    ] {
        assert_eq!(record(kind, body), body, "{kind}");
    }
    // Arguments, whole and in pieces, are of EXECVE records only.
    assert_eq!(
        record("EXECVE", "a0=4142 a10=\"4142\" a1[0]=4344 a1_len=4"),
        "a0=AB [4142] a10=4142 a1[0]=CD [4344] a1_len=4"
    );
}

#[test]
fn bases_of_numbers() {
    #[rustfmt::skip]
    let rows = [
        ("SYSCALL", "arch=c000003e syscall=257 a0=ffffff9c a2=241 a3=1b6 exit=-2 items=10 pid=10 auid=4294967295",
         "arch=x86_64 [c000003e] syscall=openat [257] a0=AT_FDCWD [ffffff9c] a2=wronly|creat|trunc [241] a3=666 [1b6] exit=ENOENT [-2] items=10 pid=10 auid=unset [4294967295]"),
        ("SYSCALL", "arch=c000003e syscall=257 a0=ffffffffffffff9c", "arch=x86_64 [c000003e] syscall=openat [257] a0=AT_FDCWD [ffffffffffffff9c]"),
        ("OBJ_PID", "opid=12 oauid=-1 ouid=0 oses=-1 ocomm=\"x\"", "opid=12 oauid=unset [-1] ouid=0 oses=unset [-1] ocomm=x"),
        ("PATH", "item=0 name=\"/x\" inode=10 dev=fe:00 mode=0100755 ouid=10 rdev=00:00 cap_fp=2000",
         "item=0 name=/x inode=10 dev=fe:00 mode=file,755 [0100755] ouid=10 rdev=00:00 cap_fp=net_raw [2000]"),
        ("OPENAT2", "oflag=0100101 mode=0644 resolve=0x8", "oflag=wronly|creat|largefile [0100101] mode=644 [0644] resolve=beneath [0x8]"),
        ("CAPSET", "pid=7 cap_pi=0 cap_pp=200000 cap_pe=1ffffffffff cap_pa=0", "pid=7 cap_pi=0 cap_pp=sys_admin [200000] cap_pe=all [1ffffffffff] cap_pa=0"),
        ("SECCOMP", "sig=31 arch=c000003e syscall=59 compat=0 ip=0x7f00 code=0x80000000",
         "sig=SIGSYS [31] arch=x86_64 [c000003e] syscall=execve [59] compat=0 ip=0x7f00 code=kill_process [0x80000000]"),
        ("LOGIN", "pid=7 uid=0 old-auid=4294967295 auid=1000 old-ses=4294967295 ses=3 res=1",
         "pid=7 uid=0 old-auid=unset [4294967295] auid=1000 old-ses=unset [4294967295] ses=3 res=success [1]"),
    ];
    for (kind, body, expected) in rows {
        assert_eq!(record(kind, body), expected, "{kind}");
    }
}

#[test]
fn enriched_copies_stand_beside_what_was_logged() {
    let plain = "uid=33 auid=4294967295 comm=\"id\" key=(null)";
    let copies = "ARCH=x86_64 SYSCALL=execve UID=\"www-data\" AUID=\"unset\"";
    // The separator, the blank that the syslog plugin makes of it, nothing where it was lost.
    for separator in ["\u{1d}", " ", ""] {
        let line = format!(
            "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 {plain}{separator}{copies}"
        );
        assert_eq!(
            told(&[&line]).join(" "),
            "arch=x86_64 [c000003e] syscall=execve [59] uid=www-data [33] auid=unset [4294967295] comm=id key!",
            "{separator:?}"
        );
        let document = document(&[&line]);
        assert_eq!(shown(&document, "user.id"), "33");
        assert_eq!(shown(&document, "user.name"), "www-data");
        assert_eq!(shown(&document, "user.audit.name"), "", "unset is no name");
        assert_eq!(shown(&document, "auditd.data.syscall"), "execve");
    }
    #[rustfmt::skip]
    let rows = [
        ("names with unusual bytes", "uid=7\u{1d}UID=612062", "uid=a b [7]"),
        ("a name that was not found", "uid=4243\u{1d}UID=\"unknown(4243)\"", "uid=unknown(4243) [4243]"),
        ("a program's text", "pid=1 uid=0 msg='op=x id=1000 res=success'\u{1d}UID=\"root\" ID=\"ann\"", "pid=1 uid=root [0] op=x id=ann [1000] res=success"),
        ("a program's text, separator lost", "pid=1 uid=0 msg='op=x id=1000 res=success'UID=\"root\" ID=\"ann\"", "pid=1 uid=root [0] op=x id=ann [1000] res=success"),
        ("behind a bare result", "pid=1 uid=0 res=successUID=\"root\"", "pid=1 uid=root [0] res=success"),
        ("behind an unknown value", "uid=0 terminal=?UID=\"root\"", "uid=root [0] terminal!"),
        ("owners of a file", "item=0 name=\"/x\" ouid=0 ogid=42\u{1d}OUID=\"root\" OGID=\"shadow\"", "item=0 name=/x ouid=root [0] ogid=shadow [42]"),
        ("a login", "old-auid=4294967295 auid=1000 res=1\u{1d}OLD-AUID=\"unset\" AUID=\"ann\"", "old-auid=unset [4294967295] auid=ann [1000] res=success [1]"),
        ("io_uring", "uring_op=18 uid=0\u{1d}URING_OP=openat UID=\"root\"", "uring_op=openat [18] uid=root [0]"),
        ("no copies at all", "argc=1 a0=\"x\"", "argc=1 a0=x"),
    ];
    for (what, body, expected) in rows {
        let kind = if body.contains("argc") { "EXECVE" } else { "USER_MGMT" };
        let kind = if what == "a login" { "LOGIN" } else { kind };
        assert_eq!(record(kind, body), expected, "{what}");
    }
    // An address is told from its bytes, however the daemon spells it.
    for copy in [
        "SADDR={ fam=inet laddr=198.51.100.7 lport=9003 }",
        "SADDR={ saddr_fam=inet laddr=198.51.100.7 lport=9003 }",
        "SADDR={ saddr_fam=inet laddr=198.51",
        "SADDR=unknown family",
        "SADDR=unknown family(0)",
        "SADDR=unknown-family(0)",
        "SADDR=(unsupported)",
    ] {
        let body = format!("saddr=0200232BC63364070000000000000000\u{1d}{copy}");
        let address = "saddr=inet 198.51.100.7:9003 [0200232BC63364070000000000000000]";
        assert_eq!(record("SOCKADDR", &body), address, "{copy}");
    }
}

#[test]
fn every_type_of_record() {
    #[rustfmt::skip]
    let rows = [
        ("EXECVE", "argc=3 a0=\"sh\" a1=\"-c\" a2=6563686F2068690A", "argc=3 a0=sh a1=-c a2=echo hi\n [6563686F2068690A]"),
        ("PROCTITLE", "proctitle=7368002D63006563686F", "proctitle=sh -c echo [7368002D63006563686F]"),
        ("PROCTITLE", "proctitle=\"sh\"", "proctitle=sh"),
        ("PROCTITLE", "proctitle=(null)", "proctitle!"),
        ("CWD", " cwd=\"/tmp\"", "cwd=/tmp"),
        ("PATH", "item=1 name=\"\" nametype=UNKNOWN", "item=1 name= nametype=UNKNOWN"),
        ("PATH", "item=0 name=(null) inode=7 objtype=NORMAL", "item=0 name! inode=7 objtype=NORMAL"),
        ("SOCKETCALL", "nargs=3 a0=3 a1=ffd a2=10", "nargs=3 a0=3 a1=ffd a2=10"),
        ("LOGIN", "login pid=7 uid=0 old auid=4294967295 new auid=0 old ses=4294967295 new ses=3",
         "pid=7 uid=0 old-auid=unset [4294967295] new-auid=0 old-ses=unset [4294967295] new-ses=3"),
        ("USER_ACCT", "user pid=7 uid=0 auid=4294967295 msg='PAM: accounting acct=root : exe=\"/usr/sbin/crond\" (hostname=?, addr=?, terminal=cron res=success)'",
         "pid=7 uid=0 auid=unset [4294967295] text=PAM: accounting acct=root exe=/usr/sbin/crond hostname! addr! terminal=cron res=success"),
        ("USER_CMD", "pid=7 msg='cwd=\"/root\" cmd=6C73202D6C exe=\"/usr/bin/sudo\" terminal=pts/0 res=success'",
         "pid=7 cwd=/root cmd=ls -l [6C73202D6C] exe=/usr/bin/sudo terminal=pts/0 res=success"),
        ("ADD_USER", "pid=7 msg='op=adding user id=4243 exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=? res=success'",
         "pid=7 op=adding user id=4243 exe=/usr/sbin/useradd hostname! addr! terminal! res=success"),
        ("USER_MGMT", "pid=7 msg='op= id=4244 res=success'", "pid=7 op= id=4244 res=success"),
        ("USER", "pid=7 msg='text=hello \"w\" it is exe=\"/usr/sbin/auditctl\" res=success'", "pid=7 text=hello \"w\" it is exe=/usr/sbin/auditctl res=success"),
        ("USER_LOGIN", "pid=7 msg='op=login acct=28756E6B6E6F776E207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=198.51.100.7 terminal=sshd res=failed'",
         "pid=7 op=login acct=(unknown user) [28756E6B6E6F776E207573657229] exe=/usr/sbin/sshd hostname! addr=198.51.100.7 terminal=sshd res=failed"),
        ("USER_AVC", "pid=7 msg='avc:  denied  { send_msg } for msgtype=signal tclass=dbus : exe=\"/usr/bin/dbus-daemon\" sauid=81 hostname=?'",
         "pid=7 avc=denied perms=send_msg msgtype=signal tclass=dbus exe=/usr/bin/dbus-daemon sauid=81 hostname!"),
        ("USER_AVC", "pid=7 msg='avc:  received policyload notice (seqno=2) exe=\"/d\"'", "pid=7 avc=received seqno=2 exe=/d"),
        ("AVC", "avc:  denied  { read } for  pid=7 comm=\"x\" name=\"shadow\" dev=\"sda1\" ino=3 scontext=a:b:c tcontext=d:e:f tclass=file permissive=0",
         "avc=denied perms=read pid=7 comm=x name=shadow dev=sda1 ino=3 scontext=a:b:c tcontext=d:e:f tclass=file permissive=0"),
        ("AVC", "apparmor=\"DENIED\" operation=\"open\" profile=\"/usr/sbin/x\" name=2F746D702F612062 pid=7 comm=\"x\" requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0",
         "apparmor=DENIED operation=open profile=/usr/sbin/x name=/tmp/a b [2F746D702F612062] pid=7 comm=x requested_mask=r denied_mask=r fsuid=0 ouid=0"),
        ("SECCOMP", "auid=0 uid=0 gid=0 ses=1 pid=7 comm=\"x\" exe=\"/x\" sig=31 arch=40000003 syscall=11 compat=1 ip=0xf7 code=0x0",
         "auid=0 uid=0 gid=0 ses=1 pid=7 comm=x exe=/x sig=SIGSYS [31] arch=i386 [40000003] syscall=execve [11] compat=1 ip=0xf7 code=kill_thread [0x0]"),
        ("ANOM_ABEND", "auid=0 pid=7 comm=\"x\" exe=\"/x\" reason=\"memory violation\" sig=11 res=1", "auid=0 pid=7 comm=x exe=/x reason=memory violation sig=SIGSEGV [11] res=success [1]"),
        ("TTY", "tty pid=7 uid=0 major=136 minor=0 comm=\"bash\" data=6C730D", "pid=7 uid=0 major=136 minor=0 comm=bash data=ls\r [6C730D]"),
        ("CONFIG_CHANGE", "auid=0 ses=1 op=add_rule key=6B016C list=4 res=1", "auid=0 ses=1 op=add_rule key=k, l [6B016C] list=exit [4] res=success [1]"),
        ("CONFIG_CHANGE", "audit_enabled=1 old=0 auid=4294967295 res=1", "audit_enabled=1 old=0 auid=unset [4294967295] res=success [1]"),
        ("DAEMON_START", "op=start ver=3.0.9 format=enriched kernel=6.18.0 auid=4294967295 pid=7 uid=0 ses=4294967295 res=success",
         "op=start ver=3.0.9 format=enriched kernel=6.18.0 auid=unset [4294967295] pid=7 uid=0 ses=unset [4294967295] res=success"),
        ("BPF", "prog-id=75 op=LOAD", "prog-id=75 op=LOAD"),
        ("URINGOP", "uring_op=18 success=yes exit=5 items=1 ppid=6 pid=7 uid=0 key=\"u\"", "uring_op=openat [18] success=yes exit=5 items=1 ppid=6 pid=7 uid=0 key=u"),
        ("FD_PAIR", "fd0=3 fd1=4", "fd0=3 fd1=4"),
        ("MMAP", "fd=3 flags=0x12", "fd=3 flags=private|fixed [0x12]"),
        ("BPRM_FCAPS", "fver=0 fp=0 fi=0 fe=0 old_pp=1ffffffffff new_pp=0", "fver=0 fp=0 fi=0 fe=0 old_pp=all [1ffffffffff] new_pp=0"),
        ("IPC", "ouid=0 ogid=0 mode=0600", "ouid=0 ogid=0 mode=600 [0600]"),
        ("MQ_OPEN", "oflag=0102 mode=0600 mq_flags=0x0 mq_maxmsg=10 mq_msgsize=8192 mq_curmsgs=0", "oflag=0102 mode=600 [0600] mq_flags=0x0 mq_maxmsg=10 mq_msgsize=8192 mq_curmsgs=0"),
        ("NETFILTER_CFG", "table=nat:5 family=2 entries=7 op=nft_register_rule pid=7", "table=nat:5 family=ipv4 [2] entries=7 op=nft_register_rule pid=7"),
        ("KERN_MODULE", "name=\"dummy\"", "name=dummy"),
        ("EVENT_LISTENER", "pid=7 uid=0 op=connect res=1", "pid=7 uid=0 op=connect res=success [1]"),
        ("FANOTIFY", "resp=2 fan_type=0 fan_info=0", "resp=2 fan_type=0 fan_info=0"),
        ("TIME_ADJNTPVAL", "op=freq old=0 new=1", "op=freq old=0 new=1"),
        ("TIME_INJOFFSET", "sec=-16 nsec=1", "sec=-16 nsec=1"),
        ("ANOM_LINK", "op=linkat ppid=6 pid=7 auid=0 comm=\"x\" res=0", "op=linkat ppid=6 pid=7 auid=0 comm=x res=failed [0]"),
        ("DM_CTRL", "module=crypt op=ctr ppid=6 pid=7 res=1", "module=crypt op=ctr ppid=6 pid=7 res=success [1]"),
        ("KERNEL", "state=initialized audit_enabled=0 res=1", "state=initialized audit_enabled=0 res=success [1]"),
    ];
    for (kind, body, expected) in rows {
        assert_eq!(record(kind, body), expected, "{kind}");
    }
}

/// What old kernels call `objtype=` decides as `nametype=` does, and is shown under that name.
#[test]
fn the_old_spelling_of_the_type_of_a_name() {
    for key in ["nametype", "objtype"] {
        let call =
            "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=2 success=yes exit=3 pid=7";
        let path = |item: u32, name: &str, kind: &str| {
            format!("type=PATH msg=audit(1.000:1): item={item} name=\"{name}\" {key}={kind}")
        };
        let (folder, file) = (path(0, "/tmp/", "PARENT"), path(1, "/tmp/a", "CREATE"));
        let document = document(&[call, &folder, &file]);
        assert_eq!(shown(&document, "file.path"), "/tmp/a");
        assert_eq!(shown(&document, "event.type"), "info|creation", "{key}");
        let types = document.paths().flatten().filter(|(key, _)| *key == "nametype");
        let types: Vec<_> = types.map(|(_, value)| value.to_string()).collect();
        assert_eq!(types, ["PARENT", "CREATE"]);
    }
}

#[test]
fn arguments_come_whole_from_many_records() {
    let line = |body: &str| format!("type=EXECVE msg=audit(1.000:1): {body}");
    let call = "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=yes exit=0 items=0 pid=7";
    // What the records say; arguments, their number, whether all are there.
    #[rustfmt::skip]
    let rows: [(&str, &[&str], &str, &str, &str); 8] = [
        ("one record", &["argc=2 a0=\"ls\" a1=\"-l\""], "ls|-l", "2", "true"),
        ("a continuation begins with two blanks and has no argc", &["argc=3 a0=\"ls\"", "  a1=\"-l\" a2=\"/\""], "ls|-l|/", "3", "true"),
        ("a long argument in pieces counts encoded characters", &["argc=2 a0=\"x\" a1_len=8 a1[0]=4142 a1[1]=4344"], "x|ABCD", "2", "true"),
        ("pieces in several records", &["argc=2 a0=\"x\" a1_len=8 a1[0]=4142", " a1[1]=4344"], "x|ABCD", "2", "true"),
        ("pieces between quotes, of old kernels", &["argc=1 a0_len=4 a0[0]=\"AB\" a0[1]=\"CD\""], "ABCD", "1", "true"),
        ("a lost continuation", &["argc=3 a0=\"ls\""], "ls", "3", "false"),
        ("a lost piece", &["argc=1 a0_len=8 a0[0]=4142"], "AB", "1", "false"),
        ("a number of the attacker's", &["argc=4294967295 a0=\"x\" a4000000000=\"y\""], "x", "4294967295", "false"),
    ];
    for (what, bodies, args, count, complete) in rows {
        let lines: Vec<String> =
            std::iter::once(call.to_owned()).chain(bodies.iter().map(|body| line(body))).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let document = document(&lines);
        assert_eq!(shown(&document, "process.args"), args, "{what}");
        assert_eq!(shown(&document, "process.args_count"), count, "{what}");
        assert_eq!(shown(&document, "audit.complete"), complete, "{what}");
        let missing = if complete == "true" { "" } else { "EXECVE" };
        assert_eq!(shown(&document, "audit.missing"), missing, "{what}");
    }
}

#[test]
fn every_family_of_addresses() {
    // Little-endian and big-endian spelling of the same address.
    #[rustfmt::skip]
    let rows = [
        ("unix", "01002F72756E2F780000FFC1", "00012F72756E2F780000FFC1", "unix /run/x"),
        ("unix, abstract", "01000061622000FF", "00010061622000FF", "unix @ab \0\\xFF"),
        ("unix, unnamed", "0100", "0001", "unix without a name"),
        ("inet", "0200232BC63364070000000000000000", "0002232BC63364070000000000000000", "inet 198.51.100.7:9003"),
        ("inet, eight bytes", "0200232BC6336407", "0002232BC6336407", "inet 198.51.100.7:9003"),
        ("inet, too short", "0200232BC63364", "0002232BC63364", "malformed address"),
        ("inet6", "0A00233800000000FD00000000000000000000000000000200000000", "000A233800000000FD00000000000000000000000000000200000000", "inet6 [fd00::2]:9016"),
        ("inet6 without scope", "0A00233800000000FD000000000000000000000000000002", "000A233800000000FD000000000000000000000000000002", "inet6 [fd00::2]:9016"),
        ("inet6, mapped", "0A0023380000000000000000000000000000FFFFC633640700000000", "000A23380000000000000000000000000000FFFFC633640700000000", "inet6 [::ffff:198.51.100.7]:9016"),
        ("netlink", "100000000A00000002000000", "001000000000000A00000002", "netlink pid 10 groups 2"),
        ("packet", "11000003020000000000000000000000", "00110003000000020000000000000000", "packet"),
        ("bluetooth", "1F000000", "001F0000", "bluetooth"),
        ("alg", "2600736B636970686572", "0026736B636970686572", "alg"),
        ("vsock", "28000000D204000003000000", "00280000000004D200000003", "vsock"),
        ("unspec", "00000000000000000000000000000000", "00000000000000000000000000000000", "unspec"),
        ("no family that is known", "6300", "0063", "address family 99"),
    ];
    for (what, little, big, expected) in rows {
        for (arch, hex) in [("c000003e", little), ("80000015", big), ("80000016", big)] {
            let call = format!("type=SYSCALL msg=audit(1.000:1): arch={arch} syscall=42 pid=7");
            let line = format!("type=SOCKADDR msg=audit(1.000:1): saddr={hex}");
            let all = told(&[&call, &line]);
            assert_eq!(all.last().unwrap(), &format!("saddr={expected} [{hex}]"), "{what}");
        }
    }
    // An IPv4 address inside an IPv6 one is in the networks of IPv4.
    let call = "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=42 success=yes exit=0 pid=7";
    let mapped = "type=SOCKADDR msg=audit(1.000:1): saddr=0A0023380000000000000000000000000000FFFFC633640700000000";
    assert_eq!(shown(&document(&[call, mapped]), "destination.ip"), "198.51.100.7");
    assert_eq!(Sockaddr::parse(b"", None), Sockaddr::Malformed(None));
}

#[test]
fn what_a_log_says_of_losses() {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for line in [
        "audit: backlog limit exceeded",
        "[ 12.5] audit: audit_backlog=65 > audit_backlog_limit=64",
        "Nov 14 22:13:20 web01 kernel: [ 12.5] audit: rate limit exceeded",
        "audit: audit_lost=17 audit_rate_limit=120 audit_backlog_limit=64",
        "audit: audit_lost=90 audit_rate_limit=120 audit_backlog_limit=64",
    ] {
        coalescer.push(0, 1, line.as_bytes());
    }
    let stats = coalescer.stats();
    assert_eq!((stats.notices, stats.kernel_lost, stats.malformed), (5, 90, 0));

    // What must have been there, by what is.
    let call = |rest: &str| format!("type=SYSCALL msg=audit(1.000:1): arch=c000003e {rest} pid=7");
    let line = |kind: &str, body: &str| format!("type={kind} msg=audit(1.000:1): {body}");
    #[rustfmt::skip]
    let rows = [
        (vec![call("syscall=257 success=yes exit=3 items=2"), line("PATH", "item=0 name=\"/\"")], "PATH"),
        (vec![call("syscall=257 success=yes exit=3 items=1"), line("PATH", "item=0 name=\"/\"")], ""),
        (vec![call("syscall=59 success=yes exit=0 items=0")], "EXECVE"),
        (vec![call("syscall=59 success=no exit=-2 items=0")], ""),
        (vec![call("syscall=42 success=yes exit=0 items=0")], "SOCKADDR"),
        (vec![call("syscall=42 success=no exit=-111 items=0")], ""),
        (vec![line("CWD", "cwd=\"/\""), line("PATH", "item=0 name=\"/\"")], "SYSCALL"),
        (vec![line("USER_AUTH", "pid=7 msg='op=x res=success'")], ""),
    ];
    for (lines, missing) in rows {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let document = document(&lines);
        assert_eq!(shown(&document, "audit.missing"), missing, "{lines:?}");
        assert_eq!(shown(&document, "audit.complete"), missing.is_empty().to_string(), "{lines:?}");
    }
}
