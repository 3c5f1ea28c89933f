//! The rules that come with the program: the folder `rules/`, as it was when it was built.

use include_dir::{Dir, include_dir};

use super::file::load_text;
use super::load::is_rule_file;
use super::outcome::Loaded;
use crate::schema::Schema;

static RULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Loads them all, in order of their paths.
pub(super) fn load(schema: &Schema) -> Loaded {
    let mut files = Vec::new();
    collect(&RULES, &mut files);
    files.sort_unstable();
    let mut loaded = Loaded::default();
    for (path, text) in files {
        loaded.merge(load_text(&format!("built-in/{path}"), text.to_owned(), schema));
    }
    loaded
}

fn collect<'a>(folder: &'a Dir<'a>, files: &mut Vec<(String, &'a str)>) {
    for file in folder.files() {
        let path = file.path();
        if is_rule_file(path)
            && let Some(text) = file.contents_utf8()
        {
            files.push((path.display().to_string(), text));
        }
    }
    for inner in folder.dirs() {
        if inner.path().extension().is_none_or(|extension| extension != "cases") {
            collect(inner, files);
        }
    }
}
