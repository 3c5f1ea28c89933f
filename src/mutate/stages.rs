//! A query as a whole → its mutants: those of its stages, keys and times here, those of its conditions
//! with [`conditions`](super::conditions).
//!
//! In: the tree of a query as written. Out: [`Draft`]s in order of their place. Nobody has checked them:
//! some are no queries at all, some mean the same as others.

use super::conditions::{self, Site};
use super::draft::{Draft, Effect, Hint, Operator, items, items_mut, places, runs, short};
use crate::rule::Rule;
use crate::span::Span;
use crate::syntax::ast::{Ast, Field, Item, Query};
use crate::syntax::{print_filter, print_item};
use crate::time::Duration;

/// Fields that are easily taken for one another in a join.
const ALIKE: [(&str, &str); 14] = [
    ("process.pid", "process.parent.pid"),
    ("process.parent.pid", "process.pid"),
    ("process.entity_id", "process.parent.entity_id"),
    ("process.parent.entity_id", "process.entity_id"),
    ("process.name", "process.parent.name"),
    ("process.parent.name", "process.name"),
    ("process.executable", "process.parent.executable"),
    ("process.parent.executable", "process.executable"),
    ("user.id", "auditd.user.audit.id"),
    ("auditd.user.audit.id", "user.id"),
    ("destination.ip", "source.ip"),
    ("source.ip", "destination.ip"),
    ("file.path", "process.executable"),
    ("file.name", "process.name"),
];

/// Most mutants of one rule; more are counted and not made.
const MAX_MUTANTS: usize = 1000;
/// Most text of all mutants of one rule, in bytes: of a rule of 100 kB there are 40.
const MAX_TEXT: usize = 4 << 20;

/// All mutants of a query, and how many there are more; the rule says what stands beside it.
pub(super) fn drafts(ast: &Ast, rule: &Rule) -> (Vec<Draft>, usize) {
    let mut ast = ast.clone();
    // They would be in the way where a mutant is shown beside its rule.
    ast.comments.clear();
    let most = MAX_MUTANTS.min(MAX_TEXT / rule.text.len().max(1));
    let mut making = Making { ast: &ast, drafts: Vec::new(), most, left_out: 0 };
    match &ast.query {
        Query::Event(filter) => {
            for site in conditions::sites(&filter.condition, true) {
                making.condition(&site, None, 0, Target::Event);
            }
        }
        Query::Sequence(sequence) => {
            making.brackets(true);
            making.maxspan(sequence.maxspan);
            if let Some(until) = &sequence.until {
                making.until(until);
            }
            making.keys(&sequence.by);
        }
        Query::Sample(sample) => {
            making.brackets(false);
            making.keys(&sample.by);
        }
    }
    making.window(rule);
    let Making { mut drafts, left_out, .. } = making;
    drafts.sort_by_key(|draft| (draft.span.start, draft.operator, draft.span.end));
    (drafts, left_out)
}

/// Whose condition is changed.
#[derive(Clone, Copy)]
enum Target {
    Event,
    Bracket(usize),
    Until,
}

struct Making<'a> {
    ast: &'a Ast,
    drafts: Vec<Draft>,
    /// How many there may be.
    most: usize,
    left_out: usize,
}

impl Making<'_> {
    fn push(
        &mut self,
        (operator, span): (Operator, Span),
        (what, before, after): (String, String, String),
        (effect, hint): (Effect, Hint),
        change: impl FnOnce(&mut Ast),
    ) {
        if self.drafts.len() >= self.most {
            self.left_out += 1;
            return;
        }
        let mut ast = self.ast.clone();
        change(&mut ast);
        let window = None;
        self.drafts.push(Draft { operator, span, what, before, after, ast, window, effect, hint });
    }

    fn condition(&mut self, site: &Site, stage: Option<usize>, item: usize, target: Target) {
        let hint = Hint {
            wider: site.wider,
            alone: site.alone,
            stage,
            item,
            field: site.field.clone(),
            text: site.text.clone(),
        };
        let what = match stage {
            Some(stage) => format!("stage {}: {}", stage + 1, site.what),
            None => site.what.clone(),
        };
        let change = |ast: &mut Ast| {
            let filter = match (&mut ast.query, target) {
                (Query::Event(filter), _) => Some(filter),
                (Query::Sequence(sequence), Target::Until) => {
                    sequence.until.as_mut().map(|until| &mut until.filter)
                }
                (query, Target::Bracket(index)) => items_mut(query)
                    .and_then(|items| items.get_mut(index))
                    .map(|item| &mut item.filter),
                _ => None,
            };
            if let Some(filter) = filter {
                conditions::apply(&mut filter.condition, site);
            }
        };
        let parts = (Effect::default(), hint);
        let told = (what, site.before.clone(), site.after.clone());
        self.push((site.operator, site.span), told, parts, change);
    }

    /// The brackets of a sequence or sample and what stands in them.
    fn brackets(&mut self, ordered: bool) {
        let items = items(&self.ast.query).to_vec();
        let places = places(&items);
        for ((index, item), place) in items.iter().enumerate().zip(places) {
            for site in conditions::sites(&item.filter.condition, !item.missing) {
                self.condition(&site, Some(index), place, Target::Bracket(index));
            }
            self.without(index, item, place, &items);
            self.runs(index, item, place);
            if let Some(next) = items.get(index + 1).filter(|_| ordered) {
                let what = format!("stages {} and {} swapped", index + 1, index + 2);
                let effect = Effect { keys: true, ..Effect::default() };
                let text = short(&one_line(&print_filter(&item.filter)));
                let hint = hint(true, index, place, text);
                let place = (Operator::SwapStages, item.span.to(next.span));
                let (one, other) = (bracket(item), bracket(next));
                let told = (what, format!("{one} {other}"), format!("{other} {one}"));
                self.push(place, told, (effect, hint), |ast| {
                    if let Some(items) = items_mut(&mut ast.query) {
                        items.swap(index, index + 1);
                    }
                });
            }
        }
    }

    fn without(&mut self, index: usize, item: &Item, place: usize, all: &[Item]) {
        let number = index + 1;
        let (operator, what) = match item.missing {
            false => (Operator::DropStage, format!("without stage {number}")),
            true => {
                (Operator::DropMissing, format!("without stage {number}, which must be missing"))
            }
        };
        let hidden = (place..place.saturating_add(runs(item))).collect();
        let effect = Effect { hidden, added: Vec::new(), keys: true };
        let text = short(&one_line(&print_filter(&item.filter)));
        let hint = hint(true, index, place, text);
        let rest: Vec<&Item> =
            all.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, i)| i).collect();
        let place = (operator, item.span);
        let told = (what, bracket(item), String::new());
        self.push(place, told, (effect, hint), |ast| match (&mut ast.query, rest.as_slice()) {
            // What is left of two stages is a query for one event.
            (Query::Sequence(_), [one]) if !one.missing && runs(one) == 1 => {
                ast.query = Query::Event(one.filter.clone());
            }
            (query, _) => {
                if let Some(items) = items_mut(query) {
                    items.remove(index);
                }
            }
        });
    }

    fn runs(&mut self, index: usize, item: &Item, place: usize) {
        let Some((old, span)) = item.runs else { return };
        for new in [old.checked_sub(1), old.checked_add(1)].into_iter().flatten() {
            let what = format!("stage {}: runs={new} instead of {old}", index + 1);
            let length = |runs: u64| {
                let end = usize::try_from(runs).unwrap_or(usize::MAX).saturating_add(place);
                (place..end.min(place.saturating_add(1024))).collect()
            };
            let effect = Effect { hidden: length(old), added: length(new), keys: false };
            let hint = hint(new < old, index, place, format!("runs={old}"));
            let told = (what, format!("runs={old}"), format!("runs={new}"));
            self.push((Operator::ShiftBound, span), told, (effect, hint), |ast| {
                if let Some(item) = items_mut(&mut ast.query).and_then(|all| all.get_mut(index)) {
                    item.runs = Some((new, span));
                }
            });
        }
    }

    fn maxspan(&mut self, maxspan: Option<(Duration, Span)>) {
        let Some((old, span)) = maxspan else { return };
        let double = Duration(old.0.saturating_mul(2));
        for (operator, new) in
            [(Operator::WidenMaxspan, Some(double)), (Operator::DropMaxspan, None)]
        {
            let what = match new {
                Some(new) => format!("maxspan={new} instead of {old}"),
                None => "without maxspan".to_owned(),
            };
            let after = new.map_or_else(String::new, |new| format!("maxspan={new}"));
            let told = (what, format!("maxspan={old}"), after);
            let hint = hint(true, 0, 0, old.to_string());
            self.push((operator, span), told, (Effect::default(), hint), |ast| {
                if let Query::Sequence(sequence) = &mut ast.query {
                    sequence.maxspan = new.map(|new| (new, span));
                }
            });
        }
    }

    fn until(&mut self, until: &Item) {
        // What ends partials takes alerts away.
        for mut site in conditions::sites(&until.filter.condition, false) {
            site.what = format!("until: {}", site.what);
            self.condition(&site, None, usize::MAX, Target::Until);
        }
        let text = short(&one_line(&print_filter(&until.filter)));
        let parts = (Effect::default(), Hint { wider: true, text, ..Hint::default() });
        let place = (Operator::DropUntil, until.span);
        let told =
            ("without `until`".to_owned(), format!("until {}", bracket(until)), String::new());
        self.push(place, told, parts, |ast| {
            if let Query::Sequence(sequence) = &mut ast.query {
                sequence.until = None;
            }
        });
    }

    /// Join keys: those of all brackets, then column by column those of each.
    fn keys(&mut self, by: &[Field]) {
        let effect = Effect { keys: true, ..Effect::default() };
        let hint = |field: &Field| Hint {
            wider: true,
            field: Some(field.name.clone()),
            text: field.name.clone(),
            ..Hint::default()
        };
        for (index, key) in by.iter().enumerate() {
            let names = |skip: Option<usize>| by_names(by.iter().enumerate(), skip);
            let what = format!("without the join key `{}`", key.name);
            let parts = (effect.clone(), hint(key));
            let told = (what, names(None), names(Some(index)));
            self.push((Operator::DropKey, key.span), told, parts, |ast| {
                if let Some(by) = by_mut(&mut ast.query) {
                    by.remove(index);
                }
            });
            let Some((_, other)) = ALIKE.iter().find(|(name, _)| *name == key.name) else {
                continue;
            };
            // Twice the same key is once the same key.
            if by.iter().any(|key| key.name == *other) {
                continue;
            }
            let what = format!("joined by `{other}` instead of `{}`", key.name);
            let parts = (effect.clone(), hint(key));
            let told = (what, names(None), names(None).replace(&key.name, other));
            self.push((Operator::ChangeKey, key.span), told, parts, |ast| {
                if let Some(key) = by_mut(&mut ast.query).and_then(|by| by.get_mut(index)) {
                    (*other).clone_into(&mut key.name);
                }
            });
        }
        let items = items(&self.ast.query).to_vec();
        let Some(first) = items.first() else { return };
        for (column, key) in first.by.iter().enumerate() {
            let names = items.iter().filter_map(|item| item.by.get(column));
            let names: Vec<&str> = names.map(|key| key.name.as_str()).collect();
            let what = format!("without the join keys `{}`", names.join("`, `"));
            let parts = (effect.clone(), hint(key));
            let told = (what, format!("by {}", names.join(" .. by ")), String::new());
            self.push((Operator::DropKey, key.span), told, parts, |ast| {
                for item in brackets_mut(&mut ast.query) {
                    if column < item.by.len() {
                        item.by.remove(column);
                    }
                }
            });
            for (index, item) in items.iter().enumerate() {
                let Some(own) = item.by.get(column) else { continue };
                let Some((_, other)) = ALIKE.iter().find(|(name, _)| *name == own.name) else {
                    continue;
                };
                let number = index + 1;
                let what = format!("stage {number} joined by `{other}` instead of `{}`", own.name);
                let parts = (effect.clone(), Hint { stage: Some(index), ..hint(own) });
                let told = (what, format!("by {}", own.name), format!("by {other}"));
                self.push((Operator::ChangeKey, own.span), told, parts, |ast| {
                    let key = items_mut(&mut ast.query)
                        .and_then(|items| items.get_mut(index))
                        .and_then(|item| item.by.get_mut(column));
                    if let Some(key) = key {
                        (*other).clone_into(&mut key.name);
                    }
                });
            }
        }
    }

    /// What bounds a sample in time, and a sequence that does not say.
    fn window(&mut self, rule: &Rule) {
        let (bounded, span) = match &self.ast.query {
            Query::Sample(sample) => (true, sample.span),
            Query::Sequence(sequence) => (sequence.maxspan.is_none(), sequence.span),
            Query::Event(filter) => (false, filter.span),
        };
        let Some(old) = rule.options.window.filter(|_| bounded) else { return };
        let new = Duration(old.0.saturating_mul(2));
        let what = format!("a window of {new} instead of {old}");
        let parts = (Effect::default(), hint(true, 0, 0, old.to_string()));
        let start = Span::new(span.start, span.start);
        let told = (what, format!("window = {old}"), format!("window = {new}"));
        self.push((Operator::WidenWindow, start), told, parts, |_| ());
        let draft = self.drafts.last_mut();
        if let Some(draft) = draft.filter(|draft| draft.operator == Operator::WidenWindow) {
            draft.window = Some(new);
        }
    }
}

fn hint(wider: bool, stage: usize, item: usize, text: String) -> Hint {
    Hint { wider, alone: false, stage: Some(stage), item, field: None, text }
}

/// `by a, b`, without the one of this number.
fn by_names<'a>(keys: impl Iterator<Item = (usize, &'a Field)>, skip: Option<usize>) -> String {
    let names = keys.filter(|(index, _)| Some(*index) != skip).map(|(_, key)| key.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() { names } else { format!("by {names}") }
}

/// A bracket on one line.
fn bracket(item: &Item) -> String {
    one_line(&print_item(item))
}

fn by_mut(query: &mut Query) -> Option<&mut Vec<Field>> {
    match query {
        Query::Event(_) => None,
        Query::Sequence(sequence) => Some(&mut sequence.by),
        Query::Sample(sample) => Some(&mut sample.by),
    }
}

/// All brackets, `until` too.
fn brackets_mut(query: &mut Query) -> Vec<&mut Item> {
    match query {
        Query::Event(_) => Vec::new(),
        Query::Sequence(sequence) => {
            sequence.items.iter_mut().chain(sequence.until.as_deref_mut()).collect()
        }
        Query::Sample(sample) => sample.items.iter_mut().collect(),
    }
}

/// Text of several lines on one. Lines are joined, not words: a string keeps its blanks.
fn one_line(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().map(str::trim) {
        if !out.is_empty() && !out.ends_with('(') && !line.starts_with([')', ']']) {
            out.push(' ');
        }
        out.push_str(line);
    }
    out
}
