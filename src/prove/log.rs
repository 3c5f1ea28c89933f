//! A log taken apart into events, so that events can be picked, changed and put in another order.
//!
//! In: the bytes of an audit log or of JSON events. Out: such bytes again. An event is told by machine,
//! time and serial number, or by its line; what it is about is read by the program's own reader
//! ([`pick_text`]). Lines that are no records keep their places. Nothing here is random: orders follow
//! from numbers.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::case::{Action, Change, Fault, Pick};
use crate::event::{Event, Kept, Raw};
use crate::pick::{Filter, pick_text};
use crate::pipeline::{Flow, Settings};
use crate::record::head;
use crate::time::{Duration, Timestamp};

/// What tells one event from others; empty for a line that is no event.
type Name = Vec<u8>;

/// The lines of one event.
#[derive(Debug, Clone)]
pub struct Piece {
    name: Name,
    /// When it happened.
    pub time: Timestamp,
    /// When it comes: the log is in this order.
    pub arrival: Timestamp,
    /// Its lines, each with its end.
    pub lines: Vec<u8>,
}

/// See the module page.
#[derive(Debug, Clone)]
pub struct Log {
    /// Its events, and lines that are none.
    pub pieces: Vec<Piece>,
    json: bool,
}

/// Whether a log holds JSON: by its first character, as when it is run.
pub fn is_json(log: &[u8]) -> bool {
    let text = log.strip_prefix(b"\xef\xbb\xbf").unwrap_or(log);
    text.trim_ascii_start().first() == Some(&b'{')
}

impl Log {
    /// Takes a log apart.
    ///
    /// # Errors
    ///
    /// When the log cannot be run.
    pub(super) fn new(log: &[u8], settings: &Settings) -> Result<Self, String> {
        let json = is_json(log);
        let times = if json { times(log, settings)? } else { HashMap::new() };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut known: HashMap<Name, usize> = HashMap::new();
        let mut now = Timestamp::MIN;
        for line in log.split(|byte| *byte == b'\n') {
            let (name, time) = if json {
                let name = line.trim_ascii();
                (name.to_vec(), times.get(name).copied())
            } else {
                match head(line) {
                    Ok(head) => (name_of(head.node, head.time, head.serial), Some(head.time)),
                    Err(_) => (Name::new(), None),
                }
            };
            if line.is_empty() {
                continue;
            }
            // Records of one event belong together, equal lines of JSON are events of their own.
            let open = known.get(&name).filter(|_| !json && !name.is_empty()).copied();
            if let Some(piece) = open.and_then(|index| pieces.get_mut(index)) {
                piece.add(line);
                continue;
            }
            let time = time.unwrap_or(now);
            now = now.max(time);
            known.insert(name.clone(), pieces.len());
            let mut piece = Piece { name, time, arrival: now, lines: Vec::new() };
            piece.add(line);
            pieces.push(piece);
        }
        Ok(Self { pieces, json })
    }

    /// Whether it is of JSON events.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The place among the pieces of an event that was kept.
    pub fn find(&self, kept: &Kept) -> Option<usize> {
        let records = kept.records();
        let line = records.first()?.as_bytes();
        let name = match self.json {
            true => line.trim_ascii().to_vec(),
            false => head(line).map(|head| name_of(head.node, head.time, head.serial)).ok()?,
        };
        self.pieces.iter().position(|piece| piece.name == name)
    }

    /// Keeps the events of these names only.
    pub(super) fn keep(&mut self, names: &HashSet<Name>) {
        self.pieces.retain(|piece| names.contains(&piece.name));
    }

    /// Changes the events of these names.
    ///
    /// # Errors
    ///
    /// When a time cannot be written.
    pub(super) fn change(
        &mut self,
        change: &Change,
        names: &HashSet<Name>,
        settings: &Settings,
    ) -> Result<(), String> {
        if change.action == Action::Drop {
            self.pieces.retain(|piece| !names.contains(&piece.name));
            return Ok(());
        }
        let json = self.json;
        for piece in self.pieces.iter_mut().filter(|piece| names.contains(&piece.name)) {
            match change.action {
                Action::Drop => {}
                Action::Delay(by) => piece.arrival = piece.arrival.plus(by),
                Action::Shift(by) => piece.shift(by, json, settings)?,
            }
        }
        Ok(())
    }

    /// The log, in order of arrival.
    pub fn bytes(&self) -> Vec<u8> {
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by_key(|piece| piece.arrival);
        let mut bytes = Vec::with_capacity(pieces.iter().map(|piece| piece.lines.len()).sum());
        pieces.iter().for_each(|piece| bytes.extend_from_slice(&piece.lines));
        bytes
    }

    /// The log with faults that must not matter; `seed` names an order.
    pub(super) fn with(&self, faults: &[Fault], seed: u32, lateness: Duration) -> Vec<u8> {
        let mut pieces: Vec<(Timestamp, &Piece)> =
            self.pieces.iter().map(|piece| (piece.arrival, piece)).collect();
        if faults.contains(&Fault::Shuffle) {
            for (arrival, piece) in &mut pieces {
                *arrival = piece.time.plus(self.delay(piece, seed, lateness));
            }
        }
        pieces.sort_by_key(|(arrival, _)| *arrival);
        let times = if faults.contains(&Fault::Duplicate) { 2 } else { 1 };
        let mut bytes = Vec::new();
        for (_, piece) in pieces {
            (0..times).for_each(|_| bytes.extend_from_slice(&piece.lines));
        }
        bytes
    }

    /// How late an event comes: less than may be. JSON events of one time have no order but their
    /// arrival, so they stay together.
    fn delay(&self, piece: &Piece, seed: u32, lateness: Duration) -> Duration {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(piece.time.0.to_be_bytes());
        if !self.json {
            hash.update(&piece.name);
        }
        let bytes = hash.finalize();
        let number = bytes.iter().take(7).fold(0_i64, |all, byte| all << 8 | i64::from(*byte));
        Duration(number.checked_rem(lateness.0).unwrap_or(0))
    }
}

impl Piece {
    fn add(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
    }

    /// Writes another time into its lines.
    fn shift(&mut self, by: Duration, json: bool, settings: &Settings) -> Result<(), String> {
        self.move_to(self.time.plus(by), json, &settings.schema.events().timestamp)
    }

    /// Writes another time into its lines, of JSON into `field`; it comes when it happens.
    ///
    /// # Errors
    ///
    /// When the time is before 1970, or a line has no place for it.
    pub fn move_to(&mut self, time: Timestamp, json: bool, field: &str) -> Result<(), String> {
        if time < Timestamp(0) {
            return Err("shifted to before 1970".to_owned());
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in self.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let written = match json {
                true => json_at(line, time, field),
                false => record_at(line, time),
            };
            lines.extend(written.ok_or("its time cannot be written")?);
            lines.push(b'\n');
        }
        self.lines = lines;
        self.time = time;
        self.arrival = time;
        Ok(())
    }
}

impl Piece {
    /// The serial number of its first record; a line of JSON has none.
    pub fn serial(&self) -> Option<u32> {
        let line = self.lines.split(|byte| *byte == b'\n').next()?;
        head(line).ok().map(|head| head.serial)
    }

    /// Writes another serial number into the heads of its records; lines that are none stay as they are.
    pub fn number(&mut self, serial: u32) {
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in self.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match numbered(line, serial) {
                Some(numbered) => lines.extend(numbered),
                None => lines.extend_from_slice(line),
            }
            lines.push(b'\n');
        }
        self.lines = lines;
    }
}

/// Where in a record its stamp is: what stands between `audit(` and `:`, and between that and `)`.
fn stamp(line: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let before = line.len().checked_sub(head(line).ok()?.body.len())?;
    // In front of the body there is one stamp, the last.
    let start = memchr::memmem::rfind(line.get(..before)?, b"audit(")? + b"audit(".len();
    let colon = start + memchr::memchr(b':', line.get(start..before)?)?;
    let end = colon + memchr::memchr(b')', line.get(colon..before)?)?;
    Some((start..colon, colon + 1..end))
}

/// The record with another serial number.
fn numbered(line: &[u8], serial: u32) -> Option<Vec<u8>> {
    let (_, place) = stamp(line)?;
    let serial = serial.to_string();
    Some([line.get(..place.start)?, serial.as_bytes(), line.get(place.end..)?].concat())
}

/// The record at another time.
fn record_at(line: &[u8], time: Timestamp) -> Option<Vec<u8>> {
    let (place, _) = stamp(line)?;
    let millis = time.as_millis();
    let time = format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000));
    Some([line.get(..place.start)?, time.as_bytes(), line.get(place.end..)?].concat())
}

/// The line of JSON at another time.
fn json_at(line: &[u8], time: Timestamp, field: &str) -> Option<Vec<u8>> {
    let mut event: serde_json::Value = serde_json::from_slice(line).ok()?;
    let place = match event.get(field) {
        Some(_) => event.get_mut(field)?,
        None => event.pointer_mut(&format!("/{}", field.replace('.', "/")))?,
    };
    *place = match place {
        serde_json::Value::Number(_) => time.as_millis().into(),
        _ => time.to_string().into(),
    };
    serde_json::to_vec(&event).ok()
}

/// The names of the events that are picked.
///
/// # Errors
///
/// When the condition cannot be run.
pub(super) fn names(log: &[u8], pick: &Pick, settings: &Settings) -> Result<HashSet<Name>, String> {
    if let (Some((first, last)), None, None) = (pick.serials, pick.pid, &pick.condition)
        && !is_json(log)
    {
        // What stands in the heads of the records need not be read from events.
        let heads = log.split(|byte| *byte == b'\n').filter_map(|line| head(line).ok());
        let wanted = heads.filter(|head| (first..=last).contains(&head.serial));
        return Ok(wanted.map(|head| name_of(head.node, head.time, head.serial)).collect());
    }
    let mut filter = match &pick.condition {
        Some(rule) => Filter::matching(rule)?,
        None => Filter::default(),
    };
    if let Some((first, last)) = pick.serials {
        filter = filter.serials(first, last);
    }
    if let Some(pid) = pick.pid {
        filter = filter.pid(pid);
    }
    let mut names = HashSet::new();
    let mut each = |event: &Event| {
        names.insert(name(event));
        Flow::Continue
    };
    pick_text(log, settings, filter, &mut each)?;
    Ok(names)
}

/// When the events of JSON happened, by their lines.
fn times(log: &[u8], settings: &Settings) -> Result<HashMap<Name, Timestamp>, String> {
    let mut times = HashMap::new();
    let mut each = |event: &Event| {
        if let Raw::Json(json) = event.raw()
            && let Some(time) = json.time()
        {
            times.insert(json.line().trim_ascii().to_vec(), time);
        }
        Flow::Continue
    };
    pick_text(log, settings, Filter::default(), &mut each)?;
    Ok(times)
}

fn name(event: &Event) -> Name {
    match event.raw() {
        Raw::Audit(group) => {
            let id = group.id();
            name_of(group.node(), id.time, id.serial)
        }
        Raw::Json(json) => json.line().trim_ascii().to_vec(),
    }
}

fn name_of(node: Option<&[u8]>, time: Timestamp, serial: u32) -> Name {
    let mut name = format!("{}:{serial}:", time.0).into_bytes();
    name.extend_from_slice(node.unwrap_or_default());
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn audit(times: &[i64]) -> String {
        let record = |(time, serial): (&i64, u32)| {
            format!(
                "type=SYSCALL msg=audit({time}.000:{serial}): syscall=59 pid=1\n\
                 type=CWD msg=audit({time}.000:{serial}): cwd=\"/\"\n"
            )
        };
        times.iter().zip(1..).map(record).collect()
    }

    fn log(text: &str) -> Log {
        Log::new(text.as_bytes(), &Settings::default()).unwrap()
    }

    #[test]
    fn a_log_that_is_not_touched_stays_as_it_is() {
        let text = audit(&[100, 101, 103]) + "no record\n" + &audit(&[104]);
        let log = log(&text);
        assert_eq!(log.bytes(), text.as_bytes());
        assert_eq!(log.with(&[Fault::Restart], 0, Duration::from_secs(5)), text.as_bytes());
    }

    #[test]
    fn duplicates_double_every_event_as_a_whole() {
        let one = audit(&[100]);
        let twice = log(&one).with(&[Fault::Duplicate], 0, Duration::from_secs(5));
        assert_eq!(twice, (one.clone() + &one).into_bytes());
    }

    #[test]
    fn orders_differ_and_no_event_is_later_than_it_may_be() {
        let times: Vec<i64> = (0..200).collect();
        let lateness = Duration::from_secs(5);
        let log = log(&audit(&times));
        let mut orders = HashSet::new();
        for seed in 0..8 {
            let text = log.with(&[Fault::Shuffle], seed, lateness);
            let mut latest = Timestamp::MIN;
            for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let time = head(line).unwrap().time;
                assert!(latest.since(time) < lateness);
                latest = latest.max(time);
            }
            assert_eq!(text, log.with(&[Fault::Shuffle], seed, lateness), "always the same");
            orders.insert(text);
        }
        assert_eq!(orders.len(), 8);
    }

    #[test]
    fn json_events_of_one_time_keep_their_order() {
        let event = |n: u32| format!("{{\"@timestamp\":\"2026-01-01T12:00:00Z\",\"n\":{n}}}\n");
        let text: String = (0..50).map(event).collect();
        let log = log(&text);
        for seed in 0..8 {
            let shuffled = log.with(&[Fault::Shuffle], seed, Duration::from_secs(5));
            assert_eq!(shuffled, text.as_bytes());
        }
    }

    #[test]
    fn times_are_written_where_they_were_read() {
        let time = Timestamp::from_millis(1_700_000_000_007);
        let record = b"node=a type=SYSCALL msg=audit(1.000:5): comm=\"audit(9.999:9)\"";
        let shifted = b"node=a type=SYSCALL msg=audit(1700000000.007:5): comm=\"audit(9.999:9)\"";
        assert_eq!(record_at(record, time).unwrap(), shifted);
        for (line, wanted) in [
            (r#"{"@timestamp":1,"a":2}"#, r#"{"@timestamp":1700000000007,"a":2}"#),
            (r#"{"@timestamp":"x"}"#, r#"{"@timestamp":"2023-11-14T22:13:20.007Z"}"#),
        ] {
            assert_eq!(json_at(line.as_bytes(), time, "@timestamp").unwrap(), wanted.as_bytes());
        }
        let nested = json_at(br#"{"a":{"t":"x"}}"#, time, "a.t").unwrap();
        assert_eq!(nested, br#"{"a":{"t":"2023-11-14T22:13:20.007Z"}}"#);
        assert_eq!(json_at(b"[1]", time, "t"), None);
    }
}
