//! A server under measurement: started, watched, stopped.

use std::fs;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::load::Answer;
use crate::workspace::Workspace;

/// How long a server may take to become ready before it counts as broken.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// A running `slipway`, stopped when dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    /// From the start of the process to the first good answer of `/readyz`.
    pub ready_after: Duration,
}

impl Server {
    /// Starts the program with `arguments`, which are told the port. What it logs goes to the file.
    pub fn start(
        workspace: &Workspace,
        binary: &Path,
        log: &Path,
        configure: impl FnOnce(&mut Command, u16),
    ) -> Result<Self> {
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = fs::File::create(log).with_context(|| format!("could not create {}", log.display()))?;
        let mut command = Command::new(binary);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        crate::demo::site_settings(workspace, &mut command);
        configure(&mut command, port);
        let started = Instant::now();
        let process = command
            .spawn()
            .with_context(|| format!("could not start {}", binary.display()))?;
        let mut server = Self {
            process,
            address,
            ready_after: Duration::ZERO,
        };
        while !server.is_ready() {
            if let Some(status) = server.process.try_wait()? {
                bail!("the server ended before it was ready ({status})");
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the server was not ready within {READY_WITHIN:?}");
            }
            thread::sleep(Duration::from_millis(2));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    fn is_ready(&self) -> bool {
        self.request(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            .is_ok_and(|answer| answer.status == 200)
    }

    /// Sends one request on a connection of its own.
    pub fn request(&self, bytes: &[u8]) -> Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(bytes)?;
        Answer::read(&mut BufReader::new(stream))
    }

    /// Signs a local account in with the form of the page; the value of the `Cookie` header to send from then on.
    pub fn sign_in(&self, username: &str, password: &str) -> Result<String> {
        let body = format!("username={username}&password={password}&next=%2F");
        let host = self.address;
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = self.request(format!("{head}{body}").as_bytes())?;
        let cookies: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
            .filter_map(|(_, value)| value.split(';').next())
            .collect();
        if cookies.is_empty() || !(300..400).contains(&answer.status) {
            bail!(
                "{username} could not sign in: the server answered {}",
                answer.status
            );
        }
        Ok(cookies.join("; "))
    }

    /// Sends one request of the REST API on a connection of its own, as a token; what it answers.
    pub fn api(&self, method: &str, path: &str, token: &str, body: &str) -> Result<Value> {
        let host = self.address;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.request(request.as_bytes())?;
        let text = String::from_utf8_lossy(&answer.body);
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: the server answered {}: {text}", answer.status);
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {path}: no JSON: {text}"))
    }

    /// The time that processors have worked for it, in user and system mode (`utime` and `stime` of /proc/PID/stat).
    pub fn processor(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name of the program, in parentheses, may hold anything.
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
        let mut ticks = fields
            .into_iter()
            .flatten()
            .skip(11)
            .take(2)
            .map(str::parse::<u64>);
        let (Some(Ok(user)), Some(Ok(system))) = (ticks.next(), ticks.next()) else {
            bail!("/proc says nothing of the server's time");
        };
        // Linux counts in hundredths of a second for programs, whatever it counts in itself.
        Ok(Duration::from_millis((user + system) * 10))
    }

    /// Resident memory, KiB (`VmRSS` of /proc/PID/status).
    pub fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .context("/proc says nothing of the server's memory")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.process.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
