//! Where results and messages go.

use std::io::{self, IsTerminal as _, Write};

use anstream::ColorChoice;

use super::args::{Color, Format, Output};
use crate::alert::Alert;
use crate::pipeline::{Flow, Observer};
use crate::rule::Problem;

/// Writes alerts to standard output.
pub(super) struct AlertWriter {
    lines: AlertLines,
    out: io::BufWriter<io::Stdout>,
    /// Every alert leaves at once.
    flush: bool,
    /// The first failure to write.
    failure: Option<io::Error>,
}

impl AlertWriter {
    /// A writer as the arguments ask for; `live` flushes after every alert.
    pub(super) fn new(output: &Output, live: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self {
            lines: AlertLines::new(output, terminal),
            out: io::BufWriter::with_capacity(64 << 10, stdout),
            flush: live || terminal,
            failure: None,
        }
    }

    /// Whether alerts are to be seen at all.
    pub(super) fn shows(&self) -> bool {
        self.lines.format != Format::None
    }

    /// Writes one alert.
    pub(super) fn write(&mut self, alert: &Alert) -> Flow {
        let written = self.out.write_all(self.lines.next(alert));
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

    fn shows_alerts(&self) -> bool {
        self.shows()
    }

    fn reads_events(&self) -> bool {
        false
    }
}

/// Alerts in one of their formats, one after the other.
pub(super) struct AlertLines {
    format: Format,
    color: bool,
    is_first: bool,
    /// One alert, whole.
    buffer: Vec<u8>,
}

impl AlertLines {
    /// In the format asked for, or in the one that fits a terminal or anything else.
    pub(super) fn new(output: &Output, terminal: bool) -> Self {
        let automatic = if terminal { Format::Text } else { Format::Ndjson };
        Self {
            format: output.format.unwrap_or(automatic),
            color: choice(output.color, terminal) != ColorChoice::Never,
            is_first: true,
            buffer: Vec::new(),
        }
    }

    /// The bytes of the next alert.
    pub(super) fn next(&mut self, alert: &Alert) -> &[u8] {
        self.buffer.clear();
        match self.format {
            Format::None => {}
            Format::Text => {
                if !self.is_first {
                    self.buffer.push(b'\n');
                }
                let text = alert.to_text();
                if self.color {
                    self.buffer.extend_from_slice(text.as_bytes());
                } else {
                    let plain = anstream::adapter::strip_str(&text);
                    plain.for_each(|part| self.buffer.extend_from_slice(part.as_bytes()));
                }
            }
            // JSON has no escape sequences in it.
            Format::Ndjson => {
                alert.write_json(&mut self.buffer);
                self.buffer.push(b'\n');
            }
        }
        self.is_first = false;
        &self.buffer
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
