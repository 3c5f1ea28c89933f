//! [`Process`]: a program image running in a process, as far as the log tells.

use std::sync::Arc;

use super::{EntityId, Image};
use crate::near;
use crate::time::Timestamp;

/// What is known about a process since it began to run its present program.
///
/// Plain data: `process` fills it in event order, alerts show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Names this image of this process: the same on every run over the same log.
    pub entity_id: EntityId,
    /// Process id.
    pub pid: i64,
    /// Id of the parent when it was first seen.
    pub ppid: Option<i64>,
    /// The program it runs.
    pub image: Image,
    /// As whom it ran when it was last seen, and at which terminal.
    pub person: Person,
    /// When it was first seen.
    pub start: Timestamp,
    /// The process that started it, as it was then. Chains are at most 16 long.
    pub parent: Option<Parent>,
    /// Who leads what it belongs to.
    pub leaders: Leaders,
}

/// The process that started another one.
///
/// Says how long the line behind it is without a walk along it: the processes of a line lie anywhere in
/// memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    process: Arc<Process>,
    depth: usize,
    bytes: usize,
}

impl Parent {
    /// As the parent of others.
    pub fn new(process: Arc<Process>) -> Self {
        let (depth, bytes) =
            process.parent.as_ref().map_or((0, 0), |next| (next.depth, next.bytes));
        Self { depth: depth + 1, bytes: bytes + process.size_bytes(), process }
    }

    /// The process itself.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }
}

impl std::ops::Deref for Parent {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// As whom a process runs, and where. What is not known is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    /// The real user.
    pub user: Option<u32>,
    /// The real group.
    pub group: Option<u32>,
    /// The effective user.
    pub effective_user: Option<u32>,
    /// The effective group.
    pub effective_group: Option<u32>,
    /// The controlling terminal.
    pub terminal: Option<Terminal>,
}

impl Person {
    /// The same, with what `newer` knows.
    pub fn or_newer(self, newer: Self) -> Self {
        Self {
            user: newer.user.or(self.user),
            group: newer.group.or(self.group),
            effective_user: newer.effective_user.or(self.effective_user),
            effective_group: newer.effective_group.or(self.effective_group),
            terminal: newer.terminal.or(self.terminal),
        }
    }
}

/// The controlling terminal of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Terminal {
    /// It has none.
    None,
    /// A pseudo terminal: windows, remote logins, multiplexers.
    Pseudo(u32),
    /// A virtual console of the machine itself.
    Console(u32),
    /// A serial line.
    Serial(u32),
    /// Another one, by a name that says nothing about its numbers.
    Other,
}

impl Terminal {
    /// By its name in a record: `pts0`, `tty1`, `ttyS0`, `(none)`.
    pub fn of(name: &[u8]) -> Option<Self> {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
        let after = |start: &[u8]| name.strip_prefix(start).and_then(number);
        match name {
            b"(none)" => return Some(Self::None),
            b"" | b"?" | b"(null)" => return None,
            _ => {}
        }
        let pseudo = after(b"pts/").or_else(|| after(b"pts")).map(Self::Pseudo);
        let serial = || after(b"ttyS").filter(|line| *line < 192).map(Self::Serial);
        let console = || after(b"tty").filter(|console| *console < 64).map(Self::Console);
        Some(pseudo.or_else(serial).or_else(console).unwrap_or(Self::Other))
    }

    /// By its device number as `/proc` writes it; 0 for none.
    pub fn of_device(device: i64) -> Option<Self> {
        let device = u32::try_from(device).ok()?;
        let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
        Some(match (major, minor) {
            (0, _) => Self::None,
            (4, 0..=63) => Self::Console(minor),
            (4, 64..=255) => Self::Serial(minor - 64),
            (136..=143, _) => Self::Pseudo((major - 136) * 256 + minor),
            _ => Self::Other,
        })
    }

    /// Whether there is one.
    pub fn is_some(self) -> bool {
        self != Self::None
    }

    /// Its device numbers, where they follow from its name.
    pub fn device(self) -> Option<(u32, u32)> {
        match self {
            Self::Pseudo(number) => Some((136_u32.checked_add(number / 256)?, number % 256)),
            Self::Console(number) => Some((4, number)),
            Self::Serial(number) => Some((4, 64 + number)),
            Self::None | Self::Other => None,
        }
    }
}

/// Who leads what a process belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaders {
    /// Of its session.
    pub session: Leader,
    /// Of its process group.
    pub group: Leader,
    /// Of the login, service or container that it is part of.
    pub entry: Leader,
    /// How that came to be; of the process that `entry` is.
    pub kind: Option<EntryKind>,
}

/// A process that leads others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Leader {
    /// Nobody knows.
    #[default]
    Unknown,
    /// The process itself.
    Itself,
    /// Another one, as it was when the process came to be, without its own parents and leaders: whoever
    /// belongs to it keeps nothing else alive.
    Other(Arc<Process>),
}

/// How a login, service or container came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// Started by process 1: a service.
    Init,
    /// A remote login by the secure shell.
    Sshd,
    /// A remote login by Amazon's session manager.
    Ssm,
    /// A container.
    Container,
    /// A login at a serial line.
    Terminal,
    /// A login at a console.
    Console,
    /// A session of which nothing else is known.
    Unknown,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Init,
        Self::Sshd,
        Self::Ssm,
        Self::Container,
        Self::Terminal,
        Self::Console,
        Self::Unknown,
    ];

    /// The word in `process.entry_leader.entry_meta.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Sshd => "sshd",
            Self::Ssm => "ssm",
            Self::Container => "container",
            Self::Terminal => "terminal",
            Self::Console => "console",
            Self::Unknown => "unknown",
        }
    }
}

impl Leaders {
    /// Those of a new process whose parent has these; `parent` makes the parent without its own parents
    /// and leaders.
    #[must_use]
    pub fn inherited(&self, mut parent: impl FnMut() -> Arc<Process>) -> Self {
        let mut pass = |leader: &Leader| match leader {
            Leader::Itself => Leader::Other(parent()),
            other => other.clone(),
        };
        Self {
            session: pass(&self.session),
            group: pass(&self.group),
            entry: pass(&self.entry),
            kind: self.kind,
        }
    }

    /// The other processes among them, each once.
    pub fn others(&self) -> impl Iterator<Item = &Arc<Process>> {
        let all = [&self.session, &self.group, &self.entry].map(|leader| match leader {
            Leader::Other(process) => Some(process),
            Leader::Unknown | Leader::Itself => None,
        });
        let known = move |at: usize, one: &Arc<Process>| {
            all.iter().take(at).flatten().any(|earlier| Arc::ptr_eq(earlier, one))
        };
        all.into_iter().enumerate().filter_map(move |(at, one)| one.filter(|one| !known(at, one)))
    }
}

impl Process {
    /// The processes that led to it, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &Process> {
        std::iter::successors(self.parent.as_deref(), |process| process.parent.as_deref())
    }

    /// How many ancestors are known.
    pub fn depth(&self) -> usize {
        self.parent.as_ref().map_or(0, |parent| parent.depth)
    }

    /// Bytes that its ancestors occupy, without their leaders.
    pub fn ancestors_bytes(&self) -> usize {
        self.parent.as_ref().map_or(0, |parent| parent.bytes)
    }

    /// The process that a leader of this one is.
    pub fn leader<'p>(&'p self, leader: &'p Leader) -> Option<&'p Process> {
        match leader {
            Leader::Unknown => None,
            Leader::Itself => Some(self),
            Leader::Other(process) => Some(process),
        }
    }

    /// A copy without parents and leaders.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { parent: None, leaders: Leaders::default(), ..self.clone() }
    }

    /// Its place behind all processes that it refers to: one more than that of its parent, and above 0
    /// where another one leads it.
    pub fn rank(&self) -> usize {
        match self.parent {
            None => usize::from(self.leaders.others().next().is_some()),
            Some(_) => self.depth() + 1,
        }
    }

    /// Has brought near what goes with it when it is let go of.
    pub fn bring_parts(&self) {
        self.image.bring();
        if let Some(parent) = &self.parent {
            near::bring_counters(parent.process());
        }
    }

    /// Bytes it occupies, without its ancestors and leaders.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.image.text_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_known_by_their_names() {
        for (name, terminal, device) in [
            ("(none)", Some(Terminal::None), None),
            ("?", None, None),
            ("pts0", Some(Terminal::Pseudo(0)), Some((136, 0))),
            ("pts/300", Some(Terminal::Pseudo(300)), Some((137, 44))),
            ("tty1", Some(Terminal::Console(1)), Some((4, 1))),
            ("ttyS0", Some(Terminal::Serial(0)), Some((4, 64))),
            ("ttyS4000000000", Some(Terminal::Other), None),
            ("tty99", Some(Terminal::Other), None),
            ("hvc0", Some(Terminal::Other), None),
            ("pts4294967295", Some(Terminal::Pseudo(u32::MAX)), Some((16_777_351, 255))),
        ] {
            let of = Terminal::of(name.as_bytes());
            assert_eq!((of, of.and_then(Terminal::device)), (terminal, device), "{name}");
        }
        for (device, terminal) in [
            (0, Some(Terminal::None)),
            (0x8800, Some(Terminal::Pseudo(0))),
            (0x892c, Some(Terminal::Pseudo(300))),
            (0x401, Some(Terminal::Console(1))),
            (0x440, Some(Terminal::Serial(0))),
            (0x501, Some(Terminal::Other)),
            (-1, None),
        ] {
            assert_eq!(Terminal::of_device(device), terminal, "{device:#x}");
        }
    }
}
