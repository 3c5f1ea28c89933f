//! What a machine costs per event.
//!
//!     cargo bench --bench machine
//!
//! The events are read beforehand: what is measured is [`Engine::push`](catena::engine::Engine::push).

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]

mod events;

use std::time::{Duration, Instant};

use catena::engine::Limits;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use events::{Source, THREE_STAGES};

const UNLIMITED: Limits =
    Limits { total_bytes: usize::MAX, rule_bytes: usize::MAX, host_bytes: usize::MAX };

/// Rules of three stages, all different.
fn rules(number: usize) -> Vec<String> {
    (0..number)
        .map(|n| {
            let stages = ["one", "two", "three"].map(|s| {
                format!("[process where process.name == \"{s}\" or process.name == \"{s} {n}\"]")
            });
            format!("sequence by host.id, process.pid with maxspan=12h {}", stages.concat())
        })
        .collect()
}

/// Pushes `count` events, prepared by `load` one by one; gives the time of pushing alone.
fn timed(source: &mut Source, count: u64, mut load: impl FnMut(&mut Source, u64)) -> Duration {
    let mut spent = Duration::ZERO;
    for number in 0..count {
        load(source, number);
        let started = Instant::now();
        source.push();
        spent += started.elapsed();
    }
    spent
}

fn machine(c: &mut Criterion) {
    let mut group = c.benchmark_group("machine");
    group.throughput(Throughput::Elements(1));
    for number in [1, 100, 1000] {
        let rules = rules(number);
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        // The event satisfies no stage of any rule.
        group.bench_function(BenchmarkId::new("no match, rules", number), |b| {
            let mut source = Source::new(&rules, UNLIMITED);
            source.load(0, 0, 7, "other");
            b.iter(|| source.push());
        });
    }
    // The same start again and again: each replaces the one before.
    group.bench_function("one stage", |b| {
        let mut source = Source::new(&[THREE_STAGES], UNLIMITED);
        source.load(0, 0, 7, "one");
        b.iter(|| source.push());
    });
    // Three events and a match.
    group.bench_function("full match", |b| {
        b.iter_custom(|count| {
            let mut source = Source::new(&[THREE_STAGES], UNLIMITED);
            timed(&mut source, 3 * count, |source, n| {
                let name = ["one", "two", "three"].get(n as usize % 3).unwrap();
                source.load(n as i64, 0, 7, name);
            })
        });
    });
    // A start of one of a million keys that are open.
    group.bench_function("many keys", |b| {
        let mut source = Source::new(&[THREE_STAGES], UNLIMITED);
        for key in 0..1_000_000 {
            source.load(0, 0, key, "one");
            source.push();
        }
        b.iter_custom(|count| {
            timed(&mut source, count, |s, n| s.load(0, 0, n * 7_919 % 1_000_000, "one"))
        });
    });
    // Every start is under a new key, and one expires with it.
    group.bench_function("expiry", |b| {
        let mut source = Source::new(&[THREE_STAGES], UNLIMITED);
        let mut key = 0;
        let mut start = move |source: &mut Source| {
            key += 1;
            source.load(key * 1000, 0, key as u64, "one");
        };
        for _ in 0..50_000 {
            start(&mut source);
            source.push();
        }
        b.iter_custom(|count| timed(&mut source, count, |source, _| start(source)));
    });
    // Every start is under a new key, and memory is full.
    group.bench_function("flood", |b| {
        let limits = Limits { total_bytes: 16 << 20, ..UNLIMITED };
        let mut source = Source::new(&[THREE_STAGES], limits);
        let mut key = 0;
        let mut start = move |source: &mut Source| {
            key += 1;
            source.load(key, 0, key as u64, "one");
        };
        while source.engine.stats().evicted == 0 {
            start(&mut source);
            source.push();
        }
        b.iter_custom(|count| timed(&mut source, count, |source, _| start(source)));
    });
    group.finish();
}

/// 500 hosts, 15,500 keys, 40,000 events in nine minutes; most of them are the noisy first stage.
fn noisy(c: &mut Criterion) {
    let mut group = c.benchmark_group("noisy first stage");
    group.sample_size(10);
    group.bench_function("40,000 events", |b| {
        b.iter_custom(|count| {
            let mut spent = Duration::ZERO;
            for _ in 0..count {
                let mut source = Source::new(&[THREE_STAGES], UNLIMITED);
                spent += timed(&mut source, 40_000, |source, n| {
                    let host = n % 500;
                    let name = match n % 400 {
                        0..=4 => "two",
                        5 => "three",
                        _ => "one",
                    };
                    let millis = n * 540_000 / 40_000;
                    source.load(millis as i64, host as u32, n % 15_500, name);
                });
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, machine, noisy);
criterion_main!(benches);
