//! Which fields rules read, and where they come from: every one that rules for Linux are known to read is
//! filled in by some event of an audit log, or stands below with the reason why no audit log can tell it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "common/audit.rs"]
mod audit;

use std::collections::BTreeSet;
use std::sync::Arc;

use audit::{Run, groups, shown};
use catena::event::{Document, Hosts, Identity, Names, Profile};
use catena::schema::{FIELDS, FieldId, lookup};
use catena::value::Value;

/// What rules for Linux hosts read, in the order of how many of them do.
const READ_BY_RULES: &[&str] = &[
    "host.os.type",
    "event.action",
    "event.type",
    "process.name",
    "process.args",
    "process.parent.name",
    "process.executable",
    "process.parent.executable",
    "host.id",
    "file.path",
    "process.command_line",
    "process.parent.args",
    "file.name",
    "process.parent.command_line",
    "file.extension",
    "process.entity_id",
    "process.working_directory",
    "process.args_count",
    "process.parent.entity_id",
    "user.id",
    "destination.ip",
    "file.Ext.original.extension",
    "process.entry_leader.entry_meta.type",
    "auditd.data.syscall",
    "event.outcome",
    "file.Ext.original.name",
    "user.name",
    "process.pid",
    "process.parent.pid",
    "user.Ext.real.id",
    "group.Ext.real.id",
    "process.user.id",
    "process.group.id",
    "process.parent.user.id",
    "process.parent.group.id",
    "file.Ext.original.path",
    "process.entry_leader.executable",
    "process.parent.args_count",
    "process.thread.capabilities.effective",
    "process.thread.capabilities.permitted",
    "process.real_user.id",
    "process.real_group.id",
    "source.ip",
    "source.port",
    "destination.port",
    "destination.address",
    "network.direction",
    "network.type",
    "auditd.data.a0",
    "auditd.data.a1",
    "auditd.data.a2",
    "auditd.data.a3",
    "auditd.data.grantors",
    "auditd.data.terminal",
    "auditd.data.addr",
    "auditd.data.hostname",
    "auditd.data.op",
    "auditd.data.acct",
    "auditd.data.socket.family",
    "process.interactive",
    "process.parent.interactive",
    "process.session_leader.name",
    "process.session_leader.executable",
    "process.session_leader.entity_id",
    "process.session_leader.user.id",
    "process.session_leader.interactive",
    "process.group_leader.name",
    "process.group_leader.executable",
    "process.group_leader.interactive",
    "process.entry_leader.name",
    "process.entry_leader.args",
    "process.entry_leader.user.id",
    "process.entry_leader.interactive",
    "process.parent.working_directory",
    "process.parent.real_user.id",
    "process.parent.real_group.id",
    "process.title",
    "process.tty.char_device.major",
    "process.tty.char_device.minor",
    "process.exit_code",
    "process.Ext.ancestry",
    "user.effective.id",
    "user.audit.id",
    "auditd.user.audit.id",
    "event.category",
    "event.dataset",
    "event.module",
    "event.kind",
    "event.sequence",
    "data_stream.dataset",
    "host.name",
    "host.hostname",
    "group.id",
    "group.name",
    "file.type",
    "file.directory",
    "file.mode",
    "file.inode",
    "file.owner",
    "tags",
    "related.user",
    "user.target.name",
    "@timestamp",
];

/// What rules for Linux hosts read besides, and why it is in no audit log.
const NEVER: &[(&str, &str)] = &[
    ("process.env_vars", "the kernel does not log the environment of an execution"),
    ("dns.question.name", "names are looked up by libraries, in packets that nobody takes apart"),
    ("http.request.body.content", "what is sent over a connection is not logged"),
    ("network.transport", "an address does not tell the kind of its socket"),
    ("network.protocol", "what is sent over a connection is not logged"),
    ("destination.bytes", "what is sent over a connection is not counted"),
    ("process.hash.sha256", "the content of files is not logged"),
    ("file.hash.sha256", "the content of files is not logged"),
    ("file.size", "records of paths hold no size"),
    ("process.entry_leader.entry_meta.source.ip", "a login is logged by another process"),
    ("container.id", "control groups are not logged"),
];

const HOST: &str = "web01";

/// A log with events of every kind; each `;` begins a new event, records of one stand on lines.
fn log() -> String {
    let call = |number: u32, result: &str, args: &str, who: &str, exe: &str| {
        let comm = exe.rsplit('/').next().unwrap();
        let comm = comm.get(..15).unwrap_or(comm);
        format!(
            "type=SYSCALL msg=audit(T): arch=c000003e syscall={number} {result} {args} items=1 {who} tty=pts0 ses=3 comm=\"{comm}\" exe=\"{exe}\" subj=system_u:system_r:sshd_t:s0:c1 key=\"k\""
        )
    };
    let ids = "auid=1000 uid=1000 gid=1000 euid=0 suid=1000 fsuid=1000 egid=0 sgid=1000 fsgid=1000";
    let who = |ppid: u32, pid: u32| format!("ppid={ppid} pid={pid} {ids}");
    let ok = "success=yes exit=0";
    let args = "a0=0 a1=0 a2=0 a3=0";
    let exec = |ppid: u32, pid: u32, exe: &str, argv: &[&str]| {
        let argv: Vec<_> =
            argv.iter().zip(0..).map(|(arg, at)| format!(" a{at}=\"{arg}\"")).collect();
        format!(
            "{}\ntype=EXECVE msg=audit(T): argc={}{}\ntype=CWD msg=audit(T): cwd=\"/home/alice\"\ntype=PROCTITLE msg=audit(T): proctitle=\"x\"",
            call(59, ok, args, &who(ppid, pid), exe),
            argv.len(),
            argv.concat()
        )
    };
    let path = |item: u32, name: &str, kind: &str| {
        format!(
            "type=PATH msg=audit(T): item={item} name=\"{name}\" inode=131 dev=fe:00 mode=0100644 ouid=1000 ogid=1000 rdev=00:00 nametype={kind}"
        )
    };
    let address = "type=SOCKADDR msg=audit(T): saddr=020023290A0000010000000000000000";
    let unix = "type=SOCKADDR msg=audit(T): saddr=01002F72756E2F6C6F6700";
    let bash = "/usr/bin/bash";
    let events = [
        exec(1, 50, "/usr/sbin/sshd", &["/usr/sbin/sshd", "-D"]),
        exec(50, 100, bash, &["-bash"]),
        call(109, ok, "a0=0 a1=0 a2=0 a3=0", &who(50, 100), bash),
        exec(100, 200, bash, &["/bin/bash", "/tmp/a-name-longer-than-comm.sh"]),
        exec(200, 300, "/usr/bin/id", &["id", "-u"]),
        call(41, "success=yes exit=3", "a0=2 a1=80802 a2=11 a3=0", &who(200, 300), "/usr/bin/id"),
        format!("{}\n{address}", call(42, ok, "a0=3 a1=0 a2=10 a3=0", &who(200, 300), "/usr/bin/id")),
        format!("{}\n{unix}", call(42, ok, "a0=3 a1=0 a2=10 a3=0", &who(200, 300), "/usr/bin/id")),
        format!("{}\n{address}", call(43, ok, "a0=3 a1=0 a2=10 a3=0", &who(200, 300), "/usr/bin/id")),
        format!(
            "{}\n{}\n{}",
            call(82, ok, args, &who(200, 300), "/usr/bin/id"),
            path(2, "/tmp/a.txt", "DELETE"),
            path(3, "/tmp/b.sh", "CREATE")
        ),
        format!(
            "{}\n{}",
            call(257, "success=no exit=-13", "a0=ffffff9c a1=0 a2=241 a3=0", &who(200, 300), "/usr/bin/id"),
            path(0, "/etc/shadow", "NORMAL")
        ),
        call(10, ok, "a0=0 a1=0 a2=7 a3=0", &who(200, 300), "/usr/bin/id"),
        call(62, ok, "a0=1 a1=9 a2=0 a3=0", &who(200, 300), "/usr/bin/id"),
        call(101, ok, "a0=10 a1=0 a2=0 a3=0", &who(200, 300), "/usr/bin/id"),
        call(56, "success=yes exit=301", "a0=20000011 a1=0 a2=0 a3=0", &who(200, 300), "/usr/bin/id"),
        format!(
            "{}\ntype=CAPSET msg=audit(T): pid=300 cap_pi=0 cap_pp=201000 cap_pe=200000 cap_pa=0",
            call(126, ok, args, &who(200, 300), "/usr/bin/id")
        ),
        call(231, "", "a0=1 a1=0 a2=0 a3=0", &who(200, 300), "/usr/bin/id"),
        "type=USER_LOGIN msg=audit(T): pid=50 uid=0 auid=1000 ses=3 msg='op=login acct=\"alice\" exe=\"/usr/sbin/sshd\" hostname=h addr=203.0.113.9 terminal=ssh grantors=pam_unix res=success'".to_owned(),
        "type=ADD_USER msg=audit(T): pid=400 uid=0 auid=1000 ses=3 msg='op=adding acct=\"bob\" id=1001 exe=\"/usr/sbin/useradd\" res=success'".to_owned(),
        "type=LOGIN msg=audit(T): pid=50 uid=0 old-auid=1000 auid=1001 tty=(none) old-ses=1 ses=2 res=1".to_owned(),
    ];
    let numbered = events.iter().zip(1..).map(|(event, serial)| {
        event.replace("(T)", &format!("(1700000{serial:03}.000:{serial})")) + "\n"
    });
    numbered.collect()
}

/// Fields with their values.
type Fields = Vec<(&'static str, Vec<String>)>;

/// Members of families that rules read.
const MEMBERS: [&str; 7] = [
    "auditd.data.grantors",
    "auditd.data.terminal",
    "auditd.data.addr",
    "auditd.data.hostname",
    "auditd.data.op",
    "auditd.data.acct",
    "auditd.paths.name",
];

fn run(identity: &Identity, fields: &[&'static str]) -> Run {
    Run { hosts: Hosts::new(identity, ["log"]), ..Run::new(fields) }
}

/// Every field of every event, as rules see it, and its document.
fn read(identity: &Identity) -> Vec<(Fields, Document)> {
    let names: Vec<&str> = FIELDS.iter().map(|info| info.name).chain(MEMBERS).collect();
    let mut run = run(identity, &names);
    let mut events = Vec::new();
    for group in groups(log().as_bytes()) {
        run.load(group);
        let values = |index: u16| {
            let values = run.event.values(FieldId(index)).map(Value::from);
            values.map(|value| value.to_string()).collect()
        };
        let fields = names.iter().zip(0..).map(|(name, index)| (*name, values(index))).collect();
        events.push((fields, run.event.document()));
    }
    events
}

fn with_names(profile: Profile) -> Identity {
    let mut names = Names::default();
    let mut bad = 0;
    names.read(
        b"root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh",
        &mut |_| bad += 1,
    );
    names.read(b"root:x:0:\nusers:x:1000:alice\n", &mut |_| bad += 1);
    assert_eq!(bad, 0);
    Identity { profile, names: vec![(HOST.to_owned(), Arc::new(names))], ..Identity::named(HOST) }
}

fn filled(identity: &Identity) -> BTreeSet<&'static str> {
    let mut filled = BTreeSet::new();
    for (fields, _) in read(identity) {
        filled.extend(fields.into_iter().filter(|(_, v)| !v.is_empty()).map(|(name, _)| name));
    }
    filled
}

#[test]
fn what_rules_read_is_filled_in_by_some_event_or_cannot_be() {
    for profile in [Profile::Auditd, Profile::Endpoint] {
        let filled = filled(&with_names(profile));
        let missing: Vec<_> =
            READ_BY_RULES.iter().filter(|name| !filled.contains(**name)).collect();
        assert!(missing.is_empty(), "{profile:?}: {missing:?}");
    }
    for name in READ_BY_RULES {
        assert!(lookup(name).is_some_and(|info| info.is_in_audit()), "{name}");
    }
    for (name, why) in NEVER {
        assert!(lookup(name).is_some_and(|info| !info.is_in_audit()), "{name}: {why}");
    }
}

#[test]
fn whatever_the_schema_promises_is_filled_in_by_some_event() {
    let filled = filled(&with_names(Profile::Auditd));
    let promised = FIELDS.iter().map(|info| info.name).filter(|name| !name.ends_with('*'));
    let missing: Vec<_> = promised.filter(|name| !filled.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The values of a field of an event, with bars between them.
fn event(events: &[(Fields, Document)], at: usize, field: &str) -> String {
    let (fields, _) = events.get(at).unwrap();
    let (_, values) = fields.iter().find(|(name, _)| *name == field).unwrap();
    values.join("|")
}

/// Where the script runs, the connection, the end of the process, the file that was renamed.
const SCRIPT: usize = 3;
const CONNECTION: usize = 6;
const RENAMED: usize = 9;
const END: usize = 16;

#[test]
fn auditbeat_names_the_real_user_and_comm_first() {
    let events = read(&with_names(Profile::Auditd));
    let of = |at, field| event(&events, at, field);
    assert_eq!(of(SCRIPT, "process.name"), "bash");
    assert_eq!(of(CONNECTION, "event.action"), "connected-to|connection_attempted");
    assert_eq!(of(END, "event.action"), "exited|end");
    assert_eq!(of(CONNECTION, "event.dataset"), "auditd_manager.auditd");
    for (field, value) in [
        ("user.id", "1000"),
        ("user.name", "alice"),
        ("user.effective.id", "0"),
        ("user.effective.name", "root"),
        ("user.Ext.real.id", "1000"),
        ("process.user.id", "1000"),
        ("process.parent.user.id", "1000"),
        ("process.parent.user.name", "alice"),
        ("group.name", "users"),
        ("related.user", "alice|root"),
        ("process.session_leader.pid", "100"),
        ("process.entry_leader.entry_meta.type", "sshd"),
    ] {
        assert_eq!(of(CONNECTION, field), value, "{field}");
    }
}

#[test]
fn defend_names_the_effective_user_and_the_program_first() {
    let events = read(&with_names(Profile::Endpoint));
    let of = |at, field| event(&events, at, field);
    assert_eq!(of(CONNECTION, "event.action"), "connection_attempted|connected-to");
    assert_eq!(of(END, "event.action"), "end|exited");
    assert!(of(RENAMED, "event.action").starts_with("rename|"));
    assert!(of(SCRIPT, "event.action").starts_with("exec|"));
    assert_eq!(of(SCRIPT, "event.dataset"), "endpoint.events.process");
    assert_eq!(of(RENAMED, "event.dataset"), "endpoint.events.file");
    for (field, value) in [
        ("event.dataset", "endpoint.events.network"),
        ("event.module", "endpoint"),
        ("user.id", "0"),
        ("user.name", "root"),
        ("user.effective.id", "0"),
        ("user.Ext.real.id", "1000"),
        ("process.user.id", "0"),
        ("process.real_user.id", "1000"),
        ("process.group.id", "0"),
        ("process.parent.user.id", "0"),
        ("process.parent.real_user.id", "1000"),
    ] {
        assert_eq!(of(CONNECTION, field), value, "{field}");
    }
}

#[test]
fn documents_say_what_rules_see() {
    for profile in [Profile::Auditd, Profile::Endpoint] {
        for (fields, document) in read(&with_names(profile)) {
            for (name, values) in fields {
                let told = shown(&document, name);
                assert!(told.is_empty() || told == values.join("|"), "{name}: {told}, {values:?}");
            }
        }
    }
}

#[test]
fn without_its_files_a_machine_has_no_names() {
    let identity =
        Identity { names: with_names(Profile::Auditd).names, ..Identity::named("web02") };
    let documents = run(&identity, &[]).documents(log().as_bytes());
    let of = |field| shown(&documents[CONNECTION].1, field);
    assert_eq!((of("user.id"), of("user.name")), ("1000".to_owned(), String::new()));
    assert_eq!(of("process.parent.user.name"), "");
}
