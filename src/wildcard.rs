//! Wildcard patterns: `*` stands for any run of characters, `?` for exactly one.
//!
//! In: a pattern and a text. Out: whether the pattern is the whole text. There is no escape; every
//! other character, backslash included, stands for itself. Time is linear in the text for every
//! pattern whose pieces (what stands between two `*`) with a `?` in them have at most 64 characters;
//! characters beyond the 64th can multiply it. Nothing here ever backtracks over a `*`.

use memchr::memmem;

use crate::value::{fold as fold_text, fold_char, with_fold};

/// A wildcard pattern, ready to be matched many times.
///
/// ```
/// use catena::wildcard::Pattern;
///
/// let pattern = Pattern::new("/tmp/*.s?", false);
/// assert!(pattern.matches("/tmp/a/b.sh"));
/// assert!(!pattern.matches("/tmp/a/b.SH"));
/// assert!(Pattern::new("/tmp/*.s?", true).matches("/TMP/a.SO"));
/// ```
#[derive(Debug, Clone)]
pub struct Pattern {
    fold: bool,
    /// What the text starts with, up to the first `*`.
    first: Piece,
    /// The rest; `None` when there is no `*` at all.
    rest: Option<Rest>,
    /// Bytes that the shortest matching text has, after folding.
    least_bytes: usize,
}

/// What stands behind the first `*`.
#[derive(Debug, Clone)]
struct Rest {
    /// Between two `*`, never empty.
    middle: Box<[Finder]>,
    /// What the text ends with, from the last `*`.
    last: Piece,
}

impl Pattern {
    /// Compiles a pattern; `fold` means that case does not matter.
    pub fn new(pattern: &str, fold: bool) -> Self {
        let pattern = if fold { fold_text(pattern) } else { pattern.into() };
        let least_bytes = pattern.bytes().filter(|b| *b != b'*').count();
        let mut pieces = pattern.split('*');
        let first = Piece::new(pieces.next().unwrap_or_default());
        let rest = pieces.next_back().map(|last| Rest {
            middle: pieces.filter(|piece| !piece.is_empty()).map(Finder::new).collect(),
            last: Piece::new(last),
        });
        Self { fold, first, rest, least_bytes }
    }

    /// Whether the pattern is the whole of `text`.
    ///
    /// Allocates only for a pattern with `fold` that has text between two `*`, and a `text` that is longer than
    /// 1 KiB and not in lower case; [`Pattern::matches_folded`] never does.
    pub fn matches(&self, text: &str) -> bool {
        if !self.fold {
            return self.matches_folded(text);
        }
        match &self.rest {
            Some(rest) if !rest.middle.is_empty() => {
                with_fold(text, |folded| self.matches_folded(folded))
            }
            // Only the ends are looked at, so nothing is gained by folding the whole text.
            Some(rest) => {
                let after = self.first.strip_start_folding(text);
                after.is_some_and(|after| rest.last.strip_end_folding(after).is_some())
            }
            None => self.first.strip_start_folding(text) == Some(""),
        }
    }

    /// As [`Pattern::matches`] on a text that is in lower case already, see
    /// [`fold`](crate::value::fold); for a pattern without `fold`, on any text.
    pub fn matches_folded(&self, folded: &str) -> bool {
        if folded.len() < self.least_bytes {
            return false;
        }
        let Some(after) = self.first.strip_start(folded) else {
            return false;
        };
        let Some(rest) = &self.rest else {
            return after.is_empty();
        };
        let Some(mut between) = rest.last.strip_end(after) else {
            return false;
        };
        // The leftmost place for each piece leaves the most room for those behind it.
        for finder in &rest.middle {
            match finder.after_first(between) {
                Some(after) => between = after,
                None => return false,
            }
        }
        true
    }
}

/// A piece without `*` that stands at an end of the text.
#[derive(Debug, Clone)]
struct Piece {
    text: Box<str>,
    /// It has a `?`.
    holes: bool,
}

impl Piece {
    fn new(text: &str) -> Self {
        Self { holes: text.contains('?'), text: text.into() }
    }

    // The empty piece is asked for first: comparing with its dangling pointer costs some processors
    // a hundred times as much as all the rest.

    /// What follows the piece at the start of `text`.
    fn strip_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.text.is_empty() {
            return Some(text);
        }
        if !self.holes {
            return text.strip_prefix(&*self.text);
        }
        let mut chars = text.chars();
        for wanted in self.text.chars() {
            let found = chars.next()?;
            if wanted != '?' && wanted != found {
                return None;
            }
        }
        Some(chars.as_str())
    }

    /// What stands before the piece at the end of `text`.
    fn strip_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.text.is_empty() {
            return Some(text);
        }
        if !self.holes {
            return text.strip_suffix(&*self.text);
        }
        let mut chars = text.chars();
        for wanted in self.text.chars().rev() {
            let found = chars.next_back()?;
            if wanted != '?' && wanted != found {
                return None;
            }
        }
        Some(chars.as_str())
    }

    /// As [`Piece::strip_start`] on a text in any case.
    fn strip_start_folding<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.text.is_empty() {
            return Some(text);
        }
        // Same bytes but for ASCII case are the same text but for case; other cases take longer.
        if let Some((head, after)) = text.split_at_checked(self.text.len())
            && !self.holes
            && head.is_ascii()
        {
            return head.eq_ignore_ascii_case(&self.text).then_some(after);
        }
        let mut chars = text.chars();
        for wanted in self.text.chars() {
            let found = chars.next()?;
            if wanted != '?' && wanted != fold_char(found) {
                return None;
            }
        }
        Some(chars.as_str())
    }

    /// As [`Piece::strip_end`] on a text in any case.
    fn strip_end_folding<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.text.is_empty() {
            return Some(text);
        }
        let start = text.len().checked_sub(self.text.len());
        if let Some((before, tail)) = start.and_then(|start| text.split_at_checked(start))
            && !self.holes
            && tail.is_ascii()
        {
            return tail.eq_ignore_ascii_case(&self.text).then_some(before);
        }
        let mut chars = text.chars();
        for wanted in self.text.chars().rev() {
            let found = chars.next_back()?;
            if wanted != '?' && wanted != fold_char(found) {
                return None;
            }
        }
        Some(chars.as_str())
    }
}

/// Finds a piece anywhere in a text.
#[derive(Debug, Clone)]
enum Finder {
    Literal(Box<memmem::Finder<'static>>),
    Holes(Box<Holes>),
}

impl Finder {
    fn new(piece: &str) -> Self {
        if piece.contains('?') {
            Self::Holes(Box::new(Holes::new(piece)))
        } else {
            Self::Literal(Box::new(memmem::Finder::new(piece.as_bytes()).into_owned()))
        }
    }

    /// What follows the leftmost place where the piece stands.
    fn after_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(finder) => {
                let start = finder.find(text.as_bytes())?;
                text.get(start + finder.needle().len()..)
            }
            Self::Holes(holes) => holes.after_first(text),
        }
    }
}

/// Finds a piece with `?` by keeping, in the bits of one word, all the places where it may have begun.
#[derive(Debug, Clone)]
struct Holes {
    /// For every ASCII character the positions in the piece that it fits, position n in bit n.
    ascii: [u64; 128],
    /// The same for other characters of the piece.
    other: Box<[(char, u64)]>,
    /// The positions that any character fits.
    any: u64,
    /// The bit of the last position.
    last: u64,
    /// What does not fit in the word.
    tail: Piece,
}

impl Holes {
    fn new(piece: &str) -> Self {
        let split = piece.char_indices().nth(64).map_or(piece.len(), |(at, _)| at);
        let (head, tail) = piece.split_at_checked(split).unwrap_or((piece, ""));
        let mut holes = Self {
            ascii: [0; 128],
            other: Box::default(),
            any: 0,
            last: 0,
            tail: Piece::new(tail),
        };
        let mut other: Vec<(char, u64)> = Vec::new();
        for (c, position) in head.chars().zip(0_u32..) {
            let bit = 1_u64.checked_shl(position).unwrap_or(0);
            holes.last = bit;
            if c == '?' {
                holes.any |= bit;
            } else if let Some(fits) = holes.ascii.get_mut(c as usize) {
                *fits |= bit;
            } else if let Some((_, fits)) = other.iter_mut().find(|(known, _)| *known == c) {
                *fits |= bit;
            } else {
                other.push((c, bit));
            }
        }
        holes.other = other.into_boxed_slice();
        holes
    }

    fn after_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut alive = 0_u64;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let fits = match self.ascii.get(c as usize) {
                Some(fits) => *fits,
                None => self.other.iter().find(|(known, _)| *known == c).map_or(0, |(_, f)| *f),
            };
            alive = ((alive << 1) | 1) & (fits | self.any);
            if alive & self.last != 0
                && let Some(after) = self.tail.strip_start(chars.as_str())
            {
                return Some(after);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: a table of which beginnings of the pattern are which beginnings of the text.
    fn reference(pattern: &str, text: &str, fold: bool) -> bool {
        let fold = |c| if fold { fold_char(c) } else { c };
        let text: Vec<char> = text.chars().map(fold).collect();
        let mut row: Vec<bool> = std::iter::once(true).chain(text.iter().map(|_| false)).collect();
        for wanted in pattern.chars().map(fold) {
            let above = row.clone();
            for column in 0..row.len() {
                let before = column.checked_sub(1);
                row[column] = match wanted {
                    '*' => above[column] || before.is_some_and(|b| row[b]),
                    '?' => before.is_some_and(|b| above[b]),
                    _ => before.is_some_and(|b| above[b] && text[b] == wanted),
                };
            }
        }
        row[text.len()]
    }

    #[test]
    fn stars_and_question_marks() {
        let cases = [
            ("net.exe", "net.exe", true),
            ("net.exe", "netXexe", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a\nb/c", true),
            ("**", "", true),
            ("?", "", false),
            ("?", "ä", true),
            ("?*", "", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("/tmp/*", "/tmp/", true),
            ("/tmp/*", "/tmp", false),
            ("*.sh", ".sh", true),
            ("*bin*", "/usr/bin/id", true),
            ("*bin*", "/usr/sbi/n", false),
            ("*ab*ab*", "xabx", false),
            ("*ab*ab*", "xabab", true),
            ("*a?c*", "aabcac", true),
            ("*?c", "c", false),
            // Nothing escapes, and nothing but the two is special.
            ("a\\*b", "a\\xb", true),
            ("a\\*b", "axb", false),
            ("?:\\Windows\\*", "C:\\Windows\\x", true),
            ("*%*%*", "100% of 5%", true),
            ("*%*%*", "100%", false),
            ("[a].", "[a].", true),
            ("*\\SAM\\*\\Us*ers\\00*03E9\\F", "\\M\\SAM\\D\\A\\Users\\000003E9\\F", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern, false).matches(text), expected, "{pattern} {text}");
            assert_eq!(Pattern::new(pattern, true).matches(text), expected, "{pattern} {text}");
            assert_eq!(reference(pattern, text, false), expected, "reference {pattern} {text}");
        }
    }

    #[test]
    fn case_matters_only_without_fold() {
        let cases = [
            ("/TMP/*", "/tmp/x"),
            ("*.SH", "a.sh"),
            ("*BIN*", "/bin/"),
            ("?IN", "bin"),
            ("Ärger*ÖL", "ärger und öl"),
            // The Kelvin sign is a k but for case.
            ("*k*", "\u{212a}"),
            ("k", "\u{212a}"),
            ("\u{212a}", "k"),
            ("\u{23a}?\u{23a}*", "\u{2c65}x\u{2c65}"),
        ];
        for (pattern, text) in cases {
            assert!(Pattern::new(pattern, true).matches(text), "{pattern} {text}");
            assert!(!Pattern::new(pattern, false).matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn pieces_longer_than_a_word() {
        for length in [63, 64, 65, 127, 130] {
            let letters = "ab".repeat(length);
            let piece: String = letters.chars().take(length - 1).chain("?".chars()).collect();
            let pattern = Pattern::new(&format!("*{piece}*z"), false);
            assert!(pattern.matches(&format!("abab{letters}z")));
            assert!(pattern.matches(&format!("a{letters}z")));
            assert!(!pattern.matches(&format!("ab{}z", "ba".repeat(length / 2 - 2))));
        }
    }

    #[test]
    fn many_stars_on_a_hostile_text_end_soon() {
        let text = "a".repeat(1_000_000);
        for pattern in
            ["*a*a*a*a*a*a*a*a*a*a*b", "*aaaaaaaaaaaaaaab*", "*a?a?a?a?a?a?a?a?a?b*", "*?*?*?*?b"]
        {
            for fold in [false, true] {
                assert!(!Pattern::new(pattern, fold).matches(&text), "{pattern}");
            }
        }
        assert!(Pattern::new(&"*a".repeat(1000), false).matches(&text));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn agrees_with_the_definition(
            pattern in "[abAkÄ\u{212a}*?]{0,9}",
            text in "[abAkKÄä\u{212a}]{0,12}",
            fold: bool,
        ) {
            let compiled = Pattern::new(&pattern, fold);
            let expected = reference(&pattern, &text, fold);
            prop_assert_eq!(compiled.matches(&text), expected);
            if fold {
                prop_assert_eq!(compiled.matches_folded(&fold_text(&text)), expected);
            }
        }

        #[test]
        fn agrees_with_the_definition_on_anything(pattern: String, text: String, fold: bool) {
            let compiled = Pattern::new(&pattern, fold);
            prop_assert_eq!(compiled.matches(&text), reference(&pattern, &text, fold));
            let around = format!("*{}*", text.replace(['*', '?'], "?"));
            prop_assert!(Pattern::new(&around, fold).matches(&text));
        }
    }
}
