//! The loop: answers before keys, all that is ready before drawing, drawing only on change and at most every 16 ms, and
//! no timer while nothing moves. The only file that owns the terminal, tasks and channels.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use notify::{EventKind, RecursiveMode, Watcher as _};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant as At, sleep_until};
use tokio_stream::StreamExt as _;

use super::app::{App, Settings, update};
use super::canvas::Canvas;
use super::chrome::draw;
use super::editor;
use super::hand::{Hand, Means};
use super::hitmap::HitMap;
use super::input;
use super::keymap::Keymap;
use super::message::{Effect, Fault, Msg, Stamp};
use super::out::Ctx;
use super::pace::Pace;
use super::reader::Readers;
use super::terminal::{Screen, guard_panics};
use crate::engine::visible::one_line;
use crate::keys::Passphrase;
use crate::service::now;
use crate::theme::{Depth, Look, Marks, Theme};

/// Shortest time between two looks at a store that keeps changing.
const REFRESH: Duration = Duration::from_secs(1);

/// Everything that a console begins with.
#[derive(Debug)]
pub struct Launch {
    /// The store, the keys, and what may be done.
    pub means: Means,
    /// How the console is set.
    pub settings: Settings,
    /// Which keys do what.
    pub keymap: Keymap,
    /// The theme.
    pub theme: Theme,
    /// The colours that the terminal has.
    pub depth: Depth,
    /// Whether only ASCII may be shown.
    pub ascii: bool,
    /// What charts are drawn with.
    pub marks: Marks,
    /// The folder of the user's themes.
    pub themes: Option<PathBuf>,
    /// Asks for a passphrase, while the terminal is given back.
    pub ask: fn(&Path) -> io::Result<Passphrase>,
}

/// How a console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was quit.
    Quit,
    /// To look at a demo world instead.
    ForDemo,
    /// While something that was decided was still waiting for the store: whether it was written is not known.
    Undecided,
}

/// Runs the console until it is quit.
pub fn run(launch: Launch) -> io::Result<Ended> {
    guard_panics();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Console::new(launch)?.run().await })
}

/// How it ended, and whether what was begun came to its end.
fn together(ended: io::Result<Ended>, finished: bool) -> io::Result<Ended> {
    match ended {
        Ok(_) if !finished => Ok(Ended::Undecided),
        // Of no kind that is passed over in silence.
        Err(error) if !finished => Err(io::Error::other(format!(
            "{error}; a decision still waited for the store, and whether it was written is not known. `human audit log \
             --limit 5` shows what was."
        ))),
        ended => ended,
    }
}

struct Console {
    app: App,
    keymap: Keymap,
    look: Look,
    depth: Depth,
    themes: Option<PathBuf>,
    ask: fn(&Path) -> io::Result<Passphrase>,
    means: Means,
    screen: Screen,
    hits: HitMap,
    readers: Readers,
    hand: Hand,
    mail: UnboundedReceiver<Msg>,
    sender: UnboundedSender<Msg>,
    /// Keys; dropped while another program has the terminal, because its thread would take them.
    events: Option<EventStream>,
    began: Instant,
    pace: Pace,
    dirty: bool,
    wake: Option<Instant>,
    changes: Changes,
    signals: Signals,
    quit: bool,
    ended: Ended,
}

impl Console {
    fn new(launch: Launch) -> io::Result<Console> {
        let Launch { means, settings, keymap, theme, depth, ascii, marks, themes, ask } = launch;
        // Before the terminal is taken, so that no signal finds it taken and nobody listening.
        let signals = Signals::new()?;
        let (sender, mail) = unbounded_channel();
        let readers = Readers::start(&means.ground, &sender)?;
        let hand = Hand::start(means.clone(), &sender)?;
        let changes = Changes::of(means.ground.service.path(), &sender);
        tell_hang_up(sender.clone())?;
        Ok(Console {
            screen: Screen::take(settings.mouse)?,
            app: App::new(settings),
            keymap,
            look: Look::new(&theme, depth, ascii).drawn_with(marks),
            depth,
            themes,
            ask,
            means,
            hits: HitMap::default(),
            readers,
            hand,
            mail,
            sender,
            events: Some(EventStream::new()),
            began: Instant::now(),
            pace: Pace::default(),
            dirty: true,
            wake: None,
            changes,
            signals,
            quit: false,
            ended: Ended::Quit,
        })
    }

    async fn run(mut self) -> io::Result<Ended> {
        let ended = self.until_quit().await.map(|()| self.ended);
        drop(self.screen);
        // However it ended: what was begun is waited for.
        together(ended, self.hand.finish())
    }

    async fn until_quit(&mut self) -> io::Result<()> {
        self.draw()?;
        self.handle(Msg::Begun)?;
        while !self.quit {
            let msg = self.next().await?;
            if let Some(msg) = msg {
                self.handle(msg)?;
            }
            // All that is ready, before anything is drawn.
            while !self.quit
                && let Some(msg) = self.ready().await?
            {
                self.handle(msg)?;
            }
            if self.dirty && !self.quit && self.pace.due().is_none_or(|due| due <= Instant::now()) {
                self.draw()?;
            }
        }
        Ok(())
    }

    /// Waits for something to happen; nothing where it is time to draw.
    async fn next(&mut self) -> io::Result<Option<Msg>> {
        let frame = self.pace.due().filter(|_| self.dirty);
        let due = [frame, self.wake, self.changes.due()].into_iter().flatten().min();
        let clock = async {
            match due {
                Some(due) => sleep_until(At::from_std(due)).await,
                None => std::future::pending().await,
            }
        };
        let events = &mut self.events;
        let input = async {
            match events {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(msg) = self.mail.recv() => Ok(self.sift(msg)),
            event = input => if let Some(event) = event {
                Ok(self.input(event?))
            } else {
                // The terminal is gone.
                self.quit = true;
                Ok(None)
            },
            what = self.signals.next() => Ok(self.signalled(&what)?),
            () = clock => Ok(self.elapsed()),
        }
    }

    /// The next message that is there already.
    async fn ready(&mut self) -> io::Result<Option<Msg>> {
        loop {
            if let Ok(msg) = self.mail.try_recv() {
                if let Some(msg) = self.sift(msg) {
                    return Ok(Some(msg));
                }
                continue;
            }
            let Some(events) = &mut self.events else { return Ok(None) };
            let event = tokio::select! {
                biased;
                event = events.next() => event,
                () = std::future::ready(()) => return Ok(None),
            };
            if let Some(event) = event {
                if let Some(msg) = self.input(event?) {
                    return Ok(Some(msg));
                }
            } else {
                self.quit = true;
                return Ok(None);
            }
        }
    }

    /// Changes of the store wait until it is time to look again.
    fn sift(&mut self, msg: Msg) -> Option<Msg> {
        if matches!(msg, Msg::Reply(..)) {
            self.changes.begin();
        }
        if !matches!(msg, Msg::Changed) {
            return Some(msg);
        }
        self.changes.happened().then_some(msg)
    }

    fn input(&mut self, event: Event) -> Option<Msg> {
        if let Event::Resize(..) = event {
            self.dirty = true;
        }
        input::message(event)
    }

    fn elapsed(&mut self) -> Option<Msg> {
        let now = Instant::now();
        if self.wake.is_some_and(|due| due <= now) {
            self.wake = None;
            return Some(Msg::Tick);
        }
        self.changes.is_due(now).then_some(Msg::Changed)
    }

    fn signalled(&mut self, what: &Signalled) -> io::Result<Option<Msg>> {
        match what {
            Signalled::End => self.quit = true,
            Signalled::Continue => {
                // Stopped without being asked: whoever had the terminal meanwhile left it in some state.
                self.screen.enter()?;
                self.dirty = true;
            }
        }
        Ok(None)
    }

    fn handle(&mut self, msg: Msg) -> io::Result<()> {
        let up = self.began.elapsed().as_millis() as u64;
        let ctx = Ctx {
            keymap: &self.keymap,
            hits: &self.hits,
            stamp: Stamp { now: now(), up },
            size: self.screen.size().unwrap_or((80, 24)),
        };
        let of_change = self.pace.takes(&msg);
        let quiet = matches!(msg, Msg::Drawn);
        let effects = update(&mut self.app, msg, &ctx);
        self.pace.led(of_change, &effects);
        self.dirty |= !quiet || !effects.is_empty();
        effects.into_iter().try_for_each(|effect| self.carry_out(effect))
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Ask { ticket, instead, query } => self.readers.ask(ticket, instead, query),
            Effect::Do(id, command) => self.hand.carry_out(id, *command),
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Edit { name, text } => self.edit(&name, &text)?,
            Effect::Suspend => self.suspend()?,
            Effect::Unlock => self.unlock()?,
            Effect::WakeIn(after) => {
                let due = Instant::now() + after;
                self.wake = Some(self.wake.map_or(due, |wake| wake.min(due)));
            }
            Effect::Mouse(on) => self.screen.set_mouse(on)?,
            Effect::Theme(name) => match Theme::named(&name, self.themes.as_deref()) {
                Ok(theme) => {
                    self.look = Look::new(&theme, self.depth, self.look.ascii).drawn_with(self.look.marks);
                }
                Err(error) => self.tell(Msg::Failed(Fault::new(error.to_string()))),
            },
            Effect::Redraw => self.screen.forget()?,
            Effect::Bell => self.screen.ring()?,
            Effect::Title(title) => self.screen.title(&one_line(&title))?,
            Effect::Quit => self.quit = true,
            Effect::Fail(why) => return Err(io::Error::other(why)),
            Effect::LeaveForDemo => (self.quit, self.ended) = (true, Ended::ForDemo),
        }
        Ok(())
    }

    fn tell(&self, msg: Msg) {
        // The receiver is in the same struct.
        let _ = self.sender.send(msg);
    }

    fn draw(&mut self) -> io::Result<()> {
        let (app, keymap, look) = (&self.app, &self.keymap, &self.look);
        let mut hits = HitMap::default();
        self.screen.draw(|buf| {
            let mut canvas = Canvas { buf, look, hits: &mut hits, cursor: None };
            draw(app, keymap, &mut canvas);
            canvas.cursor
        })?;
        self.hits = hits;
        self.pace.drew(Instant::now());
        self.dirty = false;
        self.handle(Msg::Drawn)
    }

    /// Lets another program have the terminal.
    fn away<R>(&mut self, meanwhile: impl FnOnce(&Means) -> R) -> io::Result<R> {
        self.events = None;
        self.screen.leave();
        let done = meanwhile(&self.means);
        // Ctrl-C was meant for whoever had the terminal.
        self.signals.interrupt = signal(SignalKind::interrupt())?;
        self.screen.enter()?;
        self.events = Some(EventStream::new());
        self.dirty = true;
        Ok(done)
    }

    fn edit(&mut self, name: &str, text: &str) -> io::Result<()> {
        let edited = self.away(|_| editor::edit(name, text))?;
        self.tell(Msg::Edited(edited.map_err(|why| Fault::new(why.to_string()))));
        Ok(())
    }

    fn unlock(&mut self) -> io::Result<()> {
        let ask = self.ask;
        let done = self.away(|means| means.unlock(&ask))?;
        self.tell(Msg::Unlocked(done));
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        // The whole group, as the terminal itself does it: whoever waits for this program stops with it. Where nobody could
        // wake the group again, the system lets it be.
        let stop = || rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
        self.away(|_| stop())?.map_err(io::Error::from)?;
        self.tell(Msg::Resumed);
        Ok(())
    }
}

/// Tells when the other end of the terminal is gone: the stream of events does not say so, and reads on for ever. Waits
/// without being woken.
fn tell_hang_up(sender: UnboundedSender<Msg>) -> io::Result<()> {
    std::thread::Builder::new().name("hang-up".into()).spawn(move || {
        let stdin = io::stdin();
        // Asked for nothing, it still says when the other end hangs up.
        let mut ends = [PollFd::new(&stdin, PollFlags::empty())];
        while poll(&mut ends, None) == Err(rustix::io::Errno::INTR) {}
        // The console may have ended.
        let _ = sender.send(Msg::HungUp);
    })?;
    Ok(())
}

/// What a signal means.
enum Signalled {
    End,
    Continue,
}

struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    quit: Signal,
    resume: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Signalled {
        tokio::select! {
            _ = self.terminate.recv() => Signalled::End,
            _ = self.hang_up.recv() => Signalled::End,
            _ = self.interrupt.recv() => Signalled::End,
            _ = self.quit.recv() => Signalled::End,
            _ = self.resume.recv() => Signalled::Continue,
        }
    }
}

/// Commits to the store, by whichever process: told by the file system, so that nobody asks while nothing happens.
struct Changes {
    /// What commits are appended to; it is there once somebody reads the store.
    journal: PathBuf,
    sender: UnboundedSender<Msg>,
    watcher: Option<notify::RecommendedWatcher>,
    /// Whether a change has been told and not been taken yet.
    told: Arc<AtomicBool>,
    looked: Option<Instant>,
    waiting: bool,
}

impl Changes {
    fn of(store: &Path, sender: &UnboundedSender<Msg>) -> Changes {
        let mut journal = store.as_os_str().to_owned();
        journal.push("-wal");
        Changes {
            journal: journal.into(),
            sender: sender.clone(),
            watcher: None,
            told: Arc::default(),
            looked: None,
            waiting: false,
        }
    }

    /// Begins to watch, if it does not yet. Where it cannot, the screen is as old as its last key, and says when it was
    /// read.
    fn begin(&mut self) {
        if self.watcher.is_some() {
            return;
        }
        let (told, sender) = (Arc::clone(&self.told), self.sender.clone());
        let heard = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let data = matches!(event.kind, EventKind::Modify(notify::event::ModifyKind::Data(_)));
            if data && !told.swap(true, Ordering::SeqCst) {
                // The console may have ended.
                let _ = sender.send(Msg::Changed);
            }
        };
        self.watcher = notify::recommended_watcher(heard)
            .and_then(|mut watcher| {
                watcher.watch(&self.journal, RecursiveMode::NonRecursive).map(|()| watcher)
            })
            .ok();
    }

    /// A change was told: whether to look now; otherwise it waits.
    fn happened(&mut self) -> bool {
        self.told.store(false, Ordering::SeqCst);
        let now = Instant::now();
        self.waiting = true;
        self.is_due(now)
    }

    fn due(&self) -> Option<Instant> {
        let looked = self.looked.filter(|_| self.waiting)?;
        Some(looked + REFRESH)
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let due = self.waiting && self.looked.is_none_or(|at| now >= at + REFRESH);
        if due {
            (self.waiting, self.looked) = (false, Some(now));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_in_flight_is_said_however_it_ends() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(together(Ok(Ended::Quit), true).unwrap(), Ended::Quit);
        assert_eq!(together(Ok(Ended::Quit), false).unwrap(), Ended::Undecided);
        assert_eq!(together(Err(broken()), true).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let error = together(Err(broken()), false).unwrap_err();
        assert!(
            error.kind() != io::ErrorKind::BrokenPipe && error.to_string().contains("audit log"),
            "{error}"
        );
    }
}
