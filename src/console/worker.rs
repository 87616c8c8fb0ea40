//! A thread that works for the console. Where it dies, it says so: a console that waited for it would wait for ever.

use std::thread::JoinHandle;

use tokio::sync::mpsc::UnboundedSender;

use super::message::Msg;

/// Says that a thread has died, where it has.
struct Last {
    name: &'static str,
    replies: UnboundedSender<Msg>,
}

impl Drop for Last {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The console may have ended.
            let _ = self.replies.send(Msg::Died(self.name));
        }
    }
}

/// Starts a thread of this name, whose death is told to `replies`.
pub fn start(
    name: &'static str,
    replies: UnboundedSender<Msg>,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(move || {
        let _last = Last { name, replies };
        work();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_dies_says_so() {
        let (sender, mut mail) = tokio::sync::mpsc::unbounded_channel();
        let died = start("hand", sender.clone(), || panic!("on purpose")).unwrap().join();
        assert!(died.is_err() && matches!(mail.try_recv(), Ok(Msg::Died("hand"))));
        start("hand", sender, || {}).unwrap().join().unwrap();
        assert!(mail.try_recv().is_err());
    }
}
