//! Threads and channels round the engine: read, gather, order, match, hand on.
//!
//! In: inputs and a rule set. Out: alerts, one by one and in order, and a [`Report`] of everything
//! read, skipped, lost and found. Only this room starts threads: with one job [`replay`] needs none, with
//! more it has a crew, and gives the same alerts and counters in the same order; [`stream`] reads on
//! a thread that does nothing else, so that whoever writes is never held up, and takes orders on another.
//!
//! The only clocks here are the flush tick of [`stream`] - when nothing more is to be read, what is
//! complete leaves at once - and the pauses between two looks at a file that is followed. Phases are measured with
//! the caller's clock, when [`Settings::measure`] holds one; a run that is not measured is compiled without it.

mod crew;
mod follow;
mod input;
mod intake;
mod json;
mod lane;
mod lines;
mod live;
mod merge;
mod meter;
mod proc;
mod queue;
mod read;
mod reading;
mod rehearse;
mod report;
mod screen;
mod seat;
mod session;
mod socket;
mod supply;
mod turns;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

pub use input::{Refusal, Source};
pub use json::{JsonReport, read_json};
pub use live::{LiveInput, LiveSource, Notice, Order};
pub use meter::{Costs, Phase, Time};
pub use rehearse::{Rehearsal, read_whole, rehearse};
pub use report::{InputForms, Live, LostSerials, MalformedLine, ReadFailure, Report, RuleReport};

use crate::alert::Alert;
use crate::engine::{Limits, Released, Watch};
use crate::event::{CoalesceLimits, Event, Hosts, Identity, Raw};
use crate::plan::RuleIx;
use crate::rule::RuleSet;
use crate::schema::{FieldType, Schema};
use crate::time::Duration;
use crate::translate::{FieldMap, Form};
use lane::{Lane, Mark};
use merge::{Merge, Merged, Place};
use meter::{Clock, Meter, Off, On};
use queue::Took;
use read::{Read1, Reader};
use report::{FreshAlerts, LaneReport};
use seat::Seat;
use session::Session;
use supply::Supply;
use turns::Next;
use worker::Worker;

/// With several jobs, up to this many sources have threads of their own; more are read in the caller's.
const THREADED_SOURCES: usize = 8;

/// How long a live source may be silent before what is complete is taken to be in order.
const SETTLE: std::time::Duration = std::time::Duration::from_millis(1);
/// How long it may be silent before open events are taken to be complete, and event time goes on
/// without events.
const IDLE: std::time::Duration = std::time::Duration::from_secs(2);
/// How often event time goes on then.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a source that shall stop must be silent before all that it gave has come.
const QUIET: std::time::Duration = std::time::Duration::from_millis(100);
/// What it may give until then beside what waits already: as much as a pipe holds, and some.
const LAST_BYTES: usize = 4 << 20;

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
    /// Threads that [`replay`] may keep busy; sources beyond the first add one each. No result depends
    /// on it. One means the caller's alone.
    pub jobs: usize,
    /// The hosts: what those are called that records do not name, and how records are to be read.
    pub identity: Identity,
    /// Where [`stream`] finds the processes that are running when it begins, normally `/proc`; `None` when
    /// its events are of another machine. [`replay`] never looks there.
    pub proc: Option<PathBuf>,
    /// The types of fields of JSON events, and which of them say when an event happened. The rules
    /// must have been checked under the same.
    pub schema: Arc<Schema>,
    /// What the inputs hold; found out from their lines when it is not said.
    pub form: Option<Form>,
    /// What the fields of JSON events are called here; they are then read as nothing else.
    pub field_map: Option<Arc<FieldMap>>,
    /// Seconds by which the dates of interpreted records are ahead of UTC.
    pub ahead_of_utc: i32,
    /// With this clock [`replay`] measures what its phases cost, in one thread whatever `jobs` says:
    /// [`Report::costs`].
    pub measure: Option<Time>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lateness: Duration::from_secs(5),
            max_reordered: 20_000,
            limits: Limits::default(),
            coalesce: CoalesceLimits::default(),
            jobs: 1,
            identity: Identity::default(),
            proc: None,
            schema: Arc::default(),
            form: None,
            field_map: None,
            ahead_of_utc: 0,
            measure: None,
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

    /// Whether [`Observer::alert`] does anything. Asked once; when it does not, alerts are counted and
    /// never put together.
    fn shows_alerts(&self) -> bool {
        true
    }

    /// Another block of input has been read.
    fn read(&mut self, live: &Live) {
        let _ = live;
    }

    /// Something has happened to the live source.
    fn notice(&mut self, notice: &Notice) {
        let _ = notice;
    }

    /// Files that alerts go to may have been renamed: they are to be opened anew.
    fn reopen(&mut self) {}

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

    /// Whether [`Observer::event`] looks at the fields of events. Asked once; when it does not, only what
    /// rules can use is filled in, which is much faster.
    fn reads_events(&self) -> bool {
        true
    }

    /// An event with its fields filled in, before the rules see it. [`Flow::Stop`] ends the run behind
    /// this event.
    fn event(&mut self, event: &Event) -> Flow {
        let _ = event;
        Flow::Continue
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
    let mut run = Run::new(rules, input::discover(inputs), settings, observer)?;
    let sources = std::mem::take(&mut run.sources);
    let threaded = sources.len() <= THREADED_SOURCES;
    let is_alone = settings.jobs <= 1 || settings.measure.is_some();
    let lane = |(source, number): (Source, u32)| {
        let lane = Lane::new(number, settings, run.session.projection());
        let screen = if is_alone { run.session.screen(settings.measure) } else { None };
        (lane.screened(screen), Reader::new(source))
    };
    let lanes: Vec<(Lane, Reader)> = sources.into_iter().zip(0..).map(lane).collect();
    if let Some(now) = settings.measure {
        return Ok(run.measured(lanes, now));
    }
    if settings.jobs > 1 {
        crew::run(&mut run, lanes, settings.jobs, threaded);
    } else {
        run.alone(lanes, None, &mut Off);
    }
    run.finish();
    Ok(run.report())
}

/// Runs a live source, normally standard input, until it ends or an order says so.
///
/// Within a burst events are put in order as in [`replay`]. As soon as nothing more is to be read,
/// everything that is complete, and earlier than whatever is still open, is taken to be in order and
/// leaves; the observer is told before the next read. An event that comes behind later ones after all
/// is counted as late and still offered to the rules. Without any lateness allowed nothing waits even
/// within a burst: only what is read at once is put in order. While nothing comes, event time goes on with the
/// clock, two seconds behind it, so that an absence is decided on a quiet machine too.
///
/// `orders` is asked for the next order on a thread of its own, where it may wait. At [`Order::Stop`]
/// what was written by then is still read and matched, and the run ends as it does at the end of input.
///
/// # Errors
///
/// When the rules cannot be made into an engine. Inputs that cannot be read are in the report.
pub fn stream(
    rules: &Arc<RuleSet>,
    input: &LiveInput,
    settings: &Settings,
    orders: impl Iterator<Item = Order> + Send + 'static,
    observer: &mut impl Observer,
) -> Result<Report, String> {
    let found = input.discover();
    let mut run = Run::new(rules, (found.sources, found.refusals), settings, observer)?;
    if let Some(folder) = &settings.proc {
        run.session.expect(proc::look(folder));
    }
    if let Some(source) = run.sources.pop() {
        let supply = input.supply(source, orders);
        let mut lane = Lane::new(0, settings, run.session.projection());
        run.follow(&mut lane, &supply, settings.lateness == Duration(0));
        lane.finish();
        run.drain(&mut lane);
        let mark = lane.mark(None);
        run.reach(0, mark);
    }
    run.finish();
    Ok(run.report())
}

/// A run in progress.
struct Run<'a, O> {
    sources: Vec<Source>,
    /// What they are called.
    names: Vec<String>,
    refusals: Vec<Refusal>,
    session: Session,
    worker: Worker,
    seat: Seat,
    /// What is known of each lane.
    lanes: Vec<LaneReport>,
    live: Live,
    fresh: FreshAlerts,
    flow: Flow,
    observer: &'a mut O,
}

impl<'a, O: Observer> Run<'a, O> {
    fn new(
        rules: &Arc<RuleSet>,
        (sources, refusals): (Vec<Source>, Vec<Refusal>),
        settings: &Settings,
        observer: &'a mut O,
    ) -> Result<Self, String> {
        let names = sources.iter().map(|source| source.name.as_str());
        let hosts = Hosts::new(&settings.identity, names);
        let mut session = Session::new(
            rules.clone(),
            settings.limits,
            hosts,
            &observer.fields(),
            observer.reads_events(),
            observer.shows_alerts(),
        )?;
        for (_, number) in rules.rules().iter().zip(0..) {
            if let Some(watch) = observer.watch(RuleIx(number)) {
                session.watch(RuleIx(number), watch);
            }
        }
        Ok(Self {
            worker: session.worker(),
            seat: Seat::new(session.projection()),
            session,
            lanes: vec![LaneReport::default(); sources.len()],
            names: sources.iter().map(|source| source.name.clone()).collect(),
            sources,
            refusals,
            live: Live::new(),
            fresh: FreshAlerts::default(),
            flow: Flow::Continue,
            observer,
        })
    }

    /// Runs all lanes in the caller's thread and measures what that costs.
    fn measured(mut self, lanes: Vec<(Lane, Reader)>, now: Time) -> Report {
        let mut meter = On::new(now, self.session.engine().rules().rules().len());
        let merge = self.alone(lanes, Some(now), &mut meter);
        let mut costs = meter.costs();
        let mut clock = Clock::new(now);
        clock.start();
        self.finish();
        costs.add(Phase::Machines, clock.lap());
        costs.passed = self.worker.passed();
        costs.remembered = self.worker.remembered();
        merge.add_costs(&mut costs);
        let mut report = self.report();
        report.costs = Some(Box::new(costs));
        report
    }

    /// Runs all lanes in the caller's thread.
    fn alone(
        &mut self,
        lanes: Vec<(Lane, Reader)>,
        measure: Option<Time>,
        meter: &mut impl Meter,
    ) -> Merge {
        let here =
            |(lane, reader): (Lane, Reader)| (lane.source(), Place::Here(Box::new(lane), reader));
        let mut merge = Merge::new(lanes.into_iter().map(here).collect(), measure);
        while self.flow == Flow::Continue {
            match merge.next() {
                Merged::Event(lane, source, released) => {
                    let raw = self.event(lane, source, released, meter);
                    merge.recycle(lane, raw);
                }
                Merged::Loss(loss) => self.session.note(loss),
                Merged::Found(loss) => self.session.withdraw(loss),
                Merged::Mark(lane, mark) => self.reach(lane, *mark),
                Merged::Wait(_) | Merged::End => break,
            }
        }
        merge
    }

    /// A lane has come to its next mark.
    fn reach(&mut self, lane: usize, mark: Mark) {
        if let Some(bytes) = mark.block {
            self.note_read(bytes);
        }
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.reach(mark);
        }
    }

    /// So many bytes more were read, and all before them has been dealt with.
    fn note_read(&mut self, bytes: usize) {
        self.live.add_bytes(bytes);
        self.live.add_alerts(&mut self.fresh);
        self.observer.read(&self.live);
    }

    /// Follows a live source until it ends, shall end or nobody wants more. In a hurry, what was read
    /// together is put in order, and nothing waits for what may come behind it.
    fn follow(&mut self, lane: &mut Lane, supply: &Supply, in_hurry: bool) {
        let (mut wait, mut silent) = (SETTLE, std::time::Duration::ZERO);
        // How many bytes are still taken once the end has been ordered.
        let mut last: Option<usize> = None;
        while self.flow == Flow::Continue {
            match supply.take(if last.is_some() { QUIET } else { wait }) {
                Took::Read(read) => {
                    if let (Some(last), Read1::Block(block)) = (&mut last, &read) {
                        let Some(left) = last.checked_sub(block.len()) else { return };
                        *last = left;
                    }
                    self.take_in(lane, &read);
                    if in_hurry {
                        lane.settle();
                    }
                    supply.recycle(read);
                    (wait, silent) = (SETTLE, std::time::Duration::ZERO);
                }
                Took::Order(Order::Stop) => last = Some(supply.bytes().saturating_add(LAST_BYTES)),
                Took::Order(Order::Reopen) => self.observer.reopen(),
                Took::Nothing if last.is_some() => return,
                Took::Nothing => {
                    if wait != SETTLE {
                        lane.close_open();
                    }
                    lane.settle();
                    // Counted from IDLE on: what is on its way may be that late.
                    if wait == TICK {
                        silent += TICK;
                        let silent = i64::try_from(silent.as_millis()).unwrap_or(i64::MAX);
                        lane.pass(Duration::from_millis(silent));
                    }
                    wait = if wait == SETTLE { IDLE } else { TICK };
                }
                Took::End => return,
            }
            self.drain(lane);
        }
    }

    fn take_in(&mut self, lane: &mut Lane, read: &Read1) {
        match read {
            Read1::Block(block) => {
                self.note_read(block.len());
            }
            Read1::Notice(notice) => self.observer.notice(notice),
            Read1::File(_) | Read1::Failed { .. } => {}
        }
        lane.feed(read);
    }

    /// Runs what is in order, and lets time pass.
    fn drain(&mut self, lane: &mut Lane) {
        while let Some(next) = lane.pop() {
            match next {
                Next::Event(released) => {
                    let source = lane.source();
                    let raw = self.event(source as usize, source, released, &mut Off);
                    lane.recycle(raw);
                }
                Next::Loss(loss) => self.session.note(loss),
                Next::Found(loss) => self.session.withdraw(loss),
            }
        }
        let watermark = lane.watermark();
        let (session, mut sink) = self.split();
        session.advance(watermark, &mut sink);
    }

    /// Runs one event; gives back its memory.
    fn event(
        &mut self,
        lane: usize,
        source: u32,
        released: Released<Raw>,
        meter: &mut impl Meter,
    ) -> Raw {
        meter.event();
        self.session.seat(lane, source, released, &mut self.seat);
        self.worker.load(&mut self.seat);
        meter.lap(Phase::Fields);
        self.session.attach(&mut self.seat);
        meter.lap(Phase::Processes);
        self.worker.sift(&mut self.seat);
        meter.lap(Phase::Predicates);
        let Self { session, seat, fresh, flow, observer, .. } = self;
        if observer.event(seat.event()) == Flow::Stop {
            *flow = Flow::Stop;
        }
        session.step(seat, meter, &mut |rule, alert| tell(*observer, fresh, flow, rule, alert));
        seat.take_raw()
    }

    /// Feeds the engine with an event.
    fn step(&mut self, seat: &Seat) {
        if self.observer.event(seat.event()) == Flow::Stop {
            self.flow = Flow::Stop;
        }
        let (session, mut sink) = self.split();
        session.step(seat, &mut Off, &mut sink);
    }

    fn finish(&mut self) {
        if self.flow == Flow::Continue {
            let (session, mut sink) = self.split();
            session.finish(&mut sink);
        }
    }

    /// The session, and where its alerts go.
    fn split(&mut self) -> (&mut Session, impl FnMut(RuleIx, Option<Alert>)) {
        let Self { session, fresh, flow, observer, .. } = self;
        (session, move |rule, alert| tell(*observer, fresh, flow, rule, alert))
    }

    fn report(mut self) -> Report {
        self.live.add_alerts(&mut self.fresh);
        Report::new(&self.session, &self.live, self.lanes, self.names, self.refusals)
    }
}

/// Counts an alert and tells the observer of it, unless it has had enough.
fn tell(
    observer: &mut impl Observer,
    fresh: &mut FreshAlerts,
    flow: &mut Flow,
    rule: RuleIx,
    alert: Option<Alert>,
) {
    if *flow == Flow::Continue {
        fresh.add(rule);
        if let Some(alert) = alert {
            *flow = observer.alert(&alert);
        }
    }
}
