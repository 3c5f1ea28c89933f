//! `catena inspect`: what a log holds, what it lacks, and which rules can never fire on it.

use std::time::Instant;

use super::args::{Inspect, InspectFormat, Output};
use super::exit::Exit;
use super::output::{message, print, stdout_color};
use super::progress::Progress;
use super::replay::write_exit;
use super::{event_fields, events, input_form, rules, summary};
use crate::escape::escape;
use crate::inspect;

pub(super) fn run(arguments: &Inspect) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let (color, quiet) = (arguments.color, arguments.quiet);
    let output = Output { format: None, color, quiet };
    let (rules, loaded) = match rules::load(&arguments.rules, &schema, &output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let settings = events::settings(&arguments.reading, schema)
        .and_then(|settings| input_form::settings(&arguments.form, color, settings));
    let settings = match settings {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let progress = Progress::start(&output);
    let started = Instant::now();
    let inspected =
        inspect::inspect(&arguments.inputs, &settings, &rules, &mut |live| progress.update(live));
    progress.finish();
    let inspected = match inspected {
        Ok(inspected) => inspected,
        Err(why) => {
            message(&format!("catena: error: {}", escape(&why)));
            return Exit::BadRules;
        }
    };
    let (inspection, report) = (&inspected.inspection, &inspected.report);
    let written = print(&match arguments.format {
        InspectFormat::Json => {
            serde_json::to_string(inspection).map_or_else(|_| String::new(), |json| json + "\n")
        }
        InspectFormat::Text if stdout_color(color) => inspection.to_text(),
        InspectFormat::Text => anstream::adapter::strip_str(&inspection.to_text()).to_string(),
    });
    let found = summary::plural(inspection.never.blind.len() as u64, "rule");
    let found = match inspection.never.unknown {
        None => format!("{found} that can never fire"),
        Some(_) => "rules not judged".to_owned(),
    };
    summary::show_found(report, started.elapsed(), quiet, &found);
    loaded.min(summary::exit_read(report, arguments.reading.strict)).min(write_exit(written))
}
