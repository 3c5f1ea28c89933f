//! `catena check`: what it prints in every format, and its exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use std::fs;

use assert_cmd::Command;
use serde_json::Value as Json;

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

fn check(arguments: &[&str]) -> Run {
    let output = Command::cargo_bin("catena").unwrap().arg("check").args(arguments).output();
    let output = output.unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

const BAD: &str = "corpus/rules/bad";
const GOOD: &str = "corpus/rules/good";
const WARNED: &str = "corpus/rules/bad/warned.toml";

#[test]
fn all_problems_of_all_files_with_the_lines_they_are_on() {
    let run = check(&[BAD]);
    insta::assert_snapshot!(run.stdout);
    assert_eq!(
        run.stderr,
        "catena: 6 rules: 1 loaded, 0 disabled, 5 rejected; 8 errors, 7 warnings\n"
    );
    assert_eq!(run.code, 2);
}

#[test]
fn a_list_tells_what_became_of_every_rule() {
    let run = check(&["--list", GOOD, WARNED]);
    let list: Vec<&str> = run
        .stdout
        .lines()
        .filter(|l| l.starts_with("loaded") || l.starts_with("disabled"))
        .collect();
    insta::assert_snapshot!(list.join("\n"));
}

#[test]
fn rules_without_problems_print_nothing() {
    let run = check(&[GOOD]);
    assert_eq!((run.stdout.as_str(), run.code), ("", 0));
    assert_eq!(
        run.stderr,
        "catena: 2 rules: 1 loaded, 1 disabled, 0 rejected; 0 errors, 0 warnings\n"
    );
    let run = check(&["--quiet", GOOD]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str(), run.code), ("", "", 0));
}

#[test]
fn without_a_path_the_rules_of_the_program_are_checked_and_clean() {
    let run = check(&["--strict"]);
    assert_eq!((run.stdout.as_str(), run.code), ("", 0));
    assert!(run.stderr.ends_with("rejected; 0 errors, 0 warnings\n"), "{}", run.stderr);
}

#[test]
fn warnings_fail_only_when_asked() {
    assert_eq!(check(&[WARNED]).code, 0);
    assert_eq!(check(&["--strict", WARNED]).code, 2);
}

#[test]
fn json_has_problems_rules_and_counts() {
    let run = check(&["--format", "json", BAD]);
    assert_eq!(run.code, 2);
    let json: Json = serde_json::from_str(&run.stdout).unwrap();
    insta::assert_json_snapshot!(json);
}

#[test]
fn github_has_a_command_a_problem() {
    let run = check(&["--format", "github", BAD]);
    insta::assert_snapshot!(run.stdout);
    assert_eq!(run.code, 2);
}

#[test]
fn sarif_names_rules_and_regions() {
    let run = check(&["--format", "sarif", BAD]);
    assert_eq!(run.code, 2);
    let mut json: Json = serde_json::from_str(&run.stdout).unwrap();
    let rules = json["runs"][0]["tool"]["driver"]["rules"].take();
    for result in json["runs"][0]["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    json["runs"][0]["tool"]["driver"]["version"] = "VERSION".into();
    insta::assert_json_snapshot!(json);
}

#[test]
fn a_page_is_printed_by_its_code_or_name() {
    let run = check(&["--explain", "E0202"]);
    insta::assert_snapshot!(run.stdout);
    assert_eq!((run.stderr.as_str(), run.code), ("", 0));
    assert_eq!(check(&["--explain", "e0202"]).stdout, run.stdout);
    assert!(check(&["--explain", "no-maxspan"]).stdout.starts_with("# no-maxspan: "));
    let run = check(&["--explain", "no-maxpsan"]);
    assert_eq!(run.code, 3);
    assert_eq!(
        run.stderr,
        "catena: error: no code or warning has the name `no-maxpsan`, did you mean `no-maxspan`?\n"
    );
}

#[test]
fn fields_that_were_declared_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a.eql"), "any where dns.question.name : \"a*\" and acme.owner == \"b\"")
        .unwrap();
    fs::write(path("types.json"), r#"{"dns.question.name": "keyword", "acme.owner": "keyword"}"#)
        .unwrap();
    assert!(check(&[&path("a.eql")]).stdout.contains("unknown field `acme.owner`"));
    let run = check(&["--types", &path("types.json"), &path("a.eql")]);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_path_that_does_not_exist_is_an_error() {
    let run = check(&["corpus/rules/none"]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("cannot read rule file"), "{}", run.stdout);
}

#[test]
fn text_is_coloured_when_asked_and_obeys_nothing_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\u{1b}[2J.toml");
    fs::write(&path, "[rule]\nname = \"\\u001b[2J\"\nseverity = 'x\u{202e}y'\nquery = 'a\u{7f}'\n")
        .unwrap();
    let path = path.to_str().unwrap();
    for format in ["text", "json", "github", "sarif"] {
        let run = check(&["--list", "--format", format, path]);
        assert!(!run.stdout.contains('\u{1b}'), "{format}: {}", run.stdout);
    }
    let run = check(&["--color", "always", path]);
    assert!(run.stdout.contains("\u{1b}["), "{}", run.stdout);
    assert!(!run.stdout.contains("\u{1b}[2J"), "{}", run.stdout);
}

#[test]
fn a_run_shows_what_is_refused_and_counts_the_warnings() {
    let log = "corpus/auditd/attacks.log.gz";
    let replay = |rules: &str| {
        let mut command = Command::cargo_bin("catena").unwrap();
        let output =
            command.args(["replay", "--format", "none", "-r", rules, log]).output().unwrap();
        (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
    };
    let (stderr, code) = replay(WARNED);
    assert!(stderr.starts_with("catena: 4 warnings about rules, see `catena check`\n"), "{stderr}");
    assert_eq!(code, 0);
    let (stderr, code) = replay(BAD);
    assert_eq!(stderr.matches("\nerror[").count() + 1, 8, "{stderr}");
    assert!(!stderr.contains("warning["), "{stderr}");
    assert_eq!(code, 2, "the one good rule still runs");
    let (stderr, _) = replay(GOOD);
    assert!(!stderr.contains("about rules"), "{stderr}");
}
