//! What is known about one join key, as a value and back.
//!
//! What can be told from the rest is not in the value: bytes, mentions, timers. Nothing here knows
//! which slots a rule has; see `Sequence::restore`.

use std::sync::Arc;

use super::{Partial, State, Waiting};
use crate::event::Host;
use crate::machine::ledger::Ledger;
use crate::state::SequenceKey;

impl State {
    /// As a value.
    pub(crate) fn saved(&self) -> SequenceKey {
        let rare = self.rare();
        let leading: Vec<_> = self.leading().into_iter().flatten().collect();
        let leading_host: Option<Arc<Host>> = rare.and_then(|rare| rare.leading_host.clone());
        let begun = self.begun.iter().map(|event| (0, Partial::begun(Arc::clone(event)).saved()));
        let slots = self.more.iter().flat_map(|more| more.slots.iter().zip(more.low..));
        let slots = slots.filter_map(|(partial, slot)| Some((slot, partial.as_ref()?.saved())));
        SequenceKey {
            leading_host: leading_host.filter(|_| !leading.is_empty()),
            leading,
            slots: begun.chain(slots).collect(),
            waiting: self.waiting().map(|w| (w.deadline, w.partial.saved())).collect(),
        }
    }

    /// Takes over a value into an empty state.
    pub(in crate::machine::sequence) fn restore(
        &mut self,
        saved: SequenceKey,
        ledger: &mut Ledger,
    ) {
        let mut leading = saved.leading.into_iter();
        if let Some(newest) = leading.next() {
            self.set_leading([Some(newest), leading.next()]);
            self.set_leading_host(saved.leading_host);
        }
        for (slot, partial) in saved.slots {
            let partial = Partial::restored(partial);
            partial.events.iter().for_each(|event| self.hold(event, ledger));
            self.hold_marks(&partial);
            self.put(slot as usize, partial);
        }
        for (deadline, partial) in saved.waiting {
            self.wait(Waiting { deadline, partial: Partial::restored(partial) }, ledger);
        }
    }
}
