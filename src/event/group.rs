//! [`Group`]: the raw records of one event, together.
//!
//! In: records by [`Coalescer`](super::Coalescer). Out: the lines as they were logged, in order of
//! arrival, each with its type and body. Nothing is decoded here.

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
    /// The lines, each followed by a newline.
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<Place>,
}

/// Where one record stands in the bytes of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: RecordType,
    /// Length of the type's name; 0 when it is to be taken from the table of names.
    pub(super) name_len: u8,
    pub(super) name: u32,
    pub(super) start: u32,
    pub(super) body: u32,
    pub(super) end: u32,
}

/// One record of a [`Group`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its type.
    pub kind: RecordType,
    /// The name of its type; as logged when the type has no name in our table.
    pub kind_name: &'a [u8],
    /// The whole line as logged, without its newline.
    pub line: &'a [u8],
    /// What follows `): `.
    pub body: &'a [u8],
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
            records: Vec::new(),
        }
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        self.node = 0..0;
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

    /// Its lines as logged, each followed by a newline.
    pub fn raw(&self) -> &[u8] {
        &self.bytes
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

    /// Adds a record.
    #[inline]
    pub(super) fn push(&mut self, head: &Head<'_>) {
        let start = self.bytes.len();
        // At once: growing for the newline alone would double what a long line takes.
        self.bytes.reserve(head.line.len() + 1);
        self.bytes.extend_from_slice(head.line);
        self.bytes.push(b'\n');
        let end = start + head.line.len();
        // "node=" and the space behind the name of the machine, then "type=".
        let name = head.prefix.len() + head.node.map_or(0, |node| node.len() + 6) + 5;
        let logged = head.line.get(name..).is_some_and(|text| text.starts_with(head.kind_name));
        if self.records.is_empty()
            && let Some(node) = head.node
        {
            let from = start + head.prefix.len() + 5;
            self.node = small(from)..small(from + node.len());
        }
        self.records.push(Place {
            kind: head.kind,
            name_len: if logged { u8::try_from(head.kind_name.len()).unwrap_or(0) } else { 0 },
            name: small(start + name),
            start: small(start),
            body: small(end - head.body.len()),
            end: small(end),
        });
    }

    fn record(&self, place: &Place) -> Record<'_> {
        let kind_name = match place.name_len {
            0 => place.kind.name().map_or(&b""[..], str::as_bytes),
            length => self.slice(&(place.name..place.name + u32::from(length))),
        };
        Record {
            kind: place.kind,
            kind_name,
            line: self.slice(&(place.start..place.end)),
            body: self.slice(&(place.body..place.end)),
        }
    }

    pub(super) fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Offsets inside a group: the limits of the coalescer keep it far below 4 GiB.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
