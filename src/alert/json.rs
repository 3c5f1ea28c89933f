//! [`Alert`] → one JSON object in the shape of ECS; `docs/alerts.md` describes it field by field.

use serde_json::{Map, Value as Json, json};

use super::{Alert, AlertEvent};
use crate::event::{Document, DocumentValues};
use crate::rule::{Rule, Technique, Threat};
use crate::time::Timestamp;
use crate::value::{Scalar, Value};

/// Fields of the last event that are copied to the top, so that an alert can be searched like an event.
const COPIED: [&str; 8] =
    ["host", "process", "user", "source", "destination", "network", "file", "group"];

impl Alert {
    /// The alert as a JSON object.
    pub fn to_json(&self) -> Json {
        let mut out = Map::new();
        out.insert("@timestamp".into(), json!(self.last.to_string()));
        // Taken apart once, and told at the end.
        let catena = self.catena();
        let place = self.latest_place();
        let latest = place.and_then(|place| catena.get("events")?.get(place)?.get("event"));
        let category = latest.and_then(|event| event.get("event")?.get("category"));
        if let Some(rule) = self.rule() {
            out.insert("message".into(), json!(self.message(rule)));
            out.insert(
                "event".into(),
                json!({
                    "kind": "signal",
                    "module": "catena",
                    "dataset": "catena.alert",
                    "category": category.cloned().unwrap_or_else(|| json!([])),
                    "type": ["info"],
                    "id": self.id,
                    "start": self.first.to_string(),
                    "end": self.last.to_string(),
                    "severity": rule.severity.risk_score(),
                    "risk_score": rule.risk_score,
                }),
            );
            out.insert("rule".into(), rule_json(rule));
            if !rule.threat.is_empty() {
                out.insert("threat".into(), threats(&rule.threat));
            }
            if !rule.tags.is_empty() {
                out.insert("tags".into(), json!(rule.tags));
            }
        }
        if let Some(Json::Object(latest)) = latest {
            for (name, value) in latest {
                if COPIED.contains(&name.as_str()) {
                    out.insert(name.clone(), value.clone());
                }
            }
        }
        out.insert("catena".into(), catena);
        Json::Object(out)
    }

    fn catena(&self) -> Json {
        let rule = self.rule();
        let mut out = json!({
            "id": self.id,
            "version": env!("CARGO_PKG_VERSION"),
            "kind": self.kind(),
            "severity": rule.map(|rule| rule.severity.name()),
            "rule_file": rule.map(|rule| rule.origin.file.as_str()),
            "rule_logic": self.rules.logic(self.rule).map(|logic| logic.to_string()),
            "keys": self.keys.iter().map(|(name, value)| {
                json!({"field": &**name, "value": scalar(value)})
            }).collect::<Vec<_>>(),
            "first": self.first.to_string(),
            "last": self.last.to_string(),
            "decided": if self.decided == Timestamp::MAX {
                Json::Null
            } else {
                json!(self.decided.to_string())
            },
            "uncertain": self.uncertain,
            "evidence": {
                "gaps": self.evidence.gaps,
                "late": self.evidence.late,
                "evicted": self.evidence.evicted,
                "incomplete": self.evidence.incomplete,
                "malformed": self.evidence.malformed,
            },
        });
        let events = self.events.iter().zip(1..).map(|(event, item)| item_json(event, item));
        if let Some(object) = out.as_object_mut() {
            if let Some(counted) = self.counted {
                let counted = json!({ "matches": counted.matches, "of": counted.of });
                object.insert("counted".into(), counted);
            }
            object.insert("events".into(), events.collect());
            object.insert("process_tree".into(), self.tree_json());
        }
        out
    }

    /// The process of the last event and its ancestors, oldest first.
    fn tree_json(&self) -> Json {
        let tree = self.process_tree();
        let processes = tree.iter().map(|process| {
            let mut out = Map::new();
            out.insert("pid".into(), json!(process.pid));
            out.insert("entity_id".into(), json!(process.entity_id));
            if let Some(name) = process.image.name() {
                out.insert("name".into(), json!(name));
            }
            if let Some(executable) = process.image.executable() {
                out.insert("executable".into(), json!(executable));
            }
            if process.image.args().len() > 0 {
                let args: Json = process.image.args().collect();
                out.insert("args".into(), args);
            }
            Json::Object(out)
        });
        processes.collect()
    }
}

fn item_json(event: &Option<AlertEvent>, item: u32) -> Json {
    match event {
        None => json!({"item": item, "missing": true}),
        Some(event) => {
            let mut out = json!({
                "item": item,
                "missing": false,
                "event": nested(event.document()),
                "records": event.kept.records(),
            });
            let left_out = event.document().left_out();
            if left_out > 0
                && let Some(object) = out.as_object_mut()
            {
                object.insert("keys_left_out".into(), json!(left_out));
            }
            out
        }
    }
}

fn rule_json(rule: &Rule) -> Json {
    let mut out = Map::new();
    out.insert("id".into(), json!(rule.id));
    out.insert("name".into(), json!(rule.name));
    let mut text = |name: &str, text: &str| {
        if !text.is_empty() {
            out.insert(name.into(), json!(text));
        }
    };
    text("description", &rule.description);
    text("license", &rule.license);
    if let Some(reference) = rule.references.first() {
        text("reference", reference);
    }
    if !rule.author.is_empty() {
        out.insert("author".into(), json!(rule.author));
    }
    Json::Object(out)
}

/// ECS keeps each part of the threats as a list of its own.
fn threats(threats: &[Threat]) -> Json {
    let techniques: Vec<&Technique> =
        threats.iter().flat_map(|threat| &threat.techniques).collect();
    let sub: Vec<&Technique> = techniques.iter().flat_map(|t| &t.subtechniques).collect();
    let column = |list: &[&Technique], pick: fn(&Technique) -> &str| -> Vec<String> {
        list.iter().map(|t| pick(t).to_owned()).collect()
    };
    let mut technique = json!({
        "id": column(&techniques, |t| &t.id),
        "name": column(&techniques, |t| &t.name),
        "reference": column(&techniques, |t| &t.reference),
    });
    if !sub.is_empty()
        && let Some(object) = technique.as_object_mut()
    {
        object.insert(
            "subtechnique".into(),
            json!({
                "id": column(&sub, |t| &t.id),
                "name": column(&sub, |t| &t.name),
                "reference": column(&sub, |t| &t.reference),
            }),
        );
    }
    json!({
        "framework": threats.first().map(|threat| threat.framework.as_str()),
        "tactic": {
            "id": threats.iter().map(|t| t.tactic.id.as_str()).collect::<Vec<_>>(),
            "name": threats.iter().map(|t| t.tactic.name.as_str()).collect::<Vec<_>>(),
            "reference": threats.iter().map(|t| t.tactic.reference.as_str()).collect::<Vec<_>>(),
        },
        "technique": technique,
    })
}

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
