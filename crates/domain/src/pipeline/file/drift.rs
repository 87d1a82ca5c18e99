//! What was edited in git among the jobs that Slipway wrote.

use serde::{Deserialize, Serialize};

use super::super::source::SourceError;
use super::cut::{Cut, Marker, cuts};
use super::place::in_lines_of;
use super::refusal::Refusal;
use super::tree::parse;
use super::work::Work;

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

/// The lines of the job that has this id, with the comments before it; none where there is no such job.
pub fn block(text: &str, id: &str) -> Option<String> {
    let marked = marked(text).ok()?;
    Some(marked.into_iter().find(|one| one.marker.id == id)?.text)
}

/// A file in which a job is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The whole file.
    pub text: String,
    /// What the job is called.
    pub job: String,
}

/// Puts a job back as Slipway wrote it: in place of what it became, or at the end where it is gone.
///
/// # Errors
/// One of the two is not YAML; Slipway wrote no job of this id; another job has its name now; GitLab would refuse the
/// result, though it takes the file.
pub fn restore(written: &str, id: &str, text: &str) -> Result<Restored, Refusal> {
    let unknown = || Refusal::UnknownJob { name: id.to_owned() };
    let before = marked(written)?
        .into_iter()
        .find(|one| one.marker.id == id)
        .ok_or_else(unknown)?;
    let tree = parse(if text.trim().is_empty() { "{}\n" } else { text })?;
    let all = if text.trim().is_empty() {
        Vec::new()
    } else {
        cuts(&tree)
    };
    let is_it = |cut: &&Cut| cut.marker.as_ref().is_some_and(|marker| marker.id == id);
    let now = all.iter().find(is_it);
    let taken = all
        .iter()
        .any(|cut| cut.key.as_ref() == Some(&before.name) && now.is_none_or(|now| now.start != cut.start));
    if taken {
        return Err(Refusal::Taken { name: before.name });
    }
    let Some(now) = now else {
        let carried = super::carry::carry(written, &before.name, text)?;
        let (text, job) = (carried.text, carried.job);
        return Ok(Restored { text, job });
    };
    let block = in_lines_of(text, &before.text);
    let end = now.start + text[now.start..now.end].trim_end().len();
    let mut work = Work::new(&format!("{}{block}{}", &text[..now.start], &text[end..]));
    work.touch(&before.name);
    if let Some(name) = &now.key {
        work.touch(name);
    }
    work.check(text)?;
    Ok(Restored {
        text: work.text,
        job: before.name,
    })
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
    let job = |cut: Cut| {
        let body = text[cut.start..cut.end].trim_end().replace("\r\n", "\n");
        Some(Marked {
            marker: cut.marker?,
            name: cut.key?,
            text: body,
        })
    };
    Ok(cuts(&tree).into_iter().filter_map(job).collect())
}
