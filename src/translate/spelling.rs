//! How a value is spelled in an audit record.
//!
//! In: bytes. Out: the token the kernel or a program would have written for them: between quotes,
//! as hexadecimal, or bare. Whatever the bytes are, they stay one value of one record: nothing here can
//! begin another token, another record or another line.

use crate::record::{RecordType, is_encoded};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends bytes as hexadecimal.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.iter().flat_map(|byte| {
        let digit = |at: u8| HEX.get(usize::from(at)).copied().unwrap_or(b'0');
        [digit(byte >> 4), digit(byte & 15)]
    }));
}

/// Appends text as the kernel writes text it does not trust: quoted, or as hexadecimal when it
/// holds a quote, a blank, a control character or no ASCII.
pub(super) fn untrusted(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e)) {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else {
        hex(bytes, out);
    }
}

/// Appends a word that is not encoded: bare, between quotes when it could be taken for more than one
/// token. Quotes and control characters, which such a field cannot hold, become `\xHH`.
pub(super) fn word(bytes: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x26 | 0x28..=0x3c | 0x3e..=0x7e);
    if !bytes.is_empty() && bytes.iter().all(is_plain) && bytes.first() != Some(&b'{') {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for byte in bytes {
        if *byte < b' ' || matches!(*byte, b'"' | b'\'' | 0x7f) {
            out.extend_from_slice(b"\\x");
            hex(&[*byte], out);
        } else {
            out.push(*byte);
        }
    }
    out.push(b'"');
}

/// Appends the value of a key in a record of this type.
pub(super) fn value(kind: RecordType, key: &[u8], bytes: &[u8], out: &mut Vec<u8>) {
    match key {
        b"saddr" | b"proctitle" => hex(bytes, out),
        // What a program did not know it writes as a question mark.
        _ if bytes == b"?" && kind.is_user() => out.push(b'?'),
        _ if is_encoded(kind, key) => untrusted(bytes, out),
        _ => word(bytes, out),
    }
}

/// Longest name of a machine: a record is looked for in the first 256 bytes of its line.
const NODE_BYTES: usize = 240;

/// Appends `node=NAME ` for a machine that has a name.
pub(super) fn node(name: &str, out: &mut Vec<u8>) {
    if !name.is_empty() {
        out.extend_from_slice(b"node=");
        let kept = |byte: u8| if byte <= b' ' { b'_' } else { byte };
        out.extend(name.bytes().take(NODE_BYTES).map(kept));
        out.push(b' ');
    }
}

/// Whether bytes can be the key of a token.
pub(super) fn is_key(key: &[u8]) -> bool {
    let of_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !key.is_empty() && key.len() <= 64 && key.iter().all(of_key)
}

/// Bytes of a text in which `%XX` stands for a byte, put into `out`, which is emptied first.
pub(super) fn percent_decoded(text: &str, out: &mut Vec<u8>) {
    out.clear();
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'%', rest) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        let digits = from.get(1..3).unwrap_or_default();
        if crate::record::text::unhex(digits, out) {
            rest = from.get(3..).unwrap_or_default();
        } else {
            out.push(b'%');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(kind: RecordType, key: &str, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        value(kind, key.as_bytes(), bytes, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn text_is_spelled_as_the_kernel_does() {
        let kind = RecordType::SYSCALL;
        assert_eq!(spelled(kind, "comm", b"sh"), "\"sh\"");
        assert_eq!(spelled(kind, "comm", b"a b"), "612062");
        assert_eq!(spelled(kind, "comm", b""), "\"\"");
        assert_eq!(spelled(kind, "saddr", b"\x02\x00"), "0200");
        assert_eq!(spelled(kind, "tty", b"pts0"), "pts0");
    }

    #[test]
    fn no_value_is_more_than_one_token() {
        let kind = RecordType::SYSCALL;
        assert_eq!(spelled(kind, "tty", b"x uid=0"), "\"x uid=0\"");
        assert_eq!(spelled(kind, "tty", b"xUID=root"), "\"xUID=root\"");
        assert_eq!(spelled(kind, "tty", b"a\n\"'\x1d"), "\"a\\x0A\\x22\\x27\\x1D\"");
        assert_eq!(spelled(kind, "tty", b"{ x"), "\"{ x\"");
        assert_eq!(spelled(kind, "tty", b""), "\"\"");
    }

    #[test]
    fn percent_signs_are_decoded_once() {
        let mut out = Vec::new();
        percent_decoded("a%2520%20%zz%", &mut out);
        assert_eq!(out, b"a%20 %zz%");
    }
}
