//! All fields of an event as one line of JSON, written as they come.
//!
//! In: a [`Document`]. Out: the text of [`nested`], without the tree. Fields of the schema stand in order of their
//! names, so that all that belong to one object follow each other; what only the event has goes to the end of
//! its object. Where names do not fit together like that, the tree is made after all.

use std::io::Write as _;

use super::json::{is_list, nested};
use crate::event::{Document, DocumentValues};
use crate::value::Scalar;

/// The object that holds the keys of records.
const DATA: &str = "auditd.data.";
/// Keys of all PATH records; the records themselves stand in its place.
const PATHS: &str = "auditd.paths.";
/// The object around both.
const AUDITD: &str = "auditd.";

/// Appends all fields of an event as one JSON object, dotted names as nested objects.
pub fn write_nested(document: &Document, out: &mut Vec<u8>) {
    let start = out.len();
    let mut line = Line { document, out, name: "", has_data: false, has_paths: false };
    if line.write().is_none() {
        out.truncate(start);
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, &nested(document));
    }
}

struct Line<'d, 'o> {
    document: &'d Document,
    out: &'o mut Vec<u8>,
    /// The field before: its objects are open.
    name: &'d str,
    /// The keys that only this event has are written, and its PATH records.
    has_data: bool,
    has_paths: bool,
}

impl<'d> Line<'d, '_> {
    /// `None` where names do not fit together.
    fn write(&mut self) -> Option<()> {
        let document = self.document;
        self.out.push(b'{');
        for (name, values) in document.listed() {
            if name.starts_with(PATHS) {
                return None;
            }
            let shared = shared(self.name, name);
            self.close(shared)?;
            self.open(name, shared)?;
            self.values(name, values);
            self.name = name;
        }
        self.close(0)?;
        let lacks_data = !self.has_data && document.unlisted().next().is_some();
        let lacks_paths = !self.has_paths && document.paths().len() > 0;
        if lacks_data || lacks_paths {
            self.open(AUDITD, 0)?;
            self.name = AUDITD;
            self.close(0)?;
        }
        self.out.push(b'}');
        Some(())
    }

    /// Ends the objects of the field before that are no longer than so many bytes of its name.
    fn close(&mut self, shared: usize) -> Option<()> {
        let mut open = self.name;
        while let Some(end) = open.rfind('.').filter(|end| *end >= shared) {
            open = open.get(..end)?;
            // The dot belongs to the name of an object.
            match self.name.get(..=end)? {
                DATA => self.data()?,
                AUDITD => {
                    if !self.has_data && self.document.unlisted().next().is_some() {
                        self.key("data");
                        self.out.push(b'{');
                        self.data()?;
                        self.out.push(b'}');
                    }
                    self.paths();
                }
                _ => {}
            }
            self.out.push(b'}');
        }
        Some(())
    }

    /// Begins the objects of a field behind so many bytes of its name, and its own key.
    fn open(&mut self, name: &str, shared: usize) -> Option<()> {
        let mut rest = name.get(shared..)?;
        while let Some((object, inner)) = rest.split_once('.') {
            if name.len() - rest.len() == DATA.len() && name.starts_with(DATA) {
                let is_value = |(key, _)| key_of(key) == Some(object);
                if self.document.unlisted().any(is_value) {
                    return None;
                }
            }
            self.key(object);
            self.out.push(b'{');
            rest = inner;
        }
        if !rest.is_empty() {
            self.key(rest);
        }
        Some(())
    }

    /// A key that needs no escape.
    fn key(&mut self, key: &str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    /// The keys that only this event has.
    fn data(&mut self) -> Option<()> {
        self.has_data = true;
        let document = self.document;
        for (name, values) in document.unlisted() {
            let key = key_of(name)?;
            self.comma();
            self.text(key);
            self.out.push(b':');
            self.values(name, values);
        }
        Some(())
    }

    fn paths(&mut self) {
        self.has_paths = true;
        let document = self.document;
        let paths = document.paths();
        if paths.len() == 0 {
            return;
        }
        self.key("paths");
        self.out.push(b'[');
        for path in paths {
            self.comma();
            self.out.push(b'{');
            for (key, value) in path {
                self.key(key);
                self.value(value);
            }
            self.out.push(b'}');
        }
        self.out.push(b']');
    }

    fn values(&mut self, name: &str, values: DocumentValues<'_>) {
        match values.first() {
            Some(single) if values.len() == 1 && !is_list(name) => self.value(single),
            _ => {
                self.out.push(b'[');
                for value in values.iter() {
                    self.comma();
                    self.value(value);
                }
                self.out.push(b']');
            }
        }
    }

    fn value(&mut self, value: Scalar<'_>) {
        // Writing to memory does not fail.
        let _ = match value {
            Scalar::Bool(true) => self.out.write_all(b"true"),
            Scalar::Bool(false) => self.out.write_all(b"false"),
            Scalar::Int(number) => write!(self.out, "{number}"),
            Scalar::Float(number) => return drop(serde_json::to_writer(&mut *self.out, &number)),
            Scalar::Str(text) => return self.text(text),
            Scalar::Ip(_) | Scalar::Time(_) => write!(self.out, "\"{value}\""),
        };
    }

    fn text(&mut self, text: &str) {
        if is_plain(text.as_bytes()) {
            self.out.push(b'"');
            self.out.extend_from_slice(text.as_bytes());
            self.out.push(b'"');
        } else {
            let _ = serde_json::to_writer(&mut *self.out, text);
        }
    }
}

/// The key in the name of a field that is not in the schema; `None` where it would be more than one.
fn key_of(name: &str) -> Option<&str> {
    name.strip_prefix(DATA).filter(|key| !key.contains('.'))
}

/// How many bytes the names of the objects have that both fields are in.
fn shared(before: &str, name: &str) -> usize {
    let (before, name) = (before.as_bytes(), name.as_bytes());
    let pairs = before.as_chunks::<8>().0.iter().zip(name.as_chunks::<8>().0);
    let words = pairs.take_while(|(a, b)| a == b).count() * 8;
    let pairs = before.iter().skip(words).zip(name.iter().skip(words));
    let same = words + pairs.take_while(|(a, b)| a == b).count();
    let same = name.get(..same).unwrap_or_default();
    memchr::memrchr(b'.', same).map_or(0, |dot| dot + 1)
}

/// Whether text stands in JSON as it is, eight bytes at a time.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is = |word: u64, byte: u8| {
        let other = word ^ (ONES * u64::from(byte));
        other.wrapping_sub(ONES) & !other
    };
    let (words, rest) = text.as_chunks::<8>();
    let odd = words.iter().fold(0, |odd, word| {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        odd | control | is(word, b'"') | is(word, b'\\')
    });
    odd & HIGH == 0 && rest.iter().all(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::{is_plain, shared};

    #[test]
    fn text_is_plain_where_json_escapes_nothing() {
        for byte in 0..=255_u8 {
            for at in 0..20 {
                let mut text = vec![b'x'; 20];
                text[at] = byte;
                let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                assert_eq!(is_plain(&text), plain, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn fields_share_whole_objects() {
        for (before, name, expected) in [
            ("", "a.b", ""),
            ("a.b", "a.c", "a."),
            ("process.group.id", "process.group.name", "process.group."),
            ("process.group.name", "process.group_leader.args", "process."),
            ("auditd.user.saved.id", "auditd.user.saved.name", "auditd.user.saved."),
            ("process.args", "process.args_count", "process."),
        ] {
            assert_eq!(shared(before, name), expected.len(), "{before} {name}");
        }
    }
}
