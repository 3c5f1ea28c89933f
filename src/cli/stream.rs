//! `catena stream`: rules over a live stream; every alert leaves at once.

use std::path::PathBuf;
use std::time::Instant;

use super::args::{Output, Stream};
use super::exit::Exit;
use super::output::{AlertWriter, message};
use super::replay::{settings, write_exit};
use super::{event_fields, rules, summary};
use crate::escape::escape;
use crate::pipeline::{self, Settings};
use crate::rule::RuleSet;
use crate::time::Duration;

/// How long a live stream is put in order while it never pauses. When it does, what is complete leaves
/// at once.
const LATENESS: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &Stream) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let (rules, loaded) = match rules::load(&arguments.rules, &schema, &arguments.output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    waiting_pipes(&rules, &arguments.output);
    let mut writer = AlertWriter::new(&arguments.output, true);
    let inputs = std::slice::from_ref(&arguments.input);
    let started = Instant::now();
    let settings = match settings(&arguments.run, schema) {
        Ok(settings) => Settings {
            lateness: arguments.run.lateness.unwrap_or(LATENESS),
            proc: (!arguments.no_proc).then(|| PathBuf::from("/proc")),
            ..settings
        },
        Err(exit) => return exit,
    };
    let report = pipeline::stream(&rules, inputs, &settings, &mut writer);
    let written = write_exit(writer.finish());
    match report {
        Ok(report) => {
            summary::show(&report, started.elapsed(), &arguments.output);
            loaded.min(summary::exit(&report, &arguments.run)).min(written)
        }
        Err(why) => {
            message(&format!("catena: error: {why}"));
            Exit::BadRules
        }
    }
}

/// Some pipes know their result only at the end of the input, which a live stream may never reach.
fn waiting_pipes(rules: &RuleSet, output: &Output) {
    if output.quiet {
        return;
    }
    for rule in rules.rules() {
        if let Some(pipe) = rule.query.pipes.iter().find(|pipe| pipe.waits()) {
            let (name, pipe) = (escape(&rule.name), pipe.name());
            message(&format!(
                "catena: warning: {name}: no alert before the end of the stream, because of `| {pipe}`"
            ));
        }
    }
}
