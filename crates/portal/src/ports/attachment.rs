//! Files that are attached to work items.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{AttachmentId, ItemId};
use slipway_domain::item::Attachment;
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;

/// A file that is attached to an item, as it is stored; without its bytes.
#[derive(Clone, Debug)]
pub struct AttachmentRecord {
    /// Which.
    pub id: AttachmentId,
    /// What it is called.
    pub name: String,
    /// What its bytes are.
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// Who attached it.
    pub author: PersonRef,
    /// When.
    pub created_at: Timestamp,
    /// What its bytes lie under outside of the database; `None`: they are in it.
    pub object: Option<String>,
}

impl AttachmentRecord {
    /// As a page shows it, to who may take it away or not.
    pub fn shown(&self, may_delete: bool) -> Attachment {
        Attachment {
            id: self.id,
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            author: self.author.clone(),
            created_at: self.created_at,
            may_delete,
        }
    }
}

/// Files that are attached to work items.
#[async_trait]
pub trait AttachmentTx: Send {
    /// The files of an item, the oldest first.
    async fn attachments(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<AttachmentRecord>>;
    /// One file of an item.
    async fn attachment(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
        id: AttachmentId,
    ) -> StoreResult<Option<AttachmentRecord>>;
    /// The bytes of a file that are in the database.
    async fn attachment_content(
        &mut self,
        project: &Authorized<Project, See>,
        id: AttachmentId,
    ) -> StoreResult<Option<Vec<u8>>>;
    /// Attaches a file, with its bytes unless they lie outside of the database.
    async fn insert_attachment(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: ItemId,
        attachment: &AttachmentRecord,
        content: &[u8],
    ) -> StoreResult<()>;
    /// Takes a file away. `Gone` where there is none.
    async fn delete_attachment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: AttachmentId,
    ) -> StoreResult<()>;
}
