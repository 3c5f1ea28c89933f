//! Where results and messages go.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};

use super::args::{Color, Format, Output};
use crate::alert::Alert;
use crate::pipeline::{Flow, Observer};
use crate::rule::Problem;

/// Writes alerts to standard output.
pub(super) struct AlertWriter {
    format: Format,
    out: AutoStream<Box<dyn Write>>,
    /// Every alert leaves at once.
    flush: bool,
    written: u64,
    /// The first failure to write.
    failure: Option<io::Error>,
}

impl AlertWriter {
    /// A writer as the arguments ask for; `live` flushes after every alert.
    pub(super) fn new(output: &Output, live: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let automatic = if terminal { Format::Text } else { Format::Ndjson };
        let choice = choice(output.color, terminal);
        let out: Box<dyn Write> = Box::new(io::BufWriter::with_capacity(64 << 10, stdout));
        Self {
            format: output.format.unwrap_or(automatic),
            out: AutoStream::new(out, choice),
            flush: live || terminal,
            written: 0,
            failure: None,
        }
    }

    /// Writes one alert.
    pub(super) fn write(&mut self, alert: &Alert) -> Flow {
        let written = match self.format {
            Format::None => Ok(()),
            Format::Text => {
                let gap = if self.written == 0 { "" } else { "\n" };
                write!(self.out, "{gap}{}", alert.to_text())
            }
            Format::Ndjson => writeln!(self.out, "{}", alert.to_json()),
        };
        self.written += 1;
        let written = written.and_then(|()| if self.flush { self.out.flush() } else { Ok(()) });
        match written {
            Ok(()) => Flow::Continue,
            Err(error) => {
                self.failure.get_or_insert(error);
                Flow::Stop
            }
        }
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    ///
    /// The first failure to write; a closed pipe is none.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        match self.failure.map_or(flushed, Err) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

impl Observer for AlertWriter {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.write(alert)
    }

    fn reads_events(&self) -> bool {
        false
    }
}

/// Writes a line to standard error. A standard error that is closed stops nothing.
pub(super) fn message(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether results that are text may have colours.
pub(super) fn stdout_color(color: Color) -> bool {
    choice(color, io::stdout().is_terminal()) != ColorChoice::Never
}

/// Shows a problem with a rule file.
pub(super) fn show_problem(problem: &Problem, color: bool) {
    message(&problem.render(color));
}

/// Writes a result to standard output.
///
/// # Errors
///
/// The failure to write; a closed pipe is none.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether messages may have colours.
pub(super) fn stderr_color(color: Color) -> bool {
    match choice(color, io::stderr().is_terminal()) {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => io::stderr().is_terminal(),
    }
}

fn choice(color: Color, terminal: bool) -> ColorChoice {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
        Color::Auto if terminal && !forbidden => ColorChoice::Always,
        Color::Auto => ColorChoice::Never,
    }
}
