//! What in the repositories names work items, and what moves items by itself.

use super::{ForgeError, StoreResult};
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{AppId, EnvironmentId, ItemId, ReleaseId};
use slipway_domain::insight::{Landed, Worked};
use slipway_domain::time::Timestamp;
use slipway_domain::trail::{Automation, Mark, MarkKind, Trigger};
use std::collections::{BTreeMap, HashMap};

/// A merge request, as far as items want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeChange {
    /// Its number in the project.
    pub iid: i64,
    /// Its title.
    pub title: String,
    /// Markdown.
    pub description: String,
    /// `opened`, `merged`, `closed` or `locked`.
    pub state: String,
    /// The branch it comes from.
    pub source_branch: String,
    /// Where people see it.
    pub web_url: String,
    /// Who made it, by name.
    pub author: String,
    /// Its newest commit, and what became of it on the target: a merge commit, a squashed one.
    pub commits: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
}

/// A commit with its whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeMessage {
    /// The whole hash.
    pub sha: String,
    /// Its first line.
    pub title: String,
    /// All of its lines.
    pub message: String,
    /// Who wrote it.
    pub author: String,
    /// When it was committed.
    pub at: Timestamp,
    /// Where people see it.
    pub web_url: String,
}

/// What changes in a repository. `project` is GitLab's numeric id.
#[async_trait]
pub trait ChangeForge: Send + Sync {
    /// Merge requests that changed at `since` or later, the ones that changed first before the others; without it, those
    /// that changed last.
    async fn changes_since(
        &self,
        project: i64,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<ForgeChange>, ForgeError>;
    /// The commits that `to` has and `from` has not, with their messages.
    async fn messages(&self, project: i64, from: &str, to: &str) -> Result<Vec<ForgeMessage>, ForgeError>;
}

/// Something that names items, as it is stored for one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkRecord {
    /// In which app.
    pub app: AppId,
    /// The app's slug.
    pub slug: String,
    /// The app's name.
    pub name: String,
    /// What it is.
    pub mark: Mark,
}

/// A release that brought something of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailRelease {
    /// Of which app.
    pub app: AppId,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The release's version.
    pub version: String,
    /// When it was made.
    pub at: Timestamp,
}

/// How far a repository was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailState {
    /// The last change of a merge request that is known, by GitLab's clock.
    pub requests_until: Option<Timestamp>,
    /// The newest commit of every branch.
    pub heads: BTreeMap<String, String>,
}

/// What in the repositories names work items, and what moves items by itself.
#[async_trait]
pub trait TrailTx: Send {
    /// Whether the project has any item.
    async fn has_items(&mut self, project: &Authorized<Project, See>) -> StoreResult<bool>;
    /// How far the app's repository was read; `None`: not at all.
    async fn trail_state(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<TrailState>>;
    /// Notes how far it was read.
    async fn put_trail_state(&mut self, app: &Authorized<App, Modify>, state: &TrailState)
    -> StoreResult<()>;
    /// Notes that something names an item of the app's project; whether anything of it is new.
    async fn put_mark(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        mark: &Mark,
    ) -> StoreResult<bool>;
    /// The items that something of the app names, as it is known.
    async fn marked_items(
        &mut self,
        app: &Authorized<App, See>,
        kind: MarkKind,
        reference: &str,
    ) -> StoreResult<Vec<ItemId>>;
    /// Something names the item no more.
    async fn delete_mark(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        kind: MarkKind,
        reference: &str,
    ) -> StoreResult<()>;
    /// A branch is gone; the items that it names.
    async fn lose_branch(&mut self, app: &Authorized<App, Modify>, branch: &str) -> StoreResult<Vec<ItemId>>;
    /// Notes that a commit of the app belongs to an item; whether that is new.
    async fn put_item_commit(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        sha: &str,
    ) -> StoreResult<bool>;
    /// The items that a commit of the app belongs to.
    async fn items_of_commit(&mut self, app: &Authorized<App, See>, sha: &str) -> StoreResult<Vec<ItemId>>;
    /// Notes that a release brought something of an item; whether that is new.
    async fn put_item_release(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        release: ReleaseId,
    ) -> StoreResult<bool>;
    /// The numbers of the items that the app's releases made after `after` and until `until` brought, at most 1,000.
    async fn items_of_releases(
        &mut self,
        app: &Authorized<App, See>,
        after: Option<Timestamp>,
        until: Timestamp,
    ) -> StoreResult<Vec<i64>>;
    /// The numbers of the items that a release brought.
    async fn items_of_release(
        &mut self,
        app: &Authorized<App, See>,
        release: ReleaseId,
    ) -> StoreResult<Vec<i64>>;
    /// What names an item, by app and kind, the newest first; at most 200.
    async fn marks(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<MarkRecord>>;
    /// The releases that brought something of an item, the oldest first.
    async fn releases_of_item(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<TrailRelease>>;
    /// What runs at the stops of an app, by environment: the version, when its release was made, and since when.
    async fn running_of(
        &mut self,
        project: &Authorized<Project, See>,
        app: AppId,
    ) -> StoreResult<Vec<(EnvironmentId, String, Timestamp, Timestamp)>>;
    /// What the repositories say of the project's items, by their numbers.
    async fn worked(&mut self, project: &Authorized<Project, See>) -> StoreResult<HashMap<i64, Worked>>;
    /// The releases that brought something of the project's items, by their numbers: the app, and when each was made.
    async fn brought(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<HashMap<i64, Vec<(AppId, Timestamp)>>>;
    /// The deployments of the project's apps that went well.
    async fn landed(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<Landed>>;
    /// How the project's automation is set.
    async fn automation(&mut self, project: &Authorized<Project, See>) -> StoreResult<Automation>;
    /// Sets it. `Gone` where `automation.version` is not the stored one; it grows by one.
    async fn set_automation(
        &mut self,
        project: &Authorized<Project, Modify>,
        automation: &Automation,
    ) -> StoreResult<()>;
    /// Notes that something happened to an item that may move it; whether nobody noted it before.
    async fn note_trigger(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: ItemId,
        trigger: Trigger,
        cause: &str,
        at: Timestamp,
    ) -> StoreResult<bool>;
}
