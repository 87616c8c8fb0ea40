//! Moments as the console writes them, all of them UTC: short in rows, whole where precision matters.

use crate::domain::call::Millis;
use crate::domain::window::{instant, time};

/// A day, ms.
const DAY: Millis = 86_400_000;

/// From when on a day and a month could be of another year, ms.
const LONG_AGO: Millis = 300 * DAY;

/// A piece of `2026-11-25T15:00:00Z`; all of it where it is no such time.
fn piece(text: &str, at: std::ops::Range<usize>) -> &str {
    text.get(at).unwrap_or(text)
}

/// To the minute, for rows: `11-25 14:00`.
pub fn short(at: Millis) -> String {
    let text = time(at);
    format!("{} {}", piece(&text, 5..10), piece(&text, 11..16))
}

/// The same, with the year and without the clock of what is long ago: `2025-10-26`.
pub fn dated(at: Millis, now: Millis) -> String {
    if now.saturating_sub(at) < LONG_AGO { short(at) } else { piece(&time(at), 0..10).to_owned() }
}

/// To the second, where precision matters: `2026-11-25 15:00:00 UTC`.
pub fn whole(at: Millis) -> String {
    let text = time(at);
    format!("{} {} UTC", piece(&text, 0..10), piece(&text, 11..19))
}

/// The time of a day, to the second: `15:00:00`.
pub fn clock(at: Millis) -> String {
    piece(&time(at), 11..19).to_owned()
}

/// The clock of today, or day and minute: `15:00:00`, `11-25 14:00`.
pub fn near(at: Millis, now: Millis) -> String {
    if at.div_euclid(DAY) == now.div_euclid(DAY) { clock(at) } else { short(at) }
}

/// The same of a time as entries and runs keep it, RFC 3339; what is no time stays as it is.
pub fn of(text: &str, write: fn(Millis) -> String) -> String {
    instant(text).map_or_else(|_| text.to_owned(), write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let at = 1_795_751_618_626;
        assert_eq!(short(at), "11-27 03:53");
        assert_eq!([dated(at, at + DAY), dated(at, at + 320 * DAY)], ["11-27 03:53", "2026-11-27"]);
        assert_eq!(whole(at), "2026-11-27 03:53:38 UTC");
        assert_eq!([near(at, at + 60_000), near(at, at + DAY)], ["03:53:38", "11-27 03:53"]);
        assert_eq!(of("2026-11-27T03:53:38.626Z", whole), whole(at));
        assert_eq!(of("soon", short), "soon");
        short(Millis::MAX);
    }
}
