//! [`Coalescer`]: gathers records into events.
//!
//! In: lines, in order, of any number of sources. Out: [`Group`]s in order of completion. Time is
//! log time only: what comes out never depends on how fast the lines are read.

use std::collections::VecDeque;

use crate::event::{Group, Malformed, Stats};
use crate::record::{HeadError, RecordType, head};
use crate::time::Timestamp;

/// Bounds of a [`Coalescer`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Events in flight; beyond that the oldest is let go as incomplete.
    pub in_flight: usize,
    /// Bytes of all events in flight; beyond that the oldest is let go as incomplete.
    pub in_flight_bytes: usize,
    /// Records of one event; more are dropped.
    pub records_per_event: usize,
    /// Bytes of the EXECVE records of one event; more are dropped.
    pub execve_bytes: usize,
    /// Bytes of one line; the rest is cut off.
    pub line_bytes: usize,
    /// Recently completed events remembered to tell late records and repeated events.
    pub done_ring: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 4096,
            in_flight_bytes: 32 << 20,
            records_per_event: 4096,
            execve_bytes: 12 << 20,
            line_bytes: 1 << 20,
            done_ring: 16_384,
        }
    }
}

/// Gathers records into events by source, machine, time and serial.
#[derive(Debug)]
pub struct Coalescer {
    limits: Limits,
    stats: Stats,
    open: Vec<Group>,
    ready: VecDeque<Group>,
}

impl Coalescer {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self { limits, stats: Stats::default(), open: Vec::new(), ready: VecDeque::new() }
    }

    /// Takes the next line of a source, without its newline.
    pub fn push(&mut self, source: u32, line_number: u64, line: &[u8]) {
        self.stats.lines += 1;
        let line = line.get(..self.limits.line_bytes).unwrap_or(line);
        let head = match head(line) {
            Ok(head) => head,
            Err(HeadError::Blank | HeadError::Separator) => {
                self.stats.blank += 1;
                return;
            }
            Err(HeadError::Notice(_)) => {
                self.stats.notices += 1;
                return;
            }
            Err(reason) => {
                self.stats.add_malformed(Malformed { source, line: line_number, reason });
                return;
            }
        };
        self.stats.records += 1;
        let found = self.open.iter().position(|group| {
            let id = group.id();
            (id.source, id.time, id.serial) == (source, head.time, head.serial)
                && group.node() == head.node
        });
        let at = found.unwrap_or_else(|| {
            let mut group = Group::new();
            group.begin(source, line_number, &head);
            self.open.push(group);
            self.open.len() - 1
        });
        if head.kind != RecordType::EOE
            && let Some(group) = self.open.get_mut(at)
        {
            group.push(&head);
        }
        if matches!(head.kind, RecordType::EOE | RecordType::PROCTITLE) || head.kind.is_single() {
            let group = self.open.remove(at);
            if !group.is_empty() {
                self.stats.events += 1;
                self.ready.push_back(group);
            }
        }
    }

    /// The next completed event, in order of completion.
    pub fn pop(&mut self) -> Option<Group> {
        self.ready.pop_front()
    }

    /// Takes back the memory of an event that is no longer needed.
    pub fn recycle(&mut self, _group: Group) {}

    /// The time of the earliest event still in flight.
    pub fn oldest_open(&self) -> Option<Timestamp> {
        self.open.iter().map(|group| group.id().time).min()
    }

    /// Completes every event in flight that happened before `time`.
    pub fn flush_older_than(&mut self, time: Timestamp) {
        let (old, open) =
            std::mem::take(&mut self.open).into_iter().partition(|group| group.id().time < time);
        self.open = open;
        let old: Vec<Group> = old;
        self.stats.events += old.len() as u64;
        self.ready.extend(old);
    }

    /// End of input: completes every event in flight in order of first sight.
    pub fn finish(&mut self) {
        self.stats.events += self.open.len() as u64;
        self.ready.extend(self.open.drain(..));
    }

    /// The counters so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}
