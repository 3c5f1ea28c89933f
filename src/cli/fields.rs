//! `catena fields`: which fields rules can read.

use serde_json::json;

use super::args::{Fields, FieldsFormat};
use super::exit::Exit;
use super::output::{message, print};
use super::replay::write_exit;
use crate::diagnostic::nearest;
use crate::escape::escape;
use crate::schema::{self, FIELDS, FieldInfo, FieldType};
use crate::span::Span;
use crate::syntax::ast::{Expr, ExprKind, Field};
use crate::syntax::print_expr;
use crate::wildcard::Pattern;

pub(super) fn run(arguments: &Fields) -> Exit {
    let found = match &arguments.name {
        None => FIELDS.iter().collect(),
        Some(name) => find(name),
    };
    if found.is_empty() {
        return unknown(arguments.name.as_deref().unwrap_or(""));
    }
    let one = arguments.name.as_deref().filter(|name| schema::lookup(name).is_some());
    let text = match (arguments.format, one, found.as_slice()) {
        (FieldsFormat::Json, ..) => array(&found),
        (FieldsFormat::Text, Some(name), [info]) => page(name, info),
        (FieldsFormat::Text, ..) => table(&found),
    };
    write_exit(print(&text))
}

/// The fields meant by a name: that field, those that match it, those that begin with it, or else
/// those of which it is a part.
fn find(name: &str) -> Vec<&'static FieldInfo> {
    if let Some(info) = schema::lookup(name) {
        return vec![info];
    }
    if name.contains(['*', '?']) {
        let pattern = Pattern::new(name, true);
        return FIELDS.iter().filter(|info| pattern.matches(info.name)).collect();
    }
    let name = name.trim_end_matches('.').to_lowercase();
    let listed = |what: &dyn Fn(&str) -> bool| -> Vec<&FieldInfo> {
        FIELDS.iter().filter(|info| !name.is_empty() && what(info.name)).collect()
    };
    let family = listed(&|known| known.starts_with(&format!("{name}.")));
    if family.is_empty() { listed(&|known| contains(known, &name)) } else { family }
}

/// Whether `part` is one or more parts of `name`.
fn contains(name: &str, part: &str) -> bool {
    format!(".{name}.").contains(&format!(".{part}."))
}

fn unknown(name: &str) -> Exit {
    message(&format!("catena: error: no field `{}`", escape(name)));
    match nearest(name, FIELDS.iter().map(|info| info.name)) {
        Some(near) => message(&format!("did you mean `{near}`?")),
        None => message("`catena fields` lists them all"),
    }
    message("a field that is not listed may still be in JSON events, with the type it has there");
    Exit::Usage
}

fn table(fields: &[&FieldInfo]) -> String {
    let heads = ["FIELD", "TYPE", "FROM", "EXAMPLE", "ABOUT"];
    let rows = fields
        .iter()
        .map(|info| [info.name, info.kind.name(), info.records, info.example, info.about]);
    let rows: Vec<[&str; 5]> = std::iter::once(heads).chain(rows).collect();
    let mut widths = [0_usize; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// One field at length. `name` may be of a family such as `auditd.data.*`.
fn page(name: &str, info: &FieldInfo) -> String {
    // In a query, words of the language stand in backticks.
    let field = Field { name: name.to_owned(), optional: false, span: Span::default() };
    let written = print_expr(&Expr { kind: ExprKind::Field(field), span: Span::default() });
    let name = escape(name);
    let mut out = format!("{name}  ({})\n  {}\n\n", info.kind.name(), info.about);
    if name != info.name {
        out.push_str(&format!("  one of   {}\n", info.name));
    }
    out.push_str(&format!("  from     {}\n", info.records));
    out.push_str(&format!("  example  {}\n", info.example));
    if !name.ends_with('*') {
        for (index, usage) in usages(&escape(&written), info).iter().enumerate() {
            let label = if index == 0 { "in EQL" } else { "" };
            out.push_str(&format!("  {label:8} {usage}\n"));
        }
    }
    out
}

/// Conditions on the field, as a rule would say them.
fn usages(name: &str, info: &FieldInfo) -> Vec<String> {
    let example = info.example;
    match info.kind {
        FieldType::Keyword | FieldType::Text | FieldType::Version => {
            let mut usages = vec![format!("{name} == \"{example}\"")];
            if let Some(start) = example.get(..1).filter(|_| example.len() > 1) {
                usages.push(format!("{name} like \"{start}*\""));
            }
            usages.push(format!("{name} : \"{}\"", example.to_uppercase()));
            usages
        }
        FieldType::Long | FieldType::Double => {
            vec![format!("{name} == {example}"), format!("{name} >= {example}")]
        }
        FieldType::Boolean => vec![format!("{name} == true"), format!("{name} != true")],
        FieldType::Ip => {
            let network = "\"10.0.0.0/8\", \"fe80::/10\"";
            vec![format!("{name} == \"{example}\""), format!("cidrMatch({name}, {network})")]
        }
        FieldType::Date => vec![format!("{name} >= \"{example}\"")],
    }
}

fn array(fields: &[&FieldInfo]) -> String {
    let objects: Vec<String> = fields
        .iter()
        .map(|info| {
            json!({
                "name": info.name,
                "type": info.kind.name(),
                "records": info.records,
                "about": info.about,
                "example": info.example,
            })
            .to_string()
        })
        .collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}
