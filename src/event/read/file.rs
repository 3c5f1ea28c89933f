//! The file an event is about: its PATH records.

use smallvec::SmallVec;

use super::super::actions::Object;
use super::super::group::{Group, Record};
use super::super::take::Sink;
use super::super::view::{decimal, field_of, name_type};
use super::summary::type_of_mode;
use super::user::Kind;
use super::{Reader, give};
use crate::record::{RawValue, RecordType, fields};
use crate::value::Scalar;

/// What is shown of a PATH record.
pub(in crate::event) const PATH_KEYS: [&str; 9] =
    ["item", "name", "nametype", "inode", "dev", "mode", "ouid", "ogid", "rdev"];
const NAME: usize = 1;
const NAMETYPE: usize = 2;
const MODE: usize = 5;
const OWNER: usize = 6;
const GROUP: usize = 7;

/// The place of a key in [`PATH_KEYS`].
fn place_of(key: &[u8]) -> Option<usize> {
    Some(match key {
        b"item" => 0,
        b"name" => NAME,
        b"nametype" => NAMETYPE,
        b"inode" => 3,
        b"dev" => 4,
        b"mode" => MODE,
        b"ouid" => OWNER,
        b"ogid" => GROUP,
        b"rdev" => 8,
        _ => return None,
    })
}

/// A PATH record taken apart.
#[derive(Debug, Clone, Copy)]
pub(in crate::event) struct Path<'g> {
    record: Record<'g>,
    /// In the order of [`PATH_KEYS`].
    pub(in crate::event) fields: [Option<RawValue<'g>>; PATH_KEYS.len()],
    /// The daemon has added names.
    pub(in crate::event) is_enriched: bool,
    /// It has a key that no kernel writes.
    pub(in crate::event) is_odd: bool,
}

/// The PATH records of an event taken apart; most have one or two.
pub(in crate::event) type Paths<'g> = SmallVec<[Path<'g>; 2]>;

/// Takes all PATH records apart, for whoever wants most of what they hold.
pub(in crate::event) fn paths_of(group: &Group) -> Paths<'_> {
    group.all(RecordType::PATH).map(Path::of).collect()
}

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

    /// Whether the event is done to a file.
    pub(in crate::event) fn is_about_file(&mut self) -> bool {
        self.file_row().is_some()
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
            object.is_none_or(|object| {
                self.path_field(object, NAME) != self.path_field(*second, NAME)
            })
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
        let Some(value) = record.and_then(|record| self.path_field(record, NAME)) else { return };
        if self.decode(b"name", value)
            && let Some(part) = part(&self.scratch.bytes).filter(|part| !part.is_empty())
        {
            give(part, &mut self.scratch.text, sink);
        }
    }

    pub(super) fn file_key(&mut self, key: &[u8], sink: Sink<'_>) {
        let value = place_of(key).and_then(|place| self.object_field(place));
        let Some(bytes) = value.and_then(RawValue::bytes) else { return };
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
        let (place, kind) = match key {
            b"OUID" => (OWNER, Kind::User),
            _ => (GROUP, Kind::Group),
        };
        let id = self.object_field(place).and_then(RawValue::bytes);
        if let Some(name) = id.and_then(|id| self.known(id, kind)) {
            sink.value(Scalar::Str(name));
        }
    }

    /// What kind of file it is, as ECS has it.
    pub(super) fn file_type(&mut self, sink: Sink<'_>) {
        match self.mode_of_object() {
            Some("directory") => sink.word("dir"),
            Some(other) => sink.word(other),
            None => {}
        }
    }

    /// A field of the object's PATH record, which is taken apart once.
    fn object_field(&mut self, place: usize) -> Option<RawValue<'g>> {
        let object = self.object()?;
        if self.known_path(object).is_none() {
            self.object_path = Some(Path::of(object));
        }
        self.path_field(object, place)
    }

    fn known_path(&self, record: Record<'g>) -> Option<&Path<'g>> {
        self.paths.iter().chain(&self.object_path).find(|path| path.is_of(record))
    }

    /// The type of the object's file by its mode.
    pub(super) fn mode_of_object(&mut self) -> Option<&'static str> {
        self.object_field(MODE).and_then(RawValue::bytes).and_then(type_of_mode)
    }

    /// A field of a PATH record, by its place in [`PATH_KEYS`].
    fn path_field(&self, record: Record<'g>, place: usize) -> Option<RawValue<'g>> {
        match self.known_path(record) {
            Some(path) => path.fields.get(place).copied().flatten(),
            None => field_of(record, PATH_KEYS.get(place)?.as_bytes()),
        }
    }

    /// A key of every PATH record, in order of the records.
    pub(super) fn paths_key(&mut self, key: &[u8], sink: Sink<'_>) {
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

impl<'g> Path<'g> {
    fn of(record: Record<'g>) -> Self {
        let mut this =
            Self { record, fields: Default::default(), is_enriched: false, is_odd: false };
        let mut old = None;
        let mut fields = fields(record.body);
        for field in fields.by_ref() {
            let place = match field.key {
                b"objtype" => {
                    old = old.or(Some(field.value));
                    continue;
                }
                key => place_of(key),
            };
            // The first of repeated keys counts.
            match place.and_then(|place| this.fields.get_mut(place)) {
                Some(place) => *place = place.or(Some(field.value)),
                None => this.is_odd |= !field.key.starts_with(b"cap_") && field.key != b"obj",
            }
        }
        this.is_enriched = fields.enriched().next().is_some();
        if let Some(kind) = this.fields.get_mut(NAMETYPE) {
            *kind = kind.or(old);
        }
        this
    }

    fn is_of(&self, record: Record<'_>) -> bool {
        self.record.is(&record)
    }
}

/// A key of a PATH record; what is `nametype` today was `objtype` once.
fn path_key<'g>(record: Record<'g>, key: &[u8]) -> Option<RawValue<'g>> {
    let old = || (key == b"nametype").then(|| field_of(record, b"objtype")).flatten();
    field_of(record, key).or_else(old)
}
