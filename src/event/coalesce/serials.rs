//! [`Serials`]: which serial numbers of one machine never came.
//!
//! In: the serial and time of each event, in order of arrival. Out: a [`Change`] for every hole that
//! opens and every number that comes after all, at once; and [`Hole`]s, once the clock of the log says
//! that they can no longer be filled. Numbers may come out of order, wrap at 2³² and start over at boot.

use std::collections::VecDeque;

use crate::record::RecordType;
use crate::time::{Duration, Timestamp};

/// How long a serial may be behind a later one, in log time.
const PATIENCE: Duration = Duration::from_secs(2);
/// A serial this far ahead is no loss but a new numbering.
const CREDIBLE: u32 = 1 << 24;
/// Undecided holes kept per machine; the oldest is decided early beyond that.
const UNDECIDED: usize = 256;
/// A lower serial this much later in time belongs to a new boot.
const BOOT: Duration = Duration::from_secs(1);

/// A row of serials that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) first: u32,
    pub(super) lost: u32,
    pub(super) after: Timestamp,
    pub(super) before: Timestamp,
}

/// What one record changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Numbers were skipped. They may still come.
    Opened(Hole),
    /// One of them has come.
    Filled(Hole),
}

/// The serials of one machine.
#[derive(Debug, Default)]
pub(super) struct Serials {
    /// The furthest serial and its time.
    highest: Option<(u32, Timestamp)>,
    /// Ascending from the furthest back; none overlap.
    holes: VecDeque<Hole>,
    /// The audit daemon started: a lower number now means that the machine booted.
    daemon_started: bool,
    /// How often the numbers started over.
    boots: u64,
}

impl Serials {
    /// Notes the first record of an event.
    #[inline]
    pub(super) fn seen(
        &mut self,
        kind: RecordType,
        serial: u32,
        time: Timestamp,
        lost: &mut impl FnMut(Hole),
    ) -> Option<Change> {
        if kind.is_daemon() {
            // The daemon counts for itself.
            self.daemon_started |= kind == RecordType::DAEMON_START;
            return None;
        }
        let Some((highest, newest)) = self.highest else {
            self.highest = Some((serial, time));
            return None;
        };
        let ahead = serial.wrapping_sub(highest);
        let mut change = None;
        if ahead == 1 {
            self.highest = Some((serial, time));
        } else if ahead != 0 {
            change = self.jump(kind, serial, time, newest, highest, lost);
        }
        self.daemon_started = false;
        change
    }

    /// A serial that is not the next one.
    fn jump(
        &mut self,
        kind: RecordType,
        serial: u32,
        time: Timestamp,
        newest: Timestamp,
        highest: u32,
        lost: &mut impl FnMut(Hole),
    ) -> Option<Change> {
        let ahead = serial.wrapping_sub(highest);
        if ahead < CREDIBLE {
            let first = highest.wrapping_add(1);
            let hole = Hole { first, lost: ahead - 1, after: newest, before: time };
            self.holes.push_back(hole);
            self.highest = Some((serial, time));
            if self.holes.len() > UNDECIDED
                && let Some(hole) = self.holes.pop_front()
            {
                lost(hole);
            }
            return Some(Change::Opened(hole));
        }
        let is_behind = ahead > u32::MAX / 2;
        if is_behind && let Some(hole) = self.fill(serial, highest) {
            return Some(Change::Filled(hole));
        }
        let booted = self.daemon_started || kind == RecordType::KERNEL || time > newest.plus(BOOT);
        if !is_behind || booted {
            self.holes.drain(..).for_each(&mut *lost);
            self.highest = Some((serial, time));
            self.boots += 1;
        }
        None
    }

    /// Takes `serial` out of the hole it is in; gives the part that it filled. `None` when it is in none.
    fn fill(&mut self, serial: u32, highest: u32) -> Option<Hole> {
        // Holes are ordered by their distance from the furthest serial.
        let distance = highest.wrapping_sub(serial);
        let behind = self.holes.partition_point(|h| highest.wrapping_sub(h.first) >= distance);
        let at = behind.checked_sub(1)?;
        let hole = self.holes.get_mut(at)?;
        let offset = serial.wrapping_sub(hole.first);
        if offset >= hole.lost {
            return None;
        }
        let filled = Hole { first: serial, lost: 1, ..*hole };
        let rest = Hole {
            first: serial.wrapping_add(1),
            lost: hole.lost - offset - 1,
            after: hole.after,
            before: hole.before,
        };
        hole.lost = offset;
        match (offset, rest.lost) {
            (0, 0) => drop(self.holes.remove(at)),
            (0, _) => *hole = rest,
            (_, 0) => {}
            _ => self.holes.insert(at + 1, rest),
        }
        Some(filled)
    }

    /// Decides the holes that can no longer be filled at log time `clock`.
    #[inline]
    pub(super) fn advance(&mut self, clock: Timestamp, lost: &mut impl FnMut(Hole)) {
        while let Some(hole) = self.holes.front()
            && hole.before.plus(PATIENCE) < clock
        {
            lost(*hole);
            self.holes.pop_front();
        }
    }

    /// End of input: decides all holes.
    pub(super) fn finish(&mut self, lost: &mut impl FnMut(Hole)) {
        self.holes.drain(..).for_each(lost);
    }

    /// How often the numbers started over since the last call.
    pub(super) fn take_boots(&mut self) -> u64 {
        std::mem::take(&mut self.boots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `(serial, seconds)` and gives `(first, lost)` of the holes and the number of boots.
    fn run(events: &[(u32, i64)]) -> (Vec<(u32, u32)>, u64) {
        let mut serials = Serials::default();
        let mut holes = Vec::new();
        for (serial, seconds) in events {
            let time = Timestamp::from_millis(seconds * 1000);
            let mut lost = |hole: Hole| holes.push((hole.first, hole.lost));
            let _ = serials.seen(RecordType::SYSCALL, *serial, time, &mut lost);
            serials.advance(time, &mut lost);
        }
        serials.finish(&mut |hole| holes.push((hole.first, hole.lost)));
        (holes, serials.take_boots())
    }

    #[test]
    fn order_within_patience_does_not_matter() {
        assert_eq!(run(&[(5, 0), (9, 0), (7, 1), (6, 1), (8, 1), (10, 9)]), (vec![], 0));
    }

    #[test]
    fn what_never_came_is_lost() {
        assert_eq!(run(&[(5, 0), (10, 0), (11, 9)]), (vec![(6, 4)], 0));
        assert_eq!(run(&[(5, 0), (10, 0), (8, 1)]), (vec![(6, 2), (9, 1)], 0), "split in two");
        assert_eq!(run(&[(5, 0), (10, 0), (11, 9), (6, 9)]), (vec![(6, 4)], 0), "came too late");
    }

    #[test]
    fn what_is_skipped_and_what_comes_after_all_is_told_at_once() {
        let mut serials = Serials::default();
        let mut seen = |serial: u32, second: i64| {
            let time = Timestamp::from_millis(second * 1000);
            serials.seen(RecordType::SYSCALL, serial, time, &mut |hole| panic!("{hole:?}"))
        };
        let at = |second: i64| Timestamp::from_millis(second * 1000);
        let hole = |first, lost| Hole { first, lost, after: at(0), before: at(1) };
        assert_eq!(seen(5, 0), None);
        assert_eq!(seen(9, 1), Some(Change::Opened(hole(6, 3))));
        assert_eq!(seen(7, 2), Some(Change::Filled(hole(7, 1))));
        assert_eq!(seen(8, 2), Some(Change::Filled(hole(8, 1))));
        assert_eq!(seen(10, 2), None);
        assert_eq!(seen(6, 2), Some(Change::Filled(hole(6, 1))));
        assert_eq!(seen(6, 2), None);
    }

    #[test]
    fn wraps_at_two_to_the_32() {
        assert_eq!(run(&[(u32::MAX, 0), (0, 0), (1, 1)]), (vec![], 0));
        assert_eq!(run(&[(u32::MAX - 1, 0), (1, 0), (u32::MAX, 1)]), (vec![(0, 1)], 0));
    }

    #[test]
    fn a_boot_starts_over_and_loses_nothing() {
        assert_eq!(run(&[(900, 0), (901, 1), (3, 60), (4, 60)]), (vec![], 1));
        assert_eq!(run(&[(900, 0), (3, 0), (901, 0)]), (vec![], 0), "an old record again");
        assert_eq!(run(&[(5, 0), (1 << 30, 1), ((1 << 30) + 1, 1)]), (vec![], 1), "no such loss");
    }

    #[test]
    fn the_daemon_counts_for_itself() {
        let mut serials = Serials::default();
        let mut lost = |hole: Hole| panic!("{hole:?}");
        let time = Timestamp::from_millis(1000);
        let _ = serials.seen(RecordType::SYSCALL, 5, time, &mut lost);
        let _ = serials.seen(RecordType::DAEMON_END, 7000, time, &mut lost);
        let _ = serials.seen(RecordType::SYSCALL, 6, time, &mut lost);
        let _ = serials.seen(RecordType::DAEMON_START, 9000, time, &mut lost);
        let _ = serials.seen(RecordType::SYSCALL, 2, time, &mut lost);
        serials.finish(&mut lost);
        assert_eq!(serials.take_boots(), 1, "started with a lower number");
    }
}
