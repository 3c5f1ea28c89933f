//! Records → events: gather, then give every field its name, type and value.
//!
//! In: records of `record`, by source, or lines of JSON. Out: an [`Event`] per kernel event or line,
//! holding the values of the fields the rules read ([`Projection`]) and what it was made of ([`Raw`]),
//! from which everything else can be read later. What is lost or doubtful on the way is counted ([`Stats`]).
//! This room never orders events and never looks at another event to fill one: that is the work of
//! `process` and `engine`.

mod actions;
mod class;
mod coalesce;
mod context;
mod decoded;
mod document;
mod entity;
mod facts;
mod group;
mod host;
mod image;
mod interpret;
mod json;
mod kept;
mod names;
mod origin;
mod outline;
mod process;
mod producers;
mod project;
mod raw;
mod read;
mod saved;
mod slot;
mod stats;
mod take;
mod view;

pub use class::{Class, Selection, Selections, is_of_class, tells_class};
pub use coalesce::{CoalesceLimits, Coalescer};
pub use document::{Document, Documents, Values as DocumentValues};
pub use entity::EntityId;
pub use facts::{Change, Facts, program_of};
pub use group::{EventId, Group, Incomplete, Record};
pub use host::{Host, Hosts, Identity, Profile, UNNAMED};
pub use image::{Draft, Image};
pub use interpret::{Told, interpret};
pub use json::{Json, JsonReader};
pub use kept::Kept;
pub use names::{BadLine, Names};
pub use origin::{ContextField, Part, Relation};
pub use outline::{Call, Outline, Table};
pub use process::{EntryKind, Leader, Leaders, Parent, Person, Process, Terminal};
pub use producers::{OF_CALL, producers};
pub use project::{Projection, Use};
pub use raw::Raw;
pub use saved::{load_ordinal, save_ordinal};
pub use slot::{Event, Slot, Values};
pub use stats::{Gap, Malformed, Missing, Stats};
pub use take::Take;
