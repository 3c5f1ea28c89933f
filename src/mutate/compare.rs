//! When a case fails with a mutant.
//!
//! In: what the case expects, the alerts of the rule, which it passes with, and those of the mutant. Out:
//! whether it would fail. An alert that only looks different because the mutant has a stage or a key less
//! fails no case: that says nothing about what is detected.

use super::draft::Effect;
use crate::prove::{Expect, Found, Ran};

/// What a case sees of an alert: its events, and its join keys.
type View = (Vec<String>, Vec<(String, String)>);

/// Whether the case fails. `ran` must hold as many alerts as `found`.
pub(super) fn fails(expect: &Expect, found: &[Found], ran: &Ran, effect: &Effect) -> bool {
    if ran.count != found.len() {
        return true;
    }
    let sees = match expect {
        Expect::Count(_) => return false,
        Expect::Snapshot => Sees { items: true, keys: None },
        Expect::These(these) => Sees {
            items: these.iter().any(|wanted| wanted.serials.is_some()),
            keys: Some(these.iter().flat_map(|wanted| &wanted.keys).map(|(k, _)| &**k).collect()),
        },
    };
    sees.all(found, &effect.hidden, effect) != sees.all(&ran.found, &effect.added, effect)
}

/// What a case looks at.
struct Sees<'a> {
    items: bool,
    /// These keys; `None` for all.
    keys: Option<Vec<&'a str>>,
}

impl Sees<'_> {
    fn all(&self, found: &[Found], hidden: &[usize], effect: &Effect) -> Vec<View> {
        let mut views: Vec<View> =
            found.iter().map(|found| self.one(found, hidden, effect)).collect();
        // A stage less may make another alert the first to be certain.
        views.sort();
        views
    }

    fn one(&self, found: &Found, hidden: &[usize], effect: &Effect) -> View {
        let items = found.items.iter().enumerate();
        let items = items.filter(|(index, _)| self.items && !hidden.contains(index));
        let keys = found.keys.iter().filter(|(name, _)| {
            !effect.keys && self.keys.as_ref().is_none_or(|keys| keys.contains(&&**name))
        });
        (items.map(|(_, item)| item.clone()).collect(), keys.cloned().collect())
    }
}
