//! The grammar corpus: what every form means, and what is said about every mistake.
//!
//! `corpus/grammar/ok/*.eql` give the tree, the checked query with its warnings, and the text in
//! canonical layout; `corpus/grammar/err/*.eql` give the rendered diagnostics. Files are named after
//! the point they make.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "functions of tests may panic"
)]

mod common;

use std::path::Path;

use catena::check::{Options, check};
use catena::diagnostic::{CODES, Code, Diagnostic, Severity, Source, text};
use catena::syntax::{parse, print};

fn rendered(problems: &[Diagnostic], source: &str) -> String {
    let source = Source { name: "query", text: source };
    let mut out = String::new();
    for problem in problems {
        out.push_str(&text(problem, source, false));
        if let Some(fix) = &problem.fix {
            out.push_str(&format!(
                "\n  fix: {:?} -> {:?}",
                fix.span.text(source.text),
                fix.replacement
            ));
        }
        out.push_str("\n\n");
    }
    out
}

fn problems(source: &str) -> Vec<Diagnostic> {
    match parse(source) {
        Err(problems) => problems,
        Ok(ast) => match check(&ast, &common::schema(), &Options::default()) {
            Err(problems) => problems,
            Ok(_) => Vec::new(),
        },
    }
}

fn corpus(kind: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/grammar").join(kind);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_form_means_what_the_snapshot_says() {
    insta::glob!("../corpus/grammar/ok", "*.eql", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let ast = match parse(&source) {
            Ok(ast) => ast,
            Err(problems) => panic!("{}", rendered(&problems, &source)),
        };
        let (query, warnings) = match check(&ast, &common::schema(), &Options::default()) {
            Ok(checked) => checked,
            Err(problems) => panic!("{}", rendered(&problems, &source)),
        };
        let shown = format!(
            "{}\n\n{}\n\n{}{}",
            common::ast(&ast).pretty(0),
            common::ir(&query).pretty(0),
            rendered(&warnings, &source),
            print(&ast)
        );
        insta::with_settings!({ description => source.clone(), omit_expression => true }, {
            insta::assert_snapshot!(shown);
        });
    });
}

#[test]
fn every_mistake_is_named_and_placed() {
    insta::glob!("../corpus/grammar/err", "*.eql", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let problems = problems(&source);
        assert!(!problems.is_empty(), "accepted: {source}");
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(rendered(&problems, &source));
        });
    });
}

/// A fix may leave other problems, but not the one it mends, and the text must still be read as
/// far as before.
#[test]
fn every_fix_mends_its_problem() {
    for path in corpus("err") {
        let source = std::fs::read_to_string(&path).unwrap();
        for problem in problems(&source) {
            let Some(fix) = &problem.fix else { continue };
            let mut mended = source.clone();
            mended.replace_range(fix.span.range(), &fix.replacement);
            let left = problems(&mended);
            let same = left.iter().any(|p| {
                p.code == problem.code
                    && p.title == problem.title
                    && p.primary() == problem.primary()
            });
            assert!(!same, "{}: {:?} still there in {mended}", path.display(), problem.title);
        }
    }
}

#[test]
fn every_code_of_the_language_has_a_file_in_the_corpus() {
    let mut seen: Vec<Code> = Vec::new();
    for path in corpus("err").into_iter().chain(corpus("ok")) {
        let source = std::fs::read_to_string(path).unwrap();
        seen.extend(problems(&source).iter().map(|problem| problem.code));
        if let Ok(ast) = parse(&source)
            && let Ok((_, warnings)) = check(&ast, &common::schema(), &Options::default())
        {
            seen.extend(warnings.iter().map(|warning| warning.code));
        }
    }
    for code in CODES {
        // E00xx are about rule files, E06xx about field maps and E07xx about audit rules, not about
        // queries; lints have a corpus of their own.
        let lint = code.severity() == Severity::Warning && *code != Code::WildcardLiteral;
        let other = ["E00", "E06", "E07"].iter().any(|family| code.as_str().starts_with(family));
        let language = !other && !lint;
        assert!(!language || seen.contains(code), "{} has no file", code.as_str());
    }
}

#[test]
fn the_page_of_differences_names_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("grammar/README.md")).unwrap();
    let named: Vec<&str> = page.split('`').filter(|word| word.ends_with(".eql")).collect();
    assert!(named.len() > 50, "found only {}", named.len());
    for name in named {
        assert!(root.join("corpus/grammar").join(name).is_file(), "{name} does not exist");
    }
}
