//! [`Lanes`]: one lane per machine and source, with its own clock and serial numbers.
//!
//! In: source and node of a record. Out: its [`Lane`]. Clocks of machines differ and sources are read
//! independently, so nothing that depends on time or serial is shared between lanes. Names of
//! machines are attacker-controlled: beyond a bound they share one lane that tracks nothing.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::flight::Ticket;
use super::serials::Serials;
use crate::time::Timestamp;

/// Lanes with a clock of their own; also the number of the lane that all others share.
const MOST: u32 = 4096;

/// One machine in one source.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) source: u32,
    /// Empty when records do not name their machine.
    pub(super) node: Box<[u8]>,
    /// The earlier of the times of its last two records: one record out of time, ahead or behind,
    /// does not move it for good, and a single one ahead does not move it at all.
    pub(super) clock: Timestamp,
    /// Time of its latest record.
    latest: Timestamp,
    /// Its events in order of first sight, closed ones among them.
    pub(super) queue: VecDeque<Ticket>,
    /// End-of-event records come.
    pub(super) has_eoe: bool,
    /// PROCTITLE records come.
    pub(super) has_proctitle: bool,
    pub(super) serials: Serials,
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    table: HashTable<u32>,
    hasher: RandomState,
    last: u32,
}

impl Lanes {
    /// Whether a lane is shared by machines beyond the bound.
    pub(super) fn is_shared(lane: u32) -> bool {
        lane == MOST
    }

    /// The number of the lane of a record, new if need be.
    #[inline]
    pub(super) fn find(&mut self, source: u32, node: Option<&[u8]>) -> u32 {
        let node = node.unwrap_or_default();
        if let Some(lane) = self.lanes.get(self.last as usize)
            && lane.is(source, node)
        {
            return self.last;
        }
        self.last = self.search(source, node);
        self.last
    }

    fn search(&mut self, source: u32, node: &[u8]) -> u32 {
        let hash = self.hasher.hash_one((source, node));
        let lanes = &self.lanes;
        let is_it = |at: &u32| lanes.get(*at as usize).is_some_and(|lane| lane.is(source, node));
        if let Some(at) = self.table.find(hash, is_it) {
            return *at;
        }
        let at = u32::try_from(self.lanes.len()).unwrap_or(MOST).min(MOST);
        if self.lanes.len() <= MOST as usize {
            // The lane that is shared is the last one and not found by its name.
            self.lanes.push(Lane::new(source, node));
        }
        if at < MOST {
            let (lanes, hasher) = (&self.lanes, &self.hasher);
            self.table.insert_unique(hash, at, |at| {
                lanes
                    .get(*at as usize)
                    .map_or(0, |lane| hasher.hash_one((lane.source, &*lane.node)))
            });
        }
        at
    }

    /// A lane by its number.
    #[inline]
    pub(super) fn get(&self, lane: u32) -> Option<&Lane> {
        self.lanes.get(lane as usize)
    }

    /// A lane by its number.
    #[inline]
    pub(super) fn get_mut(&mut self, lane: u32) -> Option<&mut Lane> {
        self.lanes.get_mut(lane as usize)
    }

    /// All lanes in order of first sight.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Lane)> {
        (0..).zip(self.lanes.iter_mut())
    }
}

impl Lane {
    fn new(source: u32, node: &[u8]) -> Self {
        Self {
            source,
            node: node.into(),
            clock: Timestamp::MIN,
            latest: Timestamp::MIN,
            queue: VecDeque::new(),
            has_eoe: false,
            has_proctitle: false,
            serials: Serials::default(),
        }
    }

    /// Notes the time of a record; `true` when that moves the clock.
    #[inline]
    pub(super) fn tick(&mut self, time: Timestamp) -> bool {
        let clock = self.latest.min(time);
        self.latest = time;
        let moved = clock != self.clock;
        self.clock = clock;
        moved
    }

    #[inline]
    fn is(&self, source: u32, node: &[u8]) -> bool {
        // The lengths first: comparing with an empty box costs a masked load from a dangling address.
        self.source == source
            && self.node.len() == node.len()
            && (node.is_empty() || *self.node == *node)
    }
}
