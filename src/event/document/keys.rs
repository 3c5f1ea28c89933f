//! The keys of the records of an event, for `auditd.data.*`.
//!
//! In: the records. Out: each key with its value, found by one look at every token. A record that the kernel
//! writes as it always does is passed over: its keys are known.

use std::borrow::Cow;

use super::super::group::Record;
use super::super::read::{Reader, has_data};
use crate::record::{RawValue, RecordType, fields, nested};

/// Most keys of records shown as `auditd.data.*`; no event that the kernel logs has as many.
const MAX_KEYS: usize = 512;

/// Keys with fields of their own, which `auditd.data.*` does not repeat.
const MAPPED: [&[u8]; 20] = [
    b"pid", b"ppid", b"auid", b"uid", b"gid", b"euid", b"suid", b"fsuid", b"egid", b"sgid",
    b"fsgid", b"ses", b"comm", b"exe", b"key", b"success", b"res", b"items", b"msg", b"subj",
];

/// A key of a record.
#[derive(Debug)]
struct Key<'g> {
    /// As in names of fields, where dashes are underscores.
    name: Cow<'g, [u8]>,
    /// Its record, whether it stands in the text of a program, and how many keys stand before it: of two
    /// with one name the lower one counts.
    rank: (u32, bool, u32),
    logged: &'g [u8],
    kind: RecordType,
    /// `None` where it is no key of the event: arguments, a second text.
    value: Option<RawValue<'g>>,
}

/// The keys of the records of an event.
#[derive(Debug, Default)]
pub(super) struct Keys<'g> {
    /// Ascending by name and rank.
    all: Vec<Key<'g>>,
}

impl<'g> Keys<'g> {
    pub(super) fn of(reader: &Reader<'g, '_>) -> Self {
        let mut this = Self::default();
        let view = &reader.view;
        match view.main {
            // All others of its keys are in the schema, and known from its tokens.
            Some(main) if view.is_plain && view.tokens.tty.is_some_and(|tty| !tty.is_empty()) => {
                if let Some(value) = view.tokens.per {
                    this.push(main.kind, 0, false, (b"per", Some(value)));
                }
            }
            Some(main) => this.add(main, 0),
            None => {}
        }
        let others = view.group.records().filter(|r| !view.is_main(*r) && has_data(r.kind));
        others.zip(1..).for_each(|(record, number)| this.add(record, number));
        this.all.sort_unstable_by(|a, b| (&a.name, a.rank).cmp(&(&b.name, b.rank)));
        this
    }

    fn add(&mut self, record: Record<'g>, number: u32) {
        let is_data = |key: &[u8]| record.kind != RecordType::EXECVE || key == b"argc";
        let mut texts = 0;
        for field in fields(record.body) {
            if let RawValue::Nested(text) = field.value {
                for field in nested(text) {
                    let value = (texts == 0 && is_data(field.key)).then_some(field.value);
                    self.push(record.kind, number, true, (field.key, value));
                }
                texts += 1;
            } else if is_data(field.key) {
                self.push(record.kind, number, false, (field.key, Some(field.value)));
            }
        }
    }

    fn push(
        &mut self,
        kind: RecordType,
        record: u32,
        inside: bool,
        (logged, value): (&'g [u8], Option<RawValue<'g>>),
    ) {
        let dash = |byte: &u8| if *byte == b'-' { b'_' } else { *byte };
        let name = match memchr::memchr(b'-', logged) {
            None => Cow::Borrowed(logged),
            Some(_) => logged.iter().map(dash).collect(),
        };
        // An event has fewer bytes than that.
        let order = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Key { name, rank: (record, inside, order), logged, kind, value });
    }

    /// Whether there is a key.
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.all.binary_search_by(|key| (*key.name).cmp(name)).is_ok()
    }

    /// The value of a key, and the type of its record.
    pub(super) fn value(&self, name: &[u8]) -> Option<(RecordType, RawValue<'g>)> {
        let first = self.all.partition_point(|key| *key.name < *name);
        let same = self.all.get(first..)?.iter().take_while(|key| *key.name == *name);
        same.into_iter().find_map(|key| Some((key.kind, key.value?)))
    }

    /// The keys without fields of their own as text, each once and in order, and how many more there are.
    pub(super) fn unmapped(&self) -> (Vec<Cow<'_, str>>, usize) {
        let unmapped = || self.all.iter().filter(|key| !MAPPED.contains(&&*key.name));
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        let mut left_out = 0;
        if self.all.len() <= MAX_KEYS {
            names.extend(unmapped().map(|key| String::from_utf8_lossy(&key.name)));
        } else {
            // Those that stand first, each as it is logged.
            let mut logged: Vec<_> = unmapped().map(|key| (key.logged, key.rank.2)).collect();
            logged.sort_unstable();
            logged.dedup_by_key(|(key, _)| *key);
            left_out = logged.len().saturating_sub(MAX_KEYS);
            logged.sort_unstable_by_key(|(_, at)| *at);
            logged.truncate(MAX_KEYS);
            let name = |(key, _): &(&'g [u8], u32)| String::from_utf8_lossy(key).replace('-', "_");
            names.extend(logged.iter().map(name).map(Cow::Owned));
        }
        names.sort_unstable();
        names.dedup();
        (names, left_out)
    }
}
