//! Pipes: which matches of a rule leave the machine, in which order, and for how many they stand.
//!
//! In: matches of one rule in the order they were found. Out: those that pass. `tail`, `sort` and the
//! counting pipes hold matches back until the end of the input. What they hold is bounded; beyond the
//! bound a match is let through rather than lost, and counted: a `unique` that forgets reports more,
//! never less.

mod saved;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::order::compare_keys;
use super::{Counted, Match};
use crate::check::ir;
use crate::value::{Value, fold};

/// How much one pipe may hold.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Matches that `sort` or a counting pipe holds back.
    held: usize,
    /// Combinations of values that `unique` remembers; each takes about 32 bytes.
    seen: usize,
}

/// Where matches come as long as events do.
const BOUNDED: Bounds = Bounds { held: 10_000, seen: 1_000_000 };

/// The pipes of one rule, left to right.
#[derive(Debug)]
pub(crate) struct Pipes {
    stages: Vec<Stage>,
    bounds: Bounds,
    overflowed: u64,
}

#[derive(Debug)]
enum Stage {
    Head { of: u64, left: u64 },
    Tail { keep: usize, last: VecDeque<Match> },
    Unique { fields: Fields, seen: HashSet<Print> },
    Count(Counts),
    Sort { fields: Fields, held: BinaryHeap<Sorted>, arrived: u64 },
}

impl Pipes {
    pub(crate) fn new(pipes: &[ir::Pipe]) -> Self {
        Self::bounded(pipes, BOUNDED)
    }

    fn bounded(pipes: &[ir::Pipe], bounds: Bounds) -> Self {
        let stage = |pipe: &ir::Pipe| match pipe {
            ir::Pipe::Head(n) => Stage::Head { of: *n, left: *n },
            ir::Pipe::Tail(n) => Stage::Tail {
                keep: usize::try_from(*n).unwrap_or(usize::MAX),
                last: VecDeque::new(),
            },
            ir::Pipe::Unique(fields) => {
                Stage::Unique { fields: Fields::new(fields), seen: HashSet::new() }
            }
            ir::Pipe::UniqueCount(fields) => Stage::Count(Counts::new(fields, false)),
            ir::Pipe::Count(fields) => Stage::Count(Counts::new(fields, true)),
            ir::Pipe::Sort(fields) => {
                Stage::Sort { fields: Fields::new(fields), held: BinaryHeap::new(), arrived: 0 }
            }
        };
        Self { stages: pipes.iter().map(stage).collect(), bounds, overflowed: 0 }
    }

    /// Passes a match through; `None` while it is held back or when it is dropped.
    pub(crate) fn push(&mut self, found: Match) -> Option<Match> {
        pass(&mut self.stages, found, self.bounds, &mut self.overflowed)
    }

    /// Matches that were let through because a pipe could hold no more.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// What the pipes still hold at the end of input, in order.
    pub(crate) fn finish(&mut self, out: &mut Vec<Match>) {
        for index in 0..self.stages.len() {
            let Some((stage, rest)) = self.stages.get_mut(index..).and_then(<[_]>::split_first_mut)
            else {
                return;
            };
            let held = stage.held().into_iter();
            let (bounds, overflowed) = (self.bounds, &mut self.overflowed);
            out.extend(held.filter_map(|found| pass(rest, found, bounds, overflowed)));
        }
    }
}

/// One pipe over a whole list, which bounds what it holds.
pub fn apply(pipe: &ir::Pipe, found: Vec<Match>) -> Vec<Match> {
    let bounds = Bounds { held: found.len(), seen: found.len() };
    let mut pipes = Pipes::bounded(std::slice::from_ref(pipe), bounds);
    let mut out: Vec<Match> = found.into_iter().filter_map(|found| pipes.push(found)).collect();
    pipes.finish(&mut out);
    out
}

fn pass(stages: &mut [Stage], found: Match, bounds: Bounds, overflowed: &mut u64) -> Option<Match> {
    stages.iter_mut().try_fold(found, |found, stage| stage.push(found, bounds, overflowed))
}

impl Stage {
    fn push(&mut self, found: Match, bounds: Bounds, overflowed: &mut u64) -> Option<Match> {
        match self {
            Self::Head { left: 0, .. } => None,
            Self::Head { left, .. } => {
                *left -= 1;
                Some(found)
            }
            Self::Tail { keep: 0, .. } => None,
            Self::Tail { keep, last } => {
                last.push_back(found);
                if last.len() > *keep {
                    last.pop_front();
                }
                None
            }
            Self::Unique { fields, seen } => {
                let print = print_of(&fields.of(&found));
                if seen.len() >= bounds.seen {
                    let unknown = !seen.contains(&print);
                    *overflowed += u64::from(unknown);
                    return unknown.then_some(found);
                }
                seen.insert(print).then_some(found)
            }
            Self::Count(counts) => counts.push(found, bounds, overflowed),
            Self::Sort { fields, held, arrived } => {
                *arrived += 1;
                held.push(Sorted { values: fields.of(&found), arrived: *arrived, found });
                // Beyond the bound what would come first goes first: sorted as far as can be seen.
                let over = held.len() > bounds.held;
                *overflowed += u64::from(over);
                if over { held.pop().map(|first| first.found) } else { None }
            }
        }
    }

    /// What it has held back, in order.
    fn held(&mut self) -> Vec<Match> {
        match self {
            Self::Head { .. } | Self::Unique { .. } => Vec::new(),
            Self::Tail { last, .. } => std::mem::take(last).into(),
            Self::Count(counts) => counts.held(),
            Self::Sort { held, .. } => {
                let sorted = std::mem::take(held).into_sorted_vec();
                sorted.into_iter().rev().map(|sorted| sorted.found).collect()
            }
        }
    }
}

/// The fields a pipe reads, of the first event of a match.
#[derive(Debug)]
struct Fields(Vec<Arc<str>>);

impl Fields {
    fn new(fields: &[ir::Field]) -> Self {
        Self(fields.iter().map(|field| field.name.clone()).collect())
    }

    /// The first value of each; null when it is missing.
    fn of(&self, found: &Match) -> Vec<Value> {
        let event = found.present().next();
        let value = |name: &Arc<str>| {
            let values = event.map(|event| event.values(name)).unwrap_or_default();
            values.into_iter().next().unwrap_or(Value::Null)
        };
        self.0.iter().map(value).collect()
    }
}

/// Stands for a combination of values; case does not matter.
type Print = [u8; 16];

fn print_of(values: &[Value]) -> Print {
    let mut hash = Sha256::new();
    for value in values {
        let text = value.to_string();
        let text = fold(&text);
        // Lengths keep neighbours apart, and what is missing differs from every text.
        hash.update([u8::from(*value != Value::Null)]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut print = Print::default();
    print.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    print
}

/// Counts matches by the values of fields.
#[derive(Debug)]
struct Counts {
    fields: Fields,
    /// Rarest first; else in order of their first matches.
    by_count: bool,
    groups: Vec<Group>,
    known: HashMap<Print, usize>,
    all: u64,
}

#[derive(Debug)]
struct Group {
    values: Vec<Value>,
    first: Match,
    matches: u64,
}

impl Counts {
    fn new(fields: &[ir::Field], by_count: bool) -> Self {
        let fields = Fields::new(fields);
        Self { fields, by_count, groups: Vec::new(), known: HashMap::new(), all: 0 }
    }

    fn push(&mut self, found: Match, bounds: Bounds, overflowed: &mut u64) -> Option<Match> {
        self.all += 1;
        let values = self.fields.of(&found);
        let print = print_of(&values);
        if let Some(group) = self.known.get(&print).and_then(|index| self.groups.get_mut(*index)) {
            group.matches += 1;
            return None;
        }
        if self.groups.len() >= bounds.held {
            *overflowed += 1;
            return Some(found);
        }
        self.known.insert(print, self.groups.len());
        self.groups.push(Group { values, first: found, matches: 1 });
        None
    }

    fn held(&mut self) -> Vec<Match> {
        let mut groups = std::mem::take(&mut self.groups);
        self.known.clear();
        if self.by_count {
            groups.sort_by(|a, b| {
                a.matches.cmp(&b.matches).then_with(|| by_values(&a.values, &b.values))
            });
        }
        let of = self.all;
        let counted = groups.into_iter().map(|group| Match {
            counted: Some(Counted { matches: group.matches, of }),
            ..group.first
        });
        counted.collect()
    }
}

/// Ascending, column by column; null first, texts without regard to case.
fn by_values(a: &[Value], b: &[Value]) -> Ordering {
    let compare = |a: &Value, b: &Value| match (a, b) {
        (Value::Str(a), Value::Str(b)) => fold(a).cmp(&fold(b)),
        _ => compare_keys(a, b),
    };
    a.iter().zip(b).fold(Ordering::Equal, |order, (a, b)| order.then_with(|| compare(a, b)))
}

/// A match held by `sort`; the greatest is the one that comes first.
#[derive(Debug)]
struct Sorted {
    values: Vec<Value>,
    arrived: u64,
    found: Match,
}

impl Ord for Sorted {
    fn cmp(&self, other: &Self) -> Ordering {
        by_values(&other.values, &self.values).then_with(|| other.arrived.cmp(&self.arrived))
    }
}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sorted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Sorted {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::RuleIx;
    use crate::time::Timestamp;

    fn found(number: i64) -> Match {
        Match {
            rule: RuleIx(0),
            keys: vec![Value::Int(number)],
            events: super::super::Events::new(),
            decided: Timestamp(number),
            absence: false,
            counted: None,
        }
    }

    fn field() -> Vec<ir::Field> {
        vec![ir::Field { name: "process.pid".into(), kind: None, span: Default::default() }]
    }

    #[test]
    fn beyond_its_bound_sort_lets_through_what_comes_first() {
        let mut pipes = Pipes::new(&[ir::Pipe::Sort(field())]);
        let over = 5;
        let passed: Vec<Match> =
            (0..BOUNDED.held + over).filter_map(|n| pipes.push(found(n as i64))).collect();
        assert_eq!(passed.len(), over);
        assert_eq!(pipes.overflowed(), over as u64);
        let mut rest = Vec::new();
        pipes.finish(&mut rest);
        let order: Vec<i64> = passed.iter().chain(&rest).map(|found| found.decided.0).collect();
        assert!(order.is_sorted(), "equal values stay in the order they came");
        assert_eq!(order.len(), BOUNDED.held + over, "none is lost");
    }

    #[test]
    fn prints_differ_where_values_do() {
        let text = |text: &str| Value::Str(text.into());
        let prints = [
            print_of(&[text("a"), text("bc")]),
            print_of(&[text("ab"), text("c")]),
            print_of(&[text("abc")]),
            print_of(&[text("")]),
            print_of(&[Value::Null]),
            print_of(&[text("null")]),
        ];
        for (index, print) in prints.iter().enumerate() {
            assert!(!prints[index + 1..].contains(print), "{index}");
        }
        assert_eq!(print_of(&[text("A")]), print_of(&[text("a")]));
    }
}
