//! [`Alert`] → one JSON object in the shape of ECS; `docs/alerts.md` describes it field by field.
//!
//! In: an alert. Out: text, written part by part: a tree would cost more than reading the fields that are in it,
//! and whoever waits for an alert waits for this.

use serde_json::Value as Json;

use super::Alert;
use super::ecs::{About, Signal, Threats};
use super::line::{write_members, write_nested};
use super::nested::{one, scalar};
use super::writer::Writer;
use crate::time::Timestamp;

/// Fields of the last event that are copied to the top, so that an alert can be searched like an event.
const COPIED: [&str; 8] =
    ["host", "process", "user", "source", "destination", "network", "file", "group"];

impl Alert {
    /// The alert as a JSON object.
    pub fn to_json(&self) -> Json {
        let mut line = Vec::new();
        self.write_json(&mut line);
        // What was written is JSON.
        serde_json::from_slice(&line).unwrap_or_default()
    }

    /// Appends the alert as a JSON object, without an end of line.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut out = Writer::new(out);
        out.open();
        let latest = self.latest();
        out.member("@timestamp", &self.last.to_string());
        if let Some(rule) = self.rule() {
            out.member("message", &self.message(rule));
            let category = latest.map(|event| event.document().values("event.category"));
            out.member(
                "event",
                &Signal {
                    kind: "signal",
                    module: "catena",
                    dataset: "catena.alert",
                    category: category.unwrap_or_default().iter().map(one).collect(),
                    types: ["info"],
                    id: &self.id,
                    start: self.first.to_string(),
                    end: self.last.to_string(),
                    severity: rule.severity.risk_score(),
                    risk_score: rule.risk_score,
                },
            );
            out.member("rule", &About::new(rule));
            if !rule.threat.is_empty() {
                out.member("threat", &Threats::new(&rule.threat));
            }
            if !rule.tags.is_empty() {
                out.member("tags", &rule.tags);
            }
        }
        if let Some(latest) = latest {
            write_members(latest.document(), &COPIED, out.out());
        }
        out.key("catena");
        self.catena(&mut out);
        out.close();
    }

    fn catena(&self, out: &mut Writer<'_>) {
        let rule = self.rule();
        let logic = self.rules.logic(self.rule).map(|logic| logic.to_string());
        let decided = (self.decided != Timestamp::MAX).then(|| self.decided.to_string());
        out.open();
        out.member("id", &self.id);
        out.member("version", env!("CARGO_PKG_VERSION"));
        out.member("kind", self.kind());
        out.member("severity", &rule.map(|rule| rule.severity.name()));
        out.member("rule_file", &rule.map(|rule| rule.origin.file.as_str()));
        out.member("rule_logic", &logic);
        out.key("keys");
        out.objects(&self.keys, |out, (name, value)| {
            out.member("field", &**name);
            out.member("value", &scalar(value));
        });
        out.member("first", &self.first.to_string());
        out.member("last", &self.last.to_string());
        out.member("decided", &decided);
        out.member("uncertain", &self.uncertain);
        out.member("evidence", &self.evidence);
        if let Some(counted) = &self.counted {
            out.member("counted", counted);
        }
        out.key("events");
        out.objects(self.events.iter().zip(1_u32..), |out, (event, item)| {
            out.member("item", &item);
            out.member("missing", &event.is_none());
            if let Some(event) = event {
                out.key("event");
                write_nested(event.document(), out.out());
                out.member("records", &event.kept.records());
                if event.document().left_out() > 0 {
                    out.member("keys_left_out", &event.document().left_out());
                }
            }
        });
        out.key("process_tree");
        out.objects(self.process_tree(), |out, process| {
            out.member("pid", &process.pid);
            out.member("entity_id", &*process.entity_id);
            if let Some(name) = process.image.name() {
                out.member("name", name);
            }
            if let Some(executable) = process.image.executable() {
                out.member("executable", executable);
            }
            if process.image.args().len() > 0 {
                out.member("args", &process.image.args().collect::<Vec<_>>());
            }
        });
        out.close();
    }
}
