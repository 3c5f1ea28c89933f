//! Leaves that are more than a test of one field: evaluation with null propagation.
//!
//! In: an [`Expr`] of the plan, compiled once, and events. Out: whether some choice of one value for each
//! distinct field makes it true; a missing field contributes null. Null at the edge is false. A part
//! that is two-valued logic ([`Expr::Cond`]) reads the same choice as everything around it.
//!
//! Nothing is allocated per event once the scratch memory has grown. Work per event is bounded: a leaf over
//! long lists is given up, as false, after [`WORK`], and text beyond the limit of
//! [`concat`](crate::function) is null; both are counted in [`ExprScratch::cut`].

use crate::event::Event;
use crate::function::{Answer, Buffers, Function, append, apply_into, negate};
use crate::machine::test::Tester;
use crate::net;
use crate::plan::ir::{Arithmetic, Compare, Cond, Expr, Field, Leaf, Test};
use crate::schema::FieldId;
use crate::value::{self, Scalar, Value};

/// Work for one leaf and one event. A choice of values costs [`CHOICE`] and their length in bytes, so this
/// is 65,536 choices of short values.
const WORK: usize = 65_536 * CHOICE;
const CHOICE: usize = 256;

/// Operators and functions inside each other. Bounds the stack.
const MAX_DEPTH: usize = 256;

/// Distinct fields in one leaf. Bounds the stack.
const MAX_FIELDS: usize = 64;

/// Fields up to which no list is allocated for the choice.
const FEW_FIELDS: usize = 8;

/// Most arguments of a function that takes a fixed number of them.
const MAX_ARGS: usize = 4;

/// Strings kept for reuse.
const MAX_POOL: usize = 16;

/// A compiled [`Expr`].
#[derive(Debug)]
pub(crate) struct Program {
    root: Node,
    /// The distinct fields, by column.
    fields: Vec<FieldId>,
}

/// Memory for evaluation, reused from event to event, and what had to be given up.
#[derive(Debug, Default)]
pub(crate) struct ExprScratch {
    /// How many times a leaf or a text was given up because it was too large.
    pub(crate) cut: u64,
    pool: Vec<String>,
    buffers: Buffers,
}

#[derive(Debug)]
enum Node {
    Literal(Value),
    /// The value chosen for a column.
    Column(usize),
    Call {
        function: Function,
        fold: bool,
        args: Box<[Node]>,
    },
    Concat(Box<[Node]>),
    Negate(Box<Node>),
    Compare(Compare, Box<Node>, Box<Node>),
    /// Never null.
    IsNull(Box<Node>),
    /// Never null.
    IsPresent(Box<Node>),
    Test(Box<Node>, Box<Tester>),
    /// Two-valued logic: operands that are null count as false.
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
}

/// What a node gives. Text that had to be made comes from the pool and goes back to it.
#[derive(Debug)]
enum Found<'a> {
    Null,
    Scalar(Scalar<'a>),
    Text(String),
}

impl Found<'_> {
    fn scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Self::Null => None,
            Self::Scalar(scalar) => Some(*scalar),
            Self::Text(text) => Some(Scalar::Str(text)),
        }
    }
}

impl ExprScratch {
    fn take(&mut self) -> String {
        self.pool.pop().unwrap_or_default()
    }

    fn give(&mut self, found: Found<'_>) {
        if let Found::Text(text) = found
            && self.pool.len() < MAX_POOL
        {
            self.pool.push(text);
        }
    }
}

impl Program {
    /// Compiles an expression; `resolve` gives the number of a field.
    ///
    /// # Errors
    ///
    /// Operators nested more than 256 deep, more than 64 distinct fields, a network or pattern that is
    /// not constant, or a test that cannot be compiled (see [`Tester::new`]).
    pub(crate) fn new(expr: &Expr, resolve: &dyn Fn(&Field) -> FieldId) -> Result<Self, String> {
        let mut compiler = Compiler { resolve, fields: Vec::new() };
        let root = compiler.expr(expr, 0)?;
        Ok(Self { root, fields: compiler.fields })
    }

    /// Whether some choice of values makes the expression true.
    pub(crate) fn holds(&self, event: &Event, scratch: &mut ExprScratch) -> bool {
        let mut few = [None; FEW_FIELDS];
        let mut many;
        let choice = if let Some(few) = few.get_mut(..self.fields.len()) {
            few
        } else {
            many = vec![None; self.fields.len()];
            many.as_mut_slice()
        };
        let mut work = Work::Left(WORK);
        let holds = self.choose(event, &self.fields, choice, &mut work, scratch);
        if let Work::Exhausted = work {
            scratch.cut += 1;
        }
        holds
    }

    /// Tries all values for the fields that are left.
    fn choose<'a>(
        &'a self,
        event: &'a Event,
        left: &[FieldId],
        choice: &mut [Option<Scalar<'a>>],
        work: &mut Work,
        scratch: &mut ExprScratch,
    ) -> bool {
        let Some((field, left)) = left.split_first() else {
            return work.spend(choice) && truth(&self.root, choice, scratch);
        };
        let column = choice.len() - left.len() - 1;
        let mut values = event.values(*field);
        let mut value = values.next();
        loop {
            if let Some(place) = choice.get_mut(column) {
                *place = value;
            }
            if self.choose(event, left, choice, work, scratch) {
                return true;
            }
            value = values.next();
            if value.is_none() || matches!(work, Work::Exhausted) {
                return false;
            }
        }
    }
}

/// What may still be done for one leaf and one event.
#[derive(Debug)]
enum Work {
    Left(usize),
    Exhausted,
}

impl Work {
    /// Pays for one choice; `false` when nothing is left to pay with.
    fn spend(&mut self, choice: &[Option<Scalar<'_>>]) -> bool {
        let Self::Left(left) = self else {
            return false;
        };
        if *left == 0 {
            *self = Self::Exhausted;
            return false;
        }
        let bytes = |value: &Option<Scalar<'_>>| match value {
            Some(Scalar::Str(text)) => text.len(),
            _ => 0,
        };
        *left = left.saturating_sub(CHOICE + choice.iter().map(bytes).sum::<usize>());
        true
    }
}

/// Whether a node is true; null is not.
fn truth(node: &Node, choice: &[Option<Scalar<'_>>], scratch: &mut ExprScratch) -> bool {
    match evaluate(node, choice, scratch) {
        Found::Scalar(Scalar::Bool(truth)) => truth,
        other => {
            scratch.give(other);
            false
        }
    }
}

fn evaluate<'a>(
    node: &'a Node,
    choice: &[Option<Scalar<'a>>],
    scratch: &mut ExprScratch,
) -> Found<'a> {
    match node {
        Node::Literal(value) => value.scalar().map_or(Found::Null, Found::Scalar),
        Node::Column(column) => {
            choice.get(*column).copied().flatten().map_or(Found::Null, Found::Scalar)
        }
        Node::Call { function, fold, args } => call(*function, *fold, args, choice, scratch),
        Node::Concat(parts) => concat(parts, choice, scratch),
        Node::Negate(inner) => with(inner, choice, scratch, |scalar| match negate(scalar?)? {
            Value::Int(int) => Some(Scalar::Int(int)),
            Value::Float(float) => Some(Scalar::Float(float)),
            _ => None,
        }),
        Node::Compare(operator, a, b) => compare(*operator, a, b, choice, scratch),
        Node::IsNull(inner) => {
            with(inner, choice, scratch, |scalar| Some(Scalar::Bool(scalar.is_none())))
        }
        Node::IsPresent(inner) => {
            with(inner, choice, scratch, |scalar| Some(Scalar::Bool(scalar.is_some())))
        }
        Node::Test(inner, tester) => {
            with(inner, choice, scratch, |scalar| tester.verdict(scalar?).map(Scalar::Bool))
        }
        Node::All(all) => boolean(all.iter().all(|node| truth(node, choice, scratch))),
        Node::Any(any) => boolean(any.iter().any(|node| truth(node, choice, scratch))),
        Node::Not(inner) => boolean(!truth(inner, choice, scratch)),
    }
}

fn boolean(truth: bool) -> Found<'static> {
    Found::Scalar(Scalar::Bool(truth))
}

/// What `then` makes of a node's scalar, which it must not keep.
fn with<'a>(
    node: &'a Node,
    choice: &[Option<Scalar<'a>>],
    scratch: &mut ExprScratch,
    then: impl FnOnce(Option<Scalar<'_>>) -> Option<Scalar<'static>>,
) -> Found<'a> {
    let found = evaluate(node, choice, scratch);
    let result = then(found.scalar());
    scratch.give(found);
    result.map_or(Found::Null, Found::Scalar)
}

#[inline(never)]
fn call<'a>(
    function: Function,
    fold: bool,
    args: &'a [Node],
    choice: &[Option<Scalar<'a>>],
    scratch: &mut ExprScratch,
) -> Found<'a> {
    let mut found = |node| evaluate(node, choice, scratch);
    match args {
        [] => Found::Null,
        [a] => {
            let found = [found(a)];
            scratch.apply(function, fold, found)
        }
        [a, b] => {
            let found = [found(a), found(b)];
            scratch.apply(function, fold, found)
        }
        [a, b, c] => {
            let found = [found(a), found(b), found(c)];
            scratch.apply(function, fold, found)
        }
        [a, b, c, d, ..] => {
            let found = [found(a), found(b), found(c), found(d)];
            scratch.apply(function, fold, found)
        }
    }
}

impl ExprScratch {
    fn apply<'a, const N: usize>(
        &mut self,
        function: Function,
        fold: bool,
        found: [Found<'a>; N],
    ) -> Found<'a> {
        let mut out = if function.makes_text() { self.take() } else { String::new() };
        // A loop: `array::map` copies piecewise here and takes ten times as long.
        let mut scalars = [None; N];
        for (place, found) in scalars.iter_mut().zip(&found) {
            *place = found.scalar();
        }
        let answer = apply_into(function, fold, &scalars, &mut out, &mut self.buffers);
        found.into_iter().for_each(|found| self.give(found));
        self.answer(answer, out)
    }

    fn answer<'a>(&mut self, answer: Answer, out: String) -> Found<'a> {
        let scalar = match answer {
            Answer::Text => return Found::Text(out),
            Answer::Null => None,
            Answer::TooLong => {
                self.cut += 1;
                None
            }
            Answer::Bool(truth) => Some(Scalar::Bool(truth)),
            Answer::Int(int) => Some(Scalar::Int(int)),
            Answer::Float(float) => Some(Scalar::Float(float)),
        };
        if out.capacity() > 0 {
            self.give(Found::Text(out));
        }
        scalar.map_or(Found::Null, Found::Scalar)
    }
}

/// `concat` takes any number of arguments, so each is appended as it is found.
#[inline(never)]
fn concat<'a>(
    parts: &'a [Node],
    choice: &[Option<Scalar<'a>>],
    scratch: &mut ExprScratch,
) -> Found<'a> {
    let mut out = scratch.take();
    out.clear();
    let mut answer = if parts.is_empty() { Answer::Null } else { Answer::Text };
    for part in parts {
        let found = evaluate(part, choice, scratch);
        match found.scalar() {
            None => answer = Answer::Null,
            // Null wins over text that is too long, so the rest is still looked at.
            Some(scalar) if answer == Answer::Text && !append(scalar, &mut out) => {
                answer = Answer::TooLong;
            }
            Some(_) => {}
        }
        scratch.give(found);
        if answer == Answer::Null {
            break;
        }
    }
    scratch.answer(answer, out)
}

#[inline(never)]
fn compare<'a>(
    operator: Compare,
    a: &'a Node,
    b: &'a Node,
    choice: &[Option<Scalar<'a>>],
    scratch: &mut ExprScratch,
) -> Found<'a> {
    let (left, right) = (evaluate(a, choice, scratch), evaluate(b, choice, scratch));
    let truth = left.scalar().zip(right.scalar()).and_then(|(a, b)| {
        Some(match operator {
            Compare::Equal => value::compare(a, b)?.is_eq(),
            Compare::NotEqual => value::compare(a, b)?.is_ne(),
            Compare::Less => value::order(a, b)?.is_lt(),
            Compare::LessEqual => value::order(a, b)?.is_le(),
            Compare::Greater => value::order(a, b)?.is_gt(),
            Compare::GreaterEqual => value::order(a, b)?.is_ge(),
        })
    });
    scratch.give(left);
    scratch.give(right);
    truth.map_or(Found::Null, boolean)
}

/// Lowers expressions to nodes.
struct Compiler<'r> {
    resolve: &'r dyn Fn(&Field) -> FieldId,
    fields: Vec<FieldId>,
}

impl Compiler<'_> {
    fn expr(&mut self, expr: &Expr, depth: usize) -> Result<Node, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("operators are nested more than {MAX_DEPTH} deep"));
        }
        let depth = depth + 1;
        Ok(match expr {
            Expr::Literal(value) => Node::Literal(value.clone()),
            Expr::Field(field) => self.column(field)?,
            Expr::Call { function, fold, args } => self.call(*function, *fold, args, depth)?,
            Expr::Arithmetic(operator, a, b) => Node::Call {
                function: arithmetic(*operator),
                fold: false,
                args: Box::new([self.expr(a, depth)?, self.expr(b, depth)?]),
            },
            Expr::Negate(inner) => Node::Negate(Box::new(self.expr(inner, depth)?)),
            Expr::Compare(operator, a, b) => Node::Compare(
                *operator,
                Box::new(self.expr(a, depth)?),
                Box::new(self.expr(b, depth)?),
            ),
            Expr::IsNull(inner) => Node::IsNull(Box::new(self.expr(inner, depth)?)),
            Expr::Test(inner, test) => test_node(self.expr(inner, depth)?, test)?,
            // `All` of one: null becomes false at the edge of a leaf, whatever stands around it.
            Expr::Cond(condition) => Node::All(Box::new([self.condition(condition, depth)?])),
        })
    }

    fn exprs(&mut self, exprs: &[Expr], depth: usize) -> Result<Box<[Node]>, String> {
        exprs.iter().map(|expr| self.expr(expr, depth)).collect()
    }

    fn call(
        &mut self,
        function: Function,
        fold: bool,
        args: &[Expr],
        depth: usize,
    ) -> Result<Node, String> {
        let too_many = || format!("{function:?} has more than {MAX_ARGS} arguments");
        match (function, args) {
            (Function::Concat, parts) => Ok(Node::Concat(self.exprs(parts, depth)?)),
            (Function::CidrMatch | Function::Wildcard, [source, constants @ ..]) => {
                let source = self.expr(source, depth)?;
                match constant_test(function, fold, constants)? {
                    Some(test) => test_node(source, &test),
                    None => Ok(Node::Literal(Value::Null)),
                }
            }
            (_, args) if args.len() > MAX_ARGS => Err(too_many()),
            (_, args) => Ok(Node::Call { function, fold, args: self.exprs(args, depth)? }),
        }
    }

    fn condition(&mut self, condition: &Cond, depth: usize) -> Result<Node, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("operators are nested more than {MAX_DEPTH} deep"));
        }
        let depth = depth + 1;
        Ok(match condition {
            Cond::Const(truth) => Node::Literal(Value::Bool(*truth)),
            Cond::And(all) => Node::All(self.conditions(all, depth)?),
            Cond::Or(any) => Node::Any(self.conditions(any, depth)?),
            Cond::Not(inner) => Node::Not(Box::new(self.condition(inner, depth)?)),
            Cond::Leaf(Leaf::Test(field, test)) => test_node(self.column(field)?, test)?,
            Cond::Leaf(Leaf::Expr(expr)) => self.expr(expr, depth)?,
        })
    }

    fn conditions(&mut self, conditions: &[Cond], depth: usize) -> Result<Box<[Node]>, String> {
        conditions.iter().map(|condition| self.condition(condition, depth)).collect()
    }

    fn column(&mut self, field: &Field) -> Result<Node, String> {
        let id = (self.resolve)(field);
        if let Some(column) = self.fields.iter().position(|known| *known == id) {
            return Ok(Node::Column(column));
        }
        if self.fields.len() >= MAX_FIELDS {
            return Err(format!("an expression reads more than {MAX_FIELDS} fields"));
        }
        self.fields.push(id);
        Ok(Node::Column(self.fields.len() - 1))
    }
}

fn arithmetic(operator: Arithmetic) -> Function {
    match operator {
        Arithmetic::Add => Function::Add,
        Arithmetic::Subtract => Function::Subtract,
        Arithmetic::Multiply => Function::Multiply,
        Arithmetic::Divide => Function::Divide,
        Arithmetic::Modulo => Function::Modulo,
    }
}

fn test_node(inner: Node, test: &Test) -> Result<Node, String> {
    let inner = Box::new(inner);
    Ok(match test {
        Test::Missing => Node::IsNull(inner),
        Test::Present => Node::IsPresent(inner),
        test => Node::Test(inner, Box::new(Tester::new(test)?)),
    })
}

/// The constant arguments of `cidrMatch` and `wildcard` as a test; `None` when one of them is null.
fn constant_test(
    function: Function,
    fold: bool,
    constants: &[Expr],
) -> Result<Option<Test>, String> {
    let mut texts = Vec::with_capacity(constants.len());
    for constant in constants {
        match constant {
            Expr::Literal(Value::Str(text)) => texts.push(text.clone()),
            Expr::Literal(Value::Null) => return Ok(None),
            _ => return Err(format!("{function:?} takes constant text only")),
        }
    }
    if function == Function::Wildcard {
        return Ok(Some(Test::Like { patterns: texts, fold }));
    }
    let nets = texts.iter().map(|text| {
        net::parse(text).ok_or_else(|| format!("`{text}` is not a network or an address"))
    });
    Ok(Some(Test::Cidr(nets.collect::<Result<_, _>>()?)))
}

#[cfg(test)]
mod tests;
