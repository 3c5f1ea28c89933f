//! Text → AST, along `grammar/eql.pest`.
//!
//! In: text that [`scan`](super::scan) has passed. Out: the tree, or every refused form in it. Types
//! of the parser library end in this folder: `query` and `expr` turn pairs into nodes, `error` turns
//! the library's error into words, and `hint` adds what was likely meant. The text is never changed or repaired here;
//! where the scan refuses it, a copy with stand-ins is read only to tell everything else that is wrong.

mod error;
mod expr;
mod hint;
mod query;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use pest::Parser as _;

use super::ast::{Ast, Comment, Expr};
use super::scan::{MAX_PROBLEMS, Refused, scan};
use super::{Limits, ast};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;

/// The generated parser. A module of its own because generated items carry no documentation.
mod generated {
    /// Reads `grammar/eql.pest`.
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/eql.pest"]
    pub(super) struct EqlParser;
}

use generated::{EqlParser, Rule};

type Pair<'a> = pest::iterators::Pair<'a, Rule>;

/// Reads one query within the default [`Limits`].
///
/// # Errors
///
/// Everything found wrong with the text, at least one problem, in order of importance.
pub fn parse(source: &str) -> Result<Ast, Vec<Diagnostic>> {
    parse_with(source, &Limits::default())
}

/// Reads one query. Time and memory grow linearly with its length.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with(source: &str, limits: &Limits) -> Result<Ast, Vec<Diagnostic>> {
    let comments = match scan(source, limits) {
        Ok(comments) => comments,
        Err(refused) => return Err(with_the_rest(refused, limits)),
    };
    grammar(source, comments, limits)
}

/// The text is read again behind a slip that has an obvious remedy, so that what follows is told too.
const MOST_READINGS: usize = 5;

fn grammar(source: &str, comments: Vec<Comment>, limits: &Limits) -> Result<Ast, Vec<Diagnostic>> {
    let mut text = Cow::Borrowed(source);
    let mut problems = Vec::new();
    for _ in 0..MOST_READINGS {
        let error = match EqlParser::parse(Rule::query_file, &text) {
            Err(error) => error::in_words(&text, &comments, &error),
            Ok(pairs) => {
                let builder = Builder::new(&text, limits);
                let ast = builder.query_file(pairs, comments);
                match builder.finish(ast) {
                    Ok(ast) if problems.is_empty() => return Ok(ast),
                    Ok(_) => {}
                    Err(more) => problems.extend(more),
                }
                break;
            }
        };
        let next = in_lower_case(&text, &error);
        problems.push(error);
        match next {
            Some(next) => text = Cow::Owned(next),
            None => break,
        }
    }
    problems.sort_by_key(Diagnostic::primary);
    problems.truncate(MAX_PROBLEMS);
    Err(problems)
}

/// The text with a keyword in capitals put right.
fn in_lower_case(text: &str, problem: &Diagnostic) -> Option<String> {
    let fix = problem.fix.as_ref()?;
    let word = fix.span.text(text);
    if !word.eq_ignore_ascii_case(&fix.replacement) {
        return None;
    }
    let (before, behind) = (text.get(..fix.span.start)?, text.get(fix.span.end..)?);
    Some([before, &fix.replacement, behind].concat())
}

/// What the scan found, and what the grammar finds when each of that is replaced by what was likely
/// meant.
fn with_the_rest(refused: Refused, limits: &Limits) -> Vec<Diagnostic> {
    let Refused { mut problems, comments, stand_in } = refused;
    let Some(text) = stand_in else { return problems };
    if let Err(more) = grammar(&text, comments, limits) {
        problems.extend(more);
        problems.sort_by_key(Diagnostic::primary);
        problems.truncate(MAX_PROBLEMS);
    }
    problems
}

/// Reads an expression alone, within the default [`Limits`].
///
/// # Errors
///
/// As [`parse`].
pub fn parse_expr(source: &str) -> Result<Expr, Vec<Diagnostic>> {
    let limits = Limits::default();
    let comments = scan(source, &limits).map_err(|refused| refused.problems)?;
    let builder = Builder::new(source, &limits);
    let mut pairs = EqlParser::parse(Rule::expression_file, source)
        .map_err(|error| vec![error::in_words(source, &comments, &error)])?;
    let inner = pairs.next().into_iter().flat_map(Pair::into_inner);
    let expr = inner.filter(|pair| pair.as_rule() == Rule::expr).map(|pair| builder.expr(pair));
    let expr = expr.last().map_or_else(|| missing(Span::default()), |node| node.expr);
    builder.finish(expr)
}

/// Turns pairs into nodes and gathers what is refused on the way.
struct Builder<'a> {
    source: &'a str,
    depth: usize,
    too_deep: Cell<bool>,
    problems: RefCell<Vec<Diagnostic>>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str, limits: &Limits) -> Self {
        Self {
            source,
            depth: limits.depth,
            too_deep: Cell::new(false),
            problems: RefCell::default(),
        }
    }

    fn finish<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.primary());
        if problems.is_empty() { Ok(value) } else { Err(problems) }
    }

    fn report(&self, problem: Diagnostic) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS {
            problems.push(problem);
        }
    }

    /// Reports a form of another dialect: `title`, and what to write instead.
    fn refuse(&self, span: Span, title: &str, label: &str, help: &str) {
        self.report(Diagnostic::new(Code::Unsupported, title).label(span, label).help(help));
    }
}

/// From the first to the last token. The library's own span may end in blanks and comments, when an
/// optional part at the end was looked for and not found.
fn span_of(pair: &Pair<'_>) -> Span {
    let start = pair.as_span().start();
    let mut last = pair.clone();
    while let Some(inner) = last.clone().into_inner().next_back() {
        last = inner;
    }
    Span::new(start, last.as_span().end())
}

/// Stands where something was refused; never reaches a caller, because then there is an error.
fn missing(span: Span) -> Expr {
    Expr { kind: ast::ExprKind::Literal(ast::Literal::Null), span }
}
