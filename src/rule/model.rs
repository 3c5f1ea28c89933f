//! The common rule model: what every rule format is read into.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::check::{self, ir};
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::span::Position;
use crate::syntax;
use crate::time::Duration;

/// A query and what people should know about it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable and unique in the loaded set.
    pub id: String,
    /// Short name.
    pub name: String,
    /// What it finds and why that matters.
    pub description: String,
    /// How bad a match is.
    pub severity: Severity,
    /// 0 to 100; derived from the severity when the file has none.
    pub risk_score: u8,
    /// Who wrote it; carried into every alert.
    pub author: Vec<String>,
    /// Licence of the rule.
    pub license: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// Harmless behaviour that looks the same.
    pub false_positives: Vec<String>,
    /// Text for the analyst.
    pub note: String,
    /// What must be logged for it to work.
    pub setup: String,
    /// MITRE ATT&CK and the like.
    pub threat: Vec<Threat>,
    /// The same in terms of other versions of a framework.
    pub threat_versions: Vec<ThreatVersion>,
    /// How far its author trusts it.
    pub status: Status,
    /// What the fields of a match change in its alert; kept, not applied.
    pub overrides: Overrides,
    /// Fields that an analyst wants to see first.
    pub investigation_fields: Vec<String>,
    /// The indices it is written for; they only hint at the source of the data.
    pub index: Vec<String>,
    /// Every other key of the file, as it stands there; `metadata.…` for those of `[metadata]`.
    pub extra: BTreeMap<String, Json>,
    /// Feeds other rules; a match is not worth an alert of its own.
    pub building_block: bool,
    /// The query as written.
    pub text: Arc<str>,
    /// The checked query.
    pub query: ir::Query,
    /// What the query was checked under.
    pub frame: Frame,
    /// How it is run.
    pub options: RuleOptions,
    /// Where it comes from.
    pub origin: Origin,
}

/// What stands round a query: another one in its place is checked under the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    /// The field that holds the event category.
    pub category_field: String,
    /// Filters and exceptions: what every event of every stage must pass too.
    pub limits: Vec<ir::Cond>,
}

impl Rule {
    /// The same rule with another query, written by somebody who does not need its warnings.
    ///
    /// # Errors
    ///
    /// When the query does not parse or check; it has the limits that every query has.
    pub fn with_query(&self, text: &str, schema: &Schema) -> Result<Self, Vec<Diagnostic>> {
        let ast = syntax::parse(text)?;
        let options = check::Options { category_field: self.frame.category_field.clone() };
        let (mut query, _warnings) = check::check(&ast, schema, &options)?;
        for limit in &self.frame.limits {
            check::restrict(&mut query, limit);
        }
        Ok(Self { text: Arc::from(text), query, ..self.clone() })
    }
}

/// How a rule is run, beside its query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleOptions {
    /// Bounds a sample, or a sequence without `maxspan`, in time.
    pub window: Option<Duration>,
    /// Samples reported per join key; 0 counts as 1.
    pub samples_per_key: usize,
    /// Samples are picked when the log has ended, earliest events of the first item first, and not as
    /// soon as there is one.
    pub samples_at_end: bool,
}

/// How far the author of a rule trusts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// In use.
    #[default]
    Stable,
    /// Not there yet: anything but `production` in `metadata.maturity`.
    Experimental,
}

impl Status {
    /// As in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Experimental => "experimental",
        }
    }
}

/// Replacements by the values of a match, as Kibana offers them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `severity_mapping`: another severity when a field equals a value.
    pub severity: Vec<SeverityOverride>,
    /// `risk_score_mapping`: fields that hold a score of their own.
    pub risk_score: Vec<String>,
    /// `rule_name_override`: the field that names the alert.
    pub name: Option<String>,
    /// `timestamp_override`; of no consequence here, where events are ordered by their own time.
    pub timestamp: Option<String>,
}

/// One row of `severity_mapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityOverride {
    /// The field.
    pub field: String,
    /// The value it must equal.
    pub value: String,
    /// What the severity is then.
    pub severity: Severity,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Path, or a name such as `built-in/execution/…`.
    pub file: String,
    /// In which format.
    pub format: Format,
    /// Line of the rule in its file, from 1.
    pub line: usize,
    /// Byte offset of the query in the file, when it stands there as it is.
    pub query_offset: Option<usize>,
    /// Line and column of the query's first character then.
    pub query_position: Option<Position>,
}

/// The formats rules come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Elastic's rule TOML, one rule a file.
    Toml,
    /// Kibana's export, one rule a line.
    Ndjson,
    /// A query without metadata.
    #[default]
    Eql,
}

/// How bad a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Informational,
    /// Suspicious in context.
    Low,
    /// Suspicious.
    Medium,
    /// Likely an attack.
    High,
    /// An attack.
    Critical,
}

impl Severity {
    /// Reads a severity as rule files spell it.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "informational" | "info" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// As written in rule files and alerts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The risk score that goes with it when the rule gives none.
    pub fn risk_score(self) -> u8 {
        match self {
            Self::Informational => 10,
            Self::Low => 21,
            Self::Medium => 47,
            Self::High => 73,
            Self::Critical => 99,
        }
    }
}

/// What a rule finds in terms of a threat framework.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threat {
    /// `MITRE ATT&CK`
    pub framework: String,
    /// The goal of the attacker.
    pub tactic: Tactic,
    /// The means.
    pub techniques: Vec<Technique>,
}

/// What a rule finds in terms of one version of a framework.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreatVersion {
    /// `MITRE ATT&CK`
    pub framework: String,
    /// `19`
    pub version: String,
    /// As [`Rule::threat`].
    pub threat: Vec<Threat>,
}

/// A tactic of a framework.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tactic {
    /// `TA0011`
    pub id: String,
    /// `Command and Control`
    pub name: String,
    /// Its page.
    pub reference: String,
}

/// A technique or subtechnique of a framework.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Technique {
    /// `T1095` or `T1059.004`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its page.
    pub reference: String,
    /// Finer ones below it.
    pub subtechniques: Vec<Technique>,
}
