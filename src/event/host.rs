//! Which machine an event is from.
//!
//! Records say so themselves (`node=`) or not at all. Without `node=` it is what the user says; failing
//! that, with one source everything is from the one machine `unknown`, and with several each source is
//! a machine of its own, named like the source: process ids of two machines must never meet.

use std::sync::Arc;

use hashbrown::HashMap;

/// Most machines told apart by `node=`; what comes after shares one.
const MAX_HOSTS: usize = 65_536;
/// Most bytes of all their names; a name that does not fit is as one too many.
const MAX_NAMES: usize = 16 << 20;

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Number of the machine in this run.
    pub index: u32,
    /// `host.id`
    pub id: Box<str>,
    /// `host.name`
    pub name: Box<str>,
}

/// The machines of a run.
#[derive(Debug)]
pub struct Hosts {
    by_source: Vec<Arc<Host>>,
    by_node: HashMap<Box<[u8]>, Arc<Host>>,
    /// Bytes of all names by node.
    named: usize,
    next: u32,
}

impl Hosts {
    /// `named` is what the user says; `sources` are the names of the inputs.
    pub fn new<'a>(named: Option<&str>, sources: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = sources.into_iter().collect();
        let several = names.len() > 1 && named.is_none();
        let fallback = named.unwrap_or("unknown");
        let host = |(name, index): (&str, u32)| {
            let name: Box<str> = if several { name.into() } else { fallback.into() };
            let index = if several { index } else { 0 };
            Arc::new(Host { index, id: name.clone(), name })
        };
        let by_source: Vec<_> = names.iter().copied().zip(0..).map(host).collect();
        let next = u32::try_from(by_source.len()).unwrap_or(u32::MAX);
        Self { by_source, by_node: HashMap::new(), named: 0, next }
    }

    /// The machine of events that were seen.
    pub fn known(&self, source: u32, node: Option<&[u8]>) -> Option<&Arc<Host>> {
        let by_node = node.and_then(|node| self.by_node.get(node));
        by_node.or_else(|| self.by_source.get(source as usize))
    }

    /// The machine an event is from.
    pub fn find(&mut self, source: u32, node: Option<&[u8]>) -> Option<Arc<Host>> {
        let Some(node) = node else { return self.by_source.get(source as usize).cloned() };
        if let Some(host) = self.by_node.get(node) {
            return Some(host.clone());
        }
        if self.by_node.len() >= MAX_HOSTS || self.named + node.len() > MAX_NAMES {
            return self.by_source.get(source as usize).cloned();
        }
        let name: Box<str> = String::from_utf8_lossy(node).into();
        let host = Arc::new(Host { index: self.next, id: name.clone(), name });
        self.next = self.next.saturating_add(1);
        self.named += node.len();
        self.by_node.insert(node.into(), host.clone());
        Some(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_say_where_they_are_from_or_else_the_user_or_the_source_does() {
        let mut one = Hosts::new(None, ["audit.log"]);
        assert_eq!(&*one.find(0, None).unwrap().id, "unknown");
        assert_eq!(&*one.find(0, Some(b"web1")).unwrap().id, "web1");
        let mut named = Hosts::new(Some("db"), ["a/audit.log", "b/audit.log"]);
        assert_eq!(&*named.find(1, None).unwrap().id, "db");
        let mut two = Hosts::new(None, ["a/audit.log", "b/audit.log"]);
        let (a, b) = (two.find(0, None).unwrap(), two.find(1, None).unwrap());
        assert_eq!((&*a.id, &*b.id), ("a/audit.log", "b/audit.log"));
        assert_ne!(a.index, b.index);
        let web = two.find(0, Some(b"web1")).unwrap();
        assert_eq!(web.index, two.find(1, Some(b"web1")).unwrap().index);
    }
    #[test]
    fn names_without_end_take_memory_within_bounds() {
        let mut hosts = Hosts::new(None, ["audit.log"]);
        let mut name = vec![b'x'; MAX_NAMES / 4];
        for number in 0..20 {
            name[0] = number;
            hosts.find(0, Some(&name));
        }
        assert_eq!(hosts.by_node.len(), 4);
        assert_eq!(&*hosts.find(0, Some(&name)).unwrap().id, "unknown");
        name[0] = 0;
        assert_ne!(&*hosts.find(0, Some(&name)).unwrap().id, "unknown", "known ones stay known");
    }
}
