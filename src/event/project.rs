//! [`Projection`]: which fields of an event are filled in, and from where.

use super::facts::Sight;
use super::origin::{ContextField, Origin};
use super::read::Reader;
use super::{Class, Event, Facts, Group, Host, Json, Raw, Selections};
use crate::schema::{FieldId, FieldType};
use std::sync::Arc;

/// The fields that a rule set reads. Built once; the position of a field is its [`FieldId`].
#[derive(Debug, Default)]
pub struct Projection {
    fields: Vec<Origin>,
    names: Vec<(Box<str>, Option<FieldType>)>,
    context: Vec<Option<ContextField>>,
}

impl Projection {
    /// A projection on these fields, by name and the type that rules take them to have.
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, Option<FieldType>)>) -> Self {
        let mut this = Self::default();
        for (name, kind) in fields {
            this.context.push(ContextField::of(name));
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

    /// What the process table fills into a field that the event itself leaves empty.
    pub(super) fn context(&self, field: FieldId) -> Option<ContextField> {
        self.context.get(field.index()).copied().flatten()
    }
}

/// What is known of the use that rules can make of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// None: the fields that tell are the same in all events of its class.
    None,
    /// What they can use of it is filled in; what it is still to be tested for has this number.
    Known(u32),
    /// Everything is filled in.
    All,
    /// Everything is filled in, and it has been told what the event satisfies.
    Told,
    /// Everything is filled in; what is asked of its class can be learnt.
    Unknown(Class),
}

impl Event {
    /// Becomes the event of `group`, with the projected fields filled in from its records.
    ///
    /// Cost grows with the fields asked for. Reuses its own memory; the group of the event before must
    /// have been taken out with [`Event::take_raw`] if its memory is wanted.
    pub fn load(&mut self, group: Group, projection: &Projection, host: Option<Arc<Host>>) {
        self.load_selected(group, projection, host, None);
    }

    /// The same, but where `selections` know what is asked of events of its class, only that is
    /// filled in.
    pub fn load_selected(
        &mut self,
        group: Group,
        projection: &Projection,
        host: Option<Arc<Host>>,
        selections: Option<&Selections>,
    ) -> Use {
        self.clear();
        let mut scratch = self.scratch.take().unwrap_or_default();
        let mut reader = Reader::new(&group, host.as_deref(), &mut scratch);
        let class = selections.and_then(|_| Class::of(&reader));
        let selection = class.and_then(|class| selections?.get(class));
        let mut read = |field: FieldId| {
            if let Some(origin) = projection.fields.get(field.index()) {
                self.fill(field, |sink| reader.read(origin, sink));
            }
        };
        let use_of_it = match selection {
            Some(selection) => {
                selection.fields.iter().copied().for_each(&mut read);
                selection.remainder.map_or(Use::None, Use::Known)
            }
            None => {
                (0..).map(FieldId).take(projection.len()).for_each(&mut read);
                class.map_or(Use::All, Use::Unknown)
            }
        };
        self.facts = Facts::of(&mut reader);
        // Now that its records are taken apart; the table of processes will ask for it.
        let draft = &mut self.draft;
        self.sight = self.facts.is_exec.then(|| Sight::of(&mut reader, draft));
        self.lacks_arguments = reader.lacks_args();
        self.scratch = Some(scratch);
        self.raw = Raw::Audit(group);
        self.host = host;
        self.process = None;
        use_of_it
    }

    /// Becomes the event of a line of JSON, whose reader had the same projection.
    pub fn load_json(&mut self, mut json: Json, host: Option<Arc<Host>>) {
        self.fill_json(&mut json);
        self.facts = Facts::default();
        self.sight = None;
        self.lacks_arguments = false;
        self.raw = Raw::Json(json);
        self.host = host;
        self.process = None;
    }
}
