//! `/proc` → the processes that are running when a live stream begins.
//!
//! In: the folder, normally `/proc`. Out: a description of each process, [`Found`], for the process table.
//! Bounded in number of processes, in bytes of each file and in bytes of all arguments. A process that
//! ends while it is looked at, and another that takes its number, are told by the time it began, which is
//! read before and after everything else: such a description is dropped. What may not be read is left
//! out. Nothing here waits, and nothing is written.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use crate::event::{Host, Person, Terminal, UNNAMED};
use crate::process::Found;
use crate::record::text::text_of;
use crate::time::Timestamp;

/// Most processes looked at; Linux has at most 4,194,304, but the table remembers no more than these.
const MAX_PROCESSES: usize = 32_768;
/// Longest file that is read of a process, in bytes; of arguments no more is remembered anyway.
const MAX_FILE: usize = 32 << 10;
/// Most bytes of the arguments of all.
const MAX_ARGS: usize = 32 << 20;
/// Parts of a second in which `/proc` counts time, on every machine that audit logs come from.
const TICKS: i64 = 100;

/// The machine whose processes were found.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its name, without the newline.
    pub(super) name: String,
    /// Its processes by number.
    pub(super) processes: Vec<Found>,
}

impl Machine {
    /// Whether events are of this machine: `node=` says so, or says nothing and the user nothing else.
    pub(super) fn is(&self, host: &Host, node: Option<&[u8]>) -> bool {
        let short = |name: &str| name.split('.').next().unwrap_or("").to_ascii_lowercase();
        let same = !self.name.is_empty() && short(&host.name) == short(&self.name);
        same || (node.is_none() && &*host.name == UNNAMED)
    }
}

/// Looks at all processes. What cannot be read is missing; without the folder nothing is found.
pub(super) fn look(proc: &Path) -> Machine {
    let boot = boot_time(proc);
    let name = text(&proc.join("sys/kernel/hostname")).unwrap_or_default();
    let mut pids: Vec<i64> = Vec::new();
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    for entry in entries {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(pid) = pid.filter(|pid| *pid > 0) {
            pids.push(pid);
        }
        if pids.len() >= MAX_PROCESSES {
            break;
        }
    }
    pids.sort_unstable();
    let mut left = MAX_ARGS;
    let processes = pids.into_iter().filter_map(|pid| one(proc, pid, boot, &mut left)).collect();
    Machine { name: name.trim().to_owned(), processes }
}

/// One process, unless it ended meanwhile.
fn one(proc: &Path, pid: i64, boot: Option<i64>, left: &mut usize) -> Option<Found> {
    let folder = proc.join(pid.to_string());
    let before = Stat::read(&folder)?;
    let mut found = Found {
        pid,
        ppid: before.ppid,
        group: before.group,
        session: before.session,
        executable: link(&folder.join("exe")),
        working_directory: link(&folder.join("cwd")),
        login: text(&folder.join("loginuid")).and_then(|id| id.trim().parse().ok()),
        start: boot.and_then(|boot| before.start(boot)),
        ..Found::default()
    };
    found.login = found.login.filter(|id| *id != u32::MAX);
    if let Some(bytes) = bytes(&folder.join("cmdline")) {
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        if !bytes.is_empty() && bytes.len() <= *left {
            *left -= bytes.len();
            found.args = bytes.split(|byte| *byte == 0).map(|a| text_of(a).into_owned()).collect();
        }
    }
    let status = text(&folder.join("status")).unwrap_or_default();
    let ids = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let mut ids = line.unwrap_or("").split_whitespace().map(|id| id.parse().ok());
        (ids.next().flatten(), ids.next().flatten())
    };
    let ((user, effective_user), (group, effective_group)) = (ids("Uid:"), ids("Gid:"));
    let terminal = Terminal::of_device(before.terminal);
    found.person = Person { user, group, effective_user, effective_group, terminal };
    // Its number in each process id space, from ours inwards.
    let spaces = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    found.apart = spaces.is_some_and(|spaces| spaces.split_whitespace().nth(1).is_some());
    // Whoever runs another program, or is another process by now, is told by the log.
    let after = Stat::read(&folder)?;
    found.name.clone_from(&before.name);
    (after == before && link(&folder.join("exe")) == found.executable).then_some(found)
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    ppid: i64,
    group: i64,
    session: i64,
    terminal: i64,
    /// In ticks since the machine booted.
    ticks: i64,
}

impl Stat {
    fn read(folder: &Path) -> Option<Self> {
        let line = bytes(&folder.join("stat"))?;
        // The name may hold anything, but nothing behind it holds a bracket.
        let open = memchr::memchr(b'(', &line)?;
        let close = memchr::memrchr(b')', &line)?;
        let name = text_of(line.get(open + 1..close)?).into_owned();
        let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_whitespace().take(20).collect();
        let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
        Some(Self {
            name,
            ppid: number(1)?,
            group: number(2)?,
            session: number(3)?,
            terminal: number(4)?,
            ticks: number(19)?,
        })
    }

    fn start(&self, boot: i64) -> Option<Timestamp> {
        let millis = self.ticks.checked_mul(1000 / TICKS)?.checked_add(boot.checked_mul(1000)?)?;
        Some(Timestamp::from_millis(millis))
    }
}

/// When the machine booted, in seconds since 1970.
fn boot_time(proc: &Path) -> Option<i64> {
    // The line stands behind one for each processor and one for all interrupts.
    let mut stat = Vec::new();
    File::open(proc.join("stat")).ok()?.take(8 << 20).read_to_end(&mut stat).ok()?;
    let at = memchr::memmem::find(&stat, b"\nbtime ")?;
    let line = stat.get(at + 7..)?.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

fn link(path: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt as _;
    let target = fs::read_link(path).ok()?;
    Some(text_of(target.as_os_str().as_bytes()).into_owned())
}

fn text(path: &Path) -> Option<String> {
    bytes(path).map(|bytes| text_of(&bytes).into_owned())
}

/// The beginning of a file.
fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_FILE as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A process as `/proc` shows it.
    fn process(proc: &Path, pid: i64, stat: &str, cmdline: &[u8], status: &str, exe: &str) {
        let folder = proc.join(pid.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("stat"), stat).unwrap();
        fs::write(folder.join("cmdline"), cmdline).unwrap();
        fs::write(folder.join("status"), status).unwrap();
        fs::write(folder.join("loginuid"), "1000").unwrap();
        symlink(exe, folder.join("exe")).unwrap();
        symlink("/home/alice", folder.join("cwd")).unwrap();
    }

    /// A stat line: state, then fields 4 to 22.
    fn stat(name: &str, pid: i64, ppid: i64, tty: i64, ticks: i64) -> String {
        let zeros = "0 ".repeat(14);
        format!("{pid} ({name}) S {ppid} {pid} {pid} {tty} {zeros}{ticks} 0 0\n")
    }

    #[test]
    fn a_process_is_described_whatever_it_calls_itself() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path();
        fs::create_dir_all(proc.join("sys/kernel")).unwrap();
        fs::write(proc.join("sys/kernel/hostname"), "web01\n").unwrap();
        fs::write(proc.join("stat"), "cpu  1 2 3\nbtime 1700000000\nprocesses 9\n").unwrap();
        let status = "Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t1000\t1001\t0\t0\nNSpid:\t70\n";
        let odd = stat("a) S 9 (b", 70, 50, 0x8803, 250);
        process(proc, 70, &odd, b"bash\0-c\0\0x y\xff\0", status, "/usr/bin/bash");
        process(proc, 80, &stat("sh", 80, 70, 0, 300), b"", "NSpid:\t80\t1\n", "/bin/sh (deleted)");
        // What ends while it is looked at, and what is no process.
        fs::create_dir_all(proc.join("90")).unwrap();
        fs::create_dir_all(proc.join("self")).unwrap();
        process(proc, 91, "91 (cut", b"", "", "/x");
        let machine = look(proc);
        assert_eq!(machine.name, "web01");
        let [bash, sh] = machine.processes.as_slice() else { panic!("{machine:?}") };
        let person = Person {
            user: Some(1000),
            effective_user: Some(0),
            group: Some(1000),
            effective_group: Some(1001),
            terminal: Some(Terminal::Pseudo(3)),
        };
        let expected = Found {
            pid: 70,
            ppid: 50,
            session: 70,
            group: 70,
            name: "a) S 9 (b".into(),
            executable: Some("/usr/bin/bash".into()),
            args: ["bash", "-c", "", "x y\\xFF"].map(str::to_owned).into(),
            working_directory: Some("/home/alice".into()),
            person,
            login: Some(1000),
            start: Some(Timestamp::from_millis(1_700_000_002_500)),
            apart: false,
        };
        assert_eq!(*bash, expected);
        assert_eq!((sh.args.len(), sh.apart), (0, true));
        assert_eq!(sh.executable.as_deref(), Some("/bin/sh (deleted)"));
    }

    #[test]
    fn without_the_folder_nothing_is_found_and_long_files_are_cut() {
        assert_eq!(look(Path::new("/nowhere/proc")).processes, []);
        let folder = tempfile::tempdir().unwrap();
        let long = [b'x'; 3 * MAX_FILE];
        process(folder.path(), 7, &stat("x", 7, 1, 0, 1), &long, "Uid:\tx\n", "/x");
        let machine = look(folder.path());
        assert_eq!(machine.processes[0].args[0].len(), MAX_FILE);
        assert_eq!(machine.processes[0].person.user, None);
        assert_eq!(machine.processes[0].start, None);
    }

    #[test]
    fn the_machine_is_that_of_events_that_name_it_or_nobody() {
        let machine = Machine { name: "web01".into(), processes: Vec::new() };
        let host = |name: &str| Host::new(0, name, name);
        for (name, node, ours) in [
            ("web01", Some(&b"web01"[..]), true),
            ("WEB01.example.org", Some(b"WEB01.example.org"), true),
            ("web02", Some(b"web02"), false),
            ("web02", None, false),
            ("web01", None, true),
            (UNNAMED, None, true),
            (UNNAMED, Some(b"unknown"), false),
        ] {
            assert_eq!(machine.is(&host(name), node), ours, "{name} {node:?}");
        }
        let nameless = Machine { name: String::new(), processes: Vec::new() };
        assert!(!nameless.is(&host(""), Some(b"")));
    }
}
