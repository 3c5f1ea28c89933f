//! Which types of rules run here, and why the others do not.

/// What becomes of a rule of some type and language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is EQL.
    Runs,
    /// It is known and does not run, for this reason.
    Disabled(&'static str),
    /// There is no such type.
    UnknownType,
    /// There is no such language, or it does not go with the type.
    UnknownLanguage,
}

/// All types of rules, for messages.
pub(super) const TYPES: [&str; 8] = [
    "eql",
    "esql",
    "machine_learning",
    "new_terms",
    "query",
    "saved_query",
    "threat_match",
    "threshold",
];

/// The languages of queries, for messages.
pub(super) const LANGUAGES: [&str; 4] = ["eql", "esql", "kuery", "lucene"];

/// What becomes of a rule.
pub(super) fn kind(kind: &str, language: Option<&str>) -> Kind {
    if !TYPES.contains(&kind) {
        return Kind::UnknownType;
    }
    if language.is_some_and(|language| !LANGUAGES.contains(&language)) {
        return Kind::UnknownLanguage;
    }
    Kind::Disabled(match (kind, language) {
        ("eql", None | Some("eql")) => return Kind::Runs,
        ("eql", _) => return Kind::UnknownLanguage,
        ("query", Some("lucene")) => "its query is written in lucene, only eql runs here",
        ("query", _) => "its query is written in kuery, only eql runs here",
        ("esql", _) => "esql needs the Elastic stack",
        ("machine_learning", _) => "machine learning needs the Elastic stack",
        ("new_terms", _) => "type new_terms needs a history of what was seen before",
        ("saved_query", _) => "its query is stored in Kibana, not in the file",
        ("threat_match", _) => "type threat_match needs lists of indicators",
        _ => "type threshold counts events, which is not done here",
    })
}
