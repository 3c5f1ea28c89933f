//! [`Screen`]: tests JSON events before they wait for their turn.
//!
//! In: events as they are read. Out: the same events, with what they satisfy; those that satisfy nothing without
//! their line and values, of which nobody will ask for any more. What waits for seconds of event time is in no near
//! cache when its turn comes, and a line of JSON is long: what need not wait is not brought back either. An event
//! stands by itself, so that what it satisfies is the same now and later. With several threads the one that reads
//! has enough to do; then others test the events when they have waited.

use std::time::Duration;

use super::meter::{Sampler, Time};
use super::seat::Seat;
use super::worker::Worker;
use crate::event::{Json, Raw};

/// See the module page.
#[derive(Debug)]
pub(super) struct Screen {
    worker: Worker,
    seat: Seat,
    /// What that costs, when it is measured.
    sampler: Option<Sampler>,
}

impl Screen {
    /// `seat` is an empty one.
    pub(super) fn new(worker: Worker, seat: Seat, measure: Option<Time>) -> Self {
        Self { worker, seat, sampler: measure.map(Sampler::new) }
    }

    /// An event as it is to wait; what it no longer needs is left in `spare`.
    pub(super) fn look(&mut self, json: Json, spare: &mut Option<Json>) -> Json {
        if let Some(sampler) = &mut self.sampler {
            sampler.begin();
        }
        let seat = &mut self.seat;
        seat.raw = Some(Raw::Json(json));
        self.worker.load(seat);
        self.worker.sift(seat);
        let mut json = seat.event.unload_json();
        // What was left untried is counted when it is tested again.
        if let Some(numbers) = seat.satisfied.numbers() {
            if numbers.len() > 0 {
                json.tell(numbers);
            } else {
                *spare = Some(json.spend());
            }
        }
        if let Some(sampler) = &mut self.sampler {
            sampler.end();
        }
        json
    }

    /// What that took, where it is measured.
    pub(super) fn spent(&self) -> Duration {
        self.sampler.as_ref().map(Sampler::spent).unwrap_or_default()
    }

    /// Values whose tests were remembered, and all that were looked up.
    pub(super) fn remembered(&self) -> (u64, u64) {
        self.worker.remembered()
    }
}
