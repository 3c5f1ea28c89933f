//! All fields of an event as a tree of JSON, and values as JSON.
//!
//! In: a [`Document`]. Out: objects in the order in which fields come. [`write_nested`](super::write_nested)
//! writes the same without the tree where names allow it.

use serde_json::{Map, Value as Json, json};

use crate::event::{Document, DocumentValues};
use crate::value::{Scalar, Value};

/// Most levels of objects made of a dotted name: keys of records may hold any number of dots.
const MAX_LEVELS: usize = 32;

/// All fields of an event as one JSON object, as alerts hold it under `catena.events[].event`.
/// Dotted names are nested objects.
/// Where a name is both a value and a prefix of another (`auditd.data.a` beside `auditd.data.a.b`),
/// the longer one keeps its dots inside the deepest object that exists.
pub fn nested(document: &Document) -> Json {
    let mut root = Map::new();
    for (name, values) in document.fields() {
        insert(&mut root, name, field(name, values), MAX_LEVELS);
    }
    if document.paths().len() > 0 {
        let paths = document.paths().map(|record| -> Map<String, Json> {
            record.map(|(key, value)| (key.to_owned(), one(value))).collect()
        });
        insert(&mut root, "auditd.paths", paths.collect(), MAX_LEVELS);
    }
    Json::Object(root)
}

fn insert(object: &mut Map<String, Json>, name: &str, value: Json, levels: usize) {
    if let Some((head, tail)) = name.split_once('.')
        && levels > 0
    {
        let inner = object.entry(head).or_insert_with(|| Json::Object(Map::new()));
        if let Some(inner) = inner.as_object_mut() {
            insert(inner, tail, value, levels - 1);
            return;
        }
    }
    object.insert(name.to_owned(), value);
}

fn field(name: &str, values: DocumentValues<'_>) -> Json {
    match values.first() {
        Some(single) if values.len() == 1 && !is_list(name) => one(single),
        _ => values.iter().map(one).collect(),
    }
}

/// Whether ECS declares a field as a list: it stays one also with one value.
pub(super) fn is_list(name: &str) -> bool {
    matches!(
        name,
        "event.category"
            | "event.type"
            | "event.action"
            | "process.args"
            | "process.parent.args"
            | "tags"
            | "related.user"
    )
}

/// A value as JSON; addresses and times as text.
pub(crate) fn scalar(value: &Value) -> Json {
    value.scalar().map_or(Json::Null, one)
}

/// The same of one that is not null.
pub(crate) fn one(value: Scalar<'_>) -> Json {
    match value {
        Scalar::Bool(b) => json!(b),
        Scalar::Int(i) => json!(i),
        Scalar::Float(f) => json!(f),
        Scalar::Str(s) => json!(s),
        Scalar::Ip(_) | Scalar::Time(_) => json!(value.to_string()),
    }
}
