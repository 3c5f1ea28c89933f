//! The conditions of one rule, taken apart.
//!
//! In: a rule and the text it was written in. Out: for any event which brackets hold, and of those that
//! do not, which parts refuse. A part is what stands between `and` and `or`, with its place in the
//! text. Every part is checked and planned like a query of its own and tested by the predicates of the
//! machines, all in one plan with the rule itself: nothing here decides what a test means.

use std::sync::Arc;

use crate::check::{self, ir};
use crate::event::Event;
use crate::machine::predicate::{Predicates, Scratch};
use crate::plan::{Cond, KeyColumn, Plan, RulePlan, Shape, StageIx};
use crate::rule::Rule;
use crate::schema::{FieldId, FieldType, Schema};
use crate::span::Span;
use crate::syntax::{self, ast};
use crate::time::Duration;

/// See the module page.
#[derive(Debug)]
pub(super) struct Probe {
    plan: Plan,
    predicates: Predicates,
    scratch: Scratch,
    /// Fields that the rule itself reads; the others are read by parts only.
    own_fields: usize,
    pub(super) kind: &'static str,
    pub(super) brackets: Vec<Bracket>,
    /// Items with `runs` written out.
    pub(super) items: Vec<Slot>,
    pub(super) maxspan: Option<Duration>,
    satisfied: Vec<StageIx>,
    /// By stage, for the event at hand.
    truths: Vec<bool>,
}

/// A bracket, or the filter of a query for single events.
#[derive(Debug)]
pub(super) struct Bracket {
    /// In canonical layout.
    pub(super) eql: String,
    pub(super) role: Role,
    /// What the machines test.
    whole: StageIx,
    /// What stands in front of `where`.
    pub(super) category: Option<(String, StageIx)>,
    pub(super) parts: Vec<Part>,
    tree: Tree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Stage,
    Missing,
    Until,
}

/// What stands between `and` and `or`.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) span: Span,
    pub(super) eql: String,
    pub(super) fields: Vec<FieldId>,
    stage: StageIx,
}

/// How the parts of a bracket hang together.
#[derive(Debug)]
enum Tree {
    Part(usize),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

/// An item with `runs` written out.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its bracket.
    pub(super) bracket: usize,
    pub(super) keys: Vec<KeyColumn>,
    pub(super) missing: bool,
}

impl Probe {
    /// Takes a rule apart that was checked under `schema`.
    ///
    /// # Errors
    ///
    /// When the text of the rule is not what it was made from, or a pattern is refused.
    pub(super) fn new(rule: &Rule, schema: &Schema) -> Result<Self, String> {
        let unlike = || "the text of the rule is not that of its query".to_owned();
        let written = syntax::parse(&rule.text).map_err(|_| unlike())?;
        let options = check::Options { category_field: schema.events().category.clone() };
        let mut builder = Builder { schema, options, queries: vec![rule.query.clone()] };
        let brackets: Vec<Draft> = match &written.query {
            ast::Query::Event(filter) => {
                vec![builder.bracket(filter, syntax::print_filter(filter), Role::Stage, 1)]
            }
            ast::Query::Sequence(sequence) => {
                let mut brackets = builder.items(&sequence.items);
                if let Some(until) = &sequence.until {
                    let eql = syntax::print_item(until);
                    brackets.push(builder.bracket(&until.filter, eql, Role::Until, 1));
                }
                brackets
            }
            ast::Query::Sample(sample) => builder.items(&sample.items),
        };
        let plan = Plan::new(&builder.queries);
        let planned = plan.rules.first().ok_or_else(unlike)?;
        let (kind, shape, maxspan) = shape(planned);
        let mut slots = Vec::new();
        let mut stages = shape.iter();
        let mut wholes = Vec::new();
        for (number, draft) in brackets.iter().enumerate() {
            for copy in 0..draft.runs {
                let (stage, keys) = stages.next().ok_or_else(unlike)?;
                if copy == 0 {
                    wholes.push(*stage);
                }
                if draft.role != Role::Until {
                    let missing = draft.role == Role::Missing;
                    slots.push(Slot { bracket: number, keys: keys.clone(), missing });
                }
            }
        }
        let event_stage = |query: usize| match plan.rules.get(query).map(|rule| &rule.shape) {
            Some(Shape::Event(stage)) => Some(*stage),
            _ => None,
        };
        let brackets: Option<Vec<Bracket>> = brackets
            .into_iter()
            .zip(wholes)
            .map(|(draft, whole)| {
                let category = match draft.category {
                    Some((name, query)) => Some((name, event_stage(query)?)),
                    None => None,
                };
                let part = |part: DraftPart| {
                    let stage = event_stage(part.query)?;
                    let fields = fields(&plan, stage);
                    Some(Part { span: part.span, eql: part.eql, fields, stage })
                };
                let parts = draft.parts.into_iter().map(part).collect::<Option<Vec<Part>>>()?;
                let (eql, role, tree) = (draft.eql, draft.role, draft.tree);
                Some(Bracket { eql, role, whole, category, parts, tree })
            })
            .collect();
        let own = Plan::new([&rule.query]);
        if plan.fields.get(..own.fields.len()) != Some(own.fields.as_slice()) {
            return Err(unlike());
        }
        let predicates = Predicates::new(&plan)?;
        Ok(Self {
            scratch: predicates.scratch(),
            predicates,
            own_fields: own.fields.len(),
            kind,
            brackets: brackets.ok_or_else(unlike)?,
            items: slots,
            maxspan: maxspan.or(rule.options.window),
            satisfied: Vec::new(),
            truths: vec![false; plan.stages.len()],
            plan,
        })
    }

    /// Fields that only parts read, in the order in which they must be filled in behind the others.
    pub(super) fn more_fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        self.plan.fields.get(self.own_fields..).unwrap_or_default().to_vec()
    }

    /// All fields.
    pub(super) fn field_count(&self) -> usize {
        self.plan.fields.len()
    }

    pub(super) fn field_name(&self, field: FieldId) -> Arc<str> {
        self.plan.fields.get(field.index()).map_or_else(|| "?".into(), |(name, _)| name.clone())
    }

    /// Tests everything on an event; all questions that follow are about this one.
    pub(super) fn look(&mut self, event: &Event) {
        for stage in self.satisfied.drain(..) {
            if let Some(truth) = self.truths.get_mut(stage.index()) {
                *truth = false;
            }
        }
        self.predicates.satisfied(event, &mut self.scratch, &mut self.satisfied);
        for stage in &self.satisfied {
            if let Some(truth) = self.truths.get_mut(stage.index()) {
                *truth = true;
            }
        }
    }

    fn is_true(&self, stage: StageIx) -> bool {
        self.truths.get(stage.index()).copied().unwrap_or(false)
    }

    /// Whether a bracket holds.
    pub(super) fn holds(&self, bracket: &Bracket) -> bool {
        self.is_true(bracket.whole)
    }

    /// Whether the event is of the category of a bracket.
    pub(super) fn is_of_category(&self, bracket: &Bracket) -> bool {
        bracket.category.as_ref().is_none_or(|(_, stage)| self.is_true(*stage))
    }

    pub(super) fn part_holds(&self, part: &Part) -> bool {
        self.is_true(part.stage)
    }

    /// How much of a bracket holds, of a thousand. A choice counts as the best of its branches.
    pub(super) fn score(&self, bracket: &Bracket) -> u32 {
        let (held, of) = self.weigh(bracket, &bracket.tree);
        u32::try_from(held.saturating_mul(1000) / of.max(1)).unwrap_or(0)
    }

    fn weigh(&self, bracket: &Bracket, tree: &Tree) -> (usize, usize) {
        match tree {
            Tree::Part(number) => {
                let part = bracket.parts.get(*number);
                (usize::from(part.is_some_and(|part| self.part_holds(part))), 1)
            }
            Tree::All(all) => all.iter().fold((0, 0), |(held, of), tree| {
                let (more, weight) = self.weigh(bracket, tree);
                (held + more, of + weight)
            }),
            Tree::Any(any) => {
                let branches = any.iter().map(|tree| self.weigh(bracket, tree));
                branches.max_by_key(|(held, of)| held * 1000 / (*of).max(1)).unwrap_or((0, 1))
            }
        }
    }

    /// The parts that refuse the event, by number; empty when the parts would let it pass.
    pub(super) fn refusing(&self, bracket: &Bracket) -> Vec<usize> {
        let mut out = Vec::new();
        self.refuse(bracket, &bracket.tree, &mut out);
        out
    }

    fn refuse(&self, bracket: &Bracket, tree: &Tree, out: &mut Vec<usize>) {
        let (held, of) = self.weigh(bracket, tree);
        if held == of {
            return;
        }
        match tree {
            Tree::Part(number) => out.push(*number),
            Tree::All(all) => all.iter().for_each(|tree| self.refuse(bracket, tree, out)),
            // Of single tests all are told, of longer branches the one that came nearest.
            Tree::Any(any) if any.iter().all(|tree| matches!(tree, Tree::Part(_))) => {
                any.iter().for_each(|tree| self.refuse(bracket, tree, out));
            }
            Tree::Any(any) => {
                let ratio = |tree: &&Tree| {
                    let (held, of) = self.weigh(bracket, tree);
                    held * 1000 / of.max(1)
                };
                if let Some(best) = any.iter().max_by_key(ratio) {
                    self.refuse(bracket, best, out);
                }
            }
        }
    }
}

/// A stage and its key.
type KeyedStage = (StageIx, Vec<KeyColumn>);

/// Kind, stages with their keys (that of `until` last) and `maxspan`.
fn shape(planned: &RulePlan) -> (&'static str, Vec<KeyedStage>, Option<Duration>) {
    match &planned.shape {
        Shape::Event(stage) => ("event", vec![(*stage, Vec::new())], None),
        Shape::Sequence { items, until, maxspan } => {
            let stages = items.iter().chain(until).map(|item| (item.stage, item.keys.clone()));
            ("sequence", stages.collect(), *maxspan)
        }
        Shape::Sample { items } => {
            let stages = items.iter().map(|item| (item.stage, item.keys.clone()));
            ("sample", stages.collect(), None)
        }
    }
}

/// The fields that a stage reads, each once.
fn fields(plan: &Plan, stage: StageIx) -> Vec<FieldId> {
    fn collect(plan: &Plan, condition: &Cond, out: &mut Vec<FieldId>) {
        match condition {
            Cond::Const(_) => {}
            Cond::Not(inner) => collect(plan, inner, out),
            Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| collect(plan, c, out)),
            Cond::Leaf(leaf) => {
                let fields = plan.leaves.get(leaf.index()).map(|leaf| leaf.fields.as_slice());
                for field in fields.unwrap_or_default() {
                    if !out.contains(field) {
                        out.push(*field);
                    }
                }
            }
        }
    }
    let mut out = Vec::new();
    if let Some(stage) = plan.stages.get(stage.index()) {
        collect(plan, &stage.condition, &mut out);
    }
    out
}

/// Makes queries of the parts.
struct Builder<'a> {
    schema: &'a Schema,
    options: check::Options,
    /// The rule itself, then the parts.
    queries: Vec<ir::Query>,
}

struct Draft {
    eql: String,
    role: Role,
    runs: u64,
    category: Option<(String, usize)>,
    parts: Vec<DraftPart>,
    tree: Tree,
}

struct DraftPart {
    span: Span,
    eql: String,
    query: usize,
}

impl Builder<'_> {
    fn items(&mut self, items: &[ast::Item]) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for item in items {
            let role = if item.missing { Role::Missing } else { Role::Stage };
            let runs = item.runs.map_or(1, |(runs, _)| runs);
            drafts.push(self.bracket(&item.filter, syntax::print_item(item), role, runs));
        }
        drafts
    }

    fn bracket(&mut self, filter: &ast::EventFilter, eql: String, role: Role, runs: u64) -> Draft {
        let span = filter.span;
        let truth = ast::Expr { kind: ast::ExprKind::Literal(ast::Literal::Bool(true)), span };
        let category = filter.category.name.clone().and_then(|name| {
            let condition = truth;
            let only = ast::EventFilter { category: filter.category.clone(), condition, span };
            Some((name, self.query(only)?))
        });
        let mut parts = Vec::new();
        let tree = self.tree(&filter.condition, &mut parts);
        Draft { eql, role, runs, category, parts, tree }
    }

    fn tree(&mut self, expr: &ast::Expr, parts: &mut Vec<DraftPart>) -> Tree {
        match &expr.kind {
            ast::ExprKind::And(all) => {
                Tree::All(all.iter().map(|expr| self.tree(expr, parts)).collect())
            }
            ast::ExprKind::Or(any) => {
                Tree::Any(any.iter().map(|expr| self.tree(expr, parts)).collect())
            }
            _ => {
                let category = ast::Category { name: None, span: expr.span };
                let condition = expr.clone();
                let alone = ast::EventFilter { category, condition, span: expr.span };
                // What cannot be asked alone is left to the whole, which is tested in any case.
                let Some(query) = self.query(alone) else { return Tree::All(Vec::new()) };
                let eql = syntax::print_expr(expr);
                parts.push(DraftPart { span: expr.span, eql, query });
                Tree::Part(parts.len() - 1)
            }
        }
    }

    fn query(&mut self, filter: ast::EventFilter) -> Option<usize> {
        let query = ast::Query::Event(filter);
        let alone = ast::Ast { query, pipes: Vec::new(), comments: Vec::new() };
        let (query, _) = check::check(&alone, self.schema, &self.options).ok()?;
        self.queries.push(query);
        Some(self.queries.len() - 1)
    }
}
