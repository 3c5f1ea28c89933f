//! What an engine knows, as a value.
//!
//! In: what the machines of an [`Engine`](crate::engine::Engine) hold. Out: a [`State`], which can be
//! written as bytes and read again, split by join key into parts and put together from parts. Plain
//! data: nothing here knows rules, stages or what any of it means.
//!
//! Equal states are equal bytes, whatever the order inside the tables they came from: rules and keys
//! are sorted, hosts, processes and events stand once and are referred to by number. The format is
//! described in `docs/state.md`. Bytes of unknown origin give an error with its place or some state;
//! they never panic and never take memory out of proportion to their length.
//!
//! ```
//! use catena::engine::{Engine, Limits};
//! use catena::rule::{self, RuleSet};
//! use catena::schema::Schema;
//! use catena::state::State;
//!
//! let query = r#"sequence by host.id [process where process.name == "a"] [network where true]"#;
//! let rules = RuleSet::new(rule::load_query(query, &Schema::new()).rules);
//! let engine = Engine::new(rules.clone(), Limits::default())?;
//! let bytes = engine.export().encode();
//!
//! let mut other = Engine::new(rules, Limits::default())?;
//! let imported = other.import(State::decode(&bytes)?)?;
//! assert_eq!(imported.kept, 1);
//! assert_eq!(other.export().encode(), bytes);
//!
//! let parts = other.export().split(4);
//! assert_eq!(State::merge(parts)?.encode(), bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod load;
mod merge;
mod save;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(crate) use merge::part_of;

use crate::codec::Invalid;
use crate::event::{Host, Kept};
use crate::time::{Duration, Ordinal, Timestamp};

/// The first bytes of a written state. The first is no text, the last is changed by transfer as text.
pub const MAGIC: [u8; 8] = *b"\x8fcatena\n";

/// The version of the format that is written. It is raised when the same state would become other
/// bytes; what was written under an earlier one is still read.
pub const VERSION: u32 = 2;

/// Longest state that is read, in bytes.
pub const MAX_BYTES: u64 = 4 << 30;

/// Greatest count that is read: what is counted afterwards never overflows.
const MAX_COUNT: u64 = 1 << 62;

/// Why a state cannot be read or put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes do not begin like a state.
    #[error("not a state of catena")]
    NotAState,
    /// It is longer than [`MAX_BYTES`].
    #[error("{0} bytes, where a state has at most {MAX_BYTES}")]
    TooLong(u64),
    /// A state in a format that is not known here.
    #[error("byte 8: format version {0} is not known, only 1 to {VERSION}")]
    Version(u32),
    /// It ends too early or too late.
    #[error("{found} bytes where the head says {said}")]
    Length {
        /// What the head says.
        said: u64,
        /// What there is.
        found: u64,
    },
    /// It was changed after it was written.
    #[error("byte {offset}: the checksum is wrong")]
    Checksum {
        /// Where the checksum stands.
        offset: usize,
    },
    /// The bytes mean nothing.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It does not fit the rule that it says it belongs to.
    #[error("rule `{rule}`: {why}")]
    Misfit {
        /// Id of the rule.
        rule: String,
        /// What does not fit.
        why: &'static str,
    },
    /// Two parts know the same, so that they are not parts of one state.
    #[error("{of}: {why}")]
    Overlap {
        /// Id of the rule, or name of an attachment.
        of: String,
        /// What stands in two parts.
        why: &'static str,
    },
}

/// Everything that decides what an engine will find, and its counters. See the module page.
#[derive(Debug, Clone)]
pub struct State {
    pub(crate) watermark: Timestamp,
    pub(crate) latest: Ordinal,
    /// Events, relevant, late, matches, evicted, cut short.
    pub(crate) counters: [u64; 6],
    /// In the order in which they are looked through.
    pub(crate) losses: Vec<SavedLoss>,
    /// By name: whatever those who run an engine keep beside it.
    pub(crate) attachments: BTreeMap<String, Vec<u8>>,
    /// In order of [`RuleState::name`].
    pub(crate) rules: Vec<RuleState>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            watermark: Timestamp::MIN,
            latest: Ordinal { time: Timestamp::MIN, tiebreaker: 0, arrival: 0 },
            counters: [0; 6],
            losses: Vec::new(),
            attachments: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl State {
    /// No event earlier than this is to come, but for late ones.
    pub fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// Join keys with something pending, over all rules.
    pub fn keys(&self) -> usize {
        self.rules.iter().map(|rule| rule.keys.len()).sum()
    }

    /// What somebody has put beside it under this name.
    pub fn attachment(&self, name: &str) -> Option<&[u8]> {
        self.attachments.get(name).map(Vec::as_slice)
    }

    /// Puts bytes of one's own beside it, such as a position in a source: they are written, read and
    /// split with it, to the first part, and replace what had the same name.
    pub fn attach(&mut self, name: &str, bytes: Vec<u8>) {
        self.attachments.insert(name.to_owned(), bytes);
    }

    /// Every mention of an event.
    fn each_event<'a>(&'a self, visit: &mut impl FnMut(&'a Arc<Kept>)) {
        for rule in &self.rules {
            for pipe in &rule.pipes {
                pipe.matches()
                    .flat_map(|found| found.events.iter().flatten())
                    .for_each(&mut *visit);
            }
            for key in rule.keys.values() {
                match key {
                    KeyState::Sequence(key) => {
                        let waiting = key.waiting.iter().map(|(_, partial)| partial);
                        let partials = key.slots.iter().map(|(_, partial)| partial).chain(waiting);
                        partials.flat_map(|partial| &partial.events).for_each(&mut *visit);
                    }
                    KeyState::Sample(key) => key.lists.iter().flatten().for_each(&mut *visit),
                }
            }
        }
    }

    /// Sees to it that no engine holds its events: each engine counts those of its own.
    pub(crate) fn let_go(&mut self) {
        let mut copies: HashMap<*const Kept, Arc<Kept>> = HashMap::new();
        self.each_event_mut(&mut |event| {
            if event.is_held() {
                let copy = copies.entry(Arc::as_ptr(event)).or_insert_with(|| event.copy().into());
                *event = copy.clone();
            }
        });
    }

    /// Every mention of an event, to change it.
    fn each_event_mut(&mut self, visit: &mut impl FnMut(&mut Arc<Kept>)) {
        for rule in &mut self.rules {
            for pipe in &mut rule.pipes {
                for found in pipe.matches_mut() {
                    found.events.iter_mut().flatten().for_each(&mut *visit);
                }
            }
            for key in rule.keys.values_mut() {
                match key {
                    KeyState::Sequence(key) => {
                        let waiting = key.waiting.iter_mut().map(|(_, partial)| partial);
                        let slots = key.slots.iter_mut().map(|(_, partial)| partial);
                        for partial in slots.chain(waiting) {
                            partial.events.iter_mut().for_each(&mut *visit);
                        }
                    }
                    KeyState::Sample(key) => {
                        key.lists.iter_mut().flatten().for_each(&mut *visit);
                    }
                }
            }
        }
    }

    /// Hosts that are known without an event.
    fn bare_hosts(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.rules.iter().flat_map(|rule| rule.keys.values()).filter_map(|key| match key {
            KeyState::Sequence(key) => key.leading_host.as_ref(),
            KeyState::Sample(key) => key.host.as_ref(),
        })
    }
}

/// Something that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SavedLoss {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) kind: u8,
    pub(crate) count: u64,
}

/// What a rule is called, and what decides its matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleName {
    pub(crate) id: String,
    /// [`LogicHash`](crate::plan::LogicHash)
    pub(crate) logic: [u8; 16],
    pub(crate) window: Option<Duration>,
    pub(crate) samples_per_key: u64,
    pub(crate) samples_at_end: bool,
}

/// What kind of machine a rule has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Sequence,
    Sample,
}

/// What is known of one rule.
#[derive(Debug, Clone)]
pub(crate) struct RuleState {
    pub(crate) name: RuleName,
    pub(crate) kind: Kind,
    pub(crate) counters: RuleCounters,
    pub(crate) pipes: Vec<PipeState>,
    /// Matches that the pipes let through because they could hold no more.
    pub(crate) overflowed: u64,
    pub(crate) keys: BTreeMap<Box<[u8]>, KeyState>,
}

/// What became of the partials of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RuleCounters {
    /// Begun, replaced, expired, cut, evicted, rejected, matches.
    pub(crate) plain: [u64; 7],
    /// By item.
    pub(crate) reached: Vec<u64>,
    /// By items reached; each by cause.
    pub(crate) given_up: Vec<[u64; 3]>,
}

/// What is known of one join key.
#[derive(Debug, Clone)]
pub(crate) enum KeyState {
    Sequence(SequenceKey),
    Sample(SampleKey),
}

/// What a sequence knows of one key.
#[derive(Debug, Clone, Default)]
pub(crate) struct SequenceKey {
    /// Times of leading missing items, newest first.
    pub(crate) leading: Vec<Timestamp>,
    /// The host of the newest of them.
    pub(crate) leading_host: Option<Arc<Host>>,
    /// Partials by slot, ascending.
    pub(crate) slots: Vec<(u32, PartialState)>,
    /// Complete ones that wait until a time, in the order in which the waits began.
    pub(crate) waiting: Vec<(Timestamp, PartialState)>,
}

/// A partial.
#[derive(Debug, Clone)]
pub(crate) struct PartialState {
    pub(crate) events: Vec<Arc<Kept>>,
    pub(crate) marks: Option<MarksState>,
}

/// What missing items and eviction have left on a partial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarksState {
    pub(crate) leading: Option<Timestamp>,
    pub(crate) gap: Option<Timestamp>,
    pub(crate) spoiled: bool,
    /// First time and last place of a partial that was given up.
    pub(crate) gone: Option<(Timestamp, Ordinal)>,
}

/// What a sample knows of one key.
#[derive(Debug, Clone, Default)]
pub(crate) struct SampleKey {
    pub(crate) lists: Vec<Vec<Arc<Kept>>>,
    pub(crate) reported: u64,
    pub(crate) newest_sample: Option<Timestamp>,
    pub(crate) newest: Option<Timestamp>,
    pub(crate) host: Option<Arc<Host>>,
}

/// What a pipe holds.
#[derive(Debug, Clone)]
pub(crate) enum PipeState {
    /// How many it lets through, and how many are left of those.
    Head { of: u64, left: u64 },
    /// The last matches.
    Tail(Vec<MatchState>),
    /// Prints of what was seen, ascending.
    Unique(Vec<[u8; 16]>),
    /// All matches so far, and for each combination of values how many and the first.
    Count { all: u64, groups: Vec<(u64, MatchState)> },
    /// Matches so far, and what is held with its number among them, ascending.
    Sort { arrived: u64, held: Vec<(u64, MatchState)> },
}

impl PipeState {
    /// Whether no match has come to it.
    fn is_fresh(&self) -> bool {
        match self {
            Self::Head { of, left } => of == left,
            Self::Tail(last) => last.is_empty(),
            Self::Unique(seen) => seen.is_empty(),
            Self::Count { all, .. } => *all == 0,
            Self::Sort { arrived, .. } => *arrived == 0,
        }
    }

    /// What it is before any match has come to it.
    fn fresh(&self) -> Self {
        match self {
            Self::Head { of, .. } => Self::Head { of: *of, left: *of },
            Self::Tail(_) => Self::Tail(Vec::new()),
            Self::Unique(_) => Self::Unique(Vec::new()),
            Self::Count { .. } => Self::Count { all: 0, groups: Vec::new() },
            Self::Sort { .. } => Self::Sort { arrived: 0, held: Vec::new() },
        }
    }

    fn matches(&self) -> impl Iterator<Item = &MatchState> {
        let (plain, numbered) = match self {
            Self::Tail(last) => (last.as_slice(), &[][..]),
            Self::Count { groups: held, .. } | Self::Sort { held, .. } => (&[][..], &held[..]),
            Self::Head { .. } | Self::Unique(_) => (&[][..], &[][..]),
        };
        plain.iter().chain(numbered.iter().map(|(_, found)| found))
    }

    fn matches_mut(&mut self) -> impl Iterator<Item = &mut MatchState> {
        let (plain, numbered) = match self {
            Self::Tail(last) => (last.as_mut_slice(), &mut [][..]),
            Self::Count { groups: held, .. } | Self::Sort { held, .. } => {
                (&mut [][..], &mut held[..])
            }
            Self::Head { .. } | Self::Unique(_) => (&mut [][..], &mut [][..]),
        };
        plain.iter_mut().chain(numbered.iter_mut().map(|(_, found)| found))
    }
}

/// A match that a pipe holds back.
#[derive(Debug, Clone)]
pub(crate) struct MatchState {
    /// The join key, encoded.
    pub(crate) key: Box<[u8]>,
    pub(crate) events: Vec<Option<Arc<Kept>>>,
    pub(crate) decided: Timestamp,
    pub(crate) absence: bool,
    /// Matches with the same values, and all.
    pub(crate) counted: Option<(u64, u64)>,
}

/// A hash of a join key that is the same in every process: FNV-1a of 64 bits over its encoded bytes,
/// its bits mixed once more. Part `i` of `n` has the keys whose hash leaves `i` when divided by `n`.
pub(crate) fn key_hash<'a>(key: impl IntoIterator<Item = &'a u8>) -> u64 {
    let mut hash = key.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}
