//! Who leads what a new program image belongs to, from what its parent is and what the log says.
//!
//! In: a [`Process`] with the leaders it has by birth, its parent, and whether its host logs `setsid`.
//! Out: the same with the leaders it must have. The kernel's session of a process is in no record; it is
//! known from a logged `setsid`, by inheritance, from a terminal that the parent does not have - only who
//! leads a session can come by one - and, where `setsid` is not logged, from programs that always begin a
//! session before they run another one. Nothing here is about one event only.

use crate::event::{EntryKind, Leader, Process, Terminal};

/// What begins a session for whoever logs in.
const SSHD: [&str; 3] = ["sshd", "sshd-session", "sshd-auth"];
/// What begins one for a container.
const RUNTIMES: [&str; 4] = ["runc", "crun", "conmon", "youki"];
const SHIM: &str = "containerd-shim";
const SSM: &str = "ssm-session-worker";

/// Sets the leaders of an image that begins to run.
///
/// `login` is the user at login. `by_call` says that the host logs `setsid`: then only what was logged
/// makes a session.
pub(super) fn settle(
    process: &mut Process,
    parent: Option<&Process>,
    login: Option<u32>,
    by_call: bool,
) {
    let terminal = process.person.terminal;
    let came_by_terminal = terminal.is_some_and(Terminal::is_some)
        && parent.is_some_and(|p| p.person.terminal.is_some() && p.person.terminal != terminal);
    if came_by_terminal {
        lead_session(process);
    }
    let leads = process.leaders.session == Leader::Itself;
    if !leads && by_call {
        return;
    }
    if let Some(kind) = kind(process, parent, login, leads) {
        lead_session(process);
        process.leaders.entry = Leader::Itself;
        process.leaders.kind = Some(kind);
    } else if leads && process.leaders.entry == Leader::Unknown {
        process.leaders.entry = Leader::Itself;
        process.leaders.kind = Some(EntryKind::Unknown);
    }
}

/// The process begins a session, and with it a group.
pub(super) fn lead_session(process: &mut Process) {
    process.leaders.session = Leader::Itself;
    process.leaders.group = Leader::Itself;
}

/// How a login, service or container begins with this process, if one does. `leads` says that it is
/// known to lead its session.
fn kind(
    process: &Process,
    parent: Option<&Process>,
    login: Option<u32>,
    leads: bool,
) -> Option<EntryKind> {
    let program = program(process);
    match process.person.terminal {
        Some(Terminal::Console(_)) if leads && program == "login" => {
            return Some(EntryKind::Console);
        }
        Some(Terminal::Serial(_)) if leads => return Some(EntryKind::Terminal),
        _ => {}
    }
    let by = parent.map_or("", self::program);
    let is_runtime = |name: &str| RUNTIMES.contains(&name) || name.starts_with(SHIM);
    if SSHD.contains(&by) && !SSHD.contains(&program) {
        // What the daemon runs for itself while somebody logs in runs as itself.
        let of_login = process.person.user.zip(login).is_none_or(|(user, login)| user == login);
        return (leads || of_login).then_some(EntryKind::Sshd);
    }
    if is_runtime(by) && !is_runtime(program) {
        return Some(EntryKind::Container);
    }
    if by == SSM && matches!(process.person.terminal, Some(Terminal::Pseudo(_))) {
        return Some(EntryKind::Ssm);
    }
    // An orphan keeps the parent it came from, so that this one was started there.
    let by_init = process.ppid == Some(1) && parent.is_none_or(|parent| parent.pid == 1);
    by_init.then_some(EntryKind::Init)
}

/// The file name of its program.
fn program(process: &Process) -> &str {
    let path = process.image.executable().unwrap_or("");
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or("")
}
