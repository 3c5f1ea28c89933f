//! Ordered groups and lines of JSON → events → matches → alerts.
//!
//! The one path every event takes, whatever it was read from: process context is attached in event
//! order, fields the rules read are filled in, the engine is fed, and matches become alerts with the
//! evidence of their window.

use std::sync::Arc;

use crate::alert::Alert;
use crate::engine::{Engine, Limits, Loss, LossKind, Match, Released, Watch};
use crate::event::{Event, Hosts, Projection, Raw};
use crate::plan::RuleIx;
use crate::process;
use crate::record::Arguments;
use crate::rule::RuleSet;
use crate::schema::FieldType;
use crate::time::Timestamp;

/// See the module page.
#[derive(Debug)]
pub(super) struct Session {
    rules: Arc<RuleSet>,
    projection: Arc<Projection>,
    processes: process::Table,
    hosts: Hosts,
    engine: Engine,
    event: Event,
    matches: Vec<Match>,
    arguments: Arguments,
    /// Executions whose argument lists are not whole.
    lost_arguments: u64,
}

impl Session {
    /// `more` fields are filled in behind those that the rules read.
    pub(super) fn new(
        rules: Arc<RuleSet>,
        limits: Limits,
        hosts: Hosts,
        more: &[(Arc<str>, Option<FieldType>)],
    ) -> Result<Self, String> {
        let fields = rules.plan().fields.iter().chain(more);
        let projection = Projection::new(fields.map(|(name, kind)| (&**name, *kind)));
        Ok(Self {
            event: Event::new(projection.len()),
            projection: Arc::new(projection),
            processes: process::Table::default(),
            hosts,
            engine: Engine::new(rules.clone(), limits)?,
            rules,
            matches: Vec::new(),
            arguments: Arguments::default(),
            lost_arguments: 0,
        })
    }

    /// From now on `watch` is told what becomes of the partials of a rule.
    pub(super) fn watch(&mut self, rule: RuleIx, watch: Box<dyn Watch>) {
        self.engine.watch(rule, watch);
    }

    /// Makes an event the present one, with process context and the fields that are read.
    pub(super) fn load(&mut self, source: u32, released: Released<Raw>) {
        let time = released.ordinal.time;
        let raw = released.item;
        if raw.is_incomplete() {
            let kind = LossKind::Incomplete;
            self.engine.note(Loss { kind, from: time, to: time, count: 1 });
        }
        let host = self.hosts.find(source, raw.node());
        self.event.ordinal = released.ordinal;
        match raw {
            Raw::Audit(group) => {
                if group.lacks_arguments(&mut self.arguments) {
                    self.lost_arguments += 1;
                    let kind = LossKind::Incomplete;
                    self.engine.note(Loss { kind, from: time, to: time, count: 1 });
                }
                self.event.load(group, &self.projection, host);
                self.processes.observe(&self.projection, &mut self.event);
            }
            // What a process is and where it comes from stands in the line or is not known.
            Raw::Json(json) => self.event.load_json(json, host),
        }
    }

    /// The present event.
    pub(super) fn present(&self) -> &Event {
        &self.event
    }

    /// Runs the present event; gives back its memory.
    pub(super) fn run(&mut self, emit: &mut impl FnMut(Alert)) -> Raw {
        let matches = &mut self.matches;
        self.engine.push(&self.event, &mut |found| matches.push(found));
        self.deliver(emit);
        self.event.take_raw()
    }

    /// No event earlier than `watermark` will follow.
    pub(super) fn advance(&mut self, watermark: Timestamp, emit: &mut impl FnMut(Alert)) {
        let matches = &mut self.matches;
        self.engine.advance(watermark, &mut |found| matches.push(found));
        self.deliver(emit);
    }

    /// The input has ended.
    pub(super) fn finish(&mut self, emit: &mut impl FnMut(Alert)) {
        let matches = &mut self.matches;
        self.engine.finish(&mut |found| matches.push(found));
        self.deliver(emit);
    }

    /// Tells of losses that matches should know of.
    pub(super) fn note(&mut self, loss: Loss) {
        self.engine.note(loss);
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

    pub(super) fn processes(&self) -> &process::Table {
        &self.processes
    }

    fn deliver(&mut self, emit: &mut impl FnMut(Alert)) {
        for found in self.matches.drain(..) {
            let evidence = self.engine.evidence(&found);
            if let Some(alert) = Alert::new(&self.rules, found, evidence) {
                emit(alert);
            }
        }
    }
}
