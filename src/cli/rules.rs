//! Loads rules and tells what is wrong with them.

use std::sync::Arc;

use super::args::{Output, Rules};
use super::exit::Exit;
use super::output::{message, show_problem, stderr_color};
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
    let loaded = if rules.paths.is_empty() {
        rule::builtin_under(schema)
    } else {
        rule::load_paths(&rules.paths, schema)
    };
    accept(loaded, output)
}

/// Shows the problems and keeps the rules.
pub(super) fn accept(loaded: Loaded, output: &Output) -> Result<(Arc<RuleSet>, Exit), Exit> {
    let color = stderr_color(output.color);
    for problem in &loaded.problems {
        show_problem(problem, color);
    }
    if loaded.rules.is_empty() {
        if !loaded.has_errors() {
            message("catena: no rules found (rule files end in .toml or .eql)");
        }
        return Err(Exit::BadRules);
    }
    let exit = if loaded.has_errors() { Exit::BadRules } else { Exit::Fine };
    Ok((RuleSet::new(loaded.rules), exit))
}
