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

    /// The same at a terminal, as somebody.
    fn as_user(&mut self, user: &str, tty: &str) -> &mut Self {
        let at = self.text.rfind("type=SYSCALL").unwrap();
        let last = self.text.split_off(at);
        let last = last.replacen("uid=33 gid=33 euid=33", user, 1);
        self.text += &last.replacen("tty=(none)", &format!("tty={tty}"), 1);
        self
    }

    /// The same with these arguments.
    fn with(&mut self, args: &str) -> &mut Self {
        let at = self.text.rfind("a0=0 a1=0").unwrap();
        self.text.replace_range(at..at + 9, args);
        self
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

/// Pid of the leader of the session, of the group, and of the entry with how that came to be.
fn leaders(document: &Document) -> [String; 4] {
    [
        "process.session_leader.pid",
        "process.group_leader.pid",
        "process.entry_leader.pid",
        "process.entry_leader.entry_meta.type",
    ]
    .map(|field| shown(document, field))
}

const SSHD: &str = "/usr/sbin/sshd";
const ALICE: &str = "uid=1000 gid=1000 euid=1000";
const ROOT: &str = "uid=0 gid=0 euid=0";

#[test]
fn a_remote_login_leads_what_it_runs() {
    let mut log = Log::default();
    log.exec((50, 1), SSHD, &["sshd", "-D"]).as_user(ROOT, "(none)");
    log.fork((50, 1), SSHD, 60).as_user(ROOT, "(none)");
    log.exec((60, 50), SSHD, &["sshd", "-R"]).as_user(ROOT, "(none)");
    log.exec((70, 60), "/usr/bin/env", &["run-parts"]).as_user(ROOT, "(none)");
    log.exec((100, 60), BASH, &["-bash"]).as_user(ALICE, "pts0");
    log.exec((200, 100), "/usr/bin/id", &["id"]).as_user(ALICE, "pts0");
    let (documents, _) = log.run();
    assert_eq!(leaders(&documents[0]), ["50", "50", "50", "init"]);
    assert_eq!(leaders(&documents[2]), ["50", "50", "50", "init"], "the daemon itself");
    assert_eq!(leaders(&documents[3]), ["50", "50", "50", "init"], "what it runs for itself");
    assert_eq!(leaders(&documents[4]), ["100", "100", "100", "sshd"]);
    // Whether the shell has put it into a group of its own is not logged.
    assert_eq!(leaders(&documents[5]), ["100", "", "100", "sshd"]);
    let last = documents.last().unwrap();
    assert_eq!(shown(last, "process.entry_leader.args"), "-bash");
    assert_eq!(shown(last, "process.entry_leader.user.id"), "1000");
    assert_eq!(shown(last, "process.session_leader.interactive"), "true");
    assert_eq!(
        shown(last, "process.entry_leader.entity_id"),
        shown(&documents[4], "process.entity_id")
    );
    assert_eq!(shown(last, "process.Ext.ancestry").split('|').count(), 3);
}

#[test]
fn sessions_and_groups_that_are_logged_are_believed() {
    let (setsid, setpgid) = (112, 109);
    let mut log = Log::default();
    log.exec((50, 1), SSHD, &["sshd"]);
    log.exec((100, 50), BASH, &["bash"]).as_user(ALICE, "(none)");
    log.fork((100, 50), BASH, 200).fork((100, 50), BASH, 300);
    log.call(setpgid, "success=yes exit=0", (100, 50), BASH).with("a0=c8 a1=0");
    log.call(setpgid, "success=yes exit=0", (300, 100), BASH).with("a0=0 a1=c8");
    log.call(setpgid, "success=no exit=-1", (300, 100), BASH);
    log.socket((200, 100), BASH).socket((300, 100), BASH);
    let (documents, _) = log.run();
    assert_eq!(leaders(&documents[7])[..2], ["100", "200"], "the shell said so");
    assert_eq!(leaders(&documents[8])[..2], ["100", "200"], "it said so itself");
    log.call(setsid, "success=yes exit=300", (300, 100), BASH);
    log.exec((300, 100), NGINX, &["nginx"]).fork((300, 100), NGINX, 400).socket((400, 300), NGINX);
    let (documents, _) = log.run();
    for document in &documents[9..] {
        assert_eq!(leaders(document), ["300", "300", "100", "sshd"].map(str::to_owned));
    }
    assert_eq!(shown(&documents[12], "process.session_leader.name"), "nginx", "as it is by then");
}

#[test]
fn where_sessions_are_logged_none_is_supposed() {
    let mut log = Log::default();
    log.call(112, "success=yes exit=60", (60, 1), SSHD);
    log.exec((60, 1), SSHD, &["sshd"]).exec((70, 60), "/usr/bin/env", &["run-parts"]);
    log.exec((100, 60), BASH, &["bash"]).exec((500, 1), NGINX, &["nginx"]);
    let (documents, _) = log.run();
    assert_eq!(leaders(&documents[1]), ["60", "60", "60", "init"]);
    assert_eq!(leaders(&documents[2]), ["60", "60", "60", "init"]);
    assert_eq!(leaders(&documents[3]), ["60", "60", "60", "init"]);
    assert_eq!(leaders(&documents[4]), ["", "", "", ""]);
}

#[test]
fn containers_and_consoles_begin_something_new() {
    let shim = "/usr/bin/containerd-shim-runc-v2";
    let mut log = Log::default();
    log.exec((50, 1), shim, &["shim"]).exec((60, 50), "/usr/bin/runc", &["runc", "init"]);
    log.exec((70, 50), BASH, &["sh"]).exec((80, 1), "/usr/bin/login", &["login"]);
    log.as_user(ROOT, "tty1");
    log.exec((90, 80), BASH, &["-bash"]).as_user(ALICE, "tty1");
    let (documents, _) = log.run();
    assert_eq!(leaders(&documents[1])[2..], ["50", "init"], "the runtime itself");
    assert_eq!(leaders(&documents[2]), ["70", "70", "70", "container"]);
    assert_eq!(leaders(&documents[4])[2], "80");
}

#[test]
fn numbers_from_another_process_id_space_name_nobody() {
    let mut log = Log::default();
    log.exec((7, 1), NGINX, &["nginx"]);
    log.exec((50, 1), "/usr/bin/containerd-shim", &["shim"]).exec((70, 50), BASH, &["sh"]);
    log.fork((70, 50), BASH, 7).exec((900, 70), "/usr/bin/id", &["id"]);
    log.fork((900, 70), "/usr/bin/id", 7).socket((7, 1), NGINX);
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("nginx", "nginx", ""));
    assert_eq!((table.stats().apart, table.stats().first_sights), (2, 0));
    // clone with CLONE_NEWPID, whose child has its number here and those of its children elsewhere.
    let mut log = Log::default();
    log.exec((7, 1), NGINX, &["nginx"]).exec((50, 1), BASH, &["unshare"]);
    log.call(56, "success=yes exit=60", (50, 1), BASH).with("a0=20000011 a1=0");
    log.fork((60, 50), BASH, 7).socket((60, 50), BASH);
    let (documents, table) = log.run();
    assert_eq!(last(&documents), tuple("bash", "unshare", "bash"));
    assert_eq!(table.stats().apart, 1);
    // unshare: only later children.
    let mut log = Log::default();
    log.exec((50, 1), BASH, &["unshare"]);
    log.call(272, "success=yes exit=0", (50, 1), BASH).with("a0=20000000 a1=0");
    log.fork((50, 1), BASH, 60).fork((60, 50), BASH, 7).socket((60, 50), BASH);
    assert_eq!(log.run().1.stats().apart, 1);
}

#[test]
fn a_process_that_became_somebody_else_is_that_to_its_children() {
    let mut log = Log::default();
    log.exec((100, 1), "/usr/bin/su", &["su"]).as_user(ALICE, "pts1");
    log.call(105, "success=yes exit=0", (100, 1), "/usr/bin/su").as_user(ROOT, "pts1");
    log.exec((200, 100), BASH, &["bash"]).as_user(ROOT, "pts1");
    let (documents, table) = log.run();
    let last = documents.last().unwrap();
    assert_eq!(shown(last, "process.parent.user.id"), "0");
    assert_eq!(shown(last, "process.parent.args"), "su", "and still runs the same");
    assert_eq!(shown(last, "process.parent.entity_id"), shown(&documents[0], "process.entity_id"));
    assert_eq!(table.stats().missed_executions, 0);
}

#[test]
fn leaders_keep_nobody_alive() {
    // Every process begins a session and makes one that belongs to it before that begins its own: each
    // leader has a line of ancestors of its own.
    let mut log = Log::default();
    log.exec((2, 1), BASH, &["bash"]);
    for pid in 3..3000_i64 {
        log.fork((pid - 1, pid - 2), BASH, pid);
        if pid % 2 == 0 {
            log.call(112, &format!("success=yes exit={pid}"), (pid, pid - 1), BASH);
        }
    }
    log.socket((2999, 2998), BASH);
    let (documents, table) = log.run();
    assert_eq!(leaders(documents.last().unwrap())[0], "2998");
    assert_eq!(table.stats().forgotten, 0);
    // Whoever is kept refers to nobody but its ancestors and leaders, and they to nobody else.
    let mut run = Run::new(&[]);
    audit::groups(log.text.as_bytes()).into_iter().for_each(|group| run.load(group));
    let process = run.event.process().unwrap();
    assert!(process.depth() <= 16);
    for one in std::iter::once(&**process).chain(process.ancestors()) {
        for leader in one.leaders.others() {
            assert_eq!((leader.depth(), leader.leaders.others().count()), (0, 0));
        }
    }
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
