//! Filling in the fields that rules ask for, from records and from lines of JSON.
//!
//!     cargo bench --bench project
//!
//! `all` fills in every field that some rule asks for, `selected` what the rules can use of an event of its
//! class, as a replay does.

mod log;

use std::hint::black_box;

use catena::event::{Event, Group, Json, Raw};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use log::Rules;

fn project(c: &mut Criterion) {
    let records = log::data::raw(&log::options());
    let ecs = log::data::ecs(&log::options());
    let (records, ecs) = (log::lines(&records), log::lines(&ecs));
    let mut group = c.benchmark_group("project");
    group.throughput(Throughput::Elements(ecs.len() as u64));
    let groups = || log::groups(&records);
    let sets = [
        ("built-in", Rules::builtin()),
        ("100 mixed", Rules::mixed(100)),
        ("1000 mixed", Rules::mixed(1000)),
    ];
    for (name, rules) in sets {
        let mut sieve = rules.engine().sieve();
        let selections = rules.selections(&mut sieve, groups());
        for (what, selections) in [("records, all", None), ("records, selected", Some(&selections))]
        {
            group.bench_function(BenchmarkId::new(what, name), |b| {
                let (mut event, host) = (Event::new(rules.projection.len()), log::host());
                let load = |mut groups: Vec<Option<Group>>| {
                    for place in &mut groups {
                        let Some(group) = place.take() else { continue };
                        let host = Some(host.clone());
                        let _ = event.load_selected(group, &rules.projection, host, selections);
                        black_box(&event);
                        // Its memory goes where it was, to be freed behind the clock.
                        if let Raw::Audit(spent) = event.take_raw() {
                            *place = Some(spent);
                        }
                    }
                    groups
                };
                let groups = || groups().into_iter().map(Some).collect();
                b.iter_batched(groups, load, BatchSize::LargeInput);
            });
        }
        group.bench_function(BenchmarkId::new("JSON", name), |b| {
            let mut reader = rules.reader();
            let mut event = Event::new(rules.projection.len());
            b.iter(|| {
                for line in &ecs {
                    let json = match event.take_raw() {
                        Raw::Json(json) => json,
                        Raw::Audit(_) => Json::default(),
                    };
                    log::load_json(&mut reader, black_box(line), &mut event, json);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, project);
criterion_main!(benches);
