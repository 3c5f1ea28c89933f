//! The parser library's error → words.

use pest::error::{ErrorVariant, InputLocation};

use super::{Rule, hint};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::ast::Comment;

/// Names what stands at the place of the error, and what could stand there.
pub(super) fn in_words(
    source: &str,
    comments: &[Comment],
    error: &pest::error::Error<Rule>,
) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let span = token_at(source, comments, at);
    let found = span.text(source);
    let rules: &[Rule] = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => &[],
    };
    let expected = expected(rules);
    let title = match (found, span.start) {
        ("", _) if source.trim().is_empty() => "the query is empty".to_owned(),
        ("", _) => "the query ends too early".to_owned(),
        _ => format!("unexpected `{}`", found),
    };
    let label = match expected.as_str() {
        "" => "does not fit here".to_owned(),
        words => format!("expected {words}"),
    };
    let problem = Diagnostic::new(Code::Syntax, title).label(span, label);
    hint::with_help(problem, source, span, rules)
}

/// The token that begins at or behind `at`; empty at the end of the text.
fn token_at(source: &str, comments: &[Comment], at: usize) -> Span {
    let mut start = at;
    loop {
        let rest = source.get(start..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start().len();
        start += blanks;
        let next = comments.partition_point(|comment| comment.span.start < start);
        match comments.get(next) {
            Some(comment) if comment.span.start == start => start = comment.span.end,
            _ => break,
        }
    }
    let rest = source.get(start..).unwrap_or("");
    let first = rest.chars().next();
    let length = match first {
        None => 0,
        Some('"' | '`') => {
            let quote =
                if rest.starts_with("\"\"\"") { "\"\"\"" } else { rest.get(..1).unwrap_or("") };
            let inner = rest.get(quote.len()..).unwrap_or("");
            inner.find(quote).map_or(rest.len(), |end| end + 2 * quote.len())
        }
        Some(c) if c.is_alphanumeric() || matches!(c, '_' | '@') => rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(rest.len(), |end| end.max(c.len_utf8())),
        Some(c) => {
            let two = rest.get(..2).unwrap_or("");
            if matches!(two, "==" | "!=" | "<=" | ">=") { 2 } else { c.len_utf8() }
        }
    };
    Span::new(start, start + length)
}

/// The words for what the grammar could have read, most useful first, each once.
fn expected(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for (word, members) in WORDS {
        if rules.iter().any(|rule| members.contains(rule)) && !words.contains(word) {
            words.push(word);
        }
    }
    // Where a value can stand, so can brackets and signs; where an operator can, several kinds.
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Rules by the word for them. Refused forms are not among them.
const WORDS: &[(&str, &[Rule])] = &[
    ("an event category, `sequence` or `sample`", &[Rule::query_file]),
    ("`sequence`", &[Rule::sequence_word]),
    ("`sample`", &[Rule::sample_word]),
    ("an event category", &[Rule::category]),
    ("`where`", &[Rule::r#where]),
    (
        "a field or value",
        &[
            Rule::expr,
            Rule::comparison,
            Rule::sum,
            Rule::operand,
            Rule::field,
            Rule::string,
            Rule::number,
            Rule::call,
            Rule::group,
        ],
    ),
    ("a list in brackets", &[Rule::list]),
    (
        "an operator",
        &[Rule::compare_sign, Rule::and, Rule::or, Rule::add, Rule::in_word, Rule::match_word],
    ),
    ("`)`", &[Rule::paren_close]),
    ("`[`", &[Rule::bracket_open, Rule::item]),
    ("`]`", &[Rule::bracket_close]),
    ("a name", &[Rule::ident, Rule::quoted, Rule::pipe_name, Rule::option_name]),
    ("`by`", &[Rule::by, Rule::by_word]),
    ("`with`", &[Rule::with_word, Rule::option]),
    ("a length of time", &[Rule::option_value, Rule::unit]),
    ("`until`", &[Rule::until_word, Rule::until]),
    ("`|`", &[Rule::pipe]),
    ("the end of the query", &[Rule::EOI]),
];
