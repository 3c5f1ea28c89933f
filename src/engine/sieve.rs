//! [`Sieve`]: the part of an engine that needs no state.
//!
//! In: one [`Event`] after another, in any order. Out: the stages each satisfies, which
//! [`Engine::offer`](super::Engine::offer) takes. Sieves of one engine share their tests and have
//! memory of their own, so that any number can work side by side; what they find depends on the event
//! alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::event::{Event, Selection};
use crate::machine::predicate::{Predicates, Scratch};
use crate::plan::{Plan, StageIx};
use crate::schema::FieldId;

/// Tells which stages an event satisfies.
#[derive(Debug)]
pub struct Sieve {
    predicates: Arc<Predicates>,
    /// By stage: the fields by which its events are joined.
    keys: Arc<[Vec<FieldId>]>,
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
    pub(super) fn new(plan: &Plan, predicates: Predicates) -> Self {
        let mut keys = vec![Vec::new(); plan.stages.len()];
        for item in plan.rules.iter().flat_map(|rule| rule.shape.items()) {
            if let Some(fields) = keys.get_mut(item.stage.index()) {
                fields.extend(item.keys.iter().map(|key| key.field));
            }
        }
        let scratch = predicates.scratch();
        Self { predicates: Arc::new(predicates), keys: keys.into(), scratch }
    }

    /// Another with the same tests.
    pub(super) fn another(&self) -> Self {
        let scratch = self.predicates.scratch();
        Self { predicates: self.predicates.clone(), keys: self.keys.clone(), scratch }
    }

    /// What is asked of all events that have the `settled` fields of this one; `settled` is by field.
    /// What has been selected of such an event satisfies the same stages as all of it would: a stage
    /// that it cannot satisfy does not hold whatever the fields left out are taken for.
    pub fn select(&mut self, event: &Event, settled: &[bool]) -> Selection {
        let mut stages = Vec::new();
        self.predicates.possible(event, settled, &mut self.scratch, &mut stages);
        let mut asked: BTreeSet<FieldId> = BTreeSet::new();
        for stage in &stages {
            self.predicates.fields(*stage, &mut |field| _ = asked.insert(field));
            asked.extend(self.keys.get(stage.index()).into_iter().flatten());
        }
        if !stages.is_empty() {
            // They decide about the stages that are not possible.
            let settled = (0..).map(FieldId).zip(settled);
            asked.extend(settled.filter(|(_, settled)| **settled).map(|(field, _)| field));
        }
        Selection { fields: asked.into_iter().collect(), is_of_use: !stages.is_empty() }
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
