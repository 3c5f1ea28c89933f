//! Alerts as snapshots show them.
//!
//! In: alerts of one run. Out: text that is the same on every run and machine, that a person can judge,
//! and that shows no command line and no argument: these hold secrets, and snapshots are published.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::alert::{Alert, AlertEvent};
use crate::escape::escape;
use crate::event::Kept;
use crate::plan::RuleIx;
use crate::time::Timestamp;

/// Longest value shown, in characters.
const MAX_VALUE: usize = 120;

/// An alert.
#[derive(Debug, Clone)]
pub struct Found {
    /// The same rule on the same events has the same.
    pub(super) id: String,
    pub(super) rule: RuleIx,
    /// Names and values of the join key.
    pub keys: Vec<(String, String)>,
    /// Serial numbers of the events that are there, in order of the items.
    pub(super) serials: Vec<u32>,
    /// What the snapshot says of each item.
    pub items: Vec<String>,
    /// The events in order of the items; `None` where one did not happen.
    pub events: Vec<Option<Arc<Kept>>>,
    /// As in the snapshot, without its number.
    text: String,
}

impl Found {
    pub(super) fn new(alert: &Alert) -> Self {
        let name = alert.rule().map_or_else(String::new, |rule| escape(&rule.name));
        let keys = alert.keys.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        let keys: Vec<(String, String)> = keys.collect();
        let mut text = format!("{name} ({})\n", alert.kind());
        for (key, value) in &keys {
            let _ = writeln!(text, "   {} = {}", escape(key), short(value));
        }
        let items = alert.events.iter().map(|event| match event {
            Some(event) => line(event),
            None => "did not happen".to_owned(),
        });
        let items: Vec<String> = items.collect();
        for (item, number) in items.iter().zip(1_u32..) {
            let _ = writeln!(text, "   {number}  {item}");
        }
        if alert.events.iter().any(Option::is_none) {
            let _ = match alert.decided {
                Timestamp::MAX => writeln!(text, "   certain at the end of the log"),
                decided => writeln!(text, "   certain at {decided}"),
            };
        }
        if let Some(counted) = alert.counted {
            let _ = writeln!(text, "   stands for {} of {} matches", counted.matches, counted.of);
        }
        if alert.uncertain {
            text.push_str("   uncertain: something was lost in its time\n");
        }
        let present = alert.present();
        let serials =
            present.filter_map(|event| first(&event.kept, "event.sequence")?.parse().ok());
        let serials = serials.collect();
        let events = alert.events.iter();
        let events = events.map(|event| event.as_ref().map(|event| event.kept.clone())).collect();
        Self { id: alert.id.clone(), rule: alert.rule, keys, serials, items, events, text }
    }
}

/// `2023-11-14T22:13:20.123Z  serial 42  connected-to  sh (7)  192.0.2.1:53`
fn line(event: &AlertEvent) -> String {
    let kept = &event.kept;
    let mut text = kept.ordinal.time.to_string();
    if let Some(serial) = first(kept, "event.sequence") {
        let _ = write!(text, "  serial {}", short(&serial));
    }
    let action = first(kept, "event.action").or_else(|| first(kept, "auditd.data.syscall"));
    if let Some(action) = action {
        let _ = write!(text, "  {}", short(&action));
    }
    if let Some(name) = first(kept, "process.name") {
        let _ = write!(text, "  {}", short(&name));
    }
    if let Some(pid) = first(kept, "process.pid") {
        let _ = write!(text, " ({})", short(&pid));
    }
    if let Some(ip) = first(kept, "destination.ip") {
        let port =
            first(kept, "destination.port").map_or_else(String::new, |port| format!(" {port}"));
        let _ = write!(text, "  to {}{}", short(&ip), short(&port));
    }
    if let Some(path) = first(kept, "file.path") {
        let _ = write!(text, "  {}", short(&path));
    }
    text
}

fn first(kept: &Kept, name: &str) -> Option<String> {
    kept.values(name).first().map(ToString::to_string)
}

fn short(value: &str) -> String {
    let mut shown = escape(value);
    if let Some((end, _)) = shown.char_indices().nth(MAX_VALUE) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// All alerts of a run as a snapshot.
pub(super) fn snapshot(found: &[Found]) -> String {
    let mut out = format!("{}\n", alerts(found.len()));
    for (alert, number) in found.iter().zip(1..) {
        let _ = write!(out, "\n{number}. {}", alert.text);
    }
    out
}

/// Whether a snapshot shows any alert.
pub(super) fn has_alerts(snapshot: &str) -> bool {
    snapshot.lines().next().is_some_and(|line| line != alerts(0))
}

/// `no alert`, `1 alert`, `2 alerts`.
pub(super) fn alerts(count: usize) -> String {
    match count {
        0 => "no alert".to_owned(),
        1 => "1 alert".to_owned(),
        many => format!("{many} alerts"),
    }
}
