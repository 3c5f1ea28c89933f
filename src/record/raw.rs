//! The head of a line: node, type, time and serial; where the body starts.
//!
//! In: one line without its newline, in any of the shapes that audit logs are handed around in: the
//! file of auditd, a plugin stream, syslog, the kernel log, the default output of `ausearch`. Out:
//! a [`Head`] or the reason why there is none. Never looks into the body.

use std::fmt;

use memchr::memmem;

use crate::record::RecordType;
use crate::time::Timestamp;

/// How far into a line the record may start behind a syslog or kernel prefix.
const PREFIX_BYTES: usize = 256;

/// The head of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// The machine it says it is from: the value of `node=`.
    pub node: Option<&'a [u8]>,
    /// Its type.
    pub kind: RecordType,
    /// The name of its type; as logged when the type has no name in our table.
    pub kind_name: &'a [u8],
    /// When the event happened, by whole milliseconds.
    pub time: Timestamp,
    /// The event's number on its machine; wraps at 2³².
    pub serial: u32,
    /// What follows `): `.
    pub body: &'a [u8],
    /// What stood before the record in the line, such as a syslog header.
    pub prefix: &'a [u8],
    /// The whole line without byte order mark and line end: `body` is its tail.
    pub line: &'a [u8],
}

/// Why a line is not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadError {
    /// Nothing to read: an empty line, or `time->` of `ausearch`. Not a fault.
    Blank,
    /// The `----` that `ausearch` prints between two events. Not a fault.
    Separator,
    /// A message of the kernel about auditing, such as `audit: rate limit exceeded`. Not a fault.
    /// Holds the number behind `audit_lost=`.
    Notice(Option<u64>),
    /// No `type=` where a record would start.
    NoType,
    /// The text behind `type=` cannot be a record type.
    BadType,
    /// No `audit(` behind the type.
    NoStamp,
    /// Not `seconds.milliseconds:serial` between the parentheses.
    BadStamp,
    /// A date between the parentheses: the output of `ausearch -i`, from which neither the exact time
    /// nor all of the original values can be restored. Read only when the user asks for it.
    Interpreted,
    /// What looks like a record stands in the text of another message, where anybody can have put it:
    /// `sshd[7]: Invalid user type=SYSCALL msg=audit(..`.
    Inside,
}

impl HeadError {
    /// Whether something that should have been a record was dropped.
    pub fn is_malformed(self) -> bool {
        !matches!(self, Self::Blank | Self::Separator | Self::Notice(_))
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "empty line",
            Self::Separator => "separator line",
            Self::Notice(_) => "kernel message about auditing",
            Self::NoType => "no `type=`",
            Self::BadType => "not a record type",
            Self::NoStamp => "no `audit(` behind the record type",
            Self::BadStamp => "not `seconds.milliseconds:serial`",
            Self::Interpreted => {
                "output of `ausearch -i`, which lost the values: use `ausearch --raw`, \
                 or --input-format interpreted to read what is left"
            }
            Self::Inside => "a record inside the text of another message",
        })
    }
}

impl std::error::Error for HeadError {}

/// Reads the head of one line. Cost grows with the length of the head, not of the line.
///
/// # Errors
///
/// [`HeadError`]; lines that are no records but belong into such files are told apart from
/// malformed ones by [`HeadError::is_malformed`].
pub fn head(line: &[u8]) -> Result<Head<'_>, HeadError> {
    if let Some(head) = plain(line) {
        return Ok(head);
    }
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let line = trim_end(line);
    anywhere(line)
}

/// Reads the heads of lines one after another. Records of one event come in a row and say time and serial
/// in the same bytes, which need be read but once.
#[derive(Debug, Default)]
pub struct Heads {
    /// What stood in front of `type=` and between the type's name and the body; empty when nothing
    /// can be told from it.
    before: Vec<u8>,
    behind: Vec<u8>,
    time: Timestamp,
    serial: u32,
}

impl Heads {
    /// The head of the next line, as [`head`] reads it, and whether machine, time and serial are those
    /// of the last line that had one.
    ///
    /// # Errors
    ///
    /// Those of [`head`].
    #[inline]
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<(Head<'a>, bool), HeadError> {
        if let Some(head) = self.again(line) {
            return Ok((head, true));
        }
        let head = head(line)?;
        self.remember(line, &head);
        Ok((head, false))
    }

    /// The head of a line that differs from the last one in type and body only.
    #[inline]
    fn again<'a>(&self, line: &'a [u8]) -> Option<Head<'a>> {
        if self.behind.is_empty() || matches!(line.last(), Some(b'\r' | b'\n')) {
            return None;
        }
        // Comparing with nothing costs a masked load from a dangling address: as much as half of a record.
        let rest = match &*self.before {
            [] => line,
            before => line.strip_prefix(before)?,
        };
        let rest = rest.strip_prefix(b"type=")?;
        let space = rest.iter().take(65).position(|b| *b == b' ')?;
        let (name, rest) = rest.split_at_checked(space)?;
        let body = rest.strip_prefix(&*self.behind)?;
        // One more space would belong to the head.
        if body.first() == Some(&b' ') {
            return None;
        }
        let kind = RecordType::from_name(name)?;
        let node = self.before.len().checked_sub(NODE.len() + 1);
        let node = node.and_then(|length| line.get(NODE.len()..NODE.len() + length));
        let kind_name = kind_name(kind, name);
        let (time, serial) = (self.time, self.serial);
        Some(Head { node, kind, kind_name, time, serial, body, prefix: &[], line })
    }

    /// Keeps what the next line may have in common with this one.
    fn remember(&mut self, line: &[u8], head: &Head<'_>) {
        self.before.clear();
        self.behind.clear();
        let before = head.node.map_or(0, |node| NODE.len() + node.len() + 1);
        let Some((before, rest)) = line.split_at_checked(before) else { return };
        let Some(space) = rest.iter().position(|b| *b == b' ') else { return };
        let end = rest.len().saturating_sub(head.body.len());
        let behind = rest.get(space..end).unwrap_or_default();
        let is_plain = head.prefix.is_empty()
            && head.line.len() == line.len()
            && rest.starts_with(b"type=")
            && behind.ends_with(b"): ")
            && head.node.is_none_or(|node| memchr::memchr(b'=', node).is_none());
        if is_plain {
            self.before.extend_from_slice(before);
            self.behind.extend_from_slice(behind);
            (self.time, self.serial) = (head.time, head.serial);
        }
    }
}

/// What stands in front of the name of a machine.
const NODE: &[u8] = b"node=";

/// The name of a type; as logged when it has none in our table.
#[inline]
fn kind_name(kind: RecordType, logged: &[u8]) -> &[u8] {
    if logged.first().is_some_and(u8::is_ascii_digit) || logged.last() == Some(&b']') {
        kind.name().map_or(logged, str::as_bytes)
    } else {
        logged
    }
}

/// The common shapes: `type=X msg=audit(S.mmm:N): ` from the first byte on, or behind `node=NAME `.
fn plain(line: &[u8]) -> Option<Head<'_>> {
    if matches!(line.last(), Some(b'\r' | b'\n')) {
        return None;
    }
    if line.starts_with(b"type=") {
        return record_at(line, 0, None, &[]).ok();
    }
    let named = line.strip_prefix(NODE)?;
    let length = memchr::memchr(b' ', named.get(..PREFIX_BYTES).unwrap_or(named))?;
    let (node, rest) = named.split_at_checked(length)?;
    // A name that may hold what a record begins with is left to the search that decides such cases.
    let is_plain = !node.is_empty() && memchr::memchr(b'=', node).is_none();
    if !is_plain || !rest.starts_with(b" type=") || length + 6 > PREFIX_BYTES - 5 {
        return None;
    }
    record_at(line, length + 6, Some(node), &[]).ok()
}

/// Every other shape: the record may start anywhere in the first bytes.
fn anywhere(line: &[u8]) -> Result<Head<'_>, HeadError> {
    if line.iter().all(u8::is_ascii_whitespace) || line.starts_with(b"time->") {
        return Err(HeadError::Blank);
    }
    if line == b"----" {
        return Err(HeadError::Separator);
    }
    let window = line.get(..PREFIX_BYTES).unwrap_or(line);
    let mut first_error = None;
    for at in memmem::find_iter(window, b"type=") {
        let before = line.get(..at).unwrap_or_default();
        // `subtype=` and the like are not the start of a record.
        if before.last().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            continue;
        }
        let (prefix, node) = split_node(before);
        match record_at(line, at, node, prefix) {
            Ok(_) if !is_wrapper(prefix) => return Err(HeadError::Inside),
            Ok(head) => return Ok(head),
            // A record of which the stamp is wrong: what looks like another one is in its text.
            Err(error @ (HeadError::BadStamp | HeadError::Interpreted)) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| without_type(line, window)))
}

/// The `node=` right before the record, and what stands before that.
fn split_node(before: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(trimmed) = before.strip_suffix(b" ") else { return (before, None) };
    let start = memchr::memrchr(b' ', trimmed).map_or(0, |at| at + 1);
    match trimmed.get(start..).and_then(|token| token.strip_prefix(b"node=")) {
        Some(node) if !node.is_empty() => (before.get(..start).unwrap_or_default(), Some(node)),
        _ => (before, None),
    }
}

/// Whether a record that follows `prefix` is the message itself that syslog, the kernel log or a
/// collector has wrapped, and not a part of its text, which is often the attacker's.
///
/// A header ends with the first colon and blank, behind which only the kernel writes more: a time in
/// brackets and `audit:`. A header without one (RFC 5424) ends with its structured data.
fn is_wrapper(prefix: &[u8]) -> bool {
    /// More words than any header has.
    const WORDS: usize = 8;
    let words = |text: &[u8]| {
        text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count() <= WORDS
    };
    let prefix = prefix.strip_suffix(b"\xEF\xBB\xBF").unwrap_or(prefix);
    if let Some(colon) = memmem::find(prefix, b": ") {
        let (header, rest) = prefix.split_at_checked(colon).unwrap_or((prefix, b""));
        let mut rest = rest.get(2..).unwrap_or_default().trim_ascii();
        while rest.starts_with(b"[")
            && let Some(end) = memchr::memchr(b']', rest)
        {
            rest = rest.get(end + 1..).unwrap_or_default().trim_ascii_start();
        }
        return words(header) && matches!(rest, b"" | b"audit:");
    }
    let prefix = prefix.trim_ascii_end();
    if !prefix.starts_with(b"<") || memchr::memchr(b' ', prefix).is_none() {
        return words(prefix);
    }
    match memchr::memchr(b'[', prefix) {
        Some(data) => prefix.ends_with(b"]") && words(prefix.get(..data).unwrap_or_default()),
        None => prefix.ends_with(b" -") && words(prefix),
    }
}

/// Reads a record whose `type=` is at byte `at`.
#[inline]
fn record_at<'a>(
    line: &'a [u8],
    at: usize,
    node: Option<&'a [u8]>,
    prefix: &'a [u8],
) -> Result<Head<'a>, HeadError> {
    let rest = line.get(at + 5..).unwrap_or_default();
    let space = rest.iter().take(65).position(|b| *b == b' ').ok_or(HeadError::NoStamp)?;
    let (name, rest) = rest.split_at_checked(space).ok_or(HeadError::NoStamp)?;
    let kind = RecordType::from_name(name).ok_or(HeadError::BadType)?;
    let kind_name = kind_name(kind, name);
    // The kernel log has no `msg=`.
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix(b"msg=").unwrap_or(rest);
    let rest = rest.strip_prefix(b"audit(").ok_or(HeadError::NoStamp)?;
    let (time, serial, rest) = match stamp(rest) {
        Some(stamp) => stamp,
        None if is_date(rest) => return Err(HeadError::Interpreted),
        None => return Err(HeadError::BadStamp),
    };
    let body = after_colon(rest);
    Ok(Head { node, kind, kind_name, time, serial, body, prefix, line })
}

/// `seconds.millis:serial)`; gives what follows the parenthesis.
#[inline]
fn stamp(text: &[u8]) -> Option<(Timestamp, u32, &[u8])> {
    let (time, serial, rest) = numbers(text)?;
    Some((time, serial, rest.strip_prefix(b")")?))
}

/// Whether this is `seconds.millis:serial`, of a time that can be told.
pub fn is_stamp(text: &[u8]) -> bool {
    numbers(text).is_some_and(|(_, _, rest)| rest.is_empty())
}

/// `seconds.millis:serial`; gives what follows.
#[inline]
fn numbers(text: &[u8]) -> Option<(Timestamp, u32, &[u8])> {
    let (seconds, rest) = digits(text, 11)?;
    // The fraction is a number of milliseconds, not a decimal fraction: `.5` is 5 ms.
    let (millis, rest) = digits(rest.strip_prefix(b".")?, 3)?;
    let (serial, rest) = digits(rest.strip_prefix(b":")?, 10)?;
    let nanos = i64::try_from(seconds * 1000 + millis).ok()?.checked_mul(1_000_000)?;
    Some((Timestamp(nanos), u32::try_from(serial).ok()?, rest))
}

/// One to `most` digits (at most 11, so the value fits) and what follows them.
#[inline]
fn digits(text: &[u8], most: usize) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    let mut count = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        count += 1;
        if count > most {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    if count == 0 { None } else { Some((value, text.get(count..)?)) }
}

/// Without the colon and up to two spaces on either side of it. Some messages of older daemons have
/// none: `audit(1490000000.477:34) config changed, auid=0`.
#[inline]
fn after_colon(rest: &[u8]) -> &[u8] {
    let rest = skip_spaces(rest);
    skip_spaces(rest.strip_prefix(b":").unwrap_or(rest))
}

/// Without its first one or two spaces.
#[inline]
fn skip_spaces(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    text.strip_prefix(b" ").unwrap_or(text)
}

/// Whether the text before `)` looks like a date of `ausearch -i`.
fn is_date(text: &[u8]) -> bool {
    let inside = text.split(|b| *b == b')').next().unwrap_or_default();
    let colons = memchr::memchr_iter(b':', inside).count();
    colons >= 2 || inside.contains(&b'/')
}

/// What a line without `type=` is: a message of the kernel, or nothing we know.
fn without_type(line: &[u8], window: &[u8]) -> HeadError {
    if memmem::find(window, b"audit: ").is_none() {
        return HeadError::NoType;
    }
    let lost = memmem::find(line, b"audit_lost=")
        .and_then(|at| line.get(at + 11..))
        .and_then(|rest| digits(rest, 11))
        .map(|(count, _)| count);
    HeadError::Notice(lost)
}

/// Without line end characters.
fn trim_end(mut line: &[u8]) -> &[u8] {
    while let Some((b'\r' | b'\n', rest)) = line.split_last() {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(line: &[u8]) -> Head<'_> {
        head(line).unwrap()
    }

    #[test]
    fn reads_the_common_shape() {
        let line = b"type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59";
        let head = ok(line);
        assert_eq!(head.kind, RecordType::SYSCALL);
        assert_eq!(head.kind_name, b"SYSCALL");
        assert_eq!(head.time, Timestamp::from_millis(1_700_000_000_123));
        assert_eq!(head.serial, 456);
        assert_eq!(head.body, b"arch=c000003e syscall=59");
        assert_eq!((head.node, head.prefix), (None, &b""[..]));
    }

    #[test]
    fn reads_every_wrapper() {
        let head = ok(b"node=web01 type=CWD msg=audit(1.002:3): cwd=\"/\"");
        assert_eq!((head.node, head.prefix), (Some(&b"web01"[..]), &b""[..]));
        let head = ok(b"node=type=CWD type=CWD msg=audit(1.002:3): cwd=\"/\"");
        assert_eq!((head.node, head.body), (Some(&b"type=CWD"[..]), &b"cwd=\"/\""[..]));
        let head = ok(b"<13>1 2023 host audisp - node=w type=CWD msg=audit(1.002:3): cwd=\"/\"");
        assert_eq!(head.node, Some(&b"w"[..]));
        assert_eq!(head.prefix, b"<13>1 2023 host audisp - ");
        let head = ok(b"h kernel: [ 1.5] audit: type=1300 audit(1.002:3): arch=c000003e");
        assert_eq!((head.kind, head.kind_name), (RecordType::SYSCALL, &b"SYSCALL"[..]));
        let head = ok(b"\xEF\xBB\xBFtype=CWD msg=audit(1.002:3): cwd=\"/\"\r\n");
        assert_eq!(head.body, b"cwd=\"/\"");
        assert_eq!(head.line, b"type=CWD msg=audit(1.002:3): cwd=\"/\"");
        let head = ok(b"type=AUOMS_EXECVE audit(1.002:3): SchemaVersion=\"1\"");
        assert_eq!((head.kind, head.kind_name), (RecordType::OTHER, &b"AUOMS_EXECVE"[..]));
    }

    /// Whatever lines come one after another, reading them in a row changes nothing.
    #[test]
    fn lines_in_a_row_are_read_like_single_ones() {
        let stamps = ["audit(1.002:3)", "audit(1.002:30)", "audit(01.002:3)", "audit(1.2:3)"];
        let ends =
            [": a=b", ":  a=b", ":", ": ", " : a", " a=b", ": : a", ":  ", ": a\r", ": type=X "];
        let mut lines = Vec::new();
        for start in ["", "node=a ", "node=type=a ", "x node=a ", " ", "node= ", "node=a  "] {
            for kind in ["CWD", "1300", "UNKNOWN[1334]", "AUOMS_EXECVE", "cwd", ""] {
                for (stamp, end) in stamps.iter().flat_map(|s| ends.iter().map(move |e| (s, e))) {
                    lines.push(format!("{start}type={kind} msg={stamp}{end}"));
                }
            }
        }
        let mut rows = 0;
        for step in [1, 3, 7, 11, 40, 240] {
            let mut heads = Heads::default();
            let mut last = None;
            for at in 0..lines.len() * 2 {
                let line = lines[at / 2 * step % lines.len()].as_bytes();
                let single = head(line);
                let (read, again) = match heads.read(line) {
                    Ok((head, again)) => (Ok(head), again),
                    Err(error) => (Err(error), false),
                };
                assert_eq!(read, single, "{}", String::from_utf8_lossy(line));
                let event = single.ok().map(|head| (head.node, head.time, head.serial));
                assert!(!again || event == last, "{}", String::from_utf8_lossy(line));
                rows += u32::from(again);
                last = event.or(last);
            }
        }
        assert!(rows > 1000, "{rows}");
    }

    #[test]
    fn accepts_up_to_two_spaces_around_the_colon() {
        for line in [
            &b"type=CWD msg=audit(1.002:3):cwd=x"[..],
            b"type=CWD msg=audit(1.002:3):  cwd=x",
            b"type=CWD msg=audit(1.002:3)  :  cwd=x",
            b"type=CWD msg=audit(1.002:3) cwd=x",
        ] {
            assert_eq!(ok(line).body, b"cwd=x");
        }
        assert_eq!(ok(b"type=EOE msg=audit(1.002:3):").body, b"");
    }

    #[test]
    fn the_fraction_counts_milliseconds() {
        assert_eq!(ok(b"type=EOE msg=audit(7.5:3): ").time, Timestamp::from_millis(7_005));
        assert_eq!(ok(b"type=EOE msg=audit(7.500:4294967295): ").serial, u32::MAX);
    }

    #[test]
    fn names_what_is_wrong() {
        for (line, error) in [
            (&b"garbage"[..], HeadError::NoType),
            (b"msg=audit(1700000000.100:63): no type", HeadError::NoType),
            (b"filetype=FILE msg=audit(1700000000.100:63): x", HeadError::NoType),
            (b"type=X msg=audit(1700000000): no ms", HeadError::BadStamp),
            (b"type=X msg=audit(): x", HeadError::BadStamp),
            (b"type=X msg=audit(1.1234:1): x", HeadError::BadStamp),
            (b"type=X msg=audit(1.123:4294967296): x", HeadError::BadStamp),
            (b"type=X msg=audit(99999999999.123:1): x", HeadError::BadStamp),
            (b"type=X msg=audit(1.123:1", HeadError::BadStamp),
            (b"type=X msg=lost", HeadError::NoStamp),
            (b"type=X", HeadError::NoStamp),
            (b"type=x msg=audit(1.123:1): x", HeadError::BadType),
            (b"type=X msg=audit(11/14/23 22:13:20.123:456) : x", HeadError::Interpreted),
        ] {
            assert_eq!(head(line), Err(error), "{}", String::from_utf8_lossy(line));
            assert!(error.is_malformed());
        }
    }

    #[test]
    fn a_record_in_the_text_of_another_message_is_none() {
        let record = "type=SYSCALL msg=audit(1.123:1): syscall=59";
        for wrapper in [
            "",
            "Nov 14 22:13:20 host audispd: ",
            "Nov 14 22:13:20 host audispd:",
            "<13>Nov 14 22:13:20 host audisp-syslog[99]: node=web ",
            "2023-11-14T22:13:20.123456+00:00 host tag_audit_log: ",
            "<13>1 2023-11-14T22:13:20Z host audisp-syslog 99 - - ",
            "<13>1 2023-11-14T22:13:20Z host audisp-syslog 99 - - \u{feff}",
            "<13>1 2023-11-14T22:13:20Z host app 99 id [a@1 k=\"some words\"] ",
            "2023-11-14T22:13:20Z host ",
            "audit: ",
            "[   12.345678] audit: ",
            "[   12.345678] ",
            "[Tue Nov 14 22:13:20 2023] audit: ",
            "kern  :notice: [   12.345678] audit: ",
            "Nov 14 22:13:20 h kernel: [   12.345678][   T45] audit: ",
            "Nov 14 22:13:20 h kernel: audit: ",
            "5,123,456,-;audit: ",
        ] {
            let line = format!("{wrapper}{record}");
            assert_eq!(head(line.as_bytes()).map(|head| head.serial), Ok(1), "{line}");
        }
        for text in [
            "Nov 14 22:13:20 host sshd[7]: Invalid user ",
            "Nov 14 22:13:20 host sshd[7]: Invalid user audispd: ",
            "Nov 14 22:13:20 host sshd[7]: Invalid user [x] ",
            "<38>1 2023-11-14T22:13:20Z host sshd 7 - - Invalid user ",
            "<38>1 2023-11-14T22:13:20Z host sshd 7 - - Invalid user - ",
            "<38>1 2023-11-14T22:13:20Z host sshd 7 - - Invalid user audit: ",
            "<38>1 2023-11-14T22:13:20Z host sshd 7 - - Invalid user at the gate: ",
        ] {
            let line = format!("{text}{record}");
            assert_eq!(head(line.as_bytes()), Err(HeadError::Inside), "{line}");
        }
        // The text of a record that cannot be read.
        let line = format!("type=USER_CMD msg=audit(11/14/23 22:13:20.123:7) : msg='cmd={record}'");
        assert_eq!(head(line.as_bytes()), Err(HeadError::Interpreted));
        let line = format!("type=USER_CMD msg=audit(1.123:99999999999): msg='cmd={record}'");
        assert_eq!(head(line.as_bytes()), Err(HeadError::BadStamp));
    }

    #[test]
    fn lines_between_records_are_no_faults() {
        for (line, error) in [
            (&b""[..], HeadError::Blank),
            (b"  \r", HeadError::Blank),
            (b"time->Tue Nov 14 22:13:20 2023", HeadError::Blank),
            (b"----\r", HeadError::Separator),
            (b"[ 12.0] audit: rate limit exceeded", HeadError::Notice(None)),
            (b"audit: audit_lost=7 audit_rate_limit=1", HeadError::Notice(Some(7))),
        ] {
            assert_eq!(head(line), Err(error));
            assert!(!error.is_malformed());
        }
    }
}
