//! [`Kept`]: what is left of an event once its fields have been tested.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::{Document, Documents, Event, Host, Process, Raw};
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
    pub(super) holders: Holders,
}

/// How many hold an event, for whoever counts what is held. No part of what it is.
#[derive(Default)]
pub(super) struct Holders(AtomicU32);

impl fmt::Debug for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holders")
    }
}

impl PartialEq for Holders {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Kept {
    /// Counts one more who holds it; tells whether somebody does already. Those who hold an event are of one engine
    /// and take turns.
    #[inline]
    pub(crate) fn hold(&self) -> bool {
        let holders = self.holders.0.load(Relaxed);
        self.holders.0.store(holders.saturating_add(1), Relaxed);
        holders > 0
    }

    /// Counts one less; tells whether somebody still holds it.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        let holders = self.holders.0.load(Relaxed).saturating_sub(1);
        self.holders.0.store(holders, Relaxed);
        holders > 0
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.holders.0.load(Relaxed) > 0
    }

    /// The same event, held by nobody. Copies its records.
    pub(crate) fn copy(&self) -> Self {
        Self {
            ordinal: self.ordinal,
            raw: self.raw.clone(),
            host: self.host.clone(),
            process: self.process.clone(),
            holders: Holders::default(),
        }
    }

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
        Documents::one(&self.raw, self.host.as_deref(), self.process.as_deref())
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
            holders: Holders::default(),
        }
    }

    /// All its fields, see [`Kept::document`]; who reads many has [`Documents`] do it.
    pub fn document(&self) -> Document {
        Documents::one(&self.raw, self.host.as_deref(), self.process.as_deref())
    }
}
