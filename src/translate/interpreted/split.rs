//! The body of an interpreted record → its keys and values.
//!
//! In: a body in which values stand as they are, with blanks, equals signs and quotes of their own. Out:
//! each key with its value. A value ends at the next key that may follow *in the order in which records of
//! this type are written*; where only what stands behind a value is certain (the name of a path, the
//! account that a program speaks of), the body is read from its end. What is ambiguous stays in the
//! value before it. One pass over the body.

use crate::record::RecordType;

/// Longest key.
const KEY_BYTES: usize = 32;

const SYSCALL: &[&[u8]] = &[
    b"arch", b"syscall", b"per", b"success", b"exit", b"a0", b"a1", b"a2", b"a3", b"items",
    b"ppid", b"pid", b"auid", b"uid", b"gid", b"euid", b"suid", b"fsuid", b"egid", b"sgid",
    b"fsgid", b"tty", b"ses", b"comm", b"exe", b"subj", b"key",
];
const URINGOP: &[&[u8]] = &[
    b"uring_op",
    b"success",
    b"exit",
    b"items",
    b"ppid",
    b"pid",
    b"uid",
    b"gid",
    b"euid",
    b"suid",
    b"fsuid",
    b"egid",
    b"sgid",
    b"fsgid",
    b"subj",
    b"key",
];
const OBJ_PID: &[&[u8]] = &[b"opid", b"oauid", b"ouid", b"oses", b"obj", b"ocomm"];
const ABEND: &[&[u8]] =
    &[b"auid", b"uid", b"gid", b"ses", b"subj", b"pid", b"comm", b"exe", b"sig", b"res"];
const USER: &[&[u8]] = &[b"pid", b"uid", b"auid", b"ses", b"subj", b"msg"];
/// What stands behind the name of a path.
const PATH: &[&[u8]] = &[
    b"inode",
    b"dev",
    b"mode",
    b"ouid",
    b"ogid",
    b"rdev",
    b"obj",
    b"nametype",
    b"objtype",
    b"cap_fp",
    b"cap_fi",
    b"cap_fe",
    b"cap_fver",
    b"cap_frootid",
];
/// What programs write last, behind the names that others choose.
const SAID: &[&[u8]] = &[b"exe", b"hostname", b"addr", b"terminal", b"res"];

/// Keys of which others choose the value.
const CHOSEN: &[&[u8]] = &[b"cwd", b"cmd", b"data", b"id", b"new_group", b"grp", b"acct", b"comm"];

/// A key and its value.
pub(super) type Pair<'b> = (&'b [u8], &'b [u8]);

/// A key in a body: where it starts and where its equals sign stands.
#[derive(Debug, Clone, Copy)]
struct Key {
    start: usize,
    equals: usize,
}

/// Calls `each` for every key of a body, in order; gives what stands in front of the first one.
pub(super) fn split<'b>(
    kind: RecordType,
    body: &'b [u8],
    each: &mut impl FnMut(Pair<'b>),
) -> &'b [u8] {
    match kind {
        RecordType::SYSCALL => ordered(body, SYSCALL, each),
        RecordType::URINGOP => ordered(body, URINGOP, each),
        RecordType::OBJ_PID => ordered(body, OBJ_PID, each),
        RecordType::CWD => ordered(body, &[b"cwd"], each),
        RecordType::PROCTITLE => ordered(body, &[b"proctitle"], each),
        RecordType::SOCKADDR => ordered(body, &[b"saddr"], each),
        RecordType::ANOM_ABEND => ordered(body, ABEND, each),
        RecordType::EXECVE => arguments(body, each),
        RecordType::PATH => {
            let (front, back) = cut(body, PATH);
            ordered(front, &[b"item", b"name"], each);
            ordered(back, PATH, each);
            b""
        }
        _ if kind.is_user() => ordered(body, USER, each),
        _ => run(body, &mut is_word, each),
    }
}

/// What a program said: what stands in front of the keys of which others choose the value, which is to
/// stay as it is; then calls `each` for those and for what is behind them.
pub(super) fn said<'b>(
    text: &'b [u8],
    front: &mut Vec<u8>,
    each: &mut impl FnMut(&mut Vec<u8>, Pair<'b>),
) {
    let (before, behind) = cut(text, SAID);
    let mut at = 0;
    let chosen = first(before, &mut |key| rank(CHOSEN, &mut at, key));
    let (verbatim, rest) = before.split_at_checked(chosen).unwrap_or((before, b""));
    front.extend(verbatim.iter().map(|byte| if *byte < b' ' { b' ' } else { *byte }));
    ordered(rest, CHOSEN, &mut |pair| each(front, pair));
    ordered(behind, SAID, &mut |pair| each(front, pair));
}

/// Where the first key stands.
fn first(body: &[u8], is_key: &mut impl FnMut(&[u8]) -> bool) -> usize {
    run(body, is_key, &mut |_| {}).len()
}

/// Keys in their order, each at most once.
fn ordered<'b>(body: &'b [u8], order: &[&[u8]], each: &mut impl FnMut(Pair<'b>)) -> &'b [u8] {
    let mut at = 0;
    run(body, &mut |key| rank(order, &mut at, key), each)
}

/// Whether a key comes at `at` or later in the order, which goes on behind it.
fn rank(order: &[&[u8]], at: &mut usize, key: &[u8]) -> bool {
    let rest = order.get(*at..).unwrap_or_default();
    let Some(found) = rest.iter().position(|known| *known == key) else { return false };
    *at += found + 1;
    true
}

/// The arguments of an execution: each place is one more than the one before.
fn arguments<'b>(body: &'b [u8], each: &mut impl FnMut(Pair<'b>)) -> &'b [u8] {
    // The place of the last argument, and of the last piece of it.
    let mut last: Option<(u64, Option<u64>)> = None;
    let mut is_key = |key: &[u8]| {
        if key == b"argc" {
            return last.is_none();
        }
        let Some((place, piece)) = place(key) else { return false };
        let follows = match (last, piece) {
            (None, _) => true,
            (Some((before, _)), Piece::None | Piece::Length) => {
                before.checked_add(1) == Some(place)
            }
            (Some((before, piece_before)), Piece::At(piece)) => {
                before == place && piece_before.map_or(Some(0), |b| b.checked_add(1)) == Some(piece)
            }
        };
        if follows {
            last = Some((place, if let Piece::At(piece) = piece { Some(piece) } else { None }));
        }
        follows
    };
    run(body, &mut is_key, each)
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    None,
    Length,
    At(u64),
}

/// `a7`, `a7_len` or `a7[3]`.
fn place(key: &[u8]) -> Option<(u64, Piece)> {
    let text = std::str::from_utf8(key.strip_prefix(b"a")?).ok()?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    if let Some(text) = text.strip_suffix("_len") {
        return Some((number(text)?, Piece::Length));
    }
    match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((text, piece)) => Some((number(text)?, Piece::At(number(piece)?))),
        None => Some((number(text)?, Piece::None)),
    }
}

/// Whether a word can be a key of a record whose order is not known.
fn is_word(key: &[u8]) -> bool {
    key.first().is_some_and(u8::is_ascii_lowercase) && super::spelling::is_key(key)
}

/// Cuts a body at every key that `is_key` takes; gives what stands in front of the first one.
fn run<'b>(
    body: &'b [u8],
    is_key: &mut impl FnMut(&[u8]) -> bool,
    each: &mut impl FnMut(Pair<'b>),
) -> &'b [u8] {
    let mut front = body;
    let mut last: Option<Key> = None;
    let mut from = 0;
    for equals in memchr::memchr_iter(b'=', body) {
        let window = body.get(from.max(equals.saturating_sub(KEY_BYTES + 1))..equals);
        let Some(window) = window else { continue };
        let blank = memchr::memrchr(b' ', window);
        let start = match blank {
            Some(blank) => equals - window.len() + blank + 1,
            None if equals == window.len() => 0,
            None => continue,
        };
        if !is_key(body.get(start..equals).unwrap_or_default()) {
            continue;
        }
        match last {
            Some(key) => pair(body, key, start.saturating_sub(1), each),
            None => front = body.get(..start).unwrap_or_default(),
        }
        last = Some(Key { start, equals });
        from = equals + 1;
    }
    if let Some(key) = last {
        pair(body, key, body.len(), each);
    }
    front
}

fn pair<'b>(body: &'b [u8], key: Key, end: usize, each: &mut impl FnMut(Pair<'b>)) {
    let name = body.get(key.start..key.equals).unwrap_or_default();
    each((name, body.get(key.equals + 1..end).unwrap_or_default()));
}

/// Cuts off the longest run of `key=value` words that ends the body and has keys in this order.
fn cut<'b>(body: &'b [u8], order: &[&[u8]]) -> (&'b [u8], &'b [u8]) {
    let (mut end, mut at) = (body.len(), order.len());
    while let Some(before) = body.get(..end)
        && let Some(blank) = memchr::memrchr(b' ', before)
    {
        let word = before.get(blank + 1..).unwrap_or_default();
        let key = word.split(|byte| *byte == b'=').next().filter(|key| key.len() < word.len());
        let known = order.get(..at).unwrap_or_default();
        let Some(found) = key.and_then(|key| known.iter().rposition(|known| *known == key)) else {
            break;
        };
        (end, at) = (blank, found);
    }
    (body.get(..end).unwrap_or_default(), body.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(kind: RecordType, body: &str) -> Vec<String> {
        let mut out = Vec::new();
        split(kind, body.as_bytes(), &mut |(key, value)| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            out.push(format!("{}:{}", text(key), text(value)));
        });
        out
    }

    #[test]
    fn a_value_ends_at_the_next_key_in_order() {
        assert_eq!(
            pairs(
                RecordType::SYSCALL,
                "exit=ENOENT(No such file) a0=AT_FDCWD tty=(none) comm=a b uid=0 exe=/x key=k"
            ),
            [
                "exit:ENOENT(No such file)",
                "a0:AT_FDCWD",
                "tty:(none)",
                "comm:a b uid=0",
                "exe:/x",
                "key:k"
            ]
        );
        assert_eq!(
            pairs(RecordType::EXECVE, "argc=4 a0=sh a1=-c a2=x a3x=1 a9=2 a1=3 a3= a4=y"),
            ["argc:4", "a0:sh", "a1:-c", "a2:x a3x=1 a9=2 a1=3", "a3:", "a4:y"]
        );
        assert_eq!(
            pairs(RecordType::EXECVE, "a7_len=9 a7[0]=a b a7[1]=c a8=d a7[2]=e"),
            ["a7_len:9", "a7[0]:a b", "a7[1]:c", "a8:d a7[2]=e"]
        );
    }

    #[test]
    fn the_name_of_a_path_is_read_from_behind() {
        assert_eq!(
            pairs(
                RecordType::PATH,
                "item=0 name=/tmp/x inode=1 mode=dir inode=7 dev=fe:00 nametype=NORMAL"
            ),
            ["item:0", "name:/tmp/x inode=1 mode=dir", "inode:7", "dev:fe:00", "nametype:NORMAL"]
        );
    }

    #[test]
    fn bodies_without_order_end_values_at_any_key() {
        let mut out = Vec::new();
        let front =
            split(RecordType::AVC, b"avc:  denied  { read } for  pid=7 comm=a b", &mut |pair| {
                out.push(pair);
            });
        assert_eq!(front, b"avc:  denied  { read } for  ");
        assert_eq!(out, [(&b"pid"[..], &b"7"[..]), (b"comm", b"a b")]);
    }
}
