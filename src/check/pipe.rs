//! Pipes: which there are and what they take.
//!
//! `head` and `tail` are those of Elasticsearch; the others come from Endgame. Their fields are those of
//! the first event of a match. `filter` is no pipe once it is checked: directly behind an event query it
//! is a part of its condition, and nothing else is accepted.

use super::sequence::count;
use super::{Checker, fold, ir};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::value::Value;

/// All pipes, for messages.
const PIPES: [&str; 7] = ["head", "tail", "filter", "unique", "unique_count", "count", "sort"];

impl Checker<'_> {
    /// Checks the pipes behind a query; filters become a part of it.
    pub(super) fn pipes(&mut self, pipes: &[ast::Pipe], kind: &mut ir::QueryKind) -> Vec<ir::Pipe> {
        let mut checked = Vec::new();
        let mut first = true;
        for pipe in pipes {
            if pipe.name == "filter" {
                match kind {
                    ir::QueryKind::Event(filter) if first => self.filter_pipe(pipe, filter),
                    _ => self.report(
                        Diagnostic::new(
                            Code::Unsupported,
                            "`filter` only stands directly behind an event query",
                        )
                        .label(pipe.span, "not here")
                        .help("write the condition into the query"),
                    ),
                }
            } else {
                first = false;
                checked.extend(self.pipe(pipe));
            }
        }
        checked
    }

    fn filter_pipe(&mut self, pipe: &ast::Pipe, filter: &mut ir::Filter) {
        let [condition] = pipe.args.as_slice() else {
            return self.report_arguments(pipe, "one condition", "| filter user.id == \"0\"");
        };
        let condition = self.condition(condition);
        let own = std::mem::replace(&mut filter.condition, ir::Cond::Const(false));
        filter.condition = fold::and(vec![own, condition]);
    }

    fn pipe(&mut self, pipe: &ast::Pipe) -> Option<ir::Pipe> {
        match pipe.name.as_str() {
            "head" => self.number(pipe).map(ir::Pipe::Head),
            "tail" => self.number(pipe).map(ir::Pipe::Tail),
            "unique" => self.fields(pipe, 1).map(ir::Pipe::Unique),
            "unique_count" => self.fields(pipe, 1).map(ir::Pipe::UniqueCount),
            "count" => self.fields(pipe, 0).map(ir::Pipe::Count),
            "sort" => self.fields(pipe, 1).map(ir::Pipe::Sort),
            name => {
                self.unknown_pipe(name, pipe.name_span);
                None
            }
        }
    }

    fn number(&mut self, pipe: &ast::Pipe) -> Option<u64> {
        let name = &pipe.name;
        let example = format!("| {name} 10");
        let [arg] = pipe.args.as_slice() else {
            self.report_arguments(pipe, "one number", &example);
            return None;
        };
        let value = self.value(arg);
        let number = match value.expr {
            ir::Expr::Literal(Value::Int(number)) => u64::try_from(number).ok(),
            _ => None,
        };
        if number.is_none() {
            self.report(
                Diagnostic::new(Code::NotConstant, format!("`{name}` takes a positive number"))
                    .label(arg.span, "not a positive whole number")
                    .help(format!("write `{example}`")),
            );
        }
        number
    }

    fn fields(&mut self, pipe: &ast::Pipe, least: usize) -> Option<Vec<ir::Field>> {
        let name = &pipe.name;
        if pipe.args.len() < least {
            self.report_arguments(pipe, "fields", &format!("| {name} user.id, process.name"));
            return None;
        }
        let mut fields = Vec::with_capacity(pipe.args.len());
        for arg in &pipe.args {
            match &arg.kind {
                ExprKind::Field(field) => fields.push(self.field(field)),
                _ => self.report(
                    Diagnostic::new(Code::NotConstant, format!("`{name}` takes fields"))
                        .label(arg.span, "not a field"),
                ),
            }
        }
        (fields.len() == pipe.args.len()).then_some(fields)
    }

    fn report_arguments(&mut self, pipe: &ast::Pipe, takes: &str, example: &str) {
        let name = &pipe.name;
        let found = count(pipe.args.len(), "argument");
        let needed =
            if takes == "fields" { "at least one field needed" } else { "one argument needed" };
        self.report(
            Diagnostic::new(Code::ArgumentCount, format!("`{name}` takes {takes}, found {found}"))
                .label(pipe.span, needed)
                .help(format!("write `{example}`")),
        );
    }

    fn unknown_pipe(&mut self, name: &str, span: Span) {
        let problem = Diagnostic::new(Code::UnknownPipe, format!("unknown pipe `{name}`"))
            .label(span, "no such pipe");
        if let Some(help) = substitute(name) {
            return self.report(problem.help(help));
        }
        self.report(match nearest(name, PIPES) {
            Some(near) => problem.help(format!("did you mean `{near}`?")).fix(span, near),
            None => problem.help(format!("the pipes are `{}`", PIPES.join("`, `"))),
        });
    }
}

/// What to write in place of a pipe of another language.
fn substitute(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "limit" | "take" | "first" | "top" => "write `| head 10`",
        "last" => "write `| tail 10`",
        "search" => "write it into the condition: `.. and ..`",
        "stats" | "summarize" => "write `| count user.name`",
        "dedup" | "distinct" | "uniq" => "write `| unique user.name`",
        "order" => "write `| sort user.name`",
        "fields" | "keep" | "project" | "select" | "table" | "eval" => {
            "take it out: results are whole events"
        }
        _ => return None,
    })
}
