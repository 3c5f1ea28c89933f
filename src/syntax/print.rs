//! AST → query text in the one canonical layout.
//!
//! In: a tree, with its comments. Out: text that parses to the same tree, spans aside. Every comment
//! stays, brackets stand only where they are needed, and what was printed once prints the same again.
//!
//! What fits on a line of 100 columns and holds no comment stands on one line. Otherwise chains of
//! `and` and `or` get one operand per line, brackets their own lines, lists one item per line or, if
//! all items are short constants, full lines.
//! A comment keeps its place before the operand, list item, bracket or pipe that follows it; one
//! inside something that is never broken moves in front of it.

mod flat;

use super::ast::{
    Ast, Comment, EventFilter, Expr, ExprKind, Field, Item, MatchOperator, Pipe, Query, Sequence,
};
use flat::{AND, Flat, LIST_ITEM, NOT, OPERAND, category, level, name, operand_levels};

/// Longest line that is not broken.
const WIDTH: usize = 100;
const STEP: usize = 2;
/// Longest constant of a list that shares its line with others.
const SHORT: usize = 20;

/// The query in canonical layout, with a line end behind it.
pub fn print(ast: &Ast) -> String {
    let mut printer =
        Printer { out: String::new(), line: 0, closed: false, comments: &ast.comments };
    printer.query(ast);
    printer.out
}

/// One bracket of a sequence or sample in canonical layout, without its comments and without a line
/// end.
pub fn print_item(item: &Item) -> String {
    let mut printer = Printer::without_comments();
    printer.item(item, 0);
    printer.out
}

/// `category where condition` in canonical layout, without its comments and without a line end.
pub fn print_filter(filter: &EventFilter) -> String {
    let mut printer = Printer::without_comments();
    printer.filter(filter, 0, 0);
    printer.out
}

/// An expression on one line, however long, without its comments.
pub fn print_expr(expr: &Expr) -> String {
    Flat::of(expr, LIST_ITEM)
}

struct Printer<'a> {
    out: String,
    /// Where the current line begins.
    line: usize,
    /// The current line ends in `// …`: nothing can stand behind it.
    closed: bool,
    /// Those not printed yet.
    comments: &'a [Comment],
}

impl Printer<'_> {
    fn without_comments() -> Self {
        Printer { out: String::new(), line: 0, closed: false, comments: &[] }
    }

    fn query(&mut self, ast: &Ast) {
        match &ast.query {
            Query::Event(filter) => {
                self.place(filter.span.start, 0);
                self.filter(filter, 0, 0);
            }
            Query::Sequence(sequence) => self.sequence(sequence),
            Query::Sample(sample) => {
                self.place(sample.span.start, 0);
                self.write("sample");
                self.by(&sample.by);
                self.items(&sample.items);
            }
        }
        for pipe in &ast.pipes {
            self.pipe(pipe);
        }
        self.comments_before(usize::MAX, 0);
        self.out.push('\n');
    }

    fn sequence(&mut self, sequence: &Sequence) {
        self.place(sequence.span.start, 0);
        self.write("sequence");
        self.by(&sequence.by);
        if let Some((maxspan, _)) = sequence.maxspan {
            self.write(&format!(" with maxspan={maxspan}"));
        }
        self.items(&sequence.items);
        if let Some(until) = &sequence.until {
            self.comments_before(until.span.start, 0);
            self.newline(0);
            self.write("until ");
            self.item(until, 0);
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.comments_before(item.span.start, STEP);
            self.newline(STEP);
            self.item(item, STEP);
        }
    }

    fn item(&mut self, item: &Item, indent: usize) {
        self.write(if item.missing { "![" } else { "[" });
        self.filter(&item.filter, indent, 1);
        self.write("]");
        self.by(&item.by);
        if let Some((runs, _)) = item.runs {
            self.write(&format!(" with runs={runs}"));
        }
    }

    fn by(&mut self, keys: &[Field]) {
        for (index, key) in keys.iter().enumerate() {
            self.write(if index == 0 { " by " } else { ", " });
            self.write(&name(key));
        }
    }

    fn pipe(&mut self, pipe: &Pipe) {
        self.comments_before(pipe.span.start, 0);
        self.newline(0);
        self.write("| ");
        self.write(&pipe.name);
        for (index, arg) in pipe.args.iter().enumerate() {
            self.write(if index == 0 { " " } else { ", " });
            self.write(&Flat::of(arg, LIST_ITEM));
        }
    }

    /// Prints `category where condition`; `behind` bytes follow on the same line. When broken, the
    /// condition stands deeper than `indent`, and what follows on a line of its own.
    fn filter(&mut self, filter: &EventFilter, indent: usize, behind: usize) {
        self.write(&category(&filter.category));
        self.write(" where");
        let condition = &filter.condition;
        if let Some(text) = self.fitting(condition, LIST_ITEM, behind + 1) {
            self.write(" ");
            self.write(&text);
            return;
        }
        self.begin_line(condition, indent + STEP);
        self.expr(condition, LIST_ITEM, indent + STEP);
        if behind > 0 {
            self.newline(indent);
        }
    }

    /// Prints an expression that begins on the current line; lines after it are indented by `indent`
    /// or more. It is bracketed when it binds less than `least`.
    fn expr(&mut self, expr: &Expr, least: u8, indent: usize) {
        if let Some(text) = self.fitting(expr, least, 0) {
            self.write(&text);
            return;
        }
        if level(expr) < least {
            self.write("(");
            self.begin_line(expr, indent + STEP);
            self.expr(expr, LIST_ITEM, indent + STEP);
            self.newline(indent);
            self.write(")");
            return;
        }
        match &expr.kind {
            ExprKind::Or(operands) => self.chain(operands, "or ", AND, indent),
            ExprKind::And(operands) => self.chain(operands, "and ", NOT, indent),
            ExprKind::Not(operand) => {
                self.write("not ");
                self.expr(operand, NOT, indent);
            }
            ExprKind::Compare(..) | ExprKind::Arithmetic(..) => {
                let (left, sign, right) = operand_levels(expr);
                if let (Some((left, left_least)), Some((right, right_least))) = (left, right) {
                    self.expr(left, left_least, indent);
                    self.write(sign);
                    self.expr(right, right_least, indent);
                }
            }
            ExprKind::Sign { minus, operand } => {
                self.write(if *minus { "-" } else { "+" });
                self.expr(operand, flat::SIGN, indent);
            }
            ExprKind::In { value, negated, fold, list } => {
                self.expr(value, OPERAND, indent);
                self.write(flat::in_words(*negated, *fold));
                self.list(list, expr.span.end, indent);
            }
            ExprKind::Match { value, operator, patterns, list: true } => {
                self.expr(value, OPERAND, indent);
                self.write(match_words(*operator));
                self.list(patterns, expr.span.end, indent);
            }
            ExprKind::Call(call) => {
                self.write(&call.name);
                self.write(if call.fold { "~" } else { "" });
                self.list(&call.args, expr.span.end, indent);
            }
            ExprKind::Literal(_) | ExprKind::Field(_) | ExprKind::Match { .. } => {
                self.write(&Flat::of(expr, least));
            }
        }
    }

    /// One operand per line. A chain inside another chain is indented behind its first operand, so
    /// that `and` under `or` can be told apart.
    fn chain(&mut self, operands: &[Expr], word: &str, least: u8, indent: usize) {
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                self.begin_line(operand, indent);
                self.write(word);
            }
            let nested = matches!(operand.kind, ExprKind::And(_)) && level(operand) >= least;
            self.expr(operand, least, if nested { indent + STEP } else { indent });
        }
    }

    /// `(`, one item per line, `)`; short constants fill lines. `end` is where the list ends in the
    /// source.
    fn list(&mut self, items: &[Expr], end: usize, indent: usize) {
        self.write("(");
        if let Some(words) = self.short_words(items, end) {
            self.fill(&words, indent + STEP);
            self.newline(indent);
            self.write(")");
            return;
        }
        for (index, item) in items.iter().enumerate() {
            self.begin_line(item, indent + STEP);
            self.expr(item, LIST_ITEM, indent + STEP);
            if index + 1 < items.len() {
                self.write(",");
            }
        }
        self.comments_before(end, indent + STEP);
        self.newline(indent);
        self.write(")");
    }

    /// The items, if all are short constants and no comment stands between them.
    fn short_words(&self, items: &[Expr], end: usize) -> Option<Vec<String>> {
        if self.comments.first().is_some_and(|comment| comment.span.start < end) {
            return None;
        }
        let word = |item: &Expr| match &item.kind {
            ExprKind::Literal(_) => Flat::fitting(item, LIST_ITEM, SHORT),
            _ => None,
        };
        items.iter().map(word).collect()
    }

    fn fill(&mut self, words: &[String], indent: usize) {
        self.newline(indent);
        let mut used = indent;
        for (index, word) in words.iter().enumerate() {
            let size = word.chars().count() + 1;
            if index > 0 && used + 1 + size > WIDTH {
                self.newline(indent);
                used = indent;
            } else if index > 0 {
                self.write(" ");
                used += 1;
            }
            self.write(word);
            if index + 1 < words.len() {
                self.write(",");
            }
            used += size;
        }
    }

    /// A new line for `expr`, behind the comments that stand before it or would be lost in it.
    fn begin_line(&mut self, expr: &Expr, indent: usize) {
        self.comments_before(expr.span.start, indent);
        let end = unbroken_end(expr);
        while let Some(comment) = self.next_comment(end) {
            self.own_line(&comment.text, indent);
        }
        self.newline(indent);
    }

    /// The start of the text: comments before it stand above it.
    fn place(&mut self, start: usize, indent: usize) {
        if self.comments_before(start, indent) {
            self.newline(indent);
        }
    }

    /// The expression on the rest of this line, if it fits and holds no comment.
    fn fitting(&self, expr: &Expr, least: u8, behind: usize) -> Option<String> {
        if self.comments.first().is_some_and(|c| c.span.start < expr.span.end) {
            return None;
        }
        let used = self.out.get(self.line..).unwrap_or("").chars().count();
        Flat::fitting(expr, least, WIDTH.saturating_sub(used + behind))
    }

    fn next_comment(&mut self, before: usize) -> Option<Comment> {
        let (first, rest) = self.comments.split_first()?;
        if first.span.start >= before {
            return None;
        }
        self.comments = rest;
        Some(first.clone())
    }

    /// Prints the comments that stand before `before`; whether there were any.
    fn comments_before(&mut self, before: usize, indent: usize) -> bool {
        let mut any = false;
        while let Some(comment) = self.next_comment(before) {
            any = true;
            if comment.trailing && !self.closed && !self.line_is_blank() {
                self.write(" ");
                self.write(&comment.text);
                self.closed = comment.text.starts_with("//");
            } else {
                self.own_line(&comment.text, indent);
            }
        }
        any
    }

    fn own_line(&mut self, text: &str, indent: usize) {
        if !self.line_is_blank() {
            self.newline(indent);
        }
        self.write(text);
        self.closed = text.starts_with("//");
    }

    fn line_is_blank(&self) -> bool {
        self.out.get(self.line..).is_some_and(|line| line.trim().is_empty())
    }

    fn newline(&mut self, indent: usize) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.line = self.out.len();
        self.closed = false;
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        if let Some(end) = text.rfind('\n') {
            self.line = self.out.len() - (text.len() - end - 1);
        }
    }
}

/// Comments up to here cannot stand inside `expr`: it, or the part it begins with, has no place for
/// them. Brackets make no difference: the tree does not say where they stood.
fn unbroken_end(expr: &Expr) -> usize {
    match &expr.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => {
            operands.first().map_or(expr.span.end, unbroken_end)
        }
        ExprKind::Not(operand) => unbroken_end(operand),
        ExprKind::In { .. } | ExprKind::Match { list: true, .. } => expr.span.start,
        ExprKind::Call(call) if !call.args.is_empty() => expr.span.start,
        _ => expr.span.end,
    }
}

fn match_words(operator: MatchOperator) -> &'static str {
    match operator {
        MatchOperator::Colon => " : ",
        MatchOperator::Like => " like ",
        MatchOperator::LikeFold => " like~ ",
        MatchOperator::Regex => " regex ",
        MatchOperator::RegexFold => " regex~ ",
    }
}
