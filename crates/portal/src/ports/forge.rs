//! GitLab, as the use cases need it.

use super::{
    AskingGrant, ChangeForge, CiForge, CodeGrant, GrantError, IssueForge, OauthApplication, OauthTokens,
};
use async_trait::async_trait;
use slipway_domain::release::{Commit, Evidence};
use slipway_domain::run::RunStatus;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How to reach a GitLab.
#[derive(Clone)]
pub struct ForgeAccess {
    /// The base URL, without `/api/v4`.
    pub base_url: String,
    /// What opens it, and how that is sent.
    pub credential: Credential,
    /// Whether the operator of Slipway's machine wrote it, so that it may lead anywhere.
    pub operator: bool,
}

/// What opens a GitLab. Either needs the scope `api`.
#[derive(Clone)]
pub enum Credential {
    /// A personal, group or project access token, sent as `private-token`.
    Token(String),
    /// Access tokens of OAuth 2 (RFC 6750), sent as `Authorization: Bearer`.
    Bearer(Arc<dyn Bearer>),
}

/// Has an access token that ends, and another one then.
#[async_trait]
pub trait Bearer: Send + Sync {
    /// The access token to send now.
    async fn token(&self) -> Result<String, ForgeError>;
    /// Another access token than `refused`, which GitLab took no longer.
    async fn another(&self, refused: &str) -> Result<String, ForgeError>;
}

/// Why GitLab did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ForgeError {
    /// No answer: refused, timed out, or cut.
    #[error("GitLab does not answer: {0}")]
    Unreachable(String),
    /// The token is wrong, revoked or expired (401).
    #[error("GitLab refuses the token")]
    BadToken,
    /// The connection gets in by OAuth 2, and nobody has authorized it, or not again; the text says what to do.
    #[error("the connection is not authorized: {}", .0.en)]
    Unauthorized(Text),
    /// The token may not do this (403).
    #[error("GitLab does not allow it: {0}")]
    Forbidden(String),
    /// It is not there (404).
    #[error("GitLab has no such thing: {0}")]
    NotFound(String),
    /// Too many requests (429).
    #[error("GitLab asks to wait {retry_after} s")]
    Limited {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The world changed, or GitLab refuses the input (400, 405, 406, 409, 422).
    #[error("GitLab refuses: {0}")]
    Refused(String),
    /// It broke (5xx), or answered what cannot be read.
    #[error("GitLab failed: {0}")]
    Broken(String),
    /// The address leads where connections that people type may not.
    #[error("the address leads out of bounds: {0}")]
    OutOfBounds(IpAddr),
}

impl ForgeError {
    /// Whether trying again later may help.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Limited { .. } | Self::Broken(_)
        )
    }

    /// What happened, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::OutOfBounds(address) => Text::new(
                format!(
                    "This address leads to {address}: Slipway's own machine, its network link or a metadata service. \
                     Use the address of a GitLab, or ask the server's operator to allow it (outgoing.allow)."
                ),
                format!(
                    "该地址指向 {address}，即 Slipway 所在机器、其链路或云元数据服务。请填写 GitLab 的地址，\
                     或请服务器管理员放行（outgoing.allow）。"
                ),
            ),
            Self::Unreachable(_) => Text::new(
                "GitLab does not answer. What you see is the last known state; Slipway keeps trying.",
                "GitLab 无响应。当前显示的是最近一次已知状态，系统会持续重试。",
            ),
            Self::BadToken => Text::new(
                "GitLab refuses the connection's token. An organization admin must renew it in the settings.",
                "GitLab 拒绝了连接所用的令牌，请组织管理员在设置中更新。",
            ),
            Self::Unauthorized(text) => text.clone(),
            Self::Forbidden(what) => Text::new(
                format!("GitLab does not allow the connection's token to do this: {what}"),
                format!("连接所用的令牌无权执行此操作：{what}"),
            ),
            Self::NotFound(what) => Text::new(
                format!("GitLab has no such thing: {what}"),
                format!("GitLab 中不存在：{what}"),
            ),
            Self::Limited { retry_after } => Text::new(
                format!("GitLab asks to wait {retry_after} seconds. Slipway tries again then."),
                format!("GitLab 要求等待 {retry_after} 秒，届时系统会自动重试。"),
            ),
            Self::Refused(what) => {
                Text::new(format!("GitLab refuses: {what}"), format!("GitLab 拒绝：{what}"))
            }
            Self::Broken(what) => Text::new(
                format!("GitLab failed: {what}. Slipway tries again."),
                format!("GitLab 出错：{what}。系统会自动重试。"),
            ),
        }
    }
}

/// Makes clients.
#[async_trait]
pub trait ForgeConnector: Send + Sync {
    /// Whether an address that somebody typed may be used: it does not lead out of bounds
    /// ([`Outgoing`](crate::outgoing::Outgoing)) as names resolve now. Every connection asks again.
    async fn admits(&self, base_url: &str) -> Result<(), ForgeError>;
    /// A client for a GitLab. Does not connect yet; clients share their HTTP connections.
    fn connect(&self, access: &ForgeAccess) -> Result<Arc<dyn SourceForge>, ForgeError>;
    /// Where to send a person who is to authorize an application.
    fn authorize_url(&self, asking: &AskingGrant<'_>) -> Result<String, ForgeError>;
    /// Tokens for a code that GitLab sent along with the person who came back.
    async fn redeem(
        &self,
        application: &OauthApplication,
        code: &CodeGrant<'_>,
    ) -> Result<OauthTokens, GrantError>;
    /// Tokens for a refresh token, which GitLab takes once.
    async fn refresh(
        &self,
        application: &OauthApplication,
        refresh_token: &str,
        redirect_uri: &str,
    ) -> Result<OauthTokens, GrantError>;
    /// Takes a refresh token back and the access token that goes with it; one that GitLab does not know is no error.
    async fn revoke(&self, application: &OauthApplication, refresh_token: &str) -> Result<(), GrantError>;
}

/// What the token is and may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenInfo {
    /// The username it acts as.
    pub username: String,
    /// Its scopes, as in `api`; empty where GitLab does not say.
    pub scopes: Vec<String>,
    /// When it ends: a date, `YYYY-MM-DD`; `None` for tokens of OAuth 2, which are renewed.
    pub expires_at: Option<String>,
}

/// A project of GitLab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeProject {
    /// GitLab's numeric id.
    pub id: i64,
    /// The path, as in `acme/order-api`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// The default branch; `None` while the repository has no commits.
    pub default_branch: Option<String>,
    /// Where people see it.
    pub web_url: String,
    /// What GitLab calls it.
    pub name: String,
    /// Whether it is archived.
    pub archived: bool,
    /// When something last happened in it.
    pub last_activity: Option<Timestamp>,
}

/// A group of GitLab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeGroup {
    /// GitLab's numeric id.
    pub id: i64,
    /// The path, as in `acme/shop`.
    pub path: String,
    /// For people.
    pub name: String,
}

/// One page of a list, of at most 100 entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgePage<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether there are more behind it.
    pub more: bool,
}

/// Which projects of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// Whether those of its subgroups, too.
    pub subgroups: bool,
    /// Only those whose path or name has it.
    pub search: Option<String>,
}

/// A file at one ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeFile {
    /// Its bytes.
    pub content: Vec<u8>,
    /// The last commit that changed it: what a commit is guarded by.
    pub last_commit_id: String,
}

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeBranch {
    /// Its name.
    pub name: String,
    /// Its newest commit.
    pub sha: String,
    /// Whether it is protected.
    pub protected: bool,
}

/// What GitLab's lint says of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lint {
    /// Whether GitLab would take it.
    pub valid: bool,
    /// Why not, in GitLab's words.
    pub errors: Vec<String>,
    /// What it warns of, in GitLab's words.
    pub warnings: Vec<String>,
    /// Per job, the jobs it needs; without those that name none.
    pub needs: BTreeMap<String, Vec<String>>,
    /// The whole configuration with its includes, `extends` and references written out (`merged_yaml`).
    pub merged: Option<String>,
}

/// One file to be written by a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWrite {
    /// Where.
    pub path: String,
    /// What.
    pub content: String,
    /// The last commit of the file that is replaced; `None`: there must be no such file yet.
    pub replaces: Option<String>,
}

/// A commit to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommit {
    /// The branch it goes to.
    pub branch: String,
    /// The branch to begin `branch` from; `None`: `branch` is there already.
    pub start_branch: Option<String>,
    /// Its message.
    pub message: String,
    /// What it writes.
    pub files: Vec<FileWrite>,
}

/// A merge request to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMergeRequest {
    /// From.
    pub source_branch: String,
    /// To.
    pub target_branch: String,
    /// Its title.
    pub title: String,
    /// What it is for, in Markdown.
    pub description: String,
}

/// A merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeMergeRequest {
    /// Its number in the project.
    pub iid: i64,
    /// Its title.
    pub title: String,
    /// `opened`, `merged`, `closed` or `locked`.
    pub state: String,
    /// The branch it comes from.
    pub source_branch: String,
    /// The newest commit of it.
    pub sha: String,
    /// Where people see it.
    pub web_url: String,
    /// Whether it can be merged, in GitLab's words: `mergeable`, `checking`, `conflict`, …
    pub merge_status: String,
}

/// A pipeline. What a list leaves out is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgePipeline {
    /// GitLab's id.
    pub id: i64,
    /// Its number in the project.
    pub iid: i64,
    /// Where it stands; `None`: a word that Slipway does not know.
    pub status: Option<RunStatus>,
    /// The branch, tag or merge request ref.
    pub git_ref: String,
    /// Whether `git_ref` is a tag, where GitLab says so.
    pub tag: bool,
    /// The commit.
    pub sha: String,
    /// Why it was made: `push`, `web`, …
    pub source: String,
    /// Where people see it.
    pub web_url: String,
    /// Who pushed or pressed, by name.
    pub user: Option<String>,
    /// Why GitLab could not make jobs of the file, in its words.
    pub yaml_errors: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it changed last.
    pub updated_at: Option<Timestamp>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A job of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeJob {
    /// GitLab's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Where it stands; `None`: a word that Slipway does not know.
    pub status: Option<RunStatus>,
    /// Whether the pipeline goes on when it fails.
    pub allow_failure: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed, as in `script_failure`.
    pub failure_reason: Option<String>,
    /// The runner that has it.
    pub runner: Option<String>,
    /// Tags a runner must have.
    pub tags: Vec<String>,
    /// Whether it kept files, other than its log.
    pub has_artifacts: bool,
    /// The commit's first line and author, where GitLab says them.
    pub commit: Option<(String, String)>,
}

/// What came of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The bytes from the offset that was asked for.
    Rest(Vec<u8>),
    /// The whole log: GitLab did not honor the offset.
    Whole(Vec<u8>),
}

/// A webhook to be made or changed.
#[derive(Clone)]
pub struct Hook {
    /// Where GitLab sends to.
    pub url: String,
    /// What it sends as `X-Gitlab-Token`.
    pub token: String,
    /// Whether it tells of issues and notes.
    pub issues: bool,
}

/// A GitLab instance, through one token (GitLab REST v4). `project` is GitLab's numeric id.
#[async_trait]
pub trait SourceForge: CiForge + ChangeForge + IssueForge {
    /// Who the token is and what it may do, as in `/user`, `/personal_access_tokens/self` and `/oauth/token/info`.
    async fn token(&self) -> Result<TokenInfo, ForgeError>;
    /// Projects the token is a member of, those active last first; with `search`, those whose path or name has it.
    async fn projects(&self, search: Option<&str>, limit: usize) -> Result<Vec<ForgeProject>, ForgeError>;
    /// One project.
    async fn project(&self, project: i64) -> Result<ForgeProject, ForgeError>;
    /// The groups the token is in, by name, page after page from 1; with `search`, those whose path or name has it.
    async fn groups(&self, search: Option<&str>, page: u32) -> Result<ForgePage<ForgeGroup>, ForgeError>;
    /// One group.
    async fn group(&self, group: i64) -> Result<ForgeGroup, ForgeError>;
    /// The projects of a group, by path, page after page from 1; archived ones among them.
    async fn group_projects(
        &self,
        group: i64,
        filter: &GroupFilter,
        page: u32,
    ) -> Result<ForgePage<ForgeProject>, ForgeError>;
    /// The languages and their shares in percent.
    async fn languages(&self, project: i64) -> Result<Vec<(String, f32)>, ForgeError>;
    /// The paths in the root at `git_ref`.
    async fn root_files(&self, project: i64, git_ref: &str) -> Result<Vec<String>, ForgeError>;
    /// A file; `None`: there is none.
    async fn file(&self, project: i64, path: &str, git_ref: &str) -> Result<Option<ForgeFile>, ForgeError>;
    /// Every branch.
    async fn branches(&self, project: i64) -> Result<Vec<ForgeBranch>, ForgeError>;
    /// A branch; `None`: there is none.
    async fn branch(&self, project: i64, name: &str) -> Result<Option<ForgeBranch>, ForgeError>;
    /// Whether the tag `name` is protected.
    async fn is_protected_tag(&self, project: i64, name: &str) -> Result<bool, ForgeError>;
    /// Checks the text of a `.gitlab-ci.yml`.
    async fn lint(&self, project: i64, content: &str) -> Result<Lint, ForgeError>;
    /// Checks the file that stands in the repository at `sha`, includes and all.
    async fn lint_at(&self, project: i64, sha: &str) -> Result<Lint, ForgeError>;
    /// Makes a commit; its hash. Refused where a file changed since [`FileWrite::replaces`].
    async fn commit(&self, project: i64, commit: &NewCommit) -> Result<String, ForgeError>;
    /// Makes a merge request.
    async fn create_merge_request(
        &self,
        project: i64,
        new: &NewMergeRequest,
    ) -> Result<ForgeMergeRequest, ForgeError>;
    /// The newest merge request from `source_branch`, an open one before all others.
    async fn find_merge_request(
        &self,
        project: i64,
        source_branch: &str,
    ) -> Result<Option<ForgeMergeRequest>, ForgeError>;
    /// Changes title and description.
    async fn update_merge_request(
        &self,
        project: i64,
        iid: i64,
        title: &str,
        description: &str,
    ) -> Result<ForgeMergeRequest, ForgeError>;
    /// One merge request.
    async fn merge_request(&self, project: i64, iid: i64) -> Result<ForgeMergeRequest, ForgeError>;
    /// Merges it, if its newest commit is still `sha`.
    async fn merge(&self, project: i64, iid: i64, sha: &str) -> Result<ForgeMergeRequest, ForgeError>;
    /// The newest pipelines.
    async fn pipelines(&self, project: i64, limit: usize) -> Result<Vec<ForgePipeline>, ForgeError>;
    /// One pipeline.
    async fn pipeline(&self, project: i64, pipeline: i64) -> Result<ForgePipeline, ForgeError>;
    /// Runs the failed and canceled jobs again.
    async fn retry_pipeline(&self, project: i64, pipeline: i64) -> Result<ForgePipeline, ForgeError>;
    /// Stops every job.
    async fn cancel_pipeline(&self, project: i64, pipeline: i64) -> Result<ForgePipeline, ForgeError>;
    /// The newest try of each job, in the order they were made.
    async fn jobs(&self, project: i64, pipeline: i64) -> Result<Vec<ForgeJob>, ForgeError>;
    /// Starts a manual job.
    async fn play_job(
        &self,
        project: i64,
        job: i64,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ForgeError>;
    /// Runs a job again.
    async fn retry_job(&self, project: i64, job: i64) -> Result<(), ForgeError>;
    /// Stops a job.
    async fn cancel_job(&self, project: i64, job: i64) -> Result<(), ForgeError>;
    /// A job's log from byte `from` on.
    async fn trace(&self, project: i64, job: i64, from: u64) -> Result<Trace, ForgeError>;
    /// One file of a job's artifacts; `None`: it is not among them.
    async fn artifact(&self, project: i64, job: i64, path: &str) -> Result<Option<Vec<u8>>, ForgeError>;
    /// What the tests of a pipeline said, summed up; `None`: it has no report.
    async fn test_report(&self, project: i64, pipeline: i64) -> Result<Option<Evidence>, ForgeError>;
    /// The commits that `to` has and `from` has not, newest first.
    async fn compare(&self, project: i64, from: &str, to: &str) -> Result<Vec<Commit>, ForgeError>;
    /// The newest commits that lead to `git_ref`.
    async fn commits(&self, project: i64, git_ref: &str, limit: usize) -> Result<Vec<Commit>, ForgeError>;
    /// One commit.
    async fn commit_of(&self, project: i64, sha: &str) -> Result<Commit, ForgeError>;
    /// Makes a webhook for pushes, tags, merge requests, pipelines, jobs, and issues if they are wanted; its id.
    async fn create_hook(&self, project: i64, hook: &Hook) -> Result<i64, ForgeError>;
    /// Changes a webhook.
    async fn update_hook(&self, project: i64, id: i64, hook: &Hook) -> Result<(), ForgeError>;
    /// The webhook that sends to `url`.
    async fn find_hook(&self, project: i64, url: &str) -> Result<Option<i64>, ForgeError>;
}
