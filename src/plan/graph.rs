//! The plan as a graph: fields → leaves → stages → rules.
//!
//! For people (`explain`, `--format dot`) and for questions about sharing; never walked per event.

use std::fmt::Write as _;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Cond, LeafIx, Plan, RuleIx, Shape, StageIx, canon};
use crate::schema::FieldId;

/// A thing in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A field of events.
    Field(FieldId),
    /// A test.
    Leaf(LeafIx),
    /// A condition.
    Stage(StageIx),
    /// A rule.
    Rule(RuleIx),
}

/// Who is used by whom; edges run from the used to the user.
#[derive(Debug)]
pub struct Graph {
    graph: DiGraph<Node, ()>,
    leaves: Vec<NodeIndex>,
    stages: Vec<NodeIndex>,
}

impl Graph {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut graph = DiGraph::new();
        let fields: Vec<_> = (0..plan.fields.len())
            .filter_map(|i| u16::try_from(i).ok())
            .map(|i| graph.add_node(Node::Field(FieldId(i))))
            .collect();
        let mut leaves = Vec::new();
        for (leaf, index) in plan.leaves.iter().zip(0..) {
            let node = graph.add_node(Node::Leaf(LeafIx(index)));
            for field in leaf.fields.iter().filter_map(|f| fields.get(f.index())) {
                graph.add_edge(*field, node, ());
            }
            leaves.push(node);
        }
        let mut stages = Vec::new();
        for (stage, index) in plan.stages.iter().zip(0..) {
            let node = graph.add_node(Node::Stage(StageIx(index)));
            let mut used = Vec::new();
            collect(&stage.condition, &mut used);
            used.sort_unstable();
            used.dedup();
            for leaf in used.iter().filter_map(|l| leaves.get(l.index())) {
                graph.add_edge(*leaf, node, ());
            }
            stages.push(node);
        }
        for (rule, index) in plan.rules.iter().zip(0..) {
            let node = graph.add_node(Node::Rule(RuleIx(index)));
            let mut used: Vec<StageIx> = match &rule.shape {
                Shape::Event(stage) => vec![*stage],
                Shape::Sequence { items, until, .. } => {
                    items.iter().chain(until).map(|item| item.stage).collect()
                }
                Shape::Sample { items } => items.iter().map(|item| item.stage).collect(),
            };
            used.sort_unstable();
            used.dedup();
            for stage in used.iter().filter_map(|s| stages.get(s.index())) {
                graph.add_edge(*stage, node, ());
            }
        }
        Self { graph, leaves, stages }
    }

    /// How many stages use a leaf.
    pub fn leaf_users(&self, leaf: LeafIx) -> usize {
        self.leaves.get(leaf.index()).map_or(0, |node| self.users(*node))
    }

    /// How many rules use a stage.
    pub fn stage_users(&self, stage: StageIx) -> usize {
        self.stages.get(stage.index()).map_or(0, |node| self.users(*node))
    }

    fn users(&self, node: NodeIndex) -> usize {
        self.graph.neighbors_directed(node, Direction::Outgoing).count()
    }

    /// The graph in the dot language; `rule_name` names the rules.
    pub fn dot(&self, plan: &Plan, rule_name: impl Fn(RuleIx) -> String) -> String {
        let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
        for index in self.graph.node_indices() {
            let label = match self.graph.node_weight(index) {
                Some(Node::Field(field)) => {
                    plan.fields.get(field.index()).map(|(name, _)| name.to_string())
                }
                Some(Node::Leaf(leaf)) => {
                    plan.leaves.get(leaf.index()).map(|leaf| canon::leaf(&leaf.leaf))
                }
                Some(Node::Stage(stage)) => Some(format!("stage {}", stage.0)),
                Some(Node::Rule(rule)) => Some(rule_name(*rule)),
                None => None,
            };
            let _ = writeln!(out, "  n{} [label={:?}];", index.index(), label.unwrap_or_default());
        }
        for edge in self.graph.edge_indices() {
            if let Some((from, to)) = self.graph.edge_endpoints(edge) {
                let _ = writeln!(out, "  n{} -> n{};", from.index(), to.index());
            }
        }
        out.push_str("}\n");
        out
    }
}

fn collect(condition: &Cond, leaves: &mut Vec<LeafIx>) {
    match condition {
        Cond::Const(_) => {}
        Cond::Leaf(leaf) => leaves.push(*leaf),
        Cond::Not(inner) => collect(inner, leaves),
        Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| collect(c, leaves)),
    }
}
