//! [`Coalescer`]: gathers records into events.
//!
//! In: lines, in order, of any number of sources. Out: [`Group`]s in order of completion. Time is
//! log time only: what comes out never depends on how fast the lines are read. Never decodes a body.
//!
//! An event is complete with its end-of-event record; where those do not come (files of auditd), with
//! PROCTITLE, which the kernel writes last; at once when its type stands alone; when the last two
//! records of its machine are more than two seconds later; at the end of input. In the default output of `ausearch`, where
//! PROCTITLE comes first, an event ends with the separator line.

mod done;
mod flight;
mod identity;
mod lane;
mod serials;

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::event::{Gap, Group, Incomplete, Malformed, Missing, Stats};
use crate::record::{Head, HeadError, Heads, RecordType};
use crate::time::{Duration, Timestamp};
use done::{Done, Verdict};
use flight::{Flight, Open, Ticket};
use identity::Key;
use lane::Lanes;

/// How long after its own time an event may still get records, in log time of its machine.
const PATIENCE: Duration = Duration::from_secs(2);
/// A spare group that grew beyond this gives its memory back.
const SPARE_BYTES: usize = 64 << 10;

/// Bounds of a [`Coalescer`].
#[derive(Debug, Clone, Copy)]
pub struct CoalesceLimits {
    /// Events in flight; beyond that the oldest is let go as incomplete.
    pub in_flight: usize,
    /// Bytes of all events in flight; beyond that the oldest is let go as incomplete.
    pub in_flight_bytes: usize,
    /// Records of one event; more are dropped.
    pub records_per_event: usize,
    /// Bytes of the EXECVE records of one event; more are dropped.
    pub execve_bytes: usize,
    /// Bytes of one line; the rest is cut off.
    pub line_bytes: usize,
    /// Recently completed events remembered to tell late records and repeated events.
    pub done_ring: usize,
}

impl Default for CoalesceLimits {
    fn default() -> Self {
        Self {
            in_flight: 4096,
            in_flight_bytes: 32 << 20,
            records_per_event: 4096,
            execve_bytes: 12 << 20,
            line_bytes: 1 << 20,
            done_ring: 16_384,
        }
    }
}

/// Gathers records into events by source, machine, time and serial.
///
/// ```
/// use catena::event::{CoalesceLimits, Coalescer};
///
/// let mut coalescer = Coalescer::new(CoalesceLimits::default());
/// let lines = [
///     r#"type=EXECVE msg=audit(1700000000.100:39): argc=1 a0="id""#,
///     r#"type=PROCTITLE msg=audit(1700000000.100:39): proctitle="id""#,
/// ];
/// for (number, line) in (1..).zip(lines) {
///     coalescer.push(0, number, line.as_bytes());
/// }
/// coalescer.finish();
/// let group = coalescer.pop().expect("PROCTITLE completes it");
/// assert_eq!(group.id().to_string(), "1700000000.100:39");
/// assert_eq!(group.records().count(), 2);
/// ```
#[derive(Debug)]
pub struct Coalescer {
    limits: CoalesceLimits,
    stats: Stats,
    heads: Heads,
    /// Source and event of the last line that had a head.
    at: Option<(u32, Key)>,
    flight: Flight,
    lanes: Lanes,
    done: Done,
    ready: VecDeque<Group>,
    spare: Vec<Group>,
    spare_bytes: usize,
    /// The event of the last record: most records follow one of their own.
    last: Option<(Key, Ticket)>,
    /// The event that got the last line with a head, if it keeps the next one without what both have in common.
    alike: Option<Ticket>,
    /// Sources that separate their events by a line, with the event at hand.
    separated: HashMap<u32, Option<Ticket>>,
    missing: Option<Missing>,
}

impl Coalescer {
    /// An empty one.
    pub fn new(limits: CoalesceLimits) -> Self {
        Self {
            done: Done::new(limits.done_ring),
            limits,
            stats: Stats::default(),
            heads: Heads::default(),
            at: None,
            flight: Flight::default(),
            lanes: Lanes::default(),
            ready: VecDeque::new(),
            spare: Vec::new(),
            spare_bytes: 0,
            last: None,
            alike: None,
            separated: HashMap::new(),
            missing: None,
        }
    }

    /// Takes the next line of a source, without its newline. Files that a daemon rotated are one
    /// source, oldest first: an event may begin in one and end in the next.
    ///
    /// Constant time but for the copy of the line; allocates nothing once it has seen the usual number
    /// and size of events in flight, as long as events come back by [`Coalescer::recycle`].
    pub fn push(&mut self, source: u32, line_number: u64, line: &[u8]) {
        self.stats.lines += 1;
        self.missing = None;
        let is_cut = line.len() > self.limits.line_bytes;
        let line = if is_cut { line.get(..self.limits.line_bytes).unwrap_or(line) } else { line };
        self.stats.cut_lines += u64::from(is_cut);
        match self.heads.read(line) {
            Ok((head, again)) => {
                let key = self.key(source, &head, again);
                let alike = self.alike.take().filter(|_| again);
                self.record(source, line_number, key, &head, is_cut, alike);
            }
            Err(reason) => self.no_record(source, line_number, reason),
        }
    }

    /// The next completed event, in order of completion.
    pub fn pop(&mut self) -> Option<Group> {
        self.ready.pop_front()
    }

    /// Whether there is anything for [`Coalescer::pop`] or [`Coalescer::take_missing`] to give.
    #[inline]
    pub fn has_news(&self) -> bool {
        self.missing.is_some() || !self.ready.is_empty()
    }

    /// Takes what the last line said about serial numbers that were skipped. What never comes is a gap
    /// in the [`Stats`] once that is certain; until then only this tells of it.
    pub fn take_missing(&mut self) -> Option<Missing> {
        self.missing.take()
    }

    /// Takes back the memory of an event that is no longer needed.
    pub fn recycle(&mut self, mut group: Group) {
        let bytes = group.capacity_bytes();
        let fits = self.spare_bytes + bytes <= self.limits.in_flight_bytes;
        if bytes <= SPARE_BYTES && fits && self.spare.len() < self.limits.in_flight {
            group.clear();
            self.spare_bytes += bytes;
            self.spare.push(group);
        }
    }

    /// The time of the earliest event still in flight.
    pub fn oldest_open(&self) -> Option<Timestamp> {
        self.flight.earliest().map(|(time, _)| time)
    }

    /// Completes every event in flight that happened before `time`, the earliest first: for sources
    /// that fell silent.
    pub fn flush_older_than(&mut self, time: Timestamp) {
        while let Some((earliest, ticket)) = self.flight.earliest()
            && earliest < time
        {
            self.complete(ticket, Ending::Silence);
        }
    }

    /// End of input: completes every event in flight in order of first sight and decides all gaps.
    pub fn finish(&mut self) {
        while let Some(ticket) = self.flight.oldest() {
            self.complete(ticket, Ending::Input);
        }
        let stats = &mut self.stats;
        for (number, lane) in self.lanes.iter_mut() {
            let source = lane.source;
            lane.serials.finish(&mut |hole| stats.add_gap(gap(source, number, hole)));
        }
    }

    /// The counters so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The source of a machine and the name it gives itself, by the number in [`Gap::machine`].
    pub fn machine(&self, number: u32) -> Option<(u32, Option<&[u8]>)> {
        let lane = self.lanes.get(number)?;
        Some((lane.source, Some(&*lane.node).filter(|node| !node.is_empty())))
    }

    /// A line that is not a record.
    #[cold]
    fn no_record(&mut self, source: u32, line: u64, reason: HeadError) {
        match reason {
            HeadError::Blank => self.stats.blank += 1,
            HeadError::Separator => {
                self.stats.blank += 1;
                if let Some(ticket) = self.separated.entry(source).or_default().take() {
                    self.complete(ticket, Ending::Record);
                }
            }
            HeadError::Notice(lost) => {
                self.stats.notices += 1;
                self.stats.kernel_lost = self.stats.kernel_lost.max(lost.unwrap_or(0));
            }
            _ => self.stats.add_malformed(Malformed { source, line, reason }),
        }
    }

    /// The event of a record; `again` says that it is that of the last line that had a head.
    #[inline]
    fn key(&mut self, source: u32, head: &Head<'_>, again: bool) -> Key {
        if let Some((last, key)) = self.at
            && again
            && last == source
        {
            return key;
        }
        let lane = self.lanes.find(source, head.node);
        let key = Key { lane, serial: head.serial, time: head.time };
        self.at = Some((source, key));
        key
    }

    /// Finds or opens the event of a record and adds it. `alike` is the event that got the line before, if that had
    /// the same machine, time and serial in the same bytes.
    fn record(
        &mut self,
        source: u32,
        line_number: u64,
        key: Key,
        head: &Head<'_>,
        is_cut: bool,
        alike: Option<Ticket>,
    ) {
        self.stats.records += 1;
        self.stats.ends += u64::from(head.kind == RecordType::EOE);
        self.tick(key.lane, head.time);
        let ticket = match self.open_event(source, &key, head) {
            Some(ticket) => ticket,
            None if head.kind == RecordType::EOE => return self.end_of_nothing(&key),
            None => match self.begin(source, line_number, key, head) {
                Some(ticket) => ticket,
                None => return,
            },
        };
        self.last = Some((key, ticket));
        self.add(ticket, head, is_cut, alike);
        if self.ends_event(source, key.lane, ticket, head) {
            self.complete(ticket, Ending::Record);
        }
        while self.flight.len() > self.limits.in_flight
            || self.flight.bytes() > self.limits.in_flight_bytes
        {
            let Some(oldest) = self.flight.oldest() else { break };
            self.complete(oldest, Ending::Force);
        }
    }

    /// The event in flight that a record belongs to.
    #[inline]
    fn open_event(&self, source: u32, key: &Key, head: &Head<'_>) -> Option<Ticket> {
        let shared = Lanes::is_shared(key.lane).then_some((source, head.node));
        if let Some((last, ticket)) = self.last
            && last == *key
            && shared.is_none()
            && self.flight.get(ticket).is_some()
        {
            return Some(ticket);
        }
        self.flight.find(key, shared)
    }

    /// Opens an event. `None` when it was completed before: the record is late or repeated.
    fn begin(&mut self, source: u32, line: u64, key: Key, head: &Head<'_>) -> Option<Ticket> {
        if Lanes::is_shared(key.lane) {
            self.stats.too_many_machines = true;
        } else {
            match self.done.judge(&key, head) {
                Verdict::New => {}
                Verdict::Late => {
                    self.stats.late += 1;
                    return None;
                }
                Verdict::Duplicate(called_late) => {
                    self.stats.late = self.stats.late.saturating_sub(u64::from(called_late));
                    self.stats.duplicate += 1;
                    return None;
                }
            }
            let stats = &mut self.stats;
            if let Some(lane) = self.lanes.get_mut(key.lane) {
                let mut lost = |hole| stats.add_gap(gap(source, key.lane, hole));
                let change = lane.serials.seen(head.kind, head.serial, head.time, &mut lost);
                self.missing = change.map(|change| match change {
                    serials::Change::Opened(hole) => Missing::Since(gap(source, key.lane, hole)),
                    serials::Change::Filled(hole) => Missing::Came(gap(source, key.lane, hole)),
                });
                stats.boots += lane.serials.take_boots();
            }
        }
        let mut group = self.spare.pop().unwrap_or_else(Group::new);
        self.spare_bytes -= group.capacity_bytes();
        group.begin(source, line, head);
        let ticket = self.flight.insert(key, group);
        if !Lanes::is_shared(key.lane)
            && let Some(lane) = self.lanes.get_mut(key.lane)
        {
            lane.queue.push_back(ticket);
            // Closed events are dropped from the front as time goes on; time may stand still.
            if lane.queue.len() > 2 * self.flight.len() + 64 {
                lane.queue.retain(|ticket| self.flight.get(*ticket).is_some());
            }
        }
        Some(ticket)
    }

    /// Adds a record to its event, as far as the limits allow.
    #[inline]
    fn add(&mut self, ticket: Ticket, head: &Head<'_>, is_cut: bool, alike: Option<Ticket>) {
        let (records, execve_bytes) = (self.limits.records_per_event, self.limits.execve_bytes);
        let is_alike = alike == Some(ticket);
        let alike = &mut self.alike;
        let added = self.flight.with(ticket, |open| {
            if is_cut {
                open.group.set_incomplete(Incomplete::CutLine);
            }
            match head.kind {
                RecordType::EOE => return true,
                RecordType::EXECVE => {
                    open.execve_bytes += head.body.len();
                    if open.execve_bytes > execve_bytes {
                        open.group.set_incomplete(Incomplete::TooManyArguments);
                        return false;
                    }
                }
                _ => {}
            }
            if open.group.len() >= records {
                open.group.set_incomplete(Incomplete::TooManyRecords);
                return false;
            }
            *alike = open.push(head, is_alike).then_some(ticket);
            true
        });
        self.stats.dropped += u64::from(added == Some(false));
    }

    /// Whether the event is complete with this record.
    #[inline]
    fn ends_event(&mut self, source: u32, lane: u32, ticket: Ticket, head: &Head<'_>) -> bool {
        if !self.separated.is_empty()
            && let Some(at_hand) = self.separated.get_mut(&source)
        {
            let before = at_hand.replace(ticket).filter(|before| *before != ticket);
            if let Some(before) = before {
                self.complete(before, Ending::Record);
            }
            return false;
        }
        let is_shared = Lanes::is_shared(lane);
        let Some(lane) = self.lanes.get_mut(lane) else { return false };
        match head.kind {
            RecordType::EOE => {
                lane.has_eoe = true;
                true
            }
            RecordType::PROCTITLE => {
                lane.has_proctitle = true;
                // Where end-of-event records come, one more record of this event will.
                !lane.has_eoe || is_shared
            }
            // A message of a program that shares its serial with a system call waits for it.
            kind => kind.is_single() && self.flight.get(ticket).is_some_and(|o| !o.has_syscall),
        }
    }

    /// An end-of-event record whose event is not in flight: its PROCTITLE completed it, or nothing of
    /// it ever came.
    fn end_of_nothing(&mut self, key: &Key) {
        if let Some(lane) = self.lanes.get_mut(key.lane) {
            lane.has_eoe = true;
        }
        if !Lanes::is_shared(key.lane) && !self.done.contains(key) {
            self.stats.lone_ends += 1;
        }
    }

    /// Sets the clock of a machine and completes what it has waited for long enough.
    #[inline]
    fn tick(&mut self, number: u32, time: Timestamp) {
        let Some(lane) = self.lanes.get_mut(number) else { return };
        if Lanes::is_shared(number) || !lane.tick(time) {
            return;
        }
        let (now, source, stats) = (lane.clock, lane.source, &mut self.stats);
        lane.serials.advance(now, &mut |hole| stats.add_gap(gap(source, number, hole)));
        let mut rotated = false;
        while let Some(lane) = self.lanes.get_mut(number)
            && let Some(ticket) = lane.queue.front().copied()
        {
            let Some(open) = self.flight.get(ticket) else {
                lane.queue.pop_front();
                continue;
            };
            let time = open.key.time;
            if time.plus(PATIENCE) < now {
                lane.queue.pop_front();
                self.complete(ticket, Ending::Time);
            } else if time > now.plus(PATIENCE) && !rotated {
                // From the future: it must not hold up those behind it.
                lane.queue.rotate_left(1);
                rotated = true;
            } else {
                break;
            }
        }
    }

    /// Completes an event and hands it out.
    fn complete(&mut self, ticket: Ticket, ending: Ending) {
        let Some(Open { mut group, key, digest, has_syscall, has_proctitle, has_company, .. }) =
            self.flight.remove(ticket)
        else {
            return;
        };
        if group.is_empty() {
            return self.recycle(group);
        }
        let lane = self.lanes.get(key.lane);
        let ends_are_known = lane.is_some_and(|lane| lane.has_eoe || lane.has_proctitle);
        let cause = match ending {
            _ if has_proctitle => None,
            Ending::Record => None,
            Ending::Force => Some(Incomplete::Forced),
            // Records that stand alone as often as not need no end.
            _ if !has_syscall || !ends_are_known => None,
            Ending::Time | Ending::Silence => Some(Incomplete::TimedOut),
            Ending::Input => Some(Incomplete::EndOfInput),
        };
        if let Some(cause) = cause {
            group.set_incomplete(cause);
        }
        if has_company && !has_syscall {
            group.set_incomplete(Incomplete::NoSyscall);
        }
        if let Some(cause) = group.incomplete() {
            self.stats.add_incomplete(cause);
        }
        if !Lanes::is_shared(key.lane) {
            self.done.insert(key, digest);
        }
        self.stats.events += 1;
        self.ready.push_back(group);
    }
}

/// What completes an event.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// Its last record.
    Record,
    /// The log is further by more than it may wait.
    Time,
    /// The caller says that nothing more will come.
    Silence,
    /// The limits on events in flight.
    Force,
    /// The end of input.
    Input,
}

fn gap(source: u32, machine: u32, hole: serials::Hole) -> Gap {
    let serials::Hole { first, lost, after, before } = hole;
    Gap { source, machine, first, lost, after, before }
}
