//! Files of audit rules → [`AuditRules`].
//!
//! In: a file, or a folder whose `.rules` files are taken as augenrules takes them: in order of their names,
//! with what deletes and sets up in front and `-e` at the end. Out: what would be loaded, and problems. Files
//! are bounded in size, and so are lines, rules and problems; what is beyond is said, never skipped silently.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::line::{Reader, Said, words};
use super::list::{AuditRules, List, Place};
use crate::diagnostic::{Code, Diagnostic};
use crate::rule::Problem;
use crate::span::Span;

/// Largest file, in bytes.
const MOST_BYTES: u64 = 4 << 20;
/// Longest line, in bytes; auditctl cuts at this many.
const MOST_LINE: usize = 8 << 10;
/// Most rules of all files together.
const MOST_RULES: usize = 20_000;
/// Problems told of each file.
const MOST_PROBLEMS: usize = 100;
/// Most files of a folder.
const MOST_FILES: usize = 1_000;

/// What came of reading.
#[derive(Debug, Default)]
pub struct Read {
    /// What would be loaded.
    pub rules: AuditRules,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// A file could not be read.
    pub unreadable: bool,
}

/// Whether a file or folder holds audit rules rather than logs.
pub fn is_audit_rules(path: &Path) -> bool {
    let named = |path: &Path| path.extension().is_some_and(|extension| extension == "rules");
    if path.is_dir() {
        let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        return entries.any(|entry| named(&entry.path()));
    }
    if named(path) {
        return true;
    }
    if !path.is_file() {
        return false;
    }
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
    let text = String::from_utf8_lossy(&start);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    read.is_ok()
        && lines.find(|line| !line.starts_with('#')).is_none_or(|line| line.starts_with('-'))
}

/// Reads files and folders in order.
pub fn read_paths(paths: &[PathBuf]) -> Read {
    let mut read = Read::default();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            let is_rules = |path: &PathBuf| path.extension().is_some_and(|e| e == "rules");
            let mut inside: Vec<PathBuf> =
                entries.map(|entry| entry.path()).filter(is_rules).take(MOST_FILES).collect();
            inside.sort();
            files.push((inside, true));
        } else {
            files.push((vec![path.clone()], false));
        }
    }
    for (files, merged) in files {
        let mut texts = Vec::new();
        for file in files {
            match text_of(&file) {
                Ok(text) => texts.push((file.display().to_string(), text)),
                Err(why) => {
                    read.unreadable = true;
                    let title = format!("cannot read audit rules: {why}");
                    let diagnostic = Diagnostic::new(Code::AuditRule, title);
                    let (file, text) = (file.display().to_string(), "".into());
                    let (rule, inner_line) = (None, None);
                    read.problems.push(Problem { file, text, diagnostic, rule, inner_line });
                }
            }
        }
        take(&mut read, &texts, merged);
    }
    read
}

/// Reads one text.
pub fn read_text(name: &str, text: &str) -> Read {
    let mut read = Read::default();
    take(&mut read, &[(name.to_owned(), text.into())], false);
    read
}

fn text_of(path: &Path) -> Result<Arc<str>, String> {
    if !path.is_file() {
        return Err(match path.exists() {
            true => "not a regular file".to_owned(),
            false => "there is no such file".to_owned(),
        });
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("larger than {} MiB, which no file of rules is", MOST_BYTES >> 20));
    }
    Ok(String::from_utf8_lossy(&bytes).into())
}

/// A line, numbered, with the file it stands in.
type Line<'a> = (usize, usize, usize, &'a str);

/// Loads the lines of files that are loaded together; `merged` as augenrules would order them.
fn take(read: &mut Read, files: &[(String, Arc<str>)], merged: bool) {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for ((_, text), file) in files.iter().zip(0..) {
        let mut start = 0;
        for (line, number) in text.split('\n').zip(1..) {
            lines.push((file, number, start, line));
            start = start.saturating_add(line.len()).saturating_add(1);
        }
    }
    lines.retain(|(.., line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    if merged {
        lines.sort_by_key(|(.., line)| match line.split_whitespace().next() {
            Some("-D") => 0,
            Some("-a" | "-A" | "-w" | "-W" | "-d") => 2,
            Some("-e") => 3,
            _ => 1,
        });
    }
    let mut problems: Vec<Vec<Diagnostic>> = files.iter().map(|_| Vec::new()).collect();
    for (file, number, start, line) in lines {
        let (Some((name, _)), Some(problems)) = (files.get(file), problems.get_mut(file)) else {
            continue;
        };
        let place = Place { file: name.clone(), line: number };
        let span = Span::new(start, start.saturating_add(line.trim_end().len()));
        one(&mut read.rules, place, span, line, problems);
    }
    for ((name, text), mut problems) in files.iter().zip(problems) {
        let more = problems.len().saturating_sub(MOST_PROBLEMS);
        problems.truncate(MOST_PROBLEMS);
        if more > 0 {
            problems.push(Diagnostic::new(Code::AuditRule, format!("and {more} problems more")));
        }
        read.problems.extend(problems.into_iter().map(|diagnostic| Problem {
            file: name.clone(),
            text: text.clone(),
            diagnostic,
            rule: None,
            inner_line: None,
        }));
    }
}

fn one(
    rules: &mut AuditRules,
    place: Place,
    span: Span,
    line: &str,
    problems: &mut Vec<Diagnostic>,
) {
    rules.lines += 1;
    if let Some(locked) = &rules.locked {
        rules.refused += 1;
        let title = format!("the rules are locked since {locked}: this is not loaded");
        problems
            .push(Diagnostic::new(Code::AuditRule, title).label(span, "").help("put -e 2 last"));
        return;
    }
    let refused = |title: String| Diagnostic::new(Code::AuditRule, title).label(span, "");
    if line.len() > MOST_LINE {
        rules.refused += 1;
        problems.push(refused(format!("a line of more than {} KiB", MOST_LINE >> 10)));
        return;
    }
    let words = words(line, span.start);
    let unknown = &mut rules.unknown_fields;
    let mut reader = Reader { place: place.clone(), line: span, problems, unknown };
    let Some(said) = reader.read(line, &words) else {
        rules.refused += 1;
        return;
    };
    match said {
        Said::Rule { .. } if rules.rules.len() >= MOST_RULES => {
            rules.refused += 1;
            problems.push(refused(format!("more than {MOST_RULES} rules")));
        }
        Said::Rule { rule, first } => {
            let same = |known: &&super::list::AuditRule| {
                known.list == rule.list && known.text == rule.text && rule.list == List::Exit
            };
            if let Some(known) = rules.rules.iter().take(MOST_COMPARED).find(same) {
                let title = format!("this rule is there already, at {}", known.place);
                problems.push(
                    Diagnostic::new(Code::AuditField, title)
                        .label(span, "auditctl stops here unless told to go on (-c)"),
                );
                return;
            }
            let at = if first { 0 } else { rules.rules.len() };
            rules.rules.insert(at, *rule);
        }
        Said::Delete(rule) => {
            let alike = |known: &super::list::AuditRule| {
                known.list == rule.list
                    && known.never == rule.never
                    && known.width == rule.width
                    && known.calls == rule.calls
                    && known.filters == rule.filters
            };
            rules.rules.retain(|known| !alike(known));
        }
        Said::Clear(None) => rules.rules.clear(),
        Said::Clear(Some(key)) => rules.rules.retain(|known| !known.keys.contains(&key)),
        Said::Enable(0) => rules.off = Some(place),
        Said::Enable(1) => rules.off = None,
        Said::Enable(_) => {
            rules.off = None;
            rules.locked = Some(place);
        }
        Said::Nothing => {}
    }
}

/// Rules that a new one is compared with: nobody writes more, and nobody shall make it slow.
const MOST_COMPARED: usize = 2_000;
