//! Events → numbers.
//!
//! In: every event of a run, and every loss. Out: an [`Inspection`]. Allocates for what it sees the first
//! time only.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::answer::{
    Completeness, Count, Failure, Gap, Host, Inspection, Lines, List, Losses, Malformed, Read,
    Syscall,
};
use super::count::Counts;
use super::kinds::Kinds;
use super::never::{self, Seen};
use crate::alert::Alert;
use crate::event::{Event, Group, Incomplete, OF_CALL, Outline, Raw, Table};
use crate::pipeline::{Flow, Live, LostSerials, Observer, Report};
use crate::record::tables::arch_name;
use crate::record::{Arguments, RecordType};
use crate::rule::RuleSet;
use crate::schema::{FieldId, FieldType};
use crate::time::Timestamp;
use crate::value::Scalar;

/// The number of the first of [`FIELDS`].
#[expect(clippy::cast_possible_truncation, reason = "eight")]
const FIRST_VALUE: u16 = OF_CALL.len() as u16;

/// Machines told apart.
const HOSTS: usize = 4096;
/// Record types told apart; the kernel and auditd have some 200.
const RECORD_TYPES: usize = 1024;
/// System calls told apart, by architecture.
const SYSCALLS: usize = 4096;
/// Categories and keys of audit rules told apart.
const NAMES: usize = 1024;
/// Longest name of a category or key, in bytes; the kernel takes 256.
const NAME_BYTES: usize = 256;

/// The fields that are counted by value; those that tell kinds of events apart ([`OF_CALL`]) stand before
/// them.
const FIELDS: [&str; 2] = ["event.category", "tags"];

/// See the module page.
pub(super) struct Gather<'a> {
    live: &'a mut dyn FnMut(&Live),
    json_events: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    hosts: HashMap<u32, HostCount>,
    other_hosts: u64,
    record_types: Counts<Vec<u8>>,
    calls: HashMap<(Table, Option<u32>), CallCount>,
    other_calls: u64,
    /// Names of calls that were meant.
    meant: HashSet<&'static str>,
    kinds: Kinds,
    /// Events by the record that gives them their type.
    leading: Counts<Vec<u8>>,
    values: [Counts<String>; 2],
    incomplete: u64,
    causes: [u64; Incomplete::ALL.len()],
    lost_arguments: u64,
    cut_json: u64,
    missing: Vec<(RecordType, u64)>,
    enriched: bool,
    arguments: Arguments,
}

struct HostCount {
    host: Arc<crate::event::Host>,
    events: u64,
    incomplete: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Default)]
struct CallCount {
    name: Option<&'static str>,
    count: u64,
    failed: u64,
}

impl<'a> Gather<'a> {
    pub(super) fn new(live: &'a mut dyn FnMut(&Live)) -> Self {
        Self {
            live,
            json_events: 0,
            first: None,
            last: None,
            hosts: HashMap::new(),
            other_hosts: 0,
            record_types: Counts::new(RECORD_TYPES),
            calls: HashMap::new(),
            other_calls: 0,
            meant: HashSet::new(),
            kinds: Kinds::default(),
            leading: Counts::new(RECORD_TYPES),
            values: FIELDS.map(|_| Counts::new(NAMES)),
            incomplete: 0,
            causes: [0; Incomplete::ALL.len()],
            lost_arguments: 0,
            cut_json: 0,
            missing: Vec::new(),
            enriched: false,
            arguments: Arguments::default(),
        }
    }

    /// Counts what an audit event is made of; whether something of it is missing.
    fn audit(&mut self, group: &Group) -> bool {
        for record in group.records() {
            self.record_types.add(record.kind_name());
        }
        let outline = Outline::of(group);
        self.enriched |= outline.enriched;
        if let Some(leading) = outline.leading {
            self.leading.add(leading);
        }
        if let Some(call) = outline.call {
            // At most as many as there are in our tables.
            self.meant.extend(call.meant.filter(|meant| !self.meant.contains(meant)));
            let key = (call.table, call.number);
            if self.calls.len() < SYSCALLS || self.calls.contains_key(&key) {
                let known = self.calls.entry(key).or_default();
                known.name = call.name;
                known.count += 1;
                known.failed += u64::from(call.failed);
            } else {
                self.other_calls += 1;
            }
        }
        let mut whole = true;
        for kind in outline.missing() {
            whole = false;
            match self.missing.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                // Four types at most.
                None => self.missing.push((kind, 1)),
            }
        }
        if group.lacks_arguments(&mut self.arguments) {
            whole = false;
            self.lost_arguments += 1;
        }
        if let Some(cause) = group.incomplete() {
            whole = false;
            if let Some(count) = self.causes.get_mut(cause as usize) {
                *count += 1;
            }
        }
        !whole
    }

    /// The answer, with what the run itself has counted.
    pub(super) fn finish(self, report: &Report, rules: &Arc<RuleSet>) -> Inspection {
        let [categories, keys] = &self.values;
        let seen = Seen {
            json: self.json_events > 0,
            events: report.events,
            calls: self
                .calls
                .values()
                .filter_map(|call| call.name)
                .chain(self.meant.iter().copied())
                .collect(),
            leading: &self.leading,
            kinds: self.kinds.producers(),
            categories,
        };
        Inspection {
            read: Read {
                bytes: report.bytes,
                lines: report.lines,
                records: report.records,
                events: report.events,
                json_events: self.json_events,
            },
            failures: failures(report),
            first: self.first.map(|time| time.to_string()),
            last: self.last.map(|time| time.to_string()),
            hosts: List { items: hosts(&self.hosts), other: self.other_hosts },
            record_types: self.record_types(report.ends),
            syscalls: List { items: syscalls(&self.calls), other: self.other_calls },
            categories: names(categories),
            keys: names(keys),
            completeness: self.completeness(report.events),
            losses: Losses {
                gaps: report.gaps.0,
                serials: report.gaps.1,
                largest: report.largest_gaps.iter().map(gap).collect(),
                kernel: report.kernel_lost,
                boots: report.boots,
            },
            lines: lines(report),
            never: never::never(rules, &seen),
            notes: self.notes(report),
        }
    }

    /// The types of records, with those that only end an event, which no event holds.
    fn record_types(&self, ends: u64) -> List<Count> {
        let mut items: Vec<Count> =
            self.record_types.sorted().into_iter().map(record_type).collect();
        if ends > 0 {
            let at = items.partition_point(|item| item.count >= ends);
            items.insert(at, Count { name: "EOE".to_owned(), count: ends });
        }
        List { items, other: self.record_types.other }
    }

    fn completeness(&self, events: u64) -> Completeness {
        let named = Incomplete::ALL.iter().zip(&self.causes);
        let named = named.map(|(cause, count)| (cause.about(), *count));
        let more = [("arguments missing", self.lost_arguments), ("values left out", self.cut_json)];
        let causes = named.chain(more).filter(|(_, count)| *count > 0);
        let mut missing = self.missing.clone();
        missing.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), kind.0));
        let missing = missing.into_iter();
        Completeness {
            complete: events.saturating_sub(self.incomplete),
            incomplete: self.incomplete,
            causes: causes.map(|(name, count)| Count { name: name.to_owned(), count }).collect(),
            missing_records: missing
                .map(|(kind, count)| Count { name: kind.name().unwrap_or("?").to_owned(), count })
                .collect(),
        }
    }

    fn notes(&self, report: &Report) -> Vec<String> {
        let mut notes = Vec::new();
        if report.events == self.json_events {
            return notes;
        }
        if self.calls.is_empty() {
            notes.push(
                "no system call is logged: the audit rules may have `-a never,task`, which turns all of \
                 them off"
                    .to_owned(),
            );
        } else if !["execve", "execveat"].iter().any(|call| self.meant.contains(call)) {
            notes.push(
                "no execution is logged: what programs were started with is not known, nor who their \
                 parents were"
                    .to_owned(),
            );
        }
        if !self.enriched {
            notes.push(
                "not enriched: names of users and groups are missing (`log_format = ENRICHED` in \
                 auditd.conf)"
                    .to_owned(),
            );
        }
        notes
    }
}

impl Observer for Gather<'_> {
    fn alert(&mut self, _: &Alert) -> Flow {
        Flow::Continue
    }

    fn shows_alerts(&self) -> bool {
        false
    }

    fn read(&mut self, live: &Live) {
        (self.live)(live);
    }

    fn fields(&self) -> Vec<(Arc<str>, Option<FieldType>)> {
        let names = OF_CALL.into_iter().chain(FIELDS);
        names.map(|name| (name.into(), Some(FieldType::Keyword))).collect()
    }

    fn event(&mut self, event: &Event) -> Flow {
        let time = Some(event.ordinal.time).filter(|_| event.raw().is_timed());
        widen(&mut self.first, &mut self.last, time);
        let incomplete = match event.raw() {
            Raw::Audit(group) => {
                self.kinds.add(event);
                self.audit(group)
            }
            Raw::Json(json) => {
                self.json_events += 1;
                self.cut_json += u64::from(json.is_cut());
                json.is_cut()
            }
        };
        self.incomplete += u64::from(incomplete);
        for (counts, field) in self.values.iter_mut().zip((FIRST_VALUE..).map(FieldId)) {
            for value in event.values(field) {
                match value {
                    Scalar::Str(name) if name.len() <= NAME_BYTES => counts.add(name),
                    _ => counts.add_other(),
                }
            }
        }
        if let Some(host) = event.host() {
            if self.hosts.len() >= HOSTS && !self.hosts.contains_key(&host.index) {
                self.other_hosts += 1;
                return Flow::Continue;
            }
            let known = self.hosts.entry(host.index).or_insert_with(|| HostCount {
                host: host.clone(),
                events: 0,
                incomplete: 0,
                first: None,
                last: None,
            });
            known.events += 1;
            known.incomplete += u64::from(incomplete);
            widen(&mut known.first, &mut known.last, time);
        }
        Flow::Continue
    }
}

fn widen(first: &mut Option<Timestamp>, last: &mut Option<Timestamp>, time: Option<Timestamp>) {
    if let Some(time) = time {
        *first = Some(first.map_or(time, |first| first.min(time)));
        *last = (*last).max(Some(time));
    }
}

fn failures(report: &Report) -> Vec<Failure> {
    let refused = report.refusals.iter().map(|refusal| (&refusal.name, &refusal.why));
    let failed = report.failures.iter().map(|failure| (&failure.name, &failure.why));
    let all = refused.chain(failed);
    all.map(|(name, why)| Failure { name: name.clone(), why: why.clone() }).collect()
}

fn hosts(hosts: &HashMap<u32, HostCount>) -> Vec<Host> {
    let mut all: Vec<&HostCount> = hosts.values().collect();
    all.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.host.name.cmp(&b.host.name)));
    let all = all.into_iter().map(|host| Host {
        name: host.host.name.to_string(),
        events: host.events,
        incomplete: host.incomplete,
        first: host.first.map(|time| time.to_string()),
        last: host.last.map(|time| time.to_string()),
    });
    all.collect()
}

fn syscalls(calls: &HashMap<(Table, Option<u32>), CallCount>) -> Vec<Syscall> {
    let mut all: Vec<_> = calls.iter().collect();
    all.sort_by(|(a, x), (b, y)| y.count.cmp(&x.count).then_with(|| a.cmp(b)));
    let all = all.into_iter().map(|((table, number), call)| Syscall {
        arch: match table {
            Table::Uring => "io_uring".to_owned(),
            Table::Arch(Some(arch)) => {
                arch_name(*arch).map_or_else(|| format!("{arch:x}"), str::to_owned)
            }
            Table::Arch(None) => "unknown".to_owned(),
        },
        number: *number,
        name: call.name.map(str::to_owned),
        count: call.count,
        failed: call.failed,
    });
    all.collect()
}

fn record_type((name, count): (Vec<u8>, u64)) -> Count {
    Count { name: String::from_utf8_lossy(&name).into_owned(), count }
}

fn names(counts: &Counts<String>) -> List<Count> {
    let items = counts.sorted().into_iter().map(|(name, count)| Count { name, count });
    List { items: items.collect(), other: counts.other }
}

fn gap(gap: &LostSerials) -> Gap {
    Gap {
        host: gap.host.clone(),
        serials: gap.serials,
        after: gap.after.to_string(),
        before: gap.before.to_string(),
    }
}

fn lines(report: &Report) -> Lines {
    let malformed = report.malformed_lines.iter().map(|line| Malformed {
        file: line.file.clone(),
        line: line.line,
        why: line.why.clone(),
    });
    Lines {
        malformed: report.malformed,
        first_malformed: malformed.collect(),
        cut: report.cut_lines,
        skipped: report.skipped,
        late_records: report.late_records,
        dropped: report.dropped,
        duplicates: report.duplicates,
        late: report.order.late,
    }
}
