//! The project's rules that no compiler checks.

mod arrows;
mod coverage;
mod locales;
mod migrations;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// One broken rule: where, and what to do about it.
pub type Finding = String;

pub fn run(workspace: &Workspace) -> Result<()> {
    let files = source_files(&workspace.root)?;
    let rules: [(&str, Vec<Finding>); 5] = [
        ("dependency arrows", arrows::check(workspace)?),
        ("sources", sources::check(&files)),
        ("permission coverage", coverage::check(&workspace.root, &files)?),
        ("locales", locales::check(&workspace.root)?),
        ("migrations", migrations::check(&workspace.root)?),
    ];
    let mut broken = 0;
    for (rule, findings) in &rules {
        for finding in findings {
            println!("{rule}: {finding}");
        }
        broken += findings.len();
    }
    if broken > 0 {
        bail!("{broken} findings");
    }
    println!("tidy: {} files, {} rules", files.len(), rules.len());
    Ok(())
}

/// A source file with its path from the workspace's root.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|end| end == "rs")
    }
}

/// Everything that people write by hand in a language with lines: Rust, TypeScript, SQL, scripts.
fn source_files(root: &Path) -> Result<Vec<Source>> {
    let mut paths = Vec::new();
    for folder in [
        "app",
        "crates",
        "end2end",
        "frontend",
        "migrations",
        "server",
        "xtask",
    ] {
        collect(&root.join(folder), &mut paths)?;
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text =
                fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
            let path = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            Ok(Source { path, text })
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            let generated = ["node_modules", "test-results", "playwright-report", "target"];
            if !generated.iter().any(|folder| name == *folder) {
                collect(&path, paths)?;
            }
        } else if path
            .extension()
            .is_some_and(|end| end == "rs" || end == "ts" || end == "mjs" || end == "sql")
        {
            paths.push(path);
        }
    }
    Ok(())
}
