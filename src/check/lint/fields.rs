//! Names: fields that do not exist, that audit logs never have, that events of a category never have.

use std::collections::BTreeSet;

use super::logic::needed;
use super::{Linter, Lints, Role, Stage, visit};
use crate::check::ir::{self, Cond, Leaf, Test};
use crate::diagnostic::{Code, Diagnostic, nearest_name};
use crate::schema::{self, ABSENT, FIELDS};
use crate::span::Span;
use crate::syntax::ast::{Ast, Expr, ExprKind, Field, Item, Query};
use crate::value::Scalar;
use crate::wildcard::Pattern;

/// Every category that an audit event can be of.
pub(super) const CATEGORIES: [&str; 11] = [
    "authentication",
    "configuration",
    "driver",
    "file",
    "host",
    "iam",
    "intrusion_detection",
    "network",
    "package",
    "process",
    "session",
];

/// Categories whose events never have the fields that begin so.
const NOT_IN: &[(&str, &[&str])] = &[
    (
        "destination.",
        &["authentication", "configuration", "driver", "file", "host", "iam", "process", "session"],
    ),
    ("network.", &["configuration", "driver", "file", "host"]),
    ("source.", &["configuration", "driver", "file", "host"]),
    ("file.", &["authentication", "host", "iam", "network", "session"]),
];

/// Events from elsewhere have these categories; that is no slip of the fingers.
const ELSEWHERE: [&str; 10] = [
    "api",
    "database",
    "dns",
    "email",
    "library",
    "malware",
    "registry",
    "threat",
    "vulnerability",
    "web",
];

/// Fields that have one and the same value in every audit event.
const SAME: [(&str, &str); 5] = [
    ("data_stream.dataset", "auditd_manager.auditd"),
    ("event.dataset", "auditd_manager.auditd"),
    ("event.kind", "event"),
    ("event.module", "auditd"),
    ("host.os.type", "linux"),
];

/// More places than this in one message help nobody.
const MAX_LABELS: usize = 8;

const NOWHERE: &str = "audit logs never have it; write `?` in front when events from elsewhere may";

impl Linter<'_> {
    /// Whether the query is written for other logs than those of audit.
    pub(super) fn fields(&mut self, ast: &Ast, stages: &[Stage<'_>]) -> bool {
        // What is written for other logs as a whole is told so once, and asks for their fields rightly.
        let elsewhere = self.is_elsewhere(stages);
        let mut told: BTreeSet<(Code, &str)> = BTreeSet::new();
        let mut nowhere: Vec<(&str, Span)> = Vec::new();
        let mut seen = BTreeSet::new();
        for stage in stages {
            if let Some(problem) = self.category(stage).filter(|_| !elsewhere) {
                self.report(problem);
            }
            let category = stage.written.category.name.as_deref();
            let needed = needed(&stage.checked.condition);
            let mut names: Vec<(&str, Span)> = Vec::new();
            visit(&stage.written.condition, &mut |expr| {
                // `?` says that it may not exist.
                if let ExprKind::Field(field) = &expr.kind
                    && !field.optional
                {
                    names.push((&field.name, field.span));
                }
            });
            for key in stage.keys.iter().filter(|key| !key.optional) {
                names.push((&key.field.name, key.field.span));
            }
            for (name, span) in names {
                let is_key = stage.keys.iter().any(|key| key.field.span == span);
                let needed = is_key || needed.contains(name);
                // The same question has the same answer.
                if !seen.insert((name, category, needed, stage.role)) {
                    continue;
                }
                let Some(problem) = self.field(name, span, category, needed, stage.role) else {
                    continue;
                };
                if (elsewhere && problem.fix.is_none()) || !told.insert((problem.code, name)) {
                    continue;
                }
                match problem.code == Code::UnknownField && problem.fix.is_none() {
                    true => nowhere.push((name, span)),
                    false => self.report(problem),
                }
            }
        }
        self.nowhere(&nowhere);
        let mut piped = Vec::new();
        ast.pipes.iter().flat_map(|pipe| &pipe.args).for_each(|arg| gather(arg, &mut piped));
        for field in piped.into_iter().filter(|field| !field.optional && !elsewhere) {
            // What is missing is a value like any other to them.
            let problem = self.field(&field.name, field.span, None, false, Role::Positive);
            if let Some(problem) =
                problem.filter(|problem| told.insert((problem.code, &field.name)))
            {
                self.report(problem);
            }
        }
        elsewhere
    }

    /// Fields as written, without anything that a checked query would tell.
    pub(super) fn misspelt(&mut self, ast: &Ast) {
        let (by, items): (&[Field], Vec<&Item>) = match &ast.query {
            Query::Event(_) => (&[], Vec::new()),
            Query::Sample(sample) => (&sample.by, sample.items.iter().collect()),
            Query::Sequence(sequence) => {
                (&sequence.by, sequence.items.iter().chain(sequence.until.as_deref()).collect())
            }
        };
        let mut fields: Vec<&Field> = by.iter().collect();
        if let Query::Event(filter) = &ast.query {
            gather(&filter.condition, &mut fields);
        }
        for item in items {
            gather(&item.filter.condition, &mut fields);
            fields.extend(&item.by);
        }
        for arg in ast.pipes.iter().flat_map(|pipe| &pipe.args) {
            gather(arg, &mut fields);
        }
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for field in fields.into_iter().filter(|field| !field.optional) {
            let known = schema::lookup(&field.name).is_some()
                || self.schema.kind(&field.name).is_some()
                || !told.insert(&field.name);
            if let (false, Some(problem)) = (known, self.unknown(&field.name, field.span)) {
                self.report(problem);
            }
        }
    }

    /// Whether no audit event satisfies a stage that must be seen, whatever else it asks for; says so
    /// about the first.
    fn is_elsewhere(&mut self, stages: &[Stage<'_>]) -> bool {
        if self.lints == Lints::Slips || self.schema.has_declarations() {
            return false;
        }
        for stage in stages.iter().filter(|stage| stage.role == Role::Positive) {
            // One with a fix is misspelt.
            if let Some(problem) = self.category(stage).filter(|problem| problem.fix.is_none()) {
                self.report(problem);
                return true;
            }
            let Some((field, value)) = foreign(&stage.checked.condition) else { continue };
            let title = format!("in audit logs `{}` is always `{value}`", field.name);
            self.report(
                Diagnostic::new(Code::NeverInAudit, title)
                    .label(field.span, "this stage never holds on audit logs")
                    .help("events from elsewhere, read as JSON, may have it"),
            );
            return true;
        }
        false
    }

    /// Fields that are like no known one, in one message.
    fn nowhere(&mut self, names: &[(&str, Span)]) {
        let Some((first, span)) = names.first() else { return };
        let Some(problem) = self.unknown(first, *span) else { return };
        if names.len() == 1 {
            return self.report(problem);
        }
        let title = match names.len() - 1 {
            1 => format!("unknown fields `{first}` and one more"),
            more => format!("unknown fields `{first}` and {more} more"),
        };
        let mut all = Diagnostic::new(Code::UnknownField, title).label(*span, "no such field");
        for (_, span) in names.iter().skip(1).take(MAX_LABELS) {
            all = all.label(*span, "nor this");
        }
        self.report(all.help(NOWHERE));
    }

    /// What is to be said about a category.
    fn category(&self, stage: &Stage<'_>) -> Option<Diagnostic> {
        let name = stage.written.category.name.as_deref()?;
        let usual = self.options.category_field == "event.category";
        if CATEGORIES.contains(&name) || !usual {
            return None;
        }
        let span = stage.written.category.span;
        let near = nearest_name(name, CATEGORIES).filter(|_| !ELSEWHERE.contains(&name));
        let elsewhere = self.lints == Lints::Slips || self.schema.has_declarations();
        if elsewhere && near.is_none() {
            return None;
        }
        let title = format!("audit logs have no events of category `{name}`");
        let problem = Diagnostic::new(Code::NeverInAudit, title).label(span, "");
        Some(match near {
            Some(near) => problem.help(format!("did you mean `{near}`?")).fix(span, near),
            None => problem.help("events from elsewhere, read as JSON, may have it"),
        })
    }

    /// What is to be said about a field.
    fn field(
        &mut self,
        name: &str,
        span: Span,
        category: Option<&str>,
        needed: bool,
        role: Role,
    ) -> Option<Diagnostic> {
        let Some(info) = schema::lookup(name) else {
            // The user may know better.
            return if self.schema.kind(name).is_some() { None } else { self.unknown(name, span) };
        };
        if self.lints == Lints::Slips || self.schema.is_declared(name) {
            return None;
        }
        let problem = if !info.is_in_audit() {
            // An event that is not there has no fields.
            category.is_none_or(|category| CATEGORIES.contains(&category)).then_some(())?;
            let title = format!("audit logs never have `{name}`");
            Diagnostic::new(Code::NeverInAudit, title)
        } else {
            let absent = category.filter(|category| {
                NOT_IN.iter().any(|(start, categories)| {
                    name.starts_with(start) && categories.contains(category)
                })
            })?;
            let title = format!("events of category `{absent}` do not have `{name}`");
            Diagnostic::new(Code::WrongCategory, title)
        };
        let label = match (needed, role) {
            (true, Role::Positive) => "this stage never holds on audit logs",
            (true, Role::Missing) => "this event is missing from every audit log",
            (true, Role::Until) => "`until` never happens on audit logs",
            (false, _) => "always missing on audit logs",
        };
        let problem = problem.label(span, label);
        Some(match info.records {
            "" => problem.help("events from elsewhere, read as JSON, may have it"),
            records => problem.help(format!("it comes from records of type {records}")),
        })
    }

    fn unknown(&mut self, name: &str, span: Span) -> Option<Diagnostic> {
        let names = FIELDS.iter().chain(ABSENT).map(|info| info.name);
        let near = match self.suggestions.checked_sub(1) {
            Some(left) => {
                self.suggestions = left;
                nearest_name(name, names.filter(|name| !name.ends_with('*')))
            }
            None => None,
        };
        if self.lints == Lints::Slips && near.is_none() {
            return None;
        }
        let title = format!("unknown field `{name}`");
        let problem = Diagnostic::new(Code::UnknownField, title).label(span, "no such field");
        Some(match near {
            Some(near) => problem.help(format!("did you mean `{near}`?")).fix(span, near),
            None => problem.help(NOWHERE),
        })
    }
}

/// A test that must hold and never does, because every audit event has the same other value.
fn foreign(condition: &Cond) -> Option<(&ir::Field, &'static str)> {
    match condition {
        Cond::And(parts) => parts.iter().find_map(foreign),
        Cond::Or(parts) => {
            let mut first = None;
            for part in parts {
                let found = foreign(part)?;
                first.get_or_insert(found);
            }
            first
        }
        Cond::Leaf(Leaf::Test(field, test)) => {
            let (_, value) = SAME.iter().find(|(name, _)| *name == &*field.name)?;
            let passes = match test {
                Test::In(values) => values.iter().any(|wanted| match wanted.scalar() {
                    Some(Scalar::Str(text)) => text == *value,
                    _ => false,
                }),
                Test::InFold(texts) => texts.iter().any(|text| **text == **value),
                Test::Like { patterns, fold } => {
                    patterns.iter().any(|text| Pattern::new(text, *fold).matches(value))
                }
                _ => true,
            };
            (!passes).then_some((field, *value))
        }
        Cond::Const(_) | Cond::Not(_) | Cond::Leaf(Leaf::Expr(_)) => None,
    }
}

fn gather<'a>(expr: &'a Expr, fields: &mut Vec<&'a Field>) {
    visit(expr, &mut |expr| {
        if let ExprKind::Field(field) = &expr.kind {
            fields.push(field);
        }
    });
}
