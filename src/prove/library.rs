//! Finds rules, their cases, logs and snapshots, and runs what belongs together.
//!
//! In: paths. Out: the [`Report`]. Everything is read before anything runs; the runs go side by side and
//! their results into the order of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::case::{Case, LogOf, TestFile};
use super::file::read_text;
use super::found::alerts;
use super::stand::{Stand, Subject};
use super::trial::{Trial, Trying};
use super::{Check, Failure, Kind, Options, Proposal, Report};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::pipeline;
use crate::rule::{self, Problem, Rule, RuleSet};
use crate::span::{Span, position};

/// How the name of a test file ends.
const TEST: &str = ".test.toml";
/// Largest test file, in bytes.
const MAX_FILE: usize = 4 << 20;
/// Largest log of a case, decompressed.
const MAX_LOG: usize = 64 << 20;
/// Largest snapshot.
const MAX_SNAPSHOT: usize = 8 << 20;

/// Runs the cases of the rules in files and folders. The path of a test file stands for its rule.
///
/// Costs about two runs of each log, and one more for each fault and order.
pub fn prove(paths: &[PathBuf], options: &Options) -> Report {
    let mut library = Library::new(paths, options);
    let tasks = library.tasks();
    let all = options.cross.then(|| RuleSet::new(library.rules.clone()));
    let trials = rule::side_by_side(&tasks, options.jobs.max(1), &|task: &Task<'_>| {
        task.run(options, all.as_ref())
    });
    let mut checks: Vec<(usize, Check)> =
        tasks.iter().zip(trials).map(|(task, trial)| task.check(trial, &library.rules)).collect();
    drop(tasks);
    checks.append(&mut library.checks);
    checks.sort_by(|(a, one), (b, other)| {
        (a, one.line, &one.file).cmp(&(b, other.line, &other.file))
    });
    Report {
        problems: library.problems,
        checks: checks.into_iter().map(|(_, check)| check).collect(),
    }
}

/// A rule file and its cases.
struct Unit {
    /// The rule file, or what it should be.
    rule: String,
    test: Option<TestFile>,
    /// Snapshots by the name of their case.
    snapshots: BTreeMap<String, String>,
    /// Where they are.
    folder: PathBuf,
    /// The rules that are in the file, each alone.
    rules: Vec<Arc<RuleSet>>,
}

/// Rules, their cases and the logs of these, read and not run.
pub struct Library {
    units: Vec<Unit>,
    /// All of them.
    rules: Vec<Rule>,
    /// Logs by path.
    logs: BTreeMap<PathBuf, Result<Vec<u8>, String>>,
    /// What is wrong with rule files and test files.
    pub problems: Vec<Problem>,
    /// What is wrong with files, and the number of the unit.
    checks: Vec<(usize, Check)>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl Library {
    /// Reads the rules in files and folders, their cases, and the logs of these. The path of a test file
    /// stands for its rule.
    pub fn new(paths: &[PathBuf], options: &Options) -> Self {
        let (rule_paths, tests) = split(paths);
        let loaded = rule::load_paths(&rule_paths, &options.schema);
        let is_error =
            |problem: &Problem| problem.diagnostic.severity == crate::diagnostic::Severity::Error;
        let problems = loaded.problems.into_iter().filter(is_error).collect();
        let mut library = Self {
            units: Vec::new(),
            rules: loaded.rules,
            logs: BTreeMap::new(),
            problems,
            checks: Vec::new(),
        };
        let mut files: Vec<String> = loaded.entries.into_iter().map(|entry| entry.file).collect();
        files.dedup();
        let known: BTreeSet<PathBuf> =
            files.iter().map(|file| real(&test_of(Path::new(file)))).collect();
        for file in &files {
            library.unit(file, options);
        }
        for test in tests.iter().filter(|test| !known.contains(&real(test))) {
            library.orphan(test);
        }
        library.read_logs();
        library
    }

    fn unit(&mut self, file: &str, options: &Options) {
        let number = self.units.len();
        let path = test_of(Path::new(file));
        let folder = Path::new(file).with_extension("cases");
        let rules = self.rules.iter().filter(|rule| rule.origin.file == file);
        let rules: Vec<Arc<RuleSet>> = rules.map(|rule| RuleSet::new(vec![rule.clone()])).collect();
        let mut unit =
            Unit { rule: file.to_owned(), test: None, snapshots: BTreeMap::new(), folder, rules };
        let mut checks = Vec::new();
        if path.exists() {
            match read(&path, options) {
                Ok(test) => unit.test = Some(test),
                Err(problems) => {
                    self.problems.extend(problems);
                    let title = "no case of the file ran";
                    checks.push(unit.failed(&path, 1, Failure::new(Kind::NoCase, title)));
                }
            }
        }
        if let Some(test) = &unit.test {
            if unit.rules.is_empty() {
                let title = "no case of the file ran: the rule did not load, or is disabled";
                checks.push(unit.failed(&path, 1, Failure::new(Kind::NoCase, title)));
            }
            for set in unit.rules.iter().filter(|_| unit.rules.len() > 1) {
                let Some(rule) = set.rules().first() else { continue };
                let names_it =
                    |case: &Case| case.rule.as_ref().is_some_and(|(id, _)| *id == rule.id);
                if !test.cases.iter().any(names_it) {
                    checks.push(unit.untested(rule));
                }
            }
        } else if checks.is_empty() {
            let alone = unit.rules.iter().filter_map(|set| set.rules().first());
            checks.extend(alone.map(|rule| unit.untested(rule)));
        }
        checks.extend(unit.read_snapshots());
        self.checks.extend(checks.into_iter().map(|check| (number, check)));
        self.units.push(unit);
    }

    /// A test file without a rule beside it.
    fn orphan(&mut self, path: &Path) {
        let file = path.display().to_string();
        let failure = Failure::new(Kind::NoCase, "no case of the file ran: no rule file beside it");
        let check = Check { file, ..failed(path.display().to_string(), failure) };
        self.checks.push((self.units.len(), check));
    }

    fn read_logs(&mut self) {
        for unit in &self.units {
            let cases = unit.test.iter().flat_map(|test| &test.cases);
            for case in cases {
                if let LogOf::File(path, _) = &case.log
                    && !self.logs.contains_key(path)
                {
                    self.logs.insert(path.clone(), pipeline::read_whole(path, MAX_LOG));
                }
            }
        }
    }

    fn tasks(&self) -> Vec<Task<'_>> {
        let mut tasks = Vec::new();
        for (unit, number) in self.units.iter().zip(0..) {
            // Nothing can run; that has been told.
            let tests = unit.test.iter().filter(|_| !unit.rules.is_empty());
            for test in tests {
                let task = |case| Task { unit, number, test, case, log: self.log(case) };
                tasks.extend(test.cases.iter().map(task));
            }
        }
        tasks
    }

    fn log<'a>(&'a self, case: &'a Case) -> Result<&'a [u8], (String, Span)> {
        match &case.log {
            LogOf::Lines(lines) => Ok(lines.as_bytes()),
            LogOf::File(path, span) => match self.logs.get(path) {
                Some(Ok(bytes)) => Ok(bytes.as_slice()),
                Some(Err(why)) => Err((why.clone(), *span)),
                None => Err(("not read".to_owned(), *span)),
            },
        }
    }

    /// The rules in order of their files, each with its cases. A case that names no rule, or none that
    /// there is, is nobody's where a file holds several.
    pub fn subjects(&self) -> Vec<Subject<'_>> {
        let mut subjects = Vec::new();
        for unit in &self.units {
            for rules in &unit.rules {
                let id = rules.rules().first().map(|rule| rule.id.as_str());
                let mut subject = Subject { file: &unit.rule, rules, stands: Vec::new() };
                if let Some(test) = &unit.test {
                    let is_ours = |case: &&Case| match &case.rule {
                        None => unit.rules.len() == 1,
                        Some((named, _)) => Some(named.as_str()) == id,
                    };
                    subject.stands.extend(test.cases.iter().filter(is_ours).map(|case| Stand {
                        rules,
                        case,
                        log: self.log(case),
                        old: unit.snapshots.get(&case.name).map(String::as_str),
                    }));
                }
                subjects.push(subject);
            }
        }
        subjects
    }
}

impl Unit {
    fn failed(&self, file: &Path, line: usize, failure: Failure) -> Check {
        Check { file: file.display().to_string(), line, ..failed(self.rule.clone(), failure) }
    }

    fn untested(&self, rule: &Rule) -> Check {
        let title = format!("the rule `{}` has no case", rule.name);
        let test = test_of(Path::new(&self.rule));
        let detail =
            format!("cases stand in {}\n", crate::escape::escape(&test.display().to_string()));
        let failure = Failure::new(Kind::NoCase, title).detail(detail);
        self.failed(Path::new(&rule.origin.file), rule.origin.line, failure)
    }

    /// Reads the snapshots, and tells of those that no case has.
    fn read_snapshots(&mut self) -> Vec<Check> {
        let mut checks = Vec::new();
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return checks };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Some(name) = name.strip_suffix(".snap") else { continue };
            let text = pipeline::read_whole(&path, MAX_SNAPSHOT);
            let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let text = text.unwrap_or_default();
            let cases = self.test.iter().flat_map(|test| &test.cases);
            let used = cases
                .filter(|case| case.expect == super::Expect::Snapshot)
                .any(|case| case.name == name);
            if used {
                self.snapshots.insert(name.to_owned(), text);
            } else {
                let failure = Failure::new(Kind::SnapshotUnused, "no case has this snapshot");
                let mut check = self.failed(&path, 1, failure);
                // Nobody knows what belongs to a file that could not be read.
                if self.test.is_some() {
                    check.proposal = Some(Proposal { path, old: Some(text), new: None });
                }
                checks.push(check);
            }
        }
        checks
    }
}

/// A case to be run.
struct Task<'a> {
    unit: &'a Unit,
    number: usize,
    test: &'a TestFile,
    case: &'a Case,
    log: Result<&'a [u8], (String, Span)>,
}

impl Task<'_> {
    fn run(&self, options: &Options, all: Option<&Arc<RuleSet>>) -> Trial {
        let failed = |failure| Trial { failures: vec![failure], ..Trial::default() };
        let rules = match self.rule() {
            Ok(rules) => rules,
            Err(failure) => return failed(failure),
        };
        let log = match &self.log {
            Ok(log) => log,
            Err((why, span)) => {
                let title = format!("the log cannot be read: {why}");
                return failed(Failure::new(Kind::Log, title).at(*span));
            }
        };
        let trying = Trying {
            case: self.case,
            rules,
            others: all,
            schema: &options.schema,
            old: self.unit.snapshots.get(&self.case.name).map(String::as_str),
        };
        trying.run(log)
    }

    /// The rule of the case.
    fn rule(&self) -> Result<&Arc<RuleSet>, Failure> {
        let id = |set: &'_ Arc<RuleSet>| set.rules().first().map(|rule| rule.id.clone());
        match (&self.case.rule, self.unit.rules.as_slice()) {
            (None, [one]) => Ok(one),
            (None, _) => {
                let title = "the rule file holds several rules: `rule` must say which";
                Err(Failure::new(Kind::Log, title))
            }
            (Some((wanted, span)), rules) => {
                let found = rules.iter().find(|set| id(set).as_deref() == Some(wanted));
                found.ok_or_else(|| {
                    let ids: Vec<String> = rules.iter().filter_map(id).collect();
                    let near = nearest(wanted, ids.iter().map(String::as_str));
                    let near =
                        near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
                    let title = format!("no rule `{wanted}` in the rule file{near}");
                    Failure::new(Kind::Log, title).at(*span)
                })
            }
        }
    }

    fn check(&self, trial: Trial, all: &[Rule]) -> (usize, Check) {
        let Trial { alerts, runs, mut failures, snapshot, others } = trial;
        self.cross(&others, all, &mut failures);
        let old = self.unit.snapshots.get(&self.case.name).cloned();
        let path = self.unit.folder.join(format!("{}.snap", self.case.name));
        let wrong = failures.iter().any(|failure| failure.kind.is_of_snapshot());
        let proposal = snapshot.filter(|_| wrong);
        let place = failures.iter().find_map(|failure| failure.at).unwrap_or(self.case.span);
        let check = Check {
            rule: self.unit.rule.clone(),
            file: self.test.file.clone(),
            line: position(&self.test.text, place.start).line,
            case: Some(self.case.name.clone()),
            about: self.case.about.clone(),
            alerts,
            runs,
            failures,
            proposal: proposal.map(|new| Proposal { path, old, new: Some(new) }),
        };
        (self.number, check)
    }

    /// Rules that fire on the log of another one without anybody having said so.
    fn cross(
        &self,
        others: &[(crate::plan::RuleIx, usize)],
        all: &[Rule],
        failures: &mut Vec<Failure>,
    ) {
        let own = self.rule().ok().and_then(|set| set.rules().first());
        for (number, count) in others {
            let Some(rule) = all.get(number.index()) else { continue };
            let own = own.is_some_and(|own| own.id == rule.id);
            let said = self.case.also.iter().any(|(name, _)| is_called(rule, name));
            if !own && !said {
                let title = format!("`{}` fires too: {}", rule.name, alerts(*count));
                let detail = "if it should, name it: also = [..]\n";
                failures.push(Failure::new(Kind::Cross, title).detail(detail));
            }
        }
    }
}

/// Whether a rule has this id, or is in a file of this name.
fn is_called(rule: &Rule, name: &str) -> bool {
    let stem = Path::new(&rule.origin.file).file_stem();
    rule.id == name || stem.is_some_and(|stem| stem == name)
}

fn failed(rule: String, failure: Failure) -> Check {
    Check {
        rule,
        file: String::new(),
        line: 1,
        case: None,
        about: String::new(),
        alerts: 0,
        runs: 0,
        failures: vec![failure],
        proposal: None,
    }
}

/// Where the cases of a rule file stand.
fn test_of(rule: &Path) -> PathBuf {
    rule.with_extension("test.toml")
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(TEST.as_bytes()))
}

fn holds_cases(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "cases") && path.is_dir()
}

/// Paths of rules, none twice, and the test files there are. A test file and a folder of snapshots stand
/// for the rule beside them: whoever names everything in a folder means the rules.
fn split(paths: &[PathBuf]) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
    let (mut rules, mut tests) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let name = path.to_string_lossy();
        let stem = match holds_cases(path) {
            true => name.trim_end_matches('/').strip_suffix(".cases"),
            false if is_test(path) && !path.is_dir() => name.strip_suffix(TEST),
            false => None,
        };
        if let Some(stem) = stem {
            let test = PathBuf::from(format!("{stem}{TEST}"));
            // A folder of snapshots may stand alone.
            if test == *path || test.exists() {
                tests.insert(test);
            }
            let beside = ["toml", "eql", "ndjson"].map(|end| format!("{stem}.{end}"));
            rules.extend(beside.into_iter().map(PathBuf::from).filter(|path| path.exists()));
            continue;
        }
        let walk = walkdir::WalkDir::new(path).follow_links(true).into_iter();
        let inside = walk.filter_entry(|entry| entry.depth() == 0 || !holds_cases(entry.path()));
        for entry in inside.flatten() {
            if entry.depth() > 0 && entry.file_type().is_file() && is_test(entry.path()) {
                tests.insert(entry.into_path());
            }
        }
        rules.push(path.clone());
    }
    (apart(rules), tests)
}

/// The one name that all spellings of a path have.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The paths without those that are another one, or inside another one, however they are written.
fn apart(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let reals: Vec<PathBuf> = paths.iter().map(|path| real(path)).collect();
    let known: BTreeSet<&Path> = reals.iter().map(PathBuf::as_path).collect();
    let mut taken = BTreeSet::new();
    let kept = paths.iter().zip(&reals).filter(|(_, real)| {
        let inside = real.ancestors().skip(1).any(|folder| known.contains(folder));
        !inside && taken.insert(real.as_path())
    });
    kept.map(|(path, _)| path.clone()).collect()
}

fn read(path: &Path, options: &Options) -> Result<TestFile, Vec<Problem>> {
    let name = path.display().to_string();
    let bytes = pipeline::read_whole(path, MAX_FILE);
    let text =
        bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned()));
    match text {
        Ok(text) => read_text(&name, &text, &options.schema),
        Err(why) => Err(vec![Problem {
            file: name,
            text: "".into(),
            diagnostic: Diagnostic::new(Code::TestFile, format!("cannot read test file: {why}")),
            rule: None,
            inner_line: None,
        }]),
    }
}
