//! Random numbers that are the same everywhere: the Mersenne Twister, seeded and drawn from as Python's
//! `random` does.
//!
//! In: a seed. Out: a sequence of numbers that depends on nothing else. Not for anything that must not be
//! guessed. It is this generator because the logs that earlier figures were measured on came from it:
//! the same options still give the same bytes.

use sha2::{Digest as _, Sha512};

const SIZE: usize = 624;

/// A source of random numbers.
#[derive(Debug)]
pub(crate) struct Random {
    state: [u32; SIZE],
    next: usize,
}

impl Random {
    /// Seeded with a number.
    pub(crate) fn new(seed: u32) -> Self {
        Self::from_words(&[seed])
    }

    /// Seeded with a text.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend(Sha512::digest(text));
        // One long number, cut into words from its end.
        let words =
            bytes.rchunks(4).map(|chunk| chunk.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
        Self::from_words(&words.collect::<Vec<u32>>())
    }

    fn from_words(key: &[u32]) -> Self {
        let mut state = [0_u32; SIZE];
        state[0] = 19_650_218;
        for i in 1..SIZE {
            let before = state[i - 1] ^ state[i - 1] >> 30;
            state[i] = before.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..SIZE.max(key.len()) {
            let before = (state[i - 1] ^ state[i - 1] >> 30).wrapping_mul(1_664_525);
            state[i] = (state[i] ^ before).wrapping_add(key[j]).wrapping_add(j as u32);
            (i, j) = (i + 1, (j + 1) % key.len());
            if i == SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        for _ in 1..SIZE {
            let before = (state[i - 1] ^ state[i - 1] >> 30).wrapping_mul(1_566_083_941);
            state[i] = (state[i] ^ before).wrapping_sub(i as u32);
            i += 1;
            if i == SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self { state, next: SIZE }
    }

    fn twist(&mut self) {
        for i in 0..SIZE {
            let word = self.state[i] & 0x8000_0000 | self.state[(i + 1) % SIZE] & 0x7fff_ffff;
            let odd = if word & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + 397) % SIZE] ^ word >> 1 ^ odd;
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == SIZE {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// That many random bits, 128 at most.
    pub(crate) fn bits(&mut self, count: u32) -> u128 {
        let mut bits = 0;
        let mut done = 0;
        while done < count {
            let wanted = (count - done).min(32);
            bits |= u128::from(self.word() >> (32 - wanted)) << done;
            done += wanted;
        }
        bits
    }

    /// A number from 0 up to but not including 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// Happens with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// A number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let bits = usize::BITS - end.leading_zeros();
        loop {
            let drawn = self.bits(bits) as usize;
            if drawn < end {
                return drawn;
            }
        }
    }

    /// A number from `first` to `last`.
    pub(crate) fn range(&mut self, first: u32, last: u32) -> u32 {
        first + self.below((last - first) as usize + 1) as u32
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// So many of them, none twice, in random order.
    pub(crate) fn sample<T: Copy>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let large =
            if count > 5 { 4_usize.pow((3.0 * count as f64).log(4.0).ceil() as u32) } else { 0 };
        if from.len() <= 21 + large {
            let mut left = from.to_vec();
            return (0..count).map(|_| left.swap_remove(self.below(left.len()))).collect();
        }
        let mut taken: Vec<usize> = Vec::new();
        while taken.len() < count {
            let drawn = self.below(from.len());
            if !taken.contains(&drawn) {
                taken.push(drawn);
            }
        }
        taken.into_iter().map(|index| from[index]).collect()
    }
}
