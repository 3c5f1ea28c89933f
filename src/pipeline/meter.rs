//! [`Meter`]: what the phases of a run cost, measured only when somebody asks.
//!
//! In: the ends of phases, while events go by. Out: [`Costs`]. A run is generic in its meter: with [`Off`]
//! every call is empty and compiled away, so that a run nobody measures has no clock on the path of an
//! event. What is done once a block of input, and every alert, is timed each time; of events every
//! seventeenth is timed phase by phase and another seventeenth rule by rule; they stand for the others, because a
//! look at the clock costs as much as a small phase does. What a look costs is measured first and taken off.
//!
//! The clock is the caller's: only `cli` has one. Measured is one thread: phases of several overlap. A meter sees no content and changes nothing: what
//! is found is the same with and without one.

use std::time::Duration;

use crate::engine::Probe;
use crate::plan::RuleIx;

/// One event of so many is timed phase by phase. A prime: what a log repeats, it repeats in rounder numbers.
const EVERY: u64 = 17;
/// And one rule by rule, so many behind it.
const BETWEEN: u64 = EVERY / 2;
/// Looks at the clock to find out what one costs.
const LOOKS: u32 = 1000;

/// A part of the work on events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Blocks of input are read and decompressed.
    Read,
    /// Lines are found in them and parsed, and the records of one event are brought together.
    Gather,
    /// Events are put in order.
    Order,
    /// The fields that rules ask for are filled in.
    Fields,
    /// Process context is attached.
    Processes,
    /// The stages that events satisfy are found.
    Predicates,
    /// Partials are stepped, and end when their time is up.
    Machines,
    /// Matches become alerts and are written.
    Alerts,
}

impl Phase {
    /// All of them, in the order in which an event goes through them.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Gather,
        Self::Order,
        Self::Fields,
        Self::Processes,
        Self::Predicates,
        Self::Machines,
        Self::Alerts,
    ];

    /// Whether only some events are timed for it, once blocks are done.
    fn is_sampled(self) -> bool {
        matches!(self, Self::Fields | Self::Processes | Self::Predicates | Self::Machines)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Gather => "gather",
            Self::Order => "order",
            Self::Fields => "fields",
            Self::Processes => "processes",
            Self::Predicates => "predicates",
            Self::Machines => "machines",
            Self::Alerts => "alerts",
        }
    }
}

/// What a run cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    /// Time by phase, as [`Phase::ALL`] lists them.
    pub phases: [Duration; Phase::ALL.len()],
    /// By rule: the time of its own machine. Predicates are shared and nobody's.
    pub rules: Vec<Duration>,
    /// Events that were timed phase by phase.
    pub sampled: u64,
    /// Events of which nothing was filled in because no rule can use them.
    pub passed: u64,
    /// Values whose tests were remembered, and all values that were looked up.
    pub remembered: (u64, u64),
}

impl Costs {
    /// What a phase took.
    pub fn of(&self, phase: Phase) -> Duration {
        self.phases.get(phase as usize).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, phase: Phase, spent: Duration) {
        if let Some(sum) = self.phases.get_mut(phase as usize) {
            *sum += spent;
        }
    }

    /// The same, of a run that took so long in all. An event that is timed takes longer than others, if only because
    /// it waits for the clock: where phases that a sample stands for add up to more than there was, each keeps its
    /// share of what there was.
    #[must_use]
    pub fn within(mut self, whole: Duration) -> Self {
        let timed = Phase::ALL.into_iter().filter(|phase| !phase.is_sampled());
        let left = whole.saturating_sub(timed.map(|phase| self.of(phase)).sum()).as_nanos();
        let sampled = Phase::ALL.into_iter().filter(|phase| phase.is_sampled());
        let spent = sampled.map(|phase| self.of(phase)).sum::<Duration>().as_nanos();
        if spent > left {
            let phases = Phase::ALL.into_iter().zip(&mut self.phases);
            let phases = phases.filter(|(phase, _)| phase.is_sampled()).map(|(_, part)| part);
            phases.chain(&mut self.rules).for_each(|part| *part = scaled(*part, left, spent));
        }
        self
    }
}

/// Whoever is told the ends of phases.
pub(super) trait Meter: Probe {
    /// Another event begins.
    fn event(&mut self);

    /// A phase of it has ended, and the next one begins.
    fn lap(&mut self, phase: Phase);

    /// Alerts begin.
    fn begin_alerts(&mut self);

    /// And end.
    fn end_alerts(&mut self);
}

/// Nobody.
#[derive(Debug)]
pub(super) struct Off;

impl Probe for Off {
    #[inline(always)]
    fn stepped(&mut self, _: RuleIx) {}
}

impl Meter for Off {
    #[inline(always)]
    fn event(&mut self) {}

    #[inline(always)]
    fn lap(&mut self, _: Phase) {}

    #[inline(always)]
    fn begin_alerts(&mut self) {}

    #[inline(always)]
    fn end_alerts(&mut self) {}
}

/// Tells the time, counted from anywhere.
pub type Time = fn() -> Duration;

/// A clock that knows what a look at it costs.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    now: Time,
    last: Duration,
    look: Duration,
}

impl Clock {
    pub(super) fn new(now: Time) -> Self {
        let started = now();
        let mut last = started;
        for _ in 0..LOOKS {
            last = now();
        }
        Self { now, last, look: last.saturating_sub(started) / LOOKS }
    }

    /// A stretch begins.
    pub(super) fn start(&mut self) {
        self.last = (self.now)();
    }

    /// A stretch has ended, and the next one begins.
    pub(super) fn lap(&mut self) -> Duration {
        let now = (self.now)();
        let spent = now.saturating_sub(self.last).saturating_sub(self.look);
        self.last = now;
        spent
    }
}

/// A stretch of the work on an event that takes longer was interrupted, by another program or by memory that had to
/// be found: its like does not happen to every event.
const PAUSE: Duration = Duration::from_millis(1);

/// Times one stretch of every seventeenth event. A stretch with a pause stands for itself alone.
#[derive(Debug)]
pub(super) struct Sampler {
    clock: Clock,
    seen: u64,
    sampled: u64,
    spent: Duration,
    pauses: Duration,
    is_on: bool,
}

impl Sampler {
    pub(super) fn new(now: Time) -> Self {
        let (clock, spent, pauses) = (Clock::new(now), Duration::ZERO, Duration::ZERO);
        Self { clock, seen: 0, sampled: 0, spent, pauses, is_on: false }
    }

    /// The stretch of another event begins.
    pub(super) fn begin(&mut self) {
        self.is_on = self.seen.is_multiple_of(EVERY);
        self.seen += 1;
        if self.is_on {
            self.sampled += 1;
            self.clock.start();
        }
    }

    /// And ends.
    pub(super) fn end(&mut self) {
        if self.is_on {
            let spent = self.clock.lap();
            let sum = if spent < PAUSE { &mut self.spent } else { &mut self.pauses };
            *sum += spent;
        }
    }

    /// What the stretches of all events took, as far as the sampled ones tell.
    pub(super) fn spent(&self) -> Duration {
        scaled(self.spent, self.seen.into(), self.sampled.into()) + self.pauses
    }
}

/// Times reading and gathering, once a block.
#[derive(Debug)]
pub(super) struct BlockTimes {
    clock: Clock,
    pub(super) reading: Duration,
    pub(super) gathering: Duration,
}

impl BlockTimes {
    pub(super) fn new(now: Time) -> Self {
        Self { clock: Clock::new(now), reading: Duration::ZERO, gathering: Duration::ZERO }
    }

    /// A block is going to be read.
    pub(super) fn start(&mut self) {
        self.clock.start();
    }

    /// It has been read.
    pub(super) fn read(&mut self) {
        self.reading += self.clock.lap();
    }

    /// What it holds has been gathered.
    pub(super) fn gathered(&mut self) {
        self.gathering += self.clock.lap();
    }
}

/// What is timed in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Nothing,
    Phases,
    /// What each rule takes of [`Phase::Machines`]. Hundreds of looks at the clock in one event: its phases would
    /// seem longer than those of others.
    Rules,
}

/// Measures.
#[derive(Debug)]
pub(super) struct On {
    clock: Clock,
    /// Alerts have a clock of their own: they are timed in events that are not sampled too.
    alerts: Clock,
    seen: u64,
    turn: Turn,
    costs: Costs,
    /// Everything between the looks at the clock of events that are timed rule by rule.
    by_rule: Duration,
}

impl On {
    /// For so many rules.
    pub(super) fn new(now: Time, rules: usize) -> Self {
        let clock = Clock::new(now);
        let costs = Costs { rules: vec![Duration::ZERO; rules], ..Costs::default() };
        Self {
            alerts: clock.clone(),
            clock,
            seen: 0,
            turn: Turn::Nothing,
            costs,
            by_rule: Duration::ZERO,
        }
    }

    /// What all events cost, as far as the sampled ones tell.
    pub(super) fn costs(&self) -> Costs {
        let mut costs = self.costs.clone();
        for (phase, spent) in Phase::ALL.into_iter().zip(&mut costs.phases) {
            if phase != Phase::Alerts {
                *spent = scaled(*spent, self.seen.into(), costs.sampled.into());
            }
        }
        let machines = costs.of(Phase::Machines).as_nanos();
        for spent in &mut costs.rules {
            *spent = scaled(*spent, machines, self.by_rule.as_nanos());
        }
        costs
    }
}

impl Probe for On {
    fn stepped(&mut self, rule: RuleIx) {
        if self.turn == Turn::Rules {
            let spent = self.clock.lap();
            self.by_rule += spent;
            if let Some(sum) = self.costs.rules.get_mut(rule.index()) {
                *sum += spent;
            }
        }
    }
}

impl Meter for On {
    fn event(&mut self) {
        self.turn = match self.seen % EVERY {
            0 => Turn::Phases,
            BETWEEN => Turn::Rules,
            _ => Turn::Nothing,
        };
        self.seen += 1;
        if self.turn == Turn::Phases {
            self.costs.sampled += 1;
            self.clock.start();
        }
    }

    fn lap(&mut self, phase: Phase) {
        match self.turn {
            Turn::Nothing => {}
            Turn::Phases => {
                let spent = self.clock.lap();
                self.costs.add(phase, spent);
            }
            Turn::Rules if phase == Phase::Machines => self.by_rule += self.clock.lap(),
            Turn::Rules => self.clock.start(),
        }
    }

    fn begin_alerts(&mut self) {
        self.alerts.start();
    }

    fn end_alerts(&mut self) {
        let spent = self.alerts.lap();
        self.costs.add(Phase::Alerts, spent);
        self.clock.start();
    }
}

/// What all took, when some of them took so long.
fn scaled(spent: Duration, all: u128, some: u128) -> Duration {
    let nanos = spent.as_nanos().saturating_mul(all) / some.max(1);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    /// A look costs ten nanoseconds, and nothing else takes time but `work`.
    fn now() -> Duration {
        NOW.set(NOW.get() + 10);
        Duration::from_nanos(NOW.get())
    }

    fn work(nanos: u64) {
        NOW.set(NOW.get() + nanos);
    }

    #[test]
    fn one_event_of_seventeen_stands_for_the_others_and_every_alert_for_itself() {
        let mut meter = On::new(now, 2);
        for number in 0..2 * EVERY {
            meter.event();
            work(100);
            meter.lap(Phase::Fields);
            work(25);
            meter.stepped(RuleIx(1));
            work(10);
            meter.lap(Phase::Machines);
            if number % 2 == 0 {
                meter.begin_alerts();
                work(1000);
                meter.end_alerts();
            }
        }
        let costs = meter.costs();
        let events = 2 * EVERY;
        assert_eq!(costs.sampled, 2);
        assert_eq!(costs.of(Phase::Fields), Duration::from_nanos(100 * events));
        assert_eq!(costs.of(Phase::Machines), Duration::from_nanos(35 * events));
        assert_eq!(costs.rules, [Duration::ZERO, Duration::from_nanos(25 * events)]);
        assert_eq!(costs.of(Phase::Alerts), Duration::from_nanos(1000 * events / 2));
    }

    #[test]
    fn events_that_are_timed_rule_by_rule_do_not_stand_for_phases() {
        let mut meter = On::new(now, 1);
        for number in 0..3 * EVERY {
            meter.event();
            work(100);
            meter.lap(Phase::Predicates);
            // Looks at the clock make this one ten times as long.
            work(if number % EVERY == BETWEEN { 300 } else { 30 });
            meter.stepped(RuleIx(0));
            work(if number % EVERY == BETWEEN { 100 } else { 10 });
            meter.lap(Phase::Machines);
        }
        let costs = meter.costs();
        let events = 3 * EVERY;
        assert_eq!(costs.of(Phase::Machines), Duration::from_nanos(40 * events));
        assert_eq!(costs.rules, [Duration::from_nanos(30 * events)]);
    }

    #[test]
    fn phases_are_never_more_than_there_was() {
        let mut costs = Costs { rules: vec![Duration::from_secs(3)], ..Costs::default() };
        costs.add(Phase::Read, Duration::from_secs(2));
        costs.add(Phase::Fields, Duration::from_secs(4));
        costs.add(Phase::Machines, Duration::from_secs(12));
        assert_eq!(costs.clone().within(Duration::from_secs(18)), costs);
        assert_eq!(costs.clone().within(Duration::from_secs(60)), costs);
        let costs = costs.within(Duration::from_secs(10));
        assert_eq!(costs.of(Phase::Read), Duration::from_secs(2));
        assert_eq!(costs.of(Phase::Fields), Duration::from_secs(2));
        assert_eq!(costs.of(Phase::Machines), Duration::from_secs(6));
        assert_eq!(costs.rules, [Duration::from_millis(1500)]);
    }

    #[test]
    fn what_blocks_cost_is_all_of_it() {
        let mut times = BlockTimes::new(now);
        for _ in 0..3 {
            times.start();
            work(7);
            times.read();
            work(20);
            times.gathered();
            // Between blocks nothing counts.
            work(1000);
        }
        assert_eq!(times.reading, Duration::from_nanos(21));
        assert_eq!(times.gathering, Duration::from_nanos(60));
    }

    #[test]
    fn a_pause_stands_for_itself() {
        let mut sampler = Sampler::new(now);
        for event in 0..EVERY * 10 {
            sampler.begin();
            work(if event == 0 { 5_000_000 } else { 100 });
            sampler.end();
        }
        let spent = sampler.spent();
        let pause = Duration::from_millis(5);
        assert!(spent > pause && spent < pause + Duration::from_micros(20), "{spent:?}");
    }

    #[test]
    fn nothing_measured_is_no_time() {
        assert_eq!(Sampler::new(now).spent(), Duration::ZERO);
        assert_eq!(On::new(now, 0).costs(), Costs::default());
    }
}
