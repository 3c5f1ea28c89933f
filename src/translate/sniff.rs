//! [`Form`]: who wrote a line, told from the line itself.
//!
//! In: one line. Out: its form, from its first byte and the names of its outermost members; their values
//! are hardly looked at, and nothing of a long line beyond its first part.

use super::laurel::{is_id, record_type};

/// How far into a line names are looked for.
const LOOKED_AT: usize = 64 << 10;

/// How the lines of an input are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// Audit records as auditd, its plugins, syslog, the kernel and `ausearch` write them.
    Audit,
    /// JSON events in ECS, or in any fields that the rules name.
    Ecs,
    /// JSON events of Auditbeat or of the auditd integration of Elastic Agent.
    Auditbeat,
    /// JSON events of LAUREL.
    Laurel,
    /// JSON entries of journald.
    Journald,
    /// JSON events of Wazuh's archives.
    Wazuh,
    /// JSON events of Endgame.
    Endgame,
    /// JSON alerts of Falco.
    Falco,
    /// JSON events of Tetragon.
    Tetragon,
    /// JSON events read through a field map of the user.
    Mapped,
    /// Audit records in the words of `ausearch -i`; never told from a line, because it is read only when
    /// the user says so.
    Interpreted,
}

impl Form {
    /// How many there are.
    pub const COUNT: usize = 11;
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Audit,
        Self::Ecs,
        Self::Auditbeat,
        Self::Laurel,
        Self::Journald,
        Self::Wazuh,
        Self::Endgame,
        Self::Falco,
        Self::Tetragon,
        Self::Mapped,
        Self::Interpreted,
    ];

    /// What inputs of this form hold, for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Audit => "audit records",
            Self::Ecs => "JSON events",
            Self::Auditbeat => "JSON events of Auditbeat or Elastic Agent",
            Self::Laurel => "LAUREL events",
            Self::Journald => "journald entries",
            Self::Wazuh => "Wazuh events",
            Self::Endgame => "Endgame events",
            Self::Falco => "Falco alerts",
            Self::Tetragon => "Tetragon events",
            Self::Mapped => "JSON events through a field map",
            Self::Interpreted => "interpreted audit records",
        }
    }

    /// One of them, for messages.
    pub fn one(self) -> &'static str {
        match self {
            Self::Audit => "an audit record",
            Self::Ecs => "a JSON event",
            Self::Auditbeat => "an event of Auditbeat or Elastic Agent",
            Self::Laurel => "a LAUREL event",
            Self::Journald => "a journald entry",
            Self::Wazuh => "a Wazuh event",
            Self::Endgame => "an Endgame event",
            Self::Falco => "a Falco alert",
            Self::Tetragon => "a Tetragon event",
            Self::Mapped => "a JSON event",
            Self::Interpreted => "an interpreted audit record",
        }
    }

    /// Its number among all.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Whether its lines hold JSON.
    pub fn is_json(self) -> bool {
        !matches!(self, Self::Audit | Self::Interpreted)
    }

    /// Whether its lines are events as they are, in whatever fields.
    pub fn is_plain(self) -> bool {
        matches!(self, Self::Ecs | Self::Auditbeat)
    }

    /// The form of a line; `None` for a blank one.
    pub fn of(line: &[u8]) -> Option<Self> {
        let line = super::unwrapped(line);
        match line.first()? {
            b'{' => Some(Self::of_object(line)),
            _ => Some(Self::Audit),
        }
    }

    fn of_object(line: &[u8]) -> Self {
        let (mut id, mut record, mut message, mut journal) = (false, false, false, false);
        let (mut output, mut rule, mut auditbeat) = (false, false, false);
        let mut form = None;
        names(line, &mut |name, value| match name {
            b"ID" => id |= text(value).is_some_and(is_id),
            b"MESSAGE" => message = true,
            b"__REALTIME_TIMESTAMP" | b"__CURSOR" | b"_TRANSPORT" | b"_BOOT_ID" | b"_AUDIT_ID" => {
                journal = true;
            }
            b"event_type_full" | b"event_subtype_full" => form = form.or(Some(Self::Endgame)),
            b"full_log" => form = form.or(Some(Self::Wazuh)),
            b"output_fields" => output = true,
            b"rule" => rule = true,
            b"process_exec"
            | b"process_exit"
            | b"process_kprobe"
            | b"process_tracepoint"
            | b"process_loader"
            | b"process_uprobe"
            | b"process_lsm" => {
                form = form.or(Some(Self::Tetragon));
            }
            b"auditd" => auditbeat = true,
            b"agent" | b"_index" | b"@metadata" => auditbeat |= tells_of_a_beat(value),
            _ if name.starts_with(b"auditd.") => auditbeat = true,
            _ => record |= std::str::from_utf8(name).is_ok_and(|name| record_type(name).is_some()),
        });
        match form {
            _ if id && record => Self::Laurel,
            _ if journal && message => Self::Journald,
            _ if output && rule => Self::Falco,
            Some(form) => form,
            None if auditbeat => Self::Auditbeat,
            None => Self::Ecs,
        }
    }
}

/// What a line of a bulk request does with the document behind it: `index`, `create`, `update` or
/// `delete`. `None` for a line that is none. The line must hold a JSON object.
pub fn bulk_action(line: &[u8]) -> Option<&'static str> {
    let (mut members, mut action) = (0, None);
    names(line, &mut |name, value| {
        members += 1;
        let actions = ["index", "create", "update", "delete"];
        action = actions.into_iter().find(|action| action.as_bytes() == name);
        action = action.filter(|_| value.first() == Some(&b'{'));
    });
    action.filter(|_| members == 1)
}

/// Whether the beginning of a value names a beat or the agent's integration.
fn tells_of_a_beat(value: &[u8]) -> bool {
    let start = value.get(..256).unwrap_or(value);
    let has = |word: &[u8]| memchr::memmem::find(start, word).is_some();
    has(b"auditbeat") || has(b"auditd_manager")
}

/// The text at the beginning of `value`, when it is one without escapes.
fn text(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', inner.get(..64).unwrap_or(inner))?;
    std::str::from_utf8(inner.get(..end)?).ok()
}

/// Calls `each` with the names of the outermost members of an object, and with what follows each.
/// `_source` counts as what is inside.
fn names(line: &[u8], each: &mut impl FnMut(&[u8], &[u8])) {
    let line = line.get(..LOOKED_AT).unwrap_or(line);
    let (mut depth, mut outermost, mut at) = (0_u32, 1_u32, 0);
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = at;
                let Some(end) = end_of_text(line, at) else { return };
                at = end + 1;
                if depth != outermost {
                    continue;
                }
                let rest = line.get(at..).unwrap_or_default().trim_ascii_start();
                let Some(value) = rest.strip_prefix(b":") else { continue };
                let (name, value) =
                    (line.get(start..end).unwrap_or_default(), value.trim_ascii_start());
                if name == b"_source" && value.first() == Some(&b'{') {
                    outermost = depth + 1;
                } else {
                    each(name, value);
                }
            }
            _ => {}
        }
    }
}

/// Where the quote stands that ends a text which begins at `at`.
fn end_of_text(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line.get(found) == Some(&b'"') {
            return Some(found);
        }
        at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_who_wrote_them() {
        for (line, form) in [
            ("type=CWD msg=audit(1.002:3): cwd=\"/\"", Form::Audit),
            ("garbage", Form::Audit),
            (r#"{"@timestamp":"2024-05-01T10:00:00Z"}"#, Form::Ecs),
            ("{", Form::Ecs),
            ("{}", Form::Ecs),
            (r#"{"auditd":{"sequence":1}}"#, Form::Auditbeat),
            (r#"{"agent":{"type":"auditbeat"}}"#, Form::Auditbeat),
            (r#"{"_index":"x","_source":{"auditd.session":"1"}}"#, Form::Auditbeat),
            (r#"{"ID":"1.002:3","CWD":{"cwd":"/"}}"#, Form::Laurel),
            (r#"@cee: {"CWD":{"cwd":"/"} , "ID" : "1.002:3"}"#, Form::Laurel),
            (r#"{"ID":"7","CWD":"/"}"#, Form::Ecs),
            (r#"{"MESSAGE":"x","__CURSOR":"y"}"#, Form::Journald),
            (r#"{"MESSAGE":"x"}"#, Form::Ecs),
            (r#"{"full_log":"x","agent":{"id":"000"}}"#, Form::Wazuh),
            (r#"{"event_type_full":"process_event","pid":4}"#, Form::Endgame),
            (r#"{"rule":"x","output_fields":{"proc.name":"y"}}"#, Form::Falco),
            (r#"{"process_exec":{"process":{}},"time":"z"}"#, Form::Tetragon),
            (r#"{"a":{"full_log":1},"b":["\"full_log\":",{"full_log":2}]}"#, Form::Ecs),
        ] {
            assert_eq!(Form::of(line.as_bytes()), Some(form), "{line}");
        }
        assert_eq!(Form::of(b" \r\n"), None);
    }

    #[test]
    fn lines_of_a_bulk_request_are_told_from_events() {
        for (line, action) in [
            (r#"{"index":{"_index":"x"}}"#, Some("index")),
            (r#"{ "create" : { } }"#, Some("create")),
            (r#"{"delete":{"_id":"1"}}"#, Some("delete")),
            (r#"{"index":{"_index":"x"},"a":1}"#, None),
            (r#"{"index":"x"}"#, None),
            (r#"{"doc":{}}"#, None),
        ] {
            assert_eq!(bulk_action(line.as_bytes()), action, "{line}");
        }
    }

    #[test]
    fn every_form_has_its_number() {
        for (number, form) in Form::ALL.iter().enumerate() {
            assert_eq!(form.index(), number);
        }
    }
}
