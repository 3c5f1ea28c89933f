//! Loads rules and tells what is wrong with them.

use std::sync::Arc;

use super::args::{Output, Rules};
use super::exit::Exit;
use super::output::{message, show_problem, stderr_color};
use super::summary::plural;
use crate::diagnostic::Severity;
use crate::rule::{self, Loaded, RuleSet};
use crate::schema::Schema;

/// The rules asked for, and [`Exit::BadRules`] when some were refused.
///
/// # Errors
///
/// When no rule is left to run.
pub(super) fn load(
    rules: &Rules,
    schema: &Schema,
    output: &Output,
) -> Result<(Arc<RuleSet>, Exit), Exit> {
    let mut loaded = if rules.paths.is_empty() {
        rule::builtin_under(schema)
    } else {
        rule::load_paths(&rules.paths, schema)
    };
    // Warnings are for who writes rules, `check` has them; who runs them must see what is refused.
    let warnings = loaded.warnings();
    let is_error = |problem: &rule::Problem| problem.diagnostic.severity == Severity::Error;
    loaded.problems.retain(is_error);
    let accepted = accept(loaded, output)?;
    if warnings > 0 && !output.quiet {
        let warnings = plural(warnings as u64, "warning");
        message(&format!("catena: {warnings} about rules, see `catena check`"));
    }
    Ok(accepted)
}

/// Shows the problems and keeps the rules.
pub(super) fn accept(loaded: Loaded, output: &Output) -> Result<(Arc<RuleSet>, Exit), Exit> {
    let color = stderr_color(output.color);
    for problem in &loaded.problems {
        show_problem(problem, color);
    }
    if loaded.rules.is_empty() {
        if !loaded.has_errors() {
            message(match loaded.entries.is_empty() {
                true => "catena: no rules found (rule files end in .toml, .eql or .ndjson)",
                false => "catena: all rules are disabled, see `catena check --list`",
            });
        }
        return Err(Exit::BadRules);
    }
    let exit = if loaded.has_errors() { Exit::BadRules } else { Exit::Fine };
    Ok((RuleSet::new(loaded.rules), exit))
}
