//! Blocks → lines.
//!
//! Lines that span blocks are put together in a buffer of bounded size. Of an endless line only the
//! beginning is kept: more than the coalescer takes, so that it sees and counts that the line is cut.

/// Most bytes kept of a line. auditd writes at most 8,970; what enriches events may write more.
const MAX_LINE_BYTES: usize = (1 << 20) + 1;

/// Splits blocks into lines, carrying what is unfinished from one block to the next.
#[derive(Debug, Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
    /// Number of the next line in its file, from 1.
    number: u64,
}

impl Lines {
    /// Begins a new file; line numbers start again. Call [`Lines::finish`] first.
    pub(super) fn start(&mut self) {
        self.number = 0;
    }

    /// Calls `each` with number and bytes of every line that ends in `block`.
    pub(super) fn feed(&mut self, block: &[u8], each: &mut impl FnMut(u64, &[u8])) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', block) {
            let line = block.get(start..end).unwrap_or_default();
            start = end + 1;
            self.number += 1;
            if self.carry.is_empty() {
                each(self.number, line);
            } else {
                self.push(line);
                each(self.number, &self.carry);
                self.carry.clear();
            }
        }
        self.push(block.get(start..).unwrap_or_default());
    }

    /// Forgets the line that is unfinished: its end will not come.
    pub(super) fn discard(&mut self) {
        self.carry.clear();
    }

    /// Ends a file: what is left is its last line.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(u64, &[u8])) {
        if !self.carry.is_empty() {
            self.number += 1;
            each(self.number, &self.carry);
            self.carry.clear();
        }
    }

    fn push(&mut self, part: &[u8]) {
        let room = MAX_LINE_BYTES.saturating_sub(self.carry.len());
        self.carry.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(blocks: &[&[u8]]) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for block in blocks {
            lines.feed(block, &mut |n, line| out.push((n, line.to_vec())));
        }
        lines.finish(&mut |n, line| out.push((n, line.to_vec())));
        out
    }

    #[test]
    fn lines_are_the_same_however_the_blocks_fall() {
        let text = b"one\n\ntwo three\nlast";
        let whole = split(&[text]);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[3], (4, b"last".to_vec()));
        for size in 1..text.len() {
            let blocks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(split(&blocks), whole, "blocks of {size}");
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_survives() {
        let long = vec![b'x'; 3 << 20];
        let lines = split(&[&long, &long, b"\nnext\n"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].1.len(), MAX_LINE_BYTES);
        assert_eq!(lines[1], (2, b"next".to_vec()));
    }
}
