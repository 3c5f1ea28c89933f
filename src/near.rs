//! Memory that will soon be read, brought near before it is.
//!
//! What waits - for its turn, or for its time to be up - has left the near caches by then, and a program that
//! reads it stands still for as long as it takes to run several hundred instructions. Whoever knows a little ahead
//! what comes next can say so here. It changes nothing but the time that reading takes.

use prefetch_index::prefetch_index;

/// Bytes that come together.
const LINE: usize = 64;

/// The first `most` bytes of a slice. Returns at once; costs about an instruction for each 64 bytes.
#[inline]
pub(crate) fn bring<T>(slice: &[T], most: usize) {
    let bytes = size_of_val(slice).min(most);
    let step = LINE.div_ceil(size_of::<T>().max(1));
    let items = bytes.div_ceil(size_of::<T>().max(1));
    // The end as well: an item may be longer than a line.
    for index in (0..=items).step_by(step) {
        prefetch_index(slice, index);
    }
}

/// One item of a slice, from both ends.
#[inline]
pub(crate) fn bring_one<T>(slice: &[T], index: usize) {
    prefetch_index(slice, index);
    prefetch_index(slice, index + 1);
}
