//! Small audit logs as tests write them, and what they become.

use catena::event::{
    CoalesceLimits, Coalescer, Document, Event, Group, Hosts, Identity, Projection,
};
use catena::process::Table;
use catena::time::Ordinal;

/// The events of a log in order of time and serial number.
pub(crate) fn groups(log: &[u8]) -> Vec<Group> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (number, line) in (1..).zip(log.split(|byte| *byte == b'\n')) {
        if !line.is_empty() {
            coalescer.push(0, number, line);
        }
    }
    coalescer.finish();
    assert_eq!(coalescer.stats().malformed, 0);
    let mut groups: Vec<_> = std::iter::from_fn(|| coalescer.pop()).collect();
    groups.sort_by_key(|group| (group.id().time, group.id().serial));
    groups
}

/// A run over one log: process table, machines, the fields asked for.
pub(crate) struct Run {
    pub(crate) projection: Projection,
    pub(crate) table: Table,
    pub(crate) event: Event,
    pub(crate) hosts: Hosts,
}

impl Run {
    pub(crate) fn new(fields: &[&str]) -> Self {
        Self::with(fields, Table::default())
    }

    pub(crate) fn with(fields: &[&str], table: Table) -> Self {
        let projection = Projection::new(fields.iter().map(|name| (*name, None)));
        let event = Event::new(projection.len());
        Self { projection, table, event, hosts: Hosts::new(&Identity::named("web01"), ["log"]) }
    }

    /// Makes the next event the present one.
    pub(crate) fn load(&mut self, group: Group) {
        let id = group.id();
        let host = self.hosts.find(0, group.node());
        self.event.ordinal = Ordinal::new(id.time, Some(u64::from(id.serial)), 0);
        self.event.load(group, &self.projection, host);
        self.table.observe(&self.projection, &mut self.event);
    }

    /// All fields of each event of a log.
    pub(crate) fn documents(&mut self, log: &[u8]) -> Vec<(String, Document)> {
        let mut documents = Vec::new();
        for group in groups(log) {
            let id = group.id().to_string();
            self.load(group);
            documents.push((id, self.event.document()));
        }
        documents
    }
}

/// The values of a field as text, with a bar between them.
pub(crate) fn shown(document: &Document, field: &str) -> String {
    let values: Vec<String> = document.values(field).iter().map(|v| v.to_string()).collect();
    values.join("|")
}
