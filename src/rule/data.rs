//! TOML and JSON → one tree with places.
//!
//! In: the text of a rule file. Out: a [`Table`] whose every key and value knows where it stands (in
//! TOML; values of JSON have no place). What a key means is not known here.

use std::ops::Range;

use serde_json::{Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) data: Data,
    /// `None` in JSON.
    pub(crate) span: Option<Span>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Table),
}

/// Keys with their values, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    pairs: Vec<Pair>,
    /// The header of the table.
    pub(crate) span: Option<Span>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) span: Option<Span>,
    pub(crate) value: Node,
}

impl Table {
    /// Takes a value out; `null` is as good as absent.
    pub(crate) fn take(&mut self, key: &str) -> Option<Node> {
        let index = self.pairs.iter().position(|pair| pair.key == key)?;
        let pair = self.pairs.swap_remove(index);
        (pair.value.data != Data::Null).then_some(pair.value)
    }

    /// Takes a table out; anything else stays.
    pub(crate) fn take_table(&mut self, key: &str) -> Option<Self> {
        let is_table = |pair: &Pair| pair.key == key && matches!(pair.value.data, Data::Table(_));
        let index = self.pairs.iter().position(is_table)?;
        match self.pairs.swap_remove(index).value.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|pair| pair.key == key)
    }

    /// A value.
    pub(crate) fn get(&self, key: &str) -> Option<&Data> {
        let pair = self.pairs.iter().find(|pair| pair.key == key)?;
        (pair.value.data != Data::Null).then_some(&pair.value.data)
    }

    /// What has not been taken, in order of the keys.
    pub(crate) fn into_pairs(mut self) -> Vec<Pair> {
        self.pairs.sort_by(|a, b| a.key.cmp(&b.key));
        self.pairs
    }

    /// Where a key stands.
    pub(crate) fn place(&self, key: &str) -> Option<Span> {
        self.pairs.iter().find(|pair| pair.key == key)?.span
    }

    /// All keys that are left.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| pair.key.as_str())
    }

    /// The only pair, if there is just one.
    pub(crate) fn single(&self) -> Option<(&str, &Data)> {
        match self.pairs.as_slice() {
            [pair] => Some((&pair.key, &pair.value.data)),
            _ => None,
        }
    }
}

impl Data {
    /// What it is, for messages.
    pub(crate) fn article(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// As text, if it is.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As a table, if it is.
    pub(crate) fn table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// As JSON.
    pub(crate) fn into_json(self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Int(value) => Json::Number(value.into()),
            Self::Float(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
            Self::Text(text) => Json::String(text),
            Self::List(list) => {
                Json::Array(list.into_iter().map(|node| node.data.into_json()).collect())
            }
            Self::Table(table) => Json::Object(
                table
                    .into_pairs()
                    .into_iter()
                    .map(|pair| (pair.key, pair.value.data.into_json()))
                    .collect(),
            ),
        }
    }
}

/// Reads TOML.
///
/// # Errors
///
/// Everything that is not TOML in it, at least one problem.
pub(crate) fn toml(text: &str) -> Result<Table, Vec<Diagnostic>> {
    /// More problems than this in one file help nobody.
    const MOST: usize = 10;
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(from_toml(document.into_inner(), None));
    }
    let lost_lines = text.trim_end().lines().count() == 1 && text.matches(" = ").count() > 1;
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let problem = |error: &toml::de::Error| {
        let problem = Diagnostic::new(Code::RuleFile, one_line(error.message()));
        match error.span() {
            Some(range) => problem.label(span(range), ""),
            None => problem,
        }
    };
    if lost_lines {
        // One mistake of copying shows as many mistakes of syntax.
        let first = errors.iter().take(1).map(problem);
        return Err(first
            .map(|first| {
                first
                    .help("several keys on one line: line breaks seem to have been lost in copying")
            })
            .collect());
    }
    Err(errors.iter().take(MOST).map(problem).collect())
}

fn span(range: Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

/// The depth of a document is bounded by the reader.
fn from_toml(table: DeTable<'_>, place: Option<Span>) -> Table {
    let pairs = table.into_iter().map(|(key, value)| Pair {
        span: Some(span(key.span())),
        key: key.into_inner().into_owned(),
        value: from_toml_value(value),
    });
    Table { pairs: pairs.collect(), span: place }
}

fn from_toml_value(value: Spanned<DeValue<'_>>) -> Node {
    let place = Some(span(value.span()));
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            parsed.map_or_else(|_| Data::Text(number.to_string()), Data::Int)
        }
        DeValue::Float(number) => {
            let parsed: Result<f64, _> = number.as_str().parse();
            parsed.map_or_else(|_| Data::Text(number.to_string()), Data::Float)
        }
        DeValue::Boolean(value) => Data::Bool(value),
        DeValue::Datetime(time) => Data::Text(time.to_string()),
        DeValue::Array(list) => Data::List(list.into_iter().map(from_toml_value).collect()),
        DeValue::Table(table) => Data::Table(from_toml(table, place)),
    };
    Node { data, span: place }
}

/// Takes over a JSON value.
pub(crate) fn from_json(value: Json) -> Node {
    let data = match value {
        Json::Null => Data::Null,
        Json::Bool(value) => Data::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Data::Int(int),
            None => number.as_f64().map_or(Data::Null, Data::Float),
        },
        Json::String(text) => Data::Text(text),
        Json::Array(list) => Data::List(list.into_iter().map(from_json).collect()),
        Json::Object(object) => Data::Table(Table {
            pairs: object
                .into_iter()
                .map(|(key, value)| Pair { key, span: None, value: from_json(value) })
                .collect(),
            span: None,
        }),
    };
    Node { data, span: None }
}
