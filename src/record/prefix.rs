//! What stands behind a beginning that is known but for its length.
//!
//! For a few words, such as lines of one writer have in common, calling the comparison of the standard library costs
//! more than the comparison.

/// What stands behind `prefix` in `text`; `None` when `text` does not begin with it.
#[inline]
pub(super) fn behind<'t>(text: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    is_same(start, prefix).then_some(rest)
}

/// Whether two texts of one length are the same.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        // What is left behind the last whole word is in the last eight bytes.
        (Some(last), Some(last_other)) => {
            let (words, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
            last == last_other && words.iter().zip(others).all(|(one, other)| one == other)
        }
        _ => one.iter().zip(other).all(|(one, other)| one == other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_every_difference() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..=text.len() {
            let prefix = &text[..length];
            for end in 0..=text.len() {
                assert_eq!(behind(&text[..end], prefix), text[..end].strip_prefix(prefix));
            }
            for at in 0..length {
                let mut other = prefix.to_vec();
                other[at] ^= 0x20;
                assert_eq!(behind(&text, &other), None);
            }
        }
    }
}
