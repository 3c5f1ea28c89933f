//! The registers of a system call in words.
//!
//! In: the SYSCALL record of an event, or the SOCKETCALL record beside it. Out: what an argument means,
//! for the calls of which it is known. Constants are those of the generic Linux ABI; machines that
//! number things their own way get no words rather than wrong ones.

use super::super::decoded::{
    CLONE_FLAGS, FAMILIES, OPEN_FLAGS, OPEN_MODES, PROTECTION, PROTOCOLS, PTRACE, TYPE_FLAGS,
    TYPES, Words, clones_backwards, is_generic, open_own,
};
use super::super::group::Record;
use super::super::view::{View, decimal, field_of, hexadecimal};
use super::words::{flags, mode_of, octal, word_of};
use crate::record::tables::{SOCKET_CALLS, signal_name, syscall_name};
use crate::record::{RawValue, RecordType};

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// Nothing that has a better form than the one logged.
    Other,
    /// A descriptor or another small number, as the caller would write it.
    Small,
    /// A descriptor of a folder, or the one that stands for the working directory.
    Folder,
    /// A length or an offset.
    Size,
    /// Permissions; the kernel takes nothing else from it.
    Permissions,
    /// The type of a file with its permissions.
    Mode,
    /// Permissions, when the call may make a file.
    ModeOfNew,
    /// A user or a group; -1 leaves it as it is.
    Owner,
    Family,
    Type,
    TypeFlags,
    Protocol,
    Open,
    Protection,
    Mapping,
    Signal,
    Ptrace,
    Clone,
    SocketCall,
    Prctl,
    Memfd,
    Bpf,
    Message,
}

use Is::{
    Bpf, Clone as CloneFlags, Family, Folder, Mapping, Memfd, Message, Mode, ModeOfNew, Open,
    Other, Owner, Permissions, Prctl, Protection as Prot, Protocol, Ptrace, Signal, Size, Small,
    SocketCall, Type, TypeFlags,
};

/// The arguments of calls; what is not here is shown as logged.
#[rustfmt::skip]
const CALLS: &[(&[&str], [Is; 4])] = &[
    (&["socket", "socketpair"], [Family, Type, Protocol, Other]),
    (&["connect", "bind"], [Small, Other, Size, Other]),
    (&["accept4"], [Small, Other, Other, TypeFlags]),
    (&["accept", "getsockname", "getpeername", "close", "dup", "fchdir", "fsync",
       "finit_module", "pidfd_getfd", "fstat", "newfstat"], [Small, Other, Other, Other]),
    (&["listen", "shutdown", "dup2", "setsockopt", "getsockopt"], [Small, Small, Other, Other]),
    (&["dup3"], [Small, Small, TypeFlags, Other]),
    (&["sendto", "recvfrom", "send", "recv"], [Small, Other, Size, Message]),
    (&["sendmsg", "recvmsg"], [Small, Other, Message, Other]),
    (&["read", "write"], [Small, Other, Size, Other]),
    (&["pread", "pwrite"], [Small, Other, Size, Size]),
    (&["ftruncate"], [Small, Size, Other, Other]),
    (&["open"], [Other, Open, ModeOfNew, Other]),
    (&["openat"], [Folder, Other, Open, ModeOfNew]),
    (&["creat", "mkdir", "chmod"], [Other, Permissions, Other, Other]),
    (&["fchmod"], [Small, Permissions, Other, Other]),
    (&["mkdirat", "fchmodat", "fchmodat2"], [Folder, Other, Permissions, Other]),
    (&["mknod"], [Other, Mode, Other, Other]),
    (&["mknodat"], [Folder, Other, Mode, Other]),
    (&["chown", "lchown"], [Other, Owner, Owner, Other]),
    (&["fchown"], [Small, Owner, Owner, Other]),
    (&["fchownat"], [Folder, Other, Owner, Owner]),
    (&["openat2", "execveat", "unlinkat", "readlinkat", "faccessat", "faccessat2", "newfstatat", "fstatat",
       "statx", "utimensat", "futimesat", "name_to_handle_at"], [Folder, Other, Other, Other]),
    (&["renameat", "renameat2", "linkat"], [Folder, Other, Folder, Other]),
    (&["symlinkat"], [Other, Folder, Other, Other]),
    (&["kill", "tkill", "rt_sigqueueinfo", "pidfd_send_signal"], [Small, Signal, Other, Other]),
    (&["tgkill", "rt_tgsigqueueinfo"], [Small, Small, Signal, Other]),
    (&["ptrace"], [Ptrace, Small, Other, Other]),
    (&["process_vm_readv", "process_vm_writev", "pidfd_open", "exit", "exit_group"], [Small, Other, Other, Other]),
    (&["mmap", "mmap2"], [Other, Size, Prot, Mapping]),
    (&["mprotect", "pkey_mprotect"], [Other, Size, Prot, Other]),
    (&["munmap", "init_module"], [Other, Size, Other, Other]),
    (&["unshare"], [CloneFlags, Other, Other, Other]),
    (&["setns"], [Small, CloneFlags, Other, Other]),
    (&["setuid", "setgid", "setfsuid", "setfsgid", "setuid32", "setgid32", "setfsuid32", "setfsgid32"],
     [Owner, Other, Other, Other]),
    (&["setreuid", "setregid", "setreuid32", "setregid32"], [Owner, Owner, Other, Other]),
    (&["setresuid", "setresgid", "setresuid32", "setresgid32"], [Owner, Owner, Owner, Other]),
    (&["prctl"], [Prctl, Other, Other, Other]),
    (&["memfd_create"], [Other, Memfd, Other, Other]),
    (&["bpf"], [Bpf, Other, Size, Other]),
    (&["socketcall"], [SocketCall, Other, Other, Other]),
];

const CLONE_MORE: Words = &[
    (0x1000, "pidfd"),
    (0x2000, "ptrace"),
    (0x4_0000, "sysvsem"),
    (0x8_0000, "settls"),
    (0x10_0000, "parent_settid"),
    (0x20_0000, "child_cleartid"),
    (0x40_0000, "detached"),
    (0x80_0000, "untraced"),
    (0x100_0000, "child_settid"),
    (0x8000_0000, "io"),
];
pub(super) const MAPPING: Words = &[
    (0x1, "shared"),
    (0x2, "private"),
    (0x10, "fixed"),
    (0x20, "anonymous"),
    (0x100, "growsdown"),
    (0x800, "denywrite"),
    (0x2000, "locked"),
    (0x4000, "noreserve"),
    (0x8000, "populate"),
    (0x1_0000, "nonblock"),
    (0x2_0000, "stack"),
    (0x4_0000, "hugetlb"),
    (0x8_0000, "sync"),
    (0x10_0000, "fixed_noreplace"),
];
const PRCTLS: Words = &[
    (1, "set_pdeathsig"),
    (3, "get_dumpable"),
    (4, "set_dumpable"),
    (8, "set_keepcaps"),
    (15, "set_name"),
    (16, "get_name"),
    (21, "get_seccomp"),
    (22, "set_seccomp"),
    (23, "capbset_read"),
    (24, "capbset_drop"),
    (28, "set_securebits"),
    (35, "set_mm"),
    (36, "set_child_subreaper"),
    (38, "set_no_new_privs"),
    (47, "cap_ambient"),
    (0x5961_6d61, "set_ptracer"),
];
const MEMFD: Words =
    &[(1, "cloexec"), (2, "allow_sealing"), (4, "hugetlb"), (8, "noexec_seal"), (16, "exec")];
const BPFS: Words = &[
    (0, "map_create"),
    (1, "map_lookup_elem"),
    (2, "map_update_elem"),
    (3, "map_delete_elem"),
    (5, "prog_load"),
    (6, "obj_pin"),
    (7, "obj_get"),
    (8, "prog_attach"),
    (9, "prog_detach"),
    (18, "btf_load"),
    (28, "link_create"),
];
const MESSAGE: Words = &[
    (0x1, "oob"),
    (0x2, "peek"),
    (0x4, "dontroute"),
    (0x20, "trunc"),
    (0x40, "dontwait"),
    (0x80, "eor"),
    (0x100, "waitall"),
    (0x800, "confirm"),
    (0x2000, "errqueue"),
    (0x4000, "nosignal"),
    (0x8000, "more"),
    (0x2000_0000, "fastopen"),
    (0x4000_0000, "cmsg_cloexec"),
];

/// The arguments of one call.
pub(super) struct Arguments {
    kinds: [Is; 4],
    values: [Option<u64>; 4],
    open_own: Words,
}

/// The arguments in a record; `None` when it holds none that we know.
pub(super) fn of(view: &View<'_>, record: Record<'_>) -> Option<Arguments> {
    if !is_generic(view) {
        return None;
    }
    let call = match record.kind {
        RecordType::SYSCALL => {
            // The call itself: of `socketcall` the registers are not those of the call that was meant.
            let number =
                field_of(record, b"syscall").and_then(RawValue::bytes).and_then(decimal)?;
            syscall_name(view.arch?, u32::try_from(number).ok()?)?
        }
        RecordType::SOCKETCALL => view.call?,
        _ => return None,
    };
    let value = |key: &[u8]| field_of(record, key).and_then(RawValue::bytes).and_then(hexadecimal);
    let values = [value(b"a0"), value(b"a1"), value(b"a2"), value(b"a3")];
    let kinds = match call {
        "clone" if clones_backwards(view) => [Other, CloneFlags, Other, Other],
        "clone" => [CloneFlags, Other, Other, Other],
        // Where registers are few, `mmap` takes one pointer to all of them.
        "mmap" if view.arch.is_some_and(|arch| matches!(arch & 0xffff, 3 | 22)) => return None,
        _ => CALLS.iter().find(|(names, _)| names.contains(&call)).map(|(_, kinds)| *kinds)?,
    };
    Some(Arguments { kinds, values, open_own: open_own(view) })
}

impl Arguments {
    /// What the argument in `a0` to `a3` means.
    pub(super) fn means(&self, key: &[u8]) -> Option<String> {
        let index = match key {
            b"a0" => 0,
            b"a1" => 1,
            b"a2" => 2,
            b"a3" => 3,
            _ => return None,
        };
        let wide = self.values.get(index).copied().flatten()?;
        // The kernel takes the lower 32 bits of most; what is above may be anything.
        let value = wide & 0xffff_ffff;
        let signed = i32::from_ne_bytes(u32::try_from(value).ok()?.to_ne_bytes());
        Some(match self.kinds.get(index)? {
            Other => return None,
            Small => signed.to_string(),
            Folder if signed == -100 => "AT_FDCWD".to_owned(),
            Folder => signed.to_string(),
            Size => wide.to_string(),
            Mode => mode_of(value),
            Permissions => octal(value & 0o7777),
            ModeOfNew if self.makes_file() => octal(value & 0o7777),
            ModeOfNew => return None,
            Owner if signed == -1 => "unchanged".to_owned(),
            Owner => value.to_string(),
            Family => word_of(FAMILIES, value)?,
            Type => with_flags(word_of(TYPES, value & 0xf)?, TYPE_FLAGS, value & !0xf),
            TypeFlags => flags(TYPE_FLAGS, value)?,
            Protocol => word_of(PROTOCOLS, value)?,
            Open => {
                let known: Vec<_> = OPEN_FLAGS.iter().chain(self.open_own).copied().collect();
                with_flags(word_of(OPEN_MODES, value & 3)?, &known, value & !3)
            }
            Prot if value == 0 => "none".to_owned(),
            Prot => flags(PROTECTION, value)?,
            Mapping => flags(MAPPING, value)?,
            Signal => match signal_name(u32::try_from(value).ok()?) {
                Some(name) => name.to_owned(),
                // A real-time signal, or none: a probe.
                None => value.to_string(),
            },
            Ptrace => word_of(PTRACE, value)?,
            CloneFlags => {
                let known: Vec<_> = CLONE_FLAGS.iter().chain(CLONE_MORE).copied().collect();
                let signal = u32::try_from(value & 0xff).ok().and_then(signal_name);
                match (flags(&known, value & !0xff), signal) {
                    (Some(words), Some(signal)) => format!("{words}|{signal}"),
                    (Some(words), None) => words,
                    (None, Some(signal)) => signal.to_owned(),
                    (None, None) => return None,
                }
            }
            SocketCall => {
                let index = usize::try_from(value).ok()?.checked_sub(1)?;
                (*SOCKET_CALLS.get(index)?).to_owned()
            }
            Prctl => word_of(PRCTLS, value)?,
            Memfd => flags(MEMFD, value)?,
            Bpf => word_of(BPFS, value)?,
            Message => flags(MESSAGE, value)?,
        })
    }

    /// Whether the flags of an open let it make a file: only then its mode means anything.
    fn makes_file(&self) -> bool {
        let open = self.kinds.iter().position(|kind| *kind == Open);
        let value = open.and_then(|index| self.values.get(index).copied().flatten());
        value.is_some_and(|value| value & 0x40_0040 != 0)
    }
}

fn with_flags(word: String, known: &[(u64, &'static str)], bits: u64) -> String {
    match flags(known, bits) {
        Some(words) => format!("{word}|{words}"),
        None => word,
    }
}
