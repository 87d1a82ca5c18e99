//! The program `slipway`.

use slipway_server::command::Command;
use std::process::ExitCode;

/// A developer portal over GitLab and Kubernetes.
#[derive(clap::Parser)]
#[command(name = "slipway", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let Arguments { command } = clap::Parser::parse();
    // Rendering a page nests deeply, more so in a build without optimization.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(8 * 1024 * 1024)
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(command.run()),
        Err(error) => Err(anyhow_of(error)),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("slipway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn anyhow_of(error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context("the threads could not be started")
}
