//! How long an alert takes: from the call that writes the event that completes it into a pipe, to the
//! alert's line read from another, through the whole program.
//!
//!     cargo bench --bench latency
//!     CATENA_RATE=100000 CATENA_SECONDS=10 cargo bench --bench latency -- --lateness 1s
//!
//! Writes events of two records as auditd's plugin pipe carries them, each with a write of its own and on
//! its time: a harmless system call, and every thousandth time the two events of a sequence. Arguments
//! behind `--` go to `catena stream`. A machine with less than three idle cores measures its own scheduler
//! too: writer, reader and matcher each want one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops where something is wrong"
)]
#![allow(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RULE: &str = r#"
sequence by host.id, process.pid with maxspan=1m
  [process where event.action == "executed" and process.name == "probe"]
  [network where event.action == "connected-to" and process.name == "probe"]
"#;
/// Events from one probe to the next.
const EVERY: u64 = 1000;
/// The writer has been held up by whatever else runs here.
const PAUSE: Duration = Duration::from_millis(1);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// An event: its system call, what the process is called, and more of its records.
fn event(out: &mut Vec<u8>, time: u64, serial: u64, pid: u64, call: u32, name: &str, more: &str) {
    out.clear();
    let (seconds, millis) = (time / 1000, time % 1000);
    let head = format!("msg=audit({seconds}.{millis:03}:{serial})");
    writeln!(
        out,
        "type=SYSCALL {head}: arch=c000003e syscall={call} success=yes exit=0 a0=3 a1=7ffc8a4b1a30 a2=10 \
         a3=0 items=0 ppid=4242 pid={pid} auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 \
         egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=3 comm=\"{name}\" exe=\"/usr/bin/{name}\" \
         subj=unconfined key=(null)"
    )
    .unwrap();
    if !more.is_empty() {
        writeln!(out, "type=SOCKADDR {head}: {more}").unwrap();
    }
    writeln!(out, "type=EOE {head}: ").unwrap();
}

/// What is measured beside the probe, whatever else is built in.
const RULES: [&str; 3] = [
    "rules/command_and_control/udp_reverse_shell_sample.toml",
    "rules/command_and_control/udp_reverse_shell_sequence.toml",
    "rules/execution/web_server_shell.toml",
];

fn main() {
    let rate = number("CATENA_RATE", 100_000);
    let events = rate * number("CATENA_SECONDS", 5);
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments =
        if asked.is_empty() { vec!["--lateness".to_owned(), "0".to_owned()] } else { asked };
    let folder = std::env::temp_dir().join(format!("catena-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let rule = folder.join("probe.eql");
    std::fs::write(&rule, RULE).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
        .args(["stream", "--format", "ndjson", "-r"])
        .arg(&rule)
        .args(RULES.iter().flat_map(|rule| ["-r", rule]))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let alerts = BufReader::with_capacity(1 << 20, child.stdout.take().unwrap());
    let read = std::thread::spawn(move || -> Vec<Instant> {
        alerts.split(b'\n').map(|line| (line.unwrap(), Instant::now()).1).collect()
    });

    let mut written = Vec::new();
    let mut text = Vec::with_capacity(2048);
    let mut start = Instant::now();
    let began = start;
    // How often the writer itself was held up, and for how long together.
    let (mut pauses, mut paused) = (0, Duration::ZERO);
    for serial in 0..events {
        let (time, pid) = (1_700_000_000_000 + serial * 1000 / rate, 1000 + serial % 300);
        let probe = 100_000 + serial / EVERY;
        match serial % EVERY {
            500 => event(&mut text, time, serial, probe, 59, "probe", ""),
            999 => {
                let address = "saddr=02000035C63364070000000000000000";
                event(&mut text, time, serial, probe, 42, "probe", address);
            }
            _ => event(&mut text, time, serial, pid, 0, "worker", ""),
        }
        // On its time, without sleeping: a sleep is longer than what is measured.
        let due = Duration::from_nanos(serial * 1_000_000_000 / rate);
        while start.elapsed() < due {
            std::hint::spin_loop();
        }
        // What it did not write then it does not write all at once now: that would be another rate.
        let behind = start.elapsed().saturating_sub(due);
        if behind > PAUSE {
            (pauses, paused) = (pauses + 1, paused + behind);
            start += behind;
        }
        if serial % EVERY == 999 {
            written.push(Instant::now());
        }
        pipe.write_all(&text).unwrap();
    }
    let took = (began.elapsed() - paused).as_secs_f64();
    drop(pipe);
    let read = read.join().unwrap();
    assert!(child.wait().unwrap().success());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(read.len(), written.len(), "an alert for every probe");

    // The first ones pay for pages and caches.
    let skip = written.len() / 10;
    let mut micros: Vec<u128> = written
        .iter()
        .zip(&read)
        .skip(skip)
        .map(|(written, read)| read.saturating_duration_since(*written).as_micros())
        .collect();
    micros.sort_unstable();
    let at = |per_mille: usize| micros[(micros.len() - 1) * per_mille / 1000];
    println!(
        "{:.0} events/s, {} alerts, `catena stream {}`: p50 {} us, p90 {} us, p99 {} us, most {} us; \
         the writer was held up {pauses} times, {} ms in all",
        events as f64 / took,
        micros.len(),
        arguments.join(" "),
        at(500),
        at(900),
        at(990),
        micros[micros.len() - 1],
        paused.as_millis(),
    );
}
