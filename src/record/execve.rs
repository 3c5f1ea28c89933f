//! The arguments of an execution, put together from its EXECVE records.
//!
//! In: the bodies of the EXECVE records of one event in order. Out: the decoded [`Arguments`]. The
//! numbers in a record are the attacker's: nothing is allocated from them and nothing indexed by them.

use std::ops::Range;

use crate::record::RecordType;
use crate::record::decode::decode_into;
use crate::record::field::{Field, fields};

/// The argument list of one execution; reusable.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
    count: Option<u64>,
    next: u64,
    long: Option<Long>,
    damaged: bool,
}

/// An argument that comes in pieces: `a1_len=8 a1[0]=4142 a1[1]=4344`.
#[derive(Debug, Clone)]
struct Long {
    index: u64,
    /// Announced and received length in logged characters.
    announced: u64,
    received: u64,
    next_piece: u64,
}

impl Arguments {
    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ranges.clear();
        self.count = None;
        self.next = 0;
        self.long = None;
        self.damaged = false;
    }

    /// Adds the body of the next EXECVE record.
    pub fn push(&mut self, body: &[u8]) {
        for field in fields(body) {
            if field.key == b"argc" {
                self.count = self.count.or_else(|| field.value.bytes().and_then(number));
                continue;
            }
            match field.key.strip_prefix(b"a").and_then(place) {
                Some(Place::Whole(index)) => self.whole(index, field),
                Some(Place::Length(index)) => self.begin_long(index, field),
                Some(Place::Piece(index, piece)) => self.piece(index, piece, field),
                None => {}
            }
        }
    }

    /// `argc`: how many arguments there were, also when not all of them were logged.
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// The arguments that were logged, decoded, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().map(|range| self.bytes.get(range.clone()).unwrap_or_default())
    }

    /// How many arguments were logged.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether none was logged.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether arguments or parts of them are missing.
    pub fn is_truncated(&self) -> bool {
        let short = match self.count {
            Some(count) => self.next < count,
            None => !self.is_empty(),
        };
        short || self.damaged || self.long.as_ref().is_some_and(Long::is_short)
    }

    fn whole(&mut self, index: u64, field: Field<'_>) {
        if !self.begin(index) {
            return;
        }
        self.append(field);
    }

    /// Starts argument `index`. `false` for one that was there before, or behind one that is lost:
    /// the list ends where it is no longer known.
    fn begin(&mut self, index: u64) -> bool {
        let known_end = self.count.unwrap_or(u64::MAX);
        if index != self.next || index >= known_end {
            self.damaged |= index >= self.next;
            return false;
        }
        self.damaged |= self.long.take().is_some_and(|long| long.is_short());
        self.next = index + 1;
        self.ranges.push(self.bytes.len()..self.bytes.len());
        true
    }

    fn begin_long(&mut self, index: u64, field: Field<'_>) {
        let announced = field.value.bytes().and_then(number).unwrap_or(u64::MAX);
        if self.begin(index) {
            self.long = Some(Long { index, announced, received: 0, next_piece: 0 });
        }
    }

    fn piece(&mut self, index: u64, piece: u64, field: Field<'_>) {
        let follows = self.long.as_ref().is_some_and(|long| long.index == index);
        if !follows {
            // The record that announced this argument is lost.
            if piece == 0 || !self.begin(index) {
                self.damaged = true;
                return;
            }
            self.damaged = true;
            let long = Long { index, announced: u64::MAX, received: 0, next_piece: piece };
            self.long = Some(long);
        }
        let length = field.value.bytes().map_or(0, <[u8]>::len) as u64;
        if let Some(long) = &mut self.long {
            if piece < long.next_piece {
                return;
            }
            self.damaged |= piece > long.next_piece;
            long.next_piece = piece.saturating_add(1);
            long.received = long.received.saturating_add(length);
        }
        self.append(field);
    }

    /// Adds the decoded value to the last argument.
    fn append(&mut self, field: Field<'_>) {
        decode_into(b"a0", RecordType::EXECVE, field.value, &mut self.bytes);
        if let Some(range) = self.ranges.last_mut() {
            range.end = self.bytes.len();
        }
    }
}

impl Long {
    fn is_short(&self) -> bool {
        self.received < self.announced
    }
}

/// What a key behind its `a` names.
enum Place {
    /// `3`
    Whole(u64),
    /// `3_len`
    Length(u64),
    /// `3[0]`
    Piece(u64, u64),
}

fn place(text: &[u8]) -> Option<Place> {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (index, rest) = text.split_at_checked(end)?;
    let index = number(index)?;
    if rest.is_empty() {
        return Some(Place::Whole(index));
    }
    if rest == b"_len" {
        return Some(Place::Length(index));
    }
    let piece = rest.strip_prefix(b"[")?.strip_suffix(b"]")?;
    Some(Place::Piece(index, number(piece)?))
}

/// A decimal number of at most ten digits.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 10 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|d| *d < 10)?;
        Some(sum * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bodies: &[&str]) -> (Vec<String>, Option<u64>, bool) {
        let mut args = Arguments::default();
        for body in bodies {
            args.push(body.as_bytes());
        }
        let texts = args.iter().map(|a| String::from_utf8(a.to_vec()).unwrap()).collect();
        (texts, args.count(), args.is_truncated())
    }

    #[test]
    fn continues_over_records() {
        let (args, count, truncated) =
            read(&["argc=4 a0=\"x\" a1_len=8 a1[0]=4142", " a1[1]=4344 a2=6109 a3=\"k=v\""]);
        assert_eq!(args, ["x", "ABCD", "a\t", "k=v"]);
        assert_eq!((count, truncated), (Some(4), false));
    }

    #[test]
    fn a_lost_record_is_noticed() {
        assert!(read(&["argc=3 a0=\"x\""]).2, "the last arguments");
        assert!(read(&[" a2=\"y\""]).2, "the first record");
        assert!(read(&["argc=1 a0_len=8 a0[0]=4142"]).2, "the last piece");
        let (args, _, truncated) = read(&["argc=4 a0=\"x\"", " a3=\"y\""]);
        assert_eq!((args.join(" "), truncated), ("x".to_owned(), true), "one in the middle");
        let (args, _, truncated) = read(&["argc=2 a0_len=12 a0[0]=4142", " a0[2]=4546 a1=\"z\""]);
        assert_eq!((args.join(" "), truncated), ("ABEF z".to_owned(), true), "a middle piece");
    }

    #[test]
    fn numbers_of_the_attacker_allocate_nothing() {
        let (args, count, truncated) = read(&["argc=4294967295 a0=\"x\" a4000000000=\"y\""]);
        assert_eq!((args.join(" "), truncated), ("x".to_owned(), true));
        assert_eq!(count, Some(4_294_967_295));
        let (args, _, truncated) = read(&["argc=1 a0=\"x\" a9999999=\"y\" a99999999999999=\"z\""]);
        assert_eq!((args.join(" "), truncated), ("x".to_owned(), true));
    }

    #[test]
    fn the_first_of_two_wins() {
        let (args, _, truncated) = read(&["argc=2 a0=\"x\" a0=\"y\" a1=\"z\""]);
        assert_eq!((args.join(" "), truncated), ("x z".to_owned(), false));
    }
}
