//! `human serve`: the HTTP endpoints over the configured store, and the agent on its schedule.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::agent::WhichArgs;
use super::{CliError, Desk, Exit, Result};
use crate::domain::run::Run;
use crate::domain::window::{WindowSpec, time};
use crate::engine::visible;
use crate::server::{Server, Upkeep};
use crate::service::{Receiver, Schedule, Service, ServiceError, now};

#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, default_value = "127.0.0.1:4318", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    #[command(flatten)]
    which: WhichArgs,
}

pub fn run(args: &ServeArgs, desk: &mut Desk) -> Result<Exit> {
    let service = Arc::new(desk.writing()?);
    let schedule = schedule(args, &service, desk)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::Failed(format!("the server cannot start ({e}).")))?;
    runtime.block_on(async {
        let receiver = Arc::new(Receiver::new(Arc::clone(&service)));
        let server = Server::bind(args.listen, receiver).await.map_err(|e| cannot_listen(args.listen, &e))?;
        let stop = stop_signal().map_err(|e| CliError::Failed(format!("no signal can be heard ({e}).")))?;
        desk.say(&format!("Listening: http://{}", server.address()));
        desk.say(&format!("Store: {}", service.path().display()));
        if !args.listen.ip().to_canonical().is_loopback() {
            desk.say("Only clients on this machine are served, wherever it listens.");
        }
        let upkeep =
            Upkeep::start(Arc::clone(&service), schedule, Box::new(|run| eprintln!("{}", told(run))))?;
        let ended = server.run(stop).await;
        upkeep.finish();
        Ok::<_, CliError>(ended?)
    })?;
    drop(runtime);
    // Whoever still holds it was given its time; what is committed is durable.
    if let Some(service) = Arc::into_inner(service) {
        service.close()?;
    }
    Ok(Exit::Done)
}

/// How often the agent runs, as configured.
fn schedule(args: &ServeArgs, service: &Service, desk: &Desk) -> Result<Option<Schedule>> {
    let Some(hours) = service.config().agent_hours else {
        desk.say("Agent: runs only when somebody lets it; `[agent] every_hours` puts it on a schedule.");
        return Ok(None);
    };
    let agent = args.which.agent(desk)?;
    let pen = Desk::keys()?.agent(&agent)?;
    let every = Duration::from_secs(u64::from(hours) * 3_600);
    let schedule = Schedule::new(pen, every, WindowSpec::default());
    let due = schedule.due_in(service, now())?;
    let when =
        if due.is_zero() { "now".to_owned() } else { format!("at {}", time(now() + due.as_millis() as i64)) };
    desk.say(&format!("Agent: {agent} runs every {hours} h, next {when}."));
    Ok(Some(schedule))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> CliError {
    let what = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another program listens there. Name another with --listen, or end that program."
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "it is no address of this machine. Name another with --listen."
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 take a privilege. Name another with --listen."
        }
        _ => "name another with --listen.",
    };
    CliError::Failed(format!("{address} cannot be listened at ({error}): {what}"))
}

/// A run of the agent, in a line.
fn told(run: std::result::Result<Run, ServiceError>) -> String {
    let line = match run {
        Err(error) => format!("Agent: this run failed: {error} It goes on."),
        Ok(Run { refused: Some(why), at, .. }) => format!("Agent: {at}: refused: {why}."),
        Ok(run) => format!("Agent: {}: {} findings, {} steps.", run.at, run.looked.findings, run.steps.len()),
    };
    visible::one_line(&line)
}

/// Comes when the process is asked to end.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut ends, mut breaks, mut hangs) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        );
        Ok(async move {
            tokio::select! { _ = ends.recv() => (), _ = breaks.recv() => (), _ = hangs.recv() => () }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}
