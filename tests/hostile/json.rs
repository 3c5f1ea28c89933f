//! Lines of JSON events.

use std::sync::LazyLock;

use catena::event::{Event, Json, JsonReader, Projection};
use catena::pick::Text;
use catena::record::{RecordType, fields, head};
use catena::schema::{FIELDS, FieldId, Schema};
use catena::translate::{Form, Line, Splitter, Start, Translator, read_map};

/// Made once: they cost more than most inputs do.
static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::new);
static EVERYTHING: LazyLock<Projection> =
    LazyLock::new(|| Projection::new(FIELDS.iter().map(|info| (info.name, Some(info.kind)))));

/// A document is cut into the same values whatever pieces it comes in, and whether it is one is known
/// from its beginning for good.
fn documents(log: &[u8]) {
    let split = |size: usize| {
        let mut splitter = Splitter::default();
        let mut values: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut each = |line, value: &[u8]| values.push((line, value.to_vec()));
        log.chunks(size).for_each(|piece| splitter.feed(piece, &mut each));
        let whole = splitter.finish(&mut each);
        (values, whole)
    };
    let values = split(log.len().max(1));
    let bytes: usize = values.0.iter().map(|(_, value)| value.len()).sum();
    assert!(bytes <= log.len(), "values overlap");
    for size in [1, 3, 17] {
        assert_eq!(split(size), values, "pieces of {size}");
    }
    let mut known = None;
    for end in (0..=log.len().min(300)).chain([log.len()]) {
        let start = log.get(..end).and_then(Start::of);
        assert!(known.is_none() || start == known, "{known:?} became {start:?} at {end}");
        known = start;
    }
    let _ = Start::of_all(log);
}

/// A line, read in every form: what it becomes are lines, records of one event where it is one, and never
/// many times its length.
fn translated(line: &[u8]) {
    let whole = line;
    assert_eq!(Form::of(line).is_none(), catena::translate::unwrapped(line).is_empty());
    let mut translator = Translator::new(None);
    for form in Form::ALL {
        let (mut bytes, mut ids, mut lines) = (0, Vec::new(), 0);
        let done = translator.translate(form, line, &mut |line| {
            let (Line::Record(text) | Line::Event(text)) = line;
            bytes += text.len();
            lines += 1;
            assert!(!text.contains(&b'\n'), "{}", String::from_utf8_lossy(text));
            if form == Form::Laurel {
                let head = head(text).unwrap();
                assert_ne!(head.kind, RecordType::OTHER);
                ids.push((head.time, head.serial, head.node.map(<[u8]>::to_vec)));
            }
            if form == Form::Interpreted {
                let equals = whole.iter().filter(|byte| **byte == b'=').count();
                match head(text) {
                    Ok(head) => assert!(fields(head.body).count() <= equals),
                    Err(error) => assert!(!error.is_malformed(), "{error}"),
                }
            }
        });
        ids.dedup();
        assert!(ids.len() <= 1, "{form:?}: records of several events");
        assert!(lines <= 1 + line.len() / 2);
        assert!(bytes <= 1000 + 20 * line.len() + lines * 350, "{form:?}: {bytes}");
        assert!(done.is_ok() || lines == 0, "{form:?}");
    }
}

/// A field map, or problems that can be shown.
fn field_map(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match read_map(text, &SCHEMA) {
        Ok(map) => assert!(!map.is_empty()),
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                let source = catena::diagnostic::Source { name: "map", text };
                assert!(!catena::diagnostic::text(&problem, source, false).is_empty());
            }
        }
    }
}

/// Lines, each read as an event: what a projection without types gives is what the document holds, and
/// types change values but lose none.
pub(crate) fn json(log: &[u8]) {
    documents(log);
    log.split(|byte| *byte == b'\n').for_each(translated);
    field_map(log);
    let mut typed_reader = JsonReader::new(&EVERYTHING, &SCHEMA);
    for line in log.split(|byte| *byte == b'\n') {
        let mut typed = Json::default();
        if let Err(error) = typed_reader.read(line, &mut typed) {
            assert!(!error.to_string().is_empty());
            continue;
        }
        assert_eq!(typed.line(), line);
        // Read as another line before it was, or as the first: it is the same.
        let mut alone = Json::default();
        let read = JsonReader::new(&EVERYTHING, &SCHEMA).read(line, &mut alone);
        assert!(read.is_ok() && alone == typed);
        let cut = typed.is_cut();
        let mut event = Event::new(EVERYTHING.len());
        event.load_json(typed, None);
        let document = event.document();
        let mut text = Text::default();
        let shown = text.of(&event);
        assert!(shown.chars().all(|c| c == '\n' || !catena::escape::is_unsafe(c)), "{shown:?}");
        let kept = event.kept();
        assert_eq!(kept.document(), document);
        assert_eq!(kept.records().len(), 1);

        let names: Vec<&str> = document.fields().map(|(name, _)| name).take(1000).collect();
        let projection = Projection::new(names.iter().map(|name| (*name, None)));
        let mut plain = Json::default();
        let read = JsonReader::new(&projection, &SCHEMA).read(line, &mut plain);
        assert!(read.is_ok());
        let whole = !cut && !plain.is_cut();
        let mut untyped = Event::new(projection.len());
        untyped.load_json(plain, None);
        for (name, number) in names.iter().zip(0..) {
            let values: Vec<_> = untyped.values(FieldId(number)).map(|v| v.to_string()).collect();
            let known: Vec<_> =
                document.values(name).iter().map(|value| value.to_string()).collect();
            assert!(!known.is_empty());
            if whole {
                assert_eq!(values, known, "{name}");
            }
        }
        for (info, number) in FIELDS.iter().zip(0..) {
            let count = event.values(FieldId(number)).count();
            if whole {
                assert_eq!(count, document.values(info.name).len(), "{}", info.name);
            }
        }
    }
}
