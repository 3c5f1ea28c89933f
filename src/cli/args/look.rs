//! Commands that look at logs: why a rule did not fire, which events there are, what a log holds.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{Color, EventFields, Hosts, InputForm, Jobs, Rules, Run, duration, serials};
use crate::time::Duration;

#[derive(Debug, Args)]
pub(in crate::cli) struct Why {
    /// A rule file, or the id or file name of a rule of the set; with --query the first input.
    #[arg(value_name = "RULE")]
    pub(in crate::cli) rule: String,
    /// Files, folders or globs; rotated files are read oldest first.
    #[arg(value_name = "INPUT", required_unless_present = "query")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    /// A query in place of RULE.
    #[arg(long, value_name = "EQL")]
    pub(in crate::cli) query: Option<String>,
    /// Only keys with this value; FIELD may be left out where there is but one.
    #[arg(long = "key", value_name = "[FIELD=]VALUE")]
    pub(in crate::cli) keys: Vec<String>,
    /// How many keys to tell of.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(in crate::cli) limit: u8,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = WhyFormat::Text)]
    pub(in crate::cli) format: WhyFormat,
    #[command(flatten)]
    pub(in crate::cli) rules: Rules,
    #[command(flatten)]
    pub(in crate::cli) run: Run,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    #[command(flatten)]
    pub(in crate::cli) form: InputForm,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// How to show why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WhyFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Inputs: raw audit logs or JSON events, one a line or in a list; also compressed with gzip, zstd,
/// bzip2 or xz.
/// Events come in order of time. Of several conditions all must hold.
#[derive(Debug, Args)]
pub(in crate::cli) struct Events {
    /// Files, folders, globs, or - for standard input; rotated files are read oldest first.
    #[arg(required = true, value_name = "INPUT")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    /// Only events for which this holds: a condition as behind where, on events of any category.
    #[arg(long = "where", value_name = "EQL")]
    pub(in crate::cli) condition: Option<String>,
    /// Only events with this serial number, or with one from the first to the last named.
    #[arg(long, value_name = "N|A..B", value_parser = serials)]
    pub(in crate::cli) serial: Option<(u32, u32)>,
    /// Only events of the process with this id.
    #[arg(long, value_name = "PID")]
    pub(in crate::cli) pid: Option<u32>,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = EventsFormat::Ndjson)]
    pub(in crate::cli) format: EventsFormat,
    /// The lines that the events were read from, as they came.
    #[arg(long, conflicts_with = "format")]
    pub(in crate::cli) raw: bool,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    #[command(flatten)]
    pub(in crate::cli) form: InputForm,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// Inputs: raw audit logs or JSON events, one a line or in a list; also compressed with gzip, zstd,
/// bzip2 or xz.
#[derive(Debug, Args)]
pub(in crate::cli) struct Inspect {
    /// Files, folders, globs, or - for standard input; rotated files are read oldest first.
    #[arg(required = true, value_name = "INPUT")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) rules: Rules,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = InspectFormat::Text)]
    pub(in crate::cli) format: InspectFormat,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    #[command(flatten)]
    pub(in crate::cli) form: InputForm,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// How to show what a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InspectFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// How to write events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EventsFormat {
    /// One JSON object a line, with every field.
    Ndjson,
    /// Record by record with every value in words, and what was logged beside it.
    Interpret,
    /// Nothing: decode every field, and count.
    None,
}

/// How logs are read when no rules run.
#[derive(Debug, Args)]
pub(in crate::cli) struct Reading {
    /// How much later than its successors an event may come and still be put in order; 0 waits for
    /// none.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub(in crate::cli) lateness: Duration,
    #[command(flatten)]
    pub(in crate::cli) hosts: Hosts,
    /// Exit with 5 when anything was malformed, lost, late or incomplete.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    #[command(flatten)]
    pub(in crate::cli) jobs: Jobs,
}
