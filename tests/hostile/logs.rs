//! Lines of a log.

use catena::event::{CoalesceLimits, Coalescer, Event, Outline, Projection, Raw, interpret};
use catena::pick::Text;
use catena::record::text::{keys, proctitle_in_place, text_of, unhex};
use catena::record::{Arguments, RawValue, Sockaddr, decode, decode_into, fields, head, nested};
use catena::schema::{FIELDS, FieldId};

/// A line, read as far as it can be: nothing is invented, and decoding in two ways is the same.
pub(crate) fn record(line: &[u8]) {
    let body = match head(line) {
        Ok(head) => {
            let _ = (head.kind, head.time, head.serial);
            head.body
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            line
        }
    };
    let mut total = 0;
    let mut arguments = Arguments::default();
    arguments.push(body);
    assert!(arguments.iter().map(<[u8]>::len).sum::<usize>() <= body.len());
    for field in fields(body).chain(fields(body).enriched()) {
        let value = field.value.bytes().unwrap_or_default();
        total += value.len();
        let kind = head(line).map_or(catena::record::RecordType::SYSCALL, |head| head.kind);
        let once = decode(field.key, kind, field.value);
        let mut appended = b"x".to_vec();
        let present = decode_into(field.key, kind, field.value, &mut appended);
        assert_eq!(once.as_deref(), present.then_some(appended.get(1..).unwrap_or_default()));
        if let Some(decoded) = once {
            assert_eq!(
                std::str::from_utf8(&decoded).is_ok(),
                *text_of(&decoded).as_bytes() == *decoded
            );
            assert!(keys(&decoded).map(<[u8]>::len).sum::<usize>() <= decoded.len());
        }
        if let RawValue::Nested(text) = field.value {
            let inner = nested(text).filter_map(|field| field.value.bytes()).map(<[u8]>::len);
            assert!(inner.sum::<usize>() <= text.len());
        }
        let _ = Sockaddr::parse(value, Some(0xc000_003e)).family();
        let mut title = value.to_vec();
        proctitle_in_place(&mut title);
        let mut out = Vec::new();
        if unhex(value, &mut out) {
            assert_eq!(out.len() * 2, value.len());
        }
    }
    assert!(total <= body.len(), "values overlap");
}

/// Lines, gathered into events with small bounds, every field read from every event, and every event
/// told in words that no terminal obeys.
pub(crate) fn coalesce(log: &[u8]) {
    let names = || FIELDS.iter().map(|info| (info.name, Some(info.kind)));
    let projection =
        Projection::new(names().chain([("auditd.data.x", None), ("auditd.paths.name", None)]));
    let limits = CoalesceLimits {
        in_flight: 8,
        in_flight_bytes: 4 << 10,
        records_per_event: 6,
        execve_bytes: 512,
        line_bytes: 1 << 10,
        done_ring: 16,
    };
    let mut coalescer = Coalescer::new(limits);
    let mut event = Event::new(projection.len());
    let (mut lines, mut events, mut records) = (0_u64, 0_u64, 0_usize);
    let mut text = Text::default();
    let mut read = |coalescer: &mut Coalescer| {
        while let Some(group) = coalescer.pop() {
            events += 1;
            records += group.len();
            assert!(group.len() <= limits.records_per_event && !group.is_empty());
            event.load(group, &projection, None);
            for index in 0..projection.len() {
                let field = FieldId(u16::try_from(index).unwrap_or(u16::MAX));
                let values = event.values(field).count();
                assert_eq!(values == 0, event.is_missing(field));
            }
            let _ = event.document();
            in_words(&event, &mut text);
            let kept = event.kept();
            assert!(!kept.identity().is_empty() && !kept.records().is_empty());
            if let Raw::Audit(group) = event.take_raw() {
                coalescer.recycle(group);
            }
        }
    };
    for (line, number) in log.split(|byte| *byte == b'\n').zip(1_u64..) {
        lines += 1;
        // Two sources, so that events of one name are not one event.
        coalescer.push(u32::from(line.len() % 16 == 0), number, line);
        read(&mut coalescer);
    }
    coalescer.finish();
    read(&mut coalescer);
    assert!(events <= lines && records as u64 <= lines, "more came out than went in");
    assert_eq!(coalescer.oldest_open(), None);
}

/// Every record is told, none has a key that is not there, and the text is safe to show.
fn in_words(event: &Event, text: &mut Text) {
    let Some(group) = event.raw().group() else { return };
    let mut records = 0;
    interpret(group, None, &mut |record, told| {
        records += 1;
        for field in told {
            let key = field.key.as_bytes();
            // A key of two words is told as one.
            let is_there = record.body.windows(key.len().max(1)).any(|part| part == key);
            let made = ["avc", "perms", "text"].contains(&&*field.key) || field.key.contains('-');
            let is_text = std::str::from_utf8(record.body).is_ok();
            assert!(is_there || made || !is_text, "{field:?}");
            assert_ne!(field.means.as_deref(), Some(&*field.raw));
        }
    });
    assert_eq!(records, group.len());
    assert!(Outline::of(group).missing().count() <= 4);
    let shown = text.of(event);
    assert_eq!(shown.lines().count(), 1 + records, "a line a record");
    assert!(shown.chars().all(|c| c == '\n' || !catena::escape::is_unsafe(c)), "{shown:?}");
}
