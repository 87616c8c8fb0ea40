//! Where everything is drawn: the buffer, the look, and what layout decided. The one place where text reaches the screen.
//!
//! Text is data: whatever it holds, control, bidirectional and invisible characters are shown, never emitted, and it is
//! cut between graphemes at the width that it is given. A cell holds no more than its columns: the terminal library skips
//! as many cells as a symbol is wide, and what stands in them would be accepted unseen.

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};
use unicode_segmentation::UnicodeSegmentation as _;

use super::hitmap::HitMap;
use crate::engine::visible::{name, one_line};
use crate::theme::{Glyph, Look, Role, Style};

/// Where everything is drawn.
#[derive(Debug)]
pub struct Canvas<'a> {
    /// The cells.
    pub buf: &'a mut Buffer,
    /// How roles look.
    pub look: &'a Look,
    /// What layout decided.
    pub hits: &'a mut HitMap,
    /// Where the terminal's cursor is to stand, if text is being written.
    pub cursor: Option<Position>,
}

/// The columns of the widest cell.
pub const WIDEST: u16 = 2;

/// A piece of a line.
pub type Piece<'t> = (Role, &'t str);

impl Canvas<'_> {
    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.look.style(role)
    }

    /// A mark.
    pub fn glyph(&self, glyph: Glyph) -> &'static str {
        self.look.glyph(glyph)
    }

    /// The part of `area` that is on the screen.
    pub fn on_screen(&self, area: Rect) -> Rect {
        area.intersection(self.buf.area)
    }

    /// Writes text at a place, at most `width` columns of it, ending in a mark where it is longer; columns written.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        self.put_styled(x, y, width, text, self.style(role))
    }

    /// As [`Canvas::put`], with a style that is not one role's.
    pub fn put_styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let screen = self.buf.area;
        if y < screen.top() || y >= screen.bottom() || x < screen.left() || x >= screen.right() {
            return 0;
        }
        let width = width.min(screen.right() - x);
        if width > 0 && is_line(text) {
            self.part(x, y);
            self.cell(x, y, text, style);
            return 1;
        }
        let mut safe = safe(text);
        if self.look.ascii && safe.contains('…') {
            safe = safe.replace('…', self.glyph(Glyph::Ellipsis)).into();
        }
        // Most of a screen is ASCII, in which every byte is a cell: nothing has to be taken apart.
        let plain = safe.is_ascii();
        let (shown, cut) = match usize::from(width) {
            room if plain && safe.len() <= room => (&*safe, false),
            room if plain => (&safe[..room.saturating_sub(1)], true),
            _ => cut(&safe, width),
        };
        if !shown.is_empty() || cut {
            self.part(x, y);
        }
        let mut at = x;
        for byte in 0..if plain { shown.len() } else { 0 } {
            self.cell(at, y, &shown[byte..=byte], style);
            at += 1;
        }
        for (_, piece) in pieces(if plain { "" } else { shown }) {
            let columns = columns(piece);
            if columns == 0 {
                continue;
            }
            self.cell(at, y, piece, style);
            for next in at + 1..at + columns {
                // The rest of a wide character belongs to it.
                self.cell(next, y, "", style);
            }
            at += columns;
        }
        if cut && width > 0 {
            let mark = self.glyph(Glyph::Ellipsis);
            self.cell(at, y, mark, style);
            at += 1;
        }
        at - x
    }

    /// Blanks a wide character that reaches into a place from the left: the library would take the cell for its rest.
    fn part(&mut self, x: u16, y: u16) {
        let left = x.checked_sub(1).and_then(|x| self.buf.cell_mut(Position::new(x, y)));
        if let Some(left) = left.filter(|cell| cell.symbol().cell_width() > 1) {
            left.set_symbol(" ");
        }
    }

    fn cell(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        if let Some(cell) = self.buf.cell_mut(Position::new(x, y)) {
            if symbol.is_empty() {
                cell.reset();
                cell.set_symbol(" ");
            } else {
                cell.set_symbol(symbol);
            }
            cell.set_style(style);
        }
    }

    /// Writes text so that it ends where the `width` columns from `x` end; columns written.
    pub fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let long = self.width(text).min(width);
        self.put(x + width - long, y, long, text, role)
    }

    /// Writes text in the middle of `width` columns.
    pub fn put_centred(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let long = self.width(text).min(width);
        self.put(x + (width - long) / 2, y, long, text, role)
    }

    /// Writes pieces one after another, at most `width` columns of them; columns written.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece<'_>]) -> u16 {
        let mut used = 0;
        for (role, text) in pieces {
            if used >= width {
                break;
            }
            used += self.put(x.saturating_add(used), y, width - used, text, *role);
        }
        used
    }

    /// The columns that a text takes when it is put.
    pub fn width(&self, text: &str) -> u16 {
        width(&safe(text))
    }

    /// Blanks a place in the look of a role, on the screen's ground where the role has none.
    pub fn fill(&mut self, area: Rect, role: Role) {
        let (area, ground, style) = (self.on_screen(area), self.style(Role::Ground), self.style(role));
        for y in area.top()..area.bottom() {
            self.part(area.x, y);
        }
        for position in area.positions() {
            let cell = &mut self.buf[position];
            cell.reset();
            cell.set_style(ground);
            cell.set_style(style);
        }
    }

    /// Takes underlines away: below a plot, or below every line of a text that is written, they would be read as more.
    pub fn without_underlines(&mut self, area: Rect) {
        for position in self.on_screen(area).positions() {
            self.buf[position].modifier.remove(Modifier::UNDERLINED);
        }
    }

    /// Lays a role's look over what stands in a place. Badges keep theirs: the letters of one are made for its ground,
    /// and could not be read on another.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let (area, style) = (self.on_screen(area), self.style(role));
        if role == Role::Backdrop {
            return self.buf.set_style(area, style);
        }
        let ground = self.style(Role::Ground).bg;
        let badges = [Role::Page, Role::ChipAlert, Role::Escape].map(|role| self.style(role));
        let is_badge = |cell: &Cell| {
            badges.iter().any(|badge| {
                badge.bg.is_some_and(|bg| cell.bg == bg && Some(bg) != ground)
                    && badge.fg.is_none_or(|fg| cell.fg == fg)
                    && cell.modifier.contains(badge.add_modifier)
            })
        };
        for position in area.positions() {
            let cell = &mut self.buf[position];
            if is_badge(cell) {
                continue;
            }
            // Turned round, each colour would be the ground of its own letters: a row of patches.
            if style.add_modifier.contains(Modifier::REVERSED) && style.fg.is_none() {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
            cell.set_style(style);
        }
    }
}

/// Whether a text is one character of a frame, a bar or a plot, which every terminal gives one column.
fn is_line(text: &str) -> bool {
    let mut chars = text.chars();
    let one = chars.next().filter(|_| text.len() == 3 && chars.next().is_none());
    one.is_some_and(|c| matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}'))
}

/// Text as it is shown on one line.
pub fn safe(text: &str) -> std::borrow::Cow<'_, str> {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.into();
    }
    let mut shown = String::new();
    for grapheme in one_line(text).graphemes(true) {
        match steady(grapheme) {
            Some(steady) => shown.push_str(&steady),
            None => shown.push_str(grapheme),
        }
    }
    shown.into()
}

/// A grapheme as it is shown, where terminals disagree about its width: a cell that is wider than it was taken for leaves
/// marks in its neighbours. Families of emoji stand side by side, a flag is its letters, a tone of skin is written out, and
/// so is a mark with a column of its own that follows another.
pub fn steady(grapheme: &str) -> Option<String> {
    const LETTERS: std::ops::RangeInclusive<char> = '\u{1f1e6}'..='\u{1f1ff}';
    const TONES: std::ops::RangeInclusive<char> = '\u{1f3fb}'..='\u{1f3ff}';
    let pictures = |c: char| c >= '\u{1f000}' || ('\u{2190}'..='\u{2bff}').contains(&c);
    let several = grapheme.chars().nth(1).is_some();
    if several && columns(grapheme) > WIDEST {
        let mut shown = String::new();
        let mut follows = false;
        for c in grapheme.chars() {
            let spaced = is_spaced_mark(c);
            if spaced && follows {
                shown.push_str(&name(c));
            } else {
                shown.push(c);
            }
            follows = spaced;
        }
        return (shown != grapheme).then_some(shown);
    }
    let disputed = |c: char| LETTERS.contains(&c) || several && pictures(c);
    if !grapheme.chars().any(disputed) {
        return None;
    }
    let mut shown = String::new();
    for c in grapheme.chars() {
        match c {
            '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => {}
            c if LETTERS.contains(&c) => {
                let letter = u32::from(c) - u32::from(*LETTERS.start()) + u32::from('A');
                shown.extend(char::from_u32(letter));
            }
            c if TONES.contains(&c) => shown.push_str(&name(c)),
            c => shown.push(c),
        }
    }
    Some(shown)
}

/// Whether a character joins the one before it and has a column all the same.
fn is_spaced_mark(c: char) -> bool {
    let joined = String::from_iter(['a', c]);
    joined.graphemes(true).nth(1).is_none() && columns(&joined) > 1
}

/// The pieces of a text that have a cell each, and where they begin: its graphemes. One that is wider than any cell comes
/// in parts, each a character with the marks over it.
pub fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.grapheme_indices(true).flat_map(|(at, grapheme)| {
        let whole = columns(grapheme) <= WIDEST;
        let mut begin = 0;
        std::iter::from_fn(move || {
            let rest = &grapheme[begin..];
            let next =
                |(i, c): (usize, char)| (i > 0 && columns(c.encode_utf8(&mut [0; 4])) > 0).then_some(i);
            let end =
                if whole { rest.len() } else { rest.char_indices().find_map(next).unwrap_or(rest.len()) };
            let piece = (at + begin, &rest[..end]);
            begin += end;
            (end > 0).then_some(piece)
        })
    })
}

/// The columns of a terminal that a text takes, as it is.
pub fn width(text: &str) -> u16 {
    if text.is_ascii() {
        return text.len().min(usize::from(u16::MAX)) as u16;
    }
    pieces(text).map(|(_, piece)| columns(piece)).fold(0, u16::saturating_add)
}

/// The columns of one grapheme, or of a piece of one: as many as the terminal library counts.
pub fn columns(grapheme: &str) -> u16 {
    if grapheme.len() == 1 { 1 } else { grapheme.cell_width() }
}

/// As much of a text as fits, and whether it was cut; with room for the mark where it was.
fn cut(text: &str, width: u16) -> (&str, bool) {
    let mut used = 0;
    // Where the text would end if it had to be cut.
    let mut end = 0;
    for (at, piece) in pieces(text) {
        let next = used + columns(piece);
        if next > width {
            return (&text[..end], true);
        }
        used = next;
        if used < width {
            end = at + piece.len();
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(text: &str, width: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width.max(1), 1));
        let (look, mut hits) = (Look::default(), HitMap::default());
        let mut canvas = Canvas { buf: &mut buf, look: &look, hits: &mut hits, cursor: None };
        canvas.put(0, 0, width, text, Role::Text);
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
    }

    #[test]
    fn text_is_cut_between_graphemes_and_says_so() {
        assert_eq!(drawn("abcdef", 6), "abcdef");
        assert_eq!(drawn("abcdefg", 6), "abcde…");
        assert_eq!(drawn("日本語", 5), "日 本 …");
        assert_eq!(drawn("a\u{1b}[2J", 20).trim_end(), "a\\u{1b}[2J");
        assert_eq!(drawn("👩\u{200d}💻🇩🇪⚠\u{fe0f}👍🏽", 40).trim_end(), "👩 💻 DE⚠👍 \\u{1f3fd}");
    }

    /// What a terminal is sent of a line, cell by cell.
    fn sent(buf: &Buffer) -> String {
        let before = Buffer::empty(buf.area);
        before.diff(buf).into_iter().map(|(_, _, cell)| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn no_grapheme_hides_what_follows_it() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 1));
        let (look, mut hits) = (Look::default(), HitMap::default());
        let mut canvas = Canvas { buf: &mut buf, look: &look, hits: &mut hits, cursor: None };
        let text = format!("क{}and publish the key", "\u{93e}".repeat(3));
        canvas.put(0, 0, 60, &text, Role::Text);
        assert!(sent(&buf).replace(' ', "").contains("andpublishthekey"), "{}", sent(&buf));
        assert!(sent(&buf).contains("\\u{93e}"), "{}", sent(&buf));
        // What is written so in earnest stays as it is.
        for text in ["क्या", "ｶﾞｷﾞ", "あﾞ"] {
            assert_eq!(drawn(text, 10).replace(' ', ""), text);
        }
    }

    #[test]
    fn what_is_drawn_over_the_half_of_a_wide_character_is_seen() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 2));
        let (look, mut hits) = (Look::default(), HitMap::default());
        let mut canvas = Canvas { buf: &mut buf, look: &look, hits: &mut hits, cursor: None };
        canvas.put(0, 0, 4, "日本", Role::Text);
        canvas.put(0, 1, 4, "日本", Role::Text);
        canvas.put(1, 0, 1, "│", Role::Border);
        canvas.fill(Rect::new(1, 1, 1, 1), Role::Dialog);
        let symbols = |y| (0..4).map(|x| buf[(x, y)].symbol()).collect::<Vec<_>>();
        assert_eq!(symbols(0), [" ", "│", "本", " "]);
        assert_eq!(symbols(1), [" ", " ", "本", " "]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_sent(
            text in "(क|\u{93e}|\u{94d}|ｶ|\u{ff9e}|\u{ff9f}|日|é|\u{301}|[a-c]|👩|\u{200d}|\u{fe0f}|.){0,40}",
            over in 0u16..40,
        ) {
            let mut buf = Buffer::empty(Rect::new(0, 0, 40, 1));
            let (look, mut hits) = (Look::default(), HitMap::default());
            let mut canvas = Canvas { buf: &mut buf, look: &look, hits: &mut hits, cursor: None };
            canvas.put(0, 0, 40, &text, Role::Text);
            canvas.put(over, 0, 3, "日x", Role::Text);
            let before = Buffer::empty(buf.area);
            let sent: Vec<u16> = before.diff(&buf).into_iter().map(|(x, ..)| x).collect();
            for x in 0..40 {
                let cell = &buf[(x, 0)];
                prop_assert!(cell.symbol().cell_width() <= WIDEST, "{:?}", cell.symbol());
                prop_assert!(cell.symbol() == " " || sent.contains(&x), "{:?} at {x} is not sent", cell.symbol());
            }
        }

        #[test]
        fn no_text_breaks_the_grid(text in any::<String>(), room in 0u16..40) {
            let mut buf = Buffer::empty(Rect::new(0, 0, 40, 2));
            let (look, mut hits) = (Look::default(), HitMap::default());
            let mut canvas = Canvas { buf: &mut buf, look: &look, hits: &mut hits, cursor: None };
            let used = canvas.put(0, 0, room, &text, Role::Text);
            prop_assert!(used <= room);
            for cell in &buf.content {
                prop_assert!(!cell.symbol().chars().any(|c| crate::engine::visible::hidden(c).is_some()), "{:?}", cell);
            }
        }
    }
}
