//! The checked query: every name resolved, every type known, null handled, constants folded.
//!
//! In comparison with the [AST](crate::syntax::ast): `!=`, `not in` and comparisons with booleans are
//! rewritten to `not` around a leaf; leaves are two-valued; `runs` are still counted, not unrolled;
//! comments and parentheses are gone.

use std::sync::Arc;

use ipnet::IpNet;

pub use crate::function::Function;
use crate::schema::FieldType;
use crate::span::Span;
pub use crate::syntax::ast::{Arithmetic, Compare};
use crate::time::Duration;
use crate::value::Value;

/// A checked query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is looked for.
    pub kind: QueryKind,
    /// What is done with the results, in order.
    pub pipes: Vec<Pipe>,
}

/// The kinds of query.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryKind {
    /// One event.
    Event(Filter),
    /// Events in order.
    Sequence(Sequence),
    /// Events in any order.
    Sample(Vec<Item>),
}

/// What is done with results.
#[derive(Debug, Clone, PartialEq)]
pub enum Pipe {
    /// The first n.
    Head(u64),
    /// The last n.
    Tail(u64),
    /// The first of each combination of values.
    Unique(Vec<Field>),
    /// As `Unique`, with the number of each, at the end.
    UniqueCount(Vec<Field>),
    /// As `UniqueCount`, rarest first; without fields one with the number of all.
    Count(Vec<Field>),
    /// In order of these fields, at the end.
    Sort(Vec<Field>),
}

impl Pipe {
    /// Whether it reads events, and not only counts matches.
    pub fn reads_fields(&self) -> bool {
        match self {
            Self::Head(_) | Self::Tail(_) => false,
            Self::Unique(_) | Self::UniqueCount(_) | Self::Count(_) | Self::Sort(_) => true,
        }
    }

    /// Whether it gives nothing before the end of the input.
    pub fn waits(&self) -> bool {
        match self {
            Self::Head(_) | Self::Unique(_) => false,
            Self::Tail(_) | Self::UniqueCount(_) | Self::Count(_) | Self::Sort(_) => true,
        }
    }

    /// As it is written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Head(_) => "head",
            Self::Tail(_) => "tail",
            Self::Unique(_) => "unique",
            Self::UniqueCount(_) => "unique_count",
            Self::Count(_) => "count",
            Self::Sort(_) => "sort",
        }
    }
}

/// The test of one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Category test and condition in one.
    pub condition: Cond,
    /// The category, `None` for `any`; already part of `condition`.
    pub category: Option<Arc<str>>,
    /// Where it stands.
    pub span: Span,
}

/// A checked sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Longest time from the first to the last event, inclusive.
    pub maxspan: Option<Duration>,
    /// The brackets in order.
    pub items: Vec<Item>,
    /// Ends all partials of its key.
    pub until: Option<Box<Item>>,
}

/// One bracket, with the keys of `sequence by` in front of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `![..]`
    pub missing: bool,
    /// The test.
    pub filter: Filter,
    /// Key columns in order.
    pub keys: Vec<Key>,
    /// How many times it stands there, from 1.
    pub runs: u32,
}

/// A key column of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The field.
    pub field: Field,
    /// `?field`: a missing value is a key value like any other.
    pub optional: bool,
}

/// A field with its type.
#[derive(Debug, Clone)]
pub struct Field {
    /// Full name.
    pub name: Arc<str>,
    /// `None`: whatever the data hold.
    pub kind: Option<FieldType>,
    /// Where it stands.
    pub span: Span,
}

/// Fields are the same when they have the same name, wherever they stand.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Field {}

impl std::hash::Hash for Field {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// A two-valued condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Cond {
    /// Always or never true.
    Const(bool),
    /// All are true.
    And(Vec<Cond>),
    /// Any is true.
    Or(Vec<Cond>),
    /// It is false.
    Not(Box<Cond>),
    /// A leaf: null at its edge is false.
    Leaf(Leaf),
}

/// A leaf of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaf {
    /// A test of the values of one field; true when any value passes.
    Test(Field, Test),
    /// Any other boolean expression; true when some choice of one value per field makes it true.
    Expr(Expr),
}

/// A test of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is no value. The only test that a missing field passes.
    Missing,
    /// There is a value.
    Present,
    /// Equal to any of these, case as it is.
    In(Vec<Value>),
    /// Equal to any of these texts but for case. Stored in lower case.
    InFold(Vec<Box<str>>),
    /// Matches any of these wildcard patterns.
    Like {
        /// With `*` and `?`; stored in lower case when `fold`.
        patterns: Vec<Box<str>>,
        /// Case does not matter.
        fold: bool,
    },
    /// Matches this regular expression as a whole.
    Regex {
        /// Translated to the syntax of the `regex` crate, anchored.
        pattern: Box<str>,
        /// The patterns as they were written, any of which may match.
        written: Box<[Box<str>]>,
        /// Case does not matter (already part of `pattern`).
        fold: bool,
    },
    /// Stands in this relation to the value.
    Compare(Order, Value),
    /// Older or newer than this software version, see [`crate::version`].
    Version(Order, Box<str>),
    /// An address inside any of these networks.
    Cidr(Vec<IpNet>),
}

/// `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// An expression with a value, evaluated with null propagation.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A constant.
    Literal(Value),
    /// One value of a field: the one chosen.
    Field(Field),
    /// A function.
    Call {
        /// Which.
        function: Function,
        /// `~`: case does not matter.
        fold: bool,
        /// As many as the function takes; optional ones may be left out.
        args: Vec<Expr>,
    },
    /// `a + b` and the like.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `a == b` and the like; null when either side is.
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// `a == null`; never null.
    IsNull(Box<Expr>),
    /// A test of a computed value.
    Test(Box<Expr>, Test),
    /// Two-valued logic inside a larger expression.
    Cond(Box<Cond>),
}
