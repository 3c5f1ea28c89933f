//! [`Flight`]: the events that are still open.
//!
//! In: new events and the key of a record. Out: the event of that record, the one that has been open
//! longest, the one with the earliest time. Every operation is constant or logarithmic in the number
//! of open events; queues keep stale entries and are swept when those outnumber the live ones.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::identity::{Digest, Key};
use super::lane::Lanes;
use crate::event::Group;
use crate::record::{Head, RecordType};
use crate::time::Timestamp;

/// Refers to an event for as long as it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    /// Number of the event in order of first sight; never reused.
    order: u64,
    slot: u32,
}

/// One open event.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) group: Group,
    pub(super) key: Key,
    pub(super) digest: Digest,
    pub(super) execve_bytes: usize,
    pub(super) has_syscall: bool,
    pub(super) has_proctitle: bool,
    pub(super) has_company: bool,
    order: u64,
    hash: u64,
}

/// All open events.
///
/// The newest is filed nowhere until another one opens: most events are closed before that, and need
/// neither table nor queue.
#[derive(Debug, Default)]
pub(super) struct Flight {
    slots: Vec<Option<Open>>,
    free: Vec<u32>,
    /// The newest event, when it is open and in no table.
    newest: Option<(Ticket, Key)>,
    table: HashTable<u32>,
    hasher: RandomState,
    /// In order of first sight.
    arrivals: VecDeque<Ticket>,
    /// By time.
    times: BinaryHeap<Reverse<(Timestamp, Ticket)>>,
    next_order: u64,
    len: usize,
    bytes: usize,
}

impl Open {
    /// Adds a record to the event, see [`Group::push`].
    #[inline]
    pub(super) fn push(&mut self, head: &Head<'_>, is_alike: bool) -> bool {
        match head.kind {
            RecordType::SYSCALL | RecordType::URINGOP => self.has_syscall = true,
            RecordType::PROCTITLE => {
                self.has_proctitle = true;
                self.has_company = true;
            }
            kind => self.has_company |= kind.accompanies_syscall(),
        }
        self.digest.add(head);
        self.group.push(head, is_alike)
    }
}

impl Flight {
    /// How many events are open.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of their records.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The open event of a record. In a lane that several machines share their names are compared.
    #[inline]
    pub(super) fn find(&self, key: &Key, shared: Option<(u32, Option<&[u8]>)>) -> Option<Ticket> {
        let is_it = |slot: u32| {
            self.open(slot).is_some_and(|open| {
                open.key == *key
                    && shared.is_none_or(|(source, node)| {
                        open.group.id().source == source && open.group.node() == node
                    })
            })
        };
        if let Some((ticket, newest)) = self.newest
            && newest == *key
            && is_it(ticket.slot)
        {
            return Some(ticket);
        }
        if self.table.is_empty() {
            return None;
        }
        let slot = *self.table.find(self.hash(key, shared), |slot| is_it(*slot))?;
        self.open(slot).map(|open| Ticket { order: open.order, slot })
    }

    /// In a lane that several machines share, equal times and numbers must not all fall on one place.
    #[inline]
    fn hash(&self, key: &Key, shared: Option<(u32, Option<&[u8]>)>) -> u64 {
        match shared {
            None => self.hasher.hash_one(key),
            Some(machine) => self.hasher.hash_one((key, machine)),
        }
    }

    /// Opens an event with an empty `group`.
    pub(super) fn insert(&mut self, key: Key, group: Group) -> Ticket {
        self.file_newest();
        let order = self.next_order;
        self.next_order += 1;
        let open = Open {
            group,
            key,
            digest: Digest::default(),
            execve_bytes: 0,
            has_syscall: false,
            has_proctitle: false,
            has_company: false,
            order,
            hash: 0,
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                // Slots are bounded by the limit on events in flight.
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(open);
        }
        let ticket = Ticket { order, slot };
        self.newest = Some((ticket, key));
        self.len += 1;
        ticket
    }

    /// Puts the newest event into table and queues.
    fn file_newest(&mut self) {
        let Some((ticket, key)) = self.newest.take() else { return };
        let hash = match self.open(ticket.slot) {
            Some(open) if Lanes::is_shared(key.lane) => {
                self.hash(&key, Some((open.group.id().source, open.group.node())))
            }
            _ => self.hash(&key, None),
        };
        if let Some(Some(open)) = self.slots.get_mut(ticket.slot as usize) {
            open.hash = hash;
        }
        let slots = &self.slots;
        self.table.insert_unique(hash, ticket.slot, |slot| hash_of(slots, *slot));
        self.arrivals.push_back(ticket);
        self.times.push(Reverse((key.time, ticket)));
    }

    /// The event of a ticket; `None` when it was closed.
    #[inline]
    pub(super) fn get(&self, ticket: Ticket) -> Option<&Open> {
        self.open(ticket.slot).filter(|open| open.order == ticket.order)
    }

    /// Gives `change` the event of a ticket and keeps count of its bytes.
    #[inline]
    pub(super) fn with<R>(
        &mut self,
        ticket: Ticket,
        change: impl FnOnce(&mut Open) -> R,
    ) -> Option<R> {
        let open = self.slots.get_mut(ticket.slot as usize)?.as_mut()?;
        if open.order != ticket.order {
            return None;
        }
        let before = open.group.bytes_len();
        let result = change(open);
        self.bytes += open.group.bytes_len() - before;
        Some(result)
    }

    /// Closes an event.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Open> {
        let place = self.slots.get_mut(ticket.slot as usize)?;
        let open = place.take_if(|open| open.order == ticket.order)?;
        self.free.push(ticket.slot);
        self.len -= 1;
        self.bytes -= open.group.bytes_len();
        if self.newest.is_some_and(|(newest, _)| newest == ticket) {
            self.newest = None;
            return Some(open);
        }
        if let Ok(entry) = self.table.find_entry(open.hash, |slot| *slot == ticket.slot) {
            entry.remove();
        }
        self.drop_stale();
        Some(open)
    }

    /// The event that has been open longest.
    pub(super) fn oldest(&self) -> Option<Ticket> {
        let newest = self.newest.map(|(ticket, _)| ticket);
        self.arrivals.front().copied().or(newest)
    }

    /// The open event with the earliest time.
    pub(super) fn earliest(&self) -> Option<(Timestamp, Ticket)> {
        let newest = self.newest.map(|(ticket, key)| (key.time, ticket));
        let filed = self.times.peek().map(|Reverse(entry)| *entry);
        filed.into_iter().chain(newest).min()
    }

    /// INVARIANT: the ends of both queues are open events, so `oldest` and `earliest` need no search,
    /// and at most half of a long queue is stale.
    fn drop_stale(&mut self) {
        let slots = &self.slots;
        while self.arrivals.front().is_some_and(|ticket| !is_open(slots, *ticket)) {
            self.arrivals.pop_front();
        }
        while self.times.peek().is_some_and(|Reverse((_, ticket))| !is_open(slots, *ticket)) {
            self.times.pop();
        }
        let most = 2 * self.len + 64;
        if self.arrivals.len() > most {
            self.arrivals.retain(|ticket| is_open(slots, *ticket));
        }
        if self.times.len() > most {
            self.times.retain(|Reverse((_, ticket))| is_open(slots, *ticket));
        }
    }

    fn open(&self, slot: u32) -> Option<&Open> {
        self.slots.get(slot as usize)?.as_ref()
    }
}

fn is_open(slots: &[Option<Open>], ticket: Ticket) -> bool {
    matches!(slots.get(ticket.slot as usize), Some(Some(open)) if open.order == ticket.order)
}

fn hash_of(slots: &[Option<Open>], slot: u32) -> u64 {
    match slots.get(slot as usize) {
        Some(Some(open)) => open.hash,
        _ => 0,
    }
}
