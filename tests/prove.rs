//! `catena test`: what a case can say, every way in which it can fail, and that nothing is written
//! unasked.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use assert_cmd::Command;
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
}

const SHELL: &str = "process where process.name == \"sh\"\n";

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    /// One rule and its cases.
    fn of(query: &str, cases: &str) -> Self {
        Self::new(&[("rules/shell.eql", query), ("rules/shell.test.toml", cases)])
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    fn test(&self, arguments: &[&str]) -> Run {
        self.answered(arguments, "")
    }

    /// With these answers on standard input.
    fn answered(&self, arguments: &[&str], answers: &str) -> Run {
        let mut command = Command::cargo_bin("catena").unwrap();
        command.arg("test").args(arguments).current_dir(self.folder.path());
        run(command.write_stdin(answers))
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

/// A test file whose cases have this log.
fn cases(log: &[String], each: &[&str]) -> String {
    let lines = log.join("\n");
    each.iter().map(|case| format!("[[case]]\nlines = '''\n{lines}\n'''\n{case}\n\n")).collect()
}

/// A process event so many seconds after noon.
fn event(seconds: u32, name: &str, pid: u32) -> String {
    let (minute, second) = (seconds / 60, seconds % 60);
    format!(
        r#"{{"@timestamp":"2026-01-01T12:{minute:02}:{second:02}Z","event":{{"category":"process","action":"executed"}},"process":{{"name":"{name}","pid":{pid},"args":["{name}","--password=hunter2"],"command_line":"{name} --password=hunter2"}}}}"#
    )
}

/// A record of an execution, an event by itself.
fn record(serial: u32, seconds: u32, comm: &str, pid: u32) -> String {
    format!(
        "type=SYSCALL msg=audit({}.000:{serial}): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid={pid} auid=1000 uid=0 tty=(none) ses=1 comm=\"{comm}\" exe=\"/usr/bin/{comm}\" key=\"exec\"",
        1_767_268_800 + seconds
    )
}

fn both(name: &str) -> String {
    format!("process where process.name == \"{name}\"")
}

fn sequence(end: &str) -> String {
    format!("sequence by process.pid with maxspan=1m [{}] {end}[{}]", both("curl"), both("sh"))
}

#[test]
fn built_in_rules_pass_their_cases_with_any_number_of_threads() {
    let shipped = |path: &str, jobs: &str| {
        let mut command = Command::cargo_bin("catena").unwrap();
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        run(command.args(["test", path, "--cross", "--jobs", jobs]))
    };
    insta::assert_snapshot!(shipped("rules/execution/web_server_shell.toml", "1").shown());
    // The gate runs all of them.
    let tactic = "rules/command_and_control";
    let one = shipped(tactic, "1");
    assert_eq!(one.code, 0, "{}{}", one.stdout, one.stderr);
    assert_eq!(one.shown(), shipped(tactic, "4").shown());
}

#[test]
fn every_failure_of_a_case_is_shown_with_what_was_found() {
    let log = [event(0, "curl", 1), event(10, "sh", 1), event(20, "sh", 2)];
    let cases = cases(
        &log,
        &[
            "name = \"too-many\"\nabout = \"what the case shows\"\nalerts = 0",
            "name = \"too-few-says-why\"\nalerts = 1\ndrop = [{ pid = 1 }]",
            "name = \"other-alerts\"\nalerts = [{ keys = { \"process.pid\" = 2 } }]",
            "name = \"nobody-has-accepted-it\"",
            "name = \"other-than-the-snapshot\"",
            "name = \"no-alert-any-more\"\ndrop = [{ where = 'process.name == \"curl\"' }]",
            "name = \"nothing-picked\"\nwhere = 'process.pid == 3'\nalerts = 0",
            "name = \"nothing-dropped\"\ndrop = [{ pid = 7 }]\nalerts = 1",
            "name = \"json-is-never-twice-the-same\"\nfaults = [\"duplicate\"]\nalerts = 1",
            "name = \"passes\"\nalerts = 1",
        ],
    );
    let more = format!(
        "{cases}
[[case]]
name = 'no-file'
log = 'nowhere.log'
alerts = 0

[[case]]
name = 'no-event'
lines = ''
alerts = 0

[[case]]
name = 'a-line-that-is-no-record'
lines = '''
type=SYSCALL oops
{}
'''
alerts = 0

[[case]]
name = 'depends-on-the-order'
lines = '''
{}
{}
{}
'''
faults = ['shuffle']
alerts = 0
",
        record(1, 0, "ls", 5),
        event(1, "sh", 1),
        event(20, "id", 1),
        event(0, "curl", 1),
    );
    let project = Project::of(&sequence(""), &more);
    project.write("rules/shell.cases/other-than-the-snapshot.snap", "2 alerts\n\nold \u{1b}[31m\n");
    project.write("rules/shell.cases/no-alert-any-more.snap", "1 alert\n\n1. shell (sequence)\n");
    project.write("rules/shell.cases/of-no-case.snap", "no alert\n");
    let run = project.test(&["rules", "--junit", "junit.xml"]);
    insta::assert_snapshot!(run.shown());
    insta::assert_snapshot!("every_failure_junit", project.read("junit.xml"));
    insta::assert_snapshot!(
        "every_failure_github",
        project.test(&["rules", "--format", "github"]).shown()
    );
    let json: Value =
        serde_json::from_str(&project.test(&["rules", "--format", "json"]).stdout).unwrap();
    insta::assert_json_snapshot!("every_failure_json", json);
    assert!(!project.has("rules/shell.cases/nobody-has-accepted-it.snap"), "nobody accepted it");
}

#[test]
fn a_rule_without_cases_and_files_without_the_other_fail() {
    let case = cases(&[event(0, "sh", 1)], &["name = \"fires\"\nalerts = 1"]);
    let project = Project::new(&[
        ("rules/untested.eql", SHELL),
        ("rules/orphan.test.toml", &case),
        ("rules/broken.eql", "process where process.name = \"sh\""),
        ("rules/broken.test.toml", &case),
        ("rules/unreadable.eql", SHELL),
        ("rules/unreadable.test.toml", "[[case]\n"),
    ]);
    insta::assert_snapshot!(project.test(&["rules"]).shown());
    let empty = Project::new(&[]);
    insta::assert_snapshot!("nothing_to_test", empty.test(&[]).shown());
}

#[test]
fn one_file_may_be_named_alone_by_rule_or_by_cases() {
    let case = cases(&[event(0, "sh", 1)], &["name = \"fires\"\nalerts = 1"]);
    let project = Project::of(SHELL, &case);
    project.write("rules/other.eql", SHELL);
    project.write("rules/shell.cases/log.ndjson", &event(0, "sh", 1));
    for paths in [
        &["rules/shell.eql"][..],
        &["rules/shell.test.toml"],
        &["rules/shell.cases/", "rules/shell.eql", "rules/../rules/shell.test.toml"],
    ] {
        let run = project.test(paths);
        assert_eq!((run.code, run.stdout.lines().count()), (0, 2), "{}", run.shown());
    }
}

#[test]
fn an_export_of_many_rules_needs_a_case_for_each() {
    let rule = |id: &str, name: &str| {
        format!(
            r#"{{"rule_id":"{id}","name":"{name}","type":"eql","language":"eql","severity":"low","risk_score":1,"description":"d","query":"process where process.name == \"{name}\""}}"#
        )
    };
    let rules = format!("{}\n{}\n", rule("id-sh", "sh"), rule("id-id", "id"));
    let log = [event(0, "sh", 1)];
    let text = cases(
        &log,
        &[
            "name = \"which\"\nalerts = 1",
            "name = \"this\"\nrule = \"id-sh\"\nalerts = 1",
            "name = \"misspelled\"\nrule = \"id-shh\"\nalerts = 1",
        ],
    );
    let project = Project::new(&[("export.ndjson", &rules), ("export.test.toml", &text)]);
    insta::assert_snapshot!(project.test(&["export.ndjson"]).shown());
}

/// Everything that can be wrong with a test file is told with its place, all at once.
#[test]
fn a_test_file_is_never_guessed_at() {
    let file = r#"
speed = 1

[[case]]
log = "a.log"

[[case]]
name = "../../etc/passwd"
log = "a.log"

[[case]]
name = "twice"
log = "a.log"
lines = "x"

[[case]]
name = "twice"
lines = 5

[[case]]
name = "keys"
lines = "x"
allerts = 0
serial = "9..3"
pid = -1
where = "process.nmae == 1 and"
lateness = "5"
wait = "-3s"
malformed = "many"
seeds = 0
faults = ["shufle", 3]
alerts = -1
drop = [{}]
shift = [{ serial = "x", by = "soon" }]
delay = [{ pid = 1 }]
also = "all"

[[case]]
name = "alerts"
lines = "x"
alerts = [{}, 4, { serials = ["a"] }, { keys = { "process.pid" = [1] } }]

[[case]]
name = "late"
lines = "x"
faults = ["shuffle"]
delay = [{ pid = 1, by = "1s" }]
"#;
    let project = Project::of(SHELL, file);
    insta::assert_snapshot!(project.test(&["rules"]).shown());
}

#[test]
fn a_hostile_test_file_stops_nothing_and_commands_no_terminal() {
    let good = cases(&[event(0, "sh", 1)], &["name = \"fires\"\nalerts = 1"]);
    let deep = format!("[[case]]\nname = {}1{}\n", "[".repeat(5000), "]".repeat(5000));
    let many: String = (0..10_001).map(|n| format!("[[case]]\nname = \"{n}\"\n")).collect();
    let escapes = "[[case]]\nname = \"a\"\nlog = \"\\u001b[2J\\u202e.log\"\nalerts = 0\n";
    let devices = "[[case]]\nname = \"zero\"\nlog = \"/dev/zero\"\nalerts = 0\n\
         [[case]]\nname = \"folder\"\nlog = \".\"\nalerts = 0\n\
         [[case]]\nname = \"pipe\"\nlog = \"pipe\"\nalerts = 0\n";
    let project = Project::new(&[("rules/good.eql", SHELL), ("rules/good.test.toml", &good)]);
    for (name, text) in
        [("deep", deep.as_str()), ("many", &many), ("escapes", escapes), ("devices", devices)]
    {
        project.write(&format!("rules/{name}.eql"), SHELL);
        project.write(&format!("rules/{name}.test.toml"), text);
    }
    project.write("rules/bytes.eql", SHELL);
    fs::write(project.folder.path().join("rules/bytes.test.toml"), b"\xff\xfe").unwrap();
    let pipe = project.folder.path().join("rules/pipe");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let run = project.test(&["rules"]);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'));
    assert!(run.stdout.contains("rules/good.eql\n  ok    fires"), "{}", run.stdout);
    let first_lines: Vec<&str> = run.stderr.lines().filter(|line| !line.contains('|')).collect();
    let shown = Run { stdout: run.stdout, stderr: first_lines.join("\n"), code: run.code };
    insta::assert_snapshot!(shown.shown());
}

#[test]
fn words_of_a_log_reach_neither_terminal_nor_snapshot_as_they_are() {
    let log = [event(0, "sh", 1).replace("\"sh\",\"pid\"", "\"s\\u001b[31mh\",\"pid\"")];
    let text = cases(&log, &["name = \"red\""]);
    let project = Project::of("process where process.pid == 1", &text);
    assert_eq!(project.test(&["rules", "--accept", "--color", "never"]).code, 0);
    let snapshot = project.read("rules/shell.cases/red.snap");
    assert!(snapshot.contains("s\\x1b[31mh") && !snapshot.contains('\u{1b}'), "{snapshot}");
}

#[test]
fn accepting_writes_mends_and_removes_snapshots_and_nothing_else() {
    let text = cases(
        &[event(0, "curl", 1), event(10, "sh", 1)],
        &["name = \"new\"", "name = \"changed\"", "name = \"wrong-count\"\nalerts = 3"],
    );
    let project = Project::of(&sequence(""), &text);
    project.write("rules/shell.cases/changed.snap", "no alert\n");
    project.write("rules/shell.cases/unused.snap", "no alert\n");
    insta::assert_snapshot!(project.test(&["rules", "--accept"]).shown());
    let snapshot = project.read("rules/shell.cases/new.snap");
    insta::assert_snapshot!("a_snapshot", snapshot);
    assert!(!snapshot.contains("hunter2"), "arguments hold secrets");
    assert_eq!(project.read("rules/shell.cases/changed.snap"), snapshot);
    assert!(!project.has("rules/shell.cases/unused.snap"));
    let names = fs::read_dir(project.folder.path().join("rules/shell.cases")).unwrap().count();
    assert_eq!(names, 2, "nothing is left lying about");
    // What was accepted is what is found again.
    let again = project.test(&["rules", "--quiet"]);
    assert!(!again.stdout.contains("snapshot") && again.code == 1, "{}", again.shown());
}

#[test]
fn a_review_asks_about_each_snapshot_and_does_as_told() {
    let text = cases(
        &[event(0, "sh", 1)],
        &["name = \"one\"", "name = \"two\"", "name = \"three\"", "name = \"four\""],
    );
    let project = Project::of(SHELL, &text);
    project.write("rules/shell.cases/two.snap", "no alert\n");
    project.write("rules/shell.cases/zero.snap", "no alert\n");
    // The unused one first, as it belongs to the file and not to a line.
    let run = project.answered(&["rules", "--review"], "s\ny\nwhat?\nn\n");
    insta::assert_snapshot!(run.shown());
    let written = ["one", "two", "three", "four", "zero"]
        .map(|name| project.has(&format!("rules/shell.cases/{name}.snap")));
    insta::assert_debug_snapshot!("what_a_review_has_written", written);
    let run = project.answered(&["rules", "--review"], "y\ny\ny\ny\n");
    assert_eq!(run.code, 0, "{}", run.shown());
    assert_eq!(project.test(&["rules"]).code, 0);
}

#[test]
fn time_passes_only_as_far_as_the_case_lets_it() {
    let query =
        format!("sequence by process.pid with maxspan=1m [{}] ![{}]", both("curl"), both("sh"));
    let text = cases(
        &[event(0, "curl", 1)],
        &[
            "name = \"the-log-ends\"\nalerts = 1",
            "name = \"not-yet\"\nwait = \"59s\"\nalerts = 0",
            "name = \"then\"\nwait = \"61s\"\nalerts = 1\nfaults = [\"restart\", \"shuffle\"]",
        ],
    );
    let run = Project::of(&query, &text).test(&["rules"]);
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[test]
fn events_are_dropped_shifted_and_delayed() {
    let json = [event(0, "curl", 1), event(10, "sh", 1), event(20, "id", 1)];
    let audit = [record(1, 0, "curl", 1), record(2, 10, "sh", 1), record(3, 20, "id", 1)];
    let each = [
        "name = \"as-it-is\"\nalerts = 1\nfaults = [\"shuffle\", \"restart\"]",
        "name = \"drop\"\ndrop = [{ where = 'process.name == \"curl\"' }]\nalerts = 0",
        "name = \"within\"\nshift = [{ where = 'process.name == \"sh\"', by = \"50s\" }]\nalerts = 1",
        "name = \"outside\"\nshift = [{ where = 'process.name == \"sh\"', by = \"51s\" }]\nalerts = 0",
        "name = \"before\"\nshift = [{ where = 'process.name == \"sh\"', by = \"-11s\" }]\nalerts = 0",
        "name = \"late\"\ndelay = [{ where = 'process.name == \"curl\"', by = \"21s\" }]\nalerts = 1\nlateness = \"30s\"",
        "name = \"too-late\"\ndelay = [{ where = 'process.name == \"curl\"', by = \"21s\" }]\nalerts = 0",
        "name = \"all-of-it\"\ndrop = [{ pid = 1 }]\nalerts = 0",
    ];
    for log in [json, audit] {
        let run = Project::of(&sequence(""), &cases(&log, &each)).test(&["rules"]);
        let lines: Vec<&str> = run.stdout.lines().filter(|line| line.contains("FAIL")).collect();
        // Without any event nothing would be proved.
        assert_eq!(lines.len(), 1, "{}", run.shown());
        assert!(lines.concat().contains("all-of-it"), "{}", run.shown());
    }
}

#[test]
fn alerts_are_told_by_serial_and_key() {
    let log = [record(7, 0, "curl", 1), record(8, 1, "sh", 1), record(9, 2, "sh", 2)];
    let each = [
        "name = \"both\"\nalerts = [{ serials = [7, 8], keys = { \"process.pid\" = 1 } }]\nfaults = [\"shuffle\", \"duplicate\", \"restart\"]",
        "name = \"part-of-a-log\"\nserial = \"8..9\"\nalerts = 0",
        "name = \"one-way-or-another\"\nserial = \"7..8\"\nwhere = 'true'\nalerts = 1",
        "name = \"other-host\"\nhost = \"web-1\"\nalerts = [{ serials = [7, 8] }]",
    ];
    let run = Project::of(&sequence(""), &cases(&log, &each)).test(&["rules"]);
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[test]
fn crossed_rules_must_be_silent_unless_the_case_names_them() {
    let case = |also: &str| {
        cases(&[event(0, "sh", 1)], &[&format!("name = \"fires\"\nalerts = 1\n{also}")])
    };
    let project = Project::new(&[
        ("one.eql", SHELL),
        ("one.test.toml", &case("also = [\"two\"]")),
        ("two.eql", "process where process.pid == 1"),
        ("two.test.toml", &case("")),
    ]);
    assert_eq!(project.test(&["."]).code, 0);
    insta::assert_snapshot!(project.test(&[".", "--cross"]).shown());
}

#[test]
fn what_is_watched_is_run_again_when_it_changes() {
    let text =
        |count| cases(&[event(0, "sh", 1)], &[&format!("name = \"fires\"\nalerts = {count}")]);
    let project = Project::of(SHELL, &text(2));
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("catena"))
        .args(["test", "rules", "--watch"])
        .current_dir(project.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut until_it_waits = || {
        let lines: Vec<String> =
            lines.by_ref().take_while(|line| !line.contains("waiting")).collect();
        lines.concat()
    };
    assert!(until_it_waits().contains("0 passed, 1 failed"));
    project.write("rules/shell.test.toml", &(text(1) + "\n"));
    assert!(until_it_waits().contains("1 passed, 0 failed"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn cases_are_no_rules_for_any_other_command() {
    let text = cases(&[event(0, "sh", 1)], &["name = \"fires\"\nalerts = 1"]);
    let project = Project::of(SHELL, &text);
    project.write("rules/shell.cases/log.ndjson", &event(0, "sh", 1));
    for arguments in [&["check", "rules", "--list"][..], &["fmt", "rules", "--check"]] {
        let mut command = Command::cargo_bin("catena").unwrap();
        let run = run(command.args(arguments).current_dir(project.folder.path()));
        assert_eq!(run.code, 0, "{}", run.shown());
        assert!(!run.stdout.contains("test.toml") && !run.stdout.contains("cases"));
    }
}

#[test]
fn a_new_rule_passes_its_cases_and_overwrites_nothing() {
    let project = Project::new(&[]);
    let new = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("catena").unwrap();
        run(command.arg("new").args(arguments).current_dir(project.folder.path()))
    };
    insta::assert_snapshot!(new(&["rules/my_rule.toml"]).shown());
    assert_eq!(project.test(&["rules"]).code, 0);
    let before = project.read("rules/my_rule.toml");
    for wrong in ["rules/my_rule.toml", "rules/my_rule.eql", "rules/a b.toml", ".toml"] {
        assert_eq!(new(&[wrong]).code, 3, "{wrong}");
    }
    assert_eq!(project.read("rules/my_rule.toml"), before);
    let mut check = Command::cargo_bin("catena").unwrap();
    let checked = run(check.args(["check", "rules"]).current_dir(project.folder.path()));
    assert_eq!((checked.code, checked.stdout.as_str()), (0, ""));

    let log = [record(7, 0, "curl", 1), record(8, 1, "wanted", 1), record(9, 2, "sh", 2)];
    project.write("audit.log", &(log.join("\n") + "\n"));
    let from = ["--from", "audit.log", "--serial", "8..9"];
    assert_eq!(new(&[&["rules/other.toml"], &from[..]].concat()).code, 0);
    assert_eq!(project.read("rules/other.cases/first.log"), log[1..].join("\n") + "\n");
    assert_eq!(project.test(&["rules"]).code, 0);
    assert_eq!(new(&["rules/third.toml", "--from", "nowhere"]).code, 4);
    let nothing = ["rules/third.toml", "--from", "audit.log", "--serial", "70"];
    assert_eq!(new(&nothing).code, 4);
    assert!(!project.has("rules/third.toml"));
}

#[test]
fn every_example_of_the_page_is_a_test_file() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/testing.md");
    let page = fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() > 3);
    for example in examples {
        let schema = catena::schema::Schema::new();
        let read = catena::prove::read_text("page.test.toml", example, &schema);
        assert!(read.is_ok(), "{example}\n{}", read.unwrap_err().first().unwrap().render(false));
    }
}
