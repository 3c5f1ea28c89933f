//! Records → events: gather, then give every field its name, type and value.
//!
//! In: records of `record`, by source. Out: an [`Event`] per kernel event, holding the values of the
//! fields the rules read ([`Projection`]) and its raw records, from which everything else can be read
//! later. What is lost or doubtful on the way is counted ([`Stats`]).
//! This room never orders events and never looks at another event to fill one: that is the work of
//! `process` and `engine`.

mod coalesce;
mod group;
mod kept;
mod slot;
mod stats;

pub use coalesce::{Coalescer, Limits};
pub use group::{EventId, Group, Incomplete, Record};
pub use kept::Kept;
pub use slot::{Event, Slot, Values};
pub use stats::{Gap, Malformed, Stats};
