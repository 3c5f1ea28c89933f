//! The arguments as plain data. Nothing here acts.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::time::Duration;

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

/// Inputs: raw audit logs or JSON events, one a line or in a list; also compressed with gzip, zstd,
/// bzip2 or xz.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Files, folders, globs, or - for standard input; rotated files are read oldest first.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) rules: Rules,
    #[command(flatten)]
    pub(super) run: Run,
    #[command(flatten)]
    pub(super) jobs: Jobs,
    #[command(flatten)]
    pub(super) measured: Measured,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) fields: EventFields,
    #[command(flatten)]
    pub(super) form: InputForm,
}

/// Reads until the input ends, or until SIGTERM or SIGINT: then what has come is matched, waiting alerts
/// are written, and the run ends with its summary. SIGHUP opens the file of --output anew. See
/// docs/stream.md for auditd's plugins.
#[derive(Debug, Args)]
pub(super) struct Stream {
    /// Standard input (-), a file or pipe, or unix:PATH for a socket that somebody listens on.
    #[arg(value_name = "INPUT", default_value = "-")]
    pub(super) input: PathBuf,
    /// Do not ask /proc which processes are running at the start: the stream is of another machine.
    #[arg(long)]
    pub(super) no_proc: bool,
    /// Follow a log that is still written, through its rotations, from its present end.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub(super) follow: Option<PathBuf>,
    /// With --follow: what the file holds already too.
    #[arg(long, requires = "follow")]
    pub(super) from_start: bool,
    /// Append alerts to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// How much input may wait to be matched.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(super) queue: u32,
    /// What to do when so much waits: drop lines, which is counted, or let the writer wait. Files wait.
    #[arg(long, value_enum, default_value_t = WhenFull::Drop)]
    pub(super) when_full: WhenFull,
    #[command(flatten)]
    pub(super) rules: Rules,
    #[command(flatten)]
    pub(super) run: Run,
    #[command(flatten)]
    pub(super) alerts: Output,
    #[command(flatten)]
    pub(super) fields: EventFields,
    #[command(flatten)]
    pub(super) form: InputForm,
}

/// What to do with input that comes faster than it can be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WhenFull {
    /// Drop lines; alerts say so.
    Drop,
    /// Let whoever writes wait.
    Wait,
}

#[derive(Debug, Args)]
pub(super) struct Query {
    /// An event query, a sequence or a sample.
    #[arg(value_name = "EQL", required_unless_present = "events")]
    pub(super) query: Option<String>,
    /// Files, folders, globs, or - for standard input.
    #[arg(value_name = "INPUT", required_unless_present = "events")]
    pub(super) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) run: Run,
    #[command(flatten)]
    pub(super) jobs: Jobs,
    #[command(flatten)]
    pub(super) measured: Measured,
    #[command(flatten)]
    pub(super) output: QueryOutput,
    #[command(flatten)]
    pub(super) fields: EventFields,
    #[command(flatten)]
    pub(super) form: InputForm,
    #[command(flatten)]
    pub(super) batch: Batch,
}

/// Queries from files over one file of JSON events, answered as Elasticsearch would.
#[derive(Debug, Args)]
#[command(next_help_heading = "Queries from files")]
pub(super) struct Batch {
    /// JSON events, one a line, or - for standard input; answers list them by --id-field.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["query", "inputs"])]
    pub(super) events: Option<PathBuf>,
    /// Queries, one {"name": .., "query": ..} a line; also "size" and "max_samples_per_key".
    #[arg(long, value_name = "FILE", conflicts_with = "query_file")]
    pub(super) queries: Option<PathBuf>,
    /// One query: its results alone, one a line.
    #[arg(long, value_name = "FILE")]
    pub(super) query_file: Option<PathBuf>,
    /// The field that names an event in results [default: its place in the file, from 1].
    #[arg(long, value_name = "FIELD")]
    pub(super) id_field: Option<String>,
    /// Most results of a query: the first of samples, the last of events and sequences.
    #[arg(long, value_name = "COUNT")]
    pub(super) size: Option<usize>,
    /// Most samples of one join key.
    #[arg(long, value_name = "COUNT")]
    pub(super) max_samples_per_key: Option<usize>,
}

impl Batch {
    /// Whether some of it was given that means nothing without events.
    pub(super) fn lacks_events(&self) -> bool {
        let files = self.queries.is_some() || self.query_file.is_some();
        let counts = self.size.is_some() || self.max_samples_per_key.is_some();
        self.events.is_none() && (files || counts || self.id_field.is_some())
    }
}

/// What the fields of JSON events mean.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fields of JSON events")]
pub(super) struct EventFields {
    /// The field that says when an event happened.
    #[arg(long, value_name = "FIELD", default_value = "@timestamp")]
    pub(super) timestamp_field: String,
    /// The field that holds what queries name in front of where.
    #[arg(long, value_name = "FIELD", default_value = "event.category")]
    pub(super) event_category_field: String,
    /// The field that orders events of the same time [default: order of arrival].
    #[arg(long, value_name = "FIELD")]
    pub(super) tiebreaker_field: Option<String>,
    /// Types of fields: a JSON object {"field": "type"} with types as in Elasticsearch mappings.
    #[arg(long, value_name = "FILE")]
    pub(super) types: Option<PathBuf>,
}

/// What inputs hold, when it is not to be found out from their lines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Form of inputs")]
pub(super) struct InputForm {
    /// What the lines of inputs are.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = InputFormat::Auto)]
    pub(super) input_format: InputFormat,
    /// What the fields of JSON events are called here: TOML or JSON, see docs/json.md.
    #[arg(long, value_name = "FILE")]
    pub(super) field_map: Option<PathBuf>,
    /// How far the dates of interpreted records are ahead of UTC, such as +02:00 [default: they are UTC].
    #[arg(long, value_name = "+HH:MM", allow_hyphen_values = true, value_parser = super::input_form::timezone_offset)]
    pub(super) timezone_offset: Option<i32>,
}

/// What the lines of inputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
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

/// Lays out the queries of rule files. Comments stay, and so does everything but the query. Nothing is
/// written unless it means the same as before.
///
/// Exits with 1 when --check finds something to change, with 2 when a file has errors.
#[derive(Debug, Args)]
pub(super) struct Fmt {
    /// Rule files or folders, or - for standard input to standard output [default: this folder].
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Change nothing; show what would change.
    #[arg(long)]
    pub(super) check: bool,
    /// When to use colours in messages; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Rule files, folders, or ids or file names of rules of the set.
    #[arg(value_name = "RULE", required_unless_present = "query")]
    pub(super) names: Vec<String>,
    /// A query to explain.
    #[arg(long, value_name = "EQL", conflicts_with = "names")]
    pub(super) query: Option<String>,
    #[command(flatten)]
    pub(super) rules: Rules,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub(super) format: ExplainFormat,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

/// How to show what a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    /// For people.
    Text,
    /// One JSON object a rule and line.
    Json,
    /// The graph of fields, tests, stages and rules, for Graphviz.
    Dot,
    /// The same graph, for Mermaid.
    Mermaid,
}

#[derive(Debug, Args)]
pub(super) struct Why {
    /// A rule file, or the id or file name of a rule of the set; with --query the first input.
    #[arg(value_name = "RULE")]
    pub(super) rule: String,
    /// Files, folders or globs; rotated files are read oldest first.
    #[arg(value_name = "INPUT", required_unless_present = "query")]
    pub(super) inputs: Vec<PathBuf>,
    /// A query in place of RULE.
    #[arg(long, value_name = "EQL")]
    pub(super) query: Option<String>,
    /// Only keys with this value; FIELD may be left out where there is but one.
    #[arg(long = "key", value_name = "[FIELD=]VALUE")]
    pub(super) keys: Vec<String>,
    /// How many keys to tell of.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(super) limit: u8,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = WhyFormat::Text)]
    pub(super) format: WhyFormat,
    #[command(flatten)]
    pub(super) rules: Rules,
    #[command(flatten)]
    pub(super) run: Run,
    #[command(flatten)]
    pub(super) fields: EventFields,
    #[command(flatten)]
    pub(super) form: InputForm,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// How to show why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WhyFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Inputs: raw audit logs or JSON events, one a line or in a list; also compressed with gzip, zstd,
/// bzip2 or xz.
/// Events come in order of time. Of several conditions all must hold.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Files, folders, globs, or - for standard input; rotated files are read oldest first.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    /// Only events for which this holds: a condition as behind where, on events of any category.
    #[arg(long = "where", value_name = "EQL")]
    pub(super) condition: Option<String>,
    /// Only events with this serial number, or with one from the first to the last named.
    #[arg(long, value_name = "N|A..B", value_parser = serials)]
    pub(super) serial: Option<(u32, u32)>,
    /// Only events of the process with this id.
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = EventsFormat::Ndjson)]
    pub(super) format: EventsFormat,
    /// The lines that the events were read from, as they came.
    #[arg(long, conflicts_with = "format")]
    pub(super) raw: bool,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) fields: EventFields,
    #[command(flatten)]
    pub(super) form: InputForm,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Inputs: raw audit logs or JSON events, one a line or in a list; also compressed with gzip, zstd,
/// bzip2 or xz.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Files, folders, globs, or - for standard input; rotated files are read oldest first.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) rules: Rules,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = InspectFormat::Text)]
    pub(super) format: InspectFormat,
    #[command(flatten)]
    pub(super) reading: Reading,
    #[command(flatten)]
    pub(super) fields: EventFields,
    #[command(flatten)]
    pub(super) form: InputForm,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Without --against prints a file for auditctl -R: what the rules need to be logged, and no more.
///
/// Exits with 1 under --strict when a rule cannot fire.
#[derive(Debug, Args)]
pub(super) struct Needs {
    /// Rule files, folders, or ids or file names of rules of the set [default: all].
    #[arg(value_name = "RULE")]
    pub(super) names: Vec<String>,
    /// A query in their place.
    #[arg(long, value_name = "EQL", conflicts_with = "names")]
    pub(super) query: Option<String>,
    /// Tell which rules can fire under these: files of audit rules, folders of them as augenrules takes
    /// them, or logs.
    #[arg(long, value_name = "PATH")]
    pub(super) against: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) rules: Rules,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = NeedsFormat::Text)]
    pub(super) format: NeedsFormat,
    /// Exit with 1 when a rule cannot fire.
    #[arg(long, requires = "against")]
    pub(super) strict: bool,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

/// How to show what rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NeedsFormat {
    /// Lines for auditctl, or a page for people.
    Text,
    /// One JSON object.
    Json,
}

/// How to show what a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InspectFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// How to write events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EventsFormat {
    /// One JSON object a line, with every field.
    Ndjson,
    /// Record by record with every value in words, and what was logged beside it.
    Interpret,
    /// Nothing: decode every field, and count.
    None,
}

/// How logs are read when no rules run.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// How much later than its successors an event may come and still be put in order; 0 waits for
    /// none.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub(super) lateness: Duration,
    #[command(flatten)]
    pub(super) hosts: Hosts,
    /// Exit with 5 when anything was malformed, lost, late or incomplete.
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) jobs: Jobs,
}

#[derive(Debug, Args)]
pub(super) struct Fields {
    /// A field, the beginning of some, or a pattern with * and ?.
    #[arg(value_name = "NAME|PATTERN")]
    pub(super) name: Option<String>,
    /// How to show them.
    #[arg(long, value_enum, default_value_t = FieldsFormat::Text)]
    pub(super) format: FieldsFormat,
}

/// How to show fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FieldsFormat {
    /// A table, or a page for one field.
    Text,
    /// A JSON array of objects.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Which command [default: the program].
    #[arg(value_name = "COMMAND")]
    pub(super) command: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Rule files or folders; the built-in rules when there are none.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Print what a code or warning means, such as E0101 or no-maxspan, and do nothing else.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "format", "list", "strict"])]
    pub(super) explain: Option<String>,
    #[command(flatten)]
    pub(super) fields: EventFields,
    /// How to write problems.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(super) format: CheckFormat,
    /// Also tell what became of every rule.
    #[arg(long)]
    pub(super) list: bool,
    /// Exit with 2 when there are warnings.
    #[arg(long)]
    pub(super) strict: bool,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Exits with 1 when a case fails, a rule has no case, or a snapshot no use; with 2 when a rule file or a
/// test file has errors.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// Rule files, test files or folders [default: this folder].
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Write new and changed snapshots, and remove unused ones.
    #[arg(long)]
    pub(super) accept: bool,
    /// Show new, changed and unused snapshots one by one and ask: y writes, n refuses, s skips.
    #[arg(long, conflicts_with = "accept")]
    pub(super) review: bool,
    /// Also run every rule over the cases of all others; a case names in `also` who may fire.
    #[arg(long)]
    pub(super) cross: bool,
    /// Run again whenever a file changes, until interrupted.
    #[arg(long, conflicts_with_all = ["accept", "review"])]
    pub(super) watch: bool,
    /// Also write results to a file, as JUnit does.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// How to write results.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub(super) format: TestFormat,
    #[command(flatten)]
    pub(super) jobs: Jobs,
    #[command(flatten)]
    pub(super) fields: EventFields,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Only failures, no summary.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct Mutate {
    /// Rule files, test files or folders [default: this folder].
    #[arg(value_name = "RULE")]
    pub(super) paths: Vec<PathBuf>,
    /// Fail when a rule's score is below so many percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(super) threshold: Option<u32>,
    /// Show the changed rules and run nothing.
    #[arg(long, conflicts_with = "threshold")]
    pub(super) list: bool,
    /// Show also what was noticed, by which case, and the attacks that the rule held against.
    #[arg(long)]
    pub(super) all: bool,
    /// How to write results.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub(super) format: TestFormat,
    #[command(flatten)]
    pub(super) jobs: Jobs,
    #[command(flatten)]
    pub(super) fields: EventFields,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Writes NAME.toml, NAME.test.toml and, with --from, a log in NAME.cases/. Overwrites nothing.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The rule file to write: NAME.toml.
    #[arg(value_name = "RULE")]
    pub(super) rule: PathBuf,
    /// Take the log of the first case from here. It becomes part of your rules: look for secrets in it.
    #[arg(long, value_name = "LOG")]
    pub(super) from: Option<PathBuf>,
    /// Of that log only events with this serial number, or with one from the first to the last named.
    #[arg(long, value_name = "N|A..B", value_parser = serials, requires = "from")]
    pub(super) serial: Option<(u32, u32)>,
}

/// How to write what came of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TestFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// Commands that make a workflow of GitHub show failures beside the lines.
    Github,
}

/// How to write problems of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// With the lines they are on.
    Text,
    /// One JSON object.
    Json,
    /// Commands that make a workflow of GitHub show them beside the lines.
    Github,
    /// A SARIF 2.1.0 log.
    Sarif,
}

#[derive(Debug, Args)]
pub(super) struct Rules {
    /// Rule files or folders to use in place of the built-in rules.
    #[arg(short = 'r', long = "rules", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// How much later than its successors an event may come and still be put in order; 0 waits for
    /// none [default: 5s, for a live stream 1s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) lateness: Option<Duration>,
    #[command(flatten)]
    pub(super) hosts: Hosts,
    /// Most memory for partial matches, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(super) state_limit: u32,
    /// Most memory for the partial matches of one rule, in MiB [default: as --state-limit].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(super) rule_limit: Option<u32>,
    /// Most memory for the partial matches that begin on one host, in MiB [default: as --state-limit].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(super) host_limit: Option<u32>,
    /// Exit with 1 when there are alerts.
    #[arg(long)]
    pub(super) fail_on_alert: bool,
    /// Exit with 5 when anything was malformed, lost, late, evicted or incomplete.
    #[arg(long)]
    pub(super) strict: bool,
}

/// Who events are of.
#[derive(Debug, Args)]
#[command(next_help_heading = "Hosts and users")]
pub(super) struct Hosts {
    /// The host that records without node= come from, or with this very name there: host.name, and
    /// host.id unless --host-id says otherwise.
    #[arg(long = "host-name", visible_alias = "host", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The host.id of the same records; `by host.id` joins on it.
    #[arg(long = "host-id", value_name = "ID")]
    pub(super) id: Option<String>,
    /// Names of the users and groups of a host, from a copy of its passwd or group file; names that
    /// the log itself has go before. Can be given several times.
    #[arg(long = "passwd", value_name = "HOST=FILE")]
    pub(super) passwd: Vec<String>,
    /// Whose conventions events follow where producers differ.
    #[arg(long, value_enum, default_value_t = Profile::Auditd)]
    pub(super) profile: Profile,
}

/// Whose conventions events follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    /// Auditbeat and the auditd manager: process.name is comm first, user.id the real user.
    Auditd,
    /// Elastic Defend: process.name is the program's file name first, user.id the effective user.
    Endpoint,
}

#[derive(Debug, Args)]
pub(super) struct Jobs {
    /// Threads to use; alerts and counts are the same with any number [default: one a core].
    #[arg(short = 'j', long = "jobs", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) count: Option<u16>,
}

/// What a run cost.
#[derive(Debug, Args)]
pub(super) struct Measured {
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
    pub(super) stats: Option<StatsFormat>,
}

/// How to tell what a run cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatsFormat {
    /// For people.
    Text,
    /// One JSON object in one line.
    Json,
}

impl Jobs {
    /// How many threads to use.
    pub(super) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.count.map_or_else(cores, usize::from)
    }
}

#[derive(Debug, Args)]
pub(super) struct Output {
    /// How to write alerts [default: text at a terminal, ndjson elsewhere].
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct QueryOutput {
    /// How to write results [default: text at a terminal, ndjson elsewhere; with --events ids].
    #[arg(long, value_enum)]
    pub(super) format: Option<QueryFormat>,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// No summary and no progress, only errors.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// How to write results of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum QueryFormat {
    /// A report for people.
    Text,
    /// One JSON object a line.
    Ndjson,
    /// Nothing: only count.
    None,
    /// What names the events of each result, and its join key.
    Ids,
}

/// How to write alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A report for people.
    Text,
    /// One JSON object a line.
    Ndjson,
    /// Nothing: only count.
    None,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// At a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A serial number, or the first and the last of some.
fn serials(text: &str) -> Result<(u32, u32), String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| "write 42, or 42..99".to_owned());
    match text.split_once("..") {
        None => number(text).map(|number| (number, number)),
        Some((first, last)) => match (number(first)?, number(last)?) {
            (first, last) if first > last => Err("the first is above the last".to_owned()),
            range => Ok(range),
        },
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration(0));
    }
    Duration::parse(text).map_err(|error| format!("{error}; write 500ms, 10s, 2m"))
}
