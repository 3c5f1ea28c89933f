//! Bytes → [`State`]: the counterpart of `save`, which never believes what it reads.
//!
//! Every length is compared with the bytes that are left, every number with what it refers to, every
//! order is looked at: what is read would be written as the very same bytes again. Whether a state
//! fits a rule is not known here; see [`Engine::import`](crate::engine::Engine::import).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::save::{SUM_BYTES, checksum};
use super::{
    KeyState, Kind, MAGIC, MAX_BYTES, MAX_COUNT, MarksState, MatchState, PartialState, PipeState,
    RuleCounters, RuleName, RuleState, SampleKey, SavedLoss, SequenceKey, State, StateError,
    VERSION,
};
use crate::codec::{Invalid, Reader};
use crate::event::{
    Draft, EntityId, EntryKind, Host, Image, Kept, Leader, Leaders, Parent, Person, Process,
    Terminal, load_ordinal,
};
use crate::time::{Duration, Timestamp};

/// Longest chain of ancestors: dropping a chain takes stack.
const MAX_ANCESTORS: usize = 64;
/// Most losses that an engine remembers.
const MAX_LOSSES: usize = 4096;
/// Kinds of losses.
const LOSS_KINDS: u8 = 5;
/// Where the body begins.
const HEAD_BYTES: usize = MAGIC.len() + 4 + 8;

impl State {
    /// Reads what [`State::encode`] wrote. Hosts are taken as they stand there.
    ///
    /// # Errors
    ///
    /// When the bytes are not what it writes. Time and memory are in proportion to their length,
    /// whatever they say.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        Self::decode_with(bytes, &mut Arc::new)
    }

    /// The same, but every host is what `host` makes of it. Hosts come in ascending order of the numbers
    /// they had.
    ///
    /// # Errors
    ///
    /// As [`State::decode`].
    pub fn decode_with(
        bytes: &[u8],
        host: &mut dyn FnMut(Host) -> Arc<Host>,
    ) -> Result<Self, StateError> {
        let (version, body) = body(bytes)?;
        let in_file = |invalid: Invalid| Invalid { offset: invalid.offset + HEAD_BYTES, ..invalid };
        let mut reader = Reader::new(body);
        let state = load_state(&mut reader, version, host).map_err(in_file)?;
        reader.end().map_err(in_file)?;
        Ok(state)
    }
}

/// The version, and what stands between the head and the checksum.
fn body(bytes: &[u8]) -> Result<(u32, &[u8]), StateError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(StateError::TooLong(bytes.len() as u64));
    }
    let mut reader = Reader::new(bytes);
    if reader.array() != Ok(MAGIC) {
        return Err(StateError::NotAState);
    }
    let version = u32::from_le_bytes(reader.array()?);
    if !(1..=VERSION).contains(&version) {
        return Err(StateError::Version(version));
    }
    let said = u64::from_le_bytes(reader.array()?);
    let found = reader.left().saturating_sub(SUM_BYTES);
    let body = reader.raw(found)?;
    if said != found as u64 || reader.left() != SUM_BYTES {
        return Err(StateError::Length { said, found: found as u64 });
    }
    let offset = reader.offset();
    if checksum(reader.between(0, offset)) != reader.array::<SUM_BYTES>()? {
        return Err(StateError::Checksum { offset });
    }
    Ok((version, body))
}

fn load_state(
    reader: &mut Reader<'_>,
    version: u32,
    host: &mut dyn FnMut(Host) -> Arc<Host>,
) -> Result<State, Invalid> {
    let mut state = State {
        watermark: Timestamp(reader.signed()?),
        latest: load_ordinal(reader)?,
        ..State::default()
    };
    for counter in &mut state.counters {
        *counter = count(reader)?;
    }
    state.losses = reader.list(load_loss)?;
    if state.losses.len() > MAX_LOSSES {
        return Err(reader.invalid("too many losses"));
    }
    for _ in 0..reader.count()? {
        let name = reader.text()?;
        if state.attachments.last_key_value().is_some_and(|(last, _)| last.as_str() >= name) {
            return Err(reader.invalid("attachments out of order"));
        }
        state.attachments.insert(name.to_owned(), reader.bytes()?.to_vec());
    }
    let shared = Shared::load(reader, version, host)?;
    for _ in 0..reader.count()? {
        let rule = load_rule(reader, &shared)?;
        if state.rules.last().is_some_and(|last| last.name > rule.name) {
            return Err(reader.invalid("rules out of order"));
        }
        state.rules.push(rule);
    }
    if shared.all_used() {
        Ok(state)
    } else {
        Err(reader.invalid("a host, a process or an event that nothing refers to"))
    }
}

/// A count of anything, small enough to count on from it.
fn count(reader: &mut Reader<'_>) -> Result<u64, Invalid> {
    reader.at_most(MAX_COUNT, "count too great")
}

fn time(reader: &mut Reader<'_>) -> Result<Timestamp, Invalid> {
    reader.signed().map(Timestamp)
}

fn load_loss(reader: &mut Reader<'_>) -> Result<SavedLoss, Invalid> {
    let kind = reader.byte()?;
    if kind >= LOSS_KINDS {
        return Err(reader.invalid("unknown kind of loss"));
    }
    Ok(SavedLoss { kind, from: time(reader)?, to: time(reader)?, count: reader.number()? })
}

/// Something referred to by number, and whether anything does.
struct Numbered<T>(Vec<(Arc<T>, Cell<bool>)>);

impl<T> Numbered<T> {
    fn push(&mut self, value: Arc<T>) {
        self.0.push((value, Cell::new(false)));
    }

    fn get(&self, number: u64, reader: &Reader<'_>) -> Result<Arc<T>, Invalid> {
        let found = usize::try_from(number).ok().and_then(|number| self.0.get(number));
        let (value, used) =
            found.ok_or_else(|| reader.invalid("reference to what is not there"))?;
        used.set(true);
        Ok(value.clone())
    }

    /// 0 stands for none.
    fn option(&self, reader: &mut Reader<'_>) -> Result<Option<Arc<T>>, Invalid> {
        match reader.number()?.checked_sub(1) {
            Some(number) => self.get(number, reader).map(Some),
            None => Ok(None),
        }
    }

    fn all_used(&self) -> bool {
        self.0.iter().all(|(_, used)| used.get())
    }
}

struct Shared {
    hosts: Numbered<Host>,
    processes: Numbered<Process>,
    events: Numbered<Kept>,
}

impl Shared {
    fn load(
        reader: &mut Reader<'_>,
        version: u32,
        host: &mut dyn FnMut(Host) -> Arc<Host>,
    ) -> Result<Self, Invalid> {
        let (hosts, processes, events) =
            (Numbered(Vec::new()), Numbered(Vec::new()), Numbered(Vec::new()));
        let mut shared = Self { hosts, processes, events };
        let mut last: Option<Host> = None;
        for _ in 0..reader.count()? {
            let (index, id) = (reader.small()?, reader.text()?);
            let next = Host::new(index, id, reader.text()?);
            let order = |host: &Host| (host.index, host.id.clone(), host.name.clone());
            if last.is_some_and(|last| order(&last) >= order(&next)) {
                return Err(reader.invalid("hosts out of order"));
            }
            shared.hosts.push(host(next.clone()));
            last = Some(next);
        }
        let mut last: Option<(usize, &[u8])> = None;
        for _ in 0..reader.count()? {
            let start = reader.offset();
            let process = shared.process(reader, version)?;
            // Before there were leaders all that one can refer to was its parent.
            let rank = if version == 1 { process.depth() } else { process.rank() };
            let order = (rank, reader.between(start, reader.offset()));
            if last.is_some_and(|last| last >= order) || order.0 > MAX_ANCESTORS + 1 {
                return Err(reader.invalid("processes out of order"));
            }
            shared.processes.push(Arc::new(process));
            last = Some(order);
        }
        let mut last = None;
        for _ in 0..reader.count()? {
            let start = reader.offset();
            let host = shared.hosts.option(reader)?;
            let process = shared.processes.option(reader)?;
            let event = Kept::load(reader, host, process)?;
            let order = (event.ordinal, reader.between(start, reader.offset()));
            if last.is_some_and(|last| last > order) {
                return Err(reader.invalid("events out of order"));
            }
            shared.events.push(Arc::new(event));
            last = Some(order);
        }
        Ok(shared)
    }

    fn process(&self, reader: &mut Reader<'_>, version: u32) -> Result<Process, Invalid> {
        let parent = self.processes.option(reader)?.map(Parent::new);
        let entity_id = EntityId::parse(reader.text()?);
        let entity_id = entity_id.ok_or_else(|| reader.invalid("no entity id"))?;
        let (pid, ppid) = (reader.signed()?, reader.option(Reader::signed)?);
        Ok(Process {
            parent,
            entity_id,
            pid,
            ppid,
            image: image(reader)?,
            person: match version {
                1 => {
                    let id = |text: Option<&str>| text.and_then(|text| text.parse().ok());
                    let (user, group) =
                        (id(reader.option(Reader::text)?), id(reader.option(Reader::text)?));
                    Person { user, group, ..Person::default() }
                }
                _ => load_person(reader)?,
            },
            start: time(reader)?,
            leaders: if version == 1 { Leaders::default() } else { self.leaders(reader)? },
        })
    }

    fn leaders(&self, reader: &mut Reader<'_>) -> Result<Leaders, Invalid> {
        let leader = |reader: &mut Reader<'_>| {
            Ok(match reader.number()? {
                0 => Leader::Unknown,
                1 => Leader::Itself,
                number => {
                    let other = self.processes.get(number - 2, reader)?;
                    if other.parent.is_some() || other.leaders != Leaders::default() {
                        return Err(reader.invalid("leader with a parent or leaders"));
                    }
                    Leader::Other(other)
                }
            })
        };
        let (session, group, entry) = (leader(reader)?, leader(reader)?, leader(reader)?);
        let kind = match reader.byte()? {
            0 => None,
            kind => {
                let kind = EntryKind::ALL.get(usize::from(kind) - 1).copied();
                Some(kind.ok_or_else(|| reader.invalid("unknown kind of entry"))?)
            }
        };
        Ok(Leaders { session, group, entry, kind })
    }

    fn event(&self, reader: &mut Reader<'_>) -> Result<Arc<Kept>, Invalid> {
        let number = reader.number()?;
        self.events.get(number, reader)
    }

    fn all_used(&self) -> bool {
        self.hosts.all_used() && self.processes.all_used() && self.events.all_used()
    }
}

/// The texts of a program, and how many arguments it had.
fn image(reader: &mut Reader<'_>) -> Result<Image, Invalid> {
    let (name, executable) = (reader.option(Reader::text)?, reader.option(Reader::text)?);
    let args = reader.list(Reader::text)?;
    let args_count = reader.option(Reader::signed)?;
    let working_directory = reader.option(Reader::text)?;
    let mut draft = Draft::default();
    [name, executable, working_directory].into_iter().for_each(|text| draft.push(text));
    args.into_iter().for_each(|arg| draft.push(Some(arg)));
    Ok(draft.image(args_count))
}

fn load_person(reader: &mut Reader<'_>) -> Result<Person, Invalid> {
    let mut id = || reader.option(Reader::small);
    let (user, group, effective_user, effective_group) = (id()?, id()?, id()?, id()?);
    let terminal = match reader.byte()? {
        0 => None,
        1 => Some(Terminal::None),
        2 => Some(Terminal::Other),
        3 => Some(Terminal::Pseudo(reader.small()?)),
        // What `Terminal::of` makes.
        4 => Some(Terminal::Console(small(reader, 63)?)),
        5 => Some(Terminal::Serial(small(reader, 191)?)),
        _ => return Err(reader.invalid("unknown kind of terminal")),
    };
    Ok(Person { user, group, effective_user, effective_group, terminal })
}

fn small(reader: &mut Reader<'_>, most: u64) -> Result<u32, Invalid> {
    let number = reader.at_most(most, "number of a terminal too great")?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn load_rule(reader: &mut Reader<'_>, shared: &Shared) -> Result<RuleState, Invalid> {
    let name = RuleName {
        id: reader.text()?.to_owned(),
        logic: reader.array()?,
        window: reader.option(|reader| reader.signed().map(Duration))?,
        samples_per_key: reader.number()?,
        samples_at_end: reader.bool()?,
    };
    let kind = match reader.byte()? {
        0 => Kind::Event,
        1 => Kind::Sequence,
        2 => Kind::Sample,
        _ => return Err(reader.invalid("unknown kind of rule")),
    };
    let mut counters = RuleCounters::default();
    for counter in &mut counters.plain {
        *counter = count(reader)?;
    }
    counters.reached = reader.list(count)?;
    counters.given_up =
        reader.list(|reader| Ok([count(reader)?, count(reader)?, count(reader)?]))?;
    let overflowed = count(reader)?;
    let pipes = reader.list(|reader| load_pipe(reader, shared))?;
    let mut keys: BTreeMap<Box<[u8]>, KeyState> = BTreeMap::new();
    for _ in 0..reader.count()? {
        let key = reader.bytes()?;
        if keys.last_key_value().is_some_and(|(last, _)| **last >= *key) {
            return Err(reader.invalid("keys out of order"));
        }
        let state = match kind {
            Kind::Event => return Err(reader.invalid("a join key of a rule for single events")),
            Kind::Sequence => KeyState::Sequence(load_sequence(reader, shared)?),
            Kind::Sample => KeyState::Sample(load_sample(reader, shared)?),
        };
        keys.insert(key.into(), state);
    }
    Ok(RuleState { name, kind, counters, pipes, overflowed, keys })
}

fn load_pipe(reader: &mut Reader<'_>, shared: &Shared) -> Result<PipeState, Invalid> {
    Ok(match reader.byte()? {
        0 => {
            let of = reader.number()?;
            PipeState::Head { of, left: reader.at_most(of, "more are left than there were")? }
        }
        1 => PipeState::Tail(reader.list(|reader| load_match(reader, shared))?),
        2 => {
            let seen = reader.list(Reader::array)?;
            if !seen.is_sorted_by(|a, b| a < b) {
                return Err(reader.invalid("prints out of order"));
            }
            PipeState::Unique(seen)
        }
        3 => {
            let all = count(reader)?;
            let group = |reader: &mut Reader<'_>| Ok((count(reader)?, load_match(reader, shared)?));
            PipeState::Count { all, groups: reader.list(group)? }
        }
        4 => {
            let arrived = count(reader)?;
            let held = reader.list(|reader| {
                let number = reader.at_most(arrived, "a match that has not arrived")?;
                Ok((number, load_match(reader, shared)?))
            })?;
            if !held.is_sorted_by(|(a, _), (b, _)| a < b) {
                return Err(reader.invalid("matches out of order"));
            }
            PipeState::Sort { arrived, held }
        }
        _ => return Err(reader.invalid("unknown kind of pipe")),
    })
}

fn load_match(reader: &mut Reader<'_>, shared: &Shared) -> Result<MatchState, Invalid> {
    Ok(MatchState {
        key: reader.bytes()?.into(),
        events: reader.list(|reader| reader.option(|reader| shared.event(reader)))?,
        decided: time(reader)?,
        absence: reader.bool()?,
        counted: reader.option(|reader| Ok((count(reader)?, count(reader)?)))?,
    })
}

fn load_sequence(reader: &mut Reader<'_>, shared: &Shared) -> Result<SequenceKey, Invalid> {
    let leading = reader.list(time)?;
    if leading.len() > 2 || !leading.is_sorted_by(|newer, older| newer > older) {
        return Err(reader.invalid("times of leading missing items out of order"));
    }
    let leading_host = if leading.is_empty() { None } else { shared.hosts.option(reader)? };
    let slots = reader.list(|reader| Ok((reader.small()?, load_partial(reader, shared)?)))?;
    if !slots.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(reader.invalid("partials out of order"));
    }
    let waiting = reader.list(|reader| Ok((time(reader)?, load_partial(reader, shared)?)))?;
    Ok(SequenceKey { leading, leading_host, slots, waiting })
}

fn load_partial(reader: &mut Reader<'_>, shared: &Shared) -> Result<PartialState, Invalid> {
    Ok(PartialState {
        events: reader.list(|reader| shared.event(reader))?,
        marks: reader.option(|reader| {
            Ok(MarksState {
                leading: reader.option(time)?,
                gap: reader.option(time)?,
                spoiled: reader.bool()?,
                gone: reader.option(|reader| Ok((time(reader)?, load_ordinal(reader)?)))?,
            })
        })?,
    })
}

fn load_sample(reader: &mut Reader<'_>, shared: &Shared) -> Result<SampleKey, Invalid> {
    Ok(SampleKey {
        lists: reader.list(|reader| reader.list(|reader| shared.event(reader)))?,
        reported: count(reader)?,
        newest_sample: reader.option(time)?,
        newest: reader.option(time)?,
        host: shared.hosts.option(reader)?,
    })
}
