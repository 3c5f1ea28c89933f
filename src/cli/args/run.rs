//! Commands that run rules: over captured logs, a live stream, or events for a query.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{Color, EventFields, InputForm, Jobs, Measured, Output, Rules, Run};

/// Inputs: raw audit logs or JSON events, one a line or in a list; also compressed with gzip, zstd,
/// bzip2 or xz.
#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// Files, folders, globs, or - for standard input; rotated files are read oldest first.
    #[arg(required = true, value_name = "INPUT")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) rules: Rules,
    #[command(flatten)]
    pub(in crate::cli) run: Run,
    #[command(flatten)]
    pub(in crate::cli) jobs: Jobs,
    #[command(flatten)]
    pub(in crate::cli) measured: Measured,
    #[command(flatten)]
    pub(in crate::cli) output: Output,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    #[command(flatten)]
    pub(in crate::cli) form: InputForm,
}

/// Reads until the input ends, or until SIGTERM or SIGINT: then what has come is matched, waiting alerts
/// are written, and the run ends with its summary. SIGHUP opens the file of --output anew. See
/// docs/stream.md for auditd's plugins.
#[derive(Debug, Args)]
pub(in crate::cli) struct Stream {
    /// Standard input (-), a file or pipe, or unix:PATH for a socket that somebody listens on.
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(in crate::cli) input: PathBuf,
    /// Do not ask /proc which processes are running at the start: the stream is of another machine.
    #[arg(long)]
    pub(in crate::cli) no_proc: bool,
    /// Follow a log that is still written, through its rotations, from its present end.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub(in crate::cli) follow: Option<PathBuf>,
    /// With --follow: what the file holds already too.
    #[arg(long, requires = "follow")]
    pub(in crate::cli) from_start: bool,
    /// Append alerts to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// How much input may wait to be matched.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(in crate::cli) queue: u32,
    /// What to do when so much waits: drop lines, which is counted, or let the writer wait. Files wait.
    #[arg(long, value_enum, default_value_t = WhenFull::Drop)]
    pub(in crate::cli) when_full: WhenFull,
    #[command(flatten)]
    pub(in crate::cli) rules: Rules,
    #[command(flatten)]
    pub(in crate::cli) run: Run,
    #[command(flatten)]
    pub(in crate::cli) alerts: Output,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    #[command(flatten)]
    pub(in crate::cli) form: InputForm,
}

/// What to do with input that comes faster than it can be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WhenFull {
    /// Drop lines; alerts say so.
    Drop,
    /// Let whoever writes wait.
    Wait,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Query {
    /// An event query, a sequence or a sample.
    #[arg(value_name = "EQL", required_unless_present = "events")]
    pub(in crate::cli) query: Option<String>,
    /// Files, folders, globs, or - for standard input.
    #[arg(value_name = "INPUT", required_unless_present = "events")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) run: Run,
    #[command(flatten)]
    pub(in crate::cli) jobs: Jobs,
    #[command(flatten)]
    pub(in crate::cli) measured: Measured,
    #[command(flatten)]
    pub(in crate::cli) output: QueryOutput,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    #[command(flatten)]
    pub(in crate::cli) form: InputForm,
    #[command(flatten)]
    pub(in crate::cli) batch: Batch,
}

/// Queries from files over one file of JSON events, answered as Elasticsearch would.
#[derive(Debug, Args)]
#[command(next_help_heading = "Queries from files")]
pub(in crate::cli) struct Batch {
    /// JSON events, one a line, or - for standard input; answers list them by --id-field.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["query", "inputs"])]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Queries, one {"name": .., "query": ..} a line; also "size" and "max_samples_per_key".
    #[arg(long, value_name = "FILE", conflicts_with = "query_file")]
    pub(in crate::cli) queries: Option<PathBuf>,
    /// One query: its results alone, one a line.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) query_file: Option<PathBuf>,
    /// The field that names an event in results [default: its place in the file, from 1].
    #[arg(long, value_name = "FIELD")]
    pub(in crate::cli) id_field: Option<String>,
    /// Most results of a query: the first of samples, the last of events and sequences.
    #[arg(long, value_name = "COUNT")]
    pub(in crate::cli) size: Option<usize>,
    /// Most samples of one join key.
    #[arg(long, value_name = "COUNT")]
    pub(in crate::cli) max_samples_per_key: Option<usize>,
}

impl Batch {
    /// Whether some of it was given that means nothing without events.
    pub(in crate::cli) fn lacks_events(&self) -> bool {
        let files = self.queries.is_some() || self.query_file.is_some();
        let counts = self.size.is_some() || self.max_samples_per_key.is_some();
        self.events.is_none() && (files || counts || self.id_field.is_some())
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct QueryOutput {
    /// How to write results [default: text at a terminal, ndjson elsewhere; with --events ids].
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<QueryFormat>,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// How to write results of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum QueryFormat {
    /// A report for people.
    Text,
    /// One JSON object a line.
    Ndjson,
    /// Nothing: only count.
    None,
    /// What names the events of each result, and its join key.
    Ids,
}
