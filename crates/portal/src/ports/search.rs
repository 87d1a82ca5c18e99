//! Looking through everything that somebody sees of an organization.

use super::StoreResult;
use crate::access::may::See;
use crate::access::sight::Sight;
use crate::access::{AppScope, Authorized, Org, ProjectScope};
use async_trait::async_trait;
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::{AppId, ProjectId, UserId};
use slipway_domain::item::{ItemKind, ItemState};
use slipway_domain::person::PersonRef;
use slipway_domain::run::RunStatus;
use slipway_domain::search::Query;
use slipway_domain::time::Timestamp;

/// A work item that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundItem {
    /// Its project.
    pub project: ProjectId,
    /// As in `CHK-12`.
    pub key: String,
    /// In one line.
    pub title: String,
    /// What kind of work.
    pub kind: ItemKind,
    /// Where it stands.
    pub state: ItemState,
}

/// A release that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRelease {
    /// Its app.
    pub app: AppId,
    /// Its version.
    pub version: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A run that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRun {
    /// Its app.
    pub app: AppId,
    /// Its number in the app.
    pub number: i64,
    /// The commit's first line.
    pub title: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An environment that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEnvironment {
    /// Its project.
    pub project: ProjectId,
    /// Which.
    pub environment: EnvironmentRef,
}

/// Search. What fits best comes first, then what changed last. Letters of ASCII fit in either case; others as they
/// were typed, or in small letters.
#[async_trait]
pub trait SearchTx: Send {
    /// Every project of the organization, by name: [`access::sight`](crate::access::sight) keeps what the actor sees.
    async fn every_project(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<ProjectScope>>;
    /// Every app of the organization, by name; as [`every_project`](Self::every_project).
    async fn every_app(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<AppScope>>;
    /// Work items by key and title.
    async fn find_items(&mut self, of: &Sight, query: &Query, limit: i64) -> StoreResult<Vec<FoundItem>>;
    /// Releases by version.
    async fn find_releases(
        &mut self,
        of: &Sight,
        query: &Query,
        limit: i64,
    ) -> StoreResult<Vec<FoundRelease>>;
    /// Runs by number.
    async fn find_runs(&mut self, of: &Sight, number: i64, limit: i64) -> StoreResult<Vec<FoundRun>>;
    /// Environments by key and name.
    async fn find_environments(
        &mut self,
        of: &Sight,
        query: &Query,
        limit: i64,
    ) -> StoreResult<Vec<FoundEnvironment>>;
    /// Active people of the organization by name.
    async fn find_people(&mut self, of: &Sight, query: &Query, limit: i64) -> StoreResult<Vec<PersonRef>>;
    /// Work items that the person wrote or does, the ones that changed last first.
    async fn items_of(&mut self, of: &Sight, person: UserId, limit: i64) -> StoreResult<Vec<FoundItem>>;
}
