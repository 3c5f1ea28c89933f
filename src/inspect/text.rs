//! [`Inspection`] → a page for people.
//!
//! In: an inspection. Out: text, a paragraph for each question, long lists cut and said to be. Whatever
//! a log or a rule file chose is escaped.

use std::fmt::Write as _;

use anstyle::Style;

use super::answer::{Blind, BlindStage, Count, Host, Inspection, List, Syscall};
use crate::digits::grouped;
use crate::escape::escape;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Most lines of a list.
const LINES: usize = 20;
/// Most names that would satisfy a stage.
const NAMES: usize = 8;
/// Longest stage shown, in characters.
const STAGE: usize = 120;

impl Inspection {
    /// The page, with terminal colours; strip them where none are wanted.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let read = &self.read;
        head(&mut out, "Read");
        let _ = writeln!(
            out,
            "  {} bytes, {} lines, {} records, {} events{}",
            grouped(read.bytes),
            grouped(read.lines),
            grouped(read.records),
            grouped(read.events),
            match read.json_events {
                0 => String::new(),
                json => format!(" ({} of them JSON)", grouped(json)),
            },
        );
        if let (Some(first), Some(last)) = (&self.first, &self.last) {
            let _ = writeln!(out, "  from {first} to {last}");
        }
        for failure in &self.failures {
            let _ =
                writeln!(out, "  not read: {}: {}", escape(&failure.name), escape(&failure.why));
        }
        for note in &self.notes {
            let _ = writeln!(out, "  {note}");
        }
        section(&mut out, "Hosts", &self.hosts, "events of further hosts", host);
        section(&mut out, "Record types", &self.record_types, "records of further types", count);
        section(&mut out, "System calls", &self.syscalls, "further calls", syscall);
        section(&mut out, "Categories", &self.categories, "in further categories", count);
        section(&mut out, "Keys of audit rules", &self.keys, "under further keys", count);
        self.completeness(&mut out);
        self.losses(&mut out);
        self.lines(&mut out);
        self.never(&mut out);
        out
    }

    fn completeness(&self, out: &mut String) {
        let known = &self.completeness;
        head(out, "Completeness");
        let all = known.complete + known.incomplete;
        let _ =
            writeln!(out, "  {} of {} events are complete", grouped(known.complete), grouped(all));
        for cause in &known.causes {
            let _ = writeln!(out, "  {:>12}  incomplete: {}", grouped(cause.count), cause.name);
        }
        for missing in &known.missing_records {
            let _ =
                writeln!(out, "  {:>12}  without their {}", grouped(missing.count), missing.name);
        }
    }

    fn losses(&self, out: &mut String) {
        let losses = &self.losses;
        head(out, "Losses before the log was written");
        if losses.gaps == 0 {
            out.push_str("  no gaps in the serial numbers\n");
        } else {
            let (gaps, serials) = (grouped(losses.gaps), grouped(losses.serials));
            let _ = writeln!(
                out,
                "  gaps in the serial numbers: {gaps}; missing in them, about as many events: {serials}"
            );
        }
        for gap in losses.largest.iter().take(LINES) {
            let (count, host) = (grouped(gap.serials), escape(&gap.host));
            let (after, before) = (&gap.after, &gap.before);
            let _ =
                writeln!(out, "  {count:>12}  between {after} and {before}  {DIM}{host}{DIM:#}");
        }
        if losses.kernel > 0 {
            let _ = writeln!(out, "  records lost, as the kernel says: {}", grouped(losses.kernel));
        }
        if losses.boots > 0 {
            let _ = writeln!(out, "  numbers started over (boots): {}", grouped(losses.boots));
        }
    }

    fn lines(&self, out: &mut String) {
        let lines = &self.lines;
        let counts = [
            (lines.malformed, "malformed lines"),
            (lines.cut, "lines cut: longer than a line may be"),
            (lines.late_records, "records after the end of their event"),
            (lines.dropped, "records of events that had too many"),
            (lines.duplicates, "events that came twice"),
            (lines.late, "events later than --lateness"),
            (lines.skipped, "lines that need not be records"),
        ];
        if counts.iter().all(|(count, _)| *count == 0) {
            return;
        }
        head(out, "Lines");
        for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
            let _ = writeln!(out, "  {:>12}  {what}", grouped(*count));
        }
        for line in lines.first_malformed.iter().take(LINES) {
            let (file, why) = (escape(&line.file), escape(&line.why));
            let _ = writeln!(out, "  {DIM}{file}:{}: {why}{DIM:#}", line.line);
        }
    }

    fn never(&self, out: &mut String) {
        let never = &self.never;
        head(out, "Rules that can never fire on this log");
        if let Some(unknown) = &never.unknown {
            let _ = writeln!(out, "  not known: {unknown}");
            return;
        }
        let _ = writeln!(
            out,
            "  {} of {}, for want of what they need",
            grouped(never.blind.len() as u64),
            grouped(never.rules),
        );
        for rule in never.blind.iter().take(LINES) {
            blind(out, rule);
        }
        more(out, never.blind.len());
        if !never.categories.is_empty() {
            let _ = writeln!(out, "  no event of category {}", never.categories.join(", "));
        }
    }
}

fn head(out: &mut String, title: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{BOLD}{title}{BOLD:#}");
}

fn section<T>(
    out: &mut String,
    title: &str,
    list: &List<T>,
    others: &str,
    line: fn(&T) -> (u64, String),
) {
    if list.items.is_empty() && list.other == 0 {
        return;
    }
    head(out, title);
    for item in list.items.iter().take(LINES) {
        let (count, what) = line(item);
        let _ = writeln!(out, "  {:>12}  {what}", grouped(count));
    }
    more(out, list.items.len());
    if list.other > 0 {
        let _ = writeln!(out, "  {:>12}  {DIM}{others}{DIM:#}", grouped(list.other));
    }
}

fn more(out: &mut String, items: usize) {
    if items > LINES {
        let _ = writeln!(out, "  {DIM}and {} more, see --format json{DIM:#}", items - LINES);
    }
}

fn count(count: &Count) -> (u64, String) {
    (count.count, escape(&count.name))
}

fn host(host: &Host) -> (u64, String) {
    let mut what = escape(&host.name);
    if let (Some(first), Some(last)) = (&host.first, &host.last) {
        let _ = write!(what, "  {DIM}{first} to {last}{DIM:#}");
    }
    if host.incomplete > 0 {
        let _ = write!(what, "  {} incomplete", grouped(host.incomplete));
    }
    (host.events, what)
}

fn syscall(call: &Syscall) -> (u64, String) {
    let name = call.name.as_deref().unwrap_or("?");
    let mut what = format!("{name}  {DIM}{}", call.arch);
    if let Some(number) = call.number {
        let _ = write!(what, " {number}");
    }
    let _ = write!(what, "{DIM:#}");
    if call.failed > 0 {
        let _ = write!(what, "  {} failed", grouped(call.failed));
    }
    (call.count, what)
}

fn blind(out: &mut String, rule: &Blind) {
    let _ = writeln!(out, "  {} {DIM}{}{DIM:#}", escape(&rule.name), escape(&rule.id));
    for stage in &rule.stages {
        let eql: String = stage.eql.split_whitespace().collect::<Vec<_>>().join(" ");
        let eql = match eql.char_indices().nth(STAGE) {
            Some((end, _)) => format!("{}…", eql.get(..end).unwrap_or_default()),
            None => eql,
        };
        let _ = writeln!(out, "    {}. {}", stage.number, escape(&eql));
        let _ = writeln!(out, "       {}", needs(stage));
    }
}

/// What would satisfy a stage.
fn needs(stage: &BlindStage) -> String {
    let some = |names: &[&'static str], what: &str| {
        let shown: Vec<&str> = names.iter().take(NAMES).copied().collect();
        let what = match names.len() {
            1 => what.trim_end_matches('s'),
            _ => what,
        };
        let more = match names.len().saturating_sub(NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!names.is_empty()).then(|| format!("{what} {}{more}", shown.join(", ")))
    };
    let calls = some(&stage.syscalls, "system calls");
    let records = some(&stage.record_types, "records");
    let parts: Vec<String> = calls.into_iter().chain(records).collect();
    if parts.is_empty() {
        return "nothing that we know to be audited can satisfy it".to_owned();
    }
    format!("nothing logged satisfies it; it could come from {}", parts.join("; "))
}
