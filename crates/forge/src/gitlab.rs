//! One method per use, each one or two calls.

use crate::answer::{self, each, int, must, text};
use crate::archive;
use crate::call::Call;
use crate::client::{Client, from_api};
use crate::group;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gitlab::api::projects::hooks::Hooks;
use gitlab::api::projects::jobs::{CancelJob, JobVariableAttribute, PlayJob, RetryJob};
use gitlab::api::projects::merge_requests::{
    CreateMergeRequest, EditMergeRequest, MergeMergeRequest, MergeRequest, MergeRequests,
};
use gitlab::api::projects::pipelines::{
    CancelPipeline, Pipeline, PipelineJobs, PipelineTestReportSummary, Pipelines, RetryPipeline,
};
use gitlab::api::projects::protected_tags::ProtectedTags;
use gitlab::api::projects::repository::branches::{Branch, Branches};
use gitlab::api::projects::repository::commits::{
    Commit as CommitEndpoint, CommitAction, CommitActionType, Commits, CompareCommits, CreateCommit,
};
use gitlab::api::projects::repository::files::File;
use gitlab::api::projects::{Project, ProjectOrderBy, Projects};
use gitlab::api::{AsyncQuery, Endpoint, Pageable, Pagination, paged};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use slipway_domain::release::{Commit, Evidence};
use slipway_portal::ports::{
    ForgeBranch, ForgeError, ForgeFile, ForgeGroup, ForgeJob, ForgeMergeRequest, ForgePage, ForgePipeline,
    ForgeProject, GroupFilter, Hook, Lint, NewCommit, NewMergeRequest, SourceForge, TokenInfo, Trace,
};
use std::collections::BTreeMap;
use std::fmt::Display;

/// The most branches, jobs and files of a root that are read.
const MOST: usize = 2000;

/// A GitLab, through one token.
pub struct Gitlab {
    pub(crate) client: Client,
}

/// GitLab's ids are positive.
pub(crate) fn id(number: i64) -> Result<u64, ForgeError> {
    u64::try_from(number).map_err(|_| ForgeError::NotFound(format!("number {number}")))
}

pub(crate) fn built<T, E: Display>(endpoint: Result<T, E>) -> Result<T, ForgeError> {
    endpoint.map_err(|error| ForgeError::Refused(error.to_string()))
}

/// What is not there is `None`.
pub(crate) fn found<T>(answer: Result<T, ForgeError>) -> Result<Option<T>, ForgeError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(ForgeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Gitlab {
    /// A GitLab behind `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) async fn ask<E: Endpoint + Sync, B: Display>(
        &self,
        endpoint: Result<E, B>,
    ) -> Result<Value, ForgeError> {
        built(endpoint)?.query_async(&self.client).await.map_err(from_api)
    }

    pub(crate) async fn list<E: Endpoint + Pageable + Sync, B: Display>(
        &self,
        endpoint: Result<E, B>,
        limit: usize,
    ) -> Result<Vec<Value>, ForgeError> {
        paged(built(endpoint)?, Pagination::Limit(limit))
            .query_async(&self.client)
            .await
            .map_err(from_api)
    }

    pub(crate) async fn call(&self, call: Call) -> Result<Value, ForgeError> {
        call.query_async(&self.client).await.map_err(from_api)
    }

    /// As [`call`](Self::call), where the answer says nothing or nothing that is needed: GitLab's 204 has no body.
    pub(crate) async fn done(&self, call: Call) -> Result<(), ForgeError> {
        gitlab::api::ignore(call)
            .query_async(&self.client)
            .await
            .map_err(from_api)
    }

    /// The JSON of what stands beside the API.
    async fn beside(&self, path: &str) -> Result<Value, ForgeError> {
        let request = Request::builder()
            .method("GET")
            .uri(self.client.beside(path)?.as_str());
        let answer = self.client.send(request, Vec::new(), &[]).await?;
        serde_json::from_slice(answer.body())
            .map_err(|_| ForgeError::Broken(String::from("an answer that is not JSON")))
    }

    /// Bytes as they are; `also` are answers beside 2xx.
    pub(crate) async fn raw(
        &self,
        path: &str,
        from: u64,
        also: &[StatusCode],
    ) -> Result<http::Response<bytes::Bytes>, ForgeError> {
        let mut request = Request::builder()
            .method("GET")
            .uri(self.client.address(path)?.as_str());
        if from > 0 {
            request = request.header(http::header::RANGE, format!("bytes={from}-"));
        }
        self.client.send(request, Vec::new(), also).await
    }
}

#[async_trait]
impl SourceForge for Gitlab {
    async fn token(&self) -> Result<TokenInfo, ForgeError> {
        let user = self.call(Call::get(String::from("user"))).await?;
        let username = must(text(&user, "username"), "user")?;
        if self.client.is_bearer() {
            let info = self.beside("oauth/token/info").await?;
            // `scopes` is its older name.
            let scopes = info.get("scope").or_else(|| info.get("scopes"));
            return Ok(TokenInfo {
                username,
                scopes: scopes.map(answer::texts).unwrap_or_default(),
                // It is renewed before it ends.
                expires_at: None,
            });
        }
        // Only personal, project and group tokens know themselves.
        let token = match self
            .call(Call::get(String::from("personal_access_tokens/self")))
            .await
        {
            Ok(token) => token,
            Err(
                ForgeError::BadToken
                | ForgeError::Forbidden(_)
                | ForgeError::NotFound(_)
                | ForgeError::Refused(_),
            ) => {
                return Ok(TokenInfo {
                    username,
                    ..TokenInfo::default()
                });
            }
            Err(error) => return Err(error),
        };
        Ok(TokenInfo {
            username,
            scopes: token.get("scopes").map(answer::texts).unwrap_or_default(),
            expires_at: text(&token, "expires_at"),
        })
    }

    async fn projects(&self, search: Option<&str>, limit: usize) -> Result<Vec<ForgeProject>, ForgeError> {
        let mut endpoint = Projects::builder();
        endpoint
            .membership(true)
            .archived(false)
            .order_by(ProjectOrderBy::LastActivityAt);
        if let Some(search) = search {
            endpoint.search(search).search_namespaces(true);
        }
        let items = self.list(endpoint.build(), limit).await?;
        Ok(each(&items, "project", answer::project))
    }

    async fn project(&self, project: i64) -> Result<ForgeProject, ForgeError> {
        let value = self.ask(Project::builder().project(id(project)?).build()).await?;
        must(answer::project(&value), "project")
    }

    async fn groups(&self, search: Option<&str>, page: u32) -> Result<ForgePage<ForgeGroup>, ForgeError> {
        group::list(&self.client, search, page).await
    }

    async fn group(&self, group: i64) -> Result<ForgeGroup, ForgeError> {
        group::show(&self.client, group).await
    }

    async fn group_projects(
        &self,
        group: i64,
        filter: &GroupFilter,
        page: u32,
    ) -> Result<ForgePage<ForgeProject>, ForgeError> {
        group::projects(&self.client, group, filter, page).await
    }

    async fn languages(&self, project: i64) -> Result<Vec<(String, f32)>, ForgeError> {
        Ok(answer::languages(
            &self
                .call(Call::get(format!("projects/{project}/languages")))
                .await?,
        ))
    }

    async fn root_files(&self, project: i64, git_ref: &str) -> Result<Vec<String>, ForgeError> {
        let call = Call::get(format!("projects/{project}/repository/tree")).with("ref", git_ref);
        let items = self.list(Ok::<_, ForgeError>(call), MOST).await?;
        Ok(each(&items, "file", |item| text(item, "path")))
    }

    async fn file(&self, project: i64, path: &str, git_ref: &str) -> Result<Option<ForgeFile>, ForgeError> {
        let endpoint = File::builder()
            .project(id(project)?)
            .file_path(path)
            .ref_(git_ref)
            .build();
        let Some(value) = found(self.ask(endpoint).await)? else {
            return Ok(None);
        };
        let content = text(&value, "content").unwrap_or_default();
        let content = if value.get("encoding").and_then(Value::as_str) == Some("base64") {
            let packed: String = content.split_ascii_whitespace().collect();
            STANDARD
                .decode(packed)
                .map_err(|_| ForgeError::Broken(String::from("a file that is not base64")))?
        } else {
            content.into_bytes()
        };
        let last_commit_id = must(
            text(&value, "last_commit_id").or_else(|| text(&value, "commit_id")),
            "file",
        )?;
        Ok(Some(ForgeFile {
            content,
            last_commit_id,
        }))
    }

    async fn branches(&self, project: i64) -> Result<Vec<ForgeBranch>, ForgeError> {
        let items = self
            .list(Branches::builder().project(id(project)?).build(), MOST)
            .await?;
        Ok(each(&items, "branch", answer::branch))
    }

    async fn branch(&self, project: i64, name: &str) -> Result<Option<ForgeBranch>, ForgeError> {
        let value = found(
            self.ask(Branch::builder().project(id(project)?).branch(name).build())
                .await,
        )?;
        value
            .map(|value| must(answer::branch(&value), "branch"))
            .transpose()
    }

    async fn is_protected_tag(&self, project: i64, name: &str) -> Result<bool, ForgeError> {
        let items = match self
            .list(ProtectedTags::builder().project(id(project)?).build(), MOST)
            .await
        {
            Ok(items) => items,
            // Only maintainers may ask. Not knowing counts as protected.
            Err(ForgeError::Forbidden(_) | ForgeError::NotFound(_)) => return Ok(true),
            Err(error) => return Err(error),
        };
        Ok(each(&items, "protected tag", |item| text(item, "name"))
            .iter()
            .any(|pattern| fits(pattern, name)))
    }

    async fn lint(&self, project: i64, content: &str) -> Result<Lint, ForgeError> {
        let body = json!({ "content": content, "include_jobs": true });
        let value = self
            .call(Call::post(format!("projects/{project}/ci/lint"), body))
            .await?;
        must(answer::lint(&value), "lint result")
    }

    async fn lint_at(&self, project: i64, sha: &str) -> Result<Lint, ForgeError> {
        let call = Call::get(format!("projects/{project}/ci/lint"))
            .with("content_ref", sha)
            // What `content_ref` was called before 16.10.
            .with("sha", sha)
            .with("include_jobs", "true");
        must(answer::lint(&self.call(call).await?), "lint result")
    }

    async fn commit(&self, project: i64, commit: &NewCommit) -> Result<String, ForgeError> {
        let mut endpoint = CreateCommit::builder();
        endpoint
            .project(id(project)?)
            .branch(&commit.branch)
            .commit_message(&commit.message);
        if let Some(start) = &commit.start_branch {
            endpoint.start_branch(start);
        }
        for file in &commit.files {
            let mut action = CommitAction::builder();
            action.file_path(&file.path).content(file.content.as_bytes());
            match &file.replaces {
                None => action.action(CommitActionType::Create),
                Some(last) => action.action(CommitActionType::Update).last_commit_id(last),
            };
            endpoint.action(built(action.build())?);
        }
        let value = self.ask(endpoint.build()).await?;
        must(text(&value, "id"), "commit")
    }

    async fn create_merge_request(
        &self,
        project: i64,
        new: &NewMergeRequest,
    ) -> Result<ForgeMergeRequest, ForgeError> {
        let endpoint = CreateMergeRequest::builder()
            .project(id(project)?)
            .source_branch(&new.source_branch)
            .target_branch(&new.target_branch)
            .title(&new.title)
            .description(&new.description)
            .remove_source_branch(true)
            .build();
        must(answer::merge_request(&self.ask(endpoint).await?), "merge request")
    }

    async fn find_merge_request(
        &self,
        project: i64,
        source_branch: &str,
    ) -> Result<Option<ForgeMergeRequest>, ForgeError> {
        let endpoint = MergeRequests::builder()
            .project(id(project)?)
            .source_branch(source_branch)
            .build();
        let mut items = each(
            &self.list(endpoint, 100).await?,
            "merge request",
            answer::merge_request,
        );
        items.retain(|request| request.source_branch == source_branch);
        items.sort_by_key(|request| (request.state != "opened", std::cmp::Reverse(request.iid)));
        Ok(items.into_iter().next())
    }

    async fn update_merge_request(
        &self,
        project: i64,
        iid: i64,
        title: &str,
        description: &str,
    ) -> Result<ForgeMergeRequest, ForgeError> {
        let endpoint = EditMergeRequest::builder()
            .project(id(project)?)
            .merge_request(id(iid)?)
            .title(title)
            .description(description)
            .build();
        must(answer::merge_request(&self.ask(endpoint).await?), "merge request")
    }

    async fn merge_request(&self, project: i64, iid: i64) -> Result<ForgeMergeRequest, ForgeError> {
        let endpoint = MergeRequest::builder()
            .project(id(project)?)
            .merge_request(id(iid)?)
            .build();
        must(answer::merge_request(&self.ask(endpoint).await?), "merge request")
    }

    async fn merge(&self, project: i64, iid: i64, sha: &str) -> Result<ForgeMergeRequest, ForgeError> {
        let endpoint = MergeMergeRequest::builder()
            .project(id(project)?)
            .merge_request(id(iid)?)
            .sha(sha)
            .should_remove_source_branch(true)
            .build();
        must(answer::merge_request(&self.ask(endpoint).await?), "merge request")
    }

    async fn pipelines(&self, project: i64, limit: usize) -> Result<Vec<ForgePipeline>, ForgeError> {
        let items = self
            .list(Pipelines::builder().project(id(project)?).build(), limit)
            .await?;
        Ok(each(&items, "pipeline", answer::pipeline))
    }

    async fn pipeline(&self, project: i64, pipeline: i64) -> Result<ForgePipeline, ForgeError> {
        let endpoint = Pipeline::builder()
            .project(id(project)?)
            .pipeline(id(pipeline)?)
            .build();
        must(answer::pipeline(&self.ask(endpoint).await?), "pipeline")
    }

    async fn retry_pipeline(&self, project: i64, pipeline: i64) -> Result<ForgePipeline, ForgeError> {
        let endpoint = RetryPipeline::builder()
            .project(id(project)?)
            .pipeline(id(pipeline)?)
            .build();
        must(answer::pipeline(&self.ask(endpoint).await?), "pipeline")
    }

    async fn cancel_pipeline(&self, project: i64, pipeline: i64) -> Result<ForgePipeline, ForgeError> {
        let endpoint = CancelPipeline::builder()
            .project(id(project)?)
            .pipeline(id(pipeline)?)
            .build();
        must(answer::pipeline(&self.ask(endpoint).await?), "pipeline")
    }

    async fn jobs(&self, project: i64, pipeline: i64) -> Result<Vec<ForgeJob>, ForgeError> {
        let endpoint = PipelineJobs::builder()
            .project(id(project)?)
            .pipeline(id(pipeline)?)
            .build();
        let mut jobs = each(&self.list(endpoint, MOST).await?, "job", answer::job);
        // GitLab lists the newest first.
        jobs.sort_by_key(|job| job.id);
        jobs.dedup_by_key(|job| job.id);
        Ok(jobs)
    }

    async fn play_job(
        &self,
        project: i64,
        job: i64,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ForgeError> {
        let mut endpoint = PlayJob::builder();
        endpoint.project(id(project)?).job(id(job)?);
        for (key, value) in variables {
            endpoint.job_variables_attribute(built(
                JobVariableAttribute::builder().key(key).value(value).build(),
            )?);
        }
        self.ask(endpoint.build()).await.map(drop)
    }

    async fn retry_job(&self, project: i64, job: i64) -> Result<(), ForgeError> {
        self.ask(RetryJob::builder().project(id(project)?).job(id(job)?).build())
            .await
            .map(drop)
    }

    async fn cancel_job(&self, project: i64, job: i64) -> Result<(), ForgeError> {
        self.ask(CancelJob::builder().project(id(project)?).job(id(job)?).build())
            .await
            .map(drop)
    }

    async fn trace(&self, project: i64, job: i64, from: u64) -> Result<Trace, ForgeError> {
        let path = format!("projects/{project}/jobs/{job}/trace");
        let response = self
            .raw(&path, from, &[StatusCode::RANGE_NOT_SATISFIABLE])
            .await?;
        Ok(match response.status() {
            // GitLab may honor another range than the one that was asked for.
            StatusCode::PARTIAL_CONTENT if begins_at(&response) == Some(from) => {
                Trace::Rest(response.into_body().to_vec())
            }
            StatusCode::PARTIAL_CONTENT => {
                return Err(ForgeError::Broken(String::from(
                    "another part of the log than the one asked for",
                )));
            }
            StatusCode::RANGE_NOT_SATISFIABLE if total(&response).is_none_or(|size| size == from) => {
                Trace::Rest(Vec::new())
            }
            // It is shorter than what is known of it: the job's log was replaced.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                Trace::Whole(self.raw(&path, 0, &[]).await?.into_body().to_vec())
            }
            StatusCode::NO_CONTENT => Trace::Whole(Vec::new()),
            _ => Trace::Whole(response.into_body().to_vec()),
        })
    }

    async fn artifact(&self, project: i64, job: i64, path: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        let path = archive::file_path(project, job, path);
        Ok(found(self.raw(&path, 0, &[]).await)?.map(|response| response.into_body().to_vec()))
    }

    async fn test_report(&self, project: i64, pipeline: i64) -> Result<Option<Evidence>, ForgeError> {
        let endpoint = PipelineTestReportSummary::builder()
            .project(id(project)?)
            .pipeline(id(pipeline)?)
            .build();
        Ok(found(self.ask(endpoint).await)?.and_then(|value| answer::evidence(&value)))
    }

    async fn compare(&self, project: i64, from: &str, to: &str) -> Result<Vec<Commit>, ForgeError> {
        let value = self
            .ask(
                CompareCommits::builder()
                    .project(id(project)?)
                    .from(from)
                    .to(to)
                    .build(),
            )
            .await?;
        let items = value
            .get("commits")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut commits = each(items, "commit", answer::commit);
        // GitLab compares oldest first.
        commits.reverse();
        Ok(commits)
    }

    async fn commits(&self, project: i64, git_ref: &str, limit: usize) -> Result<Vec<Commit>, ForgeError> {
        let items = self
            .list(
                Commits::builder().project(id(project)?).ref_name(git_ref).build(),
                limit,
            )
            .await?;
        Ok(each(&items, "commit", answer::commit))
    }

    async fn commit_of(&self, project: i64, sha: &str) -> Result<Commit, ForgeError> {
        let value = self
            .ask(
                CommitEndpoint::builder()
                    .project(id(project)?)
                    .commit(sha)
                    .build(),
            )
            .await?;
        must(answer::commit(&value), "commit")
    }

    async fn create_hook(&self, project: i64, hook: &Hook) -> Result<i64, ForgeError> {
        let value = self
            .call(Call::post(format!("projects/{project}/hooks"), hook_body(hook)))
            .await?;
        must(int(&value, "id"), "webhook")
    }

    async fn update_hook(&self, project: i64, hook_id: i64, hook: &Hook) -> Result<(), ForgeError> {
        self.call(Call::put(
            format!("projects/{project}/hooks/{hook_id}"),
            hook_body(hook),
        ))
        .await
        .map(drop)
    }

    async fn find_hook(&self, project: i64, url: &str) -> Result<Option<i64>, ForgeError> {
        let items = self
            .list(Hooks::builder().project(id(project)?).build(), 200)
            .await?;
        Ok(items
            .iter()
            .find(|hook| hook.get("url").and_then(Value::as_str) == Some(url))
            .and_then(|hook| int(hook, "id")))
    }
}

fn hook_body(hook: &Hook) -> Value {
    json!({
        "url": hook.url,
        "token": hook.token,
        "push_events": true,
        "tag_push_events": true,
        "merge_requests_events": true,
        "pipeline_events": true,
        "job_events": true,
        "issues_events": hook.issues,
        "note_events": hook.issues,
        "enable_ssl_verification": true,
    })
}

/// The first byte of a partial answer: `Content-Range: bytes 10-19/20`.
fn begins_at(response: &http::Response<bytes::Bytes>) -> Option<u64> {
    let range = response
        .headers()
        .get(http::header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .trim()
        .parse()
        .ok()
}

/// The size of the whole: `Content-Range: bytes */20`.
fn total(response: &http::Response<bytes::Bytes>) -> Option<u64> {
    let range = response
        .headers()
        .get(http::header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    range.rsplit('/').next()?.trim().parse().ok()
}

/// Whether a protected name, in which `*` stands for any characters, fits.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pattern.split('*').skip(1).last() else {
        return rest.is_empty();
    };
    let middle: Vec<&str> = parts.collect();
    for part in &middle[..middle.len() - 1] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_name_is_a_pattern() {
        assert!(fits("v*", "v1.2"));
        assert!(fits("*", "anything"));
        assert!(fits("release-*-rc*", "release-1-rc2"));
        assert!(fits("v1", "v1"));
        assert!(!fits("v1", "v12"));
        assert!(!fits("v*-x", "v1-y"));
        assert!(!fits("release-*", "hotfix-1"));
    }
}
