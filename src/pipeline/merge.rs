//! [`Merge`]: the events of all lanes in one order.
//!
//! In: lanes, read here or on threads of their own. Out: one sequence of events, the losses between
//! them and a [`Mark`] for every piece of input read on the way, so that whoever follows the sequence
//! knows at every event what had been read by then. The sequence depends on the inputs alone, never
//! on which lane was read faster.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError};

use super::lane::{Lane, Mark};
use super::meter::{BlockTimes, Costs, Phase, Time};
use super::read::Reader;
use super::seat::SOON;
use super::turns::Next;
use crate::engine::{Loss, Released};
use crate::event::Raw;
use crate::time::Ordinal;

/// Spent events that go back to a thread together.
const SPENT: usize = 256;

/// What comes next.
#[derive(Debug)]
pub(super) enum Merged {
    /// An event, with the numbers of its lane and source.
    Event(usize, u32, Released<Raw>),
    /// Something was lost, or has not come so far.
    Loss(Loss),
    /// Something has come after all.
    Found(Loss),
    /// A lane has read on.
    Mark(usize, Box<Mark>),
    /// Nothing, until this lane has read on.
    Wait(usize),
    /// The end of all lanes.
    End,
}

/// What a lane on a thread of its own gives for one piece of input.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) items: VecDeque<Next>,
    pub(super) mark: Box<Mark>,
    /// Nothing follows.
    pub(super) is_last: bool,
    /// Emptied memory, for what is spent.
    pub(super) raws: Vec<Raw>,
}

/// Memory on its way back to the thread of a lane.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) items: VecDeque<Next>,
    pub(super) raws: Vec<Raw>,
}

/// Where a lane is.
#[derive(Debug)]
pub(super) enum Place {
    /// Here.
    Here(Box<Lane>, Reader),
    /// On a thread of its own.
    Thread { chunks: Receiver<Chunk>, spent: Sender<Spent> },
}

#[derive(Debug)]
struct Feed {
    source: u32,
    place: Place,
    items: VecDeque<Next>,
    /// Not handed out yet.
    mark: Option<Box<Mark>>,
    ended: bool,
    back: Spent,
    /// What its blocks cost, when that is measured.
    times: Option<BlockTimes>,
}

/// See the module page.
#[derive(Debug)]
pub(super) struct Merge {
    feeds: Vec<Feed>,
    /// The next event of each lane of which it is known.
    heads: BinaryHeap<Reverse<(Ordinal, usize)>>,
    /// Lanes of which it is not.
    unknown: Vec<usize>,
}

impl Merge {
    /// Lanes in this order, with the numbers of their sources.
    /// With a clock the blocks of those that are here are timed.
    pub(super) fn new(places: Vec<(u32, Place)>, measure: Option<Time>) -> Self {
        let feed = |(source, place)| Feed {
            source,
            place,
            items: VecDeque::new(),
            mark: None,
            ended: false,
            back: Spent::default(),
            times: measure.map(BlockTimes::new),
        };
        let unknown = (0..places.len()).rev().collect();
        let feeds: Vec<Feed> = places.into_iter().map(feed).collect();
        Self { feeds, heads: BinaryHeap::new(), unknown }
    }

    /// What comes next. Reads on where lanes are here.
    pub(super) fn next(&mut self) -> Merged {
        while let Some(lane) = self.unknown.last().copied() {
            let Some(feed) = self.feeds.get_mut(lane) else { return Merged::End };
            if let Some(mark) = feed.mark.take() {
                return Merged::Mark(lane, mark);
            }
            match feed.items.front() {
                Some(Next::Event(released)) => {
                    self.heads.push(Reverse((released.ordinal, lane)));
                    self.unknown.pop();
                }
                Some(Next::Loss(loss)) => {
                    let loss = *loss;
                    feed.items.pop_front();
                    return Merged::Loss(loss);
                }
                Some(Next::Found(loss)) => {
                    let loss = *loss;
                    feed.items.pop_front();
                    return Merged::Found(loss);
                }
                None if feed.ended => {
                    self.unknown.pop();
                }
                None => {
                    if !feed.read() {
                        return Merged::Wait(lane);
                    }
                }
            }
        }
        let Some(Reverse((_, lane))) = self.heads.pop() else { return Merged::End };
        self.unknown.push(lane);
        let Some(feed) = self.feeds.get_mut(lane) else { return Merged::End };
        if let (Place::Here(..), Some(Next::Event(soon))) = (&feed.place, feed.items.get(SOON)) {
            soon.item.bring();
        }
        match feed.items.pop_front().map(|next| (feed.source, next)) {
            Some((source, Next::Event(released))) => Merged::Event(lane, source, released),
            // INVARIANT: a head is the event in front of its lane.
            _ => Merged::End,
        }
    }

    /// Takes in what the thread of a lane has for us; `false` when that is nothing yet.
    pub(super) fn receive(&mut self, lane: usize) -> bool {
        let Some(feed) = self.feeds.get_mut(lane) else { return false };
        let Place::Thread { chunks, .. } = &feed.place else { return false };
        match chunks.try_recv() {
            Ok(chunk) => {
                feed.back.items = std::mem::replace(&mut feed.items, chunk.items);
                if feed.back.raws.capacity() == 0 {
                    feed.back.raws = chunk.raws;
                }
                feed.mark = Some(chunk.mark);
                feed.ended = chunk.is_last;
                true
            }
            // A thread that ends before its last chunk has panicked and says so by itself.
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => false,
        }
    }

    /// Adds what was done before events had their turn, where it was measured.
    pub(super) fn add_costs(&self, costs: &mut Costs) {
        for feed in &self.feeds {
            let (Place::Here(lane, _), Some(times)) = (&feed.place, &feed.times) else { continue };
            let ordering = lane.ordering();
            let predicates = lane.screening();
            let gathering = times.gathering.saturating_sub(ordering + predicates);
            costs.add(Phase::Read, times.reading);
            costs.add(Phase::Gather, gathering);
            costs.add(Phase::Order, ordering);
            costs.add(Phase::Predicates, predicates);
            let (known, all) = lane.remembered();
            costs.remembered.0 += known;
            costs.remembered.1 += all;
        }
    }

    /// Adds a lane to what is waited for.
    pub(super) fn wait<'a>(&'a self, lane: usize, select: &mut Select<'a>) {
        if let Some(Feed { place: Place::Thread { chunks, .. }, .. }) = self.feeds.get(lane) {
            select.recv(chunks);
        }
    }

    /// Gives the memory of an event back to its lane.
    pub(super) fn recycle(&mut self, lane: usize, raw: Raw) {
        let Some(feed) = self.feeds.get_mut(lane) else { return };
        match &mut feed.place {
            Place::Here(lane, _) => lane.recycle(raw),
            Place::Thread { spent, .. } => {
                feed.back.raws.push(raw);
                if feed.back.raws.len() >= SPENT {
                    // A lane that has all the memory it needs does without.
                    let _ = spent.try_send(std::mem::take(&mut feed.back));
                }
            }
        }
    }
}

impl Feed {
    /// Reads on; `false` when that is the work of another thread.
    fn read(&mut self) -> bool {
        let Place::Here(lane, reader) = &mut self.place else { return false };
        if let Some(times) = &mut self.times {
            times.start();
        }
        let read = reader.next();
        if let Some(times) = &mut self.times {
            times.read();
        }
        let (mark, is_last) = lane.take_in(read, reader, &mut self.items);
        if let Some(times) = &mut self.times {
            times.gathered();
        }
        self.mark = Some(mark);
        self.ended = is_last;
        true
    }
}
