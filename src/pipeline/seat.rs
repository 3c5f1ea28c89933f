//! [`Seat`]: one event on its way through a run, and the memory for it.

use std::sync::Arc;

use crate::engine::Satisfied;
use crate::event::{Event, Host, Projection, Raw, Use};
use crate::process::TableStats;

/// How many events ahead their records are brought near: what takes as long as memory does.
pub(super) const SOON: usize = 3;

/// See the module page.
#[derive(Debug)]
pub(super) struct Seat {
    /// Number of its lane.
    pub(super) lane: usize,
    /// What it was made of, until it is loaded.
    pub(super) raw: Option<Raw>,
    pub(super) host: Option<Arc<Host>>,
    pub(super) event: Event,
    pub(super) satisfied: Satisfied,
    /// What rules can make of it.
    pub(super) of_use: Use,
    /// Parts of it are known to be missing.
    pub(super) incomplete: bool,
    /// The process table behind this event.
    pub(super) processes: TableStats,
}

impl Seat {
    pub(super) fn new(projection: &Projection) -> Self {
        Self {
            lane: 0,
            raw: None,
            host: None,
            event: Event::new(projection.len()),
            satisfied: Satisfied::default(),
            of_use: Use::All,
            incomplete: false,
            processes: TableStats::default(),
        }
    }

    /// Has brought near what it will be loaded from.
    pub(super) fn bring(&self) {
        if let Some(raw) = &self.raw {
            raw.bring();
        }
    }

    /// The event that sits here.
    pub(super) fn event(&self) -> &Event {
        &self.event
    }

    /// Gives the memory of its event away.
    pub(super) fn take_raw(&mut self) -> Raw {
        self.event.take_raw()
    }
}
