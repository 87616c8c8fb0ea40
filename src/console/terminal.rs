//! The terminal: taken, given back, and given back whatever happens.
//!
//! Raw mode, the alternate screen, bracketed paste, the mouse and the title are taken together and given back together: on quitting,
//! on an error, in a panic (before its report is printed), before an editor or a stop. Giving back twice does no harm.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{ResetColor, force_color_output};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Whether the terminal is taken: what the panic hook and the guard ask.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the terminal keeps the title that it had, to be given back.
static TITLED: AtomicBool = AtomicBool::new(false);

/// Buttons, the wheel and dragging, by their positions; not every move, which nothing here needs and a slow line feels.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// The mouse belongs to the terminal again.
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// The terminal is to keep its title, and to show that one again.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const KEPT_TITLE: &[u8] = b"\x1b[23;0t";

/// Bytes of a frame that are gathered before they are written.
const FRAME_BYTES: usize = 64 << 10;

type Out = io::BufWriter<io::Stdout>;

/// The terminal, taken.
#[derive(Debug)]
pub struct Screen {
    /// Never dropped: its end writes to a terminal that may be gone, and panics where it is.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Out>>>,
    mouse: bool,
    /// The title that it has while it is taken, if that is not its own.
    title: Option<String>,
}

impl Screen {
    /// Takes the terminal.
    pub fn take(mouse: bool) -> io::Result<Screen> {
        let out = io::BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(out))?);
        let mut screen = Screen { terminal, mouse, title: None };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes it again, after [`Screen::leave`]; the next frame is drawn whole.
    pub fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        // What is drawn has the colours that it is to have. With NO_COLOR the library would strip bold and reverse as well.
        force_color_output(true);
        enable_raw_mode()?;
        let out = self.terminal.backend_mut();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        if self.mouse {
            out.write_all(MOUSE_ON)?;
        }
        Write::flush(out)?;
        self.show_title()?;
        self.forget()
    }

    /// Gives it back for a while.
    pub fn leave(&mut self) {
        give_back();
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws a frame in one piece; `draw` fills the cells and says where the cursor stands.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<Position>) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            // A panic of another thread gave it back: what stands there now is its report.
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            if let Some(cursor) = draw(frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        })?;
        let out = self.terminal.backend_mut();
        queue!(out, EndSynchronizedUpdate)?;
        Write::flush(out)
    }

    /// Draws the next frame whole.
    pub fn forget(&mut self) -> io::Result<()> {
        // Not `clear`, which asks the terminal where its cursor is and waits for the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Takes mouse events, or leaves them to the terminal.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let out = self.terminal.backend_mut();
        out.write_all(if on { MOUSE_ON } else { MOUSE_OFF })?;
        Write::flush(out)
    }

    /// Sends text to the terminal's clipboard. Whether the terminal takes it, nobody says.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Rings.
    pub fn ring(&mut self) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(b"\x07")?;
        Write::flush(out)
    }

    /// The terminal's title; hidden characters have been made visible.
    pub fn title(&mut self, title: &str) -> io::Result<()> {
        self.title = Some(title.to_owned());
        self.show_title()
    }

    fn show_title(&mut self) -> io::Result<()> {
        let Some(title) = &self.title else { return Ok(()) };
        let out = self.terminal.backend_mut();
        if !TITLED.swap(true, Ordering::SeqCst) {
            out.write_all(KEEP_TITLE)?;
        }
        execute!(out, SetTitle(title))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, if it is taken. What fails here has nobody left to be told.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(MOUSE_OFF);
    if TITLED.swap(false, Ordering::SeqCst) {
        let _ = out.write_all(KEPT_TITLE);
    }
    let _ =
        execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, ResetColor, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Lets a panic give the terminal back before its report is printed.
pub fn guard_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        report(panic);
    }));
}
