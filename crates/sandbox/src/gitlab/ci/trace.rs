//! A job's log: the runner's colors and section markers, with secrets masked.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

const MASK: &[u8] = b"[MASKED]";

/// Writes a job's log as it grows.
pub struct Trace {
    file: File,
    secrets: Vec<Vec<u8>>,
    /// The end of the output that may be the beginning of a secret.
    held: Vec<u8>,
    pub size: u64,
    limit: u64,
}

impl Trace {
    /// Begins a log anew. Longer logs than `limit` bytes are cut, as GitLab does.
    pub fn create(path: &Path, secrets: Vec<String>, limit: u64) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(path)?;
        let mut secrets: Vec<Vec<u8>> = secrets
            .into_iter()
            .filter(|secret| secret.len() >= 8)
            .map(String::into_bytes)
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Ok(Self {
            file,
            secrets,
            held: Vec::new(),
            size: 0,
            limit,
        })
    }

    /// Adds output; what could still become a secret is held back until more comes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(self.held.len());
        let mut at = 0;
        while at < self.held.len() {
            let rest = &self.held[at..];
            if let Some(secret) = self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                out.extend_from_slice(MASK);
                at += secret.len();
            } else if self.secrets.iter().any(|secret| secret.starts_with(rest)) {
                break;
            } else {
                out.push(rest[0]);
                at += 1;
            }
        }
        self.held.drain(..at);
        self.put(&out);
    }

    /// Writes what was held back.
    pub fn flush(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.put(&held);
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.size >= self.limit || bytes.is_empty() {
            return;
        }
        let room = usize::try_from(self.limit - self.size).unwrap_or(usize::MAX);
        let cut = bytes.len() > room;
        let shown = &bytes[..bytes.len().min(room)];
        self.size += shown.len() as u64;
        let mut result = self.file.write_all(shown);
        if cut {
            let note = format!(
                "\n\u{1b}[33;1mJob's log exceeded limit of {} bytes.\u{1b}[0;m\n",
                self.limit
            );
            result = result.and_then(|()| self.file.write_all(note.as_bytes()));
        }
        if let Err(error) = result {
            tracing::warn!(%error, "a job's log cannot be written");
        }
    }

    pub fn line(&mut self, text: &str) {
        self.write(text.as_bytes());
        self.write(b"\n");
    }

    pub fn section_start(&mut self, name: &str, title: &str) {
        let at = jiff::Timestamp::now().as_second();
        self.line(&format!(
            "section_start:{at}:{name}\r\u{1b}[0K\u{1b}[0K\u{1b}[36;1m{title}\u{1b}[0;m\u{1b}[0;m"
        ));
    }

    pub fn section_end(&mut self, name: &str) {
        let at = jiff::Timestamp::now().as_second();
        self.write(format!("section_end:{at}:{name}\r\u{1b}[0K").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_even_when_it_comes_in_pieces() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut trace = Trace::create(&path, vec!["hunter2hunter2".into()], 1_000).expect("a log");
        trace.write(b"pass hunter2");
        assert_eq!(std::fs::read(&path).expect("read"), b"pass ");
        trace.write(b"hunter2 and hunter");
        trace.flush();
        assert_eq!(std::fs::read(&path).expect("read"), b"pass [MASKED] and hunter");
    }

    #[test]
    fn a_log_over_its_limit_is_cut_with_a_note() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut trace = Trace::create(&path, vec![], 10).expect("a log");
        trace.write(&[b'x'; 50]);
        trace.write(b"more");
        let text = String::from_utf8(std::fs::read(&path).expect("read")).expect("UTF-8");
        assert!(
            text.starts_with("xxxxxxxxxx\n") && text.contains("exceeded limit of 10 bytes"),
            "{text}"
        );
    }
}
