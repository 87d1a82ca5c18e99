//! Figures of a release build, as one JSON object on standard output: medians and percentiles, one machine. Progress
//! goes to standard error.

mod boards;
mod crowd;
mod load;
pub mod server;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::build::{self, Profile};
use crate::pages::{self, Size, Weight};
use crate::process::capture;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;
use load::Load;
use server::Server;

/// Finds the path of a page.
type Find = fn(&Filled) -> &str;

/// What is measured, as the name in the JSON and the page.
const PAGES: &[(&str, Find)] = &[
    ("app_page", |filled| &filled.app),
    ("project_grid", |filled| &filled.project),
    ("sign_in_page", |_| "/sign-in"),
];

/// How often the server is started to find the median of a cold start.
const STARTS: usize = 7;

/// What seals secrets in the database under measurement.
const KEY: &str = "the key of the bench, no secret";

/// What `server/examples/fill.rs` says of the database that it filled.
#[derive(serde::Deserialize)]
struct Filled {
    username: String,
    password: String,
    project: String,
    app: String,
    hook: String,
    hook_token: String,
}

#[derive(clap::Args)]
pub struct Options {
    /// Seconds of each load run
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that a load run keeps open
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Apps of the project; each is in four environments
    #[arg(long, default_value_t = 50)]
    apps: usize,
    /// Promotions that run at once
    #[arg(long, default_value_t = 500)]
    promotions: usize,
    /// Milliseconds that each of their pods takes to get ready
    #[arg(long, default_value_t = 20_000)]
    rollout_ms: u64,
    /// Apps that are watched at rest; each is in four environments
    #[arg(long, default_value_t = 2_000)]
    watched_apps: usize,
    /// Seconds at rest
    #[arg(long, default_value_t = 120)]
    rest_seconds: u64,
    /// Measure only many apps at once: promotions, and at rest
    #[arg(long)]
    only_crowd: bool,
    /// Measure only boards, backlogs and charts of many items
    #[arg(long, conflicts_with = "only_crowd")]
    only_boards: bool,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::install(workspace, Scope::Everything)?;
    let binary = build::everything(workspace, (Profile::Release, Size::Small), false)?;
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
    if options.only_boards {
        return Ok(json!({ "boards": boards::measure(workspace, options, binary, folder)? }));
    }
    let crowd = crowd::measure(workspace, options, binary, folder)?;
    if options.only_crowd {
        return Ok(json!({ "crowd": crowd }));
    }
    let boards = boards::measure(workspace, options, binary, folder)?;
    let database = format!("sqlite://{}", folder.join("slipway.db").display());
    let filled = fill(workspace, &database, options.apps)?;
    eprintln!("starting {STARTS} times");
    let serve = || serve(workspace, binary, folder, &database);
    let mut starts = (0..STARTS)
        .map(|_| Ok(serve()?.ready_after))
        .collect::<Result<Vec<Duration>>>()?;
    starts.sort();

    let server = serve()?;
    // Whatever runs once after a start has run.
    thread::sleep(Duration::from_secs(2));
    let idle = server.resident_kib()?;
    let cookie = server.sign_in(&filled.username, &filled.password)?;
    let mut loads = Map::new();
    for (name, page) in PAGES {
        for encoding in ["identity", "br"] {
            eprintln!(
                "{name}, {encoding}: {} connections for {} s",
                options.connections, options.seconds
            );
            let report = page_load(&server, options, page(&filled), &cookie, encoding)?;
            loads.insert(format!("{name}_{encoding}"), report);
        }
    }
    eprintln!(
        "webhooks: {} connections for {} s",
        options.connections, options.seconds
    );
    loads.insert(String::from("webhooks"), webhooks(&server, options, &filled)?);
    Ok(json!({
        "machine": { "cores": thread::available_parallelism().map_or(1, usize::from) },
        "connections": options.connections,
        "seconds": options.seconds,
        "apps": options.apps,
        "cold_start_ms": { "median": milliseconds(starts[STARTS / 2]), "worst": milliseconds(starts[STARTS - 1]) },
        "resident_kib": { "idle": idle, "after_load": server.resident_kib()? },
        "load": loads,
        "crowd": crowd,
        "boards": boards,
        "code_us": code(workspace)?,
        "webhook_to_dom_ms": in_browser(workspace, binary, folder, "latency")?,
        "editor_and_log_ms": in_browser(workspace, binary, folder, "editor")?,
        "pages": page_weight(workspace)?,
    }))
}

/// Makes the database under measurement.
fn fill(workspace: &Workspace, database: &str, apps: usize) -> Result<Filled> {
    eprintln!("filling a database with {apps} apps");
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--locked", "--package", "slipway"]);
    cargo.args(["--example", "fill", "--", database, KEY, &apps.to_string()]);
    let said = capture(&mut cargo)?;
    serde_json::from_str(said.trim()).context("the example `fill` said something else than JSON")
}

/// `slipway serve` on the database.
fn serve(workspace: &Workspace, binary: &Path, folder: &Path, database: &str) -> Result<Server> {
    Server::start(workspace, binary, &folder.join("serve.log"), |command, port| {
        command
            .current_dir(folder)
            .env("SLIPWAY__SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("SLIPWAY__DATABASE__URL", database)
            .env("SLIPWAY__SECRETS__KEY", KEY)
            .env("SLIPWAY__LOG__FILTER", "error")
            .arg("serve");
    })
}

/// The medians of criterion's benchmarks, in µs.
fn code(workspace: &Workspace) -> Result<Value> {
    eprintln!("criterion");
    let mut cargo = workspace.cargo();
    cargo.args([
        "bench",
        "--quiet",
        "--locked",
        "--package",
        "slipway-domain",
        "--package",
        "slipway-portal",
        "--bench",
        "pipeline",
        "--bench",
        "access",
    ]);
    let said = capture(cargo.args(["--", "--output-format", "bencher"]))?;
    let medians: Map<String, Value> = said.lines().filter_map(median).collect();
    if medians.is_empty() {
        bail!("criterion said nothing that could be read:\n{said}");
    }
    Ok(Value::Object(medians))
}

/// `test NAME ... bench: 1,234 ns/iter (+/- 5)`
fn median(line: &str) -> Option<(String, Value)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... bench:")?;
    let digits: String = rest
        .split("ns/iter")
        .next()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let nanoseconds: u32 = digits.parse().ok()?;
    Some((name.to_owned(), (f64::from(nanoseconds) / 1000.0).into()))
}

/// What a browser sees of a fresh demo: `end2end/bench/<name>.mjs`.
fn in_browser(workspace: &Workspace, binary: &Path, folder: &Path, name: &str) -> Result<Value> {
    eprintln!("in a browser: {name}");
    let data = folder.join(format!("demo-{name}"));
    let log = folder.join(format!("demo-{name}.log"));
    let server = Server::start(workspace, binary, &log, |command, port| {
        command
            .args(["demo", "--port", &port.to_string(), "--data"])
            .arg(&data);
    })?;
    let mut node = workspace.command("node");
    node.arg(workspace.root.join(format!("end2end/bench/{name}.mjs")))
        .arg(format!("http://{}", server.address))
        .arg(&data);
    let said = capture(&mut node)?;
    serde_json::from_str(said.trim()).context("the browser said something else than JSON")
}

/// Deliveries that are all different, so that each is stored: accepted when the answer comes.
fn webhooks(server: &Server, options: &Options, filled: &Filled) -> Result<Value> {
    let host = server.address;
    let request = |connection: usize, count: usize| {
        let pipeline = connection * 10_000_000 + count;
        let body = format!(
            r#"{{"object_kind":"pipeline","project":{{"id":1}},"object_attributes":{{"id":{pipeline},"status":"running"}}}}"#
        );
        format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nX-Gitlab-Event: Pipeline Hook\r\n\
             X-Gitlab-Token: {}\r\nIdempotency-Key: {connection}-{count}\r\nContent-Length: {}\r\n\r\n{body}",
            filled.hook,
            filled.hook_token,
            body.len()
        )
        .into_bytes()
    };
    let load = Load {
        address: host,
        connections: options.connections,
        duration: Duration::from_secs(options.seconds),
        request: &request,
        status: 202,
    };
    Ok(load.run()?.json())
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
    let Weight { every_page, parts } = pages::weight(workspace)?;
    let base: u64 = every_page.values().sum();
    let heaviest = base + parts.values().max().copied().unwrap_or_default();
    Ok(json!({
        "every_page_brotli_bytes": every_page,
        "part_brotli_bytes": parts,
        "lightest_page_brotli_bytes": base,
        "heaviest_page_brotli_bytes": heaviest,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_criterion_are_read() {
        let line = "test compile 200 jobs ... bench:   1,234,567 ns/iter (+/- 1,000)";
        assert_eq!(
            median(line),
            Some((String::from("compile 200 jobs"), json!(1234.567)))
        );
        assert_eq!(median("running 3 tests"), None);
    }
}
