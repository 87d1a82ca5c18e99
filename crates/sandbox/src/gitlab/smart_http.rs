//! `git clone` and `git push` over HTTP, through `git http-backend`.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::call::{Answer, Call, DEVELOPER, GUEST, Outcome, Refusal};
use super::ci::variables::text;
use super::git::{NOTHING, Repository};
use super::push::{self, Moved, may_push};
use super::server;
use super::state::Project;

/// Refuses pushes to branches that `SANDBOX_REFUSED` names, one per line.
const UPDATE_HOOK: &str = "#!/bin/sh\n\
    printf '%s\\n' \"$SANDBOX_REFUSED\" | while read -r name; do\n\
    if [ \"refs/heads/$name\" = \"$1\" ]; then\n\
    echo 'GitLab: You are not allowed to push code to protected branches on this project.' >&2; exit 1; fi; done\n";

pub fn answer(call: &Call, path: &str) -> Outcome {
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let (name, rest) = path
        .trim_start_matches('/')
        .split_once(".git/")
        .unwrap_or_default();
    let service = match rest {
        "info/refs" => call
            .opt_str("service")
            .unwrap_or_else(|| "git-upload-pack".into()),
        "git-upload-pack" | "git-receive-pack" => rest.to_owned(),
        _ => return Err(Refusal::not_found("404 Not Found")),
    };
    let writing = service == "git-receive-pack";
    let actor = server::by_basic(&call.app, &call.headers);
    let unauthorized = || {
        let mut answer = Answer::bytes(
            "text/plain",
            "HTTP Basic: Access denied. The password is an access token.\n",
        );
        answer.status = 401;
        answer.with("www-authenticate", "Basic realm=\"GitLab\"")
    };
    let needed = if writing {
        &["api", "write_repository"][..]
    } else {
        &["api", "read_repository", "write_repository"][..]
    };
    if let Some(actor) = &actor
        && !actor.scopes.iter().any(|scope| needed.contains(&scope.as_str()))
    {
        return Err(Refusal::message(
            403,
            "HTTP Basic: Access denied. The token lacks the scope read_repository or write_repository.",
        ));
    }
    let found = call.with(|state| {
        let project = state.project_by_path(name)?.clone();
        let level = state.project_access(actor.as_ref().map(|actor| &actor.user), &project);
        Some((project, level))
    });
    let least = if writing { DEVELOPER } else { GUEST };
    let Some((project, level)) =
        found.filter(|(project, level)| *level >= least || (!writing && project.visibility == "public"))
    else {
        return match actor {
            Some(_) => Err(Refusal::not_found(
                "The project you were looking for could not be found or you don't have permission to view it.",
            )),
            None => Ok(unauthorized()),
        };
    };
    let repository = call.app.repository(project.id);
    let before = if writing && call.method == Method::POST {
        repository.refs()
    } else {
        Vec::new()
    };
    let answer = backend(call, &repository, &project, level, rest)?;
    if writing && call.method == Method::POST {
        let user = actor.map_or(project.creator_id, |actor| actor.user.id);
        let skip = String::from_utf8_lossy(&call.raw[..call.raw.len().min(4096)]).contains("ci.skip");
        for moved in differences(&before, &repository.refs()) {
            push::follow(&call.app, project.id, user, &moved, skip);
        }
    }
    Ok(answer)
}

fn differences(before: &[(String, String)], after: &[(String, String)]) -> Vec<Moved> {
    let find = |refs: &[(String, String)], name: &str| {
        refs.iter()
            .find(|(other, _)| other == name)
            .map_or_else(|| NOTHING.to_owned(), |(_, id)| id.clone())
    };
    let mut names: Vec<&String> = before.iter().chain(after).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| Moved {
            reference: name.clone(),
            before: find(before, name),
            after: find(after, name),
        })
        .filter(|moved| moved.before != moved.after)
        .collect()
}

fn backend(call: &Call, repository: &Repository, project: &Project, level: u64, rest: &str) -> Outcome {
    install_hook(repository)?;
    let refused: Vec<String> = project
        .protected_branches
        .iter()
        .map(|rule| text(rule, "name"))
        .filter(|name| !may_push(project, name, level))
        .collect();
    let header = |name: &str| call.header(name).unwrap_or_default().to_owned();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &repository.dir)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", format!("/{rest}"))
        .env("REQUEST_METHOD", call.method.as_str())
        .env(
            "QUERY_STRING",
            call.target.split_once('?').map_or("", |(_, query)| query),
        )
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", call.raw.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_USER", "sandbox")
        .env("SANDBOX_REFUSED", refused.join("\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(anyhow::Error::from)?;
    let stdin = child.stdin.take();
    let raw = call.raw.clone();
    let writer = std::thread::spawn(move || stdin.is_some_and(|mut stdin| stdin.write_all(&raw).is_ok()));
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut output).map_err(anyhow::Error::from)?;
    }
    child.wait().map_err(anyhow::Error::from)?;
    // git may answer before it has read everything.
    drop(writer.join());
    Ok(from_cgi(&output))
}

fn install_hook(repository: &Repository) -> Result<(), Refusal> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = repository.dir.join("hooks/update");
    if path.exists() {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(repository.dir.join("hooks"))?;
        std::fs::write(&path, UPDATE_HOOK)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
    };
    write().map_err(|error| anyhow::Error::from(error).into())
}

/// A CGI answer: headers, an empty line, the body.
fn from_cgi(output: &[u8]) -> Answer {
    let end = output
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| (at, at + 4));
    let (head, body) = end.map_or((output.len(), output.len()), |found| found);
    let mut answer = Answer::bytes("", output[body..].to_vec());
    answer.headers.clear();
    for line in String::from_utf8_lossy(&output[..head]).lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.to_lowercase().as_str() {
            "status" => {
                answer.status = value
                    .trim()
                    .get(..3)
                    .and_then(|code| code.parse().ok())
                    .unwrap_or(500);
            }
            "content-type" => answer = answer.with("content-type", value.trim()),
            "cache-control" => answer = answer.with("cache-control", value.trim()),
            _ => {}
        }
    }
    answer
}
