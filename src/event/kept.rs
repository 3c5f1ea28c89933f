//! [`Kept`]: what is left of an event once its fields have been tested.

use std::sync::Arc;

use super::Event;
use crate::time::Ordinal;

/// An event kept for a match: its raw records, from which every field can be read again.
#[derive(Debug)]
pub struct Kept {
    /// Its place in the total order.
    pub ordinal: Ordinal,
    host: u32,
    bytes: usize,
    _p: Option<Arc<()>>,
}

impl Kept {
    /// Number of the host it happened on.
    pub fn host(&self) -> u64 {
        u64::from(self.host)
    }

    /// Bytes it occupies.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }
}

impl Event {
    /// The event for keeps.
    pub fn kept(&self) -> Kept {
        Kept { ordinal: self.ordinal, host: 0, bytes: self.size_bytes(), _p: None }
    }
}
