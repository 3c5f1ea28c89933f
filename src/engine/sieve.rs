//! [`Sieve`]: the part of an engine that needs no state.
//!
//! In: one [`Event`] after another, in any order. Out: the stages each satisfies, which
//! [`Engine::offer`](super::Engine::offer) takes. Sieves of one engine share their tests and have
//! memory of their own, so that any number can work side by side; what they find depends on the event
//! alone.

use std::sync::Arc;

use crate::event::{Event, Selection};
use crate::machine::predicate::{Predicates, Scratch};
use crate::plan::StageIx;

/// Tells which stages an event satisfies.
#[derive(Debug)]
pub struct Sieve {
    predicates: Arc<Predicates>,
    scratch: Scratch,
}

/// What a [`Sieve`] found of one event; reused from one event to the next.
#[derive(Debug, Default)]
pub struct Satisfied {
    pub(super) stages: Vec<StageIx>,
    /// Expressions of which not all combinations of values were tried.
    pub(super) cut: u64,
}

impl Sieve {
    pub(super) fn new(predicates: Arc<Predicates>) -> Self {
        Self { scratch: predicates.scratch(), predicates }
    }

    /// Another with the same tests.
    pub(super) fn another(&self) -> Self {
        Self::new(self.predicates.clone())
    }

    /// What is asked of all events that have the `settled` fields of this one; `settled` is by field.
    /// What has been selected of such an event satisfies the same stages as all of it would: a stage
    /// that it cannot satisfy does not hold whatever the fields left out are taken for.
    pub fn select(&mut self, event: &Event, settled: &[bool]) -> Selection {
        self.predicates.select(event, settled, &mut self.scratch)
    }

    /// Values of fields that were looked up: those whose tests were remembered, and all.
    pub fn remembered(&self) -> (u64, u64) {
        self.scratch.remembered()
    }

    /// For an event that no rule can use.
    pub fn pass(&mut self, satisfied: &mut Satisfied) {
        satisfied.stages.clear();
        satisfied.cut = 0;
    }

    /// Replaces what `satisfied` holds by what `event` satisfies. Costs the tests of the fields that
    /// stages are filed under, each once.
    pub fn sift(&mut self, event: &Event, satisfied: &mut Satisfied) {
        let before = self.scratch.cut();
        satisfied.stages.clear();
        self.predicates.satisfied(event, &mut self.scratch, &mut satisfied.stages);
        satisfied.cut = self.scratch.cut() - before;
    }
}
