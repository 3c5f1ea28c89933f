//! The print law: printed text parses to the same tree, printing twice changes nothing, and no
//! comment is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "functions of tests may panic"
)]

#[allow(dead_code, reason = "only the dump of trees is needed here")]
mod common;

use catena::span::Span;
use catena::syntax::ast::*;
use catena::syntax::{parse, print};
use catena::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;

const NOWHERE: Span = Span { start: 0, end: 0 };

/// Every query that lies in the repository, with the place it stands in: bare files, the queries of rule
/// files, and those of the grids, which stand between the opening comment and the line of times.
fn corpus() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut queries = Vec::new();
    for folder in ["rules", "corpus"] {
        for entry in walkdir::WalkDir::new(root.join(folder)).sort_by_file_name() {
            let path = entry.unwrap().into_path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let text = || std::fs::read_to_string(&path).unwrap();
            match path.extension().and_then(std::ffi::OsStr::to_str) {
                Some("eql") => queries.push((name, text())),
                Some("toml") => {
                    let Ok(file) = text().parse::<toml::Table>() else { continue };
                    let query = file.get("rule").and_then(|rule| {
                        let other = rule.get("language").is_some_and(|l| l.as_str() != Some("eql"));
                        if other { None } else { rule.get("query") }
                    });
                    queries.extend(query.and_then(toml::Value::as_str).map(|q| (name, q.into())));
                }
                Some("grid") => {
                    let text = text();
                    let words = ["#", "window ", "samples per key "];
                    let head = text.lines().take_while(|line| !line.starts_with("time "));
                    let query: Vec<_> =
                        head.filter(|line| !words.iter().any(|w| line.starts_with(w))).collect();
                    queries.push((name, query.join("\n")));
                }
                _ => {}
            }
        }
    }
    queries
}

fn shape(ast: &Ast) -> String {
    let bare = Ast { comments: Vec::new(), ..ast.clone() };
    common::ast(&bare).pretty(0)
}

fn comments(ast: &Ast) -> Vec<&str> {
    ast.comments.iter().map(|comment| comment.text.as_str()).collect()
}

/// Prints, parses, compares, prints again.
fn check_law(ast: &Ast) {
    let printed = print(ast);
    let again = parse(&printed).unwrap_or_else(|problems| panic!("{printed}\n{problems:#?}"));
    assert_eq!(shape(ast), shape(&again), "{printed}");
    assert_eq!(comments(ast), comments(&again), "{printed}");
    assert_eq!(print(&again), printed);
}

#[test]
fn holds_for_every_query_of_the_repository() {
    let mut held = std::collections::BTreeMap::<&str, usize>::new();
    let corpus = corpus();
    for (name, source) in &corpus {
        match parse(source) {
            Ok(ast) => check_law(&ast),
            Err(problems) => {
                let refused =
                    name.contains("/err/") || name.contains("/bad/") || name.contains("fuzz");
                assert!(refused, "{name}: {problems:#?}");
                continue;
            }
        }
        let folder = std::path::Path::new(name).parent().and_then(std::path::Path::to_str);
        *held.entry(folder.unwrap()).or_default() += 1;
    }
    // What is collected is what is there.
    for folder in
        ["corpus/grammar/ok", "corpus/lint/fires", "corpus/lint/silent", "corpus/sequences"]
    {
        assert!(held.get(folder).is_some_and(|count| *count > 20), "{folder}: {held:#?}");
    }
    assert!(held.contains_key("rules/execution") && held.contains_key("corpus/rules/good"));
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: NOWHERE }
}

fn field() -> impl Strategy<Value = Field> {
    let part = prop_oneof![
        4 => "[a-z_@][a-zA-Z0-9_]{0,6}",
        1 => "[a-z `/0-9é-]{1,6}",
        1 => Just("sequence".to_owned()),
        1 => Just("in".to_owned()),
    ];
    (vec(part, 1..4), any::<bool>()).prop_map(|(parts, optional)| Field {
        name: parts.join("."),
        optional,
        span: NOWHERE,
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z*?]{0,8}",
        "[\\x01-\\x7f]{0,8}",
        "\\PC{0,8}",
        "[\"\\\\'\u{200b}\u{7f} \n]{0,6}"
    ]
}

fn string() -> impl Strategy<Value = Literal> {
    (text(), any::<bool>()).prop_map(|(text, raw)| {
        // Not every text can stand between triple quotes.
        let raw = raw && !text.contains(['\n', '\r']) && !text.contains("\"\"\"");
        Literal::Str { text, raw }
    })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        (0..i64::MAX).prop_map(Literal::Int),
        (0..100_i64).prop_map(Literal::Int),
        prop::num::f64::POSITIVE.prop_filter("finite", |x| x.is_finite()).prop_map(Literal::Float),
        string(),
    ]
}

/// `and` and `or` as the parser builds them: flat.
fn chain(and: bool, operands: Vec<Expr>) -> Expr {
    let mut flat = Vec::new();
    for operand in operands {
        match operand.kind {
            ExprKind::And(inner) if and => flat.extend(inner),
            ExprKind::Or(inner) if !and => flat.extend(inner),
            kind => flat.push(expr(kind)),
        }
    }
    expr(if and { ExprKind::And(flat) } else { ExprKind::Or(flat) })
}

fn condition() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(|l| expr(ExprKind::Literal(l))),
        field().prop_map(|f| expr(ExprKind::Field(f))),
    ];
    leaf.prop_recursive(6, 60, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let pair = (boxed.clone(), boxed.clone());
        let compare = prop_oneof![
            Just(Compare::Equal),
            Just(Compare::NotEqual),
            Just(Compare::Less),
            Just(Compare::LessEqual),
            Just(Compare::Greater),
            Just(Compare::GreaterEqual)
        ];
        let arithmetic = prop_oneof![
            Just(Arithmetic::Add),
            Just(Arithmetic::Subtract),
            Just(Arithmetic::Multiply),
            Just(Arithmetic::Divide),
            Just(Arithmetic::Modulo)
        ];
        let operator = prop_oneof![
            Just(MatchOperator::Colon),
            Just(MatchOperator::Like),
            Just(MatchOperator::LikeFold),
            Just(MatchOperator::Regex),
            Just(MatchOperator::RegexFold)
        ];
        let patterns = vec(literal().prop_map(|l| expr(ExprKind::Literal(l))), 1..5);
        prop_oneof![
            vec(inner.clone(), 2..5).prop_map(|operands| chain(true, operands)),
            vec(inner.clone(), 2..5).prop_map(|operands| chain(false, operands)),
            boxed.clone().prop_map(|a| expr(ExprKind::Not(a))),
            (compare, pair.clone()).prop_map(|(op, (a, b))| expr(ExprKind::Compare(op, a, b))),
            (arithmetic, pair).prop_map(|(op, (a, b))| expr(ExprKind::Arithmetic(op, a, b))),
            (any::<bool>(), boxed.clone())
                .prop_map(|(minus, operand)| expr(ExprKind::Sign { minus, operand })),
            (boxed.clone(), any::<bool>(), any::<bool>(), vec(inner.clone(), 1..5)).prop_map(
                |(value, negated, fold, list)| expr(ExprKind::In { value, negated, fold, list })
            ),
            (boxed, operator, patterns, any::<bool>()).prop_map(
                |(value, operator, patterns, list)| {
                    let list = list || patterns.len() > 1;
                    expr(ExprKind::Match { value, operator, patterns, list })
                }
            ),
            ("[a-z][a-zA-Z]{3,8}", any::<bool>(), vec(inner, 0..4)).prop_filter_map(
                "keyword",
                |(name, fold, args)| {
                    let plain = catena::syntax::is_plain_name(&name);
                    let call = Call { name, fold, name_span: NOWHERE, args };
                    plain.then(|| expr(ExprKind::Call(call)))
                }
            ),
        ]
    })
}

fn filter() -> impl Strategy<Value = EventFilter> {
    let name = prop_oneof![
        Just(None),
        Just(Some("process".to_owned())),
        Just(Some("where".to_owned())),
        text().prop_map(Some)
    ];
    (name, condition()).prop_map(|(name, condition)| EventFilter {
        category: Category { name, span: NOWHERE },
        condition,
        span: NOWHERE,
    })
}

fn item() -> impl Strategy<Value = Item> {
    (any::<bool>(), filter(), vec(field(), 0..3), prop::option::of(1..100_u64)).prop_map(
        |(missing, filter, by, runs)| Item {
            missing,
            filter,
            by,
            runs: runs.map(|runs| (runs, NOWHERE)),
            span: NOWHERE,
        },
    )
}

fn query() -> impl Strategy<Value = Query> {
    let maxspan = prop::option::of((1..100_000_i64).prop_map(Duration::from_millis));
    let sequence = (vec(field(), 0..3), maxspan, vec(item(), 1..4), prop::option::of(item()));
    prop_oneof![
        filter().prop_map(Query::Event),
        sequence.prop_map(|(by, maxspan, items, until)| {
            let until = until.map(|item| Box::new(Item { missing: false, runs: None, ..item }));
            let maxspan = maxspan.map(|maxspan| (maxspan, NOWHERE));
            Query::Sequence(Sequence { by, maxspan, items, until, span: NOWHERE })
        }),
        (vec(field(), 0..3), vec(item(), 1..4)).prop_map(|(by, mut items)| {
            for item in &mut items {
                (item.missing, item.runs) = (false, None);
            }
            Query::Sample(Sample { by, items, span: NOWHERE })
        }),
    ]
}

fn ast() -> impl Strategy<Value = Ast> {
    let pipe = ("[a-z]{5,8}", vec(condition(), 0..3)).prop_map(|(name, args)| Pipe {
        name,
        args,
        name_span: NOWHERE,
        span: NOWHERE,
    });
    let pipe = pipe.prop_filter("keyword", |pipe| catena::syntax::is_plain_name(&pipe.name));
    (query(), vec(pipe, 0..3)).prop_map(|(query, pipes)| Ast { query, pipes, comments: Vec::new() })
}

/// Where blanks stand in printed text, outside strings and quoted names.
fn gaps(text: &str) -> Vec<usize> {
    let mut gaps = vec![0];
    let mut quote = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let step = match quote {
            None if rest.starts_with("\"\"\"") => {
                quote = Some("\"\"\"");
                3
            }
            None if c == '"' => {
                quote = Some("\"");
                1
            }
            None if c == '`' => {
                quote = Some("`");
                1
            }
            Some("\"") if c == '\\' => 2,
            Some("\"\"\"") if rest.starts_with("\"\"\"") => {
                quote = None;
                rest.len() - rest.trim_start_matches('"').len()
            }
            Some(open) if open.len() == 1 && rest.starts_with(open) => {
                quote = None;
                1
            }
            _ => {
                if quote.is_none() && c.is_ascii_whitespace() {
                    gaps.push(at);
                }
                c.len_utf8()
            }
        };
        at += step;
    }
    gaps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn holds_for_any_tree(ast in ast()) {
        check_law(&ast);
    }

    #[test]
    fn keeps_comments_wherever_they_stand(
        ast in ast(),
        places in vec((any::<prop::sample::Index>(), 0..4_usize), 1..6),
    ) {
        let mut text = print(&ast);
        let gaps = gaps(&text);
        let mut places: Vec<_> =
            places.iter().map(|(place, kind)| (gaps[place.index(gaps.len())], kind)).collect();
        // From the end, so that places stay right.
        places.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        for (number, (place, kind)) in places.into_iter().enumerate() {
            let comment = match kind {
                0 => format!(" // {number}\n"),
                1 => format!("\n// {number}\n"),
                2 => format!("\n/* {number} /* nested */\n */ "),
                _ => format!(" /* {number} */ "),
            };
            text.insert_str(place, &comment);
        }
        let commented = parse(&text).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
        prop_assert!(!commented.comments.is_empty());
        prop_assert_eq!(shape(&ast), shape(&commented));
        check_law(&commented);
    }
}
