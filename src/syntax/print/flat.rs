//! Expressions on one line, names and literals: the pieces that lines are made of.

use std::fmt::Write as _;

use super::match_words;
use crate::syntax::ast::{Arithmetic, Category, Compare, Expr, ExprKind, Field, Literal};
use crate::syntax::is_plain_name;

/// How tightly the forms bind, loosest first, as in section 3 of the grammar.
pub(super) const LIST_ITEM: u8 = 1;
pub(super) const AND: u8 = 2;
pub(super) const NOT: u8 = 3;
const COMPARE: u8 = 4;
const ADD: u8 = 5;
const MULTIPLY: u8 = 6;
pub(super) const SIGN: u8 = 7;
const TAIL: u8 = 8;
pub(super) const OPERAND: u8 = 9;

/// How tightly `expr` binds.
pub(super) fn level(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Or(_) => LIST_ITEM,
        ExprKind::And(_) => AND,
        ExprKind::Not(_) => NOT,
        ExprKind::Compare(..) => COMPARE,
        ExprKind::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, ..) => ADD,
        ExprKind::Arithmetic(..) => MULTIPLY,
        ExprKind::Sign { .. } => SIGN,
        ExprKind::In { .. } | ExprKind::Match { .. } => TAIL,
        ExprKind::Literal(_) | ExprKind::Field(_) | ExprKind::Call(_) => OPERAND,
    }
}

/// The operands of a binary operator with the level each needs, and the sign between them.
#[expect(clippy::type_complexity, reason = "used twice, next to each other")]
pub(super) fn operand_levels(
    expr: &Expr,
) -> (Option<(&Expr, u8)>, &'static str, Option<(&Expr, u8)>) {
    match &expr.kind {
        ExprKind::Compare(op, left, right) => {
            let sign = match op {
                Compare::Equal => " == ",
                Compare::NotEqual => " != ",
                Compare::Less => " < ",
                Compare::LessEqual => " <= ",
                Compare::Greater => " > ",
                Compare::GreaterEqual => " >= ",
            };
            (Some((left, ADD)), sign, Some((right, ADD)))
        }
        ExprKind::Arithmetic(op, left, right) => {
            let (sign, at) = match op {
                Arithmetic::Add => (" + ", ADD),
                Arithmetic::Subtract => (" - ", ADD),
                Arithmetic::Multiply => (" * ", MULTIPLY),
                Arithmetic::Divide => (" / ", MULTIPLY),
                Arithmetic::Modulo => (" % ", MULTIPLY),
            };
            (Some((left, at)), sign, Some((right, at + 1)))
        }
        _ => (None, "", None),
    }
}

pub(super) fn in_words(negated: bool, fold: bool) -> &'static str {
    match (negated, fold) {
        (false, false) => " in ",
        (false, true) => " in~ ",
        (true, false) => " not in ",
        (true, true) => " not in~ ",
    }
}

/// Text of one line that grows until there is no room.
pub(super) struct Flat {
    out: String,
    room: usize,
}

impl Flat {
    /// `expr` on one line however long, bracketed when it binds less than `least`.
    pub(super) fn of(expr: &Expr, least: u8) -> String {
        Self::fitting(expr, least, usize::MAX).unwrap_or_default()
    }

    /// As [`Flat::of`], if it has at most `room` characters. Stops as soon as it has more.
    pub(super) fn fitting(expr: &Expr, least: u8, room: usize) -> Option<String> {
        let mut flat = Self { out: String::new(), room };
        flat.expr(expr, least)?;
        Some(flat.out)
    }

    fn write(&mut self, text: &str) -> Option<()> {
        self.room = self.room.checked_sub(text.chars().count())?;
        self.out.push_str(text);
        Some(())
    }

    fn expr(&mut self, expr: &Expr, least: u8) -> Option<()> {
        if level(expr) < least {
            self.write("(")?;
            self.expr(expr, LIST_ITEM)?;
            return self.write(")");
        }
        match &expr.kind {
            ExprKind::Literal(value) => self.write(&literal(value)),
            ExprKind::Field(field) => self.write(&name(field)),
            ExprKind::Call(call) => {
                self.write(&call.name)?;
                self.write(if call.fold { "~" } else { "" })?;
                self.list(&call.args)
            }
            ExprKind::Sign { minus, operand } => {
                self.write(if *minus { "-" } else { "+" })?;
                self.expr(operand, SIGN)
            }
            ExprKind::Arithmetic(..) | ExprKind::Compare(..) => {
                let (left, sign, right) = operand_levels(expr);
                let ((left, left_least), (right, right_least)) = (left?, right?);
                self.expr(left, left_least)?;
                self.write(sign)?;
                self.expr(right, right_least)
            }
            ExprKind::In { value, negated, fold, list } => {
                self.expr(value, OPERAND)?;
                self.write(in_words(*negated, *fold))?;
                self.list(list)
            }
            ExprKind::Match { value, operator, patterns, list } => {
                self.expr(value, OPERAND)?;
                self.write(match_words(*operator))?;
                match patterns.first() {
                    Some(pattern) if !list => self.expr(pattern, OPERAND),
                    _ => self.list(patterns),
                }
            }
            ExprKind::Not(operand) => {
                self.write("not ")?;
                self.expr(operand, NOT)
            }
            ExprKind::And(operands) => self.chain(operands, " and ", NOT),
            ExprKind::Or(operands) => self.chain(operands, " or ", AND),
        }
    }

    fn chain(&mut self, operands: &[Expr], word: &str, least: u8) -> Option<()> {
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                self.write(word)?;
            }
            self.expr(operand, least)?;
        }
        Some(())
    }

    fn list(&mut self, items: &[Expr]) -> Option<()> {
        self.write("(")?;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.write(", ")?;
            }
            self.expr(item, LIST_ITEM)?;
        }
        self.write(")")
    }
}

/// A field as it must be written: parts that are not plain names in backticks.
pub(super) fn name(field: &Field) -> String {
    let mut out = String::new();
    if field.optional {
        out.push('?');
    }
    if field.name.split('.').any(str::is_empty) {
        quote_name(&mut out, &field.name);
        return out;
    }
    for (index, part) in field.name.split('.').enumerate() {
        if index > 0 {
            out.push('.');
        }
        if is_plain_name(part) {
            out.push_str(part);
        } else {
            quote_name(&mut out, part);
        }
    }
    out
}

fn quote_name(out: &mut String, part: &str) {
    out.push('`');
    out.push_str(&part.replace('`', "``"));
    out.push('`');
}

pub(super) fn category(category: &Category) -> String {
    match &category.name {
        None => "any".to_owned(),
        Some(name) if is_plain_name(name) => name.clone(),
        Some(name) => quoted(name),
    }
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::Str { text, raw: true }
            if !text.contains(['\n', '\r']) && !text.contains("\"\"\"") =>
        {
            format!("\"\"\"{text}\"\"\"")
        }
        Literal::Str { text, .. } => quoted(text),
    }
}

/// In double quotes. Characters that cannot be seen are written as escapes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // The language has no escape for zero.
            '\0' => out.push(c),
            '\u{1}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:02x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
