//! [`Facts`]: what the process table must know about every event, whatever the rules read.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use super::decoded::{child_pid, makes_thread};
use super::read::Reader;
use super::source::Source;
use super::view::{View, decimal};
use super::{Event, Process};
use crate::record::RawValue;
use crate::time::Timestamp;
use crate::value::Scalar;

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
    /// The process ended.
    pub is_exit: bool,
    /// The process it made.
    pub child: Option<i64>,
    /// Tells programs apart: a hash of the logged path.
    pub program: Option<u64>,
}

/// Fixed seeds: compared only within a run, but equal runs should do equal work.
const SEED: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(7);

impl Facts {
    pub(super) fn of(view: &View<'_>) -> Self {
        let program = view.tokens.exe.and_then(RawValue::bytes).map(|path| {
            let mut hasher = SEED.build_hasher();
            hasher.write(path);
            hasher.finish()
        });
        Self {
            pid: view.tokens.pid.and_then(decimal),
            ppid: view.tokens.ppid.and_then(decimal),
            is_call: view.is_call,
            is_exec: view.is_exec(),
            is_exit: matches!(view.call, Some("exit_group")),
            child: if makes_thread(view) { None } else { child_pid(view) },
            program,
        }
    }
}

impl Event {
    /// A process as this event shows it: the program that runs now, with its arguments when the event
    /// is its execution. Allocates; meant for events that change what is known.
    pub fn process_image(
        &self,
        entity_id: Box<str>,
        start: Timestamp,
        parent: Option<Arc<Process>>,
    ) -> Process {
        let mut scratch = super::read::Scratch::default();
        let nothing = super::Group::new();
        let group = self.raw.group().unwrap_or(&nothing);
        let mut reader = Reader::new(group, self.host.as_deref(), &mut scratch);
        let mut first = |source: Source| {
            let mut found: Option<Box<str>> = None;
            reader.read(&source, &mut |value| {
                if let Scalar::Str(text) = value {
                    found.get_or_insert_with(|| text.into());
                }
            });
            found
        };
        let name = first(Source::ProcessName);
        let executable = first(Source::ProcessExecutable);
        let working_directory = first(Source::ProcessWorkingDirectory);
        let user = first(Source::Id(super::source::IdKey::Uid));
        let mut args: Vec<Box<str>> = Vec::new();
        reader.read(&Source::ProcessArgs, &mut |value| {
            if let Scalar::Str(text) = value {
                args.push(text.into());
            }
        });
        Process {
            entity_id,
            pid: self.facts.pid.unwrap_or(0),
            ppid: self.facts.ppid,
            name,
            executable,
            args: args.into(),
            working_directory,
            user,
            start,
            parent,
        }
    }

    /// What it says about processes.
    pub fn facts(&self) -> Facts {
        self.facts
    }
}
