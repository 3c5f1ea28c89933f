//! Event categories, field names and field types: where the data path and the compile path meet.
//!
//! In: a field name. Out: its type, the audit record it comes from, a line of help. The readers of
//! `event` promise to fill these fields with these types; `check` tests queries against them. A
//! second table names well-known fields that audit logs never fill in. A field in neither may still be
//! in the data of others: it then has the type it has there.

mod absent;
mod fields;
mod producer;

use std::collections::{BTreeMap, BTreeSet};

pub use absent::ABSENT;
pub use fields::FIELDS;
pub use producer::{Producer, Variant};

/// A dense number for one field read by a rule set: index into the slots of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u16);

impl FieldId {
    /// As an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What the values of a field are. Names as in Elasticsearch mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Text compared as a whole (`keyword`, `wildcard`, `constant_keyword`).
    Keyword,
    /// Text for people (`text`); compared as a whole here.
    Text,
    /// Whole number (`long`, `integer`, `short`, `byte`, `unsigned_long`).
    Long,
    /// Any number (`double`, `float`, `half_float`, `scaled_float`).
    Double,
    /// `true` or `false`.
    Boolean,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A point in time with millisecond (`date`) or nanosecond (`date_nanos`) precision.
    Date,
    /// Software versions: 1.11.3 is later than 1.5.0.
    Version,
}

impl FieldType {
    /// Reads the name of a mapping type; `None` for one we do not know.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "keyword" | "wildcard" | "constant_keyword" => Self::Keyword,
            "text" | "match_only_text" => Self::Text,
            "long" | "integer" | "short" | "byte" | "unsigned_long" => Self::Long,
            "double" | "float" | "half_float" | "scaled_float" => Self::Double,
            "boolean" => Self::Boolean,
            "ip" => Self::Ip,
            "date" | "date_nanos" => Self::Date,
            "version" => Self::Version,
            _ => return None,
        })
    }

    /// The word used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Text => "text",
            Self::Long => "long",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Ip => "ip",
            Self::Date => "date",
            Self::Version => "version",
        }
    }

    /// Whether values are text to wildcards and regular expressions.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Keyword | Self::Text | Self::Version)
    }

    /// Whether values are numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Long | Self::Double)
    }
}

/// What is known about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// The full name; families end in `.*`.
    pub name: &'static str,
    /// The type of its values.
    pub kind: FieldType,
    /// The audit records it is taken from; empty when audit logs never fill it in.
    pub records: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// A value as it appears.
    pub example: &'static str,
}

/// The types of fields: the built-in table, then what the user said.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    overrides: BTreeMap<String, FieldType>,
    /// Dates that are kept in whole milliseconds.
    millis: BTreeSet<String>,
    events: EventFields,
}

/// The fields that say when an event happened, what it is and which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFields {
    /// When it happened.
    pub timestamp: String,
    /// What queries name in front of `where`.
    pub category: String,
    /// Orders events of the same time.
    pub tiebreaker: Option<String>,
    /// Names an event in a list of results.
    pub id: Option<String>,
}

impl Default for EventFields {
    fn default() -> Self {
        Self {
            timestamp: "@timestamp".to_owned(),
            category: "event.category".to_owned(),
            tiebreaker: None,
            id: None,
        }
    }
}

impl Schema {
    /// The built-in table alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the type of a field, whatever the table says.
    pub fn set(&mut self, name: impl Into<String>, kind: FieldType) {
        self.overrides.insert(name.into(), kind);
    }

    /// Whether the user has said what type the field has.
    pub fn is_declared(&self, name: &str) -> bool {
        self.overrides.contains_key(name)
    }

    /// Whether the user has said anything about fields: then events are not from audit logs alone.
    pub fn has_declarations(&self) -> bool {
        !self.overrides.is_empty()
    }

    /// Sets the type of a field by its name in a mapping; `false` for a type we do not know. A field
    /// declared as `date` keeps whole milliseconds, as there.
    pub fn declare(&mut self, name: &str, kind: &str) -> bool {
        let Some(known) = FieldType::from_name(kind) else { return false };
        self.set(name, known);
        if kind == "date" {
            self.millis.insert(name.to_owned());
        } else {
            self.millis.remove(name);
        }
        true
    }

    /// Says which fields hold time, category, tiebreaker and identity.
    pub fn set_events(&mut self, events: EventFields) {
        self.events = events;
    }

    /// Which fields hold time, category, tiebreaker and identity.
    pub fn events(&self) -> &EventFields {
        &self.events
    }

    /// Whether times in a field are cut to whole milliseconds.
    pub fn is_millis(&self, name: &str) -> bool {
        self.millis.contains(name)
    }

    /// The type of a field, `None` when nothing is known about it.
    ///
    /// What was said counts first, then the table. Besides, the field of the time is a date and a
    /// field named `version` is a version.
    pub fn kind(&self, name: &str) -> Option<FieldType> {
        let said = self.overrides.get(name).copied();
        said.or_else(|| lookup(name).map(|info| info.kind)).or_else(|| match name {
            "version" => Some(FieldType::Version),
            name if name == self.events.timestamp => Some(FieldType::Date),
            _ => None,
        })
    }
}

impl FieldInfo {
    /// Whether audit logs ever fill it in.
    pub fn is_in_audit(&self) -> bool {
        !self.records.is_empty()
    }
}

/// What the built-in tables say about a field: one that audit logs fill in, a member of a family of
/// those, or a well-known one that they never fill in.
pub fn lookup(name: &str) -> Option<&'static FieldInfo> {
    let family = |info: &&FieldInfo| {
        info.name.strip_suffix('*').is_some_and(|family| name.starts_with(family))
    };
    find(FIELDS, name).or_else(|| FIELDS.iter().find(family)).or_else(|| find(ABSENT, name))
}

fn find(table: &'static [FieldInfo], name: &str) -> Option<&'static FieldInfo> {
    table.binary_search_by(|info| info.name.cmp(name)).ok().and_then(|at| table.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_so_that_they_can_be_searched() {
        for pair in FIELDS.windows(2).chain(ABSENT.windows(2)) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn no_field_is_both_filled_in_and_absent() {
        for info in ABSENT {
            let found = lookup(info.name).unwrap();
            assert!(std::ptr::eq(found, info), "{} is also {}", info.name, found.name);
            assert!(!found.is_in_audit());
        }
        assert!(FIELDS.iter().all(FieldInfo::is_in_audit));
    }

    #[test]
    fn members_of_families_have_the_type_of_the_family() {
        assert_eq!(lookup("auditd.data.grantors").unwrap().name, "auditd.data.*");
        assert_eq!(lookup("auditd.data.syscall").unwrap().name, "auditd.data.syscall");
        assert_eq!(lookup("auditd.data"), None);
        assert_eq!(lookup("dns.question.name").map(|info| info.kind), Some(FieldType::Keyword));
        assert_eq!(lookup("process.nmae"), None);
    }
}
