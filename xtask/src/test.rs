//! Every check, one after the other, to the end.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::build::{self, Profile};
use crate::fuzz;
use crate::pages::Size;
use crate::postgres::Cluster;
use crate::process::run as shown;
use crate::setup::{self, Scope};
use crate::tidy;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Options {
    /// Run only this check (repeatable)
    #[arg(long, value_name = "CHECK")]
    only: Vec<Check>,
    /// Leave this check out (repeatable)
    #[arg(long, value_name = "CHECK")]
    skip: Vec<Check>,
    /// Passed on to the runner of the tests or the browser specs, after `--`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// The checks in the order in which they run: the quick ones first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Check {
    /// rustfmt
    Fmt,
    /// leptosfmt, where it is installed
    Leptosfmt,
    /// Spelling
    Typos,
    /// The project's own rules
    Tidy,
    /// Licenses, bans and sources of dependencies, where cargo-deny is installed
    Deny,
    /// Unused dependencies, where cargo-machete is installed
    Machete,
    /// Clippy on everything that runs on the server
    ClippyServer,
    /// Clippy on everything that runs in the browser
    ClippyBrowser,
    /// Unit, property, conformance and wire tests, on SQLite and PostgreSQL
    Tests,
    /// Examples in the documentation
    Docs,
    /// The types of the browser specs
    Specs,
    /// Made-up requests against the REST API's own description, for a minute
    Fuzz,
    /// Playwright's specs against the built demo
    Browser,
}

/// Where the browser specs write down what failed.
const FAILURES: &str = "end2end/test-results/failures.txt";

/// What became of a check.
enum Outcome {
    Passed,
    /// Not run, and why.
    Skipped(&'static str),
    Failed(anyhow::Error),
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let chosen: Vec<Check> = Check::value_variants()
        .iter()
        .copied()
        .filter(|check| options.only.is_empty() || options.only.contains(check))
        .filter(|check| !options.skip.contains(check))
        .collect();
    let started = Instant::now();
    setup::install(workspace, Scope::Everything)?;
    let mut results = Vec::new();
    for check in chosen {
        println!("\n── {} ──", name(check));
        let begun = Instant::now();
        let outcome = perform(workspace, check, &options.arguments).unwrap_or_else(Outcome::Failed);
        match &outcome {
            Outcome::Failed(error) => println!("failed: {error:#}"),
            Outcome::Skipped(reason) => println!("skipped: {reason}"),
            Outcome::Passed => {}
        }
        results.push((check, outcome, begun.elapsed()));
    }
    summarize(&results, started.elapsed()).inspect_err(|_| {
        for (check, outcome, _) in &results {
            if let Outcome::Failed(error) = outcome {
                eprintln!("\n── why {} failed ──\n{error:#}", name(*check));
                if *check == Check::Browser {
                    eprintln!("{}", failures(workspace).trim_end());
                }
            }
        }
    })
}

/// What failed in the browser, in a few lines: said last, where a log that is cut still has it.
fn failures(workspace: &Workspace) -> String {
    std::fs::read_to_string(workspace.root.join(FAILURES)).unwrap_or_default()
}

fn name(check: Check) -> String {
    check
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn summarize(results: &[(Check, Outcome, Duration)], elapsed: Duration) -> Result<()> {
    println!("\n── summary ──");
    let mut failed = Vec::new();
    for (check, outcome, time) in results {
        let word = match outcome {
            Outcome::Passed => "passed",
            Outcome::Skipped(_) => "skipped",
            Outcome::Failed(_) => {
                failed.push(name(*check));
                "FAILED"
            }
        };
        println!("{word:8} {:16} {:6.1} s", name(*check), time.as_secs_f64());
    }
    println!("{} checks in {:.0} s", results.len(), elapsed.as_secs_f64());
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {} checks failed: {}",
        failed.len(),
        results.len(),
        failed.join(", ")
    )
}

fn perform(workspace: &Workspace, check: Check, arguments: &[String]) -> Result<Outcome> {
    match check {
        Check::Fmt => shown(workspace.cargo().args(["fmt", "--all", "--check"]))?,
        Check::Leptosfmt => {
            if workspace.find("leptosfmt").is_none() {
                return Ok(Outcome::Skipped("leptosfmt is not installed"));
            }
            shown(
                workspace
                    .command("leptosfmt")
                    .args(["--check", "app/src/**/*.rs"]),
            )?;
        }
        Check::Typos => shown(&mut workspace.command("typos"))?,
        Check::Tidy => tidy::run(workspace)?,
        Check::Deny => {
            if workspace.find("cargo-deny").is_none() {
                return Ok(Outcome::Skipped("cargo-deny is not installed"));
            }
            shown(
                workspace
                    .cargo()
                    .args(["deny", "check", "licenses", "bans", "sources"]),
            )?;
        }
        Check::Machete => {
            if workspace.find("cargo-machete").is_none() {
                return Ok(Outcome::Skipped("cargo-machete is not installed"));
            }
            shown(&mut workspace.command("cargo-machete"))?;
        }
        Check::ClippyServer => clippy_server(workspace)?,
        Check::ClippyBrowser => clippy_browser(workspace)?,
        Check::Tests => tests(workspace, arguments)?,
        Check::Docs => {
            shown(workspace.cargo().args([
                "test",
                "--doc",
                "--workspace",
                "--exclude",
                "frontend",
                "--locked",
            ]))?;
        }
        Check::Specs => {
            shown(specs(workspace, "tsc").arg("--noEmit"))?;
        }
        Check::Fuzz => fuzz::check(workspace)?,
        Check::Browser => browser(workspace, arguments)?,
    }
    Ok(Outcome::Passed)
}

/// Without `frontend`: its feature `hydrate` and the server's `ssr` must not meet in one build of the app.
fn clippy_server(workspace: &Workspace) -> Result<()> {
    let mut clippy = workspace.cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--exclude",
        "frontend",
        "--all-targets",
        "--locked",
    ]);
    shown(clippy.args(["--", "-D", "warnings"]))
}

fn clippy_browser(workspace: &Workspace) -> Result<()> {
    let mut clippy = workspace.cargo();
    clippy.args([
        "clippy",
        "--package",
        "slipway-app",
        "--package",
        "frontend",
        "--features",
        "slipway-app/hydrate",
    ]);
    shown(clippy.args([
        "--target",
        "wasm32-unknown-unknown",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

fn tests(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let cluster = match Cluster::start(workspace) {
        Ok(cluster) => Some(cluster),
        Err(error) => {
            println!("PostgreSQL is skipped, the store is tested on SQLite only: {error:#}");
            None
        }
    };
    let mut runner = workspace.cargo();
    if workspace.find("cargo-nextest").is_some() {
        runner.args(["nextest", "run", "--no-fail-fast"]);
    } else {
        runner.args(["test", "--no-fail-fast", "--all-targets"]);
    }
    runner
        .args(["--workspace", "--exclude", "frontend", "--locked"])
        .args(arguments);
    if let Some(cluster) = &cluster {
        runner.env("SLIPWAY_TEST_POSTGRES_URL", cluster.url());
    }
    shown(&mut runner)
}

fn browser(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    // What an earlier run said is not to be taken for what this one says.
    let _ = std::fs::remove_file(workspace.root.join(FAILURES));
    let binary = build::everything(workspace, (Profile::Dev, Size::Any), false)?;
    let mut playwright = specs(workspace, "playwright");
    playwright
        .arg("test")
        .args(arguments)
        .env("SLIPWAY_BINARY", binary);
    crate::demo::site_settings(workspace, &mut playwright);
    shown(&mut playwright)
}

/// One of the programs of `end2end/node_modules`, in that folder.
fn specs(workspace: &Workspace, program: &str) -> Command {
    let folder = workspace.root.join("end2end");
    let file = folder.join("node_modules/.bin").join(program);
    let mut command = workspace.command(&file.to_string_lossy());
    command.current_dir(folder);
    command
}
