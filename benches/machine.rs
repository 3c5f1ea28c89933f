//! What an event costs the engine, by what it means to the rules: nothing, a first stage, a match, one
//! of many keys, the end of a partial, a flood.
//!
//!     cargo bench --bench machine
//!
//! Every figure is for all events of the group together; divide by the number in its name.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]

use std::hint::black_box;

use catena::engine::{Engine, Limits};
use catena::event::Event;
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::time::{Duration, Ordinal, Timestamp};
use catena::value::Scalar;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SEQUENCE: &str = r#"sequence by host.id, process.pid with maxspan=1h
    [any where process.name == "one"]
    [any where process.name == "two"]
    [any where process.name == "three"]"#;

/// Events of a group.
const EVENTS: i64 = 10_000;

/// Milliseconds, host, process, program.
type Happening = (i64, i64, i64, &'static str);

/// An engine for as many rules that differ in one name only.
fn engine(rules: usize, limits: Limits) -> Engine {
    let rules = (0..rules).map(|number| {
        let query = match number {
            0 => SEQUENCE.to_owned(),
            n => SEQUENCE.replace("three", &format!("three-{n}")),
        };
        load_query(&query, &Schema::new()).rules.pop().unwrap()
    });
    Engine::new(RuleSet::new(rules.collect()), limits).unwrap()
}

/// Pushes all events through one reused event, as the pipeline does; gives the number of matches.
fn run(engine: &mut Engine, happenings: impl IntoIterator<Item = Happening>) -> u64 {
    let rules = engine.rules().clone();
    let plan = rules.plan();
    let fields = ["host.id", "process.pid", "process.name"].map(|name| plan.field(name).unwrap());
    let [host_id, pid, name] = fields;
    let mut event = Event::new(plan.fields.len());
    let (mut matches, mut host_name) = (0, String::new());
    for (number, (millis, host, process, program)) in (0..).zip(happenings) {
        event.clear();
        event.ordinal = Ordinal::new(Timestamp::from_millis(millis), Some(number), number);
        host_name.clear();
        std::fmt::Write::write_fmt(&mut host_name, format_args!("host-{host}")).unwrap();
        event.fill(host_id, |give| give.value(Scalar::Str(&host_name)));
        event.fill(pid, |give| give.value(Scalar::Int(process)));
        event.fill(name, |give| give.value(Scalar::Str(program)));
        engine.push(&event, &mut |found| {
            black_box(found);
            matches += 1;
        });
    }
    matches
}

fn bench(
    c: &mut Criterion,
    name: &str,
    rules: usize,
    limits: Limits,
    matches: u64,
    happenings: impl Fn() -> Box<dyn Iterator<Item = Happening>>,
) {
    let mut group = c.benchmark_group("machine");
    let count = happenings().count() as u64;
    group.throughput(Throughput::Elements(count));
    group.sample_size(20);
    group.bench_function(BenchmarkId::new(name, count), |b| {
        b.iter_batched(
            || engine(rules, limits),
            |mut engine| assert_eq!(run(&mut engine, happenings()), matches),
            BatchSize::LargeInput,
        );
    });
}

fn machines(c: &mut Criterion) {
    let wide = Limits { total_bytes: usize::MAX, rule_bytes: usize::MAX };
    let tight = Limits { total_bytes: 1 << 20, rule_bytes: usize::MAX };
    bench(c, "no match, 1 rule", 1, wide, 0, || Box::new((0..EVENTS).map(|n| (n, 1, n, "other"))));
    bench(c, "no match, 1000 rules", 1000, wide, 0, || {
        Box::new((0..EVENTS).map(|n| (n, 1, n, "other")))
    });
    bench(c, "one stage, one key", 1, wide, 0, || Box::new((0..EVENTS).map(|n| (n, 1, 1, "one"))));
    bench(c, "one stage, many keys", 1, wide, 0, || {
        Box::new((0..EVENTS).map(|n| (n, 1, n, "one")))
    });
    bench(c, "full match", 1, wide, 3_333, || {
        let program = |n: i64| match n % 3 {
            0 => "one",
            1 => "two",
            _ => "three",
        };
        Box::new((0..9_999).map(move |n| (n, 1, n / 3, program(n))))
    });
    // Each event comes so late that everything before it has ended.
    bench(c, "expiry", 1, wide, 0, || {
        let hour = Duration::from_secs(3601).0 / 1_000_000;
        Box::new((0..EVENTS).map(move |n| (n / 100 * hour, 1, n, "one")))
    });
    bench(c, "flood", 1, tight, 0, || Box::new((0..EVENTS * 10).map(|n| (n, 1, n, "one"))));
    // 500 hosts, 15,500 keys, 40,000 events in nine minutes; most only ever reach the first stage.
    bench(c, "noisy first stage", 1, wide, 500, || {
        let noise = (0..40_000 - 1_000_i64).map(|n| {
            let key = n % 15_500;
            (n * 540_000 / 39_000, key % 500, key, "one")
        });
        let rest = (0..500)
            .flat_map(|key| [(540_001, key % 500, key, "two"), (540_002, key % 500, key, "three")]);
        let mut rest: Vec<Happening> = rest.collect();
        rest.sort_by_key(|happening| happening.0);
        Box::new(noise.chain(rest))
    });
}

criterion_group!(benches, machines);
criterion_main!(benches);
