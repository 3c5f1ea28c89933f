//! `[catena]` and the schedule of a rule → how it is run.

use std::borrow::Cow;

use super::data::{Data, Node, Table};
use super::keys::{Keys, Text, labelled};
use super::model::RuleOptions;
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::time::Duration;

/// What `from` is when a rule does not say: six minutes.
const DEFAULT_WINDOW: Duration = Duration::from_secs(360);

/// The keys of `[catena]`.
const KNOWN: [&str; 3] = ["lints", "samples_per_key", "window"];

/// What our own table says.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) options: RuleOptions,
    /// Names of warnings that are not wanted for this rule.
    pub(super) allowed: Vec<Text>,
}

/// Reads `[catena]`; a key it does not have is a slip of the pen. `from` is the rule's.
pub(super) fn own(table: Option<Table>, from: Option<Text>, problems: &mut Vec<Diagnostic>) -> Own {
    let mut keys = Keys::new(table.unwrap_or_default(), "catena.");
    let written = keys.placed("window").and_then(|text| match Duration::parse(&text.text) {
        Ok(window) => Some(window),
        Err(error) => {
            let title = format!("`catena.window` cannot be read: {error}");
            let problem = Diagnostic::new(Code::RuleKey, title);
            keys.report(labelled(problem, text.span, "").help("write `30s`, `9m` or `2h`"));
            None
        }
    });
    let window = written.unwrap_or_else(|| lookback(from, problems));
    let samples = keys.number("samples_per_key", 1, 1_000_000).unwrap_or(1);
    let allowed = lints(&mut keys);
    keys.refuse_rest(&KNOWN);
    problems.append(&mut keys.problems);
    let options = RuleOptions {
        window: Some(window),
        samples_per_key: usize::try_from(samples).unwrap_or(1),
        samples_at_end: false,
    };
    Own { options, allowed }
}

/// `lints = { allow = ["name"] }`
fn lints(keys: &mut Keys) -> Vec<Text> {
    let Some(table) = keys.table("lints") else { return Vec::new() };
    let mut lints = Keys::new(table, "catena.lints.");
    let list = match lints.table.take("allow") {
        None => Vec::new(),
        Some(Node { data: Data::List(list), .. }) => list,
        Some(other) => vec![other],
    };
    let mut names = Vec::new();
    for Node { data, span } in list {
        match data {
            Data::Text(text) => names.push(Text { text, span }),
            other => {
                let problem =
                    Diagnostic::new(Code::RuleKey, "`catena.lints.allow` must be a list of text");
                lints.report(labelled(problem, span, &format!("this is {}", other.article())));
            }
        }
    }
    lints.refuse_rest(&["allow"]);
    keys.problems.append(&mut lints.problems);
    names
}

/// `now-9m`: Elastic runs a rule over this much time every few minutes; that is its window.
fn lookback(from: Option<Text>, problems: &mut Vec<Diagnostic>) -> Duration {
    let Some(Text { text, span }) = from else { return DEFAULT_WINDOW };
    // Rounding, as in `now-1d/d`, only makes it longer.
    let length = text.split('/').next().and_then(|from| from.trim().strip_prefix("now-"));
    match length.map(|length| Duration::parse(&in_our_units(length))) {
        Some(Ok(window)) => window,
        _ => {
            let title = format!("`rule.from` is not understood, the window is {DEFAULT_WINDOW}");
            let problem = labelled(Diagnostic::new(Code::NotApplied, title), span, "");
            problems.push(problem.help("write `now-9m`, or set `window` in `[catena]`"));
            DEFAULT_WINDOW
        }
    }
}

/// Elasticsearch's date math has more units: `2w` is `14d`. Months and years count as their longest,
/// so that no window is shorter than it is there.
fn in_our_units(length: &str) -> Cow<'_, str> {
    let days = |number: &str, days: u64| {
        let number = number.parse::<u64>().ok().and_then(|number| number.checked_mul(days));
        number.map(|days| Cow::Owned(format!("{days}d")))
    };
    let written = match length.chars().last() {
        Some('w') => days(length.trim_end_matches('w'), 7),
        Some('M') => days(length.trim_end_matches('M'), 31),
        Some('y') => days(length.trim_end_matches('y'), 366),
        Some('H') => Some(Cow::Owned(length.to_ascii_lowercase())),
        _ => None,
    };
    written.unwrap_or(Cow::Borrowed(length))
}

/// The warnings meant by names; for a name that there is not, a warning of its own.
pub(super) fn allowed(
    names: impl IntoIterator<Item = (String, Option<Span>)>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Code> {
    let mut codes = Vec::new();
    for (name, span) in names {
        match Code::warning(&name) {
            Some(code) => codes.push(code),
            None => {
                let title = format!("no warning has the name `{name}`");
                let problem = labelled(Diagnostic::new(Code::UnknownLint, title), span, "");
                problems.push(match Code::nearest_warning(&name) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
        }
    }
    codes
}
