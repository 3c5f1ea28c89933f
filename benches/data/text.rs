//! What a process does, as records of an audit log and as a line of ECS in the nested form of Auditbeat.
//!
//! In: a [`Step`] with its time and serial number. Out: the bytes of its records, each apart so that
//! they can be mixed with those of other events, and its line of JSON.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::random::Random;
use super::story::{Act, Process, Step, Target, UNSET};

/// One event as text; reused.
#[derive(Debug, Default)]
pub(crate) struct Text {
    /// Its records, one after another.
    pub(crate) raw: String,
    /// Where they end.
    pub(crate) ends: Vec<usize>,
    /// As JSON; empty when nobody wants it.
    pub(crate) ecs: String,
}

/// Writes events.
#[derive(Debug)]
pub(crate) struct Writer {
    enriched: bool,
    eoe: bool,
    ecs: bool,
    names: Vec<String>,
    hosts: Vec<String>,
    agents: Vec<String>,
    /// `msg=audit(...): ` of the present event.
    head: String,
    /// `node=... ` or nothing.
    node: String,
    /// The present second and how it is written.
    second: i64,
    day: String,
}

/// How a log is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) hosts: usize,
    pub(crate) enriched: bool,
    pub(crate) eoe: bool,
    pub(crate) ecs: bool,
}

impl Writer {
    pub(crate) fn new(style: Style) -> Self {
        let hosts = 0..style.hosts;
        let names: Vec<String> =
            hosts.clone().map(|host| format!("web{host:03}.prod.example.net")).collect();
        let agent = |(host, name): (usize, &String)| {
            format!(
                r#"{{"ephemeral_id":"cfe4170e-f9b4-435f-b19c-{host:012x}","id":"753ce520-4f32-45b1-9212-{host:012x}","name":"{name}","type":"auditbeat","version":"8.17.0"}}"#
            )
        };
        Self {
            enriched: style.enriched,
            eoe: style.eoe,
            ecs: style.ecs,
            hosts: hosts.clone().zip(&names).map(|(host, name)| host_block(host, name)).collect(),
            agents: hosts.zip(&names).map(agent).collect(),
            names,
            head: String::new(),
            node: String::new(),
            second: -1,
            day: String::new(),
        }
    }

    /// Writes one event.
    pub(crate) fn write(
        &mut self,
        random: &mut Random,
        step: &Step,
        millis: i64,
        serial: u32,
        out: &mut Text,
    ) {
        out.raw.clear();
        out.ends.clear();
        out.ecs.clear();
        let Step { process, act, succeeds } = step;
        self.head.clear();
        let (second, milli) = (millis / 1000, millis % 1000);
        let _ = write!(self.head, " msg=audit({second}.{milli:03}:{serial}): ");
        self.node.clear();
        if self.hosts.len() > 1 {
            let _ = write!(self.node, "node={} ", self.names[process.host]);
        }
        if self.second != second {
            let time = Timestamp::from_second(second).unwrap_or_default();
            self.day = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            self.second = second;
        }
        let mut call = Call {
            a: [(); 3].map(|()| random.bits(46) as u64 | 0x5500_0000_0000),
            exit: 0,
            ok: *succeeds,
            ..Call::default()
        };
        let mut ecs = Ecs { category: "process", kind: r#""info""#, ..Ecs::default() };
        match act {
            Act::User => self.user(random, process, out, &mut ecs),
            Act::Execve => self.execve(random, process, &mut call, out, &mut ecs),
            Act::Openat(file) => self.openat(random, process, file, &mut call, out, &mut ecs),
            Act::Socket(domain, kind) => {
                call.exit = random.range(3, 40) as i32;
                call.words = Some([domain, kind, "0", "0"]);
                call.key = "net";
                self.call(process, "socket", &call, 0, out);
            }
            Act::Connect(target) => {
                call.exit = if *succeeds { 0 } else { -101 };
                call.a[0] = u64::from(random.range(3, 40));
                call.a[2] = match target.family {
                    4 => 0x10,
                    6 => 0x1c,
                    _ => 0x6e,
                };
                call.key = "net";
                self.connect(process, target, &call, out, &mut ecs);
            }
            Act::Call(name) => self.call(process, name, &call, 0, out),
        }
        if !matches!(act, Act::User) {
            self.record(out, "PROCTITLE", |raw| {
                raw.push_str("proctitle=");
                match process.arguments.as_slice() {
                    [one] => untrusted(raw, one),
                    several => hex(raw, &several.join("\0")),
                }
            });
            if self.eoe {
                self.record(out, "EOE", |_| {});
            }
        }
        if self.ecs {
            self.json(step, &call, &ecs, milli, serial, &mut out.ecs);
        }
    }

    /// Writes one record; `body` writes what stands behind its head.
    fn record(&self, out: &mut Text, kind: &str, body: impl FnOnce(&mut String)) {
        let raw = &mut out.raw;
        for part in [&*self.node, "type=", kind, &*self.head] {
            raw.push_str(part);
        }
        body(raw);
        raw.push('\n');
        out.ends.push(raw.len());
    }

    /// Writes the record of a system call.
    fn call(&self, process: &Process, name: &str, call: &Call, items: usize, out: &mut Text) {
        let Process { parent, pid, login, user, terminal, session, executable, .. } = process;
        self.record(out, "SYSCALL", |raw| {
            let success = if call.ok { "yes" } else { "no" };
            let [a0, a1, a2, a3] = call.arguments();
            let _ = write!(
                raw,
                "arch=c000003e syscall={} success={success} exit={} a0={a0} a1={a1} a2={a2} a3={a3} \
                 items={items} ppid={parent} pid={pid} auid={login} uid={user} gid={user} euid={user} \
                 suid={user} fsuid={user} egid={user} sgid={user} fsgid={user} tty={terminal} \
                 ses={session} comm=",
                number_of(name),
                call.exit,
            );
            untrusted(raw, process.name);
            raw.push_str(" exe=");
            untrusted(raw, executable);
            raw.push_str(" subj=unconfined key=");
            match call.key {
                "" => raw.push_str("(null)"),
                key => _ = write!(raw, "\"{key}\""),
            }
            if self.enriched {
                let (user, login) = (user_name(*user), user_name(*login));
                let _ = write!(raw, "\u{1d}ARCH=x86_64 SYSCALL={name} AUID=\"{login}\"");
                for field in ["UID", "GID", "EUID", "SUID", "FSUID", "EGID", "SGID", "FSGID"] {
                    let _ = write!(raw, " {field}=\"{user}\"");
                }
            }
        });
    }

    fn path(&self, out: &mut Text, item: usize, name: &str, inode: u32, mode: &str) {
        self.record(out, "PATH", |raw| {
            let _ = write!(raw, "item={item} name=");
            untrusted(raw, name);
            let _ = write!(
                raw,
                " inode={inode} dev=fe:01 mode={mode} ouid=0 ogid=0 rdev=00:00 nametype=NORMAL \
                 cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
            );
            if self.enriched {
                raw.push_str("\u{1d}OUID=\"root\" OGID=\"root\"");
            }
        });
    }

    fn user(&self, random: &mut Random, process: &Process, out: &mut Text, ecs: &mut Ecs) {
        let kinds = ["USER_LOGIN", "USER_START", "USER_END", "CRED_ACQ", "USER_AUTH", "USER_CMD"];
        let kind = random.pick(&kinds);
        let Process { pid, login, session, user, .. } = process;
        let (name, last) = (user_name(*user), pid % 250);
        self.record(out, kind, |raw| {
            let _ = write!(
                raw,
                "pid={pid} uid=0 auid={login} ses={session} subj=unconfined \
                 msg='op=PAM:session_open grantors=pam_unix acct=\"{name}\" exe=\"/usr/sbin/sshd\" \
                 hostname=203.0.113.{last} addr=203.0.113.{last} terminal=ssh res=success'"
            );
            if self.enriched {
                let _ = write!(raw, "\u{1d}UID=\"root\" AUID=\"{}\"", user_name(*login));
            }
        });
        ecs.message = kind.to_ascii_lowercase();
        ecs.action = ecs.message.replace('_', "-");
        let about_who = matches!(kind, "USER_LOGIN" | "USER_AUTH" | "CRED_ACQ");
        ecs.category = if about_who { "authentication" } else { "session" };
        if matches!(kind, "USER_START" | "USER_LOGIN") {
            ecs.kind = r#""start""#;
        }
    }

    fn execve(
        &self,
        random: &mut Random,
        process: &Process,
        call: &mut Call,
        out: &mut Text,
        ecs: &mut Ecs,
    ) {
        let inodes = [(); 2].map(|()| random.bits(22) as u32);
        call.exit = if call.ok { 0 } else { -2 };
        call.key = "exec";
        self.call(process, "execve", call, 2, out);
        self.record(out, "EXECVE", |raw| {
            let _ = write!(raw, "argc={}", process.arguments.len());
            for (number, argument) in process.arguments.iter().enumerate() {
                let _ = write!(raw, " a{number}=");
                untrusted(raw, argument);
            }
        });
        self.record(out, "CWD", |raw| {
            raw.push_str("cwd=");
            untrusted(raw, process.folder);
        });
        let loader = "/lib64/ld-linux-x86-64.so.2";
        let paths = [&*process.executable, loader];
        for (item, (path, inode)) in paths.into_iter().zip(inodes).enumerate() {
            self.path(out, item, path, inode, "0100755");
        }
        if self.ecs {
            (ecs.action, ecs.kind) = ("executed".to_owned(), r#""start""#);
            ecs.extra = format!(r#","argc":"{}""#, process.arguments.len());
            ecs.paths = format!(
                r#","paths":[{},{}]"#,
                path_json(0, paths[0], inodes[0], "0100755"),
                path_json(1, paths[1], inodes[1], "0100755")
            );
            ecs.file = file_json(paths[0], inodes[0], "0755");
        }
    }

    fn openat(
        &self,
        random: &mut Random,
        process: &Process,
        file: &str,
        call: &mut Call,
        out: &mut Text,
        ecs: &mut Ecs,
    ) {
        call.exit = if call.ok { random.range(3, 40) as i32 } else { -13 };
        let inode = random.bits(22) as u32;
        call.words = Some(["ffffff9c", "", "80000", "0"]);
        call.key = "files";
        self.call(process, "openat", call, 1, out);
        self.record(out, "CWD", |raw| {
            raw.push_str("cwd=");
            untrusted(raw, process.folder);
        });
        self.path(out, 0, file, inode, "0100644");
        if self.ecs {
            (ecs.action, ecs.category) = ("opened-file".to_owned(), "file");
            ecs.paths = format!(r#","paths":[{}]"#, path_json(0, file, inode, "0100644"));
            ecs.file = file_json(file, inode, "0644");
        }
    }

    fn connect(
        &self,
        process: &Process,
        target: &Target,
        call: &Call,
        out: &mut Text,
        ecs: &mut Ecs,
    ) {
        let Target { family, address, port } = target;
        self.call(process, "connect", call, 0, out);
        self.record(out, "SOCKADDR", |raw| {
            raw.push_str("saddr=");
            match family {
                4 => {
                    let _ = write!(raw, "0200{port:04X}");
                    for byte in address.split('.') {
                        let _ = write!(raw, "{:02X}", byte.parse::<u8>().unwrap_or_default());
                    }
                    raw.push_str("0000000000000000");
                }
                // The only one is ::1.
                6 => _ = write!(raw, "0A00{port:04X}00000000{:032}00000000", 1),
                _ => {
                    raw.push_str("0100");
                    hex(raw, address);
                    raw.push_str("00");
                }
            }
            if self.enriched {
                let tail = "\u{1d}SADDR={ saddr_fam=inet laddr=";
                let _ = write!(raw, "{tail}{address} lport={port} }}");
            }
        });
        if !self.ecs {
            return;
        }
        (ecs.action, ecs.category) = ("connected-to".to_owned(), "network");
        ecs.kind = r#""connection","start""#;
        let direction = r#""network":{"direction":"egress"}"#;
        if *family == 0 {
            ecs.extra = format!(r#","socket":{{"family":"unix","path":"{address}"}}"#);
            ecs.network = format!(",{direction}");
        } else {
            ecs.extra = format!(
                r#","socket":{{"addr":"{address}","family":"ipv{family}","port":"{port}"}}"#
            );
            ecs.network =
                format!(r#","destination":{{"ip":"{address}","port":{port}}},{direction}"#);
        }
    }

    /// Writes the line of JSON.
    fn json(
        &self,
        step: &Step,
        call: &Call,
        ecs: &Ecs,
        milli: i64,
        serial: u32,
        line: &mut String,
    ) {
        let Step { process, act, succeeds } = step;
        let Process { host, pid, parent, name, executable, arguments, .. } = &**process;
        let Process { user, login, session, terminal, folder, .. } = &**process;
        let (user_name, login_name, user_id) = (user_name(*user), user_name(*login), user);
        let (day, agent, host) = (&self.day, &self.agents[*host], &self.hosts[*host]);
        let Ecs { extra, paths, network, file, category, kind, .. } = ecs;
        let (result, outcome) =
            if *succeeds { ("success", "success") } else { ("fail", "failure") };
        let _ = write!(
            line,
            r#"{{"@timestamp":"{day}.{milli:03}Z","agent":{agent},"auditd":{{"data":{{"#
        );
        let message = if let Act::User = act {
            let last = pid % 250;
            let _ = write!(
                line,
                r#""acct":"{user_name}","addr":"203.0.113.{last}","grantors":"pam_unix","hostname":"203.0.113.{last}","op":"PAM:session_open","terminal":"ssh""#
            );
            &*ecs.message
        } else {
            let [a0, a1, a2, a3] = call.arguments();
            let exit = match call.exit {
                -2 => "ENOENT",
                -13 => "EACCES",
                -101 => "ENETUNREACH",
                other => &*other.to_string(),
            };
            let call = act.name();
            let _ = write!(
                line,
                r#""a0":"{a0}","a1":"{a1}","a2":"{a2}","a3":"{a3}","arch":"x86_64"{extra},"exit":"{exit}","syscall":"{call}","tty":"{terminal}""#
            );
            "syscall"
        };
        let session = if *session == UNSET { "unset".to_owned() } else { session.to_string() };
        let _ = write!(
            line,
            r#"}},"message_type":"{message}"{paths},"result":"{result}","sequence":{serial},"session":"{session}","summary":{{"actor":{{"primary":"{login_name}","secondary":"{user_name}"}},"how":"{executable}"}}}},"data_stream":{{"dataset":"auditd_manager.auditd","namespace":"default","type":"logs"}},"ecs":{{"version":"8.11.0"}},"event":{{"#
        );
        if !ecs.action.is_empty() {
            let _ = write!(line, r#""action":"{}","#, ecs.action);
        }
        let _ = write!(
            line,
            r#""category":["{category}"],"dataset":"auditd_manager.auditd","ingested":"{day}.{milli:03}Z","kind":"event","module":"auditd","outcome":"{outcome}","sequence":{serial},"type":[{kind}]}}{file},"host":{host}{network},"process":{{"#
        );
        if let Act::User = act {
            let _ = write!(line, r#""executable":"/usr/sbin/sshd","pid":{pid}}}"#);
        } else {
            if let Act::Execve = act {
                let _ = write!(line, r#""args":["{}"],"#, arguments.join("\",\""));
            }
            let title = arguments.join(" ");
            let _ = write!(
                line,
                r#""executable":"{executable}","name":"{name}","parent":{{"pid":{parent}}},"pid":{pid},"title":"{title}","working_directory":"{folder}"}}"#
            );
        }
        let _ = writeln!(
            line,
            r#","service":{{"type":"auditd"}},"tags":["auditd_manager-auditd"],"user":{{"audit":{{"id":"{login}","name":"{login_name}"}},"group":{{"id":"{user_id}","name":"{user_name}"}},"id":"{user_id}","name":"{user_name}"}}}}"#
        );
    }
}

/// Arguments and result of a system call.
#[derive(Debug, Default)]
struct Call {
    a: [u64; 3],
    /// Arguments that are written otherwise; an empty one is not.
    words: Option<[&'static str; 4]>,
    exit: i32,
    ok: bool,
    key: &'static str,
}

impl Call {
    fn arguments(&self) -> [String; 4] {
        let mut texts = [
            format!("{:x}", self.a[0]),
            format!("{:x}", self.a[1]),
            format!("{:x}", self.a[2]),
            if self.key == "net" { "0" } else { "8" }.to_owned(),
        ];
        for (text, word) in texts.iter_mut().zip(self.words.unwrap_or_default()) {
            if !word.is_empty() {
                *text = word.to_owned();
            }
        }
        texts
    }
}

/// Parts of a line of JSON.
#[derive(Debug, Default)]
struct Ecs {
    message: String,
    action: String,
    category: &'static str,
    kind: &'static str,
    extra: String,
    paths: String,
    file: String,
    network: String,
}

fn number_of(call: &str) -> u32 {
    match call {
        "execve" => 59,
        "openat" => 257,
        "connect" => 42,
        "socket" => 41,
        "exit_group" => 231,
        "clone" => 56,
        "chmod" => 90,
        "setuid" => 105,
        "ptrace" => 101,
        _ => 263,
    }
}

fn user_name(id: u32) -> &'static str {
    match id {
        0 => "root",
        1000 => "alice",
        1001 => "bob",
        33 => "www-data",
        999 => "postgres",
        _ => "unset",
    }
}

/// A value as the kernel writes what it does not trust: quoted unless it holds blanks, quotes or bytes that
/// are no printable ASCII.
fn untrusted(raw: &mut String, text: &str) {
    if text.bytes().all(|byte| (33..127).contains(&byte) && byte != b'"') {
        for part in ["\"", text, "\""] {
            raw.push_str(part);
        }
    } else {
        hex(raw, text);
    }
}

fn hex(raw: &mut String, text: &str) {
    for byte in text.bytes() {
        let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
        raw.push(digit(byte >> 4));
        raw.push(digit(byte & 15));
    }
}

fn path_json(item: usize, name: &str, inode: u32, mode: &str) -> String {
    format!(
        r#"{{"cap_fe":"0","cap_fi":"0","cap_fp":"0","cap_frootid":"0","cap_fver":"0","dev":"fe:01","inode":"{inode}","item":"{item}","mode":"{mode}","name":"{name}","nametype":"NORMAL","ogid":"0","ouid":"0","rdev":"00:00"}}"#
    )
}

fn file_json(path: &str, inode: u32, mode: &str) -> String {
    format!(
        r#","file":{{"device":"00:00","gid":"0","group":"root","inode":"{inode}","mode":"{mode}","owner":"root","path":"{path}","uid":"0"}}"#
    )
}

fn host_block(host: usize, name: &str) -> String {
    let id = Random::from_text(&format!("h{host}")).bits(128);
    let (high, low) = (host / 256, host % 256);
    format!(
        r#"{{"architecture":"x86_64","containerized":false,"hostname":"{name}","id":"{id:032x}","ip":["10.{high}.{low}.7","fe80::42:acff:fe11:{:x}"],"mac":["02-42-AC-11-00-{low:02X}"],"name":"{name}","os":{{"codename":"bookworm","family":"debian","kernel":"6.1.0-28-amd64","name":"Debian GNU/Linux","platform":"debian","type":"linux","version":"12 (bookworm)"}}}}"#,
        host + 2
    )
}
