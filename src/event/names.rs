//! [`Names`]: what ids are called on one machine, from its own passwd and group files.
//!
//! In: the bytes of such files. Out: the name of a user or group by id, and every line that is neither.
//! The files come from the machine the log is from; the one the log is looked at on is never asked.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Most users, and most groups, that are remembered of a machine.
const MAX_NAMES: usize = 1 << 20;
/// Longest name, in bytes; Linux takes 32.
const MAX_NAME: usize = 256;

/// What ids are called on one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    users: HashMap<u32, Box<str>, RandomState>,
    groups: HashMap<u32, Box<str>, RandomState>,
}

/// A line that is neither of passwd nor of group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub why: &'static str,
}

impl Names {
    /// Takes in a passwd or group file: lines of seven fields are users, lines of four groups. Of
    /// several lines with one id the first counts, as in look-ups by id on the machine itself.
    ///
    /// Blank lines, comments and references to directory services (`+`, `-`) are passed over. Calls
    /// `bad` with every other line, which adds nothing.
    pub fn read(&mut self, text: &[u8], bad: &mut impl FnMut(BadLine)) {
        for (text, line) in text.split(|byte| *byte == b'\n').zip(1..) {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if matches!(text.first(), None | Some(b'#' | b'+' | b'-')) {
                continue;
            }
            if let Err(why) = self.line(text) {
                bad(BadLine { line, why });
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().unwrap_or_default();
        let id = fields.nth(1);
        // Name, password and id are behind us.
        let names = match fields.count() {
            4 => &mut self.users,
            1 => &mut self.groups,
            _ => return Err("neither seven fields as in passwd nor four as in group"),
        };
        let id = id.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
        let id: u32 = id.ok_or("the id is no number")?;
        let name = std::str::from_utf8(name).map_err(|_| "the name is not UTF-8")?;
        if name.is_empty() || name.len() > MAX_NAME {
            return Err("the name is empty or longer than 256 bytes");
        }
        if names.len() >= MAX_NAMES {
            return Err("too many names");
        }
        names.entry(id).or_insert_with(|| name.into());
        Ok(())
    }

    /// The user with this id.
    pub fn user(&self, id: u32) -> Option<&str> {
        self.users.get(&id).map(|name| &**name)
    }

    /// The group with this id.
    pub fn group(&self, id: u32) -> Option<&str> {
        self.groups.get(&id).map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_told_apart_and_other_lines_reported() {
        let mut names = Names::default();
        let mut bad = Vec::new();
        let text = b"# comment\nroot:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\n\n+nis\n\
            wheel:x:10:root,alice\r\nhalf:x:1\nword:x:ten:10:::\n:x:4:\n\xff:x:5:\nbig:x:4294967296:\n";
        names.read(text, &mut |line| bad.push((line.line, line.why)));
        assert_eq!(names.user(0), Some("root"), "the first counts");
        assert_eq!((names.group(10), names.user(10), names.group(0)), (Some("wheel"), None, None));
        let lines: Vec<_> = bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [7, 8, 9, 10, 11]);
        assert!(bad[0].1.starts_with("neither"), "{bad:?}");
    }

    #[test]
    fn what_is_no_such_file_adds_nothing() {
        let mut names = Names::default();
        let mut bad = 0;
        names.read(&[0xff; 5000], &mut |_| bad += 1);
        names.read(b"::::::\n:::\n", &mut |_| bad += 1);
        assert_eq!((bad, names), (3, Names::default()));
    }
}
