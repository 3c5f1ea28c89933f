//! The lines of a log read by our reader and by the crate `linux-audit-parser`, in turn.
//!
//!     cargo run --release --example parse -- LOG [ROUNDS]
//!
//! Both are given the lines one by one, find every field of every record and decode its value; the sums of what they found are printed,
//! so that nothing can be left out unseen. Prints one line of JSON a round and reader. The times are of the
//! processor, so that other work on the machine counts as little as can be.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::fs;

use catena::record::{Heads, decode, fields};
use linux_audit_parser::{Parser, Value};

/// What was found: records, fields, bytes of values.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    records: u64,
    fields: u64,
    bytes: u64,
}

fn ours(lines: &[&[u8]]) -> Found {
    let (mut found, mut heads) = (Found::default(), Heads::default());
    for line in lines {
        let Ok((head, _)) = heads.read(line.trim_ascii_end()) else { continue };
        found.records += 1;
        for field in fields(head.body) {
            found.fields += 1;
            let value = decode(field.key, head.kind, field.value);
            found.bytes += value.map_or(0, |value| value.len() as u64);
        }
    }
    found
}

fn theirs(lines: &[&[u8]]) -> Found {
    let mut found = Found::default();
    let parser = Parser::default();
    for line in lines {
        let Ok(message) = parser.parse(line) else { continue };
        found.records += 1;
        for (_, value) in &message.body {
            found.fields += 1;
            found.bytes += match value {
                Value::Str(text, _) => text.len() as u64,
                Value::Owned(text) => text.len() as u64,
                _ => 8,
            };
        }
    }
    found
}

/// A way to read lines.
type Read = fn(&[&[u8]]) -> Found;

/// How often a log is read in a round: the kernel tells the time of a thread in steps of milliseconds.
const TIMES: usize = 8;

/// Seconds of processor time that this process has taken.
fn spent() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos: u64 = stat.split_whitespace().next().unwrap().parse().unwrap();
    nanos as f64 / 1e9
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let log = fs::read(arguments.next().unwrap()).unwrap();
    let rounds = arguments.next().map_or(5, |text| text.parse().unwrap());
    // Finding the lines is no work of a parser of lines.
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    for _ in 0..rounds {
        for (name, read) in [("ours", ours as Read), ("linux-audit-parser", theirs)] {
            let before = spent();
            let found = [(); TIMES].map(|()| read(&lines));
            let seconds = (spent() - before) / TIMES as f64;
            let Found { records, fields, bytes } = found[0];
            println!(
                r#"{{"reader":"{name}","seconds":{seconds:.4},"records":{records},"fields":{fields},"bytes":{bytes},"mb_per_second":{:.0}}}"#,
                log.len() as f64 / 1e6 / seconds
            );
        }
    }
}
