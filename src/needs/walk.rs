//! Would the kernel log it? [`walk`] asks the rules in order, as the kernel does: the first match decides.
//!
//! In: the rules, a call, and what is known of its events. Out: whether some such event is logged, none is, or
//! that cannot be told, with the reasons. Searching is bounded: what takes too long is undecided.

use super::calls::{self, Beside, Perm};
use super::list::{Asks, AuditRule, AuditRules, Filter, List, Width};
use super::set::{Numbers, Piece, Texts};
use super::wanted::Wanted;

/// Steps of one search.
const MOST_STEPS: u32 = 5_000;
/// Reasons kept of one search.
const MOST_REASONS: usize = 6;

/// A call of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) width: Width,
    pub(super) number: u32,
    pub(super) name: &'static str,
}

/// What comes of asking. In the order of how much is known to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Logged {
    No,
    Unclear,
    Yes,
}

/// Whether the keys of a rule may do.
pub(super) type Tags<'a> = &'a dyn Fn(&[String]) -> bool;

/// An answer and what led to it; no reason where simply no line names the call.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) logged: Logged,
    pub(super) why: Vec<String>,
}

/// Whether some event of the call that is `wanted` is logged; `tags`: under a key that may do.
pub(super) fn walk(
    rules: &AuditRules,
    call: Call,
    wanted: &Wanted,
    tags: Option<Tags<'_>>,
) -> Found {
    let mut why = Vec::new();
    if let Some(place) = &rules.off {
        return Found {
            logged: Logged::No,
            why: vec![format!("{place} turns auditing off (-e 0)")],
        };
    }
    let mut best = Logged::No;
    let mut unclear_before = None;
    for rule in rules.of(List::Task).filter(|rule| rule.never) {
        if rule.filters.is_empty() {
            let text = format!("{} turns off all system calls ({})", rule.place, rule.text);
            return Found { logged: Logged::No, why: vec![text] };
        }
        unclear_before = Some(format!("{} may turn it off ({})", rule.place, rule.text));
    }
    if let Some(gone) = excluded(rules, wanted) {
        return gone;
    }
    let relevant: Vec<&AuditRule> = rules
        .of(List::Exit)
        .filter(|rule| rule.names(call.width, call.number) && of_perm(rule, call.name))
        .collect();
    let mut steps = MOST_STEPS;
    for (rule, at) in relevant.iter().zip(0..).filter(|(rule, _)| !rule.never) {
        let mut clear = true;
        if tags.is_some_and(|tags| !tags(&rule.keys)) {
            note(&mut why, || {
                format!("{} logs it without the key asked for ({})", rule.place, rule.text)
            });
            continue;
        }
        let mut event = wanted.clone();
        let refused = rule.filters.iter().find(|filter| match narrow(&mut event, call, filter) {
            Logged::Yes => false,
            Logged::Unclear => {
                clear = false;
                note(&mut why, || {
                    format!("{}: whether `{}` holds is not known", rule.place, filter.text)
                });
                false
            }
            Logged::No => true,
        });
        if refused.is_some() && event.sampled {
            best = best.max(Logged::Unclear);
            note(&mut why, || format!("{}: what its filters leave is not known", rule.place));
            continue;
        }
        if let Some(filter) = refused {
            note(&mut why, || {
                format!("{}: `{}` leaves it out ({})", rule.place, filter.text, rule.text)
            });
            continue;
        }
        // A rule before decides, if it matches: one that logs is as good unless the key counts.
        let before = relevant.get(..at).unwrap_or(&[]);
        let before: Vec<&AuditRule> =
            before.iter().copied().filter(|earlier| earlier.never || tags.is_some()).collect();
        let mut passes = slips_by(&event, call, &before, &mut steps);
        if passes == Logged::No && event.sampled {
            passes = Logged::Unclear;
        }
        match passes {
            Logged::No => {
                let first = before.first().map_or_else(String::new, |earlier| {
                    format!("{} comes first and keeps it out ({})", earlier.place, earlier.text)
                });
                note(&mut why, || first);
            }
            Logged::Unclear => note(&mut why, || {
                format!("{}: whether a line before keeps it out is not known", rule.place)
            }),
            Logged::Yes => {}
        }
        if !clear {
            passes = passes.min(Logged::Unclear);
        }
        best = best.max(passes);
        if best == Logged::Yes {
            break;
        }
    }
    if let Some(text) = unclear_before.filter(|_| best == Logged::Yes) {
        return Found { logged: Logged::Unclear, why: vec![text] };
    }
    if best == Logged::Yes {
        why.clear();
    } else if let Some(never) = relevant.first().filter(|_| relevant.iter().all(|rule| rule.never))
    {
        why.push(format!("nothing logs {}; {} would keep it out", call.name, never.place));
    }
    Found { logged: best, why }
}

fn note(why: &mut Vec<String>, text: impl FnOnce() -> String) {
    if why.len() < MOST_REASONS {
        let text = text();
        if !why.contains(&text) && !text.is_empty() {
            why.push(text);
        }
    }
}

/// Whether records without which the event does not do are left out of the log.
fn excluded(rules: &AuditRules, wanted: &Wanted) -> Option<Found> {
    let records = wanted.records.iter().copied().chain(["SYSCALL"]);
    records.filter_map(|record| without(rules, record)).min_by_key(|found| found.logged)
}

/// Whether records of a type never reach the log.
pub(super) fn without(rules: &AuditRules, record: &str) -> Option<Found> {
    let number = crate::record::RecordType::from_name(record.as_bytes())?;
    let number = Numbers::one(i64::from(number.0));
    let mut unclear = None;
    let lists = rules.of(List::Exclude).chain(rules.of(List::User).filter(|rule| rule.never));
    for rule in lists {
        if rule.list == List::User
            && !crate::record::RecordType::from_name(record.as_bytes())?.is_user()
        {
            continue;
        }
        let mut all = true;
        let mut possible = true;
        for filter in &rule.filters {
            match &filter.asks {
                Asks::Message(numbers) => possible &= !numbers.and(&number).is_empty(),
                _ => all = false,
            }
        }
        if possible && all {
            let why = vec![format!(
                "{} leaves {record} records out of the log ({})",
                rule.place, rule.text
            )];
            return Some(Found { logged: Logged::No, why });
        }
        if possible {
            let why =
                vec![format!("{} may leave {record} records out ({})", rule.place, rule.text)];
            unclear = Some(Found { logged: Logged::Unclear, why });
        }
    }
    unclear
}

/// A rule without calls is for those that its `perm` stands for.
fn of_perm(rule: &AuditRule, call: &str) -> bool {
    rule.filters.iter().all(|filter| match &filter.asks {
        Asks::Perm(letters) => calls::perm(call, letters) != Perm::Never,
        _ => true,
    })
}

/// How an event must be to pass a filter: what is left of it, and whether that is all there is to it.
fn narrow(event: &mut Wanted, call: Call, filter: &Filter) -> Logged {
    let certain = |certain| if certain { Logged::Yes } else { Logged::Unclear };
    match &filter.asks {
        Asks::Number("exit", numbers) => {
            let known = event.number("success");
            // Results above zero are of calls that were done.
            let of_failed = numbers.and(&Numbers::of(vec![(-4095, -1)]));
            let done = Numbers::of(vec![(i64::MIN, -4096), (0, i64::MAX)]);
            let possible = match known.few(2).as_deref() {
                Some([1]) => !numbers.and(&done).is_empty(),
                Some([0]) => !of_failed.is_empty(),
                _ => true,
            };
            let holds = event.ask(&filter.asks);
            if possible && holds { certain(!event.doubtful.contains("exit")) } else { Logged::No }
        }
        Asks::Number(name, numbers) => {
            let is_all = event.number(name).and(&numbers.not()).is_empty();
            let holds = event.ask(&filter.asks);
            if holds { certain(is_all || !event.doubtful.contains(name)) } else { Logged::No }
        }
        Asks::Text(name, texts) | Asks::NotText(name, texts) => {
            let before = event.clone();
            let beside = if *name == "path" { calls::beside(call.name) } else { Beside::Nothing };
            let holds = event.ask(&filter.asks);
            let is_not = matches!(filter.asks, Asks::NotText(..));
            let touches = match beside {
                Beside::Nothing => false,
                Beside::Folder => has_folder(texts, &before.text(name)),
                // What is left free touches what else it may.
                Beside::Any => !is_not || has_folder(texts, &before.text(name)),
            };
            if before.text(name).is_all() {
                return if holds { certain(!event.doubtful.contains(name)) } else { Logged::No };
            }
            if !holds && touches && !is_not {
                // It touches other files than the one that the stage is about.
                *event = before;
                return Logged::Unclear;
            }
            let sure = !is_not || !touches;
            if holds { certain(sure && !event.doubtful.contains(name)) } else { Logged::No }
        }
        Asks::Bits { name, bits, all } => {
            let passes =
                |number: &i64| if *all { number & bits == *bits } else { number & bits != 0 };
            match event.number(name).few(64) {
                Some(numbers) => {
                    let left = numbers.into_iter().filter(passes).map(|n| (n, n)).collect();
                    let holds = event.ask(&Asks::Number(name, Numbers::of(left)));
                    if holds { certain(!event.doubtful.contains(name)) } else { Logged::No }
                }
                // One that passes stands for all.
                None if !event.doubtful.contains(name) => {
                    event.sampled = true;
                    let holds = event.ask(&Asks::Number(name, Numbers::one(*bits)));
                    if holds { Logged::Yes } else { Logged::Unclear }
                }
                None => Logged::Unclear,
            }
        }
        Asks::Perm(letters) => match calls::perm(call.name, letters) {
            Perm::Never => Logged::No,
            Perm::Always => Logged::Yes,
            Perm::Unclear => Logged::Unclear,
            Perm::Mode => {
                let mode = if letters.contains('w') { "mode_w" } else { "mode_r" };
                let doubtful = event.doubtful.contains(mode);
                let holds = event.ask(&Asks::Number(mode, Numbers::one(1)));
                if holds { certain(!doubtful) } else { Logged::No }
            }
        },
        Asks::Message(_) => Logged::No,
        Asks::Other => Logged::Unclear,
    }
}

/// Whether the folder of a file that is wanted is among others.
fn has_folder(texts: &Texts, own: &Texts) -> bool {
    own.some.iter().any(|own| {
        let (Piece::Exact(path) | Piece::Prefix(path)) = own;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = if folder.is_empty() { "/" } else { folder };
        !Texts::of(vec![Piece::Exact(folder.to_owned())]).and(texts).is_empty()
    })
}

/// Whether some of these events match none of the rules.
fn slips_by(event: &Wanted, call: Call, rules: &[&AuditRule], steps: &mut u32) -> Logged {
    let Some((rule, rest)) = rules.split_first() else { return Logged::Yes };
    let mut best = Logged::No;
    for filter in &rule.filters {
        if *steps == 0 {
            return best.max(Logged::Unclear);
        }
        *steps -= 1;
        let mut left = event.clone();
        let mut passes = fails(&mut left, call, filter);
        if passes != Logged::No {
            passes = passes.min(slips_by(&left, call, rest, steps));
        }
        best = best.max(passes);
        if best == Logged::Yes {
            break;
        }
    }
    best
}

/// As [`narrow`], for events that do not pass the filter.
fn fails(event: &mut Wanted, call: Call, filter: &Filter) -> Logged {
    let asks = match &filter.asks {
        Asks::Number(name, numbers) => Asks::Number(name, numbers.not()),
        Asks::Text(name, texts) => Asks::NotText(name, texts.clone()),
        Asks::NotText(name, texts) => Asks::Text(name, texts.clone()),
        Asks::Bits { name, bits, all } => {
            let fails =
                |number: &i64| if *all { number & bits != *bits } else { number & bits == 0 };
            match event.number(name).few(64) {
                Some(numbers) => Asks::Number(
                    name,
                    Numbers::of(numbers.into_iter().filter(fails).map(|n| (n, n)).collect()),
                ),
                None => return Logged::Unclear,
            }
        }
        Asks::Perm(letters) => {
            return match calls::perm(call.name, letters) {
                Perm::Never => Logged::Yes,
                Perm::Always => Logged::No,
                Perm::Unclear => Logged::Unclear,
                Perm::Mode => {
                    let mode = if letters.contains('w') { "mode_w" } else { "mode_r" };
                    let other = if letters.contains('w') { "mode_r" } else { "mode_w" };
                    let doubtful = event.doubtful.contains(mode);
                    let holds = event.ask(&Asks::Number(mode, Numbers::one(0)))
                        && event.ask(&Asks::Number(other, Numbers::one(1)));
                    match (holds, doubtful) {
                        (false, _) => Logged::No,
                        (true, true) => Logged::Unclear,
                        (true, false) => Logged::Yes,
                    }
                }
            };
        }
        Asks::Message(_) => return Logged::Yes,
        Asks::Other => return Logged::Unclear,
    };
    // A call that touches other files too may match by one of those.
    let text = filter.text.clone();
    narrow(event, call, &Filter { asks, text })
}
