//! [`Report`] → text for people, JSON, workflow commands of GitHub, JUnit's XML.
//!
//! Words of others are escaped here. Nothing is decided here.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value as Json, json};

use super::found::alerts;
use super::{Check, Failure, Report};
use crate::diagnostic::{self, Location, Severity};
use crate::escape::{escape, one_character};

const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();

/// What there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that ran.
    pub cases: usize,
    /// Cases and files that failed.
    pub failed: usize,
    /// Runs of all logs.
    pub runs: usize,
    /// Rule files and test files that were refused, by what is wrong with them.
    pub problems: usize,
}

impl Check {
    /// Whether all is well.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        self.case.as_deref().unwrap_or(&self.file)
    }
}

impl Report {
    /// What there was.
    pub fn counts(&self) -> Counts {
        let cases = self.checks.iter().filter(|check| check.case.is_some()).count();
        let failed = self.checks.iter().filter(|check| !check.passed()).count();
        let runs = self.checks.iter().map(|check| check.runs).sum();
        Counts { cases, failed, runs, problems: self.problems.len() }
    }

    /// What came of each case, with terminal colours; with `only_failures` nothing of what went well.
    pub fn to_text(&self, only_failures: bool) -> String {
        let mut out = String::new();
        let mut rule = None;
        for check in &self.checks {
            if check.passed() && only_failures {
                continue;
            }
            if rule != Some(&check.rule) {
                rule = Some(&check.rule);
                let _ = writeln!(out, "{}", escape(&check.rule));
            }
            check.write(&mut out);
        }
        out
    }

    /// All of it as one JSON object.
    pub fn to_json(&self) -> Json {
        let counts = self.counts();
        let problems = self.problems.iter();
        json!({
            "checks": self.checks.iter().map(Check::to_json).collect::<Vec<_>>(),
            "problems": problems
                .map(|problem| diagnostic::json(&problem.diagnostic, problem.source()))
                .collect::<Vec<_>>(),
            "summary": {
                "cases": counts.cases, "failed": counts.failed, "runs": counts.runs,
                "problems": counts.problems,
            },
        })
    }

    /// A command for each failure and problem, which a workflow of GitHub shows beside the line.
    pub fn to_github(&self) -> String {
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&diagnostic::github(&problem.diagnostic, &problem.location()));
            out.push('\n');
        }
        for check in self.checks.iter().filter(|check| !check.passed()) {
            let start = Some((check.line, 1));
            let location = Location { file: check.file.clone(), start, end: None };
            let title = format!("catena test: {}", check.name());
            let text = check.failures.iter().fold(String::new(), |text, failure| {
                format!("{text}{}\n{}", failure.title, check.detail(failure))
            });
            let command =
                diagnostic::github_command(Severity::Error, &location, &title, text.trim_end());
            out.push_str(&command);
            out.push('\n');
        }
        out
    }

    /// A test suite for each rule file, as JUnit writes them. Times are not measured.
    pub fn to_junit(&self) -> String {
        let counts = self.counts();
        let (tests, failures) = (self.checks.len(), counts.failed);
        let errors = counts.problems;
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            out,
            "<testsuites name=\"catena test\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">",
            tests + errors
        );
        for suite in self.checks.chunk_by(|a, b| a.rule == b.rule) {
            let Some(first) = suite.first() else { continue };
            let failed = suite.iter().filter(|check| !check.passed()).count();
            let _ = writeln!(
                out,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">",
                xml(&first.rule),
                suite.len()
            );
            suite.iter().for_each(|check| check.write_junit(&mut out));
            out.push_str("  </testsuite>\n");
        }
        if errors > 0 {
            let _ = writeln!(
                out,
                "  <testsuite name=\"files\" tests=\"{errors}\" failures=\"0\" errors=\"{errors}\">"
            );
            for problem in &self.problems {
                let _ = writeln!(
                    out,
                    "    <testcase classname=\"files\" name=\"{}\"><error message=\"{}\">{}</error></testcase>",
                    xml(&problem.file),
                    xml(&problem.diagnostic.title),
                    xml(&problem.render(false)),
                );
            }
            out.push_str("  </testsuite>\n");
        }
        out.push_str("</testsuites>\n");
        out
    }
}

impl Check {
    fn write(&self, out: &mut String) {
        let name = escape(self.name());
        if self.passed() {
            let _ = writeln!(out, "  {GOOD}ok{GOOD:#}    {name}  {DIM}{}{DIM:#}", self.what());
            return;
        }
        let place = match self.case {
            Some(_) => format!("  {DIM}{}:{}{DIM:#}", escape(&self.file), self.line),
            None => String::new(),
        };
        let _ = writeln!(out, "  {BAD}FAIL{BAD:#}  {name}{place}");
        if !self.about.is_empty() {
            let _ = writeln!(out, "        {DIM}{}{DIM:#}", escape(&self.about));
        }
        for failure in &self.failures {
            self.write_failure(out, failure);
        }
    }

    fn write_failure(&self, out: &mut String, failure: &Failure) {
        let _ = writeln!(out, "        {}", escape(&failure.title));
        for line in self.detail(failure).lines() {
            let style = match line.as_bytes() {
                [b'-'] | [b'-', b' ', ..] => OLD,
                [b'+'] | [b'+', b' ', ..] => NEW,
                _ => Style::new(),
            };
            let line = format!("          {style}{line}{style:#}");
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }

    /// What tells more about a failure.
    fn detail(&self, failure: &Failure) -> String {
        match &self.proposal {
            Some(proposal) if failure.kind.is_of_snapshot() => proposal.diff(),
            _ => failure.detail.clone(),
        }
    }

    /// `2 alerts, 11 runs`
    fn what(&self) -> String {
        let alerts = alerts(self.alerts);
        if self.runs > 1 { format!("{alerts}, {} runs", self.runs) } else { alerts }
    }

    fn to_json(&self) -> Json {
        let failures = self.failures.iter().map(|failure| {
            json!({
                "kind": failure.kind.name(), "title": failure.title, "detail": self.detail(failure),
            })
        });
        json!({
            "rule_file": self.rule, "file": self.file, "line": self.line, "case": self.case,
            "about": self.about, "passed": self.passed(), "alerts": self.alerts, "runs": self.runs,
            "failures": failures.collect::<Vec<_>>(),
        })
    }

    fn write_junit(&self, out: &mut String) {
        let (rule, name) = (xml(&self.rule), xml(self.name()));
        let (file, line) = (xml(&self.file), self.line);
        let _ = write!(
            out,
            "    <testcase classname=\"{rule}\" name=\"{name}\" file=\"{file}\" line=\"{line}\""
        );
        let Some(first) = self.failures.first() else {
            out.push_str("/>\n");
            return;
        };
        // Most readers show one failure of a case only.
        let text = self.failures.iter().fold(String::new(), |text, failure| {
            format!("{text}{}\n{}", failure.title, self.detail(failure))
        });
        let _ = writeln!(
            out,
            ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
            first.kind.name(),
            xml(&first.title),
            xml(&text)
        );
    }
}

/// Text in XML, which has no control characters at all.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(one_character) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
