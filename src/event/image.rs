//! [`Image`]: the texts of a program that runs in a process, in one piece.
//!
//! In: the texts one after another, in a [`Draft`]. Out: an [`Image`], made with two allocations however
//! many arguments there are, and shared by all who show the same program: a forked child, a process that
//! runs as somebody else now. Nothing is read or decoded here.

/// What is known of a program by its texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Name, path, working directory, then the arguments, with nothing between them.
    text: Box<str>,
    /// Where each of them ends.
    ends: Box<[u32]>,
    /// Which of the first three are known.
    known: [bool; HEAD],
    args_count: Option<i64>,
}

/// Texts in front of the arguments.
const HEAD: usize = 3;

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
        (HEAD..self.ends.len().max(HEAD)).map(|index| self.part(index))
    }

    /// How many arguments it was started with, kept or not.
    pub fn args_count(&self) -> Option<i64> {
        self.args_count
    }

    /// Bytes it occupies.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.ends)
    }

    fn head(&self, index: usize) -> Option<&str> {
        self.known.get(index).copied().unwrap_or(false).then(|| self.part(index))
    }

    fn part(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).map_or(0, |end| *end as usize);
        let start = index.checked_sub(1).map_or(0, end);
        self.text.get(start..end(index)).unwrap_or("")
    }
}

/// Memory in which the texts of an [`Image`] are gathered: name, path and working directory, known or not,
/// then the arguments.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    text: String,
    ends: Vec<u32>,
    known: [bool; HEAD],
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
    pub fn image(&self, args_count: Option<i64>) -> Image {
        Image {
            text: self.text.as_str().into(),
            ends: self.ends.as_slice().into(),
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
