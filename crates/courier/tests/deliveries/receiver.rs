//! A receiver of webhooks on a free port of this machine, which answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The status, other headers (each with its line end) and the body.
    Say(u16, String, String),
    /// Nothing, for a long time.
    Hang,
    /// A body without an end.
    Endless,
}

impl Answer {
    /// A status alone.
    pub fn status(status: u16) -> Self {
        Self::Say(status, String::new(), String::new())
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST /path HTTP/1.1`.
    pub line: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// The value of a header; empty: it has none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

#[derive(Default)]
struct Heard {
    answers: VecDeque<Answer>,
    requests: Vec<Request>,
}

/// The receiver. It ends with it.
pub struct Receiver {
    port: u16,
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Answers the first requests by `answers`, and 204 from then on.
    pub async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Heard {
            answers: answers.into_iter().collect(),
            requests: Vec::new(),
        }));
        let task = tokio::spawn(serve(listener, Arc::clone(&heard)));
        Self { port, heard, task }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in?key=hidden", self.port)
    }

    /// Its address by a name.
    pub fn url_by_name(&self) -> String {
        format!("http://localhost:{}/in", self.port)
    }

    /// What came, in its order.
    pub fn requests(&self) -> Vec<Request> {
        self.heard.lock().expect("nobody panicked").requests.clone()
    }
}

async fn serve(listener: TcpListener, heard: Arc<Mutex<Heard>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            // A caller that goes away is part of the tests.
            let _ = answer(stream, &heard).await;
        });
    }
}

async fn answer(mut stream: TcpStream, heard: &Mutex<Heard>) -> std::io::Result<()> {
    let request = read(&mut stream).await?;
    let answer = {
        let mut heard = heard.lock().expect("nobody panicked");
        heard.requests.push(request);
        heard.answers.pop_front().unwrap_or_else(|| Answer::status(204))
    };
    match answer {
        Answer::Hang => tokio::time::sleep(Duration::from_mins(1)).await,
        Answer::Say(status, headers, body) => {
            let start = format!(
                "HTTP/1.1 {status} As told\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
                body.len()
            );
            stream.write_all(start.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
        }
        Answer::Endless => {
            let start = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\nconnection: close\r\n\r\n";
            stream.write_all(start.as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 1024]).await?;
            }
        }
    }
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut request = Request {
        line,
        headers,
        body: String::new(),
    };
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
    Ok(request)
}
