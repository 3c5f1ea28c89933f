//! What happens to partials, told while it happens to whoever asked.
//!
//! In: changes of state inside the machines. Out: a call of [`Watch::told`] for each, in order. A
//! machine that nobody watches only looks whether somebody does, and only where its state changes
//! anyway. A watcher cannot change anything: what is found is the same with and without one.

use std::sync::Arc;

use super::key::decode;
use crate::event::Kept;
use crate::time::Timestamp;
use crate::value::Value;

/// Whoever wants to know what becomes of the partials of one rule.
pub trait Watch: std::fmt::Debug + Send {
    /// Something has happened. Called in the order of events; must be quick.
    fn told(&mut self, change: &Change<'_>);
}

/// Something that happened to a partial, or to an event that found none.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The join key, encoded: equal bytes, equal key. Empty without one.
    pub key: &'a [u8],
    /// The events of the partial after the change, or those it had when it ended.
    pub held: Held<'a>,
    /// What happened.
    pub fate: Fate<'a>,
}

impl Change<'_> {
    /// The values of the join key, one a column.
    pub fn keys(&self) -> Vec<Value> {
        decode(self.key)
    }
}

/// The events of a partial.
#[derive(Debug, Clone, Copy)]
pub enum Held<'a> {
    /// One for each positive item of a sequence that was reached, in order.
    Stages(&'a [Arc<Kept>]),
    /// The oldest for each item of a sample, in item order.
    Items(&'a [Option<Arc<Kept>>]),
}

/// What happened. Items are numbered from 0, `runs` written out.
#[derive(Debug, Clone, Copy)]
pub enum Fate<'a> {
    /// It has got its first event.
    Begun,
    /// It has got an event for this item.
    Advanced(usize),
    /// An event that satisfies the item lacks a column of the join key; there is no partial.
    NoKey(usize, &'a Arc<Kept>),
    /// An event that satisfies the item found no partial of its key that waits for it.
    Alone(usize, &'a Arc<Kept>),
    /// An event that satisfies the item came behind what it should follow, and is of no use; or, where
    /// events are held, a newer partial stands already where this one should have stood, and it ends.
    Late(usize, &'a Arc<Kept>),
    /// What had to be missing did happen, at this time; it will be rejected when it is complete.
    Spoiled(Timestamp),
    /// A newer partial has taken its place.
    Replaced,
    /// Its time was up; the event, if any, is the one that came too late.
    Expired(Option<&'a Arc<Kept>>),
    /// This event ended it by `until`.
    Cut(&'a Arc<Kept>),
    /// Complete but for a missing item that did occur: this event, where it came last.
    Rejected(Option<&'a Arc<Kept>>),
    /// It is complete and waits for what must not follow.
    Waits,
    /// Given up for lack of memory.
    Evicted,
    /// It is a match.
    Matched,
    /// The input has ended while it was still open.
    Left,
}

/// A place for a watcher.
pub(crate) type Watcher = Option<Box<dyn Watch>>;

/// Tells a watcher, if there is one.
#[inline]
pub(crate) fn tell(watcher: &mut Watcher, key: &[u8], held: &[Arc<Kept>], fate: Fate<'_>) {
    if let Some(watch) = watcher {
        watch.told(&Change { key, held: Held::Stages(held), fate });
    }
}
