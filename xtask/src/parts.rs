//! Splits the browser's WASM into the part that every page loads and the parts of `app/src/part.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

/// The script that loads parts. Leptos looks for this very name.
const LOADER: &str = "__wasm_split.______________________.js";
/// What each part needs. Leptos looks for this very name and asks the browser for the parts of a page at once.
const MANIFEST: &str = "__wasm_split_manifest.json";

/// What became of the WASM.
pub struct Parts {
    /// What every page loads, for wasm-bindgen.
    pub main: PathBuf,
    /// The others, in the package folder.
    pub others: Vec<PathBuf>,
    /// The script that loads them, in the package folder.
    pub loader: PathBuf,
}

/// Splits `compiled`, which was linked with its relocations, into `package`. `script` is wasm-bindgen's.
pub fn split(compiled: &Path, package: &Path, script: &str) -> Result<Parts> {
    let bytes = fs::read(compiled).with_context(|| format!("could not read {}", compiled.display()))?;
    let main = compiled.with_file_name("main.wasm");
    let script = format!("./{script}");
    let mut options = wasm_split_cli_support::Options::new(&bytes);
    options.output_dir = package;
    options.main_out_path = &main;
    options.main_module = &script;
    let loader = format!("./{LOADER}");
    options.link_name = &loader;
    let made = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("could not split {}: {error:#}", compiled.display()))?;
    let manifest: BTreeMap<_, _> = made.prefetch_map.into_iter().collect();
    let file = package.join(MANIFEST);
    fs::write(&file, serde_json::to_vec_pretty(&manifest)?)
        .with_context(|| format!("could not write {}", file.display()))?;
    Ok(Parts {
        main,
        others: made.split_modules,
        loader: package.join(LOADER),
    })
}

/// What each part of the app loads besides what every page loads, as files of the package folder.
pub fn files(package: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let file = package.join(MANIFEST);
    let text = fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
    let manifest: BTreeMap<String, Vec<String>> = serde_json::from_slice(&text)?;
    Ok(manifest
        .into_iter()
        .map(|(part, stems)| {
            let mut files: Vec<String> = stems.into_iter().map(|stem| format!("{stem}.wasm")).collect();
            files.push(LOADER.to_owned());
            (part, files)
        })
        .collect())
}
