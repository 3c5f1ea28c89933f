//! `catena replay`: rules over captured logs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::args::{Jobs, Measured, Output, Replay, Run};
use super::exit::Exit;
use super::output::{AlertWriter, message};
use super::progress::Progress;
use super::{event_fields, hosts, input_form, rules, stats, summary};
use crate::alert::Alert;
use crate::engine::Limits;
use crate::pipeline::{self, Flow, Live, Observer, Settings, Time};
use crate::rule::RuleSet;
use crate::schema::Schema;
use crate::time::Duration;

pub(super) fn run(arguments: &Replay) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    match rules::load(&arguments.rules, &schema, &arguments.output) {
        Ok((rules, loaded)) => {
            let Replay { inputs, run, jobs, measured, output, form, .. } = arguments;
            let settings = settings(run, schema).and_then(|settings| {
                let settings = with_threads(jobs, measured, settings)?;
                input_form::settings(form, output.color, settings)
            });
            match settings {
                Ok(settings) => loaded.min(over(&rules, inputs, &settings, run, measured, output)),
                Err(exit) => exit,
            }
        }
        Err(exit) => exit,
    }
}

/// Runs rules over captured logs, writes alerts and summary.
pub(super) fn over(
    rules: &Arc<RuleSet>,
    inputs: &[PathBuf],
    settings: &Settings,
    run: &Run,
    measured: &Measured,
    output: &Output,
) -> Exit {
    let mut screen =
        Screen { writer: AlertWriter::new(output, false), progress: Progress::start(output) };
    let started = Instant::now();
    let report = pipeline::replay(rules, inputs, settings, &mut screen);
    screen.progress.finish();
    let written = screen.writer.finish();
    match report {
        Ok(report) => {
            let elapsed = started.elapsed();
            summary::show(&report, elapsed, output);
            if let Some(format) = measured.stats {
                stats::show(&report, elapsed, format);
            }
            summary::exit(&report, run).min(write_exit(written))
        }
        Err(why) => {
            message(&format!("catena: error: {why}"));
            Exit::BadRules
        }
    }
}

struct Screen {
    writer: AlertWriter,
    progress: Progress,
}

impl Observer for Screen {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.progress.suspend(|| self.writer.write(alert))
    }

    fn shows_alerts(&self) -> bool {
        self.writer.shows()
    }

    fn read(&mut self, live: &Live) {
        self.progress.update(live);
    }

    fn reads_events(&self) -> bool {
        false
    }
}

/// How long a captured log is put in order.
const LATENESS: Duration = Duration::from_secs(5);

/// What the arguments say about running.
///
/// # Errors
///
/// When a file of names cannot be used.
pub(super) fn settings(run: &Run, schema: Schema) -> Result<Settings, Exit> {
    let bytes = |mib: u32| usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    let total_bytes = bytes(run.state_limit);
    let limits = Limits {
        total_bytes,
        rule_bytes: run.rule_limit.map_or(total_bytes, bytes),
        host_bytes: run.host_limit.map_or(total_bytes, bytes),
    };
    Ok(Settings {
        lateness: run.lateness.unwrap_or(LATENESS),
        limits,
        identity: hosts::identity(&run.hosts)?,
        schema: Arc::new(schema),
        ..Settings::default()
    })
}

/// How many threads, and whether what they cost is measured.
///
/// # Errors
///
/// When several are asked for and measured: their phases overlap.
pub(super) fn with_threads(
    jobs: &Jobs,
    measured: &Measured,
    settings: Settings,
) -> Result<Settings, Exit> {
    let measure = measured.stats.map(|_| stats::now as Time);
    if measure.is_some() && jobs.count.is_some_and(|count| count > 1) {
        message("catena: error: --stats measures one thread: leave out --jobs");
        return Err(Exit::Usage);
    }
    Ok(Settings { jobs: jobs.count(), measure, ..settings })
}

/// A result that cannot be written is as bad as an input that cannot be read.
pub(super) fn write_exit(written: std::io::Result<()>) -> Exit {
    match written {
        Ok(()) => Exit::Fine,
        Err(error) => {
            message(&format!("catena: error: cannot write results: {error}"));
            Exit::Unreadable
        }
    }
}
