//! [`words`]: the short way through a body of plain tokens.
//!
//! In: the body of a record that the kernel writes without decoration, such as SYSCALL. Out: its words,
//! and the values of plain ones. A body, or a word, for which this could differ from [`fields`] is
//! refused: there the long way must be gone.
//!
//! [`fields`]: super::fields()

use super::field::{RawValue, SEPARATOR};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// The words of a body up to its enriched copies; where two blanks meet there is an empty one.
pub fn words(body: &[u8]) -> Words<'_> {
    let end = memchr::memchr(SEPARATOR, body).unwrap_or(body.len());
    let body = body.get(..end).unwrap_or(body);
    Words { body, start: 0, base: 0, ends: blanks(body.get(..64).unwrap_or(body)) }
}

/// Iterator over the words of a body, see [`words`].
#[derive(Debug, Clone)]
pub struct Words<'a> {
    body: &'a [u8],
    /// Where the next word starts.
    start: usize,
    /// Blanks in the 64 bytes from `base` on that have not been passed, one bit each.
    base: usize,
    ends: u64,
}

impl Words<'_> {
    /// How many equals signs all the words hold.
    pub fn equals_signs(&self) -> usize {
        memchr::memchr_iter(b'=', self.body).count()
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        while self.ends == 0 {
            self.base += 64;
            let Some(rest) = self.body.get(self.base..) else {
                // The last word, once.
                let word = self.body.get(self.start..).filter(|word| !word.is_empty());
                self.start = self.body.len();
                return word;
            };
            self.ends = blanks(rest.get(..64).unwrap_or(rest));
        }
        let end = self.base + self.ends.trailing_zeros() as usize;
        self.ends &= self.ends - 1;
        let word = self.body.get(self.start..end)?;
        self.start = end + 1;
        Some(word)
    }
}

/// One bit for each of up to 64 bytes: whether it is a blank.
#[inline]
fn blanks(text: &[u8]) -> u64 {
    let (chunks, rest) = text.as_chunks::<8>();
    let mut bits = 0;
    let mut shift = 0;
    for chunk in chunks {
        bits |= gather(below_0x21(u64::from_le_bytes(*chunk))) << shift;
        shift += 8;
    }
    if !rest.is_empty() {
        let mut last = [b'x'; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        bits |= gather(below_0x21(u64::from_le_bytes(last))) << shift;
    }
    bits
}

/// The highest bit of each byte that is a space or below, and no other bit.
#[inline]
fn below_0x21(word: u64) -> u64 {
    let above = (word & !HIGH) + ONES * (0x7f - 0x20);
    !(above | word) & HIGH
}

/// The highest bits of eight bytes as one byte.
#[inline]
fn gather(high: u64) -> u64 {
    (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The value that a word holds behind its key and equals sign: quoted or bare. `None` for everything
/// else, which only [`fields`](super::fields()) can tell apart.
#[inline(always)]
pub fn plain_value(text: &[u8]) -> Option<RawValue<'_>> {
    match text {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => Some(RawValue::Quoted(inner)),
        [b'"' | b'{' | b'\'', ..] => None,
        bare => Some(RawValue::bare(bare)),
    }
}
