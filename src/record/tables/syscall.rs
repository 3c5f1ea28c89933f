//! Architectures and the names of their system calls, in the spelling of the audit tools.
//!
//! In: the `arch=` and `syscall=` of a record. Out: `x86_64`, `execve`. The numbers come from the
//! `syscalls` crate; where the audit tools spell a call differently (`pread` for `pread64`) their
//! spelling is given, because rules are written against it.

use syscalls::{
    aarch64, arm, loongarch64, mips, mips64, powerpc, powerpc64, riscv32, riscv64, s390x, sparc,
    sparc64, x86, x86_64,
};

/// `AUDIT_ARCH_X86_64`.
const X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
const I386: u32 = 0x4000_0003;
/// `AUDIT_ARCH_AARCH64`.
const AARCH64: u32 = 0xc000_00b7;
/// Set in the numbers of calls of the x32 ABI, which shares the arch value of x86_64.
const X32_BIT: u32 = 0x4000_0000;

/// Reads the value of `arch=`: hexadecimal without `0x`, at most eight digits.
pub fn parse_arch(text: &[u8]) -> Option<u32> {
    if text == b"c000003e" {
        // Nearly all there are.
        return Some(X86_64);
    }
    if text.is_empty() || text.len() > 8 {
        return None;
    }
    text.iter().try_fold(0_u32, |sum, byte| Some((sum << 4) | char::from(*byte).to_digit(16)?))
}

/// Whether machines of this architecture are little-endian.
pub fn is_little_endian(arch: u32) -> bool {
    arch & 0x4000_0000 != 0
}

/// What `socketcall` stands for, by its first argument from 1.
pub const SOCKET_CALLS: [&str; 20] = [
    "socket",
    "bind",
    "connect",
    "listen",
    "accept",
    "getsockname",
    "getpeername",
    "socketpair",
    "send",
    "recv",
    "sendto",
    "recvfrom",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "sendmsg",
    "recvmsg",
    "accept4",
    "recvmmsg",
    "sendmmsg",
];

/// The name of an architecture; `None` for one not listed.
pub fn arch_name(arch: u32) -> Option<&'static str> {
    Some(match arch {
        X86_64 => "x86_64",
        I386 => "i386",
        AARCH64 => "aarch64",
        0x4000_0028 => "arm",
        0x28 => "armeb",
        0xc000_00f3 => "riscv64",
        0x4000_00f3 => "riscv32",
        0xc000_0015 => "ppc64le",
        0x8000_0015 => "ppc64",
        0x14 => "ppc",
        0x8000_0016 => "s390x",
        0x16 => "s390",
        0xc000_0102 => "loongarch64",
        0x8 => "mips",
        0x4000_0008 => "mipsel",
        0x8000_0008 | 0xa000_0008 => "mips64",
        0xc000_0008 | 0xe000_0008 => "mipsel64",
        0x2 => "sparc",
        0x8000_002b => "sparc64",
        0xc000_9026 => "alpha",
        0xc000_0032 => "ia64",
        0xf => "parisc",
        0x8000_000f => "parisc64",
        _ => return None,
    })
}

/// The value of an architecture by its name; of two with one name, the common one.
pub fn arch_number(name: &str) -> Option<u32> {
    const ARCHES: [u32; 23] = [
        X86_64,
        I386,
        AARCH64,
        0x4000_0028,
        0x28,
        0xc000_00f3,
        0x4000_00f3,
        0xc000_0015,
        0x8000_0015,
        0x14,
        0x8000_0016,
        0x16,
        0xc000_0102,
        0x8,
        0x4000_0008,
        0x8000_0008,
        0xc000_0008,
        0x2,
        0x8000_002b,
        0xc000_9026,
        0xc000_0032,
        0xf,
        0x8000_000f,
    ];
    ARCHES.into_iter().find(|arch| arch_name(*arch) == Some(name))
}

/// The name of system call `number` on `arch`, as the audit tools spell it. `None` when the table of
/// that architecture has no such number, or there is no table (alpha, ia64, parisc).
///
/// Constant time; a pair of jump tables on x86_64.
pub fn syscall_name(arch: u32, number: u32) -> Option<&'static str> {
    let id = usize::try_from(number).ok()?;
    match arch {
        X86_64 if number & X32_BIT != 0 => x32_name(number ^ X32_BIT),
        X86_64 => match number {
            17 => Some("pread"),
            18 => Some("pwrite"),
            470 => Some("listns"),
            _ => x86_64::Sysno::new(id).map(|call| call.name()),
        },
        I386 => match number {
            17 => Some("break"),
            219 => Some("madvise1"),
            283 => Some("sys_kexec_load"),
            423 => Some("sched_rr_get_interval64"),
            _ => x86::Sysno::new(id).map(|call| call.name()),
        },
        AARCH64 => match number {
            61 => Some("getdents"),
            67 => Some("pread"),
            68 => Some("pwrite"),
            79 => Some("newfstatat"),
            80 => Some("newfstat"),
            _ => aarch64::Sysno::new(id).map(|call| call.name()),
        },
        0x4000_0028 | 0x28 => {
            listed(ARM, number).or_else(|| arm::Sysno::new(id).map(|call| call.name()))
        }
        0xc000_00f3 => riscv64::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x4000_00f3 => riscv32::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0xc000_0015 | 0x8000_0015 => listed(POWERPC, number)
            .or_else(|| powerpc64::Sysno::new(id).map(|call| audit_spelling(call.name()))),
        0x14 => listed(POWERPC, number)
            .or_else(|| powerpc::Sysno::new(id).map(|call| audit_spelling(call.name()))),
        0x8000_0016 => s390x::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x16 => listed(S390, number)
            .or_else(|| s390x::Sysno::new(id).map(|call| audit_spelling(call.name()))),
        0xc000_0102 => loongarch64::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x8 | 0x4000_0008 => mips::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x8000_0008 | 0xc000_0008 => mips64::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x2 => sparc::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x8000_002b => sparc64::Sysno::new(id).map(|call| audit_spelling(call.name())),
        _ => None,
    }
}

/// The audit tools leave the width out of the names of two calls; one is a word of Rust.
fn audit_spelling(name: &'static str) -> &'static str {
    match name {
        "pread64" => "pread",
        "pwrite64" => "pwrite",
        "r#break" => "break",
        other => other,
    }
}

/// Numbers with names, ascending.
type Names = &'static [(u32, &'static str)];

fn listed(names: Names, number: u32) -> Option<&'static str> {
    let at = names.binary_search_by_key(&number, |(known, _)| *known).ok()?;
    names.get(at).map(|(_, name)| *name)
}

/// Calls of the old ABI of arm, and those that the audit tools spell their own way.
#[rustfmt::skip]
const ARM: Names = &[
    (13, "time"), (22, "umount"), (25, "stime"), (27, "alarm"), (30, "utime"), (76, "getrlimit"),
    (82, "select"), (89, "readdir"), (90, "mmap"), (102, "socketcall"), (113, "syscall"), (117, "ipc"),
    (140, "llseek"), (142, "newselect"), (149, "sysctl"), (270, "fadvise64_64"),
    (341, "sync_file_range"), (423, "sched_rr_get_interval64"),
];
/// Calls of powerpc of either width that the audit tools spell their own way.
const POWERPC: Names =
    &[(291, "fstatat64"), (306, "timerfd"), (319, "perf_counter_open"), (392, "semtimedop")];
/// Calls of 31-bit s390 where the 64-bit table has another one or none.
#[rustfmt::skip]
const S390: Names = &[
    (13, "time"), (16, "lchown"), (23, "setuid"), (24, "getuid"), (25, "stime"), (46, "setgid"),
    (47, "getgid"), (49, "geteuid"), (50, "getegid"), (70, "setreuid"), (71, "setregid"),
    (76, "getrlimit"), (80, "getgroups"), (81, "setgroups"), (95, "fchown"), (101, "ioperm"),
    (138, "setfsuid"), (139, "setfsgid"), (140, "_llseek"), (142, "_newselect"), (164, "setresuid"),
    (165, "getresuid"), (170, "setresgid"), (171, "getresgid"), (182, "chown"), (191, "ugetrlimit"),
    (192, "mmap2"), (193, "truncate64"), (194, "ftruncate64"), (195, "stat64"), (196, "lstat64"),
    (197, "fstat64"), (198, "lchown32"), (199, "getuid32"), (200, "getgid32"), (201, "geteuid32"),
    (202, "getegid32"), (203, "setreuid32"), (204, "setregid32"), (205, "getgroups32"),
    (206, "setgroups32"), (207, "fchown32"), (208, "setresuid32"), (209, "getresuid32"),
    (210, "setresgid32"), (211, "getresgid32"), (212, "chown32"), (213, "setuid32"), (214, "setgid32"),
    (215, "setfsuid32"), (216, "setfsgid32"), (221, "fcntl64"), (223, "sendfile64"),
    (264, "fadvise64_64"), (293, "fstatat64"),
];

/// Calls of the x32 ABI: the numbers of x86_64, but for those with a 32-bit layout of their own.
fn x32_name(number: u32) -> Option<&'static str> {
    const OWN: [&str; 36] = [
        "rt_sigaction",
        "rt_sigreturn",
        "ioctl",
        "readv",
        "writev",
        "recvfrom",
        "sendmsg",
        "recvmsg",
        "execve",
        "ptrace",
        "rt_sigpending",
        "rt_sigtimedwait",
        "rt_sigqueueinfo",
        "sigaltstack",
        "timer_create",
        "mq_notify",
        "kexec_load",
        "waitid",
        "set_robust_list",
        "get_robust_list",
        "vmsplice",
        "move_pages",
        "preadv",
        "pwritev",
        "rt_tgsigqueueinfo",
        "recvmmsg",
        "sendmmsg",
        "process_vm_readv",
        "process_vm_writev",
        "setsockopt",
        "getsockopt",
        "io_setup",
        "io_submit",
        "execveat",
        "preadv2",
        "pwritev2",
    ];
    match number.checked_sub(512) {
        Some(at) if at < 36 => OWN.get(usize::try_from(at).ok()?).copied(),
        _ => syscall_name(X86_64, number & !X32_BIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_arch_values() {
        assert_eq!(parse_arch(b"c000003e"), Some(X86_64));
        assert_eq!(parse_arch(b"40000003").and_then(arch_name), Some("i386"));
        for bad in [&b""[..], b"x86_64", b"1c000003e"] {
            assert_eq!(parse_arch(bad), None);
        }
        assert!(is_little_endian(X86_64) && !is_little_endian(0x8000_0015));
    }

    /// Name and numbers on x86_64, i386 and aarch64; 0 where there is none.
    #[rustfmt::skip]
    const RULES: [(&str, [u32; 3]); 56] = [
        ("execve", [59, 11, 221]), ("execveat", [322, 358, 281]), ("socket", [41, 359, 198]),
        ("connect", [42, 362, 203]), ("bind", [49, 361, 200]), ("listen", [50, 363, 201]),
        ("accept", [43, 0, 202]), ("accept4", [288, 364, 242]), ("sendto", [44, 369, 206]),
        ("recvfrom", [45, 371, 207]), ("sendmsg", [46, 370, 211]), ("recvmsg", [47, 372, 212]),
        ("socketcall", [0, 102, 0]), ("open", [2, 5, 0]), ("openat", [257, 295, 56]),
        ("openat2", [437, 437, 437]), ("creat", [85, 8, 0]), ("dup2", [33, 63, 0]),
        ("dup3", [292, 330, 24]), ("clone", [56, 120, 220]), ("clone3", [435, 435, 435]),
        ("fork", [57, 2, 0]), ("vfork", [58, 190, 0]), ("ptrace", [101, 26, 117]),
        ("kill", [62, 37, 129]), ("tkill", [200, 238, 130]), ("tgkill", [234, 270, 131]),
        ("mmap", [9, 90, 222]), ("mmap2", [0, 192, 0]), ("mprotect", [10, 125, 226]),
        ("memfd_create", [319, 356, 279]), ("prctl", [157, 172, 167]), ("setuid", [105, 23, 146]),
        ("setreuid", [113, 70, 145]), ("setresuid", [117, 164, 147]), ("setuid32", [0, 213, 0]),
        ("setreuid32", [0, 203, 0]), ("setresuid32", [0, 208, 0]), ("setsid", [112, 66, 157]),
        ("unshare", [272, 310, 97]), ("setns", [308, 346, 268]), ("mount", [165, 21, 40]),
        ("init_module", [175, 128, 105]), ("finit_module", [313, 350, 273]),
        ("delete_module", [176, 129, 106]), ("bpf", [321, 357, 280]), ("splice", [275, 313, 76]),
        ("process_vm_writev", [311, 348, 271]), ("chmod", [90, 15, 0]), ("fchmodat", [268, 306, 53]),
        ("fchmodat2", [452, 452, 452]), ("unlinkat", [263, 301, 35]), ("renameat2", [316, 353, 276]),
        ("exit_group", [231, 252, 94]), ("pread", [17, 0, 67]), ("pread64", [0, 180, 0]),
    ];

    #[test]
    fn calls_that_rules_name_on_three_architectures() {
        for (name, numbers) in RULES {
            for (arch, number) in [X86_64, I386, AARCH64].into_iter().zip(numbers) {
                if number != 0 {
                    assert_eq!(syscall_name(arch, number), Some(name), "{arch:x} {number}");
                }
            }
        }
    }

    /// The audit tools have names of their own for some calls; rules are written with them.
    #[test]
    fn spellings_of_the_audit_tools() {
        for (arch, number, name) in [
            ("x86_64", 18, "pwrite"),
            ("x86_64", 470, "listns"),
            ("i386", 17, "break"),
            ("i386", 219, "madvise1"),
            ("i386", 283, "sys_kexec_load"),
            ("i386", 423, "sched_rr_get_interval64"),
            ("aarch64", 61, "getdents"),
            ("aarch64", 79, "newfstatat"),
            ("aarch64", 80, "newfstat"),
            ("arm", 13, "time"),
            ("arm", 102, "socketcall"),
            ("arm", 117, "ipc"),
            ("arm", 142, "newselect"),
            ("arm", 281, "socket"),
            ("ppc", 17, "break"),
            ("ppc", 179, "pread"),
            ("ppc", 306, "timerfd"),
            ("ppc64", 291, "fstatat64"),
            ("ppc64le", 319, "perf_counter_open"),
            ("s390x", 180, "pread"),
            ("s390x", 203, "setreuid"),
            ("s390", 203, "setreuid32"),
            ("s390", 102, "socketcall"),
            ("s390", 11, "execve"),
        ] {
            let value = ARCHES.iter().find(|(_, known)| *known == arch).map(|(value, _)| *value);
            assert_eq!(syscall_name(value.unwrap(), number), Some(name), "{arch} {number}");
        }
        for table in [ARM, POWERPC, S390] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
        }
        assert_eq!(syscall_name(X86_64, 9999), None);
        assert_eq!(syscall_name(0xc000_9026, 1), None);
    }

    #[rustfmt::skip]
    const ARCHES: [(u32, &str); 23] = [
        (0xc000_003e, "x86_64"), (0x4000_0003, "i386"), (0xc000_00b7, "aarch64"), (0x4000_0028, "arm"),
        (0x28, "armeb"), (0xc000_00f3, "riscv64"), (0x4000_00f3, "riscv32"), (0xc000_0015, "ppc64le"),
        (0x8000_0015, "ppc64"), (0x14, "ppc"), (0x8000_0016, "s390x"), (0x16, "s390"),
        (0xc000_0102, "loongarch64"), (0x8, "mips"), (0x4000_0008, "mipsel"), (0x8000_0008, "mips64"),
        (0xc000_0008, "mipsel64"), (0x2, "sparc"), (0x8000_002b, "sparc64"), (0xc000_9026, "alpha"),
        (0xc000_0032, "ia64"), (0xf, "parisc"), (0x8000_000f, "parisc64"),
    ];

    #[test]
    fn architectures() {
        for (value, name) in ARCHES {
            assert_eq!(parse_arch(format!("{value:x}").as_bytes()), Some(value));
            assert_eq!(arch_name(value), Some(name));
        }
        assert_eq!(arch_name(0xc000_ffff), None);
    }

    #[test]
    fn x32_calls_are_not_a_blind_spot() {
        assert_eq!(syscall_name(X86_64, X32_BIT | 520), Some("execve"));
        assert_eq!(syscall_name(X86_64, X32_BIT | 547), Some("pwritev2"));
        assert_eq!(syscall_name(X86_64, X32_BIT | 41), Some("socket"));
        assert_eq!(syscall_name(X86_64, u32::MAX), None);
    }
}
