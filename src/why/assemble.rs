//! What both readings found → what is still to be looked for, and the [`Answer`].

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::{
    Answer, Candidate, EndInfo, EventInfo, FieldInfo, FieldValues, FiredKey, FoundInfo,
    KeyDifference, KeyValue, LogInfo, Nearest, Refusal, RuleInfo, StageEvent, StageInfo, TestInfo,
    WantInfo,
};
use super::gather::{Attempt, End, Fired, Passed, Selection, Shared, key_name};
use super::probe::{Probe, Role};
use super::search::{Column, Found, Spoiler, Want, around};
use crate::alert;
use crate::event::{Document, DocumentValues, Kept};
use crate::machine::key;
use crate::pipeline::Report;
use crate::plan::RuleIx;
use crate::rule::RuleSet;
use crate::time::{Duration, Timestamp};
use crate::value::Value;

/// Events told of a kind for each key; of a rule without keys to tell, as many as keys.
const PER_WANT: usize = 2;
/// Fields of an event named that have the wanted value of a key.
const MAX_ELSEWHERE: usize = 3;
/// Shorter values are in too many fields to say anything.
const MIN_TELLING: usize = 2;

/// The first reading, and what is made of it.
pub(super) struct Assembly {
    pub(super) rules: Arc<RuleSet>,
    /// Fields of the key by column.
    pub(super) names: Vec<Vec<Arc<str>>>,
    pub(super) passed: Vec<Passed>,
    pub(super) present: Vec<u64>,
    pub(super) events: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) fired: HashMap<String, Fired>,
    /// Those that are told of, the nearest first; `None` for one that never began.
    pub(super) attempts: Vec<Option<Attempt>>,
    pub(super) fates: Shared,
    pub(super) selection: Selection,
    /// More keys came near than are told of.
    pub(super) more: bool,
}

impl Assembly {
    /// Picks the attempts that came nearest, and says what they lacked: for each attempt, in order, its
    /// wants; and what may have spoiled it.
    pub(super) fn questions(&mut self, probe: &Probe, limit: usize) -> (Vec<Want>, Vec<Spoiler>) {
        let mut attempts = self.fates.lock().furthest();
        // Nobody asks why a key did not fire that did; with a key given it is asked about both.
        if self.selection.is_all() {
            attempts.sort_by_key(|attempt| self.fired_ids(&attempt.key).is_some());
        }
        self.more = attempts.len() > limit;
        attempts.truncate(limit);
        self.attempts = attempts.into_iter().map(Some).collect();
        let mut wants = Vec::new();
        let mut spoilers = Vec::new();
        if self.attempts.is_empty() && (self.fired.is_empty() || probe.kind == "event") {
            self.attempts.push(None);
        }
        for attempt in &self.attempts {
            match attempt {
                Some(attempt) => {
                    wants.extend(wanted(probe, attempt));
                    spoilers.extend(spoiling(probe, attempt));
                }
                None => {
                    let text = |column: &Option<String>| match column {
                        Some(text) => Column::Text(text.clone()),
                        None => Column::Any,
                    };
                    let key: Vec<Column> = self.selection.columns.iter().map(text).collect();
                    let items = probe.items.iter().enumerate().filter(|(_, item)| !item.missing);
                    let all = if probe.kind == "sample" { probe.items.len() } else { 1 };
                    let per_want = if probe.kind == "event" { limit } else { PER_WANT };
                    wants.extend(items.take(all).map(|(item, _)| {
                        let mut want = Want::new(item, key.clone(), per_want);
                        want.distinct = probe.kind != "event";
                        want
                    }));
                }
            }
        }
        (wants, spoilers)
    }

    /// Ids of the alerts of a key.
    fn fired_ids(&self, key: &[u8]) -> Option<&[String]> {
        let name = key_name(key::decode(key).into_iter());
        self.fired.get(&name).map(|fired| fired.ids.as_slice())
    }

    /// Puts everything together.
    pub(super) fn answer(
        &self,
        probe: &Probe,
        report: &Report,
        limit: usize,
        wants: Vec<Want>,
        spoilers: Vec<Spoiler>,
    ) -> Answer {
        let mut wants = wants.into_iter().peekable();
        let mut spoilers = spoilers.into_iter();
        let mut nearest = Vec::new();
        for attempt in &self.attempts {
            let count = attempt.as_ref().map_or_else(
                || match probe.kind {
                    "sample" => probe.items.len(),
                    _ => 1,
                },
                |attempt| wanted(probe, attempt).len(),
            );
            let own: Vec<Want> = wants.by_ref().take(count).collect();
            let spoiled = attempt.as_ref().map_or(0, |attempt| spoiling(probe, attempt).len());
            let spoilers: Vec<Spoiler> = spoilers.by_ref().take(spoiled).collect();
            nearest.push(self.nearest(probe, attempt.as_ref(), &own, &spoilers));
        }
        let rule = self.rules.rule(RuleIx(0));
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        Answer {
            rule: RuleInfo {
                id: text(rule.map(|rule| &rule.id)),
                name: text(rule.map(|rule| &rule.name)),
                file: text(rule.map(|rule| &rule.origin.file)),
                kind: probe.kind,
                query: rule.map_or_else(String::new, |rule| rule.text.to_string()),
                maxspan: probe.maxspan.filter(|_| probe.kind != "event").map(|s| s.to_string()),
            },
            log: LogInfo {
                events: self.events,
                first: self.first.map(|time| time.to_string()),
                last: self.last.map(|time| time.to_string()),
                late: report.order.late,
                evicted: report.engine.evicted,
                losses: report.has_losses(),
            },
            found: self.found(probe, report, limit),
            stages: self.stages(probe),
            nearest,
            more: self.more,
        }
    }

    fn found(&self, probe: &Probe, report: &Report, limit: usize) -> FoundInfo {
        let mut fired: Vec<&Fired> = self.fired.values().collect();
        fired.sort_by_key(|fired| fired.number);
        let keys = fired.into_iter().take(limit).map(|fired| FiredKey {
            keys: fired.keys.iter().map(|(name, value)| key_value(name, value)).collect(),
            alerts: fired.count,
            ids: fired.ids.clone(),
            last: fired.last.to_string(),
        });
        let matches = match probe.kind {
            "event" => self.passed.first().map_or(0, |passed| passed.satisfied),
            _ => report.rules.first().map_or(0, |rule| rule.stats.matches),
        };
        FoundInfo { alerts: report.alerts, matches, keys: keys.collect() }
    }

    fn stages(&self, probe: &Probe) -> Vec<StageInfo> {
        let fates = self.fates.lock();
        let numbered = probe.brackets.iter().zip(&self.passed).enumerate();
        let stages = numbered.map(|(number, (bracket, passed))| {
            // Copies of a stage with `runs` are asked about the same events.
            let items = || {
                let items = probe.items.iter().enumerate();
                items.filter(move |(_, item)| item.bracket == number).map(|(item, _)| item)
            };
            let sum = |list: &[u64]| items().filter_map(|item| list.get(item)).copied().min();
            let no_key = items().next().and_then(|item| fates.no_key.get(item));
            let field = |field: &crate::schema::FieldId| FieldInfo {
                field: probe.field_name(*field).to_string(),
                present: self.present.get(field.index()).copied().unwrap_or(0),
            };
            let tests = bracket.parts.iter().zip(&passed.parts).map(|(part, passed)| TestInfo {
                eql: part.eql.clone(),
                passed: *passed,
                fields: part.fields.iter().map(field).collect(),
            });
            StageInfo {
                stage: number + 1,
                eql: bracket.eql.clone(),
                role: match bracket.role {
                    Role::Stage => "stage",
                    Role::Missing => "missing",
                    Role::Until => "until",
                },
                category: bracket.category.as_ref().map(|(name, _)| name.clone()),
                of_category: passed.of_category,
                satisfied: passed.satisfied,
                without_key: no_key.map_or(0, |(count, _)| *count),
                first_without_key: no_key.and_then(|(_, first)| first.as_deref()).map(brief),
                alone: sum(&fates.alone).unwrap_or(0),
                late: sum(&fates.late).unwrap_or(0),
                tests: tests.collect(),
            }
        });
        stages.collect()
    }

    fn nearest(
        &self,
        probe: &Probe,
        attempt: Option<&Attempt>,
        wants: &[Want],
        spoilers: &[Spoiler],
    ) -> Nearest {
        let of = probe.items.iter().filter(|item| !item.missing).count();
        let key = attempt.map(|attempt| key::decode(&attempt.key)).unwrap_or_default();
        let bracket = |item: usize| probe.items.get(item).map_or(0, |item| item.bracket + 1);
        let events = attempt.into_iter().flat_map(|attempt| attempt.events.iter().enumerate());
        let events = events.filter_map(|(item, event)| {
            Some(StageEvent { stage: bracket(item), event: brief(event.as_ref()?) })
        });
        let name = |column: usize| self.names.get(column).and_then(|names| names.first());
        let known = key
            .iter()
            .enumerate()
            .filter_map(|(column, value)| name(column).map(|name| key_value(name, value)));
        let asked = self.selection.columns.iter().enumerate().filter(|_| attempt.is_none());
        let asked = asked.filter_map(|(column, text)| {
            let value = alert::scalar(&Value::Str(text.as_deref()?.into()));
            Some(KeyValue { field: name(column)?.to_string(), value })
        });
        let asked_for = |text: &Option<String>| match text {
            Some(text) => Value::Str(text.as_str().into()),
            None => Value::Null,
        };
        let wanted = match attempt {
            Some(_) => key.clone(),
            None => self.selection.columns.iter().map(asked_for).collect(),
        };
        let ids = attempt.and_then(|attempt| self.fired_ids(&attempt.key)).unwrap_or_default();
        Nearest {
            keys: known.chain(asked).collect(),
            alerts: ids.to_vec(),
            reached: attempt.map_or(0, |attempt| attempt.reached),
            of,
            events: events.collect(),
            end: self.end(probe, attempt, wants, spoilers),
            wants: wants.iter().map(|want| self.want(probe, want, &wanted)).collect(),
        }
    }

    fn end(
        &self,
        probe: &Probe,
        attempt: Option<&Attempt>,
        wants: &[Want],
        spoilers: &[Spoiler],
    ) -> EndInfo {
        let mut end = EndInfo { kind: "never_begun", by: None, stage: None, deadline: None };
        let Some(attempt) = attempt else { return end };
        let bracket = |item: usize| probe.items.get(item).map(|item| item.bracket + 1);
        let deadline = wants.iter().filter_map(|want| want.until).min();
        end.deadline = deadline.map(|deadline| deadline.to_string());
        let spoiler = spoilers.iter().find(|spoiler| spoiler.found.is_some());
        match &attempt.end {
            End::Left => end.kind = "log_ended",
            // What the log could not tell is no failure of the key.
            End::Expired if deadline > self.last => end.kind = "log_ended",
            End::Expired => end.kind = "expired",
            End::Replaced => end.kind = "replaced",
            End::Evicted => end.kind = "evicted",
            End::Cut(by) => {
                end.kind = "cut";
                end.by = Some(brief(by));
                let until = probe.brackets.iter().position(|b| b.role == Role::Until);
                end.stage = until.map(|until| until + 1);
            }
            End::Rejected(by) => {
                end.kind = "rejected";
                let found = spoiler.and_then(|spoiler| spoiler.found.as_ref());
                end.by = by.as_ref().or(found).map(|by| brief(by));
                let trailing = probe.items.iter().rposition(|item| item.missing);
                let item = if by.is_some() { trailing } else { spoiler.map(|s| s.item) };
                end.stage = item.and_then(bracket);
            }
        }
        end
    }

    fn want(&self, probe: &Probe, want: &Want, key: &[Value]) -> WantInfo {
        let bracket = probe.items.get(want.item).map_or(0, |item| item.bracket);
        let candidate = |found: &Found| {
            let over = want.until.map(|until| found.event.ordinal.time.since(until));
            self.candidate(probe, bracket, found, key, over.filter(|over| over.0 > 0))
        };
        let all = |list: &[Found]| list.iter().map(candidate).collect();
        let one = |found: &Option<Found>| found.as_ref().map(candidate);
        WantInfo {
            stage: bracket + 1,
            of_key: want.of_key,
            near: all(&want.near),
            other_key: all(&want.other_key),
            fits: one(&want.fits),
            too_late: one(&want.too_late),
            too_early: one(&want.too_early),
            out_of_order: one(&want.out_of_order),
        }
    }

    fn candidate(
        &self,
        probe: &Probe,
        bracket: usize,
        found: &Found,
        key: &[Value],
        over: Option<Duration>,
    ) -> Candidate {
        let document = found.event.document();
        let parts = probe.brackets.get(bracket).map_or(&[][..], |bracket| &bracket.parts);
        let refused = found.refused.iter().map(|refused| {
            let part = refused.part.and_then(|part| parts.get(part));
            let values = refused.values.iter().map(|(field, values)| FieldValues {
                field: field.to_string(),
                values: values.iter().map(alert::scalar).collect(),
            });
            Refusal {
                eql: part.map(|part| part.eql.clone()),
                span: part.map(|part| [part.span.start, part.span.end]),
                values: values.collect(),
            }
        });
        let slot = probe.items.iter().find(|item| item.bracket == bracket);
        let differs = found.keys.iter().any(|(same, _)| !same);
        let columns = found.keys.iter().enumerate().filter(|_| differs);
        let keys = columns.filter_map(|(column, (same, values))| {
            let field = probe.field_name(slot?.keys.get(column)?.field).to_string();
            let wanted = key.get(column).unwrap_or(&Value::Null);
            let elsewhere = if *same { Vec::new() } else { elsewhere(&document, wanted, &field) };
            let found = values.iter().map(alert::scalar).collect();
            let wanted = alert::scalar(wanted);
            Some(KeyDifference { field, same: *same, wanted, found, elsewhere })
        });
        let keys: Vec<KeyDifference> = keys.collect();
        Candidate {
            event: brief_of(&found.event, &document),
            refused: refused.collect(),
            related: found.kin || keys.iter().any(|key| !key.elsewhere.is_empty()),
            keys,
            over_ms: over.map(|over| over.0.saturating_add(999_999) / 1_000_000),
        }
    }
}

/// What an attempt lacks: the next item of a sequence, every empty item of a sample.
fn wanted(probe: &Probe, attempt: &Attempt) -> Vec<Want> {
    let key: Vec<Column> =
        key::columns(&attempt.key).into_iter().map(|value| Column::Exact(value.into())).collect();
    let times: Vec<Timestamp> =
        attempt.events.iter().flatten().map(|event| event.ordinal.time).collect();
    let latest = attempt.events.iter().flatten().max_by_key(|event| event.ordinal);
    let kin = latest.and_then(|event| event.process()).map(|process| process.entity_id);
    let empty = probe.items.iter().zip(&attempt.events).enumerate();
    let empty = empty.filter(|(_, (item, event))| !item.missing && event.is_none());
    let wants = empty.map(|(item, _)| {
        let mut want = Want::new(item, key.clone(), PER_WANT);
        want.kin = kin;
        want.used = attempt.events.iter().flatten().map(|event| event.ordinal).collect();
        if probe.kind == "sequence" {
            want.after = Some(attempt.last);
            let first = times.iter().min();
            want.until = first.zip(probe.maxspan).map(|(first, span)| first.plus(span));
        } else if let Some((from, until)) = probe.maxspan.and_then(|span| around(&times, span)) {
            want.from = Some(from);
            want.until = Some(until);
        }
        want
    });
    let count = if probe.kind == "sequence" { 1 } else { probe.items.len() };
    wants.take(count).collect()
}

/// What must not have happened between the events of an attempt.
fn spoiling(probe: &Probe, attempt: &Attempt) -> Vec<Spoiler> {
    const INSTANT: Duration = Duration(1);
    let key: Vec<Column> =
        key::columns(&attempt.key).into_iter().map(|value| Column::Exact(value.into())).collect();
    let missing = probe.items.iter().enumerate().filter(|(_, item)| item.missing);
    let spoilers = missing.filter_map(|(item, _)| {
        let (front, behind) = attempt.events.split_at_checked(item)?;
        let before = front.iter().flatten().next_back().map(|event| event.ordinal.time);
        let after = behind.iter().flatten().next().map(|event| event.ordinal.time);
        let (from, to) = match (before, after) {
            (Some(before), Some(after)) => (before.plus(INSTANT), after.minus(INSTANT)),
            (None, Some(first)) => {
                let span = probe.maxspan?;
                (attempt.last.time.minus(span), first.minus(INSTANT))
            }
            _ => return None,
        };
        Some(Spoiler { item, key: key.clone(), from, to, found: None })
    });
    spoilers.collect()
}

/// Fields other than `field` that have a value.
fn elsewhere(document: &Document, wanted: &Value, field: &str) -> Vec<String> {
    let text = wanted.to_string();
    if *wanted == Value::Null || text.len() < MIN_TELLING {
        return Vec::new();
    }
    let named = |name: &str| {
        ["process.", "host.", "user.", "file.", "source.", "destination."]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let has = |values: DocumentValues<'_>| values.iter().any(|value| value.to_string() == text);
    let fields =
        document.fields().filter(|(name, values)| *name != field && named(name) && has(*values));
    fields.map(|(name, _)| name.to_owned()).take(MAX_ELSEWHERE).collect()
}

fn key_value(name: &str, value: &Value) -> KeyValue {
    KeyValue { field: name.to_owned(), value: alert::scalar(value) }
}

/// An event, in short.
fn brief(event: &Kept) -> EventInfo {
    brief_of(event, &event.document())
}

fn brief_of(event: &Kept, document: &Document) -> EventInfo {
    let text = |name: &str| document.first(name).map(|value| value.to_string());
    let detail = alert::detail(document);
    EventInfo {
        time: event.ordinal.time.to_string(),
        serial: document.first("event.sequence").map(alert::one),
        host: text("host.name"),
        action: text("event.action").or_else(|| text("auditd.data.syscall")),
        process: text("process.name"),
        pid: document.first("process.pid").map(alert::one),
        detail: Some(detail).filter(|detail| !detail.is_empty()),
    }
}
