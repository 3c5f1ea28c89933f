//! Which system calls and record types make which events.
//!
//! In: the tables of names. Out: one [`Producer`] each, found by reading a small log of it with the same
//! readers that read every other log. For people and for advice on audit rules, never per event.

use super::{CoalesceLimits, Coalescer, Event, Projection};
use crate::record::RecordType;
use crate::record::tables::syscall_name;
use crate::schema::{FieldId, Producer, Variant};
use crate::value::Scalar;

/// Fields that follow from a system call and its outcome; an event that begins with another record has
/// them of both.
pub const OF_CALL: [&str; 7] = [
    "event.action",
    "event.category",
    "event.type",
    "event.outcome",
    "auditd.data.syscall",
    "audit.syscall",
    "auditd.message_type",
];
/// Fields that follow from a record that is an event of its own.
const OF_RECORD: &[&str] = &["event.action", "event.category", "event.type", "auditd.message_type"];

const X86_64: u32 = 0xc000_003e;
/// Above every number of a system call.
const CALLS: u32 = 1024;
/// Numbers of record types that are logged.
const RECORDS: std::ops::Range<u16> = 1100..3000;
/// A record of the kernel that is an event of its own, below the range of the others.
const LOGIN: u16 = 1006;

/// Parts of events that are told by other means than their name.
const PARTS: [RecordType; 3] = [RecordType::SYSCALL, RecordType::URINGOP, RecordType::EOE];

/// Every system call of x86_64 and every record type that is an event of its own, by name.
///
/// Takes a few milliseconds.
pub fn producers() -> Vec<Producer> {
    let calls = (0..CALLS).filter_map(|number| Some((number, syscall_name(X86_64, number)?)));
    let calls = calls.map(|(number, name)| {
        let call = |outcome: &str| {
            format!(
                "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall={number} {outcome} \
                 a0=0 a1=0 a2=0 a3=0 items=1 ppid=1 pid=2 comm=\"a\" exe=\"/a\""
            )
        };
        let created = "type=PATH msg=audit(1.000:1): item=0 name=\"a\" nametype=CREATE";
        let logs = [
            vec![call("success=yes exit=3")],
            vec![call("success=yes exit=3"), created.to_owned()],
            vec![call("success=no exit=-13")],
        ];
        producer(name, true, &OF_CALL, &logs)
    });
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
    let mut all: Vec<Producer> = calls.chain(records).collect();
    all.sort_by_key(|producer| (!producer.call, producer.name));
    all
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
    Producer { name, call, variants }
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
        for (variant, outcome) in execve.variants.iter().zip(["success", "failure"]) {
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
    fn records_that_are_events_are_there_and_parts_of_events_are_not() {
        let login = of("USER_LOGIN");
        assert!(!login.call);
        assert_eq!(values(&login.variants[0], "event.category"), ["authentication"]);
        assert!(producers().iter().all(|p| p.name != "PATH" && p.name != "SYSCALL"));
    }
}
