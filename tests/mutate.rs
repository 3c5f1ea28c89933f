//! `catena mutate`: every way in which a rule is changed, what is thrown out, what survives and what is
//! said about it, and every way in which an attacker may hide.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::fs;

use assert_cmd::Command;
use catena::mutate::{AttackKind, Operator};
use serde_json::Value;

/// A folder of rules.
struct Project {
    folder: tempfile::TempDir,
}

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

impl Run {
    /// What a person sees, without what differs from run to run.
    fn shown(&self) -> String {
        let timeless = |line: &str| match line.rsplit_once(" in ") {
            Some((told, _)) if line.starts_with("catena: ") => told.to_owned(),
            _ => line.to_owned(),
        };
        let stderr: Vec<String> = self.stderr.lines().map(timeless).collect();
        format!("{}-- stderr\n{}\n-- exit {}\n", self.stdout, stderr.join("\n"), self.code)
    }

    /// What is told of attacks.
    fn attacks(&self) -> &str {
        self.stdout.split_once("  attacks: ").unwrap().1
    }

    /// The lines of standard output that begin with a word.
    fn lines(&self, word: &str) -> Vec<&str> {
        self.stdout.lines().filter(|line| line.trim_start().starts_with(word)).collect()
    }
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            let path = project.folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        project
    }

    /// One rule and its cases.
    fn of(query: &str, cases: &str) -> Self {
        Self::new(&[("r.eql", query), ("r.test.toml", cases)])
    }

    fn mutate(&self, arguments: &[&str]) -> Run {
        let mut command = Command::cargo_bin("catena").unwrap();
        command.arg("mutate").args(arguments).current_dir(self.folder.path());
        run(&mut command)
    }
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// A case with this log.
fn case(name: &str, log: &[String], rest: &str) -> String {
    format!("[[case]]\nname = \"{name}\"\nlines = '''\n{}\n'''\n{rest}\n\n", log.join("\n"))
}

/// A process event so many seconds after noon.
fn event(seconds: u32, name: &str, pid: u32) -> String {
    let (minute, second) = (seconds / 60, seconds % 60);
    format!(
        r#"{{"@timestamp":"2026-01-01T12:{minute:02}:{second:02}Z","event":{{"category":"process","action":"executed"}},"process":{{"name":"{name}","pid":{pid},"executable":"/usr/bin/{name}","args":["{name}","-c"],"parent":{{"pid":1}}}}}}"#
    )
}

/// An execution as it is logged.
fn exec(serial: u32, seconds: u32, (ppid, pid): (u32, u32), comm: &str) -> String {
    let stamp = format!("msg=audit({}.000:{serial})", 1_767_268_800 + seconds);
    format!(
        "type=SYSCALL {stamp}: arch=c000003e syscall=59 success=yes exit=0 ppid={ppid} pid={pid} auid=1000 uid=0 tty=(none) ses=1 comm=\"{comm}\" exe=\"/usr/bin/{comm}\" key=\"exec\"\n\
         type=EXECVE {stamp}: argc=2 a0=\"{comm}\" a1=\"-c\"\n\
         type=PATH {stamp}: item=0 name=\"/usr/bin/{comm}\" inode=1 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL"
    )
}

/// Opens a socket.
fn socket(serial: u32, seconds: u32, (ppid, pid): (u32, u32), comm: &str) -> String {
    format!(
        "type=SYSCALL msg=audit({}.000:{serial}): arch=c000003e syscall=41 success=yes exit=3 a0=2 a1=2 a2=0 a3=0 items=0 ppid={ppid} pid={pid} auid=1000 uid=0 tty=(none) ses=1 comm=\"{comm}\" exe=\"/usr/bin/{comm}\" key=\"net\"",
        1_767_268_800 + seconds
    )
}

const STAGES: &str = "\
sequence by host.id, process.pid with maxspan=1m
  [process where process.name == \"curl\"] by process.parent.pid
  [process where process.name : (\"sh\", \"ba*\") and not process.args_count > 3] by process.parent.pid with runs=2
  ![process where event.action == \"exited\" or process.exit_code == 1] by process.parent.pid
until [process where process.name like \"*sshd\"] by process.parent.pid
";

#[test]
fn every_change_of_a_sequence_is_shown_where_it_is() {
    let project = Project::new(&[("r.eql", STAGES)]);
    let run = project.mutate(&["--list"]);
    insta::assert_snapshot!(run.shown());
    assert_eq!(run.shown(), project.mutate(&["--list", "--jobs", "7"]).shown());
}

const SAMPLE: &str = r#"
[catena]
window = "2m"

[rule]
rule_id = "11111111-2222-8333-8444-555555555555"
name = "A sample"
description = "x"
type = "eql"
language = "eql"
severity = "low"
risk_score = 21
query = '''
sample by process.pid
  [process where process.name in ("a", "b", "c", "d", "e", "f")]
  [network where cidrMatch(destination.ip, "10.0.0.0/8", "192.168.0.0/16") and destination.port >= 1024]
'''
"#;

#[test]
fn a_long_list_loses_neighbours_and_a_sample_has_a_window() {
    insta::assert_snapshot!(Project::new(&[("r.toml", SAMPLE)]).mutate(&["--list"]).shown());
}

#[test]
fn every_operator_is_shown_on_some_rule_here() {
    let project = Project::new(&[("r.eql", STAGES), ("s.toml", SAMPLE), ("t.eql", TWO)]);
    let run = project.mutate(&["--list"]);
    for operator in Operator::ALL {
        let word = format!("mutant  {}:", operator.name());
        assert!(!run.lines(&word).is_empty(), "{word}");
    }
}

#[test]
fn what_means_the_same_or_cannot_be_is_counted_and_not_run() {
    // The stages are alike, so swapping them changes nothing, and without either the rest is the same.
    let alike =
        "sequence by process.pid [process where process.pid > 1] [process where process.pid > 1]";
    // Without maxspan nothing can be missing, and a list of one begins and ends in `*` already.
    let missing =
        "sequence with maxspan=1m [process where process.name like \"*a*\"] ![any where true]";
    let project = Project::new(&[("a.eql", alike), ("m.eql", missing)]);
    let run = project.mutate(&["--list"]);
    insta::assert_snapshot!(run.shown());
}

#[test]
fn what_is_shown_is_a_rule_that_catena_reads() {
    let project = Project::new(&[("r.eql", STAGES), ("s.toml", SAMPLE)]);
    let run = project.mutate(&["--list", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut seen = 0;
    for rule in report["rules"].as_array().unwrap() {
        for mutant in rule["mutants"].as_array().unwrap() {
            let query = mutant["query"].as_str().unwrap();
            let loaded = catena::rule::load_query(query, &catena::schema::Schema::new());
            assert!(!loaded.has_errors(), "{query}");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

/// A rule of two stages, and the one case everybody writes.
const TWO: &str = "sequence by process.pid with maxspan=1m\n  \
                   [process where process.name == \"curl\"]\n  \
                   [process where process.name == \"sh\" and event.action == \"executed\"]\n";

fn fires() -> String {
    case("fires", &[event(0, "curl", 1), event(10, "sh", 1)], "alerts = 1")
}

#[test]
fn what_survives_comes_with_the_case_that_is_missing() {
    let project = Project::of(TWO, &fires());
    insta::assert_snapshot!(project.mutate(&[]).shown());
}

#[test]
fn the_missing_cases_kill_them() {
    let silent = "alerts = 0";
    let cases = [
        fires(),
        case("no-curl", &[event(10, "sh", 1)], silent),
        case("no-shell", &[event(0, "curl", 1)], silent),
        case("other-order", &[event(0, "sh", 1), event(10, "curl", 1)], silent),
        case("too-late", &[event(0, "curl", 1), event(61, "sh", 1)], silent),
        case("too-late-by-far", &[event(0, "curl", 1), event(600, "sh", 1)], silent),
        case("other-process", &[event(0, "curl", 1), event(10, "sh", 2)], silent),
        case("other-names", &[event(0, "CURL", 1), event(10, "sh", 1)], silent),
        case("other-shell", &[event(0, "curl", 1), event(10, "SH", 1)], silent),
        case("other-program", &[event(0, "wget", 1), event(10, "sh", 1)], silent),
        case("other-second", &[event(0, "curl", 1), event(10, "ls", 1)], silent),
        case(
            "other-action",
            &[event(0, "curl", 1), event(10, "sh", 1).replace("executed", "exited")],
            silent,
        ),
    ];
    let project = Project::of(TWO, &cases.concat());
    let run = project.mutate(&["--all", "--threshold", "100"]);
    assert!(run.lines("SURVIVED").is_empty(), "{}", run.stdout);
    insta::assert_snapshot!(run.shown());
}

#[test]
fn an_alert_that_only_looks_different_kills_nothing() {
    let wanted = "alerts = [{ serials = [1, 2], keys = { \"process.pid\" = 7 } }]";
    let log = [exec(1, 0, (1, 7), "curl"), exec(2, 5, (1, 7), "sh")];
    let run = Project::of(TWO, &case("fires", &log, wanted)).mutate(&[]);
    for what in ["without stage 1", "without stage 2", "without the join key"] {
        assert!(run.lines("SURVIVED").iter().any(|line| line.contains(what)), "{what}");
    }
    // One that stands on other events does.
    let twice = [log[0].clone(), exec(2, 5, (2, 8), "sh"), exec(3, 6, (1, 7), "sh")];
    let wanted = wanted.replace("1, 2", "1, 3");
    let run = Project::of(TWO, &case("fires", &twice, &wanted)).mutate(&[]);
    assert!(!run.stdout.contains("without the join key"), "{}", run.stdout);
}

#[test]
fn a_score_below_the_threshold_fails() {
    let project = Project::of(TWO, &fires());
    let score = |run: &Run| {
        let line = run.stdout.lines().nth(1).unwrap().trim().to_owned();
        line.split(' ').next().unwrap().parse::<u32>().unwrap()
    };
    let run = project.mutate(&[]);
    assert_eq!(run.code, 0, "without a threshold survivors are told and no failure");
    let score = score(&run);
    assert!(score > 0 && score < 100);
    assert_eq!(project.mutate(&["--threshold", &score.to_string()]).code, 0);
    let run = project.mutate(&["--threshold", &(score + 1).to_string()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("1 rule below"), "{}", run.stderr);
    assert_eq!(project.mutate(&["--threshold", "101"]).code, 3);
    assert_eq!(project.mutate(&["--threshold", "50", "--list"]).code, 3);
}

#[test]
fn what_cannot_be_weighed_is_a_failure() {
    let project = Project::new(&[
        ("rules/fails.eql", TWO),
        ("rules/fails.test.toml", &fires().replace("alerts = 1", "alerts = 2")),
        ("rules/new.eql", TWO),
        ("rules/new.test.toml", &fires().replace("alerts = 1", "")),
        ("rules/no_case.eql", TWO),
        ("rules/no_log.eql", TWO),
        ("rules/no_log.test.toml", "[[case]]\nname = \"a\"\nlog = \"nowhere.log\"\nalerts = 0\n"),
    ]);
    let run = project.mutate(&["rules"]);
    insta::assert_snapshot!(run.shown());
    assert_eq!(run.code, 1);
    let broken = Project::new(&[("r.eql", "process where nonsense ("), ("s.eql", TWO)]);
    assert_eq!(broken.mutate(&[]).code, 2);
    assert_eq!(broken.mutate(&["nowhere"]).code, 2);
    assert_eq!(Project::new(&[("README.md", "")]).mutate(&[]).code, 2);
}

#[test]
fn the_formats_for_programs_and_for_github() {
    let project = Project::of(TWO, &fires());
    insta::assert_snapshot!(project.mutate(&["--format", "github", "-q"]).shown());
    let run = project.mutate(&["--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let summary = &report["summary"];
    let rule = &report["rules"][0];
    let count = |fate: &str| {
        let mutants = rule["mutants"].as_array().unwrap();
        mutants.iter().filter(|mutant| mutant["fate"] == fate).count() as u64
    };
    assert_eq!(summary["killed"], count("killed"));
    assert_eq!(summary["survived"], count("survived"));
    assert_eq!(rule["attacks"][0]["outcome"], "evaded");
    let mut mutants = rule["mutants"].as_array().unwrap().iter();
    let survivor = mutants.find(|mutant| mutant["fate"] == "survived").unwrap();
    insta::assert_snapshot!(format!("{survivor:#}"));
}

#[test]
fn a_rule_of_many_conditions_has_a_bounded_number_of_mutants() {
    let all: Vec<String> = (0..400).map(|n| format!("process.name == \"name-{n}\"")).collect();
    let project = Project::of(&format!("process where {}", all.join(" or ")), "");
    let run = project.mutate(&["--list"]);
    let line = run.stdout.lines().nth(1).unwrap();
    assert!(line.contains("too many"), "{line}");
}

#[test]
fn filters_and_limits_hold_for_mutants_too() {
    let filtered = SAMPLE.split("query =").next().unwrap().to_owned()
        + "query = 'process where process.name == \"a\" and process.pid > 0'\n\
           [[rule.filters]]\nexists.field = 'user.id'\n";
    let user =
        |pid: u32, rest: &str| event(0, "a", pid).replace("\"event\"", &format!("{rest}\"event\""));
    let known = user(1, "\"user\":{\"id\":\"0\"},");
    let cases = case("a", &[known, user(0, "")], "alerts = 1");
    let run = Project::new(&[("r.toml", &filtered), ("r.test.toml", &cases)]).mutate(&[]);
    let survived = run.lines("SURVIVED  drop-condition: without `process.pid > 0`");
    assert_eq!(
        survived.len(),
        1,
        "it fires on an event that the filter keeps away:\n{}",
        run.stdout
    );
    // A hundred repetitions are the most there can be.
    let runs = "sequence by process.pid [any where true] with runs=100 [process where true]";
    let run = Project::of(runs, "").mutate(&["--list"]);
    assert!(run.stdout.contains("runs=99"), "{}", run.stdout);
    assert!(!run.stdout.contains("runs=101"), "{}", run.stdout);
}

/// A shell that opens a socket, by number of its process alone.
const SOCKET: &str = "sequence by process.pid with maxspan=1m
  [process where event.action == \"executed\" and process.name == \"sh\" and process.parent.name == \"cron\"]
  [process where auditd.data.syscall == \"socket\"]
";

fn shell() -> Vec<String> {
    vec![
        exec(1, 0, (1, 6), "cron"),
        exec(2, 10, (6, 7), "sh"),
        socket(3, 20, (6, 7), "sh"),
        exec(4, 30, (1, 9), "ls"),
    ]
}

#[test]
fn attacks_on_records_and_what_became_of_them() {
    let project = Project::of(SOCKET, &case("fires", &shell(), "alerts = 1"));
    let run = project.mutate(&["--all"]);
    insta::assert_snapshot!(run.attacks());
    for kind in AttackKind::ALL {
        assert!(run.attacks().contains(&format!("{}: ", kind.name())), "{}", kind.name());
    }
}

#[test]
fn a_rule_that_knows_its_process_tells_two_of_one_number_apart() {
    let outcome = |query: &str| {
        let project = Project::of(query, &case("fires", &shell(), "alerts = 1"));
        let run = project.mutate(&["--all", "-q"]);
        let line = run.stdout.lines().find(|line| line.contains("pid-reuse")).unwrap();
        line.trim().split(' ').next().unwrap().to_owned()
    };
    assert_eq!(outcome(SOCKET), "confused");
    assert_eq!(outcome(&SOCKET.replace("process.pid", "process.entity_id")), "held");
    assert_eq!(outcome(&SOCKET.replace("process.pid", "process.pid, process.parent.pid")), "held");
}

#[test]
fn arguments_are_added_where_they_are_logged_also_between_pieces() {
    let log = "type=SYSCALL msg=audit(1767268800.000:1): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=7 uid=0 tty=(none) comm=\"sh\" exe=\"/usr/bin/sh\"\n\
               type=EXECVE msg=audit(1767268800.000:1): argc=4 a0=\"sh\" a1=\"-c\" a2_len=8 a2[0]=6E65\n\
               type=EXECVE msg=audit(1767268800.000:1): a2[1]=6564 a3=\"last\"";
    let outcomes = |query: &str| {
        let run = Project::of(query, &case("fires", &[log.to_owned()], "alerts = 1"))
            .mutate(&["--all", "-q"]);
        ["pad-front", "pad-end", "wrap"].map(|kind| {
            let line = run.stdout.lines().find(|line| line.contains(kind)).unwrap();
            line.trim().split(' ').next().unwrap().to_owned()
        })
    };
    let all = "process where process.args == \"need\" and process.args == \"-c\" and \
               process.args == \"last\" and process.args_count";
    assert_eq!(outcomes(&format!("{all} >= 4")), ["held", "held", "held"]);
    assert_eq!(outcomes(&format!("{all} == 4")), ["evaded", "evaded", "held"]);
    let line = "process where process.command_line";
    assert_eq!(outcomes(&format!("{line} == \"sh -c need last\"")), ["evaded", "evaded", "held"]);
    assert_eq!(outcomes(&format!("{line} : \"*need last\"")), ["held", "evaded", "held"]);
    // What follows is whole: nothing was lost on the way.
    let whole =
        "process where process.command_line : \"sh*-c need last*\" and audit.complete == true";
    assert_eq!(outcomes(whole), ["held", "held", "held"]);
}

#[test]
fn attacks_on_events_of_json() {
    let query = "sequence by process.pid with maxspan=1m\n  \
                 [process where process.executable : \"/usr/bin/*\" and process.args : \"-c\"]\n  \
                 [process where process.name == \"sh\"]\n";
    let project = Project::of(
        query,
        &case("fires", &[event(0, "curl", 5), event(10, "sh", 5)], "alerts = 1"),
    );
    let run = project.mutate(&["--all"]);
    insta::assert_snapshot!(run.attacks());
}

#[test]
fn words_of_logs_and_rules_are_escaped() {
    let query = "process where process.name == \"a\u{1b}[31m\" and process.pid > 0";
    let log = [event(0, "a\\u001b[31m", 1)];
    let run = Project::of(query, &case("fires", &log, "alerts = 1")).mutate(&["--all"]);
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    assert!(run.stdout.contains("SURVIVED"));
}

#[test]
fn rules_whose_cases_suffice_stay_so() {
    let rules = [
        "rules/command_and_control/udp_reverse_shell_sample.toml",
        "rules/command_and_control/udp_reverse_shell_sequence.toml",
        "rules/execution/web_server_shell.toml",
    ];
    let shipped = |jobs: &str| {
        let mut command = Command::cargo_bin("catena").unwrap();
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("mutate").args(rules);
        run(command.args(["--threshold", "85", "--jobs", jobs]))
    };
    let one = shipped("1");
    assert_eq!(one.code, 0, "{}", one.stdout);
    assert_eq!(one.shown(), shipped("4").shown());
}
