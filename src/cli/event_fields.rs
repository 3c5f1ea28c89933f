//! What the arguments say about the fields of events.

use std::collections::BTreeMap;

use super::args;
use super::exit::Exit;
use super::output::message;
use super::summary;
use crate::escape::escape;
use crate::schema::{EventFields, Schema};

/// The schema under which queries are checked and JSON events read.
///
/// # Errors
///
/// When the file of types cannot be used.
pub(super) fn schema(fields: &args::EventFields, id: Option<&str>) -> Result<Schema, Exit> {
    let mut schema = Schema::new();
    schema.set_events(EventFields {
        timestamp: fields.timestamp_field.clone(),
        category: fields.event_category_field.clone(),
        tiebreaker: fields.tiebreaker_field.clone(),
        id: id.map(str::to_owned),
    });
    let Some(path) = &fields.types else { return Ok(schema) };
    let name = escape(&path.display().to_string());
    let text = std::fs::read_to_string(path).map_err(|error| {
        message(&format!("catena: error: {name}: {}", summary::plain(&error.to_string())));
        Exit::Unreadable
    })?;
    let types: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| {
        message(&format!("catena: error: {name}: not an object of fields and types: {error}"));
        Exit::Usage
    })?;
    for (field, kind) in &types {
        if !schema.declare(field, kind) {
            let (field, kind) = (escape(field), escape(kind));
            message(&format!("catena: warning: {name}: type `{kind}` of `{field}` is not known"));
        }
    }
    Ok(schema)
}
