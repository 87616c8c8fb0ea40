//! A course of values on one line: `▁▂▄▆█▅`. The newest is at the right; what is not known is a blank.

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::theme::{Marks, Role, levels};

/// A course of values.
#[derive(Debug, Clone, Copy)]
pub struct Sparkline<'t> {
    /// The values, oldest first.
    pub values: &'t [Option<f64>],
    /// How they look.
    pub role: Role,
    /// Where usual values lie; those in it are tinted, so that what stands out stands out.
    pub band: Option<(f64, f64)>,
    /// The lowest and highest value that can be shown; the values' own if none.
    pub scale: Option<(f64, f64)>,
}

impl<'t> Sparkline<'t> {
    /// Values without a band, on their own scale.
    pub const fn of(values: &'t [Option<f64>], role: Role) -> Sparkline<'t> {
        Sparkline { values, role, band: None, scale: None }
    }

    /// Draws it in the first row of `area`.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let area = canvas.on_screen(area);
        let points = resampled(self.values, usize::from(area.width));
        let Some((low, high)) = self.scale.or_else(|| extent(points.iter().flatten().copied())) else {
            return;
        };
        if area.is_empty() {
            return;
        }
        let levels = levels(canvas.look.ascii || canvas.look.marks == Marks::Ascii);
        let first = area.right() - points.len() as u16;
        for (x, value) in (first..area.right()).zip(points) {
            let Some(value) = value else { continue };
            // The highest stays below the row above, so that courses in rows do not run together.
            let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
            canvas.put(x, area.y, 1, levels[(share * 6.0).round() as usize], self.role);
            if self.band.is_some_and(|(low, high)| (low..=high).contains(&value)) {
                canvas.tint(Rect { x, width: 1, height: 1, ..area }, Role::Band);
            }
        }
    }
}

/// Counts as values.
pub fn counts(counts: &[u64]) -> Vec<Option<f64>> {
    counts.iter().map(|n| Some(*n as f64)).collect()
}

/// As many values as there are columns: each the highest of its share of them, so that no peak is lost.
pub fn resampled(values: &[Option<f64>], columns: usize) -> Vec<Option<f64>> {
    if values.len() <= columns {
        return values.iter().map(|value| value.filter(|v| v.is_finite())).collect();
    }
    let share = |i: usize| values.len() * i / columns;
    (0..columns)
        .map(|i| {
            let known = values[share(i)..share(i + 1)].iter().flatten().copied().filter(|v| v.is_finite());
            known.reduce(f64::max)
        })
        .collect()
}

/// The lowest and the highest of some values.
pub fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |extent, v| match extent {
        None => Some((v, v)),
        Some((low, high)) => Some((f64::min(low, v), f64::max(high, v))),
    })
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn looks() {
        let wave: Vec<Option<f64>> =
            (0..40).map(|i| (i % 13 != 7).then(|| (f64::from(i) / 4.0).sin())).collect();
        let rising = counts(&[0, 1, 2, 3, 5, 8, 13, 21]);
        let draw = |values: &[Option<f64>], width| {
            drawn(width, 1, |c, area| Sparkline::of(values, Role::Series1).draw(c, area))
        };
        let all = [
            draw(&wave, 40),
            draw(&wave, 12),
            draw(&rising, 12),
            draw(&[Some(1.0), Some(1.0), None], 4),
            plain(12, 1, |c, area| Sparkline::of(&rising, Role::Series1).draw(c, area)),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }

    proptest! {
        #[test]
        fn any_values_in_any_area(
            values in prop::collection::vec(prop::option::of(any::<f64>()), 0..80), width in 0u16..40, height in 0u16..2,
        ) {
            drawn(width, height, |c, area| {
                Sparkline { band: Some((0.0, 1.0)), ..Sparkline::of(&values, Role::Series1) }.draw(c, area);
            });
        }
    }
}
