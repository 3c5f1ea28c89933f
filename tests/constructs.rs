//! Every construct that rules of Elastic use, in rule files as they are written for Elastic.
//!
//! `corpus/rules/constructs/*.toml` are our own rules, each named after what it uses. All that Elastic
//! would run must load; what it would not run, or what is no EQL, is disabled with a reason. The list
//! below names what must be used at least once, so that a construct cannot fall out unseen.

#![allow(clippy::unwrap_used, reason = "functions of tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use catena::diagnostic::Code;
use catena::rule::{Loaded, Outcome, load_paths, load_text};
use catena::schema::Schema;
use catena::syntax::ast::{
    Arithmetic, Ast, Compare, EventFilter, Expr, ExprKind, Item, Literal, MatchOperator, Query,
};
use catena::syntax::{parse, print};

const FOLDER: &str = "corpus/rules/constructs";

/// What must be used at least once.
const CONSTRUCTS: &[&str] = &[
    // Queries.
    "event",
    "sequence",
    "sample",
    "until",
    "missing in front",
    "missing behind",
    "runs",
    "maxspan ms",
    "maxspan s",
    "maxspan m",
    "maxspan h",
    "maxspan d",
    "no maxspan",
    "pipe head",
    "pipe tail",
    "one global key",
    "two global keys",
    "three global keys",
    "item keys",
    "runs behind keys",
    "optional key",
    "two items",
    "three items",
    // Categories.
    "any",
    "authentication",
    "configuration",
    "dns",
    "driver",
    "file",
    "iam",
    "info",
    "library",
    "network",
    "process",
    "registry",
    "web",
    "quoted category",
    // Tests.
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    ": one",
    ": list",
    "like one",
    "like list",
    "like~ one",
    "like~ list",
    "regex one",
    "regex list",
    "regex~ one",
    "in",
    "in~",
    "not in",
    "not in~",
    "not",
    "and",
    "or",
    "== null",
    "!= null",
    "null in front",
    "boolean field",
    "list of mixed kinds",
    "test compared with a boolean",
    "constant in front",
    // Values.
    "raw string",
    "escape",
    "code point",
    "negative number",
    "decimal",
    "exponent",
    "+",
    "-",
    "*",
    "/",
    "%",
    // Fields.
    "optional field",
    "backtick field",
    "capital in a field",
    "digit in a field",
    "@timestamp",
    // Functions.
    "between",
    "cidrmatch",
    "concat",
    "endswith",
    "endswith~",
    "indexof",
    "length",
    "number",
    "startswith~",
    "string",
    "stringcontains",
    "stringcontains~",
    "substring",
    "function in another case",
    "function over two fields",
    // Comments.
    "line comment",
    "block comment",
    "nested comment",
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)
}

fn texts() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

fn said(loaded: &Loaded) -> String {
    let said: Vec<String> = loaded.problems.iter().map(|problem| problem.render(false)).collect();
    said.join("\n\n")
}

#[test]
fn what_elastic_runs_loads_and_the_rest_is_disabled_with_its_reason() {
    let loaded = load_paths(&[folder()], &Schema::new());
    assert!(!loaded.has_errors(), "{}", said(&loaded));
    for entry in &loaded.entries {
        let text = std::fs::read_to_string(&entry.file).unwrap();
        let runs = text.contains("\ntype = \"eql\"") && !text.contains("maturity = \"deprecated\"");
        match &entry.outcome {
            Outcome::Loaded { .. } => assert!(runs, "{} runs", entry.file),
            Outcome::Disabled(reason) => {
                assert!(!runs && !reason.is_empty(), "{}: {reason}", entry.file);
            }
            Outcome::Rejected => assert!(loaded.has_errors(), "{} is refused silently", entry.file),
        }
    }
}

#[test]
fn warnings_are_about_what_audit_logs_lack_and_what_is_not_acted_upon() {
    let loaded = load_paths(&[folder()], &Schema::new());
    let expected = [
        Code::NeverInAudit,
        Code::UnknownField,
        Code::WrongCategory,
        Code::NotApplied,
        // Rules that are there to have them.
        Code::NullableKey,
        Code::AlwaysTrue,
    ];
    for problem in &loaded.problems {
        assert!(expected.contains(&problem.diagnostic.code), "{}", problem.render(false));
    }
    // A rule for other logs is told so once.
    let told: Vec<&str> = loaded
        .problems
        .iter()
        .filter(|problem| problem.diagnostic.code == Code::NeverInAudit)
        .filter(|problem| problem.file.ends_with("registry_paths.toml"))
        .map(|problem| problem.diagnostic.title.as_str())
        .collect();
    assert_eq!(told, ["audit logs have no events of category `registry`"]);
}

#[test]
fn every_construct_is_used() {
    let mut used = BTreeSet::new();
    for (name, text) in texts() {
        // What is deprecated is not read; its form must be readable all the same.
        let text = text.replace("maturity = \"deprecated\"", "maturity = \"production\"");
        for rule in load_text(&name, text, &Schema::new()).rules {
            let ast = parse(&rule.text).unwrap();
            uses(&ast, &rule.text, &mut used);
        }
    }
    let wanted: BTreeSet<String> = CONSTRUCTS.iter().map(|name| (*name).to_owned()).collect();
    let lost: Vec<_> = wanted.difference(&used).collect();
    assert!(lost.is_empty(), "no rule uses {lost:?}");
}

#[test]
fn their_layout_is_stable_and_keeps_what_they_mean() {
    for (name, text) in texts() {
        for rule in load_text(&name, text, &Schema::new()).rules {
            let laid_out = print(&parse(&rule.text).unwrap());
            let again = parse(&laid_out).unwrap();
            assert_eq!(print(&again), laid_out, "{name}");
            let written = parse(&rule.text).unwrap();
            assert_eq!(again.comments.len(), written.comments.len(), "{name}");
            let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
            uses(&written, &rule.text, &mut before);
            uses(&again, &laid_out, &mut after);
            // How a constant or a name is spelt is a matter of layout.
            let spelling = ["code point", "decimal", "escape", "exponent", "raw string"];
            for names in [&mut before, &mut after] {
                names.retain(|name| !spelling.contains(&name.as_str()));
            }
            assert_eq!(before, after, "{name}");
        }
    }
}

/// Adds the names of all constructs in a query.
fn uses(ast: &Ast, text: &str, used: &mut BTreeSet<String>) {
    let mut add = |name: &str| {
        used.insert(name.to_owned());
    };
    for comment in &ast.comments {
        match comment.text.starts_with("//") {
            true => add("line comment"),
            false => add("block comment"),
        }
        if comment.text.matches("/*").count() > 1 {
            add("nested comment");
        }
    }
    for pipe in &ast.pipes {
        add(&format!("pipe {}", pipe.name));
    }
    let number = |count: usize| ["no", "one", "two", "three"].get(count).copied().unwrap_or("many");
    match &ast.query {
        Query::Event(filter) => {
            add("event");
            event(filter, text, used);
        }
        Query::Sample(sample) => {
            add("sample");
            sample.items.iter().for_each(|part| item(part, text, used));
        }
        Query::Sequence(sequence) => {
            add("sequence");
            match sequence.maxspan {
                Some((_, span)) => {
                    let unit = span.text(text).trim_start_matches(|c: char| !c.is_ascii_digit());
                    add(&format!(
                        "maxspan {}",
                        unit.trim_start_matches(|c: char| c.is_ascii_digit())
                    ));
                }
                None => add("no maxspan"),
            }
            match sequence.by.len() {
                1 => add("one global key"),
                count => add(&format!("{} global keys", number(count))),
            }
            add(&format!("{} items", number(sequence.items.len())));
            if sequence.items.first().is_some_and(|first| first.missing) {
                add("missing in front");
            }
            if sequence.items.last().is_some_and(|last| last.missing) {
                add("missing behind");
            }
            if sequence.by.iter().any(|key| key.optional) {
                add("optional key");
            }
            sequence.items.iter().for_each(|part| item(part, text, used));
            if let Some(until) = &sequence.until {
                used.insert("until".to_owned());
                item(until, text, used);
            }
        }
    }
}

fn item(item: &Item, text: &str, used: &mut BTreeSet<String>) {
    let keys = !item.by.is_empty();
    let names = [
        (item.runs.is_some(), "runs"),
        (keys, "item keys"),
        (keys && item.runs.is_some(), "runs behind keys"),
        (item.by.iter().any(|key| key.optional), "optional key"),
    ];
    used.extend(names.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned()));
    event(&item.filter, text, used);
}

fn event(filter: &EventFilter, text: &str, used: &mut BTreeSet<String>) {
    let category = filter.category.span.text(text);
    used.insert(if category.starts_with('"') { "quoted category" } else { category }.to_owned());
    condition(&filter.condition, text, used);
}

/// An expression where a condition can stand.
fn condition(expr: &Expr, text: &str, used: &mut BTreeSet<String>) {
    if matches!(expr.kind, ExprKind::Field(_)) {
        used.insert("boolean field".to_owned());
    }
    expression(expr, text, used);
}

fn expression(expr: &Expr, text: &str, used: &mut BTreeSet<String>) {
    let mut add = |name: &str| {
        used.insert(name.to_owned());
    };
    match &expr.kind {
        ExprKind::Literal(value) => {
            let written = expr.span.text(text);
            match value {
                Literal::Str { raw: true, .. } => add("raw string"),
                Literal::Str { .. } if written.contains("\\u{") => add("code point"),
                Literal::Str { .. } if written.contains('\\') => add("escape"),
                Literal::Float(_) if written.contains('e') => add("exponent"),
                Literal::Float(_) => add("decimal"),
                _ => {}
            }
        }
        ExprKind::Field(field) => {
            let written = expr.span.text(text);
            let has = |test: fn(char) -> bool| field.name.contains(test);
            let names = [
                (field.optional, "optional field"),
                (written.contains('`'), "backtick field"),
                (has(|c| c.is_ascii_uppercase()), "capital in a field"),
                (has(|c| c.is_ascii_digit()), "digit in a field"),
                (field.name == "@timestamp", "@timestamp"),
            ];
            names.iter().filter(|(is, _)| *is).for_each(|(_, name)| add(name));
        }
        ExprKind::Call(call) => {
            let lower = call.name.to_ascii_lowercase();
            add(&if call.fold { format!("{lower}~") } else { lower.clone() });
            if call.name == lower && ["cidrmatch", "stringcontains"].contains(&call.name.as_str()) {
                add("function in another case");
            }
            if call.args.iter().filter(|arg| reads(arg)).count() > 1 {
                add("function over two fields");
            }
            call.args.iter().for_each(|arg| expression(arg, text, used));
        }
        ExprKind::Sign { operand, .. } => {
            add("negative number");
            expression(operand, text, used);
        }
        ExprKind::Arithmetic(sign, left, right) => {
            add(match sign {
                Arithmetic::Add => "+",
                Arithmetic::Subtract => "-",
                Arithmetic::Multiply => "*",
                Arithmetic::Divide => "/",
                Arithmetic::Modulo => "%",
            });
            expression(left, text, used);
            expression(right, text, used);
        }
        ExprKind::Compare(sign, left, right) => {
            let is_null = |side: &Expr| matches!(side.kind, ExprKind::Literal(Literal::Null));
            let is_bool = |side: &Expr| matches!(side.kind, ExprKind::Literal(Literal::Bool(_)));
            let sign = match sign {
                Compare::Equal => "==",
                Compare::NotEqual => "!=",
                Compare::Less => "<",
                Compare::LessEqual => "<=",
                Compare::Greater => ">",
                Compare::GreaterEqual => ">=",
            };
            add(sign);
            if is_null(right) {
                add(&format!("{sign} null"));
            }
            if is_null(left) {
                add("null in front");
            }
            if matches!(left.kind, ExprKind::Literal(_)) {
                add("constant in front");
            }
            if is_bool(right) && !matches!(left.kind, ExprKind::Field(_)) {
                add("test compared with a boolean");
            }
            expression(left, text, used);
            expression(right, text, used);
        }
        ExprKind::In { value, negated, fold, list } => {
            let not = if *negated { "not " } else { "" };
            add(&format!("{not}in{}", if *fold { "~" } else { "" }));
            let kinds: BTreeSet<bool> = list
                .iter()
                .map(|element| matches!(element.kind, ExprKind::Literal(Literal::Str { .. })))
                .collect();
            if kinds.len() > 1 {
                add("list of mixed kinds");
            }
            expression(value, text, used);
            list.iter().for_each(|element| expression(element, text, used));
        }
        ExprKind::Match { value, operator, patterns, list } => {
            let operator = match operator {
                MatchOperator::Colon => ":",
                MatchOperator::Like => "like",
                MatchOperator::LikeFold => "like~",
                MatchOperator::Regex => "regex",
                MatchOperator::RegexFold => "regex~",
            };
            add(&format!("{operator} {}", if *list { "list" } else { "one" }));
            expression(value, text, used);
            patterns.iter().for_each(|pattern| expression(pattern, text, used));
        }
        ExprKind::Not(operand) => {
            add("not");
            condition(operand, text, used);
        }
        ExprKind::And(operands) => {
            add("and");
            operands.iter().for_each(|operand| condition(operand, text, used));
        }
        ExprKind::Or(operands) => {
            add("or");
            operands.iter().for_each(|operand| condition(operand, text, used));
        }
    }
}

/// Whether a field is read in it.
fn reads(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Field(_) => true,
        ExprKind::Call(call) => call.args.iter().any(reads),
        _ => false,
    }
}
