//! [`Turns`]: what a source gave, in the order in which it takes effect.
//!
//! In: complete groups and JSON events as they arrive, one line after another. Out: events in
//! [`Ordinal`] order and, among them, the losses that come before them. What is handed out depends on
//! the lines alone, never on how they were cut into blocks. Bounded in events and in bytes: when too
//! much waits, the earliest goes before its time and is counted.

use std::collections::VecDeque;

use super::Settings;
use super::json::{JsonLane, tiebreaker};
use super::meter::Sampler;
use super::screen::Screen;
use crate::engine::{Loss, LossKind, Released, Reorder, ReorderStats};
use crate::event::{Coalescer, Gap, Incomplete, Json, Missing, Raw};
use crate::time::{Duration, Ordinal, Timestamp};
use crate::translate::Form;

/// Most bytes of events that wait for their turn.
const MAX_HELD_BYTES: usize = 32 << 20;

/// An event that waits for its turn.
#[derive(Debug)]
struct Waiting {
    /// What it was made of, as far as anybody may still ask for it.
    raw: Raw,
    /// Bytes of all it was made of, whatever has been given up since: what has to go for lack of room must not
    /// depend on who looked at it when.
    bytes: usize,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// An event.
    Event(Released<Raw>),
    /// Something was lost, or has not come so far.
    Loss(Loss),
    /// Something has come after all.
    Found(Loss),
}

/// See the module page.
#[derive(Debug)]
pub(super) struct Turns {
    order: Reorder<Waiting>,
    out: VecDeque<Next>,
    /// Bytes in the reorder buffer.
    held: usize,
    arrivals: u64,
    malformed_seen: u64,
    /// What was lost behind the last event; how long it went on is known when the next one comes.
    open: Option<Loss>,
    /// Audit events come from words; how many were marked so that nothing else was wrong with.
    from_words: Option<u64>,
    /// Who looks at lines of JSON before they wait.
    screen: Option<Box<Screen>>,
    /// What the order costs, when that is measured.
    sampler: Option<Box<Sampler>>,
}

impl Turns {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            order: Reorder::new(settings.lateness, settings.max_reordered),
            out: VecDeque::new(),
            held: 0,
            arrivals: 0,
            malformed_seen: 0,
            open: None,
            from_words: (settings.form == Some(Form::Interpreted)).then_some(0),
            screen: None,
            sampler: settings.measure.map(|now| Box::new(Sampler::new(now))),
        }
    }

    /// Takes in what the coalescer has completed and lost.
    #[inline]
    pub(super) fn take(&mut self, coalescer: &mut Coalescer) {
        // Most lines complete nothing.
        if coalescer.has_news() || coalescer.stats().malformed != self.malformed_seen {
            self.take_news(coalescer);
        }
    }

    /// From now on lines of JSON are looked at before they wait.
    pub(super) fn set_screen(&mut self, screen: Screen) {
        self.screen = Some(Box::new(screen));
    }

    /// Who looks at lines of JSON before they wait.
    pub(super) fn screen(&self) -> Option<&Screen> {
        self.screen.as_deref()
    }

    fn take_news(&mut self, coalescer: &mut Coalescer) {
        // In front of the event of the line that skipped them: it may complete a match.
        let loss = |gap: Gap| Loss {
            kind: LossKind::Gap,
            from: gap.after,
            to: gap.before,
            count: u64::from(gap.lost),
        };
        match coalescer.take_missing() {
            Some(Missing::Since(gap)) => self.note(loss(gap)),
            Some(Missing::Came(gap)) => self.out.push_back(Next::Found(loss(gap))),
            None => {}
        }
        while let Some(mut group) = coalescer.pop() {
            if let Some(count) = &mut self.from_words
                && group.incomplete().is_none()
            {
                *count += 1;
                group.set_incomplete(Incomplete::Interpreted);
            }
            let id = group.id();
            let bytes = group.size_bytes();
            let waiting = Waiting { raw: Raw::Audit(group), bytes };
            self.push(id.time, Some(u64::from(id.serial)), waiting);
        }
        self.note_malformed(coalescer.stats().malformed);
    }

    /// Takes in what the reader of JSON has read and dropped.
    pub(super) fn take_json(&mut self, lane: &mut JsonLane) {
        while let Some(json) = lane.pop() {
            if let Some(time) = json.time() {
                let tiebreaker = tiebreaker(&json);
                let bytes = json.size_bytes();
                let raw = Raw::Json(self.look(json, lane));
                self.push(time, tiebreaker, Waiting { raw, bytes });
            } else {
                // Without a time it has no place in the order: it goes as it came.
                self.arrivals += 1;
                let time = self.order.latest().unwrap_or_default();
                let ordinal = Ordinal::new(time, None, self.arrivals);
                let item = Raw::Json(json);
                self.out.push_back(Next::Event(Released { ordinal, item, late: false }));
            }
        }
        self.note_malformed(lane.stats.malformed);
    }

    /// An event as it is to wait.
    fn look(&mut self, json: Json, lane: &mut JsonLane) -> Json {
        let Some(screen) = &mut self.screen else { return json };
        let mut spare = None;
        let json = screen.look(json, &mut spare);
        if let Some(spare) = spare {
            lane.recycle(spare);
        }
        json
    }

    fn push(&mut self, time: Timestamp, tiebreaker: Option<u64>, waiting: Waiting) {
        if let Some(sampler) = &mut self.sampler {
            sampler.begin();
        }
        self.arrivals += 1;
        let ordinal = Ordinal::new(time, tiebreaker, self.arrivals);
        let bytes = waiting.bytes;
        match self.order.push(ordinal, waiting) {
            Some(late) => self.hand_out(late),
            None => self.held += bytes,
        }
        self.end_loss();
        self.drain();
        while self.held > MAX_HELD_BYTES
            && let Some(forced) = self.order.force()
        {
            self.release(forced);
        }
        if let Some(sampler) = &mut self.sampler {
            sampler.end();
        }
    }

    /// What that took, where it is measured.
    pub(super) fn spent(&self) -> std::time::Duration {
        self.sampler.as_ref().map(|sampler| sampler.spent()).unwrap_or_default()
    }

    /// Moves what is in order out.
    fn drain(&mut self) {
        while let Some(released) = self.order.pop() {
            self.release(released);
        }
    }

    fn release(&mut self, released: Released<Waiting>) {
        self.held = self.held.saturating_sub(released.item.bytes);
        self.hand_out(released);
    }

    fn hand_out(&mut self, Released { ordinal, item, late }: Released<Waiting>) {
        self.out.push_back(Next::Event(Released { ordinal, item: item.raw, late }));
    }

    fn note(&mut self, loss: Loss) {
        self.out.push_back(Next::Loss(loss));
    }

    fn note_malformed(&mut self, malformed: u64) {
        if malformed > self.malformed_seen {
            let count = malformed - self.malformed_seen;
            self.malformed_seen = malformed;
            // A line without a time stands somewhere between what was read before and after it.
            let to = self.order.latest().unwrap_or(Timestamp::MIN);
            let from = self.order.watermark().min(to);
            self.note(Loss { kind: LossKind::Malformed, from, to, count });
        }
    }

    /// The rest of a file could not be read: nobody knows how much.
    pub(super) fn note_unread(&mut self) {
        let from = self.order.latest().unwrap_or(Timestamp::MIN);
        self.note(Loss { kind: LossKind::Malformed, from, to: Timestamp::MAX, count: 1 });
    }

    /// So many lines of a live source were lost behind what was read; what was open by then may lack
    /// records. Until another event comes, nobody knows up to when.
    pub(super) fn note_lost(&mut self, count: u64, open: Option<Timestamp>) {
        let latest = self.order.latest().unwrap_or(Timestamp::MIN);
        let mut from = self.order.watermark().min(latest).min(open.unwrap_or(latest));
        let mut count = count;
        if let Some(before) = self.open.take() {
            from = from.min(before.from);
            count = count.saturating_add(before.count);
            self.out.push_back(Next::Found(before));
        }
        let loss = Loss { kind: LossKind::Malformed, from, to: Timestamp::MAX, count };
        self.open = Some(loss);
        self.note(loss);
    }

    /// An event has come: what was lost came before it.
    fn end_loss(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.out.push_back(Next::Found(open));
        let to = self.order.latest().unwrap_or(open.from).max(open.from);
        self.note(Loss { to, ..open });
    }

    /// Nothing more is there to be read just now; `open` is the time of the earliest event that is not
    /// complete. What is earlier is in order as far as anybody can know.
    pub(super) fn settle(&mut self, open: Option<Timestamp>) {
        let Some(latest) = self.order.latest() else { return };
        match open {
            // Of the time of an open event something may be missing.
            Some(open) if open <= latest => self.order.advance(open),
            _ => self.order.settle(latest),
        }
        self.drain();
    }

    /// Nothing has come for so long.
    pub(super) fn pass(&mut self, silent: Duration) {
        self.order.pass(silent);
        self.drain();
    }

    /// Nothing earlier than `time` will come.
    pub(super) fn advance(&mut self, time: Timestamp) {
        self.order.advance(time);
        self.drain();
    }

    /// Moves everything that has its turn into `out`, which is empty.
    pub(super) fn take_out(&mut self, out: &mut VecDeque<Next>) {
        if out.is_empty() {
            std::mem::swap(&mut self.out, out);
        } else {
            out.append(&mut self.out);
        }
    }

    /// What comes next.
    pub(super) fn pop(&mut self) -> Option<Next> {
        self.out.pop_front()
    }

    /// Nothing earlier than this will come, but for late events.
    pub(super) fn watermark(&self) -> Timestamp {
        self.order.watermark()
    }

    /// Events that are doubtful only because they were read from words.
    pub(super) fn told_in_words(&self) -> u64 {
        self.from_words.unwrap_or(0)
    }

    pub(super) fn stats(&self) -> ReorderStats {
        self.order.stats()
    }
}
