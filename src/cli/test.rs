//! `catena test`: rules over the logs of their cases.
//!
//! Results go to standard output; problems with files, questions and the summary to standard error.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::args::{Test, TestFormat};
use super::event_fields;
use super::exit::Exit;
use super::output::{message, print, show_problem, stderr_color, stdout_color};
use super::replay::write_exit;
use super::summary::plural;
use crate::digits::grouped;
use crate::escape::escape;
use crate::prove::{self, Check, Kind, Options, Report};

/// How often `--watch` looks at the files.
const LOOK: Duration = Duration::from_millis(300);
/// Most files that `--watch` looks at.
const MAX_WATCHED: usize = 50_000;

pub(super) fn run(arguments: &Test) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let jobs = arguments.jobs.count();
    let options = Options { cross: arguments.cross, jobs, schema: Arc::new(schema) };
    let here = vec![PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { &here } else { &arguments.paths };
    if !arguments.watch {
        return once(arguments, paths, &options);
    }
    loop {
        // What changes while the cases run is seen behind them.
        let before = stamps(paths);
        once(arguments, paths, &options);
        if !arguments.quiet {
            message("catena: waiting for a change");
        }
        while stamps(paths) == before {
            std::thread::sleep(LOOK);
        }
    }
}

/// When files changed, and how long they are. Logs elsewhere are not seen.
fn stamps(paths: &[PathBuf]) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
    let walk = |path: &PathBuf| walkdir::WalkDir::new(path).follow_links(true).into_iter();
    let files = paths.iter().flat_map(walk).flatten().take(MAX_WATCHED);
    let stamp = |entry: walkdir::DirEntry| {
        let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((entry.into_path(), (meta.modified().ok(), meta.len())))
    };
    // A test file named alone has its rule and its logs beside it.
    let folders = paths.iter().filter(|path| path.is_file()).filter_map(|path| path.parent());
    let beside = folders.flat_map(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        walkdir::WalkDir::new(folder).max_depth(2).into_iter().flatten().take(MAX_WATCHED)
    });
    files.chain(beside).filter_map(stamp).collect()
}

fn once(arguments: &Test, paths: &[PathBuf], options: &Options) -> Exit {
    let started = Instant::now();
    let mut report = prove::prove(paths, options);
    let mut settled = Settled::default();
    if arguments.accept {
        settled.accept(&mut report);
    }
    let color = stderr_color(arguments.color);
    if arguments.format != TestFormat::Github {
        report.problems.iter().for_each(|problem| show_problem(problem, color));
    }
    let text = match arguments.format {
        TestFormat::Text => {
            let text = report.to_text(arguments.quiet);
            match stdout_color(arguments.color) {
                true => text,
                false => anstream::adapter::strip_str(&text).to_string(),
            }
        }
        TestFormat::Json => format!("{:#}\n", report.to_json()),
        TestFormat::Github => report.to_github(),
    };
    let mut exit = write_exit(print(&text));
    if arguments.review {
        settled.review(&mut report, color);
    }
    if let Some(path) = &arguments.junit
        && let Err(error) = std::fs::write(path, report.to_junit())
    {
        let name = escape(&path.display().to_string());
        message(&format!("catena: error: {name}: {error}"));
        exit = Exit::Unreadable;
    }
    if !arguments.quiet {
        summary(&report, &settled, started.elapsed());
    }
    let counts = report.counts();
    let nothing = report.checks.is_empty() && report.problems.is_empty();
    if nothing {
        message("catena: no rules found (rule files end in .toml, .eql or .ndjson)");
    }
    exit.min(settled.exit()).min(match counts {
        _ if counts.problems > 0 || nothing => Exit::BadRules,
        _ if counts.failed > 0 => Exit::Findings,
        _ => Exit::Fine,
    })
}

fn summary(report: &Report, settled: &Settled, elapsed: Duration) {
    let counts = report.counts();
    let passed = counts.cases.saturating_sub(failed_cases(report));
    let mut told = format!(
        "{}: {} passed, {} failed; {}",
        plural(counts.cases as u64, "case"),
        grouped(passed as u64),
        grouped(failed_cases(report) as u64),
        plural(counts.runs as u64, "run"),
    );
    let files = counts.failed.saturating_sub(failed_cases(report));
    for (count, what) in [(files, "other failure"), (counts.problems, "error")] {
        if count > 0 {
            told.push_str(&format!(", {}", plural(count as u64, what)));
        }
    }
    for (count, what) in [
        (settled.accepted, "accepted"),
        (settled.removed, "removed"),
        (settled.refused, "refused"),
        (settled.skipped, "skipped"),
    ] {
        if count > 0 {
            told.push_str(&format!(", {} {what}", plural(count, "snapshot")));
        }
    }
    message(&format!("catena: {told} in {:.2} s", elapsed.as_secs_f64()));
    let open = report.checks.iter().filter(|check| check.proposal.is_some()).count();
    if open > 0 && settled.refused + settled.skipped == 0 {
        message("catena: look at snapshots one by one with --review, take all with --accept");
    }
}

fn failed_cases(report: &Report) -> usize {
    report.checks.iter().filter(|check| check.case.is_some() && !check.passed()).count()
}

/// What was decided about snapshots.
#[derive(Default)]
struct Settled {
    accepted: u64,
    removed: u64,
    refused: u64,
    skipped: u64,
    broken: bool,
}

impl Settled {
    /// Carries out what a check proposes; the failure that asked for it is none any more.
    fn carry_out(&mut self, check: &mut Check) {
        let Some(proposal) = check.proposal.take() else { return };
        match proposal.carry_out() {
            Ok(()) => {
                match proposal.new {
                    Some(_) => self.accepted += 1,
                    None => self.removed += 1,
                }
                check.failures.retain(|failure| !failure.kind.is_of_snapshot());
                // It says why there is no alert, which is now what is wanted.
                if check.failures.iter().all(|failure| failure.kind == Kind::Why) {
                    check.failures.clear();
                }
            }
            Err(error) => {
                let name = escape(&proposal.path.display().to_string());
                message(&format!("catena: error: {name}: {error}"));
                self.broken = true;
                check.proposal = Some(proposal);
            }
        }
    }

    fn accept(&mut self, report: &mut Report) {
        report.checks.iter_mut().for_each(|check| self.carry_out(check));
        // A file that only held what was removed has no failure left.
        report.checks.retain(|check| check.case.is_some() || !check.passed());
    }

    /// Asks about each proposal. The end of input skips the rest.
    fn review(&mut self, report: &mut Report, color: bool) {
        let mut answers = std::io::stdin().lock().lines();
        for check in &mut report.checks {
            let Some(proposal) = &check.proposal else { continue };
            let verb = match (&proposal.old, &proposal.new) {
                (_, None) => "remove the unused",
                (None, _) => "write the new",
                _ => "write the changed",
            };
            let path = escape(&proposal.path.display().to_string());
            message(&format!("\n{path}\n{}", painted(&proposal.diff(), color)));
            loop {
                message(&format!("{verb} snapshot? y(es), n(o), s(kip)"));
                let answer = answers.next().and_then(Result::ok);
                match answer.as_deref().map(str::trim) {
                    Some("y" | "yes") => self.carry_out(check),
                    Some("n" | "no") => self.refused += 1,
                    Some("s" | "skip") | None => self.skipped += 1,
                    Some(_) => continue,
                }
                break;
            }
        }
        report.checks.retain(|check| check.case.is_some() || !check.passed());
    }

    fn exit(&self) -> Exit {
        if self.broken { Exit::Unreadable } else { Exit::Fine }
    }
}

fn painted(diff: &str, color: bool) -> String {
    use anstyle::{AnsiColor, Style};
    let paint = |line: &str| {
        let style = match line.as_bytes().first() {
            Some(b'-') if color => AnsiColor::Red.on_default(),
            Some(b'+') if color => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        format!("{style}{line}{style:#}\n")
    };
    diff.lines().map(paint).collect()
}
