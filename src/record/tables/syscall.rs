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

/// The name of system call `number` on `arch`, as the audit tools spell it. `None` when the table of
/// that architecture has no such number, or there is no table (alpha, ia64, parisc, 31-bit s390).
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
            180 => Some("pread"),
            181 => Some("pwrite"),
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
        0x4000_0028 | 0x28 => arm::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0xc000_00f3 => riscv64::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x4000_00f3 => riscv32::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0xc000_0015 | 0x8000_0015 => {
            powerpc64::Sysno::new(id).map(|call| audit_spelling(call.name()))
        }
        0x14 => powerpc::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x8000_0016 => s390x::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0xc000_0102 => loongarch64::Sysno::new(id).map(|call| audit_spelling(call.name())),
        0x8 | 0x4000_0008 => mips::Sysno::new(id).map(|call| call.name()),
        0x8000_0008 | 0xc000_0008 => mips64::Sysno::new(id).map(|call| call.name()),
        0x2 => sparc::Sysno::new(id).map(|call| call.name()),
        0x8000_002b => sparc64::Sysno::new(id).map(|call| call.name()),
        _ => None,
    }
}

/// The audit tools leave the width out of the names of these two calls.
fn audit_spelling(name: &'static str) -> &'static str {
    match name {
        "pread64" => "pread",
        "pwrite64" => "pwrite",
        other => other,
    }
}

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

    #[test]
    fn calls_that_rules_name_on_three_architectures() {
        for (name, numbers) in [
            ("execve", [59, 11, 221]),
            ("execveat", [322, 358, 281]),
            ("socket", [41, 359, 198]),
            ("connect", [42, 362, 203]),
            ("bind", [49, 361, 200]),
            ("openat", [257, 295, 56]),
            ("openat2", [437, 437, 437]),
            ("ptrace", [101, 26, 117]),
            ("mprotect", [10, 125, 226]),
            ("memfd_create", [319, 356, 279]),
            ("clone3", [435, 435, 435]),
            ("finit_module", [313, 350, 273]),
            ("pread", [17, 180, 67]),
        ] {
            for (arch, number) in [X86_64, I386, AARCH64].into_iter().zip(numbers) {
                assert_eq!(syscall_name(arch, number), Some(name), "{arch:x} {number}");
            }
        }
        assert_eq!(syscall_name(I386, 102), Some("socketcall"));
        assert_eq!(syscall_name(0x8000_0016, 180), Some("pread"), "s390x");
        assert_eq!(syscall_name(X86_64, 9999), None);
        assert_eq!(syscall_name(0xc000_9026, 1), None);
    }

    #[test]
    fn x32_calls_are_not_a_blind_spot() {
        assert_eq!(syscall_name(X86_64, X32_BIT | 520), Some("execve"));
        assert_eq!(syscall_name(X86_64, X32_BIT | 547), Some("pwritev2"));
        assert_eq!(syscall_name(X86_64, X32_BIT | 41), Some("socket"));
        assert_eq!(syscall_name(X86_64, u32::MAX), None);
    }
}
