//! The text of one file → its rules.
//!
//! In: name and text. Out: what came of every rule in it. A file ends as rules or as problems,
//! whatever it holds; a bad line of an export does not stop the others.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::data::{self, Data, Table};
use super::model::{Format, Frame, Origin, Overrides, Rule, RuleOptions, Severity, Status};
use super::options;
use super::outcome::{Entry, Loaded, Outcome, Problem};
use super::read::{Reading, Tables, checked};
use super::source::{Exception, SourceFile};
use crate::check;
use crate::check::lint::Lints;
use crate::diagnostic::Severity as Weight;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Schema;
use crate::span::{Position, position};

/// Loads one file's text: a bare query when `name` ends in `.eql`, Kibana's export when it begins
/// with a brace, TOML otherwise.
pub fn load_text(name: &str, text: String, schema: &Schema) -> Loaded {
    // Editors of some systems put a mark before the first character.
    let text: Arc<str> = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.into(),
        None => text.into(),
    };
    let is_query = Path::new(name).extension().is_some_and(|extension| extension == "eql");
    let format = match text.trim_start().starts_with('{') {
        _ if is_query => Format::Eql,
        true => Format::Ndjson,
        false => Format::Toml,
    };
    let mut file = SourceFile {
        name,
        text: &text,
        format,
        schema,
        lints: Lints::All,
        exceptions: HashMap::new(),
    };
    match format {
        Format::Eql => {
            let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy());
            let stem = stem.as_deref().unwrap_or("query");
            bare(&file, &format!("eql:{stem}"), stem)
        }
        Format::Toml => toml(&file),
        Format::Ndjson => ndjson(&mut file),
    }
}

/// A single query as a rule named after itself. Of the lints only those that point out likely slips
/// of the fingers are run: a hunt is no rule.
pub fn load_query(text: &str, schema: &Schema) -> Loaded {
    let text: Arc<str> = text.into();
    let file = SourceFile {
        name: "query",
        text: &text,
        format: Format::Eql,
        schema,
        lints: Lints::Slips,
        exceptions: HashMap::new(),
    };
    bare(&file, "query", "query")
}

fn bare(file: &SourceFile<'_>, id: &str, name: &str) -> Loaded {
    let category_field = file.schema.events().category.clone();
    let frame = Frame { category_field: category_field.clone(), limits: Vec::new() };
    let checked = checked(file.text, file, &check::Options { category_field });
    let mut problems = checked.problems;
    let here = checked.allowed.into_iter().map(|(name, span)| (name, Some(span)));
    let allowed = options::allowed(here, &mut problems);
    problems
        .retain(|problem| problem.severity == Weight::Error || !allowed.contains(&problem.code));
    let outcome = match &checked.query {
        Some(_) => Outcome::Loaded { warnings: problems.len() },
        None => Outcome::Rejected,
    };
    let severity = Severity::Medium;
    let origin = Origin {
        file: file.name.to_owned(),
        format: Format::Eql,
        line: 1,
        query_offset: Some(0),
        query_position: Some(Position { line: 1, column: 1 }),
    };
    let rule = checked.query.map(|query| Rule {
        id: id.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        severity,
        risk_score: severity.risk_score(),
        author: Vec::new(),
        license: String::new(),
        tags: Vec::new(),
        references: Vec::new(),
        false_positives: Vec::new(),
        note: String::new(),
        setup: String::new(),
        threat: Vec::new(),
        threat_versions: Vec::new(),
        building_block: false,
        status: Status::Stable,
        overrides: Overrides::default(),
        investigation_fields: Vec::new(),
        index: Vec::new(),
        extra: Default::default(),
        text: file.text.clone(),
        query,
        frame,
        options: RuleOptions::default(),
        origin,
    });
    let problems = problems
        .into_iter()
        .map(|problem| Problem { rule: Some(id.to_owned()), ..file.problem(problem, 1) });
    let entry = Entry {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        file: file.name.to_owned(),
        line: 1,
        outcome,
    };
    Loaded::one(rule, problems.collect(), entry)
}

fn toml(file: &SourceFile<'_>) -> Loaded {
    let mut document = match data::toml(file.text) {
        Ok(document) => document,
        Err(problems) => return file.rejected(problems, 1),
    };
    let Some(rule) = document.take_table("rule") else {
        return file.rejected(
            vec![
                Diagnostic::new(Code::RuleKey, "no `[rule]` table")
                    .help("a rule file has a `[rule]` table with `rule_id`, `name` and `query`"),
            ],
            1,
        );
    };
    let line = rule.span.map_or(1, |span| position(file.text, span.start).line);
    let metadata = document.take_table("metadata").unwrap_or_default();
    let catena = document.take_table("catena");
    Reading::read(file, line, Tables { rule, metadata, catena })
}

/// Kibana's export: a rule a line, exception items behind them, a summary at the end.
fn ndjson(file: &mut SourceFile<'_>) -> Loaded {
    let text = file.text.clone();
    let mut rules: Vec<(usize, Result<Table, Diagnostic>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Json>(line) {
            Ok(value) => match data::from_json(value).data {
                Data::Table(table) => {
                    rules.extend(sort(file, table).map(|table| (index + 1, Ok(table))));
                }
                other => {
                    let title = format!("expected a rule, found {}", other.article());
                    rules.push((index + 1, Err(Diagnostic::new(Code::RuleFile, title))));
                }
            },
            Err(error) => {
                // It counts lines from this one.
                let why = error.to_string();
                let why = why.split(" at line ").next().unwrap_or_default();
                let title = format!("the line is not JSON: {why} (column {})", error.column());
                rules.push((index + 1, Err(Diagnostic::new(Code::RuleFile, title))));
            }
        }
    }
    let mut loaded = Loaded::default();
    for (line, rule) in rules {
        loaded.merge(match rule {
            Ok(rule) => Reading::read(file, line, Tables { rule, ..Tables::default() }),
            Err(problem) => file.rejected(vec![problem], line),
        });
    }
    loaded
}

/// Puts an exception item with its list and gives back what is a rule.
fn sort(file: &mut SourceFile<'_>, mut table: Table) -> Option<Table> {
    if table.has("exported_count") || table.has("exported_rules_count") {
        return None;
    }
    // A rule as it stands in a package.
    if let (Some(Data::Text(kind)), true) = (table.get("type"), table.has("attributes")) {
        return if kind == "security-rule" { table.take_table("attributes") } else { None };
    }
    if let (Some(Data::Text(list)), false) = (table.get("list_id"), table.has("rule_id")) {
        let items = file.exceptions.entry(list.clone()).or_default();
        // Without entries it is the list itself.
        let expires = table.take("expire_time").is_some();
        if let Some(entries) = table.take("entries") {
            let name = match table.get("name") {
                Some(Data::Text(name)) => name.clone(),
                _ => String::new(),
            };
            items.push(Exception { name, entries: entries.data, expires });
        }
        return None;
    }
    Some(table)
}
