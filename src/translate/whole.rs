//! [`Splitter`]: a document of many events → its events.
//!
//! In: the bytes of a JSON array, of the result of a search (`{"hits": {"hits": [..]}}`), or of objects
//! that span lines, in pieces of any size. Out: each event by itself, with the number of the line it
//! begins on. Only one event is ever held, and of one that is too long only the beginning.

use memchr::memchr2;

use crate::record::json::MAX_LINE_BYTES;

/// How far blanks are skipped before an input counts as lines.
const MAX_BLANKS: usize = 64 << 10;
/// How much of a first line is looked at.
const LOOKED_AT: usize = 4096;
/// The byte order mark, which may stand in front of anything.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// The names a search result begins with.
const RESULT: [&[u8]; 9] = [
    b"took",
    b"hits",
    b"timed_out",
    b"_shards",
    b"_scroll_id",
    b"pit_id",
    b"is_partial",
    b"is_running",
    b"num_reduce_phases",
];

/// How an input is to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// An event, or a record, a line.
    Lines,
    /// A document to be split.
    Document,
}

impl Start {
    /// What the beginning of an input says; `None` when more of it is needed. Asked with more and more of
    /// it the answer is the same.
    pub fn of(beginning: &[u8]) -> Option<Self> {
        if beginning.len() < MARK.len() && MARK.starts_with(beginning) {
            return None;
        }
        let text = beginning.strip_prefix(MARK).unwrap_or(beginning);
        let window = text.get(..MAX_BLANKS).unwrap_or(text);
        let Some(at) = window.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            return (text.len() >= MAX_BLANKS).then_some(Self::Lines);
        };
        let text = text.get(at..).unwrap_or_default();
        let text = text.get(..LOOKED_AT).unwrap_or(text);
        match text {
            // The kernel's own lines begin with a bracket too.
            [b'[', rest @ ..] => match rest.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'{' | b'[' | b']') => Some(Self::Document),
                None if text.len() < LOOKED_AT => None,
                _ => Some(Self::Lines),
            },
            [b'{', ..] => match memchr::memchr(b'\n', text) {
                Some(end) => Some(Self::of_line(text.get(..end).unwrap_or_default())),
                None if text.len() < LOOKED_AT => None,
                None if is_result(text) => Some(Self::Document),
                None => Some(Self::Lines),
            },
            _ => Some(Self::Lines),
        }
    }

    /// What a whole first line says that begins with a brace.
    fn of_line(line: &[u8]) -> Self {
        let goes_on = matches!(line.trim_ascii_end().last(), Some(b'{' | b'[' | b','));
        if goes_on || is_result(line) { Self::Document } else { Self::Lines }
    }

    /// What an input says that has no more than this.
    pub fn of_all(text: &[u8]) -> Self {
        Self::of(text).unwrap_or_else(|| {
            let text = text.strip_prefix(MARK).unwrap_or(text).trim_ascii();
            match text.first() {
                Some(b'{') => Self::of_line(text),
                _ => Self::Lines,
            }
        })
    }
}

/// Whether a text begins as the result of a search does, and holds hits.
fn is_result(text: &[u8]) -> bool {
    let inner = text.get(1..).unwrap_or_default().trim_ascii_start();
    let Some(inner) = inner.strip_prefix(b"\"") else { return false };
    let name = inner.split(|byte| *byte == b'"').next().unwrap_or_default();
    RESULT.contains(&name) && memchr::memmem::find(text, b"\"hits\"").is_some()
}

/// See the module page.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    /// The line being read.
    line: u64,
    /// The line the value at hand began on.
    began: u64,
    /// What is known of the value at hand.
    carry: Vec<u8>,
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// Inside a list at the top.
    in_list: bool,
    /// Inside the hits of a result.
    in_hits: bool,
    /// The beginning of the last text, and its length.
    last: [u8; 8],
    last_len: usize,
    /// The value at depth one, at depth two, stands under `hits`.
    under: [bool; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between values.
    Between,
    /// In an object, or a list that stands where an event should.
    Value,
    /// In a text, a number or a word that stands where an event should.
    Word,
    /// In what follows the hits of a result.
    Tail,
    /// Behind a broken value; `true` at the beginning of a line.
    Lost(bool),
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            state: State::Between,
            line: 1,
            began: 1,
            carry: Vec::new(),
            depth: 0,
            in_text: false,
            escaped: false,
            in_list: false,
            in_hits: false,
            last: [0; 8],
            last_len: 0,
            under: [false; 2],
        }
    }
}

impl Splitter {
    /// Begins a new document. Call [`Splitter::finish`] first.
    pub fn start(&mut self) {
        self.carry.clear();
        *self = Self { carry: std::mem::take(&mut self.carry), ..Self::default() };
    }

    /// Forgets the value at hand, whose end is lost; the next one begins on a line of its own.
    pub fn discard(&mut self) {
        self.carry.clear();
        self.in_text = false;
        self.escaped = false;
        if self.state != State::Between {
            self.state = State::Lost(false);
        }
    }

    /// The number of the line being read.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Calls `each` with every value that ends in `block`.
    pub fn feed(&mut self, block: &[u8], each: &mut impl FnMut(u64, &[u8])) {
        let mut at = 0;
        // Where the value at hand begins in this block.
        let mut from = 0;
        while let Some(byte) = block.get(at).copied() {
            if self.in_text {
                at = self.text(block, at, from, each, byte);
                continue;
            }
            self.line += u64::from(byte == b'\n');
            match self.state {
                State::Between => {
                    if self.between(byte) {
                        from = at;
                    }
                }
                State::Value => match self.inside(byte) {
                    Inside::More => {}
                    Inside::End => {
                        self.give(block.get(from..=at).unwrap_or_default(), each);
                    }
                    Inside::Hits => {
                        self.carry.clear();
                        self.state = State::Between;
                    }
                },
                State::Word if matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace() => {
                    self.give(block.get(from..at).unwrap_or_default(), each);
                    if self.between(byte) {
                        from = at;
                    }
                }
                State::Word => {}
                State::Tail => self.tail(byte),
                State::Lost(true) if byte == b'{' => {
                    self.state = State::Between;
                    self.between(byte);
                    from = at;
                }
                State::Lost(fresh) => {
                    self.state = State::Lost(byte == b'\n' || fresh && byte.is_ascii_whitespace());
                }
            }
            at += 1;
        }
        if matches!(self.state, State::Value | State::Word) {
            self.keep(block.get(from..).unwrap_or_default());
        }
    }

    /// Ends a document: `false` when it ended before its list did, so that the rest is lost.
    pub fn finish(&mut self, each: &mut impl FnMut(u64, &[u8])) -> bool {
        let whole = !self.in_list && !self.in_hits && self.state != State::Tail;
        if matches!(self.state, State::Value | State::Word) {
            self.give(&[], each);
            return true;
        }
        whole
    }

    /// A byte of a text, and those behind it that are no more: the place behind them.
    fn text(
        &mut self,
        block: &[u8],
        at: usize,
        from: usize,
        each: &mut impl FnMut(u64, &[u8]),
        byte: u8,
    ) -> usize {
        if self.escaped {
            self.escaped = false;
            self.note(byte);
            return at + 1;
        }
        let rest = block.get(at..).unwrap_or_default();
        let stop = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let run = rest.get(..stop).unwrap_or_default();
        if let Some(end) = memchr::memchr(b'\n', run) {
            // No text goes over the end of a line: from here on nothing can be told apart.
            self.in_text = false;
            self.line += 1;
            let end = at + end;
            if matches!(self.state, State::Value | State::Word) {
                self.give(block.get(from..end).unwrap_or_default(), each);
            }
            self.state = State::Lost(true);
            return end + 1;
        }
        let short = run.get(..9).unwrap_or(run);
        short.iter().for_each(|byte| self.note(*byte));
        if run.len() > 9 {
            self.last_len = usize::MAX;
        }
        match rest.get(stop) {
            Some(b'"') => self.in_text = false,
            Some(_) => self.escaped = true,
            None => {}
        }
        at + stop + usize::from(stop < rest.len())
    }

    fn note(&mut self, byte: u8) {
        if let Some(place) = self.last.get_mut(self.last_len) {
            *place = byte;
        }
        self.last_len = self.last_len.saturating_add(1);
    }

    fn begin_text(&mut self) {
        self.in_text = true;
        self.last_len = 0;
    }

    fn last_is(&self, name: &[u8]) -> bool {
        self.last.get(..self.last_len).is_some_and(|last| last == name)
    }

    /// A byte between values; `true` when one begins with it.
    fn between(&mut self, byte: u8) -> bool {
        match byte {
            b',' => return false,
            b']' if self.in_hits => {
                self.in_hits = false;
                self.state = State::Tail;
                self.depth = 2;
                return false;
            }
            b']' => {
                self.in_list = false;
                self.state = State::Between;
                return false;
            }
            b'[' if !self.in_list && !self.in_hits => {
                self.in_list = true;
                return false;
            }
            b'{' | b'[' => {
                self.state = State::Value;
                self.depth = 1;
                self.under = [false; 2];
                self.last_len = 0;
            }
            b'"' => {
                self.state = State::Word;
                self.begin_text();
            }
            // A byte order mark in front of the document is no value.
            0xef | 0xbb | 0xbf => return false,
            _ if byte.is_ascii_whitespace() => {
                self.state = State::Between;
                return false;
            }
            _ => self.state = State::Word,
        }
        self.began = self.line;
        self.carry.clear();
        true
    }

    fn inside(&mut self, byte: u8) -> Inside {
        match byte {
            b'"' => self.begin_text(),
            b':' if self.depth == 1 => self.under = [self.last_is(b"hits"), false],
            b':' if self.depth == 2 => {
                let [outer, inner] = &mut self.under;
                let names_events = self.last.get(..self.last_len);
                let names_events = matches!(names_events, Some(b"hits" | b"events"));
                *inner = *outer && names_events;
            }
            b',' if self.depth == 1 => self.under = [false; 2],
            b',' if self.depth == 2 => {
                let [_, inner] = &mut self.under;
                *inner = false;
            }
            b'[' if self.depth == 2 && self.under == [true; 2] && !self.in_hits => {
                self.in_hits = true;
                return Inside::Hits;
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Inside::End;
                }
            }
            _ => {}
        }
        Inside::More
    }

    fn tail(&mut self, byte: u8) {
        match byte {
            b'"' => self.begin_text(),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.state = State::Between;
                }
            }
            _ => {}
        }
    }

    fn give(&mut self, last: &[u8], each: &mut impl FnMut(u64, &[u8])) {
        self.state = State::Between;
        if self.carry.is_empty() {
            each(self.began, last);
        } else {
            self.keep(last);
            each(self.began, &self.carry);
            self.carry.clear();
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let room = (MAX_LINE_BYTES + 1).saturating_sub(self.carry.len());
        self.carry.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
    }
}

/// What a byte of a value says.
enum Inside {
    More,
    /// It is the last one.
    End,
    /// What began is the result of a search, and here its hits begin.
    Hits,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> (Vec<(u64, String)>, bool) {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        let mut each = |line, value: &[u8]| out.push((line, String::from_utf8_lossy(value).into()));
        for piece in pieces {
            splitter.feed(piece, &mut each);
        }
        let whole = splitter.finish(&mut each);
        (out, whole)
    }

    fn values(text: &str) -> Vec<String> {
        split(&[text.as_bytes()]).0.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn lists_results_and_objects_over_lines_give_their_events() {
        assert_eq!(
            values(r#"[{"a":1},{"b":[{}]} , {"c":"]\"}"}]"#),
            [r#"{"a":1}"#, r#"{"b":[{}]}"#, r#"{"c":"]\"}"}"#]
        );
        assert_eq!(
            values("{\n\"a\": {\n\"b\": 1}\n}\n{\"c\":\n2}"),
            ["{\n\"a\": {\n\"b\": 1}\n}", "{\"c\":\n2}"]
        );
        let result = r#"{"took":3,"x":{"hits":[7]},"hits":{"total":{"hits":[1]},"hits":[{"_source":{"hits":{"hits":[1]}}},{"b":2}],"y":["]"]},"z":{}}"#;
        assert_eq!(values(result), [r#"{"_source":{"hits":{"hits":[1]}}}"#, r#"{"b":2}"#]);
        assert_eq!(values(&format!("[{result},{result}]")).len(), 4);
        assert_eq!(values("[]"), [""; 0]);
        assert_eq!(
            values("1}}"),
            ["1", "}", "}"],
            "what belongs to nothing is a value that cannot be read"
        );
        assert_eq!(values("[1, \"x\",null,[{}]]"), ["1", "\"x\"", "null", "[{}]"]);
    }

    #[test]
    fn values_are_the_same_however_the_pieces_fall() {
        let text = "\u{feff}{\"took\":1,\"hits\":{\"hits\":[\n{\"a\":\"\\\"x\\\\\"},\n 12 ,\"t\",{\"b\":\n[1]}]}}\n[{\"c\":\"broken\n},\n{\"d\":1}]";
        let whole = split(&[text.as_bytes()]);
        assert_eq!(whole.0.len(), 6, "{whole:?}");
        assert_eq!(whole.0[3], (3, "{\"b\":\n[1]}".to_owned()));
        assert_eq!(whole.0[5], (7, "{\"d\":1}".to_owned()));
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(split(&pieces), whole, "pieces of {size}");
        }
    }

    #[test]
    fn a_document_that_was_cut_is_told() {
        assert!(split(&[b"[{}]"]).1);
        assert!(!split(&[b"[{},"]).1);
        assert!(!split(&[br#"{"hits":{"hits":[{}]"#]).1);
        let (values, _) = split(&[br#"[{"a":1},{"b""#]);
        assert_eq!(values.len(), 2, "what is left is a value that cannot be read");
    }

    #[test]
    fn an_endless_event_is_cut_and_the_next_one_survives() {
        let long = format!(r#"[{{"a":"{}"}},{{"b":1}}]"#, "x".repeat(3 << 20));
        let pieces: Vec<&[u8]> = long.as_bytes().chunks(1000).collect();
        let (values, whole) = split(&pieces);
        assert_eq!(values.len(), 2);
        assert_eq!(values[0].1.len(), MAX_LINE_BYTES + 1);
        assert_eq!(values[1].1, "{\"b\":1}");
        assert!(whole);
    }

    #[test]
    fn the_beginning_says_whether_to_split() {
        use Start::{Document, Lines};
        for (text, start) in [
            ("type=CWD", Some(Lines)),
            ("[{\"a\":1}", Some(Document)),
            ("[\n  {", Some(Document)),
            ("[]", Some(Document)),
            ("[", None),
            ("[    1.5] audit: x", Some(Lines)),
            ("{\"a\":1}\n", Some(Lines)),
            ("{\"a\":1}", None),
            ("{\n", Some(Document)),
            ("{\"a\": {\n", Some(Document)),
            ("{\"a\": \"cut\n", Some(Lines)),
            ("{\"took\":1,\"hits\":{\"hits\":[]}}\n", Some(Document)),
            ("{\"hits\":3}\n", Some(Document)),
            ("{\"took\":1}\n", Some(Lines)),
            (" \n\u{feff}", Some(Lines)),
            (" \n", None),
        ] {
            assert_eq!(Start::of(text.as_bytes()), start, "{text}");
        }
        assert_eq!((Start::of(b"\xef"), Start::of(b"\xefx")), (None, Some(Lines)));
        assert_eq!(Start::of_all(b"{\"a\":1}"), Lines);
        assert_eq!(Start::of_all(b"{\"took\":1,\"hits\":{\"hits\":[]}}"), Document);
        assert_eq!(Start::of(&[b' '; 70_000]), Some(Lines));
    }
}
