//! `catena needs`: the audit rules that rules need, and which rules are blind under others.

use std::sync::Arc;

use super::args::{Needs, NeedsFormat, Output};
use super::asked::Asked;
use super::exit::Exit;
use super::output::{message, print, show_problem, stderr_color, stdout_color};
use super::replay::write_exit;
use super::rules;
use crate::diagnostic::Severity;
use crate::escape::escape;
use crate::needs::{self, Judged};
use crate::pipeline::Settings;
use crate::rule::{Rule, RuleSet};
use crate::schema::Schema;
use crate::{inspect, plan};

pub(super) fn run(arguments: &Needs) -> Exit {
    let (rules, loaded) = match wanted(arguments) {
        Ok(rules) => rules,
        Err(exit) => return exit,
    };
    if arguments.against.is_empty() {
        let suggested = needs::suggest(&rules);
        let text = match arguments.format {
            NeedsFormat::Json => json(&suggested),
            NeedsFormat::Text => suggested.to_text(),
        };
        return loaded.min(write_exit(print(&text)));
    }
    let (judged, read) = match judge(arguments, &rules) {
        Ok(judged) => judged,
        Err(exit) => return exit,
    };
    let text = match arguments.format {
        NeedsFormat::Json => json(&judged),
        NeedsFormat::Text if stdout_color(arguments.color) => judged.to_text(),
        NeedsFormat::Text => anstream::adapter::strip_str(&judged.to_text()).to_string(),
    };
    let blind = arguments.strict && judged.cannot_fire > 0;
    let found = if blind { Exit::Findings } else { Exit::Fine };
    loaded.min(read).min(write_exit(print(&text))).min(found)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).map_or_else(|_| String::new(), |json| json + "\n")
}

/// The rules asked for.
fn wanted(arguments: &Needs) -> Result<(Arc<RuleSet>, Exit), Exit> {
    let schema = Schema::new();
    let output = Output { format: None, color: arguments.color, quiet: false };
    if arguments.names.is_empty() && arguments.query.is_none() {
        return rules::load(&arguments.rules, &schema, &output);
    }
    let asked = Asked {
        names: &arguments.names,
        query: arguments.query.as_deref(),
        rules: &arguments.rules.paths,
    };
    let mut loaded = asked.load(&schema);
    loaded.problems.retain(|problem| problem.diagnostic.severity == Severity::Error);
    let wanted = asked.choose(&loaded.rules)?;
    let mut number = 0;
    let is_wanted = |_: &Rule| {
        number += 1;
        wanted.contains(&plan::RuleIx(number - 1))
    };
    loaded.rules.retain(is_wanted);
    rules::accept(loaded, &output)
}

/// What the rules are judged by: audit rules or logs, never both at once.
fn judge(arguments: &Needs, rules: &Arc<RuleSet>) -> Result<(Judged, Exit), Exit> {
    let is_rules = |path: &std::path::PathBuf| !path.exists() || needs::is_audit_rules(path);
    let count = arguments.against.iter().filter(|path| is_rules(path)).count();
    if count == arguments.against.len() {
        let read = needs::read_paths(&arguments.against);
        let color = stderr_color(arguments.color);
        read.problems.iter().for_each(|problem| show_problem(problem, color));
        let exit = if read.unreadable { Exit::Unreadable } else { Exit::Fine };
        return Ok((needs::by_rules(rules, &read.rules), exit));
    }
    if count > 0 {
        message("catena: error: --against takes audit rules or logs, not both at once");
        return Err(Exit::Usage);
    }
    let settings = Settings::default();
    match inspect::inspect(&arguments.against, &settings, rules, &mut |_| {}) {
        Ok(inspected) => {
            let failed = !inspected.inspection.failures.is_empty();
            for failure in &inspected.inspection.failures {
                message(&format!("catena: {}: {}", escape(&failure.name), escape(&failure.why)));
            }
            let exit = if failed { Exit::Unreadable } else { Exit::Fine };
            Ok((needs::by_log(rules, inspected.inspection.never), exit))
        }
        Err(why) => {
            message(&format!("catena: error: {}", escape(&why)));
            Err(Exit::Unreadable)
        }
    }
}
