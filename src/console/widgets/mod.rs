//! Pieces that panes draw with. Each is a function or a plain struct over a [`Canvas`](super::canvas::Canvas); none knows
//! a pane, asks anything, or keeps more than what it shows.
// STUB
pub mod panel {
    use crate::console::canvas::Canvas;
    use crate::theme::Role;
    use ratatui::layout::Rect;
    pub fn backdrop(canvas: &mut Canvas<'_>, area: Rect) {
        canvas.tint(area, Role::Backdrop);
        canvas.hits.cover();
    }
}
pub mod keys {
    use crate::console::canvas::Canvas;
    use crate::theme::Role;
    use ratatui::layout::Rect;
    pub fn bar(_: &mut Canvas<'_>, _: Rect, _: &[(String, &'static str, bool)], _: &[(Role, String)]) {}
}
pub mod toast {
    use crate::console::canvas::Canvas;
    use crate::theme::Role;
    use ratatui::layout::Rect;
    pub fn draw(_: &mut Canvas<'_>, _: Rect, _: &[(Role, &str)]) {}
}
