//! What partials take: bytes of memory, counted by the allocator.
//!
//!     cargo bench --bench memory
//!
//! Opens a million keys of a rule of three stages, once with each event kept by its partial alone, and
//! once with one event shared by all partials, so that what is left is the partials themselves.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]
#![allow(clippy::print_stdout, reason = "a benchmark says what it measured")]

mod events;

use catena::engine::Limits;
use events::{Source, THREE_STAGES};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const KEYS: usize = 1_000_000;

/// Bytes per key after and at most during `work`, beside what is counted by the engine.
fn measure(title: &str, work: impl FnOnce(&mut Source)) {
    let limits = Limits { total_bytes: usize::MAX, rule_bytes: usize::MAX, host_bytes: usize::MAX };
    let query = if title.starts_with("shared") { SHARED } else { THREE_STAGES };
    let mut source = Source::new(&[query], limits);
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    work(&mut source);
    let keys = source.engine.state_keys();
    let per_key = |bytes: usize| bytes as f64 / keys as f64;
    let held = ALLOCATED.current_usage() - before;
    let peak = ALLOCATED.peak_usage() - before;
    println!(
        "{title}: {keys} keys, {:.0} MB held, {:.0} MB at most, {:.0} bytes a key, counted as {:.0}",
        held as f64 / 1e6,
        peak as f64 / 1e6,
        per_key(held),
        per_key(source.engine.state_bytes()),
    );
}

/// One event opens a thousand keys.
const SHARED: &str = r#"
    sequence by host.id, process.args with maxspan=12h
      [process where process.name == "one"]
      [process where process.name == "two"]
      [process where process.name == "three"]
"#;

fn main() {
    measure("own events, first stage", |source| {
        for key in 0..KEYS {
            source.load(key as i64, 0, key as u64, "one");
            source.push();
        }
    });
    measure("own events, second stage", |source| {
        for key in 0..KEYS {
            source.load(2 * key as i64, 0, key as u64, "one");
            source.push();
            source.load(2 * key as i64 + 1, 0, key as u64, "two");
            source.push();
        }
    });
    for (stages, title) in [(1, "shared events, first stage"), (2, "shared events, second stage")] {
        measure(title, |source| {
            const AT_ONCE: usize = 500;
            for block in 0..KEYS / AT_ONCE {
                let keys: Vec<String> =
                    (0..AT_ONCE).map(|key| (block * AT_ONCE + key).to_string()).collect();
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                for (stage, name) in ["one", "two"].iter().take(stages).enumerate() {
                    source.load_args((2 * block + stage) as i64, name, &keys);
                    source.push();
                }
            }
        });
    }
}
