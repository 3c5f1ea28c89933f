//! The fields of the schema and where they come from, worked out once.

use std::sync::LazyLock;

use super::super::origin::{ContextField, Origin};
use super::need::Needs;
use crate::schema::FIELDS;

/// Fields that another field repeats; a document shows a fact once.
const REPEATED: [(&str, &str); 45] = [
    ("auditd.sequence", "event.sequence"),
    ("service.type", "event.module"),
    ("data_stream.dataset", "event.dataset"),
    ("host.hostname", "host.name"),
    ("destination.path", "destination.address"),
    ("audit.syscall", "auditd.data.syscall"),
    ("file.Ext.original.path", "file.path"),
    ("file.Ext.original.name", "file.name"),
    ("file.Ext.original.extension", "file.extension"),
    ("process.user.id", "user.id"),
    ("process.user.name", "user.name"),
    ("process.real_user.id", "user.id"),
    ("user.Ext.real.id", "user.id"),
    ("user.group.id", "group.id"),
    ("user.group.name", "group.name"),
    ("process.group.id", "group.id"),
    ("process.group.name", "group.name"),
    ("process.real_group.id", "group.id"),
    ("group.Ext.real.id", "group.id"),
    ("auditd.user.audit.id", "user.audit.id"),
    ("auditd.user.audit.name", "user.audit.name"),
    ("auditd.user.saved.id", "user.saved.id"),
    ("auditd.user.saved.name", "user.saved.name"),
    ("auditd.user.filesystem.id", "user.filesystem.id"),
    ("auditd.user.filesystem.name", "user.filesystem.name"),
    ("process.ancestors.name", "process.parent.name"),
    ("process.ancestors.executable", "process.parent.executable"),
    ("auditd.summary.how", "process.executable"),
    ("process.real_user.name", "user.name"),
    ("user.Ext.real.name", "user.name"),
    ("process.real_group.name", "group.name"),
    ("group.Ext.real.name", "group.name"),
    ("process.saved_user.id", "user.saved.id"),
    ("process.saved_user.name", "user.saved.name"),
    ("process.saved_group.id", "auditd.user.saved.group.id"),
    ("process.saved_group.name", "auditd.user.saved.group.name"),
    ("process.Ext.ancestry", "process.parent.entity_id"),
    ("process.parent.real_user.id", "process.parent.user.id"),
    ("process.parent.real_group.id", "process.parent.group.id"),
    ("process.session_leader.real_user.id", "process.session_leader.user.id"),
    ("process.session_leader.real_group.id", "process.session_leader.group.id"),
    ("process.group_leader.real_user.id", "process.group_leader.user.id"),
    ("process.group_leader.real_group.id", "process.group_leader.group.id"),
    ("process.entry_leader.real_user.id", "process.entry_leader.user.id"),
    ("process.entry_leader.real_group.id", "process.entry_leader.group.id"),
];

/// Too long for a document, which stands beside the records anyway.
const LEFT_OUT: [&str; 1] = ["event.original"];

/// In front of the keys of records in the names of their fields.
pub(super) const DATA: &str = "auditd.data.";

/// A field of the schema.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) origin: Origin,
    pub(super) context: Option<ContextField>,
}

/// The fields of a document in their order, by place; and which of them need what.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) known: Vec<Known>,
    by_need: [Places; Needs::COUNT],
    /// Fields that repeat others, each with the one it repeats.
    pub(super) repeated: Vec<(u8, u8)>,
    /// The keys of records that have a field in the schema, ascending, each with the place of that.
    keys: Vec<(&'static str, u8)>,
}

/// Most fields that a table has room for.
pub(super) const MAX_FIELDS: usize = 256;

/// A set of places of a [`Table`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places([u64; MAX_FIELDS / 64]);

impl Places {
    pub(super) fn add(&mut self, place: u8) {
        if let Some(word) = self.0.get_mut(usize::from(place / 64)) {
            *word |= 1 << (place % 64);
        }
    }

    fn add_all(&mut self, others: &Self) {
        self.0.iter_mut().zip(others.0).for_each(|(word, other)| *word |= other);
    }

    /// Each in order.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().zip([0_u8, 64, 128, 192]).flat_map(|(word, first)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let next = u8::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
                left &= left.wrapping_sub(1);
                Some(next | first)
            })
        })
    }
}

impl Table {
    /// The one table.
    pub(super) fn get() -> &'static Self {
        static TABLE: LazyLock<Table> = LazyLock::new(Table::new);
        &TABLE
    }

    fn new() -> Self {
        let listed = FIELDS.iter().map(|info| info.name).filter(|name| !LEFT_OUT.contains(name));
        let names: Vec<&'static str> = listed.take(MAX_FIELDS).collect();
        let place = |name: &str| u8::try_from(names.iter().position(|known| *known == name)?).ok();
        let from = |name| (Origin::of(name), ContextField::of(name));
        let mut by_need = [Places::default(); Needs::COUNT];
        let known = |(name, at): (&&'static str, u8)| {
            let (origin, context) = from(name);
            let by = REPEATED.iter().find(|(repeated, _)| repeated == name).map(|(_, by)| *by);
            // What is read as the field is that it repeats need not be read.
            let is_copy = by.is_some_and(|by| from(name) == from(by));
            let needs = Needs::of_field(&origin, context);
            for number in needs.numbers().filter(|_| !is_copy) {
                if let Some(places) = by_need.get_mut(number) {
                    places.add(at);
                }
            }
            Known { name, origin, context }
        };
        let known: Vec<Known> = names.iter().zip(0..).map(known).collect();
        let keys = names.iter().zip(0..);
        let keys = keys.filter_map(|(name, at)| Some((name.strip_prefix(DATA)?, at))).collect();
        let repeated = REPEATED.iter();
        let repeated = repeated.filter_map(|(name, by)| Some((place(name)?, place(by)?))).collect();
        Self { known, by_need, repeated, keys }
    }

    /// The fields that may have values, of an event that has this.
    pub(super) fn places(&self, has: Needs) -> Places {
        let mut places = Places::default();
        for number in has.numbers() {
            if let Some(more) = self.by_need.get(number) {
                places.add_all(more);
            }
        }
        places
    }

    /// The place of the field that a key of records has in the schema.
    pub(super) fn place_of_key(&self, key: &str) -> Option<u8> {
        let found = self.keys.binary_search_by(|(known, _)| (*known).cmp(key)).ok()?;
        self.keys.get(found).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::{DATA, MAX_FIELDS, REPEATED, Table};
    use crate::schema::FIELDS;

    #[test]
    fn the_table_has_room_for_all_fields() {
        assert!(FIELDS.len() <= MAX_FIELDS);
        let table = Table::get();
        assert!(table.known.is_sorted_by_key(|known| known.name));
        for (known, at) in table.known.iter().zip(0..) {
            let key = known.name.strip_prefix(DATA);
            assert_eq!(key.and_then(|key| table.place_of_key(key)), key.map(|_| at));
        }
    }

    #[test]
    fn what_repeats_another_field_is_repeated_by_none() {
        assert_eq!(Table::get().repeated.len(), REPEATED.len());
        for (name, by) in REPEATED {
            assert!(REPEATED.iter().all(|(repeated, _)| *repeated != by), "{name}");
        }
    }
}
