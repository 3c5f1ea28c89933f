//! `catena why`: each way in which a rule can fail to fire is told, and watching changes nothing.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assert_cmd::Command;
use catena::alert::Alert;
use catena::engine::{Change, Limits, Watch};
use catena::event::Event;
use catena::pipeline::{self, Flow, Observer, Settings};
use catena::plan::RuleIx;
use catena::rule::{self, RuleSet};
use catena::schema::{FieldType, Schema};
use serde_json::{Value, json};

/// A folder with one log.
struct Log {
    folder: tempfile::TempDir,
}

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

impl Log {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("log"), text).unwrap();
        Self { folder }
    }

    fn json(events: &[Value]) -> Self {
        let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
        Self::new(&lines.concat())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn why(&self, query: &str, more: &[&str]) -> Run {
        let path = self.path();
        catena(&[&["why", "--query", query, path.to_str().unwrap(), "--quiet"], more].concat())
    }

    /// The page for a query.
    fn page(&self, query: &str, more: &[&str]) -> String {
        let run = self.why(query, more);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        run.stdout
    }

    fn answer(&self, query: &str, more: &[&str]) -> Value {
        serde_json::from_str(&self.page(query, &[&["--format", "json"], more].concat())).unwrap()
    }
}

fn catena(arguments: &[&str]) -> Run {
    let mut command = Command::cargo_bin("catena").unwrap();
    let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// An event `seconds` after noon.
fn at(seconds: f64, category: &str, action: &str, name: &str, pid: i64) -> Value {
    let millis = 1_767_268_800_000 + (seconds * 1000.0).round() as i64;
    json!({
        "@timestamp": millis,
        "event": { "category": [category], "action": action },
        "process": { "name": name, "pid": pid, "parent": { "pid": pid / 10 } },
        "host": { "name": "web01" },
    })
}

/// A shell that connects.
const SHELL: &str = "sequence by process.pid with maxspan=10s
  [process where event.action == \"executed\" and process.name in (\"sh\", \"bash\")]
  [network where event.action == \"connected-to\" and destination.port == 4444 and
    (destination.ip == \"198.51.100.7\" or process.args : \"*evil*\")]";

fn connect(seconds: f64, pid: i64, ip: &str, port: i64) -> Value {
    let mut event = at(seconds, "network", "connected-to", "sh", pid);
    event["destination"] = json!({ "ip": ip, "port": port });
    event
}

/// What stands there in any log: another process that does other things.
fn others() -> Vec<Value> {
    vec![
        at(0.0, "process", "executed", "ls", 900),
        connect(0.5, 901, "192.0.2.1", 443),
        at(59.0, "process", "executed", "ls", 902),
    ]
}

fn log(events: &[Value]) -> Log {
    let mut all = others();
    all.extend_from_slice(events);
    all.sort_by_key(|event| event["@timestamp"].as_i64().unwrap());
    Log::json(&all)
}

#[test]
fn the_next_event_is_refused_by_a_test() {
    let log = log(&[
        at(1.0, "process", "executed", "sh", 421),
        connect(1.5, 421, "192.0.2.9", 443),
        connect(2.0, 421, "192.0.2.9", 4444),
        at(2.5, "process", "executed", "sh", 422),
    ]);
    insta::assert_snapshot!(log.page(SHELL, &[]));
}

#[test]
fn the_next_event_comes_too_late() {
    let log =
        log(&[at(1.0, "process", "executed", "sh", 421), connect(13.5, 421, "198.51.100.7", 4444)]);
    insta::assert_snapshot!(log.page(SHELL, &[]));
    let answer = log.answer(SHELL, &[]);
    assert_eq!(answer["nearest"][0]["wants"][0]["too_late"]["over_ms"], 2500);
}

#[test]
fn the_next_event_has_another_key() {
    // The shell starts a child, and the child connects.
    let log = log(&[
        at(1.0, "process", "executed", "sh", 421),
        connect(1.5, 4210, "198.51.100.7", 4444),
        connect(1.2, 777, "198.51.100.7", 4444),
    ]);
    insta::assert_snapshot!(log.page(SHELL, &[]));
    let by_host = SHELL.replace("by process.pid", "by host.name, process.pid");
    let answer = log.answer(&by_host, &[]);
    let other = &answer["nearest"][0]["wants"][0]["other_key"];
    let same: Vec<bool> = other[0]["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["same"].as_bool().unwrap())
        .collect();
    assert_eq!(same, [true, false], "{other}");
}

#[test]
fn until_ends_it() {
    let log = log(&[
        at(1.0, "process", "executed", "sh", 421),
        at(2.0, "process", "exited", "sh", 421),
        connect(3.0, 421, "198.51.100.7", 4444),
    ]);
    let query = format!("{SHELL}\nuntil [process where event.action == \"exited\"]");
    insta::assert_snapshot!(log.page(&query, &[]));
}

/// What must be missing stands in front of, between or behind two events.
const MISSING: [&str; 3] = ["[A]![M][B]", "![M][A][B]", "[A][B]![M]"];

#[test]
fn what_must_be_missing_did_happen() {
    let mut pages = Vec::new();
    for (shape, second) in MISSING.into_iter().zip([2.0, 0.5, 4.0]) {
        let log = log(&[
            at(1.0, "process", "executed", "sh", 421),
            at(second, "file", "opened-file", "sh", 421),
            connect(3.0, 421, "198.51.100.7", 4444),
        ]);
        let shape = shape
            .replace("[A]", "[process where process.name == \"sh\"]")
            .replace("[B]", "[network where destination.port == 4444]")
            .replace("[M]", "[file where event.action == \"opened-file\"]");
        let query = format!("sequence by process.pid with maxspan=10s {shape}");
        let answer = log.answer(&query, &[]);
        let end = &answer["nearest"][0]["end"];
        assert_eq!(
            (end["kind"].as_str(), end["by"]["action"].as_str()),
            (Some("rejected"), Some("opened-file"))
        );
        pages.push(log.page(&query, &[]));
    }
    insta::assert_snapshot!(pages.join("\n----\n"));
}

#[test]
fn a_newer_start_takes_its_place() {
    // The middle event fits the first start, which the second start has replaced.
    let query = "sequence by host.name with maxspan=10s
      [process where process.name == \"a\"] [process where process.name == \"b\"]
      [process where process.name == \"c\"]";
    let log = Log::json(&[
        at(1.0, "process", "executed", "a", 1),
        at(2.0, "process", "executed", "b", 2),
        at(3.0, "process", "executed", "a", 3),
        at(4.0, "process", "executed", "b", 4),
        at(60.0, "process", "executed", "z", 5),
    ]);
    insta::assert_snapshot!(log.page(query, &[]));
}

#[test]
fn an_event_comes_out_of_order() {
    // Half a minute behind, where five seconds are allowed; its partial is gone by then.
    let log = Log::json(&[
        at(20.0, "process", "executed", "sh", 421),
        at(40.0, "process", "executed", "ls", 9),
        at(50.0, "process", "executed", "ls", 9),
        connect(22.0, 421, "198.51.100.7", 4444),
    ]);
    insta::assert_snapshot!(log.page(SHELL, &[]));
}

#[test]
fn memory_runs_out() {
    // More partials than a mebibyte holds; the first to go are those that expire first.
    let mut events: Vec<Value> = (0..6000)
        .map(|number| at(f64::from(number) / 1000.0, "process", "executed", "sh", number.into()))
        .collect();
    events.push(connect(7.0, 1, "198.51.100.7", 4444));
    let log = Log::json(&events);
    let query = SHELL.replace("10s", "1m");
    let more = ["--state-limit", "1", "--key", "1"];
    let page = log.page(&query, &more);
    // How many it were depends on the size of a partial.
    let (before, after) = page.split_once("losses: ").unwrap();
    let (count, after) = after.split_once(' ').unwrap();
    assert!(count.parse::<u32>().unwrap() > 1000);
    insta::assert_snapshot!(format!("{before}losses: MANY {after}"));
}

#[test]
fn the_join_key_is_missing() {
    let mut event = at(1.0, "process", "executed", "sh", 421);
    event["process"]["pid"] = Value::Null;
    let log = log(&[event, connect(2.0, 421, "198.51.100.7", 4444)]);
    insta::assert_snapshot!(log.page(SHELL, &[]));
}

#[test]
fn no_event_satisfies_the_first_stage() {
    let query = "sequence by process.pid with maxspan=10s
      [process where event.action == \"executed\" and process.nmae == \"sh\" and user.id == \"0\"]
      [network where true]";
    insta::assert_snapshot!(log(&[]).page(query, &[]));
}

#[test]
fn a_query_for_single_events() {
    let log = log(&[connect(1.0, 5, "198.51.100.7", 443), connect(2.0, 5, "192.0.2.7", 4444)]);
    let query = "network where destination.ip == \"198.51.100.7\" and destination.port == 4444";
    insta::assert_snapshot!(log.page(query, &["--limit", "2"]));
}

#[test]
fn a_sample_lacks_an_item() {
    let query = "sample by host.name
      [process where process.name == \"ls\"]
      [network where destination.port == 443]
      [file where file.path == \"/etc/passwd\"]";
    let mut near = at(3.0, "file", "opened-file", "sh", 421);
    near["file"] = json!({ "path": "/etc/shadow" });
    let mut elsewhere = at(4.0, "file", "opened-file", "sh", 421);
    elsewhere["file"] = json!({ "path": "/etc/passwd" });
    elsewhere["host"]["name"] = json!("db01");
    insta::assert_snapshot!(log(&[near, elsewhere]).page(query, &[]));
}

#[test]
fn what_fired_is_said_so_with_its_alerts() {
    let log = log(&[
        at(1.0, "process", "executed", "sh", 421),
        connect(1.5, 421, "198.51.100.7", 4444),
        at(2.0, "process", "executed", "sh", 421),
        at(3.0, "process", "executed", "sh", 422),
    ]);
    insta::assert_snapshot!("fired", log.page(SHELL, &[]));
    insta::assert_snapshot!("fired_key", log.page(SHELL, &["--key", "process.pid=421"]));
    let alert = catena(&["query", SHELL, log.path().to_str().unwrap(), "--quiet"]).stdout;
    let alert: Value = serde_json::from_str(&alert).unwrap();
    let answer = log.answer(SHELL, &[]);
    assert_eq!(answer["found"]["keys"][0]["ids"][0], alert["catena"]["id"]);
    let cut = log.page(&format!("{SHELL} | head 1 | tail 1"), &[]);
    assert!(cut.contains("fired: 1 alert\n"), "{cut}");
}

#[test]
fn a_key_that_is_not_there_is_compared_with_those_that_are() {
    let log = log(&[at(1.0, "process", "executed", "sh", 421)]);
    insta::assert_snapshot!(log.page(SHELL, &["--key", "process.pid=900"]));
}

#[test]
fn runs_are_written_out() {
    let query = "sequence by process.pid with maxspan=10s
      [process where event.action == \"executed\"] with runs=3
      [network where destination.port == 4444]";
    let log = log(&[
        at(1.0, "process", "executed", "sh", 421),
        at(2.0, "process", "executed", "sh", 421),
    ]);
    insta::assert_snapshot!(log.page(query, &["--limit", "1"]));
}

#[test]
fn an_audit_log_has_serials_and_families_of_processes() {
    let exec = |second: u32, serial: u32, ppid: u32, pid: u32, name: &str| {
        let id = format!("msg=audit(1767268800.{second:03}:{serial})");
        format!(
            "type=SYSCALL {id}: arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 \
             items=0 ppid={ppid} pid={pid} auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 \
             fsgid=0 tty=pts0 ses=1 comm=\"{name}\" exe=\"/bin/{name}\" key=(null)\n\
             type=EXECVE {id}: argc=2 a0=\"{name}\" a1=1B5B324A\n"
        )
    };
    let text = [
        exec(100, 1, 10, 5000, "bash"),
        exec(200, 2, 70, 7100, "curl"),
        exec(300, 3, 5000, 5100, "curl"),
    ];
    let log = Log::new(&text.concat());
    let query = "sequence by process.pid with maxspan=1m
      [process where event.action == \"executed\" and process.name == \"bash\"]
      [process where event.action == \"executed\" and process.name == \"curl\"]";
    let page = log.page(query, &["--host", "web01"]);
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "an argument clears the screen");
    insta::assert_snapshot!(page);
}

#[test]
fn as_json_for_programs() {
    let log = log(&[
        at(1.0, "process", "executed", "sh", 421),
        connect(2.0, 421, "192.0.2.9", 4444),
        connect(2.5, 4210, "198.51.100.7", 4444),
    ]);
    insta::assert_json_snapshot!(log.answer(SHELL, &[]));
}

#[test]
fn rules_are_named_as_explain_names_them() {
    let log = "corpus/auditd/attacks.log.gz";
    let name = |rule: &str| catena(&["why", rule, log, "-q", "--format", "json"]);
    let by_file = name("rules/execution/web_server_shell.toml");
    let by_name = name("web_server_shell");
    assert_eq!((by_file.code, by_name.code), (0, 0));
    let id = |run: &Run| serde_json::from_str::<Value>(&run.stdout).unwrap()["rule"]["id"].clone();
    assert_eq!(id(&by_file), id(&by_name));
    let wrong = name("web_server_shel");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("did you mean `web_server_shell`?"), "{}", wrong.stderr);
    let many = name("rules/command_and_control");
    assert_eq!(many.code, 3);
    assert!(many.stderr.contains(" rules; name one by its id"), "{}", many.stderr);
}

#[test]
fn a_filter_of_the_rule_file_refuses() {
    let log =
        log(&[at(1.0, "process", "executed", "sh", 421), connect(2.0, 421, "198.51.100.7", 4444)]);
    let rule = log.folder.path().join("filtered.toml");
    let head = "[rule]\nrule_id = \"filtered\"\nname = \"Filtered\"\nseverity = \"low\"\n\
        type = \"eql\"\nlanguage = \"eql\"\n";
    let filter = "[[rule.filters]]\nquery.exists.field = 'user.id'\n";
    fs::write(&rule, format!("{head}query = \'\'\'\n{SHELL}\n\'\'\'\n{filter}")).unwrap();
    let path = log.path();
    let run = catena(&["why", rule.to_str().unwrap(), path.to_str().unwrap(), "--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn text_of_others_cannot_drive_the_terminal() {
    let bad = "\u{1b}[2J\u{202e}";
    let mut start = at(1.0, "process", bad, bad, 421);
    start["host"]["name"] = json!(bad);
    start["event"]["sequence"] = json!(bad);
    start["process"]["pid"] = json!(bad);
    start["process"]["command_line"] = json!(bad);
    let mut next = connect(2.0, 421, bad, 1);
    next["host"]["name"] = json!(bad);
    next["destination"]["port"] = json!(bad);
    let log = Log::json(&[start, next]);
    let query = format!(
        "sequence by host.name with maxspan=10s [process where true]\t/* {bad} */
         [network where destination.port == 4444 /* {bad} */ and destination.ip == \"{bad}\"]"
    );
    for key in [&[][..], &["--key", bad], &["--key", "\u{1b}no"]] {
        let run = log.why(&query, key);
        let text = run.stdout + &run.stderr;
        assert!(text.contains("wanted: [") || text.contains("E0"), "{text}");
        let safe = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(text.chars().all(safe), "{text:?}");
    }
}

#[test]
fn a_rule_of_a_thousand_tests_has_a_page_of_a_screen() {
    let branches = (0..1000).map(|n| format!("(process.name == \"n{n}\" and process.pid == {n})"));
    let branches: Vec<String> = branches.collect();
    let query = format!("process where {}", branches.join(" or "));
    let page = log(&[]).page(&query, &[]);
    assert!(page.lines().count() < 40, "{page}");
    assert!(page.contains("and 1984 more tests"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() < 200), "{page}");
}

#[test]
fn what_can_be_read_only_once_is_refused() {
    for once in ["-", "/dev/null"] {
        let run = catena(&["why", "web_server_shell", once]);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""));
        assert!(run.stderr.contains(&format!("{once}: cannot be read twice")), "{}", run.stderr);
    }
    let missing = catena(&["why", "web_server_shell", "no.log", "-q"]);
    assert_eq!(missing.code, 4);
    let key = catena(&["why", "udp_reverse_shell_sequence", "no.log", "--key", "user.id=1"]);
    assert_eq!(key.code, 3);
    assert!(key.stderr.contains("`user.id` is no join key of the rule"), "{}", key.stderr);
    let event = catena(&["why", "web_server_shell", "no.log", "--key", "1"]);
    assert_eq!(event.stderr, "catena: error: the rule has no join key\n");
}

#[test]
fn every_answer_follows_the_schema() {
    let schema = fs::read_to_string("docs/why.schema.json").unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let shell = [at(1.0, "process", "executed", "sh", 421), connect(2.0, 421, "192.0.2.9", 4444)];
    let until = format!("{SHELL}\nuntil [network where true]");
    let missing = "sequence by process.pid with maxspan=1m
        [process where process.name == \"sh\"] ![network where true]";
    let mut answers = vec![
        log(&shell).answer(SHELL, &[]),
        log(&shell).answer(&until, &[]),
        log(&shell).answer(missing, &[]),
        log(&[]).answer(SHELL, &["--key", "5"]),
        log(&[]).answer("process where event.action == \"no\"", &[]),
    ];
    for rule in ["udp_reverse_shell_sequence", "udp_reverse_shell_sample", "web_server_shell"] {
        let run = catena(&["why", rule, "corpus/auditd/attacks.log.gz", "-q", "--format", "json"]);
        answers.push(serde_json::from_str(&run.stdout).unwrap());
    }
    for answer in answers {
        let errors: Vec<String> = schema
            .iter_errors(&answer)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}\n{answer:#}");
    }
}

/// Takes alerts, and asks for everything a run can tell when `asks`.
#[derive(Default)]
struct Listener {
    asks: bool,
    told: Arc<AtomicU64>,
    events: u64,
    alerts: Vec<String>,
}

#[derive(Debug)]
struct Count(Arc<AtomicU64>);

impl Watch for Count {
    fn told(&mut self, _: &Change<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Observer for Listener {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.alerts.push(format!("{} {} {:?}", alert.id, alert.uncertain, alert.evidence));
        Flow::Continue
    }

    fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        let more = [("process.args", Some(FieldType::Keyword)), ("no.such.field", None)];
        more.into_iter().filter(|_| self.asks).map(|(name, kind)| (name.into(), kind)).collect()
    }

    fn watch(&mut self, _: RuleIx) -> Option<Box<dyn Watch>> {
        self.asks.then(|| Box::new(Count(self.told.clone())) as Box<dyn Watch>)
    }

    fn event(&mut self, _: &Event) -> Flow {
        self.events += 1;
        Flow::Continue
    }
}

#[test]
fn a_run_finds_the_same_whether_it_is_watched_or_not() {
    let everything = "sequence by host.id with maxspan=2s
        [process where event.action == \"executed\"] with runs=2
        ![file where process.name == \"rm\"]
        [network where true]
      until [process where process.name == \"sshd\"]";
    let sample = "sample by process.pid [process where true] [network where true]";
    for (query, memory) in [(everything, 256 << 10), (sample, 64 << 20)] {
        let mut rules = rule::builtin().rules;
        rules.extend(rule::load_query(query, &Schema::new()).rules);
        let rules = RuleSet::new(rules);
        let limits = Limits { total_bytes: memory, ..Limits::NONE };
        let settings = Settings { limits, ..Settings::default() };
        let run = |asks| {
            let mut listener = Listener { asks, ..Listener::default() };
            let logs = ["corpus/auditd/attacks.log.gz".into()];
            let report = pipeline::replay(&rules, &logs, &settings, &mut listener).unwrap();
            (listener, report)
        };
        let (alone, quiet) = run(false);
        let (watched, report) = run(true);
        assert!(alone.alerts.len() > 5, "{} alerts", alone.alerts.len());
        assert_eq!(alone.alerts, watched.alerts);
        assert_eq!(quiet.engine, report.engine);
        assert_eq!(watched.events, report.events);
        assert_eq!(alone.told.load(Ordering::Relaxed), 0);
        assert!(watched.told.load(Ordering::Relaxed) > 100);
    }
}
