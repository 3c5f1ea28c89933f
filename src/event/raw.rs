//! [`Raw`]: what an event was made of, whatever kind of log it stood in.

use std::borrow::Cow;

use super::document;
use super::{Group, Host, Json, Process};
use crate::near;
use crate::record::text::text_of;
use crate::value::Value;

/// What an event was made of. Everything that is not projected is read from here when it is needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// The records of an audit event.
    Audit(Group),
    /// A line of JSON.
    Json(Json),
}

impl Raw {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self::Audit(Group::new())
    }

    /// The records, of an audit event.
    pub fn group(&self) -> Option<&Group> {
        match self {
            Self::Audit(group) => Some(group),
            Self::Json(_) => None,
        }
    }

    /// Has brought near what will be read of it, because its turn is soon.
    pub fn bring(&self) {
        match self {
            Self::Audit(group) => group.bring(),
            Self::Json(json) => json.bring(),
        }
    }

    /// Has brought near what is written when its memory is given back.
    pub(super) fn bring_ends(&self) {
        match self {
            Self::Audit(group) => group.bring_ends(),
            Self::Json(json) => near::bring(json.line(), 1),
        }
    }

    /// Whether it says when it happened. Audit events always do.
    pub fn is_timed(&self) -> bool {
        match self {
            Self::Audit(_) => true,
            Self::Json(json) => json.time().is_some(),
        }
    }

    /// Whether parts of it are known to be missing.
    pub fn is_incomplete(&self) -> bool {
        match self {
            Self::Audit(group) => group.incomplete().is_some(),
            Self::Json(json) => json.is_cut(),
        }
    }

    /// The machine it says it is from.
    pub fn node(&self) -> Option<&[u8]> {
        match self {
            Self::Audit(group) => group.node(),
            Self::Json(json) => json.host().map(str::as_bytes),
        }
    }

    /// Bytes it occupies when it is kept.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Audit(group) => group.size_bytes(),
            Self::Json(json) => json.size_bytes(),
        }
    }

    /// What is worth keeping once the fields have been tested.
    pub(super) fn kept(&self) -> Self {
        match self {
            Self::Audit(group) => Self::Audit(group.clone()),
            Self::Json(json) => Self::Json(json.kept()),
        }
    }

    /// What names it on its machine: time and serial number, or time and content.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Audit(group) => group.id().to_string(),
            Self::Json(json) => {
                let time = json.time().map_or("-".to_owned(), |time| time.to_string());
                format!("{time}:{}", json.content_hash())
            }
        }
    }

    /// Its lines as they came, with newlines between them.
    pub fn as_logged(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Audit(group) => {
                let mut lines = group.raw();
                lines.truncate(lines.strip_suffix(b"\n").map_or(0, <[u8]>::len));
                Cow::Owned(lines)
            }
            Self::Json(json) => Cow::Borrowed(json.line()),
        }
    }

    /// Its lines as logged, bytes that are no text written as `\xHH`.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Audit(group) => {
                group.records().map(|record| text_of(&record.line()).into_owned()).collect()
            }
            Self::Json(json) => vec![text_of(json.line()).into_owned()],
        }
    }

    /// The values of one field.
    pub(super) fn values(
        &self,
        name: &str,
        host: Option<&Host>,
        process: Option<&Process>,
    ) -> Vec<Value> {
        match self {
            Self::Audit(group) => document::values_of(group, host, process, name),
            Self::Json(json) => json.document().values(name).iter().map(Value::from).collect(),
        }
    }
}
