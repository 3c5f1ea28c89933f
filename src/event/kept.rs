//! [`Kept`]: what is left of an event once its fields have been tested.

use std::sync::Arc;

use super::{Document, Event, Host, Process, Raw};
use crate::time::Ordinal;
use crate::value::Value;

/// An event kept for a match: what it was made of and its context, from which every field can be read
/// again. Tested fields are not kept.
#[derive(Debug, PartialEq)]
pub struct Kept {
    /// Its place in the total order.
    pub ordinal: Ordinal,
    pub(super) raw: Raw,
    pub(super) host: Option<Arc<Host>>,
    pub(super) process: Option<Arc<Process>>,
}

impl Kept {
    /// Number of the host it happened on.
    pub fn host(&self) -> u32 {
        self.host.as_ref().map_or(0, |host| host.index)
    }

    /// Has brought near the beginnings of the memory it holds, because it will soon be let go of.
    pub fn bring(&self) {
        self.raw.bring_ends();
    }

    /// Bytes it occupies.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.raw.size_bytes()
    }

    /// The process it is about, with its ancestors.
    pub fn process(&self) -> Option<&Arc<Process>> {
        self.process.as_ref()
    }

    /// What names it on every run: host, time and serial number; of a line of JSON host, time and
    /// content.
    pub fn identity(&self) -> String {
        let host = self.host.as_ref().map_or("", |host| &host.id);
        format!("{host}\u{0}{}", self.raw.name())
    }

    /// Its lines as logged, bytes that are no text written as `\xHH`.
    pub fn records(&self) -> Vec<String> {
        self.raw.lines()
    }

    /// The values of one field. Costs about as much as testing it did.
    pub fn values(&self, name: &str) -> Vec<Value> {
        self.raw.values(name, self.host.as_deref(), self.process.as_deref())
    }

    /// All its fields. Costs a multiple of testing it: meant for alerts.
    pub fn document(&self) -> Document {
        self.raw.document(self.host.as_deref(), self.process.as_deref())
    }
}

impl Event {
    /// The event for keeps.
    pub fn kept(&self) -> Kept {
        Kept {
            ordinal: self.ordinal,
            raw: self.raw.kept(),
            host: self.host.clone(),
            process: self.process.clone(),
        }
    }

    /// All its fields, see [`Kept::document`].
    pub fn document(&self) -> Document {
        self.raw.document(self.host.as_deref(), self.process.as_deref())
    }
}
