//! The demo's data folder.

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// An open data folder. Nobody else may use it as long as this lives.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// What is remembered beside the database.
#[derive(Default, Serialize, Deserialize)]
struct State {
    #[serde(default)]
    seeded: bool,
    #[serde(default)]
    addresses: Vec<SocketAddr>,
}

/// What `--reset` may remove: only what the demo itself made.
const OURS: [&str; 6] = [
    "slipway.db",
    "slipway.db-wal",
    "slipway.db-shm",
    "demo.json",
    "kubeconfig",
    "secret.key",
];

impl Folder {
    /// Opens the folder, makes it where it is not there, and empties it where `reset` asks for it.
    ///
    /// # Errors
    /// Another demo uses it, or it cannot be written.
    pub fn open(path: &Path, reset: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot find {}", path.display()))?;
        let lock =
            File::create(path.join("lock")).with_context(|| format!("cannot write to {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another demo uses {}; stop it, or choose another folder with --data",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the data folder"),
        }
        let folder = Self { path, _lock: lock };
        if reset {
            folder.clear()?;
        }
        Ok(folder)
    }

    fn clear(&self) -> anyhow::Result<()> {
        for name in OURS {
            let file = self.path.join(name);
            if file.exists() {
                fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
            }
        }
        let sandbox = self.path.join("sandbox");
        if sandbox.exists() {
            fs::remove_dir_all(&sandbox).with_context(|| format!("cannot remove {}", sandbox.display()))?;
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.path.join("slipway.db")
    }

    /// The kubeconfig of the sandbox's clusters.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    /// The key that seals secrets, made at the first start and readable by its owner only.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn key(&self) -> anyhow::Result<String> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = self.path.join("secret.key");
        if let Ok(key) = fs::read_to_string(&file)
            && key.len() >= 32
        {
            return Ok(key);
        }
        let key = hex::encode(rand::random::<[u8; 32]>());
        let mut options = fs::OpenOptions::new();
        let mut opened = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file)?;
        std::io::Write::write_all(&mut opened, key.as_bytes())
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(key)
    }

    fn state(&self) -> State {
        let text = fs::read_to_string(self.path.join("demo.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn write(&self, state: &State) -> anyhow::Result<()> {
        let (file, new) = (self.path.join("demo.json"), self.path.join("demo.json.new"));
        fs::write(&new, serde_json::to_vec(state)?)
            .with_context(|| format!("cannot write {}", new.display()))?;
        fs::rename(&new, &file).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Whether everything was filled in before.
    pub fn is_seeded(&self) -> bool {
        self.state().seeded
    }

    /// From now on everything is filled in.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn set_seeded(&self) -> anyhow::Result<()> {
        let state = self.state();
        if state.seeded {
            Ok(())
        } else {
            self.write(&State {
                seeded: true,
                ..state
            })
        }
    }

    /// Where the sandbox listened the last time: its GitLab, then its clusters.
    pub fn addresses(&self) -> Option<[SocketAddr; 3]> {
        self.state().addresses.try_into().ok()
    }

    /// Remembers where the sandbox listens.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember_addresses(&self, urls: &[String]) -> anyhow::Result<()> {
        let parse = |url: &String| url.split_once("://").and_then(|(_, host)| host.parse().ok());
        let addresses: Vec<SocketAddr> = urls.iter().filter_map(parse).collect();
        let state = self.state();
        if state.addresses == addresses {
            Ok(())
        } else {
            self.write(&State { addresses, ..state })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_used_by_one_demo_and_remembers() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temp.path().join("demo"), false).unwrap();
        let second = Folder::open(&temp.path().join("demo"), false);
        assert!(second.err().unwrap().to_string().contains("another demo uses"));
        let key = folder.key().unwrap();
        folder.set_seeded().unwrap();
        folder
            .remember_addresses(
                &["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"].map(String::from),
            )
            .unwrap();
        drop(folder);

        let folder = Folder::open(&temp.path().join("demo"), false).unwrap();
        assert!(folder.is_seeded());
        assert_eq!(folder.key().unwrap(), key);
        assert_eq!(folder.addresses().unwrap()[2].port(), 3);
        drop(folder);

        fs::write(temp.path().join("demo/mine.txt"), "stays").unwrap();
        let folder = Folder::open(&temp.path().join("demo"), true).unwrap();
        assert!(!folder.is_seeded());
        assert_ne!(folder.key().unwrap(), key);
        assert!(temp.path().join("demo/mine.txt").exists());
    }
}
