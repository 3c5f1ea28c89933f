//! [`AuditRules`]: what a kernel would have loaded after reading files of audit rules in order.
//!
//! In: lines that `line` has read. Out: the lists in the order in which the kernel asks them. Nothing is
//! decided here; a line that was refused is only counted.

use super::set::{Numbers, Texts};

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The lists of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Task,
    Exit,
    User,
    Exclude,
    Filesystem,
    Uring,
}

/// The sizes of system calls: those of 64 bits, and of 32 bits on the same machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// `arch=b64`: x86_64.
    B64,
    /// `arch=b32`: i386.
    B32,
}

impl Width {
    /// As written behind `arch=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::B64 => "b64",
            Self::B32 => "b32",
        }
    }

    pub(super) fn audit_arch(self) -> u32 {
        match self {
            Self::B64 => 0xc000_003e,
            Self::B32 => 0x4000_0003,
        }
    }
}

/// What a filter asks of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asks {
    /// A number of this name is one of these.
    Number(&'static str, Numbers),
    /// A number has any of these bits, or all of them.
    Bits { name: &'static str, bits: i64, all: bool },
    /// A text of this name is one of these.
    Text(&'static str, Texts),
    /// A text is none of these.
    NotText(&'static str, Texts),
    /// The call is one of those that read, write, execute or change attributes: `r`, `w`, `x`, `a`.
    Perm(String),
    /// The record has this number; for messages and the list of what is left out.
    Message(Numbers),
    /// Something that is not followed here.
    Other,
}

/// A filter of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) asks: Asks,
    /// As written: `auid>=1000`.
    pub(super) text: String,
}

/// A rule of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuditRule {
    pub(super) list: List,
    pub(super) never: bool,
    /// `None` when both.
    pub(super) width: Option<Width>,
    /// Made for a machine of another kind, so that nothing here matches it.
    pub(super) foreign: bool,
    /// Numbers of calls of each width; `None` for all.
    pub(super) calls: Option<[Vec<u32>; 2]>,
    pub(super) filters: Vec<Filter>,
    pub(super) keys: Vec<String>,
    pub(super) place: Place,
    /// As written.
    pub(super) text: String,
}

impl AuditRule {
    /// Whether calls of this width and number are among those of the rule.
    pub(super) fn names(&self, width: Width, number: u32) -> bool {
        let is_width = self.width.is_none_or(|own| own == width) && !self.foreign;
        let [b64, b32] = match &self.calls {
            None => return is_width,
            Some(calls) => calls,
        };
        let calls = if width == Width::B64 { b64 } else { b32 };
        is_width && calls.contains(&number)
    }
}

/// What is loaded after all lines; see the module page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditRules {
    pub(super) rules: Vec<AuditRule>,
    /// Where `-e 0` turns everything off.
    pub(super) off: Option<Place>,
    /// Where `-e 2` locks the rules: nothing behind it loads.
    pub(super) locked: Option<Place>,
    /// Lines that say something.
    pub lines: u64,
    /// Lines that were refused.
    pub refused: u64,
    /// Filters of a kind that is not known here.
    pub unknown_fields: u64,
}

impl AuditRules {
    /// The rules of a list, in the order in which the kernel asks them.
    pub(super) fn of(&self, list: List) -> impl Iterator<Item = &AuditRule> {
        self.rules.iter().filter(move |rule| rule.list == list)
    }

    /// How many rules are loaded.
    pub fn count(&self) -> usize {
        self.rules.len()
    }
}
