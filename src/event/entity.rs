//! [`EntityId`]: what names a program that runs in a process.
//!
//! In: a digest of where, when and as which process it was first seen, or the digits of a saved one. Out: digits that
//! are the same on every run over the same log. Needs no memory of its own.

use std::fmt;

/// What names an image of a process: 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId([u8; 32]);

impl EntityId {
    /// Of so many bits of a digest.
    pub fn of_digest(digest: [u8; 16]) -> Self {
        let mut digits = [0; 32];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
            *pair =
                [byte >> 4, byte & 15].map(|half| half + if half < 10 { b'0' } else { b'a' - 10 });
        }
        Self(digits)
    }

    /// Of the digits themselves; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        digits.iter().all(is_digit).then_some(Self(digits))
    }
}

impl std::ops::Deref for EntityId {
    type Target = str;

    fn deref(&self) -> &str {
        // They are digits.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_ids_are_digits() {
        let id = EntityId::of_digest(std::array::from_fn(|at| at as u8 * 17));
        assert_eq!(&*id, "00112233445566778899aabbccddeeff");
        assert_eq!(EntityId::parse(&id), Some(id));
        for other in ["", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeef"] {
            assert_eq!(EntityId::parse(other), None, "{other}");
        }
    }
}
