//! A stage on one kind of event → [`Wanted`]: what the kernel must see in an event that satisfies it.
//!
//! In: a planned condition and one way the events of a call look. Out: alternatives, each what is known of
//! the fields that audit rules can filter on. An alternative says never too little may happen: what it
//! leaves open may still be refused by tests the kernel cannot see. Tests it cannot follow make their field
//! *doubtful*: nothing certain is then said of a filter on it.

use std::collections::{BTreeMap, BTreeSet};

use super::list::Asks;
use super::set::{Numbers, Piece, Texts};
use crate::check::ir::{Expr, Leaf, Test};
use crate::plan::{Cond, Plan};
use crate::record::tables::SOCKET_CALLS;
use crate::rule;
use crate::schema::{self, Variant};
use crate::value::Value;

/// Alternatives told apart; more are taken for one that leaves everything open.
const MOST: usize = 64;
/// Values of a list that are followed.
const MOST_VALUES: usize = 256;

/// Families of sockets, in the words of `audit.socket.family`.
const FAMILIES: [(&str, i64); 7] = [
    ("unix", 1),
    ("inet", 2),
    ("inet6", 10),
    ("netlink", 16),
    ("packet", 17),
    ("alg", 38),
    ("vsock", 40),
];

/// What is known of the events that would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    pub(super) numbers: BTreeMap<&'static str, Numbers>,
    pub(super) texts: BTreeMap<&'static str, Texts>,
    /// Fields with tests that are not followed.
    pub(super) doubtful: BTreeSet<&'static str>,
    /// Files it names without regard to case.
    pub(super) folded: Vec<Piece>,
    /// Calls, one of each of which it must be.
    of_calls: BTreeSet<&'static [&'static str]>,
    /// Records it must have beside its own.
    pub(super) records: BTreeSet<&'static str>,
    /// Single values stand for all that there may be: what they do not do, others may.
    pub(super) sampled: bool,
    /// Nothing can satisfy it.
    empty: bool,
}

impl Wanted {
    /// The numbers a field can have.
    pub(super) fn number(&self, name: &'static str) -> Numbers {
        self.numbers.get(name).cloned().unwrap_or_else(|| domain(name))
    }

    pub(super) fn text(&self, name: &'static str) -> Texts {
        self.texts.get(name).cloned().unwrap_or_else(Texts::all)
    }

    /// Adds what something asks; `false` when nothing is left.
    pub(super) fn ask(&mut self, asks: &Asks) -> bool {
        match asks {
            Asks::Number(name, numbers) => {
                let left = self.number(name).and(numbers);
                self.empty |= left.is_empty();
                self.numbers.insert(name, left);
            }
            Asks::Text(name, texts) => {
                let left = self.text(name).and(texts);
                self.empty |= left.is_empty();
                self.texts.insert(name, left);
            }
            Asks::NotText(name, texts) => match texts.not() {
                Some(texts) => return self.ask(&Asks::Text(name, texts)),
                None => drop(self.doubtful.insert(name)),
            },
            Asks::Bits { .. } | Asks::Perm(_) | Asks::Message(_) | Asks::One(_) | Asks::Other => {}
        }
        !self.empty
    }

    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (name, numbers) in &other.numbers {
            both.ask(&Asks::Number(name, numbers.clone()));
        }
        for (name, texts) in &other.texts {
            both.ask(&Asks::Text(name, texts.clone()));
        }
        both.doubtful.extend(&other.doubtful);
        both.records.extend(&other.records);
        both.of_calls.extend(&other.of_calls);
        both.folded.extend_from_slice(&other.folded);
        both.empty |= other.empty;
        both
    }
}

/// What a number of the kernel can be at all.
fn domain(name: &str) -> Numbers {
    match name {
        "success" | "mode_r" | "mode_w" => Numbers::of(vec![(0, 1)]),
        "exit" => Numbers::all(),
        _ => Numbers::of(vec![(0, i64::from(u32::MAX))]),
    }
}

/// What is known of events of this kind that satisfy a condition; empty when none can.
pub(super) fn wanted(condition: &Cond, plan: &Plan, call: bool, variant: &Variant) -> Vec<Wanted> {
    let mut all = alternatives(condition, plan, call, variant, true);
    let is = |field: &str, word: &str| {
        variant.iter().any(|(name, values)| *name == field && values.iter().any(|v| v == word))
    };
    let success = if is("event.outcome", "success") { 1 } else { 0 };
    for one in all.iter_mut().filter(|_| call) {
        one.ask(&Asks::Number("success", Numbers::one(success)));
        if is("auditd.data.syscall", "socket") {
            if let Some(family) = one.numbers.remove("family") {
                one.ask(&Asks::Number("a0", family));
            }
            if one.doubtful.remove("family") {
                one.doubtful.insert("a0");
            }
        }
        if is("auditd.data.syscall", "socketcall") {
            let number = SOCKET_CALLS.iter().zip(1..).find(|(name, _)| is("audit.syscall", name));
            if let Some((_, number)) = number {
                one.ask(&Asks::Number("a0", Numbers::one(number)));
            }
        }
    }
    let name = ["auditd.data.syscall", "audit.syscall"].map(|field| first(variant, field));
    let is_of = |one: &Wanted| {
        one.of_calls.iter().all(|calls| calls.iter().any(|call| name.contains(call)))
    };
    // What is read and written by number has no name in the log.
    let is_nameless = matches!(name.first(), Some(&("read" | "write")));
    let is_named = |one: &Wanted| !is_nameless || !one.records.contains("PATH");
    all.retain(|one| !one.empty && (!call || is_of(one) && is_named(one)));
    all
}

/// The first value of a field.
pub(super) fn first<'a>(variant: &'a Variant, field: &str) -> &'a str {
    let values = variant.iter().find(|(name, _)| *name == field).map(|(_, values)| values);
    values.and_then(|values| values.first()).map_or("", String::as_str)
}

/// The calls that give a field a value, where those are but a few.
fn calls_of(field: &str) -> Option<&'static [&'static str]> {
    Some(match field {
        "audit.open.flags" => &["open", "openat", "openat2", "creat"],
        "audit.socket.family"
        | "audit.socket.type"
        | "audit.socket.type_flags"
        | "audit.socket.protocol" => &["socket", "socketpair"],
        "audit.ptrace.request" => &["ptrace"],
        _ => return None,
    })
}

fn alternatives(
    condition: &Cond,
    plan: &Plan,
    call: bool,
    variant: &Variant,
    holds: bool,
) -> Vec<Wanted> {
    if let Some(known) = rule::judge(condition, plan, call, variant) {
        return if known == holds { vec![Wanted::default()] } else { Vec::new() };
    }
    let (parts, all) = match condition {
        Cond::Const(_) => return vec![Wanted::default()],
        Cond::Leaf(leaf) => {
            let leaf = plan.leaves.get(leaf.index());
            return leaf.map_or_else(Vec::new, |leaf| vec![of_leaf(&leaf.leaf, holds)]);
        }
        Cond::Not(inner) => return alternatives(inner, plan, call, variant, !holds),
        Cond::And(parts) => (parts, holds),
        Cond::Or(parts) => (parts, !holds),
    };
    let mut found = if all { vec![Wanted::default()] } else { Vec::new() };
    for part in parts {
        let part = alternatives(part, plan, call, variant, holds);
        if all {
            let pairs = found.len().saturating_mul(part.len());
            // What is not told apart is left open, and doubtful.
            let part = if pairs > MOST { vec![open(&part)] } else { part };
            found = found.iter().flat_map(|own| part.iter().map(move |one| own.and(one))).collect();
            found.retain(|one| !one.empty);
        } else {
            found.extend(part);
            if found.len() > MOST {
                found = vec![open(&found)];
            }
        }
        found.dedup();
    }
    found
}

/// One that leaves open all in which these differ.
fn open(all: &[Wanted]) -> Wanted {
    let mut open = Wanted { empty: all.is_empty(), ..Wanted::default() };
    for one in all {
        open.doubtful.extend(one.numbers.keys());
        open.doubtful.extend(one.texts.keys());
        open.doubtful.extend(&one.doubtful);
    }
    open
}

/// The field of the kernel that a field of events shows, and what else it says something about.
fn kernel_field(name: &str) -> (Option<&'static str>, &'static [&'static str]) {
    match name {
        "user.id"
        | "process.user.id"
        | "process.real_user.id"
        | "user.Ext.real.id"
        | "auditd.data.uid" => (Some("uid"), &[]),
        "user.effective.id" | "auditd.data.euid" => (Some("euid"), &["uid"]),
        "user.saved.id" | "auditd.user.saved.id" | "auditd.data.suid" => (Some("suid"), &[]),
        "user.filesystem.id" | "auditd.user.filesystem.id" | "auditd.data.fsuid" => {
            (Some("fsuid"), &[])
        }
        "user.audit.id" | "auditd.user.audit.id" | "auditd.data.auid" => (Some("auid"), &[]),
        "group.id"
        | "process.group.id"
        | "process.real_group.id"
        | "user.group.id"
        | "group.Ext.real.id"
        | "auditd.data.gid" => (Some("gid"), &[]),
        "user.effective.group.id" | "auditd.data.egid" => (Some("egid"), &["gid"]),
        "process.pid" => (Some("pid"), &[]),
        "process.parent.pid" => (Some("ppid"), &[]),
        "auditd.session" => (Some("sessionid"), &[]),
        "process.executable" => (Some("exe"), &[]),
        "file.path" => (Some("path"), &[]),
        "auditd.data.a0" => (Some("a0"), &[]),
        "auditd.data.a1" => (Some("a1"), &["mode_r", "mode_w"]),
        "auditd.data.a2" => (Some("a2"), &["mode_r", "mode_w"]),
        "auditd.data.a3" => (Some("a3"), &[]),
        "auditd.data.exit" => (Some("exit"), &[]),
        "audit.errno" => (None, &["exit"]),
        "user.name" | "process.user.name" | "related.user" | "auditd.summary.actor.secondary" => {
            (None, &["uid", "euid"])
        }
        "user.audit.name" | "auditd.user.audit.name" | "auditd.summary.actor.primary" => {
            (None, &["auid"])
        }
        "user.effective.name" => (None, &["euid"]),
        "group.name" | "process.group.name" | "user.group.name" => (None, &["gid"]),
        "destination.ip"
        | "destination.port"
        | "source.ip"
        | "source.port"
        | "destination.address"
        | "destination.path"
        | "auditd.data.socket.family"
        | "auditd.data.socket.saddr"
        | "auditd.data.socket.addr" => (None, &["saddr_fam"]),
        "file.name"
        | "file.extension"
        | "file.Ext.original.path"
        | "file.Ext.original.name"
        | "file.inode"
        | "auditd.summary.object.primary" => (None, &["path"]),
        "auditd.summary.how" => (None, &["exe"]),
        "audit.open.flags" => (Some("open.flags"), &["a1", "a2"]),
        // The first argument of `socket`, and of no other call.
        "audit.socket.family" => (Some("family"), &[]),
        "audit.clone.flags" | "audit.ptrace.request" => (None, &["a0"]),
        "audit.socket.type" | "audit.socket.type_flags" | "audit.signal" => (None, &["a1", "a2"]),
        "audit.prot" | "audit.socket.protocol" => (None, &["a2"]),
        // The file name of the program, of which there may be one in any folder.
        "process.name" => (None, &["name"]),
        "auditd.data.tty" | "auditd.data.syscall" | "auditd.data.arch" | "auditd.data.comm" => {
            (None, &[])
        }
        "audit.child_pid" => (None, &["exit"]),
        _ if name.starts_with("auditd.user.selinux") => (None, &["subj"]),
        _ if name.starts_with("auditd.data.") || name.starts_with("auditd.paths.") => {
            (None, &["path", "a0", "a1", "a2", "a3", "exit", "subj", "obj"])
        }
        _ => (None, &[]),
    }
}

/// What one test says, when it holds or when it does not.
fn of_leaf(leaf: &Leaf, holds: bool) -> Wanted {
    let mut wanted = Wanted::default();
    let (field, test) = match leaf {
        Leaf::Test(field, test) => (field, test),
        Leaf::Expr(expr) => {
            let mut names = Vec::new();
            fields(expr, &mut names, 0);
            for name in names {
                let (own, more) = kernel_field(&name);
                wanted.doubtful.extend(own.into_iter().chain(more.iter().copied()));
            }
            return wanted;
        }
    };
    let (own, more) = kernel_field(&field.name);
    let is_there = holds != matches!(test, Test::Missing);
    if is_there && (holds || matches!(test, Test::Missing)) {
        let from = schema::lookup(&field.name).map_or("", |info| info.records);
        wanted.of_calls.extend(calls_of(&field.name));
        let record = ["EXECVE", "PATH", "SOCKADDR", "CWD", "PROCTITLE"];
        wanted.records.extend(record.into_iter().find(|record| *record == from));
    }
    match followed(own, test) {
        Some(asks) => {
            let asks = match (holds, asks) {
                (true, asks) => Some(asks),
                (false, Asks::Number(name, numbers)) => Some(Asks::Number(name, numbers.not())),
                (false, Asks::Text(name, texts)) => {
                    texts.not().map(|texts| Asks::Text(name, texts))
                }
                (false, _) => None,
            };
            // Of several files one may pass a test that another fails.
            if !holds && own == Some("path") {
                wanted.doubtful.insert("path");
            } else if let Some(asks) = asks {
                wanted.ask(&asks);
            }
        }
        None if holds && own == Some("path") => {
            wanted.doubtful.insert("path");
            wanted.folded = folded(test).unwrap_or_default();
            if let Some(starts) = beginnings(test) {
                wanted.ask(&Asks::Text("path", starts));
            }
        }
        None if own == Some("open.flags") => wanted.doubtful.extend(["mode_r", "mode_w"]),
        None => wanted.doubtful.extend(own),
    }
    if is_there
        && field.name.starts_with("destination.ip")
        && holds != matches!(test, Test::Missing)
    {
        let inet = Numbers::of(vec![(2, 2), (10, 10)]);
        wanted.ask(&Asks::Number("saddr_fam", inet));
        if !(holds && matches!(test, Test::Cidr(_) | Test::In(_))) {
            return wanted;
        }
    }
    if !matches!(test, Test::Missing | Test::Present) || own.is_none() {
        wanted.doubtful.extend(more);
    }
    wanted
}

/// What a test asks of a field, where that is exactly what it says.
fn followed(own: Option<&'static str>, test: &Test) -> Option<Asks> {
    let own = own?;
    if own == "open.flags" {
        return open_mode(test);
    }
    let is_text = matches!(own, "path" | "exe");
    let set = i64::from(u32::MAX);
    match test {
        Test::In(values) if values.len() <= MOST_VALUES => {
            if is_text {
                let texts = values.iter().map(|value| match value {
                    Value::Str(text) if text.starts_with('/') => {
                        Some(Piece::Exact(text.to_string()))
                    }
                    _ => None,
                });
                return Some(Asks::Text(own, Texts::of(texts.collect::<Option<_>>()?)));
            }
            let numbers = values.iter().map(|value| number(own, value).map(|n| (n, n)));
            Some(Asks::Number(own, Numbers::of(numbers.collect::<Option<_>>()?)))
        }
        Test::Like { patterns, fold: false } if is_text && patterns.len() <= MOST_VALUES => {
            let texts = patterns.iter().map(|pattern| {
                let plain = |text: &str| text.starts_with('/') && !text.contains(['*', '?']);
                match pattern.strip_suffix('*') {
                    Some(start) if plain(start) => Some(Piece::Prefix(start.to_owned())),
                    None if plain(pattern) => Some(Piece::Exact(pattern.to_string())),
                    _ => None,
                }
            });
            Some(Asks::Text(own, Texts::of(texts.collect::<Option<_>>()?)))
        }
        // An id that is not set is shown as none.
        Test::Missing if own == "auid" || own == "sessionid" => {
            Some(Asks::Number(own, Numbers::one(set)))
        }
        Test::Present if own == "auid" || own == "sessionid" => {
            Some(Asks::Number(own, Numbers::of(vec![(0, set - 1)])))
        }
        Test::Present if !is_text => Some(Asks::Number(own, Numbers::all())),
        Test::Present => Some(Asks::Text(own, Texts::all())),
        _ => None,
    }
}

/// What every file that a test names begins with, where the test says more than that.
fn beginnings(test: &Test) -> Option<Texts> {
    let Test::Like { patterns, fold: false } = test else { return None };
    let piece = |pattern: &str| match pattern.find(['*', '?']) {
        _ if !pattern.starts_with('/') => None,
        Some(end) => pattern.get(..end).map(|start| Piece::Prefix(start.to_owned())),
        None => Some(Piece::Exact(pattern.to_owned())),
    };
    let pieces = patterns.iter().take(MOST_VALUES + 1).map(|pattern| piece(pattern));
    pieces.collect::<Option<Vec<_>>>().filter(|all| all.len() <= MOST_VALUES).map(Texts::of)
}

/// The files that a test names whatever their case.
fn folded(test: &Test) -> Option<Vec<Piece>> {
    let texts: &[Box<str>] = match test {
        Test::InFold(texts) | Test::Like { patterns: texts, fold: true } => texts,
        _ => return None,
    };
    let piece = |text: &str| {
        let is_plain = |text: &str| text.starts_with('/') && !text.contains(['*', '?']);
        match text.strip_suffix('*') {
            Some(start) if is_plain(start) => Some(Piece::Prefix(start.to_owned())),
            None if is_plain(text) => Some(Piece::Exact(text.to_owned())),
            _ => None,
        }
    };
    texts.iter().take(MOST_VALUES).map(|text| piece(text)).collect()
}

/// Opens to read only, or to write only.
fn open_mode(test: &Test) -> Option<Asks> {
    let Test::In(words) = test else { return None };
    let all =
        |word: &str| words.iter().all(|value| matches!(value, Value::Str(text) if **text == *word));
    if all("rdonly") {
        Some(Asks::Number("mode_w", Numbers::one(0)))
    } else if all("wronly") {
        Some(Asks::Number("mode_r", Numbers::one(0)))
    } else {
        None
    }
}

fn number(own: &str, value: &Value) -> Option<i64> {
    let text = match value {
        Value::Int(number) => return Some(*number),
        Value::Str(text) => text,
        _ => return None,
    };
    match own {
        "family" => FAMILIES.iter().find(|(name, _)| **name == **text).map(|(_, number)| *number),
        // Arguments are shown hexadecimal; the kernel looks at 32 bits of them.
        "a0" | "a1" | "a2" | "a3" => {
            u64::from_str_radix(text, 16).ok().map(|number| i64::from(number as u32))
        }
        "exit" => text.parse().ok().or_else(|| super::line::errno(text)),
        _ => text.parse().ok(),
    }
}

/// The fields that an expression reads.
fn fields(expr: &Expr, names: &mut Vec<String>, depth: usize) {
    // The checker has bounded the depth already.
    if depth > 256 {
        return;
    }
    match expr {
        Expr::Literal(_) => {}
        Expr::Field(field) => names.push(field.name.to_string()),
        Expr::Call { args, .. } => args.iter().for_each(|arg| fields(arg, names, depth + 1)),
        Expr::Arithmetic(_, left, right) | Expr::Compare(_, left, right) => {
            fields(left, names, depth + 1);
            fields(right, names, depth + 1);
        }
        Expr::Negate(inner) | Expr::IsNull(inner) | Expr::Test(inner, _) => {
            fields(inner, names, depth + 1);
        }
        Expr::Cond(cond) => in_condition(cond, names, depth + 1),
    }
}

fn in_condition(condition: &crate::check::ir::Cond, names: &mut Vec<String>, depth: usize) {
    use crate::check::ir::Cond as Inner;
    match condition {
        _ if depth > 256 => {}
        Inner::Const(_) => {}
        Inner::And(parts) | Inner::Or(parts) => {
            parts.iter().for_each(|part| in_condition(part, names, depth + 1));
        }
        Inner::Not(inner) => in_condition(inner, names, depth + 1),
        Inner::Leaf(Leaf::Test(field, _)) => names.push(field.name.to_string()),
        Inner::Leaf(Leaf::Expr(expr)) => fields(expr, names, depth + 1),
    }
}
