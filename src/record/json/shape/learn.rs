//! Cuts a line into segments and values.
//!
//! In: a line that was read the long way, so that all of it is JSON. Out: its segments, each with what becomes of
//! the value behind it. What it finds depends on the text alone, so that equal lines give equal segments.

use super::super::{Asked, Atom, Hit, MAX_DEPTH, Names, Step, Walk};
use super::reading::{Reading, blank, string};
use super::{Behind, Place};

/// A line being cut into segments. It has been read before, so that all of it is JSON.
pub(super) struct Learning<'l> {
    names: &'l Names,
    text: &'l str,
    line: &'l [u8],
    place: usize,
    /// Where the segment began.
    start: usize,
}

/// Nobody wants a value.
pub(super) type Nobody = fn(u32, u32, Atom<'_>);
pub(super) const NOBODY: Nobody = |_, _, _| {};

/// A list or object that is open.
struct Open {
    is_object: bool,
    /// What is asked for in it: where among the names it is, and how many dots were written.
    read: Option<(u32, u32)>,
}

impl<'l> Learning<'l> {
    pub(super) fn new(names: &'l Names, text: &'l str) -> Self {
        Self { names, text, line: text.as_bytes(), place: 0, start: 0 }
    }

    /// Calls `add` for every segment; ends early when it says so, or where the line is none that can be known again.
    pub(super) fn line(&mut self, add: &mut impl FnMut(&[u8], Behind) -> Option<()>) -> Option<()> {
        let mut open: Vec<Open> = Vec::new();
        let mut hit = Hit::Unknown;
        // What is asked for of the value that comes next.
        let mut read = Some((0, 0));
        loop {
            self.blank();
            let to = read.map_or(Place::Nowhere, |(name, dots)| Place::Name(name, dots));
            match self.line.get(self.place)? {
                b'{' => {
                    open.push(Open { is_object: true, read });
                    self.place += 1;
                }
                b'[' => match self.list() {
                    Some(end) => {
                        self.place += 1;
                        self.cut(end, Behind::List(to), add)?;
                    }
                    None => {
                        open.push(Open { is_object: false, read });
                        self.place += 1;
                    }
                },
                _ => {
                    let end = self.scalar()?;
                    self.cut(end, Behind::Scalar(to), add)?;
                }
            }
            if open.len() > MAX_DEPTH {
                return None;
            }
            // Up to the next value.
            loop {
                let Some(inner) = open.last() else {
                    self.place = self.line.len();
                    return self.cut(self.place, Behind::End, add);
                };
                self.blank();
                match self.line.get(self.place)? {
                    b'}' | b']' => {
                        self.place += 1;
                        open.pop();
                        continue;
                    }
                    b',' => self.place += 1,
                    _ => {}
                }
                read = inner.read;
                if !inner.is_object {
                    break;
                }
                self.blank();
                let (length, escapes) = string(self.line.get(self.place..)?)?;
                if escapes {
                    return None;
                }
                let key = self.text.get(self.place + 1..self.place + length - 1)?;
                self.place += length;
                self.blank();
                // The colon.
                self.place += 1;
                let names = self.names;
                read = read.and_then(|(at, dots)| {
                    let asked = &mut Asked { names, at, each: &mut { NOBODY } };
                    let mut walk = Walk { trail: asked, dots, depth: 0, left_out: 0, hit };
                    let step = walk.enter(key, open.len() == 1);
                    hit = walk.hit;
                    (step == Step::Read).then_some((walk.trail.at, walk.dots))
                });
                break;
            }
        }
    }

    /// Ends a segment here, in front of a value that goes up to `end`.
    fn cut(
        &mut self,
        end: usize,
        behind: Behind,
        add: &mut impl FnMut(&[u8], Behind) -> Option<()>,
    ) -> Option<()> {
        add(self.line.get(self.start..self.place)?, behind)?;
        self.place = end;
        self.start = end;
        Some(())
    }

    fn blank(&mut self) {
        self.place = blank(self.line, self.place);
    }

    /// Where the scalar at hand ends; `None` when it is none.
    fn scalar(&self) -> Option<usize> {
        self.look(|reading| reading.scalar(self.place, Place::Nowhere))
    }

    /// Where the list at hand ends, when there are scalars in it alone.
    fn list(&self) -> Option<usize> {
        self.look(|reading| reading.list(self.place + 1, Place::Nowhere))
    }

    /// Reads some of the line for nobody.
    fn look<T>(&self, read: impl FnOnce(&mut Reading<'_, Nobody>) -> T) -> T {
        let each = &mut { NOBODY };
        let mut reading =
            Reading { text: self.text, line: self.line, each, skips: false, is_lost: false };
        read(&mut reading)
    }
}
