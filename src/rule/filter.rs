//! Kibana's filters and exceptions → a condition on every event.
//!
//! In: `rule.filters` in Elasticsearch's query language, and exception items. Out: expressions, to be
//! checked like those of a query. A form that is not known is refused, never skipped: without it the
//! rule would mean something else.

use super::data::{Data, Node, Table};
use crate::span::Span;
use crate::syntax::ast::{Compare, Expr, ExprKind, Field, Literal, MatchOperator};

/// What is wrong with a filter, in words.
type Refusal = String;

/// One element of `rule.filters`; `None` for one that is switched off.
pub(super) fn filter(data: &Data) -> Result<Option<Expr>, Refusal> {
    let table = data.table().ok_or("a filter is a table")?;
    let none = Table::default();
    let meta = table.get("meta").and_then(Data::table).unwrap_or(&none);
    if meta.get("disabled") == Some(&Data::Bool(true)) {
        return Ok(None);
    }
    let condition = match table.get("query").and_then(Data::table) {
        Some(query) => dsl(query)?,
        // Older forms have the query beside `meta`, or in `meta` alone.
        None => match ["exists", "range"].into_iter().find(|name| table.has(name)) {
            Some(name) => leaf(name, table.get(name).unwrap_or(&Data::Null))?,
            None => of_meta(meta)?,
        },
    };
    let negate = meta.get("negate") == Some(&Data::Bool(true));
    Ok(Some(if negate { not(condition) } else { condition }))
}

/// A query that stands in `meta` alone.
fn of_meta(meta: &Table) -> Result<Expr, Refusal> {
    let key =
        meta.get("key").and_then(Data::text).ok_or("it has neither `query` nor `meta.key`")?;
    let params = meta.get("params");
    match meta.get("type").and_then(Data::text) {
        Some("exists") => Ok(exists(key)),
        Some("phrase") => {
            let inner = params.and_then(Data::table).and_then(|params| params.get("query"));
            phrase(key, inner.or(params).unwrap_or(&Data::Null))
        }
        Some("phrases") => match params {
            Some(Data::List(list)) if !list.is_empty() => phrases(key, list),
            _ => Err("`meta.params` is not a list".to_owned()),
        },
        Some("range") => match params.and_then(Data::table) {
            Some(bounds) => range(key, bounds),
            None => Err("`meta.params` is not a table".to_owned()),
        },
        Some(other) => Err(format!("filters of type `{other}` are not supported")),
        None => Err("it has neither `query` nor `meta.type`".to_owned()),
    }
}

/// A query of one clause.
fn dsl(query: &Table) -> Result<Expr, Refusal> {
    match query.single() {
        Some(("bool", Data::Table(clauses))) => boolean(clauses),
        Some((name, data)) => leaf(name, data),
        None => Err("a query has one clause".to_owned()),
    }
}

/// The depth of the data is bounded by its reader.
fn boolean(clauses: &Table) -> Result<Expr, Refusal> {
    let mut all = Vec::new();
    for name in clauses.keys() {
        let data = clauses.get(name).unwrap_or(&Data::Null);
        match name {
            "must" | "filter" => all.extend(each(data)?),
            "must_not" => all.extend(each(data)?.into_iter().map(not)),
            "should" => {
                let any = each(data)?;
                if !any.is_empty() {
                    all.push(or(any));
                }
            }
            "minimum_should_match" => {
                if !matches!(data, Data::Int(1)) && data.text() != Some("1") {
                    return Err("`minimum_should_match` can only be 1".to_owned());
                }
            }
            other => return Err(format!("`bool.{other}` is not supported")),
        }
    }
    let optional = clauses.has("should")
        && !clauses.has("minimum_should_match")
        && (clauses.has("must") || clauses.has("filter"));
    if optional {
        return Err("`should` beside `must` needs `minimum_should_match`".to_owned());
    }
    Ok(and(all))
}

fn each(data: &Data) -> Result<Vec<Expr>, Refusal> {
    let one = |data: &Data| dsl(data.table().ok_or("a clause is a table")?);
    match data {
        Data::List(list) => list.iter().map(|node| one(&node.data)).collect(),
        other => Ok(vec![one(other)?]),
    }
}

fn leaf(name: &str, data: &Data) -> Result<Expr, Refusal> {
    let table = data.table().ok_or_else(|| format!("`{name}` is not a table"))?;
    if name == "exists" {
        let field = table.get("field").and_then(Data::text);
        return field.map(exists).ok_or_else(|| "`exists` has no `field`".to_owned());
    }
    let (field, says) = table.single().ok_or_else(|| format!("`{name}` tests one field"))?;
    let options = says.table();
    let option = |key: &str| options.and_then(|options| options.get(key));
    let fold = option("case_insensitive") == Some(&Data::Bool(true));
    match name {
        "match_phrase" => phrase(field, option("query").unwrap_or(says)),
        "match" if option("type").and_then(Data::text) == Some("phrase") || options.is_none() => {
            phrase(field, option("query").unwrap_or(says))
        }
        "term" => match (option("value").unwrap_or(says), fold) {
            (Data::Text(text), true) => Ok(matches(field, MatchOperator::LikeFold, plain(text)?)),
            (_, true) => Err("`case_insensitive` is for text".to_owned()),
            (value, false) => phrase(field, value),
        },
        "terms" => match says {
            Data::List(list) if !list.is_empty() => phrases(field, list),
            _ => Err("`terms` is not a list".to_owned()),
        },
        "wildcard" => {
            let pattern = option("value").or_else(|| option("wildcard")).unwrap_or(says);
            let pattern = pattern.text().ok_or("`wildcard` has no pattern")?;
            let operator = if fold { MatchOperator::LikeFold } else { MatchOperator::Like };
            Ok(matches(field, operator, unescaped(pattern)?))
        }
        "range" => range(field, options.ok_or("`range` has no bounds")?),
        other => Err(format!("`{other}` is not supported in filters")),
    }
}

fn range(field: &str, bounds: &Table) -> Result<Expr, Refusal> {
    let mut all = Vec::new();
    for key in bounds.keys() {
        let op = match key {
            "gt" => Compare::Greater,
            "gte" => Compare::GreaterEqual,
            "lt" => Compare::Less,
            "lte" => Compare::LessEqual,
            other => return Err(format!("`range.{other}` is not supported")),
        };
        let Some(bound) = bounds.get(key) else { continue };
        all.push(compare(field, op, literal(bound)?));
    }
    if all.is_empty() {
        return Err("`range` has no bounds".to_owned());
    }
    Ok(and(all))
}

fn phrases(field: &str, list: &[Node]) -> Result<Expr, Refusal> {
    let list =
        list.iter().map(|node| literal(&node.data).map(|value| at(ExprKind::Literal(value))));
    let list = list.collect::<Result<_, _>>()?;
    let value = Box::new(name(field));
    Ok(at(ExprKind::In { value, negated: false, fold: false, list }))
}

fn phrase(field: &str, value: &Data) -> Result<Expr, Refusal> {
    Ok(compare(field, Compare::Equal, literal(value)?))
}

fn literal(data: &Data) -> Result<Literal, Refusal> {
    Ok(match data {
        Data::Text(text) => Literal::Str { text: text.clone(), raw: false },
        Data::Int(number) => Literal::Int(*number),
        Data::Float(number) => Literal::Float(*number),
        Data::Bool(value) => Literal::Bool(*value),
        other => return Err(format!("{} cannot be compared", other.article())),
    })
}

/// A pattern that matches this text only.
fn plain(text: &str) -> Result<String, Refusal> {
    if text.contains(['*', '?']) {
        return Err("a wildcard without meaning cannot be written".to_owned());
    }
    Ok(text.to_owned())
}

/// Elasticsearch's patterns have a backslash before characters that stand for themselves; ours have
/// none.
fn unescaped(pattern: &str) -> Result<String, Refusal> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('*' | '?') => return plain(pattern),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    Ok(out)
}

/// An exception item: what it describes is left out.
pub(super) fn exception(entries: &Data) -> Result<Expr, Refusal> {
    let Data::List(list) = entries else { return Err("`entries` is not a list".to_owned()) };
    let all = list.iter().map(|node| exception_entry(&node.data)).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err("`entries` is empty".to_owned());
    }
    Ok(not(and(all)))
}

fn exception_entry(data: &Data) -> Result<Expr, Refusal> {
    let table = data.table().ok_or("an entry is a table")?;
    let field = table.get("field").and_then(Data::text).ok_or("an entry has no `field`")?;
    let value = table.get("value").unwrap_or(&Data::Null);
    let condition = match table.get("type").and_then(Data::text) {
        Some("match") => phrase(field, value)?,
        Some("match_any") => match value {
            Data::List(list) if !list.is_empty() => phrases(field, list)?,
            _ => return Err("`match_any` is not a list".to_owned()),
        },
        Some("exists") => exists(field),
        Some("wildcard") => {
            let pattern = value.text().ok_or("`wildcard` has no pattern")?;
            matches(field, MatchOperator::Like, unescaped(pattern)?)
        }
        Some(other) => return Err(format!("entries of type `{other}` are not supported")),
        None => return Err("an entry has no `type`".to_owned()),
    };
    match table.get("operator").and_then(Data::text) {
        Some("included") | None => Ok(condition),
        Some("excluded") => Ok(not(condition)),
        Some(other) => Err(format!("operator `{other}` is not supported")),
    }
}

fn at(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn name(field: &str) -> Expr {
    at(ExprKind::Field(Field { name: field.to_owned(), optional: false, span: Span::default() }))
}

fn compare(field: &str, op: Compare, value: Literal) -> Expr {
    at(ExprKind::Compare(op, Box::new(name(field)), Box::new(at(ExprKind::Literal(value)))))
}

fn exists(field: &str) -> Expr {
    compare(field, Compare::NotEqual, Literal::Null)
}

fn matches(field: &str, operator: MatchOperator, pattern: String) -> Expr {
    let pattern = at(ExprKind::Literal(Literal::Str { text: pattern, raw: false }));
    let value = Box::new(name(field));
    at(ExprKind::Match { value, operator, patterns: vec![pattern], list: false })
}

fn not(condition: Expr) -> Expr {
    at(ExprKind::Not(Box::new(condition)))
}

fn and(mut all: Vec<Expr>) -> Expr {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        Some(last) => {
            all.push(last);
            at(ExprKind::And(all))
        }
        None => at(ExprKind::Literal(Literal::Bool(true))),
    }
}

fn or(mut any: Vec<Expr>) -> Expr {
    match any.pop() {
        Some(only) if any.is_empty() => only,
        Some(last) => {
            any.push(last);
            at(ExprKind::Or(any))
        }
        None => at(ExprKind::Literal(Literal::Bool(false))),
    }
}
