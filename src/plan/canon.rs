//! Canonical text of conditions: what is written the same means the same.
//!
//! Used to share equal leaves and stages, and hashed into the rule's [`LogicHash`]. The text is part
//! of stored identifiers (alert ids), so changing it is a breaking change; [`VERSION`] says so.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::check::ir::{Cond, Expr, Field, Item, Leaf, Pipe, Query, QueryKind, Test};
use crate::value::Value;

/// Goes into every hash; raised when the text or the semantics behind it change.
const VERSION: &str = "catena-logic-1";

/// 128-bit hash of what decides a rule's matches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogicHash(pub [u8; 16]);

/// 32 hexadecimal digits.
impl std::fmt::Display for LogicHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for LogicHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogicHash({self})")
    }
}

/// Hash of a query's meaning: layout, comments and the order of list elements do not change it.
pub fn logic_hash(query: &Query) -> LogicHash {
    let mut text = String::from(VERSION);
    match &query.kind {
        QueryKind::Event(filter) => {
            text.push_str("(event ");
            cond(&filter.condition, &mut text);
            text.push(')');
        }
        QueryKind::Sequence(sequence) => {
            text.push_str("(sequence");
            if let Some(maxspan) = sequence.maxspan {
                let _ = write!(text, " maxspan={}", maxspan.0);
            }
            sequence.items.iter().for_each(|i| item(i, &mut text));
            if let Some(until) = &sequence.until {
                text.push_str(" until");
                item(until, &mut text);
            }
            text.push(')');
        }
        QueryKind::Sample(items) => {
            text.push_str("(sample");
            items.iter().for_each(|i| item(i, &mut text));
            text.push(')');
        }
    }
    for pipe in &query.pipes {
        let _ = match pipe {
            Pipe::Head(n) => write!(text, "|head {n}"),
            Pipe::Tail(n) => write!(text, "|tail {n}"),
            Pipe::Unique(fields) => write!(text, "|unique {}", names(fields)),
            Pipe::UniqueCount(fields) => write!(text, "|unique_count {}", names(fields)),
            Pipe::Count(fields) => write!(text, "|count {}", names(fields)),
            Pipe::Sort(fields) => write!(text, "|sort {}", names(fields)),
        };
    }
    let digest = Sha256::digest(text.as_bytes());
    let mut hash = [0; 16];
    hash.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    LogicHash(hash)
}

/// Names may hold anything, so they are quoted.
fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| format!("{:?} ", field.name)).collect()
}

fn item(item: &Item, out: &mut String) {
    let _ = write!(out, " ({}{}", if item.missing { "!" } else { "" }, item.runs);
    for key in &item.keys {
        let _ = write!(out, " by {}{:?}", if key.optional { "?" } else { "" }, key.field.name);
    }
    out.push(' ');
    cond(&item.filter.condition, out);
    out.push(')');
}

/// Canonical text of a condition.
pub(super) fn condition(condition: &Cond) -> String {
    let mut out = String::new();
    cond(condition, &mut out);
    out
}

/// Canonical text of a leaf.
pub(super) fn leaf(leaf: &Leaf) -> String {
    let mut out = String::new();
    leaf_into(leaf, &mut out);
    out
}

fn cond(condition: &Cond, out: &mut String) {
    match condition {
        Cond::Const(value) => {
            let _ = write!(out, "{value}");
        }
        Cond::Leaf(leaf) => leaf_into(leaf, out),
        Cond::Not(inner) => list("not", std::slice::from_ref(&**inner), out),
        Cond::And(all) => list("and", all, out),
        Cond::Or(any) => list("or", any, out),
    }
}

fn list(name: &str, operands: &[Cond], out: &mut String) {
    let _ = write!(out, "({name}");
    for operand in operands {
        out.push(' ');
        cond(operand, out);
    }
    out.push(')');
}

fn leaf_into(leaf: &Leaf, out: &mut String) {
    match leaf {
        Leaf::Test(field, of) => {
            let _ = write!(out, "(test {:?} ", field.name);
            test(of, out);
            out.push(')');
        }
        Leaf::Expr(e) => expr(e, out),
    }
}

fn test(test: &Test, out: &mut String) {
    match test {
        Test::Missing => out.push_str("missing"),
        Test::Present => out.push_str("present"),
        Test::In(values) => sorted("in", values.iter().map(value_text), out),
        Test::InFold(texts) => sorted("in~", texts.iter().map(|t| format!("{t:?}")), out),
        Test::Like { patterns, fold } => {
            let name = if *fold { "like~" } else { "like" };
            sorted(name, patterns.iter().map(|p| format!("{p:?}")), out);
        }
        Test::Regex { written, fold, .. } => {
            // As written: a better translation must not make it another rule.
            let _ = write!(out, "(regex{} {written:?})", if *fold { "~" } else { "" });
        }
        Test::Compare(order, value) => {
            let _ = write!(out, "({order:?} {})", value_text(value));
        }
        Test::Version(order, version) => {
            let _ = write!(out, "(version {order:?} {version:?})");
        }
        Test::Cidr(nets) => sorted("cidr", nets.iter().map(ToString::to_string), out),
    }
}

/// A list whose order does not matter: sorted, each element once.
fn sorted(name: &str, elements: impl Iterator<Item = String>, out: &mut String) {
    let mut elements: Vec<String> = elements.collect();
    elements.sort_unstable();
    elements.dedup();
    let _ = write!(out, "({name} {})", elements.join(" "));
}

/// Text that tells kinds apart: `1` is not `"1"`.
fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => format!("{b}"),
        Value::Int(i) => format!("{i}"),
        Value::Float(f) => format!("{f:?}f"),
        Value::Str(s) => format!("{s:?}"),
        Value::Ip(ip) => format!("ip:{ip}"),
        Value::Time(t) => format!("t:{}", t.0),
    }
}

fn expr(e: &Expr, out: &mut String) {
    match e {
        Expr::Literal(value) => out.push_str(&value_text(value)),
        Expr::Field(field) => {
            let _ = write!(out, "(field {:?})", field.name);
        }
        Expr::Call { function, fold, args } => {
            let _ = write!(out, "({function:?}{}", if *fold { "~" } else { "" });
            for arg in args {
                out.push(' ');
                expr(arg, out);
            }
            out.push(')');
        }
        Expr::Arithmetic(operator, a, b) => {
            let _ = write!(out, "({operator:?} ");
            pair(a, b, out);
        }
        Expr::Compare(operator, a, b) => {
            let _ = write!(out, "({operator:?} ");
            pair(a, b, out);
        }
        Expr::Negate(inner) => {
            out.push_str("(negate ");
            expr(inner, out);
            out.push(')');
        }
        Expr::IsNull(inner) => {
            out.push_str("(null? ");
            expr(inner, out);
            out.push(')');
        }
        Expr::Test(inner, of) => {
            out.push_str("(test ");
            expr(inner, out);
            out.push(' ');
            test(of, out);
            out.push(')');
        }
        Expr::Cond(inner) => cond(inner, out),
    }
}

fn pair(a: &Expr, b: &Expr, out: &mut String) {
    expr(a, out);
    out.push(' ');
    expr(b, out);
    out.push(')');
}
