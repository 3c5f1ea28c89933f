//! What is said on standard error when a run has ended.

use std::time::Duration;

use super::args::{Output, Run};
use super::exit::Exit;
use super::output::message;
use crate::digits::grouped;
use crate::pipeline::Report;
use crate::translate::Form;

/// Tells what was read and found, and everything that could not be read or was lost.
pub(super) fn show(report: &Report, elapsed: Duration, output: &Output) {
    show_found(report, elapsed, output.quiet, &plural(report.alerts, "alert"));
}

/// The same for a run that looked for something else than alerts: `found` says what it found.
pub(super) fn show_found(report: &Report, elapsed: Duration, quiet: bool, found: &str) {
    for refusal in &report.refusals {
        let why = visible(&refusal.why);
        message(&format!("catena: error: {}: {}", visible(&refusal.name), plain(&why)));
    }
    for failure in &report.failures {
        let why = visible(&failure.why);
        message(&format!("catena: error: {}: {}", visible(&failure.name), plain(&why)));
    }
    if quiet {
        return;
    }
    for line in held(report) {
        message(&format!("catena: {line}"));
    }
    for line in &report.malformed_lines {
        let file = visible(&line.file);
        message(&format!("catena: {file}:{}: skipped: {}", line.line, visible(&line.why)));
    }
    let told = report.malformed_lines.len() as u64;
    if report.malformed > told {
        message(&format!("catena: {} more malformed lines", grouped(report.malformed - told)));
    }
    for loss in losses(report) {
        message(&format!("catena: warning: {loss}"));
    }
    for host in &report.unmatched_names {
        let host = visible(host);
        message(&format!("catena: warning: --passwd {host}: no event is of a host of that name"));
    }
    let seconds = elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people, two digits")]
    let speed = report.bytes as f64 / 1e6 / seconds.max(1e-9);
    message(&format!(
        "catena: {} lines, {} records, {} events, {} skipped, {} malformed, {found} in {seconds:.2} s ({speed:.0} MB/s)",
        grouped(report.lines),
        grouped(report.records),
        grouped(report.events),
        grouped(report.skipped),
        grouped(report.malformed),
    ));
}

/// Inputs whose content is told one by one.
const MOST_INPUTS: usize = 8;

/// What the inputs held, in words.
fn held(report: &Report) -> Vec<String> {
    let known = report.inputs.iter().filter(|input| !input.lines.is_empty());
    let known: Vec<_> = known.collect();
    let mut out = Vec::new();
    for input in known.iter().take(MOST_INPUTS) {
        let forms: Vec<String> = match input.lines.as_slice() {
            [(form, _)] => vec![form.about().to_owned()],
            several => several
                .iter()
                .map(|(form, count)| format!("{} ({})", form.about(), plural(*count, "line")))
                .collect(),
        };
        out.push(format!("{}: {}", visible(&input.name), forms.join(", ")));
    }
    if known.len() > MOST_INPUTS {
        let more = plural((known.len() - MOST_INPUTS) as u64, "more input");
        let mut forms: Vec<&str> = Vec::new();
        for (form, _) in known.iter().skip(MOST_INPUTS).flat_map(|input| &input.lines) {
            if !forms.contains(&form.about()) {
                forms.push(form.about());
            }
        }
        out.push(format!("{more}: {}", forms.join(", ")));
    }
    out
}

/// Everything that was lost or doubtful, in words.
fn losses(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    let mut tell = |number: u64, noun: &str, what: &str| {
        if number > 0 {
            out.push(format!("{} {what}", plural(number, noun)));
        }
    };
    let words = report.inputs.iter().flat_map(|input| &input.lines);
    let words = words.filter(|(form, _)| *form == Form::Interpreted).map(|(_, count)| count).sum();
    tell(
        words,
        "line",
        "read from interpreted text: dates are local and month first where that is open, values with \
         blanks may be split wrongly, names are no ids",
    );
    let (gaps, serials) = report.gaps;
    if gaps > 0 {
        tell(serials, "serial number", "missing: events were lost before the log was written");
    }
    tell(report.kernel_lost, "record", "lost by the kernel, as it says itself");
    for (cause, number) in &report.incomplete {
        tell(*number, "event", &format!("incomplete: {cause}"));
    }
    tell(report.untimed, "event", "without a time: not offered to sequences");
    tell(report.cut, "event", "cut: more values than one event may have, or nested too deep");
    tell(report.late_records, "record", "dropped: came after the event had been completed");
    tell(report.duplicates, "event", "dropped: came twice");
    tell(report.dropped, "record", "dropped: the event had too many");
    tell(report.overflow.0, "line", "dropped: came faster than they could be matched, see --queue");
    tell(report.breaks, "break", "in the live source: what came in them is not known");
    tell(report.order.late, "event", "later than --lateness allows: used, but out of order");
    tell(report.order.forced, "event", "put in order early: the reorder buffer was full");
    tell(report.order.clamped, "time stamp", "far in the future: not believed");
    tell(report.engine.evicted, "partial match", "given up for lack of memory, see --state-limit");
    tell(report.engine.cut_short, "event", "with too many values to try all combinations");
    tell(report.engine.overflowed, "match", "passed by a pipe that could hold no more");
    tell(report.processes.forgotten, "process", "forgotten: too many at once");
    out
}

/// The exit code that a finished run asks for.
pub(super) fn exit(report: &Report, run: &Run) -> Exit {
    match exit_read(report, run.strict) {
        Exit::Fine if run.fail_on_alert && report.alerts > 0 => Exit::Findings,
        exit => exit,
    }
}

/// The exit code that follows from what was read.
pub(super) fn exit_read(report: &Report, strict: bool) -> Exit {
    if report.has_failures() {
        Exit::Unreadable
    } else if strict && report.has_losses() {
        Exit::Incomplete
    } else {
        Exit::Fine
    }
}

/// Names of files may hold anything; a terminal must not obey them.
fn visible(text: &str) -> String {
    crate::escape::escape(text)
}

/// The system's message without its number, in lower case like all others.
pub(super) fn plain(why: &str) -> String {
    let text = why.split(" (os error").next().unwrap_or(why);
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// A number with what it counts.
pub(super) fn plural(number: u64, word: &str) -> String {
    let ending = match number {
        1 => "",
        _ if word.ends_with('s') || word.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {word}{ending}", grouped(number))
}
