//! The order of the events of a closed log.

use std::cmp::Ordering;

use crate::engine::compare_keys;
use crate::event::Json;
use crate::value::Value;

/// The events in their order, each with its place in the file from 0: by time, those without one last;
/// then by tiebreaker, those without one last; then by place.
pub(super) fn ordered(events: Vec<Json>) -> impl Iterator<Item = (u64, Json)> {
    let mut events: Vec<(u64, Json)> = (0..).zip(events).collect();
    // Stable, so that the place decides in the end.
    events.sort_by(|(_, a), (_, b)| {
        let times = last_if_none(a.time(), b.time(), |a, b| a.cmp(&b));
        times.then_with(|| {
            let (a, b) = (a.tiebreaker().map(Value::from), b.tiebreaker().map(Value::from));
            last_if_none(a, b, |a, b| compare_keys(&a, &b))
        })
    });
    events.into_iter()
}

fn last_if_none<T>(a: Option<T>, b: Option<T>, order: impl Fn(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => order(a, b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
