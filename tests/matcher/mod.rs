//! A second implementation of sequences and samples, as plain as it can be: the oracle.
//!
//! In: a checked query and all events in order. Out: what it finds, in the order in which that is
//! certain. It looks at the whole log at once, keeps lists where the machines keep tables, has no
//! timers and forgets nothing, so that it can be read beside the description of the language. It
//! shares the parser and the checker with the engine and nothing behind them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is wrong"
)]
#![allow(dead_code, reason = "every test program uses its own part of this")]

pub(crate) mod drive;
pub(crate) mod random;

use catena::check::ir::{Cond, Item, Leaf, Order, Pipe, Query, QueryKind, Sequence, Test};
use catena::rule::RuleOptions;
use catena::time::{Ordinal, Timestamp};
use catena::value::Value;

/// An event of a test: its number is `ordinal.arrival`.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    pub(crate) ordinal: Ordinal,
    pub(crate) fields: Vec<(String, Vec<Value>)>,
}

impl Happening {
    pub(crate) fn values(&self, field: &str) -> &[Value] {
        self.fields.iter().find(|(name, _)| name == field).map_or(&[], |(_, values)| values)
    }

    fn time(&self) -> Timestamp {
        self.ordinal.time
    }
}

/// What was found: the numbers of the events, `None` for a missing item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) keys: Vec<Value>,
    pub(crate) events: Vec<Option<u64>>,
    pub(crate) decided: Timestamp,
}

type Key = Vec<Value>;

/// Everything `query` finds in `events`, which are in order.
pub(crate) fn find(query: &Query, options: &RuleOptions, events: &[Happening]) -> Vec<Found> {
    let mut found = match &query.kind {
        QueryKind::Event(filter) => {
            let fits = events.iter().filter(|event| holds(&filter.condition, event));
            fits.map(single).collect()
        }
        QueryKind::Sequence(sequence) => {
            // The window of a rule stands in for a maxspan that is not there.
            let maxspan = sequence.maxspan.or(options.window);
            find_sequences(&Sequence { maxspan, ..sequence.clone() }, events)
        }
        QueryKind::Sample(items) => find_samples(items, options, events),
    };
    for pipe in &query.pipes {
        match pipe {
            Pipe::Head(n) => found.truncate(usize::try_from(*n).unwrap()),
            Pipe::Tail(n) => {
                let skip = found.len().saturating_sub(usize::try_from(*n).unwrap());
                found.drain(..skip);
            }
            other => panic!("the oracle knows no {other:?}"),
        }
    }
    found
}

fn single(event: &Happening) -> Found {
    let events = vec![Some(event.ordinal.arrival)];
    Found { keys: Vec::new(), events, decided: event.time() }
}

// ---------------------------------------------------------------- sequences

/// A finished positive part that was accepted.
struct Accepted {
    key: Key,
    chain: Vec<usize>,
    decided: Timestamp,
    waited: bool,
}

fn find_sequences(sequence: &Sequence, events: &[Happening]) -> Vec<Found> {
    let items: Vec<&Item> = unrolled(&sequence.items);
    let positives: Vec<&Item> = items.iter().copied().filter(|item| !item.missing).collect();
    let last = positives.len() - 1;
    let mut slots: Vec<(usize, Key, Vec<usize>)> = Vec::new();
    let mut accepted: Vec<Accepted> = Vec::new();
    for (now, event) in events.iter().enumerate() {
        // Last stage first, so that an event fills at most one stage of one partial.
        for stage in (0..=last).rev() {
            for key in keys(event, positives[stage]) {
                let mut chain = Vec::new();
                if stage > 0 {
                    let waiting = slots.iter().position(|(s, k, _)| *s == stage - 1 && *k == key);
                    let Some(waiting) = waiting else { continue };
                    chain = slots.remove(waiting).2;
                    let span = event.time().since(events[chain[0]].time());
                    if sequence.maxspan.is_some_and(|maxspan| span > maxspan) {
                        continue;
                    }
                    // The newest `until` before this event, at or after the partial's last one.
                    let mut between = events[chain[stage - 1]..now].iter();
                    let until = sequence.until.as_deref();
                    if until.is_some_and(|until| between.any(|e| keys(e, until).contains(&key))) {
                        continue;
                    }
                }
                chain.push(now);
                if stage == last {
                    accepted.extend(accept(sequence, &items, key, chain, events));
                } else {
                    slots.retain(|(s, k, _)| *s != stage || *k != key);
                    slots.push((stage, key, chain));
                }
            }
        }
    }
    accepted.sort_by(|a, b| {
        let rank = |x: &Accepted| (x.decided, x.waited, x.chain.last().copied());
        let first = |x: &Accepted| x.waited.then(|| x.chain[0]);
        rank(a).cmp(&rank(b)).then(first(a).cmp(&first(b))).then_with(|| by_key(&a.key, &b.key))
    });
    accepted
        .into_iter()
        .map(|Accepted { key, chain, decided, .. }| {
            let mut chain = chain.into_iter().map(|index| events[index].ordinal.arrival);
            let events = items.iter().map(|item| if item.missing { None } else { chain.next() });
            Found { events: events.collect(), keys: key, decided }
        })
        .collect()
}

/// The check for missing items, on times alone.
fn accept(
    sequence: &Sequence,
    items: &[&Item],
    key: Key,
    chain: Vec<usize>,
    events: &[Happening],
) -> Option<Accepted> {
    let first = events[chain[0]].time();
    let last = events[chain[chain.len() - 1]].time();
    let (mut leading, mut trailing) = (None::<Timestamp>, None::<Timestamp>);
    let mut has_trailing = false;
    let (mut has_leading, mut before) = (false, 0);
    for item in items {
        if !item.missing {
            before += 1;
            continue;
        }
        let fits = events.iter().filter(|event| keys(event, item).contains(&key));
        let times = fits.map(Happening::time);
        if before == 0 {
            has_leading = true;
            leading = leading.max(times.filter(|time| *time < first).max());
        } else if before == chain.len() {
            has_trailing = true;
            let earliest = times.filter(|time| *time > last).min();
            trailing = trailing.into_iter().chain(earliest).min();
        } else {
            let gap = events[chain[before - 1]].time()..events[chain[before]].time();
            if times.into_iter().any(|time| gap.start < time && time < gap.end) {
                return None;
            }
        }
    }
    let at_once = Some((last, false));
    let maxspan = sequence.maxspan.unwrap_or_default();
    // Until when the trailing items must not happen.
    let wait = |from: Timestamp| {
        let deadline = from.plus(maxspan);
        if trailing.is_some_and(|time| time <= deadline) {
            None
        } else if deadline < last {
            at_once
        } else {
            Some((deadline, true))
        }
    };
    let (decided, waited) = match (has_leading, has_trailing, leading) {
        (false, false, _) | (true, _, None) => at_once?,
        (true, false, Some(leading)) if last.since(leading) > maxspan => at_once?,
        (true, false, Some(_)) => return None,
        (false, true, _) => wait(first)?,
        (true, true, Some(leading)) => wait(leading)?,
    };
    Some(Accepted { key, chain, decided, waited })
}

// ---------------------------------------------------------------- samples

/// What is known about one key.
struct Pending {
    key: Key,
    lists: Vec<Vec<usize>>,
    reported: usize,
    newest_sample: Timestamp,
}

fn find_samples(items: &[Item], options: &RuleOptions, events: &[Happening]) -> Vec<Found> {
    let per_key = options.samples_per_key.max(1);
    let room = items.len() + per_key - 1;
    let mut pending: Vec<Pending> = Vec::new();
    let mut found = Vec::new();
    for (now, event) in events.iter().enumerate() {
        let mut all: Vec<Key> = items.iter().flat_map(|item| keys(event, item)).collect();
        all.sort_by(|a, b| by_key(a, b));
        all.dedup();
        for key in all {
            let known = pending.iter().position(|known| known.key == key);
            let known = known.unwrap_or_else(|| {
                let (lists, newest_sample) = (vec![Vec::new(); items.len()], Timestamp::MIN);
                pending.push(Pending { key: key.clone(), lists, reported: 0, newest_sample });
                pending.len() - 1
            });
            let known = &mut pending[known];
            if let Some(window) = options.window {
                let oldest = event.time().minus(window);
                known.lists.iter_mut().for_each(|l| l.retain(|i| events[*i].time() >= oldest));
                if known.newest_sample < oldest {
                    known.reported = 0;
                }
            }
            if known.reported == per_key {
                continue;
            }
            for (list, item) in known.lists.iter_mut().zip(items) {
                if keys(event, item).contains(&key) {
                    if list.len() == room && options.window.is_some() {
                        list.remove(0);
                    }
                    if list.len() < room {
                        list.push(now);
                    }
                }
            }
            for choice in choices(&known.lists) {
                if known.reported < per_key && choice.contains(&now) {
                    known.reported += 1;
                    known.newest_sample = event.time();
                    let ids = choice.iter().map(|index| Some(events[*index].ordinal.arrival));
                    let (events, keys) = (ids.collect(), key.clone());
                    found.push(Found { keys, events, decided: event.time() });
                }
            }
            if known.reported == per_key {
                known.lists.iter_mut().for_each(Vec::clear);
            }
        }
    }
    found
}

/// Every way to take one event from each list, all distinct; the first list turns slowest.
fn choices(lists: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let Some((last, before)) = lists.split_last() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for choice in choices(before) {
        for event in last.iter().filter(|event| !choice.contains(event)) {
            all.push(choice.iter().copied().chain([*event]).collect());
        }
    }
    all
}

// ---------------------------------------------------------------- items, keys, conditions

fn unrolled(items: &[Item]) -> Vec<&Item> {
    items.iter().flat_map(|item| (0..item.runs).map(move |_| item)).collect()
}

/// The keys under which an event counts for an item: none when it does not fit or a mandatory key is
/// missing, one for each combination of values otherwise.
pub(crate) fn keys(event: &Happening, item: &Item) -> Vec<Key> {
    let mut keys = Vec::new();
    if holds(&item.filter.condition, event) {
        keys.push(Key::new());
    }
    for column in &item.keys {
        let mut values = event.values(&column.field.name).to_vec();
        if values.is_empty() && column.optional {
            values.push(Value::Null);
        }
        let extend = |key: Key| {
            let with = |value: &Value| key.iter().chain([value]).cloned().collect::<Key>();
            values.iter().map(with).collect::<Vec<_>>()
        };
        keys = keys.into_iter().flat_map(extend).collect();
    }
    keys
}

/// Conditions as the tests write them: on text, and on whether there is a value.
fn holds(condition: &Cond, event: &Happening) -> bool {
    match condition {
        Cond::Const(value) => *value,
        Cond::Not(inner) => !holds(inner, event),
        Cond::And(all) => all.iter().all(|c| holds(c, event)),
        Cond::Or(any) => any.iter().any(|c| holds(c, event)),
        Cond::Leaf(Leaf::Test(field, test)) => {
            let values = event.values(&field.name);
            match test {
                Test::Missing => values.is_empty(),
                Test::Present => !values.is_empty(),
                Test::Compare(Order::GreaterEqual, Value::Int(least)) => {
                    values.iter().any(|value| matches!(value, Value::Int(i) if i >= least))
                }
                Test::In(wanted) => values.iter().any(|value| wanted.contains(value)),
                other => panic!("the oracle does not know {other:?}"),
            }
        }
        Cond::Leaf(other) => panic!("the oracle does not know {other:?}"),
    }
}

/// Order of keys in results: null first, then numbers, then text.
fn by_key(a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    let plain = |key: &[Value]| -> Vec<(u8, i64, String)> {
        let one = |value: &Value| match value {
            Value::Null => (0, 0, String::new()),
            Value::Int(i) => (1, *i, String::new()),
            other => (2, 0, other.to_string()),
        };
        key.iter().map(one).collect()
    };
    plain(a).cmp(&plain(b))
}
