//! Lines of other producers → lines that the readers of this program know.
//!
//! In: one line of JSON and its [`Form`]. Out: what it says as audit records ([`Line::Record`]), which go
//! the way of a raw log, or as an event in our fields ([`Line::Event`]). So a producer is read in one
//! place, and everything behind it is the same code for all. A [`Splitter`] cuts documents that hold more
//! than one event, without ever holding more than one.
//!
//! Nothing is interpreted here and no two lines are looked at together. All text is attacker-controlled:
//! sizes and depths are bounded, and whatever a value holds, it stays one value of one record.

mod builtin;
mod interpreted;
mod journald;
mod laurel;
mod map;
mod map_file;
mod sniff;
mod spelling;
mod tape;
mod wazuh;
mod whole;

use std::sync::Arc;

pub use map::{ANY_OTHER, FieldMap, TimeFormat};
pub use map_file::read_map;
pub use sniff::{Form, bulk_action};
pub use whole::{Splitter, Start};

use crate::record::{HeadError, JsonError};
use interpreted::Interpreted;
use journald::Journald;
use laurel::Laurel;
use map::Mapper;
use tape::Tape;

/// What a line becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line of an audit log, without its newline.
    Record(&'a [u8]),
    /// A line of JSON with fields of ours.
    Event(&'a [u8]),
}

/// Why a line cannot be read in its form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// It holds no JSON object.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member that each event of this form has is missing.
    #[error("no `{0}`")]
    NoMember(&'static str),
    /// A member that must be a number is none.
    #[error("`{0}` is not a number")]
    NotANumber(&'static str),
    /// The `ID` of LAUREL does not name an event.
    #[error("`ID` is not `seconds.milliseconds:serial`")]
    BadId,
    /// No member is named after a record type.
    #[error("no member named after an audit record")]
    NoRecords,
    /// A line of `ausearch -i` is no record.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The date of an interpreted record cannot be read, or there is no such date.
    #[error("not a date, time and serial that can be read")]
    BadDate,
}

/// Translates lines; keeps memory between them and allocates nothing else in steady state.
#[derive(Debug)]
pub struct Translator {
    tape: Tape,
    laurel: Laurel,
    journald: Journald,
    interpreted: Interpreted,
    mapper: Mapper,
    line: Vec<u8>,
    map: Option<Arc<FieldMap>>,
    /// The maps that come with the program, as far as they were needed.
    builtin: Vec<(Form, FieldMap)>,
}

/// What came of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translated {
    /// It was translated; so many of its values were left out, because they stood too deep or could not
    /// be understood.
    Whole(u64),
    /// It is of this form but carries nothing for us, and need not.
    Nothing,
}

impl Translator {
    /// A translator; `map` is for lines of [`Form::Mapped`].
    pub fn new(map: Option<Arc<FieldMap>>) -> Self {
        Self {
            tape: Tape::default(),
            laurel: Laurel::default(),
            journald: Journald::default(),
            interpreted: Interpreted::default(),
            mapper: Mapper::default(),
            line: Vec::new(),
            map,
            builtin: Vec::new(),
        }
    }

    /// The same, for interpreted records whose dates are so many seconds ahead of UTC.
    #[must_use]
    pub fn ahead_of_utc(mut self, seconds: i32) -> Self {
        self.interpreted.offset = seconds;
        self
    }

    /// Calls `each` with everything that a line of this form becomes, in order. Cost grows with the
    /// length of the line.
    ///
    /// # Errors
    ///
    /// [`TranslateError`] when the line is not of this form; `each` has then not been called.
    pub fn translate(
        &mut self,
        form: Form,
        line: &[u8],
        each: &mut impl FnMut(Line<'_>),
    ) -> Result<Translated, TranslateError> {
        if form == Form::Interpreted {
            // Blanks at its end may be those of a value.
            let record = &mut |line: &[u8]| each(Line::Record(line));
            return self.interpreted.record(line, record).map(|()| Translated::Whole(0));
        }
        let line = unwrapped(line);
        match form {
            Form::Interpreted | Form::Audit => each(Line::Record(line)),
            Form::Ecs | Form::Auditbeat => each(Line::Event(line)),
            Form::Laurel => {
                self.tape.read(line)?;
                let record = &mut |line: &[u8]| each(Line::Record(line));
                return self.laurel.records(&self.tape, record).map(Translated::Whole);
            }
            Form::Journald => {
                self.tape.read(line)?;
                let record = &mut |line: &[u8]| each(Line::Record(line));
                return self.journald.record(&self.tape, record).map(carried);
            }
            Form::Wazuh => {
                self.tape.read(line)?;
                let record = &mut |line: &[u8]| each(Line::Record(line));
                return wazuh::records(&self.tape, &mut self.line, record).map(carried);
            }
            Form::Mapped => match self.map.as_deref() {
                Some(map) => each(Line::Event(self.mapper.line(map, line)?)),
                None => each(Line::Event(line)),
            },
            Form::Endgame | Form::Falco | Form::Tetragon => {
                if !self.builtin.iter().any(|(known, _)| *known == form) {
                    self.builtin.push((form, builtin::map(form).unwrap_or_default()));
                }
                let map = self.builtin.iter().find(|(known, _)| *known == form);
                if let Some((_, map)) = map {
                    each(Line::Event(self.mapper.line(map, line)?));
                }
            }
        }
        Ok(Translated::Whole(0))
    }
}

fn carried(carried: bool) -> Translated {
    if carried { Translated::Whole(0) } else { Translated::Nothing }
}

/// A line without blanks round it, byte order mark and the `@cee:` that syslog puts in front of JSON.
pub fn unwrapped(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    line.strip_prefix(b"@cee:").map_or(line, <[u8]>::trim_ascii_start)
}
