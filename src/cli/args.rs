//! The arguments as plain data. Nothing here acts.

mod author;
mod look;
mod run;
mod shared;

pub(super) use author::{
    Check, CheckFormat, Completions, Explain, ExplainFormat, Fields, FieldsFormat, Fmt, Man,
    Mutate, Needs, NeedsFormat, New, Test, TestFormat,
};
pub(super) use look::{Events, EventsFormat, Inspect, InspectFormat, Reading, Why, WhyFormat};
pub(super) use run::{Batch, Query, QueryFormat, Replay, Stream, WhenFull};
pub(super) use shared::{
    Color, EventFields, Format, Hosts, InputForm, InputFormat, Jobs, Measured, Output, Profile,
    Rules, Run, StatsFormat,
};

use clap::{Parser, Subcommand};

/// Finds multi-step attacks in Linux audit logs.
///
/// Rules are EQL: single events, sequences and samples. Without --rules the built-in rules run.
/// Results go to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(name = "catena", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "\
Exit codes: 0 fine, 1 alerts under --fail-on-alert, 2 bad rules or query, 3 usage,
4 unreadable input, 5 input lost or doubtful under --strict.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run rules over captured logs.
    Replay(Replay),
    /// Run rules over a live stream of records; alerts leave as they happen.
    Stream(Stream),
    /// Run one query over captured logs, or many over a file of JSON events.
    Query(Query),
    /// Lay out the queries of rule files.
    Fmt(Fmt),
    /// Tell what rules look for, what they read and what they need.
    Explain(Explain),
    /// Tell why a rule did not fire over captured logs, or why it did.
    ///
    /// Shows the keys that came nearest to a match, what became of them, and the events that would have
    /// been next but for which test, key or time. The log is read twice, so it must be in files.
    Why(Why),
    /// Print the events of captured logs: as JSON, in words for people, or raw.
    Events(Events),
    /// Tell what captured logs hold, what they lack, and which rules can never fire on them.
    Inspect(Inspect),
    /// Print the audit rules that rules need, or tell which rules cannot fire under others.
    Needs(Needs),
    /// List the fields that rules can read, with type, origin and an example.
    Fields(Fields),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Print the manual page of the program or of one command.
    Man(Man),
    /// Find everything that is wrong with rules, and what is likely not meant.
    Check(Check),
    /// Run rules over the logs of their cases and compare what comes out.
    ///
    /// The cases of NAME.toml stand in NAME.test.toml beside it, their snapshots in NAME.cases/; see
    /// docs/testing.md.
    Test(Test),
    /// Tell whether the cases of rules would notice if a rule were slightly another one.
    ///
    /// Changes each rule in every small way and runs its cases: a change that no case notices shows which
    /// case is missing. Changes the logs too, as attackers might, and tells whether the rule still fires;
    /// see docs/testing.md.
    Mutate(Mutate),
    /// Write a rule and its first cases from a template, to be written on.
    New(New),
}
