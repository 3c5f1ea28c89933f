//! `catena explain`: rules in the words of their authors.

#![expect(clippy::unwrap_used, reason = "functions of tests may panic")]

#[path = "common/three.rs"]
mod three;

use assert_cmd::Command;
use three::THREE;

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn explain(arguments: &[&str]) -> Run {
    let mut command = Command::cargo_bin("catena").unwrap();
    command.arg("explain").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// Everything a sequence can have.
const SEQUENCE: &str = "sequence by process.entity_id with maxspan=5s
  [process where event.action == \"executed\" and length(process.command_line) > 500] by host.id
  [file where file.path regex (\"/etc/.*\", \"/root/[^/]+\") and not user.id : \"0\"] by host.id with runs=3
  ![network where destination.port in (80, 443)] by ?host.name
until [process where event.type == \"end\"] by host.id
| head 5";

fn text(query: &str) -> String {
    let run = explain(&["--query", query]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    run.stdout
}

#[test]
fn a_built_in_rule_by_the_name_of_its_file() {
    let run = explain(&["web_server_shell"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    // How many stages of other rules share a test changes with every rule that is added.
    let alone = |line: &str| line.split("   (in ").next().unwrap().to_owned();
    let lines: Vec<String> = run.stdout.lines().map(alone).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn rules_that_share_stages_say_so() {
    let run = explain(&[&THREE[..], &["udp_reverse_shell_sequence"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn a_sequence_with_everything() {
    insta::assert_snapshot!(text(SEQUENCE));
}

#[test]
fn a_sample_without_a_host() {
    insta::assert_snapshot!(text(
        "sample by user.id [any where tags == \"a\"] [any where `my.own` == \"b\" or true]"
    ));
}

#[test]
fn an_event_that_can_never_be() {
    let run = explain(&["--query", "process where event.action == \"executed\" and false"]);
    assert_eq!(run.code, 0);
    insta::assert_snapshot!(format!("{}---\n{}", run.stdout, run.stderr));
}

#[test]
fn needs_follow_from_actions_categories_and_calls() {
    let needs = |condition: &str| {
        let text = text(condition);
        let lines = text.lines().skip_while(|line| !line.contains("needs "));
        let lines = lines.take_while(|line| !line.is_empty() && !line.contains("tests "));
        let lines = lines.map(str::trim);
        format!("{condition}\n    {}\n", lines.collect::<Vec<_>>().join("\n    "))
    };
    let all: Vec<String> = [
        "any where true",
        "any where user.id == \"0\"",
        "any where event.action == \"executed\"",
        "any where event.action == \"executed\" and event.outcome == \"failure\"",
        "any where event.action : \"CONNECTED-*\"",
        "any where event.action in (\"creation\", \"deletion\")",
        "any where auditd.data.syscall == \"ptrace\"",
        "process where auditd.data.syscall in (\"openat\", \"ptrace\")",
        "authentication where event.outcome == \"failure\"",
        "any where event.action == \"no such action\"",
        "any where auditd.message_type == \"user_cmd\"",
        "any where not event.category == \"process\" and event.action == \"loaded-kernel-module\"",
        "any where audit.socket.type == \"dgram\" and event.category == \"network\"",
    ]
    .into_iter()
    .map(needs)
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn as_json_for_programs() {
    let run = explain(&["--format", "json", "--query", SEQUENCE]);
    assert_eq!(run.code, 0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    insta::assert_json_snapshot!(json);
}

#[test]
fn as_graphs() {
    let query = "sequence by host.id [process where event.action == \"a\"] \
                 ![process where event.action == \"a\" and user.name : \"x*\"] \
                 [any where user.name == \"`\\\"<#>&\"] with runs=2";
    let query = query.replace("host.id [", "host.id with maxspan=1m [");
    for format in ["dot", "mermaid"] {
        let run = explain(&["--format", format, "--query", &query]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        insta::assert_snapshot!(format, run.stdout);
    }
}

#[test]
fn files_folders_and_ids_are_found_and_nothing_is_explained_twice() {
    let names = |arguments: &[&str]| {
        let run = explain(&[&["--format", "json"], arguments].concat());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let lines = run.stdout.lines().map(|line| {
            let rule: serde_json::Value = serde_json::from_str(line).unwrap();
            let file = rule["file"].as_str().unwrap();
            file.rsplit('/').next().unwrap().to_owned()
        });
        lines.collect::<Vec<_>>()
    };
    let folder = names(&["rules/command_and_control"]);
    for name in ["udp_reverse_shell_sample.toml", "udp_reverse_shell_sequence.toml"] {
        assert!(folder.contains(&name.to_owned()), "{folder:?}");
    }
    let file = "rules/command_and_control/udp_reverse_shell_sample.toml";
    assert_eq!(names(&[file]), ["udp_reverse_shell_sample.toml"]);
    let mut twice = names(&[file, "rules/command_and_control", file]);
    twice.sort();
    assert_eq!(twice, folder);
    let id = "7f0c9d0e-6a57-4d5e-9a35-6f1f6f0a4c03";
    assert_eq!(names(&[id, "web_server_shell"]), ["web_server_shell.toml"]);
    assert_eq!(names(&["-r", "rules", id]), ["web_server_shell.toml"]);
}

#[test]
fn mistakes_are_named() {
    let run = explain(&["web_server_shel"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!("unknown_rule", run.stderr);
    let run = explain(&["--query", "process where proces.name = 1"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!("bad_query", run.stderr);
    assert_eq!(explain(&[]).code, 3);
}
