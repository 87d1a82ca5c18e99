//! Imports of work items from a file.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{IntakeId, ItemId, UserId};
use slipway_domain::intake::{IntakeRow, IntakeState, Mapping, Progress, RowError, Source};
use slipway_domain::time::Timestamp;
use std::collections::BTreeMap;

/// An import to be made.
#[derive(Clone, Debug)]
pub struct NewIntake {
    /// Its id.
    pub id: IntakeId,
    /// Who wrote the file.
    pub source: Source,
    /// What the file was called.
    pub name: String,
    /// The file.
    pub content: String,
    /// What its columns most likely mean.
    pub mapping: Mapping,
    /// How many rows it has.
    pub progress: Progress,
    /// Who began it.
    pub author: UserId,
    /// When.
    pub at: Timestamp,
}

/// An import as it is stored.
#[derive(Clone, Debug)]
pub struct IntakeRecord {
    /// In a line.
    pub row: IntakeRow,
    /// The file; empty once it has ended.
    pub content: String,
    /// What its columns and words mean.
    pub mapping: Mapping,
    /// What was wrong, as far as it was worked on.
    pub errors: Vec<RowError>,
    /// Grows with every change.
    pub version: i64,
}

/// Imports of work items from a file.
#[async_trait]
pub trait IntakeTx: Send {
    /// The project's imports, the newest first, at most 20.
    async fn intakes(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<IntakeRow>>;
    /// One of them.
    async fn intake(
        &mut self,
        project: &Authorized<Project, See>,
        id: IntakeId,
    ) -> StoreResult<Option<IntakeRecord>>;
    /// Makes one.
    async fn insert_intake(
        &mut self,
        project: &Authorized<Project, Modify>,
        intake: &NewIntake,
    ) -> StoreResult<()>;
    /// Changes one: `Gone` where `record.version` is not the stored one; it grows by one. An import that ended loses its
    /// file.
    async fn update_intake(
        &mut self,
        project: &Authorized<Project, Modify>,
        record: &IntakeRecord,
        state: IntakeState,
    ) -> StoreResult<()>;
    /// The numbers of the items that rows of files of a source became, by what the rows are known by.
    async fn external_keys(
        &mut self,
        project: &Authorized<Project, See>,
        source: Source,
    ) -> StoreResult<BTreeMap<String, i64>>;
    /// Notes what an item is known by; `false`: another item is known by that.
    async fn put_external_key(
        &mut self,
        project: &Authorized<Project, Modify>,
        source: Source,
        key: &str,
        item: ItemId,
    ) -> StoreResult<bool>;
}
