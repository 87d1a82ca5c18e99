//! The files that a job kept: the tree of its archive.

use crate::id::JobId;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most files of an archive that are listed.
pub const MOST_FILES: usize = 20_000;
/// The longest path that is taken, in bytes.
const LONGEST_PATH: usize = 1024;

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFile {
    /// Its path, with `/` between folders.
    pub path: String,
    /// Its size when unpacked, in bytes.
    pub size: i64,
}

/// The archive of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// What it is called, as in `artifacts.zip`.
    pub filename: String,
    /// Its size as it is, in bytes.
    pub size: i64,
    /// When GitLab deletes it; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Its files, by path.
    pub files: Vec<ArchiveFile>,
    /// How many files are not among them.
    pub left_out: usize,
    /// Why its files are not listed.
    pub unlisted: Option<Text>,
}

/// A line of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// Its path in the archive.
    pub path: String,
    /// How many files it holds, of a folder; `None`: a file.
    pub files: Option<usize>,
    /// Its size, of a folder that of all in it, in bytes.
    pub size: i64,
}

/// What the page of a job's files shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactView {
    /// Where.
    pub place: Place,
    /// The run's number.
    pub number: i64,
    /// The job.
    pub job: JobId,
    /// Its name.
    pub job_name: String,
    /// The folder that is shown; empty: the archive itself.
    pub folder: String,
    /// What is in it: folders first, then files, by name.
    pub entries: Vec<Entry>,
    /// The archive, without its files; `None`: the job keeps none, or none any more.
    pub archive: Option<Archive>,
    /// Whether it is past its time.
    pub expired: bool,
    /// When GitLab said this.
    pub as_of: Option<Timestamp>,
    /// Why GitLab says nothing now.
    pub trouble: Option<Text>,
}

/// Whether `path` names something inside of an archive and nothing else: no way up, no root, no drive, no odd characters.
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= LONGEST_PATH
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

/// The name under which a file is saved: the last part of its path, in characters that every header takes.
pub fn file_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-+ ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let name = name.trim_matches([' ', '.']).to_owned();
    if name.is_empty() {
        String::from("file")
    } else {
        name
    }
}

/// What is in `folder`; `None`: there is no such folder.
pub fn entries(files: &[ArchiveFile], folder: &str) -> Option<Vec<Entry>> {
    let prefix = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    };
    let mut folders: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
    let mut here = Vec::new();
    for file in files {
        let Some(rest) = file.path.strip_prefix(&prefix) else {
            continue;
        };
        if let Some((name, _)) = rest.split_once('/') {
            let (count, size) = folders.entry(name).or_default();
            *count += 1;
            *size = size.saturating_add(file.size);
        } else {
            here.push(Entry {
                name: rest.to_owned(),
                path: file.path.clone(),
                files: None,
                size: file.size,
            });
        }
    }
    if folders.is_empty() && here.is_empty() && !folder.is_empty() {
        return None;
    }
    here.sort_by(|a, b| a.name.cmp(&b.name));
    let folders = folders.into_iter().map(|(name, (count, size))| Entry {
        name: name.to_owned(),
        path: format!("{prefix}{name}"),
        files: Some(count),
        size,
    });
    Some(folders.chain(here).collect())
}

/// A size for people: `640 B`, `12.3 KB`, `4.0 MB`.
pub fn size_word(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(paths: &[&str]) -> Vec<ArchiveFile> {
        paths
            .iter()
            .map(|path| ArchiveFile {
                path: (*path).to_owned(),
                size: 10,
            })
            .collect()
    }

    #[test]
    fn a_folder_shows_its_folders_then_its_files() {
        let all = files(&["b.txt", "dist/a.js", "dist/css/x.css", "dist/css/y.css", "a.txt"]);
        let root = entries(&all, "").unwrap();
        let names: Vec<_> = root
            .iter()
            .map(|entry| (entry.name.as_str(), entry.files, entry.size))
            .collect();
        assert_eq!(
            names,
            [("dist", Some(3), 30), ("a.txt", None, 10), ("b.txt", None, 10)]
        );
        let css = entries(&all, "dist/css").unwrap();
        assert_eq!(css[0].path, "dist/css/x.css");
        assert!(entries(&all, "dis").is_none() && entries(&all, "nowhere").is_none());
        assert_eq!(entries(&[], "").unwrap(), []);
    }

    #[test]
    fn nothing_outside_of_an_archive_has_a_path() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "C:\\x",
            "a\0b",
            "a\nb",
            "a/..",
            &"x/".repeat(600),
        ] {
            assert!(!is_inside(bad), "{bad:?}");
        }
        for good in ["a", "a/b.txt", "..a/b..", "中/文 件.txt", "a/...", "%2e%2e/x"] {
            assert!(is_inside(good), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn a_saved_name_is_one_name(path in ".{0,60}") {
            let name = file_name(&path);
            prop_assert!(!name.is_empty() && !name.starts_with('.'));
            prop_assert!(name.chars().all(|c| c.is_ascii_graphic() || c == ' '));
            prop_assert!(!name.contains(['/', '\\', '"', ';']));
        }

        #[test]
        fn every_file_is_in_exactly_one_line_of_each_of_its_folders(
            paths in prop::collection::btree_set("[ab]{1,2}(/[ab]{1,2}){0,3}\\.x", 1..20)
        ) {
            let all: Vec<ArchiveFile> = paths.iter().map(|path| ArchiveFile { path: path.clone(), size: 1 }).collect();
            let counted: i64 = entries(&all, "").unwrap().iter().map(|entry| entry.size).sum();
            prop_assert_eq!(usize::try_from(counted).unwrap(), all.len());
            for file in &all {
                prop_assert!(is_inside(&file.path));
                let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let lines = entries(&all, folder).unwrap();
                prop_assert_eq!(lines.iter().filter(|entry| entry.path == file.path && entry.files.is_none()).count(), 1);
            }
        }

        #[test]
        fn a_size_is_short(bytes in 0i64..i64::MAX) {
            prop_assert!(size_word(bytes).len() <= 14);
        }
    }

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(size_word(640), "640 B");
        assert_eq!(size_word(12_595), "12.3 KB");
        assert_eq!(size_word(4 * 1024 * 1024), "4.0 MB");
    }
}
