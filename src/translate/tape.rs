//! One JSON object, laid out flat.
//!
//! In: a line. Out: its values one behind the other, every object and list with the place where it ends,
//! so that members can be visited in any order and nothing is copied into a tree. Names that stand
//! twice stay twice. Memory is kept between lines; what stands too deep is left out and counted.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::record::json::{JsonError, MAX_LINE_BYTES, mended, reason};

/// Deepest nesting that is kept.
const MAX_DEPTH: u32 = 64;
/// Memory that is given back when a line needed more.
const SPARE_CELLS: usize = 64 << 10;

/// A value, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    /// `null`, and what stands too deep.
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// A larger one.
    Large(u64),
    /// Any other number.
    Float(f64),
    /// Text, escapes resolved: where it stands among all text.
    Text { start: u32, end: u32 },
    /// Members follow, each a text and a value, up to this cell.
    Object(u32),
    /// Values follow, up to this cell.
    List(u32),
}

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct Tape {
    cells: Vec<Cell>,
    text: String,
    left_out: u64,
}

/// Number of a cell.
pub(super) type At = usize;

impl Tape {
    /// Reads a line that holds one object.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<(), JsonError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(JsonError::TooLong);
        }
        match self.parse(line) {
            Err(JsonError::Syntax(_)) if let Some(line) = mended(line) => self.parse(&line),
            other => other,
        }
    }

    fn parse(&mut self, line: &[u8]) -> Result<(), JsonError> {
        if self.cells.capacity() > SPARE_CELLS {
            *self = Self::default();
        }
        self.cells.clear();
        self.text.clear();
        self.left_out = 0;
        let line = String::from_utf8_lossy(line);
        let mut json = serde_json::Deserializer::from_str(&line);
        let node = Node { tape: self, depth: 0 };
        let read = node.deserialize(&mut json).and_then(|()| json.end());
        read.map_err(|error| JsonError::Syntax(reason(&error)))
    }

    /// Values that stood too deep.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The cell at a place.
    pub(super) fn cell(&self, at: At) -> Cell {
        self.cells.get(at).copied().unwrap_or(Cell::Null)
    }

    /// The members of the object at a place; none when it is no object.
    pub(super) fn members(&self, at: At) -> impl Iterator<Item = (&str, At)> {
        let end = match self.cell(at) {
            Cell::Object(end) => end as usize,
            _ => at,
        };
        let mut next = at + 1;
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let key = self.text(next).unwrap_or_default();
            let value = next + 1;
            next = self.behind(value);
            Some((key, value))
        })
    }

    /// The values of the list at a place; a value that is no list is a list of one.
    pub(super) fn items(&self, at: At) -> impl Iterator<Item = At> {
        let (mut next, end) = match self.cell(at) {
            Cell::List(end) => (at + 1, end as usize),
            Cell::Null => (at, at),
            _ => (at, at + 1),
        };
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let item = next;
            next = self.behind(item);
            Some(item)
        })
    }

    /// The first member of the whole object with this name.
    pub(super) fn member(&self, name: &str) -> Option<At> {
        self.members(0).find(|(key, _)| *key == name).map(|(_, at)| at)
    }

    /// The text at a place.
    pub(super) fn text(&self, at: At) -> Option<&str> {
        match self.cell(at) {
            Cell::Text { start, end } => self.text.get(start as usize..end as usize),
            _ => None,
        }
    }

    /// The text of the first member with this name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.text(self.member(name)?)
    }

    /// The place behind the value at a place.
    fn behind(&self, at: At) -> At {
        match self.cell(at) {
            Cell::Object(end) | Cell::List(end) => end as usize,
            _ => at + 1,
        }
    }

    fn push_text(&mut self, text: &str) {
        let start = small(self.text.len());
        self.text.push_str(text);
        self.cells.push(Cell::Text { start, end: small(self.text.len()) });
    }
}

/// Places inside a line of at most 1 MiB.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The value that comes next.
struct Node<'t> {
    tape: &'t mut Tape,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if self.depth == 0 { json.deserialize_map(self) } else { json.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.depth == 0 { "an object" } else { "a value" })
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.tape.cells.push(Cell::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.tape.cells.push(Cell::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.tape.cells.push(Cell::Int(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.tape.cells.push(i64::try_from(value).map_or(Cell::Large(value), Cell::Int));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.tape.cells.push(Cell::Float(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.tape.push_text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { tape, depth } = self;
        let at = tape.cells.len();
        tape.cells.push(Cell::Null);
        if depth >= MAX_DEPTH {
            tape.left_out += 1;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while list.next_element_seed(Node { tape, depth: depth + 1 })?.is_some() {}
        let end = small(tape.cells.len());
        if let Some(cell) = tape.cells.get_mut(at) {
            *cell = Cell::List(end);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { tape, depth } = self;
        let at = tape.cells.len();
        tape.cells.push(Cell::Null);
        if depth >= MAX_DEPTH {
            tape.left_out += 1;
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while object.next_key_seed(Key { tape })?.is_some() {
            object.next_value_seed(Node { tape, depth: depth + 1 })?;
        }
        let end = small(tape.cells.len());
        if let Some(cell) = tape.cells.get_mut(at) {
            *cell = Cell::Object(end);
        }
        Ok(())
    }
}

/// The name that comes next.
struct Key<'t> {
    tape: &'t mut Tape,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        self.tape.push_text(key);
        Ok(())
    }
}
