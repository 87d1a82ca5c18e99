//! From GitLab's truth to what is stored of a run.

use super::enqueue_sync;
use crate::access::{self, App, Authorized, may};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::Next;
use crate::notice::tell as notice;
use crate::ports::{ForgeError, ForgeJob, ForgePipeline, JobRecord, RunRecord};
use crate::repository::jittered;
use crate::subscriber::event;
use crate::{fault, release, report};
use slipway_domain::id::{AppId, JobId, RunId};
use slipway_domain::run::queue::why_it_waits;
use slipway_domain::run::{JobRow, RunRow, RunStatus};
use slipway_domain::text::Text;
use slipway_domain::time::{HOUR, MINUTE, SECOND, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// How often a run that goes on is looked at, in µs. Webhooks are quicker.
const LOOK_EVERY: i64 = 2 * SECOND;
/// How often one that has waited for long is.
const LOOK_SELDOM: i64 = 20 * SECOND;
/// When a run has waited for long.
const LONG: i64 = 15 * MINUTE;
/// How old the note of the last look may be before it is written again.
const NOTE_EVERY: i64 = 30 * SECOND;
/// How long a job waits before the runners are asked why.
const PATIENCE: i64 = 5 * SECOND;
/// How many tags of a job are asked about one by one.
const MOST_TAGS: usize = 4;
/// How long ago a run may have ended that nobody here saw going on, to be news for subscribers, in µs: what a repository
/// brings along when it is connected is history.
const NEWS: i64 = HOUR;
/// The pause after GitLab did not answer.
const PAUSE: i64 = 8 * SECOND;

/// Looks at one pipeline and stores what changed.
pub(crate) async fn sync(ctx: &OpCtx, app: AppId, pipeline: i64) -> Result<Next> {
    let app = match access::app_by_id::<may::PipelineRun>(&ctx.portal().system(ctx.request_id()), app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    // Restoring it looks for what has not ended.
    if app.place().archived().is_some() {
        return Ok(Next::Done);
    }
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Refused { .. } | Error::NotFound) => return Ok(Next::Done),
        Err(Error::Unavailable { .. }) => return Ok(Next::At(ctx.now().plus(jittered(PAUSE)))),
        Err(error) => return Err(error),
    };
    let stored = ctx.read().await?.run_of_pipeline(&app.see(), pipeline).await?;
    let asked = ctx.now();
    let fetched = fetch(&link, pipeline, stored.as_ref()).await;
    match link.heard(ctx, fetched).await {
        Ok(fetched) => {
            let mut look = Look {
                ctx,
                app,
                link,
                asked,
            };
            look.take(fetched, stored).await
        }
        Err(ForgeError::NotFound(_)) => gone(ctx, &app, stored, asked).await,
        Err(error) => Ok(Next::At(ctx.now().plus(pause(&error)))),
    }
}

fn pause(error: &ForgeError) -> i64 {
    match error {
        ForgeError::Limited { retry_after } => {
            i64::try_from(*retry_after).unwrap_or(60).saturating_mul(SECOND) + rand::random_range(0..SECOND)
        }
        ForgeError::BadToken | ForgeError::Unauthorized(_) | ForgeError::Forbidden(_) => jittered(MINUTE),
        _ => jittered(PAUSE),
    }
}

/// GitLab no longer has the pipeline: somebody deleted it. What is known of it stays.
async fn gone(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineRun>,
    stored: Option<RunRecord>,
    asked: Timestamp,
) -> Result<Next> {
    if let Some(mut run) = stored.filter(|run| run.settled_at.is_none()) {
        if !run.row.status.is_final() {
            run.row.status = RunStatus::Canceled;
        }
        run.settled_at = Some(asked);
        run.seen_at = asked;
        let mut change = ctx.change().await?;
        change.bookkeeping();
        change.tx().put_run(&app.modify(), &run).await?;
        change.touch("run", run.row.id, &app.place());
        change.touch("app", app.id(), &app.place());
        change.commit().await?;
    }
    Ok(Next::Done)
}

struct Fetched {
    pipeline: ForgePipeline,
    jobs: Vec<ForgeJob>,
    needs: Option<BTreeMap<String, Vec<String>>>,
    /// First line and author of the commit.
    commit: (String, String),
    protected: bool,
}

async fn fetch(link: &Link, pipeline: i64, stored: Option<&RunRecord>) -> Result<Fetched, ForgeError> {
    let (forge, project) = (&link.forge, link.project());
    let pipeline = forge.pipeline(project, pipeline).await?;
    let jobs = forge.jobs(project, pipeline.id).await?;
    let needs = match stored.and_then(|run| run.needs.clone()) {
        Some(needs) => Some(needs),
        None if jobs.is_empty() => None,
        // Only lines on the page: a file that GitLab cannot lint any more must not hide the run.
        None => match forge.lint_at(project, &pipeline.sha).await {
            Ok(answer) => Some(answer.needs),
            Err(error) if error.is_passing() => return Err(error),
            Err(_) => Some(BTreeMap::new()),
        },
    };
    let told = jobs.iter().find_map(|job| job.commit.clone());
    let commit = match (stored, told) {
        (_, Some(commit)) => commit,
        (Some(run), None) => (run.row.title.clone(), run.row.author.clone()),
        (None, None) => match forge.commit_of(project, &pipeline.sha).await {
            Ok(commit) => (commit.title, commit.author),
            Err(error) if error.is_passing() => return Err(error),
            Err(_) => (String::new(), String::new()),
        },
    };
    let protected = match stored {
        Some(run) => run.protected,
        None if pipeline.tag => true,
        None => match forge.branch(project, &pipeline.git_ref).await {
            Ok(branch) => branch.is_some_and(|branch| branch.protected),
            Err(error) if error.is_passing() => return Err(error),
            Err(_) => false,
        },
    };
    Ok(Fetched {
        pipeline,
        jobs,
        needs,
        commit,
        protected,
    })
}

/// One look at one pipeline.
pub(super) struct Look<'a> {
    pub(super) ctx: &'a OpCtx,
    pub(super) app: Authorized<App, may::PipelineRun>,
    pub(super) link: Link,
    /// When GitLab was asked.
    asked: Timestamp,
}

impl Look<'_> {
    async fn take(&mut self, fetched: Fetched, stored: Option<RunRecord>) -> Result<Next> {
        let see = self.app.see();
        let known = match &stored {
            Some(run) => self.ctx.read().await?.jobs_of_run(&see, run.row.id).await?,
            None => Vec::new(),
        };
        let jobs = self.jobs(&fetched, &known).await;
        let run = self.run(&fetched, stored.as_ref(), &jobs);
        if !self.store(&run, &jobs, stored.as_ref(), &known).await? {
            // Somebody stored a later answer; what is missing of it is found soon.
            return Ok(Next::At(self.ctx.now().plus(SECOND)));
        }
        fault::point("run.stored");
        let Some(logs_complete) = self.logs(&run, &jobs).await? else {
            return Ok(Next::At(self.ctx.now().plus(jittered(PAUSE))));
        };
        if !run.row.status.is_final() {
            let waited = self.asked.since(run.row.created_at) > LONG && run.row.started_at.is_none();
            let every = if waited { LOOK_SELDOM } else { LOOK_EVERY };
            return Ok(Next::At(self.ctx.now().plus(jittered(every))));
        }
        if run.settled_at.is_some() {
            return Ok(Next::Done);
        }
        if !logs_complete {
            return Ok(Next::At(self.ctx.now().plus(jittered(LOOK_EVERY))));
        }
        self.settle(run, jobs).await
    }

    fn run(&self, fetched: &Fetched, stored: Option<&RunRecord>, jobs: &[JobRecord]) -> RunRecord {
        let pipeline = &fetched.pipeline;
        let last = stored.map(|run| run.row.status);
        let status = pipeline.status.or(last).unwrap_or(RunStatus::Created);
        let failed = |job: &&JobRecord| job.row.status == RunStatus::Failed && !job.row.allow_failure;
        let row = RunRow {
            id: stored.map_or_else(|| self.ctx.id::<RunId>(), |run| run.row.id),
            number: pipeline.iid,
            status,
            git_ref: pipeline.git_ref.clone(),
            sha: pipeline.sha.clone(),
            title: fetched.commit.0.clone(),
            author: pipeline.user.clone().unwrap_or_else(|| fetched.commit.1.clone()),
            source: pipeline.source.clone(),
            created_at: stored.map_or_else(
                || pipeline.created_at.unwrap_or(self.asked),
                |run| run.row.created_at,
            ),
            started_at: pipeline.started_at,
            finished_at: pipeline.finished_at,
            failed_job: jobs.iter().find(failed).map(|job| job.row.name.clone()),
        };
        // A run that ended and goes on (a manual job, a retry) is settled again later.
        let same = last == Some(status);
        RunRecord {
            row,
            forge_id: pipeline.id,
            tag: pipeline.tag,
            protected: fetched.protected,
            web_url: pipeline.web_url.clone(),
            needs: fetched.needs.clone(),
            evidence: stored.and_then(|run| run.evidence.clone()),
            failure: pipeline.yaml_errors.as_deref().map(unreadable),
            release_trouble: stored.and_then(|run| run.release_trouble.clone()),
            seen_at: self.asked,
            settled_at: stored.and_then(|run| run.settled_at).filter(|_| same),
        }
    }

    async fn jobs(&self, fetched: &Fetched, known: &[JobRecord]) -> Vec<JobRecord> {
        let mut reasons: HashMap<Vec<String>, Option<Text>> = HashMap::new();
        let mut records = Vec::new();
        for (index, job) in fetched.jobs.iter().enumerate() {
            let before = known.iter().find(|k| k.row.forge_id == job.id);
            // A job that was run again stands where its first try stood.
            let first = known
                .iter()
                .find(|k| k.row.name == job.name && k.row.stage == job.stage);
            let status = job
                .status
                .or(before.map(|b| b.row.status))
                .unwrap_or(RunStatus::Created);
            let reason = match status {
                RunStatus::Pending => self.why_it_waits(job, &mut reasons).await,
                RunStatus::Failed => Some(failure(job.failure_reason.as_deref())),
                RunStatus::Manual => Some(Text::new("Waits for someone to start it.", "等待手动启动。")),
                _ => None,
            };
            let row = JobRow {
                id: before.map_or_else(|| self.ctx.id::<JobId>(), |b| b.row.id),
                forge_id: job.id,
                name: job.name.clone(),
                stage: job.stage.clone(),
                status,
                needs: needs_of(&job.name, fetched),
                allow_failure: job.allow_failure,
                started_at: job.started_at,
                finished_at: job.finished_at,
                reason,
                runner: job.runner.clone(),
                playable: status == RunStatus::Manual,
            };
            records.push(JobRecord {
                row,
                position: first.map_or_else(|| i64::try_from(index).unwrap_or(0), |f| f.position),
                has_artifacts: job.has_artifacts,
                log_bytes: before.map_or(0, |b| b.log_bytes),
                log_complete: before.is_some_and(|b| b.log_complete),
            });
        }
        records.sort_by_key(|record| (record.position, record.row.forge_id));
        records
    }

    async fn why_it_waits(
        &self,
        job: &ForgeJob,
        known: &mut HashMap<Vec<String>, Option<Text>>,
    ) -> Option<Text> {
        if job
            .created_at
            .is_some_and(|at| (0..PATIENCE).contains(&self.asked.since(at)))
        {
            return None;
        }
        if let Some(reason) = known.get(&job.tags) {
            return reason.clone();
        }
        let (forge, project) = (&self.link.forge, self.link.project());
        let reason = match forge.runners(project, &job.tags).await {
            Ok(fitting) => {
                let lacking = if fitting.is_empty() {
                    self.lacking(&job.tags).await
                } else {
                    Vec::new()
                };
                Some(why_it_waits(&job.tags, &fitting, &lacking))
            }
            // Not every token may ask.
            Err(_) => Some(Text::new("Waits for a runner.", "等待 Runner。")),
        };
        known.insert(job.tags.clone(), reason.clone());
        reason
    }

    /// The tags that no runner has at all.
    async fn lacking(&self, tags: &[String]) -> Vec<String> {
        if let [one] = tags {
            return vec![one.clone()];
        }
        let mut lacking = Vec::new();
        for tag in tags.iter().take(MOST_TAGS) {
            let having = self
                .link
                .forge
                .runners(self.link.project(), std::slice::from_ref(tag))
                .await;
            if having.is_ok_and(|runners| runners.is_empty()) {
                lacking.push(tag.clone());
            }
        }
        lacking
    }

    /// Stores what changed; `false`: somebody stored a later answer.
    async fn store(
        &self,
        run: &RunRecord,
        jobs: &[JobRecord],
        stored: Option<&RunRecord>,
        known: &[JobRecord],
    ) -> Result<bool> {
        let changed = jobs != known
            || stored.is_none_or(|old| {
                RunRecord {
                    seen_at: run.seen_at,
                    ..old.clone()
                } != *run
            });
        let noted = stored.is_some_and(|old| run.seen_at.since(old.seen_at) < NOTE_EVERY);
        if !changed && (noted || run.settled_at.is_some()) {
            return Ok(true);
        }
        let modify = self.app.modify();
        let mut change = self.ctx.change().await?;
        change.bookkeeping();
        if !change.tx().put_run(&modify, run).await? {
            return Ok(false);
        }
        if jobs != known {
            change.tx().put_jobs(&modify, run.row.id, jobs).await?;
        }
        let was = stored.map(|old| old.row.status);
        if run.row.status == RunStatus::Failed && was != Some(RunStatus::Failed) {
            let people = change.tx().run_starters(&self.app.see(), run.forge_id).await?;
            notice::run_failed(&mut change, &self.app, &run.row, &people).await?;
        }
        let recent = run.row.finished_at.is_none_or(|at| self.asked.since(at) < NEWS);
        if run.row.status.is_final() && was != Some(run.row.status) && (was.is_some() || recent) {
            event::run(&mut change, &self.app.place(), &run.row).await?;
        }
        if changed {
            let place = self.app.place();
            change.touch("run", run.row.id, &place);
            change.touch("app", self.app.id(), &place);
        }
        change.commit().await?;
        Ok(true)
    }

    /// Stores what only a run that ended has: its test report and its release. Then it is settled.
    async fn settle(&self, mut run: RunRecord, jobs: Vec<JobRecord>) -> Result<Next> {
        let forge = &self.link.forge;
        match self
            .link
            .heard(
                self.ctx,
                forge.test_report(self.link.project(), run.forge_id).await,
            )
            .await
        {
            Ok(report) => run.evidence = report,
            Err(error) if error.is_passing() => return Ok(Next::At(self.ctx.now().plus(pause(&error)))),
            // Without the right to read it there is no evidence.
            Err(_) => {}
        }
        let kept = report::keep(self.ctx, &self.app.see(), &self.link, &run).await?;
        match self.link.heard(self.ctx, kept).await {
            Err(error) if error.is_passing() => return Ok(Next::At(self.ctx.now().plus(pause(&error)))),
            // Whoever opens them asks again.
            Ok(()) | Err(_) => {}
        }
        if run.row.status == RunStatus::Success {
            let made = Box::pin(release::of_run(self.ctx, &self.app, &self.link, &run, &jobs)).await?;
            match self.link.heard(self.ctx, made).await {
                Ok(trouble) => run.release_trouble = trouble,
                Err(error) if error.is_passing() => return Ok(Next::At(self.ctx.now().plus(pause(&error)))),
                Err(error) => run.release_trouble = Some(error.text()),
            }
        }
        run.settled_at = Some(self.ctx.now());
        let place = self.app.place();
        let mut change = self.ctx.change().await?;
        change.bookkeeping();
        if change.tx().put_run(&self.app.modify(), &run).await? {
            change.touch("run", run.row.id, &place);
            change.touch("app", self.app.id(), &place);
        } else {
            enqueue_sync(
                &mut change,
                self.app.id(),
                run.forge_id,
                self.ctx.now().plus(SECOND),
            )
            .await?;
        }
        change.commit().await?;
        Ok(Next::Done)
    }
}

/// The name without what `parallel` adds: `test 1/3`, `test: [a, b]`.
fn base_name(name: &str) -> &str {
    if let Some((base, _)) = name.split_once(": [") {
        return base;
    }
    match name.rsplit_once(' ') {
        Some((base, part))
            if part.split('/').count() == 2 && part.bytes().all(|b| b.is_ascii_digit() || b == b'/') =>
        {
            base
        }
        _ => name,
    }
}

fn needs_of(name: &str, fetched: &Fetched) -> Vec<String> {
    let Some(all) = &fetched.needs else {
        return Vec::new();
    };
    let Some(needs) = all.get(name).or_else(|| all.get(base_name(name))) else {
        return Vec::new();
    };
    let jobs = &fetched.jobs;
    let mut found: Vec<String> = Vec::new();
    for need in needs {
        let fitting = jobs
            .iter()
            .filter(|job| job.name == *need || base_name(&job.name) == need);
        found.extend(fitting.map(|job| job.name.clone()));
    }
    found.dedup();
    found
}

/// GitLab's `yaml_errors`, as people read them.
fn unreadable(errors: &str) -> Text {
    let errors: String = errors.chars().take(1000).collect();
    Text::new(
        format!("GitLab could not make jobs of .gitlab-ci.yml: {errors}"),
        format!("GitLab 无法根据 .gitlab-ci.yml 创建作业：{errors}"),
    )
}

/// GitLab's `failure_reason` in words.
fn failure(reason: Option<&str>) -> Text {
    let (en, zh) = match reason {
        Some("script_failure") => ("A command failed.", "命令执行失败。"),
        Some("stuck_or_timeout_failure" | "no_matching_runner") => {
            ("No runner took it in time.", "没有 Runner 及时接手。")
        }
        Some("job_execution_timeout") => ("It ran longer than its timeout.", "运行超过时限。"),
        Some("runner_system_failure") => (
            "The runner broke down. Try it again.",
            "Runner 系统故障，请重试。",
        ),
        Some("missing_dependency_failure") => (
            "Files of an earlier job are gone. Run that job again.",
            "前置作业的制品已失效，请重新运行该作业。",
        ),
        Some("runner_unsupported") => ("The runner is too old for it.", "Runner 版本过旧。"),
        Some("image_pull_failure") => ("The image of the job could not be pulled.", "无法拉取作业镜像。"),
        Some("ci_quota_exceeded") => ("The compute minutes are used up.", "计算分钟数已用完。"),
        Some("data_integrity_failure") => (
            "GitLab lost data of it. Try it again.",
            "GitLab 数据异常，请重试。",
        ),
        Some("api_failure") => (
            "The runner lost GitLab. Try it again.",
            "Runner 与 GitLab 断开，请重试。",
        ),
        Some("forward_deployment_failure") => ("A newer deployment ran before.", "已有更新的部署。"),
        Some("user_blocked") => (
            "The account that started it is blocked.",
            "启动它的账号已被禁用。",
        ),
        Some("unknown_failure") | None => (
            "It failed; GitLab does not say why.",
            "运行失败，GitLab 未说明原因。",
        ),
        Some(other) => {
            return Text::new(format!("It failed: {other}."), format!("运行失败：{other}。"));
        }
    };
    Text::new(en, zh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parallel_adds_is_no_part_of_the_name() {
        assert_eq!(base_name("test 1/3"), "test");
        assert_eq!(base_name("unit test 10/12"), "unit test");
        assert_eq!(base_name("build: [arm64, 22]"), "build");
        assert_eq!(base_name("unit test"), "unit test");
        assert_eq!(base_name("v1 / v2"), "v1 / v2");
    }
}
