//! What a rule costs before its first event: parse, check, plan, machine.
//!
//!     cargo bench --bench compile
//!
//! `typical` is each built-in rule by itself, `worst` the dearest queries that are accepted, `hostile`
//! those that are refused, `folder` two thousand rule files from disk to a rule set.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]

#[path = "../tests/common/worst.rs"]
mod worst;

use std::hint::black_box;
use std::path::Path;

use catena::engine::{Engine, Limits};
use catena::rule::{RuleSet, builtin, load_paths, load_text};
use catena::schema::Schema;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Files of the folder.
const FILES: usize = 2_000;

/// From text to what can be run.
fn compile(query: &str) -> bool {
    let loaded = load_text("query.eql", black_box(query).to_owned(), &Schema::new());
    let runs = !loaded.has_errors();
    Engine::new(RuleSet::new(loaded.rules), Limits::default()).unwrap();
    runs
}

fn rules(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    for rule in builtin().rules {
        let query = rule.text.clone();
        group.bench_function(BenchmarkId::new("typical", &rule.name), |b| {
            b.iter(|| assert!(compile(&query)));
        });
    }
    group.sample_size(10);
    for (number, query) in worst::accepted().iter().enumerate() {
        let name = format!("{number}: {query:.40}").replace('/', "|");
        group.bench_function(BenchmarkId::new("worst", name), |b| {
            b.iter(|| assert!(compile(query)));
        });
    }
    for (number, query) in worst::refused().iter().enumerate() {
        let name = format!("{number}: {query:.40}").replace('/', "|");
        group.bench_function(BenchmarkId::new("hostile", name), |b| {
            b.iter(|| assert!(!compile(query)));
        });
    }
}

/// Writes the built-in rule files again and again, each time with another id and another condition.
fn write_rules(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let files: Vec<String> = files
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| {
            path.to_str()
                .is_some_and(|name| name.ends_with(".toml") && !name.ends_with(".test.toml"))
        })
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for number in 0..FILES {
        let text = files.get(number % files.len()).unwrap();
        let text = text.replacen("rule_id = \"", &format!("rule_id = \"{number:05}-"), 1);
        let condition = format!("[process where process.pid != {number} and ");
        let text = text.replacen("[process where ", &condition, 1);
        std::fs::write(folder.join(format!("{number}.toml")), text).unwrap();
    }
}

fn folder(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    write_rules(folder.path());
    let paths = [folder.path().to_owned()];
    let mut group = c.benchmark_group("folder");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("load", FILES), |b| {
        b.iter(|| {
            let loaded = load_paths(&paths, &Schema::new());
            assert!(!loaded.has_errors() && loaded.rules.len() == FILES);
            RuleSet::new(loaded.rules)
        });
    });
}

criterion_group!(benches, rules, folder);
criterion_main!(benches);
