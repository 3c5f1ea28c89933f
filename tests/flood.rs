//! A host that makes up join keys as fast as it can: memory stays within its budget, and the attacks of
//! others, and its own that are past their first stage, are found all the same.
//!
//! A test binary of its own, because what is counted is what the whole process allocates. A flood of
//! ten million keys (about 2 GB of events in the folder for temporary files):
//!
//!     CATENA_FLOOD_KEYS=10000000 cargo test --release --test flood -- --nocapture

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]
#![allow(clippy::print_stderr, reason = "a long run says what it measured")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use catena::alert::Alert;
use catena::engine::Limits;
use catena::pipeline::{Flow, Live, Observer, Report, Settings, replay};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const RULE: &str = r#"
    sequence by host.id, process.pid with maxspan=12h
      [process where process.name == "one"]
      [process where process.name == "two"]
      [process where process.name == "three"]
"#;

/// Attacks planted on other hosts, and as many on the host that floods.
const PLANTED: u64 = 500;

/// One event: milliseconds, host, process, program.
fn event(file: &mut impl std::io::Write, millis: u64, host: &str, pid: u64, name: &str) {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    writeln!(
        file,
        r#"{{"@timestamp":"2026-01-01T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z","event":{{"category":"process"}},"host":{{"id":"{host}"}},"process":{{"pid":{pid},"name":"{name}"}}}}"#
    )
    .unwrap();
}

/// First stages of all attacks and second ones of those on the flooding host, then the flood, with the
/// attacks on other hosts in its midst, then what completes them.
fn write_log(path: &Path, keys: u64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let other = |number: u64| format!("other-{}", number % 50);
    for number in 0..PLANTED {
        event(&mut file, 0, "flood", number, "one");
        event(&mut file, 1, "flood", number, "two");
    }
    for number in 0..keys {
        // A flood of ten hours, whatever its size.
        let millis = 1000 + number * 36_000_000 / keys;
        event(&mut file, millis, "flood", PLANTED + number, "one");
        let every = (keys / PLANTED).max(1);
        if number % every == 0 && number / every < PLANTED {
            let planted = number / every;
            event(&mut file, millis, &other(planted), planted, "one");
            event(&mut file, millis + 1, &other(planted), planted, "two");
        }
    }
    for number in 0..PLANTED {
        event(&mut file, 36_002_000, "flood", number, "three");
        event(&mut file, 36_002_000, &other(number), number, "three");
    }
    file.into_inner().unwrap().flush().unwrap();
}

/// Remembers the keys of alerts.
#[derive(Default)]
struct Found(BTreeSet<String>);

impl Observer for Found {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.0.insert(format!("{:?}", alert.keys));
        Flow::Continue
    }

    fn read(&mut self, _: &Live) {}

    fn reads_events(&self) -> bool {
        false
    }
}

/// Runs `rule`; gives what was found, the report and the most memory that was needed at once.
fn run(rule: &str, path: &Path, total_bytes: usize) -> (Found, Report, usize) {
    let loaded = load_query(rule, &Schema::new());
    assert!(!loaded.has_errors());
    let rules = RuleSet::new(loaded.rules);
    let limits = Limits { total_bytes, ..Limits::NONE };
    let settings = Settings { limits, ..Settings::default() };
    let mut found = Found::default();
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let report = replay(&rules, &[path.to_owned()], &settings, &mut found).unwrap();
    (found, report, ALLOCATED.peak_usage().saturating_sub(before))
}

#[test]
fn a_flood_of_keys_hides_nothing_that_is_past_its_first_stage() {
    let keys = std::env::var("CATENA_FLOOD_KEYS").map_or(120_000, |keys| keys.parse().unwrap());
    // Room for a tenth of it, or for 256 MiB.
    let budget = usize::try_from(keys * 50).unwrap().min(256 << 20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flood.ndjson");
    write_log(&path, keys);

    // What reading takes without any partial.
    let (_, _, reading) = run("process where process.pid == -1", &path, budget);
    let (found, report, peak) = run(RULE, &path, budget);
    let stats = &report.rules.first().unwrap().stats;
    eprintln!(
        "{keys} keys, budget {} MiB: {} of {} attacks found, {} given up, {} MiB at most, {} MiB of them for reading",
        budget >> 20,
        found.0.len(),
        2 * PLANTED,
        stats.evicted,
        peak >> 20,
        reading >> 20
    );
    assert_eq!(report.events, keys + 6 * PLANTED);
    assert_eq!(found.0.len() as u64, 2 * PLANTED, "all attacks, on every host");
    assert!(peak <= reading + budget + budget / 20, "{peak} bytes, {reading} for reading");

    // Every partial that was begun has matched, was given up, or was there to the end.
    assert_eq!(stats.begun, keys + 2 * PLANTED);
    assert_eq!(stats.matches, 2 * PLANTED);
    assert_eq!(stats.begun, stats.matches + stats.evicted + stats.expired, "{stats:?}");
    assert!(stats.evicted > keys / 2 && stats.expired > 0, "{stats:?}");
    assert_eq!(report.engine.evicted, stats.evicted);
    assert_eq!((stats.replaced, stats.cut, stats.rejected), (0, 0, 0));
}
