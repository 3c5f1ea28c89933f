//! What an audit event is called in ECS: action, category and type by system call or record type.
//!
//! In: the name of a call or of a record. Out: a [`Row`]. The names are those of Auditbeat, plus those
//! that other producers give to the same facts, so that rules written for either find them. Nothing
//! here looks at an event.

/// The ECS names of an event, and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// The canonical name first.
    pub(super) actions: Words,
    /// What others call it when it was done; a call that failed did nothing.
    pub(super) aliases: Words,
    pub(super) categories: Words,
    pub(super) types: Words,
    pub(super) object: Object,
    pub(super) who: Who,
}

type Words = &'static [&'static str];
type Keys = &'static [&'static [u8]];

/// What an event is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    Nothing,
    /// The PATH record with this number names it.
    File {
        item: i64,
        /// A second name comes to be: the new name of a renamed file, a link.
        twice: bool,
    },
    /// The SOCKADDR record names it.
    Socket,
    /// These keys name it: the first one that is there, for `primary` and for `secondary`.
    Other {
        what: &'static str,
        primary: Keys,
        secondary: Keys,
    },
}

/// Whose ids an event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The process's own.
    Process,
    /// A program says that somebody logs in: the user is the one at login, `acct` or `id` whom they
    /// become.
    Login,
    /// The kernel says that the user at login changes.
    LoginId,
    /// A program changes the user account `acct` or `id`.
    Account,
    /// A program changes the group `acct`, `grp` or `id`.
    GroupAccount,
}

const fn row(actions: Words, categories: Words, types: Words) -> Row {
    Row { actions, aliases: &[], categories, types, object: Object::Nothing, who: Who::Process }
}

const fn file(actions: Words, types: Words) -> Row {
    row(actions, &["file"], types).on(Object::File { item: 0, twice: false })
}

const fn network(actions: Words, types: Words) -> Row {
    row(actions, &["network"], types).on(Object::Socket)
}

impl Row {
    /// Others call it this.
    const fn also(self, aliases: Words) -> Self {
        Self { aliases, ..self }
    }

    const fn on(self, object: Object) -> Self {
        Self { object, ..self }
    }

    /// Done to what these keys name.
    const fn to(self, what: &'static str, primary: Keys, secondary: Keys) -> Self {
        self.on(Object::Other { what, primary, secondary })
    }

    const fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }
}

/// What other producers call the making of a file.
const CREATION: Words = &["creation", "file_create_event"];

/// What every other system call is called.
pub(super) const OTHER: Row = row(&[], &["process"], &["info"]);

/// A call that has made a process.
pub(super) const FORKED: Row =
    row(&["forked"], &["process"], &["info"]).also(&["fork", "fork_event"]);

/// A file that an `open` with `O_CREAT` has made.
pub(super) const OPEN_CREATED: Row = file(&["opened-file"], &["info", "creation"]).also(CREATION);

/// The names of a system call.
pub(super) fn by_call(name: &str) -> Row {
    match base_name(name) {
        "execve" | "execveat" => row(&["executed"], &["process"], &["start"])
            .also(&["exec", "exec_event", "process_started", "start", "ProcessRollup2"])
            .on(Object::File { item: 0, twice: false }),
        // Others call an attempt a connection too, so this alias does not wait for success.
        "connect" => network(&["connected-to", "connection_attempted"], &["connection", "start"]),
        "accept" | "accept4" => network(&["accepted-connection-from"], &["connection", "start"])
            .also(&["connection_accepted"]),
        "bind" => network(&["bound-socket"], &["start"]),
        "listen" => network(&["listen-for-connections"], &["start"]),
        "recv" | "recvfrom" | "recvmsg" | "recvmmsg" => {
            network(&["received-from"], &["connection", "info"])
        }
        "send" | "sendto" | "sendmsg" | "sendmmsg" => {
            network(&["sent-to"], &["connection", "info"])
        }
        "open" | "openat" | "openat2" | "readlink" | "readlinkat" => {
            file(&["opened-file"], &["info"])
        }
        "creat" => file(&["opened-file"], &["creation"]).also(CREATION),
        "truncate" | "ftruncate" | "fallocate" => file(&["opened-file"], &["change"]),
        "read" => file(&["read-file"], &["info"]),
        "write" => file(&["wrote-to-file"], &["change"]),
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" => {
            file(&["changed-file-permissions-of"], &["change"])
        }
        "chown" | "fchown" | "lchown" | "fchownat" => {
            file(&["changed-file-ownership-of"], &["change"])
        }
        "setxattr" | "lsetxattr" | "fsetxattr" | "setxattrat" | "removexattr" | "lremovexattr"
        | "fremovexattr" | "removexattrat" => file(&["changed-file-attributes-of"], &["change"]),
        "rename" | "renameat" | "renameat2" => file(&["renamed"], &["change"])
            .also(&["rename", "file_rename_event"])
            .on(Object::File { item: 2, twice: true }),
        "unlink" | "unlinkat" | "rmdir" => file(&["deleted"], &["deletion"]).also(&["deletion"]),
        "link" | "linkat" => file(&["linked"], &["creation"])
            .also(CREATION)
            .on(Object::File { item: 0, twice: true }),
        "symlink" | "symlinkat" => file(&["symlinked"], &["creation"]).also(CREATION),
        "mkdir" | "mkdirat" => file(&["created-directory"], &["creation"])
            .also(CREATION)
            .on(Object::File { item: 1, twice: false }),
        "mknod" | "mknodat" => file(&["make-device"], &["creation"]),
        "stat" | "lstat" | "fstat" | "newfstat" | "newfstatat" | "fstatat" | "statx" | "access"
        | "faccessat" | "faccessat2" | "getxattr" | "lgetxattr" | "fgetxattr" | "getxattrat" => {
            file(&["checked-metadata-of"], &["info"])
        }
        "statfs" | "fstatfs" => file(&["checked-filesystem-metadata-of"], &["info"]),
        "utime" | "utimes" | "utimensat" | "futimesat" | "futimens" => {
            file(&["changed-timestamp-of"], &["info"])
        }
        "mount" => file(&["mounted"], &["creation"]).on(Object::File { item: 1, twice: false }),
        "umount" | "umount2" | "oldumount" => file(&["unmounted"], &["deletion"]),
        "init_module" | "finit_module" => {
            row(&["loaded-kernel-module"], &["driver"], &["start"]).also(&["load_module"])
        }
        "delete_module" => row(&["unloaded-kernel-module"], &["driver"], &["end"]),
        "kill" | "tkill" | "tgkill" => {
            row(&["killed-pid"], &["process"], &["end"]).to("process", &[], &[])
        }
        "setuid" | "seteuid" | "setfsuid" | "setreuid" | "setresuid" | "setgid" | "setegid"
        | "setfsgid" | "setregid" | "setresgid" => {
            row(&["changed-identity-of"], &["process"], &["change"])
                .also(&["uid_change", "gid_change", "guid_change"])
                .to("process", &[], &[])
        }
        "setsid" => row(&[], &["process"], &["info", "change"]).also(&["session_id_change"]),
        "sched_setparam" | "sched_setscheduler" | "sched_setattr" => row(
            &["adjusted-scheduling-policy-of"],
            &["process"],
            &["change"],
        )
        .to("process", &[], &[]),
        "exit" | "exit_group" => row(&["exited"], &["process"], &["end"]).also(&["end"]),
        "mmap" | "mmap2" | "brk" => {
            row(&["allocated-memory"], &["process"], &["info"]).to("memory", &[], &[])
        }
        "settimeofday" | "clock_settime" | "adjtimex" | "clock_adjtime" | "stime" => {
            row(&["changed-system-time"], &["host"], &["change"]).to("system", &[], &[])
        }
        "sethostname" | "setdomainname" => {
            row(&["changed-system-name"], &["host"], &["change"]).to("system", &[], &[])
        }
        _ => OTHER,
    }
}

/// 32-bit machines have calls of the same meaning with other widths: `setuid32`, `stat64`,
/// `utimensat_time64`.
fn base_name(name: &str) -> &str {
    let time = name.strip_suffix("_time64");
    time.or_else(|| name.strip_suffix("64")).or_else(|| name.strip_suffix("32")).unwrap_or(name)
}

/// The names of a record that is an event of its own, or that comes with a system call. `sshd` says
/// that it is the secure shell that writes it.
#[rustfmt::skip]
pub(super) fn by_record(name: &[u8], sshd: bool) -> Option<Row> {
    const AUTH: Words = &["authentication"];
    const SESSION: Words = &["session"];
    const IAM: Words = &["iam"];
    const PROCESS: Words = &["process"];
    const CONFIG: Words = &["configuration"];
    const BOTH: Words = &["process", "configuration"];
    const HOST: Words = &["host"];
    const INFO: Words = &["info"];
    const START: Words = &["start"];
    const END: Words = &["end"];
    const CHANGE: Words = &["change"];
    const ACCOUNT: Keys = &[b"id", b"acct"];

    const fn login(actions: Words, categories: Words, types: Words) -> Row {
        row(actions, categories, types)
            .to("user-session", &[b"terminal"], &[b"addr", b"hostname"])
            .by(Who::Login)
    }
    const fn user(actions: Words, types: Words) -> Row {
        row(actions, IAM, types).to("account", ACCOUNT, &[]).by(Who::Account)
    }
    const fn group(actions: Words, types: Words) -> Row {
        row(actions, IAM, types).to("account", ACCOUNT, &[]).by(Who::GroupAccount)
    }
    const fn service(actions: Words, categories: Words, types: Words) -> Row {
        row(actions, categories, types).to("service", &[], &[])
    }

    Some(match name {
        b"USER_LOGIN" if sshd => login(&["logged-in", "user_login", "ssh_login"], AUTH, START),
        b"USER_LOGIN" => login(&["logged-in", "user_login"], AUTH, START),
        b"USER_LOGOUT" => login(&["logged-out"], AUTH, END),
        // Authentication is a login only where that is all the program does: not for sudo.
        b"USER_AUTH" if sshd => login(&["authenticated", "user_login", "ssh_login"], AUTH, INFO),
        b"USER_AUTH" => login(&["authenticated"], AUTH, INFO),
        b"USER_ACCT" => login(&["was-authorized"], AUTH, INFO),
        b"CRED_ACQ" => login(&["acquired-credentials"], AUTH, INFO),
        b"CRED_DISP" => login(&["disposed-credentials"], AUTH, INFO),
        b"CRED_REFR" => login(&["refreshed-credentials"], AUTH, INFO),
        b"USER_ERR" => login(&["error"], AUTH, INFO),
        b"GRP_AUTH" => login(&["authenticated-to-group"], AUTH, INFO),
        b"USER_START" => login(&["started-session"], SESSION, START),
        b"USER_END" => login(&["ended-session"], SESSION, END),
        b"LOGIN" => row(&["changed-login-id-to"], AUTH, START)
            .to("user-session", &[b"auid"], &[]).by(Who::LoginId),
        b"USER_CMD" => row(&["ran-command"], PROCESS, START).to("process", &[b"cmd"], &[]),
        b"ADD_USER" => user(&["added-user-account"], &["user", "creation"]),
        b"DEL_USER" => user(&["deleted-user-account"], &["user", "deletion"]),
        b"USER_MGMT" => user(&["modified-user-account"], &["user", "change"]),
        b"USER_CHAUTHTOK" => user(&["changed-password"], &["user", "change"]),
        b"ACCT_LOCK" => user(&["locked-account"], &["user", "info"]),
        b"ACCT_UNLOCK" => user(&["unlocked-account"], &["user", "info"]),
        b"ADD_GROUP" => group(&["added-group-account-to"], &["group", "creation"]),
        b"DEL_GROUP" => group(&["deleted-group-account-from"], &["group", "deletion"]),
        b"GRP_MGMT" => group(&["modified-group-account"], &["group", "change"]),
        b"GRP_CHAUTHTOK" => group(&["changed-group-password"], &["group", "change"]),
        b"SERVICE_START" => row(&["started-service"], PROCESS, START).to("service", &[b"unit"], &[]),
        b"SERVICE_STOP" => row(&["stopped-service"], PROCESS, END).to("service", &[b"unit"], &[]),
        b"SYSTEM_BOOT" => row(&["booted-system"], HOST, START).to("system", &[], &[]),
        b"SYSTEM_SHUTDOWN" => row(&["shutdown-system"], HOST, END).to("system", &[], &[]),
        b"SYSTEM_RUNLEVEL" => row(&["changed-to-runlevel"], HOST, CHANGE)
            .to("system", &[b"new-level"], &[]),
        b"CONFIG_CHANGE" => row(&["changed-audit-configuration"], BOTH, CHANGE)
            .to("audit-config", &[b"op", b"key", b"audit_enabled"], &[]),
        b"DAEMON_START" => service(&["started-audit"], PROCESS, START),
        b"DAEMON_END" => service(&["shutdown-audit"], PROCESS, END),
        b"DAEMON_ABORT" => service(&["aborted-auditd-startup"], PROCESS, END),
        b"DAEMON_CONFIG" => service(&["changed-auditd-configuration"], BOTH, CHANGE),
        b"DAEMON_ROTATE" => service(&["rotated-audit-logs"], PROCESS, CHANGE),
        b"DAEMON_RESUME" => service(&["resumed-audit-logging"], PROCESS, CHANGE),
        b"SECCOMP" => row(&["violated-seccomp-policy"], &[], &[]).to("process", &[b"syscall"], &[]),
        b"NETFILTER_CFG" => row(&["loaded-firewall-rule-to"], CONFIG, CHANGE)
            .to("firewall", &[b"table"], &[]),
        b"FEATURE_CHANGE" => row(&["changed-audit-feature"], CONFIG, CHANGE)
            .to("system", &[b"feature"], &[]),
        b"USYS_CONFIG" => row(&["changed-configuration"], CONFIG, CHANGE)
            .to("system", &[b"op"], &[]),
        b"MAC_POLICY_LOAD" => row(&["loaded-selinux-policy"], CONFIG, &["access"])
            .to("mac-config", &[], &[]),
        b"MAC_STATUS" => row(&["changed-selinux-enforcement"], CONFIG, CHANGE)
            .to("mac-config", &[b"enforcing"], &[]),
        b"MAC_CONFIG_CHANGE" => row(&["changed-selinux-boolean"], CONFIG, CHANGE)
            .to("mac-config", &[b"bool"], &[]),
        b"TTY" | b"USER_TTY" => row(&["typed"], &[], &[]).to("keystrokes", &[b"data"], &[]),
        b"ANOM_ABEND" => row(&["crashed-program"], &["process", "intrusion_detection"], &["end", "info"])
            .to("process", &[b"comm", b"exe"], &[b"pid"]),
        b"ANOM_PROMISCUOUS" => row(&["changed-promiscuous-mode-on-device"], &["intrusion_detection"], &["info", "change"])
            .to("network-device", &[b"dev"], &[]),
        b"ANOM_LINK" => row(&["used-suspicious-link"], &["file", "intrusion_detection"], INFO),
        b"TIME_INJOFFSET" | b"TIME_ADJNTPVAL" => row(&["changed-system-time"], HOST, CHANGE)
            .to("system", &[], &[]),
        b"CRYPTO_KEY_USER" => row(&["negotiated-crypto-key"], PROCESS, INFO)
            .to("user-session", &[b"fp"], &[b"addr", b"hostname"]),
        b"CRYPTO_SESSION" => row(&["started-crypto-session"], PROCESS, INFO)
            .to("user-session", &[b"addr"], &[b"rport"]),
        b"KERN_MODULE" => row(&["loaded-kernel-module"], &["driver"], START)
            .also(&["load_module"]).to("file", &[b"name"], &[]),
        b"SOFTWARE_UPDATE" => row(&["package-updated"], &["package"], INFO),
        b"VIRT_CONTROL" => row(&["issued-vm-control"], HOST, INFO)
            .to("virtual-machine", &[b"op"], &[b"vm"]),
        b"VIRT_RESOURCE" => row(&["assigned-vm-resource"], HOST, INFO)
            .to("virtual-machine", &[b"resrc"], &[b"vm"]),
        b"VIRT_MACHINE_ID" => row(&["assigned-vm-id"], HOST, INFO)
            .to("virtual-machine", &[b"vm"], &[]),
        b"VIRT_CREATE" => row(&["created-vm-image"], HOST, INFO),
        b"VIRT_DESTROY" => row(&["deleted-vm-image"], HOST, INFO),
        b"VIRT_INTEGRITY_CHECK" => row(&["checked-integrity-of"], HOST, INFO),
        b"VIRT_MIGRATE_IN" => row(&["migrated-vm-from"], HOST, INFO),
        b"VIRT_MIGRATE_OUT" => row(&["migrated-vm-to"], HOST, INFO),
        _ => return None,
    })
}

/// The names of an AVC by what it says.
pub(super) fn by_avc(apparmor: bool) -> Row {
    if apparmor {
        row(&["violated-apparmor-policy"], &[], &[]).to(
            "policy",
            &[b"operation"],
            &[b"requested_mask", b"denied_mask", b"capname"],
        )
    } else {
        row(&["violated-selinux-policy"], &[], &[]).to("", &[b"tcontext"], &[b"tclass"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_names_that_rules_use() {
        for (calls, actions, categories, types) in [
            ("execve execveat", "executed", "process", "start"),
            ("connect", "connected-to connection_attempted", "network", "connection start"),
            ("accept accept4", "accepted-connection-from", "network", "connection start"),
            ("bind", "bound-socket", "network", "start"),
            ("sendto sendmsg sendmmsg", "sent-to", "network", "connection info"),
            ("recvfrom recvmmsg_time64", "received-from", "network", "connection info"),
            ("open openat openat2 readlinkat", "opened-file", "file", "info"),
            ("creat", "opened-file", "file", "creation"),
            ("truncate truncate64 ftruncate64", "opened-file", "file", "change"),
            ("chmod fchmodat fchmodat2", "changed-file-permissions-of", "file", "change"),
            ("chown chown32 lchown32", "changed-file-ownership-of", "file", "change"),
            ("setxattr removexattr", "changed-file-attributes-of", "file", "change"),
            ("rename renameat2", "renamed", "file", "change"),
            ("unlink unlinkat rmdir", "deleted", "file", "deletion"),
            ("link linkat", "linked", "file", "creation"),
            ("symlinkat", "symlinked", "file", "creation"),
            ("mkdir", "created-directory", "file", "creation"),
            ("mknodat", "make-device", "file", "creation"),
            ("stat lstat64 fstatat64 newfstatat access", "checked-metadata-of", "file", "info"),
            ("statfs fstatfs64", "checked-filesystem-metadata-of", "file", "info"),
            ("utimensat utimensat_time64", "changed-timestamp-of", "file", "info"),
            ("mount", "mounted", "file", "creation"),
            ("umount2", "unmounted", "file", "deletion"),
            ("finit_module", "loaded-kernel-module", "driver", "start"),
            ("delete_module", "unloaded-kernel-module", "driver", "end"),
            ("kill tgkill", "killed-pid", "process", "end"),
            ("setuid setuid32 setresgid32 setfsuid32", "changed-identity-of", "process", "change"),
            ("setsid", "", "process", "info change"),
            ("exit_group", "exited", "process", "end"),
            ("mmap mmap2 brk", "allocated-memory", "process", "info"),
            ("clock_settime clock_settime64", "changed-system-time", "host", "change"),
            ("sethostname", "changed-system-name", "host", "change"),
            ("socket ptrace prctl mprotect bpf getuid32", "", "process", "info"),
        ] {
            for call in calls.split(' ') {
                let row = by_call(call);
                assert_eq!(row.actions.join(" "), actions, "{call}");
                assert_eq!(row.categories.join(" "), categories, "{call}");
                assert_eq!(row.types.join(" "), types, "{call}");
            }
        }
    }

    #[test]
    fn others_call_what_was_done_by_other_names() {
        for (call, aliases) in [
            ("execve", "exec exec_event process_started start ProcessRollup2"),
            ("accept4", "connection_accepted"),
            ("creat", "creation file_create_event"),
            ("mkdirat", "creation file_create_event"),
            ("symlink", "creation file_create_event"),
            ("renameat", "rename file_rename_event"),
            ("unlinkat", "deletion"),
            ("init_module", "load_module"),
            ("setresuid", "uid_change gid_change guid_change"),
            ("setsid", "session_id_change"),
            ("exit_group", "end"),
            ("bind", ""),
            ("kill", ""),
        ] {
            assert_eq!(by_call(call).aliases.join(" "), aliases, "{call}");
        }
    }

    #[test]
    fn records_have_names_of_their_own() {
        for (record, actions, categories, types) in [
            ("USER_LOGIN", "logged-in user_login", "authentication", "start"),
            ("USER_AUTH", "authenticated", "authentication", "info"),
            ("USER_START", "started-session", "session", "start"),
            ("USER_END", "ended-session", "session", "end"),
            ("USER_CMD", "ran-command", "process", "start"),
            ("ADD_USER", "added-user-account", "iam", "user creation"),
            ("DEL_GROUP", "deleted-group-account-from", "iam", "group deletion"),
            ("SERVICE_STOP", "stopped-service", "process", "end"),
            ("CONFIG_CHANGE", "changed-audit-configuration", "process configuration", "change"),
            (
                "ANOM_PROMISCUOUS",
                "changed-promiscuous-mode-on-device",
                "intrusion_detection",
                "info change",
            ),
            ("TTY", "typed", "", ""),
        ] {
            let row = by_record(record.as_bytes(), false).unwrap();
            assert_eq!(row.actions.join(" "), actions, "{record}");
            assert_eq!(row.categories.join(" "), categories, "{record}");
            assert_eq!(row.types.join(" "), types, "{record}");
        }
        assert_eq!(by_record(b"USER_AVC", false), None);
        assert_eq!(by_record(b"SYSCALL", false), None);
    }
}
