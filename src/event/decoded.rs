//! `audit.*`: the arguments of system calls in words.
//!
//! Rules on raw arguments are blind to flags: Python's datagram socket is type `80002`. These views are
//! computed from the logged registers and never replace them. Constants are those of the generic Linux
//! ABI; machines that number things their own way get no words rather than wrong ones.

use super::facts::Change;
use super::origin::Decoded;
use super::take::Sink;
use super::view::{View, decimal, field_of, hexadecimal};
use crate::record::tables::{errno_name, signal_name};
use crate::record::{RawValue, RecordType};
use crate::value::Scalar;

/// Numbers or bits with their words.
pub(super) type Words = &'static [(u64, &'static str)];

pub(super) const FAMILIES: Words = &[
    (0, "unspec"),
    (1, "unix"),
    (2, "inet"),
    (10, "inet6"),
    (16, "netlink"),
    (17, "packet"),
    (31, "bluetooth"),
    (38, "alg"),
    (40, "vsock"),
];
pub(super) const TYPES: Words =
    &[(1, "stream"), (2, "dgram"), (3, "raw"), (4, "rdm"), (5, "seqpacket"), (10, "packet")];
pub(super) const TYPE_FLAGS: Words = &[(0x800, "nonblock"), (0x8_0000, "cloexec")];
pub(super) const PROTOCOLS: Words = &[(1, "icmp"), (6, "tcp"), (17, "udp"), (58, "icmpv6")];
pub(super) const OPEN_MODES: Words = &[(0, "rdonly"), (1, "wronly"), (2, "rdwr")];
pub(super) const OPEN_FLAGS: Words = &[
    (0x40, "creat"),
    (0x80, "excl"),
    (0x100, "noctty"),
    (0x200, "trunc"),
    (0x400, "append"),
    (0x800, "nonblock"),
    (0x1000, "dsync"),
    (0x4_0000, "noatime"),
    (0x8_0000, "cloexec"),
    (0x10_0000, "sync"),
    (0x20_0000, "path"),
    (0x40_0000, "tmpfile"),
];
/// Flags of an open that arm and powerpc number differently.
pub(super) const OPEN_GENERIC: Words =
    &[(0x4000, "direct"), (0x8000, "largefile"), (0x1_0000, "directory"), (0x2_0000, "nofollow")];
pub(super) const OPEN_ARM: Words =
    &[(0x4000, "directory"), (0x8000, "nofollow"), (0x1_0000, "direct"), (0x2_0000, "largefile")];
pub(super) const PROTECTION: Words = &[(1, "read"), (2, "write"), (4, "exec")];
pub(super) const CLONE_FLAGS: Words = &[
    (0x100, "vm"),
    (0x200, "fs"),
    (0x400, "files"),
    (0x800, "sighand"),
    (0x4000, "vfork"),
    (0x8000, "parent"),
    (0x1_0000, "thread"),
    (0x2_0000, "newns"),
    (0x200_0000, "newcgroup"),
    (0x400_0000, "newuts"),
    (0x800_0000, "newipc"),
    (0x1000_0000, "newuser"),
    (0x2000_0000, "newpid"),
    (0x4000_0000, "newnet"),
];
pub(super) const PTRACE: Words = &[
    (0, "traceme"),
    (1, "peektext"),
    (2, "peekdata"),
    (3, "peekuser"),
    (4, "poketext"),
    (5, "pokedata"),
    (6, "pokeuser"),
    (7, "cont"),
    (8, "kill"),
    (0xc, "getregs"),
    (0xd, "setregs"),
    (0x10, "attach"),
    (0x11, "detach"),
    (0x4204, "getregset"),
    (0x4205, "setregset"),
    (0x4206, "seize"),
];

/// ELF numbers of machines; the lower half of an arch value.
mod machine {
    pub(super) const I386: u32 = 3;
    pub(super) const S390: u32 = 22;
    /// sparc, mips, parisc, sparc32plus, sparc64, alpha: most constants are their own.
    pub(super) const OWN: [u32; 6] = [2, 8, 15, 18, 43, 0x9026];
    /// ppc, ppc64, arm, aarch64.
    pub(super) const ARM_LIKE: [u32; 4] = [20, 21, 40, 183];
}

fn machine(view: &View<'_>) -> Option<u32> {
    view.arch.map(|arch| arch & 0xffff)
}

/// Whether numbers mean the same on the machine of an event as on most others.
pub(super) fn is_generic(view: &View<'_>) -> bool {
    machine(view).is_none_or(|machine| !machine::OWN.contains(&machine))
}

/// The flags of an open that not all machines number alike.
pub(super) fn open_own(view: &View<'_>) -> Words {
    let arm = machine(view).is_some_and(|m| machine::ARM_LIKE.contains(&m));
    if arm { OPEN_ARM } else { OPEN_GENERIC }
}

/// Whether `clone` takes its flags second.
pub(super) fn clones_backwards(view: &View<'_>) -> bool {
    machine(view) == Some(machine::S390)
}

pub(super) fn read(view: &View<'_>, what: Decoded, sink: Sink<'_>) {
    match what {
        Decoded::ChildPid => {
            if let Some(child) = child_process(view) {
                sink.value(Scalar::Int(child));
            }
        }
        Decoded::Syscall => {
            if let Some(call) = view.call {
                sink.word(call);
            }
        }
        Decoded::Errno => {
            if let Some(name) = errno(view) {
                sink.word(name);
            }
        }
        Decoded::ExitCode => {
            if matches!(view.call, Some("exit" | "exit_group"))
                && let Some(code) = int(view, 0)
            {
                sink.value(Scalar::Int(i64::try_from(code & 0xff).unwrap_or(0)));
            }
        }
        _ if !is_generic(view) => {}
        Decoded::SocketFamily => {
            if let Some(family) = socket_arg(view, 0) {
                word(FAMILIES, family, sink);
            }
        }
        Decoded::SocketType => {
            if let Some(kind) = socket_arg(view, 1) {
                word(TYPES, kind & 0xf, sink);
            }
        }
        Decoded::SocketTypeFlags => {
            if let Some(kind) = socket_arg(view, 1) {
                flags(TYPE_FLAGS, kind, sink);
            }
        }
        Decoded::SocketProtocol => match socket_arg(view, 2) {
            // 0 lets the kernel choose.
            None | Some(0) => {}
            Some(protocol) => word(PROTOCOLS, protocol, sink),
        },
        Decoded::OpenFlags => {
            if let Some(open) = open_flags(view) {
                word(OPEN_MODES, open & 3, sink);
                flags(OPEN_FLAGS, open, sink);
                flags(open_own(view), open, sink);
            }
        }
        Decoded::Protection => {
            if let Some(bits) = protection(view) {
                flags(PROTECTION, bits, sink);
            }
        }
        Decoded::Signal => {
            if let Some(name) = signal(view).and_then(signal_name) {
                sink.word(name);
            }
        }
        Decoded::PtraceRequest => {
            if view.call == Some("ptrace")
                && let Some(request) = int(view, 0)
            {
                word(PTRACE, request, sink);
            }
        }
        Decoded::CloneFlags => {
            let bits = match view.call {
                Some("clone") => clone_flags(view),
                Some("unshare") => int(view, 0),
                Some("setns") => int(view, 1),
                _ => None,
            };
            if let Some(bits) = bits {
                flags(CLONE_FLAGS, bits, sink);
            }
        }
    }
}

/// The name of the error of a call that failed.
pub(super) fn errno(view: &View<'_>) -> Option<&'static str> {
    let number = u32::try_from(view.exit?.checked_neg()?).ok().filter(|number| *number > 0)?;
    // Up to 34 all machines agree.
    if number > 34 && !is_generic(view) {
        return None;
    }
    errno_name(number)
}

/// The process that a fork-like call has made. Threads are none.
pub(super) fn child_process(view: &View<'_>) -> Option<i64> {
    match view.call? {
        "clone" if clone_flags(view).is_some_and(|flags| flags & 0x1_0000 != 0) => None,
        "clone" | "clone3" | "fork" | "vfork" => view.exit.filter(|child| *child > 0),
        _ => None,
    }
}

/// Whether a fork-like call puts its child into a process id space of its own; `clone3` does not say.
pub(super) fn clones_pids(view: &View<'_>) -> bool {
    view.call == Some("clone") && clone_flags(view).is_some_and(|flags| flags & NEWPID != 0)
}

/// What a call changes about which processes belong together.
pub(super) fn change(view: &View<'_>) -> Change {
    let Some(call) = view.call.filter(|_| view.is_call && view.result != Some(false)) else {
        return Change::Nothing;
    };
    match call {
        "setsid" => Change::Session,
        "setpgid" => match (int(view, 0).map(i32::try_from), int(view, 1).map(i32::try_from)) {
            (Some(Ok(process)), Some(Ok(group))) => Change::Group { process, group },
            _ => Change::Nothing,
        },
        "unshare" if int(view, 0).is_some_and(|flags| flags & NEWPID != 0) => Change::Pids,
        // Without a type it may be any space.
        "setns" if int(view, 1).is_some_and(|kind| kind == 0 || kind & NEWPID != 0) => Change::Pids,
        _ => Change::Nothing,
    }
}

/// The flag for a process id space.
const NEWPID: u64 = 0x2000_0000;

/// The flags of `clone`, which are its second argument on s390.
fn clone_flags(view: &View<'_>) -> Option<u64> {
    int(view, usize::from(clones_backwards(view)))
}

fn arg(view: &View<'_>, index: usize) -> Option<u64> {
    view.is_call.then_some(())?;
    view.tokens.args.get(index).copied().flatten().and_then(hexadecimal)
}

/// An argument of which the kernel takes the lower 32 bits: what is above them is logged, but the
/// caller may leave anything there.
fn int(view: &View<'_>, index: usize) -> Option<u64> {
    arg(view, index).map(lower)
}

fn lower(value: u64) -> u64 {
    value & 0xffff_ffff
}

/// An argument of `socket`; through `socketcall` they are in a record of their own.
fn socket_arg(view: &View<'_>, index: usize) -> Option<u64> {
    if !matches!(view.call, Some("socket" | "socketpair")) {
        return None;
    }
    let Some(record) = view.record(RecordType::SOCKETCALL) else {
        // Without that record, the registers of `socketcall` hold something else.
        let direct = view.tokens.syscall != Some(b"102") || machine(view) != Some(machine::I386);
        return if direct { int(view, index) } else { None };
    };
    let key: &[u8] = match index {
        0 => b"a0",
        1 => b"a1",
        _ => b"a2",
    };
    field_of(record, key).and_then(RawValue::bytes).and_then(hexadecimal).map(lower)
}

/// To write, make and truncate, in the numbers of [`OPEN_FLAGS`].
const CREAT: u64 = 0o1101;

fn open_flags(view: &View<'_>) -> Option<u64> {
    match view.call? {
        "open" => int(view, 1),
        "openat" => int(view, 2),
        // It is defined as an open with these, see creat(2).
        "creat" => Some(CREAT),
        "openat2" => {
            // The register holds a pointer; the flags are in a record of their own, in octal.
            let record = view.record(RecordType::OPENAT2)?;
            let text = field_of(record, b"oflag").and_then(RawValue::bytes)?;
            u64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()
        }
        _ => None,
    }
}

fn protection(view: &View<'_>) -> Option<u64> {
    match view.call? {
        // There the one argument points at all others.
        "mmap" if matches!(machine(view), Some(machine::I386 | machine::S390)) => None,
        "mmap" | "mmap2" | "mprotect" | "pkey_mprotect" => arg(view, 2),
        _ => None,
    }
}

fn signal(view: &View<'_>) -> Option<u32> {
    let number = match view.call {
        Some("kill" | "tkill" | "rt_sigqueueinfo" | "pidfd_send_signal") => int(view, 1)?,
        Some("tgkill" | "rt_tgsigqueueinfo") => int(view, 2)?,
        _ => {
            let record =
                view.record(RecordType::ANOM_ABEND).or_else(|| view.record(RecordType::SECCOMP))?;
            let number = field_of(record, b"sig").and_then(RawValue::bytes).and_then(decimal)?;
            u64::try_from(number).ok()?
        }
    };
    u32::try_from(number).ok()
}

/// The word for a number, or the number in decimal.
fn word(words: Words, number: u64, sink: Sink<'_>) {
    match words.iter().find(|(known, _)| *known == number) {
        Some((_, word)) => sink.word(word),
        None => sink.value(Scalar::Str(&number.to_string())),
    }
}

/// The words of all bits that are set.
fn flags(words: Words, bits: u64, sink: Sink<'_>) {
    for (bit, word) in words {
        if bits & bit != 0 {
            sink.word(word);
        }
    }
}
