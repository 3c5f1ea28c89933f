//! Lines of JSON → events that wait for their turn.
//!
//! The counterpart of the coalescer: one line is one event, so there is nothing to gather. What is no
//! event is counted with its reason; memory of events that have run is used again.

use std::collections::VecDeque;
use std::path::Path;

use super::input::Source;
use super::lines::Lines;
use super::read::{Read1, Reader};
use super::{MalformedLine, ReadFailure};
use crate::event::{Json, JsonReader, Projection};
use crate::record::JsonError;
use crate::schema::Schema;
use crate::time::Timestamp;
use crate::value::Scalar;

/// What was read of a file of JSON events.
#[derive(Debug, Clone, Default)]
pub struct JsonReport {
    /// Lines.
    pub lines: u64,
    /// Events.
    pub events: u64,
    /// Lines that hold no event.
    pub malformed: u64,
    /// The first of them.
    pub malformed_lines: Vec<MalformedLine>,
    /// Events without a time.
    pub untimed: u64,
    /// Events of which values were left out.
    pub cut: u64,
    /// Why the file could not be read to its end.
    pub failure: Option<ReadFailure>,
}

/// Reads a file of JSON events, also compressed, `-` for standard input; calls `each` for every event
/// in the order of the file.
pub fn read_json(
    path: &Path,
    projection: &Projection,
    schema: &Schema,
    each: &mut impl FnMut(Json),
) -> JsonReport {
    let name = path.display().to_string();
    let files = if name == "-" { Vec::new() } else { vec![path.to_owned()] };
    let mut reader = Reader::new(Source { name: name.clone(), files });
    let mut lines = Lines::default();
    let mut lane = JsonLane::new(projection, schema);
    let mut report = JsonReport::default();
    while let Some(read) = reader.next() {
        match read {
            Read1::Block(block) => lines.feed(&block, &mut |number, line| lane.push(number, line)),
            Read1::File(_) | Read1::Notice(_) => {}
            Read1::Failed { name, why } => report.failure = Some(ReadFailure { name, why }),
        }
        while let Some(json) = lane.pop() {
            each(json);
        }
    }
    lines.finish(&mut |number, line| lane.push(number, line));
    while let Some(json) = lane.pop() {
        each(json);
    }
    let malformed = lane.malformed(0).iter();
    JsonReport {
        lines: lane.stats.lines,
        events: lane.stats.events,
        malformed: lane.stats.malformed,
        malformed_lines: malformed
            .map(|(line, why)| MalformedLine { file: name.clone(), line: *line, why: why.clone() })
            .collect(),
        untimed: lane.stats.untimed,
        cut: lane.stats.cut,
        ..report
    }
}

/// Malformed lines kept with their place.
const MALFORMED_KEPT: usize = 32;
/// Events whose memory is kept for others.
const SPARE: usize = 256;
/// An event that held more than this gives its memory back.
const SPARE_BYTES: usize = 64 << 10;

/// What the lines of a source were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JsonStats {
    pub(super) lines: u64,
    /// Blank lines, and others that need not be events.
    pub(super) blank: u64,
    pub(super) malformed: u64,
    pub(super) events: u64,
    /// Events without a time.
    pub(super) untimed: u64,
    /// Events of which values were left out.
    pub(super) cut: u64,
}

/// See the module page.
#[derive(Debug)]
pub(super) struct JsonLane {
    reader: JsonReader,
    spare: Vec<Json>,
    ready: VecDeque<Json>,
    /// The first malformed lines: number and reason.
    malformed: Vec<(u64, String)>,
    pub(super) stats: JsonStats,
}

impl JsonLane {
    pub(super) fn new(projection: &Projection, schema: &Schema) -> Self {
        Self {
            reader: JsonReader::new(projection, schema),
            spare: Vec::new(),
            ready: VecDeque::new(),
            malformed: Vec::new(),
            stats: JsonStats::default(),
        }
    }

    /// Makes a line an event, which is not taken in yet.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Json, JsonError> {
        let mut json = self.spare.pop().unwrap_or_default();
        match self.reader.read(line, &mut json) {
            Ok(()) => Ok(json),
            Err(error) => {
                self.recycle(json);
                Err(error)
            }
        }
    }

    /// Takes in an event.
    pub(super) fn accept(&mut self, json: Json) {
        self.stats.events += 1;
        self.stats.untimed += u64::from(json.time().is_none());
        self.stats.cut += u64::from(json.is_cut());
        self.ready.push_back(json);
    }

    /// A line that should have been an event and is none.
    pub(super) fn refuse(&mut self, number: u64, why: String) {
        self.stats.malformed += 1;
        if self.malformed.len() < MALFORMED_KEPT {
            self.malformed.push((number, why));
        }
    }

    /// A line that is no event and need not be.
    pub(super) fn skip(&mut self) {
        self.stats.lines += 1;
        self.stats.blank += 1;
    }

    /// The same for one that was counted as a line before.
    pub(super) fn skip_read(&mut self) {
        self.stats.blank += 1;
    }

    /// Takes in a line.
    pub(super) fn push(&mut self, number: u64, line: &[u8]) {
        self.stats.lines += 1;
        // A byte order mark may stand in front of the first line.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        if line.is_empty() {
            self.stats.blank += 1;
            return;
        }
        match self.read(line) {
            Ok(json) => self.accept(json),
            Err(error) => self.refuse(number, error.to_string()),
        }
    }

    /// The next event, in order of arrival.
    pub(super) fn pop(&mut self) -> Option<Json> {
        self.ready.pop_front()
    }

    /// The malformed lines from number `from` on, as far as they are kept.
    pub(super) fn malformed(&self, from: usize) -> &[(u64, String)] {
        self.malformed.get(from..).unwrap_or_default()
    }

    /// Gives the memory of an event back.
    pub(super) fn recycle(&mut self, json: Json) {
        // One that is spent has given its memory back before.
        let is_of_use = !json.is_spent() && json.capacity_bytes() <= SPARE_BYTES;
        if self.spare.len() < SPARE && is_of_use {
            self.spare.push(json);
        }
    }
}

/// The tiebreaker of an event as the order of events has it; `None` for what is no natural number.
pub(super) fn tiebreaker(json: &Json) -> Option<u64> {
    match json.tiebreaker()? {
        Scalar::Int(number) => u64::try_from(number).ok(),
        Scalar::Time(Timestamp(nanos)) => u64::try_from(nanos).ok(),
        _ => None,
    }
}
