//! Typed access to the keys of a table.
//!
//! In: a [`Table`]. Out: values of the kind asked for; whatever is of another kind becomes a problem at
//! its place. What nobody has asked for is left over in the end.

use super::data::{Data, Node, Table};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::span::Span;

/// A table on its way to the model.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) table: Table,
    /// What stands before a key in messages: `rule.`
    prefix: &'static str,
    pub(crate) problems: Vec<Diagnostic>,
}

/// Text and its place.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Option<Span>,
}

impl Keys {
    pub(crate) fn new(table: Table, prefix: &'static str) -> Self {
        Self { table, prefix, problems: Vec::new() }
    }

    /// Says what is wrong with a key.
    pub(crate) fn report(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// The key as in messages.
    pub(crate) fn name(&self, key: &str) -> String {
        format!("`{}{key}`", self.prefix)
    }

    fn wrong(&mut self, key: &str, must_be: &str, data: &Data, span: Option<Span>) {
        let title = format!("{} must be {must_be}", self.name(key));
        let problem = Diagnostic::new(Code::RuleKey, title);
        let label = match data {
            Data::Int(number) => format!("this is {number}"),
            other => format!("this is {}", other.article()),
        };
        self.report(labelled(problem, span, &label));
    }

    /// Text with its place.
    pub(crate) fn placed(&mut self, key: &str) -> Option<Text> {
        let Node { data, span } = self.table.take(key)?;
        match data {
            Data::Text(text) => Some(Text { text, span }),
            other => {
                self.wrong(key, "text", &other, span);
                None
            }
        }
    }

    /// Text that must be there.
    pub(crate) fn required(&mut self, key: &str) -> Option<Text> {
        if !self.table.has(key) {
            self.missing(key);
        }
        self.placed(key)
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.placed(key).map(|text| text.text)
    }

    /// Text without white space around it; empty when there is none.
    pub(crate) fn prose(&mut self, key: &str) -> String {
        self.text(key).map_or_else(String::new, |text| text.trim().to_owned())
    }

    /// A list of text; a single text is a list of one.
    pub(crate) fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(Node { data, span }) = self.table.take(key) else { return Vec::new() };
        match data {
            Data::Text(text) => vec![text],
            Data::List(list) => list
                .into_iter()
                .filter_map(|node| match node.data {
                    Data::Text(text) => Some(text),
                    other => {
                        self.wrong(key, "a list of text", &other, node.span);
                        None
                    }
                })
                .collect(),
            other => {
                self.wrong(key, "a list of text", &other, span);
                Vec::new()
            }
        }
    }

    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        let Node { data, span } = self.table.take(key)?;
        match data {
            Data::Bool(flag) => Some(flag),
            other => {
                self.wrong(key, "true or false", &other, span);
                None
            }
        }
    }

    /// A whole number between both bounds.
    pub(crate) fn number(&mut self, key: &str, least: i64, most: i64) -> Option<i64> {
        let Node { data, span } = self.table.take(key)?;
        let number = match data {
            Data::Int(number) => Some(number),
            // JSON writers do not tell 47 from 47.0.
            #[expect(clippy::cast_possible_truncation, reason = "compared before and after")]
            Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Some(number as i64)
            }
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(key, &format!("a whole number from {least} to {most}"), &data, span);
        }
        number
    }

    /// A table inside this one.
    pub(crate) fn table(&mut self, key: &str) -> Option<Table> {
        let Node { data, span } = self.table.take(key)?;
        match data {
            Data::Table(table) => Some(table),
            other => {
                self.wrong(key, "a table", &other, span);
                None
            }
        }
    }

    /// A list of tables; a single table is a list of one.
    pub(crate) fn tables(&mut self, key: &str) -> Vec<Table> {
        let Some(Node { data, span }) = self.table.take(key) else { return Vec::new() };
        match data {
            Data::Table(table) => vec![table],
            Data::List(list) => list
                .into_iter()
                .filter_map(|node| match node.data {
                    Data::Table(table) => Some(table),
                    other => {
                        self.wrong(key, "a list of tables", &other, node.span);
                        None
                    }
                })
                .collect(),
            other => {
                self.wrong(key, "a list of tables", &other, span);
                Vec::new()
            }
        }
    }

    /// Says that a key is missing, and which one may have been meant.
    pub(crate) fn missing(&mut self, key: &str) {
        let title = format!("{} is missing", self.name(key));
        let problem = labelled(Diagnostic::new(Code::RuleKey, title), self.table.span, "");
        let near = nearest(key, self.table.keys()).map(str::to_owned);
        self.report(match near {
            Some(near) => problem.help(format!("did you mean it by `{near}`?")),
            None => problem,
        });
    }

    /// Refuses whatever is left; `known` are the keys there are.
    pub(crate) fn refuse_rest(&mut self, known: &[&str]) {
        for pair in std::mem::take(&mut self.table).into_pairs() {
            let title = format!("unknown key {}", self.name(&pair.key));
            let mut problem =
                labelled(Diagnostic::new(Code::RuleKey, title), pair.span, "no such key");
            problem = match (nearest(&pair.key, known.iter().copied()), pair.span) {
                (Some(near), Some(span)) => {
                    problem.help(format!("did you mean `{near}`?")).fix(span, near)
                }
                _ => problem.help(format!("the keys are `{}`", known.join("`, `"))),
            };
            self.report(problem);
        }
    }
}

/// Adds a label where there is a place for it.
pub(crate) fn labelled(problem: Diagnostic, span: Option<Span>, label: &str) -> Diagnostic {
    match span {
        Some(span) => problem.label(span, label),
        None => problem,
    }
}
