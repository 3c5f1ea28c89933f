//! The common rule model: what every rule format is read into.

use std::sync::Arc;

use crate::check::ir;
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
    /// Feeds other rules; a match is not worth an alert of its own.
    pub building_block: bool,
    /// The query as written.
    pub text: Arc<str>,
    /// The checked query.
    pub query: ir::Query,
    /// How it is run.
    pub options: RuleOptions,
    /// Where it comes from.
    pub origin: Origin,
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

/// Where a rule comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Path, or a name such as `built-in/execution/…`.
    pub file: String,
    /// Byte offset of the query in the file, when it stands there as it is.
    pub query_offset: Option<usize>,
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
