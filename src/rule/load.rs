//! Reads rule files: TOML as Elastic writes it, and bare `.eql` queries.
//!
//! Every file ends as rules or as problems, whatever it holds. Problems carry the text they point
//! into, so that they can be shown with the line underlined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::model::{Origin, Rule, RuleOptions, Severity, Tactic, Technique, Threat};
use crate::check;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::schema::Schema;
use crate::span::Span;
use crate::syntax;
use crate::time::Duration;

/// Largest rule file read, in bytes.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// What came of loading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Rules that can run, in order of their files.
    pub rules: Vec<Rule>,
    /// Everything worth a message: errors refuse a rule, warnings do not.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Whether some rule was refused.
    pub fn has_errors(&self) -> bool {
        let error = crate::diagnostic::Severity::Error;
        self.problems.iter().any(|problem| problem.diagnostic.severity == error)
    }

    /// Adds another batch; a rule whose id is taken is refused.
    pub fn merge(&mut self, other: Self) {
        self.problems.extend(other.problems);
        for rule in other.rules {
            if let Some(first) = self.rules.iter().find(|known| known.id == rule.id) {
                let title = format!("rule id `{}` is already taken", rule.id);
                let help = format!("the other rule is `{}` in {}", first.name, first.origin.file);
                self.problems.push(Problem {
                    file: rule.origin.file.clone(),
                    text: rule.text.clone(),
                    diagnostic: Diagnostic::new(Code::DuplicateRule, title).help(help),
                });
            } else {
                self.rules.push(rule);
            }
        }
    }
}

/// A message about a rule file.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

impl Problem {
    /// The text it points into.
    pub fn source(&self) -> Source<'_> {
        Source { name: &self.file, text: &self.text }
    }
}

/// Loads files and folders; in a folder every `.toml` and `.eql` file, in order of its path.
///
/// A path that cannot be read is a problem like any other.
pub fn load_paths(paths: &[PathBuf], schema: &Schema) -> Loaded {
    let mut loaded = Loaded::default();
    for path in paths {
        for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if entry.depth() == 0 || is_rule_file(entry.path()) => {
                    loaded.merge(load_file(entry.path(), schema));
                }
                Ok(_) => {}
                Err(error) => {
                    let file = error.path().unwrap_or(path).display().to_string();
                    loaded.problems.push(unreadable(file, &error.to_string()));
                }
            }
        }
    }
    loaded
}

fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml" || extension == "eql")
}

fn load_file(path: &Path, schema: &Schema) -> Loaded {
    let name = path.display().to_string();
    let refuse =
        |why: &str| Loaded { rules: Vec::new(), problems: vec![unreadable(name.clone(), why)] };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
            return refuse("larger than 4 MiB, which no rule file is");
        }
        Ok(_) => {}
        Err(error) => return refuse(&error.to_string()),
    }
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => load_text(&name, text, schema),
            Err(error) => {
                let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
                let line = line.filter(|byte| **byte == b'\n').count() + 1;
                refuse(&format!("not UTF-8 text (line {line})"))
            }
        },
        Err(error) => refuse(&error.to_string()),
    }
}

fn unreadable(file: String, why: &str) -> Problem {
    let title = format!("cannot read rule file: {why}");
    Problem { file, text: "".into(), diagnostic: Diagnostic::new(Code::RuleFile, title) }
}

/// Loads one file's text; `name` ending in `.eql` is a bare query, anything else TOML.
pub fn load_text(name: &str, text: String, schema: &Schema) -> Loaded {
    let text: Arc<str> = text.into();
    let loading = Loading { name, text: &text, schema };
    let is_query = Path::new(name).extension().is_some_and(|extension| extension == "eql");
    if is_query { loading.query_file() } else { loading.toml() }
}

/// A single query as a rule named after itself.
pub fn load_query(text: &str, schema: &Schema) -> Loaded {
    let text: Arc<str> = text.into();
    let loading = Loading { name: "query", text: &text, schema };
    loading.bare("query", "query")
}

/// One file on its way to rules.
struct Loading<'a> {
    name: &'a str,
    text: &'a Arc<str>,
    schema: &'a Schema,
}

impl Loading<'_> {
    fn problem(&self, diagnostic: Diagnostic) -> Problem {
        Problem { file: self.name.to_owned(), text: self.text.clone(), diagnostic }
    }

    fn refused(&self, diagnostic: Diagnostic) -> Loaded {
        Loaded { rules: Vec::new(), problems: vec![self.problem(diagnostic)] }
    }

    fn query_file(&self) -> Loaded {
        let stem = Path::new(self.name).file_stem().map(|stem| stem.to_string_lossy());
        let stem = stem.as_deref().unwrap_or("query");
        self.bare(&format!("eql:{stem}"), stem)
    }

    fn bare(&self, id: &str, name: &str) -> Loaded {
        match compile(self.text, self.schema) {
            Ok((query, warnings)) => {
                let severity = Severity::Medium;
                let rule = Rule {
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
                    building_block: false,
                    text: self.text.clone(),
                    query,
                    options: RuleOptions::default(),
                    origin: Origin { file: self.name.to_owned(), query_offset: Some(0) },
                };
                let problems = warnings.into_iter().map(|w| self.problem(w)).collect();
                Loaded { rules: vec![rule], problems }
            }
            Err(errors) => Loaded {
                rules: Vec::new(),
                problems: errors.into_iter().map(|e| self.problem(e)).collect(),
            },
        }
    }

    fn toml(&self) -> Loaded {
        let file: RuleFile = match toml::from_str(self.text) {
            Ok(file) => file,
            Err(error) => {
                let span = error.span().map_or(Span::default(), |r| Span::new(r.start, r.end));
                let title = one_line(error.message());
                let mut diagnostic = Diagnostic::new(Code::RuleFile, title).label(span, "");
                if self.text.lines().count() == 1 && self.text.matches(" = ").count() > 1 {
                    diagnostic = diagnostic.help(
                        "several keys on one line: line breaks seem to have been lost in copying",
                    );
                }
                return self.refused(diagnostic);
            }
        };
        self.rule(file)
    }

    fn rule(&self, file: RuleFile) -> Loaded {
        let Some(entry) = file.rule else {
            return self.refused(
                Diagnostic::new(Code::RuleKey, "no `[rule]` table")
                    .help("a rule file has a `[rule]` table with `rule_id`, `name` and `query`"),
            );
        };
        let kind = entry.kind.as_deref().unwrap_or("eql");
        let language = entry.language.as_deref().unwrap_or("eql");
        if kind != "eql" || language != "eql" {
            let title = format!("rules of type `{kind}` in `{language}` are not supported");
            return self
                .refused(Diagnostic::new(Code::RuleKey, title).help("rules of type `eql` are"));
        }
        let missing = |key: &str| {
            self.refused(Diagnostic::new(Code::RuleKey, format!("`rule.{key}` is missing")))
        };
        let Some(query) = entry.query else { return missing("query") };
        let Some(name) = entry.name else { return missing("name") };
        let Some(id) = entry.rule_id else { return missing("rule_id") };
        let severity = match entry.severity.as_deref().map(Severity::from_name) {
            Some(Some(severity)) => severity,
            None => return missing("severity"),
            Some(None) => {
                let title = format!("unknown severity `{}`", entry.severity.unwrap_or_default());
                return self.refused(
                    Diagnostic::new(Code::RuleKey, title)
                        .help("one of informational, low, medium, high, critical"),
                );
            }
        };
        let options = match options(file.catena.unwrap_or_default(), entry.from.as_deref()) {
            Ok(options) => options,
            Err(title) => return self.refused(Diagnostic::new(Code::RuleKey, title)),
        };
        let place = Place::of(self.text, &query);
        let text: Arc<str> = query.into_inner().into();
        let relocate = |diagnostic: Diagnostic| match place.offset {
            Some(offset) => self.problem(shifted(diagnostic, offset)),
            // Escapes in the TOML string: positions only make sense in the decoded query.
            None => {
                Problem { file: format!("{} (query)", self.name), text: text.clone(), diagnostic }
            }
        };
        match compile(&text, self.schema) {
            Ok((query, warnings)) => {
                let problems = warnings.into_iter().map(relocate).collect();
                let rule = Rule {
                    id,
                    name,
                    description: entry.description.unwrap_or_default().trim().to_owned(),
                    severity,
                    risk_score: entry.risk_score.unwrap_or_else(|| severity.risk_score()),
                    author: entry.author,
                    license: entry.license.unwrap_or_default(),
                    tags: entry.tags,
                    references: entry.references,
                    false_positives: entry.false_positives,
                    note: entry.note.unwrap_or_default().trim().to_owned(),
                    setup: entry.setup.unwrap_or_default().trim().to_owned(),
                    threat: entry.threat.into_iter().map(Threat::from).collect(),
                    building_block: entry.building_block_type.is_some(),
                    text,
                    query,
                    options,
                    origin: Origin { file: self.name.to_owned(), query_offset: place.offset },
                };
                Loaded { rules: vec![rule], problems }
            }
            Err(errors) => {
                Loaded { rules: Vec::new(), problems: errors.into_iter().map(relocate).collect() }
            }
        }
    }
}

/// Query text → checked query and warnings, or everything that is wrong with it.
fn compile(
    text: &str,
    schema: &Schema,
) -> Result<(check::ir::Query, Vec<Diagnostic>), Vec<Diagnostic>> {
    let ast = syntax::parse(text)?;
    let options = check::Options { category_field: schema.events().category.clone() };
    check::check(&ast, schema, &options)
}

fn options(table: CatenaTable, from: Option<&str>) -> Result<RuleOptions, String> {
    let window = match (&table.window, from) {
        (Some(text), _) => Some(
            Duration::parse(text)
                .map_err(|error| format!("`catena.window` is `{text}`: {error}"))?,
        ),
        // Elastic runs a rule over `now-9m` every few minutes: that is its window.
        (None, Some(from)) => from.strip_prefix("now-").and_then(|span| Duration::parse(span).ok()),
        // The default of `from`.
        (None, None) => Some(Duration::from_secs(360)),
    };
    let samples_per_key = table.samples_per_key.unwrap_or(1);
    Ok(RuleOptions { window, samples_per_key, samples_at_end: false })
}

/// Where the text of a TOML string stands in the file.
struct Place {
    offset: Option<usize>,
}

impl Place {
    fn of(file: &str, value: &Spanned<String>) -> Self {
        let span = value.span();
        let written = file.get(span.clone()).unwrap_or("");
        let inside = written.find(value.get_ref().as_str()).filter(|_| !value.get_ref().is_empty());
        Self { offset: inside.map(|inside| span.start + inside) }
    }
}

fn shifted(mut diagnostic: Diagnostic, offset: usize) -> Diagnostic {
    for label in &mut diagnostic.labels {
        label.span = label.span.shift(offset);
    }
    if let Some(fix) = &mut diagnostic.fix {
        fix.span = fix.span.shift(offset);
    }
    diagnostic
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Deserialize)]
struct RuleFile {
    rule: Option<RuleTable>,
    catena: Option<CatenaTable>,
}

/// Keys we do not know are left alone: they are metadata of other tools.
#[derive(Debug, Deserialize)]
struct RuleTable {
    rule_id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    risk_score: Option<u8>,
    #[serde(default)]
    author: Vec<String>,
    license: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    false_positives: Vec<String>,
    note: Option<String>,
    setup: Option<String>,
    from: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    language: Option<String>,
    query: Option<Spanned<String>>,
    building_block_type: Option<String>,
    #[serde(default)]
    threat: Vec<ThreatTable>,
    #[serde(flatten)]
    _other: BTreeMap<String, toml::Value>,
}

/// Our own table: a key we do not know is a slip of the pen.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatenaTable {
    window: Option<String>,
    samples_per_key: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
struct ThreatTable {
    #[serde(default)]
    framework: String,
    #[serde(default)]
    tactic: TacticTable,
    #[serde(default)]
    technique: Vec<TechniqueTable>,
}

#[derive(Debug, Default, Deserialize)]
struct TacticTable {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    reference: String,
}

#[derive(Debug, Default, Deserialize)]
struct TechniqueTable {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    subtechnique: Vec<TechniqueTable>,
}

impl From<ThreatTable> for Threat {
    fn from(table: ThreatTable) -> Self {
        let TacticTable { id, name, reference } = table.tactic;
        Self {
            framework: table.framework,
            tactic: Tactic { id, name, reference },
            techniques: table.technique.into_iter().map(Technique::from).collect(),
        }
    }
}

impl From<TechniqueTable> for Technique {
    fn from(table: TechniqueTable) -> Self {
        Self {
            id: table.id,
            name: table.name,
            reference: table.reference,
            subtechniques: table.subtechnique.into_iter().map(Self::from).collect(),
        }
    }
}
