//! The page, requested like a browser does, and like others might.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without its page")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The address of the page.
#[derive(Clone, Debug)]
pub struct Page {
    address: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The lines of the head.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The stream of events, line by line.
pub struct Stream(BufReader<TcpStream>);

impl Answered {
    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

impl Page {
    /// Returns the page whose address is in a line.
    pub fn of_line(line: &str) -> Self {
        let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("{line}"));
        let address = rest.split_whitespace().next().unwrap();
        Self { address: address.to_owned() }
    }

    /// Returns HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request with these header lines and this body, unchanged.
    pub fn send(&self, first: &str, head: &[&str], body: &[u8]) -> Answered {
        let mut stream = self.open();
        let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
        let bytes = body.len();
        let request = format!(
            "{first} HTTP/1.1\r\nConnection: close\r\n{head}Content-Length: {bytes}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        // A server that refuses a long body does not read it.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(&answer)));
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answered { status, head, body: answer[end + 4..].to_vec() }
    }

    fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Requests a path.
    pub fn ask(&self, path: &str) -> Answered {
        self.send(&format!("GET {path}"), &[&format!("Host: {}", self.address)], b"")
    }

    /// Requests a path, which must exist.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answered = self.ask(path);
        assert_eq!(answered.status, 200, "{path}: {}", answered.text());
        answered.json()
    }

    /// Returns the text of a refusal.
    #[track_caller]
    pub fn refused(&self, path: &str, status: u16) -> String {
        let answered = self.ask(path);
        assert_eq!(answered.status, status, "{path}: {}", answered.text());
        answered.json()["error"].as_str().unwrap().to_owned()
    }

    /// Sends a call like the page does.
    pub fn post(&self, path: &str, body: &Value) -> Answered {
        let token = self.get("/api/about")["token"].as_str().unwrap_or_default().to_owned();
        let head = [
            format!("Host: {}", self.address),
            format!("Origin: http://{}", self.address),
            "Content-Type: application/json".to_owned(),
            format!("X-Wasmcc-Token: {token}"),
        ];
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        self.send(&format!("POST {path}"), &head, body.to_string().as_bytes())
    }

    /// Returns the events from now on, after the entry with the id `last`.
    pub fn follow(&self, last: Option<&str>) -> Stream {
        let mut stream = self.open();
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let request = format!("GET /api/live HTTP/1.1\r\nHost: {}\r\n{last}\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        Stream(BufReader::new(stream))
    }
}

impl Stream {
    /// Returns the next entry for which `is_it` holds, with its id.
    pub fn wait_for(&mut self, is_it: impl Fn(&Value) -> bool) -> (String, Value) {
        let (mut id, mut seen) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line);
            assert!(read.is_ok_and(|read| read > 0), "the stream ended: {seen}");
            seen.push_str(&line);
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.trim().to_owned();
            }
            if let Some(entry) = line.strip_prefix("data: ") {
                let entry: Value = serde_json::from_str(entry).unwrap();
                if is_it(&entry) {
                    return (id, entry);
                }
            }
        }
    }
}
