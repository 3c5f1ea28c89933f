//! Which machine an event is from, and how its records are to be read.
//!
//! Records say so themselves (`node=`) or not at all. Without `node=` it is what the user says; failing
//! that, with one source everything is from the one machine `unknown`, and with several each source is
//! a machine of its own, named like the source: process ids of two machines must never meet.

use std::sync::Arc;

use hashbrown::HashMap;

use super::names::Names;

/// Most machines told apart by `node=`; what comes after shares one.
const MAX_HOSTS: usize = 65_536;
/// Most bytes of all their names; a name that does not fit is as one too many.
const MAX_NAMES: usize = 16 << 20;

/// What a machine is called that nobody named.
pub const UNNAMED: &str = "unknown";

/// Whose conventions events follow where producers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Auditbeat and the auditd manager: `process.name` is `comm` first, `user.id` the real user.
    #[default]
    Auditd,
    /// Elastic Defend: `process.name` is the file name of the program first, `user.id` the effective
    /// user, and of several names of an action that of Defend comes first.
    Endpoint,
}

/// What the user says about the machines of a run.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// `host.name` of records without `node=`, and of those whose `node=` says the same.
    pub name: Option<String>,
    /// `host.id` of the same records, in place of the name.
    pub id: Option<String>,
    /// Whose conventions events follow.
    pub profile: Profile,
    /// What ids are called on machines, by name or id of the machine.
    pub names: Vec<(String, Arc<Names>)>,
}

impl Identity {
    /// All records without `node=` are from this machine.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Number of the machine in this run.
    pub index: u32,
    /// `host.id`
    pub id: Box<str>,
    /// `host.name`
    pub name: Box<str>,
    /// Whose conventions its events follow.
    pub profile: Profile,
    /// What ids are called there, if anybody said.
    pub names: Option<Arc<Names>>,
}

impl Host {
    /// A machine of which nothing but its name is known.
    pub fn new(index: u32, id: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Self {
        let (id, name) = (id.into(), name.into());
        Self { index, id, name, profile: Profile::default(), names: None }
    }
}

/// The machines of a run.
#[derive(Debug)]
pub struct Hosts {
    by_source: Vec<Arc<Host>>,
    by_node: HashMap<Box<[u8]>, Arc<Host>>,
    identity: Identity,
    /// Which of the names were asked for by a machine.
    used: Vec<bool>,
    /// Bytes of all names by node.
    named: usize,
    next: u32,
}

impl Hosts {
    /// `identity` is what the user says; `sources` are the names of the inputs.
    pub fn new<'a>(identity: &Identity, sources: impl IntoIterator<Item = &'a str>) -> Self {
        let sources: Vec<&str> = sources.into_iter().collect();
        let mut this = Self {
            by_source: Vec::new(),
            by_node: HashMap::new(),
            used: vec![false; identity.names.len()],
            identity: identity.clone(),
            named: 0,
            next: u32::try_from(sources.len()).unwrap_or(u32::MAX),
        };
        let said = identity.name.as_deref().or(identity.id.as_deref());
        if said.is_none() && sources.len() > 1 {
            for (name, index) in sources.into_iter().zip(0..) {
                let host = this.host(index, name, name);
                this.by_source.push(host);
            }
            return this;
        }
        let name = identity.name.as_deref().or(said).unwrap_or(UNNAMED);
        let id = identity.id.as_deref().unwrap_or(name);
        let host = this.host(0, id, name);
        this.by_source = vec![host.clone(); sources.len()];
        if let Some(name) = &identity.name {
            this.by_node.insert(name.as_bytes().into(), host);
        }
        this
    }

    fn host(&mut self, index: u32, id: &str, name: &str) -> Arc<Host> {
        let mut host = Host { profile: self.identity.profile, ..Host::new(index, id, name) };
        for ((known, names), used) in self.identity.names.iter().zip(&mut self.used) {
            if *known == name || *known == id {
                host.names = Some(names.clone());
                *used = true;
            }
        }
        Arc::new(host)
    }

    /// Machines that names were given for and no event was of.
    pub fn unmatched(&self) -> impl Iterator<Item = &str> {
        let unused = self.identity.names.iter().zip(&self.used).filter(|(_, used)| !**used);
        unused.map(|((host, _), _)| host.as_str())
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
        let host = self.host(self.next, &name, &name);
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
        let mut one = Hosts::new(&Identity::default(), ["audit.log"]);
        assert_eq!(&*one.find(0, None).unwrap().id, "unknown");
        assert_eq!(&*one.find(0, Some(b"web1")).unwrap().id, "web1");
        let mut named = Hosts::new(&Identity::named("db"), ["a/audit.log", "b/audit.log"]);
        assert_eq!(&*named.find(1, None).unwrap().id, "db");
        let mut two = Hosts::new(&Identity::default(), ["a/audit.log", "b/audit.log"]);
        let (a, b) = (two.find(0, None).unwrap(), two.find(1, None).unwrap());
        assert_eq!((&*a.id, &*b.id), ("a/audit.log", "b/audit.log"));
        assert_ne!(a.index, b.index);
        let web = two.find(0, Some(b"web1")).unwrap();
        assert_eq!(web.index, two.find(1, Some(b"web1")).unwrap().index);
    }

    #[test]
    fn a_node_that_the_user_names_is_that_machine() {
        let identity = Identity { id: Some("4711".into()), ..Identity::named("web1") };
        let mut hosts = Hosts::new(&identity, ["a/audit.log", "b/audit.log"]);
        let (bare, node) = (hosts.find(1, None).unwrap(), hosts.find(0, Some(b"web1")).unwrap());
        assert_eq!((&*bare.id, &*bare.name), ("4711", "web1"));
        assert_eq!(bare, node);
        assert_eq!(&*hosts.find(0, Some(b"web2")).unwrap().id, "web2");
        let only = Identity { id: Some("4711".into()), ..Identity::default() };
        let host = Hosts::new(&only, ["a", "b"]).find(1, None).unwrap();
        assert_eq!((&*host.id, &*host.name), ("4711", "4711"));
    }

    #[test]
    fn names_of_ids_belong_to_one_machine() {
        let mut names = Names::default();
        names.read(b"alice:x:1000:1000:::", &mut |_| ());
        let names = ["web1", "web2"].map(|host| (host.to_owned(), Arc::new(names.clone())));
        let identity = Identity { names: names.into(), ..Identity::default() };
        let mut hosts = Hosts::new(&identity, ["audit.log"]);
        let name = |host: Arc<Host>| Some(host.names.as_ref()?.user(1000)?.to_owned());
        assert_eq!(name(hosts.find(0, Some(b"web1")).unwrap()).as_deref(), Some("alice"));
        assert_eq!(name(hosts.find(0, None).unwrap()), None);
        assert_eq!(hosts.unmatched().collect::<Vec<_>>(), ["web2"]);
    }

    #[test]
    fn names_without_end_take_memory_within_bounds() {
        let mut hosts = Hosts::new(&Identity::default(), ["audit.log"]);
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
