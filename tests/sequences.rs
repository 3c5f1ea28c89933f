//! Every grid in `corpus/sequences` finds what it says: read `corpus/sequences/README.md` first.
//!
//! One grid runs on every configuration: alone and beside the rules of all other grids, with time told
//! in any steps, in order and shuffled within the lateness, with every line of its log delivered twice,
//! with restarts at every point - written, split, put together, read - and by the oracle.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is wrong"
)]

mod matcher;

use std::fs;
use std::sync::{Arc, Mutex};

use catena::engine::{Change, Fate, Held, Watch};
use catena::event::{CoalesceLimits, Coalescer};
use catena::plan::RuleIx;
use catena::rule::{Rule, RuleOptions};
use catena::time::{Duration, Ordinal, Timestamp};
use catena::value::Value;
use matcher::drive::{Driven, Parts, in_any_order, of_rule, rule};
use matcher::{Found, Happening, find};

#[test]
fn every_grid() {
    let grids = grids();
    assert!(grids.len() > 50, "only {} grids found", grids.len());
    let all: Vec<Rule> = grids.iter().map(|grid| grid.rule()).collect();
    let mut failures = Vec::new();
    for (number, grid) in grids.iter().enumerate() {
        let mut expect = |how: &str, found: &[Found]| {
            let found = grid.show(found);
            if found != grid.finds {
                failures.push(format!(
                    "{} ({how})\n  says   {:?}\n  finds  {found:?}",
                    grid.name, grid.finds
                ));
            }
        };
        let mut alone = grid.driven();
        grid.arriving().iter().for_each(|event| alone.push(event));
        let pending = alone.engine.state_keys();
        alone.finish();
        expect("in order", &of_rule(&alone.found, 0));
        let (watched, told) = grid.watched();
        expect("watched", &watched);
        let together = Driven::unlimited(all.clone()).run(&grid.arriving());
        expect("beside all other rules", &of_rule(&together, number));
        for parts in [1, 2, 7, 64] {
            let found = grid.driven().run_restarted(&grid.arriving(), |_| Some(parts));
            expect("with a restart before every event", &of_rule(&found, 0));
        }
        for parts in [1, 2, 7, 64] {
            let mut engines = Parts::new(vec![grid.rule()], parts);
            grid.arriving().iter().for_each(|event| engines.push(event));
            engines.finish();
            let (found, whole) = (in_any_order(&engines.found), in_any_order(&alone.found));
            assert_eq!(found, whole, "{} in {parts} parts", grid.name);
        }
        for at in 0..=grid.events.len() {
            let found = grid.driven().run_restarted(&grid.arriving(), |n| (n == at).then_some(1));
            expect("with one restart", &of_rule(&found, 0));
        }
        for lines in [each_twice(&grid.arriving()), all_twice(&grid.arriving())] {
            expect("delivered twice", &of_rule(&grid.driven().run(&gathered(&lines)), 0));
        }
        if grid.arrives.is_none() {
            let events = grid.in_order();
            let rule = grid.rule();
            expect("by the oracle", &find(&rule.query, &rule.options, &events));
            expect("time in small steps", &of_rule(&grid.in_steps(&events), 0));
            for arrivals in shuffles(&events) {
                let lateness = Duration(i64::MAX / 2);
                expect("shuffled", &of_rule(&grid.driven().run_reordered(&arrivals, lateness), 0));
            }
        }
        failures.extend(told.map(|wrong| format!("{}: {wrong}", grid.name)));
        if grid.pending.is_some_and(|expected| expected != pending) {
            let expected = grid.pending.unwrap_or_default();
            failures.push(format!("{}: {pending} keys pending, not {expected}", grid.name));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// What a grid may not contain is refused, so that a slip of the pen is no silent pass.
#[test]
fn grids_with_mistakes_are_refused() {
    let good = "sequence [any where s == \"a\"] [any where s == \"b\"]\n\
                time 0s 1s\na    1\nb       2\nfinds\n1 2\n";
    assert_eq!(Grid::read("good", good).map(|grid| grid.finds), Ok(vec!["1 2".to_owned()]));
    for (from, to, why) in [
        ("b       2", "b         2", "no column"),
        ("b       2", "b    2  2", "two names"),
        ("1s", "1", "time"),
        ("finds", "found", "finds"),
        ("a    1", "a", "no event"),
        ("\n1 2\n", "\n1 3\n", "names no event"),
    ] {
        let error = Grid::read("bad", &good.replace(from, to)).map(|grid| grid.finds).unwrap_err();
        assert!(error.contains(why), "{to:?}: {error}");
    }
}

/// How often a watcher was told what.
#[derive(Debug, Default)]
struct Tally {
    begun: u64,
    replaced: u64,
    expired: u64,
    cut: u64,
    rejected: u64,
    matches: u64,
    /// Ended in ways that nothing counts: by a newer one, or with the log.
    otherwise: u64,
    /// What ended and had no event, which cannot be.
    empty: u64,
}

#[derive(Debug, Default)]
struct Watcher(Arc<Mutex<Tally>>);

impl Watch for Watcher {
    fn told(&mut self, change: &Change<'_>) {
        let mut tally = self.0.lock().unwrap();
        let events = match change.held {
            Held::Stages(events) => events.len(),
            Held::Items(events) => events.iter().flatten().count(),
        };
        match change.fate {
            Fate::Begun => tally.begun += 1,
            Fate::Replaced => tally.replaced += 1,
            Fate::Expired(_) => tally.expired += 1,
            Fate::Cut(_) => tally.cut += 1,
            Fate::Rejected(_) => tally.rejected += 1,
            Fate::Matched => tally.matches += 1,
            Fate::Late(..) if events > 0 => tally.otherwise += 1,
            Fate::Evicted | Fate::Left => tally.otherwise += 1,
            _ => return,
        }
        tally.empty += u64::from(events == 0 && !matches!(change.fate, Fate::Begun));
    }
}

struct Grid {
    name: String,
    query: String,
    options: RuleOptions,
    events: Vec<(String, Happening)>,
    /// Numbers of the events in the order in which they reach the engine.
    arrives: Option<Vec<usize>>,
    finds: Vec<String>,
    pending: Option<usize>,
}

fn grids() -> Vec<Grid> {
    let mut paths: Vec<_> = fs::read_dir("corpus/sequences")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "grid"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy();
            let text = fs::read_to_string(path).unwrap();
            Grid::read(&name, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

impl Grid {
    /// What is found while somebody watches, and what he was told when it is not what was counted.
    fn watched(&self) -> (Vec<Found>, Option<String>) {
        let mut driven = self.driven();
        let watcher = Watcher::default();
        let tally = watcher.0.clone();
        driven.engine.watch(RuleIx(0), Box::new(watcher));
        self.arriving().iter().for_each(|event| driven.push(event));
        driven.finish();
        let tally = tally.lock().unwrap();
        let stats = driven.engine.rule_stats(RuleIx(0)).unwrap();
        let sequence = self.query.starts_with("sequence");
        let told = [tally.begun, tally.replaced, tally.cut, tally.rejected, tally.empty];
        let counted = [stats.begun, stats.replaced, stats.cut, stats.rejected, 0];
        let ended = [tally.expired, tally.matches] == [stats.expired, stats.matches];
        // Whatever begins ends once.
        let ends = tally.replaced + tally.expired + tally.cut + tally.rejected + tally.matches;
        let balance = tally.begun == ends + tally.otherwise;
        let wrong = sequence && (told != counted || !ended || !balance);
        (of_rule(&driven.found, 0), wrong.then(|| format!("told {tally:?} of {stats:?}")))
    }

    fn read(name: &str, text: &str) -> Result<Self, String> {
        let mut grid = Self {
            name: name.to_owned(),
            query: String::new(),
            options: RuleOptions::default(),
            events: Vec::new(),
            arrives: None,
            finds: Vec::new(),
            pending: None,
        };
        let mut lines =
            text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let mut columns = Vec::new();
        for line in &mut lines {
            if let Some(rest) = line.strip_prefix("time ") {
                columns = cells(line, line.len() - rest.len());
                break;
            } else if let Some(count) = line.strip_prefix("samples per key ") {
                grid.options.samples_per_key = count.parse().map_err(|e| format!("{line}: {e}"))?;
            } else if let Some(window) = line.strip_prefix("window ") {
                grid.options.window = Some(span(window)?);
            } else {
                grid.query.push_str(line);
                grid.query.push('\n');
            }
        }
        for (number, (_, head)) in (0..).zip(&columns) {
            let (time, tiebreaker) = match head.split_once('#') {
                Some((time, "-")) => (time, None),
                Some((time, t)) => (time, Some(t.parse().map_err(|e| format!("{head}: {e}"))?)),
                None => (head.as_str(), Some(number)),
            };
            let time = Timestamp(0).plus(span(time)?);
            let ordinal = Ordinal::new(time, tiebreaker, number);
            grid.events.push((String::new(), Happening { ordinal, fields: Vec::new() }));
        }
        let mut found = false;
        for line in &mut lines {
            if line == "finds" || line == "finds nothing" {
                found = true;
                break;
            }
            if let Some(order) = line.strip_prefix("arrives ") {
                let order: Result<_, _> =
                    order.split_whitespace().map(|id| grid.number(id)).collect();
                grid.arrives = Some(order?);
            } else {
                grid.row(line, &columns)?;
            }
        }
        if !found {
            return Err("no line `finds`".to_owned());
        }
        if let Some(empty) = grid.events.iter().position(|(id, _)| id.is_empty()) {
            return Err(format!("no event in column {}", empty + 1));
        }
        for line in lines {
            match line.strip_prefix("pending ") {
                Some(count) => {
                    grid.pending = Some(count.parse().map_err(|e| format!("{line}: {e}"))?);
                }
                None => grid.finds.push(grid.expected(line)?),
            }
        }
        Ok(grid)
    }

    /// One row: what its events have, then the events.
    fn row(&mut self, line: &str, columns: &[(usize, String)]) -> Result<(), String> {
        let start = columns.first().ok_or("no line `time`")?.0;
        let end = line.char_indices().nth(start).map_or(line.len(), |(at, _)| at);
        let mut words = line[..end].split_whitespace();
        let mut fields = Vec::new();
        let stage = words.next().ok_or_else(|| format!("{line}: no stage"))?;
        if stage != "." {
            fields.push(("s".to_owned(), vec![Value::Str(stage.into())]));
        }
        for word in words {
            let (field, value) = word.split_once('=').unwrap_or(("k", word));
            fields.push((field.to_owned(), values(value)));
        }
        for (at, id) in cells(line, end) {
            let column = columns.iter().position(|(column, _)| *column == at);
            let column = column.ok_or_else(|| format!("{line}: `{id}` is below no column"))?;
            let (name, event) = &mut self.events[column];
            if !name.is_empty() && *name != id {
                return Err(format!("{line}: column has two names, `{name}` and `{id}`"));
            }
            *name = id;
            for (field, values) in &fields {
                if !event.fields.iter().any(|(known, _)| known == field) {
                    event.fields.push((field.clone(), Vec::new()));
                }
                let place = event.fields.iter_mut().find(|(known, _)| known == field).unwrap();
                let new: Vec<_> = values.iter().filter(|v| !place.1.contains(v)).cloned().collect();
                place.1.extend(new);
            }
        }
        let named =
            |(id, _): &(String, Happening)| self.events.iter().filter(|(n, _)| n == id).count();
        match self.events.iter().find(|e| !e.0.is_empty() && named(e) > 1) {
            Some((id, _)) => Err(format!("{line}: `{id}` has two names of columns")),
            None => Ok(()),
        }
    }

    fn number(&self, id: &str) -> Result<usize, String> {
        let number = self.events.iter().position(|(name, _)| name == id);
        number.ok_or_else(|| format!("`{id}` names no event"))
    }

    /// An expected match in the same spacing as [`Grid::show`] gives.
    fn expected(&self, line: &str) -> Result<String, String> {
        let (line, at) = line.split_once(" at ").unwrap_or((line, ""));
        let (key, ids) = line.rsplit_once(':').map_or(("", line), |(key, ids)| (key, ids));
        for id in ids.split_whitespace().filter(|id| *id != "-") {
            self.number(id)?;
        }
        let mut text = ids.split_whitespace().collect::<Vec<_>>().join(" ");
        if !key.is_empty() {
            text = format!("{}: {text}", key.trim());
        }
        if !at.is_empty() {
            text = format!("{text} at {}", Timestamp(0).plus(span(at)?).0);
        }
        Ok(text)
    }

    /// Matches as the grid would say them; the time only where the grid says it too.
    fn show(&self, found: &[Found]) -> Vec<String> {
        let shown = found.iter().enumerate().map(|(number, found)| {
            let id = |event: &Option<u64>| match event {
                Some(number) => self.events[usize::try_from(*number).unwrap()].0.clone(),
                None => "-".to_owned(),
            };
            let mut text = found.events.iter().map(id).collect::<Vec<_>>().join(" ");
            if !found.keys.is_empty() {
                let keys: Vec<_> = found.keys.iter().map(ToString::to_string).collect();
                text = format!("{}: {text}", keys.join(", "));
            }
            if self.finds.get(number).is_some_and(|line| line.contains(" at ")) {
                text = format!("{text} at {}", found.decided.0);
            }
            text
        });
        shown.collect()
    }

    fn rule(&self) -> Rule {
        rule(&self.query, self.options.clone())
    }

    fn driven(&self) -> Driven {
        Driven::unlimited(vec![self.rule()])
    }

    fn in_order(&self) -> Vec<Happening> {
        let mut events: Vec<_> = self.events.iter().map(|(_, event)| event.clone()).collect();
        events.sort_by_key(|event| event.ordinal);
        events
    }

    /// As the grid says they arrive; in order when it says nothing.
    fn arriving(&self) -> Vec<Happening> {
        match &self.arrives {
            None => self.in_order(),
            Some(order) => order.iter().map(|n| self.events[*n].1.clone()).collect(),
        }
    }

    /// In order, with time told before and after every event and in between.
    fn in_steps(&self, events: &[Happening]) -> Vec<(usize, Found)> {
        let mut driven = self.driven();
        for (number, event) in events.iter().enumerate() {
            driven.advance(event.ordinal.time);
            driven.push(event);
            let next = events.get(number + 1).map_or(Timestamp::MAX, |next| next.ordinal.time);
            let gap = next.since(event.ordinal.time);
            for part in [4, 2, 1] {
                driven.advance(event.ordinal.time.plus(Duration(gap.0 / part)));
            }
        }
        driven.finish();
        driven.found
    }
}

fn each_twice(events: &[Happening]) -> Vec<Happening> {
    events.iter().flat_map(|event| [event.clone(), event.clone()]).collect()
}

fn all_twice(events: &[Happening]) -> Vec<Happening> {
    [events, events].concat()
}

/// What is left of events that come as lines of an audit log, one each.
fn gathered(events: &[Happening]) -> Vec<Happening> {
    let mut coalescer = Coalescer::new(CoalesceLimits::default());
    for (number, event) in (1..).zip(events) {
        let serial = event.ordinal.arrival + 1;
        let line = format!("type=USER_CMD msg=audit(1700000000.000:{serial}): pid=1");
        coalescer.push(0, number, line.as_bytes());
    }
    coalescer.finish();
    let groups = std::iter::from_fn(|| coalescer.pop());
    let of = |serial| events.iter().find(|event| event.ordinal.arrival + 1 == serial);
    groups.map(|group| of(u64::from(group.id().serial)).unwrap().clone()).collect()
}

/// Some other orders of arrival.
fn shuffles(events: &[Happening]) -> Vec<Vec<Happening>> {
    let reversed: Vec<_> = events.iter().rev().cloned().collect();
    let (odd, even): (Vec<_>, Vec<_>) =
        events.iter().cloned().partition(|event| event.ordinal.arrival % 2 == 0);
    vec![reversed, [even, odd].concat()]
}

/// Words of a line from byte `from` on, each with the column of its first character.
fn cells(line: &str, from: usize) -> Vec<(usize, String)> {
    let mut cells: Vec<(usize, String)> = Vec::new();
    let mut blank = true;
    for (column, (at, c)) in line.char_indices().enumerate() {
        if at < from || c == ' ' {
            blank = true;
            continue;
        }
        if blank {
            cells.push((column, String::new()));
        }
        blank = false;
        if let Some((_, word)) = cells.last_mut() {
            word.push(c);
        }
    }
    cells
}

/// `1500ms`, `3s`, `0s`, or nanoseconds as `7ns`; several can be added: `1s+1ns`.
fn span(text: &str) -> Result<Duration, String> {
    let one = |part: &str| match part.strip_suffix("ns") {
        Some(nanos) => nanos.parse().map_err(|e| format!("time `{text}`: {e}")),
        None if part == "0s" => Ok(0),
        None => Duration::parse(part).map(|d| d.0).map_err(|e| format!("time `{text}`: {e}")),
    };
    text.split('+').map(one).sum::<Result<i64, String>>().map(Duration)
}

/// The values a row gives to a field.
fn values(text: &str) -> Vec<Value> {
    let one = |text: &str| {
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let number = || text.parse().map(Value::Int).ok();
        quoted
            .map(|text| Value::Str(text.into()))
            .or_else(number)
            .unwrap_or(Value::Str(text.into()))
    };
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        _ if text == "null" => Vec::new(),
        Some(list) => list.split(',').map(one).collect(),
        None => vec![one(text)],
    }
}
