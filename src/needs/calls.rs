//! System calls as audit rules name them: numbers, what `perm=` stands for, and the purpose of each.
//!
//! In: names. Out: numbers of an x86_64 machine and words. Nothing is known here of rules or events.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::list::Width;
use crate::record::tables::syscall_name;

/// Above every number of a call of these machines.
pub(super) const NUMBERS: u32 = 1024;

type Names = BTreeMap<&'static str, u32>;

static NAMES: LazyLock<[Names; 2]> = LazyLock::new(|| {
    [Width::B64, Width::B32].map(|width| {
        let name = |number| Some((syscall_name(width.audit_arch(), number)?, number));
        (0..NUMBERS).filter_map(name).collect()
    })
});

fn names(width: Width) -> &'static Names {
    let [b64, b32] = &*NAMES;
    if width == Width::B64 { b64 } else { b32 }
}

/// The number of a call.
pub(super) fn number(width: Width, name: &str) -> Option<u32> {
    let spelled = match name {
        "pread64" => "pread",
        "pwrite64" => "pwrite",
        "umount" if width == Width::B64 => "umount2",
        name => name,
    };
    names(width).get(name).or_else(|| names(width).get(spelled)).copied()
}

/// All names of calls of either width.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    names(Width::B64).keys().chain(names(Width::B32).keys()).copied()
}

/// What `perm=` says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Perm {
    Never,
    Always,
    /// By how the file is opened.
    Mode,
    /// Kernels and tools differ.
    Unclear,
}

const READ: &[&str] = &[
    "readlink",
    "readlinkat",
    "quotactl",
    "listxattr",
    "llistxattr",
    "flistxattr",
    "getxattr",
    "lgetxattr",
    "fgetxattr",
    "getxattrat",
    "listxattrat",
];
const WRITE: &[&str] = &[
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "creat",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "acct",
    "swapon",
    "quotactl",
    "truncate",
    "truncate64",
    "ftruncate",
    "ftruncate64",
    "bind",
    "fallocate",
];
const ATTRIBUTES: &[&str] = &[
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "chown32",
    "fchown32",
    "lchown32",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
    "link",
    "linkat",
];

/// Whether any of `letters` holds for a call.
pub(super) fn perm(call: &str, letters: &str) -> Perm {
    let has = |letter| letters.contains(letter);
    match call {
        "execve" | "execveat" if has('x') => return Perm::Always,
        "open" | "openat" | "openat2" if has('r') && has('w') => return Perm::Always,
        "open" | "openat" | "openat2" if has('r') || has('w') => return Perm::Mode,
        // Bind is told by an argument.
        "socketcall" if has('w') => return Perm::Unclear,
        _ => {}
    }
    let classes = [('r', READ), ('w', WRITE), ('a', ATTRIBUTES)];
    if classes.iter().any(|(letter, calls)| has(*letter) && calls.contains(&call)) {
        return Perm::Always;
    }
    let looks = call.contains("stat") || call.contains("access");
    if has('r') && looks { Perm::Unclear } else { Perm::Never }
}

/// Which files a call touches beside the one it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    /// The folder of that one, when it is made or taken away.
    Folder,
    /// Another name, or the interpreter of a program.
    Any,
}

/// Which files a call touches beside the one it is about.
pub(super) fn beside(call: &str) -> Beside {
    match call {
        "execve" | "execveat" | "mount" | "pivot_root" | "swapon" => Beside::Any,
        _ if call.starts_with("rename") || call.starts_with("link") => Beside::Any,
        "open" | "openat" | "openat2" | "creat" | "mkdir" | "mkdirat" | "rmdir" | "unlink"
        | "unlinkat" | "mknod" | "mknodat" | "symlink" | "symlinkat" | "bind" | "socketcall" => {
            Beside::Folder
        }
        _ => Beside::Nothing,
    }
}

/// A word for what a call is watched for; rules of one purpose have one key.
pub(super) fn purpose(call: &str, category: &str) -> &'static str {
    match call {
        "execve" | "execveat" => "exec",
        "fork" | "vfork" | "clone" | "clone3" | "exit" | "exit_group" => "process",
        "socket" | "socketpair" | "socketcall" => "network",
        "kill" | "tkill" | "tgkill" => "signal",
        "ptrace" | "process_vm_readv" | "process_vm_writev" => "trace",
        "mmap" | "mmap2" | "mprotect" | "pkey_mprotect" | "memfd_create" => "memory",
        _ if call.starts_with("set") && (call.contains("uid") || call.contains("gid")) => {
            "identity"
        }
        _ => match category {
            "network" => "network",
            "file" => "file",
            "driver" => "module",
            "host" => "system",
            _ => "calls",
        },
    }
}
