//! `catena why`: why a rule did not fire over a log, or why it did.

use std::path::PathBuf;
use std::time::Instant;

use super::args::{Output, Why, WhyFormat};
use super::asked::Asked;
use super::exit::Exit;
use super::output::{message, print, show_problem, stderr_color, stdout_color};
use super::progress::Progress;
use super::replay::{settings, write_exit};
use super::{event_fields, input_form, summary};
use crate::diagnostic::Severity;
use crate::escape::escape;
use crate::rule::{Problem, Rule};
use crate::schema::Schema;
use crate::why::{self, Question};

pub(super) fn run(arguments: &Why) -> Exit {
    let schema = match event_fields::schema(&arguments.fields, None) {
        Ok(schema) => schema,
        Err(exit) => return exit,
    };
    let mut inputs = arguments.inputs.clone();
    if arguments.query.is_some() {
        inputs.insert(0, PathBuf::from(&arguments.rule));
    }
    if let Some(once) = why::read_once(&inputs) {
        let name = escape(&once.display().to_string());
        message(&format!("catena: error: {name}: cannot be read twice; write it to a file first"));
        return Exit::Usage;
    }
    let rule = match rule(arguments, &schema) {
        Ok(rule) => rule,
        Err(exit) => return exit,
    };
    let keys = arguments.keys.iter().map(|key| match key.split_once('=') {
        Some((field, value)) => (Some(field.to_owned()), value.to_owned()),
        None => (None, key.clone()),
    });
    let question = Question { limit: usize::from(arguments.limit), keys: keys.collect() };
    let (color, quiet) = (arguments.color, arguments.quiet);
    let output = Output { format: None, color, quiet };
    let settings = settings(&arguments.run, schema)
        .and_then(|settings| input_form::settings(&arguments.form, color, settings));
    let settings = match settings {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let progress = Progress::start(&output);
    let started = Instant::now();
    let answered = why::why(rule, &inputs, &settings, &question, &mut |live| progress.update(live));
    progress.finish();
    let answered = match answered {
        Ok(answered) => answered,
        Err(why) => {
            message(&format!("catena: error: {}", escape(&why)));
            return Exit::Usage;
        }
    };
    let written = print(&match arguments.format {
        WhyFormat::Json => serde_json::to_string(&answered.answer)
            .map_or_else(|_| String::new(), |json| json + "\n"),
        WhyFormat::Text => {
            let text = answered.answer.to_text();
            match stdout_color(color) {
                true => text,
                false => anstream::adapter::strip_str(&text).to_string(),
            }
        }
    });
    summary::show(&answered.report, started.elapsed(), &output);
    if answered.changed {
        message("catena: warning: the log changed while it was read; the answer may be wrong");
    }
    summary::exit(&answered.report, &arguments.run).min(write_exit(written))
}

/// The one rule that is asked about.
fn rule(arguments: &Why, schema: &Schema) -> Result<Rule, Exit> {
    let asked = Asked {
        names: std::slice::from_ref(&arguments.rule),
        query: arguments.query.as_deref(),
        rules: &arguments.rules.paths,
    };
    let mut loaded = asked.load(schema);
    let is_error = |problem: &&Problem| problem.diagnostic.severity == Severity::Error;
    let color = stderr_color(arguments.color);
    loaded.problems.iter().filter(is_error).for_each(|problem| show_problem(problem, color));
    let wanted = asked.choose(&loaded.rules)?;
    match wanted.as_slice() {
        [one] if one.index() < loaded.rules.len() => Ok(loaded.rules.swap_remove(one.index())),
        [] => {
            if !loaded.has_errors() {
                message("catena: no rules found (rule files end in .toml or .eql)");
            }
            Err(Exit::BadRules)
        }
        many => {
            let name = escape(&arguments.rule);
            let count = summary::plural(many.len() as u64, "rule");
            message(&format!("catena: error: `{name}` holds {count}; name one by its id"));
            for rule in many.iter().filter_map(|number| loaded.rules.get(number.index())) {
                message(&format!("  {}  {}", escape(&rule.id), escape(&rule.name)));
            }
            Err(Exit::Usage)
        }
    }
}
