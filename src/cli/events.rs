//! `catena events`: the events of captured logs, as JSON, in words or raw.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::sync::Arc;
use std::time::Instant;

use super::args::{Events, EventsFormat, Output, Reading};
use super::exit::Exit;
use super::output::{message, show_problem, stderr_color, stdout_color};
use super::progress::Progress;
use super::replay::write_exit;
use super::{event_fields, hosts, input_form, summary};
use crate::alert;
use crate::escape::escape;
use crate::event::{Documents, Event, Raw};
use crate::pick::{self, Filter, Text};
use crate::pipeline::{Flow, Settings};
use crate::rule;
use crate::schema::Schema;

pub(super) fn run(arguments: &Events) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let filter = match filter(arguments, &schema) {
        Ok(filter) => filter,
        Err(exit) => return exit,
    };
    let (color, quiet) = (arguments.color, arguments.quiet);
    let settings = settings(&arguments.reading, schema)
        .and_then(|settings| input_form::settings(&arguments.form, color, settings));
    let settings = match settings {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let progress = Progress::start(&Output { format: None, color, quiet });
    let started = Instant::now();
    let mut writer = Writer::new(arguments);
    let picked = pick::pick(
        &arguments.inputs,
        &settings,
        filter,
        &mut |event| progress.suspend(|| writer.write(event)),
        &mut |live| progress.update(live),
    );
    progress.finish();
    let left_out = writer.left_out;
    let written = writer.finish();
    let picked = match picked {
        Ok(picked) => picked,
        Err(why) => {
            message(&format!("catena: error: {}", escape(&why)));
            return Exit::BadRules;
        }
    };
    if picked.stopped {
        // Whoever has seen enough wants no account of the rest.
        return write_exit(written);
    }
    let found = summary::plural(picked.events, "event");
    let found = format!(
        "{found} {}",
        if arguments.format == EventsFormat::None { "decoded" } else { "printed" }
    );
    summary::show_found(&picked.report, started.elapsed(), quiet, &found);
    if left_out > 0 && !quiet {
        let keys = summary::plural(left_out, "key");
        message(&format!("catena: warning: {keys} of records left out: their events had too many"));
    }
    summary::exit_read(&picked.report, arguments.reading.strict).min(write_exit(written))
}

/// What the arguments say about reading.
///
/// # Errors
///
/// When a file of names cannot be used.
pub(super) fn settings(reading: &Reading, schema: Schema) -> Result<Settings, Exit> {
    Ok(Settings {
        lateness: reading.lateness,
        identity: hosts::identity(&reading.hosts)?,
        jobs: reading.jobs.count(),
        schema: Arc::new(schema),
        ..Settings::default()
    })
}

/// The events that are wanted.
fn filter(arguments: &Events, schema: &Schema) -> Result<Filter, Exit> {
    let mut filter = Filter::default();
    if let Some(condition) = &arguments.condition {
        let loaded = rule::load_query(&format!("any where {condition}"), schema);
        let color = stderr_color(arguments.color);
        loaded.problems.iter().for_each(|problem| show_problem(problem, color));
        let Some(rule) = loaded.rules.first() else { return Err(Exit::BadRules) };
        filter = Filter::matching(rule).map_err(|why| {
            message(&format!("catena: error: --where: {}", escape(&why)));
            Exit::BadRules
        })?;
    }
    if let Some((first, last)) = arguments.serial {
        filter = filter.serials(first, last);
    }
    if let Some(pid) = arguments.pid {
        filter = filter.pid(pid);
    }
    Ok(filter)
}

/// Writes events to standard output.
struct Writer {
    format: EventsFormat,
    raw: bool,
    out: BufWriter<io::Stdout>,
    /// A terminal shows each event at once, and must obey none.
    terminal: bool,
    text: Text,
    documents: Documents,
    line: Vec<u8>,
    /// Keys of records that documents have no room for.
    left_out: u64,
    /// The first failure to write.
    failure: Option<io::Error>,
}

impl Writer {
    fn new(arguments: &Events) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self {
            format: arguments.format,
            raw: arguments.raw,
            out: BufWriter::with_capacity(64 << 10, stdout),
            terminal,
            text: Text::new(stdout_color(arguments.color)),
            documents: Documents::default(),
            line: Vec::new(),
            left_out: 0,
            failure: None,
        }
    }

    fn write(&mut self, event: &Event) -> Flow {
        let written = match self.format {
            _ if self.raw => self.write_raw(event.raw()),
            EventsFormat::Interpret => self.out.write_all(self.text.of(event).as_bytes()),
            EventsFormat::Ndjson => {
                let document = self.documents.of(event);
                self.left_out += document.left_out() as u64;
                self.line.clear();
                alert::write_nested(document, &mut self.line);
                self.line.push(b'\n');
                self.out.write_all(&self.line)
            }
            EventsFormat::None => {
                self.left_out += self.documents.of(event).left_out() as u64;
                Ok(())
            }
        };
        let written = written.and_then(|()| if self.terminal { self.out.flush() } else { Ok(()) });
        match written {
            Ok(()) => Flow::Continue,
            Err(error) => {
                self.failure.get_or_insert(error);
                Flow::Stop
            }
        }
    }

    /// The bytes as they came, but for a terminal.
    fn write_raw(&mut self, raw: &Raw) -> io::Result<()> {
        let lines = raw.as_logged();
        if self.terminal {
            for line in lines.split(|byte| *byte == b'\n') {
                writeln!(self.out, "{}", escape(&String::from_utf8_lossy(line)))?;
            }
            return Ok(());
        }
        self.out.write_all(&lines)?;
        self.out.write_all(b"\n")
    }

    /// Writes what is buffered. A closed pipe is no failure.
    fn finish(mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        match self.failure.map_or(flushed, Err) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
