//! Records in words, for people: every value as logged and, where that is something else, what it means.
//!
//! In: the records of an event. Out: each record with its keys in order, the text of programs in
//! `msg='…'` among them. The names of users and groups, and whatever else the audit daemon has added to
//! a record, stand beside the values they belong to. Nothing is guessed: a number without a word that is
//! certain stays a number. Never used to test a rule, and nothing here is safe to show as it is.

mod arguments;
mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use super::decoded;
use super::group::{Group, Record};
use super::names::Names;
use super::view::{View, decimal, field_of, uring_call};
use crate::record::tables::{arch_name, parse_arch, signal_name, syscall_name};
use crate::record::text::{keys, proctitle_in_place, text_of};
use crate::record::{RawValue, RecordType, Sockaddr, decode, fields, nested};

/// A key of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'g> {
    /// Its name.
    pub key: Cow<'g, str>,
    /// Its value as logged, without quotes.
    pub raw: Cow<'g, str>,
    /// What the value means, where it is written in another way.
    pub means: Option<String>,
    /// There is no value: `raw` is the sign for that, not text that looks like it.
    pub absent: bool,
}

/// Calls `each` with every record of an event and what it says. `names` are those of users and groups of
/// the machine it is from; what the daemon has added goes before.
///
/// Cost grows with the size of the records; no record is held longer than its call.
pub fn interpret<'g>(
    group: &'g Group,
    names: Option<&Names>,
    each: &mut impl FnMut(Record<'g>, &[Told<'g>]),
) {
    let view = View::new(group);
    let mut told = Vec::new();
    for record in group.records() {
        told.clear();
        let arch = arch_of(record).or(view.arch);
        Interpreter { view: &view, record, arch, names }.run(&mut told);
        each(record, &told);
    }
}

/// What a record says itself: SECCOMP has an architecture of its own.
fn arch_of(record: Record<'_>) -> Option<u32> {
    field_of(record, b"arch").and_then(RawValue::bytes).and_then(parse_arch)
}

struct Interpreter<'v, 'g> {
    view: &'v View<'g>,
    record: Record<'g>,
    arch: Option<u32>,
    names: Option<&'v Names>,
}

/// What the daemon has added to a record, by key; the first of repeated keys counts.
type Added<'g> = HashMap<&'g [u8], RawValue<'g>>;

impl<'g> Interpreter<'_, 'g> {
    fn run(&self, told: &mut Vec<Told<'g>>) {
        let mut added: Added<'g> = HashMap::new();
        let mut order = Vec::new();
        for field in fields(self.record.body).enriched() {
            added.entry(field.key).or_insert_with(|| {
                order.push(field.key);
                field.value
            });
        }
        let arguments = arguments::of(self.view, self.record);
        for field in fields(self.record.body) {
            match field.value {
                RawValue::Nested(text) => {
                    for field in nested(text) {
                        told.push(self.tell(field.key, field.value, None, &mut added));
                    }
                }
                value => {
                    let argument = arguments.as_ref().and_then(|known| known.means(field.key));
                    told.push(self.tell(field.key, value, argument, &mut added));
                }
            }
        }
        // What belongs to no key of the record.
        for key in order {
            if let Some(value) = added.remove(key) {
                told.push(Told { key: text_of(key), raw: raw(value), means: None, absent: false });
            }
        }
    }

    fn tell(
        &self,
        key: &'g [u8],
        value: RawValue<'g>,
        argument: Option<String>,
        added: &mut Added<'g>,
    ) -> Told<'g> {
        let means = match added.is_empty() {
            true => None,
            // Also where our own table knows better, so that it is told once.
            false => added.remove(key.to_ascii_uppercase().as_slice()),
        };
        let means = argument
            .or_else(|| value.bytes().and_then(|bytes| self.means(key, value, bytes)))
            .or_else(|| means.map(name))
            .or_else(|| self.known(key, value.bytes()?));
        let raw = raw(value);
        let absent = value.bytes().is_none();
        Told { key: text_of(key), means: means.filter(|means| *means != raw), raw, absent }
    }

    /// What an id is called on the machine.
    fn known(&self, key: &[u8], value: &[u8]) -> Option<String> {
        let names = self.names?;
        let id = std::str::from_utf8(value).ok()?.parse().ok()?;
        let name = match key {
            _ if !is_id(key) => None,
            _ if key.ends_with(b"uid") => names.user(id),
            _ if key.ends_with(b"gid") => names.group(id),
            _ => None,
        };
        name.map(str::to_owned)
    }

    /// What a value means by itself.
    fn means(&self, key: &[u8], value: RawValue<'_>, bytes: &[u8]) -> Option<String> {
        let kind = self.record.kind;
        let word = |word: Option<&'static str>| word.map(str::to_owned);
        match key {
            b"arch" => word(parse_arch(bytes).and_then(arch_name)),
            b"syscall" => {
                let number = u32::try_from(decimal(bytes)?).ok()?;
                word(syscall_name(self.arch?, number))
            }
            b"uring_op" => word(uring_call(decimal(bytes)?)),
            b"exit" if self.view.main.is_some_and(|main| main.is(&self.record)) => {
                word(decoded::errno(self.view))
            }
            b"sig" => word(signal_name(u32::try_from(decimal(bytes)?).ok()?)),
            b"saddr" => Some(words::address(&Sockaddr::parse(bytes, self.view.arch))),
            b"key" => {
                let decoded = decode(key, kind, value)?;
                let several: Vec<_> = keys(&decoded).map(text_of).collect();
                Some(several.join(", "))
            }
            b"proctitle" => {
                let mut decoded = decode(key, kind, value)?.into_owned();
                proctitle_in_place(&mut decoded);
                Some(text_of(&decoded).into_owned())
            }
            _ if is_id(key) => (matches!(bytes, b"4294967295" | b"-1")).then(|| "unset".to_owned()),
            b"mode" => words::mode(bytes),
            b"res" if !kind.is_user() => word(match bytes {
                b"1" => Some("success"),
                b"0" => Some("failed"),
                _ => None,
            }),
            _ => words::of_record(kind, key, bytes).or_else(|| match decode(key, kind, value)? {
                Cow::Owned(decoded) => Some(text_of(&decoded).into_owned()),
                Cow::Borrowed(_) => None,
            }),
        }
    }
}

/// Whether all bits set mean that there is none.
fn is_id(key: &[u8]) -> bool {
    const IDS: [&[u8]; 24] = [
        b"auid",
        b"uid",
        b"gid",
        b"euid",
        b"suid",
        b"fsuid",
        b"egid",
        b"sgid",
        b"fsgid",
        b"ouid",
        b"ogid",
        b"oauid",
        b"old-auid",
        b"new-auid",
        b"sauid",
        b"iuid",
        b"igid",
        b"obj_uid",
        b"obj_gid",
        b"id",
        b"ses",
        b"old-ses",
        b"new-ses",
        b"oses",
    ];
    IDS.contains(&key)
}

/// A value as it stands in the record, without quotes.
fn raw(value: RawValue<'_>) -> Cow<'_, str> {
    match value {
        RawValue::Null => "(null)".into(),
        RawValue::Unknown => "?".into(),
        other => text_of(other.bytes().unwrap_or_default()),
    }
}

/// A name that the daemon has added: quoted, or hexadecimal where it holds anything unusual.
fn name(value: RawValue<'_>) -> String {
    match value {
        RawValue::Bare(_) => {
            let decoded = decode(b"acct", RecordType::OTHER, value).unwrap_or_default();
            text_of(&decoded).into_owned()
        }
        other => raw(other).into_owned(),
    }
}

#[cfg(test)]
mod tests;
