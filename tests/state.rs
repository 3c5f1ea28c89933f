//! States: the same bytes for the same state, and the same alerts from it for ever.
//!
//! `corpus/state` holds states as they were once written. They are read by every later version, and
//! go on to find what they found when they were written. That restarts change nothing at any point of
//! any stream is shown by `tests/sequences.rs` and `tests/oracle.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

#[path = "hostile/state.rs"]
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;

use catena::engine::{Imported, Limits, Match};
use catena::rule::{RuleSet, load_query};
use catena::schema::Schema;
use catena::state::{State, StateError, VERSION};
use peak_alloc::PeakAlloc;
use world::{GoesOn, World, begin, body, exec, rest, rule_set, wrapped};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// With so little memory that partials were given up while older ones had got further.
const TIGHT: Limits = Limits { total_bytes: 8_700, ..Limits::NONE };

fn half_way(limits: Limits) -> World {
    let mut world = World::new(limits);
    begin(&mut world);
    world
}

/// A match as it is written down: rule, key, time, and of every event its name, its process and the ancestors of that.
fn line(found: &Match) -> String {
    let mut line = format!("{} {:?} {}", found.rule.0, found.keys, found.decided);
    for event in &found.events {
        let Some(event) = event else {
            line += " -";
            continue;
        };
        line += &format!(" {}", event.identity().replace('\0', "/"));
        let process = event.process().map(|process| &**process);
        for one in process.into_iter().chain(process.into_iter().flat_map(|p| p.ancestors())) {
            line += &format!(",{}:{}", one.pid, one.entity_id.get(..8).unwrap());
        }
    }
    line + "\n"
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/state").join(name)
}

/// When this fails the same state has become other bytes: raise `VERSION`, keep reading the old files,
/// and add new ones beside them with `CATENA_WRITE_STATES=1 cargo test --test state`.
#[test]
fn the_same_state_is_the_bytes_it_always_was() {
    for (name, limits) in [("kinds", Limits::NONE), ("scarce", TIGHT)] {
        let path = golden(&format!("{name}.v{VERSION}.state"));
        let written = half_way(limits).engine.export().encode();
        if std::env::var_os("CATENA_WRITE_STATES").is_some() && !path.exists() {
            std::fs::write(&path, &written).unwrap();
        }
        let known = std::fs::read(&path).unwrap_or_default();
        let same = known.iter().zip(&written).take_while(|(a, b)| a == b).count();
        assert!(known == written, "{name}: differs from byte {same} on, see this test");
    }
}

/// What they found stands beside them: which partials are given up may change, what is found with those that were
/// left may not.
#[test]
fn every_state_ever_written_goes_on_where_it_was() {
    let mut files = 0;
    for entry in std::fs::read_dir(golden("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "state") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let mut resumed = half_way(Limits::NONE);
        resumed.found.clear();
        let imported = resumed.engine.import(State::decode(&bytes).unwrap()).unwrap();
        let kept = rule_set().rules().len();
        assert_eq!(imported, Imported { kept, ..Imported::default() }, "{}", path.display());
        rest(&mut resumed);
        resumed.finish();
        let told = resumed.found.iter().map(line).collect::<String>();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap();
        let beside = golden(&format!("{}.found", name.split('.').next().unwrap()));
        if std::env::var_os("CATENA_WRITE_STATES").is_some() && !beside.exists() {
            std::fs::write(&beside, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        assert!(expected.lines().count() > 10, "{}", beside.display());
        assert_eq!(told, expected, "{}", path.display());
        files += 1;
    }
    assert!(files >= 5);
}

/// The corpus of states is worth something only when all there can be is in it.
#[test]
fn the_files_have_something_of_every_kind() {
    let state = format!("{:?}", half_way(Limits::NONE).engine.export());
    for part in [
        "leading: [Timestamp",
        "leading_host: Some",
        "waiting: [(",
        "gap: Some",
        "spoiled: true",
        "leading: Some",
        "slots: [(",
        "Sample(SampleKey",
        "Head { of: 100, left: 9",
        "Tail([M",
        "Unique([[",
        "groups: [(",
        "held: [(",
        "SavedLoss",
        "Json(Json",
        "parent: Some",
        "incomplete: Some",
    ] {
        assert!(state.contains(part), "{part}");
    }
    let tight = half_way(TIGHT).engine.export();
    assert!(format!("{tight:?}").contains("gone: Some"));
}

/// Whoever held the events before: each engine counts what it holds itself.
#[test]
fn an_engine_goes_on_from_what_another_still_holds() {
    let mut world = half_way(Limits::NONE);
    let bytes = world.engine.state_bytes();
    for _ in 0..2 {
        let mut other = World::new(Limits::NONE);
        other.engine.import(world.engine.export()).unwrap();
        assert_eq!(other.engine.state_bytes(), bytes);
        let own = world.engine.export();
        world.engine.import(own).unwrap();
        assert_eq!(world.engine.state_bytes(), bytes);
    }
}

#[test]
fn who_leads_a_process_comes_back() {
    let mut world = World::new(Limits::NONE);
    for (second, name) in [(0, "sshd"), (1, "a"), (2, "a"), (3, "b"), (4, "a")] {
        world.audit(&exec("db1", second, second + 2, name));
    }
    let bytes = world.engine.export().encode();
    let back = format!("{:?}", State::decode(&bytes).unwrap());
    assert_eq!(back, format!("{:?}", world.engine.export()));
    for part in ["session: Itself", "session: Other(", "kind: Some(Sshd)", "user: Some(1000)"] {
        assert!(back.contains(part), "{part}");
    }
    // One that is led by another but has no parent: it comes behind those that refer to nobody.
    assert_eq!(State::decode(&bytes).unwrap().encode(), bytes);
}

#[test]
fn the_order_of_rules_and_of_tables_does_not_matter() {
    let first = half_way(Limits::NONE).engine.export().encode();
    for _ in 0..8 {
        // Seeds of tables are random.
        assert_eq!(half_way(Limits::NONE).engine.export().encode(), first);
    }
}

#[test]
fn an_event_of_many_partials_is_written_once_and_shared_again() {
    let mut world = half_way(Limits::NONE);
    let written = world.engine.export().encode();
    let once = |needle: &[u8]| written.windows(needle.len()).filter(|w| *w == needle).count();
    // One event of eight rules: its EXECVE record stands there once.
    assert_eq!(once(b"a0=\"a\" a1=\"-5\""), 1);
    world.engine.import(State::decode(&written).unwrap()).unwrap();
    world.found.clear();
    rest(&mut world);
    world.finish();
    let all: Vec<_> = world.found.iter().flat_map(|found| found.present()).collect();
    let distinct: BTreeSet<_> = all.iter().map(|event| event.ordinal).collect();
    let pointers: BTreeSet<_> = all.iter().map(|event| std::sync::Arc::as_ptr(event)).collect();
    assert_eq!(pointers.len(), distinct.len());
    assert!(all.len() > 2 * distinct.len(), "events are in several matches");
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let bytes = half_way(Limits::NONE).engine.export().encode();
    assert!((3_000..12_000).contains(&bytes.len()), "{} bytes", bytes.len());
    for length in 0..bytes.len() {
        assert!(State::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut flipped = bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            assert!(State::decode(&flipped).is_err(), "bit {bit} of byte {at}");
            flipped[at] ^= 1 << bit;
        }
    }
    assert_eq!(flipped, bytes);
}

/// The checksum is no protection against whoever can compute one.
#[test]
fn what_is_forged_is_an_error_or_some_state_and_never_takes_much() {
    let mut read = 0;
    let mut reader = GoesOn::new();
    for limits in [Limits::NONE, TIGHT] {
        let bytes = half_way(limits).engine.export().encode();
        let mut forged = body(&bytes).to_vec();
        for at in 0..forged.len() {
            // One bit of each byte here; the fuzz target `state` flips them all, and more.
            let bit = 1 << (at % 8);
            forged[at] ^= bit;
            read += u64::from(reader.on(&forged).is_some());
            forged[at] ^= bit;
        }
        for length in (0..forged.len()).step_by(7) {
            assert!(reader.on(&forged[..length]).is_none(), "cut at {length}");
        }
    }
    assert!(read > 1000, "text and times may be anything: {read}");
    let peak = PEAK.peak_usage_as_mb();
    assert!(peak < 100.0, "{peak} MB for states of a few kilobytes");
}

#[test]
fn errors_say_where_and_why() {
    let bytes = half_way(Limits::NONE).engine.export().encode();
    let error = |bytes: &[u8]| State::decode(bytes).unwrap_err();
    assert_eq!(error(b""), StateError::NotAState);
    assert_eq!(error(b"type=SYSCALL msg=audit(1.000:1): "), StateError::NotAState);
    let mut later = bytes.clone();
    later[8] = 200;
    assert_eq!(error(&later), StateError::Version(200));
    assert_eq!(error(&later).to_string(), "byte 8: format version 200 is not known, only 1 to 2");
    let cut = error(&bytes[..bytes.len() - 1]);
    assert!(matches!(cut, StateError::Length { said, found } if said == found + 1), "{cut}");
    let longer = wrapped(&[body(&bytes), b"more"].concat());
    let said = format!("byte {}: bytes behind the end", 20 + body(&bytes).len());
    assert_eq!(error(&longer).to_string(), said);
}

#[test]
fn rules_that_changed_or_went_are_named_and_dropped() {
    let state = half_way(Limits::NONE).engine.export();
    let mut rules = rule_set().rules().to_vec();
    // Another query, another option, another name, one that is gone.
    let query = r#"process where process.name == "z" | tail 2"#;
    rules[6].query = load_query(query, &Schema::new()).rules.pop().unwrap().query;
    rules[5].options.samples_per_key = 3;
    rules[4].id = "renamed".to_owned();
    rules.remove(0);
    let mut world = World::of(RuleSet::new(rules), Limits::NONE);
    let imported = world.engine.import(state).unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        imported,
        Imported {
            kept: 7,
            changed: names(&["rule-05", "rule-06"]),
            gone: names(&["rule-00", "rule-04"]),
            new: names(&["renamed"]),
        }
    );
    // The others go on as if nothing had happened.
    rest(&mut world);
    let mut whole = half_way(Limits::NONE);
    whole.found.clear();
    rest(&mut whole);
    let of = |world: &World, number: usize, less: u32| {
        let rule = catena::plan::RuleIx(u32::try_from(number).unwrap() - less);
        world.found.iter().filter(|f| f.rule == rule).map(|f| f.decided).collect::<Vec<_>>()
    };
    for number in [1, 2, 3] {
        assert_eq!(of(&world, number, 1), of(&whole, number, 0), "rule {number}");
    }
    assert!(!of(&whole, 1, 0).is_empty() || !of(&whole, 2, 0).is_empty());
}

#[test]
fn parts_that_know_the_same_are_refused() {
    let state = half_way(Limits::NONE).engine.export();
    let twice = State::merge([state.clone(), state.clone()]).unwrap_err();
    assert!(matches!(twice, StateError::Overlap { .. }), "{twice}");
    let mut parts = state.clone().split(2);
    parts[0].attach("position", b"17".to_vec());
    assert_eq!(State::merge(parts.clone()).unwrap().attachment("position"), Some(&b"17"[..]));
    parts[1].attach("position", b"18".to_vec());
    let differ = State::merge(parts).unwrap_err();
    assert_eq!(differ.to_string(), "position: two different attachments of this name");
}

#[test]
fn every_number_of_parts_gives_the_whole_again() {
    let mut world = half_way(Limits::NONE);
    for pid in 100..200 {
        world.audit(&exec("web1", 9, pid, "a"));
    }
    let state = world.engine.export();
    let whole = state.encode();
    for parts in [1, 2, 7, 64, 1000] {
        let split = state.clone().split(parts);
        let keys: Vec<usize> = split.iter().map(State::keys).collect();
        assert_eq!(keys.iter().sum::<usize>(), state.keys());
        assert!(keys.iter().max() < Some(&(state.keys() / 2)) || parts < 7, "{keys:?}");
        // In any grouping, too.
        let mut halves = split;
        let rest = halves.split_off(halves.len() / 2);
        let halves = [rest, halves].map(|half| State::merge(half).unwrap());
        assert_eq!(State::merge(halves).unwrap().encode(), whole, "{parts} parts");
    }
}
