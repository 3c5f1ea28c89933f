//! Points in time, lengths of time and the one total order of events.
//!
//! Everything is kept in whole nanoseconds as `i64`, which covers the years 1677 to 2262. Nothing
//! here reads a clock.

use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Before every event.
    pub const MIN: Self = Self(i64::MIN);
    /// After every event: the watermark of a closed log.
    pub const MAX: Self = Self(i64::MAX);

    /// From whole milliseconds; values out of range are clamped.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Whole milliseconds, rounded towards the past.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// `self + span`, clamped at the ends of time.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// `self - span`, clamped at the ends of time.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// Time from `earlier` to `self`; negative when `self` is the earlier one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

/// RFC 3339 in UTC: milliseconds when that is exact, else nanoseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(instant) if self.0 % 1_000_000 == 0 => write!(f, "{instant:.3}"),
            Ok(instant) => write!(f, "{instant:.9}"),
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

/// A length of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Duration(pub i64);

/// Why a text is not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Zero, negative or too large for 292 years.
    #[error("a positive length of time is required")]
    NotPositive,
    /// Digits without a unit behind them.
    #[error("no time unit given")]
    NoUnit,
    /// A unit other than `ms`, `s`, `m`, `h` and `d`.
    #[error("unknown time unit")]
    UnknownUnit,
    /// A decimal point.
    #[error("decimal lengths of time are not supported")]
    Decimal,
    /// Anything else.
    #[error("not a length of time")]
    Malformed,
}

impl Duration {
    /// From whole seconds; clamped at 292 years.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// From whole milliseconds; clamped at 292 years.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Reads `30s`, `500ms`, `10 m`: a positive whole number and one of the units
    /// `ms s m h d`, blanks allowed between.
    ///
    /// # Errors
    ///
    /// Says which of the rules is broken, see [`DurationError`].
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(DurationError::Malformed)?;
        if number.is_empty() {
            let negative = text.starts_with('-');
            return Err(if negative {
                DurationError::NotPositive
            } else {
                DurationError::Malformed
            });
        }
        let unit = unit.trim_start();
        if unit.starts_with('.') {
            return Err(DurationError::Decimal);
        }
        let scale: i64 = match unit {
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "" => return Err(DurationError::NoUnit),
            _ => return Err(DurationError::UnknownUnit),
        };
        let number: i64 = number.parse().map_err(|_| DurationError::NotPositive)?;
        match number.checked_mul(scale) {
            Some(nanos) if nanos > 0 => Ok(Self(nanos)),
            _ => Err(DurationError::NotPositive),
        }
    }
}

/// The largest unit that divides it: `10m`, `1500ms`, `90s`; nanoseconds as `7ns`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, i64); 5] = [
            ("d", 86_400_000_000_000),
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
        ];
        for (unit, scale) in UNITS {
            if self.0 != 0 && self.0 % scale == 0 {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        write!(f, "{}ns", self.0)
    }
}

/// The place of an event in the one total order: time, then tiebreaker, then arrival.
///
/// For audit events the tiebreaker is the serial number, see
/// [`Ordinal::new`]. An event without tiebreaker sorts behind those that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ordinal {
    /// Event time.
    pub time: Timestamp,
    /// Serial number or the tiebreaker field; `u64::MAX` when there is none.
    pub tiebreaker: u64,
    /// Number of the event in order of arrival: two events are never equal.
    pub arrival: u64,
}

impl Ordinal {
    /// Orders by time, then tiebreaker, then arrival.
    pub fn new(time: Timestamp, tiebreaker: Option<u64>, arrival: u64) -> Self {
        Self { time, tiebreaker: tiebreaker.unwrap_or(u64::MAX), arrival }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_utc_with_millis_or_nanos() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp::from_millis(1_700_000_000_123).to_string(),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(Timestamp(1).to_string(), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(951_782_400_000).to_string(), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn parses_each_unit_and_prints_it_back() {
        for text in ["1ms", "30s", "10m", "12h", "7d", "1500ms"] {
            assert_eq!(Duration::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Duration::parse("60 s").unwrap().to_string(), "1m");
    }

    #[test]
    fn refuses_what_is_not_a_positive_span() {
        for (text, error) in [
            ("0s", DurationError::NotPositive),
            ("-1s", DurationError::NotPositive),
            ("99999999999999999999s", DurationError::NotPositive),
            ("9999999999999d", DurationError::NotPositive),
            ("5", DurationError::NoUnit),
            ("5w", DurationError::UnknownUnit),
            ("1.5s", DurationError::Decimal),
            ("s", DurationError::Malformed),
        ] {
            assert_eq!(Duration::parse(text), Err(error), "{text}");
        }
    }
}
