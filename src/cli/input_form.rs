//! What the arguments say about the form of inputs.

use std::path::Path;
use std::sync::Arc;

use super::args::{Color, InputForm, InputFormat};
use super::exit::Exit;
use super::output::{message, stderr_color};
use super::summary;
use crate::diagnostic::{self, Source};
use crate::escape::escape;
use crate::pipeline::Settings;
use crate::translate::{FieldMap, Form, read_map};

/// The settings of a run, with what is said about its inputs.
///
/// # Errors
///
/// When the field map cannot be used; the user has been told why.
pub(super) fn settings(
    form: &InputForm,
    color: Color,
    settings: Settings,
) -> Result<Settings, Exit> {
    let format = form.input_format;
    if form.timezone_offset.is_some() && format != InputFormat::Interpreted {
        message("catena: error: --timezone-offset is for --input-format interpreted");
        return Err(Exit::Usage);
    }
    let ahead_of_utc = form.timezone_offset.unwrap_or(0);
    let field_map = match &form.field_map {
        Some(path) => {
            if !matches!(format, InputFormat::Auto | InputFormat::Ecs) {
                message(
                    "catena: error: --field-map says what JSON events hold; leave --input-format out",
                );
                return Err(Exit::Usage);
            }
            Some(Arc::new(read(path, color, &settings)?))
        }
        None => None,
    };
    let form = match format {
        InputFormat::Auto => None,
        InputFormat::Audit => Some(Form::Audit),
        InputFormat::Ecs => Some(Form::Ecs),
        InputFormat::Auditbeat => Some(Form::Auditbeat),
        InputFormat::Laurel => Some(Form::Laurel),
        InputFormat::Journald => Some(Form::Journald),
        InputFormat::Wazuh => Some(Form::Wazuh),
        InputFormat::Endgame => Some(Form::Endgame),
        InputFormat::Falco => Some(Form::Falco),
        InputFormat::Tetragon => Some(Form::Tetragon),
        InputFormat::Interpreted => Some(Form::Interpreted),
    };
    Ok(Settings { form, field_map, ahead_of_utc, ..settings })
}

/// Seconds that `+02:00` or `-03:30` stands for.
///
/// # Errors
///
/// When it is nothing of that kind, or more than any place on earth has.
pub(super) fn timezone_offset(text: &str) -> Result<i32, String> {
    let read = || {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+')?),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let number = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<i32>().ok()).flatten()
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let seconds = hours * 3600 + minutes * 60;
        (minutes < 60 && seconds <= 14 * 3600).then_some(sign * seconds)
    };
    read().ok_or_else(|| "give hours and minutes ahead of UTC: +02:00".to_owned())
}

fn read(path: &Path, color: Color, settings: &Settings) -> Result<FieldMap, Exit> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = summary::plain(&error.to_string());
        message(&format!("catena: error: {}: {why}", escape(&name)));
        Exit::Unreadable
    })?;
    read_map(&text, &settings.schema).map_err(|problems| {
        for problem in &problems {
            let source = Source { name: &name, text: &text };
            message(&diagnostic::text(problem, source, stderr_color(color)));
        }
        Exit::Usage
    })
}
