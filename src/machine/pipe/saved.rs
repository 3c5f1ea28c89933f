//! What the pipes of a rule hold, as a value and back.

use super::{Bounds, Counts, Group, Pipes, Sorted, Stage, print_of};
use crate::machine::key::{decode, encoded};
use crate::machine::{Counted, Match};
use crate::plan::RuleIx;
use crate::state::{MatchState, PipeState};

impl Pipes {
    /// One value a pipe, left to right.
    pub(crate) fn saved(&self) -> Vec<PipeState> {
        self.stages.iter().map(Stage::saved).collect()
    }

    /// Takes over what pipes held, before any match has come to these.
    ///
    /// # Errors
    ///
    /// When these pipes could not have come to hold it.
    pub(crate) fn restore(
        &mut self,
        rule: RuleIx,
        saved: Vec<PipeState>,
        overflowed: u64,
    ) -> Result<(), &'static str> {
        if saved.len() != self.stages.len() {
            return Err("another number of pipes");
        }
        for (stage, saved) in self.stages.iter_mut().zip(saved) {
            stage.restore(rule, saved, self.bounds)?;
        }
        self.overflowed = overflowed;
        Ok(())
    }
}

impl Stage {
    fn saved(&self) -> PipeState {
        match self {
            Self::Head { of, left } => PipeState::Head { of: *of, left: *left },
            Self::Tail { last, .. } => PipeState::Tail(last.iter().map(saved_match).collect()),
            Self::Unique { seen, .. } => {
                let mut seen: Vec<_> = seen.iter().copied().collect();
                seen.sort_unstable();
                PipeState::Unique(seen)
            }
            Self::Count(counts) => {
                let groups = counts.groups.iter();
                let groups = groups.map(|group| (group.matches, saved_match(&group.first)));
                PipeState::Count { all: counts.all, groups: groups.collect() }
            }
            Self::Sort { held, arrived, .. } => {
                let held = held.iter().map(|sorted| (sorted.arrived, saved_match(&sorted.found)));
                let mut held: Vec<_> = held.collect();
                held.sort_by_key(|(arrived, _)| *arrived);
                PipeState::Sort { arrived: *arrived, held }
            }
        }
    }

    fn restore(
        &mut self,
        rule: RuleIx,
        saved: PipeState,
        bounds: Bounds,
    ) -> Result<(), &'static str> {
        match (self, saved) {
            (Self::Head { of, left }, PipeState::Head { of: saved_of, left: saved_left })
                if *of == saved_of =>
            {
                *left = saved_left;
            }
            (Self::Tail { keep, last }, PipeState::Tail(saved)) if saved.len() <= *keep => {
                for found in saved {
                    last.push_back(restored_match(rule, found)?);
                }
            }
            (Self::Unique { seen, .. }, PipeState::Unique(saved)) if saved.len() <= bounds.seen => {
                seen.extend(saved);
            }
            (Self::Count(counts), PipeState::Count { all, groups })
                if groups.len() <= bounds.held =>
            {
                counts.all = all;
                for (matches, found) in groups {
                    counts.restore(matches, restored_match(rule, found)?);
                }
            }
            (
                Self::Sort { fields, held, arrived },
                PipeState::Sort { arrived: all, held: saved },
            ) if saved.len() <= bounds.held => {
                *arrived = all;
                for (arrived, found) in saved {
                    let found = restored_match(rule, found)?;
                    held.push(Sorted { values: fields.of(&found), arrived, found });
                }
            }
            _ => return Err("another kind of pipe"),
        }
        Ok(())
    }
}

impl Counts {
    fn restore(&mut self, matches: u64, first: Match) {
        let values = self.fields.of(&first);
        self.known.insert(print_of(&values), self.groups.len());
        self.groups.push(Group { values, first, matches });
    }
}

fn saved_match(found: &Match) -> MatchState {
    MatchState {
        key: encoded(&found.keys).into(),
        events: found.events.to_vec(),
        decided: found.decided,
        absence: found.absence,
        counted: found.counted.map(|counted| (counted.matches, counted.of)),
    }
}

fn restored_match(rule: RuleIx, saved: MatchState) -> Result<Match, &'static str> {
    let keys = decode(&saved.key);
    if *encoded(&keys) != *saved.key {
        return Err("a join key that its events cannot have");
    }
    if saved.events.iter().all(Option::is_none) {
        return Err("a match without events");
    }
    Ok(Match {
        rule,
        keys,
        events: saved.events.into(),
        decided: saved.decided,
        absence: saved.absence,
        counted: saved.counted.map(|(matches, of)| Counted { matches, of }),
    })
}
