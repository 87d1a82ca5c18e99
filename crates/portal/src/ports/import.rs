//! Imports of GitLab groups.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::app::AppRef;
use slipway_domain::id::{AppId, ConnectionId, ImportId, UserId};
use slipway_domain::import::{ImportCounts, ImportState, ItemState};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// Which.
    pub id: ImportId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// GitLab's numeric id of the group.
    pub group: i64,
    /// The path of the group.
    pub group_path: String,
    /// Where it stands.
    pub state: ImportState,
    /// In whose name it runs.
    pub by: PersonRef,
    /// Why it stopped.
    pub reason: Option<Text>,
    /// What it waits for.
    pub trouble: Option<Text>,
    /// When it goes on.
    pub retry_at: Option<Timestamp>,
    /// How many repositories in a row were given up since GitLab did not answer.
    pub exhausted: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was started first.
    pub started_at: Option<Timestamp>,
    /// When no repository waited any more, or it was stopped.
    pub ended_at: Option<Timestamp>,
}

/// A repository of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportItemRecord {
    /// GitLab's numeric project id.
    pub repository: i64,
    /// Its path.
    pub path: String,
    /// Whether it is archived.
    pub archived: bool,
    /// The slug that its app gets or got.
    pub slug: String,
    /// The name that its app gets or got.
    pub name: String,
    /// Where it stands.
    pub state: ItemState,
    /// The app that was made of it.
    pub app: Option<AppId>,
    /// Why it failed or was skipped, or what there is to know of its app.
    pub reason: Option<Text>,
    /// How often GitLab did not answer about it since it was tried first.
    pub tries: i64,
    /// When it was done, failed or skipped.
    pub ended_at: Option<Timestamp>,
}

/// Imports.
#[async_trait]
pub trait ImportTx: Send {
    /// Keeps a new import.
    async fn insert_import(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: &ImportRecord,
    ) -> StoreResult<()>;
    /// Changes an import that stands at `was`: everything but what it imports. `Gone`: it stands elsewhere.
    async fn update_import(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: &ImportRecord,
        was: ImportState,
    ) -> StoreResult<()>;
    /// The import of that id in the project.
    async fn import(
        &mut self,
        project: &Authorized<Project, See>,
        id: ImportId,
    ) -> StoreResult<Option<ImportRecord>>;
    /// The draft that a person has of a group.
    async fn import_draft(
        &mut self,
        project: &Authorized<Project, See>,
        user: UserId,
        connection: ConnectionId,
        group: i64,
    ) -> StoreResult<Option<ImportRecord>>;
    /// The newest imports of the project with how far each is, without drafts.
    async fn imports(
        &mut self,
        project: &Authorized<Project, See>,
        limit: i64,
    ) -> StoreResult<Vec<(ImportRecord, ImportCounts)>>;
    /// Forgets the drafts of the project that were begun before an instant.
    async fn delete_import_drafts(
        &mut self,
        project: &Authorized<Project, Modify>,
        before: Timestamp,
    ) -> StoreResult<()>;
    /// Adds a repository to a draft, or changes what its app is to be called.
    async fn put_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        item: &ImportItemRecord,
    ) -> StoreResult<()>;
    /// Takes a repository out of a draft.
    async fn remove_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        repository: i64,
    ) -> StoreResult<()>;
    /// The repositories of an import by path, each with the name of its app while that is there.
    async fn import_items(
        &mut self,
        project: &Authorized<Project, See>,
        import: ImportId,
    ) -> StoreResult<Vec<(ImportItemRecord, Option<AppRef>)>>;
    /// The first repository of an import that waits.
    async fn next_import_item(
        &mut self,
        project: &Authorized<Project, See>,
        import: ImportId,
    ) -> StoreResult<Option<ImportItemRecord>>;
    /// Settles a repository that waits, or has it wait on: of an import that runs. `Gone`: it does not wait any more, or
    /// the import does not run.
    async fn settle_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        item: &ImportItemRecord,
    ) -> StoreResult<()>;
    /// Tells what there is to know of the app that was made of a repository.
    async fn note_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        repository: i64,
        note: &Text,
    ) -> StoreResult<()>;
    /// Has the repositories that failed wait again; how many these are.
    async fn retry_import_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
    ) -> StoreResult<i64>;
    /// The slugs of the project's apps, those that name workloads among them: what no new app can have.
    async fn taken_app_slugs(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<String>>;
}
