//! [`Shapes`]: lines of JSON read as others were before them.
//!
//! In: lines that one writer makes, one after another. Out: the same scalars that [`Names::read`] gives, without
//! reading the names. A writer puts the same names in the same order; only the values differ. What stands between
//! two values - quotes of names, colons, brackets - is a *segment*. Segments of lines that were read the long way are
//! kept as a tree: behind each value stand the segments that came there, each with what becomes of the value behind
//! it. A line that is nothing but known segments and valid values between them has been read; any other is to be
//! read the long way, and learnt.
//!
//! INVARIANT: a line that is read here would have given the same the long way, after being [mended](super::mended)
//! where that is needed. Segments hold whole names and every bracket, so equal segments make equal trees, whatever
//! scalars, and lists of scalars, stand between them.
//!
//! Memory is bounded: when the tree is full it is begun again, and where lines are rarely alike few of them are
//! learnt.

mod learn;

use hashbrown::HashMap;
use serde::de::{DeserializeSeed, IgnoredAny};
use wide::u8x16;

use super::{Asked, Atom, Hit, MAX_LINE_BYTES, Names, Node, Walk};
use crate::record::prefix::behind;
use learn::Learning;

/// Most nodes of the tree.
const MAX_NODES: usize = 1 << 15;
/// Most bytes of all segments.
const MAX_BYTES: usize = 1 << 20;
/// Most segments behind one value.
const MAX_BRANCHES: u32 = 64;
/// Lines that may be learnt before any was of use.
const CREDIT: u32 = 256;
/// Without credit, one of so many unknown lines is learnt.
const SELDOM: u32 = 64;
/// No node.
const NONE: u32 = u32::MAX;

/// What stands behind a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// A scalar, and where it goes.
    Scalar(Place),
    /// Scalars up to the end of their list, and where they go.
    List(Place),
    /// Nothing: the end of the line.
    End,
}

/// Where values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nobody asks for them.
    Nowhere,
    /// To the name of this number, of which so many dots were written.
    Name(u32, u32),
}

/// A segment and what is known behind it.
#[derive(Debug)]
struct Branch {
    start: u32,
    end: u32,
    behind: Behind,
    /// The one of those behind it that was right last.
    recent: u32,
    /// The first of them, and the next beside this one.
    first: u32,
    beside: u32,
    /// How many they are.
    branches: u32,
}

/// See the module page.
#[derive(Debug)]
pub struct Shapes {
    /// The first is the root: a segment of nothing.
    tree: Vec<Branch>,
    /// All segments, and where each stands.
    text: Vec<u8>,
    known: HashMap<Box<[u8]>, (u32, u32), foldhash::fast::RandomState>,
    credit: u32,
    /// Unknown lines since one was learnt.
    unknown: u32,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            tree: vec![ROOT],
            text: Vec::new(),
            known: HashMap::default(),
            credit: CREDIT,
            unknown: 0,
        }
    }
}

const ROOT: Branch = Branch {
    start: 0,
    end: 0,
    behind: Behind::End,
    recent: NONE,
    first: NONE,
    beside: NONE,
    branches: 0,
};

impl Shapes {
    /// Calls `each` for every scalar that is asked for in a line of a known shape, with the number of its name and
    /// how many of the dots were written. `false` when the line has none; `each` may have seen its beginning.
    pub fn read(&mut self, line: &[u8], each: &mut impl FnMut(u32, u32, Atom<'_>)) -> bool {
        if line.len() > MAX_LINE_BYTES {
            return false;
        }
        let Ok(text) = std::str::from_utf8(line) else { return false };
        let mut reading = Reading { text, line, each };
        let (mut at, mut place) = (0, 0);
        loop {
            let Some((branch, next, is_end)) = self.step(at, place, &mut reading) else {
                return false;
            };
            if is_end {
                self.credit = (self.credit + 1).min(CREDIT);
                return true;
            }
            (at, place) = (branch, next);
        }
    }

    /// The branch behind `at` that the line goes on with at `place`, where it goes on behind that, and whether that
    /// is its end.
    #[inline]
    fn step(
        &mut self,
        at: u32,
        place: usize,
        reading: &mut Reading<'_, impl FnMut(u32, u32, Atom<'_>)>,
    ) -> Option<(u32, usize, bool)> {
        let Branch { recent, first, .. } = *self.tree.get(at as usize)?;
        if let Some((next, is_end)) = self.follow(recent, place, reading) {
            return Some((recent, next, is_end));
        }
        let mut other = first;
        while other != NONE {
            if other != recent
                && let Some((next, is_end)) = self.follow(other, place, reading)
            {
                self.tree.get_mut(at as usize)?.recent = other;
                return Some((other, next, is_end));
            }
            other = self.tree.get(other as usize)?.beside;
        }
        None
    }

    #[inline]
    fn follow(
        &self,
        branch: u32,
        place: usize,
        reading: &mut Reading<'_, impl FnMut(u32, u32, Atom<'_>)>,
    ) -> Option<(usize, bool)> {
        let branch = self.tree.get(branch as usize)?;
        let segment = self.text.get(branch.start as usize..branch.end as usize)?;
        let rest = behind(reading.line.get(place..)?, segment)?;
        let place = place + segment.len();
        match branch.behind {
            Behind::Scalar(to) => Some((reading.scalar(place, to)?, false)),
            Behind::List(to) => Some((reading.list(place, to)?, false)),
            Behind::End => rest.is_empty().then_some((place, true)),
        }
    }

    /// Learns the shape of a line that `names` have read without leaving anything out.
    pub fn learn(&mut self, names: &Names, line: &[u8]) {
        self.unknown += 1;
        if self.credit == 0 && self.unknown < SELDOM {
            return;
        }
        self.credit = self.credit.saturating_sub(1);
        self.unknown = 0;
        if self.tree.len() >= MAX_NODES || self.text.len() >= MAX_BYTES {
            *self = Self { credit: self.credit, ..Self::default() };
        }
        let Ok(text) = std::str::from_utf8(line) else { return };
        let mut at = 0;
        let mut add = |segment: &[u8], behind: Behind| {
            at = self.add(at, segment, behind)?;
            Some(())
        };
        Learning::new(names, text).line(&mut add);
    }

    /// The branch behind `at` with this segment, new if need be.
    fn add(&mut self, at: u32, segment: &[u8], behind: Behind) -> Option<u32> {
        let (start, end) = match self.known.get(segment) {
            Some(known) => *known,
            None => {
                let start = u32::try_from(self.text.len()).ok()?;
                self.text.extend_from_slice(segment);
                let range = (start, u32::try_from(self.text.len()).ok()?);
                self.known.insert(segment.into(), range);
                range
            }
        };
        let from = self.tree.get(at as usize)?;
        let (first, branches) = (from.first, from.branches);
        let mut other = first;
        while let Some(branch) = self.tree.get(other as usize) {
            if (branch.start, branch.end, branch.behind) == (start, end, behind) {
                return Some(other);
            }
            other = branch.beside;
        }
        // Where anything may follow, what followed is of little use: it is forgotten.
        let (beside, branches) =
            if branches < MAX_BRANCHES { (first, branches) } else { (NONE, 0) };
        let new = u32::try_from(self.tree.len()).ok()?;
        self.tree.push(Branch { start, end, behind, beside, ..ROOT });
        let from = self.tree.get_mut(at as usize)?;
        from.first = new;
        from.recent = new;
        from.branches = branches + 1;
        Some(new)
    }
}

/// A line being read along the tree.
struct Reading<'l, F> {
    text: &'l str,
    line: &'l [u8],
    each: &'l mut F,
}

impl<F: FnMut(u32, u32, Atom<'_>)> Reading<'_, F> {
    /// Reads the scalar at `place`; gives the place behind it, `None` when there is none.
    #[inline]
    fn scalar(&mut self, place: usize, to: Place) -> Option<usize> {
        let rest = self.line.get(place..)?;
        let (value, end) = match *rest.first()? {
            b'"' => {
                let end = match string(rest)? {
                    (length, false) => place + length,
                    (length, true) => return self.long_way(place, place + length, to),
                };
                let Place::Name(..) = to else { return Some(end) };
                (Atom::Text(self.text.get(place + 1..end - 1)?), end)
            }
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
    fn list(&mut self, mut place: usize, to: Place) -> Option<usize> {
        place = blank(self.line, place);
        if self.line.get(place) == Some(&b']') {
            return Some(place + 1);
        }
        loop {
            place = blank(self.line, self.scalar(place, to)?);
            match self.line.get(place)? {
                b',' => place = blank(self.line, place + 1),
                b']' => return Some(place + 1),
                _ => return None,
            }
        }
    }
}

/// Length of the text that begins with a quote, with both quotes, and whether there are escapes in it.
#[inline]
fn string(rest: &[u8]) -> Option<(usize, bool)> {
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
#[inline]
fn special(text: &[u8]) -> usize {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    let (blocks, rest) = text.as_chunks::<16>();
    for (block, number) in blocks.iter().zip(0..) {
        let bytes = u8x16::new(*block);
        let quote = bytes.cmp_eq(u8x16::splat(b'"'));
        let escape = bytes.cmp_eq(u8x16::splat(b'\\'));
        let control = bytes.min(u8x16::splat(0x1f)).cmp_eq(bytes);
        let bits = (quote | escape | control).move_mask();
        if bits != 0 {
            return number * 16 + bits.trailing_zeros() as usize;
        }
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
fn blank(line: &[u8], mut place: usize) -> usize {
    while matches!(line.get(place), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        place += 1;
    }
    place
}

#[cfg(test)]
mod tests;
