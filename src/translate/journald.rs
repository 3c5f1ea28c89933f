//! One entry of journald → the audit record it carries.
//!
//! In: an object as `journalctl -o json` writes it. Out: the line of the audit record in it, if it is one
//! of the audit subsystem, or of the kernel or syslog with a record as its text. Every other entry of the
//! journal is no record and need not be. One event often comes more than once, from the audit
//! subsystem, in the kernel's log and in syslog: a copy is passed by when a better witness has told of
//! its event before. The audit subsystem itself is never passed by: what any program may say must not
//! hide what happened.

use std::hash::BuildHasher as _;
use std::io::Write as _;

use memchr::memmem;

use super::TranslateError;
use super::spelling;
use super::tape::{Cell, Tape};
use crate::record::raw::head;

/// Memory to work in, and what was seen.
#[derive(Debug, Default)]
pub(super) struct Journald {
    line: Vec<u8>,
    message: Vec<u8>,
    /// Events of late, by a hash of their names, with the best witness of each.
    told: Vec<(u64, Witness)>,
    hasher: foldhash::fast::RandomState,
}

/// Events that are remembered for copies of them.
const TOLD: usize = 4096;

/// Who told journald, the best one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Witness {
    Audit,
    Kernel,
    Other,
}

impl Journald {
    /// Calls `each` with the record of the entry; `false` when it carries none.
    pub(super) fn record(
        &mut self,
        tape: &Tape,
        each: &mut impl FnMut(&[u8]),
    ) -> Result<bool, TranslateError> {
        if !self.message(tape) {
            return Ok(false);
        }
        self.line.clear();
        if tape.text_of("_TRANSPORT") == Some("audit") || tape.member("_AUDIT_ID").is_some() {
            self.of_audit(tape)?;
            self.is_news(Witness::Audit);
            each(&self.line);
            return Ok(true);
        }
        let witness = match tape.text_of("_TRANSPORT") {
            Some("kernel") => Witness::Kernel,
            _ => Witness::Other,
        };
        let is_notice = self.message.starts_with(b"audit: ");
        let record = memmem::find(&self.message, b"type=")
            .filter(|_| memmem::find(&self.message, b"audit(").is_some());
        match record {
            Some(at) => {
                let (before, from) = self.message.split_at_checked(at).unwrap_or_default();
                let named = before.trim_ascii_end().rsplit(|byte| *byte == b' ').next();
                match named.filter(|word| word.starts_with(b"node=")) {
                    Some(node) => {
                        self.line.extend_from_slice(node);
                        self.line.push(b' ');
                    }
                    None => write_node(tape, &mut self.line),
                }
                self.line.extend_from_slice(from);
            }
            // What the kernel says about auditing, such as records it lost.
            None if is_notice => self.line.extend_from_slice(&self.message),
            None => return Ok(false),
        }
        let is_news = self.is_news(witness);
        if is_news {
            each(&self.line);
        }
        Ok(is_news)
    }

    /// Whether the event of the line at hand was not told of by a better witness before.
    fn is_news(&mut self, witness: Witness) -> bool {
        let Ok(head) = head(&self.line) else { return true };
        let hash = self.hasher.hash_one((head.node, head.time, head.serial));
        if self.told.is_empty() {
            self.told.resize(TOLD, (0, Witness::Other));
        }
        let Some(slot) = self.told.get_mut(head.serial as usize % TOLD) else { return true };
        if slot.0 == hash {
            slot.1 = slot.1.min(witness);
            return slot.1 == witness;
        }
        *slot = (hash, witness);
        true
    }

    /// The text of the entry, without line ends. `false` when it has none.
    fn message(&mut self, tape: &Tape) -> bool {
        self.message.clear();
        let Some(at) = tape.member("MESSAGE") else { return false };
        match tape.cell(at) {
            Cell::Text { .. } => {
                self.message.extend_from_slice(tape.text(at).unwrap_or_default().as_bytes());
            }
            // Bytes, or several texts under one name, of which the first counts.
            Cell::List(_) => {
                for item in tape.items(at) {
                    match tape.cell(item) {
                        Cell::Int(byte) => self.message.push(u8::try_from(byte).unwrap_or(b'?')),
                        Cell::Text { .. } => {
                            let text = tape.text(item).unwrap_or_default();
                            self.message.extend_from_slice(text.as_bytes());
                            break;
                        }
                        _ => {}
                    }
                }
            }
            _ => return false,
        }
        let line_ends = self.message.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r'));
        line_ends.for_each(|byte| *byte = b' ');
        !self.message.is_empty()
    }

    /// A record whose head journald has taken apart.
    fn of_audit(&mut self, tape: &Tape) -> Result<(), TranslateError> {
        let number = |name: &'static str| {
            let at = tape.member(name).ok_or(TranslateError::NoMember(name))?;
            let parsed = match tape.cell(at) {
                Cell::Int(number) => u64::try_from(number).ok(),
                _ => tape.text(at).and_then(|text| text.parse::<u64>().ok()),
            };
            parsed.ok_or(TranslateError::NotANumber(name))
        };
        let serial = number("_AUDIT_ID")?;
        // The time of the record itself; that of the entry is when journald heard of it.
        let micros = number("_SOURCE_REALTIME_TIMESTAMP")?;
        let (name, body) = split_name(&self.message);
        write_node(tape, &mut self.line);
        self.line.extend_from_slice(b"type=");
        match number("_AUDIT_TYPE") {
            // Its number says more than a name that journald does not know.
            Ok(kind) if name.starts_with(b"AUDIT") || name.first() == Some(&b'<') => {
                let _ = write!(self.line, "UNKNOWN[{kind}]");
            }
            _ => self.line.extend_from_slice(name),
        }
        let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
        let _ = write!(self.line, " msg=audit({seconds}.{millis:03}:{serial}): ");
        self.line.extend_from_slice(body);
        Ok(())
    }
}

/// The record type in front of the text, and the body behind it.
fn split_name(message: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memchr(b' ', message).unwrap_or(message.len());
    let (name, body) = message.split_at_checked(at).unwrap_or((message, &[]));
    (name, body.trim_ascii_start())
}

fn write_node(tape: &Tape, line: &mut Vec<u8>) {
    spelling::node(tape.text_of("_HOSTNAME").unwrap_or_default(), line);
}
