//! [`Event`]: projected field slots and a handle on the raw records.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use super::Draft;
use super::facts::{Facts, Sight};
use super::host::Host;
use super::json::Json;
use super::process::Process;
use super::raw::Raw;
use super::read::Scratch;
use super::take::Take;
use crate::schema::FieldId;
use crate::time::{Ordinal, Timestamp};
use crate::value::Scalar;

/// What a field of one event holds. Text is kept as a range of the event's own text.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// Missing.
    Empty,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Text that is the same in every event, such as an action name.
    Static(&'static str),
    /// Text of this event.
    Text(Range<u32>),
    /// An address.
    Ip(IpAddr),
    /// A point in time.
    Time(Timestamp),
    /// Several values: a range of the event's items.
    List(Range<u32>),
}

impl Slot {
    /// Its value; `text` is that of whoever it belongs to. `None` for what is no single value.
    #[inline]
    pub(super) fn scalar<'a>(&'a self, text: &'a str) -> Option<Scalar<'a>> {
        Some(match self {
            Self::Empty | Self::List(_) => return None,
            Self::Bool(b) => Scalar::Bool(*b),
            Self::Int(i) => Scalar::Int(*i),
            Self::Float(f) => Scalar::Float(*f),
            Self::Static(s) => Scalar::Str(s),
            Self::Text(range) => {
                let range = range.start as usize..range.end as usize;
                Scalar::Str(text.get(range).unwrap_or(""))
            }
            Self::Ip(ip) => Scalar::Ip(*ip),
            Self::Time(t) => Scalar::Time(*t),
        })
    }
}

/// A coalesced event with typed fields.
///
/// Slots are addressed by the [`FieldId`]s of the [`Projection`](super::Projection) that filled them.
/// An event is reused from one group of records to the next ([`Event::clear`]); what must be kept is
/// cloned, which copies only what is in use.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the total order.
    pub ordinal: Ordinal,
    /// What it was made of.
    pub(super) raw: Raw,
    /// Where it happened.
    pub(super) host: Option<Arc<Host>>,
    /// The process it is about.
    pub(super) process: Option<Arc<Process>>,
    slots: Vec<Slot>,
    items: Vec<Slot>,
    text: String,
    /// Lent out while the event is read: a pointer, because all of it is moved out and back for that.
    pub(super) scratch: Option<Box<Scratch>>,
    pub(super) facts: Facts,
    /// What an execution shows of its program.
    pub(super) sight: Option<Sight>,
    /// It is an execution whose argument list is not whole.
    pub(super) lacks_arguments: bool,
    pub(super) draft: Draft,
}

impl Event {
    /// An event with `fields` empty slots.
    pub fn new(fields: usize) -> Self {
        Self {
            ordinal: Ordinal::new(Timestamp(0), None, 0),
            raw: Raw::new(),
            host: None,
            process: None,
            slots: vec![Slot::Empty; fields],
            items: Vec::new(),
            text: String::new(),
            scratch: None,
            facts: Facts::default(),
            sight: None,
            lacks_arguments: false,
            draft: Draft::default(),
        }
    }

    /// Empties all slots; keeps the memory.
    pub fn clear(&mut self) {
        self.slots.fill(Slot::Empty);
        self.items.clear();
        self.text.clear();
    }

    /// The values of a field in order; none when it is missing.
    pub fn values(&self, field: FieldId) -> Values<'_> {
        match self.slots.get(field.index()) {
            None | Some(Slot::Empty) => Values { event: self, slots: [].iter() },
            Some(Slot::List(range)) => {
                let range = range.start as usize..range.end as usize;
                Values { event: self, slots: self.items.get(range).unwrap_or_default().iter() }
            }
            Some(slot) => Values { event: self, slots: std::slice::from_ref(slot).iter() },
        }
    }

    /// The first value of a field.
    pub fn first(&self, field: FieldId) -> Option<Scalar<'_>> {
        self.values(field).next()
    }

    /// Sets a field to one value. A field number that no slot was made for is ignored.
    pub fn set(&mut self, field: FieldId, slot: Slot) {
        if let Some(place) = self.slots.get_mut(field.index()) {
            *place = slot;
        }
    }

    /// Sets a field to several values; none make it empty and one makes it single.
    pub fn set_list(&mut self, field: FieldId, values: impl IntoIterator<Item = Slot>) {
        let mut values = values.into_iter();
        let slot = match (values.next(), values.next()) {
            (None, _) => Slot::Empty,
            (Some(one), None) => one,
            (Some(first), Some(second)) => {
                let start = index(self.items.len());
                self.items.extend([first, second]);
                self.items.extend(values);
                Slot::List(start..index(self.items.len()))
            }
        };
        self.set(field, slot);
    }

    /// Keeps a copy of `text` in the event and gives the slot for it.
    pub fn keep(&mut self, text: &str) -> Slot {
        let start = self.text.len();
        self.text.push_str(text);
        Slot::Text(index(start)..index(self.text.len()))
    }

    /// The slot for an owned or borrowed scalar.
    pub fn keep_scalar(&mut self, scalar: Scalar<'_>) -> Slot {
        match scalar {
            Scalar::Bool(b) => Slot::Bool(b),
            Scalar::Int(i) => Slot::Int(i),
            Scalar::Float(f) => Slot::Float(f),
            Scalar::Str(s) => self.keep(s),
            Scalar::Ip(ip) => Slot::Ip(ip),
            Scalar::Time(t) => Slot::Time(t),
        }
    }

    /// Sets a field to what `values` gives.
    pub fn fill(&mut self, field: FieldId, values: impl FnOnce(&mut dyn Take)) {
        let start = index(self.items.len());
        let mut filler = Filler { event: self, first: Slot::Empty, is_list: false };
        values(&mut filler);
        let slot =
            if filler.is_list { Slot::List(start..index(self.items.len())) } else { filler.first };
        self.set(field, slot);
    }

    /// Whether a field is missing.
    pub fn is_missing(&self, field: FieldId) -> bool {
        self.values(field).next().is_none()
    }

    /// What it was made of.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// Where it happened.
    pub fn host(&self) -> Option<&Arc<Host>> {
        self.host.as_ref()
    }

    /// The process it is about, once the process table has said so.
    pub fn process(&self) -> Option<&Arc<Process>> {
        self.process.as_ref()
    }

    /// Says which process it is about.
    pub fn set_process(&mut self, process: Option<Arc<Process>>) {
        self.process = process;
    }

    /// Whether it is an execution whose argument list is not whole.
    pub fn lacks_arguments(&self) -> bool {
        self.lacks_arguments
    }

    /// Takes out what it was made of, for the memory.
    pub fn take_raw(&mut self) -> Raw {
        std::mem::replace(&mut self.raw, Raw::new())
    }

    /// Takes over the values and the text of a line of JSON.
    pub(super) fn fill_json(&mut self, json: &mut Json) {
        self.clear();
        std::mem::swap(&mut self.text, &mut json.text);
        if self.fill_singles(json) {
            return;
        }
        self.slots.fill(Slot::Empty);
        json.sort();
        for values in json.values.chunk_by(|a, b| a.field == b.field) {
            let Some(first) = values.first() else { continue };
            if first.id().index() >= self.slots.len() {
                break;
            }
            // Nested before dotted: only those written like the first count.
            let beside = values.iter().take_while(|value| value.beside(first));
            self.set_list(first.id(), beside.map(|placed| placed.value.clone()));
        }
    }

    /// Sets each field to its value, as most have one; `false` when one has several.
    fn fill_singles(&mut self, json: &Json) -> bool {
        for placed in &json.values {
            match self.slots.get_mut(placed.id().index()) {
                Some(slot @ Slot::Empty) => *slot = placed.value.clone(),
                Some(_) => return false,
                None => {}
            }
        }
        true
    }

    /// Gives the line of JSON back as it was; the fields are empty then.
    pub fn unload_json(&mut self) -> Json {
        let mut json = match self.take_raw() {
            Raw::Json(json) => json,
            Raw::Audit(_) => Json::default(),
        };
        self.slots.fill(Slot::Empty);
        self.items.clear();
        std::mem::swap(&mut self.text, &mut json.text);
        json
    }

    /// Bytes this event occupies when it is kept.
    pub fn size_bytes(&self) -> usize {
        std::mem::size_of::<Self>()
            + (self.slots.len() + self.items.len()) * std::mem::size_of::<Slot>()
            + self.text.len()
    }
}

/// Keeps the values of one field in its event: one by itself, several as a list.
struct Filler<'e> {
    event: &'e mut Event,
    /// The first, until there is another.
    first: Slot,
    is_list: bool,
}

impl Filler<'_> {
    #[inline]
    fn keep(&mut self, slot: Slot) {
        if self.is_list {
            self.event.items.push(slot);
        } else if matches!(self.first, Slot::Empty) {
            self.first = slot;
        } else {
            let first = std::mem::replace(&mut self.first, Slot::Empty);
            self.event.items.extend([first, slot]);
            self.is_list = true;
        }
    }
}

impl Take for Filler<'_> {
    fn value(&mut self, value: Scalar<'_>) {
        let slot = self.event.keep_scalar(value);
        self.keep(slot);
    }

    fn word(&mut self, word: &'static str) {
        self.keep(Slot::Static(word));
    }

    fn joined(&mut self, parts: &mut dyn Iterator<Item = &str>) {
        let text = &mut self.event.text;
        let start = text.len();
        for (part, at) in parts.zip(0_u32..) {
            if at > 0 {
                text.push(' ');
            }
            text.push_str(part);
        }
        let slot = Slot::Text(index(start)..index(text.len()));
        self.keep(slot);
    }
}

/// Sizes inside an event are far below 4 GiB: groups are cut long before.
pub(super) fn index(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Iterator over the values of one field, see [`Event::values`].
#[derive(Debug, Clone)]
pub struct Values<'a> {
    event: &'a Event,
    slots: std::slice::Iter<'a, Slot>,
}

impl<'a> Iterator for Values<'a> {
    type Item = Scalar<'a>;

    fn next(&mut self) -> Option<Scalar<'a>> {
        // Lists hold scalars only; anything else is skipped rather than trusted.
        self.slots.find_map(|slot| slot.scalar(&self.event.text))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.slots.len()))
    }
}
