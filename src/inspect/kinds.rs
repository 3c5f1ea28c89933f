//! [`Kinds`]: every kind of audit event that was seen.
//!
//! In: events with the fields of [`OF_CALL`] filled in first. Out: a [`Producer`] for every combination
//! of their values, so that what rules need can be judged by what there was. Bounded: when there are
//! more kinds than may be kept, nothing is said at all.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use hashbrown::HashMap;

use crate::event::{Event, OF_CALL};
use crate::schema::{FieldId, Producer, Variant};
use crate::value::Scalar;

/// Kinds kept. Real logs have some hundred.
const MOST: usize = 4096;
/// Bytes of the values of all kinds. A number of a system call may be any text.
const MOST_BYTES: usize = 4 << 20;

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// By a hash of their values, seeded at random.
    known: HashMap<u64, Producer>,
    bytes: usize,
    hasher: foldhash::quality::RandomState,
    too_many: bool,
}

impl Kinds {
    /// Notes the kind of an event. Allocates for a new kind only.
    pub(super) fn add(&mut self, event: &Event) {
        let mut hasher = self.hasher.build_hasher();
        let call = event.facts().is_call;
        call.hash(&mut hasher);
        for field in fields() {
            // A mark between the fields keeps their values apart.
            u8::MAX.hash(&mut hasher);
            texts(event, field).for_each(|text| text.hash(&mut hasher));
        }
        let hash = hasher.finish();
        if self.known.contains_key(&hash) {
            return;
        }
        self.bytes += fields().flat_map(|field| texts(event, field)).map(str::len).sum::<usize>();
        if self.known.len() >= MOST || self.bytes > MOST_BYTES {
            self.too_many = true;
            return;
        }
        let values = |field| texts(event, field).map(str::to_owned).collect();
        let variant: Variant = OF_CALL.into_iter().zip(fields().map(values)).collect();
        self.known
            .insert(hash, Producer { name: "", call, with_call: false, variants: vec![variant] });
    }

    /// The kinds as sources of events; `None` when there were too many.
    pub(super) fn producers(&self) -> Option<Vec<Producer>> {
        (!self.too_many).then(|| self.known.values().cloned().collect())
    }
}

fn fields() -> impl Iterator<Item = FieldId> {
    (0..).map(FieldId).take(OF_CALL.len())
}

fn texts(event: &Event, field: FieldId) -> impl Iterator<Item = &str> {
    event.values(field).filter_map(|value| match value {
        Scalar::Str(text) => Some(text),
        _ => None,
    })
}
