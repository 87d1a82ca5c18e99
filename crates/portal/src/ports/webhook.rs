//! Webhooks as they come in.

use super::StoreResult;
use crate::access::may::Modify;
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{AppId, DeliveryId, OrgId};
use slipway_domain::time::Timestamp;

/// A webhook that was received and believed. Of its body only the hint is kept: GitLab is asked for the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Which.
    pub id: DeliveryId,
    /// The organization of the app.
    pub org: OrgId,
    /// The app.
    pub app: AppId,
    /// What makes it unique in the app.
    pub key: String,
    /// GitLab's word for the event, as in `Pipeline Hook`.
    pub event: String,
    /// What it is about, as JSON.
    pub hint: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// Webhooks.
#[async_trait]
pub trait WebhookTx: Send {
    /// The sealed secret of an app's webhook, and whose the app is. Called before anybody is authorized: the secret
    /// is what authorizes.
    async fn hook_secret(&mut self, app: AppId) -> StoreResult<Option<(OrgId, String)>>;
    /// Stores a delivery; `false`: one of that key is there already.
    async fn insert_delivery(&mut self, delivery: &DeliveryRecord) -> StoreResult<bool>;
    /// Deliveries that were not worked on, oldest first.
    async fn waiting_deliveries(
        &mut self,
        app: &Authorized<App, Modify>,
        limit: i64,
    ) -> StoreResult<Vec<DeliveryRecord>>;
    /// Notes that they were worked on.
    async fn finish_deliveries(
        &mut self,
        app: &Authorized<App, Modify>,
        ids: &[DeliveryId],
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Forgets deliveries that were worked on before `before`.
    async fn delete_deliveries(
        &mut self,
        app: &Authorized<App, Modify>,
        before: Timestamp,
    ) -> StoreResult<()>;
}
