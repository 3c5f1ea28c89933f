//! The process table: who a process is and where it comes from, as of each event.
//!
//! In: audit events in order. Out: the same events with their [`Process`] and the context fields that
//! the records themselves leave empty: parent, ancestors, entity ids, arguments on events that are no
//! execution. What the log does not tell stays absent.
//!
//! A process is known from its execution, from the fork that made it, or from first sight. A program
//! that changed without an execution in the log is a new image with unknown arguments. Bounded: the
//! processes not seen for longest are forgotten and counted.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use sha2::{Digest as _, Sha256};

use crate::event::{Event, Facts, Process, Projection, read_context};
use crate::time::Timestamp;

/// Processes remembered.
const MAX_PROCESSES: NonZeroUsize = NonZeroUsize::new(32_768).expect("not zero");
/// Longest chain of ancestors.
const MAX_DEPTH: usize = 16;

/// Counters of a [`Table`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Executions seen.
    pub executions: u64,
    /// Processes first seen in the middle of their life.
    pub first_sights: u64,
    /// Programs that changed without an execution in the log.
    pub missed_executions: u64,
    /// Processes forgotten for lack of room.
    pub forgotten: u64,
}

/// The processes of all hosts.
#[derive(Debug)]
pub struct Table {
    processes: LruCache<(u32, i64), Entry>,
    stats: TableStats,
}

#[derive(Debug)]
struct Entry {
    process: Arc<Process>,
    program: Option<u64>,
    ended: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(MAX_PROCESSES)
    }
}

impl Table {
    /// A table that remembers `capacity` processes.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self { processes: LruCache::new(capacity), stats: TableStats::default() }
    }

    /// Counters so far.
    pub fn stats(&self) -> TableStats {
        self.stats
    }

    /// Number of processes known.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether no process is known.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Learns from an event and gives it its context. Events come in order.
    ///
    /// One look-up an event; memory is allocated only when something new is learnt.
    pub fn observe(&mut self, projection: &Projection, event: &mut Event) {
        let facts = event.facts();
        let Some(pid) = facts.pid else { return };
        let host = event.host().map_or(0, |host| host.index);
        if facts.is_call {
            self.learn(event, facts, (host, pid));
        }
        let Some(entry) = self.processes.peek(&(host, pid)) else { return };
        let process = entry.process.clone();
        for (field, context) in projection.context() {
            if event.is_missing(*field) {
                event.fill(*field, |sink| read_context(&process, *context, sink));
            }
        }
        event.set_process(Some(process));
    }

    fn learn(&mut self, event: &Event, facts: Facts, key: (u32, i64)) {
        if facts.is_exec {
            self.stats.executions += 1;
            let parent = self.parent_of(key, facts);
            self.insert(key, image(event, parent), facts.program);
        } else {
            let known = self.processes.get(&key);
            let same_process = known.is_some_and(|entry| {
                // A process whose parent ended belongs to process 1 from then on.
                let reparented = facts.ppid == Some(1);
                !entry.ended && (entry.process.ppid == facts.ppid || reparented)
            });
            let same_program = known
                .is_some_and(|entry| facts.program.is_none() || entry.program == facts.program);
            if !same_process || !same_program {
                if same_process {
                    self.stats.missed_executions += 1;
                } else {
                    self.stats.first_sights += 1;
                }
                let parent = self.parent_of(key, facts);
                self.insert(key, image(event, parent), facts.program);
            }
        }
        if let Some(child) = facts.child {
            self.fork(key, child, event);
        }
        if facts.is_exit
            && let Some(entry) = self.processes.peek_mut(&key)
        {
            entry.ended = true;
        }
    }

    /// The parent of a process: as known already, else whoever has that id now.
    fn parent_of(&mut self, (host, pid): (u32, i64), facts: Facts) -> Option<Arc<Process>> {
        if let Some(entry) = self.processes.peek(&(host, pid))
            && !entry.ended
            && (entry.process.ppid == facts.ppid || facts.ppid == Some(1))
            && entry.process.parent.is_some()
        {
            return entry.process.parent.clone();
        }
        let parent = self.processes.peek(&(host, facts.ppid?)).filter(|parent| !parent.ended)?;
        Some(shortened(&parent.process, MAX_DEPTH - 1))
    }

    /// A process made another, which runs the same program until it says otherwise.
    fn fork(&mut self, (host, pid): (u32, i64), child: i64, event: &Event) {
        let time = event.ordinal.time;
        if let Some(known) = self.processes.peek(&(host, child))
            && !known.ended
            && known.process.ppid == Some(pid)
            && known.process.start >= time
        {
            return;
        }
        let Some(parent) = self.processes.peek(&(host, pid)) else { return };
        let program = parent.program;
        let process = Process {
            entity_id: entity_id(event, child),
            pid: child,
            ppid: Some(pid),
            start: time,
            parent: Some(shortened(&parent.process, MAX_DEPTH - 1)),
            ..(*parent.process).clone()
        };
        self.insert((host, child), process, program);
    }

    fn insert(&mut self, key: (u32, i64), process: Process, program: Option<u64>) {
        let entry = Entry { process: Arc::new(process), program, ended: false };
        if let Some((forgotten, _)) = self.processes.push(key, entry)
            && forgotten != key
        {
            self.stats.forgotten += 1;
        }
    }
}

/// The process as the event shows it.
fn image(event: &Event, parent: Option<Arc<Process>>) -> Process {
    let pid = event.facts().pid.unwrap_or(0);
    event.process_image(entity_id(event, pid), event.ordinal.time, parent)
}

/// Hash of host, process id and the event that showed it first.
fn entity_id(event: &Event, pid: i64) -> Box<str> {
    let mut hash = Sha256::new();
    let host = event.host().map_or("", |host| &host.id);
    hash.update((host.len() as u64).to_be_bytes());
    hash.update(host);
    hash.update(pid.to_be_bytes());
    let Timestamp(time) = event.ordinal.time;
    hash.update(time.to_be_bytes());
    let serial = event.raw().group().map_or(0, |group| group.id().serial);
    hash.update(serial.to_be_bytes());
    let digest = hash.finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// The same process with at most `depth` ancestors.
fn shortened(process: &Arc<Process>, depth: usize) -> Arc<Process> {
    if process.depth() <= depth {
        return process.clone();
    }
    let parent = match (&process.parent, depth.checked_sub(1)) {
        (Some(parent), Some(left)) => Some(shortened(parent, left)),
        _ => None,
    };
    Arc::new(Process { parent, ..(**process).clone() })
}
