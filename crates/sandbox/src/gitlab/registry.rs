//! The container registry: GitLab's listing and a small part of the OCI distribution API.
//!
//! Images are files that the stand-in for `buildah` writes: `blobs/sha256/<hex>` and, per image,
//! `<repository>/<digest>.json` with `{"repository","digest","tags","labels","env","cmd","created"}`.

use std::path::{Path, PathBuf};

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use super::ci::variables::text;
use super::state::Project;
use super::{App, page, server};

fn root(app: &App) -> PathBuf {
    app.data.join("registry")
}

/// The images of one repository.
fn images(app: &App, repository: &str) -> Vec<Value> {
    let Ok(entries) = std::fs::read_dir(root(app).join(repository)) else {
        return Vec::new();
    };
    let mut images: Vec<Value> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("sha256:"))
        .filter_map(|entry| serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok())
        .collect();
    images.sort_by_key(|image: &Value| text(image, "created"));
    images
}

fn has_tag(image: &Value, tag: &str) -> bool {
    image["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|own| own == tag))
}

/// The project's repositories: its own path and those under it.
fn repositories_of(app: &App, project: &Project) -> Vec<String> {
    fn walk(folder: &Path, name: &str, found: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        let mut own = false;
        for entry in entries.flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{name}/{file}"), found);
            } else {
                own = own || file.starts_with("sha256:");
            }
        }
        if own {
            found.push(name.to_owned());
        }
    }
    let path = app.with(|state| state.project_path(project)).to_lowercase();
    let mut found = Vec::new();
    walk(&root(app).join(&path), &path, &mut found);
    found.sort();
    found
}

/// A repository's id: the project's id and its place in the list.
fn repository_id(project: &Project, index: usize) -> u64 {
    project.id * 1000 + index as u64 + 1
}

pub fn repositories(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let own = call.with(|state| state.project_path(&project)).to_lowercase();
    let items = repositories_of(&call.app, &project)
        .iter()
        .enumerate()
        .map(|(index, path)| {
            let images = images(&call.app, path);
            let tags: usize = images
                .iter()
                .filter_map(|image| image["tags"].as_array())
                .map(Vec::len)
                .sum();
            let mut value = json!({
                "id": repository_id(&project, index),
                "name": path.strip_prefix(&format!("{own}/")).unwrap_or_default(),
                "path": path,
                "project_id": project.id,
                "location": format!("{}/{path}", call.app.registry_host()),
                "created_at": images.first().map(|image| image["created"].clone()),
                "cleanup_policy_started_at": null,
                "status": null,
            });
            if call.flag("tags_count") {
                value["tags_count"] = tags.into();
            }
            if call.flag("tags") {
                value["tags"] = images
                    .iter()
                    .flat_map(|image| tags_of(call, path, image))
                    .collect();
            }
            value
        })
        .collect();
    page::answer(call, items)
}

fn tags_of(call: &Call, path: &str, image: &Value) -> Vec<Value> {
    let tags = image["tags"].as_array().cloned().unwrap_or_default();
    let names = tags.iter().filter_map(Value::as_str);
    names
        .map(|name| {
            json!({ "name": name, "path": format!("{path}:{name}"),
                    "location": format!("{}/{path}:{name}", call.app.registry_host()) })
        })
        .collect()
}

fn find(call: &Call, least: u64) -> Result<String, Refusal> {
    let project = call.project(least)?;
    let id = call.id("repository_id")?;
    let found = repositories_of(&call.app, &project)
        .into_iter()
        .enumerate()
        .find(|(index, _)| repository_id(&project, *index) == id);
    found
        .map(|(_, path)| path)
        .ok_or_else(|| Refusal::not_found("404 Not found"))
}

pub fn tags(call: &Call) -> Outcome {
    let path = find(call, REPORTER)?;
    let mut items: Vec<Value> = images(&call.app, &path)
        .iter()
        .flat_map(|image| tags_of(call, &path, image))
        .collect();
    items.sort_by_key(|tag| text(tag, "name"));
    page::answer(call, items)
}

pub fn tag(call: &Call) -> Outcome {
    let path = find(call, REPORTER)?;
    let name = call.param("tag_name");
    let image = images(&call.app, &path)
        .into_iter()
        .find(|image| has_tag(image, name));
    let image = image.ok_or_else(|| Refusal::missing("Tag"))?;
    let digest = text(&image, "digest");
    let manifest: Value = blob(&call.app, &digest)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let revision = text(&manifest["config"], "digest")
        .trim_start_matches("sha256:")
        .to_owned();
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    let size: u64 = layers.iter().filter_map(|layer| layer["size"].as_u64()).sum();
    Answer::ok(json!({
        "name": name,
        "path": format!("{path}:{name}"),
        "location": format!("{}/{path}:{name}", call.app.registry_host()),
        "revision": revision,
        "short_revision": revision.get(..9),
        "digest": digest,
        "created_at": image["created"],
        "total_size": size,
    }))
}

pub fn delete_tag(call: &Call) -> Outcome {
    let path = find(call, DEVELOPER)?;
    let name = call.param("tag_name");
    let image = images(&call.app, &path)
        .into_iter()
        .find(|image| has_tag(image, name));
    let image = image.ok_or_else(|| Refusal::missing("Tag"))?;
    let file = root(&call.app)
        .join(&path)
        .join(format!("{}.json", text(&image, "digest")));
    let written = std::fs::read_to_string(&file).map_err(anyhow::Error::from)?;
    // The file keeps one line per key: the stand-in for buildah edits it with sed.
    let kept: Vec<&str> = image["tags"]
        .as_array()
        .map(|tags| {
            tags.iter()
                .filter_map(Value::as_str)
                .filter(|tag| *tag != name)
                .collect()
        })
        .unwrap_or_default();
    let line = format!(
        "  \"tags\": {},",
        json!(kept).to_string().replace("\",\"", "\", \"")
    );
    let lines: Vec<&str> = written
        .lines()
        .map(|old| {
            if old.starts_with("  \"tags\": ") {
                line.as_str()
            } else {
                old
            }
        })
        .collect();
    std::fs::write(&file, lines.join("\n") + "\n").map_err(anyhow::Error::from)?;
    Answer::no_content()
}

fn blob(app: &App, digest: &str) -> Option<Vec<u8>> {
    let hex = digest
        .strip_prefix("sha256:")
        .filter(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))?;
    std::fs::read(root(app).join("blobs/sha256").join(hex)).ok()
}

fn oci_error(status: u16, code: &str, message: &str) -> Refusal {
    Refusal::new(
        status,
        json!({ "errors": [{ "code": code, "message": message, "detail": {} }] }),
    )
}

/// `/v2/`: manifests and blobs by GET and HEAD, and tag lists. Pushing goes through the runner.
pub fn distribution(call: &Call, path: &str) -> Outcome {
    if path == "/v2" || path == "/v2/" {
        return Ok(Answer::json(200, &json!({})).with("docker-distribution-api-version", "registry/2.0"));
    }
    // Tokens of OAuth do not open the registry.
    let actor = server::by_basic(&call.app, &call.headers).filter(|actor| !actor.oauth);
    let rest = path.trim_start_matches("/v2/");
    let (name, kind, reference) = if let Some(name) = rest.strip_suffix("/tags/list") {
        (name, "tags", "")
    } else if let Some((name, reference)) = rest.split_once("/manifests/") {
        (name, "manifests", reference)
    } else if let Some((name, reference)) = rest.split_once("/blobs/") {
        (name, "blobs", reference)
    } else {
        return Err(oci_error(
            404,
            "NAME_UNKNOWN",
            "repository name not known to registry",
        ));
    };
    if name.contains("..") || !readable(call, name, actor.as_ref()) {
        return Err(oci_error(401, "UNAUTHORIZED", "authentication required"));
    }
    if call.method != Method::GET && call.method != Method::HEAD {
        return Err(oci_error(
            405,
            "UNSUPPORTED",
            "The sandbox's registry is read-only; push through buildah in a job",
        ));
    }
    let images = images(&call.app, name);
    if kind == "tags" {
        if images.is_empty() {
            return Err(oci_error(
                404,
                "NAME_UNKNOWN",
                "repository name not known to registry",
            ));
        }
        let tags: Vec<&Value> = images
            .iter()
            .filter_map(|image| image["tags"].as_array())
            .flatten()
            .collect();
        return Answer::ok(json!({ "name": name, "tags": tags }));
    }
    let digest = if reference.starts_with("sha256:") {
        Some(reference.to_owned())
    } else {
        images
            .iter()
            .find(|image| has_tag(image, reference))
            .map(|image| text(image, "digest"))
    };
    let known =
        |digest: &String| kind == "blobs" || images.iter().any(|image| image["digest"] == digest.as_str());
    let found = digest
        .filter(known)
        .and_then(|digest| Some((blob(&call.app, &digest)?, digest)));
    let (code, kind) = if kind == "blobs" {
        ("BLOB_UNKNOWN", "application/octet-stream")
    } else {
        ("MANIFEST_UNKNOWN", "application/vnd.oci.image.manifest.v1+json")
    };
    let (bytes, digest) = found.ok_or_else(|| oci_error(404, code, "not known to registry"))?;
    Ok(Answer::bytes(kind, bytes)
        .with("docker-content-digest", digest.clone())
        .with("docker-distribution-api-version", "registry/2.0")
        .with("etag", format!("\"{digest}\"")))
}

fn readable(call: &Call, name: &str, actor: Option<&super::call::Actor>) -> bool {
    call.with(|state| {
        let owner = state.projects.values().find(|project| {
            let path = state.project_path(project).to_lowercase();
            name == path || name.starts_with(&format!("{path}/"))
        });
        owner.is_some_and(|project| {
            project.visibility == "public"
                || state.project_access(actor.map(|actor| &actor.user), project) >= REPORTER
        })
    })
}
