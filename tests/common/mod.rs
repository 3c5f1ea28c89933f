//! Trees in a compact form that people can read in snapshots.

use catena::check::ir;
use catena::schema::{FieldType, Schema};
use catena::syntax::ast::{self, ExprKind, Literal};

/// A few fields of every type, so that queries of the corpus can be about types.
pub(crate) fn schema() -> Schema {
    let mut schema = Schema::new();
    for (name, kind) in [
        ("process.name", FieldType::Keyword),
        ("process.args", FieldType::Keyword),
        ("process.pid", FieldType::Long),
        ("process.parent.pid", FieldType::Long),
        ("process.cpu", FieldType::Double),
        ("process.interactive", FieldType::Boolean),
        ("process.entity_id", FieldType::Keyword),
        ("process.start", FieldType::Date),
        ("event.code", FieldType::Keyword),
        ("file.path", FieldType::Keyword),
        ("source.ip", FieldType::Ip),
        ("message", FieldType::Text),
        ("package.version", FieldType::Version),
    ] {
        schema.set(name, kind);
    }
    schema
}

/// `(head child child)`
pub(crate) struct Node(String, Vec<Node>);

fn leaf(text: impl Into<String>) -> Node {
    Node(text.into(), Vec::new())
}

fn node(head: impl Into<String>, children: impl IntoIterator<Item = Node>) -> Node {
    Node(head.into(), children.into_iter().collect())
}

impl Node {
    fn flat(&self) -> String {
        if self.1.is_empty() {
            return self.0.clone();
        }
        let children: Vec<String> = self.1.iter().map(Node::flat).collect();
        format!("({} {})", self.0, children.join(" "))
    }

    /// On one line if that is short, else one line per child.
    pub(crate) fn pretty(&self, indent: usize) -> String {
        let flat = self.flat();
        if flat.len() + indent <= 90 || self.1.is_empty() {
            return flat;
        }
        let pad = " ".repeat(indent + 2);
        let children: Vec<String> =
            self.1.iter().map(|c| format!("{pad}{}", c.pretty(indent + 2))).collect();
        format!("({}\n{})", self.0, children.join("\n"))
    }
}

pub(crate) fn ast(ast: &ast::Ast) -> Node {
    let query = match &ast.query {
        ast::Query::Event(filter) => event(filter),
        ast::Query::Sequence(s) => {
            let mut parts = keys(&s.by);
            parts.extend(s.maxspan.map(|(maxspan, _)| leaf(format!("maxspan={maxspan}"))));
            parts.extend(s.items.iter().map(item));
            parts.extend(s.until.as_deref().map(|until| node("until", [item(until)])));
            node("sequence", parts)
        }
        ast::Query::Sample(s) => {
            node("sample", keys(&s.by).into_iter().chain(s.items.iter().map(item)))
        }
    };
    let pipes = ast.pipes.iter().map(|p| node(format!("| {}", p.name), p.args.iter().map(expr)));
    let comments = ast.comments.iter().map(|comment| {
        let place = if comment.trailing { "behind" } else { "above" };
        leaf(format!("<{place} {:?}>", comment.text))
    });
    node("query", std::iter::once(query).chain(pipes).chain(comments))
}

fn keys(by: &[ast::Field]) -> Vec<Node> {
    if by.is_empty() { Vec::new() } else { vec![node("by", by.iter().map(field))] }
}

fn field(field: &ast::Field) -> Node {
    leaf(format!("{}{}", if field.optional { "?" } else { "" }, field.name))
}

fn item(item: &ast::Item) -> Node {
    let mut parts = vec![event(&item.filter)];
    parts.extend(keys(&item.by));
    parts.extend(item.runs.map(|(runs, _)| leaf(format!("runs={runs}"))));
    node(if item.missing { "missing" } else { "item" }, parts)
}

fn event(filter: &ast::EventFilter) -> Node {
    let category = match &filter.category.name {
        None => "any".to_owned(),
        Some(name) => format!("{name:?}"),
    };
    node("event", [leaf(category), expr(&filter.condition)])
}

fn expr(expr: &ast::Expr) -> Node {
    let all = |items: &[ast::Expr]| items.iter().map(self::expr).collect::<Vec<_>>();
    let tilde = |fold: bool| if fold { "~" } else { "" };
    match &expr.kind {
        ExprKind::Literal(literal) => leaf(match literal {
            Literal::Null => "null".to_owned(),
            Literal::Bool(value) => value.to_string(),
            Literal::Int(value) => value.to_string(),
            Literal::Float(value) => format!("{value:?}"),
            Literal::Str { text, raw } => format!("{}{text:?}", if *raw { "raw" } else { "" }),
        }),
        ExprKind::Field(name) => field(name),
        ExprKind::Call(call) => {
            node(format!("call {}{}", call.name, tilde(call.fold)), all(&call.args))
        }
        ExprKind::Sign { minus, operand } => {
            node(if *minus { "minus" } else { "plus" }, [self::expr(operand)])
        }
        ExprKind::Arithmetic(op, a, b) => node(format!("{op:?}"), [self::expr(a), self::expr(b)]),
        ExprKind::Compare(op, a, b) => node(format!("{op:?}"), [self::expr(a), self::expr(b)]),
        ExprKind::In { value, negated, fold, list } => {
            let head = format!("{}in{}", if *negated { "not-" } else { "" }, tilde(*fold));
            node(head, [self::expr(value), node("list", all(list))])
        }
        ExprKind::Match { value, operator, patterns, list } => {
            let mut parts = vec![self::expr(value)];
            if *list {
                parts.push(node("list", all(patterns)));
            } else {
                parts.extend(all(patterns));
            }
            node(format!("{operator:?}"), parts)
        }
        ExprKind::Not(operand) => node("not", [self::expr(operand)]),
        ExprKind::And(operands) => node("and", all(operands)),
        ExprKind::Or(operands) => node("or", all(operands)),
    }
}

pub(crate) fn ir(query: &ir::Query) -> Node {
    let kind = match &query.kind {
        ir::QueryKind::Event(filter) => cond(&filter.condition),
        ir::QueryKind::Sequence(s) => {
            let mut parts: Vec<Node> =
                s.maxspan.iter().map(|span| leaf(format!("maxspan={span}"))).collect();
            parts.extend(s.items.iter().map(ir_item));
            parts.extend(s.until.as_deref().map(|until| node("until", [ir_item(until)])));
            node("sequence", parts)
        }
        ir::QueryKind::Sample(items) => node("sample", items.iter().map(ir_item)),
    };
    let named = |name: &str, fields: &[ir::Field]| {
        node(format!("| {name}"), fields.iter().map(|field| leaf(typed(field))))
    };
    let pipes = query.pipes.iter().map(|pipe| match pipe {
        ir::Pipe::Unique(fields) => named("unique", fields),
        ir::Pipe::UniqueCount(fields) => named("unique_count", fields),
        ir::Pipe::Count(fields) => named("count", fields),
        ir::Pipe::Sort(fields) => named("sort", fields),
        other => leaf(format!("{other:?}")),
    });
    node("checked", std::iter::once(kind).chain(pipes))
}

fn ir_item(item: &ir::Item) -> Node {
    let mut parts = vec![cond(&item.filter.condition)];
    if !item.keys.is_empty() {
        parts.push(node(
            "keys",
            item.keys.iter().map(|key| {
                leaf(format!("{}{}", if key.optional { "?" } else { "" }, typed(&key.field)))
            }),
        ));
    }
    if item.runs > 1 {
        parts.push(leaf(format!("runs={}", item.runs)));
    }
    node(if item.missing { "missing" } else { "item" }, parts)
}

fn typed(field: &ir::Field) -> String {
    match field.kind {
        Some(kind) => format!("{}:{}", field.name, kind.name()),
        None => field.name.to_string(),
    }
}

fn cond(condition: &ir::Cond) -> Node {
    match condition {
        ir::Cond::Const(value) => leaf(value.to_string()),
        ir::Cond::And(parts) => node("and", parts.iter().map(cond)),
        ir::Cond::Or(parts) => node("or", parts.iter().map(cond)),
        ir::Cond::Not(inner) => node("not", [cond(inner)]),
        ir::Cond::Leaf(ir::Leaf::Test(field, test)) => {
            node(format!("test {}", typed(field)), [leaf(test_text(test))])
        }
        ir::Cond::Leaf(ir::Leaf::Expr(expr)) => node("leaf", [ir_expr(expr)]),
    }
}

fn test_text(test: &ir::Test) -> String {
    match test {
        ir::Test::Regex { pattern, fold, .. } => {
            format!("Regex{} {pattern}", if *fold { "~" } else { "" })
        }
        ir::Test::Like { patterns, fold } => {
            format!("Like{} {patterns:?}", if *fold { "~" } else { "" })
        }
        ir::Test::In(values) => format!("In {values:?}"),
        ir::Test::InFold(values) => format!("In~ {values:?}"),
        other => format!("{other:?}"),
    }
}

fn ir_expr(expr: &ir::Expr) -> Node {
    match expr {
        ir::Expr::Literal(value) => leaf(format!("{value:?}")),
        ir::Expr::Field(field) => leaf(typed(field)),
        ir::Expr::Call { function, fold, args } => {
            let tilde = if *fold { "~" } else { "" };
            node(format!("{function:?}{tilde}"), args.iter().map(ir_expr))
        }
        ir::Expr::Arithmetic(op, a, b) => node(format!("{op:?}"), [ir_expr(a), ir_expr(b)]),
        ir::Expr::Negate(a) => node("Negate", [ir_expr(a)]),
        ir::Expr::Compare(op, a, b) => node(format!("{op:?}"), [ir_expr(a), ir_expr(b)]),
        ir::Expr::IsNull(a) => node("IsNull", [ir_expr(a)]),
        ir::Expr::Test(a, test) => node("Test", [ir_expr(a), leaf(test_text(test))]),
        ir::Expr::Cond(inner) => node("cond", [cond(inner)]),
    }
}
