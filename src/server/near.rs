//! Whose requests are heard: those of programs on this machine. A page in a browser is a program of somebody else's: one
//! that names another site as its origin, or came by a name that a foreign name server made point here, is not heard.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::wire::Refused;

/// Hears only what is near.
pub(super) async fn only_near(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match stranger(peer.ip(), request.headers()) {
        None => next.run(request).await,
        Some(why) => Refused::new(StatusCode::FORBIDDEN, why).into_response(),
    }
}

/// Why a request is not heard, if it is not.
fn stranger(peer: IpAddr, headers: &HeaderMap) -> Option<&'static str> {
    if !peer.to_canonical().is_loopback() {
        return Some(
            "only clients on this machine are served. Run an exporter or a tunnel here. Nothing was taken.",
        );
    }
    let named = |header| headers.get(header).map(|value| value.to_str().unwrap_or_default());
    if named(HOST).is_some_and(|host| !is_here(host)) {
        return Some(
            "the `Host` of the request is no name of this machine. Use 127.0.0.1 or localhost. Nothing was taken.",
        );
    }
    let of_a_page = |origin: &str| origin.split_once("://").is_none_or(|(_, host)| !is_here(host));
    if named(ORIGIN).is_some_and(of_a_page) {
        return Some("the request comes from a page of another site. Nothing was taken.");
    }
    None
}

/// Whether `host`, with or without a port, is this machine to itself.
fn is_here(host: &str) -> bool {
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return ip.to_canonical().is_loopback();
    }
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().to_canonical().is_loopback();
    }
    let name =
        host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_near() {
        let with = |pairs: &[(axum::http::HeaderName, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
        };
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(stranger(peer.parse().unwrap(), &HeaderMap::new()), None, "{peer}");
        }
        for peer in ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "0.0.0.0"] {
            assert!(stranger(peer.parse().unwrap(), &HeaderMap::new()).is_some(), "{peer}");
        }
        for host in [
            "localhost",
            "localhost:4318",
            "LOCALHOST.:1",
            "127.0.0.1:4318",
            "[::1]:4318",
            "[::1]",
            "a.localhost",
        ] {
            assert_eq!(stranger(here, &with(&[(HOST, host)])), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4318",
            "localhost.evil.example",
            "10.0.0.1:4318",
            "",
            "127.0.0.1.nip.io",
        ] {
            assert!(stranger(here, &with(&[(HOST, host)])).is_some(), "{host}");
        }
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:80"] {
            assert_eq!(stranger(here, &with(&[(ORIGIN, origin)])), None, "{origin}");
        }
        for origin in ["https://evil.example", "null", "file://", "http://localhost.evil.example"] {
            assert!(stranger(here, &with(&[(ORIGIN, origin)])).is_some(), "{origin}");
        }
    }
}
