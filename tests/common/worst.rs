//! The dearest queries that are accepted, and hostile ones that are refused.
//!
//! What they cost is bounded by `tests/compile_memory.rs` and measured by `benches/compile.rs`.

/// `number` texts made from their numbers, with `between` between them.
fn many(number: usize, between: &str, text: impl Fn(usize) -> String) -> String {
    (0..number).map(text).collect::<Vec<_>>().join(between)
}

/// A sequence by as many keys.
fn sequence(keys: usize, items: &str) -> String {
    format!("sequence by {} {items}", many(keys, ",", |n| format!("k{n}")))
}

/// As many items, each with a condition of its own.
fn stages(number: usize) -> String {
    many(number, "", |n| format!("[a where b == {n}]"))
}

fn regex(pattern: &str) -> String {
    format!("any where a regex~ \"\"\"{pattern}\"\"\"")
}

/// As large as a query can be, in every way it can be large.
pub(crate) fn accepted() -> Vec<String> {
    vec![
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
        // As much for the lints to compare.
        format!("any where {}", many(999, " or ", |n| format!("process.parent.nam{n:04}"))),
        format!("any where {}", many(3_900, " or ", |n| format!("not u{}", n % 999))),
        format!("any where {}", many(3_900, " or ", |n| format!("b{} == null", n % 999))),
        format!("any where {}", many(2_800, " and ", |n| format!("process.pid == {n}"))),
        many(40, "not (a or ", |_| String::new()).replacen("not", "any where not", 1)
            + &many(2_600, " and ", |n| format!("process.pid != {n}"))
            + &")".repeat(39),
        sequence(
            1,
            &many(256, "", |n| {
                let names = many(24, ",", |m| format!("\"{}\"", n + m));
                format!("[process where process.name in ({names})]")
            }),
        ),
        // As long a text.
        format!("any where a == \"{}\"", "x".repeat(260_000)),
        format!("any where `{}` == 1", "x".repeat(260_000)),
        format!("any where a // {}", "x".repeat(260_000)),
        format!("any where {} a", "//\n".repeat(80_000)),
    ]
}

/// Larger than that.
pub(crate) fn refused() -> Vec<String> {
    vec![
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
    ]
}
