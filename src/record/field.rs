//! The `key=value` tokens of a record's body.
//!
//! In: the body of a record. Out: its [`Field`]s in order, borrowed and undecoded; then, when the
//! daemon appended them, its enriched copies ([`Fields::enriched`]). [`nested`](super::nested()) does the same for the
//! text of programs inside `msg='…'`. A token that does not fit the grammar is skipped, never guessed
//! at. Nothing is decoded here.

use memchr::{memchr, memrchr};
use wide::u8x16;

/// Separates the body from its enriched copies.
pub(super) const SEPARATOR: u8 = 0x1d;

/// One token. Keys may repeat inside a record: the first one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The key as logged; `old-auid` and the like also where it is spelled with a space.
    pub key: &'a [u8],
    /// The value, undecoded.
    pub value: RawValue<'a>,
}

/// A value as it stands in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawValue<'a> {
    /// Between double quotes: these bytes and nothing else.
    Quoted(&'a [u8]),
    /// Without quotes: a number, a word, hexadecimal bytes or nothing (`op=`).
    Bare(&'a [u8]),
    /// `(null)`: the kernel had no value.
    Null,
    /// `?`: the program did not know.
    Unknown,
    /// Between braces: an interpreted address, the permissions of an AVC.
    Braced(&'a [u8]),
    /// Between single quotes: the text of a program, see [`nested`](super::nested()).
    Nested(&'a [u8]),
}

impl<'a> RawValue<'a> {
    /// The bytes between the delimiters, undecoded; `None` when there is no value.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Quoted(b) | Self::Bare(b) | Self::Braced(b) | Self::Nested(b) => Some(b),
            Self::Null | Self::Unknown => None,
        }
    }

    /// An unquoted token: `(null)` and `?` mean that there is no value.
    pub(super) fn bare(token: &'a [u8]) -> Self {
        match token {
            b"(null)" => Self::Null,
            b"?" => Self::Unknown,
            other => Self::Bare(other),
        }
    }
}

/// The fields of a body, without the enriched ones.
pub fn fields(body: &[u8]) -> Fields<'_> {
    let mut fields = Fields { rest: body, head: [None, None], in_tail: false };
    if let Some((head, rest)) = avc_head(body) {
        fields.head = head;
        fields.rest = rest;
    }
    fields
}

/// The enriched copies in a body that is plain words up to the separator, as [`fields`] would come to them.
pub fn enriched_behind(body: &[u8]) -> Enriched<'_> {
    let at = memchr(SEPARATOR, body).map_or(body.len(), |at| at + 1);
    let rest = body.get(at..).unwrap_or_default();
    Enriched { fields: Fields { rest, head: [None, None], in_tail: false } }
}

/// Iterator over the fields of a body, see [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// What an AVC says before its first key, last one first.
    head: [Option<Field<'a>>; 2],
    /// The enriched copies begin at `rest`.
    in_tail: bool,
}

impl<'a> Fields<'a> {
    /// The enriched copies (`UID="root"`, `SYSCALL=execve`): skips what is left of the body. Empty
    /// when the log is not enriched.
    pub fn enriched(mut self) -> Enriched<'a> {
        while self.next().is_some() {}
        Enriched { fields: Fields { rest: self.rest, head: [None, None], in_tail: false } }
    }

    /// Reads the value at `rest` and moves behind it.
    #[inline]
    fn value(&mut self, key: &[u8]) -> RawValue<'a> {
        match self.rest {
            [b'"', inner @ ..] => {
                let (value, rest) = split_after(inner, quote(inner));
                self.rest = rest;
                RawValue::Quoted(value)
            }
            [b'\'', inner @ ..] if key == b"msg" => {
                let (value, rest) = split_after(inner, nested_end(inner));
                self.rest = rest;
                RawValue::Nested(value)
            }
            [b'{', inner @ ..] if inner.starts_with(b" ") => {
                // An interpreted address may hold a path with braces; nothing follows it.
                let is_address = key.eq_ignore_ascii_case(b"saddr");
                let end = if is_address { memrchr(b'}', inner) } else { memchr(b'}', inner) };
                let (value, rest) = split_after(inner, end);
                self.rest = rest;
                RawValue::Braced(value.trim_ascii())
            }
            _ => self.bare_value(key),
        }
    }

    #[inline]
    fn bare_value(&mut self, key: &[u8]) -> RawValue<'a> {
        let mut end = token_end(self.rest);
        if self.rest.get(end) == Some(&b'=') {
            end = self.odd_value(end);
        }
        if matches!(key, b"subj" | b"obj" | b"label" | b"peer_label") {
            end += mode_suffix(self.rest.get(end..).unwrap_or_default());
        }
        let (value, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        RawValue::bare(value)
    }

    /// Where a bare value with an equals sign at `from` ends: before enriched copies that lost their
    /// separator, or at the next blank.
    #[cold]
    fn odd_value(&self, from: usize) -> usize {
        let rest = self.rest.get(from..).unwrap_or_default();
        let end = from + rest.iter().position(|b| is_blank(*b)).unwrap_or(rest.len());
        glued_tail(self.rest.get(..end).unwrap_or_default()).unwrap_or(end)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        if let Some(field) = self.head.iter_mut().find_map(Option::take) {
            return Some(field);
        }
        if self.in_tail {
            return None;
        }
        let mut word: &[u8] = b"";
        loop {
            while let [b, rest @ ..] = self.rest
                && is_blank(*b)
            {
                self.rest = rest;
                if *b == SEPARATOR {
                    self.in_tail = true;
                    return None;
                }
            }
            let (key, rest) = self.rest.split_at_checked(token_end(self.rest))?;
            match rest {
                [b'=', value @ ..] if !key.is_empty() => {
                    if is_enriched_key(key) {
                        self.in_tail = true;
                        return None;
                    }
                    self.rest = value;
                    let value = self.value(key);
                    return Some(Field { key: spaced_key(word, key), value });
                }
                // An equals sign without a key.
                [b'=', after @ ..] => {
                    let end = after.iter().position(|b| is_blank(*b));
                    self.rest = end.and_then(|end| after.get(end..)).unwrap_or_default();
                }
                // A word without a value, such as the `tty` before the fields of a TTY record.
                [_, ..] => {
                    word = key;
                    self.rest = rest;
                }
                [] => {
                    self.rest = rest;
                    return None;
                }
            }
        }
    }
}

/// Whether a byte separates tokens. The kernel and the daemon write no control characters but the
/// separator of enriched copies; raw ones in the text of others separate like a space.
#[inline]
fn is_blank(byte: u8) -> bool {
    byte <= b' '
}

/// Where the first equals sign or blank stands, eight bytes at a time: tokens are short, and a loop
/// over single bytes mispredicts its end on nearly every one.
#[inline]
fn token_end(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut rest = text;
    let mut at = 0;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let equals = word ^ (ONES * b'=' as u64);
        // The lowest bit set is exact in both; higher ones may follow from it.
        let below = word.wrapping_sub(ONES * (b' ' as u64 + 1)) & !word & HIGH;
        let hits = below | (equals.wrapping_sub(ONES) & !equals & HIGH);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
        rest = after;
    }
    at + rest.iter().position(|b| *b == b'=' || is_blank(*b)).unwrap_or(rest.len())
}

/// Where the next double quote stands. Most values are shorter than what is looked at here at once, and a call
/// would cost more than the look.
#[inline]
fn quote(text: &[u8]) -> Option<usize> {
    let Some(chunk) = text.first_chunk::<32>() else { return memchr(b'"', text) };
    let (quote, mut bits) = (u8x16::splat(b'"'), 0_u32);
    for (block, at) in chunk.as_chunks::<16>().0.iter().zip([0, 16]) {
        bits |= u8x16::new(*block).cmp_eq(quote).move_mask().cast_unsigned() << at;
    }
    if bits != 0 {
        return Some(bits.trailing_zeros() as usize);
    }
    memchr(b'"', text.get(32..)?).map(|at| at + 32)
}

/// Iterator over the enriched copies of a record, see [`Fields::enriched`].
#[derive(Debug, Clone)]
pub struct Enriched<'a> {
    fields: Fields<'a>,
}

impl<'a> Iterator for Enriched<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let fields = &mut self.fields;
        loop {
            let skip = fields.rest.iter().position(|b| !is_blank(*b))?;
            let rest = fields.rest.get(skip..)?;
            let (key, rest) = rest.split_at_checked(token_end(rest))?;
            fields.rest = rest.get(1..).unwrap_or_default();
            if rest.first() != Some(&b'=') || key.is_empty() {
                continue;
            }
            if key == b"SADDR" && !fields.rest.starts_with(b"{") {
                // Older daemons write `unknown family(0)` here; nothing follows an address.
                let value = std::mem::take(&mut fields.rest).trim_ascii();
                return Some(Field { key, value: RawValue::Bare(value) });
            }
            return Some(Field { key, value: fields.value(key) });
        }
    }
}

/// `(text before the delimiter, what follows it)`; all of it when there is no delimiter, as in a line
/// that was cut.
#[inline]
fn split_after(text: &[u8], delimiter: Option<usize>) -> (&[u8], &[u8]) {
    match delimiter.and_then(|at| text.split_at_checked(at)) {
        Some((value, rest)) => (value, rest.get(1..).unwrap_or_default()),
        None => (text, &[]),
    }
}

/// Where the quote that ends a program's text stands: programs do not encode quotes, so it is the
/// last one before the enriched copies.
fn nested_end(text: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(text, &[b'\'', SEPARATOR]).or_else(|| memrchr(b'\'', text))
}

/// Length of the ` (enforce)` that AppArmor writes behind a label.
fn mode_suffix(rest: &[u8]) -> usize {
    let Some(word) = rest.strip_prefix(b" (") else { return 0 };
    let letters = word.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
    if letters > 0 && word.get(letters) == Some(&b')') { letters + 3 } else { 0 }
}

/// The keys of LOGIN records of old kernels hold a space: `old auid=0`.
#[inline]
fn spaced_key<'a>(word: &[u8], key: &'a [u8]) -> &'a [u8] {
    if word.len() != 3 {
        return key;
    }
    match (word, key) {
        (b"old", b"auid") => b"old-auid",
        (b"new", b"auid") => b"new-auid",
        (b"old", b"ses") => b"old-ses",
        (b"new", b"ses") => b"new-ses",
        _ => key,
    }
}

/// The keys that the daemon adds when it enriches a record.
const ENRICHED: [&[u8]; 26] = [
    b"UID",
    b"GID",
    b"AUID",
    b"EUID",
    b"SUID",
    b"FSUID",
    b"EGID",
    b"SGID",
    b"FSGID",
    b"OUID",
    b"OGID",
    b"OAUID",
    b"SAUID",
    b"IUID",
    b"IGID",
    b"OLD-AUID",
    b"NEW-AUID",
    b"NEW_GID",
    b"ID",
    b"OBJ_UID",
    b"OBJ_GID",
    b"INODE_UID",
    b"INODE_GID",
    b"ARCH",
    b"SYSCALL",
    b"SADDR",
];

/// Whether a key starts the enriched copies where the separator was lost.
#[inline]
fn is_enriched_key(key: &[u8]) -> bool {
    key.first().is_some_and(u8::is_ascii_uppercase)
        && (ENRICHED.contains(&key) || key == b"URING_OP")
}

/// Where an enriched key starts inside a bare token whose separator was lost: `(null)ARCH=x86_64`.
fn glued_tail(token: &[u8]) -> Option<usize> {
    let equals = memchr(b'=', token)?;
    let before = token.get(..equals)?;
    let longest = ENRICHED.iter().filter(|key| before.ends_with(key)).map(|key| key.len()).max()?;
    let at = equals.checked_sub(longest)?;
    if at == 0 { None } else { Some(at) }
}

/// What an AVC says before its first key: `avc:  denied  { read write } for`. Gives it as the fields
/// `avc` and `perms`, and the rest of the text.
pub(super) fn avc_head(text: &[u8]) -> Option<([Option<Field<'_>>; 2], &[u8])> {
    let rest = text.strip_prefix(b"avc:")?.trim_ascii_start();
    let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    let (verb, rest) = rest.split_at_checked(end)?;
    let verb = Field { key: b"avc", value: RawValue::Bare(verb) };
    let rest = rest.trim_ascii_start();
    let Some(inner) = rest.strip_prefix(b"{") else { return Some(([Some(verb), None], rest)) };
    let (perms, rest) = split_after(inner, memchr(b'}', inner));
    let perms = Field { key: b"perms", value: RawValue::Braced(perms.trim_ascii()) };
    Some(([Some(verb), Some(perms)], rest))
}
