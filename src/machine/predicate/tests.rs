//! Sharing, filing and remembering change nothing: a rule set gives for an event exactly the rules
//! whose condition holds when it is evaluated by itself, operand by operand.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::check::{self, Options};
use crate::event::Slot;
use crate::machine::expr::{ExprScratch, Program};
use crate::machine::test::Tester;
use crate::plan::Shape;
use crate::schema::Schema;
use crate::syntax;
use crate::value::Value;

/// Two tell what an audit event is, two stand in no audit log, the others may hold anything.
const FIELDS: [&str; 6] = ["f", "process.name", "n", "address", "event.action", "event.outcome"];

fn query(condition: &str) -> ir::Query {
    let text = format!("any where {condition}");
    let ast = syntax::parse(&text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    let checked = check::check(&ast, &Schema::new(), &Options::default());
    checked.unwrap_or_else(|e| panic!("{text}: {e:?}")).0
}

/// The condition of an event query as it was checked: not planned, shared, filed or compiled.
fn condition(query: &ir::Query) -> &ir::Cond {
    match &query.kind {
        ir::QueryKind::Event(filter) => &filter.condition,
        other => panic!("{other:?}"),
    }
}

fn holds(condition: &ir::Cond, event: &Event, plan: &Plan) -> bool {
    let field = |field: &ir::Field| plan.field(&field.name).unwrap();
    match condition {
        ir::Cond::Const(value) => *value,
        ir::Cond::Not(inner) => !holds(inner, event, plan),
        ir::Cond::And(all) => all.iter().all(|c| holds(c, event, plan)),
        ir::Cond::Or(any) => any.iter().any(|c| holds(c, event, plan)),
        ir::Cond::Leaf(ir::Leaf::Test(of, Test::Missing)) => event.is_missing(field(of)),
        ir::Cond::Leaf(ir::Leaf::Test(of, test)) => {
            let tester = Tester::new(test).unwrap();
            event.values(field(of)).any(|value| tester.matches(value))
        }
        ir::Cond::Leaf(ir::Leaf::Expr(expr)) => {
            let program = Program::new(expr, &field).unwrap();
            program.holds(event, &mut ExprScratch::default())
        }
    }
}

fn event(plan: &Plan, values: &[Vec<Value>]) -> Event {
    let mut event = Event::new(plan.fields.len());
    for (name, values) in FIELDS.iter().zip(values) {
        if let Some(field) = plan.field(name) {
            event.fill(field, |give| {
                values.iter().filter_map(Value::scalar).for_each(|value| give.value(value));
            });
        }
    }
    event
}

/// Numbers of the rules that an event satisfies.
fn satisfied(plan: &Plan, stages: &[StageIx]) -> Vec<usize> {
    let holds = |shape: &Shape| matches!(shape, Shape::Event(stage) if stages.contains(stage));
    let rules = plan.rules.iter().enumerate();
    rules.filter(|(_, rule)| holds(&rule.shape)).map(|(number, _)| number).collect()
}

/// Rules with these conditions, planned and lowered.
fn planned(conditions: &[String]) -> (Vec<ir::Query>, Plan, Predicates) {
    let queries: Vec<_> = conditions.iter().map(|text| query(text)).collect();
    let plan = Plan::new(&queries);
    let predicates = Predicates::new(&plan).unwrap();
    (queries, plan, predicates)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What is selected of an event of a class satisfies what all of it does, also when it is another one than the one
    /// that was looked at.
    #[test]
    fn what_is_left_of_a_class_agrees_with_everything(
        conditions in vec(any_condition(), 1..12),
        events in vec(any_values(), 1..12),
    ) {
        let (_, plan, predicates) = planned(&conditions);
        let mut scratch = predicates.scratch();
        let settled: Vec<bool> = FIELDS.iter().map(|name| is_of_class(name)).collect();
        prop_assert!(settled.contains(&true) && settled.contains(&false));
        for (first, values) in events.iter().zip(events.iter().skip(1)) {
            let of_class = |(kept, values): (&bool, (&Vec<Value>, &Vec<Value>))| {
                if *kept { values.0.clone() } else { values.1.clone() }
            };
            let values: Vec<Vec<Value>> =
                settled.iter().zip(first.iter().zip(values)).map(of_class).collect();
            let selection = predicates.select(&event(&plan, first), &mut scratch).unwrap();
            let whole = event(&plan, &values);
            let mut part = Event::new(plan.fields.len());
            for field in &selection.fields {
                part.fill(*field, |give| whole.values(*field).for_each(|value| give.value(value)));
            }
            let mut stages = Vec::new();
            if let Some(remainder) = selection.remainder {
                predicates.rest(&part, remainder, &mut scratch, &mut stages);
            }
            let mut expected = Vec::new();
            predicates.satisfied(&whole, &mut scratch, &mut expected);
            prop_assert_eq!(satisfied(&plan, &stages), satisfied(&plan, &expected), "{:?}", values);
        }
    }

    #[test]
    fn shared_tests_agree_with_plain_ones(
        conditions in vec(any_condition(), 1..12),
        events in vec(any_values(), 1..12),
    ) {
        let (queries, plan, predicates) = planned(&conditions);
        let mut scratch = predicates.scratch();
        // Twice, so that the second time values are remembered.
        for values in events.iter().chain(&events) {
            let event = event(&plan, values);
            let mut stages = Vec::new();
            predicates.satisfied(&event, &mut scratch, &mut stages);
            let plain = queries.iter().enumerate();
            let plain = plain.filter(|(_, query)| holds(condition(query), &event, &plan));
            let expected: Vec<usize> = plain.map(|(number, _)| number).collect();
            prop_assert_eq!(satisfied(&plan, &stages), expected, "{:?}", values);
            let mut distinct = stages.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), stages.len(), "each stage once");
        }
    }
}

/// Events of more kinds than are remembered are tested like all others.
#[test]
fn more_kinds_than_are_remembered_change_nothing() {
    const ACTIONS: usize = 13;
    let condition = |at| format!("event.action == \"a{at}\" and process.name == \"a\"");
    let conditions: Vec<String> = (0..ACTIONS).map(condition).collect();
    let (_, plan, predicates) = planned(&conditions);
    let mut scratch = predicates.scratch();
    let [action, name] = ["event.action", "process.name"].map(|name| plan.field(name).unwrap());
    for kind in 0..1_usize << ACTIONS {
        let claimed: Vec<usize> = (0..ACTIONS).filter(|at| kind >> at & 1 == 1).collect();
        let mut event = Event::new(plan.fields.len());
        event.set(name, Slot::Static("a"));
        event.fill(action, |give| {
            claimed.iter().for_each(|at| give.value(Scalar::Str(&format!("a{at}"))));
        });
        let mut stages = Vec::new();
        predicates.satisfied(&event, &mut scratch, &mut stages);
        assert_eq!(satisfied(&plan, &stages), claimed);
    }
    assert_eq!(scratch.told.len(), remainder::MAX_KINDS);
}

/// A scratch whose numbers of events have come round takes no old mark for a new one.
#[test]
fn marks_of_four_billion_events_ago_are_stale() {
    let query = query(r#"f == "a""#);
    let plan = Plan::new([&query]);
    let predicates = Predicates::new(&plan).unwrap();
    let mut scratch = predicates.scratch();
    let satisfied = |text: &'static str, scratch: &mut Scratch| {
        let mut event = Event::new(plan.fields.len());
        event.set(plan.field("f").unwrap(), Slot::Static(text));
        let mut stages = Vec::new();
        predicates.satisfied(&event, scratch, &mut stages);
        stages.len()
    };
    assert_eq!(satisfied("a", &mut scratch), 1);
    scratch.epoch = u32::MAX;
    assert_eq!(satisfied("b", &mut scratch), 0, "the marks of event 1 must not count");
    assert_eq!(satisfied("a", &mut scratch), 1);
}

// ---------------------------------------------------------------- random conditions and events

/// Few texts, so that conditions and events meet; with case and with characters outside ASCII.
fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "A", "ab", "abc", "b.c", "7", "10.1.2.3", "ä", "Ä", "", "a*"])
}

fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["f", "process.name", "event.action", "event.outcome"])
}

fn leaf() -> impl Strategy<Value = String> {
    let texts = || vec(text(), 1..4).prop_map(|texts| format!("{texts:?}").replace(['[', ']'], ""));
    let pattern = || prop::sample::select(vec!["a*", "?b*", "*", "Ä", "*.c", "a?c", "ab"]);
    let regex = prop::sample::select(vec!["a.*", "[ab]+", "a|b.c", "[0-9]+"]);
    let operator = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let name = || prop::sample::select(vec!["f", "event.action", "process.name", "n"]);
    prop_oneof![
        4 => (field(), text()).prop_map(|(f, t)| format!("{f} == {t:?}")),
        1 => (field(), text()).prop_map(|(f, t)| format!("{f} != {t:?}")),
        2 => (field(), "in|in~|not in|not in~", texts()).prop_map(|(f, op, t)| format!("{f} {op} ({t})")),
        2 => (field(), ":|like|like~", pattern()).prop_map(|(f, op, p)| format!("{f} {op} {p:?}")),
        1 => (field(), ":|like|like~", texts()).prop_map(|(f, op, t)| format!("{f} {op} ({t})")),
        1 => (field(), "regex|regex~", regex).prop_map(|(f, op, r)| format!("{f} {op} {r:?}")),
        1 => (field(), operator(), text()).prop_map(|(f, op, t)| format!("{f} {op} {t:?}")),
        3 => (operator(), 5..9_i32).prop_map(|(op, n)| format!("n {op} {n}")),
        1 => (5..9_i32, 5..9_i32).prop_map(|(a, b)| format!("n in ({a}, {b})")),
        1 => (name(), "==|!=").prop_map(|(f, op)| format!("{f} {op} null")),
        1 => (field(), operator(), 0..4_u8).prop_map(|(f, op, n)| format!("length({f}) {op} {n}")),
        1 => (operator(), 0..4_u8).prop_map(|(op, n)| format!("n % 3 {op} {n}")),
        1 => Just(r#"cidrMatch(address, "10.0.0.0/8")"#.to_owned()),
        1 => Just("startsWith~(event.action, process.name)".to_owned()),
        1 => (field(), text()).prop_map(|(f, t)| format!("endsWith({f}, {t:?})")),
    ]
}

fn any_condition() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" and "))),
            vec(inner.clone(), 2..4).prop_map(|any| format!("({})", any.join(" or "))),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// The values of [`FIELDS`]: none, one or several, mostly but not always of the kind that is usual.
fn any_values() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let value = || {
        prop_oneof![
            6 => text().prop_map(|text| Value::Str(text.into())),
            2 => (5..9_i64).prop_map(Value::Int),
            1 => Just(Value::Float(7.0)),
            1 => Just(Value::Bool(true)),
            1 => Just(Value::Ip([10, 1, 2, 3].into())),
        ]
    };
    vec(vec(value(), 0..3), FIELDS.len()..=FIELDS.len())
}
