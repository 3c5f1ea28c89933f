//! Rule → [`Explanation`]: what it looks for, what it reads, what it needs and what it costs.
//!
//! In: a rule of a compiled set, and the producers of audit events. Out: plain data in the words of
//! the query language, for whoever shows it. Nothing here is used to run a rule.

use std::collections::BTreeSet;

use serde::Serialize;

use super::audit::{self, Needs};
use super::{Rule, RuleSet};
use crate::check::{self, ir};
use crate::plan::{Cond, Graph, Item, LeafIx, Plan, RuleIx, Shape, StageIx};
use crate::schema::{self, FieldId, Producer};
use crate::syntax::{self, ast};

/// A rule in the words of its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The rule's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub file: String,
    /// `event`, `sequence` or `sample`.
    pub kind: &'static str,
    /// The query in canonical layout, without comments.
    pub query: String,
    /// Join keys by column, in order.
    pub keys: Vec<Key>,
    /// Longest time from the first to the last event, as `maxspan` says.
    pub maxspan: Option<String>,
    /// What bounds a sample, or a sequence without `maxspan`, in time.
    pub window: Option<String>,
    /// What is done with results, in order.
    pub pipes: Vec<String>,
    /// The stages in order, `runs` not unrolled.
    pub stages: Vec<StageInfo>,
    /// What ends all partials of its key.
    pub until: Option<StageInfo>,
    /// All fields read, by name.
    pub fields: Vec<FieldUse>,
    /// What must be logged for the whole rule, beside what each stage needs.
    pub setup: Vec<String>,
    /// What makes it expensive or wide.
    pub notes: Vec<String>,
    /// Hash of what decides its matches.
    pub logic: String,
}

/// A column of the join key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The field in each stage, in order; `?` in front when it may be missing.
    pub fields: Vec<String>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageInfo {
    /// The bracket, or the filter of an event query, in canonical layout.
    pub eql: String,
    /// It must not happen.
    pub missing: bool,
    /// How many times in a row.
    pub runs: u32,
    /// Which events it is tried on.
    pub tried: Tried,
    /// Its tests, each once.
    pub tests: Vec<TestInfo>,
    /// Other rules of the set with the same stage, by name.
    pub shared_with: Vec<String>,
    /// Which system calls and records can satisfy it.
    pub needs: Needs,
}

/// Which events a stage is tried on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// Those that pass any of these tests.
    When(Vec<String>),
    /// All: it can hold without any test being true.
    Always,
    /// None: it can never hold.
    Never,
}

/// A test of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestInfo {
    /// In the query language.
    pub eql: String,
    /// The fields it reads.
    pub fields: Vec<String>,
    /// How it is done.
    pub cost: Cost,
    /// How many stages of the set have it; it is done once for all.
    pub stages: usize,
}

/// How a test is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// The value is looked up.
    Lookup,
    /// The value is matched; the answer is remembered for values that come again.
    Match,
    /// The value is compared.
    Compare,
    /// Something is computed for every combination of values.
    Compute,
}

/// A field that a rule reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldUse {
    /// Its name.
    pub name: String,
    /// Its type, `unknown` when it is not one of ours.
    pub kind: &'static str,
    /// The records it comes from; `None` when it is not one of ours.
    pub records: Option<&'static str>,
}

/// Explains one rule of a set; `producers` are the known sources of audit events.
///
/// `None` when the set has no such rule. Cost grows with the rule times the producers.
pub fn explain(rules: &RuleSet, number: RuleIx, producers: &[Producer]) -> Option<Explanation> {
    let rule = rules.rule(number)?;
    let plan = rules.plan();
    let planned = plan.rules.get(number.index())?;
    let ast = syntax::parse(&rule.text).ok()?;
    let explaining =
        Explaining { rules, plan, graph: plan.graph(), number, producers, stages: Vec::new() };
    let mut explaining = explaining;
    let (kind, keys, maxspan) = match (&ast.query, &rule.query.kind, &planned.shape) {
        (ast::Query::Event(filter), _, Shape::Event(stage)) => {
            explaining.stage(syntax::print_filter(filter), *stage, false, 1);
            ("event", Vec::new(), None)
        }
        (
            ast::Query::Sequence(written),
            ir::QueryKind::Sequence(checked),
            Shape::Sequence { items, until, maxspan },
        ) => {
            explaining.items(&written.items, &checked.items, items);
            if let (Some(written), Some(until)) = (&written.until, until) {
                explaining.stage(syntax::print_item(written), until.stage, false, 1);
            }
            let all: Vec<&ir::Item> =
                checked.items.iter().chain(checked.until.as_deref()).collect();
            ("sequence", keys(&all), maxspan.map(|span| span.to_string()))
        }
        (ast::Query::Sample(written), ir::QueryKind::Sample(checked), Shape::Sample { items }) => {
            explaining.items(&written.items, checked, items);
            ("sample", keys(&checked.iter().collect::<Vec<_>>()), None)
        }
        _ => return None,
    };
    let mut stages = explaining.stages;
    let until = match &planned.shape {
        Shape::Sequence { until: Some(_), .. } => stages.pop(),
        _ => None,
    };
    let fields = fields(&keys, stages.iter().chain(&until));
    let bare = ast::Ast { comments: Vec::new(), ..ast };
    let mut explanation = Explanation {
        id: rule.id.clone(),
        name: rule.name.clone(),
        file: rule.origin.file.clone(),
        kind,
        query: syntax::print(&bare),
        keys,
        window: window(rule, kind, maxspan.is_some()),
        maxspan,
        pipes: rule.query.pipes.iter().map(pipe).collect(),
        setup: audit::setup(fields.iter().filter_map(|field| field.records)),
        stages,
        until,
        fields,
        notes: Vec::new(),
        logic: planned.logic.to_string(),
    };
    explanation.notes = notes(&explanation);
    Some(explanation)
}

struct Explaining<'a> {
    rules: &'a RuleSet,
    plan: &'a Plan,
    graph: Graph,
    number: RuleIx,
    producers: &'a [Producer],
    stages: Vec<StageInfo>,
}

impl Explaining<'_> {
    /// The brackets; `planned` has `runs` unrolled.
    fn items(&mut self, written: &[ast::Item], checked: &[ir::Item], planned: &[Item]) {
        let mut unrolled = planned.iter();
        for (written, checked) in written.iter().zip(checked) {
            let Some(item) = unrolled.next() else { return };
            let more = usize::try_from(checked.runs.saturating_sub(1)).unwrap_or(0);
            unrolled.by_ref().take(more).for_each(drop);
            let eql = syntax::print_item(written);
            self.stage(eql, item.stage, item.missing, checked.runs);
        }
    }

    fn stage(&mut self, eql: String, stage: StageIx, missing: bool, runs: u32) {
        let Some(planned) = self.plan.stages.get(stage.index()) else { return };
        let mut leaves = Vec::new();
        self::leaves(&planned.condition, &mut leaves);
        let tried = match &planned.filed {
            None => Tried::Always,
            Some(leaves) if leaves.is_empty() => Tried::Never,
            Some(leaves) => Tried::When(leaves.iter().map(|leaf| self.leaf_text(*leaf)).collect()),
        };
        let info = StageInfo {
            eql,
            missing,
            runs,
            tried,
            tests: leaves.into_iter().filter_map(|leaf| self.test(leaf)).collect(),
            shared_with: self.shared_with(stage),
            needs: audit::needs(&planned.condition, self.plan, self.producers),
        };
        self.stages.push(info);
    }

    fn leaf_text(&self, leaf: LeafIx) -> String {
        self.plan
            .leaves
            .get(leaf.index())
            .map(|leaf| check::leaf_text(&leaf.leaf))
            .unwrap_or_default()
    }

    fn test(&self, leaf: LeafIx) -> Option<TestInfo> {
        let planned = self.plan.leaves.get(leaf.index())?;
        let name =
            |field: &FieldId| self.plan.fields.get(field.index()).map(|(name, _)| name.to_string());
        Some(TestInfo {
            eql: check::leaf_text(&planned.leaf),
            fields: planned.fields.iter().filter_map(name).collect(),
            cost: cost(&planned.leaf),
            stages: self.graph.leaf_users(leaf),
        })
    }

    fn shared_with(&self, stage: StageIx) -> Vec<String> {
        if self.graph.stage_users(stage) < 2 {
            return Vec::new();
        }
        let mut names = Vec::new();
        for (rule, index) in self.plan.rules.iter().zip(0..) {
            let uses = match &rule.shape {
                Shape::Event(only) => *only == stage,
                Shape::Sequence { items, until, .. } => {
                    items.iter().chain(until).any(|item| item.stage == stage)
                }
                Shape::Sample { items } => items.iter().any(|item| item.stage == stage),
            };
            if uses && RuleIx(index) != self.number {
                names.extend(self.rules.rule(RuleIx(index)).map(|rule| rule.name.clone()));
            }
        }
        names
    }
}

/// The leaves of a condition in order, each once.
/// The leaves of a condition, each once.
pub fn leaves(condition: &Cond, leaves: &mut Vec<LeafIx>) {
    match condition {
        Cond::Const(_) => {}
        Cond::Leaf(leaf) if leaves.contains(leaf) => {}
        Cond::Leaf(leaf) => leaves.push(*leaf),
        Cond::Not(inner) => self::leaves(inner, leaves),
        Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| self::leaves(c, leaves)),
    }
}

fn cost(leaf: &ir::Leaf) -> Cost {
    match leaf {
        ir::Leaf::Expr(_) => Cost::Compute,
        ir::Leaf::Test(_, test) => match test {
            ir::Test::Missing | ir::Test::Present | ir::Test::In(_) | ir::Test::InFold(_) => {
                Cost::Lookup
            }
            ir::Test::Like { .. } | ir::Test::Regex { .. } | ir::Test::Cidr(_) => Cost::Match,
            ir::Test::Compare(..) | ir::Test::Version(..) => Cost::Compare,
        },
    }
}

fn keys(items: &[&ir::Item]) -> Vec<Key> {
    let columns = items.first().map_or(0, |item| item.keys.len());
    let name = |key: &ir::Key| {
        let mark = if key.optional { "?" } else { "" };
        format!("{mark}{}", key.field.name)
    };
    (0..columns)
        .map(|column| Key {
            fields: items.iter().filter_map(|item| item.keys.get(column)).map(name).collect(),
        })
        .collect()
}

fn window(rule: &Rule, kind: &str, has_maxspan: bool) -> Option<String> {
    let applies = kind == "sample" || (kind == "sequence" && !has_maxspan);
    rule.options.window.filter(|_| applies).map(|window| window.to_string())
}

fn pipe(pipe: &ir::Pipe) -> String {
    match pipe {
        ir::Pipe::Head(number) => format!("head {number}"),
        ir::Pipe::Tail(number) => format!("tail {number}"),
        ir::Pipe::Unique(fields) => named("unique", fields),
        ir::Pipe::UniqueCount(fields) => named("unique_count", fields),
        ir::Pipe::Count(fields) => named("count", fields),
        ir::Pipe::Sort(fields) => named("sort", fields),
    }
}

fn named(pipe: &str, fields: &[ir::Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
    format!("{pipe} {}", names.join(", ")).trim_end().to_owned()
}

fn fields<'a>(keys: &[Key], stages: impl Iterator<Item = &'a StageInfo>) -> Vec<FieldUse> {
    let mut names: BTreeSet<String> = keys
        .iter()
        .flat_map(|key| &key.fields)
        .map(|name| name.trim_start_matches('?').to_owned())
        .collect();
    for stage in stages {
        names.extend(stage.tests.iter().flat_map(|test| test.fields.iter().cloned()));
    }
    let describe = |name: String| {
        let info = schema::lookup(&name);
        FieldUse {
            kind: info.map_or("unknown", |info| info.kind.name()),
            records: info.map(|info| info.records),
            name,
        }
    };
    names.into_iter().map(describe).collect()
}

/// What a rule author may want to change.
fn notes(rule: &Explanation) -> Vec<String> {
    let mut notes = Vec::new();
    let numbered = rule.stages.iter().zip(1..).map(|(stage, number)| {
        let name = if rule.kind == "event" { "it".to_owned() } else { format!("stage {number}") };
        (name, stage)
    });
    for (name, stage) in numbered.chain(rule.until.iter().map(|until| ("until".to_owned(), until)))
    {
        match stage.tried {
            Tried::Always => notes.push(format!(
                "{name} is tried on every event, because it can hold without any test being true; \
                 a test that must be true makes it cheap"
            )),
            Tried::Never => notes.push(format!("{name} can never hold")),
            Tried::When(_) => {}
        }
        for test in stage.tests.iter().filter(|test| test.cost == Cost::Compute) {
            notes.push(format!("{name} computes `{}`", test.eql));
        }
    }
    if rule.kind == "event" {
        return notes;
    }
    if rule.keys.is_empty() {
        notes.push("there is no join key: events of anybody on any host form a chain".to_owned());
    } else if !rule.keys.iter().any(|key| key.fields.iter().all(|name| ties_to_host(name))) {
        notes.push(
            "no join key names the host: events of different hosts can form a chain".to_owned(),
        );
    }
    if rule.maxspan.is_none() {
        notes.push(match &rule.window {
            Some(window) => {
                format!("without `maxspan`, partials are kept for the window of the rule, {window}")
            }
            None => "nothing bounds it in time: partials are kept until memory runs out".to_owned(),
        });
    }
    notes
}

/// Whether equal values of a field mean the same host.
fn ties_to_host(name: &str) -> bool {
    name.starts_with("host.") || name.ends_with(".entity_id")
}
