//! `catena stream`: rules over a live stream; every alert leaves at once.

use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Instant;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::alert_file::AlertFile;
use super::args::{Output, Stream, WhenFull};
use super::exit::Exit;
use super::output::{AlertWriter, message};
use super::replay::{settings, write_exit};
use super::summary::{plain, plural};
use super::{event_fields, input_form, rules, summary};
use crate::alert::Alert;
use crate::escape::escape;
use crate::pipeline::{self, Flow, LiveInput, LiveSource, Notice, Observer, Order, Settings};
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
    let (rules, loaded) = match rules::load(&arguments.rules, &schema, &arguments.alerts) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    waiting_pipes(&rules, &arguments.alerts);
    let mut screen = match Screen::new(arguments) {
        Ok(screen) => screen,
        Err(exit) => return exit,
    };
    // A terminal that is closed sends the signal by which a daemon is told to open its files anew.
    let at_terminal = arguments.output.is_none() && std::io::stdout().is_terminal();
    let orders = match orders(if at_terminal { Order::Stop } else { Order::Reopen }) {
        Ok(orders) => orders,
        Err(error) => {
            message(&format!("catena: error: cannot listen to signals: {error}"));
            return Exit::Unreadable;
        }
    };
    let started = Instant::now();
    let settings = settings(&arguments.run, schema).and_then(|settings| {
        let settings = Settings {
            lateness: arguments.run.lateness.unwrap_or(LATENESS),
            proc: (!arguments.no_proc).then(|| PathBuf::from("/proc")),
            ..settings
        };
        input_form::settings(&arguments.form, arguments.alerts.color, settings)
    });
    let settings = match settings {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let report = pipeline::stream(&rules, &input(arguments), &settings, orders, &mut screen);
    let written = write_exit(screen.finish());
    match report {
        Ok(report) => {
            summary::show(&report, started.elapsed(), &arguments.alerts);
            loaded.min(summary::exit(&report, &arguments.run)).min(written)
        }
        Err(why) => {
            message(&format!("catena: error: {why}"));
            Exit::BadRules
        }
    }
}

/// What the arguments say about the input.
fn input(arguments: &Stream) -> LiveInput {
    let socket = arguments.input.as_os_str().as_bytes().strip_prefix(b"unix:");
    let source = match (&arguments.follow, socket) {
        (Some(path), _) => {
            LiveSource::Follow { path: path.clone(), from_start: arguments.from_start }
        }
        (None, Some(path)) => LiveSource::Socket(PathBuf::from(std::ffi::OsStr::from_bytes(path))),
        (None, None) => LiveSource::Input(arguments.input.clone()),
    };
    let mib = usize::try_from(arguments.queue).unwrap_or(usize::MAX);
    LiveInput {
        source,
        queue_bytes: mib.saturating_mul(1 << 20),
        drops: arguments.when_full == WhenFull::Drop,
    }
}

/// What signals order. The second one to end does it at once, whatever holds up the first.
///
/// # Errors
///
/// When the signals cannot be caught.
fn orders(hangup: Order) -> std::io::Result<impl Iterator<Item = Order> + Send + 'static> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let mut ends = false;
    Ok(std::iter::from_fn(move || {
        let signal = signals.forever().next()?;
        if signal == SIGHUP {
            return Some(hangup);
        }
        if std::mem::replace(&mut ends, true) {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        Some(Order::Stop)
    }))
}

/// Where alerts go.
enum Sink {
    Stdout(AlertWriter),
    File(AlertFile),
}

struct Screen {
    sink: Sink,
    quiet: bool,
    /// Lines dropped so far, and when that was last told.
    dropped: (u64, u64),
}

impl Screen {
    fn new(arguments: &Stream) -> Result<Self, Exit> {
        let sink = match &arguments.output {
            None => Sink::Stdout(AlertWriter::new(&arguments.alerts, true)),
            Some(path) => match AlertFile::open(path, &arguments.alerts) {
                Ok(file) => Sink::File(file),
                Err(error) => {
                    let name = escape(&path.display().to_string());
                    message(&format!("catena: error: {name}: {}", plain(&error.to_string())));
                    return Err(Exit::Unreadable);
                }
            },
        };
        Ok(Self { sink, quiet: arguments.alerts.quiet, dropped: (0, 0) })
    }

    fn finish(self) -> std::io::Result<()> {
        match self.sink {
            Sink::Stdout(writer) => writer.finish(),
            Sink::File(file) => file.finish(),
        }
    }
}

impl Observer for Screen {
    fn alert(&mut self, alert: &Alert) -> Flow {
        match &mut self.sink {
            Sink::Stdout(writer) => writer.write(alert),
            Sink::File(file) => {
                file.write(alert);
                Flow::Continue
            }
        }
    }

    fn reopen(&mut self) {
        if let Sink::File(file) = &mut self.sink {
            file.reopen();
        }
    }

    fn notice(&mut self, notice: &Notice) {
        if self.quiet {
            return;
        }
        let told = match notice {
            Notice::Waiting { name, why } => {
                let why = escape(why);
                format!("warning: {}: {}; trying again", escape(name), plain(&why))
            }
            Notice::Opened { name } => format!("{}: reading it now", escape(name)),
            Notice::Truncated { name } => format!(
                "warning: {}: truncated, read from its start; what was written in between is not known",
                escape(name)
            ),
            Notice::Untraced { name } => format!(
                "warning: {}: rotated, and the old file is not among the numbered ones; there may have been others in between",
                escape(name)
            ),
            Notice::Closed { name } => format!(
                "warning: {}: the connection has ended; what came until the next one is lost",
                escape(name)
            ),
            Notice::Dropped { lines, .. } => {
                let (dropped, told) = &mut self.dropped;
                *dropped += lines;
                // Under a flood again and again, and rarer each time.
                if *dropped < told.saturating_mul(2) {
                    return;
                }
                *told = *dropped;
                format!(
                    "warning: {} dropped so far: came faster than they could be matched",
                    plural(*dropped, "line")
                )
            }
        };
        message(&format!("catena: {told}"));
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
