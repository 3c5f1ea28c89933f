//! [`View`]: the records of one event taken apart, once, for whoever wants a field of it.
//!
//! In: a [`Group`]. Out: the tokens of its main record by key, which call was meant and whether it
//! worked, other records on demand. Nothing is decoded or allocated here.

use std::cell::OnceCell;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use smallvec::SmallVec;

use super::group::{Group, Record};
use crate::record::tables::{SOCKET_CALLS, parse_arch, syscall_name};
use crate::record::{
    Enriched, Field, KeyHead, RawValue, RecordType, enriched_behind, fields, in_order, nested,
    plain_value,
};

/// The tokens of a SYSCALL, URINGOP or user-space record that fields are taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens<'g> {
    pub(super) arch: Option<&'g [u8]>,
    pub(super) syscall: Option<&'g [u8]>,
    pub(super) uring_op: Option<&'g [u8]>,
    pub(super) per: Option<RawValue<'g>>,
    pub(super) success: Option<&'g [u8]>,
    pub(super) exit: Option<&'g [u8]>,
    pub(super) args: [Option<&'g [u8]>; 4],
    pub(super) items: Option<RawValue<'g>>,
    pub(super) ppid: Option<&'g [u8]>,
    pub(super) pid: Option<&'g [u8]>,
    pub(super) auid: Option<&'g [u8]>,
    pub(super) uid: Option<&'g [u8]>,
    pub(super) gid: Option<&'g [u8]>,
    pub(super) euid: Option<&'g [u8]>,
    pub(super) egid: Option<&'g [u8]>,
    pub(super) suid: Option<&'g [u8]>,
    pub(super) sgid: Option<&'g [u8]>,
    pub(super) fsuid: Option<&'g [u8]>,
    pub(super) fsgid: Option<&'g [u8]>,
    pub(super) tty: Option<&'g [u8]>,
    pub(super) ses: Option<&'g [u8]>,
    pub(super) comm: Option<RawValue<'g>>,
    pub(super) exe: Option<RawValue<'g>>,
    pub(super) subj: Option<RawValue<'g>>,
    pub(super) key: Option<RawValue<'g>>,
    /// The text of a program in `msg='…'`.
    pub(super) nested: Option<&'g [u8]>,
    /// `res=` of kernel records that are no system call.
    pub(super) res: Option<&'g [u8]>,
    /// The first `exe=` and the last `res=` of that text.
    pub(super) said_exe: Option<RawValue<'g>>,
    pub(super) said_res: Option<RawValue<'g>>,
}

/// The keys of a SYSCALL record as the kernel writes it.
const CALL_KEYS: [&[u8]; 27] = [
    b"arch", b"syscall", b"per", b"success", b"exit", b"a0", b"a1", b"a2", b"a3", b"items",
    b"ppid", b"pid", b"auid", b"uid", b"gid", b"euid", b"suid", b"fsuid", b"egid", b"sgid",
    b"fsgid", b"tty", b"ses", b"comm", b"exe", b"subj", b"key",
];

/// [`CALL_KEYS`] as words begin with them. Those before `tty` are numbers and words of the kernel's.
#[expect(clippy::indexing_slicing, reason = "the compiler runs this, and stops where it is wrong")]
const CALL_HEADS: [KeyHead; CALL_KEYS.len()] = {
    let mut heads = [KeyHead::new(b"", true); CALL_KEYS.len()];
    let (mut index, mut is_bare) = (0, true);
    while index < CALL_KEYS.len() {
        is_bare = is_bare && !matches!(CALL_KEYS[index], b"tty");
        heads[index] = KeyHead::new(CALL_KEYS[index], is_bare);
        index += 1;
    }
    heads
};

impl<'g> Tokens<'g> {
    /// The tokens, and whether they are all that the record has besides its [`CALL_KEYS`].
    fn read(body: &'g [u8], kind: RecordType) -> (Self, bool) {
        let call = if kind == RecordType::SYSCALL { Self::read_call(body) } else { None };
        call.map_or_else(|| (Self::read_any(body), false), |tokens| (tokens, true))
    }

    /// The tokens of a SYSCALL record as the kernel writes it: every key at most once and in its place.
    /// Several times as fast as looking at every token; `None` when anything else is there.
    fn read_call(body: &'g [u8]) -> Option<Self> {
        let [
            arch,
            syscall,
            per,
            success,
            exit,
            a0,
            a1,
            a2,
            a3,
            items,
            ppid,
            pid,
            auid,
            uid,
            gid,
            euid,
            suid,
            fsuid,
            egid,
            sgid,
            fsgid,
            rest @ ..,
        ] = in_order(body, &CALL_HEADS)?;
        let [tty, ses, comm, exe, subj, key] = rest;
        let plain = |value: Option<&'g [u8]>| match value {
            None => Some(None),
            Some(text) => plain_value(text).map(Some),
        };
        let args = [a0, a1, a2, a3];
        let (per, items) = (per.map(RawValue::Bare), items.map(RawValue::Bare));
        let tty = plain(tty)?.and_then(RawValue::bytes);
        let ses = plain(ses)?.and_then(RawValue::bytes);
        let (comm, exe) = (plain(comm)?, plain(exe)?);
        let (subj, key) = (plain(subj)?, plain(key)?);
        Some(Self {
            arch,
            syscall,
            per,
            success,
            exit,
            args,
            items,
            ppid,
            pid,
            auid,
            uid,
            gid,
            euid,
            egid,
            suid,
            sgid,
            fsuid,
            fsgid,
            tty,
            ses,
            comm,
            exe,
            subj,
            key,
            ..Self::default()
        })
    }

    /// The tokens of any record.
    fn read_any(body: &'g [u8]) -> Self {
        let mut tokens = Self::default();
        for field in fields(body) {
            let bytes = field.value.bytes();
            let slot = match field.key {
                b"arch" => &mut tokens.arch,
                b"syscall" => &mut tokens.syscall,
                b"uring_op" => &mut tokens.uring_op,
                b"success" => &mut tokens.success,
                b"exit" => &mut tokens.exit,
                b"a0" => &mut tokens.args[0],
                b"a1" => &mut tokens.args[1],
                b"a2" => &mut tokens.args[2],
                b"a3" => &mut tokens.args[3],
                b"ppid" => &mut tokens.ppid,
                b"pid" => &mut tokens.pid,
                b"auid" => &mut tokens.auid,
                b"uid" => &mut tokens.uid,
                b"gid" => &mut tokens.gid,
                b"euid" => &mut tokens.euid,
                b"egid" => &mut tokens.egid,
                b"suid" => &mut tokens.suid,
                b"sgid" => &mut tokens.sgid,
                b"fsuid" => &mut tokens.fsuid,
                b"fsgid" => &mut tokens.fsgid,
                b"tty" => &mut tokens.tty,
                b"ses" => &mut tokens.ses,
                b"res" => &mut tokens.res,
                b"msg" => &mut tokens.nested,
                b"per" => {
                    tokens.per = tokens.per.or(Some(field.value));
                    continue;
                }
                b"items" => {
                    tokens.items = tokens.items.or(Some(field.value));
                    continue;
                }
                b"comm" => {
                    tokens.comm = tokens.comm.or(Some(field.value));
                    continue;
                }
                b"exe" => {
                    tokens.exe = tokens.exe.or(Some(field.value));
                    continue;
                }
                b"subj" => {
                    tokens.subj = tokens.subj.or(Some(field.value));
                    continue;
                }
                b"key" => {
                    tokens.key = tokens.key.or(Some(field.value));
                    continue;
                }
                _ => continue,
            };
            // The first of repeated keys counts.
            *slot = slot.or(bytes);
        }
        for field in tokens.nested.into_iter().flat_map(nested) {
            match field.key {
                b"exe" => tokens.said_exe = tokens.said_exe.or(Some(field.value)),
                // Programs write it last: one before stands in a name that somebody else has chosen.
                b"res" => tokens.said_res = Some(field.value),
                _ => {}
            }
        }
        tokens
    }
}

/// See the module page.
#[derive(Debug)]
pub(super) struct View<'g> {
    pub(super) group: &'g Group,
    /// The record the event is about: SYSCALL or URINGOP if there is one, else the leading one.
    pub(super) main: Option<Record<'g>>,
    /// The record that gives the event its type.
    pub(super) leading: Option<Record<'g>>,
    pub(super) tokens: Tokens<'g>,
    /// `main` has no keys but [`CALL_KEYS`], each at most once.
    pub(super) is_plain: bool,
    /// Whether `main` is a system call or its like.
    pub(super) is_call: bool,
    /// The system call that was meant: `connect`, also where the log says `socketcall` or is of an
    /// io_uring operation.
    pub(super) call: Option<&'static str>,
    /// The number of the system call, and the name of that number.
    pub(super) number: Option<u32>,
    pub(super) name: Option<&'static str>,
    pub(super) arch: Option<u32>,
    pub(super) exit: Option<i64>,
    /// What the log says about success; `None` when it does not say.
    pub(super) result: Option<bool>,
    /// The enriched copies of `main`, once somebody has asked for them.
    copies: OnceCell<Enriched<'g>>,
}

impl<'g> View<'g> {
    pub(super) fn new(group: &'g Group) -> Self {
        let call = group.first(RecordType::SYSCALL).or_else(|| group.first(RecordType::URINGOP));
        let leading = leading(group, call);
        let main = call.or(leading);
        let (tokens, is_plain) =
            main.map_or_else(Default::default, |main| Tokens::read(main.body, main.kind));
        let arch = tokens.arch.and_then(parse_arch);
        let number = tokens.syscall.and_then(decimal).and_then(|n| u32::try_from(n).ok());
        let name = arch.zip(number).and_then(|(arch, number)| syscall_name(arch, number));
        Self {
            is_call: call.is_some(),
            call: meant_call(&tokens, name),
            exit: tokens.exit.and_then(decimal),
            result: result(&tokens),
            group,
            main,
            leading,
            tokens,
            is_plain,
            number,
            name,
            arch,
            copies: OnceCell::new(),
        }
    }

    /// The first record of a type.
    pub(super) fn record(&self, kind: RecordType) -> Option<Record<'g>> {
        self.group.first(kind)
    }

    /// Whether the main record may have a key.
    pub(super) fn may_have(&self, key: &[u8]) -> bool {
        !self.is_plain || CALL_KEYS.contains(&key)
    }

    /// Whether this is the main record.
    pub(super) fn is_main(&self, record: Record<'_>) -> bool {
        self.main.is_some_and(|main| main.is(&record))
    }

    /// All records of a type.
    pub(super) fn records(&self, kind: RecordType) -> impl Iterator<Item = Record<'g>> + use<'g> {
        self.group.all(kind)
    }

    /// The enriched copies of a record. Those of the main one are looked for once: to find out that there are
    /// none takes reading all of it.
    #[inline]
    pub(super) fn enriched(&self, record: Record<'g>) -> Enriched<'g> {
        if self.is_main(record) {
            let search = || match self.is_plain {
                true => enriched_behind(record.body),
                false => fields(record.body).enriched(),
            };
            return self.copies.get_or_init(search).clone();
        }
        fields(record.body).enriched()
    }

    /// The enriched copies of the main record, all of them.
    pub(super) fn copies(&self) -> SmallVec<[Field<'g>; 16]> {
        self.main.into_iter().flat_map(|main| self.enriched(main)).collect()
    }

    /// Whether the event did what it is for. A connection that is still being made, and a call that
    /// was interrupted to be restarted, neither worked nor failed.
    pub(super) fn success(&self) -> Option<bool> {
        const EALREADY: i64 = -114;
        const EINPROGRESS: i64 = -115;
        match self.exit {
            Some(-516..=-512) => None,
            Some(EALREADY | EINPROGRESS) if self.call == Some("connect") => None,
            _ => self.result,
        }
    }

    /// Whether the event is the call of an execution, worked or not.
    pub(super) fn calls_exec(&self) -> bool {
        self.is_call && matches!(self.call, Some("execve" | "execveat"))
    }

    /// Whether the event is an execution that worked. Only those have an EXECVE record, so that it
    /// decides where the result was lost.
    pub(super) fn is_exec(&self) -> bool {
        self.calls_exec()
            && self.result.unwrap_or_else(|| self.record(RecordType::EXECVE).is_some())
    }

    /// `exe=`, of the process or as a program says it.
    pub(super) fn exe(&self) -> Option<RawValue<'g>> {
        self.tokens.exe.or(self.tokens.said_exe)
    }

    /// A field of the program's text, else of the main record itself.
    pub(super) fn said(&self, key: &[u8]) -> Option<RawValue<'g>> {
        let nested = self.tokens.nested.and_then(|text| nested_field(text, key));
        nested.or_else(|| field_of(self.main.filter(|_| self.may_have(key))?, key))
    }

    /// Whether an open has made the file it opened.
    pub(super) fn created_file(&self) -> bool {
        // The name of a file cannot hold a space here, so that most records are done with one search.
        static CREATE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"type=CREATE"));
        let mentioned = |path: &Record<'_>| CREATE.find(path.body).is_some();
        self.records(RecordType::PATH).filter(mentioned).any(|p| name_type(p) == Some(b"CREATE"))
    }
}

/// The system call that was meant by one of this name.
fn meant_call(tokens: &Tokens<'_>, name: Option<&'static str>) -> Option<&'static str> {
    if let Some(operation) = tokens.uring_op {
        return uring_call(decimal(operation)?);
    }
    let name = name?;
    if name != "socketcall" {
        return Some(name);
    }
    // The number in a0 says which of the socket calls was meant.
    let number = tokens.args.first().copied().flatten().and_then(hexadecimal);
    let index = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
    Some(index.and_then(|index| SOCKET_CALLS.get(index)).copied().unwrap_or(name))
}

/// The record that gives an event its type: the kernel writes what it has to say before the system
/// call that caused it. Tools that print events backwards put it last.
fn leading<'g>(group: &'g Group, call: Option<Record<'g>>) -> Option<Record<'g>> {
    let accompanies = |record: &Record<'_>| record.kind.accompanies_syscall();
    let first = group.records().next()?;
    if !accompanies(&first) {
        return Some(first);
    }
    let last = group.records().next_back().filter(|last| !accompanies(last));
    last.or(call).or(Some(first))
}

fn result(tokens: &Tokens<'_>) -> Option<bool> {
    let nested = || tokens.said_res.and_then(RawValue::bytes);
    let starts = |word: &[u8], start: &[u8]| {
        word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    match tokens.success.or(tokens.res).or_else(nested)? {
        b"yes" | b"1" => Some(true),
        b"no" | b"0" => Some(false),
        word if starts(word, b"suc") => Some(true),
        word if starts(word, b"fail") => Some(false),
        _ => None,
    }
}

/// The system call that does what an io_uring operation does.
pub(super) fn uring_call(operation: i64) -> Option<&'static str> {
    Some(match operation {
        9 | 48 => "sendmsg",
        10 => "recvmsg",
        13 => "accept4",
        16 => "connect",
        17 => "fallocate",
        18 => "openat",
        19 => "close",
        21 => "statx",
        22 => "read",
        23 => "write",
        25 => "madvise",
        26 | 47 => "send",
        27 => "recv",
        28 => "openat2",
        30 => "splice",
        33 => "tee",
        34 => "shutdown",
        35 => "renameat2",
        36 => "unlinkat",
        37 => "mkdirat",
        38 => "symlinkat",
        39 => "linkat",
        41 => "fsetxattr",
        42 => "setxattr",
        43 => "fgetxattr",
        44 => "getxattr",
        45 => "socket",
        55 => "ftruncate",
        56 => "bind",
        57 => "listen",
        _ => return None,
    })
}

/// `nametype=` of a PATH record, which old kernels call `objtype=`.
pub(super) fn name_type(path: Record<'_>) -> Option<&[u8]> {
    // One search instead of a dozen tokens. The kernel writes names that hold a space as hexadecimal,
    // so no name can look like this.
    const KEY: &[u8] = b" nametype=";
    static FINDER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(KEY));
    if let Some(at) = FINDER.find(path.body) {
        let rest = path.body.get(at + KEY.len()..)?;
        return rest.split(|byte| *byte <= b' ').next();
    }
    let found = fields(path.body).find(|field| matches!(field.key, b"nametype" | b"objtype"))?;
    found.value.bytes()
}

/// The first field of a record with this key.
pub(super) fn field_of<'g>(record: Record<'g>, key: &[u8]) -> Option<RawValue<'g>> {
    fields(record.body).find(|field| field.key == key).map(|field| field.value)
}

/// The first field of a program's text with this key.
pub(super) fn nested_field<'g>(text: &'g [u8], key: &[u8]) -> Option<RawValue<'g>> {
    nested(text).find(|field| field.key == key).map(|field| field.value)
}

/// A decimal number with optional minus.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Nearly all are a few digits, which cannot overflow.
    if digits.is_empty() || digits.len() > 18 {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return std::str::from_utf8(text).ok()?.parse().ok();
        }
        // 18 digits fit.
        value = i64::wrapping_add(i64::wrapping_mul(value, 10), i64::from(digit));
    }
    Some(if negative { -value } else { value })
}

/// A hexadecimal number without `0x`.
pub(super) fn hexadecimal(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way through a SYSCALL record gives what the long way gives, whatever became of it.
    #[test]
    fn the_expected_order_changes_nothing() {
        let bodies = [
            "arch=c000003e syscall=59 success=yes exit=0 a0=5 a1=6 a2=7 a3=8 items=2 ppid=1 pid=2 \
             auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) \
             ses=4294967295 comm=\"sh\" exe=\"/usr/bin/sh\" subj=unconfined key=(null)",
            "arch=40000003 syscall=102 per=400000 success=no exit=-111 a0=3 a1=ff items=0 ppid=1 \
             pid=2 tty=pts0 comm=7368 exe=\"/x y\" subj=a:b:c (enforce) key=\"k\"\x1dARCH=i386",
            "arch=c000003e syscall=42 a0=3 pid=7 comm=\"a\" exe=(null) key=(null)ARCH=x86_64 UID=\"x\"",
            "syscall=1 arch=2 pid=3 pid=4 comm=\"a b\" comm=\"c\" key=",
        ];
        let mut short = 0;
        let mut check = |body: &[u8]| {
            let read = Tokens::read(body, RecordType::SYSCALL);
            assert_eq!(read.0, Tokens::read_any(body), "{}", String::from_utf8_lossy(body));
            short += u32::from(read.1);
            let is_plain = fields(body).all(|field| CALL_KEYS.contains(&field.key));
            assert!(is_plain || !read.1, "{}", String::from_utf8_lossy(body));
            let copies = fields(body).enriched();
            assert!(
                !read.1 || copies.eq(enriched_behind(body)),
                "{}",
                String::from_utf8_lossy(body)
            );
        };
        for body in bodies.map(str::as_bytes) {
            for at in 0..=body.len() {
                check(&body[..at]);
                for piece in
                    [&b" "[..], b"=", b"\"", b"'", b"{ ", b"\x1d", b"\t", b" pid=9 ", b" x "]
                {
                    check(&[&body[..at], piece, &body[at..]].concat());
                    check(&[&body[..at], piece, &body[(at + 1).min(body.len())..]].concat());
                }
            }
        }
        assert!(short > 500, "{short}");
    }
}
