//! Lines that stay the same but for a few values.

use super::super::tests::{Read, long_way, names, short_way};
use super::*;

/// Numbers that look like chance.
struct Dice(u32);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }

    /// Nearly always the first.
    fn pick<'t>(&mut self, usual: u32, texts: &[&'t str]) -> &'t str {
        let at = if self.below(1000) < usual as usize { 0 } else { self.below(texts.len()) };
        texts[at]
    }
}

/// A line of few shapes and few values, `usual` of a thousand of them the same.
fn line(dice: &mut Dice, usual: u32) -> String {
    let mut line = format!(r#"{{"t":{},"#, dice.below(1000));
    line += r#""b":{"no":"#;
    line += dice.pick(usual, &["\"abc\"", "\"abd\"", "7", "[1,2]", "[]", "null", "\"é\""]);
    line += r#","c":"#;
    line += dice.pick(usual, &["\"host\"", "\"hos\\u0074\"", "1.5", "12", "true", "{\"x\":1}"]);
    line += dice.pick(usual, &[r#","d.e":"k"},"#, r#","d.e":"k"},"new":0,"#, r#"},"#]);
    line += &format!(r#""l":{},"#, dice.pick(usual, &[r#"["p","q"]"#, "[]", r#"["p",{"x":1}]"#]));
    line += dice.pick(usual, &[r#""no":"x","a":"#, r#""no":"y","a":"#, r#""no":"x","aa":"#]);
    line += &format!("{}", dice.below(1000));
    line +=
        dice.pick(usual, &[r#","z":{"z":"zz"}}"#, r#","z":{"z":"zz"}} "#, r#","z":{"z":"zz"}}x"#]);
    line
}

/// Reads lines, and sees to it that each gives what it gives the long way; how many were read by their shape.
fn known(shapes: &mut Shapes, lines: impl Iterator<Item = String>) -> usize {
    let names = names();
    let mut known = 0;
    for line in lines {
        let expected = long_way(&names, line.as_bytes());
        let read = short_way(shapes, line.as_bytes());
        known += usize::from(read.is_some());
        match read {
            Some(read) => assert_eq!(Some(read), expected, "{line}"),
            None if expected.is_some() => shapes.learn(&names, line.as_bytes()),
            None => {}
        }
    }
    known
}

fn stretches(shapes: &Shapes) -> usize {
    shapes.tree.iter().filter(|branch| branch.stretch != NONE).count()
}

#[test]
fn what_stays_the_same_gives_what_it_gave_before() {
    for usual in [1000, 999, 990, 950, 800, 0] {
        let (mut dice, mut shapes) = (Dice(7), Shapes::default());
        let known = known(&mut shapes, (0..20_000).map(|_| line(&mut dice, usual)));
        assert!(known > 10_000 || usual < 900, "{usual}: {known}");
        assert!(stretches(&shapes) > 3 || usual < 990, "{usual}: {}", stretches(&shapes));
    }
}

#[test]
fn one_text_is_compared_from_a_value_to_another() {
    let mut shapes = Shapes::default();
    let line =
        |at: usize| format!(r#"{{"a":{at},"b":{{"c":"x","no":[1]}},"l":[1,"y"],"t":{at},"z":0}}"#);
    known(&mut shapes, (0..100).map(line));
    // From `c`, from `no`, from `l`, and from `z` to the end.
    assert_eq!(stretches(&shapes), 4);
    let text = String::from_utf8(shapes.stretches.text.clone()).unwrap();
    assert!(text.contains(r#""x","no":[1]},"l":[1,"y"],"t":"#), "{text}");
    let read: Read = vec![
        (1, 0, "Int(5)".into()),
        (3, 0, r#"Text("x")"#.into()),
        (6, 0, "Int(1)".into()),
        (6, 0, r#"Text("y")"#.into()),
    ];
    let names = names();
    assert_eq!(long_way(&names, line(5).as_bytes()), Some(read.clone()));
    assert_eq!(short_way(&mut shapes, line(5).as_bytes()), Some(read));
}

#[test]
fn something_else_where_a_stretch_ended_is_read_and_learnt() {
    let mut shapes = Shapes::default();
    let line = |last: &str| format!(r#"{{"a":1,"no":"x","b":{{"c":"y"}},"l":{last}}}"#);
    known(&mut shapes, (0..100).map(|at| line(&at.to_string())));
    assert!(stretches(&shapes) > 0);
    for other in [r#"{"x":1}"#, "[]", r#"[{"x":3}]"#] {
        let lines = (0..100).map(|_| line(other));
        assert!(known(&mut shapes, lines) > 90, "{other}");
    }
}

#[test]
fn a_long_line_of_what_stays_the_same_is_cut_into_stretches() {
    let mut shapes = Shapes::default();
    let line = |last: usize| {
        let values: String = (0..2000).map(|at| format!(r#","n{at}":"{at}""#)).collect();
        format!(r#"{{"a":1,"b":{{"c":"x"}}{values},"l":{last}}}"#)
    };
    known(&mut shapes, (0..40).map(line));
    assert!(stretches(&shapes) > 1900, "{}", stretches(&shapes));
    let longest = shapes.stretches.list.iter().map(|stretch| stretch.end - stretch.start).max();
    // And the name of the value that it ends in front of.
    assert!(longest.is_some_and(|longest| longest as usize <= MAX_LENGTH + 20), "{longest:?}");
}

#[test]
fn what_changes_again_and_again_fills_no_memory() {
    let mut shapes = Shapes::default();
    for round in 0..2000 {
        let values = format!("{round:0500}");
        let line = |at: usize| format!(r#"{{"a":{at},"no":"{values}","l":"{values}","t":{at}}}"#);
        known(&mut shapes, (0..20).map(line));
        shapes.stretches.seen.iter_mut().for_each(|seen| seen.lines = 0);
    }
    let Stretches { list, text, told, words, .. } = &shapes.stretches;
    assert!(list.len() < MAX_STRETCHES + 8 && told.len() < MAX_STRETCHES + 8);
    assert!(text.len() < MAX_BYTES + 4096 && words.len() < MAX_BYTES + 4096);
    assert!(stretches(&shapes) > 0);
}
