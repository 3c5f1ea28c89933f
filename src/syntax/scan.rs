//! One linear walk over the text, before the grammar sees it.
//!
//! In: query text. Out: its comments, and lexical problems: open strings, unknown escapes and
//! characters, brackets that do not fit, forms of other dialects that are a matter of single
//! characters, and anything beyond [`Limits`]. What passes here cannot make the recursive steps
//! overflow the stack. The walk itself uses no recursion and keeps nothing but open brackets.

use super::Limits;
use super::ast::Comment;
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;

/// More problems than this in one text help nobody.
pub(super) const MAX_PROBLEMS: usize = 50;

/// A text that cannot be read as it is.
pub(super) struct Refused {
    /// All lexical problems, in order of their place; after one that makes the rest unreadable, such
    /// as an open string, nothing further is looked at.
    pub(super) problems: Vec<Diagnostic>,
    pub(super) comments: Vec<Comment>,
    /// The text with something of the same length, that can be read, in every place with a problem;
    /// `None` when nobody knows what could stand there.
    pub(super) stand_in: Option<String>,
}

/// Walks over `source`.
///
/// # Errors
///
/// See [`Refused`].
pub(super) fn scan(source: &str, limits: &Limits) -> Result<Vec<Comment>, Refused> {
    if source.len() > limits.length {
        let title = format!("the query is longer than {} bytes", limits.length);
        let help = format!("it has {} bytes; long lists of values belong elsewhere", source.len());
        let problems = vec![Diagnostic::new(Code::TooLarge, title).help(help)];
        return Err(Refused { problems, comments: Vec::new(), stand_in: None });
    }
    let mut scanner = Scanner {
        source,
        bytes: source.as_bytes(),
        limits,
        at: 0,
        tokens: 0,
        prefixes: 0,
        line_used: false,
        open: Vec::new(),
        comments: Vec::new(),
        problems: Vec::new(),
        stand_ins: Vec::new(),
    };
    let readable = scanner.walk().is_some();
    if readable {
        scanner.report_open_brackets();
    }
    if scanner.problems.is_empty() {
        return Ok(scanner.comments);
    }
    let all = readable && scanner.stand_ins.len() == scanner.problems.len();
    let stand_in = all.then(|| replaced(source, &scanner.stand_ins)).flatten();
    Err(Refused { problems: scanner.problems, comments: scanner.comments, stand_in })
}

/// The text with other text of the same length in some places.
fn replaced(source: &str, places: &[(Span, String)]) -> Option<String> {
    let mut out = String::with_capacity(source.len());
    let mut from = 0;
    for (span, text) in places {
        out.push_str(source.get(from..span.start)?);
        out.push_str(text);
        from = span.end;
    }
    out.push_str(source.get(from..)?);
    (out.len() == source.len()).then_some(out)
}

struct Scanner<'a> {
    source: &'a str,
    bytes: &'a [u8],
    limits: &'a Limits,
    at: usize,
    tokens: usize,
    /// `not`, `-` and `+` in a row: each is a level of the tree.
    prefixes: usize,
    /// Something other than blanks stands on this line before `at`.
    line_used: bool,
    open: Vec<(u8, usize)>,
    comments: Vec<Comment>,
    problems: Vec<Diagnostic>,
    /// What could stand in the place of each problem.
    stand_ins: Vec<(Span, String)>,
}

/// `None` ends the walk.
type Go = Option<()>;

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or("")
    }

    /// The bytes from `from` on for which `keep` holds end here.
    fn run(&self, from: usize, keep: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| keep(**b)).count()
    }

    fn span(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    fn report(&mut self, problem: Diagnostic) -> Go {
        self.problems.push(problem);
        (self.problems.len() < MAX_PROBLEMS).then_some(())
    }

    /// Notes what reads like the text since `start` and has its length.
    fn stand_in(&mut self, start: usize, text: String) {
        self.stand_ins.push((self.span(start), text));
    }

    fn too_deep(&mut self, what: &str) -> Go {
        let title = format!("{what} are nested more than {} levels deep", self.limits.depth);
        let here = Span::new(self.at, self.at + 1);
        self.report(Diagnostic::new(Code::TooLarge, title).label(here, "one level too many"));
        None
    }

    fn walk(&mut self) -> Go {
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line_used = false;
                    continue;
                }
                b' ' | b'\t' | b'\r' => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.peek(1) == b'/' => {
                    let start = self.at;
                    self.at = self.run(start, |b| !matches!(b, b'\n' | b'\r'));
                    self.comment(start);
                    continue;
                }
                b'/' if self.peek(1) == b'*' => {
                    self.block_comment()?;
                    continue;
                }
                _ => {}
            }
            self.line_used = true;
            self.tokens += 1;
            if self.tokens > self.limits.tokens {
                let title =
                    format!("the query has more than {} words and signs", self.limits.tokens);
                let here = Span::new(self.at, self.at + 1);
                self.report(Diagnostic::new(Code::TooLarge, title).label(here, "one too many"));
                return None;
            }
            self.token(byte)?;
        }
        Some(())
    }

    fn comment(&mut self, start: usize) {
        let span = self.span(start);
        let text = span.text(self.source).to_owned();
        self.comments.push(Comment { text, trailing: self.line_used, span });
        self.line_used = true;
    }

    fn block_comment(&mut self) -> Go {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                    if depth > self.limits.depth {
                        return self.too_deep("comments");
                    }
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        self.comment(start);
                        return Some(());
                    }
                }
                _ if self.at >= self.bytes.len() => {
                    let problem = Diagnostic::new(Code::Syntax, "the comment is not closed")
                        .label(Span::new(start, start + 2), "opened here")
                        .help("block comments nest: every `/*` needs its own `*/`");
                    self.report(problem);
                    return None;
                }
                _ => self.at += 1,
            }
        }
    }

    fn token(&mut self, byte: u8) -> Go {
        let start = self.at;
        let mut prefix = false;
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'@' => {
                self.at = self.run(start + 1, |b| b.is_ascii_alphanumeric() || b == b'_');
                prefix = self.span(start).text(self.source) == "not";
                if self.peek(0) == b'~' {
                    self.at += 1;
                }
            }
            b'0'..=b'9' => self.at = self.run(start, |b| b.is_ascii_digit()),
            b'"' => self.double_quoted()?,
            b'\'' => self.single_quoted(start)?,
            b'?' if matches!(self.peek(1), b'"' | b'\'') => self.old_raw_string()?,
            b'`' => self.quoted_name()?,
            b'(' | b'[' => {
                if self.open.len() >= self.limits.depth {
                    return self.too_deep("brackets");
                }
                self.open.push((byte, start));
                self.at += 1;
            }
            b')' | b']' => self.close(byte)?,
            b'-' | b'+' => {
                prefix = true;
                self.at += 1;
            }
            b'=' if self.peek(1) == b'~' => self.other_sign("=~", ":")?,
            b'~' if self.peek(1) == b'=' => self.other_sign("~=", ":")?,
            b'|' if self.peek(1) == b'|' => self.other_sign("||", "or")?,
            b'<' if self.peek(1) == b'>' => self.other_sign("<>", "!=")?,
            b'!' if matches!(self.peek(1), b'=' | b':') => self.at += 2,
            b'!' => {
                let next = self.run(start + 1, |b| b.is_ascii_whitespace());
                if matches!(self.bytes.get(next), Some(b'[' | b'/')) {
                    self.at += 1;
                } else {
                    self.other_sign("!", "not ")?;
                }
            }
            b',' | b'.' | b'|' | b'=' | b'<' | b'>' | b':' | b'*' | b'/' | b'%' | b'?' => {
                self.at += 1;
            }
            b'&' if self.peek(1) == b'&' => self.other_sign("&&", "and")?,
            _ => self.unknown_character()?,
        }
        self.prefixes = if prefix { self.prefixes + 1 } else { 0 };
        if self.prefixes > self.limits.depth {
            return self.too_deep("operators");
        }
        Some(())
    }

    /// Reads `sign`, which other languages have for `ours`.
    fn other_sign(&mut self, sign: &str, ours: &str) -> Go {
        let start = self.at;
        self.at += sign.len();
        let span = self.span(start);
        let word = ours.trim();
        // Of the same length; which of `and` and `or` it is matters to nobody who only looks for
        // mistakes.
        let stand_in = match sign {
            "!" => "-",
            "&&" | "||" => "or",
            "<>" => "!=",
            _ => "==",
        };
        self.stand_in(start, stand_in.to_owned());
        self.report(
            Diagnostic::new(Code::Syntax, format!("unexpected `{sign}`"))
                .label(span, format!("EQL writes `{word}`"))
                .help(format!("write `{word}`"))
                .fix(span, ours),
        )
    }

    /// `“..”` on one line; `false` when it does not end there.
    fn curly_quoted(&mut self) -> Option<bool> {
        let start = self.at;
        let line = self.rest().lines().next()?;
        let mut chars = line.char_indices().skip(1);
        let Some((end, last)) = chars.find(|(_, c)| matches!(c, '“' | '”' | '‘' | '’' | '"'))
        else {
            return Some(false);
        };
        let inner = line.get(..end)?.chars().next()?.len_utf8();
        let text = line.get(inner..end)?.replace('"', "_");
        self.at += end + last.len_utf8();
        let span = self.span(start);
        self.stand_in(start, format!("\"{}\"", "_".repeat(span.end - span.start - 2)));
        self.report(
            Diagnostic::new(Code::Syntax, "the quotes are not plain ones")
                .label(span, "typographic quotes")
                .help("write strings in plain double quotes: \"..\"")
                .fix(span, format!("\"{text}\"")),
        )?;
        Some(true)
    }

    fn unknown_character(&mut self) -> Go {
        let start = self.at;
        let c = self.rest().chars().next()?;
        if matches!(c, '“' | '”' | '„' | '‘' | '’') && self.curly_quoted()? {
            return Some(());
        }
        self.at += c.len_utf8();
        let shown = if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() };
        let mut problem = Diagnostic::new(Code::Syntax, format!("unexpected character `{shown}`"))
            .label(self.span(start), "not part of the language");
        if c == '$' {
            problem = problem.help("variables are not supported in Elasticsearch EQL");
        } else if let Some(help) = of_another_language(c) {
            problem = problem.help(help);
        } else if c.is_alphanumeric() {
            problem = problem.help(
                "names have only the letters a to z, digits and `_`; write others in backticks",
            );
        } else if matches!(c, '“' | '”' | '„' | '‘' | '’') {
            problem = problem.help("write strings in plain double quotes: \"..\"");
        }
        self.report(problem)
    }

    fn close(&mut self, byte: u8) -> Go {
        let start = self.at;
        self.at += 1;
        let shown = char::from(byte);
        let fits = |open: u8| matches!((open, byte), (b'(', b')') | (b'[', b']'));
        match self.open.pop() {
            Some((open, _)) if fits(open) => Some(()),
            Some((open, place)) => {
                let title = format!("`{shown}` does not close `{}`", char::from(open));
                let problem = Diagnostic::new(Code::Syntax, title)
                    .label(self.span(start), format!("unexpected `{shown}`"))
                    .label(Span::new(place, place + 1), "still open");
                self.report(problem);
                None
            }
            None => {
                let problem = Diagnostic::new(Code::Syntax, format!("unexpected `{shown}`"))
                    .label(self.span(start), "there is nothing to close");
                self.report(problem);
                None
            }
        }
    }

    fn report_open_brackets(&mut self) {
        if let Some((byte, place)) = self.open.last().copied() {
            let shown = char::from(byte);
            let problem = Diagnostic::new(Code::Syntax, format!("`{shown}` is not closed"))
                .label(Span::new(place, place + 1), "opened here");
            self.report(problem);
        }
    }

    fn open_string(&mut self, start: usize, quote: &str) -> Go {
        let end = self.run(start, |b| !matches!(b, b'\n' | b'\r'));
        let what = if quote == "`" { "name" } else { "string" };
        let problem = Diagnostic::new(Code::StringLiteral, format!("the {what} is not closed"))
            .label(Span::new(start, end), format!("no `{quote}` before the end of the line"));
        self.report(problem);
        None
    }

    fn double_quoted(&mut self) -> Go {
        let start = self.at;
        if self.rest().starts_with("\"\"\"") {
            self.at += 3;
            while !self.rest().starts_with("\"\"\"") {
                if matches!(self.peek(0), b'\n' | b'\r') || self.at >= self.bytes.len() {
                    return self.open_string(start, "\"\"\"");
                }
                self.at = self.run(self.at + 1, |b| !matches!(b, b'"' | b'\n' | b'\r'));
            }
            // Up to two more quotes belong to the text.
            self.at = self.run(self.at, |b| b == b'"').min(self.at + 5);
            return Some(());
        }
        self.at += 1;
        loop {
            self.at = self.run(self.at, |b| !matches!(b, b'"' | b'\\' | b'\n' | b'\r'));
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return self.open_string(start, "\""),
            }
        }
    }

    /// Reads one escape. A pair that does not exist is reported and skipped.
    fn escape(&mut self) -> Go {
        let start = self.at;
        let next = self.peek(1);
        if matches!(next, b'b' | b't' | b'n' | b'f' | b'r' | b'"' | b'\'' | b'\\') {
            self.at += 2;
            return Some(());
        }
        if matches!(next, b'\n' | b'\r') || self.at + 1 >= self.bytes.len() {
            self.at += 1;
            return Some(());
        }
        if next == b'u' {
            return self.unicode_escape(start);
        }
        let c = self.rest().chars().nth(1)?;
        self.at += 1 + c.len_utf8();
        self.stand_in(start, "_".repeat(self.at - start));
        self.report(
            Diagnostic::new(Code::StringLiteral, format!("unknown escape `\\{c}`"))
                .label(self.span(start), "not an escape")
                .help(r"a backslash is written `\\`; between triple quotes it stands for itself")
                .fix(self.span(start), format!(r"\\{c}")),
        )
    }

    fn unicode_escape(&mut self, start: usize) -> Go {
        if self.peek(2) != b'{' {
            let digits = self.run(start + 2, |b| b.is_ascii_hexdigit()).min(start + 6);
            self.at = digits;
            let span = self.span(start);
            let mut problem = Diagnostic::new(Code::StringLiteral, "a code point needs braces")
                .label(span, r"written `\u{..}`");
            if digits == start + 6 {
                let hex = Span::new(start + 2, digits).text(self.source);
                problem = problem.fix(span, format!(r"\u{{{hex}}}"));
            }
            return self.report(problem.help(r"write the code point in braces: `\u{e9}`"));
        }
        let end = self.run(start + 3, |b| b.is_ascii_hexdigit());
        let hex = Span::new(start + 3, end).text(self.source);
        self.at = end + usize::from(self.bytes.get(end) == Some(&b'}'));
        if self.bytes.get(end) == Some(&b'}') && code_point(hex).is_some() {
            return Some(());
        }
        self.report(
            Diagnostic::new(Code::StringLiteral, "not a code point")
                .label(self.span(start), "two to eight hexadecimal digits in braces")
                .help("a code point is at least 1 and at most 10ffff, and no surrogate"),
        )
    }

    /// `'..'` up to its end on the same line; `true` when closed.
    fn skip_to(&mut self, quote: u8) -> bool {
        loop {
            self.at = self.run(self.at, |b| b != quote && !matches!(b, b'\\' | b'\n' | b'\r'));
            match self.peek(0) {
                b'\\' if self.at + 1 < self.bytes.len() => {
                    let next = self.rest().chars().nth(1).map_or(1, char::len_utf8);
                    self.at += 1 + next;
                }
                b if b == quote && self.at < self.bytes.len() => {
                    self.at += 1;
                    return true;
                }
                _ => return false,
            }
        }
    }

    fn single_quoted(&mut self, start: usize) -> Go {
        self.at = start + 1;
        if !self.skip_to(b'\'') {
            return self.open_string(start, "'");
        }
        let span = self.span(start);
        let inner = Span::new(start + 1, self.at - 1).text(self.source);
        self.stand_in(start, format!("\"{}\"", "_".repeat(inner.len())));
        let mut problem = Diagnostic::new(Code::Unsupported, "strings need double quotes")
            .label(span, "single quotes")
            .help("write the string in double quotes: \"..\"");
        if !inner.contains('"') {
            problem = problem.fix(span, format!("\"{inner}\""));
        }
        self.report(problem)
    }

    /// `?"..."` and `?'...'`.
    fn old_raw_string(&mut self) -> Go {
        let start = self.at;
        let quote = self.peek(1);
        self.at += 2;
        if !self.skip_to(quote) {
            return self.open_string(start + 1, if quote == b'"' { "\"" } else { "'" });
        }
        let span = self.span(start);
        let inner = Span::new(start + 2, self.at - 1).text(self.source);
        self.stand_in(start, format!("\"{}\"", "_".repeat(inner.len() + 1)));
        let mut problem =
            Diagnostic::new(Code::Unsupported, "this form of raw strings is not supported")
                .label(span, "a raw string of an older dialect")
                .help("write raw strings in triple double quotes: \"\"\"..\"\"\"");
        if !inner.contains(['"', '\'']) {
            problem = problem.fix(span, format!("\"\"\"{inner}\"\"\""));
        }
        self.report(problem)
    }

    fn quoted_name(&mut self) -> Go {
        let start = self.at;
        self.at += 1;
        loop {
            self.at = self.run(self.at, |b| !matches!(b, b'`' | b'\n' | b'\r'));
            if self.peek(0) != b'`' {
                return self.open_string(start, "`");
            }
            self.at += 1;
            if self.peek(0) != b'`' {
                break;
            }
            self.at += 1;
        }
        if self.at == start + 2 {
            return self.report(
                Diagnostic::new(Code::Syntax, "the name is empty")
                    .label(self.span(start), "nothing between the backticks"),
            );
        }
        Some(())
    }
}

/// What EQL has for signs that it does not have.
fn of_another_language(c: char) -> Option<&'static str> {
    Some(match c {
        ';' => "a query ends where its text ends",
        '#' => "comments begin with `//` or stand between `/*` and `*/`",
        '{' | '}' => "conditions are grouped by round brackets",
        '\\' => "text stands in double quotes, a backslash in it is written `\\\\`",
        '~' => "`~` stands right behind `like`, `regex`, `in` or the name of a function",
        _ => return None,
    })
}

/// The character of `\u{hex}`.
pub(super) fn code_point(hex: &str) -> Option<char> {
    if !(2..=8).contains(&hex.len()) {
        return None;
    }
    u32::from_str_radix(hex, 16).ok().filter(|n| *n > 0).and_then(char::from_u32)
}
