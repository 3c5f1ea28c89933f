//! The text of a test file → its cases.
//!
//! In: TOML with a table `[[case]]` for each case. Out: a [`TestFile`], or everything that is wrong with
//! it, each at its place. Nothing is read here but the text: logs are opened when a case runs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::case::{Action, Case, Change, Expect, Fault, LogOf, Pick, TestFile, Wanted};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::rule::{self, Data, Keys, Node, Problem, Rule, Table, Text, labelled};
use crate::schema::Schema;
use crate::span::Span;
use crate::time::Duration;

/// The keys of a case.
const KEYS: [&str; 19] = [
    "name",
    "about",
    "rule",
    "log",
    "lines",
    "serial",
    "pid",
    "where",
    "host",
    "lateness",
    "wait",
    "malformed",
    "drop",
    "shift",
    "delay",
    "faults",
    "seeds",
    "alerts",
    "also",
];
/// Most cases of one file.
const MAX_CASES: usize = 10_000;
/// Longest name of a case: it is the name of a file.
const MAX_NAME: usize = 100;
/// Most orders a log is shuffled into.
const MAX_SEEDS: i64 = 1000;
const SEEDS: u32 = 8;
const LATENESS: Duration = Duration::from_secs(5);

/// Reads the text of the test file `name`.
///
/// # Errors
///
/// Everything that is wrong with it, at least one problem.
pub fn read_text(name: &str, text: &str, schema: &Schema) -> Result<TestFile, Vec<Problem>> {
    let text: Arc<str> = text.strip_prefix('\u{feff}').unwrap_or(text).into();
    let folder = Path::new(name).parent().unwrap_or(Path::new("")).to_owned();
    let mut reading = Reading { folder, schema, names: HashSet::new(), problems: Vec::new() };
    let cases = reading.file(&text);
    if reading.problems.is_empty() {
        return Ok(TestFile { file: name.to_owned(), text, cases });
    }
    let problem = |diagnostic: Diagnostic| Problem {
        file: name.to_owned(),
        text: text.clone(),
        diagnostic: Diagnostic { code: Code::TestFile, ..diagnostic },
        rule: None,
        inner_line: None,
    };
    Err(reading.problems.into_iter().map(problem).collect())
}

struct Reading<'a> {
    folder: PathBuf,
    schema: &'a Schema,
    names: HashSet<String>,
    problems: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn file(&mut self, text: &str) -> Vec<Case> {
        let table = match rule::toml(text) {
            Ok(table) => table,
            Err(problems) => {
                self.problems = problems;
                return Vec::new();
            }
        };
        let mut keys = Keys::new(table, "");
        let tables = keys.tables("case");
        keys.refuse_rest(&["case"]);
        self.problems.append(&mut keys.problems);
        if tables.is_empty() && self.problems.is_empty() {
            self.say(None, "no `[[case]]` in the file", "");
        }
        if tables.len() > MAX_CASES {
            self.say(None, &format!("more than {MAX_CASES} cases in one file"), "");
            return Vec::new();
        }
        tables.into_iter().filter_map(|table| self.case(table)).collect()
    }

    fn say(&mut self, span: Option<Span>, title: &str, label: &str) {
        self.problems.push(labelled(Diagnostic::new(Code::TestFile, title), span, label));
    }

    fn case(&mut self, table: Table) -> Option<Case> {
        let whole = table.span;
        let mut keys = Keys::new(table, "");
        let name = keys.required("name").and_then(|name| self.name(name));
        let log = self.log(&mut keys, whole);
        let pick = self.pick(&mut keys, whole);
        let mut changes = Vec::new();
        for (key, takes_time) in [("drop", false), ("shift", true), ("delay", true)] {
            for table in keys.tables(key) {
                changes.extend(self.change(key, takes_time, table));
            }
        }
        let lateness = self.length(&mut keys, "lateness").unwrap_or(LATENESS);
        let (faults, shuffle) = self.faults(&mut keys);
        if let Some(shuffle) = shuffle
            && changes.iter().any(|change| matches!(change.action, Action::Delay(_)))
        {
            let label = "what is late already may not come later";
            self.say(Some(shuffle), "`shuffle` and `delay` exclude each other", label);
        }
        let case = Case {
            span: name.as_ref().map_or_else(Span::default, |(_, span)| *span),
            name: name.as_ref().map(|(name, _)| name.clone()).unwrap_or_default(),
            about: keys.prose("about"),
            rule: keys.placed("rule").map(|text| (text.text, text.span.unwrap_or_default())),
            host: keys.text("host"),
            lateness,
            wait: self.length(&mut keys, "wait"),
            malformed: keys
                .number("malformed", 0, 1_000_000)
                .and_then(|number| u64::try_from(number).ok())
                .unwrap_or(0),
            seeds: keys
                .number("seeds", 1, MAX_SEEDS)
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(SEEDS),
            expect: self.expect(&mut keys),
            also: self.also(&mut keys),
            log: log.unwrap_or(LogOf::Lines(String::new())),
            pick,
            changes,
            faults,
        };
        keys.refuse_rest(&KEYS);
        self.problems.append(&mut keys.problems);
        name.map(|_| case)
    }

    /// A name that can be the name of a file anywhere.
    fn name(&mut self, name: Text) -> Option<(String, Span)> {
        let span = name.span.unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let text = name.text;
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(plain) {
            let title = "the name of a case is made of `a` to `z`, `0` to `9` and `-`";
            self.say(Some(span), title, "it names a file");
            return None;
        }
        if !self.names.insert(text.clone()) {
            self.say(Some(span), &format!("two cases have the name `{text}`"), "the second one");
            return None;
        }
        Some((text, span))
    }

    fn log(&mut self, keys: &mut Keys, whole: Option<Span>) -> Option<LogOf> {
        match (keys.placed("log"), keys.placed("lines")) {
            (Some(log), None) => {
                let path = self.folder.join(&log.text);
                Some(LogOf::File(path, log.span.unwrap_or_default()))
            }
            (None, Some(lines)) => Some(LogOf::Lines(lines.text)),
            (Some(_), Some(lines)) => {
                self.say(lines.span, "both `log` and `lines`", "a case has one log");
                None
            }
            (None, None) => {
                // One of the wrong kind has been told already.
                if keys.problems.is_empty() {
                    let title = "a case needs `log`, a file, or `lines`, the log itself";
                    self.say(whole, title, "");
                }
                None
            }
        }
    }

    /// What picks events, if anything does.
    fn pick(&mut self, keys: &mut Keys, whole: Option<Span>) -> Option<Pick> {
        let serials = keys.table.take("serial").and_then(|node| self.serials(&node));
        let pid =
            keys.number("pid", 0, i64::from(u32::MAX)).and_then(|pid| u32::try_from(pid).ok());
        let mut span = whole.unwrap_or_default();
        let condition = keys.placed("where").and_then(|text| {
            span = text.span.unwrap_or_default();
            self.condition(&text)
        });
        let some = serials.is_some() || pid.is_some() || condition.is_some();
        let (serials, span) = match serials {
            Some((first, last, place)) => (Some((first, last)), place),
            None => (None, span),
        };
        some.then_some(Pick { serials, pid, condition, span })
    }

    fn serials(&mut self, node: &Node) -> Option<(u32, u32, Span)> {
        let span = node.span.unwrap_or_default();
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let range = match &node.data {
            Data::Int(one) => u32::try_from(*one).ok().map(|one| (one, one)),
            Data::Text(text) => match text.split_once("..") {
                Some((first, last)) => number(first).zip(number(last)),
                None => number(text).map(|one| (one, one)),
            },
            _ => None,
        };
        match range {
            Some((first, last)) if first <= last => Some((first, last, span)),
            Some(_) => {
                self.say(Some(span), "the first serial number is above the last", "");
                None
            }
            None => {
                self.say(Some(span), "`serial` must be a number or `\"FIRST..LAST\"`", "");
                None
            }
        }
    }

    fn condition(&mut self, text: &Text) -> Option<Box<Rule>> {
        let loaded = rule::load_query(&format!("any where {}", text.text), self.schema);
        for problem in &loaded.problems {
            let problem = &problem.diagnostic;
            let title = format!("`where`: {}", problem.title);
            let mut told = labelled(Diagnostic::new(Code::TestFile, title), text.span, "");
            told.help.clone_from(&problem.help);
            self.problems.push(told);
        }
        loaded.rules.into_iter().next().map(Box::new)
    }

    fn change(&mut self, key: &str, takes_time: bool, table: Table) -> Option<Change> {
        let whole = table.span;
        let mut keys = Keys::new(table, "");
        let by = if takes_time { keys.required("by") } else { None };
        let pick = self.pick(&mut keys, whole);
        let known = ["serial", "pid", "where", "by"];
        keys.refuse_rest(known.get(..if takes_time { 4 } else { 3 }).unwrap_or_default());
        self.problems.append(&mut keys.problems);
        if pick.is_none() {
            self.say(whole, &format!("`{key}` needs `serial`, `pid` or `where`"), "which events?");
        }
        let action = match (key, by) {
            ("drop", _) => Action::Drop,
            ("shift", Some(by)) => {
                let (sign, text) = match by.text.strip_prefix('-') {
                    Some(rest) => (-1, rest),
                    None => (1, by.text.as_str()),
                };
                let length = self.parse(text, by.span)?;
                Action::Shift(Duration(length.0.saturating_mul(sign)))
            }
            (_, Some(by)) => Action::Delay(self.parse(&by.text, by.span)?),
            _ => return None,
        };
        Some(Change { pick: pick?, action })
    }

    fn length(&mut self, keys: &mut Keys, key: &str) -> Option<Duration> {
        let text = keys.placed(key)?;
        self.parse(&text.text, text.span)
    }

    fn parse(&mut self, text: &str, span: Option<Span>) -> Option<Duration> {
        match Duration::parse(text) {
            Ok(length) => Some(length),
            Err(error) => {
                self.say(span, &format!("{error}; write 500ms, 10s, 2m"), "");
                None
            }
        }
    }

    /// The faults in their order, each once, and where `shuffle` stands.
    fn faults(&mut self, keys: &mut Keys) -> (Vec<Fault>, Option<Span>) {
        let mut faults = Vec::new();
        let mut shuffle = None;
        for (text, span) in self.texts(keys, "faults") {
            match Fault::ALL.into_iter().find(|fault| fault.name() == text) {
                Some(fault) => {
                    faults.push(fault);
                    if fault == Fault::Shuffle {
                        shuffle = Some(span);
                    }
                }
                None => {
                    let names = Fault::ALL.map(Fault::name);
                    let mut told = Diagnostic::new(Code::TestFile, format!("no fault `{text}`"))
                        .label(span, "");
                    told = match nearest(&text, names) {
                        Some(near) => told.help(format!("did you mean `{near}`?")),
                        None => told.help(format!("the faults are `{}`", names.join("`, `"))),
                    };
                    self.problems.push(told);
                }
            }
        }
        faults.sort_unstable();
        faults.dedup();
        (faults, shuffle)
    }

    fn also(&mut self, keys: &mut Keys) -> Vec<(String, Span)> {
        self.texts(keys, "also")
    }

    /// A list of text, each with its place.
    fn texts(&mut self, keys: &mut Keys, key: &str) -> Vec<(String, Span)> {
        let Some(node) = keys.table.take(key) else { return Vec::new() };
        let span = node.span;
        let Data::List(list) = node.data else {
            self.say(span, &format!("`{key}` must be a list of text"), "");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for node in list {
            match node.data {
                Data::Text(text) => texts.push((text, node.span.unwrap_or_default())),
                other => {
                    let label = format!("this is {}", other.article());
                    self.say(node.span, &format!("`{key}` must be a list of text"), &label);
                }
            }
        }
        texts
    }

    fn expect(&mut self, keys: &mut Keys) -> Expect {
        let Some(Node { data, span }) = keys.table.take("alerts") else { return Expect::Snapshot };
        match data {
            Data::Int(count) if usize::try_from(count).is_ok() => {
                Expect::Count(usize::try_from(count).unwrap_or(0))
            }
            Data::List(list) => {
                let mut wanted = Vec::new();
                for node in list {
                    match node.data {
                        Data::Table(table) => wanted.push(self.wanted(table)),
                        other => {
                            let title = "`alerts` must be a number or a list of tables";
                            self.say(node.span, title, &format!("this is {}", other.article()));
                        }
                    }
                }
                Expect::These(wanted)
            }
            other => {
                let label = format!("this is {}", other.article());
                self.say(span, "`alerts` must be a number or a list of tables", &label);
                Expect::Snapshot
            }
        }
    }

    fn wanted(&mut self, table: Table) -> Wanted {
        let whole = table.span;
        let mut keys = Keys::new(table, "");
        let mut wanted = Wanted::default();
        if let Some(node) = keys.table.take("serials") {
            wanted.serials = self.numbers(node);
        }
        if let Some(table) = keys.table("keys") {
            for pair in table.into_pairs() {
                let value = match pair.value.data {
                    Data::Text(text) => text,
                    Data::Int(number) => number.to_string(),
                    Data::Bool(flag) => flag.to_string(),
                    other => {
                        let label = format!("this is {}", other.article());
                        self.say(pair.value.span, "a key is text or a number", &label);
                        continue;
                    }
                };
                wanted.keys.push((pair.key, value));
            }
        }
        keys.refuse_rest(&["serials", "keys"]);
        self.problems.append(&mut keys.problems);
        if wanted == Wanted::default() {
            self.say(whole, "an alert needs `serials` or `keys`", "");
        }
        wanted
    }

    fn numbers(&mut self, node: Node) -> Option<Vec<u32>> {
        let number = |node: &Node| match &node.data {
            Data::Int(number) => u32::try_from(*number).ok(),
            _ => None,
        };
        let numbers: Option<Vec<u32>> = match &node.data {
            Data::List(list) => list.iter().map(number).collect(),
            _ => None,
        };
        if numbers.is_none() {
            self.say(node.span, "`serials` must be a list of serial numbers", "");
        }
        numbers
    }
}
