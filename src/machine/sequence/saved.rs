//! What a sequence holds, as a value and back.

use super::{Sequence, Table};
use crate::machine::key::{Key, is_key};
use crate::state::{PartialState, SequenceKey};

impl Sequence {
    /// Takes over what is known of one key; the key is new.
    ///
    /// # Errors
    ///
    /// When this rule could not have come to know it.
    pub(crate) fn restore(
        &mut self,
        table: &mut Table,
        key: &[u8],
        saved: SequenceKey,
    ) -> Result<(), &'static str> {
        self.fits(key, &saved)?;
        let place = table.find_or_insert(Key::plain(key), self.seat);
        let Some((_, state)) = table.get_mut(place, self.seat) else { return Ok(()) };
        state.restore(saved, &mut self.ledger);
        let next = self.maxspan.and_then(|maxspan| state.next_deadline(maxspan));
        if let Some(next) = next {
            table.wake(place, self.seat, next);
        }
        self.settle(table, place);
        Ok(())
    }

    fn fits(&self, key: &[u8], saved: &SequenceKey) -> Result<(), &'static str> {
        let columns = self.positives.first().map_or(0, |positive| positive.keys.count());
        if !is_key(key, columns) {
            return Err("a join key that its events cannot have");
        }
        if !self.leading && !saved.leading.is_empty() {
            return Err("a leading missing item that it does not have");
        }
        if !self.trailing && !saved.waiting.is_empty() {
            return Err("a wait for a missing item that it does not have");
        }
        let ghost = |partial: &PartialState| partial.marks.is_some_and(|m| m.gone.is_some());
        for (slot, partial) in &saved.slots {
            // What fills the last slot is complete at once.
            let slot = *slot as usize;
            let events = if ghost(partial) { 0 } else { slot + 1 };
            if slot + 1 >= self.positives.len() || partial.events.len() != events {
                return Err("a partial with another number of events than it has reached items");
            }
        }
        let all = self.positives.len();
        if saved.waiting.iter().any(|(_, p)| ghost(p) || p.events.len() != all) {
            return Err("a wait of what is not complete");
        }
        let idle = saved.leading.is_empty() && saved.waiting.is_empty();
        if idle && saved.slots.iter().all(|(_, partial)| ghost(partial)) {
            return Err("a join key of which nothing is known");
        }
        Ok(())
    }
}
