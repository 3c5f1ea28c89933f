//! [`State`] → bytes. The format is told in `docs/state.md`, in the order of this file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{
    KeyState, Kind, MAGIC, MarksState, MatchState, PartialState, PipeState, RuleState, SampleKey,
    SequenceKey, State, VERSION,
};
use crate::codec::Writer;
use crate::event::{
    EntryKind, Host, Kept, Leader, Leaders, Parent, Person, Process, Terminal, save_ordinal,
};
use crate::time::Timestamp;

/// Bytes of the checksum behind everything else.
pub(super) const SUM_BYTES: usize = 16;

impl State {
    /// The state as bytes: the same for equal states. Costs time and memory in proportion to it.
    pub fn encode(&self) -> Vec<u8> {
        let body = self.body();
        let mut out = Writer::default();
        out.raw(&MAGIC);
        out.raw(&VERSION.to_le_bytes());
        out.raw(&(body.len() as u64).to_le_bytes());
        out.raw(&body);
        let sum = checksum(out.as_bytes());
        out.raw(&sum);
        out.into_bytes()
    }

    fn body(&self) -> Vec<u8> {
        let shared = Shared::new(self);
        let mut out = Writer::default();
        out.signed(self.watermark.0);
        save_ordinal(self.latest, &mut out);
        self.counters.iter().for_each(|count| out.number(*count));
        out.size(self.losses.len());
        for loss in &self.losses {
            out.byte(loss.kind);
            out.signed(loss.from.0);
            out.signed(loss.to.0);
            out.number(loss.count);
        }
        out.size(self.attachments.len());
        for (name, bytes) in &self.attachments {
            out.text(name);
            out.bytes(bytes);
        }
        shared.save(&mut out);
        out.size(self.rules.len());
        for rule in &self.rules {
            save_rule(rule, &shared, &mut out);
        }
        out.into_bytes()
    }
}

/// The first half of the SHA-256 of everything before.
pub(super) fn checksum(bytes: &[u8]) -> [u8; SUM_BYTES] {
    let mut sum = [0; SUM_BYTES];
    sum.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    sum
}

/// What many partials refer to, each once, and its numbers.
struct Shared<'a> {
    hosts: BTreeMap<(u32, &'a str, &'a str), usize>,
    /// Written, in order.
    processes: Vec<Vec<u8>>,
    /// In order.
    events: Vec<&'a Arc<Kept>>,
    process_numbers: HashMap<*const Process, usize>,
    event_numbers: HashMap<*const Kept, usize>,
}

impl<'a> Shared<'a> {
    fn new(state: &'a State) -> Self {
        let mut events = Vec::new();
        let mut known = HashMap::new();
        state.each_event(&mut |event| {
            if known.insert(Arc::as_ptr(event), 0).is_none() {
                events.push(event);
            }
        });
        let hosts = events.iter().filter_map(|event| event.host_shared());
        let mut hosts: BTreeMap<_, _> =
            hosts.chain(state.bare_hosts()).map(|host| (host_name(host), 0)).collect();
        hosts.values_mut().zip(0..).for_each(|(number, at)| *number = at);
        let mut shared = Self {
            hosts,
            processes: Vec::new(),
            events: Vec::new(),
            process_numbers: HashMap::new(),
            event_numbers: known,
        };
        shared.number_processes(&events);
        let written = |event: &&'a Arc<Kept>| {
            let mut out = Writer::default();
            shared.save_event(event, &mut out);
            out.into_bytes()
        };
        events.sort_by(|a, b| a.ordinal.cmp(&b.ordinal).then_with(|| written(a).cmp(&written(b))));
        for (event, at) in events.iter().zip(0..) {
            shared.event_numbers.insert(Arc::as_ptr(event), at);
        }
        shared.events = events;
        shared
    }

    /// Parents and leaders before others; those of one rank in the order of their bytes.
    fn number_processes(&mut self, events: &[&'a Arc<Kept>]) {
        let mut levels: BTreeMap<usize, Vec<&'a Arc<Process>>> = BTreeMap::new();
        for event in events {
            let mut next = event.process();
            while let Some(process) = next {
                if self.process_numbers.insert(Arc::as_ptr(process), 0).is_some() {
                    break;
                }
                levels.entry(process.rank()).or_default().push(process);
                for leader in process.leaders.others() {
                    if self.process_numbers.insert(Arc::as_ptr(leader), 0).is_none() {
                        levels.entry(leader.rank()).or_default().push(leader);
                    }
                }
                next = process.parent.as_ref().map(Parent::process);
            }
        }
        for level in levels.values() {
            let mut written: Vec<_> = level
                .iter()
                .map(|process| {
                    let mut out = Writer::default();
                    self.save_process(process, &mut out);
                    (out.into_bytes(), *process)
                })
                .collect();
            written.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (bytes, process) in written {
                // One process may be known twice, as when parts were put together.
                if self.processes.last() != Some(&bytes) {
                    self.processes.push(bytes);
                }
                self.process_numbers.insert(Arc::as_ptr(process), self.processes.len() - 1);
            }
        }
    }

    fn save(&self, out: &mut Writer) {
        out.size(self.hosts.len());
        for (index, id, name) in self.hosts.keys() {
            out.number((*index).into());
            out.text(id);
            out.text(name);
        }
        out.size(self.processes.len());
        self.processes.iter().for_each(|process| out.raw(process));
        out.size(self.events.len());
        self.events.iter().for_each(|event| self.save_event(event, out));
    }

    fn save_process(&self, process: &Process, out: &mut Writer) {
        let image = &process.image;
        self.process(process.parent.as_ref().map(Parent::process), out);
        out.text(&process.entity_id);
        out.signed(process.pid);
        out.option(process.ppid, Writer::signed);
        out.option(image.name(), Writer::text);
        out.option(image.executable(), Writer::text);
        out.size(image.args().len());
        image.args().for_each(|arg| out.text(arg));
        out.option(image.args_count(), Writer::signed);
        out.option(image.working_directory(), Writer::text);
        save_person(&process.person, out);
        out.signed(process.start.0);
        let Leaders { session, group, entry, kind } = &process.leaders;
        for leader in [session, group, entry] {
            // 0 nobody knows, 1 itself, else the number of a process and two.
            out.size(match leader {
                Leader::Unknown => 0,
                Leader::Itself => 1,
                Leader::Other(other) => {
                    let number = self.process_numbers.get(&Arc::as_ptr(other));
                    number.map_or(0, |number| number + 2)
                }
            });
        }
        let kind = kind.and_then(|kind| EntryKind::ALL.iter().position(|known| *known == kind));
        out.size(kind.map_or(0, |kind| kind + 1));
    }

    fn save_event(&self, event: &Kept, out: &mut Writer) {
        self.host(event.host_shared(), out);
        self.process(event.process(), out);
        event.save(out);
    }

    /// 0, or the number of a host and one.
    fn host(&self, host: Option<&Arc<Host>>, out: &mut Writer) {
        let number = host.and_then(|host| self.hosts.get(&host_name(host)));
        out.size(number.map_or(0, |number| number + 1));
    }

    /// 0, or the number of a process and one.
    fn process(&self, process: Option<&Arc<Process>>, out: &mut Writer) {
        let number = process.and_then(|p| self.process_numbers.get(&Arc::as_ptr(p)));
        out.size(number.map_or(0, |number| number + 1));
    }

    fn event(&self, event: &Arc<Kept>, out: &mut Writer) {
        out.size(self.event_numbers.get(&Arc::as_ptr(event)).copied().unwrap_or_default());
    }

    fn list(&self, events: &[Arc<Kept>], out: &mut Writer) {
        out.size(events.len());
        events.iter().for_each(|event| self.event(event, out));
    }
}

fn host_name(host: &Arc<Host>) -> (u32, &str, &str) {
    (host.index, &host.id, &host.name)
}

fn save_rule(rule: &RuleState, shared: &Shared<'_>, out: &mut Writer) {
    out.text(&rule.name.id);
    out.raw(&rule.name.logic);
    out.option(rule.name.window, |out, window| out.signed(window.0));
    out.number(rule.name.samples_per_key);
    out.bool(rule.name.samples_at_end);
    out.byte(match rule.kind {
        Kind::Event => 0,
        Kind::Sequence => 1,
        Kind::Sample => 2,
    });
    let counters = &rule.counters;
    counters.plain.iter().for_each(|count| out.number(*count));
    out.size(counters.reached.len());
    counters.reached.iter().for_each(|count| out.number(*count));
    out.size(counters.given_up.len());
    counters.given_up.iter().flatten().for_each(|count| out.number(*count));
    out.number(rule.overflowed);
    out.size(rule.pipes.len());
    rule.pipes.iter().for_each(|pipe| save_pipe(pipe, shared, out));
    out.size(rule.keys.len());
    for (key, state) in &rule.keys {
        out.bytes(key);
        match state {
            KeyState::Sequence(state) => save_sequence(state, shared, out),
            KeyState::Sample(state) => save_sample(state, shared, out),
        }
    }
}

fn save_pipe(pipe: &PipeState, shared: &Shared<'_>, out: &mut Writer) {
    let numbered = |held: &[(u64, MatchState)], out: &mut Writer| {
        out.size(held.len());
        for (number, found) in held {
            out.number(*number);
            save_match(found, shared, out);
        }
    };
    match pipe {
        PipeState::Head { of, left } => {
            out.byte(0);
            out.number(*of);
            out.number(*left);
        }
        PipeState::Tail(last) => {
            out.byte(1);
            out.size(last.len());
            last.iter().for_each(|found| save_match(found, shared, out));
        }
        PipeState::Unique(seen) => {
            out.byte(2);
            out.size(seen.len());
            seen.iter().for_each(|print| out.raw(print));
        }
        PipeState::Count { all, groups } => {
            out.byte(3);
            out.number(*all);
            numbered(groups, out);
        }
        PipeState::Sort { arrived, held } => {
            out.byte(4);
            out.number(*arrived);
            numbered(held, out);
        }
    }
}

fn save_match(found: &MatchState, shared: &Shared<'_>, out: &mut Writer) {
    out.bytes(&found.key);
    out.size(found.events.len());
    for event in &found.events {
        out.option(event.as_ref(), |out, event| shared.event(event, out));
    }
    out.signed(found.decided.0);
    out.bool(found.absence);
    out.option(found.counted, |out, (matches, of)| {
        out.number(matches);
        out.number(of);
    });
}

fn save_sequence(state: &SequenceKey, shared: &Shared<'_>, out: &mut Writer) {
    out.size(state.leading.len());
    state.leading.iter().for_each(|time| out.signed(time.0));
    if !state.leading.is_empty() {
        shared.host(state.leading_host.as_ref(), out);
    }
    out.size(state.slots.len());
    for (slot, partial) in &state.slots {
        out.number((*slot).into());
        save_partial(partial, shared, out);
    }
    out.size(state.waiting.len());
    for (deadline, partial) in &state.waiting {
        out.signed(deadline.0);
        save_partial(partial, shared, out);
    }
}

fn save_partial(partial: &PartialState, shared: &Shared<'_>, out: &mut Writer) {
    shared.list(&partial.events, out);
    let time = |out: &mut Writer, time: Timestamp| out.signed(time.0);
    out.option(partial.marks, |out, MarksState { leading, gap, spoiled, gone }| {
        out.option(leading, time);
        out.option(gap, time);
        out.bool(spoiled);
        out.option(gone, |out, (first, last)| {
            out.signed(first.0);
            save_ordinal(last, out);
        });
    });
}

fn save_sample(state: &SampleKey, shared: &Shared<'_>, out: &mut Writer) {
    out.size(state.lists.len());
    state.lists.iter().for_each(|list| shared.list(list, out));
    out.number(state.reported);
    out.option(state.newest_sample, |out, time| out.signed(time.0));
    out.option(state.newest, |out, time| out.signed(time.0));
    shared.host(state.host.as_ref(), out);
}

fn save_person(person: &Person, out: &mut Writer) {
    for id in [person.user, person.group, person.effective_user, person.effective_group] {
        out.option(id, |out, id| out.number(id.into()));
    }
    let (kind, number) = match person.terminal {
        None => (0, None),
        Some(Terminal::None) => (1, None),
        Some(Terminal::Other) => (2, None),
        Some(Terminal::Pseudo(number)) => (3, Some(number)),
        Some(Terminal::Console(number)) => (4, Some(number)),
        Some(Terminal::Serial(number)) => (5, Some(number)),
    };
    out.byte(kind);
    if let Some(number) = number {
        out.number(number.into());
    }
}
