//! [`words`]: the short way through a body of plain tokens.
//!
//! In: the body of a record that the kernel writes without decoration, such as SYSCALL. Out: its words,
//! and the values of plain ones. A body, or a word, for which this could differ from [`fields`] is
//! refused: there the long way must be gone.
//!
//! [`fields`]: super::fields()

use wide::u8x16;

use super::field::{RawValue, SEPARATOR};

/// Bytes looked at together.
const BLOCK: usize = 64;

/// The words of a body up to its enriched copies; where two blanks meet there is an empty one.
pub fn words(body: &[u8]) -> Words<'_> {
    let end = memchr::memchr(SEPARATOR, body).unwrap_or(body.len());
    let body = body.get(..end).unwrap_or(body);
    let mut words = Words { body, start: 0, base: 0, ends: 0, equals: 0 };
    words.look(body);
    words
}

/// Iterator over the words of a body, see [`words`].
#[derive(Debug, Clone)]
pub struct Words<'a> {
    body: &'a [u8],
    /// Where the next word starts.
    start: usize,
    /// The blanks in the block at `base` that have not been passed, one bit each.
    base: usize,
    ends: u64,
    /// Equals signs seen so far.
    equals: u32,
}

impl<'a> Words<'a> {
    /// How many equals signs stood in the words, once all have been given.
    pub fn equals_signs(&self) -> u32 {
        self.equals
    }

    /// Finds the blanks in the block at the start of `rest`.
    #[inline]
    fn look(&mut self, rest: &[u8]) {
        let (blanks, equals) = match (rest.first_chunk::<BLOCK>(), self.body.last_chunk::<BLOCK>())
        {
            (Some(block), _) => marks(block),
            // What of the last block was seen before is shifted out.
            (None, Some(block)) => {
                let (blanks, equals) = marks(block);
                let seen = u32::try_from(BLOCK - rest.len()).unwrap_or(u32::MAX);
                (blanks.checked_shr(seen).unwrap_or(0), equals.checked_shr(seen).unwrap_or(0))
            }
            (None, None) => {
                let mut block = [b'x'; BLOCK];
                block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                marks(&block)
            }
        };
        self.ends = blanks;
        self.equals = self.equals.wrapping_add(equals.count_ones());
    }

    /// The next word, when no blank is left in this block.
    fn beyond(&mut self) -> Option<&'a [u8]> {
        while self.ends == 0 {
            self.base += BLOCK;
            let Some(rest) = self.body.get(self.base..) else {
                // The last word, once.
                let word = self.body.get(self.start..).filter(|word| !word.is_empty());
                self.start = self.body.len();
                return word;
            };
            self.look(rest);
        }
        self.next()
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.ends == 0 {
            return self.beyond();
        }
        let end = self.base.wrapping_add(self.ends.trailing_zeros() as usize);
        self.ends &= self.ends.wrapping_sub(1);
        let word = self.body.get(self.start..end)?;
        self.start = end.wrapping_add(1);
        Some(word)
    }
}

/// One bit for each byte: whether it is a blank, and whether it is an equals sign.
#[inline]
fn marks(block: &[u8; BLOCK]) -> (u64, u64) {
    let (space, equals) = (u8x16::splat(b' '), u8x16::splat(b'='));
    let (mut blanks, mut signs) = (0, 0);
    for (bytes, at) in block.as_chunks::<16>().0.iter().zip([0, 16, 32, 48]) {
        let bytes = u8x16::new(*bytes);
        let bits = |mask: u8x16| u64::from(mask.move_mask().cast_unsigned()) << at;
        blanks |= bits(bytes.min(space).cmp_eq(bytes));
        signs |= bits(bytes.cmp_eq(equals));
    }
    (blanks, signs)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_blanks_wherever_they_fall() {
        for length in 0..300 {
            for step in 1..70 {
                let byte = |at: usize| match at % step {
                    0 => [b' ', b'\t', 0x1f][at % 3],
                    1 => b'=',
                    _ => [b'!', 0x7f, 0x80, 0xff][at % 4],
                };
                let body: Vec<u8> = (0..length).map(byte).collect();
                let mut words = words(&body);
                let mut expected: Vec<&[u8]> = body.split(|byte| *byte <= b' ').collect();
                if expected.last().is_some_and(|last| last.is_empty()) {
                    expected.pop();
                }
                assert_eq!(words.by_ref().collect::<Vec<_>>(), expected);
                assert_eq!(words.next(), None);
                let signs = body.iter().filter(|byte| **byte == b'=').count();
                assert_eq!(words.equals_signs() as usize, signs);
            }
        }
    }
}
