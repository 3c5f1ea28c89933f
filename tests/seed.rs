//! A live stream begins in the middle of the lives of processes: those that `/proc` shows are known.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use catena::alert::Alert;
use catena::event::{Host, Identity, Person, Terminal};
use catena::pipeline::{Flow, LiveInput, LiveSource, Observer, Order, Settings, replay, stream};
use catena::process::{Found, Table};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::time::Timestamp;

/// Shows a process: `(pid, parent, session)`, its program and arguments.
fn process(proc: &Path, (pid, ppid, session): (i64, i64, i64), exe: &str, args: &str) {
    let folder = proc.join(pid.to_string());
    fs::create_dir_all(&folder).unwrap();
    let name = exe.rsplit('/').next().unwrap();
    let zeros = "0 ".repeat(14);
    let stat = format!("{pid} ({name}) S {ppid} {session} {session} 0 {zeros}{pid} 0 0\n");
    fs::write(folder.join("stat"), stat).unwrap();
    fs::write(folder.join("cmdline"), args.replace(' ', "\0") + "\0").unwrap();
    fs::write(folder.join("status"), "Uid:\t33\t33\t33\t33\nGid:\t33\t33\t33\t33\n").unwrap();
    fs::write(folder.join("loginuid"), "33").unwrap();
    symlink(exe, folder.join("exe")).unwrap();
}

fn machine(proc: &Path) {
    fs::create_dir_all(proc.join("sys/kernel")).unwrap();
    fs::write(proc.join("sys/kernel/hostname"), "web01\n").unwrap();
    fs::write(proc.join("stat"), "cpu 1\nbtime 1600000000\n").unwrap();
    process(proc, (1, 0, 1), "/usr/lib/systemd/systemd", "init");
    process(proc, (500, 1, 500), "/usr/sbin/sshd", "sshd -D");
    process(proc, (300, 500, 300), "/usr/bin/bash", "-bash");
    process(proc, (310, 300, 300), "/usr/bin/python3.11", "python3 -m http.server");
}

/// The fields asked about, of every event of a log.
struct Asked {
    fields: &'static [&'static str],
    told: Vec<Vec<String>>,
}

impl Observer for Asked {
    fn alert(&mut self, _: &Alert) -> Flow {
        Flow::Continue
    }

    fn event(&mut self, event: &catena::event::Event) -> Flow {
        let document = event.document();
        let values = |name: &&str| {
            let shown: Vec<_> =
                document.values(name).iter().map(|value| value.to_string()).collect();
            shown.join("|")
        };
        self.told.push(self.fields.iter().map(values).collect());
        Flow::Continue
    }
}

const FIELDS: &[&str] = &[
    "process.args",
    "process.parent.args",
    "process.session_leader.pid",
    "process.entry_leader.args",
    "process.entry_leader.entry_meta.type",
];

/// Two calls of a process that has run for long.
fn log(node: &str) -> String {
    let call = |serial: u32| {
        format!(
            "{node}type=SYSCALL msg=audit(170000000{serial}.000:{serial}): arch=c000003e syscall=41 success=yes exit=3 a0=2 a1=1 a2=0 a3=0 items=0 ppid=300 pid=310 auid=33 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=1 comm=\"python3\" exe=\"/usr/bin/python3.11\" key=(null)\n"
        )
    };
    call(1) + &call(2)
}

fn rules() -> std::sync::Arc<RuleSet> {
    RuleSet::new(load_query("process where true", &Schema::new()).rules)
}

fn told(log: &str, settings: &Settings, live: bool) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("audit.log");
    fs::write(&input, log).unwrap();
    let mut asked = Asked { fields: FIELDS, told: Vec::new() };
    if live {
        let source = LiveSource::Input(input);
        let input = LiveInput { source, queue_bytes: 1 << 20, drops: false };
        stream(&rules(), &input, settings, std::iter::empty::<Order>(), &mut asked).unwrap();
    } else {
        replay(&rules(), &[input], settings, &mut asked).unwrap();
    }
    asked.told
}

fn settings(proc: &Path) -> Settings {
    Settings { proc: Some(PathBuf::from(proc)), ..Settings::default() }
}

const KNOWN: [&str; 5] = ["python3|-m|http.server", "-bash", "300", "-bash", "sshd"];
const UNKNOWN: [&str; 5] = [""; 5];

#[test]
fn processes_that_run_when_a_stream_begins_are_known() {
    let folder = tempfile::tempdir().unwrap();
    machine(folder.path());
    let settings = settings(folder.path());
    for node in ["", "node=web01 ", "node=web01.example.org "] {
        assert_eq!(told(&log(node), &settings, true), [KNOWN; 2], "{node}");
    }
    // Captured logs are of whatever machine at whatever time.
    assert_eq!(told(&log(""), &settings, false), [UNKNOWN; 2]);
}

#[test]
fn events_of_another_machine_say_nothing_about_these_processes() {
    let folder = tempfile::tempdir().unwrap();
    machine(folder.path());
    let mut settings = settings(folder.path());
    assert_eq!(told(&log("node=web02 "), &settings, true), [UNKNOWN; 2]);
    settings.identity = Identity::named("web02");
    assert_eq!(told(&log(""), &settings, true), [UNKNOWN; 2]);
    settings.identity = Identity::named("web01");
    assert_eq!(told(&log(""), &settings, true), [KNOWN; 2]);
}

#[test]
fn a_number_that_another_process_has_by_now_is_not_the_one_found() {
    let folder = tempfile::tempdir().unwrap();
    machine(folder.path());
    let settings = settings(folder.path());
    let other = log("").replace("python3.11", "perl");
    // The parent is still there.
    let expected = ["", "-bash", "300", "-bash", "sshd"];
    assert_eq!(told(&other, &settings, true), [expected; 2]);
    let other = log("").replace("ppid=300", "ppid=77");
    assert_eq!(told(&other, &settings, true), [UNKNOWN; 2]);
}

fn found(pid: i64, ppid: i64) -> Found {
    Found { pid, ppid, session: pid, name: "x".into(), ..Found::default() }
}

#[test]
fn descriptions_that_make_no_sense_do_no_harm() {
    let mut table = Table::default();
    let circle = [found(10, 11), found(11, 12), found(12, 10), found(13, 13), found(-4, 0)];
    table.seed(&Host::new(0, "a", "a"), &circle, Timestamp(5));
    assert_eq!((table.len(), table.stats().seeded), (4, 4));
    // A line of ancestors from the youngest to the oldest, and each of it twice.
    let line: Vec<Found> = (1..50_000).rev().map(|pid| found(pid, pid - 1)).collect();
    let twice = [line.clone(), line].concat();
    table.seed(&Host::new(1, "b", "b"), &twice, Timestamp(5));
    assert!(table.len() <= 32_768);
    assert_eq!(table.stats().seeded, 4 + 49_999);
    assert!(table.stats().forgotten > 0);
}

#[test]
fn who_is_known_already_stays_as_it_is() {
    let mut table = Table::default();
    let host = Host::new(0, "a", "a");
    let person = Person { terminal: Some(Terminal::None), ..Person::default() };
    table.seed(&host, &[Found { person, ..found(10, 1) }], Timestamp(5));
    table.seed(&host, &[found(10, 1), found(20, 10)], Timestamp(9));
    assert_eq!((table.len(), table.stats().seeded), (2, 2));
}
