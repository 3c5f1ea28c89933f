//! Events of small logs with all their fields, as an alert shows them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

#[path = "common/audit.rs"]
mod audit;

use std::fmt::Write as _;
use std::io::Read as _;

use audit::{Run, groups, shown};
use catena::event::Document;
use catena::schema::{FIELDS, FieldType};
use catena::value::{Scalar, Value};
use proptest::prelude::*;

/// What is the same in every event of a test.
const CONSTANT: [&str; 9] = [
    "@timestamp",
    "event.dataset",
    "event.kind",
    "event.module",
    "event.sequence",
    "host.id",
    "host.name",
    "host.os.type",
    "auditd.data.arch",
];

/// One line per first part of the field names.
fn readable(id: &str, document: &Document) -> String {
    let mut out = id.to_owned();
    let mut room = "";
    for (name, values) in document.fields() {
        // Entity ids are hashes; `tests/process.rs` is about them.
        if CONSTANT.contains(&name) || name.ends_with("entity_id") {
            continue;
        }
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        if first != room {
            let _ = write!(out, "\n  {first}");
            room = first;
        }
        let values: Vec<String> = values.iter().map(text).collect();
        let dot = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "  {dot}{rest}={}", values.join("|"));
    }
    for record in document.paths() {
        out.push_str("\n  auditd.paths");
        for (key, value) in record {
            let _ = write!(out, "  .{key}={}", text(value));
        }
    }
    out
}

/// Text without quotes where it reads as one word.
fn text(value: Scalar<'_>) -> String {
    match value {
        Scalar::Str(text) if text.contains(|c: char| c.is_whitespace() || "|\"\\".contains(c)) => {
            format!("{text:?}")
        }
        other => other.to_string(),
    }
}

#[test]
fn the_fields_of_captured_events() {
    let log = std::fs::read("corpus/auditd/small.log").unwrap();
    let events = Run::new(&[]).documents(&log);
    let text: Vec<String> = events.iter().map(|(id, document)| readable(id, document)).collect();
    insta::assert_snapshot!(text.join("\n\n"));
}

/// One event of these records, given as `TYPE body`.
fn log(records: &[&str]) -> Vec<u8> {
    let mut log = Vec::new();
    for record in records {
        let (kind, body) = record.split_once(' ').unwrap_or((record, ""));
        log.extend(format!("type={kind} msg=audit(1700000000.100:7): {body}\n").into_bytes());
    }
    log
}

/// A system call of x86_64 by number and arguments, then what follows in its record.
fn call(number: u32, result: &str, args: &str, rest: &str) -> String {
    let mut record = format!("SYSCALL arch=c000003e syscall={number} {result} ");
    for (index, arg) in args.split(' ').chain(std::iter::repeat("0")).take(4).enumerate() {
        let _ = write!(record, "a{index}={arg} ");
    }
    record
        + "items=0 ppid=10 pid=11 auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 \
              sgid=33 fsgid=33 tty=(none) ses=2 comm=\"tool\" exe=\"/opt/tool\" "
        + rest
}

/// Whether each field of the one event has these values; an empty text means that it is missing.
#[track_caller]
fn expect(records: &[&str], fields: &[(&str, &str)]) {
    let documents = Run::new(&[]).documents(&log(records));
    let [(_, document)] = &documents[..] else { panic!("{} events", documents.len()) };
    let found: Vec<_> = fields.iter().map(|(name, _)| (*name, shown(document, name))).collect();
    let expected: Vec<_> =
        fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    assert_eq!(found, expected);
}

const OK: &str = "success=yes exit=0";

#[test]
fn an_execution_that_failed_is_no_exec_to_anybody() {
    let enoent = call(59, "success=no exit=-2", "1 2 3", "key=(null)");
    expect(
        &[&enoent, "CWD cwd=\"/\"", "PATH item=0 name=\"/bin/x\" nametype=UNKNOWN"],
        &[
            ("event.action", "executed"),
            ("event.type", "start"),
            ("event.outcome", "failure"),
            ("auditd.data.exit", "ENOENT"),
            ("process.args", ""),
            ("file.path", "/bin/x"),
            ("file.inode", ""),
        ],
    );
}

#[test]
fn the_arguments_of_a_failed_execution_are_not_those_of_the_program_that_tried() {
    let exec = call(59, OK, "1 2 3", "key=(null)");
    let execve = "EXECVE argc=2 a0=\"nc\" a1=\"-e\"";
    let failed = call(59, "success=no exit=-2", "1 2 3", "key=(null)");
    let failed = log(&[&failed]);
    let later = String::from_utf8(failed).unwrap().replace(":7)", ":8)");
    let documents = Run::new(&[]).documents(&[log(&[&exec, execve]), later.into_bytes()].concat());
    let [(_, exec), (_, failed)] = &documents[..] else { panic!() };
    assert_eq!(shown(exec, "process.args"), "nc|-e");
    assert_eq!(shown(failed, "process.args"), "");
    assert_eq!(shown(failed, "process.command_line"), "");
    assert_eq!(shown(failed, "process.entity_id"), shown(exec, "process.entity_id"));
}

#[test]
fn a_connection_in_progress_has_neither_worked_nor_failed() {
    let connect = |result| call(42, result, "3 1 10", "key=(null)");
    let address = "SOCKADDR saddr=02002329C63364070000000000000000";
    expect(
        &[&connect("success=no exit=-115"), address],
        &[
            ("event.outcome", "unknown"),
            ("auditd.result", "fail"),
            ("auditd.data.exit", "EINPROGRESS"),
            ("event.action", "connected-to|connection_attempted"),
            ("destination.ip", "198.51.100.7"),
            ("destination.port", "9001"),
            ("network.direction", "egress"),
        ],
    );
    expect(&[&connect("success=no exit=-512"), address], &[("event.outcome", "unknown")]);
    expect(&[&connect("success=no exit=-111"), address], &[("event.outcome", "failure")]);
}

#[test]
fn only_an_open_that_made_the_file_is_a_creation() {
    let folder = "PATH item=0 name=\"/tmp\" nametype=PARENT";
    for (number, args, flags) in
        [(2, "1 41 1b6", "wronly|creat"), (257, "ffffff9c 1 241", "wronly|creat|trunc")]
    {
        expect(
            &[
                &call(number, "success=yes exit=3", args, ""),
                folder,
                "PATH item=1 name=\"/tmp/x.sh\" nametype=CREATE",
            ],
            &[
                ("event.action", "opened-file|creation|file_create_event"),
                ("event.type", "info|creation"),
                ("file.path", "/tmp/x.sh"),
                ("file.extension", "sh"),
                ("audit.open.flags", flags),
            ],
        );
    }
    expect(
        &[
            &call(257, "success=yes exit=3", "ffffff9c 1 41", ""),
            "PATH item=0 name=\"nametype=CREATE\" nametype=NORMAL",
        ],
        &[("event.action", "opened-file"), ("file.path", "nametype=CREATE")],
    );
}

/// `creat` is an open with flags of which none is an argument.
#[test]
fn a_created_file_was_opened_to_be_written() {
    expect(
        &[&call(85, "success=yes exit=3", "1 1b6 0", "")],
        &[
            ("event.action", "opened-file|creation|file_create_event"),
            ("audit.open.flags", "wronly|creat|trunc"),
        ],
    );
}

#[test]
fn a_renamed_file_has_both_names() {
    let paths = [
        "PATH item=0 name=\"/tmp/\" nametype=PARENT",
        "PATH item=1 name=\"/etc/\" nametype=PARENT",
        "PATH item=2 name=\"/tmp/a.txt\" inode=7 nametype=DELETE",
        "PATH item=3 name=\"/etc/ld.so.preload\" inode=7 nametype=CREATE",
    ];
    let rename = call(82, OK, "1 2", "");
    expect(
        &[&[rename.as_str()], &paths[..]].concat(),
        &[
            ("event.action", "renamed|rename|file_rename_event"),
            ("file.path", "/tmp/a.txt|/etc/ld.so.preload"),
            ("file.extension", "txt|preload"),
            ("auditd.summary.object.primary", "/tmp/a.txt"),
        ],
    );
    let failed = call(82, "success=no exit=-13", "1 2", "");
    expect(
        &[&failed, paths[0], paths[1], paths[2]],
        &[("event.action", "renamed"), ("file.name", "a.txt")],
    );
}

/// In containers most folders are layers over each other, and the kernel logs the file in the layer too.
#[test]
fn a_file_without_a_name_is_not_the_new_name_of_a_renamed_one() {
    expect(
        &[
            &call(82, OK, "1 2", ""),
            "PATH item=0 name=\"/etc/\" nametype=PARENT",
            "PATH item=1 name=\"/etc/\" nametype=PARENT",
            "PATH item=2 name=\"/etc/sed7wVNhl\" inode=368 nametype=DELETE",
            "PATH item=3 name=\"/etc/shadow\" inode=357 nametype=DELETE",
            "PATH item=4 name=(null) inode=5 nametype=PARENT",
            "PATH item=5 name=(null) inode=368 nametype=CREATE",
            "PATH item=6 name=\"/etc/shadow\" inode=368 nametype=CREATE",
        ],
        &[("file.path", "/etc/sed7wVNhl|/etc/shadow"), ("file.name", "sed7wVNhl|shadow")],
    );
    expect(
        &[
            &call(263, OK, "ffffff9c 1 0", ""),
            "PATH item=0 name=(null) nametype=PARENT",
            "PATH item=1 name=(null) nametype=DELETE",
            "PATH item=2 name=\"/etc/motd\" nametype=DELETE",
        ],
        &[("event.action", "deleted|deletion"), ("file.path", "/etc/motd")],
    );
}

#[test]
fn what_was_made_is_the_object_not_its_folder() {
    let folder = "PATH item=0 name=\"/srv\" nametype=PARENT";
    let made = "PATH item=1 name=\"/srv/new\" mode=040755 nametype=CREATE";
    expect(
        &[&call(83, OK, "1 1ff", ""), folder, made],
        &[
            ("event.action", "created-directory|creation|file_create_event"),
            ("file.path", "/srv/new"),
            ("file.mode", "0755"),
            ("auditd.summary.object.type", "directory"),
        ],
    );
    expect(
        &[
            &call(86, OK, "1 2", ""),
            "PATH item=0 name=\"/srv/old\" nametype=NORMAL",
            "PATH item=1 name=\"/srv\" nametype=PARENT",
            "PATH item=2 name=\"/srv/link\" nametype=CREATE",
        ],
        &[
            ("event.action", "linked|creation|file_create_event"),
            ("file.path", "/srv/old|/srv/link"),
        ],
    );
}

#[test]
fn threads_are_no_processes() {
    let thread = call(56, "success=yes exit=12", "3d0f00", "");
    expect(&[&thread], &[("event.action", ""), ("audit.child_pid", "")]);
    let fork = call(56, "success=yes exit=12", "1200011", "");
    expect(&[&fork], &[("event.action", "forked|fork|fork_event"), ("audit.child_pid", "12")]);
    let failed = call(56, "success=no exit=-11", "1200011", "");
    expect(&[&failed], &[("event.action", ""), ("event.type", "info")]);
}

#[test]
fn bits_the_kernel_does_not_look_at_hide_nothing() {
    let socket = call(41, "success=yes exit=3", "700000002 7000080002 11", "");
    expect(
        &[&socket],
        &[
            ("audit.socket.family", "inet"),
            ("audit.socket.type", "dgram"),
            ("audit.socket.type_flags", "cloexec"),
            ("audit.socket.protocol", "udp"),
            ("auditd.data.a1", "7000080002"),
        ],
    );
}

#[test]
fn machines_with_numbers_of_their_own_get_no_words() {
    let socket = call(41, "success=yes exit=3", "2 2 0", "");
    let mips = socket.replace("arch=c000003e syscall=41", "arch=40000008 syscall=4183");
    expect(&[&mips], &[("auditd.data.syscall", "socket"), ("audit.socket.type", "")]);
    // On arm, directory and nofollow are other bits than on x86, where these are direct and largefile.
    let open = call(257, "success=yes exit=3", "ffffff9c 1 4000", "");
    let arm = open.replace("arch=c000003e syscall=257", "arch=c00000b7 syscall=56");
    expect(&[&arm], &[("audit.open.flags", "rdonly|directory")]);
    expect(&[&open], &[("audit.open.flags", "rdonly|direct")]);
}

#[test]
fn operations_of_io_uring_are_what_the_calls_would_be() {
    let open = "URINGOP uring_op=18 success=yes exit=5 items=1 ppid=10 pid=11 uid=33 gid=33 euid=33 key=\"u\"";
    expect(
        &[open, "PATH item=0 name=\"/etc/shadow\" nametype=NORMAL"],
        &[
            ("auditd.message_type", "uringop"),
            ("audit.syscall", "openat"),
            ("auditd.data.uring_op", "18"),
            ("auditd.data.syscall", ""),
            ("event.action", "opened-file"),
            ("event.category", "file"),
            ("file.path", "/etc/shadow"),
            ("tags", "u"),
            ("process.pid", "11"),
            ("process.name", ""),
        ],
    );
}

#[test]
fn a_login_is_of_the_user_at_login_and_about_the_account() {
    let message = |head: &str, text: &str| {
        format!(
            "USER_LOGIN pid=5 uid=0 {head} ses=4 msg='{text} hostname=? addr=203.0.113.9 terminal=ssh res=success'"
        )
    };
    let exe = "exe=\"/usr/sbin/sshd\"";
    expect(
        &[&(message("auid=1000", &format!("op=login id=1000 {exe}"))
            + "\u{1d}UID=\"root\" AUID=\"alice\" ID=\"alice\"")],
        &[
            ("event.action", "logged-in|user_login|ssh_login"),
            ("event.category", "authentication"),
            ("event.outcome", "success"),
            ("user.id", "1000"),
            ("user.name", "alice"),
            ("user.effective.id", "1000"),
            ("user.effective.name", "alice"),
            ("related.user", "root|alice"),
            ("source.ip", "203.0.113.9"),
            ("network.direction", "ingress"),
            ("process.name", "sshd"),
            ("auditd.session", "4"),
            ("auditd.summary.object.primary", "ssh"),
            ("auditd.summary.object.secondary", "203.0.113.9"),
        ],
    );
    // Nobody is logged in yet: the user is the name that was given, not the daemon's.
    expect(
        &[&message("auid=4294967295", &format!("op=login acct=28756E6B6E6F776E2075736572 {exe}"))],
        &[
            ("user.id", ""),
            ("user.name", "(unknown user"),
            ("user.effective.name", "(unknown user"),
        ],
    );
}

#[test]
fn only_the_secure_shell_authenticates_to_log_in() {
    let auth = |exe: &str| {
        format!(
            "USER_AUTH pid=5 uid=1000 auid=1000 ses=4 msg='op=PAM:authentication acct=\"root\" exe=\"{exe}\" hostname=? addr=? terminal=pts/0 res=failed'"
        )
    };
    expect(
        &[&auth("/usr/bin/sudo")],
        &[
            ("event.action", "authenticated"),
            ("event.outcome", "failure"),
            ("user.id", "1000"),
            ("user.effective.name", "root"),
            ("source.ip", ""),
            ("network.direction", ""),
        ],
    );
    expect(
        &[&auth("/usr/lib/openssh/sshd-session")],
        &[("event.action", "authenticated|user_login|ssh_login")],
    );
}

#[test]
fn an_account_is_the_target_of_who_changes_it() {
    let add = "ADD_USER pid=5 uid=0 auid=1000 ses=4 msg='op=adding user id=1001 exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=? res=success'\u{1d}UID=\"root\" AUID=\"alice\" ID=\"unknown(1001)\"";
    expect(
        &[add],
        &[
            ("user.id", "1000"),
            ("user.name", "alice"),
            ("user.effective.id", "0"),
            ("user.effective.name", "root"),
            ("user.target.id", "1001"),
            ("user.target.name", ""),
            ("event.type", "user|creation"),
        ],
    );
    let group = "GRP_MGMT pid=5 uid=0 auid=1000 ses=4 msg='op=modify grp=\"wheel\" id=10 exe=\"/usr/sbin/groupmod\" res=success'";
    expect(&[group], &[("group.id", "10"), ("group.name", "wheel"), ("user.target.id", "")]);
}

#[test]
fn the_login_id_changes_in_both_spellings() {
    let write = call(1, "success=yes exit=4", "3", "");
    expect(
        &[
            "LOGIN pid=11 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1",
            &write,
        ],
        &[
            ("event.action", "changed-login-id-to|wrote-to-file"),
            ("event.category", "authentication|file"),
            ("auditd.message_type", "login"),
            ("user.effective.id", "1000"),
            ("auditd.user.old_auid.id", ""),
            ("auditd.data.old_ses", "4294967295"),
        ],
    );
    expect(
        &["LOGIN pid=11 uid=0 old auid=500 new auid=0 old ses=1 new ses=2"],
        &[("user.id", "500"), ("user.effective.id", "0"), ("auditd.user.old_auid.id", "500")],
    );
}

#[test]
fn a_filtered_execution_is_none() {
    let seccomp = "SECCOMP auid=1000 uid=33 gid=33 ses=2 pid=11 comm=\"tool\" exe=\"/opt/tool\" sig=31 arch=c000003e syscall=59 compat=0 ip=0x7f code=0x80000000";
    expect(
        &[seccomp],
        &[
            ("event.action", "violated-seccomp-policy"),
            ("event.category", ""),
            ("auditd.data.sig", "SIGSYS"),
            ("auditd.data.syscall", "execve"),
            ("process.entity_id", ""),
        ],
    );
}

#[test]
fn records_printed_backwards_make_the_same_event() {
    let subject = "subj=system_u:system_r:httpd_t:s0-s0:c0.c1023 key=(null)";
    let open = call(257, "success=no exit=-13", "ffffff9c 1 0", subject);
    let records = [
        "AVC avc:  denied  { read } for  pid=11 comm=\"tool\" name=\"x\" scontext=a tcontext=b tclass=file",
        &open,
        "CWD cwd=\"/\"",
        "PATH item=0 name=\"/x\" nametype=NORMAL",
    ];
    let mut backwards = records;
    backwards.reverse();
    let of = |records: &[&str]| {
        let documents = Run::new(&[]).documents(&log(records));
        documents.into_iter().map(|(_, document)| document).collect::<Vec<_>>()
    };
    assert_eq!(of(&records), of(&backwards));
    expect(
        &records,
        &[
            ("auditd.message_type", "avc"),
            ("event.action", "violated-selinux-policy|opened-file"),
            ("event.outcome", "failure"),
            ("auditd.user.selinux.domain", "httpd_t"),
            ("auditd.user.selinux.category", "c0.c1023"),
        ],
    );
}

#[test]
fn tags_are_the_keys_of_the_rule() {
    expect(&[&call(41, OK, "2", "key=6E65740165786563")], &[("tags", "net|exec")]);
    expect(&[&call(41, OK, "2", "key=\"key=net\"")], &[("tags", "net")]);
    expect(&[&call(41, OK, "2", "key=(null)")], &[("tags", "")]);
}

#[test]
fn what_was_not_logged_stays_absent() {
    let cut = "SYSCALL arch=c000003e syscall=59 a0=1 pid=11";
    expect(
        &[cut, "EXECVE   a1=\"-x\" a2=\"-y\""],
        &[
            ("event.outcome", "unknown"),
            // The first is missing: what the others are arguments of is not known.
            ("process.args", ""),
            ("process.args_count", ""),
            ("process.interactive", ""),
            ("user.id", ""),
            ("tags", ""),
        ],
    );
    expect(
        &["USER_CMD pid=1 uid=? msg='cmd=? res=?'"],
        &[("user.id", ""), ("auditd.data.cmd", "")],
    );
}

/// Our own logs.
fn captures() -> Vec<u8> {
    let mut bytes = std::fs::read("corpus/auditd/small.log").unwrap();
    for name in ["attacks", "audisp-enriched"] {
        let file = std::fs::File::open(format!("corpus/auditd/{name}.log.gz")).unwrap();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    }
    bytes
}

fn has_type(value: &Value, kind: FieldType) -> bool {
    match kind {
        FieldType::Keyword | FieldType::Text | FieldType::Version => matches!(value, Value::Str(_)),
        FieldType::Long => matches!(value, Value::Int(_)),
        FieldType::Double => matches!(value, Value::Int(_) | Value::Float(_)),
        FieldType::Boolean => matches!(value, Value::Bool(_)),
        FieldType::Ip => matches!(value, Value::Ip(_)),
        FieldType::Date => matches!(value, Value::Time(_)),
    }
}

#[test]
fn what_rules_test_is_what_alerts_show() {
    let names: Vec<&str> = FIELDS.iter().map(|info| info.name).collect();
    let mut run = Run::new(&names);
    let mut filled = vec![0_usize; names.len()];
    for group in groups(&captures()) {
        let id = group.id();
        run.load(group);
        let document = run.event.document();
        for (at, info) in FIELDS.iter().enumerate() {
            let field = catena::schema::FieldId(u16::try_from(at).unwrap());
            let tested: Vec<Value> = run.event.values(field).map(Value::from).collect();
            for value in &tested {
                assert!(has_type(value, info.kind), "{id} {}: {value:?}", info.name);
            }
            filled[at] += usize::from(!tested.is_empty());
            let shown: Vec<Value> = document.values(info.name).iter().map(Value::from).collect();
            // A document does not repeat what another field shows, nor the records.
            let repeated = || {
                shown.is_empty()
                    && (info.name == "event.original"
                        || tested.iter().all(|value| {
                            let value = value.scalar().unwrap();
                            document.fields().any(|(_, values)| values.contains(value))
                        }))
            };
            assert!(tested == shown || repeated(), "{id} {}: {tested:?} {shown:?}", info.name);
        }
    }
    // Most fields occur in our logs; those that do not have tests of their own.
    let occur = filled.iter().filter(|count| **count > 0).count();
    assert!(occur > 85, "{occur} of {}", names.len());
}

proptest! {
    #[test]
    fn arbitrary_records_never_panic(
        bodies in prop::collection::vec((0_usize..14, prop::collection::vec(any::<u8>(), 0..80)), 1..6),
    ) {
        read_all(&bodies);
    }

    #[test]
    fn nearly_right_records_never_panic(
        bodies in prop::collection::vec(
            (0_usize..14, "( ?(arch|syscall|exit|a[0-9]|a0_len|argc|saddr|name|mode|item|nametype|uring_op|key|exe|subj|msg)=[\"'(]?(c000003e|59|42|257|0200|-1|99999999999999999999|[0-9A-F]{0,40}|[a-z:/.]{0,9}|CREATE)[\"')]?){0,9}"),
            1..6,
        ),
    ) {
        let bodies: Vec<_> =
            bodies.into_iter().map(|(kind, body)| (kind, body.into_bytes())).collect();
        read_all(&bodies);
    }
}

/// Reads every field of an event of these records.
fn read_all(bodies: &[(usize, Vec<u8>)]) {
    const KINDS: [&str; 14] = [
        "SYSCALL",
        "EXECVE",
        "PATH",
        "CWD",
        "SOCKADDR",
        "SOCKETCALL",
        "PROCTITLE",
        "OBJ_PID",
        "AVC",
        "URINGOP",
        "LOGIN",
        "OPENAT2",
        "CONFIG_CHANGE",
        "SECCOMP",
    ];
    let names: Vec<&str> = FIELDS.iter().map(|info| info.name).collect();
    let mut run = Run::new(&names);
    let mut log = Vec::new();
    for (kind, body) in bodies {
        log.extend(format!("type={} msg=audit(1700000000.100:7): ", KINDS[*kind]).into_bytes());
        log.extend(body.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        log.push(b'\n');
    }
    for group in groups(&log) {
        run.load(group);
        run.event.document();
    }
}

#[test]
fn a_path_record_without_a_value_does_not_shift_the_others() {
    let call = "SYSCALL arch=c000003e syscall=263 success=yes exit=0 items=2 pid=11";
    let paths = ["PATH item=0 name=(null) nametype=PARENT", "PATH item=1 name=612062 inode=7"];
    let events = Run::new(&[]).documents(&log(&[call, paths[0], paths[1]]));
    let paths: Vec<Vec<String>> = events[0]
        .1
        .paths()
        .map(|record| record.map(|(key, value)| format!("{key}={value}")).collect())
        .collect();
    assert_eq!(paths, [vec!["item=0", "nametype=PARENT"], vec!["item=1", "name=a b", "inode=7"]]);
}

#[test]
fn a_record_with_ninety_thousand_keys_is_shown_in_part_and_says_so() {
    let mut call = "SYSCALL arch=c000003e syscall=59 success=yes exit=0 pid=11".to_owned();
    (0..90_000).for_each(|n| {
        let _ = write!(call, " k{n}=1");
    });
    let events = Run::new(&[]).documents(&log(&[&call]));
    let document = &events[0].1;
    let shown = document.fields().filter(|(name, _)| name.starts_with("auditd.data.k")).count();
    assert!((500..=512).contains(&shown), "{shown}");
    assert_eq!(shown + document.left_out(), 90_000);
}

/// Documents are written in one go; what is written is the tree that alerts hold.
#[test]
fn lines_say_what_trees_say() {
    let mut log = captures();
    let odd = [
        "key=1 other.key=2",
        "socket=5 saddr=020023290A000001",
        "socket.addr=1 b=2",
        "*=1",
        "a=\"\\\" b=\"\t\" c=\u{7f}\u{fffd}",
    ];
    for (keys, serial) in odd.iter().zip(1..) {
        for kind in ["SYSCALL", "SOCKADDR", "USER_AUTH", "PATH", "AVC"] {
            log.extend(
                format!("type={kind} msg=audit(1700000000.000:{serial}): {keys} pid=1\n").bytes(),
            );
        }
    }
    for (id, document) in Run::new(&[]).documents(&log) {
        let mut line = Vec::new();
        catena::alert::write_nested(&document, &mut line);
        let tree = catena::alert::nested(&document).to_string();
        assert_eq!(String::from_utf8(line).unwrap(), tree, "{id}");
    }
}
