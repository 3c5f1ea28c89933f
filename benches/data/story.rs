//! What happens on the machines of a generated log: processes and the calls they make, one after another.
//!
//! In: random numbers. Out: scripts. A *chain* is a planted attack, one of the near misses that differ from
//! it in one thing each, or an attack that stops before its last step; the rest is background.

use std::rc::Rc;

use super::random::Random;

const INTERPRETERS: [&str; 16] = [
    "bash",
    "dash",
    "sh",
    "zsh",
    "perl",
    "python3",
    "python3.11",
    "nc",
    "ncat",
    "php",
    "ruby",
    "awk",
    "telnet",
    "socat",
    "lua5.4",
    "openssl",
];
const PROGRAMS: [&str; 30] = [
    "ls",
    "cat",
    "grep",
    "sed",
    "cron",
    "sshd",
    "systemd",
    "curl",
    "wget",
    "git",
    "node",
    "java",
    "nginx",
    "postgres",
    "containerd",
    "runc",
    "kubelet",
    "ps",
    "date",
    "tar",
    "find",
    "apt-get",
    "dpkg",
    "rsync",
    "sudo",
    "id",
    "uname",
    "systemctl",
    "dig",
    "gcc",
];
const FILES: [&str; 17] = [
    "/etc/passwd",
    "/etc/ld.so.cache",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc/self/status",
    "/usr/lib/locale/locale-archive",
    "/etc/nsswitch.conf",
    "/var/log/syslog",
    "/home/alice/.bashrc",
    "/tmp/build/out.o",
    "/usr/share/zoneinfo/UTC",
    "/sys/fs/cgroup/cpu.max",
    "/dev/null",
    "/etc/group",
    "/var/lib/postgresql/15/main/base/16384/2619",
    "/opt/app/config/production.yaml",
];
const ARGUMENTS: [&str; 21] = [
    "-l",
    "-a",
    "--color=auto",
    "-c",
    "import sys; print(sys.version)",
    "/etc/passwd",
    "-rf",
    "/tmp/build dir",
    "--config=/etc/app/app.conf",
    "-n",
    "5",
    "status",
    "https://example.org/x",
    "-e",
    "s/a/b/g",
    "--verbose",
    "/var/log/syslog",
    "-O2",
    "-o",
    "out.o",
    "main.c",
];

/// No login.
pub(crate) const UNSET: u32 = u32::MAX;

/// What a chain is, and whether it is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Chain {
    /// Started, UDP socket, connect outwards: to be found.
    Attack,
    /// The connect has not come when the log ends.
    InFlight,
    /// Differs in one thing, by number in [`NEAR_MISSES`].
    NearMiss(usize),
}

/// What near misses differ in.
pub(crate) const NEAR_MISSES: [&str; 15] = [
    "loopback4",
    "loopback6",
    "linklocal",
    "multicast",
    "tcp",
    "cloexec_dgram",
    "other_pid",
    "other_ppid",
    "other_host",
    "no_socket",
    "no_exec",
    "wrong_name",
    "unix_socket",
    "failed_connect",
    "reordered",
];

impl Chain {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::InFlight => "inflight",
            Self::NearMiss(number) => NEAR_MISSES[number],
        }
    }
}

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) host: usize,
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: &'static str,
    pub(crate) executable: String,
    pub(crate) arguments: Vec<&'static str>,
    pub(crate) user: u32,
    /// [`UNSET`] or the user it logged in as.
    pub(crate) login: u32,
    pub(crate) session: u32,
    pub(crate) terminal: String,
    pub(crate) folder: &'static str,
}

/// Where a connect goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// 4, 6, or 0 for a socket with a name.
    pub(crate) family: u8,
    pub(crate) address: String,
    pub(crate) port: u16,
}

/// What a process does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Execve,
    Openat(&'static str),
    /// Domain and type.
    Socket(&'static str, &'static str),
    Connect(Target),
    /// A call that nothing more is known of.
    Call(&'static str),
    /// A message of a program about the user.
    User,
}

impl Act {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Execve => "execve",
            Self::Openat(_) => "openat",
            Self::Socket(..) => "socket",
            Self::Connect(_) => "connect",
            Self::Call(name) => name,
            Self::User => "user",
        }
    }
}

/// One thing that a process does.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) process: Rc<Process>,
    pub(crate) act: Act,
    pub(crate) succeeds: bool,
}

/// The processes of all machines.
#[derive(Debug)]
pub(crate) struct Machines {
    /// By machine: the last process id given out.
    pids: Vec<u32>,
}

/// What is given of a process; the rest is drawn.
#[derive(Debug, Default)]
struct Given {
    name: Option<&'static str>,
    parent: Option<u32>,
    pid: Option<u32>,
    arguments: Option<Vec<&'static str>>,
}

impl Machines {
    pub(crate) fn new(count: usize) -> Self {
        Self { pids: vec![2000; count] }
    }

    fn process(&mut self, random: &mut Random, host: usize, given: Given) -> Process {
        let pid = given.pid.unwrap_or_else(|| {
            self.pids[host] += random.range(1, 3);
            self.pids[host]
        });
        let parent = given.parent.unwrap_or_else(|| random.range(300, (pid - 1).max(301)));
        let name = given.name.unwrap_or_else(|| {
            let from: &[&str] = if random.chance(0.3) { &INTERPRETERS } else { &PROGRAMS };
            random.pick(from)
        });
        let arguments = given.arguments.unwrap_or_else(|| {
            let more = random.range(0, 4);
            std::iter::once(name).chain((0..more).map(|_| random.pick(&ARGUMENTS))).collect()
        });
        let user = random.pick(&[0, 0, 1000, 1000, 1001, 33, 999]);
        let login = if matches!(user, 1000 | 1001) { user } else { UNSET };
        let has_login = login != UNSET;
        let session = if has_login { random.range(1, 400) } else { UNSET };
        let terminal =
            if has_login { format!("pts{}", random.range(0, 9)) } else { "(none)".to_owned() };
        let folder = random.pick(&["/", "/root", "/home/alice", "/var/www/html", "/opt/app"]);
        let executable = format!("/usr/bin/{name}");
        Process {
            host,
            pid,
            parent,
            name,
            executable,
            arguments,
            user,
            login,
            session,
            terminal,
            folder,
        }
    }

    /// What an ordinary process does. An interpreter never sends UDP outwards but through a socket that is
    /// closed on execution, as a resolver does.
    pub(crate) fn background(&mut self, random: &mut Random, host: usize) -> Vec<Step> {
        let process = Rc::new(self.process(random, host, Given::default()));
        let step = |act, succeeds| Step { process: process.clone(), act, succeeds };
        let mut steps = vec![step(Act::Execve, !rarely(random, 0.04))];
        for _ in 0..random.range(0, 3) {
            let file = random.pick(&FILES);
            steps.push(step(Act::Openat(file), !rarely(random, 0.06)));
        }
        let kind = random.fraction();
        if kind < 0.45 {
            let socket = if kind < 0.10 { "80002" } else { random.pick(&["1", "80001", "80801"]) };
            steps.push(step(Act::Socket("2", socket), true));
            let address = if random.chance(0.7) { outside(random) } else { "127.0.0.1".to_owned() };
            let port = random.pick(&[53, 80, 443, 5432, 6379]);
            steps.push(step(Act::Connect(Target { family: 4, address, port }), true));
        } else if kind < 0.5 {
            steps.push(step(Act::Socket("1", "80001"), true));
            steps.push(step(Act::Connect(named("/run/systemd/journal/socket", 0)), true));
        }
        if random.chance(0.35) {
            let call = random.pick(&["clone", "chmod", "setuid", "ptrace", "unlinkat"]);
            steps.push(step(Act::Call(call), true));
        }
        if random.chance(0.25) {
            steps.push(step(Act::Call("exit_group"), true));
        }
        if random.chance(0.22) {
            steps.push(step(Act::User, true));
        }
        steps
    }

    /// A planted chain.
    pub(crate) fn chain(&mut self, random: &mut Random, chain: Chain) -> Vec<Step> {
        let host = random.below(self.pids.len());
        let name = random.pick(&INTERPRETERS);
        let rest: &[&str] =
            if random.chance(0.5) { &["-i"] } else { &["-c", "exec 5<>/dev/udp/x"] };
        let arguments = std::iter::once(name).chain(rest.iter().copied()).collect();
        let given = Given { name: Some(name), arguments: Some(arguments), ..Given::default() };
        let mut process = self.process(random, host, given);
        if chain.name() == "wrong_name" {
            (process.name, process.executable) = ("dig", "/usr/bin/dig".to_owned());
        }
        let process = Rc::new(process);
        let step = |act| Step { process: process.clone(), act, succeeds: true };
        let address = outside(random);
        let target = Target { family: 4, address, port: random.pick(&[53, 123, 4444, 9001]) };
        let files = random.range(0, 3);
        let mut between: Vec<Step> =
            (0..files).map(|_| step(Act::Openat(random.pick(&FILES)))).collect();
        let execve = step(Act::Execve);
        let socket = step(Act::Socket("2", "2"));
        let connect = step(Act::Connect(target.clone()));
        let to = |family, address: &str| {
            let address = address.to_owned();
            step(Act::Connect(Target { family, address, port: 4444 }))
        };
        match chain.name() {
            "attack" => {
                let mut steps = vec![execve];
                let behind = between.split_off(between.len().min(1));
                steps.append(&mut between);
                steps.push(socket);
                steps.extend(behind);
                steps.push(connect);
                steps
            }
            "inflight" => {
                let mut steps = vec![execve];
                steps.append(&mut between);
                steps.push(socket);
                steps
            }
            "loopback4" => {
                let address = format!("127.0.0.{}", random.range(1, 250));
                vec![execve, socket, to(4, &address)]
            }
            "loopback6" => vec![execve, socket, to(6, "::1")],
            "linklocal" => vec![execve, socket, to(4, "169.254.169.254")],
            "multicast" => vec![execve, socket, to(4, "224.0.0.251")],
            "tcp" => vec![execve, step(Act::Socket("2", "1")), connect],
            "cloexec_dgram" => vec![execve, step(Act::Socket("2", "80002")), connect],
            "no_socket" => vec![execve, connect],
            "no_exec" => vec![socket, connect],
            "unix_socket" => {
                vec![execve, socket, step(Act::Connect(named("/run/x.sock", 4444)))]
            }
            "failed_connect" => vec![execve, socket, Step { succeeds: false, ..connect }],
            "reordered" => vec![execve, connect, socket],
            "wrong_name" => vec![execve, socket, connect],
            other => {
                let Some(other) = self.other(random, other, &process) else {
                    return vec![execve, socket];
                };
                let act = Act::Connect(target);
                vec![execve, socket, Step { process: Rc::new(other), act, succeeds: true }]
            }
        }
    }

    /// A process that differs from another in one part of the key; `None` where there is but one machine.
    fn other(&mut self, random: &mut Random, what: &str, from: &Process) -> Option<Process> {
        let (mut host, mut parent, mut pid) = (from.host, from.parent, Some(from.pid));
        match what {
            "other_pid" => pid = None,
            "other_ppid" => parent += 1,
            _ if self.pids.len() < 2 => return None,
            _ => host = (host + 1) % self.pids.len(),
        }
        let given = Given { name: Some(from.name), parent: Some(parent), pid, arguments: None };
        let other = self.process(random, host, given);
        self.pids[host] = self.pids[host].max(other.pid);
        Some(other)
    }
}

/// Drawn as a number above it being the rule.
fn rarely(random: &mut Random, probability: f64) -> bool {
    random.fraction() <= probability
}

fn named(path: &str, port: u16) -> Target {
    Target { family: 0, address: path.to_owned(), port }
}

/// An address outside.
fn outside(random: &mut Random) -> String {
    let first = random.pick(&[5, 45, 52, 91, 103, 185]);
    let rest = [(); 3].map(|()| random.range(1, 250));
    format!("{first}.{}.{}.{}", rest[0], rest[1], rest[2])
}
