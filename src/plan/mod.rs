//! Checked queries → one plan for the whole rule set.
//!
//! In: [IR](crate::check::ir), one query per rule. Out: a [`Plan`]: the fields read, the leaves (each
//! distinct test once, however many rules use it), the stages (each distinct condition once), the
//! shape of each rule over those stages, and a graph of who uses whom for `explain`.
//!
//! The ladder: conditions are simplified ([`passes`]), leaves and stages are shared by their canonical
//! text ([`canon`]), each stage is filed under the leaves of which at least one must be true
//! ([`filing`]), and the whole is drawn as a graph ([`graph`]). Only this room sees a petgraph type;
//! nothing here is walked per event: `machine` lowers a plan to index vectors.

mod canon;
mod filing;
mod graph;
mod passes;

use std::collections::HashMap;
use std::sync::Arc;

pub use canon::{LogicHash, logic_hash};
pub use filing::necessary_leaves;
pub use graph::{Graph, Node};

pub use crate::check::ir;
use crate::schema::{FieldId, FieldType};
use crate::time::Duration;

/// Number of a rule in its rule set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIx(pub u32);

/// Number of a leaf in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafIx(pub u32);

/// Number of a stage in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageIx(pub u32);

impl RuleIx {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl LeafIx {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl StageIx {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The plan of a rule set.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Fields by [`FieldId`]: name and, where known, type.
    pub fields: Vec<(Arc<str>, Option<FieldType>)>,
    /// Distinct leaves.
    pub leaves: Vec<Leaf>,
    /// Distinct stages.
    pub stages: Vec<Stage>,
    /// The rules in order of [`RuleIx`].
    pub rules: Vec<RulePlan>,
}

/// A leaf with the fields it reads, most significant first.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The test.
    pub leaf: ir::Leaf,
    /// Each distinct field once.
    pub fields: Vec<FieldId>,
}

/// A condition over leaves.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The condition.
    pub condition: Cond,
    /// When the condition holds, at least one of these leaves is true; `None` when no such set is
    /// known and the stage must be tried on every event.
    pub filed: Option<Vec<LeafIx>>,
}

/// A condition whose leaves are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cond {
    /// Always or never true.
    Const(bool),
    /// A leaf.
    Leaf(LeafIx),
    /// It is false.
    Not(Box<Cond>),
    /// All are true.
    And(Vec<Cond>),
    /// Any is true.
    Or(Vec<Cond>),
}

/// One key column of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyColumn {
    /// The field.
    pub field: FieldId,
    /// Missing is a value like any other.
    pub optional: bool,
}

/// One item of a sequence or sample after unrolling `runs`.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its condition.
    pub stage: StageIx,
    /// Its key columns.
    pub keys: Vec<KeyColumn>,
    /// `![..]`
    pub missing: bool,
}

/// What a rule looks for.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One event.
    Event(StageIx),
    /// Events in order.
    Sequence {
        /// Positive and missing items in order.
        items: Vec<Item>,
        /// Ends all partials of its key.
        until: Option<Item>,
        /// Inclusive.
        maxspan: Option<Duration>,
    },
    /// Events in any order.
    Sample {
        /// In the order of output.
        items: Vec<Item>,
    },
}

impl Shape {
    /// Its items with their keys, the one that ends its partials among them; a single event has none.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        let (items, until) = match self {
            Self::Event(_) => (&[][..], None),
            Self::Sequence { items, until, .. } => (items.as_slice(), until.as_ref()),
            Self::Sample { items } => (items.as_slice(), None),
        };
        items.iter().chain(until)
    }
}

/// The plan of one rule.
#[derive(Debug, Clone)]
pub struct RulePlan {
    /// What it looks for.
    pub shape: Shape,
    /// Pipes in order.
    pub pipes: Vec<ir::Pipe>,
    /// Names of the key columns, as written on the first item.
    pub key_names: Vec<Arc<str>>,
    /// Hash of everything that decides its matches; a rule that hashes the same finds the same.
    pub logic: LogicHash,
}

impl Plan {
    /// Plans `queries`; the position of a query is its rule's [`RuleIx`].
    ///
    /// Cost grows with the total size of the queries.
    pub fn new<'a>(queries: impl IntoIterator<Item = &'a ir::Query>) -> Self {
        let mut builder = Builder::default();
        for query in queries {
            let rule = builder.rule(query);
            builder.plan.rules.push(rule);
        }
        filing::file(&mut builder.plan);
        builder.plan
    }

    /// The graph of fields, leaves, stages and rules.
    pub fn graph(&self) -> Graph {
        Graph::new(self)
    }

    /// The number of a field, if any rule reads it.
    pub fn field(&self, name: &str) -> Option<FieldId> {
        let index = self.fields.iter().position(|(known, _)| &**known == name)?;
        u16::try_from(index).ok().map(FieldId)
    }
}

/// Shares fields, leaves and stages while the rules are planned one after another.
#[derive(Debug, Default)]
struct Builder {
    plan: Plan,
    fields: HashMap<Arc<str>, FieldId>,
    leaves: HashMap<String, LeafIx>,
    stages: HashMap<String, StageIx>,
}

impl Builder {
    fn rule(&mut self, query: &ir::Query) -> RulePlan {
        let mut key_names = Vec::new();
        let shape = match &query.kind {
            ir::QueryKind::Event(filter) => Shape::Event(self.stage(filter)),
            ir::QueryKind::Sequence(sequence) => {
                key_names = names(&sequence.items);
                Shape::Sequence {
                    items: self.items(&sequence.items),
                    until: sequence.until.as_ref().map(|until| self.item(until)),
                    maxspan: sequence.maxspan,
                }
            }
            ir::QueryKind::Sample(items) => {
                key_names = names(items);
                Shape::Sample { items: self.items(items) }
            }
        };
        RulePlan { shape, pipes: query.pipes.clone(), key_names, logic: logic_hash(query) }
    }

    /// Items with `runs` unrolled.
    fn items(&mut self, items: &[ir::Item]) -> Vec<Item> {
        let mut unrolled = Vec::new();
        for item in items {
            let planned = self.item(item);
            unrolled.extend((0..item.runs.max(1)).map(|_| planned.clone()));
        }
        unrolled
    }

    fn item(&mut self, item: &ir::Item) -> Item {
        let keys = item
            .keys
            .iter()
            .map(|key| KeyColumn { field: self.field(&key.field), optional: key.optional })
            .collect();
        Item { stage: self.stage(&item.filter), keys, missing: item.missing }
    }

    fn stage(&mut self, filter: &ir::Filter) -> StageIx {
        let condition = passes::simplify(filter.condition.clone());
        let text = canon::condition(&condition);
        if let Some(known) = self.stages.get(&text) {
            return *known;
        }
        let condition = self.condition(condition);
        let stage = StageIx(number(self.plan.stages.len()));
        self.plan.stages.push(Stage { condition, filed: None });
        self.stages.insert(text, stage);
        stage
    }

    fn condition(&mut self, condition: ir::Cond) -> Cond {
        match condition {
            ir::Cond::Const(value) => Cond::Const(value),
            ir::Cond::Leaf(leaf) => Cond::Leaf(self.leaf(leaf)),
            ir::Cond::Not(inner) => Cond::Not(Box::new(self.condition(*inner))),
            ir::Cond::And(all) => Cond::And(all.into_iter().map(|c| self.condition(c)).collect()),
            ir::Cond::Or(any) => Cond::Or(any.into_iter().map(|c| self.condition(c)).collect()),
        }
    }

    fn leaf(&mut self, leaf: ir::Leaf) -> LeafIx {
        let text = canon::leaf(&leaf);
        if let Some(known) = self.leaves.get(&text) {
            return *known;
        }
        let mut fields = Vec::new();
        passes::leaf_fields(&leaf, &mut |field| {
            let id = self.field(field);
            if !fields.contains(&id) {
                fields.push(id);
            }
        });
        let number = LeafIx(number(self.plan.leaves.len()));
        self.plan.leaves.push(Leaf { leaf, fields });
        self.leaves.insert(text, number);
        number
    }

    fn field(&mut self, field: &ir::Field) -> FieldId {
        if let Some(known) = self.fields.get(&field.name) {
            return *known;
        }
        // More distinct fields than a u16 holds cannot come from rules a person wrote; the last
        // number then stands for "no slot", which reads as missing.
        let id = FieldId(u16::try_from(self.plan.fields.len()).unwrap_or(u16::MAX));
        self.plan.fields.push((field.name.clone(), field.kind));
        self.fields.insert(field.name.clone(), id);
        id
    }
}

fn names(items: &[ir::Item]) -> Vec<Arc<str>> {
    items
        .iter()
        .find(|item| !item.missing)
        .map(|item| item.keys.iter().map(|key| key.field.name.clone()).collect())
        .unwrap_or_default()
}

/// Counts of leaves and stages are far below 2^32: queries are limited in length.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
