//! Programs and their partials: predicate → stage → partial → match.
//!
//! In: a [`Plan`](crate::plan::Plan), lowered once to immutable programs, and then one event after
//! another. Out: [`Match`]es. A machine is a program and its partials; it knows neither rule metadata
//! nor threads, does no input or output and has no clock: time comes from events and from whoever tells
//! it that a timer is past.
//!
//! * `predicate` tells which stages an event satisfies, sharing tests over all rules;
//! * `key` and `table` find the partials of the event's join keys, in one entry for all rules with the
//!   same `by`; `timers` finds those whose time is up;
//! * `sequence` and `sample` are the two state machines;
//! * `pipe` picks, sorts and counts matches; `order` is the order of values;
//! * `ledger` counts what a program holds; `ranks` says which partials go first when memory runs out;
//! * `watch` tells whoever asked what becomes of partials.

pub(crate) mod expr;
pub(crate) mod key;
pub(crate) mod ledger;
mod literals;
mod order;
pub(crate) mod pipe;
pub(crate) mod predicate;
pub(crate) mod ranks;
pub(crate) mod sample;
pub(crate) mod sequence;
pub(crate) mod table;
pub(crate) mod test;
mod timers;
mod watch;

use std::sync::Arc;

use smallvec::SmallVec;

pub use order::compare_keys;
pub use pipe::apply as apply_pipe;
pub use watch::{Change, Fate, Held, Watch};

use crate::event::{Event, Kept};
use crate::plan::RuleIx;
use crate::time::{Ordinal, Timestamp};
use crate::value::Value;

/// The events of a match, one for each item. Most have one or two, which take no memory of their own.
pub type Events = SmallVec<[Option<Arc<Kept>>; 2]>;

/// Events that together satisfy a rule.
#[derive(Debug, Clone)]
pub struct Match {
    /// The rule.
    pub rule: RuleIx,
    /// The join key, one value per column.
    pub keys: Vec<Value>,
    /// One event per item after unrolling `runs`; `None` for a missing item.
    pub events: Events,
    /// The event time at which it was certain: that of the last event, or the end of the wait for a
    /// missing item.
    pub decided: Timestamp,
    /// Whether it says that something did *not* happen, so that a lost event could make it wrong.
    pub absence: bool,
    /// For how many matches it stands, behind a pipe that counts.
    pub counted: Option<Counted>,
}

/// What a pipe has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counted {
    /// Matches that have the same values as this one in the fields of the pipe.
    pub matches: u64,
    /// All matches.
    pub of: u64,
}

impl Match {
    /// The events that are there, in item order.
    pub fn present(&self) -> impl Iterator<Item = &Arc<Kept>> {
        self.events.iter().flatten()
    }

    /// Order of the last event, by which results are listed.
    pub fn last(&self) -> Option<Ordinal> {
        self.present().map(|event| event.ordinal).max()
    }

    /// Order of the first event.
    pub fn first(&self) -> Option<Ordinal> {
        self.present().map(|event| event.ordinal).min()
    }
}

/// What became of the partials of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleStats {
    /// Events that satisfied a stage, by item number; the fate of a rule that does not fire.
    pub reached: Vec<u64>,
    /// Partials begun.
    pub begun: u64,
    /// Partials that gave way to a newer one.
    pub replaced: u64,
    /// Partials whose time was up (maxspan or the sample window).
    pub expired: u64,
    /// Partials ended by `until`.
    pub cut: u64,
    /// Partials given up for lack of memory.
    pub evicted: u64,
    /// The same by the number of items reached and by cause. Place 0 is what is known of missing items
    /// in front. As long as it has to be; empty when nothing was given up.
    pub given_up: Vec<GivenUp>,
    /// Complete but for a missing item that did occur.
    pub rejected: u64,
    /// Matches.
    pub matches: u64,
}

impl RuleStats {
    /// Counts partials given up.
    fn give_up(&mut self, stage: u32, cause: Cause, count: u64) {
        let stage = stage as usize;
        if count > 0 && self.given_up.len() <= stage {
            self.given_up.resize(stage + 1, GivenUp::default());
        }
        if let Some(given_up) = self.given_up.get_mut(stage) {
            let counter = match cause {
                Cause::Total => &mut given_up.total,
                Cause::Rule => &mut given_up.rule,
                Cause::Host => &mut given_up.host,
            };
            *counter += count;
        }
        self.evicted += count;
    }
}

/// Partials given up for lack of memory, by the bound that was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// That of all partials together.
    pub total: u64,
    /// That of the rule.
    pub rule: u64,
    /// That of the host on which they began.
    pub host: u64,
}

/// Which bound was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Total,
    Rule,
    Host,
}

/// What was given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evicted {
    /// Partials; none when what was to be given up had gone already.
    pub(crate) count: u64,
    /// When they would have expired.
    pub(crate) expires: Timestamp,
}

/// An event on its way through the machines; kept at most once, however many partials want it.
#[derive(Debug)]
pub(crate) struct Offer<'a> {
    pub(crate) event: &'a Event,
    /// It came behind later events: partials it would move back in time stay as they are.
    pub(crate) late: bool,
    kept: Option<Arc<Kept>>,
}

impl<'a> Offer<'a> {
    pub(crate) fn new(event: &'a Event, late: bool) -> Self {
        Self { event, late, kept: None }
    }

    pub(crate) fn ordinal(&self) -> Ordinal {
        self.event.ordinal
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.event.ordinal.time
    }

    /// The event for keeps.
    pub(crate) fn keep(&mut self) -> Arc<Kept> {
        self.kept.get_or_insert_with(|| Arc::new(self.event.kept())).clone()
    }
}
