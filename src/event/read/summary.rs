//! `auditd.summary.*`: who did what to what, and with what, in a few words.

use super::super::actions::{Object, Who};
use super::super::take::Sink;
use super::user::Kind;
use super::{Reader, file, give, id_of};
use crate::record::{RawValue, RecordType};

/// Programs that run the programs of others: what was run is their `comm`.
const INTERPRETERS: [&[u8]; 4] =
    [b"/usr/bin/python", b"/usr/bin/sh", b"/usr/bin/bash", b"/usr/bin/perl"];

impl Reader<'_, '_> {
    /// The user at login, by name if the log has it.
    pub(super) fn actor_primary(&mut self, sink: Sink<'_>) {
        let Some(auid) = self.view.tokens.auid else { return };
        if id_of(Some(auid)).is_none() {
            return sink.word("unset");
        }
        self.id_or_name(auid, b"AUID", sink);
    }

    /// Whom a program speaks of, else the user.
    pub(super) fn actor_secondary(&mut self, sink: Sink<'_>) {
        let [leading, _] = self.rows();
        if leading.is_some_and(|row| row.who == Who::Login) {
            for key in [&b"acct"[..], b"id"] {
                let said = self.view.said(key).filter(|value| value.bytes().is_some());
                if let Some(value) = said {
                    return self.decoded(RecordType::USER_LOGIN, key, value, sink);
                }
            }
        }
        if let Some(uid) = self.view.tokens.uid {
            self.id_or_name(uid, b"UID", sink);
        }
    }

    fn id_or_name(&mut self, id: &[u8], key: &[u8], sink: Sink<'_>) {
        let name = self.view.main.and_then(|record| self.enriched(record, key));
        let name = name.or_else(|| self.known(id, Kind::User).map(str::as_bytes));
        give(name.unwrap_or(id), &mut self.scratch.text, sink);
    }

    /// What the event is done to; of a leading record where that says something.
    fn summary_object(&mut self) -> Object {
        let rows = self.rows();
        let mut objects = rows.iter().flatten().map(|row| row.object);
        objects.find(|object| *object != Object::Nothing).unwrap_or(Object::Nothing)
    }

    pub(super) fn object_type(&mut self, sink: Sink<'_>) {
        match self.summary_object() {
            Object::Nothing | Object::Other { what: "", .. } => {}
            Object::Socket => sink.word("socket"),
            Object::Other { what, .. } => sink.word(what),
            Object::File { .. } => {
                sink.word(self.mode_of_object().unwrap_or("file"));
            }
        }
    }

    pub(super) fn object_primary(&mut self, sink: Sink<'_>) {
        match self.summary_object() {
            Object::Nothing => {}
            Object::Socket => {
                let mut found = false;
                self.socket_addr(&mut |value: crate::value::Scalar<'_>| {
                    found = true;
                    sink.value(value);
                });
                if !found {
                    self.socket_path(sink);
                }
            }
            Object::Other { primary, .. } => self.first_of(primary, sink),
            Object::File { .. } => {
                let object = self.object();
                self.path_of(object, file::whole, sink);
            }
        }
    }

    pub(super) fn object_secondary(&mut self, sink: Sink<'_>) {
        match self.summary_object() {
            Object::Nothing | Object::File { .. } => {}
            Object::Socket => self.socket_port(sink),
            Object::Other { secondary, .. } => self.first_of(secondary, sink),
        }
    }

    /// The first of these keys that has a value.
    fn first_of(&mut self, keys: &[&[u8]], sink: Sink<'_>) {
        for key in keys {
            let mut found = false;
            self.data(key, &mut |value: crate::value::Scalar<'_>| {
                found = true;
                sink.value(value);
            });
            if found {
                return;
            }
        }
    }

    pub(super) fn how(&mut self, sink: Sink<'_>) {
        let exe = self.view.exe().filter(|exe| exe.bytes().is_some());
        let comm = self.view.tokens.comm.filter(|comm| comm.bytes().is_some());
        let runs_others = exe.and_then(RawValue::bytes).is_some_and(|path| {
            INTERPRETERS.iter().any(|interpreter| path.starts_with(interpreter))
        });
        match (exe, comm) {
            (Some(_), Some(comm)) if runs_others => {
                self.decoded(RecordType::SYSCALL, b"comm", comm, sink);
            }
            (Some(exe), _) => self.decoded(RecordType::SYSCALL, b"exe", exe, sink),
            (None, Some(comm)) => self.decoded(RecordType::SYSCALL, b"comm", comm, sink),
            (None, None) => {}
        }
    }
}

/// The type of a file from its mode in octal.
pub(super) fn type_of_mode(mode: &[u8]) -> Option<&'static str> {
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
    Some(match mode & 0o170_000 {
        0o140_000 => "socket",
        0o120_000 => "symlink",
        0o100_000 => "file",
        0o060_000 => "block-device",
        0o040_000 => "directory",
        0o020_000 => "character-device",
        0o010_000 => "named-pipe",
        _ => return None,
    })
}
