//! [`Intake`]: lines of whatever form on their way to the coalescer or to the reader of JSON events.
//!
//! In: what a source holds, in pieces. Out: audit records pushed into the coalescer, JSON events in the
//! order of events. Each line is read in the form of the line before it; one that does not fit is looked
//! at again, so that a log may change its form without losing a line. What was seen is counted by form.
//! A form that the user has fixed is never left: an input that begins with another one is refused.

use std::sync::Arc;

use super::Settings;
use super::json::{JsonLane, JsonStats};
use super::turns::Turns;
use crate::event::{Coalescer, Json, Projection};
use crate::record::raw::head;
use crate::schema::Schema;
use crate::translate::{
    Form, Line, Splitter, Start, Translated, Translator, bulk_action, unwrapped,
};

/// Where records and events go.
pub(super) struct Outlet<'l> {
    pub(super) source: u32,
    pub(super) coalescer: &'l mut Coalescer,
    pub(super) turns: &'l mut Turns,
}

impl Outlet<'_> {
    /// A line of an audit log.
    #[inline]
    pub(super) fn record(&mut self, number: u64, line: &[u8]) {
        self.coalescer.push(self.source, number, line);
        self.turns.take(self.coalescer);
    }
}

/// See the module page.
#[derive(Debug)]
pub(super) struct Intake {
    /// What the user says.
    fixed: Option<Form>,
    /// The form of JSON lines, once one was seen.
    form: Option<Form>,
    /// The source began with a line of an audit log.
    is_log: bool,
    translator: Translator,
    json: JsonLane,
    /// How the file at hand is cut, once that is known, and what was read of it before.
    start: Option<Start>,
    beginning: Vec<u8>,
    splitter: Splitter,
    /// A value of a document on one line.
    joined: Vec<u8>,
    /// Something was read of the source.
    begun: bool,
    /// The line before was an update of a stored document.
    updating: bool,
    /// Why the rest of the source is not read.
    refused: Option<String>,
    /// JSON lines by form.
    lines: [u64; Form::COUNT],
    /// Records that were made of JSON lines.
    pub(super) made: u64,
}

/// What is to be done with a JSON line next.
enum Next {
    Done,
    /// Read it in this form.
    As(Form),
}

impl Intake {
    pub(super) fn new(settings: &Settings, projection: &Arc<Projection>) -> Self {
        let schema: &Schema = &settings.schema;
        let mapped = settings.field_map.is_some().then_some(Form::Mapped);
        Self {
            fixed: mapped.or(settings.form),
            form: None,
            is_log: false,
            translator: Translator::new(settings.field_map.clone())
                .ahead_of_utc(settings.ahead_of_utc),
            json: JsonLane::new(projection, schema),
            start: None,
            beginning: Vec::new(),
            splitter: Splitter::default(),
            joined: Vec::new(),
            begun: false,
            updating: false,
            refused: None,
            lines: [0; Form::COUNT],
            made: 0,
        }
    }

    /// The reader of JSON events.
    pub(super) fn json(&mut self) -> &mut JsonLane {
        &mut self.json
    }

    /// Counters of JSON lines.
    pub(super) fn stats(&self) -> JsonStats {
        self.json.stats
    }

    /// Malformed JSON lines from number `from` on, as far as they are kept.
    pub(super) fn malformed(&self, from: usize) -> &[(u64, String)] {
        self.json.malformed(from)
    }

    /// Lines by form; `log` is how many the coalescer has seen.
    pub(super) fn forms(&self, log: u64) -> [u64; Form::COUNT] {
        let mut lines = self.lines;
        if let Some(count) = lines.get_mut(Form::Audit.index()) {
            *count = log - self.made;
        }
        lines
    }

    /// Why the rest of the source is not read, told once.
    pub(super) fn take_refusal(&mut self) -> Option<String> {
        self.refused.as_mut().map(std::mem::take).filter(|why| !why.is_empty())
    }

    /// Begins a new file.
    pub(super) fn start(&mut self) {
        self.start = None;
        self.splitter.start();
    }

    /// Something was lost behind what was read last: what has no end yet has none.
    pub(super) fn discard(&mut self) {
        self.beginning.clear();
        self.splitter.discard();
    }

    /// How a piece of a file is to be cut, and the piece with what had to wait for it; `None` while more
    /// is needed to tell. Give the memory back by [`Intake::recycle`].
    pub(super) fn cut<'b>(
        &mut self,
        block: &'b [u8],
    ) -> Option<(Start, std::borrow::Cow<'b, [u8]>)> {
        if let Some(start) = self.start {
            return Some((start, block.into()));
        }
        if self.beginning.is_empty() {
            self.start = Start::of(block);
            if let Some(start) = self.start {
                self.log(block);
                return Some((start, block.into()));
            }
        }
        self.beginning.extend_from_slice(block);
        self.start = Start::of(&self.beginning);
        let beginning = self.start.map(|_| std::mem::take(&mut self.beginning))?;
        self.log(&beginning);
        self.start.map(|start| (start, beginning.into()))
    }

    /// What of a file is left that ended before it was known how to cut it.
    pub(super) fn rest(&mut self) -> Option<(Start, Vec<u8>)> {
        let beginning = std::mem::take(&mut self.beginning);
        if self.start.is_some() || beginning.is_empty() {
            return None;
        }
        self.log(&beginning);
        Some((Start::of_all(&beginning), beginning))
    }

    /// Whether the source holds lines of an audit log, as its first character says.
    fn log(&mut self, beginning: &[u8]) {
        let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let fits = matches!(self.fixed, None | Some(Form::Audit | Form::Mapped));
        let is_text = first.is_some_and(|byte| !matches!(byte, b'{' | b'@'));
        self.is_log |= !self.begun && fits && is_text && self.start != Some(Start::Document);
        self.begun |= first.is_some();
    }

    /// Whether lines that do not begin with a brace are lines of an audit log.
    #[inline]
    pub(super) fn is_log(&self) -> bool {
        self.is_log
    }

    /// Takes in a piece of a document.
    pub(super) fn document(&mut self, piece: &[u8], out: &mut Outlet<'_>) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.feed(piece, &mut |number, value| self.value(number, value, out));
        self.splitter = splitter;
    }

    /// Ends a document.
    pub(super) fn end_document(&mut self, out: &mut Outlet<'_>) {
        let mut splitter = std::mem::take(&mut self.splitter);
        let (mut last, mut whole) = (1, true);
        if self.start == Some(Start::Document) {
            whole = splitter.finish(&mut |number, value| self.value(number, value, out));
            last = splitter.line();
        }
        splitter.start();
        self.splitter = splitter;
        if !whole {
            self.json.stats.lines += 1;
            self.json.refuse(last, "the document ends before its list does".to_owned());
            out.turns.take_json(&mut self.json);
        }
    }

    /// A value of a document: whatever lines it spans, it is one.
    fn value(&mut self, number: u64, value: &[u8], out: &mut Outlet<'_>) {
        if memchr::memchr2(b'\n', b'\r', value).is_none() {
            return self.line(number, value, out);
        }
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        let joint = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        joined.extend(value.iter().map(joint));
        self.line(number, &joined, out);
        self.joined = joined;
    }

    /// Takes in a line that is JSON or stands where JSON should.
    pub(super) fn line(&mut self, number: u64, line: &[u8], out: &mut Outlet<'_>) {
        let text = unwrapped(line);
        let Some(first) = text.first() else {
            return self.json.skip();
        };
        if self.refused.is_some() {
            return;
        }
        let is_object = *first == b'{';
        if let Some(fixed) = self.fixed
            && !self.lines.iter().any(|count| *count > 0)
            && let Some(why) = self.misfit(fixed, number, text)
        {
            self.refused = Some(why);
            return;
        }
        if self.fixed == Some(Form::Audit)
            || !is_object && self.fixed.is_none() && head(text).is_ok()
        {
            return out.record(number, line);
        }
        if std::mem::take(&mut self.updating) {
            self.json.stats.lines += 1;
            self.json.refuse(number, "what a bulk `update` changes: no whole event".to_owned());
            return out.turns.take_json(&mut self.json);
        }
        let mut form = self.fixed.or(self.form).or_else(|| Form::of(text)).unwrap_or(Form::Ecs);
        if form == Form::Audit {
            form = Form::Ecs;
        }
        self.json.stats.lines += 1;
        // Of words, blanks at the end may be a part.
        let text = if form == Form::Interpreted { line } else { text };
        // One that was read in the wrong form is read again, once.
        if let Next::As(other) = self.read(form, number, text, false, out) {
            self.form = Some(other);
            self.read(other, number, text, true, out);
        } else if self.form.is_none() {
            self.form = Some(form);
        }
        out.turns.take_json(&mut self.json);
    }

    /// Reads a JSON line in a form. `last`: it is read in no other.
    fn read(
        &mut self,
        form: Form,
        number: u64,
        text: &[u8],
        last: bool,
        out: &mut Outlet<'_>,
    ) -> Next {
        if form.is_plain() {
            return match self.json.read(text) {
                Ok(json) => self.event(json, form, number, text, last),
                Err(error) => self.malformed_line(form, number, &error),
            };
        }
        // A map makes an event of any object, so it is asked first whose it is.
        if matches!(form, Form::Endgame | Form::Falco | Form::Tetragon)
            && let Some(other) = self.other_form(form, text, last)
        {
            return Next::As(other);
        }
        let (json, made) = (&mut self.json, &mut self.made);
        let mut event = None;
        let translated = self.translator.translate(form, text, &mut |line| match line {
            Line::Record(record) => {
                *made += 1;
                out.record(number, record);
            }
            Line::Event(line) => event = Some(json.read(line)),
        });
        match (translated, event) {
            (_, Some(Ok(json))) => self.event(json, form, number, text, last),
            (_, Some(Err(error))) => self.malformed_line(form, number, &error),
            (Ok(Translated::Whole(left_out)), None) => {
                self.count(form);
                self.json.stats.cut += u64::from(left_out > 0);
                Next::Done
            }
            (Ok(Translated::Nothing), None) => match self.other_form(form, text, last) {
                Some(other) => Next::As(other),
                None => {
                    self.count(form);
                    self.json.skip_read();
                    Next::Done
                }
            },
            (Err(error), None) => match self.other_form(form, text, last) {
                Some(other) => Next::As(other),
                None => self.malformed_line(form, number, &error),
            },
        }
    }

    /// An event that was read: one without a time may be none, or of another form.
    fn event(&mut self, json: Json, form: Form, number: u64, text: &[u8], last: bool) -> Next {
        if json.time().is_none() {
            if let Some(action) = bulk_action(text) {
                self.json.recycle(json);
                if matches!(action, "index" | "create") {
                    self.count(form);
                    self.json.skip_read();
                } else {
                    self.updating = action == "update";
                    let why =
                        format!("a bulk `{action}`: it changes what is stored, and is no event");
                    self.json.refuse(number, why);
                }
                return Next::Done;
            }
            if let Some(other) = self.other_form(form, text, last) {
                self.json.recycle(json);
                return Next::As(other);
            }
        }
        self.count(form);
        self.json.accept(json);
        Next::Done
    }

    fn malformed_line(&mut self, form: Form, number: u64, error: &dyn std::fmt::Display) -> Next {
        let why = error.to_string();
        // What is no JSON is that in every form.
        let is_json = !why.starts_with("not a JSON") && !why.starts_with("line longer");
        self.json.refuse(number, if is_json { format!("not {}: {why}", form.one()) } else { why });
        Next::Done
    }

    /// The form that a line has, when it is another one than it was read in.
    fn other_form(&self, form: Form, text: &[u8], last: bool) -> Option<Form> {
        if last || self.fixed.is_some() {
            return None;
        }
        Form::of(text).filter(|other| {
            other.is_json() && *other != form && !(form.is_plain() && other.is_plain())
        })
    }

    fn count(&mut self, form: Form) {
        if let Some(count) = self.lines.get_mut(form.index()) {
            *count += 1;
        }
    }

    /// Why a first line cannot be of the form that the user says.
    fn misfit(&self, fixed: Form, number: u64, text: &[u8]) -> Option<String> {
        if self.made > 0 {
            return None;
        }
        let seen = Form::of(text)?;
        let fits = match (fixed, seen) {
            (Form::Audit, seen) => !seen.is_json(),
            // Only what is a record for certain; anything else is a bad line like others.
            (_, Form::Audit) => head(text).is_err(),
            (Form::Mapped, _) | (_, Form::Ecs) => true,
            (fixed, seen) => fixed == seen || fixed.is_plain() && seen.is_plain(),
        };
        let (seen, fixed) = (seen.one(), fixed.one());
        (!fits).then(|| format!("line {number} is {seen}, not {fixed} as it was said to be"))
    }
}
