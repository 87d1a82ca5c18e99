//! Splits the browser's WASM into the part that every page loads and the parts of `app/src/part.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

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
    write_manifest(package, &made.prefetch_map.into_iter().collect())?;
    Ok(Parts {
        main,
        others: made.split_modules,
        loader: package.join(LOADER),
    })
}

/// What the loader of a packed part begins with.
const PACKS: &str = include_str!("packs.js");

/// What the splitter's loader has before and after the name of each module that it fetches.
const FETCHED: (&str, &str) = (
    "() => {\n    const src = fetch(new URL(\"./",
    ".wasm\", import.meta.url));\n    src.catch(() => {});\n    return async (imports) => \
     (WebAssembly.instantiateStreaming(src, imports));\n}",
);

/// Puts what each part needs into one file, `<part>.wasm`: over a hundred files a page, most of them under a kilobyte,
/// cost a third more of transfer and a request each. A module that two parts need is in both files; the browser starts
/// it once.
///
/// # Errors
/// The splitter's loader does not look as it did, or a file cannot be read or written.
pub fn pack(package: &Path, loader: &Path) -> Result<()> {
    let parts = manifest(package)?;
    for (part, stems) in &parts {
        let modules = stems
            .iter()
            .map(|stem| {
                let file = package.join(format!("{stem}.wasm"));
                let bytes = fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
                Ok((stem.as_str(), bytes))
            })
            .collect::<Result<Vec<_>>>()?;
        let file = package.join(format!("{part}.wasm"));
        fs::write(&file, packed(&modules)?).with_context(|| format!("could not write {}", file.display()))?;
    }
    let text = fs::read_to_string(loader).with_context(|| format!("could not read {}", loader.display()))?;
    fs::write(loader, unpacking(&text, parts.keys())?)?;
    for stem in parts.values().flatten().collect::<BTreeSet<_>>() {
        fs::remove_file(package.join(format!("{stem}.wasm")))?;
    }
    let one = |part: String| (part.clone(), vec![part]);
    write_manifest(package, &parts.into_keys().map(one).collect())
}

/// A WebAssembly module of custom sections: their names, and what is in them.
fn packed(modules: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut pack = b"\0asm\x01\0\0\0".to_vec();
    for (name, bytes) in modules {
        let mut content = Vec::new();
        number(&mut content, name.len())?;
        content.extend_from_slice(name.as_bytes());
        content.extend_from_slice(bytes);
        pack.push(0);
        number(&mut pack, content.len())?;
        pack.extend(content);
    }
    Ok(pack)
}

/// LEB128, as WebAssembly writes sizes.
fn number(to: &mut Vec<u8>, mut value: usize) -> Result<()> {
    loop {
        let low = u8::try_from(value & 127)?;
        value >>= 7;
        if value == 0 {
            to.push(low);
            return Ok(());
        }
        to.push(low | 128);
    }
}

/// The splitter's loader, made to take each module out of the file of the part that asks for it.
fn unpacking<'a>(loader: &str, parts: impl Iterator<Item = &'a String>) -> Result<String> {
    let changed = "wasm_split_cli_support writes another loader than it did; see xtask/src/parts.rs";
    let mut pieces = loader.split(FETCHED.0);
    let mut text = String::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (stem, rest) = piece.split_once(FETCHED.1).context(changed)?;
        text.extend(["module(\"", stem, "\")", rest]);
    }
    ensure!(text.contains("module(") && !text.contains("fetch("), changed);
    // What several parts share needs no name here: it is in the pack of each.
    let mut shared = text.split("const __chunk_");
    let mut own = String::from(shared.next().unwrap_or_default());
    for piece in shared {
        let (chunk, rest) = piece.split_once("\n, []);\n").context(changed)?;
        ensure!(
            chunk.contains(" = makeLoad(module(") && !chunk.contains('\n'),
            changed
        );
        own.push_str(rest);
    }
    let mut text = own;
    for part in parts {
        let before = format!("export const __wasm_split_load_{part} = wrapAsyncCb(makeLoad(");
        let (head, tail) = text.split_once(&before).context(changed)?;
        let (_, rest) = tail.split_once("]));\n").context(changed)?;
        text =
            format!("{head}export const __wasm_split_load_{part} = wrapAsyncCb(part(\"{part}\"));\n{rest}");
    }
    ensure!(!text.contains("module("), changed);
    Ok(text + PACKS)
}

/// What each part of the app loads besides what every page loads, as files of the package folder.
pub fn files(package: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    Ok(manifest(package)?
        .into_iter()
        .map(|(part, stems)| {
            let mut files: Vec<String> = stems.into_iter().map(|stem| format!("{stem}.wasm")).collect();
            files.push(LOADER.to_owned());
            (part, files)
        })
        .collect())
}

/// The files of each part, without their ending.
type Manifest = BTreeMap<String, Vec<String>>;

fn manifest(package: &Path) -> Result<Manifest> {
    let file = package.join(MANIFEST);
    let text = fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

fn write_manifest(package: &Path, manifest: &Manifest) -> Result<()> {
    let file = package.join(MANIFEST);
    fs::write(&file, serde_json::to_vec_pretty(manifest)?)
        .with_context(|| format!("could not write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_a_module_whose_sections_have_the_modules() {
        let long = vec![7; 300];
        let pack = packed(&[("one", vec![1, 2]), ("chunk_2", long.clone())]).unwrap();
        assert_eq!(pack[..8], *b"\0asm\x01\0\0\0");
        assert_eq!(pack[8..16], [0, 6, 3, b'o', b'n', b'e', 1, 2]);
        // 308 bytes: 1 of the name's length, 7 of the name, 300 of the module.
        assert_eq!(pack[16..20], [0, 0b1011_0100, 2, 7]);
        assert!(pack.ends_with(&long));
    }

    #[test]
    fn a_loader_takes_its_modules_out_of_the_pack() {
        let fetcher = |name: &str| format!("{}{name}{}\n", FETCHED.0, FETCHED.1);
        let loader = format!(
            "const __chunk_1 = makeLoad({}, []);\n\
             export const __wasm_split_load_places = wrapAsyncCb(makeLoad({}, [__chunk_1]));\n",
            fetcher("chunk_1"),
            fetcher("split_places")
        );
        let text = unpacking(&loader, [String::from("places")].iter()).unwrap();
        assert!(
            text.starts_with("export const __wasm_split_load_places = wrapAsyncCb(part(\"places\"));\n"),
            "{text}"
        );
        assert!(unpacking("something else", std::iter::empty()).is_err());
    }
}
