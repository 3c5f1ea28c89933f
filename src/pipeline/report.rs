//! What a run read, lost and found.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use super::Refusal;
use super::lane::{Mark, Tally};
use super::meter::Costs;
use super::session::Session;
use crate::engine::{EngineStats, ReorderStats, RuleStats};
use crate::event::Incomplete;
use crate::plan::RuleIx;
use crate::process::TableStats;
use crate::time::Timestamp;
use crate::translate::Form;

/// Counters of a run in progress, shared with whoever shows them.
#[derive(Debug, Clone, Default)]
pub struct Live {
    bytes: Arc<AtomicU64>,
    alerts: Arc<DashMap<RuleIx, u64>>,
}

impl Live {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn add_bytes(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn add_alerts(&self, fresh: &mut FreshAlerts) {
        for rule in fresh.rules.drain(..) {
            let count = fresh.counts.get_mut(rule.index()).map(std::mem::take);
            *self.alerts.entry(rule).or_default() += count.unwrap_or_default();
        }
    }

    /// Bytes read so far, after decompression.
    pub fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Alerts so far.
    pub fn alerts(&self) -> u64 {
        self.alerts.iter().map(|entry| *entry.value()).sum()
    }

    /// Alerts so far by rule.
    pub fn alerts_of(&self, rule: RuleIx) -> u64 {
        self.alerts.get(&rule).map_or(0, |count| *count)
    }
}

/// Alerts that are not among the counters yet: where there are many, one by one would cost as much as the
/// machines that found them.
#[derive(Debug, Default)]
pub(super) struct FreshAlerts {
    /// By rule.
    counts: Vec<u64>,
    /// Those that have any.
    rules: Vec<RuleIx>,
}

impl FreshAlerts {
    pub(super) fn add(&mut self, rule: RuleIx) {
        if rule.index() >= self.counts.len() {
            self.counts.resize(rule.index() + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(rule.index()) {
            if *count == 0 {
                self.rules.push(rule);
            }
            *count += 1;
        }
    }
}

/// A file that could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFailure {
    /// The file.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A line that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedLine {
    /// The file.
    pub file: String,
    /// Its number in the file.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Serial numbers of one machine that never came, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostSerials {
    /// Number of the input.
    pub(super) source: u32,
    /// The machine as it names itself.
    pub(super) node: Option<Box<[u8]>>,
    /// The machine, as its events name it.
    pub host: String,
    /// How many.
    pub serials: u64,
    /// Time of the last event before them.
    pub after: Timestamp,
    /// Time of the first event behind them.
    pub before: Timestamp,
}

/// Largest gaps in the serial numbers that are told one by one.
const LARGEST: usize = 16;

/// Keeps the largest, in order of their size.
pub(super) fn keep_largest(gaps: &mut Vec<LostSerials>) {
    gaps.sort_by(|a, b| b.serials.cmp(&a.serials).then_with(|| a.after.cmp(&b.after)));
    gaps.truncate(LARGEST);
}

/// What the marks of one lane told.
#[derive(Debug, Clone, Default)]
pub(super) struct LaneReport {
    tally: Tally,
    failures: Vec<ReadFailure>,
    malformed: Vec<MalformedLine>,
    largest_gaps: Vec<LostSerials>,
}

impl LaneReport {
    /// Follows the lane to its next mark.
    pub(super) fn reach(&mut self, mark: Mark) {
        self.tally = mark.tally;
        self.failures.extend(mark.failures);
        self.malformed.extend(mark.malformed);
        if !mark.gaps.is_empty() {
            self.largest_gaps.extend(mark.gaps);
            keep_largest(&mut self.largest_gaps);
        }
    }
}

/// What the lines of one input were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputForms {
    /// The input.
    pub name: String,
    /// Lines by form, most first; only forms that were seen.
    pub lines: Vec<(Form, u64)>,
}

/// Everything a run has to say besides its alerts.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Inputs that could not be opened.
    pub refusals: Vec<Refusal>,
    /// Files that could not be read to their end.
    pub failures: Vec<ReadFailure>,
    /// What each input held.
    pub inputs: Vec<InputForms>,
    /// The first malformed lines.
    pub malformed_lines: Vec<MalformedLine>,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Records among them.
    pub records: u64,
    /// Lines that are no records and need not be: blank lines, separators, kernel messages.
    pub skipped: u64,
    /// Lines that should have been records.
    pub malformed: u64,
    /// Events.
    pub events: u64,
    /// Events without a time: offered to samples and single events, not to sequences.
    pub untimed: u64,
    /// JSON events of which values were left out: too many, too deep, or under too long a name.
    pub cut: u64,
    /// Events that lack records, by cause.
    pub incomplete: Vec<(&'static str, u64)>,
    /// Records that came after their event had been completed.
    pub late_records: u64,
    /// Events that came twice.
    pub duplicates: u64,
    /// End-of-event records among the records.
    pub ends: u64,
    /// Lines that were longer than a line may be.
    pub cut_lines: u64,
    /// How often serial numbers started over: a machine booted.
    pub boots: u64,
    /// The largest gaps in the serial numbers, the largest first; 16 at most.
    pub largest_gaps: Vec<LostSerials>,
    /// Gaps in the serial numbers, and the numbers missing in them.
    pub gaps: (u64, u64),
    /// Records that the kernel says it lost.
    pub kernel_lost: u64,
    /// Records dropped because their event had too many.
    pub dropped: u64,
    /// Lines and bytes of a live source that came faster than they could be matched and were dropped.
    pub overflow: (u64, u64),
    /// How often a live source went on behind something that could not be read: its file was
    /// truncated, or its connection ended.
    pub breaks: u64,
    /// The reorder buffers.
    pub order: ReorderStats,
    /// The engine.
    pub engine: EngineStats,
    /// The process table.
    pub processes: TableStats,
    /// Machines that names of users were given for and no event was of.
    pub unmatched_names: Vec<String>,
    /// Alerts.
    pub alerts: u64,
    /// By rule: name, alerts and what became of its partials.
    pub rules: Vec<RuleReport>,
    /// What its phases cost, when that was measured.
    pub costs: Option<Box<Costs>>,
}

/// How one rule fared.
#[derive(Debug, Clone)]
pub struct RuleReport {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Alerts.
    pub alerts: u64,
    /// What became of its partials.
    pub stats: RuleStats,
}

impl Report {
    pub(super) fn new(
        session: &Session,
        live: &Live,
        lanes: Vec<LaneReport>,
        names: Vec<String>,
        refusals: Vec<Refusal>,
    ) -> Self {
        let engine = session.engine();
        let rules = engine.rules().rules().iter().zip(0..).map(|(rule, index)| RuleReport {
            id: rule.id.clone(),
            name: rule.name.clone(),
            alerts: live.alerts_of(RuleIx(index)),
            stats: engine.rule_stats(RuleIx(index)).unwrap_or_default(),
        });
        let mut report = Self {
            refusals,
            engine: engine.stats(),
            processes: session.process_stats(),
            unmatched_names: session.unmatched_names(),
            alerts: live.alerts(),
            rules: rules.collect(),
            incomplete: Incomplete::ALL.iter().map(|cause| (cause.about(), 0)).collect(),
            ..Self::default()
        };
        for (lane, name) in lanes.into_iter().zip(names) {
            let forms = Form::ALL.iter().copied().zip(lane.tally.forms);
            let mut lines: Vec<_> = forms.filter(|(_, count)| *count > 0).collect();
            lines.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            report.inputs.push(InputForms { name, lines });
            report.add(lane);
        }
        keep_largest(&mut report.largest_gaps);
        for gap in &mut report.largest_gaps {
            let host = session.host(gap.source, gap.node.as_deref());
            gap.host = host.map_or_else(String::new, |host| host.name.to_string());
        }
        report.incomplete.push(("arguments missing", session.lost_arguments()));
        report.incomplete.retain(|(_, count)| *count > 0);
        report
    }

    fn add(&mut self, lane: LaneReport) {
        let tally = lane.tally;
        self.bytes += tally.bytes;
        self.lines += tally.lines;
        self.records += tally.records;
        self.skipped += tally.skipped;
        self.malformed += tally.malformed;
        self.events += tally.events;
        self.untimed += tally.untimed;
        self.cut += tally.cut;
        for (count, (_, sum)) in tally.incomplete.iter().zip(&mut self.incomplete) {
            *sum += count;
        }
        self.late_records += tally.late_records;
        self.duplicates += tally.duplicates;
        self.ends += tally.ends;
        self.cut_lines += tally.cut_lines;
        self.boots += tally.boots;
        self.gaps.0 += tally.gaps.0;
        self.gaps.1 += tally.gaps.1;
        self.kernel_lost += tally.kernel_lost;
        self.dropped += tally.dropped;
        self.overflow.0 += tally.overflow.0;
        self.overflow.1 += tally.overflow.1;
        self.breaks += tally.breaks;
        self.order.late += tally.order.late;
        self.order.clamped += tally.order.clamped;
        self.order.forced += tally.order.forced;
        self.failures.extend(lane.failures);
        self.malformed_lines.extend(lane.malformed);
        self.largest_gaps.extend(lane.largest_gaps);
    }

    /// Whether an input could not be read, in whole or in part.
    pub fn has_failures(&self) -> bool {
        !self.refusals.is_empty() || !self.failures.is_empty()
    }

    /// Whether anything was lost or doubtful, so that an alert could be missing or wrong.
    pub fn has_losses(&self) -> bool {
        let incomplete: u64 = self.incomplete.iter().map(|(_, count)| count).sum();
        let counts = [
            self.malformed,
            incomplete,
            self.late_records,
            self.untimed,
            self.cut,
            self.gaps.0,
            self.kernel_lost,
            self.dropped,
            self.overflow.0,
            self.breaks,
            self.order.late,
            self.order.forced,
            self.order.clamped,
            self.processes.forgotten,
            self.engine.evicted,
            self.engine.cut_short,
            self.engine.overflowed,
        ];
        counts.iter().any(|count| *count > 0)
    }
}
