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
use crate::schema::FieldId;

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

impl Satisfied {
    /// The numbers of the stages; `None` when something was left untried.
    pub fn numbers(&self) -> Option<impl ExactSizeIterator<Item = u32>> {
        (self.cut == 0).then(|| self.stages.iter().map(|stage| stage.0))
    }

    /// Replaces what it holds by what [`Satisfied::numbers`] gave elsewhere.
    pub fn replace(&mut self, numbers: &[u32]) {
        self.stages.clear();
        self.stages.extend(numbers.iter().copied().map(StageIx));
        self.cut = 0;
    }
}

impl Sieve {
    pub(super) fn new(predicates: Arc<Predicates>) -> Self {
        Self { scratch: predicates.scratch(), predicates }
    }

    /// Another with the same tests.
    pub(super) fn another(&self) -> Self {
        Self::new(self.predicates.clone())
    }

    /// What is asked of all events that have the same fields [of a class](crate::event::is_of_class) as this one.
    /// What has been selected of such an event satisfies the same stages as all of it would. `None` when there are
    /// too many different ones; then they are tested as any other.
    pub fn select(&mut self, event: &Event) -> Option<Selection> {
        self.predicates.select(event, &mut self.scratch)
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

    /// The fields that [`Sieve::select`] asked for when it gave `remainder`, in this sieve or in another of its engine.
    pub fn fields_left(&mut self, remainder: u32) -> &[FieldId] {
        self.predicates.fields_left(remainder, &mut self.scratch)
    }

    /// The same for an event of which only what [`Sieve::select`] asked for is filled in; `remainder` is what that
    /// gave.
    pub fn sift_rest(&mut self, event: &Event, remainder: u32, satisfied: &mut Satisfied) {
        let before = self.scratch.cut();
        satisfied.stages.clear();
        self.predicates.rest(event, remainder, &mut self.scratch, &mut satisfied.stages);
        satisfied.cut = self.scratch.cut() - before;
    }
}
