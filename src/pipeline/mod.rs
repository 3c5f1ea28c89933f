//! Threads and channels round the engine: read, gather, order, match, hand on.
//!
//! In: inputs and a rule set. Out: alerts, one by one and in order, and a [`Report`] of everything
//! read, skipped, lost and found. Only this room starts threads: a reader per source, so that disk and
//! decompression run beside the matching; everything behind the channel runs in the caller's thread.
//! A closed channel is the end of input.
//!
//! The only clock here is the flush tick of [`stream`]: when nothing more is to be read, what is
//! complete leaves at once.

mod input;
mod json;
mod lane;
mod lines;
mod read;
mod report;
mod session;
mod turns;

use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, RecvTimeoutError};

pub use input::{Refusal, Source};
pub use json::{JsonReport, read_json};
pub use report::{Live, MalformedLine, ReadFailure, Report, RuleReport};

use crate::alert::Alert;
use crate::engine::{Limits, Loss, Released, Watch};
use crate::event::{CoalesceLimits, Event, Hosts, Raw};
use crate::plan::RuleIx;
use crate::rule::RuleSet;
use crate::schema::{FieldType, Schema};
use crate::time::{Duration, Ordinal};
use lane::Lane;
use read::{Read1, Reader};
use session::Session;
use turns::Next;

/// Up to this many sources are read by threads of their own; more are read in the caller's thread.
const THREADED_SOURCES: usize = 8;

/// How long a live source may be silent before what is complete is taken to be in order.
const SETTLE: std::time::Duration = std::time::Duration::from_millis(1);
/// How long it may be silent before open events are taken to be complete.
const IDLE: std::time::Duration = std::time::Duration::from_secs(2);

/// How to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much later than a later event an event may come and still be put in order.
    pub lateness: Duration,
    /// Events the reorder buffer of one source may hold.
    pub max_reordered: usize,
    /// Bounds of the partials.
    pub limits: Limits,
    /// Bounds of open events.
    pub coalesce: CoalesceLimits,
    /// The host that records without `node=` come from.
    pub host: Option<String>,
    /// The types of fields of JSON events, and which of them say when an event happened. The rules
    /// must have been checked under the same.
    pub schema: Arc<Schema>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lateness: Duration::from_secs(5),
            max_reordered: 20_000,
            limits: Limits::default(),
            coalesce: CoalesceLimits::default(),
            host: None,
            schema: Arc::default(),
        }
    }
}

/// What an alert's receiver wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More.
    Continue,
    /// Nothing: nobody reads what comes.
    Stop,
}

/// Whoever wants to know what happens while it happens.
pub trait Observer {
    /// An alert, in order. [`Flow::Stop`] ends the run.
    fn alert(&mut self, alert: &Alert) -> Flow;

    /// Another block of input has been read.
    fn read(&mut self, live: &Live) {
        let _ = live;
    }

    /// Fields to be filled in beside those that the rules read, numbered after them. Asked once, before
    /// anything is read.
    fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        Vec::new()
    }

    /// Who is to be told what becomes of the partials of a rule. Asked once for each rule.
    fn watch(&mut self, rule: RuleIx) -> Option<Box<dyn Watch>> {
        let _ = rule;
        None
    }

    /// An event with its fields filled in, before the rules see it. [`Flow::Stop`] ends the run behind
    /// this event.
    fn event(&mut self, event: &Event) -> Flow {
        let _ = event;
        Flow::Continue
    }

    /// Something was lost before the next event.
    fn loss(&mut self, loss: &Loss) {
        let _ = loss;
    }
}

/// Runs captured logs from beginning to end.
///
/// Files that continue one another are one source; the sources are merged by time. The result depends
/// on nothing but their content.
///
/// # Errors
///
/// When the rules cannot be made into an engine. Inputs that cannot be read are in the report.
pub fn replay(
    rules: &Arc<RuleSet>,
    inputs: &[PathBuf],
    settings: &Settings,
    observer: &mut impl Observer,
) -> Result<Report, String> {
    let mut run = Run::new(rules, inputs, settings, observer)?;
    let threaded = run.sources.len() <= THREADED_SOURCES;
    let sources = std::mem::take(&mut run.sources);
    let mut feeds: Vec<Feed> = sources
        .into_iter()
        .zip(0..)
        .map(|(source, number)| Feed {
            lane: Lane::new(number, settings, run.session.projection()),
            blocks: if threaded {
                Blocks::Thread(read::spawn(source))
            } else {
                Blocks::Inline(Reader::new(source))
            },
            ended: false,
        })
        .collect();
    run.merge(&mut feeds);
    run.finish();
    Ok(run.report(feeds.iter().map(|feed| &feed.lane)))
}

/// Runs a live source, normally standard input, until it ends.
///
/// Within a burst events are put in order as in [`replay`]. As soon as nothing more is to be read,
/// everything that is complete, and earlier than whatever is still open, is taken to be in order and
/// leaves; the observer is told before the next read. An event that comes behind later ones after all
/// is counted as late and still offered to the rules.
///
/// # Errors
///
/// When the rules cannot be made into an engine. Inputs that cannot be read are in the report.
pub fn stream(
    rules: &Arc<RuleSet>,
    inputs: &[PathBuf],
    settings: &Settings,
    observer: &mut impl Observer,
) -> Result<Report, String> {
    let mut run = Run::new(rules, inputs, settings, observer)?;
    let mut lanes = Vec::new();
    for (source, number) in std::mem::take(&mut run.sources).into_iter().zip(0..) {
        let receiver = read::spawn(source);
        let mut lane = Lane::new(number, settings, run.session.projection());
        run.follow(&mut lane, &receiver);
        lane.finish();
        run.drain(&mut lane);
        lanes.push(lane);
    }
    run.finish();
    Ok(run.report(lanes.iter()))
}

/// A run in progress.
struct Run<'a, O> {
    sources: Vec<Source>,
    refusals: Vec<Refusal>,
    session: Session,
    live: Live,
    flow: Flow,
    observer: &'a mut O,
}

impl<'a, O: Observer> Run<'a, O> {
    fn new(
        rules: &Arc<RuleSet>,
        inputs: &[PathBuf],
        settings: &Settings,
        observer: &'a mut O,
    ) -> Result<Self, String> {
        let (sources, refusals) = input::discover(inputs);
        let names = sources.iter().map(|source| source.name.as_str());
        let hosts = Hosts::new(settings.host.as_deref(), names);
        let mut session = Session::new(rules.clone(), settings.limits, hosts, &observer.fields())?;
        for (_, number) in rules.rules().iter().zip(0..) {
            if let Some(watch) = observer.watch(RuleIx(number)) {
                session.watch(RuleIx(number), watch);
            }
        }
        Ok(Self { sources, refusals, session, live: Live::new(), flow: Flow::Continue, observer })
    }

    /// Runs the events of all lanes in one order.
    fn merge(&mut self, feeds: &mut [Feed]) {
        let mut heads = BinaryHeap::new();
        for (number, feed) in feeds.iter_mut().enumerate() {
            heads.extend(self.head(feed, number));
        }
        while let Some(Head { released, number }) = heads.pop() {
            let Some(feed) = feeds.get_mut(number) else { continue };
            self.event(&mut feed.lane, released);
            if self.flow == Flow::Stop {
                return;
            }
            heads.extend(self.head(feed, number));
        }
    }

    /// The next event of a feed, reading on until there is one or the source ends.
    fn head(&mut self, feed: &mut Feed, number: usize) -> Option<Head> {
        loop {
            match feed.lane.pop() {
                Some(Next::Event(released)) => return Some(Head { released, number }),
                Some(Next::Loss(loss)) => {
                    self.lose(loss);
                    continue;
                }
                None => {}
            }
            if feed.ended {
                return None;
            }
            match feed.read() {
                Some(read) => self.take_in(&mut feed.lane, read),
                None => {
                    feed.ended = true;
                    feed.lane.finish();
                }
            }
        }
    }

    /// Follows a live source until it ends or nobody wants more.
    fn follow(&mut self, lane: &mut Lane, receiver: &Receiver<Read1>) {
        let mut wait = SETTLE;
        while self.flow == Flow::Continue {
            match receiver.recv_timeout(wait) {
                Ok(read) => {
                    self.take_in(lane, read);
                    wait = SETTLE;
                }
                Err(RecvTimeoutError::Timeout) => {
                    if wait == IDLE {
                        lane.close_open();
                    }
                    lane.settle();
                    wait = IDLE;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.drain(lane);
        }
    }

    fn take_in(&mut self, lane: &mut Lane, read: Read1) {
        if let Read1::Block(block) = &read {
            self.live.add_bytes(block.len());
            self.observer.read(&self.live);
        }
        lane.feed(read);
    }

    /// Runs what is in order, and lets time pass.
    fn drain(&mut self, lane: &mut Lane) {
        while let Some(next) = lane.pop() {
            match next {
                Next::Event(released) => self.event(lane, released),
                Next::Loss(loss) => self.lose(loss),
            }
        }
        let watermark = lane.watermark();
        let (session, mut sink) = self.split();
        session.advance(watermark, &mut sink);
    }

    fn event(&mut self, lane: &mut Lane, released: Released<Raw>) {
        self.session.load(lane.source(), released);
        if self.observer.event(self.session.present()) == Flow::Stop {
            self.flow = Flow::Stop;
        }
        let (session, mut sink) = self.split();
        let raw = session.run(&mut sink);
        lane.recycle(raw);
    }

    fn lose(&mut self, loss: Loss) {
        self.observer.loss(&loss);
        self.session.note(loss);
    }

    fn finish(&mut self) {
        if self.flow == Flow::Continue {
            let (session, mut sink) = self.split();
            session.finish(&mut sink);
        }
    }

    /// The session, and where its alerts go.
    fn split(&mut self) -> (&mut Session, impl FnMut(Alert)) {
        let Self { session, live, flow, observer, .. } = self;
        let sink = |alert: Alert| {
            if *flow == Flow::Continue {
                live.add_alert(alert.rule);
                *flow = observer.alert(&alert);
            }
        };
        (session, sink)
    }

    fn report<'b>(self, lanes: impl Iterator<Item = &'b Lane>) -> Report {
        Report::new(&self.session, &self.live, lanes, self.refusals)
    }
}

/// A lane and where its bytes come from.
struct Feed {
    lane: Lane,
    blocks: Blocks,
    ended: bool,
}

enum Blocks {
    Thread(Receiver<Read1>),
    Inline(Reader),
}

impl Feed {
    fn read(&mut self) -> Option<Read1> {
        match &mut self.blocks {
            Blocks::Thread(receiver) => receiver.recv().ok(),
            Blocks::Inline(reader) => reader.next(),
        }
    }
}

/// The next event of a lane; the earliest is the greatest, as the heap wants it.
struct Head {
    released: Released<Raw>,
    number: usize,
}

impl Head {
    fn key(&self) -> (Ordinal, usize) {
        (self.released.ordinal, self.number)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.key().cmp(&self.key())
    }
}
