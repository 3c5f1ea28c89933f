//! Names of errors and signals.
//!
//! In: a number. Out: `ENOENT`, `SIGKILL`. The numbers are those of the generic kernel headers, which
//! hold on every architecture but alpha, mips, parisc and sparc.

use syscalls::Errno;

/// The name of an error number, `2` → `ENOENT`. Takes the positive number; the kernel's internal
/// restart codes (512 to 516) are named too.
pub fn errno_name(number: u32) -> Option<&'static str> {
    match number {
        512 => return Some("ERESTARTSYS"),
        513 => return Some("ERESTARTNOINTR"),
        514 => return Some("ERESTARTNOHAND"),
        516 => return Some("ERESTART_RESTARTBLOCK"),
        _ => {}
    }
    Errno::new(i32::try_from(number).ok()?).name()
}

/// The name of a signal, `9` → `SIGKILL`; real-time signals (32 to 64) have none.
pub fn signal_name(number: u32) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    NAMES.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_numbers_seen_in_logs() {
        for (number, name) in [
            (1, "EPERM"),
            (2, "ENOENT"),
            (13, "EACCES"),
            (17, "EEXIST"),
            (101, "ENETUNREACH"),
            (111, "ECONNREFUSED"),
            (115, "EINPROGRESS"),
            (512, "ERESTARTSYS"),
        ] {
            assert_eq!(errno_name(number), Some(name));
        }
        assert_eq!(errno_name(9999), None);
        assert_eq!(errno_name(u32::MAX), None);
        assert_eq!(signal_name(9), Some("SIGKILL"));
        assert_eq!(signal_name(31), Some("SIGSYS"));
        assert_eq!((signal_name(0), signal_name(32)), (None, None));
    }
}
