//! Rules × what is logged → [`Judged`]: which rules can fire, which cannot, and which nobody can tell.
//!
//! In: a rule set, and audit rules or what a log holds. Out: a verdict on each rule with its reasons. "Can"
//! is said of a rule for each stage of which some event is logged, "cannot" when a stage that must hold has
//! none; where a filter meets a test that is not followed it is "undecided". Links between files are not
//! followed, and denials that the kernel logs without any rule are not counted on.

use std::collections::BTreeSet;

use serde::Serialize;

use super::list::{AuditRules, List};
use super::stage::{Stage, analyse, producers};
use super::walk::{Found, Logged, Tags, walk, without};
use crate::check::ir::{Leaf, Test};
use crate::inspect::Never;
use crate::plan::{Plan, RuleIx};
use crate::rule::{self, RuleSet};

/// Reasons told of a stage.
const MOST_REASONS: usize = 5;
/// Calls named in one reason.
const MOST_CALLS: usize = 12;

/// Whether a rule can fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Some stage that must hold has no event.
    CannotFire,
    /// It depends on what is not known.
    Undecided,
    /// Every stage has events.
    CanFire,
}

/// What comes of judging rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// What they were judged by.
    pub against: Against,
    /// Rules that can fire.
    pub can_fire: u64,
    /// Rules that cannot.
    pub cannot_fire: u64,
    /// Rules of which that is not known.
    pub undecided: u64,
    /// The rules.
    pub rules: Vec<RuleVerdict>,
}

/// What rules are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Against {
    /// Audit rules.
    AuditRules {
        /// How many are loaded.
        loaded: usize,
        /// Lines that were refused.
        refused: u64,
        /// Filters of a kind that is not known here.
        unknown_fields: u64,
    },
    /// Logs.
    Log,
}

/// A verdict on a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleVerdict {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What holds for the rule as a whole.
    pub because: Vec<String>,
    /// Its stages; with logs only those that nothing satisfies.
    pub stages: Vec<StageVerdict>,
}

/// A verdict on a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageVerdict {
    /// Its number in the rule, from 1; 0 for `until`.
    pub number: usize,
    /// In the query language.
    pub eql: String,
    /// It must not happen.
    pub missing: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not "can fire".
    pub because: Vec<String>,
    /// Calls that would satisfy it and are not logged, though others are.
    pub not_logged: Vec<String>,
}

/// Judges by audit rules.
pub fn by_rules(rules: &RuleSet, audit: &AuditRules) -> Judged {
    let mut verdicts = Vec::new();
    for number in (0..rules.rules().len()).filter_map(|n| u32::try_from(n).ok()) {
        let Some(analysed) = analyse(rules, RuleIx(number), producers()) else { continue };
        let stages: Vec<StageVerdict> =
            analysed.stages.iter().map(|stage| of_stage(stage, rules.plan(), audit)).collect();
        let must = stages.iter().filter(|stage| !stage.missing && stage.number > 0);
        let verdict = must.map(|stage| stage.verdict).min().unwrap_or(Verdict::CanFire);
        let mut because = Vec::new();
        for stage in stages.iter().filter(|s| s.missing && s.verdict != Verdict::CanFire) {
            because.push(format!(
                "stage {} must be missing, and may be missing only because it is not logged",
                stage.number
            ));
        }
        let explained = analysed.explained;
        let (id, name) = (explained.id, explained.name);
        verdicts.push(RuleVerdict { id, name, verdict, because, stages });
    }
    let against = Against::AuditRules {
        loaded: audit.count(),
        refused: audit.refused,
        unknown_fields: audit.unknown_fields,
    };
    judged(against, verdicts)
}

/// Judges by what a log holds, as `inspect` has found it.
pub fn by_log(rules: &RuleSet, never: Never) -> Judged {
    let unknown = never.unknown;
    let mut blind = never.blind;
    let verdicts = rules.rules().iter().map(|rule| {
        let at = blind.iter().position(|blind| blind.id == rule.id);
        let found = at.map(|at| blind.swap_remove(at));
        let stages = found.into_iter().flat_map(|blind| blind.stages).map(|stage| StageVerdict {
            number: stage.number,
            eql: stage.eql,
            missing: false,
            verdict: Verdict::CannotFire,
            because: vec![match (stage.syscalls.as_slice(), stage.record_types.as_slice()) {
                ([], []) => "nothing in the log satisfies it".to_owned(),
                ([], records) => format!("the log has none of {}", some(records)),
                (calls, []) => format!("the log has no such event of {}", some(calls)),
                (calls, records) => {
                    format!(
                        "the log has no such event of {}, nor of {}",
                        some(calls),
                        some(records)
                    )
                }
            }],
            not_logged: Vec::new(),
        });
        let stages: Vec<StageVerdict> = stages.collect();
        let verdict = match (&unknown, stages.is_empty()) {
            (Some(_), _) => Verdict::Undecided,
            (None, true) => Verdict::CanFire,
            (None, false) => Verdict::CannotFire,
        };
        let because = unknown.iter().cloned().collect();
        RuleVerdict { id: rule.id.clone(), name: rule.name.clone(), verdict, because, stages }
    });
    let verdicts = verdicts.collect();
    judged(Against::Log, verdicts)
}

fn judged(against: Against, rules: Vec<RuleVerdict>) -> Judged {
    let count = |verdict| rules.iter().filter(|rule| rule.verdict == verdict).count() as u64;
    Judged {
        against,
        can_fire: count(Verdict::CanFire),
        cannot_fire: count(Verdict::CannotFire),
        undecided: count(Verdict::Undecided),
        rules,
    }
}

fn some(names: &[&'static str]) -> String {
    let shown = names.iter().take(MOST_CALLS).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_CALLS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn of_stage(stage: &Stage<'_>, plan: &Plan, audit: &AuditRules) -> StageVerdict {
    let mut best = Logged::No;
    let mut because: Vec<String> = Vec::new();
    let (mut unnamed, mut logged) = (BTreeSet::new(), BTreeSet::new());
    let mut tell = |found: Found, best: &mut Logged| {
        if found.logged == Logged::Unclear && *best == Logged::No {
            because.clear();
        }
        if found.logged >= *best {
            *best = found.logged;
            for why in found.why {
                if !because.contains(&why) && because.len() < MOST_REASONS {
                    because.push(why);
                }
            }
        }
        found.logged
    };
    for source in &stage.sources {
        let asks_key = asks_key(plan, source.index);
        let by_key = |keys: &[String]| {
            let mut variant = source.variant.clone();
            variant.push(("tags", keys.to_vec()));
            let stage = plan.stages.get(source.index.index());
            stage.is_some_and(|s| rule::judge(&s.condition, plan, true, &variant) != Some(false))
        };
        let tags: Option<Tags<'_>> = match asks_key {
            Key::None => None,
            _ => Some(&by_key),
        };
        let label = format!("{} ({})", source.call.name, source.call.width.name());
        let mut any = false;
        for wanted in &source.wanted {
            let mut found = walk(audit, source.call, wanted, tags);
            if asks_key == Key::Unclear && found.logged == Logged::Yes {
                let why = vec!["what it asks of the key is not followed".to_owned()];
                found = Found { logged: Logged::Unclear, why };
            }
            if found.logged == Logged::No && found.why.is_empty() {
                unnamed.insert(label.clone());
            }
            any |= tell(found, &mut best) != Logged::No;
        }
        if any {
            logged.insert(label);
        }
    }
    for record in &stage.records {
        let found =
            without(audit, record).unwrap_or(Found { logged: Logged::Yes, why: Vec::new() });
        tell(found, &mut best);
    }
    if best == Logged::No && audit.of(List::Uring).any(|rule| !rule.never) {
        best = Logged::Unclear;
        because
            .insert(0, "operations of io_uring are logged, which are not followed here".to_owned());
    }
    let missing: Vec<String> = unnamed.into_iter().filter(|call| !logged.contains(call)).collect();
    match best {
        Logged::Yes => because.clear(),
        Logged::Unclear => {}
        Logged::No if stage.info.needs.together => because.push(
            "it takes a record of the kernel together with a call: no audit rule asks for that"
                .to_owned(),
        ),
        Logged::No if stage.sources.is_empty() && stage.records.is_empty() => {
            because.push("no system call and no record satisfies it".to_owned());
        }
        Logged::No if !missing.is_empty() => {
            because.push(format!("no line logs {}", listed(&missing)));
        }
        Logged::No => {}
    };
    let mut verdict = match best {
        Logged::Yes => Verdict::CanFire,
        Logged::Unclear => Verdict::Undecided,
        Logged::No => Verdict::CannotFire,
    };
    if stage.info.needs.together && best == Logged::No {
        verdict = Verdict::Undecided;
    }
    StageVerdict {
        number: if stage.until { 0 } else { stage.number },
        eql: stage.info.eql.clone(),
        missing: stage.info.missing,
        verdict,
        because,
        not_logged: if best == Logged::No || stage.info.needs.any { Vec::new() } else { missing },
    }
}

fn listed(calls: &[String]) -> String {
    let shown = calls.iter().take(MOST_CALLS).map(String::as_str).collect::<Vec<_>>().join(", ");
    match calls.len().saturating_sub(MOST_CALLS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether a stage asks for keys of audit rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    None,
    Followed,
    Unclear,
}

fn asks_key(plan: &Plan, index: crate::plan::StageIx) -> Key {
    let mut leaves = Vec::new();
    if let Some(stage) = plan.stages.get(index.index()) {
        rule::leaves(&stage.condition, &mut leaves);
    }
    let mut key = Key::None;
    for leaf in leaves.iter().filter_map(|leaf| plan.leaves.get(leaf.index())) {
        let reads = leaf.fields.iter().filter_map(|field| plan.fields.get(field.index()));
        if !reads.into_iter().any(|(name, _)| matches!(&**name, "tags" | "auditd.data.key")) {
            continue;
        }
        key = match &leaf.leaf {
            Leaf::Test(
                field,
                Test::In(_) | Test::InFold(_) | Test::Like { .. } | Test::Missing | Test::Present,
            ) if &*field.name == "tags" && key != Key::Unclear => Key::Followed,
            _ => Key::Unclear,
        };
    }
    key
}
