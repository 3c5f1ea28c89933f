//! The programs of an engine with their partials, whatever their kind.

use std::cmp::Reverse;

use crate::machine::key::KeyScratch;
use crate::machine::ranks::{HostBytes, Ranks};
use crate::machine::sample::Sample;
use crate::machine::sequence::{self, Sequence};
use crate::machine::{Cause, Evicted, Match, Offer, RuleStats, Watch};
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

    /// What its hosts hold.
    pub(super) fn hosts(&mut self) -> Option<&mut HostBytes> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => Some(&mut sequence.hosts),
            Self::Sample(sample) => Some(&mut sample.hosts),
        }
    }

    /// The same, to read.
    pub(super) fn host_bytes(&self) -> Option<&HostBytes> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => Some(&sequence.hosts),
            Self::Sample(sample) => Some(&sample.hosts),
        }
    }

    /// What goes first, if it has been asked for.
    fn ranks(&self) -> Option<&Ranks> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => sequence.ranks.as_ref(),
            Self::Sample(sample) => sample.ranks.as_ref(),
        }
    }

    /// Ranks everything there is, unless that has been done. From now on ranks are kept until there is
    /// much less.
    pub(super) fn make_ranks(&mut self) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence) => sequence.make_ranks(),
            Self::Sample(sample) => sample.make_ranks(),
        }
    }

    /// The number of stages.
    fn stages(&self) -> u32 {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence) => sequence.stages(),
            Self::Sample(sample) => sample.stages(),
        }
    }

    /// When the first of a stage and a host expires.
    pub(super) fn peek(&self, stage: u32, host: u32) -> Option<Timestamp> {
        let time = self.ranks()?.peek(stage, host)?;
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => Some(sequence.expires(time)),
            Self::Sample(sample) => Some(sample.expires(time)),
        }
    }

    /// Gives up the first of a stage and a host; `None` when there is nothing.
    pub(super) fn evict(&mut self, stage: u32, host: u32, cause: Cause) -> Option<Evicted> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence) => sequence.evict(stage, host, cause),
            Self::Sample(sample) => sample.evict(stage, host, cause),
        }
    }
}

/// The stage and the host whose partials go first among those of `machines`: first stages before deeper
/// ones, then the host that holds most by `held`.
pub(super) fn first_to_go<'a>(
    machines: impl Iterator<Item = &'a Machine> + Clone,
    held: impl Fn(u32) -> usize,
) -> Option<(u32, u32)> {
    let ranks = || machines.clone().filter_map(Machine::ranks);
    let stage = ranks().filter_map(Ranks::first_stage).min()?;
    let hosts = ranks().flat_map(|ranks| ranks.hosts(stage));
    let host = hosts.max_by_key(|host| (held(*host), Reverse(*host)))?;
    Some((stage, host))
}

/// The lowest stage at which a host has partials.
pub(super) fn first_stage_of<'a>(
    machines: impl Iterator<Item = &'a Machine>,
    host: u32,
) -> Option<u32> {
    let stages =
        machines.filter_map(|machine| machine.ranks()?.first_stage_of(host, machine.stages()));
    stages.min()
}
