//! `catena check`: everything that is wrong with rules, at once.
//!
//! Problems are the result and go to standard output; the summary goes to standard error.

use serde_json::{Value as Json, json};

use super::args::{Check, CheckFormat};
use super::event_fields;
use super::exit::Exit;
use super::output::{message, print, stdout_color};
use super::summary::plural;
use crate::diagnostic::{self, Code};
use crate::digits::grouped;
use crate::escape::escape;
use crate::rule::{self, Entry, Loaded, Outcome};

pub(super) fn run(arguments: &Check) -> Exit {
    if let Some(code) = &arguments.explain {
        return explain(code);
    }
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let loaded = if arguments.paths.is_empty() {
        rule::builtin_under(&schema)
    } else {
        rule::load_paths(&arguments.paths, &schema)
    };
    let text = match arguments.format {
        CheckFormat::Text => text(&loaded, arguments),
        CheckFormat::Json => format!("{:#}\n", as_json(&loaded)),
        CheckFormat::Github => loaded
            .problems
            .iter()
            .map(|problem| diagnostic::github(&problem.diagnostic, &problem.location()) + "\n")
            .collect(),
        CheckFormat::Sarif => {
            let problems = loaded.problems.iter();
            let placed = problems.map(|problem| (&problem.diagnostic, problem.location()));
            format!("{:#}\n", diagnostic::sarif(placed))
        }
    };
    let written = print(&text);
    if let Err(error) = written {
        message(&format!("catena: error: cannot write problems: {error}"));
        return Exit::Unreadable;
    }
    let counts = Counts::of(&loaded);
    if !arguments.quiet {
        message(&format!("catena: {}", counts.summary()));
    }
    if counts.errors > 0 || (arguments.strict && counts.warnings > 0) {
        Exit::BadRules
    } else {
        Exit::Fine
    }
}

fn explain(name: &str) -> Exit {
    match Code::from_name(name) {
        Some(code) => match print(code.explain()) {
            Ok(()) => Exit::Fine,
            Err(error) => {
                message(&format!("catena: error: cannot write: {error}"));
                Exit::Unreadable
            }
        },
        None => {
            let name = escape(name);
            let near = Code::nearest(&name);
            let near = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
            message(&format!("catena: error: no code or warning has the name `{name}`{near}"));
            Exit::Usage
        }
    }
}

fn text(loaded: &Loaded, arguments: &Check) -> String {
    let color = stdout_color(arguments.color);
    let mut out = String::new();
    for problem in &loaded.problems {
        out.push_str(&problem.render(color));
        out.push_str("\n\n");
    }
    if arguments.list {
        for entry in &loaded.entries {
            out.push_str(&line(entry));
            out.push('\n');
        }
    }
    out
}

/// `loaded    rules/a.toml:3  id  name`
fn line(entry: &Entry) -> String {
    let (word, why) = match &entry.outcome {
        Outcome::Loaded { warnings: 0 } => ("loaded", String::new()),
        Outcome::Loaded { warnings } => {
            ("loaded", format!(" ({})", plural(*warnings as u64, "warning")))
        }
        Outcome::Disabled(why) => ("disabled", format!(" ({why})")),
        Outcome::Rejected => ("rejected", String::new()),
    };
    let id = entry.id.as_deref().unwrap_or("-");
    let line = format!("{word:<8}  {}:{}  {id}  {}", entry.file, entry.line, entry.name);
    escape(&format!("{}{why}", line.trim_end()))
}

fn as_json(loaded: &Loaded) -> Json {
    let problems = loaded.problems.iter().map(|problem| {
        let mut out = diagnostic::json(&problem.diagnostic, problem.source());
        if let Some(out) = out.as_object_mut() {
            out.insert("rule".to_owned(), json!(problem.rule));
            // Places in a text that is not the file's say nothing about the file.
            if let Some(line) = problem.inner_line {
                out.insert("line".to_owned(), json!(line));
                out.insert("column".to_owned(), Json::Null);
                out.insert("source".to_owned(), json!(&*problem.text));
            }
        }
        out
    });
    let rules = loaded.entries.iter().map(|entry| {
        let (outcome, reason) = match &entry.outcome {
            Outcome::Loaded { .. } => ("loaded", None),
            Outcome::Disabled(why) => ("disabled", Some(why)),
            Outcome::Rejected => ("rejected", None),
        };
        let warnings = match entry.outcome {
            Outcome::Loaded { warnings } => warnings,
            _ => 0,
        };
        json!({
            "id": entry.id, "name": entry.name, "file": entry.file, "line": entry.line,
            "outcome": outcome, "reason": reason, "warnings": warnings,
        })
    });
    let counts = Counts::of(loaded);
    json!({
        "problems": problems.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "summary": {
            "loaded": counts.loaded, "disabled": counts.disabled, "rejected": counts.rejected,
            "errors": counts.errors, "warnings": counts.warnings,
        },
    })
}

/// What there was.
#[derive(Debug, Default)]
struct Counts {
    loaded: u64,
    disabled: u64,
    rejected: u64,
    errors: u64,
    warnings: u64,
}

impl Counts {
    fn of(loaded: &Loaded) -> Self {
        let mut counts = Self::default();
        for entry in &loaded.entries {
            match entry.outcome {
                Outcome::Loaded { .. } => counts.loaded += 1,
                Outcome::Disabled(_) => counts.disabled += 1,
                Outcome::Rejected => counts.rejected += 1,
            }
        }
        counts.warnings = loaded.warnings() as u64;
        counts.errors = (loaded.problems.len() as u64).saturating_sub(counts.warnings);
        counts
    }

    fn summary(&self) -> String {
        let rules = plural(self.loaded + self.disabled + self.rejected, "rule");
        format!(
            "{rules}: {} loaded, {} disabled, {} rejected; {}, {}",
            grouped(self.loaded),
            grouped(self.disabled),
            grouped(self.rejected),
            plural(self.errors, "error"),
            plural(self.warnings, "warning"),
        )
    }
}
