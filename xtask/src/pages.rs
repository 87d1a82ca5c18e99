//! The browser's part: Rust → wasm → wasm-bindgen → wasm-opt, style, minified script, compressed twins.
//!
//! The same steps as `cargo leptos build`, without that tool: compiling it costs a fresh machine ten minutes, and
//! it cannot mix a small wasm with a quickly built server. docs/adr/ says more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::fingerprint::{self, Stamp};
use crate::parts;
use crate::process::{capture, run, run_labelled};
use crate::workspace::Workspace;

/// The profile of the root Cargo.toml that makes wasm small.
const PROFILE: &str = "wasm-release";

/// What wasm-bindgen calls the program beside `slipway.js`.
const WASM: &str = "slipway_bg.wasm";
/// What starts it.
const SCRIPT: &str = "slipway.js";

/// What only the editor's page, the part `studio`, looks like.
const STUDIO_STYLE: &str = "editor.css";

/// Everything that ends up in the site. Tailwind reads class names from app/.
const SOURCES: &[&str] = &[
    "app",
    "frontend",
    "crates/domain",
    "style",
    "public",
    "Cargo.toml",
    "Cargo.lock",
    "package-lock.json",
    "xtask/src/pages.rs",
    "xtask/src/parts.rs",
    "xtask/src/packs.js",
    ".cargo/config.toml",
    "xtask/optimize.mjs",
    "xtask/precompress.mjs",
];

/// Features that every browser of the last three years has; what rustc emits by default needs them.
const WASM_FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// How small the pages are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As small as they get: what people load.
    Small,
    /// As the compiler leaves them: for browser specs, which look at what pages do. `wasm-opt` is half of a build.
    Any,
}

/// Builds the site, unless it was built from these very sources. Returns whether it had to.
pub fn build(workspace: &Workspace, force: bool, wanted: Size) -> Result<bool> {
    let site = workspace.site();
    let package = site.join("pkg");
    let products = [WASM, SCRIPT, "slipway.css", STUDIO_STYLE].map(|name| package.join(name));
    let stamp = Stamp::new(workspace.target.join("site.stamp"));
    let fingerprint = fingerprint::of(&workspace.root, SOURCES)?;
    // Both kinds stand in the same place: a stamp holds for what is there. What is small will do where any size does.
    let quick = Stamp::new(workspace.target.join("site-quick.stamp"));
    let known = stamp.matches(fingerprint, &products)
        || (wanted == Size::Any && quick.matches(fingerprint, &products));
    if !force && known {
        return Ok(false);
    }
    let mut cargo = workspace.cargo();
    cargo.args([
        "build",
        "--package",
        "frontend",
        "--lib",
        "--target",
        "wasm32-unknown-unknown",
    ]);
    run_labelled("pages", cargo.args(["--profile", PROFILE, "--locked"]))?;
    fresh_folder(&site)?;
    fs::create_dir_all(&package).with_context(|| format!("could not create {}", package.display()))?;
    copy_public_files(workspace, &site)?;
    script_and_wasm(workspace, &package, wanted)?;
    style(workspace, &package)?;
    run(workspace
        .command("node")
        .arg(workspace.root.join("xtask/precompress.mjs"))
        .arg(&site))?;
    let built = if wanted == Size::Small { stamp } else { quick };
    built.write(fingerprint, &products)?;
    Ok(true)
}

fn fresh_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not clear {}", folder.display()))?;
    }
    Ok(())
}

/// Files that are served as they are (icons, robots.txt), from `public/` into the site's root.
fn copy_public_files(workspace: &Workspace, site: &Path) -> Result<()> {
    let public = workspace.root.join("public");
    if public.is_dir() {
        capture(workspace.command("cp").arg("-R").arg(public.join(".")).arg(site))?;
    }
    Ok(())
}

fn script_and_wasm(workspace: &Workspace, package: &Path, size: Size) -> Result<()> {
    let compiled = workspace
        .target
        .join("wasm32-unknown-unknown")
        .join(PROFILE)
        .join("frontend.wasm");
    let parts = parts::split(&compiled, package, SCRIPT)?;
    let mut bindgen = workspace.command("wasm-bindgen");
    bindgen.args([
        "--target=web",
        "--no-typescript",
        // The parts share the main part's table.
        "--keep-lld-exports",
        "--out-name=slipway",
        "--out-dir",
    ]);
    run(bindgen.arg(package).arg(parts.main))?;

    // Leptos looks for this name wherever LEPTOS_OUTPUT_NAME was not set while it was compiled.
    let mut modules = parts.others;
    modules.push(package.join(WASM));
    if size == Size::Small {
        optimize(workspace, &modules)?;
    }
    parts::pack(package, &parts.loader)?;
    for script in [&package.join(SCRIPT), &parts.loader] {
        let mut minifier = workspace.command("esbuild");
        minifier.arg(script).args([
            "--minify",
            "--format=esm",
            "--target=es2022",
            "--log-level=warning",
        ]);
        run(minifier.arg("--allow-overwrite").arg(outfile(script)))?;
    }
    Ok(())
}

/// From how many bytes on a module is worth a process of its own.
const LARGE: u64 = 48 * 1024;

/// Makes the modules small, two at a time: there are hundreds. All small ones are one piece of work.
fn optimize(workspace: &Workspace, modules: &[PathBuf]) -> Result<()> {
    println!("wasm-opt of {} modules", modules.len());
    let is_large = |wasm: &&PathBuf| fs::metadata(wasm).is_ok_and(|data| data.len() >= LARGE);
    let (large, small): (Vec<&PathBuf>, Vec<&PathBuf>) = modules.iter().partition(is_large);
    let left = Mutex::new(large);
    let next = || left.lock().ok().and_then(|mut left| left.pop());
    let large = || {
        while let Some(wasm) = next() {
            let mut optimizer = workspace.command("wasm-opt");
            // Read as structured code once, so that its blocks are made anew, then twice for size.
            optimizer
                .args(["--flatten", "--rereloop", "-Oz", "-Oz", "--converge"])
                .args(WASM_FEATURES);
            optimizer.args(["--strip-producers", "--strip-target-features"]);
            capture(optimizer.arg(wasm).arg("-o").arg(wasm))?;
        }
        Ok(())
    };
    let small = || {
        let mut node = workspace.command("node");
        node.arg(workspace.root.join("xtask/optimize.mjs"));
        capture(node.args(&small)).and_then(|_| large())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(small);
        let own = large();
        own.and(
            other
                .join()
                .unwrap_or_else(|_| bail!("a thread of wasm-opt ended early")),
        )
    })
}

fn outfile(file: &Path) -> String {
    format!("--outfile={}", file.display())
}

fn style(workspace: &Workspace, package: &Path) -> Result<()> {
    let mut tailwind = workspace.command("tailwindcss");
    tailwind.args(["--input", "style/tailwind.css", "--minify", "--output"]);
    run(tailwind.arg(package.join("slipway.css")))?;
    let mut minifier = workspace.command("esbuild");
    minifier.args(["style/editor.css", "--minify", "--log-level=warning"]);
    run(minifier.arg(outfile(&package.join(STUDIO_STYLE))))
}

/// Bytes that a browser fetches, brotli-compressed.
pub struct Weight {
    /// What every page needs, file by file.
    pub every_page: BTreeMap<&'static str, u64>,
    /// What the pages of each part need besides.
    pub parts: BTreeMap<String, u64>,
}

/// What the pages weigh.
pub fn weight(workspace: &Workspace) -> Result<Weight> {
    let package = workspace.site().join("pkg");
    let size = |name: &str| -> Result<u64> {
        let file: PathBuf = package.join(format!("{name}.br"));
        let data = fs::metadata(&file).with_context(|| format!("{} is missing", file.display()))?;
        Ok(data.len())
    };
    let every_page = [WASM, SCRIPT, "slipway.css"]
        .into_iter()
        .map(|name| Ok((name, size(name)?)))
        .collect::<Result<_>>()?;
    let parts = parts::files(&package)?
        .into_iter()
        .map(|(part, files)| {
            let style = if part == "studio" { size(STUDIO_STYLE)? } else { 0 };
            let bytes = files.iter().map(|file| size(file)).sum::<Result<u64>>()?;
            Ok((part, bytes + style))
        })
        .collect::<Result<_>>()?;
    Ok(Weight { every_page, parts })
}
