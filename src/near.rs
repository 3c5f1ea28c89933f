//! Memory that will soon be read, brought near before it is.
//!
//! What waits - for its turn, or for its time to be up - has left the near caches by then, and a program that
//! reads it stands still for as long as it takes to run several hundred instructions. Whoever knows a little ahead
//! what comes next can say so here. It changes nothing but the time that reading takes.

use std::slice;
use std::sync::Arc;

use prefetch_index::prefetch_index;

/// Bytes that come together.
const LINE: usize = 64;
/// Where addresses are counted from: any place will do, because what is asked for is never looked at.
const ORIGIN: &[u8] = &[];
/// What stands in front of a shared value: how many share it.
const COUNTERS: usize = 2 * size_of::<usize>();

/// The first `most` bytes of a slice. Returns at once; costs about an instruction for each 64 bytes.
#[inline]
pub(crate) fn bring<T>(slice: &[T], most: usize) {
    bring_bytes(slice.as_ptr().addr(), size_of_val(slice).min(most));
}

/// One item of a slice, if there is such a one: all of it, and not what it refers to.
#[inline]
pub(crate) fn bring_one<T>(slice: &[T], index: usize) {
    if let Some(item) = slice.get(index) {
        bring(slice::from_ref(item), size_of::<T>());
    }
}

/// A shared value, and how many share it.
#[inline]
pub(crate) fn bring_shared<T>(shared: &Arc<T>) {
    let from = Arc::as_ptr(shared).addr();
    bring_bytes(from.wrapping_sub(COUNTERS), size_of::<T>() + COUNTERS);
}

/// How many share a value.
#[inline]
pub(crate) fn bring_counters<T>(shared: &Arc<T>) {
    bring_bytes(Arc::as_ptr(shared).addr().wrapping_sub(COUNTERS), 1);
}

/// Every line with any of these bytes.
#[inline]
fn bring_bytes(from: usize, length: usize) {
    let start = from & !(LINE - 1);
    for line in (start..from.saturating_add(length)).step_by(LINE) {
        prefetch_index(ORIGIN, line.wrapping_sub(ORIGIN.as_ptr().addr()));
    }
}
