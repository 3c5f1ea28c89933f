//! [`Screen`]: tests JSON events before they wait for their turn.
//!
//! In: events as they are read. Out: the same events, with what they satisfy; those that satisfy nothing without
//! their line and values, of which nobody will ask for any more. What waits for seconds of event time is in no near
//! cache when its turn comes, and a line of JSON is long: what need not wait is not brought back either. An event
//! stands by itself, so that what it satisfies is the same now and later. With several threads the one that reads
//! has enough to do; then others test the events when they have waited.

use std::sync::Arc;

use crate::engine::{Satisfied, Sieve};
use crate::event::{Event, Json, Projection};

/// See the module page.
#[derive(Debug)]
pub(super) struct Screen {
    event: Event,
    sieve: Sieve,
    satisfied: Satisfied,
}

impl Screen {
    pub(super) fn new(projection: &Arc<Projection>, sieve: Sieve) -> Self {
        Self { event: Event::new(projection.len()), sieve, satisfied: Satisfied::default() }
    }

    /// The event as it is to wait; what it no longer needs is left in `spare`.
    pub(super) fn look(&mut self, json: Json, spare: &mut Option<Json>) -> Json {
        self.event.load_json(json, None);
        self.sieve.sift(&self.event, &mut self.satisfied);
        let mut json = self.event.unload_json();
        // What was left untried is counted when it is tested again.
        let Some(numbers) = self.satisfied.numbers() else { return json };
        if numbers.len() > 0 {
            json.tell(numbers);
            return json;
        }
        *spare = Some(json.spend());
        json
    }
}
