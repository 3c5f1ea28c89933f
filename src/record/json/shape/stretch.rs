//! [`Stretches`]: what stays the same from line to line.
//!
//! Most values of a line say what the lines before it said: which program writes, what the machine is, bits that are
//! nearly always zero. A *stretch* is the text of such values and of the segments between them, as it stood in a
//! line that was read. Where a line goes on with the same text all of it has been read with one comparison, and the
//! values that are asked for are those of that line.
//!
//! Which values stay the same is found out from the first lines of a shape, and looked at again now and then. That
//! they do is a guess that costs time alone when it is wrong: the text is compared whole.

use std::hash::BuildHasher as _;

use super::learn::NOBODY;
use super::reading::Reading;
use super::{Atom, Behind, NONE, Shapes};

/// So many lines of each shape are looked at first, and then one of so many.
const FIRST: u32 = 32;
const SELDOM: u32 = 256;
/// So often a value must have been the same, less what is taken away when it is not.
const ENOUGH: u32 = 12;
/// More often is not counted, so that a change is soon noticed.
const MOST: u32 = 24;
/// Longest stretch, in bytes: where a line differs from what it usually is, each of its values may be compared with
/// all that nearly always follows.
const MAX_LENGTH: usize = 2048;
/// Most stretches, and most bytes of their texts and values.
const MAX_STRETCHES: usize = 1 << 14;
const MAX_BYTES: usize = 1 << 20;

/// What is known of the values behind a segment.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Hash of what is nearly always there: the value and the branch behind it.
    hash: u64,
    /// How often it was, see [`ENOUGH`].
    score: u32,
    /// How many lines ended here.
    lines: u32,
}

/// A value of a line that is looked at.
#[derive(Debug, Clone, Copy)]
struct Met {
    /// The branch it stands behind.
    branch: u32,
    start: usize,
    end: usize,
    /// It is nearly always the same, and so is the segment behind it.
    is_steady: bool,
    /// And they are in this line.
    is_usual: bool,
}

/// From a value up to another.
#[derive(Debug)]
struct Stretch {
    /// Its text.
    start: u32,
    end: u32,
    /// The branch that the other value stands behind.
    to: u32,
    /// The values that are asked for.
    told: (u32, u32),
}

/// A value that is asked for.
#[derive(Debug, Clone, Copy)]
struct Told {
    name: u32,
    dots: u32,
    value: Word,
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Where the text stands among all words.
    Text(u32, u32),
}

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// By the number of a branch.
    seen: Vec<Seen>,
    list: Vec<Stretch>,
    text: Vec<u8>,
    told: Vec<Told>,
    words: String,
    hasher: foldhash::fast::RandomState,
    /// Memory for the line that is looked at.
    met: Vec<Met>,
}

impl Stretches {
    /// Counts a line that ended behind a branch; tells whether its values should be looked at.
    #[inline]
    pub(super) fn count(&mut self, branch: u32) -> bool {
        let Some(seen) = self.seen.get_mut(branch as usize) else { return true };
        seen.lines = seen.lines.wrapping_add(1);
        seen.lines <= FIRST || seen.lines.is_multiple_of(SELDOM)
    }

    /// Finds a stretch that the text begins with; gives its length and the branch that it ends behind.
    #[inline]
    pub(super) fn find(&self, stretch: u32, rest: &[u8]) -> Option<(usize, u32)> {
        let Stretch { start, end, to, .. } = self.list.get(stretch as usize)?;
        let text = self.text.get(*start as usize..*end as usize)?;
        (rest.get(..text.len())? == text).then_some((text.len(), *to))
    }

    /// Calls `each` for every value in a stretch that is asked for.
    #[inline]
    pub(super) fn tell(&self, stretch: u32, each: &mut impl FnMut(u32, u32, Atom<'_>)) {
        let (first, last) = self.list.get(stretch as usize).map_or((0, 0), |found| found.told);
        for told in self.told.get(first as usize..last as usize).unwrap_or_default() {
            let value = match told.value {
                Word::Bool(b) => Atom::Bool(b),
                Word::Int(i) => Atom::Int(i),
                Word::Float(x) => Atom::Float(x),
                Word::Text(start, end) => {
                    Atom::Text(self.words.get(start as usize..end as usize).unwrap_or_default())
                }
            };
            each(told.name, told.dots, value);
        }
    }

    /// Notes what a line had behind a branch, and with which branch it went on.
    fn see(&mut self, met: &mut Met, value: &[u8], next: u32) {
        let branch = met.branch as usize;
        if self.seen.len() <= branch {
            self.seen.resize(branch + 1, Seen::default());
        }
        let hash = self.hasher.hash_one((value, next));
        let Some(seen) = self.seen.get_mut(branch) else { return };
        met.is_usual = seen.hash == hash;
        if met.is_usual {
            seen.score = (seen.score + 1).min(MOST);
        } else {
            seen.score /= 2;
            if seen.score < ENOUGH / 2 {
                seen.hash = hash;
            }
        }
        // The end of a line is no value.
        met.is_steady = next != NONE && seen.score >= ENOUGH;
    }

    fn is_full(&self) -> bool {
        self.list.len() >= MAX_STRETCHES
            || self.text.len() >= MAX_BYTES
            || self.words.len() >= MAX_BYTES
            || self.told.len() >= MAX_STRETCHES
    }

    /// Keeps a value that is asked for.
    fn note(&mut self, name: u32, dots: u32, value: Atom<'_>) {
        let value = match value {
            Atom::Bool(b) => Word::Bool(b),
            Atom::Int(i) => Word::Int(i),
            Atom::Float(x) => Word::Float(x),
            Atom::Text(text) => {
                let start = self.words.len();
                self.words.push_str(text);
                Word::Text(number(start), number(self.words.len()))
            }
        };
        self.told.push(Told { name, dots, value });
    }
}

impl Shapes {
    /// Looks at the values of a line that has been read, and makes stretches of those that stay the same.
    #[cold]
    pub(super) fn look(&mut self, text: &str) {
        let mut met = std::mem::take(&mut self.stretches.met);
        met.clear();
        let line = text.as_bytes();
        if self.meet(text, &mut met).is_some() {
            let mut next = NONE;
            for met in met.iter_mut().rev() {
                let value = line.get(met.start..met.end).unwrap_or_default();
                self.stretches.see(met, value, next);
                next = met.branch;
            }
            let mut rest = met.as_slice();
            while let Some(first) = rest.first() {
                let is_short = |met: &&Met| met.end - first.start <= MAX_LENGTH;
                let steady = rest.iter().take_while(is_short).take_while(|met| met.is_steady);
                let steady = steady.count();
                match rest.get(..=steady) {
                    Some(run) if steady > 0 => self.keep(run, text),
                    // There is none from a value that does not stay the same.
                    _ => self.set_stretch(first, NONE),
                }
                rest = rest.get(steady.max(1)..).unwrap_or_default();
            }
        }
        self.stretches.met = met;
    }

    /// Finds the values of a line one by one, and its end.
    fn meet(&mut self, text: &str, met: &mut Vec<Met>) -> Option<()> {
        let line = text.as_bytes();
        let mut reading =
            Reading { text, line, each: &mut { NOBODY }, skips: false, is_lost: false };
        let (mut at, mut place) = (0, 0);
        loop {
            let (branch, next, is_end) = self.step(at, place, &mut reading)?;
            let segment = self.tree.get(branch as usize).map(|branch| branch.end - branch.start)?;
            let start = place + segment as usize;
            met.push(Met { branch, start, end: next, is_steady: false, is_usual: false });
            if is_end {
                return Some(());
            }
            (at, place) = (branch, next);
        }
    }

    /// Keeps the stretches from each of the values to the last of them, which is none of theirs.
    fn keep(&mut self, run: &[Met], text: &str) {
        let Some((to, run)) = run.split_last() else { return };
        let Some(first) = run.first() else { return };
        let line = text.as_bytes();
        let whole = line.get(first.start..to.start).unwrap_or_default();
        // Where one is not what it usually is, another line will show it.
        let is_usual = run.iter().all(|met| met.is_usual);
        if !is_usual || whole.len() > 2 * MAX_LENGTH || self.is_kept(first, to, whole) {
            return;
        }
        if self.stretches.is_full() {
            self.forget_stretches();
        }
        let base = self.stretches.text.len();
        self.stretches.text.extend_from_slice(whole);
        let end = number(self.stretches.text.len());
        let new = self.stretches.list.len();
        for (met, stretch) in run.iter().zip(number(new)..) {
            let start = number(base + (met.start - first.start));
            let told = number(self.stretches.told.len());
            self.stretches.list.push(Stretch { start, end, to: to.branch, told: (told, told) });
            self.set_stretch(met, stretch);
            let behind = self.tree.get(met.branch as usize).map_or(Behind::End, |from| from.behind);
            let each = &mut |name, dots, value: Atom<'_>| self.stretches.note(name, dots, value);
            let mut reading = Reading { text, line, each, skips: false, is_lost: false };
            // It has been read before, so there is a value.
            let _ = reading.value(met.start, behind);
        }
        let last = number(self.stretches.told.len());
        self.stretches.list.iter_mut().skip(new).for_each(|stretch| stretch.told.1 = last);
    }

    /// Whether the stretch from one value to another is known.
    fn is_kept(&self, first: &Met, to: &Met, text: &[u8]) -> bool {
        let branch = self.tree.get(first.branch as usize);
        branch.and_then(|branch| self.stretches.list.get(branch.stretch as usize)).is_some_and(
            |known| {
                let range = known.start as usize..known.end as usize;
                known.to == to.branch && self.stretches.text.get(range) == Some(text)
            },
        )
    }

    fn set_stretch(&mut self, met: &Met, stretch: u32) {
        if let Some(branch) = self.tree.get_mut(met.branch as usize) {
            branch.stretch = stretch;
        }
    }

    /// Begins again.
    fn forget_stretches(&mut self) {
        let Stretches { list, text, told, words, .. } = &mut self.stretches;
        list.clear();
        text.clear();
        told.clear();
        words.clear();
        self.tree.iter_mut().for_each(|branch| branch.stretch = NONE);
    }
}

/// A place in memory that is bounded.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(NONE)
}

#[cfg(test)]
mod tests;
