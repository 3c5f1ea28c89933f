//! `catena stream`: rules over a live stream; every alert leaves at once.

use std::time::Instant;

use super::args::Stream;
use super::exit::Exit;
use super::output::{AlertWriter, message};
use super::replay::{settings, write_exit};
use super::{event_fields, rules, summary};
use crate::pipeline;

pub(super) fn run(arguments: &Stream) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let (rules, loaded) = match rules::load(&arguments.rules, &schema, &arguments.output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let mut writer = AlertWriter::new(&arguments.output, true);
    let inputs = std::slice::from_ref(&arguments.input);
    let started = Instant::now();
    let settings = settings(&arguments.run, schema);
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
