//! The file of a field map → a [`FieldMap`].
//!
//! In: TOML, or JSON of the same shape. Out: the map, or everything that is wrong with it, each with its
//! place. The names of our fields are checked against the schema: one that is nearly a known field is
//! taken for a slip.
//!
//! ```toml
//! absent = ["-"]
//!
//! [time]
//! field = "ts"
//! format = "ms"
//!
//! [fields]
//! proc = "process.name"
//! kind = { field = "event.category", values = { exec = "process" } }
//!
//! [constants]
//! "host.os.type" = "linux"
//! ```

use std::fmt::Write as _;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{FieldMap, TimeFormat};
use crate::diagnostic::{Code, Diagnostic, nearest, nearest_name};
use crate::schema::{ABSENT, FIELDS, Schema};
use crate::span::Span;

/// Longest file read.
const MAX_BYTES: usize = 1 << 20;
/// The keys of the file.
const KEYS: [&str; 4] = ["absent", "time", "fields", "constants"];

/// Reads the text of a field map; the time of events goes into the field that `schema` names for it.
///
/// # Errors
///
/// Everything that is wrong with it, at least one problem.
pub fn read_map(text: &str, schema: &Schema) -> Result<FieldMap, Vec<Diagnostic>> {
    if text.len() > MAX_BYTES {
        return Err(vec![Diagnostic::new(Code::FieldMap, "a field map larger than 1 MiB")]);
    }
    let toml;
    let (text, is_json) = match text.trim_start().starts_with('{') {
        true => {
            toml = from_json(text)?;
            (toml.as_str(), Some(text))
        }
        false => (text, None),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { schema, map: FieldMap::new(), problems: Vec::new() };
    for error in errors.iter().take(10) {
        let title = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let problem = Diagnostic::new(Code::FieldMap, title);
        reader.problems.push(match error.span() {
            Some(range) => problem.label(span(range), ""),
            None => problem,
        });
    }
    if errors.is_empty() {
        reader.document(&document.into_inner());
    }
    let Reader { map, mut problems, .. } = reader;
    if problems.is_empty() {
        return Ok(map);
    }
    if let Some(json) = is_json {
        // Places are known in the text that was read; in JSON the underlined word is looked for again.
        for problem in &mut problems {
            for label in &mut problem.labels {
                let word = text.get(label.span.range()).unwrap_or_default();
                let place = json.find(word).unwrap_or(0);
                label.span = Span::new(place, place + word.len().min(json.len() - place));
            }
        }
    }
    Err(problems)
}

/// JSON as TOML, so that there is one reader: keys and texts are written alike.
fn from_json(text: &str) -> Result<String, Vec<Diagnostic>> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        let at = place(text, error.line(), error.column());
        let title = error.to_string();
        let title = title.split(" at line ").next().unwrap_or_default().to_owned();
        vec![Diagnostic::new(Code::FieldMap, title).label(at, "")]
    })?;
    let mut toml = String::new();
    if let serde_json::Value::Object(object) = &value {
        for (key, value) in object {
            let _ = write!(toml, "{} = ", serde_json::Value::from(key.as_str()));
            inline(value, &mut toml);
            toml.push('\n');
        }
    }
    Ok(toml)
}

/// A value of JSON on one line of TOML. The reader of JSON bounds its depth.
fn inline(value: &serde_json::Value, out: &mut String) {
    match value {
        serde_json::Value::Array(list) => {
            out.push('[');
            for item in list {
                inline(item, out);
                out.push(',');
            }
            out.push(']');
        }
        serde_json::Value::Object(object) => {
            out.push('{');
            for (number, (key, value)) in object.iter().enumerate() {
                let comma = if number > 0 { "," } else { "" };
                let _ = write!(out, "{comma} {} = ", serde_json::Value::from(key.as_str()));
                inline(value, out);
            }
            out.push('}');
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

fn place(text: &str, line: usize, column: usize) -> Span {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (before + column.saturating_sub(1)).min(text.len());
    Span::new(at, (at + 1).min(text.len()))
}

fn span(range: Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

struct Reader<'s> {
    schema: &'s Schema,
    map: FieldMap,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn document(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match (&**key.get_ref(), value.get_ref()) {
                ("absent", DeValue::Array(list)) => {
                    for item in list {
                        match item.get_ref() {
                            DeValue::String(text) => self.map.absent(text),
                            _ => self.wrong(item.span(), "`absent` is a list of texts"),
                        }
                    }
                }
                ("time", DeValue::Table(time)) => self.time(time, value.span()),
                ("fields", DeValue::Table(fields)) => {
                    // Of several sources the first in the file counts.
                    let mut fields: Vec<_> = fields.iter().collect();
                    fields.sort_by_key(|(source, _)| source.span().start);
                    for (source, target) in fields {
                        self.source(source.get_ref(), target);
                    }
                }
                ("constants", DeValue::Table(constants)) => {
                    for (target, value) in constants {
                        self.constant(target, value);
                    }
                }
                (known, _) if KEYS.contains(&known) => {
                    let what = if known == "absent" { "a list of texts" } else { "a table" };
                    self.wrong(value.span(), &format!("`{known}` is {what}"));
                }
                (other, _) => {
                    let mut problem =
                        Diagnostic::new(Code::FieldMap, format!("unknown key `{other}`"))
                            .label(span(key.span()), "not part of a field map");
                    problem = match nearest(other, KEYS) {
                        Some(near) => problem.help(format!("did you mean `{near}`?")),
                        None => problem.help(
                            "fields of yours and ours go into the table `[fields]`: `theirs = \"ours\"`",
                        ),
                    };
                    self.problems.push(problem);
                }
            }
        }
        let nothing = self.problems.is_empty() && self.map.is_empty();
        if nothing {
            let problem = Diagnostic::new(Code::FieldMap, "the map names no field");
            self.problems.push(problem.help("write `theirs = \"ours\"` under `[fields]`"));
        }
    }

    fn wrong(&mut self, range: Range<usize>, title: &str) {
        self.problems.push(Diagnostic::new(Code::FieldMap, title).label(span(range), ""));
    }

    fn time(&mut self, time: &DeTable<'_>, range: Range<usize>) {
        let (mut field, mut format) = (None, TimeFormat::Iso);
        for (key, value) in time {
            match (&**key.get_ref(), value.get_ref()) {
                ("field", DeValue::String(text)) => field = Some(text),
                ("format", DeValue::String(text)) => {
                    let known = TimeFormat::ALL.iter().find(|(word, _)| *word == &**text);
                    match known {
                        Some((_, known)) => format = *known,
                        None => {
                            let words: Vec<&str> =
                                TimeFormat::ALL.iter().map(|(word, _)| *word).collect();
                            let title = format!("unknown time format `{text}`");
                            let problem = Diagnostic::new(Code::FieldMap, title)
                                .label(span(value.span()), "")
                                .help(format!("write one of {}", words.join(", ")));
                            self.problems.push(problem);
                        }
                    }
                }
                ("field" | "format", _) => self.wrong(value.span(), "must be text"),
                (other, _) => {
                    self.wrong(key.span(), &format!("unknown key `{other}` under `time`"));
                }
            }
        }
        let target = self.schema.events().timestamp.clone();
        match field {
            None => self.wrong(range, "`time` needs a `field`"),
            Some(field) if *field == target => {
                self.wrong(
                    range,
                    &format!("`{target}` is the time already: nothing can be put in its place"),
                );
            }
            Some(field) => self.map.time(field, format, &target),
        }
    }

    /// What a field of theirs is for: a field of ours, one with a table of values, or a list of those.
    fn source(&mut self, source: &str, target: &Spanned<DeValue<'_>>) {
        match target.get_ref() {
            DeValue::String(name) => {
                if self.is_target(source, name, target.span()) {
                    self.map.field(source, name, &[]);
                }
            }
            DeValue::Array(list) => list.iter().for_each(|item| self.source(source, item)),
            DeValue::Table(table) => {
                let (mut name, mut values) = (None, Vec::new());
                for (key, value) in table {
                    match (&**key.get_ref(), value.get_ref()) {
                        ("field", DeValue::String(text)) => name = Some((text, value.span())),
                        ("values", DeValue::Table(table)) => {
                            for (theirs, ours) in table {
                                match ours.get_ref() {
                                    DeValue::String(ours) => {
                                        values.push((&**theirs.get_ref(), &**ours));
                                    }
                                    _ => self.wrong(ours.span(), "must be text"),
                                }
                            }
                        }
                        (other, _) => {
                            self.wrong(key.span(), &format!("unknown key `{other}`"));
                        }
                    }
                }
                match name {
                    Some((name, place)) => {
                        if self.is_target(source, name, place) {
                            self.map.field(source, name, &values);
                        }
                    }
                    None => self.wrong(target.span(), "a `field` is needed"),
                }
            }
            _ => self.wrong(target.span(), "must be the name of a field"),
        }
    }

    fn constant(
        &mut self,
        target: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let name = &**target.get_ref();
        if !self.is_target("", name, target.span()) {
            return;
        }
        let json = match value.get_ref() {
            DeValue::String(text) => serde_json::to_string(&**text).ok(),
            DeValue::Boolean(value) => Some(value.to_string()),
            DeValue::Integer(number) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                parsed.ok().map(|number| number.to_string())
            }
            _ => None,
        };
        match json {
            Some(json) => self.map.constant(name, &json),
            None => self.wrong(value.span(), "a constant is text, a whole number, true or false"),
        }
    }

    /// Whether a name can be a field of ours.
    fn is_target(&mut self, source: &str, name: &str, place: Range<usize>) -> bool {
        if name.is_empty() || name.split('.').any(str::is_empty) {
            self.wrong(place, &format!("`{name}` is not the name of a field"));
            return false;
        }
        if name == source {
            self.wrong(place, &format!("`{name}` is called that already"));
            return false;
        }
        let known =
            || FIELDS.iter().map(|info| info.name).chain(ABSENT.iter().map(|info| info.name));
        let family = |known: &str| {
            let stem = known.strip_suffix('*').unwrap_or(known);
            known == name || stem.len() < known.len() && name.starts_with(stem)
        };
        if self.schema.kind(name).is_some() || known().any(family) {
            return true;
        }
        let Some(near) = nearest_name(name, known()) else { return true };
        let problem = Diagnostic::new(Code::FieldMap, format!("unknown field `{name}`"))
            .label(span(place), "no rule of ours reads this")
            .help(format!("did you mean `{near}`?"));
        self.problems.push(problem);
        false
    }
}
