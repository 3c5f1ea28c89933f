//! The programs of an engine with their partials, whatever their kind.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use crate::machine::key::KeyScratch;
use crate::machine::sample::Sample;
use crate::machine::sequence::{self, Sequence};
use crate::machine::{Candidate, Match, Offer, RuleStats, Watch};
use crate::plan::{RuleIx, Shape, StageIx};
use crate::rule::RuleOptions;
use crate::time::Timestamp;

/// What an event that satisfies a stage means to a program; orders by the order of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Event,
    Sequence(sequence::Role),
    /// Item of a sample.
    Sample(u32),
}

impl Role {
    /// Whether it asks for the place of the event in the order.
    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::Sequence(_))
    }
}

/// A program and its partials.
#[derive(Debug)]
pub(super) enum Machine {
    Event { rule: RuleIx, stats: RuleStats },
    Sequence(Sequence),
    Sample(Sample),
}

impl Machine {
    pub(super) fn new(rule: RuleIx, shape: &Shape, options: &RuleOptions) -> Self {
        match shape {
            Shape::Event(_) => {
                Self::Event { rule, stats: RuleStats { reached: vec![0], ..RuleStats::default() } }
            }
            Shape::Sequence { items, until, maxspan } => {
                let maxspan = maxspan.or(options.window);
                Self::Sequence(Sequence::new(rule, items, until.as_ref(), maxspan))
            }
            Shape::Sample { items } => {
                let per_key = options.samples_per_key;
                let sample = Sample::new(rule, items, per_key, options.window);
                Self::Sample(sample.at_end(options.samples_at_end))
            }
        }
    }

    /// Which stage stands for which role.
    pub(super) fn roles(&self, shape: &Shape) -> Vec<(StageIx, Role)> {
        match (self, shape) {
            (Self::Sequence(sequence), Shape::Sequence { items, until, .. }) => {
                let stages = items.iter().chain(until).map(|item| item.stage);
                stages.zip(sequence.roles().map(Role::Sequence)).collect()
            }
            (Self::Sample(_), Shape::Sample { items }) => {
                items.iter().map(|item| item.stage).zip((0..).map(Role::Sample)).collect()
            }
            (_, Shape::Event(stage)) => vec![(*stage, Role::Event)],
            _ => Vec::new(),
        }
    }

    /// Offers an event to all the roles it satisfies, given in order.
    pub(super) fn step(
        &mut self,
        roles: &[(u32, Role)],
        offer: &mut Offer<'_>,
        keys: &mut KeyScratch,
        out: &mut Vec<Match>,
    ) {
        match self {
            Self::Event { rule, stats } => {
                stats.matches += 1;
                stats.reached.iter_mut().for_each(|count| *count += 1);
                out.push(Match {
                    rule: *rule,
                    keys: Vec::new(),
                    events: vec![Some(offer.keep())],
                    decided: offer.time(),
                    absence: false,
                    counted: None,
                });
            }
            Self::Sequence(sequence) => {
                for (_, role) in roles {
                    if let Role::Sequence(role) = role {
                        sequence.step(*role, offer, keys, out);
                    }
                }
            }
            Self::Sample(sample) => {
                let items = roles.iter().filter_map(|(_, role)| match role {
                    Role::Sample(item) => Some(*item),
                    _ => None,
                });
                sample.step(items, offer, keys, out);
            }
        }
    }

    pub(super) fn advance(&mut self, now: Timestamp, out: &mut Vec<Match>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.advance(now, out),
            Self::Sample(sample) => sample.advance(now),
        }
    }

    /// The log has ended and all waits are over.
    pub(super) fn finish(&mut self, out: &mut Vec<Match>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.tell_left(),
            Self::Sample(sample) => {
                sample.finish(out);
                sample.tell_left();
            }
        }
    }

    /// From now on `watch` is told what becomes of its partials.
    pub(super) fn watch(&mut self, watch: Box<dyn Watch>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.watcher = Some(watch),
            Self::Sample(sample) => sample.watcher = Some(watch),
        }
    }

    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => sequence.next_timer(),
            Self::Sample(sample) => sample.next_timer(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.bytes(),
            Self::Sample(sample) => sample.bytes(),
        }
    }

    pub(super) fn keys(&self) -> usize {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.keys(),
            Self::Sample(sample) => sample.keys(),
        }
    }

    pub(super) fn stats(&self) -> &RuleStats {
        match self {
            Self::Event { stats, .. } => stats,
            Self::Sequence(sequence) => &sequence.stats,
            Self::Sample(sample) => &sample.stats,
        }
    }

    /// Gives up what `candidate` stands for, unless that has gone already; gives how many partials.
    pub(super) fn evict(&mut self, candidate: &Candidate) -> u64 {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.evict(candidate.place, candidate.stage),
            Self::Sample(sample) => sample.evict(candidate.place),
        }
    }

    fn candidates(&self, each: &mut impl FnMut(Candidate)) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.candidates(each),
            Self::Sample(sample) => sample.candidates(each),
        }
    }
}

/// Partials to be given up to free `bytes`, in order, each with the number of its program: first stages
/// before deeper ones, those of the host that holds most before others, nearest expiry first.
///
/// Looks at every partial and keeps no more of them than it gives: the list is small beside what it
/// frees.
pub(super) fn to_evict(
    machines: &[Machine],
    only: Option<usize>,
    bytes: usize,
) -> Vec<(usize, Candidate)> {
    let chosen = || {
        let numbered = machines.iter().enumerate();
        numbered.filter(move |(number, _)| only.is_none_or(|only| only == *number))
    };
    let mut by_host: HashMap<u64, usize> = HashMap::new();
    for (_, machine) in chosen() {
        machine.candidates(&mut |candidate| {
            *by_host.entry(candidate.host).or_default() += candidate.bytes;
        });
    }
    let mut first: BinaryHeap<Victim> = BinaryHeap::new();
    let mut freed = 0;
    for (number, machine) in chosen() {
        machine.candidates(&mut |candidate| {
            let of_host = by_host.get(&candidate.host).copied().unwrap_or(0);
            freed += candidate.bytes;
            first.push(Victim { of_host, number, candidate });
            while let Some(last) = first.peek()
                && freed - last.candidate.bytes >= bytes
            {
                freed -= last.candidate.bytes;
                first.pop();
            }
        });
    }
    let sorted = first.into_sorted_vec().into_iter();
    sorted.map(|victim| (victim.number, victim.candidate)).collect()
}

/// What is to be given up; the least goes first.
struct Victim {
    /// Bytes that its host holds.
    of_host: usize,
    number: usize,
    candidate: Candidate,
}

impl Victim {
    fn rank(&self) -> impl Ord + use<> {
        let Candidate { stage, expires, place, .. } = self.candidate;
        (stage, Reverse(self.of_host), self.candidate.host, expires, self.number, place)
    }
}

impl Ord for Victim {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Victim {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Victim {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Victim {}
