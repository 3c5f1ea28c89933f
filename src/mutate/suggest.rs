//! A mutant that survived → the case that is missing.
//!
//! In: what was changed, and what the cases found. Out: a sentence or two. A mutant that finds more asks
//! for a near miss, one that finds less for a case that must fire. Where a case that fires can be made into
//! the missing one, the words for its test file are given. Words of logs stand in it as values of fields
//! that the rule asks for; they are not escaped here.

use std::collections::BTreeSet;

use super::draft::{Draft, Hint, Operator, short};
use crate::event::Kept;
use crate::prove::{Found, Ready};
use crate::time::Duration;

/// Most values of a field that are told.
const MAX_VALUES: usize = 4;

/// Says what case would kill it.
pub(super) fn missing_case(draft: &Draft, ready: &[Ready<'_>]) -> String {
    let firing = ready.iter().find_map(|ready| Some((ready, ready.found.first()?)));
    let Some((ready_first, found)) = firing else {
        return "no case fires at all: add one that must, or nothing can fail".to_owned();
    };
    let missing = Missing {
        hint: &draft.hint,
        case: &ready_first.case.name,
        found,
        stage: draft
            .hint
            .stage
            .map_or_else(String::new, |stage| format!(" in stage {}", stage + 1)),
        has: values(draft, ready),
    };
    match draft.operator {
        Operator::DropCondition => missing.condition(),
        Operator::NegateCondition => missing.negated(),
        Operator::DropValue => missing.value(),
        Operator::MatchCase => missing.letters(),
        Operator::WidenPattern | Operator::NarrowPattern => missing.pattern(draft.operator),
        Operator::ShiftBound => missing.bound(),
        Operator::DropKey | Operator::ChangeKey => missing.key(),
        Operator::WidenMaxspan | Operator::DropMaxspan | Operator::WidenWindow => missing.time(),
        Operator::DropStage => missing.without(),
        Operator::SwapStages => missing.swapped(),
        Operator::DropMissing => format!(
            "no case has what{} must be missing; add a near miss (alerts = 0): `{}`, and it happens",
            missing.stage, missing.case
        ),
        Operator::DropUntil => format!(
            "no case has an event that ends the match; add a near miss (alerts = 0): `{}` with \
             `{}` between its stages",
            missing.case, missing.hint.text
        ),
    }
}

/// What sentences are made of.
struct Missing<'a> {
    hint: &'a Hint,
    /// A case that fires, and its first alert.
    case: &'a str,
    found: &'a Found,
    /// ` in stage 2`
    stage: String,
    /// What the field holds in all alerts.
    has: String,
}

impl Missing<'_> {
    /// What to add.
    fn kind(&self) -> &'static str {
        match self.hint.wider {
            true => "add a near miss (alerts = 0)",
            false => "add a case that must fire",
        }
    }

    fn condition(&self) -> String {
        let Self { case, stage, has, hint: Hint { text, field, wider, alone, .. }, .. } = self;
        let kind = self.kind();
        match (wider, alone) {
            (true, false) => {
                let told = match field {
                    Some(field) if !has.is_empty() => {
                        format!("in every alert `{field}`{stage} is {has}")
                    }
                    _ => format!("no case is silent for want of `{text}` alone{stage}"),
                };
                format!("{told}; {kind}: `{case}`, but `{text}` does not hold")
            }
            (true, true) => format!(
                "no case is silent because `{text}` holds{stage}; {kind}: `{case}`, but it does"
            ),
            (false, true) => format!(
                "every case that fires does so without `{text}`{stage}; {kind} because of it alone"
            ),
            (false, false) => format!(
                "every case that fires does so without `{text}`{stage}; {kind} although all of what \
                 it stands with holds"
            ),
        }
    }

    fn negated(&self) -> String {
        let Self { stage, hint: Hint { text, .. }, .. } = self;
        format!(
            "no case turns on `{text}`{stage}; add one that fires because of it alone, or one that \
             does not because it alone fails"
        )
    }

    fn value(&self) -> String {
        let Self { case, stage, has, hint: Hint { text, field, wider, .. }, .. } = self;
        let field = field.as_deref().unwrap_or("the field");
        match wider {
            true => {
                format!("no case has `{field}` as {text}{stage}; {}: `{case}` with it", self.kind())
            }
            false => {
                let only = if has.is_empty() { String::new() } else { format!(" (it is {has})") };
                format!(
                    "no case fires because `{field}` is any of {text}{stage}{only}; {} by it",
                    self.kind()
                )
            }
        }
    }

    fn letters(&self) -> String {
        let Self { case, stage, hint: Hint { text, wider, .. }, .. } = self;
        match wider {
            true => format!(
                "no case has `{text}`{stage} but for capital letters; {}: `{case}` with them, or write \
                 `:` if they do not matter",
                self.kind()
            ),
            false => format!(
                "no case needs `{text}`{stage} to be without regard to capital letters and with \
                 wildcards; {} by that, or write `==`",
                self.kind()
            ),
        }
    }

    fn pattern(&self, operator: Operator) -> String {
        let Self { stage, hint: Hint { text, field, .. }, .. } = self;
        let field = field.as_deref().unwrap_or("the field");
        match operator {
            Operator::NarrowPattern => format!(
                "no case needs the wildcards of {text}{stage}; {} with a `{field}` that has more to it",
                self.kind()
            ),
            _ => format!(
                "no case has a `{field}`{stage} such as {text}, which no pattern matches; {} with it",
                self.kind()
            ),
        }
    }

    fn bound(&self) -> String {
        let Self { stage, hint: Hint { text, .. }, .. } = self;
        format!("no case lies just at `{text}`{stage}; {} just at this side of it", self.kind())
    }

    fn key(&self) -> String {
        let Self { case, has, hint: Hint { text, .. }, .. } = self;
        let everywhere = if has.is_empty() { String::new() } else { format!(" (it is {has})") };
        format!(
            "no case has stages that differ in `{text}` and in no other key{everywhere}; {}: `{case}`, \
             but one stage has another",
            self.kind()
        )
    }

    fn time(&self) -> String {
        let Self { case, hint: Hint { text, .. }, .. } = self;
        let last = self.found.events.iter().flatten().max_by_key(|kept| kept.ordinal);
        let change = match last.and_then(|kept| serial(kept)) {
            Some(serial) => format!("`shift = [{{ serial = {serial}, by = \"{text}\" }}]`"),
            None => format!("its last event {text} later"),
        };
        format!("no case takes longer than {text}; {}: `{case}` with {change}", self.kind())
    }

    fn without(&self) -> String {
        let Self { case, stage, .. } = self;
        let event = self.found.events.get(self.hint.item).and_then(Option::as_ref);
        let change = match event.and_then(|kept| serial(kept)) {
            Some(serial) => format!("`drop = [{{ serial = {serial} }}]`"),
            None => "that event left out".to_owned(),
        };
        format!("no case lacks only the event{stage}; {}: `{case}` with {change}", self.kind())
    }

    fn swapped(&self) -> String {
        let Self { case, .. } = self;
        let event = |item: usize| self.found.events.get(item).and_then(Option::as_ref);
        let change = event(self.hint.item).zip(event(self.hint.item.saturating_add(1))).and_then(
            |(one, next)| {
                let between = next.ordinal.time.since(one.ordinal.time).0;
                let by = Duration::from_secs(between.div_euclid(1_000_000_000).saturating_add(1));
                Some(format!("`shift = [{{ serial = {}, by = \"-{by}\" }}]`", serial(next)?))
            },
        );
        let change = change.unwrap_or_else(|| "these events in the other order".to_owned());
        format!(
            "no case has these stages in the other order; {}: `{case}` with {change}",
            self.kind()
        )
    }
}

fn serial(kept: &Kept) -> Option<String> {
    kept.values("event.sequence").first().map(ToString::to_string)
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
