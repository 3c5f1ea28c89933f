//! How open partials slow down what comes behind them, and what they take.
//!
//!     cargo bench --bench partials
//!     cargo bench --bench partials -- 10000000
//!
//! Opens so many keys of a rule of three stages, each with an event of its own, and then sends a million
//! events to keys drawn at random, of which half begin anew and half go one stage on. Told are the processor
//! time of the engine for one event, that of reading it too, and the memory that is resident: all of it, and
//! without the events. What reading takes, and what the events alone take, is measured by itself and taken
//! off, the latter in a process of its own, where no memory given back can be taken again unseen.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]
#![allow(clippy::print_stdout, reason = "a benchmark says what it measured")]

mod events;

use std::sync::Arc;

use catena::engine::Limits;
use events::{Source, THREE_STAGES};

/// That of the program: what a key takes depends on it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events that are measured.
const EVENTS: u64 = 1_000_000;
/// The argument of a process that measures events alone.
const EVENTS_ALONE: &str = "events-alone";
/// Events of one millisecond.
const AT_ONCE: u64 = 1000;

/// Nanoseconds of processor time that this thread has taken.
fn spent() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split_whitespace().next().unwrap().parse().unwrap()
}

/// Bytes that are resident.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Another number for each, without an order that a table could profit from.
fn scatter(number: u64) -> u64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

/// Bytes that the events of so many keys take by themselves.
fn of_events(keys: u64) -> u64 {
    let this = std::env::current_exe().unwrap();
    let told = std::process::Command::new(this).args([EVENTS_ALONE, &keys.to_string()]).output();
    String::from_utf8(told.unwrap().stdout).unwrap().trim().parse().unwrap()
}

/// What [`of_events`] has measured elsewhere.
fn hold_events(keys: u64) {
    let mut source = Source::new(&[THREE_STAGES], Limits::NONE);
    let mut events = Vec::with_capacity(usize::try_from(keys).unwrap());
    let before = resident();
    for key in 0..keys {
        source.load((key / AT_ONCE) as i64, 0, key, "one");
        events.push(Arc::new(source.kept()));
    }
    // A partial points to its event as this list does, which stays until it has been measured.
    println!("{}", resident().saturating_sub(before + keys * size_of::<Arc<()>>() as u64));
    drop(events);
}

fn measure(keys: u64) {
    let events = of_events(keys);
    let before = resident();
    let mut source = Source::new(&[THREE_STAGES], Limits::NONE);
    for key in 0..keys {
        source.load((key / AT_ONCE) as i64, 0, key, "one");
        source.push();
    }
    let held = resident() - before;
    let millis = (keys / AT_ONCE) as i64;
    let mut took = |pushes: bool| {
        let before = spent();
        for number in 0..EVENTS {
            let name = if number % 2 == 0 { "one" } else { "two" };
            source.load(millis + (number / AT_ONCE) as i64, 0, scatter(number) % keys, name);
            if pushes {
                source.push();
            }
        }
        (spent() - before) as f64 / EVENTS as f64
    };
    let (reading, whole) = (took(false), took(true));
    println!(
        "{keys} keys: {:.0} ns an event in the engine, {:.0} with reading it; {:.0} MB, {:.0} bytes a key, {:.0} without its event",
        whole - reading,
        whole,
        held as f64 / 1e6,
        held as f64 / keys as f64,
        held.saturating_sub(events) as f64 / keys as f64,
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, keys] = arguments.as_slice()
        && what == EVENTS_ALONE
    {
        hold_events(keys.parse().unwrap());
        return;
    }
    let asked: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    match asked.as_slice() {
        [keys] => measure(*keys),
        // Each in a process of its own, which begins with no memory of the last one.
        _ => {
            let all = if asked.is_empty() { vec![1_000, 1_000_000, 10_000_000] } else { asked };
            let this = std::env::current_exe().unwrap();
            for keys in all {
                let mut one = std::process::Command::new(&this);
                assert!(one.arg(keys.to_string()).status().unwrap().success());
            }
        }
    }
}
