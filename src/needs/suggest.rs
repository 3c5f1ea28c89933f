//! Rules → the audit rules that they need, and no more.
//!
//! In: a rule set. Out: [`Suggested`]: lines that auditctl loads, each with the stages that need it. Calls of
//! one purpose and one filter share a line for each width, and one key. Only filters that the kernel tests
//! exactly as the rule does are used: files and folders, and whole arguments of calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::calls;
use super::list::Width;
use super::set::Piece;
use super::stage::{Stage, analyse, by_call, producers};
use super::wanted::Wanted;
use crate::escape::escape;
use crate::plan::RuleIx;
use crate::rule::RuleSet;

/// A stage that more calls satisfy than this is watched by executions alone, where those satisfy it.
const MOST_CALLS: usize = 24;
/// Files or folders of one stage that get lines of their own.
const MOST_FILES: usize = 24;
/// Values of an argument that get lines of their own.
const MOST_ARGUMENTS: usize = 4;
/// Calls that the auditctl of many machines does not know by name: it refuses the whole line they stand in.
const NEW_CALLS: [&str; 8] = [
    "fchmodat2",
    "getxattrat",
    "listxattrat",
    "map_shadow_stack",
    "mseal",
    "open_tree_attr",
    "removexattrat",
    "setxattrat",
];
/// Stages named above a line.
const MOST_STAGES: usize = 6;

/// The audit rules that rules need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggested {
    /// Rules that were looked at.
    pub rules: u64,
    /// The lines in the order in which they are to be loaded.
    pub lines: Vec<SuggestedLine>,
    /// Stages that need no line, and those for which none can be given.
    pub notes: Vec<String>,
}

/// A line of audit rules, of one width or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuggestedLine {
    /// What it is for; also its key.
    pub purpose: &'static str,
    /// The lines to load: for calls of 64 bits, then for those of 32; calls that are new stand on lines of their own.
    pub load: Vec<String>,
    /// What needs it.
    pub needed_by: Vec<NeededBy>,
}

/// A stage that needs a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NeededBy {
    /// The name of its rule.
    pub rule: String,
    /// Its number, 0 for `until`.
    pub stage: usize,
    /// The fields it reads.
    pub fields: Vec<String>,
}

/// One purpose with one filter; lines with a filter come first.
type Group = (bool, &'static str, String);

#[derive(Default)]
struct Lines {
    calls: BTreeMap<Group, BTreeMap<Width, BTreeSet<&'static str>>>,
    why: BTreeMap<Group, BTreeSet<NeededBy>>,
}

/// The audit rules that a rule set needs.
pub fn suggest(rules: &RuleSet) -> Suggested {
    let mut lines = Lines::default();
    let mut notes = BTreeSet::new();
    let exec: Group = (true, "exec", String::new());
    for width in [Width::B64, Width::B32] {
        for call in ["execve", "execveat"] {
            lines.calls.entry(exec.clone()).or_default().entry(width).or_default().insert(call);
        }
    }
    for number in (0..rules.rules().len()).filter_map(|n| u32::try_from(n).ok()) {
        let Some(analysed) = analyse(rules, RuleIx(number), producers()) else { continue };
        let name = &analysed.explained.name;
        for stage in &analysed.stages {
            for note in add(&mut lines, name, stage) {
                notes.insert(note);
            }
        }
    }
    lines.finish(rules.rules().len() as u64, notes.into_iter().collect())
}

fn add(lines: &mut Lines, rule: &str, stage: &Stage<'_>) -> Vec<String> {
    let place = match stage.until {
        true => format!("{rule}, until"),
        false => format!("{rule}, stage {}", stage.number),
    };
    let mut fields: Vec<String> =
        stage.info.tests.iter().flat_map(|test| test.fields.iter().cloned()).collect();
    fields.sort_unstable();
    fields.dedup();
    let number = if stage.until { 0 } else { stage.number };
    let why = NeededBy { rule: rule.to_owned(), stage: number, fields };
    let mut notes = Vec::new();
    let calls = by_call(&stage.sources);
    if calls.is_empty() {
        notes.push(match stage.records.as_slice() {
            [] => format!("{place}: no system call and no record satisfies it"),
            records => {
                let shown: Vec<&str> = records.iter().take(MOST_STAGES).copied().collect();
                let more = if records.len() > shown.len() { " and others" } else { "" };
                format!("{place}: {}{more} are logged without a rule", shown.join(", "))
            }
        });
        return notes;
    }
    let names: BTreeSet<&str> = calls.keys().map(|call| call.name).collect();
    let only_exec = names.len() > MOST_CALLS && names.contains("execve");
    if only_exec {
        notes.push(format!(
            "{place}: {} calls satisfy it; executions are logged, name the calls in the rule for more",
            names.len()
        ));
    }
    if calls.values().flatten().any(|wanted| !wanted.folded.is_empty()) {
        notes.push(format!(
            "{place}: names of files are written in lower case here, as the rule minds no case; put them as \
             they are"
        ));
    }
    for (call, wanted) in &calls {
        if only_exec && !matches!(call.name, "execve" | "execveat") {
            continue;
        }
        let category = stage.sources.iter().find(|source| source.call == *call);
        let purpose = calls::purpose(call.name, category.map_or("", |source| source.category));
        for filter in filters(purpose, call.name, wanted) {
            let group = (filter.is_empty(), purpose, filter);
            let names = lines.calls.entry(group.clone()).or_default();
            names.entry(call.width).or_default().insert(call.name);
            lines.why.entry(group).or_default().insert(why.clone());
        }
    }
    notes
}

/// The filters under which a call is wanted; one that is empty where all of its events are.
fn filters(purpose: &str, call: &str, wanted: &[&Wanted]) -> Vec<String> {
    if purpose == "file" {
        let pieces: Option<BTreeSet<String>> = wanted
            .iter()
            .flat_map(|wanted| match wanted.text("path") {
                all if all.is_all() && wanted.folded.is_empty() => vec![None],
                all if all.is_all() => wanted.folded.iter().map(folder_or_file).collect(),
                texts => texts.some.iter().map(folder_or_file).collect(),
            })
            .collect();
        if let Some(pieces) = pieces.filter(|pieces| pieces.len() <= MOST_FILES) {
            return pieces.into_iter().collect();
        }
    }
    for name in ["a0", "a1", "a2", "a3"] {
        // Programs are given by path: no argument of theirs is a number.
        if call.starts_with("exec") {
            break;
        }
        let values: Option<Vec<Vec<i64>>> =
            wanted.iter().map(|wanted| wanted.number(name).few(MOST_ARGUMENTS)).collect();
        let values: Option<BTreeSet<i64>> = values.map(|all| all.into_iter().flatten().collect());
        if let Some(values) = values.filter(|v| !v.is_empty() && v.len() <= MOST_ARGUMENTS) {
            return values.into_iter().map(|value| format!("-F {name}={value}")).collect();
        }
    }
    vec![String::new()]
}

fn folder_or_file(piece: &Piece) -> Option<String> {
    let (name, path) = match piece {
        Piece::Exact(path) => ("path", path.as_str()),
        Piece::Prefix(start) => ("dir", start.rsplit_once('/')?.0),
    };
    // A file of rules has no way to write a blank, and what controls a terminal has no place in it.
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (plain && path.len() > 1 && path.starts_with('/')).then(|| format!("-F {name}={path}"))
}

impl Lines {
    fn finish(mut self, rules: u64, notes: Vec<String>) -> Suggested {
        // Whoever is logged always needs no line with a filter.
        let whole: Vec<(&'static str, Width, &'static str)> = self
            .calls
            .iter()
            .filter(|((is_whole, ..), _)| *is_whole)
            .flat_map(|((_, purpose, _), widths)| {
                let each = |(width, names): (&Width, &BTreeSet<&'static str>)| {
                    names.iter().map(|name| (*purpose, *width, *name)).collect::<Vec<_>>()
                };
                widths.iter().flat_map(each)
            })
            .collect();
        for ((is_whole, ..), widths) in &mut self.calls {
            for (width, names) in widths.iter_mut().filter(|_| !is_whole) {
                names.retain(|name| !whole.iter().any(|(_, w, n)| w == width && n == name));
            }
        }
        let mut lines = Vec::new();
        for (group, widths) in &self.calls {
            let (_, purpose, filter) = group;
            let mut load = Vec::new();
            for (width, names) in widths.iter().filter(|(_, names)| !names.is_empty()) {
                let filter = if filter.is_empty() { String::new() } else { format!(" {filter}") };
                let (new, old): (Vec<&str>, Vec<&str>) =
                    names.iter().partition(|name| NEW_CALLS.contains(*name));
                for names in [old, new].iter().filter(|names| !names.is_empty()) {
                    load.push(format!(
                        "-a always,exit -F arch={} -S {}{filter} -k {purpose}",
                        width.name(),
                        names.join(","),
                    ));
                }
            }
            if load.is_empty() {
                continue;
            }
            let needed_by = self.why.remove(group).unwrap_or_default().into_iter().collect();
            lines.push(SuggestedLine { purpose, load, needed_by });
        }
        Suggested { rules, lines, notes }
    }
}

impl Suggested {
    /// The file, for auditctl and for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let rules = if self.rules == 1 { "rule" } else { "rules" };
        let _ = writeln!(
            out,
            "# What {} {rules} of Catena need of the Linux audit system.",
            self.rules
        );
        out.push_str(
            "# Load it with auditctl -R FILE, or keep it in /etc/audit/rules.d. Lines before it that match\n\
             # the same events decide for them: put it behind `never` lines for what is not wanted only.\n\
             # b32: programs can make 32-bit calls on a 64-bit machine, and nobody would see them.\n",
        );
        out.push_str(
            "# -c: what this machine has not, a folder or the name of a call, is refused, and the rest is loaded all the\n\
             # same.\n-c\n",
        );
        for line in &self.lines {
            let _ = writeln!(out, "\n# {}", line.purpose);
            if line.purpose == "exec" {
                out.push_str(
                    "# always: the process table learns programs, arguments and parents from executions\n",
                );
            }
            for why in line.needed_by.iter().take(MOST_STAGES) {
                let stage = match why.stage {
                    0 => "until".to_owned(),
                    number => format!("stage {number}"),
                };
                let fields = escape(&why.fields.join(", "));
                let _ = writeln!(out, "# {}, {stage}: {fields}", escape(&why.rule));
            }
            if line.needed_by.len() > MOST_STAGES {
                let _ = writeln!(out, "# and {} stages more", line.needed_by.len() - MOST_STAGES);
            }
            for load in &line.load {
                let _ = writeln!(out, "{load}");
            }
        }
        let forks =
            self.lines.iter().any(|line| line.load.iter().any(|load| load.contains("clone")));
        out.push_str(if forks {
            "\n# clone, fork and vfork are logged because a rule asks for them.\n"
        } else {
            "\n# Not logged: clone, fork and vfork, which are many. Every execution names its parent; a parent that\n\
             # has only forked is known by its id. Not logged: exit_group. Ids of processes that are used again\n\
             # are told apart by the next execution.\n"
        });
        for note in &self.notes {
            let _ = writeln!(out, "# {}", escape(note));
        }
        out
    }
}
