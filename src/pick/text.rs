//! [`Text`]: an event record by record, every value in words and as logged.
//!
//! In: an event. Out: a block of text: a line that says when, which and where, and a line for each
//! record. Everything an attacker chose is escaped; a value that could be taken for more than one is in
//! quotes.

use std::fmt::Write as _;

use anstyle::Style;

use crate::escape::escape;
use crate::event::{Event, Group, Json, Raw, Told, interpret};

/// Longest value as logged that stands beside its meaning, in characters; the raw lines have it whole.
const MAX_RAW: usize = 64;

/// Text of events; keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct Text {
    out: String,
    bold: Style,
    dim: Style,
}

impl Text {
    /// Text with terminal colours, or without any.
    pub fn new(color: bool) -> Self {
        match color {
            true => {
                Self { bold: Style::new().bold(), dim: Style::new().dimmed(), ..Self::default() }
            }
            false => Self::default(),
        }
    }

    /// The block of one event.
    pub fn of(&mut self, event: &Event) -> &str {
        self.out.clear();
        match event.raw() {
            Raw::Audit(group) => self.audit(event, group),
            Raw::Json(json) => self.json(event, json),
        }
        &self.out
    }

    fn audit(&mut self, event: &Event, group: &Group) {
        let Self { bold, dim, .. } = *self;
        let id = group.id();
        let _ = write!(self.out, "---- {bold}{}{bold:#} {dim}[{id}]{dim:#}", id.time);
        self.host(event);
        if let Some(cause) = group.incomplete() {
            let _ = write!(self.out, " (incomplete: {})", cause.about());
        }
        self.out.push('\n');
        let names = event.host().and_then(|host| host.names.as_deref());
        interpret(group, names, &mut |record, fields| {
            let kind = escape(&String::from_utf8_lossy(record.kind_name()));
            let _ = write!(self.out, "type={bold}{kind}{bold:#}");
            for field in fields {
                self.field(field);
            }
            self.out.push('\n');
        });
    }

    fn field(&mut self, field: &Told<'_>) {
        let _ = write!(self.out, " {}=", escape(&field.key));
        match &field.means {
            // There is nothing, which text that reads like this must not be taken for.
            None if field.absent => self.out.push_str(&escape(&field.raw)),
            None => value(&mut self.out, &field.raw),
            Some(means) => {
                value(&mut self.out, means);
                let raw = match field.raw.char_indices().nth(MAX_RAW) {
                    Some((end, _)) => format!("{}…", field.raw.get(..end).unwrap_or_default()),
                    None => field.raw.to_string(),
                };
                let dim = self.dim;
                let _ = write!(self.out, " {dim}[{}]{dim:#}", escape(&raw));
            }
        }
    }

    /// An event that was JSON has no records: its fields are shown.
    fn json(&mut self, event: &Event, json: &Json) {
        match json.time() {
            Some(time) => {
                let bold = self.bold;
                let _ = write!(self.out, "---- {bold}{time}{bold:#}");
            }
            None => self.out.push_str("---- (without a time)"),
        }
        self.host(event);
        if json.is_cut() {
            self.out.push_str(" (incomplete: values were left out)");
        }
        self.out.push('\n');
        for (name, values) in event.document().fields() {
            let _ = write!(self.out, "{}=", escape(name));
            for (held, at) in values.iter().zip(0..) {
                self.out.push_str(if at == 0 { "" } else { ", " });
                value(&mut self.out, &held.to_string());
            }
            self.out.push('\n');
        }
    }

    fn host(&mut self, event: &Event) {
        if let Some(host) = event.host() {
            let _ = write!(self.out, " {}", escape(&host.name));
        }
    }
}

/// A value, in quotes where it is empty or holds what could be taken for the end of it.
fn value(out: &mut String, text: &str) {
    let text = escape(text);
    let is_odd = |c: char| c.is_whitespace() || matches!(c, '"' | '[' | ']');
    if matches!(&*text, "" | "?" | "(null)") || text.contains(is_odd) {
        let _ = write!(out, "\"{}\"", text.replace('"', "\\\""));
    } else {
        out.push_str(&text);
    }
}
