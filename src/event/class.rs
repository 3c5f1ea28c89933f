//! [`Class`]: what an event is, as far as its system call and its result tell; [`Selections`]: which
//! fields the events of a class are asked for.
//!
//! In: an event whose records have been taken apart. Out: its class, cheap to compare, and what was once
//! found out about that class. Some fields depend on nothing but the class: they are *settled*, the same
//! in all its events. What the rules make of those can be found out once, and with it whether any rule
//! can use such an event and what else of it has to be read.

use hashbrown::HashMap;

use super::decoded::child_process;
use super::origin::{ContextField, Decoded, Origin};
use super::read::Reader;
use crate::record::RecordType;
use crate::schema::FieldId;

/// Classes remembered; logs have a few hundred.
const MAX_CLASSES: usize = 4096;

/// See the module page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class {
    arch: u32,
    number: u32,
    /// Everything that can be told in two states or three.
    turns: u32,
}

impl Class {
    /// The class of a system call that nothing but its own record gives a type, or of a record that
    /// is none; every other event is a case of its own.
    pub(super) fn of(reader: &Reader<'_, '_>) -> Option<Self> {
        let view = &reader.view;
        let main = view.main?;
        let leads = view.leading.is_some_and(|leading| leading.is(&main));
        if main.kind != RecordType::SYSCALL {
            return Self::of_record(reader).filter(|_| leads);
        }
        // What `socketcall` stands for is said by an argument.
        let is_plain = view.call.is_some() && view.call == view.name;
        if !leads || !is_plain {
            return None;
        }
        let turn = match view.call {
            Some("open" | "openat" | "openat2") => view.created_file(),
            _ => child_process(view).is_some(),
        };
        Some(Self {
            arch: view.arch?,
            number: view.number?,
            turns: state(view.result)
                | state(view.success()) << 2
                | u32::from(view.is_exec()) << 4
                | u32::from(turn) << 5,
        })
    }

    /// The class of a message of a program or of the kernel.
    fn of_record(reader: &Reader<'_, '_>) -> Option<Self> {
        let view = &reader.view;
        let kind = view.main?.kind;
        let speaks_of_call = view.tokens.syscall.or(view.tokens.arch).or(view.tokens.exit);
        // What denies access says so in many ways.
        if view.is_call
            || speaks_of_call.is_some()
            || kind == RecordType::AVC
            || kind.name().is_none()
        {
            return None;
        }
        let turns = state(view.result) | state(view.success()) << 2;
        Some(Self {
            arch: 0,
            number: u32::from(kind.0),
            turns: turns | u32::from(reader.is_sshd()) << 6 | 1 << 7,
        })
    }
}

/// One of three states.
fn state(known: Option<bool>) -> u32 {
    known.map_or(0, |is| 1 + u32::from(is))
}

/// Whether a field from there is settled.
fn is_settled(origin: &Origin) -> bool {
    match origin {
        Origin::EventAction
        | Origin::EventCategory
        | Origin::EventType
        | Origin::EventOutcome
        | Origin::Constant(_)
        | Origin::Module
        | Origin::Dataset
        | Origin::MessageType
        | Origin::Result
        | Origin::View(Decoded::Syscall) => true,
        Origin::Data(key) => matches!(&**key, b"syscall" | b"arch"),
        _ => false,
    }
}

/// Whether a field tells what an event is and little else: it has few values, whatever log it stands in.
pub fn tells_class(name: &str) -> bool {
    is_settled(&Origin::of(name))
}

/// Whether a field is the same in all events of a [`Class`]: it tells what they are, or is in no audit log.
pub fn is_of_class(name: &str) -> bool {
    let origin = Origin::of(name);
    is_settled(&origin) || origin == Origin::Elsewhere && ContextField::of(name).is_none()
}

/// What is asked of the events of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The fields to be filled in, ascending; none when no rule can use such an event. Those that are
    /// [of the class](is_of_class) are among them only where events are joined by them.
    pub fields: Box<[FieldId]>,
    /// What such an event is still to be tested for, by a number of whoever tests; `None` when no rule can use it.
    pub remainder: Option<u32>,
}

/// The selections found so far.
#[derive(Debug, Default)]
pub struct Selections {
    known: HashMap<Class, Selection, foldhash::fast::RandomState>,
}

impl Selections {
    /// What is asked of the events of a class, if that has been found out.
    pub(super) fn get(&self, class: Class) -> Option<&Selection> {
        self.known.get(&class)
    }

    /// Notes what is asked of the events of a class.
    pub fn learn(&mut self, class: Class, selection: Selection) {
        // Classes come out of the log: a forged one must not fill memory.
        if self.known.len() >= MAX_CLASSES {
            self.known.clear();
        }
        self.known.insert(class, selection);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::read::Scratch;
    use super::*;
    use crate::event::{CoalesceLimits, Coalescer};
    use crate::schema::FIELDS;
    use crate::value::Scalar;

    fn settled(reader: &mut Reader<'_, '_>) -> String {
        let mut told = String::new();
        let more = ["auditd.data.syscall", "auditd.data.arch"];
        let names = FIELDS.iter().map(|field| field.name).chain(more);
        for (name, origin) in names.map(|name| (name, Origin::of(name))) {
            if is_settled(&origin) {
                told += name;
                reader.read(&origin, &mut |value: Scalar<'_>| told += &format!(" {value:?}"));
            }
        }
        told
    }

    /// Calls of all kinds, with every result and every record beside them.
    #[test]
    fn events_of_a_class_agree_in_what_is_settled() {
        let mut coalescer = Coalescer::new(CoalesceLimits::default());
        let (mut serial, mut line) = (0, 0);
        let results = ["success=yes exit=0", "success=no exit=-13", "success=no exit=-115"];
        let more =
            ["success=no exit=-512", "success=yes exit=77", "exit=77", "", "success=? exit=x"];
        let args = ["a0=2 a1=2 a2=0 a3=0", "a0=10f00 a1=241 a2=1b6 a3=0", "a0=3 a1=10000", ""];
        let beside = [
            "",
            "type=PATH msg=audit(1.000:S): item=0 name=\"/tmp/x\" nametype=CREATE",
            "type=PATH msg=audit(1.000:S): item=0 name=\"/tmp/x\" nametype=NORMAL",
            "type=EXECVE msg=audit(1.000:S): argc=1 a0=\"x\"",
            "type=AVC msg=audit(1.000:S): apparmor=\"DENIED\"",
        ];
        // Those of x86_64 that are told apart by more than their number, and some of all others.
        let own = [2, 41, 42, 43, 49, 56, 57, 58, 59, 85, 101, 102, 257, 322, 435, 437];
        for arch in ["c000003e", "40000003", "c00000b7", "80000016", "x"] {
            for number in own.into_iter().chain((0..470).step_by(13)) {
                for result in results.iter().chain(&more) {
                    for (args, beside) in args.iter().flat_map(|a| beside.map(|b| (a, b))) {
                        serial += 1;
                        let call = format!(
                            "type=SYSCALL msg=audit(1.000:{serial}): arch={arch} syscall={number} \
                             {result} {args} items=0 ppid=1 pid=2 comm=\"a\" exe=\"/usr/sbin/sshd\""
                        );
                        let beside = beside.replace('S', &serial.to_string());
                        for text in [call, beside].iter().filter(|text| !text.is_empty()) {
                            line += 1;
                            coalescer.push(0, line, text.as_bytes());
                        }
                    }
                }
            }
        }
        let said = ["res=success", "res=failed", "res=1", "res=x", "", "arch=c000003e syscall=59"];
        for kind in
            ["USER_AUTH", "USER_AVC", "AVC", "SECCOMP", "LOGIN", "CRYPTO_SESSION", "ANOM_ABEND"]
        {
            for said in said {
                for exe in ["exe=\"/usr/sbin/sshd\"", "exe=\"/usr/bin/su\"", ""] {
                    for text in
                        [format!("pid=1 {exe} {said}"), format!("pid=1 msg='op=x {exe} {said}'")]
                    {
                        serial += 1;
                        line += 1;
                        let head = format!("type={kind} msg=audit(1.000:{serial}): ");
                        coalescer.push(0, line, (head + &text).as_bytes());
                    }
                }
            }
        }
        coalescer.finish();
        let mut known: HashMap<Class, String> = HashMap::new();
        let mut scratch = Scratch::default();
        let (mut events, mut classed) = (0, 0);
        while let Some(group) = coalescer.pop() {
            events += 1;
            let mut reader = Reader::new(&group, None, &mut scratch);
            if let Some(class) = Class::of(&reader) {
                classed += 1;
                let settled = settled(&mut reader);
                let first = known.entry(class).or_insert_with(|| settled.clone());
                assert_eq!(*first, settled, "{}", String::from_utf8_lossy(&group.raw()));
            }
        }
        assert!(
            classed * 2 > events && known.len() > 500,
            "{classed} of {events}, {}",
            known.len()
        );
    }
}
