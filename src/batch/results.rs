//! Matches of one query → its results, in the order in which Elasticsearch lists them.

use std::cmp::Ordering;

use crate::engine::{Match, apply_pipe, compare_keys};
use crate::plan::{Shape, ir};
use crate::value::Value;

/// One event, sequence or sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What names its events, in the order of the items of the query; null for a missing item, or an
    /// event without a name.
    pub events: Vec<Value>,
    /// Its join key. Times are milliseconds in samples, as they are there.
    pub keys: Vec<Value>,
}

/// The results of a query of this shape; `ids` names events by their arrival.
pub(super) fn results(
    shape: Option<&Shape>,
    mut found: Vec<Match>,
    pipes: &[ir::Pipe],
    size: Option<usize>,
    ids: &[Value],
) -> Vec<Found> {
    let sample = matches!(shape, Some(Shape::Sample { .. }));
    if sample {
        // Stable: samples of one key stay in the order in which they were found.
        found.sort_by(keys);
    } else {
        found.sort_by(|a, b| a.last().cmp(&b.last()).then_with(|| keys(a, b)));
    }
    let whole = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    for pipe in pipes {
        match pipe {
            ir::Pipe::Head(count) => found.truncate(whole(*count)),
            ir::Pipe::Tail(count) => tail(&mut found, whole(*count)),
            other => found = apply_pipe(other, found),
        }
    }
    match size {
        Some(size) if sample => found.truncate(size),
        Some(size) => tail(&mut found, size),
        None => {}
    }
    found.into_iter().map(|one| result(one, sample, ids)).collect()
}

fn tail(found: &mut Vec<Match>, count: usize) {
    found.drain(..found.len().saturating_sub(count));
}

/// Column by column; null first, capitals before small letters, false before true.
fn keys(a: &Match, b: &Match) -> Ordering {
    let columns = a.keys.iter().zip(&b.keys);
    columns.fold(Ordering::Equal, |order, (a, b)| order.then_with(|| compare_keys(a, b)))
}

fn result(found: Match, sample: bool, ids: &[Value]) -> Found {
    let id = |arrival: u64| {
        let id = usize::try_from(arrival).ok().and_then(|arrival| ids.get(arrival));
        id.cloned().unwrap_or(Value::Null)
    };
    let events = found.events.iter();
    let key = |value: Value| match value {
        Value::Time(time) if sample => Value::Int(time.as_millis()),
        other => other,
    };
    Found {
        events: events.map(|e| e.as_ref().map_or(Value::Null, |e| id(e.ordinal.arrival))).collect(),
        keys: found.keys.into_iter().map(key).collect(),
    }
}
