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
//! Most values are the same in one line after another. Where they are, a line is compared with the text of many
//! segments and values together, see [`stretch`].
//!
//! Memory is bounded: when the tree is full it is begun again, and where lines are rarely alike few of them are
//! learnt.

mod learn;
mod reading;
mod stretch;

use hashbrown::HashMap;

use super::{Atom, MAX_LINE_BYTES, Names};
use crate::record::prefix::behind;
use learn::Learning;
use reading::Reading;
use stretch::Stretches;

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

impl Behind {
    /// Whether a text may begin with it, as far as the first byte shows: where a scalar is known something else may
    /// come.
    #[inline]
    fn may_begin(self, rest: &[u8]) -> bool {
        match self {
            Self::End => rest.is_empty(),
            Self::Scalar(_) | Self::List(_) => !matches!(rest.first(), None | Some(b'{' | b'[')),
        }
    }
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
    /// What nearly always comes next.
    stretch: u32,
}

/// See the module page.
#[derive(Debug)]
pub struct Shapes {
    /// The first is the root: a segment of nothing.
    tree: Vec<Branch>,
    /// All segments, and where each stands.
    text: Vec<u8>,
    known: HashMap<Box<[u8]>, (u32, u32), foldhash::fast::RandomState>,
    stretches: Stretches,
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
            stretches: Stretches::default(),
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
    stretch: NONE,
};

impl Shapes {
    /// Calls `each` for every scalar that is asked for in a line of a known shape, with the number of its name and
    /// how many of the dots were written. `false` when the line has none; `each` may have seen its beginning.
    pub fn read(&mut self, line: &[u8], each: &mut impl FnMut(u32, u32, Atom<'_>)) -> bool {
        if line.len() > MAX_LINE_BYTES {
            return false;
        }
        let Ok(text) = std::str::from_utf8(line) else { return false };
        let mut reading = Reading { text, line, each, skips: true, is_lost: false };
        let (mut at, mut place) = (0, 0);
        loop {
            let Some((branch, next, is_end)) = self.step(at, place, &mut reading) else {
                return false;
            };
            if is_end {
                self.credit = (self.credit + 1).min(CREDIT);
                if self.stretches.count(branch) {
                    self.look(text);
                }
                return true;
            }
            (at, place) = (branch, next);
        }
    }

    /// The branch behind `at`, or behind those that follow it, that the line goes on with at `place`, where it goes
    /// on behind the value of that, and whether that is its end.
    #[inline(always)]
    fn step(
        &mut self,
        at: u32,
        place: usize,
        reading: &mut Reading<'_, impl FnMut(u32, u32, Atom<'_>)>,
    ) -> Option<(u32, usize, bool)> {
        let recent = self.tree.get(at as usize)?.recent;
        self.follow(recent, place, reading).or_else(|| self.step_aside(at, place, reading))
    }

    /// The same with another branch than the one that was right last.
    #[inline(never)]
    fn step_aside(
        &mut self,
        at: u32,
        place: usize,
        reading: &mut Reading<'_, impl FnMut(u32, u32, Atom<'_>)>,
    ) -> Option<(u32, usize, bool)> {
        let Branch { recent, first, .. } = *self.tree.get(at as usize)?;
        let mut other = first;
        while other != NONE && !reading.is_lost {
            if other != recent
                && let Some(next) = self.follow(other, place, reading)
            {
                self.tree.get_mut(at as usize)?.recent = other;
                return Some(next);
            }
            other = self.tree.get(other as usize)?.beside;
        }
        None
    }

    #[inline(always)]
    fn follow(
        &self,
        mut at: u32,
        place: usize,
        reading: &mut Reading<'_, impl FnMut(u32, u32, Atom<'_>)>,
    ) -> Option<(u32, usize, bool)> {
        let mut branch = self.tree.get(at as usize)?;
        let segment = self.text.get(branch.start as usize..branch.end as usize)?;
        behind(reading.line.get(place..)?, segment)?;
        let mut place = place + segment.len();
        let mut has_skipped = false;
        if reading.skips
            && let stretch = branch.stretch
            && let rest = reading.line.get(place..)?
            && let Some((length, to)) = self.stretches.find(stretch, rest)
            && let other = self.tree.get(to as usize)?
            && other.behind.may_begin(rest.get(length..)?)
        {
            self.stretches.tell(stretch, reading.each);
            (at, branch, place) = (to, other, place + length);
            has_skipped = true;
        }
        let next = match branch.behind {
            Behind::End => (place == reading.line.len()).then_some((at, place, true)),
            behind => reading.value(place, behind).map(|end| (at, end, false)),
        };
        // The values of the stretch have been told.
        reading.is_lost |= has_skipped && next.is_none();
        next
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
                self.tree.get_mut(at as usize)?.recent = other;
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

#[cfg(test)]
mod tests;
