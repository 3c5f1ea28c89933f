//! A partial: the events that one key has brought on their way to a match, and what missing items have left on
//! them.
//!
//! Nothing here knows items, keys or `maxspan`, nor where a partial stands; see `state`.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::event::Kept;
use crate::state::{MarksState, PartialState};
use crate::time::{Ordinal, Timestamp};

/// The events of a key on their way to a match.
#[derive(Debug)]
pub(super) struct Partial {
    /// Never empty once it is in a slot, unless it was given up. Two of them take no memory of their own.
    pub(super) events: SmallVec<[Arc<Kept>; 2]>,
    pub(super) marks: Option<Box<Marks>>,
}

/// What missing items have left on a partial.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Latest leading missing event before the first event.
    pub(super) leading: Option<Timestamp>,
    /// First missing event of the current gap that is later than the last event.
    pub(super) gap: Option<Timestamp>,
    /// A gap held a missing event: the match will be rejected. It stays, because a partial it replaced
    /// is gone and must not come back.
    pub(super) spoiled: bool,
    /// It was given up, but an older partial of the key that has got further was not. It goes on
    /// without its events, so that it replaces the older one when it would have: what is found under
    /// memory pressure is found without it as well.
    gone: Option<Gone>,
}

/// What moves on when a partial has been given up.
#[derive(Debug, Clone, Copy)]
struct Gone {
    first: Timestamp,
    last: Ordinal,
}

impl Partial {
    /// A partial that lacks its first event; `leading` is what is known of leading missing items.
    pub(super) fn new(leading: Option<Timestamp>) -> Self {
        let marks = leading.map(|_| Box::new(Marks { leading, ..Marks::default() }));
        Self { events: SmallVec::new(), marks }
    }

    /// A partial of one event.
    pub(super) fn begun(event: Arc<Kept>) -> Self {
        Self { events: smallvec![event], marks: None }
    }

    /// Whether it is a partial of one event, without marks.
    pub(super) fn is_begun(&self) -> bool {
        self.events.len() == 1 && self.marks.is_none()
    }

    /// When it began.
    pub(super) fn first(&self) -> Timestamp {
        let gone = || self.gone().map_or(Timestamp::MIN, |gone| gone.first);
        self.events.first().map_or_else(gone, |event| event.ordinal.time)
    }

    /// Its latest event.
    pub(super) fn last(&self) -> Ordinal {
        let none = Ordinal { time: Timestamp::MIN, tiebreaker: 0, arrival: 0 };
        let gone = || self.gone().map_or(none, |gone| gone.last);
        self.events.last().map_or_else(gone, |event| event.ordinal)
    }

    fn gone(&self) -> Option<Gone> {
        self.marks.as_ref().and_then(|marks| marks.gone)
    }

    /// Whether it was given up and only its place moves on.
    pub(super) fn is_ghost(&self) -> bool {
        self.gone().is_some()
    }

    /// What is left of it when it is given up.
    pub(super) fn ghost(&self) -> Self {
        let gone = Some(Gone { first: self.first(), last: self.last() });
        let marks = Some(Box::new(Marks { gone, ..Marks::default() }));
        Self { events: SmallVec::new(), marks }
    }

    /// An event has come to it.
    pub(super) fn take_in(&mut self, ordinal: Ordinal, event: impl FnOnce() -> Arc<Kept>) {
        match self.marks.as_mut().and_then(|marks| marks.gone.as_mut()) {
            Some(gone) => gone.last = ordinal,
            None => self.events.push(event()),
        }
    }

    /// The host of its first event.
    pub(super) fn host(&self) -> u32 {
        self.events.first().map_or(0, |event| event.host())
    }

    pub(super) fn marks(&self) -> Option<&Marks> {
        self.marks.as_deref()
    }

    /// An event at `time` ends the current gap; gives the time of what spoils it.
    pub(super) fn end_gap(&mut self, time: Timestamp) -> Option<Timestamp> {
        let marks = self.marks.as_mut()?;
        let missing = marks.gap.take().filter(|missing| *missing < time)?;
        marks.spoiled = true;
        Some(missing)
    }

    /// As a value.
    pub(super) fn saved(&self) -> PartialState {
        let marks = self.marks.as_ref().map(|marks| MarksState {
            leading: marks.leading,
            gap: marks.gap,
            spoiled: marks.spoiled,
            gone: marks.gone.map(|gone| (gone.first, gone.last)),
        });
        PartialState { events: self.events.to_vec(), marks }
    }

    /// Of a value.
    pub(super) fn restored(saved: PartialState) -> Self {
        let marks = saved.marks.map(|MarksState { leading, gap, spoiled, gone }| {
            let gone = gone.map(|(first, last)| Gone { first, last });
            Box::new(Marks { leading, gap, spoiled, gone })
        });
        Self { events: SmallVec::from_vec(saved.events), marks }
    }
}
