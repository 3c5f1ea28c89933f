//! [`Alert`] → a report for people: what, how bad, where, and the chain of events with its processes.

use std::fmt::Write as _;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};

use super::{Alert, AlertEvent};
use crate::engine::Counted;
use crate::escape::escape;
use crate::event::{Document, Process};
use crate::rule::{Rule, Severity};

/// Longest command line shown, in characters; JSON has it whole.
const MAX_COMMAND: usize = 200;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

impl Alert {
    /// One line for a list of alerts.
    pub fn message(&self, rule: &Rule) -> String {
        let mut out = rule.name.clone();
        if let Some(event) = self.latest() {
            let who = text(event.document(), "process.name");
            let pid = text(event.document(), "process.pid");
            if let (Some(who), Some(pid)) = (who, pid) {
                let _ = write!(out, ": {} ({pid})", escape(&who));
            }
            if let Some(where_to) = destination(event.document()) {
                let _ = write!(out, " to {where_to}");
            }
            if let Some(host) = text(event.document(), "host.name") {
                let _ = write!(out, " on {}", escape(&host));
            }
        }
        out
    }

    /// The report, with terminal colours; strip them where none are wanted.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let Some(rule) = self.rule() else { return out };
        let style = severity_style(rule.severity);
        let name = rule.severity.name().to_uppercase();
        let _ = writeln!(
            out,
            "{style}{name}{style:#}  {BOLD}{}{BOLD:#}  {DIM}({}) {}{DIM:#}",
            escape(&rule.name),
            self.kind(),
            self.last,
        );
        self.place(&mut out);
        for line in attack(rule) {
            let _ = writeln!(out, "  {DIM}attack{DIM:#}   {line}");
        }
        if let Some(counted) = self.counted {
            let Counted { matches, of } = counted;
            let _ = writeln!(out, "  {DIM}counted{DIM:#}  {matches} of {of} matches");
        }
        for (event, item) in self.events.iter().zip(1_u32..) {
            match event {
                Some(event) => chain(&mut out, event, item),
                None => {
                    let _ = writeln!(out, "  {DIM}{item:>2}{DIM:#}  did not happen");
                }
            }
        }
        self.tree(&mut out);
        self.doubts(&mut out);
        let _ = writeln!(out, "  {DIM}id       {}{DIM:#}", self.id);
        out
    }

    fn place(&self, out: &mut String) {
        let host = self.latest().and_then(|event| text(event.document(), "host.name"));
        if let Some(host) = host {
            let _ = write!(out, "  {DIM}host{DIM:#}     {}", escape(&host));
        }
        for (name, value) in self.keys.iter().filter(|(name, _)| !name.starts_with("host.")) {
            let _ = write!(out, "  {DIM}{}{DIM:#} {}", escape(name), escape(&value.to_string()));
        }
        out.push('\n');
    }

    /// The process of the last event and its ancestors, oldest first.
    pub(super) fn process_tree(&self) -> Vec<Arc<Process>> {
        let mut tree = Vec::new();
        let mut next = self.latest().and_then(|event| event.kept.process().cloned());
        while let Some(process) = next {
            next = process.parent.as_ref().map(|parent| parent.process().clone());
            tree.push(process);
        }
        tree.reverse();
        tree
    }

    fn tree(&self, out: &mut String) {
        let tree = self.process_tree();
        if tree.len() < 2 {
            return;
        }
        for (process, depth) in tree.iter().zip(0..) {
            let label = if depth == 0 { "tree" } else { "" };
            let command = if process.image.args().len() == 0 {
                let known = process.image.executable().or(process.image.name());
                known.unwrap_or("?").to_owned()
            } else {
                process.image.args().collect::<Vec<_>>().join(" ")
            };
            let branch = if depth == 0 { String::new() } else { "  ".repeat(depth - 1) + "└ " };
            let _ = writeln!(
                out,
                "  {DIM}{label:<8}{DIM:#} {branch}{} {DIM}{}{DIM:#}",
                process.pid,
                shorten(&escape(&command)),
            );
        }
    }

    fn doubts(&self, out: &mut String) {
        if !self.evidence.any() {
            return;
        }
        let evidence = self.evidence;
        let counts = [
            (evidence.gaps, "records lost"),
            (evidence.late, "events late"),
            (evidence.evicted, "partials evicted"),
            (evidence.incomplete, "events incomplete"),
            (evidence.malformed, "lines malformed"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let doubt = if self.uncertain { "uncertain: " } else { "" };
        let _ = writeln!(out, "  {DIM}losses{DIM:#}   {doubt}{} in its window", told.join(", "));
    }
}

/// One event of the chain: time, action, process, and what it was about.
fn chain(out: &mut String, event: &AlertEvent, item: u32) {
    let document = event.document();
    let time = event.kept.ordinal.time.to_string();
    let time = time.split_once('T').map_or(time.as_str(), |(_, time)| time);
    let action = text(document, "event.action")
        .or_else(|| text(document, "auditd.data.syscall"))
        .unwrap_or_default();
    let name = text(document, "process.name").unwrap_or_else(|| "?".to_owned());
    let pid = text(document, "process.pid").unwrap_or_default();
    let detail = detail(document);
    let _ = writeln!(
        out,
        "  {DIM}{item:>2}  {time}{DIM:#}  {:<13} {} {DIM}({pid}){DIM:#}  {}",
        escape(&action),
        escape(&name),
        shorten(&escape(&detail)),
    );
}

/// What an event was about: where to, a command line, a file; empty when nothing says so.
pub(crate) fn detail(document: &Document) -> String {
    if let Some(destination) = destination(document) {
        return destination;
    }
    if let Some(family) = text(document, "audit.socket.family") {
        let kind = text(document, "audit.socket.type").unwrap_or_default();
        return format!("{family} {kind}");
    }
    ["process.command_line", "file.path", "process.title"]
        .iter()
        .find_map(|name| text(document, name))
        .unwrap_or_default()
}

fn destination(document: &Document) -> Option<String> {
    let ip = text(document, "destination.ip")?;
    Some(match text(document, "destination.port") {
        Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
        Some(port) => format!("{ip}:{port}"),
        None => ip,
    })
}

fn attack(rule: &Rule) -> Vec<String> {
    let mut lines = Vec::new();
    for threat in &rule.threat {
        let mut line = escape(&threat.tactic.name);
        for technique in &threat.techniques {
            let _ = write!(line, " / {} {}", escape(&technique.id), escape(&technique.name));
            for sub in &technique.subtechniques {
                let _ = write!(line, " / {} {}", escape(&sub.id), escape(&sub.name));
            }
        }
        lines.push(line);
    }
    lines
}

fn text(document: &Document, name: &str) -> Option<String> {
    document.first(name).map(|value| value.to_string())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_COMMAND) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical | Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Informational => AnsiColor::Blue,
    };
    color.on_default().bold()
}
