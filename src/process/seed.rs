//! Processes that were running before the log began, as somebody has found them.
//!
//! In: plain descriptions of them. Out: entries of the table as good as those learnt from a log. Where
//! the descriptions come from is not the business of this room.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{MAX_DEPTH, Table, lineage, name_of};
use crate::event::{
    Draft, EntryKind, Facts, Host, Leader, Leaders, Parent, Person, Process, program_of,
};
use crate::time::Timestamp;

/// A process that was found running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Process id.
    pub pid: i64,
    /// Id of the parent; 0 for none.
    pub ppid: i64,
    /// Id of the leader of its session; 0 for none.
    pub session: i64,
    /// Id of the leader of its group; 0 for none.
    pub group: i64,
    /// `comm`
    pub name: String,
    /// Path of the program; `None` for threads of the kernel and where it may not be known.
    pub executable: Option<String>,
    /// Arguments as they stand in its memory now, which it may have changed.
    pub args: Vec<String>,
    /// Its working directory now.
    pub working_directory: Option<String>,
    /// As whom it runs, and where.
    pub person: Person,
    /// The user at login.
    pub login: Option<u32>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// It counts process ids in a space of its own.
    pub apart: bool,
}

impl Table {
    /// Takes in processes found running on `host` at `now`; those that are known already stay as they
    /// are. An event that shows another parent or program later is of another process, so that a
    /// description that was wrong does no harm.
    pub fn seed(&mut self, host: &Host, found: &[Found], now: Timestamp) {
        let by_pid: HashMap<i64, &Found> = found.iter().map(|one| (one.pid, one)).collect();
        let mut made: HashSet<i64> = HashSet::new();
        for one in found {
            // From the oldest unknown ancestor down to the process itself; nobody is its own ancestor
            // but in a description that is wrong.
            let mut line = Vec::new();
            let mut next = Some(one);
            while let Some(one) = next.filter(|one| made.insert(one.pid)) {
                line.push(one);
                next = by_pid.get(&one.ppid).copied();
            }
            line.iter().rev().for_each(|one| self.plant(host, one, now));
        }
        for one in found {
            self.lead(host, one, &by_pid);
        }
    }

    fn plant(&mut self, host: &Host, found: &Found, now: Timestamp) {
        let key = (host.index, found.pid);
        if found.pid <= 0 || self.processes.contains(&key) {
            return;
        }
        let start = found.start.map_or(now, |start| start.min(now));
        let mut draft = Draft::default();
        draft.push(Some(&found.name));
        draft.push(found.executable.as_deref());
        draft.push(found.working_directory.as_deref());
        found.args.iter().for_each(|arg| draft.push(Some(arg)));
        let args_count = i64::try_from(found.args.len()).ok().filter(|count| *count > 0);
        let process = Process {
            entity_id: name_of(&host.id, found.pid, start, 0),
            pid: found.pid,
            ppid: Some(found.ppid),
            image: draft.image(args_count),
            person: found.person,
            start,
            parent: self.as_parent((host.index, found.ppid)).map(Parent::new),
            leaders: Leaders::default(),
        };
        let program = found.executable.as_deref().map(|path| program_of(path.as_bytes()));
        let facts = Facts { program, ..Facts::default() };
        self.insert(key, process, &facts, found.apart);
        self.stats.seeded += 1;
    }

    /// Sets the leaders, once every process is there. Entries come from the parents, which stand before
    /// their children in time but not always by number.
    fn lead(&mut self, host: &Host, found: &Found, all: &HashMap<i64, &Found>) {
        let key = (host.index, found.pid);
        let by_pid = |table: &mut Self, pid: i64| match pid {
            0 => Leader::Unknown,
            pid if pid == found.pid => Leader::Itself,
            pid => table.alone((host.index, pid)).map_or(Leader::Unknown, Leader::Other),
        };
        let (session, group) = (by_pid(self, found.session), by_pid(self, found.group));
        let (entry, kind) = self.entry_of(host, found, all);
        let Some(entry_of) = self.processes.peek_mut(&key) else { return };
        let mut process = (*entry_of.process).clone();
        process.leaders = Leaders { session, group, entry, kind };
        entry_of.apart |= kind == Some(EntryKind::Container);
        self.bytes = self.bytes.saturating_sub(entry_of.bytes);
        entry_of.process = Arc::new(process);
        entry_of.bytes = super::bytes_of(&entry_of.process)
            + entry_of.alone.as_ref().map_or(0, |alone| alone.size_bytes());
        self.bytes += entry_of.bytes;
    }

    /// The nearest process of its line that begins a login, service or container.
    fn entry_of(
        &mut self,
        host: &Host,
        found: &Found,
        all: &HashMap<i64, &Found>,
    ) -> (Leader, Option<EntryKind>) {
        let next = |one: &&Found| all.get(&one.ppid).copied();
        for one in std::iter::successors(Some(found), next).take(MAX_DEPTH) {
            if one.session != one.pid {
                continue;
            }
            let Some(entry) = self.processes.peek(&(host.index, one.pid)) else { break };
            let mut process = (*entry.process).clone();
            process.leaders = Leaders { session: Leader::Itself, ..Leaders::default() };
            let parent = process.parent.clone();
            lineage::settle(&mut process, parent.as_deref(), one.login, true);
            match process.leaders.kind {
                None | Some(EntryKind::Unknown) => {}
                Some(kind) if one.pid == found.pid => return (Leader::Itself, Some(kind)),
                Some(kind) => {
                    let leader = self.alone((host.index, one.pid));
                    return leader.map_or((Leader::Unknown, None), |leader| {
                        (Leader::Other(leader), Some(kind))
                    });
                }
            }
        }
        if found.session == found.pid {
            return (Leader::Itself, Some(EntryKind::Unknown));
        }
        (Leader::Unknown, None)
    }
}
