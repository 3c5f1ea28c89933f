//! `catena query`: one query over captured logs, or many over a file of JSON events.

use super::args::{Format, Output, Query, QueryFormat};
use super::exit::Exit;
use super::output::message;
use super::{batch, event_fields, input_form, replay, rules};
use crate::rule;

pub(super) fn run(arguments: &Query) -> Exit {
    if arguments.batch.events.is_some() && arguments.measured.stats.is_some() {
        message("catena: error: --stats is for one query over logs, not for --events");
        return Exit::Usage;
    }
    if let Some(events) = &arguments.batch.events {
        return batch::run(arguments, events);
    }
    if arguments.batch.lacks_events() {
        message("catena: error: the options for queries from files need --events");
        return Exit::Usage;
    }
    let format = match arguments.output.format {
        None => None,
        Some(QueryFormat::Text) => Some(Format::Text),
        Some(QueryFormat::Ndjson) => Some(Format::Ndjson),
        Some(QueryFormat::None) => Some(Format::None),
        Some(QueryFormat::Ids) => {
            message("catena: error: the format ids needs --events");
            return Exit::Usage;
        }
    };
    let (color, quiet) = (arguments.output.color, arguments.output.quiet);
    let output = Output { format, color, quiet };
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let query = arguments.query.as_deref().unwrap_or_default();
    match rules::accept(rule::load_query(query, &schema), &output) {
        Ok((rules, loaded)) => {
            let Query { inputs, run, jobs, measured, form, .. } = arguments;
            let settings = replay::settings(run, schema).and_then(|settings| {
                let settings = replay::with_threads(jobs, measured, settings)?;
                input_form::settings(form, color, settings)
            });
            match settings {
                Ok(settings) => {
                    loaded.min(replay::over(&rules, inputs, &settings, run, measured, &output))
                }
                Err(exit) => exit,
            }
        }
        Err(exit) => exit,
    }
}
