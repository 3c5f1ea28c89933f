//! Compiling a rule takes little memory, however it was written.
//!
//! A test binary of its own with one test, because what is counted is what the whole process allocates.

#[path = "common/worst.rs"]
mod worst;

use catena::engine::{Engine, Limits};
use catena::rule::{RuleSet, load_query, load_text};
use catena::schema::Schema;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// More than this is never needed at once.
const LIMIT_BYTES: usize = 16 << 20;

/// The most memory that was needed at once, beyond what was there before. `accepted` says whether the
/// query can be run.
fn compile(query: &str, accepted: bool) -> usize {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    // As a rule all lints read it too. A file of 10 MB is refused before it is read.
    let loaded = match accepted {
        true => load_text("query.eql", query.to_owned(), &Schema::new()),
        false => load_query(query, &Schema::new()),
    };
    assert_eq!(!loaded.has_errors(), accepted, "{query:.80}");
    let engine = Engine::new(RuleSet::new(loaded.rules), Limits::default());
    assert!(engine.is_ok());
    ALLOCATED.peak_usage().saturating_sub(before)
}

#[test]
fn the_worst_query_compiles_within_16_mib() {
    let (accepted, refused) = (worst::accepted(), worst::refused());
    let all = accepted.iter().map(|query| (query, true));
    for (query, accepted) in all.chain(refused.iter().map(|query| (query, false))) {
        let peak = compile(query, accepted);
        assert!(peak < LIMIT_BYTES, "{} KiB for {query:.80}", peak >> 10);
    }
}
