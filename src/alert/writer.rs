//! [`Writer`]: text of JSON, part by part.
//!
//! In: keys and values in the order in which they shall stand. Out: text without blanks, appended. That objects
//! are opened and closed in pairs is up to whoever writes.

use std::io::Write as _;

use serde::Serialize;

use crate::value::Scalar;

/// See the module page.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    /// What has been written, for others to go on with.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Begins an object.
    pub(super) fn open(&mut self) {
        self.out.push(b'{');
    }

    /// Ends an object.
    pub(super) fn close(&mut self) {
        self.out.push(b'}');
    }

    /// A list; `write` writes each of its items.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.out.push(b'[');
        for item in items {
            self.comma();
            write(self, item);
        }
        self.out.push(b']');
    }

    /// A list of objects; `write` writes the members of each.
    pub(super) fn objects<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.list(items, |out, item| {
            out.open();
            write(out, item);
            out.close();
        });
    }

    /// Parts what follows from what stands before it in the same object or list.
    pub(super) fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    /// A key that needs no escape.
    pub(super) fn key(&mut self, key: &str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A key of somebody else.
    pub(super) fn foreign_key(&mut self, key: &str) {
        self.comma();
        self.text(key);
        self.out.push(b':');
    }

    /// A key that needs no escape, and its value.
    pub(super) fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        self.json(value);
    }

    /// Anything that is made into JSON elsewhere.
    pub(super) fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    /// A value; addresses and times as text.
    pub(super) fn value(&mut self, value: Scalar<'_>) {
        // Writing to memory does not fail.
        let _ = match value {
            Scalar::Bool(true) => self.out.write_all(b"true"),
            Scalar::Bool(false) => self.out.write_all(b"false"),
            Scalar::Int(number) => write!(self.out, "{number}"),
            Scalar::Float(number) => return self.json(&number),
            Scalar::Str(text) => return self.text(text),
            Scalar::Ip(_) | Scalar::Time(_) => write!(self.out, "\"{value}\""),
        };
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        if is_plain(text.as_bytes()) {
            self.out.push(b'"');
            self.out.extend_from_slice(text.as_bytes());
            self.out.push(b'"');
        } else {
            self.json(text);
        }
    }
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
    use super::is_plain;

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
}
