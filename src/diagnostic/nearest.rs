//! "Did you mean": the known word that is most like a wrong one.
//!
//! In: a word of the user, of any length, and the words there are. Out: one of them, or none when no
//! slip of the fingers explains the difference.

/// Longer words are not compared.
const MAX_BYTES: usize = 64;

/// The candidate most like `word`, if one is close enough to be a likely slip of the fingers.
///
/// Compares without regard to case; accepts one slip in three characters. A word of more than 64
/// characters has none. Candidates that cannot be near are left out at about 50 ns each.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    within(word, candidates, usize::MAX)
}

/// As [`nearest`], for names of several parts: at most two slips.
pub fn nearest_name<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    within(word, candidates, 2)
}

fn within<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Option<&'a str> {
    if word.len() > MAX_BYTES {
        return None;
    }
    let word = word.to_lowercase();
    let limit = word.chars().count().div_ceil(3).clamp(1, most);
    let of_word = letters(&word);
    candidates
        .into_iter()
        .filter(|candidate| could_be_within(&word, &of_word, candidate, limit))
        .map(|c| (strsim::damerau_levenshtein(&word, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// How often each letter stands in a word; other characters share places.
fn letters(word: &str) -> [i8; 32] {
    let mut letters = [0_i8; 32];
    for byte in word.bytes().take(MAX_BYTES) {
        if let Some(count) = letters.get_mut(usize::from(byte & 31)) {
            *count += 1;
        }
    }
    letters
}

/// Whether `candidate` could be that near.
fn could_be_within(word: &str, of_word: &[i8; 32], candidate: &str, limit: usize) -> bool {
    if !word.is_ascii() || !candidate.is_ascii() || candidate.len() > MAX_BYTES {
        return true;
    }
    if candidate.len().abs_diff(word.len()) > limit {
        return false;
    }
    let of_candidate = letters(candidate);
    let pairs = of_word.iter().zip(&of_candidate);
    // A slip takes one letter away and brings one.
    pairs.map(|(a, b)| usize::from(a.abs_diff(*b))).sum::<usize>() <= 2 * limit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["process.name", "process.pid", "process.parent.pid"];
        assert_eq!(nearest_name("proces.name", names), Some("process.name"));
        assert_eq!(nearest_name("Process.Pdi", names), Some("process.pid"));
        assert_eq!(nearest_name("process.title", names), None);
        assert_eq!(nearest("parent", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest(&"process.name".repeat(100), names), None);
    }

    proptest! {
        /// Leaving candidates out early never leaves out the nearest.
        #[test]
        fn agrees_with_comparing_all(
            word in "[a-eA-E.é]{0,9}",
            candidates in prop::collection::vec("[a-e.]{0,9}", 0..8),
        ) {
            let lower = word.to_lowercase();
            let limit = lower.chars().count().div_ceil(3).max(1);
            let distances = candidates.iter().map(|c| strsim::damerau_levenshtein(&lower, c));
            let best = distances.filter(|distance| *distance <= limit).min();
            let found = nearest(&word, candidates.iter().map(String::as_str));
            prop_assert_eq!(found.map(|c| strsim::damerau_levenshtein(&lower, c)), best);
        }
    }
}
