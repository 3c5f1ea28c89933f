//! Lines of JSON events.

use catena::event::{Event, Json, JsonReader, Projection};
use catena::pick::Text;
use catena::schema::{FIELDS, FieldId, Schema};

/// Lines, each read as an event: what a projection without types gives is what the document holds, and
/// types change values but lose none.
pub(crate) fn json(log: &[u8]) {
    let everything = Projection::new(FIELDS.iter().map(|info| (info.name, Some(info.kind))));
    let mut typed_reader = JsonReader::new(&everything, &Schema::new());
    for line in log.split(|byte| *byte == b'\n') {
        let mut typed = Json::default();
        if let Err(error) = typed_reader.read(line, &mut typed) {
            assert!(!error.to_string().is_empty());
            continue;
        }
        assert_eq!(typed.line(), line);
        let cut = typed.is_cut();
        let mut event = Event::new(everything.len());
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
        let read = JsonReader::new(&projection, &Schema::new()).read(line, &mut plain);
        assert!(read.is_ok());
        let whole = !cut && !plain.is_cut();
        let mut untyped = Event::new(projection.len());
        untyped.load_json(plain, None);
        for (name, number) in names.iter().zip(0..) {
            let values: Vec<_> = untyped.values(FieldId(number)).map(|v| v.to_string()).collect();
            let known: Vec<_> = document.values(name).iter().map(ToString::to_string).collect();
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
