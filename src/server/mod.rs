//! `human serve`: telemetry over HTTP, and the agent on its schedule. Every answer of 200 is of what is committed.
//!
//! [`Server`] listens; `telemetry` holds the endpoints, `near` says whose requests are heard, `wire` how answers are
//! written, [`Upkeep`] is what goes on beside them.

mod near;
mod telemetry;
mod upkeep;
mod wire;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

pub use upkeep::Upkeep;

use crate::intake::takes;
use crate::service::Receiver;
use wire::Refused;

/// Bytes of bodies that are under way at most; who comes then is asked to come again.
const UNDER_WAY: usize = 256 << 20;
/// How long requests that were begun may take once the server is to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the endpoints share.
#[derive(Debug, Clone)]
struct Door {
    receiver: Arc<Receiver>,
    /// Permits of one KiB.
    room: Arc<Semaphore>,
    /// Bodies that are read at once.
    readers: Arc<Semaphore>,
}

/// The endpoints over a store.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
}

impl Server {
    /// Listens at `address`; port 0 takes any that is free.
    pub async fn bind(address: SocketAddr, receiver: Arc<Receiver>) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let readers = std::thread::available_parallelism().map_or(2, usize::from);
        let door = Door {
            receiver,
            room: Arc::new(Semaphore::new(UNDER_WAY >> 10)),
            readers: Arc::new(Semaphore::new(readers)),
        };
        Ok(Server { listener, address, door })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; what was begun is brought to its end, for ten seconds.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let routes = routes(self.door).into_make_service_with_connect_info::<SocketAddr>();
        let (stopping, stopped) = oneshot::channel();
        let serving = axum::serve(self.listener, routes).with_graceful_shutdown(async move {
            stop.await;
            let _ = stopping.send(());
        });
        tokio::select! {
            done = serving => done,
            () = async {
                let _ = stopped.await;
                tokio::time::sleep(PATIENCE).await;
            } => Ok(()),
        }
    }
}

fn routes(door: Door) -> Router {
    Router::new()
        .route("/v1/{signal}", post(elsewhere))
        .route("/api/v1/events", post(telemetry::events))
        .route("/api/v1/feedback", post(telemetry::feedback))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(telemetry::ready))
        .fallback(elsewhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(telemetry::LIMIT))
        .layer(middleware::from_fn(near::only_near))
        .with_state(door)
}

/// Telemetry at any path to which an SDK sends it.
async fn elsewhere(State(door): State<Door>, request: Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    match takes(&path).filter(|_| request.method() == Method::POST) {
        Some(true) => telemetry::otlp(door, request).await,
        Some(false) => telemetry::foreign(door, request).await,
        None => {
            let why = format!(
                "there is nothing at `{}`. Telemetry goes to /v1/traces, events to /api/v1/events, feedback to \
                 /api/v1/feedback. Nothing was taken.",
                path.escape_debug()
            );
            Refused::new(StatusCode::NOT_FOUND, why).into_response()
        }
    }
}

async fn not_so(method: Method, uri: Uri) -> Response {
    let why = format!("`{}` does not answer {method}.", uri.path().escape_debug());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, why).into_response()
}
