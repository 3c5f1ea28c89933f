//! [`Projection`]: which fields of an event are filled in, and from where.

use super::origin::{ContextField, Origin};
use super::read::Reader;
use super::{Event, Facts, Group, Host, Json, Raw};
use crate::schema::{FieldId, FieldType};
use std::sync::Arc;

/// The fields that a rule set reads. Built once; the position of a field is its [`FieldId`].
#[derive(Debug, Default)]
pub struct Projection {
    fields: Vec<Origin>,
    names: Vec<(Box<str>, Option<FieldType>)>,
    context: Vec<(FieldId, ContextField)>,
}

impl Projection {
    /// A projection on these fields, by name and the type that rules take them to have.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, Option<FieldType>)>) -> Self {
        let mut this = Self::default();
        for (name, kind) in fields {
            if let Some(context) = ContextField::of(name)
                && let Ok(id) = u16::try_from(this.fields.len())
            {
                this.context.push((FieldId(id), context));
            }
            this.fields.push(Origin::of(name));
            this.names.push((name.into(), kind));
        }
        this
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether no field is read.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Names and types of the fields in order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&str, Option<FieldType>)> {
        self.names.iter().map(|(name, kind)| (&**name, *kind))
    }

    /// The fields that the process table fills in where the event itself leaves them empty.
    pub fn context(&self) -> &[(FieldId, ContextField)] {
        &self.context
    }
}

impl Event {
    /// Becomes the event of `group`, with the projected fields filled in from its records.
    ///
    /// Cost grows with the fields asked for. Reuses its own memory; the group of the event before must
    /// have been taken out with [`Event::take_raw`] if its memory is wanted.
    pub fn load(&mut self, group: Group, projection: &Projection, host: Option<Arc<Host>>) {
        self.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut reader = Reader::new(&group, host.as_deref(), &mut scratch);
        for (origin, index) in projection.fields.iter().zip(0..) {
            self.fill(FieldId(index), |sink| reader.read(origin, sink));
        }
        self.facts = Facts::of(&mut reader);
        self.scratch = scratch;
        self.raw = Raw::Audit(group);
        self.host = host;
        self.process = None;
    }

    /// Becomes the event of a line of JSON, whose reader had the same projection.
    pub fn load_json(&mut self, mut json: Json, host: Option<Arc<Host>>) {
        self.fill_json(&mut json);
        self.facts = Facts::default();
        self.raw = Raw::Json(json);
        self.host = host;
        self.process = None;
    }
}
