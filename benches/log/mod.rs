//! Logs and rule sets for measuring single steps of the data path: made once, read often.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]
#![allow(dead_code, reason = "every benchmark uses its own part of this")]

#[path = "../data/mod.rs"]
pub(crate) mod data;

use std::sync::Arc;

use catena::engine::{Engine, Limits, Sieve};
use catena::event::{
    CoalesceLimits, Coalescer, Event, Group, Host, Json, JsonReader, Projection, Selections, Use,
};
use catena::rule::{RuleSet, builtin, load_text};
use catena::schema::Schema;
use data::rules::{Kind, queries};

/// Events of a log.
pub(crate) const EVENTS: u64 = 10_000;

/// The log that all of these benchmarks read.
pub(crate) fn options() -> data::Options {
    data::Options { events: EVENTS, hosts: 7, seed: 3, attacks: 20, ..data::Options::default() }
}

/// Its records, one a line, without line ends.
pub(crate) fn lines(log: &[u8]) -> Vec<&[u8]> {
    log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// The events of records.
pub(crate) fn groups(lines: &[&[u8]]) -> Vec<Group> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    let mut groups = Vec::new();
    for (line, number) in lines.iter().zip(1..) {
        coalescer.push(0, number, line);
        groups.extend(std::iter::from_fn(|| coalescer.pop()));
    }
    coalescer.finish();
    groups.extend(std::iter::from_fn(|| coalescer.pop()));
    groups
}

/// A rule set and what it reads.
pub(crate) struct Rules {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) projection: Projection,
}

impl Rules {
    fn new(rules: Arc<RuleSet>) -> Self {
        let fields = rules.plan().fields.iter();
        let projection = Projection::new(fields.map(|(name, kind)| (&**name, *kind)));
        Self { rules, projection }
    }

    /// The built-in ones.
    pub(crate) fn builtin() -> Self {
        Self::new(RuleSet::new(builtin().rules))
    }

    /// So many generated ones.
    pub(crate) fn mixed(count: usize) -> Self {
        let schema = Schema::new();
        let queries = queries(Kind::Mixed, count, 1);
        let rules = queries.iter().enumerate().flat_map(|(number, query)| {
            let loaded = load_text(&format!("{number}.eql"), query.clone(), &schema);
            assert!(!loaded.has_errors(), "{query}");
            loaded.rules
        });
        Self::new(RuleSet::new(rules.collect()))
    }

    /// An engine of them.
    pub(crate) fn engine(&self) -> Engine {
        Engine::new(self.rules.clone(), Limits::NONE).unwrap()
    }

    /// All events with their fields filled in.
    pub(crate) fn load(&self, groups: Vec<Group>) -> Vec<Event> {
        let host = Some(host());
        let load = |group| {
            let mut event = Event::new(self.projection.len());
            event.load(group, &self.projection, host.clone());
            event
        };
        groups.into_iter().map(load).collect()
    }

    /// What these rules ask of the events of each class.
    pub(crate) fn selections(&self, sieve: &mut Sieve, groups: Vec<Group>) -> Selections {
        let mut selections = Selections::default();
        let mut event = Event::new(self.projection.len());
        for group in groups {
            let of_use = event.load_selected(group, &self.projection, None, Some(&selections));
            if let Use::Unknown(class) = of_use
                && let Some(selection) = sieve.select(&event)
            {
                selections.learn(class, selection);
            }
        }
        selections
    }

    /// A reader of lines of JSON for these rules.
    pub(crate) fn reader(&self) -> JsonReader {
        JsonReader::new(&self.projection, &Schema::new())
    }
}

/// A machine.
pub(crate) fn host() -> Arc<Host> {
    Arc::new(Host::new(0, "id", "name"))
}

/// Reads a line of JSON into an event.
pub(crate) fn load_json(reader: &mut JsonReader, line: &[u8], event: &mut Event, json: Json) {
    let mut json = json;
    reader.read(line, &mut json).unwrap();
    event.load_json(json, None);
}
