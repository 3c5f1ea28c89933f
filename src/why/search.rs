//! Second reading of the log: for every key that came near, the events it lacked.
//!
//! In: what each attempt still wanted, and all events again. Out: for each want the events that came
//! nearest to it: of the key but refused by a part, satisfying it but of another key, too late, too
//! early or out of order; and what spoiled an attempt. Memory is bounded by the number of wants.

use std::cmp::Reverse;
use std::sync::Arc;

use super::probe::{Probe, Slot};
use crate::alert::Alert;
use crate::event::{EntityId, Event, Kept};
use crate::machine::key;
use crate::pipeline::{Flow, Live, Observer};
use crate::schema::FieldType;
use crate::time::{Duration, Ordinal, Timestamp};
use crate::value::Value;

/// Values of a field or key column that are told.
const MAX_VALUES: usize = 4;
/// Refusing parts of one event that are told.
const MAX_REFUSED: usize = 4;

/// What a key must be in one column.
#[derive(Debug, Clone)]
pub(super) enum Column {
    /// This value, encoded.
    Exact(Box<[u8]>),
    /// What is shown like this.
    Text(String),
    Any,
}

/// What an attempt lacked.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) item: usize,
    /// By column.
    pub(super) key: Vec<Column>,
    /// It must come behind this event.
    pub(super) after: Option<Ordinal>,
    /// It must not come before this.
    pub(super) from: Option<Timestamp>,
    /// It must not come after this.
    pub(super) until: Option<Timestamp>,
    /// Entity id of the process that the attempt came to last.
    pub(super) kin: Option<EntityId>,
    /// Events that the attempt has already.
    pub(super) used: Vec<Ordinal>,
    /// How many events of a kind are kept.
    pub(super) limit: usize,
    /// Of events that the same parts refuse only the first is kept.
    pub(super) distinct: bool,
    /// Events of the key and the category that came in time, whether they fit or not.
    pub(super) of_key: u64,
    pub(super) near: Vec<Found>,
    pub(super) other_key: Vec<Found>,
    pub(super) fits: Option<Found>,
    pub(super) too_late: Option<Found>,
    pub(super) too_early: Option<Found>,
    pub(super) out_of_order: Option<Found>,
}

impl Want {
    pub(super) fn new(item: usize, key: Vec<Column>, limit: usize) -> Self {
        Self {
            item,
            key,
            after: None,
            from: None,
            until: None,
            kin: None,
            used: Vec::new(),
            limit,
            distinct: true,
            of_key: 0,
            near: Vec::new(),
            other_key: Vec::new(),
            fits: None,
            too_late: None,
            too_early: None,
            out_of_order: None,
        }
    }
}

/// What must not have happened, and when it would have spoiled an attempt.
#[derive(Debug)]
pub(super) struct Spoiler {
    pub(super) item: usize,
    pub(super) key: Vec<Column>,
    /// Bounds, both within.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) found: Option<Arc<Kept>>,
}

/// An event that came near.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) event: Arc<Kept>,
    /// Parts that refused, with the values of their fields.
    pub(super) refused: Vec<Refused>,
    /// All parts that refused, by number.
    refusing: Vec<usize>,
    /// Its process comes from that of the attempt, or the other way round.
    pub(super) kin: bool,
    /// By column: whether it is the same, and the values.
    pub(super) keys: Vec<(bool, Vec<Value>)>,
    rank: (Reverse<u32>, Reverse<bool>, Ordinal),
}

/// A part that refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// `None`: something that is not written in the query.
    pub(super) part: Option<usize>,
    pub(super) values: Vec<(Arc<str>, Vec<Value>)>,
}

/// The second reading.
pub(super) struct Search<'a> {
    pub(super) probe: &'a mut Probe,
    pub(super) wants: Vec<Want>,
    pub(super) spoilers: Vec<Spoiler>,
    pub(super) events: u64,
    latest: Option<Ordinal>,
    live: &'a mut dyn FnMut(&Live),
}

impl<'a> Search<'a> {
    pub(super) fn new(
        probe: &'a mut Probe,
        wants: Vec<Want>,
        spoilers: Vec<Spoiler>,
        live: &'a mut dyn FnMut(&Live),
    ) -> Self {
        Self { probe, wants, spoilers, events: 0, latest: None, live }
    }
}

impl Observer for Search<'_> {
    fn alert(&mut self, _: &Alert) -> Flow {
        Flow::Continue
    }

    fn shows_alerts(&self) -> bool {
        false
    }

    fn read(&mut self, live: &Live) {
        (self.live)(live);
    }

    fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        self.probe.more_fields()
    }

    fn event(&mut self, event: &Event) -> Flow {
        self.events += 1;
        let timed = event.raw().is_timed();
        if !timed && self.probe.kind == "sequence" {
            return Flow::Continue;
        }
        let late = timed && self.latest.is_some_and(|latest| event.ordinal < latest);
        if timed && !late {
            self.latest = Some(event.ordinal);
        }
        self.probe.look(event);
        let mut present = Present { event, late, kept: None };
        for want in &mut self.wants {
            want.offer(self.probe, &mut present);
        }
        let time = event.ordinal.time;
        for spoiler in &mut self.spoilers {
            if spoiler.found.is_none()
                && (spoiler.from..=spoiler.to).contains(&time)
                && let Some(slot) = self.probe.items.get(spoiler.item)
                && let Some(bracket) = self.probe.brackets.get(slot.bracket)
                && self.probe.holds(bracket)
                && same_key(event, slot, &spoiler.key).iter().all(|same| *same)
            {
                spoiler.found = Some(present.keep());
            }
        }
        Flow::Continue
    }
}

/// The event at hand; kept at most once.
struct Present<'a> {
    event: &'a Event,
    late: bool,
    kept: Option<Arc<Kept>>,
}

impl Present<'_> {
    fn keep(&mut self) -> Arc<Kept> {
        self.kept.get_or_insert_with(|| Arc::new(self.event.kept())).clone()
    }

    /// Whether its process comes from that of `entity`, or the other way round.
    fn is_kin(&self, entity: EntityId) -> bool {
        self.event.process().is_some_and(|process| {
            process.entity_id == entity || process.ancestors().any(|a| a.entity_id == entity)
        })
    }
}

impl Want {
    fn offer(&mut self, probe: &Probe, present: &mut Present<'_>) {
        let Some(slot) = probe.items.get(self.item) else { return };
        let Some(bracket) = probe.brackets.get(slot.bracket) else { return };
        let event = present.event;
        if !probe.is_of_category(bracket) || self.used.contains(&event.ordinal) {
            return;
        }
        let holds = probe.holds(bracket);
        let same = same_key(event, slot, &self.key);
        let of_key = same.iter().all(|same| *same);
        let time = event.ordinal.time;
        let behind = self.after.is_none_or(|after| event.ordinal > after);
        let soon = self.until.is_none_or(|until| time <= until);
        let in_time = behind && soon && self.from.is_none_or(|from| time >= from);
        self.of_key += u64::from(in_time && of_key);
        match (holds, of_key) {
            (true, true) => {
                let place = if present.late && (in_time || !behind) {
                    &mut self.out_of_order
                } else if in_time {
                    &mut self.fits
                } else if behind && !soon {
                    &mut self.too_late
                } else {
                    // The nearest is the last one before.
                    self.too_early = None;
                    &mut self.too_early
                };
                if place.is_none() {
                    *place = Some(found(probe, slot, present, same, 1000, false));
                }
            }
            (true, false) if in_time => {
                let equal = same.iter().filter(|same| **same).count();
                let equal = u32::try_from(equal).unwrap_or(u32::MAX);
                let kin = self.kin.is_some_and(|entity| present.is_kin(entity));
                let rank = (Reverse(equal), Reverse(kin), event.ordinal);
                insert(&mut self.other_key, self.limit, rank, |_| {
                    Some(found(probe, slot, present, same, equal, kin))
                });
            }
            (false, true) if in_time => {
                let score = probe.score(bracket);
                let rank = (Reverse(score), Reverse(false), event.ordinal);
                let distinct = self.distinct;
                insert(&mut self.near, self.limit, rank, |list| {
                    let refusing = probe.refusing(bracket);
                    let known = |found: &Found| found.refusing == refusing;
                    let news = !distinct || !list.iter().any(known);
                    news.then(|| found(probe, slot, present, same, score, false))
                });
            }
            _ => {}
        }
    }
}

/// Puts an event among the best if it is one of them.
fn insert(
    list: &mut Vec<Found>,
    limit: usize,
    rank: (Reverse<u32>, Reverse<bool>, Ordinal),
    make: impl FnOnce(&[Found]) -> Option<Found>,
) {
    let place = list.partition_point(|found| found.rank <= rank);
    if place < limit
        && let Some(found) = make(list)
    {
        list.insert(place, found);
        list.truncate(limit);
    }
}

fn found(
    probe: &Probe,
    slot: &Slot,
    present: &mut Present<'_>,
    same: Vec<bool>,
    score: u32,
    kin: bool,
) -> Found {
    let event = present.event;
    let values =
        |field| -> Vec<Value> { event.values(field).take(MAX_VALUES).map(Value::from).collect() };
    let bracket = probe.brackets.get(slot.bracket).filter(|bracket| !probe.holds(bracket));
    let refusing = bracket.map_or_else(Vec::new, |bracket| probe.refusing(bracket));
    let refused = bracket.map_or_else(Vec::new, |bracket| {
        if refusing.is_empty() {
            return vec![Refused { part: None, values: Vec::new() }];
        }
        let parts = refusing.iter().copied().take(MAX_REFUSED);
        let told = parts.filter_map(|number| {
            let fields = bracket.parts.get(number)?.fields.iter();
            let values = fields.map(|field| (probe.field_name(*field), values(*field))).collect();
            Some(Refused { part: Some(number), values })
        });
        told.collect()
    });
    let columns = slot.keys.iter().map(|column| values(column.field));
    Found {
        refused,
        refusing,
        kin,
        keys: same.into_iter().zip(columns).collect(),
        rank: (Reverse(score), Reverse(kin), event.ordinal),
        event: present.keep(),
    }
}

/// By column, whether an event has the value of the key.
fn same_key(event: &Event, slot: &Slot, key: &[Column]) -> Vec<bool> {
    let columns = slot.keys.iter().zip(key);
    let same = columns.map(|(column, wanted)| match wanted {
        Column::Exact(value) => key::has(event, column, value),
        Column::Text(text) => event.values(column.field).any(|value| value.to_string() == *text),
        Column::Any => column.optional || !event.is_missing(column.field),
    });
    same.collect()
}

/// The first and last time at which an event may come that must lie within `window` of all others.
pub(super) fn around(times: &[Timestamp], window: Duration) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    Some((last.minus(window), first.plus(window)))
}
