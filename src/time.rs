//! Points in time in the three forms that meet here: milliseconds since 1970 (what clocks give),
//! ISO 8601 in UTC (what the API gives and takes) and `YYYY-MM-DD HH:MM:SS.mmm` (what the file holds).
//!
//! Reads no clock. Calendar arithmetic is the proleptic Gregorian of ISO 8601, by the well-known
//! days-from-civil construction; a date library would cost more bytes than the whole module tree.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z, from year 0000 to year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Clamps to the years that four digits can write.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Reads `YYYY-MM-DD`, then optionally a `T` or a space and `HH:MM[:SS[.fraction]]`, then
    /// optionally `Z` or an offset `±HH:MM`. No offset means UTC, as in SQLite
    /// (<https://sqlite.org/lang_datefunc.html#time_values>). `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(stored) = <&[u8; 23]>::try_from(text.as_bytes())
            && let Some(time) = Self::parse_stored(stored)
        {
            return Some(time);
        }
        let (date, rest) = text.split_at_checked(10)?;
        let mut date = date.split('-');
        let year = digits(date.next()?, 4)?;
        let month = digits(date.next()?, 2)?;
        let day = digits(date.next()?, 2)?;
        if date.next().is_some() {
            return None;
        }
        let mut millis = date_millis(year, month, day)?;
        if !rest.is_empty() {
            let rest = rest.strip_prefix(['T', 't', ' '])?;
            let (clock, offset) = split_offset(rest)?;
            millis += clock_millis(clock)? - offset * 60_000;
        }
        (Self::MIN.0..=Self::MAX.0)
            .contains(&millis)
            .then_some(Self(millis))
    }

    /// The file's own form, which every row has at least once: its digits are where they always are.
    fn parse_stored(text: &[u8; 23]) -> Option<Self> {
        let at = |from: usize, to: usize| number(&text[from..to]);
        let between = [text[4], text[7], text[10], text[13], text[16], text[19]];
        if between != *b"-- ::." {
            return None;
        }
        let date = date_millis(at(0, 4)?, at(5, 7)?, at(8, 10)?)?;
        let clock = time_millis(at(11, 13)?, at(14, 16)?, at(17, 19)?, at(20, 23)?)?;
        Some(Self(date + clock))
    }

    /// The form of the file: `YYYY-MM-DD HH:MM:SS.mmm`.
    pub fn to_sql(self) -> String {
        self.format(' ', "")
    }

    /// The form of the API: `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub fn to_iso(self) -> String {
        self.format('T', "Z")
    }

    fn format(self, separator: char, suffix: &str) -> String {
        let (year, month, day) = civil_from_days(self.0.div_euclid(MILLIS_PER_DAY));
        let of_day = self.0.rem_euclid(MILLIS_PER_DAY) as u32;
        let mut text = *b"0000-00-00 00:00:00.000";
        text[10] = separator as u8;
        // By hand: every row has one or more, and `format!` takes ten times as long.
        for (end, mut number) in [
            (4, year as u32),
            (7, month as u32),
            (10, day as u32),
            (13, of_day / 3_600_000),
            (16, of_day / 60_000 % 60),
            (19, of_day / 1_000 % 60),
            (23, of_day % 1_000),
        ] {
            let mut place = end;
            while number > 0 {
                place -= 1;
                text[place] += (number % 10) as u8;
                number /= 10;
            }
        }
        let mut written = String::with_capacity(24);
        written.extend(text.map(char::from));
        written + suffix
    }
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count).then(|| number(text.as_bytes()))?
}

/// The number that a few digits are.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

/// Where a day begins, if there is such a day.
fn date_millis(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_date = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    is_date.then(|| days_from_civil(year, month, day) * MILLIS_PER_DAY)
}

/// How far into a day a time is, if there is such a time.
fn time_millis(hours: i64, minutes: i64, seconds: i64, millis: i64) -> Option<i64> {
    let is_time = hours < 24 && minutes < 60 && seconds < 60;
    is_time.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis)
}

/// Splits `12:30:00+09:00` into the clock and the offset in minutes.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (clock, offset) = text.split_at(at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    Some((clock, sign * (hours * 60 + minutes)))
}

fn clock_millis(text: &str) -> Option<i64> {
    let mut fields = text.split(':');
    let hours = digits(fields.next()?, 2)?;
    let minutes = digits(fields.next()?, 2)?;
    let (seconds, fraction) = match fields.next() {
        None => (0, 0),
        Some(field) => match field.split_once('.') {
            None => (digits(field, 2)?, 0),
            Some((seconds, fraction)) => {
                if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
                (digits(seconds, 2)?, digits(&millis, 3)?)
            }
        },
    };
    if fields.next().is_some() {
        return None;
    }
    time_millis(hours, minutes, seconds, fraction)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years start in March here, so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_iso())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimestampVisitor;

        impl Visitor<'_> for TimestampVisitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time: an ISO 8601 string, a Date or milliseconds since 1970")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Timestamp, E> {
                if (Timestamp::MIN.0..=Timestamp::MAX.0).contains(&millis) {
                    Ok(Timestamp(millis))
                } else {
                    Err(E::invalid_value(de::Unexpected::Signed(millis), &self))
                }
            }

            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Timestamp, E> {
                i64::try_from(millis)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(millis), &self))
                    .and_then(|millis| self.visit_i64(millis))
            }

            fn visit_f64<E: de::Error>(self, millis: f64) -> Result<Timestamp, E> {
                if millis.is_finite() {
                    self.visit_i64(millis.trunc() as i64)
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(millis), &self))
                }
            }
        }

        deserializer.deserialize_any(TimestampVisitor)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_programs_write() {
        let at = |text| Timestamp::parse(text).map(Timestamp::to_iso);
        for (text, iso) in [
            ("1970-01-01 00:00:00", "1970-01-01T00:00:00.000Z"),
            ("2024-02-29 23:59:59", "2024-02-29T23:59:59.000Z"),
            ("2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.500Z"),
            (
                "2024-03-01T08:59:59.123456+09:00",
                "2024-02-29T23:59:59.123Z",
            ),
            ("2024-02-29T23:59-00:30", "2024-03-01T00:29:00.000Z"),
            ("2000-01-01", "2000-01-01T00:00:00.000Z"),
            ("0000-01-01 00:00:00.000", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31 23:59:59.999", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(iso), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "2023-02-29",
            "2023-13-01",
            "2023-01-00",
            "2023-01-01 24:00:00",
            "2023-01-01 00:60:00",
            "2023-01-01 00:00:60",
            "2023-01-01 00:00:00.",
            "2023-01-01 00:00:00.x",
            "2023-01-01X00:00:00",
            "2023-01-01 00",
            "2023-01-01T00:00:00+25:00",
            "9999-12-31T23:59:59.999-01:00",
            "+023-01-01",
            "２０２３-01-01",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_read_back_and_sort_like_the_numbers(
            a in Timestamp::MIN.0..=Timestamp::MAX.0,
            b in Timestamp::MIN.0..=Timestamp::MAX.0,
        ) {
            let (a, b) = (Timestamp(a), Timestamp(b));
            prop_assert_eq!(Timestamp::parse(&a.to_sql()), Some(a));
            prop_assert_eq!(Timestamp::parse(&a.to_iso()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.to_sql().cmp(&b.to_sql()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
