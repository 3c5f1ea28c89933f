//! Scalar values and the pure functions on them: comparison, case folding.
//!
//! In: values of fields and literals of queries. Out: answers. Nothing here knows an event or a
//! query. A field is a *list* of scalars (an empty list is a missing field), so there is no list
//! value: see [`crate::event::Event::values`].

mod instant;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use crate::time::Timestamp;

/// One scalar, borrowed from an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(&'a str),
    /// An address, compared as an address: `::1` equals `0:0:0:0:0:0:0:1`.
    Ip(IpAddr),
    /// A point in time.
    Time(Timestamp),
}

/// One scalar that owns its text: literals, join keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Missing. The same as JSON `null` and as an empty array.
    Null,
    /// See [`Scalar::Bool`].
    Bool(bool),
    /// See [`Scalar::Int`].
    Int(i64),
    /// See [`Scalar::Float`].
    Float(f64),
    /// See [`Scalar::Str`].
    Str(Box<str>),
    /// See [`Scalar::Ip`].
    Ip(IpAddr),
    /// See [`Scalar::Time`].
    Time(Timestamp),
}

impl Value {
    /// The scalar, `None` for null.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(b) => Scalar::Bool(*b),
            Self::Int(i) => Scalar::Int(*i),
            Self::Float(f) => Scalar::Float(*f),
            Self::Str(s) => Scalar::Str(s),
            Self::Ip(ip) => Scalar::Ip(*ip),
            Self::Time(t) => Scalar::Time(*t),
        })
    }
}

impl From<Scalar<'_>> for Value {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Bool(b) => Self::Bool(b),
            Scalar::Int(i) => Self::Int(i),
            Scalar::Float(f) => Self::Float(f),
            Scalar::Str(s) => Self::Str(s.into()),
            Scalar::Ip(ip) => Self::Ip(ip),
            Scalar::Time(t) => Self::Time(t),
        }
    }
}

impl From<Option<Scalar<'_>>> for Value {
    fn from(scalar: Option<Scalar<'_>>) -> Self {
        scalar.map_or(Self::Null, Self::from)
    }
}

/// The text people see, and what `string(x)` and `concat` give: numbers in decimal (`1.0` keeps its
/// point), addresses in canonical form, times as RFC 3339.
impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Str(s) => f.write_str(s),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Time(t) => write!(f, "{t}"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scalar() {
            Some(scalar) => scalar.fmt(f),
            None => f.write_str("null"),
        }
    }
}

/// How `a` stands to `b`; `None` when the two are not comparable, which a query reads as null.
///
/// Numbers compare as numbers whatever their kind, text by bytes (so case matters), addresses and
/// times among themselves. Text against another kind is read as that kind: `"5"` as a number,
/// `"2024-01-01"` as a time, `"true"` as a boolean; a number against text that is not one compares
/// its decimal text for equality only.
pub fn compare(a: Scalar<'_>, b: Scalar<'_>) -> Option<Ordering> {
    use Scalar::{Bool, Float, Int, Ip, Str, Time};
    match (a, b) {
        (Int(x), Int(y)) => Some(x.cmp(&y)),
        (Int(x), Float(y)) => int_float(x, y),
        (Float(x), Int(y)) => int_float(y, x).map(Ordering::reverse),
        (Float(x), Float(y)) => x.partial_cmp(&y),
        (Str(x), Str(y)) => Some(x.cmp(y)),
        (Bool(x), Bool(y)) => Some(x.cmp(&y)),
        (Ip(x), Ip(y)) => Some(plain_ip(x).cmp(&plain_ip(y))),
        (Time(x), Time(y)) => Some(x.cmp(&y)),
        (Time(x), Int(millis)) => Some(x.cmp(&Timestamp::from_millis(millis))),
        (Int(millis), Time(y)) => Some(Timestamp::from_millis(millis).cmp(&y)),
        (Str(text), other) => compare(read_as(text, other)?, other),
        (other, Str(text)) => compare(other, read_as(text, other)?),
        _ => None,
    }
}

/// `true` when both are the same value, see [`compare`] for what is read as what.
pub fn equal(a: Scalar<'_>, b: Scalar<'_>) -> bool {
    compare(a, b) == Some(Ordering::Equal)
}

/// How `a` stands to `b` for `<` and the like: as [`compare`], but booleans have no order.
pub fn order(a: Scalar<'_>, b: Scalar<'_>) -> Option<Ordering> {
    match (a, b) {
        (Scalar::Bool(_), _) | (_, Scalar::Bool(_)) => None,
        _ => compare(a, b),
    }
}

/// A whole number against any other, exact also beyond 2^53.
fn int_float(int: i64, float: f64) -> Option<Ordering> {
    // 2^63 as a float is exact; every float in this range truncates to a valid i64.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "in range, see LIMIT")]
    let order = int.cmp(&(whole as i64));
    Some(order.then(0.0_f64.partial_cmp(&(float - whole))?))
}

/// Reads text as the kind of `model`.
fn read_as<'a>(text: &str, model: Scalar<'a>) -> Option<Scalar<'a>> {
    match model {
        Scalar::Int(_) | Scalar::Float(_) => number(text),
        Scalar::Bool(_) => match text {
            "true" => Some(Scalar::Bool(true)),
            "false" => Some(Scalar::Bool(false)),
            _ => None,
        },
        Scalar::Ip(_) => text.parse().ok().map(Scalar::Ip),
        Scalar::Time(_) => timestamp(text).map(Scalar::Time),
        Scalar::Str(_) => None,
    }
}

/// Decimal text as a number: whole when it fits `i64`, else floating point.
pub fn number(text: &str) -> Option<Scalar<'static>> {
    let text = text.trim();
    if let Ok(int) = text.parse() {
        return Some(Scalar::Int(int));
    }
    // `parse` also takes "inf" and "nan", which are not numbers to anybody who writes a query.
    let numeric = text.bytes().any(|b| b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|_| numeric).map(Scalar::Float)
}

/// RFC 3339 and its relaxations (date only, blank for `T`, no zone meaning UTC) or milliseconds
/// since 1970, also with a fraction.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(time) = instant::instant(text).or_else(|| millis(text)) {
        return Some(time);
    }
    let nanos = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.as_nanosecond(),
        Err(_) => {
            let civil = text.parse::<jiff::civil::DateTime>().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond()
        }
    };
    i64::try_from(nanos).ok().map(Timestamp)
}

/// Milliseconds since 1970 in decimal, with up to six digits behind a point.
fn millis(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + i64::from(digit - b'0'));
    let nanos = if text.starts_with('-') { -nanos } else { nanos };
    Some(Timestamp(Timestamp::from_millis(whole).0.saturating_add(nanos)))
}

/// An IPv4 address written inside an IPv6 one (`::ffff:198.51.100.7`) is that IPv4 address.
pub fn plain_ip(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// One character in lower case, by Unicode's simple mapping: characters whose lower case is longer
/// than one character stay as they are.
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// Text in lower case, see [`fold_char`]. Borrows when nothing changes.
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_folded_ascii(text) || text.chars().all(|c| fold_char(c) == c) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::new();
    fold_into(text, &mut folded);
    Cow::Owned(folded)
}

/// Appends `text` in lower case to `out`, see [`fold_char`].
pub fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        out.extend(text.chars().map(fold_char));
    }
}

/// Calls `then` with `text` in lower case, see [`fold_char`].
///
/// Nothing is copied when nothing changes, and nothing is allocated up to 1 KiB.
pub fn with_fold<R>(text: &str, then: impl FnOnce(&str) -> R) -> R {
    if is_folded_ascii(text) {
        return then(text);
    }
    if text.len() <= 128 {
        if let Some(folded) = fold_in_place(text, &mut [0; 128]) {
            return then(folded);
        }
    } else if text.len() <= 1024
        && let Some(folded) = fold_in_place(text, &mut [0; 1024])
    {
        return then(folded);
    }
    then(&fold(text))
}

/// `true` for ASCII text without capital letters. Looks at every byte so that it runs without
/// branches, many bytes at a time.
pub fn is_folded_ascii(text: &str) -> bool {
    !text.bytes().fold(false, |found, b| found | b.is_ascii_uppercase() | !b.is_ascii())
}

/// Lower case written to `buffer`; `None` when it does not fit.
fn fold_in_place<'b>(text: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut end = 0;
    if text.is_ascii() {
        end = text.len();
        let folded = buffer.get_mut(..end)?;
        folded.copy_from_slice(text.as_bytes());
        folded.make_ascii_lowercase();
    } else {
        for c in text.chars().map(fold_char) {
            let next = end + c.len_utf8();
            c.encode_utf8(buffer.get_mut(end..next)?);
            end = next;
        }
    }
    std::str::from_utf8(buffer.get(..end)?).ok()
}

/// `true` when both are the same text but for case.
pub fn equal_folded(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().map(fold_char).eq(b.chars().map(fold_char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_across_kinds_and_beyond_two_to_the_53() {
        assert!(equal(Scalar::Int(5), Scalar::Float(5.0)));
        assert_eq!(
            compare(Scalar::Int(9_007_199_254_740_993), Scalar::Float(9_007_199_254_740_992.0)),
            Some(Ordering::Greater)
        );
        assert_eq!(compare(Scalar::Int(i64::MAX), Scalar::Float(1e30)), Some(Ordering::Less));
        assert_eq!(compare(Scalar::Int(-1), Scalar::Float(-1.5)), Some(Ordering::Greater));
        assert_eq!(compare(Scalar::Int(1), Scalar::Float(f64::NAN)), None);
    }

    #[test]
    fn text_is_read_as_the_other_kind() {
        assert!(equal(Scalar::Str("4625"), Scalar::Int(4625)));
        assert!(equal(Scalar::Str("true"), Scalar::Bool(true)));
        assert!(equal(Scalar::Ip("::1".parse().unwrap()), Scalar::Str("0:0:0:0:0:0:0:1")));
        assert!(equal(Scalar::Time(Timestamp(0)), Scalar::Str("1970-01-01")));
        assert!(equal(Scalar::Time(Timestamp(0)), Scalar::Str("1970-01-01T01:00:00+01:00")));
        assert_eq!(compare(Scalar::Int(1), Scalar::Str("one")), None);
        assert_eq!(compare(Scalar::Int(1), Scalar::Str("nan")), None);
    }

    #[test]
    fn folding_is_simple_lower_case() {
        assert_eq!(fold("ÄB"), "äb");
        assert!(matches!(fold("ab"), Cow::Borrowed("ab")));
        assert!(equal_folded("Straße", "STRAßE"));
        assert!(!equal_folded("Straße", "STRASSE"));
    }

    #[test]
    fn all_ways_to_fold_agree_on_every_length() {
        // Ⱥ grows from two bytes to three when folded, the Kelvin sign shrinks from three to one.
        for unit in ["a", "A", "Ä", "\u{23a}", "\u{212a}", "İ"] {
            for count in [0, 1, 2, 42, 43, 63, 64, 127, 128, 129, 341, 342, 1024, 1025] {
                let text = unit.repeat(count);
                let expected: String = text.chars().map(fold_char).collect();
                let mut appended = String::from("x");
                fold_into(&text, &mut appended);
                assert_eq!(fold(&text), expected);
                assert_eq!(appended, format!("x{expected}"));
                assert!(with_fold(&text, |folded| folded == expected), "{unit} {count}");
            }
        }
    }

    #[test]
    fn booleans_have_no_order() {
        assert_eq!(order(Scalar::Bool(false), Scalar::Bool(true)), None);
        assert_eq!(order(Scalar::Bool(false), Scalar::Str("true")), None);
        assert_eq!(order(Scalar::Str("9"), Scalar::Int(10)), Some(Ordering::Less));
    }
}
