//! The plan as a graph: fields → leaves → stages → rules.
//!
//! For people (`explain`, as dot or Mermaid) and for questions about sharing; never walked per event.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Cond, Item, LeafIx, Plan, RuleIx, Shape, StageIx};
use crate::check::{self, ir};
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

/// Most characters of a condition on a node.
const LABEL: usize = 60;

/// Who is used by whom; edges run from the used to the user. The edge from a stage to a rule says which
/// stages of the rule it is, that from a field that it is a join key.
#[derive(Debug)]
pub struct Graph {
    graph: DiGraph<Node, String>,
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
                graph.add_edge(*field, node, String::new());
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
                graph.add_edge(*leaf, node, String::new());
            }
            stages.push(node);
        }
        for (rule, index) in plan.rules.iter().zip(0..) {
            let node = graph.add_node(Node::Rule(RuleIx(index)));
            for (stage, places) in places(&rule.shape) {
                if let Some(stage) = stages.get(stage.index()) {
                    graph.add_edge(*stage, node, places.join(", "));
                }
            }
            for field in keys(&rule.shape).into_iter().filter_map(|key| fields.get(key.index())) {
                graph.add_edge(*field, node, "by".to_owned());
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
        let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [fontname=monospace];\n");
        for index in self.graph.node_indices() {
            let Some(node) = self.graph.node_weight(index) else { continue };
            let label = label(*node, plan, &rule_name);
            let shape = match node {
                Node::Field(_) => "ellipse",
                Node::Leaf(_) => "box",
                Node::Stage(_) => "box, style=rounded",
                Node::Rule(_) => "box, style=bold",
            };
            let _ = writeln!(out, "  n{} [shape={shape}, label={label:?}];", index.index());
        }
        self.edges(|from, to, label| {
            let _ = match label {
                "" => writeln!(out, "  n{from} -> n{to};"),
                label => writeln!(out, "  n{from} -> n{to} [label={label:?}];"),
            };
        });
        out.push_str("}\n");
        out
    }

    /// The graph as a Mermaid flowchart; `rule_name` names the rules.
    pub fn mermaid(&self, plan: &Plan, rule_name: impl Fn(RuleIx) -> String) -> String {
        let mut out = String::from("flowchart LR\n");
        for index in self.graph.node_indices() {
            let Some(node) = self.graph.node_weight(index) else { continue };
            let label = entities(&label(*node, plan, &rule_name));
            let number = index.index();
            let _ = match node {
                Node::Field(_) => writeln!(out, "  n{number}([\"{label}\"])"),
                Node::Leaf(_) => writeln!(out, "  n{number}[\"{label}\"]"),
                Node::Stage(_) => writeln!(out, "  n{number}(\"{label}\")"),
                Node::Rule(_) => writeln!(out, "  n{number}[[\"{label}\"]]"),
            };
        }
        self.edges(|from, to, label| {
            let _ = match label {
                "" => writeln!(out, "  n{from} --> n{to}"),
                label => writeln!(out, "  n{from} -->|\"{}\"| n{to}", entities(label)),
            };
        });
        out
    }

    fn edges(&self, mut each: impl FnMut(usize, usize, &str)) {
        for edge in self.graph.edge_indices() {
            if let (Some((from, to)), Some(label)) =
                (self.graph.edge_endpoints(edge), self.graph.edge_weight(edge))
            {
                each(from.index(), to.index(), label);
            }
        }
    }
}

/// The fields of join keys, each once.
fn keys(shape: &Shape) -> BTreeSet<FieldId> {
    let items = match shape {
        Shape::Event(_) => &[][..],
        Shape::Sequence { items, .. } | Shape::Sample { items } => items,
    };
    items.iter().flat_map(|item| &item.keys).map(|key| key.field).collect()
}

/// The stages of a rule, each with its numbers in the order of the query.
fn places(shape: &Shape) -> Vec<(StageIx, Vec<String>)> {
    let mut places: Vec<(StageIx, Vec<String>)> = Vec::new();
    let mut add = |stage: StageIx, place: String| match places
        .iter_mut()
        .find(|(known, _)| *known == stage)
    {
        Some((_, known)) => known.push(place),
        None => places.push((stage, vec![place])),
    };
    let mut number = |items: &[Item]| {
        for (item, number) in items.iter().zip(1..) {
            add(item.stage, format!("{}{number}", if item.missing { "!" } else { "" }));
        }
    };
    match shape {
        Shape::Event(stage) => add(*stage, String::new()),
        Shape::Sequence { items, until, .. } => {
            number(items);
            if let Some(until) = until {
                add(until.stage, "until".to_owned());
            }
        }
        Shape::Sample { items } => number(items),
    }
    places
}

fn label(node: Node, plan: &Plan, rule_name: &impl Fn(RuleIx) -> String) -> String {
    let text = match node {
        Node::Field(field) => plan.fields.get(field.index()).map(|(name, _)| name.to_string()),
        Node::Leaf(leaf) => plan.leaves.get(leaf.index()).map(|l| check::leaf_text(&l.leaf)),
        Node::Stage(stage) => plan
            .stages
            .get(stage.index())
            .map(|stage| format!("[{}]", check::condition_text(&ir(&stage.condition, plan)))),
        Node::Rule(rule) => Some(rule_name(rule)),
    };
    shortened(&text.unwrap_or_default())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LABEL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

/// A planned condition with its leaves back in their places.
fn ir(condition: &Cond, plan: &Plan) -> ir::Cond {
    let all = |list: &[Cond]| list.iter().map(|c| ir(c, plan)).collect();
    match condition {
        Cond::Const(value) => ir::Cond::Const(*value),
        Cond::Leaf(leaf) => match plan.leaves.get(leaf.index()) {
            Some(planned) => ir::Cond::Leaf(planned.leaf.clone()),
            None => ir::Cond::Const(false),
        },
        Cond::Not(inner) => ir::Cond::Not(Box::new(ir(inner, plan))),
        Cond::And(list) => ir::Cond::And(all(list)),
        Cond::Or(list) => ir::Cond::Or(all(list)),
    }
}

/// Text inside the quotes of Mermaid.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' | '<' | '>' | '&' | '`' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn collect(condition: &Cond, leaves: &mut Vec<LeafIx>) {
    match condition {
        Cond::Const(_) => {}
        Cond::Leaf(leaf) => leaves.push(*leaf),
        Cond::Not(inner) => collect(inner, leaves),
        Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| collect(c, leaves)),
    }
}
