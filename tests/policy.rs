//! Generated logs of which everything is known beforehand: which events they hold and how each of them
//! ends, which records come late or twice, which serials are lost, when a machine boots.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use std::collections::BTreeMap;

use catena::event::{CoalesceLimits, Coalescer, Group, Incomplete};
use proptest::prelude::*;

/// How an event ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// PROCTITLE, as in the file of auditd.
    Title,
    /// A record type that stands alone.
    Single,
    /// Nothing: log time has to pass.
    Time,
}

/// What happens to an event after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    /// One more record comes.
    Late,
    /// All of it comes again.
    Twice,
}

#[derive(Debug, Clone)]
struct Plan {
    end: End,
    after: After,
    /// Milliseconds to the event before.
    step: u64,
    /// PATH records.
    paths: usize,
    /// How long its records take.
    slow: u64,
    /// Serials that are lost in front of it.
    lost: u32,
    /// The machine boots in front of it.
    boot: bool,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let end = prop_oneof![6 => Just(End::Title), 2 => Just(End::Single), 1 => Just(End::Time)];
    let after =
        prop_oneof![6 => Just(After::Nothing), 1 => Just(After::Late), 1 => Just(After::Twice)];
    let lost = prop_oneof![6 => Just(0_u32), 1 => 1_u32..50];
    let boot = prop_oneof![20 => Just(false), 1 => Just(true)];
    let plan = (end, after, 0_u64..400, 0_usize..4, 0_u64..1500, lost, boot);
    let plan = plan.prop_map(|(end, after, step, paths, slow, lost, boot)| Plan {
        end,
        after,
        step,
        paths,
        slow,
        lost,
        boot,
    });
    prop::collection::vec(plan, 1..80)
}

/// A line, when it is written, and the event that it is of.
#[derive(Debug, Clone)]
struct Line {
    at: u64,
    text: String,
}

/// What must come out of a log.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    events: BTreeMap<(Vec<u8>, u64, u32), Vec<String>>,
    late: u64,
    duplicate: u64,
    lost: u64,
    boots: u64,
}

/// Writes the log of one machine.
fn write(node: &str, plans: &[Plan], ends: bool, lines: &mut Vec<Line>, expected: &mut Expected) {
    let (mut now, mut serial) = (1_700_000_000_000_u64, 100_u32);
    for (index, plan) in plans.iter().enumerate() {
        now += plan.step;
        // A machine that has not got beyond the number it starts with shows nothing.
        if plan.boot && serial > 3 {
            // Nothing of the time before comes any more, and numbers start over.
            now += 60_000;
            serial = 3;
            // Nobody knows what was before the first line.
            expected.boots += u64::from(index > 0);
            lines.push(line(node, "DAEMON_START", now, 5000, "op=start res=success", now));
            let event = (node.as_bytes().to_vec(), now, 5000);
            expected.events.insert(event, vec![lines.last().unwrap().text.clone()]);
            now += 1;
        } else {
            serial += 1 + plan.lost;
            expected.lost += if index > 0 { u64::from(plan.lost) } else { 0 };
        }
        let mut own = Vec::new();
        if plan.end == End::Single {
            own.push(line(node, "USER_AUTH", now, serial, "pid=7 msg='op=x res=success'", now));
        } else {
            own.push(line(node, "SYSCALL", now, serial, "arch=c000003e syscall=2 pid=7", now));
            for path in 0..plan.paths {
                let at = now + plan.slow * (path as u64 + 1) / (plan.paths as u64 + 1);
                own.push(line(node, "PATH", now, serial, &format!("item={path} name=\"/\""), at));
            }
            if plan.end == End::Title {
                let at = now + plan.slow;
                own.push(line(node, "PROCTITLE", now, serial, "proctitle=\"x\"", at));
            }
        }
        let event = (node.as_bytes().to_vec(), now, serial);
        expected.events.insert(event, own.iter().map(|line| line.text.clone()).collect());
        let end = own.last().unwrap().at;
        if ends && plan.end != End::Single {
            own.push(line(node, "EOE", now, serial, "", end));
        }
        // What comes after the end of an event comes after everything that could still be waiting.
        let later = end + 5000;
        match plan.after {
            // While it is open nothing is late.
            _ if plan.end == End::Time && !ends => {}
            After::Late => {
                own.push(line(node, "CWD", now, serial, "cwd=\"/\"", later));
                expected.late += 1;
            }
            After::Twice => {
                let again: Vec<_> = own.iter().map(|l| Line { at: later, ..l.clone() }).collect();
                own.extend(again);
                expected.duplicate += 1;
            }
            After::Nothing => {}
        }
        lines.extend(own);
    }
    // So that log time passes for the last ones, too.
    for _ in 0..2 {
        serial += 1;
        now += 20_000;
        let last = line(node, "USER_AUTH", now, serial, "pid=7 msg='op=x res=success'", now);
        expected.events.insert((node.as_bytes().to_vec(), now, serial), vec![last.text.clone()]);
        lines.push(last);
    }
}

fn line(node: &str, kind: &str, millis: u64, serial: u32, body: &str, at: u64) -> Line {
    let node = if node.is_empty() { String::new() } else { format!("node={node} ") };
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let text = format!("{node}type={kind} msg=audit({seconds}.{millis:03}:{serial}): {body}");
    Line { at, text }
}

/// What comes out of some lines.
fn read(lines: &[Line]) -> (Expected, Vec<Group>) {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    let mut groups = Vec::new();
    for (number, line) in (1..).zip(lines) {
        coalescer.push(0, number, line.text.as_bytes());
        groups.extend(std::iter::from_fn(|| coalescer.pop()));
    }
    coalescer.finish();
    groups.extend(std::iter::from_fn(|| coalescer.pop()));
    let stats = coalescer.stats();
    let mut found = Expected {
        late: stats.late,
        duplicate: stats.duplicate,
        lost: stats.lost,
        boots: stats.boots,
        ..Expected::default()
    };
    for group in &groups {
        let millis = u64::try_from(group.id().time.as_millis()).unwrap();
        let event = (group.node().unwrap_or_default().to_vec(), millis, group.id().serial);
        let text = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
        let records = group.records().map(|record| text(&record.line())).collect();
        assert!(found.events.insert(event, records).is_none(), "{} twice", group.id());
    }
    (found, groups)
}

proptest! {
    /// Nothing is invented, nothing is lost that is not counted, and nobody is counted for another.
    #[test]
    fn everything_comes_out_or_is_counted(first in plans(), second in plans(), ends in any::<bool>()) {
        let (mut lines, mut expected) = (Vec::new(), Expected::default());
        for (node, plans) in [("one", &first), ("two", &second)] {
            // Every other record of machines that boot would be of the time before.
            let mut plans = plans.clone();
            if plans.iter().any(|plan| plan.boot) {
                plans.iter_mut().for_each(|plan| plan.after = After::Nothing);
            }
            write(node, &plans, ends, &mut lines, &mut expected);
        }
        // The order in which records are written; those of one machine and time keep theirs.
        lines.sort_by_key(|line| line.at);
        let (found, groups) = read(&lines);
        prop_assert_eq!(found, expected);
        // Only events that had nothing to end them may be called incomplete.
        for group in groups.iter().filter(|group| group.incomplete().is_some()) {
            prop_assert_eq!(group.incomplete(), Some(Incomplete::TimedOut));
            prop_assert!(group.records().all(|record| record.kind_name() != b"PROCTITLE"));
        }
    }

    /// Events come out in the order in which they end, whatever their times and numbers.
    #[test]
    fn events_come_in_order_of_completion(plans in plans(), seed in any::<u64>()) {
        let mut plans = plans;
        for plan in &mut plans {
            (plan.after, plan.boot, plan.lost) = (After::Nothing, false, 0);
            plan.end = if plan.end == End::Time { End::Title } else { plan.end };
            // Times that step back.
            plan.slow = (plan.slow ^ seed) % 1900;
        }
        let (mut lines, mut expected) = (Vec::new(), Expected::default());
        write("", &plans, false, &mut lines, &mut expected);
        lines.sort_by_key(|line| line.at);
        let ends: Vec<String> = lines
            .iter()
            .filter(|line| line.text.contains("type=PROCTITLE") || line.text.contains("type=USER_AUTH"))
            .map(|line| line.text.clone())
            .collect();
        let (_, groups) = read(&lines);
        let came: Vec<String> = groups
            .iter()
            .map(|group| String::from_utf8(group.records().last().unwrap().line().to_vec()).unwrap())
            .collect();
        prop_assert_eq!(came, ends);
    }

    /// However small the bounds are, every record comes out or is counted, and events that were let go
    /// early say so.
    #[test]
    fn bounds_lose_nothing_silently(plans in plans(), in_flight in 1_usize..6, bytes in 200_usize..2000) {
        let (mut lines, mut expected) = (Vec::new(), Expected::default());
        let mut plans = plans;
        plans.iter_mut().for_each(|plan| (plan.after, plan.step) = (After::Nothing, plan.step / 20));
        write("", &plans, false, &mut lines, &mut expected);
        lines.sort_by_key(|line| line.at);
        let limits =
            CoalesceLimits { in_flight, in_flight_bytes: bytes, ..CoalesceLimits::default() };
        let mut coalescer = Coalescer::new(limits);
        for (number, line) in (1..).zip(&lines) {
            coalescer.push(0, number, line.text.as_bytes());
        }
        coalescer.finish();
        let groups: Vec<Group> = std::iter::from_fn(|| coalescer.pop()).collect();
        let stats = coalescer.stats();
        let kept: u64 = groups.iter().map(|group| group.len() as u64).sum();
        prop_assert_eq!(kept + stats.late + stats.dropped, lines.len() as u64);
        for group in &groups {
            let id = group.id();
            let millis = u64::try_from(id.time.as_millis()).unwrap();
            let whole = expected.events[&(Vec::new(), millis, id.serial)].len();
            let is_short = group.len() < whole;
            prop_assert!(!is_short || group.incomplete() == Some(Incomplete::Forced), "{}", id);
        }
        let forced = groups.iter().filter(|g| g.incomplete() == Some(Incomplete::Forced)).count();
        prop_assert_eq!(stats.incomplete(Incomplete::Forced), forced as u64);
    }
}

/// Two files are two sources: a machine that booted in between may use a time and a number again.
#[test]
fn two_sources_with_the_same_time_and_serial_are_two_events() {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for source in 0..2 {
        for text in [
            line("", "SYSCALL", 1_700_000_000_000, 5, "arch=c000003e syscall=2 pid=7", 0),
            line("", "PROCTITLE", 1_700_000_000_000, 5, "proctitle=\"x\"", 0),
        ] {
            coalescer.push(source, 1, text.text.as_bytes());
        }
    }
    let sources: Vec<_> =
        std::iter::from_fn(|| coalescer.pop()).map(|group| group.id().source).collect();
    assert_eq!(sources, [0, 1]);
    assert_eq!((coalescer.stats().late, coalescer.stats().duplicate), (0, 0));
}
