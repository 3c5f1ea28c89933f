//! [`Report`] → text for people, JSON, workflow commands of GitHub.
//!
//! Words of others are escaped here. Nothing is decided here but the score.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value as Json, json};

use super::{Attack, AttackKind, Fate, Mutant, Outcome, Report, Weighed};
use crate::diagnostic::{self, Location, Severity};
use crate::escape::escape;

const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WEAK: Style = AnsiColor::Yellow.on_default();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();

/// How many there were of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Mutants made and not thrown out.
    pub mutants: usize,
    /// Mutants that a case fails with.
    pub killed: usize,
    /// Mutants that all cases pass with.
    pub survived: usize,
    /// Thrown out: they mean what the rule means.
    pub equivalent: usize,
    /// Thrown out: they mean what another mutant means.
    pub repeated: usize,
    /// Thrown out: no such rule can be.
    pub refused: usize,
    /// Beyond what one rule may have.
    pub left_out: usize,
    /// Attacks made.
    pub attacks: usize,
    /// Attacks that the rule held against.
    pub held: usize,
}

impl Totals {
    /// Killed of killed and survived, in percent, rounded down; `None` when there is neither.
    pub fn score(&self) -> Option<u32> {
        let run = self.killed + self.survived;
        let percent = (self.killed * 100).checked_div(run)?;
        u32::try_from(percent).ok()
    }

    fn add(&mut self, other: Self) {
        self.mutants += other.mutants;
        self.killed += other.killed;
        self.survived += other.survived;
        self.equivalent += other.equivalent;
        self.repeated += other.repeated;
        self.refused += other.refused;
        self.left_out += other.left_out;
        self.attacks += other.attacks;
        self.held += other.held;
    }

    fn json(self) -> Json {
        json!({
            "mutants": self.mutants, "killed": self.killed, "survived": self.survived,
            "score": self.score(), "equivalent": self.equivalent, "repeated": self.repeated,
            "refused": self.refused, "left_out": self.left_out, "attacks": self.attacks,
            "held": self.held,
        })
    }
}

impl Report {
    /// What there was of all rules.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.rules.iter().for_each(|rule| totals.add(rule.totals()));
        totals
    }

    /// Rules whose mutants could not be run, and rules whose score is below `threshold` percent.
    pub fn failed(&self, threshold: Option<u32>) -> (usize, usize) {
        let not_run = self.rules.iter().filter(|rule| rule.not_run.is_some()).count();
        let below = self.rules.iter().filter(|rule| {
            let score = rule.totals().score();
            score.zip(threshold).is_some_and(|(score, threshold)| score < threshold)
        });
        (not_run, below.count())
    }

    /// Scores, survivors and attacks that got past, with terminal colours; with `everything` also what was
    /// killed, held, or only listed.
    pub fn to_text(&self, everything: bool) -> String {
        let mut out = String::new();
        for rule in &self.rules {
            rule.write(&mut out, everything);
        }
        out
    }

    /// All of it as one JSON object.
    pub fn to_json(&self) -> Json {
        let problems = self.problems.iter();
        json!({
            "rules": self.rules.iter().map(Weighed::to_json).collect::<Vec<_>>(),
            "problems": problems
                .map(|problem| diagnostic::json(&problem.diagnostic, problem.source()))
                .collect::<Vec<_>>(),
            "summary": self.totals().json(),
        })
    }

    /// A command for each problem, rule that was not run and survivor, which a workflow of GitHub shows
    /// beside the line. Attacks are not among them: they are no fault.
    pub fn to_github(&self) -> String {
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&diagnostic::github(&problem.diagnostic, &problem.location()));
            out.push('\n');
        }
        for rule in &self.rules {
            let place = |start, end| Location { file: rule.file.clone(), start: Some(start), end };
            if let Some((title, detail)) = &rule.not_run {
                let text = format!("{title}\n{detail}");
                out.push_str(&diagnostic::github_command(
                    Severity::Error,
                    &place((rule.line, 1), None),
                    "catena mutate",
                    text.trim_end(),
                ));
                out.push('\n');
            }
            for mutant in &rule.mutants {
                let Fate::Survived(missing) = &mutant.fate else { continue };
                let text = format!("survived: {}\n{missing}", mutant.what);
                let title = format!("catena mutate: {}", mutant.operator.name());
                out.push_str(&diagnostic::github_command(
                    Severity::Warning,
                    &place((mutant.line, mutant.column), Some(mutant.end)),
                    &title,
                    &text,
                ));
                out.push('\n');
            }
        }
        out
    }
}

impl Weighed {
    /// What there was of this rule.
    pub fn totals(&self) -> Totals {
        let count =
            |is: fn(&Fate) -> bool| self.mutants.iter().filter(|mutant| is(&mutant.fate)).count();
        let held = self.attacks.iter().filter(|attack| attack.outcome == Outcome::Held).count();
        let ran = self.not_run.is_none();
        Totals {
            mutants: self.mutants.len(),
            killed: if ran { count(|fate| matches!(fate, Fate::Killed(_))) } else { 0 },
            survived: if ran { count(|fate| matches!(fate, Fate::Survived(_))) } else { 0 },
            equivalent: self.equivalent,
            repeated: self.repeated,
            refused: self.refused,
            left_out: self.left_out,
            attacks: self.attacks.len(),
            held,
        }
    }

    fn write(&self, out: &mut String, everything: bool) {
        let _ = writeln!(out, "{}  {DIM}{}{DIM:#}", escape(&self.file), escape(&self.name));
        if let Some((title, detail)) = &self.not_run {
            let _ = writeln!(out, "  {BAD}FAIL{BAD:#}  {}", escape(title));
            for line in detail.lines() {
                let _ = writeln!(out, "        {}", escape(line));
            }
            return;
        }
        let totals = self.totals();
        let _ = writeln!(out, "  {}", totals.words());
        for mutant in &self.mutants {
            mutant.write(out, &self.file, everything);
        }
        if !self.attacks.is_empty() {
            let _ = writeln!(out, "  attacks: {} of {} held", totals.held, totals.attacks);
        }
        for kind in AttackKind::ALL {
            let of_kind: Vec<&Attack> =
                self.attacks.iter().filter(|attack| attack.kind == kind).collect();
            for (attack, cases) in together(&of_kind, everything) {
                let _ = writeln!(
                    out,
                    "  {WEAK}{}{WEAK:#}  {}: {}  {DIM}{}{DIM:#}",
                    attack.outcome.name(),
                    kind.name(),
                    escape(&attack.what),
                    escape(&cases.join(", ")),
                );
            }
            if of_kind.iter().any(|attack| attack.outcome != Outcome::Held) {
                let _ = writeln!(out, "      help: {}", kind.advice());
            }
        }
    }

    fn to_json(&self) -> Json {
        let not_run = self.not_run.as_ref();
        let attacks = self.attacks.iter().map(|attack| {
            let is_held = attack.outcome == Outcome::Held;
            json!({
                "kind": attack.kind.name(), "case": attack.case, "what": attack.what,
                "outcome": attack.outcome.name(),
                "advice": (!is_held).then(|| attack.kind.advice()),
            })
        });
        json!({
            "file": self.file, "line": self.line, "rule_id": self.id, "name": self.name,
            "not_run": not_run.map(|(title, detail)| json!({ "title": title, "detail": detail })),
            "mutants": self.mutants.iter().map(Mutant::to_json).collect::<Vec<_>>(),
            "attacks": attacks.collect::<Vec<_>>(),
            "summary": self.totals().json(),
        })
    }
}

impl Totals {
    /// `85 %: 17 of 20 mutants killed; 2 equivalent thrown out`
    fn words(&self) -> String {
        let run = self.killed + self.survived;
        let mut words = match self.score() {
            Some(score) => format!("{score} %: {} of {run} mutants killed", self.killed),
            None if self.mutants > 0 => format!("{} mutants", self.mutants),
            None => "no mutants".to_owned(),
        };
        let thrown = [
            (self.equivalent, "equivalent"),
            (self.repeated, "repeated"),
            (self.refused, "impossible"),
            (self.left_out, "too many"),
        ];
        let thrown = thrown.iter().filter(|(count, _)| *count > 0);
        let thrown: Vec<String> = thrown.map(|(count, what)| format!("{count} {what}")).collect();
        if !thrown.is_empty() {
            let _ = write!(words, "; thrown out: {}", thrown.join(", "));
        }
        words
    }
}

impl Mutant {
    fn write(&self, out: &mut String, file: &str, everything: bool) {
        let (word, style, note) = match &self.fate {
            Fate::Killed(case) if everything => ("killed", DIM, format!("  {DIM}{case}{DIM:#}")),
            Fate::Killed(_) => return,
            Fate::Survived(_) => ("SURVIVED", BAD, String::new()),
            Fate::Listed => ("mutant", DIM, String::new()),
        };
        let _ = writeln!(
            out,
            "  {style}{word}{style:#}  {}: {}  {DIM}{}:{}:{}{DIM:#}{note}",
            self.operator.name(),
            escape(&self.what),
            escape(file),
            self.line,
            self.column,
        );
        if matches!(self.fate, Fate::Killed(_)) {
            return;
        }
        for line in self.diff.lines() {
            let style = if line.starts_with('-') { OLD } else { NEW };
            let _ = writeln!(out, "      {style}{line}{style:#}");
        }
        if let Fate::Survived(missing) = &self.fate {
            let _ = writeln!(out, "      help: {}", escape(missing));
        }
    }

    fn to_json(&self) -> Json {
        let (fate, case, missing) = match &self.fate {
            Fate::Listed => ("listed", None, None),
            Fate::Killed(case) => ("killed", Some(case), None),
            Fate::Survived(missing) => ("survived", None, Some(missing)),
        };
        json!({
            "operator": self.operator.name(), "line": self.line, "column": self.column,
            "end_line": self.end.0, "end_column": self.end.1,
            "what": self.what, "diff": self.diff, "query": self.query, "fate": fate,
            "killed_by": case, "missing_case": missing,
        })
    }
}

/// Attacks that did the same to several cases with the same outcome, and these cases.
fn together<'a>(attacks: &[&'a Attack], everything: bool) -> Vec<(&'a Attack, Vec<&'a str>)> {
    let mut told: Vec<(&Attack, Vec<&str>)> = Vec::new();
    let shown = attacks.iter().filter(|attack| everything || attack.outcome != Outcome::Held);
    for attack in shown {
        let same = told
            .iter_mut()
            .find(|(other, _)| (other.outcome, &other.what) == (attack.outcome, &attack.what));
        match same {
            Some((_, cases)) => cases.push(&attack.case),
            None => told.push((attack, vec![&attack.case])),
        }
    }
    told
}
