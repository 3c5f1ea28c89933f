//! Join keys as bytes: equal bytes, equal key.
//!
//! In: an event and the key columns of one item. Out: each key the event has for that item, in the
//! order of the values, encoded into a reused buffer. A key is the tuple of its values by value and
//! kind: `1` and `"1"` differ, `1` and `1.0` do not.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use hashbrown::{HashMap, HashTable};

use crate::event::Event;
use crate::plan::KeyColumn;
use crate::state::part_of;
use crate::time::Timestamp;
use crate::value::{Scalar, Value};

/// Most keys one event may have for one item. Array-valued keys multiply, so hostile data could ask
/// for any number; what is left out is counted.
const MAX_KEYS: usize = 1024;
/// Up to so many values of a column are compared one by one.
const FEW: usize = 16;

/// A join key of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    /// What it is, encoded.
    pub(crate) bytes: &'a [u8],
    /// Another number for each key of each event, so that who has looked it up need not do so again; 0
    /// where nobody will ask again.
    pub(crate) number: u64,
}

impl<'a> Key<'a> {
    /// A key that belongs to no event.
    pub(crate) fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, number: 0 }
    }
}

/// A list of columns, as a [`KeyScratch`] knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    number: u32,
    count: u32,
}

impl Columns {
    /// How many columns they are.
    pub(crate) fn count(self) -> usize {
        self.count as usize
    }
}

/// The keys of one event, by the columns they were found for, so that the next item with the same columns finds
/// them done. Keeps its memory.
#[derive(Debug)]
pub(crate) struct KeyScratch {
    sets: Vec<Keys>,
    numbers: HashMap<Vec<KeyColumn>, Columns>,
    /// The number of the event at hand.
    event: u64,
    /// The set that was asked for last.
    at: usize,
    /// How many keys have been found so far, over all events.
    found: u64,
    /// Only keys of this part of so many are wanted.
    pub(crate) part: Option<(u32, u32)>,
    /// Keys left out because of [`MAX_KEYS`].
    pub(crate) dropped: u64,
}

impl Default for KeyScratch {
    fn default() -> Self {
        Self {
            sets: Vec::new(),
            numbers: HashMap::new(),
            event: 1,
            at: 0,
            found: 0,
            part: None,
            dropped: 0,
        }
    }
}

/// The keys of an event for some columns.
#[derive(Debug, Default)]
struct Keys {
    /// The encoded keys, one after another.
    bytes: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
    /// The number of the first key.
    first: u64,
    /// Encoded values of all columns, and where each value ends; a column's values follow one another.
    parts: Vec<u8>,
    part_ends: Vec<usize>,
    columns: Vec<std::ops::Range<usize>>,
    /// Values of the column at hand, for columns of many values.
    distinct: HashTable<usize>,
    seeds: RandomState,
    /// What the keys are found for.
    of: Vec<KeyColumn>,
    /// The number of the event they were found in last, and for which part.
    event: u64,
    part: Option<(u32, u32)>,
    /// The event lacks a mandatory column.
    lacking: bool,
    /// Keys left out because of [`MAX_KEYS`].
    dropped: u64,
}

impl KeyScratch {
    /// A list of columns, to ask for its keys by.
    pub(crate) fn columns(&mut self, columns: &[KeyColumn]) -> Columns {
        if let Some(known) = self.numbers.get(columns) {
            return *known;
        }
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        self.sets.push(Keys { of: columns.to_vec(), ..Keys::default() });
        self.numbers.insert(columns.to_vec(), Columns { number, count });
        Columns { number, count }
    }

    /// Another event comes.
    pub(crate) fn next_event(&mut self) {
        self.event += 1;
    }

    /// Finds the keys of `event`; afterwards [`KeyScratch::len`] says how many there are. An event that
    /// lacks a mandatory column has none. Without columns there is one, empty, key.
    ///
    /// Between two events that are not the same, [`KeyScratch::next_event`] must be called.
    #[inline]
    pub(crate) fn fill(&mut self, event: &Event, columns: Columns) {
        self.at = columns.number as usize;
        let Some(set) = self.sets.get_mut(self.at) else { return };
        if set.event == self.event && set.part == self.part {
            return;
        }
        set.event = self.event;
        set.part = self.part;
        set.dropped = 0;
        set.fill(event);
        set.first = self.found + 1;
        self.found += set.ends.len() as u64;
        self.dropped += set.dropped;
    }

    /// Whether the event lacks a mandatory column.
    pub(crate) fn is_lacking(&self) -> bool {
        self.sets.get(self.at).is_some_and(|set| set.lacking)
    }

    /// Number of keys found.
    pub(crate) fn len(&self) -> usize {
        self.sets.get(self.at).map_or(0, |set| set.ends.len())
    }

    /// Key number `index`.
    pub(crate) fn get(&self, index: usize) -> Key<'_> {
        self.sets.get(self.at).map_or(Key::plain(&[]), |set| Key {
            bytes: set.get(index),
            number: set.first + index as u64,
        })
    }
}

impl Keys {
    fn fill(&mut self, event: &Event) {
        self.lacking = false;
        self.bytes.clear();
        self.ends.clear();
        if self.of.is_empty() {
            self.end_key();
            return;
        }
        self.parts.clear();
        self.part_ends.clear();
        self.columns.clear();
        let mut combinations: usize = 1;
        for at in 0..self.of.len() {
            let Some(column) = self.of.get(at).copied() else { break };
            let first = self.part_ends.len();
            self.distinct.clear();
            let mut values = event.values(column.field);
            for value in values.by_ref() {
                let start = self.parts.len();
                encode(Some(value), &mut self.parts);
                if self.is_repeated(first, start) {
                    self.parts.truncate(start);
                    continue;
                }
                self.part_ends.push(self.parts.len());
                if self.part_ends.len() - first >= MAX_KEYS {
                    break;
                }
            }
            self.dropped += values.count() as u64;
            if self.part_ends.len() == first {
                if !column.optional {
                    self.lacking = true;
                    return;
                }
                encode(None, &mut self.parts);
                self.part_ends.push(self.parts.len());
            }
            combinations = combinations.saturating_mul(self.part_ends.len() - first);
            self.columns.push(first..self.part_ends.len());
        }
        self.dropped += combinations.saturating_sub(MAX_KEYS) as u64;
        for number in 0..combinations.min(MAX_KEYS) {
            self.combine(number, combinations);
        }
    }

    /// Whether the value that starts at `start` already stands among the parts from `first` on.
    fn is_repeated(&mut self, first: usize, start: usize) -> bool {
        let known = self.part_ends.len();
        if known - first < FEW {
            let new = self.parts.get(start..).unwrap_or_default();
            return (first..known).any(|index| self.part(index) == new);
        }
        let mut distinct = std::mem::take(&mut self.distinct);
        let hash = |index: &usize| self.seeds.hash_one(self.part(*index));
        if distinct.is_empty() {
            (first..known).for_each(|index| {
                distinct.insert_unique(hash(&index), index, hash);
            });
        }
        let new = self.parts.get(start..).unwrap_or_default();
        let of_new = self.seeds.hash_one(new);
        let repeated = distinct.find(of_new, |index| self.part(*index) == new).is_some();
        if !repeated {
            // Its end is not noted yet: the caller does that at once.
            distinct.insert_unique(of_new, known, |index| {
                if *index == known { of_new } else { hash(index) }
            });
        }
        self.distinct = distinct;
        repeated
    }

    fn part(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|i| self.part_ends.get(i)).copied().unwrap_or(0);
        let end = self.part_ends.get(index).copied().unwrap_or(start);
        self.parts.get(start..end).unwrap_or_default()
    }

    /// Appends combination `number`, the last column varying fastest.
    fn combine(&mut self, mut number: usize, mut combinations: usize) {
        for column in 0..self.columns.len() {
            let Some(range) = self.columns.get(column).cloned() else { break };
            combinations /= range.len().max(1);
            let index = range.start + number / combinations.max(1);
            number %= combinations.max(1);
            let start = index.checked_sub(1).and_then(|i| self.part_ends.get(i)).copied();
            let start = start.unwrap_or(0);
            let end = self.part_ends.get(index).copied().unwrap_or(start);
            if let Some(part) = self.parts.get(start..end) {
                self.bytes.extend_from_slice(part);
            }
        }
        self.end_key();
    }

    /// Keeps the key that has been appended, unless another part has it.
    fn end_key(&mut self) {
        let start = self.ends.last().copied().unwrap_or(0);
        let key = self.bytes.get(start..).unwrap_or_default();
        match self.part {
            Some((part, of)) if part_of(key, of) != part => self.bytes.truncate(start),
            _ => self.ends.push(self.bytes.len()),
        }
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// The first number beyond `i64`.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Appends one value: a tag, then its bytes; text is preceded by its length.
fn encode(value: Option<Scalar<'_>>, out: &mut Vec<u8>) {
    match value {
        None => out.push(0),
        Some(Scalar::Bool(b)) => out.extend_from_slice(&[1, u8::from(b)]),
        Some(Scalar::Int(i)) => {
            out.push(2);
            out.extend_from_slice(&i.to_be_bytes());
        }
        Some(Scalar::Float(f)) => {
            // Whole numbers are the same key whichever way they were written.
            if f.trunc() == f && (-TWO_TO_63..TWO_TO_63).contains(&f) {
                #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
                return encode(Some(Scalar::Int(f as i64)), out);
            }
            out.push(3);
            out.extend_from_slice(&f.to_bits().to_be_bytes());
        }
        Some(Scalar::Str(s)) => {
            out.push(4);
            out.extend_from_slice(&u32::try_from(s.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(s.as_bytes());
        }
        Some(Scalar::Ip(std::net::IpAddr::V4(ip))) => {
            out.push(5);
            out.extend_from_slice(&ip.octets());
        }
        Some(Scalar::Ip(std::net::IpAddr::V6(ip))) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
        Some(Scalar::Time(t)) => {
            out.push(7);
            out.extend_from_slice(&t.0.to_be_bytes());
        }
    }
}

/// The values of an encoded key.
pub(crate) fn decode(mut key: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some((tag, rest)) = key.split_first() {
        let Some((value, rest)) = decode_one(*tag, rest) else { break };
        values.push(value);
        key = rest;
    }
    values
}

/// Whether bytes are a key of so many columns, spelled as keys are.
pub(crate) fn is_key(key: &[u8], columns: usize) -> bool {
    let values = decode(key);
    values.len() == columns && encoded(&values) == key
}

/// The key of these values; the opposite of [`decode`].
pub(crate) fn encoded(values: &[Value]) -> Vec<u8> {
    let mut key = Vec::new();
    values.iter().for_each(|value| encode(value.scalar(), &mut key));
    key
}

/// The first column of an encoded key, if it is text, and the rest.
pub(crate) fn first_text(key: &[u8]) -> (&[u8], &[u8]) {
    let length = key.strip_prefix(&[4]).and_then(|behind| behind.split_first_chunk());
    let length = length.and_then(|(length, _)| usize::try_from(u32::from_be_bytes(*length)).ok());
    let end = length.and_then(|length| length.checked_add(5));
    end.and_then(|end| key.split_at_checked(end)).unwrap_or((&[], key))
}

/// The columns of an encoded key, each encoded.
pub(crate) fn columns(key: &[u8]) -> Vec<&[u8]> {
    let mut columns = Vec::new();
    let mut left = key;
    while let Some((tag, rest)) = left.split_first() {
        let Some((_, rest)) = decode_one(*tag, rest) else { break };
        columns.push(left.get(..left.len() - rest.len()).unwrap_or_default());
        left = rest;
    }
    columns
}

/// Whether one of the keys of `event` has this value, encoded, in a column.
pub(crate) fn has(event: &Event, column: &KeyColumn, value: &[u8]) -> bool {
    let mut encoded = Vec::with_capacity(value.len());
    let mut same = |scalar| {
        encoded.clear();
        encode(scalar, &mut encoded);
        encoded == value
    };
    let mut values = event.values(column.field).peekable();
    if values.peek().is_none() {
        return column.optional && same(None);
    }
    values.any(|scalar| same(Some(scalar)))
}

fn decode_one(tag: u8, bytes: &[u8]) -> Option<(Value, &[u8])> {
    Some(match tag {
        0 => (Value::Null, bytes),
        1 => {
            let (b, rest) = bytes.split_first()?;
            (Value::Bool(*b == 1), rest)
        }
        2 => {
            let (b, rest) = bytes.split_first_chunk()?;
            (Value::Int(i64::from_be_bytes(*b)), rest)
        }
        3 => {
            let (b, rest) = bytes.split_first_chunk()?;
            (Value::Float(f64::from_bits(u64::from_be_bytes(*b))), rest)
        }
        4 => {
            let (b, rest) = bytes.split_first_chunk()?;
            let length = usize::try_from(u32::from_be_bytes(*b)).ok()?;
            let (text, rest) = rest.split_at_checked(length)?;
            (Value::Str(String::from_utf8_lossy(text).into()), rest)
        }
        5 => {
            let (b, rest) = bytes.split_first_chunk::<4>()?;
            (Value::Ip((*b).into()), rest)
        }
        6 => {
            let (b, rest) = bytes.split_first_chunk::<16>()?;
            (Value::Ip((*b).into()), rest)
        }
        7 => {
            let (b, rest) = bytes.split_first_chunk()?;
            (Value::Time(Timestamp(i64::from_be_bytes(*b))), rest)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Slot;
    use crate::schema::FieldId;

    fn column(field: u16, optional: bool) -> KeyColumn {
        KeyColumn { field: FieldId(field), optional }
    }

    fn keys(event: &Event, columns: &[KeyColumn]) -> Vec<String> {
        let mut scratch = KeyScratch::default();
        let columns = scratch.columns(columns);
        scratch.fill(event, columns);
        (0..scratch.len())
            .map(|i| {
                let values: Vec<_> =
                    decode(scratch.get(i).bytes).iter().map(ToString::to_string).collect();
                values.join(",")
            })
            .collect()
    }

    #[test]
    fn arrays_give_every_combination_once_and_in_order() {
        let mut event = Event::new(2);
        event.set(FieldId(0), Slot::Static("a"));
        event.set_list(FieldId(1), [Slot::Static("b"), Slot::Static("c"), Slot::Static("b")]);
        assert_eq!(keys(&event, &[column(0, false), column(1, false)]), ["a,b", "a,c"]);
        assert_eq!(
            keys(&event, &[column(1, false), column(1, false)]),
            ["b,b", "b,c", "c,b", "c,c"]
        );
    }

    #[test]
    fn a_missing_column_is_a_key_only_when_optional() {
        let mut event = Event::new(2);
        event.set(FieldId(0), Slot::Int(7));
        assert!(keys(&event, &[column(0, false), column(1, false)]).is_empty());
        assert_eq!(keys(&event, &[column(0, false), column(1, true)]), ["7,null"]);
        assert_eq!(keys(&event, &[]), [""], "no columns: one machine for all events");
    }

    #[test]
    fn kinds_differ_but_whole_floats_are_numbers() {
        let mut event = Event::new(5);
        event.set(FieldId(0), Slot::Int(1));
        event.set(FieldId(1), Slot::Float(1.0));
        event.set(FieldId(2), Slot::Static("1"));
        event.set(FieldId(3), Slot::Float(TWO_TO_63));
        event.set(FieldId(4), Slot::Int(i64::MAX));
        let mut scratch = KeyScratch::default();
        let encoded: Vec<Vec<u8>> = (0..5)
            .map(|field| {
                let one = scratch.columns(&[column(field, false)]);
                scratch.fill(&event, one);
                scratch.get(0).bytes.to_vec()
            })
            .collect();
        assert_eq!(encoded[0], encoded[1]);
        assert_ne!(encoded[0], encoded[2]);
        assert_ne!(encoded[3], encoded[4], "the one is one larger than the other");
    }

    #[test]
    fn combinations_are_bounded_and_what_is_left_out_is_counted() {
        let mut event = Event::new(1);
        event.set_list(FieldId(0), (0..100).map(Slot::Int));
        let mut scratch = KeyScratch::default();
        let twice = scratch.columns(&[column(0, false), column(0, false)]);
        scratch.fill(&event, twice);
        assert_eq!(scratch.len(), MAX_KEYS);
        assert_eq!(scratch.dropped, 10_000 - MAX_KEYS as u64);
    }

    #[test]
    fn values_of_one_column_are_bounded_and_what_is_left_out_is_counted() {
        let mut event = Event::new(1);
        event.set_list(FieldId(0), (0..2000).map(Slot::Int));
        let mut scratch = KeyScratch::default();
        let one = scratch.columns(&[column(0, false)]);
        scratch.fill(&event, one);
        assert_eq!(scratch.len(), MAX_KEYS);
        assert_eq!(scratch.dropped, 2000 - MAX_KEYS as u64);
    }

    #[test]
    fn many_values_are_told_apart_in_their_order() {
        let mut event = Event::new(2);
        event.set_list(FieldId(0), (0..100_000).map(|i| Slot::Int(i % 50)));
        event.set(FieldId(1), Slot::Int(7));
        let expected: Vec<String> = (0..50).map(|i| format!("7,{i}")).collect();
        assert_eq!(keys(&event, &[column(1, false), column(0, false)]), expected);
    }

    #[test]
    fn keys_are_found_anew_for_other_columns_and_other_events() {
        let mut scratch = KeyScratch::default();
        let mut found = |event: &Event, columns: &[KeyColumn]| {
            let columns = scratch.columns(columns);
            scratch.fill(event, columns);
            (0..scratch.len()).map(|i| decode(scratch.get(i).bytes)).collect::<Vec<_>>()
        };
        let mut event = Event::new(2);
        event.set(FieldId(0), Slot::Int(1));
        let one = [column(0, false)];
        assert_eq!(found(&event, &one), [[Value::Int(1)]]);
        assert_eq!(found(&event, &[column(1, true)]), [[Value::Null]]);
        assert_eq!(found(&event, &one), [[Value::Int(1)]]);
        event.set(FieldId(0), Slot::Int(2));
        scratch.next_event();
        let one = scratch.columns(&one);
        scratch.fill(&event, one);
        assert_eq!(decode(scratch.get(0).bytes), [Value::Int(2)]);
    }
}
