//! [`List`]: the events of a key that fit one item, oldest first.
//!
//! Most lists hold one event, and there are millions of them: the first has its place in the list itself, and
//! those behind it have memory of their own.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::Kept;

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct List {
    /// There is one, or there is none at all.
    first: Option<Arc<Kept>>,
    rest: VecDeque<Arc<Kept>>,
}

impl List {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len() + usize::from(self.first.is_some())
    }

    pub(super) fn first(&self) -> Option<&Arc<Kept>> {
        self.first.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Kept>> + Clone {
        self.first.iter().chain(&self.rest)
    }

    /// Adds an event at its place in the order of events.
    pub(super) fn insert(&mut self, event: Arc<Kept>) {
        match &mut self.first {
            None => self.first = Some(event),
            Some(first) if event.ordinal <= first.ordinal => {
                self.rest.push_front(std::mem::replace(first, event));
            }
            Some(_) => {
                let at = self.rest.partition_point(|older| older.ordinal < event.ordinal);
                self.rest.insert(at, event);
            }
        }
    }

    /// Takes the oldest event.
    pub(super) fn pop_first(&mut self) -> Option<Arc<Kept>> {
        let next = self.rest.pop_front();
        std::mem::replace(&mut self.first, next)
    }

    /// Bytes beyond the list itself and its events.
    pub(super) fn bytes(&self) -> usize {
        let rest =
            if self.rest.is_empty() { 0 } else { self.rest.len().next_power_of_two().max(4) };
        rest * size_of::<Arc<Kept>>()
    }
}

impl FromIterator<Arc<Kept>> for List {
    fn from_iter<I: IntoIterator<Item = Arc<Kept>>>(events: I) -> Self {
        let mut events = events.into_iter();
        Self { first: events.next(), rest: events.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::time::{Ordinal, Timestamp};

    fn event(second: i64) -> Arc<Kept> {
        let mut event = Event::new(0);
        event.ordinal = Ordinal::new(Timestamp(second), None, 0);
        Arc::new(event.kept())
    }

    #[test]
    fn events_stand_in_their_order_however_they_came() {
        for order in [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2], [2, 4, 1, 3]] {
            let mut list = List::default();
            order.into_iter().for_each(|second| list.insert(event(second)));
            let times: Vec<i64> = list.iter().map(|event| event.ordinal.time.0).collect();
            assert_eq!((times, list.len()), (vec![1, 2, 3, 4], 4));
            let taken = std::iter::from_fn(|| list.pop_first()).map(|event| event.ordinal.time.0);
            assert_eq!(taken.collect::<Vec<_>>(), [1, 2, 3, 4]);
            assert!(list.is_empty());
        }
    }
}
