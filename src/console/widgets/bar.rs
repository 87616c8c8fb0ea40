//! Bars on one line: a share, an estimate with its interval, and shares that add up to one.
//!
//! ```text
//! ██████▍            a share
//!    │────●──│       an interval on a scale, and the estimate
//!    ░░░░○░░░        the same, where there is too little evidence
//! █████████▅▅▃▁▁     shares of a whole, told apart by their height
//! ```

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::theme::{Glyph, Role, eighths, levels};

/// Draws a share in the first row of `area`, in eighths of a column.
pub fn share(canvas: &mut Canvas<'_>, area: Rect, share: f64, role: Role) {
    let area = canvas.on_screen(area);
    if area.is_empty() || !share.is_finite() {
        return;
    }
    let full = u32::from(area.width) * 8;
    let filled = (share.clamp(0.0, 1.0) * f64::from(full)).round() as u32;
    // Something is never drawn as nothing.
    let filled = if share > 0.0 { filled.max(1) } else { filled };
    let parts = eighths(canvas.look.ascii);
    for (i, x) in (area.left()..area.right()).enumerate() {
        let here = filled.saturating_sub(i as u32 * 8).min(8);
        if here > 0 {
            canvas.put(x, area.y, 1, parts[here as usize - 1], role);
        }
    }
}

/// An estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The estimate.
    pub point: f64,
    /// The upper end.
    pub high: f64,
    /// Whether there is evidence enough.
    pub sufficient: bool,
}

impl Interval {
    /// Draws it in the first row of `area`, whose ends are those of the scale.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, scale: (f64, f64), role: Role) {
        let area = canvas.on_screen(area);
        let (low, high) = scale;
        let scaled = high > low;
        if area.is_empty() || !scaled || ![self.low, self.point, self.high].iter().all(|v| v.is_finite()) {
            return;
        }
        let column = |value: f64| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            area.x + (share * f64::from(area.width - 1)).round() as u16
        };
        let (from, at, to) = (column(self.low), column(self.point), column(self.high));
        let (line, point, role) = if self.sufficient {
            (Glyph::Whisker, Glyph::Point, role)
        } else {
            (Glyph::Hatch, Glyph::Unmarked, Role::Insufficient)
        };
        let (line, point) = (canvas.glyph(line), canvas.glyph(point));
        for x in from..=to {
            canvas.put(x, area.y, 1, line, role);
        }
        if self.sufficient {
            // An end beyond the scale has no cap: the line goes on.
            let cap = canvas.glyph(Glyph::Rule);
            for (x, value) in [(from, self.low), (to, self.high)] {
                if (low..=high).contains(&value) {
                    canvas.put(x, area.y, 1, cap, role);
                }
            }
        }
        canvas.put(at, area.y, 1, point, role);
    }
}

/// Draws four shares of a whole in the first row of `area`: positive, rephrased, corrected, negative.
pub fn stacked(canvas: &mut Canvas<'_>, area: Rect, shares: [f64; 4]) {
    let area = canvas.on_screen(area);
    if area.is_empty() {
        return;
    }
    let levels = levels(canvas.look.ascii);
    let looks = [(7, Role::Good), (4, Role::Info), (2, Role::Caution), (0, Role::Bad)];
    let mut x = area.x;
    for (columns, (level, role)) in apportioned(shares, area.width).into_iter().zip(looks) {
        for _ in 0..columns {
            canvas.put(x, area.y, 1, levels[level], role);
            x += 1;
        }
    }
}

/// Columns for shares of a whole: all of them, by the largest remainder; one at least for what is not nothing, where
/// there are enough.
fn apportioned(shares: [f64; 4], width: u16) -> [u16; 4] {
    let shares = shares.map(|share| if share.is_finite() { share.max(0.0) } else { 0.0 });
    let sum: f64 = shares.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return [0; 4];
    }
    let exact = shares.map(|share| share / sum * f64::from(width));
    let mut columns = exact.map(|share| share.floor() as u16);
    let mut left = width.saturating_sub(columns.iter().sum());
    let mut order = [0, 1, 2, 3];
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    for i in order.into_iter().cycle().take(8) {
        if left > 0 && shares[i] > 0.0 {
            columns[i] += 1;
            left -= 1;
        }
    }
    for i in 0..4 {
        let widest = (0..4).max_by_key(|other| columns[*other]).unwrap_or(0);
        if shares[i] > 0.0 && columns[i] == 0 && columns[widest] > 1 {
            columns[i] = 1;
            columns[widest] -= 1;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    fn all(c: &mut Canvas<'_>, area: Rect) {
        let row = |y| Rect { y, height: 1, ..area };
        share(c, row(0), 0.64, Role::Good);
        share(c, row(1), 0.001, Role::Good);
        let interval = Interval { low: 0.3, point: 0.5, high: 0.6, sufficient: true };
        interval.draw(c, row(2), (0.0, 1.0), Role::Info);
        Interval { low: -0.5, ..interval }.draw(c, row(3), (0.0, 1.0), Role::Info);
        Interval { sufficient: false, ..interval }.draw(c, row(4), (0.0, 1.0), Role::Info);
        stacked(c, row(5), [0.72, 0.16, 0.11, 0.01]);
    }

    #[test]
    fn looks() {
        insta::assert_snapshot!([drawn(40, 6, all), drawn(12, 6, all), plain(24, 6, all)].join("\n\n"));
    }

    #[test]
    fn shares_fill_the_whole() {
        assert_eq!(apportioned([0.97, 0.01, 0.01, 0.01], 10), [7, 1, 1, 1]);
        assert_eq!(apportioned([1.0, 0.0, 0.0, 0.0], 10), [10, 0, 0, 0]);
        assert_eq!(apportioned([0.0; 4], 10), [0; 4]);
        assert_eq!(apportioned([0.25; 4], 3).iter().sum::<u16>(), 3);
    }

    proptest! {
        #[test]
        fn any_numbers_in_any_area(a: f64, b: f64, c: f64, d: f64, width in 0u16..30, height in 0u16..2) {
            let columns = apportioned([a, b, c, d], width);
            prop_assert!(columns.iter().sum::<u16>() <= width);
            drawn(width, height, |canvas, area| {
                share(canvas, area, a, Role::Good);
                let interval = Interval { low: a, point: b, high: c, sufficient: d > 0.0 };
                interval.draw(canvas, area, (a, d), Role::Good);
                stacked(canvas, area, [a, b, c, d]);
            });
        }
    }
}
