//! From a match to a line of JSON or text.
//!
//!     cargo bench --bench alert
//!
//! The matches are those of the built-in rules over a generated log, each with two or three events of records.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]

mod log;

use std::hint::black_box;

use catena::alert::Alert;
use catena::engine::{Evidence, Match};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use log::Rules;

fn alert(c: &mut Criterion) {
    let records = log::data::raw(&log::options());
    let rules = Rules::builtin();
    let mut engine = rules.engine();
    let mut found: Vec<(Match, Evidence)> = Vec::new();
    for event in rules.load(log::groups(&log::lines(&records))) {
        let mut matches: Vec<Match> = Vec::new();
        engine.push(&event, &mut |found| matches.push(found));
        for matched in matches.into_iter().filter(|matched| matched.events.len() > 1) {
            let evidence = engine.evidence(&matched);
            found.push((matched, evidence));
        }
    }
    assert!(!found.is_empty());
    let alerts = || -> Vec<Alert> {
        let alert = |(found, evidence): &(Match, Evidence)| {
            Alert::new(&rules.rules, found.clone(), *evidence).unwrap()
        };
        found.iter().map(alert).collect()
    };
    let mut group = c.benchmark_group("alert");
    group.throughput(Throughput::Elements(found.len() as u64));
    group.bench_function("from a match", |b| b.iter_with_large_drop(alerts));
    // A document is read when it is first asked for, so each alert is written once.
    group.bench_function("JSON", |b| {
        let mut line = Vec::new();
        let write = |alerts: &mut Vec<Alert>| {
            for alert in alerts {
                line.clear();
                alert.write_json(&mut line);
                black_box(&line);
            }
        };
        b.iter_batched_ref(alerts, write, BatchSize::LargeInput);
    });
    group.bench_function("text", |b| {
        let write = |alerts: &mut Vec<Alert>| {
            alerts.iter().map(|alert| black_box(alert.to_text()).len()).sum::<usize>()
        };
        b.iter_batched_ref(alerts, write, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, alert);
criterion_main!(benches);
