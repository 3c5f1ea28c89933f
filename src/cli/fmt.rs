//! `catena fmt`: lays out the queries of rule files.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use walkdir::{DirEntry, WalkDir};

use super::args::Fmt;
use super::exit::Exit;
use super::output::{message, show_problem, stderr_color};
use super::replay::write_exit;
use crate::rule::{self, Form, FormatError, Formatted};
use crate::schema::Schema;

/// Largest file looked at, in bytes.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Standard input as a name.
const STDIN: &str = "<stdin>";

pub(super) fn run(arguments: &Fmt) -> Exit {
    let mut work = Work {
        arguments,
        schema: Schema::new(),
        out: io::BufWriter::new(io::stdout().lock()),
        counts: Counts::default(),
        failure: Ok(()),
    };
    let here = [PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { &here } else { arguments.paths.as_slice() };
    for path in paths {
        if path.as_os_str() == "-" {
            work.stdin();
        } else {
            work.path(path);
        }
    }
    work.finish()
}

#[derive(Default)]
struct Counts {
    changed: usize,
    same: usize,
    errors: usize,
}

struct Work<'a> {
    arguments: &'a Fmt,
    schema: Schema,
    out: io::BufWriter<io::StdoutLock<'a>>,
    counts: Counts,
    /// The first failure to write to standard output.
    failure: io::Result<()>,
}

impl Work<'_> {
    fn stdin(&mut self) {
        let mut text = String::new();
        match io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 > MAX_FILE_BYTES => return self.refuse(STDIN, "too long"),
            Ok(_) => {}
            Err(error) => return self.refuse(STDIN, &error.to_string()),
        }
        let form = Form::of_text(&text);
        match self.format(STDIN, &text, form) {
            Some(Formatted::Changed(new)) if self.arguments.check => self.diff(STDIN, &text, &new),
            Some(_) if self.arguments.check => {}
            Some(Formatted::Changed(new)) => self.write(&new),
            Some(_) => self.write(&text),
            None => {}
        }
    }

    /// A file, or every rule file in a folder but for hidden ones.
    fn path(&mut self, path: &Path) {
        let wanted = |entry: &DirEntry| entry.depth() == 0 || !hidden(entry);
        for entry in WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(wanted) {
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_rule_file(entry.path()) => {
                    self.file(entry.path());
                }
                // What was named is looked at, whatever it is called; a link too.
                Ok(entry) if entry.depth() == 0 && !entry.path().is_dir() => {
                    self.file(entry.path());
                }
                Ok(_) => {}
                Err(error) => {
                    let name = error.path().unwrap_or(path).display().to_string();
                    self.refuse(&name, &error.to_string());
                }
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let text = match read(path) {
            Ok(text) => text,
            Err(error) => return self.refuse(&name, &error.to_string()),
        };
        let form = Form::of_name(&name).unwrap_or_else(|| Form::of_text(&text));
        let Some(Formatted::Changed(new)) = self.format(&name, &text, form) else {
            return;
        };
        if self.arguments.check {
            self.diff(&name, &text, &new);
        } else {
            match replace(path, &new) {
                Ok(()) => self.write(&format!("{}\n", crate::escape::escape(&name))),
                Err(error) => self.refuse(&name, &format!("cannot be written: {error}")),
            }
        }
    }

    fn format(&mut self, name: &str, text: &str, form: Form) -> Option<Formatted> {
        match rule::format(name, text, form, &self.schema) {
            Ok(Formatted::Changed(new)) => {
                self.counts.changed += 1;
                Some(Formatted::Changed(new))
            }
            Ok(Formatted::Same) => {
                self.counts.same += 1;
                Some(Formatted::Same)
            }
            Ok(Formatted::NoQuery) => Some(Formatted::NoQuery),
            Err(FormatError::Problems(problems)) => {
                self.counts.errors += 1;
                let color = stderr_color(self.arguments.color);
                problems.iter().for_each(|problem| show_problem(problem, color));
                None
            }
            Err(error) => {
                self.refuse(name, &error.to_string());
                None
            }
        }
    }

    /// Shows what would change.
    fn diff(&mut self, name: &str, old: &str, new: &str) {
        // Without a bound two long texts that have nothing in common take minutes.
        let mut differ = TextDiff::configure();
        differ.timeout(std::time::Duration::from_secs(2));
        let diff = differ.diff_lines(old, new);
        let name = crate::escape::escape(name);
        let text = diff.unified_diff().header(&name, &format!("{name} (formatted)")).to_string();
        let mut shown = String::with_capacity(text.len());
        for line in text.lines() {
            // Files may hold anything; a terminal must not obey them.
            let parts: Vec<String> = line.split('\t').map(crate::escape::escape).collect();
            shown.push_str(&parts.join("\t"));
            shown.push('\n');
        }
        self.write(&shown);
    }

    fn write(&mut self, text: &str) {
        if self.failure.is_ok() {
            self.failure = self.out.write_all(text.as_bytes());
        }
    }

    fn refuse(&mut self, name: &str, why: &str) {
        self.counts.errors += 1;
        let name = crate::escape::escape(name);
        message(&format!("catena: error: {name}: left as it is: {}", crate::escape::escape(why)));
    }

    fn finish(mut self) -> Exit {
        let written = self.failure.and_then(|()| self.out.flush());
        let Counts { changed, same, errors } = self.counts;
        let total = changed + same + errors;
        if total == 0 {
            message("catena: no rules found (rule files end in .toml or .eql)");
        } else {
            let done = if self.arguments.check { "would change" } else { "changed" };
            message(&format!("catena: {changed} of {total} {done}, {errors} with errors"));
        }
        let found = match (errors, self.arguments.check && changed > 0) {
            (0, false) => Exit::Fine,
            (0, true) => Exit::Findings,
            _ => Exit::BadRules,
        };
        found.min(write_exit(written))
    }
}

fn hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Whether it is laid out when it is found in a folder; exports are not.
fn is_rule_file(path: &Path) -> bool {
    rule::is_rule_file(path) && path.to_str().and_then(Form::of_name).is_some()
}

fn read(path: &Path) -> io::Result<String> {
    // Reading a pipe or a device could wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 4 MiB"));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

/// Puts `text` in the place of a file, in one step: a crash leaves the old file or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(permissions))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&beside);
    }
    written
}
