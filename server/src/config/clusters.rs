//! `[[clusters]]`: Kubernetes clusters that the installation brings along.

use super::{Problem, from_folder};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `[[clusters]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The slug of the organization it is for; the only one there is where it is not set.
    pub organization: Option<String>,
    /// For people, unique in the organization.
    pub name: String,
    /// The kubeconfig file …
    pub kubeconfig: Option<PathBuf>,
    /// … and the context in it; its current one where it is not set.
    pub context: Option<String>,
    /// Or the service account of the pod that Slipway runs in.
    #[serde(default)]
    pub in_cluster: bool,
}

impl Cluster {
    /// The text of the kubeconfig; `None`: in-cluster.
    ///
    /// # Errors
    /// The file cannot be read; says which and why.
    pub fn kubeconfig(&self) -> Result<Option<String>, String> {
        let Some(file) = &self.kubeconfig else {
            return Ok(None);
        };
        std::fs::read_to_string(file)
            .map(Some)
            .map_err(|error| format!("kubeconfig {} cannot be read: {error}", file.display()))
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(file) = &mut self.kubeconfig {
            from_folder(folder, file);
        }
    }

    pub(super) fn problems(&self, number: usize) -> Vec<Problem> {
        let key = |name: &str| format!("clusters.{number}.{name}");
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push(Problem::new(key("name"), "is empty; give the cluster a name"));
        }
        if self.in_cluster == self.kubeconfig.is_some() {
            problems.push(Problem::new(
                key("kubeconfig"),
                "set exactly one of kubeconfig and in_cluster = true",
            ));
        }
        problems
    }
}
