//! Text of a rule file → the same text with its query in canonical layout.
//!
//! In: TOML rule files and bare queries, as text. Out: new text, or the reason why there is none. Of
//! a TOML file only the string of `rule.query` changes; every other byte stays. Every comment of the
//! query stays, and the layout is only handed out after it has been read again and found to mean the
//! same. Nothing here opens a file.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::file::load_text;
use super::outcome::Problem;
use crate::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::plan::{LogicHash, logic_hash};
use crate::schema::Schema;
use crate::syntax::{self, ast::Ast};

/// How the text of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A query and nothing else.
    Query,
    /// TOML with a query in `rule.query`.
    Toml,
}

impl Form {
    /// By the name of a file: `.eql` is a query, `.toml` TOML; `None` for any other name.
    pub fn of_name(name: &str) -> Option<Self> {
        match Path::new(name).extension()?.to_str()? {
            "eql" => Some(Self::Query),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// By the text itself: TOML with a table `rule` is a rule file, anything else a query.
    pub fn of_text(text: &str) -> Self {
        let rule = toml::from_str::<toml::Table>(text.strip_prefix(MARK).unwrap_or(text))
            .is_ok_and(|table| table.contains_key("rule"));
        if rule { Self::Toml } else { Self::Query }
    }
}

/// What editors of some systems put before the first character.
const MARK: char = '\u{feff}';

/// What formatting came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formatted {
    /// The layout is canonical already.
    Same,
    /// The new text.
    Changed(String),
    /// TOML without an EQL query: not a rule of ours.
    NoQuery,
}

/// Why a text is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It has errors; at least one.
    #[error("the query has errors")]
    Problems(Vec<Problem>),
    /// It is a rule of a format whose layout is not ours to choose, or nothing we know.
    #[error("neither a query nor TOML with a query")]
    Unknown,
    /// In canonical layout the query would be longer than a query can be.
    #[error("laid out, the query would be too long to be read again")]
    TooLong,
    /// What was printed does not mean what was read. This is a mistake of this program.
    #[error("laid out, the query would not mean the same; please report this")]
    Unfaithful,
}

/// Lays out the query of `text`; `name` is used in problems.
///
/// Laying out the result again changes nothing. A byte order mark in front stays where it is.
///
/// # Errors
///
/// A text that is not TOML, or a query that does not parse and check, is refused with all its
/// problems. See [`FormatError`] for the rest.
pub fn format(
    name: &str,
    text: &str,
    form: Form,
    schema: &Schema,
) -> Result<Formatted, FormatError> {
    let Some(text) = text.strip_prefix(MARK) else { return unmarked(name, text, form, schema) };
    Ok(match unmarked(name, text, form, schema)? {
        Formatted::Changed(new) => Formatted::Changed(format!("{MARK}{new}")),
        same => same,
    })
}

fn unmarked(name: &str, text: &str, form: Form, schema: &Schema) -> Result<Formatted, FormatError> {
    let new = match form {
        Form::Query => {
            let read = Read::of(text, schema)
                .ok_or_else(|| problems(&format!("{name}.eql"), name, text, schema))?;
            with_line_ends(&read.laid_out(schema)?, line_end(text))
        }
        Form::Toml => {
            let refused = || problems(name, name, text, schema);
            let file: File = toml::from_str(text).map_err(|_| refused())?;
            let Some(query) = file.query() else { return Ok(Formatted::NoQuery) };
            let span = query.span();
            let (Some(before), Some(written), Some(after)) =
                (text.get(..span.start), text.get(span.clone()), text.get(span.end..))
            else {
                return Err(FormatError::Unfaithful);
            };
            let read = Read::of(query.get_ref(), schema).ok_or_else(refused)?;
            let printed = read.laid_out(schema)?;
            let string = toml_string(written, &printed);
            let new = [before, &with_line_ends(&string, line_end(text)), after].concat();
            // The string must hold exactly what was printed.
            let again: File = toml::from_str(&new).map_err(|_| FormatError::Unfaithful)?;
            let held = again.query().map(|query| query.get_ref().replace("\r\n", "\n"));
            if held.as_deref().map(str::trim_end) != Some(printed.trim_end()) {
                return Err(FormatError::Unfaithful);
            }
            new
        }
    };
    Ok(if new == text { Formatted::Same } else { Formatted::Changed(new) })
}

/// What is wrong with a text, as loading it says; `loaded_as` decides how it is read.
fn problems(loaded_as: &str, name: &str, text: &str, schema: &Schema) -> FormatError {
    let mut problems = load_text(loaded_as, text.to_owned(), schema).problems;
    problems.retain(|problem| problem.diagnostic.severity == Severity::Error);
    // Metadata is not what is laid out.
    let metadata = |problem: &Problem| problem.diagnostic.code == Code::RuleKey;
    if !problems.iter().all(metadata) {
        problems.retain(|problem| !metadata(problem));
    }
    for problem in &mut problems {
        if problem.file == loaded_as {
            name.clone_into(&mut problem.file);
        }
    }
    if problems.is_empty() { FormatError::Unknown } else { FormatError::Problems(problems) }
}

/// A query that has been read and checked.
struct Read {
    ast: Ast,
    logic: LogicHash,
}

impl Read {
    fn of(text: &str, schema: &Schema) -> Option<Self> {
        let ast = syntax::parse(text).ok()?;
        let (query, _) = check::check(&ast, schema, &check::Options::default()).ok()?;
        Some(Self { logic: logic_hash(&query), ast })
    }

    /// The canonical layout, once it has been read again.
    fn laid_out(&self, schema: &Schema) -> Result<String, FormatError> {
        let printed = syntax::print(&self.ast).replace("\r\n", "\n");
        if printed.len() > syntax::Limits::default().length {
            return Err(FormatError::TooLong);
        }
        // A number can have more parts in its canonical form.
        let too_large = |problems: &[Diagnostic]| problems.iter().all(|p| p.code == Code::TooLarge);
        if syntax::parse(&printed).is_err_and(|problems| too_large(&problems)) {
            return Err(FormatError::TooLong);
        }
        let again = Self::of(&printed, schema).ok_or(FormatError::Unfaithful)?;
        let same = again.logic == self.logic
            && again.comments().eq(self.comments())
            && syntax::print(&again.ast) == printed;
        if same { Ok(printed) } else { Err(FormatError::Unfaithful) }
    }

    /// Line ends follow the file, and blanks at the end of a line are not part of a comment.
    fn comments(&self) -> impl Iterator<Item = String> {
        self.ast.comments.iter().map(|c| c.text.replace("\r\n", "\n").trim_end().to_owned())
    }
}

/// The line end of a text: that of its first line.
fn line_end(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((line, _)) if line.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

fn with_line_ends(text: &str, line_end: &str) -> String {
    if line_end == "\n" { text.to_owned() } else { text.replace('\n', line_end) }
}

/// The query as a TOML string of the form it was `written` in, if that can hold it; else of the
/// nearest form that can. `printed` ends in a line end.
fn toml_string(written: &str, printed: &str) -> String {
    let line = printed.trim_end();
    let triple = written.starts_with("'''") || written.starts_with("\"\"\"");
    let opened = written.get(3..).unwrap_or("").trim_start_matches('\r').starts_with('\n');
    // What stands on one line stays there as long as the query has one line.
    let one_line = !(line.contains('\n') || triple && opened);
    let literal = line.chars().all(|c| c == '\n' || !needs_escape(c));
    let basic = written.starts_with('"');
    match (basic, triple) {
        (false, true) if one_line && literal && !line.contains("'''") && !line.ends_with('\'') => {
            format!("'''{line}'''")
        }
        (false, false) if one_line && literal && !line.contains('\'') => format!("'{line}'"),
        (true, false) if one_line => format!("\"{}\"", escaped(line).replace('"', "\\\"")),
        (true, true) if one_line && !line.contains("\"\"\"") && !line.ends_with('"') => {
            format!("\"\"\"{}\"\"\"", escaped(line))
        }
        _ if literal && !line.contains("'''") && !(basic && triple) => {
            format!("'''\n{printed}'''")
        }
        _ => {
            let text = escaped(printed).replace("\"\"\"", "\"\"\\\"");
            format!("\"\"\"\n{text}\"\"\"")
        }
    }
}

/// Control characters that TOML allows in no string.
fn needs_escape(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// With the escapes of TOML, but for quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push('\n'),
            c if needs_escape(c) => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The part of a rule file that is looked at.
#[derive(Debug, Deserialize)]
struct File {
    rule: Option<RuleTable>,
}

#[derive(Debug, Deserialize)]
struct RuleTable {
    #[serde(rename = "type")]
    kind: Option<toml::Value>,
    language: Option<toml::Value>,
    query: Option<Spanned<String>>,
}

impl File {
    /// The query, if it is one of ours.
    fn query(&self) -> Option<&Spanned<String>> {
        let rule = self.rule.as_ref()?;
        let ours = |value: &Option<toml::Value>| {
            value.as_ref().is_none_or(|value| value.as_str() == Some("eql"))
        };
        rule.query.as_ref().filter(|_| ours(&rule.kind) && ours(&rule.language))
    }
}
