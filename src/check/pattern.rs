//! Wildcards, regular expressions and networks as people write them → as they are run.
//!
//! Regular expressions are Lucene's: they test the whole text, `^` and `$` are ordinary characters,
//! there is no laziness and no look-around. Everything that means something else to the `regex` crate
//! is rewritten or refused, never passed on.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

use crate::value::fold;

/// Most characters, counted with their repetitions, of all regular expressions of one query.
/// `(ab){100}` counts 200, a class such as `.` counts 16, what is rare in memory and expensive in
/// automata counts more: that is about what they cost when run. What fits compiles far below the
/// limits that regular expressions are compiled with.
pub(super) const MAX_REGEX_SIZE: u64 = 20_000;
/// The cost of a regular expression however short, in characters.
pub(super) const REGEX: u64 = 20;
/// The cost of a class in characters, without its members.
const CLASS: u64 = 16;
/// The cost of a range that reaches beyond ASCII.
const WIDE_RANGE: u64 = 16;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 50;
/// Deepest nesting of a translation; the `regex` crate refuses more than 250.
const MAX_LEVELS: usize = 230;

/// Whether `*` or `?` stands in it.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// A wildcard pattern in its simplest form: runs of `*` are one, lower case when `folded`.
pub(super) fn wildcard(text: &str, folded: bool) -> Box<str> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '*' || !out.ends_with('*') {
            out.push(c);
        }
    }
    if folded { fold(&out).into() } else { out.into() }
}

/// A network, or an address as a network of one. Bits behind the prefix are cleared; an IPv4 network
/// written inside IPv6 becomes that IPv4 network.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().ok()?,
    };
    let network = match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::V4(Ipv4Net::new(v4, v6.prefix_len() - 96).ok()?),
            None => IpNet::V6(Ipv6Net::new(v6.addr(), v6.prefix_len()).ok()?),
        },
        other => other,
    };
    Some(network.trunc())
}

/// A translated regular expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Regex {
    /// In the syntax of the `regex` crate, not anchored, one group.
    pub(super) pattern: String,
    /// See [`MAX_REGEX_SIZE`].
    pub(super) size: u64,
    /// See [`MAX_LEVELS`].
    levels: usize,
}

impl Regex {
    fn new(pattern: impl Into<String>, size: u64, levels: usize) -> Self {
        Self { pattern: pattern.into(), size, levels }
    }
}

/// Why a regular expression is refused, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) help: &'static str,
}

/// Translates one Lucene regular expression.
pub(super) fn regex(source: &str, folded: bool) -> Result<Regex, Refusal> {
    let mut translator = Translator { rest: source.chars().peekable(), folded, depth: 0 };
    if source.is_empty() {
        return Ok(Regex::new("(?:)", 1, 1));
    }
    let regex = translator.alternation()?;
    match translator.rest.next() {
        None => Ok(regex),
        Some(_) => refuse("`)` closes nothing", "write `\\)` for a bracket in the text"),
    }
}

/// The translated parts as one alternation that tests the whole text.
pub(super) fn anchored(parts: &[Regex], folded: bool) -> String {
    let flags = if folded { "si" } else { "s" };
    let parts: Vec<&str> = parts.iter().map(|part| part.pattern.as_str()).collect();
    format!(r"\A(?{flags}:{})\z", parts.join("|"))
}

fn refuse<T>(reason: impl Into<String>, help: &'static str) -> Result<T, Refusal> {
    Err(Refusal { reason: reason.into(), help })
}

struct Translator<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    folded: bool,
    depth: usize,
}

const EMPTY: &str = "write `()` for the empty text, or a backslash in front";

impl Translator<'_> {
    /// `a|b`, as one group.
    fn alternation(&mut self) -> Result<Regex, Refusal> {
        let mut regex = Regex::new("(?:", 0, 0);
        let mut branches = 0_usize;
        loop {
            branches += 1;
            let branch = self.branch()?;
            regex.pattern.push_str(&branch.pattern);
            regex.size = regex.size.saturating_add(branch.size);
            regex.levels = regex.levels.max(branch.levels);
            bounded(&regex)?;
            if self.rest.next_if_eq(&'|').is_none() {
                break;
            }
            regex.pattern.push('|');
        }
        regex.pattern.push(')');
        // The group, and the alternation in it if there is one.
        regex.levels += 1 + usize::from(branches > 1);
        Ok(regex)
    }

    /// `abc`
    fn branch(&mut self) -> Result<Regex, Refusal> {
        let mut branch = Regex::new("", 0, 0);
        let mut parts = 0_usize;
        while let Some(next) = self.rest.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            let part = self.repeated()?;
            branch.pattern.push_str(&part.pattern);
            branch.size = branch.size.saturating_add(part.size);
            branch.levels = branch.levels.max(part.levels);
            parts += 1;
            bounded(&branch)?;
        }
        if branch.pattern.is_empty() {
            return refuse("an alternative is empty", EMPTY);
        }
        branch.levels += usize::from(parts > 1);
        Ok(branch)
    }

    /// `a*`, `a{2,3}?`: a `?` behind another quantifier makes the whole optional, not lazy.
    fn repeated(&mut self) -> Result<Regex, Refusal> {
        let mut part = self.atom()?;
        let mut quantified = false;
        while let Some(sign) = self.rest.next_if(|c| matches!(c, '*' | '+' | '?' | '{')) {
            if quantified {
                part.pattern = format!("(?:{})", part.pattern);
                part.levels += 1;
            }
            quantified = true;
            part.levels += 1;
            match sign {
                '{' => {
                    let (least, most) = self.bounds()?;
                    let copies = most.unwrap_or(least.saturating_add(1)).max(1);
                    part.size = part.size.saturating_mul(u64::from(copies));
                    match most {
                        Some(most) if most == least => {
                            part.pattern.push_str(&format!("{{{least}}}"));
                        }
                        Some(most) => part.pattern.push_str(&format!("{{{least},{most}}}")),
                        None => part.pattern.push_str(&format!("{{{least},}}")),
                    }
                }
                sign => part.pattern.push(sign),
            }
            if part.size > MAX_REGEX_SIZE {
                return refuse("it repeats too much", "use smaller numbers of repetitions");
            }
            bounded(&part)?;
        }
        Ok(part)
    }

    /// What stands behind `{`: `2}`, `2,}`, `2,3}`.
    fn bounds(&mut self) -> Result<(u32, Option<u32>), Refusal> {
        const HELP: &str = "write `{2}`, `{2,}` or `{2,5}`, or `\\{` for a brace in the text";
        let Some(least) = self.integer() else { return refuse("a repetition has no number", HELP) };
        let most = match self.rest.next() {
            Some('}') => return Ok((least, Some(least))),
            Some(',') => self.integer(),
            _ => return refuse("a repetition is not closed", HELP),
        };
        if self.rest.next() != Some('}') {
            return refuse("a repetition is not closed", HELP);
        }
        if most.is_some_and(|most| most < least) {
            return refuse("a repetition ends before it begins", HELP);
        }
        Ok((least, most))
    }

    /// At most four digits: more repetitions are refused anyway.
    fn integer(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
            if digits.len() > 5 {
                return Some(u32::MAX);
            }
        }
        digits.parse().ok()
    }

    fn atom(&mut self) -> Result<Regex, Refusal> {
        const ESCAPE: &str = "write a backslash in front for the character itself";
        let Some(c) = self.rest.next() else { return refuse("it ends too early", EMPTY) };
        match c {
            '.' => Ok(Regex::new(".", CLASS, 0)),
            '@' => Ok(Regex::new("(?:.*)", CLASS, 2)),
            '(' => self.group(),
            '[' => self.class(),
            '"' => self.quoted(),
            '\\' => self.escaped(),
            '*' | '+' | '?' | '{' => refuse(format!("`{c}` repeats nothing"), ESCAPE),
            '~' => refuse("`~` (complement) is not supported", ESCAPE),
            '&' => refuse("`&` (intersection) is not supported", ESCAPE),
            '#' => refuse("`#` (nothing) is not supported", ESCAPE),
            '<' => refuse("`<n-m>` (interval) is not supported", ESCAPE),
            other => Ok(literal(other, self.folded)),
        }
    }

    fn group(&mut self) -> Result<Regex, Refusal> {
        if self.rest.next_if_eq(&')').is_some() {
            return Ok(Regex::new("(?:)", 1, 1));
        }
        if self.rest.peek() == Some(&'?') {
            return refuse(
                "`(?` is not supported",
                "groups are plain; case is ignored by `regex~`",
            );
        }
        if self.depth >= MAX_DEPTH {
            return refuse("groups are nested too deep", "use fewer brackets");
        }
        self.depth += 1;
        let inner = self.alternation()?;
        self.depth -= 1;
        match self.rest.next() {
            Some(')') => Ok(inner),
            _ => refuse("`(` is not closed", "write `\\(` for a bracket in the text"),
        }
    }

    /// `"text"`: every character stands for itself.
    fn quoted(&mut self) -> Result<Regex, Refusal> {
        let mut text = Regex::new("(?:", 1, 2);
        loop {
            match self.rest.next() {
                Some('"') => break,
                Some(c) => {
                    let c = literal(c, self.folded);
                    text.pattern.push_str(&c.pattern);
                    text.size = text.size.saturating_add(c.size);
                    bounded(&text)?;
                }
                None => {
                    return refuse("`\"` is not closed", "write `\\\"` for a quote in the text");
                }
            }
        }
        text.pattern.push(')');
        Ok(text)
    }

    fn escaped(&mut self) -> Result<Regex, Refusal> {
        let Some(c) = self.rest.next() else {
            return refuse("it ends in a backslash", "write `\\\\` for a backslash in the text");
        };
        if let Some(class) = shorthand(c) {
            // Without this guard, ignoring case would add two letters outside ASCII to `\w`.
            let open = if self.folded { "(?-i:[" } else { "[" };
            let close = if self.folded { "])" } else { "]" };
            return Ok(Regex::new(format!("{open}{class}{close}"), CLASS, 2));
        }
        if c.is_ascii_alphanumeric() {
            return refuse(
                format!("`\\{c}` is not supported"),
                "the classes are `\\d`, `\\w`, `\\s` and their capitals; there is no `\\b`, and no reference to a group",
            );
        }
        Ok(literal(c, self.folded))
    }

    /// What stands behind `[`.
    fn class(&mut self) -> Result<Regex, Refusal> {
        const CLOSE: &str = "write `\\[` for a bracket in the text";
        let mut pattern = "[".to_owned();
        let mut size = CLASS;
        if self.rest.next_if_eq(&'^').is_some() {
            pattern.push('^');
        }
        if self.rest.peek() == Some(&']') {
            return refuse("a class is empty", "write `\\]` for a bracket in a class");
        }
        loop {
            let Some(c) = self.rest.next() else { return refuse("`[` is not closed", CLOSE) };
            if c == ']' {
                break;
            }
            if size > MAX_REGEX_SIZE {
                return refuse("it is too large", "use ranges such as `[a-z]`");
            }
            let start = match self.class_char(c, &mut pattern)? {
                Some(start) => start,
                None => {
                    size += CLASS;
                    continue;
                }
            };
            size += literal(start, self.folded).size;
            pattern.push_str(&itself(start));
            if self.rest.next_if_eq(&'-').is_some() {
                let Some(end) = self.rest.next() else { return refuse("`[` is not closed", CLOSE) };
                let end = match end {
                    ']' => return refuse("a range has no end", "write `\\-` for a hyphen"),
                    '\\' => match self.rest.next() {
                        Some(c) if !c.is_ascii_alphanumeric() => c,
                        _ => return refuse("a range has no end", "write `\\-` for a hyphen"),
                    },
                    other => other,
                };
                if end < start {
                    return refuse(
                        format!("the range `{start}-{end}` runs backwards"),
                        "write `\\-` for a hyphen",
                    );
                }
                size += if end.is_ascii() { 1 } else { WIDE_RANGE };
                pattern.push('-');
                pattern.push_str(&itself(end));
            }
        }
        pattern.push(']');
        Ok(Regex::new(pattern, size, 2))
    }

    /// One character of a class, or `None` after a shorthand such as `\d`, which is appended.
    fn class_char(&mut self, c: char, pattern: &mut String) -> Result<Option<char>, Refusal> {
        if c != '\\' {
            return Ok(Some(c));
        }
        match self.rest.next() {
            Some(next) => match shorthand(next) {
                Some(class) => {
                    pattern.push_str(&format!("[{class}]"));
                    Ok(None)
                }
                None if next.is_ascii_alphanumeric() => refuse(
                    format!("`\\{next}` is not supported"),
                    "the classes are `\\d`, `\\w`, `\\s` and their capitals",
                ),
                None => Ok(Some(next)),
            },
            None => refuse("`[` is not closed", "write `\\[` for a bracket in the text"),
        }
    }
}

/// `\d` and the like, as the inside of a class. ASCII, as in Lucene.
fn shorthand(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "0-9",
        'D' => "^0-9",
        'w' => "0-9A-Za-z_",
        'W' => "^0-9A-Za-z_",
        's' => r" \t\n\r",
        'S' => r"^ \t\n\r",
        _ => return None,
    })
}

/// Refuses what cannot be compiled, before more is read.
fn bounded(regex: &Regex) -> Result<(), Refusal> {
    if regex.size > MAX_REGEX_SIZE {
        return refuse("it is too large", "split it, or test for what is typical of all of it");
    }
    if regex.levels > MAX_LEVELS {
        return refuse(
            "it is nested too deep",
            "use fewer brackets and repetitions of repetitions",
        );
    }
    Ok(())
}

/// A character for itself. With the others that it is equal to but for case it is a small automaton.
fn literal(c: char, folded: bool) -> Regex {
    let bytes = u64::try_from(c.len_utf8()).unwrap_or(4);
    let size = match c {
        _ if !folded => bytes,
        // The Kelvin sign and the long s.
        'k' | 'K' | 's' | 'S' => 8,
        c if c.is_ascii_alphabetic() => 2,
        c if c.is_ascii() => 1,
        _ => bytes * 3,
    };
    Regex::new(itself(c), size, 0)
}

/// A pattern for one character, alone or in a class. Escaping more than has a meaning would give it
/// one: `\<` is the start of a word.
fn itself(c: char) -> String {
    regex::escape(c.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let part = regex(pattern, false).unwrap_or_else(|r| panic!("{pattern}: {}", r.reason));
        regex::Regex::new(&anchored(&[part], false)).unwrap().is_match(text)
    }

    fn folded(pattern: &str, text: &str) -> bool {
        let part = regex(pattern, true).unwrap();
        regex::Regex::new(&anchored(&[part], true)).unwrap().is_match(text)
    }

    #[test]
    fn the_whole_text_is_tested_and_anchors_are_characters() {
        assert!(matches("a\\.out", "a.out"));
        assert!(!matches("a", "a.out"));
        assert!(!matches("a\\.out", "a.out\n"));
        assert!(matches("^a$", "^a$"));
        assert!(!matches("^a$", "a"));
        assert!(matches("", ""));
        assert!(!matches("", "a"));
        assert!(matches("a|b", "b"), "anchors bind less than |");
        assert!(!matches("a|b", "ab"));
    }

    #[test]
    fn a_question_mark_behind_a_quantifier_is_not_lazy() {
        assert!(matches("ab*?c", "abbc"));
        assert!(matches("a+?", ""), "(a+)? also takes nothing");
        assert!(matches("(ab){2,3}?", ""));
        assert!(matches("(ab){2,3}?", "abab"));
        assert!(!matches("(ab){2,3}?", "ab"));
        assert!(matches("a??", "a"));
    }

    #[test]
    fn dot_takes_line_ends() {
        assert!(matches("a.b", "a\nb"));
        assert!(matches("@", "any\ntext"));
    }

    #[test]
    fn classes_hold_what_stands_in_them() {
        assert!(matches("[[]", "["));
        assert!(matches("[a&&b]+", "a&b"));
        assert!(matches("[-~]+", "~-"));
        assert!(matches("[a-c-]+", "b-"));
        assert!(matches("[^\"]+", "a^b"));
        assert!(!matches("[^\"]+", "a\"b"));
        assert!(matches("[a^]", "^"));
        assert!(matches("[\\w-]+", "a-1_"));
        assert!(matches("[\\]\\\\]+", "]\\"));
        assert!(matches("[ร-๏]", "ฮ"));
    }

    #[test]
    fn shorthands_are_ascii() {
        assert!(matches("\\d\\w\\s", "1a "));
        assert!(!matches("\\d", "٣"));
        assert!(!matches("\\w", "é"));
        assert!(!matches("\\s", "\u{b}"));
        assert!(matches("\\D\\W\\S", "aéx"));
        assert!(!folded("\\w", "\u{212a}"), "the Kelvin sign folds to k");
    }

    #[test]
    fn quoted_text_stands_for_itself() {
        assert!(matches("\"a.*b\"", "a.*b"));
        assert!(!matches("\"a.*b\"", "axxb"));
    }

    #[test]
    fn ignoring_case_covers_ranges() {
        assert!(folded("ab[c-d]", "ABD"));
        assert!(!matches("ab", "AB"));
    }

    #[test]
    fn what_other_dialects_mean_is_refused() {
        for pattern in [
            "(?i)a",
            "(?:a)",
            "a~b",
            "a&b",
            "#",
            "<1-5>",
            "\\bword",
            "(a)\\1",
            "a||b",
            "a|",
            "*a",
            "(",
            ")",
            "a)",
            "[a",
            "[]",
            "[^]",
            "[z-a]",
            "[a-]",
            "a{",
            "a{x}",
            "a{,3}",
            "a{3,1}",
            "a\\",
            "\"a",
            "\\n",
            "[\\n]",
            "a{99999999}",
            "((a{999}){999})",
        ] {
            assert!(regex(pattern, false).is_err(), "{pattern}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(regex(&deep, false).is_err());
    }

    #[test]
    fn networks_are_masked_and_addresses_are_networks_of_one() {
        let shown = |text: &str| network(text).map(|n| n.to_string());
        assert_eq!(shown("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(shown("::1").as_deref(), Some("::1/128"));
        assert_eq!(shown("::ffff:10.1.2.3/104").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(shown("10.0.0.0/33"), None);
        assert_eq!(shown("localhost"), None);
    }
}
