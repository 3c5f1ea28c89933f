//! What was lost, and which matches that touches.
//!
//! In: losses with the time they concern. Out: for a match, the counters of its window. Kept in a
//! bounded list: old losses are forgotten once no partial can reach back to them, and when there are
//! too many the oldest are merged, which can only make a match look *more* doubtful.

use std::collections::VecDeque;

use crate::time::Timestamp;

/// Most losses remembered one by one.
const MAX_LOSSES: usize = 4096;

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

/// Losses within the window of a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    list: VecDeque<Loss>,
}

impl Losses {
    pub(super) fn note(&mut self, loss: Loss) {
        // A run of the same loss, as in a flood, is one entry.
        if let Some(last) = self.list.back_mut()
            && last.kind == loss.kind
            && loss.from.since(last.to).0.abs() <= 1_000_000_000
        {
            last.from = last.from.min(loss.from);
            last.to = last.to.max(loss.to);
            last.count = last.count.saturating_add(loss.count);
            return;
        }
        if self.list.len() >= MAX_LOSSES
            && let Some(oldest) = self.list.pop_front()
            && let Some(next) = self.list.iter_mut().find(|l| l.kind == oldest.kind)
        {
            next.from = next.from.min(oldest.from);
            next.to = next.to.max(oldest.to);
            next.count = next.count.saturating_add(oldest.count);
        }
        self.list.push_back(loss);
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
    fn a_flood_of_losses_stays_small_and_no_count_is_lost() {
        let mut losses = Losses::default();
        for second in 0..10_000 {
            losses.note(loss(LossKind::Gap, second * 10, second * 10, 1));
        }
        assert!(losses.list.len() <= MAX_LOSSES);
        assert_eq!(losses.within(Timestamp::MIN, Timestamp::MAX).gaps, 10_000);
    }
}
