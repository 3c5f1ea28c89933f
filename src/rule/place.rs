//! Where the characters of a decoded TOML string stand in the file.
//!
//! In: the file and the range of a string literal in it. Out: a map from offsets in what the string
//! says to offsets in the file, so that a problem in a query is underlined where it was written, with
//! escapes too. When the map does not explain every character, there is none.

use crate::span::Span;

/// From offsets in a decoded string to offsets in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pieces: Vec<Piece>,
}

/// A stretch that stands in the file as it is, or one escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    decoded: usize,
    source: usize,
    /// Length in the file.
    length: usize,
    escape: bool,
}

impl Places {
    /// The map of the literal at `literal` that says `decoded`; `None` when it cannot be drawn.
    pub(super) fn of_toml(file: &str, literal: Span, decoded: &str) -> Option<Self> {
        let written = literal.text(file);
        let triple = |quote: &str| written.starts_with(quote) && written.len() >= 6;
        let (quotes, escapes) = match written.as_bytes().first()? {
            b'"' if triple("\"\"\"") => (3, true),
            b'\'' if triple("'''") => (3, false),
            b'"' => (1, true),
            b'\'' => (1, false),
            _ => return None,
        };
        let inner = written.get(quotes..written.len().checked_sub(quotes)?)?;
        let newline = match quotes {
            3 if inner.starts_with('\n') => 1,
            3 if inner.starts_with("\r\n") => 2,
            _ => 0,
        };
        let mut walk = Walk {
            rest: inner.get(newline..)?,
            source: literal.start + quotes + newline,
            decoded,
            at: 0,
            pieces: Vec::new(),
        };
        if escapes {
            walk.escaped()?;
        } else {
            walk.plain(walk.rest.len())?;
        }
        // Nothing of what it says is left over, nor of what is written.
        (walk.decoded.is_empty() && walk.rest.is_empty()).then_some(Self { pieces: walk.pieces })
    }

    /// The place in the file of a span in the decoded text.
    pub(super) fn span(&self, span: Span) -> Span {
        let start = self.start(span.start);
        let end = if span.end > span.start { self.end(span.end) } else { start };
        Span::new(start, end)
    }

    fn piece(&self, offset: usize) -> Option<Piece> {
        let behind = self.pieces.partition_point(|piece| piece.decoded <= offset);
        self.pieces.get(behind.saturating_sub(1)).copied()
    }

    fn start(&self, offset: usize) -> usize {
        match self.piece(offset) {
            None => 0,
            Some(piece) if piece.escape => piece.source,
            Some(piece) => piece.source + (offset - piece.decoded).min(piece.length),
        }
    }

    /// Where the character that ends at `offset` ends.
    fn end(&self, offset: usize) -> usize {
        match self.piece(offset.saturating_sub(1)) {
            None => 0,
            Some(piece) if piece.escape => piece.source + piece.length,
            Some(piece) => piece.source + (offset - piece.decoded).min(piece.length),
        }
    }

    /// Where the text begins, if it stands in the file as it is.
    pub(super) fn offset(&self) -> Option<usize> {
        match self.pieces.as_slice() {
            [Piece { source, escape: false, .. }] => Some(*source),
            _ => None,
        }
    }
}

struct Walk<'a> {
    /// Of the literal.
    rest: &'a str,
    source: usize,
    /// Of what it says.
    decoded: &'a str,
    at: usize,
    pieces: Vec<Piece>,
}

impl Walk<'_> {
    fn escaped(&mut self) -> Option<()> {
        while !self.rest.is_empty() {
            match self.rest.find('\\') {
                Some(0) => self.escape()?,
                Some(next) => self.plain(next)?,
                None => self.plain(self.rest.len())?,
            }
        }
        Some(())
    }

    /// The next `length` bytes stand for themselves.
    fn plain(&mut self, length: usize) -> Option<()> {
        let (run, rest) = self.rest.split_at_checked(length)?;
        self.decoded = self.decoded.strip_prefix(run)?;
        self.pieces.push(Piece { decoded: self.at, source: self.source, length, escape: false });
        self.at += length;
        self.source += length;
        self.rest = rest;
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        let behind = self.rest.strip_prefix('\\')?;
        let letter = behind.chars().next()?;
        let hex = |digits: usize| {
            let number = u32::from_str_radix(behind.get(1..1 + digits)?, 16).ok()?;
            Some((1 + digits, char::from_u32(number)))
        };
        let (length, says) = match letter {
            'b' => (1, Some('\u{8}')),
            't' => (1, Some('\t')),
            'n' => (1, Some('\n')),
            'f' => (1, Some('\u{c}')),
            'r' => (1, Some('\r')),
            'e' => (1, Some('\u{1b}')),
            '"' | '\\' => (1, Some(letter)),
            'x' => hex(2)?,
            'u' => hex(4)?,
            'U' => hex(8)?,
            // A backslash at the end of a line takes all white space behind it away.
            ' ' | '\t' | '\r' | '\n' => {
                let kept = behind.trim_start_matches([' ', '\t', '\r', '\n']);
                (behind.len() - kept.len(), None)
            }
            _ => return None,
        };
        let length = length + 1;
        let said = match says {
            Some(says) => {
                self.decoded = self.decoded.strip_prefix(says)?;
                says.len_utf8()
            }
            None => 0,
        };
        self.pieces.push(Piece { decoded: self.at, source: self.source, length, escape: true });
        self.at += said;
        self.source += length;
        self.rest = self.rest.get(length..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character of what a string says is found again in the file.
    fn mapped(literal: &str, part: &str) -> String {
        let file = format!("query = {literal}\n");
        let table: toml::Table = toml::from_str(&file).unwrap();
        let decoded = table["query"].as_str().unwrap();
        let literal = Span::new("query = ".len(), file.len() - 1);
        let places = Places::of_toml(&file, literal, decoded).expect("a map");
        let start = decoded.find(part).unwrap();
        places.span(Span::new(start, start + part.len())).text(&file).to_owned()
    }

    #[test]
    fn text_is_found_where_it_was_written() {
        assert_eq!(mapped("'any where x'", "where"), "where");
        assert_eq!(mapped("\"any where x\"", "where"), "where");
        assert_eq!(mapped("'''\nany\nwhere x'''", "where"), "where");
        assert_eq!(mapped("\"\"\"\r\nany\r\nwhere x\"\"\"", "where"), "where");
    }

    #[test]
    fn escapes_are_underlined_whole() {
        assert_eq!(mapped(r#""any where x == \"sh\"""#, "\"sh\""), r#"\"sh\""#);
        assert_eq!(mapped(r#""any\twhere x""#, "where"), "where");
        assert_eq!(mapped(r#""\u00fcber where x""#, "ü"), r"\u00fc");
        assert_eq!(mapped(r#""\u00fcber where x""#, "ber"), "ber");
        assert_eq!(mapped("\"\"\"any \\\n    where x\"\"\"", "where"), "where");
        assert_eq!(mapped("\"\"\"any \\\n    where x\"\"\"", "any "), "any ");
    }

    #[test]
    fn quotes_at_the_end_of_a_long_string_belong_to_it() {
        assert_eq!(mapped("'''any where x == '''''", "''"), "''");
    }

    #[test]
    fn what_cannot_be_explained_has_no_map() {
        assert_eq!(Places::of_toml("q = \"a\\nb\"", Span::new(4, 10), "a b"), None);
        assert_eq!(Places::of_toml("q = 5", Span::new(4, 5), "5"), None);
        assert_eq!(Places::of_toml("q = '", Span::new(4, 5), ""), None);
    }
}
