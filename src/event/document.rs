//! [`Document`]: every field of an event, for people and other tools.

use super::context::read_context;
use super::read::{Reader, Scratch};
use super::source::{ContextField, Source};
use super::{Group, Host, Process};
use crate::schema::FIELDS;
use crate::value::Value;

/// Fields by dotted name, in the order of the schema, each with at least one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    fields: Vec<(String, Vec<Value>)>,
}

impl Document {
    /// Fields in this order.
    pub(super) fn new(fields: Vec<(String, Vec<Value>)>) -> Self {
        Self { fields }
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.fields.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
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
const MAPPED: [&[u8]; 18] = [
    b"pid", b"ppid", b"auid", b"uid", b"gid", b"euid", b"suid", b"fsuid", b"egid", b"sgid",
    b"fsgid", b"ses", b"comm", b"exe", b"key", b"success", b"items", b"msg",
];

/// Fields that other names repeat; alerts show each fact once.
const REPEATED: [&str; 24] = [
    "event.original",
    "auditd.sequence",
    "service.type",
    "data_stream.dataset",
    "host.hostname",
    "destination.path",
    "audit.syscall",
    "group.id",
    "group.name",
    "process.user.id",
    "process.user.name",
    "process.group.id",
    "process.group.name",
    "process.real_user.id",
    "process.real_group.id",
    "auditd.user.audit.id",
    "auditd.user.audit.name",
    "auditd.user.saved.id",
    "auditd.user.filesystem.id",
    "auditd.user.saved.group.id",
    "auditd.user.filesystem.group.id",
    "process.ancestors.name",
    "process.ancestors.executable",
    "auditd.data.socket.saddr",
];

/// Reads every field of an event.
pub(super) fn document(group: &Group, host: Option<&Host>, process: Option<&Process>) -> Document {
    let mut scratch = Scratch::default();
    let mut reader = Reader::new(group, host, &mut scratch);
    let mut document = Document::default();
    for info in FIELDS.iter().filter(|info| !info.name.ends_with('*')) {
        if REPEATED.contains(&info.name) {
            continue;
        }
        let mut values = Vec::new();
        reader.read(&Source::of(info.name), &mut |value| values.push(Value::from(value)));
        if values.is_empty()
            && let (Some(process), Some(field)) = (process, ContextField::of(info.name))
        {
            read_context(process, field, &mut |value| values.push(Value::from(value)));
        }
        if !values.is_empty() {
            document.fields.push((info.name.to_owned(), values));
        }
    }
    let mut keys: Vec<String> = Vec::new();
    reader.data_keys(&mut |key| {
        if !MAPPED.contains(&key) {
            keys.push(String::from_utf8_lossy(key).replace('-', "_"));
        }
    });
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        family(&mut reader, &mut document, &format!("auditd.data.{key}"));
    }
    for key in ["item", "name", "nametype", "inode", "dev", "mode", "ouid", "ogid", "rdev"] {
        family(&mut reader, &mut document, &format!("auditd.paths.{key}"));
    }
    document
}

fn family(reader: &mut Reader<'_, '_>, document: &mut Document, name: &str) {
    let mut values = Vec::new();
    reader.read(&Source::of(name), &mut |value| values.push(Value::from(value)));
    let known = document.fields.iter().any(|(known, _)| known == name);
    if !values.is_empty() && !known {
        document.fields.push((name.to_owned(), values));
    }
}
