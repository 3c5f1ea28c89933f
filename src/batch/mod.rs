//! Many queries over one file of JSON events, answered as a search in Elasticsearch would be.
//!
//! In: queries by name and a file of events. Out: for every query its results in their order there, or
//! why it was refused. The events are read once, put in their order - time, then tiebreaker, then place
//! in the file - and run once through one engine that holds all queries.
//!
//! The file is a closed log, so nothing here is bounded in time: no allowed lateness, no windows, and
//! `head`, `tail` and `size` are applied to results in their final order. One query that cannot be run
//! stops no other.

mod order;
mod results;

use std::path::Path;
use std::sync::Arc;

pub use results::Found;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::engine::{Engine, Limits, Match};
use crate::event::{Event, Json, Projection};
use crate::pipeline::{JsonReport, read_json};
use crate::plan::{RuleIx, ir};
use crate::rule::{self, Problem, Rule, RuleSet};
use crate::schema::Schema;
use crate::time::{Ordinal, Timestamp};
use crate::value::Value;

/// A query and how it is to be answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Names the answer.
    pub name: String,
    /// The query.
    pub query: String,
    /// Most results: the first of samples, the last of events and sequences.
    pub size: Option<usize>,
    /// Samples of one join key; one when nothing is said.
    pub samples_per_key: Option<usize>,
}

/// What came of a [`Request`].
#[derive(Debug)]
pub struct Answer {
    /// That of the request.
    pub name: String,
    /// The results, or everything that is wrong with the query.
    pub results: Result<Vec<Found>, Vec<Problem>>,
}

/// What was read, and what is doubtful about the answers.
#[derive(Debug, Default)]
pub struct Report {
    /// The events.
    pub read: JsonReport,
    /// Values or join keys of one event that were not all tried.
    pub cut_short: u64,
}

/// Answers `requests` from the events in the file `events` (`-` is standard input), in their order.
///
/// `schema` says which types fields have and which fields hold time, category, tiebreaker and identity;
/// without a field of identity an event is named by its place in the file, counted from 1.
pub fn run(requests: &[Request], schema: &Schema, events: &Path) -> (Vec<Answer>, Report) {
    let mut queries: Vec<Query> =
        requests.iter().map(|request| Query::new(request, schema)).collect();
    let (rules, engine) = compile(&mut queries);
    let fields = &rules.plan().fields;
    let projection = Projection::new(fields.iter().map(|(name, kind)| (&**name, *kind)));
    // Results name events by a field. Only pipes ask for the rest of the line.
    let asked = queries.iter().flat_map(|query| &query.pipes).any(ir::Pipe::reads_fields);
    let mut read: Vec<Json> = Vec::new();
    let told = read_json(events, &projection, schema, &mut |mut json| {
        if !asked {
            json.forget_line();
        }
        read.push(json);
    });
    let mut report = Report { read: told, cut_short: 0 };
    let ids = ids(&read, schema);
    if let Some(mut engine) = engine {
        let matches = execute(&mut engine, &projection, read);
        report.cut_short = engine.stats().cut_short;
        let mut found: Vec<Vec<Match>> = rules.rules().iter().map(|_| Vec::new()).collect();
        for one in matches {
            if let Some(list) = found.get_mut(one.rule.index()) {
                list.push(one);
            }
        }
        let numbers = (0..).map(RuleIx);
        let running = queries.iter_mut().filter(|query| query.outcome.is_ok());
        for ((query, found), number) in running.zip(found).zip(numbers) {
            let shape = rules.plan().rules.get(number.index()).map(|planned| &planned.shape);
            query.outcome = Ok(results::results(shape, found, &query.pipes, query.size, &ids));
        }
    }
    let answers =
        queries.into_iter().map(|query| Answer { name: query.name, results: query.outcome });
    (answers.collect(), report)
}

/// A request on its way.
struct Query {
    name: String,
    rule: Option<Rule>,
    pipes: Vec<ir::Pipe>,
    size: Option<usize>,
    outcome: Result<Vec<Found>, Vec<Problem>>,
}

impl Query {
    fn new(request: &Request, schema: &Schema) -> Self {
        let mut loaded = rule::load_query(&request.query, schema);
        let mut rule = loaded.rules.pop();
        let mut pipes = Vec::new();
        if let Some(rule) = &mut rule {
            rule.options.samples_per_key = request.samples_per_key.unwrap_or(1);
            rule.options.samples_at_end = true;
            // They count results in their final order, which is known only at the end.
            pipes = std::mem::take(&mut rule.query.pipes);
        }
        let mut problems = loaded.problems;
        problems.retain(|problem| problem.diagnostic.severity == Severity::Error);
        let outcome = if rule.is_some() { Ok(Vec::new()) } else { Err(problems) };
        let counts =
            |pipe: &ir::Pipe| matches!(pipe, ir::Pipe::Count(_) | ir::Pipe::UniqueCount(_));
        let counting = pipes.iter().any(counts);
        let mut query =
            Self { name: request.name.clone(), rule, pipes, size: request.size, outcome };
        if counting {
            query.refuse(Code::Unsupported, "a list of results has no place for counts");
        }
        query
    }

    fn refuse(&mut self, code: Code, why: &str) {
        if let Some(rule) = self.rule.take() {
            self.outcome = Err(vec![Problem {
                file: rule.origin.file,
                text: rule.text,
                diagnostic: Diagnostic::new(code, why),
                rule: Some(rule.id),
                inner_line: None,
            }]);
        }
    }
}

/// One engine for all queries; those that no engine takes are refused.
fn compile(queries: &mut [Query]) -> (Arc<RuleSet>, Option<Engine>) {
    // The events bound what can be pending: nothing is given up.
    let limits = Limits::NONE;
    let build = |queries: &[Query]| {
        let rules = RuleSet::new(queries.iter().filter_map(|query| query.rule.clone()).collect());
        let engine = Engine::new(rules.clone(), limits);
        (rules, engine)
    };
    let (rules, engine) = build(queries);
    if let Ok(engine) = engine {
        return (rules, Some(engine));
    }
    for query in queries.iter_mut() {
        if let Err(why) = build(std::slice::from_ref(query)).1 {
            query.refuse(Code::TooLarge, &why);
        }
    }
    let (rules, engine) = build(queries);
    (rules, engine.ok())
}

/// What names each event, by its place in the file.
fn ids(events: &[Json], schema: &Schema) -> Vec<Value> {
    let named = schema.events().id.is_some();
    let places = events.iter().zip(1_i64..);
    places.map(|(event, place)| if named { event.id().into() } else { Value::Int(place) }).collect()
}

/// Runs all events in order. Matches come in the order in which they were decided.
fn execute(engine: &mut Engine, projection: &Projection, events: Vec<Json>) -> Vec<Match> {
    let mut matches = Vec::new();
    let mut event = Event::new(projection.len());
    for (rank, (place, json)) in (0..).zip(order::ordered(events)) {
        // Time alone orders what happened; the rank holds the rest of the order.
        let time = json.time().unwrap_or(Timestamp::MAX);
        event.ordinal = Ordinal { time, tiebreaker: rank, arrival: place };
        event.load_json(json, None);
        engine.push(&event, &mut |found| matches.push(found));
    }
    engine.finish(&mut |found| matches.push(found));
    matches
}
