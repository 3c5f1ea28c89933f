//! One case, run: as it is, then with its faults, then compared with what it expects.
//!
//! In: a [`Case`], its rule and the bytes of its log. Out: a [`Trial`]: how many alerts there were and
//! everything that is not as it must be. Starts no thread, writes no file.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::case::{Case, Expect, Fault, Pick, Wanted};
use super::found::{Found, alerts, has_alerts, snapshot};
use super::log::{self, Log};
use super::{Failure, Kind};
use crate::alert::Alert;
use crate::escape::escape;
use crate::event::Identity;
use crate::pipeline::{self, Flow, Observer, Rehearsal, Report, Settings};
use crate::plan::RuleIx;
use crate::rule::RuleSet;
use crate::schema::Schema;
use crate::why::{self, Question};

/// Most alerts of one run that are kept; a case with more tells nothing to anybody.
const MAX_ALERTS: usize = 10_000;
/// Keys that an answer to why tells of.
const WHY_LIMIT: usize = 1;

/// What came of a case.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// Alerts of the run without faults.
    pub(super) alerts: usize,
    /// How often the log was run.
    pub(super) runs: usize,
    /// What is not as it must be.
    pub(super) failures: Vec<Failure>,
    /// The alerts as a snapshot, when that is what the case expects.
    pub(super) snapshot: Option<String>,
    /// Names, ids and files of other rules that fired, with their numbers of alerts.
    pub(super) others: Vec<(RuleIx, usize)>,
}

/// What a case is run with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trying<'a> {
    pub(super) case: &'a Case,
    /// The one rule.
    pub(super) rules: &'a Arc<RuleSet>,
    /// Every rule, to be run over the log too.
    pub(super) others: Option<&'a Arc<RuleSet>>,
    pub(super) schema: &'a Arc<Schema>,
    /// What the snapshot of the case says.
    pub(super) old: Option<&'a str>,
}

struct Ran {
    found: Vec<Found>,
    report: Report,
}

impl Trying<'_> {
    /// Runs the case over its log.
    pub(super) fn run(&self, log: &[u8]) -> Trial {
        let mut trial = Trial::default();
        if let Err(failure) = self.over(log, &mut trial) {
            trial.failures.push(failure);
        }
        trial
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            lateness: self.case.lateness,
            identity: Identity { name: self.case.host.clone(), ..Identity::default() },
            schema: self.schema.clone(),
            ..Settings::default()
        }
    }

    fn over(&self, log: &[u8], trial: &mut Trial) -> Result<(), Failure> {
        let (case, settings) = (self.case, self.settings());
        let broken = |why: String| Failure::new(Kind::Log, why);
        let (bytes, parts) = self.prepare(log)?;
        let bytes = &*bytes;
        let calm = Rehearsal { restarts: false, wait: case.wait };
        let base = self.base(bytes, trial)?;
        if !case.faults.is_empty() {
            let log = match parts {
                Some(log) => log,
                None => Log::new(bytes, &settings).map_err(broken)?,
            };
            self.faults(&log, bytes, &base, trial)?;
        }
        if let Some(others) = self.others {
            let all = run(others, bytes, calm, &settings).map_err(broken)?;
            for found in all.found {
                match trial.others.iter_mut().find(|(rule, _)| *rule == found.rule) {
                    Some((_, count)) => *count += 1,
                    None => trial.others.push((found.rule, 1)),
                }
            }
        }
        Ok(())
    }

    /// What the case makes of its log before it is run: picked, then changed; and its parts, when they
    /// had to be told apart for that.
    ///
    /// # Errors
    ///
    /// When the log cannot be run, or nothing is picked.
    pub(super) fn prepare<'a>(
        &self,
        log: &'a [u8],
    ) -> Result<(Cow<'a, [u8]>, Option<Log>), Failure> {
        let (case, settings) = (self.case, self.settings());
        let broken = |why: String| Failure::new(Kind::Log, why);
        let mut parts = None;
        let mut bytes = Cow::Borrowed(log);
        if let Some(pick) = &case.pick {
            let mut log = Log::new(&bytes, &settings).map_err(broken)?;
            log.keep(&picked_names(&bytes, pick, &settings, "the log")?);
            bytes = Cow::Owned(log.bytes());
            parts = Some(log);
        }
        if !case.changes.is_empty() {
            let mut log = parts.map_or_else(|| Log::new(&bytes, &settings), Ok).map_err(broken)?;
            // All of them look at the log as it was.
            let mut names = Vec::new();
            for change in &case.changes {
                names.push(picked_names(&bytes, &change.pick, &settings, "a change")?);
            }
            for (change, names) in case.changes.iter().zip(&names) {
                log.change(change, names, &settings).map_err(broken)?;
            }
            bytes = Cow::Owned(log.bytes());
            parts = Some(log);
        }
        Ok((bytes, parts))
    }

    /// Runs what was prepared as it is and compares; gives the alerts.
    ///
    /// # Errors
    ///
    /// When the log cannot be run.
    pub(super) fn base(&self, bytes: &[u8], trial: &mut Trial) -> Result<Vec<Found>, Failure> {
        let calm = Rehearsal { restarts: false, wait: self.case.wait };
        let ran = run(self.rules, bytes, calm, &self.settings());
        let base = ran.map_err(|why| Failure::new(Kind::Log, why))?;
        trial.runs += 1;
        trial.alerts = base.found.len();
        self.readable(&base.report, trial);
        self.judge(&base.found, bytes, trial);
        Ok(base.found)
    }

    /// A log that nothing is read of proves nothing.
    fn readable(&self, report: &Report, trial: &mut Trial) {
        if report.events == 0 {
            trial.failures.push(Failure::new(Kind::Log, "the log has no event"));
        }
        if report.malformed != self.case.malformed {
            let title = format!(
                "{} of the log malformed, expected {}",
                lines(report.malformed),
                self.case.malformed
            );
            let told = report.malformed_lines.iter();
            let told = told.map(|line| format!("line {}: {}\n", line.line, escape(&line.why)));
            trial.failures.push(Failure::new(Kind::Log, title).detail(told.collect::<String>()));
        }
    }

    /// Compares the alerts with what is expected.
    fn judge(&self, found: &[Found], log: &[u8], trial: &mut Trial) {
        let shown = snapshot(found);
        let too_few;
        match &self.case.expect {
            Expect::Count(count) => {
                too_few = found.len() < *count;
                if found.len() != *count {
                    let title =
                        format!("expected {}, found {}", alerts(*count), alerts(found.len()));
                    let detail = if found.is_empty() { String::new() } else { shown };
                    trial.failures.push(Failure::new(Kind::Alerts, title).detail(detail));
                }
            }
            Expect::These(wanted) => {
                too_few = found.len() < wanted.len();
                let fits = wanted.len() == found.len()
                    && wanted.iter().zip(found).all(|(wanted, found)| wanted.fits(found));
                if !fits {
                    let mut detail = String::from("expected\n");
                    for wanted in wanted {
                        let _ = writeln!(detail, "  {}", wanted.words());
                    }
                    detail.push_str("found\n");
                    for found in found {
                        let _ = writeln!(detail, "  {}", words(Some(&found.serials), &found.keys));
                    }
                    let title = "the alerts are not the expected ones";
                    trial.failures.push(Failure::new(Kind::Alerts, title).detail(detail));
                }
            }
            Expect::Snapshot => {
                too_few = found.is_empty() && self.old.is_some_and(has_alerts);
                match self.old {
                    Some(old) if old == shown => {}
                    Some(_) => {
                        let title = "the alerts are not those of the snapshot";
                        trial.failures.push(Failure::new(Kind::SnapshotChanged, title));
                    }
                    None => {
                        let title = "the snapshot is new: nobody has accepted it";
                        trial.failures.push(Failure::new(Kind::SnapshotNew, title));
                    }
                }
                trial.snapshot = Some(shown);
            }
        }
        if too_few && let Some(why) = self.why(log) {
            trial
                .failures
                .push(Failure::new(Kind::Why, "what came nearest to a match").detail(why));
        }
    }

    /// What came nearest to a match.
    fn why(&self, log: &[u8]) -> Option<String> {
        let rule = self.rules.rules().first()?.clone();
        let calm = Rehearsal { restarts: false, wait: self.case.wait };
        let question = Question { limit: WHY_LIMIT, keys: Vec::new() };
        let answered = why::why_text(rule, log, calm, &self.settings(), &question).ok()?;
        Some(anstream::adapter::strip_str(&answered.answer.to_text()).to_string())
    }

    /// Runs the log with each fault, and with all of them at once.
    fn faults(
        &self,
        log: &Log,
        bytes: &[u8],
        base: &[Found],
        trial: &mut Trial,
    ) -> Result<(), Failure> {
        let case = self.case;
        if case.faults.contains(&Fault::Duplicate) && log::is_json(bytes) {
            let title = "`duplicate` says nothing about JSON: each line is an event of its own";
            return Err(Failure::new(Kind::Log, title));
        }
        let each = case.faults.iter().map(std::slice::from_ref);
        let all = (case.faults.len() > 1).then_some(case.faults.as_slice());
        for faults in each.chain(all) {
            let shuffles = faults.contains(&Fault::Shuffle);
            for seed in 0..if shuffles { case.seeds } else { 1 } {
                let restarts = faults.contains(&Fault::Restart);
                let rehearsal = Rehearsal { restarts, wait: case.wait };
                let bytes = log.with(faults, seed, case.lateness);
                let ran = run(self.rules, &bytes, rehearsal, &self.settings());
                let ran = ran.map_err(|why| Failure::new(Kind::Fault, why))?;
                trial.runs += 1;
                if !ran.found.iter().map(|found| &found.id).eq(base.iter().map(|found| &found.id)) {
                    let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
                    let order = if shuffles { format!(", order {seed}") } else { String::new() };
                    let title = format!("other alerts under {}{order}", names.join(" and "));
                    let detail = super::diff(&snapshot(base), &snapshot(&ran.found));
                    trial.failures.push(Failure::new(Kind::Fault, title).detail(detail));
                    // One order is enough to show it.
                    break;
                }
            }
        }
        Ok(())
    }
}

fn picked_names(
    log: &[u8],
    pick: &Pick,
    settings: &Settings,
    what: &str,
) -> Result<HashSet<Vec<u8>>, Failure> {
    let names = log::names(log, pick, settings).map_err(|why| Failure::new(Kind::Log, why))?;
    if names.is_empty() {
        return Err(Failure::new(Kind::Log, format!("{what} picks no event")).at(pick.span));
    }
    Ok(names)
}

impl Wanted {
    fn fits(&self, found: &Found) -> bool {
        let serials = self.serials.as_ref().is_none_or(|serials| *serials == found.serials);
        serials && self.keys.iter().all(|key| found.keys.contains(key))
    }

    fn words(&self) -> String {
        words(self.serials.as_ref(), &self.keys)
    }
}

fn words(serials: Option<&Vec<u32>>, keys: &[(String, String)]) -> String {
    let serials = serials.filter(|serials| !serials.is_empty()).map(|serials| {
        let serials: Vec<String> = serials.iter().map(u32::to_string).collect();
        format!("serials {}", serials.join(", "))
    });
    let keys = keys.iter().map(|(key, value)| escape(&format!("{key} = {value}")));
    serials.into_iter().chain(keys).collect::<Vec<_>>().join("; ")
}

fn lines(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn run(
    rules: &Arc<RuleSet>,
    log: &[u8],
    rehearsal: Rehearsal,
    settings: &Settings,
) -> Result<Ran, String> {
    let mut gather = Gather { found: Vec::new() };
    let report = pipeline::rehearse(rules, log, rehearsal, settings, &mut gather)?;
    if gather.found.len() > MAX_ALERTS {
        return Err(format!("more than {MAX_ALERTS} alerts"));
    }
    Ok(Ran { found: gather.found, report })
}

struct Gather {
    found: Vec<Found>,
}

impl Observer for Gather {
    fn alert(&mut self, alert: &Alert) -> Flow {
        self.found.push(Found::new(alert));
        if self.found.len() > MAX_ALERTS { Flow::Stop } else { Flow::Continue }
    }

    fn reads_events(&self) -> bool {
        false
    }
}
