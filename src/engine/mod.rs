//! [`RuleSet`] + events in order → matches.
//!
//! In: one [`Event`] after another in [`Ordinal`] order, and the watermark. Out:
//! [`Match`]es and counters. An engine is a value: it does no input or output, starts no thread, reads
//! no clock and keeps nothing outside itself, so any number can run in a process, one per partition if
//! need be.
//!
//! An event costs what it satisfies: [`machine::predicate`](crate::machine) names the stages, each
//! stage its subscribers, each subscriber steps its own program. Programs with nothing to do are not
//! touched, also not by time passing.

mod evidence;
mod hosts;
mod probe;
mod reorder;
mod saved;
mod sieve;
mod state;
mod tables;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use smallvec::SmallVec;

pub use crate::machine::{
    Change, Counted, Fate, GivenUp, Held, Match, RuleStats, Watch, apply_pipe, compare_keys,
};
pub use evidence::{Evidence, Loss, LossKind};
pub use probe::Probe;
pub use reorder::{Released, Reorder, ReorderStats};
pub use saved::Imported;
pub use sieve::{Satisfied, Sieve};

use crate::event::Event;
use crate::machine::key::KeyScratch;
use crate::machine::pipe::Pipes;
use crate::machine::predicate::Predicates;
use crate::machine::{Cause, Offer};
use crate::plan::{Plan, RuleIx, StageIx};
use crate::rule::RuleSet;
use crate::time::{Ordinal, Timestamp};
use evidence::Losses;
use hosts::Hosts;
use state::{Machine, Role};
use tables::Tables;

/// Bounds of an engine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all partials together. An event that several rules hold counts once, because it is in memory once, and
    /// so does a join key that several rules share.
    pub total_bytes: usize,
    /// Bytes of the partials of one rule.
    pub rule_bytes: usize,
    /// Bytes of the partials that began on one host, over all rules. A join key pays as a whole: for the
    /// host of that of its partials which has got least far. An event that several rules hold counts once. What the
    /// keys themselves take is not counted for a host.
    pub host_bytes: usize,
}

impl Limits {
    /// Without bounds, for input that is known to be small.
    pub const NONE: Self =
        Self { total_bytes: usize::MAX, rule_bytes: usize::MAX, host_bytes: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self { total_bytes: 256 << 20, rule_bytes: 128 << 20, host_bytes: 256 << 20 }
    }
}

/// Counters of an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Events pushed.
    pub events: u64,
    /// Events that satisfied some stage.
    pub relevant: u64,
    /// Events that came behind later ones.
    pub late: u64,
    /// Matches.
    pub matches: u64,
    /// Partials given up for lack of memory.
    pub evicted: u64,
    /// Expressions on multi-valued fields whose combinations were not all tried, and join keys left out
    /// because one event had too many.
    pub cut_short: u64,
    /// Matches that a pipe let through unsorted, uncounted or twice because it could hold no more.
    pub overflowed: u64,
}

/// See the module page.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    sieve: Sieve,
    keys: KeyScratch,
    machines: Vec<Machine>,
    tables: Tables,
    pipes: Vec<Pipes>,
    /// Which rules have any.
    piped: Vec<bool>,
    /// All roles of all programs, in the order in which the roles of one event are stepped.
    roles: Vec<(u32, Role)>,
    /// Numbers of roles, by stage.
    subscribers: Vec<SmallVec<[u32; 4]>>,
    /// When time passing means something to a program, at the earliest.
    wake: Option<Timestamp>,
    /// Programs that something at hand is due of; empty between events.
    due: Vec<usize>,
    watermark: Timestamp,
    /// The latest event that was not late.
    latest: Ordinal,
    limits: Limits,
    /// Which part it is of how many.
    part: Option<(u32, u32)>,
    bytes: usize,
    hosts: Hosts,
    losses: Losses,
    stats: EngineStats,
    satisfied: Satisfied,
    work: Vec<u32>,
    stepped: SmallVec<[Role; 8]>,
    found: Vec<Match>,
}

impl Engine {
    /// An engine without any state.
    ///
    /// # Errors
    ///
    /// A pattern too large for the regular expression engine is refused; checked rules have none.
    pub fn new(rules: Arc<RuleSet>, limits: Limits) -> Result<Self, String> {
        let plan = rules.plan();
        let predicates = Predicates::new(plan)?;
        let mut keys = KeyScratch::default();
        let (machines, tables) = Machine::all(&rules, &mut keys);
        let (roles, subscribers) = subscribers(plan, &machines);
        Ok(Self {
            sieve: Sieve::new(Arc::new(predicates)),
            keys,
            subscribers,
            roles,
            pipes: plan.rules.iter().map(|rule| Pipes::new(&rule.pipes)).collect(),
            piped: plan.rules.iter().map(|rule| !rule.pipes.is_empty()).collect(),
            wake: None,
            due: Vec::new(),
            machines,
            tables,
            watermark: Timestamp::MIN,
            latest: Ordinal { time: Timestamp::MIN, tiebreaker: 0, arrival: 0 },
            limits,
            part: None,
            bytes: 0,
            hosts: Hosts::new(limits.host_bytes),
            losses: Losses::default(),
            stats: EngineStats::default(),
            satisfied: Satisfied::default(),
            work: Vec::new(),
            stepped: SmallVec::new(),
            found: Vec::new(),
            rules,
        })
    }

    /// The rules it runs.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// From now on it is part `part`, counted from 0, of `of` engines that run side by side: each is given
    /// every event, every loss and the time, and only keys that [`State::split`] gives to its part
    /// are its concern. Together they find what one engine finds, each match once. A rule for single
    /// events and a rule with pipes are the concern of part 0 alone, so that an engine of another part
    /// may be spared events that no other rule asks for.
    ///
    /// What an engine knows of keys that are not its own is neither forgotten nor used: give it its part
    /// of a state with [`Engine::import`].
    ///
    /// [`State::split`]: crate::state::State::split
    pub fn confine(&mut self, part: u32, of: u32) {
        self.part = (of > 1).then_some((part, of));
    }

    /// The bounds of its memory.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// From now on `watch` is told what becomes of the partials of a rule. Rules for single events have
    /// none. What is found stays the same.
    pub fn watch(&mut self, rule: RuleIx, watch: Box<dyn Watch>) {
        if let Some(machine) = self.machines.get_mut(rule.index()) {
            machine.watch(watch);
        }
    }

    /// Feeds one event and emits every match it completes.
    ///
    /// Events come in [`Ordinal`] order. One that lies behind the watermark or behind an event pushed
    /// before is counted as late; it still starts and extends partials that it does not reach back
    /// behind. One without a time is offered to samples and single events only.
    pub fn push(&mut self, event: &Event, emit: &mut impl FnMut(Match)) {
        let mut satisfied = std::mem::take(&mut self.satisfied);
        self.sieve.sift(event, &mut satisfied);
        self.offer(event, &satisfied, emit);
        self.satisfied = satisfied;
    }

    /// A sieve that does a part of [`Engine::push`] elsewhere: what it finds is for
    /// [`Engine::offer`].
    pub fn sieve(&self) -> Sieve {
        self.sieve.another()
    }

    /// Feeds one event as [`Engine::push`] does, when a [`Sieve`] of this engine has told what it
    /// satisfies.
    pub fn offer(&mut self, event: &Event, satisfied: &Satisfied, emit: &mut impl FnMut(Match)) {
        self.offer_probed(event, satisfied, &mut (), emit);
    }

    /// The same, telling `probe` whenever a rule has done its part.
    pub fn offer_probed(
        &mut self,
        event: &Event,
        satisfied: &Satisfied,
        probe: &mut impl Probe,
        emit: &mut impl FnMut(Match),
    ) {
        let time = event.ordinal.time;
        self.stats.events += 1;
        self.stats.cut_short += satisfied.cut;
        let timed = event.raw().is_timed();
        let late = timed && (time < self.watermark || event.ordinal < self.latest);
        if late {
            self.stats.late += 1;
            self.note(Loss { kind: LossKind::Late, from: time, to: time, count: 1 });
        } else if timed {
            self.latest = event.ordinal;
            self.advance_probed(time, probe, emit);
        }
        if !satisfied.stages.is_empty() {
            self.stats.relevant += 1;
            self.step(event, late, &satisfied.stages, probe);
            self.deliver(emit);
            while let Some(host) = self.hosts.pop_full() {
                if self.host_bytes(host) > self.limits.host_bytes {
                    self.evict(Scope::Host(host), time);
                }
            }
            if self.bytes > self.limits.total_bytes {
                self.evict(Scope::Total, time);
            }
        }
    }

    /// Declares that no event earlier than `watermark` will follow. Emits matches whose wait for a
    /// missing item is over, and ends partials whose time is up. Never moves back.
    pub fn advance(&mut self, watermark: Timestamp, emit: &mut impl FnMut(Match)) {
        self.advance_probed(watermark, &mut (), emit);
    }

    fn advance_probed(
        &mut self,
        watermark: Timestamp,
        probe: &mut impl Probe,
        emit: &mut impl FnMut(Match),
    ) {
        if watermark <= self.watermark {
            return;
        }
        self.watermark = watermark;
        self.let_pass(probe, emit);
    }

    /// Tells every program that wants to know that time has come to the watermark.
    fn let_pass(&mut self, probe: &mut impl Probe, emit: &mut impl FnMut(Match)) {
        let watermark = self.watermark;
        if self.wake.is_none_or(|wake| wake >= watermark) {
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        for table in self.tables.each() {
            while let Some(place) = self.tables.pop_due(table, watermark, &mut due) {
                // From the last: what stands behind a state that goes has to move up.
                for index in due.iter().rev().copied() {
                    let Some(machine) = self.machines.get_mut(index) else { continue };
                    let before = machine.part(&self.tables);
                    machine.expire(&mut self.tables, place, watermark, &mut self.found);
                    self.bytes = changed(self.bytes, before, machine.part(&self.tables));
                    self.count_hosts(index);
                    probe.stepped(RuleIx(u32::try_from(index).unwrap_or(u32::MAX)));
                }
                self.tables.rearm(table, place);
            }
        }
        self.due = due;
        self.wake = self.tables.next_timer();
        if !self.found.is_empty() {
            // Waits that end together are told apart by time, rule, events and key, never by the order
            // in which the tables hold them.
            let rank = |found: &Match| (found.decided, found.rule, found.last(), found.first());
            self.found.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| by_key(a, b)));
            self.deliver(emit);
        }
    }

    /// Ends the input: all waits are over, and pipes give what they held back.
    pub fn finish(&mut self, emit: &mut impl FnMut(Match)) {
        self.watermark = Timestamp::MAX;
        self.let_pass(&mut (), emit);
        for machine in &mut self.machines {
            let start = self.found.len();
            machine.finish(&mut self.tables, &mut self.found);
            self.found.get_mut(start..).unwrap_or_default().sort_by(by_key);
        }
        self.deliver(emit);
        for pipes in &mut self.pipes {
            pipes.finish(&mut self.found);
        }
        for found in self.found.drain(..) {
            self.stats.matches += 1;
            emit(found);
        }
    }

    /// Tells of a loss before or between events, so that matches it touches can say so.
    pub fn note(&mut self, loss: Loss) {
        self.losses.note(loss);
    }

    /// Takes back (part of) a loss that was noted with these times, or with wider ones: it has come after
    /// all. Matches that were found in between keep what they said.
    pub fn withdraw(&mut self, loss: Loss) {
        self.losses.withdraw(loss);
    }

    /// The losses in the window of a match.
    pub fn evidence(&self, found: &Match) -> Evidence {
        let from = found.first().map_or(found.decided, |first| first.time);
        self.losses.within(from, found.decided)
    }

    /// Counters so far.
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            cut_short: self.stats.cut_short + self.keys.dropped,
            overflowed: self.pipes.iter().map(Pipes::overflowed).sum(),
            ..self.stats
        }
    }

    /// What became of the partials of a rule.
    pub fn rule_stats(&self, rule: RuleIx) -> Option<RuleStats> {
        self.machines.get(rule.index()).map(Machine::stats)
    }

    /// Bytes held by all partials.
    pub fn state_bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes held by the partials of one host, by its number.
    pub fn host_bytes(&self, host: u32) -> usize {
        self.hosts.of(host)
    }

    /// Join keys with something pending, over all rules.
    pub fn state_keys(&self) -> usize {
        self.machines.iter().map(|machine| machine.keys(&self.tables)).sum()
    }

    /// Steps every program that subscribes to a satisfied stage.
    fn step(&mut self, event: &Event, late: bool, satisfied: &[StageIx], probe: &mut impl Probe) {
        let mut offer = Offer::new(event, late);
        self.keys.next_event();
        let mut work = std::mem::take(&mut self.work);
        work.clear();
        for stage in satisfied {
            if let Some(subscribers) = self.subscribers.get(stage.index()) {
                work.extend_from_slice(subscribers);
            }
        }
        work.sort_unstable();
        // What has no time stands in no order.
        let timed = event.raw().is_timed();
        let mut next = 0;
        while let Some((number, role)) = work.get(next).and_then(|n| self.roles.get(*n as usize)) {
            let (number, ordered) = (*number, role.is_ordered());
            self.stepped.clear();
            while let Some((of, role)) = work.get(next).and_then(|n| self.roles.get(*n as usize))
                && *of == number
            {
                self.stepped.push(*role);
                next += 1;
            }
            if ordered && !timed {
                continue;
            }
            let index = number as usize;
            let start = self.found.len();
            let Some(part) = self.part_for(index) else { continue };
            self.keys.part = part;
            let Some(machine) = self.machines.get_mut(index) else { continue };
            let before = machine.part(&self.tables);
            let tables = &mut self.tables;
            if machine.step(&self.stepped, tables, &mut offer, &mut self.keys, &mut self.found) {
                let (after, own) = (machine.part(&self.tables), machine.bytes());
                let timer = machine.next_timer(&self.tables);
                self.wake = self.wake.into_iter().chain(timer).min();
                self.bytes = changed(self.bytes, before, after);
                self.count_hosts(index);
                if own > self.limits.rule_bytes {
                    self.evict(Scope::Rule(index), event.ordinal.time);
                }
                // Matches that one event completes under several keys.
                self.found.get_mut(start..).unwrap_or_default().sort_by(by_key);
            }
            probe.stepped(RuleIx(number));
        }
        self.work = work;
    }

    /// Which keys of a program are its concern: `None` for none of them.
    #[expect(clippy::option_option, reason = "no key, all keys, some keys")]
    fn part_for(&self, index: usize) -> Option<Option<(u32, u32)>> {
        let Some((part, of)) = self.part else { return Some(None) };
        let piped = self.piped.get(index) == Some(&true);
        if piped || matches!(self.machines.get(index), Some(Machine::Event { .. })) {
            // The first part sees all of it.
            return (part == 0).then_some(None);
        }
        Some(Some((part, of)))
    }

    fn deliver(&mut self, emit: &mut impl FnMut(Match)) {
        for found in self.found.drain(..) {
            let index = found.rule.index();
            let passed = match self.pipes.get_mut(index) {
                Some(pipes) if self.piped.get(index) == Some(&true) => pipes.push(found),
                _ => Some(found),
            };
            if let Some(found) = passed {
                self.stats.matches += 1;
                emit(found);
            }
        }
    }

    /// Takes over what a program has counted for its hosts.
    fn count_hosts(&mut self, index: usize) {
        let Some(ledger) = self.machines.get_mut(index).and_then(Machine::ledger_mut) else {
            return;
        };
        for (host, bytes) in ledger.moved() {
            self.hosts.add(host, bytes);
        }
    }

    /// Gives up partials until a tenth of the limit is free again: first stages before deeper ones,
    /// those of the host that holds most before others, nearest expiry first.
    ///
    /// The first time a program is asked it ranks what it has, which looks at every partial; from then
    /// on each partial given up costs a logarithm, and each time around the programs and their hosts.
    fn evict(&mut self, scope: Scope, now: Timestamp) {
        let (limit, programs, cause) = match scope {
            Scope::Total => (self.limits.total_bytes, 0..self.machines.len(), Cause::Total),
            Scope::Rule(index) => (self.limits.rule_bytes, index..index + 1, Cause::Rule),
            Scope::Host(_) => (self.limits.host_bytes, 0..self.machines.len(), Cause::Host),
        };
        let goal = limit / 10 * 9;
        self.tables.rank(&mut self.machines, programs.clone());
        if let Scope::Rule(index) = scope
            && let Some(machine) = self.machines.get_mut(index)
        {
            machine.count_hosts(&self.tables);
        }
        let mut heads = BinaryHeap::new();
        while self.held(scope) > goal {
            let machines = self.machines.get(programs.clone()).unwrap_or_default().iter();
            let first = match scope {
                Scope::Total => state::first_to_go(machines, |host| self.host_bytes(host)),
                Scope::Rule(_) => state::first_to_go(machines, |host| {
                    let ledger = self.machines.get(programs.start).and_then(Machine::ledger);
                    ledger.map_or(0, |ledger| ledger.of(host))
                }),
                Scope::Host(host) => {
                    state::first_stage_of(machines, host).map(|stage| (stage, host))
                }
            };
            // Nothing is left that could be given up.
            let Some((stage, host)) = first else { break };
            heads.clear();
            for number in programs.clone() {
                let head = self.machines.get(number).and_then(|machine| machine.peek(stage, host));
                heads.extend(head.map(|expires| Reverse((expires, number))));
            }
            while self.held(scope) > goal
                && let Some(Reverse((_, number))) = heads.pop()
            {
                self.evict_one(number, stage, host, cause, now);
                let head = self.machines.get(number).and_then(|machine| machine.peek(stage, host));
                heads.extend(head.map(|expires| Reverse((expires, number))));
            }
        }
    }

    fn evict_one(&mut self, number: usize, stage: u32, host: u32, cause: Cause, now: Timestamp) {
        let Some(machine) = self.machines.get_mut(number) else { return };
        let before = machine.part(&self.tables);
        let Some(evicted) = machine.evict(&mut self.tables, stage, host, cause) else { return };
        self.bytes = changed(self.bytes, before, machine.part(&self.tables));
        self.count_hosts(number);
        if evicted.count > 0 {
            self.stats.evicted += evicted.count;
            let to = evicted.expires.max(now);
            self.losses.note(Loss { kind: LossKind::Evicted, from: now, to, count: evicted.count });
        }
    }

    /// Bytes held within a bound.
    fn held(&self, scope: Scope) -> usize {
        match scope {
            Scope::Total => self.bytes,
            Scope::Rule(index) => self.machines.get(index).map_or(0, Machine::bytes),
            Scope::Host(host) => self.host_bytes(host),
        }
    }
}

/// A sum of parts, of which one has changed; parts alone mean nothing, see [`Machine::part`].
fn changed(sum: usize, before: usize, after: usize) -> usize {
    sum.wrapping_add(after).wrapping_sub(before)
}

/// What a bound is for.
#[derive(Debug, Clone, Copy)]
enum Scope {
    Total,
    Rule(usize),
    Host(u32),
}

/// Ascending order of keys, null first.
fn by_key(a: &Match, b: &Match) -> Ordering {
    let pairs = a.keys.iter().zip(&b.keys);
    pairs.fold(Ordering::Equal, |order, (x, y)| order.then_with(|| compare_keys(x, y)))
}

/// The roles of all programs in their order, and by stage the numbers of those that it stands for.
#[expect(clippy::type_complexity, reason = "the two are made together, and only here")]
fn subscribers(plan: &Plan, machines: &[Machine]) -> (Vec<(u32, Role)>, Vec<SmallVec<[u32; 4]>>) {
    let mut roles: Vec<(u32, Role, StageIx)> = Vec::new();
    for ((rule, machine), number) in plan.rules.iter().zip(machines).zip(0..) {
        let of_rule = machine.roles(&rule.shape).into_iter();
        roles.extend(of_rule.map(|(stage, role)| (number, role, stage)));
    }
    roles.sort_unstable();
    let mut subscribers = vec![SmallVec::new(); plan.stages.len()];
    for ((.., stage), number) in roles.iter().zip(0..) {
        if let Some(list) = subscribers.get_mut(stage.index()) {
            list.push(number);
        }
    }
    (roles.into_iter().map(|(number, role, _)| (number, role)).collect(), subscribers)
}
