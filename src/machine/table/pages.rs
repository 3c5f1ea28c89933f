//! [`Pages`]: items by number.
//!
//! In pages, so that growing moves nothing and never needs more than a page beside what is used: what a
//! table takes is what it is counted as.

use crate::near;

/// Bytes of a page: a size that allocators have, so that none of it is lost.
const PAGE_BYTES: usize = 28 << 10;

/// See the module page.
#[derive(Debug)]
pub(super) struct Pages<T>(Vec<Vec<T>>);

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Pages<T> {
    /// Items of a page.
    const PAGE: usize = PAGE_BYTES / size_of::<T>();

    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.0.get(index as usize / Self::PAGE)?.get(index as usize % Self::PAGE)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.0.get_mut(index as usize / Self::PAGE)?.get_mut(index as usize % Self::PAGE)
    }

    /// Has an item brought near.
    pub(super) fn bring(&self, index: u32) {
        if let Some(page) = self.0.get(index as usize / Self::PAGE) {
            near::bring_one(page, index as usize % Self::PAGE);
        }
    }

    /// Adds an item; gives its number.
    pub(super) fn push(&mut self, item: T) -> u32 {
        if self.0.last().is_none_or(|page| page.len() == Self::PAGE) {
            self.0.push(Vec::with_capacity(Self::PAGE));
        }
        let before = (self.0.len() - 1) * Self::PAGE;
        let Some(page) = self.0.last_mut() else { return u32::MAX };
        page.push(item);
        u32::try_from(before + page.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }
}
