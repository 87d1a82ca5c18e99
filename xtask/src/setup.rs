//! What has to be on the machine, and installing what is not: Debian's packages, the wasm target, wasm-bindgen,
//! npm's packages and a spelling checker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::fingerprint::{self, Stamp};
use crate::process::{capture, run};
use crate::workspace::Workspace;

/// The oldest rustc that compiles the workspace: `rust-version` of the root Cargo.toml.
const RUSTC: (u32, u32) = (1, 95);
/// The oldest Node that npm's packages run on.
const NODE: u32 = 20;
/// The spelling checker, from Python's index because it is a finished binary there.
const TYPOS: &str = "1.52.0";
/// A GitLab client that nobody here wrote: it judges the sandbox.
const PYTHON_GITLAB: &str = "8.6.0";
/// It makes up requests from the description of the REST API.
const SCHEMATHESIS: &str = "4.32.5";

const WASM: &str = "wasm32-unknown-unknown";

/// How much of the machine a verb needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To build and start the demo.
    Demo,
    /// To run every check as well.
    Everything,
}

/// Something from Debian's packages.
struct Need {
    package: &'static str,
    scope: Scope,
    present: fn(&Workspace) -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        package: "gcc",
        scope: Scope::Demo,
        present: |w| w.find("cc").is_some(),
    },
    Need {
        package: "libc6-dev",
        scope: Scope::Demo,
        present: |_| Path::new("/usr/include/stdio.h").exists(),
    },
    Need {
        package: "pkg-config",
        scope: Scope::Demo,
        present: |w| w.find("pkg-config").is_some(),
    },
    Need {
        package: "mold",
        scope: Scope::Demo,
        present: |w| w.find("mold").is_some(),
    },
    Need {
        package: "git",
        scope: Scope::Demo,
        present: |w| w.find("git").is_some(),
    },
    Need {
        package: "python3",
        scope: Scope::Demo,
        present: |w| w.find("python3").is_some(),
    },
    Need {
        package: "rsync",
        scope: Scope::Everything,
        present: |w| w.find("rsync").is_some(),
    },
    Need {
        package: "chromium",
        scope: Scope::Everything,
        present: |w| w.find("chromium").is_some(),
    },
    Need {
        package: "fonts-noto-cjk",
        scope: Scope::Everything,
        present: |_| has_chinese_font(),
    },
    Need {
        package: "postgresql",
        scope: Scope::Everything,
        present: |w| crate::postgres::programs(w).is_some(),
    },
    Need {
        package: "python3-venv",
        scope: Scope::Everything,
        present: can_make_python_environment,
    },
];

/// Installs what is missing for the scope. Takes well under a second when nothing is.
pub fn install(workspace: &Workspace, scope: Scope) -> Result<()> {
    check_rustc(workspace)?;
    check_node(workspace)?;
    debian_packages(workspace, scope)?;
    wasm_target(workspace)?;
    wasm_bindgen(workspace)?;
    npm(workspace, &workspace.root)?;
    if scope == Scope::Everything {
        npm(workspace, &workspace.root.join("end2end"))?;
        python_tools(workspace)?;
    }
    Ok(())
}

fn check_rustc(workspace: &Workspace) -> Result<()> {
    let text = capture(workspace.command("rustc").arg("--version"))
        .context("install Rust from https://rustup.rs first")?;
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < RUSTC {
        bail!(
            "rustc {}.{} or newer is needed, this is {}: run `rustup update stable`",
            RUSTC.0,
            RUSTC.1,
            text.trim()
        );
    }
    Ok(())
}

fn check_node(workspace: &Workspace) -> Result<()> {
    let text = workspace
        .find("node")
        .map(|node| capture(Command::new(node).arg("--version")))
        .transpose()?;
    let major = text.as_deref().and_then(|text| {
        text.trim_start_matches('v')
            .split('.')
            .next()?
            .parse::<u32>()
            .ok()
    });
    match major {
        Some(major) if major >= NODE && workspace.find("npm").is_some() => Ok(()),
        Some(major) if major >= NODE => bail!("npm is missing: install it beside Node, then run this again"),
        _ => bail!(
            "Node {NODE} or newer with npm is needed, {}: install it from https://nodejs.org, then run this again",
            text.map_or_else(
                || "there is none".to_owned(),
                |text| format!("this is {}", text.trim())
            )
        ),
    }
}

fn debian_packages(workspace: &Workspace, scope: Scope) -> Result<()> {
    let wanted = |need: &&Need| scope == Scope::Everything || need.scope == Scope::Demo;
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(wanted)
        .filter(|need| !(need.present)(workspace))
        .map(|need| need.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if workspace.find("apt-get").is_none() {
        bail!(
            "these are missing: {packages} (Debian's names); install them with your system's package manager"
        );
    }
    if !is_root() {
        bail!("these are missing: run `sudo apt-get install -y --no-install-recommends {packages}`");
    }
    println!("Installing {packages}");
    let apt = |arguments: &[&str]| {
        let mut command = workspace.command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run(&mut command)
    };
    let mut arguments = vec!["install", "-y", "--no-install-recommends", "-q"];
    arguments.extend(&missing);
    // Lists may be old or absent on a fresh machine; fetch them only then.
    if apt(&arguments).is_err() {
        apt(&["update", "-q"])?;
        apt(&arguments)?;
    }
    Ok(())
}

/// Whether this process may install packages and become another user.
pub fn is_root() -> bool {
    // /proc/self belongs to the effective user.
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

fn has_chinese_font() -> bool {
    [
        "/usr/share/fonts/opentype/noto",
        "/usr/share/fonts/truetype/noto",
        "/usr/share/fonts/noto-cjk",
    ]
    .iter()
    .filter_map(|folder| fs::read_dir(folder).ok())
    .flatten()
    .flatten()
    .any(|entry| entry.file_name().to_string_lossy().contains("CJK"))
}

fn can_make_python_environment(workspace: &Workspace) -> bool {
    workspace.tools.join("python/bin/python").exists()
        || workspace.find("python3").is_some_and(|python| {
            Command::new(python)
                .args(["-c", "import ensurepip, venv"])
                .output()
                .is_ok_and(|o| o.status.success())
        })
}

fn wasm_target(workspace: &Workspace) -> Result<()> {
    let sysroot = capture(workspace.command("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).exists() {
        return Ok(());
    }
    if workspace.find("rustup").is_none() {
        bail!("this Rust has no target {WASM} and there is no rustup: install Rust from https://rustup.rs");
    }
    run(workspace.command("rustup").args(["target", "add", WASM]))
}

/// The command-line tool has to be of exactly the version of the library in Cargo.lock.
fn wasm_bindgen(workspace: &Workspace) -> Result<()> {
    let wanted = locked_version(&workspace.root.join("Cargo.lock"), "wasm-bindgen")?;
    let present = workspace
        .find("wasm-bindgen")
        .and_then(|file| capture(Command::new(file).arg("--version")).ok());
    if present.is_some_and(|text| text.split_whitespace().nth(1) == Some(wanted.as_str())) {
        return Ok(());
    }
    println!("Installing wasm-bindgen {wanted} (about two minutes)");
    let mut command = workspace.cargo();
    command.env_remove("CARGO_TARGET_DIR").args([
        "install",
        "wasm-bindgen-cli",
        "--version",
        &wanted,
        "--root",
    ]);
    run(command
        .arg(&workspace.tools)
        .args(["--bin", "wasm-bindgen", "--force", "--quiet"]))
}

/// The version of a package in Cargo.lock.
fn locked_version(lock: &Path, package: &str) -> Result<String> {
    let text = fs::read_to_string(lock).with_context(|| format!("could not read {}", lock.display()))?;
    let name = format!("name = \"{package}\"");
    let mut lines = text.lines().skip_while(|line| *line != name);
    lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .map(str::to_owned)
        .with_context(|| format!("{} does not name {package}", lock.display()))
}

/// `npm ci`, unless `node_modules` was made from this very lock file.
fn npm(workspace: &Workspace, folder: &Path) -> Result<()> {
    let fingerprint = fingerprint::of(folder, &["package.json", "package-lock.json"])?;
    let stamp = Stamp::new(folder.join("node_modules/.slipway"));
    let none: &[PathBuf] = &[];
    if stamp.matches(fingerprint, none) {
        return Ok(());
    }
    let mut command = workspace.command("npm");
    // The browser is Debian's; esbuild's and the watcher's install scripts only fetch what their packages carry.
    command
        .current_dir(folder)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    run(command.args([
        "ci",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
    ]))?;
    stamp.write(fingerprint, none)
}

/// The spelling checker and the judges of the sandbox and of the REST API, in a Python environment of their own.
fn python_tools(workspace: &Workspace) -> Result<()> {
    let environment = workspace.tools.join("python");
    let wanted = format!("typos=={TYPOS} python-gitlab=={PYTHON_GITLAB} schemathesis=={SCHEMATHESIS}");
    let kept = environment.join("slipway-tools");
    if fs::read_to_string(&kept).is_ok_and(|text| text == wanted) {
        return Ok(());
    }
    fs::create_dir_all(&workspace.tools)
        .with_context(|| format!("could not create {}", workspace.tools.display()))?;
    run(workspace
        .command("python3")
        .args(["-m", "venv"])
        .arg(&environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(wanted.split(' '));
    run(&mut pip)?;
    fs::write(&kept, wanted).with_context(|| format!("could not write {}", kept.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_package_itself() {
        let file = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        fs::write(&file, lock).unwrap();
        assert_eq!(locked_version(&file, "wasm-bindgen").unwrap(), "0.2.130");
        assert!(locked_version(&file, "leptos").is_err());
        fs::remove_file(file).unwrap();
    }
}
