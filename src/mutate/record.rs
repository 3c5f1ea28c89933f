//! The lines of one event with another process, program or argument in them.
//!
//! In: a [`Piece`] of an audit log or a line of JSON. Out: the same with a change, or nothing when there is
//! no place for it. Values are written as the kernel would write them; nothing is decoded but what has
//! plain quotes.

use serde_json::Value as Json;

use crate::prove::Piece;

/// The program that attacks put between others.
pub(super) const BETWEEN: &str = "env";
/// The name that an attacker gives to his copy of a program.
pub(super) const RENAMED: &str = "renamed";
/// An argument that changes nothing.
const PADDING: &str = "--";
/// Longest argument list that is changed.
const MAX_ARGS: usize = 10_000;

/// What an attack reads and changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Pid,
    ParentPid,
    Name,
    Executable,
}

impl Key {
    fn in_records(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::ParentPid => "ppid",
            Self::Name => "comm",
            Self::Executable => "exe",
        }
    }

    fn in_json(self) -> &'static str {
        match self {
            Self::Pid => "process.pid",
            Self::ParentPid => "process.parent.pid",
            Self::Name => "process.name",
            Self::Executable => "process.executable",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Pid | Self::ParentPid)
    }
}

/// An event of one form or the other.
pub(super) struct Event<'a> {
    pub(super) piece: &'a mut Piece,
    pub(super) json: bool,
}

/// What an event says.
pub(super) fn read(piece: &Piece, json: bool, key: Key) -> Option<String> {
    if json {
        return json_text(&parse(piece)?, key.in_json());
    }
    lines(piece).find_map(|line| {
        let (start, end) = value(line, key.in_records())?;
        let value = std::str::from_utf8(line.get(start..end)?).ok()?;
        match value.strip_prefix('"') {
            Some(quoted) => Some(quoted.strip_suffix('"')?.to_owned()),
            // Without quotes text is hexadecimal.
            None if key.is_number() => Some(value.to_owned()),
            None => None,
        }
    })
}

/// Whether the event is the start of a program.
pub(super) fn is_exec(piece: &Piece, json: bool) -> bool {
    match json {
        true => parse(piece)
            .and_then(|event| json_text(&event, "event.action"))
            .is_some_and(|action| action.contains("exec")),
        false => lines(piece).any(|line| is_of(line, b"EXECVE")),
    }
}

impl Event<'_> {
    /// Writes a value where one is.
    pub(super) fn write(&mut self, key: Key, text: &str) {
        if self.json {
            self.json(|event| set_json(event, key.in_json(), text));
            return;
        }
        let quoted = if key.is_number() { text.to_owned() } else { format!("\"{text}\"") };
        self.each(|line| {
            let Some((start, end)) = value(&line, key.in_records()) else { return line };
            splice(&line, start, end, quoted.as_bytes())
        });
    }

    /// Says who the parent is, in JSON also by name.
    pub(super) fn parent(&mut self, pid: &str, name: Option<&str>) {
        self.write(Key::ParentPid, pid);
        let Some(name) = name.filter(|_| self.json) else { return };
        self.json(|event| {
            set_json(event, "process.parent.name", name);
            set_json(event, "process.parent.executable", &format!("/usr/bin/{name}"));
            set_json(event, "process.parent.entity_id", &format!("{name}-{pid}"));
        });
    }

    /// In JSON the process has another entity id; from records it follows.
    pub(super) fn other_entity(&mut self) {
        if self.json {
            self.json(|event| {
                if let Some(id) = json_text(event, "process.entity_id") {
                    set_json(event, "process.entity_id", &format!("{id}-other"));
                }
            });
        }
    }

    /// The program has another name, wherever the event says so.
    pub(super) fn rename(&mut self, (name, path): (&str, &str), new: &str) {
        let folder = path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or_default();
        let moved = format!("{folder}{new}");
        if self.json {
            self.json(|event| rename_json(event, name, path, (new, &moved)));
            return;
        }
        let is_own = read(self.piece, false, Key::Name).as_deref() == Some(name)
            && read(self.piece, false, Key::Executable).as_deref() == Some(path);
        if !is_own {
            return;
        }
        self.write(Key::Name, new);
        self.write(Key::Executable, &moved);
        self.each(|line| {
            let (key, item) = match () {
                () if is_of(&line, b"EXECVE") => ("a0", true),
                () if is_of(&line, b"PATH") => ("name", find(&line, b" item=0 ").is_some()),
                () => return line,
            };
            let Some((start, end)) = value(&line, key).filter(|_| item) else { return line };
            let text = line.get(start..end).and_then(|text| std::str::from_utf8(text).ok());
            let Some(text) = text.map(|text| text.trim_matches('"')) else { return line };
            let ends = text.rsplit('/').next() == Some(name) || text == path;
            let folder = text.rfind('/').and_then(|at| text.get(..=at)).unwrap_or_default();
            match ends {
                true => splice(&line, start, end, format!("\"{folder}{new}\"").as_bytes()),
                false => line,
            }
        });
    }

    /// Adds an argument of no effect, behind the program or at the end. `false` when there are none.
    pub(super) fn pad(&mut self, front: bool) -> bool {
        self.argument(if front { Some(1) } else { None }, PADDING)
    }

    /// The start of another program that then starts this one with all its arguments.
    pub(super) fn between(&mut self) {
        self.write(Key::Name, BETWEEN);
        self.write(Key::Executable, &format!("/usr/bin/{BETWEEN}"));
        self.argument(Some(0), BETWEEN);
    }

    fn argument(&mut self, at: Option<usize>, text: &str) -> bool {
        if self.json {
            let mut done = false;
            self.json(|event| done = argument_json(event, at, text));
            return done;
        }
        let count = lines(self.piece).filter(|line| is_of(line, b"EXECVE")).find_map(|line| {
            let (start, end) = value(line, "argc")?;
            std::str::from_utf8(line.get(start..end)?).ok()?.parse::<usize>().ok()
        });
        let Some(count) = count.filter(|count| *count <= MAX_ARGS) else { return false };
        let at = at.unwrap_or(count).min(count);
        let mut inserted = false;
        self.each(|line| {
            if !is_of(&line, b"EXECVE") {
                return line;
            }
            let mut out = Vec::with_capacity(line.len() + 16);
            let mut words = line.split(|byte| *byte == b' ').peekable();
            while let Some(word) = words.next() {
                let index = argument_number(word);
                if index == Some(at) && !inserted {
                    inserted = true;
                    out.extend_from_slice(format!("a{at}=\"{text}\" ").as_bytes());
                }
                match index {
                    _ if word.starts_with(b"argc=") => {
                        out.extend_from_slice(format!("argc={}", count + 1).as_bytes());
                    }
                    Some(index) if index >= at => {
                        let digits = 1 + index.to_string().len();
                        out.extend_from_slice(format!("a{}", index + 1).as_bytes());
                        out.extend_from_slice(word.get(digits..).unwrap_or_default());
                    }
                    _ => out.extend_from_slice(word),
                }
                if words.peek().is_some() {
                    out.push(b' ');
                }
                if index.is_some_and(|index| index + 1 == at)
                    && at == count
                    && words.peek().is_none()
                {
                    inserted = true;
                    out.extend_from_slice(format!(" a{at}=\"{text}\"").as_bytes());
                }
            }
            out
        });
        inserted
    }

    /// Makes the event the end of its process; `false` when nothing says how.
    pub(super) fn end(&mut self) -> bool {
        if self.json {
            self.json(|event| {
                set_json(event, "event.action", "end");
                set_json(event, "event.type", "end");
            });
            return true;
        }
        let Some(line) = lines(self.piece).find(|line| is_of(line, b"SYSCALL")) else {
            return false;
        };
        let arch = value(line, "arch").and_then(|(start, end)| line.get(start..end));
        let number: &[u8] = match arch {
            Some(b"c000003e") => b"231",
            Some(b"c00000b7") => b"94",
            _ => return false,
        };
        let mut line = line.to_vec();
        for (key, text) in [("syscall", number), ("a0", b"0"), ("exit", b"0"), ("items", b"0")] {
            if let Some((start, end)) = value(&line, key) {
                line = splice(&line, start, end, text);
            }
        }
        line.push(b'\n');
        self.piece.lines = line;
        true
    }

    fn each(&mut self, mut change: impl FnMut(Vec<u8>) -> Vec<u8>) {
        let mut out = Vec::with_capacity(self.piece.lines.len() + 64);
        for line in lines(self.piece) {
            out.extend(change(line.to_vec()));
            out.push(b'\n');
        }
        self.piece.lines = out;
    }

    fn json(&mut self, change: impl FnOnce(&mut Json)) {
        let Some(mut event) = parse(self.piece) else { return };
        change(&mut event);
        if let Ok(mut line) = serde_json::to_vec(&event) {
            line.push(b'\n');
            self.piece.lines = line;
        }
    }
}

fn lines(piece: &Piece) -> impl Iterator<Item = &[u8]> {
    piece.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn find(line: &[u8], words: &[u8]) -> Option<usize> {
    memchr::memmem::find(line, words)
}

fn is_of(line: &[u8], kind: &[u8]) -> bool {
    find(line, &[b"type=", kind, b" "].concat())
        .is_some_and(|at| at == 0 || line.get(at - 1) == Some(&b' '))
}

fn splice(line: &[u8], start: usize, end: usize, text: &[u8]) -> Vec<u8> {
    [line.get(..start).unwrap_or_default(), text, line.get(end..).unwrap_or_default()].concat()
}

/// Where the value of a key stands, with its quotes. What auditd appends in words is not looked at.
fn value(line: &[u8], key: &str) -> Option<(usize, usize)> {
    let own = memchr::memchr(0x1d, line).unwrap_or(line.len());
    let line = line.get(..own)?;
    let start = find(line, format!(" {key}=").as_bytes())? + key.len() + 2;
    let rest = line.get(start..)?;
    let length = match rest.first() {
        Some(b'"') => memchr::memchr(b'"', rest.get(1..)?)? + 2,
        _ => rest.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len()),
    };
    Some((start, start + length))
}

/// `3` of `a3="x"`, `a3_len=9` and `a3[0]=4142`.
fn argument_number(word: &[u8]) -> Option<usize> {
    let word = std::str::from_utf8(word).ok()?.strip_prefix('a')?;
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word.get(digits..)?;
    if !(rest.starts_with('=') || rest.starts_with("_len=") || rest.starts_with('[')) {
        return None;
    }
    word.get(..digits)?.parse().ok()
}

fn parse(piece: &Piece) -> Option<Json> {
    serde_json::from_slice(piece.lines.trim_ascii()).ok()
}

/// A field, written with dots or nested.
fn json_at<'a>(event: &'a mut Json, field: &str) -> Option<&'a mut Json> {
    match event.get(field) {
        Some(_) => event.get_mut(field),
        None => event.pointer_mut(&format!("/{}", field.replace('.', "/"))),
    }
}

fn json_text(event: &Json, field: &str) -> Option<String> {
    let value = match event.get(field) {
        Some(value) => value,
        None => event.pointer(&format!("/{}", field.replace('.', "/")))?,
    };
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Array(values) => values.first().and_then(Json::as_str).map(str::to_owned),
        _ => None,
    }
}

/// Writes a field that is there, as what it was.
fn set_json(event: &mut Json, field: &str, text: &str) {
    let Some(place) = json_at(event, field) else { return };
    *place = match (&place, text.parse::<u64>()) {
        (Json::Number(_), Ok(number)) => number.into(),
        (Json::Array(_), _) => vec![text].into(),
        _ => text.into(),
    };
}

fn rename_json(event: &mut Json, name: &str, path: &str, (new, moved): (&str, &str)) {
    for field in ["process.name", "process.parent.name"] {
        if json_text(event, field).as_deref() == Some(name) {
            set_json(event, field, new);
            let command = field.replace("name", "command_line");
            if let Some(line) = json_text(event, &command)
                && let Some(rest) = line.strip_prefix(name)
            {
                set_json(event, &command, &format!("{new}{rest}"));
            }
            let args = field.replace("name", "args");
            if let Some(Json::Array(args)) = json_at(event, &args)
                && let Some(first) = args.first_mut()
                && first.as_str() == Some(name)
            {
                *first = new.into();
            }
        }
    }
    for field in ["process.executable", "process.parent.executable"] {
        if !path.is_empty() && json_text(event, field).as_deref() == Some(path) {
            set_json(event, field, moved);
        }
    }
}

fn argument_json(event: &mut Json, at: Option<usize>, text: &str) -> bool {
    let Some(Json::Array(args)) = json_at(event, "process.args") else { return false };
    let at = at.unwrap_or(args.len()).min(args.len());
    args.insert(at, text.into());
    let (count, words) = (args.len(), args.iter().filter_map(Json::as_str));
    let line = words.collect::<Vec<_>>().join(" ");
    set_json(event, "process.args_count", &count.to_string());
    set_json(event, "process.command_line", &line);
    true
}
