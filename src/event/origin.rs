//! Where the value of a field comes from: one table from field names to origins.
//!
//! In: a field name. Out: its [`Origin`] in the records of an event, and the [`ContextField`] that the
//! process table fills in where the records are silent. `schema` lists the same names; a test holds
//! the two together.

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
    HostId,
    HostName,
    MessageType,
    Result,
    Session,
    Tags,
    Pid,
    ParentPid,
    ProcessName,
    Executable,
    Args,
    ArgsCount,
    CommandLine,
    Title,
    WorkingDirectory,
    Interactive,
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
    FilePath,
    FileName,
    FileExtension,
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
}

/// Fields that the process table fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContextField {
    /// `process.entity_id`
    EntityId,
    /// `process.name` of an event that does not say it.
    Name,
    /// `process.executable`, likewise.
    Executable,
    /// `process.args` of an event that is no execution.
    Args,
    /// `process.args_count`, likewise.
    ArgsCount,
    /// `process.command_line`, likewise.
    CommandLine,
    /// `process.working_directory`, likewise.
    WorkingDirectory,
    /// `process.parent.entity_id`
    ParentEntityId,
    /// `process.parent.name`
    ParentName,
    /// `process.parent.executable`
    ParentExecutable,
    /// `process.parent.args`
    ParentArgs,
    /// `process.parent.args_count`
    ParentArgsCount,
    /// `process.parent.command_line`
    ParentCommandLine,
    /// `process.parent.working_directory`
    ParentWorkingDirectory,
    /// `process.parent.user.id`
    ParentUserId,
    /// `process.parent.group.id`
    ParentGroupId,
    /// `process.ancestors.name`
    AncestorNames,
    /// `process.ancestors.executable`
    AncestorExecutables,
}

/// What the process table fills in, also where a record may fill it first.
const CONTEXT: &[(&str, ContextField)] = &[
    ("process.entity_id", ContextField::EntityId),
    ("process.name", ContextField::Name),
    ("process.executable", ContextField::Executable),
    ("process.args", ContextField::Args),
    ("process.args_count", ContextField::ArgsCount),
    ("process.command_line", ContextField::CommandLine),
    ("process.working_directory", ContextField::WorkingDirectory),
    ("process.parent.entity_id", ContextField::ParentEntityId),
    ("process.parent.name", ContextField::ParentName),
    ("process.parent.executable", ContextField::ParentExecutable),
    ("process.parent.args", ContextField::ParentArgs),
    ("process.parent.args_count", ContextField::ParentArgsCount),
    ("process.parent.command_line", ContextField::ParentCommandLine),
    ("process.parent.working_directory", ContextField::ParentWorkingDirectory),
    ("process.parent.user.id", ContextField::ParentUserId),
    ("process.parent.group.id", ContextField::ParentGroupId),
    ("process.ancestors.name", ContextField::AncestorNames),
    ("process.ancestors.executable", ContextField::AncestorExecutables),
];

impl ContextField {
    /// Which context field fills a field, also where a record may fill it first.
    pub fn of(name: &str) -> Option<Self> {
        CONTEXT.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
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
    ("event.module", Origin::Constant("auditd")),
    ("service.type", Origin::Constant("auditd")),
    ("event.dataset", Origin::Constant("auditd_manager.auditd")),
    ("data_stream.dataset", Origin::Constant("auditd_manager.auditd")),
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
    ("process.user.id", Origin::Id(IdKey::Uid)),
    ("process.user.name", Origin::IdName(IdKey::Uid)),
    ("process.real_user.id", Origin::Id(IdKey::Uid)),
    ("user.Ext.real.id", Origin::Id(IdKey::Uid)),
    ("process.group.id", Origin::Id(IdKey::Gid)),
    ("process.group.name", Origin::IdName(IdKey::Gid)),
    ("process.real_group.id", Origin::Id(IdKey::Gid)),
    ("group.Ext.real.id", Origin::Id(IdKey::Gid)),
    ("user.id", Origin::UserId),
    ("user.name", Origin::UserName),
    ("user.group.id", Origin::Id(IdKey::Gid)),
    ("user.group.name", Origin::IdName(IdKey::Gid)),
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
    ("file.path", Origin::FilePath),
    ("file.name", Origin::FileName),
    ("file.extension", Origin::FileExtension),
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

    use super::{CONTEXT, Origin, RECORDS};
    use crate::schema::FIELDS;

    #[test]
    fn the_schema_lists_what_has_an_origin_and_nothing_else() {
        let origins: BTreeSet<&str> =
            RECORDS.iter().map(|(name, _)| *name).chain(CONTEXT.iter().map(|(n, _)| *n)).collect();
        let listed: BTreeSet<&str> = FIELDS.iter().map(|info| info.name).collect();
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
