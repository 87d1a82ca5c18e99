//! GitLab REST v4 on loopback: real bare repositories, a runner that runs jobs, webhooks, OAuth 2.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use slipway_sandbox::gitlab::{GitlabConfig, start};
//! let gitlab = start(GitlabConfig {
//!     data: "./sandbox".into(),
//!     addr: "127.0.0.1:0".parse()?,
//!     public_url: None,
//! })
//! .await?;
//! gitlab.seed_user("dev-1", "Dana Developer", "dev-1@acme.example")?;
//! gitlab.seed_samples(&["dev-1"])?;
//! println!("{} {}", gitlab.url(), gitlab.admin_token());
//! # Ok(()) }
//! ```

#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "handlers have one signature and answers are built from owned documents"
)]

mod branches;
mod call;
mod ci;
mod commits;
mod deployments;
mod files;
mod form;
mod git;
mod groups;
mod hooks;
mod issues;
mod jobs;
mod labels;
mod members;
mod merge_requests;
mod notes;
mod oauth;
mod page;
mod pipelines;
mod projects;
mod protection;
mod push;
mod registry;
mod releases;
mod routes;
mod schedules;
mod seed;
mod seed_group;
mod server;
mod smart_http;
mod state;
mod tags;
mod users;
mod variables;
mod webhook;
mod webhook_bodies;

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use rand::Rng as _;
use rand::distr::Alphanumeric;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use git::Repository;
use state::{Journal, Project, State};

/// The GitLab version that the sandbox says it is.
pub const VERSION: &str = "18.5.0";

/// Where the sandbox's GitLab keeps its things and listens.
#[derive(Clone, Debug)]
pub struct GitlabConfig {
    /// Folder for repositories, logs, artifacts, the registry and the journal; made when it is absent.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub addr: SocketAddr,
    /// How clients reach it, when that is not `http://<addr>`; no slash at the end.
    pub public_url: Option<String>,
}

/// Everything the handlers, the runner and the hooks share.
struct App {
    data: PathBuf,
    url: String,
    state: Mutex<State>,
    journal: Journal,
    dirty: AtomicBool,
    changed: Notify,
    faults: Faults,
    /// Wakes the runner.
    wake: Notify,
    /// Merge requests whose pipelines have succeeded.
    due_merges: Mutex<Vec<u64>>,
    /// Running jobs by id.
    cancels: Mutex<HashMap<u64, CancellationToken>>,
    hooks: webhook::Queues,
    runtime: tokio::runtime::Handle,
    rates: Mutex<HashMap<u64, (i64, u64)>>,
    admin_token: String,
    signer: oauth::Signer,
    /// By how many seconds the clock of OAuth is ahead.
    ahead: AtomicI64,
}

impl App {
    /// Now, in seconds since the epoch: when codes and tokens of OAuth end.
    fn unix(&self) -> i64 {
        jiff::Timestamp::now().as_second() + self.ahead.load(Ordering::Acquire)
    }

    fn repository(&self, project: u64) -> Repository {
        Repository {
            dir: self.data.join("repositories").join(format!("{project}.git")),
        }
    }

    fn log_path(&self, job: u64) -> PathBuf {
        self.data.join("logs").join(format!("{job}.log"))
    }

    fn archive_path(&self, job: u64) -> PathBuf {
        self.data.join("artifacts").join(format!("{job}.zip"))
    }

    /// The registry's host as image names carry it.
    fn registry_host(&self) -> String {
        self.url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, host)| host)
            .to_owned()
    }

    /// `PATH` for jobs: the stand-ins first.
    fn runner_path(&self) -> OsString {
        let mut folders = vec![self.data.join("bin")];
        folders.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        std::env::join_paths(folders).unwrap_or_default()
    }

    fn project_url(&self, project: &Project) -> String {
        format!("{}/{}", self.url, self.state.lock().project_path(project))
    }

    /// Runs `change` on the locked state.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock())
    }

    /// The state changed and must reach the journal.
    fn touched(&self) {
        self.dirty.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    fn write_journal(&self) -> anyhow::Result<()> {
        if self.dirty.swap(false, Ordering::AcqRel) {
            let bytes = serde_json::to_vec(&*self.state.lock())?;
            self.journal
                .write(&bytes)
                .context("cannot write the sandbox's journal; is the disk full?")?;
        }
        Ok(())
    }
}

/// Random letters and digits.
fn random(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}

/// A running GitLab; clones are the same server.
#[derive(Clone)]
pub struct GitlabHandle {
    app: Arc<App>,
    stop: CancellationToken,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl GitlabHandle {
    /// Base address without a slash at the end.
    pub fn url(&self) -> String {
        self.app.url.clone()
    }

    /// A personal access token of `root` with every scope.
    pub fn admin_token(&self) -> &str {
        &self.app.admin_token
    }

    pub fn faults(&self) -> Faults {
        self.app.faults.clone()
    }

    /// Moves the clock on by which codes and tokens of OAuth end. Nothing else looks at it.
    pub fn pass(&self, seconds: i64) {
        self.app.ahead.fetch_add(seconds, Ordering::AcqRel);
    }

    /// The folder of pushed images: `<repository>/<digest>.json` says what an image carries.
    pub fn registry_root(&self) -> PathBuf {
        self.app.data.join("registry")
    }

    /// Stops listening, kills running jobs and writes the journal.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            // A task that panicked has said so already.
            drop(tokio::time::timeout(Duration::from_secs(5), task).await);
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while !self.app.cancels.lock().is_empty() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.app.touched();
        if let Err(error) = self.app.write_journal() {
            tracing::error!(%error, "the sandbox's journal was not written");
        }
    }
}

/// Starts a GitLab on `config.addr`, with what `config.data` remembers of the last time.
pub async fn start(config: GitlabConfig) -> anyhow::Result<GitlabHandle> {
    let data = config.data;
    std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let data = data.canonicalize()?;
    ci::buildah::install(&data)?;
    let listener = TcpListener::bind(config.addr)
        .await
        .with_context(|| format!("the sandbox's GitLab cannot listen on {}", config.addr))?;
    let url = config
        .public_url
        .unwrap_or(format!("http://{}", listener.local_addr()?));
    let (journal, mut state) = Journal::open(&data)?;
    let admin_token = seed::ensure_root(&mut state);
    let signer = oauth::Signer::open(&mut state)?;
    let app = Arc::new(App {
        data,
        url: url.trim_end_matches('/').to_owned(),
        state: Mutex::new(state),
        journal,
        dirty: AtomicBool::new(true),
        changed: Notify::new(),
        faults: Faults::new(),
        wake: Notify::new(),
        due_merges: Mutex::default(),
        cancels: Mutex::default(),
        hooks: webhook::Queues::default(),
        runtime: tokio::runtime::Handle::current(),
        rates: Mutex::default(),
        admin_token,
        signer,
        ahead: AtomicI64::new(0),
    });
    ci::runner::fail_lost_jobs(&app);
    app.write_journal()?;

    let stop = CancellationToken::new();
    let tasks = vec![
        tokio::spawn(server::serve(Arc::clone(&app), listener, stop.clone())),
        tokio::spawn(ci::runner::serve(Arc::clone(&app), stop.clone())),
        tokio::spawn(keep_journal(Arc::clone(&app), stop.clone())),
    ];
    Ok(GitlabHandle {
        app,
        stop,
        tasks: Arc::new(Mutex::new(tasks)),
    })
}

/// Writes the journal soon after each change.
async fn keep_journal(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.changed.notified() => {}
        }
        let writer = Arc::clone(&app);
        let written = tokio::task::spawn_blocking(move || writer.write_journal()).await;
        if let Ok(Err(error)) = written {
            tracing::error!(%error, "the sandbox's journal was not written");
        }
        // Changes come in bursts; one write serves a burst.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
