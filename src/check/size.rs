//! What a checked query costs to compile, and the bounds of it.
//!
//! In: a query without errors. Out: a problem for each bound that it breaks. Together with the limits
//! of `syntax` and of regular expressions these bounds keep every checked query compilable, in little
//! time and memory, however it was made: building an engine cannot fail on one.

use std::collections::HashSet;

use super::ir::{Cond, Expr, Field, Item, Leaf, Query, QueryKind, Test};
use crate::diagnostic::{Code, Diagnostic};

/// Most distinct fields of a query. Each has its place in every event.
const MAX_FIELDS: usize = 1000;
/// Most distinct fields of one computed condition: their values are tried in all combinations.
const MAX_FIELDS_OF_EXPRESSION: usize = 64;
/// Deepest nesting of one computed condition, counted as it is run.
const MAX_DEPTH: usize = 200;
/// Most `*` of a query; what stands between two of them counts fivefold when it has a `?`.
const MAX_WILDCARDS: usize = 30_000;
const HOLES: usize = 5;

/// Reports what is too large.
pub(super) fn check(query: &Query, problems: &mut Vec<Diagnostic>) {
    let mut size = Size {
        problems,
        fields: HashSet::new(),
        wildcards: 0,
        told_fields: false,
        told_wildcards: false,
    };
    match &query.kind {
        QueryKind::Event(filter) => size.condition(&filter.condition),
        QueryKind::Sequence(sequence) => {
            sequence.items.iter().chain(sequence.until.as_deref()).for_each(|i| size.item(i));
        }
        QueryKind::Sample(items) => items.iter().for_each(|item| size.item(item)),
    }
}

struct Size<'a, 'q> {
    problems: &'a mut Vec<Diagnostic>,
    fields: HashSet<&'q str>,
    wildcards: usize,
    // The bounds of the whole query are reported once.
    told_fields: bool,
    told_wildcards: bool,
}

impl<'q> Size<'_, 'q> {
    fn item(&mut self, item: &'q Item) {
        item.keys.iter().for_each(|key| self.field(&key.field));
        self.condition(&item.filter.condition);
    }

    fn condition(&mut self, condition: &'q Cond) {
        match condition {
            Cond::Const(_) => {}
            Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| self.condition(c)),
            Cond::Not(inner) => self.condition(inner),
            Cond::Leaf(Leaf::Test(field, test)) => {
                self.field(field);
                self.test(test, Some(field));
            }
            Cond::Leaf(Leaf::Expr(expr)) => {
                let mut walk = Walk { size: self, fields: HashSet::new(), first: None, depth: 0 };
                walk.expr(expr, 0);
                let (fields, first, depth) = (walk.fields.len(), walk.first, walk.depth);
                if fields > MAX_FIELDS_OF_EXPRESSION {
                    let title = format!(
                        "a computed condition can read at most {MAX_FIELDS_OF_EXPRESSION} fields, \
                         this reads {fields}"
                    );
                    self.too_large(title, first, "this is the first of them");
                }
                if depth > MAX_DEPTH {
                    let title = "a computed condition is nested too deep".to_owned();
                    self.too_large(title, first, "in the condition on this");
                }
            }
        }
    }

    fn field(&mut self, field: &'q Field) {
        self.fields.insert(&field.name);
        if self.fields.len() > MAX_FIELDS && !std::mem::replace(&mut self.told_fields, true) {
            let title = format!("a query can read at most {MAX_FIELDS} fields");
            self.too_large(title, Some(field), "one too many");
        }
    }

    fn test(&mut self, test: &Test, field: Option<&Field>) {
        let Test::Like { patterns, .. } = test else { return };
        for pattern in patterns {
            for piece in pattern.split('*') {
                self.wildcards += if piece.contains('?') { HOLES } else { 1 };
            }
        }
        if self.wildcards > MAX_WILDCARDS && !std::mem::replace(&mut self.told_wildcards, true) {
            let title = format!("the patterns of a query can have {MAX_WILDCARDS} `*` in all");
            self.too_large(title, field, "too many from this test on");
        }
    }

    fn too_large(&mut self, title: String, field: Option<&Field>, label: &str) {
        let problem = Diagnostic::new(Code::TooLarge, title);
        self.problems.push(match field {
            Some(field) => problem.label(field.span, label),
            None => problem,
        });
    }
}

/// One computed condition.
struct Walk<'w, 'a, 'q> {
    size: &'w mut Size<'a, 'q>,
    fields: HashSet<&'q str>,
    first: Option<&'q Field>,
    /// Of the deepest part so far.
    depth: usize,
}

impl<'q> Walk<'_, '_, 'q> {
    fn field(&mut self, field: &'q Field) {
        self.size.field(field);
        self.fields.insert(&field.name);
        self.first = self.first.or(Some(field));
    }

    fn expr(&mut self, expr: &'q Expr, depth: usize) {
        let depth = depth + 1;
        self.depth = self.depth.max(depth);
        match expr {
            Expr::Literal(_) => {}
            Expr::Field(field) => self.field(field),
            Expr::Call { args, .. } => args.iter().for_each(|arg| self.expr(arg, depth)),
            Expr::Negate(inner) | Expr::IsNull(inner) => self.expr(inner, depth),
            Expr::Test(inner, test) => {
                self.size.test(test, self.first);
                self.expr(inner, depth);
            }
            Expr::Arithmetic(_, a, b) | Expr::Compare(_, a, b) => {
                self.expr(a, depth);
                self.expr(b, depth);
            }
            Expr::Cond(condition) => self.condition(condition, depth),
        }
    }

    fn condition(&mut self, condition: &'q Cond, depth: usize) {
        let depth = depth + 1;
        self.depth = self.depth.max(depth);
        match condition {
            Cond::Const(_) => {}
            Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| self.condition(c, depth)),
            Cond::Not(inner) => self.condition(inner, depth),
            Cond::Leaf(Leaf::Test(field, test)) => {
                self.field(field);
                self.size.test(test, Some(field));
            }
            Cond::Leaf(Leaf::Expr(expr)) => self.expr(expr, depth),
        }
    }
}
