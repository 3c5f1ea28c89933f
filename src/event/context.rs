//! The value of a context field, from what is known about the event's process.

use super::host::{Host, Profile};
use super::origin::{ContextField, Relation};
use super::process::{Person, Process};
use super::take::{Sink, Take};
use super::{Event, Projection};
use crate::schema::FieldId;
use crate::value::Scalar;

impl Event {
    /// Fills in the fields that its records leave empty from the process it is about.
    pub fn add_all_context(&mut self, projection: &Projection) {
        self.add_context(projection, (0..).map(FieldId).take(projection.len()));
    }

    /// The same for some fields.
    pub fn add_context(&mut self, projection: &Projection, fields: impl Iterator<Item = FieldId>) {
        let Some(process) = self.process.take() else { return };
        let host = self.host.take();
        for field in fields {
            if let Some(context) = projection.context(field)
                && self.facts.admits(context)
                && self.is_missing(field)
            {
                self.fill(field, |sink| read_context(&process, host.as_deref(), context, sink));
            }
        }
        self.process = Some(process);
        self.host = host;
    }
}

/// Gives the values of one context field; `host` is the machine of the event.
///
/// Arguments and the like of the process itself describe the program it runs at the time of the event,
/// also when the event is no execution.
pub(super) fn read_context(
    process: &Process,
    host: Option<&Host>,
    field: ContextField,
    sink: &mut dyn Take,
) {
    let (relation, part) = match field {
        ContextField::Of(relation, part) => (relation, part),
        ContextField::AncestorNames => {
            return process.ancestors().for_each(|one| text(one.image.name(), sink));
        }
        ContextField::AncestorExecutables => {
            return process.ancestors().for_each(|one| text(one.image.executable(), sink));
        }
        ContextField::AncestorIds => {
            return process.ancestors().for_each(|one| text(Some(&one.entity_id), sink));
        }
        ContextField::EntryKind => {
            if let Some(kind) = process.leaders.kind {
                sink.word(kind.name());
            }
            return;
        }
        // Known also of a parent that was never seen.
        ContextField::ParentPid => {
            if let Some(ppid) = process.ppid {
                sink.value(Scalar::Int(ppid));
            }
            return;
        }
    };
    let process = match relation {
        Relation::Itself => Some(process),
        Relation::Parent => process.parent.as_deref(),
        Relation::SessionLeader => process.leader(&process.leaders.session),
        Relation::GroupLeader => process.leader(&process.leaders.group),
        Relation::EntryLeader => process.leader(&process.leaders.entry),
    };
    if let Some(process) = process {
        read_part(process, host, part, sink);
    }
}

/// What may be known of any process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `entity_id`
    EntityId,
    /// `pid`
    Pid,
    /// `name`
    Name,
    /// `executable`
    Executable,
    /// `args`
    Args,
    /// `args_count`
    ArgsCount,
    /// `command_line`
    CommandLine,
    /// `working_directory`
    WorkingDirectory,
    /// `user.id`
    UserId,
    /// `user.name`
    UserName,
    /// `group.id`
    GroupId,
    /// `group.name`
    GroupName,
    /// `real_user.id`
    RealUserId,
    /// `real_group.id`
    RealGroupId,
    /// `interactive`
    Interactive,
    /// `tty.char_device.major`
    TerminalMajor,
    /// `tty.char_device.minor`
    TerminalMinor,
}

fn read_part(process: &Process, host: Option<&Host>, part: Part, sink: Sink<'_>) {
    let Person { user, group, effective_user, effective_group, terminal } = process.person;
    let profile = host.map_or(Profile::default(), |host| host.profile);
    // Whoever `user.id` and `group.id` are of the process of the event itself.
    let (acting_user, acting_group) = match profile {
        Profile::Auditd => (user, group),
        Profile::Endpoint => (effective_user.or(user), effective_group.or(group)),
    };
    let names = host.and_then(|host| host.names.as_deref());
    let image = &process.image;
    match part {
        Part::EntityId => text(Some(&process.entity_id), sink),
        Part::Pid => sink.value(Scalar::Int(process.pid)),
        Part::Name => process_names(process, profile, sink),
        Part::Executable => text(image.executable(), sink),
        Part::Args => image.args().for_each(|arg| text(Some(arg), sink)),
        Part::ArgsCount => {
            if let Some(count) = image.args_count() {
                sink.value(Scalar::Int(count));
            }
        }
        Part::CommandLine if image.args().len() == 0 => {}
        Part::CommandLine => sink.joined(&mut image.args()),
        Part::WorkingDirectory => text(image.working_directory(), sink),
        Part::UserId => id(acting_user, sink),
        Part::GroupId => id(acting_group, sink),
        Part::RealUserId => id(user, sink),
        Part::RealGroupId => id(group, sink),
        Part::UserName => text(names.zip(acting_user).and_then(|(n, id)| n.user(id)), sink),
        Part::GroupName => text(names.zip(acting_group).and_then(|(n, id)| n.group(id)), sink),
        Part::Interactive => {
            if let Some(terminal) = terminal {
                sink.value(Scalar::Bool(terminal.is_some()));
            }
        }
        Part::TerminalMajor | Part::TerminalMinor => {
            if let Some((major, minor)) = terminal.and_then(|terminal| terminal.device()) {
                let number = if part == Part::TerminalMajor { major } else { minor };
                sink.value(Scalar::Int(i64::from(number)));
            }
        }
    }
}

fn text(value: Option<&str>, sink: Sink<'_>) {
    if let Some(value) = value {
        sink.value(Scalar::Str(value));
    }
}

/// An id as text, without memory of its own.
fn id(id: Option<u32>, sink: Sink<'_>) {
    let Some(mut rest) = id else { return };
    let mut digits = [b'0'; 10];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        // One digit: always below 256.
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    let written = digits.get(digits.len() - used..).unwrap_or_default();
    text(std::str::from_utf8(written).ok(), sink);
}

/// `comm` and the file name of the program where it differs, in the order of the profile; behind them
/// the name of a script of which `comm` has but the beginning.
fn process_names(process: &Process, profile: Profile, sink: Sink<'_>) {
    let name = process.image.name();
    let path = process.image.executable();
    let path = path.map(|path| path.strip_suffix(" (deleted)").unwrap_or(path));
    let file = path.and_then(|path| path.rsplit('/').next()).filter(|file| !file.is_empty());
    let (first, second) = match profile {
        Profile::Endpoint if file.is_some() => (file, name),
        _ => (name, file),
    };
    text(first, sink);
    text(second.filter(|second| Some(*second) != first), sink);
    let args = process.image.args().map(str::as_bytes);
    let script = name.and_then(|name| whole_name(name.as_bytes(), args));
    let script = script.and_then(|script| std::str::from_utf8(script).ok());
    text(script.filter(|script| Some(*script) != file), sink);
}

/// Longest `comm`, in bytes.
pub(super) const MAX_COMM: usize = 15;

/// The name of a script of which `comm` has but the beginning: the kernel puts its path behind the
/// interpreter and at most one argument of that.
pub(super) fn whole_name<'a>(
    comm: &[u8],
    args: impl Iterator<Item = &'a [u8]>,
) -> Option<&'a [u8]> {
    if comm.len() != MAX_COMM {
        return None;
    }
    let names = args.take(3).filter_map(|arg| arg.rsplit(|byte| *byte == b'/').next());
    names.into_iter().find(|name| name.len() > MAX_COMM && name.starts_with(comm))
}
