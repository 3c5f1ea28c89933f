//! What is given up when memory runs out, beside a plain model of it: lowest stage first, then the host
//! that holds most, then what expires first. The same partials go, and the counters say so by rule,
//! stage and cause.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

#[path = "../benches/events/mod.rs"]
mod events;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use catena::engine::{GivenUp, Limits};
use catena::plan::RuleIx;
use events::Source;
use proptest::collection::vec;
use proptest::prelude::*;

/// Stages of each rule; an event is of one program.
const RULES: [&[&str]; 2] = [&["one", "two", "end"], &["one", "end"]];

fn query(stages: &[&str]) -> String {
    let stages = stages.iter().map(|name| format!("[process where process.name == \"{name}\"]"));
    format!("sequence by host.id, process.pid with maxspan=12h {}", stages.collect::<String>())
}

/// Milliseconds and process ids of one length, so that partials of one stage have one size.
const EPOCH: i64 = 1_700_000_000_000;
const FIRST_PID: u64 = 1000;

/// Bytes of one partial of a rule that has reached a stage, beside no other.
fn cost(stages: &[&str], reached: usize) -> usize {
    cost_of(&[&query(stages)], &stages[..reached])
}

/// Bytes of what these rules hold of one process behind these events.
fn cost_of(queries: &[&str], names: &[&str]) -> usize {
    behind(queries, names).engine.state_bytes()
}

fn behind(queries: &[&str], names: &[&str]) -> Source {
    let mut source = Source::new(queries, Limits::NONE);
    for (millis, name) in (EPOCH..).zip(names) {
        source.load(millis, 0, FIRST_PID, name);
        source.push();
    }
    source
}

/// A partial of the model.
#[derive(Debug, Clone, Copy)]
struct Open {
    rule: usize,
    host: u32,
    pid: u64,
    reached: usize,
    since: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scope {
    Rule(usize),
    Host(u32),
    Total,
}

struct Model {
    /// By rule and stages reached.
    costs: Vec<Vec<usize>>,
    /// Of an event that both hold: it is in memory once.
    event: usize,
    /// Of a key, which is in memory once as well, and which no host pays for.
    key: usize,
    limits: Limits,
    open: Vec<Open>,
    given_up: Vec<Vec<GivenUp>>,
    matches: usize,
}

impl Model {
    fn new(limits: Limits) -> Self {
        let costs = |stages: &&[&str]| (0..stages.len()).map(|n| cost(stages, n)).collect();
        let queries = RULES.map(query);
        let both = cost_of(&[&queries[0], &queries[1]], &["one"]);
        let one = behind(&[&queries[0]], &["one"]).engine;
        let key = one.state_bytes() - one.host_bytes(0);
        Self {
            costs: RULES.iter().map(costs).collect(),
            event: cost(RULES[0], 1) + cost(RULES[1], 1) - both - key,
            key,
            limits,
            open: Vec::new(),
            given_up: vec![Vec::new(); RULES.len()],
            matches: 0,
        }
    }

    fn knows(&self, host: u32, pid: u64) -> bool {
        self.open.iter().any(|open| (open.host, open.pid) == (host, pid))
    }

    fn push(&mut self, now: i64, host: u32, pid: u64, name: &str) {
        for (rule, stages) in RULES.iter().enumerate() {
            let is_it = |open: &&mut Open| (open.rule, open.host, open.pid) == (rule, host, pid);
            if let Some(open) = self.open.iter_mut().find(is_it) {
                if stages[open.reached] == name {
                    open.reached += 1;
                }
            } else if stages[0] == name {
                self.open.push(Open { rule, host, pid, reached: 1, since: now });
            }
            let before = self.open.len();
            self.open.retain(|open| open.reached < RULES[open.rule].len());
            self.matches += before - self.open.len();
            self.bound(Scope::Rule(rule), self.limits.rule_bytes);
        }
        self.bound(Scope::Host(host), self.limits.host_bytes);
        self.bound(Scope::Total, self.limits.total_bytes);
    }

    fn cost(&self, open: &Open) -> usize {
        self.costs[open.rule][open.reached]
    }

    fn within(&self, scope: Scope) -> impl Iterator<Item = &Open> {
        self.open.iter().filter(move |open| match scope {
            Scope::Rule(rule) => open.rule == rule,
            Scope::Host(host) => open.host == host,
            Scope::Total => true,
        })
    }

    fn held(&self, scope: Scope) -> usize {
        let keys: BTreeSet<_> = self.within(scope).map(|o| (o.host, o.pid)).collect();
        let keys = if let Scope::Host(_) = scope { 0 } else { keys.len() };
        self.without_keys(self.within(scope)) + keys * self.key
    }

    /// What partials take together: those of both rules that one event began share it.
    fn without_keys<'a>(&self, open: impl Iterator<Item = &'a Open>) -> usize {
        let open: Vec<&Open> = open.collect();
        let began: BTreeSet<_> = open.iter().map(|o| (o.host, o.pid, o.since)).collect();
        let apart: usize = open.iter().map(|open| self.cost(open) - self.key).sum();
        apart - (open.len() - began.len()) * self.event
    }

    fn bound(&mut self, scope: Scope, limit: usize) {
        if self.held(scope) <= limit {
            return;
        }
        while self.held(scope) > limit / 10 * 9 {
            let lowest = self.within(scope).map(|open| open.reached).min().unwrap();
            let candidates = self.within(scope).filter(|open| open.reached == lowest);
            let host_holds = |host: u32| -> usize {
                let of_host = self.within(scope).filter(|open| open.host == host);
                self.without_keys(of_host)
            };
            let host =
                candidates.max_by_key(|o| (host_holds(o.host), Reverse(o.host))).unwrap().host;
            // Once a host is chosen it gives all of the stage before others are asked.
            while self.held(scope) > limit / 10 * 9 {
                let open = self.within(scope).filter(|o| (o.reached, o.host) == (lowest, host));
                let Some(first) = open.min_by_key(|open| (open.since, open.rule)).copied() else {
                    break;
                };
                self.open.retain(|o| (o.rule, o.host, o.pid) != (first.rule, host, first.pid));
                let counters = &mut self.given_up[first.rule];
                counters.resize(counters.len().max(lowest + 1), GivenUp::default());
                match scope {
                    Scope::Rule(_) => counters[lowest].rule += 1,
                    Scope::Host(_) => counters[lowest].host += 1,
                    Scope::Total => counters[lowest].total += 1,
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_partials_go(
        happenings in vec((0..4_u32, 0..40_u64, 0..3_usize), 400),
        // In partials of about this many bytes.
        total in 5..60_usize,
        rule in 5..60_usize,
        host in 5..60_usize,
    ) {
        let unit = cost(RULES[0], 1);
        let limits =
            Limits { total_bytes: total * unit, rule_bytes: rule * unit, host_bytes: host * unit };
        let queries = RULES.map(query);
        let mut source = Source::new(&[&queries[0], &queries[1]], limits);
        let mut model = Model::new(limits);
        let mut matches = 0;
        for (millis, (host, process, stage)) in (EPOCH..).zip(happenings) {
            // Half of all events come from host 0.
            let host = host.saturating_sub(1);
            let pid = FIRST_PID + process;
            // One partial a key, so that the model needs to know nothing of what replaces what.
            let name = if model.knows(host, pid) { ["two", "end", "two"][stage] } else { "one" };
            source.load(millis, host, pid, name);
            matches += source.push();
            model.push(millis, host, pid, name);
            prop_assert_eq!(source.engine.state_bytes(), model.held(Scope::Total));
            prop_assert_eq!(source.engine.host_bytes(host), model.held(Scope::Host(host)));
            for (number, expected) in (0..).zip(&model.given_up) {
                let stats = source.engine.rule_stats(RuleIx(number)).unwrap();
                prop_assert_eq!(&stats.given_up, expected, "rule {}", number);
            }
        }
        prop_assert_eq!(matches, model.matches);
    }
}

/// Whoever floods pays first: partials of other hosts stay whatever bound is reached.
#[test]
fn a_host_that_floods_pays_for_it() {
    let one = behind(&[&query(RULES[0])], &["one"]).engine;
    let room = 50 * one.state_bytes();
    for limits in [
        Limits { total_bytes: room, ..Limits::NONE },
        Limits { rule_bytes: room, ..Limits::NONE },
        Limits { host_bytes: 50 * one.host_bytes(0), ..Limits::NONE },
    ] {
        let mut source = Source::new(&[&query(RULES[0])], limits);
        let mut push = |millis, host, pid, name| {
            source.load(EPOCH + millis, host, FIRST_PID + pid, name);
            source.push()
        };
        for pid in 0..10 {
            push(0, 1, pid, "one");
        }
        for pid in 0..2000 {
            push(1 + i64::try_from(pid).unwrap(), 0, pid, "one");
        }
        for pid in 0..10 {
            push(3000, 1, pid, "two");
        }
        let found: usize = (0..10).map(|pid| push(3001, 1, pid, "end")).sum();
        assert_eq!(found, 10, "{limits:?}");
        let given_up = source.engine.stats().evicted;
        assert!(given_up >= 1950, "{given_up} given up under {limits:?}");
    }
}

/// One event that takes nearly all the room there is makes everything else go, down to the last.
#[test]
fn giving_up_goes_on_until_there_is_room() {
    let one = cost(RULES[0], 1);
    let limits = Limits { total_bytes: 20 * one, ..Limits::NONE };
    let mut source = Source::new(&[&query(RULES[0])], limits);
    // Memory has run out before, when there was much.
    for pid in 0..21 {
        source.load(EPOCH, 0, FIRST_PID + pid, "one");
        source.push();
    }
    let (pid, long) = (FIRST_PID + 21, "x".repeat(17 * one));
    source.load_line(EPOCH + 1, 0, &format!(r#""pid":{pid},"name":"one","title":"{long}""#));
    source.push();
    let left = source.engine.state_keys();
    assert!(source.engine.state_bytes() <= 18 * one, "{left} keys are left");
}
