//! What the coalescer promises where logs are long, broken or hostile.

use std::collections::BTreeMap;

use catena::event::{CoalesceLimits, Coalescer, Group, Incomplete};
use catena::record::{RecordType, head};
use catena::time::Timestamp;
use proptest::prelude::*;

/// A line of type `kind` at `millis` with number `serial`.
fn line(kind: &str, millis: u64, serial: u32, body: &str) -> String {
    format!("type={kind} msg=audit({}.{:03}:{serial}): {body}", millis / 1000, millis % 1000)
}

fn syscall(millis: u64, serial: u32) -> String {
    line("SYSCALL", millis, serial, "arch=c000003e syscall=59 success=yes exit=0 items=0 pid=7")
}

fn proctitle(millis: u64, serial: u32) -> String {
    line("PROCTITLE", millis, serial, "proctitle=\"id\"")
}

/// Pushes lines of source 0 and gives what is complete after the last one.
fn push(coalescer: &mut Coalescer, lines: &[String]) -> Vec<Group> {
    for (number, line) in (1..).zip(lines) {
        coalescer.push(0, number, line.as_bytes());
    }
    drain(coalescer)
}

fn drain(coalescer: &mut Coalescer) -> Vec<Group> {
    std::iter::from_fn(|| coalescer.pop()).collect()
}

fn serials(groups: &[Group]) -> Vec<u32> {
    groups.iter().map(|group| group.id().serial).collect()
}

fn new() -> Coalescer {
    Coalescer::new(CoalesceLimits::default())
}

#[test]
fn two_records_that_are_two_seconds_later_complete_an_event() {
    let mut coalescer = new();
    let open = [syscall(1000, 1), syscall(3000, 2), syscall(3000, 2), syscall(3001, 3)];
    assert!(push(&mut coalescer, &open).is_empty(), "two seconds are not more than two seconds");
    assert_eq!(coalescer.oldest_open(), Some(Timestamp::from_millis(1000)));
    let done = push(&mut coalescer, &[syscall(3001, 3)]);
    assert_eq!(serials(&done), [1]);
    assert_eq!(done[0].incomplete(), None, "this log has no end records at all");
    assert_eq!(coalescer.oldest_open(), Some(Timestamp::from_millis(3000)));
}

#[test]
fn an_event_without_the_end_that_others_have_is_incomplete() {
    let mut coalescer = new();
    let lines = [
        syscall(1000, 1),
        proctitle(1000, 1),
        syscall(1000, 2),
        line("CONFIG_CHANGE", 1000, 3, "op=set"),
        syscall(9000, 4),
        line("CWD", 9000, 5, "cwd=\"/\""),
    ];
    let mut groups = push(&mut coalescer, &lines);
    coalescer.finish();
    groups.extend(drain(&mut coalescer));
    let causes: Vec<_> = groups.iter().map(|g| (g.id().serial, g.incomplete())).collect();
    assert_eq!(
        causes,
        [
            (1, None),
            (2, Some(Incomplete::TimedOut)),
            (3, None),
            (4, Some(Incomplete::EndOfInput)),
            (5, Some(Incomplete::NoSyscall)),
        ]
    );
    assert_eq!(coalescer.stats().incomplete_total(), 3);
    assert_eq!(coalescer.stats().incomplete(Incomplete::TimedOut), 1);
}

#[test]
fn proctitle_does_not_end_an_event_where_end_records_come() {
    let mut coalescer = new();
    let eoe = |serial| line("EOE", 1000, serial, "");
    let first = push(&mut coalescer, &[syscall(1000, 1), proctitle(1000, 1), eoe(1)]);
    assert_eq!(serials(&first), [1], "nobody knew yet");
    assert!(push(&mut coalescer, &[syscall(1000, 2), proctitle(1000, 2)]).is_empty());
    let second = push(&mut coalescer, &[eoe(2)]);
    assert_eq!(second[0].records().count(), 2, "the end record itself says nothing");
    assert!(push(&mut coalescer, &[eoe(2), eoe(77)]).is_empty());
    assert_eq!((coalescer.stats().late, coalescer.stats().lone_ends), (0, 1));
    let lost_end = push(
        &mut coalescer,
        &[syscall(1000, 3), proctitle(1000, 3), syscall(9000, 4), syscall(9000, 5)],
    );
    assert_eq!(lost_end[0].incomplete(), None, "its PROCTITLE is there");
}

#[test]
fn a_late_record_is_dropped_and_counted() {
    let mut coalescer = new();
    let lines = [syscall(1000, 1), proctitle(1000, 1), line("PATH", 1000, 1, "item=0 name=\"/x\"")];
    assert_eq!(push(&mut coalescer, &lines).len(), 1);
    coalescer.finish();
    assert!(drain(&mut coalescer).is_empty());
    assert_eq!((coalescer.stats().late, coalescer.stats().duplicate), (1, 0));
}

#[test]
fn an_event_read_twice_is_one_event() {
    let mut coalescer = new();
    let lines = [syscall(1000, 1), proctitle(1000, 1), line("USER_END", 1500, 2, "pid=1")];
    let twice = [&lines[..], &lines[..]].concat();
    assert_eq!(serials(&push(&mut coalescer, &twice)), [1, 2]);
    assert_eq!((coalescer.stats().duplicate, coalescer.stats().late), (2, 0));
    let again = [syscall(200_000, 9), syscall(1000, 1), proctitle(1000, 1)];
    assert!(push(&mut coalescer, &again).is_empty());
    assert_eq!(coalescer.stats().duplicate, 3, "also minutes later");
}

#[test]
fn half_an_event_again_is_late() {
    let mut coalescer = new();
    let whole = [syscall(1000, 1), line("CWD", 1000, 1, "cwd=\"/\""), proctitle(1000, 1)];
    push(&mut coalescer, &whole);
    push(&mut coalescer, &whole[1..]);
    assert_eq!((coalescer.stats().late, coalescer.stats().duplicate), (2, 0));
}

#[test]
fn only_so_many_completed_events_are_remembered() {
    let mut coalescer =
        Coalescer::new(CoalesceLimits { done_ring: 4, ..CoalesceLimits::default() });
    let event = |serial| line("USER_END", 1000, serial, "pid=1");
    let lines: Vec<_> = [1, 2, 3, 4, 5, 1, 4].into_iter().map(event).collect();
    assert_eq!(serials(&push(&mut coalescer, &lines)), [1, 2, 3, 4, 5, 1]);
    assert_eq!(coalescer.stats().duplicate, 1);
}

#[test]
fn machines_and_sources_are_kept_apart() {
    let mut coalescer = new();
    for (source, node) in [(0, "node=a "), (0, "node=b "), (0, ""), (1, "node=a ")] {
        for text in [syscall(1000, 5), proctitle(1000, 5)] {
            coalescer.push(source, 1, format!("{node}{text}").as_bytes());
        }
    }
    let groups = drain(&mut coalescer);
    let names: Vec<_> = groups
        .iter()
        .map(|g| (g.id().source, g.node().map(<[u8]>::to_vec), g.records().count()))
        .collect();
    let a = Some(b"a".to_vec());
    assert_eq!(names, [(0, a.clone(), 2), (0, Some(b"b".to_vec()), 2), (0, None, 2), (1, a, 2)]);
    assert_eq!(coalescer.stats().late + coalescer.stats().duplicate, 0);
    assert_eq!(coalescer.machine(1), Some((0, Some(&b"b"[..]))));
    assert_eq!(coalescer.machine(2), Some((0, None)));
}

#[test]
fn the_clock_of_one_machine_does_not_move_another() {
    let mut coalescer = new();
    coalescer.push(0, 1, format!("node=a {}", syscall(1000, 1)).as_bytes());
    coalescer.push(0, 2, format!("node=b {}", syscall(900_000, 1)).as_bytes());
    coalescer.push(1, 1, format!("node=a {}", syscall(900_000, 2)).as_bytes());
    assert!(coalescer.pop().is_none());
}

#[test]
fn a_wrong_time_neither_ends_events_nor_holds_them_up() {
    let mut coalescer = new();
    let far = 1_900_000_000_000;
    let lines = [syscall(1000, 1), syscall(far, 2), syscall(1000, 3), proctitle(1000, 1)];
    let done = push(&mut coalescer, &lines);
    assert_eq!((serials(&done), done[0].len()), (vec![1], 2));
    let done = push(&mut coalescer, &[syscall(5000, 4), syscall(5000, 5)]);
    assert_eq!(serials(&done), [3]);
}

#[test]
fn a_record_after_a_quiet_time_still_finds_its_event() {
    let mut coalescer = new();
    let path = |serial| line("PATH", 1000, serial, "item=0");
    let lines = [syscall(1000, 1), syscall(8000, 2), path(1), syscall(8000, 3), syscall(8001, 4)];
    let done = push(&mut coalescer, &lines);
    assert_eq!((serials(&done), done[0].len()), (vec![1], 2));
}

#[test]
fn too_many_events_in_flight_force_the_oldest_out() {
    let mut coalescer = new();
    let lines: Vec<_> = (1..=5000).map(|serial| syscall(1000, serial)).collect();
    let forced = push(&mut coalescer, &lines);
    assert_eq!(serials(&forced), (1..=904).collect::<Vec<_>>());
    assert!(forced.iter().all(|group| group.incomplete() == Some(Incomplete::Forced)));
    coalescer.finish();
    assert_eq!(drain(&mut coalescer).len(), 4096);
    assert_eq!(coalescer.stats().events, 5000);
}

#[test]
fn too_many_bytes_in_flight_force_the_oldest_out() {
    let mut coalescer =
        Coalescer::new(CoalesceLimits { in_flight_bytes: 10_000, ..CoalesceLimits::default() });
    let long = "x".repeat(3000);
    let lines: Vec<_> = (1..=4).map(|serial| line("PATH", 1000, serial, &long)).collect();
    assert_eq!(serials(&push(&mut coalescer, &lines)), [1]);
    let huge = [line("PATH", 1000, 5, &"x".repeat(20_000))];
    assert_eq!(serials(&push(&mut coalescer, &huge)), [2, 3, 4, 5]);
    assert_eq!(coalescer.oldest_open(), None);
}

#[test]
fn one_event_may_not_grow_without_end() {
    let limits =
        CoalesceLimits { records_per_event: 10, execve_bytes: 100, ..CoalesceLimits::default() };
    let mut coalescer = Coalescer::new(limits);
    let paths = (0..50).map(|_| line("PATH", 1000, 1, "item=0"));
    let arguments = (0..50).map(|n| line("EXECVE", 1000, 2, &format!("a{n}=\"{:>20}\"", "x")));
    let lines: Vec<_> = paths.chain(arguments).collect();
    push(&mut coalescer, &lines);
    coalescer.finish();
    let groups = drain(&mut coalescer);
    assert_eq!(groups[0].incomplete(), Some(Incomplete::TooManyRecords));
    assert_eq!(groups[0].len(), 10);
    assert_eq!(groups[1].incomplete(), Some(Incomplete::TooManyArguments));
    assert_eq!(groups[1].len(), 4, "100 bytes are allowed");
    assert_eq!(coalescer.stats().dropped, 40 + 46);
}

#[test]
fn a_line_over_the_limit_is_cut_and_named() {
    let mut coalescer = new();
    let long = line("EXECVE", 1000, 1, &format!("argc=1 a0=\"{}\"", "x".repeat(2 << 20)));
    let groups = push(&mut coalescer, &[syscall(1000, 1), long, proctitle(1000, 1)]);
    assert_eq!(groups[0].incomplete(), Some(Incomplete::CutLine));
    assert_eq!(groups[0].first(RecordType::EXECVE).unwrap().line().len(), 1 << 20);
    assert_eq!(coalescer.stats().cut_lines, 1);
}

#[test]
fn malformed_lines_are_counted_and_the_first_ones_named() {
    let mut coalescer = new();
    for number in 1..=100 {
        coalescer.push(3, number, b"no record");
    }
    coalescer.push(3, 101, b"");
    coalescer.push(3, 102, b"audit: audit_lost=17 audit_rate_limit=0 audit_backlog_limit=64");
    let stats = coalescer.stats();
    assert_eq!((stats.lines, stats.malformed, stats.blank, stats.notices), (102, 100, 1, 1));
    assert_eq!(stats.kernel_lost, 17);
    assert_eq!(stats.malformed_lines().len(), 32);
    let first = stats.malformed_lines()[0];
    assert_eq!((first.source, first.line, first.reason.to_string()), (3, 1, "no `type=`".into()));
}

#[test]
fn gaps_are_decided_when_they_can_no_longer_be_filled() {
    let mut coalescer = new();
    let event = |millis, serial| [syscall(millis, serial), proctitle(millis, serial)];
    push(&mut coalescer, &[event(1000, 10), event(1100, 15), event(1200, 13)].concat());
    assert_eq!(coalescer.stats().gaps, 0, "12 and 14 may still come");
    push(&mut coalescer, &event(5000, 16));
    assert_eq!((coalescer.stats().gaps, coalescer.stats().lost), (2, 3));
    let gaps: Vec<_> = coalescer.stats().gap_list().map(|gap| (gap.first, gap.lost)).collect();
    assert_eq!(gaps, [(11, 2), (14, 1)]);
    let gap = coalescer.stats().gap_list().next().unwrap();
    assert_eq!((gap.after.as_millis(), gap.before.as_millis()), (1000, 1100));
    push(&mut coalescer, &event(5000, 20));
    coalescer.finish();
    assert_eq!(coalescer.stats().lost, 6, "the end of input decides");
}

#[test]
fn the_default_output_of_ausearch_ends_events_at_its_separator() {
    let mut coalescer = new();
    let block = |serial| {
        vec![
            "----".to_owned(),
            "time->Tue Nov 14 22:13:20 2023".to_owned(),
            proctitle(1000, serial),
            line("CWD", 1000, serial, "cwd=\"/\""),
            syscall(1000, serial),
        ]
    };
    let mut groups = push(&mut coalescer, &[block(1), block(2)].concat());
    coalescer.finish();
    groups.extend(drain(&mut coalescer));
    assert_eq!(groups.iter().map(Group::len).collect::<Vec<_>>(), [3, 3]);
    assert_eq!((coalescer.stats().late, coalescer.stats().blank), (0, 4));
}

#[test]
fn silence_is_for_the_caller_to_call() {
    let mut coalescer = new();
    push(&mut coalescer, &[syscall(1500, 2), syscall(1000, 1), syscall(2000, 3)]);
    coalescer.flush_older_than(Timestamp::from_millis(2000));
    assert_eq!(serials(&drain(&mut coalescer)), [1, 2]);
    assert_eq!(coalescer.oldest_open(), Some(Timestamp::from_millis(2000)));
}

#[test]
fn a_group_keeps_the_lines_as_logged() {
    let mut coalescer = new();
    let first = format!("<13>1 host audisp - node=web {}", syscall(1000, 1));
    let lines = [first, format!("node=web {}\r", proctitle(1000, 1))];
    let group = push(&mut coalescer, &lines).remove(0);
    assert_eq!(group.raw(), format!("{}\n{}\n", lines[0], lines[1].trim_end()).as_bytes());
    assert_eq!((group.line(), group.node()), (1, Some(&b"web"[..])));
    let records: Vec<_> = group.records().collect();
    assert_eq!(records[1].kind_name(), b"PROCTITLE");
    assert_eq!(records[1].body, b"proctitle=\"id\"");
    let copy = group.clone();
    coalescer.recycle(group);
    assert_eq!(copy.records().count(), 2);
}

#[test]
fn the_names_of_types_survive_numbers_and_strangers() {
    let mut coalescer = new();
    for kind in ["1300", "UNKNOWN[1334]", "UNKNOWN[1399]", "1398", "SOMETHING_NEW"] {
        coalescer.push(0, 1, line(kind, 1000, 1, "a=b").as_bytes());
    }
    coalescer.finish();
    let group = coalescer.pop().unwrap();
    let names: Vec<_> = group.records().map(|record| record.kind_name().to_vec()).collect();
    let expected: [&[u8]; 5] = [b"SYSCALL", b"BPF", b"UNKNOWN[1399]", b"1398", b"SOMETHING_NEW"];
    assert_eq!(names, expected);
}

#[test]
fn machines_beyond_the_bound_are_still_told_apart() {
    let mut coalescer = new();
    let count = 6000;
    for round in [syscall(1000, 1), proctitle(1000, 1)] {
        for machine in 0..count {
            coalescer.push(0, 1, format!("node=m{machine} {round}").as_bytes());
        }
    }
    coalescer.finish();
    // More events are open than may be: some of the first are forced out, none are mixed up.
    let groups = drain(&mut coalescer);
    assert!(groups.iter().all(|group| group.len() <= 2));
    assert!(groups.iter().filter(|group| group.len() == 2).count() >= 4000);
    assert!(coalescer.stats().too_many_machines);
}

/// An event of the generated logs: when, and how long after that each of its records is written.
#[derive(Debug, Clone)]
struct Plan {
    millis: u64,
    delays: Vec<u64>,
    ended: bool,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plan = (0_u64..6000, prop::collection::vec(0_u64..=1900, 1..5), any::<bool>());
    let plan = plan.prop_map(|(millis, mut delays, ended)| {
        delays.sort_unstable();
        Plan { millis: millis + 1_700_000_000_000, delays, ended }
    });
    prop::collection::vec(plan, 1..60).prop_map(|mut plans| {
        // The kernel numbers events as they happen.
        plans.sort_by_key(|plan| plan.millis);
        plans
    })
}

/// What stands in front of a type and behind it, all of the same serial number.
fn alike() -> impl Strategy<Value = (&'static str, &'static str)> {
    let front = ["", "node=a ", "node=b ", "Nov 22 10:00:00 h audispd: ", "x: node=a "];
    let behind = [
        " msg=audit(1700000000.100:39): ",
        " msg=audit(1700000000.100:39):  ",
        " msg=audit(1700000000.100:39):",
        " audit(1700000000.100:39): ",
        " msg=audit(1700000000.001:39): ",
        " msg=audit(1700000000.1:39): ",
    ];
    (prop::sample::select(front.to_vec()), prop::sample::select(behind.to_vec()))
}

/// A type as it can be spelled, none that ends an event, and a body.
fn tail() -> impl Strategy<Value = (&'static str, &'static str)> {
    let kinds = [
        "SYSCALL",
        "PATH",
        "CWD",
        "1300",
        "1302",
        "UNKNOWN[1302]",
        "UNKNOWN[1999]",
        "1999",
        "NEWTYPE",
    ];
    let bodies = [
        "a=1",
        "",
        "node=b type=CWD msg=audit(1700000000.100:39): ",
        "x=\"z\"\u{1d}K=1",
        "=\u{ff}",
    ];
    (prop::sample::select(kinds.to_vec()), prop::sample::select(bodies.to_vec()))
}

proptest! {
    /// However the records of events interleave within two seconds, the same events come out.
    #[test]
    fn interleaving_keeps_the_events(plans in plans(), machines in 1_u32..4) {
        let mut written = Vec::new();
        let mut expected = BTreeMap::new();
        for (index, plan) in (0_u32..).zip(&plans) {
            let (machine, serial) = (index % machines, index / machines);
            let mut lines = Vec::new();
            for (number, delay) in plan.delays.iter().enumerate() {
                let is_last = number + 1 == plan.delays.len();
                let text = match number {
                    _ if is_last && plan.ended => proctitle(plan.millis, serial),
                    0 => syscall(plan.millis, serial),
                    _ => line("PATH", plan.millis, serial, &format!("item={number}")),
                };
                let text = format!("node=n{machine} {text}");
                written.push((plan.millis + delay, index, number, text.clone()));
                lines.push(text);
            }
            expected.insert((format!("n{machine}").into_bytes(), serial), lines);
        }
        written.sort();
        let mut coalescer = new();
        for (number, (.., text)) in (1..).zip(&written) {
            coalescer.push(0, number, text.as_bytes());
        }
        coalescer.finish();
        let mut found = BTreeMap::new();
        for group in drain(&mut coalescer) {
            let lines: Vec<_> = group
                .records()
                .map(|record| String::from_utf8(record.line().to_vec()).unwrap())
                .collect();
            found.insert((group.node().unwrap().to_vec(), group.id().serial), lines);
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(coalescer.stats().late, 0);
        prop_assert_eq!(coalescer.stats().lost, 0);
    }

    /// What lines of one event have in common is kept once; each comes back as it was, whatever that is.
    #[test]
    fn lines_come_back_as_they_were_logged(
        usual in alike(),
        others in prop::collection::vec((prop::bool::weighted(0.3), alike(), tail()), 1..9),
    ) {
        let mut coalescer = new();
        let mut expected: BTreeMap<_, Vec<u8>> = BTreeMap::new();
        for (number, (is_unlike, other, (kind, body))) in (1..).zip(&others) {
            let (front, behind) = if *is_unlike { other } else { &usual };
            let text = format!("{front}type={kind}{behind}{body}");
            let head = head(text.as_bytes()).unwrap();
            let lines = expected.entry((head.node.map(<[u8]>::to_vec), head.time)).or_default();
            lines.extend_from_slice(head.line);
            lines.push(b'\n');
            coalescer.push(0, number, text.as_bytes());
        }
        coalescer.finish();
        let mut found = BTreeMap::new();
        for group in drain(&mut coalescer) {
            let lines = group.records().flat_map(|record| [&record.line(), &b"\n"[..]].concat());
            prop_assert_eq!(lines.collect::<Vec<u8>>(), group.raw());
            found.insert((group.node().map(<[u8]>::to_vec), group.id().time), group.raw());
        }
        prop_assert_eq!(found, expected);
    }

    /// Nothing that can stand in a log makes the coalescer panic or lose count.
    #[test]
    fn hostile_lines_are_survived(lines in prop::collection::vec(hostile(), 0..200)) {
        let limits = CoalesceLimits {
            in_flight: 5,
            in_flight_bytes: 2000,
            records_per_event: 3,
            execve_bytes: 60,
            line_bytes: 200,
            done_ring: 8,
        };
        let mut coalescer = Coalescer::new(limits);
        let mut kept = 0;
        for (number, text) in (1..).zip(&lines) {
            coalescer.push(u32::try_from(number % 2).unwrap(), number, text);
            while let Some(group) = coalescer.pop() {
                kept += group.len() as u64;
                coalescer.recycle(group);
            }
        }
        coalescer.finish();
        kept += drain(&mut coalescer).iter().map(|group| group.len() as u64).sum::<u64>();
        let stats = coalescer.stats();
        prop_assert_eq!(coalescer.oldest_open(), None);
        prop_assert_eq!(
            stats.lines,
            stats.records + stats.blank + stats.notices + stats.malformed
        );
        prop_assert!(kept + stats.dropped + stats.late <= stats.records);
    }
}

/// Bytes that are nearly a record, a record with strange numbers, or anything at all.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![
        "SYSCALL",
        "EXECVE",
        "PATH",
        "PROCTITLE",
        "EOE",
        "USER_AUTH",
        "DAEMON_START",
        "KERNEL",
        "UNKNOWN[1399]",
        "1309",
        "x",
        "",
    ]);
    let time = prop::sample::select(vec![0_u64, 1, 999, 1000, 3001, 9_000_000_000_999]);
    let serial = prop::sample::select(vec![0_u32, 1, 2, 3, 1 << 25, u32::MAX - 1, u32::MAX]);
    let body = prop::collection::vec(any::<u8>(), 0..120);
    let record =
        (kind, time, serial, body, 0_usize..300).prop_map(|(kind, time, serial, body, cut)| {
            let mut text = line(kind, time, serial, "a0=\"x\" ").into_bytes();
            text.extend(body);
            text.truncate(cut.max(40));
            text
        });
    prop_oneof![
        8 => record,
        1 => prop::collection::vec(any::<u8>(), 0..100),
        1 => Just(b"----".to_vec()),
    ]
}
