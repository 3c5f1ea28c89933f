//! Exit codes.

use std::process::ExitCode;

/// How a run ended. Where several apply, the first in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Wrong arguments.
    Usage,
    /// A rule or query was refused.
    BadRules,
    /// An input could not be read, in whole or in part; or the output could not be written.
    Unreadable,
    /// Under `--strict`: input was lost or doubtful.
    Incomplete,
    /// Under `--fail-on-alert`: there were alerts.
    Findings,
    /// All went well. A reader that closes the pipe early is no failure either.
    Fine,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::BadRules => 2,
            Exit::Usage => 3,
            Exit::Unreadable => 4,
            Exit::Incomplete => 5,
        })
    }
}
