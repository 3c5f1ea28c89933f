//! The field maps that come with the program.

use super::{FieldMap, Form, read_map};
use crate::schema::Schema;

/// The map of a form that has one.
pub(super) fn map(form: Form) -> Option<FieldMap> {
    let text = match form {
        Form::Endgame => include_str!("maps/endgame.toml"),
        Form::Falco => include_str!("maps/falco.toml"),
        Form::Tetragon => include_str!("maps/tetragon.toml"),
        _ => return None,
    };
    read_map(text, &Schema::new()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_can_be_read() {
        for form in [Form::Endgame, Form::Falco, Form::Tetragon] {
            assert!(map(form).is_some(), "{form:?}");
        }
        assert!(map(Form::Laurel).is_none());
    }
}
