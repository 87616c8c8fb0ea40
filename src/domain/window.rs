//! Stretches of time: what `--window` accepts, and the hours and partial hours that a window is made of.
//!
//! A window is half-open: its first millisecond is in it, its end is not, so that neighbouring windows share nothing.
//! Knows no clock: `now` is a parameter. Start with [`WindowSpec`].

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::call::{HOUR_MS, Millis};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest relative window: ten years. A longer one is written with its dates.
const LONGEST_MS: i64 = 3_653 * DAY_MS;

const FORMS: &str = "write `15m`, `24h`, `7d`, `2w`, or START..END with dates or RFC 3339 times (`2026-11-01..2026-11-08`, without \
                     the end itself)";

/// Why a window was refused: what is wrong with it, and which forms there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a window: {what}; {FORMS}", input.escape_debug())]
pub struct WindowError {
    /// The text, at most 100 characters of it.
    pub input: String,
    /// What is wrong, as a clause.
    pub what: String,
}

/// A unit of relative windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
}

impl Unit {
    const ALL: [Unit; 4] = [Unit::Minute, Unit::Hour, Unit::Day, Unit::Week];

    fn letter(self) -> char {
        match self {
            Unit::Minute => 'm',
            Unit::Hour => 'h',
            Unit::Day => 'd',
            Unit::Week => 'w',
        }
    }

    fn word(self) -> &'static str {
        match self {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
        }
    }

    fn millis(self) -> i64 {
        match self {
            Unit::Minute => MINUTE_MS,
            Unit::Hour => HOUR_MS,
            Unit::Day => DAY_MS,
            Unit::Week => 7 * DAY_MS,
        }
    }
}

/// A window as it is written, before `now` is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowSpec {
    /// The last so many units before `now`.
    Last(u32, Unit),
    /// From a time to a time.
    Between(Window),
}

impl Default for WindowSpec {
    /// The last seven days, as the seed's report shows.
    fn default() -> Self {
        WindowSpec::Last(7, Unit::Day)
    }
}

impl WindowSpec {
    /// The window that ends at `now`, or the one that was named.
    pub fn at(self, now: Millis) -> Window {
        match self {
            WindowSpec::Last(count, unit) => {
                Window { from_ms: now - i64::from(count) * unit.millis(), to_ms: now }
            }
            WindowSpec::Between(window) => window,
        }
    }

    /// In words: `last 7 days`, or the two times.
    pub fn words(self) -> String {
        match self {
            WindowSpec::Last(1, unit) => format!("last {}", unit.word()),
            WindowSpec::Last(count, unit) => format!("last {count} {}s", unit.word()),
            WindowSpec::Between(window) => format!("{} to {}", time(window.from_ms), time(window.to_ms)),
        }
    }
}

impl fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WindowSpec::Last(count, unit) => write!(f, "{count}{}", unit.letter()),
            WindowSpec::Between(window) => window.fmt(f),
        }
    }
}

impl FromStr for WindowSpec {
    type Err = WindowError;

    fn from_str(s: &str) -> Result<Self, WindowError> {
        let refuse = |what: String| Err(WindowError { input: s.chars().take(100).collect(), what });
        if let Some((from, to)) = s.split_once("..") {
            let (from_ms, to_ms) = match (instant(from), instant(to)) {
                (Ok(from_ms), Ok(to_ms)) => (from_ms, to_ms),
                (Err(what), _) => return refuse(format!("its start {what}")),
                (_, Err(what)) => return refuse(format!("its end {what}")),
            };
            if to_ms <= from_ms {
                return refuse("its end is not after its start".into());
            }
            return Ok(WindowSpec::Between(Window { from_ms, to_ms }));
        }
        let Some(unit) = Unit::ALL.into_iter().find(|unit| s.ends_with(unit.letter())) else {
            return refuse(match s.chars().last() {
                None => "it is empty".into(),
                Some(c) if c.is_ascii_alphabetic() => format!("`{c}` is not a unit"),
                Some(_) => "it has no unit".into(),
            });
        };
        let digits = &s[..s.len() - 1];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return refuse(format!(
                "`{}` is not a whole number",
                digits.chars().take(40).collect::<String>().escape_debug()
            ));
        }
        match digits.parse::<u32>() {
            Ok(0) => refuse("it is empty".into()),
            Ok(count) if i64::from(count) * unit.millis() <= LONGEST_MS => Ok(WindowSpec::Last(count, unit)),
            _ => refuse("it is longer than ten years".into()),
        }
    }
}

/// A date (midnight UTC) or an RFC 3339 time, of the years 1970 to 9999.
pub fn instant(text: &str) -> Result<Millis, String> {
    if text.is_empty() {
        return Err("is missing".into());
    }
    let time = if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        date.and_time(chrono::NaiveTime::MIN).and_utc()
    } else {
        DateTime::parse_from_rfc3339(text)
            .map_err(|_| {
                format!(
                    "`{}` is neither a date nor an RFC 3339 time",
                    text.chars().take(60).collect::<String>().escape_debug()
                )
            })?
            .to_utc()
    };
    let ms = time.timestamp_millis();
    if (0..LAST_MS).contains(&ms) { Ok(ms) } else { Err("is outside the years 1970 to 9999".into()) }
}

/// 10000-01-01T00:00:00Z.
const LAST_MS: i64 = 253_402_300_800_000;

/// A stretch of time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// First millisecond.
    pub from_ms: Millis,
    /// First millisecond after it.
    pub to_ms: Millis,
}

/// What a window is made of: whole hours, which roll-ups hold, and at most two parts of hours, which only the calls
/// themselves can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edges {
    /// The whole hours since the epoch; empty where the window holds none.
    pub hours: Range<i32>,
    /// The parts of hours in milliseconds, in order, each within one hour and none of them a whole one.
    pub partial: Vec<Range<Millis>>,
}

impl Window {
    /// Whether `at` is in it.
    pub fn contains(&self, at: Millis) -> bool {
        (self.from_ms..self.to_ms).contains(&at)
    }

    /// The hours that cover it, rounded outward, and whether they are exactly it.
    pub fn hours(&self) -> (Range<i32>, bool) {
        let from = self.from_ms.div_euclid(HOUR_MS);
        let to = ceil_hour(self.to_ms);
        (hour(from)..hour(to), from * HOUR_MS == self.from_ms && to * HOUR_MS == self.to_ms)
    }

    /// The same window as whole hours and parts of hours: together they are exactly it.
    pub fn edges(&self) -> Edges {
        let (first, last) = (ceil_hour(self.from_ms), self.to_ms.div_euclid(HOUR_MS));
        if first > last {
            // Both ends lie within one hour.
            let within = self.from_ms..self.to_ms;
            return Edges { hours: 0..0, partial: [within].into() };
        }
        let ends = [self.from_ms..first * HOUR_MS, last * HOUR_MS..self.to_ms];
        let hours = if first == last { 0..0 } else { hour(first)..hour(last) };
        Edges { hours, partial: ends.into_iter().filter(|part| !part.is_empty()).collect() }
    }

    /// Its start as RFC 3339.
    pub fn start(&self) -> String {
        time(self.from_ms)
    }

    /// Its end as RFC 3339.
    pub fn end(&self) -> String {
        time(self.to_ms)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start(), self.end())
    }
}

fn ceil_hour(ms: Millis) -> i64 {
    -(-ms).div_euclid(HOUR_MS)
}

fn hour(hours: i64) -> i32 {
    hours.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// RFC 3339 in UTC, without a fraction where it is zero; the number itself where no calendar reaches it.
pub fn time(ms: Millis) -> String {
    match DateTime::<Utc>::from_timestamp_millis(ms) {
        Some(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(text: &str) -> WindowSpec {
        text.parse().unwrap()
    }

    #[test]
    fn every_form() {
        let now = 1_795_000_000_000;
        for (text, ms, words) in [
            ("15m", 15 * MINUTE_MS, "last 15 minutes"),
            ("24h", DAY_MS, "last 24 hours"),
            ("7d", 7 * DAY_MS, "last 7 days"),
            ("1w", 7 * DAY_MS, "last week"),
        ] {
            assert_eq!(spec(text).at(now), Window { from_ms: now - ms, to_ms: now });
            assert_eq!(spec(text).words(), words);
            assert_eq!(spec(text).to_string(), text);
        }
        let days = spec("2026-11-01..2026-11-08").at(now);
        assert_eq!(days.to_ms - days.from_ms, 7 * DAY_MS);
        assert_eq!(days.to_string(), "2026-11-01T00:00:00Z..2026-11-08T00:00:00Z");
        let zoned = spec("2026-11-01T02:00:00+02:00..2026-11-01T00:00:00.5Z").at(now);
        assert_eq!(zoned.to_ms - zoned.from_ms, 500);
        assert_eq!(spec(&zoned.to_string()).at(now), zoned);
    }

    #[test]
    fn refusals_say_why() {
        for (text, why) in [
            ("", "it is empty"),
            ("0d", "it is empty"),
            ("7", "has no unit"),
            ("1y", "`y` is not a unit"),
            ("7D", "`D` is not a unit"),
            ("d", "not a whole number"),
            ("-7d", "`-7` is not a whole number"),
            ("7.5h", "not a whole number"),
            ("٧d", "not a whole number"),
            ("99999999999999999999d", "longer than ten years"),
            ("9999d", "longer than ten years"),
            ("..2026-11-08", "its start is missing"),
            ("2026-11-01..", "its end is missing"),
            ("2026-11-31..2026-12-02", "its start `2026-11-31` is neither"),
            ("2026-11-08..2026-11-01", "its end is not after its start"),
            ("1969-12-31..2026-11-01", "outside the years"),
            ("a\u{1b}[31m..b", "\\u{1b}"),
        ] {
            let error = text.parse::<WindowSpec>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("`24h`"), "{text}: {error}");
            assert!(!error.contains('\u{1b}'));
        }
    }

    #[test]
    fn hours_are_rounded_outward_and_say_so() {
        let now = 100 * HOUR_MS + 5;
        assert_eq!(Window { from_ms: 99 * HOUR_MS, to_ms: 100 * HOUR_MS }.hours(), (99..100, true));
        assert_eq!(spec("15m").at(now).hours(), (99..101, false));
        assert_eq!(spec("1m").at(now + 10 * MINUTE_MS).hours(), (100..101, false));
    }

    proptest! {
        #[test]
        fn edges_are_exactly_the_window(from in 0i64..20 * HOUR_MS, long in 1i64..10 * HOUR_MS) {
            let window = Window { from_ms: from, to_ms: from + long };
            let edges = window.edges();
            let mut parts = edges.partial.clone();
            parts.push(i64::from(edges.hours.start) * HOUR_MS..i64::from(edges.hours.end) * HOUR_MS);
            parts.retain(|part| !part.is_empty());
            parts.sort_by_key(|part| part.start);
            prop_assert!(edges.partial.len() <= 2);
            prop_assert_eq!(parts[0].start, window.from_ms);
            prop_assert_eq!(parts[parts.len() - 1].end, window.to_ms);
            prop_assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            for part in &edges.partial {
                prop_assert_eq!(part.start.div_euclid(HOUR_MS), (part.end - 1).div_euclid(HOUR_MS));
                prop_assert!(part.end - part.start < HOUR_MS);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[0-9]{0,12}[mhdw.]{0,3}[0-9T:Z-]{0,12}") {
            let _ = text.parse::<WindowSpec>();
        }
    }
}
