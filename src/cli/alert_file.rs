//! The file that `catena stream --output` appends alerts to.
//!
//! Every alert is written at once and whole. A disk that is full stops nothing: what could not be
//! written is told, counted, and makes the run end with an error; the next alert is tried again. When the file
//! has been renamed, [`AlertFile::reopen`] goes on in a new one.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::args::Output;
use super::output::{AlertLines, message};
use super::summary::plain;
use crate::alert::Alert;
use crate::escape::escape;

/// See the module page.
pub(super) struct AlertFile {
    path: PathBuf,
    file: File,
    lines: AlertLines,
    /// The last alert may stand there in part.
    torn: bool,
    unwritten: u64,
    failure: Option<io::Error>,
}

impl AlertFile {
    /// Opens the file, or makes it; only its owner may read it then.
    ///
    /// # Errors
    ///
    /// The failure to open it.
    pub(super) fn open(path: &Path, output: &Output) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: open(path)?,
            lines: AlertLines::new(output, false),
            torn: false,
            unwritten: 0,
            failure: None,
        })
    }

    /// Writes one alert.
    pub(super) fn write(&mut self, alert: &Alert) {
        let separated = if self.torn { self.file.write_all(b"\n") } else { Ok(()) };
        let bytes = self.lines.next(alert);
        match separated.and_then(|()| self.file.write_all(bytes)) {
            Ok(()) => self.torn = false,
            Err(error) => {
                self.torn = true;
                self.unwritten += 1;
                if self.failure.is_none() {
                    self.tell("cannot write an alert", &error);
                    self.failure = Some(error);
                }
            }
        }
    }

    /// Goes on in the file that has its name now; in the old one when that cannot be opened.
    pub(super) fn reopen(&mut self) {
        match open(&self.path) {
            Ok(file) => {
                (self.file, self.torn) = (file, false);
                message(&format!(
                    "catena: {}: opened anew",
                    escape(&self.path.display().to_string())
                ));
            }
            Err(error) => self.tell("cannot open it anew, going on in the old file", &error),
        }
    }

    /// What could not be written.
    ///
    /// # Errors
    ///
    /// The first failure, with the number of alerts that were lost.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.failure {
            None => Ok(()),
            Some(error) => {
                let why = format!("{} lost: {}", self.unwritten, plain(&error.to_string()));
                Err(io::Error::new(error.kind(), why))
            }
        }
    }

    fn tell(&self, what: &str, error: &io::Error) {
        let path = escape(&self.path.display().to_string());
        message(&format!("catena: error: {path}: {what}: {}", plain(&error.to_string())));
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
