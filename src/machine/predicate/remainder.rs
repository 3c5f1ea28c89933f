//! [`Remainder`]: what is left of all stages once some leaves are known.
//!
//! In: the leaves that tell what kind of event it is, and which of them are true. Out: the stages that hold for all
//! such events, and what the others still depend on, filed under leaves that are not known yet. Worked out once for
//! each kind of event ([`Kinds`]); stages that no such event can satisfy are not in it.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use hashbrown::HashMap;

use super::{Event, Home, Known, Predicates, Scratch};
use crate::event::Selection;
use crate::plan::{Cond, LeafIx, StageIx, necessary_leaves};
use crate::schema::FieldId;

/// Kinds remembered; logs have a few hundred.
pub(super) const MAX_KINDS: usize = 4096;
/// Stages in all of them together, some hundred bytes each: a line of JSON may claim any mixture of actions, and
/// with it be of a kind of its own.
const MAX_STAGES: usize = 1 << 18;

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct Remainder {
    /// Stages that hold whatever else is found.
    pub(super) sure: Vec<StageIx>,
    /// The others, each with what it still depends on.
    pub(super) tests: Vec<(StageIx, Cond)>,
    /// Their numbers by the leaves they are filed under.
    pub(super) filed: HashMap<LeafIx, Vec<u32>, foldhash::fast::RandomState>,
    /// Where those leaves are tested.
    pub(super) entries: Vec<Home>,
    /// Tests that no leaf is necessary for.
    pub(super) unfiled: Vec<u32>,
}

/// What is known of the events of a kind.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) remainder: Remainder,
    /// What their stages read and are joined by, ascending.
    fields: Box<[FieldId]>,
}

/// The kinds of events seen, by those leaves that are true of them.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    numbers: HashMap<Box<[LeafIx]>, u32, foldhash::fast::RandomState>,
    kinds: Vec<Arc<Kind>>,
    /// Stages in all of them.
    stages: usize,
}

impl Kinds {
    /// The kind of an event of which the `known` leaves have been tested, and no others; `None` when there are too
    /// many to remember it.
    pub(super) fn find(
        &mut self,
        predicates: &Predicates,
        known: &Known,
        scratch: &Scratch,
    ) -> Option<(u32, &Arc<Kind>)> {
        let number = match self.numbers.get(scratch.truths.as_slice()) {
            Some(number) => *number,
            None if self.kinds.len() >= MAX_KINDS || self.stages >= MAX_STAGES => return None,
            None => {
                let number = u32::try_from(self.kinds.len()).ok()?;
                let kind = predicates.kind(known, scratch);
                self.stages += kind.remainder.sure.len() + kind.remainder.tests.len();
                self.kinds.push(Arc::new(kind));
                self.numbers.insert(scratch.truths.as_slice().into(), number);
                number
            }
        };
        Some((number, self.get(number)?))
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// A kind by its number.
    fn get(&self, number: u32) -> Option<&Arc<Kind>> {
        self.kinds.get(number as usize)
    }
}

impl Predicates {
    /// What is asked of the events that have the same settled fields as this one, of which everything is filled in.
    /// `None` when there are too many kinds of them.
    pub(crate) fn select(&self, event: &Event, scratch: &mut Scratch) -> Option<Selection> {
        scratch.begin();
        for home in &self.settled.homes {
            self.visit(*home, event, scratch);
        }
        let mut kinds = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.find(self, &self.settled, scratch).map(|(number, kind)| {
            let Remainder { sure, tests, .. } = &kind.remainder;
            let is_of_use = !sure.is_empty() || !tests.is_empty();
            Selection { fields: kind.fields.clone(), remainder: is_of_use.then_some(number) }
        })
    }

    /// What the stages read that are left for a class, by what [`Predicates::select`] gave for it, here or elsewhere.
    pub(crate) fn fields_left<'s>(
        &self,
        remainder: u32,
        scratch: &'s mut Scratch,
    ) -> &'s [FieldId] {
        if let Some(kind) = self.class(remainder, scratch) {
            scratch.keep_class(remainder, kind);
        }
        let kind = scratch.classes.get(remainder as usize).and_then(Option::as_ref);
        kind.map_or(&[], |kind| &kind.fields)
    }

    /// Takes the kind with a number out of those that were met here, which it is to be put back to.
    #[inline]
    pub(super) fn class(&self, number: u32, scratch: &mut Scratch) -> Option<Arc<Kind>> {
        let known = scratch.classes.get_mut(number as usize).and_then(Option::take);
        known.or_else(|| {
            let kinds = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
            kinds.get(number).cloned()
        })
    }

    /// The kind of an event of which the `known` leaves have been tested.
    fn kind(&self, known: &Known, scratch: &Scratch) -> Kind {
        let rest = |condition: &Cond| rest(condition, known, scratch);
        let stages = (0..).map(StageIx).zip(self.stages.iter().map(rest));
        let remainder = self.remainder(stages);
        let mut fields = BTreeSet::new();
        let tested = remainder.tests.iter().map(|(stage, _)| stage);
        for stage in remainder.sure.iter().chain(tested) {
            fields.extend(self.keys.get(stage.index()).into_iter().flatten());
        }
        for (_, condition) in &remainder.tests {
            self.fields_of(condition, &mut |field| _ = fields.insert(field));
        }
        Kind { remainder, fields: fields.into_iter().collect() }
    }

    /// Files what is left of stages.
    pub(super) fn remainder(&self, stages: impl Iterator<Item = (StageIx, Cond)>) -> Remainder {
        let mut this = Remainder::default();
        for (stage, condition) in stages {
            match condition {
                Cond::Const(false) => continue,
                Cond::Const(true) => {
                    this.sure.push(stage);
                    continue;
                }
                _ => {}
            }
            let number = u32::try_from(this.tests.len()).unwrap_or(u32::MAX);
            let filed = necessary_leaves(&condition, &self.shares);
            this.tests.push((stage, condition));
            let Some(filed) = filed else {
                this.unfiled.push(number);
                continue;
            };
            for leaf in filed {
                this.filed.entry(leaf).or_default().push(number);
                if let Some(home) = self.homes.get(leaf.index())
                    && !this.entries.contains(home)
                {
                    this.entries.push(*home);
                }
            }
        }
        this
    }

    /// The fields that a condition reads.
    fn fields_of(&self, condition: &Cond, each: &mut impl FnMut(FieldId)) {
        match condition {
            Cond::Const(_) => {}
            Cond::Leaf(leaf) => {
                let reads = self.reads.get(leaf.index()).map_or(&[][..], |reads| reads);
                reads.iter().copied().for_each(each);
            }
            Cond::Not(inner) => self.fields_of(inner, each),
            Cond::And(all) | Cond::Or(all) => {
                all.iter().for_each(|condition| self.fields_of(condition, each));
            }
        }
    }
}

impl Scratch {
    /// Keeps a kind that was met.
    #[inline]
    pub(super) fn keep_class(&mut self, number: u32, kind: Arc<Kind>) {
        let number = number as usize;
        if self.classes.len() <= number {
            self.classes.resize(number + 1, None);
        }
        if let Some(place) = self.classes.get_mut(number) {
            *place = Some(kind);
        }
    }
}

/// What is left of a condition when some leaves are known.
fn rest(condition: &Cond, known: &Known, scratch: &Scratch) -> Cond {
    let parts = |all: &[Cond], decides: bool| {
        let mut left = Vec::new();
        for part in all {
            match rest(part, known, scratch) {
                Cond::Const(value) if value == decides => return Err(Cond::Const(decides)),
                Cond::Const(_) => {}
                part => left.push(part),
            }
        }
        match left.len() {
            0 => Err(Cond::Const(!decides)),
            1 => left.pop().map_or(Ok(Vec::new()), Err),
            _ => Ok(left),
        }
    };
    match condition {
        Cond::Const(_) => condition.clone(),
        Cond::Leaf(leaf) if known.leaves.get(leaf.index()) == Some(&true) => {
            Cond::Const(scratch.is_true(*leaf))
        }
        Cond::Leaf(_) => condition.clone(),
        Cond::Not(inner) => match rest(inner, known, scratch) {
            Cond::Const(value) => Cond::Const(!value),
            inner => Cond::Not(Box::new(inner)),
        },
        Cond::And(all) => parts(all, false).map_or_else(|whole| whole, Cond::And),
        Cond::Or(any) => parts(any, true).map_or_else(|whole| whole, Cond::Or),
    }
}
