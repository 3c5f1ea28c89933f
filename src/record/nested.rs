//! The text of programs inside `msg='…'`.
//!
//! In: the text between the quotes. Out: its fields. Programs do not encode spaces, so a value ends
//! where the next ` word=` begins; text before the first key is given as the field `text`.

use memchr::{memchr, memchr_iter};

use crate::record::field::{Field, RawValue, avc_head};

/// The fields of a program's text.
pub fn nested(text: &[u8]) -> Nested<'_> {
    let mut nested = Nested { rest: text, head: [None, None], in_brackets: false };
    if let Some((head, rest)) = avc_head(text) {
        nested.head = head;
        let (lead, rest) = rest.split_at_checked(next_key(rest, 0)).unwrap_or((rest, &[]));
        nested.rest = rest;
        nested.in_brackets = lead.ends_with(b"(");
        return nested;
    }
    let first = next_key(text, 0);
    let (lead, rest) = text.split_at_checked(first).unwrap_or((text, &[]));
    nested.rest = rest;
    nested.in_brackets = lead.ends_with(b"(");
    let lead = trim_value(lead, false);
    if !lead.is_empty() {
        nested.head = [Some(Field { key: b"text", value: RawValue::Bare(lead) }), None];
    }
    nested
}

/// Iterator over the fields of a program's text, see [`nested`].
#[derive(Debug, Clone)]
pub struct Nested<'a> {
    /// Empty or starting with a key.
    rest: &'a [u8],
    head: [Option<Field<'a>>; 2],
    /// Inside the `(hostname=?, addr=?)` of old PAM versions.
    in_brackets: bool,
}

impl<'a> Iterator for Nested<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if let Some(field) = self.head.iter_mut().find_map(Option::take) {
            return Some(field);
        }
        let equals = memchr(b'=', self.rest)?;
        let (key, rest) = self.rest.split_at_checked(equals)?;
        let text = rest.get(1..).unwrap_or_default();
        // A quoted value may hold what looks like a key.
        let from = match text {
            [b'"', inner @ ..] => memchr(b'"', inner).map_or(0, |at| at + 2),
            _ => 0,
        };
        let end = next_key(text, from);
        let (value, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
        self.rest = rest;
        let opens = value.ends_with(b"(");
        let value = trim_value(value, self.in_brackets);
        self.in_brackets |= opens;
        Some(Field { key, value: value_of(value) })
    }
}

/// Where the next key starts at or behind `from`: a word right before an equals sign, at the start of
/// the text or behind a space or an opening bracket. The end of the text when there is none.
fn next_key(text: &[u8], from: usize) -> usize {
    for equals in memchr_iter(b'=', text) {
        if equals < from {
            continue;
        }
        let before = text.get(..equals).unwrap_or_default();
        let word = before
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            .count();
        let start = equals - word;
        let is_word = word > 0 && text.get(start).is_some_and(u8::is_ascii_alphabetic);
        let stands_alone = match start.checked_sub(1) {
            None => true,
            Some(at) => matches!(text.get(at), Some(b' ' | b'(')),
        };
        if is_word && stands_alone && start >= from {
            return start;
        }
    }
    text.len()
}

/// Without blanks, the ` :` between two parts of the text and, in brackets, their punctuation.
fn trim_value(value: &[u8], in_brackets: bool) -> &[u8] {
    let mut value = value.trim_ascii();
    if let Some(rest) = value.strip_suffix(b"(") {
        value = rest.trim_ascii_end();
    }
    if in_brackets {
        value = value.strip_suffix(b")").unwrap_or(value);
        value = value.strip_suffix(b",").unwrap_or(value);
    }
    match value {
        [rest @ .., b' ', b':'] => rest.trim_ascii_end(),
        b":" => &[],
        other => other,
    }
}

fn value_of(value: &[u8]) -> RawValue<'_> {
    match value {
        b"?" => RawValue::Unknown,
        b"(null)" => RawValue::Null,
        [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => RawValue::Quoted(inner),
        other => RawValue::Bare(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let text_of = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        nested(text.as_bytes()).map(|f| (text_of(f.key), f.value.bytes().map(text_of))).collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        list.iter()
            .map(|(key, value)| {
                ((*key).to_owned(), if *value == "-" { None } else { Some((*value).to_owned()) })
            })
            .collect()
    }

    #[test]
    fn values_hold_spaces_until_the_next_key() {
        assert_eq!(
            read("op=adding user id=4243 exe=\"/usr/sbin/useradd\" hostname=? res=success"),
            pairs(&[
                ("op", "adding user"),
                ("id", "4243"),
                ("exe", "/usr/sbin/useradd"),
                ("hostname", "-"),
                ("res", "success"),
            ])
        );
        assert_eq!(read("op= id=1"), pairs(&[("op", ""), ("id", "1")]));
        assert_eq!(
            read("text=hello \"w\" it is exe=\"/x\""),
            pairs(&[("text", "hello \"w\" it is"), ("exe", "/x")])
        );
        assert_eq!(
            read("text=\"hello\" to you res=1"),
            pairs(&[("text", "\"hello\" to you"), ("res", "1")])
        );
    }

    #[test]
    fn reads_the_text_of_old_pam() {
        assert_eq!(
            read(
                "PAM: session open acct=root : exe=\"/c\" (hostname=?, addr=?, terminal=cron res=success)"
            ),
            pairs(&[
                ("text", "PAM: session open"),
                ("acct", "root"),
                ("exe", "/c"),
                ("hostname", "-"),
                ("addr", "-"),
                ("terminal", "cron"),
                ("res", "success"),
            ])
        );
    }

    #[test]
    fn reads_avc_of_programs() {
        assert_eq!(
            read(
                "avc:  denied  { send_msg } for scontext=a tclass=dbus : exe=\"/d\" sauid=81 hostname=?"
            ),
            pairs(&[
                ("avc", "denied"),
                ("perms", "send_msg"),
                ("scontext", "a"),
                ("tclass", "dbus"),
                ("exe", "/d"),
                ("sauid", "81"),
                ("hostname", "-"),
            ])
        );
        let notice = read("avc:  received policyload notice (seqno=2) exe=\"/d\"");
        assert_eq!(notice, pairs(&[("avc", "received"), ("seqno", "2"), ("exe", "/d")]));
    }

    #[test]
    fn text_without_fields() {
        assert_eq!(read("just text"), pairs(&[("text", "just text")]));
        assert_eq!(read(""), []);
        assert_eq!(read("="), pairs(&[("text", "=")]));
    }
}
