//! What was lost, and which matches that touches.
//!
//! In: losses with the time they concern. Out: for a match, the counters of its window. Kept in a
//! bounded list: old losses are forgotten once no partial can reach back to them, and when there are
//! too many the oldest are merged, which can only make a match look *more* doubtful.

use std::collections::VecDeque;

use crate::time::{Duration, Timestamp};

/// Most losses remembered one by one.
const MAX_LOSSES: usize = 4096;
/// Losses of one kind at most this far apart are one.
const NEAR: Duration = Duration::from_secs(1);
/// Number of [`LossKind`]s.
const KINDS: usize = 5;

/// What was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossKind {
    /// Records missing between two serial numbers.
    Gap,
    /// Events that came behind the watermark.
    Late,
    /// Partials given up for lack of memory.
    Evicted,
    /// Events that lack records.
    Incomplete,
    /// Lines that could not be read.
    Malformed,
}

/// A loss and the time it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// What.
    pub kind: LossKind,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// How many.
    pub count: u64,
}

impl Loss {
    fn absorb(&mut self, other: &Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.count = self.count.saturating_add(other.count);
    }
}

/// Losses within the window of a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Evidence {
    /// Records missing between two serial numbers.
    pub gaps: u64,
    /// Events that came behind the watermark.
    pub late: u64,
    /// Partials given up for lack of memory.
    pub evicted: u64,
    /// Events that lack records.
    pub incomplete: u64,
    /// Lines that could not be read.
    pub malformed: u64,
}

impl Evidence {
    /// Whether anything was lost.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    fn add(&mut self, loss: &Loss) {
        let counter = match loss.kind {
            LossKind::Gap => &mut self.gaps,
            LossKind::Late => &mut self.late,
            LossKind::Evicted => &mut self.evicted,
            LossKind::Incomplete => &mut self.incomplete,
            LossKind::Malformed => &mut self.malformed,
        };
        *counter = counter.saturating_add(loss.count);
    }
}

/// The losses that may still matter.
#[derive(Debug, Default)]
pub(super) struct Losses {
    pub(super) list: VecDeque<Loss>,
}

impl Losses {
    pub(super) fn note(&mut self, loss: Loss) {
        // A run of the same loss, as in a flood, is one entry. One whose end is not known yet stays
        // alone, so that nothing of it is left when its end becomes known.
        if let Some(last) = self.list.back_mut()
            && last.kind == loss.kind
            && last.to != Timestamp::MAX
            && loss.to != Timestamp::MAX
            && loss.from.since(last.to) <= NEAR
            && last.from.since(loss.to) <= NEAR
        {
            last.absorb(&loss);
            return;
        }
        if self.list.len() >= MAX_LOSSES {
            self.merge_oldest();
        }
        self.list.push_back(loss);
    }

    /// Takes back what was noted. The times of a loss that others were joined to stay as wide as they
    /// are.
    pub(super) fn withdraw(&mut self, loss: Loss) {
        let is_it = |known: &Loss| {
            known.kind == loss.kind
                && known.from <= loss.from
                && known.to >= loss.to
                && known.count >= loss.count
        };
        let Some(at) = self.list.iter().rposition(is_it) else { return };
        if let Some(known) = self.list.get_mut(at) {
            known.count -= loss.count;
            if known.count == 0 {
                self.list.remove(at);
            }
        }
    }

    /// Makes one of the two oldest of the same kind.
    fn merge_oldest(&mut self) {
        // Among one more than there are kinds, some kind stands twice.
        let oldest = self.list.iter().take(KINDS + 1).enumerate();
        let pair = oldest.clone().find_map(|(first, a)| {
            let (second, _) = oldest.clone().skip(first + 1).find(|(_, b)| b.kind == a.kind)?;
            Some((first, second))
        });
        if let Some((first, second)) = pair
            && let Some(older) = self.list.get(first).copied()
            && let Some(newer) = self.list.get_mut(second)
        {
            newer.absorb(&older);
            self.list.remove(first);
        }
    }

    /// The losses that touch `from..=to`.
    pub(super) fn within(&self, from: Timestamp, to: Timestamp) -> Evidence {
        let mut evidence = Evidence::default();
        for loss in self.list.iter().filter(|loss| loss.from <= to && loss.to >= from) {
            evidence.add(loss);
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(kind: LossKind, from: i64, to: i64, count: u64) -> Loss {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        Loss { kind, from: at(from), to: at(to), count }
    }

    #[test]
    fn only_losses_that_touch_the_window_count() {
        let mut losses = Losses::default();
        losses.note(loss(LossKind::Gap, 10, 12, 3));
        losses.note(loss(LossKind::Late, 20, 20, 1));
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        assert_eq!(losses.within(at(0), at(9)), Evidence::default());
        assert_eq!(losses.within(at(11), at(15)), Evidence { gaps: 3, ..Evidence::default() });
        assert_eq!(
            losses.within(at(12), at(20)),
            Evidence { gaps: 3, late: 1, ..Evidence::default() }
        );
    }

    #[test]
    fn what_came_after_all_is_taken_back() {
        let mut losses = Losses::default();
        losses.note(loss(LossKind::Gap, 10, 12, 3));
        losses.note(loss(LossKind::Late, 11, 11, 1));
        losses.withdraw(loss(LossKind::Gap, 10, 12, 1));
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        let all = losses.within(at(0), at(20));
        assert_eq!(all, Evidence { gaps: 2, late: 1, ..Evidence::default() });
        losses.withdraw(loss(LossKind::Gap, 10, 12, 2));
        losses.withdraw(loss(LossKind::Gap, 10, 12, 1));
        let all = losses.within(at(0), at(20));
        assert_eq!(all, Evidence { late: 1, ..Evidence::default() });
    }

    #[test]
    fn a_loss_whose_end_becomes_known_touches_nothing_behind_it() {
        let mut losses = Losses::default();
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        let open = Loss { to: Timestamp::MAX, ..loss(LossKind::Malformed, 10, 10, 7) };
        losses.note(loss(LossKind::Malformed, 10, 10, 1));
        losses.note(open);
        assert_eq!(losses.within(at(50), at(60)).malformed, 7);
        losses.withdraw(open);
        losses.note(Loss { to: at(12), ..open });
        assert_eq!(losses.within(at(50), at(60)), Evidence::default());
        assert_eq!(losses.within(at(12), at(60)).malformed, 8, "near ones are one");
    }

    #[test]
    fn a_flood_of_losses_stays_small_and_no_count_is_lost() {
        let mut losses = Losses::default();
        for second in 0..10_000 {
            losses.note(loss(LossKind::Gap, second * 10, second * 10, 1));
        }
        assert!(losses.list.len() <= MAX_LOSSES);
        assert_eq!(losses.within(Timestamp::MIN, Timestamp::MAX).gaps, 10_000);
    }

    #[test]
    fn a_single_loss_of_its_kind_survives_a_flood_of_others() {
        let mut losses = Losses::default();
        losses.note(loss(LossKind::Malformed, 5, 5, 1));
        for second in 0..10_000 {
            losses.note(loss(LossKind::Late, second * 10, second * 10, 1));
        }
        assert!(losses.list.len() <= MAX_LOSSES);
        let all = losses.within(Timestamp::MIN, Timestamp::MAX);
        assert_eq!(all, Evidence { malformed: 1, late: 10_000, ..Evidence::default() });
    }

    #[test]
    fn losses_at_the_ends_of_time_are_compared_without_overflow() {
        let mut losses = Losses::default();
        let kind = LossKind::Evicted;
        losses.note(Loss { kind, from: Timestamp(-1), to: Timestamp::MAX, count: 1 });
        losses.note(Loss { kind, from: Timestamp(-1), to: Timestamp::MAX, count: 1 });
        losses.note(Loss { kind, from: Timestamp::MIN, to: Timestamp::MIN, count: 1 });
        assert_eq!(losses.within(Timestamp(0), Timestamp(0)).evicted, 2);
    }
}
