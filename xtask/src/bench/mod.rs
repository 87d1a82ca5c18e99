//! Figures of a release build, as one JSON object on standard output: medians and percentiles, one machine. Progress
//! goes to standard error.

mod load;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::build::{self, Profile};
use crate::pages;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;
use load::Load;
use server::Server;

/// Who signs in: the owner of the demo's organization, and everyone's password.
const USERNAME: &str = "ada";
const PASSWORD: &str = "slipway-demo";

/// What is measured, as the name in the JSON and the path.
const PAGES: &[(&str, &str)] = &[
    ("app_page", "/orgs/acme/projects/checkout/apps/order-api"),
    ("project_grid", "/orgs/acme/projects/checkout"),
    ("sign_in_page", "/sign-in"),
];

/// How often the server is started to find the median of a cold start.
const STARTS: usize = 7;

#[derive(clap::Args)]
pub struct Options {
    /// Seconds of each load run
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that a load run keeps open
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Measure this program instead of a release build
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::install(workspace, Scope::Demo)?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build::everything(workspace, Profile::Release, false)?,
    };
    let folder = std::env::temp_dir().join(format!("slipway-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let figures = measure(workspace, options, &binary, &folder);
    if figures.is_ok() {
        fs::remove_dir_all(&folder)?;
    } else {
        eprintln!("the servers' logs are in {}", folder.display());
    }
    println!("{:#}", figures?);
    Ok(())
}

fn measure(workspace: &Workspace, options: &Options, binary: &Path, folder: &Path) -> Result<Value> {
    let data = folder.join("demo");
    eprintln!("making the demo's data");
    drop(Server::start(
        workspace,
        binary,
        &folder.join("demo.log"),
        |command, port| {
            command
                .arg("demo")
                .arg("--data")
                .arg(&data)
                .arg("--port")
                .arg(port.to_string());
        },
    )?);

    eprintln!("starting {STARTS} times");
    let serve = || serve(workspace, binary, folder, &data);
    let mut starts = (0..STARTS)
        .map(|_| Ok(serve()?.ready_after))
        .collect::<Result<Vec<Duration>>>()?;
    starts.sort();

    let server = serve()?;
    // Whatever runs once after a start has run.
    thread::sleep(Duration::from_secs(2));
    let idle = server.resident_kib()?;
    let cookie = server.sign_in(USERNAME, PASSWORD)?;
    let mut loads = Map::new();
    for (name, path) in PAGES {
        for encoding in ["identity", "br"] {
            eprintln!(
                "{name}, {encoding}: {} connections for {} s",
                options.connections, options.seconds
            );
            let report = page_load(&server, options, path, &cookie, encoding)?;
            loads.insert(format!("{name}_{encoding}"), report);
        }
    }
    Ok(json!({
        "machine": { "cores": thread::available_parallelism().map_or(1, usize::from) },
        "connections": options.connections,
        "seconds": options.seconds,
        "cold_start_ms": { "median": milliseconds(starts[STARTS / 2]), "worst": milliseconds(starts[STARTS - 1]) },
        "resident_kib": { "idle": idle, "after_load": server.resident_kib()? },
        "load": loads,
        "pages": page_weight(workspace)?,
    }))
}

/// `slipway serve` on the demo's database, without the sandbox.
fn serve(workspace: &Workspace, binary: &Path, folder: &Path, data: &Path) -> Result<Server> {
    let key = fs::read_to_string(data.join("secret.key")).context("the demo left no secret.key")?;
    Server::start(workspace, binary, &folder.join("serve.log"), |command, port| {
        command
            .current_dir(folder)
            .env("SLIPWAY__SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env(
                "SLIPWAY__DATABASE__URL",
                format!("sqlite://{}", data.join("slipway.db").display()),
            )
            .env("SLIPWAY__SECRETS__KEY", key.trim())
            .env("SLIPWAY__LOG__FILTER", "warn")
            .arg("serve");
    })
}

fn page_load(server: &Server, options: &Options, path: &str, cookie: &str, encoding: &str) -> Result<Value> {
    let host = server.address;
    let text = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nAccept-Encoding: {encoding}\r\n\
         Accept-Language: en\r\nCookie: {cookie}\r\n\r\n"
    );
    let request = |_: usize, _: usize| text.clone().into_bytes();
    let duration = Duration::from_secs(options.seconds);
    let load = Load {
        address: host,
        connections: options.connections,
        duration,
        request: &request,
        status: 200,
    };
    Ok(load.run()?.json())
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

fn page_weight(workspace: &Workspace) -> Result<Value> {
    let (every, parts) = pages::compressed_sizes(workspace)?;
    let base: u64 = every.iter().map(|(_, bytes)| bytes).sum();
    let every: Map<String, Value> = every
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.into()))
        .collect();
    let heaviest = base + parts.values().max().copied().unwrap_or_default();
    Ok(json!({
        "every_page_brotli_bytes": every,
        "part_brotli_bytes": parts,
        "lightest_page_brotli_bytes": base,
        "heaviest_page_brotli_bytes": heaviest,
    }))
}
