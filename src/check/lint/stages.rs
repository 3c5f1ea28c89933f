//! Brackets of a sequence: how they stand to each other and to time; and pipes.

use super::logic::implies;
use super::{Linter, Role, Stage};
use crate::check::ir::{Cond, Leaf, Test};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::ast::{Ast, Query};
use crate::value::{Scalar, Value};

/// Categories that most events are of, here or in logs from elsewhere.
const COMMON_CATEGORIES: [&str; 5] = ["file", "library", "network", "process", "registry"];

impl Linter<'_> {
    /// `elsewhere` when the query is written for other logs than those of audit: what is common in
    /// them is not known.
    pub(super) fn stages(&mut self, ast: &Ast, stages: &[Stage<'_>], elsewhere: bool) {
        let Query::Sequence(sequence) = &ast.query else { return };
        if sequence.maxspan.is_none() {
            let word = Span::new(sequence.span.start, sequence.span.start + "sequence".len());
            self.warn(
                Code::NoMaxspan,
                "the sequence has no `maxspan`",
                word,
                "its events may lie apart as long as the rule looks back",
                "write `with maxspan=5m`; without it `window` in `[catena]` or `from` is the bound",
            );
        }
        if !elsewhere {
            self.unselective(stages);
        }
        for pair in stages.windows(2) {
            let [first, second] = pair else { continue };
            match (first.role, second.role) {
                (Role::Positive, Role::Positive) => self.subsumed(first, second),
                (Role::Missing, Role::Missing) => self.report(
                    Diagnostic::new(Code::AdjacentMissing, "two missing stages side by side")
                        .label(second.span, "and this one, in whatever order")
                        .label(first.span, "this one must be missing")
                        .help("one stage with `or` says the same: `![any where a or b]`"),
                ),
                _ => {}
            }
        }
    }

    /// The first event that must be seen begins a partial each time it is.
    fn unselective(&mut self, stages: &[Stage<'_>]) {
        let first = stages.iter().find(|stage| stage.role == Role::Positive);
        let Some(first) = first.filter(|first| !self.selects(&first.checked.condition)) else {
            return;
        };
        // Events of other categories are few.
        let category = first.written.category.name.as_deref();
        if category.is_some_and(|name| !COMMON_CATEGORIES.contains(&name)) {
            return;
        }
        self.warn(
            Code::UnselectiveStage,
            "the first stage holds for a large part of all events",
            first.span,
            "every one of them is kept until `maxspan` has passed",
            "name a program, a file, an address or a user in it",
        );
    }

    /// Whether a condition picks out few events.
    fn selects(&self, condition: &Cond) -> bool {
        match condition {
            Cond::Const(value) => !value,
            Cond::Not(_) => false,
            Cond::And(parts) => parts.iter().any(|part| self.selects(part)),
            Cond::Or(parts) => parts.iter().all(|part| self.selects(part)),
            Cond::Leaf(Leaf::Expr(_)) => true,
            Cond::Leaf(Leaf::Test(field, test)) => {
                let values = match test {
                    Test::Missing | Test::Present => return false,
                    Test::In(values) => Some(values),
                    _ => None,
                };
                let name = &*field.name;
                if name == self.options.category_field || is_broad(name) {
                    return false;
                }
                match (name, values) {
                    ("event.action" | "auditd.data.syscall" | "audit.syscall", Some(values)) => {
                        !values.iter().any(is_common)
                    }
                    _ => true,
                }
            }
        }
    }

    /// Two stages of the same keys of which one is no more than the other again.
    fn subsumed(&mut self, first: &Stage<'_>, second: &Stage<'_>) {
        let names = |stage: &Stage<'_>| -> Vec<_> {
            stage.keys.iter().map(|key| key.field.name.clone()).collect()
        };
        if names(first) != names(second) {
            return;
        }
        let (a, b) = (&first.checked.condition, &second.checked.condition);
        let (forth, back) = (implies(a, b, &mut self.steps), implies(b, a, &mut self.steps));
        let problem = match (forth, back) {
            (false, false) => return,
            (true, true) => Diagnostic::new(Code::SubsumedStage, "two stages are the same")
                .label(second.span, "the same again")
                .label(first.span, "this")
                .help("write the stage once, `with runs=2`"),
            (true, false) => Diagnostic::new(
                Code::SubsumedStage,
                "the second stage asks for less than the first",
            )
            .label(second.span, "holds for every event that the first holds for")
            .label(first.span, "the first")
            .help("two events of the first stage are enough for a match; ask for more"),
            (false, true) => Diagnostic::new(
                Code::SubsumedStage,
                "the first stage asks for less than the second",
            )
            .label(first.span, "holds for every event that the second holds for")
            .label(second.span, "the second")
            .help("two events of the second stage are enough for a match; ask for more"),
        };
        self.report(problem);
    }

    pub(super) fn pipes(&mut self, ast: &Ast) {
        for pipe in &ast.pipes {
            if !matches!(pipe.name.as_str(), "head" | "tail") {
                let title = format!("Elasticsearch does not know the pipe `{}`", pipe.name);
                self.warn(
                    Code::NotElasticsearch,
                    title,
                    pipe.name_span,
                    "an extension",
                    "the rule runs here, and cannot be taken back there",
                );
            }
        }
    }
}

/// Fields that say little about an event.
fn is_broad(name: &str) -> bool {
    const STARTS: [&str; 3] = ["data_stream.", "host.", "service."];
    const NAMES: [&str; 10] = [
        "auditd.data.arch",
        "auditd.result",
        "event.category",
        "event.dataset",
        "event.kind",
        "event.module",
        "event.outcome",
        "event.type",
        "network.direction",
        "process.interactive",
    ];
    STARTS.iter().any(|start| name.starts_with(start)) || NAMES.contains(&name)
}

/// Actions and system calls that are most of any log.
fn is_common(value: &Value) -> bool {
    const COMMON: [&str; 24] = [
        "checked-metadata-of",
        "close",
        "connect",
        "connected-to",
        "connection_attempted",
        "end",
        "exec",
        "exec_event",
        "executed",
        "execve",
        "execveat",
        "exit_group",
        "exited",
        "fork",
        "fork_event",
        "forked",
        "open",
        "openat",
        "opened-file",
        "process_started",
        "ProcessRollup2",
        "read-file",
        "start",
        "wrote-to-file",
    ];
    matches!(value.scalar(), Some(Scalar::Str(text)) if COMMON.contains(&text))
}
