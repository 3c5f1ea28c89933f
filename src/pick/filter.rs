//! [`Filter`]: which events are wanted.
//!
//! In: a query for single events, serial numbers, a process id. Out: whether an event passes all of
//! them. The query is tested by the predicates of the machines, so that it selects exactly what a rule
//! with it would match.

use std::sync::Arc;

use crate::event::Event;
use crate::machine::predicate::{Predicates, Scratch};
use crate::plan::{Plan, Shape, StageIx};
use crate::rule::Rule;
use crate::schema::{FieldId, FieldType};
use crate::value::{Scalar, number};

/// The fields that may hold a serial number; auditd's own events have the first.
const SERIALS: [&str; 2] = ["event.sequence", "auditd.sequence"];
const PID: &str = "process.pid";

/// See the module page. One without conditions passes everything.
#[derive(Debug, Default)]
pub struct Filter {
    condition: Option<Condition>,
    fields: Vec<(Arc<str>, Option<FieldType>)>,
    /// Fields, one of which must hold a number from the first to the last.
    ranges: Vec<(Vec<FieldId>, i64, i64)>,
}

#[derive(Debug)]
struct Condition {
    predicates: Predicates,
    scratch: Scratch,
    satisfied: Vec<StageIx>,
    stage: StageIx,
}

impl Filter {
    /// Events that a rule matches, which must be a query for single events without pipes.
    ///
    /// # Errors
    ///
    /// When it is another kind of query, or a pattern is too large.
    pub fn matching(rule: &Rule) -> Result<Self, String> {
        let plan = Plan::new([&rule.query]);
        let planned = plan.rules.first().filter(|planned| planned.pipes.is_empty());
        let Some(Shape::Event(stage)) = planned.map(|planned| &planned.shape) else {
            return Err("not a condition on single events".to_owned());
        };
        let predicates = Predicates::new(&plan)?;
        let scratch = predicates.scratch();
        let condition = Condition { scratch, predicates, satisfied: Vec::new(), stage: *stage };
        Ok(Self { condition: Some(condition), fields: plan.fields, ranges: Vec::new() })
    }

    /// Of these only those with a serial number from `first` to `last`.
    #[must_use]
    pub fn serials(self, first: u32, last: u32) -> Self {
        self.range(&SERIALS, first, last)
    }

    /// Of these only those of a process.
    #[must_use]
    pub fn pid(self, pid: u32) -> Self {
        self.range(&[PID], pid, pid)
    }

    fn range(mut self, names: &[&str], first: u32, last: u32) -> Self {
        let mut places = Vec::new();
        for name in names {
            // No more fields than the language lets a query have, and these three.
            if let Ok(place) = u16::try_from(self.fields.len()) {
                places.push(FieldId(place));
                self.fields.push(((*name).into(), Some(FieldType::Long)));
            }
        }
        self.ranges.push((places, i64::from(first), i64::from(last)));
        self
    }

    /// The fields that must be filled in, in this order.
    pub fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        self.fields.clone()
    }

    /// Whether an event passes.
    pub fn admits(&mut self, event: &Event) -> bool {
        let within = |field: &FieldId, first: i64, last: i64| {
            event.values(*field).any(|value| {
                let value = match value {
                    Scalar::Str(text) => number(text),
                    other => Some(other),
                };
                matches!(value, Some(Scalar::Int(value)) if (first..=last).contains(&value))
            })
        };
        let mut ranges = self.ranges.iter();
        if !ranges.all(|(fields, first, last)| fields.iter().any(|f| within(f, *first, *last))) {
            return false;
        }
        let Some(condition) = &mut self.condition else { return true };
        condition.satisfied.clear();
        let Condition { predicates, scratch, satisfied, stage } = condition;
        predicates.satisfied(event, scratch, satisfied);
        satisfied.contains(stage)
    }
}
