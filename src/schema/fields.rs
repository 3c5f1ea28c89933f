//! The table of fields: name, type, origin, one line of help, an example.
//!
//! Names and types follow ECS and Auditbeat's auditd module; `audit.*` is our own.

use super::FieldInfo;
use super::FieldType::{self, Boolean, Date, Ip, Keyword, Long};

const fn field(
    name: &'static str,
    kind: FieldType,
    records: &'static str,
    about: &'static str,
    example: &'static str,
) -> FieldInfo {
    FieldInfo { name, kind, records, about, example }
}

/// All fields in order of their name.
#[rustfmt::skip]
pub static FIELDS: &[FieldInfo] = &[
    field("@timestamp", Date, "all", "when the event happened", "2023-11-14T22:13:20.123Z"),
    field("audit.child_pid", Long, "SYSCALL", "process made by a fork-like call", "4242"),
    field("audit.clone.flags", Keyword, "SYSCALL", "flags of clone, unshare and setns in words", "newuser"),
    field("audit.errno", Keyword, "SYSCALL", "name of the error of a failed call", "ENOENT"),
    field("audit.open.flags", Keyword, "SYSCALL, OPENAT2", "flags of an open in words", "creat"),
    field("audit.prot", Keyword, "SYSCALL", "memory protection asked for, in words", "exec"),
    field("audit.ptrace.request", Keyword, "SYSCALL", "request of a ptrace in words", "attach"),
    field("audit.signal", Keyword, "SYSCALL, ANOM_ABEND, SECCOMP", "signal sent or received", "SIGKILL"),
    field("audit.socket.family", Keyword, "SYSCALL, SOCKETCALL", "family of a new socket in words", "inet"),
    field("audit.socket.protocol", Keyword, "SYSCALL, SOCKETCALL", "protocol of a new socket in words", "udp"),
    field("audit.socket.type", Keyword, "SYSCALL, SOCKETCALL", "type of a new socket without its flags", "dgram"),
    field("audit.socket.type_flags", Keyword, "SYSCALL, SOCKETCALL", "flags given with the type of a new socket", "cloexec"),
    field("audit.syscall", Keyword, "SYSCALL", "the system call that was meant, also through socketcall", "connect"),
    field("auditd.data.*", Keyword, "SYSCALL and others", "any key of the event's records, as logged", "inet"),
    field("auditd.data.a0", Keyword, "SYSCALL", "first argument, hexadecimal without 0x", "2"),
    field("auditd.data.a1", Keyword, "SYSCALL", "second argument, hexadecimal without 0x", "80002"),
    field("auditd.data.a2", Keyword, "SYSCALL", "third argument, hexadecimal without 0x", "0"),
    field("auditd.data.a3", Keyword, "SYSCALL", "fourth argument, hexadecimal without 0x", "8"),
    field("auditd.data.arch", Keyword, "SYSCALL", "architecture by name", "x86_64"),
    field("auditd.data.exit", Keyword, "SYSCALL", "result: name of the error or decimal number", "EINPROGRESS"),
    field("auditd.data.socket.addr", Keyword, "SOCKADDR", "address as text", "198.51.100.7"),
    field("auditd.data.socket.family", Keyword, "SOCKADDR", "family: ipv4, ipv6, unix, netlink or a number", "ipv4"),
    field("auditd.data.socket.path", Keyword, "SOCKADDR", "path of a unix socket; abstract names start with @", "/run/log"),
    field("auditd.data.socket.port", Keyword, "SOCKADDR", "port as text", "9001"),
    field("auditd.data.syscall", Keyword, "SYSCALL", "system call by name", "socket"),
    field("auditd.data.tty", Keyword, "SYSCALL", "terminal, (none) without one", "pts0"),
    field("auditd.message_type", Keyword, "all", "type of the first record in lower case", "syscall"),
    field("auditd.paths.*", Keyword, "PATH", "a key of all PATH records, in order", "/etc/passwd"),
    field("auditd.result", Keyword, "SYSCALL and others", "success, fail or unknown", "success"),
    field("auditd.sequence", Long, "all", "serial number of the event", "4711"),
    field("auditd.session", Keyword, "SYSCALL and others", "login session", "3"),
    field("auditd.user.audit.id", Keyword, "SYSCALL and others", "user at login", "1000"),
    field("auditd.user.audit.name", Keyword, "enriched records", "name of the user at login", "alice"),
    field("auditd.user.filesystem.group.id", Keyword, "SYSCALL", "group for access to files", "1000"),
    field("auditd.user.filesystem.id", Keyword, "SYSCALL", "user for access to files", "1000"),
    field("auditd.user.saved.group.id", Keyword, "SYSCALL", "saved group", "1000"),
    field("auditd.user.saved.id", Keyword, "SYSCALL", "saved user", "1000"),
    field("data_stream.dataset", Keyword, "all", "auditd_manager.auditd", "auditd_manager.auditd"),
    field("destination.address", Keyword, "SOCKADDR", "path of the unix socket connected to", "/run/log"),
    field("destination.ip", Ip, "SOCKADDR", "address connected or sent to; IPv4 inside IPv6 also by itself", "198.51.100.7"),
    field("destination.path", Keyword, "SOCKADDR", "path of the unix socket connected to", "/run/log"),
    field("destination.port", Long, "SOCKADDR", "port connected or sent to", "9001"),
    field("event.action", Keyword, "all", "what happened, under the names of all common producers", "executed"),
    field("event.category", Keyword, "all", "what kind of thing it is about", "process"),
    field("event.dataset", Keyword, "all", "auditd_manager.auditd", "auditd_manager.auditd"),
    field("event.kind", Keyword, "all", "event", "event"),
    field("event.module", Keyword, "all", "auditd", "auditd"),
    field("event.original", Keyword, "all", "the raw records, one a line", "type=SYSCALL msg=audit(…"),
    field("event.outcome", Keyword, "SYSCALL and others", "success, failure or unknown", "success"),
    field("event.sequence", Long, "all", "serial number of the event", "4711"),
    field("event.type", Keyword, "all", "what kind of change it is", "start"),
    field("file.device", Keyword, "PATH", "device the file stands for", "00:00"),
    field("file.extension", Keyword, "PATH", "what follows the last dot of the name", "sh"),
    field("file.gid", Keyword, "PATH", "group of the file", "0"),
    field("file.inode", Keyword, "PATH", "inode", "131"),
    field("file.mode", Keyword, "PATH", "permissions, four octal digits", "0644"),
    field("file.name", Keyword, "PATH", "last part of the path", "passwd"),
    field("file.path", Keyword, "PATH", "path as it was given", "/etc/passwd"),
    field("file.uid", Keyword, "PATH", "owner of the file", "0"),
    field("group.id", Keyword, "SYSCALL", "group", "1000"),
    field("group.name", Keyword, "enriched records", "name of the group", "alice"),
    field("host.hostname", Keyword, "node= or option", "name of the machine", "web01"),
    field("host.id", Keyword, "node= or option", "name of the machine", "web01"),
    field("host.name", Keyword, "node= or option", "name of the machine", "web01"),
    field("host.os.type", Keyword, "all", "linux", "linux"),
    field("network.direction", Keyword, "SOCKADDR", "egress or ingress, for calls with an address", "egress"),
    field("process.ancestors.executable", Keyword, "process table", "programs of the ancestors, nearest first", "/usr/sbin/nginx"),
    field("process.ancestors.name", Keyword, "process table", "names of the ancestors, nearest first", "nginx"),
    field("process.args", Keyword, "EXECVE or process table", "arguments of the program", "-c"),
    field("process.args_count", Long, "EXECVE or process table", "number of arguments", "3"),
    field("process.command_line", Keyword, "EXECVE or process table", "arguments joined by one space", "sh -c id"),
    field("process.entity_id", Keyword, "process table", "names one program run of one process", "6f1d…"),
    field("process.executable", Keyword, "SYSCALL", "path of the program", "/usr/bin/dash"),
    field("process.group.id", Keyword, "SYSCALL", "group", "1000"),
    field("process.group.name", Keyword, "enriched records", "name of the group", "alice"),
    field("process.interactive", Boolean, "SYSCALL", "whether it has a terminal", "true"),
    field("process.name", Keyword, "SYSCALL", "comm, then the file name of the program where it differs", "sh"),
    field("process.parent.args", Keyword, "process table", "arguments of the parent", "-c"),
    field("process.parent.args_count", Long, "process table", "number of arguments of the parent", "3"),
    field("process.parent.command_line", Keyword, "process table", "arguments of the parent joined by one space", "nginx: worker"),
    field("process.parent.entity_id", Keyword, "process table", "names one program run of the parent", "6f1d…"),
    field("process.parent.executable", Keyword, "process table", "path of the parent's program", "/usr/sbin/nginx"),
    field("process.parent.name", Keyword, "process table", "name of the parent", "nginx"),
    field("process.parent.pid", Long, "SYSCALL", "process id of the parent", "1"),
    field("process.parent.user.id", Keyword, "process table", "user of the parent", "33"),
    field("process.parent.working_directory", Keyword, "process table", "where the parent was started", "/"),
    field("process.pid", Long, "SYSCALL and others", "process id", "4242"),
    field("process.real_group.id", Keyword, "SYSCALL", "group", "1000"),
    field("process.real_user.id", Keyword, "SYSCALL", "user", "1000"),
    field("process.title", Keyword, "PROCTITLE", "first 128 bytes of the arguments, often those of the program before", "sh -c id"),
    field("process.user.id", Keyword, "SYSCALL", "user", "1000"),
    field("process.user.name", Keyword, "enriched records", "name of the user", "alice"),
    field("process.working_directory", Keyword, "CWD or process table", "working directory", "/tmp"),
    field("service.type", Keyword, "all", "auditd", "auditd"),
    field("source.ip", Ip, "SOCKADDR, USER_LOGIN", "address it came from", "203.0.113.9"),
    field("source.port", Long, "SOCKADDR", "port it came from", "40022"),
    field("tags", Keyword, "SYSCALL", "keys of the audit rule", "exec"),
    field("user.audit.id", Keyword, "SYSCALL and others", "user at login", "1000"),
    field("user.audit.name", Keyword, "enriched records", "name of the user at login", "alice"),
    field("user.effective.group.id", Keyword, "SYSCALL", "effective group where it differs", "0"),
    field("user.effective.id", Keyword, "SYSCALL", "effective user where it differs", "0"),
    field("user.effective.name", Keyword, "enriched records, USER_*", "name of the effective user", "root"),
    field("user.filesystem.id", Keyword, "SYSCALL", "user for access to files", "1000"),
    field("user.group.id", Keyword, "SYSCALL", "group", "1000"),
    field("user.group.name", Keyword, "enriched records", "name of the group", "alice"),
    field("user.id", Keyword, "SYSCALL and others", "user", "1000"),
    field("user.name", Keyword, "enriched records", "name of the user", "alice"),
    field("user.saved.id", Keyword, "SYSCALL", "saved user", "1000"),
];

#[cfg(test)]
mod tests {
    use super::FIELDS;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        for pair in FIELDS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
    }
}
