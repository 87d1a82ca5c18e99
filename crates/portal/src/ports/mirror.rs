//! Issues of GitLab, and the work items that mirror them.

use super::{ForgeError, ForgePage, StoreResult};
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{AppId, CommentId, ConnectionId, ItemId, UserId};
use slipway_domain::mirror::{ConflictRow, MirrorLink, MirrorRules, Sheet, Taking};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// Somebody in GitLab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgePerson {
    /// GitLab's id.
    pub id: i64,
    /// The username.
    pub username: String,
    /// For people.
    pub name: String,
}

/// An issue (GitLab REST v4, `/projects/:id/issues`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeIssue {
    /// Its number in the project.
    pub iid: i64,
    /// Its title.
    pub title: String,
    /// Markdown.
    pub description: String,
    /// `opened` or `closed`.
    pub state: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who does it.
    pub assignees: Vec<ForgePerson>,
    /// The day it is due, `YYYY-MM-DD`.
    pub due_on: Option<String>,
    /// Whether only members from reporter up see it.
    pub confidential: bool,
    /// Whether it goes on in another project.
    pub moved: bool,
    /// Where people see it.
    pub web_url: String,
    /// Who wrote it.
    pub author: ForgePerson,
    /// Whether anybody said anything about it.
    pub has_notes: bool,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// A note on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeNote {
    /// GitLab's id.
    pub id: i64,
    /// Markdown.
    pub body: String,
    /// Whether GitLab wrote it: a change of the issue in words.
    pub system: bool,
    /// Whether only members from reporter up see it.
    pub internal: bool,
    /// Who wrote it.
    pub author: ForgePerson,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What becomes of an issue. `None` leaves a field as it is; an empty text, a person 0 empty it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssueEdit {
    /// Its title.
    pub title: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// Whether it is closed.
    pub closed: Option<bool>,
    /// Labels that it gets.
    pub add_labels: Vec<String>,
    /// Labels that it loses.
    pub remove_labels: Vec<String>,
    /// GitLab's id of who does it.
    pub assignee: Option<i64>,
    /// The day it is due.
    pub due_on: Option<String>,
}

/// Issues and their notes. `project` is GitLab's numeric id, `iid` an issue's number in it.
#[async_trait]
pub trait IssueForge: Send + Sync {
    /// Issues that changed at `since` or later, the ones that changed first before the others.
    async fn issues_since(
        &self,
        project: i64,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<ForgeIssue>, ForgeError>;
    /// The issue that changed last.
    async fn newest_change(&self, project: i64) -> Result<Option<ForgeIssue>, ForgeError>;
    /// Issues in the order in which they were made, or the newest first, page after page from 1.
    async fn issues(
        &self,
        project: i64,
        newest_first: bool,
        page: u32,
    ) -> Result<ForgePage<ForgeIssue>, ForgeError>;
    /// One issue.
    async fn issue(&self, project: i64, iid: i64) -> Result<ForgeIssue, ForgeError>;
    /// Makes an issue. GitLab takes labels that it does not know yet.
    async fn create_issue(&self, project: i64, new: &IssueEdit) -> Result<ForgeIssue, ForgeError>;
    /// Changes an issue.
    async fn update_issue(&self, project: i64, iid: i64, edit: &IssueEdit) -> Result<ForgeIssue, ForgeError>;
    /// The notes on an issue, the oldest first.
    async fn notes(&self, project: i64, iid: i64) -> Result<Vec<ForgeNote>, ForgeError>;
    /// Adds a note; its id.
    async fn create_note(&self, project: i64, iid: i64, body: &str) -> Result<i64, ForgeError>;
    /// Changes a note.
    async fn update_note(&self, project: i64, iid: i64, note: i64, body: &str) -> Result<(), ForgeError>;
}

/// How an app's issues are mirrored, as it is stored.
#[derive(Clone, Debug)]
pub struct MirrorRecord {
    /// Since when; `None`: it is off.
    pub since: Option<Timestamp>,
    /// How.
    pub rules: MirrorRules,
    /// In whose name GitLab's changes are written.
    pub bot: UserId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// Of which project of GitLab.
    pub repository: i64,
    /// The newest issue when it was switched on.
    pub since_iid: i64,
    /// How far changes were read, by GitLab's clock.
    pub cursor: Option<Timestamp>,
    /// When GitLab was last asked what changed.
    pub reconciled_at: Option<Timestamp>,
    /// How far the issues from before are taken over; `None`: they are not.
    pub taking: Option<Taking>,
    /// Why the last look came to nothing.
    pub trouble: Option<Text>,
    /// Grows with every change of the settings.
    pub version: i64,
}

/// An item and its issue, as it is stored.
#[derive(Clone, Debug)]
pub struct LinkRecord {
    /// Which item.
    pub item: ItemId,
    /// The item's number in the project.
    pub number: i64,
    /// Through which connection.
    pub connection: ConnectionId,
    /// Of which project of GitLab.
    pub repository: i64,
    /// What the item's page shows.
    pub link: MirrorLink,
    /// Whether the issue was made for the item.
    pub made_here: bool,
    /// What both sides held when they last agreed.
    pub base: Sheet,
    /// What was about to be written in GitLab.
    pub written: Sheet,
    /// Until when somebody writes there.
    pub lease_until: Option<Timestamp>,
    /// The item's version when they met.
    pub item_version: i64,
    /// When the issue had changed last then, by GitLab's clock.
    pub seen_at: Option<Timestamp>,
}

/// A comment and its note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRecord {
    /// The comment, which may be deleted.
    pub comment: CommentId,
    /// GitLab's id of the note; `None`: it is being made.
    pub note: Option<i64>,
    /// What both said when they last agreed.
    pub base: String,
}

/// Where a change of an item is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorTarget {
    /// Of which app the issue is, or is to be.
    pub app: AppId,
    /// In whose name GitLab's changes are written.
    pub bot: UserId,
    /// Whether the item has an issue, or gets one.
    pub wanted: bool,
}

/// Work items that mirror issues.
#[async_trait]
pub trait MirrorTx: Send {
    /// How an app's issues are mirrored; `None`: it was never switched on.
    async fn mirror(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<MirrorRecord>>;
    /// Sets it. `Gone` where `version` is not the stored one (0: there is none yet); it grows by one.
    async fn put_mirror(&mut self, app: &Authorized<App, Modify>, mirror: &MirrorRecord) -> StoreResult<()>;
    /// Notes how far GitLab was read and what came of it, unless the settings were changed meanwhile.
    async fn note_mirror(&mut self, app: &Authorized<App, Modify>, mirror: &MirrorRecord) -> StoreResult<()>;
    /// Where a change of an item is to be told; `None`: nowhere.
    async fn mirror_of_item(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Option<MirrorTarget>>;
    /// The item of an issue.
    async fn link_of_issue(
        &mut self,
        app: &Authorized<App, See>,
        repository: (ConnectionId, i64),
        iid: i64,
    ) -> StoreResult<Option<LinkRecord>>;
    /// The issue of an item.
    async fn link_of_item(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Option<LinkRecord>>;
    /// Links an item and an issue. `Constraint` where either is linked already.
    async fn insert_link(&mut self, app: &Authorized<App, Modify>, link: &LinkRecord) -> StoreResult<()>;
    /// Changes a link. `Gone` where `link.version` is not the stored one; it grows by one.
    async fn update_link(
        &mut self,
        project: &Authorized<Project, Modify>,
        link: &LinkRecord,
    ) -> StoreResult<()>;
    /// The items that changed since they met their issues, or whose issues were being made.
    async fn lagging_links(&mut self, app: &Authorized<App, See>, limit: i64) -> StoreResult<Vec<ItemId>>;
    /// How many items have an issue of the app, and those with something to settle, by number.
    async fn links_of_app(
        &mut self,
        app: &Authorized<App, See>,
        limit: i64,
    ) -> StoreResult<(i64, Vec<ConflictRow>)>;
    /// The number of an item of the app's project that is not deleted.
    async fn number_of_item(&mut self, app: &Authorized<App, See>, item: ItemId) -> StoreResult<Option<i64>>;
    /// The comments of an item that have notes.
    async fn notes_of(&mut self, app: &Authorized<App, See>, item: ItemId) -> StoreResult<Vec<NoteRecord>>;
    /// Notes that a comment has a note, or what both say. `Constraint` where another comment has that note.
    async fn put_note(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        note: &NoteRecord,
    ) -> StoreResult<()>;
    /// Says who wrote a comment in GitLab.
    async fn set_said_by(
        &mut self,
        project: &Authorized<Project, Modify>,
        comment: CommentId,
        name: &str,
    ) -> StoreResult<()>;
}
