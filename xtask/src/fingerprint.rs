//! Whether sources changed since the last build, by content, so that a fresh checkout of the same tree counts as
//! unchanged and an edit that keeps the modification time does not.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A number that changes when any file below the given paths changes, appears or disappears.
pub fn of(root: &Path, paths: &[&str]) -> Result<u64> {
    let mut files = Vec::new();
    for path in paths {
        collect(&root.join(path), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        file.strip_prefix(root).unwrap_or(file).hash(&mut hasher);
        fs::read(file)
            .with_context(|| format!("could not read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(data) = fs::metadata(path) else {
        return Ok(());
    };
    if data.is_file() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("could not list {}", path.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name != "node_modules" && name != "target" && !name.to_string_lossy().starts_with('.') {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

/// What a build made from which sources, kept next to the product.
pub struct Stamp {
    file: PathBuf,
}

impl Stamp {
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Whether the stamp says that `products` were made from sources with this fingerprint and that nobody has
    /// touched them since.
    pub fn matches(&self, fingerprint: u64, products: &[PathBuf]) -> bool {
        match (fs::read_to_string(&self.file), describe(fingerprint, products)) {
            (Ok(kept), Ok(now)) => kept == now,
            _ => false,
        }
    }

    pub fn write(&self, fingerprint: u64, products: &[PathBuf]) -> Result<()> {
        fs::write(&self.file, describe(fingerprint, products)?)
            .with_context(|| format!("could not write {}", self.file.display()))
    }
}

fn describe(fingerprint: u64, products: &[PathBuf]) -> Result<String> {
    let mut text = format!("{fingerprint:016x}\n");
    for product in products {
        let data = fs::metadata(product).with_context(|| format!("{} is missing", product.display()))?;
        writeln!(
            text,
            "{} {:?} {}",
            data.len(),
            data.modified()?,
            product.display()
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("src")).unwrap();
        folder
    }

    #[test]
    fn a_fingerprint_follows_the_content_of_files() {
        let root = scratch("fingerprint");
        fs::write(root.join("src/a.rs"), "fn a() {}").unwrap();
        let first = of(&root, &["src"]).unwrap();
        assert_eq!(first, of(&root, &["src", "absent"]).unwrap());
        fs::write(root.join("src/a.rs"), "fn b() {}").unwrap();
        let edited = of(&root, &["src"]).unwrap();
        assert_ne!(first, edited);
        fs::rename(root.join("src/a.rs"), root.join("src/b.rs")).unwrap();
        assert_ne!(edited, of(&root, &["src"]).unwrap());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_stamp_holds_only_while_the_product_is_untouched() {
        let root = scratch("stamp");
        let product = root.join("slipway");
        fs::write(&product, "binary").unwrap();
        let stamp = Stamp::new(root.join("stamp"));
        let products = [product.clone()];
        assert!(!stamp.matches(7, &products));
        stamp.write(7, &products).unwrap();
        assert!(stamp.matches(7, &products));
        assert!(!stamp.matches(8, &products));
        fs::write(&product, "another binary").unwrap();
        assert!(!stamp.matches(7, &products));
        fs::remove_dir_all(root).unwrap();
    }
}
