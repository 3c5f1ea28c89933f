//! From lines to events: heads, fields, coalescing.
//!
//!     cargo bench --bench record
//!
//! Throughput is that of the lines, in bytes. `linux-audit-parser` is the crate of that name, on the same lines.

mod log;

use std::hint::black_box;

use catena::event::{CoalesceLimits, Coalescer};
use catena::record::{Heads, decode, fields, head};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn record(c: &mut Criterion) {
    let log = log::data::raw(&log::options());
    let lines = log::lines(&log);
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("heads", |b| {
        let mut heads = Heads::default();
        b.iter(|| lines.iter().filter(|line| heads.read(black_box(line)).is_ok()).count());
    });
    group.bench_function("fields", |b| {
        b.iter(|| {
            let heads = lines.iter().filter_map(|line| head(line).ok());
            heads.map(|head| fields(black_box(head.body)).count()).sum::<usize>()
        });
    });
    group.bench_function("fields, decoded", |b| {
        b.iter(|| {
            let mut bytes = 0;
            for head in lines.iter().filter_map(|line| head(line).ok()) {
                for field in fields(black_box(head.body)) {
                    let value = decode(field.key, head.kind, field.value);
                    bytes += value.map_or(0, |value| value.len());
                }
            }
            bytes
        });
    });
    let with_end: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    group.bench_function("linux-audit-parser", |b| {
        let parser = linux_audit_parser::Parser::default();
        b.iter(|| {
            let messages = with_end.iter().filter_map(|line| parser.parse(black_box(line)).ok());
            messages.map(|message| message.body.into_iter().count()).sum::<usize>()
        });
    });
    group.bench_function("coalesce", |b| {
        // A new one each time: events that it has seen would be late.
        b.iter_batched(
            || Coalescer::new(CoalesceLimits::default()),
            |mut coalescer| {
                let mut events = 0;
                for (line, number) in lines.iter().zip(1..) {
                    coalescer.push(0, number, line);
                    while let Some(group) = coalescer.pop() {
                        coalescer.recycle(group);
                        events += 1;
                    }
                }
                events
            },
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, record);
criterion_main!(benches);
