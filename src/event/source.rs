//! Where the value of a field comes from.

/// The source of one field of an audit event. Names follow the field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Timestamp,
    EventAction,
    EventCategory,
    EventType,
    EventOutcome,
    EventKind,
    EventModule,
    EventDataset,
    EventSequence,
    EventOriginal,
    HostId,
    HostName,
    HostOsType,
    MessageType,
    Result,
    Session,
    Tags,
    ProcessPid,
    ProcessParentPid,
    ProcessName,
    ProcessExecutable,
    ProcessArgs,
    ProcessArgsCount,
    ProcessCommandLine,
    ProcessTitle,
    ProcessWorkingDirectory,
    ProcessInteractive,
    /// A numeric id of the main record: `uid`, `auid` and so on.
    Id(IdKey),
    /// The name that belongs to an id, from the enriched part of the record.
    IdName(IdKey),
    UserEffectiveId,
    UserEffectiveName,
    GroupEffectiveId,
    DestinationIp,
    DestinationPort,
    DestinationAddress,
    SourceIp,
    SourcePort,
    NetworkDirection,
    FilePath,
    FileName,
    FileExtension,
    /// A key of the PATH record of the object: `inode`, `mode`, `ouid`, `ogid`, `rdev`.
    FileKey(&'static [u8]),
    /// A key of all PATH records.
    Paths(Box<[u8]>),
    /// `auditd.data.*`
    Data(Box<[u8]>),
    /// `auditd.data.socket.*`
    SocketFamily,
    SocketAddr,
    SocketPort,
    SocketPath,
    /// `audit.*`: decoded arguments.
    View(Decoded),
    /// Filled from the process table.
    Context(ContextField),
    /// Not in audit logs.
    Nowhere,
}

/// Ids of the main record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdKey {
    Auid,
    Uid,
    Gid,
    Suid,
    Fsuid,
    Sgid,
    Fsgid,
}

impl IdKey {
    pub(super) fn key(self) -> &'static [u8] {
        match self {
            Self::Auid => b"auid",
            Self::Uid => b"uid",
            Self::Gid => b"gid",
            Self::Suid => b"suid",
            Self::Fsuid => b"fsuid",
            Self::Sgid => b"sgid",
            Self::Fsgid => b"fsgid",
        }
    }

    /// The key of the name in the enriched part.
    pub(super) fn enriched(self) -> &'static [u8] {
        match self {
            Self::Auid => b"AUID",
            Self::Uid => b"UID",
            Self::Gid => b"GID",
            Self::Suid => b"SUID",
            Self::Fsuid => b"FSUID",
            Self::Sgid => b"SGID",
            Self::Fsgid => b"FSGID",
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
    /// `process.ancestors.name`
    AncestorNames,
    /// `process.ancestors.executable`
    AncestorExecutables,
}

impl ContextField {
    /// Which context field fills a field, also where a record may fill it first.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "process.entity_id" => Self::EntityId,
            "process.args" => Self::Args,
            "process.args_count" => Self::ArgsCount,
            "process.command_line" => Self::CommandLine,
            "process.working_directory" => Self::WorkingDirectory,
            "process.parent.entity_id" => Self::ParentEntityId,
            "process.parent.name" => Self::ParentName,
            "process.parent.executable" => Self::ParentExecutable,
            "process.parent.args" => Self::ParentArgs,
            "process.parent.args_count" => Self::ParentArgsCount,
            "process.parent.command_line" => Self::ParentCommandLine,
            "process.parent.working_directory" => Self::ParentWorkingDirectory,
            "process.parent.user.id" => Self::ParentUserId,
            "process.ancestors.name" => Self::AncestorNames,
            "process.ancestors.executable" => Self::AncestorExecutables,
            _ => return None,
        })
    }
}

impl Source {
    /// The source of a field by its name.
    #[rustfmt::skip]
    pub(super) fn of(name: &str) -> Self {
        match name {
            "@timestamp" => Self::Timestamp,
            "event.action" => Self::EventAction,
            "event.category" => Self::EventCategory,
            "event.type" => Self::EventType,
            "event.outcome" => Self::EventOutcome,
            "event.kind" => Self::EventKind,
            "event.module" | "service.type" => Self::EventModule,
            "event.dataset" | "data_stream.dataset" => Self::EventDataset,
            "event.sequence" | "auditd.sequence" => Self::EventSequence,
            "event.original" => Self::EventOriginal,
            "host.id" => Self::HostId,
            "host.name" | "host.hostname" => Self::HostName,
            "host.os.type" => Self::HostOsType,
            "auditd.message_type" => Self::MessageType,
            "auditd.result" => Self::Result,
            "auditd.session" => Self::Session,
            "tags" => Self::Tags,
            "process.pid" => Self::ProcessPid,
            "process.parent.pid" => Self::ProcessParentPid,
            "process.name" => Self::ProcessName,
            "process.executable" => Self::ProcessExecutable,
            "process.args" => Self::ProcessArgs,
            "process.args_count" => Self::ProcessArgsCount,
            "process.command_line" => Self::ProcessCommandLine,
            "process.title" => Self::ProcessTitle,
            "process.working_directory" => Self::ProcessWorkingDirectory,
            "process.interactive" => Self::ProcessInteractive,
            "user.id" | "process.user.id" | "process.real_user.id" => Self::Id(IdKey::Uid),
            "user.name" | "process.user.name" => Self::IdName(IdKey::Uid),
            "user.group.id" | "group.id" | "process.group.id" | "process.real_group.id" => Self::Id(IdKey::Gid),
            "user.group.name" | "group.name" | "process.group.name" => Self::IdName(IdKey::Gid),
            "user.audit.id" | "auditd.user.audit.id" => Self::Id(IdKey::Auid),
            "user.audit.name" | "auditd.user.audit.name" => Self::IdName(IdKey::Auid),
            "user.effective.id" => Self::UserEffectiveId,
            "user.effective.name" => Self::UserEffectiveName,
            "user.effective.group.id" => Self::GroupEffectiveId,
            "user.saved.id" | "auditd.user.saved.id" => Self::Id(IdKey::Suid),
            "user.filesystem.id" | "auditd.user.filesystem.id" => Self::Id(IdKey::Fsuid),
            "auditd.user.saved.group.id" => Self::Id(IdKey::Sgid),
            "auditd.user.filesystem.group.id" => Self::Id(IdKey::Fsgid),
            "destination.ip" => Self::DestinationIp,
            "destination.port" => Self::DestinationPort,
            "destination.address" | "destination.path" => Self::DestinationAddress,
            "source.ip" => Self::SourceIp,
            "source.port" => Self::SourcePort,
            "network.direction" => Self::NetworkDirection,
            "file.path" => Self::FilePath,
            "file.name" => Self::FileName,
            "file.extension" => Self::FileExtension,
            "file.inode" => Self::FileKey(b"inode"),
            "file.mode" => Self::FileKey(b"mode"),
            "file.uid" => Self::FileKey(b"ouid"),
            "file.gid" => Self::FileKey(b"ogid"),
            "file.device" => Self::FileKey(b"rdev"),
            "auditd.data.socket.family" => Self::SocketFamily,
            "auditd.data.socket.addr" => Self::SocketAddr,
            "auditd.data.socket.port" => Self::SocketPort,
            "auditd.data.socket.path" => Self::SocketPath,
            "audit.socket.family" => Self::View(Decoded::SocketFamily),
            "audit.socket.type" => Self::View(Decoded::SocketType),
            "audit.socket.type_flags" => Self::View(Decoded::SocketTypeFlags),
            "audit.socket.protocol" => Self::View(Decoded::SocketProtocol),
            "audit.open.flags" => Self::View(Decoded::OpenFlags),
            "audit.prot" => Self::View(Decoded::Protection),
            "audit.signal" => Self::View(Decoded::Signal),
            "audit.ptrace.request" => Self::View(Decoded::PtraceRequest),
            "audit.clone.flags" => Self::View(Decoded::CloneFlags),
            "audit.child_pid" => Self::View(Decoded::ChildPid),
            "audit.errno" => Self::View(Decoded::Errno),
            "audit.syscall" => Self::View(Decoded::Syscall),
            _ => {
                if let Some(key) = name.strip_prefix("auditd.data.") {
                    Self::Data(key.as_bytes().into())
                } else if let Some(key) = name.strip_prefix("auditd.paths.") {
                    Self::Paths(key.as_bytes().into())
                } else if let Some(field) = ContextField::of(name) {
                    Self::Context(field)
                } else {
                    Self::Nowhere
                }
            }
        }
    }
}
