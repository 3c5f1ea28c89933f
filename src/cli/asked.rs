//! Which rules the arguments name: files, folders, ids, names, or a query.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::message;
use crate::diagnostic::nearest;
use crate::escape::escape;
use crate::plan::RuleIx;
use crate::rule::{self, Loaded, Rule};
use crate::schema::Schema;

/// What was asked for.
pub(super) struct Asked<'a> {
    /// Files, folders, ids and names.
    pub(super) names: &'a [String],
    /// A query in their place.
    pub(super) query: Option<&'a str>,
    /// Files and folders in place of the built-in rules.
    pub(super) rules: &'a [PathBuf],
}

impl Asked<'_> {
    /// Everything the names may mean: files that are there, and the rules of the set for the rest.
    pub(super) fn load(&self, schema: &Schema) -> Loaded {
        if let Some(query) = self.query {
            return rule::load_query(query, schema);
        }
        let (paths, ids): (Vec<&String>, Vec<&String>) =
            self.names.iter().partition(|name| Path::new(name).exists());
        let paths = paths.into_iter().map(PathBuf::from);
        let paths = apart(self.rules.iter().cloned().chain(paths));
        let mut loaded = rule::load_paths(&paths, schema);
        if self.rules.is_empty() && !ids.is_empty() {
            let mut builtin = rule::builtin_under(schema);
            // A file of a built-in rule stands for it.
            builtin.rules.retain(|rule| loaded.rules.iter().all(|known| known.id != rule.id));
            loaded.merge(builtin);
        }
        loaded
    }

    /// The rules asked for, in the order of their names.
    pub(super) fn choose(&self, rules: &[Rule]) -> Result<Vec<RuleIx>, Exit> {
        if self.query.is_some() {
            return Ok((0..).map(RuleIx).take(rules.len()).collect());
        }
        let mut wanted: Vec<RuleIx> = Vec::new();
        let mut exit = None;
        for name in self.names {
            let numbered = || rules.iter().zip((0..).map(RuleIx));
            let path = Path::new(name);
            let found: Vec<RuleIx> = if path.exists() {
                let inside = |rule: &Rule| is_inside(Path::new(&rule.origin.file), path);
                numbered().filter(|(rule, _)| inside(rule)).map(|(_, number)| number).collect()
            } else {
                let named =
                    |rule: &Rule| rule.id == *name || rule.name == *name || stem(rule) == *name;
                numbered().filter(|(rule, _)| named(rule)).map(|(_, number)| number).collect()
            };
            if found.is_empty() && !path.exists() {
                unknown(name, rules);
                exit = Some(Exit::BadRules);
            }
            for number in found {
                if !wanted.contains(&number) {
                    wanted.push(number);
                }
            }
        }
        match exit {
            Some(exit) if wanted.is_empty() => Err(exit),
            _ => Ok(wanted),
        }
    }
}

/// The paths, without those that are inside another one.
fn apart(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut apart: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !apart.iter().any(|known| is_inside(&path, known)) {
            apart.retain(|known| !is_inside(known, &path));
            apart.push(path);
        }
    }
    apart
}

/// Whether a file or folder is another one or inside it, however both are written.
fn is_inside(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

/// The name of a rule's file without its ending.
fn stem(rule: &Rule) -> String {
    let stem = Path::new(&rule.origin.file).file_stem();
    stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unknown(name: &str, rules: &[Rule]) {
    message(&format!("catena: error: no rule and no file `{}`", escape(name)));
    let stems: Vec<String> = rules.iter().map(stem).collect();
    let known = stems.iter().map(String::as_str);
    let known = known.chain(rules.iter().flat_map(|rule| [rule.id.as_str(), rule.name.as_str()]));
    match nearest(name, known) {
        Some(near) => message(&format!("did you mean `{}`?", escape(near))),
        None => message(&format!("the rules are {}", escape(&stems.join(", ")))),
    }
}
