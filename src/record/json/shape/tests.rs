//! Shapes of lines.

use super::reading::string;
use super::*;

/// What a line gives: name, dots and value of each scalar.
pub(super) type Read = Vec<(u32, u32, String)>;

const ASKED: [&str; 6] = ["a", "b.c", "b.d.e", "l", "l.x", "fields.a"];

pub(super) fn names() -> Names {
    let mut names = Names::default();
    ASKED.iter().for_each(|name| assert!(names.add(name) > 0));
    names
}

pub(super) fn long_way(names: &Names, line: &[u8]) -> Option<Read> {
    let mut read = Read::new();
    let each = &mut |name, dots, value: Atom<'_>| read.push((name, dots, format!("{value:?}")));
    (names.read(line, each) == Ok(0)).then_some(read)
}

pub(super) fn short_way(shapes: &mut Shapes, line: &[u8]) -> Option<Read> {
    let mut read = Read::new();
    let each = &mut |name, dots, value: Atom<'_>| read.push((name, dots, format!("{value:?}")));
    shapes.read(line, each).then_some(read)
}

/// Reads lines one after another, learning each that is not known; gives how many were known, and sees to it
/// that those gave the same as the long way.
fn known(lines: &[&str]) -> usize {
    let (names, mut shapes) = (names(), Shapes::default());
    let mut known = 0;
    for line in lines {
        let expected = long_way(&names, line.as_bytes());
        match short_way(&mut shapes, line.as_bytes()) {
            Some(read) => {
                known += 1;
                assert_eq!(Some(read), expected, "{line}");
            }
            None if expected.is_some() => shapes.learn(&names, line.as_bytes()),
            None => {}
        }
    }
    known
}

#[test]
fn lines_of_one_shape_differ_in_their_values() {
    let lines = [
        r#"{"a":1,"b":{"c":"x","no":{"a":[1,2]},"d.e":true},"l":["p","q"]}"#,
        r#"{"a":"é","b":{"c":-1.5e3,"no":{"a":[]},"d.e":null},"l":[ ]}"#,
        r#"{"a":12345678901234567890,"b":{"c":"q\"\u00e9\\","no":{"a":["\ud800"]},"d.e":-0},"l":[1 , "\n"]}"#,
    ];
    assert_eq!(known(&lines), 2);
}

#[test]
fn other_shapes_are_learnt_beside_each_other() {
    let lines = [
        r#"{"a":1}"#,
        r#"{"a":1,"l":[{"x":1},{"x":2}]}"#,
        r#"{"a":1,"l":[3]}"#,
        r#"{"a":1,"l":[[3]]}"#,
        r#"{"b":{},"b.c":1,"b":{"c":2}}"#,
        r#"{}"#,
        r#" { "a" : 1 } "#,
        r#"{"_index":"i","fields":{"a":[1]}}"#,
        r#"{"fields":{"a":[1]}}"#,
        r#"{"_source":{"a":1},"b.c":0}"#,
    ];
    assert_eq!(known(&lines), 0);
    assert_eq!(known(&[lines, lines].concat()), lines.len());
}

#[test]
fn a_list_that_goes_on_with_an_object_gives_no_value_twice() {
    let (list, mixed) = (r#"{"l":[3]}"#, r#"{"l":[1,{"x":2}]}"#);
    known(&[list, mixed, r#"{"l":[]}"#, mixed, list, list, mixed, mixed]);
}

#[test]
fn what_is_no_json_is_not_known_however_much_it_looks_like_it() {
    let (names, mut shapes) = (names(), Shapes::default());
    let line = r#"{"a":1,"l":["x"],"no":"y"}"#;
    shapes.learn(&names, line.as_bytes());
    assert!(short_way(&mut shapes, line.as_bytes()).is_some());
    for wrong in [
        "01",
        "1.",
        "-",
        "1e",
        "+1",
        "1-2",
        ".5",
        "tru",
        "nulll",
        "\"\t\"",
        "\"\\x\"",
        "\"",
        "[",
        "{}",
        "",
        "1 1",
        "\"a\"b\"",
        "\"\\ud800\"",
        "1e999",
        "-01",
    ] {
        for (asked, line) in [
            (true, format!(r#"{{"a":{wrong},"l":["x"],"no":"y"}}"#)),
            (true, format!(r#"{{"a":1,"l":[{wrong}],"no":"y"}}"#)),
            (false, format!(r#"{{"a":1,"l":["x"],"no":{wrong}}}"#)),
        ] {
            let expected = long_way(&names, line.as_bytes());
            let read = short_way(&mut shapes, line.as_bytes());
            assert!(read.is_none() || read == expected, "{line}");
            assert!(!asked || expected.is_none() || wrong.is_empty() || wrong == "{}", "{line}");
        }
    }
    for end in 0..line.len() {
        assert_eq!(short_way(&mut shapes, line.get(..end).unwrap().as_bytes()), None);
    }
    assert_eq!(short_way(&mut shapes, format!("{line}}}").as_bytes()), None);
    assert_eq!(short_way(&mut shapes, b"{\"a\":\"\xff\",\"l\":[\"x\"],\"no\":\"y\"}"), None);
}

#[test]
fn strings_end_at_their_quote_wherever_it_falls() {
    for length in 0..100 {
        let text = "x".repeat(length);
        assert_eq!(string(format!("\"{text}\"yy").as_bytes()), Some((length + 2, false)));
        assert_eq!(string(format!("\"{text}\\\"\"yy").as_bytes()), Some((length + 4, true)));
        for wrong in [format!("\"{text}"), format!("\"{text}\u{1f}\""), format!("\"{text}\\")] {
            assert_eq!(string(wrong.as_bytes()), None);
        }
    }
}

#[test]
fn what_is_never_alike_fills_no_memory_and_is_soon_hardly_learnt() {
    let (names, mut shapes) = (names(), Shapes::default());
    for number in 0..100_000 {
        let line = format!(r#"{{"a":1,"n{number}":{{"m{number}":2}}}}"#);
        assert!(short_way(&mut shapes, line.as_bytes()).is_none());
        shapes.learn(&names, line.as_bytes());
    }
    assert!(shapes.tree.len() <= MAX_NODES && shapes.known.len() <= MAX_NODES);
    assert!(shapes.tree.len() < 10_000, "{}", shapes.tree.len());
    let line = br#"{"a":1,"l":2}"#;
    let learnt = (0..1000).find(|_| {
        shapes.learn(&names, line);
        short_way(&mut shapes, line).is_some()
    });
    assert!(learnt.is_some(), "what comes often enough is");
}

#[test]
fn a_tree_that_is_full_is_begun_again() {
    let (names, mut shapes) = (names(), Shapes::default());
    for number in 0..2000 {
        let values: String = (0..40).map(|at| format!(r#","n{number}{at}":0"#)).collect();
        let line = format!(r#"{{"a":{number}{values}}}"#);
        shapes.credit = CREDIT;
        shapes.learn(&names, line.as_bytes());
        assert!(shapes.tree.len() <= MAX_NODES + 64, "{}", shapes.tree.len());
    }
    assert_eq!(short_way(&mut shapes, br#"{"a":0}"#), None);
}

#[test]
fn lines_with_a_byte_changed_are_read_as_the_long_way_reads_them() {
    let lines = [
        r#"{"a":10,"b":{"c":"x\ty","no":{"a":[1,2e3]},"d.e":true},"l":["p",null,-0.5]}"#,
        r#"{"_source":{"a":"é","l":[{"x":1},{"x":"\ud83d\ude00"}]},"no":{}}"#,
    ];
    let bytes = br#"{}[],:"\ 0129-+.eEtfnul"#;
    let names = names();
    let (mut seed, mut alike) = (7_u32, 0);
    for line in lines {
        let mut shapes = Shapes::default();
        for _ in 0..20_000 {
            let mut random = |below: usize| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as usize % below
            };
            let mut changed = line.as_bytes().to_vec();
            for _ in 0..=random(2) {
                let at = random(changed.len());
                match random(3) {
                    0 => {
                        changed.remove(at);
                    }
                    1 => changed.insert(at, bytes[random(bytes.len())]),
                    _ => changed[at] = bytes[random(bytes.len())],
                }
            }
            let expected = long_way(&names, &changed);
            match short_way(&mut shapes, &changed) {
                Some(read) => {
                    alike += 1;
                    // What the long way mends it has no value for at first.
                    let mended = super::super::mended(&changed);
                    let expected = expected.or_else(|| long_way(&names, &mended?));
                    assert_eq!(Some(read), expected, "{}", String::from_utf8_lossy(&changed));
                }
                None if expected.is_some() => shapes.learn(&names, &changed),
                None => {}
            }
        }
    }
    assert!(alike > 1000, "{alike}");
}
