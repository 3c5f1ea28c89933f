//! Attacks: the log of a case that fires, changed as somebody could who wants to hide.
//!
//! In: a rule and its cases. Out: for each kind of attack and each case that fires, whether the rule still
//! does. Only the first alert of a case is attacked. An attack that makes no sense for a match - nothing
//! lies between the stages of one event - is not made. No rule must hold against all of them: what is
//! reported is what it costs to get past it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::record::{self, BETWEEN, Event, Key, RENAMED};
use crate::check::ir::QueryKind;
use crate::prove::{Found, Log, Piece, Ready};
use crate::rule::Rule;
use crate::time::{Duration, Timestamp};

/// Most cases of a rule that are attacked.
const MAX_CASES: usize = 16;
/// Most attacks of one kind on one match: a sequence may have hundreds of stages.
const MAX_ALIKE: usize = 8;
/// Room made for events that are put between others, in time and in serial numbers.
const GAP: Duration = Duration::from_millis(20);
const GAP_SERIALS: u32 = 4;
/// How much longer than it would have to an attacker waits.
const LONGER: Duration = Duration::from_secs(1);
/// Process ids that hardly a process of a log has: the largest there can be.
const CHILD: &str = "4194303";
const PARENT: &str = "4194302";

/// Kinds of attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttackKind {
    /// A program of the match has another name.
    Rename,
    /// Its argument list has one of no effect more, behind the program.
    PadFront,
    /// The same, at the end.
    PadEnd,
    /// Between two stages of one process it starts another program, and that starts the first again.
    ExecBetween,
    /// Between two stages of one process it forks, and the child goes on.
    ForkBetween,
    /// A program stands between the process and its parent.
    Wrap,
    /// Two neighbouring events of the match happen in the other order.
    Reorder,
    /// Between two stages of one process it ends, and another one gets its number and goes on.
    PidReuse,
    /// The attacker waits between the stages as long as the rule allows.
    DelayWithin,
    /// He waits longer.
    DelayBeyond,
}

impl AttackKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Rename,
        Self::PadFront,
        Self::PadEnd,
        Self::ExecBetween,
        Self::ForkBetween,
        Self::Wrap,
        Self::Reorder,
        Self::PidReuse,
        Self::DelayWithin,
        Self::DelayBeyond,
    ];

    /// As in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::PadFront => "pad-front",
            Self::PadEnd => "pad-end",
            Self::ExecBetween => "exec-between",
            Self::ForkBetween => "fork-between",
            Self::Wrap => "wrap",
            Self::Reorder => "reorder",
            Self::PidReuse => "pid-reuse",
            Self::DelayWithin => "delay-within",
            Self::DelayBeyond => "delay-beyond",
        }
    }

    /// What to do about a rule that does not hold.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Rename => {
                "the name alone tells the program: ask for what it does - arguments, parent, \
                 destination - or let another rule find programs run from where users may write"
            }
            Self::PadFront | Self::PadEnd => {
                "an argument is looked for at its place, or the whole command line: ask with \
                 `process.args` for the one argument that matters"
            }
            Self::ExecBetween => {
                "another program between the stages ends the match: look at `until` and at keys that \
                 change with every program, such as `process.entity_id`"
            }
            Self::ForkBetween => {
                "the stages must be of one process: join a stage by `process.parent.pid` or \
                 `process.Ext.ancestry`, or add a rule for the child"
            }
            Self::Wrap => {
                "the parent must be the direct one: ask `process.ancestors.name` or \
                 `process.Ext.ancestry` instead"
            }
            Self::Reorder => {
                "the order is part of the rule: where an attacker can choose it, use `sample`"
            }
            Self::PidReuse => {
                "it fires on two processes that had the same number: add `process.parent.pid` to the \
                 join, use `process.entity_id`, or end the match with `until`"
            }
            Self::DelayWithin => {
                "it does not fire although the stages lie within its time: look at `until`, at missing \
                 stages and at the lateness of the case"
            }
            Self::DelayBeyond => {
                "who waits longer is not seen: that is what a bound in time costs; choose it knowingly"
            }
        }
    }
}

/// What became of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The rule did what it should: it fired, or told two processes apart.
    Held,
    /// It did not fire.
    Evaded,
    /// It fired on two processes as if they were one.
    Confused,
}

impl Outcome {
    /// As in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Evaded => "evaded",
            Self::Confused => "confused",
        }
    }
}

/// An attack that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// Its kind.
    pub kind: AttackKind,
    /// The case whose log it changed.
    pub case: String,
    /// What was changed; words of others in it are not escaped.
    pub what: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// Attacks the first alert of every case.
///
/// # Errors
///
/// When a log cannot be run.
pub(super) fn attacks(rule: &Rule, ready: &[Ready<'_>]) -> Result<Vec<Attack>, String> {
    let mut attacks = Vec::new();
    for ready in ready.iter().filter(|ready| !ready.found.is_empty()).take(MAX_CASES) {
        let Some(found) = ready.found.first() else { continue };
        let Some(whole) = Scene::new(rule, ready, found)? else { continue };
        // Most of a log has nothing to do with the match, and need not be read again for each attack.
        let close = whole.close();
        let (scene, before) = match ready.count(&close.log.bytes())? {
            0 => (whole, ready.found.len()),
            count => (close, count),
        };
        scene.attacks(&mut |(kind, what, log)| {
            let fires = ready.count(&log.bytes())? >= before;
            let outcome = match (kind, fires) {
                (AttackKind::PidReuse, true) => Outcome::Confused,
                (AttackKind::PidReuse, false) | (_, true) => Outcome::Held,
                (_, false) => Outcome::Evaded,
            };
            attacks.push(Attack { kind, case: ready.case.name.clone(), what, outcome });
            Ok(())
        })?;
    }
    attacks.sort_by_key(|attack| attack.kind);
    Ok(attacks)
}

/// A match in its log.
struct Scene<'a> {
    log: Log,
    /// The field that JSON events say their time in.
    time_field: &'a str,
    /// Its events in order of time, as places among the pieces.
    steps: Vec<usize>,
    /// The longest time the rule allows from first to last.
    bound: Option<Duration>,
}

type Tried = (AttackKind, String, Log);

impl<'a> Scene<'a> {
    /// `None` when the events of the match are not lines of their own.
    fn new(rule: &Rule, ready: &'a Ready<'_>, found: &Found) -> Result<Option<Self>, String> {
        let log = ready.log()?;
        let events = found.events.iter().flatten();
        let Some(mut steps) = events.map(|kept| log.find(kept)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let bound = match &rule.query.kind {
            QueryKind::Event(_) => None,
            QueryKind::Sequence(sequence) => sequence.maxspan.or(rule.options.window),
            QueryKind::Sample(_) => rule.options.window,
        };
        let order = |step: &usize| log.pieces.get(*step).map(|piece| (piece.time, piece.serial()));
        steps.sort_by_key(order);
        steps.dedup();
        let time_field = &ready.schema().events().timestamp;
        Ok(Some(Self { log, time_field, steps, bound }))
    }

    /// Only the events of the match, of its processes and of their ancestors.
    fn close(&self) -> Self {
        let json = self.log.is_json();
        let of =
            |piece: &Piece| [Key::Pid, Key::ParentPid].map(|key| record::read(piece, json, key));
        let pids: Vec<[Option<String>; 2]> = self.log.pieces.iter().map(of).collect();
        let mut parents: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for [pid, parent] in &pids {
            if let (Some(pid), Some(parent)) = (pid, parent) {
                parents.entry(pid).or_default().insert(parent);
            }
        }
        let matched = self.steps.iter().filter_map(|step| pids.get(*step)).flatten().flatten();
        let mut open: Vec<&str> = matched.map(String::as_str).collect();
        let mut close: HashSet<&str> = open.iter().copied().collect();
        while let Some(pid) = open.pop() {
            let above = parents.get(pid).into_iter().flatten();
            open.extend(above.filter(|parent| close.insert(parent)));
        }
        let mut log = self.log.clone();
        let mut steps = Vec::new();
        log.pieces.clear();
        for ((place, piece), [pid, _]) in self.log.pieces.iter().enumerate().zip(&pids) {
            let step = self.steps.contains(&place);
            if step {
                steps.push((self.steps.iter().position(|step| *step == place), log.pieces.len()));
            }
            if step || pid.as_deref().is_some_and(|pid| close.contains(pid)) {
                log.pieces.push(piece.clone());
            }
        }
        // In order of time, as before.
        steps.sort_unstable();
        let steps = steps.into_iter().map(|(_, place)| place).collect();
        Self { log, time_field: self.time_field, steps, bound: self.bound }
    }

    /// Hands out one attack after the other: a log may be large.
    fn attacks(&self, hand: &mut dyn FnMut(Tried) -> Result<(), String>) -> Result<(), String> {
        for program in self.programs().iter().take(MAX_ALIKE) {
            hand(self.rename(program))?;
        }
        for kind in [AttackKind::PadFront, AttackKind::PadEnd] {
            self.pad(kind).map_or(Ok(()), &mut *hand)?;
        }
        self.wrap().map_or(Ok(()), &mut *hand)?;
        for pair in self.steps.windows(2).take(MAX_ALIKE) {
            let [one, next] = pair else { continue };
            self.reorder(*one, *next).map_or(Ok(()), &mut *hand)?;
        }
        // Every pair of stages of one process would be the same question again.
        let same = |pair: &&[usize]| {
            let mut pids = pair.iter().map(|step| self.text(*step, Key::Pid));
            pids.next().flatten().is_some_and(|pid| pids.all(|other| other.as_ref() == Some(&pid)))
        };
        if let Some([one, next]) = self.steps.windows(2).find(same) {
            self.exec_between(*one, *next).map_or(Ok(()), &mut *hand)?;
            self.fork_between(*one, *next).map_or(Ok(()), &mut *hand)?;
            self.pid_reuse(*one, *next).map_or(Ok(()), &mut *hand)?;
        }
        for kind in [AttackKind::DelayWithin, AttackKind::DelayBeyond] {
            self.delay(kind).map_or(Ok(()), &mut *hand)?;
        }
        Ok(())
    }

    fn text(&self, step: usize, key: Key) -> Option<String> {
        record::read(self.log.pieces.get(step)?, self.log.is_json(), key)
    }

    /// Names and paths of the programs of the match.
    fn programs(&self) -> Vec<(String, String)> {
        let mut programs: Vec<(String, String)> = Vec::new();
        for step in &self.steps {
            let Some(name) = self.text(*step, Key::Name) else { continue };
            let path = self.text(*step, Key::Executable).unwrap_or_default();
            if !programs.contains(&(name.clone(), path.clone())) {
                programs.push((name, path));
            }
        }
        programs
    }

    fn rename(&self, (name, path): &(String, String)) -> Tried {
        let mut log = self.log.clone();
        let json = log.is_json();
        for piece in &mut log.pieces {
            Event { piece, json }.rename((name, path), RENAMED);
        }
        (AttackKind::Rename, format!("`{name}` is called `{RENAMED}`"), log)
    }

    fn pad(&self, kind: AttackKind) -> Option<Tried> {
        let front = kind == AttackKind::PadFront;
        let mut log = self.log.clone();
        let json = log.is_json();
        let mut padded = false;
        for step in &self.steps {
            let piece = log.pieces.get_mut(*step)?;
            if record::is_exec(piece, json) {
                padded |= Event { piece, json }.pad(front);
            }
        }
        let place = if front { "behind the program" } else { "at the end" };
        padded.then(|| (kind, format!("an argument `--` more, {place}"), log))
    }

    /// Another program starts the first program of the match and stays its parent.
    fn wrap(&self) -> Option<Tried> {
        let json = self.log.is_json();
        let is_exec = |step: &&usize| {
            self.log.pieces.get(**step).is_some_and(|piece| record::is_exec(piece, json))
        };
        let step = *self.steps.iter().find(is_exec)?;
        let pid = self.text(step, Key::Pid)?;
        let mut log = self.log.clone();
        let (piece, later) = self.make_room(&mut log, step)?;
        let mut before = piece.clone();
        let mut event = Event { piece: &mut before, json };
        event.between();
        event.write(Key::Pid, PARENT);
        event.other_entity();
        for place in &later {
            if let Some(piece) = log.pieces.get_mut(*place)
                && record::read(piece, json, Key::Pid).as_ref() == Some(&pid)
            {
                Event { piece, json }.parent(PARENT, Some(BETWEEN));
            }
        }
        log.pieces.insert(step, before);
        let name = self.text(step, Key::Name).unwrap_or_default();
        let what = format!("`{BETWEEN}` starts `{name}` and stays its parent");
        Some((AttackKind::Wrap, what, log))
    }

    fn exec_between(&self, one: usize, next: usize) -> Option<Tried> {
        let json = self.log.is_json();
        let exec = self.exec_of(one)?;
        let mut log = self.log.clone();
        let (at, _) = self.make_room(&mut log, next)?;
        let (time, serial) = (at.time, at.serial());
        let mut other = self.log.pieces.get(exec)?.clone();
        let mut again = other.clone();
        Event { piece: &mut other, json }.between();
        for (piece, number) in [(&mut other, 0), (&mut again, 1)] {
            let at = time.plus(Duration::from_millis(5 * i64::from(number)));
            self.place(piece, at, serial.map(|serial| serial.saturating_add(number)))?;
        }
        log.pieces.splice(next..next, [other, again]);
        let what =
            format!("between its stages the process runs `{BETWEEN}`, then its program again");
        Some((AttackKind::ExecBetween, what, log))
    }

    fn fork_between(&self, one: usize, next: usize) -> Option<Tried> {
        let json = self.log.is_json();
        let (pid, name) = (self.text(one, Key::Pid)?, self.text(one, Key::Name));
        let mut log = self.log.clone();
        for place in self.not_before(next) {
            if let Some(piece) = log.pieces.get_mut(place)
                && record::read(piece, json, Key::Pid).as_ref() == Some(&pid)
            {
                let mut event = Event { piece, json };
                event.write(Key::Pid, CHILD);
                event.parent(&pid, name.as_deref());
                event.other_entity();
            }
        }
        let what = "the process forks between its stages, and the child goes on".to_owned();
        Some((AttackKind::ForkBetween, what, log))
    }

    fn pid_reuse(&self, one: usize, next: usize) -> Option<Tried> {
        let json = self.log.is_json();
        let pid = self.text(one, Key::Pid)?;
        let mut log = self.log.clone();
        let (at, later) = self.make_room(&mut log, next)?;
        let mut end = self.log.pieces.get(one)?.clone();
        if !(Event { piece: &mut end, json }).end() {
            return None;
        }
        self.place(&mut end, at.time, at.serial())?;
        for place in &later {
            if let Some(piece) = log.pieces.get_mut(*place)
                && record::read(piece, json, Key::Pid).as_ref() == Some(&pid)
            {
                let mut event = Event { piece, json };
                event.parent(PARENT, Some("other"));
                event.other_entity();
            }
        }
        log.pieces.insert(next, end);
        let what =
            "the process ends between its stages, and another one gets its number".to_owned();
        Some((AttackKind::PidReuse, what, log))
    }

    fn reorder(&self, one: usize, next: usize) -> Option<Tried> {
        let mut log = self.log.clone();
        let (first, second) = (self.log.pieces.get(one)?, self.log.pieces.get(next)?);
        self.place(log.pieces.get_mut(one)?, second.time, second.serial())?;
        self.place(log.pieces.get_mut(next)?, first.time, first.serial())?;
        if log.is_json() {
            log.pieces.swap(one, next);
        }
        let number = self.steps.iter().position(|step| *step == one).unwrap_or(0) + 1;
        let what = format!("events {number} and {} of the match in the other order", number + 1);
        Some((AttackKind::Reorder, what, log))
    }

    fn delay(&self, kind: AttackKind) -> Option<Tried> {
        let bound = self.bound?;
        let [first, second, ..] = self.steps.as_slice() else { return None };
        let time = |step: &usize| self.log.pieces.get(*step).map(|piece| piece.time);
        let took = time(self.steps.last()?)?.since(time(first)?);
        let (longer, more) = match kind {
            AttackKind::DelayBeyond => (LONGER, "1s more than "),
            _ => (Duration(0), ""),
        };
        let by = Duration(bound.0.saturating_sub(took.0).saturating_add(longer.0));
        let mut log = self.log.clone();
        for place in self.not_before(*second) {
            let piece = log.pieces.get_mut(place)?;
            self.place(piece, piece.time.plus(by), None)?;
        }
        let what = format!("the match takes {more}the {bound} that the rule allows");
        Some((kind, what, log))
    }

    /// The start of the program that a process runs.
    fn exec_of(&self, step: usize) -> Option<usize> {
        let json = self.log.is_json();
        let pid = self.text(step, Key::Pid)?;
        let earlier = self.log.pieces.iter().enumerate().take(step.saturating_add(1));
        let own = earlier.filter(|(_, piece)| {
            record::is_exec(piece, json)
                && record::read(piece, json, Key::Pid).as_ref() == Some(&pid)
        });
        own.map(|(place, _)| place).next_back()
    }

    /// Places of the piece and of all that happened later.
    fn not_before(&self, step: usize) -> Vec<usize> {
        let order = |(place, piece): (usize, &Piece)| (piece.time, piece.serial(), place);
        let Some(from) = self.log.pieces.get(step).map(|piece| order((step, piece))) else {
            return Vec::new();
        };
        let pieces = self.log.pieces.iter().enumerate();
        pieces.filter(|piece| order(*piece) >= from).map(|(place, _)| place).collect()
    }

    /// Moves an event and all later ones, so that others fit in before it. Gives the event as it was, and
    /// the places of what was moved.
    fn make_room(&self, log: &mut Log, step: usize) -> Option<(Piece, Vec<usize>)> {
        let places = self.not_before(step);
        for place in &places {
            let piece = log.pieces.get_mut(*place)?;
            let serial = piece.serial().map(|serial| serial.saturating_add(GAP_SERIALS));
            self.place(piece, piece.time.plus(GAP), serial)?;
        }
        Some((self.log.pieces.get(step)?.clone(), places))
    }

    /// Puts an event at a time; `None` when that cannot be written.
    fn place(&self, piece: &mut Piece, time: Timestamp, serial: Option<u32>) -> Option<()> {
        // A line that is no event has no time that could be wrong.
        if self.log.is_json() || piece.serial().is_some() {
            piece.move_to(time, self.log.is_json(), self.time_field).ok()?;
        }
        if let Some(serial) = serial {
            piece.number(serial);
        }
        Some(())
    }
}
