//! One event of Wazuh's archives → the audit records in it.
//!
//! In: an object whose `full_log` holds the records of an event on one line. Out: one line a record.
//! What the decoder made of them (`data.audit`) is not read: it does not decode hexadecimal text and
//! holds eight arguments at most.

use memchr::memmem;

use super::TranslateError;
use super::spelling;
use super::tape::Tape;

/// Calls `each` for every record; `false` when the event carries none. `line` is memory to work in.
pub(super) fn records(
    tape: &Tape,
    line: &mut Vec<u8>,
    each: &mut impl FnMut(&[u8]),
) -> Result<bool, TranslateError> {
    let Some(log) = tape.text_of("full_log") else {
        return Err(TranslateError::NoMember("full_log"));
    };
    let log = log.as_bytes();
    let Some(first) = memmem::find(log, b"type=").filter(|_| is_record(log)) else {
        return Ok(false);
    };
    let agent = tape.members(0).find(|(key, _)| *key == "agent").map(|(_, at)| at);
    let name = agent.and_then(|at| tape.members(at).find(|(key, _)| *key == "name"));
    let agent = name.and_then(|(_, at)| tape.text(at)).unwrap_or_default();
    // The name in front of the first record, as auditd writes it in front of each.
    let before = log.get(..first).unwrap_or_default().trim_ascii_end();
    let named = before.rsplit(|byte| *byte == b' ').next().and_then(|w| w.strip_prefix(b"node="));
    let node = named.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or(agent);
    let mut rest = log.get(first..).unwrap_or_default();
    while !rest.is_empty() {
        let end = next_record(rest).unwrap_or(rest.len());
        let (record, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        line.clear();
        spelling::node(node, line);
        let kept = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        let mut record = record.trim_ascii_end();
        if named.is_some()
            && let Some(at) = memmem::rfind(record, b" node=")
        {
            // The name in front of the next record.
            let tail = record.get(at + 1..).unwrap_or_default();
            if !tail.contains(&b' ') {
                record = record.get(..at).unwrap_or(record);
            }
        }
        line.extend(record.iter().map(kept));
        each(line);
        rest = after.trim_ascii_start();
    }
    Ok(true)
}

fn is_record(log: &[u8]) -> bool {
    memmem::find(log, b" msg=audit(").is_some()
}

/// Where the next ` type=WORD msg=audit(` begins, `node=` in front of it not counted.
fn next_record(log: &[u8]) -> Option<usize> {
    memmem::find_iter(log, b" type=").find(|at| {
        let name = log.get(at + 6..).unwrap_or_default();
        let end = name.iter().take(65).position(|byte| *byte == b' ');
        let word = name.get(..end.unwrap_or(0)).unwrap_or_default();
        let is_type = word.first().is_some_and(u8::is_ascii_uppercase);
        let rest = name.get(end.unwrap_or(0)..).unwrap_or_default();
        is_type && rest.starts_with(b" msg=audit(")
    })
}
