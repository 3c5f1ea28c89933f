//! The pages of the catalogue: every code has one, and its examples do what it says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use catena::diagnostic::{CODES, Code};
use catena::prove::read_text;
use catena::rule::{Loaded, load_text};
use catena::schema::Schema;

/// The examples of a page: format and text.
fn examples(page: &str) -> Vec<(&str, &str)> {
    let mut pieces = page.split("```");
    let mut examples = Vec::new();
    pieces.next();
    while let Some(example) = pieces.next() {
        examples.push(example.split_once('\n').unwrap());
        pieces.next();
    }
    examples
}

fn load((format, text): (&str, &str)) -> Loaded {
    load_text(&format!("example.{format}"), text.to_owned(), &Schema::new())
}

/// Field maps are files of their own kind.
fn map_codes(text: &str) -> Vec<Code> {
    let read = catena::translate::read_map(text, &Schema::new());
    read.err().into_iter().flatten().map(|problem| problem.code).collect()
}

/// So are audit rules.
fn audit_codes(text: &str) -> Vec<Code> {
    let read = catena::needs::read_text("example.rules", text);
    read.problems.into_iter().map(|problem| problem.diagnostic.code).collect()
}

fn said(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|problem| problem.render(false)).collect()
}

#[test]
fn the_wrong_example_gives_the_code_and_the_right_one_gives_nothing() {
    for code in CODES {
        let page = code.explain();
        assert!(page.starts_with(&format!("# {}: ", code.as_str())), "{}", code.as_str());
        let examples = examples(page);
        let [wrong, right] = examples.as_slice() else {
            panic!("{}: {} examples", code.as_str(), examples.len())
        };
        if *code == Code::TestFile {
            let read = |text| read_text("example.test.toml", text, &Schema::new());
            let problems = read(wrong.1).unwrap_err();
            assert!(problems.iter().all(|problem| problem.diagnostic.code == *code));
            assert!(read(right.1).is_ok());
            continue;
        }
        if *code == Code::FieldMap {
            assert_eq!((map_codes(wrong.1), map_codes(right.1)), (vec![*code], vec![]));
            continue;
        }
        if wrong.0 == "rules" {
            assert_eq!((audit_codes(wrong.1), audit_codes(right.1)), (vec![*code], vec![]));
            continue;
        }
        let loaded = load(*wrong);
        let codes: Vec<Code> = loaded.problems.iter().map(|p| p.diagnostic.code).collect();
        assert!(codes.contains(code), "{}: {}", code.as_str(), said(&loaded).join("\n"));
        let loaded = load(*right);
        assert!(loaded.problems.is_empty(), "{}: {}", code.as_str(), said(&loaded).join("\n"));
        assert!(!loaded.rules.is_empty(), "{}", code.as_str());
    }
}

#[test]
fn pages_are_one_paragraph_that_fits_a_terminal() {
    for code in CODES {
        let page = code.explain();
        let text = page.split("\n\nWrong:").next().unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", code.as_str());
        }
        assert_eq!(text.split("\n\n").count(), 2, "{}: title and paragraph", code.as_str());
    }
}

#[test]
fn every_code_has_a_line_about_itself() {
    for code in CODES {
        let summary = code.summary();
        assert!(summary.ends_with('.') && !summary.contains('\n'), "{summary:?}");
        assert_eq!(Code::from_name(code.as_str()), Some(*code));
    }
}
