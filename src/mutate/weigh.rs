//! One rule: its mutants checked, thrown out or run, its attacks made.
//!
//! In: a rule and its cases. Out: [`Weighed`]. A case is made ready once; then all mutants that are still
//! alive run over it together, as rules of one set, so that its log is read once for all of them.

use std::collections::HashSet;

use super::draft::Draft;
use super::{Fate, Mutant, Options, Weighed, attack, compare, stages, suggest};
use crate::escape::escape;
use crate::plan::{LogicHash, logic_hash};
use crate::prove::{Kind, Ready, Subject};
use crate::rule::Rule;
use crate::span::{Position, position};
use crate::syntax;
use crate::time::Duration;

/// Words shown before and behind a change.
const AROUND: usize = 3;
/// Longest line of a difference, in characters.
const MAX_LINE: usize = 200;

/// Weighs the cases of a rule.
pub(super) fn weigh(subject: &Subject<'_>, options: &Options) -> Weighed {
    let mut weighed = Weighed { file: subject.file.to_owned(), ..Weighed::default() };
    let Some(rule) = subject.rule() else { return weighed };
    weighed.line = rule.origin.line;
    weighed.id.clone_from(&rule.id);
    weighed.name.clone_from(&rule.name);
    let mut alive = mutants(rule, options, &mut weighed);
    if !options.list {
        let ran = made_ready(subject, options).and_then(|ready| {
            let broken = |why| ("the mutants cannot be run".to_owned(), why);
            run(&mut alive, &ready).map_err(broken)?;
            attack::attacks(rule, &ready).map_err(broken)
        });
        match ran {
            Ok(attacks) => weighed.attacks = attacks,
            Err(why) => weighed.not_run = Some(why),
        }
    }
    weighed.mutants = alive.into_iter().map(|alive| alive.mutant).collect();
    weighed
}

/// A mutant on its way.
struct Alive {
    draft: Draft,
    rule: Rule,
    mutant: Mutant,
}

/// What tells rules apart: their logic and what bounds them.
type Meaning = (LogicHash, Option<Duration>);

fn meaning(rule: &Rule) -> Meaning {
    (logic_hash(&rule.query), rule.options.window)
}

/// The mutants of a rule that can be and that mean something of their own.
fn mutants(rule: &Rule, options: &Options, weighed: &mut Weighed) -> Vec<Alive> {
    // It was parsed when it was loaded.
    let Ok(ast) = syntax::parse(&rule.text) else { return Vec::new() };
    let (drafts, left_out) = stages::drafts(&ast, rule);
    weighed.left_out = left_out;
    let own = meaning(rule);
    let mut seen = HashSet::from([own]);
    let mut alive = Vec::new();
    for draft in drafts {
        let query = syntax::print(&draft.ast);
        // What is shown is what is run.
        let Ok(mut mutated) = rule.with_query(&query, &options.schema) else {
            weighed.refused += 1;
            continue;
        };
        mutated.options.window = draft.window.or(mutated.options.window);
        let meaning = meaning(&mutated);
        if !seen.insert(meaning) {
            match meaning == own {
                true => weighed.equivalent += 1,
                false => weighed.repeated += 1,
            }
            continue;
        }
        let Position { line, column } = place(rule, draft.span.start);
        let end = place(rule, draft.span.end);
        let mutant = Mutant {
            operator: draft.operator,
            line,
            column,
            end: (end.line, end.column),
            what: draft.what.clone(),
            diff: diff(&draft.before, &draft.after),
            query,
            fate: Fate::Listed,
        };
        alive.push(Alive { draft, rule: mutated, mutant });
    }
    alive
}

/// Where a place in the query is in the file of the rule.
fn place(rule: &Rule, offset: usize) -> Position {
    let inside = position(&rule.text, offset);
    match rule.origin.query_position {
        None => Position { line: rule.origin.line, column: 1 },
        Some(start) if inside.line == 1 => {
            Position { line: start.line, column: start.column + inside.column - 1 }
        }
        Some(start) => Position { line: start.line + inside.line - 1, column: inside.column },
    }
}

/// What stood there and what stands there now, a line each, with little of what both begin and end with.
fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split(' ').collect(), after.split(' ').collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let start = old.iter().zip(&new).take_while(same).count();
    let most = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
    let line = |sign: char, words: &[&str]| {
        if words.iter().all(|word| word.is_empty()) {
            return String::new();
        }
        let from = start.saturating_sub(AROUND);
        let to = words.len().saturating_sub(end.saturating_sub(AROUND));
        let shown = words.get(from..to).unwrap_or_default().join(" ");
        let (left, right) = (from > 0, to < words.len());
        let left = if left { "… " } else { "" };
        let right = if right { " …" } else { "" };
        format!("{sign} {left}{}{right}\n", escape(&cut(&shown)))
    };
    line('-', &old) + &line('+', &new)
}

/// As much of a line as helps.
fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

/// All cases with their logs, or why nothing can be said about the mutants.
fn made_ready<'a>(
    subject: &Subject<'a>,
    options: &Options,
) -> Result<Vec<Ready<'a>>, (String, String)> {
    if subject.stands.is_empty() {
        return Err(("the rule has no case that could be run".to_owned(), String::new()));
    }
    let mut all = Vec::new();
    for stand in &subject.stands {
        let ready = stand.ready(&options.schema).map_err(|failures| {
            let title = format!("the rule fails its own case `{}`", stand.case.name);
            let told = failures.iter().filter(|failure| failure.kind != Kind::Why);
            let why = told.map(|failure| format!("{}\n", failure.title));
            let why: String = why.collect();
            (title, format!("{why}`catena test` tells more\n"))
        })?;
        all.push(ready);
    }
    Ok(all)
}

/// Runs what is alive over one case after the other.
///
/// # Errors
///
/// When no engine can be made of them.
fn run(alive: &mut [Alive], ready: &[Ready<'_>]) -> Result<(), String> {
    for ready in ready {
        let mut left: Vec<&mut Alive> =
            alive.iter_mut().filter(|alive| alive.mutant.fate == Fate::Listed).collect();
        if left.is_empty() {
            break;
        }
        let rules = left.iter().map(|alive| alive.rule.clone()).collect();
        let ran = ready.run(rules, ready.found.len())?;
        for (alive, ran) in left.iter_mut().zip(&ran) {
            if compare::fails(&ready.case.expect, &ready.found, ran, &alive.draft.effect) {
                alive.mutant.fate = Fate::Killed(ready.case.name.clone());
            }
        }
    }
    for alive in alive.iter_mut().filter(|alive| alive.mutant.fate == Fate::Listed) {
        alive.mutant.fate = Fate::Survived(suggest::missing_case(&alive.draft, ready));
    }
    Ok(())
}
