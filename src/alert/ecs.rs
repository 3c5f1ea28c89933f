//! The parts of an alert that ECS has names for: `event`, `rule` and `threat`.

use serde::Serialize;
use serde_json::Value as Json;

use crate::rule::{Rule, Technique, Threat};

/// `event` of an alert.
#[derive(Serialize)]
pub(super) struct Signal<'a> {
    pub(super) kind: &'static str,
    pub(super) module: &'static str,
    pub(super) dataset: &'static str,
    pub(super) category: Vec<Json>,
    #[serde(rename = "type")]
    pub(super) types: [&'static str; 1],
    pub(super) id: &'a str,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) severity: u8,
    pub(super) risk_score: u8,
}

/// `rule`: what is known of it, and nothing of what is not.
#[derive(Serialize)]
pub(super) struct About<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    license: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reference: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    author: &'a [String],
}

impl<'a> About<'a> {
    pub(super) fn new(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            name: &rule.name,
            description: &rule.description,
            license: &rule.license,
            reference: rule.references.first().map_or("", String::as_str),
            author: &rule.author,
        }
    }
}

/// `threat`: each part of the threats is a list of its own.
#[derive(Serialize)]
pub(super) struct Threats<'a> {
    framework: Option<&'a str>,
    tactic: Column<'a>,
    technique: Techniques<'a>,
}

#[derive(Serialize)]
struct Techniques<'a> {
    #[serde(flatten)]
    all: Column<'a>,
    #[serde(skip_serializing_if = "Column::is_empty")]
    subtechnique: Column<'a>,
}

#[derive(Serialize, Default)]
struct Column<'a> {
    id: Vec<&'a str>,
    name: Vec<&'a str>,
    reference: Vec<&'a str>,
}

impl<'a> Column<'a> {
    fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    fn push(&mut self, id: &'a str, name: &'a str, reference: &'a str) {
        self.id.push(id);
        self.name.push(name);
        self.reference.push(reference);
    }
}

impl<'a> FromIterator<&'a Technique> for Column<'a> {
    fn from_iter<I: IntoIterator<Item = &'a Technique>>(techniques: I) -> Self {
        let mut out = Self::default();
        for technique in techniques {
            out.push(&technique.id, &technique.name, &technique.reference);
        }
        out
    }
}

impl<'a> Threats<'a> {
    pub(super) fn new(threats: &'a [Threat]) -> Self {
        let mut tactic = Column::default();
        for Threat { tactic: one, .. } in threats {
            tactic.push(&one.id, &one.name, &one.reference);
        }
        let techniques = || threats.iter().flat_map(|threat| &threat.techniques);
        Self {
            framework: threats.first().map(|threat| threat.framework.as_str()),
            tactic,
            technique: Techniques {
                all: techniques().collect(),
                subtechnique: techniques().flat_map(|one| &one.subtechniques).collect(),
            },
        }
    }
}
