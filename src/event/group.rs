//! [`Group`]: the raw records of one event, together.
//!
//! In: records by [`Coalescer`](super::Coalescer). Out: the lines as they were logged, in order of
//! arrival, each with its type and body. Nothing is decoded here.
//!
//! Lines of one event say machine, time and serial in the same bytes, which are a third of most: they are kept
//! once, in the first line. A line that says them in any other way is kept whole.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::near;
use crate::record::{Arguments, Head, RecordType};
use crate::time::Timestamp;

/// What an event is called in its log. Two events are the same one only when [`Group::node`] is
/// equal too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// The input it was read from, numbered by the caller.
    pub source: u32,
    /// When it happened.
    pub time: Timestamp,
    /// Its number on its machine.
    pub serial: u32,
}

/// `seconds.milliseconds:serial`, as in the log.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.time.as_millis();
        write!(f, "{}.{:03}:{}", millis.div_euclid(1000), millis.rem_euclid(1000), self.serial)
    }
}

/// Why records of an event may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Incomplete {
    /// It was let go early because too many events, or too many bytes, were in flight.
    Forced,
    /// It had more records than one event may have; those above the limit were dropped.
    TooManyRecords,
    /// Its argument list was longer than one event may have; the rest was dropped.
    TooManyArguments,
    /// One of its lines was longer than a line may be, and was cut.
    CutLine,
    /// It accompanies a system call but holds no record of it.
    NoSyscall,
    /// Its last record did not come within the time that other events of its machine needed.
    TimedOut,
    /// The input ended before its last record.
    EndOfInput,
    /// Its records were made from words, which tell less than what was logged.
    Interpreted,
}

impl Incomplete {
    /// Every cause, in the order of their counters.
    pub const ALL: [Self; 8] = [
        Self::Forced,
        Self::TooManyRecords,
        Self::TooManyArguments,
        Self::CutLine,
        Self::NoSyscall,
        Self::TimedOut,
        Self::EndOfInput,
        Self::Interpreted,
    ];

    /// A few words for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Forced => "too many events in flight",
            Self::TooManyRecords => "too many records",
            Self::TooManyArguments => "argument list too long",
            Self::CutLine => "line too long",
            Self::NoSyscall => "no SYSCALL record",
            Self::TimedOut => "last record did not come",
            Self::EndOfInput => "input ended",
            Self::Interpreted => "read from interpreted text",
        }
    }
}

/// The raw records of one event.
///
/// Owns its bytes, so it outlives the block of input it was read from. Hand it back with
/// [`Coalescer::recycle`](super::Coalescer::recycle) to reuse its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) id: EventId,
    pub(super) line: u64,
    pub(super) node: Range<u32>,
    pub(super) incomplete: Option<Incomplete>,
    /// The records, see [`Place`].
    bytes: Vec<u8>,
    /// Where the first line has `type=`.
    front: u32,
    /// What it has between the name of its type and its body; empty when nothing is kept without it.
    behind: Range<u32>,
    pub(super) records: Vec<Place>,
}

/// Where one record stands in the bytes of its group: from `start` on there is its line or, where that has around
/// its type what the first line has there, its body alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: RecordType,
    /// Length of the type's name in a line; 0 when it is to be taken from the table of names.
    name_len: u8,
    name: u32,
    start: u32,
    body: u32,
    end: u32,
}

impl Place {
    /// Whether the line is all there.
    fn is_whole(&self) -> bool {
        self.start < self.body
    }
}

/// One record of a [`Group`].
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its type.
    pub kind: RecordType,
    /// What follows `): `.
    pub body: &'a [u8],
    group: &'a Group,
    place: &'a Place,
}

impl<'a> Record<'a> {
    /// The name of its type; as logged when the type has no name in our table.
    pub fn kind_name(&self) -> &'a [u8] {
        match self.place.name_len {
            0 => table_name(self.kind),
            length => self.group.slice(&(self.place.name..self.place.name + u32::from(length))),
        }
    }

    /// The whole line as logged, without its newline. Copies most lines.
    pub fn line(&self) -> Cow<'a, [u8]> {
        if self.place.is_whole() {
            return Cow::Borrowed(self.group.slice(&(self.place.start..self.place.end)));
        }
        self.group.parts(self.place).concat().into()
    }

    /// Whether both are the same record of one group.
    pub(super) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.place, other.place)
    }
}

fn table_name(kind: RecordType) -> &'static [u8] {
    kind.name().map_or(&b""[..], str::as_bytes)
}

/// What stands in front of the name of a type.
const TYPE: &[u8] = b"type=";

/// A line and where its parts begin.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    pub(super) text: Cow<'a, [u8]>,
    pub(super) kind: RecordType,
    /// Where the name of its type stands, and its length; 0 when it is to be taken from the table.
    pub(super) name: usize,
    pub(super) name_len: u8,
    pub(super) body: usize,
}

impl Group {
    /// A group without records.
    pub(super) fn new() -> Self {
        Self {
            id: EventId { source: 0, time: Timestamp(0), serial: 0 },
            line: 0,
            node: 0..0,
            incomplete: None,
            bytes: Vec::new(),
            front: 0,
            behind: 0..0,
            records: Vec::new(),
        }
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        self.node = 0..0;
        self.front = 0;
        self.behind = 0..0;
        self.incomplete = None;
        self.bytes.clear();
        self.records.clear();
    }

    /// What it is called in its log.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The machine it says it is from.
    pub fn node(&self) -> Option<&[u8]> {
        if self.node.is_empty() { None } else { Some(self.slice(&self.node)) }
    }

    /// Its records in order of arrival. An end-of-event record is not among them.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = Record<'_>> {
        self.records.iter().map(|place| self.record(place))
    }

    /// Its records of one type in order of arrival.
    pub fn all(&self, kind: RecordType) -> impl Iterator<Item = Record<'_>> {
        let places = self.records.iter().filter(move |place| place.kind == kind);
        places.map(|place| self.record(place))
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The first record of a type.
    pub fn first(&self, kind: RecordType) -> Option<Record<'_>> {
        self.all(kind).next()
    }

    /// Its lines as logged, each followed by a newline. Puts them together: costs as much as copying them.
    pub fn raw(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(2 * self.bytes.len());
        for place in &self.records {
            self.parts(place).iter().for_each(|part| raw.extend_from_slice(part));
            raw.push(b'\n');
        }
        raw
    }

    /// Bytes of its records as they are kept.
    pub(super) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Why records may be missing; `None` when nothing says so.
    pub fn incomplete(&self) -> Option<Incomplete> {
        self.incomplete
    }

    /// Whether it is an execution whose argument list is not whole; `arguments` is memory to use.
    pub fn lacks_arguments(&self, arguments: &mut Arguments) -> bool {
        arguments.clear();
        let records = self.all(RecordType::EXECVE);
        records.for_each(|record| arguments.push(record.body));
        arguments.is_truncated()
    }

    /// Bytes it occupies when it is kept.
    pub fn size_bytes(&self) -> usize {
        std::mem::size_of::<Self>()
            + self.bytes.len()
            + self.records.len() * std::mem::size_of::<Place>()
    }

    /// Has its records brought near: of most events all, of long ones the beginning.
    pub(super) fn bring(&self) {
        near::bring(&self.records, 256);
        near::bring(&self.bytes, 1024);
    }

    /// Has the beginnings of its memory brought near.
    pub(super) fn bring_ends(&self) {
        near::bring(&self.records, 1);
        near::bring(&self.bytes, 1);
    }

    /// The number of its first line in its source.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of memory it holds on to, in use or not.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.bytes.capacity() + self.records.capacity() * std::mem::size_of::<Place>()
    }

    /// Notes why records are missing; the first cause stays.
    pub fn set_incomplete(&mut self, cause: Incomplete) {
        self.incomplete.get_or_insert(cause);
    }

    /// Starts an event; `head` is that of its first record, which is not added yet.
    pub(super) fn begin(&mut self, source: u32, line_number: u64, head: &Head<'_>) {
        self.clear();
        self.id = EventId { source, time: head.time, serial: head.serial };
        self.line = line_number;
    }

    /// Adds a record. `is_alike` says that its line differs in type and body only from that of the record before, of
    /// which the same was said or which is the first. Tells whether it could be said of the next line too.
    #[inline]
    pub(super) fn push(&mut self, head: &Head<'_>, is_alike: bool) -> bool {
        // "node=" and the space behind the name of the machine.
        let name = head.prefix.len() + head.node.map_or(0, |node| node.len() + 6) + TYPE.len();
        // A name that is not as logged stands in the table of names.
        let logged = head.line.get(name..).unwrap_or_default();
        let is_logged = std::ptr::eq(logged.as_ptr(), head.kind_name.as_ptr());
        if is_alike
            && is_logged
            && is_in_table(head.kind, head.kind_name)
            && !self.behind.is_empty()
        {
            self.push_body(head.kind, head.body);
            return true;
        }
        if self.records.is_empty()
            && let Some(node) = head.node
        {
            let from = head.prefix.len() + 5;
            self.node = small(from)..small(from + node.len());
        }
        self.push_line(&Line {
            text: Cow::Borrowed(head.line),
            kind: head.kind,
            name,
            name_len: if is_logged { u8::try_from(head.kind_name.len()).unwrap_or(0) } else { 0 },
            body: head.line.len() - head.body.len(),
        })
    }

    /// Adds a record by its line. Tells whether it is the first, or has around its type what that has.
    pub(super) fn push_line(&mut self, line: &Line<'_>) -> bool {
        let name_end = line.name + usize::from(line.name_len);
        let front = line.text.get(..line.name).and_then(|front| front.strip_suffix(TYPE));
        let name = line.text.get(line.name..name_end).unwrap_or_default();
        let behind = line.text.get(name_end..line.body).unwrap_or_default();
        let is_framed = front.is_some() && !name.is_empty() && !behind.is_empty();
        if self.records.is_empty() && is_framed {
            self.front = small(line.name - TYPE.len());
            self.behind = small(name_end)..small(line.body);
        } else if is_framed
            && front == Some(self.slice(&(0..self.front)))
            && behind == self.slice(&self.behind)
            && name == table_name(line.kind)
        {
            self.push_body(line.kind, line.text.get(line.body..).unwrap_or_default());
            return true;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&line.text);
        self.records.push(Place {
            kind: line.kind,
            name_len: line.name_len,
            name: small(start + line.name),
            start: small(start),
            body: small(start + line.body),
            end: small(self.bytes.len()),
        });
        is_framed && self.records.len() == 1
    }

    /// Adds a record whose line is known but for its type, which is in the table of names, and its body.
    #[inline]
    fn push_body(&mut self, kind: RecordType, body: &[u8]) {
        let start = small(self.bytes.len());
        self.bytes.extend_from_slice(body);
        let end = small(self.bytes.len());
        self.records.push(Place { kind, name_len: 0, name: start, start, body: start, end });
    }

    fn record<'a>(&'a self, place: &'a Place) -> Record<'a> {
        let body = self.slice(&(place.body..place.end));
        Record { kind: place.kind, body, group: self, place }
    }

    /// What the line of a record is made of.
    fn parts(&self, place: &Place) -> [&[u8]; 5] {
        let here = self.slice(&(place.start..place.end));
        if place.is_whole() {
            return [here, &[], &[], &[], &[]];
        }
        let (front, behind) = (self.slice(&(0..self.front)), self.slice(&self.behind));
        [front, TYPE, table_name(place.kind), behind, here]
    }

    /// Its records as they are given to [`Self::push_line`].
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.records().map(|record| {
            let place = record.place;
            let text = record.line();
            let body = text.len() - record.body.len();
            if place.is_whole() {
                let name = place.name.saturating_sub(place.start) as usize;
                return Line { text, kind: place.kind, name, name_len: place.name_len, body };
            }
            let name_len = u8::try_from(table_name(place.kind).len()).unwrap_or(0);
            let name = self.front as usize + TYPE.len();
            Line { text, kind: place.kind, name, name_len, body }
        })
    }

    pub(super) fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Whether a name that was logged is that of its type in the table of names, and not a number in any form.
fn is_in_table(kind: RecordType, logged: &[u8]) -> bool {
    let is_number = || logged.first().is_some_and(u8::is_ascii_digit) || logged.ends_with(b"]");
    kind != RecordType::OTHER && !is_number()
}

/// Offsets inside a group: the limits of the coalescer keep it far below 4 GiB.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
