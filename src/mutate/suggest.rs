//! A mutant that survived → the case that is missing.
//!
//! In: what was changed, and what the cases found. Out: a sentence or two. A mutant that finds more asks
//! for a near miss, one that finds less for a case that must fire. Words of logs stand in it as values of
//! fields that the rule asks for; they are not escaped here.

use std::collections::BTreeSet;

use super::draft::{Draft, Operator, short};
use crate::prove::{Found, Ready};

/// Most values of a field that are told.
const MAX_VALUES: usize = 4;

/// Says what case would kill it.
pub(super) fn missing_case(draft: &Draft, ready: &[Ready<'_>]) -> String {
    let hint = &draft.hint;
    let text = &hint.text;
    let firing = ready.iter().find(|ready| !ready.found.is_empty());
    let Some(first) = firing else {
        return "no case fires at all: add one that must, or nothing can fail".to_owned();
    };
    let case = &first.case.name;
    let stage = hint.stage.map_or_else(String::new, |stage| format!(" in stage {}", stage + 1));
    let has = values(draft, ready);
    let near = "add a near miss (alerts = 0)";
    match draft.operator {
        Operator::DropCondition | Operator::NegateCondition if hint.wider => {
            let told = match (&hint.field, has.as_str()) {
                (Some(field), has) if !has.is_empty() => {
                    format!("no case has an event{stage} with `{field}` other than {has} and all else as it must be")
                }
                _ => format!("no case lacks only `{text}`{stage}"),
            };
            format!("{told}; {near} that is like `{case}` but for `{text}`")
        }
        Operator::DropCondition | Operator::NegateCondition => {
            format!("no case needs `{text}`{stage}; add one that changes when it is not asked: for an operand of `or` one that must fire by it alone")
        }
        Operator::DropValue if hint.wider => {
            format!("no case has{stage} {text} and all else as it must be; {near} that does")
        }
        Operator::DropValue => {
            let field = hint.field.as_deref().unwrap_or("the field");
            let told = if has.is_empty() { String::new() } else { format!(" (only {has})") };
            format!("no case that must fire has `{field}`{stage} as {text}{told}; add one that does")
        }
        Operator::MatchCase if hint.wider => {
            format!("no case has{stage} another case of the letters of `{text}`; {near} that has, or write `:` if case does not matter")
        }
        Operator::MatchCase => {
            format!("no case that must fire needs{stage} `{text}` in another case of letters or by a wildcard; add one, or write `==` if case matters")
        }
        Operator::WidenPattern => {
            let (more, kind) = match hint.wider {
                true => ("no case has", near.to_owned()),
                false => ("no case that must fire has", "add one that must fire".to_owned()),
            };
            format!("{more}{stage} a longer text that `{text}` must not match; {kind} that has")
        }
        Operator::NarrowPattern => {
            let kind = if hint.wider { near } else { "add one that must fire" };
            format!("no case needs{stage} the wildcards of {text}; {kind} with a longer text")
        }
        Operator::ShiftBound if text.starts_with("runs=") => {
            let kind = if hint.wider { "one repetition less must not fire" } else { "exactly so many must fire" };
            format!("no case has{stage} just as many repetitions as {text} decides on: {kind}")
        }
        Operator::ShiftBound => {
            let kind = if hint.wider { near } else { "add one that must fire" };
            format!("no case stands at the bound `{text}`{stage}; {kind} with the value next to it")
        }
        Operator::DropStage => {
            let number = hint.stage.unwrap_or(0) + 1;
            format!("no case has all stages but {number}; {near}: `{case}` with drop = [{{ where = '{}' }}]", condition(text))
        }
        Operator::SwapStages => {
            let number = hint.stage.unwrap_or(0) + 1;
            format!("no case has stage {} before stage {number}; {near}: `{case}` with shift = [{{ where = '{}', by = \"..\" }}] that puts stage {number} behind", number + 1, condition(text))
        }
        Operator::DropMissing => {
            let number = hint.stage.unwrap_or(0) + 1;
            format!("no case has the event that stage {number} says must be missing; {near} like `{case}` in which it happens")
        }
        Operator::DropUntil => {
            format!("no case has an event that ends the match; {near} like `{case}` with `{text}` between the stages")
        }
        Operator::WidenMaxspan | Operator::DropMaxspan | Operator::WidenWindow => {
            format!("no case takes longer than {text}; {near}: `{case}` with its last stage shifted by {text}")
        }
        Operator::DropKey | Operator::ChangeKey => {
            let told = if has.is_empty() { String::new() } else { format!(" (it is {has} everywhere)") };
            format!("no case has the stages with `{text}` that differs and all other keys alike{told}; {near} that has")
        }
    }
}

/// The condition of a filter.
fn condition(filter: &str) -> &str {
    filter.split_once(" where ").map_or(filter, |(_, condition)| condition)
}

/// What the field holds in the alerts of all cases, as text for a sentence; empty when nothing is known.
fn values(draft: &Draft, ready: &[Ready<'_>]) -> String {
    let Some(field) = &draft.hint.field else { return String::new() };
    let found = ready.iter().flat_map(|ready| &ready.found);
    let mut values = BTreeSet::new();
    let of = |found: &Found| -> Vec<String> {
        let event = found.events.get(draft.hint.item).and_then(Option::as_ref);
        let values = event.map(|kept| kept.values(field)).unwrap_or_default();
        values.iter().map(ToString::to_string).collect()
    };
    for value in found.flat_map(of) {
        values.insert(value);
        if values.len() > MAX_VALUES {
            break;
        }
    }
    let more = if values.len() > MAX_VALUES { " and others" } else { "" };
    let values: Vec<String> =
        values.iter().take(MAX_VALUES).map(|value| format!("`{}`", short(value))).collect();
    match values.is_empty() {
        true => String::new(),
        false => format!("{}{more}", values.join(", ")),
    }
}
