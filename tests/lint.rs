//! Warnings: what each says, and where it must keep quiet.
//!
//! Files of `corpus/lint/fires` are named after the warning they must give, then after the point they make;
//! their messages are snapshots. Files of `corpus/lint/silent` are named after the warning that they must
//! not give, and give none at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "functions of tests may panic")]

use std::path::{Path, PathBuf};

use catena::diagnostic::{CODES, Code, Severity};
use catena::rule::{Loaded, load_text};
use catena::schema::Schema;

fn load(path: &Path) -> Loaded {
    load_text("query.eql", std::fs::read_to_string(path).unwrap(), &Schema::new())
}

fn rendered(loaded: &Loaded) -> String {
    let mut out = String::new();
    for problem in &loaded.problems {
        out.push_str(&problem.render(false));
        if let Some(fix) = &problem.diagnostic.fix {
            let old = fix.span.text(&problem.text);
            out.push_str(&format!("\n  fix: {old:?} -> {:?}", fix.replacement));
        }
        out.push_str("\n\n");
    }
    out
}

/// The warning a file is named after.
fn named(path: &Path) -> Code {
    let name = path.file_name().unwrap().to_str().unwrap();
    let name = name.split('.').next().unwrap();
    Code::warning(name).unwrap_or_else(|| panic!("no warning has the name {name}"))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lint").join(folder);
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_warning_says_what_is_likely_not_meant() {
    insta::glob!("../corpus/lint/fires", "*.eql", |path| {
        let loaded = load(path);
        let code = named(path);
        assert_eq!(loaded.rules.len(), 1, "warnings refuse nothing: {}", rendered(&loaded));
        let fired = loaded.problems.iter().any(|problem| problem.diagnostic.code == code);
        assert!(fired, "silent, {}:\n{}", code.as_str(), rendered(&loaded));
        insta::with_settings!({
            description => std::fs::read_to_string(path).unwrap(), omit_expression => true
        }, {
            insta::assert_snapshot!(rendered(&loaded));
        });
    });
}

#[test]
fn what_looks_alike_and_is_meant_gives_no_warning() {
    for path in files("silent") {
        let loaded = load(&path);
        let _named = named(&path);
        assert!(loaded.problems.is_empty(), "{}:\n{}", path.display(), rendered(&loaded));
    }
}

#[test]
fn every_warning_about_a_query_has_a_file_that_fires_and_one_that_does_not() {
    // These are about what is not in a query.
    let elsewhere = [Code::NotApplied, Code::AuditField];
    let fires: Vec<Code> = files("fires").iter().map(|path| named(path)).collect();
    let silent: Vec<Code> = files("silent").iter().map(|path| named(path)).collect();
    for code in CODES.iter().filter(|code| code.severity() == Severity::Warning) {
        if elsewhere.contains(code) {
            continue;
        }
        assert!(fires.contains(code), "{}: no file fires", code.as_str());
        assert!(
            silent.contains(code) || *code == Code::UnknownLint,
            "{}: no file must not",
            code.as_str()
        );
    }
}

#[test]
fn every_fix_of_a_warning_mends_it() {
    for path in files("fires") {
        let loaded = load(&path);
        for problem in &loaded.problems {
            let Some(fix) = &problem.diagnostic.fix else { continue };
            let mut text = problem.text.to_string();
            text.replace_range(fix.span.range(), &fix.replacement);
            let mended = load_text("query.eql", text.clone(), &Schema::new());
            assert_eq!(mended.rules.len(), 1, "{text}:\n{}", rendered(&mended));
            let same = mended.problems.iter().any(|left| {
                left.diagnostic.code == problem.diagnostic.code
                    && left.diagnostic.primary() == problem.diagnostic.primary()
            });
            assert!(!same, "{text}:\n{}", rendered(&mended));
        }
    }
}

#[test]
fn a_comment_in_the_query_silences_a_warning_by_its_name() {
    let loud = "sequence [any where process.name == \"a\"] [any where process.name == \"b\"]";
    let load = |text: &str| load_text("query.eql", text.to_owned(), &Schema::new());
    assert_eq!(load(loud).problems.len(), 1);
    for comment in
        ["// catena: allow no-maxspan\n", "/* catena: allow pid-key, no-maxspan: why */ "]
    {
        let silent = load(&format!("{comment}{loud}"));
        assert!(silent.problems.is_empty(), "{}", rendered(&silent));
    }
}

#[test]
fn the_rules_that_come_with_the_program_are_clean() {
    let loaded = catena::rule::builtin();
    assert!(loaded.problems.is_empty(), "{}", rendered(&loaded));
    assert!(!loaded.rules.is_empty());
}

/// Conditions that contain each other many times over must not be compared for ever.
#[test]
fn comparing_conditions_has_a_bound() {
    let names: Vec<String> = (0..2_000).map(|n| format!("\"n{n}*x\"")).collect();
    let list = names.join(", ");
    let mut text = "sequence by host.id with maxspan=1m".to_owned();
    for n in 0..4 {
        text.push_str(&format!(
            "\n[process where process.args like ({list}) and process.pid == {n}]"
        ));
    }
    let started = std::time::Instant::now();
    let loaded = load_text("query.eql", text, &Schema::new());
    assert_eq!(loaded.rules.len(), 1, "{}", rendered(&loaded));
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}
