//! Values of a line, read one by one.
//!
//! In: the place where a scalar, or a list of them, should be. Out: the place behind it, and its values to whoever
//! asks. What is no valid JSON is not read.

use serde::de::{DeserializeSeed, IgnoredAny};
use wide::u8x16;

use super::super::{Asked, Atom, Hit, Names, Node, Walk};
use super::{Behind, Place};

/// A line being read along the tree.
pub(super) struct Reading<'l, F> {
    pub(super) text: &'l str,
    pub(super) line: &'l [u8],
    pub(super) each: &'l mut F,
    /// Whether it may follow stretches.
    pub(super) skips: bool,
    /// Values have been told of something that then was not what it seemed: nothing else will do but the long way.
    pub(super) is_lost: bool,
}

impl<F: FnMut(u32, u32, Atom<'_>)> Reading<'_, F> {
    /// Reads what stands behind a segment; gives the place behind that.
    #[inline(always)]
    pub(super) fn value(&mut self, place: usize, behind: Behind) -> Option<usize> {
        match behind {
            Behind::Scalar(to) => self.scalar(place, to),
            Behind::List(to) => self.list(place, to),
            Behind::End => None,
        }
    }

    /// Reads the scalar at `place`; gives the place behind it, `None` when there is none.
    #[inline(always)]
    pub(super) fn scalar(&mut self, place: usize, to: Place) -> Option<usize> {
        let rest = self.line.get(place..)?;
        // Nearly all are text.
        if rest.first() != Some(&b'"') {
            return self.bare(place, to);
        }
        let (length, escapes) = string(rest)?;
        let end = place + length;
        if escapes {
            return self.long_way(place, end, to);
        }
        if let Place::Name(name, dots) = to {
            (self.each)(name, dots, Atom::Text(self.text.get(place + 1..end - 1)?));
        }
        Some(end)
    }

    /// A scalar that is not text.
    #[inline(never)]
    fn bare(&mut self, place: usize, to: Place) -> Option<usize> {
        let rest = self.line.get(place..)?;
        let (value, end) = match *rest.first()? {
            b'-' | b'0'..=b'9' => {
                let end = place + number(rest);
                match whole(self.line.get(place..end)?) {
                    Some(number) => (Atom::Int(number), end),
                    None => return self.long_way(place, end, to),
                }
            }
            b't' if rest.starts_with(b"true") => (Atom::Bool(true), place + 4),
            b'f' if rest.starts_with(b"false") => (Atom::Bool(false), place + 5),
            b'n' if rest.starts_with(b"null") => return Some(place + 4),
            _ => return None,
        };
        if let Place::Name(name, dots) = to {
            (self.each)(name, dots, value);
        }
        Some(end)
    }

    /// A scalar that takes more than a look: text with escapes, a number that is not small and whole.
    #[cold]
    fn long_way(&mut self, place: usize, end: usize, to: Place) -> Option<usize> {
        let mut json = serde_json::Deserializer::from_str(self.text.get(place..end)?);
        let read = match to {
            Place::Nowhere => serde::Deserialize::deserialize(&mut json).map(|IgnoredAny| ()),
            Place::Name(name, dots) => {
                let asked = &mut Asked { names: &Names::default(), at: name, each: self.each };
                let mut walk =
                    Walk { trail: asked, dots, depth: 0, left_out: 0, hit: Hit::Unknown };
                Node { walk: &mut walk, top: false }.deserialize(&mut json)
            }
        };
        read.and_then(|()| json.end()).is_ok().then_some(end)
    }

    /// Reads scalars up to the bracket that ends their list; gives the place behind that.
    #[inline(never)]
    pub(super) fn list(&mut self, mut place: usize, to: Place) -> Option<usize> {
        place = blank(self.line, place);
        if self.line.get(place) == Some(&b']') {
            return Some(place + 1);
        }
        place = self.scalar(place, to)?;
        loop {
            place = blank(self.line, place);
            let next = match self.line.get(place) {
                Some(b']') => return Some(place + 1),
                Some(b',') => self.scalar(blank(self.line, place + 1), to),
                _ => None,
            };
            let Some(next) = next else {
                self.is_lost |= to != Place::Nowhere;
                return None;
            };
            place = next;
        }
    }
}

/// Length of the text that begins with a quote, with both quotes, and whether there are escapes in it.
#[inline(always)]
pub(super) fn string(rest: &[u8]) -> Option<(usize, bool)> {
    let mut at = 1;
    let mut escapes = false;
    loop {
        let special = special(rest.get(at..)?);
        at += special;
        match rest.get(at)? {
            b'"' => return Some((at + 1, escapes)),
            b'\\' => {
                escapes = true;
                at += 2;
            }
            // No text may hold it.
            _ => return None,
        }
    }
}

/// Where the first quote, backslash or control character stands, or the end.
#[inline(always)]
fn special(text: &[u8]) -> usize {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let mut rest = text;
    while let Some((block, behind)) = rest.split_first_chunk::<16>() {
        let bytes = u8x16::new(*block);
        let quote = bytes.cmp_eq(u8x16::splat(b'"'));
        let escape = bytes.cmp_eq(u8x16::splat(b'\\'));
        let control = bytes.min(u8x16::splat(0x1f)).cmp_eq(bytes);
        let bits = (quote | escape | control).move_mask();
        if bits != 0 {
            return text.len() - rest.len() + bits.trailing_zeros() as usize;
        }
        rest = behind;
    }
    let before = text.len() - rest.len();
    before + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// How far the characters of a number go.
#[inline]
fn number(rest: &[u8]) -> usize {
    let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    rest.iter().position(|byte| !of_number(byte)).unwrap_or(rest.len())
}

/// A natural number that is surely small enough, written as JSON has it.
#[inline]
fn whole(digits: &[u8]) -> Option<i64> {
    let plain = digits.len() == 1 || digits.first() != Some(&b'0');
    if digits.is_empty() || digits.len() > 18 || !plain {
        return None;
    }
    digits.iter().try_fold(0, |number: i64, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + i64::from(digit))
    })
}

/// The place behind blanks.
#[inline]
pub(super) fn blank(line: &[u8], mut place: usize) -> usize {
    while matches!(line.get(place), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        place += 1;
    }
    place
}
