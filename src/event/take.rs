//! [`Take`]: whoever is given the values of a field.

use crate::value::Scalar;

/// Takes the values of a field, one by one.
///
/// Any closure over a [`Scalar`] is one. Whoever keeps values can tell apart text that is the same in
/// every event and needs no copy.
pub trait Take {
    /// A value, valid during the call.
    fn value(&mut self, value: Scalar<'_>);

    /// A word of our own tables.
    fn word(&mut self, word: &'static str) {
        self.value(Scalar::Str(word));
    }

    /// Texts joined by one space.
    fn joined(&mut self, parts: &mut dyn Iterator<Item = &str>) {
        let parts: Vec<&str> = parts.collect();
        self.value(Scalar::Str(&parts.join(" ")));
    }
}

impl<F: FnMut(Scalar<'_>)> Take for F {
    fn value(&mut self, value: Scalar<'_>) {
        self(value);
    }
}

/// A [`Take`] of any kind.
pub(super) type Sink<'a> = &'a mut dyn Take;
