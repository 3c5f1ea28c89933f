//! [AST](crate::syntax::ast) and [schema](crate::schema) → checked [`ir`].
//!
//! In: a tree as written. Out: the same query with every name resolved, every literal of the type of
//! the field it is compared with, null made explicit and constants folded; or everything that is
//! wrong with it, at once. Nothing here looks at an event, and nothing is rewritten that could change
//! an answer for a missing or a multi-valued field.
//!
//! `resolve` walks expressions, with `compare` and `call` for their leaves, `sequence` walks brackets and keys, `pipe` what stands behind, `types` says what goes with what,
//! [`function`] holds the catalogue of functions, `pattern` reads wildcards, regular expressions and
//! networks, `fold` computes what is constant, `size` bounds what a query costs to compile, `written`
//! turns what was checked into text again. [`lint`] looks at what is right and likely not meant.

mod call;
mod compare;
mod fold;
pub mod function;
pub mod ir;
pub mod lint;
mod pattern;
mod pipe;
mod resolve;
mod sequence;
mod size;
mod types;
mod written;

pub use written::{condition_text, leaf_text};

use crate::diagnostic::{Diagnostic, Severity};
use crate::schema::Schema;
use crate::syntax::ast::{self, Ast};

/// What a query is checked under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The field that holds the event category.
    pub category_field: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { category_field: "event.category".to_owned() }
    }
}

/// Checks a query. With it come the warnings, in order of their place.
///
/// # Errors
///
/// All problems found, errors and warnings, in order of their place.
pub fn check(
    ast: &Ast,
    schema: &Schema,
    options: &Options,
) -> Result<(ir::Query, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut checker = Checker::new(schema, options);
    let mut kind = match &ast.query {
        ast::Query::Event(filter) => ir::QueryKind::Event(checker.filter(filter)),
        ast::Query::Sequence(sequence) => ir::QueryKind::Sequence(checker.sequence(sequence)),
        ast::Query::Sample(sample) => ir::QueryKind::Sample(checker.sample(sample)),
    };
    let pipes = checker.pipes(&ast.pipes, &mut kind);
    let mut problems = checker.problems;
    let refused = |problems: &[Diagnostic]| {
        problems.iter().any(|problem| problem.severity == Severity::Error)
    };
    let query = ir::Query { kind, pipes };
    if !refused(&problems) {
        size::check(&query, &mut problems);
    }
    problems.sort_by_key(|problem| problem.primary());
    if refused(&problems) {
        return Err(problems);
    }
    Ok((query, problems))
}

/// Checks an expression alone, as a condition.
///
/// # Errors
///
/// As [`check`].
pub fn condition(
    expr: &ast::Expr,
    schema: &Schema,
    options: &Options,
) -> Result<ir::Cond, Vec<Diagnostic>> {
    let mut checker = Checker::new(schema, options);
    let condition = checker.condition(expr);
    let mut problems = checker.problems;
    problems.retain(|problem| problem.severity == Severity::Error);
    if problems.is_empty() { Ok(condition) } else { Err(problems) }
}

/// Makes every stage of a query, missing ones and `until` included, see only events for which `limit`
/// holds.
pub fn restrict(query: &mut ir::Query, limit: &ir::Cond) {
    let narrow = |filter: &mut ir::Filter| {
        let own = std::mem::replace(&mut filter.condition, ir::Cond::Const(false));
        filter.condition = fold::and(vec![own, limit.clone()]);
    };
    match &mut query.kind {
        ir::QueryKind::Event(filter) => narrow(filter),
        ir::QueryKind::Sample(items) => items.iter_mut().for_each(|item| narrow(&mut item.filter)),
        ir::QueryKind::Sequence(sequence) => {
            let until = sequence.until.as_deref_mut();
            sequence.items.iter_mut().chain(until).for_each(|item| narrow(&mut item.filter));
        }
    }
}

/// More problems than this in one query help nobody.
const MAX_PROBLEMS: usize = 50;

/// Gathers problems while it walks.
struct Checker<'a> {
    schema: &'a Schema,
    options: &'a Options,
    problems: Vec<Diagnostic>,
    /// Size of all regular expressions so far, see [`pattern::MAX_REGEX_SIZE`].
    regex_size: u64,
}

impl<'a> Checker<'a> {
    fn new(schema: &'a Schema, options: &'a Options) -> Self {
        Self { schema, options, problems: Vec::new(), regex_size: 0 }
    }

    fn report(&mut self, problem: Diagnostic) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}
