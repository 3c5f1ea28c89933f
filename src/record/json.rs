//! One line of JSON → its values by name.
//!
//! In: a line that should hold one JSON object. Out: every scalar in it with its dotted name, in the
//! order of the line. Nested objects and dotted names are the same thing, a list of objects is a list
//! of values under one name, null and empty lists are nothing at all. `{"_source": {..}}`, as a search
//! returns events, counts as what is inside, and so does `{"_index": .., "fields": {..}}` without one.
//!
//! Names and values may come from attackers: depth and length of names are bounded and what lies
//! beyond is left out and counted. Nothing is kept, nothing is looked up, no type is known here.

mod shape;

pub use shape::Shapes;

use std::borrow::Cow;
use std::fmt;

use hashbrown::HashMap;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longest line read, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Deepest nesting of objects and lists that is read.
const MAX_DEPTH: usize = 64;
/// Longest dotted name that is read, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Why a line holds no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It has been cut, so that its end is unknown.
    #[error("line longer than 1 MiB")]
    TooLong,
    /// It is no JSON, or not an object.
    #[error("not a JSON object: {0}")]
    Syntax(String),
}

/// One scalar as it stands in the line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Atom<'a> {
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text, escapes resolved.
    Text(&'a str),
}

/// A scalar and its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaf<'a> {
    /// The dotted name.
    pub name: &'a str,
    /// How many dots of the name were written, not nested: 0 for `{"a": {"b": 1}}`, 1 for
    /// `{"a.b": 1}`.
    pub dots: u32,
    /// The value.
    pub value: Atom<'a>,
}

/// Reads lines; keeps memory between them.
#[derive(Debug, Default)]
pub struct JsonLines {
    name: String,
}

impl JsonLines {
    /// Calls `each` for every scalar of the object in `line`; gives the number of values left out
    /// because they stand too deep or under too long a name.
    ///
    /// Bytes that are no UTF-8 read as U+FFFD, also halves of surrogate pairs. Of a line with an error
    /// `each` may have seen the beginning.
    ///
    /// # Errors
    ///
    /// [`JsonError`] when the line is no JSON object or too long.
    pub fn read(&mut self, line: &[u8], each: &mut impl FnMut(Leaf<'_>)) -> Result<u64, JsonError> {
        self.name.clear();
        read(line, &mut Everything { name: &mut self.name, each })
    }
}

/// Reads a line along a trail.
fn read(line: &[u8], trail: &mut impl Trail) -> Result<u64, JsonError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(JsonError::TooLong);
    }
    // Nearly every line is text, and to see that much is fast.
    let text = match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(line),
    };
    let mut walk = Walk { trail, dots: 0, depth: 0, left_out: 0, hit: Hit::Unknown };
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = Node { walk: &mut walk, top: true }.deserialize(&mut json);
    match read.and_then(|()| json.end()) {
        Ok(()) => Ok(walk.left_out),
        Err(error) => Err(JsonError::Syntax(reason(&error))),
    }
}

/// The names that are asked for, as a tree of their parts between dots.
#[derive(Debug)]
pub struct Names {
    nodes: Vec<Parts>,
}

impl Default for Names {
    fn default() -> Self {
        Self { nodes: vec![Parts::default()] }
    }
}

/// The parts that may follow one another.
#[derive(Debug, Default)]
struct Parts {
    numbers: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    /// A bit for each byte that one of them begins with: most names in a line are nobody's, and this
    /// much is seen without a hash.
    begins: [u64; 4],
    /// A bit for each length, those of 63 and more sharing one.
    lengths: u64,
}

impl Parts {
    fn insert(&mut self, part: &str, number: u32) {
        self.numbers.insert(part.into(), number);
        let (word, bit) = begin(part);
        if let Some(word) = self.begins.get_mut(word) {
            *word |= bit;
        }
        self.lengths |= length(part);
    }

    fn get(&self, part: &str) -> Option<u32> {
        if self.lengths & length(part) == 0 {
            return None;
        }
        self.numbers.get(part).copied()
    }

    /// Whether one of them begins as a name does, which may hold several parts.
    #[inline]
    fn may_begin(&self, name: &str) -> bool {
        let (word, bit) = begin(name);
        self.begins.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// The bit that stands for how a name begins, also for one that is empty or begins with a dot: its first
/// part is empty.
#[inline]
fn begin(name: &str) -> (usize, u64) {
    let first = name.as_bytes().first().copied().filter(|byte| *byte != b'.').unwrap_or(0);
    (usize::from(first >> 6), 1 << (first & 63))
}

fn length(part: &str) -> u64 {
    1 << part.len().min(63)
}

impl Names {
    /// Adds a name; gives its number, the same for the same name. Numbers are small.
    pub fn add(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        name.split('.').fold(0, |at, part| {
            let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            let known = self.nodes.get_mut(at as usize).map(|node| {
                node.get(part).unwrap_or_else(|| {
                    node.insert(part, next);
                    next
                })
            });
            if known == Some(next) {
                self.nodes.push(Parts::default());
            }
            known.unwrap_or_default()
        })
    }

    /// Calls `each` for every scalar under one of the names in the object in `line`, with the name's
    /// number and how many of its dots were written. What is under other names is checked to be JSON
    /// and not looked at. Gives the number of values left out because they stand too deep.
    ///
    /// # Errors
    ///
    /// As [`JsonLines::read`].
    pub fn read(
        &self,
        line: &[u8],
        each: &mut impl FnMut(u32, u32, Atom<'_>),
    ) -> Result<u64, JsonError> {
        read(line, &mut Asked { names: self, at: 0, each })
    }

    fn step(&self, at: u32, part: &str) -> Option<u32> {
        self.nodes.get(at as usize)?.get(part)
    }
}

/// What follows the names round a value.
trait Trail {
    /// A place to come back to.
    type Place: Copy;
    /// Where it is.
    fn place(&self) -> Self::Place;
    /// Steps into a name.
    fn step(&mut self, key: &str) -> Step;
    /// Comes back.
    fn back(&mut self, place: Self::Place);
    /// A scalar at this place.
    fn leaf(&mut self, dots: u32, value: Atom<'_>);
}

/// What becomes of the value under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It is read.
    Read,
    /// Nobody asks for it.
    Skip,
    /// Its name is too long.
    LeaveOut,
}

/// Every scalar with its name.
struct Everything<'t, F> {
    name: &'t mut String,
    each: &'t mut F,
}

impl<F: FnMut(Leaf<'_>)> Trail for Everything<'_, F> {
    type Place = usize;

    fn place(&self) -> usize {
        self.name.len()
    }

    fn step(&mut self, key: &str) -> Step {
        let name = &mut *self.name;
        if name.len() + key.len() >= MAX_NAME_BYTES {
            return Step::LeaveOut;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(key);
        Step::Read
    }

    fn back(&mut self, place: usize) {
        self.name.truncate(place);
    }

    fn leaf(&mut self, dots: u32, value: Atom<'_>) {
        (self.each)(Leaf { name: self.name, dots, value });
    }
}

/// Scalars under names that are asked for.
struct Asked<'t, F> {
    names: &'t Names,
    at: u32,
    each: &'t mut F,
}

impl<F: FnMut(u32, u32, Atom<'_>)> Trail for Asked<'_, F> {
    type Place = u32;

    fn place(&self) -> u32 {
        self.at
    }

    fn step(&mut self, key: &str) -> Step {
        // A name in front of all others that is empty adds nothing, not even a dot.
        if self.at == 0 && key.is_empty() {
            return Step::Read;
        }
        let step = |at: u32, part: &str| self.names.step(at, part);
        let next = match self.names.nodes.get(self.at as usize) {
            Some(node) if !node.may_begin(key) => None,
            // Names are short.
            _ if key.bytes().all(|byte| byte != b'.') => step(self.at, key),
            _ => key.split('.').try_fold(self.at, step),
        };
        match next {
            Some(at) => {
                self.at = at;
                Step::Read
            }
            None => Step::Skip,
        }
    }

    fn back(&mut self, place: u32) {
        self.at = place;
    }

    fn leaf(&mut self, dots: u32, value: Atom<'_>) {
        (self.each)(self.at, dots, value);
    }
}

/// A line that can be read, of one that cannot: `None` when there is nothing to mend. Half a surrogate
/// pair becomes U+FFFD, a number too large for any becomes `null`.
///
/// Writers that keep undecodable bytes of file names as `\udc80` and the like make such lines; neither
/// must be a way to hide an event.
pub fn mended(line: &[u8]) -> Option<Vec<u8>> {
    let paired = paired(line);
    let small = without_endless(paired.as_deref().unwrap_or(line));
    small.or(paired)
}

/// Without numbers that are larger than any number is.
fn without_endless(line: &[u8]) -> Option<Vec<u8>> {
    /// Fewer characters make no such number: `1e309`.
    const SHORTEST: usize = 5;
    let of_number =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut in_text) = (0, false);
    while let Some(byte) = line.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'0'..=b'9' if !in_text => {
                let rest = line.get(at..).unwrap_or_default();
                let length = rest.iter().take_while(|byte| of_number(byte)).count();
                let number = rest.get(..length).unwrap_or_default();
                let parsed = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
                if length >= SHORTEST && parsed.is_some_and(f64::is_infinite) {
                    let out = out.get_or_insert_with(|| line.to_vec());
                    if let Some(place) = out.get_mut(at..at + length) {
                        place.fill(b' ');
                        place.iter_mut().zip(b"null").for_each(|(place, byte)| *place = *byte);
                    }
                }
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    out
}

/// Without halves of surrogate pairs.
fn paired(line: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| -> Option<u32> {
        let digits = line.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', line.get(at..).unwrap_or_default()) {
        at += found;
        match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                let out = out.get_or_insert_with(|| line.to_vec());
                if let Some(place) = out.get_mut(at..at + 6) {
                    place.copy_from_slice(b"\\ufffd");
                }
                at += 6;
            }
            _ => at += 2,
        }
    }
    out
}

/// What the reader says, with the column alone: there is only one line.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} at column {}", error.column()),
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// Where the reader is.
struct Walk<'w, T> {
    trail: &'w mut T,
    dots: u32,
    depth: usize,
    left_out: u64,
    hit: Hit,
}

/// What is known of a line as the result of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hit {
    /// Nothing.
    Unknown,
    /// It is one, and its event has not come: it may be in `fields`.
    Bare,
    /// Its event is in `_source`.
    Source,
}

impl<T: Trail> Walk<'_, T> {
    /// Steps into a name, of the line itself when `top`.
    fn enter(&mut self, key: &str, top: bool) -> Step {
        if top {
            match key {
                "_source" => {
                    self.hit = Hit::Source;
                    return Step::Read;
                }
                "_index" => self.hit = Hit::Bare,
                "fields" if self.hit == Hit::Bare => return Step::Read,
                _ => {}
            }
        }
        let step = self.trail.step(key);
        if step == Step::Read {
            let dots = key.bytes().filter(|byte| *byte == b'.').count();
            self.dots += u32::try_from(dots).unwrap_or(u32::MAX);
        }
        step
    }

    fn leaf(&mut self, value: Atom<'_>) {
        self.trail.leaf(self.dots, value);
    }
}

/// The value that comes next.
struct Node<'n, 'w, T> {
    walk: &'n mut Walk<'w, T>,
    /// The line itself: only an object will do.
    top: bool,
}

impl<'de, T: Trail> DeserializeSeed<'de> for Node<'_, '_, T> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if self.top { json.deserialize_map(self) } else { json.deserialize_any(self) }
    }
}

impl<'de, T: Trail> Visitor<'de> for Node<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.top { "an object" } else { "a value" })
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.walk.leaf(Atom::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.walk.leaf(Atom::Int(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        #[expect(clippy::cast_precision_loss, reason = "beyond 63 bits numbers are floating")]
        let value = i64::try_from(value).map_or(Atom::Float(value as f64), Atom::Int);
        self.walk.leaf(value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.walk.leaf(Atom::Float(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.walk.leaf(Atom::Text(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let walk = self.walk;
        if walk.depth >= MAX_DEPTH {
            walk.left_out += 1;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        while list.next_element_seed(Node { walk, top: false })?.is_some() {}
        walk.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let walk = self.walk;
        if walk.depth >= MAX_DEPTH {
            walk.left_out += 1;
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        let (place, dots) = (walk.trail.place(), walk.dots);
        while let Some(step) = object.next_key_seed(Key { walk, top: self.top })? {
            if step == Step::Read {
                object.next_value_seed(Node { walk, top: false })?;
                walk.trail.back(place);
                walk.dots = dots;
            } else {
                walk.left_out += u64::from(step == Step::LeaveOut);
                object.next_value::<IgnoredAny>()?;
            }
        }
        walk.depth -= 1;
        Ok(())
    }
}

/// The name that comes next.
struct Key<'n, 'w, T> {
    walk: &'n mut Walk<'w, T>,
    top: bool,
}

impl<'de, T: Trail> DeserializeSeed<'de> for Key<'_, '_, T> {
    type Value = Step;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Step, D::Error> {
        json.deserialize_str(self)
    }
}

impl<T: Trail> Visitor<'_> for Key<'_, '_, T> {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Step, E> {
        Ok(self.walk.enter(key, self.top))
    }
}
