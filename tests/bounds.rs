//! Logs made to exhaust memory: what is read of them stays within bounds, what is cut or dropped is
//! counted, and the event behind them is whole.
//!
//! A test binary of its own, because what is counted is what the whole process allocates. With ten times
//! as much of everything (the 100 MB line becomes 1 GB):
//!
//!     CATENA_BOUNDS_TIMES=10 cargo test --release --test bounds -- --nocapture

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]
#![allow(clippy::print_stderr, reason = "a long run says what it measured")]

use std::io::{BufWriter, Write};
use std::path::Path;

use catena::alert::Alert;
use catena::pipeline::{Flow, Live, Observer, Report, Settings, replay};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Bytes that reading any log may take at once: 32 MiB of open events, 32 MiB of events that wait for
/// their turn, as much once more that has its turn or is to be used again, and blocks of input.
const MOST_BYTES: usize = 144 << 20;

/// Only whole events: the one behind the flood, and none of those in it.
const RULE: &str = r#"process where process.args == "behind" and audit.complete == true and process.args_count == 2"#;

/// Counts alerts.
#[derive(Default)]
struct Found(u64);

impl Observer for Found {
    fn alert(&mut self, _: &Alert) -> Flow {
        self.0 += 1;
        Flow::Continue
    }

    fn read(&mut self, _: &Live) {}
}

type Out<'f> = &'f mut BufWriter<std::fs::File>;

/// One record of an event at `second`.
fn line(out: Out<'_>, kind: &str, second: u64, serial: u64, body: std::fmt::Arguments<'_>) {
    writeln!(out, "type={kind} msg=audit({}.000:{serial}): {body}", 1_700_000_000 + second)
        .unwrap();
}

fn execution(out: Out<'_>, second: u64, serial: u64) {
    let call = "arch=c000003e syscall=59 success=yes exit=0 items=0 ppid=1 pid=7 uid=0 comm=\"x\" exe=\"/x\"";
    line(out, "SYSCALL", second, serial, format_args!("{call}"));
}

/// A flood, the size of what is written in it, and the counter that must tell of it.
struct Flood {
    what: &'static str,
    write: fn(Out<'_>, u64),
    counted: fn(&Report, u64) -> bool,
}

const FLOODS: [Flood; 7] = [
    Flood {
        what: "one line of 100 MB",
        write: |out, times| {
            execution(out, 0, 1);
            write!(out, "type=EXECVE msg=audit(1700000000.000:1): argc=2 a1=\"behind\" a0=\"")
                .unwrap();
            let block = [b'x'; 1 << 16];
            for _ in 0..times * (100 << 20) / block.len() as u64 {
                out.write_all(&block).unwrap();
            }
            writeln!(out, "\"").unwrap();
        },
        counted: |report, _| report.cut_lines == 1 && causes(report, "line too long") == 1,
    },
    Flood {
        what: "5,000 open events of 20 kB",
        write: |out, times| {
            let long = "x".repeat(20_000);
            for serial in 1..=5000 * times {
                execution(out, 0, serial);
                line(out, "PATH", 0, serial, format_args!("item=0 name=\"{long}\""));
            }
        },
        counted: |report, times| {
            // 32 MiB of them may be open.
            let forced = causes(report, "too many events in flight");
            forced > 3000 * times && report.events == 5000 * times + 1
        },
    },
    Flood {
        what: "an argument count of the attacker's",
        write: |out, times| {
            for serial in 1..=5000 * times {
                execution(out, 0, serial);
                let body = "argc=4294967295 a0=\"x\" a4000000000=\"y\" a1_len=4294967295 a1[4294967295]=41";
                line(out, "EXECVE", 0, serial, format_args!("{body}"));
                line(out, "PROCTITLE", 0, serial, format_args!("proctitle=\"x\""));
            }
        },
        counted: |report, times| report.events == 5000 * times + 1,
    },
    Flood {
        what: "EXECVE records without end for one event",
        write: |out, times| {
            execution(out, 0, 1);
            for index in 0..200_000 * times {
                line(out, "EXECVE", 0, 1, format_args!("  a{index}=\"argument\""));
            }
        },
        counted: |report, times| report.dropped > 190_000 * times,
    },
    Flood {
        what: "PATH records without end for one event",
        write: |out, times| {
            execution(out, 0, 1);
            for index in 0..200_000 * times {
                line(out, "PATH", 0, 1, format_args!("item={index} name=\"/a\" nametype=NORMAL"));
            }
        },
        counted: |report, times| {
            report.dropped > 190_000 * times && causes(report, "too many records") == 1
        },
    },
    Flood {
        what: "an open event a record, each of another machine",
        write: |out, times| {
            for machine in 0..50_000 * times {
                write!(out, "node=machine-{machine}-{:0>200} ", "").unwrap();
                execution(out, 0, 1);
            }
        },
        counted: |report, times| report.events == 50_000 * times + 1,
    },
    Flood {
        what: "lines that are no records",
        write: |out, times| {
            for number in 0..200_000 * times {
                writeln!(out, "type=SYSCALL msg=audit({number}): no time").unwrap();
            }
        },
        counted: |report, times| report.malformed == 200_000 * times,
    },
];

fn causes(report: &Report, about: &str) -> u64 {
    report.incomplete.iter().filter(|(cause, _)| *cause == about).map(|(_, count)| count).sum()
}

fn read(path: &Path) -> (u64, Report, usize) {
    let loaded = load_query(RULE, &Schema::new());
    assert!(!loaded.has_errors());
    let rules = RuleSet::new(loaded.rules);
    let mut found = Found::default();
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let report = replay(&rules, &[path.to_owned()], &Settings::default(), &mut found).unwrap();
    (found.0, report, ALLOCATED.peak_usage().saturating_sub(before))
}

#[test]
fn memory_is_bounded_and_the_event_behind_a_flood_is_found() {
    let times = std::env::var("CATENA_BOUNDS_TIMES").map_or(1, |times| times.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for flood in FLOODS {
        let path = folder.path().join("flood.log");
        let mut out = BufWriter::new(std::fs::File::create(&path).unwrap());
        (flood.write)(&mut out, times);
        execution(&mut out, 1, 9_999_999);
        line(&mut out, "EXECVE", 1, 9_999_999, format_args!("argc=2 a0=\"x\" a1=\"behind\""));
        line(&mut out, "PROCTITLE", 1, 9_999_999, format_args!("proctitle=\"x\""));
        out.into_inner().unwrap().sync_data().unwrap();
        let (found, report, peak) = read(&path);
        eprintln!(
            "{}: {} MB read, {} MiB at most",
            flood.what,
            report.bytes / 1_000_000,
            peak >> 20
        );
        assert_eq!(found, 1, "{}", flood.what);
        assert!((flood.counted)(&report, times), "{}: {report:?}", flood.what);
        assert!(peak < MOST_BYTES, "{}: {peak} bytes", flood.what);
    }
}
