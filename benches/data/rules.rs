//! Rule sets of any size, to see how cost grows with rules.
//!
//! In: a kind, a number and a seed. Out: queries, or rule files. The same each time.

use std::fs;
use std::io;
use std::path::Path;

use super::random::Random;

/// What the rules of a set are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rules for one event: a connect, program names and networks, each with a name of its own.
    Single,
    /// Program started, UDP socket, connect outwards, by host, process and parent; each with a name of its own.
    Chain,
    /// 70 % rules for one event over processes, files and connections, 25 % sequences under various keys
    /// and spans, 5 % samples; about a third share leaves.
    Mixed,
}

impl Kind {
    /// By its name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        match name {
            "single" => Some(Self::Single),
            "chain" => Some(Self::Chain),
            "mixed" => Some(Self::Mixed),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Chain => "chain",
            Self::Mixed => "mixed",
        }
    }
}

const INTERPRETERS: [&str; 17] = [
    "bash", "dash", "sh", "tcsh", "csh", "zsh", "ksh", "fish", "perl", "nc", "ncat", "netcat",
    "ruby", "openssl", "awk", "telnet", "socat",
];
const LOCAL: &str = r#""127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::1""#;
const FOLDERS: [&str; 11] = [
    "/tmp",
    "/dev/shm",
    "/var/tmp",
    "/run",
    "/var/www",
    "/opt",
    "/home",
    "/etc/cron.d",
    "/etc/systemd/system",
    "/root/.ssh",
    "/usr/local/bin",
];
const WORDS: [&str; 27] = [
    "wget", "curl", "base64", "chmod", "chattr", "crontab", "insmod", "iptables", "mkfifo",
    "nohup", "setsid", "tcpdump", "useradd", "xxd", "whoami", "id", "uname", "ps", "nmap", "dd",
    "tar", "gcc", "kubectl", "docker", "ssh", "scp", "rsync",
];

/// The queries of a set.
pub(crate) fn queries(kind: Kind, count: usize, seed: u32) -> Vec<String> {
    let mut random = Random::new(seed);
    let query = |number| match kind {
        Kind::Single => connect(number),
        Kind::Chain => chain(number),
        Kind::Mixed => mixed(&mut random),
    };
    (0..count).map(query).collect()
}

/// Writes the rules of a set into a folder, one file each.
pub(crate) fn write(folder: &Path, kind: Kind, count: usize, seed: u32) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let kind_name = kind.name();
    for (number, query) in queries(kind, count, seed).iter().enumerate() {
        let text = format!(
            "[metadata]\nmaturity = \"production\"\n\n[rule]\nauthor = [\"bench\"]\n\
             description = \"generated\"\nfrom = \"now-9m\"\nlanguage = \"eql\"\n\
             name = \"{kind_name} {number}\"\nrisk_score = 21\n\
             rule_id = \"bench-{kind_name}-{number}\"\nseverity = \"low\"\ntype = \"eql\"\n\
             query = '''\n{query}\n'''\n"
        );
        fs::write(folder.join(format!("r{number:05}.toml")), text)?;
    }
    Ok(())
}

fn quoted<S: AsRef<str>>(texts: &[S]) -> String {
    texts.iter().map(|text| format!("\"{}\"", text.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Program names of a rule.
fn names(number: usize) -> String {
    let own = format!("tool{number}");
    let mut names = INTERPRETERS.to_vec();
    names.extend([&own, "python*", "php*", "lua*"]);
    quoted(&names)
}

fn connect(number: usize) -> String {
    format!(
        "network where host.os.type == \"linux\" and event.action == \"connected-to\" and \
         event.outcome == \"success\" and network.direction == \"egress\" and \
         process.name : ({}) and destination.ip != null and not cidrMatch(destination.ip, {LOCAL})",
        names(number)
    )
}

fn chain(number: usize) -> String {
    let (names, connect) = (names(number), connect(number));
    format!(
        "sequence by host.id, process.pid, process.parent.pid with maxspan=10m\n  \
         [process where host.os.type == \"linux\" and event.action == \"executed\" and process.name : ({names})]\n  \
         [process where host.os.type == \"linux\" and auditd.data.syscall == \"socket\" and auditd.data.a1 == \"2\" and process.name : ({names})]\n  \
         [{connect}]"
    )
}

fn leaf(random: &mut Random) -> String {
    match random.below(10) {
        0 => {
            let count = random.range(1, 8) as usize;
            let mut names: Vec<String> =
                random.sample(&WORDS, count).into_iter().map(str::to_owned).collect();
            names.push(format!("x{}*", random.below(9999)));
            format!("process.name : ({})", quoted(&names))
        }
        1 => {
            let count = random.range(1, 4) as usize;
            let patterns: Vec<String> =
                random.sample(&WORDS, count).iter().map(|word| format!("*{word}*")).collect();
            format!("process.args : ({})", quoted(&patterns))
        }
        2 => {
            let (folder, word) = (random.pick(&FOLDERS), random.pick(&WORDS));
            let number = random.below(999);
            format!("process.executable like (\"{folder}/*\", \"/usr/*/{word}{number}\")")
        }
        3 => format!("not process.parent.name in ({})", quoted(&random.sample(&WORDS, 5))),
        4 => format!("user.id != \"{}\"", random.pick(&[0, 33, 1000, 1001, 4242])),
        5 => format!("process.working_directory : \"{}/*\"", random.pick(&FOLDERS)),
        6 => format!(
            "process.command_line regex~ \"\"\".*{}\\s+-[a-z]{{1,3}}.*\"\"\"",
            random.pick(&WORDS)
        ),
        7 => format!("process.args_count >= {}", random.range(2, 9)),
        8 => format!("process.name != \"{}\"", random.pick(&WORDS)),
        _ => format!("event.outcome == \"{}\"", random.pick(&["success", "failure"])),
    }
}

fn process(random: &mut Random) -> String {
    let count = random.range(2, 5);
    let leaves: Vec<String> = (0..count).map(|_| leaf(random)).collect();
    format!(
        "process where host.os.type == \"linux\" and event.type == \"start\" and \
         event.action in (\"exec\", \"executed\") and {}",
        leaves.join(" and ")
    )
}

fn file(random: &mut Random) -> String {
    let count = random.range(1, 4) as usize;
    let folders: Vec<String> =
        random.sample(&FOLDERS, count).iter().map(|folder| format!("{folder}/*")).collect();
    format!(
        "file where host.os.type == \"linux\" and \
         event.action in (\"creation\", \"opened-file\", \"renamed\", \"deleted\") and \
         file.path like ({}) and not process.name in ({})",
        quoted(&folders),
        quoted(&random.sample(&WORDS, 4))
    )
}

fn network(random: &mut Random) -> String {
    let count = random.range(1, 6);
    let ports: Vec<String> = (0..count).map(|_| random.range(1, 65_535).to_string()).collect();
    let block = random.below(255);
    format!(
        "network where host.os.type == \"linux\" and event.action == \"connected-to\" and \
         destination.port in ({}) and not cidrMatch(destination.ip, {LOCAL}, \"10.{block}.0.0/16\") and {}",
        ports.join(", "),
        leaf(random)
    )
}

fn mixed(random: &mut Random) -> String {
    let kind = random.fraction();
    if kind < 0.45 {
        return process(random);
    }
    if kind < 0.60 {
        return file(random);
    }
    if kind < 0.70 {
        return network(random);
    }
    type Stage = fn(&mut Random) -> String;
    let pairs: [(Stage, Stage); 4] =
        [(process, network), (file, process), (process, file), (process, process)];
    let (first, second) = random.pick(&pairs);
    if kind < 0.95 {
        let keys = [
            "host.id, process.entity_id",
            "host.id, user.id",
            "host.id, process.pid, process.parent.pid",
            "host.id",
        ];
        let key = random.pick(&keys);
        let span = random.pick(&["1s", "5s", "30s", "1m", "10m"]);
        let (first, second) = (first(random), second(random));
        let runs = random.pick(&["", "", "", " with runs=3"]);
        return format!("sequence by {key} with maxspan={span}\n  [{first}]\n  [{second}]{runs}");
    }
    let (first, second) = (first(random), second(random));
    format!("sample by host.id, process.pid\n  [{first}]\n  [{second}]")
}
