//! [`View`]: the records of one event taken apart, once, for whoever wants a field of it.
//!
//! In: a [`Group`]. Out: the tokens of its main record by key, other records on demand. Nothing is
//! decoded or allocated here.

use super::actions::{self, Row};
use super::group::{Group, Record};
use crate::record::tables::{parse_arch, syscall_name};
use crate::record::{RawValue, RecordType, fields};

/// The tokens of a SYSCALL, URINGOP or user-space record that fields are taken from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tokens<'g> {
    pub(super) arch: Option<&'g [u8]>,
    pub(super) syscall: Option<&'g [u8]>,
    pub(super) success: Option<&'g [u8]>,
    pub(super) exit: Option<&'g [u8]>,
    pub(super) args: [Option<&'g [u8]>; 4],
    pub(super) ppid: Option<&'g [u8]>,
    pub(super) pid: Option<&'g [u8]>,
    pub(super) auid: Option<&'g [u8]>,
    pub(super) uid: Option<&'g [u8]>,
    pub(super) gid: Option<&'g [u8]>,
    pub(super) euid: Option<&'g [u8]>,
    pub(super) egid: Option<&'g [u8]>,
    pub(super) tty: Option<&'g [u8]>,
    pub(super) ses: Option<&'g [u8]>,
    pub(super) comm: Option<RawValue<'g>>,
    pub(super) exe: Option<RawValue<'g>>,
    pub(super) key: Option<RawValue<'g>>,
    /// The text of a program in `msg='…'`.
    pub(super) nested: Option<&'g [u8]>,
    /// `res=` of kernel records that are no system call.
    pub(super) res: Option<&'g [u8]>,
}

impl<'g> Tokens<'g> {
    fn read(body: &'g [u8]) -> Self {
        let mut tokens = Self::default();
        for field in fields(body) {
            let bytes = field.value.bytes();
            let slot = match field.key {
                b"arch" => &mut tokens.arch,
                b"syscall" => &mut tokens.syscall,
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
                b"tty" => &mut tokens.tty,
                b"ses" => &mut tokens.ses,
                b"res" => &mut tokens.res,
                b"msg" => &mut tokens.nested,
                b"comm" => {
                    tokens.comm = tokens.comm.or(Some(field.value));
                    continue;
                }
                b"exe" => {
                    tokens.exe = tokens.exe.or(Some(field.value));
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
        tokens
    }
}

/// See the module page.
#[derive(Debug)]
pub(super) struct View<'g> {
    pub(super) group: &'g Group,
    /// The record the event is about: SYSCALL or URINGOP if there is one, else the first.
    pub(super) main: Option<Record<'g>>,
    pub(super) tokens: Tokens<'g>,
    /// Whether `main` is a system call.
    pub(super) is_call: bool,
    /// The system call that was meant: `connect`, also where the log says `socketcall`.
    pub(super) call: Option<&'static str>,
    pub(super) arch: Option<u32>,
    pub(super) exit: Option<i64>,
    /// `None` when the log does not say.
    pub(super) success: Option<bool>,
    /// ECS names; those of a leading record and of the call where there are both.
    pub(super) rows: [Option<Row>; 2],
}

impl<'g> View<'g> {
    pub(super) fn new(group: &'g Group) -> Self {
        let first = group.records().next();
        let call = group
            .records()
            .find(|r| r.kind == RecordType::SYSCALL || r.kind == RecordType::URINGOP);
        let main = call.or(first);
        let tokens = main.map_or_else(Tokens::default, |main| Tokens::read(main.body));
        let mut view = Self {
            group,
            main,
            tokens,
            is_call: call.is_some(),
            call: None,
            arch: tokens.arch.and_then(parse_arch),
            exit: tokens.exit.and_then(decimal),
            success: None,
            rows: [None, None],
        };
        view.call = view.meant_call();
        view.success = view.outcome();
        view.rows = view.names(first);
        view
    }

    /// The first record of a type.
    pub(super) fn record(&self, kind: RecordType) -> Option<Record<'g>> {
        self.group.first(kind)
    }

    /// Whether the event is an execution that worked.
    pub(super) fn is_exec(&self) -> bool {
        matches!(self.call, Some("execve" | "execveat")) && self.success != Some(false)
    }

    fn meant_call(&self) -> Option<&'static str> {
        let number = u32::try_from(self.tokens.syscall.and_then(decimal)?).ok()?;
        let name = syscall_name(self.arch?, number)?;
        if name != "socketcall" {
            return Some(name);
        }
        // The number in a0 says which of the socket calls was meant.
        Some(match self.tokens.args.first().copied().flatten() {
            Some(b"1") => "socket",
            Some(b"2") => "bind",
            Some(b"3") => "connect",
            Some(b"4") => "listen",
            Some(b"5") => "accept",
            Some(b"9") => "send",
            Some(b"a") => "recv",
            Some(b"b") => "sendto",
            Some(b"c") => "recvfrom",
            Some(b"10") => "sendmsg",
            Some(b"11") => "recvmsg",
            Some(b"12") => "accept4",
            _ => name,
        })
    }

    fn outcome(&self) -> Option<bool> {
        let nested = self
            .tokens
            .nested
            .and_then(|text| super::read::nested_field(text, b"res").and_then(RawValue::bytes));
        match self.tokens.success.or(self.tokens.res).or(nested)? {
            b"yes" | b"1" => Some(true),
            word if word.starts_with(b"suc") => Some(true),
            b"no" | b"0" => Some(false),
            word if word.starts_with(b"fail") => Some(false),
            _ => None,
        }
    }

    fn names(&self, first: Option<Record<'g>>) -> [Option<Row>; 2] {
        let call = self.is_call.then(|| match self.call {
            Some("open" | "openat" | "openat2") if self.created_file() => actions::OPEN_CREATED,
            Some("clone" | "clone3" | "fork" | "vfork") if self.exit.is_none_or(|pid| pid <= 0) => {
                actions::OTHER
            }
            Some(name) => actions::by_syscall(name, self.success != Some(false)),
            None => actions::OTHER,
        });
        let leading = first.filter(|r| r.kind != RecordType::SYSCALL).and_then(|record| {
            if record.kind == RecordType::AVC {
                let apparmor = fields(record.body).any(|field| field.key == b"apparmor");
                return Some(actions::by_avc(apparmor));
            }
            actions::by_record(std::str::from_utf8(record.kind_name).ok()?)
        });
        [leading, call]
    }

    /// Whether an open has made the file it opened.
    fn created_file(&self) -> bool {
        self.success != Some(false)
            && self.group.records().filter(|r| r.kind == RecordType::PATH).any(|path| {
                fields(path.body).any(|f| {
                    matches!(f.key, b"nametype" | b"objtype") && f.value.bytes() == Some(b"CREATE")
                })
            })
    }
}

/// A decimal number with optional minus.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A hexadecimal number without `0x`.
pub(super) fn hexadecimal(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}
