use super::super::timers::SLACK;
use super::*;

/// A state that is a number.
#[derive(Debug)]
struct Number {
    value: u32,
    timer: Timestamp,
}

impl Default for Number {
    fn default() -> Self {
        Self { value: 0, timer: Timestamp::MAX }
    }
}

impl Pending for Number {
    fn timer(&self) -> Timestamp {
        self.timer
    }

    fn set_timer(&mut self, timer: Timestamp) {
        self.timer = timer;
    }
}

fn table(rules: usize) -> (KeyTable<Number>, Vec<Seat>) {
    let mut table = KeyTable::new();
    let seats = (0..rules).map(|_| table.take_seat().unwrap()).collect();
    (table, seats)
}

fn key(bytes: &[u8]) -> Key<'_> {
    Key::plain(bytes)
}

/// The entries that are due, as their keys and seats.
fn due(table: &mut KeyTable<Number>, now: i64) -> Vec<(Vec<u8>, Vec<usize>)> {
    let mut all = Vec::new();
    while let Some((place, seats)) = table.pop_due(Timestamp(now)) {
        let seats: Vec<Seat> = seats.collect();
        let bytes = table.get_mut(place, seats[0]).unwrap().0.bytes().into_owned();
        all.push((bytes, seats.iter().map(|seat| seat.index()).collect()));
        table.rearm(place);
    }
    all
}

#[test]
fn a_place_dies_with_its_last_state() {
    let (mut table, seats) = table(2);
    let a = table.find_or_insert(key(b"a"), seats[0]);
    table.get_mut(a, seats[0]).unwrap().1.value = 5;
    assert_eq!(table.find_or_insert(key(b"a"), seats[0]), a);
    assert_eq!(table.find(key(b"a"), seats[1]), None, "the other has nothing there");
    assert_eq!(table.find_or_insert(key(b"a"), seats[1]), a, "one key, one entry");
    table.remove(a, seats[0]);
    assert!(table.find(key(b"a"), seats[0]).is_none());
    assert_eq!(table.find(key(b"a"), seats[1]), Some(a));
    table.remove(a, seats[1]);
    let b = table.find_or_insert(key(b"b"), seats[0]);
    assert!(table.get_mut(a, seats[0]).is_none(), "the memory is reused, the old place is not");
    assert_eq!(table.get_mut(b, seats[0]).unwrap().1.value, 0);
    assert_eq!((table.len(seats[0]), table.len(seats[1])), (1, 0));
}

#[test]
fn seats_are_as_many_as_bits_and_keep_their_states_apart() {
    let (mut table, seats) = table(64);
    assert_eq!(table.take_seat(), None);
    for seat in seats.iter().rev() {
        let place = table.find_or_insert(key(b"k"), *seat);
        table.get_mut(place, *seat).unwrap().1.value = u32::from(seat.0);
    }
    for seat in seats.iter().step_by(3) {
        let place = table.find(key(b"k"), *seat).unwrap();
        table.remove(place, *seat);
    }
    for seat in &seats {
        let value = table.find(key(b"k"), *seat).map(|p| table.get(p, *seat).unwrap().value);
        assert_eq!(value, (seat.0 % 3 != 0).then_some(u32::from(seat.0)));
    }
    assert_eq!(table.all().count(), 42);
}

#[test]
fn many_keys_are_found_again_after_growth_and_removal() {
    let (mut table, seats) = table(1);
    for i in 0..1000_u32 {
        let place = table.find_or_insert(key(&i.to_be_bytes()), seats[0]);
        table.get_mut(place, seats[0]).unwrap().1.value = i;
    }
    for i in (0..1000_u32).step_by(2) {
        let place = table.find(key(&i.to_be_bytes()), seats[0]).unwrap();
        table.remove(place, seats[0]);
    }
    for i in 0..1000_u32 {
        let place = table.find(key(&i.to_be_bytes()), seats[0]);
        let state = place.map(|place| table.get(place, seats[0]).unwrap().value);
        assert_eq!(state, (i % 2 == 1).then_some(i));
    }
}

#[test]
fn a_remembered_look_up_knows_what_came_since() {
    let (mut table, seats) = table(1);
    let numbered = |number, bytes| Key { number, bytes };
    assert_eq!(table.find(numbered(1, b"k"), seats[0]), None);
    let place = table.find_or_insert(numbered(2, b"k"), seats[0]);
    assert_eq!(table.find(numbered(1, b"k"), seats[0]), Some(place), "the same key by another way");
    table.remove(place, seats[0]);
    assert_eq!(table.find(numbered(2, b"k"), seats[0]), None);
    let again = table.find_or_insert(numbered(1, b"k"), seats[0]);
    assert_eq!(table.find(numbered(2, b"k"), seats[0]), Some(again));
}

#[test]
fn every_state_is_told_of_its_time_and_no_other() {
    let (mut table, seats) = table(3);
    let place = table.find_or_insert(key(b"k"), seats[0]);
    for (seat, time) in seats.iter().zip([30, 10, 20]) {
        table.find_or_insert(key(b"k"), *seat);
        table.wake(place, *seat, Timestamp(time));
    }
    assert_eq!(due(&mut table, 10), []);
    assert_eq!(due(&mut table, 11), [(b"k".to_vec(), vec![1])]);
    assert_eq!(due(&mut table, 31), [(b"k".to_vec(), vec![0, 2])]);
    assert_eq!(due(&mut table, 99), []);
}

#[test]
fn what_is_left_is_woken_when_the_earliest_has_gone() {
    let (mut table, seats) = table(2);
    let place = table.find_or_insert(key(b"k"), seats[0]);
    table.find_or_insert(key(b"k"), seats[1]);
    table.wake(place, seats[0], Timestamp(10));
    table.wake(place, seats[1], Timestamp(20));
    table.remove(place, seats[0]);
    assert_eq!(due(&mut table, 15), []);
    assert_eq!(due(&mut table, 25), [(b"k".to_vec(), vec![1])]);
}

#[test]
fn a_key_that_comes_and_goes_leaves_no_timers_behind() {
    let (mut table, seats) = table(1);
    for second in 0..100_000 {
        let place = table.find_or_insert(key(b"key"), seats[0]);
        table.wake(place, seats[0], Timestamp(second));
        table.remove(place, seats[0]);
        assert!(table.timers.len() <= 6 + SLACK);
    }
}

#[test]
fn states_that_end_together_share_a_timer() {
    let (mut table, seats) = table(3);
    let place = table.find_or_insert(key(b"k"), seats[0]);
    for seat in &seats {
        table.find_or_insert(key(b"k"), *seat);
        table.wake(place, *seat, Timestamp(10));
    }
    table.remove(place, seats[0]);
    table.remove(place, seats[2]);
    assert_eq!(table.timers.len(), 1);
    assert_eq!(due(&mut table, 11), [(b"k".to_vec(), vec![1])]);
}
