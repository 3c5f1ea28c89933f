//! Join keys as a table keeps them: small, and without the name they all begin with.
//!
//! In: encoded keys. Out: [`Stored`] keys of 16 bytes, which this page alone can read. Nearly every key
//! begins with a host and goes on with a number: the host is kept once, however many keys begin with
//! it, and the number beside it. Longer keys are kept whole, in memory of their own.

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::slice;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::machine::key;
use crate::near;

/// Most bytes of a key behind its first column that need no memory of their own: a number has 9.
const REST: usize = 10;

/// A key as an entry keeps it. Belongs to the [`Names`] that made it, and is given back to them.
#[derive(Debug)]
pub(super) enum Stored {
    /// The number of its first column, and the rest.
    Short {
        length: u8,
        rest: [u8; REST],
        name: u32,
    },
    Long(Box<Box<[u8]>>),
}

impl Default for Stored {
    fn default() -> Self {
        Self::Short { length: 0, rest: [0; REST], name: NO_NAME }
    }
}

impl Stored {
    /// Has brought near what says how long a long key is.
    #[inline]
    pub(super) fn bring(&self) {
        if let Self::Long(key) = self {
            near::bring(slice::from_ref(&**key), 1);
        }
    }
}

/// The number of the name that has no bytes.
const NO_NAME: u32 = u32::MAX;

/// A stored key, to read.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct KeyView<'a> {
    first: &'a [u8],
    rest: &'a [u8],
}

impl<'a> KeyView<'a> {
    /// How many bytes it has, encoded.
    pub(crate) fn len(self) -> usize {
        self.first.len() + self.rest.len()
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> Cow<'a, [u8]> {
        match (self.first, self.rest) {
            (whole, []) | ([], whole) => Cow::Borrowed(whole),
            (first, rest) => Cow::Owned([first, rest].concat()),
        }
    }

    /// The same, one by one, without a copy.
    pub(crate) fn each_byte(self) -> impl Iterator<Item = &'a u8> {
        self.first.iter().chain(self.rest)
    }

    fn is(self, key: &[u8]) -> bool {
        key.strip_prefix(self.first) == Some(self.rest)
    }
}

/// A name and how many keys begin with it; none when its number is free.
#[derive(Debug)]
struct Name {
    bytes: Box<[u8]>,
    keys: u32,
}

/// See the module page.
#[derive(Debug, Default)]
pub(super) struct Names {
    index: HashTable<u32>,
    names: Vec<Name>,
    free: Vec<u32>,
    seeds: RandomState,
}

impl Names {
    /// Keeps a key.
    pub(super) fn store(&mut self, key: &[u8]) -> Stored {
        let (first, rest) = key::first_text(key);
        let (Some(mut short), Ok(length)) = (room_for(rest), u8::try_from(rest.len())) else {
            return Stored::Long(Box::new(key.into()));
        };
        short.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Stored::Short { length, rest: short, name: self.name(first) }
    }

    /// Gives a key back.
    pub(super) fn release(&mut self, stored: &Stored) {
        let Stored::Short { name, .. } = stored else { return };
        let Some(of) = self.names.get_mut(*name as usize) else { return };
        of.keys -= 1;
        if of.keys == 0 {
            let bytes = std::mem::take(&mut of.bytes);
            let hash = self.seeds.hash_one(&*bytes);
            if let Ok(occupied) = self.index.find_entry(hash, |number| number == name) {
                occupied.remove();
            }
            self.free.push(*name);
        }
    }

    /// The number of a name, one key more of which is kept.
    fn name(&mut self, bytes: &[u8]) -> u32 {
        if bytes.is_empty() {
            return NO_NAME;
        }
        let hash = self.seeds.hash_one(bytes);
        let is =
            |number: &u32| self.names.get(*number as usize).is_some_and(|n| *n.bytes == *bytes);
        if let Some(number) = self.index.find(hash, is).copied() {
            self.names.get_mut(number as usize).into_iter().for_each(|name| name.keys += 1);
            return number;
        }
        let name = Name { bytes: bytes.into(), keys: 1 };
        let free = self.free.pop();
        let number = match free.and_then(|number| self.names.get_mut(number as usize)) {
            Some(place) => {
                *place = name;
                free.unwrap_or(NO_NAME)
            }
            None => {
                self.names.push(name);
                u32::try_from(self.names.len() - 1).unwrap_or(NO_NAME)
            }
        };
        let (names, seeds) = (&self.names, &self.seeds);
        self.index.insert_unique(hash, number, |number| {
            names.get(*number as usize).map_or(0, |name| seeds.hash_one(&*name.bytes))
        });
        number
    }

    /// A stored key, to read.
    #[inline]
    pub(super) fn view<'a>(&'a self, stored: &'a Stored) -> KeyView<'a> {
        match stored {
            Stored::Short { length, rest, name } => KeyView {
                first: self.names.get(*name as usize).map_or(&[], |name| &name.bytes),
                rest: rest.get(..usize::from(*length)).unwrap_or_default(),
            },
            Stored::Long(key) => KeyView { first: key, rest: &[] },
        }
    }

    /// Whether a stored key is this one.
    #[inline]
    pub(super) fn is(&self, stored: &Stored, key: &[u8]) -> bool {
        self.view(stored).is(key)
    }
}

/// Room for the rest of a short key, if it fits.
fn room_for(rest: &[u8]) -> Option<[u8; REST]> {
    (rest.len() <= REST).then_some([0; REST])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::key::encoded;
    use crate::value::Value;

    fn text(text: &str) -> Value {
        Value::Str(text.into())
    }

    #[test]
    fn keys_come_back_as_they_were() {
        let mut names = Names::default();
        let keys = [
            vec![],
            vec![text("host")],
            vec![text(""), Value::Int(1)],
            vec![text("host"), Value::Int(-1)],
            vec![text("host"), text("1000")],
            vec![text("host"), Value::Int(1), Value::Int(2)],
            vec![Value::Int(7), text("a user with a long name")],
            vec![Value::Null, Value::Bool(true)],
            vec![text("host"), Value::Null],
        ];
        let keys = keys.map(|values| encoded(&values));
        let stored: Vec<Stored> = keys.iter().map(|key| names.store(key)).collect();
        for (number, stored) in stored.iter().enumerate() {
            assert_eq!(names.view(stored).bytes(), keys[number]);
            assert_eq!(names.view(stored).len(), keys[number].len());
            for (other, key) in keys.iter().enumerate() {
                assert_eq!(names.is(stored, key), number == other);
            }
        }
    }

    #[test]
    fn a_name_is_kept_once_and_as_long_as_it_is_used() {
        let mut names = Names::default();
        let key = |host: &str, pid| encoded(&[text(host), Value::Int(pid)]);
        let stored: Vec<Stored> = (0..100).map(|pid| names.store(&key("one", pid))).collect();
        assert_eq!((names.names.len(), names.index.len()), (1, 1));
        stored.iter().for_each(|stored| names.release(stored));
        assert_eq!((names.free.len(), names.index.len()), (1, 0));
        let other = names.store(&key("other", 1));
        assert_eq!(names.names.len(), 1, "the number is free for another");
        assert_eq!(names.view(&other).bytes(), key("other", 1));
    }

    #[test]
    fn a_stored_key_is_small() {
        assert_eq!(size_of::<Stored>(), 16);
    }
}
