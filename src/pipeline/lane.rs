//! One source on its way to ordered events: lines → records → groups → order, or lines of JSON → order.
//!
//! A source whose first character is `{` holds JSON, one event a line; anything else is an audit log.
//! A lane is fed blocks and gives what becomes an event in [`Ordinal`] order. Several lanes are merged by the order of
//! their next group, so that logs of several hosts run as one stream.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::{Coalescer, Projection, Raw};
use crate::schema::Schema;
use crate::time::{Ordinal, Timestamp};

use super::json::{JsonLane, JsonStats, tiebreaker};
use super::lines::Lines;
use super::read::Read1;
use super::{MalformedLine, ReadFailure, Settings};
use crate::engine::{Loss, LossKind, Released, Reorder, ReorderStats};

/// Most bytes of JSON events that wait for their turn.
const MAX_JSON_BYTES: usize = 64 << 20;

/// See the module page.
#[derive(Debug)]
pub(super) struct Lane {
    source: u32,
    lines: Lines,
    coalescer: Coalescer,
    /// Its JSON, once it is known to hold any.
    json: Option<JsonLane>,
    /// The first character has been seen.
    known: bool,
    projection: Arc<Projection>,
    schema: Arc<Schema>,
    order: Reorder<Raw>,
    /// What is late or has no time, to be handed out before anything else.
    late: VecDeque<Released<Raw>>,
    /// Bytes of the JSON events in the reorder buffer.
    held: usize,
    arrivals: u64,
    /// The file being read.
    file: String,
    pub(super) failures: Vec<ReadFailure>,
    /// The first malformed lines, with the file they stand in.
    pub(super) malformed: Vec<MalformedLine>,
    malformed_seen: usize,
    json_malformed_seen: usize,
    gaps_seen: u64,
    malformed_noted: u64,
    pub(super) bytes: u64,
}

impl Lane {
    pub(super) fn new(source: u32, settings: &Settings, projection: &Arc<Projection>) -> Self {
        Self {
            source,
            lines: Lines::default(),
            coalescer: Coalescer::new(settings.coalesce),
            json: None,
            known: false,
            projection: projection.clone(),
            schema: settings.schema.clone(),
            order: Reorder::new(settings.lateness, settings.max_reordered),
            late: VecDeque::new(),
            held: 0,
            arrivals: 0,
            file: String::new(),
            failures: Vec::new(),
            malformed: Vec::new(),
            malformed_seen: 0,
            json_malformed_seen: 0,
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
                self.sniff(&block);
                let (coalescer, source) = (&mut self.coalescer, self.source);
                match &mut self.json {
                    Some(json) => self.lines.feed(&block, &mut |number, line| {
                        json.push(number, line);
                    }),
                    None => self.lines.feed(&block, &mut |number, line| {
                        coalescer.push(source, number, line);
                    }),
                }
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

    /// Finds out what kind of log the source is by its first character that is no blank.
    fn sniff(&mut self, block: &[u8]) {
        if self.known {
            return;
        }
        // A byte order mark in front of JSON says nothing.
        let text = block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block);
        if let Some(first) = text.iter().find(|byte| !byte.is_ascii_whitespace()) {
            self.known = true;
            if *first == b'{' {
                self.json = Some(JsonLane::new(&self.projection, &self.schema));
            }
        }
    }

    fn end_file(&mut self) {
        let (coalescer, source) = (&mut self.coalescer, self.source);
        match &mut self.json {
            Some(json) => self.lines.finish(&mut |number, line| json.push(number, line)),
            None => self.lines.finish(&mut |number, line| coalescer.push(source, number, line)),
        }
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
        let json = self.json.as_ref();
        for (line, why) in json.map_or(&[][..], |json| json.malformed(self.json_malformed_seen)) {
            self.json_malformed_seen += 1;
            self.malformed.push(MalformedLine {
                file: self.file.clone(),
                line: *line,
                why: why.clone(),
            });
        }
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
        let malformed = stats.malformed + self.json_stats().malformed;
        if malformed > self.malformed_noted {
            let count = malformed - self.malformed_noted;
            self.malformed_noted = malformed;
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

    /// What becomes the next event.
    pub(super) fn pop(&mut self) -> Option<Released<Raw>> {
        if let Some(late) = self.late.pop_front() {
            return Some(late);
        }
        let released = self.order.pop()?;
        if let Raw::Json(json) = &released.item {
            self.held = self.held.saturating_sub(json.size_bytes());
        }
        Some(released)
    }

    /// Gives its memory back.
    pub(super) fn recycle(&mut self, raw: Raw) {
        match (raw, &mut self.json) {
            (Raw::Audit(group), _) => self.coalescer.recycle(group),
            (Raw::Json(json), Some(lane)) => lane.recycle(json),
            (Raw::Json(_), None) => {}
        }
    }

    /// Nothing earlier than this will come from here, but for late events.
    pub(super) fn watermark(&self) -> Timestamp {
        self.order.watermark()
    }

    pub(super) fn order_stats(&self) -> ReorderStats {
        self.order.stats()
    }

    pub(super) fn json_stats(&self) -> JsonStats {
        self.json.as_ref().map_or_else(JsonStats::default, |json| json.stats)
    }

    pub(super) fn coalescer(&self) -> &Coalescer {
        &self.coalescer
    }

    /// Moves what is complete into the reorder buffer.
    fn collect(&mut self) {
        while let Some(group) = self.coalescer.pop() {
            let id = group.id();
            self.arrivals += 1;
            let ordinal = Ordinal::new(id.time, Some(u64::from(id.serial)), self.arrivals);
            self.late.extend(self.order.push(ordinal, Raw::Audit(group)));
        }
        let Some(lane) = &mut self.json else { return };
        while let Some(json) = lane.pop() {
            self.arrivals += 1;
            if let Some(time) = json.time() {
                let ordinal = Ordinal::new(time, tiebreaker(&json), self.arrivals);
                let bytes = json.size_bytes();
                match self.order.push(ordinal, Raw::Json(json)) {
                    Some(late) => self.late.push_back(late),
                    None => self.held += bytes,
                }
            } else {
                // Without a time it has no place in the order: it goes as it came.
                let time = self.order.latest().unwrap_or_default();
                let ordinal = Ordinal::new(time, None, self.arrivals);
                self.late.push_back(Released { ordinal, item: Raw::Json(json), late: false });
            }
            while self.held > MAX_JSON_BYTES
                && let Some(forced) = self.order.force()
            {
                self.held = self.held.saturating_sub(forced.item.size_bytes());
                self.late.push_back(forced);
            }
        }
    }
}
