//! From the bytes of a value to text for queries and people.
//!
//! In: raw or hexadecimal bytes of a record. Out: decoded bytes, text, the parts of a joined key.
//! Decoding happens after a line was split into fields, so decoded bytes can never start a new one.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How many bytes of a command line the kernel keeps for PROCTITLE.
pub const PROCTITLE_BYTES: usize = 128;

/// The value of one hexadecimal digit, 255 for any other byte.
const DIGITS: [u8; 256] = {
    let mut table = [255_u8; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "byte is below the size of the table")]
        {
            table[byte] = match byte as u8 {
                b @ b'0'..=b'9' => b - b'0',
                b @ b'A'..=b'F' => b - b'A' + 10,
                b @ b'a'..=b'f' => b - b'a' + 10,
                _ => 255,
            };
        }
        byte += 1;
    }
    table
};

/// The value of a hexadecimal digit, 255 for any other byte.
#[inline]
fn digit(byte: u8) -> u8 {
    DIGITS.get(usize::from(byte)).copied().unwrap_or(255)
}

/// Appends the bytes that hexadecimal text stands for. `false`, with `out` unchanged, when the text
/// is empty, of odd length or holds another character.
pub fn unhex(text: &[u8], out: &mut Vec<u8>) -> bool {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return false;
    }
    let start = out.len();
    let mut bad = 0_u8;
    out.extend(text.chunks_exact(2).map(|pair| {
        let (high, low) = match pair {
            [high, low] => (digit(*high), digit(*low)),
            _ => (255, 255),
        };
        bad |= high | low;
        (high << 4) | (low & 15)
    }));
    if bad > 15 {
        out.truncate(start);
        return false;
    }
    true
}

/// Bytes as text: as they are when they are UTF-8, else with each byte that is not part of a valid
/// sequence written as `\xHH` (two upper-case digits). A backslash itself is not escaped, so the form
/// is for reading and matching; the exact bytes stay in the raw record.
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len() + 8);
            push_text(bytes, &mut text);
            Cow::Owned(text)
        }
    }
}

/// Appends bytes as [`text_of`] gives them.
pub fn push_text(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
}

/// Turns the decoded bytes of `proctitle` into a command line in place: NULs at the end are cut off,
/// those between arguments become spaces. `true` when the kernel may have cut the command line.
pub fn proctitle_in_place(bytes: &mut Vec<u8>) -> bool {
    let truncated = bytes.len() >= PROCTITLE_BYTES;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    for byte in bytes.iter_mut().filter(|b| **b == 0) {
        *byte = b' ';
    }
    truncated
}

/// The single keys of a decoded `key=`: several rule keys are joined by 0x01.
pub fn keys(decoded: &[u8]) -> impl Iterator<Item = &[u8]> {
    decoded.split(|b| *b == 1).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unhex_takes_only_whole_bytes() {
        let mut out = b"x".to_vec();
        assert!(unhex(b"00fFA1", &mut out));
        assert_eq!(out, b"x\x00\xff\xa1");
        for bad in [&b""[..], b"A", b"0G", b"ABC", b"0x12"] {
            assert!(!unhex(bad, &mut out));
            assert_eq!(out, b"x\x00\xff\xa1", "unchanged");
        }
    }

    #[test]
    fn invalid_bytes_are_escaped_one_by_one() {
        assert_eq!(text_of("ü".as_bytes()), "ü");
        assert!(matches!(text_of(b"plain"), Cow::Borrowed("plain")));
        assert_eq!(text_of(b"a\xffb\xc3"), "a\\xFFb\\xC3");
        assert_eq!(text_of(b"\xe2\x82x"), "\\xE2\\x82x");
    }

    #[test]
    fn proctitle_joins_arguments() {
        let mut title = b"sh\0-c\0id\0\0".to_vec();
        assert!(!proctitle_in_place(&mut title));
        assert_eq!(title, b"sh -c id");
        let mut title = vec![b'A'; 127];
        title.push(0);
        assert!(proctitle_in_place(&mut title));
        assert_eq!(title.len(), 127);
    }

    #[test]
    fn keys_are_split_at_0x01() {
        assert_eq!(keys(b"k1\x01k2").collect::<Vec<_>>(), [b"k1", b"k2"]);
        assert_eq!(keys(b"").count(), 0);
        assert_eq!(keys(b"\x01\x01").count(), 0);
    }
}
