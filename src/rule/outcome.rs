//! What comes of loading: rules, problems, and what became of each rule.
//!
//! In: what was read from one file after another. Out: all of it as one, in order, no id twice.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::Rule;
use crate::diagnostic::{Code, Diagnostic, Location, Severity, Source};
use crate::span::{Span, position};

/// What came of loading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Rules that can run, in order of their files.
    pub rules: Vec<Rule>,
    /// Everything worth a message: errors refuse a rule, warnings do not.
    pub problems: Vec<Problem>,
    /// What became of every rule and every file that holds none, in order of their files.
    pub entries: Vec<Entry>,
    /// Where in `rules` an id is.
    by_id: HashMap<String, usize>,
    /// Where the id of the only rule stands in its file.
    pub(super) id_place: Option<(Arc<str>, Span)>,
}

/// A rule that was found and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, when it could be read.
    pub id: Option<String>,
    /// Its name; empty when it could not be read.
    pub name: String,
    /// The file.
    pub file: String,
    /// Line of the rule in its file, from 1.
    pub line: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It runs.
    Loaded {
        /// Warnings about it.
        warnings: usize,
    },
    /// It is no mistake, and does not run, for this reason.
    Disabled(String),
    /// It is refused; the problems say why.
    Rejected,
}

impl Loaded {
    /// One rule, or a file that holds none.
    pub(super) fn one(rule: Option<Rule>, problems: Vec<Problem>, entry: Entry) -> Self {
        let rules = rule.into_iter().collect();
        Self { rules, problems, entries: vec![entry], ..Self::default() }
    }

    /// Whether some rule was refused.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.diagnostic.severity == Severity::Error)
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        let severities = self.problems.iter().map(|problem| problem.diagnostic.severity);
        severities.filter(|severity| *severity == Severity::Warning).count()
    }

    /// Adds another batch; a rule whose id is taken is refused.
    pub fn merge(&mut self, other: Self) {
        let Self { rules, problems, mut entries, id_place, .. } = other;
        self.problems.extend(problems);
        // Rules stand in the order of their entries.
        let mut own = entries.iter_mut();
        for rule in rules {
            let entry = own.find(|entry| matches!(entry.outcome, Outcome::Loaded { .. }));
            let taken = self.by_id.get(&rule.id).and_then(|index| self.rules.get(*index));
            if let Some(first) = taken.filter(|first| first.id == rule.id) {
                self.problems.push(taken_id(&rule, first, id_place.clone()));
                if let Some(entry) = entry {
                    entry.outcome = Outcome::Rejected;
                }
            } else {
                self.by_id.insert(rule.id.clone(), self.rules.len());
                self.rules.push(rule);
            }
        }
        self.entries.append(&mut entries);
    }
}

fn taken_id(rule: &Rule, first: &Rule, place: Option<(Arc<str>, Span)>) -> Problem {
    let title = format!("rule id `{}` is already taken", rule.id);
    let (file, line) = (&first.origin.file, first.origin.line);
    let help = format!("the other rule is `{}` in {file}:{line}", first.name);
    let diagnostic = Diagnostic::new(Code::DuplicateRule, title).help(help);
    let (file, id) = (rule.origin.file.clone(), Some(rule.id.clone()));
    match place {
        Some((text, span)) => {
            let diagnostic = diagnostic.label(span, "");
            Problem { file, text, diagnostic, rule: id, inner_line: None }
        }
        None => {
            let inner_line = Some(rule.origin.line);
            Problem { file, text: "".into(), diagnostic, rule: id, inner_line }
        }
    }
}

/// A message about a rule file.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The text the diagnostic points into: the file's, or that of a query which stands in the file
    /// in some other spelling.
    pub text: Arc<str>,
    /// What is wrong.
    pub diagnostic: Diagnostic,
    /// Id of the rule it is about, when known.
    pub rule: Option<String>,
    /// The line of the file that `text` comes from, when it is not the text of the file.
    pub inner_line: Option<usize>,
}

impl Problem {
    /// Renders it with the lines it stands on.
    pub fn render(&self, color: bool) -> String {
        let name = match self.inner_line {
            Some(line) if self.text.is_empty() => format!("{}:{line}", self.file),
            Some(line) => format!("{}:{line} query", self.file),
            None => self.file.clone(),
        };
        crate::diagnostic::text(&self.diagnostic, Source { name: &name, text: &self.text }, color)
    }

    /// The text it points into.
    pub fn source(&self) -> Source<'_> {
        Source { name: &self.file, text: &self.text }
    }

    /// Where in its file it is.
    pub fn location(&self) -> Location {
        let span = self.diagnostic.primary();
        let file = self.file.clone();
        match (self.inner_line, span) {
            (Some(line), _) => Location { file, start: Some((line, 1)), end: None },
            (None, Some(span)) => {
                let place = |offset| {
                    let place = position(&self.text, offset);
                    (place.line, place.column)
                };
                Location { file, start: Some(place(span.start)), end: Some(place(span.end)) }
            }
            (None, None) => Location { file, start: None, end: None },
        }
    }
}
