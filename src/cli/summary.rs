//! What is said on standard error when a run has ended.

use std::time::Duration;

use super::args::{Output, Run};
use super::exit::Exit;
use super::output::message;
use crate::pipeline::Report;

/// Tells what was read and found, and everything that could not be read or was lost.
pub(super) fn show(report: &Report, elapsed: Duration, output: &Output) {
    for refusal in &report.refusals {
        message(&format!("catena: error: {}: {}", visible(&refusal.name), visible(&refusal.why)));
    }
    for failure in &report.failures {
        message(&format!("catena: error: {}: {}", visible(&failure.name), visible(&failure.why)));
    }
    if output.quiet {
        return;
    }
    for line in &report.malformed_lines {
        let file = visible(&line.file);
        message(&format!("catena: {file}:{}: skipped: {}", line.line, visible(&line.why)));
    }
    let told = report.malformed_lines.len() as u64;
    if report.malformed > told {
        message(&format!("catena: {} more malformed lines", count(report.malformed - told)));
    }
    for loss in losses(report) {
        message(&format!("catena: warning: {loss}"));
    }
    let seconds = elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people, two digits")]
    let speed = report.bytes as f64 / 1e6 / seconds.max(1e-9);
    message(&format!(
        "catena: {} lines, {} records, {} events, {} skipped, {} malformed, {} in {seconds:.2} s ({speed:.0} MB/s)",
        count(report.lines),
        count(report.records),
        count(report.events),
        count(report.skipped),
        count(report.malformed),
        plural(report.alerts, "alert"),
    ));
}

/// Everything that was lost or doubtful, in words.
fn losses(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    let mut tell = |number: u64, what: &str| {
        if number > 0 {
            out.push(format!("{} {what}", count(number)));
        }
    };
    tell(report.gaps.1, "serial numbers missing: events were lost before the log was written");
    tell(report.kernel_lost, "records lost by the kernel, as it says itself");
    for (cause, number) in &report.incomplete {
        tell(*number, &format!("events incomplete: {cause}"));
    }
    tell(report.late_records, "records dropped: their event had been completed before they came");
    tell(report.duplicates, "events dropped: they came twice");
    tell(report.dropped, "records dropped: their event had too many");
    tell(report.order.late, "events came later than --lateness allows; used, but out of order");
    tell(report.order.forced, "events put in order early: the reorder buffer was full");
    tell(report.order.clamped, "time stamps far in the future were not believed");
    tell(report.engine.evicted, "partial matches given up for lack of memory, see --state-limit");
    tell(report.engine.cut_short, "events with too many values to try all combinations");
    tell(report.processes.forgotten, "processes forgotten: more than 32,768 at once");
    out
}

/// The exit code that a finished run asks for.
pub(super) fn exit(report: &Report, run: &Run) -> Exit {
    if report.has_failures() {
        Exit::Unreadable
    } else if run.strict && report.has_losses() {
        Exit::Incomplete
    } else if run.fail_on_alert && report.alerts > 0 {
        Exit::Findings
    } else {
        Exit::Fine
    }
}

/// Names of files may hold anything; a terminal must not obey them.
fn visible(text: &str) -> String {
    crate::alert::escape(text)
}

/// A number with commas.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with what it counts.
pub(super) fn plural(number: u64, word: &str) -> String {
    format!("{} {word}{}", count(number), if number == 1 { "" } else { "s" })
}
