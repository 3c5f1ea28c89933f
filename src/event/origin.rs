//! Where the value of a field comes from: one table from field names to origins.
//!
//! In: a field name. Out: its [`Origin`] in the records of an event, and the [`ContextField`] that the
//! process table fills in where the records are silent. `schema` lists the same names; a test holds
//! the two together.

pub use super::context::Part;

/// Where the value of one field of an audit event comes from. Names follow the field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Timestamp,
    EventAction,
    EventCategory,
    EventType,
    EventOutcome,
    EventSequence,
    EventOriginal,
    /// The same in every event.
    Constant(&'static str),
    /// The product whose conventions the event follows.
    Module,
    Dataset,
    HostId,
    HostName,
    MessageType,
    Result,
    Session,
    Tags,
    Pid,
    ParentPid,
    ProcessName,
    /// `comm` alone.
    Comm,
    Executable,
    Args,
    ArgsCount,
    CommandLine,
    Title,
    WorkingDirectory,
    Interactive,
    /// A device number of the terminal.
    TerminalDevice {
        major: bool,
    },
    ProcessEnd,
    /// Capabilities that the process has from now on.
    Capabilities {
        effective: bool,
    },
    /// Real or effective, by profile.
    ProcessUserId,
    ProcessUserName,
    ProcessGroupId,
    ProcessGroupName,
    /// An id of the main record.
    Id(IdKey),
    /// The name that belongs to an id, from the enriched part of the record.
    IdName(IdKey),
    UserId,
    UserName,
    EffectiveId,
    EffectiveName,
    EffectiveGroupId,
    EffectiveGroupName,
    TargetId,
    TargetName,
    GroupId,
    GroupName,
    RelatedUser,
    /// A part of the SELinux label of the process.
    Selinux(u8),
    DestinationIp,
    DestinationPort,
    DestinationPath,
    SourceIp,
    SourcePort,
    Direction,
    NetworkType,
    FilePath,
    FileName,
    FileExtension,
    FileDirectory,
    FileType,
    /// Of the file's old name, where it was renamed.
    OldPath,
    OldName,
    OldExtension,
    /// A key of the PATH record of the object.
    FileKey(&'static [u8]),
    /// A name from the enriched part of the PATH record of the object.
    FileOwner(&'static [u8]),
    /// A key of all PATH records.
    Paths(Box<[u8]>),
    /// `auditd.data.*`
    Data(Box<[u8]>),
    SocketFamily,
    SocketAddr,
    SocketPort,
    SocketPath,
    SocketRaw,
    /// `auditd.summary.*`
    ActorPrimary,
    ActorSecondary,
    ObjectType,
    ObjectPrimary,
    ObjectSecondary,
    How,
    /// `audit.complete`: nothing of the event is known to be missing.
    Complete,
    /// `audit.missing`: the types of records that must have been there.
    Missing,
    /// `audit.*`: decoded arguments.
    View(Decoded),
    /// Filled by the process table alone, or not in audit logs at all.
    Elsewhere,
}

/// Ids of the main record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdKey {
    Auid,
    OldAuid,
    Uid,
    Gid,
    Euid,
    Egid,
    Suid,
    Fsuid,
    Sgid,
    Fsgid,
}

impl IdKey {
    /// The key of the id, and that of its name in the enriched part.
    pub(super) fn keys(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Auid => (b"auid", b"AUID"),
            Self::OldAuid => (b"old-auid", b"OLD-AUID"),
            Self::Uid => (b"uid", b"UID"),
            Self::Gid => (b"gid", b"GID"),
            Self::Euid => (b"euid", b"EUID"),
            Self::Egid => (b"egid", b"EGID"),
            Self::Suid => (b"suid", b"SUID"),
            Self::Fsuid => (b"fsuid", b"FSUID"),
            Self::Sgid => (b"sgid", b"SGID"),
            Self::Fsgid => (b"fsgid", b"FSGID"),
        }
    }
}

/// Arguments of system calls in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    SocketFamily,
    SocketType,
    SocketTypeFlags,
    SocketProtocol,
    OpenFlags,
    Protection,
    Signal,
    PtraceRequest,
    CloneFlags,
    ChildPid,
    Errno,
    Syscall,
    ExitCode,
}

/// Fields that the process table fills in, also where a record may fill it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContextField {
    /// Something about the process or one related to it.
    Of(Relation, Part),
    /// `process.parent.pid` of an event that does not say it.
    ParentPid,
    /// `process.ancestors.name`
    AncestorNames,
    /// `process.ancestors.executable`
    AncestorExecutables,
    /// `process.Ext.ancestry`
    AncestorIds,
    /// `process.entry_leader.entry_meta.type`
    EntryKind,
}

/// What a process is to that of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// `process`
    Itself,
    /// `process.parent`
    Parent,
    /// `process.session_leader`
    SessionLeader,
    /// `process.group_leader`
    GroupLeader,
    /// `process.entry_leader`
    EntryLeader,
}

const PARENT: &str = "process.parent.";
const LEADERS: [(&str, Relation); 3] = [
    ("process.session_leader.", Relation::SessionLeader),
    ("process.group_leader.", Relation::GroupLeader),
    ("process.entry_leader.", Relation::EntryLeader),
];

/// What is filled in about the process itself, where its records do not say it.
const ITSELF: [(&str, Part); 7] = [
    ("process.entity_id", Part::EntityId),
    ("process.name", Part::Name),
    ("process.executable", Part::Executable),
    ("process.args", Part::Args),
    ("process.args_count", Part::ArgsCount),
    ("process.command_line", Part::CommandLine),
    ("process.working_directory", Part::WorkingDirectory),
];

/// What is filled in about its parent and its leaders.
const PARTS: [(&str, Part); 17] = [
    ("entity_id", Part::EntityId),
    ("pid", Part::Pid),
    ("name", Part::Name),
    ("executable", Part::Executable),
    ("args", Part::Args),
    ("args_count", Part::ArgsCount),
    ("command_line", Part::CommandLine),
    ("working_directory", Part::WorkingDirectory),
    ("user.id", Part::UserId),
    ("user.name", Part::UserName),
    ("group.id", Part::GroupId),
    ("group.name", Part::GroupName),
    ("real_user.id", Part::RealUserId),
    ("real_group.id", Part::RealGroupId),
    ("interactive", Part::Interactive),
    ("tty.char_device.major", Part::TerminalMajor),
    ("tty.char_device.minor", Part::TerminalMinor),
];

/// What is no part of one process.
const OTHERS: [(&str, ContextField); 5] = [
    ("process.parent.pid", ContextField::ParentPid),
    ("process.ancestors.name", ContextField::AncestorNames),
    ("process.ancestors.executable", ContextField::AncestorExecutables),
    ("process.Ext.ancestry", ContextField::AncestorIds),
    ("process.entry_leader.entry_meta.type", ContextField::EntryKind),
];

impl ContextField {
    /// Which context field fills a field, also where a record may fill it first.
    pub fn of(name: &str) -> Option<Self> {
        if let Some((_, field)) = OTHERS.iter().find(|(known, _)| *known == name) {
            return Some(*field);
        }
        if let Some((_, part)) = ITSELF.iter().find(|(known, _)| *known == name) {
            return Some(Self::Of(Relation::Itself, *part));
        }
        let related = std::iter::once((PARENT, Relation::Parent)).chain(LEADERS);
        related.into_iter().find_map(|(start, relation)| {
            let part = name.strip_prefix(start)?;
            let (_, part) = PARTS.iter().find(|(known, _)| *known == part)?;
            Some(Self::Of(relation, *part))
        })
    }
}

/// What the records fill in.
#[rustfmt::skip]
const RECORDS: &[(&str, Origin)] = &[
    ("@timestamp", Origin::Timestamp),
    ("event.action", Origin::EventAction),
    ("event.category", Origin::EventCategory),
    ("event.type", Origin::EventType),
    ("event.outcome", Origin::EventOutcome),
    ("event.kind", Origin::Constant("event")),
    ("event.module", Origin::Module),
    ("service.type", Origin::Constant("auditd")),
    ("event.dataset", Origin::Dataset),
    ("data_stream.dataset", Origin::Dataset),
    ("event.sequence", Origin::EventSequence),
    ("auditd.sequence", Origin::EventSequence),
    ("event.original", Origin::EventOriginal),
    ("host.id", Origin::HostId),
    ("host.name", Origin::HostName),
    ("host.hostname", Origin::HostName),
    ("host.os.type", Origin::Constant("linux")),
    ("auditd.message_type", Origin::MessageType),
    ("auditd.result", Origin::Result),
    ("auditd.session", Origin::Session),
    ("tags", Origin::Tags),
    ("process.pid", Origin::Pid),
    ("process.parent.pid", Origin::ParentPid),
    ("process.name", Origin::ProcessName),
    ("process.executable", Origin::Executable),
    ("process.args", Origin::Args),
    ("process.args_count", Origin::ArgsCount),
    ("process.command_line", Origin::CommandLine),
    ("process.title", Origin::Title),
    ("process.working_directory", Origin::WorkingDirectory),
    ("process.interactive", Origin::Interactive),
    ("process.tty.char_device.major", Origin::TerminalDevice { major: true }),
    ("process.tty.char_device.minor", Origin::TerminalDevice { major: false }),
    ("process.exit_code", Origin::View(Decoded::ExitCode)),
    ("process.end", Origin::ProcessEnd),
    ("process.thread.capabilities.effective", Origin::Capabilities { effective: true }),
    ("process.thread.capabilities.permitted", Origin::Capabilities { effective: false }),
    ("process.user.id", Origin::ProcessUserId),
    ("process.user.name", Origin::ProcessUserName),
    ("process.real_user.id", Origin::Id(IdKey::Uid)),
    ("process.real_user.name", Origin::IdName(IdKey::Uid)),
    ("process.saved_user.id", Origin::Id(IdKey::Suid)),
    ("process.saved_user.name", Origin::IdName(IdKey::Suid)),
    ("user.Ext.real.id", Origin::Id(IdKey::Uid)),
    ("user.Ext.real.name", Origin::IdName(IdKey::Uid)),
    ("process.group.id", Origin::ProcessGroupId),
    ("process.group.name", Origin::ProcessGroupName),
    ("process.real_group.id", Origin::Id(IdKey::Gid)),
    ("process.real_group.name", Origin::IdName(IdKey::Gid)),
    ("process.saved_group.id", Origin::Id(IdKey::Sgid)),
    ("process.saved_group.name", Origin::IdName(IdKey::Sgid)),
    ("group.Ext.real.id", Origin::Id(IdKey::Gid)),
    ("group.Ext.real.name", Origin::IdName(IdKey::Gid)),
    ("user.id", Origin::UserId),
    ("user.name", Origin::UserName),
    ("user.group.id", Origin::ProcessGroupId),
    ("user.group.name", Origin::ProcessGroupName),
    ("user.effective.id", Origin::EffectiveId),
    ("user.effective.name", Origin::EffectiveName),
    ("user.effective.group.id", Origin::EffectiveGroupId),
    ("user.effective.group.name", Origin::EffectiveGroupName),
    ("user.target.id", Origin::TargetId),
    ("user.target.name", Origin::TargetName),
    ("group.id", Origin::GroupId),
    ("group.name", Origin::GroupName),
    ("related.user", Origin::RelatedUser),
    ("user.audit.id", Origin::Id(IdKey::Auid)),
    ("user.audit.name", Origin::IdName(IdKey::Auid)),
    ("auditd.user.audit.id", Origin::Id(IdKey::Auid)),
    ("auditd.user.audit.name", Origin::IdName(IdKey::Auid)),
    ("auditd.user.old_auid.id", Origin::Id(IdKey::OldAuid)),
    ("auditd.user.old_auid.name", Origin::IdName(IdKey::OldAuid)),
    ("user.saved.id", Origin::Id(IdKey::Suid)),
    ("user.saved.name", Origin::IdName(IdKey::Suid)),
    ("auditd.user.saved.id", Origin::Id(IdKey::Suid)),
    ("auditd.user.saved.name", Origin::IdName(IdKey::Suid)),
    ("auditd.user.saved.group.id", Origin::Id(IdKey::Sgid)),
    ("auditd.user.saved.group.name", Origin::IdName(IdKey::Sgid)),
    ("user.filesystem.id", Origin::Id(IdKey::Fsuid)),
    ("user.filesystem.name", Origin::IdName(IdKey::Fsuid)),
    ("auditd.user.filesystem.id", Origin::Id(IdKey::Fsuid)),
    ("auditd.user.filesystem.name", Origin::IdName(IdKey::Fsuid)),
    ("auditd.user.filesystem.group.id", Origin::Id(IdKey::Fsgid)),
    ("auditd.user.filesystem.group.name", Origin::IdName(IdKey::Fsgid)),
    ("auditd.user.selinux.user", Origin::Selinux(0)),
    ("auditd.user.selinux.role", Origin::Selinux(1)),
    ("auditd.user.selinux.domain", Origin::Selinux(2)),
    ("auditd.user.selinux.level", Origin::Selinux(3)),
    ("auditd.user.selinux.category", Origin::Selinux(4)),
    ("destination.ip", Origin::DestinationIp),
    ("destination.port", Origin::DestinationPort),
    ("destination.address", Origin::DestinationPath),
    ("destination.path", Origin::DestinationPath),
    ("source.ip", Origin::SourceIp),
    ("source.port", Origin::SourcePort),
    ("network.direction", Origin::Direction),
    ("network.type", Origin::NetworkType),
    ("file.path", Origin::FilePath),
    ("file.name", Origin::FileName),
    ("file.extension", Origin::FileExtension),
    ("file.directory", Origin::FileDirectory),
    ("file.type", Origin::FileType),
    ("file.Ext.original.path", Origin::OldPath),
    ("file.Ext.original.name", Origin::OldName),
    ("file.Ext.original.extension", Origin::OldExtension),
    ("file.inode", Origin::FileKey(b"inode")),
    ("file.mode", Origin::FileKey(b"mode")),
    ("file.uid", Origin::FileKey(b"ouid")),
    ("file.gid", Origin::FileKey(b"ogid")),
    ("file.device", Origin::FileKey(b"rdev")),
    ("file.owner", Origin::FileOwner(b"OUID")),
    ("file.group", Origin::FileOwner(b"OGID")),
    ("auditd.data.socket.family", Origin::SocketFamily),
    ("auditd.data.socket.addr", Origin::SocketAddr),
    ("auditd.data.socket.port", Origin::SocketPort),
    ("auditd.data.socket.path", Origin::SocketPath),
    ("auditd.data.socket.saddr", Origin::SocketRaw),
    ("auditd.summary.actor.primary", Origin::ActorPrimary),
    ("auditd.summary.actor.secondary", Origin::ActorSecondary),
    ("auditd.summary.object.type", Origin::ObjectType),
    ("auditd.summary.object.primary", Origin::ObjectPrimary),
    ("auditd.summary.object.secondary", Origin::ObjectSecondary),
    ("auditd.summary.how", Origin::How),
    ("audit.complete", Origin::Complete),
    ("audit.missing", Origin::Missing),
    ("audit.socket.family", Origin::View(Decoded::SocketFamily)),
    ("audit.socket.type", Origin::View(Decoded::SocketType)),
    ("audit.socket.type_flags", Origin::View(Decoded::SocketTypeFlags)),
    ("audit.socket.protocol", Origin::View(Decoded::SocketProtocol)),
    ("audit.open.flags", Origin::View(Decoded::OpenFlags)),
    ("audit.prot", Origin::View(Decoded::Protection)),
    ("audit.signal", Origin::View(Decoded::Signal)),
    ("audit.ptrace.request", Origin::View(Decoded::PtraceRequest)),
    ("audit.clone.flags", Origin::View(Decoded::CloneFlags)),
    ("audit.child_pid", Origin::View(Decoded::ChildPid)),
    ("audit.errno", Origin::View(Decoded::Errno)),
    ("audit.syscall", Origin::View(Decoded::Syscall)),
];

impl Origin {
    /// The origin of a field by its name.
    pub(super) fn of(name: &str) -> Self {
        if let Some((_, origin)) = RECORDS.iter().find(|(known, _)| *known == name) {
            origin.clone()
        } else if let Some(key) = name.strip_prefix("auditd.data.") {
            Self::Data(key.as_bytes().into())
        } else if let Some(key) = name.strip_prefix("auditd.paths.") {
            Self::Paths(key.as_bytes().into())
        } else {
            Self::Elsewhere
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ContextField, ITSELF, LEADERS, OTHERS, Origin, PARENT, PARTS, RECORDS};
    use crate::schema::FIELDS;

    #[test]
    fn the_schema_lists_what_has_an_origin_and_nothing_else() {
        let related = std::iter::once(PARENT).chain(LEADERS.map(|(start, _)| start));
        let related = related.flat_map(|start| PARTS.map(|(part, _)| format!("{start}{part}")));
        let alone = RECORDS.iter().map(|(name, _)| *name).chain(ITSELF.map(|(name, _)| name));
        let alone = alone.chain(OTHERS.map(|(name, _)| name)).map(str::to_owned);
        let origins: BTreeSet<String> = alone.chain(related).collect();
        let origins: BTreeSet<&str> = origins.iter().map(String::as_str).collect();
        let listed: BTreeSet<&str> = FIELDS.iter().map(|info| info.name).collect();
        assert!(
            listed.iter().all(|name| ContextField::of(name).is_none() || origins.contains(name))
        );
        let of_a_family =
            |name: &&&str| matches!(Origin::of(name), Origin::Data(_) | Origin::Paths(_));
        let without_origin: Vec<_> =
            listed.difference(&origins).filter(|name| !of_a_family(name)).collect();
        let not_listed: Vec<_> = origins.difference(&listed).collect();
        assert!(without_origin.is_empty(), "no origin: {without_origin:?}");
        assert!(not_listed.is_empty(), "not in the schema: {not_listed:?}");
    }

    #[test]
    fn no_field_has_two_origins() {
        let names: BTreeSet<&str> = RECORDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), RECORDS.len());
    }
}
