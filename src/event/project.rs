//! [`Projection`]: which fields of an event are filled in, and from where.

use super::origin::{ContextField, Origin};
use super::read::Reader;
use super::{Event, Facts, Group, Host};
use crate::schema::{FieldId, FieldType};
use std::sync::Arc;

/// The fields that a rule set reads. Built once; the position of a field is its [`FieldId`].
#[derive(Debug, Default)]
pub struct Projection {
    fields: Vec<Origin>,
    context: Vec<(FieldId, ContextField)>,
}

impl Projection {
    /// A projection on these fields, by name and the type that rules take them to have.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, Option<FieldType>)>) -> Self {
        let mut this = Self::default();
        for (name, _) in fields {
            if let Some(context) = ContextField::of(name)
                && let Ok(id) = u16::try_from(this.fields.len())
            {
                this.context.push((FieldId(id), context));
            }
            this.fields.push(Origin::of(name));
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

    /// The fields that the process table fills in where the event itself leaves them empty.
    pub fn context(&self) -> &[(FieldId, ContextField)] {
        &self.context
    }
}

impl Event {
    /// Becomes the event of `group`, with the projected fields filled in from its records.
    ///
    /// Cost grows with the fields asked for. Reuses its own memory; the group of the event before must
    /// have been taken out with [`Event::take_group`] if its memory is wanted.
    pub fn load(&mut self, group: Group, projection: &Projection, host: Option<Arc<Host>>) {
        self.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut reader = Reader::new(&group, host.as_deref(), &mut scratch);
        for (origin, index) in projection.fields.iter().zip(0..) {
            self.fill(FieldId(index), |sink| reader.read(origin, sink));
        }
        self.facts = Facts::of(&mut reader);
        self.scratch = scratch;
        self.raw = group;
        self.host = host;
        self.process = None;
    }
}
