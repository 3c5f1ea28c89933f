//! Events as lines of JSON: every shape they come in, the types of their values, their order, and what
//! hostile lines can do.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use std::fmt::Write as _;
use std::io::Read as _;

use assert_cmd::Command;
use catena::event::{Event, Json, JsonReader, Projection};
use catena::record::{JsonError, JsonLines};
use catena::schema::{FieldId, FieldType, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The values of field `a.b`, as a list in text, with the type `kind`.
fn read_as(line: &str, kind: Option<FieldType>) -> String {
    let projection = Projection::new([("a.b", kind)]);
    let mut reader = JsonReader::new(&projection, &Schema::new());
    let mut json = Json::default();
    reader.read(line.as_bytes(), &mut json).unwrap();
    let mut event = Event::new(1);
    event.load_json(json, None);
    let values: Vec<String> = event.values(FieldId(0)).map(|value| format!("{value:?}")).collect();
    values.join(" ")
}

fn read(line: &str) -> String {
    read_as(line, None)
}

#[test]
fn nested_objects_and_dotted_names_are_the_same_thing() {
    for line in [
        r#"{"a":{"b":1}}"#,
        r#"{"a.b":1}"#,
        r#" {"a":{"b":[1]}} "#,
        r#"{"_source":{"a":{"b":1}},"_id":"x"}"#,
        r#"{"a":{"b":null},"a.b":1}"#,
        r#"{"a":5,"a.b":1}"#,
    ] {
        assert_eq!(read(line), "Int(1)", "{line}");
    }
}

#[test]
fn where_both_are_written_the_nested_one_counts() {
    assert_eq!(read(r#"{"a.b":1,"a":{"b":2}}"#), "Int(2)");
    assert_eq!(read(r#"{"a":{"b":2},"a.b":1}"#), "Int(2)");
    assert_eq!(read(r#"{"a.b":[1,3],"a":[{"b":2},{"b":4}]}"#), "Int(2) Int(4)");
}

#[test]
fn lists_are_flat_and_hold_no_nulls() {
    assert_eq!(read(r#"{"a":{"b":[1,null,[2,[3]],[]]}}"#), "Int(1) Int(2) Int(3)");
    assert_eq!(read(r#"{"a":[{"b":1},{"c":9},{"b":[2,3]},null]}"#), "Int(1) Int(2) Int(3)");
    for missing in
        [r#"{"a":{"b":null}}"#, r#"{"a.b":[]}"#, r#"{"a":{"b":[null]}}"#, "{}", r#"{"a":{"b":{}}}"#]
    {
        assert_eq!(read(missing), "", "{missing}");
    }
}

#[test]
fn a_name_that_stands_twice_hides_nothing() {
    assert_eq!(read(r#"{"a":{"b":1,"b":2}}"#), "Int(1) Int(2)");
    assert_eq!(read(r#"{"a":{"b":1},"a":{"b":2}}"#), "Int(1) Int(2)");
}

#[test]
fn values_keep_their_kind_where_no_type_is_known() {
    let line = r#"{"a.b":["1",1,1.5,true,18446744073709551615,-9223372036854775808,"é\n"]}"#;
    assert_eq!(
        read(line),
        r#"Str("1") Int(1) Float(1.5) Bool(true) Float(1.8446744073709552e19) Int(-9223372036854775808) Str("é\n")"#
    );
}

#[test]
fn values_take_the_type_of_their_field() {
    use FieldType::{Boolean, Date, Double, Ip, Keyword, Long, Text, Version};
    for (kind, value, expected) in [
        (Keyword, json!([4625, true, 1.5, "x"]), r#"Str("4625") Str("true") Str("1.5") Str("x")"#),
        (Text, json!(7), r#"Str("7")"#),
        (Version, json!(2), r#"Str("2")"#),
        (Long, json!(["12", " -3 ", 4.9, "5.9"]), "Int(12) Int(-3) Int(4) Int(5)"),
        (Double, json!([1, "2", "2.5"]), "Float(1.0) Float(2.0) Float(2.5)"),
        (Boolean, json!(["true", "false", true]), "Bool(true) Bool(false) Bool(true)"),
        (Ip, json!(["10.0.0.1", "::1"]), "Ip(10.0.0.1) Ip(::1)"),
        (Date, json!("1970-01-01T00:00:00.000000001Z"), "Time(Timestamp(1))"),
        (
            Date,
            json!(["1970-01-01", "0", 0]),
            "Time(Timestamp(0)) Time(Timestamp(0)) Time(Timestamp(0))",
        ),
        (
            Date,
            json!([1, "1.000001", 1.5]),
            "Time(Timestamp(1000000)) Time(Timestamp(1000001)) Time(Timestamp(1500000))",
        ),
    ] {
        let line = json!({"a": {"b": value}}).to_string();
        assert_eq!(read_as(&line, Some(kind)), expected, "{kind:?} {line}");
    }
}

#[test]
fn what_cannot_be_of_the_type_stays_what_it_is() {
    use FieldType::{Boolean, Date, Ip, Long};
    for (kind, value, expected) in [
        (Long, json!("many"), r#"Str("many")"#),
        (Long, json!(1e300), "Float(1e300)"),
        (Long, json!(true), "Bool(true)"),
        (Ip, json!("localhost"), r#"Str("localhost")"#),
        (Date, json!("yesterday"), r#"Str("yesterday")"#),
        (Boolean, json!("yes"), r#"Str("yes")"#),
    ] {
        let line = json!({"a.b": value}).to_string();
        assert_eq!(read_as(&line, Some(kind)), expected, "{kind:?} {line}");
    }
}

#[test]
fn a_field_declared_as_date_keeps_milliseconds_and_date_nanos_all() {
    let projection =
        Projection::new([("ms", Some(FieldType::Date)), ("ns", Some(FieldType::Date))]);
    let mut schema = Schema::new();
    assert!(schema.declare("ms", "date") && schema.declare("ns", "date_nanos"));
    assert!(!schema.declare("x", "geo_point"));
    let mut reader = JsonReader::new(&projection, &schema);
    let mut json = Json::default();
    let time = "1970-01-01T00:00:00.123456789Z";
    reader.read(json!({"ms": time, "ns": time}).to_string().as_bytes(), &mut json).unwrap();
    let mut event = Event::new(2);
    event.load_json(json, None);
    let nanos = |field| format!("{:?}", event.first(FieldId(field)).unwrap());
    assert_eq!(nanos(0), "Time(Timestamp(123000000))");
    assert_eq!(nanos(1), "Time(Timestamp(123456789))");
}

#[test]
fn bytes_that_are_no_text_do_not_lose_the_event() {
    let projection = Projection::new([("a", None)]);
    let mut reader = JsonReader::new(&projection, &Schema::new());
    for line in [&b"{\"a\":\"x\xffy\"}"[..], br#"{"a":"x\udcffy"}"#, br#"{"a":"x\ud800y"}"#] {
        let mut json = Json::default();
        reader.read(line, &mut json).unwrap();
        let mut event = Event::new(1);
        event.load_json(json, None);
        let value = event.first(FieldId(0)).unwrap().to_string();
        assert_eq!(value, "x\u{fffd}y", "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(read(r#"{"a.b":"\ud83d\ude00"}"#), r#"Str("😀")"#, "pairs are left alone");
}

#[test]
fn a_number_is_the_nearest_one_that_there_is() {
    // All digits count, and so they do in a query: `==` between both must hold. What only tests depend on
    // turns the feature on too, so that the program without it would pass what follows.
    let ours = include_str!("../Cargo.toml").split("[dev-dependencies]").next().unwrap();
    let line = ours.lines().find(|line| line.starts_with("serde_json = ")).unwrap();
    assert!(line.contains("\"float_roundtrip\""), "{line}");
    let mut random = 88_172_645_463_325_252_u64;
    for _ in 0..20_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let text = format!("0.{random}e{}", random % 40);
        let exact: f64 = text.parse().unwrap();
        assert_eq!(read(&format!(r#"{{"a":{{"b":{text}}}}}"#)), format!("Float({exact:?})"));
    }
}

#[test]
fn a_number_larger_than_any_is_no_value_and_does_not_lose_the_event() {
    let digits = "9".repeat(400);
    for endless in ["1e309", "-1.5E+400", digits.as_str()] {
        let line = format!(r#"{{"x":{endless},"a.b":[1,{endless},"1e309"]}}"#);
        assert_eq!(read(&line), r#"Int(1) Str("1e309")"#, "{line}");
        let (events, stderr, _) = catena(&["query", "any where a.b == 1", "-"], line.clone());
        assert_eq!(
            events[0]["catena"]["events"][0]["event"]["a"]["b"],
            json!([1, "1e309"]),
            "{stderr}"
        );
    }
    assert_eq!(read(r#"{"x":1e999,"a.b":2}"#), "Int(2)", "nobody asks for it");
}

#[test]
fn lines_that_hold_no_event_say_why() {
    for (line, why) in [
        ("", "EOF while parsing a value"),
        ("[]", "invalid type: sequence, expected an object"),
        ("7", "invalid type: integer `7`, expected an object at column 1"),
        (r#"{"a":1"#, "EOF while parsing an object at column 6"),
        (r#"{"a":1} {"b":2}"#, "trailing characters at column 9"),
        (r#"{"a":NaN}"#, "expected value at column 6"),
        (r#"{"a":"b"#, "EOF while parsing a string at column 7"),
    ] {
        let error = JsonLines::default().read(line.as_bytes(), &mut |_| {}).unwrap_err();
        assert_eq!(error.to_string(), format!("not a JSON object: {why}"), "{line}");
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20));
    let error = JsonLines::default().read(long.as_bytes(), &mut |_| {}).unwrap_err();
    assert_eq!(error, JsonError::TooLong);
}

#[test]
fn depth_length_of_names_and_number_of_values_are_bounded_and_the_rest_is_read() {
    let deep = format!(r#"{{"x":{}1{},"a.b":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let objects =
        format!(r#"{{"x":{}1{},"a.b":1}}"#, r#"{"y":"#.repeat(50_000), "}".repeat(50_000));
    let name = format!(r#"{{"{}":{{"b":5}},"a.b":1}}"#, "n".repeat(600));
    let many = format!(r#"{{"a":{{"b":1,"c":[{}0]}}}}"#, "0,".repeat(100_000));
    let projection = Projection::new([("a.b", None), ("a.c", None), ("x", None)]);
    let mut reader = JsonReader::new(&projection, &Schema::new());
    // Nobody can ask for a name that is too long or for one that deep: nothing asked for is left out.
    for (line, is_cut) in [(deep, true), (objects, false), (name, false), (many, true)] {
        let mut json = Json::default();
        reader.read(line.as_bytes(), &mut json).unwrap();
        assert_eq!(json.is_cut(), is_cut, "{}", &line[..40]);
        let mut event = Event::new(3);
        event.load_json(json, None);
        assert_eq!(event.values(FieldId(0)).count(), 1, "{}", &line[..40]);
        assert!(event.values(FieldId(1)).count() < 20_000);
    }
}

#[test]
fn many_names_under_a_long_one_cost_no_more_than_their_length() {
    let mut line = format!(r#"{{"{}":{{"#, "n".repeat(500));
    for number in 0..60_000 {
        let _ = write!(line, r#""{number}":1,"#);
    }
    line.push_str(r#""z":1},"a.b":1}"#);
    let started = std::time::Instant::now();
    assert_eq!(read(&line), "Int(1)");
    assert!(started.elapsed().as_secs() < 5);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c.\"\\\\é\u{0}]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c]{1,2}", inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The same by plain recursion: every scalar with its dotted name.
fn leaves(name: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Array(list) => list.iter().for_each(|value| leaves(name, value, out)),
        Value::Object(object) => {
            for (key, value) in object {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                leaves(&name, value, out);
            }
        }
        scalar => out.push((name.to_owned(), scalar.clone())),
    }
}

proptest! {
    #[test]
    fn every_scalar_is_seen_once_and_in_order(entries in prop::collection::vec(("[a-c]{1,2}", value()), 0..5)) {
        let object = Value::Object(entries.into_iter().collect());
        let mut expected = Vec::new();
        leaves("", &object, &mut expected);
        let mut seen = Vec::new();
        JsonLines::default()
            .read(object.to_string().as_bytes(), &mut |leaf| {
                use catena::record::Atom;
                let value = match leaf.value {
                    Atom::Bool(b) => Value::from(b),
                    Atom::Int(i) => Value::from(i),
                    Atom::Float(x) => Value::from(x),
                    Atom::Text(text) => Value::from(text),
                };
                seen.push((leaf.name.to_owned(), value));
            })
            .unwrap();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = JsonLines::default().read(&bytes, &mut |_| {});
    }

    #[test]
    fn cut_and_garbled_lines_are_an_event_or_an_error(at in 0..120_usize, byte in any::<u8>()) {
        let mut line = br#"{"@timestamp":"2024-05-01T10:00:00Z","a":{"b":["x\u00e9\ud83d\ude00",1.5e3,true,null]},"_source":{"c":{}}}"#.to_vec();
        let at = at % line.len();
        let mut garbled = line.clone();
        garbled[at] = byte;
        line.truncate(at);
        let projection = Projection::new([("a.b", None)]);
        let mut reader = JsonReader::new(&projection, &Schema::new());
        prop_assert!(reader.read(&line, &mut Json::default()).is_err());
        let _ = reader.read(&garbled, &mut Json::default());
    }
}

fn catena(arguments: &[&str], stdin: impl Into<Vec<u8>>) -> (Vec<Value>, String, i32) {
    let mut command = Command::cargo_bin("catena").unwrap();
    let output = command.args(arguments).write_stdin(stdin).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

/// The field `n` of the events of every alert.
fn numbers(alerts: &[Value]) -> Vec<Vec<i64>> {
    let of = |alert: &Value| {
        let events = alert["catena"]["events"].as_array().unwrap().clone();
        events.iter().map(|event| event["event"]["n"].as_i64().unwrap()).collect()
    };
    alerts.iter().map(of).collect()
}

const LOGINS: &str = r#"
{"n":2,"@timestamp":"2024-05-01T10:00:01Z","event":{"category":"shell"},"host":{"name":"web"},"tie":7}
{"n":1,"@timestamp":"2024-05-01T10:00:01Z","event":{"category":"login"},"host":{"name":"web"},"tie":6}
{"n":3,"@timestamp":"2024-05-01T09:59:59Z","event":{"category":"login"},"host":{"name":"db"}}
not json
{"n":4,"event":{"category":"shell"},"host":{"name":"db"}}
{"n":5,"@timestamp":"2024-05-01T10:00:02Z","event":{"category":"shell"},"host":{"name":"db"}}
"#;

const SEQUENCE: &str =
    "sequence by host.name with maxspan=5s [login where true] [shell where true]";

#[test]
fn events_run_in_order_of_time_then_tiebreaker_then_arrival() {
    let (alerts, _, _) = catena(&["query", SEQUENCE, "-", "-q"], LOGINS);
    assert_eq!(numbers(&alerts), [[3, 5]], "without a tiebreaker the shell came first");
    let arguments = ["query", SEQUENCE, "-", "-q", "--tiebreaker-field", "tie"];
    assert_eq!(numbers(&catena(&arguments, LOGINS).0), [[1, 2], [3, 5]]);
}

#[test]
fn what_has_no_time_is_offered_to_events_and_samples_only_and_counted() {
    let sequence = "sequence by host.name [login where true] [shell where n == 4]";
    let (alerts, stderr, code) = catena(&["query", sequence, "-"], LOGINS);
    assert_eq!((alerts.len(), code), (0, 0));
    assert!(stderr.contains("1 event without a time: not offered to sequences"), "{stderr}");
    let sample = sequence.replace("sequence", "sample");
    assert_eq!(numbers(&catena(&["query", &sample, "-", "-q"], LOGINS).0), [[3, 4]]);
    assert_eq!(numbers(&catena(&["query", "any where n == 4", "-", "-q"], LOGINS).0), [[4]]);
}

#[test]
fn bad_lines_are_named_and_strict_fails() {
    let (_, stderr, code) = catena(&["query", "any where true", "-", "--strict"], LOGINS);
    assert_eq!(code, 5);
    let expected = "catena: -:5: skipped: not a JSON object: expected ident at column 2\n";
    assert!(stderr.contains(expected), "{stderr}");
    let summary = "7 lines, 0 records, 5 events, 1 skipped, 1 malformed";
    assert!(stderr.contains(summary), "{stderr}");
}

#[test]
fn other_fields_can_hold_time_and_category() {
    let log =
        LOGINS.replace("@timestamp", "when").replace(r#""event":{"category""#, r#""what":{"is""#);
    let names = ["--timestamp-field", "when", "--event-category-field", "what.is"];
    let arguments =
        [&["query", SEQUENCE, "-", "-q", "--tiebreaker-field", "tie"], &names[..]].concat();
    assert_eq!(numbers(&catena(&arguments, log).0), [[1, 2], [3, 5]]);
}

#[test]
fn a_stream_of_json_alerts_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.eql");
    std::fs::write(&rule, SEQUENCE).unwrap();
    let arguments = ["stream", "-r", rule.to_str().unwrap(), "--tiebreaker-field", "tie", "-q"];
    assert_eq!(numbers(&catena(&arguments, LOGINS).0), [[1, 2], [3, 5]]);
}

#[test]
fn an_alert_shows_the_line_and_has_the_same_id_wherever_the_line_stands() {
    let line = r#"{"n":1,"@timestamp":"2024-05-01T10:00:00Z","event.category":"login","user":{"name":"ann"}}"#;
    let query = ["query", "login where true", "-", "-q"];
    let (alone, _, _) = catena(&query, line);
    let (behind, _, _) = catena(&query, format!("{{\"n\":0}}\n\n{line}\r\n"));
    let event = &alone[0]["catena"]["events"][0];
    assert_eq!(event["records"], json!([line]));
    assert_eq!(
        event["event"],
        json!({"n": 1, "@timestamp": "2024-05-01T10:00:00Z", "event": {"category": ["login"]}, "user": {"name": "ann"}})
    );
    assert_eq!(alone[0]["@timestamp"], "2024-05-01T10:00:00.000Z");
    assert_eq!(alone[0]["catena"]["id"], behind[0]["catena"]["id"]);
    let other = line.replace("ann", "bob");
    assert_ne!(catena(&query, other).0[0]["catena"]["id"], alone[0]["catena"]["id"]);
}

/// Our own documents are ECS events: read back, the built-in rules find the same in them.
#[test]
fn the_documents_of_an_audit_log_give_the_same_alerts() {
    let mut log = Vec::new();
    let file = std::fs::File::open("corpus/auditd/attacks.log.gz").unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut log).unwrap();
    let found = |alerts: &[Value]| {
        let mut list: Vec<String> = alerts
            .iter()
            .map(|alert| {
                format!(
                    "{} {} {}",
                    alert["@timestamp"], alert["rule"]["id"], alert["catena"]["keys"]
                )
            })
            .collect();
        list.sort();
        list
    };
    let (events, _, _) = catena(&["query", "any where true", "-", "-q"], log.clone());
    let documents: String =
        events.iter().map(|alert| format!("{}\n", alert["catena"]["events"][0]["event"])).collect();
    let (from_log, _, _) = catena(&["replay", "-", "-q"], log);
    let (from_json, stderr, _) = catena(&["replay", "-"], documents);
    assert!(from_log.len() > 10);
    assert_eq!(found(&from_json), found(&from_log), "{stderr}");
}
