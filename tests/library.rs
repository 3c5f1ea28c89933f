//! The rules that come with the program, as a whole: each says what it must, is proven by cases, stands in the
//! table of `rules/README.md`, and finds what the captures say it must find, and nothing else in them.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Path below `rules/` and content of every rule.
fn rules() -> Vec<(String, toml::Table)> {
    let folder = root().join("rules");
    files(&folder, ".toml")
        .into_iter()
        .filter(|path| !path.to_str().unwrap().ends_with(".test.toml"))
        .map(|path| {
            let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap().parse().unwrap())
        })
        .collect()
}

fn strings(value: Option<&toml::Value>) -> Vec<&str> {
    let list = value.and_then(toml::Value::as_array);
    list.into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

#[test]
fn every_rule_says_what_it_must() {
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, file) in rules() {
        let rule = file["rule"].as_table().unwrap();
        let text = |key: &str| rule.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        assert!(ids.insert(text("rule_id").to_owned()), "{path}: its id is another rule's");
        assert!(names.insert(text("name").to_owned()), "{path}: its name is another rule's");
        for key in ["rule_id", "name", "note", "setup", "license", "query"] {
            assert!(!text(key).trim().is_empty(), "{path}: no {key}");
        }
        assert!(text("description").len() > 150, "{path}: says too little about itself");
        let risk = match text("severity") {
            "low" => 21,
            "medium" => 47,
            "high" => 73,
            "critical" => 99,
            other => panic!("{path}: severity {other:?}"),
        };
        assert_eq!(rule["risk_score"].as_integer(), Some(risk), "{path}: risk and severity differ");
        for key in ["author", "tags", "references", "false_positives"] {
            assert!(!strings(rule.get(key)).is_empty(), "{path}: no {key}");
        }
        let threats = rule["threat"].as_array().unwrap();
        assert!(!threats.is_empty(), "{path}: no tactic");
        for threat in threats {
            let tactic = threat["tactic"].as_table().unwrap();
            assert!(tactic["id"].as_str().unwrap().starts_with("TA"), "{path}");
            let tag = format!("Tactic: {}", tactic["name"].as_str().unwrap());
            assert!(strings(rule.get("tags")).contains(&tag.as_str()), "{path}: no tag `{tag}`");
            for technique in threat["technique"].as_array().unwrap() {
                assert!(technique["id"].as_str().unwrap().starts_with('T'), "{path}");
            }
        }
    }
}

#[test]
fn every_rule_is_proven_by_a_case_on_which_it_fires_and_by_a_near_miss() {
    for (path, _) in rules() {
        let stem = path.strip_suffix(".toml").unwrap();
        let cases = root().join("rules").join(format!("{stem}.test.toml"));
        let text = fs::read_to_string(cases).unwrap_or_else(|_| panic!("{path} has no cases"));
        let table: toml::Table = text.parse().unwrap();
        let (mut fires, mut silent) = (0, 0);
        for case in table["case"].as_array().unwrap() {
            if case.get("alerts").and_then(toml::Value::as_integer) == Some(0) {
                silent += 1;
                continue;
            }
            let name = case["name"].as_str().unwrap();
            let snapshot = root().join("rules").join(format!("{stem}.cases/{name}.snap"));
            let snapshot = fs::read_to_string(snapshot).unwrap_or_default();
            assert!(!snapshot.starts_with("no alert"), "{path}: {name} is to fire and does not");
            if strings(case.get("faults")) == ["shuffle", "duplicate", "restart"] {
                fires += 1;
            }
        }
        assert!(fires > 0, "{path}: no case on which it fires, under all faults");
        assert!(silent > 0, "{path}: no near miss");
    }
}

/// A row a rule, by tactic and name of the file.
fn table() -> String {
    let mut rows = String::from(
        "| Rule | What it finds | Tactic of ATT&CK | Technique | Severity |\n| --- | --- | --- | --- | --- |\n",
    );
    for (path, file) in rules() {
        let rule = file["rule"].as_table().unwrap();
        let stem = Path::new(&path).file_stem().unwrap().to_str().unwrap();
        let mut tactics = Vec::new();
        let mut techniques: Vec<&str> = Vec::new();
        for threat in rule["threat"].as_array().unwrap() {
            tactics.push(threat["tactic"]["name"].as_str().unwrap());
            for technique in threat["technique"].as_array().unwrap() {
                let below = technique.get("subtechnique").and_then(toml::Value::as_array);
                let ids: Vec<&str> =
                    below.into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
                match ids.is_empty() {
                    true => techniques.push(technique["id"].as_str().unwrap()),
                    false => techniques.extend(ids),
                }
            }
        }
        let mut seen = BTreeSet::new();
        techniques.retain(|id| seen.insert(*id));
        let name = rule["name"].as_str().unwrap();
        let severity = rule["severity"].as_str().unwrap();
        let (tactics, techniques) = (tactics.join(", "), techniques.join(", "));
        rows +=
            &format!("| [`{stem}`]({path}) | {name} | {tactics} | {techniques} | {severity} |\n");
    }
    rows
}

/// `INSTA_UPDATE=always cargo test --test library` writes it, as for snapshots.
#[test]
fn the_table_of_rules_is_complete() {
    let path = root().join("rules/README.md");
    let page = fs::read_to_string(&path).unwrap();
    let begin = page.find("| Rule |").unwrap();
    let end = page[begin..].find("\n\n").map_or(page.len(), |at| begin + at + 1);
    if std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always") {
        fs::write(&path, format!("{}{}{}", &page[..begin], table(), &page[end..])).unwrap();
        return;
    }
    assert!(
        page[begin..end] == table(),
        "rules/README.md is not what the rules say; INSTA_UPDATE=always"
    );
}

/// Scenarios with what must find them, and the rules that did.
#[test]
fn the_captures_are_found_by_the_rules_that_they_name_and_by_no_other() {
    let mut scenarios = 0;
    for truth in files(&root().join("corpus/auditd"), ".truth.json") {
        let told: Value = serde_json::from_str(&fs::read_to_string(&truth).unwrap()).unwrap();
        let list = told["scenarios"].as_array();
        if list.is_none_or(|list| list.first().is_none_or(|one| one["expected"].is_null())) {
            // Older captures are told about otherwise, and tested in `replay.rs`.
            continue;
        }
        let log = truth.with_file_name(told["log"].as_str().unwrap());
        let mut command = Command::cargo_bin("catena").unwrap();
        let run = command.args(["replay", "--format", "ndjson"]).arg(&log).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let mut found: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
        for line in String::from_utf8(run.stdout).unwrap().lines() {
            let alert: Value = serde_json::from_str(line).unwrap();
            let events = alert["catena"]["events"].as_array().unwrap();
            let serial = events.iter().filter_map(|one| one["event"]["event"]["sequence"].as_u64());
            let file = Path::new(alert["catena"]["rule_file"].as_str().unwrap());
            let rule = file.file_stem().unwrap().to_str().unwrap().to_owned();
            found.entry(serial.max().unwrap()).or_default().insert(rule);
        }
        for one in list.unwrap() {
            let (first, last) = (&one["first_serial"], &one["last_serial"]);
            let range = first.as_u64().unwrap()..=last.as_u64().unwrap();
            let by: BTreeSet<&str> =
                found.range(range).flat_map(|(_, rules)| rules).map(String::as_str).collect();
            let expected = one["expected"].as_array().unwrap();
            let expected: BTreeSet<&str> = expected.iter().filter_map(Value::as_str).collect();
            assert_eq!(by, expected, "{} in {}", one["name"], log.display());
            scenarios += 1;
        }
    }
    assert!(scenarios > 50, "{scenarios} scenarios");
}
