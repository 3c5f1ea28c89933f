//! Makes text from logs safe and honest to show.
//!
//! Whoever is being watched chooses file names and arguments. A terminal must never obey them, and a
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
            '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(escape("a\x1b[2Jb\n"), "a\\x1b[2Jb\\n");
        assert_eq!(escape("exe\u{202e}fdp.sh"), "exe\\u{202e}fdp.sh");
        assert_eq!(escape("\u{9b}31m"), "\\u{9b}31m", "the one-byte form of ESC [");
        assert_eq!(escape("/tmp/ü b"), "/tmp/ü b");
    }
}
