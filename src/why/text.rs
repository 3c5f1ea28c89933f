//! [`Answer`] → a page for people. Text from logs and rule files is escaped here.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value as Json;

use super::answer::{
    Answer, Candidate, EndInfo, EventInfo, KeyValue, Nearest, Refusal, StageInfo, WantInfo,
};
use crate::escape::{escape, one_character};

/// Longest line of a query shown; what is underlined stays in sight.
const MAX_LINE: usize = 88;
/// Longest value, command line or bracket shown; JSON has it whole.
const MAX_VALUE: usize = 60;
const MAX_DETAIL: usize = 100;
/// Longest test shown in a list.
const MAX_TEST: usize = 70;
/// Tests listed of a stage; JSON has all.
const MAX_TESTS: usize = 16;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();

impl Answer {
    /// The page, with terminal colours; strip them where none are wanted.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        self.stages(&mut out);
        for (number, nearest) in self.nearest.iter().enumerate() {
            self.nearest(&mut out, nearest, number);
        }
        if self.more {
            out.push_str("\nmore keys came near, see --limit\n");
        }
        out
    }

    fn head(&self, out: &mut String) {
        let kind = self.rule.kind;
        let span = self.rule.maxspan.as_ref().map(|span| format!(", within {span}"));
        let _ = writeln!(
            out,
            "{BOLD}{}{BOLD:#}  ({kind}{})",
            escape(&self.rule.name),
            span.unwrap_or_default()
        );
        let log = &self.log;
        let times = match (&log.first, &log.last) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        let _ = writeln!(out, "{DIM}{}{times}{DIM:#}", plural(log.events, "event"));
        let found = &self.found;
        match (found.alerts, found.matches) {
            (0, 0) => {
                let _ = writeln!(out, "{BAD}did not fire{BAD:#}");
            }
            (0, held) => {
                let held = plural(held, "match");
                let _ = writeln!(out, "{BAD}did not fire{BAD:#}: a pipe left out {held}");
            }
            (alerts, matches) => {
                let _ = write!(out, "{GOOD}fired{GOOD:#}: {}", plural(alerts, "alert"));
                if matches > alerts {
                    let _ =
                        write!(out, " of {}, a pipe left out the rest", plural(matches, "match"));
                }
                if found.keys.is_empty() {
                    out.push_str(", none with this key");
                }
                out.push('\n');
            }
        }
        for key in &found.keys {
            let more = key.alerts.saturating_sub(key.ids.len() as u64);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let keys = if key.keys.is_empty() { String::new() } else { key_text(&key.keys) + "  " };
            let ids = key.ids.join(" ");
            let _ = writeln!(out, "  {keys}{DIM}{} {ids}{more}{DIM:#}", clock(&key.last));
        }
        if log.losses {
            let told = match (log.late, log.evicted) {
                (0, 0) => String::new(),
                (late, 0) => format!(": {} late", plural(late, "event")),
                (0, evicted) => {
                    format!(": {} given up for lack of memory", plural(evicted, "partial"))
                }
                (late, evicted) => format!(
                    ": {} late, {} given up for lack of memory",
                    plural(late, "event"),
                    plural(evicted, "partial")
                ),
            };
            let _ = writeln!(
                out,
                "the log has losses{told}; an event may be missing or in the wrong place"
            );
        }
    }

    fn stages(&self, out: &mut String) {
        out.push('\n');
        for stage in &self.stages {
            let category = stage
                .category
                .as_deref()
                .map_or_else(String::new, |name| format!("{} ", escape(name)));
            let number = match stage.role {
                "until" => "until".to_owned(),
                _ if self.rule.kind == "event" => String::new(),
                _ => format!("{:<5}", stage.stage),
            };
            let of = format!("{} of {} {category}events", stage.satisfied, stage.of_category);
            let eql = shorten(&one_line(&stage.eql), MAX_TEST);
            let must = stage.role == "stage" && stage.satisfied == 0;
            let style = if must { BAD } else { Style::new() };
            let _ = writeln!(out, "{BOLD}{number}{BOLD:#} {style}{of}{style:#}  {DIM}{eql}{DIM:#}");
            facts(out, stage, self.rule.kind);
            if must {
                tests(out, stage);
            }
        }
    }

    fn nearest(&self, out: &mut String, nearest: &Nearest, number: usize) {
        let single = self.rule.kind == "event";
        out.push('\n');
        if nearest.end.kind == "never_begun" {
            let what = if single { "events that came nearest" } else { "nothing began" };
            let keys = match nearest.keys.is_empty() {
                true => String::new(),
                false => format!(" for {}", key_text(&nearest.keys)),
            };
            let _ = writeln!(out, "{BOLD}{what}{keys}{BOLD:#}");
        } else {
            let keys = match nearest.keys.is_empty() {
                true => "without a key".to_owned(),
                false => key_text(&nearest.keys),
            };
            let (reached, of) = (nearest.reached, nearest.of);
            let _ = writeln!(out, "{BOLD}{}. {keys}{BOLD:#}  {reached} of {of}", number + 1);
        }
        if !nearest.alerts.is_empty() {
            let ids = nearest.alerts.join(" ");
            let _ = writeln!(out, "     the key has also fired: {ids}");
        }
        for event in &nearest.events {
            let _ = writeln!(out, "  {:>2} {}", event.stage, event_text(&event.event));
        }
        let fits = nearest.wants.iter().any(|want| want.too_late.is_some());
        if let Some(end) = self.end(&nearest.end, fits, nearest.reached == nearest.of) {
            let _ = writeln!(out, "     {end}");
        }
        for want in &nearest.wants {
            self.want(out, want, nearest);
        }
    }

    fn end(&self, end: &EndInfo, too_late: bool, full: bool) -> Option<String> {
        let span = self.rule.maxspan.as_deref().unwrap_or_default();
        let by = end
            .by
            .as_ref()
            .map_or_else(String::new, |event| format!("\n     {}", event_text(event)));
        let deadline = end.deadline.as_deref().map_or("", clock);
        Some(match end.kind {
            "never_begun" => return None,
            _ if full && self.rule.kind == "sample" => {
                "one event stands for several items; a sample needs one for each".to_owned()
            }
            "expired" if too_late => format!("its {span} were over at {deadline}"),
            "expired" => format!("nothing that fits came within {span}, until {deadline}"),
            "log_ended" if end.deadline.is_some() => {
                format!("the log ended before its {span} were over, at {deadline}")
            }
            "log_ended" => "the log ended while it waited".to_owned(),
            "cut" => format!("ended by {BAD}until{BAD:#}:{by}"),
            "rejected" => {
                let stage = end.stage.map_or_else(String::new, |stage| format!(" {stage}"));
                format!("{BAD}rejected{BAD:#}: what stage{stage} forbids did happen:{by}")
            }
            "replaced" => "a newer start with the same key took its place".to_owned(),
            "evicted" => {
                format!("{BAD}given up{BAD:#} for lack of memory, see --state-limit")
            }
            other => other.to_owned(),
        })
    }

    fn want(&self, out: &mut String, want: &WantInfo, nearest: &Nearest) {
        let single = self.rule.kind == "event";
        let begun = nearest.end.kind != "never_begun";
        let of_key = if nearest.keys.is_empty() { "" } else { " of this key" };
        let stage = self.stages.iter().find(|stage| stage.stage == want.stage);
        if !single {
            let eql = stage.map_or_else(String::new, |stage| one_line(&stage.eql));
            let eql = shorten(&eql, MAX_DETAIL);
            let _ = writeln!(out, "  {:>2} {DIM}wanted: {eql}{DIM:#}", want.stage);
        }
        let mut any = false;
        let mut tell = |out: &mut String, what: &str, candidate: &Candidate| {
            any = true;
            let _ = writeln!(out, "     {BAD}{what}{BAD:#}  {}", event_text(&candidate.event));
            self.details(out, candidate);
        };
        if let Some(late) = &want.too_late {
            let over =
                late.over_ms.map_or_else(String::new, |over| format!(" by {}", span_text(over)));
            tell(out, &format!("too late{over}"), late);
        }
        if let Some(found) = &want.out_of_order {
            tell(out, "out of order", found);
        }
        if let Some(found) = &want.fits {
            tell(out, "fits, but it was gone", found);
        }
        if let Some(found) = &want.too_early {
            tell(out, "too early", found);
        }
        // What others do says something about this key only when they belong together, or when there is
        // nothing better.
        let related = want.other_key.iter().find(|found| found.related);
        let nothing_better = want.near.is_empty() || !begun;
        let other = related.or(want.other_key.first().filter(|_| nothing_better));
        if let Some(found) = other {
            tell(out, "other key", found);
        }
        want.near.iter().for_each(|found| tell(out, "refused", found));
        let more = want.of_key.saturating_sub(want.near.len() as u64);
        if more > 0 && !want.near.is_empty() && !single {
            let _ = writeln!(out, "     {DIM}and {}{of_key}{DIM:#}", plural(more, "more event"));
        }
        if !any {
            let category = stage.and_then(|stage| stage.category.as_deref());
            let category = category.map_or_else(String::new, |name| format!("{} ", escape(name)));
            let _ = writeln!(out, "     no {category}event{of_key} came");
        }
    }

    fn details(&self, out: &mut String, candidate: &Candidate) {
        for key in &candidate.keys {
            let field = escape(&key.field);
            let found = match key.found.as_slice() {
                [] => "is missing".to_owned(),
                values => format!("is {}", values_text(values)),
            };
            if key.same {
                let _ = writeln!(out, "         {DIM}{field} {found}: the same{DIM:#}");
                continue;
            }
            if key.wanted.is_null() && key.found.is_empty() {
                let _ = writeln!(out, "         {field} {found}: without it there is no key");
                continue;
            }
            let wanted = value_text(&key.wanted);
            let _ = write!(out, "         {field} {found}, wanted {wanted}");
            if !key.elsewhere.is_empty() {
                let _ = write!(out, " which is its {}", escape(&key.elsewhere.join(", ")));
            }
            out.push('\n');
        }
        let mut left = candidate.refused.as_slice();
        while let Some((first, rest)) = left.split_first() {
            let line = first.span.and_then(|span| whole_line(&self.rule.query, span));
            let same = |refusal: &&Refusal| {
                let span = refusal.span.and_then(|span| whole_line(&self.rule.query, span));
                line.is_some() && span == line
            };
            let more = rest.iter().take_while(same).count();
            self.refusal(out, left.get(..=more).unwrap_or_default());
            left = rest.get(more..).unwrap_or_default();
        }
    }

    /// Tests that refused, all on one line of the query.
    fn refusal(&self, out: &mut String, refusals: &[Refusal]) {
        let values = refusals.iter().flat_map(|refusal| &refusal.values);
        let mut notes: Vec<String> = Vec::new();
        for field in values {
            let name = escape(&field.field);
            let note = match field.values.as_slice() {
                [] => format!("{name} is missing"),
                values => format!("{name} is {}", values_text(values)),
            };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let spans: Vec<[usize; 2]> = refusals.iter().filter_map(|refusal| refusal.span).collect();
        if spans.is_empty() {
            out.push_str("         a filter of the rule file refuses it\n");
            return;
        }
        let (line, marks) = underline(&self.rule.query, &spans);
        let _ = writeln!(out, "         {line}\n         {BAD}{marks}{BAD:#} {}", notes.join("; "));
    }
}

/// What is odd about the events of a stage.
fn facts(out: &mut String, stage: &StageInfo, kind: &str) {
    if stage.without_key > 0 {
        let first = stage.first_without_key.as_ref().map_or_else(String::new, event_text);
        let _ = writeln!(
            out,
            "      {BAD}{} without the join key{BAD:#}, such as {first}",
            stage.without_key
        );
    }
    if kind == "sequence" && stage.role == "stage" && stage.alone > 0 {
        let _ = writeln!(out, "      {} found nothing of the same key to continue", stage.alone);
    }
    if stage.late > 0 {
        let _ = writeln!(out, "      {} came out of order", stage.late);
    }
}

/// What each test of a stage let pass.
fn tests(out: &mut String, stage: &StageInfo) {
    if stage.of_category == 0 {
        return;
    }
    for test in stage.tests.iter().take(MAX_TESTS) {
        let style = if test.passed == 0 { BAD } else { Style::new() };
        let _ = write!(
            out,
            "      {style}{:>7} of {}{style:#}  {}",
            test.passed,
            stage.of_category,
            shorten(&one_line(&test.eql), MAX_TEST)
        );
        let absent = test.fields.iter().filter(|field| field.present == 0);
        let absent: Vec<String> = absent.map(|field| escape(&field.field)).collect();
        if !absent.is_empty() {
            let _ = write!(out, "   {BAD}no event has {}{BAD:#}", absent.join(" or "));
        }
        out.push('\n');
    }
    let more = stage.tests.len().saturating_sub(MAX_TESTS);
    if more > 0 {
        let _ = writeln!(out, "      and {}", plural(more as u64, "more test"));
    }
}

fn event_text(event: &EventInfo) -> String {
    let mut out = format!("{DIM}{}{DIM:#}", clock(&event.time));
    if let Some(serial) = &event.serial {
        let _ = write!(out, " {DIM}#{}{DIM:#}", plain(serial));
    }
    let action = event.action.as_deref().unwrap_or("?");
    let _ = write!(out, "  {}", escape(action));
    if let Some(process) = &event.process {
        let _ = write!(out, "  {}", escape(process));
    }
    if let Some(pid) = &event.pid {
        let _ = write!(out, " {DIM}({}){DIM:#}", plain(pid));
    }
    if let Some(detail) = &event.detail {
        let _ = write!(out, "  {}", shorten(&escape(detail), MAX_DETAIL));
    }
    out
}

fn key_text(keys: &[KeyValue]) -> String {
    let columns = keys.iter().map(|key| {
        let value = shorten(&plain(&key.value), MAX_VALUE);
        format!("{} {value}", escape(&key.field))
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// A value without quotes.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => escape(text),
        other => other.to_string(),
    }
}

/// A value as it would stand in a query.
fn value_text(value: &Json) -> String {
    match value {
        Json::String(text) => format!("\"{}\"", shorten(&escape(text), MAX_VALUE)),
        other => other.to_string(),
    }
}

fn values_text(values: &[Json]) -> String {
    values.iter().map(value_text).collect::<Vec<_>>().join(", ")
}

/// The time of day of a timestamp.
fn clock(time: &str) -> &str {
    time.split_once('T').map_or(time, |(_, clock)| clock.trim_end_matches('Z'))
}

fn one_line(text: &str) -> String {
    escape(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A length of time for people: seconds with milliseconds up to a minute, then whole units.
fn span_text(millis: i64) -> String {
    let (seconds, rest) = (millis / 1000, millis % 1000);
    match seconds {
        0 => format!("{rest}ms"),
        1..60 if rest > 0 => format!("{seconds}.{rest:03}s"),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

fn plural(number: u64, word: &str) -> String {
    let ending = match number {
        1 => "",
        _ if word.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{number} {word}{ending}")
}

/// Where the line of a span begins, when the line is short enough to be shown as a whole.
fn whole_line(query: &str, [start, _]: [usize; 2]) -> Option<usize> {
    let line_start = query.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = query.get(line_start..)?.split(['\n', '\r']).next()?;
    (line.trim_start().chars().count() <= MAX_LINE).then_some(line_start)
}

/// The line of `query` on which the first span begins, and the marks below the spans that are on it. A
/// long line is cut so that the first span stays in sight.
fn underline(query: &str, spans: &[[usize; 2]]) -> (String, String) {
    let start = spans.first().map_or(0, |[start, _]| *start);
    let before = query.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = query.get(line_start..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    let places: Vec<(usize, usize)> =
        spans.iter().map(|span| place(query, line_start, *span)).collect();
    let (at, width) = places.first().copied().unwrap_or_default();
    // One character each, so that marks stand below what they mark.
    let shown: Vec<char> =
        line.chars().map(|c| if c == '\t' { ' ' } else { one_character(c) }).collect();
    let indent = shown.iter().take_while(|c| **c == ' ').count().min(at);
    let from = match at + width <= indent + MAX_LINE {
        true => indent,
        false => at.min((at + width).saturating_sub(MAX_LINE * 3 / 4).max(indent)),
    };
    let cut = shown.get(from..).unwrap_or_default();
    let lead = if from > indent { "…" } else { "" };
    let mut text = lead.to_owned();
    text.extend(cut.iter().take(MAX_LINE));
    if cut.len() > MAX_LINE {
        text.push('…');
    }
    let mut marks = String::new();
    for (at, width) in places {
        let column = at.saturating_sub(from) + lead.chars().count();
        let blank = column.saturating_sub(marks.chars().count());
        let width = width.min((MAX_LINE + lead.chars().count()).saturating_sub(column)).max(1);
        marks.push_str(&" ".repeat(blank));
        marks.push_str(&"^".repeat(width));
    }
    (text, marks)
}

/// Where a span stands on its line, and how long it is there, in characters.
fn place(query: &str, line_start: usize, [start, end]: [usize; 2]) -> (usize, usize) {
    let at = query.get(line_start..start).unwrap_or_default().chars().count();
    let marked = query.get(start..end).unwrap_or_default().split(['\n', '\r']).next();
    (at, marked.unwrap_or_default().chars().count())
}

#[cfg(test)]
mod tests {
    use super::underline;

    #[test]
    fn marks_stand_below_what_they_mark() {
        let query = "sequence\n  [process where ü == \"a\" and b]";
        let start = query.find("b]").unwrap();
        let (line, marks) = underline(query, &[[start, start + 1]]);
        assert_eq!(line, "[process where ü == \"a\" and b]");
        assert_eq!(marks, format!("{}^", " ".repeat(28)));
    }

    #[test]
    fn a_long_line_is_cut_round_the_mark() {
        let query =
            format!("any where {} and last == 1 and {}", "x ".repeat(100), "y ".repeat(100));
        let start = query.find("last").unwrap();
        let (line, marks) = underline(&query, &[[start, start + 9]]);
        let at = marks.chars().position(|c| c == '^').unwrap();
        let under: String = line.chars().skip(at).take(9).collect();
        assert_eq!((under.as_str(), marks.matches('^').count()), ("last == 1", 9));
        assert!(line.chars().count() < 92);
    }
}
