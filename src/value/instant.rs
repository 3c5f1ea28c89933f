//! Points in time as programs write them: `2026-03-01T07:59:30.123Z`.
//!
//! Nearly every event has one in this form, and reading it needs no calendar but this. Any other form is read by
//! those who know them all.

use crate::time::Timestamp;

/// Years of which every instant has nanoseconds that fit.
const YEARS: std::ops::RangeInclusive<i64> = 1678..=2261;

/// Reads a point in time in UTC, with up to nine digits behind the seconds; `None` for every other text.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let (date, time) = text.as_bytes().split_first_chunk::<11>()?;
    let (time, fraction) = time.split_first_chunk::<8>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T'] = *date else { return None };
    let [h1, h2, b':', n1, n2, b':', s1, s2] = *time else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    let is_time = hour <= 23 && minute <= 59 && second <= 59;
    if !is_time || !YEARS.contains(&year) || day < 1 || day > days_of(year, month)? {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(Timestamp(seconds * 1_000_000_000 + nanos(fraction)?))
}

/// Nanoseconds of what stands behind the seconds, with the letter for UTC.
fn nanos(fraction: &[u8]) -> Option<i64> {
    let digits = match fraction {
        b"Z" => return Some(0),
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let padding = [b'0'; 9];
    let padded = digits.iter().chain(&padding).take(9);
    padded.copied().try_fold(0, |nanos, digit| Some(nanos * 10 + decimal(digit)?))
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    Some(decimal(tens)? * 10 + decimal(ones)?)
}

fn decimal(digit: u8) -> Option<i64> {
    digit.is_ascii_digit().then(|| i64::from(digit - b'0'))
}

/// How many days a month has.
fn days_of(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(28 + i64::from(is_leap)),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Days since 1970, by years that begin in March, so that a leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // From the first of March of the year 0.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_jiff(text: &str) -> Option<Timestamp> {
        let nanos = text.parse::<jiff::Timestamp>().ok()?.as_nanosecond();
        i64::try_from(nanos).ok().map(Timestamp)
    }

    #[test]
    fn every_day_is_the_one_of_the_calendar() {
        for year in [1678, 1699, 1700, 1899, 1900, 1969, 1970, 1999, 2000, 2024, 2025, 2100, 2261] {
            for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
                for time in ["00:00:00Z", "23:59:59.999999999Z", "07:05:01.2Z"] {
                    let text = format!("{year:04}-{month:02}-{day:02}T{time}");
                    assert_eq!(instant(&text), by_jiff(&text), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_read_is_what_the_library_reads() {
        let texts =
            ["2025-10-09T08:53:20.003Z", "2025-10-09T08:53:20Z", "1970-01-01T00:00:00.123456789Z"];
        let mut read = 0;
        for text in texts {
            assert!(instant(text).is_some(), "{text}");
            for at in 0..text.len() {
                for byte in b' '..=b'~' {
                    let mut changed = text.as_bytes().to_vec();
                    changed[at] = byte;
                    let changed = String::from_utf8(changed).unwrap();
                    if let Some(time) = instant(&changed) {
                        read += 1;
                        assert_eq!(Some(time), by_jiff(&changed), "{changed}");
                    }
                    assert_eq!(changed.get(..at).and_then(instant), None);
                }
            }
        }
        assert!(read > 100);
        for other in [
            "2025-10-09T08:53:60Z",
            "2025-10-09T24:00:00Z",
            "1677-12-31T23:59:59Z",
            "2025-10-09T08:53:20.Z",
            "2025-10-09T08:53:20.1234567890Z",
            "2025-10-09T08:53:20+00:00",
            "2025-10-09 08:53:20Z",
        ] {
            assert_eq!(instant(other), None, "{other}");
        }
    }
}
