//! However many threads run, what comes out is the same: alerts byte for byte and in order, what had
//! been read by the time of each, and every counter of the report.

#![allow(clippy::unwrap_used, clippy::panic, reason = "functions of tests may panic")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use catena::alert::Alert;
use catena::engine::Limits;
use catena::pipeline::{Flow, Live, Observer, Settings, replay};
use catena::rule::{RuleSet, builtin, load_query};
use catena::schema::Schema;
use catena::time::Duration;

/// Fewer threads than anything needs, one for each core of a small machine, more than there are.
const JOBS: [usize; 4] = [1, 2, 7, 64];

/// Listens up to a number of alerts.
struct Listener {
    heard: Vec<String>,
    most: usize,
    /// Pieces of input told of so far.
    reads: u64,
    /// Every event is filled in, also what no rule can use.
    reads_events: bool,
}

impl Observer for Listener {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.heard.push(alert.to_json().to_string());
        if self.heard.len() < self.most { Flow::Continue } else { Flow::Stop }
    }

    fn read(&mut self, live: &Live) {
        self.reads += 1;
        // Where reading was when the next alert came is part of what must be the same.
        let (bytes, alerts) = (live.bytes_read(), live.alerts());
        self.heard.last_mut().into_iter().for_each(|last| {
            write!(last, "\nthen read {bytes} bytes, {alerts} alerts").unwrap();
        });
    }

    fn reads_events(&self) -> bool {
        self.reads_events
    }
}

/// What a run told and counted.
fn run(rules: &Arc<RuleSet>, inputs: &[PathBuf], settings: &Settings, most: usize) -> Vec<String> {
    let reads_events = settings.jobs == 0;
    let mut listener = Listener { heard: Vec::new(), most, reads: 0, reads_events };
    let report = replay(rules, inputs, settings, &mut listener).unwrap();
    listener.heard.push(format!("{} reads\n{report:#?}", listener.reads));
    listener.heard
}

/// Runs with every number of threads; gives what one thread told, the report last. The same is found
/// when every event is filled in, also what no rule can use of it: that run has no jobs at all.
fn the_same(
    rules: &Arc<RuleSet>,
    inputs: &[PathBuf],
    settings: &Settings,
    most: usize,
) -> Vec<String> {
    let with = |jobs| run(rules, inputs, &Settings { jobs, ..settings.clone() }, most);
    let alone = with(0);
    for (jobs, other) in JOBS.iter().zip(JOBS.map(with)) {
        let different = alone.iter().zip(&other).find(|(a, b)| a != b);
        if let Some((alone, other)) = different {
            panic!("{jobs} jobs differ:\n{alone}\n-----\n{other}");
        }
        assert_eq!(alone.len(), other.len(), "{jobs} jobs");
    }
    alone
}

fn queries(texts: &[&str]) -> Arc<RuleSet> {
    let loaded = texts.iter().map(|text| load_query(text, &Schema::new()));
    let rules = loaded.flat_map(|loaded| {
        assert!(!loaded.has_errors(), "{}", loaded.problems.len());
        loaded.rules
    });
    RuleSet::new(rules.collect())
}

/// Rules of every kind that find much in the logs made here.
fn busy() -> Arc<RuleSet> {
    queries(&[
        r#"process where event.action == "executed" and process.name == "curl""#,
        r#"sequence by host.id, process.pid with maxspan=3s
             [process where event.action == "executed"] [network where true]"#,
        r#"sequence by process.parent.pid with maxspan=1s
             [process where process.name == "sh"] ![network where true]"#,
        r#"sequence by process.entity_id with maxspan=1h
             [process where process.parent.name == "sh"] [any where process.name == "nginx"]
             [any where process.name == "nothing"]"#,
        "sample by user.id [process where true] [network where true]",
    ])
}

fn write(folder: &Path, name: &str, text: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A log of executions and connections of a few hundred processes, two records an event, a
/// hundred events a second. Some events come late, some never, and some lines are no records.
fn log(seed: u64, events: u64) -> String {
    let mut state = seed;
    let mut below = |limit: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let mut text = String::new();
    for serial in 1..=events {
        let behind = match below(40) {
            0 => 9_000,
            1..=4 => below(3_000),
            _ => 0,
        };
        let millis = 1_700_000_000_000 + serial * 10 - behind;
        let id = format!("{}.{:03}:{serial}", millis / 1000, millis % 1000);
        let pid = 1000 + below(300);
        let (ppid, uid) = (1000 + pid % 7, 30 + pid % 3);
        let name = ["sh", "curl", "nginx", "cat"].get(usize::try_from(below(4)).unwrap()).unwrap();
        let (call, second) = match below(3) {
            0 => (42, "SOCKADDR msg=audit(ID): saddr=02000050C0000201".to_owned()),
            _ => (59, format!("EXECVE msg=audit(ID): argc=2 a0=\"{name}\" a1=\"-x{serial}\"")),
        };
        match below(100) {
            0 => continue,
            1 => text.push_str("not a record\n"),
            _ => {}
        }
        writeln!(
            text,
            "type=SYSCALL msg=audit({id}): arch=c000003e syscall={call} success=yes exit=0 a0=3 a1=7f a2=10 a3=0 \
             items=0 ppid={ppid} pid={pid} auid=1000 uid={uid} gid={uid} euid={uid} suid={uid} fsuid={uid} \
             egid={uid} sgid={uid} fsgid={uid} tty=(none) ses=2 comm=\"{name}\" exe=\"/usr/bin/{name}\" key=(null)\n\
             type={}\ntype=PROCTITLE msg=audit({id}): proctitle={}",
            second.replace("ID", &id),
            "2D".repeat(100),
        )
        .unwrap();
    }
    text
}

#[test]
fn every_shipped_log_gives_the_same() {
    let mut logs: Vec<PathBuf> = std::fs::read_dir("corpus/auditd")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // All but ordinary work at length, in which is next to nothing to be found.
        .filter(|path| path.to_string_lossy().contains(".log"))
        .filter(|path| !path.ends_with("benign.log.zst"))
        .collect();
    logs.sort();
    assert!(logs.len() >= 4);
    let rules = RuleSet::new(builtin().rules);
    let mut alerts = 0;
    for log in &logs {
        alerts +=
            the_same(&rules, std::slice::from_ref(log), &Settings::default(), usize::MAX).len() - 1;
    }
    assert!(alerts > 20, "{alerts}");
    // All of them at once are as many machines.
    assert!(the_same(&rules, &logs, &Settings::default(), usize::MAX).len() > 20);
}

#[test]
fn a_long_log_gives_the_same_with_rules_of_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.log", log(1, 3000).as_bytes());
    let told = the_same(&busy(), &[path], &Settings::default(), usize::MAX);
    assert!(told.len() > 500, "{}", told.len());
    let report = told.last().unwrap();
    for (what, none) in
        [("malformed", "malformed: 0,"), ("late", "late: 0,"), ("gaps", "gaps: (\n        0,")]
    {
        assert!(!report.contains(none), "nothing {what}: {report}");
    }
}

#[test]
fn several_inputs_of_either_kind_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Vec::new();
    for (name, seed) in [("a.log", 1), ("b.log", 2), ("c.log.1", 3), ("c.log", 4)] {
        inputs.push(write(folder.path(), name, log(seed, 800).as_bytes()));
    }
    let mut json = String::new();
    for second in 0..400 {
        let (minute, second, name) = (second / 60, second % 60, ["sh", "curl"][second % 2]);
        writeln!(
            json,
            r#"{{"@timestamp":"2023-11-14T22:{:02}:{second:02}Z","event":{{"category":"process","action":"executed"}},"process":{{"name":"{name}","pid":7}},"user":{{"id":"31"}},"host":{{"id":"j"}}}}"#,
            13 + minute,
        )
        .unwrap();
    }
    json.push_str("{\"cut\n{\"process\":{\"name\":\"without time\"}}\n");
    inputs.push(write(folder.path(), "d.ndjson", json.as_bytes()));
    let told = the_same(&busy(), &inputs, &Settings::default(), usize::MAX);
    assert!(told.len() > 500, "{}", told.len());
    // So many that they have no threads of their own.
    for number in 0..8 {
        let text = log(10 + number, 100);
        inputs.push(write(folder.path(), &format!("many{number}.log"), text.as_bytes()));
    }
    the_same(&busy(), &inputs, &Settings::default(), usize::MAX);
}

#[test]
fn limits_of_memory_and_order_give_up_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [
        write(folder.path(), "a.log", log(1, 1500).as_bytes()),
        write(folder.path(), "b.log", log(2, 1500).as_bytes()),
    ];
    let settings = Settings {
        limits: Limits { total_bytes: 60_000, rule_bytes: 30_000, host_bytes: 20_000 },
        max_reordered: 100,
        lateness: Duration::from_secs(2),
        ..Settings::default()
    };
    let told = the_same(&busy(), &inputs, &settings, usize::MAX);
    let report = told.last().unwrap();
    for none in ["evicted: 0,\n        cut_short", "forced: 0,"] {
        assert!(!report.contains(none), "{report}");
    }
}

/// More bytes wait than may: what has to go before its time is the same however early an event was tested, and
/// however little of it had to wait.
#[test]
fn more_than_may_wait_goes_early_in_the_same_order() {
    let rules = queries(&[r#"process where process.name == "curl""#]);
    let folder = tempfile::tempdir().unwrap();
    let filler = "x".repeat(8 << 10);
    let mut text = String::new();
    for number in 0..6000 {
        let (name, title) = if number % 1000 == 7 { ("curl", "") } else { ("sh", &*filler) };
        // All within a second; every hundredth is out of order.
        let millis = if number % 100 == 99 { 0 } else { number / 10 };
        writeln!(
            text,
            r#"{{"@timestamp":"2026-01-01T00:00:00.{millis:03}Z","event":{{"category":"process"}},"process":{{"name":"{name}","title":"{title}"}}}}"#
        )
        .unwrap();
    }
    let log = write(folder.path(), "events.ndjson", text.as_bytes());
    let told = the_same(&rules, &[log], &Settings::default(), usize::MAX);
    let report = told.last().unwrap();
    assert!(!report.contains("forced: 0,"), "{report}");
}

#[test]
fn whoever_stops_listening_has_heard_and_counted_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [
        write(folder.path(), "a.log", log(1, 1500).as_bytes()),
        write(folder.path(), "b.log", log(2, 1500).as_bytes()),
    ];
    for most in [1, 2, 300] {
        let told = the_same(&busy(), &inputs, &Settings::default(), most);
        assert_eq!(told.len(), most + 1);
    }
}

#[test]
fn an_input_that_fails_in_the_middle_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut packed = Vec::new();
    let text = log(1, 3000);
    let mut encoder = flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast());
    encoder.read_to_end(&mut packed).unwrap();
    let inputs = [
        write(folder.path(), "a.log.gz", packed.get(..packed.len() / 2).unwrap()),
        write(folder.path(), "a.log", log(5, 300).as_bytes()),
        write(folder.path(), "b.log", log(2, 1500).as_bytes()),
        folder.path().join("missing.log"),
    ];
    let told = the_same(&busy(), &inputs, &Settings::default(), usize::MAX);
    let report = told.last().unwrap();
    assert!(report.contains("a.log.gz") && report.contains("missing.log"), "{report}");
}

#[test]
fn nothing_and_next_to_nothing_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let malformed = "x\n".repeat(2000);
    for (name, text) in [("a", ""), ("b", "\n"), ("c", "x"), ("d", &malformed)] {
        let path = write(folder.path(), name, text.as_bytes());
        the_same(&busy(), &[path], &Settings::default(), usize::MAX);
    }
    the_same(&busy(), &[], &Settings::default(), usize::MAX);
}

/// The program with a query that alerts on every execution.
fn program(jobs: &str, log: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_catena"));
    command.args(["query", "process where true", "--format", "ndjson", "--jobs", jobs]).arg(log);
    command
}

#[test]
fn a_slow_reader_gets_the_same_and_one_that_leaves_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.log", log(1, 1500).as_bytes());
    let summary = |stderr: &[u8]| {
        let text = String::from_utf8(stderr.to_vec()).unwrap();
        // The time it took and what follows from it.
        text.rsplit_once(" in ").unwrap().0.to_owned()
    };
    let outcomes: Vec<(String, String)> = JOBS
        .iter()
        .map(|jobs| {
            let jobs = jobs.to_string();
            let mut child = program(&jobs, &path)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // A pipe holds far less than what is written: byte by byte everybody waits for us.
            let mut text = String::new();
            let mut reader = BufReader::with_capacity(1, child.stdout.take().unwrap());
            reader.read_to_string(&mut text).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            (text, summary(&output.stderr))
        })
        .collect();
    let [alone, others @ ..] = &outcomes[..] else { panic!("no outcome") };
    assert!(alone.0.lines().count() > 500);
    for other in others {
        assert_eq!(alone, other);
    }
    for jobs in JOBS {
        let mut child = program(&jobs.to_string(), &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
        drop(reader);
        assert_eq!(Some(first.as_str().trim_end()), alone.0.lines().next());
        assert!(child.wait().unwrap().success(), "{jobs} jobs");
    }
}

/// Tells of every alert at once.
struct Teller(std::sync::mpsc::Sender<()>);

impl Observer for Teller {
    fn alert(&mut self, _: &Alert) -> Flow {
        // Nobody listens any more once the first has been heard.
        let _ = self.0.send(());
        Flow::Continue
    }
}

#[test]
fn alerts_leave_before_a_slow_writer_has_finished() {
    let folder = tempfile::tempdir().unwrap();
    let text = log(1, 1000);
    for jobs in JOBS {
        let path = folder.path().join(format!("{jobs}"));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (alert, heard) = std::sync::mpsc::channel();
        let writer = std::thread::spawn({
            let (path, text) = (path.clone(), text.clone());
            move || {
                let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
                pipe.write_all(text.as_bytes()).unwrap();
                // The input stays open until something was found in it.
                heard.recv().unwrap();
            }
        });
        let settings = Settings { jobs, ..Settings::default() };
        let report = replay(&busy(), &[path], &settings, &mut Teller(alert)).unwrap();
        writer.join().unwrap();
        assert!(report.alerts > 100, "{jobs} jobs");
    }
}
