//! `auditd.data.*`: any key of any record, by the name that Auditbeat gives it.

use super::super::decoded;
use super::super::group::Record;
use super::super::take::Sink;
use super::super::view::decimal;
use super::{Reader, give};
use crate::record::tables::{arch_name, signal_name};
use crate::record::{RawValue, RecordType, fields, nested};
use crate::value::Scalar;

impl<'g> Reader<'g, '_> {
    /// The first record that has the key, the main one before all others.
    pub(super) fn data(&mut self, key: &[u8], sink: Sink<'_>) {
        self.data_from(key, |this| this.find_data(key), sink);
    }

    /// The same; `find` says where a key is that is no token of the main record.
    pub(in crate::event) fn data_from(
        &mut self,
        key: &[u8],
        find: impl FnOnce(&Self) -> Option<(RecordType, RawValue<'g>)>,
        sink: Sink<'_>,
    ) {
        match key {
            b"syscall" => return self.syscall(sink),
            b"arch" => return self.arch(sink),
            b"exit" => return self.exit(sink),
            b"tty" if self.view.tokens.tty.is_some_and(|tty| !tty.is_empty()) => {
                if let Some(tty) = self.view.tokens.tty {
                    give(tty, &mut self.scratch.text, sink);
                }
                return;
            }
            b"a0" | b"a1" | b"a2" | b"a3" if self.view.is_call => {
                let index = usize::from(key.get(1).map_or(0, |digit| digit.wrapping_sub(b'0')));
                if let Some(value) = self.view.tokens.args.get(index).copied().flatten() {
                    give(value, &mut self.scratch.text, sink);
                }
                return;
            }
            _ => {}
        }
        let Some((record, value)) = find(self) else { return };
        if key == b"sig" && record == RecordType::SECCOMP {
            let number = value.bytes().and_then(decimal).and_then(|n| u32::try_from(n).ok());
            if let Some(name) = number.and_then(signal_name) {
                return sink.word(name);
            }
        }
        self.decoded(record, key, value, sink);
    }

    /// Where `auditd.data.KEY` is.
    pub(super) fn find_data(&self, key: &[u8]) -> Option<(RecordType, RawValue<'g>)> {
        let main = self.view.main?;
        let in_record = |record: Record<'g>| {
            if record.kind == RecordType::EXECVE && key != b"argc" {
                return None;
            }
            let mut inside = None;
            for field in fields(record.body) {
                match field.value {
                    RawValue::Nested(text) => inside = inside.or(Some(text)),
                    value if is_key(field.key, key) => return Some((record.kind, value)),
                    _ => {}
                }
            }
            let field = nested(inside?).find(|field| is_key(field.key, key))?;
            Some((record.kind, field.value))
        };
        let in_main = if self.view.may_have(key) { in_record(main) } else { None };
        in_main.or_else(|| {
            let records = self.view.group.records();
            let mut others =
                records.filter(|record| !self.view.is_main(*record) && has_data(record.kind));
            others.find_map(in_record)
        })
    }

    fn syscall(&mut self, sink: Sink<'_>) {
        let Some(logged) = self.view.tokens.syscall else { return };
        match self.view.name {
            Some(name) => {
                sink.word(name);
                // What a multiplexed call is to everybody else.
                if let Some(meant) = self.view.call.filter(|call| *call != name) {
                    sink.word(meant);
                }
                if let Some(alias) = kernel_name(name) {
                    sink.word(alias);
                }
            }
            None => give(logged, &mut self.scratch.text, sink),
        }
    }

    fn arch(&mut self, sink: Sink<'_>) {
        let Some(logged) = self.view.tokens.arch else { return };
        match self.view.arch.and_then(arch_name) {
            Some(name) => sink.word(name),
            None => give(logged, &mut self.scratch.text, sink),
        }
    }

    /// The name of the error, as Auditbeat has it, or the number.
    fn exit(&mut self, sink: Sink<'_>) {
        let Some(logged) = self.view.tokens.exit else { return };
        match decoded::errno(&self.view) {
            Some(name) => sink.word(name),
            None => sink.value(Scalar::Str(&crate::record::text::text_of(logged))),
        }
    }
}

/// Dashes in keys are underscores in field names.
fn is_key(logged: &[u8], key: &[u8]) -> bool {
    let same = |(a, b): (&u8, &u8)| a == b || (*a == b'-' && *b == b'_');
    logged.len() == key.len() && logged.iter().zip(key).all(same)
}

/// Records whose keys are data of the event itself; the others have fields of their own.
pub(in crate::event) fn has_data(kind: RecordType) -> bool {
    !matches!(
        kind,
        RecordType::PATH
            | RecordType::CWD
            | RecordType::PROCTITLE
            | RecordType::SOCKADDR
            | RecordType::SOCKETCALL
    )
}

/// The kernel's name where the audit tools use another.
fn kernel_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "pread" => "pread64",
        "pwrite" => "pwrite64",
        // As on the other architectures.
        "pread64" => "pread",
        "pwrite64" => "pwrite",
        "newfstat" => "fstat",
        _ => return None,
    })
}
