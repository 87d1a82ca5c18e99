//! A private PostgreSQL for the tests: a throw-away cluster on a free port of the loopback, never the system's own.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::capture;
use crate::setup::is_root;
use crate::workspace::Workspace;

/// The folder with `initdb` and `postgres`. Debian keeps them off the search path, one folder per version.
pub fn programs(workspace: &Workspace) -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| folder.join("initdb").exists() && folder.join("postgres").exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .map(|(_, folder)| folder)
        .or_else(|| workspace.find("initdb")?.parent().map(PathBuf::from))
}

/// A running cluster; stopped and removed when dropped.
pub struct Cluster {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    pub fn start(workspace: &Workspace) -> Result<Self> {
        let programs = programs(workspace)
            .context("there is no PostgreSQL on this machine (Debian's package postgresql)")?;
        let folder = std::env::temp_dir().join(format!("slipway-test-postgres-{}", std::process::id()));
        remove_leftovers();
        fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
        if is_root() {
            capture(Command::new("chown").arg("postgres:").arg(&folder))?;
        }
        let data = folder.join("data");
        let mut initdb = unprivileged(workspace, &programs.join("initdb"))?;
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        capture(initdb.current_dir(&folder).arg(&data))?;

        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut postgres = unprivileged(workspace, &programs.join("postgres"))?;
        postgres
            .current_dir(&folder)
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string()]);
        // Nothing here has to survive a power cut; sockets in a folder would be shared with the system's cluster.
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=200",
            "shared_buffers=64MB",
        ] {
            postgres.args(["-c", setting]);
        }
        let log = fs::File::create(folder.join("log"))?;
        let server = postgres
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("could not start postgres")?;
        let mut cluster = Self { server, folder, port };
        cluster.wait(&programs)?;
        Ok(cluster)
    }

    /// A database that tests may fill with schemas or databases of their own.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn wait(&mut self, programs: &std::path::Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let port = self.port.to_string();
        loop {
            let ready = Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .is_ok_and(|status| status.success());
            if ready {
                return Ok(());
            }
            let ended = self.server.try_wait()?.is_some();
            if ended || Instant::now() > deadline {
                let mut log = String::new();
                fs::File::open(self.folder.join("log"))?.read_to_string(&mut log)?;
                bail!("PostgreSQL did not become ready:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown; `kill` exists wherever PostgreSQL runs, and std can only SIGKILL.
        let _ = Command::new("kill")
            .args(["-INT", &self.server.id().to_string()])
            .status();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A command that runs as the user `postgres` when we are root (initdb refuses root), and that gets a fast shutdown
/// when we end in whatever way, so that no server stays behind.
fn unprivileged(workspace: &Workspace, program: &std::path::Path) -> Result<Command> {
    let setpriv = workspace
        .find("setpriv")
        .context("setpriv is missing (Debian's package util-linux)")?;
    let mut command = Command::new(setpriv);
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig", "INT", "--"]).arg(program);
    Ok(command)
}

/// Removes the folders of runs that were interrupted.
fn remove_leftovers() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix("slipway-test-postgres-"))
            .map(str::to_owned);
        if owner.is_some_and(|owner| !PathBuf::from("/proc").join(owner).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_until_it_is_dropped_and_leaves_nothing() {
        let workspace = Workspace::discover().unwrap();
        let Some(programs) = programs(&workspace) else {
            println!("skipped: there is no PostgreSQL on this machine");
            return;
        };
        let cluster = Cluster::start(&workspace).unwrap();
        let (folder, pid) = (cluster.folder.clone(), cluster.server.id());
        let answer =
            capture(Command::new(programs.join("psql")).args([&cluster.url(), "-Atc", "SELECT 40 + 2"]));
        assert_eq!(answer.unwrap().trim(), "42");
        drop(cluster);
        assert!(!folder.exists());
        assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
    }
}
