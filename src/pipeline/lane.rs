//! One source on its way to ordered events: lines → records → groups → order.
//!
//! A lane is fed blocks and gives groups in [`Ordinal`] order. Several lanes are merged by the order of
//! their next group, so that logs of several hosts run as one stream.

use std::collections::VecDeque;

use crate::event::{Coalescer, Group};
use crate::time::{Ordinal, Timestamp};

use super::lines::Lines;
use super::read::Read1;
use super::{MalformedLine, ReadFailure, Settings};
use crate::engine::{Loss, LossKind, Released, Reorder, ReorderStats};

/// See the module page.
#[derive(Debug)]
pub(super) struct Lane {
    source: u32,
    lines: Lines,
    coalescer: Coalescer,
    order: Reorder<Group>,
    /// Late groups, to be handed out before anything else.
    late: VecDeque<Released<Group>>,
    arrivals: u64,
    /// The file being read.
    file: String,
    pub(super) failures: Vec<ReadFailure>,
    /// The first malformed lines, with the file they stand in.
    pub(super) malformed: Vec<MalformedLine>,
    malformed_seen: usize,
    gaps_seen: u64,
    malformed_noted: u64,
    pub(super) bytes: u64,
}

impl Lane {
    pub(super) fn new(source: u32, settings: &Settings) -> Self {
        Self {
            source,
            lines: Lines::default(),
            coalescer: Coalescer::new(settings.coalesce),
            order: Reorder::new(settings.lateness, settings.max_reordered),
            late: VecDeque::new(),
            arrivals: 0,
            file: String::new(),
            failures: Vec::new(),
            malformed: Vec::new(),
            malformed_seen: 0,
            gaps_seen: 0,
            malformed_noted: 0,
            bytes: 0,
        }
    }

    /// Takes in what the reader gave.
    pub(super) fn feed(&mut self, read: Read1) {
        match read {
            Read1::Block(block) => {
                self.bytes += block.len() as u64;
                let (coalescer, source) = (&mut self.coalescer, self.source);
                self.lines.feed(&block, &mut |number, line| {
                    coalescer.push(source, number, line);
                });
            }
            Read1::File(name) => {
                self.end_file();
                self.file = name;
                self.lines.start();
            }
            Read1::Failed { name, why } => {
                self.end_file();
                self.failures.push(ReadFailure { name, why });
            }
        }
        self.name_malformed();
        self.collect();
    }

    fn end_file(&mut self) {
        let (coalescer, source) = (&mut self.coalescer, self.source);
        self.lines.finish(&mut |number, line| coalescer.push(source, number, line));
        self.name_malformed();
    }

    /// Gives malformed lines the name of the file being read: the coalescer knows only its number.
    fn name_malformed(&mut self) {
        let lines = self.coalescer.stats().malformed_lines();
        for line in lines.get(self.malformed_seen..).unwrap_or_default() {
            self.malformed.push(MalformedLine {
                file: self.file.clone(),
                line: line.line,
                why: line.reason.to_string(),
            });
        }
        self.malformed_seen = lines.len();
    }

    /// Calls `each` for every loss since the last call.
    pub(super) fn take_losses(&mut self, each: &mut impl FnMut(Loss)) {
        let stats = self.coalescer.stats();
        if stats.gaps > self.gaps_seen {
            let new = usize::try_from(stats.gaps - self.gaps_seen).unwrap_or(usize::MAX);
            let known = stats.gap_list().count();
            for gap in stats.gap_list().skip(known.saturating_sub(new)) {
                let count = u64::from(gap.lost);
                each(Loss { kind: LossKind::Gap, from: gap.after, to: gap.before, count });
            }
            self.gaps_seen = stats.gaps;
        }
        if stats.malformed > self.malformed_noted {
            let count = stats.malformed - self.malformed_noted;
            self.malformed_noted = stats.malformed;
            // A line without a time stands somewhere between what was read before and after it.
            let to = self.order.latest().unwrap_or(Timestamp::MIN);
            let from = self.order.watermark().min(to);
            each(Loss { kind: LossKind::Malformed, from, to, count });
        }
    }

    /// The input has ended: everything still open is complete, and nothing earlier will come.
    pub(super) fn finish(&mut self) {
        self.end_file();
        self.coalescer.finish();
        self.collect();
        self.order.advance(Timestamp::MAX);
    }

    /// Nothing more is there to be read just now. What is complete and earlier than everything still
    /// open is in order as far as anybody can know.
    pub(super) fn settle(&mut self) {
        let Some(latest) = self.order.latest() else { return };
        match self.coalescer.oldest_open() {
            // Of the time of an open event something may be missing.
            Some(open) if open <= latest => self.order.advance(open),
            _ => self.order.settle(latest),
        }
    }

    /// Closes what is open: the live source has been silent for longer than an event takes.
    pub(super) fn close_open(&mut self) {
        self.coalescer.finish();
        self.collect();
    }

    /// Its number.
    pub(super) fn source(&self) -> u32 {
        self.source
    }

    /// The next group in order.
    pub(super) fn pop(&mut self) -> Option<Released<Group>> {
        if let Some(late) = self.late.pop_front() {
            return Some(late);
        }
        self.order.pop()
    }

    /// Gives a group's memory back.
    pub(super) fn recycle(&mut self, group: Group) {
        self.coalescer.recycle(group);
    }

    /// Nothing earlier than this will come from here, but for late events.
    pub(super) fn watermark(&self) -> Timestamp {
        self.order.watermark()
    }

    pub(super) fn order_stats(&self) -> ReorderStats {
        self.order.stats()
    }

    pub(super) fn coalescer(&self) -> &Coalescer {
        &self.coalescer
    }

    /// Moves complete groups from the coalescer into the reorder buffer.
    fn collect(&mut self) {
        while let Some(group) = self.coalescer.pop() {
            let id = group.id();
            self.arrivals += 1;
            let ordinal = Ordinal::new(id.time, Some(u64::from(id.serial)), self.arrivals);
            self.late.extend(self.order.push(ordinal, group));
        }
    }
}
