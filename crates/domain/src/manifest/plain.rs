//! Plain manifests: read from the files of a repository, with the release's images in them.

use crate::pipeline::file::tree::parse;
use crate::pipeline::inputs::json;
use crate::release::Image;
use crate::text::{Locale, Text};
use crate::workload::WorkloadKind;
use serde_json::Value;

/// How deep an object is read.
const DEEPEST: usize = 40;
/// How many objects are taken.
const MOST: usize = 50;

/// What may be in a repository's manifests: what stays in the environment's namespace and gives nobody rights.
const KINDS: [&str; 13] = [
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
    "StatefulSet",
];

/// The path that `pattern` means in the environment `key`.
pub fn path_in(pattern: &str, key: &str) -> String {
    pattern.replace("{environment}", key)
}

/// The objects of the files, each a path and its text, with every image of the release by digest. `app` is the name of the
/// workload that is watched: one of the objects that run pods must have it.
///
/// # Errors
/// What is wrong with which file, and what to do.
pub fn read(files: &[(String, String)], images: &[Image], app: &str) -> Result<Vec<Value>, Text> {
    let mut objects = Vec::new();
    for (path, text) in files {
        let tree = parse(text).map_err(|error| {
            Text::new(
                format!("{path}: {}", error.message(Locale::En)),
                format!("{path}：{}", error.message(Locale::ZhCn)),
            )
        })?;
        for document in &tree.documents {
            let object = json(&tree, document.root, DEEPEST);
            if object.is_null() {
                continue;
            }
            objects.push(one(path, object, images)?);
        }
    }
    if objects.len() > MOST {
        return Err(Text::new(
            format!("The manifests hold more than {MOST} objects. Split the app."),
            format!("清单超过 {MOST} 个对象，请拆分应用。"),
        ));
    }
    let watched = objects
        .iter()
        .any(|object| super::runs_pods(object) && object["metadata"]["name"] == app);
    if !watched {
        let kinds = WorkloadKind::ALL
            .iter()
            .map(|kind| kind.kubernetes())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Text::new(
            format!(
                "None of the manifests is a workload named “{app}” ({kinds}). Slipway watches the one of that name."
            ),
            format!("清单中没有名为“{app}”的工作负载（{kinds}），Slipway 需要观察该名称的工作负载。"),
        ));
    }
    Ok(objects)
}

fn one(path: &str, mut object: Value, images: &[Image]) -> Result<Value, Text> {
    let text = |at: &str| {
        object
            .pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    if kind.is_empty() || name.is_empty() || text("/apiVersion").is_empty() {
        return Err(Text::new(
            format!("{path}: an object has no apiVersion, kind or metadata.name."),
            format!("{path}：对象缺少 apiVersion、kind 或 metadata.name。"),
        ));
    }
    if !KINDS.contains(&kind.as_str()) {
        let taken = KINDS.join(", ");
        return Err(Text::new(
            format!("{path}: {kind} {name} is not deployed by Slipway. It takes {taken}."),
            format!("{path}：Slipway 不部署 {kind} {name}，支持的类型：{taken}。"),
        ));
    }
    if !text("/metadata/namespace").is_empty() {
        return Err(Text::new(
            format!("{path}: {kind} {name} names a namespace. Leave it out: the environment says it."),
            format!("{path}：{kind} {name} 指定了命名空间。请去掉，命名空间由环境决定。"),
        ));
    }
    let pods = match kind.as_str() {
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    for list in ["containers", "initContainers"] {
        let containers = object
            .pointer_mut(&format!("{pods}/{list}"))
            .and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let named = container["image"].as_str().unwrap_or_default().to_owned();
            container["image"] = pinned(&named, images)
                .ok_or_else(|| {
                    Text::new(
                        format!("{path}: {kind} {name} runs “{named}”, which is no image of the release and has no digest. A tag may change."),
                        format!("{path}：{kind} {name} 使用的“{named}”不是该发布版本的镜像，也没有摘要；标签会变化。"),
                    )
                })?
                .into();
        }
    }
    Ok(object)
}

/// The image by digest: of the release where the repository is one of its images', else as it is where it has a digest.
fn pinned(named: &str, images: &[Image]) -> Option<String> {
    let (name, digest) = match named.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (named, None),
    };
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    let repository = match name[slash..].find(':') {
        Some(at) => &name[..slash + at],
        None => name,
    };
    if let Some(image) = images.iter().find(|image| image.repository == repository) {
        return Some(image.reference());
    }
    digest
        .filter(|digest| !repository.is_empty() && Image::is_digest(digest))
        .map(|_| named.to_owned())
}
