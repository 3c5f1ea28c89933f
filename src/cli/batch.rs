//! `catena query --events`: many queries over one file of JSON events, answers as lines of JSON.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::args::{Batch, InputFormat, Query, QueryFormat};
use super::event_fields;
use super::exit::Exit;
use super::output::{message, stderr_color};
use super::replay::write_exit;
use super::summary;
use crate::batch::{self, Answer, Found, Report, Request};
use crate::diagnostic;
use crate::escape::escape;
use crate::rule::Problem;
use crate::value::Value;

/// Answers the queries of the arguments from the events of the arguments.
pub(super) fn run(arguments: &Query, events: &Path) -> Exit {
    if arguments.output.format.is_some_and(|format| format != QueryFormat::Ids) {
        message("catena: error: with --events the only format is ids");
        return Exit::Usage;
    }
    let form = &arguments.form;
    if form.field_map.is_some()
        || !matches!(form.input_format, InputFormat::Auto | InputFormat::Ecs)
    {
        message("catena: error: --events reads JSON events in the fields of the queries only");
        return Exit::Usage;
    }
    let schema = match event_fields::schema(&arguments.fields, arguments.batch.id_field.as_deref())
    {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let (requests, single, read) = match requests(&arguments.batch) {
        Ok(requests) => requests,
        Err(exit) => return exit,
    };
    let (answers, report) = batch::run(&requests, &schema, events);
    let shown = show(&report, arguments.output.quiet, arguments.run.strict);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let color = stderr_color(arguments.output.color);
    let mut refused = Exit::Fine;
    let mut written = Ok(());
    for answer in answers {
        written = written.and_then(|()| match (&answer.results, single) {
            (Ok(found), true) => {
                found.iter().try_for_each(|found| writeln!(out, "{}", found_json(found)))
            }
            (Err(problems), true) => {
                refused = Exit::BadRules;
                for problem in problems {
                    message(&diagnostic::text(&problem.diagnostic, problem.source(), color));
                }
                Ok(())
            }
            (_, false) => writeln!(out, "{}", answer_json(&answer)),
        });
    }
    let written = match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    };
    refused.min(read).min(shown).min(write_exit(written))
}

/// A line of a file of queries. Other keys are none of our business.
#[derive(Debug, Deserialize)]
struct Line {
    name: String,
    query: String,
    size: Option<usize>,
    max_samples_per_key: Option<usize>,
}

/// The queries, whether there is a single one from a file of its own, and whether all could be read.
fn requests(batch: &Batch) -> Result<(Vec<Request>, bool, Exit), Exit> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| {
            let path = escape(&path.display().to_string());
            message(&format!("catena: error: {path}: {}", summary::plain(&error.to_string())));
            Exit::Unreadable
        })
    };
    if let Some(path) = &batch.query_file {
        let query = read(path)?;
        let name = "query".to_owned();
        let (size, samples_per_key) = (batch.size, batch.max_samples_per_key);
        return Ok((vec![Request { name, query, size, samples_per_key }], true, Exit::Fine));
    }
    let Some(path) = &batch.queries else {
        message("catena: error: --events needs --queries or --query-file");
        return Err(Exit::Usage);
    };
    let mut requests = Vec::new();
    let mut exit = Exit::Fine;
    for (line, number) in read(path)?.lines().zip(1_u64..) {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Line>(line) {
            Ok(line) => requests.push(Request {
                name: line.name,
                query: line.query,
                size: line.size.or(batch.size),
                samples_per_key: line.max_samples_per_key.or(batch.max_samples_per_key),
            }),
            Err(error) => {
                let path = escape(&path.display().to_string());
                message(&format!("catena: error: {path}:{number}: not a query: {error}"));
                exit = Exit::BadRules;
            }
        }
    }
    Ok((requests, false, exit))
}

/// Tells what could not be read; `strict` takes any loss for a failure.
fn show(report: &Report, quiet: bool, strict: bool) -> Exit {
    let read = &report.read;
    if let Some(failure) = &read.failure {
        let why = escape(&failure.why);
        message(&format!("catena: error: {}: {}", escape(&failure.name), summary::plain(&why)));
    }
    if !quiet {
        for line in &read.malformed_lines {
            let (file, why) = (escape(&line.file), escape(&line.why));
            message(&format!("catena: {file}:{}: skipped: {why}", line.line));
        }
        let told = read.malformed_lines.len() as u64;
        let losses = [
            (read.malformed.saturating_sub(told), "more malformed lines"),
            (read.untimed, "events without a time: not offered to sequences"),
            (read.cut, "events cut: more values than one event may have, or nested too deep"),
            (report.cut_short, "events with too many values to try all combinations"),
        ];
        for (count, what) in losses.iter().filter(|(count, _)| *count > 0) {
            message(&format!("catena: warning: {count} {what}"));
        }
    }
    let lost = read.malformed + read.untimed + read.cut + report.cut_short;
    match read.failure {
        Some(_) => Exit::Unreadable,
        None if strict && lost > 0 => Exit::Incomplete,
        None => Exit::Fine,
    }
}

fn answer_json(answer: &Answer) -> Json {
    match &answer.results {
        Ok(found) => json!({
            "name": answer.name,
            "results": found.iter().map(found_json).collect::<Vec<_>>(),
            "error": null,
        }),
        Err(problems) => json!({"name": answer.name, "results": [], "error": told(problems)}),
    }
}

fn found_json(found: &Found) -> Json {
    json!({
        "ids": found.events.iter().map(value).collect::<Vec<_>>(),
        "join_keys": found.keys.iter().map(value).collect::<Vec<_>>(),
    })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(i) => json!(i),
        Value::Float(x) => json!(x),
        Value::Str(text) => json!(text),
        Value::Ip(_) | Value::Time(_) => json!(value.to_string()),
    }
}

/// The problems of a query as one line of text: place, title, help.
fn told(problems: &[Problem]) -> String {
    let mut out = String::new();
    for problem in problems {
        let json = diagnostic::json(&problem.diagnostic, problem.source());
        let gap = if out.is_empty() { "" } else { "; " };
        out.push_str(gap);
        let place = |key: &str| json.get(key).and_then(Json::as_u64);
        if let (Some(line), Some(column)) = (place("line"), place("column")) {
            let _ = write!(out, "line {line}:{column}: ");
        }
        out.push_str(&problem.diagnostic.title);
        for help in &problem.diagnostic.help {
            let _ = write!(out, " ({help})");
        }
    }
    out
}
