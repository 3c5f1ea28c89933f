//! IR → query text: what a leaf or a condition says, in the words of the language.
//!
//! In: parts of a checked query. Out: text for people, on one line. It reads back to the same meaning,
//! though not always to what the author wrote: `startsWith(a, "b")` has become `a like "b*"`. Two
//! fields compared with each other are shown with `?`, the only way they can be written.

use super::function::{BUILTINS, Meaning};
use super::ir::{Cond, Expr, Field, Leaf, Order, Test};
use super::pattern::has_wildcard;
use crate::span::Span;
use crate::syntax::ast::{self, Call, Compare, ExprKind, Literal, MatchOperator};
use crate::syntax::print_expr;
use crate::value::Value;

/// A leaf as text.
pub fn leaf_text(leaf: &Leaf) -> String {
    print_expr(&self::leaf(leaf))
}

/// A condition as text.
pub fn condition_text(condition: &Cond) -> String {
    print_expr(&cond(condition))
}

const NOWHERE: Span = Span { start: 0, end: 0 };

fn node(kind: ExprKind) -> ast::Expr {
    ast::Expr { kind, span: NOWHERE }
}

fn cond(condition: &Cond) -> ast::Expr {
    match condition {
        Cond::Const(value) => node(ExprKind::Literal(Literal::Bool(*value))),
        Cond::And(all) => node(ExprKind::And(all.iter().map(cond).collect())),
        Cond::Or(any) => {
            let mut parts: Vec<ast::Expr> = Vec::with_capacity(any.len());
            for (index, part) in any.iter().enumerate() {
                if !any.get(index + 1).is_some_and(|next| is_both_missing(part, next)) {
                    parts.push(cond(part));
                }
            }
            match parts.pop() {
                Some(only) if parts.is_empty() => only,
                last => node(ExprKind::Or(parts.into_iter().chain(last).collect())),
            }
        }
        Cond::Not(inner) => {
            let inner = cond(inner);
            match inner.kind {
                ExprKind::Compare(Compare::Equal, a, b) => {
                    node(ExprKind::Compare(Compare::NotEqual, a, b))
                }
                ExprKind::In { value, negated, fold, list } => {
                    node(ExprKind::In { value, negated: !negated, fold, list })
                }
                kind => node(ExprKind::Not(Box::new(node(kind)))),
            }
        }
        Cond::Leaf(leaf) => self::leaf(leaf),
    }
}

/// Whether `part` says that two fields are missing of which `next` says that they are equal: together
/// that is `?a == ?b`.
fn is_both_missing(part: &Cond, next: &Cond) -> bool {
    let missing = |cond: &Cond, field: &Expr| match (cond, field) {
        (Cond::Leaf(Leaf::Test(missing, Test::Missing)), Expr::Field(field)) => missing == field,
        _ => false,
    };
    match (part, next) {
        (Cond::And(both), Cond::Leaf(Leaf::Expr(Expr::Compare(Compare::Equal, a, b)))) => {
            matches!(both.as_slice(), [x, y] if missing(x, a) && missing(y, b))
        }
        _ => false,
    }
}

fn leaf(leaf: &Leaf) -> ast::Expr {
    match leaf {
        Leaf::Test(name, of) => test(field(name, false), of),
        Leaf::Expr(value) => expr(value),
    }
}

fn field(field: &Field, optional: bool) -> ast::Expr {
    let name = field.name.to_string();
    node(ExprKind::Field(ast::Field { name, optional, span: NOWHERE }))
}

fn text(text: &str) -> ast::Expr {
    node(ExprKind::Literal(Literal::Str { text: text.to_owned(), raw: false }))
}

/// A pattern; one with backslashes reads better between triple quotes.
fn pattern(pattern: &str) -> ast::Expr {
    let raw = pattern.contains('\\') && !pattern.ends_with('"');
    node(ExprKind::Literal(Literal::Str { text: pattern.to_owned(), raw }))
}

fn null() -> ast::Expr {
    node(ExprKind::Literal(Literal::Null))
}

fn literal(value: &Value) -> ast::Expr {
    let negative = |literal| {
        let operand = Box::new(node(ExprKind::Literal(literal)));
        node(ExprKind::Sign { minus: true, operand })
    };
    match value {
        Value::Null => null(),
        Value::Bool(value) => node(ExprKind::Literal(Literal::Bool(*value))),
        Value::Int(i64::MIN) => {
            // Its opposite is no whole number of the language.
            let one = Box::new(node(ExprKind::Literal(Literal::Int(1))));
            let least = Box::new(negative(Literal::Int(i64::MAX)));
            node(ExprKind::Arithmetic(ast::Arithmetic::Subtract, least, one))
        }
        Value::Int(value) if *value < 0 => negative(Literal::Int(value.saturating_neg())),
        Value::Int(value) => node(ExprKind::Literal(Literal::Int(*value))),
        Value::Float(value) if value.is_sign_negative() => negative(Literal::Float(-value)),
        Value::Float(value) => node(ExprKind::Literal(Literal::Float(*value))),
        Value::Str(value) => text(value),
        Value::Ip(_) | Value::Time(_) => text(&value.to_string()),
    }
}

fn compare(op: Compare, left: ast::Expr, right: ast::Expr) -> ast::Expr {
    node(ExprKind::Compare(op, Box::new(left), Box::new(right)))
}

fn order(order: Order) -> Compare {
    match order {
        Order::Less => Compare::Less,
        Order::LessEqual => Compare::LessEqual,
        Order::Greater => Compare::Greater,
        Order::GreaterEqual => Compare::GreaterEqual,
    }
}

fn test(value: ast::Expr, test: &Test) -> ast::Expr {
    match test {
        Test::Missing => compare(Compare::Equal, value, null()),
        Test::Present => compare(Compare::NotEqual, value, null()),
        Test::In(values) => match values.as_slice() {
            // Nothing equals null.
            [] => within(value, false, vec![null()]),
            [one] => compare(Compare::Equal, value, literal(one)),
            many => within(value, false, many.iter().map(literal).collect()),
        },
        // `:` is the usual way to say it, but reads wildcards.
        Test::InFold(texts) if texts.is_empty() => within(value, true, vec![null()]),
        Test::InFold(texts) if !texts.iter().any(|text| has_wildcard(text)) => {
            matches(value, MatchOperator::Colon, texts.iter().map(|t| text(t)).collect())
        }
        Test::InFold(texts) => within(value, true, texts.iter().map(|t| text(t)).collect()),
        Test::Like { patterns, fold } => {
            let operator = if *fold { MatchOperator::Colon } else { MatchOperator::Like };
            matches(value, operator, patterns.iter().map(|p| pattern(p)).collect())
        }
        Test::Regex { written, fold, .. } => {
            let operator = if *fold { MatchOperator::RegexFold } else { MatchOperator::Regex };
            matches(value, operator, written.iter().map(|p| pattern(p)).collect())
        }
        Test::Compare(of, bound) => compare(order(*of), value, literal(bound)),
        Test::Version(of, bound) => compare(order(*of), value, text(bound)),
        Test::Cidr(networks) => {
            let networks = networks.iter().map(|network| text(&network.to_string()));
            call("cidrMatch", false, std::iter::once(value).chain(networks).collect())
        }
    }
}

fn within(value: ast::Expr, fold: bool, list: Vec<ast::Expr>) -> ast::Expr {
    node(ExprKind::In { value: Box::new(value), negated: false, fold, list })
}

fn matches(value: ast::Expr, operator: MatchOperator, patterns: Vec<ast::Expr>) -> ast::Expr {
    let list = patterns.len() != 1;
    node(ExprKind::Match { value: Box::new(value), operator, patterns, list })
}

fn call(name: &str, fold: bool, args: Vec<ast::Expr>) -> ast::Expr {
    node(ExprKind::Call(Call { name: name.to_owned(), fold, name_span: NOWHERE, args }))
}

fn expr(value: &Expr) -> ast::Expr {
    match value {
        Expr::Literal(value) => literal(value),
        Expr::Field(name) => field(name, false),
        Expr::Call { function, fold, args } => {
            let name = BUILTINS.iter().find(|b| b.meaning == Meaning::Call(*function));
            let name = name.map_or("", |builtin| builtin.name);
            call(name, *fold, args.iter().map(expr).collect())
        }
        Expr::Arithmetic(op, a, b) => {
            node(ExprKind::Arithmetic(*op, Box::new(expr(a)), Box::new(expr(b))))
        }
        Expr::Negate(inner) => node(ExprKind::Sign { minus: true, operand: Box::new(expr(inner)) }),
        Expr::Compare(op, a, b) => match (&**a, &**b) {
            (Expr::Field(a), Expr::Field(b)) => compare(*op, field(a, true), field(b, true)),
            (a, b) => compare(*op, expr(a), expr(b)),
        },
        Expr::IsNull(inner) => compare(Compare::Equal, expr(inner), null()),
        Expr::Test(inner, of) => test(expr(inner), of),
        Expr::Cond(inner) => cond(inner),
    }
}
