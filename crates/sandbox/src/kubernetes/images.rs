//! The sandbox's image registry as the kubelet sees it, and how a workload is told to behave.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::object;

/// On the pod template, or a label of the image. `crash-loop@shop-qa` behaves so in that namespace only, as a release
/// does that an environment's configuration breaks.
pub const BEHAVIOR: &str = "sandbox.slipway.dev/behavior";
/// In the image's environment.
const BEHAVIOR_ENV: &str = "SANDBOX_BEHAVIOR";

/// What a container does when it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    Healthy,
    CrashLoop,
    ImagePullError,
    NeverReady,
    OutOfMemory,
    /// Ready only after this long.
    Slow(Duration),
}

impl Behavior {
    /// `behavior`, or `behavior@namespace`, which means nothing elsewhere.
    fn parse_in(text: &str, namespace: &str) -> Option<Self> {
        match text.rsplit_once('@') {
            Some((behavior, only)) if only.trim() == namespace => Self::parse(behavior),
            Some(_) => None,
            None => Self::parse(text),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "crash-loop" => Some(Self::CrashLoop),
            "image-pull-error" => Some(Self::ImagePullError),
            "never-ready" => Some(Self::NeverReady),
            "oom" => Some(Self::OutOfMemory),
            "healthy" => Some(Self::Healthy),
            other => {
                let millis = other.strip_prefix("slow=")?.trim_end_matches("ms").parse().ok()?;
                Some(Self::Slow(Duration::from_millis(millis)))
            }
        }
    }
}

/// An image reference taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    pub host: String,
    pub path: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl ImageReference {
    pub fn parse(image: &str) -> Self {
        let (rest, digest) = image
            .split_once('@')
            .map_or((image, None), |(r, d)| (r, Some(d.to_owned())));
        let last = rest.rfind('/').map_or(0, |i| i + 1);
        let (rest, tag) = match rest[last..].rfind(':') {
            Some(colon) => (&rest[..last + colon], Some(rest[last + colon + 1..].to_owned())),
            None => (rest, None),
        };
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => ("docker.io", rest),
        };
        Self {
            host: host.to_owned(),
            path: path.to_owned(),
            tag,
            digest,
        }
    }
}

/// The registry's folder: `<root>/<repository>/<digest>.json`.
#[derive(Debug, Clone)]
pub struct Images {
    root: Option<PathBuf>,
}

impl Images {
    pub fn new(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// The record of an image; none when the registry does not hold it.
    pub fn record(&self, image: &str) -> Option<Value> {
        let reference = ImageReference::parse(image);
        let root = self.root.as_deref()?;
        let folders = [
            root.join(&reference.host).join(&reference.path),
            root.join(&reference.path),
        ];
        folders.iter().find_map(|folder| record_in(folder, &reference))
    }

    /// True when the image should come from the sandbox's registry: a loopback host, or one it has a folder for.
    fn is_ours(&self, reference: &ImageReference) -> bool {
        let Some(root) = self.root.as_deref() else {
            return false;
        };
        let name = reference.host.split(':').next().unwrap_or_default();
        matches!(name, "127.0.0.1" | "localhost")
            || name.ends_with(".localhost")
            || root.join(&reference.host).is_dir()
    }

    /// How the pod's containers behave.
    pub fn behavior(&self, pod: &Value, image: &str) -> Behavior {
        if let Some(asked) = object::annotation(pod, BEHAVIOR).and_then(Behavior::parse) {
            return asked;
        }
        match self.record(image) {
            Some(record) => behavior_of(&record, object::text(pod, "/metadata/namespace")),
            None if self.is_ours(&ImageReference::parse(image)) => Behavior::ImagePullError,
            None => Behavior::Healthy,
        }
    }
}

fn record_in(folder: &Path, reference: &ImageReference) -> Option<Value> {
    let read = |path: &Path| -> Option<Value> { serde_json::from_slice(&std::fs::read(path).ok()?).ok() };
    if let Some(digest) = &reference.digest {
        let names = [
            format!("{digest}.json"),
            format!("{}.json", digest.replace(':', "-")),
            format!("{}.json", digest.trim_start_matches("sha256:")),
        ];
        return names.iter().find_map(|name| read(&folder.join(name)));
    }
    let tag = reference.tag.as_deref().unwrap_or("latest");
    let entries = std::fs::read_dir(folder).ok()?;
    let records = entries
        .filter_map(Result::ok)
        .filter_map(|entry| read(&entry.path()));
    records
        .into_iter()
        .find(|record| object::list(record, "/tags").iter().any(|t| t == tag))
}

fn behavior_of(record: &Value, namespace: &str) -> Behavior {
    let label = record
        .get("labels")
        .and_then(|l| l.get(BEHAVIOR))
        .and_then(Value::as_str);
    let from_label = label.and_then(|label| Behavior::parse_in(label, namespace));
    from_label
        .or_else(|| {
            environment(record, BEHAVIOR_ENV)
                .as_deref()
                .and_then(|asked| Behavior::parse_in(asked, namespace))
        })
        .unwrap_or(Behavior::Healthy)
}

/// A variable of the image, whose `env` is a map or a list of `NAME=value`.
pub fn environment(record: &Value, name: &str) -> Option<String> {
    match record.get("env")? {
        Value::Object(map) => map.get(name)?.as_str().map(str::to_owned),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .find_map(|v| v.strip_prefix(name)?.strip_prefix('=').map(str::to_owned)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_apart() {
        let full = ImageReference::parse("127.0.0.1:5000/group/app:1.2@sha256:ab");
        assert_eq!(
            (full.host.as_str(), full.path.as_str()),
            ("127.0.0.1:5000", "group/app")
        );
        assert_eq!(
            (full.tag.as_deref(), full.digest.as_deref()),
            (Some("1.2"), Some("sha256:ab"))
        );
        assert_eq!(ImageReference::parse("nginx").host, "docker.io");
        assert_eq!(ImageReference::parse("library/nginx:1").tag.as_deref(), Some("1"));
    }

    #[test]
    fn an_image_can_be_broken_in_one_namespace_only() {
        let record = serde_json::json!({ "labels": { BEHAVIOR: "crash-loop@shop-qa" } });
        assert_eq!(behavior_of(&record, "shop-qa"), Behavior::CrashLoop);
        assert_eq!(behavior_of(&record, "shop-dev"), Behavior::Healthy);
    }

    #[test]
    fn behavior_comes_from_the_annotation_then_the_label_then_the_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = folder.path().join("group/app");
        std::fs::create_dir_all(&repository).expect("a repository");
        let record = serde_json::json!({
            "repository": "group/app", "digest": "sha256:ab", "tags": ["v1"], "labels": {}, "env": ["SANDBOX_BEHAVIOR=oom"],
        });
        std::fs::write(repository.join("sha256:ab.json"), record.to_string()).expect("a record");
        let images = Images::new(Some(folder.path().to_owned()));
        let plain = serde_json::json!({});
        let asked = serde_json::json!({ "metadata": { "annotations": { BEHAVIOR: "slow=20" } } });
        assert_eq!(
            images.behavior(&plain, "127.0.0.1:1/group/app@sha256:ab"),
            Behavior::OutOfMemory
        );
        assert_eq!(
            images.behavior(&plain, "127.0.0.1:1/group/app:v1"),
            Behavior::OutOfMemory
        );
        assert_eq!(
            images.behavior(&plain, "127.0.0.1:1/group/app@sha256:cd"),
            Behavior::ImagePullError
        );
        assert_eq!(images.behavior(&plain, "nginx:1"), Behavior::Healthy);
        assert_eq!(
            images.behavior(&asked, "nginx:1"),
            Behavior::Slow(Duration::from_millis(20))
        );
    }
}
