//! [`Worker`]: does what can be done to events side by side.
//!
//! In: events on their [`Seat`]s. Out: the same with their fields, and with the stages they satisfy. A worker has
//! no state that could reach a result: any of them may do any event.

use std::sync::Arc;

use super::seat::Seat;
use crate::engine::Sieve;
use crate::event::{Projection, Raw, Selections, Use};

/// See the module page.
#[derive(Debug)]
pub(super) struct Worker {
    projection: Arc<Projection>,
    sieve: Sieve,
    /// What is asked of the classes of events; `None` when every event is to be filled in.
    selections: Option<Selections>,
    /// Events that no rule could use.
    passed: u64,
}

impl Worker {
    /// With `fills_all` every event gets all fields, also one that no rule can use.
    pub(super) fn new(projection: &Arc<Projection>, sieve: Sieve, fills_all: bool) -> Self {
        Self {
            projection: projection.clone(),
            sieve,
            selections: (!fills_all).then(Selections::default),
            passed: 0,
        }
    }

    /// Fills in the fields of the records, as far as rules can use them.
    pub(super) fn load(&mut self, seat: &mut Seat) {
        let Some(raw) = seat.raw.take() else { return };
        let host = seat.host.take();
        seat.incomplete = raw.is_incomplete();
        match raw {
            Raw::Audit(group) => {
                let selections = self.selections.as_ref();
                seat.of_use = seat.event.load_selected(group, &self.projection, host, selections);
                self.learn(seat);
            }
            Raw::Json(json) => {
                seat.of_use = match json.told() {
                    _ if json.is_spent() => Use::None,
                    Some(_) => Use::Told,
                    None => Use::All,
                };
                seat.event.load_json(json, host);
            }
        }
    }

    /// Finds out what is asked of the class of an event, when that is not known and all of it is filled in.
    fn learn(&mut self, seat: &mut Seat) {
        if let (Use::Unknown(class), Some(selections)) = (seat.of_use, &mut self.selections) {
            seat.of_use = Use::All;
            if let Some(selection) = self.sieve.select(&seat.event) {
                selections.learn(class, selection);
            }
        }
    }

    /// Fills in the fields of the context and finds the stages.
    pub(super) fn sift(&mut self, seat: &mut Seat) {
        if seat.of_use == Use::None {
            self.passed += 1;
            return self.sieve.pass(&mut seat.satisfied);
        }
        if let (Use::Told, Raw::Json(json)) = (seat.of_use, seat.event.raw()) {
            return seat.satisfied.replace(json.told().unwrap_or_default());
        }
        if let Use::Known(remainder) = seat.of_use {
            let fields = self.sieve.fields_left(remainder);
            seat.event.add_context(&self.projection, fields.iter().copied());
            return self.sieve.sift_rest(&seat.event, remainder, &mut seat.satisfied);
        }
        seat.event.add_all_context(&self.projection);
        self.sieve.sift(&seat.event, &mut seat.satisfied);
    }

    /// Events that no rule could use.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Values whose tests were remembered, and all that were looked up.
    pub(super) fn remembered(&self) -> (u64, u64) {
        self.sieve.remembered()
    }
}
