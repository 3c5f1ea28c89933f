//! Ugly tokens, and that nothing in a body makes the readers panic or invent bytes.

use catena::record::text::{proctitle_in_place, text_of, unhex};
use catena::record::{
    Arguments, Field, RawValue, RecordType, Sockaddr, decode, decode_into, fields, head, nested,
};
use proptest::prelude::*;

/// `key=value` of each field, with a mark for the kind of value.
fn show(body: &str) -> Vec<String> {
    fields(body.as_bytes()).map(one).collect()
}

fn one(field: Field<'_>) -> String {
    let text = |bytes| text_of(bytes).into_owned();
    let value = match field.value {
        RawValue::Quoted(value) => format!("\"{}\"", text(value)),
        RawValue::Bare(value) => text(value),
        RawValue::Braced(value) => format!("{{{}}}", text(value)),
        RawValue::Nested(value) => format!("'{}'", text(value)),
        RawValue::Null => "null".to_owned(),
        RawValue::Unknown => "unknown".to_owned(),
    };
    format!("{}={value}", text(field.key))
}

#[test]
fn apparmor_labels_hold_equals_signs_braces_and_a_mode() {
    assert_eq!(
        show("subj==/usr/sbin/ntpd (enforce) key=(null)"),
        ["subj==/usr/sbin/ntpd (enforce)", "key=null"]
    );
    assert_eq!(
        show("subj=/{,usr/}sbin/dhclient key=\"k\""),
        ["subj=/{,usr/}sbin/dhclient", "key=\"k\""]
    );
    assert_eq!(show("subj==unconfined key=1"), ["subj==unconfined", "key=1"]);
    assert_eq!(show("subj=a (b c=1"), ["subj=a", "c=1"], "no closing bracket");
}

#[test]
fn quotes_end_at_the_next_quote_and_a_cut_one_at_the_end() {
    assert_eq!(show("info=\"a b=c\" pid=1"), ["info=\"a b=c\"", "pid=1"]);
    assert_eq!(show("a1=\"cut of"), ["a1=\"cut of\""]);
    assert_eq!(show("name=\"\" x="), ["name=\"\"", "x="]);
    assert_eq!(
        show("a0=\"(null)\" a1=\"?\" a2=? a3=(none)"),
        ["a0=\"(null)\"", "a1=\"?\"", "a2=unknown", "a3=(none)"]
    );
}

#[test]
fn the_text_of_a_program_ends_at_the_last_quote() {
    let body = "pid=1 msg='text=it's a'b res=1'\u{1d}UID=\"o'brien\"";
    assert_eq!(show(body), ["pid=1", "msg='text=it's a'b res=1'"]);
    let tail: Vec<_> = fields(body.as_bytes()).enriched().map(one).collect();
    assert_eq!(tail, ["UID=\"o'brien\""]);
    assert_eq!(show("msg='cut"), ["msg='cut'"]);
}

#[test]
fn words_without_values_are_skipped() {
    assert_eq!(show("tty pid=1"), ["pid=1"]);
    assert_eq!(show("policy loaded auid=0"), ["auid=0"]);
    assert_eq!(show("auditd normal halt, sending auid=?"), ["auid=unknown"]);
    assert_eq!(show("  = == =x a=1 ="), ["a=1"]);
    assert_eq!(show(""), [""; 0]);
}

#[test]
fn tokens_end_at_any_place_of_a_word_of_memory() {
    for length in 0..40 {
        let (key, value) = ("k".repeat(length + 1), "v".repeat(length));
        for end in ["", " ", "\t", " x=1"] {
            let body = format!("{key}={value}{end}");
            assert_eq!(show(&body)[0], format!("{key}={value}"));
            assert_eq!(show(&body).len(), 1 + usize::from(end.len() > 1));
        }
        assert_eq!(show(&format!("{key}={value}\u{80}\u{ff}= x=1"))[1], "x=1", "bytes above 127");
    }
}

#[test]
fn old_login_keys_are_spelled_like_new_ones() {
    assert_eq!(
        show("old auid=1 new auid=2 old ses=3 new ses=4 old uid=5"),
        ["old-auid=1", "new-auid=2", "old-ses=3", "new-ses=4", "uid=5"]
    );
}

#[test]
fn enrichment_is_kept_apart() {
    let tail = |body: &str| fields(body.as_bytes()).enriched().map(one).collect::<Vec<_>>();
    for separator in ["\u{1d}", " ", ""] {
        for last in ["key=(null)", "key=\"k\"", "res=1", "res=success", "addr=?", "exe=2F61"] {
            let body = format!("pid=1 {last}{separator}ARCH=x86_64 AUID=\"unset\"");
            assert_eq!(show(&body).len(), 2, "{body}");
            assert_eq!(show(&body)[1], show(last)[0], "{body}");
            assert_eq!(tail(&body), ["ARCH=x86_64", "AUID=\"unset\""], "{body}");
        }
    }
    assert_eq!(tail("saddr=00\u{1d}SADDR={ path=/a }b c }"), ["SADDR={path=/a }b c}"]);
    assert_eq!(tail("saddr=00\u{1d}SADDR=unknown family(0)"), ["SADDR=unknown family(0)"]);
    assert_eq!(tail("pid=1"), [""; 0]);
    assert_eq!(show("FOO=1 pid=2"), ["FOO=1", "pid=2"], "not every capital is an enriched key");
}

#[test]
fn only_encoded_fields_are_hexadecimal() {
    let decoded = |kind, text: &str| -> Vec<u8> {
        let field = fields(text.as_bytes()).next().unwrap();
        decode(field.key, kind, field.value).unwrap().into_owned()
    };
    assert_eq!(decoded(RecordType::SYSCALL, "comm=6E65770A6C"), b"new\nl");
    assert_eq!(decoded(RecordType::SYSCALL, "comm=\"DEADBEEF\""), b"DEADBEEF");
    assert_eq!(decoded(RecordType::SYSCALL, "a0=41"), b"41");
    assert_eq!(decoded(RecordType::EXECVE, "a0=41"), b"A");
    assert_eq!(decoded(RecordType::EXECVE, "a0[3]=41"), b"A");
    assert_eq!(decoded(RecordType::EXECVE, "a0_len=40"), b"40");
    assert_eq!(decoded(RecordType::EXECVE, "argc=10"), b"10");
    assert_eq!(decoded(RecordType::EXECVE, "a1=ABC"), b"ABC", "odd length");
    assert_eq!(decoded(RecordType::USER_ACCT, "acct=root"), b"root", "an old unquoting writer");
    assert_eq!(decoded(RecordType::PATH, "dev=ca01"), b"ca01");
    let field = fields(b"key=(null)").next().unwrap();
    assert_eq!(decode(field.key, RecordType::SYSCALL, field.value), None);
}

/// Bodies made of the pieces that real ones are made of, in any order.
fn ugly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a0=", "a1_len=", "a1[0]=", "argc=", "comm=", "msg='", "'", "\"", " ", "  ", "=", "\u{1d}",
            "{ ", " }", "avc:", "(null)", "?", "UID=", "SADDR=", "subj=", " (enforce)", "old auid=",
            "saddr=", "0A00", "41", "tty ", ":", ", ", ")", "(hostname=", "res=success", "key=",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Whether `part` lies inside `whole`, or is one of the few keys that we spell ourselves.
fn borrowed(part: &[u8], whole: &[u8]) -> bool {
    let whole = whole.as_ptr_range();
    let part = part.as_ptr_range();
    whole.start <= part.start && part.end <= whole.end
}

proptest! {
    #[test]
    fn nothing_in_a_body_is_invented(body in ugly()) {
        let mut total = 0;
        for field in fields(&body).chain(fields(&body).enriched()) {
            let value = field.value.bytes().unwrap_or_default();
            prop_assert!(value.is_empty() || borrowed(value, &body));
            total += value.len();
            let mut appended = b"x".to_vec();
            for kind in [RecordType::SYSCALL, RecordType::EXECVE] {
                let once = decode(field.key, kind, field.value);
                appended.truncate(1);
                let present = decode_into(field.key, kind, field.value, &mut appended);
                prop_assert_eq!(once.as_deref(), present.then_some(&appended[1..]));
            }
            if let RawValue::Nested(text) = field.value {
                let inner = nested(text).filter_map(|f| f.value.bytes()).map(<[u8]>::len);
                prop_assert!(inner.sum::<usize>() <= text.len());
            }
        }
        prop_assert!(total <= body.len(), "values do not overlap");
    }

    #[test]
    fn readers_survive_anything(bytes in prop::collection::vec(any::<u8>(), 0..300), body in ugly()) {
        let _ = head(&bytes);
        let mut line = b"type=EXECVE msg=audit(1.000:1): ".to_vec();
        line.extend(&body);
        prop_assert!(head(&line).is_ok());
        let mut arguments = Arguments::default();
        for body in [&bytes, &body] {
            arguments.push(body);
            let _ = Sockaddr::parse(body, None);
            let mut out = Vec::new();
            unhex(body, &mut out);
            let mut title = body.clone();
            proctitle_in_place(&mut title);
            prop_assert_eq!(std::str::from_utf8(body).is_ok(), text_of(body).as_bytes() == &body[..]);
        }
        prop_assert!(arguments.iter().map(<[u8]>::len).sum::<usize>() <= bytes.len() + body.len());
    }

    #[test]
    fn hexadecimal_reads_back(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let line = format!("argc=1 a0={hex}");
        let mut arguments = Arguments::default();
        arguments.push(line.as_bytes());
        prop_assert_eq!(arguments.iter().collect::<Vec<_>>(), [&bytes[..]]);
    }
}
