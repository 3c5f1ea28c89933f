//! [`Outline`]: what an audit event is made of, for whoever counts events.
//!
//! In: the records of an event. Out: its system call or its leading record, and the record types that
//! must have been there and are not. Nothing is decoded or allocated.

use super::group::Group;
use super::view::{View, decimal};
use crate::record::{RawValue, RecordType};

/// See the module page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline<'g> {
    /// Its system call, or what was done by io_uring.
    pub call: Option<Call>,
    /// The record that gives it its type, when that is not the record of a system call.
    pub leading: Option<&'g [u8]>,
    /// The daemon has added names of users, groups and calls.
    pub enriched: bool,
    missing: [Option<RecordType>; 4],
}

/// A system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Where its number is from.
    pub table: Table,
    /// Its number there.
    pub number: Option<u32>,
    /// The name of that number.
    pub name: Option<&'static str>,
    /// The call that was meant: `connect`, also where the record says `socketcall` or is of an io_uring
    /// operation.
    pub meant: Option<&'static str>,
    /// It failed.
    pub failed: bool,
}

/// What a number of a call is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// The calls of an architecture, by its value in the log; `None` when that cannot be read.
    Arch(Option<u32>),
    /// The operations of io_uring.
    Uring,
}

impl<'g> Outline<'g> {
    /// The outline of an event.
    pub fn of(group: &'g Group) -> Self {
        let view = View::new(group);
        let leading = view
            .leading
            .filter(|record| !matches!(record.kind, RecordType::SYSCALL | RecordType::URINGOP));
        let separator = |record: &super::Record<'_>| memchr::memchr(0x1d, record.body).is_some();
        Self {
            call: view.is_call.then(|| call(&view)),
            leading: leading.map(|record| record.kind_name()),
            enriched: view.main.as_ref().is_some_and(separator),
            missing: missing(&view),
        }
    }

    /// The types of records that must have been there and are not, each once.
    pub fn missing(&self) -> impl Iterator<Item = RecordType> {
        self.missing.into_iter().flatten()
    }
}

fn call(view: &View<'_>) -> Call {
    let failed = view.result == Some(false);
    if let Some(operation) = view.tokens.uring_op {
        let number = decimal(operation).and_then(|number| u32::try_from(number).ok());
        return Call { table: Table::Uring, number, name: view.call, meant: view.call, failed };
    }
    let View { number, name, .. } = *view;
    Call { table: Table::Arch(view.arch), number, name, meant: view.call, failed }
}

/// The types of records that must have been there and are not, each once.
pub(super) fn missing(view: &View<'_>) -> [Option<RecordType>; 4] {
    let has = |kind: RecordType| view.record(kind).is_some();
    let lacks = |kind: RecordType, needed: bool| (needed && !has(kind)).then_some(kind);
    // The kernel says how many names it had to log.
    let items = view.tokens.items.filter(|_| view.is_call);
    let items = items.and_then(RawValue::bytes).and_then(decimal).unwrap_or(0);
    let paths = view.records(RecordType::PATH).count();
    let few = usize::try_from(items).is_ok_and(|items| paths < items);
    // Without the address of a connection that was made nobody can say where to.
    let connected = view.is_call && view.call == Some("connect") && view.result == Some(true);
    let by_register = view.tokens.uring_op.is_none();
    let accompanies = view.group.records().any(|record| record.kind.accompanies_syscall());
    [
        (few).then_some(RecordType::PATH),
        lacks(RecordType::EXECVE, view.calls_exec() && view.result == Some(true)),
        lacks(RecordType::SOCKADDR, connected && by_register),
        (accompanies && !view.is_call).then_some(RecordType::SYSCALL),
    ]
}
