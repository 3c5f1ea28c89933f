//! Expressions: what each part is, what it is compared with, and what the leaf becomes.
//!
//! `a != b` and `a not in (..)` are `not` around the positive leaf, so that both hold for a missing
//! field. What stands inside a leaf keeps null; [`fold::condition`] is the edge where it ends.

use super::function::{ArgKind, BUILTINS, Builtin, Meaning, lookup, substitute};
use super::sequence::count;
use super::types::{Fitted, Kind, Misfit, fit, text};
use super::{Checker, fold, ir, pattern};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::schema::FieldType;
use crate::span::Span;
use crate::syntax::ast::{self, Arithmetic, Compare, ExprKind, Literal, MatchOperator};
use crate::value::{Value, equal, equal_folded, fold as lower};

/// An expression with what is known about it.
pub(super) struct Typed {
    pub(super) expr: ir::Expr,
    kind: Kind,
    span: Span,
    /// No field is read in it.
    constant: bool,
    /// The word `null` itself.
    null: bool,
}

impl Typed {
    fn literal(&self) -> Option<&Value> {
        match &self.expr {
            ir::Expr::Literal(value) => Some(value),
            _ => None,
        }
    }
}

fn boolean(expr: ir::Expr, span: Span, constant: bool) -> Typed {
    Typed { expr, kind: Kind::BOOLEAN, span, constant, null: false }
}

fn literal(value: Value, span: Span) -> Typed {
    Typed {
        kind: Kind::of(&value),
        expr: ir::Expr::Literal(value),
        span,
        constant: true,
        null: false,
    }
}

/// Stands where something was reported; nothing more is said about it.
fn reported(span: Span) -> Typed {
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

    fn arithmetic(&mut self, op: Arithmetic, operands: [Typed; 2], span: Span) -> Typed {
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

    /// `left == right`; `optional` when both are fields written with `?`.
    fn equal(&mut self, left: Typed, right: Typed, optional: bool, span: Span) -> Typed {
        let constant = left.constant && right.constant;
        if right.null || left.null {
            let tested = if right.null { left } else { right };
            return boolean(fold::is_null(tested.expr), span, constant);
        }
        let (left, right) = if left.literal().is_some() { (right, left) } else { (left, right) };
        if right.literal().is_none() {
            return self.equal_computed(left, right, optional, span);
        }
        self.warn_wildcard(&right);
        let Some(fitted) = self.fit(&right, &left, false) else {
            return boolean(ir::Expr::Literal(Value::Bool(false)), span, true);
        };
        let expr = match (left.expr, fitted) {
            (_, Fitted::Value(Value::Null)) => ir::Expr::Literal(Value::Null),
            (ir::Expr::Literal(a), Fitted::Value(b)) => {
                ir::Expr::Literal(fold::comparison(Compare::Equal, &a, &b))
            }
            (expr, Fitted::Value(Value::Bool(expected)))
                if left.kind == Kind::BOOLEAN && !matches!(expr, ir::Expr::Field(_)) =>
            {
                // A test or a function: `== false` negates the whole of it.
                if expected { expr } else { fold::value(fold::not(fold::condition(expr))) }
            }
            (expr, Fitted::Value(value)) => {
                ir::Expr::Test(Box::new(expr), ir::Test::In(vec![value]))
            }
            (expr, Fitted::Network(network)) => {
                ir::Expr::Test(Box::new(expr), ir::Test::Cidr(vec![network]))
            }
        };
        boolean(expr, span, constant)
    }

    /// Neither side is a literal.
    fn equal_computed(&mut self, left: Typed, right: Typed, optional: bool, span: Span) -> Typed {
        let unknown = left.kind == Kind::Unknown && right.kind == Kind::Unknown;
        if let (true, true, ir::Expr::Field(a), ir::Expr::Field(b)) =
            (optional, unknown, &left.expr, &right.expr)
        {
            // Elasticsearch reads optional fields that no index knows as null, and null equals null.
            let missing = |field: &ir::Field| {
                ir::Cond::Leaf(ir::Leaf::Test(field.clone(), ir::Test::Missing))
            };
            let both = fold::and(vec![missing(a), missing(b)]);
            let same = ir::Expr::Compare(Compare::Equal, Box::new(left.expr), Box::new(right.expr));
            let either = fold::or(vec![both, fold::condition(same)]);
            return boolean(fold::value(either), span, false);
        }
        self.compare_computed(Compare::Equal, left, right, span)
    }

    /// A comparison of which one side, though not a literal, reads no field.
    fn compare_computed(&mut self, op: Compare, left: Typed, right: Typed, span: Span) -> Typed {
        if !left.constant && !right.constant {
            self.report(
                Diagnostic::new(Code::FieldComparison, "two fields cannot be compared")
                    .label(right.span, "not a constant")
                    .label(left.span, "not a constant either")
                    .help("comparisons against fields are not supported in Elasticsearch EQL"),
            );
            return boolean(ir::Expr::Literal(Value::Bool(false)), span, true);
        }
        if !left.kind.joins(right.kind) {
            self.report_kinds(&right, left.kind);
        }
        let constant = left.constant && right.constant;
        let expr = ir::Expr::Compare(op, Box::new(left.expr), Box::new(right.expr));
        boolean(expr, span, constant)
    }

    /// `left < right` and the like.
    fn order(&mut self, op: Compare, left: Typed, right: Typed, span: Span) -> Typed {
        if left.null || right.null {
            return boolean(ir::Expr::Literal(Value::Null), span, true);
        }
        let constant = left.constant && right.constant;
        let turn = left.literal().is_some();
        let (op, left, right) = if turn { (turned(op), right, left) } else { (op, left, right) };
        for side in [&left, &right] {
            if side.kind == Kind::BOOLEAN {
                self.report(
                    Diagnostic::new(Code::TypeMismatch, "booleans have no order")
                        .label(side.span, "this is true or false"),
                );
                return boolean(ir::Expr::Literal(Value::Bool(false)), span, true);
            }
        }
        if right.literal().is_none() {
            return self.compare_computed(op, left, right, span);
        }
        self.warn_wildcard(&right);
        let Some(Fitted::Value(value)) = self.fit(&right, &left, true) else {
            return boolean(ir::Expr::Literal(Value::Bool(false)), span, true);
        };
        let order = match op {
            Compare::LessEqual => ir::Order::LessEqual,
            Compare::Greater => ir::Order::Greater,
            Compare::GreaterEqual => ir::Order::GreaterEqual,
            _ => ir::Order::Less,
        };
        let expr = match (left.expr, value) {
            (_, Value::Null) => ir::Expr::Literal(Value::Null),
            (ir::Expr::Literal(a), b) => ir::Expr::Literal(fold::comparison(op, &a, &b)),
            (expr, Value::Str(text)) if left.kind == Kind::Of(FieldType::Version) => {
                ir::Expr::Test(Box::new(expr), ir::Test::Version(order, text))
            }
            (expr, value) => ir::Expr::Test(Box::new(expr), ir::Test::Compare(order, value)),
        };
        boolean(expr, span, constant)
    }

    /// `value in (list)`
    fn is_in(&mut self, value: Typed, fold: bool, list: &[ast::Expr], span: Span) -> Typed {
        if fold && !self.require_text(&value, "in~", "in") {
            return boolean(ir::Expr::Literal(Value::Bool(false)), span, true);
        }
        let mut values = Vec::with_capacity(list.len());
        let mut networks = Vec::new();
        for element in list {
            let element = self.value(element);
            if element.literal().is_none() {
                self.report_not_constant(&element);
                continue;
            }
            if fold && !element.kind.can_be(FieldType::is_text) {
                self.report_kinds(&element, Kind::TEXT);
                continue;
            }
            if !fold {
                self.warn_wildcard(&element);
            }
            match self.fit(&element, &value, false) {
                // Nothing equals null.
                None | Some(Fitted::Value(Value::Null)) => {}
                Some(Fitted::Value(value)) => values.push(value),
                Some(Fitted::Network(network)) => networks.push(network),
            }
        }
        let expr = match value.expr {
            ir::Expr::Literal(Value::Null) => ir::Expr::Literal(Value::Null),
            ir::Expr::Literal(constant) => {
                let found = values.iter().any(|value| same(&constant, value, fold));
                ir::Expr::Literal(Value::Bool(found))
            }
            expr => ir::Expr::Test(Box::new(expr), in_test(values, networks, fold)),
        };
        boolean(expr, span, value.constant)
    }

    fn report_not_constant(&mut self, element: &Typed) {
        let problem = if element.constant {
            Diagnostic::new(Code::NotConstant, "a list holds constants")
                .label(element.span, "write the value itself")
        } else {
            Diagnostic::new(Code::FieldComparison, "a list cannot hold fields")
                .label(element.span, "not a constant")
                .help("comparisons against fields are not supported in Elasticsearch EQL")
        };
        self.report(problem);
    }

    /// `value : patterns` and its relatives.
    fn matches(
        &mut self,
        value: Typed,
        operator: MatchOperator,
        patterns: &[ast::Expr],
        span: Span,
    ) -> Typed {
        let word = match operator {
            MatchOperator::Colon => ":",
            MatchOperator::Like => "like",
            MatchOperator::LikeFold => "like~",
            MatchOperator::Regex => "regex",
            MatchOperator::RegexFold => "regex~",
        };
        let instead = if patterns.len() == 1 { "==" } else { "in" };
        if !self.require_text(&value, word, instead) {
            return boolean(ir::Expr::Literal(Value::Bool(false)), span, true);
        }
        let mut texts = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let pattern = self.value(pattern);
            match pattern.literal().and_then(text) {
                Some(text) => texts.push((text.to_owned(), pattern.span)),
                None => self.report_pattern(&pattern, word, instead),
            }
        }
        let test = match operator {
            MatchOperator::Colon | MatchOperator::LikeFold => like_test(&texts, true),
            MatchOperator::Like => like_test(&texts, false),
            MatchOperator::Regex => self.regex_test(&texts, false),
            MatchOperator::RegexFold => self.regex_test(&texts, true),
        };
        boolean(ir::Expr::Test(Box::new(value.expr), test), span, value.constant)
    }

    fn report_pattern(&mut self, pattern: &Typed, word: &str, instead: &str) {
        self.report(
            Diagnostic::new(Code::TypeMismatch, format!("`{word}` compares with strings only"))
                .label(pattern.span, format!("this is {}", article(pattern.kind)))
                .help(format!("use `{instead}` for other values, `== null` for missing ones")),
        );
    }

    /// Whether the value can be text; if not, says so.
    fn require_text(&mut self, value: &Typed, word: &str, instead: &str) -> bool {
        let can = value.kind.can_be(FieldType::is_text);
        if !can {
            self.report(
                Diagnostic::new(Code::TypeMismatch, format!("`{word}` tests strings only"))
                    .label(value.span, format!("this is {}", article(value.kind)))
                    .help(format!("consider using `{instead}` instead, or `string(..)`")),
            );
        }
        can
    }

    fn regex_test(&mut self, texts: &[(String, Span)], fold: bool) -> ir::Test {
        let mut parts = Vec::with_capacity(texts.len());
        for (text, span) in texts {
            match pattern::regex(text, fold) {
                Ok(part) => {
                    self.regex_size = self.regex_size.saturating_add(part.size);
                    parts.push(part);
                }
                Err(refusal) => self.report(
                    Diagnostic::new(Code::BadPattern, "the regular expression cannot be read")
                        .label(*span, refusal.reason)
                        .help(refusal.help),
                ),
            }
            if self.regex_size > pattern::MAX_REGEX_SIZE {
                self.regex_size = 0;
                let title = format!(
                    "the regular expressions of a query can have {} characters in all",
                    pattern::MAX_REGEX_SIZE
                );
                self.report(
                    Diagnostic::new(Code::TooLarge, title)
                        .label(*span, "too many from here on, repetitions counted"),
                );
            }
        }
        ir::Test::Regex { pattern: pattern::anchored(&parts, fold).into(), fold }
    }

    fn call(&mut self, call: &ast::Call, span: Span) -> Typed {
        let Some(builtin) = lookup(&call.name) else {
            self.report_unknown_function(call);
            for arg in &call.args {
                self.value(arg);
            }
            return reported(span);
        };
        if call.fold && !builtin.fold {
            let tilde = Span::new(call.name_span.end.saturating_sub(1), call.name_span.end);
            self.report(
                Diagnostic::new(
                    Code::UnknownFunction,
                    format!("`{}~` does not exist", builtin.name),
                )
                .label(call.name_span, "case cannot matter here")
                .help(format!("write `{}`", builtin.name))
                .fix(tilde, ""),
            );
        }
        let args: Vec<Typed> = call.args.iter().map(|arg| self.value(arg)).collect();
        let mut fits = self.check_count(builtin, &args, span);
        for (index, arg) in args.iter().enumerate() {
            fits &= self.check_arg(builtin, index, arg);
        }
        if !fits {
            return Typed { kind: result(builtin, &args), ..reported(span) };
        }
        self.meaning(builtin, call.fold, args, span)
    }

    /// A call whose arguments fit.
    fn meaning(&mut self, builtin: &Builtin, fold: bool, args: Vec<Typed>, span: Span) -> Typed {
        let constant = args.iter().all(|arg| arg.constant);
        let kind = result(builtin, &args);
        let mut rest = args.into_iter();
        let expr = match builtin.meaning {
            Meaning::Operator(op) => {
                let (Some(left), Some(right)) = (rest.next(), rest.next()) else {
                    return reported(span);
                };
                return self.arithmetic(op, [left, right], span);
            }
            Meaning::Wildcard => {
                let Some(value) = rest.next() else { return reported(span) };
                let texts: Vec<_> = rest.filter_map(constant_text).collect();
                ir::Expr::Test(Box::new(value.expr), like_test(&texts, fold))
            }
            Meaning::Cidr => {
                let Some(value) = rest.next() else { return reported(span) };
                let mut networks = Vec::new();
                for (text, place) in rest.filter_map(constant_text) {
                    match pattern::network(&text) {
                        Some(network) => networks.push(network),
                        None => self.report_network(&text, place),
                    }
                }
                ir::Expr::Test(Box::new(value.expr), ir::Test::Cidr(networks))
            }
            Meaning::Call(function) => {
                let args: Vec<ir::Expr> = rest.map(|arg| arg.expr).collect();
                as_wildcard(function, fold, args)
            }
        };
        Typed { expr, kind, span, constant, null: false }
    }

    fn report_network(&mut self, text: &str, span: Span) {
        self.report(
            Diagnostic::new(Code::BadPattern, format!("`{text}` is not a network"))
                .label(span, "neither an address nor a network")
                .help("write `10.0.0.0/8`, `fe80::/10` or an address"),
        );
    }

    fn report_unknown_function(&mut self, call: &ast::Call) {
        let title = format!("unknown function `{}`", call.name);
        let problem =
            Diagnostic::new(Code::UnknownFunction, title).label(call.name_span, "no such function");
        let problem = match substitute(&call.name) {
            Some(help) => problem.help(help),
            None => match nearest(&call.name, BUILTINS.iter().map(|b| b.name)) {
                Some(near) => {
                    let tilde = if call.fold { "~" } else { "" };
                    problem
                        .help(format!("did you mean `{near}`?"))
                        .fix(call.name_span, format!("{near}{tilde}"))
                }
                None => problem,
            },
        };
        self.report(problem);
    }

    fn check_count(&mut self, builtin: &Builtin, args: &[Typed], span: Span) -> bool {
        let (least, most) = builtin.arity();
        let fits = args.len() >= least && most.is_none_or(|most| args.len() <= most);
        if !fits {
            let takes = match most {
                Some(most) if most == least => count(least, "argument"),
                Some(most) => format!("{least} to {}", count(most, "argument")),
                None => format!("at least {}", count(least, "argument")),
            };
            let title = format!("`{}` takes {takes}", builtin.name);
            self.report(
                Diagnostic::new(Code::ArgumentCount, title)
                    .label(span, format!("found {}", count(args.len(), "argument")))
                    .help(format!("it is called as `{}`", builtin.signature())),
            );
        }
        fits
    }

    fn check_arg(&mut self, builtin: &Builtin, index: usize, arg: &Typed) -> bool {
        let Some(declared) = builtin.arg(index) else { return true };
        if !declared.kind.accepts(arg.kind) {
            let place = ordinal(index);
            let name = builtin.name;
            let title =
                format!("{place} argument of `{name}` must be {}", declared.kind.with_article());
            let mut problem = Diagnostic::new(Code::TypeMismatch, title)
                .label(arg.span, format!("this is {}", article(arg.kind)));
            if declared.kind == ArgKind::Text {
                problem = problem.help("`string(..)` makes text of other values");
            }
            self.report(problem);
            return false;
        }
        if declared.kind == ArgKind::ConstantText && arg.literal().and_then(text).is_none() {
            let place = ordinal(index);
            let title = format!("{place} argument of `{}` must be a constant", builtin.name);
            self.report(
                Diagnostic::new(Code::NotConstant, title)
                    .label(arg.span, "not a string as written"),
            );
            return false;
        }
        true
    }

    /// The literal as the type of what it is compared with; `None` when reported.
    fn fit(&mut self, literal: &Typed, other: &Typed, ordered: bool) -> Option<Fitted> {
        let value = literal.literal()?.clone();
        match fit(value, other.kind, ordered) {
            Ok(fitted) => Some(fitted),
            Err(misfit) => {
                self.report_misfit(misfit, literal, other);
                None
            }
        }
    }

    fn report_misfit(&mut self, misfit: Misfit, literal: &Typed, other: &Typed) {
        let problem = |title: &str, label: &str| {
            Diagnostic::new(Code::TypeMismatch, title)
                .label(literal.span, label)
                .label(other.span, format!("this is {}", article(other.kind)))
        };
        let problem = match misfit {
            Misfit::Kinds => return self.report_kinds(literal, other.kind),
            Misfit::NotNumber => {
                problem("a number is compared with text that is not a number", "not a number")
            }
            Misfit::NotAddress => problem(
                "an address is compared with text that is not an address",
                "neither an address nor a network",
            ),
            Misfit::NetworkOrder => {
                problem("an address cannot be greater or less than a network", "a network")
            }
            Misfit::NotDate => {
                problem("a time is compared with text that is not a time", "not a point in time")
                    .help("write `2024-05-01`, `2024-05-01T10:00:00Z` or milliseconds since 1970")
            }
            Misfit::DateMath => problem("times cannot be calculated", "date math is not supported")
                .help("write a fixed point in time: `2024-05-01T10:00:00Z`"),
        };
        self.report(problem);
    }

    fn report_kinds(&mut self, found: &Typed, needed: Kind) {
        let title = format!("{} is compared with {}", article(needed), article(found.kind));
        self.report(
            Diagnostic::new(Code::TypeMismatch, title)
                .label(found.span, format!("must be {}", article(needed))),
        );
    }

    /// `== "a*"` looks for a star.
    fn warn_wildcard(&mut self, literal: &Typed) {
        let Some(text) = literal.literal().and_then(text) else { return };
        if text.contains('*') {
            self.report(
                Diagnostic::new(Code::WildcardLiteral, "`*` stands for itself here")
                    .label(literal.span, "not a pattern")
                    .help("patterns belong behind `like`, `like~` or `:`"),
            );
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

/// The same relation with the sides exchanged.
fn turned(op: Compare) -> Compare {
    match op {
        Compare::Less => Compare::Greater,
        Compare::LessEqual => Compare::GreaterEqual,
        Compare::Greater => Compare::Less,
        Compare::GreaterEqual => Compare::LessEqual,
        same => same,
    }
}

fn same(a: &Value, b: &Value, fold: bool) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) if fold => equal_folded(a, b),
        _ => a.scalar().zip(b.scalar()).is_some_and(|(a, b)| equal(a, b)),
    }
}

fn in_test(values: Vec<Value>, mut networks: Vec<ipnet::IpNet>, fold: bool) -> ir::Test {
    if !networks.is_empty() {
        networks.extend(values.iter().filter_map(|value| match value {
            Value::Ip(address) => Some(ipnet::IpNet::from(*address)),
            _ => None,
        }));
        return ir::Test::Cidr(networks);
    }
    if fold {
        let texts = values.iter().filter_map(text);
        return ir::Test::InFold(texts.map(|text| lower(text).into()).collect());
    }
    ir::Test::In(values)
}

/// Patterns without wildcards are plain equality.
fn like_test(texts: &[(String, Span)], fold: bool) -> ir::Test {
    if texts.iter().any(|(text, _)| pattern::has_wildcard(text)) {
        let patterns = texts.iter().map(|(text, _)| pattern::wildcard(text, fold)).collect();
        return ir::Test::Like { patterns, fold };
    }
    if fold {
        return ir::Test::InFold(texts.iter().map(|(text, _)| lower(text).into()).collect());
    }
    ir::Test::In(texts.iter().map(|(text, _)| Value::Str(text.as_str().into())).collect())
}

fn constant_text(arg: Typed) -> Option<(String, Span)> {
    let span = arg.span;
    arg.literal().and_then(text).map(|text| (text.to_owned(), span))
}

/// `startsWith(a, "b")` is `a like "b*"`, if no wildcard stands in the constant.
fn as_wildcard(function: ir::Function, fold: bool, args: Vec<ir::Expr>) -> ir::Expr {
    if let [value, ir::Expr::Literal(Value::Str(part))] = args.as_slice()
        && !pattern::has_wildcard(part)
    {
        let pattern = match function {
            ir::Function::StartsWith => Some(format!("{part}*")),
            ir::Function::EndsWith => Some(format!("*{part}")),
            // An empty part stands nowhere.
            ir::Function::StringContains if !part.is_empty() => Some(format!("*{part}*")),
            _ => None,
        };
        if let Some(pattern) = pattern {
            let patterns = vec![pattern::wildcard(&pattern, fold)];
            return ir::Expr::Test(Box::new(value.clone()), ir::Test::Like { patterns, fold });
        }
    }
    ir::Expr::Call { function, fold, args }
}

/// The kind of what a function gives.
fn result(builtin: &Builtin, args: &[Typed]) -> Kind {
    match builtin.result {
        ArgKind::Boolean => Kind::BOOLEAN,
        ArgKind::Number => match builtin.meaning {
            Meaning::Call(ir::Function::Length | ir::Function::IndexOf) => Kind::LONG,
            Meaning::Operator(_) if args.iter().all(|arg| arg.kind == Kind::LONG) => Kind::LONG,
            _ => Kind::DOUBLE,
        },
        _ => Kind::TEXT,
    }
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

fn article(kind: Kind) -> String {
    match kind {
        Kind::Of(FieldType::Ip) => "an ip address".to_owned(),
        Kind::Of(FieldType::Long | FieldType::Double) => "a number".to_owned(),
        Kind::Of(FieldType::Keyword | FieldType::Text) => "text".to_owned(),
        Kind::Of(kind) => format!("a {}", kind.name()),
        Kind::Null => "null".to_owned(),
        Kind::Unknown => "of unknown type".to_owned(),
    }
}

fn ordinal(index: usize) -> String {
    match index {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        3 => "fourth".to_owned(),
        _ => format!("{}th", index + 1),
    }
}
