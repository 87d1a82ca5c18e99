//! Keeps the state in one JSON file, written as a whole and put in place by a rename.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Cluster;
use super::access::Tokens;
use super::resource::{self, RESOURCES};
use super::state::State;

#[derive(Serialize)]
struct Saved<'a> {
    revision: u64,
    tokens: &'a Tokens,
    objects: Vec<Arc<Value>>,
}

#[derive(Deserialize)]
struct Loaded {
    revision: u64,
    tokens: Tokens,
    objects: Vec<Value>,
}

/// Fills `state` from the file; the tokens it holds, or none when there is no file yet.
pub fn load(file: &Path, state: &mut State) -> anyhow::Result<Option<Tokens>> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    let loaded: Loaded = serde_json::from_slice(&bytes).with_context(|| {
        format!(
            "{} is no state of the sandbox; remove it to start anew",
            file.display()
        )
    })?;
    let rows = loaded.objects.into_iter().filter_map(|object| {
        let resource = resource::by_kind(
            super::object::text(&object, "/apiVersion"),
            super::object::text(&object, "/kind"),
        )?;
        Some((&RESOURCES[resource.storage], object))
    });
    state.restore(loaded.revision, rows);
    Ok(Some(loaded.tokens))
}

/// Writes the state now.
pub async fn save(file: &Path, cluster: &Arc<Cluster>) -> anyhow::Result<()> {
    let (revision, objects) = {
        let registry = cluster.registry.lock();
        (
            registry.state.revision(),
            registry.state.snapshot().into_iter().map(|(_, o)| o).collect(),
        )
    };
    let cluster = Arc::clone(cluster);
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let bytes = serde_json::to_vec(&Saved {
            revision,
            tokens: cluster.access.tokens(),
            objects,
        })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let beside = file.with_extension("json.new");
        std::fs::write(&beside, bytes).with_context(|| format!("{} cannot be written", beside.display()))?;
        std::fs::rename(&beside, &file).with_context(|| format!("{} cannot be replaced", file.display()))
    })
    .await
    .context("writing the state was interrupted")?
}

/// Writes the state a little after each change, and once more at the end.
pub async fn run(file: PathBuf, cluster: Arc<Cluster>) {
    let mut pause = Duration::from_millis(500);
    loop {
        tokio::select! {
            () = cluster.stop.cancelled() => break,
            () = cluster.changed.notified() => {}
        }
        tokio::select! {
            () = cluster.stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
        cluster.dirty.store(false, Ordering::Relaxed);
        let started = Instant::now();
        if let Err(error) = save(&file, &cluster).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the sandbox's Kubernetes could not save its state; it tries again at the next change"
            );
        }
        // A big state is written less often, so that writing stays below a tenth of the time.
        pause = Duration::from_millis(500).max(started.elapsed() * 10);
    }
    if let Err(error) = save(&file, &cluster).await {
        tracing::error!(
            error = format!("{error:#}"),
            "the sandbox's Kubernetes could not save its state"
        );
    }
}
