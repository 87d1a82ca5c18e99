//! Artifacts and caches: files by pattern into a zip and back, and what reports say.

use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;
use regex::Regex;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

/// The files under `root` that the patterns name; a folder stands for all that is in it.
pub fn matching(root: &Path, patterns: &[String], exclude: &[String]) -> Vec<PathBuf> {
    let compile = |pattern: &String| {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .ok()
            .map(|glob| glob.compile_matcher())
    };
    let wanted: Vec<_> = patterns.iter().filter_map(compile).collect();
    let refused: Vec<_> = exclude.iter().filter_map(compile).collect();
    let named = |path: &Path| {
        wanted
            .iter()
            .any(|glob| path.ancestors().any(|part| glob.is_match(part)))
    };
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.retain(|path| {
        (patterns.iter().any(|p| p == "." || p == "./") || named(path))
            && !refused.iter().any(|glob| glob.is_match(path))
    });
    found.sort();
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && entry.file_name() != ".git" {
            walk(root, &path, found);
        } else if kind.is_file()
            && let Ok(relative) = path.strip_prefix(root)
        {
            found.push(relative.to_owned());
        }
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).map_or(0o644, |meta| meta.permissions().mode())
}

/// Packs files into a zip; answers its size in bytes.
pub fn pack(root: &Path, files: &[PathBuf], archive: &Path) -> anyhow::Result<u64> {
    if let Some(folder) = archive.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut zip = zip::ZipWriter::new(std::fs::File::create(archive)?);
    for file in files {
        let path = root.join(file);
        let options = SimpleFileOptions::default().unix_permissions(mode(&path));
        zip.start_file(file.to_string_lossy(), options)?;
        zip.write_all(&std::fs::read(&path)?)?;
    }
    zip.finish()?;
    Ok(std::fs::metadata(archive)?.len())
}

pub fn unpack(archive: &Path, root: &Path) -> anyhow::Result<()> {
    zip::ZipArchive::new(std::fs::File::open(archive)?)?.extract(root)?;
    Ok(())
}

/// One file out of a zip.
pub fn entry(archive: &Path, name: &str) -> Option<Vec<u8>> {
    let safe = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).ok()?).ok()?;
    let mut file = zip.by_name(name).ok().filter(|_| safe)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// `KEY=value` lines; quotes around a value are taken off.
pub fn dotenv(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.trim().split_once('='))
        .filter(|(key, _)| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .map(|(key, value)| {
            (
                key.to_owned(),
                value.trim_matches('"').trim_matches('\'').to_owned(),
            )
        })
        .collect()
}

/// A `JUnit` file as a suite of GitLab's test report.
pub fn junit(text: &str, name: &str) -> Value {
    let case = Regex::new(r"(?s)<testcase\b([^>]*?)(/>|>(.*?)</testcase>)");
    let Ok(case) = case else { return Value::Null };
    let mut cases = Vec::new();
    for found in case.captures_iter(text) {
        let attributes = &found[1];
        let inside = found.get(3).map_or("", |inside| inside.as_str());
        let (status, tag) = if inside.contains("<failure") {
            ("failed", "failure")
        } else if inside.contains("<error") {
            ("error", "error")
        } else if inside.contains("<skipped") {
            ("skipped", "skipped")
        } else {
            ("success", "")
        };
        let seconds: f64 = attribute(attributes, "time")
            .and_then(|time| time.parse().ok())
            .unwrap_or_default();
        cases.push(json!({
            "status": status,
            "name": attribute(attributes, "name").unwrap_or_default(),
            "classname": attribute(attributes, "classname").unwrap_or_default(),
            "file": attribute(attributes, "file"),
            "execution_time": seconds,
            "system_output": output(inside, tag),
            "stack_trace": null,
        }));
    }
    suite(name, cases)
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let at = Regex::new(&format!(r#"(?:^|\s){name}\s*=\s*"([^"]*)""#)).ok()?;
    at.captures(attributes).map(|found| unescape(&found[1]))
}

fn output(inside: &str, tag: &str) -> Value {
    if tag.is_empty() || tag == "skipped" {
        return Value::Null;
    }
    let body = Regex::new(&format!(r"(?s)<{tag}\b([^>]*?)(?:/>|>(.*?)</{tag}>)"));
    let Some(found) = body.ok().and_then(|body| body.captures(inside)) else {
        return Value::Null;
    };
    let text = found.get(2).map_or("", |text| text.as_str()).trim();
    let text = text.trim_start_matches("<![CDATA[").trim_end_matches("]]>");
    let text = if text.is_empty() {
        attribute(&found[1], "message").unwrap_or_default()
    } else {
        unescape(text)
    };
    Value::String(text)
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#10;", "\n")
        .replace("&amp;", "&")
}

/// A suite with its counts.
pub fn suite(name: &str, cases: Vec<Value>) -> Value {
    let count = |status: &str| cases.iter().filter(|case| case["status"] == status).count();
    let total: f64 = cases
        .iter()
        .filter_map(|case| case["execution_time"].as_f64())
        .sum();
    json!({
        "name": name,
        "total_time": (total * 1000.0).round() / 1000.0,
        "total_count": cases.len(),
        "success_count": count("success"),
        "failed_count": count("failed"),
        "skipped_count": count("skipped"),
        "error_count": count("error"),
        "suite_error": null,
        "test_cases": cases,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_junit_file_becomes_a_suite_with_counts() {
        let text = r#"<testsuites><testsuite name="s"><testcase name="a" classname="c" time="0.5"/>
            <testcase name="b &amp; c" time="1"><failure message="no">expected &lt;1&gt;</failure></testcase>
            <testcase name="d"><skipped/></testcase></testsuite></testsuites>"#;
        let suite = junit(text, "unit");
        assert_eq!(suite["total_count"], 3);
        assert_eq!(suite["failed_count"], 1);
        assert_eq!(suite["skipped_count"], 1);
        assert_eq!(suite["test_cases"][1]["name"], "b & c");
        assert_eq!(suite["test_cases"][1]["system_output"], "expected <1>");
    }

    #[test]
    fn folders_and_patterns_name_files_and_a_zip_gives_them_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for path in ["dist/a/b.txt", "c.log", "d.txt"] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(&path, "text").expect("written");
        }
        let files = matching(root, &["dist/".into(), "*.log".into()], &[]);
        assert_eq!(files, [PathBuf::from("c.log"), PathBuf::from("dist/a/b.txt")]);
        let archive = root.join("out.zip");
        pack(root, &files, &archive).expect("packed");
        assert_eq!(entry(&archive, "dist/a/b.txt"), Some(b"text".to_vec()));
        assert_eq!(entry(&archive, "../d.txt"), None);
    }

    #[test]
    fn dotenv_lines_become_variables() {
        assert_eq!(
            dotenv("A=1\n# x\nB=\"two words\"\n"),
            [("A".into(), "1".into()), ("B".into(), "two words".into())]
        );
    }
}
