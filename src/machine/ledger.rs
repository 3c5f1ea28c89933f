//! [`Ledger`]: what a program holds, in bytes.
//!
//! In: what its keys are charged with, host by host, and every event that a key begins or ceases to hold. Out: what
//! the program holds by itself, which is what its own bound is for; and its part of what all programs hold
//! together. There an event counts once, however many programs hold it: it is in memory once. So does a key, which
//! its table counts. A hundred rules that begin with the same execution hold that execution, one key and a hundred
//! states. Hosts pay for events and states, not for keys, which need not be theirs alone.

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::event::Kept;

/// See the module page.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// One condition stands for several items, as with `runs`: an event is in several partials of a key at once,
    /// and its mentions there are counted.
    pub(crate) repeats: bool,
    bytes: usize,
    /// Bytes of the keys under which it holds anything.
    keys: usize,
    /// Bytes of events that were held already when this program began to hold them, less those of events that were
    /// still held when it ceased. Means nothing for one program: over all of them it is what is counted too often.
    shared: isize,
    moved: SmallVec<[(u32, isize); 1]>,
    /// Bytes by host, from when they are asked for: only what gives up partials of this program alone does, and
    /// counting costs every step of every program.
    hosts: Option<Box<HashMap<u32, usize>>>,
}

impl Ledger {
    pub(crate) fn new(repeats: bool) -> Self {
        Self { repeats, ..Self::default() }
    }

    /// What a key, which itself takes `key` bytes, was charged with is now another sum, or another host pays.
    pub(crate) fn charge(&mut self, key: usize, before: (u32, usize), after: (u32, usize)) {
        match (before.1, after.1) {
            (0, 1..) => self.keys += key,
            (1.., 0) => self.keys = self.keys.saturating_sub(key),
            _ => {}
        }
        self.bytes = (self.bytes + after.1).saturating_sub(before.1);
        if before.0 == after.0 {
            self.change(after.0, before.1, after.1);
        } else {
            self.change(before.0, before.1, 0);
            self.change(after.0, 0, after.1);
        }
    }

    fn change(&mut self, host: u32, before: usize, after: usize) {
        if before == after {
            return;
        }
        if let Some(hosts) = &mut self.hosts {
            let held = hosts.entry(host).or_default();
            *held = (*held + after).saturating_sub(before);
            if *held == 0 {
                hosts.remove(&host);
            }
        }
        self.move_by(host, after.cast_signed().wrapping_sub(before.cast_signed()));
    }

    /// A key has begun to hold an event.
    #[inline]
    pub(crate) fn hold(&mut self, event: &Kept) {
        if event.hold() {
            self.share(event, event.size_bytes().cast_signed());
        }
    }

    /// A key holds an event no longer.
    #[inline]
    pub(crate) fn release(&mut self, event: &Kept) {
        if event.release() {
            self.share(event, -event.size_bytes().cast_signed());
        }
    }

    fn share(&mut self, event: &Kept, bytes: isize) {
        self.shared = self.shared.wrapping_add(bytes);
        self.move_by(event.host(), -bytes);
    }

    fn move_by(&mut self, host: u32, bytes: isize) {
        match self.moved.last_mut() {
            Some((last, moved)) if *last == host => *moved = moved.wrapping_add(bytes),
            _ => self.moved.push((host, bytes)),
        }
    }

    /// Bytes that the program holds by itself, keys included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.keys
    }

    /// Its part of what all programs hold together, without their keys. The sum of all parts, which wraps around, is
    /// that; one alone means nothing.
    pub(crate) fn part(&self) -> usize {
        self.bytes.wrapping_sub(self.shared.cast_unsigned())
    }

    /// From now on bytes are counted by host: `charges` is what every key is charged with now.
    pub(crate) fn count_hosts(&mut self, charges: impl Iterator<Item = (u32, usize)>) {
        let mut hosts = HashMap::new();
        for (host, bytes) in charges.filter(|(_, bytes)| *bytes > 0) {
            *hosts.entry(host).or_default() += bytes;
        }
        self.hosts = Some(Box::new(hosts));
    }

    /// Whether bytes are counted by host.
    pub(crate) fn counts_hosts(&self) -> bool {
        self.hosts.is_some()
    }

    /// Nobody will ask for hosts soon.
    pub(crate) fn forget_hosts(&mut self) {
        self.hosts = None;
    }

    /// Bytes that it holds by itself for a host, if they are counted.
    pub(crate) fn of(&self, host: u32) -> usize {
        self.hosts.as_ref().and_then(|hosts| hosts.get(&host)).copied().unwrap_or(0)
    }

    /// By how much its part has changed for each host since the last call.
    #[inline]
    pub(crate) fn moved(&mut self) -> impl Iterator<Item = (u32, isize)> {
        self.moved.drain(..).filter(|(_, bytes)| *bytes != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn what_hosts_hold_is_told_once() {
        let mut ledger = Ledger::default();
        ledger.charge(3, (1, 0), (1, 10));
        assert_eq!(ledger.of(1), 0, "nobody has asked");
        ledger.count_hosts([(1, 10)].into_iter());
        assert_eq!(ledger.of(1), 10);
        ledger.charge(3, (2, 0), (2, 5));
        ledger.charge(3, (1, 10), (1, 0));
        ledger.charge(3, (2, 5), (3, 6));
        assert_eq!((ledger.bytes(), ledger.of(1), ledger.of(2), ledger.of(3)), (9, 0, 0, 6));
        assert_eq!(
            ledger.moved().collect::<Vec<_>>(),
            [(1, 10), (2, 5), (1, -10), (2, -5), (3, 6)]
        );
        assert_eq!(ledger.moved().count(), 0);
    }

    /// Whoever holds it first and whoever lets go of it last.
    #[test]
    fn an_event_that_several_hold_is_in_their_sum_once() {
        let event = Event::new(0).kept();
        let size = event.size_bytes();
        for orders in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut ledgers = [(); 3].map(|()| Ledger::default());
            let sum = |ledgers: &mut [Ledger; 3]| {
                let parts = ledgers.iter().fold(0, |sum: usize, one| sum.wrapping_add(one.part()));
                let moved: isize =
                    ledgers.iter_mut().flat_map(Ledger::moved).map(|(_, by)| by).sum();
                (parts, moved)
            };
            let mut held = 0;
            for ledger in &mut ledgers {
                ledger.hold(&event);
                ledger.charge(3, (0, 0), (0, size + 7));
            }
            held += sum(&mut ledgers).1;
            assert_eq!((sum(&mut ledgers).0, held), (size + 21, (size + 21).cast_signed()));
            for (number, left) in orders.into_iter().zip([size + 14, size + 7, 0]) {
                ledgers[number].release(&event);
                ledgers[number].charge(3, (0, size + 7), (0, 0));
                held += sum(&mut ledgers).1;
                assert_eq!((sum(&mut ledgers).0, held), (left, left.cast_signed()));
            }
        }
    }
}
