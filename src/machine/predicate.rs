//! Which stages an event satisfies.
//!
//! Leaves are shared by all rules, and those on one field are tested together: all exact strings of a
//! field sit in one hash map, other tests of text are remembered per value in an LRU, because values
//! repeat. A field is looked at when the first leaf on it is asked for, at most once an event.
//!
//! What an event is - its action, category, outcome, system call - decides most stages, and there are but a few
//! hundred kinds. What is left of all stages for a kind is worked out once ([`remainder`]); of that, a stage is
//! visited only when one of the leaves it is filed under is true.

mod remainder;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use super::expr::{ExprScratch, Program};
use super::test::{Subject, Tester};
use crate::check::ir::{self, Test};
use crate::event::{Event, is_of_class, tells_class};
use crate::plan::{Cond, LeafIx, Plan, StageIx};
use crate::schema::FieldId;
use crate::value::{Scalar, Value};
use remainder::{Kind, Kinds, Remainder};

/// Values remembered per field.
const MEMO_VALUES: usize = 4096;
/// Longest value remembered, in bytes: long ones are rarely seen twice.
const MEMO_BYTES: usize = 128;

/// The tests of a plan; shared, and immutable but for the kinds of events that were met.
#[derive(Debug)]
pub(crate) struct Predicates {
    fields: Vec<FieldTests>,
    programs: Vec<(LeafIx, Program)>,
    /// Where each leaf is tested.
    homes: Vec<Home>,
    stages: Vec<Cond>,
    /// By stage: the fields by which its events are joined.
    keys: Vec<Vec<FieldId>>,
    /// The fields each leaf reads.
    reads: Vec<Box<[FieldId]>>,
    /// By leaf: the estimated share of events that make it true.
    shares: Vec<f64>,
    /// Leaves that tell what an event is, whatever log it is from.
    telling: Known,
    /// Leaves that are the same in all audit events of a class.
    settled: Known,
    /// All stages.
    whole: Remainder,
    /// The kinds of classes, by numbers that all who test go by. What they find does not depend on it.
    classes: Mutex<Kinds>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Home {
    Field(u32),
    Program(u32),
}

/// Leaves that are looked at before all others.
#[derive(Debug, Default)]
struct Known {
    /// Where they are tested.
    homes: Vec<Home>,
    /// By leaf.
    leaves: Vec<bool>,
}

/// All tests on one field.
#[derive(Debug)]
struct FieldTests {
    field: FieldId,
    missing: Vec<LeafIx>,
    present: Vec<LeafIx>,
    exact: HashMap<Box<str>, Vec<LeafIx>, foldhash::fast::RandomState>,
    folded: HashMap<Box<str>, Vec<LeafIx>, foldhash::fast::RandomState>,
    /// Tests of text that are not in one of the maps.
    text: Vec<(LeafIx, Tester)>,
    /// Every test of a value, for values that are not text.
    other: Vec<(LeafIx, Tester)>,
}

/// The leaves outside `exact` that a value made true before.
type Memo = LruCache<Box<str>, Box<[LeafIx]>>;

/// What is known about the current event, and what values gave before.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Number of the event; marks with another number are stale.
    epoch: u32,
    fields: Vec<u32>,
    programs: Vec<u32>,
    leaves: Vec<u32>,
    stages: Vec<u32>,
    /// Leaves found true, each once.
    truths: Vec<LeafIx>,
    /// By field; `None` where nothing is worth remembering.
    memos: Vec<Option<Memo>>,
    /// Values that were in them, and values that were not.
    known: u64,
    unknown: u64,
    hits: Vec<LeafIx>,
    folded: String,
    expr: ExprScratch,
    /// The kinds of events seen, by the leaves that tell.
    told: Kinds,
    /// Those of classes that were met here, by number.
    classes: Vec<Option<Arc<Kind>>>,
}

impl Predicates {
    /// Lowers a plan.
    ///
    /// # Errors
    ///
    /// A pattern that grows beyond the limits of the regular expression engine is refused with its
    /// text.
    pub(crate) fn new(plan: &Plan) -> Result<Self, String> {
        let mut this = Self {
            fields: Vec::new(),
            programs: Vec::new(),
            homes: Vec::new(),
            stages: plan.tests(),
            keys: vec![Vec::new(); plan.stages.len()],
            reads: plan.leaves.iter().map(|leaf| leaf.fields.as_slice().into()).collect(),
            shares: plan.shares(),
            telling: Known::default(),
            settled: Known::default(),
            whole: Remainder::default(),
            classes: Mutex::default(),
        };
        let mut by_field: HashMap<FieldId, u32> = HashMap::new();
        for (planned, index) in plan.leaves.iter().zip(0..) {
            let leaf = LeafIx(index);
            let home = match &planned.leaf {
                ir::Leaf::Test(_, test) => {
                    let field = planned.fields.first().copied().unwrap_or(FieldId(u16::MAX));
                    let number = *by_field.entry(field).or_insert_with(|| {
                        this.fields.push(FieldTests::new(field));
                        u32::try_from(this.fields.len() - 1).unwrap_or(u32::MAX)
                    });
                    if let Some(tests) = this.fields.get_mut(number as usize) {
                        tests.add(leaf, test)?;
                    }
                    Home::Field(number)
                }
                ir::Leaf::Expr(expr) => {
                    let resolve =
                        |field: &ir::Field| plan.field(&field.name).unwrap_or(FieldId(u16::MAX));
                    this.programs.push((leaf, Program::new(expr, &resolve)?));
                    Home::Program(u32::try_from(this.programs.len() - 1).unwrap_or(u32::MAX))
                }
            };
            this.homes.push(home);
        }
        for item in plan.rules.iter().flat_map(|rule| rule.shape.items()) {
            if let Some(fields) = this.keys.get_mut(item.stage.index()) {
                fields.extend(item.keys.iter().map(|key| key.field));
            }
        }
        let of = |is: fn(&str) -> bool| plan.fields.iter().map(|(name, _)| is(name)).collect();
        this.telling = this.known(of(tells_class));
        this.settled = this.known(of(is_of_class));
        this.whole = this.remainder((0..).map(StageIx).zip(this.stages.iter().cloned()));
        Ok(this)
    }

    /// The leaves that read no fields but these.
    fn known(&self, fields: Vec<bool>) -> Known {
        let is_known =
            |reads: &[FieldId]| reads.iter().all(|field| fields.get(field.index()) == Some(&true));
        let leaves: Vec<bool> = self.reads.iter().map(|reads| is_known(reads)).collect();
        let mut homes = Vec::new();
        for (home, _) in self.homes.iter().zip(&leaves).filter(|(_, known)| **known) {
            if !homes.contains(home) {
                homes.push(*home);
            }
        }
        Known { homes, leaves }
    }

    /// Memory to go with these tests.
    pub(crate) fn scratch(&self) -> Scratch {
        let memo = |tests: &FieldTests| {
            let worth_it = !tests.text.is_empty();
            // Grows with the values seen: rules may read many fields that events never have.
            worth_it.then(LruCache::unbounded)
        };
        Scratch {
            epoch: 0,
            fields: vec![0; self.fields.len()],
            programs: vec![0; self.programs.len()],
            leaves: vec![0; self.homes.len()],
            stages: vec![0; self.stages.len()],
            truths: Vec::new(),
            memos: self.fields.iter().map(memo).collect(),
            known: 0,
            unknown: 0,
            hits: Vec::new(),
            folded: String::new(),
            expr: ExprScratch::default(),
            told: Kinds::default(),
            classes: Vec::new(),
        }
    }

    /// Appends the stages that `event` satisfies, each once.
    pub(crate) fn satisfied(&self, event: &Event, scratch: &mut Scratch, out: &mut Vec<StageIx>) {
        scratch.begin();
        for home in &self.telling.homes {
            self.visit(*home, event, scratch);
        }
        let mut kinds = std::mem::take(&mut scratch.told);
        match kinds.find(self, &self.telling, scratch) {
            Some((_, kind)) => self.test(&kind.remainder, event, scratch, out),
            None => self.test(&self.whole, event, scratch, out),
        }
        scratch.told = kinds;
    }

    /// Appends the stages that `event` satisfies, each once, when [`Predicates::select`] has given `remainder` for
    /// its class.
    pub(crate) fn rest(
        &self,
        event: &Event,
        remainder: u32,
        scratch: &mut Scratch,
        out: &mut Vec<StageIx>,
    ) {
        scratch.begin();
        if let Some(kind) = self.class(remainder, scratch) {
            self.test(&kind.remainder, event, scratch, out);
            scratch.keep_class(remainder, kind);
        }
    }

    /// Appends the stages of a remainder that `event` satisfies.
    fn test(
        &self,
        remainder: &Remainder,
        event: &Event,
        scratch: &mut Scratch,
        out: &mut Vec<StageIx>,
    ) {
        out.extend_from_slice(&remainder.sure);
        for home in &remainder.entries {
            self.visit(*home, event, scratch);
        }
        // More leaves may turn true while stages are tried, but those that stages are filed under are
        // all known by now.
        let known = scratch.truths.len();
        for number in 0..known {
            let Some(leaf) = scratch.truths.get(number) else { break };
            for test in remainder.filed.get(leaf).into_iter().flatten() {
                self.try_stage(remainder, *test, event, scratch, out);
            }
        }
        for test in &remainder.unfiled {
            self.try_stage(remainder, *test, event, scratch, out);
        }
    }

    fn try_stage(
        &self,
        remainder: &Remainder,
        test: u32,
        event: &Event,
        scratch: &mut Scratch,
        out: &mut Vec<StageIx>,
    ) {
        let Some((stage, condition)) = remainder.tests.get(test as usize) else { return };
        let epoch = scratch.epoch;
        match scratch.stages.get_mut(stage.index()) {
            Some(seen) if *seen != epoch => *seen = epoch,
            _ => return,
        }
        if self.holds(condition, event, scratch) {
            out.push(*stage);
        }
    }

    fn holds(&self, condition: &Cond, event: &Event, scratch: &mut Scratch) -> bool {
        match condition {
            Cond::Const(value) => *value,
            Cond::Leaf(leaf) => self.leaf(*leaf, event, scratch),
            Cond::Not(inner) => !self.holds(inner, event, scratch),
            Cond::And(all) => all.iter().all(|c| self.holds(c, event, scratch)),
            Cond::Or(any) => any.iter().any(|c| self.holds(c, event, scratch)),
        }
    }

    #[inline]
    fn leaf(&self, leaf: LeafIx, event: &Event, scratch: &mut Scratch) -> bool {
        if scratch.is_true(leaf) {
            return true;
        }
        if let Some(home) = self.homes.get(leaf.index()) {
            self.visit(*home, event, scratch);
        }
        scratch.is_true(leaf)
    }

    /// Tests everything at a home, once an event.
    fn visit(&self, home: Home, event: &Event, scratch: &mut Scratch) {
        match home {
            Home::Field(number) => {
                let number = number as usize;
                if !first_time(&mut scratch.fields, number, scratch.epoch) {
                    return;
                }
                if let Some(tests) = self.fields.get(number) {
                    tests.run(event, number, scratch);
                }
            }
            Home::Program(number) => {
                let number = number as usize;
                if !first_time(&mut scratch.programs, number, scratch.epoch) {
                    return;
                }
                if let Some((leaf, program)) = self.programs.get(number)
                    && program.holds(event, &mut scratch.expr)
                {
                    scratch.mark(*leaf);
                }
            }
        }
    }
}

fn first_time(marks: &mut [u32], number: usize, epoch: u32) -> bool {
    marks.get_mut(number).is_some_and(|mark| std::mem::replace(mark, epoch) != epoch)
}

impl Scratch {
    fn begin(&mut self) {
        self.truths.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            // Once in 2^32 events the numbers start again; old marks must not look new.
            for marks in [&mut self.fields, &mut self.programs, &mut self.leaves, &mut self.stages]
            {
                marks.fill(0);
            }
            self.epoch = 1;
        }
    }

    /// Whether a leaf has been found true of this event.
    #[inline]
    fn is_true(&self, leaf: LeafIx) -> bool {
        self.leaves.get(leaf.index()) == Some(&self.epoch)
    }

    fn mark(&mut self, leaf: LeafIx) {
        if first_time(&mut self.leaves, leaf.index(), self.epoch) {
            self.truths.push(leaf);
        }
    }

    /// Values whose tests were remembered, and all that were looked up.
    pub(crate) fn remembered(&self) -> (u64, u64) {
        (self.known, self.known + self.unknown)
    }

    /// Events on which an expression had too many combinations of values to try them all.
    pub(crate) fn cut(&self) -> u64 {
        self.expr.cut
    }
}

impl FieldTests {
    fn new(field: FieldId) -> Self {
        Self {
            field,
            missing: Vec::new(),
            present: Vec::new(),
            exact: HashMap::default(),
            folded: HashMap::default(),
            text: Vec::new(),
            other: Vec::new(),
        }
    }

    fn add(&mut self, leaf: LeafIx, test: &Test) -> Result<(), String> {
        let all_text = |values: &[Value]| values.iter().all(|v| matches!(v, Value::Str(_)));
        match test {
            Test::Missing => {
                self.missing.push(leaf);
                return Ok(());
            }
            Test::Present => {
                self.present.push(leaf);
                return Ok(());
            }
            Test::In(values) if all_text(values) => {
                for value in values {
                    if let Value::Str(text) = value {
                        push_distinct(self.exact.entry(text.clone()).or_default(), leaf);
                    }
                }
            }
            Test::InFold(texts) => {
                for text in texts {
                    push_distinct(self.folded.entry(text.clone()).or_default(), leaf);
                }
            }
            // Patterns test nothing but text.
            Test::Like { .. } | Test::Regex { .. } => {
                self.text.push((leaf, Tester::new(test)?));
                return Ok(());
            }
            _ => self.text.push((leaf, Tester::new(test)?)),
        }
        self.other.push((leaf, Tester::new(test)?));
        Ok(())
    }

    fn run(&self, event: &Event, number: usize, scratch: &mut Scratch) {
        let mut any = false;
        for value in event.values(self.field) {
            any = true;
            match value {
                Scalar::Str(text) => self.text_value(text, number, scratch),
                other => {
                    for (leaf, tester) in &self.other {
                        if tester.matches(other) {
                            scratch.mark(*leaf);
                        }
                    }
                }
            }
        }
        for leaf in if any { &self.present } else { &self.missing } {
            scratch.mark(*leaf);
        }
    }

    fn text_value(&self, text: &str, number: usize, scratch: &mut Scratch) {
        if let Some(leaves) = self.exact.get(text) {
            leaves.iter().for_each(|leaf| scratch.mark(*leaf));
        }
        if self.text.is_empty() && self.folded.is_empty() {
            return;
        }
        if let Some(Some(memo)) = scratch.memos.get_mut(number)
            && let Some(leaves) = memo.get(text)
        {
            scratch.known += 1;
            scratch.hits.clear();
            scratch.hits.extend_from_slice(leaves);
        } else {
            scratch.unknown += u64::from(!self.text.is_empty());
            self.test_text(text, scratch);
            if let Some(Some(memo)) = scratch.memos.get_mut(number)
                && text.len() <= MEMO_BYTES
            {
                if memo.len() >= MEMO_VALUES {
                    memo.pop_lru();
                }
                memo.put(text.into(), scratch.hits.as_slice().into());
            }
        }
        for index in 0..scratch.hits.len() {
            if let Some(leaf) = scratch.hits.get(index).copied() {
                scratch.mark(leaf);
            }
        }
    }

    /// Leaves `scratch.hits` holding the leaves outside `exact` that `text` makes true.
    fn test_text(&self, text: &str, scratch: &mut Scratch) {
        scratch.hits.clear();
        let Scratch { hits, folded, .. } = scratch;
        let mut subject = Subject::new(Scalar::Str(text), folded);
        if !self.folded.is_empty()
            && let Some(leaves) = subject.folded().and_then(|folded| self.folded.get(folded))
        {
            hits.extend_from_slice(leaves);
        }
        for (leaf, tester) in &self.text {
            if tester.passes(&mut subject) {
                hits.push(*leaf);
            }
        }
    }
}

fn push_distinct(leaves: &mut Vec<LeafIx>, leaf: LeafIx) {
    if leaves.last() != Some(&leaf) {
        leaves.push(leaf);
    }
}

#[cfg(test)]
mod tests;
