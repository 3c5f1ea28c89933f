//! Every field of an event, read by the same code that fills in the fields that rules test.
//!
//! In: the raw records of an event and what is known of its process. Out: a [`Document`]. Which fields can
//! have values is known before the first is read, see [`Needs`].

use super::super::context::read_context;
use super::super::origin::{ContextField, Origin};
use super::super::read::{PATH_KEYS, Reader, Scratch, paths_of};
use super::super::slot::index;
use super::super::{Event, Group, Host, Process, Raw};
use super::keys::Keys;
use super::known::{DATA, MAX_FIELDS, Places, Table};
use super::need::Needs;
use super::{Document, Field, Name};
use crate::record::RecordType;
use crate::value::{Scalar, Value};

/// Reads documents one after the other, in the same memory.
#[derive(Debug, Default)]
pub struct Documents {
    document: Document,
    scratch: Scratch,
}

impl Documents {
    /// All fields of an event.
    pub fn of(&mut self, event: &Event) -> &Document {
        self.read(event.raw(), event.host().map(|host| &**host), event.process().map(|one| &**one));
        &self.document
    }

    /// All fields of what an event was made of, for keeps.
    pub(in crate::event) fn one(
        raw: &Raw,
        host: Option<&Host>,
        process: Option<&Process>,
    ) -> Document {
        let mut this = Self::default();
        this.read(raw, host, process);
        this.document
    }

    fn read(&mut self, raw: &Raw, host: Option<&Host>, process: Option<&Process>) {
        match raw {
            Raw::Audit(group) => {
                let paths = paths_of(group);
                let mut reader = Reader::new(group, host, &mut self.scratch);
                let copies = reader.view.copies();
                reader.know(&paths, &copies);
                let has = Needs::of_event(&mut reader, process);
                self.document.read(&mut reader, &Table::get().places(has), host, process);
            }
            Raw::Json(json) => self.document = json.document(),
        }
    }
}

impl Document {
    /// Reads these fields, and what only this event has.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_, '_>,
        places: &Places,
        host: Option<&Host>,
        process: Option<&Process>,
    ) {
        self.clear();
        let table = Table::get();
        let keys = Keys::of(reader);
        // Its arguments are no keys of an event, also where nothing else is left of it.
        let is_arguments = reader.view.main.is_some_and(|main| main.kind == RecordType::EXECVE);
        // One more than the place of each field's values, 0 for none.
        let mut found = [0_u8; MAX_FIELDS];
        for place in places.iter() {
            let Some(known) = table.known.get(usize::from(place)) else { continue };
            let start = self.values.len();
            match &known.origin {
                Origin::Data(key) if is_arguments && !keys.contains(key) => {}
                Origin::Data(key) => {
                    reader.data_from(key, |_| keys.value(key), &mut self.values);
                }
                origin => reader.read(origin, &mut self.values),
            }
            if self.values.len() == start
                && let (Some(process), Some(field)) = (process, known.context)
                && reader.admits(field)
            {
                read_context(process, host, field, &mut self.values);
            }
            if self.push(Name::Listed(known.name), start)
                && let Some(at) = found.get_mut(usize::from(place))
            {
                // There are fewer fields than fit.
                *at = u8::try_from(self.fields.len()).unwrap_or(0);
            }
        }
        self.drop_repeated(table, &found);
        let (names, left_out) = keys.unmapped();
        for name in names.iter().filter(|name| table.place_of_key(name).is_none()) {
            let start = self.values.len();
            let key = name.as_bytes();
            reader.data_from(key, |_| keys.value(key), &mut self.values);
            if self.values.len() > start {
                let from = self.values.keep(DATA).start;
                let until = self.values.keep(name).end;
                self.push(Name::Own(from..until), start);
            }
        }
        self.left_out = left_out;
        for path in reader.paths() {
            for (key, value) in PATH_KEYS.into_iter().zip(path.fields) {
                let Some(value) = value else { continue };
                let start = self.values.len();
                reader.decoded(RecordType::PATH, key.as_bytes(), value, &mut self.values);
                if self.values.len() > start {
                    self.path_keys.push((key, start));
                }
            }
            self.paths.push(index(self.path_keys.len()));
        }
    }

    /// Adds a field with the values from there on, if there are any.
    fn push(&mut self, name: Name, start: u32) -> bool {
        let values = start..self.values.len();
        let is_there = !values.is_empty();
        if is_there {
            self.fields.push(Field { name, values });
        }
        is_there
    }

    /// A document shows a fact once. A list may hold what its repetition says and more.
    fn drop_repeated(&mut self, table: &Table, found: &[u8; MAX_FIELDS]) {
        let at = |place: u8| usize::from(*found.get(usize::from(place))?).checked_sub(1);
        for (repeated, by) in &table.repeated {
            let (Some(repeated), Some(by)) = (at(*repeated), at(*by)) else { continue };
            let values =
                |at: usize| self.fields.get(at).map(|field| self.values.get(&field.values));
            let (Some(values), Some(others)) = (values(repeated), values(by)) else { continue };
            if values.iter().all(|value| others.contains(value))
                && let Some(field) = self.fields.get_mut(repeated)
            {
                field.values = 0..0;
            }
        }
        self.fields.retain(|field| !field.values.is_empty());
        self.listed = self.fields.len();
    }
}

/// The values of one field.
pub(in crate::event) fn values_of(
    group: &Group,
    host: Option<&Host>,
    process: Option<&Process>,
    name: &str,
) -> Vec<Value> {
    let mut scratch = Scratch::default();
    let mut reader = Reader::new(group, host, &mut scratch);
    let mut values = Vec::new();
    let push = &mut |value: Scalar<'_>| values.push(Value::from(value));
    reader.read(&Origin::of(name), push);
    if values.is_empty()
        && let (Some(process), Some(field)) = (process, ContextField::of(name))
        && reader.admits(field)
    {
        let push = &mut |value: Scalar<'_>| values.push(Value::from(value));
        read_context(process, host, field, push);
    }
    values
}
