//! Expressions: what each part is, what it is compared with, and what the leaf becomes.
//!
//! `a != b` and `a not in (..)` are `not` around the positive leaf, so that both hold for a missing
//! field. What stands inside a leaf keeps null; [`fold::condition`] is the edge where it ends.

use super::types::Kind;
use super::{Checker, fold, ir};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::FieldType;
use crate::span::Span;
use crate::syntax::ast::{self, Arithmetic, Compare, ExprKind, Literal};
use crate::value::Value;

/// An expression with what is known about it.
pub(super) struct Typed {
    pub(super) expr: ir::Expr,
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// No field is read in it.
    pub(super) constant: bool,
    /// The word `null` itself.
    pub(super) null: bool,
}

impl Typed {
    pub(super) fn literal(&self) -> Option<&Value> {
        match &self.expr {
            ir::Expr::Literal(value) => Some(value),
            _ => None,
        }
    }
}

pub(super) fn boolean(expr: ir::Expr, span: Span, constant: bool) -> Typed {
    Typed { expr, kind: Kind::BOOLEAN, span, constant, null: false }
}

pub(super) fn literal(value: Value, span: Span) -> Typed {
    Typed {
        kind: Kind::of(&value),
        expr: ir::Expr::Literal(value),
        span,
        constant: true,
        null: false,
    }
}

/// Stands where something was reported; nothing more is said about it.
pub(super) fn reported(span: Span) -> Typed {
    Typed { kind: Kind::Unknown, ..literal(Value::Null, span) }
}

impl Checker<'_> {
    /// An expression that must be boolean, as a condition.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> ir::Cond {
        match &expr.kind {
            ExprKind::And(operands) => {
                fold::and(operands.iter().map(|operand| self.condition(operand)).collect())
            }
            ExprKind::Or(operands) => {
                fold::or(operands.iter().map(|operand| self.condition(operand)).collect())
            }
            ExprKind::Not(operand) => fold::not(self.condition(operand)),
            _ => {
                let typed = self.value(expr);
                if !typed.kind.can_be(|kind| kind == FieldType::Boolean) {
                    self.report_not_boolean(&typed, expr);
                }
                fold::condition(typed.expr)
            }
        }
    }

    fn report_not_boolean(&mut self, typed: &Typed, expr: &ast::Expr) {
        let mut problem = Diagnostic::new(Code::TypeMismatch, "a condition must be true or false")
            .label(typed.span, format!("this is {}", article(typed.kind)));
        if matches!(expr.kind, ExprKind::Field(_)) {
            problem = problem.help("to test that it is there write `!= null`");
        }
        self.report(problem);
    }

    /// Any expression.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Typed {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(value) => {
                let null = *value == Literal::Null;
                Typed { null, ..literal(value_of(value), span) }
            }
            ExprKind::Field(field) => Typed {
                expr: ir::Expr::Field(self.field(field)),
                kind: self.kind_of(&field.name),
                span,
                constant: false,
                null: false,
            },
            ExprKind::Call(call) => self.call(call, span),
            ExprKind::Sign { minus, operand } => self.sign(*minus, operand, span),
            ExprKind::Arithmetic(op, left, right) => {
                let operands = [self.value(left), self.value(right)];
                for operand in &operands {
                    self.require_number(operand, arithmetic_sign(*op));
                }
                self.arithmetic(*op, operands, span)
            }
            ExprKind::Compare(op, left, right) => {
                let optional = optional_fields(left, right);
                let (left, right) = (self.value(left), self.value(right));
                match op {
                    Compare::Equal => self.equal(left, right, optional, span),
                    Compare::NotEqual => {
                        let leaf = self.equal(left, right, optional, span);
                        negated(leaf)
                    }
                    op => self.order(*op, left, right, span),
                }
            }
            ExprKind::In { value, negated: not, fold, list } => {
                let value = self.value(value);
                let leaf = self.is_in(value, *fold, list, span);
                if *not { negated(leaf) } else { leaf }
            }
            ExprKind::Match { value, operator, patterns, .. } => {
                let value = self.value(value);
                self.matches(value, *operator, patterns, span)
            }
            ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => {
                let condition = self.condition(expr);
                let constant = matches!(condition, ir::Cond::Const(_));
                boolean(fold::value(condition), span, constant)
            }
        }
    }

    fn sign(&mut self, minus: bool, operand: &ast::Expr, span: Span) -> Typed {
        let operand = self.value(operand);
        self.require_number(&operand, if minus { "-" } else { "+" });
        if !minus {
            return Typed { span, null: false, ..operand };
        }
        let expr = match operand.expr {
            ir::Expr::Literal(Value::Int(int)) => {
                ir::Expr::Literal(int.checked_neg().map_or(Value::Null, Value::Int))
            }
            ir::Expr::Literal(Value::Float(float)) => ir::Expr::Literal(Value::Float(-float)),
            ir::Expr::Literal(other) => ir::Expr::Literal(other),
            other => ir::Expr::Negate(Box::new(other)),
        };
        Typed { expr, kind: operand.kind, span, constant: operand.constant, null: false }
    }

    fn require_number(&mut self, operand: &Typed, sign: &str) {
        if !operand.kind.can_be(FieldType::is_number) {
            let title = format!("`{sign}` needs numbers");
            let label = format!("this is {}", article(operand.kind));
            let mut problem = Diagnostic::new(Code::TypeMismatch, title).label(operand.span, label);
            if operand.kind.can_be(FieldType::is_text) {
                problem = problem.help("`number(..)` reads a number from text");
            }
            self.report(problem);
        }
    }

    pub(super) fn arithmetic(&mut self, op: Arithmetic, operands: [Typed; 2], span: Span) -> Typed {
        let [left, right] = operands;
        if let (Some(a), Some(b)) = (left.literal(), right.literal()) {
            if *a == Value::Null || *b == Value::Null {
                return literal(Value::Null, span);
            }
            if ![left.kind, right.kind].iter().all(|kind| kind.can_be(FieldType::is_number)) {
                return reported(span);
            }
            return match fold::arithmetic(op, a, b) {
                Some(value) => literal(value, span),
                None => {
                    self.report(
                        Diagnostic::new(Code::TypeMismatch, "the calculation has no result")
                            .label(span, "division by zero or too large a number"),
                    );
                    reported(span)
                }
            };
        }
        let whole = left.kind == Kind::LONG && right.kind == Kind::LONG;
        Typed {
            constant: left.constant && right.constant,
            expr: ir::Expr::Arithmetic(op, Box::new(left.expr), Box::new(right.expr)),
            kind: if whole { Kind::LONG } else { Kind::DOUBLE },
            span,
            null: false,
        }
    }
}

fn value_of(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Float(value) => Value::Float(*value),
        Literal::Str { text, .. } => Value::Str(text.as_str().into()),
    }
}

fn negated(leaf: Typed) -> Typed {
    let expr = fold::value(fold::not(fold::condition(leaf.expr)));
    Typed { expr, ..leaf }
}

fn optional_fields(left: &ast::Expr, right: &ast::Expr) -> bool {
    let optional = |expr: &ast::Expr| matches!(&expr.kind, ExprKind::Field(f) if f.optional);
    optional(left) && optional(right)
}

fn arithmetic_sign(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Modulo => "%",
    }
}

pub(super) fn article(kind: Kind) -> String {
    match kind {
        Kind::Of(FieldType::Ip) => "an ip address".to_owned(),
        Kind::Of(FieldType::Long | FieldType::Double) => "a number".to_owned(),
        Kind::Of(FieldType::Keyword | FieldType::Text) => "text".to_owned(),
        Kind::Of(kind) => format!("a {}", kind.name()),
        Kind::Null => "null".to_owned(),
        Kind::Unknown => "of unknown type".to_owned(),
    }
}
