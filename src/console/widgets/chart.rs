//! Courses over time, with what happened on the way.
//!
//! ```text
//!       ⠤⠤⠤⠤⠤ score  ⠤⠄⠠⠤ before                legend: how each line is drawn
//!             ▾ 1.3.0          ▲ score            versions and alerts
//! 0.90 │      ⡠⠤⠤⠒⠉⠉
//! 0.85 │ · · ·· · · · · ·                         the band in which usual values lie
//! 0.80 │ ⠉⠉
//!      ╰─────────────────────
//!        Nov 1        Nov 8
//! ```
//!
//! Lines are told apart by their dashes, or by letters where there is only one dot to a cell. In a small place there is
//! only the first course on one line, and its newest value.

use ratatui::layout::Rect;

use super::panel::corners;
use super::raster::Raster;
use super::sparkline::{Sparkline, extent, resampled};
use super::ticks::{round_numbers, round_times};
use crate::console::canvas::Canvas;
use crate::domain::call::Millis;
pub use crate::theme::Marks;
use crate::theme::{Glyph, Role};

/// Rows and columns below which there is no room for axes.
const LEAST: (u16, u16) = (28, 6);

/// Columns of a line in the legend.
const SAMPLE: u16 = 5;

/// One course.
#[derive(Debug, Clone, Copy)]
pub struct Series<'t> {
    /// Its name in the legend.
    pub label: &'t str,
    /// How it looks.
    pub role: Role,
    /// Its values over equal parts of the chart's time, oldest first; what is not known interrupts the line.
    pub values: &'t [Option<f64>],
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Event<'t> {
    /// When.
    pub at: Millis,
    /// Its mark: [`Glyph::Version`] or [`Glyph::Alert`].
    pub glyph: Glyph,
    /// One or two words.
    pub label: &'t str,
}

/// A chart.
#[derive(Clone, Copy)]
pub struct Chart<'t> {
    /// Its courses.
    pub series: &'t [Series<'t>],
    /// Where usual values lie.
    pub band: Option<(f64, f64)>,
    /// The time that it covers.
    pub span: (Millis, Millis),
    /// What happened in it, oldest first.
    pub events: &'t [Event<'t>],
    /// The lowest and the highest value that is shown; what there is, if none.
    pub scale: Option<(f64, f64)>,
    /// What lines are drawn with: nothing finer than this, and nothing finer than the look has.
    pub marks: Marks,
    /// How a value is written.
    pub format: &'t dyn Fn(f64) -> String,
}

impl Chart<'_> {
    /// Draws it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let area = canvas.on_screen(area);
        let marks = if canvas.look.ascii { Marks::Ascii } else { self.marks.max(canvas.look.marks) };
        let Some((low, high)) = self.scale() else {
            let y = area.y + area.height / 2;
            if !area.is_empty() {
                canvas.put_centred(area.x, y, area.width, "no values in this time", Role::Insufficient);
            }
            return;
        };
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return self.small(canvas, area);
        }
        let heads = u16::from(self.series.len() > 1) + u16::from(!self.events.is_empty());
        let plot_height = area.height - heads - 2;
        let wanted = if plot_height > 6 { 4 } else { 2 };
        let ticks: Vec<(f64, String)> =
            round_numbers(low, high, wanted).into_iter().map(|at| (at, (self.format)(at))).collect();
        let label = ticks.iter().map(|(_, text)| canvas.width(text)).max().unwrap_or(0).min(area.width / 3);
        let plot = Rect {
            x: area.x + label + 2,
            y: area.y + heads,
            width: area.width - label - 2,
            height: plot_height,
        };
        let row = |value: f64, rows: u16| {
            let share = ((high - value) / (high - low)).clamp(0.0, 1.0);
            (share * f64::from(rows - 1)).round() as u16
        };
        self.draw_band(canvas, plot, &row);
        self.axes(canvas, area, plot, &ticks, &row);
        if self.series.len() > 1 {
            self.legend(canvas, Rect { x: plot.x, width: plot.width, height: 1, ..area }, marks);
        }
        self.happened(canvas, plot);
        let mut raster = Raster::new(marks, plot.width, plot.height);
        let (across, down) = raster.size();
        for (i, series) in self.series.iter().enumerate() {
            let values = resampled(series.values, across.into());
            let last = values.len().saturating_sub(1).max(1);
            let dots = values.iter().enumerate().map(|(at, value)| {
                let x =
                    if values.len() == 1 { across - 1 } else { (at * usize::from(across - 1) / last) as u16 };
                value.map(|value| (x, row(value, down)))
            });
            raster.line(i, dots);
        }
        raster.draw(canvas, plot, |i| self.series[i].role);
        canvas.without_underlines(plot);
    }

    /// The values between which it is drawn: some room above and below, and never none.
    fn scale(&self) -> Option<(f64, f64)> {
        let known = self.series.iter().flat_map(|series| series.values.iter().flatten().copied());
        let (low, high) = extent(known)?;
        if let Some((low, high)) = self.scale.filter(|(low, high)| low < high && (high - low).is_finite()) {
            return Some((low, high));
        }
        let band = self.band.filter(|(low, high)| (high - low).is_finite());
        let (low, high) = band.map_or((low, high), |band| (low.min(band.0), high.max(band.1)));
        let room = if high > low { (high - low) * 0.05 } else { (low.abs() * 0.1).max(0.5) };
        // Far ends of what a number can be leave no room; the ends are then the values' own.
        let wide = (low - room, high + room);
        Some(wide).filter(|(low, high)| (high - low).is_finite() && low < high)
    }

    /// The newest value, and the first course on one line.
    fn small(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(series) = self.series.first().filter(|_| !area.is_empty()) else { return };
        let newest = series.values.iter().rev().flatten().next();
        let words = newest.map_or_else(String::new, |value| (self.format)(*value));
        let y = area.y + area.height / 2;
        let used = canvas.put(area.x, y, area.width, &words, Role::Strong) + 1;
        let rest = Rect { x: area.x + used, y, width: area.width.saturating_sub(used), height: 1 };
        Sparkline { band: self.band, scale: self.scale, ..Sparkline::of(series.values, series.role) }
            .draw(canvas, rest);
    }

    fn draw_band(&self, canvas: &mut Canvas<'_>, plot: Rect, row: &dyn Fn(f64, u16) -> u16) {
        let Some((low, high)) = self.band else { return };
        let (top, bottom) = (row(high, plot.height), row(low, plot.height));
        let dot = canvas.glyph(Glyph::BlankMark);
        for y in plot.y + top.min(bottom)..=plot.y + bottom {
            canvas.tint(Rect { y, height: 1, ..plot }, Role::Band);
            // Every other column: seen without colour, and not louder than a line.
            for x in (plot.left() + (y % 2)..plot.right()).step_by(2) {
                canvas.put(x, y, 1, dot, Role::Band);
            }
        }
    }

    fn axes(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        plot: Rect,
        ticks: &[(f64, String)],
        row: &dyn Fn(f64, u16) -> u16,
    ) {
        let (rule, dash) = (canvas.glyph(Glyph::Rule), canvas.glyph(Glyph::Dash));
        for y in plot.top()..plot.bottom() {
            canvas.put(plot.x - 1, y, 1, rule, Role::Axis);
        }
        for (value, text) in ticks {
            let y = plot.y + row(*value, plot.height);
            canvas.put_right(area.x, y, plot.x - area.x - 2, text, Role::Muted);
        }
        canvas.put(plot.x - 1, plot.bottom(), 1, corners(canvas.look.ascii)[2], Role::Axis);
        for x in plot.left()..plot.right() {
            canvas.put(x, plot.bottom(), 1, dash, Role::Axis);
        }
        let mut free = area.x;
        for (at, text) in round_times(self.span, plot.width) {
            let long = canvas.width(&text);
            let x = self.column(at, plot).saturating_sub(long / 2).max(area.x);
            if x >= free && x + long <= area.right() {
                canvas.put(x, plot.bottom() + 1, long, &text, Role::Muted);
                free = x + long + 2;
            }
        }
    }

    fn column(&self, at: Millis, plot: Rect) -> u16 {
        let (from, to) = self.span;
        let share = at.saturating_sub(from) as f64 / (to.saturating_sub(from)).max(1) as f64;
        plot.x + (share.clamp(0.0, 1.0) * f64::from(plot.width - 1)).round() as u16
    }

    fn legend(&self, canvas: &mut Canvas<'_>, row: Rect, marks: Marks) {
        let (mut x, sampled) = (row.x, SAMPLE + 1);
        for (i, series) in self.series.iter().enumerate() {
            let long = canvas.width(series.label).saturating_add(sampled);
            if x.saturating_add(long) > row.right() {
                let more = canvas.glyph(Glyph::Ellipsis);
                canvas.put(x, row.y, row.right().saturating_sub(x), more, Role::Muted);
                return;
            }
            let mut sample = Raster::new(marks, SAMPLE, 1);
            let (across, down) = sample.size();
            sample.line(i, (0..across).map(|x| Some((x, down / 2))));
            sample.draw(canvas, Rect { x, width: SAMPLE, ..row }, |_| series.role);
            canvas.put(x + sampled, row.y, long - sampled, series.label, Role::Muted);
            x += long + 2;
        }
    }

    /// Marks above the plot, where there is room with their labels, and a thin line below each.
    fn happened(&self, canvas: &mut Canvas<'_>, plot: Rect) {
        let (from, to) = self.span;
        let shown: Vec<(u16, &Event<'_>)> = self
            .events
            .iter()
            .filter(|event| (from..=to).contains(&event.at))
            .map(|event| (self.column(event.at, plot), event))
            .collect();
        let dot = canvas.glyph(Glyph::Rule);
        // What happened in one column is marked and said side by side.
        let mut columns = shown.chunk_by(|a, b| a.0 == b.0).peekable();
        let mut free = plot.x;
        while let Some(column) = columns.next() {
            let x = column[0].0;
            for y in (plot.top()..plot.bottom()).step_by(2) {
                canvas.put(x, y, 1, dot, Role::Faint);
            }
            let mut used = 0;
            for (_, event) in column {
                let mark = canvas.glyph(event.glyph);
                let role = if event.glyph == Glyph::Alert { Role::Bad } else { Role::Event };
                used += canvas.put(x + used, plot.y - 1, 1, mark, role);
            }
            let labels: Vec<&str> = column.iter().map(|(_, event)| event.label).collect();
            let label = labels.join(", ");
            let long = canvas.width(&label);
            let end = columns.peek().map_or(plot.right() + 1, |next| next[0].0);
            // At the end, where there is no room after it, it is said before it.
            let at = match x + used + 1 {
                after if after + long < end => Some(after),
                _ => x.checked_sub(long + 1).filter(|before| *before >= free),
            };
            if let Some(at) = at {
                canvas.put(at, plot.y - 1, long, &label, Role::Muted);
            }
            free = x + used + 1 + if at.is_some_and(|at| at > x) { long + 1 } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    fn with(marks: Marks) -> impl Fn(&mut Canvas<'_>, Rect) {
        move |c, area| {
            let score: Vec<Option<f64>> = (0..60)
                .map(|i| (!(20..24).contains(&i)).then(|| 0.8 + (f64::from(i) / 9.0).sin() * 0.06))
                .collect();
            let other: Vec<Option<f64>> = (0..30).map(|i| Some(0.9 - f64::from(i) * 0.006)).collect();
            let from = 1_760_000_000_000;
            let day = 86_400_000;
            let chart = Chart {
                series: &[
                    Series { label: "claude", role: Role::Series1, values: &score },
                    Series { label: "gpt", role: Role::Series2, values: &other },
                ],
                band: Some((0.78, 0.82)),
                span: (from, from + 30 * day),
                events: &[
                    Event { at: from + 8 * day, glyph: Glyph::Version, label: "1.3.0" },
                    Event { at: from + 19 * day, glyph: Glyph::Version, label: "1.3.1" },
                    Event { at: from + 19 * day, glyph: Glyph::Alert, label: "score" },
                    Event { at: from + 27 * day, glyph: Glyph::Version, label: "1.3.2" },
                ],
                scale: None,
                marks,
                format: &|v| format!("{v:.2}"),
            };
            chart.draw(c, area);
        }
    }

    #[test]
    fn looks() {
        let all = [
            drawn(72, 16, with(Marks::Braille)),
            drawn(40, 9, with(Marks::Block)),
            plain(60, 12, with(Marks::Braille)),
            drawn(24, 1, with(Marks::Braille)),
        ];
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn the_look_says_what_lines_are_drawn_with() {
        let shown = |marks| {
            let look = crate::theme::Look::default().drawn_with(marks);
            super::super::sketch::sketched(&look, 40, 9, with(Marks::Braille)).0
        };
        let braille = |text: &str| text.contains(|c: char| ('\u{2801}'..='\u{28ff}').contains(&c));
        assert!(braille(&shown(Marks::Braille)));
        assert_eq!(shown(Marks::Block), drawn(40, 9, with(Marks::Block)));
        assert!(!braille(&shown(Marks::Ascii)) && shown(Marks::Ascii).contains('*'));
    }

    proptest! {
        #[test]
        fn any_values_in_any_area(
            values in prop::collection::vec(prop::option::of(any::<f64>()), 0..40),
            band in prop::option::of(any::<(f64, f64)>()), span: (i64, i64), at: i64,
            width in 0u16..70, height in 0u16..14, which in 0usize..3,
        ) {
            let chart = Chart {
                series: &[
                    Series { label: "a", role: Role::Series1, values: &values },
                    Series { label: "b", role: Role::Series2, values: &values },
                ],
                band,
                span,
                events: &[Event { at, glyph: Glyph::Alert, label: "alert" }],
                scale: None,
                marks: [Marks::Braille, Marks::Block, Marks::Ascii][which],
                format: &|v| format!("{v:.1}"),
            };
            drawn(width, height, |c, area| chart.draw(c, area));
        }
    }
}
