//! `catena stream`: files that are rotated, sockets that close, signals, the alert file, and floods.
//!
//! Nothing here waits for a time: every step waits for a line that the program writes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// An alert for every program called `x`.
const EVERY: &str = r#"process where process.name == "x""#;

/// An event of a process called `name`, as auditd writes it to a file.
fn event(number: u32, name: &str) -> String {
    let head = format!("msg=audit({}.000:{number})", 1_700_000_000 + number);
    format!(
        "type=SYSCALL {head}: arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid={number} \
         comm=\"{name}\" exe=\"/{name}\" key=(null)\ntype=PROCTITLE {head}: proctitle=\"{name}\"\n"
    )
}

struct Stream {
    child: Child,
    stdin: Option<ChildStdin>,
    alerts: Lines<BufReader<ChildStdout>>,
    messages: Lines<BufReader<ChildStderr>>,
    folder: tempfile::TempDir,
}

/// Runs `catena stream` with these rules; `FOLDER` in arguments is a folder of its own.
fn stream(rules: &[&str], arguments: &[&str], prepare: impl FnOnce(&Path)) -> Stream {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("catena"));
    // The events are made up, the processes that run here are not of them.
    command.args(["stream", "--no-proc"]);
    for (number, rule) in rules.iter().enumerate() {
        let path = folder.path().join(format!("rule{number}.eql"));
        fs::write(&path, rule).unwrap();
        command.arg("-r").arg(path);
    }
    let place = folder.path().to_str().unwrap();
    command.args(arguments.iter().map(|argument| argument.replace("FOLDER", place)));
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    Stream {
        stdin: child.stdin.take(),
        alerts: BufReader::new(child.stdout.take().unwrap()).lines(),
        messages: BufReader::new(child.stderr.take().unwrap()).lines(),
        child,
        folder,
    }
}

impl Stream {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds to a file.
    fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text);
    }

    /// The process of the next alert; waits for it.
    fn alert(&mut self) -> u64 {
        let alert: Value = serde_json::from_str(&self.alerts.next().unwrap().unwrap()).unwrap();
        alert["process"]["pid"].as_u64().unwrap()
    }

    /// The next message, without the folder; waits for it.
    fn message(&mut self) -> String {
        let place = self.folder.path().to_str().unwrap();
        self.messages.next().unwrap().unwrap().replace(place, "FOLDER")
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// What is still written, and the exit code.
    fn end(mut self) -> (Vec<String>, Vec<String>, i32) {
        let messages = self.messages;
        let place = self.folder.path().to_str().unwrap().to_owned();
        let messages = std::thread::spawn(move || -> Vec<String> {
            messages.map(|line| line.unwrap().replace(&place, "FOLDER")).collect()
        });
        let alerts = self.alerts.map(Result::unwrap).collect();
        let code = self.child.wait().unwrap().code().unwrap();
        (alerts, messages.join().unwrap(), code)
    }
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_file_is_followed_through_its_rotations_until_a_signal_ends_it() {
    let arguments = ["--follow", "FOLDER/audit.log", "--from-start"];
    let mut stream = stream(&[EVERY], &arguments, |_| {});
    assert_eq!(
        stream.message(),
        "catena: warning: FOLDER/audit.log: no such file or directory; trying again"
    );
    stream.append("audit.log", &event(1, "x"));
    assert_eq!(stream.alert(), 1);
    assert_eq!(stream.message(), "catena: FOLDER/audit.log: reading it now");
    // The last record of an event stands in the next file.
    let cut = event(2, "x");
    let (head, tail) = cut.split_once('\n').unwrap();
    stream.append("audit.log", &format!("{head}\n"));
    fs::rename(stream.path("audit.log"), stream.path("audit.log.1")).unwrap();
    stream.append("audit.log", tail);
    assert_eq!(stream.alert(), 2);
    File::options().write(true).open(stream.path("audit.log")).unwrap().set_len(0).unwrap();
    stream.append("audit.log", &event(3, "x"));
    assert_eq!(stream.alert(), 3);
    assert_eq!(
        stream.message(),
        "catena: warning: FOLDER/audit.log: truncated, read from its start; \
         what was written in between is not known"
    );
    stream.append("audit.log", &event(4, "x"));
    assert_eq!(stream.alert(), 4);
    stream.signal("-TERM");
    let (alerts, messages, code) = stream.end();
    assert_eq!((alerts.len(), code), (0, 0));
    assert_eq!(messages[0], "catena: FOLDER/audit.log: audit records");
    assert!(messages[1].contains("1 break in the live source"), "{messages:?}");
    assert!(messages[2].contains(" 4 events, 0 skipped, 0 malformed, 4 alerts in"), "{messages:?}");
}

#[test]
fn a_file_is_followed_from_its_end() {
    let arguments = ["--follow", "FOLDER/audit.log", "-q"];
    let mut stream = stream(&[EVERY], &arguments, |folder| {
        append(&folder.join("audit.log"), &event(1, "x"));
    });
    // Whatever is written before the file is looked at is old. What comes is new sooner or later.
    let found = std::thread::scope(|scope| {
        let path = stream.path("audit.log");
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let mut number = 2;
            while is_done.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                append(&path, &event(number, "x"));
                number += 1;
                std::thread::yield_now();
            }
        });
        let found = stream.alert();
        drop(done);
        found
    });
    assert!(found > 1);
    stream.signal("-INT");
    assert_eq!(stream.end().2, 0);
}

#[test]
fn a_socket_that_closes_is_connected_to_anew() {
    let mut listener = None;
    let mut stream = stream(&[EVERY], &["unix:FOLDER/socket"], |folder| {
        listener = Some(UnixListener::bind(folder.join("socket")).unwrap());
    });
    let listener = listener.unwrap();
    for number in [1, 2] {
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(event(number, "x").as_bytes()).unwrap();
        assert_eq!(stream.alert(), u64::from(number));
        // In the middle of a line.
        server.write_all(b"type=SYSC").unwrap();
        drop(server);
        assert_eq!(
            stream.message(),
            "catena: warning: unix:FOLDER/socket: the connection has ended; \
             what came until the next one is lost"
        );
    }
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(event(3, "x").as_bytes()).unwrap();
    assert_eq!(stream.alert(), 3);
    stream.signal("-TERM");
    let (_, messages, code) = stream.end();
    assert_eq!(code, 0);
    assert!(messages[1].contains("2 breaks in the live source"), "{messages:?}");
    assert!(messages[2].contains(" 0 malformed, 3 alerts in"), "{messages:?}");
}

#[test]
fn the_binary_format_of_auditd_is_refused_in_words() {
    let mut listener = None;
    let over_socket = stream(&[EVERY], &["unix:FOLDER/socket"], |folder| {
        listener = Some(UnixListener::bind(folder.join("socket")).unwrap());
    });
    let mut over_stdin = stream(&[EVERY], &[], |_| {});
    let header: Vec<u8> = [0_u32, 16, 1300, 20].iter().flat_map(|n| n.to_ne_bytes()).collect();
    let (mut server, _) = listener.unwrap().accept().unwrap();
    server.write_all(&header).unwrap();
    over_stdin.stdin.take().unwrap().write_all(&header).unwrap();
    for (stream, name) in [(over_socket, "unix:FOLDER/socket"), (over_stdin, "-")] {
        let (_, messages, code) = stream.end();
        assert_eq!(code, 4);
        assert_eq!(
            messages[0],
            format!(
                "catena: error: {name}: auditd sends its binary format: \
                 set `format = string` in the plugin's configuration"
            )
        );
    }
}

/// What a file holds once it holds something.
fn written(path: &Path) -> String {
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text;
        }
        std::thread::yield_now();
    }
}

#[test]
fn alerts_go_to_a_file_that_is_opened_anew_at_a_hangup() {
    let mut stream = stream(&[EVERY], &["--output", "FOLDER/alerts.ndjson"], |folder| {
        fs::write(folder.join("alerts.ndjson"), "").unwrap();
    });
    let mut stdin = stream.stdin.take().unwrap();
    stdin.write_all(event(1, "x").as_bytes()).unwrap();
    assert_eq!(written(&stream.path("alerts.ndjson")).lines().count(), 1);
    fs::rename(stream.path("alerts.ndjson"), stream.path("alerts.old")).unwrap();
    stream.signal("-HUP");
    assert_eq!(stream.message(), "catena: FOLDER/alerts.ndjson: opened anew");
    stdin.write_all(event(2, "x").as_bytes()).unwrap();
    stream.signal("-TERM");
    // Both files are gone with the folder.
    let (old, new) = (stream.path("alerts.old"), stream.path("alerts.ndjson"));
    let text = written(&new);
    assert_eq!((fs::read_to_string(old).unwrap().lines().count(), text.lines().count()), (1, 1));
    let (alerts, _, code) = stream.end();
    assert_eq!((alerts.len(), code), (0, 0));
}

#[test]
fn an_alert_file_that_cannot_be_written_stops_nothing_and_is_told() {
    let mut stream = stream(&[EVERY], &["--output", "/dev/full"], |_| {});
    let mut stdin = stream.stdin.take().unwrap();
    stdin.write_all((event(1, "x") + &event(2, "x")).as_bytes()).unwrap();
    drop(stdin);
    let (_, messages, code) = stream.end();
    assert_eq!(code, 4);
    assert_eq!(
        messages[..2],
        [
            "catena: error: /dev/full: cannot write an alert: no space left on device",
            "catena: error: cannot write results: 2 lost: no space left on device",
        ]
    );
    assert!(messages[3].contains("2 alerts in"), "{messages:?}");
}

/// What was written before the signal is matched, and what waits is decided.
#[test]
fn a_signal_ends_a_stream_as_the_end_of_its_input_would() {
    let absence = r#"sequence by host.id with maxspan=1d
        [any where process.name == "x"] ![any where process.name == "y"]"#;
    let ready = r#"process where process.name == "ready""#;
    let mut stream = stream(&[absence, ready], &[], |_| {});
    let mut stdin = stream.stdin.take().unwrap();
    stdin.write_all(event(1, "ready").as_bytes()).unwrap();
    assert_eq!(stream.alert(), 1);
    stdin.write_all(event(2, "x").as_bytes()).unwrap();
    stream.signal("-TERM");
    let (alerts, _, code) = stream.end();
    assert_eq!((alerts.len(), code), (1, 0));
    let alert: Value = serde_json::from_str(&alerts[0]).unwrap();
    assert_eq!(alert["process"]["pid"], Value::from(2));
    assert_eq!(alert["catena"]["uncertain"], Value::Bool(false));
}

/// Whoever writes is never held up: not even while nobody takes the alerts.
#[test]
fn a_flood_is_drained_and_what_is_dropped_is_counted_and_carried_by_alerts() {
    let absence = r#"sequence by host.id with maxspan=1d
        [any where process.pid == 1] ![any where process.name == "y"]"#;
    let mut stream = stream(&[EVERY, absence], &["--queue", "1", "--strict"], |_| {});
    let mut stdin = stream.stdin.take().unwrap();
    let events: u32 = 40_000;
    let flood: String = (1..=events).map(|number| event(number, "x")).collect();
    stdin.write_all(flood.as_bytes()).unwrap();
    drop(stdin);
    let (alerts, messages, code) = stream.end();
    assert_eq!(code, 5);
    let number = |text: &str| -> u64 {
        let line = messages.iter().find(|line| line.contains(text)).unwrap();
        let words = line.trim_start_matches("catena: ").trim_start_matches("warning: ");
        words.split(' ').next().unwrap().replace(',', "").parse().unwrap()
    };
    let (read, dropped) = (number(" lines, "), number("dropped: came faster"));
    assert_eq!(read + dropped, 2 * u64::from(events), "{messages:?}");
    assert_eq!(number("dropped so far"), dropped, "told while it happened");
    let last: Value = serde_json::from_str(alerts.last().unwrap()).unwrap();
    assert_eq!(last["catena"]["uncertain"], Value::Bool(true));
    assert_eq!(last["catena"]["evidence"]["malformed"], Value::from(dropped));
}

#[test]
fn a_writer_may_be_made_to_wait_and_a_file_always_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let name = |number: u32| if number.is_multiple_of(20) { "x" } else { "other" };
    let text: String = (1..=6_000).map(|number| event(number, name(number))).collect();
    fs::write(&path, &text).unwrap();
    assert!(text.len() > 1 << 20, "more than the queue holds");
    for arguments in [&["stream", "-", "--when-full", "wait"][..], &["stream", "FILE"], &["stream"]]
    {
        let rule = folder.path().join("rule.eql");
        fs::write(&rule, EVERY).unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("catena"));
        command.args(arguments.iter().map(|a| a.replace("FILE", path.to_str().unwrap())));
        command.args(["-q", "--strict", "--queue", "1", "-r", rule.to_str().unwrap()]);
        let waits = arguments.len() > 2;
        command.stdin(if waits { Stdio::piped() } else { File::open(&path).unwrap().into() });
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let (alerts, written) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| match stdin {
                Some(mut stdin) => stdin.write_all(text.as_bytes()),
                None => Ok(()),
            });
            let alerts = BufReader::new(child.stdout.take().unwrap()).lines().count();
            (alerts, writer.join().unwrap())
        });
        written.unwrap();
        assert_eq!((alerts, child.wait().unwrap().code()), (300, Some(0)), "{arguments:?}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [
        &["--from-start"][..],
        &["--follow", "FOLDER/a", "FOLDER/b"],
        &["--queue", "0"],
        &["--when-full", "maybe"],
    ] {
        assert_eq!(stream(&[EVERY], arguments, |_| {}).end().2, 3, "{arguments:?}");
    }
    let two = stream(&[EVERY], &["FOLDER/logs"], |folder| {
        fs::create_dir(folder.join("logs")).unwrap();
        append(&folder.join("logs/a.log"), "");
        append(&folder.join("logs/b.log"), "");
    });
    let (_, messages, code) = two.end();
    assert_eq!(code, 4);
    assert_eq!(messages[0], "catena: error: FOLDER/logs: holds 2 logs; a live stream is one");
}
