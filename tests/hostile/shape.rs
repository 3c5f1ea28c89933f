//! Lines of JSON that are read by the shape of those before them.

use catena::record::Atom;
use catena::record::json::{Names, Shapes, mended};

/// What a line gives: name, dots and value of each scalar.
type Read = Vec<(u32, u32, String)>;

const ASKED: [&str; 8] =
    ["@timestamp", "a", "b.c", "event.action", "process.args", "process.name", "fields.a", ""];

/// Lines in any order: one whose shape is known gives what it gives when it is read by itself.
pub(crate) fn shape(text: &[u8]) {
    let mut names = Names::default();
    for name in ASKED {
        assert!(name.is_empty() || names.add(name) > 0);
    }
    let alone = |line: &[u8]| -> Option<Read> {
        let mut read = Read::new();
        let each = &mut |name, dots, value: Atom<'_>| read.push((name, dots, format!("{value:?}")));
        (names.read(line, each) == Ok(0)).then_some(read)
    };
    let mut shapes = Shapes::default();
    // So often that every shape is known, and what stays the same in its lines, too.
    for line in (0..16).flat_map(|_| text.split(|byte| *byte == b'\n')) {
        let mut read = Read::new();
        let each = &mut |name, dots, value: Atom<'_>| read.push((name, dots, format!("{value:?}")));
        let is_known = shapes.read(line, each);
        let expected = alone(line);
        if is_known {
            // Text that nobody asks for may hold half a surrogate pair, which is mended before it is read alone.
            let expected = expected.or_else(|| alone(&mended(line)?));
            assert_eq!(Some(read), expected, "{}", String::from_utf8_lossy(line));
        } else if expected.is_some() {
            shapes.learn(&names, line);
        }
    }
}
