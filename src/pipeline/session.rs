//! Ordered groups and lines of JSON → events → matches → alerts.
//!
//! The one path every event takes, whatever it was read from, in four steps on a [`Seat`]:
//!
//! 1. a [`Worker`] fills in the fields that the rules read ([`Worker::load`]);
//! 2. the [`Session`] attaches process context, in event order ([`Session::attach`]);
//! 3. a worker finds the stages the event satisfies ([`Worker::sift`]);
//! 4. the session feeds the engine, in event order, and matches become alerts with the evidence of
//!    their window ([`Session::step`]) - or are counted, where nobody looks at alerts.
//!
//! In one thread the first and the third step of a line of JSON are done before it waits for its turn ([`Screen`]).

use std::sync::Arc;

use crate::alert::Alert;
use crate::engine::{Engine, Limits, Loss, LossKind, Match, Released, Watch};
use crate::event::{Host, Hosts, Projection, Raw};
use crate::plan::RuleIx;
use crate::process::{self, TableStats};
use crate::rule::RuleSet;
use crate::schema::FieldType;
use crate::state::State;
use crate::time::Timestamp;

use super::meter::{Meter, Phase, Time};
use super::proc::Machine;
use super::screen::Screen;
use super::seat::Seat;
use super::worker::Worker;

/// Does what must be done to events one after the other.
#[derive(Debug)]
pub(super) struct Session {
    rules: Arc<RuleSet>,
    projection: Arc<Projection>,
    processes: process::Table,
    /// The process table behind the last event that was stepped.
    process_stats: TableStats,
    hosts: Hosts,
    engine: Engine,
    matches: Vec<Match>,
    /// Executions whose argument lists are not whole.
    lost_arguments: u64,
    /// Somebody looks at the fields of every event.
    fills_all: bool,
    /// Somebody looks at alerts.
    shows_alerts: bool,
    /// The processes that are running on this machine, until an event of it comes.
    found: Option<Machine>,
}

impl Session {
    /// `more` fields are filled in behind those that the rules read. With `fills_all` every event has all
    /// of them, also one that no rule can use; without `shows_alerts` no alert is put together.
    pub(super) fn new(
        rules: Arc<RuleSet>,
        limits: Limits,
        hosts: Hosts,
        more: &[(Arc<str>, Option<FieldType>)],
        fills_all: bool,
        shows_alerts: bool,
    ) -> Result<Self, String> {
        let fields = rules.plan().fields.iter().chain(more);
        let projection = Projection::new(fields.map(|(name, kind)| (&**name, *kind)));
        Ok(Self {
            projection: Arc::new(projection),
            processes: process::Table::default(),
            process_stats: TableStats::default(),
            hosts,
            engine: Engine::new(rules.clone(), limits)?,
            rules,
            matches: Vec::new(),
            lost_arguments: 0,
            fills_all,
            shows_alerts,
            found: None,
        })
    }

    /// The processes that run on this machine. They are made known when the first of its events comes:
    /// one that names this machine, or none while the user names none either.
    pub(super) fn expect(&mut self, found: Machine) {
        self.found = Some(found);
    }

    /// Machines that names of users were given for and no event was of.
    pub(super) fn unmatched_names(&self) -> Vec<String> {
        self.hosts.unmatched().map(str::to_owned).collect()
    }

    /// From now on `watch` is told what becomes of the partials of a rule.
    pub(super) fn watch(&mut self, rule: RuleIx, watch: Box<dyn Watch>) {
        self.engine.watch(rule, watch);
    }

    /// Somebody to do what needs no order.
    pub(super) fn worker(&self) -> Worker {
        Worker::new(&self.projection, self.engine.sieve(), self.fills_all)
    }

    /// Somebody to look at events before they wait, with a clock when that is measured; `None` when every event
    /// is to be filled in.
    pub(super) fn screen(&self, measure: Option<Time>) -> Option<Screen> {
        let seat = || Seat::new(&self.projection);
        (!self.fills_all).then(|| Screen::new(self.worker(), seat(), measure))
    }

    /// Seats an event and says where it is from; in event order.
    pub(super) fn seat(
        &mut self,
        lane: usize,
        source: u32,
        released: Released<Raw>,
        seat: &mut Seat,
    ) {
        seat.lane = lane;
        seat.host = self.hosts.find(source, released.item.node());
        if self.found.is_some()
            && let (Raw::Audit(group), Some(host)) = (&released.item, &seat.host)
        {
            let is_ours = |found: &mut Machine| found.is(host, group.node());
            if let Some(found) = self.found.take_if(is_ours) {
                self.processes.seed(host, &found.processes, released.ordinal.time);
            }
        }
        seat.event.ordinal = released.ordinal;
        seat.raw = Some(released.item);
    }

    /// Says which process a loaded event is about; in event order.
    pub(super) fn attach(&mut self, seat: &mut Seat) {
        // What a process is and where it comes from stands in a line of JSON or is not known.
        if let Raw::Audit(_) = seat.event.raw() {
            self.processes.attach(&mut seat.event);
        }
        seat.processes = self.processes.stats();
    }

    /// Feeds the engine with an event that has been sifted; in event order.
    pub(super) fn step(
        &mut self,
        seat: &Seat,
        meter: &mut impl Meter,
        emit: &mut impl FnMut(RuleIx, Option<Alert>),
    ) {
        let time = seat.event.ordinal.time;
        self.process_stats = seat.processes;
        let lacks_arguments = seat.event.lacks_arguments();
        self.lost_arguments += u64::from(lacks_arguments);
        for missing in [seat.incomplete, lacks_arguments] {
            if missing {
                let kind = LossKind::Incomplete;
                self.engine.note(Loss { kind, from: time, to: time, count: 1 });
            }
        }
        let matches = &mut self.matches;
        let mut keep = |found| matches.push(found);
        self.engine.offer_probed(&seat.event, &seat.satisfied, meter, &mut keep);
        meter.lap(Phase::Machines);
        if !self.matches.is_empty() {
            meter.begin_alerts();
            self.deliver(emit);
            meter.end_alerts();
        }
    }

    /// No event earlier than `watermark` will follow.
    pub(super) fn advance(
        &mut self,
        watermark: Timestamp,
        emit: &mut impl FnMut(RuleIx, Option<Alert>),
    ) {
        let matches = &mut self.matches;
        self.engine.advance(watermark, &mut |found| matches.push(found));
        self.deliver(emit);
    }

    /// Writes the engine's state, reads it back and goes on from it, as a program does that is started
    /// again. Who watched is forgotten.
    ///
    /// # Errors
    ///
    /// When what was written cannot be read.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        let state = State::decode(&self.engine.export().encode());
        let imported = state.and_then(|state| self.engine.import(state));
        imported.map(|_| ()).map_err(|why| why.to_string())
    }

    /// The input has ended.
    pub(super) fn finish(&mut self, emit: &mut impl FnMut(RuleIx, Option<Alert>)) {
        let matches = &mut self.matches;
        self.engine.finish(&mut |found| matches.push(found));
        self.deliver(emit);
    }

    /// Tells of losses that matches should know of.
    pub(super) fn note(&mut self, loss: Loss) {
        self.engine.note(loss);
    }

    /// Tells that something noted as lost has come after all.
    pub(super) fn withdraw(&mut self, loss: Loss) {
        self.engine.withdraw(loss);
    }

    /// A machine that events were seen of.
    pub(super) fn host(&self, source: u32, node: Option<&[u8]>) -> Option<&Arc<Host>> {
        self.hosts.known(source, node)
    }

    /// The fields that are read.
    pub(super) fn projection(&self) -> &Arc<Projection> {
        &self.projection
    }

    /// Executions whose argument lists were not whole.
    pub(super) fn lost_arguments(&self) -> u64 {
        self.lost_arguments
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The process table as of the last event.
    pub(super) fn process_stats(&self) -> TableStats {
        self.process_stats
    }

    fn deliver(&mut self, emit: &mut impl FnMut(RuleIx, Option<Alert>)) {
        for found in self.matches.drain(..) {
            let rule = found.rule;
            if !self.shows_alerts {
                emit(rule, None);
                continue;
            }
            let evidence = self.engine.evidence(&found);
            if let Some(alert) = Alert::new(&self.rules, found, evidence) {
                emit(rule, Some(alert));
            }
        }
    }
}
