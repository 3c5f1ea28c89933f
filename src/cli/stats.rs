//! What a run cost, told on standard error: `--stats`.
//!
//! In: the report of a measured run and how long it took. Out: text for people, or one JSON object in one
//! line (docs/stats.schema.json). Shown also with `--quiet`: somebody has asked for it.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::args::StatsFormat;
use super::output::message;
use crate::digits::grouped;
use crate::escape::escape;
use crate::pipeline::{Costs, Phase, Report};

/// Rules that are told of.
const DEAREST: usize = 10;

/// What a run cost, in the order in which it is told.
#[derive(Debug, Serialize)]
struct Stats<'a> {
    seconds: f64,
    bytes: u64,
    records: u64,
    events: u64,
    bytes_per_second: f64,
    events_per_second: f64,
    /// Events timed phase by phase.
    sampled_events: u64,
    phases: Vec<Part>,
    /// Events that no rule can use, and their share of all.
    skipped: Counted,
    /// Values whose tests were remembered, and their share of those looked up.
    remembered: Counted,
    /// The dearest first.
    rules: Vec<RuleCost<'a>>,
}

#[derive(Debug, Serialize)]
struct Part {
    phase: &'static str,
    seconds: f64,
    share: f64,
}

#[derive(Debug, Serialize)]
struct Counted {
    count: u64,
    of: u64,
    share: f64,
}

#[derive(Debug, Serialize)]
struct RuleCost<'a> {
    id: &'a str,
    name: &'a str,
    seconds: f64,
    share: f64,
    /// How often an event satisfied one of its stages.
    steps: u64,
    begun: u64,
    alerts: u64,
}

/// The clock by which phases are measured.
pub(super) fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Tells what a run cost.
pub(super) fn show(report: &Report, elapsed: Duration, format: StatsFormat) {
    let Some(costs) = &report.costs else { return };
    let costs = (**costs).clone().within(elapsed);
    let stats = Stats::new(report, &costs, elapsed.as_secs_f64());
    match format {
        StatsFormat::Text => message(stats.text().trim_end()),
        StatsFormat::Json => message(&serde_json::to_string(&stats).unwrap_or_default()),
    }
}

/// `part` of `whole`, from 0 to 1.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for people and programs that compare, not to count on"
)]
fn float(number: u64) -> f64 {
    number as f64
}

/// Without what is behind the point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no less than 0, and for people"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn counted(count: u64, of: u64) -> Counted {
    Counted { count, of, share: share(float(count), float(of)) }
}

impl<'a> Stats<'a> {
    fn new(report: &'a Report, costs: &Costs, seconds: f64) -> Self {
        let part = |phase: &'static str, spent: f64| Part {
            phase,
            seconds: spent,
            share: share(spent, seconds),
        };
        let known = Phase::ALL.iter().map(|phase| (phase.name(), costs.of(*phase).as_secs_f64()));
        let mut phases: Vec<Part> = known.map(|(name, spent)| part(name, spent)).collect();
        let sum: f64 = phases.iter().map(|part| part.seconds).sum();
        phases.push(part("rest", (seconds - sum).max(0.0)));
        let mut rules: Vec<RuleCost<'a>> = report
            .rules
            .iter()
            .zip(&costs.rules)
            .map(|(rule, spent)| RuleCost {
                id: &rule.id,
                name: &rule.name,
                seconds: spent.as_secs_f64(),
                share: share(spent.as_secs_f64(), seconds),
                steps: rule.stats.reached.iter().sum(),
                begun: rule.stats.begun,
                alerts: rule.alerts,
            })
            .filter(|rule| rule.steps > 0)
            .collect();
        rules.sort_by(|a, b| {
            let spent = b.seconds.total_cmp(&a.seconds);
            spent.then_with(|| Reverse(a.steps).cmp(&Reverse(b.steps))).then_with(|| a.id.cmp(b.id))
        });
        rules.truncate(DEAREST);
        let (remembered, looked_up) = costs.remembered;
        Self {
            seconds,
            bytes: report.bytes,
            records: report.records,
            events: report.events,
            bytes_per_second: share(float(report.bytes), seconds),
            events_per_second: share(float(report.events), seconds),
            sampled_events: costs.sampled,
            phases,
            skipped: counted(costs.passed, report.events),
            remembered: counted(remembered, looked_up),
            rules,
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "catena: {} events in {:.2} s in one thread: {} events/s, {:.0} MB/s",
            grouped(self.events),
            self.seconds,
            grouped(whole(self.events_per_second)),
            self.bytes_per_second / 1e6,
        );
        for Part { phase, seconds, share } in &self.phases {
            let _ = writeln!(out, "  {phase:<10} {seconds:>9.3} s {:>5.1} %", share * 100.0);
        }
        let line = |of: &Counted| {
            format!("{} of {} ({:.1} %)", grouped(of.count), grouped(of.of), of.share * 100.0)
        };
        let _ = writeln!(out, "  events that no rule can use: {}", line(&self.skipped));
        let _ = writeln!(out, "  values with tests remembered: {}", line(&self.remembered));
        if !self.rules.is_empty() {
            let _ = writeln!(
                out,
                "  {:>9}   {:>5}   {:>12} {:>10} {:>8}  rule",
                "machine", "share", "steps", "begun", "alerts"
            );
        }
        for rule in &self.rules {
            let _ = writeln!(
                out,
                "  {:>9.3} s {:>5.1} % {:>12} {:>10} {:>8}  {}",
                rule.seconds,
                rule.share * 100.0,
                grouped(rule.steps),
                grouped(rule.begun),
                grouped(rule.alerts),
                escape(rule.name),
            );
        }
        out
    }
}
