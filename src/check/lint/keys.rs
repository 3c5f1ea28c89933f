//! Join keys that do not say what they seem to say.

use std::collections::BTreeSet;

use super::logic::needed;
use super::{Linter, Stage};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema;
use crate::span::Span;

/// More places than this in one message help nobody.
const MAX_LABELS: usize = 8;

impl Linter<'_> {
    /// `elsewhere` when the query is written for other logs than those of audit.
    pub(super) fn keys(&mut self, stages: &[Stage<'_>], elsewhere: bool) {
        let mut told: BTreeSet<&str> = BTreeSet::new();
        let mut pids: Vec<(&str, Span, &'static str)> = Vec::new();
        for stage in stages {
            let needed = needed(&stage.checked.condition);
            let category = stage.written.category.name.as_deref();
            for key in stage.keys {
                let (name, span) = (&*key.field.name, key.field.span);
                if let Some(better) = entity(name) {
                    // The keys of the query are keys of every stage.
                    if pids.iter().all(|(_, known, _)| *known != span) {
                        pids.push((name, span, better));
                    }
                } else if let Some(why) =
                    sometimes(name, category).filter(|_| !elsewhere && !needed.contains(name))
                    && !key.optional
                    && told.insert(name)
                {
                    let help = format!(
                        "write `?{name}` to join those without it too, or test `{name} != null`"
                    );
                    let title = format!("events without `{name}` are passed over");
                    self.warn(Code::NullableKey, title, span, why, &help);
                }
            }
        }
        self.pids(&pids);
    }

    fn pids(&mut self, pids: &[(&str, Span, &'static str)]) {
        let Some((first, span, better)) = pids.first() else { return };
        let title = format!("`{first}` names different processes in turn");
        let mut problem = Diagnostic::new(Code::PidKey, title)
            .label(*span, "the kernel gives numbers out again")
            .help(format!("`{better}` names one run of one program"));
        for (_, span, _) in pids.iter().skip(1).take(MAX_LABELS) {
            problem = problem.label(*span, "");
        }
        // Several keys are replaced together or not at all.
        self.report(if pids.len() == 1 { problem.fix(*span, *better) } else { problem });
    }
}

/// What to join by in place of a process id.
fn entity(name: &str) -> Option<&'static str> {
    match name {
        "process.pid" => Some("process.entity_id"),
        "process.parent.pid" => Some("process.parent.entity_id"),
        _ => None,
    }
}

/// Why many audit events of a category do not have a field that one would expect them to have.
///
/// Fields of some categories only are no case: a key that only some events can have is a choice.
fn sometimes(name: &str, category: Option<&str>) -> Option<&'static str> {
    let info = schema::lookup(name)?;
    if info.records.starts_with("enriched") {
        // Programs that log users log their names.
        let named = matches!(category, Some("authentication" | "iam" | "session"));
        let by_programs = info.records.contains("USER_") || info.records.contains("GRP_");
        let only = "only in logs with `log_format = ENRICHED`";
        return (!(named && by_programs)).then_some(only);
    }
    let effective = name.contains(".effective.") && info.about.contains("where it differs");
    effective.then_some("only where it differs from the user or group")
}
