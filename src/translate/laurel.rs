//! One event of LAUREL → the audit records it was made of.
//!
//! In: an object with `ID` and members named after record types. Out: lines as the audit daemon writes
//! them, in the order of the kernel, with an end-of-event record where the kernel writes one, so that
//! everything behind sees nothing but audit records. What LAUREL adds of its own (`PARENT_INFO`,
//! `PPID`, container and script) has no place in them and is passed by. Every value stays inside its
//! record, whatever its bytes are.

use std::io::Write as _;

use super::TranslateError;
use super::spelling;
use super::tape::{At, Cell, Tape};
use crate::record::RecordType;

/// Longest EXECVE record written; the kernel cuts at about this length too.
const EXECVE_BYTES: usize = 16 << 10;
/// Most records of one event: a short member must not become many times its length.
const MAX_RECORDS: usize = 4096;
/// Longest argument that is written in one piece.
const ARGUMENT_BYTES: usize = 7500;

/// What the daemon adds behind the separator, by key.
const ENRICHED: [&str; 21] = [
    "ARCH", "SYSCALL", "AUID", "UID", "GID", "EUID", "SUID", "FSUID", "EGID", "SGID", "FSGID",
    "OUID", "OGID", "OAUID", "SAUID", "IUID", "IGID", "OLD-AUID", "ID", "OBJ_UID", "OBJ_GID",
];

/// Memory to work in.
#[derive(Debug, Default)]
pub(super) struct Laurel {
    /// `node=.. type=` and what follows the type.
    node: Vec<u8>,
    line: Vec<u8>,
    tail: Vec<u8>,
    /// What a program said, between its quotes.
    said: Vec<u8>,
    bytes: Vec<u8>,
    joined: Vec<u8>,
}

impl Laurel {
    /// Calls `each` for every record of the event; gives the number of values left out.
    pub(super) fn records(
        &mut self,
        tape: &Tape,
        each: &mut impl FnMut(&[u8]),
    ) -> Result<u64, TranslateError> {
        let Some(id) = tape.text_of("ID") else { return Err(TranslateError::NoMember("ID")) };
        if !is_id(id) {
            return Err(TranslateError::BadId);
        }
        self.node.clear();
        spelling::node(tape.text_of("NODE").unwrap_or_default(), &mut self.node);
        let (mut left_out, mut records, mut accompanied) = (tape.left_out(), 0, false);
        // What the kernel has to say it writes before the system call, everything else behind it.
        for turn in [Turn::Lead, Turn::Call, Turn::Rest] {
            for (name, at) in tape.members(0) {
                let Some(kind) = record_type(name) else { continue };
                if Turn::of(kind) != turn {
                    continue;
                }
                accompanied |= !kind.is_single();
                for item in tape.items(at) {
                    if matches!(tape.cell(item), Cell::Object(_)) && records < MAX_RECORDS {
                        records += 1;
                        self.record(tape, id, (name, kind), item, each);
                    } else {
                        left_out += 1;
                    }
                }
            }
        }
        if records == 0 {
            return Err(TranslateError::NoRecords);
        }
        if accompanied {
            self.begin(id, "EOE");
            self.line.push(b' ');
            each(&self.line);
        }
        Ok(left_out)
    }

    fn begin(&mut self, id: &str, name: &str) {
        self.line.clear();
        self.line.extend_from_slice(&self.node);
        let _ = write!(self.line, "type={name} msg=audit({id}):");
    }

    fn record(
        &mut self,
        tape: &Tape,
        id: &str,
        (name, kind): (&str, RecordType),
        at: At,
        each: &mut impl FnMut(&[u8]),
    ) {
        self.begin(id, name);
        self.tail.clear();
        self.said.clear();
        let mut address = None;
        for (key, value) in tape.members(at) {
            match (key, kind) {
                ("ARGV", RecordType::SYSCALL) => self.numbers(tape, value),
                ("ARGV" | "ARGV_STR", RecordType::EXECVE) => {}
                ("ARGV" | "ARGV_STR", RecordType::PROCTITLE) => self.title(tape, value),
                ("saddr", _) => {
                    address = None;
                    self.member(tape, kind, key, value);
                }
                ("SADDR", _) => address = Some(value),
                ("msg", _) if kind.is_user() => self.message(tape, kind, value),
                _ if ENRICHED.contains(&key) => self.enriched(tape, key, value),
                // Whatever else is in upper case LAUREL has added.
                _ if key.starts_with(|c: char| c.is_ascii_uppercase()) => {}
                _ => self.member(tape, kind, key, value),
            }
        }
        if let Some(value) = address
            && !tape.members(at).any(|(key, _)| key == "saddr")
        {
            self.address(tape, value);
        }
        if kind == RecordType::EXECVE {
            return self.arguments(tape, id, at, each);
        }
        self.end(each);
    }

    /// Ends a record: what a program said, then what was enriched.
    fn end(&mut self, each: &mut impl FnMut(&[u8])) {
        if !self.said.is_empty() {
            self.line.extend_from_slice(b" msg='");
            self.line.extend_from_slice(self.said.trim_ascii_start());
            self.line.push(b'\'');
        }
        if !self.tail.is_empty() {
            self.line.push(0x1d);
            self.line.extend_from_slice(self.tail.trim_ascii_start());
        }
        each(&self.line);
    }

    /// `key=value`, of the record itself or, of a program's record, of what it said.
    fn member(&mut self, tape: &Tape, kind: RecordType, key: &str, at: At) {
        let of_kernel = matches!(key, "pid" | "uid" | "auid" | "ses" | "subj");
        if !spelling::is_key(key.as_bytes()) {
            return;
        }
        let Self { line, said, bytes, joined, .. } = self;
        let out = if kind.is_user() && !of_kernel { said } else { line };
        let from = out.len();
        let _ = write!(out, " {key}=");
        let written = match tape.cell(at) {
            Cell::Bool(value) => write!(out, "{value}").is_ok(),
            Cell::Int(value) => write!(out, "{value}").is_ok(),
            Cell::Large(value) => write!(out, "{value}").is_ok(),
            Cell::Float(value) => write!(out, "{value}").is_ok(),
            Cell::Null => {
                out.extend_from_slice(b"(null)");
                true
            }
            Cell::Text { .. } => {
                let text = tape.text(at).unwrap_or_default();
                if let Some((lead, digits)) = number(kind, key, text) {
                    out.extend_from_slice(lead);
                    out.extend_from_slice(digits.as_bytes());
                } else {
                    spelling::percent_decoded(text, bytes);
                    spelling::value(kind, key.as_bytes(), bytes, out);
                }
                true
            }
            // Several rule keys are one key of parts joined by 0x01.
            Cell::List(_) => {
                join(tape, at, 1, bytes, joined);
                spelling::value(kind, key.as_bytes(), joined, out);
                true
            }
            Cell::Object(_) => false,
        };
        if !written {
            out.truncate(from);
        }
    }

    /// `a0` to `a3` of a system call: hexadecimal without `0x`.
    fn numbers(&mut self, tape: &Tape, at: At) {
        for (number, item) in tape.items(at).enumerate() {
            let Some(text) = tape.text(item) else { continue };
            let digits = text.strip_prefix("0x").unwrap_or(text);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                let _ = write!(self.line, " a{number}={digits}");
            }
        }
    }

    /// What a program said, when it was kept apart.
    fn message(&mut self, tape: &Tape, kind: RecordType, at: At) {
        for (key, value) in tape.members(at) {
            self.member(tape, kind, key, value);
        }
        if let Some(text) = tape.text(at) {
            spelling::percent_decoded(text, &mut self.bytes);
            self.said.push(b' ');
            // The text of a program is not encoded; only what would end the record must go.
            let kept = |byte: &u8| if *byte < b' ' { b' ' } else { *byte };
            self.said.extend(self.bytes.iter().map(kept));
        }
    }

    /// What the daemon, or LAUREL in its place, knows about a number.
    fn enriched(&mut self, tape: &Tape, key: &str, at: At) {
        let Some(text) = tape.text(at) else { return };
        spelling::percent_decoded(text, &mut self.bytes);
        let _ = write!(self.tail, " {key}=");
        if matches!(key, "ARCH" | "SYSCALL") {
            spelling::word(&self.bytes, &mut self.tail);
            return;
        }
        self.tail.push(b'"');
        let kept = |byte: &u8| if *byte < b' ' || *byte == b'"' { b'?' } else { *byte };
        self.tail.extend(self.bytes.iter().map(kept));
        self.tail.push(b'"');
    }

    /// The bytes of an address of which only the translation was kept.
    fn address(&mut self, tape: &Tape, at: At) {
        let text = |name: &str| {
            tape.members(at).find(|(key, _)| *key == name).and_then(|(_, value)| tape.text(value))
        };
        let port = tape.members(at).find(|(key, _)| *key == "port").map(|(_, at)| tape.cell(at));
        let port = match port {
            Some(Cell::Int(port)) => u16::try_from(port).unwrap_or(0),
            _ => 0,
        };
        self.bytes.clear();
        match text("addr").and_then(|addr| addr.parse::<std::net::IpAddr>().ok()) {
            Some(std::net::IpAddr::V4(ip)) => {
                self.bytes.extend_from_slice(&[2, 0]);
                self.bytes.extend_from_slice(&port.to_be_bytes());
                self.bytes.extend_from_slice(&ip.octets());
                self.bytes.extend_from_slice(&[0; 8]);
            }
            Some(std::net::IpAddr::V6(ip)) => {
                self.bytes.extend_from_slice(&[10, 0]);
                self.bytes.extend_from_slice(&port.to_be_bytes());
                self.bytes.extend_from_slice(&[0; 4]);
                self.bytes.extend_from_slice(&ip.octets());
                self.bytes.extend_from_slice(&[0; 4]);
            }
            None => {
                let Some(path) = text("path") else { return };
                let mut path_bytes = Vec::new();
                spelling::percent_decoded(path, &mut path_bytes);
                self.bytes.extend_from_slice(&[1, 0]);
                self.bytes.extend_from_slice(&path_bytes);
                self.bytes.push(0);
            }
        }
        self.line.extend_from_slice(b" saddr=");
        spelling::hex(&self.bytes, &mut self.line);
    }

    /// A command line: arguments, each ended by a NUL but the last.
    fn title(&mut self, tape: &Tape, at: At) {
        join(tape, at, 0, &mut self.bytes, &mut self.joined);
        self.line.extend_from_slice(b" proctitle=");
        spelling::untrusted(&self.joined, &mut self.line);
    }

    /// The EXECVE records of an argument list. What LAUREL has left out of it is missing here too: the
    /// count then says so.
    fn arguments(&mut self, tape: &Tape, id: &str, at: At, each: &mut impl FnMut(&[u8])) {
        let member = |name: &str| tape.members(at).find(|(key, _)| *key == name);
        if let Some((_, list)) = member("ARGV") {
            for (number, item) in tape.items(list).enumerate() {
                // A marker in place of arguments that were skipped: from here on places are not known.
                let Some(text) = tape.text(item) else { break };
                spelling::percent_decoded(text, &mut self.bytes);
                self.argument(id, number, each);
            }
        } else if let Some(text) = member("ARGV_STR").and_then(|(_, at)| tape.text(at)) {
            // Joined by spaces: where an argument holds one itself, all but the last are taken not to.
            let count = match member("argc").map(|(_, at)| tape.cell(at)) {
                Some(Cell::Int(count)) => usize::try_from(count).unwrap_or(0),
                _ => usize::MAX,
            };
            for (number, word) in text.splitn(count.max(1), ' ').enumerate() {
                spelling::percent_decoded(word, &mut self.bytes);
                self.argument(id, number, each);
            }
        }
        self.end(each);
    }

    fn argument(&mut self, id: &str, number: usize, each: &mut impl FnMut(&[u8])) {
        if self.line.len() > EXECVE_BYTES {
            each(&self.line);
            self.begin(id, "EXECVE");
        }
        if self.bytes.len() <= ARGUMENT_BYTES {
            let _ = write!(self.line, " a{number}=");
            spelling::untrusted(&self.bytes, &mut self.line);
            return;
        }
        let _ = write!(self.line, " a{number}_len={}", self.bytes.len() * 2);
        let bytes = std::mem::take(&mut self.bytes);
        for (piece, part) in bytes.chunks(ARGUMENT_BYTES).enumerate() {
            if piece > 0 {
                each(&self.line);
                self.begin(id, "EXECVE");
            }
            let _ = write!(self.line, " a{number}[{piece}]=");
            spelling::hex(part, &mut self.line);
        }
        self.bytes = bytes;
    }
}

/// The texts of a list with a byte between them, put into `out`, which is emptied first.
fn join(tape: &Tape, at: At, between: u8, bytes: &mut Vec<u8>, out: &mut Vec<u8>) {
    out.clear();
    for (number, item) in tape.items(at).enumerate() {
        if number > 0 {
            out.push(between);
        }
        spelling::percent_decoded(tape.text(item).unwrap_or_default(), bytes);
        out.extend_from_slice(bytes);
    }
}

/// When a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Lead,
    Call,
    Rest,
}

impl Turn {
    fn of(kind: RecordType) -> Self {
        match kind {
            RecordType::SYSCALL | RecordType::URINGOP => Self::Call,
            _ if kind.accompanies_syscall() => Self::Rest,
            _ => Self::Lead,
        }
    }
}

/// The type that a member is named after; LAUREL's own members have names of no type.
pub(super) fn record_type(name: &str) -> Option<RecordType> {
    let kind = RecordType::from_name(name.as_bytes())?;
    let known = kind.name().is_some() || name.starts_with("UNKNOWN[");
    (known && kind != RecordType::EOE).then_some(kind)
}

/// `seconds.milliseconds:serial`, as the reader of records takes it.
pub(super) fn is_id(id: &str) -> bool {
    crate::record::is_stamp(id.as_bytes())
}

/// A number that JSON has no literal for, as the kernel writes it: what stands in front, and digits.
fn number<'t>(kind: RecordType, key: &str, text: &'t str) -> Option<(&'static [u8], &'t str)> {
    if crate::record::is_encoded(kind, key.as_bytes()) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        let octal = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        return octal.then_some((&b"0"[..], digits));
    }
    let digits = text.strip_prefix("0x")?;
    // These the kernel writes with the prefix.
    let prefixed = matches!(key, "ip" | "code" | "flags" | "resolve");
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && !prefixed).then_some((&b""[..], digits))
}
