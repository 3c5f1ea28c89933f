//! The laws of the fuzz targets, on their seeds and on every input that once broke one.
//!
//! A new finding goes into `corpus/fuzz/<target>/` under a name that says what it showed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "functions of tests may panic"
)]

mod hostile;

use std::io::BufRead as _;
use std::path::PathBuf;

/// Every file of the folders, in order, each read once.
fn inputs(folders: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut inputs = Vec::new();
    for folder in folders {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
        let mut files: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{}", folder.display());
        inputs.extend(files.into_iter().map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        }));
    }
    inputs
}

/// What a fuzzer found worth keeping in its last long run, made small: one JSON string a line.
fn learned(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/fuzz/learned");
    let path = folder.join(format!("{target}.ndjson.gz"));
    let file = std::fs::File::open(&path).unwrap();
    let lines = std::io::BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let inputs: Vec<_> = (1..)
        .zip(lines)
        .map(|(number, line)| {
            let text: String = serde_json::from_str(&line.unwrap()).unwrap();
            (path.join(format!("line {number}")), text.into_bytes())
        })
        .collect();
    assert!(inputs.len() > 1_000, "{}: {}", path.display(), inputs.len());
    inputs
}

/// The same of targets that take any bytes: every character of a string stands for one byte.
fn learned_bytes(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut inputs = learned(target);
    for (_, bytes) in &mut inputs {
        let text = String::from_utf8(std::mem::take(bytes)).unwrap();
        *bytes = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    }
    inputs
}

/// Runs a law and says on which file it broke.
fn hold(law: fn(&[u8]), folders: &[&str]) {
    hold_on(law, inputs(folders));
}

fn hold_on(law: fn(&[u8]), inputs: Vec<(PathBuf, Vec<u8>)>) {
    for (path, bytes) in inputs {
        let result = std::panic::catch_unwind(|| law(&bytes));
        assert!(result.is_ok(), "{}", path.display());
    }
}

#[test]
fn records() {
    hold(hostile::record, &["fuzz/record"]);
}

#[test]
fn shapes_of_json() {
    hold(hostile::shape, &["fuzz/shape", "fuzz/json"]);
}

#[test]
fn addresses() {
    hold(hostile::sockaddr, &["fuzz/sockaddr", "fuzz/record"]);
}

#[test]
fn events() {
    hold(hostile::coalesce, &["fuzz/coalesce", "fuzz/record"]);
}

#[test]
fn json_events() {
    hold(hostile::json, &["fuzz/json", "fuzz/record"]);
}

#[test]
fn states() {
    hold(hostile::state, &["fuzz/state", "state", "fuzz/record"]);
}

#[test]
fn queries() {
    hold(hostile::query, &["fuzz/query", "grammar/ok", "grammar/err"]);
}

#[test]
fn learned_queries() {
    hold_on(hostile::query, learned("query"));
}

#[test]
fn learned_regular_expressions() {
    hold_on(hostile::regex, learned("regex"));
}

#[test]
fn learned_records() {
    hold_on(hostile::record, learned_bytes("record"));
}

#[test]
fn learned_events() {
    hold_on(hostile::coalesce, learned_bytes("coalesce"));
}

#[test]
fn regular_expressions() {
    hold(hostile::regex, &["fuzz/regex"]);
}

#[test]
fn rule_files() {
    hold(hostile::rule, &["fuzz/rule", "grammar/ok"]);
}

#[test]
fn audit_rules() {
    hold(hostile::audit_rules, &["fuzz/audit"]);
}
