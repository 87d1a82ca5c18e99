//! A small HTTP/1.1 load generator: one blocking connection a thread, kept alive, one request at a time.
//!
//! Our own, so that figures need nothing installed and say exactly what was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// What every connection sends, over and over.
pub struct Load<'a> {
    pub address: SocketAddr,
    pub connections: usize,
    pub duration: Duration,
    /// The bytes of the `n`-th request of connection `c`, as `(c, n)`.
    pub request: &'a (dyn Fn(usize, usize) -> Vec<u8> + Sync),
    /// The status that every answer must have.
    pub status: u16,
}

/// What came back.
pub struct Report {
    /// µs from the first byte written to the last byte read, sorted.
    latencies: Vec<u32>,
    elapsed: Duration,
    /// Bytes of one answer's body, of the largest.
    pub body_bytes: usize,
}

impl Load<'_> {
    /// Runs for the duration after a tenth of it as a warm-up. Fails on the first answer that is not as expected:
    /// figures of errors are no figures.
    pub fn run(&self) -> Result<Report> {
        let warm = Instant::now() + self.duration / 10;
        let end = warm + self.duration;
        let connections: Vec<Result<(Vec<u32>, usize)>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|connection| scope.spawn(move || self.connection(connection, warm, end)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
                .collect()
        });
        let mut latencies = Vec::new();
        let mut body_bytes = 0;
        for connection in connections {
            let (measured, largest) = connection?;
            latencies.extend(measured);
            body_bytes = body_bytes.max(largest);
        }
        latencies.sort_unstable();
        if latencies.is_empty() {
            bail!("no request was answered within {:?}", self.duration);
        }
        Ok(Report {
            latencies,
            elapsed: self.duration,
            body_bytes,
        })
    }

    fn connection(&self, number: usize, warm: Instant, end: Instant) -> Result<(Vec<u32>, usize)> {
        let mut stream = BufReader::new(connect(self.address)?);
        let mut latencies = Vec::with_capacity(64 * 1024);
        let mut largest = 0;
        for count in 0.. {
            let request = (self.request)(number, count);
            let started = Instant::now();
            if started >= end {
                break;
            }
            stream
                .get_mut()
                .write_all(&request)
                .context("could not send a request")?;
            let answer = Answer::read(&mut stream)?;
            if answer.status != self.status {
                let text = String::from_utf8_lossy(&answer.body);
                let start: String = text.chars().take(400).collect();
                bail!(
                    "the server answered {} instead of {}: {start}",
                    answer.status,
                    self.status
                );
            }
            if started >= warm {
                latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            largest = largest.max(answer.body.len());
            if answer.closes {
                stream = BufReader::new(connect(self.address)?);
            }
        }
        Ok((latencies, largest))
    }
}

impl Report {
    /// The latency below which `percent` of all requests stayed, in ms.
    fn percentile(&self, percent: usize) -> f64 {
        let last = self.latencies.len() - 1;
        f64::from(self.latencies[last * percent / 100]) / 1000.0
    }

    pub fn json(&self) -> Value {
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        json!({
            "requests": count,
            "requests_per_s": (f64::from(count) / self.elapsed.as_secs_f64()).round(),
            "p50_ms": self.percentile(50),
            "p95_ms": self.percentile(95),
            "p99_ms": self.percentile(99),
            "body_bytes": self.body_bytes,
        })
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("could not connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// An HTTP/1.1 answer, RFC 9112.
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    closes: bool,
}

impl Answer {
    pub fn read(stream: &mut impl BufRead) -> Result<Self> {
        let first = line(stream)?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .with_context(|| format!("`{first}` is not a status line"))?;
        let mut headers = Vec::new();
        loop {
            let text = line(stream)?;
            let Some((name, value)) = text.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Self {
            status,
            headers,
            body: Vec::new(),
            closes: false,
        };
        answer.closes = answer
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if answer
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            read_chunks(stream, &mut answer.body)?;
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().context("content-length is not a number")?;
            answer.body.resize(length, 0);
            stream
                .read_exact(&mut answer.body)
                .context("the answer ended early")?;
        }
        Ok(answer)
    }

    /// The first header of the name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut text = String::new();
    if stream.read_line(&mut text).context("could not read the answer")? == 0 {
        bail!("the server closed the connection");
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let head = line(stream)?;
        let digits = head.split(';').next().unwrap_or_default().trim();
        let size =
            u64::from_str_radix(digits, 16).with_context(|| format!("`{head}` is not a chunk's size"))?;
        let read = stream
            .take(size)
            .read_to_end(body)
            .context("could not read a chunk")?;
        if read as u64 != size {
            bail!("the answer ended in the middle of a chunk");
        }
        // The line's end after a chunk; after the last one, trailers and an empty line.
        while !line(stream)?.is_empty() {}
        if size == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_by_length_and_in_chunks_and_leave_the_next_one_alone() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello\
                      HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                      3\r\nfoo\r\n4;x=y\r\nbar!\r\n0\r\nTrailer: t\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        let mut stream = BufReader::new(&bytes[..]);
        let first = Answer::read(&mut stream).unwrap();
        assert_eq!(
            (first.status, first.body.as_slice(), first.closes),
            (200, &b"hello"[..], false)
        );
        assert_eq!(first.header("set-cookie"), Some("a=b"));
        let second = Answer::read(&mut stream).unwrap();
        assert_eq!(
            (second.status, second.body.as_slice(), second.closes),
            (404, &b"foobar!"[..], true)
        );
        assert_eq!(Answer::read(&mut stream).unwrap().status, 204);
        assert!(Answer::read(&mut stream).is_err());
    }

    #[test]
    fn a_truncated_answer_is_an_error() {
        for bytes in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nfoo",
        ] {
            assert!(
                Answer::read(&mut BufReader::new(bytes.as_bytes())).is_err(),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_run_counts_what_a_server_answers() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while line(&mut stream).is_ok() {
                        while !line(&mut stream)?.is_empty() {}
                        stream
                            .get_mut()
                            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
                    }
                    anyhow::Ok(())
                });
            }
        });
        let request = |_: usize, _: usize| b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
        let duration = Duration::from_millis(200);
        let load = Load {
            address,
            connections: 2,
            duration,
            request: &request,
            status: 200,
        };
        let report = load.run().unwrap();
        assert!(report.latencies.len() > 10);
        assert_eq!(report.body_bytes, 2);
        assert!(report.percentile(50) <= report.percentile(99));
        assert!(Load { status: 201, ..load }.run().is_err());
    }
}
