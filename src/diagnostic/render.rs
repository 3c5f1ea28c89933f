//! Diagnostics as text with underlined source, and as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::json;

use super::{Diagnostic, Severity};
use crate::span::position;

/// A text that diagnostics point into.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Path or other name, shown as given.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// Renders one problem with the lines it stands on; `color` adds terminal colours.
pub fn text(diagnostic: &Diagnostic, source: Source<'_>, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // Control characters in a rule file or its name must not reach the terminal; each becomes one
    // character, so that spans stay right.
    let shown = match diagnostic.labels.is_empty() {
        true => String::new(),
        false => tamed(source.text),
    };
    let (name, title) = (tamed(source.name), tamed(&diagnostic.title));
    let labels: Vec<String> = diagnostic.labels.iter().map(|label| tamed(&label.text)).collect();
    let help: Vec<String> = diagnostic.help.iter().map(|help| tamed(help)).collect();
    let title = level.primary_title(title.as_str()).id(diagnostic.code.as_str());
    let mut group = if diagnostic.labels.is_empty() {
        Group::with_title(title).element(annotate_snippets::Origin::path(name.as_str()))
    } else {
        let mut snippet = Snippet::source(shown.as_str()).path(name.as_str()).line_start(1);
        for (index, (label, text)) in diagnostic.labels.iter().zip(&labels).enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = shown_range(source.text, &shown, label.span.range());
            snippet = snippet.annotation(kind.span(range).label(text.as_str()));
        }
        title.element(snippet)
    };
    for help in &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// One problem as a JSON object: severity, code, title, file, line, column, labels, help, fix.
pub fn json(diagnostic: &Diagnostic, source: Source<'_>) -> serde_json::Value {
    let place = |offset: usize| position(source.text, offset);
    let start = diagnostic.primary().map(|span| place(span.start));
    json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "code": diagnostic.code.as_str(),
        "title": diagnostic.title,
        "file": source.name,
        "line": start.map(|p| p.line),
        "column": start.map(|p| p.column),
        "labels": diagnostic.labels.iter().map(|label| {
            let (from, to) = (place(label.span.start), place(label.span.end));
            json!({
                "line": from.line, "column": from.column,
                "end_line": to.line, "end_column": to.column,
                "start": label.span.start, "end": label.span.end,
                "text": label.text,
            })
        }).collect::<Vec<_>>(),
        "help": diagnostic.help,
        "fix": diagnostic.fix.as_ref().map(|fix| json!({
            "start": fix.span.start, "end": fix.span.end, "replacement": fix.replacement,
        })),
    })
}

/// Text that no terminal obeys.
pub(super) fn tamed(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// What is shown for a character: itself, or a picture of the control character.
fn visible(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(u32::from(c) + 0x2400).unwrap_or('?'),
        '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        _ => c,
    }
}

/// The range of `shown` that stands for `range` of `text`: same characters, maybe other lengths.
fn shown_range(text: &str, shown: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    if text.len() == shown.len() {
        return range.start.min(text.len())..range.end.min(text.len());
    }
    let at = |offset: usize| {
        let chars = text.char_indices().take_while(|(i, _)| *i < offset).count();
        shown.char_indices().nth(chars).map_or(shown.len(), |(i, _)| i)
    };
    at(range.start)..at(range.end)
}
