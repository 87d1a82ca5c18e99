//! Made-up requests against the REST API, by its own description: schemathesis tries each operation with data that fits
//! and data that does not. No answer may be a 5xx of a bug, and each must be one that the description has.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bench::server::Server;
use crate::process::{capture, run};
use crate::workspace::Workspace;

/// What seals secrets in the database of the run.
const KEY: &str = "the key of a test, no secret";

/// How long it goes on, in seconds.
const SECONDS: u32 = 60;

/// What is asked of each answer: no bug, and what the description says of status, type, headers and body.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// What `server/examples/fill.rs` says of the database that it filled.
#[derive(serde::Deserialize)]
struct Filled {
    token: String,
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
    fs::write(&configuration, CONFIGURATION)?;
    let mut tried = workspace.command("schemathesis");
    tried.current_dir(folder).arg("--config-file").arg(&configuration);
    tried.args(["run", &format!("http://{}/api/v1/openapi.json", server.address)]);
    tried.args(["--header", &format!("Authorization: Bearer {}", filled.token)]);
    tried.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"]);
    // As many requests as a token has.
    tried.args([
        "--max-time",
        &SECONDS.to_string(),
        "--rate-limit",
        "9/s",
        "--workers",
        "2",
    ]);
    run(tried.args(["--seed", "1", "--continue-on-failure", "--no-color"]))
}
