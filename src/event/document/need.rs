//! [`Needs`]: what an event must have for a field to have a value.
//!
//! Most of some 220 fields can have no value in most events: to find that out one by one would take as long
//! as reading those that have one. Each field names what it needs, of which one must be there; each event is
//! looked at once for what it has.

use super::super::actions::Who;
use super::super::context::Part;
use super::super::host::Profile;
use super::super::origin::{ContextField, Decoded, IdKey, Origin, Relation};
use super::super::process::{Leader, Process};
use super::super::read::Reader;
use crate::record::RecordType;

/// A set of what fields need and events have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs(u32);

impl Needs {
    /// Nothing in particular.
    const NOTHING: Self = Self(1);
    /// The process is not itself whom the event is about, or acts as somebody else.
    const OTHERS: Self = Self(1 << 1);
    /// Names beside ids, of the daemon or from files of the machine.
    const NAMES: Self = Self(1 << 2);
    /// An effective user, or group, that is told.
    const EFFECTIVE_USER: Self = Self(1 << 3);
    const EFFECTIVE_GROUP: Self = Self(1 << 4);
    /// A label with parts.
    const LABEL: Self = Self(1 << 5);
    const ADDRESS: Self = Self(1 << 6);
    /// The text of a program.
    const TEXT: Self = Self(1 << 7);
    /// A file that the event is about.
    const FILE: Self = Self(1 << 8);
    /// Such a file, and names of the owners of files.
    const OWNER: Self = Self(1 << 9);
    const RENAMES: Self = Self(1 << 10);
    const CAPABILITIES: Self = Self(1 << 11);
    const ARGUMENTS: Self = Self(1 << 12);
    const TITLE: Self = Self(1 << 13);
    const FOLDER: Self = Self(1 << 14);
    const LOGIN: Self = Self(1 << 15);
    /// Calls whose arguments are told in words.
    const SOCKET: Self = Self(1 << 16);
    const OPEN: Self = Self(1 << 17);
    const MEMORY: Self = Self(1 << 18);
    const PTRACE: Self = Self(1 << 19);
    const SIGNAL: Self = Self(1 << 20);
    const CLONE: Self = Self(1 << 21);
    const EXIT: Self = Self(1 << 22);
    /// An exit code that is an error.
    const ERROR: Self = Self(1 << 23);
    /// What is known of the process and those it comes from.
    const PROCESS: Self = Self(1 << 24);
    const PARENT: Self = Self(1 << 25);
    const SESSION_LEADER: Self = Self(1 << 26);
    const GROUP_LEADER: Self = Self(1 << 27);
    const ENTRY_LEADER: Self = Self(1 << 28);
    /// The process is known, and the names of ids on its machine.
    const NAMED_PROCESS: Self = Self(1 << 29);

    /// A PATH record with a key that the kernel does not write.
    const ODD_PATH: Self = Self(1 << 30);

    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: Self = Self((1 << Self::COUNT) - 1);

    /// How many there are.
    pub(super) const COUNT: usize = 31;

    /// The numbers of those in the set.
    pub(super) fn numbers(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let next = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (next < u32::BITS).then_some(next as usize)
        })
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn add(&mut self, other: Self, there: bool) {
        if there {
            *self = self.or(other);
        }
    }

    /// What a field needs: one of these.
    pub(super) fn of_field(origin: &Origin, context: Option<ContextField>) -> Self {
        let of_records = of_origin(origin);
        match context {
            None => of_records.unwrap_or(Self(0)),
            Some(field) => of_records.unwrap_or(Self(0)).or(of_context(field)),
        }
    }

    /// What an event has.
    pub(super) fn of_event(reader: &mut Reader<'_, '_>, process: Option<&Process>) -> Self {
        let mut has = Self::NOTHING;
        for record in reader.view.group.records() {
            has = has.or(match record.kind {
                RecordType::SOCKADDR => Self::ADDRESS,
                RecordType::EXECVE => Self::ARGUMENTS,
                RecordType::PROCTITLE => Self::TITLE,
                RecordType::CWD => Self::FOLDER,
                RecordType::LOGIN => Self::LOGIN,
                RecordType::BPRM_FCAPS | RecordType::CAPSET => Self::CAPABILITIES,
                RecordType::ANOM_ABEND | RecordType::SECCOMP => Self::SIGNAL,
                _ => continue,
            });
        }
        if let Some(call) = reader.view.call {
            has = has.or(of_call(call));
        }
        let is_other = reader.profile() == Profile::Endpoint;
        let tokens = reader.view.tokens;
        let unlike = tokens.euid != tokens.uid || tokens.uid.is_none();
        has.add(Self::EFFECTIVE_USER, is_other || unlike);
        has.add(Self::EFFECTIVE_GROUP, is_other || tokens.egid != tokens.gid);
        let label = tokens.subj.and_then(|label| label.bytes()).unwrap_or_default();
        has.add(Self::LABEL, label.contains(&b':'));
        has.add(Self::TEXT, tokens.nested.is_some());
        has.add(Self::ERROR, reader.view.exit.is_some_and(|exit| exit < 0));
        has.add(Self::OTHERS, is_other || reader.who() != Who::Process);
        has.add(Self::NAMES, reader.may_have_names());
        let paths = reader.paths();
        let are_named = paths.iter().any(|path| path.is_enriched) || reader.knows_names();
        has.add(Self::ODD_PATH, paths.iter().any(|path| path.is_odd));
        if !paths.is_empty() && reader.is_about_file() {
            has = has.or(Self::FILE);
            has.add(Self::OWNER, are_named);
        }
        if let Some(process) = process {
            let leaders = &process.leaders;
            let led = |leader: &Leader| process.leader(leader).is_some();
            has = has.or(Self::PROCESS);
            has.add(Self::PARENT, process.parent.is_some());
            has.add(Self::SESSION_LEADER, led(&leaders.session));
            has.add(Self::GROUP_LEADER, led(&leaders.group));
            has.add(Self::ENTRY_LEADER, led(&leaders.entry));
            has.add(Self::NAMED_PROCESS, reader.knows_names());
        }
        has
    }
}

/// What the records must have. A field that always says the same as one it repeats needs the case in which
/// it may not.
fn of_origin(origin: &Origin) -> Option<Needs> {
    let mut needs = Needs::NOTHING;
    let mut set = |these: Needs| needs = these;
    match origin {
        Origin::Elsewhere => return None,
        Origin::ProcessUserId | Origin::ProcessGroupId => set(Needs::OTHERS),
        Origin::Id(IdKey::Uid | IdKey::Gid) | Origin::TargetId => set(Needs::OTHERS),
        Origin::Id(IdKey::OldAuid) => set(Needs::LOGIN),
        Origin::ProcessUserName | Origin::ProcessGroupName => set(Needs::OTHERS),
        Origin::IdName(IdKey::Uid | IdKey::Gid) | Origin::TargetName => set(Needs::OTHERS),
        Origin::IdName(_) => set(Needs::NAMES),
        Origin::UserName | Origin::GroupName | Origin::RelatedUser => {
            set(Needs::NAMES.or(Needs::OTHERS));
        }
        Origin::EffectiveId | Origin::EffectiveName => {
            set(Needs::EFFECTIVE_USER.or(Needs::OTHERS));
        }
        Origin::EffectiveGroupId | Origin::EffectiveGroupName => set(Needs::EFFECTIVE_GROUP),
        Origin::Selinux(_) => set(Needs::LABEL),
        Origin::DestinationIp | Origin::DestinationPort | Origin::DestinationPath => {
            set(Needs::ADDRESS);
        }
        Origin::SourcePort | Origin::NetworkType => set(Needs::ADDRESS),
        Origin::SourceIp | Origin::Direction => set(Needs::ADDRESS.or(Needs::TEXT)),
        Origin::SocketFamily | Origin::SocketAddr | Origin::SocketPort => set(Needs::ADDRESS),
        Origin::SocketPath | Origin::SocketRaw => set(Needs::ADDRESS),
        Origin::FilePath | Origin::FileName | Origin::FileExtension => set(Needs::FILE),
        Origin::FileDirectory | Origin::FileType => set(Needs::FILE),
        Origin::FileKey(_) => set(Needs::FILE),
        Origin::FileOwner(_) => set(Needs::OWNER),
        Origin::OldPath | Origin::OldName | Origin::OldExtension => set(Needs::RENAMES),
        Origin::Paths(_) => set(Needs::ODD_PATH),
        Origin::Capabilities { .. } => set(Needs::CAPABILITIES),
        Origin::Args | Origin::ArgsCount | Origin::CommandLine => set(Needs::ARGUMENTS),
        Origin::Title => set(Needs::TITLE),
        Origin::WorkingDirectory => set(Needs::FOLDER),
        Origin::ProcessEnd => set(Needs::EXIT),
        Origin::View(view) => set(of_view(*view)),
        _ => {}
    }
    Some(needs)
}

fn of_view(view: Decoded) -> Needs {
    match view {
        Decoded::SocketFamily | Decoded::SocketType => Needs::SOCKET,
        Decoded::SocketTypeFlags | Decoded::SocketProtocol => Needs::SOCKET,
        Decoded::OpenFlags => Needs::OPEN,
        Decoded::Protection => Needs::MEMORY,
        Decoded::Signal => Needs::SIGNAL,
        Decoded::PtraceRequest => Needs::PTRACE,
        Decoded::CloneFlags | Decoded::ChildPid => Needs::CLONE,
        Decoded::ExitCode => Needs::EXIT,
        Decoded::Errno => Needs::ERROR,
        Decoded::Syscall => Needs::NOTHING,
    }
}

fn of_call(call: &str) -> Needs {
    match call {
        "socket" | "socketpair" => Needs::SOCKET,
        "open" | "openat" | "openat2" | "creat" => Needs::OPEN,
        "mmap" | "mmap2" | "mprotect" | "pkey_mprotect" => Needs::MEMORY,
        "ptrace" => Needs::PTRACE,
        "kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo"
        | "pidfd_send_signal" => Needs::SIGNAL,
        "clone" | "clone3" | "fork" | "vfork" | "unshare" | "setns" => Needs::CLONE,
        "exit" | "exit_group" => Needs::EXIT,
        "rename" | "renameat" | "renameat2" => Needs::RENAMES,
        _ => Needs::NOTHING,
    }
}

fn of_context(field: ContextField) -> Needs {
    match field {
        ContextField::ParentPid => Needs::PROCESS,
        ContextField::EntryKind => Needs::PROCESS,
        ContextField::AncestorNames
        | ContextField::AncestorExecutables
        | ContextField::AncestorIds => Needs::PARENT,
        ContextField::Of(_, Part::UserName | Part::GroupName) => Needs::NAMED_PROCESS,
        ContextField::Of(Relation::Itself, _) => Needs::PROCESS,
        ContextField::Of(Relation::Parent, _) => Needs::PARENT,
        ContextField::Of(Relation::SessionLeader, _) => Needs::SESSION_LEADER,
        ContextField::Of(Relation::GroupLeader, _) => Needs::GROUP_LEADER,
        ContextField::Of(Relation::EntryLeader, _) => Needs::ENTRY_LEADER,
    }
}
