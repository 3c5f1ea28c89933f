//! What was read, and what was lost or doubtful on the way from lines to events.
//!
//! In: counts by [`Coalescer`](super::Coalescer). Out: numbers for people and for alerts. Every loss
//! has a counter of its own; the first few malformed lines and the last gaps are kept with place.

use std::collections::VecDeque;

use crate::event::Incomplete;
use crate::record::HeadError;
use crate::time::Timestamp;

/// How many malformed lines are kept with their place.
const MALFORMED_KEPT: usize = 32;
/// How many gaps are kept with their place.
const GAPS_KEPT: usize = 1024;

/// A line that should have been a record and was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Its input.
    pub source: u32,
    /// Its number in that input.
    pub line: u64,
    /// What is wrong with it.
    pub reason: HeadError,
}

/// Serial numbers of one machine that never came: events were lost before the log was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The input.
    pub source: u32,
    /// The machine, numbered in order of first sight over all inputs.
    pub machine: u32,
    /// The first serial that is missing.
    pub first: u32,
    /// How many in a row are missing.
    pub lost: u32,
    /// Time of the last event before the gap.
    pub after: Timestamp,
    /// Time of the first event behind the gap.
    pub before: Timestamp,
}

/// Serial numbers that were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// From now on, until they come.
    Since(Gap),
    /// No longer: part of an earlier one has come, in its times.
    Came(Gap),
}

/// Counters of one [`Coalescer`](super::Coalescer).
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Lines pushed.
    pub lines: u64,
    /// Records among them, end-of-event records included.
    pub records: u64,
    /// Lines that are empty or separate events for people.
    pub blank: u64,
    /// Messages of the kernel about auditing that are not records.
    pub notices: u64,
    /// The highest `audit_lost=` among those messages: records the kernel says it has lost.
    pub kernel_lost: u64,
    /// Lines that should have been records and were dropped.
    pub malformed: u64,
    /// Lines that were longer than a line may be, and were cut.
    pub cut_lines: u64,
    /// Records dropped because their event had too many records or arguments.
    pub dropped: u64,
    /// Events completed.
    pub events: u64,
    /// Records that came when their event was already complete, dropped.
    pub late: u64,
    /// Events that came a second time, dropped.
    pub duplicate: u64,
    /// End-of-event records.
    pub ends: u64,
    /// End-of-event records without any other record of their event.
    pub lone_ends: u64,
    /// Gaps in the serial numbers.
    pub gaps: u64,
    /// Serial numbers missing in all gaps.
    pub lost: u64,
    /// Restarts of the serial numbers: the machine booted.
    pub boots: u64,
    /// Whether there were so many machines that gaps and late records of some went unnoticed.
    pub too_many_machines: bool,
    incomplete: [u64; Incomplete::ALL.len()],
    malformed_lines: Vec<Malformed>,
    gap_list: VecDeque<Gap>,
}

impl Stats {
    /// Completed events that may lack records, by cause.
    pub fn incomplete(&self, cause: Incomplete) -> u64 {
        self.incomplete.get(cause as usize).copied().unwrap_or(0)
    }

    /// Completed events that may lack records.
    pub fn incomplete_total(&self) -> u64 {
        self.incomplete.iter().sum()
    }

    /// The first malformed lines, 32 at most.
    pub fn malformed_lines(&self) -> &[Malformed] {
        &self.malformed_lines
    }

    /// The last gaps, 1024 at most, in order of decision.
    pub fn gap_list(&self) -> impl Iterator<Item = &Gap> {
        self.gap_list.iter()
    }

    pub(super) fn add_incomplete(&mut self, cause: Incomplete) {
        if let Some(count) = self.incomplete.get_mut(cause as usize) {
            *count += 1;
        }
    }

    pub(super) fn add_malformed(&mut self, line: Malformed) {
        self.malformed += 1;
        if self.malformed_lines.len() < MALFORMED_KEPT {
            self.malformed_lines.push(line);
        }
    }

    pub(super) fn add_gap(&mut self, gap: Gap) {
        self.gaps += 1;
        self.lost += u64::from(gap.lost);
        if self.gap_list.len() >= GAPS_KEPT {
            self.gap_list.pop_front();
        }
        self.gap_list.push_back(gap);
    }
}
