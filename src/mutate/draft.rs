//! [`Draft`]: a mutant before anybody has checked it.

use crate::span::Span;
use crate::syntax::ast::{Ast, Item, Query};
use crate::time::Duration;

/// Longest piece of a query that is shown in a sentence, in characters.
const MAX_SHOWN: usize = 90;

/// What kind of change makes a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// An operand of `and` or `or`, or a condition as a whole, is gone.
    DropCondition,
    /// A leaf is its opposite.
    NegateCondition,
    /// A stage is gone.
    DropStage,
    /// Two neighbouring stages are in the other order.
    SwapStages,
    /// A missing stage is gone.
    DropMissing,
    /// `until` is gone.
    DropUntil,
    /// `maxspan` is twice as long.
    WidenMaxspan,
    /// `maxspan` is gone.
    DropMaxspan,
    /// The window of a sample, or of a sequence without `maxspan`, is twice as long.
    WidenWindow,
    /// A join key is gone.
    DropKey,
    /// A join key is another field.
    ChangeKey,
    /// `==` is `:`, or the other way round.
    MatchCase,
    /// Patterns match more.
    WidenPattern,
    /// A pattern has lost its wildcards.
    NarrowPattern,
    /// A number in a comparison, or `runs`, is one more or one less.
    ShiftBound,
    /// A list has lost a value.
    DropValue,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::DropCondition,
        Self::NegateCondition,
        Self::DropStage,
        Self::SwapStages,
        Self::DropMissing,
        Self::DropUntil,
        Self::WidenMaxspan,
        Self::DropMaxspan,
        Self::WidenWindow,
        Self::DropKey,
        Self::ChangeKey,
        Self::MatchCase,
        Self::WidenPattern,
        Self::NarrowPattern,
        Self::ShiftBound,
        Self::DropValue,
    ];

    /// As in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::DropCondition => "drop-condition",
            Self::NegateCondition => "negate-condition",
            Self::DropStage => "drop-stage",
            Self::SwapStages => "swap-stages",
            Self::DropMissing => "drop-missing",
            Self::DropUntil => "drop-until",
            Self::WidenMaxspan => "widen-maxspan",
            Self::DropMaxspan => "drop-maxspan",
            Self::WidenWindow => "widen-window",
            Self::DropKey => "drop-key",
            Self::ChangeKey => "change-key",
            Self::MatchCase => "match-case",
            Self::WidenPattern => "widen-pattern",
            Self::NarrowPattern => "narrow-pattern",
            Self::ShiftBound => "shift-bound",
            Self::DropValue => "drop-value",
        }
    }
}

/// A changed query that nobody has checked.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) operator: Operator,
    /// What was changed, in the query as written.
    pub(super) span: Span,
    /// The change in words.
    pub(super) what: String,
    /// What stood there, and what stands there now.
    pub(super) before: String,
    pub(super) after: String,
    pub(super) ast: Ast,
    /// Another window beside the query.
    pub(super) window: Option<Duration>,
    pub(super) effect: Effect,
    pub(super) hint: Hint,
}

/// What of an alert looks different although the same thing was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// Items of the rule's alerts that the mutant's do not have.
    pub(super) hidden: Vec<usize>,
    /// The other way round.
    pub(super) added: Vec<usize>,
    /// Their join keys differ.
    pub(super) keys: bool,
}

/// What a sentence about a surviving mutant needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Hint {
    /// The mutant finds more than the rule, so a near miss is missing; otherwise it finds less, and a case
    /// that must fire is.
    pub(super) wider: bool,
    /// The missing case is one in which the piece alone holds; otherwise one in which it alone does not.
    pub(super) alone: bool,
    /// Number of the bracket, from 0; `None` for a query of one event.
    pub(super) stage: Option<usize>,
    /// The item of alerts that its events are.
    pub(super) item: usize,
    /// The field that is asked for.
    pub(super) field: Option<String>,
    /// The piece of the query it is about.
    pub(super) text: String,
}

/// The brackets of a sequence or sample.
pub(super) fn items(query: &Query) -> &[Item] {
    match query {
        Query::Event(_) => &[],
        Query::Sequence(sequence) => &sequence.items,
        Query::Sample(sample) => &sample.items,
    }
}

/// The brackets of a sequence or sample, to be changed.
pub(super) fn items_mut(query: &mut Query) -> Option<&mut Vec<Item>> {
    match query {
        Query::Event(_) => None,
        Query::Sequence(sequence) => Some(&mut sequence.items),
        Query::Sample(sample) => Some(&mut sample.items),
    }
}

/// How often a bracket stands there.
pub(super) fn runs(item: &Item) -> usize {
    item.runs.and_then(|(runs, _)| usize::try_from(runs).ok()).unwrap_or(1)
}

/// The place in an alert of the first event of each bracket.
pub(super) fn places(items: &[Item]) -> Vec<usize> {
    let mut next = 0_usize;
    let place = |item: &Item| {
        let place = next;
        next = next.saturating_add(runs(item));
        place
    };
    items.iter().map(place).collect()
}

/// A piece of a query as part of a sentence.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
