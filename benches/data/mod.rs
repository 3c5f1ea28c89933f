//! Logs and rule sets to measure with, made here, the same each time.
//!
//! In: [`Options`]. Out: a log of audit events of several machines, as records, as lines of ECS or both, with
//! planted chains (a program starts, opens a UDP socket and connects outwards), near misses and chains
//! that never end, and the [`Truth`] about what must be found. The share of each kind of event is that
//! of a busy server; every twentieth event's records are mixed with the next one's, as kernels with
//! several processors do. `benches/data/generate.rs` writes all of it into files:
//!
//!     cargo run --release --example generate -- --help

#![allow(clippy::indexing_slicing, reason = "a generator stops where something is wrong")]
#![allow(dead_code, reason = "every benchmark uses its own part of this")]

mod random;
pub(crate) mod rules;
mod story;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};

use random::Random;
use serde_json::{Map, Value, json};
use story::{Chain, Machines, NEAR_MISSES, Step};
use text::{Style, Text, Writer};

/// What a log shall hold.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Events beside the last steps of chains.
    pub(crate) events: u64,
    /// Machines; with more than one, records say `node=`.
    pub(crate) hosts: usize,
    /// Another log for each.
    pub(crate) seed: u32,
    /// Planted chains that must be found.
    pub(crate) attacks: usize,
    /// Planted chains that differ in one thing, of each kind in turn.
    pub(crate) decoys: usize,
    /// Planted chains that never end.
    pub(crate) inflight: usize,
    /// Processes at work at the same time.
    pub(crate) active: usize,
    /// Share of events whose records are mixed with the next one's.
    pub(crate) interleave: f64,
    /// Records have the tail of `log_format = ENRICHED`.
    pub(crate) enriched: bool,
    /// Events end with an `EOE` record.
    pub(crate) eoe: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            events: 100_000,
            hosts: 1,
            seed: 1,
            attacks: 20,
            decoys: 60,
            inflight: 0,
            active: 64,
            interleave: 0.05,
            enriched: false,
            eoe: true,
        }
    }
}

/// What a log holds.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Events.
    pub(crate) events: u64,
    records: u64,
    raw_bytes: usize,
    ecs_bytes: usize,
    by_kind: Map<String, Value>,
    planted: Map<String, Value>,
}

impl Truth {
    fn planted(&self, chain: &str) -> u64 {
        self.planted.get(chain).and_then(Value::as_u64).unwrap_or(0)
    }

    /// Chains that a sequence finds whose connect must have succeeded.
    pub(crate) fn sequences(&self) -> u64 {
        self.planted("attack")
    }

    /// As it is written into files.
    pub(crate) fn json(&self, options: &Options) -> Value {
        let (whole, failed, reordered) =
            (self.sequences(), self.planted("failed_connect"), self.planted("reordered"));
        json!({
            "seed": options.seed,
            "hosts": options.hosts,
            "events": self.events,
            "records": self.records,
            "raw_bytes": self.raw_bytes,
            "ecs_bytes": self.ecs_bytes,
            "enriched": options.enriched,
            "by_kind": self.by_kind,
            "planted": self.planted,
            "expect": {
                "sequence_outcome_success": whole,
                "sequence_any_outcome": whole + failed,
                "sample_outcome_success": whole + reordered,
                "sample_any_outcome": whole + failed + reordered,
            },
        })
    }
}

/// Counts one more.
fn count(counts: &mut Map<String, Value>, name: &str) {
    match counts.get_mut(name) {
        Some(Value::Number(number)) => *number = (number.as_u64().unwrap_or(0) + 1).into(),
        _ => _ = counts.insert(name.to_owned(), 1.into()),
    }
}

/// A log as records, for what fits into memory.
pub(crate) fn raw(options: &Options) -> Vec<u8> {
    let mut log = Vec::new();
    // A vector takes all that is written to it.
    let _ = write(options, Some(&mut log), None);
    log
}

/// A log as lines of ECS, for what fits into memory.
pub(crate) fn ecs(options: &Options) -> Vec<u8> {
    let mut log = Vec::new();
    let _ = write(options, None, Some(&mut log));
    log
}

/// Writes a log.
///
/// # Errors
///
/// Those of the writers.
pub(crate) fn write(
    options: &Options,
    mut raw: Option<&mut dyn Write>,
    mut ecs: Option<&mut dyn Write>,
) -> io::Result<Truth> {
    let style = Style {
        hosts: options.hosts,
        enriched: options.enriched,
        eoe: options.eoe,
        ecs: ecs.is_some(),
    };
    let mut writer = Writer::new(style);
    let mut run = Run::new(options);
    let (mut present, mut held) = (Text::default(), Text::default());
    let mut is_held = false;
    while let Some((step, millis, serial)) = run.next() {
        writer.write(&mut run.random, &step, millis, serial, &mut present);
        run.truth.events += 1;
        run.truth.records += present.ends.len() as u64;
        run.truth.raw_bytes += present.raw.len();
        run.truth.ecs_bytes += present.ecs.len();
        count(&mut run.truth.by_kind, step.act.name());
        if is_held {
            if let Some(raw) = &mut raw {
                mix(&held, &present, *raw)?;
            }
            if let Some(ecs) = &mut ecs {
                ecs.write_all(held.ecs.as_bytes())?;
            }
            is_held = false;
        } else if run.random.chance(options.interleave) && present.ends.len() > 1 {
            std::mem::swap(&mut held, &mut present);
            is_held = true;
            continue;
        } else if let Some(raw) = &mut raw {
            raw.write_all(present.raw.as_bytes())?;
        }
        if let Some(ecs) = &mut ecs {
            ecs.write_all(present.ecs.as_bytes())?;
        }
    }
    if is_held {
        if let Some(raw) = &mut raw {
            raw.write_all(held.raw.as_bytes())?;
        }
        if let Some(ecs) = &mut ecs {
            ecs.write_all(held.ecs.as_bytes())?;
        }
    }
    Ok(run.truth)
}

/// Writes the records of two events: the second half of each behind the first halves of both.
fn mix(first: &Text, second: &Text, out: &mut dyn Write) -> io::Result<()> {
    let cut = |text: &Text| {
        let records = (text.ends.len() / 2).max(1);
        text.ends.get(records - 1).copied().unwrap_or(0)
    };
    let (one, two) = (first.raw.split_at(cut(first)), second.raw.split_at(cut(second)));
    for part in [one.0, two.0, one.1, two.1] {
        out.write_all(part.as_bytes())?;
    }
    Ok(())
}

/// A script that is being followed.
#[derive(Debug)]
struct Script {
    /// What is left, last first.
    steps: Vec<Step>,
    is_chain: bool,
}

/// A log while it is made.
#[derive(Debug)]
struct Run {
    events: u64,
    active_at_once: usize,
    random: Random,
    machines: Machines,
    /// By machine.
    serials: Vec<u32>,
    millis: i64,
    /// Chains by the number of the event before which they begin.
    plan: BTreeMap<u64, Vec<Chain>>,
    active: Vec<Script>,
    made: u64,
    truth: Truth,
}

impl Run {
    fn new(options: &Options) -> Self {
        let mut random = Random::new(options.seed);
        let chains = std::iter::repeat_n(Chain::Attack, options.attacks)
            .chain((0..options.decoys).map(|number| Chain::NearMiss(number % NEAR_MISSES.len())))
            .chain(std::iter::repeat_n(Chain::InFlight, options.inflight));
        let span = (options.events as f64 * 0.9) as usize;
        let mut plan: BTreeMap<u64, Vec<Chain>> = BTreeMap::new();
        for chain in chains {
            plan.entry(random.below(span.max(1)) as u64).or_default().push(chain);
        }
        Self {
            events: options.events,
            active_at_once: options.active,
            random,
            machines: Machines::new(options.hosts),
            serials: vec![1000; options.hosts],
            millis: 1_760_000_000_000,
            plan,
            active: Vec::new(),
            made: 0,
            truth: Truth::default(),
        }
    }

    /// What happens next, with its time and serial number.
    fn next(&mut self) -> Option<(Step, i64, u32)> {
        loop {
            let open = |script: &Script| script.is_chain && !script.steps.is_empty();
            if self.made >= self.events && self.plan.is_empty() && !self.active.iter().any(open) {
                return None;
            }
            self.begin();
            if self.active.is_empty() {
                return None;
            }
            let number = self.random.below(self.active.len());
            let Some(step) = self.active[number].steps.pop() else {
                self.active.swap_remove(number);
                continue;
            };
            self.made += 1;
            if !self.random.chance(0.6) {
                self.millis += i64::from(self.random.range(1, 4));
            }
            let serial = &mut self.serials[step.process.host];
            *serial += 1;
            return Some((step, self.millis, *serial));
        }
    }

    /// Begins the chains whose turn it is, and as much background as there is room for.
    fn begin(&mut self) {
        let is_over = self.made >= self.events;
        while let Some(entry) = self.plan.first_entry()
            && (is_over || *entry.key() <= self.made)
        {
            for chain in entry.remove() {
                count(&mut self.truth.planted, chain.name());
                let steps = self.machines.chain(&mut self.random, chain);
                self.follow(steps, true);
            }
        }
        while self.active.len() < self.active_at_once && !is_over {
            let host = self.random.below(self.serials.len());
            let steps = self.machines.background(&mut self.random, host);
            self.follow(steps, false);
        }
    }

    fn follow(&mut self, mut steps: Vec<Step>, is_chain: bool) {
        steps.reverse();
        self.active.push(Script { steps, is_chain });
    }
}
