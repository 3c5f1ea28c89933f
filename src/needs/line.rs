//! A line of audit rules → what it says, or what is wrong with it.
//!
//! In: the words of a line, in the syntax of auditctl. Out: [`Said`], and problems with their place. What is
//! not known here and does no harm (a new field, say) is kept as a filter that is not followed, and counted.

use super::calls;
use super::list::{Asks, AuditRule, Filter, List, Place, Width};
use super::set::{Numbers, Piece, Texts};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::record::RecordType;
use crate::span::Span;

/// Filters of one rule, as many as the kernel takes.
const MOST_FILTERS: usize = 64;
/// Longest keys of a rule together, in bytes.
const MOST_KEY: usize = 256;

/// What a line says.
#[derive(Debug)]
pub(super) enum Said {
    /// A rule; `first` puts it before all others of its list.
    Rule { rule: Box<AuditRule>, first: bool },
    /// A rule like this is taken out.
    Delete(Box<AuditRule>),
    /// All rules are, or those with this key.
    Clear(Option<String>),
    /// `-e 0`, `-e 1`, `-e 2`.
    Enable(u8),
    /// Something that decides nothing about which events are logged.
    Nothing,
}

/// A word of a line and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

/// The words of a line that begins at byte `start` of its file.
pub(super) fn words(line: &str, start: usize) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = 0;
    for text in line.split([' ', '\t', '\r']) {
        let at = start.saturating_add(rest);
        if !text.is_empty() {
            words.push(Word { text, span: Span::new(at, at.saturating_add(text.len())) });
        }
        rest = rest.saturating_add(text.len()).saturating_add(1);
    }
    words
}

/// Reads one line.
pub(super) struct Reader<'a> {
    pub(super) place: Place,
    pub(super) line: Span,
    pub(super) problems: &'a mut Vec<Diagnostic>,
    pub(super) unknown: &'a mut u64,
}

/// What was gathered of a rule.
#[derive(Default)]
struct Parts<'a> {
    add: Option<(char, Word<'a>)>,
    watch: Option<(bool, Word<'a>)>,
    perm: Option<Word<'a>>,
    filters: Vec<Filter>,
    calls: Vec<Word<'a>>,
    width: Option<Width>,
    foreign: bool,
    keys: Vec<String>,
    clear: bool,
}

fn wrong(title: impl Into<String>, word: Word<'_>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::AuditRule, title).label(word.span, "").help(help)
}

impl Reader<'_> {
    /// What the line says; `None` when it is refused, and the problems say why.
    pub(super) fn read(&mut self, text: &str, words: &[Word<'_>]) -> Option<Said> {
        match self.line(text, words) {
            Ok(said) => Some(said),
            Err(problem) => {
                self.problems.push(*problem);
                None
            }
        }
    }

    fn line(&mut self, text: &str, words: &[Word<'_>]) -> Result<Said, Box<Diagnostic>> {
        let mut parts = Parts::default();
        let mut words = words.iter().copied().peekable();
        while let Some(option) = words.next() {
            let mut value = |what: &str| {
                words.next().ok_or_else(|| {
                    let title = format!("`{}` needs {what} behind it", option.text);
                    Box::new(Diagnostic::new(Code::AuditRule, title).label(option.span, ""))
                })
            };
            match option.text {
                "-a" | "-A" | "-d" => {
                    let letter = option.text.chars().nth(1).unwrap_or('a');
                    parts.add = Some((letter, value("a list and an action")?));
                }
                "-w" | "-W" => parts.watch = Some((option.text == "-W", value("a path")?)),
                "-p" => parts.perm = Some(value("some of r, w, x and a")?),
                "-k" => parts.keys.push(value("a key")?.text.to_owned()),
                "-S" => parts.calls.push(value("a system call")?),
                "-F" => {
                    let first = value("a field, an operator and a value")?;
                    self.filter(first, &mut parts)?;
                }
                "-C" => {
                    let compared = value("two fields")?;
                    if !compared.text.contains('=') {
                        return Err(Box::new(wrong(
                            format!("`{}` compares nothing", compared.text),
                            compared,
                            "write two fields with = or != between them: -C auid!=obj_uid",
                        )));
                    }
                    let text = compared.text.to_owned();
                    parts.filters.push(Filter { asks: Asks::Other, text });
                }
                "-D" => parts.clear = true,
                "-e" => {
                    let flag = value("0, 1 or 2")?;
                    let number = flag.text.parse().ok().filter(|number| *number <= 2);
                    return number.map(Said::Enable).ok_or_else(|| {
                        Box::new(wrong(
                            format!("`-e {}` is no state", flag.text),
                            flag,
                            "write -e 0 (off), -e 1 (on) or -e 2 (on and locked)",
                        ))
                    });
                }
                "-b" | "-f" | "-r" | "-q" | "--backlog_wait_time" | "-m" => {
                    value("a value")?;
                    return Ok(Said::Nothing);
                }
                "-c"
                | "-i"
                | "-t"
                | "-l"
                | "-s"
                | "-v"
                | "--loginuid-immutable"
                | "--reset-lost"
                | "--reset_backlog_wait_time_actual"
                | "--signal" => {
                    return Ok(Said::Nothing);
                }
                other => {
                    const OPTIONS: [&str; 16] = [
                        "-a",
                        "-A",
                        "-d",
                        "-w",
                        "-W",
                        "-p",
                        "-k",
                        "-S",
                        "-F",
                        "-C",
                        "-D",
                        "-e",
                        "-b",
                        "-f",
                        "-r",
                        "--backlog_wait_time",
                    ];
                    let help = match nearest(other, OPTIONS.iter().copied()) {
                        Some(near) if other.starts_with('-') => format!("did you mean `{near}`?"),
                        _ => "a line is options of auditctl, such as -a always,exit -F arch=b64 -S execve -k exec; comments begin with #".to_owned(),
                    };
                    return Err(Box::new(wrong(format!("`{other}` is no option"), option, help)));
                }
            }
        }
        self.finish(text, parts)
    }

    fn finish(&mut self, text: &str, mut parts: Parts<'_>) -> Result<Said, Box<Diagnostic>> {
        if parts.clear {
            return Ok(Said::Clear(parts.keys.into_iter().next()));
        }
        if parts.keys.iter().map(String::len).sum::<usize>() > MOST_KEY {
            let title = format!("the keys are longer than {MOST_KEY} bytes");
            return Err(Box::new(Diagnostic::new(Code::AuditRule, title).label(self.line, "")));
        }
        if parts.filters.len() > MOST_FILTERS {
            let title = format!("more than {MOST_FILTERS} filters");
            return Err(Box::new(Diagnostic::new(Code::AuditRule, title).label(self.line, "")));
        }
        if let Some(perm) = parts.perm {
            parts
                .filters
                .push(Filter { asks: perm_of(perm)?, text: format!("perm={}", perm.text) });
        }
        let (list, never, letter) = match (parts.add, parts.watch) {
            (None, Some((delete, path))) => {
                if !path.text.starts_with('/') {
                    return Err(Box::new(wrong(
                        format!("the path `{}` does not begin with /", path.text),
                        path,
                        "watches are of whole paths: -w /etc/passwd -p wa -k identity",
                    )));
                }
                if parts.perm.is_none() {
                    parts
                        .filters
                        .push(Filter { asks: Asks::Perm("rwxa".into()), text: "perm=rwxa".into() });
                }
                let asks = Asks::Text("path", Texts::below(path.text));
                parts.filters.insert(0, Filter { asks, text: format!("-w {}", path.text) });
                (List::Exit, false, if delete { 'd' } else { 'a' })
            }
            (Some((letter, word)), None) => {
                let (list, never) = list_action(word)?;
                (list, never, letter)
            }
            _ => {
                let title = "neither a rule (-a) nor a watch (-w)";
                return Err(Box::new(
                    Diagnostic::new(Code::AuditRule, title)
                        .label(self.line, "")
                        .help("a rule is like -a always,exit -F arch=b64 -S execve -k exec"),
                ));
            }
        };
        let calls = self.numbers(&parts)?;
        let Parts { filters, width, foreign, keys, .. } = parts;
        let (place, text) = (self.place.clone(), text.trim().to_owned());
        let rule = AuditRule { list, never, width, foreign, calls, filters, keys, place, text };
        let rule = Box::new(rule);
        Ok(match letter {
            'd' => Said::Delete(rule),
            letter => Said::Rule { rule, first: letter == 'A' },
        })
    }

    /// The numbers of the calls named, of either width.
    fn numbers(&mut self, parts: &Parts<'_>) -> Result<Option<[Vec<u32>; 2]>, Box<Diagnostic>> {
        if parts.calls.is_empty() {
            return Ok(None);
        }
        let mut numbers = [Vec::new(), Vec::new()];
        for word in &parts.calls {
            for name in word.text.split(',').filter(|name| !name.is_empty()) {
                if name == "all" {
                    return Ok(None);
                }
                let known = match name.parse::<u32>() {
                    Ok(number) => [Some(number), Some(number)],
                    // Without a width, tools take the number of the machine's own calls for both.
                    Err(_) if parts.width.is_none() => [calls::number(Width::B64, name); 2],
                    Err(_) => [Width::B64, Width::B32].map(|width| calls::number(width, name)),
                };
                let wanted = match parts.width {
                    Some(Width::B32) => known[1],
                    _ => known[0],
                };
                if wanted.is_none() && !parts.foreign {
                    let help = match nearest(name, calls::all()) {
                        Some(near) if near != name => format!("did you mean `{near}`?"),
                        _ => "this width has no such call: leave it out here".to_owned(),
                    };
                    let title = format!("there is no system call `{name}`");
                    return Err(Box::new(wrong(title, *word, help)));
                }
                for (numbers, known) in numbers.iter_mut().zip(known) {
                    numbers.extend(known);
                }
            }
        }
        Ok(Some(numbers))
    }

    fn filter(&mut self, word: Word<'_>, parts: &mut Parts<'_>) -> Result<(), Box<Diagnostic>> {
        const OPERATORS: [&str; 8] = ["!=", ">=", "<=", "&=", "=", ">", "<", "&"];
        let text = word.text;
        let at = text.find(['=', '!', '>', '<', '&']);
        let split = at.and_then(|at| text.split_at_checked(at)).and_then(|(name, rest)| {
            let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator))?;
            Some((name, *operator, rest.get(operator.len()..)?))
        });
        let Some((name, operator, value)) =
            split.filter(|(name, _, value)| !name.is_empty() && !value.is_empty())
        else {
            let help = "write it without blanks: -F auid>=1000";
            return Err(Box::new(wrong(format!("`{text}` is no filter"), word, help)));
        };
        let bad = |what: &str| {
            Box::new(wrong(
                format!("`{value}` is not {what}"),
                word,
                format!("as in -F {name}{operator}{}", example(name)),
            ))
        };
        let ask = |numbers: Numbers, name| {
            Asks::Number(name, if operator == "!=" { numbers.not() } else { numbers })
        };
        let asks = match name {
            "arch" => {
                match (value, operator) {
                    ("b64" | "x86_64" | "c000003e" | "0xc000003e", "=") => {
                        parts.width = Some(Width::B64)
                    }
                    (
                        "b32" | "i386" | "i486" | "i586" | "i686" | "40000003" | "0x40000003",
                        "=",
                    ) => {
                        parts.width = Some(Width::B32);
                    }
                    ("b64" | "x86_64", "!=") => parts.width = Some(Width::B32),
                    ("b32" | "i386", "!=") => parts.width = Some(Width::B64),
                    (_, "=") => parts.foreign = true,
                    _ => return Err(bad("an architecture")),
                }
                return Ok(());
            }
            "key" => {
                parts.keys.push(value.to_owned());
                return Ok(());
            }
            "path" | "dir" | "exe" => {
                if !value.starts_with('/') {
                    return Err(bad("a whole path"));
                }
                let texts = match name {
                    "dir" => Texts::below(value),
                    _ => Texts::of(vec![Piece::Exact(value.to_owned())]),
                };
                let name = if name == "exe" { "exe" } else { "path" };
                match operator {
                    "=" => Asks::Text(name, texts),
                    "!=" => Asks::NotText(name, texts),
                    _ => return Err(bad("compared like this")),
                }
            }
            "perm" => perm_of(Word { text: value, ..word })?,
            "msgtype" => {
                let number = value.parse().ok().or_else(|| {
                    RecordType::from_name(value.as_bytes())
                        .filter(|kind| *kind != RecordType::OTHER)
                        .map(|kind| kind.0)
                });
                let number = number.ok_or_else(|| bad("a type of records"))?;
                Asks::Message(
                    compared(operator, i64::from(number))
                        .ok_or_else(|| bad("compared like this"))?,
                )
            }
            "success" => {
                let number = match value {
                    "1" | "yes" => 1,
                    "0" | "no" => 0,
                    _ => return Err(bad("0 or 1")),
                };
                ask(Numbers::one(number), "success")
            }
            "exit" => {
                // The kernel orders results as if none were negative, so that only = and != mean what they say.
                let number = value.parse::<i64>().ok().or_else(|| errno(value));
                match (number, operator) {
                    (Some(number), "=" | "!=") => ask(Numbers::one(number), "exit"),
                    (Some(_), _) => Asks::Other,
                    (None, _) => return Err(bad("a result")),
                }
            }
            _ => match NUMBERS.iter().find(|(names, _)| names.contains(&name)) {
                Some((_, own)) => {
                    let Some(number) = number_of(value) else {
                        // The name of a user or group, which is another number on every machine.
                        parts.filters.push(Filter { asks: Asks::Other, text: text.to_owned() });
                        return Ok(());
                    };
                    match operator {
                        "&" | "&=" => Asks::Bits { name: own, bits: number, all: operator == "&=" },
                        _ => Asks::Number(
                            own,
                            compared(operator, number).ok_or_else(|| bad("compared like this"))?,
                        ),
                    }
                }
                None if OTHERS.contains(&name) => Asks::Other,
                None => {
                    *self.unknown = self.unknown.saturating_add(1);
                    let known =
                        NUMBERS.iter().flat_map(|(names, _)| names.iter()).chain(&OTHERS).copied();
                    let mut problem = Diagnostic::new(
                        Code::AuditField,
                        format!("the field `{name}` is not known here"),
                    )
                    .label(word.span, "what it leaves out is not followed");
                    if let Some(near) = nearest(
                        name,
                        known.chain([
                            "path", "dir", "exe", "perm", "success", "exit", "arch", "key",
                            "msgtype",
                        ]),
                    ) {
                        problem = problem.help(format!("did you mean `{near}`?"));
                    }
                    self.problems.push(problem);
                    Asks::Other
                }
            },
        };
        parts.filters.push(Filter { asks, text: text.to_owned() });
        Ok(())
    }
}

/// Fields that are numbers of 32 bits, by all their names; the last name is the one used here.
const NUMBERS: [(&[&str], &str); 18] = [
    (&["pid"], "pid"),
    (&["ppid"], "ppid"),
    (&["uid"], "uid"),
    (&["euid"], "euid"),
    (&["suid"], "suid"),
    (&["fsuid"], "fsuid"),
    (&["auid", "loginuid"], "auid"),
    (&["gid"], "gid"),
    (&["egid"], "egid"),
    (&["sgid"], "sgid"),
    (&["fsgid"], "fsgid"),
    (&["sessionid"], "sessionid"),
    (&["a0"], "a0"),
    (&["a1"], "a1"),
    (&["a2"], "a2"),
    (&["a3"], "a3"),
    (&["saddr_fam"], "saddr_fam"),
    (&["pers"], "pers"),
];
/// Fields that are known and not followed.
const OTHERS: [&str; 18] = [
    "subj_user",
    "subj_role",
    "subj_type",
    "subj_sen",
    "subj_clr",
    "obj_user",
    "obj_role",
    "obj_type",
    "obj_lev_low",
    "obj_lev_high",
    "devmajor",
    "devminor",
    "inode",
    "filetype",
    "fstype",
    "obj_uid",
    "obj_gid",
    "field_compare",
];

fn example(field: &str) -> &'static str {
    match field {
        "path" | "exe" => "/usr/bin/id",
        "dir" => "/etc",
        "exit" => "-EACCES",
        "arch" => "b64",
        "success" => "1",
        "msgtype" => "PROCTITLE",
        _ => "1000",
    }
}

fn compared(operator: &str, number: i64) -> Option<Numbers> {
    let (low, high) = Numbers::ALL;
    Some(match operator {
        "=" => Numbers::one(number),
        "!=" => Numbers::one(number).not(),
        ">" => Numbers::of(vec![(number.saturating_add(1), high)]),
        ">=" => Numbers::of(vec![(number, high)]),
        "<" => Numbers::of(vec![(low, number.saturating_sub(1))]),
        "<=" => Numbers::of(vec![(low, number)]),
        _ => return None,
    })
}

/// A number of 32 bits: decimal, 0x hexadecimal, 0 octal, `unset` or -1.
fn number_of(text: &str) -> Option<i64> {
    if matches!(text, "unset" | "-1") {
        return Some(i64::from(u32::MAX));
    }
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    i64::from_str_radix(digits, radix).ok().filter(|number| u32::try_from(*number).is_ok())
}

/// A result by the name of its error: `-EACCES`.
pub(super) fn errno(name: &str) -> Option<i64> {
    let name = name.strip_prefix('-').unwrap_or(name);
    let number =
        (1..=133).find(|number| crate::record::tables::errno_name(*number) == Some(name))?;
    Some(-i64::from(number))
}

fn perm_of(word: Word<'_>) -> Result<Asks, Box<Diagnostic>> {
    if word.text.chars().all(|letter| "rwxa".contains(letter)) {
        return Ok(Asks::Perm(word.text.to_owned()));
    }
    let help = "r: reads, w: writes, x: executes, a: changes attributes; as in -p wa";
    Err(Box::new(wrong(format!("`{}` is not made of r, w, x and a", word.text), word, help)))
}

/// `always,exit`, in either order.
fn list_action(word: Word<'_>) -> Result<(List, bool), Box<Diagnostic>> {
    let (mut list, mut never) = (None, None);
    for part in word.text.split(',') {
        match part {
            "always" => never = Some(false),
            "never" => never = Some(true),
            "task" => list = Some(List::Task),
            "exit" => list = Some(List::Exit),
            "user" => list = Some(List::User),
            "exclude" => list = Some(List::Exclude),
            "filesystem" => list = Some(List::Filesystem),
            "io_uring" => list = Some(List::Uring),
            "entry" | "possible" => {
                let help = "it is long gone from the kernel; write always,exit";
                return Err(Box::new(wrong(format!("`{part}` is no longer known"), word, help)));
            }
            other => {
                let known = [
                    "always",
                    "never",
                    "task",
                    "exit",
                    "user",
                    "exclude",
                    "filesystem",
                    "io_uring",
                ];
                let help = match nearest(other, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write a list and an action: always,exit or never,exit".to_owned(),
                };
                return Err(Box::new(wrong(
                    format!("`{other}` is neither a list nor an action"),
                    word,
                    help,
                )));
            }
        }
    }
    match (list, never) {
        (Some(list), Some(never)) => Ok((list, never)),
        // What is on this list is left out, whichever action is written.
        (Some(List::Exclude), None) => Ok((List::Exclude, false)),
        _ => Err(Box::new(wrong(
            format!("`{}` lacks a list or an action", word.text),
            word,
            "write both: always,exit",
        ))),
    }
}
