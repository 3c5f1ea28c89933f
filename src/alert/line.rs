//! All fields of an event as one line of JSON, written as they come.
//!
//! In: a [`Document`]. Out: the text of [`nested`], without the tree. Fields of the schema stand in order of their
//! names, so that all that belong to one object follow each other; what only the event has goes to the end of
//! its object. Where names do not fit together like that, the tree is made after all.

use serde_json::Value as Json;

use super::nested::{is_list, nested};
use super::writer::Writer;
use crate::event::{Document, DocumentValues};

/// The object that holds the keys of records.
const DATA: &str = "auditd.data.";
/// Keys of all PATH records; the records themselves stand in its place.
const PATHS: &str = "auditd.paths.";
/// The object around both.
const AUDITD: &str = "auditd.";

/// Appends all fields of an event as one JSON object, dotted names as nested objects.
pub fn write_nested(document: &Document, out: &mut Vec<u8>) {
    let start = out.len();
    let mut line = Line::new(document, out);
    line.out.open();
    let whole = line.write();
    line.out.close();
    if whole.is_none() {
        out.truncate(start);
        Writer::new(out).json(&nested(document));
    }
}

/// Appends these of the objects that [`write_nested`] writes, as members of an object that is open already.
pub(super) fn write_members(document: &Document, objects: &[&str], out: &mut Vec<u8>) {
    let start = out.len();
    if Line::new(document, out).write_only(objects).is_none() {
        out.truncate(start);
        if let Json::Object(all) = nested(document) {
            let is_wanted = |(name, _): &(&String, &Json)| objects.contains(&name.as_str());
            let mut out = Writer::new(out);
            all.iter().filter(is_wanted).for_each(|(name, value)| out.member(name, value));
        }
    }
}

struct Line<'d, 'o> {
    document: &'d Document,
    out: Writer<'o>,
    /// The field before: its objects are open.
    name: &'d str,
    /// The keys that only this event has are written, and its PATH records.
    has_data: bool,
    has_paths: bool,
}

impl<'d, 'o> Line<'d, 'o> {
    fn new(document: &'d Document, out: &'o mut Vec<u8>) -> Self {
        let out = Writer::new(out);
        Self { document, out, name: "", has_data: false, has_paths: false }
    }

    /// All objects; `None` where names do not fit together.
    fn write(&mut self) -> Option<()> {
        let document = self.document;
        self.fields(document.listed())?;
        let lacks_data = !self.has_data && document.unlisted().next().is_some();
        let lacks_paths = !self.has_paths && document.paths().len() > 0;
        if lacks_data || lacks_paths {
            self.open(AUDITD, 0)?;
            self.name = AUDITD;
            self.close(0)?;
        }
        Some(())
    }

    /// These objects; `None` where names do not fit together, or where it cannot be told without the tree.
    fn write_only(&mut self, objects: &[&str]) -> Option<()> {
        if self.document.unlisted().any(|(name, _)| !name.starts_with(AUDITD)) {
            return None;
        }
        let is_wanted = |(name, _): &(&str, _)| {
            let object = name.split_once('.').map_or(*name, |(object, _)| object);
            objects.contains(&object)
        };
        self.fields(self.document.listed().filter(is_wanted))
    }

    fn fields(
        &mut self,
        fields: impl Iterator<Item = (&'d str, DocumentValues<'d>)>,
    ) -> Option<()> {
        for (name, values) in fields {
            if name.starts_with(PATHS) {
                return None;
            }
            let shared = shared(self.name, name);
            self.close(shared)?;
            self.open(name, shared)?;
            self.values(name, values);
            self.name = name;
        }
        self.close(0)
    }

    /// Ends the objects of the field before that are no longer than so many bytes of its name.
    fn close(&mut self, shared: usize) -> Option<()> {
        let mut open = self.name;
        while let Some(end) = open.rfind('.').filter(|end| *end >= shared) {
            open = open.get(..end)?;
            // The dot belongs to the name of an object.
            match self.name.get(..=end)? {
                DATA => self.data()?,
                AUDITD => {
                    if !self.has_data && self.document.unlisted().next().is_some() {
                        self.out.key("data");
                        self.out.open();
                        self.data()?;
                        self.out.close();
                    }
                    self.paths();
                }
                _ => {}
            }
            self.out.close();
        }
        Some(())
    }

    /// Begins the objects of a field behind so many bytes of its name, and its own key.
    fn open(&mut self, name: &str, shared: usize) -> Option<()> {
        let mut rest = name.get(shared..)?;
        while let Some((object, inner)) = rest.split_once('.') {
            if name.len() - rest.len() == DATA.len() && name.starts_with(DATA) {
                let is_value = |(key, _)| key_of(key) == Some(object);
                if self.document.unlisted().any(is_value) {
                    return None;
                }
            }
            self.out.key(object);
            self.out.open();
            rest = inner;
        }
        if !rest.is_empty() {
            self.out.key(rest);
        }
        Some(())
    }

    /// The keys that only this event has.
    fn data(&mut self) -> Option<()> {
        self.has_data = true;
        let document = self.document;
        for (name, values) in document.unlisted() {
            let key = key_of(name)?;
            self.out.foreign_key(key);
            self.values(name, values);
        }
        Some(())
    }

    fn paths(&mut self) {
        self.has_paths = true;
        let document = self.document;
        let paths = document.paths();
        if paths.len() == 0 {
            return;
        }
        self.out.key("paths");
        self.out.objects(paths, |out, path| {
            for (key, value) in path {
                out.key(key);
                out.value(value);
            }
        });
    }

    fn values(&mut self, name: &str, values: DocumentValues<'_>) {
        match values.first() {
            Some(single) if values.len() == 1 && !is_list(name) => self.out.value(single),
            _ => self.out.list(values.iter(), Writer::value),
        }
    }
}

/// The key in the name of a field that is not in the schema; `None` where it would be more than one.
fn key_of(name: &str) -> Option<&str> {
    name.strip_prefix(DATA).filter(|key| !key.contains('.'))
}

/// How many bytes the names of the objects have that both fields are in.
fn shared(before: &str, name: &str) -> usize {
    let (before, name) = (before.as_bytes(), name.as_bytes());
    let pairs = before.as_chunks::<8>().0.iter().zip(name.as_chunks::<8>().0);
    let words = pairs.take_while(|(a, b)| a == b).count() * 8;
    let pairs = before.iter().skip(words).zip(name.iter().skip(words));
    let same = words + pairs.take_while(|(a, b)| a == b).count();
    let same = name.get(..same).unwrap_or_default();
    memchr::memrchr(b'.', same).map_or(0, |dot| dot + 1)
}

#[cfg(test)]
mod tests {
    use super::shared;

    #[test]
    fn fields_share_whole_objects() {
        for (before, name, expected) in [
            ("", "a.b", ""),
            ("a.b", "a.c", "a."),
            ("process.group.id", "process.group.name", "process.group."),
            ("process.group.name", "process.group_leader.args", "process."),
            ("auditd.user.saved.id", "auditd.user.saved.name", "auditd.user.saved."),
            ("process.args", "process.args_count", "process."),
        ] {
            assert_eq!(shared(before, name), expected.len(), "{before} {name}");
        }
    }
}
