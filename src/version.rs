//! Order of software versions, as in Elasticsearch's type `version`.
//!
//! In: two texts. Out: which is the older. A version is digits with dots (any number of parts, no
//! leading zeros), then perhaps `-` and a pre-release, then perhaps `+` and a build; the rules are
//! those of Semantic Versioning, except that the build counts last and not never. Text that is no
//! version comes after all versions, by bytes. Only `<` and the like know this order: two versions
//! are equal when they are the same text.

use std::cmp::Ordering;

/// How version `a` stands to version `b`.
///
/// ```
/// use std::cmp::Ordering;
///
/// assert_eq!(catena::version::compare("1.11.3", "1.5.0"), Ordering::Greater);
/// assert_eq!(catena::version::compare("2.0.0-rc.1", "2.0.0"), Ordering::Less);
/// ```
pub fn compare(a: &str, b: &str) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// The parts of a version, none of them with its separator.
struct Version<'a> {
    main: &'a str,
    pre_release: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (text, build) = split(text, '+');
        let (main, pre_release) = split(text, '-');
        let named = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let plain = |part: &str| !is_number(part) || is_canonical(part);
        let valid = main.split('.').all(|part| is_number(part) && is_canonical(part))
            && pre_release.is_none_or(|pre| pre.split('.').all(|part| named(part) && plain(part)))
            && build.is_none_or(|build| build.split('.').all(named));
        valid.then_some(Self { main, pre_release, build })
    }

    fn compare(&self, other: &Self) -> Ordering {
        // A missing pre-release is newer than any, a missing build older than any.
        let pre_release = match (self.pre_release, other.pre_release) {
            (Some(a), Some(b)) => identifiers(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        identifiers(self.main, other.main).then(pre_release).then(self.build.cmp(&other.build))
    }
}

/// The text before and behind the first `separator`, which does not count at the very start.
fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, behind)) if !before.is_empty() => (before, Some(behind)),
        _ => (text, None),
    }
}

/// Part by part: numbers by size and before other text; when all are equal, the longer is newer.
fn identifiers(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        let order = match (is_number(x), is_number(y)) {
            // Without leading zeros more digits are more.
            (true, true) => x.len().cmp(&y.len()).then_with(|| x.cmp(y)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

fn is_canonical(number: &str) -> bool {
    number == "0" || !number.starts_with('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn from_old_to_new() {
        let ascending = [
            "0",
            "1",
            "1.2",
            "1.2.0-alpha",
            "1.2.0-alpha.1",
            "1.2.0-alpha.2",
            "1.2.0-alpha.10",
            "1.2.0-alpha.beta",
            "1.2.0-beta",
            "1.2.0-rc",
            "1.2.0",
            "1.2.0+build.1",
            "1.2.0+build.2",
            "1.5.0",
            "1.11.3",
            "1.11.3.0",
            "2.0.0-99999999999999999999999999999998",
            "2.0.0-99999999999999999999999999999999",
            "10.0.0",
            // These are no versions.
            "",
            "+1",
            "-1",
            "01.0.0",
            "1.",
            "1..2",
            "1.0-01",
            "1.x",
            "v1.0",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn is_a_total_order(a in "[0-2a+.-]{0,6}", b in "[0-2a+.-]{0,6}", c in "[0-2a+.-]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b).is_eq(), a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
