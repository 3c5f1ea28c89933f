//! Events of small logs with all their fields, as an alert shows them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fmt::Write as _;

use catena::event::{Coalescer, Document, Event, Group, Hosts, Limits, Projection};
use catena::process::Table;
use catena::time::Ordinal;
use catena::value::Value;

/// The events of a log in order, each with its document.
fn documents(log: &[u8]) -> Vec<(String, Document)> {
    let projection = Projection::new([]);
    let mut event = Event::new(0);
    let mut table = Table::default();
    let mut hosts = Hosts::new(Some("web01"), ["log"]);
    let documents = groups(log).into_iter().map(|group| {
        let id = group.id();
        let host = hosts.find(0, group.node());
        event.ordinal = Ordinal::new(id.time, Some(u64::from(id.serial)), 0);
        event.load(group, &projection, host);
        table.observe(&projection, &mut event);
        (id.to_string(), event.document())
    });
    documents.collect()
}

fn groups(log: &[u8]) -> Vec<Group> {
    let mut coalescer = Coalescer::new(Limits::default());
    for (number, line) in (1..).zip(log.split(|byte| *byte == b'\n')) {
        if !line.is_empty() {
            coalescer.push(0, number, line);
        }
    }
    coalescer.finish();
    assert_eq!(coalescer.stats().malformed, 0);
    let mut groups: Vec<_> = std::iter::from_fn(|| coalescer.pop()).collect();
    groups.sort_by_key(|group| (group.id().time, group.id().serial));
    groups
}

/// What is the same in every event of a test.
const CONSTANT: [&str; 9] = [
    "@timestamp",
    "event.dataset",
    "event.kind",
    "event.module",
    "event.sequence",
    "host.id",
    "host.name",
    "host.os.type",
    "auditd.data.arch",
];

/// One line per first part of the field names.
fn readable(id: &str, document: &Document) -> String {
    let mut out = id.to_owned();
    let mut room = "";
    for (name, values) in document.fields() {
        // Entity ids are hashes; `tests/process.rs` is about them.
        if CONSTANT.contains(&name) || name.ends_with("entity_id") {
            continue;
        }
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        if first != room {
            let _ = write!(out, "\n  {first}");
            room = first;
        }
        let values: Vec<String> = values.iter().map(text).collect();
        let dot = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "  {dot}{rest}={}", values.join("|"));
    }
    out
}

/// Text without quotes where it reads as one word.
fn text(value: &Value) -> String {
    match value {
        Value::Str(text) if text.contains(|c: char| c.is_whitespace() || "|\"\\".contains(c)) => {
            format!("{text:?}")
        }
        other => other.to_string(),
    }
}

#[test]
fn the_fields_of_captured_events() {
    let log = std::fs::read("corpus/auditd/small.log").unwrap();
    let events = documents(&log);
    let text: Vec<String> = events.iter().map(|(id, document)| readable(id, document)).collect();
    insta::assert_snapshot!(text.join("\n\n"));
}
