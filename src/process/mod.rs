//! The process table: who a process is and where it comes from, as of each event.
//!
//! In: audit events in order. Out: the same events with their [`Process`] and the context fields that
//! the records themselves leave empty: parent, ancestors, entity ids, arguments on events that are no
//! execution. What the log does not tell stays absent.
//!
//! A process is known from its execution, from the fork that made it, or from first sight. A program
//! that changed without an execution in the log is a new image with unknown arguments. A process whose
//! parent ended keeps it: that process 1 takes orphans in says nothing about where they come from.
//! What a process does later, as whom it runs and whose session it is in, is followed as far as it is
//! logged. Processes that count process ids in a space of their own say nothing about others by number.
//! Bounded in number and bytes: the processes not seen for longest are forgotten and counted.

mod lineage;
mod seed;

pub use seed::Found;

use std::num::NonZeroUsize;
use std::slice;
use std::sync::Arc;

use hashbrown::HashSet;
use lru::LruCache;
use sha2::{Digest as _, Sha256};

use crate::event::{
    Change, EntityId, EntryKind, Event, Facts, Leader, Leaders, Parent, Process, Projection,
    Terminal,
};
use crate::near;
use crate::time::Timestamp;

/// Processes remembered.
const MAX_PROCESSES: NonZeroUsize = NonZeroUsize::new(32_768).expect("not zero");
/// Bytes of all processes remembered, each counted with its ancestors.
const MAX_BYTES: usize = 64 << 20;
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
    /// Images that began without a known parent.
    pub unknown_parents: u64,
    /// Processes forgotten for lack of room.
    pub forgotten: u64,
    /// Processes that were running before the log began, as somebody has seen them.
    pub seeded: u64,
    /// Children known only by numbers of another process id space, and so not known.
    pub apart: u64,
}

/// The processes of all hosts.
#[derive(Debug)]
pub struct Table {
    processes: LruCache<Key, Entry>,
    bytes: usize,
    max_bytes: usize,
    /// Hosts that log `setsid`, and those that log `setpgid`.
    log_sessions: HashSet<u32>,
    log_groups: HashSet<u32>,
    stats: TableStats,
}

/// Most hosts of which it is remembered what they log.
const MAX_HOSTS: usize = 65_536;

/// Host and process id.
type Key = (u32, i64);

#[derive(Debug)]
struct Entry {
    process: Arc<Process>,
    program: Option<u64>,
    /// As whom it runs, as [`Facts::person`].
    person: u64,
    ended: bool,
    /// Its size and that of its ancestors, in bytes.
    bytes: usize,
    /// Itself with fewer ancestors, as the parent of others.
    shortened: Option<Arc<Process>>,
    /// Itself without parents and leaders, as the leader of others.
    alone: Option<Arc<Process>>,
    /// It counts process ids in a space of its own.
    apart: bool,
    /// So do its children from now on.
    children_apart: bool,
}

impl Entry {
    /// Whether an event is of this very process: it has not ended and has the same parent, or one that
    /// takes in orphans. Those are process 1 and ancestors.
    fn is_of(&self, facts: &Facts) -> bool {
        let adopted =
            |ppid: i64| ppid == 1 || self.process.ancestors().any(|ancestor| ancestor.pid == ppid);
        !self.ended && (self.process.ppid == facts.ppid || facts.ppid.is_none_or(adopted))
    }

    /// Whether it runs the program that an event shows, as far as both are known.
    fn runs(&self, facts: &Facts) -> bool {
        facts.program.is_none() || self.program == facts.program
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new(MAX_PROCESSES)
    }
}

impl Table {
    /// A table that remembers `capacity` processes.
    pub fn new(capacity: NonZeroUsize) -> Self {
        let processes = LruCache::new(capacity);
        Self {
            processes,
            bytes: 0,
            max_bytes: MAX_BYTES,
            log_sessions: HashSet::new(),
            log_groups: HashSet::new(),
            stats: TableStats::default(),
        }
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

    /// Learns from an event and gives it its context: [`Table::attach`], then the fields.
    ///
    /// One look-up an event; memory is allocated only when something new is learnt.
    pub fn observe(&mut self, projection: &Projection, event: &mut Event) {
        self.attach(event);
        event.add_all_context(projection);
    }

    /// Learns from an event and says which process it is about. Events come in order; one that comes
    /// late, from before the image that runs now, teaches nothing.
    pub fn attach(&mut self, event: &mut Event) {
        let facts = event.facts();
        let Some(pid) = facts.pid else { return };
        let key = (event.host().map_or(0, |host| host.index), pid);
        let known = self.processes.get(&key);
        let late = known.is_some_and(|entry| event.ordinal.time < entry.process.start);
        let same = known.filter(|entry| entry.is_of(&facts) && entry.runs(&facts));
        let process = match same {
            Some(entry) if late || !facts.is_exec => {
                let process = entry.process.clone();
                match late || !facts.is_call || entry.person == facts.person {
                    true => process,
                    false => self.person(event, &facts, key).unwrap_or(process),
                }
            }
            _ if late || !facts.is_call => return,
            _ => self.learn(event, &facts, key),
        };
        let process = if late { process } else { self.follow(event, &facts, key, process) };
        event.set_process(Some(process));
    }

    /// The process as whoever it runs as now; `None` when it is not known.
    fn person(&mut self, event: &Event, facts: &Facts, key: Key) -> Option<Arc<Process>> {
        let (person, login) = event.person();
        let entry = self.processes.peek_mut(&key)?;
        entry.person = facts.person;
        let person = entry.process.person.or_newer(person);
        if person == entry.process.person {
            return None;
        }
        self.changed(key, login, |process| process.person = person)
    }

    /// What the event changes; the process as it is behind it.
    fn follow(
        &mut self,
        event: &Event,
        facts: &Facts,
        key: Key,
        process: Arc<Process>,
    ) -> Arc<Process> {
        if let Some(child) = facts.child {
            self.fork(key, child, facts, event);
        }
        if facts.is_exit
            && let Some(entry) = self.processes.peek_mut(&key)
        {
            entry.ended = true;
        }
        match facts.change {
            Change::Nothing => process,
            Change::Session => {
                remember(&mut self.log_sessions, key.0);
                self.changed(key, None, lineage::lead_session).unwrap_or(process)
            }
            Change::Group { process: target, group } => {
                remember(&mut self.log_groups, key.0);
                let target = if target == 0 { key.1 } else { i64::from(target) };
                self.regroup(key, target, i64::from(group));
                self.processes.peek(&key).map_or(process, |entry| entry.process.clone())
            }
            Change::Pids => {
                if let Some(entry) = self.processes.peek_mut(&key) {
                    entry.children_apart = true;
                }
                process
            }
        }
    }

    /// Puts a process into a group; by default into its own.
    fn regroup(&mut self, (host, caller): Key, target: i64, group: i64) {
        // What it calls others is of no use.
        let apart = self.processes.peek(&(host, caller)).is_some_and(|entry| entry.apart);
        if apart && (target != caller || group != 0) {
            return;
        }
        let leader = if group == 0 || group == target {
            Leader::Itself
        } else {
            self.alone((host, group)).map_or(Leader::Unknown, Leader::Other)
        };
        self.changed((host, target), None, |process| process.leaders.group = leader);
    }

    /// A living process that something has changed about; `None` when it is not known. `login` is the user
    /// at login as far as it is known.
    fn changed(
        &mut self,
        key: Key,
        login: Option<u32>,
        change: impl FnOnce(&mut Process),
    ) -> Option<Arc<Process>> {
        let entry = self.processes.peek_mut(&key).filter(|entry| !entry.ended)?;
        let mut process = (*entry.process).clone();
        change(&mut process);
        let parent = process.parent.clone();
        let by_call = self.log_sessions.contains(&key.0);
        if entry.process.person.terminal != process.person.terminal
            || entry.process.leaders != process.leaders
        {
            lineage::settle(&mut process, parent.as_deref(), login, by_call);
        }
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        entry.process = Arc::new(process);
        entry.shortened = None;
        entry.alone = None;
        entry.bytes = bytes_of(&entry.process);
        self.bytes += entry.bytes;
        Some(entry.process.clone())
    }

    /// A new image: by execution, at first sight, or because its execution was missed.
    fn learn(&mut self, event: &mut Event, facts: &Facts, key: Key) -> Arc<Process> {
        let same_process = self.processes.peek(&key).is_some_and(|entry| entry.is_of(facts));
        *if facts.is_exec {
            &mut self.stats.executions
        } else if same_process {
            &mut self.stats.missed_executions
        } else {
            &mut self.stats.first_sights
        } += 1;
        let parent = self.parent_of(key, facts);
        if parent.is_none() && facts.ppid != Some(0) {
            self.stats.unknown_parents += 1;
        }
        let id = entity_id(event, key.1);
        let (mut process, login) = event.process_image(id, event.ordinal.time, parent);
        let (leaders, mut apart) = self.born(key, &process, same_process);
        process.leaders = leaders;
        if facts.is_exec {
            let parent = process.parent.clone();
            let by_call = self.log_sessions.contains(&key.0);
            lineage::settle(&mut process, parent.as_deref(), login, by_call);
        }
        apart |= process.leaders.kind == Some(EntryKind::Container);
        self.insert(key, process, facts, apart)
    }

    /// The leaders of a new image before it says anything, and whether it counts process ids in a space
    /// of its own: as the image before it in the same process, else as its parent.
    fn born(&mut self, key: Key, process: &Process, same_process: bool) -> (Leaders, bool) {
        if same_process && let Some(entry) = self.processes.peek(&key) {
            return (entry.process.leaders.clone(), entry.apart);
        }
        let Some(parent) = process.parent.as_ref().map(Parent::process) else {
            return Default::default();
        };
        let parent_key = (key.0, parent.pid);
        let entry = self.processes.peek(&parent_key).filter(|entry| !entry.ended);
        let apart = entry.is_some_and(|entry| entry.apart || entry.children_apart);
        (self.inherited(parent_key, parent, process.person.terminal), apart)
    }

    /// The leaders that a process hands on. A shell at a terminal puts what it runs into groups of their
    /// own, which nobody knows about unless it is logged.
    fn inherited(
        &mut self,
        parent_key: Key,
        parent: &Arc<Process>,
        terminal: Option<Terminal>,
    ) -> Leaders {
        let mut leaders = parent
            .leaders
            .inherited(|| self.alone(parent_key).unwrap_or_else(|| Arc::new(parent.alone())));
        let at_terminal = terminal.or(parent.person.terminal).is_none_or(Terminal::is_some);
        if at_terminal && !self.log_groups.contains(&parent_key.0) {
            leaders.group = Leader::Unknown;
        }
        leaders
    }

    /// A process without parents and leaders, as the leader of others.
    fn alone(&mut self, key: Key) -> Option<Arc<Process>> {
        let entry = self.processes.peek_mut(&key).filter(|entry| !entry.ended)?;
        if entry.alone.is_none() {
            let alone = Arc::new(entry.process.alone());
            let bytes = alone.size_bytes();
            entry.alone = Some(alone);
            entry.bytes += bytes;
            self.bytes += bytes;
        }
        entry.alone.clone()
    }

    /// The parent of a process: as known already, else whoever has that id now.
    fn parent_of(&mut self, key: Key, facts: &Facts) -> Option<Parent> {
        let known = self.processes.peek(&key).filter(|entry| entry.is_of(facts));
        if let Some(parent) = known.and_then(|entry| entry.process.parent.clone()) {
            return Some(parent);
        }
        self.as_parent((key.0, facts.ppid?)).map(Parent::new)
    }

    /// A living process with as many ancestors as leave room for a child.
    fn as_parent(&mut self, key: Key) -> Option<Arc<Process>> {
        let entry = self.processes.peek_mut(&key).filter(|entry| !entry.ended)?;
        if entry.process.depth() < MAX_DEPTH {
            return Some(entry.process.clone());
        }
        if entry.shortened.is_none() {
            let shortened = shortened(&entry.process, MAX_DEPTH - 1);
            // The copies are its own.
            self.bytes += entry.bytes;
            entry.bytes *= 2;
            entry.shortened = Some(shortened);
        }
        entry.shortened.clone()
    }

    /// A process made another, which runs the same program until it says otherwise.
    fn fork(&mut self, (host, pid): Key, child: i64, facts: &Facts, event: &Event) {
        let time = event.ordinal.time;
        let maker = self.processes.peek(&(host, pid));
        if maker.is_some_and(|entry| entry.apart) {
            self.stats.apart += 1;
            return;
        }
        // The child may have been seen already: a call is logged when it returns, with the time it
        // began.
        if let Some(known) = self.processes.peek(&(host, child))
            && !known.ended
            && known.process.ppid == Some(pid)
            && known.process.start >= time
        {
            return;
        }
        let Some(parent) = self.as_parent((host, pid)) else { return };
        let maker = self.processes.peek(&(host, pid));
        let program = maker.and_then(|entry| entry.program);
        let person = maker.map_or(0, |entry| entry.person);
        let apart = facts.child_apart || maker.is_some_and(|entry| entry.children_apart);
        let leaders = self.inherited((host, pid), &parent, parent.person.terminal);
        let process = Process {
            entity_id: entity_id(event, child),
            pid: child,
            ppid: Some(pid),
            start: time,
            parent: Some(Parent::new(parent.clone())),
            leaders,
            ..(*parent).clone()
        };
        let facts = Facts { program, person, ..Facts::default() };
        self.insert((host, child), process, &facts, apart);
    }

    fn insert(&mut self, key: Key, process: Process, facts: &Facts, apart: bool) -> Arc<Process> {
        let process = Arc::new(process);
        let bytes = bytes_of(&process);
        let entry = Entry {
            process: process.clone(),
            program: facts.program,
            person: facts.person,
            ended: false,
            bytes,
            shortened: None,
            alone: None,
            apart,
            children_apart: false,
        };
        self.bytes += bytes;
        if let Some((old, entry)) = self.processes.push(key, entry) {
            self.forget(&entry, old != key);
        }
        while self.bytes > self.max_bytes && self.processes.len() > 1 {
            let Some((_, oldest)) = self.processes.pop_lru() else { break };
            self.forget(&oldest, true);
        }
        if self.stats.forgotten > 0 {
            self.bring_oldest();
        }
        process
    }

    /// Has those brought near that will be forgotten next: nobody has looked at them for longest. One after
    /// another, because where a part of one lies is told by the part before.
    fn bring_oldest(&self) {
        let mut oldest = self.processes.iter().rev().map(|(_, entry)| entry);
        if let Some(first) = oldest.next() {
            first.process.bring_parts();
        }
        if let Some(second) = oldest.next() {
            near::bring_shared(&second.process);
        }
        if let Some(third) = oldest.next() {
            near::bring(slice::from_ref(third), size_of::<Entry>());
        }
    }

    fn forget(&mut self, entry: &Entry, for_room: bool) {
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        self.stats.forgotten += u64::from(for_room);
    }
}

/// Bytes of an entry, with the ancestors and leaders of its process.
fn bytes_of(process: &Process) -> usize {
    let chain = process.ancestors_bytes();
    let leaders = process.leaders.others().map(|leader| leader.size_bytes()).sum::<usize>();
    size_of::<(Key, Entry)>() + process.size_bytes() + chain + leaders
}

fn remember(hosts: &mut HashSet<u32>, host: u32) {
    if hosts.len() < MAX_HOSTS {
        hosts.insert(host);
    }
}

/// Hash of host, process id and the event that showed it first.
fn entity_id(event: &Event, pid: i64) -> EntityId {
    let host = event.host().map_or("", |host| &host.id);
    let serial = event.raw().group().map_or(0, |group| group.id().serial);
    name_of(host, pid, event.ordinal.time, serial)
}

fn name_of(host: &str, pid: i64, Timestamp(time): Timestamp, serial: u32) -> EntityId {
    let mut hash = Sha256::new();
    hash.update((host.len() as u64).to_be_bytes());
    hash.update(host);
    hash.update(pid.to_be_bytes());
    hash.update(time.to_be_bytes());
    hash.update(serial.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    EntityId::of_digest(std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default()))
}

/// A copy with at most `depth` ancestors.
fn shortened(process: &Process, depth: usize) -> Arc<Process> {
    let line: Vec<&Process> = process.ancestors().take(depth).collect();
    let copy = |process: &Process, parent| Arc::new(Process { parent, ..process.clone() });
    let parent =
        line.into_iter().rev().fold(None, |parent, next| Some(Parent::new(copy(next, parent))));
    copy(process, parent)
}
