//! Who did it, as whom, to whom: ids of the records, names from the enriched part or else from the
//! machine's own passwd and group files, if they were given.
//!
//! A process's own ids say who it is. Records of programs about logins and accounts are different: the
//! process is a daemon, the user is the one at login, and `acct` or `id` name whom it is about.

use super::super::actions::Who;
use super::super::host::Profile;
use super::super::origin::IdKey;
use super::super::take::Sink;
use super::super::view::field_of;
use super::{Reader, give, id_of, is_name, set_id};
use crate::record::text::text_of;
use crate::record::{RawValue, RecordType};
use crate::value::Scalar;

/// Names looked at for `related.user`; there are at most a dozen in real records.
const NAMES: usize = 32;

/// What an id is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    fn of(id: IdKey) -> Self {
        match id {
            IdKey::Gid | IdKey::Egid | IdKey::Sgid | IdKey::Fsgid => Self::Group,
            _ => Self::User,
        }
    }
}

/// Users that took part in an event.
const USERS: [IdKey; 6] =
    [IdKey::Auid, IdKey::Uid, IdKey::Euid, IdKey::Suid, IdKey::Fsuid, IdKey::OldAuid];

impl<'g> Reader<'g, '_> {
    pub(super) fn id(&mut self, id: IdKey, sink: Sink<'_>) {
        set_id(self.token(id), sink);
    }

    pub(super) fn id_name(&mut self, id: IdKey, sink: Sink<'_>) {
        let record = match id {
            IdKey::OldAuid => self.view.leading,
            _ => self.view.main,
        };
        if let Some(name) = record.and_then(|record| self.enriched(record, id.keys().1)) {
            sink.value(Scalar::Str(&text_of(name)));
        } else if let Some(name) = self.token(id).and_then(|token| self.known(token, Kind::of(id)))
        {
            sink.value(Scalar::Str(name));
        }
    }

    /// What an id is called on the machine, where its files were given.
    pub(super) fn known(&self, id: &[u8], kind: Kind) -> Option<&'g str> {
        let names = self.host?.names.as_deref()?;
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        match kind {
            Kind::User => names.user(id),
            Kind::Group => names.group(id),
        }
    }

    /// The id with whose rights a process acts, in the sense of the profile: real or effective.
    pub(super) fn acting(&self, real: IdKey) -> IdKey {
        let tokens = &self.view.tokens;
        match real {
            _ if self.profile() == Profile::Auditd => real,
            IdKey::Uid if tokens.euid.is_some() => IdKey::Euid,
            IdKey::Gid if tokens.egid.is_some() => IdKey::Egid,
            real => real,
        }
    }

    /// Whether effective ids have fields of their own: Auditbeat tells them where they differ.
    pub(super) fn tells_effective(&self, effective: Option<&[u8]>, real: Option<&[u8]>) -> bool {
        effective != real || self.profile() == Profile::Endpoint
    }

    fn token(&self, id: IdKey) -> Option<&'g [u8]> {
        let tokens = &self.view.tokens;
        match id {
            IdKey::Auid => tokens.auid,
            IdKey::Uid => tokens.uid,
            IdKey::Gid => tokens.gid,
            IdKey::Euid => tokens.euid,
            IdKey::Egid => tokens.egid,
            IdKey::Suid => tokens.suid,
            IdKey::Sgid => tokens.sgid,
            IdKey::Fsuid => tokens.fsuid,
            IdKey::Fsgid => tokens.fsgid,
            // Only LOGIN has it, which may come before a system call.
            IdKey::OldAuid => {
                let record = self.view.leading.filter(|r| r.kind == RecordType::LOGIN)?;
                field_of(record, id.keys().0).and_then(RawValue::bytes)
            }
        }
    }

    /// Whether there can be a name beside an id, of the daemon or from the files of the machine.
    pub(in crate::event) fn may_have_names(&self) -> bool {
        let Some(main) = self.view.main else { return false };
        let is_other = self.view.leading.is_some_and(|leading| !self.view.is_main(leading));
        is_other || self.knows_names() || self.copies(main).next().is_some()
    }

    /// Whether files of the machine are known that name ids.
    pub(in crate::event) fn knows_names(&self) -> bool {
        self.host.is_some_and(|host| host.names.is_some())
    }

    pub(in crate::event) fn who(&mut self) -> Who {
        let [leading, call] = self.rows();
        leading.or(call).map_or(Who::Process, |row| row.who)
    }

    /// Whose id `user.id` is.
    fn actor(&mut self) -> IdKey {
        let at_login = match self.who() {
            Who::Process => return self.acting(IdKey::Uid),
            // The daemon's own id says nothing about who logs in.
            Who::Login => return IdKey::Auid,
            Who::LoginId => IdKey::OldAuid,
            Who::Account | Who::GroupAccount => IdKey::Auid,
        };
        if id_of(self.token(at_login)).is_some() { at_login } else { IdKey::Uid }
    }

    pub(super) fn user_id(&mut self, sink: Sink<'_>) {
        let actor = self.actor();
        self.id(actor, sink);
    }

    /// Before somebody is logged in, the name they give.
    pub(super) fn user_name(&mut self, sink: Sink<'_>) {
        let actor = self.actor();
        if self.who() == Who::Login && id_of(self.token(actor)).is_none() {
            self.account(sink);
        } else {
            self.id_name(actor, sink);
        }
    }

    pub(super) fn effective_id(&mut self, sink: Sink<'_>) {
        let tokens = self.view.tokens;
        match self.who() {
            Who::Process if self.tells_effective(tokens.euid, tokens.uid) => {
                set_id(tokens.euid, sink);
            }
            Who::Process => {}
            Who::Login => set_id(self.said(b"id"), sink),
            Who::LoginId => set_id(self.new_login_id(), sink),
            Who::Account | Who::GroupAccount if self.actor() != IdKey::Uid => {
                set_id(tokens.uid, sink);
            }
            Who::Account | Who::GroupAccount => {}
        }
    }

    pub(super) fn effective_name(&mut self, sink: Sink<'_>) {
        let tokens = self.view.tokens;
        match self.who() {
            Who::Process
                if self.tells_effective(tokens.euid, tokens.uid) || self.differs_by_name() =>
            {
                self.id_name(IdKey::Euid, sink);
            }
            Who::Process => {}
            Who::Login => self.account(sink),
            Who::LoginId => {
                let name = self.view.leading.and_then(|record| self.enriched(record, b"AUID"));
                let id = || self.known(self.new_login_id()?, Kind::User);
                if let Some(name) = name {
                    sink.value(Scalar::Str(&text_of(name)));
                } else if let Some(name) = id() {
                    sink.value(Scalar::Str(name));
                }
            }
            Who::Account | Who::GroupAccount if self.actor() != IdKey::Uid => {
                self.id_name(IdKey::Uid, sink);
            }
            Who::Account | Who::GroupAccount => {}
        }
    }

    /// Of a record that holds names in place of ids: whether the effective user is another one.
    fn differs_by_name(&self) -> bool {
        let name = |key| self.view.main.and_then(|main| self.enriched(main, key));
        let tokens = &self.view.tokens;
        tokens.uid.is_none() && tokens.euid.is_none() && name(b"UID") != name(b"EUID")
    }

    pub(super) fn target_id(&mut self, sink: Sink<'_>) {
        if self.who() == Who::Account {
            set_id(self.said(b"id"), sink);
        }
    }

    pub(super) fn target_name(&mut self, sink: Sink<'_>) {
        if self.who() == Who::Account {
            self.account(sink);
        }
    }

    pub(super) fn group_id(&mut self, sink: Sink<'_>) {
        if self.who() == Who::GroupAccount {
            set_id(self.said(b"id"), sink);
        } else {
            self.id(self.acting(IdKey::Gid), sink);
        }
    }

    pub(super) fn group_name(&mut self, sink: Sink<'_>) {
        if self.who() == Who::GroupAccount {
            self.account(sink);
        } else {
            self.id_name(self.acting(IdKey::Gid), sink);
        }
    }

    /// The id that LOGIN sets.
    fn new_login_id(&self) -> Option<&'g [u8]> {
        let record = self.view.leading?;
        let value = field_of(record, b"new-auid").or_else(|| field_of(record, b"auid"))?;
        value.bytes()
    }

    fn said(&self, key: &[u8]) -> Option<&'g [u8]> {
        self.view.said(key).and_then(RawValue::bytes)
    }

    /// The name of the account a program speaks of.
    fn account(&mut self, sink: Sink<'_>) {
        let known = |value: &RawValue<'_>| value.bytes().is_some_and(|name| !name.is_empty());
        let group = || self.view.said(b"grp").filter(known);
        match self.view.said(b"acct").filter(known).or_else(group) {
            Some(name) => self.decoded(RecordType::USER_LOGIN, b"acct", name, sink),
            None => {
                let name = self.view.main.and_then(|record| self.enriched(record, b"ID"));
                let kind = match self.who() {
                    Who::GroupAccount => Kind::Group,
                    _ => Kind::User,
                };
                if let Some(name) = name {
                    sink.value(Scalar::Str(&text_of(name)));
                } else if let Some(name) = self.said(b"id").and_then(|id| self.known(id, kind)) {
                    sink.value(Scalar::Str(name));
                }
            }
        }
    }

    /// Every name of a user in the record, each once.
    pub(super) fn related_user(&mut self, sink: Sink<'_>) {
        let Some(main) = self.view.main else { return };
        let speaks = matches!(self.who(), Who::Login | Who::Account);
        let account = self.view.said(b"acct").filter(|_| speaks);
        let copies = self.copies(main);
        let names = || {
            let names = copies.clone().take(NAMES).filter(|field| match field.key {
                b"AUID" | b"UID" | b"EUID" | b"SUID" | b"FSUID" | b"OLD-AUID" => true,
                b"ID" => speaks,
                // Groups, and owners of files, who took no part.
                _ => false,
            });
            names.filter_map(|field| field.value.bytes()).filter(|name| is_name(name))
        };
        for (at, name) in names().enumerate() {
            if !names().take(at).any(|earlier| earlier == name) {
                give(name, &mut self.scratch.text, sink);
            }
        }
        let mut more: [Option<&str>; USERS.len()] = [None; USERS.len()];
        for (at, id) in USERS.into_iter().enumerate() {
            if self.enriched(main, id.keys().1).is_some() {
                continue;
            }
            let name = self.token(id).and_then(|token| self.known(token, Kind::User));
            let Some(name) = name.filter(|name| {
                !more.contains(&Some(*name)) && !names().any(|known| known == name.as_bytes())
            }) else {
                continue;
            };
            if let Some(place) = more.get_mut(at) {
                *place = Some(name);
            }
            sink.value(Scalar::Str(name));
        }
        if let Some(account) = account
            && !more.iter().flatten().any(|name| Some(name.as_bytes()) == account.bytes())
            && !names().any(|name| Some(name) == account.bytes())
        {
            self.decoded(RecordType::USER_LOGIN, b"acct", account, sink);
        }
    }

    /// A part of `user:role:domain:level:category`. Labels of other kinds have no parts.
    pub(super) fn selinux(&mut self, part: usize, sink: Sink<'_>) {
        let Some(label) = self.view.tokens.subj else { return };
        let Some(label) = label.bytes().filter(|l| l.iter().filter(|b| **b == b':').count() > 1)
        else {
            return;
        };
        if let Some(part) = label.splitn(5, |byte| *byte == b':').nth(part) {
            give(part, &mut self.scratch.text, sink);
        }
    }
}
