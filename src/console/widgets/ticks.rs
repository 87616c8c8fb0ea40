//! Round numbers and round times for the axes of a chart.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Steps between times below a month.
const STEPS: [i64; 13] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/// Round numbers between two, about as many as wanted.
pub fn round_numbers(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) || wanted == 0 {
        return Vec::new();
    }
    let rough = span / wanted as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| span / step <= wanted as f64);
    let Some(step) = step.filter(|step| step.is_normal()) else { return Vec::new() };
    let first = (low / step - 1e-9).ceil();
    (0..=wanted + 1).map(|i| (first + i as f64) * step).take_while(|at| *at <= high + step * 1e-9).collect()
}

/// Round times between two, in milliseconds since 1970, as many as fit: each label has so many columns of `width`.
pub fn round_times((from, to): (i64, i64), width: u16) -> Vec<(i64, String)> {
    let span = to.saturating_sub(from);
    let date = |at| DateTime::<Utc>::from_timestamp_millis(at);
    if span <= 0 || date(from).is_none() || date(to).is_none() {
        return Vec::new();
    }
    let label = |step: i64| match step {
        ..DAY if span > DAY => 12,
        ..DAY => 5,
        _ => 6,
    };
    let fits = |step: &i64| (span / step + 1).saturating_mul(label(*step) + 4) <= i64::from(width);
    let Some(step) = STEPS.into_iter().find(fits) else { return months((from, to), width) };
    let format = match step {
        ..DAY if span > DAY => "%b %-d %H:%M",
        ..DAY => "%H:%M",
        _ => "%b %-d",
    };
    // Weeks begin on Mondays, and 1970 began on a Thursday.
    let origin = if step % (7 * DAY) == 0 { 4 * DAY } else { 0 };
    let first = (from - origin).div_euclid(step) * step + origin;
    let times = (0..).map(|i| first + i * step).skip_while(|at| *at < from).take_while(|at| *at <= to);
    let times = times.filter_map(|at| Some((at, date(at)?)));
    times.map(|(at, time)| (at, time.format(format).to_string())).collect()
}

/// Firsts of months, each first, second, third and so on, as they fit.
fn months((from, to): (i64, i64), width: u16) -> Vec<(i64, String)> {
    let date = |at| DateTime::<Utc>::from_timestamp_millis(at).map(|time: DateTime<Utc>| time.date_naive());
    let (Some(first), Some(last)) = (date(from), date(to)) else { return Vec::new() };
    let between =
        (last.year() - first.year()) as i64 * 12 + i64::from(last.month()) - i64::from(first.month());
    let every = [1, 2, 3, 6, 12, 24, 60, 120]
        .into_iter()
        .find(|every| (between / every + 1) * 12 <= i64::from(width));
    let (Some(every), Some(start)) = (every, NaiveDate::from_ymd_opt(first.year(), 1, 1)) else {
        return Vec::new();
    };
    let firsts = (0..=(between + 12) / every)
        .filter_map(|i| start.checked_add_months(Months::new((i * every) as u32)));
    let firsts = firsts.filter(|date| *date >= first && *date <= last);
    let at = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp_millis());
    firsts
        .filter_map(|date| Some((at(date)?, date.format("%b %Y").to_string())))
        .filter(|(at, _)| *at >= from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_round() {
        let near = |low, high| {
            round_numbers(low, high, 4).iter().map(|v| format!("{v:.3}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(near(0.61, 0.93), "0.700 0.800 0.900");
        assert_eq!(near(0.0, 1.0), "0.000 0.250 0.500 0.750 1.000");
        assert_eq!(near(-3.0, 17.0), "0.000 5.000 10.000 15.000");
        assert_eq!(near(1.0, 1.0), "");
        assert_eq!(near(f64::NEG_INFINITY, f64::INFINITY), "");
    }

    #[test]
    fn times_are_round_and_fit() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let said = |from: &str, to: &str, width| {
            round_times((at(from), at(to)), width)
                .into_iter()
                .map(|(_, label)| label)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let (day, next) = ("2026-11-08T10:20:00Z", "2026-11-09T10:20:00Z");
        assert_eq!(said(day, next, 60), "12:00 18:00 00:00 06:00");
        assert_eq!(
            said("2026-10-10T00:00:00Z", "2026-11-09T00:00:00Z", 60),
            "Oct 12 Oct 19 Oct 26 Nov 2 Nov 9"
        );
        assert_eq!(said("2025-01-10T00:00:00Z", "2026-11-09T00:00:00Z", 60), "Jul 2025 Jan 2026 Jul 2026");
        assert_eq!(said(day, next, 3), "");
        assert_eq!(said(next, day, 60), "");
    }
}
