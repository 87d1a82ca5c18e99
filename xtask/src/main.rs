//! The project's own commands: `cargo xtask <verb>`.
//!
//! Few dependencies on purpose: this is the first thing that a newcomer compiles.

mod bench;
mod build;
mod demo;
mod fingerprint;
mod fuzz;
mod pages;
mod parts;
mod postgres;
mod process;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use workspace::Workspace;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Commands for building, trying and checking Slipway"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what is missing for building and testing; says what to install where it cannot
    Setup,
    /// Build the pages and the server without starting them
    Build(build::Options),
    /// Build everything and start the demo on <http://127.0.0.1:3000>
    Demo(demo::Options),
    /// Run every check; ends with a summary and fails if any check failed
    Test(test::Options),
    /// Check the rules that the compiler cannot: dependency arrows, coverage rows, locales, file sizes
    Tidy,
    /// Measure a release build; prints one JSON object
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = Workspace::discover().and_then(|workspace| match cli.verb {
        Verb::Setup => setup::install(&workspace, setup::Scope::Everything),
        Verb::Build(options) => build::run(&workspace, &options),
        Verb::Demo(options) => demo::run(&workspace, &options),
        Verb::Test(options) => test::run(&workspace, &options),
        Verb::Tidy => tidy::run(&workspace),
        Verb::Bench(options) => bench::run(&workspace, &options),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound_and_hands_the_demo_its_arguments() {
        <Cli as clap::CommandFactory>::command().debug_assert();
        let Verb::Demo(options) = Cli::parse_from(["xtask", "demo", "--reset", "--port", "8080"]).verb else {
            panic!("`demo` is another verb");
        };
        assert_eq!(options.arguments, ["--reset", "--port", "8080"]);
    }
}
