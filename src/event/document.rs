//! [`Document`]: every field of an event, for people and other tools.
//!
//! In: the raw records of an event and what is known of its process. Out: its fields by name, read by
//! the same code that fills in the fields that rules test.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::context::read_context;
use super::origin::{ContextField, Origin};
use super::read::{Reader, Scratch};
use super::{Facts, Group, Host, Process};
use crate::schema::FIELDS;
use crate::value::{Scalar, Value};

/// Fields by dotted name, in the order of the schema, each with at least one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    fields: Vec<(Cow<'static, str>, Values)>,
    paths: Vec<Vec<(&'static str, Value)>>,
    left_out: usize,
}

/// The values of a field; nearly all have one.
type Values = SmallVec<[Value; 1]>;

/// Most keys of records shown as `auditd.data.*`; no event that the kernel logs has as many.
const MAX_DATA_KEYS: usize = 512;

impl Document {
    /// Fields in this order.
    pub(super) fn new(fields: Vec<(String, Vec<Value>)>) -> Self {
        let fields =
            fields.into_iter().map(|(name, values)| (name.into(), values.into())).collect();
        Self { fields, ..Self::default() }
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.fields.iter().map(|(name, values)| (&**name, values.as_slice()))
    }

    /// The PATH records of an audit event in order, each with its keys that have a value.
    pub fn paths(&self) -> &[Vec<(&'static str, Value)>] {
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
const REPEATED: [(&str, &str); 45] = [
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
    ("process.real_user.name", "user.name"),
    ("user.Ext.real.name", "user.name"),
    ("process.real_group.name", "group.name"),
    ("group.Ext.real.name", "group.name"),
    ("process.saved_user.id", "user.saved.id"),
    ("process.saved_user.name", "user.saved.name"),
    ("process.saved_group.id", "auditd.user.saved.group.id"),
    ("process.saved_group.name", "auditd.user.saved.group.name"),
    ("process.Ext.ancestry", "process.parent.entity_id"),
    ("process.parent.real_user.id", "process.parent.user.id"),
    ("process.parent.real_group.id", "process.parent.group.id"),
    ("process.session_leader.real_user.id", "process.session_leader.user.id"),
    ("process.session_leader.real_group.id", "process.session_leader.group.id"),
    ("process.group_leader.real_user.id", "process.group_leader.user.id"),
    ("process.group_leader.real_group.id", "process.group_leader.group.id"),
    ("process.entry_leader.real_user.id", "process.entry_leader.user.id"),
    ("process.entry_leader.real_group.id", "process.entry_leader.group.id"),
];

/// Too long for a document, which stands beside the records anyway.
const LEFT_OUT: [&str; 1] = ["event.original"];

/// A field of the schema and where it comes from, worked out once.
struct Known {
    name: &'static str,
    origin: Origin,
    context: Option<ContextField>,
    /// It is read as another field is that it repeats, and need not be.
    is_copy: bool,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let listed = FIELDS.iter().filter(|info| !LEFT_OUT.contains(&info.name));
    let from = |name| (Origin::of(name), ContextField::of(name));
    let known = |name| {
        let (origin, context) = from(name);
        let repeated = REPEATED.iter().find(|(repeated, _)| *repeated == name);
        let is_copy = repeated.is_some_and(|(name, by)| from(name) == from(by));
        Known { name, origin, context, is_copy }
    };
    listed.map(|info| known(info.name)).collect()
});

/// The keys of records that have a place in [`KNOWN`], and that place.
static KNOWN_DATA: LazyLock<HashMap<&str, usize, RandomState>> = LazyLock::new(|| {
    let names = KNOWN.iter().map(|known| known.name).zip(0..);
    names.filter_map(|(name, place)| Some((name.strip_prefix(DATA)?, place))).collect()
});

/// [`REPEATED`] as places in [`KNOWN`].
static REPEATED_AT: LazyLock<Vec<(usize, usize)>> = LazyLock::new(|| {
    let place = |name: &str| KNOWN.iter().position(|known| known.name == name);
    REPEATED.iter().filter_map(|(name, by)| Some((place(name)?, place(by)?))).collect()
});

/// Reads every field of an event.
pub(super) fn document(group: &Group, host: Option<&Host>, process: Option<&Process>) -> Document {
    let mut scratch = Scratch::default();
    let mut reader = Reader::new(group, host, &mut scratch);
    let facts = Facts::of(&mut reader);
    let mut document = Document::default();
    let keys = DataKeys::of(&reader);
    let mut found: Vec<Values> = KNOWN
        .iter()
        .map(|known| match &known.origin {
            _ if known.is_copy => Values::new(),
            // To find out that no record has a key takes reading them all.
            Origin::Data(key) if !keys.contains(key) => Values::new(),
            origin => with_context(&mut reader, &facts, (host, process), origin, known.context),
        })
        .collect();
    for (repeated, by) in &*REPEATED_AT {
        let values = |place: &usize| found.get(*place).map_or(&[][..], Values::as_slice);
        // A list may hold what its repetition says and more.
        let told = values(repeated).iter().all(|value| values(by).contains(value));
        if told && let Some(values) = found.get_mut(*repeated) {
            values.clear();
        }
    }
    let is_listed = |key: &String| {
        let place = KNOWN_DATA.get(key.as_str()).and_then(|place| found.get(*place));
        place.is_some_and(|values| !values.is_empty())
    };
    let unlisted: Vec<&String> = keys.unmapped.iter().filter(|key| !is_listed(key)).collect();
    for (known, values) in KNOWN.iter().zip(found) {
        if !values.is_empty() {
            document.fields.push((known.name.into(), values));
        }
    }
    for key in unlisted {
        let name = format!("{DATA}{key}");
        let values = values(&mut reader, &Origin::of(&name));
        if !values.is_empty() {
            document.fields.push((name.into(), values));
        }
    }
    document.left_out = keys.left_out;
    document.paths = reader.path_records();
    document
}

/// In front of the keys of records in the names of their fields.
const DATA: &str = "auditd.data.";

/// The keys of the records of an event.
#[derive(Default)]
struct DataKeys<'g> {
    /// As in names of fields, where dashes are underscores; each once, ascending.
    all: Vec<Cow<'g, [u8]>>,
    /// Those without fields of their own as text, each once and in order; [`MAX_DATA_KEYS`] at most.
    unmapped: Vec<String>,
    /// How many more there are.
    left_out: usize,
}

impl<'g> DataKeys<'g> {
    fn of(reader: &Reader<'g, '_>) -> Self {
        let mut this = Self::default();
        // Each with where it stood first.
        let mut logged: Vec<(&[u8], usize)> = Vec::with_capacity(64);
        reader.data_keys(&mut |key| logged.push((key, logged.len())));
        logged.sort_unstable();
        logged.dedup_by_key(|(key, _)| *key);
        let dash = |byte: &u8| if *byte == b'-' { b'_' } else { *byte };
        this.all.extend(logged.iter().map(|(key, _)| match memchr::memchr(b'-', key) {
            None => Cow::Borrowed(*key),
            Some(_) => key.iter().map(dash).collect(),
        }));
        this.all.sort_unstable();
        this.all.dedup();
        logged.retain(|(key, _)| !MAPPED.contains(key));
        if logged.len() > MAX_DATA_KEYS {
            this.left_out = logged.len() - MAX_DATA_KEYS;
            logged.sort_unstable_by_key(|(_, at)| *at);
            logged.truncate(MAX_DATA_KEYS);
        }
        let name = |(key, _): &(&[u8], usize)| String::from_utf8_lossy(key).replace('-', "_");
        this.unmapped = logged.iter().map(name).collect();
        this.unmapped.sort_unstable();
        this.unmapped.dedup();
        this
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.all.binary_search_by(|known| (**known).cmp(key)).is_ok()
    }
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
    let (origin, context) = (Origin::of(name), ContextField::of(name));
    with_context(&mut reader, &facts, (host, process), &origin, context).into_vec()
}

/// What the records say, else what is known of the process.
fn with_context(
    reader: &mut Reader<'_, '_>,
    facts: &Facts,
    (host, process): (Option<&Host>, Option<&Process>),
    origin: &Origin,
    context: Option<ContextField>,
) -> Values {
    let mut values = values(reader, origin);
    if values.is_empty()
        && let (Some(process), Some(field)) = (process, context)
        && facts.admits(field)
    {
        let push = &mut |value: Scalar<'_>| values.push(Value::from(value));
        read_context(process, host, field, push);
    }
    values
}

fn values(reader: &mut Reader<'_, '_>, origin: &Origin) -> Values {
    let mut values = Values::new();
    reader.read(origin, &mut |value: Scalar<'_>| values.push(Value::from(value)));
    values
}
