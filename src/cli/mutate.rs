//! `catena mutate`: whether the cases of rules would notice if a rule were another one.
//!
//! Results go to standard output; problems with files and the summary to standard error.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::{Mutate, TestFormat};
use super::event_fields;
use super::exit::Exit;
use super::output::{message, print, show_problem, stderr_color, stdout_color};
use super::replay::write_exit;
use super::summary::plural;
use crate::digits::grouped;
use crate::mutate::{self, Options, Report};

pub(super) fn run(arguments: &Mutate) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let options =
        Options { list: arguments.list, jobs: arguments.jobs.count(), schema: Arc::new(schema) };
    let here = vec![PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { &here } else { &arguments.paths };
    let started = Instant::now();
    let report = mutate::mutate(paths, &options);
    if arguments.format != TestFormat::Github {
        let color = stderr_color(arguments.color);
        report.problems.iter().for_each(|problem| show_problem(problem, color));
    }
    let text = match arguments.format {
        TestFormat::Text => {
            let text = report.to_text(arguments.all);
            match stdout_color(arguments.color) {
                true => text,
                false => anstream::adapter::strip_str(&text).to_string(),
            }
        }
        TestFormat::Json => format!("{:#}\n", report.to_json()),
        TestFormat::Github => report.to_github(),
    };
    let exit = write_exit(print(&text));
    let nothing = report.rules.is_empty() && report.problems.is_empty();
    if nothing {
        message("catena: no rules found (rule files end in .toml, .eql or .ndjson)");
    }
    let (not_run, below) = report.failed(arguments.threshold);
    if !arguments.quiet {
        summary(&report, started.elapsed());
        if let (Some(threshold), true) = (arguments.threshold, below > 0) {
            let rules = plural(below as u64, "rule");
            message(&format!("catena: {rules} below {threshold} %"));
        }
    }
    exit.min(match () {
        () if !report.problems.is_empty() || nothing => Exit::BadRules,
        () if not_run > 0 || below > 0 => Exit::Findings,
        () => Exit::Fine,
    })
}

fn summary(report: &Report, elapsed: Duration) {
    let totals = report.totals();
    let mut told = format!(
        "{}, {}",
        plural(report.rules.len() as u64, "rule"),
        plural(totals.mutants as u64, "mutant"),
    );
    if let Some(score) = totals.score() {
        let (killed, survived) = (grouped(totals.killed as u64), grouped(totals.survived as u64));
        told.push_str(&format!(": {killed} killed, {survived} survived ({score} %)"));
    }
    if totals.attacks > 0 {
        let attacks = plural(totals.attacks as u64, "attack");
        told.push_str(&format!("; {attacks}: {} held", grouped(totals.held as u64)));
    }
    let (not_run, _) = report.failed(None);
    for (count, what) in [(not_run, "failure"), (report.problems.len(), "error")] {
        if count > 0 {
            told.push_str(&format!(", {}", plural(count as u64, what)));
        }
    }
    message(&format!("catena: {told} in {:.2} s", elapsed.as_secs_f64()));
}
