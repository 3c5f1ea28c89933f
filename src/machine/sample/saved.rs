//! What a sample holds, as a value and back.

use super::{Sample, State, Table};
use crate::machine::key::{Key, is_key};
use crate::state::SampleKey;

impl Sample {
    /// Takes over what is known of one key; the key is new.
    ///
    /// # Errors
    ///
    /// When this rule could not have come to know it.
    pub(crate) fn restore(
        &mut self,
        table: &mut Table,
        key: &[u8],
        saved: SampleKey,
    ) -> Result<(), &'static str> {
        let columns = self.items.first().map_or(0, |columns| columns.count());
        let room = self.items.len() + self.per_key - 1;
        let reported = usize::try_from(saved.reported).unwrap_or(usize::MAX);
        if !is_key(key, columns) {
            return Err("a join key that its events cannot have");
        }
        if !saved.lists.is_empty() && saved.lists.len() != self.items.len()
            || saved.lists.iter().any(|list| list.len() > room)
        {
            return Err("more events than it keeps");
        }
        if reported > self.per_key || (saved.lists.is_empty() && reported == 0) {
            return Err("another number of samples than it reports");
        }
        if saved.newest.is_none() {
            return Err("a join key of which nothing is known");
        }
        let place = table.find_or_insert(Key::plain(key), self.seat);
        let Some((_, state)) = table.get_mut(place, self.seat) else { return Ok(()) };
        saved.lists.iter().flatten().for_each(|event| self.ledger.hold(event));
        let events = saved.lists.iter().flatten().map(|event| event.size_bytes());
        state.bytes = events.sum();
        state.lists.reserve_exact(saved.lists.len());
        state.lists.extend(saved.lists.into_iter().map(|list| list.into_iter().collect()));
        state.reported = reported;
        state.newest_sample = saved.newest_sample;
        state.newest = saved.newest;
        state.host = saved.host;
        if let (Some(window), Some(newest)) = (self.window, state.newest) {
            table.wake(place, self.seat, newest.plus(window));
        }
        self.settle(table, place);
        Ok(())
    }
}

impl State {
    /// As a value.
    pub(crate) fn saved(&self) -> SampleKey {
        SampleKey {
            lists: self.lists.iter().map(|list| list.iter().cloned().collect()).collect(),
            reported: self.reported as u64,
            newest_sample: self.newest_sample,
            newest: self.newest,
            host: self.host.clone(),
        }
    }
}
