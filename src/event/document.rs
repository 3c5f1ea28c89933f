//! [`Document`]: every field of an event, for people and other tools.
//!
//! In: the raw records of an event and what is known of its process. Out: its fields by name, read by
//! the same code that fills in the fields that rules test.

use std::collections::HashSet;

use super::context::read_context;
use super::origin::{ContextField, Origin};
use super::read::{Reader, Scratch};
use super::{Facts, Group, Host, Process};
use crate::schema::FIELDS;
use crate::value::{Scalar, Value};

/// Fields by dotted name, in the order of the schema, each with at least one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    fields: Vec<(String, Vec<Value>)>,
    paths: Vec<Vec<(String, Value)>>,
    left_out: usize,
}

/// Most keys of records shown as `auditd.data.*`; no event that the kernel logs has as many.
const MAX_DATA_KEYS: usize = 512;

/// What is shown of a PATH record.
const PATH_KEYS: [&str; 9] =
    ["item", "name", "nametype", "inode", "dev", "mode", "ouid", "ogid", "rdev"];

impl Document {
    /// Fields in this order.
    pub(super) fn new(fields: Vec<(String, Vec<Value>)>) -> Self {
        Self { fields, ..Self::default() }
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.fields.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The PATH records of an audit event in order, each with its keys that have a value.
    pub fn paths(&self) -> &[Vec<(String, Value)>] {
        &self.paths
    }

    /// How many keys of its records are too many to be shown as `auditd.data.*`.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The values of a field; none when it is missing.
    pub fn values(&self, name: &str) -> &[Value] {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, values)| values)
    }

    /// The first value of a field.
    pub fn first(&self, name: &str) -> Option<&Value> {
        self.values(name).first()
    }
}

/// Keys with fields of their own, which `auditd.data.*` does not repeat.
const MAPPED: [&[u8]; 20] = [
    b"pid", b"ppid", b"auid", b"uid", b"gid", b"euid", b"suid", b"fsuid", b"egid", b"sgid",
    b"fsgid", b"ses", b"comm", b"exe", b"key", b"success", b"res", b"items", b"msg", b"subj",
];

/// Fields that another field repeats; a document shows a fact once.
const REPEATED: [(&str, &str); 28] = [
    ("auditd.sequence", "event.sequence"),
    ("service.type", "event.module"),
    ("data_stream.dataset", "event.dataset"),
    ("host.hostname", "host.name"),
    ("destination.path", "destination.address"),
    ("audit.syscall", "auditd.data.syscall"),
    ("file.Ext.original.path", "file.path"),
    ("file.Ext.original.name", "file.name"),
    ("file.Ext.original.extension", "file.extension"),
    ("process.user.id", "user.id"),
    ("process.user.name", "user.name"),
    ("process.real_user.id", "user.id"),
    ("user.Ext.real.id", "user.id"),
    ("user.group.id", "group.id"),
    ("user.group.name", "group.name"),
    ("process.group.id", "group.id"),
    ("process.group.name", "group.name"),
    ("process.real_group.id", "group.id"),
    ("group.Ext.real.id", "group.id"),
    ("auditd.user.audit.id", "user.audit.id"),
    ("auditd.user.audit.name", "user.audit.name"),
    ("auditd.user.saved.id", "user.saved.id"),
    ("auditd.user.saved.name", "user.saved.name"),
    ("auditd.user.filesystem.id", "user.filesystem.id"),
    ("auditd.user.filesystem.name", "user.filesystem.name"),
    ("process.ancestors.name", "process.parent.name"),
    ("process.ancestors.executable", "process.parent.executable"),
    ("auditd.summary.how", "process.executable"),
];

/// Too long for a document, which stands beside the records anyway.
const LEFT_OUT: [&str; 1] = ["event.original"];

/// Reads every field of an event.
pub(super) fn document(group: &Group, host: Option<&Host>, process: Option<&Process>) -> Document {
    let mut scratch = Scratch::default();
    let mut reader = Reader::new(group, host, &mut scratch);
    let facts = Facts::of(&mut reader);
    let mut document = Document::default();
    for info in FIELDS.iter().filter(|info| !LEFT_OUT.contains(&info.name)) {
        let values = with_context(&mut reader, &facts, process, info.name);
        if !values.is_empty() {
            document.fields.push((info.name.to_owned(), values));
        }
    }
    for (repeated, by) in REPEATED {
        // A list may hold what its repetition says and more.
        let told = document.values(repeated).iter().all(|v| document.values(by).contains(v));
        if told {
            document.fields.retain(|(name, _)| name != repeated);
        }
    }
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut keys: Vec<String> = Vec::new();
    reader.data_keys(&mut |key| {
        if !MAPPED.contains(&key) && !seen.contains(key) {
            seen.insert(key.to_owned());
            if keys.len() < MAX_DATA_KEYS {
                keys.push(String::from_utf8_lossy(key).replace('-', "_"));
            } else {
                document.left_out += 1;
            }
        }
    });
    keys.sort_unstable();
    keys.dedup();
    let mut known: HashSet<String> = document.fields.iter().map(|(name, _)| name.clone()).collect();
    for key in keys {
        let name = format!("auditd.data.{key}");
        if known.contains(&name) {
            continue;
        }
        let values = values(&mut reader, &name);
        if !values.is_empty() {
            known.insert(name.clone());
            document.fields.push((name, values));
        }
    }
    document.paths = reader.path_records(&PATH_KEYS);
    document
}

/// The values of one field.
pub(super) fn values_of(
    group: &Group,
    host: Option<&Host>,
    process: Option<&Process>,
    name: &str,
) -> Vec<Value> {
    let mut scratch = Scratch::default();
    let mut reader = Reader::new(group, host, &mut scratch);
    let facts = Facts::of(&mut reader);
    with_context(&mut reader, &facts, process, name)
}

/// What the records say, else what is known of the process.
fn with_context(
    reader: &mut Reader<'_, '_>,
    facts: &Facts,
    process: Option<&Process>,
    name: &str,
) -> Vec<Value> {
    let mut values = values(reader, name);
    if values.is_empty()
        && let (Some(process), Some(field)) = (process, ContextField::of(name))
        && facts.admits(field)
    {
        let push = &mut |value: Scalar<'_>| values.push(Value::from(value));
        read_context(process, field, push);
    }
    values
}

fn values(reader: &mut Reader<'_, '_>, name: &str) -> Vec<Value> {
    let mut values = Vec::new();
    reader.read(&Origin::of(name), &mut |value: Scalar<'_>| values.push(Value::from(value)));
    values
}
