//! Which system calls and record types make which events.
//!
//! In: the tables of names. Out: one [`Producer`] each, found by reading a small log of it with the same
//! readers that read every other log. For people and for advice on audit rules, never per event.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{CoalesceLimits, Coalescer, Event, Projection};
use crate::record::RecordType;
use crate::record::tables::{SOCKET_CALLS, syscall_name};
use crate::schema::{FieldId, Producer, Variant};
use crate::value::Scalar;

/// Fields that follow from a system call and its outcome; an event that begins with another record has
/// them of both.
pub const OF_CALL: [&str; 8] = [
    "event.action",
    "event.category",
    "event.type",
    "event.outcome",
    "auditd.data.syscall",
    "audit.syscall",
    "auditd.message_type",
    "auditd.data.arch",
];
/// The same for `creat`, which is an open with flags that are none of its arguments.
const OF_CREAT: [&str; 9] = {
    let [a, b, c, d, e, f, g, h] = OF_CALL;
    [a, b, c, d, e, f, g, h, "audit.open.flags"]
};
/// Fields that follow from a record that is an event of its own.
const OF_RECORD: &[&str] = &["event.action", "event.category", "event.type", "auditd.message_type"];

/// What a 64-bit machine of the common kind runs: its own calls, and those of 32 bits, which do the same
/// under other numbers and names.
const ARCHES: [u32; 2] = [0xc000_003e, 0x4000_0003];
/// Above every number of a system call.
const CALLS: u32 = 1024;
/// Numbers of record types that are logged.
const RECORDS: std::ops::Range<u16> = 1100..3000;
/// A record of the kernel that is an event of its own, below the range of the others.
const LOGIN: u16 = 1006;

/// Parts of events that are told by other means than their name.
const PARTS: [RecordType; 3] = [RecordType::SYSCALL, RecordType::URINGOP, RecordType::EOE];

/// Every system call of x86_64 and of its 32-bit calls, and every record type that is an event of its own,
/// by name.
///
/// Takes some milliseconds.
pub fn producers() -> Vec<Producer> {
    let mut calls: BTreeMap<&'static str, Producer> = BTreeMap::new();
    for arch in ARCHES {
        for number in 0..CALLS {
            let Some(name) = syscall_name(arch, number) else { continue };
            let logs =
                of_call(arch, number, if name == "socketcall" { SOCKET_CALLS.len() } else { 0 });
            let fields = if name == "creat" { &OF_CREAT[..] } else { &OF_CALL };
            let one = producer(name, true, fields, &logs);
            match calls.entry(name) {
                Entry::Occupied(mut known) => known.get_mut().variants.extend(one.variants),
                Entry::Vacant(free) => drop(free.insert(one)),
            }
        }
    }
    let records = std::iter::once(LOGIN).chain(RECORDS).map(RecordType);
    let whole = |kind: &RecordType| !kind.accompanies_syscall() && !PARTS.contains(kind);
    let records = records.filter(whole).filter_map(|kind| {
        let name = kind.name()?;
        let record = |more: &str, exe: &str| {
            vec![format!(
                "type={name} msg=audit(1.000:1): pid=2 uid=0 auid=0 ses=1 {more} \
                 msg='op=a acct=\"a\" exe=\"{exe}\" res=success'"
            )]
        };
        let logs =
            [record("", "/a"), record("apparmor=\"DENIED\"", "/a"), record("", "/usr/sbin/sshd")];
        Some(producer(name, false, OF_RECORD, &logs))
    });
    let mut all: Vec<Producer> = calls.into_values().chain(records).collect();
    all.sort_by_key(|producer| (!producer.call, producer.name));
    all
}

/// A call in the ways it can end, with every first argument up to `most`.
fn of_call(arch: u32, number: u32, most: usize) -> Vec<Vec<String>> {
    let created = "type=PATH msg=audit(1.000:1): item=0 name=\"a\" nametype=CREATE";
    // The last one is what a call returns that a signal has interrupted: neither done nor failed.
    let endings = [
        ("success=yes exit=3", None),
        ("success=yes exit=3", Some(created)),
        ("success=no exit=-13", None),
        ("success=no exit=-512", None),
    ];
    let of = |first: usize| {
        endings.map(|(outcome, more)| {
            let call = format!(
                "type=SYSCALL msg=audit(1.000:1): arch={arch:x} syscall={number} {outcome} \
                 a0={first:x} a1=0 a2=0 a3=0 items=1 ppid=1 pid=2 comm=\"a\" exe=\"/a\""
            );
            std::iter::once(call).chain(more.map(str::to_owned)).collect()
        })
    };
    (0..=most).flat_map(of).collect()
}

fn producer(
    name: &'static str,
    call: bool,
    fields: &'static [&'static str],
    logs: &[Vec<String>],
) -> Producer {
    let mut variants: Vec<Variant> = Vec::new();
    for log in logs {
        let variant = read(log, fields);
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    let kind = RecordType::from_name(name.as_bytes());
    let with_call = !call && kind.is_some_and(|kind| !kind.is_single());
    Producer { name, call, with_call, variants }
}

fn read(log: &[String], fields: &'static [&'static str]) -> Variant {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (line, number) in log.iter().zip(1..) {
        coalescer.push(0, number, line.as_bytes());
    }
    coalescer.finish();
    let projection = Projection::new(fields.iter().map(|name| (*name, None)));
    let mut event = Event::new(fields.len());
    if let Some(group) = coalescer.pop() {
        event.load(group, &projection, None);
    }
    let values = |index: u16| {
        event.values(FieldId(index)).filter_map(|value| match value {
            Scalar::Str(text) => Some(text.to_owned()),
            _ => None,
        })
    };
    fields.iter().zip(0..).map(|(name, index)| (*name, values(index).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Producer {
        producers().into_iter().find(|producer| producer.name == name).unwrap()
    }

    fn values(variant: &Variant, field: &str) -> Vec<String> {
        variant.iter().find(|(name, _)| *name == field).unwrap().1.clone()
    }

    #[test]
    fn an_execution_that_is_done_and_one_that_failed() {
        let execve = of("execve");
        assert!(execve.call);
        let outcomes = ["success", "failure", "unknown"].repeat(2);
        assert_eq!(execve.variants.len(), outcomes.len(), "once for each architecture");
        for (variant, outcome) in execve.variants.iter().zip(outcomes) {
            assert_eq!(values(variant, "auditd.data.syscall"), ["execve"]);
            assert!(values(variant, "event.action").contains(&"executed".to_owned()));
            assert_eq!(values(variant, "event.outcome"), [outcome]);
        }
    }

    #[test]
    fn an_open_that_makes_a_file_is_a_variant_of_its_own() {
        let actions: Vec<_> =
            of("openat").variants.iter().map(|variant| values(variant, "event.action")).collect();
        assert!(actions.iter().any(|actions| actions.contains(&"creation".to_owned())));
        assert!(actions.iter().any(|actions| !actions.contains(&"creation".to_owned())));
    }

    #[test]
    fn the_secure_shell_is_a_variant_of_its_own() {
        let actions: Vec<_> = of("USER_LOGIN")
            .variants
            .iter()
            .map(|variant| values(variant, "event.action"))
            .collect();
        assert!(actions.iter().any(|actions| actions.contains(&"ssh_login".to_owned())));
        assert!(actions.iter().any(|actions| !actions.contains(&"ssh_login".to_owned())));
    }

    #[test]
    fn calls_of_32_bits_are_there_under_their_own_names() {
        for name in ["mmap2", "_llseek", "setuid32", "socketcall"] {
            let call = of(name);
            assert!(
                call.variants.iter().all(|v| values(v, "auditd.data.arch") == ["i386"]),
                "{name}"
            );
        }
        let meant: Vec<_> =
            of("socketcall").variants.iter().flat_map(|v| values(v, "audit.syscall")).collect();
        assert!(
            ["socket", "connect", "bind", "sendmmsg"]
                .iter()
                .all(|name| meant.contains(&(*name).to_owned()))
        );
    }

    #[test]
    fn records_that_are_events_are_there_and_parts_of_events_are_not() {
        let login = of("USER_LOGIN");
        assert!(!login.call);
        assert_eq!(values(&login.variants[0], "event.category"), ["authentication"]);
        assert!(producers().iter().all(|p| p.name != "PATH" && p.name != "SYSCALL"));
    }
}
