//! Regular expressions as people write them.
//!
//! Beside the translation to the `regex` crate stands a second reading of the same language: a parser
//! and a matcher that keep sets of positions. Both must agree on every text.

use std::collections::HashMap;

use catena::check::{Options, check, ir};
use catena::schema::Schema;
use catena::span::Span;
use catena::syntax::ast::{
    Ast, Category, EventFilter, Expr, ExprKind, Field, Literal, MatchOperator, Query,
};

/// The first line is a pattern, the rest a text. The pattern is refused, or compiles within the bounds
/// of an engine and finds what the second reading finds.
pub(crate) fn regex(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    for fold in [false, true] {
        let Some(translated) = translation(pattern, fold) else { continue };
        let compiled = regex::RegexBuilder::new(&translated).size_limit(4 << 20).build();
        let compiled = compiled.unwrap_or_else(|error| panic!("{pattern:?}: {error}"));
        let text: String = text.chars().take(24).collect();
        let found = compiled.is_match(&text);
        // The second reading knows no case but that of ASCII.
        if fold && !(pattern.is_ascii() && text.is_ascii()) {
            continue;
        }
        let mut matcher = Matcher { text: text.chars().collect(), fold, known: HashMap::new() };
        let expected = matcher.is_match(&read(pattern));
        assert_eq!(found, expected, "{pattern:?} on {text:?}, fold {fold}: {translated}");
    }
}

/// What the checker makes of the pattern, if it takes it.
fn translation(pattern: &str, fold: bool) -> Option<String> {
    let span = Span::default();
    let node = |kind| Expr { kind, span };
    let field = Field { name: "a".to_owned(), optional: false, span };
    let literal = Literal::Str { text: pattern.to_owned(), raw: true };
    let condition = node(ExprKind::Match {
        value: Box::new(node(ExprKind::Field(field))),
        operator: if fold { MatchOperator::RegexFold } else { MatchOperator::Regex },
        patterns: vec![node(ExprKind::Literal(literal))],
        list: false,
    });
    let filter = EventFilter { category: Category { name: None, span }, condition, span };
    let ast = Ast { query: Query::Event(filter), pipes: Vec::new(), comments: Vec::new() };
    let (query, _) = check(&ast, &Schema::new(), &Options::default()).ok()?;
    match query.kind {
        ir::QueryKind::Event(filter) => match filter.condition {
            ir::Cond::Leaf(ir::Leaf::Test(_, ir::Test::Regex { pattern, .. })) => {
                Some(pattern.into())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// A pattern. Any of its branches, each a row of parts.
type Alternatives = Vec<Vec<Part>>;

#[derive(Debug)]
enum Part {
    Group(Alternatives),
    Any,
    /// One of these ranges, or none of them.
    Class(bool, Vec<(char, char)>),
    Repeat(Box<Part>, u32, Option<u32>),
}

/// Reads a pattern that the checker has taken.
fn read(pattern: &str) -> Alternatives {
    let mut rest = pattern.chars().peekable();
    alternatives(&mut rest)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn alternatives(rest: &mut Chars<'_>) -> Alternatives {
    let mut branches = vec![Vec::new()];
    while let Some(c) = rest.next_if(|c| *c != ')') {
        let part = match c {
            '|' => {
                branches.push(Vec::new());
                continue;
            }
            '.' => Part::Any,
            '@' => Part::Repeat(Box::new(Part::Any), 0, None),
            '(' => {
                let group = alternatives(rest);
                assert_eq!(rest.next(), Some(')'));
                Part::Group(group)
            }
            '[' => class(rest),
            '"' => {
                let quoted = rest.by_ref().take_while(|c| *c != '"');
                Part::Group(vec![quoted.map(|c| Part::Class(true, vec![(c, c)])).collect()])
            }
            '\\' => escaped(rest.next().unwrap_or('\\')),
            c => Part::Class(true, vec![(c, c)]),
        };
        let part = quantified(part, rest);
        if let Some(branch) = branches.last_mut() {
            branch.push(part);
        }
    }
    branches
}

fn quantified(mut part: Part, rest: &mut Chars<'_>) -> Part {
    loop {
        let (least, most) = match rest.next_if(|c| matches!(c, '*' | '+' | '?' | '{')) {
            None => return part,
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some(_) => {
                let bounds: String = rest.by_ref().take_while(|c| *c != '}').collect();
                match bounds.split_once(',') {
                    None => (number(&bounds), Some(number(&bounds))),
                    Some((least, "")) => (number(least), None),
                    Some((least, most)) => (number(least), Some(number(most))),
                }
            }
        };
        part = Part::Repeat(Box::new(part), least, most);
    }
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is not a number"))
}

fn escaped(c: char) -> Part {
    match shorthand(c) {
        Some((positive, ranges)) => Part::Class(positive, ranges),
        None => Part::Class(true, vec![(c, c)]),
    }
}

fn shorthand(c: char) -> Option<(bool, Vec<(char, char)>)> {
    let ranges = match c.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        'w' => vec![('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')],
        's' => vec![(' ', ' '), ('\t', '\n'), ('\r', '\r')],
        _ => return None,
    };
    Some((c.is_ascii_lowercase(), ranges))
}

/// What stands behind `[`. A shorthand for what is not in a class becomes the gaps between its ranges.
fn class(rest: &mut Chars<'_>) -> Part {
    let positive = rest.next_if_eq(&'^').is_none();
    let mut ranges = Vec::new();
    while let Some(c) = rest.next().filter(|c| *c != ']') {
        let start = if c == '\\' { rest.next().unwrap_or('\\') } else { c };
        if let Some((positive, of)) = shorthand(start).filter(|_| c == '\\') {
            ranges.extend(if positive { of } else { gaps(of) });
            continue;
        }
        let mut end = start;
        if rest.next_if_eq(&'-').is_some() {
            end = rest.next().unwrap_or(start);
            if end == '\\' {
                end = rest.next().unwrap_or(end);
            }
        }
        ranges.push((start, end));
    }
    Part::Class(positive, ranges)
}

fn gaps(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    let before = |c: char| char::from_u32(u32::from(c).wrapping_sub(1));
    let after = |c: char| char::from_u32(u32::from(c) + 1).unwrap_or(c);
    ranges.sort_unstable();
    let mut gaps = Vec::new();
    let mut from = '\0';
    for (start, end) in ranges {
        if let Some(to) = before(start).filter(|to| from <= *to) {
            gaps.push((from, to));
        }
        from = after(end);
    }
    gaps.push((from, char::MAX));
    gaps
}

struct Matcher {
    text: Vec<char>,
    fold: bool,
    /// What a repetition made of places before. Repetitions of repetitions ask the same again and again.
    known: HashMap<(*const Part, Places), Places>,
}

/// Positions in the text, a bit for each.
type Places = u32;

impl Matcher {
    fn is_match(&mut self, pattern: &Alternatives) -> bool {
        assert!(self.text.len() < 32);
        self.any(pattern, 1) >> self.text.len() & 1 == 1
    }

    fn any(&mut self, branches: &Alternatives, starts: Places) -> Places {
        let mut ends = 0;
        for branch in branches {
            ends |= branch.iter().fold(starts, |places, part| self.part(part, places));
        }
        ends
    }

    fn part(&mut self, part: &Part, starts: Places) -> Places {
        match part {
            Part::Group(branches) => self.any(branches, starts),
            Part::Any => self.step(starts, |_| true),
            Part::Class(positive, ranges) => {
                self.step(starts, |c| self.within(c, ranges) == *positive)
            }
            Part::Repeat(repeated, least, most) => {
                if let Some(ends) = self.known.get(&(std::ptr::from_ref(part), starts)) {
                    return *ends;
                }
                let ends = self.repeat(repeated, *least, *most, starts);
                self.known.insert((std::ptr::from_ref(part), starts), ends);
                ends
            }
        }
    }

    fn repeat(&mut self, part: &Part, least: u32, most: Option<u32>, starts: Places) -> Places {
        let mut places = starts;
        for _ in 0..least {
            places = self.part(part, places);
            if places == 0 {
                return places;
            }
        }
        let mut all = places;
        let mut count = least;
        while most.is_none_or(|most| count < most) {
            // What was reached before leads nowhere new.
            places = self.part(part, places) & !all;
            if places == 0 {
                break;
            }
            all |= places;
            count += 1;
        }
        all
    }

    fn step(&self, starts: Places, fits: impl Fn(char) -> bool) -> Places {
        let fitting = self.text.iter().enumerate().filter(|(_, c)| fits(**c));
        (starts & fitting.fold(0, |places, (place, _)| places | 1 << place)) << 1
    }

    fn within(&self, c: char, ranges: &[(char, char)]) -> bool {
        let within = |c: char| ranges.iter().any(|(start, end)| (*start..=*end).contains(&c));
        within(c)
            || (self.fold && (within(c.to_ascii_lowercase()) || within(c.to_ascii_uppercase())))
    }
}
