//! [`Process`]: a program image running in a process, as far as the log tells.

use std::sync::Arc;

use crate::time::Timestamp;

/// What is known about a process since it began to run its present program.
///
/// Plain data: `process` fills it in event order, alerts show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Names this image of this process: the same on every run over the same log.
    pub entity_id: Box<str>,
    /// Process id.
    pub pid: i64,
    /// Id of the parent when it was first seen.
    pub ppid: Option<i64>,
    /// `comm`: at most 15 bytes, and the process may change it.
    pub name: Option<Box<str>>,
    /// Path of the program.
    pub executable: Option<Box<str>>,
    /// The first arguments, 32 KiB at most; empty when the execution was not seen.
    pub args: Arc<[Box<str>]>,
    /// How many arguments it was started with, kept or not.
    pub args_count: Option<i64>,
    /// Where it was started.
    pub working_directory: Option<Box<str>>,
    /// User id as text.
    pub user: Option<Box<str>>,
    /// Group id as text.
    pub group: Option<Box<str>>,
    /// When it was first seen.
    pub start: Timestamp,
    /// The process that started it, as it was then. Chains are at most 16 long.
    pub parent: Option<Arc<Process>>,
}

impl Process {
    /// The processes that led to it, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &Process> {
        std::iter::successors(self.parent.as_deref(), |process| process.parent.as_deref())
    }

    /// How many ancestors are known.
    pub fn depth(&self) -> usize {
        self.ancestors().count()
    }

    /// Bytes it occupies, without its ancestors.
    pub fn size_bytes(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let args: usize = self.args.iter().map(|arg| arg.len() + size_of::<Box<str>>()).sum();
        size_of::<Self>()
            + self.entity_id.len()
            + text(&self.name)
            + text(&self.executable)
            + text(&self.working_directory)
            + text(&self.user)
            + text(&self.group)
            + args
    }
}
