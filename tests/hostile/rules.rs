//! The text of a rule file.

use catena::diagnostic;
use catena::rule::{Form, FormatError, Formatted, format, load_text};
use catena::schema::Schema;

/// A text is a rule, or something is said about it; laying it out keeps its meaning and settles at once.
pub(crate) fn rule(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let schema = Schema::new();
    for (name, form) in [("fuzz.toml", Form::Toml), ("fuzz.eql", Form::Query)] {
        let loaded = load_text(name, text.to_owned(), &schema);
        assert!(!loaded.entries.is_empty(), "nothing is said about it");
        for problem in &loaded.problems {
            assert!(!diagnostic::text(&problem.diagnostic, problem.source(), false).is_empty());
            assert!(diagnostic::json(&problem.diagnostic, problem.source()).is_object());
        }
        match format(name, text, form, &schema) {
            Ok(Formatted::Changed(new)) => {
                assert_eq!(format(name, &new, form, &schema).ok(), Some(Formatted::Same), "{new}");
                let again = load_text(name, new, &schema);
                let logic = |loaded: &catena::rule::Loaded| {
                    loaded.rules.first().map(|rule| catena::plan::logic_hash(&rule.query))
                };
                assert_eq!(logic(&again), logic(&loaded));
            }
            Ok(Formatted::Same | Formatted::NoQuery) | Err(FormatError::Unknown) => {}
            Err(FormatError::Problems(problems)) => assert!(!problems.is_empty()),
            Err(FormatError::TooLong) => assert!(text.len() > 10_000),
            Err(FormatError::Unfaithful) => panic!("laid out, it would mean something else"),
        }
    }
}
