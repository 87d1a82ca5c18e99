//! What was edited in git among the jobs that Slipway wrote.

use serde::{Deserialize, Serialize};

use super::super::source::SourceError;
use super::cut::{Marker, cuts};
use super::tree::parse;

/// A job that Slipway wrote, as it stands in the repository now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What Slipway wrote above it.
    pub marker: Marker,
    /// Its name, now or last.
    pub name: String,
    /// What happened to it.
    pub state: DriftState,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DriftState {
    /// As Slipway wrote it.
    AsWritten,
    /// Edited.
    Edited,
    /// Renamed, and perhaps edited.
    Renamed {
        /// The name Slipway wrote.
        from: String,
    },
    /// Not there any more, or its marker is not.
    Gone,
    /// Marked as Slipway's, but not among what it wrote.
    Unknown,
}

/// Compares what Slipway wrote with what stands in the repository, job by job.
///
/// # Errors
/// Where one of them is not YAML.
pub fn drift(written: &str, repository: &str) -> Result<Vec<Drift>, SourceError> {
    let (written, now) = (marked(written)?, marked(repository)?);
    let mut all: Vec<Drift> = Vec::new();
    for job in &now {
        let before = written.iter().find(|one| one.marker.id == job.marker.id);
        let state = match before {
            None => DriftState::Unknown,
            Some(before) if before.name != job.name => DriftState::Renamed {
                from: before.name.clone(),
            },
            Some(before) if before.text == job.text => DriftState::AsWritten,
            Some(_) => DriftState::Edited,
        };
        all.push(Drift {
            marker: job.marker.clone(),
            name: job.name.clone(),
            state,
        });
    }
    for job in &written {
        if !now.iter().any(|one| one.marker.id == job.marker.id) {
            let (marker, name) = (job.marker.clone(), job.name.clone());
            all.push(Drift {
                marker,
                name,
                state: DriftState::Gone,
            });
        }
    }
    Ok(all)
}

struct Marked {
    marker: Marker,
    name: String,
    /// Without the blank lines after it, line breaks as `\n`.
    text: String,
}

fn marked(text: &str) -> Result<Vec<Marked>, SourceError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let tree = parse(text)?;
    let job = |cut: super::Cut| {
        let body = text[cut.start..cut.end].trim_end().replace("\r\n", "\n");
        Some(Marked {
            marker: cut.marker?,
            name: cut.key?,
            text: body,
        })
    };
    Ok(cuts(&tree).into_iter().filter_map(job).collect())
}
