//! Rule files: what becomes of every rule, whatever a file holds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

use std::fs;
use std::path::PathBuf;

use catena::check::ir;
use catena::diagnostic::Code;
use catena::rule::{Format, Loaded, Outcome, Rule, Severity, Status, load_paths, load_text};
use catena::schema::Schema;
use catena::time::Duration;

/// The least that a rule has, with `more` in its `[rule]` table.
fn with(more: &str) -> String {
    format!(
        "[rule]\nrule_id = \"a1\"\nname = \"A shell\"\nseverity = \"low\"\n{more}\n\
         query = '''process where process.name == \"sh\"'''\n"
    )
}

fn load(text: &str) -> Loaded {
    load_text("rule.toml", text.to_owned(), &Schema::new())
}

fn said(loaded: &Loaded) -> String {
    let said: Vec<String> = loaded.problems.iter().map(|problem| problem.render(false)).collect();
    said.join("\n\n")
}

fn one(text: &str) -> Rule {
    let mut loaded = load(text);
    assert_eq!(loaded.rules.len(), 1, "{}", said(&loaded));
    loaded.rules.remove(0)
}

fn codes(loaded: &Loaded) -> Vec<Code> {
    loaded.problems.iter().map(|problem| problem.diagnostic.code).collect()
}

fn outcomes(loaded: &Loaded) -> Vec<(Option<&str>, usize, &Outcome)> {
    let entries = loaded.entries.iter();
    entries.map(|entry| (entry.id.as_deref(), entry.line, &entry.outcome)).collect()
}

const LOADED: Outcome = Outcome::Loaded { warnings: 0 };

fn disabled(loaded: &Loaded) -> &str {
    assert!(loaded.rules.is_empty());
    assert!(!loaded.has_errors(), "no mistake: {}", said(loaded));
    match &loaded.entries[0].outcome {
        Outcome::Disabled(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_a_rule_says_about_itself_is_kept() {
    let rule = one(r#"
[metadata]
creation_date = "2026/01/02"
maturity = "development"
integration = ["auditd_manager"]

[transform]
investigate = [{ label = "x" }]

[rule]
rule_id = "a1"
name = "A shell"
description = """
 What it finds.
"""
severity = "high"
risk_score = 80
author = "One Author"
license = "MIT"
tags = ["OS: Linux", "T"]
references = ["https://example.com/"]
false_positives = ["an administrator"]
note = "Triage"
setup = "Needs execve."
type = "eql"
language = "eql"
index = ["logs-auditd_manager.auditd-*"]
from = "now-9m"
building_block_type = "default"
timestamp_override = "event.ingested"
interval = "5m"
house_rule = { owner = "blue", level = 3 }
query = 'process where process.name == "sh"'

[rule.investigation_fields]
field_names = ["process.args", "user.id"]

[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
id = "TA0002"
name = "Execution"
reference = "https://example.com/TA0002"
[[rule.threat.technique]]
id = "T1059"
name = "Command and Scripting Interpreter"
reference = "https://example.com/T1059"
[[rule.threat.technique.subtechnique]]
id = "T1059.004"
name = "Unix Shell"
reference = "https://example.com/T1059.004"

[[rule.threat_mappings]]
framework = "MITRE ATT&CK"
version = 19
[[rule.threat_mappings.threat]]
framework = "MITRE ATT&CK"
tactic = { id = "TA0104", name = "Execution", reference = "" }
"#);
    assert_eq!((rule.id.as_str(), rule.name.as_str()), ("a1", "A shell"));
    assert_eq!(rule.description, "What it finds.");
    assert_eq!((rule.severity, rule.risk_score), (Severity::High, 80));
    assert_eq!(rule.author, ["One Author"], "a text is a list of one");
    assert_eq!(rule.license, "MIT");
    assert_eq!(rule.tags, ["OS: Linux", "T"]);
    assert_eq!(rule.references, ["https://example.com/"]);
    assert_eq!(rule.false_positives, ["an administrator"]);
    assert_eq!((rule.note.as_str(), rule.setup.as_str()), ("Triage", "Needs execve."));
    assert!(rule.building_block);
    assert_eq!(rule.status, Status::Experimental, "not in production");
    assert_eq!(rule.index, ["logs-auditd_manager.auditd-*"]);
    assert_eq!(rule.overrides.timestamp.as_deref(), Some("event.ingested"));
    assert_eq!(rule.investigation_fields, ["process.args", "user.id"]);
    assert_eq!(rule.options.window, Some(Duration::from_secs(540)), "`from` is the window");
    let technique = &rule.threat[0].techniques[0];
    assert_eq!((rule.threat[0].tactic.id.as_str(), technique.id.as_str()), ("TA0002", "T1059"));
    assert_eq!(technique.subtechniques[0].id, "T1059.004");
    assert_eq!(rule.threat_versions[0].version, "19");
    assert_eq!(rule.threat_versions[0].threat[0].tactic.id, "TA0104");
    let extra: Vec<&str> = rule.extra.keys().map(String::as_str).collect();
    assert_eq!(
        extra,
        ["house_rule", "interval", "metadata.creation_date", "metadata.integration"],
        "what nobody asked for"
    );
    assert_eq!(rule.extra["house_rule"], serde_json::json!({ "level": 3, "owner": "blue" }));
    assert_eq!((rule.origin.format, rule.origin.line), (Format::Toml, 10));
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let loaded = load(
        "[catena]\nwindow = 'soon'\nwindwo = '1m'\n\n[rule]\nname = 5\nseverity = 'bad'\n\
         risk_score = 101\ntags = [1]\nquery = 'process where process.nmae = 1'\n",
    );
    assert!(loaded.rules.is_empty());
    insta::assert_snapshot!(said(&loaded));
}

#[test]
fn a_query_with_escapes_is_underlined_where_it_was_written() {
    let loaded = load(
        "[rule]\nrule_id = \"a1\"\nname = \"n\"\nseverity = \"low\"\n\
         query = \"\"\"\nprocess where \\\n   process.name == \\\"sh\\\" and\n  \\\"x\\\" = process.name\"\"\"\n",
    );
    insta::assert_snapshot!(said(&loaded));
    assert_eq!(loaded.problems[0].location().start, Some((8, 9)));
}

#[test]
fn rules_that_do_not_run_here_are_disabled_with_the_reason() {
    for (more, reason) in [
        ("type = 'query'\nlanguage = 'kuery'", "its query is written in kuery, only eql runs here"),
        (
            "type = 'query'\nlanguage = 'lucene'",
            "its query is written in lucene, only eql runs here",
        ),
        ("type = 'esql'\nlanguage = 'esql'", "esql needs the Elastic stack"),
        ("type = 'machine_learning'", "machine learning needs the Elastic stack"),
        ("type = 'new_terms'", "type new_terms needs a history of what was seen before"),
        ("type = 'saved_query'", "its query is stored in Kibana, not in the file"),
        ("type = 'threat_match'", "type threat_match needs lists of indicators"),
        ("type = 'threshold'", "type threshold counts events, which is not done here"),
        ("enabled = false", "it says `enabled = false`"),
        ("index = ['.alerts-security.*']", "it reads the alerts of other rules"),
    ] {
        assert_eq!(disabled(&load(&with(more))), reason, "{more}");
    }
    let deprecated = format!("[metadata]\nmaturity = 'deprecated'\n{}", with(""));
    assert_eq!(disabled(&load(&deprecated)), "it is deprecated");
    // What such a rule is written in is not looked at.
    let other = "[rule]\nrule_id = 'a'\nname = 'n'\ntype = 'machine_learning'\nseverity = 'low'\n";
    disabled(&load(other));
}

#[test]
fn a_type_or_language_that_does_not_exist_is_refused() {
    for more in ["type = 'sigma'", "type = 'eqll'", "language = 'sql'", "language = 'kuery'"] {
        let loaded = load(&with(more));
        assert_eq!(codes(&loaded), [Code::RuleKey], "{more}");
        assert_eq!(outcomes(&loaded), [(Some("a1"), 1, &Outcome::Rejected)]);
    }
}

#[test]
fn what_is_not_applied_is_said() {
    for more in [
        "max_signals = 10",
        "alert_suppression = { group_by = ['host.id'] }",
        "timestamp_field = 'event.ingested'",
        "tiebreaker_field = 'event.sequence'",
        "exceptions_list = [{ list_id = 'l', id = 'x', type = 'detection' }]",
        "severity_mapping = [{ field = 'a', operator = 'equals', value = 'b', severity = 'high' }]",
        "risk_score_mapping = [{ field = 'a', operator = 'equals', value = '' }]",
        "rule_name_override = 'message'",
        "from = 'yesterday'",
    ] {
        let loaded = load(&with(more));
        assert_eq!(codes(&loaded), [Code::NotApplied], "{more}: {}", said(&loaded));
        assert_eq!(outcomes(&loaded), [(Some("a1"), 1, &Outcome::Loaded { warnings: 1 })]);
    }
    for more in ["timestamp_field = '@timestamp'", "exceptions_list = []", "severity_mapping = []"]
    {
        let loaded = load(&with(more));
        assert_eq!(codes(&loaded), [], "{more}: {}", said(&loaded));
    }
}

#[test]
fn the_window_is_that_of_the_table_else_of_from_else_six_minutes() {
    let window = |text: &str| one(text).options.window.unwrap().to_string();
    assert_eq!(window(&with("")), "6m");
    assert_eq!(window(&with("from = 'now-119m'")), "119m");
    assert_eq!(window(&with("from = 'now-1d/d'")), "1d");
    assert_eq!(window(&with("from = 'now-2w'")), "14d");
    assert_eq!(window(&with("from = 'now-1M/d'")), "31d");
    assert_eq!(window(&with("from = 'now-1y'")), "366d");
    assert_eq!(window(&with("from = 'now-3H'")), "3h");
    assert_eq!(window(&format!("[catena]\nwindow = '30s'\n{}", with("from = 'now-9m'"))), "30s");
}

#[test]
fn a_rule_silences_warnings_by_name() {
    let text = |lints: &str| {
        format!(
            "[catena]\n{lints}\n[rule]\nrule_id = 'a'\nname = 'n'\nseverity = 'low'\nmax_signals = 5\n\
             query = 'process where process.nmae == \"sh\"'\n"
        )
    };
    assert_eq!(codes(&load(&text(""))), [Code::NotApplied, Code::UnknownField]);
    let allowed = text("lints = { allow = ['unknown-field', 'not-applied'] }");
    assert_eq!(codes(&load(&allowed)), []);
    assert_eq!(codes(&load(&text("lints.allow = 'not-applied'"))), [Code::UnknownField]);
    let unknown = load(&text("lints.allow = ['not-applied', 'unknown-fields', 'E0101']"));
    assert_eq!(codes(&unknown), [Code::UnknownLint, Code::UnknownLint, Code::UnknownField]);
    assert!(load(&text("lints.alow = []")).has_errors());
}

#[test]
fn the_category_may_be_another_field() {
    let rule = one(&with("event_category_override = 'event.type'"));
    let ir::QueryKind::Event(filter) = &rule.query.kind else { panic!() };
    let ir::Cond::And(parts) = &filter.condition else { panic!("{:?}", filter.condition) };
    let ir::Cond::Leaf(ir::Leaf::Test(field, _)) = &parts[0] else { panic!("{:?}", parts[0]) };
    assert_eq!(&*field.name, "event.type");
}

/// The condition of an event query as if it had been written with `text` behind its own.
fn as_written(text: &str) -> ir::Cond {
    let text = format!("process where process.name == \"sh\" and {text}");
    let loaded = load_text("query.eql", text, &Schema::new());
    let ir::QueryKind::Event(filter) = &loaded.rules[0].query.kind else { panic!() };
    filter.condition.clone()
}

fn filtered(filters: &str) -> ir::Cond {
    let rule = one(&format!("{}{filters}", with("")));
    let ir::QueryKind::Event(filter) = &rule.query.kind else { panic!() };
    filter.condition.clone()
}

#[test]
fn filters_of_kibana_hold_for_every_event() {
    for (filter, means) in [
        ("query.match_phrase.'user.id' = '33'", "user.id == \"33\""),
        ("query.match_phrase.'user.id' = { query = '33' }", "user.id == \"33\""),
        ("query.match.'user.id' = { query = '33', type = 'phrase' }", "user.id == \"33\""),
        ("query.term.'user.id'.value = '33'", "user.id == \"33\""),
        (
            "query.term.'user.name' = { value = 'Bob', case_insensitive = true }",
            "user.name like~ \"Bob\"",
        ),
        ("query.terms.'user.id' = ['33', '34']", "user.id in (\"33\", \"34\")"),
        ("query.exists.field = 'user.id'", "user.id != null"),
        ("query.exists.field = 'user.id'\nmeta.negate = true", "not user.id != null"),
        (
            "query.range.'process.pid' = { gte = 5, lt = 10 }",
            "process.pid >= 5 and process.pid < 10",
        ),
        (
            "query.wildcard.'file.path' = { value = '/tmp/?\\\\x*', case_insensitive = true }",
            "file.path like~ \"\"\"/tmp/?\\x*\"\"\"",
        ),
        (
            "query.bool.should = [{ match_phrase = { 'user.id' = '1' } }, { term = { 'user.id' = '2' } }]\n\
             query.bool.minimum_should_match = 1",
            "(user.id == \"1\" or user.id == \"2\")",
        ),
        ("query.bool.must_not = { exists = { field = 'user.name' } }", "not user.name != null"),
        (
            "meta = { type = 'phrase', key = 'user.id', params = { query = '1' } }",
            "user.id == \"1\"",
        ),
        (
            "meta = { type = 'phrases', key = 'user.id', params = ['1', '2'] }",
            "user.id in (\"1\", \"2\")",
        ),
        ("meta = { type = 'exists', key = 'user.id' }", "user.id != null"),
        ("exists.field = 'user.id'\nmeta.negate = false", "user.id != null"),
    ] {
        let condition = filtered(&format!("\n[[rule.filters]]\n{filter}\n"));
        assert_eq!(condition, as_written(means), "{filter}");
    }
    assert_eq!(filtered("\n[[rule.filters]]\nmeta.disabled = true\n"), as_written("true"));
    let two =
        "\n[[rule.filters]]\nexists.field = 'user.id'\n[[rule.filters]]\nexists.field = 'tags'\n";
    assert_eq!(filtered(two), as_written("user.id != null and tags != null"));
}

#[test]
fn a_filter_that_is_not_understood_refuses_the_rule() {
    for filter in [
        "query.script.source = 'x'",
        "query.match.'user.id' = { query = 'a b' }",
        "query.prefix.'user.name' = 'a'",
        "query.bool.should = []\nquery.bool.minimum_should_match = 2",
        "query.bool.boost = 1",
        "query.wildcard.'user.name' = 'a\\*b'",
        "query.range.'process.pid' = { near = 5 }",
        "query.range.'process.pid' = { gte = 'many' }",
        "query.range.'@timestamp' = { gte = 'now-1d' }",
        "query.exists = 5",
        "meta.type = 'spatial_filter'\nmeta.key = 'x'",
        "meta.alias = 'nothing to go by'",
        "query.match_phrase.'user.id' = []",
    ] {
        let loaded = load(&format!("{}\n[[rule.filters]]\n{filter}\n", with("")));
        assert_eq!(codes(&loaded), [Code::RuleFilter], "{filter}: {}", said(&loaded));
        assert!(loaded.rules.is_empty());
    }
    assert_eq!(codes(&load(&with("filters = 'x'"))), [Code::RuleFilter]);
}

#[test]
fn filters_reach_every_stage() {
    let text = "[rule]\nrule_id = 'a'\nname = 'n'\nseverity = 'low'\nquery = '''\n\
        sequence with maxspan=1m [any where process.name == \"a\"] ![any where process.name == \"b\"]\n\
        [any where process.name == \"c\"] until [any where process.name == \"d\"]'''\n\
        [[rule.filters]]\nexists.field = 'user.id'\n";
    let rule = one(text);
    let ir::QueryKind::Sequence(sequence) = &rule.query.kind else { panic!() };
    let until = sequence.until.as_deref().unwrap();
    for item in sequence.items.iter().chain([until]) {
        let ir::Cond::And(parts) = &item.filter.condition else { panic!() };
        assert_eq!(parts.len(), 2, "{:?}", item.filter.condition);
    }
}

fn export(lines: &[serde_json::Value]) -> Loaded {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    load_text("export.ndjson", lines.join("\n"), &Schema::new())
}

fn exported(id: &str, query: &str) -> serde_json::Value {
    serde_json::json!({
        "id": "0000", "rule_id": id, "name": format!("Rule {id}"), "type": "eql", "language": "eql",
        "severity": "medium", "risk_score": 47.0, "enabled": true, "query": query, "from": "now-9m",
        "immutable": false, "license": null, "exceptions_list": [], "threat": [],
    })
}

#[test]
fn an_export_of_kibana_is_a_rule_a_line() {
    let mut off = exported("a2", "any where true");
    off["enabled"] = false.into();
    let loaded = export(&[
        exported("a1", "process where process.name == \"sh\""),
        off,
        exported("a3", "process where\n  process.name = \"sh\""),
        serde_json::json!({ "type": "security-rule", "id": "a4_1",
            "attributes": exported("a4", "process where process.name == \"sh\"") }),
        serde_json::json!({ "exported_count": 3, "missing_rules": [] }),
    ]);
    let ids: Vec<&str> = loaded.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["a1", "a4"]);
    assert_eq!(
        outcomes(&loaded),
        [
            (Some("a1"), 1, &LOADED),
            (Some("a2"), 2, &Outcome::Disabled("it says `enabled = false`".into())),
            (Some("a3"), 3, &Outcome::Rejected),
            (Some("a4"), 4, &LOADED),
        ]
    );
    assert_eq!(loaded.rules[0].risk_score, 47);
    assert_eq!(loaded.rules[0].origin.format, Format::Ndjson);
    insta::assert_snapshot!(said(&loaded));
    assert_eq!(loaded.problems[0].location().start, Some((3, 1)));
}

#[test]
fn a_bad_line_of_an_export_does_not_stop_the_others() {
    let good = exported("a1", "process where process.name == \"sh\"");
    let text = format!("{{\"rule_id\": \n\n[1]\n5\n{{}}\n{good}\r\n");
    let loaded = load_text("export.ndjson", text, &Schema::new());
    assert_eq!(loaded.rules.len(), 1);
    let lines: Vec<usize> = loaded.entries.iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6]);
}

#[test]
fn exceptions_in_the_export_leave_events_out() {
    let entry = |field: &str, kind: &str, value: serde_json::Value| serde_json::json!({ "field": field, "operator": "included", "type": kind, "value": value });
    let item = |entries: &[serde_json::Value]| serde_json::json!({ "list_id": "l1", "item_id": "i", "name": "ours", "entries": entries });
    let mut rule = exported("a1", "process where process.name == \"sh\"");
    rule["exceptions_list"] =
        serde_json::json!([{ "id": "x", "list_id": "l1", "type": "detection" }]);
    let list = serde_json::json!({ "list_id": "l1", "name": "our list", "type": "detection" });
    let loaded = export(&[
        rule.clone(),
        list.clone(),
        item(&[
            entry("user.id", "match", "0".into()),
            entry("tags", "match_any", ["a", "b"].as_slice().into()),
        ]),
        item(&[entry("file.path", "wildcard", "/opt/*".into())]),
    ]);
    assert!(loaded.problems.is_empty(), "{}", said(&loaded));
    let ir::QueryKind::Event(filter) = &loaded.rules[0].query.kind else { panic!() };
    let means =
        "not (user.id == \"0\" and tags in (\"a\", \"b\")) and not file.path like \"/opt/*\"";
    assert_eq!(filter.condition, as_written(means));

    // What cannot be applied is said; the rule runs without it.
    let mut ended = item(&[entry("user.id", "match", "0".into())]);
    ended["expire_time"] = "2026-01-01T00:00:00Z".into();
    let nested = item(&[entry("x", "nested", 1.into())]);
    let loaded = export(&[rule, list, ended, nested]);
    assert_eq!(codes(&loaded), [Code::NotApplied, Code::NotApplied]);
    assert_eq!(loaded.rules.len(), 1);
}

#[test]
fn the_second_rule_of_an_id_is_refused_and_the_first_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), with("")).unwrap();
    fs::write(folder.path().join("b.toml"), with("tags = ['copy']")).unwrap();
    let loaded = load_paths(&[folder.path().to_owned()], &Schema::new());
    assert_eq!(loaded.rules.len(), 1);
    assert!(loaded.rules[0].tags.is_empty(), "the first stays");
    assert_eq!(codes(&loaded), [Code::DuplicateRule]);
    assert_eq!(outcomes(&loaded), [(Some("a1"), 1, &LOADED), (Some("a1"), 1, &Outcome::Rejected)]);
    assert_eq!(loaded.problems[0].location().start, Some((2, 11)));
    let help = &loaded.problems[0].diagnostic.help[0];
    assert!(help.ends_with("a.toml:1"), "{help}");
}

#[test]
fn a_folder_is_read_in_order_of_its_paths_however_many_threads_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for n in 0..200 {
        let inner = folder.path().join(format!("{}", n % 7));
        fs::create_dir_all(&inner).unwrap();
        let text = with("").replace("\"a1\"", &format!("\"r{n:03}\""));
        // Some end in errors, some are no rules.
        let text = if n % 10 == 0 { text.replace("==", "=") } else { text };
        fs::write(inner.join(format!("{n:03}.toml")), text).unwrap();
        expected.push((n % 7, n));
    }
    fs::write(folder.path().join("readme.txt"), "no rule").unwrap();
    expected.sort_unstable();
    let loaded = load_paths(&[folder.path().to_owned()], &Schema::new());
    let ids: Vec<&str> = loaded.entries.iter().map(|e| e.id.as_deref().unwrap()).collect();
    let expected: Vec<String> = expected.iter().map(|(_, n)| format!("r{n:03}")).collect();
    assert_eq!(ids, expected);
    assert_eq!((loaded.rules.len(), loaded.problems.len()), (180, 20));
}

#[test]
fn what_cannot_be_read_is_a_problem_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.toml"), with("")).unwrap();
    fs::write(path("b.toml"), b"\xff\n").unwrap();
    fs::write(path("c.toml"), vec![b'#'; (4 << 20) + 1]).unwrap();
    std::os::unix::net::UnixListener::bind(path("d.toml")).unwrap();
    std::os::unix::fs::symlink(path("none"), path("e.toml")).unwrap();
    std::os::unix::fs::symlink(folder.path(), path("loop")).unwrap();
    let paths: Vec<PathBuf> = vec![folder.path().to_owned(), path("absent.toml")];
    let loaded = load_paths(&paths, &Schema::new());
    assert_eq!(loaded.rules.len(), 1);
    assert_eq!(codes(&loaded), [Code::RuleFile; 6], "{}", said(&loaded));
}

/// None of these may take long, panic or stop the others.
#[test]
fn hostile_files_end_as_problems() {
    let long = "a".repeat(3 << 20);
    let started = std::time::Instant::now();
    let deep = "[".repeat(200_000);
    let dotted = vec!["a"; 100_000].join(".");
    let many: String = (0..100_000).map(|n| format!("k{n} = {n}\n")).collect();
    let rows = "[[rule.threat]]\n".repeat(50_000);
    let brackets: String = (0..20_000).map(|n| format!("[t{n}]\nx = 1\n")).collect();
    let braces = "{\"a\":".repeat(100_000);
    for (name, text) in [
        ("empty", String::new()),
        ("nul", "\0".repeat(1000)),
        ("deep list", format!("a = {deep}")),
        ("deep table", format!("a = {}", "{a=".repeat(100_000))),
        ("dotted key", format!("{dotted} = 1")),
        ("dotted header", format!("[{dotted}]")),
        ("many keys", format!("[rule]\n{many}")),
        ("many tables", brackets),
        ("many threats", format!("[rule]\n{rows}")),
        ("long text", format!("[rule]\nquery = \"{long}")),
        ("long query", format!("[rule]\nrule_id='a'\nname='a'\nseverity='low'\nquery='{long}'")),
        ("long escapes", format!("[rule]\nquery = \"{}\"", "\\u0041".repeat(500_000))),
        ("table twice", "[rule]\n[rule]\n".repeat(10_000)),
        ("rule is text", "rule = 'x'\n".to_owned()),
        ("rules are a list", "[[rule]]\nname = 'x'\n".to_owned()),
        ("deep json", braces),
        ("lines of braces", "{}\n".repeat(20_000)),
        ("numbers", "[rule]\nrisk_score = 1e999\nmax_signals = 99999999999999999999\n".to_owned()),
        ("controls", "[rule]\nname = \"\\u0000\\u001b[2J\\u202e\"\n".to_owned()),
        ("line ends", "[rule]\rname = 'x'\r".to_owned()),
    ] {
        let loaded = load_text("hostile.toml", text, &Schema::new());
        assert!(loaded.rules.is_empty(), "{name}");
        assert!(loaded.has_errors(), "{name}");
        for problem in loaded.problems.iter().take(3) {
            let shown = problem.render(false);
            assert!(!shown.contains(['\0', '\u{1b}', '\u{202e}']), "{name}");
        }
    }
    assert!(started.elapsed().as_secs() < 60, "took {:?}", started.elapsed());
}

#[test]
fn a_rule_pasted_on_one_line_is_recognised() {
    let loaded = load("[rule] rule_id = \"a\" name = \"n\" query = \"any where true\"\n");
    insta::assert_snapshot!(said(&loaded));
}

#[test]
fn a_mark_before_the_first_character_is_no_mistake() {
    one(&format!("\u{feff}{}", with("")));
}
