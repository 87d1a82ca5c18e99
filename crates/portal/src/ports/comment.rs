//! Comments on work items, their links and their watchers.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{CommentId, ItemId, UserId};
use slipway_domain::item::{ItemLine, LinkedItem, Relation};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;

/// A comment as it is stored.
#[derive(Clone, Debug)]
pub struct CommentRecord {
    /// Which.
    pub id: CommentId,
    /// Who wrote it.
    pub author: PersonRef,
    /// Markdown.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub edited_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
}

/// Comments on work items, their links and their watchers.
#[async_trait]
pub trait CommentTx: Send {
    /// What is said about an item, the oldest first.
    async fn comments(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<CommentRecord>>;
    /// One comment on an item.
    async fn comment(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
        id: CommentId,
    ) -> StoreResult<Option<CommentRecord>>;
    /// Adds a comment.
    async fn insert_comment(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: ItemId,
        comment: &CommentRecord,
    ) -> StoreResult<()>;
    /// Changes what a comment says. `Gone` where `version` is not the stored one.
    async fn update_comment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: CommentId,
        version: i64,
        body: &str,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Takes a comment away. `Gone` where there is none.
    async fn delete_comment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: CommentId,
    ) -> StoreResult<()>;
    /// The items that an item is linked to, by relation and number.
    async fn item_links(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<LinkedItem>>;
    /// Links two items of the project, as [`Relation::stored`] has it; whether they were not linked so before.
    async fn link_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        link: (Relation, ItemId, ItemId),
        at: Timestamp,
    ) -> StoreResult<bool>;
    /// Takes a link away; whether there was one.
    async fn unlink_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        link: (Relation, ItemId, ItemId),
    ) -> StoreResult<bool>;
    /// The parts of an item, by number, at most 200.
    async fn item_parts(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<ItemLine>>;
    /// Who watches an item, by name.
    async fn watchers(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<PersonRef>>;
    /// Makes somebody watch an item, or not any more; whether that is new.
    async fn set_watching(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
        who: UserId,
        watching: bool,
        at: Timestamp,
    ) -> StoreResult<bool>;
}
