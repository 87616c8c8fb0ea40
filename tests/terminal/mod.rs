//! The console in a real pseudo-terminal: keys go in as bytes, a terminal emulator reads what comes out.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses some of it")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longest that anything is waited for; a machine that is slower than this fails honestly.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program in a terminal of its own.
pub struct Pty {
    pub child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn std::io::Write + Send>,
    bytes: Receiver<Vec<u8>>,
    pub screen: vt100::Parser,
    /// Everything that came out.
    pub raw: Vec<u8>,
}

impl Pty {
    /// Starts `human` with these arguments; `env` over a clean environment.
    pub fn start(args: &[&str], size: (u16, u16), env: &[(&str, &str)]) -> Pty {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_human"));
        command.args(args);
        Pty::run(command, size, env)
    }

    pub fn run(mut command: CommandBuilder, (cols, rows): (u16, u16), env: &[(&str, &str)]) -> Pty {
        command.env_clear();
        for (key, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")] {
            command.env(key, value);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (key, value) in env {
            command.env(key, value);
        }
        let pair =
            native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(
            std::num::NonZero::new(rows).unwrap(),
            std::num::NonZero::new(cols).unwrap(),
            0,
        );
        Pty { child, master: pair.master, writer, bytes, screen, raw: Vec::new() }
    }

    /// Types bytes.
    pub fn type_(&mut self, keys: &str) -> &mut Pty {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
        self
    }

    fn read(&mut self, wait: Duration) -> bool {
        match self.bytes.recv_timeout(wait) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// The text of the screen.
    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen satisfies; panics with the screen where it never does.
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&vt100::Screen) -> bool) -> &mut Pty {
        let began = Instant::now();
        while !holds(self.screen.screen()) {
            assert!(began.elapsed() < PATIENCE, "never: {what}\n{}", self.text());
            self.read(Duration::from_millis(50));
        }
        self
    }

    /// Waits until the screen shows a text.
    pub fn shows(&mut self, text: &str) -> &mut Pty {
        self.until(text, |screen| screen.contents().contains(text))
    }

    /// Waits until nothing has come for a while.
    pub fn settles(&mut self) -> &mut Pty {
        while self.read(Duration::from_millis(300)) {}
        self
    }

    pub fn resize(&mut self, (cols, rows): (u16, u16)) -> &mut Pty {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.screen
            .screen_mut()
            .set_size(std::num::NonZero::new(rows).unwrap(), std::num::NonZero::new(cols).unwrap());
        self
    }

    /// Sends a signal by name, as `kill` takes it.
    pub fn signal(&mut self, name: &str) -> &mut Pty {
        let pid = self.child.process_id().unwrap().to_string();
        let done = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(done.success());
        self
    }

    /// Waits for the end; the exit code.
    pub fn ends(&mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::from_millis(100)) {}
                return status.exit_code();
            }
            assert!(began.elapsed() < PATIENCE, "it never ends\n{}", self.text());
            self.read(Duration::from_millis(20));
        }
    }

    /// Whether the terminal was given back: no alternate screen, the cursor shown, no mouse, no bracketed paste.
    pub fn is_given_back(&self) -> bool {
        let screen = self.screen.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.child.kill().ok();
    }
}

/// A small demo world in `folder`: its store, and the folder with the keys of its owner.
pub fn world(folder: &Path, calls: u64) -> (String, String) {
    let store = folder.join("demo.db").display().to_string();
    let calls = calls.to_string();
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_human"))
        .args(["--store", &store, "demo", "--headless", "--prompts", "40", "--calls", &calls])
        .env("HUMAN_CONFIG_DIR", folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (store.clone(), format!("{store}.keys-1"))
}
