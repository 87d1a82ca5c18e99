//! Real files, from a folder beside the project.

use std::path::{Path, PathBuf};

/// The files of real projects; empty, with a word about it, where the folder is absent.
pub fn files() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract/ci/corpus");
    let mut folders = vec![folder.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                files.push((path, text));
            }
        }
    }
    if files.is_empty() {
        eprintln!("skipped: {} is absent", folder.display());
    }
    files.sort();
    files
}

/// Whether it is the file GitLab reads first.
pub fn is_root(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".gitlab-ci.yml")
}
