//! One line of `ausearch -i` → the audit record it was made from, as far as that can be told.
//!
//! In: a line with a date in its head and words for numbers. Out: a line as the kernel or a program
//! had written it: numbers where the words leave no doubt, everything else as it is printed, in the
//! encoding of the kernel, so that no value can begin another key, record or event behind this room.
//! Names of users and groups are no numbers: they go where the audit daemon puts names. What cannot be
//! told is never made up. Lines of one event are not looked at together.

mod date;
mod split;
mod words;

use std::io::Write as _;

use memchr::memmem;

use super::{TranslateError, spelling};
use crate::record::raw::head;
use crate::record::tables::{arch_number, is_little_endian, syscall_name};
use crate::record::{HeadError, RecordType};

/// How far into a line its head ends.
const HEAD_BYTES: usize = 512;
/// Longest list of numbers of system calls that is looked through for a name.
const CALLS: u32 = 8192;

/// Memory to work in.
#[derive(Debug, Default)]
pub(super) struct Interpreted {
    /// Seconds by which the dates are ahead of UTC.
    pub(super) offset: i32,
    /// The line with a time that can be read in place of the date.
    stamped: Vec<u8>,
    line: Vec<u8>,
    /// Names, as the daemon appends them.
    tail: Vec<u8>,
    bytes: Vec<u8>,
    said: Vec<u8>,
    calls: Vec<Calls>,
}

/// The calls of an architecture, sorted by name.
#[derive(Debug)]
struct Calls {
    arch: u32,
    numbers: Vec<(&'static str, u32)>,
}

/// What was read of a record before the field at hand.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    arch: Option<u32>,
    call: Option<&'static str>,
}

impl Interpreted {
    /// Calls `each` with the record of a line, or with the line itself where it is no record but belongs
    /// into such a file.
    pub(super) fn record(
        &mut self,
        line: &[u8],
        each: &mut impl FnMut(&[u8]),
    ) -> Result<(), TranslateError> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let line = line.get(..end.map_or(0, |end| end + 1)).unwrap_or_default();
        match head(line) {
            Err(HeadError::Interpreted) => {}
            Err(error) if error.is_malformed() => return Err(error.into()),
            // A record as it was logged, a separator, a message of the kernel.
            _ => {
                each(line);
                return Ok(());
            }
        }
        if !self.stamp(line) {
            return Err(TranslateError::BadDate);
        }
        let stamped = std::mem::take(&mut self.stamped);
        let done = head(&stamped).map(|head| {
            self.line.clear();
            self.tail.clear();
            if let Some(node) = head.node {
                self.line.extend_from_slice(b"node=");
                self.line.extend_from_slice(node);
                self.line.push(b' ');
            }
            self.line.extend_from_slice(b"type=");
            self.line.extend_from_slice(head.kind_name);
            let millis = head.time.as_millis();
            let (seconds, millis) = (millis / 1000, millis % 1000);
            let _ = write!(self.line, " msg=audit({seconds}.{millis:03}:{}):", head.serial);
            // A blank is printed behind every record.
            let body = head.body.strip_suffix(b" ").unwrap_or(head.body);
            self.body(head.kind, body);
            each(&self.line);
        });
        self.stamped = stamped;
        done.map_err(TranslateError::from)
    }

    /// Puts the line with a time in place of its date into `stamped`.
    fn stamp(&mut self, line: &[u8]) -> bool {
        const OPEN: &[u8] = b"audit(";
        let window = line.get(..HEAD_BYTES).unwrap_or(line);
        let parts = memmem::find(window, OPEN).and_then(|at| {
            let (before, rest) = line.split_at_checked(at + OPEN.len())?;
            let end = memchr::memchr(b')', rest.get(..HEAD_BYTES).unwrap_or(rest))?;
            let (date, behind) = rest.split_at_checked(end)?;
            Some((before, date::stamp(date, self.offset)?, behind))
        });
        let Some((before, (millis, serial), behind)) = parts else { return false };
        self.stamped.clear();
        self.stamped.extend_from_slice(before);
        let _ = write!(self.stamped, "{}.{:03}:{serial}", millis / 1000, millis % 1000);
        self.stamped.extend_from_slice(behind);
        true
    }

    fn body(&mut self, kind: RecordType, body: &[u8]) {
        let mut before = Before::default();
        let mut keys: Option<Vec<u8>> = None;
        let at = self.line.len();
        let front = split::split(kind, body, &mut |(key, value)| match key {
            // The keys of several rules: the record holds them all as one.
            b"key" if !kind.is_user() => join(value, keys.get_or_insert_default()),
            b"msg" if kind.is_user() => self.message(kind, value),
            _ => self.field(kind, &mut before, key, value),
        });
        if let Some(keys) = keys {
            self.text(kind, b"key", &keys);
        }
        let is_ordered = kind.accompanies_syscall() || kind == RecordType::SYSCALL;
        if !front.is_empty() && !is_ordered {
            // Such as `avc:  denied  { read } for`; no equals sign makes a key of it.
            self.bytes.clear();
            self.bytes.push(b' ');
            let kept = |byte: &u8| if *byte < b' ' || *byte == b'=' { b' ' } else { *byte };
            self.bytes.extend(front.trim_ascii_end().iter().map(kept));
            self.line.splice(at..at, self.bytes.drain(..));
        }
        if self.line.len() == at {
            self.line.push(b' ');
        }
        if !self.tail.is_empty() {
            self.line.push(0x1d);
            self.line.extend_from_slice(self.tail.trim_ascii_start());
        }
    }

    /// What a program said, between its quotes.
    fn message(&mut self, kind: RecordType, value: &[u8]) {
        let inner = value.strip_prefix(b"'").unwrap_or(value);
        let inner = inner.strip_suffix(b"'").unwrap_or(inner);
        let mut said = std::mem::take(&mut self.said);
        said.clear();
        let tail = &mut self.tail;
        split::said(inner, &mut said, &mut |said, (key, value)| {
            if key == b"id" {
                return id(key, value, said, tail);
            }
            if said.last().is_some_and(|byte| *byte != b' ') {
                said.push(b' ');
            }
            said.extend_from_slice(key);
            said.push(b'=');
            match (key, value) {
                (_, b"?" | b"(null)") => said.extend_from_slice(value),
                (
                    b"exe" | b"cwd" | b"cmd" | b"data" | b"acct" | b"grp" | b"new_group" | b"comm",
                    _,
                ) => {
                    spelling::untrusted(value, said);
                }
                _ => spelling::value(kind, key, value, said),
            }
        });
        self.line.extend_from_slice(b" msg='");
        self.line.extend_from_slice(said.trim_ascii());
        self.line.push(b'\'');
        self.said = said;
    }

    fn field(&mut self, kind: RecordType, before: &mut Before, key: &[u8], value: &[u8]) {
        let text = std::str::from_utf8(value).unwrap_or_default();
        let is_kernel = !kind.is_user() && !kind.is_daemon();
        match key {
            b"arch" => {
                before.arch = arch_number(text);
                if let Some(arch) = before.arch {
                    let _ = write!(self.line, " arch={arch:x}");
                    return;
                }
            }
            b"syscall" => {
                let number = before.arch.and_then(|arch| self.number(arch, text));
                if let Some(number) = number {
                    before.call = before.arch.and_then(|arch| syscall_name(arch, number));
                    let _ = write!(self.line, " syscall={number}");
                    return;
                }
            }
            b"exit" => {
                if let Some(exit) = words::exit(text) {
                    let _ = write!(self.line, " exit={exit}");
                    return;
                }
            }
            b"a0" | b"a1" | b"a2" | b"a3"
                if matches!(kind, RecordType::SYSCALL | RecordType::SOCKETCALL) =>
            {
                return self.argument(*before, key, text);
            }
            b"ses" | b"old-ses" if value == b"unset" => return self.pair(key, b"4294967295"),
            b"res" if is_kernel && matches!(value, b"yes" | b"no") => {
                return self.pair(key, if value == b"yes" { b"1" } else { b"0" });
            }
            b"oflag" => {
                let flags = words::argument("openat", 2, text, is_x86(before.arch));
                if let Some(flags) = flags {
                    let _ = write!(self.line, " oflag=0{flags:o}");
                    return;
                }
            }
            b"resolve" => {
                if let Some(bits) = words::resolve(text) {
                    let _ = write!(self.line, " resolve=0x{bits:x}");
                    return;
                }
            }
            b"flags" if kind == RecordType::MMAP => {
                if let Some(bits) = words::argument("mmap", 3, text, is_x86(before.arch)) {
                    let _ = write!(self.line, " flags=0x{bits:x}");
                    return;
                }
            }
            b"sig" => {
                if let Some(number) = words::signal(text) {
                    let _ = write!(self.line, " sig={number}");
                    return;
                }
            }
            b"list" => {
                if let Some(number) = words::list(text) {
                    let _ = write!(self.line, " list={number}");
                    return;
                }
            }
            b"mode" => {
                if let Some(mode) = words::mode(text) {
                    let _ = write!(self.line, " mode=0{mode:o}");
                    return;
                }
            }
            b"saddr" => return self.address(value, before.arch),
            _ if id_key(key).is_some() => return id(key, value, &mut self.line, &mut self.tail),
            _ if kind == RecordType::EXECVE => return self.of_execution(kind, key, value),
            _ if value == b"none" && holds_capabilities(kind) => return self.pair(key, b"0"),
            _ => {}
        }
        self.text(kind, key, value);
    }

    /// An argument list: what is long is told in pieces, whose lengths count hexadecimal digits.
    fn of_execution(&mut self, kind: RecordType, key: &[u8], value: &[u8]) {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        if key == b"argc" || key.ends_with(b"_len") {
            if is_number {
                self.pair(key, value);
            }
            return;
        }
        if key.ends_with(b"]") {
            self.pair(key, b"");
            return spelling::hex(value, &mut self.line);
        }
        self.pair(key, b"");
        spelling::value(kind, key, value, &mut self.line);
    }

    /// A key and a value that has no need of encoding.
    fn pair(&mut self, key: &[u8], value: &[u8]) {
        self.line.push(b' ');
        self.line.extend_from_slice(key);
        self.line.push(b'=');
        self.line.extend_from_slice(value);
    }

    /// A key and a value as it is printed.
    fn text(&mut self, kind: RecordType, key: &[u8], value: &[u8]) {
        self.pair(key, b"");
        match value {
            // That there was no value is printed as it is logged; text that looks like it cannot be told.
            b"(null)" => self.line.extend_from_slice(value),
            _ => spelling::value(kind, key, value, &mut self.line),
        }
    }

    fn argument(&mut self, before: Before, key: &[u8], text: &str) {
        let place = key.get(1).map_or(0, |digit| digit.wrapping_sub(b'0'));
        let machine = before.arch.map(|arch| arch & 0xffff);
        // sparc, mips, parisc and alpha have constants of their own.
        let is_generic = !machine.is_some_and(|m| [2, 8, 15, 18, 43, 0x9026].contains(&m));
        let plain = text.strip_prefix("0x");
        let number = match plain {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None if is_generic => {
                words::argument(before.call.unwrap_or_default(), place, text, is_x86(before.arch))
            }
            None => None,
        };
        match number {
            Some(number) => {
                self.pair(key, b"");
                let _ = write!(self.line, "{number:x}");
            }
            // A name that would be taken for a number, or nothing.
            None if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => self.pair(key, b"?"),
            None => {
                self.pair(key, b"");
                spelling::word(text.as_bytes(), &mut self.line);
            }
        }
    }

    fn address(&mut self, value: &[u8], arch: Option<u32>) {
        self.bytes.clear();
        // Records are looked at one by one: without a system call most machines are little-endian.
        let is_little = arch.is_none_or(is_little_endian);
        let value = value.trim_ascii();
        if words::address(value, is_little, &mut self.bytes) {
            let bytes = std::mem::take(&mut self.bytes);
            self.pair(b"saddr", b"");
            spelling::hex(&bytes, &mut self.line);
            self.bytes = bytes;
            return;
        }
        self.tail.extend_from_slice(b" SADDR=");
        spelling::word(value, &mut self.tail);
    }

    /// The number of a system call.
    fn number(&mut self, arch: u32, name: &str) -> Option<u32> {
        // `socketcall(connect)`: the call that was meant is an argument too.
        let name = if name.starts_with("socketcall(") { "socketcall" } else { name };
        if let Some(number) = words::unknown(name) {
            return u32::try_from(number).ok();
        }
        if !self.calls.iter().any(|calls| calls.arch == arch) {
            let named = |n| syscall_name(arch, n).map(|name| (name, n));
            let mut numbers: Vec<_> = (0..CALLS).filter_map(named).collect();
            numbers.sort_unstable();
            self.calls.push(Calls { arch, numbers });
        }
        let calls = self.calls.iter().find(|calls| calls.arch == arch)?;
        let at = calls.numbers.partition_point(|(known, _)| *known < name);
        calls.numbers.get(at).filter(|(known, _)| *known == name).map(|(_, number)| *number)
    }
}

/// Adds `a key=b` to the keys of a record, which holds them with a byte 1 between them.
fn join(value: &[u8], keys: &mut Vec<u8>) {
    let mut rest = value;
    loop {
        if !keys.is_empty() {
            keys.push(1);
        }
        let Some(at) = memmem::find(rest, b" key=") else { break };
        keys.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 5..).unwrap_or_default();
    }
    keys.extend_from_slice(rest);
}

/// Whether the machine numbers flags as x86 does; of a record that does not say, not.
fn is_x86(arch: Option<u32>) -> bool {
    matches!(arch.map(|arch| arch & 0xffff), Some(3 | 62))
}

/// Whether the word for no capabilities stands in records of this type.
fn holds_capabilities(kind: RecordType) -> bool {
    matches!(kind, RecordType::PATH | RecordType::BPRM_FCAPS | RecordType::CAPSET)
}

/// What the daemon calls the name behind an id.
fn id_key(key: &[u8]) -> Option<&'static [u8]> {
    Some(match key {
        b"auid" => b"AUID",
        b"uid" => b"UID",
        b"gid" => b"GID",
        b"euid" => b"EUID",
        b"suid" => b"SUID",
        b"fsuid" => b"FSUID",
        b"egid" => b"EGID",
        b"sgid" => b"SGID",
        b"fsgid" => b"FSGID",
        b"ouid" => b"OUID",
        b"ogid" => b"OGID",
        b"oauid" => b"OAUID",
        b"sauid" => b"SAUID",
        b"iuid" => b"IUID",
        b"igid" => b"IGID",
        b"id" => b"ID",
        b"old-auid" => b"OLD-AUID",
        b"obj_uid" => b"OBJ_UID",
        b"obj_gid" => b"OBJ_GID",
        _ => return None,
    })
}

/// An id goes to `line`, a name to `tail`.
fn id(key: &[u8], value: &[u8], line: &mut Vec<u8>, tail: &mut Vec<u8>) {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = match value {
        b"unset" | b"-1" if key == b"oauid" => {
            line.extend_from_slice(b" oauid=-1");
            return;
        }
        b"unset" | b"-1" => Some(u64::from(u32::MAX)),
        _ if is_number => text.parse().ok(),
        _ => words::unknown(text),
    };
    if let Some(number) = number {
        line.push(b' ');
        line.extend_from_slice(key);
        let _ = write!(line, "={number}");
        return;
    }
    let Some(name) = id_key(key) else { return };
    tail.push(b' ');
    tail.extend_from_slice(name);
    tail.extend_from_slice(b"=\"");
    let kept = |byte: &u8| if *byte < b' ' || *byte == b'"' { b'?' } else { *byte };
    tail.extend(value.iter().map(kept));
    tail.push(b'"');
}
