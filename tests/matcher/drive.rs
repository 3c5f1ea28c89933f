//! Runs an engine over the events of a test.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is wrong"
)]

use std::sync::Arc;

use catena::engine::{Engine, Imported, Limits, Match, Reorder};
use catena::event::Event;
use catena::rule::{Rule, RuleOptions, RuleSet, load_query};
use catena::schema::Schema;
use catena::state::State;
use catena::time::{Duration, Timestamp};

use super::{Found, Happening};

/// A query as a rule; a query that is refused fails the test with what is wrong.
pub(crate) fn rule(query: &str, options: RuleOptions) -> Rule {
    let loaded = load_query(query, &Schema::new());
    let problems = loaded.problems.iter().map(|problem| problem.diagnostic.title.clone());
    let problems: Vec<_> = problems.collect();
    let mut rules = loaded.rules;
    let mut rule = rules.pop().unwrap_or_else(|| panic!("{query}\nis refused: {problems:?}"));
    rule.options = options;
    rule
}

/// An engine under test, with what it has found so far.
pub(crate) struct Driven {
    pub(crate) engine: Engine,
    /// Rule number and match.
    pub(crate) found: Vec<(usize, Found)>,
}

impl Driven {
    pub(crate) fn new(rules: Vec<Rule>, limits: Limits) -> Self {
        let engine = Engine::new(RuleSet::new(rules), limits).unwrap();
        Self { engine, found: Vec::new() }
    }

    /// With room for everything.
    pub(crate) fn unlimited(rules: Vec<Rule>) -> Self {
        Self::new(rules, Limits::NONE)
    }

    pub(crate) fn push(&mut self, happening: &Happening) {
        let event = event(self.engine.rules(), happening);
        self.engine.push(&event, &mut |found| self.found.push(plain(&found)));
    }

    pub(crate) fn advance(&mut self, time: Timestamp) {
        self.engine.advance(time, &mut |found| self.found.push(plain(&found)));
    }

    pub(crate) fn finish(&mut self) {
        self.engine.finish(&mut |found| self.found.push(plain(&found)));
    }

    /// Writes the state, reads it, splits it, writes and reads every part, puts them together and goes
    /// on with another engine: nothing may be lost or added, whatever the number of parts.
    pub(crate) fn restart(&mut self, parts: u32) {
        let written = self.engine.export().encode();
        let state = State::decode(&written).unwrap();
        let split = state.split(parts);
        assert_eq!(split.len(), parts as usize);
        let mut again: Vec<State> =
            split.iter().map(|part| State::decode(&part.encode()).unwrap()).collect();
        again.reverse();
        let whole = State::merge(again).unwrap();
        assert_eq!(whole.encode(), written, "split in {parts} and put together");
        let before = &self.engine;
        let mut engine = Engine::new(before.rules().clone(), before.limits()).unwrap();
        let imported = engine.import(whole).unwrap();
        let kept = Imported { kept: before.rules().rules().len(), ..Imported::default() };
        assert_eq!(imported, kept);
        assert_eq!(engine.export().encode(), written, "written again");
        assert_eq!(engine.state_bytes(), before.state_bytes());
        assert_eq!(engine.state_keys(), before.state_keys());
        assert_eq!(engine.stats(), before.stats());
        self.engine = engine;
    }

    /// All events, with a restart before each for which `restarts` gives a number of parts.
    pub(crate) fn run_restarted(
        mut self,
        events: &[Happening],
        restarts: impl Fn(usize) -> Option<u32>,
    ) -> Vec<(usize, Found)> {
        for (number, event) in events.iter().enumerate() {
            if let Some(parts) = restarts(number) {
                self.restart(parts);
            }
            self.push(event);
        }
        if let Some(parts) = restarts(events.len()) {
            self.restart(parts);
        }
        self.finish();
        self.found
    }

    /// All events in the order given, then the end.
    pub(crate) fn run(mut self, events: &[Happening]) -> Vec<(usize, Found)> {
        events.iter().for_each(|event| self.push(event));
        self.finish();
        self.found
    }

    /// As they arrive, put in order by a reorder buffer.
    pub(crate) fn run_reordered(
        mut self,
        arrivals: &[Happening],
        lateness: Duration,
    ) -> Vec<(usize, Found)> {
        let mut buffer = Reorder::new(lateness, usize::MAX);
        for happening in arrivals {
            let late = buffer.push(happening.ordinal, happening.clone());
            assert!(late.is_none(), "{happening:?} came within the lateness");
            while let Some(released) = buffer.pop() {
                self.push(&released.item);
            }
            self.advance(buffer.watermark());
        }
        buffer.advance(Timestamp::MAX);
        while let Some(released) = buffer.pop() {
            self.push(&released.item);
        }
        self.finish();
        self.found
    }
}

/// Several engines side by side, each for its part of the keys.
pub(crate) struct Parts {
    engines: Vec<Engine>,
    /// Rule number and match; what one event or one step in time gives is in no particular order.
    pub(crate) found: Vec<(usize, Found)>,
}

impl Parts {
    pub(crate) fn new(rules: Vec<Rule>, parts: u32) -> Self {
        let whole = Engine::new(RuleSet::new(rules), Limits::NONE).unwrap();
        let mut new = Self { engines: vec![whole], found: Vec::new() };
        new.become_parts(parts);
        new
    }

    /// The state of all of them together.
    pub(crate) fn export(&self) -> State {
        State::merge(self.engines.iter().map(Engine::export)).unwrap()
    }

    /// Goes on in another number of parts.
    pub(crate) fn become_parts(&mut self, parts: u32) {
        let rules = self.engines[0].rules().clone();
        let split = self.export().split(parts).into_iter().zip(0..);
        let engines = split.map(|(state, part)| {
            let mut engine = Engine::new(rules.clone(), Limits::NONE).unwrap();
            engine.import(state).unwrap();
            engine.confine(part, parts);
            engine
        });
        self.engines = engines.collect();
    }

    pub(crate) fn push(&mut self, happening: &Happening) {
        let event = event(self.engines[0].rules(), happening);
        for engine in &mut self.engines {
            engine.push(&event, &mut |found| self.found.push(plain(&found)));
        }
    }

    pub(crate) fn finish(&mut self) {
        for engine in &mut self.engines {
            engine.finish(&mut |found| self.found.push(plain(&found)));
        }
    }
}

pub(crate) fn in_any_order(found: &[(usize, Found)]) -> Vec<String> {
    let mut found: Vec<_> = found.iter().map(|found| format!("{found:?}")).collect();
    found.sort();
    found
}

/// What one rule found.
pub(crate) fn of_rule(found: &[(usize, Found)], rule: usize) -> Vec<Found> {
    found.iter().filter(|(number, _)| *number == rule).map(|(_, found)| found.clone()).collect()
}

fn event(rules: &Arc<RuleSet>, happening: &Happening) -> Event {
    let mut event = Event::new(rules.plan().fields.len());
    event.ordinal = happening.ordinal;
    for (name, values) in &happening.fields {
        if let Some(field) = rules.plan().field(name) {
            event.fill(field, |give| {
                values.iter().filter_map(|v| v.scalar()).for_each(|value| give.value(value));
            });
        }
    }
    event
}

fn plain(found: &Match) -> (usize, Found) {
    let events = found.events.iter();
    let found_plain = Found {
        keys: found.keys.clone(),
        events: events.map(|event| event.as_ref().map(|e| e.ordinal.arrival)).collect(),
        decided: found.decided,
    };
    (found.rule.index(), found_plain)
}
