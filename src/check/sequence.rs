//! Filters, brackets and join keys.

use std::sync::Arc;

use super::types::Kind;
use super::{Checker, fold, ir};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::FieldType;
use crate::span::Span;
use crate::syntax::ast;
use crate::value::Value;

/// Most copies of one item.
const MAX_RUNS: u64 = 100;
/// Most stages of one sequence, all copies counted.
const MAX_STAGES: u64 = 256;
/// Most items of one sample: every combination of them may have to be tried.
const MAX_SAMPLE_ITEMS: usize = 16;
/// Most join keys of one item.
const MAX_KEYS: usize = 64;

impl Checker<'_> {
    /// Category and condition become one condition.
    pub(super) fn filter(&mut self, filter: &ast::EventFilter) -> ir::Filter {
        let condition = self.condition(&filter.condition);
        let category: Option<Arc<str>> = filter.category.name.as_deref().map(Arc::from);
        let mut parts = Vec::new();
        if let Some(name) = &filter.category.name {
            let field = ir::Field {
                name: self.options.category_field.as_str().into(),
                kind: Some(FieldType::Keyword),
                span: filter.category.span,
            };
            let test = ir::Test::In(vec![Value::Str(name.as_str().into())]);
            parts.push(ir::Cond::Leaf(ir::Leaf::Test(field, test)));
        }
        parts.push(condition);
        ir::Filter { condition: fold::and(parts), category, span: filter.span }
    }

    pub(super) fn sequence(&mut self, sequence: &ast::Sequence) -> ir::Sequence {
        let mut stages = 0_u64;
        for item in &sequence.items {
            stages = stages.saturating_add(self.runs(item));
        }
        if stages < 2 {
            let title = format!("a sequence needs at least two items, this has {stages}");
            self.report(
                Diagnostic::new(Code::TooFewItems, title)
                    .label(sequence.span, "too few items")
                    .help("for single events leave out `sequence`: `process where ..`"),
            );
        }
        if stages > MAX_STAGES {
            let title = format!("a sequence can have at most {MAX_STAGES} stages");
            let label = format!("{stages} with all their runs");
            self.report(Diagnostic::new(Code::TooLarge, title).label(sequence.span, label));
        }
        self.check_missing(sequence);
        let until = sequence.until.as_deref();
        let brackets: Vec<&ast::Item> = sequence.items.iter().chain(until).collect();
        let maxspan = sequence.maxspan.map(|(maxspan, _)| maxspan);
        if !self.check_keys(&sequence.by, &brackets) {
            return ir::Sequence { maxspan, items: Vec::new(), until: None };
        }
        ir::Sequence {
            maxspan,
            items: sequence.items.iter().map(|item| self.item(&sequence.by, item)).collect(),
            until: until.map(|item| Box::new(self.item(&sequence.by, item))),
        }
    }

    /// `![..]` needs `maxspan`, and something that is not missing.
    fn check_missing(&mut self, sequence: &ast::Sequence) {
        let Some(missing) = sequence.items.iter().find(|item| item.missing) else { return };
        let place = Span::new(missing.span.start, missing.span.start + 1);
        if sequence.maxspan.is_none() {
            self.report(
                Diagnostic::new(Code::Maxspan, "a missing event needs `maxspan`")
                    .label(place, "missing from when to when?")
                    .help("write `sequence with maxspan=30s [..] ![..]`"),
            );
        }
        if sequence.items.iter().all(|item| item.missing) {
            self.report(
                Diagnostic::new(Code::TooFewItems, "a sequence needs an item without `!`")
                    .label(sequence.span, "only missing events"),
            );
        }
    }

    pub(super) fn sample(&mut self, sample: &ast::Sample) -> Vec<ir::Item> {
        if sample.items.is_empty() {
            self.report(
                Diagnostic::new(Code::TooFewItems, "a sample needs at least one item")
                    .label(sample.span, "no items"),
            );
        }
        let keyless = sample.items.iter().all(|item| item.by.is_empty());
        if sample.by.is_empty() && keyless && !sample.items.is_empty() {
            self.report(
                Diagnostic::new(Code::JoinKeys, "a sample needs at least one join key")
                    .label(sample.span, "no `by`")
                    .help("write `sample by host.id [..] [..]`"),
            );
        }
        if sample.items.len() > MAX_SAMPLE_ITEMS {
            let title = format!("a sample can have at most {MAX_SAMPLE_ITEMS} items");
            let label = format!("{} items", sample.items.len());
            self.report(Diagnostic::new(Code::TooLarge, title).label(sample.span, label));
        }
        let brackets: Vec<&ast::Item> = sample.items.iter().collect();
        if !self.check_keys(&sample.by, &brackets) {
            return Vec::new();
        }
        sample.items.iter().map(|item| self.item(&sample.by, item)).collect()
    }

    /// How many stages the item is.
    fn runs(&mut self, item: &ast::Item) -> u64 {
        let Some((runs, place)) = item.runs else { return 1 };
        if !(1..=MAX_RUNS).contains(&runs) {
            self.report(
                Diagnostic::new(
                    Code::SequenceOption,
                    format!("`runs` must be between 1 and {MAX_RUNS}"),
                )
                .label(place, format!("found {runs}")),
            );
            return 1;
        }
        runs
    }

    fn item(&mut self, by: &[ast::Field], item: &ast::Item) -> ir::Item {
        let keys = by.iter().chain(&item.by);
        ir::Item {
            missing: item.missing,
            filter: self.filter(&item.filter),
            keys: keys
                .map(|key| ir::Key { field: self.field(key), optional: key.optional })
                .collect(),
            runs: item.runs.and_then(|(runs, _)| u32::try_from(runs).ok()).unwrap_or(1),
        }
    }

    /// Every bracket has as many keys of its own as the first, and keys in one column are of one
    /// kind. The keys of `sequence by` are the same fields in every item. `false` when there are more
    /// than can be looked at.
    fn check_keys(&mut self, by: &[ast::Field], brackets: &[&ast::Item]) -> bool {
        let Some((first, rest)) = brackets.split_first() else { return true };
        for item in brackets {
            let keys = by.len() + item.by.len();
            if keys > MAX_KEYS {
                let title = format!("an item can have at most {MAX_KEYS} join keys");
                let label = format!("{keys} with those in front of all items");
                self.report(Diagnostic::new(Code::TooLarge, title).label(item.span, label));
                return false;
            }
        }
        for item in rest {
            if item.by.len() != first.by.len() {
                let (expected, found) = (first.by.len(), item.by.len());
                let title = format!("expected {} but found {found}", count(expected, "join key"));
                self.report(
                    Diagnostic::new(Code::JoinKeys, title)
                        .label(item.span, format!("{} here", count(found, "key")))
                        .label(first.span, format!("{} here", count(expected, "key")))
                        .help("every item has the same number of keys, `until` included"),
                );
            }
        }
        for (column, key) in first.by.iter().enumerate() {
            let kind = self.kind_of(&key.name);
            for other in rest.iter().filter_map(|item| item.by.get(column)) {
                let other_kind = self.kind_of(&other.name);
                if !kind.joins(other_kind) {
                    let title = format!("`{}` and `{}` cannot be joined", key.name, other.name);
                    self.report(
                        Diagnostic::new(Code::JoinKeys, title)
                            .label(other.span, format!("type {}", other_kind.name()))
                            .label(key.span, format!("type {}", kind.name()))
                            .help("values of different types are never equal"),
                    );
                }
            }
        }
        true
    }

    /// The type of a field, by its name.
    pub(super) fn kind_of(&self, name: &str) -> Kind {
        self.schema.kind(name).map_or(Kind::Unknown, Kind::Of)
    }

    pub(super) fn field(&self, field: &ast::Field) -> ir::Field {
        ir::Field {
            name: field.name.as_str().into(),
            kind: self.schema.kind(&field.name),
            span: field.span,
        }
    }
}

/// `no keys`, `1 key`, `2 keys`
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
