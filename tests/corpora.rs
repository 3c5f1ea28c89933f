//! Our own captures as events: one line an event, to be read by eye, and what was lost on the way.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::BTreeMap;

use assert_cmd::Command;
use serde_json::Value;

/// The events of a capture, and what is told on standard error.
fn events(name: &str) -> (Vec<Value>, String) {
    let path = format!("corpus/auditd/{name}");
    let output = Command::cargo_bin("catena").unwrap().args(["events", "-j1", &path]).output();
    let output = output.unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    // How long it took differs from run to run.
    let lines = told.lines();
    let told = lines.map(|line| line.split_once(" printed in ").map_or(line, |(told, _)| told));
    let told = told.map(|line| format!("{line}\n")).collect();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), told)
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) => {
            all.iter().map(|value| text(Some(value))).collect::<Vec<_>>().join("|")
        }
        Some(other) => other.to_string(),
    }
}

fn field(event: &Value, name: &str) -> String {
    text(name.split('.').try_fold(event, |at, part| at.get(part)))
}

/// Time, number, what was done by whom to what, and whether it worked.
fn line(event: &Value) -> String {
    let of = |name: &str| field(event, name);
    let time = of("@timestamp").split_once('T').unwrap().1.to_owned();
    let what =
        if of("event.action") == "-" { of("auditd.message_type") } else { of("event.action") };
    let whom = format!("{} {} ({})", of("user.name"), of("process.name"), of("process.pid"));
    let object = format!(
        "{} {}",
        of("auditd.summary.object.primary"),
        of("auditd.summary.object.secondary")
    );
    let (outcome, number) = (of("event.outcome"), of("event.sequence"));
    format!("{time} #{number} {what} [{outcome}] {whom} -> {object}\n")
}

fn page(name: &str) -> String {
    let (events, told) = events(name);
    events.iter().map(line).collect::<String>() + "\n" + &told
}

#[test]
fn users_and_groups_that_come_and_go() {
    insta::assert_snapshot!(page("users-enriched.log.gz"));
}

#[test]
fn a_log_of_which_the_kernel_lost_much() {
    insta::assert_snapshot!(page("lost.log.gz"));
}

#[test]
fn the_log_of_the_kernel_itself() {
    insta::assert_snapshot!(page("kmsg.txt"));
}

#[test]
fn a_web_shell() {
    insta::assert_snapshot!(page("webshell.log"));
}

/// The larger captures: how often what was done, by category and outcome.
fn counted(name: &str) -> String {
    let (events, told) = events(name);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for event in &events {
        let of = |name: &str| field(event, name);
        let what =
            if of("event.action") == "-" { of("auditd.data.syscall") } else { of("event.action") };
        *counts
            .entry(format!("{} {what} {}", of("event.category"), of("event.outcome")))
            .or_default() += 1;
    }
    let lines = counts.iter().map(|(what, count)| format!("{count:>6}  {what}\n"));
    lines.collect::<String>() + "\n" + &told
}

#[test]
fn thirty_one_scenarios() {
    insta::assert_snapshot!(counted("attacks.log.gz"));
}

#[test]
fn a_run_as_a_plugin_reads_it_and_as_it_is_written() {
    let [plugin, file] = ["audisp-enriched.log.gz", "audisp-same-run.log.gz"].map(counted);
    let counts = |page: &str| page.split_once("\n\n").unwrap().0.to_owned();
    assert_eq!(counts(&plugin), counts(&file));
    insta::assert_snapshot!(plugin);
}
