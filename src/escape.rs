//! Makes text from logs, rule files and file names safe and honest to show.
//!
//! In: text that somebody else chose. Out: text for a terminal. Whoever is being watched chooses file
//! names and arguments, and a rule file may come from anywhere: a terminal must never obey them, and a
//! reader must not be deceived by text that runs backwards or takes no space.

use std::fmt::Write as _;

/// `text` with control, bidirectional and invisible characters written as `\n`, `\x1b`, `\u{202e}`.
///
/// A backslash stays as it is: the output is for reading, not for parsing.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// What stands for `c` where text must keep its number of characters: itself, or a picture of it.
/// Line breaks and tabs stay, they are the layout of a source text.
pub fn one_character(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(u32::from(c) + 0x2400).unwrap_or('?'),
        c if is_unsafe(c) => '\u{fffd}',
        _ => c,
    }
}

/// Whether a character commands a terminal, changes the direction of what follows, or shows nothing.
pub fn is_unsafe(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::{escape, one_character};

    /// One of each kind of character that shows nothing.
    const INVISIBLE: &str = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180f}\
        \u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{206f}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\
        \u{ffa0}\u{fff0}\u{fffb}\u{1bca0}\u{1bca3}\u{1d173}\u{1d17a}\u{e0000}\u{e0fff}";

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(escape("a\x1b[2Jb\n"), "a\\x1b[2Jb\\n");
        assert_eq!(escape("exe\u{202e}fdp.sh"), "exe\\u{202e}fdp.sh");
        assert_eq!(escape("\u{9b}31m"), "\\u{9b}31m", "the one-byte form of ESC [");
        assert_eq!(escape("/tmp/ü b"), "/tmp/ü b");
    }

    #[test]
    fn what_shows_nothing_is_shown() {
        for c in INVISIBLE.chars() {
            assert_eq!(escape(&c.to_string()), format!("\\u{{{:x}}}", u32::from(c)));
            assert_eq!(one_character(c), '\u{fffd}', "{:x}", u32::from(c));
        }
    }

    #[test]
    fn a_source_text_keeps_its_lines_and_its_number_of_characters() {
        let shown: String = "a\tb\n\x1b\u{9b}ü".chars().map(one_character).collect();
        assert_eq!(shown, "a\tb\n\u{241b}\u{fffd}ü");
    }
}
