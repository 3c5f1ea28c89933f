//! Nothing that can be written makes the language front crash, recurse without end or take more
//! memory than its limits allow: it is read, or refused with `E0501`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "functions of tests may panic"
)]

use catena::check::{Options, check};
use catena::diagnostic::{Code, Diagnostic, Source, json, text};
use catena::engine::{self, Engine};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::syntax::{Limits, parse, parse_expr, parse_with, print};
use proptest::prelude::*;

/// Reads, checks and prints; the code of the first problem if there is one.
fn outcome(source: &str) -> Result<(), Code> {
    let show = |problems: Vec<Diagnostic>| {
        for problem in &problems {
            let source = Source { name: "query", text: source };
            assert!(!text(problem, source, false).is_empty());
            assert!(json(problem, source).is_object());
        }
        problems.first().map_or(Code::Syntax, |problem| problem.code)
    };
    let ast = parse(source).map_err(show)?;
    let printed = print(&ast);
    if printed.len() <= Limits::default().length {
        assert!(parse(&printed).is_ok(), "{printed:.200}");
    }
    check(&ast, &Schema::new(), &Options::default()).map(|_| ()).map_err(show)?;
    // What is checked can be run.
    let loaded = load_query(source, &Schema::new());
    Engine::new(RuleSet::new(loaded.rules), engine::Limits::default()).unwrap();
    Ok(())
}

fn nested(open: &str, levels: usize, close: &str) -> String {
    format!("process where {}a{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn a_million_levels_are_refused() {
    let million = 1_000_000;
    for source in [
        nested("(", million, ")"),
        nested("not ", million, ""),
        nested("-", million, ""),
        nested("a + (", million, ")"),
        nested("length(", million, ")"),
        nested("/*", million, "*/"),
        nested("child of [a where ", million, "]"),
        nested("a in (", million, ")"),
        nested("\u{e9}", million, ""),
        nested("(", 50_000, ")"),
        nested("-", 20_000, ""),
        nested("/*", 50_000, "*/"),
        format!("process where {}a", "a + ".repeat(12_000)),
        format!("process where {}a", "a and not ".repeat(50_000)),
    ] {
        assert_eq!(outcome(&source), Err(Code::TooLarge), "{:.60}", source);
    }
}

#[test]
fn a_hundred_levels_are_read() {
    for source in [
        nested("(", 100, ")"),
        nested("not ", 98, ""),
        nested("concat(", 90, ")") + " == \"x\"",
        nested("a == 1 and (b == 2 or (", 49, "))"),
        nested("not (", 98, ")"),
        nested("-", 97, "") + " == 1",
        nested("/*", 100, "*/") + " a",
    ] {
        assert_eq!(outcome(&source), Ok(()), "{source:.60}");
    }
}

/// Each of these is just inside one limit and as bad as can be within the others.
#[test]
fn the_worst_that_is_read_fits_a_small_stack() {
    let deep = |inside: &str| format!("{}{inside}{}", "(".repeat(98), ")".repeat(98));
    for source in [
        format!("process where {}a", format!("{} and ", deep("a")).repeat(95)),
        format!("process where {}a", "a and ".repeat(9_900)),
        format!("process where {}a", "a and a or ".repeat(4_900)),
        format!("process where a in ({}1)", "1,".repeat(9_900)),
        format!("process where a in ({}1)", "-1,".repeat(6_600)),
        format!("process where a : (\"{}\")", "*a".repeat(29_000)),
        format!("process where {}", deep(&format!("a /* {} */", "x".repeat(200_000)))),
        format!("process where {}", deep(&format!("a {}", " ".repeat(200_000)))),
        format!("process where {}a == 1", "a.".repeat(9_900)),
        format!("sequence {}", "[a where b]".repeat(256)),
    ] {
        assert_eq!(outcome(&source), Ok(()), "{source:.60}");
    }
}

/// `number` texts made from their numbers, with `between` between them.
fn many(number: usize, between: &str, text: impl Fn(usize) -> String) -> String {
    (0..number).map(text).collect::<Vec<_>>().join(between)
}

fn regex(pattern: &str) -> String {
    format!("process where a regex~ \"\"\"{pattern}\"\"\"")
}

#[test]
fn what_would_cost_too_much_to_compile_is_refused() {
    for source in [
        // Each field has its place in every event.
        format!("process where {}", many(1001, " or ", |n| format!("a{n}"))),
        // Fields of one condition are tried in all combinations.
        format!("process where concat({}) == \"x\"", many(65, ",", |n| format!("a{n}"))),
        format!("process where {} == 1", many(65, " + ", |n| format!("a{n}"))),
        format!("sequence by {} [a where b] [a where b]", many(65, ",", |n| format!("k{n}"))),
        format!("sample by k {}", "[a where b]".repeat(1001)),
        format!("process where a : (\"{}\")", "*a".repeat(30_001)),
        format!("process where a like \"{}\"", "?a*".repeat(6_001)),
        format!(
            "process where {}",
            many(97, "", |_| "(".to_owned())
                + "length(a) == 1"
                + &") != startsWith(\"a\", \"b\")".repeat(97)
        ),
        format!("process where {}", many(1001, " or ", |_| "a regex \"b\"".to_owned())),
        format!("process where a regex ({})", many(3, ",", |_| "\"(ab){4000}\"".to_owned())),
    ] {
        assert_eq!(outcome(&source), Err(Code::TooLarge), "{source:.60}");
    }
}

#[test]
fn regular_expressions_that_would_grow_are_refused() {
    let class: String = ('\u{4e00}'..='\u{9fa5}').step_by(2).collect();
    for pattern in [
        "(((a{100}){100}){100}){100}".to_owned(),
        // Each is a few automaton states under `regex~`.
        "k{5000}".to_owned(),
        "\u{e9}{5000}".to_owned(),
        format!("[{class}]"),
        format!("[{}]{{1000}}", &class[..300]),
        // Repetitions of repetitions are levels.
        format!("a{}", "+".repeat(231)),
        format!("a{}", "{1}".repeat(80_000)),
        format!("{}a{}", "(".repeat(51), ")".repeat(51)),
        "a".repeat(20_001),
    ] {
        assert_eq!(outcome(&regex(&pattern)), Err(Code::BadPattern), "{pattern:.60}");
    }
}

#[test]
fn the_largest_that_is_accepted_can_be_run() {
    for source in [
        format!("process where {}", many(999, " or ", |n| format!("a{n} like \"*b*\""))),
        format!("process where concat({}) == \"x\"", many(64, ",", |n| format!("a{n}"))),
        format!(
            "sequence by {} {}",
            many(64, ",", |n| format!("k{n}")),
            "[a where b] with runs=100".repeat(2)
        ),
        format!("sample by k {}", many(16, "", |n| format!("[a where b == {n}]"))),
        format!("process where a like \"{}\"", "?a*".repeat(5_999)),
        format!(
            "process where {}",
            many(49, "", |_| "(".to_owned())
                + "length(a) == 1"
                + &") != startsWith(\"a\", \"b\")".repeat(49)
        ),
        format!("process where {}", many(800, " or ", |n| format!("a regex \"{n}\""))),
        regex("k{2490}"),
        regex("\u{e9}{3300}"),
        regex(".{1240}"),
        regex("[^a]{1100}"),
        regex(r"(\W\S){600}"),
        regex("[\u{4e00}-\u{9fa5}\u{1f600}-\u{1f64f}]{280}"),
        regex(&"a".repeat(9_900)),
        regex(&many(2_000, "|", |n| format!("{n:x}"))),
        regex(&format!("a{}", "+".repeat(110))),
        regex(&format!("{}a{}", "(b|c".repeat(50), "*)".repeat(50))),
        regex(&"()".repeat(19_000)),
        regex("((a?){100}){90}"),
    ] {
        assert_eq!(outcome(&source), Ok(()), "{source:.60}");
    }
}

#[test]
fn ten_megabytes_and_a_hundred_thousand_items_are_refused() {
    assert_eq!(outcome(&"process where a == 1 and ".repeat(400_000)), Err(Code::TooLarge));
    let list = format!("process where a in ({}1)", "1,".repeat(100_000));
    assert_eq!(outcome(&list), Err(Code::TooLarge));
}

#[test]
fn limits_can_be_raised() {
    let list = format!("process where a in ({}1)", "1,".repeat(100_000));
    let limits = Limits { length: 10_000_000, tokens: 1_000_000, depth: 50 };
    assert!(parse_with(&list, &limits).is_ok());
    assert!(parse_with(&nested("(", 51, ")"), &limits).is_err());
}

#[test]
fn the_number_of_problems_is_bounded() {
    let source = format!("process where {}a", "a = 1 and ".repeat(4_900));
    assert_eq!(parse(&source).unwrap_err().len(), 50);
    let source = format!("process where {}a", "f(1) and ".repeat(3_900));
    let ast = parse(&source).unwrap();
    assert_eq!(check(&ast, &Schema::new(), &Options::default()).unwrap_err().len(), 50);
}

#[test]
fn messages_are_bounded() {
    let long = "a".repeat(200_000);
    for source in [format!("{long} {long}"), format!("process where {long}(1) == 2")] {
        let ast = parse(&source);
        let problems = match ast {
            Err(problems) => problems,
            Ok(ast) => check(&ast, &Schema::new(), &Options::default()).unwrap_err(),
        };
        assert!(problems[0].title.chars().count() <= 161, "{}", problems[0].title.len());
    }
}

fn corpus() -> Vec<String> {
    let mut sources = Vec::new();
    for kind in ["ok", "err"] {
        let folder = format!("{}/corpus/grammar/{kind}", env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        sources.extend(files.iter().map(|path| std::fs::read_to_string(path).unwrap()));
    }
    sources
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read_or_refused(source in "\\PC{0,60}") {
        let _ = outcome(&source);
        let _ = parse_expr(&source);
    }

    #[test]
    fn any_mixture_of_tokens_is_read_or_refused(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "process", "where", "any", "sequence", "by", "with", "maxspan", "=", "1s", "runs", "[",
                "]", "![", "(", ")", "and", "or", "not", "in", "in~", ":", "like", "regex~", "\"a*\"",
                "\"\"\"[\"\"\"", "1", "1.5", "-", "+", "*", "/", "%", "==", "!=", "<", "a", "?a", "`b c`",
                ".", ",", "|", "head", "until", "sample", "length(", "null", "true", "//x\n", "/*y*/",
                "join", "fork", "as", "of", "!", "'q'", "{", "\u{e9}",
            ]),
            0..30,
        ),
    ) {
        let _ = outcome(&tokens.join(" "));
        let _ = parse_expr(&tokens.join(""));
    }

    #[test]
    fn any_damage_to_the_corpus_is_read_or_refused(
        file in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        length in 0..20_usize,
        insert in "[\"'`()\\[\\]!|=:/*\\\\a1 \n]{0,4}",
    ) {
        let corpus = corpus();
        let source: Vec<char> = corpus[file.index(corpus.len())].chars().collect();
        let at = cut.index(source.len() + 1);
        let end = (at + length).min(source.len());
        let damaged: String =
            source[..at].iter().copied().chain(insert.chars()).chain(source[end..].iter().copied()).collect();
        let _ = outcome(&damaged);
    }
}
