//! The functions of the query language on scalars.
//!
//! In: a function and its arguments, null being `None`. Out: one scalar or null. Used by `check` to fold
//! constants and by `machine` for each event, so that both agree. Names, signatures and help stand in
//! the catalogue of `check`; nothing here complains: an argument of the wrong kind gives null, as does
//! null itself wherever a function does not say otherwise.
//!
//! Positions and lengths count Unicode scalar values. Time is linear in the length of the arguments.

mod number;
mod text;

use std::fmt::Write as _;

pub use number::negate;

use crate::net;
use crate::value::{Scalar, Value};
use crate::wildcard::Pattern;

/// The functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented with their signatures in the catalogue")]
pub enum Function {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Between,
    CidrMatch,
    Concat,
    EndsWith,
    IndexOf,
    Length,
    Number,
    StartsWith,
    String,
    StringContains,
    Substring,
    Wildcard,
}

impl Function {
    /// Whether the result is text, so that [`apply_into`] writes to its buffer.
    pub fn makes_text(self) -> bool {
        matches!(self, Self::Between | Self::Concat | Self::String | Self::Substring)
    }
}

/// Text longer than this is not made by `concat`: see [`Answer::TooLong`].
pub const TEXT_LIMIT_BYTES: usize = 1 << 20;

/// What a function gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, always finite.
    Float(f64),
    /// Text, left in the buffer that was passed.
    Text,
    /// Null, because the text would be longer than [`TEXT_LIMIT_BYTES`].
    TooLong,
}

/// Memory for work on text, reused from call to call.
#[derive(Debug, Default)]
pub struct Buffers {
    source: String,
    part: String,
}

/// Applies a function; `None` is null.
///
/// `fold` is the `~` behind a name: case does not matter. Arguments that are left out are like null
/// where the function has a default for them; too many are ignored.
///
/// ```
/// use catena::function::{Function, apply};
/// use catena::value::{Scalar, Value};
///
/// let args = [Some(Scalar::Str("hello world")), Some(Scalar::Int(-5))];
/// assert_eq!(apply(Function::Substring, false, &args), Some(Value::Str("world".into())));
/// assert_eq!(apply(Function::Length, false, &[None]), None);
/// ```
pub fn apply(function: Function, fold: bool, args: &[Option<Scalar<'_>>]) -> Option<Value> {
    let mut out = String::new();
    match apply_into(function, fold, args, &mut out, &mut Buffers::default()) {
        Answer::Null | Answer::TooLong => None,
        Answer::Bool(b) => Some(Value::Bool(b)),
        Answer::Int(i) => Some(Value::Int(i)),
        Answer::Float(f) => Some(Value::Float(f)),
        Answer::Text => Some(Value::Str(out.into())),
    }
}

/// As [`apply`], without allocation once the buffers have grown: text is left in `out`, whose content is
/// replaced.
///
/// `wildcard` and `cidrMatch` read their patterns and networks anew each time; for a constant list
/// use [`Pattern`] and [`net::NetSet`].
pub fn apply_into(
    function: Function,
    fold: bool,
    args: &[Option<Scalar<'_>>],
    out: &mut String,
    buffers: &mut Buffers,
) -> Answer {
    out.clear();
    let answer = match function {
        Function::Add
        | Function::Subtract
        | Function::Multiply
        | Function::Divide
        | Function::Modulo => number::arithmetic(function, args),
        Function::Number => number::number(args),
        Function::CidrMatch => cidr_match(args),
        Function::Concat => return concat(args, out),
        Function::String => string(args, out),
        Function::Wildcard => wildcard(args, fold),
        Function::Length => text::length(args),
        Function::StartsWith => text::starts_with(args, fold),
        Function::EndsWith => text::ends_with(args, fold),
        Function::StringContains => text::contains(args, fold, buffers),
        Function::IndexOf => text::index_of(args, fold, buffers),
        Function::Between => text::between(args, fold, out, buffers),
        Function::Substring => text::substring(args, out),
    };
    answer.unwrap_or(Answer::Null)
}

/// Appends the text form of a scalar, as `concat` does; `false` when that would exceed
/// [`TEXT_LIMIT_BYTES`], and `out` is then of no use.
pub fn append(scalar: Scalar<'_>, out: &mut String) -> bool {
    match scalar {
        Scalar::Str(text) if out.len() + text.len() > TEXT_LIMIT_BYTES => return false,
        Scalar::Str(text) => out.push_str(text),
        other => write_form(other, out),
    }
    out.len() <= TEXT_LIMIT_BYTES
}

fn write_form(scalar: Scalar<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{scalar}");
}

/// The argument at `index`, `None` when it is null or left out.
fn arg<'a>(args: &[Option<Scalar<'a>>], index: usize) -> Option<Scalar<'a>> {
    args.get(index).copied().flatten()
}

/// The argument at `index` if it is text.
fn text_arg<'a>(args: &[Option<Scalar<'a>>], index: usize) -> Option<&'a str> {
    match arg(args, index)? {
        Scalar::Str(text) => Some(text),
        _ => None,
    }
}

/// The argument at `index` if it is a whole number, `default` when it is null or left out.
fn int_arg(args: &[Option<Scalar<'_>>], index: usize, default: i64) -> Option<i64> {
    match arg(args, index) {
        None => Some(default),
        Some(Scalar::Int(int)) => Some(int),
        Some(_) => None,
    }
}

fn concat(args: &[Option<Scalar<'_>>], out: &mut String) -> Answer {
    if args.is_empty() || args.contains(&None) {
        return Answer::Null;
    }
    if args.iter().flatten().all(|scalar| append(*scalar, out)) {
        Answer::Text
    } else {
        out.clear();
        Answer::TooLong
    }
}

fn string(args: &[Option<Scalar<'_>>], out: &mut String) -> Option<Answer> {
    let scalar = arg(args, 0)?;
    write_form(scalar, out);
    Some(Answer::Text)
}

/// What is not an address lies in no network.
fn cidr_match(args: &[Option<Scalar<'_>>]) -> Option<Answer> {
    let (source, nets) = args.split_first()?;
    let ip = match (*source)? {
        Scalar::Ip(ip) => Some(ip),
        Scalar::Str(text) => text.parse().ok(),
        _ => None,
    };
    let mut found = false;
    for net in nets {
        let Scalar::Str(net) = (*net)? else { return None };
        let set: net::NetSet = std::iter::once(&net::parse(net)?).collect();
        found |= ip.is_some_and(|ip| set.contains(ip));
    }
    Some(Answer::Bool(found))
}

fn wildcard(args: &[Option<Scalar<'_>>], fold: bool) -> Option<Answer> {
    let source = text_arg(args, 0)?;
    let mut found = false;
    for pattern in args.get(1..)? {
        let Scalar::Str(pattern) = (*pattern)? else { return None };
        found = found || Pattern::new(pattern, fold).matches(source);
    }
    Some(Answer::Bool(found))
}

#[cfg(test)]
mod tests;
