//! Made-up requests against the REST API, by its own description: schemathesis tries each operation with data that fits
//! and data that does not. No answer may be a 5xx of a bug, and each must be one that the description has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::bench::server::Server;
use crate::process::{capture, run, show};
use crate::workspace::Workspace;

/// What seals secrets in the database of the run.
const KEY: &str = "the key of a test, no secret";

/// How long it goes on, in seconds.
const SECONDS: u32 = 60;

/// How many lines of what was found are said again, below the summary of all checks.
const LINES: usize = 40;

/// What is asked of each answer: no bug, and what the description says of status, type, headers and body.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// What `server/examples/fill.rs` says of the database that it filled.
#[derive(serde::Deserialize)]
struct Filled {
    token: String,
    /// Parameters of paths, and the ids of what is there.
    ids: BTreeMap<String, String>,
}

/// Places that are there, so that requests get past the lookup, and 503: nobody answers at the GitLab of the run.
const CONFIGURATION: &str = r#"
[parameters]
"path.org" = "acme"
"path.project" = "checkout"
"path.app" = "app-1"
"path.number" = 1
"path.version" = "1.0.0"
"path.username" = "bench"
"query.project" = "checkout"
IDS
# What would take the others their place.
[[operations]]
include-operation-id = [
    "orgs.update", "places.archive", "places.restore", "places.delete", "projects.update", "projects.features",
    "apps.update",
]

[operations.parameters]
"path.org" = "spare"

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
"#;

pub fn check(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--package", "slipway"]);
    run(cargo.args(["--bin", "slipway", "--example", "fill"]))?;
    let folder = std::env::temp_dir().join(format!("slipway-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let outcome = fuzz(workspace, &folder);
    if outcome.is_ok() {
        fs::remove_dir_all(&folder)?;
    } else {
        println!("the server's log is in {}", folder.display());
    }
    outcome
}

fn fuzz(workspace: &Workspace, folder: &Path) -> Result<()> {
    let built = workspace.target.join("debug");
    let database = format!("sqlite://{}", folder.join("slipway.db").display());
    let mut fill = std::process::Command::new(built.join("examples/fill"));
    let said = capture(fill.args([&database, KEY, "1"]))?;
    let filled: Filled =
        serde_json::from_str(said.trim()).context("the example `fill` said something else than JSON")?;
    let log = folder.join("serve.log");
    let server = Server::start(workspace, &built.join("slipway"), &log, |command, port| {
        command
            .current_dir(folder)
            .env("SLIPWAY__SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("SLIPWAY__DATABASE__URL", &database)
            .env("SLIPWAY__SECRETS__KEY", KEY)
            .env("SLIPWAY__LOG__FILTER", "warn")
            .arg("serve");
    })?;
    let configuration = folder.join("schemathesis.toml");
    let ids = filled
        .ids
        .iter()
        .map(|(name, id)| format!("\"path.{name}\" = \"{id}\"\n"));
    fs::write(
        &configuration,
        CONFIGURATION.replace("IDS", &ids.collect::<String>()),
    )?;
    let mut tried = workspace.command("schemathesis");
    tried.current_dir(folder).arg("--config-file").arg(&configuration);
    tried.args(["run", &format!("http://{}/api/v1/openapi.json", server.address)]);
    tried.args(["--header", &format!("Authorization: Bearer {}", filled.token)]);
    tried.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"]);
    // As many requests as a token has. One worker, since `ast.parse` of CPython 3.11, which hypothesis calls, fails in
    // two threads at once ("AST constructor recursion depth mismatch").
    tried.args(["--max-time", &SECONDS.to_string(), "--rate-limit", "9/s"]);
    tried.args(["--workers", "1"]);
    let (passed, output) = show(tried.args(["--seed", "1", "--continue-on-failure", "--no-color"]))?;
    if !passed {
        bail!("schemathesis found this:\n{}", last_words(&output));
    }
    Ok(())
}

/// What schemathesis found, without the rest: its sections of errors and failures, shortened.
fn last_words(output: &str) -> String {
    let of_interest = |line: &&str| {
        let title = line.trim_matches(['=', ' ']);
        !(line.starts_with("====") && (title == "WARNINGS" || title == "SUMMARY"))
    };
    let found = output
        .lines()
        .skip_while(|line| {
            !(line.starts_with("====") && (line.contains("ERRORS") || line.contains("FAILURES")))
        })
        .take_while(of_interest)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.chars().take(200).collect::<String>())
        .collect::<Vec<_>>();
    let shown = found.len().min(LINES);
    let mut words = found[..shown].join("\n");
    if shown < found.len() {
        words.push_str("\n…");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_said_without_the_rest() {
        let output = "fine\n=== SOMETHING ===\n==== FAILURES ====\n\n GET /x \n- Server error\n\n==== WARNINGS ====\nmuch\n";
        assert_eq!(last_words(output), "==== FAILURES ====\n GET /x \n- Server error");
        let long = format!("==== ERRORS ====\n{}", "line\n".repeat(500));
        assert_eq!(last_words(&long).lines().count(), LINES + 1);
    }
}
