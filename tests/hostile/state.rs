//! States of an engine, and a small world that has one of every kind.

#![allow(dead_code, reason = "tests/state.rs and the fuzz targets use different parts of it")]

use std::cell::RefCell;
use std::sync::Arc;

use catena::engine::{Engine, Imported, Limits, Match};
use catena::event::{
    CoalesceLimits, Coalescer, Event, Host, Hosts, Identity, Json, JsonReader, Projection, Raw,
};
use catena::process::Table;
use catena::rule::{RuleOptions, RuleSet, load_query};
use catena::schema::Schema;
use catena::state::{MAGIC, State, VERSION};
use catena::time::{Duration, Ordinal, Timestamp};
use sha2::{Digest as _, Sha256};

/// A rule of every kind: what waits for more, for nothing to follow, for a missing item; runs, a sample,
/// every pipe.
const QUERIES: [&str; 11] = [
    r#"sequence by process.entity_id with maxspan=1m
         [process where process.name == "a"] [network where destination.port == 443]"#,
    r#"sequence by host.id, user.id with maxspan=10m ![process where process.name == "quiet"]
         [process where process.name == "a"] [process where process.name == "b"]
         [process where process.name == "c"] until [process where process.name == "stop"]"#,
    r#"sequence by host.id with maxspan=10m [process where process.name == "a"]
         [process where process.name == "b"] ![process where process.name == "end"]"#,
    r#"sequence by host.id with maxspan=10m [process where process.name == "a"]
         ![process where process.name == "quiet"] [process where process.name == "b"]
         [process where process.name == "c"]"#,
    r#"sequence by host.id with maxspan=10m [process where process.name in ("a", "b")] with runs=3
         [process where process.name == "c"]"#,
    r#"sample by host.id [process where process.name == "a"] [process where process.name == "b"]
         [process where process.name == "c"]"#,
    r#"process where process.name in ("a", "c") | tail 2"#,
    "process where true | unique process.name | head 100",
    "process where true | count process.name",
    r#"process where process.name == "b" | sort process.pid"#,
    r#"sequence by host.id [process where process.name == "a"] [process where process.name == "c"]
         | tail 1"#,
];

pub(crate) fn rule_set() -> Arc<RuleSet> {
    let rules = QUERIES.iter().enumerate().map(|(number, query)| {
        let loaded = load_query(query, &Schema::new());
        let mut rules = loaded.rules;
        let mut rule =
            rules.pop().unwrap_or_else(|| panic!("{query}: {:?}", loaded.problems.len()));
        rule.id = format!("rule-{number:02}");
        let window = Some(Duration::from_secs(600));
        rule.options = RuleOptions { window, samples_per_key: 2, samples_at_end: false };
        rule
    });
    RuleSet::new(rules.collect())
}

/// An engine, what stands before it, and what it has found.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) found: Vec<Match>,
    projection: Projection,
    table: Table,
    hosts: Hosts,
    arrivals: u64,
}

impl World {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::of(rule_set(), limits)
    }

    pub(crate) fn of(rules: Arc<RuleSet>, limits: Limits) -> Self {
        let fields = rules.plan().fields.iter();
        Self {
            projection: Projection::new(fields.map(|(name, kind)| (&**name, *kind))),
            engine: Engine::new(rules, limits).unwrap(),
            found: Vec::new(),
            table: Table::default(),
            hosts: Hosts::new(&Identity::default(), ["log"]),
            arrivals: 0,
        }
    }

    fn push(&mut self, time: Timestamp, tiebreaker: Option<u64>, raw: Raw) {
        self.arrivals += 1;
        let mut event = Event::new(self.projection.len());
        event.ordinal = Ordinal::new(time, tiebreaker, self.arrivals);
        let host = self.hosts.find(0, raw.node());
        match raw {
            Raw::Audit(group) => {
                event.load(group, &self.projection, host);
                self.table.observe(&self.projection, &mut event);
            }
            Raw::Json(json) => event.load_json(json, host),
        }
        self.engine.push(&event, &mut |found| self.found.push(found));
    }

    /// Lines of an audit log, in order.
    pub(crate) fn audit(&mut self, log: &str) {
        let limits = CoalesceLimits { records_per_event: 2, ..CoalesceLimits::default() };
        let mut coalescer = Coalescer::new(limits);
        for (number, line) in (1..).zip(log.lines()) {
            coalescer.push(0, number, line.as_bytes());
        }
        coalescer.finish();
        let mut groups: Vec<_> = std::iter::from_fn(|| coalescer.pop()).collect();
        groups.sort_by_key(|group| (group.id().time, group.id().serial));
        for group in groups {
            let id = group.id();
            self.push(id.time, Some(id.serial.into()), Raw::Audit(group));
        }
    }

    /// A line of JSON.
    pub(crate) fn json(&mut self, line: &str) {
        let mut json = Json::default();
        let mut reader = JsonReader::new(&self.projection, &Schema::new());
        reader.read(line.as_bytes(), &mut json).unwrap();
        self.push(json.time().unwrap(), None, Raw::Json(json));
    }

    pub(crate) fn finish(&mut self) {
        self.engine.finish(&mut |found| self.found.push(found));
    }
}

/// An execution on a machine, so many seconds after the beginning.
pub(crate) fn exec(node: &str, second: u32, pid: u32, name: &str) -> String {
    let head = format!("msg=audit({}.500:{}):", 1_700_000_000 + second, 100 + second);
    format!(
        "node={node} type=SYSCALL {head} arch=c000003e syscall=59 success=yes exit=0 items=0 \
         ppid={} pid={pid} uid=1000 ses=3 comm=\"{name}\" exe=\"/usr/bin/{name}\" key=(null)\n\
         node={node} type=EXECVE {head} argc=2 a0=\"{name}\" a1=\"-{second}\"\n",
        pid - 1
    )
}

/// The first half: something pending of every kind.
pub(crate) fn begin(world: &mut World) {
    world.audit(&exec("db1", 0, 9, "sh"));
    let steps = ["quiet", "a", "quiet", "b", "a", "quiet"];
    for ((name, second), pid) in steps.into_iter().zip(1..).zip(40..) {
        world.audit(&exec("web1", second, pid, name));
    }
    world.audit(&exec("db1", 6, 10, "a"));
    // An event that lacks a record, on a machine without a name, and something late.
    let lines = exec("x", 7, 50, "a").replace("node=x ", "");
    world.audit(&[&lines, lines.lines().last().unwrap()].concat());
    world.audit(&exec("db1", 3, 11, "quiet"));
    world.json(
        r#"{"@timestamp":"2023-11-14T22:13:28.001Z","host":{"id":"json \u00e9"},"event":{"category":"process","type":"start"},"process":{"name":"b","pid":7},"user":{"id":"0"}}"#,
    );
    let mut nothing = |_| ();
    world.engine.advance(Timestamp::from_millis(1_700_000_008_250), &mut nothing);
}

/// The second half, which completes much of it.
pub(crate) fn rest(world: &mut World) {
    for (second, pid, name) in [(20, 45, "b"), (21, 46, "c"), (22, 47, "c"), (23, 48, "a")] {
        world.audit(&exec("web1", second, pid, name));
        world.audit(&exec("db1", second, pid, name));
    }
    world.audit(&exec("db1", 700, 12, "end"));
}

/// The bytes of a body between a head and a checksum that are right.
pub(crate) fn wrapped(body: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(body);
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum.iter().take(16));
    bytes
}

/// What stands between head and checksum.
pub(crate) fn body(bytes: &[u8]) -> &[u8] {
    &bytes[20..bytes.len() - 16]
}

/// A reader of states that goes on with what it reads; used again, because rules take long to compile.
pub(crate) struct GoesOn {
    world: World,
}

impl GoesOn {
    pub(crate) fn new() -> Self {
        Self { world: World::new(Limits::default()) }
    }

    /// Reads a body; what can be read is written as the same bytes, split and put together, and runs.
    pub(crate) fn on(&mut self, body: &[u8]) -> Option<Imported> {
        let bytes = wrapped(body);
        let state = match State::decode(&bytes) {
            Ok(state) => state,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return None;
            }
        };
        assert_eq!(state.encode(), bytes, "what can be read has one spelling");
        // Counts of a part stay below what can be read, so that every part can be read again.
        let parts = state.clone().split(3);
        let parts: Vec<_> =
            parts.iter().map(|part| State::decode(&part.encode()).unwrap()).collect();
        assert_eq!(State::merge(parts).unwrap().encode(), bytes);
        let mut host = |host: Host| Arc::new(Host { index: host.index / 2, ..host });
        assert!(State::decode_with(&bytes, &mut host).is_ok());
        let world = &mut self.world;
        let imported = world.engine.import(state).ok()?;
        world.found.clear();
        for name in ["a", "quiet", "b", "c"] {
            world.audit(&exec("web1", 9, 90, name));
        }
        let again = world.engine.export().encode();
        assert!(State::decode(&again).is_ok());
        world.finish();
        // Reading all fields costs a multiple of all else: of one event that came from the state.
        if let Some(event) = world.found.last().and_then(|found| found.present().next()) {
            assert!(event.document().fields().count() < 10_000);
        }
        Some(imported)
    }
}

thread_local! {
    static READER: RefCell<GoesOn> = RefCell::new(GoesOn::new());
}

/// Any bytes between a head and a checksum that are right, and as they are: an error, or a state that
/// goes on. What is written in the present format is written again as it was; of an earlier one the same
/// state comes back.
pub(crate) fn state(bytes: &[u8]) {
    if let Ok(state) = State::decode(bytes) {
        let written = state.encode();
        let present = VERSION.to_le_bytes();
        if bytes.get(8..12) == Some(&present[..]) {
            assert!(written == bytes, "written in another way");
        } else {
            let again = State::decode(&written).map(|again| again.encode());
            assert!(again.is_ok_and(|again| again == written), "lost on the way");
        }
    }
    READER.with_borrow_mut(|reader| reader.on(bytes));
}
