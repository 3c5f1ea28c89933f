//! Tests that say nothing, cannot hold, or mind the wrong thing.

use super::logic::{self, always, is_empty, never};
use super::{Linter, Lints, Role, Stage, visit};
use crate::check::ir::{Cond, Leaf};
use crate::check::{Checker, fold};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::FieldType;
use crate::span::Span;
use crate::syntax::ast::{Compare, Expr, ExprKind, Literal, MatchOperator};

impl Linter<'_> {
    pub(super) fn conditions(&mut self, stage: &Stage<'_>) {
        self.truth(stage);
        if self.lints == Lints::Slips {
            return;
        }
        let whole = &stage.written.condition;
        let mut constant = Vec::new();
        visit(whole, &mut |expr| match &expr.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => constant.extend(parts),
            ExprKind::Not(inner) => constant.push(inner),
            _ => {}
        });
        for part in constant {
            self.constant(part);
        }
        if !matches!(whole.kind, ExprKind::Literal(_)) {
            self.constant(whole);
        }
        visit(whole, &mut |expr| {
            self.only_star(expr);
            self.windows(expr);
        });
    }

    /// Conditions that can never be true, or always are.
    fn truth(&mut self, stage: &Stage<'_>) {
        let condition = &stage.checked.condition;
        let code = if stage.role == Role::Until { Code::DeadUntil } else { Code::NeverTrue };
        let title = match stage.role {
            Role::Until => "`until` can never happen",
            Role::Missing => "what must be missing can never happen",
            Role::Positive => "this condition can never be true",
        };
        if *condition == Cond::Const(false) {
            let span = stage.written.condition.span;
            let problem = Diagnostic::new(code, title).label(span, "always false");
            return self.report(problem);
        }
        let whole = never(condition, &mut self.steps);
        let mut found = Vec::new();
        contradictions(condition, &mut self.steps, &mut found);
        for (first, second) in found {
            let part = |span| enclosing(&stage.written.condition, span);
            let (first, second) = (first.map(part), part(second));
            let (code, title) = match whole {
                true => (code, title),
                false => (Code::NeverTrue, "a part of the condition can never be true"),
            };
            let problem = Diagnostic::new(code, title).label(
                second,
                match first {
                    Some(_) => "and this cannot both hold",
                    None => "nothing passes this test",
                },
            );
            self.report(match first {
                Some(first) => problem.label(first, "this"),
                None => problem,
            });
        }
        if self.lints == Lints::All {
            self.tautologies(stage, condition);
        }
    }

    /// `a or not a`, at any depth.
    fn tautologies(&mut self, stage: &Stage<'_>, condition: &Cond) {
        match condition {
            Cond::Or(_) if always(condition, &mut self.steps) => {
                let span = logic::span(condition).unwrap_or_default();
                let span = enclosing(&stage.written.condition, span);
                self.warn(
                    Code::AlwaysTrue,
                    "a part of the condition is always true",
                    span,
                    "one side holds whenever the other does not",
                    "leave it out, or say what was meant",
                );
            }
            Cond::And(parts) | Cond::Or(parts) => {
                parts.iter().for_each(|p| self.tautologies(stage, p))
            }
            Cond::Not(inner) => self.tautologies(stage, inner),
            Cond::Const(_) | Cond::Leaf(_) => {}
        }
    }

    /// A part that reads no field.
    fn constant(&mut self, expr: &Expr) {
        let mut reads = false;
        visit(expr, &mut |inner| reads |= matches!(inner.kind, ExprKind::Field(_)));
        // Parts of it are told about themselves.
        if reads || matches!(expr.kind, ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)) {
            return;
        }
        let mut checker = Checker::new(self.schema, self.options);
        let typed = checker.value(expr);
        match fold::condition(typed.expr) {
            Cond::Const(true) => self.warn(
                Code::AlwaysTrue,
                "a part of the condition is always true",
                expr.span,
                "reads no field",
                "leave it out, or say what was meant",
            ),
            Cond::Const(false) => self.warn(
                Code::NeverTrue,
                "a part of the condition can never be true",
                expr.span,
                "reads no field",
                "leave it out, or say what was meant",
            ),
            _ => {}
        }
    }

    /// `: "*"`
    fn only_star(&mut self, expr: &Expr) {
        let ExprKind::Match { value, operator, patterns, .. } = &expr.kind else { return };
        if matches!(operator, MatchOperator::Regex | MatchOperator::RegexFold) {
            return;
        }
        let is_star = |pattern: &&Expr| match &pattern.kind {
            ExprKind::Literal(Literal::Str { text, .. }) => {
                !text.is_empty() && text.chars().all(|c| c == '*')
            }
            _ => false,
        };
        let Some(star) = patterns.iter().find(is_star) else { return };
        let problem = Diagnostic::new(Code::WildcardExists, "`*` alone matches any text")
            .label(star.span, "asks whether there is a value");
        self.report(match (&value.kind, patterns.len()) {
            (ExprKind::Field(field), 1) => {
                let instead = format!("{} != null", field.name);
                let problem = problem.help(format!("write `{instead}`"));
                // A name in backticks is written in another way, and a number that may be there is no
                // text: both are for a person to change.
                let plain = field.name.split('.').all(crate::syntax::is_plain_name);
                let text = matches!(
                    self.schema.kind(&field.name),
                    Some(FieldType::Keyword | FieldType::Text)
                );
                if plain && text { problem.fix(expr.span, instead) } else { problem }
            }
            (_, 1) => problem.help("write `!= null`"),
            _ => problem.help("the other patterns have no effect"),
        });
    }

    /// A test that minds case against text that Windows would not.
    fn windows(&mut self, expr: &Expr) {
        let (value, texts, instead): (&Expr, Vec<&Expr>, &str) = match &expr.kind {
            ExprKind::Compare(Compare::Equal | Compare::NotEqual, left, right) => {
                (left, vec![right], "`:`")
            }
            ExprKind::In { value, fold: false, list, .. } => {
                (value, list.iter().collect(), "`in~`")
            }
            ExprKind::Match { value, operator: MatchOperator::Like, patterns, .. } => {
                (value, patterns.iter().collect(), "`like~`")
            }
            _ => return,
        };
        let ExprKind::Field(field) = &value.kind else { return };
        if !holds_paths(&field.name) {
            return;
        }
        for text in texts {
            if let ExprKind::Literal(Literal::Str { text: says, .. }) = &text.kind
                && is_windows(says)
            {
                let span: Span = text.span;
                let help = format!("write {instead}, which does not mind case");
                self.warn(
                    Code::CaseSensitivePath,
                    "a Windows name is compared with regard to case",
                    span,
                    "Windows takes any case for the same file",
                    &help,
                );
                return;
            }
        }
    }
}

/// The smallest part of a condition, as written, that covers `span`.
fn enclosing(whole: &Expr, span: Span) -> Span {
    let inside = |part: &&Expr| part.span.start <= span.start && span.end <= part.span.end;
    let mut part = whole;
    loop {
        let smaller = match &part.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().find(inside),
            ExprKind::Not(inner) => Some(&**inner).filter(inside),
            _ => None,
        };
        match smaller {
            Some(smaller) => part = smaller,
            // A key or the category.
            None if part.span.start > span.start || part.span.end < span.end => return span,
            None => return part.span,
        }
    }
}

/// Pairs of an `and` that exclude each other, and tests that nothing passes; at any depth, the
/// outermost of each.
fn contradictions(condition: &Cond, steps: &mut logic::Steps, out: &mut Vec<(Option<Span>, Span)>) {
    match condition {
        Cond::And(parts) => {
            if let Some((a, b)) = logic::contradiction(parts, steps) {
                let (a, b) = (logic::span(a), logic::span(b).unwrap_or_default());
                out.push((a, b));
                return;
            }
            parts.iter().for_each(|part| contradictions(part, steps, out));
        }
        Cond::Or(parts) => parts.iter().for_each(|part| contradictions(part, steps, out)),
        Cond::Not(inner) => contradictions(inner, steps, out),
        Cond::Leaf(Leaf::Test(field, test)) if is_empty(test) => out.push((None, field.span)),
        Cond::Const(_) | Cond::Leaf(_) => {}
    }
}

/// Fields that name files and programs.
fn holds_paths(name: &str) -> bool {
    const LAST: [&str; 8] = [
        "args",
        "command_line",
        "executable",
        "extension",
        "name",
        "path",
        "title",
        "working_directory",
    ];
    let parts = ["process", "file", "dll"];
    parts.iter().any(|part| name.split('.').any(|word| word == *part))
        && name.rsplit('.').next().is_some_and(|last| LAST.contains(&last))
}

/// `C:\…`, `?:\…`, `….exe`: Linux has such names only by accident.
fn is_windows(text: &str) -> bool {
    const ENDS: [&str; 7] = [".exe", ".dll", ".bat", ".cmd", ".ps1", ".vbs", ".scr"];
    let lower = text.to_ascii_lowercase();
    text.contains(":\\") || ENDS.iter().any(|end| lower.ends_with(end))
}
