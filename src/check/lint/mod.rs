//! Checked query → warnings about what is right and likely not meant.
//!
//! In: a query as written and as checked. Out: diagnostics with word codes, in no particular order; the
//! caller drops those that a rule says it means ([`allowed`]). Nothing here can refuse a query, and no
//! lint guesses: where a condition is too large to be sure within the steps allowed, it is silent.
//!
//! `logic` knows what follows from what, `fields` and `keys` look at names, `conditions` at tests,
//! `stages` at brackets and pipes.

mod conditions;
mod fields;
mod keys;
mod logic;
mod stages;

use super::{Options, ir};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Schema;
use crate::span::Span;
use crate::syntax::ast::{self, Ast, Expr, ExprKind};

/// Which lints are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lints {
    /// All: for rules.
    All,
    /// Those that point out likely slips of the fingers: for queries typed to hunt with.
    Slips,
}

/// Runs the lints. Cost grows with the length of the query, with a bound on comparing conditions.
pub fn lint(
    ast: &Ast,
    query: &ir::Query,
    schema: &Schema,
    options: &Options,
    lints: Lints,
) -> Vec<Diagnostic> {
    let mut linter = Linter::new(schema, options, lints);
    let stages = stages_of(ast, query);
    let elsewhere = linter.fields(ast, &stages);
    if lints == Lints::All {
        linter.keys(&stages, elsewhere);
        linter.stages(ast, &stages, elsewhere);
        linter.pipes(ast);
    }
    for stage in &stages {
        linter.conditions(stage);
    }
    linter.problems
}

/// Misspelt fields in a query that the checker refuses, so that they are told together with the rest.
pub fn slips(ast: &Ast, schema: &Schema, options: &Options) -> Vec<Diagnostic> {
    let mut linter = Linter::new(schema, options, Lints::Slips);
    linter.misspelt(ast);
    linter.problems
}

/// Names of warnings that comments in a query say are meant: `// catena: allow pid-key, no-maxspan`.
/// With each the place of its comment.
pub fn allowed(ast: &Ast) -> Vec<(String, Span)> {
    let mut names = Vec::new();
    for comment in &ast.comments {
        let text = comment.text.trim_start_matches("//").trim_start_matches("/*");
        let text = text.trim_end_matches("*/").trim();
        let Some(list) = text.strip_prefix("catena: allow ") else { continue };
        // What follows in brackets or behind a colon is the reason.
        let list = list.split(['(', ':']).next().unwrap_or("");
        let list = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.extend(list.map(|name| (name.to_owned(), comment.span)));
    }
    names
}

struct Linter<'a> {
    schema: &'a Schema,
    options: &'a Options,
    lints: Lints,
    /// For the whole query.
    steps: logic::Steps,
    /// Unknown names that are still compared with the known ones.
    suggestions: usize,
    problems: Vec<Diagnostic>,
}

/// Names compared with all known ones, per query.
const MAX_SUGGESTIONS: usize = 200;

impl<'a> Linter<'a> {
    fn new(schema: &'a Schema, options: &'a Options, lints: Lints) -> Self {
        let (steps, suggestions) = (logic::Steps::new(), MAX_SUGGESTIONS);
        Self { schema, options, lints, steps, suggestions, problems: Vec::new() }
    }

    fn report(&mut self, problem: Diagnostic) {
        if self.problems.len() < super::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn warn(&mut self, code: Code, title: impl Into<String>, span: Span, label: &str, help: &str) {
        self.report(Diagnostic::new(code, title).label(span, label).help(help));
    }
}

/// What a filter is to its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// It must be seen.
    Positive,
    /// It must not be seen.
    Missing,
    /// It ends everything begun.
    Until,
}

/// One filter, as written and as checked.
#[derive(Debug, Clone, Copy)]
struct Stage<'a> {
    role: Role,
    written: &'a ast::EventFilter,
    checked: &'a ir::Filter,
    /// Keys of the query, then its own.
    keys: &'a [ir::Key],
    span: Span,
}

fn stages_of<'a>(ast: &'a Ast, query: &'a ir::Query) -> Vec<Stage<'a>> {
    let item = |(written, checked): (&'a ast::Item, &'a ir::Item)| Stage {
        role: if written.missing { Role::Missing } else { Role::Positive },
        written: &written.filter,
        checked: &checked.filter,
        keys: &checked.keys,
        span: written.span,
    };
    match (&ast.query, &query.kind) {
        (ast::Query::Event(written), ir::QueryKind::Event(checked)) => {
            vec![Stage { role: Role::Positive, written, checked, keys: &[], span: written.span }]
        }
        (ast::Query::Sample(sample), ir::QueryKind::Sample(items)) => {
            sample.items.iter().zip(items).map(item).collect()
        }
        (ast::Query::Sequence(sequence), ir::QueryKind::Sequence(checked)) => {
            let until = sequence.until.as_deref().zip(checked.until.as_deref());
            let until = until.map(|pair| Stage { role: Role::Until, ..item(pair) });
            sequence.items.iter().zip(&checked.items).map(item).chain(until).collect()
        }
        // The checker keeps the kind of a query.
        _ => Vec::new(),
    }
}

/// Calls `each` for an expression and all in it. The depth is bounded by the parser.
fn visit<'a>(expr: &'a Expr, each: &mut impl FnMut(&'a Expr)) {
    each(expr);
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Field(_) => {}
        ExprKind::Call(call) => call.args.iter().for_each(|arg| visit(arg, each)),
        ExprKind::Sign { operand, .. } | ExprKind::Not(operand) => visit(operand, each),
        ExprKind::Arithmetic(_, left, right) | ExprKind::Compare(_, left, right) => {
            visit(left, each);
            visit(right, each);
        }
        ExprKind::In { value, list, .. } => {
            visit(value, each);
            list.iter().for_each(|element| visit(element, each));
        }
        ExprKind::Match { value, patterns, .. } => {
            visit(value, each);
            patterns.iter().for_each(|pattern| visit(pattern, each));
        }
        ExprKind::And(operands) | ExprKind::Or(operands) => {
            operands.iter().for_each(|operand| visit(operand, each));
        }
    }
}
