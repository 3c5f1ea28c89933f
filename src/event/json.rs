//! A line of JSON → an event: projected fields of the types the rules take them to have.
//!
//! In: lines of `record`, and which fields are wanted. Out: a [`Json`], small and reusable, that waits
//! for its turn and then becomes an [`Event`](super::Event). It keeps its line, from which everything
//! else can be read when an alert needs it.
//!
//! Where a name was written both nested and with dots the nested one counts. Several values of one
//! name at the same level are a list, whether they come from a list, a list of objects or a name that
//! stands twice: a second value never hides the first. A value that cannot be made the type of its
//! field stays what it is. How many values one event may have is bounded; the rest is counted.

use std::fmt::Write as _;
use std::ops::Range;

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::{Document, Projection, Slot};
use crate::codec::{Invalid, Reader, Writer};
use crate::near;
use crate::record::Atom;
use crate::record::json::{JsonError, JsonLines, Leaf, Names, Shapes, mended};
use crate::schema::{FieldId, FieldType, Schema};
use crate::time::Timestamp;
use crate::value::{Scalar, Value, number, timestamp};

/// Most values kept of one event.
const MAX_VALUES: usize = 16_384;
/// Most fields of one event in a [`Document`].
const MAX_FIELDS: usize = 4096;
/// The fields that name a machine, best first.
const HOST_FIELDS: [&str; 4] = ["host.id", "host.name", "host.hostname", "agent.id"];

/// One event as a line of JSON, with the values that are wanted of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Json {
    line: Vec<u8>,
    time: Option<Timestamp>,
    pub(super) text: String,
    pub(super) values: Vec<Placed>,
    left_out: u32,
    /// Its line and its values have been given up; the text is the name of its machine.
    is_spent: bool,
    places: Places,
    /// Where the first value of each of [`Places`] stands, and one.
    known: [u16; PLACES],
    /// What it satisfies.
    told: Option<Box<Told>>,
}

/// What an event satisfies, by numbers of whoever has tested it. Behind a pointer, because few events that are
/// kept, and are to be small, have it.
#[derive(Debug, Clone, PartialEq)]
struct Told(Vec<u32>);

/// A value and the field it is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    /// Number of a projected field, or of one of [`Places`].
    pub(super) field: u16,
    /// How far its name was written with dots.
    dots: u32,
    /// Its number in the line.
    order: u32,
    pub(super) value: Slot,
}

/// How many fields are read whatever the rules ask for.
const PLACES: usize = 3 + HOST_FIELDS.len();

/// Their numbers, above those of all others and one after the other; holds the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Places(u16);

impl Places {
    fn time(self) -> u16 {
        self.0
    }

    fn tiebreaker(self) -> u16 {
        self.0.saturating_add(1)
    }

    fn id(self) -> u16 {
        self.0.saturating_add(2)
    }

    /// The first of the fields that name the machine.
    fn host(self) -> u16 {
        self.0.saturating_add(3)
    }
}

impl Json {
    /// When it happened; `None` when it does not say.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The value of the tiebreaker field.
    pub fn tiebreaker(&self) -> Option<Scalar<'_>> {
        self.first(self.places.tiebreaker())
    }

    /// The value of the field that identifies it.
    pub fn id(&self) -> Option<Scalar<'_>> {
        self.first(self.places.id())
    }

    /// The machine it says it is from.
    pub fn host(&self) -> Option<&str> {
        if self.is_spent {
            return Some(&*self.text).filter(|name| !name.is_empty());
        }
        let fields = (self.places.host()..).take(HOST_FIELDS.len());
        fields.filter_map(|field| self.first(field)).find_map(|value| match value {
            Scalar::Str(name) if !name.is_empty() => Some(name),
            _ => None,
        })
    }

    /// Gives up its line and its values, because nobody will ask for them: what is left says when and where it
    /// happened. The memory comes back as an event that is of no use but for that.
    pub fn spend(&mut self) -> Self {
        let left = Self {
            time: self.time,
            left_out: self.left_out,
            is_spent: true,
            text: self.host().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        std::mem::replace(self, left)
    }

    /// Whether its line and its values have been given up.
    pub fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Notes what it satisfies, so that it need not be tested again.
    pub fn tell(&mut self, satisfied: impl Iterator<Item = u32>) {
        self.told = Some(Box::new(Told(satisfied.collect())));
    }

    /// What it satisfies, when that has been told.
    pub fn told(&self) -> Option<&[u32]> {
        self.told.as_deref().map(|told| told.0.as_slice())
    }

    /// Gives up its line and memory that is not in use: for events whose fields alone are wanted.
    pub fn forget_line(&mut self) {
        self.line = Vec::new();
        self.text.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// Has its values brought near, and the beginning of its line.
    pub(super) fn bring(&self) {
        near::bring(&self.values, 1024);
        near::bring(self.text.as_bytes(), 256);
        near::bring(&self.line, 128);
    }

    /// Whether values were left out, because there were too many or they stood too deep.
    pub fn is_cut(&self) -> bool {
        self.left_out > 0
    }

    /// Its line.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Bytes it occupies.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>()
            + self.line.len()
            + self.text.len()
            + self.values.len() * size_of::<Placed>()
    }

    /// Bytes of memory it holds on to, in use or not.
    pub fn capacity_bytes(&self) -> usize {
        self.line.capacity() + self.text.capacity() + self.values.capacity() * size_of::<Placed>()
    }

    /// Hash of its line.
    pub(super) fn content_hash(&self) -> String {
        let digest = Sha256::digest(self.line.trim_ascii());
        digest.iter().take(16).fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }

    /// What is worth keeping once its fields have been tested.
    pub(super) fn kept(&self) -> Self {
        Self {
            line: self.line.clone(),
            time: self.time,
            left_out: self.left_out,
            ..Self::default()
        }
    }

    /// Writes what is kept of it.
    pub(super) fn save(&self, out: &mut Writer) {
        out.bytes(&self.line);
        out.option(self.time, |out, time| out.signed(time.0));
        out.number(u64::from(self.left_out));
    }

    /// Reads what [`Json::save`] wrote.
    pub(super) fn load(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            line: reader.bytes()?.to_vec(),
            time: reader.option(|reader| reader.signed().map(Timestamp))?,
            left_out: u32::try_from(reader.at_most(u64::from(u32::MAX), "too many values")?)
                .unwrap_or(u32::MAX),
            ..Self::default()
        })
    }

    /// All its fields in the order of the line.
    pub(super) fn document(&self) -> Document {
        let mut fields: Vec<(String, u32, Vec<Value>)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut lines = JsonLines::default();
        let read = lines.read(&self.line, &mut |leaf| add_leaf(&mut fields, &mut known, leaf));
        if read.is_err()
            && let Some(line) = mended(&self.line)
        {
            fields.clear();
            known.clear();
            // Of what was asked for the line has been read before, so it has no error now.
            let _ = lines.read(&line, &mut |leaf| add_leaf(&mut fields, &mut known, leaf));
        }
        Document::new(fields.into_iter().map(|(name, _, values)| (name, values)).collect())
    }

    fn first(&self, field: u16) -> Option<Scalar<'_>> {
        let place = field.checked_sub(self.places.time())?;
        let known = self.known.get(usize::from(place))?.checked_sub(1)?;
        let placed = self.values.get(usize::from(known))?;
        Some(match &placed.value {
            Slot::Bool(b) => Scalar::Bool(*b),
            Slot::Int(i) => Scalar::Int(*i),
            Slot::Float(x) => Scalar::Float(*x),
            Slot::Text(range) => Scalar::Str(text_at(&self.text, range)),
            Slot::Ip(ip) => Scalar::Ip(*ip),
            Slot::Time(time) => Scalar::Time(*time),
            Slot::Empty | Slot::Static(_) | Slot::List(_) => return None,
        })
    }

    fn clear(&mut self) {
        self.line.clear();
        self.time = None;
        self.is_spent = false;
        self.told = None;
        self.start();
    }

    /// Forgets the values.
    fn start(&mut self) {
        self.text.clear();
        self.values.clear();
        self.known = [0; PLACES];
        self.left_out = 0;
    }

    /// Puts the values of each field together, those that count first.
    pub(super) fn sort(&mut self) {
        self.values.sort_unstable_by_key(|placed| (placed.field, placed.dots, placed.order));
        self.known = [0; PLACES];
        let places = self.places.time();
        let start = self.values.partition_point(|placed| placed.field < places);
        for (placed, at) in self.values.iter().zip(1..).skip(start) {
            let known = self.known.get_mut(usize::from(placed.field - places));
            if let Some(known) = known.filter(|at| **at == 0) {
                *known = at;
            }
        }
    }

    /// Notes where the first value of one of [`Places`] is going to stand.
    fn note(&mut self, field: u16, dots: u32) {
        let Some(place) = field.checked_sub(self.places.time()) else { return };
        let Some(known) = self.known.get_mut(usize::from(place)) else { return };
        let before = known.checked_sub(1).and_then(|at| self.values.get(usize::from(at)));
        if before.is_none_or(|before| dots < before.dots) {
            *known = u16::try_from(self.values.len() + 1).unwrap_or(u16::MAX);
        }
    }

    fn add(&mut self, field: u16, wanted: Wanted, dots: u32, value: Atom<'_>) {
        let Ok(order) = u32::try_from(self.values.len()) else { return };
        if self.values.len() >= MAX_VALUES {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let value = self.slot(wanted, value);
        self.note(field, dots);
        self.values.push(Placed { field, dots, order, value });
    }

    /// The value as the type of its field, or as it is where that cannot be.
    fn slot(&mut self, wanted: Wanted, value: Atom<'_>) -> Slot {
        use FieldType::{Boolean, Date, Double, Ip, Keyword, Long, Text, Version};
        match (wanted.kind, value) {
            (Some(Keyword | Text | Version), Atom::Text(text)) | (None, Atom::Text(text)) => {
                self.keep_text(text)
            }
            (Some(Keyword | Text | Version), Atom::Bool(b)) => self.keep(format_args!("{b}")),
            (Some(Keyword | Text | Version), Atom::Int(i)) => self.keep(format_args!("{i}")),
            (Some(Keyword | Text | Version), Atom::Float(x)) => self.keep(format_args!("{x:?}")),
            (Some(Long), Atom::Float(x)) => truncated(x),
            (Some(Long), Atom::Text(text)) => match number(text) {
                Some(Scalar::Int(i)) => Slot::Int(i),
                Some(Scalar::Float(x)) => truncated(x),
                _ => self.keep_text(text),
            },
            #[expect(clippy::cast_precision_loss, reason = "the field is floating")]
            (Some(Double), Atom::Int(i)) => Slot::Float(i as f64),
            (Some(Double), Atom::Text(text)) => match number(text) {
                #[expect(clippy::cast_precision_loss, reason = "the field is floating")]
                Some(Scalar::Int(i)) => Slot::Float(i as f64),
                Some(Scalar::Float(x)) => Slot::Float(x),
                _ => self.keep_text(text),
            },
            (Some(Boolean), Atom::Text("true")) => Slot::Bool(true),
            (Some(Boolean), Atom::Text("false")) => Slot::Bool(false),
            (Some(Ip), Atom::Text(text)) => match text.parse() {
                Ok(ip) => Slot::Ip(ip),
                Err(_) => self.keep_text(text),
            },
            (Some(Date), Atom::Text(text)) => match timestamp(text) {
                Some(time) => Slot::Time(wanted.cut(time)),
                None => self.keep_text(text),
            },
            (Some(Date), Atom::Int(millis)) => Slot::Time(Timestamp::from_millis(millis)),
            (Some(Date), Atom::Float(millis)) => Slot::Time(wanted.cut(of_millis(millis))),
            (Some(Boolean), Atom::Text(text)) => self.keep_text(text),
            (_, Atom::Bool(b)) => Slot::Bool(b),
            (_, Atom::Int(i)) => Slot::Int(i),
            (_, Atom::Float(x)) => Slot::Float(x),
        }
    }

    fn keep_text(&mut self, text: &str) -> Slot {
        let start = self.text.len();
        self.text.push_str(text);
        Slot::Text(small(start)..small(self.text.len()))
    }

    fn keep(&mut self, text: std::fmt::Arguments<'_>) -> Slot {
        let start = self.text.len();
        let _ = self.text.write_fmt(text);
        Slot::Text(small(start)..small(self.text.len()))
    }
}

/// Adds a scalar to the fields of a document: what is nested counts more than what is dotted.
fn add_leaf(
    fields: &mut Vec<(String, u32, Vec<Value>)>,
    known: &mut HashMap<String, usize>,
    leaf: Leaf<'_>,
) {
    let index = match known.get(leaf.name) {
        Some(index) => *index,
        None if fields.len() >= MAX_FIELDS => return,
        None => {
            known.insert(leaf.name.to_owned(), fields.len());
            fields.push((leaf.name.to_owned(), leaf.dots, Vec::new()));
            fields.len() - 1
        }
    };
    let Some((_, dots, values)) = fields.get_mut(index) else { return };
    if leaf.dots < *dots {
        *dots = leaf.dots;
        values.clear();
    }
    if leaf.dots == *dots && values.len() < MAX_VALUES {
        values.push(match leaf.value {
            Atom::Bool(b) => Value::Bool(b),
            Atom::Int(i) => Value::Int(i),
            Atom::Float(x) => Value::Float(x),
            Atom::Text(text) => Value::Str(text.into()),
        });
    }
}

/// Milliseconds with a fraction as a point in time.
///
/// By itself, because a compiler that sees it beside other kinds of values may work it out for all of them first: of
/// bits that are no number at all that takes a processor as long as reading the value.
#[cold]
#[inline(never)]
fn of_millis(millis: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "clamped, as all times are")]
    Timestamp((millis * 1e6).round() as i64)
}

/// A floating number in a field of whole ones, as Elasticsearch indexes it.
fn truncated(x: f64) -> Slot {
    // 2^63 as a float is exact.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) {
        #[expect(clippy::cast_possible_truncation, reason = "in range")]
        return Slot::Int(x as i64);
    }
    Slot::Float(x)
}

/// Offsets inside an event: lines are at most 1 MiB.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn text_at<'a>(text: &'a str, range: &Range<u32>) -> &'a str {
    text.get(range.start as usize..range.end as usize).unwrap_or("")
}

/// What a field is to be read as.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    kind: Option<FieldType>,
    /// Times are cut to whole milliseconds.
    millis: bool,
}

impl Wanted {
    fn of(schema: &Schema, name: &str, kind: Option<FieldType>) -> Self {
        Self { kind, millis: schema.is_millis(name) }
    }

    fn cut(self, time: Timestamp) -> Timestamp {
        if self.millis { Timestamp::from_millis(time.as_millis()) } else { time }
    }
}

/// Lines → [`Json`]s. Keeps memory between lines; allocates nothing else in steady state.
#[derive(Debug)]
pub struct JsonReader {
    names: Names,
    shapes: Shapes,
    /// By the number of a name: the fields it stands for.
    fields: Vec<Box<[u16]>>,
    wanted: Vec<Wanted>,
    places: Places,
}

impl JsonReader {
    /// A reader of the fields in `projection`; `schema` says which fields hold time, tiebreaker and
    /// identity.
    pub fn new(projection: &Projection, schema: &Schema) -> Self {
        let mut this = Self {
            names: Names::default(),
            shapes: Shapes::default(),
            fields: Vec::new(),
            wanted: Vec::new(),
            places: Places::default(),
        };
        let mut fields: Vec<Vec<u16>> = Vec::new();
        let mut want = |name: Option<&str>, kind: Option<FieldType>| {
            let number = u16::try_from(this.wanted.len()).unwrap_or(u16::MAX);
            let wanted = Wanted::of(schema, name.unwrap_or_default(), kind);
            this.wanted.push(wanted);
            if let Some(name) = name {
                let at = this.names.add(name) as usize;
                fields.resize_with(fields.len().max(at + 1), Vec::new);
                if let Some(fields) = fields.get_mut(at) {
                    fields.push(number);
                }
            }
            number
        };
        for (name, kind) in projection.names() {
            want(Some(name), kind);
        }
        let events = schema.events();
        let kind = |name: &Option<String>| name.as_deref().and_then(|name| schema.kind(name));
        this.places = Places(want(Some(&events.timestamp), Some(FieldType::Date)));
        want(events.tiebreaker.as_deref(), kind(&events.tiebreaker));
        want(events.id.as_deref(), None);
        for name in HOST_FIELDS {
            want(Some(name), Some(FieldType::Keyword));
        }
        this.fields = fields.into_iter().map(Vec::into_boxed_slice).collect();
        this
    }

    /// Makes `json` the event of a line.
    ///
    /// # Errors
    ///
    /// When the line holds no event; `json` is then of no use but for its memory.
    pub fn read(&mut self, line: &[u8], json: &mut Json) -> Result<(), JsonError> {
        json.clear();
        json.line.extend_from_slice(line);
        json.places = self.places;
        match self.values(line, json) {
            Err(JsonError::Syntax(_)) if let Some(line) = mended(line) => {
                json.start();
                self.values(&line, json)?;
            }
            other => other?,
        }
        json.time = match json.first(self.places.time()) {
            Some(Scalar::Time(time)) => Some(time),
            _ => None,
        };
        Ok(())
    }

    fn values(&mut self, line: &[u8], json: &mut Json) -> Result<(), JsonError> {
        let Self { names, shapes, fields, wanted, .. } = self;
        let add = |json: &mut Json, name: u32, dots, value: Atom<'_>| {
            for field in fields.get(name as usize).into_iter().flatten() {
                if let Some(wanted) = wanted.get(usize::from(*field)) {
                    json.add(*field, *wanted, dots, value);
                }
            }
        };
        if shapes.read(line, &mut |name, dots, value| add(json, name, dots, value)) {
            return Ok(());
        }
        json.start();
        let left_out = names.read(line, &mut |name, dots, value| add(json, name, dots, value))?;
        let more = u32::try_from(left_out).unwrap_or(u32::MAX);
        json.left_out = json.left_out.saturating_add(more);
        if left_out == 0 {
            shapes.learn(names, line);
        }
        Ok(())
    }
}

impl Placed {
    /// Whether both are values of one field, written at the same level.
    pub(super) fn beside(&self, other: &Self) -> bool {
        self.field == other.field && self.dots == other.dots
    }

    pub(super) fn id(&self) -> FieldId {
        FieldId(self.field)
    }
}
