//! Bare repositories, through the `git` program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// The id that git gives to nothing.
pub const NOTHING: &str = "0000000000000000000000000000000000000000";

/// One bare repository on disk.
#[derive(Clone, Debug)]
pub struct Repository {
    pub dir: PathBuf,
}

/// A commit as `git log` tells it; instants in GitLab's format.
#[derive(Clone, Debug)]
pub struct Commit {
    pub id: String,
    pub parents: Vec<String>,
    pub author_name: String,
    pub author_email: String,
    pub authored_date: String,
    pub committer_name: String,
    pub committer_email: String,
    pub committed_date: String,
    pub message: String,
}

impl Commit {
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// GitLab's commit entity; `project_url` is the project's web address.
    pub fn to_json(&self, project_url: &str) -> Value {
        json!({
            "id": self.id,
            "short_id": &self.id[..8],
            "created_at": self.committed_date,
            "parent_ids": self.parents,
            "title": self.title(),
            "message": self.message,
            "author_name": self.author_name,
            "author_email": self.author_email,
            "authored_date": self.authored_date,
            "committer_name": self.committer_name,
            "committer_email": self.committer_email,
            "committed_date": self.committed_date,
            "trailers": {},
            "extended_trailers": {},
            "web_url": format!("{project_url}/-/commit/{}", self.id),
        })
    }
}

/// An entry of a tree.
#[derive(Clone, Debug)]
pub struct Entry {
    pub mode: String,
    pub kind: String,
    pub id: String,
    pub path: String,
}

/// One change of a commit through the API.
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes a file, executable or not (none keeps the mode).
    Write {
        path: String,
        content: Vec<u8>,
        executable: Option<bool>,
    },
    Delete {
        path: String,
    },
    Move {
        from: String,
        to: String,
        content: Option<Vec<u8>>,
    },
    Chmod {
        path: String,
        executable: bool,
    },
}

/// Who writes a commit.
#[derive(Clone, Debug)]
pub struct Signature {
    pub name: String,
    pub email: String,
}

impl Repository {
    pub fn init(dir: &Path, default_branch: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let repository = Self { dir: dir.to_owned() };
        let head = format!("--initial-branch={default_branch}");
        repository.text(&["init", "--bare", "--quiet", &head, "."])?;
        repository.text(&["config", "http.receivepack", "true"])?;
        repository.text(&["config", "uploadpack.allowAnySHA1InWant", "true"])?;
        Ok(repository)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(&self.dir)
            .env("GIT_DIR", &self.dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("LC_ALL", "C");
        command
    }

    /// Runs git with `input` on its stdin; answers its stdout, or its stderr as the error.
    pub fn run(&self, args: &[&str], env: &[(&str, &str)], input: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut child = self
            .command(args)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the git program does not start; install git")?;
        let mut stdin = child.stdin.take().context("git has no stdin")?;
        let input = input.to_vec();
        // git may end without reading; that is its answer, not a failure to write.
        let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
        let output = child.wait_with_output()?;
        writer
            .join()
            .map_err(|_| anyhow::anyhow!("writing to git panicked"))?;
        if !output.status.success() {
            bail!(
                "git {}: {}",
                args.first().unwrap_or(&""),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(output.stdout)
    }

    pub fn text(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self
            .command(args)
            .stdin(Stdio::null())
            .output()
            .context("git does not start")?;
        if !output.status.success() {
            bail!(
                "git {}: {}",
                args.first().unwrap_or(&""),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The commit that `name` (branch, tag, id) points at.
    pub fn resolve(&self, name: &str) -> Option<String> {
        if name.is_empty() || name.starts_with('-') {
            return None;
        }
        let candidates = [
            format!("refs/heads/{name}"),
            format!("refs/tags/{name}"),
            name.to_owned(),
        ];
        candidates.iter().find_map(|candidate| {
            let spec = format!("{candidate}^{{commit}}");
            self.text(&["rev-parse", "--verify", "--quiet", &spec])
                .ok()
                .map(|sha| sha.trim().to_owned())
        })
    }

    pub fn branch(&self, name: &str) -> Option<String> {
        let spec = format!("refs/heads/{name}^{{commit}}");
        self.text(&["rev-parse", "--verify", "--quiet", &spec])
            .ok()
            .map(|sha| sha.trim().to_owned())
    }

    pub fn tag(&self, name: &str) -> Option<String> {
        let spec = format!("refs/tags/{name}^{{commit}}");
        self.text(&["rev-parse", "--verify", "--quiet", &spec])
            .ok()
            .map(|sha| sha.trim().to_owned())
    }

    pub fn is_empty(&self) -> bool {
        self.refs().is_empty()
    }

    /// All refs with the object each points at.
    pub fn refs(&self) -> Vec<(String, String)> {
        let listed = self.text(&[
            "for-each-ref",
            "--format=%(refname) %(objectname)",
            "refs/heads",
            "refs/tags",
        ]);
        listed
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    /// `git log` with `args` (a range, `--max-count=…`, `-- path`).
    pub fn log(&self, args: &[&str]) -> anyhow::Result<Vec<Commit>> {
        let format = "--format=%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e";
        let mut all = vec!["log", format];
        all.extend(args);
        Ok(self.text(&all)?.split('\u{1e}').filter_map(read_commit).collect())
    }

    pub fn commit(&self, sha: &str) -> Option<Commit> {
        self.log(&["--max-count=1", sha]).ok()?.pop()
    }

    pub fn tree(&self, sha: &str, path: &str, recursive: bool) -> Option<Vec<Entry>> {
        let path = path.trim_matches('/');
        let at = if path.is_empty() {
            sha.to_owned()
        } else {
            format!("{sha}:{path}")
        };
        let mut args = vec!["ls-tree", "-z", "--full-tree"];
        if recursive {
            args.extend(["-r", "-t"]);
        }
        args.push(&at);
        let listed = self.text(&args).ok()?;
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let mut entries: Vec<Entry> = listed
            .split('\0')
            .filter_map(|line| {
                let (meta, name) = line.split_once('\t')?;
                let mut meta = meta.split(' ');
                Some(Entry {
                    mode: meta.next()?.to_owned(),
                    kind: meta.next()?.to_owned(),
                    id: meta.next()?.to_owned(),
                    path: format!("{prefix}{name}"),
                })
            })
            .collect();
        if !recursive {
            entries.sort_by_key(|entry| entry.kind != "tree");
        }
        Some(entries)
    }

    /// Every file's path at a commit.
    pub fn files(&self, sha: &str) -> Vec<String> {
        let listed = self.text(&["ls-tree", "-z", "-r", "--name-only", "--full-tree", sha]);
        listed
            .unwrap_or_default()
            .split('\0')
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A file's blob id, mode and content at a commit.
    pub fn file(&self, sha: &str, path: &str) -> Option<(Entry, Vec<u8>)> {
        let path = path.trim_start_matches('/');
        let listed = self
            .text(&["ls-tree", "-z", "--full-tree", sha, "--", path])
            .ok()?;
        let (meta, name) = listed.split('\0').next()?.split_once('\t')?;
        let mut meta = meta.split(' ');
        let entry = Entry {
            mode: meta.next()?.to_owned(),
            kind: meta.next()?.to_owned(),
            id: meta.next()?.to_owned(),
            path: name.to_owned(),
        };
        if entry.kind != "blob" {
            return None;
        }
        let content = self.run(&["cat-file", "blob", &entry.id], &[], b"").ok()?;
        Some((entry, content))
    }

    /// Moves a ref, when it still points at `old` (`NOTHING` when it must not exist).
    pub fn update_ref(&self, name: &str, new: &str, old: &str) -> anyhow::Result<()> {
        self.text(&["update-ref", name, new, old]).map(drop)
    }

    pub fn delete_ref(&self, name: &str) -> anyhow::Result<()> {
        self.text(&["update-ref", "-d", name]).map(drop)
    }

    /// Makes a commit on top of `parent` (none: a root commit) and answers its id; moves no ref.
    pub fn write_commit(
        &self,
        parent: Option<&str>,
        changes: &[Change],
        message: &str,
        author: &Signature,
    ) -> anyhow::Result<String> {
        let scratch = tempfile::tempdir()?;
        let index = scratch.path().join("index");
        let index = index.to_string_lossy().into_owned();
        let env = [("GIT_INDEX_FILE", index.as_str())];
        if let Some(parent) = parent {
            self.run(&["read-tree", parent], &env, b"")?;
        }
        let mut lines = Vec::new();
        for change in changes {
            self.stage(parent, change, &mut lines)?;
        }
        self.run(
            &["update-index", "--index-info"],
            &env,
            lines.join("\n").as_bytes(),
        )?;
        let tree = String::from_utf8(self.run(&["write-tree"], &env, b"")?)?;
        let parents: Vec<&str> = parent.into_iter().collect();
        self.commit_tree(tree.trim(), &parents, message, author)
    }

    fn stage(&self, parent: Option<&str>, change: &Change, lines: &mut Vec<String>) -> anyhow::Result<()> {
        let present = |path: &str| parent.and_then(|sha| self.file(sha, path));
        let gone = |path: &str| format!("0 {NOTHING}\t{path}");
        match change {
            Change::Write {
                path,
                content,
                executable,
            } => {
                let mode = match executable {
                    Some(true) => "100755".to_owned(),
                    Some(false) => "100644".to_owned(),
                    None => present(path).map_or_else(|| "100644".to_owned(), |(entry, _)| entry.mode),
                };
                lines.push(format!("{mode} {}\t{path}", self.write_blob(content)?));
            }
            Change::Delete { path } => lines.push(gone(path)),
            Change::Move { from, to, content } => {
                let (entry, _) = present(from).with_context(|| format!("{from} does not exist"))?;
                let id = content
                    .as_ref()
                    .map_or(Ok(entry.id), |bytes| self.write_blob(bytes))?;
                lines.push(gone(from));
                lines.push(format!("{} {id}\t{to}", entry.mode));
            }
            Change::Chmod { path, executable } => {
                let (entry, _) = present(path).with_context(|| format!("{path} does not exist"))?;
                lines.push(format!(
                    "{} {}\t{path}",
                    if *executable { "100755" } else { "100644" },
                    entry.id
                ));
            }
        }
        Ok(())
    }

    fn write_blob(&self, content: &[u8]) -> anyhow::Result<String> {
        let id = self.run(&["hash-object", "-w", "--stdin"], &[], content)?;
        Ok(String::from_utf8(id)?.trim().to_owned())
    }

    pub fn commit_tree(
        &self,
        tree: &str,
        parents: &[&str],
        message: &str,
        author: &Signature,
    ) -> anyhow::Result<String> {
        let mut args = vec!["commit-tree", tree];
        for parent in parents {
            args.extend(["-p", parent]);
        }
        let env = [
            ("GIT_AUTHOR_NAME", author.name.as_str()),
            ("GIT_AUTHOR_EMAIL", author.email.as_str()),
            ("GIT_COMMITTER_NAME", author.name.as_str()),
            ("GIT_COMMITTER_EMAIL", author.email.as_str()),
        ];
        let sha = self.run(&args, &env, message.as_bytes())?;
        Ok(String::from_utf8(sha)?.trim().to_owned())
    }

    pub fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        self.text(&["merge-base", one, other])
            .ok()
            .map(|sha| sha.trim().to_owned())
    }

    /// The tree of a clean merge; none when there are conflicts.
    pub fn merged_tree(&self, target: &str, source: &str) -> Option<String> {
        let tree = self.text(&["merge-tree", "--write-tree", target, source]).ok()?;
        tree.lines().next().map(str::to_owned)
    }

    /// The differences between two commits as GitLab lists them; `from` none compares with nothing.
    pub fn diff(&self, from: Option<&str>, to: &str) -> anyhow::Result<Vec<Value>> {
        // The empty tree's id is the same in every repository.
        let from = from.unwrap_or("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let raw = self.text(&["diff", "--raw", "-z", "-M", "--no-abbrev", from, to])?;
        let patch = self.run(&["diff", "-M", "--no-color", "--no-ext-diff", from, to], &[], b"")?;
        let patches = split_patch(&String::from_utf8_lossy(&patch));
        Ok(read_raw(&raw, &patches))
    }

    /// Paths that differ between two commits.
    pub fn changed_paths(&self, from: Option<&str>, to: &str) -> Vec<String> {
        let from = from.unwrap_or("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let listed = self.text(&["diff", "--name-only", "-z", "--no-renames", from, to]);
        listed
            .unwrap_or_default()
            .split('\0')
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

fn read_commit(record: &str) -> Option<Commit> {
    let mut fields = record.trim_start_matches('\n').split('\u{1f}');
    let mut next = || fields.next().map(str::to_owned);
    let id = next().filter(|id| id.len() == 40)?;
    Some(Commit {
        id,
        parents: next()?.split_whitespace().map(str::to_owned).collect(),
        author_name: next()?,
        author_email: next()?,
        authored_date: instant(&next()?),
        committer_name: next()?,
        committer_email: next()?,
        committed_date: instant(&next()?),
        message: next()?.trim_end_matches('\n').to_owned() + "\n",
    })
}

/// `2019-03-29T15:50:38Z` → `2019-03-29T15:50:38.000+00:00`, as GitLab writes commit dates.
fn instant(text: &str) -> String {
    let text = text.replace('Z', "+00:00");
    if text.len() >= 25 {
        format!("{}.000{}", &text[..19], &text[19..])
    } else {
        text
    }
}

/// One file's hunk text per `diff --git` header, in git's order.
fn split_patch(patch: &str) -> Vec<String> {
    let mut hunks: Vec<String> = Vec::new();
    let mut in_hunk = false;
    for line in patch.split_inclusive('\n') {
        if line.starts_with("diff --git ") {
            hunks.push(String::new());
            in_hunk = false;
            continue;
        }
        in_hunk = in_hunk || line.starts_with("@@ ") || line.starts_with("Binary files ");
        if let Some(hunk) = hunks.last_mut().filter(|_| in_hunk) {
            hunk.push_str(line);
        }
    }
    hunks
}

fn read_raw(raw: &str, patches: &[String]) -> Vec<Value> {
    let mut fields = raw.split('\0').filter(|field| !field.is_empty());
    let mut diffs = Vec::new();
    while let Some(meta) = fields.next() {
        let columns: Vec<&str> = meta.trim_start_matches(':').split(' ').collect();
        let [a_mode, b_mode, _, _, status] = columns[..] else {
            break;
        };
        let Some(old_path) = fields.next() else { break };
        let renamed = status.starts_with('R') || status.starts_with('C');
        let new_path = if renamed {
            fields.next().unwrap_or(old_path)
        } else {
            old_path
        };
        diffs.push(json!({
            "diff": patches.get(diffs.len()).cloned().unwrap_or_default(),
            "collapsed": false,
            "too_large": false,
            "new_path": new_path,
            "old_path": old_path,
            "a_mode": if a_mode == "000000" { "0" } else { a_mode },
            "b_mode": if b_mode == "000000" { "0" } else { b_mode },
            "new_file": status == "A",
            "renamed_file": renamed,
            "deleted_file": status == "D",
            "generated_file": false,
        }));
    }
    diffs
}
