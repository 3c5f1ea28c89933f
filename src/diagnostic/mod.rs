//! What is wrong with a rule or a query: code, title, underlined text, help and, where known, a fix.
//!
//! In: problems found by `syntax`, `check` and `rule`, as values. Out: text for a terminal and JSON
//! ([`render`]), annotations of other tools ([`machine`]). This room knows no grammar, no rule format and no terminal.
//!
//! Style: titles and labels are lower case, without full stop or line break, the user's own words in
//! backticks, never a Rust name; what to write instead goes into help, not into the title.

mod catalogue;
mod machine;
mod nearest;
mod render;

pub use catalogue::{CODES, Code};
pub use machine::{Location, github, github_command, sarif};
pub use nearest::{nearest, nearest_name};
pub use render::{Source, json, text};

use crate::span::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rule is refused.
    Error,
    /// The rule runs, but likely not as meant.
    Warning,
}

/// A stretch of source text with a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What to underline.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

/// A replacement that mends the problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The text to take out.
    pub span: Span,
    /// The text to put there.
    pub replacement: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, the key of the explanations.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One short line.
    pub title: String,
    /// Underlined text, the most important first.
    pub labels: Vec<Label>,
    /// What to do about it, one paragraph each.
    pub help: Vec<String>,
    /// A change that would mend it.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A problem with its code's severity, without labels yet.
    pub fn new(code: Code, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            title: bounded(title.into()),
            labels: Vec::new(),
            help: Vec::new(),
            fix: None,
        }
    }

    /// Adds underlined text. The first one is the primary one.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: bounded(text.into()) });
        self
    }

    /// Adds a paragraph of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(bounded(text.into()));
        self
    }

    /// Sets the change that mends it.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into() });
        self
    }

    /// The span underlined first, if any.
    pub fn primary(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Words of the user may be of any length; a message may not.
fn bounded(mut text: String) -> String {
    const MOST: usize = 160;
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push('…');
    }
    text
}
