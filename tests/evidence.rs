//! What was lost within an alert's window travels in the alert, by kind, and an absence that a loss
//! overlaps is uncertain.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use catena::alert::Alert;
use catena::engine::{Evidence, Limits};
use catena::pipeline::{Flow, Live, Observer, Settings, replay};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::time::Duration;

const PRESENCE: &str = r#"sequence by host.id with maxspan=5s
    [any where process.name == "a"] [any where process.name == "b"]"#;
const ABSENCE: &str = r#"sequence by host.id with maxspan=5s
    [any where process.name == "a"] ![any where process.name == "b"]"#;
const ABSENCE_BETWEEN: &str = r#"sequence by host.id with maxspan=5s
    [any where process.name == "a"] ![any where process.name == "x"] [any where process.name == "b"]"#;

/// Seconds and milliseconds, serial, program.
type Line = (u64, u64, u32, &'static str);

fn line((seconds, millis, serial, comm): Line) -> String {
    format!(
        "type=SYSCALL msg=audit({}.{millis:03}:{serial}): arch=c000003e syscall=59 success=yes exit=0 \
         ppid=1 pid=7 comm=\"{comm}\"\ntype=PROCTITLE msg=audit({0}.{millis:03}:{serial}): proctitle=\"{comm}\"\n",
        1_700_000_000 + seconds
    )
}

#[derive(Default)]
struct Seen(Vec<(bool, Evidence)>);

impl Observer for Seen {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.0.push((alert.uncertain, alert.evidence));
        Flow::Continue
    }

    fn read(&mut self, _: &Live) {}
}

fn run(query: &str, log: &str, settings: &Settings) -> Vec<(bool, Evidence)> {
    let loaded = load_query(query, &Schema::new());
    assert!(!loaded.has_errors());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    std::fs::write(&path, log).unwrap();
    let mut seen = Seen::default();
    replay(&RuleSet::new(loaded.rules), &[path], settings, &mut seen).unwrap();
    seen.0
}

fn lateness(seconds: i64) -> Settings {
    Settings { lateness: Duration::from_secs(seconds), ..Settings::default() }
}

fn log(lines: &[Line]) -> String {
    lines.iter().map(|of| line(*of)).collect()
}

/// Whatever the lateness is.
fn finds(query: &str, log: &str, expected: &[(bool, Evidence)]) {
    for seconds in [0, 1, 5, 60] {
        assert_eq!(run(query, log, &lateness(seconds)), expected, "lateness {seconds} s");
    }
}

const NOTHING: Evidence = Evidence { gaps: 0, late: 0, evicted: 0, incomplete: 0, malformed: 0 };

#[test]
fn nothing_lost_nothing_said() {
    finds(PRESENCE, &log(&[(0, 0, 1, "a"), (1, 0, 2, "b"), (9, 0, 3, "z")]), &[(false, NOTHING)]);
    finds(ABSENCE, &log(&[(0, 0, 1, "a"), (1, 0, 2, "y"), (9, 0, 3, "z")]), &[(false, NOTHING)]);
}

#[test]
fn a_gap_within_the_window_is_told_and_makes_an_absence_uncertain() {
    let gap = Evidence { gaps: 3, ..NOTHING };
    let within = log(&[(0, 0, 1, "a"), (2, 0, 5, "y"), (4, 0, 6, "b"), (9, 0, 7, "z")]);
    finds(ABSENCE_BETWEEN, &within, &[(true, gap)]);
    finds(PRESENCE, &within, &[(false, gap)]);
    let within = log(&[(0, 0, 1, "a"), (2, 0, 5, "y"), (9, 0, 6, "z")]);
    finds(ABSENCE, &within, &[(true, gap)]);
}

#[test]
fn a_gap_outside_of_the_window_is_not_told() {
    let outside = log(&[
        (0, 0, 1, "y"),
        (1, 0, 9, "y"),
        (10, 0, 10, "a"),
        (11, 0, 11, "b"),
        (12, 0, 12, "y"),
        (30, 0, 20, "y"),
    ]);
    finds(PRESENCE, &outside, &[(false, NOTHING)]);
    finds(ABSENCE_BETWEEN, &outside, &[(false, NOTHING)]);
}

/// The missing serial is seen only just before the absence would be certain.
#[test]
fn a_gap_at_the_end_of_the_window_is_told() {
    let gap = Evidence { gaps: 1, ..NOTHING };
    let late = log(&[(0, 0, 1, "a"), (4, 900, 3, "y"), (5, 100, 4, "y"), (9, 0, 5, "z")]);
    finds(ABSENCE, &late, &[(true, gap)]);
    // And when the window ends within the gap.
    let across = log(&[(0, 0, 1, "a"), (4, 900, 2, "y"), (5, 100, 4, "y"), (9, 0, 5, "z")]);
    finds(ABSENCE, &across, &[(true, gap)]);
    // And just in front of what completes the sequence.
    let before = log(&[(0, 0, 1, "a"), (2, 0, 3, "b"), (9, 0, 4, "z")]);
    finds(ABSENCE_BETWEEN, &before, &[(true, gap)]);
}

#[test]
fn a_line_that_cannot_be_read_is_told() {
    let malformed = Evidence { malformed: 1, ..NOTHING };
    let text = |second: Line| {
        let first = log(&[(0, 0, 1, "a"), (1, 0, 2, "y")]);
        format!("{first}type=SYSCALL msg=audit(garbage\n{}", log(&[second, (9, 0, 4, "z")]))
    };
    finds(ABSENCE_BETWEEN, &text((2, 0, 3, "b")), &[(true, malformed)]);
    finds(PRESENCE, &text((2, 0, 3, "b")), &[(false, malformed)]);
    finds(ABSENCE, &text((2, 0, 3, "y")), &[(true, malformed)]);
}

#[test]
fn an_event_that_lacks_records_is_told() {
    let incomplete = Evidence { incomplete: 1, ..NOTHING };
    let text = |second: Line| {
        let cut = line((1, 0, 2, "y"));
        let cut = cut.lines().next().unwrap();
        let (first, rest) = (line((0, 0, 1, "a")), log(&[second, (9, 0, 4, "z")]));
        // Other events of the log end with PROCTITLE, so this one lacks it.
        format!("{first}{cut}\n{rest}")
    };
    finds(ABSENCE, &text((4, 0, 3, "y")), &[(true, incomplete)]);
}

#[test]
fn an_event_behind_its_time_is_told() {
    let late = Evidence { late: 1, ..NOTHING };
    // Serials in order, times not: when the fourth comes, one of the third second has had its turn.
    let text =
        log(&[(0, 0, 1, "a"), (2, 0, 2, "y"), (4, 0, 3, "y"), (0, 500, 4, "y"), (9, 0, 5, "z")]);
    assert_eq!(run(ABSENCE, &text, &lateness(1)), [(true, late)]);
    assert_eq!(run(ABSENCE, &text, &lateness(5)), [(false, NOTHING)]);
}

#[test]
fn what_was_given_up_is_told() {
    let query = r#"sequence by process.pid, user.id with maxspan=5s
        [any where process.name == "a"] ![any where process.name == "b"]"#;
    let event = |serial: u32, uid: u32| {
        let of = line((0, 0, serial, "a"));
        of.replace("ppid=1", &format!("ppid=1 uid={uid}"))
    };
    let text: String = (1..500).map(|n| event(n, n)).collect();
    let text = format!("{text}{}", line((9, 0, 500, "z")));
    let limits = Limits { total_bytes: 100_000, ..Limits::NONE };
    let seen = run(query, &text, &Settings { limits, ..Settings::default() });
    assert!(!seen.is_empty() && seen.len() < 499, "{} alerts", seen.len());
    let given_up = 499 - seen.len() as u64;
    for (uncertain, evidence) in seen {
        assert!(uncertain);
        assert_eq!(evidence, Evidence { evicted: given_up, ..NOTHING });
    }
}
