//! Arguments that several commands have: rules, inputs and hosts, limits, output.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::time::Duration;

/// What the fields of JSON events mean.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fields of JSON events")]
pub(in crate::cli) struct EventFields {
    /// The field that says when an event happened.
    #[arg(long, value_name = "FIELD", default_value = "@timestamp")]
    pub(in crate::cli) timestamp_field: String,
    /// The field that holds what queries name in front of where.
    #[arg(long, value_name = "FIELD", default_value = "event.category")]
    pub(in crate::cli) event_category_field: String,
    /// The field that orders events of the same time [default: order of arrival].
    #[arg(long, value_name = "FIELD")]
    pub(in crate::cli) tiebreaker_field: Option<String>,
    /// Types of fields: a JSON object {"field": "type"} with types as in Elasticsearch mappings.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) types: Option<PathBuf>,
}

/// What inputs hold, when it is not to be found out from their lines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Form of inputs")]
pub(in crate::cli) struct InputForm {
    /// What the lines of inputs are.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = InputFormat::Auto)]
    pub(in crate::cli) input_format: InputFormat,
    /// What the fields of JSON events are called here: TOML or JSON, see docs/json.md.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) field_map: Option<PathBuf>,
    /// How far the dates of interpreted records are ahead of UTC, such as +02:00 [default: they are UTC].
    #[arg(long, value_name = "+HH:MM", allow_hyphen_values = true, value_parser = super::super::input_form::timezone_offset)]
    pub(in crate::cli) timezone_offset: Option<i32>,
}

/// What the lines of inputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InputFormat {
    /// What they look like, line by line.
    Auto,
    /// Audit records of auditd, its plugins, syslog, the kernel or ausearch.
    Audit,
    /// JSON events in ECS, or in any fields that the rules name.
    Ecs,
    /// JSON events of Auditbeat or Elastic Agent.
    Auditbeat,
    /// JSON events of LAUREL.
    Laurel,
    /// JSON entries of journald.
    Journald,
    /// JSON events of Wazuh's archives.
    Wazuh,
    /// JSON events of Endgame.
    Endgame,
    /// JSON alerts of Falco.
    Falco,
    /// JSON events of Tetragon.
    Tetragon,
    /// Audit records in the words of ausearch -i, as far as they can be read back: see docs/input.md.
    Interpreted,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rules {
    /// Rule files or folders to use in place of the built-in rules.
    #[arg(short = 'r', long = "rules", value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// How much later than its successors an event may come and still be put in order; 0 waits for
    /// none [default: 5s, for a live stream 1s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(in crate::cli) lateness: Option<Duration>,
    #[command(flatten)]
    pub(in crate::cli) hosts: Hosts,
    /// Most memory for partial matches, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(in crate::cli) state_limit: u32,
    /// Most memory for the partial matches of one rule, in MiB [default: as --state-limit].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(in crate::cli) rule_limit: Option<u32>,
    /// Most memory for the partial matches that begin on one host, in MiB [default: as --state-limit].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(in crate::cli) host_limit: Option<u32>,
    /// Exit with 1 when there are alerts.
    #[arg(long)]
    pub(in crate::cli) fail_on_alert: bool,
    /// Exit with 5 when anything was malformed, lost, late, evicted or incomplete.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
}

/// Who events are of.
#[derive(Debug, Args)]
#[command(next_help_heading = "Hosts and users")]
pub(in crate::cli) struct Hosts {
    /// The host that records without node= come from, or with this very name there: host.name, and
    /// host.id unless --host-id says otherwise.
    #[arg(long = "host-name", visible_alias = "host", value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// The host.id of the same records; `by host.id` joins on it.
    #[arg(long = "host-id", value_name = "ID")]
    pub(in crate::cli) id: Option<String>,
    /// Names of the users and groups of a host, from a copy of its passwd or group file; names that
    /// the log itself has go before. Can be given several times.
    #[arg(long = "passwd", value_name = "HOST=FILE")]
    pub(in crate::cli) passwd: Vec<String>,
    /// Whose conventions events follow where producers differ.
    #[arg(long, value_enum, default_value_t = Profile::Auditd)]
    pub(in crate::cli) profile: Profile,
}

/// Whose conventions events follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Profile {
    /// Auditbeat and the auditd manager: process.name is comm first, user.id the real user.
    Auditd,
    /// Elastic Defend: process.name is the program's file name first, user.id the effective user.
    Endpoint,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Jobs {
    /// Threads to use; alerts and counts are the same with any number [default: one a core].
    #[arg(short = 'j', long = "jobs", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(in crate::cli) count: Option<u16>,
}

/// What a run cost.
#[derive(Debug, Args)]
pub(in crate::cli) struct Measured {
    /// Tell on standard error what the run cost, by phase and by rule; it takes one thread. See
    /// docs/stats.md.
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text"
    )]
    pub(in crate::cli) stats: Option<StatsFormat>,
}

/// How to tell what a run cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum StatsFormat {
    /// For people.
    Text,
    /// One JSON object in one line.
    Json,
}

impl Jobs {
    /// How many threads to use.
    pub(in crate::cli) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.count.map_or_else(cores, usize::from)
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Output {
    /// How to write alerts [default: text at a terminal, ndjson elsewhere].
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<Format>,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// How to write alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A report for people.
    Text,
    /// One JSON object a line.
    Ndjson,
    /// Nothing: only count.
    None,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Color {
    /// At a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A serial number, or the first and the last of some.
pub(super) fn serials(text: &str) -> Result<(u32, u32), String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| "write 42, or 42..99".to_owned());
    match text.split_once("..") {
        None => number(text).map(|number| (number, number)),
        Some((first, last)) => match (number(first)?, number(last)?) {
            (first, last) if first > last => Err("the first is above the last".to_owned()),
            range => Ok(range),
        },
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration(0));
    }
    Duration::parse(text).map_err(|error| format!("{error}; write 500ms, 10s, 2m"))
}
