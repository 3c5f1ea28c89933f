//! Numbers, text and lists as bytes: one spelling for every value.
//!
//! In: plain values, or bytes of unknown origin. Out: bytes, or the values and where reading failed.
//! Numbers are written with seven bits a byte, least significant first, and only the shortest spelling
//! is read again, so that equal values are equal bytes. What is read is never trusted: a length is
//! compared with what is left before anything is made of it, and nothing here allocates by a number
//! that was read.

/// Why bytes cannot be read, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {why}")]
pub struct Invalid {
    /// How far reading had come, in bytes from the beginning.
    pub offset: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// Values → bytes.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Yes or no.
    pub fn bool(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    /// A natural number: 1 byte below 128, at most 10.
    pub fn number(&mut self, mut value: u64) {
        while value > 0x7f {
            self.byte(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
            value >>= 7;
        }
        self.byte(u8::try_from(value).unwrap_or(0));
    }

    /// A length or a position.
    pub fn size(&mut self, value: usize) {
        self.number(u64::try_from(value).unwrap_or(u64::MAX));
    }

    /// A number of either sign; those near zero are short.
    pub fn signed(&mut self, value: i64) {
        self.number((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }

    /// Length and bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.raw(bytes);
    }

    /// Length and UTF-8.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// 0, or 1 and the value.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Bytes → values.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How far it has come.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Bytes not read.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The bytes between two offsets that were passed.
    pub fn between(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// Something is wrong with what has just been read.
    pub fn invalid(&self, why: &'static str) -> Invalid {
        Invalid { offset: self.at, why }
    }

    /// The next bytes as they are.
    ///
    /// # Errors
    ///
    /// When there are fewer, as for all that follow.
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], Invalid> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or_else(|| self.invalid("bytes end too early"))?;
        self.at += length;
        Ok(taken)
    }

    /// A fixed number of bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn byte(&mut self) -> Result<u8, Invalid> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Yes or no.
    ///
    /// # Errors
    ///
    /// When it is neither 0 nor 1.
    pub fn bool(&mut self) -> Result<bool, Invalid> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.invalid("neither yes nor no")),
        }
    }

    /// A natural number.
    ///
    /// # Errors
    ///
    /// When it is longer than need be or greater than 64 bits hold.
    pub fn number(&mut self) -> Result<u64, Invalid> {
        let mut value = 0;
        for place in 0..10_u32 {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if place == 9 && byte > 1 {
                return Err(self.invalid("number too great"));
            }
            value |= bits << (7 * place);
            if byte < 0x80 {
                if byte == 0 && place > 0 {
                    return Err(self.invalid("number longer than need be"));
                }
                return Ok(value);
            }
        }
        Err(self.invalid("number too great"))
    }

    /// A number of either sign.
    ///
    /// # Errors
    ///
    /// As [`Reader::number`].
    pub fn signed(&mut self) -> Result<i64, Invalid> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A natural number up to a bound.
    ///
    /// # Errors
    ///
    /// When it is greater.
    pub fn at_most(&mut self, most: u64, why: &'static str) -> Result<u64, Invalid> {
        let value = self.number()?;
        if value > most { Err(self.invalid(why)) } else { Ok(value) }
    }

    /// Offset of something that is `u32` where it came from.
    ///
    /// # Errors
    ///
    /// When it is greater.
    pub fn small(&mut self) -> Result<u32, Invalid> {
        u32::try_from(self.number()?).map_err(|_| self.invalid("number too great"))
    }

    /// The number of things that follow, each of which takes a byte at least.
    ///
    /// # Errors
    ///
    /// When there is no room for as many in what is left.
    pub fn count(&mut self) -> Result<usize, Invalid> {
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.left() => Ok(count),
            _ => Err(self.invalid("more things than bytes are left")),
        }
    }

    /// Bytes behind their length.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], Invalid> {
        let length = self.count()?;
        self.raw(length)
    }

    /// Text behind its length.
    ///
    /// # Errors
    ///
    /// When it is cut or no UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Invalid> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.invalid("text that is no UTF-8"))
    }

    /// A value that may be absent.
    ///
    /// # Errors
    ///
    /// When it is neither, or `read` fails.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        if self.bool()? { read(self).map(Some) } else { Ok(None) }
    }

    /// As many values as are counted first. Memory grows as they are read.
    ///
    /// # Errors
    ///
    /// When `read` fails.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Invalid>,
    ) -> Result<Vec<T>, Invalid> {
        let count = self.count()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    /// Nothing may be left.
    ///
    /// # Errors
    ///
    /// When there is.
    pub fn end(&self) -> Result<(), Invalid> {
        if self.left() == 0 { Ok(()) } else { Err(self.invalid("bytes behind the end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        let powers = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in powers.chain([u64::MAX]) {
            let signed = value.cast_signed();
            let mut writer = Writer::default();
            writer.number(value);
            writer.signed(signed);
            writer.signed(signed.wrapping_neg());
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.number(), Ok(value));
            assert_eq!(reader.signed(), Ok(signed));
            assert_eq!(reader.signed(), Ok(signed.wrapping_neg()));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        for (bytes, why) in [
            (&[0x80, 0][..], "number longer than need be"),
            (&[0xff, 0x80, 0], "number longer than need be"),
            (&[0xff; 10], "number too great"),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], "number too great"),
            (&[0x80], "bytes end too early"),
        ] {
            let error = Reader::new(bytes).number().unwrap_err();
            assert_eq!(error.why, why, "{bytes:x?}");
        }
    }

    #[test]
    fn a_length_that_lies_is_refused_before_anything_is_made_of_it() {
        let mut writer = Writer::default();
        writer.number(u64::MAX);
        writer.raw(&[0; 5]);
        let bytes = writer.into_bytes();
        let error = Invalid { offset: 10, why: "more things than bytes are left" };
        assert_eq!(Reader::new(&bytes).bytes(), Err(error));
        assert_eq!(Reader::new(&bytes).list(|reader| reader.byte()), Err(error));
    }
}
