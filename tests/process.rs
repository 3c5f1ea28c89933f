//! Stories about processes: what the table knows of who somebody is and where they come from.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "common/audit.rs"]
mod audit;

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use audit::{Run, shown};
use catena::event::Document;
use catena::process::Table;

/// A log that grows by one event with each call; time passes by ten milliseconds.
#[derive(Default)]
struct Log {
    text: String,
    serial: u32,
    node: String,
}

impl Log {
    fn record(&mut self, kind: &str, body: &str) {
        let (millis, serial) = (u64::from(self.serial) * 10, self.serial);
        let _ = writeln!(
            self.text,
            "{}type={kind} msg=audit({}.{:03}:{serial}): {body}",
            self.node,
            1_700_000_000 + millis / 1000,
            millis % 1000
        );
    }

    fn call(
        &mut self,
        syscall: u32,
        result: &str,
        (pid, ppid): (i64, i64),
        exe: &str,
    ) -> &mut Self {
        self.serial += 1;
        let comm = exe.rsplit('/').next().unwrap();
        self.record(
            "SYSCALL",
            &format!(
                "arch=c000003e syscall={syscall} {result} a0=0 a1=0 a2=0 a3=0 items=0 ppid={ppid} pid={pid} auid=1000 uid=33 gid=33 euid=33 tty=(none) ses=2 comm=\"{comm}\" exe=\"{exe}\" key=(null)"
            ),
        );
        self
    }

    /// `who` is (process, parent).
    fn exec(&mut self, who: (i64, i64), exe: &str, args: &[&str]) -> &mut Self {
        self.call(59, "success=yes exit=0", who, exe);
        let mut body = format!("argc={}", args.len());
        for (at, arg) in args.iter().enumerate() {
            let _ = write!(body, " a{at}=\"{arg}\"");
        }
        self.record("EXECVE", &body);
        self
    }

    fn fork(&mut self, who: (i64, i64), exe: &str, child: i64) -> &mut Self {
        self.call(57, &format!("success=yes exit={child}"), who, exe)
    }

    fn socket(&mut self, who: (i64, i64), exe: &str) -> &mut Self {
        self.call(41, "success=yes exit=3", who, exe)
    }

    fn exit(&mut self, who: (i64, i64), exe: &str) -> &mut Self {
        self.call(231, "", who, exe)
    }

    fn on(&mut self, node: &str) -> &mut Self {
        self.node = format!("node={node} ");
        self
    }

    fn run(&self) -> (Vec<Document>, Table) {
        self.run_with(Table::default())
    }

    fn run_with(&self, table: Table) -> (Vec<Document>, Table) {
        let mut run = Run::with(&[], table);
        let documents = run.documents(self.text.as_bytes());
        (documents.into_iter().map(|(_, document)| document).collect(), run.table)
    }
}

/// Name, arguments and parent's name of the process of the last event.
fn last(documents: &[Document]) -> (String, String, String) {
    let last = documents.last().unwrap();
    let of = |field| shown(last, field);
    (of("process.name"), of("process.args"), of("process.parent.name"))
}

fn tuple(name: &str, args: &str, parent: &str) -> (String, String, String) {
    (name.into(), args.into(), parent.into())
}

const BASH: &str = "/usr/bin/bash";
const NGINX: &str = "/usr/sbin/nginx";

#[test]
fn fork_then_exec_gives_the_parent() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx", "-g"]).fork((100, 1), NGINX, 200);
    log.exec((200, 100), BASH, &["bash", "-i"]).socket((200, 100), BASH);
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("bash", "bash|-i", "nginx"));
    let last = documents.last().unwrap();
    assert_eq!(shown(last, "process.parent.args"), "nginx|-g");
    assert_eq!(shown(last, "process.parent.executable"), NGINX);
    assert_eq!(shown(last, "process.parent.user.id"), "33");
    assert_eq!(shown(last, "process.parent.entity_id"), shown(&documents[0], "process.entity_id"));
    assert_eq!(table.stats().executions, 2);
    assert_eq!(table.stats().first_sights, 0);
}

#[test]
fn a_child_that_executes_nothing_runs_the_program_of_its_parent() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx"]).fork((100, 1), NGINX, 200).socket((200, 100), NGINX);
    let (documents, _) = log.run();
    assert_eq!(last(&documents), tuple("nginx", "nginx", "nginx"));
    let ids: Vec<_> = documents.iter().map(|d| shown(d, "process.entity_id")).collect();
    assert_ne!(ids[0], ids[2], "but it is another process");
}

#[test]
fn an_execution_within_the_tick_of_its_fork_is_not_undone_by_it() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx"]);
    log.exec((200, 100), BASH, &["bash"]);
    // The fork returns after the child has run, and is logged with the time it began.
    log.serial -= 1;
    let text = std::mem::take(&mut log.text).replace(":2)", ":1000)");
    log.fork((100, 1), NGINX, 200);
    let text = text + &log.text.replace(":2)", ":1001)");
    log = Log { text, serial: 3, node: String::new() };
    log.socket((200, 100), BASH);
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("bash", "bash", "nginx"));
    assert_eq!(table.stats().missed_executions, 0);
}

#[test]
fn a_process_id_used_again_is_another_process() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx"]).exec((200, 100), BASH, &["bash"]);
    log.exit((200, 100), BASH).socket((200, 300), "/usr/bin/ssh");
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("ssh", "", ""), "nothing of the old one is left");
    assert_eq!(table.stats().first_sights, 1);
    // Without an exit in the log, another parent tells.
    let mut log = Log::default();
    log.exec((200, 100), BASH, &["bash"]).socket((200, 300), BASH);
    assert_eq!(last(&log.run().0), tuple("bash", "", ""));
}

#[test]
fn a_program_that_changed_unseen_has_unknown_arguments() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx"]).fork((100, 1), NGINX, 200);
    log.socket((200, 100), BASH).socket((200, 100), BASH);
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("bash", "", "nginx"));
    assert_eq!(table.stats().missed_executions, 1);
}

#[test]
fn a_program_deleted_while_it_runs_is_the_same_program() {
    let mut log = Log::default();
    log.exec((200, 100), "/tmp/x", &["x", "-d"]);
    log.socket((200, 100), "/tmp/x");
    let hexadecimal: String = b"/tmp/x (deleted)".iter().map(|b| format!("{b:02X}")).collect();
    let at = log.text.rfind("exe=\"/tmp/x\"").unwrap();
    log.text.replace_range(at..at + 12, &format!("exe={hexadecimal}"));
    let (documents, table) = log.run();
    assert_eq!(last(&documents).1, "x|-d");
    assert_eq!(table.stats().missed_executions, 0);
}

#[test]
fn orphans_keep_the_parent_they_came_from() {
    for adopter in [1, 50] {
        let mut log = Log::default();
        log.exec((50, 1), "/usr/lib/systemd/systemd", &["systemd", "--user"]);
        log.exec((100, 50), NGINX, &["nginx"]).exec((200, 100), BASH, &["bash"]);
        log.exit((100, 50), NGINX).socket((200, adopter), BASH);
        let (documents, table) = log.run();
        assert_eq!(last(&documents), tuple("bash", "bash", "nginx"));
        assert_eq!(shown(documents.last().unwrap(), "process.parent.pid"), adopter.to_string());
        assert_eq!(table.stats().first_sights, 0);
    }
}

#[test]
fn an_ended_parent_is_nobodys_parent() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx"]).exit((100, 1), NGINX).exec((200, 100), BASH, &["bash"]);
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("bash", "bash", ""));
    assert_eq!(table.stats().unknown_parents, 2);
}

#[test]
fn what_programs_say_is_of_the_process_that_says_it() {
    let user = |exe: &str| {
        format!(
            "pid=200 uid=0 auid=1000 ses=2 msg='op=PAM:authentication acct=\"root\" exe=\"{exe}\" res=failed'"
        )
    };
    let mut log = Log::default();
    log.exec((200, 100), "/usr/bin/su", &["su", "-"]);
    log.serial += 1;
    log.record("USER_AUTH", &user("/usr/bin/su"));
    assert_eq!(last(&log.run().0), tuple("su", "su|-", ""));
    log.serial += 1;
    log.record("USER_AUTH", &user("/usr/bin/sudo"));
    assert_eq!(last(&log.run().0), tuple("sudo", "", ""), "somebody else by now");
}

#[test]
fn an_event_from_before_the_present_program_teaches_nothing() {
    let mut log = Log::default();
    log.socket((200, 100), NGINX).exec((200, 100), BASH, &["bash"]);
    let mut run = Run::new(&[]);
    let mut late: Vec<_> = audit::groups(log.text.as_bytes());
    let mut names = Vec::new();
    late.reverse();
    let again = late[0].clone();
    for group in late.into_iter().chain([again]) {
        run.load(group);
        let document = run.event.document();
        names.push((shown(&document, "process.name"), shown(&document, "process.args")));
    }
    assert_eq!(names[1], ("nginx".into(), String::new()));
    assert_eq!(names[2], ("bash".into(), "bash".into()));
    assert_eq!(run.table.stats().missed_executions, 0);
}

#[test]
fn chains_are_cut_at_sixteen() {
    let mut log = Log::default();
    for pid in 100..5100 {
        log.exec((pid, pid - 1), BASH, &["bash"]);
    }
    let mut run = Run::new(&["process.ancestors.name"]);
    for group in audit::groups(log.text.as_bytes()) {
        run.load(group);
    }
    let process = run.event.process().unwrap().clone();
    assert_eq!(process.depth(), 16);
    let pids: Vec<_> = process.ancestors().map(|ancestor| ancestor.pid).collect();
    assert_eq!(pids, (5083..5099).rev().collect::<Vec<_>>(), "the nearest ones");
    // Dropping the table must not recurse along thousands of processes.
    drop(run);
}

#[test]
fn processes_not_seen_for_longest_are_forgotten_and_counted() {
    let mut log = Log::default();
    log.exec((1000, 1), NGINX, &["nginx"]);
    for pid in 1001..1010 {
        log.exec((pid, 1000), BASH, &["bash"]).socket((1000, 1), NGINX);
    }
    log.socket((1001, 1000), BASH);
    let (documents, table) = log.run_with(Table::new(NonZeroUsize::new(4).unwrap()));
    assert_eq!(table.len(), 4);
    assert_eq!(table.stats().forgotten, 7);
    assert_eq!(last(&documents), tuple("bash", "", "nginx"), "forgotten, but not its parent");
}

#[test]
fn long_arguments_are_remembered_in_part_and_counted_in_full() {
    let long = "x".repeat(7000);
    let args: Vec<&str> = std::iter::repeat_n(long.as_str(), 20).collect();
    let mut log = Log::default();
    log.exec((200, 100), BASH, &args).socket((200, 100), BASH);
    let (documents, _) = log.run();
    assert_eq!(documents[0].values("process.args").len(), 20);
    let kept: usize = documents[1].values("process.args").iter().map(|v| v.to_string().len()).sum();
    assert!((32_000..=32_768).contains(&kept), "{kept}");
    assert_eq!(shown(&documents[1], "process.args_count"), "20");
}

#[test]
fn two_hosts_never_meet() {
    let mut log = Log::default();
    log.on("web").exec((100, 1), NGINX, &["nginx"]);
    log.on("db").exec((200, 100), BASH, &["bash"]).socket((100, 1), NGINX);
    let (documents, table) = log.run();
    assert_eq!(shown(&documents[1], "process.parent.name"), "");
    assert_eq!(last(&documents), tuple("nginx", "", ""));
    assert_eq!(table.len(), 3);
}

#[test]
fn entity_ids_are_the_same_on_every_run_and_different_for_every_image() {
    let mut log = Log::default();
    log.exec((100, 1), NGINX, &["nginx"]).fork((100, 1), NGINX, 200);
    log.exec((200, 100), BASH, &["bash"]).exec((200, 100), NGINX, &["nginx"]);
    let ids = |log: &Log| -> Vec<String> {
        log.run().0.iter().map(|document| shown(document, "process.entity_id")).collect()
    };
    let first = ids(&log);
    assert_eq!(first, ids(&log));
    assert_eq!(first[0], first[1], "the same image");
    assert_eq!(first[0].len(), 32);
    assert!(first[2] != first[3] && first[0] != first[3]);
}
