//! The kit of small logs (`corpus/auditd/kit.jsonl`), read with the records' and coalescer's own API.
//!
//! A case is some lines and what must come out of them: the events in order of completion, each as a
//! subset of the view that [`view`] builds, and the number of lines that are no records.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use catena::event::{CoalesceLimits, Coalescer, Group, Record};
use catena::record::tables::parse_arch;
use catena::record::text::{keys, proctitle_in_place, text_of};
use catena::record::{Arguments, Field, RawValue, RecordType, Sockaddr, decode, fields, nested};
use serde_json::{Map, Value, json};

#[test]
fn every_case_of_the_kit() {
    let kit = std::fs::read_to_string("corpus/auditd/kit.jsonl").unwrap();
    let cases: Vec<Value> = kit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 61);
    let mut failures = Vec::new();
    for case in &cases {
        let (groups, malformed) = read(case["in"].as_array().unwrap());
        let events: Vec<Value> = groups.iter().map(view).collect();
        let expected = case["events"].as_array().unwrap();
        let fits = events.len() == expected.len()
            && expected.iter().zip(&events).all(|(part, whole)| is_subset(part, whole));
        if !fits || case["errors"] != json!(malformed) {
            failures.push(format!(
                "{} {}\n  expected {} errors, {}\n  read     {malformed} errors, {}",
                case["id"],
                case["what"],
                case["errors"],
                case["events"],
                Value::Array(events)
            ));
        }
    }
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}

/// The events of some lines and how many of the lines are no records.
fn read(lines: &[Value]) -> (Vec<Group>, u64) {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (number, line) in (1..).zip(lines) {
        coalescer.push(0, number, line.as_str().unwrap().as_bytes());
    }
    coalescer.finish();
    let malformed = coalescer.stats().malformed;
    (std::iter::from_fn(|| coalescer.pop()).collect(), malformed)
}

/// Whether everything in `part` is in `whole`; lists must be equal but for the same rule inside.
fn is_subset(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|w| is_subset(value, w)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(p, w)| is_subset(p, w))
        }
        _ => part == whole,
    }
}

/// An event by the names of the kit.
fn view(group: &Group) -> Value {
    let mut event = Map::new();
    event.insert("id".into(), json!(group.id().to_string()));
    if let Some(node) = group.node() {
        event.insert("node".into(), json!(text_of(node)));
    }
    let types: Vec<_> = group.records().map(|record| text_of(record.kind_name())).collect();
    event.insert("types".into(), json!(types));
    let mut arguments = Arguments::default();
    let mut paths = Vec::new();
    let (mut other, mut enriched) = (Map::new(), Map::new());
    for record in group.records() {
        for field in fields(record.body).enriched() {
            insert(&mut enriched, record.kind, field);
        }
        match record.kind {
            RecordType::SYSCALL | RecordType::URINGOP => syscall(&mut event, record),
            RecordType::EXECVE => arguments.push(record.body),
            RecordType::CWD => event.extend(plain(record)),
            RecordType::PATH => paths.push(Value::Object(plain(record))),
            RecordType::PROCTITLE => title(&mut event, record),
            RecordType::SOCKADDR => {
                event.insert("sockaddr".into(), sockaddr(group, record));
            }
            RecordType::SOCKETCALL => {
                event.insert("socketcall".into(), Value::Object(plain(record)));
            }
            _ => {
                for field in fields(record.body) {
                    match field.value {
                        RawValue::Nested(text) => {
                            let mut msg = Map::new();
                            nested(text).for_each(|field| insert(&mut msg, record.kind, field));
                            event.insert("msg".into(), Value::Object(msg));
                        }
                        _ => insert(&mut other, record.kind, field),
                    }
                }
            }
        }
    }
    if !arguments.is_empty() {
        let args: Vec<_> = arguments.iter().map(text_of).collect();
        event.insert("args".into(), json!(args));
        event.insert("args_count".into(), json!(arguments.count()));
        event.insert("args_truncated".into(), json!(arguments.is_truncated()));
    }
    event.insert("paths".into(), Value::Array(paths));
    event.insert("fields".into(), Value::Object(other));
    event.insert("enriched".into(), Value::Object(enriched));
    Value::Object(event)
}

/// A decoded value; null when the record says that there is none.
fn value(kind: RecordType, field: Field<'_>) -> Value {
    if field.key == b"perms"
        && let RawValue::Braced(perms) = field.value
    {
        return json!(text_of(perms).split_whitespace().collect::<Vec<_>>());
    }
    decode(field.key, kind, field.value).map_or(Value::Null, |bytes| json!(text_of(&bytes)))
}

/// Adds a field unless there is one of that name.
fn insert(map: &mut Map<String, Value>, kind: RecordType, field: Field<'_>) {
    map.entry(text_of(field.key).into_owned()).or_insert_with(|| value(kind, field));
}

fn plain(record: Record<'_>) -> Map<String, Value> {
    let mut map = Map::new();
    fields(record.body).for_each(|field| insert(&mut map, record.kind, field));
    map
}

fn syscall(event: &mut Map<String, Value>, record: Record<'_>) {
    for field in fields(record.body) {
        if field.key == b"key" {
            let joined = decode(field.key, record.kind, field.value).unwrap_or_default();
            let single: Vec<_> = keys(&joined).map(text_of).collect();
            event.insert("keys".into(), json!(single));
        } else {
            insert(event, record.kind, field);
        }
    }
}

fn title(event: &mut Map<String, Value>, record: Record<'_>) {
    for field in fields(record.body).filter(|field| field.key == b"proctitle") {
        let Some(bytes) = decode(field.key, record.kind, field.value) else {
            event.insert("title".into(), Value::Null);
            continue;
        };
        let mut bytes = bytes.into_owned();
        let truncated = proctitle_in_place(&mut bytes);
        event.insert("title".into(), json!(text_of(&bytes)));
        event.insert("title_truncated".into(), json!(truncated));
    }
}

fn sockaddr(group: &Group, record: Record<'_>) -> Value {
    let arch = group.first(RecordType::SYSCALL).and_then(|syscall| {
        let arch = fields(syscall.body).find(|field| field.key == b"arch")?;
        parse_arch(arch.value.bytes()?)
    });
    let saddr = fields(record.body).find(|field| field.key == b"saddr").unwrap();
    let address = Sockaddr::parse(saddr.value.bytes().unwrap(), arch);
    let family = match address.family() {
        None => "malformed".to_owned(),
        Some(0) => "unspec".to_owned(),
        Some(1) => "unix".to_owned(),
        Some(2) => "inet".to_owned(),
        Some(10) => "inet6".to_owned(),
        Some(16) => "netlink".to_owned(),
        Some(other) => other.to_string(),
    };
    let mut map = Map::from_iter([("family".to_owned(), json!(family))]);
    match address {
        Sockaddr::UnixPath(name) => map.insert("path".into(), json!(text_of(name.as_bytes()))),
        Sockaddr::UnixAbstract(name) => {
            map.insert("abstract".into(), json!(text_of(name.as_bytes())))
        }
        Sockaddr::UnixUnnamed => map.insert("unnamed".into(), json!(true)),
        Sockaddr::Inet { ip, port } => {
            map.insert("ip".into(), json!(ip.to_string()));
            map.insert("port".into(), json!(port))
        }
        Sockaddr::Malformed(_) => map.insert("malformed".into(), json!(true)),
        _ => None,
    };
    if let Some(v4) = address.mapped_v4() {
        map.insert("v4".into(), json!(v4.to_string()));
    }
    Value::Object(map)
}
