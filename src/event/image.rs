//! [`Image`]: the texts of a program that runs in a process, in one piece.
//!
//! In: the texts one after another, in a [`Draft`]. Out: an [`Image`], made with one allocation however
//! many arguments there are, and shared by all who show the same program: a forked child, a process that
//! runs as somebody else now. Nothing is read or decoded here.

use std::sync::Arc;

use crate::near;

/// What is known of a program by its texts. A copy shares them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Name, path, working directory, then the arguments, with nothing between them; in front of all of them, where
    /// each ends, as numbers of [`END`] bytes.
    bytes: Arc<[u8]>,
    /// How many texts there are.
    texts: u32,
    /// Which of the first three are known.
    known: [bool; HEAD],
    args_count: Option<i64>,
}

/// Texts in front of the arguments.
const HEAD: usize = 3;
/// Bytes that say where a text ends.
const END: usize = size_of::<u32>();

impl Image {
    /// `comm`: at most 15 bytes, and the process may change it.
    pub fn name(&self) -> Option<&str> {
        self.head(0)
    }

    /// Path of the program.
    pub fn executable(&self) -> Option<&str> {
        self.head(1)
    }

    /// Where it was started.
    pub fn working_directory(&self) -> Option<&str> {
        self.head(2)
    }

    /// The first arguments, 32 KiB at most; none when the execution was not seen.
    pub fn args(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (HEAD..(self.texts as usize).max(HEAD)).map(|index| self.part(index))
    }

    /// How many arguments it was started with, kept or not.
    pub fn args_count(&self) -> Option<i64> {
        self.args_count
    }

    /// Bytes of its texts.
    pub fn text_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Has the beginning of its texts brought near, where their memory says how many share it.
    pub(super) fn bring(&self) {
        near::bring(&self.bytes, 1);
    }

    fn head(&self, index: usize) -> Option<&str> {
        self.known.get(index).copied().unwrap_or(false).then(|| self.part(index))
    }

    fn part(&self, index: usize) -> &str {
        let (ends, text) =
            self.bytes.split_at_checked(self.texts as usize * END).unwrap_or_default();
        let (ends, _) = ends.as_chunks::<END>();
        let end = |index: usize| ends.get(index).map_or(0, |end| u32::from_le_bytes(*end) as usize);
        let start = index.checked_sub(1).map_or(0, end);
        let part = text.get(start..end(index)).unwrap_or_default();
        // They were texts.
        std::str::from_utf8(part).unwrap_or_default()
    }
}

/// Memory in which the texts of an [`Image`] are gathered: name, path and working directory, known or not,
/// then the arguments.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    text: String,
    ends: Vec<u32>,
    known: [bool; HEAD],
    /// Both, as they are kept.
    bytes: Vec<u8>,
}

impl Draft {
    /// Begins another one.
    pub fn start(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.known = [false; HEAD];
    }

    /// Adds the next text.
    pub fn push(&mut self, text: Option<&str>) {
        if let Some(known) = self.known.get_mut(self.ends.len()) {
            *known = text.is_some();
        }
        self.text.push_str(text.unwrap_or(""));
        // Paths are shorter than a line, and arguments bounded.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// What was gathered.
    pub fn image(&mut self, args_count: Option<i64>) -> Image {
        self.bytes.clear();
        self.ends.iter().for_each(|end| self.bytes.extend_from_slice(&end.to_le_bytes()));
        self.bytes.extend_from_slice(self.text.as_bytes());
        Image {
            bytes: self.bytes.as_slice().into(),
            texts: u32::try_from(self.ends.len()).unwrap_or(u32::MAX),
            known: self.known,
            args_count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_again_known_or_not_and_empty_or_not() {
        let mut draft = Draft::default();
        for head in [[None; 3], [Some("sh"), None, Some("/")], [Some(""), Some("/bin/é"), None]] {
            for args in [&[][..], &[""], &["sh", "", "-c", "é"]] {
                draft.start();
                head.iter().for_each(|text| draft.push(*text));
                args.iter().for_each(|arg| draft.push(Some(arg)));
                let image = draft.image(Some(7));
                let shown = [image.name(), image.executable(), image.working_directory()];
                assert_eq!(shown, head);
                assert_eq!(image.args().collect::<Vec<_>>(), args);
                assert_eq!((image.args().len(), image.args_count()), (args.len(), Some(7)));
            }
        }
        assert_eq!(Image::default().args().len(), 0);
    }
}
