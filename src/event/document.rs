//! [`Document`]: every field of an event, for people and other tools.
//!
//! In: the fields of an event, by [`Documents`]. Out: the same by name, in one piece of memory: values one
//! behind the other, their text in one string. Nothing is read or decoded here.

mod keys;
mod known;
mod need;
mod read;

use std::ops::Range;

pub use read::Documents;
pub(super) use read::values_of;

use super::slot::{Slot, index};
use super::take::Take;
use crate::value::{Scalar, Value};

/// Fields by dotted name, in the order of the schema, each with at least one value.
#[derive(Debug, Clone, Default)]
pub struct Document {
    fields: Vec<Field>,
    /// How many of them are in the schema.
    listed: usize,
    values: Store,
    /// The PATH records: where the last of each one's keys stands.
    paths: Vec<u32>,
    path_keys: Vec<(&'static str, u32)>,
    left_out: usize,
}

/// A field that has values.
#[derive(Debug, Clone)]
struct Field {
    name: Name,
    values: Range<u32>,
}

/// What a field is called.
#[derive(Debug, Clone)]
enum Name {
    /// It is in the schema.
    Listed(&'static str),
    /// Only this event has it: a range of the text.
    Own(Range<u32>),
}

/// Values one behind the other.
#[derive(Debug, Clone, Default)]
struct Store {
    slots: Vec<Slot>,
    text: String,
}

impl Store {
    fn keep(&mut self, text: &str) -> Range<u32> {
        let start = self.text.len();
        self.text.push_str(text);
        index(start)..index(self.text.len())
    }

    fn len(&self) -> u32 {
        index(self.slots.len())
    }

    fn get(&self, range: &Range<u32>) -> Values<'_> {
        let slots = self.slots.get(range.start as usize..range.end as usize);
        Values { slots: slots.unwrap_or_default(), text: &self.text }
    }
}

impl Take for Store {
    fn value(&mut self, value: Scalar<'_>) {
        let slot = match value {
            Scalar::Bool(b) => Slot::Bool(b),
            Scalar::Int(i) => Slot::Int(i),
            Scalar::Float(f) => Slot::Float(f),
            Scalar::Str(text) => Slot::Text(self.keep(text)),
            Scalar::Ip(ip) => Slot::Ip(ip),
            Scalar::Time(t) => Slot::Time(t),
        };
        self.slots.push(slot);
    }

    fn word(&mut self, word: &'static str) {
        self.slots.push(Slot::Static(word));
    }

    fn joined(&mut self, parts: &mut dyn Iterator<Item = &str>) {
        let start = self.text.len();
        for (part, at) in parts.zip(0_u32..) {
            if at > 0 {
                self.text.push(' ');
            }
            self.text.push_str(part);
        }
        self.slots.push(Slot::Text(index(start)..index(self.text.len())));
    }
}

/// The same fields with the same values, wherever these stand.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        let same = |((a, some), (b, others)): ((&str, Values<'_>), (&str, Values<'_>))| {
            a == b && some.iter().eq(others.iter())
        };
        self.fields.len() == other.fields.len()
            && self.fields().zip(other.fields()).all(same)
            && self.paths().map(Vec::from_iter).eq(other.paths().map(Vec::from_iter))
            && self.left_out == other.left_out
    }
}

/// The values of one field of a [`Document`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'d> {
    slots: &'d [Slot],
    text: &'d str,
}

impl<'d> Values<'d> {
    /// Each in order.
    pub fn iter(self) -> impl Iterator<Item = Scalar<'d>> {
        self.slots.iter().filter_map(move |slot| slot.scalar(self.text))
    }

    /// The first one.
    pub fn first(self) -> Option<Scalar<'d>> {
        self.slots.first()?.scalar(self.text)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.slots.is_empty()
    }

    /// Whether this is one of them.
    pub fn contains(self, value: Scalar<'_>) -> bool {
        self.iter().any(|known| known == value)
    }
}

impl Document {
    /// Fields in this order.
    pub(super) fn new(fields: Vec<(String, Vec<Value>)>) -> Self {
        let mut this = Self::default();
        for (name, values) in fields {
            let start = this.values.len();
            values.iter().filter_map(Value::scalar).for_each(|value| this.values.value(value));
            let name = Name::Own(this.values.keep(&name));
            this.fields.push(Field { name, values: start..this.values.len() });
        }
        this
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.fields.iter().map(|field| (self.name(field), self.values.get(&field.values)))
    }

    /// Those in the schema, in order of their names.
    pub fn listed(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.fields().take(self.listed)
    }

    /// Those behind them, which only this event has.
    pub fn unlisted(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.fields().skip(self.listed)
    }

    fn name(&self, field: &Field) -> &str {
        match &field.name {
            Name::Listed(name) => name,
            Name::Own(range) => {
                self.values.text.get(range.start as usize..range.end as usize).unwrap_or("")
            }
        }
    }

    /// The PATH records of an audit event in order, each with its keys that have a value.
    pub fn paths(
        &self,
    ) -> impl ExactSizeIterator<Item = impl Iterator<Item = (&'static str, Scalar<'_>)>> {
        let starts = std::iter::once(&0).chain(&self.paths);
        // Not `zip` of the two: that one has no length.
        let mut starts = starts.copied();
        self.paths.iter().map(move |end| {
            let start = starts.next().unwrap_or(*end);
            let keys = self.path_keys.get(start as usize..*end as usize).unwrap_or_default();
            keys.iter().filter_map(|(key, at)| {
                let slot = self.values.slots.get(*at as usize)?;
                Some((*key, slot.scalar(&self.values.text)?))
            })
        })
    }

    /// How many keys of its records are too many to be shown as `auditd.data.*`.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The values of a field; none when it is missing.
    pub fn values(&self, name: &str) -> Values<'_> {
        let found = self.fields.iter().find(|field| self.name(field) == name);
        found.map_or(Values::default(), |field| self.values.get(&field.values))
    }

    /// The first value of a field.
    pub fn first(&self, name: &str) -> Option<Scalar<'_>> {
        self.values(name).first()
    }

    /// Forgets everything but its memory.
    fn clear(&mut self) {
        self.fields.clear();
        self.listed = 0;
        self.values.slots.clear();
        self.values.text.clear();
        self.paths.clear();
        self.path_keys.clear();
        self.left_out = 0;
    }
}

#[cfg(test)]
mod tests;
