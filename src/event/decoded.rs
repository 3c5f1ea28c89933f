//! `audit.*`: the arguments of system calls in words.
//!
//! Rules on raw arguments are blind to flags: Python's datagram socket is type `80002`. These views are
//! computed from the logged registers and never replace them. Constants are those of the Linux ABI
//! that x86, arm and risc-v share.

use super::read::Sink;
use super::source::Decoded;
use super::view::{View, decimal, hexadecimal};
use crate::record::tables::errno_name;
use crate::record::{RawValue, RecordType};
use crate::value::Scalar;

type Words = &'static [(u64, &'static str)];

const FAMILIES: Words = &[
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
const TYPES: Words =
    &[(1, "stream"), (2, "dgram"), (3, "raw"), (4, "rdm"), (5, "seqpacket"), (10, "packet")];
const TYPE_FLAGS: Words = &[(0x800, "nonblock"), (0x8_0000, "cloexec")];
const PROTOCOLS: Words = &[(1, "icmp"), (6, "tcp"), (17, "udp"), (58, "icmpv6")];
const OPEN_FLAGS: Words = &[
    (0x40, "creat"),
    (0x80, "excl"),
    (0x200, "trunc"),
    (0x400, "append"),
    (0x800, "nonblock"),
    (0x1_0000, "directory"),
    (0x2_0000, "nofollow"),
    (0x8_0000, "cloexec"),
    (0x20_0000, "path"),
];
const PROTECTION: Words = &[(1, "read"), (2, "write"), (4, "exec")];
const CLONE_FLAGS: Words = &[
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
const PTRACE: Words = &[
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

pub(super) fn read(view: &View<'_>, what: Decoded, sink: Sink<'_>) {
    match what {
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
                word(&[(0, "rdonly"), (1, "wronly"), (2, "rdwr")], open & 3, sink);
                flags(OPEN_FLAGS, open, sink);
            }
        }
        Decoded::Protection => {
            if let Some("mmap" | "mprotect" | "pkey_mprotect") = view.call
                && let Some(bits) = arg(view, 2)
            {
                flags(PROTECTION, bits, sink);
            }
        }
        Decoded::Signal => signal(view, sink),
        Decoded::PtraceRequest => {
            if view.call == Some("ptrace")
                && let Some(request) = arg(view, 0)
            {
                word(PTRACE, request, sink);
            }
        }
        Decoded::CloneFlags => {
            let bits = match view.call {
                Some("clone" | "unshare") => arg(view, 0),
                Some("setns") => arg(view, 1),
                _ => None,
            };
            if let Some(bits) = bits {
                flags(CLONE_FLAGS, bits, sink);
            }
        }
        Decoded::ChildPid => {
            if let Some(child) = child_pid(view) {
                sink(Scalar::Int(child));
            }
        }
        Decoded::Errno => {
            if let Some(name) = view.exit.and_then(errno) {
                sink(Scalar::Str(name));
            }
        }
        Decoded::Syscall => {
            if let Some(call) = view.call {
                sink(Scalar::Str(call));
            }
        }
    }
}

/// The name of a negative result.
pub(super) fn errno(exit: i64) -> Option<&'static str> {
    errno_name(u32::try_from(exit.checked_neg()?).ok().filter(|number| *number > 0)?)
}

/// The process that a fork-like call has made.
pub(super) fn child_pid(view: &View<'_>) -> Option<i64> {
    match view.call? {
        "clone" | "clone3" | "fork" | "vfork" => view.exit.filter(|child| *child > 0),
        _ => None,
    }
}

/// Whether a fork-like call made a thread of the same process rather than a process.
pub(super) fn makes_thread(view: &View<'_>) -> bool {
    view.call == Some("clone") && arg(view, 0).is_some_and(|flags| flags & 0x1_0000 != 0)
}

fn arg(view: &View<'_>, index: usize) -> Option<u64> {
    view.is_call.then_some(())?;
    view.tokens.args.get(index).copied().flatten().and_then(hexadecimal)
}

/// An argument of `socket`; through `socketcall` they are in a record of their own.
fn socket_arg(view: &View<'_>, index: usize) -> Option<u64> {
    if !matches!(view.call, Some("socket" | "socketpair")) {
        return None;
    }
    let Some(record) = view.record(RecordType::SOCKETCALL) else { return arg(view, index) };
    let key: &[u8] = match index {
        0 => b"a0",
        1 => b"a1",
        _ => b"a2",
    };
    super::read::field_of(record, key).and_then(RawValue::bytes).and_then(hexadecimal)
}

fn open_flags(view: &View<'_>) -> Option<u64> {
    match view.call? {
        "open" => arg(view, 1),
        "openat" => arg(view, 2),
        "openat2" => {
            // The register holds a pointer; the flags are in a record of their own, in octal.
            let record = view.group.records().find(|r| r.kind_name == b"OPENAT2")?;
            let text = super::read::field_of(record, b"oflag").and_then(RawValue::bytes)?;
            u64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok()
        }
        _ => None,
    }
}

fn signal(view: &View<'_>, sink: Sink<'_>) {
    let number = match view.call {
        Some("kill" | "tkill") => arg(view, 1),
        Some("tgkill") => arg(view, 2),
        _ => view
            .group
            .records()
            .find(|r| matches!(r.kind_name, b"ANOM_ABEND" | b"SECCOMP"))
            .and_then(|record| super::read::field_of(record, b"sig"))
            .and_then(RawValue::bytes)
            .and_then(decimal)
            .and_then(|number| u64::try_from(number).ok()),
    };
    let name = number
        .and_then(|number| u32::try_from(number).ok())
        .and_then(crate::record::tables::signal_name);
    if let Some(name) = name {
        sink(Scalar::Str(name));
    }
}

/// The word for a number, or the number in decimal.
fn word(words: Words, number: u64, sink: Sink<'_>) {
    match words.iter().find(|(known, _)| *known == number) {
        Some((_, word)) => sink(Scalar::Str(word)),
        None => sink(Scalar::Str(&number.to_string())),
    }
}

/// The words of all bits that are set.
fn flags(words: Words, bits: u64, sink: Sink<'_>) {
    for (bit, word) in words {
        if bits & bit != 0 {
            sink(Scalar::Str(word));
        }
    }
}
