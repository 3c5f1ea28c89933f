//! [`Kept`] as bytes and back.
//!
//! In: a kept event. Out: everything it is made of but its host and its process, which many events
//! share: whoever keeps events keeps those once. Offsets inside the records are written as they are, so
//! that an event reads the same for ever, however records are taken apart later. Bytes of unknown
//! origin give an error or an event all of whose fields can be asked for; they are not checked against
//! what a log can say.

use std::borrow::Cow;
use std::sync::Arc;

use super::group::{EventId, Group, Incomplete, Line};
use super::kept::Holders;
use super::{Host, Json, Kept, Process, Raw};
use crate::codec::{Invalid, Reader, Writer};
use crate::record::RecordType;
use crate::time::{Ordinal, Timestamp};

/// Greatest offset inside a group, far above the limits of the coalescer.
const MAX_OFFSET: u64 = 1 << 30;

impl Kept {
    /// Writes it without its host and its process.
    pub fn save(&self, out: &mut Writer) {
        save_ordinal(self.ordinal, out);
        match &self.raw {
            Raw::Audit(group) => {
                out.byte(0);
                save_group(group, out);
            }
            Raw::Json(json) => {
                out.byte(1);
                json.save(out);
            }
        }
    }

    /// Reads what [`Kept::save`] wrote.
    ///
    /// # Errors
    ///
    /// When the bytes are not what it writes.
    pub fn load(
        reader: &mut Reader<'_>,
        host: Option<Arc<Host>>,
        process: Option<Arc<Process>>,
    ) -> Result<Self, Invalid> {
        let ordinal = load_ordinal(reader)?;
        let raw = match reader.byte()? {
            0 => Raw::Audit(load_group(reader)?),
            1 => Raw::Json(Json::load(reader)?),
            _ => return Err(reader.invalid("unknown kind of event")),
        };
        Ok(Self { ordinal, raw, host, process, holders: Holders::default() })
    }

    /// The host it happened on, if anybody said.
    pub fn host_shared(&self) -> Option<&Arc<Host>> {
        self.host.as_ref()
    }
}

/// Writes a place in the order.
pub fn save_ordinal(ordinal: Ordinal, out: &mut Writer) {
    out.signed(ordinal.time.0);
    out.number(ordinal.tiebreaker);
    out.number(ordinal.arrival);
}

/// Reads a place in the order.
///
/// # Errors
///
/// When the bytes are not what [`save_ordinal`] writes.
pub fn load_ordinal(reader: &mut Reader<'_>) -> Result<Ordinal, Invalid> {
    Ok(Ordinal {
        time: Timestamp(reader.signed()?),
        tiebreaker: reader.number()?,
        arrival: reader.number()?,
    })
}

fn save_group(group: &Group, out: &mut Writer) {
    out.number(group.id.source.into());
    out.signed(group.id.time.0);
    out.number(group.id.serial.into());
    out.number(group.line);
    let cause = |cause: Incomplete| Incomplete::ALL.iter().position(|known| *known == cause);
    out.size(group.incomplete.and_then(cause).map_or(0, |index| index + 1));
    out.number(group.node.start.into());
    out.number(group.node.end.saturating_sub(group.node.start).into());
    out.size(group.records.len());
    for Line { text, kind, name, name_len, body } in group.lines() {
        out.number(kind.0.into());
        out.bytes(&text);
        out.size(name);
        out.byte(name_len);
        out.size(body);
    }
}

fn load_group(reader: &mut Reader<'_>) -> Result<Group, Invalid> {
    let mut group = Group::new();
    group.id = EventId {
        source: reader.small()?,
        time: Timestamp(reader.signed()?),
        serial: reader.small()?,
    };
    group.line = reader.number()?;
    group.incomplete = match usize::from(reader.byte()?) {
        0 => None,
        cause => {
            let cause = Incomplete::ALL.get(cause - 1).copied();
            Some(cause.ok_or_else(|| reader.invalid("unknown cause of incompleteness"))?)
        }
    };
    let node = offset(reader)?;
    group.node = node..node.saturating_add(offset(reader)?);
    for _ in 0..reader.count()? {
        let kind = u16::try_from(reader.number()?);
        let kind = RecordType(kind.map_err(|_| reader.invalid("record type too great"))?);
        let text = Cow::Borrowed(reader.bytes()?);
        let room = usize::try_from(MAX_OFFSET).unwrap_or(usize::MAX);
        if text.len() > room.saturating_sub(group.bytes_len()) {
            return Err(reader.invalid("event too long"));
        }
        let name = offset(reader)? as usize;
        let name_len = reader.byte()?;
        let body = offset(reader)? as usize;
        group.push_line(&Line { text, kind, name, name_len, body });
    }
    Ok(group)
}

/// How far something stands behind something else.
fn offset(reader: &mut Reader<'_>) -> Result<u32, Invalid> {
    let offset = reader.at_most(MAX_OFFSET, "position outside of the event")?;
    Ok(u32::try_from(offset).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CoalesceLimits, Coalescer, Event, JsonReader, Projection};
    use crate::schema::Schema;

    fn round(kept: &Kept) -> Kept {
        let mut writer = Writer::default();
        kept.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        let read = Kept::load(&mut reader, None, None).unwrap();
        assert_eq!(reader.end(), Ok(()));
        read
    }

    /// Every event of every small case, of prefixes, nodes, cut lines and unknown types.
    #[test]
    fn records_come_back_as_they_were() {
        let mut events = 0;
        for file in std::fs::read_dir("corpus/fuzz/coalesce").unwrap() {
            let log = std::fs::read(file.unwrap().path()).unwrap();
            let mut coalescer = Coalescer::new(CoalesceLimits::default());
            for (line, number) in log.split(|byte| *byte == b'\n').zip(1..) {
                coalescer.push(3, number, line);
            }
            coalescer.finish();
            while let Some(group) = coalescer.pop() {
                let mut event = Event::new(0);
                event.ordinal = Ordinal::new(group.id().time, Some(7), 9);
                event.load(group, &Projection::new([]), None);
                let kept = event.kept();
                assert_eq!(round(&kept), kept);
                assert_eq!(round(&kept).size_bytes(), kept.size_bytes());
                events += 1;
            }
        }
        assert!(events > 50, "{events}");
    }

    #[test]
    fn lines_of_json_come_back_as_they_were() {
        let mut reader = JsonReader::new(&Projection::new([]), &Schema::new());
        for line in [&br#"{"@timestamp":5,"a":{"b":[1,2]}}"#[..], br#"{"a":"\u0000"}"#] {
            let mut json = Json::default();
            reader.read(line, &mut json).unwrap();
            let mut event = Event::new(0);
            event.load_json(json, None);
            let kept = event.kept();
            assert_eq!(round(&kept), kept);
        }
    }
}
