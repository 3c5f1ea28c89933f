//! What a sample holds, as a value and back.

use super::{LIST_BYTES, Sample, State};
use crate::machine::key::is_key;
use crate::state::{KeyState, SampleKey};

impl Sample {
    /// Every key with what is known of it, in no particular order.
    pub(crate) fn saved(&self) -> impl Iterator<Item = (Box<[u8]>, KeyState)> {
        self.table.states().map(|(key, state)| (key.into(), KeyState::Sample(state.saved())))
    }

    /// Takes over what is known of one key; the key is new.
    ///
    /// # Errors
    ///
    /// When this rule could not have come to know it.
    pub(crate) fn restore(&mut self, key: &[u8], saved: SampleKey) -> Result<(), &'static str> {
        let columns = self.items.first().map_or(0, Vec::len);
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
        let place = self.table.find_or_insert(key);
        let Some((_, state)) = self.table.get_mut(place) else { return Ok(()) };
        let events = saved.lists.iter().flatten().map(|event| event.size_bytes());
        state.bytes = saved.lists.len() * LIST_BYTES + events.sum::<usize>();
        state.lists = saved.lists.into_iter().map(Into::into).collect();
        state.reported = reported;
        state.newest_sample = saved.newest_sample;
        state.newest = saved.newest;
        state.host = saved.host;
        if let (Some(window), Some(newest)) = (self.window, state.newest) {
            let deadline = newest.plus(window);
            state.timer = Some(deadline);
            self.push_timer(place, deadline);
        }
        self.settle(place);
        Ok(())
    }
}

impl State {
    fn saved(&self) -> SampleKey {
        SampleKey {
            lists: self.lists.iter().map(|list| list.iter().cloned().collect()).collect(),
            reported: self.reported as u64,
            newest_sample: self.newest_sample,
            newest: self.newest,
            host: self.host.clone(),
        }
    }
}
