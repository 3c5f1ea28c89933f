//! Compiling a rule takes little memory, however it was written.
//!
//! A test binary of its own with one test, because what is counted is what the whole process allocates.

use catena::engine::{Engine, Limits};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// More than this is never needed at once.
const LIMIT_BYTES: usize = 16 << 20;

/// `number` texts made from their numbers, with `between` between them.
fn many(number: usize, between: &str, text: impl Fn(usize) -> String) -> String {
    (0..number).map(text).collect::<Vec<_>>().join(between)
}

/// The most memory that was needed at once, beyond what was there before. `accepted` says whether the
/// query can be run.
fn compile(query: &str, accepted: bool) -> usize {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let loaded = load_query(query, &Schema::new());
    assert_eq!(!loaded.has_errors(), accepted, "{query:.80}");
    let engine = Engine::new(RuleSet::new(loaded.rules), Limits::default());
    assert!(engine.is_ok());
    ALLOCATED.peak_usage().saturating_sub(before)
}

#[test]
fn the_worst_query_compiles_within_16_mib() {
    let sequence = |keys: usize, items: &str| {
        format!("sequence by {} {items}", many(keys, ",", |n| format!("k{n}")))
    };
    let stages = |number: usize| many(number, "", |n| format!("[a where b == {n}]"));
    let regex = |pattern: &str| format!("any where a regex~ \"\"\"{pattern}\"\"\"");
    let accepted = [
        // As many tokens, fields, stages and keys as there can be.
        format!("any where {}a", "a and ".repeat(9_990)),
        format!("any where {}a", "a and a or ".repeat(4_990)),
        format!("any where {}", many(999, " or ", |n| format!("a{n} like \"*b?c*\""))),
        format!("any where a in ({}1)", "1,".repeat(9_990)),
        format!("any where a in ({})", many(9_900, ",", |n| format!("\"some text {n}\""))),
        format!(
            "any where cidrMatch(a, {})",
            many(9_900, ",", |n| format!("\"10.{}.{}.0/24\"", n / 256, n % 256))
        ),
        format!("any where concat({}) == \"b\"", many(9_900, ",", |n| format!("a{}", n % 64))),
        sequence(64, &stages(256)),
        sequence(64, &many(2, "", |n| format!("[a where b == {n}] with runs=100"))),
        format!("sample by k {}", stages(16)),
        // As many patterns.
        format!("any where a like~ (\"{}\")", "*a".repeat(29_999)),
        format!("any where a like~ (\"{}\")", "?a*".repeat(5_999)),
        format!("any where a like ({})", many(9_900, ",", |n| format!("\"*{n}*\""))),
        format!("any where {}", many(800, " or ", |n| format!("a regex \"{n}\""))),
        regex(&"()".repeat(19_900)),
        regex(&".*a".repeat(1_000)),
        regex(".{1240}"),
        regex("(a?){9000}"),
        regex("k{2490}"),
        regex("\u{e9}{3300}"),
        regex(&many(2_000, "|", |n| format!("{n:x}"))),
        // As long a text.
        format!("any where a == \"{}\"", "x".repeat(260_000)),
        format!("any where `{}` == 1", "x".repeat(260_000)),
        format!("any where a // {}", "x".repeat(260_000)),
        format!("any where {} a", "//\n".repeat(80_000)),
    ];
    let refused = [
        format!("any where {}a", "(".repeat(1_000_000)),
        format!("any where a == \"{}\"", "x".repeat(10_000_000)),
        format!("any where a in ({}1)", "1,".repeat(100_000)),
        format!("any where a like \"{}\"", "*a".repeat(120_000)),
        format!("any where {}", many(3_900, " and ", |n| format!("f{n}(1)"))),
        sequence(64, &stages(257)),
        sequence(64, &many(10, "", |n| format!("[a where b == {n}] with runs=100"))),
        format!("sample by k {}", stages(17)),
        sequence(5_000, &many(200, "", |_| "[a where b]".to_owned())),
        regex(&format!("a{}", "+".repeat(200_000))),
        regex("((((a{100}){100}){100}){100}){100}"),
        regex(&many(60_000, "", |n| {
            char::from_u32(0x10000 + n as u32).map_or(String::new(), String::from)
        })),
    ];
    let all = accepted.iter().map(|query| (query, true));
    for (query, accepted) in all.chain(refused.iter().map(|query| (query, false))) {
        let peak = compile(query, accepted);
        assert!(peak < LIMIT_BYTES, "{} KiB for {query:.80}", peak >> 10);
    }
}
