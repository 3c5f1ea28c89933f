//! [`Facts`]: what the process table must know about every event, whatever the rules read.

use std::hash::{BuildHasher as _, Hasher as _};

use super::decoded::{change, child_process, clones_pids};
use super::origin::{ContextField, Origin, Part, Relation};
use super::read::{DELETED, Reader};
use super::view::{View, decimal};
use super::{Draft, EntityId, Event, Image, Leaders, Parent, Person, Process, Terminal};
use crate::record::{RawValue, RecordType, decode_into};
use crate::time::Timestamp;
use crate::value::Scalar;

/// Bytes of arguments that are remembered of a process.
const ARGS_BYTES: usize = 32 << 10;

/// What an event says about processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// The process it is about.
    pub pid: Option<i64>,
    /// Its parent.
    pub ppid: Option<i64>,
    /// It is a system call, so that parent and program are those of the process itself.
    pub is_call: bool,
    /// The process now runs another program.
    pub is_exec: bool,
    /// The process tried to run another program and did not.
    pub is_failed_exec: bool,
    /// The process ended.
    pub is_exit: bool,
    /// The process it made.
    pub child: Option<i64>,
    /// That process counts process ids in a space of its own: what it says of others are not the
    /// numbers they have in the log.
    pub child_apart: bool,
    /// Tells programs apart: a hash of their path.
    pub program: Option<u64>,
    /// Tells apart as whom and at which terminal processes run, see [`Event::person`]: a hash of what the
    /// log says about it. Of system calls only.
    pub person: u64,
    /// What it changes about which processes belong together.
    pub change: Change,
}

/// What a call changes about which processes belong together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    #[default]
    Nothing,
    /// The process now leads a session.
    Session,
    /// A process now belongs to a group.
    Group {
        /// The process; 0 for that of the event.
        process: i32,
        /// Who leads the group; 0 for the process itself.
        group: i32,
    },
    /// Children from now on count process ids in another space.
    Pids,
}

/// Fixed seeds: compared only within a run, but equal runs should do equal work.
const SEED: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(7);

impl Facts {
    pub(super) fn of(reader: &mut Reader<'_, '_>) -> Self {
        let view = &reader.view;
        let is_exec = view.is_exec();
        Self {
            pid: view.tokens.pid.and_then(decimal),
            ppid: view.tokens.ppid.and_then(decimal),
            is_call: view.is_call,
            is_exec,
            is_failed_exec: view.calls_exec() && !is_exec,
            is_exit: view.is_call && view.call == Some("exit_group"),
            child: if view.is_call { child_process(view) } else { None },
            child_apart: view.is_call && clones_pids(view),
            person: if view.is_call { person_hash(view) } else { 0 },
            change: change(view),
            program: view.exe().and_then(|path| program(path, &mut reader.scratch.bytes)),
        }
    }

    /// Whether what is known of the process may stand in this field of the event.
    ///
    /// Arguments of an execution that failed are not logged; those of the program that went on running
    /// would be taken for them.
    pub fn admits(&self, field: ContextField) -> bool {
        !(self.is_failed_exec && is_of_exec(field))
    }
}

fn is_of_exec(field: ContextField) -> bool {
    matches!(
        field,
        ContextField::Of(Relation::Itself, Part::Args | Part::ArgsCount | Part::CommandLine)
    )
}

impl Reader<'_, '_> {
    /// The same as [`Facts::admits`], of an event of which nothing else need be known.
    pub(super) fn admits(&self, field: ContextField) -> bool {
        !(is_of_exec(field) && self.view.calls_exec() && !self.view.is_exec())
    }
}

/// A hash of a path. A file that was deleted since is still the same program.
fn program(path: RawValue<'_>, decoded: &mut Vec<u8>) -> Option<u64> {
    let mut bytes = path.bytes().filter(|bytes| !bytes.is_empty())?;
    if matches!(path, RawValue::Bare(_)) {
        decoded.clear();
        decode_into(b"exe", RecordType::SYSCALL, path, decoded);
        bytes = decoded;
    }
    Some(program_of(bytes))
}

/// The same of a path that is no record's.
pub fn program_of(path: &[u8]) -> u64 {
    let mut hasher = SEED.build_hasher();
    hasher.write(path.strip_suffix(DELETED).unwrap_or(path));
    hasher.finish()
}

fn person_hash(view: &View<'_>) -> u64 {
    let mut hasher = SEED.build_hasher();
    let tokens = &view.tokens;
    for token in [tokens.uid, tokens.gid, tokens.euid, tokens.egid, tokens.tty] {
        // Each with an end, so that no two sets are written alike.
        hasher.write(token.unwrap_or_default());
        hasher.write_u8(0);
    }
    hasher.finish()
}

fn person(view: &View<'_>) -> Person {
    let tokens = &view.tokens;
    Person {
        user: tokens.uid.and_then(id),
        group: tokens.gid.and_then(id),
        effective_user: tokens.euid.and_then(id),
        effective_group: tokens.egid.and_then(id),
        terminal: tokens.tty.and_then(Terminal::of),
    }
}

/// A decimal id; unset ones are none.
fn id(text: &[u8]) -> Option<u32> {
    let digits = text.iter().all(u8::is_ascii_digit) && !text.is_empty();
    let add = |id: u32, digit: &u8| id.checked_mul(10)?.checked_add(u32::from(digit - b'0'));
    if !digits {
        return None;
    }
    text.iter().try_fold(0, add).filter(|id| *id != u32::MAX)
}

/// What an event shows of the program that its process runs.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    image: Image,
    person: Person,
    /// The user at login.
    login: Option<u32>,
}

impl Sight {
    /// The program, with its arguments when the event is its execution. `draft` is memory to use.
    pub(super) fn of(reader: &mut Reader<'_, '_>, draft: &mut Draft) -> Self {
        draft.start();
        let mut first = |choices: &[Origin]| {
            let mut found = false;
            for origin in choices {
                reader.read(origin, &mut |value: Scalar<'_>| {
                    if let Scalar::Str(text) = value
                        && !found
                    {
                        found = true;
                        draft.push(Some(text));
                    }
                });
                if found {
                    return;
                }
            }
            draft.push(None);
        };
        first(&[Origin::Comm, Origin::ProcessName]);
        first(&[Origin::Executable]);
        first(&[Origin::WorkingDirectory]);
        let mut args_count = None;
        if reader.view.is_exec() {
            let mut left = ARGS_BYTES;
            reader.read(&Origin::Args, &mut |value: Scalar<'_>| {
                if let Scalar::Str(text) = value
                    && left > 0
                {
                    let kept = prefix(text, left);
                    // Empty arguments take room too.
                    left = left.saturating_sub(kept.len() + size_of::<Box<str>>());
                    draft.push(Some(kept));
                }
            });
            reader.read(&Origin::ArgsCount, &mut |value: Scalar<'_>| {
                if let Scalar::Int(count) = value {
                    args_count = Some(count);
                }
            });
        }
        let login = reader.view.tokens.auid.and_then(id);
        Self { image: draft.image(args_count), person: person(&reader.view), login }
    }
}

impl Event {
    /// A process as this event shows it: the program that runs now, with its arguments when the event
    /// is its execution, and the user at login. Allocates; meant for events that change what is known,
    /// once each.
    pub fn process_image(
        &mut self,
        entity_id: EntityId,
        start: Timestamp,
        parent: Option<Parent>,
    ) -> (Process, Option<u32>) {
        let Sight { image, person, login } = match self.sight.take() {
            Some(sight) => sight,
            None => {
                let nothing = super::Group::new();
                let group = self.raw.group().unwrap_or(&nothing);
                let mut reader =
                    Reader::new(group, self.host.as_deref(), self.scratch.get_or_insert_default());
                Sight::of(&mut reader, &mut self.draft)
            }
        };
        let process = Process {
            entity_id,
            pid: self.facts.pid.unwrap_or(0),
            ppid: self.facts.ppid,
            image,
            person,
            start,
            parent,
            leaders: Leaders::default(),
        };
        (process, login)
    }

    /// As whom its process runs, and the user at login. Takes its records apart: meant for events that
    /// change what is known.
    pub fn person(&self) -> (Person, Option<u32>) {
        let Some(group) = self.raw.group().filter(|_| self.facts.is_call) else {
            return Default::default();
        };
        let view = View::new(group);
        (person(&view), view.tokens.auid.and_then(id))
    }

    /// What it says about processes.
    pub fn facts(&self) -> Facts {
        self.facts
    }
}

/// The first characters of a text that fit into `bytes`.
fn prefix(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or("")
}
