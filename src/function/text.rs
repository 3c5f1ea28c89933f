//! Functions on text.
//!
//! In: scalars. Out: text, positions, truth. Anything but text where text is wanted gives null.
//! Searching is linear (`memmem`), also without regard to case: both sides are then folded into
//! buffers first, character by character, so positions stay the same.

use memchr::memmem;

use super::{Answer, Buffers, int_arg, text_arg};
use crate::value::{Scalar, fold_char, fold_into};

pub(super) fn length(args: &[Option<Scalar<'_>>]) -> Option<Answer> {
    Some(Answer::Int(count(text_arg(args, 0)?)))
}

/// Every text starts with the empty one.
pub(super) fn starts_with(args: &[Option<Scalar<'_>>], fold: bool) -> Option<Answer> {
    let (text, part) = (text_arg(args, 0)?, text_arg(args, 1)?);
    Some(Answer::Bool(if fold {
        begins_folded(text.chars(), part.chars())
    } else {
        text.starts_with(part)
    }))
}

/// Every text ends with the empty one.
pub(super) fn ends_with(args: &[Option<Scalar<'_>>], fold: bool) -> Option<Answer> {
    let (text, part) = (text_arg(args, 0)?, text_arg(args, 1)?);
    Some(Answer::Bool(if fold {
        begins_folded(text.chars().rev(), part.chars().rev())
    } else {
        text.ends_with(part)
    }))
}

fn begins_folded(mut text: impl Iterator<Item = char>, part: impl Iterator<Item = char>) -> bool {
    part.map(fold_char).all(|wanted| text.next().map(fold_char) == Some(wanted))
}

/// No text contains the empty one.
pub(super) fn contains(
    args: &[Option<Scalar<'_>>],
    fold: bool,
    buffers: &mut Buffers,
) -> Option<Answer> {
    let (text, part) = (text_arg(args, 0)?, text_arg(args, 1)?);
    let (text, part) = comparable(text, part, fold, buffers);
    Some(Answer::Bool(!part.is_empty() && find(text, part).is_some()))
}

/// The position of the first `part` at or behind `start`; the empty part is found at `start` itself.
pub(super) fn index_of(
    args: &[Option<Scalar<'_>>],
    fold: bool,
    buffers: &mut Buffers,
) -> Option<Answer> {
    let (text, part) = (text_arg(args, 0)?, text_arg(args, 1)?);
    let start = int_arg(args, 2, 0)?.max(0);
    let (text, part) = comparable(text, part, fold, buffers);
    let (before, from) = text.split_at_checked(byte_of(text, start)?)?;
    let skipped = from.get(..find(from, part)?)?;
    Some(Answer::Int(count(before) + count(skipped)))
}

/// The text between the first `left` and the first `right` behind it, or the last one if greedy.
pub(super) fn between(
    args: &[Option<Scalar<'_>>],
    fold: bool,
    out: &mut String,
    buffers: &mut Buffers,
) -> Option<Answer> {
    let (text, left, right) = (text_arg(args, 0)?, text_arg(args, 1)?, text_arg(args, 2)?);
    let greedy = match args.get(3) {
        None => false,
        Some(Some(Scalar::Bool(greedy))) => *greedy,
        Some(_) => return None,
    };
    let (folded, folded_left) = comparable(text, left, fold, buffers);
    let start = find(folded, folded_left)? + folded_left.len();
    let start = same_place(folded, start, text)?;
    let behind = text.get(start..)?;
    let (folded, folded_right) = comparable(behind, right, fold, buffers);
    let end = if greedy {
        memmem::rfind(folded.as_bytes(), folded_right.as_bytes())?
    } else {
        find(folded, folded_right)?
    };
    out.push_str(behind.get(..same_place(folded, end, behind)?)?);
    Some(Answer::Text)
}

/// A slice as in Python: negative positions count from the end, what is out of range is clamped, and a
/// range that runs backwards is empty.
pub(super) fn substring(args: &[Option<Scalar<'_>>], out: &mut String) -> Option<Answer> {
    let text = text_arg(args, 0)?;
    let length = count(text);
    let clamp = |at: i64| if at < 0 { at.saturating_add(length).max(0) } else { at.min(length) };
    let start = clamp(int_arg(args, 1, 0)?);
    let end = clamp(int_arg(args, 2, length)?);
    if start < end {
        out.push_str(text.get(byte_of(text, start)?..byte_of(text, end)?)?);
    }
    Some(Answer::Text)
}

/// Both texts as they are or, with `fold`, in lower case in the buffers.
fn comparable<'a>(
    text: &'a str,
    part: &'a str,
    fold: bool,
    buffers: &'a mut Buffers,
) -> (&'a str, &'a str) {
    if !fold {
        return (text, part);
    }
    buffers.source.clear();
    buffers.part.clear();
    fold_into(text, &mut buffers.source);
    fold_into(part, &mut buffers.part);
    (&buffers.source, &buffers.part)
}

/// Byte position of the first `part`.
fn find(text: &str, part: &str) -> Option<usize> {
    memmem::find(text.as_bytes(), part.as_bytes())
}

/// The byte position in `text` of the character that stands at byte `at` of `folded`.
fn same_place(folded: &str, at: usize, text: &str) -> Option<usize> {
    // Folding changes no character's position, and of ASCII no byte's.
    if text.is_ascii() {
        return Some(at);
    }
    byte_of(text, count(folded.get(..at)?))
}

/// Characters in `text`.
fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// Byte position of a character, `None` behind the end.
fn byte_of(text: &str, position: i64) -> Option<usize> {
    let position = usize::try_from(position).ok()?;
    if text.is_ascii() {
        return (position <= text.len()).then_some(position);
    }
    text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).nth(position)
}
