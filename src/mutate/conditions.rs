//! The condition of one filter → the ways in which it could be slightly wrong.
//!
//! In: an expression, and whether more events that pass it mean more alerts. Out: [`Site`]s, each a node
//! and what becomes of it. Only `and`, `or` and `not` are walked; what stands below them is a leaf.

use super::draft::{Operator, short};
use crate::span::Span;
use crate::syntax::ast::{Call, Compare, Expr, ExprKind, Literal, MatchOperator};
use crate::syntax::print_expr;

/// Most mutants of one list: a longer one loses several neighbours at once.
const MAX_PARTS: usize = 4;
/// The same of its wildcards.
const MAX_NARROWED: usize = 2;

/// Fields that hold words of the reader of audit records, or hexadecimal digits: their case never differs.
const FIXED: [&str; 20] = [
    "audit.",
    "auditd.data.a0",
    "auditd.data.a1",
    "auditd.data.a2",
    "auditd.data.a3",
    "auditd.data.arch",
    "auditd.data.exit",
    "auditd.data.socket.family",
    "auditd.data.syscall",
    "auditd.data.tty",
    "auditd.message_type",
    "auditd.result",
    "auditd.summary.object.type",
    "data_stream.",
    "event.",
    "file.type",
    "host.os.type",
    "network.",
    "process.entry_leader.entry_meta.type",
    "process.thread.capabilities.",
];

/// A change of one node.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) operator: Operator,
    pub(super) span: Span,
    /// The change in words.
    pub(super) what: String,
    /// The mutant passes more events, or, in a filter that forbids something, gives more alerts.
    pub(super) wider: bool,
    /// It is an operand of `or`: what it decides it decides alone.
    pub(super) alone: bool,
    /// What stood there, and what stands there now.
    pub(super) before: String,
    pub(super) after: String,
    pub(super) field: Option<String>,
    /// The piece of the query it is about.
    pub(super) text: String,
    /// Number of the node, counted from the root, each before its operands.
    node: usize,
    edit: Edit,
}

#[derive(Debug, Clone)]
enum Edit {
    /// The operand of this number goes.
    Drop(usize),
    /// The node is this instead.
    Become(Box<ExprKind>),
}

/// All changes of a condition. `wider`: more events that pass it mean more alerts.
pub(super) fn sites(condition: &Expr, wider: bool) -> Vec<Site> {
    let mut walk = Walk { sites: Vec::new(), next: 0 };
    let whole = !matches!(condition.kind, ExprKind::And(_));
    if whole && condition.kind != ExprKind::Literal(Literal::Bool(true)) {
        let edit = Edit::Become(Box::new(ExprKind::Literal(Literal::Bool(true))));
        let what = format!("without `{}`", shown(condition));
        walk.push(Operator::DropCondition, condition, what, wider, 0, edit);
    }
    walk.node(condition, wider);
    walk.sites
}

/// The condition with a change.
pub(super) fn apply(condition: &mut Expr, site: &Site) {
    let mut next = 0;
    let Some(node) = find(condition, site.node, &mut next) else { return };
    match &site.edit {
        Edit::Become(kind) => node.kind = (**kind).clone(),
        Edit::Drop(index) => {
            let (ExprKind::And(operands) | ExprKind::Or(operands)) = &mut node.kind else { return };
            if *index < operands.len() {
                operands.remove(*index);
            }
            if operands.len() == 1
                && let Some(last) = operands.pop()
            {
                node.kind = last.kind;
            }
        }
    }
}

fn find<'a>(expr: &'a mut Expr, wanted: usize, next: &mut usize) -> Option<&'a mut Expr> {
    let own = *next;
    *next += 1;
    if own == wanted {
        return Some(expr);
    }
    match &mut expr.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => {
            operands.iter_mut().find_map(|operand| find(operand, wanted, next))
        }
        ExprKind::Not(operand) => find(operand, wanted, next),
        _ => None,
    }
}

struct Walk {
    sites: Vec<Site>,
    next: usize,
}

impl Walk {
    fn push(
        &mut self,
        operator: Operator,
        expr: &Expr,
        what: String,
        wider: bool,
        node: usize,
        edit: Edit,
    ) {
        let (before, after) = match &edit {
            Edit::Drop(_) => (print_expr(expr), String::new()),
            Edit::Become(kind) => {
                let changed = Expr { kind: (**kind).clone(), span: expr.span };
                (print_expr(expr), print_expr(&changed))
            }
        };
        self.sites.push(Site {
            operator,
            span: expr.span,
            what,
            wider,
            alone: false,
            before,
            after,
            field: first_field(expr),
            text: shown(expr),
            node,
            edit,
        });
    }

    fn node(&mut self, expr: &Expr, wider: bool) {
        let node = self.next;
        self.next += 1;
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                let and = matches!(expr.kind, ExprKind::And(_));
                for (index, operand) in operands.iter().enumerate() {
                    let what = format!("without `{}`", shown(operand));
                    let edit = Edit::Drop(index);
                    let more = and == wider;
                    self.push(Operator::DropCondition, operand, what, more, node, edit);
                    if let Some(site) = self.sites.last_mut() {
                        site.alone = !and;
                    }
                }
                operands.iter().for_each(|operand| self.node(operand, wider));
            }
            ExprKind::Not(operand) => {
                let what = format!("`{}` without `not`", shown(expr));
                let edit = Edit::Become(Box::new(operand.kind.clone()));
                self.push(Operator::NegateCondition, expr, what, wider, node, edit);
                match operand.kind {
                    ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) => {
                        self.node(operand, !wider);
                    }
                    _ => {
                        let node = self.next;
                        self.next += 1;
                        self.leaf(operand, node, !wider);
                    }
                }
            }
            ExprKind::Literal(_) => {}
            _ => {
                let what = format!("`not {}`", shown(expr));
                let edit = Edit::Become(Box::new(ExprKind::Not(Box::new(expr.clone()))));
                self.push(Operator::NegateCondition, expr, what, wider, node, edit);
                self.leaf(expr, node, wider);
            }
        }
    }

    fn leaf(&mut self, expr: &Expr, node: usize, wider: bool) {
        match &expr.kind {
            ExprKind::Compare(op, left, right) => self.compare(expr, node, wider, *op, left, right),
            ExprKind::In { value, negated, fold, list } => {
                let wider = wider != *negated;
                let rebuild = |list| ExprKind::In {
                    value: value.clone(),
                    negated: *negated,
                    fold: *fold,
                    list,
                };
                self.drop_values(expr, node, !wider, list, &rebuild);
                if !negated && !fold && case_matters(value, list) {
                    let what = "`:` instead of `in`".to_owned();
                    let kind = ExprKind::Match {
                        value: value.clone(),
                        operator: MatchOperator::Colon,
                        patterns: list.clone(),
                        list: true,
                    };
                    let edit = Edit::Become(Box::new(kind));
                    self.push(Operator::MatchCase, expr, what, wider, node, edit);
                }
            }
            ExprKind::Match { value, operator, patterns, list } => {
                self.pattern(expr, node, wider, value, *operator, patterns, *list);
            }
            ExprKind::Call(call) => self.call(expr, node, wider, call),
            _ => {}
        }
    }

    fn compare(
        &mut self,
        expr: &Expr,
        node: usize,
        wider: bool,
        op: Compare,
        left: &Expr,
        right: &Expr,
    ) {
        let pair = [(left, right, true), (right, left, false)];
        for (bound, other, on_left) in pair {
            let ExprKind::Literal(literal) = &bound.kind else { continue };
            let rebuild = |literal: Literal| {
                let bound = Expr { kind: ExprKind::Literal(literal), span: bound.span };
                let (left, right) = match on_left {
                    true => (bound, other.clone()),
                    false => (other.clone(), bound),
                };
                ExprKind::Compare(op, Box::new(left), Box::new(right))
            };
            match (op, literal) {
                (Compare::Equal, Literal::Str { .. })
                    if !on_left && case_matters(other, std::slice::from_ref(bound)) =>
                {
                    let kind = ExprKind::Match {
                        value: Box::new(other.clone()),
                        operator: MatchOperator::Colon,
                        patterns: vec![bound.clone()],
                        list: false,
                    };
                    let edit = Edit::Become(Box::new(kind));
                    let what = "`:` instead of `==`".to_owned();
                    self.push(Operator::MatchCase, expr, what, wider, node, edit);
                }
                (Compare::Equal | Compare::NotEqual, _) => {}
                (_, Literal::Int(number)) => {
                    for other in [number.checked_sub(1), number.checked_add(1)] {
                        let Some(other) = other else { continue };
                        let what = format!("{other} instead of {number}");
                        // `x > 5` passes more when the bound is lower, `5 > x` when it is higher.
                        let greater = matches!(op, Compare::Greater | Compare::GreaterEqual);
                        let more = (greater != on_left) == (other < *number);
                        let edit = Edit::Become(Box::new(rebuild(Literal::Int(other))));
                        self.push(Operator::ShiftBound, expr, what, more == wider, node, edit);
                    }
                }
                _ => {}
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one node")]
    fn pattern(
        &mut self,
        expr: &Expr,
        node: usize,
        wider: bool,
        value: &Expr,
        operator: MatchOperator,
        patterns: &[Expr],
        list: bool,
    ) {
        let rebuild =
            |patterns| ExprKind::Match { value: Box::new(value.clone()), operator, patterns, list };
        self.drop_values(expr, node, !wider, patterns, &rebuild);
        if matches!(operator, MatchOperator::Regex | MatchOperator::RegexFold) {
            return;
        }
        let wild = patterns.iter().any(|pattern| text(pattern).is_some_and(is_wild));
        if operator == MatchOperator::Colon && (wild || case_matters(value, patterns)) {
            let kind = match patterns {
                [one] if !list => ExprKind::Compare(
                    Compare::Equal,
                    Box::new(value.clone()),
                    Box::new(one.clone()),
                ),
                _ => ExprKind::In {
                    value: Box::new(value.clone()),
                    negated: false,
                    fold: false,
                    list: patterns.to_vec(),
                },
            };
            let what = match kind {
                ExprKind::In { .. } => "`in` instead of `:`",
                _ => "`==` instead of `:`",
            };
            let edit = Edit::Become(Box::new(kind));
            self.push(Operator::MatchCase, expr, what.to_owned(), !wider, node, edit);
        }
        let ends = [(true, "every pattern begins with `*`"), (false, "every pattern ends in `*`")];
        for (front, what) in ends {
            let changed: Vec<Expr> =
                patterns.iter().map(|pattern| widened(pattern, front)).collect();
            // What only the mutant matches.
            let both = patterns.iter().zip(&changed);
            let example = both.filter(|(old, new)| old != new).find_map(|(old, _)| text(old));
            let Some(example) = example.map(|text| text.replace(['*', '?'], "")) else { continue };
            let edit = Edit::Become(Box::new(rebuild(changed)));
            self.push(Operator::WidenPattern, expr, what.to_owned(), wider, node, edit);
            if let Some(site) = self.sites.last_mut() {
                site.text = match front {
                    true => format!("`x{}`", short(&example)),
                    false => format!("`{}x`", short(&example)),
                };
            }
        }
        let all: Vec<usize> = (0..patterns.len())
            .filter(|index| patterns.get(*index).and_then(narrowed).is_some())
            .collect();
        for part in parts(&all, MAX_NARROWED) {
            let narrow = |(index, pattern): (usize, &Expr)| match part.contains(&index) {
                true => narrowed(pattern).unwrap_or_else(|| pattern.clone()),
                false => pattern.clone(),
            };
            let changed = patterns.iter().enumerate().map(narrow).collect();
            let what = format!("{} without wildcards", names(patterns, part));
            let edit = Edit::Become(Box::new(rebuild(changed)));
            self.push(Operator::NarrowPattern, expr, what, !wider, node, edit);
            if let Some(site) = self.sites.last_mut() {
                site.text = names(patterns, part);
            }
        }
    }

    /// `cidrMatch(field, "..", "..")` and others that take any of several constants.
    fn call(&mut self, expr: &Expr, node: usize, wider: bool, call: &Call) {
        let Some((first, rest)) = call.args.split_first() else { return };
        if rest.iter().all(|arg| text(arg).is_some()) {
            let rebuild = |mut rest: Vec<Expr>| {
                rest.insert(0, first.clone());
                ExprKind::Call(Call { args: rest, ..call.clone() })
            };
            self.drop_values(expr, node, !wider, rest, &rebuild);
        }
    }

    fn drop_values(
        &mut self,
        expr: &Expr,
        node: usize,
        wider: bool,
        values: &[Expr],
        rebuild: &dyn Fn(Vec<Expr>) -> ExprKind,
    ) {
        if values.len() < 2 {
            return;
        }
        let all: Vec<usize> = (0..values.len()).collect();
        for part in parts(&all, MAX_PARTS) {
            let kept = values.iter().enumerate().filter(|(index, _)| !part.contains(index));
            let kept = kept.map(|(_, value)| value.clone()).collect();
            let what = format!("without {}", names(values, part));
            let edit = Edit::Become(Box::new(rebuild(kept)));
            self.push(Operator::DropValue, expr, what, wider, node, edit);
            if let Some(site) = self.sites.last_mut() {
                site.text = names(values, part);
                let places = part.iter().filter_map(|index| values.get(*index));
                site.span = places.map(|value| value.span).reduce(Span::to).unwrap_or(expr.span);
            }
        }
    }
}

/// Neighbours together, in at most so many parts of nearly the same size.
fn parts(all: &[usize], most: usize) -> impl Iterator<Item = &[usize]> {
    let count = all.len().min(most);
    (0..count).filter_map(move |part| {
        let from = all.len() * part / count;
        all.get(from..all.len() * (part + 1) / count)
    })
}

fn names(values: &[Expr], part: &[usize]) -> String {
    let values = part.iter().filter_map(|index| values.get(*index));
    let texts: Vec<String> = values.map(|value| format!("`{}`", shown(value))).collect();
    short(&texts.join(", "))
}

fn shown(expr: &Expr) -> String {
    short(&print_expr(expr))
}

fn text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::Str { text, .. }) => Some(text),
        _ => None,
    }
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The pattern with `*` at one of its ends.
fn widened(pattern: &Expr, front: bool) -> Expr {
    let mut pattern = pattern.clone();
    if let ExprKind::Literal(Literal::Str { text, .. }) = &mut pattern.kind {
        match front {
            true if !text.starts_with('*') => text.insert(0, '*'),
            false if !text.ends_with('*') => text.push('*'),
            _ => {}
        }
    }
    pattern
}

/// The pattern without `*`, when it has some and something else.
fn narrowed(pattern: &Expr) -> Option<Expr> {
    let old = text(pattern)?;
    let new: String = old.chars().filter(|c| *c != '*').collect();
    if new.is_empty() || new.len() == old.len() {
        return None;
    }
    let kind = ExprKind::Literal(Literal::Str { text: new, raw: false });
    Some(Expr { kind, span: pattern.span })
}

/// Whether some event could have one of these values in another case.
fn case_matters(value: &Expr, texts: &[Expr]) -> bool {
    let fixed = match &value.kind {
        ExprKind::Field(field) => FIXED.iter().any(|name| match name.strip_suffix('.') {
            Some(_) => field.name.starts_with(name),
            None => field.name == *name,
        }),
        _ => false,
    };
    let letters = |expr: &Expr| text(expr).is_some_and(|text| text.contains(char::is_alphabetic));
    let only_text = texts.iter().all(|expr| text(expr).is_some());
    !fixed && only_text && texts.iter().any(letters)
}

fn first_field(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Field(field) => Some(field.name.clone()),
        ExprKind::Literal(_) => None,
        ExprKind::Call(call) => call.args.iter().find_map(first_field),
        ExprKind::Sign { operand, .. } | ExprKind::Not(operand) => first_field(operand),
        ExprKind::Arithmetic(_, left, right) | ExprKind::Compare(_, left, right) => {
            first_field(left).or_else(|| first_field(right))
        }
        ExprKind::In { value, .. } | ExprKind::Match { value, .. } => first_field(value),
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.iter().find_map(first_field),
    }
}
