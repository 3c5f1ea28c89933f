//! The program a process runs: its name, path, arguments.

use super::super::context::{MAX_COMM, whole_name};
use super::super::host::Profile;
use super::super::take::Sink;
use super::super::view::field_of;
use super::{Reader, Scratch, give};
use crate::record::text::{proctitle_in_place, push_text, text_of};
use crate::record::{RecordType, decode_into};
use crate::value::Scalar;

/// What the kernel appends to the path of a file that is no longer there.
pub(in crate::event) const DELETED: &[u8] = b" (deleted)";

impl Reader<'_, '_> {
    /// `comm` and the file name of the program, in the order of the profile; behind them the name of a
    /// script of which `comm` has but the beginning.
    pub(super) fn process_name(&mut self, sink: Sink<'_>) {
        let comm = self.view.tokens.comm.is_some_and(|value| self.decode(b"comm", value));
        let bytes = &mut self.scratch.bytes;
        if !comm {
            bytes.clear();
        }
        let end = bytes.len();
        if let Some(exe) = self.view.exe() {
            decode_into(b"exe", RecordType::SYSCALL, exe, bytes);
        }
        let may_be_cut = self.load_cut(end);
        let endpoint = self.profile() == Profile::Endpoint;
        let Scratch { args, bytes, text } = &mut *self.scratch;
        let (comm, path) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        let file = file_name(path);
        let (first, second) = if endpoint { (file, comm) } else { (comm, file) };
        if !first.is_empty() {
            give(first, text, sink);
        }
        if !second.is_empty() && second != first {
            give(second, text, sink);
        }
        if may_be_cut
            && let Some(script) = whole_name(comm, args.iter())
            && script != file
        {
            give(script, text, sink);
        }
    }

    /// Whether `comm` may be the beginning of a name that the arguments have.
    fn load_cut(&mut self, comm: usize) -> bool {
        comm == MAX_COMM && self.view.is_exec() && self.load_args()
    }

    pub(super) fn executable(&mut self, sink: Sink<'_>) {
        if let Some(value) = self.view.exe() {
            self.decoded(RecordType::SYSCALL, b"exe", value, sink);
        }
    }

    /// Whether the secure shell writes this record.
    pub(in crate::event) fn is_sshd(&self) -> bool {
        let path = self.view.exe().and_then(crate::record::RawValue::bytes);
        path.is_some_and(|path| matches!(file_name(path), b"sshd" | b"sshd-session" | b"sshd-auth"))
    }

    /// Reads the arguments of an execution; `false` when there are none.
    fn load_args(&mut self) -> bool {
        if !self.has_args {
            self.scratch.args.clear();
            let records = self.view.records(RecordType::EXECVE);
            records.for_each(|record| self.scratch.args.push(record.body));
            self.has_args = true;
        }
        !self.scratch.args.is_empty()
    }

    /// Whether arguments of an execution are known to be missing.
    pub(in crate::event) fn lacks_args(&mut self) -> bool {
        self.load_args();
        self.scratch.args.is_truncated()
    }

    pub(super) fn args(&mut self, sink: Sink<'_>) {
        if self.load_args() {
            let text = &mut self.scratch.text;
            self.scratch.args.iter().for_each(|arg| give(arg, text, sink));
        }
    }

    /// As logged: the number holds also when not all arguments were. Without it the number is unknown.
    pub(super) fn args_count(&mut self, sink: Sink<'_>) {
        self.load_args();
        if let Some(count) = self.scratch.args.count() {
            sink.value(Scalar::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }

    /// Arguments joined by one space; without an EXECVE record of this event nothing: the title that
    /// the kernel keeps is often that of the program before.
    pub(super) fn command_line(&mut self, sink: Sink<'_>) {
        if !self.load_args() {
            return;
        }
        let text = &mut self.scratch.text;
        text.clear();
        for (index, arg) in self.scratch.args.iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            push_text(arg, text);
        }
        sink.value(Scalar::Str(text));
    }

    pub(super) fn title(&mut self, sink: Sink<'_>) {
        let Some(record) = self.view.record(RecordType::PROCTITLE) else { return };
        let Some(value) = field_of(record, b"proctitle") else { return };
        if self.decode(b"proctitle", value) {
            proctitle_in_place(&mut self.scratch.bytes);
            if !self.scratch.bytes.is_empty() {
                sink.value(Scalar::Str(&text_of(&self.scratch.bytes)));
            }
        }
    }
}

/// The last part of a path, without the mark of a deleted file.
fn file_name(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(DELETED).unwrap_or(path);
    memchr::memrchr(b'/', path).and_then(|at| path.get(at + 1..)).unwrap_or(path)
}
