//! The query as written: one node per construct of `grammar/eql.pest`, each with its [`Span`].
//!
//! Nothing is checked against a schema and nothing is rewritten yet; parentheses survive only as
//! structure. Comments are kept beside the tree ([`Ast::comments`]) for the formatter.

use crate::span::Span;
use crate::time::Duration;

/// A whole query with its comments.
#[derive(Debug, Clone, PartialEq)]
pub struct Ast {
    /// What is looked for.
    pub query: Query,
    /// What is done with the results, in order.
    pub pipes: Vec<Pipe>,
    /// All comments in order of their place, with their markers.
    pub comments: Vec<Comment>,
}

/// A comment and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// `// …` without the line end, or `/* … */`.
    pub text: String,
    /// Something else stands before it on its line.
    pub trailing: bool,
    /// Its place.
    pub span: Span,
}

/// The three kinds of query.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// `process where …`
    Event(EventFilter),
    /// `sequence by … [..] [..]`
    Sequence(Sequence),
    /// `sample by … [..] [..]`
    Sample(Sample),
}

/// `category where condition`
#[derive(Debug, Clone, PartialEq)]
pub struct EventFilter {
    /// What stands before `where`.
    pub category: Category,
    /// What stands behind it.
    pub condition: Expr,
    /// The whole.
    pub span: Span,
}

/// The event category of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// `None` for `any`.
    pub name: Option<String>,
    /// Its place.
    pub span: Span,
}

/// `sequence …`
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Keys of all items.
    pub by: Vec<Field>,
    /// `with maxspan=…` and its place.
    pub maxspan: Option<(Duration, Span)>,
    /// The brackets in order.
    pub items: Vec<Item>,
    /// `until [..]`
    pub until: Option<Box<Item>>,
    /// The whole.
    pub span: Span,
}

/// `sample …`
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Keys of all items.
    pub by: Vec<Field>,
    /// The brackets in order.
    pub items: Vec<Item>,
    /// The whole.
    pub span: Span,
}

/// One bracket of a sequence or sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `![..]`
    pub missing: bool,
    /// What stands between the brackets.
    pub filter: EventFilter,
    /// Its own keys.
    pub by: Vec<Field>,
    /// `with runs=…` and its place.
    pub runs: Option<(u64, Span)>,
    /// The whole.
    pub span: Span,
}

/// A field path such as `process.parent.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The path with dots; quoted parts without their backticks.
    pub name: String,
    /// Written with `?`.
    pub optional: bool,
    /// Its place.
    pub span: Span,
}

/// `| name argument, …`
#[derive(Debug, Clone, PartialEq)]
pub struct Pipe {
    /// As written.
    pub name: String,
    /// Arguments in order.
    pub args: Vec<Expr>,
    /// Place of the name.
    pub name_span: Span,
    /// The whole.
    pub span: Span,
}

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// A field.
    Field(Field),
    /// `name(…)` or `name~(…)`.
    Call(Call),
    /// `-x` or `+x`.
    Sign {
        /// `true` for minus.
        minus: bool,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `a + b` and the like.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `a == b` and the like; never chained.
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// `x in (…)`, `x not in~ (…)`.
    In {
        /// The value looked for.
        value: Box<Expr>,
        /// `not in`.
        negated: bool,
        /// `in~`.
        fold: bool,
        /// The list.
        list: Vec<Expr>,
    },
    /// `x : …`, `x like …`, `x regex …`.
    Match {
        /// The value tested.
        value: Box<Expr>,
        /// Which operator.
        operator: MatchOperator,
        /// The patterns; a single one may have been written without parentheses.
        patterns: Vec<Expr>,
        /// `true` when the patterns stood in parentheses.
        list: bool,
    },
    /// `not x`
    Not(Box<Expr>),
    /// `a and b and …`, at least two, none of them an `And` itself.
    And(Vec<Expr>),
    /// `a or b or …`, at least two, none of them an `Or` itself.
    Or(Vec<Expr>),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `42`; what does not fit is a [`Literal::Float`].
    Int(i64),
    /// `1.5`
    Float(f64),
    /// Text.
    Str {
        /// What it says, unescaped.
        text: String,
        /// Written between triple quotes.
        raw: bool,
    },
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As written, without the tilde.
    pub name: String,
    /// Written with `~`: case does not matter.
    pub fold: bool,
    /// Place of the name.
    pub name_span: Span,
    /// Arguments in order.
    pub args: Vec<Expr>,
}

/// Arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// Operators with a pattern on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOperator {
    /// `:` - wildcards, case does not matter.
    Colon,
    /// `like`
    Like,
    /// `like~`
    LikeFold,
    /// `regex`
    Regex,
    /// `regex~`
    RegexFold,
}
