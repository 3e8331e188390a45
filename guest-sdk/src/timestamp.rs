//! Points in time: RFC 3339 text and arithmetic.
//!
//! Does not read a clock: a time comes from the client's proposal or from an argument.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::data_type::begin_of;
use crate::schema::Schema;
use crate::{DataType, Error, Result};

const NANOS_PER_SECOND: u32 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_PER_400_YEARS: i64 = 146_097;
/// The first and the last second that RFC 3339 can express.
const YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// A point in time, such as the one that the client wrote into its proposal.
///
/// Its text form is RFC 3339, also in arguments, in results and in JSON:
///
/// ```
/// use std::time::Duration;
/// use wasmcc_sdk::Timestamp;
///
/// let time: Timestamp = "2025-01-01T02:00:00.5+01:00".parse()?;
/// assert_eq!(time.to_string(), "2025-01-01T01:00:00.5Z");
/// let later = time + Duration::from_secs(90);
/// assert_eq!(later.duration_since(time), Some(Duration::from_secs(90)));
/// assert!(later > time);
/// # Ok::<(), wasmcc_sdk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanos: u32,
}

impl Timestamp {
    /// Returns a time at a whole second since 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// Returns this time plus a duration; None if the seconds overflow.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let nanos = self.nanos.checked_add(duration.subsec_nanos())?;
        let carried = i64::from(nanos / NANOS_PER_SECOND);
        let seconds =
            self.seconds.checked_add_unsigned(duration.as_secs())?.checked_add(carried)?;
        Some(Self { seconds, nanos: nanos % NANOS_PER_SECOND })
    }

    /// Returns this time minus a duration; None if the seconds overflow.
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        let (nanos, borrowed) = match self.nanos.checked_sub(duration.subsec_nanos()) {
            Some(nanos) => (nanos, 0),
            None => (self.nanos + NANOS_PER_SECOND - duration.subsec_nanos(), 1),
        };
        let seconds = self.seconds.checked_sub_unsigned(duration.as_secs())?;
        Some(Self { seconds: seconds.checked_sub(borrowed)?, nanos })
    }

    /// Returns the time from `earlier` to this time; None if this time is before it.
    pub fn duration_since(self, earlier: Self) -> Option<Duration> {
        if self < earlier {
            return None;
        }
        let seconds = self.seconds.abs_diff(earlier.seconds);
        match self.nanos.checked_sub(earlier.nanos) {
            Some(nanos) => Some(Duration::new(seconds, nanos)),
            None => {
                let nanos = self.nanos + NANOS_PER_SECOND - earlier.nanos;
                Some(Duration::new(seconds.checked_sub(1)?, nanos))
            }
        }
    }
}

/// # Panics
/// The seconds overflow; see [`Timestamp::checked_add`].
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration).expect("the time overflows")
    }
}

/// # Panics
/// The seconds overflow; see [`Timestamp::checked_sub`].
impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self.checked_sub(duration).expect("the time overflows")
    }
}

/// Writes RFC 3339 in UTC, with as many digits of the second as necessary. Years outside of 0 to
/// 9999 have a sign and are not RFC 3339.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.seconds.div_euclid(SECONDS_PER_DAY));
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+05}")?,
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Fails with status 400 for a text that is not RFC 3339.
impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text.as_bytes()).ok_or_else(|| {
            let begin = begin_of(text, 40);
            Error::bad_request(format!("{begin:?} is not a time such as 2025-01-31T13:00:00Z"))
        })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match YEARS.contains(&self.seconds) {
            true => serializer.collect_str(self),
            false => Err(S::Error::custom(format_args!("{self} is beyond the year 9999"))),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| D::Error::custom(error.message()))
    }
}

impl DataType for Timestamp {
    const SCHEMA: &'static Schema = &Schema::Text { format: "date-time" };

    fn decode(argument: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(argument).map_err(|_| "not UTF-8".to_owned())?;
        text.parse().map_err(|error: Error| error.message().to_owned())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        match YEARS.contains(&self.seconds) {
            true => Ok(self.to_string().into_bytes()),
            false => Err(Error::internal(format!("{self} is beyond the year 9999"))),
        }
    }
}

/// Parses `2025-01-31T13:00:00.5+01:00` as Go's `time.Parse(time.RFC3339, ..)` does: capital
/// letters, no leap second.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let (date_and_time, mut rest) = text.split_at_checked(19)?;
    let number = |from: usize, length: usize| digits(date_and_time.get(from..from + length)?);
    let is_shaped = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !is_shaped.iter().all(|(at, letter)| date_and_time.get(*at) == Some(letter)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let (fraction, behind) = fraction.split_at_checked(length)?;
        if fraction.is_empty() {
            return None;
        }
        // Digits beyond nanoseconds are ignored.
        let padded = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
        nanos = padded.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
        rest = behind;
    }
    let offset = match rest {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            if hours > 24 || minutes > 60 {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let days = days_of(year, month, day);
    if date(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    Some(Timestamp { seconds, nanos })
}

fn digits(text: &[u8]) -> Option<i64> {
    let number = text.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    });
    number.filter(|_| !text.is_empty())
}

/// Returns the days from 1970 to a date of the Gregorian calendar. The year begins in March here,
/// so the leap day is its last day.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_PER_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970
}

/// The inverse of [`days_of`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, of_era) = (days.div_euclid(DAYS_PER_400_YEARS), days.rem_euclid(DAYS_PER_400_YEARS));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_rfc_3339() {
        let known = [
            (0, 0, "1970-01-01T00:00:00Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_735_689_600, 1_000, "2025-01-01T00:00:00.000001Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, nanos, text) in known {
            let time = Timestamp { seconds, nanos };
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap(), time);
            assert_eq!(Timestamp::decode(&time.encode().unwrap()).unwrap(), time);
            assert_eq!(serde_json::to_string(&time).unwrap(), format!("\"{text}\""));
        }
        let same = ["2025-01-31T13:00:00.5+01:00", "2025-01-31T06:30:00.50-05:30"];
        for text in same {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), "2025-01-31T12:00:00.5Z");
        }
        let finer: Timestamp = "2025-01-01T00:00:00.1234567899Z".parse().unwrap();
        assert_eq!(finer.nanos, 123_456_789);
    }

    #[test]
    fn every_day_of_eight_hundred_years_is_the_one_after_the_day_before() {
        let mut days = days_of(1600, 1, 1);
        for year in 1600..2400 {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if is_leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length {
                    assert_eq!(date(days), (year, month, day));
                    assert_eq!(days_of(year, month, day), days);
                    days += 1;
                }
            }
        }
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in [
            "",
            "2025-01-01",
            "2025-01-01 00:00:00Z",
            "2025-01-01t00:00:00z",
            "2025-02-29T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-01-32T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "2025-01-01T00:00:60Z",
            "2025-01-01T00:00:00",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00+0100",
            "2025-01-01T00:00:00+25:00",
            "+2025-01-01T00:00:00Z",
            "20250-01-01T00:00:00Z",
            "2025-01-01T00:00:00ZZ",
            "２025-01-01T00:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        let error = "x".repeat(1 << 20).parse::<Timestamp>().unwrap_err();
        assert_eq!((error.status(), error.message().len() < 120), (400, true));
    }

    #[test]
    fn durations_are_added_and_taken_away() {
        let time = Timestamp { seconds: 10, nanos: 700_000_000 };
        let step = Duration::from_millis(1_500);
        assert_eq!(time + step, Timestamp { seconds: 12, nanos: 200_000_000 });
        assert_eq!(time - step, Timestamp { seconds: 9, nanos: 200_000_000 });
        assert_eq!(time - Duration::from_millis(800), Timestamp { seconds: 9, nanos: 900_000_000 });
        assert_eq!((time + step).duration_since(time), Some(step));
        assert_eq!(time.duration_since(time + step), None);
        let (first, last) = (
            Timestamp::from_seconds(i64::MIN),
            Timestamp { seconds: i64::MAX, nanos: 999_999_999 },
        );
        let longest = last.duration_since(first).unwrap();
        assert_eq!(longest, Duration::new(u64::MAX, 999_999_999));
        assert_eq!(first.checked_add(longest), Some(last));
        assert_eq!(last.checked_sub(longest), Some(first));
        assert_eq!(last.checked_add(Duration::from_nanos(1)), None);
        assert_eq!(first.checked_sub(Duration::from_nanos(1)), None);
    }

    #[test]
    fn a_time_that_rfc_3339_does_not_have_is_no_result() {
        for seconds in [i64::MIN, i64::MAX, 253_402_300_800] {
            let time = Timestamp::from_seconds(seconds);
            assert!(time.encode().is_err() && serde_json::to_string(&time).is_err());
            assert!(time.to_string().ends_with('Z'));
        }
        assert_eq!(Timestamp::from_seconds(253_402_300_800).to_string(), "+10000-01-01T00:00:00Z");
    }
}
