//! The progress line of a replay: only at a terminal, only on standard error.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Output;
use crate::pipeline::Live;

/// A progress line, or nothing where nobody would see one.
pub(super) struct Progress {
    line: Option<ProgressBar>,
}

impl Progress {
    /// Starts the line if standard error is a terminal and it is wanted.
    pub(super) fn start(output: &Output) -> Self {
        if output.quiet || !std::io::stderr().is_terminal() {
            return Self { line: None };
        }
        let line = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} {bytes_per_sec} {msg}") {
            line.set_style(style);
        }
        Self { line: Some(line) }
    }

    /// Shows where the run is; drawn at most some twenty times a second.
    pub(super) fn update(&self, live: &Live) {
        if let Some(line) = &self.line {
            line.set_position(live.bytes_read());
            line.set_message(format!("{} alerts", live.alerts()));
        }
    }

    /// Runs `work` with the line out of the way.
    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.line {
            Some(line) => line.suspend(work),
            None => work(),
        }
    }

    /// Takes the line away.
    pub(super) fn finish(self) {
        if let Some(line) = self.line {
            line.finish_and_clear();
        }
    }
}
