//! A provider on this machine that gives the answers that it was told to, in order, each on a connection of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use human::llm::Provider;
use serde_json::{Value, json};

/// What one request gets.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "each test uses some")]
pub enum Reply {
    /// A well-formed answer with this text: 100 tokens in, 7 out.
    Text(&'static str),
    /// A status, further header lines, and a body that is called JSON.
    Json(u16, &'static str, String),
    /// A page of the web.
    Html,
    /// Another address.
    Redirect,
    /// Half of what was announced.
    Truncate,
    /// Nothing, and the connection is closed.
    Reset,
    /// Nothing, for longer than anybody waits.
    Hang,
}

/// The provider.
pub struct Server {
    provider: Provider,
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(provider: Provider, replies: impl IntoIterator<Item = Reply>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let replies: Vec<Reply> = replies.into_iter().collect();
        let noted = Arc::clone(&seen);
        if !replies.is_empty() {
            std::thread::spawn(move || {
                for reply in replies {
                    let Ok((stream, _)) = listener.accept() else { return };
                    let Some(request) = request(&stream) else { continue };
                    noted.lock().unwrap().push(request);
                    // A caller that went away is no fault of the server.
                    let _ = answer(stream, provider, &reply);
                }
            });
        }
        Server { provider, port, seen }
    }

    pub fn url(&self) -> String {
        let path = if self.provider == Provider::Ollama { "" } else { "/v1" };
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far: head and body.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn request(mut stream: &TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.split("content-length: ").nth(1)?.lines().next()?.trim().parse::<usize>().ok()?;
            if body.len() >= length {
                return String::from_utf8(bytes).ok();
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

fn answer(mut stream: TcpStream, provider: Provider, reply: &Reply) -> std::io::Result<()> {
    let (status, more, kind, body) = match reply {
        Reply::Text(text) => (200, "", "application/json", said(provider, text).to_string()),
        Reply::Json(status, more, body) => (*status, *more, "application/json", body.clone()),
        Reply::Html => (200, "", "text/html", "<html>hello</html>".into()),
        Reply::Redirect => (307, "Location: http://127.0.0.1:1/\r\n", "application/json", "{}".into()),
        Reply::Truncate => {
            return write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{{\"id\""
            );
        }
        Reply::Reset => return Ok(()),
        Reply::Hang => {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(3));
                drop(stream);
            });
            return Ok(());
        }
    };
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

fn said(provider: Provider, text: &str) -> Value {
    let model = "gpt-4o-mini-2024-07-18";
    match provider {
        Provider::OpenAi => json!({"model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}}),
        Provider::Anthropic => json!({"model": model, "type": "message", "role": "assistant",
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 100, "output_tokens": 7}}),
        Provider::Ollama => {
            json!({"model": model, "message": {"role": "assistant", "content": text}, "done": true,
            "done_reason": "stop", "prompt_eval_count": 100, "eval_count": 7})
        }
    }
}
