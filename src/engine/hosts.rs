//! [`Hosts`]: what the partials that began on each host hold, over all programs.
//!
//! In: by how much the programs' parts change, as they say it. Out: the bytes of a host, and the hosts that have
//! come to hold more than they may.

use hashbrown::HashMap;

/// See the module page.
#[derive(Debug)]
pub(super) struct Hosts {
    /// An event that several programs hold counts once, for the host it happened on. Where another host pays for a
    /// partial, one may have less than nothing. No zeros.
    held: HashMap<u32, isize>,
    /// A host and what is still to be added to it: the programs that an event concerns charge the same one.
    at_hand: (u32, isize),
    most: isize,
    /// Hosts that have come to hold more than that.
    full: Vec<u32>,
}

impl Hosts {
    /// `most` is how many bytes a host may hold.
    pub(super) fn new(most: usize) -> Self {
        let most = isize::try_from(most).unwrap_or(isize::MAX);
        Self { held: HashMap::new(), at_hand: (0, 0), most, full: Vec::new() }
    }

    /// Adds to what a host holds.
    #[inline]
    pub(super) fn add(&mut self, host: u32, bytes: isize) {
        if self.at_hand.0 != host {
            self.settle();
            self.at_hand.0 = host;
        }
        self.at_hand.1 = self.at_hand.1.wrapping_add(bytes);
    }

    fn settle(&mut self) {
        let (host, bytes) = (self.at_hand.0, std::mem::take(&mut self.at_hand.1));
        if bytes == 0 {
            return;
        }
        let held = self.held.entry(host).or_default();
        *held = held.wrapping_add(bytes);
        if *held == 0 {
            self.held.remove(&host);
        } else if bytes > 0 && *held > self.most && !self.full.contains(&host) {
            self.full.push(host);
        }
    }

    /// Bytes that a host holds.
    pub(super) fn of(&self, host: u32) -> usize {
        let held = self.held.get(&host).copied().unwrap_or(0);
        let more = if self.at_hand.0 == host { self.at_hand.1 } else { 0 };
        usize::try_from(held.wrapping_add(more)).unwrap_or(0)
    }

    /// A host that has come to hold more than it may, each once.
    pub(super) fn pop_full(&mut self) -> Option<u32> {
        self.settle();
        self.full.pop()
    }

    /// Looks at all hosts anew for those that hold more than they may.
    pub(super) fn find_full(&mut self) {
        self.settle();
        let over = self.held.iter().filter(|(_, held)| **held > self.most);
        self.full = over.map(|(host, _)| *host).collect();
        self.full.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_full_once_it_holds_more_than_it_may() {
        let mut hosts = Hosts::new(10);
        for (host, bytes) in [(1, 6), (1, 4), (2, 7), (1, 1), (2, -7), (1, 5)] {
            hosts.add(host, bytes);
        }
        assert_eq!((hosts.of(1), hosts.of(2), hosts.of(3)), (16, 0, 0));
        assert_eq!(hosts.pop_full(), Some(1));
        assert_eq!(hosts.pop_full(), None);
        hosts.find_full();
        assert_eq!(hosts.pop_full(), Some(1));
    }

    #[test]
    fn what_comes_and_goes_at_once_fills_nothing() {
        let mut hosts = Hosts::new(10);
        for (host, bytes) in [(1, 16), (1, -8), (2, -3), (2, 3)] {
            hosts.add(host, bytes);
        }
        assert_eq!(hosts.pop_full(), None);
        assert_eq!((hosts.of(1), hosts.held.len()), (8, 1));
    }
}
