//! [`FieldMap`]: what the fields of other producers are called here.
//!
//! In: a line with one JSON object. Out: the same line with members added: each field of theirs that the
//! map knows, under our name and in our spelling. Nothing of the line is taken away, so that a query may
//! use their names too. A field of ours that the line already has is left as it is.

use std::io::Write as _;

use hashbrown::HashMap;

use crate::record::Atom;
use crate::record::json::{JsonError, JsonLines, Leaf, mended};
use crate::time::Timestamp;
use crate::value;

/// Most values that one line is given.
const MAX_ADDED: usize = 16_384;

/// How the time of an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// ISO 8601, with up to nine digits behind the point.
    Iso,
    /// Seconds since 1970, also with a fraction.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
    /// Microseconds since 1970.
    Micros,
    /// Nanoseconds since 1970.
    Nanos,
    /// Ticks of 100 nanoseconds since 1601, as Windows counts.
    Filetime,
}

impl TimeFormat {
    /// All of them, with the words for them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("iso", Self::Iso),
        ("s", Self::Seconds),
        ("ms", Self::Millis),
        ("us", Self::Micros),
        ("ns", Self::Nanos),
        ("filetime", Self::Filetime),
    ];

    /// Nanoseconds of one unit; 0 for what is no number.
    fn unit(self) -> i128 {
        match self {
            Self::Iso => 0,
            Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1000,
            Self::Nanos => 1,
            Self::Filetime => 100,
        }
    }

    /// The point in time that a value stands for.
    fn read(self, atom: Atom<'_>) -> Option<Timestamp> {
        /// From 1601 to 1970.
        const EPOCH: i128 = 11_644_473_600 * 1_000_000_000;
        let unit = self.unit();
        let nanos = match atom {
            Atom::Text(text) if unit == 0 => return value::timestamp(text),
            Atom::Int(count) if unit > 0 => i128::from(count) * unit,
            Atom::Text(text) if unit > 0 => decimal(text, unit)?,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "clamped; beyond all times it ends"
            )]
            #[expect(clippy::cast_precision_loss, reason = "a float has no more digits")]
            Atom::Float(count) if unit > 0 && count.is_finite() => (count * unit as f64) as i128,
            _ => return None,
        };
        let nanos = if self == Self::Filetime { nanos - EPOCH } else { nanos };
        i64::try_from(nanos).ok().map(Timestamp)
    }
}

/// A decimal number of units, in nanoseconds: no digit is lost to a float.
fn decimal(text: &str, unit: i128) -> Option<i128> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if fraction.len() > 18 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<i128>().unwrap_or(0) * unit / scale;
    let part = if text.starts_with('-') { -part } else { part };
    Some(i128::from(whole) * unit + part)
}

/// See the module page.
#[derive(Debug, Clone, Default)]
pub struct FieldMap {
    /// What is to be done with a field of theirs.
    sources: HashMap<Box<str>, Vec<Use>, foldhash::fast::RandomState>,
    targets: Vec<Target>,
    /// Where in `targets` a field of ours is.
    places: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// Texts that mean that there is no value.
    absent: Vec<Box<str>>,
    ranks: u32,
}

/// A field of ours.
#[derive(Debug, Clone)]
struct Target {
    name: Box<str>,
    /// What it is where the event does not say, as JSON.
    constant: Option<Box<str>>,
}

/// What a field of theirs is for.
#[derive(Debug, Clone)]
struct Use {
    target: usize,
    /// How good a source it is: the lowest counts.
    rank: u32,
    reading: Reading,
}

/// How a value of theirs is read.
#[derive(Debug, Clone)]
enum Reading {
    /// As it is.
    Plain,
    /// Translated, where the table knows it.
    Values(HashMap<Box<str>, Box<str>, foldhash::fast::RandomState>),
    Time(TimeFormat),
}

/// The value that stands for all others in a table of values.
pub const ANY_OTHER: &str = "*";

impl FieldMap {
    /// A map of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Their field `source` is our field `target`. Of several sources of one target the first that an
    /// event has counts. Values that `values` knows become what it says, [`ANY_OTHER`] stands for those
    /// that it does not name, and what becomes empty is left out; without either a value stays.
    pub fn field(&mut self, source: &str, target: &str, values: &[(&str, &str)]) {
        let reading = match values {
            [] => Reading::Plain,
            some => Reading::Values(
                some.iter().map(|(theirs, ours)| ((*theirs).into(), (*ours).into())).collect(),
            ),
        };
        self.source(source, target, reading);
    }

    /// The time of an event, our field `target`, is in their field `source`.
    pub fn time(&mut self, source: &str, format: TimeFormat, target: &str) {
        self.source(source, target, Reading::Time(format));
    }

    /// What our field `target` is where the event does not say, as JSON.
    pub fn constant(&mut self, target: &str, json: &str) {
        let index = self.target(target);
        if let Some(target) = self.targets.get_mut(index) {
            target.constant = Some(json.into());
        }
    }

    /// A text that means that there is no value.
    pub fn absent(&mut self, text: &str) {
        self.absent.push(text.into());
    }

    /// Whether it names no field.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    fn is_absent(&self, text: &str) -> bool {
        self.absent.iter().any(|absent| **absent == *text)
    }

    fn source(&mut self, source: &str, target: &str, reading: Reading) {
        let target = self.target(target);
        self.ranks += 1;
        let rank = self.ranks;
        self.sources.entry(source.into()).or_default().push(Use { target, rank, reading });
    }

    fn target(&mut self, name: &str) -> usize {
        if let Some(index) = self.places.get(name) {
            return *index;
        }
        self.places.insert(name.into(), self.targets.len());
        self.targets.push(Target { name: name.into(), constant: None });
        self.targets.len() - 1
    }
}

/// One value for a field of ours.
#[derive(Debug, Clone, Copy)]
struct Added {
    target: usize,
    rank: u32,
    start: usize,
    end: usize,
}

/// Adds the fields of a map to lines; keeps memory between them.
#[derive(Debug, Default)]
pub(super) struct Mapper {
    lines: JsonLines,
    added: Vec<Added>,
    /// The values, as JSON.
    text: Vec<u8>,
    /// Which targets the line has itself.
    present: Vec<bool>,
    line: Vec<u8>,
}

impl Mapper {
    /// The line with the fields that the map adds.
    pub(super) fn line(&mut self, map: &FieldMap, line: &[u8]) -> Result<&[u8], JsonError> {
        let mut whole = None;
        match self.collect(map, line) {
            Err(JsonError::Syntax(_)) if let Some(line) = mended(line) => {
                self.collect(map, &line)?;
                whole = Some(line);
            }
            other => other?,
        }
        let line = whole.as_deref().unwrap_or(line).trim_ascii_end();
        let Some(open) = line.strip_suffix(b"}") else { return Ok(self.as_is(line)) };
        self.line.clear();
        self.line.extend_from_slice(open.trim_ascii_end());
        let mut some = self.line.last() != Some(&b'{');
        self.added.sort_by_key(|added| (added.target, added.rank));
        let mut rest = self.added.as_slice();
        while let Some(first) = rest.first().copied() {
            let same = |added: &&Added| added.target == first.target;
            let count = rest.iter().take_while(same).count();
            let (group, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = after;
            let best = group.iter().filter(|added| added.rank == first.rank);
            let is_list = best.clone().count() > 1;
            let Some(target) = map.targets.get(first.target) else { continue };
            if self.present.get(first.target).copied().unwrap_or_default() {
                continue;
            }
            if let Some(present) = self.present.get_mut(first.target) {
                *present = true;
            }
            name(&mut self.line, &target.name, &mut some);
            self.line.extend_from_slice(if is_list { b"[" } else { b"" });
            for (number, added) in best.enumerate() {
                self.line.extend_from_slice(if number > 0 { b"," } else { b"" });
                let value = self.text.get(added.start..added.end).unwrap_or_default();
                self.line.extend_from_slice(value);
            }
            self.line.extend_from_slice(if is_list { b"]" } else { b"" });
        }
        for (target, present) in map.targets.iter().zip(&self.present) {
            if let Some(constant) = target.constant.as_deref().filter(|_| !present) {
                name(&mut self.line, &target.name, &mut some);
                self.line.extend_from_slice(constant.as_bytes());
            }
        }
        self.line.push(b'}');
        Ok(&self.line)
    }

    fn as_is(&mut self, line: &[u8]) -> &[u8] {
        self.line.clear();
        self.line.extend_from_slice(line);
        &self.line
    }

    fn collect(&mut self, map: &FieldMap, line: &[u8]) -> Result<(), JsonError> {
        let Self { lines, added, text, present, .. } = self;
        added.clear();
        text.clear();
        present.clear();
        present.resize(map.targets.len(), false);
        lines.read(line, &mut |leaf: Leaf<'_>| {
            if let Some(index) = map.places.get(leaf.name)
                && let Some(present) = present.get_mut(*index)
            {
                *present = true;
            }
            let uses = map.sources.get(leaf.name).into_iter().flatten();
            for Use { target, rank, reading } in uses {
                let start = text.len();
                let absent = matches!(leaf.value, Atom::Text(text) if map.is_absent(text));
                if !absent && added.len() < MAX_ADDED && write_value(reading, leaf.value, text) {
                    added.push(Added { target: *target, rank: *rank, start, end: text.len() });
                }
            }
        })?;
        Ok(())
    }
}

fn name(line: &mut Vec<u8>, name: &str, some: &mut bool) {
    line.extend_from_slice(if *some { b"," } else { b"" });
    *some = true;
    json_text(name, line);
    line.push(b':');
}

/// Writes a value as JSON; `false` when there is nothing to write.
fn write_value(reading: &Reading, atom: Atom<'_>, out: &mut Vec<u8>) -> bool {
    let values = match reading {
        Reading::Time(format) => {
            let Some(time) = format.read(atom) else { return false };
            return write!(out, "\"{time}\"").is_ok();
        }
        Reading::Values(values) => Some(values),
        Reading::Plain => None,
    };
    // A table names numbers and truth by their text.
    let known = values.and_then(|values| {
        let text = match atom {
            Atom::Text(text) => values.get(text),
            Atom::Bool(value) => values.get(if value { "true" } else { "false" }),
            Atom::Int(value) => values.get(value.to_string().as_str()),
            Atom::Float(_) => None,
        };
        text.or_else(|| values.get(ANY_OTHER))
    });
    match (known.map(|ours| &**ours), atom) {
        (Some(""), _) => return false,
        (Some(text), _) | (None, Atom::Text(text)) => json_text(text, out),
        (None, Atom::Bool(value)) => return write!(out, "{value}").is_ok(),
        (None, Atom::Int(value)) => return write!(out, "{value}").is_ok(),
        (None, Atom::Float(value)) => return serde_json::to_writer(out, &value).is_ok(),
    }
    true
}

fn json_text(text: &str, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(map: &FieldMap, line: &str) -> String {
        let mut mapper = Mapper::default();
        String::from_utf8(mapper.line(map, line.as_bytes()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn fields_are_added_under_our_names_and_theirs_stay() {
        let mut map = FieldMap::new();
        map.field("proc", "process.name", &[]);
        map.field("exe.path", "process.executable", &[]);
        map.field("kind", "event.category", &[("process_event", "process")]);
        map.constant("host.os.type", "\"linux\"");
        assert_eq!(
            mapped(&map, r#"{"proc":"sh","exe":{"path":"/bin/sh"},"kind":["process_event","x"]} "#),
            r#"{"proc":"sh","exe":{"path":"/bin/sh"},"kind":["process_event","x"],"process.name":"sh","process.executable":"/bin/sh","event.category":["process","x"],"host.os.type":"linux"}"#
        );
        assert_eq!(mapped(&map, "{}"), r#"{"host.os.type":"linux"}"#);
    }

    #[test]
    fn the_first_source_counts_and_what_is_there_stays() {
        let mut map = FieldMap::new();
        map.field("best", "a", &[]);
        map.field("second", "a", &[]);
        map.constant("a", "0");
        assert_eq!(mapped(&map, r#"{"second":2,"best":1}"#), r#"{"second":2,"best":1,"a":1}"#);
        assert_eq!(mapped(&map, r#"{"second":2}"#), r#"{"second":2,"a":2}"#);
        assert_eq!(mapped(&map, r#"{"second":2,"a":7}"#), r#"{"second":2,"a":7}"#);
    }

    #[test]
    fn a_table_names_values_all_others_and_none() {
        let mut map = FieldMap::new();
        map.absent("<NA>");
        map.field("t", "x", &[("1", "one"), ("true", "yes"), ("gone", ""), ("*", "other")]);
        for (theirs, ours) in [
            ("1", Some("one")),
            ("\"1\"", Some("one")),
            ("true", Some("yes")),
            ("1.5", Some("other")),
        ]
        .into_iter()
        .chain([("\"gone\"", None), ("\"<NA>\"", None)])
        {
            let added = ours.map_or_else(String::new, |ours| format!(",\"x\":\"{ours}\""));
            assert_eq!(
                mapped(&map, &format!("{{\"t\":{theirs}}}")),
                format!("{{\"t\":{theirs}{added}}}")
            );
        }
    }

    #[test]
    fn times_are_read_in_every_format_without_losing_digits() {
        use TimeFormat::{Filetime, Iso, Micros, Millis, Nanos, Seconds};
        for (format, value, nanos) in [
            (Iso, Atom::Text("2023-11-14T22:13:20.123456789Z"), 1_700_000_000_123_456_789),
            (Seconds, Atom::Int(1_700_000_000), 1_700_000_000_000_000_000),
            (Seconds, Atom::Text("1700000000.123456789"), 1_700_000_000_123_456_789),
            (Seconds, Atom::Text("-1.5"), -1_500_000_000),
            (Seconds, Atom::Float(1.5), 1_500_000_000),
            (Millis, Atom::Int(1_700_000_000_123), 1_700_000_000_123_000_000),
            (Micros, Atom::Text("1700000000123456"), 1_700_000_000_123_456_000),
            (Nanos, Atom::Int(7), 7),
            (Filetime, Atom::Int(116_444_736_000_000_000), 0),
            (Filetime, Atom::Int(133_444_736_001_234_567), 1_700_000_000_123_456_700),
        ] {
            assert_eq!(format.read(value), Some(Timestamp(nanos)), "{format:?} {value:?}");
        }
        for (format, value) in [
            (Iso, Atom::Int(5)),
            (Seconds, Atom::Text("yesterday")),
            (Seconds, Atom::Int(i64::MAX)),
            (Seconds, Atom::Float(f64::MAX)),
            (Filetime, Atom::Bool(true)),
        ] {
            assert_eq!(format.read(value), None, "{format:?} {value:?}");
        }
    }
}
