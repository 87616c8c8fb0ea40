//! What goes on beside the requests: the agent runs when it is due, and what retention says is too old is let go of.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::domain::run::Run;
use crate::service::{Result, Schedule, Service, now};

/// How often is looked whether the store wants a sweep.
const SWEEP: Duration = Duration::from_hours(1);
/// How long what goes on may take once it is to end: nothing is lost by breaking it off.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is told of a run, or of what failed.
pub type Told = Box<dyn Fn(Result<Run>) + Send>;

/// The thread of it; it ends with [`Upkeep::finish`].
#[derive(Debug)]
pub struct Upkeep {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Upkeep {
    /// Begins. `told` hears of each run.
    pub fn start(service: Arc<Service>, mut schedule: Option<Schedule>, told: Told) -> io::Result<Upkeep> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("upkeep".into()).spawn(move || {
            loop {
                let left = match tend(&service, schedule.as_mut(), &told) {
                    Ok(left) => left,
                    Err(error) => {
                        told(Err(error));
                        SWEEP
                    }
                };
                if stopped.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        })?;
        Ok(Upkeep { stop, thread })
    }

    /// Ends it.
    pub fn finish(self) {
        drop(self.stop);
        let began = Instant::now();
        while !self.thread.is_finished() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Does what is due; how long there is nothing to do.
fn tend(service: &Service, schedule: Option<&mut Schedule>, told: &Told) -> Result<Duration> {
    service.keep_up()?;
    let Some(schedule) = schedule else { return Ok(SWEEP) };
    if schedule.due_in(service, now())?.is_zero() {
        told(schedule.run(service));
    }
    Ok(schedule.due_in(service, now())?.min(SWEEP))
}
