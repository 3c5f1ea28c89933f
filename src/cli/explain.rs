//! `catena explain`: what rules look for, in the words of their authors.

use std::fmt::Write as _;
use std::sync::Arc;

use super::args::{Explain, ExplainFormat};
use super::asked::Asked;
use super::exit::Exit;
use super::output::{message, print, show_problem, stderr_color};
use super::replay::write_exit;
use crate::escape::escape;
use crate::event;
use crate::plan::RuleIx;
use crate::rule::{self, Explanation, Key, Needs, Rule, RuleSet, StageInfo, TestInfo, Tried};
use crate::schema::Schema;

/// As many names of system calls or records are listed.
const NAMES: usize = 12;
/// Longest line that lists names.
const WIDTH: usize = 96;

pub(super) fn run(arguments: &Explain) -> Exit {
    let asked = Asked {
        names: &arguments.names,
        query: arguments.query.as_deref(),
        rules: &arguments.rules.paths,
    };
    let loaded = asked.load(&Schema::new());
    let color = stderr_color(arguments.color);
    loaded.problems.iter().for_each(|problem| show_problem(problem, color));
    let exit = if loaded.has_errors() { Exit::BadRules } else { Exit::Fine };
    let wanted = match asked.choose(&loaded.rules) {
        Ok(wanted) => wanted,
        Err(found) => return exit.min(found),
    };
    if wanted.is_empty() {
        if !loaded.has_errors() {
            message("catena: no rules found (rule files end in .toml or .eql)");
        }
        return Exit::BadRules;
    }
    let text = match arguments.format {
        ExplainFormat::Dot | ExplainFormat::Mermaid => {
            graph(arguments.format, loaded.rules, &wanted)
        }
        ExplainFormat::Text | ExplainFormat::Json => {
            let set = RuleSet::new(loaded.rules);
            let producers = event::producers();
            let explained = wanted.iter().filter_map(|rule| rule::explain(&set, *rule, &producers));
            match arguments.format {
                ExplainFormat::Json => explained
                    .filter_map(|rule| serde_json::to_string(&rule).ok())
                    .map(|line| line + "\n")
                    .collect(),
                _ => explained.map(|rule| page(&rule)).collect::<Vec<_>>().join("\n\n"),
            }
        }
    };
    exit.min(write_exit(print(&text)))
}

/// The rules asked for as one graph.
fn graph(format: ExplainFormat, mut rules: Vec<Rule>, wanted: &[RuleIx]) -> String {
    let mut number = 0;
    rules.retain(|_| {
        number += 1;
        wanted.contains(&RuleIx(number - 1))
    });
    let set: Arc<RuleSet> = RuleSet::new(rules);
    let name = |rule: RuleIx| set.rule(rule).map_or_else(String::new, |rule| rule.name.clone());
    let graph = set.plan().graph();
    match format {
        ExplainFormat::Mermaid => graph.mermaid(set.plan(), name),
        _ => graph.dot(set.plan(), name),
    }
}

fn page(rule: &Explanation) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  ({})", escape(&rule.name), rule.kind);
    if rule.id != rule.file {
        let _ = writeln!(out, "  id    {}", escape(&rule.id));
        let _ = writeln!(out, "  file  {}", escape(&rule.file));
    }
    out.push('\n');
    out.push_str(&sentence(rule));
    for (stage, number) in rule.stages.iter().zip(1..) {
        let mark = if rule.kind == "event" { String::new() } else { format!("{number}") };
        out.push('\n');
        show_stage(&mut out, &mark, stage);
    }
    if let Some(until) = &rule.until {
        out.push_str("\nuntil this happens with the same key:\n\n");
        show_stage(&mut out, "", until);
    }
    for pipe in &rule.pipes {
        let _ = writeln!(out, "\nof the results only: {pipe}");
    }
    if !rule.fields.is_empty() {
        out.push_str("\nFields\n");
    }
    let width =
        |size: fn(&rule::FieldUse) -> usize| rule.fields.iter().map(size).max().unwrap_or(0);
    let (name, kind) = (width(|f| f.name.chars().count()), width(|f| f.kind.len()));
    for field in &rule.fields {
        let from = field.records.unwrap_or("JSON events only, not in audit logs");
        let shown = escape(&field.name);
        let _ = writeln!(out, "  {shown:name$}  {:kind$}  {from}", field.kind);
    }
    section(&mut out, "Setup", &rule.setup);
    section(&mut out, "Notes", &rule.notes);
    out
}

/// What it is all about, in one sentence.
fn sentence(rule: &Explanation) -> String {
    let count: u32 = rule.stages.iter().map(|stage| stage.runs).sum();
    let missing: u32 = rule.stages.iter().filter(|s| s.missing).map(|stage| stage.runs).sum();
    let bound = rule.maxspan.as_ref().or(rule.window.as_ref());
    let mut out = match rule.kind {
        "event" => return "One event:\n".to_owned(),
        "sample" => format!("{count} events in any order"),
        _ if missing > 0 => {
            format!("{} in order and {missing} that must be missing", plural(count - missing))
        }
        _ => format!("{} in order", plural(count)),
    };
    if let Some(bound) = bound {
        let _ = write!(out, ", the first and the last at most {bound} apart");
    }
    if !rule.keys.is_empty() {
        let keys: Vec<String> = rule.keys.iter().map(key).collect();
        let _ = write!(out, ",\nwith the same {}", keys.join(", "));
    }
    out + ":\n"
}

fn plural(count: u32) -> String {
    format!("{count} event{}", if count == 1 { "" } else { "s" })
}

/// One name where all stages have the same field, else all of them.
fn key(key: &Key) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in &key.fields {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    escape(&names.join(" = "))
}

fn show_stage(out: &mut String, number: &str, stage: &StageInfo) {
    let indent = if number.is_empty() { String::new() } else { format!("{number:<3}") };
    let blank = " ".repeat(indent.len());
    for (index, line) in stage.eql.lines().enumerate() {
        let _ = writeln!(out, "{}{}", if index == 0 { &indent } else { &blank }, escape(line));
    }
    out.push('\n');
    let mut row = |label: &str, text: &str| {
        let _ = writeln!(out, "{blank}  {label:9}{text}");
    };
    if stage.missing {
        row("missing", "the rule holds when this does not happen");
    }
    match &stage.tried {
        Tried::Always => row("tried", "on every event"),
        Tried::Never => row("tried", "never: it cannot hold"),
        Tried::When(tests) => {
            for (index, test) in tests.iter().enumerate() {
                row(if index == 0 { "tried if" } else { "or" }, &escape(&short(test)));
            }
        }
    }
    for (index, line) in needs(&stage.needs).iter().enumerate() {
        row(if index == 0 { "needs" } else { "" }, line);
    }
    for (index, test) in stage.tests.iter().enumerate() {
        row(if index == 0 { "tests" } else { "" }, &test_line(test));
    }
    for (index, name) in stage.shared_with.iter().enumerate() {
        row(if index == 0 { "shared" } else { "" }, &format!("with {}", escape(name)));
    }
}

fn test_line(test: &TestInfo) -> String {
    let mut line = escape(&short(&test.eql));
    if test.stages > 1 {
        let _ = write!(line, "   (in {} stages, tested once)", test.stages);
    }
    line
}

/// Long lists are cut: the whole is in the query above.
fn short(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

/// Where the events come from, a line each for system calls and records.
fn needs(needs: &Needs) -> Vec<String> {
    if needs.any {
        return vec!["any audited event may do".to_owned()];
    }
    let mut lines = Vec::new();
    for (what, names) in [("system calls", &needs.calls), ("records", &needs.records)] {
        match names.as_slice() {
            [] => {}
            some if some.len() > NAMES => {
                let named = some.get(..NAMES).unwrap_or(some).join(", ");
                lines.push(format!("{what} {named} and {} more", some.len() - NAMES));
            }
            some => lines.push(format!("{what} {}", some.join(", "))),
        }
    }
    if needs.together {
        lines.push("a record and a call of these in one event".to_owned());
    }
    if lines.is_empty() {
        lines.push("no system call or record type that satisfies it alone is known".to_owned());
    }
    lines
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for line in lines {
        let _ = writeln!(out, "  {}", escape(line));
    }
}
