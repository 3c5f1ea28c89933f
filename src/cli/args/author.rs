//! Commands for those who write rules: check, explain, lay out, test and change them; and what helps with the
//! program itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{Color, EventFields, Jobs, Rules, serials};

/// Lays out the queries of rule files. Comments stay, and so does everything but the query. Nothing is
/// written unless it means the same as before.
///
/// Exits with 1 when --check finds something to change, with 2 when a file has errors.
#[derive(Debug, Args)]
pub(in crate::cli) struct Fmt {
    /// Rule files or folders, or - for standard input to standard output [default: this folder].
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Change nothing; show what would change.
    #[arg(long)]
    pub(in crate::cli) check: bool,
    /// When to use colours in messages; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// Rule files, folders, or ids or file names of rules of the set.
    #[arg(value_name = "RULE", required_unless_present = "query")]
    pub(in crate::cli) names: Vec<String>,
    /// A query to explain.
    #[arg(long, value_name = "EQL", conflicts_with = "names")]
    pub(in crate::cli) query: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) rules: Rules,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub(in crate::cli) format: ExplainFormat,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
}

/// How to show what a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExplainFormat {
    /// For people.
    Text,
    /// One JSON object a rule and line.
    Json,
    /// The graph of fields, tests, stages and rules, for Graphviz.
    Dot,
    /// The same graph, for Mermaid.
    Mermaid,
}

/// Without --against prints a file for auditctl -R: what the rules need to be logged, and no more.
///
/// Exits with 1 under --strict when a rule cannot fire.
#[derive(Debug, Args)]
pub(in crate::cli) struct Needs {
    /// Rule files, folders, or ids or file names of rules of the set [default: all].
    #[arg(value_name = "RULE")]
    pub(in crate::cli) names: Vec<String>,
    /// A query in their place.
    #[arg(long, value_name = "EQL", conflicts_with = "names")]
    pub(in crate::cli) query: Option<String>,
    /// Tell which rules can fire under these: files of audit rules, folders of them as augenrules takes
    /// them, or logs.
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) against: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) rules: Rules,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = NeedsFormat::Text)]
    pub(in crate::cli) format: NeedsFormat,
    /// Exit with 1 when a rule cannot fire.
    #[arg(long, requires = "against")]
    pub(in crate::cli) strict: bool,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
}

/// How to show what rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum NeedsFormat {
    /// Lines for auditctl, or a page for people.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Fields {
    /// A field, the beginning of some, or a pattern with * and ?.
    #[arg(value_name = "NAME|PATTERN")]
    pub(in crate::cli) name: Option<String>,
    /// How to show them.
    #[arg(long, value_enum, default_value_t = FieldsFormat::Text)]
    pub(in crate::cli) format: FieldsFormat,
}

/// How to show fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FieldsFormat {
    /// A table, or a page for one field.
    Text,
    /// A JSON array of objects.
    Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    pub(in crate::cli) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Man {
    /// Which command [default: the program].
    #[arg(value_name = "COMMAND")]
    pub(in crate::cli) command: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// Rule files or folders; the built-in rules when there are none.
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Print what a code or warning means, such as E0101 or no-maxspan, and do nothing else.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "format", "list", "strict"])]
    pub(in crate::cli) explain: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    /// How to write problems.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(in crate::cli) format: CheckFormat,
    /// Also tell what became of every rule.
    #[arg(long)]
    pub(in crate::cli) list: bool,
    /// Exit with 2 when there are warnings.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// Exits with 1 when a case fails, a rule has no case, or a snapshot no use; with 2 when a rule file or a
/// test file has errors.
#[derive(Debug, Args)]
pub(in crate::cli) struct Test {
    /// Rule files, test files or folders [default: this folder].
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Write new and changed snapshots, and remove unused ones.
    #[arg(long)]
    pub(in crate::cli) accept: bool,
    /// Show new, changed and unused snapshots one by one and ask: y writes, n refuses, s skips.
    #[arg(long, conflicts_with = "accept")]
    pub(in crate::cli) review: bool,
    /// Also run every rule over the cases of all others; a case names in `also` who may fire.
    #[arg(long)]
    pub(in crate::cli) cross: bool,
    /// Run again whenever a file changes, until interrupted.
    #[arg(long, conflicts_with_all = ["accept", "review"])]
    pub(in crate::cli) watch: bool,
    /// Also write results to a file, as JUnit does.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// How to write results.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub(in crate::cli) format: TestFormat,
    #[command(flatten)]
    pub(in crate::cli) jobs: Jobs,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// Only failures, no summary.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Mutate {
    /// Rule files, test files or folders [default: this folder].
    #[arg(value_name = "RULE")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Fail when a rule's score is below so many percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(in crate::cli) threshold: Option<u32>,
    /// Show the changed rules and run nothing.
    #[arg(long, conflicts_with = "threshold")]
    pub(in crate::cli) list: bool,
    /// Show also what was noticed, by which case, and the attacks that the rule held against.
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// How to write results.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub(in crate::cli) format: TestFormat,
    #[command(flatten)]
    pub(in crate::cli) jobs: Jobs,
    #[command(flatten)]
    pub(in crate::cli) fields: EventFields,
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(in crate::cli) color: Color,
    /// No summary.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

/// Writes NAME.toml, NAME.test.toml and, with --from, a log in NAME.cases/. Overwrites nothing.
#[derive(Debug, Args)]
pub(in crate::cli) struct New {
    /// The rule file to write: NAME.toml.
    #[arg(value_name = "RULE")]
    pub(in crate::cli) rule: PathBuf,
    /// Take the log of the first case from here. It becomes part of your rules: look for secrets in it.
    #[arg(long, value_name = "LOG")]
    pub(in crate::cli) from: Option<PathBuf>,
    /// Of that log only events with this serial number, or with one from the first to the last named.
    #[arg(long, value_name = "N|A..B", value_parser = serials, requires = "from")]
    pub(in crate::cli) serial: Option<(u32, u32)>,
}

/// How to write what came of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TestFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// Commands that make a workflow of GitHub show failures beside the lines.
    Github,
}

/// How to write problems of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CheckFormat {
    /// With the lines they are on.
    Text,
    /// One JSON object.
    Json,
    /// Commands that make a workflow of GitHub show them beside the lines.
    Github,
    /// A SARIF 2.1.0 log.
    Sarif,
}
