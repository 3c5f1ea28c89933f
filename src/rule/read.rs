//! One rule's table → [`Rule`], or why not.
//!
//! In: the keys of one rule, from TOML or JSON. Out: the rule with its checked query and warnings, or
//! the reason why it does not run, or everything that is wrong with it. What no line here asks for is
//! kept in [`Rule::extra`].

use std::sync::Arc;

use super::data::{Data, Node, Table};
use super::filter;
use super::keys::{Keys, Text, labelled};
use super::kind::{self, Kind};
use super::model::{Format, Frame, Origin, Overrides, Rule, Severity, SeverityOverride, Status};
use super::options::{self, Own};
use super::outcome::{Entry, Loaded, Outcome, Problem};
use super::place::Places;
use super::source::SourceFile;
use super::threat;
use crate::check::{self, ir, lint};
use crate::diagnostic::Severity as Weight;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::span::{Span, position};
use crate::syntax;

/// The tables of one rule.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) rule: Table,
    pub(super) metadata: Table,
    pub(super) catena: Option<Table>,
}

/// One rule on its way to the model.
pub(super) struct Reading<'a> {
    file: &'a SourceFile<'a>,
    /// Line of the rule in its file.
    line: usize,
    id: Option<Text>,
    name: String,
    problems: Vec<Diagnostic>,
}

/// Why a rule ends here.
enum End {
    Disabled(String),
    /// The problems say why.
    Rejected,
}

impl<'a> Reading<'a> {
    /// Reads one rule that begins on `line`.
    pub(super) fn read(file: &'a SourceFile<'a>, line: usize, tables: Tables) -> Loaded {
        let mut reading = Self { file, line, id: None, name: String::new(), problems: Vec::new() };
        let mut query_problems = Vec::new();
        let end = reading.rule(tables, &mut query_problems);
        reading.finish(end, query_problems)
    }

    fn finish(mut self, end: Result<Rule, End>, query_problems: Vec<Problem>) -> Loaded {
        self.problems.sort_by_key(|problem| problem.primary());
        let mut problems: Vec<Problem> = self
            .problems
            .into_iter()
            .map(|diagnostic| self.file.problem(diagnostic, self.line))
            .chain(query_problems)
            .collect();
        let (id, id_span) = self.id.map_or((None, None), |id| (Some(id.text), id.span));
        for problem in &mut problems {
            problem.rule.clone_from(&id);
        }
        let warnings = problems.len();
        let (rule, outcome) = match end {
            Ok(rule) => (Some(rule), Outcome::Loaded { warnings }),
            Err(End::Disabled(reason)) => (None, Outcome::Disabled(reason)),
            Err(End::Rejected) => (None, Outcome::Rejected),
        };
        let entry = Entry {
            id,
            name: self.name,
            file: self.file.name.to_owned(),
            line: self.line,
            outcome,
        };
        let mut loaded = Loaded::one(rule, problems, entry);
        loaded.id_place = id_span.map(|span| (self.file.text.clone(), span));
        loaded
    }

    fn rule(&mut self, tables: Tables, query_problems: &mut Vec<Problem>) -> Result<Rule, End> {
        let prefix = if self.file.format == Format::Toml { "rule." } else { "" };
        let mut rule = Keys::new(tables.rule, prefix);
        let mut metadata = Keys::new(tables.metadata, "metadata.");
        let named = [("rule_id", rule.table.has("rule_id")), ("name", rule.table.has("name"))];
        self.id = rule.placed("rule_id");
        let name = rule.text("name");
        self.name = name.clone().unwrap_or_default();
        if let Err(end) = self.runs(&mut rule, &mut metadata) {
            self.problems.append(&mut rule.problems);
            self.problems.append(&mut metadata.problems);
            return Err(end);
        }
        for (key, _) in named.into_iter().filter(|(_, there)| !there) {
            rule.missing(key);
        }
        let query = rule.required("query");
        let severity = severity(&mut rule);
        let own = options::own(tables.catena, rule.placed("from"), &mut self.problems);
        let settings = check::Options {
            category_field: rule
                .text("event_category_override")
                .unwrap_or_else(|| self.file.schema.events().category.clone()),
        };
        let mut limits = filters(&mut rule, &settings, self.file);
        limits.append(&mut exceptions(&mut rule, &settings, self.file));
        let mut read = Rule {
            id: self.id.as_ref().map(|id| id.text.clone()).unwrap_or_default(),
            name: self.name.clone(),
            description: rule.prose("description"),
            severity,
            risk_score: rule
                .number("risk_score", 0, 100)
                .and_then(|score| u8::try_from(score).ok())
                .unwrap_or_else(|| severity.risk_score()),
            author: rule.texts("author"),
            license: rule.prose("license"),
            tags: rule.texts("tags"),
            references: rule.texts("references"),
            false_positives: rule.texts("false_positives"),
            note: rule.prose("note"),
            setup: rule.prose("setup"),
            threat: threat::threats(rule.tables("threat"), &mut rule.problems),
            threat_versions: threat::versions(rule.tables("threat_mappings"), &mut rule.problems),
            building_block: rule.text("building_block_type").is_some(),
            status: match metadata.text("maturity").as_deref() {
                None | Some("production") => Status::Stable,
                Some(_) => Status::Experimental,
            },
            overrides: overrides(&mut rule),
            investigation_fields: investigation_fields(&mut rule),
            index: rule.texts("index"),
            extra: Default::default(),
            text: Arc::from(""),
            query: ir::Query { kind: ir::QueryKind::Sample(Vec::new()), pipes: Vec::new() },
            frame: Frame {
                category_field: settings.category_field.clone(),
                limits: limits.clone(),
            },
            options: own.options.clone(),
            origin: Origin {
                file: self.file.name.to_owned(),
                format: self.file.format,
                line: self.line,
                query_offset: None,
                query_position: None,
            },
        };
        not_applied(&mut rule);
        keep_rest(&mut read, rule.table, metadata.table);
        self.problems.append(&mut rule.problems);
        self.problems.append(&mut metadata.problems);
        if let Some(query) = query {
            self.query(query, &own, &settings, limits, &mut read, query_problems);
        }
        let all = self.problems.iter().chain(query_problems.iter().map(|p| &p.diagnostic));
        if all.map(|problem| problem.severity).any(|weight| weight == Weight::Error) {
            return Err(End::Rejected);
        }
        Ok(read)
    }

    /// Whether a rule of this kind runs at all.
    fn runs(&mut self, rule: &mut Keys, metadata: &mut Keys) -> Result<(), End> {
        let written = rule.placed("type");
        let language = rule.placed("language");
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.text.clone());
        let name = text(&written).unwrap_or_else(|| "eql".to_owned());
        match kind::kind(&name, text(&language).as_deref()) {
            Kind::Runs => {}
            Kind::Disabled(reason) => return Err(End::Disabled(reason.to_owned())),
            Kind::UnknownType => {
                return Err(unknown(rule, "type", &name, written, &kind::TYPES));
            }
            Kind::UnknownLanguage => {
                let language_name = text(&language).unwrap_or_default();
                if name == "eql" && kind::LANGUAGES.contains(&language_name.as_str()) {
                    let title = format!("a rule of type `eql` is not written in {language_name}");
                    let problem = Diagnostic::new(Code::RuleKey, title);
                    let span = language.and_then(|text| text.span);
                    rule.report(labelled(problem, span, "must be `eql`"));
                    return Err(End::Rejected);
                }
                return Err(unknown(rule, "language", &language_name, language, &kind::LANGUAGES));
            }
        }
        if metadata.table.get("maturity").and_then(Data::text) == Some("deprecated") {
            return Err(End::Disabled("it is deprecated".to_owned()));
        }
        if rule.flag("enabled") == Some(false) {
            return Err(End::Disabled("it says `enabled = false`".to_owned()));
        }
        if reads_alerts(&rule.table) {
            return Err(End::Disabled("it reads the alerts of other rules".to_owned()));
        }
        Ok(())
    }

    /// Checks the query, lints it, and puts the limits of filters and exceptions around it.
    fn query(
        &mut self,
        query: Text,
        own: &Own,
        settings: &check::Options,
        limits: Vec<ir::Cond>,
        read: &mut Rule,
        out: &mut Vec<Problem>,
    ) {
        let places = query.span.and_then(|span| Places::of_toml(self.file.text, span, &query.text));
        let line = match query.span {
            Some(span) => position(self.file.text, span.start).line,
            None => self.line,
        };
        let decoded: Arc<str> = query.text.into();
        let checked = checked(&decoded, self.file, settings);
        let named = own.allowed.iter().map(|name| (name.text.clone(), name.span));
        let mut allowed = options::allowed(named, &mut self.problems);
        let mut problems = checked.problems;
        let here = checked.allowed.into_iter().map(|(name, span)| (name, Some(span)));
        allowed.append(&mut options::allowed(here, &mut problems));
        let keep = |problem: &Diagnostic| {
            problem.severity == Weight::Error || !allowed.contains(&problem.code)
        };
        problems.retain(keep);
        self.problems.retain(keep);
        out.extend(problems.into_iter().map(|problem| match &places {
            Some(places) => self.file.problem(moved(problem, places), line),
            None => self.file.inner_problem(problem, decoded.clone(), line),
        }));
        read.origin.query_offset = places.as_ref().and_then(Places::offset);
        read.origin.query_position =
            read.origin.query_offset.map(|offset| position(self.file.text, offset));
        read.text = decoded;
        if let Some(query) = checked.query {
            read.query = query;
            for limit in limits {
                check::restrict(&mut read.query, &limit);
            }
        }
    }
}

/// A query after all that can be said about it.
pub(super) struct Checked {
    pub(super) query: Option<ir::Query>,
    pub(super) problems: Vec<Diagnostic>,
    /// Warnings that comments in the query say are meant.
    pub(super) allowed: Vec<(String, Span)>,
}

/// Parses, checks and lints.
pub(super) fn checked(text: &str, file: &SourceFile<'_>, settings: &check::Options) -> Checked {
    let refused = |problems| Checked { query: None, problems, allowed: Vec::new() };
    let ast = match syntax::parse(text) {
        Ok(ast) => ast,
        Err(problems) => return refused(problems),
    };
    match check::check(&ast, file.schema, settings) {
        Err(mut problems) => {
            problems.extend(lint::slips(&ast, file.schema, settings));
            problems.sort_by_key(|problem| problem.primary());
            refused(problems)
        }
        Ok((query, mut problems)) => {
            problems.extend(lint::lint(&ast, &query, file.schema, settings, file.lints));
            problems.sort_by_key(|problem| problem.primary());
            Checked { query: Some(query), problems, allowed: lint::allowed(&ast) }
        }
    }
}

fn unknown(rule: &mut Keys, key: &str, name: &str, text: Option<Text>, known: &[&str]) -> End {
    let title = format!("unknown {} `{name}`", key.replace('_', " "));
    let span = text.and_then(|text| text.span);
    let problem = labelled(Diagnostic::new(Code::RuleKey, title), span, "");
    rule.report(match nearest(name, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("one of `{}`", known.join("`, `"))),
    });
    End::Rejected
}

fn severity(rule: &mut Keys) -> Severity {
    const NAMES: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
    let Some(written) = rule.required("severity") else { return Severity::Medium };
    let known = Severity::from_name(&written.text);
    known.unwrap_or_else(|| {
        let name = written.text.clone();
        let _rejected = unknown(rule, "severity", &name, Some(written), &NAMES);
        Severity::Medium
    })
}

/// Whether all its indices hold alerts.
fn reads_alerts(rule: &Table) -> bool {
    let is_alerts = |data: &Data| data.text().is_some_and(|text| text.starts_with(".alerts-"));
    match rule.get("index") {
        Some(Data::List(list)) => !list.is_empty() && list.iter().all(|node| is_alerts(&node.data)),
        _ => false,
    }
}

/// Filters as conditions on every event.
fn filters(rule: &mut Keys, settings: &check::Options, file: &SourceFile<'_>) -> Vec<ir::Cond> {
    let mut limits = Vec::new();
    let Some(node) = rule.table.take("filters") else { return limits };
    let list = match node.data {
        Data::List(list) => list,
        data => vec![Node { data, span: node.span }],
    };
    for element in list {
        let read = filter::filter(&element.data).and_then(|expr| match expr {
            None => Ok(None),
            Some(expr) => check::condition(&expr, file.schema, settings).map(Some).map_err(first),
        });
        match read {
            Ok(limit) => limits.extend(limit),
            Err(why) => {
                let problem = Diagnostic::new(Code::RuleFilter, "a filter cannot be read");
                rule.report(labelled(problem, element.span.or(node.span), "").help(why));
            }
        }
    }
    limits
}

/// Exceptions as conditions on every event; those that are not in the file are warned about.
fn exceptions(rule: &mut Keys, settings: &check::Options, file: &SourceFile<'_>) -> Vec<ir::Cond> {
    let mut limits = Vec::new();
    let Some(node) = rule.table.take("exceptions_list") else { return limits };
    let list = match node.data {
        Data::List(list) => list,
        data => vec![Node { data, span: node.span }],
    };
    for element in list {
        let id = element.data.table().and_then(|table| table.get("list_id")).and_then(Data::text);
        let id = id.unwrap_or("");
        let Some(items) = file.exceptions.get(id) else {
            let title = format!("the exceptions of list `{id}` are not in this file");
            let problem = Diagnostic::new(Code::NotApplied, title);
            rule.report(
                labelled(problem, element.span.or(node.span), "")
                    .help("they are not applied: there may be more alerts than in Kibana"),
            );
            continue;
        };
        for item in items {
            let read = filter::exception(&item.entries)
                .and_then(|expr| check::condition(&expr, file.schema, settings).map_err(first));
            // Whether it still holds depends on the day: the same log must give the same answer
            // tomorrow.
            let read = if item.expires { Err("it has an end".to_owned()) } else { read };
            match read {
                Ok(limit) => limits.push(limit),
                Err(why) => {
                    let title = format!("the exception `{}` is not applied", item.name);
                    rule.report(Diagnostic::new(Code::NotApplied, title).help(why));
                }
            }
        }
    }
    limits
}

fn first(problems: Vec<Diagnostic>) -> String {
    problems.into_iter().next().map_or_else(String::new, |problem| problem.title)
}

/// What a match changes in its alert in Kibana, and does not here.
fn overrides(rule: &mut Keys) -> Overrides {
    let keys = ["severity_mapping", "risk_score_mapping", "rule_name_override"];
    let places = keys.map(|key| rule.table.place(key));
    let mut severity = Vec::new();
    for mut row in rule.tables("severity_mapping") {
        let mut text = |key: &str| match row.take(key).map(|node| node.data) {
            Some(Data::Text(text)) => text,
            _ => String::new(),
        };
        let (field, value) = (text("field"), text("value"));
        if let (Some(severity_name), false) =
            (Severity::from_name(&text("severity")), field.is_empty())
        {
            severity.push(SeverityOverride { field, value, severity: severity_name });
        }
    }
    let scores = rule.tables("risk_score_mapping").into_iter();
    let scores = scores.filter_map(|mut row| match row.take("field")?.data {
        Data::Text(field) if !field.is_empty() => Some(field),
        _ => None,
    });
    let risk_score = scores.collect();
    let overrides = Overrides {
        severity,
        risk_score,
        name: rule.text("rule_name_override").filter(|field| !field.is_empty()),
        timestamp: rule.text("timestamp_override").filter(|field| !field.is_empty()),
    };
    let given = [
        !overrides.severity.is_empty(),
        !overrides.risk_score.is_empty(),
        overrides.name.is_some(),
    ];
    for ((key, place), _) in keys.into_iter().zip(places).zip(given).filter(|(_, given)| *given) {
        let title = format!("{} is not applied to alerts", rule.name(key));
        rule.report(labelled(Diagnostic::new(Code::NotApplied, title), place, ""));
    }
    overrides
}

/// `investigation_fields.field_names`, or a list as in older exports.
fn investigation_fields(rule: &mut Keys) -> Vec<String> {
    let Some(mut table) = rule.table.take_table("investigation_fields") else {
        return rule.texts("investigation_fields");
    };
    match table.take("field_names").map(|node| node.data) {
        Some(Data::List(list)) => list
            .into_iter()
            .filter_map(|node| match node.data {
                Data::Text(text) => Some(text),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Keys that would change which alerts there are, and are not honoured.
fn not_applied(rule: &mut Keys) {
    let warnings = [
        ("max_signals", "every match becomes an alert"),
        ("alert_suppression", "every match becomes an alert"),
        ("tiebreaker_field", "events of one moment are ordered by their serial number"),
    ];
    for (key, instead) in warnings {
        if rule.table.has(key) {
            let span = rule.table.place(key);
            let title = format!("{} is not applied", rule.name(key));
            let problem = Diagnostic::new(Code::NotApplied, title);
            rule.report(labelled(problem, span, "").help(instead));
        }
    }
    let by = rule.table.get("timestamp_field").and_then(Data::text);
    if by.is_some_and(|field| field != "@timestamp") {
        let span = rule.table.place("timestamp_field");
        let title = format!("{} is not applied", rule.name("timestamp_field"));
        let problem = Diagnostic::new(Code::NotApplied, title);
        rule.report(labelled(problem, span, "").help("events are ordered by `@timestamp`"));
    }
}

/// What nobody asked for.
fn keep_rest(read: &mut Rule, rule: Table, metadata: Table) {
    for pair in rule.into_pairs() {
        read.extra.insert(pair.key, pair.value.data.into_json());
    }
    for pair in metadata.into_pairs() {
        read.extra.insert(format!("metadata.{}", pair.key), pair.value.data.into_json());
    }
}

/// A problem of the query as a problem of its file.
fn moved(mut problem: Diagnostic, places: &Places) -> Diagnostic {
    for label in &mut problem.labels {
        label.span = places.span(label.span);
    }
    // A replacement is query text: inside escapes it would need escapes of its own.
    let plain = places.offset().is_some();
    problem.fix = problem.fix.filter(|_| plain).map(|mut fix| {
        fix.span = places.span(fix.span);
        fix
    });
    problem
}
