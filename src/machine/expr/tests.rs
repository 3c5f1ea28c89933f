//! What expressions give on events, one row per fact, and agreement with a plain evaluator.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::Slot;
use crate::function::{TEXT_LIMIT_BYTES, apply};
use crate::plan::ir::Order;
use crate::span::Span;

const FIELDS: [&str; 6] = ["a", "b", "n", "list", "numbers", "m"];

fn resolve(field: &Field) -> FieldId {
    let position = FIELDS.iter().position(|name| *name == &*field.name).unwrap();
    FieldId(u16::try_from(position).unwrap())
}

/// Fields with their values; a field that is not named is missing.
fn event(fields: &[(&str, Vec<Value>)]) -> Event {
    let mut event = Event::new(FIELDS.len());
    for (name, values) in fields {
        let slots: Vec<Slot> =
            values.iter().filter_map(Value::scalar).map(|s| event.keep_scalar(s)).collect();
        event.set_list(resolve(&field(name)), slots);
    }
    event
}

fn field(name: &str) -> Field {
    Field { name: Arc::from(name), kind: None, span: Span::default() }
}

fn f(name: &str) -> Expr {
    Expr::Field(field(name))
}

trait Literal {
    fn value(self) -> Value;
}

impl Literal for i64 {
    fn value(self) -> Value {
        Value::Int(self)
    }
}

impl Literal for f64 {
    fn value(self) -> Value {
        Value::Float(self)
    }
}

impl Literal for &str {
    fn value(self) -> Value {
        Value::Str(self.into())
    }
}

impl Literal for bool {
    fn value(self) -> Value {
        Value::Bool(self)
    }
}

fn v(literal: impl Literal) -> Expr {
    Expr::Literal(literal.value())
}

fn null() -> Expr {
    Expr::Literal(Value::Null)
}

fn call<const N: usize>(function: Function, args: [Expr; N]) -> Expr {
    Expr::Call { function, fold: false, args: args.into() }
}

fn call_folded<const N: usize>(function: Function, args: [Expr; N]) -> Expr {
    Expr::Call { function, fold: true, args: args.into() }
}

fn math(a: Expr, operator: Arithmetic, b: Expr) -> Expr {
    Expr::Arithmetic(operator, Box::new(a), Box::new(b))
}

fn compare(a: Expr, operator: Compare, b: Expr) -> Expr {
    Expr::Compare(operator, Box::new(a), Box::new(b))
}

fn eq(a: Expr, b: Expr) -> Expr {
    compare(a, Compare::Equal, b)
}

fn gt(a: Expr, b: Expr) -> Expr {
    compare(a, Compare::Greater, b)
}

fn lt(a: Expr, b: Expr) -> Expr {
    compare(a, Compare::Less, b)
}

fn is_null(inner: Expr) -> Expr {
    Expr::IsNull(Box::new(inner))
}

fn test(inner: Expr, test: Test) -> Expr {
    Expr::Test(Box::new(inner), test)
}

fn leaf(expr: Expr) -> Cond {
    Cond::Leaf(Leaf::Expr(expr))
}

fn not(expr: Expr) -> Expr {
    Expr::Cond(Box::new(Cond::Not(Box::new(leaf(expr)))))
}

fn and(a: Expr, b: Expr) -> Expr {
    Expr::Cond(Box::new(Cond::And(vec![leaf(a), leaf(b)])))
}

fn or(a: Expr, b: Expr) -> Expr {
    Expr::Cond(Box::new(Cond::Or(vec![leaf(a), leaf(b)])))
}

fn field_test(name: &str, test: Test) -> Expr {
    Expr::Cond(Box::new(Cond::Leaf(Leaf::Test(field(name), test))))
}

fn holds(expr: &Expr, event: &Event) -> bool {
    let mut scratch = ExprScratch::default();
    let holds = Program::new(expr, &resolve).unwrap().holds(event, &mut scratch);
    assert_eq!(scratch.cut, 0);
    holds
}

fn check(event: &Event, cases: &[(Expr, bool)]) {
    for (expr, expected) in cases {
        assert_eq!(holds(expr, event), *expected, "{expr:?}");
    }
}

#[test]
fn null_propagates_inside_a_leaf_and_is_false_at_its_edge() {
    let one = || Test::In(vec![Value::Int(1)]);
    let m_over_1 = || gt(f("m"), v(1));
    check(
        &event(&[("n", vec![Value::Int(5)])]),
        &[
            (eq(f("m"), v(1)), false),
            (field_test("m", one()), false),
            (not(field_test("m", one())), true),
            (not(eq(f("m"), v(1))), true),
            (or(m_over_1(), not(m_over_1())), true),
            (compare(f("m"), Compare::LessEqual, v(1)), false),
            (compare(f("m"), Compare::NotEqual, v(1)), false),
            (compare(v(0), Compare::LessEqual, f("m")), false),
            (compare(v(0), Compare::LessEqual, f("n")), true),
            (is_null(f("m")), true),
            (is_null(f("n")), false),
            (field_test("m", Test::Missing), true),
            (field_test("m", Test::Present), false),
            (field_test("n", Test::Present), true),
            // `(m > 1) == null`: the null test of an inner value.
            (is_null(m_over_1()), true),
            (is_null(gt(f("n"), v(1))), false),
            (is_null(is_null(f("m"))), false),
            // Two-valued logic has no null to test for.
            (is_null(and(m_over_1(), v(true))), false),
            (gt(call(Function::Length, [f("m")]), v(0)), false),
            (not(gt(call(Function::Length, [f("m")]), v(0))), true),
            (not(call(Function::StartsWith, [f("m"), v("a")])), true),
            (and(is_null(f("m")), eq(f("n"), v(5))), true),
            // `substring(m, 5) not in ("a")` when `m` is missing.
            (
                not(test(
                    call(Function::Substring, [f("m"), v(5)]),
                    Test::In(vec![Value::Str("a".into())]),
                )),
                true,
            ),
            (test(f("m"), Test::Missing), true),
            (test(f("m"), Test::Present), false),
            (test(f("n"), Test::Present), true),
            (is_null(test(f("m"), one())), true),
            // Wildcards do not apply to numbers, `in` does.
            (is_null(test(f("n"), Test::Like { patterns: vec!["*".into()], fold: false })), true),
            (is_null(test(f("n"), one())), false),
            (null(), false),
            (f("n"), false),
            (v(true), true),
        ],
    );
}

#[test]
fn a_leaf_is_true_when_some_choice_makes_it_true() {
    let text = |t: &str| Value::Str(t.into());
    let event = event(&[
        ("list", vec![text("-c"), text("id")]),
        ("numbers", vec![Value::Int(1), Value::Int(10)]),
        ("a", vec![text("x"), text("id")]),
    ]);
    let length = |name| call(Function::Length, [f(name)]);
    let n = |c: fn(Expr, Expr) -> Expr, bound: i64| c(f("numbers"), v(bound));
    check(
        &event,
        &[
            (eq(f("list"), v("-c")), true),
            (eq(f("list"), v("id")), true),
            (eq(f("list"), v("x")), false),
            // The length of a value, not of the list.
            (gt(length("list"), v(1)), true),
            (eq(length("list"), v(1)), false),
            (n(eq, 5), false),
            // Within one leaf all occurrences of a field are the same value; `and` inside a leaf too.
            (and(n(gt, 5), n(lt, 5)), false),
            (and(n(gt, 5), n(lt, 11)), true),
            (lt(f("numbers"), f("numbers")), false),
            // Every combination of values of different fields.
            (eq(f("list"), f("a")), true),
            (eq(call(Function::Concat, [f("a"), f("list")]), v("x-c")), true),
            (eq(call(Function::Concat, [f("a"), f("list")]), v("-cx")), false),
            (is_null(call(Function::Concat, [f("a"), f("m"), f("list")])), true),
        ],
    );
}

#[test]
fn operators_and_functions_inside_each_other() {
    let text = |t: &str| Value::Str(t.into());
    let event = event(&[
        ("a", vec![text("winlogon.exe")]),
        ("b", vec![text("Explorer.EXE")]),
        ("n", vec![Value::Int(82)]),
        ("list", vec![text("10.6.1.1")]),
    ]);
    use Arithmetic::{Add, Divide, Multiply, Subtract};
    let nested =
        math(math(math(v(1), Add, v(3)), Multiply, v(2)), Divide, math(v(3), Subtract, v(1)));
    let cidr = |net: &str| call(Function::CidrMatch, [f("list"), v(net)]);
    check(
        &event,
        &[
            (eq(math(f("n"), Divide, v(2)), v(41)), true),
            (eq(math(math(f("n"), Add, v(1)), Divide, v(2)), v(41)), true),
            (eq(math(math(f("n"), Add, v(1)), Divide, v(2.0)), v(41)), false),
            (eq(math(v(164.0), Divide, f("n")), v(2)), true),
            (eq(math(Expr::Negate(Box::new(f("n"))), Add, v(100)), v(18)), true),
            (eq(math(f("n"), Add, math(nested, Multiply, v(2))), v(90)), true),
            (is_null(math(f("n"), Divide, math(v(1), Subtract, v(1)))), true),
            (is_null(Expr::Negate(Box::new(f("a")))), true),
            (eq(call(Function::Substring, [f("a"), v(-4), v(-1)]), v(".ex")), true),
            (
                eq(
                    call(
                        Function::Concat,
                        [call(Function::Substring, [f("a"), v(0), v(3)]), v(":"), f("n"), v(true)],
                    ),
                    v("win:82true"),
                ),
                true,
            ),
            (call(Function::StartsWith, [v("winlogon.exeaaaa"), f("a")]), true),
            (call(Function::EndsWith, [f("b"), v(".exe")]), false),
            (call_folded(Function::EndsWith, [f("b"), v(".exe")]), true),
            (
                call_folded(
                    Function::StartsWith,
                    [f("b"), call(Function::Substring, [v("xEXP"), v(1)])],
                ),
                true,
            ),
            (cidr("10.6.48.157/8"), true),
            (cidr("11.0.0.0/8"), false),
            (
                test(
                    call(Function::String, [cidr("10.6.48.157/8")]),
                    Test::Like { patterns: vec!["TRUE".into()], fold: true },
                ),
                true,
            ),
            (
                eq(
                    call(Function::Number, [call(Function::String, [f("n")]), v(13)]),
                    call(Function::Number, [v("82"), v(13)]),
                ),
                true,
            ),
            (call(Function::Wildcard, [f("a"), v("x"), v("win*")]), true),
            (call(Function::Wildcard, [f("b"), v("exp*")]), false),
            (call_folded(Function::Wildcard, [f("b"), v("eXp*")]), true),
            (is_null(call(Function::Wildcard, [f("a"), v("*"), null()])), true),
            (is_null(call(Function::Wildcard, [f("n"), v("*")])), true),
            (
                test(
                    call(Function::Between, [f("a"), v("win"), v(".")]),
                    Test::Compare(Order::Less, Value::Str("m".into())),
                ),
                true,
            ),
            (lt(v(false), v(true)), false),
            (eq(v(true), v(true)), true),
        ],
    );
}

#[test]
fn what_is_given_up_is_counted() {
    let many = |n: i64| (0..n).map(Value::Int).collect::<Vec<_>>();
    let mut scratch = ExprScratch::default();
    let sum = math(f("a"), Arithmetic::Add, f("b"));
    let never = Program::new(&lt(sum, v(0)), &resolve).unwrap();

    // 256 times 256 choices are all tried, one more value is too many.
    assert!(!never.holds(&event(&[("a", many(256)), ("b", many(256))]), &mut scratch));
    assert_eq!(scratch.cut, 0);
    assert!(!never.holds(&event(&[("a", many(256)), ("b", many(257))]), &mut scratch));
    assert_eq!(scratch.cut, 1);

    // A choice found before that counts.
    let sum = math(f("a"), Arithmetic::Add, f("b"));
    let early = Program::new(&eq(sum, v(300)), &resolve).unwrap();
    assert!(early.holds(&event(&[("a", many(256)), ("b", many(1000))]), &mut scratch));
    assert_eq!(scratch.cut, 1);

    let half = "x".repeat(TEXT_LIMIT_BYTES / 2);
    let text = |t: &str| Value::Str(t.into());
    let concat = |more| call(Function::Concat, [f("a"), f("a"), more]);
    let event = event(&[("a", vec![text(&half)])]);
    let fits = Program::new(&is_null(concat(v(""))), &resolve).unwrap();
    assert!(!fits.holds(&event, &mut scratch));
    assert_eq!(scratch.cut, 1);
    let too_long = Program::new(&is_null(concat(v("x"))), &resolve).unwrap();
    assert!(too_long.holds(&event, &mut scratch));
    assert_eq!(scratch.cut, 2);
    // Null has no length.
    let missing =
        Program::new(&is_null(call(Function::Concat, [concat(v("")), v("x"), f("m")])), &resolve);
    assert!(missing.unwrap().holds(&event, &mut scratch));
    assert_eq!(scratch.cut, 2);
}

#[test]
fn what_cannot_be_compiled_is_refused() {
    let refused = |expr: &Expr| Program::new(expr, &resolve).unwrap_err();
    assert_eq!(
        refused(&call(Function::CidrMatch, [f("a"), f("b")])),
        "CidrMatch takes constant text only"
    );
    assert_eq!(
        refused(&call(Function::CidrMatch, [f("a"), v("10.0.0.0/33")])),
        "`10.0.0.0/33` is not a network or an address"
    );
    assert!(refused(&call(Function::Between, [(); 5].map(|()| f("a")))).contains("arguments"));
    let deep = (0..256).fold(f("n"), |deep, _| Expr::Negate(Box::new(deep)));
    assert_eq!(refused(&deep), "operators are nested more than 256 deep");
    let deep = (0..254).fold(f("n"), |deep, _| math(v(1), Arithmetic::Add, deep));
    assert!(holds(&eq(v(255), deep), &event(&[("n", vec![Value::Int(1)])])));
}

/// The definition: a value, or null, under one choice of values.
fn reference(expr: &Expr, choice: &dyn Fn(&Field) -> Value) -> Value {
    let truth = |expr: &Expr| reference(expr, choice) == Value::Bool(true);
    match expr {
        Expr::Literal(value) => value.clone(),
        Expr::Field(field) => choice(field),
        Expr::Call { function, fold, args } => {
            let args: Vec<Value> = args.iter().map(|arg| reference(arg, choice)).collect();
            let args: Vec<_> = args.iter().map(Value::scalar).collect();
            apply(*function, *fold, &args).unwrap_or(Value::Null)
        }
        Expr::Arithmetic(operator, a, b) => {
            let (a, b) = (reference(a, choice), reference(b, choice));
            apply(arithmetic(*operator), false, &[a.scalar(), b.scalar()]).unwrap_or(Value::Null)
        }
        Expr::Negate(inner) => {
            reference(inner, choice).scalar().and_then(negate).unwrap_or(Value::Null)
        }
        Expr::Compare(operator, a, b) => {
            let (a, b) = (reference(a, choice), reference(b, choice));
            let (Some(a), Some(b)) = (a.scalar(), b.scalar()) else { return Value::Null };
            let order = match operator {
                Compare::Equal | Compare::NotEqual => value::compare(a, b),
                _ => value::order(a, b),
            };
            let Some(order) = order else { return Value::Null };
            Value::Bool(match operator {
                Compare::Equal => order.is_eq(),
                Compare::NotEqual => order.is_ne(),
                Compare::Less => order.is_lt(),
                Compare::LessEqual => order.is_le(),
                Compare::Greater => order.is_gt(),
                Compare::GreaterEqual => order.is_ge(),
            })
        }
        Expr::IsNull(inner) => Value::Bool(reference(inner, choice) == Value::Null),
        Expr::Test(inner, test) => match (reference(inner, choice).scalar(), test) {
            (found, Test::Missing) => Value::Bool(found.is_none()),
            (found, Test::Present) => Value::Bool(found.is_some()),
            (None, _) => Value::Null,
            (Some(found), test) => {
                Tester::new(test).unwrap().verdict(found).map_or(Value::Null, Value::Bool)
            }
        },
        Expr::Cond(condition) => Value::Bool(match &**condition {
            Cond::Const(truth) => *truth,
            Cond::And(all) => all.iter().all(|c| truth(&Expr::Cond(Box::new(c.clone())))),
            Cond::Or(any) => any.iter().any(|c| truth(&Expr::Cond(Box::new(c.clone())))),
            Cond::Not(inner) => !truth(&Expr::Cond(inner.clone())),
            Cond::Leaf(Leaf::Expr(expr)) => truth(expr),
            Cond::Leaf(Leaf::Test(of, test)) => {
                truth(&Expr::Test(Box::new(Expr::Field(of.clone())), test.clone()))
            }
        }),
    }
}

/// All values of the six fields, `Null` for a missing one.
fn reference_holds(expr: &Expr, fields: &[Vec<Value>]) -> bool {
    let mut choices: Vec<Vec<Value>> = vec![Vec::new()];
    for values in fields {
        let null = [Value::Null];
        let values = if values.is_empty() { null.as_slice() } else { values };
        choices = choices
            .iter()
            .flat_map(|choice| {
                values.iter().map(|value| choice.iter().cloned().chain([value.clone()]).collect())
            })
            .collect();
    }
    choices.iter().any(|choice| {
        reference(expr, &|field| choice[resolve(field).index()].clone()) == Value::Bool(true)
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (-3_i64..6).prop_map(Value::Int),
        prop_oneof![Just(1.0), Just(0.5), Just(-2.0)].prop_map(Value::Float),
        "[abA1.*?]{0,3}".prop_map(|s| Value::Str(s.into())),
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    prop_oneof![
        Just(Test::Missing),
        Just(Test::Present),
        prop::collection::vec(any_value(), 1..3).prop_map(Test::In),
        ("[abA*?]{0,3}", any::<bool>())
            .prop_map(|(p, fold)| Test::Like { patterns: vec![value::fold(&p).into()], fold }),
        any_value().prop_map(|value| Test::Compare(Order::Less, value)),
    ]
}

fn any_field() -> impl Strategy<Value = Field> {
    prop::sample::select(&FIELDS[..]).prop_map(field)
}

fn any_function() -> impl Strategy<Value = (Function, usize)> {
    prop::sample::select(
        &[
            (Function::Add, 2),
            (Function::Between, 4),
            (Function::Concat, 3),
            (Function::EndsWith, 2),
            (Function::IndexOf, 3),
            (Function::Length, 1),
            (Function::Number, 2),
            (Function::StartsWith, 2),
            (Function::String, 1),
            (Function::StringContains, 2),
            (Function::Substring, 3),
        ][..],
    )
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let simple = prop_oneof![
        2 => any_value().prop_map(Expr::Literal),
        1 => Just(null()),
        5 => any_field().prop_map(Expr::Field),
        1 => (any_field(), any_test())
            .prop_map(|(of, test)| Expr::Cond(Box::new(Cond::Leaf(Leaf::Test(of, test))))),
    ];
    simple.prop_recursive(4, 24, 4, |inner| {
        let arithmetic =
            prop::sample::select(&[Arithmetic::Add, Arithmetic::Divide, Arithmetic::Modulo][..]);
        let operator = prop::sample::select(
            &[Compare::Equal, Compare::NotEqual, Compare::Less, Compare::GreaterEqual][..],
        );
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            4 => (any_function(), any::<bool>(), prop::collection::vec(inner.clone(), 4)).prop_map(
                |((function, count), fold, args)| {
                    Expr::Call { function, fold, args: args.into_iter().take(count).collect() }
                }
            ),
            2 => (operator, two.clone()).prop_map(|(operator, (a, b))| compare(a, operator, b)),
            1 => (arithmetic, two.clone()).prop_map(|(operator, (a, b))| math(a, operator, b)),
            1 => inner.clone().prop_map(|e| Expr::Negate(Box::new(e))),
            1 => inner.clone().prop_map(is_null),
            1 => (inner.clone(), any_test()).prop_map(|(e, of)| test(e, of)),
            1 => inner.clone().prop_map(not),
            1 => two.clone().prop_map(|(a, b)| and(a, b)),
            1 => two.prop_map(|(a, b)| or(a, b)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn agrees_with_the_definition(
        exprs in prop::collection::vec(any_expr(), 1..4),
        fields in prop::collection::vec(prop::collection::vec(any_value(), 0..3), FIELDS.len()),
    ) {
        let named: Vec<_> = FIELDS.iter().copied().zip(fields.iter().cloned()).collect();
        let event = event(&named);
        // The same scratch for all: nothing may be left over from one to the next.
        let mut scratch = ExprScratch::default();
        for expr in &exprs {
            let program = Program::new(expr, &resolve).unwrap();
            let expected = reference_holds(expr, &fields);
            prop_assert_eq!(program.holds(&event, &mut scratch), expected, "{:?}", expr);
        }
        prop_assert_eq!(scratch.cut, 0);
    }
}
