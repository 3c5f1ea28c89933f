//! The text of a query.

use catena::check::{Options, check, condition_text, ir};
use catena::diagnostic::{self, Code, Diagnostic, Source};
use catena::engine::{Engine, Limits};
use catena::plan::logic_hash;
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::syntax::ast::Ast;
use catena::syntax::{parse, parse_expr, print};

/// A text is read or refused; what is read prints to the same query; what is checked can be run, and
/// means the same once printed.
pub(crate) fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(problems) = parse_expr(text) {
        show(&problems, text);
    }
    let ast = match parse(text) {
        Ok(ast) => ast,
        Err(problems) => return show(&problems, text),
    };
    let printed = print(&ast);
    let again = match parse(&printed) {
        Ok(again) => again,
        // Layout makes a text longer, and a number can have more parts than it was written with.
        Err(problems) if problems.iter().all(|p| p.code == Code::TooLarge) => return,
        Err(problems) => panic!("printed text cannot be read: {problems:#?}\n{printed}"),
    };
    assert_eq!(comments(&again), comments(&ast), "{printed}");
    assert_eq!(print(&again), printed, "printing twice changes something");
    let schema = Schema::new();
    match (check(&ast, &schema, &Options::default()), check(&again, &schema, &Options::default())) {
        (Ok((query, warnings)), Ok((printed_query, _))) => {
            show(&warnings, text);
            assert_eq!(logic_hash(&query), logic_hash(&printed_query), "{printed}");
            words(&query);
            let loaded = load_query(text, &schema);
            let engine = Engine::new(RuleSet::new(loaded.rules), Limits::default());
            assert!(engine.is_ok(), "{:?}", engine.err());
        }
        (Err(problems), Err(_)) => show(&problems, text),
        (before, after) => panic!("{before:#?}\n{after:#?}\n{printed}"),
    }
}

/// A message can be made of every problem.
fn show(problems: &[Diagnostic], text: &str) {
    let source = Source { name: "query", text };
    for problem in problems {
        assert!(!diagnostic::text(problem, source, false).is_empty());
        assert!(diagnostic::json(problem, source).is_object());
    }
}

fn comments(ast: &Ast) -> Vec<&str> {
    ast.comments.iter().map(|comment| comment.text.trim_end()).collect()
}

/// The words for a checked condition read back to the same condition.
fn words(query: &ir::Query) {
    let items: Vec<&ir::Filter> = match &query.kind {
        ir::QueryKind::Event(filter) => vec![filter],
        ir::QueryKind::Sequence(sequence) => {
            let until = sequence.until.as_deref();
            sequence.items.iter().chain(until).map(|item| &item.filter).collect()
        }
        ir::QueryKind::Sample(items) => items.iter().map(|item| &item.filter).collect(),
    };
    for filter in items.into_iter().take(3) {
        let text = format!("any where {}", condition_text(&filter.condition));
        match parse(&text) {
            Err(problems) if problems.iter().all(|p| p.code == Code::TooLarge) => {}
            Err(problems) => panic!("{text}\n{problems:#?}"),
            Ok(ast) => match check(&ast, &Schema::new(), &Options::default()) {
                // The words can be more than a query may have.
                Err(problems) if problems.iter().all(|p| p.code == Code::TooLarge) => {}
                Err(problems) => panic!("{text}\n{problems:#?}"),
                Ok((read, _)) => {
                    let ir::QueryKind::Event(read) = read.kind else { panic!("{text}") };
                    let read = condition_text(&read.condition);
                    assert_eq!(format!("any where {read}"), text);
                }
            },
        }
    }
}
