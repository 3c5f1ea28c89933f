//! Diagnostics as text with underlined source, and as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::json;

use super::{Diagnostic, Severity};
use crate::escape::{escape, one_character};
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
        false => source.text.chars().map(one_character).collect(),
    };
    // Names, titles, labels and help quote what stands in the file.
    let name = escape(source.name);
    let title = escape(&diagnostic.title);
    let labels: Vec<String> = diagnostic.labels.iter().map(|label| escape(&label.text)).collect();
    let help: Vec<String> = diagnostic.help.iter().map(|help| paragraph(help)).collect();
    let title = level.primary_title(title.as_str()).id(diagnostic.code.as_str());
    let mut group = if diagnostic.labels.is_empty() {
        Group::with_title(title).element(annotate_snippets::Origin::path(name.as_str()))
    } else {
        let mut snippet = Snippet::source(shown.as_str()).path(name.as_str()).line_start(1);
        for (index, (label, shown_label)) in diagnostic.labels.iter().zip(&labels).enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = shown_range(source.text, &shown, label.span.range());
            snippet = snippet.annotation(kind.span(range).label(shown_label.as_str()));
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

/// Help may have lines of its own.
pub(super) fn paragraph(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// The range of `shown` that stands for `range` of `text`: same characters, maybe other lengths.
fn shown_range(text: &str, shown: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    // Not their lengths alone: what is longer and what is shorter may be as much.
    if text == shown && text.get(range.clone()).is_some() {
        return range;
    }
    let at = |offset: usize| {
        let chars = text.char_indices().take_while(|(i, _)| *i < offset).count();
        shown.char_indices().nth(chars).map_or(shown.len(), |(i, _)| i)
    };
    at(range.start)..at(range.end)
}

#[cfg(test)]
mod tests {
    use super::{Source, one_character, shown_range, text};
    use crate::diagnostic::{Code, Diagnostic};
    use crate::span::Span;

    #[test]
    fn spans_stay_right_where_characters_become_longer_and_others_shorter() {
        let text = "\x1b = é\u{e0001}\u{e0001}";
        let shown: String = text.chars().map(one_character).collect();
        assert_eq!((shown.len(), shown == text), (text.len(), false));
        let range = shown_range(text, &shown, 4..6);
        assert_eq!(shown.get(range), Some("é"));
        for (start, end) in [(0, 1), (4, 6), (5, 6), (6, 10), (7, 9), (10, 14), (3, 400)] {
            let problem = Diagnostic::new(Code::RuleFile, "x").label(Span::new(start, end), "here");
            super::text(&problem, Source { name: "a", text }, false);
        }
    }

    #[test]
    fn nothing_that_a_rule_file_says_reaches_the_terminal_raw() {
        let source = Source { name: "a\x1b[2J\u{202e}.toml", text: "x = \"\x1b\u{3164}y\" z" };
        let problem = Diagnostic::new(Code::RuleFile, "no `\x1b[31m\u{202e}`")
            .label(Span::new(11, 12), "here \u{9b}\u{200b}")
            .help("write `\x1b\u{feff}`");
        let place = Diagnostic::new(Code::RuleFile, "no place");
        for problem in [problem, place] {
            let shown = text(&problem, source, false);
            let raw: Vec<char> =
                shown.chars().filter(|c| *c != '\n' && crate::escape::is_unsafe(*c)).collect();
            assert_eq!(raw, [], "{shown}");
            assert!(shown.contains("a\\x1b[2J\\u{202e}.toml"), "{shown}");
        }
    }
}
