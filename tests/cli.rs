//! Bad input and bad arguments: a clear message, the rest still processed, the right exit code.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

#[path = "common/three.rs"]
mod three;

use std::fs;
use std::io::Read as _;
use std::path::Path;

use assert_cmd::Command;
use three::THREE;

const ATTACKS: &str = "corpus/auditd/attacks.log.gz";

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

fn catena(arguments: &[&str]) -> Run {
    run(Command::cargo_bin("catena").unwrap().args(arguments))
}

/// A replay with three rules, however many are built in.
fn three(inputs: &[&str]) -> Run {
    catena(&[&["replay"], &THREE[..], inputs].concat())
}

/// Standard error without what differs from run to run.
fn steady(stderr: &str, folder: &Path) -> String {
    let text = stderr.replace(&folder.display().to_string(), "FOLDER");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        lines.push(match line.split_once(" in ") {
            Some((before, _)) if line.ends_with("MB/s)") => format!("{before} in SECONDS"),
            _ => line.to_owned(),
        });
    }
    lines.join("\n")
}

fn attacks() -> Vec<u8> {
    let mut log = Vec::new();
    let file = fs::File::open(ATTACKS).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut log).unwrap();
    log
}

#[test]
fn a_malformed_line_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let mut log = b"garbage\ntype=SYSCALL msg=audit(): x\n".to_vec();
    log.extend(attacks());
    fs::write(&path, log).unwrap();
    let run = three(&[path.to_str().unwrap()]);
    assert_eq!(run.code, 0);
    assert_eq!(run.stdout.lines().count(), 18);
    insta::assert_snapshot!("malformed_line", steady(&run.stderr, folder.path()));
    let strict = catena(&["replay", path.to_str().unwrap(), "--strict", "--format", "none"]);
    assert_eq!((strict.code, strict.stdout.as_str()), (5, ""));
}

#[test]
fn a_log_cut_in_the_middle_of_a_record_gives_what_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = attacks();
    fs::write(&path, &log[..log.len() / 3]).unwrap();
    let run = three(&[path.to_str().unwrap()]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.lines().count() > 10);
    insta::assert_snapshot!("cut_log", steady(&run.stderr, folder.path()));
}

#[test]
fn a_compressed_log_that_ends_too_early_is_an_error_and_what_came_before_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log.gz");
    let packed = fs::read(ATTACKS).unwrap();
    fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let run = three(&[path.to_str().unwrap()]);
    assert_eq!(run.code, 4);
    assert!(run.stdout.lines().count() > 5);
    insta::assert_snapshot!("cut_gzip", steady(&run.stderr, folder.path()));
}

#[test]
fn an_empty_log_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    fs::write(&path, "").unwrap();
    let run = catena(&["replay", path.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    insta::assert_snapshot!("empty_log", steady(&run.stderr, folder.path()));
}

#[test]
fn binary_noise_is_counted_and_its_bytes_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise\u{1b}[31m.log");
    let noise: Vec<u8> =
        (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(&path, noise).unwrap();
    let run = catena(&["replay", path.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.stderr);
    assert!(run.stderr.contains(" malformed"));
}

#[test]
fn missing_files_and_unreadable_entries_are_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("audit.log"), attacks()).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("broken.log")).unwrap();
    let missing = folder.path().join("missing.log");
    let pattern = folder.path().join("*.zip");
    let run = three(&[
        missing.to_str().unwrap(),
        folder.path().to_str().unwrap(),
        pattern.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 4);
    assert_eq!(run.stdout.lines().count(), 18);
    insta::assert_snapshot!("missing_files", steady(&run.stderr, folder.path()));
}

#[test]
fn a_rule_with_a_mistake_is_shown_with_its_line_and_the_others_run() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |id: &str, query: &str| {
        format!(
            "[rule]\nrule_id = \"{id}\"\nname = \"{id}\"\nseverity = \"low\"\ntype = \"eql\"\n\
             query = '''\nprocess where\n  {query}\n'''\n"
        )
    };
    fs::write(folder.path().join("bad.toml"), rule("bad", "process.pid = 3")).unwrap();
    fs::write(folder.path().join("good.toml"), rule("good", "process.pid == 28292")).unwrap();
    fs::write(folder.path().join("no.toml"), "[rule\n").unwrap();
    fs::write(folder.path().join("readme.md"), "not a rule").unwrap();
    let run = catena(&["replay", "-r", folder.path().to_str().unwrap(), ATTACKS]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.lines().count() > 10, "the good rule ran");
    insta::assert_snapshot!("bad_rules", steady(&run.stderr, folder.path()));
}

#[test]
fn a_query_with_a_mistake_is_underlined_and_nothing_runs() {
    let run = catena(&["query", "process where process.pid = 3", "missing.log"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!("bad_query", run.stderr);
}

#[test]
fn no_rules_at_all_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let run = catena(&["replay", "-r", folder.path().to_str().unwrap(), ATTACKS]);
    assert_eq!(run.code, 2);
    assert_eq!(run.stderr, "catena: no rules found (rule files end in .toml, .eql or .ndjson)\n");
}

#[test]
fn exit_codes_of_wrong_arguments_help_and_findings() {
    assert_eq!(catena(&["replay"]).code, 3);
    assert_eq!(catena(&["replay", "--lateness", "soon", ATTACKS]).code, 3);
    assert_eq!(catena(&["--help"]).code, 0);
    assert_eq!(catena(&["--version"]).stdout, format!("catena {}\n", env!("CARGO_PKG_VERSION")));
    let found = catena(&["replay", "--fail-on-alert", "--format", "none", ATTACKS]);
    assert_eq!((found.code, found.stdout.as_str()), (1, ""));
    let nothing = ["query", "process where false", "--fail-on-alert", ATTACKS];
    assert_eq!(catena(&nothing).code, 0);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("catena"))
        .args(["query", "any where true", ATTACKS, "-q"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(stderr, "");
}

#[test]
fn text_in_a_pipe_has_no_colours_unless_asked_for() {
    let plain = catena(&["replay", ATTACKS, "--format", "text", "-q"]).stdout;
    let coloured =
        catena(&["replay", ATTACKS, "--format", "text", "--color", "always", "-q"]).stdout;
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn arguments_from_the_log_cannot_drive_the_terminal() {
    // An argument with an escape sequence, hexadecimal as the kernel logs it.
    let log = "type=SYSCALL msg=audit(1700000000.100:1): arch=c000003e syscall=59 success=yes exit=0 \
        a0=1 a1=2 a2=3 a3=4 items=0 ppid=10 pid=11 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 \
        sgid=0 fsgid=0 tty=pts0 ses=1 comm=1B5B324A exe=\"/bin/x\" key=(null)\n\
        type=EXECVE msg=audit(1700000000.100:1): argc=2 a0=\"x\" a1=1B5D303B68690761E280AE62\n\
        type=PROCTITLE msg=audit(1700000000.100:1): proctitle=\"x\"\n";
    let run = run(Command::cargo_bin("catena")
        .unwrap()
        .args(["query", "process where true", "-", "--format", "text", "-q"])
        .write_stdin(log));
    assert!(run.stdout.contains("\\x1b[2J"), "{}", run.stdout);
    assert!(run.stdout.contains("x \\x1b]0;hi\\x07a\\u{202e}b"), "{}", run.stdout);
    assert!(run.stdout.chars().all(|c| c == '\n' || !c.is_control()));
}

/// A pipe that nobody writes to: opening it would wait for ever.
fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_rule_file_that_is_no_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    pipe(&path);
    for path in ["/dev/zero", path.to_str().unwrap()] {
        for command in [&["check", path][..], &["replay", "-r", path, ATTACKS], &["fmt", path]] {
            let run = catena(command);
            let told = format!("{}{}", run.stdout, run.stderr);
            assert!(run.code > 1, "{command:?}: {told}");
            assert!(told.contains("not a regular file") && told.contains(path), "{told}");
        }
    }
}

#[test]
fn a_key_of_a_hundred_thousand_dots_is_no_stack_of_objects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let key = "a.".repeat(100_000);
    let head = "type=SYSCALL msg=audit(1700000000.100:7): arch=c000003e syscall=59";
    fs::write(&path, format!("{head} {key}b=1 pid=7\n")).unwrap();
    let run = catena(&["query", "process where process.pid == 7", path.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.lines().count()), (0, 1), "{}", run.stderr);
}

#[test]
fn a_rule_that_waits_for_the_end_of_a_stream_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("last.eql");
    fs::write(&rule, "process where true | sort process.pid | head 2").unwrap();
    let rule = rule.to_str().unwrap();
    let stream = run(Command::cargo_bin("catena")
        .unwrap()
        .args(["stream", "--no-proc", "--rules", rule])
        .write_stdin(attacks()));
    assert!(
        stream.stderr.contains("last: no alert before the end of the stream, because of `| sort`"),
        "{}",
        stream.stderr
    );
    assert_eq!(stream.stdout.lines().count(), 2);
    let replay = catena(&["replay", "--rules", rule, ATTACKS]);
    assert!(!replay.stderr.contains("end of the stream"), "{}", replay.stderr);
    assert_eq!(replay.stdout, stream.stdout);
}

/// One event of each of two hosts, of user 1000.
fn two_hosts(folder: &std::path::Path) -> String {
    let log = folder.join("audit.log");
    let call = |node: &str, serial: u32| {
        format!(
            "{node}type=SYSCALL msg=audit(1700000000.000:{serial}): arch=c000003e syscall=59 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=2 auid=1000 uid=1000 gid=1000 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm=\"x\" exe=\"/usr/bin/y\" key=(null)\n"
        )
    };
    std::fs::write(&log, call("", 1) + &call("node=web02 ", 2)).unwrap();
    log.to_str().unwrap().to_owned()
}

#[test]
fn hosts_and_users_have_the_names_that_the_arguments_give() {
    let folder = tempfile::tempdir().unwrap();
    let log = two_hosts(folder.path());
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let passwd = format!("web01={}", file("passwd", "alice:x:1000:1000::/:/bin/sh\nbad\n"));
    let group = format!("web01={}", file("group", "users:x:1000:\n"));
    let nobody = format!("web03={}", file("other", "bob:x:1000:1000::/:/bin/sh\n"));
    let ran = catena(&[
        "events",
        &log,
        "--host-name",
        "web01",
        "--host-id",
        "4711",
        "--passwd",
        &passwd,
        "--passwd",
        &group,
        "--passwd",
        &nobody,
    ]);
    let events: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["host"]["id"], "4711");
    assert_eq!(events[0]["host"]["name"], "web01");
    assert_eq!(events[0]["user"]["name"], "alice");
    assert_eq!(events[0]["group"]["name"], "users");
    assert_eq!(events[1]["host"]["id"], "web02");
    assert_eq!(events[1]["user"].get("name"), None, "another machine");
    assert!(ran.stderr.contains("passwd:2: skipped: neither seven fields"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--passwd web03: no event is of a host"), "{}", ran.stderr);
    // The older spelling.
    let ran = catena(&["events", &log, "-q", "--host", "web01"]);
    assert!(ran.stdout.contains("\"id\":\"web01\""), "{}", ran.stdout);
}

#[test]
fn a_profile_says_whose_user_and_name_a_rule_sees() {
    let folder = tempfile::tempdir().unwrap();
    let log = two_hosts(folder.path());
    let count = |profile: &str, query: &str| {
        catena(&["query", query, &log, "-q", "--profile", profile]).stdout.lines().count()
    };
    let (real, effective) = ("process where user.id == \"1000\"", "process where user.id == \"0\"");
    assert_eq!((count("auditd", real), count("auditd", effective)), (2, 0));
    assert_eq!((count("endpoint", real), count("endpoint", effective)), (0, 2));
    let query = "sample by process.name [process where event.action == \"exec\"] [any where true]";
    let key = |profile| catena(&["query", query, &log, "-q", "--profile", profile]).stdout;
    assert!(key("auditd").contains("\"x\""));
    assert!(key("endpoint").contains("\"y\""));
    let why = catena(&["why", "--query", effective, &log, "-q", "--profile", "endpoint"]);
    assert!(why.code == 0, "{}", why.stderr);
}

#[test]
fn names_that_cannot_be_read_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let log = two_hosts(folder.path());
    for (argument, said) in [
        ("web01", "write HOST=FILE"),
        ("=/etc/passwd", "write HOST=FILE"),
        ("web01=/nowhere/passwd", "no such file"),
    ] {
        for command in ["events", "inspect", "replay"] {
            let ran = catena(&[command, &log, "--passwd", argument]);
            assert!(ran.code != 0 && ran.stderr.contains(said), "{}", ran.stderr);
            assert_eq!(ran.stdout, "");
        }
    }
}
