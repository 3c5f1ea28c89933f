//! The file an event is about: its PATH records.

use super::super::actions::Object;
use super::super::group::Record;
use super::super::take::Sink;
use super::super::view::{decimal, field_of, name_type};
use super::summary::type_of_mode;
use super::user::Kind;
use super::{Reader, give};
use crate::record::{RawValue, RecordType, fields};
use crate::value::{Scalar, Value};

/// What is shown of a PATH record.
pub(in crate::event) const PATH_KEYS: [&str; 9] =
    ["item", "name", "nametype", "inode", "dev", "mode", "ouid", "ogid", "rdev"];
const NAMETYPE: usize = 2;

/// The fields of a PATH record, in the order of [`PATH_KEYS`].
pub(super) type PathFields<'g> = [Option<RawValue<'g>>; PATH_KEYS.len()];

/// A part of a path.
type Part = fn(&[u8]) -> Option<&[u8]>;

pub(super) fn whole(path: &[u8]) -> Option<&[u8]> {
    Some(path)
}

/// What follows the last slash.
pub(super) fn name(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|byte| *byte == b'/').next().filter(|name| !name.is_empty())
}

/// What follows the last dot of the name, without a dot; a name that only starts with one has none.
pub(super) fn extension(path: &[u8]) -> Option<&[u8]> {
    let name = name(path)?;
    let dot = memchr::memrchr(b'.', name).filter(|at| *at > 0)?;
    name.get(dot + 1..).filter(|extension| !extension.is_empty())
}

/// What stands before the last slash.
pub(super) fn directory(path: &[u8]) -> Option<&[u8]> {
    let slash = memchr::memrchr(b'/', path)?;
    path.get(..slash.max(1))
}

impl<'g> Reader<'g, '_> {
    /// The PATH record of the object: the one that the call's row says, else the first one behind it
    /// that is neither a folder on the way nor unknown. Of a file that was not found only the name is
    /// known.
    pub(super) fn object(&mut self) -> Option<Record<'g>> {
        if let Some(known) = self.object {
            return known;
        }
        let found = self.find_object();
        self.object = Some(found);
        found
    }

    fn find_object(&mut self) -> Option<Record<'g>> {
        let Some(Object::File { item, .. }) = self.file_row() else { return None };
        let paths = || self.view.records(RecordType::PATH);
        let item_of = |path: &Record<'_>| {
            field_of(*path, b"item").and_then(RawValue::bytes).and_then(decimal)
        };
        let by_row = paths().find(|path| item_of(path) == Some(item));
        by_row
            .filter(|path| name_type(*path) != Some(b"PARENT"))
            .or_else(|| {
                let is_object =
                    |path: &Record<'_>| !matches!(name_type(*path), Some(b"PARENT" | b"UNKNOWN"));
                let named = paths().find(|path| is_object(path) && is_named(*path));
                named.or_else(|| paths().find(is_object))
            })
            .or_else(|| paths().find(|path| name_type(*path) != Some(b"PARENT")))
            .or(by_row)
    }

    /// The second name of an object that has two: the one that was made.
    fn second_name(&mut self) -> Option<Record<'g>> {
        let Some(Object::File { twice: true, .. }) = self.file_row() else { return None };
        let mut made = self.view.records(RecordType::PATH);
        // Where layers of folders lie over each other (overlayfs), the file in the layer comes first, without a name.
        made.find(|path| name_type(*path) == Some(b"CREATE") && is_named(*path))
    }

    fn file_row(&mut self) -> Option<Object> {
        let rows = self.rows();
        let objects = rows.iter().flatten().map(|row| row.object);
        objects.into_iter().find(|object| matches!(object, Object::File { .. }))
    }

    /// A part of the path; of a renamed file that of the old path, then that of the new one.
    pub(super) fn paths_of_object(&mut self, part: Part, sink: Sink<'_>) {
        let object = self.object();
        let second = self.second_name().filter(|second| {
            object.is_none_or(|object| field_of(object, b"name") != field_of(*second, b"name"))
        });
        self.path_of(object, part, sink);
        self.path_of(second, part, sink);
    }

    /// A part of the path a renamed file had.
    pub(super) fn old_path(&mut self, part: Part, sink: Sink<'_>) {
        let renames = matches!(self.view.call, Some("rename" | "renameat" | "renameat2"));
        if renames && self.view.is_call {
            let object = self.object();
            self.path_of(object, part, sink);
        }
    }

    pub(super) fn path_of(&mut self, record: Option<Record<'g>>, part: Part, sink: Sink<'_>) {
        let Some(value) = record.and_then(|record| field_of(record, b"name")) else { return };
        if self.decode(b"name", value)
            && let Some(part) = part(&self.scratch.bytes).filter(|part| !part.is_empty())
        {
            give(part, &mut self.scratch.text, sink);
        }
    }

    pub(super) fn file_key(&mut self, key: &[u8], sink: Sink<'_>) {
        let Some(bytes) = self.object_field(key).and_then(RawValue::bytes) else { return };
        // Auditbeat shows the permissions alone, in four octal digits.
        let bytes = if key == b"mode" {
            bytes.get(bytes.len().saturating_sub(4)..).unwrap_or(bytes)
        } else {
            bytes
        };
        give(bytes, &mut self.scratch.text, sink);
    }

    /// The name of the file's owner or group.
    pub(super) fn file_owner(&mut self, key: &[u8], sink: Sink<'_>) {
        let Some(object) = self.object() else { return };
        if let Some(name) = self.enriched(object, key) {
            return give(name, &mut self.scratch.text, sink);
        }
        let (key, kind): (&[u8], _) = match key {
            b"OUID" => (b"ouid", Kind::User),
            _ => (b"ogid", Kind::Group),
        };
        let id = self.object_field(key).and_then(RawValue::bytes);
        if let Some(name) = id.and_then(|id| self.known(id, kind)) {
            sink.value(Scalar::Str(name));
        }
    }

    /// What kind of file it is, as ECS has it.
    pub(super) fn file_type(&mut self, sink: Sink<'_>) {
        let mode = self.object_field(b"mode");
        match mode.and_then(RawValue::bytes).and_then(type_of_mode) {
            Some("directory") => sink.word("dir"),
            Some(other) => sink.word(other),
            None => {}
        }
    }

    /// The PATH records in order, each with those of [`PATH_KEYS`] that have a value.
    pub(in crate::event) fn path_records(&mut self) -> Vec<Vec<(&'static str, Value)>> {
        let mut found = Vec::new();
        for record in self.view.records(RecordType::PATH) {
            let mut values = Vec::with_capacity(PATH_KEYS.len());
            for (key, value) in PATH_KEYS.into_iter().zip(path_fields(record)) {
                if let Some(value) = value {
                    let push = &mut |value: Scalar<'_>| values.push((key, Value::from(value)));
                    self.decoded(RecordType::PATH, key.as_bytes(), value, push);
                }
            }
            found.push(values);
        }
        found
    }

    /// A field of the object's PATH record, which is taken apart once.
    fn object_field(&mut self, key: &[u8]) -> Option<RawValue<'g>> {
        let object = self.object()?;
        let Some(place) = PATH_KEYS.iter().position(|known| known.as_bytes() == key) else {
            return field_of(object, key);
        };
        let fields = self.object_fields.get_or_insert_with(|| path_fields(object));
        fields.get(place).copied().flatten()
    }

    /// A key of every PATH record, in order of the records.
    pub(super) fn paths(&mut self, key: &[u8], sink: Sink<'_>) {
        for record in self.view.records(RecordType::PATH) {
            if let Some(value) = path_key(record, key) {
                self.decoded(RecordType::PATH, key, value, sink);
            }
        }
    }
}

/// Whether the record says which file it is.
fn is_named(path: Record<'_>) -> bool {
    field_of(path, b"name").is_some_and(|name| !matches!(name, RawValue::Null))
}

/// The fields of a PATH record that are shown, in the order of [`PATH_KEYS`].
fn path_fields(record: Record<'_>) -> PathFields<'_> {
    let mut found = [None; PATH_KEYS.len()];
    let mut old = None;
    for field in fields(record.body) {
        match PATH_KEYS.iter().position(|key| key.as_bytes() == field.key) {
            // The first of repeated keys counts.
            Some(place) => {
                if let Some(place) = found.get_mut(place) {
                    *place = place.or(Some(field.value));
                }
            }
            None if field.key == b"objtype" => old = old.or(Some(field.value)),
            None => {}
        }
    }
    if let Some(kind) = found.get_mut(NAMETYPE) {
        *kind = kind.or(old);
    }
    found
}

/// A key of a PATH record; what is `nametype` today was `objtype` once.
fn path_key<'g>(record: Record<'g>, key: &[u8]) -> Option<RawValue<'g>> {
    let old = || (key == b"nametype").then(|| field_of(record, b"objtype")).flatten();
    field_of(record, key).or_else(old)
}
