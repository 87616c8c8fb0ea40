//! Lines out of dots: several to a cell where the terminal's font has them, one where it has not.

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::theme::{Marks, Role};

/// The letters of lines that are drawn with one dot to a cell.
const LETTERS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];
/// How many dots of a line are drawn and how many left out, so that lines are told apart without colour.
const DASHES: [(u32, u32); 6] = [(1, 0), (4, 3), (1, 2), (6, 2), (2, 2), (1, 4)];
/// The same where dots are as wide as a column.
const WIDE_DASHES: [(u32, u32); 6] = [(1, 0), (2, 1), (1, 1), (3, 1), (2, 2), (1, 2)];
/// The bits of braille's dots, by column and row.
const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A place that lines are drawn into.
pub struct Raster {
    marks: Marks,
    width: u16,
    height: u16,
    /// For each cell its dots, and which line was there last.
    cells: Vec<(u8, u8)>,
}

impl Raster {
    pub fn new(marks: Marks, width: u16, height: u16) -> Raster {
        Raster { marks, width, height, cells: vec![(0, 0); usize::from(width) * usize::from(height)] }
    }

    /// Dots across and down.
    pub fn size(&self) -> (u16, u16) {
        let (across, down) = self.marks.dots();
        (self.width.saturating_mul(across), self.height.saturating_mul(down))
    }

    fn dot(&mut self, line: usize, x: u16, y: u16) {
        let (across, down) = self.marks.dots();
        let (column, row) = (x / across, y / down);
        if column >= self.width || row >= self.height {
            return;
        }
        let cell = &mut self.cells[usize::from(row) * usize::from(self.width) + usize::from(column)];
        cell.0 |= match self.marks {
            Marks::Braille => BITS[usize::from(x % 2)][usize::from(y % 4)],
            Marks::Block => 1 << (y % 2),
            Marks::Ascii => 1,
        };
        cell.1 = line as u8;
    }

    /// Draws a line through dots, with the dashes of the line's number; where a dot is missing it is interrupted.
    pub fn line(&mut self, line: usize, dots: impl Iterator<Item = Option<(u16, u16)>>) {
        let (on, off) = match self.marks {
            Marks::Braille => DASHES[line % DASHES.len()],
            Marks::Block => WIDE_DASHES[line % WIDE_DASHES.len()],
            Marks::Ascii => (1, 0),
        };
        let (mut before, mut drawn) = (None, 0u32);
        let ink = |raster: &mut Raster, drawn: &mut u32, x, y| {
            if *drawn % (on + off) < on {
                raster.dot(line, x, y);
            }
            *drawn += 1;
        };
        for dot in dots {
            match (before, dot) {
                (Some((from_x, from_y)), Some((x, y))) => {
                    let steps = u16::abs_diff(from_x, x).max(u16::abs_diff(from_y, y));
                    for step in 1..=steps {
                        let share = f64::from(step) / f64::from(steps);
                        let at = |a: u16, b: u16| {
                            (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u16
                        };
                        ink(self, &mut drawn, at(from_x, x), at(from_y, y));
                    }
                }
                // A line begins with a dot, whatever its dashes.
                (None, Some((x, y))) => {
                    drawn = 0;
                    ink(self, &mut drawn, x, y);
                }
                (_, None) => {}
            }
            before = dot;
        }
    }

    /// Puts the dots on the canvas; where there are none nothing changes.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, role: impl Fn(usize) -> Role) {
        for (i, (dots, line)) in self.cells.iter().enumerate().filter(|(_, (dots, _))| *dots != 0) {
            let (x, y) = (i as u16 % self.width, i as u16 / self.width);
            let mark = match (self.marks, dots) {
                (Marks::Braille, dots) => char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' '),
                (Marks::Block, 1) => '▀',
                (Marks::Block, 2) => '▄',
                (Marks::Block, _) => '█',
                (Marks::Ascii, _) => LETTERS[usize::from(*line) % LETTERS.len()],
            };
            if x < area.width && y < area.height {
                canvas.put(
                    area.x + x,
                    area.y + y,
                    1,
                    mark.encode_utf8(&mut [0; 4]),
                    role(usize::from(*line)),
                );
            }
        }
    }
}
