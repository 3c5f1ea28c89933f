//! Comparisons: `==`, `<`, `in`, `:` and their relatives, as tests of one value against constants.

use super::resolve::{Typed, article, boolean};
use super::types::{Fitted, Kind, Misfit, fit, text};
use super::{Checker, fold, ir, pattern};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::FieldType;
use crate::span::Span;
use crate::syntax::ast::{self, Compare, MatchOperator};
use crate::value::{Value, equal, equal_folded, fold as lower};

impl Checker<'_> {
    /// `left == right`; `optional` when both are fields written with `?`.
    pub(super) fn equal(&mut self, left: Typed, right: Typed, optional: bool, span: Span) -> Typed {
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
            let problem = Diagnostic::new(Code::FieldComparison, "two fields cannot be compared")
                .label(right.span, "not a constant")
                .label(left.span, "not a constant either")
                .help("comparisons against fields are not supported in Elasticsearch EQL");
            self.report(match meant(&right) {
                Some(meant) => {
                    problem.help(format!("if a value is meant: `{meant}`")).fix(right.span, meant)
                }
                None => problem,
            });
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
    pub(super) fn order(&mut self, op: Compare, left: Typed, right: Typed, span: Span) -> Typed {
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
    pub(super) fn is_in(
        &mut self,
        value: Typed,
        fold: bool,
        list: &[ast::Expr],
        span: Span,
    ) -> Typed {
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
    pub(super) fn matches(
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
        self.regex_size = self.regex_size.saturating_add(pattern::REGEX);
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
        let written = texts.iter().map(|(text, _)| text.as_str().into()).collect();
        ir::Test::Regex { pattern: pattern::anchored(&parts, fold).into(), written, fold }
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
                let problem =
                    problem("a number is compared with text that is not a number", "not a number");
                match other.expr {
                    // `process.entry-leader.name`
                    ir::Expr::Arithmetic(..) => problem.help(
                        "a name with `-`, `/` or blanks in it stands in backticks: `` `a-b`.c ``",
                    ),
                    _ => problem,
                }
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

/// The value that a single word which no field is called by likely stands for.
fn meant(side: &Typed) -> Option<String> {
    let ir::Expr::Field(field) = &side.expr else { return None };
    if side.kind != Kind::Unknown || field.name.contains('.') {
        return None;
    }
    Some(match field.name.to_ascii_lowercase().as_str() {
        "null" | "none" | "nil" => "null".to_owned(),
        word @ ("true" | "false") => word.to_owned(),
        _ if crate::syntax::is_plain_name(&field.name) => format!("\"{}\"", field.name),
        _ => return None,
    })
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
pub(super) fn like_test(texts: &[(String, Span)], fold: bool) -> ir::Test {
    if texts.iter().any(|(text, _)| pattern::has_wildcard(text)) {
        let patterns = texts.iter().map(|(text, _)| pattern::wildcard(text, fold)).collect();
        return ir::Test::Like { patterns, fold };
    }
    if fold {
        return ir::Test::InFold(texts.iter().map(|(text, _)| lower(text).into()).collect());
    }
    ir::Test::In(texts.iter().map(|(text, _)| Value::Str(text.as_str().into())).collect())
}
