//! Pairs of `expr` and below → [`Expr`].
//!
//! The depth of every node is known while the tree is built, and a node that would be too deep is
//! dropped and reported: later passes recurse over the tree.

use std::sync::LazyLock;

use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Builder, Pair, Rule, missing, span_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::ast::{
    Arithmetic, Call, Compare, Expr, ExprKind, Field, Literal, MatchOperator,
};
use crate::syntax::scan::code_point;

/// `or` binds least, then `and`, then `not`.
static LOGIC: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::or, Assoc::Left))
        .op(Op::infix(Rule::and, Assoc::Left))
        .op(Op::prefix(Rule::not))
});

/// `+ -` bind less than `* / %`, and these less than a sign.
static SUM: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::add, Assoc::Left) | Op::infix(Rule::subtract, Assoc::Left))
        .op(Op::infix(Rule::multiply, Assoc::Left)
            | Op::infix(Rule::divide, Assoc::Left)
            | Op::infix(Rule::modulo, Assoc::Left))
        .op(Op::prefix(Rule::minus) | Op::prefix(Rule::plus))
});

/// An expression and the levels of its tree.
pub(super) struct Node {
    pub(super) expr: Expr,
    depth: usize,
}

fn leaf(kind: ExprKind, span: Span) -> Node {
    Node { expr: Expr { kind, span }, depth: 1 }
}

impl Builder<'_> {
    /// A node over children of which the deepest has `below` levels.
    fn node(&self, kind: ExprKind, span: Span, below: usize) -> Node {
        if below < self.depth {
            return Node { expr: Expr { kind, span }, depth: below + 1 };
        }
        if !self.too_deep.replace(true) {
            let title = format!("operators are nested more than {} levels deep", self.depth);
            self.report(Diagnostic::new(Code::TooLarge, title).label(span, "too many levels"));
        }
        leaf(ExprKind::Literal(Literal::Null), span)
    }

    pub(super) fn expr(&self, pair: Pair<'_>) -> Node {
        LOGIC
            .map_primary(|pair| self.comparison(pair))
            .map_prefix(|op, operand| {
                let span = span_of(&op).to(operand.expr.span);
                self.node(ExprKind::Not(Box::new(operand.expr)), span, operand.depth)
            })
            .map_infix(|left, op, right| self.chain(left, op.as_rule() == Rule::and, right))
            .parse(pair.into_inner())
    }

    /// `left and right` or `left or right`; chains of one kind become one flat node.
    fn chain(&self, left: Node, and: bool, right: Node) -> Node {
        let span = left.expr.span.to(right.expr.span);
        let mut deepest = 0;
        let mut operands: Vec<Expr> = Vec::new();
        for Node { expr, depth } in [left, right] {
            match expr.kind {
                ExprKind::And(inner) if and => {
                    deepest = deepest.max(depth - 1);
                    append(&mut operands, inner);
                }
                ExprKind::Or(inner) if !and => {
                    deepest = deepest.max(depth - 1);
                    append(&mut operands, inner);
                }
                kind => {
                    deepest = deepest.max(depth);
                    operands.push(Expr { kind, span: expr.span });
                }
            }
        }
        let kind = if and { ExprKind::And(operands) } else { ExprKind::Or(operands) };
        self.node(kind, span, deepest)
    }

    fn comparison(&self, pair: Pair<'_>) -> Node {
        let mut left: Option<Node> = None;
        let mut sign: Option<(Compare, Span)> = None;
        let mut signs = 0;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::compare_sign {
                signs += 1;
                let span = span_of(&part);
                if signs == 2 {
                    self.report(
                        Diagnostic::new(Code::Syntax, "comparisons cannot be chained")
                            .label(span, "second comparison")
                            .help("write `a < b and b < c`, or put one comparison in brackets"),
                    );
                }
                sign = Some((self.compare(part.as_str(), span), span));
                continue;
            }
            let right = self.sum(part);
            left = Some(match (left.take(), sign.take()) {
                (Some(left), Some((op, _))) => {
                    let span = left.expr.span.to(right.expr.span);
                    let below = left.depth.max(right.depth);
                    let (a, b) = (Box::new(left.expr), Box::new(right.expr));
                    self.node(ExprKind::Compare(op, a, b), span, below)
                }
                _ => right,
            });
        }
        left.unwrap_or_else(|| leaf(ExprKind::Literal(Literal::Null), Span::default()))
    }

    fn compare(&self, sign: &str, span: Span) -> Compare {
        match sign {
            "==" => Compare::Equal,
            "!=" => Compare::NotEqual,
            "<" => Compare::Less,
            "<=" => Compare::LessEqual,
            ">" => Compare::Greater,
            ">=" => Compare::GreaterEqual,
            _ => {
                self.report(
                    Diagnostic::new(Code::Unsupported, "`=` does not compare")
                        .label(span, "not a comparison")
                        .help("write `==` for exact equality, or `:` to ignore case and use `*`")
                        .fix(span, "=="),
                );
                Compare::Equal
            }
        }
    }

    pub(super) fn sum(&self, pair: Pair<'_>) -> Node {
        SUM.map_primary(|pair| self.operand(pair))
            .map_prefix(|op, operand| {
                let span = span_of(&op).to(operand.expr.span);
                let minus = op.as_rule() == Rule::minus;
                let kind = ExprKind::Sign { minus, operand: Box::new(operand.expr) };
                self.node(kind, span, operand.depth)
            })
            .map_infix(|left, op, right| {
                let op = match op.as_rule() {
                    Rule::subtract => Arithmetic::Subtract,
                    Rule::multiply => Arithmetic::Multiply,
                    Rule::divide => Arithmetic::Divide,
                    Rule::modulo => Arithmetic::Modulo,
                    _ => Arithmetic::Add,
                };
                let span = left.expr.span.to(right.expr.span);
                let below = left.depth.max(right.depth);
                let (a, b) = (Box::new(left.expr), Box::new(right.expr));
                self.node(ExprKind::Arithmetic(op, a, b), span, below)
            })
            .parse(pair.into_inner())
    }

    fn operand(&self, pair: Pair<'_>) -> Node {
        let span = span_of(&pair);
        let mut value = leaf(ExprKind::Literal(Literal::Null), span);
        for part in pair.into_inner() {
            value = match part.as_rule() {
                Rule::in_tail => self.in_tail(value, part, span),
                Rule::match_tail => self.match_tail(value, part, span),
                _ => self.primary(part),
            };
        }
        value
    }

    fn in_tail(&self, value: Node, pair: Pair<'_>, span: Span) -> Node {
        let (mut negated, mut fold, mut list, mut below) = (false, false, Vec::new(), value.depth);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::not => negated = true,
                Rule::in_word => fold = part.as_str().ends_with('~'),
                Rule::list => (list, below) = self.list(part, below),
                _ => {
                    let place = span_of(&part);
                    let text = place.text(self.source);
                    self.report(
                        Diagnostic::new(Code::Syntax, "`in` needs a list in brackets")
                            .label(place, "not a list")
                            .help(format!("write `({text})`"))
                            .fix(place, format!("({text})")),
                    );
                }
            }
        }
        self.node(ExprKind::In { value: Box::new(value.expr), negated, fold, list }, span, below)
    }

    fn match_tail(&self, value: Node, pair: Pair<'_>, span: Span) -> Node {
        let mut operator = MatchOperator::Colon;
        let (mut patterns, mut in_list, mut below) = (Vec::new(), false, value.depth);
        let mut negated: Option<Span> = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::not => negated = Some(span_of(&part)),
                Rule::match_word => {
                    operator = match part.as_str() {
                        "like" => MatchOperator::Like,
                        "like~" => MatchOperator::LikeFold,
                        "regex" => MatchOperator::Regex,
                        "regex~" => MatchOperator::RegexFold,
                        _ => MatchOperator::Colon,
                    };
                    if part.as_str() == "!:" {
                        negated = Some(span_of(&part));
                    }
                    if let Some(not) = negated {
                        self.refuse_negated_match(span, not.to(span_of(&part)));
                    }
                }
                Rule::list => {
                    in_list = true;
                    (patterns, below) = self.list(part, below);
                    for pattern in &patterns {
                        self.require_constant(pattern);
                    }
                }
                rule => {
                    let pattern = self.primary(part).expr;
                    if rule == Rule::call && operator == MatchOperator::Colon {
                        self.refuse(
                            pattern.span,
                            "methods are not supported",
                            "a function behind `:`",
                            "write the value as first argument: `length(a)`, not `a:length()`",
                        );
                    } else {
                        self.require_constant(&pattern);
                    }
                    patterns.push(pattern);
                }
            }
        }
        let value = Box::new(value.expr);
        self.node(ExprKind::Match { value, operator, patterns, list: in_list }, span, below)
    }

    fn refuse_negated_match(&self, whole: Span, operator: Span) {
        let word = operator.text(self.source);
        let positive = if word == "!:" { ":" } else { word.trim_start_matches("not").trim() };
        let before = Span::new(whole.start, operator.start).text(self.source);
        let after = Span::new(operator.end, whole.end).text(self.source);
        let fix = format!("not {before}{positive}{after}");
        self.report(
            Diagnostic::new(Code::Unsupported, format!("`{word}` does not exist"))
                .label(operator, "cannot be negated here")
                .help(format!("put `not` in front: `not a {positive} ..`"))
                .fix(whole, fix),
        );
    }

    fn require_constant(&self, pattern: &Expr) {
        let problem = Diagnostic::new(Code::NotConstant, "a pattern must be a string, as written")
            .label(pattern.span, "not a constant");
        match &pattern.kind {
            ExprKind::Literal(_) => {}
            // A single word is hardly a field.
            ExprKind::Field(field) if super::super::is_plain_name(&field.name) => {
                let text = format!("\"{}\"", field.name);
                self.report(problem.help(format!("as text: `{text}`")).fix(pattern.span, text));
            }
            ExprKind::Field(_) => self.report(
                problem.help("two fields cannot be compared; text stands in double quotes"),
            ),
            _ => self
                .report(problem.help(
                    "to compare computed values use `==` or a function such as `startsWith`",
                )),
        }
    }

    /// The items of a list and the depth of the deepest, at least `below`.
    fn list(&self, pair: Pair<'_>, below: usize) -> (Vec<Expr>, usize) {
        let span = span_of(&pair);
        let (items, deepest) = self.items(pair, below);
        if items.is_empty() {
            self.report(
                Diagnostic::new(Code::Syntax, "the list is empty")
                    .label(span, "needs at least one value"),
            );
        }
        (items, deepest)
    }

    fn items(&self, pair: Pair<'_>, below: usize) -> (Vec<Expr>, usize) {
        let mut deepest = below;
        let mut items = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::call_name | Rule::paren_close => {}
                Rule::comma => {
                    let span = span_of(&part);
                    self.report(
                        Diagnostic::new(Code::Unsupported, "nothing stands behind the last comma")
                            .label(span, "one comma too many")
                            .help("take the comma out")
                            .fix(span, ""),
                    );
                }
                rule => {
                    let node =
                        if rule == Rule::expr { self.expr(part) } else { self.primary(part) };
                    deepest = deepest.max(node.depth);
                    items.push(node.expr);
                }
            }
        }
        (items, deepest)
    }

    fn primary(&self, pair: Pair<'_>) -> Node {
        let span = span_of(&pair);
        match pair.as_rule() {
            Rule::string => leaf(ExprKind::Literal(string(pair.as_str())), span),
            Rule::number => leaf(ExprKind::Literal(self.number(pair.as_str(), span)), span),
            Rule::boolean => leaf(ExprKind::Literal(Literal::Bool(pair.as_str() == "true")), span),
            Rule::field => leaf(ExprKind::Field(self.field(pair)), span),
            Rule::call => self.call(pair, span),
            Rule::refused_lineage => {
                self.lineage(pair, span);
                Node { expr: missing(span), depth: 1 }
            }
            Rule::group => match pair.into_inner().find(|part| part.as_rule() == Rule::expr) {
                Some(inner) => self.expr(inner),
                None => Node { expr: missing(span), depth: 1 },
            },
            _ => leaf(ExprKind::Literal(Literal::Null), span),
        }
    }

    fn call(&self, pair: Pair<'_>, span: Span) -> Node {
        let name = pair.clone().into_inner().next();
        let (written, name_span) =
            name.as_ref().map_or(("", span), |name| (name.as_str(), span_of(name)));
        let (name, fold) = match written.strip_suffix('~') {
            Some(name) => (name.to_owned(), true),
            None => (written.to_owned(), false),
        };
        let (args, below) = self.items(pair, 0);
        self.node(ExprKind::Call(Call { name, fold, name_span, args }), span, below)
    }

    fn lineage(&self, pair: Pair<'_>, span: Span) {
        self.refuse(
            span,
            "process relationships are not supported",
            "belongs to another dialect",
            "use a sequence by `process.entity_id` and `process.parent.entity_id`",
        );
        for part in pair.into_inner().filter(|part| part.as_rule() == Rule::event) {
            self.event(part);
        }
    }

    pub(super) fn field(&self, pair: Pair<'_>) -> Field {
        let span = span_of(&pair);
        let (mut name, mut optional) = (String::new(), false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::optional => optional = true,
                Rule::refused_index => self.refuse(
                    span_of(&part),
                    "array indexes are not supported",
                    "picks one value of an array",
                    "a condition on a field already holds when any of its values fits",
                ),
                rule => {
                    if !name.is_empty() {
                        name.push('.');
                    }
                    let text = part.as_str();
                    if rule == Rule::quoted {
                        name.push_str(&unquote_name(text));
                    } else {
                        name.push_str(text);
                    }
                }
            }
        }
        Field { name, optional, span }
    }

    fn number(&self, text: &str, span: Span) -> Literal {
        if let Ok(int) = text.parse() {
            return Literal::Int(int);
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Literal::Float(float),
            _ => {
                self.report(
                    Diagnostic::new(Code::Syntax, "the number is too large")
                        .label(span, "more than a 64-bit floating-point number can hold"),
                );
                Literal::Float(0.0)
            }
        }
    }
}

/// Appends without copying the first operands again and again.
fn append(operands: &mut Vec<Expr>, mut inner: Vec<Expr>) {
    if operands.is_empty() {
        *operands = inner;
    } else {
        operands.append(&mut inner);
    }
}

/// The name between backticks, doubled ones made single.
pub(super) fn unquote_name(text: &str) -> String {
    let inner = text.strip_prefix('`').and_then(|t| t.strip_suffix('`')).unwrap_or(text);
    inner.replace("``", "`")
}

/// The text of a string literal. Escapes have been checked before.
pub(super) fn string(source: &str) -> Literal {
    if let Some(rest) = source.strip_prefix("\"\"\"") {
        // The first three quotes close it; what follows are quotes of the text.
        let text = rest.strip_suffix("\"\"\"").unwrap_or(rest);
        return Literal::Str { text: text.to_owned(), raw: true };
    }
    let inner = source.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(source);
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('b') => text.push('\u{8}'),
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('f') => text.push('\u{c}'),
            Some('r') => text.push('\r'),
            Some('u') => {
                let code = after.strip_prefix("u{").and_then(|t| t.split_once('}'));
                if let Some((hex, behind)) = code {
                    text.extend(code_point(hex));
                    rest = behind;
                    continue;
                }
            }
            Some(c) => text.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    Literal::Str { text, raw: false }
}
