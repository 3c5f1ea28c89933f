//! [`SourceFile`]: the file that is being read, which every message about it needs.

use std::collections::HashMap;
use std::sync::Arc;

use super::data::Data;
use super::model::Format;
use super::outcome::{Entry, Loaded, Outcome, Problem};
use crate::check::lint::Lints;
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;

/// A file while it is read.
pub(super) struct SourceFile<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a Arc<str>,
    pub(super) format: Format,
    pub(super) schema: &'a Schema,
    pub(super) lints: Lints,
    /// Exception items of an export by the id of their list.
    pub(super) exceptions: HashMap<String, Vec<Exception>>,
}

/// An exception item of an export.
pub(super) struct Exception {
    pub(super) name: String,
    pub(super) entries: Data,
    /// It holds until a date only.
    pub(super) expires: bool,
}

impl SourceFile<'_> {
    /// A problem with a place in the file, or with the rule on `line`.
    pub(super) fn problem(&self, diagnostic: Diagnostic, line: usize) -> Problem {
        Problem {
            file: self.name.to_owned(),
            text: if self.format == Format::Ndjson { "".into() } else { self.text.clone() },
            diagnostic,
            rule: None,
            inner_line: (self.format == Format::Ndjson).then_some(line),
        }
    }

    /// A problem with a place in `text`, which stands on `line` in some other spelling.
    pub(super) fn inner_problem(
        &self,
        diagnostic: Diagnostic,
        text: Arc<str>,
        line: usize,
    ) -> Problem {
        let file = self.name.to_owned();
        Problem { file, text, diagnostic, rule: None, inner_line: Some(line) }
    }

    pub(super) fn rejected(&self, problems: Vec<Diagnostic>, line: usize) -> Loaded {
        let entry = Entry {
            id: None,
            name: String::new(),
            file: self.name.to_owned(),
            line,
            outcome: Outcome::Rejected,
        };
        let problems = problems.into_iter().map(|problem| self.problem(problem, line));
        Loaded::one(None, problems.collect(), entry)
    }
}
