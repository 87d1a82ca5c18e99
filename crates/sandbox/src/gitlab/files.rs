//! The repository's tree, files and archives.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use super::commits::{Writing, write};
use super::git::{Change, Entry, Repository};
use super::page;
use super::state::Project;

fn at(call: &Call, project: &Project, repository: &Repository) -> Option<String> {
    let reference = call
        .opt_str("ref")
        .filter(|name| name != "HEAD")
        .unwrap_or_else(|| project.default_branch.clone());
    repository.resolve(&reference)
}

pub fn tree(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let not_found = || Refusal::missing("Tree");
    let sha = at(call, &project, &repository).ok_or_else(not_found)?;
    let path = call.opt_str("path").unwrap_or_default();
    let entries = repository
        .tree(&sha, &path, call.flag("recursive"))
        .ok_or_else(|| Refusal::not_found("404 invalid revision or path Not Found"))?;
    let mut items: Vec<Value> = entries.iter().map(entry).collect();
    if call.opt_str("pagination").as_deref() == Some("keyset") {
        if let Some(token) = call.opt_str("page_token") {
            let seen = items.iter().position(|item| item["id"] == token.as_str());
            items.drain(..seen.map_or(items.len(), |index| index + 1));
        }
        return page::keyset(call, items, "page_token", |item| {
            item["id"].as_str().unwrap_or_default().to_owned()
        });
    }
    page::answer(call, items)
}

fn entry(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "name": entry.path.rsplit('/').next().unwrap_or_default(),
        "type": entry.kind,
        "path": entry.path,
        "mode": entry.mode,
    })
}

struct File {
    path: String,
    reference: String,
    sha: String,
    last_commit: String,
    entry: Entry,
    content: Vec<u8>,
}

fn file(call: &Call) -> Result<File, Refusal> {
    let (project, repository) = call.repository(REPORTER)?;
    let reference = call
        .opt_str("ref")
        .unwrap_or_else(|| project.default_branch.clone());
    let sha = at(call, &project, &repository)
        .ok_or_else(|| Refusal::missing(if repository.is_empty() { "File" } else { "Commit" }))?;
    let path = call.param("file_path").to_owned();
    let (entry, content) = repository
        .file(&sha, &path)
        .ok_or_else(|| Refusal::missing("File"))?;
    let last = repository.log(&["--max-count=1", &sha, "--", &path])?;
    let last_commit = last
        .first()
        .map_or_else(|| sha.clone(), |commit| commit.id.clone());
    Ok(File {
        path,
        reference,
        sha,
        last_commit,
        entry,
        content,
    })
}

/// GET answers the document, HEAD the same facts as headers.
pub fn get(call: &Call) -> Outcome {
    let file = file(call)?;
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let digest = hex::encode(Sha256::digest(&file.content));
    let executable = file.entry.mode == "100755";
    let value = json!({
        "file_name": name,
        "file_path": file.path,
        "size": file.content.len(),
        "encoding": "base64",
        "content_sha256": digest,
        "ref": file.reference,
        "blob_id": file.entry.id,
        "commit_id": file.sha,
        "last_commit_id": file.last_commit,
        "execute_filemode": executable,
        "content": STANDARD.encode(&file.content),
    });
    Ok(facts(Answer::json(200, &value), &file, &digest))
}

fn facts(answer: Answer, file: &File, digest: &str) -> Answer {
    answer
        .with("x-gitlab-blob-id", file.entry.id.clone())
        .with("x-gitlab-commit-id", file.sha.clone())
        .with("x-gitlab-content-sha256", digest)
        .with("x-gitlab-encoding", "base64")
        .with(
            "x-gitlab-execute-filemode",
            (file.entry.mode == "100755").to_string(),
        )
        .with(
            "x-gitlab-file-name",
            file.path.rsplit('/').next().unwrap_or_default(),
        )
        .with("x-gitlab-file-path", file.path.clone())
        .with("x-gitlab-last-commit-id", file.last_commit.clone())
        .with("x-gitlab-ref", file.reference.clone())
        .with("x-gitlab-size", file.content.len().to_string())
}

pub fn raw(call: &Call) -> Outcome {
    let file = file(call)?;
    let digest = hex::encode(Sha256::digest(&file.content));
    let answer = Answer::bytes("text/plain; charset=utf-8", file.content.clone());
    Ok(facts(answer, &file, &digest))
}

pub fn blame(call: &Call) -> Outcome {
    let (_, repository) = call.repository(REPORTER)?;
    let file = file(call)?;
    let lines: Vec<String> = String::from_utf8_lossy(&file.content)
        .lines()
        .map(str::to_owned)
        .collect();
    let blamed = repository.text(&["blame", "-l", "-s", "--root", &file.sha, "--", &file.path])?;
    let mut ranges: Vec<(String, Vec<String>)> = Vec::new();
    for (line, text) in blamed.lines().zip(lines) {
        let id = line
            .split(' ')
            .next()
            .unwrap_or_default()
            .trim_start_matches('^')
            .to_owned();
        match ranges.last_mut() {
            Some((last, texts)) if *last == id => texts.push(text),
            _ => ranges.push((id, vec![text])),
        }
    }
    let url = call.app.url.clone();
    let value = ranges
        .into_iter()
        .map(|(id, lines)| json!({ "commit": repository.commit(&id).map(|commit| commit.to_json(&url)), "lines": lines }))
        .collect();
    Answer::ok(value)
}

pub fn blob(call: &Call) -> Outcome {
    let (_, repository) = call.repository(REPORTER)?;
    let sha = call.param("sha");
    let content = repository
        .run(&["cat-file", "blob", sha], &[], b"")
        .map_err(|_| Refusal::missing("Blob"))?;
    Answer::ok(
        json!({ "size": content.len(), "encoding": "base64", "content": STANDARD.encode(&content), "sha": sha }),
    )
}

pub fn raw_blob(call: &Call) -> Outcome {
    let (_, repository) = call.repository(REPORTER)?;
    let content = repository
        .run(&["cat-file", "blob", call.param("sha")], &[], b"")
        .map_err(|_| Refusal::missing("Blob"))?;
    Ok(Answer::bytes("text/plain", content))
}

pub fn archive(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let reference = call
        .opt_str("sha")
        .unwrap_or_else(|| project.default_branch.clone());
    let sha = repository
        .resolve(&reference)
        .ok_or_else(|| Refusal::missing("File"))?;
    let zip = call.target.contains("archive.zip");
    let prefix = format!("--prefix={}-{reference}-{sha}/", project.path);
    let mut bytes = repository.run(
        &[
            "archive",
            if zip { "--format=zip" } else { "--format=tar" },
            &prefix,
            &sha,
        ],
        &[],
        b"",
    )?;
    if !zip {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&bytes).map_err(anyhow::Error::from)?;
        bytes = packed.finish().map_err(anyhow::Error::from)?;
    }
    let (kind, end) = if zip {
        ("application/zip", "zip")
    } else {
        ("application/octet-stream", "tar.gz")
    };
    let name = format!("attachment; filename=\"{}-{reference}.{end}\"", project.path);
    Ok(Answer::bytes(kind, bytes).with("content-disposition", name))
}

/// The content of a write: text or base64.
pub fn content(text: &str, encoding: Option<&str>) -> Result<Vec<u8>, Refusal> {
    if encoding == Some("base64") {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        return STANDARD
            .decode(compact)
            .map_err(|_| Refusal::bad("content is not base64"));
    }
    Ok(text.as_bytes().to_vec())
}

fn change(
    call: &Call,
    make: impl FnOnce(&Repository, Option<&str>, &str) -> Result<Change, Refusal>,
) -> Result<(Project, Writing), Refusal> {
    let (project, repository) = call.repository(DEVELOPER)?;
    let branch = call.str("branch")?;
    let message = call.str("commit_message")?;
    let path = call.param("file_path").to_owned();
    let start = call.opt_str("start_branch").unwrap_or_else(|| branch.clone());
    let head = repository.resolve(&start);
    if let (Some(expected), Some(head)) = (call.opt_str("last_commit_id"), head.as_ref()) {
        let last = repository.log(&["--max-count=1", head, "--", &path])?;
        if last.first().is_some_and(|commit| commit.id != expected) {
            return Err(Refusal::bad(
                "You are attempting to update a file that has changed since you started editing it.",
            ));
        }
    }
    let change = make(&repository, head.as_deref(), &path)?;
    let writing = Writing {
        branch,
        start_branch: call.opt_str("start_branch"),
        start_sha: None,
        message,
        changes: vec![change],
        author_name: call.opt_str("author_name"),
        author_email: call.opt_str("author_email"),
        force: call.flag("force"),
    };
    Ok((project, writing))
}

fn written(call: &Call, status: u16, project: &Project, writing: &Writing) -> Outcome {
    write(call, project, writing)?;
    let value = json!({ "file_path": call.param("file_path"), "branch": writing.branch });
    Ok(Answer::json(status, &value))
}

pub fn create(call: &Call) -> Outcome {
    let bytes = content(&call.str("content")?, call.opt_str("encoding").as_deref())?;
    let executable = call.opt_bool("execute_filemode");
    let (project, writing) = change(call, |repository, head, path| {
        if head.is_some_and(|head| repository.file(head, path).is_some()) {
            return Err(Refusal::bad("A file with this name already exists"));
        }
        Ok(Change::Write {
            path: path.to_owned(),
            content: bytes,
            executable,
        })
    })?;
    written(call, 201, &project, &writing)
}

pub fn update(call: &Call) -> Outcome {
    let bytes = content(&call.str("content")?, call.opt_str("encoding").as_deref())?;
    let executable = call.opt_bool("execute_filemode");
    let (project, writing) = change(call, |repository, head, path| {
        if head.is_none_or(|head| repository.file(head, path).is_none()) {
            return Err(Refusal::bad("A file with this name doesn't exist"));
        }
        Ok(Change::Write {
            path: path.to_owned(),
            content: bytes,
            executable,
        })
    })?;
    written(call, 200, &project, &writing)
}

pub fn delete(call: &Call) -> Outcome {
    let (project, writing) = change(call, |repository, head, path| {
        if head.is_none_or(|head| repository.file(head, path).is_none()) {
            return Err(Refusal::bad("A file with this name doesn't exist"));
        }
        Ok(Change::Delete {
            path: path.to_owned(),
        })
    })?;
    write(call, &project, &writing)?;
    Answer::no_content()
}
