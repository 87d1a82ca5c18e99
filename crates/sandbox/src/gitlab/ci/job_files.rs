//! What a job takes and leaves: caches, artifacts and reports.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::job_run::{End, Run};
use super::trace::Trace;
use super::validate::duration;
use super::variables::text;
use super::{artifact, plan, runner};

impl Run<'_> {
    fn caches(&self) -> Vec<Value> {
        match self.job.spec.get("cache") {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Object(_)) => vec![self.job.spec["cache"].clone()],
            _ => Vec::new(),
        }
    }

    fn cache_path(&self, cache: &Value) -> PathBuf {
        let key = match cache.get("key") {
            Some(Value::Object(key)) => {
                let mut hash = Sha256::new();
                for file in strings(key.get("files")) {
                    hash.update(fs::read(self.folder.join(file)).unwrap_or_default());
                }
                let prefix = key.get("prefix").and_then(Value::as_str).unwrap_or_default();
                format!(
                    "{}-{}",
                    plan::expand(prefix, &self.variables),
                    hex::encode(hash.finalize())
                )
            }
            Some(key) => plan::expand(&crate::gitlab::call::plain(key), &self.variables),
            None => "default".into(),
        };
        let name: String = key
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        self.app
            .data
            .join("cache")
            .join(self.project.id.to_string())
            .join(format!("{name}.zip"))
    }

    pub(super) fn restore_cache(&self, trace: &mut Trace) {
        for cache in self
            .caches()
            .iter()
            .filter(|cache| text(cache, "policy") != "push")
        {
            let path = self.cache_path(cache);
            if path.exists() {
                trace.section_start("restore_cache", "Restoring cache");
                match artifact::unpack(&path, &self.folder) {
                    Ok(()) => trace.line("\u{1b}[32;1mSuccessfully extracted cache\u{1b}[0;m"),
                    Err(error) => trace.line(&format!("WARNING: the cache cannot be read: {error:#}")),
                }
                trace.section_end("restore_cache");
            }
        }
    }

    pub(super) fn archive_cache(&self, trace: &mut Trace) {
        for cache in self
            .caches()
            .iter()
            .filter(|cache| text(cache, "policy") != "pull")
        {
            let files = artifact::matching(&self.folder, &self.expanded(cache.get("paths")), &[]);
            if files.is_empty() {
                continue;
            }
            trace.section_start("archive_cache", "Saving cache for successful job");
            match artifact::pack(&self.folder, &files, &self.cache_path(cache)) {
                Ok(_) => trace.line("\u{1b}[32;1mCreated cache\u{1b}[0;m"),
                Err(error) => trace.line(&format!("WARNING: the cache cannot be written: {error:#}")),
            }
            trace.section_end("archive_cache");
        }
    }

    fn expanded(&self, value: Option<&Value>) -> Vec<String> {
        strings(value)
            .iter()
            .map(|item| plan::expand(item, &self.variables))
            .collect()
    }

    pub(super) fn download_artifacts(&self, trace: &mut Trace) -> anyhow::Result<()> {
        let from: Vec<(u64, String)> = self.app.with(|state| {
            runner::sources(state, &self.job)
                .iter()
                .map(|job| (job.id, job.name.clone()))
                .collect()
        });
        let with_files: Vec<_> = from
            .into_iter()
            .filter(|(id, _)| self.app.archive_path(*id).exists())
            .collect();
        if with_files.is_empty() {
            return Ok(());
        }
        trace.section_start("download_artifacts", "Downloading artifacts");
        for (id, name) in with_files {
            trace.line(&format!(
                "\u{1b}[32;1mDownloading artifacts for {name} ({id})...\u{1b}[0;m"
            ));
            artifact::unpack(&self.app.archive_path(id), &self.folder)?;
        }
        trace.section_end("download_artifacts");
        Ok(())
    }

    pub(super) fn upload_artifacts(&mut self, trace: &mut Trace, end: &End) -> anyhow::Result<()> {
        let Some(spec) = self.job.spec.get("artifacts").cloned() else {
            return Ok(());
        };
        let success = matches!(end, End::Success);
        let reports = spec.get("reports").cloned().unwrap_or(Value::Null);
        self.read_reports(&reports);
        let wanted = match text(&spec, "when").as_str() {
            "always" => true,
            "on_failure" => !success,
            _ => success,
        };
        let paths = self.expanded(spec.get("paths"));
        if !wanted || paths.is_empty() || matches!(end, End::Canceled) {
            return Ok(());
        }
        let outcome = if success { "success" } else { "failure" };
        let section = format!("upload_artifacts_on_{outcome}");
        trace.section_start(
            &section,
            &format!(
                "Uploading artifacts for {} job",
                if success { "successful" } else { "failed" }
            ),
        );
        let files = artifact::matching(&self.folder, &paths, &self.expanded(spec.get("exclude")));
        for path in &paths {
            trace.line(&format!(
                "{path}: found {} matching artifact files and directories",
                files.len()
            ));
        }
        if files.is_empty() {
            trace.line("\u{1b}[31;1mERROR: No files to upload\u{1b}[0;m");
        } else {
            let size = artifact::pack(&self.folder, &files, &self.app.archive_path(self.job.id))?;
            let name = spec.get("name").and_then(Value::as_str).unwrap_or("artifacts");
            let filename = format!("{}.zip", plan::expand(name, &self.variables));
            self.job.artifacts.insert(
                0,
                json!({
                    "file_type": "archive", "size": size, "filename": filename, "file_format": "zip",
                }),
            );
            let life = match text(&spec, "expire_in").as_str() {
                "never" => None,
                "" => Some(30 * 86_400),
                text => duration(text),
            };
            self.job.artifacts_expire_at =
                life.and_then(|seconds| i64::try_from(seconds).ok())
                    .and_then(|seconds| {
                        let at = jiff::Timestamp::now()
                            .checked_add(jiff::SignedDuration::from_secs(seconds))
                            .ok()?;
                        Some(crate::gitlab::state::at(at))
                    });
        }
        trace.section_end(&section);
        Ok(())
    }

    fn read_reports(&mut self, reports: &Value) {
        let read = |run: &Self, key: &str| -> Vec<(PathBuf, String)> {
            let value = reports.get(key).map(|value| value.get("path").unwrap_or(value));
            artifact::matching(&run.folder, &run.expanded(value), &[])
                .into_iter()
                .filter_map(|path| Some((path.clone(), fs::read(run.folder.join(&path)).ok()?)))
                .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
                .collect()
        };
        for (_, text) in read(self, "dotenv") {
            self.job.dotenv.extend(artifact::dotenv(&text));
        }
        let mut cases = Vec::new();
        let junit = read(self, "junit");
        for (_, text) in &junit {
            let suite = artifact::junit(text, &self.job.name);
            cases.extend(suite["test_cases"].as_array().cloned().unwrap_or_default());
        }
        if !junit.is_empty() {
            self.job.test_suite = Some(artifact::suite(&self.job.name, cases));
        }
        for (kind, filename) in [
            ("junit", "junit.xml.gz"),
            ("dotenv", ".env.gz"),
            ("coverage_report", "cobertura-coverage.xml.gz"),
        ] {
            let size: usize = read(self, kind).iter().map(|(_, text)| text.len()).sum();
            if size > 0 {
                let file_type = if kind == "coverage_report" {
                    "cobertura"
                } else {
                    kind
                };
                self.job.artifacts.push(json!({
                    "file_type": file_type, "size": size, "filename": filename, "file_format": "gzip",
                }));
            }
        }
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}
