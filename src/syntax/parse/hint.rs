//! What the writer likely meant where the grammar could not go on.
//!
//! In: the text, the token that does not fit and what could have stood there. Out: a line of help, or
//! nothing: better none than a wrong one. Looks at a few characters around the token only.

use super::Rule;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::syntax::KEYWORDS;

/// Adds what helps.
pub(super) fn with_help(
    problem: Diagnostic,
    source: &str,
    span: Span,
    rules: &[Rule],
) -> Diagnostic {
    let place = Place::new(source, span, rules);
    let (found, lower) = (place.found, place.found.to_ascii_lowercase());
    if found != lower && KEYWORDS.contains(&lower.as_str()) {
        if let Some(word) = place.query_word_in_capitals() {
            return problem.help(format!("keywords are lower case: `{word}`"));
        }
        return problem.help(format!("keywords are lower case: `{lower}`")).fix(span, lower);
    }
    // `NOT a`: a name to the grammar, so that it stumbles over what is behind.
    let word = place.last_word();
    let lower = word.to_ascii_lowercase();
    if word != lower && KEYWORDS.contains(&lower.as_str()) && !place.glued {
        let end = place.before.len();
        let problem = problem.help(format!("keywords are lower case: `{lower}`"));
        return problem.fix(Span::new(end - word.len(), end), lower);
    }
    if place.is_keyword_as_name() {
        return problem
            .help(format!("`{found}` is a keyword; as part of a name write it in backticks"))
            .fix(span, format!("`{found}`"));
    }
    if let Some(help) = place.bracket() {
        return problem.help(help);
    }
    if let Some(help) = place.unquoted() {
        return problem.help(help);
    }
    if rules.contains(&Rule::r#where) || rules.contains(&Rule::query_file) {
        return match (language(source), rules.contains(&Rule::r#where)) {
            (Some(language), _) => problem.help(format!(
                "this looks like {language}; a query of EQL begins with `process where ..`, \
                 `any where ..`, `sequence` or `sample`"
            )),
            (None, true) => problem.help(
                "a condition needs an event category before it: `process where ..` or \
                 `any where ..`",
            ),
            (None, false) => problem,
        };
    }
    match place.between() {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// The token that does not fit, and what is around it.
struct Place<'a> {
    found: &'a str,
    /// Everything in front of it, without blanks at the end.
    before: &'a str,
    /// Everything behind it.
    behind: &'a str,
    /// The same without blanks at the beginning.
    after: &'a str,
    /// Nothing but the token's own end stands between it and what is in front.
    glued: bool,
    rules: &'a [Rule],
}

impl<'a> Place<'a> {
    fn new(source: &'a str, span: Span, rules: &'a [Rule]) -> Self {
        let before = source.get(..span.start).unwrap_or("");
        let trimmed = before.trim_end();
        let behind = source.get(span.end..).unwrap_or("");
        Self {
            found: span.text(source),
            before: trimmed,
            behind,
            after: behind.trim_start(),
            glued: trimmed.len() == before.len(),
            rules,
        }
    }

    fn can_be(&self, rules: &[Rule]) -> bool {
        rules.iter().any(|rule| self.rules.contains(rule))
    }

    fn is_word(&self) -> bool {
        self.found.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    }

    /// The word that ends in front of the token.
    fn last_word(&self) -> &'a str {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@');
        self.before.get(self.before.trim_end_matches(is_part).len()..).unwrap_or("")
    }

    /// `SEQUENCE BY`: the first of the two is the one that was not understood.
    fn query_word_in_capitals(&self) -> Option<String> {
        let word = self.before.to_ascii_lowercase();
        let is_query = matches!(word.as_str(), "sequence" | "sample" | "join");
        (self.can_be(&[Rule::r#where]) && is_query).then_some(word)
    }

    fn is_keyword_as_name(&self) -> bool {
        let name_expected = self.can_be(&[
            Rule::ident,
            Rule::quoted,
            Rule::field,
            Rule::expr,
            Rule::sum,
            Rule::operand,
        ]);
        let likely_name = self.before.ends_with('.')
            || matches!(self.found, "sequence" | "sample" | "join" | "of");
        name_expected && likely_name && KEYWORDS.contains(&self.found)
    }

    /// Where the bracket of an item could stand.
    fn bracket(&self) -> Option<String> {
        if self.found == "[" {
            return if self.can_be(&[Rule::list]) {
                Some("a list stands in round brackets: `(\"a\", \"b\")`".to_owned())
            } else if self.can_be(&[Rule::query_file]) {
                Some("brackets belong to `sequence` and `sample`".to_owned())
            } else {
                None
            };
        }
        if !self.can_be(&[Rule::item, Rule::bracket_open]) {
            return None;
        }
        let found = self.found;
        let is_event = self.after.starts_with("where") || found.starts_with('"');
        Some(match found {
            "(" => "every event of a sequence stands in square brackets: `[process where ..]`"
                .to_owned(),
            "maxspan" => "write `with maxspan=..`".to_owned(),
            "runs" => "write `with runs=..`".to_owned(),
            "," | "-" | "then" | "and" | "followed" | "followed_by" => {
                "brackets follow each other with nothing between them: `[..] [..]`".to_owned()
            }
            "where" => {
                let word = self.last_word();
                format!(
                    "`{word}` is a keyword; as a category write it in quotes: `\"{word}\" where ..`"
                )
            }
            _ if is_event => {
                format!("every event of a sequence stands in brackets: `[{found} where ..]`")
            }
            _ if self.is_word() && matches!(self.last_word(), "sequence" | "sample") => {
                let key: String = self.key().chars().take(40).collect();
                format!("join keys stand behind `by`: `{} by {key}`", self.last_word())
            }
            _ => return None,
        })
    }

    /// The field that begins with the token.
    fn key(&self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let rest = self.behind.find(|c| !is_part(c)).unwrap_or(self.behind.len());
        format!("{}{}", self.found, self.behind.get(..rest).unwrap_or(""))
    }

    /// Text or an address without quotes, a number with a unit.
    fn unquoted(&self) -> Option<String> {
        let behind_match = self.before.ends_with([':', '*'])
            || ["like", "like~", "regex", "regex~"].contains(&self.last_word());
        let value =
            self.can_be(&[Rule::expr, Rule::primary, Rule::field, Rule::string, Rule::operand]);
        if value
            && behind_match
            && matches!(self.found, "*" | "/" | "." | "%" | "\\" | "" | ")" | "and" | "or")
        {
            return Some("text stands in double quotes: `: \"foo*\"`".to_owned());
        }
        let word = self.last_word();
        let behind_number = self.glued && word.starts_with(|c: char| c.is_ascii_digit());
        if behind_number && self.found == "." {
            return Some("addresses and versions are text: `\"10.0.0.1\"`".to_owned());
        }
        if behind_number && self.is_word() {
            return Some("numbers have no unit here; write the plain number".to_owned());
        }
        None
    }

    /// Where an operator could stand.
    fn between(&self) -> Option<String> {
        if !self.can_be(&[Rule::compare_sign, Rule::and, Rule::or, Rule::in_word, Rule::match_word])
        {
            return None;
        }
        if self.is_word()
            && let Some(help) = operator(&self.found.to_ascii_lowercase())
        {
            return Some(help.to_owned());
        }
        if self.last_word() == "not" {
            return Some("`not` stands in front of a whole condition: `and not ..`".to_owned());
        }
        let listed = self.can_be(&[Rule::list, Rule::comma]) || self.can_be(&[Rule::paren_close]);
        Some(
            match self.found {
                "," if listed => "a list stands behind `in`, `:`, `like` or `regex`",
                "," => "conditions are joined by `and` or `or`",
                found if found.starts_with('"') && listed => {
                    "values of a list are separated by commas"
                }
                "(" => "conditions are joined by `and` or `or`",
                found if found.starts_with('"') => {
                    "an operator belongs in front of the text: `==` or `:`"
                }
                _ if self.is_word() && self.after.starts_with(['.', ':', '=', '!', '<', '>']) => {
                    "conditions are joined by `and` or `or`"
                }
                _ => return None,
            }
            .to_owned(),
        )
    }
}

/// What EQL has for a word that is an operator elsewhere.
fn operator(word: &str) -> Option<&'static str> {
    Some(match word {
        "contains" | "has" | "icontains" => {
            "write `a : \"*text*\"`, which ignores case, or `stringContains(a, \"text\")`"
        }
        "startswith" | "hasprefix" | "istartswith" => {
            "write `a : \"text*\"`, which ignores case, or `startsWith(a, \"text\")`"
        }
        "endswith" | "hassuffix" | "iendswith" => {
            "write `a : \"*text\"`, which ignores case, or `endsWith(a, \"text\")`"
        }
        "matches" | "match" | "rlike" | "re" => {
            "write `a regex \"..\"`, or `a : \"text*\"` for wildcards"
        }
        "ilike" => "write `a like~ \"text*\"`, which ignores case",
        "is" => "write `a == null` or `a != null`",
        "exists" => "write `a != null`",
        "eq" | "equals" => "write `a == \"text\"`",
        "ne" | "neq" => "write `a != \"text\"`",
        "between" => "write `a >= 1 and a <= 5`",
        "xor" => "write `(a or b) and not (a and b)`",
        _ => return None,
    })
}

/// The language that a text seems to be written in, by its first word.
fn language(source: &str) -> Option<&'static str> {
    let text = source.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let rest = rest.trim_start();
    match (word.to_ascii_lowercase().as_str(), rest.chars().next()) {
        ("from" | "row", Some(c)) if c != '.' && c != ':' => Some("ES|QL"),
        ("select", Some(_)) => Some("SQL"),
        ("index" | "sourcetype" | "search", Some('=' | '*' | '"')) => Some("SPL"),
        ("title" | "detection" | "logsource" | "selection", Some(':')) => Some("a rule of Sigma"),
        (_, Some('|')) => Some("another language with pipes"),
        (_, Some('.' | ':')) if is_kuery(text) => Some("KQL"),
        _ => None,
    }
}

/// `a.b: c`
fn is_kuery(text: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@');
    text.trim_start_matches(name).trim_start().starts_with(':')
}
