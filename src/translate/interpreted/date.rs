//! The date that `ausearch -i` prints → milliseconds.
//!
//! In: what stands between the brackets of a head, `11/20/2026 17:42:06.852:301`. Out: the time, taken as
//! local time of the offset that the user has given, and the serial. Only dates that exist are read; how a
//! date is ordered is told from its separators, never from other lines.

/// Longest text that is looked at.
const LONGEST: usize = 64;

/// A head's time in milliseconds since the epoch and its serial. `offset`: seconds by which local time is
/// ahead of UTC. `None` for what is no date of ours, does not exist or lies before 1970.
pub(super) fn stamp(text: &[u8], offset: i32) -> Option<(i64, u32)> {
    if text.len() > LONGEST {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let (date, time) = text.split_once(' ')?;
    let (year, month, day) = ymd(date)?;
    let (time, serial) = time.rsplit_once(':')?;
    let (time, millis) = time.split_once('.')?;
    let mut parts = time.split(':');
    let mut part = || parts.next().and_then(|part| number(part, 2, 2));
    let (hour, minute, second) = (part()?, part()?, part()?);
    if parts.next().is_some() {
        return None;
    }
    let small = |number: u32| i8::try_from(number).ok();
    let civil = jiff::civil::DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let local = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let seconds = local.checked_sub(i64::from(offset)).filter(|seconds| *seconds >= 0)?;
    // A number of milliseconds, as in the log itself.
    let millis = i64::from(number(millis, 1, 3)?);
    let serial = (1..=10).contains(&serial.len()).then_some(serial)?;
    let is_number = serial.bytes().all(|byte| byte.is_ascii_digit());
    Some((seconds * 1000 + millis, is_number.then(|| serial.parse().ok())??))
}

/// Year, month and day of a date.
fn ymd(date: &str) -> Option<(u32, u32, u32)> {
    let between = date.chars().find(|c| !c.is_ascii_digit())?;
    let mut parts = date.split(between);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let small = |text| number(text, 1, 2);
    match (between, a.len()) {
        ('-' | '/', 4) => Some((number(a, 4, 4)?, small(b)?, small(c)?)),
        ('.', _) => Some((year(c)?, small(b)?, small(a)?)),
        ('/', _) => {
            let (first, second) = (small(a)?, small(b)?);
            // Month first, as the locales C and en_US print it, unless that cannot be.
            let (month, day) = if first > 12 { (second, first) } else { (first, second) };
            Some((year(c)?, month, day))
        }
        _ => None,
    }
}

/// A year of four digits, or of two: 69 to 99 are of the last century.
fn year(text: &str) -> Option<u32> {
    match text.len() {
        2 => number(text, 2, 2).map(|year| year + if year < 69 { 2000 } else { 1900 }),
        _ => number(text, 4, 4),
    }
}

/// `least` to `most` digits.
fn number(text: &str, least: usize, most: usize) -> Option<u32> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_printed() {
        let expected = Some((1_795_196_526_852, 301));
        for date in [
            "11/20/2026",
            "11/20/26",
            "2026-11-20",
            "20.11.2026",
            "20.11.26",
            "20/11/2026",
            "20/11/26",
            "2026/11/20",
        ] {
            assert_eq!(stamp(format!("{date} 17:42:06.852:301").as_bytes(), 0), expected, "{date}");
        }
        let local =
            |offset| stamp(b"11/20/2026 17:42:06.852:301", offset).map(|(millis, _)| millis);
        assert_eq!(local(3600), Some(1_795_192_926_852), "ahead of UTC: earlier");
        assert_eq!(local(-19_800), Some(1_795_216_326_852));
        let first = stamp(b"05/04/2026 00:00:00.000:1", 0);
        assert_eq!(first, stamp(b"2026-05-04 00:00:00.000:1", 0), "month first when both can be");
        assert_eq!(
            stamp(b"02/29/2024 23:59:59.5:4294967295", 0),
            Some((1_709_251_199_005, u32::MAX))
        );
        assert_eq!(stamp(b"01/01/70 00:00:00.000:0", 0), Some((0, 0)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            " ",
            "11/20/2026",
            "11/20/2026 17:42:06.852",
            "11/20/2026 17:42:06:301",
            "02/29/2026 00:00:00.000:1",
            "02/30/2024 00:00:00.000:1",
            "13/13/2026 00:00:00.000:1",
            "00/10/2026 00:00:00.000:1",
            "11/31/2026 00:00:00.000:1",
            "2026-11-20T17:42:06.852:301",
            "11/20/2026 24:00:00.000:1",
            "11/20/2026 23:60:00.000:1",
            "11/20/2026 23:59:60.000:1",
            "11/20/2026 17:42:06.8520:1",
            "11/20/2026 17:42:06.852:4294967296",
            "11/20/2026 17:42:06.852:+1",
            "11/20/2026 +7:42:06.852:1",
            "11/20/20260 17:42:06.852:1",
            "11/20/2026 17:42:06:07.852:1",
            "12/31/1969 23:59:59.999:1",
            "11.20.2026 17:42:06.852:1",
            "11/20/2026/1 17:42:06.852:1",
            "١١/20/2026 17:42:06.852:1",
        ] {
            assert_eq!(stamp(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(stamp(b"01/01/1970 00:30:00.000:1", 3600), None, "before there was time");
        assert_eq!(stamp(&[b'1'; 4000], 0), None);
    }
}
