//! Events for measuring machines: read once, pushed often.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]
#![allow(dead_code, reason = "every benchmark uses its own part of this")]

use std::sync::Arc;

use catena::engine::{Engine, Limits, Match};
use catena::event::{Event, Host, Json, JsonReader, Kept, Projection};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::time::{Ordinal, Timestamp};

/// Three stages under one key.
pub(crate) const THREE_STAGES: &str = r#"
    sequence by host.id, process.pid with maxspan=12h
      [process where process.name == "one"]
      [process where process.name == "two"]
      [process where process.name == "three"]
"#;

/// An engine with a source of events for it.
pub(crate) struct Source {
    pub(crate) engine: Engine,
    projection: Projection,
    reader: JsonReader,
    event: Event,
    hosts: Vec<Arc<Host>>,
    number: u64,
}

impl Source {
    pub(crate) fn new(queries: &[&str], limits: Limits) -> Self {
        let schema = Schema::new();
        let rules = queries.iter().flat_map(|query| {
            let loaded = load_query(query, &schema);
            assert!(!loaded.has_errors(), "{query}");
            loaded.rules
        });
        let rules = RuleSet::new(rules.collect());
        let fields = rules.plan().fields.iter();
        let projection = Projection::new(fields.map(|(name, kind)| (&**name, *kind)));
        Self {
            engine: Engine::new(rules, limits).unwrap(),
            reader: JsonReader::new(&projection, &schema),
            event: Event::new(projection.len()),
            projection,
            hosts: Vec::new(),
            number: 0,
        }
    }

    /// Makes the present event one of program `name`, process `pid`, on a host.
    pub(crate) fn load(&mut self, millis: i64, host: u32, pid: u64, name: &str) {
        self.load_line(millis, host, &format!(r#""pid":{pid},"name":"{name}""#));
    }

    /// Makes the present event one of a process with these fields, as JSON.
    pub(crate) fn load_line(&mut self, millis: i64, host: u32, process: &str) {
        let line = format!(
            r#"{{"@timestamp":{millis},"event":{{"category":"process"}},"host":{{"id":"{host}"}},"process":{{{process}}}}}"#
        );
        let mut json = Json::default();
        self.reader.read(line.as_bytes(), &mut json).unwrap();
        while self.hosts.len() <= host as usize {
            let index = u32::try_from(self.hosts.len()).unwrap();
            let id: Box<str> = index.to_string().into();
            self.hosts.push(Arc::new(Host::new(index, id.clone(), id)));
        }
        self.event.load_json(json, self.hosts.get(host as usize).cloned());
        self.at(millis);
    }

    /// Makes the present event one of program `name` with many arguments.
    pub(crate) fn load_args(&mut self, millis: i64, name: &str, args: &[&str]) {
        let args = args.join("\",\"");
        self.load_line(millis, 0, &format!(r#""name":"{name}","args":["{args}"]"#));
    }

    /// The present event happens again, at another time.
    pub(crate) fn at(&mut self, millis: i64) {
        self.number += 1;
        self.event.ordinal = Ordinal::new(Timestamp::from_millis(millis), None, self.number);
    }

    /// The present event for keeps.
    pub(crate) fn kept(&self) -> Kept {
        self.event.kept()
    }

    /// Pushes the present event; gives the number of matches.
    pub(crate) fn push(&mut self) -> usize {
        let mut found = 0;
        self.engine.push(&self.event, &mut |_: Match| found += 1);
        found
    }
}
