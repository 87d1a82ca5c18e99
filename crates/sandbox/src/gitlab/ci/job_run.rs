//! One run of a job: sources, caches, the script, artifacts, and what the end means for the pipeline.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::trace::Trace;
use super::validate::duration;
use super::{plan, process, shell, variables};
use crate::gitlab::App;
use crate::gitlab::state::{Job, Pipeline, Project};

/// The largest log, in bytes.
const LOG_LIMIT: u64 = 32 * 1024 * 1024;
/// What jobs get of the sandbox's own environment.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TMPDIR",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// How a run ended.
pub(super) enum End {
    Success,
    ExitCode(i64),
    Failed(&'static str, String),
    Canceled,
}

/// A job on its way.
pub(super) struct Run<'a> {
    pub(super) app: &'a App,
    pub(super) job: Job,
    pub(super) pipeline: Pipeline,
    pub(super) project: Project,
    pub(super) folder: PathBuf,
    pub(super) scratch: PathBuf,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) cancel: &'a CancellationToken,
    pub(super) deadline: Instant,
}

/// Runs a job that has been taken, to its end.
pub fn run(app: &App, id: u64, cancel: &CancellationToken) {
    let Some((job, pipeline, project)) = app.with(|state| {
        let job = state.jobs.get(&id)?.clone();
        let pipeline = state.pipelines.get(&job.pipeline_id)?.clone();
        let project = state.projects.get(&job.project_id)?.clone();
        Some((job, pipeline, project))
    }) else {
        return;
    };
    let token = format!("glcbt-{}", crate::gitlab::random(20));
    app.with(|state| state.add_token(job.user_id, "job", token.clone(), &["api"]));
    app.with(|state| {
        if let Some(kept) = state.tokens.iter_mut().rev().find(|kept| kept.value == token) {
            kept.job_id = Some(id);
        }
    });
    let scratch = app.data.join("builds").join(id.to_string());
    let (variables, secrets) = variables::for_job(app, &job, &pipeline, &project, &token, &scratch);
    let timeout = job
        .spec
        .get("timeout")
        .and_then(Value::as_str)
        .and_then(duration)
        .unwrap_or(3600);
    let folder = scratch.join(&project.path);
    let mut run = Run {
        app,
        job,
        pipeline,
        project,
        folder,
        scratch,
        variables,
        cancel,
        deadline: Instant::now() + Duration::from_secs(timeout),
    };
    let end = match Trace::create(&app.log_path(id), secrets, LOG_LIMIT) {
        Ok(mut trace) => {
            let end = run.perform(&mut trace);
            conclude(&mut trace, &end);
            end
        }
        Err(error) => End::Failed("runner_system_failure", error.to_string()),
    };
    run.report(&end, &token);
    // The folder is scratch; a leftover does no harm.
    drop(fs::remove_dir_all(&run.scratch));
}

impl Run<'_> {
    fn lines(&self, key: &str) -> Vec<String> {
        fn flat(value: &Value) -> Vec<String> {
            match value {
                Value::Array(items) => items.iter().flat_map(flat).collect(),
                Value::String(text) => vec![text.clone()],
                _ => Vec::new(),
            }
        }
        self.job.spec.get(key).map(flat).unwrap_or_default()
    }

    fn perform(&mut self, trace: &mut Trace) -> End {
        trace.line("\u{1b}[0KRunning with gitlab-runner 18.5.0 (sandbox)\u{1b}[0;m");
        trace.line("\u{1b}[0K  on sandbox-runner, system ID: s_sandbox\u{1b}[0;m");
        trace.section_start("prepare_executor", "Preparing the \"shell\" executor");
        let image = self
            .job
            .spec
            .get("image")
            .map(|image| image.get("name").unwrap_or(image));
        if let Some(image) = image.and_then(Value::as_str) {
            let image = plan::expand(image, &self.variables);
            trace.line(&format!(
                "The sandbox runs jobs in the local shell; image {image} is not started."
            ));
        }
        trace.line("\u{1b}[0KUsing Shell (bash) executor...\u{1b}[0;m");
        trace.section_end("prepare_executor");
        trace.section_start("get_sources", "Getting source from Git repository");
        if let Err(error) = self.get_sources(trace) {
            return End::Failed("runner_system_failure", format!("{error:#}"));
        }
        trace.section_end("get_sources");
        self.restore_cache(trace);
        if let Err(error) = self.download_artifacts(trace) {
            return End::Failed("missing_dependency_failure", format!("{error:#}"));
        }
        trace.section_start("step_script", "Executing \"step_script\" stage of the job script");
        let mut commands = self.lines("before_script");
        commands.extend(self.lines("script"));
        let end = self.script(trace, &shell::script(&commands, true), self.deadline);
        trace.section_end("step_script");
        let after = self.lines("after_script");
        if !after.is_empty() && !matches!(end, End::Canceled) {
            trace.section_start("after_script", "Running after_script");
            let status = if matches!(end, End::Success) {
                "success"
            } else {
                "failed"
            };
            self.variables.insert("CI_JOB_STATUS".into(), status.into());
            let deadline = Instant::now() + Duration::from_mins(5);
            self.script(trace, &shell::script(&after, true), deadline);
            trace.section_end("after_script");
        }
        if matches!(end, End::Success) {
            self.archive_cache(trace);
        }
        if let Err(error) = self.upload_artifacts(trace, &end) {
            return End::Failed("runner_system_failure", format!("{error:#}"));
        }
        end
    }

    fn get_sources(&self, trace: &mut Trace) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let repository = self.app.repository(self.project.id).dir;
        let git = |args: &[&str]| -> anyhow::Result<()> {
            let output = Command::new("git")
                .args(args)
                .current_dir(&self.folder)
                .stdin(Stdio::null())
                .output()?;
            anyhow::ensure!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
            Ok(())
        };
        let source = repository.to_string_lossy();
        git(&["init", "--quiet", "."])?;
        git(&["remote", "add", "origin", &self.variables["CI_REPOSITORY_URL"]])?;
        git(&["fetch", "--quiet", "--tags", &source, &self.pipeline.sha])?;
        git(&["checkout", "--force", "--quiet", "--detach", &self.pipeline.sha])?;
        let reference = &self.pipeline.reference;
        trace.line("\u{1b}[32;1mFetching changes...\u{1b}[0;m");
        trace.line(&format!(
            "\u{1b}[32;1mChecking out {} as detached HEAD (ref is {reference})...\u{1b}[0;m",
            &self.pipeline.sha[..8]
        ));
        Ok(())
    }

    /// Runs a script in its own process group, its output going to the log.
    fn script(&self, trace: &mut Trace, script: &str, deadline: Instant) -> End {
        let path = self.scratch.join("script.sh");
        if let Err(error) = fs::write(&path, script) {
            return End::Failed("runner_system_failure", error.to_string());
        }
        let interpreter = if Path::new("/bin/bash").exists() {
            "bash"
        } else {
            "sh"
        };
        let mut command = Command::new(interpreter);
        command
            .arg(&path)
            .current_dir(&self.folder)
            .env_clear()
            .envs(
                PASSED_ON
                    .iter()
                    .filter_map(|name| std::env::var_os(name).map(|value| (*name, value))),
            )
            .envs(&self.variables)
            .env("PATH", self.app.runner_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return End::Failed("runner_system_failure", format!("{interpreter}: {error}")),
        };
        let (sender, output) = sync_channel::<Vec<u8>>(64);
        if let Some(mut stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(size) = stdout.read(&mut buffer) {
                    if size == 0 || sender.send(buffer[..size].to_vec()).is_err() {
                        break;
                    }
                }
            });
        }
        let group = child.id();
        let mut stopped = None;
        loop {
            match output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => trace.write(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                // A child that outlives the script may hold the pipe; the script's end is the job's end.
                Err(RecvTimeoutError::Timeout) => {
                    if matches!(child.try_wait(), Ok(Some(_))) {
                        break;
                    }
                }
            }
            if stopped.is_none() && self.cancel.is_cancelled() {
                stopped = Some(End::Canceled);
                kill(group);
            } else if stopped.is_none() && Instant::now() > deadline {
                stopped = Some(End::Failed(
                    "job_execution_timeout",
                    "execution took longer than its timeout".into(),
                ));
                kill(group);
            }
        }
        while let Ok(bytes) = output.try_recv() {
            trace.write(&bytes);
        }
        trace.flush();
        let status = child.wait();
        kill(group);
        stopped.unwrap_or_else(|| ended(status))
    }

    /// Writes the end into the state, and retries where the configuration says so.
    fn report(&mut self, end: &End, token: &str) {
        let id = self.job.id;
        let log = fs::read(self.app.log_path(id)).unwrap_or_default();
        let mut state = self.app.state.lock();
        state.tokens.retain(|kept| kept.value != token);
        let max = self
            .job
            .spec
            .get("retry")
            .map(|retry| retry.get("max").unwrap_or(retry).as_u64().unwrap_or(0));
        let mut again = false;
        if let Some(record) = state.jobs.get_mut(&id) {
            record.artifacts = std::mem::take(&mut self.job.artifacts);
            record.artifacts.push(json!({
                "file_type": "trace", "size": log.len(), "filename": "job.log", "file_format": "raw",
            }));
            record.artifacts_expire_at = self.job.artifacts_expire_at.take();
            record.dotenv = std::mem::take(&mut self.job.dotenv);
            record.test_suite = self.job.test_suite.take();
            record.coverage = coverage(&record.spec, &log);
            if record.status == "running" {
                let status = match end {
                    End::Success => "success",
                    End::Canceled => "canceled",
                    End::ExitCode(code) => {
                        record.failure_reason = Some("script_failure".into());
                        record.allow_failure |= record.allowed_exit_codes.contains(code);
                        "failed"
                    }
                    End::Failed(reason, _) => {
                        record.failure_reason = Some((*reason).to_owned());
                        "failed"
                    }
                };
                again = status == "failed" && record.retries < max.unwrap_or_default();
                process::set_status(self.app, &mut state, id, status);
            }
        }
        if again {
            let user = self.job.user_id;
            process::retry(self.app, &mut state, id, user);
        }
        process::advance(self.app, &mut state, self.job.pipeline_id);
        drop(state);
        self.app.touched();
    }
}

/// The log's last line.
fn conclude(trace: &mut Trace, end: &End) {
    match end {
        End::Success => trace.line("\u{1b}[32;1mJob succeeded\u{1b}[0;m"),
        End::ExitCode(code) => {
            trace.line(&format!(
                "\u{1b}[31;1mERROR: Job failed: exit status {code}\u{1b}[0;m"
            ));
        }
        End::Failed("job_execution_timeout", text) => {
            trace.line(&format!("\u{1b}[31;1mERROR: Job failed: {text}\u{1b}[0;m"));
        }
        End::Failed(_, text) => {
            trace.line(&format!(
                "\u{1b}[31;1mERROR: Job failed (system failure): {text}\u{1b}[0;m"
            ));
        }
        End::Canceled => trace.line("\u{1b}[31;1mERROR: Job failed: canceled\u{1b}[0;m"),
    }
    trace.flush();
}

fn ended(status: std::io::Result<ExitStatus>) -> End {
    match status {
        Ok(status) if status.success() => End::Success,
        Ok(status) => End::ExitCode(i64::from(
            status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        )),
        Err(error) => End::Failed("runner_system_failure", error.to_string()),
    }
}

/// Kills a whole process group.
fn kill(group: u32) {
    let command = format!("kill -KILL -{group} 2>/dev/null");
    // Nothing is left to kill when the script ended by itself.
    drop(Command::new("sh").args(["-c", &command]).status());
}

/// The number in the last line that the job's `coverage` pattern matches.
fn coverage(spec: &Value, log: &[u8]) -> Option<f64> {
    let pattern = spec.get("coverage")?.as_str()?;
    let pattern = Regex::new(pattern.strip_prefix('/')?.strip_suffix('/')?).ok()?;
    let number = Regex::new(r"\d+(?:\.\d+)?").ok()?;
    let log = String::from_utf8_lossy(log);
    let line = log.lines().rev().find_map(|line| pattern.captures(line))?;
    let text = line.get(1).or_else(|| line.get(0))?.as_str().to_owned();
    number.find(&text)?.as_str().parse().ok()
}
