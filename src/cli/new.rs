//! `catena new`: a rule and its first cases, to be written on.
//!
//! Nothing that is there is overwritten.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::args::New;
use super::exit::Exit;
use super::output::message;
use crate::escape::escape;
use crate::pick::{self, Filter};
use crate::pipeline::{Flow, Settings};

/// Most bytes taken out of a log: a case is small.
const MAX_LOG: usize = 16 << 20;

pub(super) fn run(arguments: &New) -> Exit {
    let path = &arguments.rule;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    if !is_toml || name.is_empty() || !name.chars().all(is_plain) {
        let shown = escape(&path.display().to_string());
        message(&format!("catena: error: {shown}: name it NAME.toml, of letters, digits, _ and -"));
        return Exit::Usage;
    }
    let mut files = vec![(path.clone(), rule(name).into_bytes())];
    let test = path.with_extension("test.toml");
    match &arguments.from {
        None => files.push((test, CASES.as_bytes().to_vec())),
        Some(log) => {
            let bytes = match interval(log, arguments) {
                Ok(bytes) => bytes,
                Err(why) => {
                    let log = escape(&log.display().to_string());
                    message(&format!("catena: error: {log}: {}", escape(&why)));
                    return Exit::Unreadable;
                }
            };
            let place = path.with_extension("cases").join("first.log");
            files.push((place, bytes));
            files.push((test, first_case(name).into_bytes()));
        }
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| fs::symlink_metadata(path).is_ok()) {
        let shown = escape(&path.display().to_string());
        message(&format!("catena: error: {shown}: is there already"));
        return Exit::Usage;
    }
    for (path, bytes) in &files {
        let shown = escape(&path.display().to_string());
        if let Err(error) = write(path, bytes) {
            message(&format!("catena: error: {shown}: {error}"));
            return Exit::Unreadable;
        }
        message(&format!("catena: wrote {shown}"));
    }
    let shown = escape(&path.display().to_string());
    message(&format!("catena: next: write the query, then `catena test {shown}`"));
    Exit::Fine
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}

/// The lines of the events that are wanted, in order of time.
fn interval(log: &Path, arguments: &New) -> Result<Vec<u8>, String> {
    let mut filter = Filter::default();
    if let Some((first, last)) = arguments.serial {
        filter = filter.serials(first, last);
    }
    let mut bytes = Vec::new();
    let mut each = |event: &crate::event::Event| {
        bytes.extend_from_slice(&event.raw().as_logged());
        bytes.push(b'\n');
        if bytes.len() > MAX_LOG { Flow::Stop } else { Flow::Continue }
    };
    let inputs = [PathBuf::from(log)];
    let picked = pick::pick(&inputs, &Settings::default(), filter, &mut each, &mut |_| ())?;
    if let Some(refusal) = picked.report.refusals.first() {
        return Err(refusal.why.clone());
    }
    if let Some(failure) = picked.report.failures.first() {
        return Err(failure.why.clone());
    }
    match bytes.len() {
        0 => Err("no event is picked".to_owned()),
        length if length > MAX_LOG => {
            Err(format!("more than {} MiB are picked, narrow them with --serial", MAX_LOG >> 20))
        }
        _ => Ok(bytes),
    }
}

/// An id that no other rule has.
fn id(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(now.as_nanos().to_be_bytes());
    hash.update(std::process::id().to_be_bytes());
    hash.update(name);
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // Version 8: an identifier of the maker's own making.
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn rule(name: &str) -> String {
    RULE.replace("ID", &id(name)).replace("NAME", &name.replace('_', " "))
}

const RULE: &str = r#"[rule]
rule_id = "ID"
name = "NAME"
description = """
What it finds, and why that matters.
"""
type = "eql"
language = "eql"
severity = "medium"
risk_score = 47
query = '''
process where
  event.action == "executed"
  and process.name == "wanted"
'''
"#;

const CASES: &str = r#"# Cases of the rule beside this file, for `catena test`; see docs/testing.md.

[[case]]
name = "fires"
about = "what the rule is for"
lines = '''
type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 auid=1000 uid=1000 tty=pts0 ses=1 comm="wanted" exe="/usr/bin/wanted" key="exec"
'''
alerts = 1

[[case]]
name = "near-miss"
about = "what looks the same and is harmless"
lines = '''
type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 auid=1000 uid=1000 tty=pts0 ses=1 comm="harmless" exe="/usr/bin/harmless" key="exec"
'''
alerts = 0
"#;

fn first_case(name: &str) -> String {
    FIRST.replace("NAME", name)
}

const FIRST: &str = r#"# Cases of the rule beside this file, for `catena test`; see docs/testing.md.

[[case]]
name = "fires"
about = "what the rule is for"
log = "NAME.cases/first.log"
faults = ["shuffle", "restart"]
alerts = 1
"#;
