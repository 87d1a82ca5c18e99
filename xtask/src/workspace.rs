//! Where things are: the workspace, its target folder and the tools that `setup` installed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

pub struct Workspace {
    /// The folder of the root Cargo.toml.
    pub root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR`, else `target/`.
    pub target: PathBuf,
    /// Where `setup` installs tools: `SLIPWAY_TOOLS`, else `~/.cache/slipway-tools`.
    pub tools: PathBuf,
}

impl Workspace {
    pub fn discover() -> Result<Self> {
        // Cargo sets the variable when it runs us; the constant serves a binary started by hand.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .context("xtask must lie in a folder of the workspace")?
            .to_path_buf();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
        let tools = match env::var_os("SLIPWAY_TOOLS") {
            Some(folder) => root.join(folder),
            None => home()?.join(".cache/slipway-tools"),
        };
        Ok(Self { root, target, tools })
    }

    /// The site that the server serves: scripts, style and their compressed twins.
    pub fn site(&self) -> PathBuf {
        self.target.join("site")
    }

    /// The search path of every program that we start: installed tools first.
    pub fn search_path(&self) -> OsString {
        let own = [
            self.tools.join("bin"),
            self.tools.join("python/bin"),
            self.root.join("node_modules/.bin"),
        ];
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = own.into_iter().chain(env::split_paths(&inherited));
        env::join_paths(folders).unwrap_or(inherited)
    }

    /// The program's file on the search path.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        env::split_paths(&self.search_path())
            .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
            .map(|folder| folder.join(program))
            .find(|file| is_executable(file))
    }

    /// A command that runs in the workspace's root with the tools on its path.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.find(program).unwrap_or_else(|| PathBuf::from(program)));
        command
            .current_dir(&self.root)
            .env("PATH", self.search_path())
            .env("CARGO_TARGET_DIR", &self.target);
        // `cargo run` describes this package in the environment; a cargo below must not inherit that.
        for (name, _) in env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR")
            {
                command.env_remove(name);
            }
        }
        command
    }

    pub fn cargo(&self) -> Command {
        self.command("cargo")
    }
}

fn home() -> Result<PathBuf> {
    env::var_os("HOME")
        .map(PathBuf::from)
        .context("HOME is not set; set SLIPWAY_TOOLS to a folder that may hold the tools")
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
