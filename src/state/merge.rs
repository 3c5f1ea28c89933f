//! States apart by join key, and together again.
//!
//! In: a state, or parts of one. Out: parts that know nothing in common, or the whole. Putting together
//! what was split gives the very same bytes. A key belongs to a part by [`key_hash`] alone, whatever
//! the rule, so that all that concerns one key lives in one part. A rule with pipes sees its matches
//! as one list, so that all its keys are in the first part; so are counters and attachments. Losses
//! and time concern every part.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{
    MAX_COUNT, PipeState, RuleCounters, RuleName, RuleState, SavedLoss, State, StateError, key_hash,
};
use crate::event::Kept;
use crate::time::Ordinal;

impl State {
    /// Splits it into `parts` states, at least one. Costs time in proportion to the state, and memory
    /// for what every part must know.
    pub fn split(self, parts: u32) -> Vec<Self> {
        let parts = parts.max(1);
        let apart = |rule: &RuleState| RuleState {
            name: rule.name.clone(),
            kind: rule.kind,
            counters: RuleCounters {
                reached: vec![0; rule.counters.reached.len()],
                ..RuleCounters::default()
            },
            pipes: rule.pipes.iter().map(PipeState::fresh).collect(),
            overflowed: 0,
            keys: BTreeMap::new(),
        };
        let rest = (1..parts).map(|_| Self {
            watermark: self.watermark,
            latest: self.latest,
            losses: self.losses.clone(),
            rules: self.rules.iter().map(apart).collect(),
            ..Self::default()
        });
        let rest: Vec<Self> = rest.collect();
        let mut split = vec![self];
        split.extend(rest);
        let Some((first, rest)) = split.split_first_mut() else { return split };
        for (index, rule) in first.rules.iter_mut().enumerate() {
            if !rule.pipes.is_empty() {
                continue;
            }
            for (key, state) in std::mem::take(&mut rule.keys) {
                let part = part_of(&key, parts);
                let other = part.checked_sub(1).and_then(|part| rest.get_mut(part as usize));
                match other.and_then(|other| other.rules.get_mut(index)) {
                    Some(other) => other.keys.insert(key, state),
                    None => rule.keys.insert(key, state),
                };
            }
        }
        split
    }

    /// Puts parts of one state together, in any order.
    ///
    /// Counters are added up. The latest time of any part counts. A loss that several parts know is one
    /// loss: whoever runs parts tells all of them of it. Events that are the same in two parts become
    /// one.
    ///
    /// # Errors
    ///
    /// When two parts know something of the same key of a rule, or each ran a rule with pipes, or have
    /// different attachments under one name: nothing is guessed.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Result<Self, StateError> {
        let mut whole = Self::default();
        let mut rules: BTreeMap<(RuleName, usize), RuleState> = BTreeMap::new();
        let mut events = Events::default();
        let mut losses = Vec::new();
        for mut part in parts {
            events.unify(&mut part);
            whole.watermark = whole.watermark.max(part.watermark);
            whole.latest = whole.latest.max(part.latest);
            add(&mut whole.counters, &part.counters);
            losses.push(part.losses);
            for (name, bytes) in part.attachments {
                let known = whole.attachments.entry(name.clone()).or_insert_with(|| bytes.clone());
                if *known != bytes {
                    return Err(overlap(&name, "two different attachments of this name"));
                }
            }
            let mut same = 0;
            let mut last: Option<RuleName> = None;
            for rule in part.rules {
                // Rules that are equal in everything are told apart by their order.
                same = if last.as_ref() == Some(&rule.name) { same + 1 } else { 0 };
                last = Some(rule.name.clone());
                match rules.entry((rule.name.clone(), same)) {
                    Entry::Vacant(place) => {
                        place.insert(rule);
                    }
                    Entry::Occupied(mut known) => {
                        join(known.get_mut(), rule)?;
                    }
                }
            }
        }
        whole.losses = join_losses(losses);
        whole.rules = rules.into_values().collect();
        Ok(whole)
    }
}

/// Which of `parts` a key is in.
pub(crate) fn part_of(key: &[u8], parts: u32) -> u32 {
    u32::try_from(key_hash(key) % u64::from(parts.max(1))).unwrap_or_default()
}

fn overlap(of: &str, why: &'static str) -> StateError {
    StateError::Overlap { of: of.to_owned(), why }
}

fn add(to: &mut [u64], more: &[u64]) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to = to.saturating_add(*more).min(MAX_COUNT));
}

/// Adds what another part knows of the same rule.
fn join(known: &mut RuleState, more: RuleState) -> Result<(), StateError> {
    let id = more.name.id;
    let counters = &mut known.counters;
    if known.kind != more.kind
        || counters.reached.len() != more.counters.reached.len()
        || known.pipes.len() != more.pipes.len()
    {
        return Err(overlap(&id, "another kind of rule in two parts"));
    }
    add(&mut counters.plain, &more.counters.plain);
    add(&mut counters.reached, &more.counters.reached);
    if counters.given_up.len() < more.counters.given_up.len() {
        counters.given_up.resize(more.counters.given_up.len(), [0; 3]);
    }
    counters.given_up.iter_mut().zip(&more.counters.given_up).for_each(|(to, from)| add(to, from));
    known.overflowed = known.overflowed.saturating_add(more.overflowed).min(MAX_COUNT);
    let fresh = |pipes: &[PipeState]| pipes.iter().all(PipeState::is_fresh);
    if fresh(&known.pipes) {
        known.pipes = more.pipes;
    } else if !fresh(&more.pipes) {
        return Err(overlap(&id, "its pipes have run in two parts"));
    }
    for (key, state) in more.keys {
        if known.keys.insert(key, state).is_some() {
            return Err(overlap(&id, "a join key in two parts"));
        }
    }
    Ok(())
}

/// The losses that all parts begin with, then those that only some know, by time.
fn join_losses(lists: Vec<Vec<SavedLoss>>) -> Vec<SavedLoss> {
    let mut all = lists.into_iter();
    let mut common = all.next().unwrap_or_default();
    let rest: Vec<_> = all.collect();
    let agrees = |at: usize, loss: &SavedLoss| rest.iter().all(|list| list.get(at) == Some(loss));
    let length = common.iter().zip(0..).take_while(|(loss, at)| agrees(*at, loss)).count();
    // How often each stands in the part that has it most often.
    let mut more: BTreeMap<SavedLoss, usize> = BTreeMap::new();
    for tail in rest.iter().chain([&common]).filter_map(|list| list.get(length..)) {
        let mut here: BTreeMap<SavedLoss, usize> = BTreeMap::new();
        tail.iter().for_each(|loss| *here.entry(*loss).or_default() += 1);
        for (loss, times) in here {
            let most = more.entry(loss).or_default();
            *most = times.max(*most);
        }
    }
    common.truncate(length);
    common.extend(more.into_iter().flat_map(|(loss, times)| std::iter::repeat_n(loss, times)));
    common
}

/// Events of the parts seen so far.
#[derive(Default)]
struct Events {
    known: HashMap<Ordinal, Vec<Arc<Kept>>>,
}

impl Events {
    /// Makes events of `part` that are known from other parts the known ones. Two events of one part
    /// stay two.
    fn unify(&mut self, part: &mut State) {
        let mut new = HashMap::new();
        let mut same: HashMap<*const Kept, Arc<Kept>> = HashMap::new();
        let known = &self.known;
        let mut fresh = Vec::new();
        part.each_event_mut(&mut |event| {
            let unified = same.entry(Arc::as_ptr(event)).or_insert_with(|| {
                let taken = new.entry(event.ordinal).or_insert(0_usize);
                let alike = known.get(&event.ordinal).into_iter().flatten();
                let mut alike = alike.filter(|other| ***other == **event);
                let found = alike.nth(*taken).cloned();
                *taken += 1;
                found.unwrap_or_else(|| {
                    fresh.push(event.clone());
                    event.clone()
                })
            });
            *event = unified.clone();
        });
        for event in fresh {
            self.known.entry(event.ordinal).or_default().push(event);
        }
    }
}
