//! Finding the stages that an event satisfies.
//!
//!     cargo bench --bench predicate
//!
//! `cold` looks at every value for the first time, `memoised` has seen all of them. `filing` is an event that
//! no stage is filed under, whatever the number of rules: what looking at the fields alone costs.

mod log;

use std::hint::black_box;

use catena::engine::Satisfied;
use catena::event::{Event, Json};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use log::Rules;

fn predicate(c: &mut Criterion) {
    let records = log::data::raw(&log::options());
    let records = log::lines(&records);
    let mut group = c.benchmark_group("predicate");
    group.sample_size(20);
    let sets = [
        ("built-in", Rules::builtin()),
        ("1 mixed", Rules::mixed(1)),
        ("100 mixed", Rules::mixed(100)),
        ("1000 mixed", Rules::mixed(1000)),
    ];
    for (name, rules) in &sets {
        let engine = rules.engine();
        let events = rules.load(log::groups(&records));
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(BenchmarkId::new("memoised", name), |b| {
            let (mut sieve, mut satisfied) = (engine.sieve(), Satisfied::default());
            b.iter(|| {
                for event in &events {
                    sieve.sift(black_box(event), &mut satisfied);
                }
            });
        });
        group.bench_function(BenchmarkId::new("cold", name), |b| {
            let sift = |sieve: &mut catena::engine::Sieve| {
                let mut satisfied = Satisfied::default();
                for event in &events {
                    sieve.sift(black_box(event), &mut satisfied);
                }
            };
            b.iter_batched_ref(|| engine.sieve(), sift, BatchSize::LargeInput);
        });
    }
    group.throughput(Throughput::Elements(1));
    for (name, rules) in &sets {
        let mut event = Event::new(rules.projection.len());
        let line = br#"{"@timestamp":0,"event":{"category":"none"},"process":{"name":"none"}}"#;
        log::load_json(&mut rules.reader(), line, &mut event, Json::default());
        group.bench_function(BenchmarkId::new("filing", name), |b| {
            let (mut sieve, mut satisfied) = (rules.engine().sieve(), Satisfied::default());
            b.iter(|| sieve.sift(black_box(&event), &mut satisfied));
        });
    }
    group.finish();
}

criterion_group!(benches, predicate);
criterion_main!(benches);
