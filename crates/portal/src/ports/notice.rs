//! Notices. Each is one person's own; whether they still see its place is asked when it is read.

use super::StoreResult;
use crate::access::may::See;
use crate::access::{AnyScope, App, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{AppId, EnvironmentId, NoticeId, OrgId, ProjectId, UserId};
use slipway_domain::notice::{Notice, NoticeKind, Quiet};
use slipway_domain::time::Timestamp;

/// A notice to be kept.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// For whom.
    pub user: UserId,
    /// Where what happened is.
    pub org: OrgId,
    /// The project; `None`: the organization itself.
    pub project: Option<ProjectId>,
    /// The app; `None`: the project itself.
    pub app: Option<AppId>,
    /// The thing it is about.
    pub thread: String,
    /// What that is called.
    pub subject: String,
    /// Its page.
    pub path: String,
    /// What happened.
    pub notice: Notice,
}

/// A notice as it is kept.
#[derive(Clone, Debug)]
pub struct NoticeRecord {
    /// Where what happened is.
    pub scope: AnyScope,
    /// The thing it is about.
    pub thread: String,
    /// What that is called.
    pub subject: String,
    /// Its page.
    pub path: String,
    /// What happened.
    pub notice: Notice,
}

/// Which of their notices somebody marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// One.
    One(NoticeId),
    /// All of a thread.
    Thread(String),
    /// All.
    All,
}

impl Which {
    /// One notice, else a thread, else all.
    pub fn of(notice: Option<NoticeId>, thread: Option<String>) -> Self {
        match (notice, thread) {
            (Some(id), _) => Self::One(id),
            (None, Some(thread)) => Self::Thread(thread),
            (None, None) => Self::All,
        }
    }
}

/// Notices.
#[async_trait]
pub trait NoticeTx: Send {
    /// Keeps a notice.
    async fn insert_notice(&mut self, new: &NewNotice) -> StoreResult<()>;
    /// The person's notices before an instant, the newest first; with `unread`, only those. What is of a place that
    /// is gone is not among them.
    async fn notices(
        &mut self,
        user: UserId,
        unread: bool,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<NoticeRecord>>;
    /// How many unread ones the person has, by place.
    async fn unread_notices(&mut self, user: UserId) -> StoreResult<Vec<(AnyScope, i64)>>;
    /// Marks notices of the person as read at an instant, or as unread (`None`); how many that changed.
    async fn mark_notices(
        &mut self,
        user: UserId,
        which: &Which,
        read_at: Option<Timestamp>,
    ) -> StoreResult<u64>;
    /// Forgets what was read before an instant; how many there were.
    async fn prune_notices(&mut self, read_before: Timestamp) -> StoreResult<u64>;
    /// What the person does not want to be told.
    async fn quiet_of(&mut self, user: UserId) -> StoreResult<Quiet>;
    /// Switches a kind on or off for the person.
    async fn set_notice_kind(&mut self, user: UserId, kind: NoticeKind, on: bool) -> StoreResult<()>;
    /// Mutes a project for the person, or no longer.
    async fn set_muted(&mut self, user: UserId, project: ProjectId, muted: bool) -> StoreResult<()>;
    /// Remembers that the person started a pipeline (GitLab's id).
    async fn insert_run_starter(
        &mut self,
        app: &Authorized<App, See>,
        pipeline: i64,
        user: UserId,
    ) -> StoreResult<()>;
    /// Who started that pipeline, or some of it.
    async fn run_starters(&mut self, app: &Authorized<App, See>, pipeline: i64) -> StoreResult<Vec<UserId>>;
    /// Who asked for what runs there now.
    async fn deployed_by(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Option<UserId>>;
}
