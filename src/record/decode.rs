//! The bytes a value stands for.
//!
//! In: a field and the type of its record. Out: its bytes, decoded where the kernel or a program
//! encoded them, and only there: text that happens to look like hexadecimal is left alone.

use std::borrow::Cow;

use crate::record::RecordType;
use crate::record::field::RawValue;
use crate::record::text::unhex;

/// Whether a bare value of this key is hexadecimal bytes. All other values are what they look like:
/// `a0=41` of a SYSCALL record is a number.
#[inline]
pub fn is_encoded(kind: RecordType, key: &[u8]) -> bool {
    match key {
        b"comm" | b"exe" | b"key" | b"name" | b"cwd" | b"proctitle" | b"acct" | b"cmd"
        | b"path" | b"ocomm" | b"data" | b"addr" | b"apparmor" | b"cgroup" | b"device" | b"dir"
        | b"file" | b"grp" | b"invalid_context" | b"new-chardev" | b"new-disk" | b"new-fs"
        | b"new-net" | b"new-rng" | b"old-chardev" | b"old-disk" | b"old-fs" | b"old-net"
        | b"old-rng" | b"saddr" | b"vm" | b"watch" | b"sw" | b"root_dir" | b"profile"
        | b"operation" | b"info" | b"denied_mask" | b"requested_mask" | b"new_group" => true,
        [b'a', digit, rest @ ..] if kind == RecordType::EXECVE => {
            digit.is_ascii_digit() && !rest.ends_with(b"_len")
        }
        _ => false,
    }
}

/// The bytes a value stands for: those between quotes literally, hexadecimal ones decoded where the
/// field is an encoded one ([`is_encoded`]), any other token as it is. `None` when there is no value.
#[inline]
pub fn decode<'a>(key: &[u8], kind: RecordType, value: RawValue<'a>) -> Option<Cow<'a, [u8]>> {
    if let RawValue::Bare(token) = value
        && is_encoded(kind, key)
    {
        let mut bytes = Vec::with_capacity(token.len() / 2);
        if unhex(token, &mut bytes) {
            return Some(Cow::Owned(bytes));
        }
    }
    value.bytes().map(Cow::Borrowed)
}

/// Appends what [`decode`] gives to `out`. `false` when there is no value.
pub fn decode_into(key: &[u8], kind: RecordType, value: RawValue<'_>, out: &mut Vec<u8>) -> bool {
    let Some(bytes) = value.bytes() else { return false };
    let is_hex = matches!(value, RawValue::Bare(_)) && is_encoded(kind, key) && unhex(bytes, out);
    if !is_hex {
        out.extend_from_slice(bytes);
    }
    true
}
