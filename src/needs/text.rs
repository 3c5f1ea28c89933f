//! [`Judged`] → a page for people.
//!
//! In: verdicts. Out: text, the rules that cannot fire first. Whatever a file chose is escaped.

use std::fmt::Write as _;

use anstyle::Style;

use super::verdict::{Judged, RuleVerdict, Verdict};
use crate::escape::escape;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Longest stage shown, in characters.
const STAGE: usize = 120;
/// Calls shown that are not logged.
const CALLS: usize = 8;

impl Judged {
    /// The page, with terminal colours; strip them where none are wanted.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let parts = [
            (Verdict::CannotFire, "Cannot fire", self.cannot_fire),
            (Verdict::Undecided, "Cannot be decided", self.undecided),
            (Verdict::CanFire, "Can fire", self.can_fire),
        ];
        for (verdict, title, count) in parts.iter().filter(|(_, _, count)| *count > 0) {
            if !out.is_empty() {
                out.push('\n');
            }
            let _ = writeln!(out, "{BOLD}{title}{BOLD:#}: {count} of {}", self.rules.len());
            for rule in self.rules.iter().filter(|rule| rule.verdict == *verdict) {
                show(&mut out, rule);
            }
        }
        out
    }
}

fn show(out: &mut String, rule: &RuleVerdict) {
    let _ = writeln!(out, "  {} {DIM}{}{DIM:#}", escape(&rule.name), escape(&rule.id));
    for why in &rule.because {
        let _ = writeln!(out, "    {}", escape(why));
    }
    for stage in &rule.stages {
        if stage.verdict == Verdict::CanFire && stage.not_logged.is_empty() {
            continue;
        }
        let eql = stage.eql.split_whitespace().collect::<Vec<_>>().join(" ");
        let eql = match eql.char_indices().nth(STAGE) {
            Some((end, _)) => format!("{}…", eql.get(..end).unwrap_or_default()),
            None => eql,
        };
        let number = match stage.number {
            0 => "until".to_owned(),
            number => format!("{number}."),
        };
        let _ = writeln!(out, "    {number} {}", escape(&eql));
        let word = match stage.verdict {
            Verdict::CannotFire => "cannot fire: because ",
            Verdict::Undecided => "cannot be decided: because ",
            Verdict::CanFire => "",
        };
        for why in &stage.because {
            let _ = writeln!(out, "       {word}{}", escape(why));
        }
        if !stage.not_logged.is_empty() {
            let shown: Vec<&str> =
                stage.not_logged.iter().take(CALLS).map(String::as_str).collect();
            let more = match stage.not_logged.len().saturating_sub(CALLS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let _ = writeln!(out, "       not logged: {}{more}", escape(&shown.join(", ")));
        }
    }
}
