//! An engine's state as a value and back.
//!
//! In: an engine between two events, or a [`State`] and a rule set. Out: the other. Rules find their
//! state by id, logic and options; what belongs to no rule, or to one that has changed, is named and
//! left out. What follows from the rest, such as timers, bytes and what goes first when memory runs out,
//! is not in the value: it is found again.

use std::collections::{BTreeMap, VecDeque};

use super::hosts::Hosts;
use super::state::Machine;
use super::tables::Tables;
use super::{Engine, Loss, LossKind, changed};
use crate::machine::key::KeyScratch;
use crate::machine::pipe::Pipes;
use crate::machine::{GivenUp, RuleStats};
use crate::plan::RuleIx;
use crate::state::{
    KeyState, Kind, RuleCounters, RuleName, RuleState, SavedLoss, State, StateError,
};

/// What [`Engine::import`] has done with the rules of a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Number of rules that go on from where they were.
    pub kept: usize,
    /// Ids of rules that were known with another logic or other options, and begin anew.
    pub changed: Vec<String>,
    /// Ids of rules that are not in the rule set any more; what was known of them is given up.
    pub gone: Vec<String>,
    /// Ids of rules of which the state knows nothing, and which begin empty.
    pub new: Vec<String>,
}

/// The kinds of losses by their numbers in a state, which never change.
const KINDS: [LossKind; 5] =
    [LossKind::Gap, LossKind::Late, LossKind::Evicted, LossKind::Incomplete, LossKind::Malformed];

impl Engine {
    /// Everything that decides what it will find, and its counters, as a value. An engine that imports
    /// it finds the same as this one from here on.
    ///
    /// Looks at every partial; events are shared with it, not copied. Of several parts that were given the
    /// same events ([`Engine::confine`]) the first alone counts them.
    pub fn export(&self) -> State {
        let counts = self.part.is_none_or(|(part, _)| part == 0);
        let keys = self.tables.saved(self.machines.len());
        let mut rules: Vec<RuleState> = (0..)
            .zip(self.machines.iter().zip(&self.pipes).zip(keys))
            .map(|(number, ((machine, pipes), keys))| RuleState {
                name: self.rule_name(RuleIx(number)),
                kind: machine.kind(),
                counters: counters(&machine.stats(), counts),
                pipes: pipes.saved(),
                overflowed: pipes.overflowed(),
                keys,
            })
            .collect();
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        let stats = self.stats();
        let losses = self.losses.list.iter().map(|loss| SavedLoss {
            from: loss.from,
            to: loss.to,
            kind: KINDS
                .iter()
                .zip(0..)
                .find_map(|(k, n)| (*k == loss.kind).then_some(n))
                .unwrap_or(0),
            count: loss.count,
        });
        State {
            watermark: self.watermark,
            latest: self.latest,
            counters: [
                if counts { stats.events } else { 0 },
                if counts { stats.relevant } else { 0 },
                if counts { stats.late } else { 0 },
                stats.matches,
                stats.evicted,
                if counts { stats.cut_short } else { 0 },
            ],
            losses: losses.collect(),
            attachments: BTreeMap::new(),
            rules,
        }
    }

    /// Goes on from a state. What the engine held before is given up, and who watched it is forgotten.
    ///
    /// A rule goes on when its id, its logic and its options are the same; every other one begins
    /// empty, see [`Imported`]. Bounds of memory are seen to with the next event that satisfies a stage.
    ///
    /// # Errors
    ///
    /// When the state does not fit a rule that it says it belongs to. The engine is then empty.
    pub fn import(&mut self, state: State) -> Result<Imported, StateError> {
        self.reset();
        let imported = self.take_over(state);
        if imported.is_err() {
            self.reset();
        }
        imported
    }

    fn take_over(&mut self, mut state: State) -> Result<Imported, StateError> {
        state.let_go();
        self.watermark = state.watermark;
        self.latest = state.latest;
        let [events, relevant, late, matches, evicted, cut_short] = state.counters;
        self.stats = super::EngineStats {
            events,
            relevant,
            late,
            matches,
            evicted,
            cut_short,
            overflowed: 0,
        };
        self.losses.list = state
            .losses
            .iter()
            .map(|loss| Loss {
                kind: KINDS.get(usize::from(loss.kind)).copied().unwrap_or(LossKind::Malformed),
                from: loss.from,
                to: loss.to,
                count: loss.count,
            })
            .collect();
        let mut imported = Imported::default();
        // Rules that are equal in everything come in the same order on both sides.
        let mut known: BTreeMap<RuleName, VecDeque<u32>> = BTreeMap::new();
        let mut ids: BTreeMap<String, bool> = BTreeMap::new();
        for (_, number) in self.machines.iter().zip(0..) {
            let name = self.rule_name(RuleIx(number));
            ids.insert(name.id.clone(), false);
            known.entry(name).or_default().push_back(number);
        }
        for rule in state.rules {
            let id = rule.name.id.clone();
            if let Some(seen) = ids.get_mut(&id) {
                *seen = true;
            }
            match known.get_mut(&rule.name).and_then(VecDeque::pop_front) {
                Some(number) => {
                    self.take_over_rule(number, rule)
                        .map_err(|why| StateError::Misfit { rule: id, why })?;
                    imported.kept += 1;
                }
                None if ids.contains_key(&id) => imported.changed.push(id),
                None => imported.gone.push(id),
            }
        }
        imported.new = ids.into_iter().filter(|(_, seen)| !seen).map(|(id, _)| id).collect();
        self.hosts.find_full();
        Ok(imported)
    }

    fn take_over_rule(&mut self, number: u32, saved: RuleState) -> Result<(), &'static str> {
        let index = number as usize;
        let Some(machine) = self.machines.get_mut(index) else { return Ok(()) };
        if machine.kind() != saved.kind {
            return Err("another kind of rule");
        }
        machine.restore_counters(&saved.counters)?;
        let before = machine.part(&self.tables);
        for (key, state) in saved.keys {
            machine.restore(&mut self.tables, &key, state)?;
        }
        self.bytes = changed(self.bytes, before, machine.part(&self.tables));
        if let Some(pipes) = self.pipes.get_mut(index) {
            pipes.restore(RuleIx(number), saved.pipes, saved.overflowed)?;
        }
        self.count_hosts(index);
        self.wake = self.tables.next_timer();
        Ok(())
    }

    /// Forgets everything.
    fn reset(&mut self) {
        let rules = &self.rules.plan().rules;
        self.keys = KeyScratch::default();
        (self.machines, self.tables) = Machine::all(&self.rules, &mut self.keys);
        self.pipes = rules.iter().map(|rule| Pipes::new(&rule.pipes)).collect();
        self.wake = None;
        self.bytes = 0;
        self.hosts = Hosts::new(self.limits.host_bytes);
        self.losses = super::Losses::default();
        self.watermark = State::default().watermark;
        self.latest = State::default().latest;
        self.stats = super::EngineStats::default();
    }

    fn rule_name(&self, rule: RuleIx) -> RuleName {
        let options = self.rules.options(rule);
        RuleName {
            id: self.rules.rule(rule).map(|rule| rule.id.clone()).unwrap_or_default(),
            logic: self.rules.logic(rule).map(|logic| logic.0).unwrap_or_default(),
            window: options.window,
            samples_per_key: options.samples_per_key as u64,
            samples_at_end: options.samples_at_end,
        }
    }
}

impl Machine {
    fn kind(&self) -> Kind {
        match self {
            Self::Event { .. } => Kind::Event,
            Self::Sequence(..) => Kind::Sequence,
            Self::Sample(..) => Kind::Sample,
        }
    }

    fn restore(
        &mut self,
        tables: &mut Tables,
        key: &[u8],
        state: KeyState,
    ) -> Result<(), &'static str> {
        match (self, state) {
            (Self::Sequence(sequence, table), KeyState::Sequence(state)) => {
                let table = tables.sequences.get_mut(*table);
                table.map_or(Ok(()), |table| sequence.restore(table, key, state))
            }
            (Self::Sample(sample, table), KeyState::Sample(state)) => {
                let table = tables.samples.get_mut(*table);
                table.map_or(Ok(()), |table| sample.restore(table, key, state))
            }
            _ => Err("another kind of rule"),
        }
    }

    fn restore_counters(&mut self, saved: &RuleCounters) -> Result<(), &'static str> {
        let known = self.stats();
        let stats = match self {
            Self::Event { reached, matches, .. } => {
                let restored = restored(&known, saved)?;
                *reached = restored.reached.first().copied().unwrap_or(0);
                *matches = restored.matches;
                let counted = RuleStats {
                    reached: vec![*reached],
                    matches: *matches,
                    ..RuleStats::default()
                };
                let fits = restored == counted;
                return fits.then_some(()).ok_or("partials of a rule that has none");
            }
            Self::Sequence(sequence, _) => &mut sequence.stats,
            Self::Sample(sample, _) => &mut sample.stats,
        };
        *stats = restored(&known, saved)?;
        Ok(())
    }
}

/// `counts` says whether events that satisfy an item are counted here.
fn counters(stats: &RuleStats, counts: bool) -> RuleCounters {
    RuleCounters {
        plain: [
            stats.begun,
            stats.replaced,
            stats.expired,
            stats.cut,
            stats.evicted,
            stats.rejected,
            stats.matches,
        ],
        reached: stats.reached.iter().map(|reached| if counts { *reached } else { 0 }).collect(),
        given_up: stats.given_up.iter().map(|g| [g.total, g.rule, g.host]).collect(),
    }
}

fn restored(known: &RuleStats, saved: &RuleCounters) -> Result<RuleStats, &'static str> {
    let items = known.reached.len();
    if saved.reached.len() != items || saved.given_up.len() > items + 1 {
        return Err("another number of items");
    }
    let [begun, replaced, expired, cut, evicted, rejected, matches] = saved.plain;
    Ok(RuleStats {
        reached: saved.reached.clone(),
        begun,
        replaced,
        expired,
        cut,
        evicted,
        given_up: saved
            .given_up
            .iter()
            .map(|[total, rule, host]| GivenUp { total: *total, rule: *rule, host: *host })
            .collect(),
        rejected,
        matches,
    })
}
