//! Words that `ausearch -i` prints → what the kernel had logged.
//!
//! In: a word or words joined by `|`. Out: the number, as far as it is certain; `None` otherwise. Machines
//! that number things their own way get no numbers rather than wrong ones.

/// Words of arguments, all of which have one meaning only.
#[rustfmt::skip]
const WORDS: &[(&str, u64)] = &[
    ("AT_FDCWD", 0xffff_ff9c),
    ("SOCK_STREAM", 1), ("SOCK_DGRAM", 2), ("SOCK_RAW", 3), ("SOCK_RDM", 4), ("SOCK_SEQPACKET", 5),
    ("SOCK_DCCP", 6), ("SOCK_PACKET", 10),
    ("O_RDONLY", 0), ("O_WRONLY", 1), ("O_RDWR", 2), ("O_CREAT", 0x40), ("O_EXCL", 0x80), ("O_NOCTTY", 0x100),
    ("O_TRUNC", 0x200), ("O_APPEND", 0x400), ("O_NONBLOCK", 0x800), ("O_DSYNC", 0x1000), ("O_ASYNC", 0x2000),
    ("O_NOATIME", 0x4_0000), ("O_CLOEXEC", 0x8_0000), ("__O_SYNC", 0x10_0000), ("O_PATH", 0x20_0000),
    ("__O_TMPFILE", 0x40_0000),
    ("PROT_NONE", 0), ("PROT_READ", 1), ("PROT_WRITE", 2), ("PROT_EXEC", 4), ("PROT_SEM", 8),
    ("MAP_SHARED", 1), ("MAP_PRIVATE", 2), ("MAP_FIXED", 0x10), ("MAP_ANONYMOUS", 0x20), ("MAP_GROWSDOWN", 0x100),
    ("MAP_DENYWRITE", 0x800), ("MAP_EXECUTABLE", 0x1000), ("MAP_LOCKED", 0x2000), ("MAP_NORESERVE", 0x4000),
    ("MAP_POPULATE", 0x8000), ("MAP_NONBLOCK", 0x1_0000), ("MAP_STACK", 0x2_0000), ("MAP_HUGETLB", 0x4_0000),
    ("MSG_OOB", 1), ("MSG_PEEK", 2), ("MSG_DONTROUTE", 4), ("MSG_CTRUNC", 8), ("MSG_PROXY", 0x10), ("MSG_TRUNC", 0x20),
    ("MSG_DONTWAIT", 0x40), ("MSG_EOR", 0x80), ("MSG_WAITALL", 0x100), ("MSG_CONFIRM", 0x800),
    ("MSG_ERRQUEUE", 0x2000), ("MSG_NOSIGNAL", 0x4000), ("MSG_MORE", 0x8000), ("MSG_FASTOPEN", 0x2000_0000),
    ("MSG_CMSG_CLOEXEC", 0x4000_0000),
    ("PTRACE_TRACEME", 0), ("PTRACE_PEEKTEXT", 1), ("PTRACE_PEEKDATA", 2), ("PTRACE_PEEKUSER", 3),
    ("PTRACE_POKETEXT", 4), ("PTRACE_POKEDATA", 5), ("PTRACE_POKEUSER", 6), ("PTRACE_CONT", 7), ("PTRACE_KILL", 8),
    ("PTRACE_GETREGS", 12), ("PTRACE_SETREGS", 13), ("PTRACE_ATTACH", 16), ("PTRACE_DETACH", 17),
    ("PTRACE_GETREGSET", 0x4204), ("PTRACE_SETREGSET", 0x4205), ("PTRACE_SEIZE", 0x4206),
    ("PR_SET_PDEATHSIG", 1), ("PR_GET_DUMPABLE", 3), ("PR_SET_DUMPABLE", 4), ("PR_SET_KEEPCAPS", 8),
    ("PR_SET_NAME", 15), ("PR_GET_NAME", 16), ("PR_GET_SECCOMP", 21), ("PR_SET_SECCOMP", 22),
    ("PR_CAPBSET_READ", 23), ("PR_CAPBSET_DROP", 24), ("PR_SET_SECUREBITS", 28), ("PR_SET_MM", 35),
    ("PR_SET_CHILD_SUBREAPER", 36), ("PR_SET_NO_NEW_PRIVS", 38), ("PR_CAP_AMBIENT", 47),
    ("CLONE_VM", 0x100), ("CLONE_FS", 0x200), ("CLONE_FILES", 0x400), ("CLONE_SIGHAND", 0x800),
    ("CLONE_PIDFD", 0x1000), ("CLONE_PTRACE", 0x2000), ("CLONE_VFORK", 0x4000), ("CLONE_PARENT", 0x8000),
    ("CLONE_THREAD", 0x1_0000), ("CLONE_NEWNS", 0x2_0000), ("CLONE_SYSVSEM", 0x4_0000), ("CLONE_SETTLS", 0x8_0000),
    ("CLONE_PARENT_SETTID", 0x10_0000), ("CLONE_CHILD_CLEARTID", 0x20_0000), ("CLONE_UNTRACED", 0x80_0000),
    ("CLONE_CHILD_SETTID", 0x100_0000), ("CLONE_NEWCGROUP", 0x200_0000), ("CLONE_NEWUTS", 0x400_0000),
    ("CLONE_NEWIPC", 0x800_0000), ("CLONE_NEWUSER", 0x1000_0000), ("CLONE_NEWPID", 0x2000_0000),
    ("CLONE_NEWNET", 0x4000_0000), ("CLONE_IO", 0x8000_0000),
];
/// Flags of an open that only machines number so that are not arm or powerpc.
const X86: &[(&str, u64)] = &[
    ("O_DIRECT", 0x4000),
    ("O_LARGEFILE", 0x8000),
    ("O_DIRECTORY", 0x1_0000),
    ("O_NOFOLLOW", 0x2_0000),
];
const FAMILIES: &[(&str, u64)] = &[
    ("unspec", 0),
    ("local", 1),
    ("inet", 2),
    ("ax25", 3),
    ("ipx", 4),
    ("inet6", 10),
    ("netlink", 16),
    ("packet", 17),
    ("bluetooth", 31),
    ("alg", 38),
    ("vsock", 40),
];
const PROTOCOLS: &[(&str, u64)] = &[
    ("ip", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("igp", 9),
    ("udp", 17),
    ("ipv6", 41),
    ("ipv6-icmp", 58),
    ("sctp", 132),
    ("raw", 255),
];
const RESOLVE: &[(&str, u64)] = &[
    ("RESOLVE_NO_XDEV", 1),
    ("RESOLVE_NO_MAGICLINKS", 2),
    ("RESOLVE_NO_SYMLINKS", 4),
    ("RESOLVE_BENEATH", 8),
    ("RESOLVE_IN_ROOT", 16),
    ("RESOLVE_CACHED", 32),
];
const FILE_TYPES: &[(&str, u32)] = &[
    ("000", 0),
    ("socket", 0o14_0000),
    ("link", 0o12_0000),
    ("file", 0o10_0000),
    ("block", 0o6_0000),
    ("dir", 0o4_0000),
    ("character", 0o2_0000),
    ("fifo", 0o1_0000),
    ("suid", 0o4000),
    ("sgid", 0o2000),
    ("sticky", 0o1000),
];

fn in_table(table: &[(&str, u64)], word: &str) -> Option<u64> {
    table.iter().find(|(known, _)| *known == word).map(|(_, number)| *number)
}

/// The number of `unknown(4242)`, `unknown-signal(0x23)` and the like.
pub(super) fn unknown(text: &str) -> Option<u64> {
    let inner = text.strip_prefix("unknown")?.split_once('(')?.1.strip_suffix(')')?;
    match inner.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => inner.bytes().all(|b| b.is_ascii_digit()).then(|| inner.parse().ok()).flatten(),
    }
}

/// An argument of a system call. `x86`: the machine numbers flags as x86 does.
pub(super) fn argument(call: &str, place: u8, text: &str, x86: bool) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok();
    }
    if text == "unset" {
        return Some(0xffff_ffff);
    }
    if let Some(number) = unknown(text).or_else(|| signal(text)) {
        return Some(number);
    }
    if call == "socketcall" && place == 0 {
        return crate::record::tables::SOCKET_CALLS
            .iter()
            .zip(1..)
            .find(|(known, _)| **known == text)
            .map(|(_, n)| n);
    }
    if matches!(call, "socket" | "socketpair") {
        match place {
            0 => return in_table(FAMILIES, text),
            2 => return in_table(PROTOCOLS, text),
            _ => {}
        }
    }
    if text.starts_with('0') || text.contains(",0") {
        return mode(text).map(u64::from);
    }
    let mut bits = 0;
    for word in text.split('|') {
        let own = || in_table(X86, word).filter(|_| x86);
        bits |= in_table(WORDS, word).or_else(own).or_else(|| signal(word))?;
    }
    Some(bits)
}

/// How a path was to be looked up.
pub(super) fn resolve(text: &str) -> Option<u64> {
    text.split('|').try_fold(0, |bits, word| Some(bits | in_table(RESOLVE, word)?))
}

/// The number of a signal; `SIG0` is none.
pub(super) fn signal(text: &str) -> Option<u64> {
    if text == "SIG0" {
        return Some(0);
    }
    let name = text.starts_with("SIG").then_some(text)?;
    (1..=31).find(|n| crate::record::tables::signal_name(*n) == Some(name)).map(u64::from)
}

/// `file,suid,755` → 0104755.
pub(super) fn mode(text: &str) -> Option<u32> {
    let mut bits = 0;
    let mut parts = text.split(',').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            let octal = (1..=6).contains(&part.len()).then_some(part)?;
            return u32::from_str_radix(octal, 8)
                .ok()
                .filter(|_| !octal.contains('+'))
                .map(|n| n | bits);
        }
        bits |= FILE_TYPES.iter().find(|(known, _)| *known == part).map(|(_, bit)| *bit)?;
    }
    None
}

/// `-13`, `0x7f..`, `EACCES(Permission denied)`: what a call gave back.
pub(super) fn exit(text: &str) -> Option<i64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
    }
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let name = text.split('(').next().filter(|name| name.starts_with('E'))?;
    let number = (1..=600).find(|n| crate::record::tables::errno_name(*n) == Some(name))?;
    Some(-i64::from(number))
}

/// The filter list of a rule.
pub(super) fn list(text: &str) -> Option<u64> {
    let lists = ["user", "task", "entry", "watch", "exit", "exclude", "filesystem", "io_uring"];
    lists.iter().position(|known| *known == text).map(|at| at as u64)
}

/// Appends the bytes of an address, `{ saddr_fam=inet laddr=198.51.100.7 lport=9003 }`. `false` when there
/// is not enough to tell.
pub(super) fn address(text: &[u8], little: bool, out: &mut Vec<u8>) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return unix(text, out) };
    if let Some(family) = unknown(text).and_then(|family| u16::try_from(family).ok()) {
        out.extend_from_slice(&if little { family.to_le_bytes() } else { family.to_be_bytes() });
        return true;
    }
    let Some(inner) = text.strip_prefix("{ ").and_then(|text| text.strip_suffix('}')) else {
        return false;
    };
    let mut words = inner.split(' ');
    let family = words.next().and_then(|word| word.rsplit_once("fam=")).map(|(_, family)| family);
    let Some(family) = family.and_then(|family| in_table(FAMILIES, family)) else { return false };
    if family == 1 {
        return unix(text.as_bytes(), out);
    }
    let value =
        |key: &str| inner.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let port = || value("lport").and_then(|port| port.parse::<u16>().ok());
    let ip = || value("laddr").and_then(|ip| ip.parse::<std::net::IpAddr>().ok());
    let Ok(family) = u16::try_from(family) else { return false };
    let family_bytes = if little { family.to_le_bytes() } else { family.to_be_bytes() };
    match (family, ip(), port()) {
        (2, Some(std::net::IpAddr::V4(ip)), Some(port)) => {
            out.extend_from_slice(&family_bytes);
            out.extend_from_slice(&port.to_be_bytes());
            out.extend_from_slice(&ip.octets());
            out.extend_from_slice(&[0; 8]);
        }
        (10, Some(std::net::IpAddr::V6(ip)), Some(port)) => {
            out.extend_from_slice(&family_bytes);
            out.extend_from_slice(&port.to_be_bytes());
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&ip.octets());
            out.extend_from_slice(&[0; 4]);
        }
        (16, ..) => {
            let Some(pid) = value("nlnk-pid").and_then(|pid| pid.parse::<u32>().ok()) else {
                return false;
            };
            out.extend_from_slice(&family_bytes);
            out.extend_from_slice(&[0; 2]);
            out.extend_from_slice(&if little { pid.to_le_bytes() } else { pid.to_be_bytes() });
            out.extend_from_slice(&[0; 4]);
        }
        (0, ..) => out.extend_from_slice(&[0; 16]),
        _ => return false,
    }
    true
}

/// The bytes of a local address: its path is what is left, whatever it holds.
fn unix(text: &[u8], out: &mut Vec<u8>) -> bool {
    let inner = text.strip_prefix(b"{ ").and_then(|text| text.strip_suffix(b"}"));
    let inner = inner.map(|inner| inner.strip_suffix(b" ").unwrap_or(inner));
    let rest = inner.and_then(|inner| {
        inner.strip_prefix(b"saddr_fam=local ").or_else(|| inner.strip_prefix(b"fam=local "))
    });
    match rest {
        Some(b"sockaddr len too short") => out.extend_from_slice(&[1, 0]),
        Some(rest) => match rest.strip_prefix(b"path=") {
            Some(path) => {
                out.extend_from_slice(&[1, 0]);
                // No socket has a longer name.
                out.extend_from_slice(path.get(..108).unwrap_or(path));
                out.push(0);
            }
            None => return false,
        },
        None => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_the_numbers_they_were() {
        let rows: [(&str, u8, &str, Option<u64>); 16] = [
            ("openat", 0, "AT_FDCWD", Some(0xffff_ff9c)),
            ("openat", 2, "O_WRONLY|O_CREAT|O_APPEND", Some(0x441)),
            ("openat", 2, "O_RDONLY|O_DIRECTORY", Some(0x1_0000)),
            ("openat", 2, "O_RDONLY|O_SOMETHING", None),
            ("socket", 0, "local", Some(1)),
            ("socket", 1, "SOCK_DGRAM", Some(2)),
            ("socket", 2, "udp", Some(17)),
            ("connect", 0, "local", None),
            ("setuid", 0, "unknown(4242)", Some(4242)),
            ("setuid", 0, "root", None),
            ("setreuid", 1, "unset", Some(0xffff_ffff)),
            ("kill", 1, "SIGKILL", Some(9)),
            ("kill", 1, "unknown-signal(34)", Some(34)),
            ("clone", 0, "CLONE_NEWUSER|SIGCHLD", Some(0x1000_0011)),
            ("fchmodat", 2, "suid,0600", Some(0o4600)),
            ("mprotect", 2, "PROT_READ|PROT_EXEC", Some(5)),
        ];
        for (call, place, text, number) in rows {
            assert_eq!(argument(call, place, text, true), number, "{call} {text}");
        }
        assert_eq!(
            argument("openat", 2, "O_RDONLY|O_DIRECTORY", false),
            None,
            "arm has another number"
        );
        assert_eq!(mode("file,suid,755"), Some(0o10_4755));
        assert_eq!(mode("pipe,755"), None);
        assert_eq!(exit("EACCES(Permission denied)"), Some(-13));
        assert_eq!(exit("ERESTARTSYS(To be restarted if SA_RESTART is set)"), Some(-512));
        assert_eq!(exit("0xffffffffffffffff"), Some(-1));
        assert_eq!(exit("root"), None);
    }
}
