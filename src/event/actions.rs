//! What an audit event is called in ECS: action, category and type by system call or record type.
//!
//! Source: the normalisations of Auditbeat, plus the names that other producers give to the same facts,
//! so that rules written for either find it. The first action is the canonical one.

/// The ECS names of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Canonical action first, then what others call it.
    pub(super) actions: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    pub(super) types: &'static [&'static str],
    /// Which PATH record names the object.
    pub(super) path: usize,
    /// The object is a file.
    pub(super) file: bool,
}

const fn row(
    actions: &'static [&'static str],
    categories: &'static [&'static str],
    types: &'static [&'static str],
) -> Row {
    Row { actions, categories, types, path: 0, file: false }
}

const fn file(actions: &'static [&'static str], types: &'static [&'static str]) -> Row {
    Row { actions, categories: &["file"], types, path: 0, file: true }
}

/// What every other system call is called.
pub(super) const OTHER: Row = row(&[], &["process"], &["info"]);

const EXECUTED: Row = Row {
    file: true,
    ..row(
        &["executed", "exec", "exec_event", "process_started", "start", "ProcessRollup2"],
        &["process"],
        &["start"],
    )
};
/// An execution that failed started nothing.
const NOT_EXECUTED: Row = Row { file: true, ..row(&["executed"], &["process"], &["start"]) };
const FORKED: Row = row(&["forked", "fork", "fork_event"], &["process"], &["info"]);
const IDENTITY: Row = row(
    &["changed-identity-of", "uid_change", "gid_change", "guid_change"],
    &["process"],
    &["change"],
);

/// The names of a system call. `success` says that it did what it is for.
pub(super) fn by_syscall(name: &str, success: bool) -> Row {
    match name {
        "execve" | "execveat" if success => EXECUTED,
        "execve" | "execveat" => NOT_EXECUTED,
        "clone" | "clone3" | "fork" | "vfork" if success => FORKED,
        "connect" => {
            row(&["connected-to", "connection_attempted"], &["network"], &["connection", "start"])
        }
        "accept" | "accept4" => row(
            &["accepted-connection-from", "connection_accepted"],
            &["network"],
            &["connection", "start"],
        ),
        "bind" => row(&["bound-socket"], &["network"], &["start"]),
        "listen" => row(&["listen-for-connections"], &["network"], &["start"]),
        "recv" | "recvfrom" | "recvmsg" | "recvmmsg" => {
            row(&["received-from"], &["network"], &["connection", "info"])
        }
        "send" | "sendto" | "sendmsg" | "sendmmsg" => {
            row(&["sent-to"], &["network"], &["connection", "info"])
        }
        "open" | "openat" | "readlink" | "readlinkat" => file(&["opened-file"], &["info"]),
        "creat" => file(&["opened-file", "creation", "file_create_event"], &["creation"]),
        "truncate" | "ftruncate" | "fallocate" => file(&["opened-file"], &["change"]),
        "read" => file(&["read-file"], &["info"]),
        "write" => file(&["wrote-to-file"], &["change"]),
        "chmod" | "fchmod" | "fchmodat" => file(&["changed-file-permissions-of"], &["change"]),
        "chown" | "fchown" | "lchown" | "fchownat" | "chown32" | "fchown32" | "lchown32" => {
            file(&["changed-file-ownership-of"], &["change"])
        }
        "setxattr" | "lsetxattr" | "fsetxattr" | "removexattr" | "lremovexattr"
        | "fremovexattr" => file(&["changed-file-attributes-of"], &["change"]),
        "rename" | "renameat" | "renameat2" => {
            Row { path: 2, ..file(&["renamed", "rename", "file_rename_event"], &["change"]) }
        }
        "unlink" | "unlinkat" | "rmdir" => file(&["deleted", "deletion"], &["deletion"]),
        "link" | "linkat" => file(&["linked", "creation", "file_create_event"], &["creation"]),
        "symlink" | "symlinkat" => {
            file(&["symlinked", "creation", "file_create_event"], &["creation"])
        }
        "mkdir" | "mkdirat" => Row {
            path: 1,
            ..file(&["created-directory", "creation", "file_create_event"], &["creation"])
        },
        "mknod" | "mknodat" => file(&["make-device"], &["creation"]),
        "stat" | "lstat" | "fstat" | "newfstatat" | "stat64" | "lstat64" | "fstat64"
        | "fstatat64" | "statx" | "access" | "faccessat" | "faccessat2" | "getxattr"
        | "lgetxattr" | "fgetxattr" => file(&["checked-metadata-of"], &["info"]),
        "statfs" | "fstatfs" | "statfs64" | "fstatfs64" => {
            file(&["checked-filesystem-metadata-of"], &["info"])
        }
        "utime" | "utimes" | "utimensat" | "futimesat" | "futimens" => {
            file(&["changed-timestamp-of"], &["info"])
        }
        "mount" => Row { path: 1, ..file(&["mounted"], &["creation"]) },
        "umount" | "umount2" => file(&["unmounted"], &["deletion"]),
        "init_module" | "finit_module" => {
            row(&["loaded-kernel-module", "load_module"], &["driver"], &["start"])
        }
        "delete_module" => row(&["unloaded-kernel-module"], &["driver"], &["end"]),
        "kill" | "tkill" | "tgkill" => row(&["killed-pid"], &["process"], &["end"]),
        "setuid" | "seteuid" | "setfsuid" | "setreuid" | "setresuid" | "setgid" | "setegid"
        | "setfsgid" | "setregid" | "setresgid" | "setuid32" | "setreuid32" | "setresuid32"
        | "setgid32" | "setregid32" | "setresgid32" => IDENTITY,
        "setsid" => row(&["session_id_change"], &["process"], &["info"]),
        "sched_setparam" | "sched_setscheduler" | "sched_setattr" => {
            row(&["adjusted-scheduling-policy-of"], &["process"], &["change"])
        }
        "exit" | "exit_group" => row(&["exited", "end"], &["process"], &["end"]),
        "mmap" | "mmap2" | "brk" => row(&["allocated-memory"], &["process"], &["info"]),
        "settimeofday" | "clock_settime" | "adjtimex" | "clock_adjtime" | "stime" => {
            row(&["changed-system-time"], &["host"], &["change"])
        }
        "sethostname" | "setdomainname" => row(&["changed-system-name"], &["host"], &["change"]),
        _ => OTHER,
    }
}

/// A file that an `open` with `O_CREAT` has made.
pub(super) const OPEN_CREATED: Row =
    file(&["opened-file", "creation", "file_create_event"], &["info", "creation"]);

/// The names of a record that is an event of its own, or that comes before the system call.
#[rustfmt::skip]
pub(super) fn by_record(name: &str) -> Option<Row> {
    const AUTH: &[&str] = &["authentication"];
    const IAM: &[&str] = &["iam"];
    const PROCESS: &[&str] = &["process"];
    const CONFIG: &[&str] = &["configuration"];
    const INFO: &[&str] = &["info"];
    const START: &[&str] = &["start"];
    const END: &[&str] = &["end"];
    const CHANGE: &[&str] = &["change"];
    Some(match name {
        "USER_LOGIN" => row(&["logged-in", "user_login"], AUTH, START),
        "USER_LOGOUT" => row(&["logged-out"], AUTH, END),
        "USER_AUTH" => row(&["authenticated"], AUTH, INFO),
        "USER_ACCT" => row(&["was-authorized"], AUTH, INFO),
        "CRED_ACQ" => row(&["acquired-credentials"], AUTH, INFO),
        "CRED_DISP" => row(&["disposed-credentials"], AUTH, INFO),
        "CRED_REFR" => row(&["refreshed-credentials"], AUTH, INFO),
        "USER_ERR" => row(&["error"], AUTH, INFO),
        "GRP_AUTH" => row(&["authenticated-to-group"], AUTH, INFO),
        "USER_START" => row(&["started-session"], &["session"], START),
        "USER_END" => row(&["ended-session"], &["session"], END),
        "LOGIN" => row(&["changed-login-id-to"], AUTH, START),
        "USER_CMD" => row(&["ran-command"], PROCESS, START),
        "ADD_USER" => row(&["added-user-account"], IAM, &["user", "creation"]),
        "DEL_USER" => row(&["deleted-user-account"], IAM, &["user", "deletion"]),
        "ADD_GROUP" => row(&["added-group-account-to"], IAM, &["group", "creation"]),
        "DEL_GROUP" => row(&["deleted-group-account-from"], IAM, &["group", "deletion"]),
        "USER_MGMT" => row(&["modified-user-account"], IAM, &["user", "change"]),
        "USER_CHAUTHTOK" => row(&["changed-password"], IAM, &["user", "change"]),
        "GRP_MGMT" => row(&["modified-group-account"], IAM, &["group", "change"]),
        "GRP_CHAUTHTOK" => row(&["changed-group-password"], IAM, &["group", "change"]),
        "ACCT_LOCK" => row(&["locked-account"], IAM, &["user", "info"]),
        "ACCT_UNLOCK" => row(&["unlocked-account"], IAM, &["user", "info"]),
        "SERVICE_START" => row(&["started-service"], PROCESS, START),
        "SERVICE_STOP" => row(&["stopped-service"], PROCESS, END),
        "SYSTEM_BOOT" => row(&["booted-system"], &["host"], START),
        "SYSTEM_SHUTDOWN" => row(&["shutdown-system"], &["host"], END),
        "SYSTEM_RUNLEVEL" => row(&["changed-to-runlevel"], &["host"], CHANGE),
        "CONFIG_CHANGE" => row(&["changed-audit-configuration"], &["process", "configuration"], CHANGE),
        "DAEMON_START" => row(&["started-audit"], PROCESS, START),
        "DAEMON_END" => row(&["shutdown-audit"], PROCESS, END),
        "DAEMON_ABORT" => row(&["aborted-auditd-startup"], PROCESS, END),
        "DAEMON_CONFIG" => row(&["changed-auditd-configuration"], &["process", "configuration"], CHANGE),
        "DAEMON_ROTATE" => row(&["rotated-audit-logs"], PROCESS, CHANGE),
        "DAEMON_RESUME" => row(&["resumed-audit-logging"], PROCESS, CHANGE),
        "SECCOMP" => row(&["violated-seccomp-policy"], &[], &[]),
        "NETFILTER_CFG" => row(&["loaded-firewall-rule-to"], CONFIG, CHANGE),
        "FEATURE_CHANGE" => row(&["changed-audit-feature"], CONFIG, CHANGE),
        "USYS_CONFIG" => row(&["changed-configuration"], CONFIG, CHANGE),
        "MAC_POLICY_LOAD" => row(&["loaded-selinux-policy"], CONFIG, &["access"]),
        "MAC_STATUS" => row(&["changed-selinux-enforcement"], CONFIG, CHANGE),
        "MAC_CONFIG_CHANGE" => row(&["changed-selinux-boolean"], CONFIG, CHANGE),
        "TTY" | "USER_TTY" => row(&["typed"], &[], &[]),
        "ANOM_ABEND" => row(&["crashed-program"], &["process", "intrusion_detection"], &["end", "info"]),
        "ANOM_PROMISCUOUS" => row(&["changed-promiscuous-mode-on-device"], &["intrusion_detection"], &["info", "change"]),
        "ANOM_LINK" => row(&["used-suspicious-link"], &["file", "intrusion_detection"], INFO),
        "TIME_INJOFFSET" | "TIME_ADJNTPVAL" => row(&["changed-system-time"], &["host"], CHANGE),
        "CRYPTO_KEY_USER" => row(&["negotiated-crypto-key"], PROCESS, INFO),
        "CRYPTO_SESSION" => row(&["started-crypto-session"], PROCESS, INFO),
        "KERN_MODULE" => row(&["loaded-kernel-module", "load_module"], &["driver"], START),
        "SOFTWARE_UPDATE" => row(&["package-updated"], &["package"], INFO),
        _ => return None,
    })
}

/// The names of an AVC by what it says.
pub(super) fn by_avc(apparmor: bool) -> Row {
    if apparmor {
        row(&["violated-apparmor-policy"], &[], &[])
    } else {
        row(&["violated-selinux-policy"], &[], &[])
    }
}
