//! First reading of the log: how far the keys came, what became of them, and what each test let pass.
//!
//! In: events, alerts and fates of partials as a run tells of them. Out: the keys that came nearest, and
//! counts. Memory is bounded: of all partials that ended only the furthest are kept, one a key.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::probe::Probe;
use crate::alert::Alert;
use crate::engine::{Change, Fate, Held, Watch};
use crate::event::{Event, Kept};
use crate::pipeline::{Flow, Live, Observer};
use crate::plan::RuleIx;
use crate::schema::FieldType;
use crate::time::{Ordinal, Timestamp};
use crate::value::Value;

/// Keys kept beside those to be shown, in case some of them turn out to have fired.
const SPARE: usize = 256;
/// Keys that fired, remembered by name; more are only counted.
const MAX_FIRED: usize = 4096;
/// Alerts of one key that are named.
const MAX_IDS: usize = 3;

/// Which keys are asked about: column, if one was named, and value.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    /// By column; `None` where any value will do.
    pub(super) columns: Vec<Option<String>>,
}

impl Selection {
    pub(super) fn is_all(&self) -> bool {
        self.columns.iter().all(Option::is_none)
    }

    fn admits(&self, keys: &[Value]) -> bool {
        let pairs = self.columns.iter().zip(keys);
        pairs
            .into_iter()
            .all(|(wanted, key)| wanted.as_ref().is_none_or(|wanted| *wanted == key.to_string()))
    }
}

/// How a partial ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    Left,
    Expired,
    Cut(Arc<Kept>),
    Rejected(Option<Arc<Kept>>),
    Replaced,
    Evicted,
}

/// A partial that ended without a match.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// Encoded.
    pub(super) key: Box<[u8]>,
    /// By item.
    pub(super) events: Vec<Option<Arc<Kept>>>,
    pub(super) reached: usize,
    pub(super) last: Ordinal,
    pub(super) end: End,
}

impl Attempt {
    fn rank(&self) -> (usize, Ordinal) {
        (self.reached, self.last)
    }
}

/// What partials told.
#[derive(Debug)]
pub(super) struct Fates {
    keep: usize,
    selection: Selection,
    /// By positive item number: number of the item among all.
    positives: Vec<usize>,
    items: usize,
    attempts: Vec<Attempt>,
    /// What ranks lower than this is not among the furthest.
    floor: Option<(usize, Ordinal)>,
    /// By item: events that satisfied it and lack a key, and the first of them.
    pub(super) no_key: Vec<(u64, Option<Arc<Kept>>)>,
    /// By item: events that satisfied it and found no partial of their key.
    pub(super) alone: Vec<u64>,
    /// By item: events that satisfied it and came out of order.
    pub(super) late: Vec<u64>,
    /// Matches, before pipes.
    pub(super) matched: u64,
}

impl Fates {
    fn end(&mut self, change: &Change<'_>, end: End) {
        if !self.selection.is_all() && !self.selection.admits(&change.keys()) {
            return;
        }
        let (reached, last) = match change.held {
            Held::Stages(events) => (events.len(), events.last().map(|event| event.ordinal)),
            Held::Items(events) => {
                let present = || events.iter().flatten();
                (present().count(), present().map(|event| event.ordinal).max())
            }
        };
        let Some(last) = last else { return };
        if self.floor.is_some_and(|floor| (reached, last) < floor) {
            return;
        }
        let events = match change.held {
            Held::Items(events) => events.to_vec(),
            Held::Stages(stages) => {
                let mut events = vec![None; self.items];
                for (item, event) in self.positives.iter().zip(stages) {
                    if let Some(place) = events.get_mut(*item) {
                        *place = Some(event.clone());
                    }
                }
                events
            }
        };
        self.attempts.push(Attempt { key: change.key.into(), events, reached, last, end });
        if self.attempts.len() > 2 * self.keep {
            self.thin();
        }
    }

    /// Keeps the furthest attempts, one a key.
    fn thin(&mut self) {
        let rank = |attempt: &Attempt| std::cmp::Reverse(attempt.rank());
        self.attempts.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.key.cmp(&b.key)));
        let mut seen: HashSet<Box<[u8]>> = HashSet::new();
        self.attempts.retain(|attempt| seen.insert(attempt.key.clone()));
        self.attempts.truncate(self.keep);
        if self.attempts.len() == self.keep {
            self.floor = self.attempts.last().map(Attempt::rank);
        }
    }

    /// The furthest attempts, one a key, the furthest first.
    pub(super) fn furthest(&mut self) -> Vec<Attempt> {
        self.thin();
        std::mem::take(&mut self.attempts)
    }

    fn count(list: &mut [u64], item: usize) {
        if let Some(count) = list.get_mut(item) {
            *count += 1;
        }
    }
}

/// The end that is told to the machines.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Fates>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Fates> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Shared {
    fn told(&mut self, change: &Change<'_>) {
        let mut fates = self.lock();
        match change.fate {
            Fate::Begun | Fate::Advanced(_) | Fate::Waits | Fate::Spoiled(_) => {}
            Fate::Matched => fates.matched += 1,
            Fate::NoKey(item, event) => {
                if let Some((count, first)) = fates.no_key.get_mut(item) {
                    *count += 1;
                    first.get_or_insert_with(|| event.clone());
                }
            }
            Fate::Alone(item, _) => Fates::count(&mut fates.alone, item),
            Fate::Late(item, _) => Fates::count(&mut fates.late, item),
            Fate::Replaced => fates.end(change, End::Replaced),
            Fate::Expired(_) => fates.end(change, End::Expired),
            Fate::Cut(by) => fates.end(change, End::Cut(by.clone())),
            Fate::Rejected(by) => fates.end(change, End::Rejected(by.cloned())),
            Fate::Evicted => fates.end(change, End::Evicted),
            Fate::Left => fates.end(change, End::Left),
        }
    }
}

/// Alerts of one key.
#[derive(Debug, Clone)]
pub(super) struct Fired {
    pub(super) keys: Vec<(Arc<str>, Value)>,
    pub(super) ids: Vec<String>,
    pub(super) count: u64,
    pub(super) last: Timestamp,
    /// In which order keys fired first.
    pub(super) number: usize,
}

/// What a bracket let pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed {
    pub(super) of_category: u64,
    pub(super) satisfied: u64,
    /// By part, among events of the category.
    pub(super) parts: Vec<u64>,
}

/// The first reading.
pub(super) struct Gather<'a> {
    pub(super) probe: &'a mut Probe,
    pub(super) fates: Shared,
    pub(super) passed: Vec<Passed>,
    /// By field: events that have it.
    pub(super) present: Vec<u64>,
    pub(super) events: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) fired: HashMap<String, Fired>,
    selection: Selection,
    live: &'a mut dyn FnMut(&Live),
}

impl<'a> Gather<'a> {
    pub(super) fn new(
        probe: &'a mut Probe,
        selection: Selection,
        limit: usize,
        live: &'a mut dyn FnMut(&Live),
    ) -> Self {
        let items = probe.items.len();
        let numbered = probe.items.iter().enumerate();
        let fates = Fates {
            keep: limit.saturating_add(SPARE),
            selection: selection.clone(),
            positives: numbered.filter(|(_, item)| !item.missing).map(|(n, _)| n).collect(),
            items,
            attempts: Vec::new(),
            floor: None,
            no_key: vec![(0, None); items],
            alone: vec![0; items],
            late: vec![0; items],
            matched: 0,
        };
        let passed = probe
            .brackets
            .iter()
            .map(|bracket| Passed { parts: vec![0; bracket.parts.len()], ..Passed::default() });
        Self {
            fates: Shared(Arc::new(Mutex::new(fates))),
            passed: passed.collect(),
            present: vec![0; probe.field_count()],
            probe,
            events: 0,
            first: None,
            last: None,
            fired: HashMap::new(),
            selection,
            live,
        }
    }
}

/// The name of a key in tables.
pub(super) fn key_name(keys: impl Iterator<Item = Value>) -> String {
    // Lengths keep neighbours apart; the kind is part of the text only where it is seen.
    keys.map(|key| key.to_string()).map(|text| format!("{}:{text};", text.len())).collect()
}

impl Observer for Gather<'_> {
    fn alert(&mut self, alert: &Alert) -> Flow {
        let keys: Vec<Value> = alert.keys.iter().map(|(_, value)| value.clone()).collect();
        if !self.selection.admits(&keys) {
            return Flow::Continue;
        }
        let number = self.fired.len();
        let name = key_name(keys.into_iter());
        if number >= MAX_FIRED && !self.fired.contains_key(&name) {
            return Flow::Continue;
        }
        let fired = self.fired.entry(name).or_insert_with(|| Fired {
            keys: alert.keys.clone(),
            ids: Vec::new(),
            count: 0,
            last: alert.last,
            number,
        });
        fired.count += 1;
        fired.last = fired.last.max(alert.last);
        if fired.ids.len() < MAX_IDS {
            fired.ids.push(alert.id.clone());
        }
        Flow::Continue
    }

    fn read(&mut self, live: &Live) {
        (self.live)(live);
    }

    fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        self.probe.more_fields()
    }

    fn watch(&mut self, _: RuleIx) -> Option<Box<dyn Watch>> {
        Some(Box::new(self.fates.clone()))
    }

    fn event(&mut self, event: &Event) -> Flow {
        self.events += 1;
        if event.raw().is_timed() {
            let time = event.ordinal.time;
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = self.last.max(Some(time));
        }
        self.probe.look(event);
        for (bracket, passed) in self.probe.brackets.iter().zip(&mut self.passed) {
            if !self.probe.is_of_category(bracket) {
                continue;
            }
            passed.of_category += 1;
            passed.satisfied += u64::from(self.probe.holds(bracket));
            for (part, count) in bracket.parts.iter().zip(&mut passed.parts) {
                *count += u64::from(self.probe.part_holds(part));
            }
        }
        for (number, count) in (0..).zip(&mut self.present) {
            *count += u64::from(!event.is_missing(crate::schema::FieldId(number)));
        }
        Flow::Continue
    }
}
