//! The programs of an engine with their partials, whatever their kind.

use std::cmp::Reverse;

use smallvec::smallvec;

use super::tables::Tables;
use crate::machine::key::KeyScratch;
use crate::machine::ledger::Ledger;
use crate::machine::ranks::Ranks;
use crate::machine::sample::Sample;
use crate::machine::sequence::{self, Sequence};
use crate::machine::table::{KeyTable, Place};
use crate::machine::{Cause, Evicted, Match, Offer, RuleStats, Watch};
use crate::plan::{RuleIx, Shape, StageIx};
use crate::rule::{RuleOptions, RuleSet};
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
    /// A rule for single events; with the number of those that satisfied it, and of its matches. That is all there is
    /// to say of it, and fits where hundreds of them are at hand together.
    Event { rule: RuleIx, reached: u64, matches: u64 },
    /// With the number of its table.
    Sequence(Box<Sequence>, usize),
    /// With the number of its table.
    Sample(Box<Sample>, usize),
}

impl Machine {
    /// All programs of a plan, and their tables.
    pub(super) fn all(rules: &RuleSet, keys: &mut KeyScratch) -> (Vec<Self>, Tables) {
        let mut tables = Tables::default();
        let programs = rules.plan().rules.iter().zip(0..);
        let machines = programs.map(|(planned, number)| {
            let rule = RuleIx(number);
            Self::new(rule, &planned.shape, rules.options(rule), &mut tables, keys)
        });
        (machines.collect(), tables)
    }

    fn new(
        rule: RuleIx,
        shape: &Shape,
        options: &RuleOptions,
        tables: &mut Tables,
        keys: &mut KeyScratch,
    ) -> Self {
        match shape {
            Shape::Event(_) => Self::Event { rule, reached: 0, matches: 0 },
            Shape::Sequence { items, until, maxspan } => {
                let maxspan = maxspan.or(options.window);
                let (table, seat) = tables.sequences.seat(rule.index(), items);
                let until = until.as_ref();
                let sequence = Sequence::new(rule, items, until, maxspan, seat, keys);
                Self::Sequence(Box::new(sequence), table)
            }
            Shape::Sample { items } => {
                let per_key = options.samples_per_key;
                let (table, seat) = tables.samples.seat(rule.index(), items);
                let sample = Sample::new(rule, items, per_key, options.window, seat, keys);
                Self::Sample(Box::new(sample.at_end(options.samples_at_end)), table)
            }
        }
    }

    /// Which stage stands for which role.
    pub(super) fn roles(&self, shape: &Shape) -> Vec<(StageIx, Role)> {
        match (self, shape) {
            (Self::Sequence(sequence, _), Shape::Sequence { items, until, .. }) => {
                let stages = items.iter().chain(until).map(|item| item.stage);
                stages.zip(sequence.roles().map(Role::Sequence)).collect()
            }
            (Self::Sample(..), Shape::Sample { items }) => {
                items.iter().map(|item| item.stage).zip((0..).map(Role::Sample)).collect()
            }
            (_, Shape::Event(stage)) => vec![(*stage, Role::Event)],
            _ => Vec::new(),
        }
    }

    /// Offers an event to all the roles it satisfies, given in order. Tells whether what it holds may have
    /// changed.
    pub(super) fn step(
        &mut self,
        roles: &[Role],
        tables: &mut Tables,
        offer: &mut Offer<'_>,
        keys: &mut KeyScratch,
        out: &mut Vec<Match>,
    ) -> bool {
        match self {
            Self::Event { rule, reached, matches } => {
                *reached += 1;
                *matches += 1;
                out.push(Match {
                    rule: *rule,
                    keys: Vec::new(),
                    events: smallvec![Some(offer.keep())],
                    decided: offer.time(),
                    absence: false,
                    counted: None,
                });
                false
            }
            Self::Sequence(sequence, table) => {
                let Some(table) = tables.sequences.get_mut(*table) else { return false };
                let mut changed = false;
                for role in roles {
                    if let Role::Sequence(role) = role {
                        changed |= sequence.step(*role, table, offer, keys, out);
                    }
                }
                changed
            }
            Self::Sample(sample, table) => {
                let Some(table) = tables.samples.get_mut(*table) else { return false };
                let items = roles.iter().filter_map(|role| match role {
                    Role::Sample(item) => Some(*item),
                    _ => None,
                });
                sample.step(items, table, offer, keys, out);
                true
            }
        }
    }

    /// The time of what it holds at a place has come.
    pub(super) fn expire(
        &mut self,
        tables: &mut Tables,
        place: Place,
        now: Timestamp,
        out: &mut Vec<Match>,
    ) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence, table) => {
                if let Some(table) = tables.sequences.get_mut(*table) {
                    sequence.expire(table, place, now, out);
                }
            }
            Self::Sample(sample, table) => {
                if let Some(table) = tables.samples.get_mut(*table) {
                    sample.expire(table, place, now);
                }
            }
        }
    }

    /// The log has ended and all waits are over.
    pub(super) fn finish(&mut self, tables: &mut Tables, out: &mut Vec<Match>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence, table) => {
                if let Some(table) = tables.sequences.get(*table) {
                    sequence.tell_left(table);
                }
            }
            Self::Sample(sample, table) => {
                if let Some(table) = tables.samples.get_mut(*table) {
                    sample.finish(table, out);
                    sample.tell_left(table);
                }
            }
        }
    }

    /// From now on `watch` is told what becomes of its partials.
    pub(super) fn watch(&mut self, watch: Box<dyn Watch>) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence, _) => sequence.watcher = Some(watch),
            Self::Sample(sample, _) => sample.watcher = Some(watch),
        }
    }

    /// When its table is to be told the time, at the earliest.
    pub(super) fn next_timer(&self, tables: &Tables) -> Option<Timestamp> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(_, table) => tables.sequences.next_timer(*table),
            Self::Sample(_, table) => tables.samples.next_timer(*table),
        }
    }

    /// Bytes that it holds by itself.
    pub(super) fn bytes(&self) -> usize {
        self.ledger().map_or(0, Ledger::bytes)
    }

    /// Its part of what all hold together, see [`Ledger::part`], and all keys of its table: by as much as this changes
    /// while it alone does something, what all hold changes.
    pub(super) fn part(&self, tables: &Tables) -> usize {
        let keys = match self {
            Self::Event { .. } => None,
            Self::Sequence(_, table) => tables.sequences.get(*table).map(KeyTable::bytes),
            Self::Sample(_, table) => tables.samples.get(*table).map(KeyTable::bytes),
        };
        self.ledger().map_or(0, Ledger::part).wrapping_add(keys.unwrap_or(0))
    }

    /// Keys with something pending.
    pub(super) fn keys(&self, tables: &Tables) -> usize {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence, table) => {
                tables.sequences.get(*table).map_or(0, |table| table.len(sequence.seat))
            }
            Self::Sample(sample, table) => {
                tables.samples.get(*table).map_or(0, |table| table.len(sample.seat))
            }
        }
    }

    pub(super) fn stats(&self) -> RuleStats {
        match self {
            Self::Event { reached, matches, .. } => {
                RuleStats { reached: vec![*reached], matches: *matches, ..RuleStats::default() }
            }
            Self::Sequence(sequence, _) => sequence.stats.clone(),
            Self::Sample(sample, _) => sample.stats.clone(),
        }
    }

    /// What it holds.
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence, _) => Some(&sequence.ledger),
            Self::Sample(sample, _) => Some(&sample.ledger),
        }
    }

    /// The same, to take note of changes.
    pub(super) fn ledger_mut(&mut self) -> Option<&mut Ledger> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence, _) => Some(&mut sequence.ledger),
            Self::Sample(sample, _) => Some(&mut sample.ledger),
        }
    }

    /// What goes first, if it has been asked for.
    fn ranks(&self) -> Option<&Ranks> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence, _) => sequence.ranks.as_ref(),
            Self::Sample(sample, _) => sample.ranks.as_ref(),
        }
    }

    /// Whether it has no ranks, and could have some.
    pub(super) fn needs_ranks(&self) -> bool {
        !matches!(self, Self::Event { .. }) && self.ranks().is_none()
    }

    /// Counts by host what it holds, because what goes of it depends on that.
    pub(super) fn count_hosts(&mut self, tables: &Tables) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence, table) => {
                tables.sequences.get(*table).into_iter().for_each(|t| sequence.count_hosts(t));
            }
            Self::Sample(sample, table) => {
                tables.samples.get(*table).into_iter().for_each(|t| sample.count_hosts(t));
            }
        }
    }

    /// Ranks what has come since something was last given up.
    pub(super) fn rank_noted(&mut self, tables: &mut Tables) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence, table) => {
                tables.sequences.get_mut(*table).into_iter().for_each(|t| sequence.rank_noted(t));
            }
            Self::Sample(sample, table) => {
                tables.samples.get_mut(*table).into_iter().for_each(|t| sample.rank_noted(t));
            }
        }
    }

    /// From now on ranks are kept, until there is much less to rank.
    pub(super) fn set_ranks(&mut self, ranks: Ranks) {
        match self {
            Self::Event { .. } => {}
            Self::Sequence(sequence, _) => sequence.ranks = Some(ranks),
            Self::Sample(sample, _) => sample.ranks = Some(ranks),
        }
    }

    /// The number of stages.
    fn stages(&self) -> u32 {
        match self {
            Self::Event { .. } => 0,
            Self::Sequence(sequence, _) => sequence.stages(),
            Self::Sample(sample, _) => sample.stages(),
        }
    }

    /// When the first of a stage and a host expires.
    pub(super) fn peek(&self, stage: u32, host: u32) -> Option<Timestamp> {
        let time = self.ranks()?.peek(stage, host)?;
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence, _) => Some(sequence.expires(time)),
            Self::Sample(sample, _) => Some(sample.expires(time)),
        }
    }

    /// Gives up the first of a stage and a host; `None` when there is nothing.
    pub(super) fn evict(
        &mut self,
        tables: &mut Tables,
        stage: u32,
        host: u32,
        cause: Cause,
    ) -> Option<Evicted> {
        match self {
            Self::Event { .. } => None,
            Self::Sequence(sequence, table) => {
                sequence.evict(tables.sequences.get_mut(*table)?, stage, host, cause)
            }
            Self::Sample(sample, table) => {
                sample.evict(tables.samples.get_mut(*table)?, stage, host, cause)
            }
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
