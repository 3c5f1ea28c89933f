//! [`in_order`]: the short way through a body of plain tokens.
//!
//! In: the body of a record that the kernel writes without decoration, such as SYSCALL, and the keys it has in
//! the order in which they come. Out: their values. A body, or a word, for which this could differ from
//! [`fields`] is refused: there the long way must be gone.
//!
//! [`fields`]: super::fields()

use wide::u8x16;

use super::field::{RawValue, SEPARATOR};

/// Bytes looked at together.
const BLOCK: usize = 64;

/// A key as a word begins with it.
#[derive(Debug, Clone, Copy)]
pub struct KeyHead {
    /// The key and its equals sign, the first byte lowest.
    bytes: u64,
    /// Which of the bytes those are.
    mask: u64,
    /// How many.
    length: usize,
    /// Whether every value is a number or a word in small letters.
    is_bare: bool,
}

impl KeyHead {
    /// Of a key of at most seven bytes. The value of a `bare` one is a number or a word in small letters; a body in
    /// which it is anything else is refused. Other values are given as they stand, see [`plain_value`].
    pub const fn new(key: &[u8], is_bare: bool) -> Self {
        assert!(key.len() < 8, "a key and its equals sign are eight bytes at most");
        let length = key.len() + 1;
        let mut bytes = [0; 8];
        let (start, _) = bytes.split_at_mut(length);
        let (name, sign) = start.split_at_mut(key.len());
        name.copy_from_slice(key);
        sign.copy_from_slice(b"=");
        let mask = u64::MAX >> (64 - 8 * length);
        Self { bytes: u64::from_le_bytes(bytes), mask, length, is_bare }
    }
}

/// The values of `heads` in the words of a body up to its enriched copies. `None` when there is any other word,
/// one in another place, or an equals sign in a value, where another token might begin.
pub fn in_order<'a, const N: usize>(
    body: &'a [u8],
    heads: &[KeyHead; N],
) -> Option<[Option<&'a [u8]>; N]> {
    let mut values = [None; N];
    let mut taker = Taker { body, slots: heads.iter().zip(&mut values), start: 0, taken: 0 };
    let (mut base, mut signs) = (0, 0_u32);
    loop {
        let rest = body.get(base..).unwrap_or_default();
        if rest.is_empty() {
            if taker.start < body.len() {
                taker.take(body.len())?;
            }
            break;
        }
        let (mut blanks, equals) = look(body, rest);
        let mut seen = equals;
        while blanks != 0 {
            let at = blanks.trailing_zeros();
            blanks &= blanks.wrapping_sub(1);
            let end = base.wrapping_add(at as usize);
            if body.get(end) == Some(&SEPARATOR) {
                if taker.start < end {
                    taker.take(end)?;
                }
                // What stands behind is none of the words.
                seen = equals & !(u64::MAX << at);
                base = body.len();
                taker.start = body.len();
                break;
            }
            taker.take(end)?;
        }
        signs = signs.wrapping_add(seen.count_ones());
        base = base.wrapping_add(BLOCK);
    }
    (taker.taken == signs).then_some(values)
}

/// Gives words to the heads they begin with.
struct Taker<'a, I> {
    body: &'a [u8],
    /// The heads that have not been passed, and where their values go.
    slots: I,
    /// Where the next word starts.
    start: usize,
    taken: u32,
}

impl<'a, 'v, I: Iterator<Item = (&'v KeyHead, &'v mut Option<&'a [u8]>)>> Taker<'a, I>
where
    'a: 'v,
{
    /// Takes the word up to `end`; `None` when no head is left for it.
    #[inline(always)]
    fn take(&mut self, end: usize) -> Option<()> {
        let rest = self.body.get(self.start..)?;
        let bytes = rest.first_chunk().map_or_else(|| few(rest), |few| u64::from_le_bytes(*few));
        let (head, slot) = self.slots.find(|(head, _)| (bytes ^ head.bytes) & head.mask == 0)?;
        let value = self.body.get(self.start.wrapping_add(head.length)..end)?;
        if head.is_bare {
            let (b'0'..=b'9' | b'a'..=b'z' | b'-') = value.first()? else { return None };
        }
        *slot = Some(value);
        self.taken = self.taken.wrapping_add(1);
        self.start = end.wrapping_add(1);
        Some(())
    }
}

/// Fewer than eight bytes, the first one lowest.
#[cold]
fn few(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte))
}

/// The marks of the block at the start of `rest`, with which the body ends.
#[inline(always)]
fn look(body: &[u8], rest: &[u8]) -> (u64, u64) {
    if let Some(block) = rest.first_chunk::<BLOCK>() {
        return marks(block);
    }
    if let Some(block) = body.last_chunk::<BLOCK>() {
        // What of the last block was seen before is shifted out.
        let (blanks, equals) = marks(block);
        let seen = u32::try_from(BLOCK - rest.len()).unwrap_or(u32::MAX);
        return (blanks.checked_shr(seen).unwrap_or(0), equals.checked_shr(seen).unwrap_or(0));
    }
    let mut block = [b'x'; BLOCK];
    block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    marks(&block)
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

    const HEADS: [KeyHead; 4] = [
        KeyHead::new(b"a", true),
        KeyHead::new(b"syscall", true),
        KeyHead::new(b"comm", false),
        KeyHead::new(b"key", false),
    ];

    /// The same, word by word.
    fn plainly(body: &[u8]) -> Option<[Option<&[u8]>; 4]> {
        let end = body.iter().position(|byte| *byte == SEPARATOR).unwrap_or(body.len());
        let mut words: Vec<&[u8]> = body[..end].split(|byte| *byte <= b' ').collect();
        if words.last().is_some_and(|last| last.is_empty()) {
            words.pop();
        }
        let (mut values, mut next) = ([None; 4], 0);
        for word in words {
            let keys: [(&[u8], bool); 4] =
                [(b"a=", true), (b"syscall=", true), (b"comm=", false), (b"key=", false)];
            let found = (next..4).find(|at| word.starts_with(keys[*at].0))?;
            let value = &word[keys[found].0.len()..];
            let is_word = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
            if keys[found].1 && !value.first().is_some_and(|byte| is_word(byte) || *byte == b'-') {
                return None;
            }
            if value.contains(&b'=') {
                return None;
            }
            values[found] = Some(value);
            next = found + 1;
        }
        Some(values)
    }

    #[test]
    fn words_stand_between_blanks_wherever_they_fall() {
        let (mut refused, mut taken) = (0, 0);
        let pads = [0, 1, 5, 20, 40, 52, 60, 61, 62, 63, 64, 65, 118, 126, 127, 128, 129, 190];
        for pad in pads {
            for other in [0, 3, 47, 55, 63, 64, 65] {
                let (first, last) = ("7".repeat(pad), "\u{ff}".repeat(other));
                let bodies = [
                    format!("a=1{first} syscall=59 comm=\"x{last}\" key=k"),
                    format!("syscall=59{first} comm=X{last} key=\x1dcomm=y{first}=z"),
                    format!("a=1 comm=\"y{first}\" key={last} \x1dKEY=\"=\" x"),
                    format!("a=1 key=b{first} comm={last}"),
                    format!("a=1{first}  key={last}"),
                    format!("a={first}\tcomm={last}\u{1f}key=x="),
                    format!("a=-{first} a={last}"),
                    format!("syscall={first}{last} ke="),
                    format!("comm={first}=key={last}"),
                    format!("{first}a=1 key={last}"),
                    format!("a=1{first} key={last} "),
                ];
                for body in bodies.iter().map(|body| body.as_bytes()) {
                    for end in [0, body.len() / 2, body.len().saturating_sub(1), body.len()] {
                        let read = in_order(&body[..end], &HEADS);
                        let text = String::from_utf8_lossy(&body[..end]);
                        assert_eq!(read, plainly(&body[..end]), "{text}");
                        *if read.is_some() { &mut taken } else { &mut refused } += 1;
                    }
                }
            }
        }
        assert!(taken > 1000 && refused > 1000, "{taken} {refused}");
    }
}
