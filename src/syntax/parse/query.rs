//! Pairs of whole queries, brackets, keys, options and pipes → nodes.

use super::{Builder, Pair, Rule, expr, missing, span_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::ast::{
    Ast, Category, Comment, EventFilter, ExprKind, Field, Item, Literal, Pipe, Query, Sample,
    Sequence,
};
use crate::time::{Duration, DurationError};

/// `sequence`, `sample` or `join`, before its own rules are applied.
#[derive(Default)]
struct Blocks {
    by: Vec<Field>,
    maxspan: Option<(Duration, Span)>,
    /// `with maxspan=…` was there, readable or not.
    option: Option<Span>,
    items: Vec<Item>,
    untils: Vec<Item>,
    until_words: Vec<Span>,
}

impl Builder<'_> {
    pub(super) fn query_file(
        &self,
        pairs: pest::iterators::Pairs<'_, Rule>,
        comments: Vec<Comment>,
    ) -> Ast {
        let mut query = None;
        let mut pipes = Vec::new();
        for pair in pairs.flat_map(Pair::into_inner) {
            let span = span_of(&pair);
            match pair.as_rule() {
                Rule::event => query = Some(Query::Event(self.event(pair))),
                Rule::sequence => query = Some(Query::Sequence(self.sequence(pair, span))),
                Rule::sample => query = Some(Query::Sample(self.sample(pair, span))),
                Rule::refused_join => {
                    let word = Span::new(span.start, span.start + "join".len());
                    self.refuse(
                        word,
                        "`join` is not supported",
                        "belongs to another dialect",
                        "use `sample by ..` for events in any order, `sequence` for events in order",
                    );
                    self.blocks(pair);
                }
                Rule::pipe => pipes.push(self.pipe(pair, span)),
                _ => {}
            }
        }
        let query = query.unwrap_or_else(|| Query::Event(no_event(Span::default())));
        Ast { query, pipes, comments }
    }

    pub(super) fn event(&self, pair: Pair<'_>) -> EventFilter {
        let span = span_of(&pair);
        let mut filter = no_event(span);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::category => filter.category = self.category(part),
                Rule::expr => filter.condition = self.expr(part).expr,
                _ => {}
            }
        }
        filter
    }

    fn category(&self, pair: Pair<'_>) -> Category {
        let span = span_of(&pair);
        let mut name = None;
        for part in pair.into_inner() {
            let text = part.as_str();
            match part.as_rule() {
                Rule::string => {
                    if let Literal::Str { text, .. } = expr::string(text) {
                        name = Some(text);
                    }
                }
                Rule::quoted => {
                    let plain = expr::unquote_name(text);
                    self.report(
                        Diagnostic::new(Code::Syntax, "a category cannot stand in backticks")
                            .label(span, "in backticks")
                            .help("write unusual categories in double quotes: \"..\"")
                            .fix(span, format!("{plain:?}")),
                    );
                }
                Rule::ident => name = Some(text.to_owned()),
                _ => {}
            }
        }
        Category { name, span }
    }

    fn sequence(&self, pair: Pair<'_>, span: Span) -> Sequence {
        let mut blocks = self.blocks(pair);
        for until in &blocks.untils {
            if until.missing {
                self.refuse_until_part(until.span, "`!` cannot stand behind `until`");
            }
            if let Some((_, place)) = until.runs {
                self.refuse_until_part(place, "`runs` cannot stand behind `until`");
            }
        }
        let until = (!blocks.untils.is_empty()).then(|| Box::new(blocks.untils.swap_remove(0)));
        Sequence { by: blocks.by, maxspan: blocks.maxspan, items: blocks.items, until, span }
    }

    fn refuse_until_part(&self, span: Span, title: &str) {
        self.report(
            Diagnostic::new(Code::SequenceOption, title)
                .label(span, "belongs to the items of a sequence"),
        );
    }

    fn sample(&self, pair: Pair<'_>, span: Span) -> Sample {
        let blocks = self.blocks(pair);
        let refuse = |place: Span, what: &str, why: &str| {
            self.report(
                Diagnostic::new(Code::SequenceOption, format!("a sample cannot have {what}"))
                    .label(place, why)
                    .help("the events of a sample have no order and no time; use `sequence`"),
            );
        };
        if let Some(place) = blocks.option {
            refuse(place, "options", "belongs to sequences");
        }
        for place in &blocks.until_words {
            refuse(*place, "`until`", "belongs to sequences");
        }
        for item in &blocks.items {
            if item.missing {
                refuse(Span::new(item.span.start, item.span.start + 1), "`![..]`", "missing event");
            }
            if let Some((_, place)) = item.runs {
                refuse(place, "`runs`", "belongs to sequences");
            }
        }
        Sample { by: blocks.by, items: blocks.items, span }
    }

    fn blocks(&self, pair: Pair<'_>) -> Blocks {
        let mut blocks = Blocks::default();
        let mut by_seen = None;
        for part in pair.into_inner() {
            let span = span_of(&part);
            match part.as_rule() {
                Rule::by => {
                    self.check_by(span, by_seen, blocks.option);
                    by_seen = Some(span);
                    blocks.by.extend(self.keys(part));
                }
                Rule::option => {
                    if let Some(first) = blocks.option {
                        self.twice(span, first, "`with`");
                    }
                    blocks.option = Some(span);
                    blocks.maxspan = self.maxspan(part, span).or(blocks.maxspan);
                }
                Rule::item => {
                    if let Some(until) = blocks.until_words.last() {
                        self.report(
                            Diagnostic::new(Code::SequenceOption, "`until` must come last")
                                .label(span, "item behind `until`")
                                .label(*until, "`until` stands here"),
                        );
                    }
                    blocks.items.push(self.item(part, span));
                }
                Rule::until => {
                    let word = Span::new(span.start, span.start + "until".len());
                    if let Some(first) = blocks.until_words.first() {
                        self.twice(word, *first, "`until`");
                    }
                    blocks.until_words.push(word);
                    for item in part.into_inner().filter(|p| p.as_rule() == Rule::item) {
                        let place = span_of(&item);
                        blocks.untils.push(self.item(item, place));
                    }
                }
                _ => {}
            }
        }
        blocks
    }

    /// `by` must stand once and before `with`.
    fn check_by(&self, by: Span, earlier: Option<Span>, option: Option<Span>) {
        if let Some(earlier) = earlier {
            self.twice(by, earlier, "`by`");
        } else if let Some(option) = option {
            let by_text = by.text(self.source);
            let option_text = option.text(self.source);
            self.report(
                Diagnostic::new(Code::SequenceOption, "`by` must stand before `with`")
                    .label(by, "move this forward")
                    .label(option, "in front of this")
                    .help(format!("write `{by_text} {option_text}`"))
                    .fix(option.to(by), format!("{by_text} {option_text}")),
            );
        }
    }

    fn twice(&self, span: Span, first: Span, what: &str) {
        self.report(
            Diagnostic::new(Code::SequenceOption, format!("{what} stands here twice"))
                .label(span, "second one")
                .label(first, "first one"),
        );
    }

    fn keys(&self, pair: Pair<'_>) -> Vec<Field> {
        let keys = pair.into_inner().filter(|part| part.as_rule() == Rule::key);
        let sums = keys.flat_map(Pair::into_inner);
        sums.filter_map(|sum| {
            let node = self.sum(sum);
            match node.expr.kind {
                ExprKind::Field(field) => Some(field),
                _ => {
                    self.report(
                        Diagnostic::new(Code::JoinKeys, "a join key must be a field")
                            .label(node.expr.span, "unsupported join key")
                            .help("join keys are compared as they are in the events"),
                    );
                    None
                }
            }
        })
        .collect()
    }

    fn item(&self, pair: Pair<'_>, span: Span) -> Item {
        let mut item =
            Item { missing: false, filter: no_event(span), by: Vec::new(), runs: None, span };
        let (mut by_seen, mut option_seen) = (None, None);
        for part in pair.into_inner() {
            let place = span_of(&part);
            match part.as_rule() {
                Rule::missing => item.missing = true,
                Rule::event => item.filter = self.event(part),
                Rule::by => {
                    self.check_by(place, by_seen, option_seen);
                    by_seen = Some(place);
                    item.by.extend(self.keys(part));
                }
                Rule::option => {
                    if let Some(first) = option_seen {
                        self.twice(place, first, "`with`");
                    }
                    option_seen = Some(place);
                    item.runs = self.runs(part, place);
                }
                Rule::refused_fork => self.refuse(
                    place,
                    "`fork` is not supported",
                    "belongs to another dialect",
                    "an event may begin one match and continue another without it",
                ),
                Rule::refused_as => self.refuse(
                    place,
                    "names for items are not supported",
                    "belongs to another dialect",
                    "join items by their fields: `[..] by a [..] by b`",
                ),
                _ => {}
            }
        }
        item
    }

    fn maxspan(&self, pair: Pair<'_>, whole: Span) -> Option<(Duration, Span)> {
        let option = OptionText::of(pair);
        if option.name != "maxspan" {
            let help = if option.name == "runs" {
                "`with runs` stands behind a bracket: `[..] with runs=3`"
            } else {
                "a sequence can have `with maxspan=30s`"
            };
            self.unknown_option(&option, help);
            return None;
        }
        let place = option.value_span;
        match option.duration() {
            Ok(duration) => Some((duration, whole)),
            Err(error) => {
                self.report(maxspan_problem(error, &option).label(place, label_of(error)));
                None
            }
        }
    }

    fn runs(&self, pair: Pair<'_>, whole: Span) -> Option<(u64, Span)> {
        let option = OptionText::of(pair);
        if option.name != "runs" {
            let help = if option.name == "maxspan" {
                "`with maxspan` stands once, at the head: `sequence by a with maxspan=30s [..] [..]`"
            } else {
                "an item can have `with runs=3`"
            };
            self.unknown_option(&option, help);
            return None;
        }
        let plain = !option.negative && option.unit.is_none();
        let runs = option.number.filter(|_| plain).and_then(|number| number.parse().ok());
        if runs.is_none() {
            self.report(
                Diagnostic::new(Code::SequenceOption, "`runs` must be a whole number")
                    .label(option.value_span, "not a whole number")
                    .help("write a number from 1 to 100"),
            );
        }
        runs.map(|runs| (runs, whole))
    }

    fn unknown_option(&self, option: &OptionText<'_>, help: &str) {
        self.report(
            Diagnostic::new(Code::SequenceOption, format!("unknown option `{}`", option.name))
                .label(option.name_span, "no such option here")
                .help(help),
        );
    }

    fn pipe(&self, pair: Pair<'_>, span: Span) -> Pipe {
        let mut pipe = Pipe { name: String::new(), args: Vec::new(), name_span: span, span };
        for part in pair.into_inner() {
            if part.as_rule() == Rule::pipe_name {
                pipe.name = part.as_str().to_owned();
                pipe.name_span = span_of(&part);
            } else {
                pipe.args.push(self.expr(part).expr);
            }
        }
        pipe
    }
}

fn no_event(span: Span) -> EventFilter {
    EventFilter { category: Category { name: None, span }, condition: missing(span), span }
}

/// `with name=value`, in pieces.
struct OptionText<'a> {
    name: &'a str,
    name_span: Span,
    value_span: Span,
    negative: bool,
    number: Option<&'a str>,
    unit: Option<&'a str>,
}

impl<'a> OptionText<'a> {
    fn of(pair: Pair<'a>) -> Self {
        let span = span_of(&pair);
        let mut option = Self {
            name: "",
            name_span: span,
            value_span: span,
            negative: false,
            number: None,
            unit: None,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::option_name => {
                    option.name = part.as_str();
                    option.name_span = span_of(&part);
                }
                Rule::option_value => {
                    option.value_span = span_of(&part);
                    for piece in part.into_inner() {
                        match piece.as_rule() {
                            Rule::negative => option.negative = true,
                            Rule::number => option.number = Some(piece.as_str()),
                            Rule::unit => option.unit = Some(piece.as_str()),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        option
    }

    fn duration(&self) -> Result<Duration, DurationError> {
        let number = self.number.ok_or(DurationError::Malformed)?;
        if self.negative {
            return Err(DurationError::NotPositive);
        }
        if number.contains(['.', 'e', 'E']) {
            return Err(DurationError::Decimal);
        }
        Duration::parse(&format!("{number}{}", self.unit.unwrap_or("")))
    }
}

fn label_of(error: DurationError) -> &'static str {
    match error {
        DurationError::NotPositive => "must be more than zero and less than 292 years",
        DurationError::NoUnit => "no time unit",
        DurationError::UnknownUnit => "unknown time unit",
        DurationError::Decimal => "not a whole number",
        DurationError::Malformed => "not a length of time",
    }
}

fn maxspan_problem(error: DurationError, option: &OptionText<'_>) -> Diagnostic {
    let number = option.number.unwrap_or("");
    let place = option.value_span;
    let units = "the units are `ms`, `s`, `m`, `h` and `d`";
    let problem = |title: &str| Diagnostic::new(Code::Maxspan, title);
    match error {
        DurationError::NotPositive => problem("`maxspan` must be positive"),
        DurationError::NoUnit => problem("`maxspan` needs a time unit")
            .help(format!("did you mean `{number}s`? {units}"))
            .fix(place, format!("{number}s")),
        DurationError::UnknownUnit => {
            let unit = option.unit.unwrap_or("");
            let problem = problem("`maxspan` has an unknown time unit");
            match short_unit(unit) {
                Some(short) => problem
                    .help(format!("write `{number}{short}`; {units}"))
                    .fix(place, format!("{number}{short}")),
                None => problem.help(units),
            }
        }
        DurationError::Decimal => {
            problem("`maxspan` must be a whole number").help("use a smaller unit: `1500ms`")
        }
        DurationError::Malformed => problem("`maxspan` must be a length of time")
            .help("write a number and a unit: `with maxspan=30s`"),
    }
}

/// The unit meant by a longer or capital name.
fn short_unit(unit: &str) -> Option<&'static str> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    })
}
