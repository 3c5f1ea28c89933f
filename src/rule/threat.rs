//! Tables of a threat framework → [`Threat`].

use super::data::{Data, Table};
use super::keys::Keys;
use super::model::{Tactic, Technique, Threat, ThreatVersion};
use crate::diagnostic::Diagnostic;

/// `rule.threat`
pub(super) fn threats(tables: Vec<Table>, problems: &mut Vec<Diagnostic>) -> Vec<Threat> {
    tables.into_iter().map(|table| threat(table, problems)).collect()
}

fn threat(table: Table, problems: &mut Vec<Diagnostic>) -> Threat {
    let mut keys = Keys::new(table, "rule.threat.");
    let framework = keys.prose("framework");
    let (tactic, _) = named(keys.table("tactic").unwrap_or_default(), problems);
    let tactic = Tactic { id: tactic.id, name: tactic.name, reference: tactic.reference };
    let techniques = keys.tables("technique");
    problems.append(&mut keys.problems);
    Threat {
        framework,
        tactic,
        techniques: techniques.into_iter().map(|table| technique(table, problems)).collect(),
    }
}

fn technique(table: Table, problems: &mut Vec<Diagnostic>) -> Technique {
    let (mut technique, below) = named(table, problems);
    technique.subtechniques = below.into_iter().map(|table| named(table, problems).0).collect();
    technique
}

/// Id, name and page, and the subtechniques not read yet.
fn named(table: Table, problems: &mut Vec<Diagnostic>) -> (Technique, Vec<Table>) {
    let mut keys = Keys::new(table, "rule.threat.");
    let technique = Technique {
        id: keys.prose("id"),
        name: keys.prose("name"),
        reference: keys.prose("reference"),
        subtechniques: Vec::new(),
    };
    let below = keys.tables("subtechnique");
    problems.append(&mut keys.problems);
    (technique, below)
}

/// `rule.threat_mappings`: the same for other versions of a framework, each in a wrapper.
pub(super) fn versions(tables: Vec<Table>, problems: &mut Vec<Diagnostic>) -> Vec<ThreatVersion> {
    let version = |mut table: Table| {
        // Written as text or as a number.
        let version = match table.take("version").map(|node| node.data) {
            Some(Data::Text(text)) => text,
            Some(Data::Int(number)) => number.to_string(),
            Some(Data::Float(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut keys = Keys::new(table, "rule.threat_mappings.");
        let framework = keys.prose("framework");
        let inner = keys.tables("threat");
        problems.append(&mut keys.problems);
        ThreatVersion { framework, version, threat: threats(inner, problems) }
    };
    tables.into_iter().map(version).collect()
}
