//! The tables of an engine's programs: which rules share one, and whose time is up.
//!
//! In: the rules of a plan in their order. Out: a seat for each, at a table where rules of the same kind
//! and the same `by` sit. Rules are put together by the columns of their first item: what shares an
//! entry is the key, so that rules which differ further on may share too.

use std::collections::{BTreeMap, HashMap};

use super::state::Machine;
use crate::machine::ranks::Ranks;
use crate::machine::table::{KeyTable, KeyView, Pending, Place, Seat, Seats};
use crate::machine::{sample, sequence};
use crate::plan::{Item, KeyColumn};
use crate::state::KeyState;
use crate::time::Timestamp;

/// What is known of each key, by key.
pub(super) type Keys = BTreeMap<Box<[u8]>, KeyState>;

/// Tables of one kind of state.
#[derive(Debug)]
pub(super) struct Shared<S> {
    tables: Vec<KeyTable<S>>,
    /// For each table, the number of the program in each seat.
    members: Vec<Vec<usize>>,
    /// The table with free seats for each `by`.
    open: HashMap<Vec<KeyColumn>, usize>,
}

impl<S> Default for Shared<S> {
    fn default() -> Self {
        Self { tables: Vec::new(), members: Vec::new(), open: HashMap::new() }
    }
}

impl<S: Pending> Shared<S> {
    /// Seats a program; gives the table and the seat.
    pub(super) fn seat(&mut self, program: usize, items: &[Item]) -> (usize, Seat) {
        let by = items.first().map(|item| item.keys.clone()).unwrap_or_default();
        let open = self.open.get(&by).copied();
        let taken = open.and_then(|at| Some((at, self.tables.get_mut(at)?.take_seat()?)));
        let (at, seat) = taken.unwrap_or_else(|| {
            let (table, seat) = KeyTable::with_seat();
            self.tables.push(table);
            self.members.push(Vec::new());
            let at = self.tables.len() - 1;
            self.open.insert(by, at);
            (at, seat)
        });
        self.members.get_mut(at).into_iter().for_each(|members| members.push(program));
        (at, seat)
    }

    pub(super) fn get(&self, at: usize) -> Option<&KeyTable<S>> {
        self.tables.get(at)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut KeyTable<S>> {
        self.tables.get_mut(at)
    }

    /// When the first entry of a table is to be looked at, at the earliest.
    pub(super) fn next_timer(&self, at: usize) -> Option<Timestamp> {
        self.tables.get(at)?.next_timer()
    }

    fn first_timer(&self) -> Option<Timestamp> {
        self.tables.iter().filter_map(KeyTable::next_timer).min()
    }

    /// Every state with the number of the program it is of.
    fn all(&self) -> impl Iterator<Item = (usize, Place, KeyView<'_>, &S)> {
        self.tables.iter().zip(&self.members).flat_map(|(table, members)| {
            table.all().filter_map(|(place, seat, key, state)| {
                Some((*members.get(seat.index())?, place, key, state))
            })
        })
    }

    /// The seats at each table of the programs that are wanted.
    fn wanted(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<Seats> {
        let seats =
            |members: &Vec<usize>| members.iter().map(|program| is_wanted(*program)).collect();
        self.members.iter().map(seats).collect()
    }

    /// The states in these seats, as [`Self::all`] gives them. What others hold is passed by.
    fn of(&self, wanted: &[Seats]) -> impl Iterator<Item = (usize, Place, KeyView<'_>, &S)> {
        let tables = self.tables.iter().zip(&self.members).zip(wanted);
        tables.flat_map(|((table, members), wanted)| {
            table.of(*wanted).filter_map(|(place, seat, key, state)| {
                Some((*members.get(seat.index())?, place, key, state))
            })
        })
    }

    /// The next entry of a table with something whose time lies before `now`, and the programs it is of,
    /// into `due`.
    fn pop_due(&mut self, at: usize, now: Timestamp, due: &mut Vec<usize>) -> Option<Place> {
        let (place, seats) = self.tables.get_mut(at)?.pop_due(now)?;
        let members = self.members.get(at)?;
        due.clear();
        due.extend(seats.filter_map(|seat| members.get(seat.index())));
        Some(place)
    }
}

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) sequences: Shared<sequence::State>,
    pub(super) samples: Shared<sample::State>,
}

/// One of the tables.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    Sequences(usize),
    Samples(usize),
}

impl Tables {
    /// When the first entry is to be looked at, at the earliest. Asks every table.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.sequences.first_timer().into_iter().chain(self.samples.first_timer()).min()
    }

    /// All tables.
    pub(super) fn each(&self) -> impl Iterator<Item = Which> + use<> {
        let sequences = (0..self.sequences.tables.len()).map(Which::Sequences);
        sequences.chain((0..self.samples.tables.len()).map(Which::Samples))
    }

    /// The next entry of a table with something whose time lies before `now`, and the programs it is of,
    /// into `due`. When they have seen to it, [`Self::rearm`] is to be called.
    pub(super) fn pop_due(
        &mut self,
        table: Which,
        now: Timestamp,
        due: &mut Vec<usize>,
    ) -> Option<Place> {
        match table {
            Which::Sequences(at) => self.sequences.pop_due(at, now, due),
            Which::Samples(at) => self.samples.pop_due(at, now, due),
        }
    }

    pub(super) fn rearm(&mut self, table: Which, place: Place) {
        match table {
            Which::Sequences(at) => {
                self.sequences.get_mut(at).into_iter().for_each(|table| table.rearm(place));
            }
            Which::Samples(at) => {
                self.samples.get_mut(at).into_iter().for_each(|table| table.rearm(place));
            }
        }
    }

    /// What each of `programs` programs knows of its keys, as values. Looks at every state once.
    pub(super) fn saved(&self, programs: usize) -> Vec<Keys> {
        let mut saved: Vec<Keys> = vec![Keys::new(); programs];
        let sequences = self
            .sequences
            .all()
            .map(|(program, _, key, state)| (program, key, KeyState::Sequence(state.saved())));
        let samples = self
            .samples
            .all()
            .map(|(program, _, key, state)| (program, key, KeyState::Sample(state.saved())));
        for (program, key, state) in sequences.chain(samples) {
            if let Some(keys) = saved.get_mut(program) {
                keys.insert(key.bytes().into(), state);
            }
        }
        saved
    }

    /// Sees to it that those of `machines` which are in `wanted` have ranks of everything they hold. Looks at
    /// every state once, if one of them has none yet, and else at what has come since.
    pub(super) fn rank(&mut self, machines: &mut [Machine], wanted: std::ops::Range<usize>) {
        for machine in machines.get_mut(wanted.clone()).unwrap_or_default() {
            machine.rank_noted(self);
        }
        let mut made: Vec<Option<Ranks>> = machines
            .iter()
            .enumerate()
            .map(|(number, machine)| {
                let needs = wanted.contains(&number) && machine.needs_ranks();
                needs.then(|| Ranks::new(machine.keys(self)))
            })
            .collect();
        if made.iter().all(Option::is_none) {
            return;
        }
        let is_wanted = |program: usize| made.get(program).is_some_and(Option::is_some);
        let (of_sequences, of_samples) =
            (self.sequences.wanted(is_wanted), self.samples.wanted(is_wanted));
        for (program, place, key, state) in self.sequences.of(&of_sequences) {
            if let Some(Some(ranks)) = made.get_mut(program) {
                sequence::Sequence::rank_all(ranks, place, key, state);
            }
        }
        for (program, place, key, state) in self.samples.of(&of_samples) {
            if let (Some(Some(ranks)), Some(Machine::Sample(sample, _))) =
                (made.get_mut(program), machines.get(program))
            {
                sample.rank_all(ranks, place, key, state);
            }
        }
        for (machine, ranks) in machines.iter_mut().zip(made) {
            if let Some(ranks) = ranks {
                machine.set_ranks(ranks.filled());
            }
        }
    }
}
