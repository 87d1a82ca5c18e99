//! Many apps at once, with the sandbox's Kubernetes as another process: promotions that run at the same time, and a server that
//! watches what runs and has nothing to do.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::server::Server;
use super::{KEY, Options};
use crate::process::capture;
use crate::workspace::Workspace;

/// Requests for promotions that are sent at the same time.
const HANDS: usize = 8;
/// How long all promotions may take beyond their rollouts.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long the server has to look at everything once: two minutes, and a little.
const SETTLES: Duration = Duration::from_secs(150);

/// What `server/examples/fill.rs` says, as far as it is needed here.
#[derive(serde::Deserialize)]
struct Filled {
    token: String,
}

#[derive(serde::Deserialize)]
struct Took {
    state: String,
    applied_ms: Option<u64>,
    ended_ms: Option<u64>,
}

/// The sandbox, as a process of its own; stopped when dropped.
struct Outside {
    process: Child,
    kubeconfig: PathBuf,
}

impl Outside {
    fn start(binary: &Path, data: &Path) -> Result<Self> {
        let mut process = Command::new(binary)
            .args(["sandbox", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start the sandbox")?;
        let output = process.stdout.take().context("the sandbox says nothing")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("the sandbox did not start")?;
        let kubeconfig = ready["kubeconfig"].as_str().context("no kubeconfig")?.into();
        Ok(Self { process, kubeconfig })
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Both runs.
pub fn measure(workspace: &Workspace, options: &Options, binary: &Path, folder: &Path) -> Result<Value> {
    let alone = promotions(workspace, options, binary, &folder.join("alone"), 1)?;
    let crowd = promotions(
        workspace,
        options,
        binary,
        &folder.join("crowd"),
        options.promotions,
    )?;
    let beyond = |figure: &str| {
        let of = |run: &Value| run[figure].as_u64().unwrap_or_default();
        of(&crowd).saturating_sub(of(&alone))
    };
    Ok(json!({
        "rollout_ms": options.rollout_ms,
        "alone": alone,
        "at_once": crowd,
        "beyond_one_alone_ms": { "p50": beyond("ended_p50_ms"), "p95": beyond("ended_p95_ms") },
        "at_rest": at_rest(workspace, options, binary, &folder.join("rest"))?,
    }))
}

fn fill(workspace: &Workspace, database: &str, apps: usize, outside: &Outside, how: &str) -> Result<Filled> {
    eprintln!("filling a database with {apps} apps, {how}");
    let mut cargo = workspace.cargo();
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "slipway",
        "--example",
        "fill",
        "--",
    ]);
    let said = capture(
        cargo
            .args([database, KEY, &apps.to_string()])
            .arg(&outside.kubeconfig)
            .arg(how),
    )?;
    serde_json::from_str(said.trim()).context("the example `fill` said something else than JSON")
}

fn serve(workspace: &Workspace, binary: &Path, folder: &Path, database: &str) -> Result<Server> {
    Server::start(workspace, binary, &folder.join("serve.log"), |command, port| {
        command
            .current_dir(folder)
            .env("SLIPWAY__SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("SLIPWAY__DATABASE__URL", database)
            .env("SLIPWAY__SECRETS__KEY", KEY)
            // The cluster is on this very machine.
            .env("SLIPWAY__OUTGOING__ALLOW", "[\"127.0.0.0/8\"]")
            .env("SLIPWAY__LOG__FILTER", "error")
            .arg("serve");
    })
}

/// As many promotions at once as there are apps, each of one pod that takes its time to get ready.
fn promotions(
    workspace: &Workspace,
    options: &Options,
    binary: &Path,
    folder: &Path,
    apps: usize,
) -> Result<Value> {
    fs::create_dir_all(folder)?;
    let data = folder.join("sandbox");
    let image = data.join("gitlab/registry/acme/crowd");
    fs::create_dir_all(&image)?;
    let digest = format!("sha256:{:064x}", 1);
    let record = json!({
        "repository": "acme/crowd", "digest": digest, "tags": [], "labels": {},
        "env": [format!("SANDBOX_BEHAVIOR=slow={}", options.rollout_ms)],
    });
    fs::write(image.join(format!("{digest}.json")), record.to_string())?;
    let outside = Outside::start(binary, &data)?;
    let database = format!("sqlite://{}", folder.join("slipway.db").display());
    let filled = fill(workspace, &database, apps, &outside, "ready")?;
    let server = serve(workspace, binary, folder, &database)?;
    eprintln!("{apps} promotions at once");
    let (began, processor) = (Instant::now(), server.processor()?);
    let ids = ask(&server, &filled.token, apps)?;
    let asked = began.elapsed();
    let deadline = began + Duration::from_millis(options.rollout_ms) + PATIENCE;
    let mut resident = 0;
    for id in &ids {
        while !has_ended(&server, &filled.token, id)? {
            if Instant::now() > deadline {
                bail!("promotion {id} has not ended");
            }
            resident = resident.max(server.resident_kib()?);
            thread::sleep(Duration::from_millis(200));
        }
    }
    let (took, processor) = (began.elapsed(), server.processor()?.saturating_sub(processor));
    resident = resident.max(server.resident_kib()?);
    let mut cargo = workspace.cargo();
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "slipway",
        "--example",
        "times",
        "--",
    ]);
    let said = capture(cargo.args([database.as_str(), KEY, &apps.to_string()]))?;
    let times: Vec<Took> =
        serde_json::from_str(said.trim()).context("the example `times` said something else")?;
    if let Some(other) = times.iter().find(|one| one.state != "succeeded") {
        bail!("a promotion ended as {}", other.state);
    }
    let sorted = |pick: fn(&Took) -> Option<u64>| {
        let mut all: Vec<u64> = times.iter().filter_map(pick).collect();
        all.sort_unstable();
        all
    };
    let (applied, ended) = (sorted(|one| one.applied_ms), sorted(|one| one.ended_ms));
    Ok(json!({
        "promotions": times.len(),
        "asked_within_ms": u64::try_from(asked.as_millis())?,
        "all_ended_within_ms": u64::try_from(took.as_millis())?,
        "applied_p50_ms": percentile(&applied, 50), "applied_p95_ms": percentile(&applied, 95),
        "ended_p50_ms": percentile(&ended, 50), "ended_p95_ms": percentile(&ended, 95),
        "resident_kib": resident,
        "processor_ms": u64::try_from(processor.as_millis())?,
    }))
}

fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[last * percent / 100])
}

/// Asks for one promotion of each app to dev; their ids.
fn ask(server: &Server, token: &str, apps: usize) -> Result<Vec<String>> {
    let one = |number: usize| {
        let body = r#"{"version":"1.0.0","environment":"dev"}"#;
        let path = format!("/api/v1/orgs/acme/projects/checkout/apps/app-{number}/promotions");
        let answer = server.api("POST", &path, token, body)?;
        answer["id"]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("the server answered {answer}"))
    };
    let hands: Vec<Result<Vec<String>>> = thread::scope(|scope| {
        let hands: Vec<_> = (0..HANDS)
            .map(|hand| scope.spawn(move || (1..=apps).skip(hand).step_by(HANDS).map(one).collect()))
            .collect();
        let joined = |hand: thread::ScopedJoinHandle<'_, Result<Vec<String>>>| {
            hand.join().unwrap_or_else(|_| bail!("a thread panicked"))
        };
        hands.into_iter().map(joined).collect()
    });
    Ok(hands.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

fn has_ended(server: &Server, token: &str, id: &str) -> Result<bool> {
    let promotion = server.api("GET", &format!("/api/v1/promotions/{id}"), token, "")?;
    Ok(match promotion["state"].as_str() {
        Some("succeeded") => true,
        Some("requested" | "waiting" | "queued" | "deploying" | "verifying" | "unknown") => false,
        other => bail!("promotion {id} is {other:?}: {}", promotion["reason"]),
    })
}

/// What it takes to watch apps in four environments each while nothing happens.
fn at_rest(workspace: &Workspace, options: &Options, binary: &Path, folder: &Path) -> Result<Value> {
    fs::create_dir_all(folder)?;
    let outside = Outside::start(binary, &folder.join("sandbox"))?;
    let database = format!("sqlite://{}", folder.join("slipway.db").display());
    fill(workspace, &database, options.watched_apps, &outside, "running")?;
    let server = serve(workspace, binary, folder, &database)?;
    eprintln!(
        "{} apps in four environments, at rest for {} s",
        options.watched_apps, options.rest_seconds
    );
    thread::sleep(SETTLES);
    let (began, before) = (Instant::now(), server.processor()?);
    thread::sleep(Duration::from_secs(options.rest_seconds));
    let used = server.processor()?.saturating_sub(before);
    let of_a_core = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    Ok(json!({
        "apps": options.watched_apps,
        "stops": options.watched_apps * 4,
        "seconds": options.rest_seconds,
        "percent_of_one_core": (of_a_core * 100.0).round() / 100.0,
        "resident_kib": server.resident_kib()?,
    }))
}
