//! Promotions, the decisions on them, and their deployments.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized, Project};
use async_trait::async_trait;
use slipway_domain::approval::{Decision, Evaluation, Pause};
use slipway_domain::comparison::HistoryRow;
use slipway_domain::drift::FieldChange;
use slipway_domain::environment::Health;
use slipway_domain::id::{
    AppId, ClusterId, DeploymentId, EnvironmentId, OrgId, PromotionId, ReleaseId, UserId,
};
use slipway_domain::promotion::{
    DeploymentState, Gate, PodTrouble, PromotionKind, PromotionRow, PromotionState,
};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// What approvals are asked for, and what it was made of, so that a later change can be named.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SubjectRecord {
    /// The hash approvals are given to.
    pub subject: String,
    /// The version of the approval rules.
    pub rules_version: i64,
    /// The hash of the rendered manifests.
    pub manifests: String,
}

/// A promotion as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromotionRecord {
    /// Which.
    pub id: PromotionId,
    /// What.
    pub release: ReleaseId,
    /// Where to.
    pub environment: EnvironmentId,
    /// Why.
    pub kind: PromotionKind,
    /// Where it stands.
    pub state: PromotionState,
    /// Grows with every change; a change carries the version it was made from.
    pub version: i64,
    /// Why it stands there.
    pub reason: Option<Text>,
    /// What approvals were asked for so far; the last one holds.
    pub subjects: Vec<SubjectRecord>,
    /// The gates at the last look.
    pub gates: Vec<Gate>,
    /// The approvals at the last look.
    pub evaluation: Option<Evaluation>,
    /// Why environments before this one are skipped.
    pub waiver: Option<String>,
    /// Who asked; `None`: a branch rule.
    pub requested_by: Option<UserId>,
    /// When.
    pub requested_at: Timestamp,
    /// When it ends if nobody decides.
    pub expires_at: Timestamp,
    /// How many deployments it began.
    pub tries: i64,
    /// What ran there when it last started.
    pub base: Option<ReleaseId>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The key of the request, unique in the app: asking again with it asks once.
    pub idempotency_key: Option<String>,
    /// The times in which approvals did not grow old.
    pub pauses: Vec<Pause>,
    /// The person behind a bot or a branch rule, who counts as the requester; `None`: whoever asked.
    pub on_behalf_of: Option<UserId>,
}

impl PromotionRecord {
    /// Who counts as the requester: the person behind a bot or a branch rule, else whoever asked.
    pub fn requester(&self) -> Option<UserId> {
        self.on_behalf_of.or(self.requested_by)
    }

    /// Whom to tell how it goes: the person who asked, or who is behind the token that did, or whose promotion failed where
    /// the environment rolls back by itself. What branch rules send is told to nobody by name.
    pub fn told(&self) -> Option<UserId> {
        match self.kind {
            PromotionKind::Automatic => None,
            _ => self.requester(),
        }
    }

    /// What approvals are asked for now.
    pub fn subject(&self) -> &str {
        self.subjects.last().map_or("", |s| s.subject.as_str())
    }
}

/// One attempt to roll a promotion out, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRecord {
    /// Which.
    pub id: DeploymentId,
    /// Of which promotion.
    pub promotion: PromotionId,
    /// What.
    pub release: ReleaseId,
    /// Where to.
    pub environment: EnvironmentId,
    /// From 1.
    pub attempt: i64,
    /// Where it stands.
    pub state: DeploymentState,
    /// The fencing token of the lock it was begun with.
    pub fence: i64,
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: String,
    /// The objects as they are applied, without marks.
    pub manifests: Vec<serde_json::Value>,
    /// Why it stands there.
    pub reason: Option<Text>,
    /// Pods that are ready.
    pub ready: i64,
    /// Pods that are asked for.
    pub desired: i64,
    /// The verdict.
    pub health: Health,
    /// Pods in trouble.
    pub trouble: Vec<PodTrouble>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the cluster had taken everything.
    pub applied_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When Kubernetes was last heard of.
    pub observed_at: Option<Timestamp>,
    /// Since when the rollout is in trouble that ends it if it stays.
    pub trouble_since: Option<Timestamp>,
    /// Since when the cluster cannot be asked.
    pub lost_at: Option<Timestamp>,
    /// The drift that it settles, or that the deployment before adopted: it takes these fields over from whoever has them.
    pub takes: Vec<FieldChange>,
    /// What the cluster remarked on while it took the objects.
    pub warnings: Vec<String>,
}

/// Promotions.
#[async_trait]
pub trait PromotionTx: Send {
    /// The app of a promotion, to look its place up and so authorize.
    async fn app_of_promotion(&mut self, id: PromotionId) -> StoreResult<Option<AppId>>;
    /// Makes a promotion. `Constraint` where its idempotency key is taken.
    async fn insert_promotion(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: &PromotionRecord,
    ) -> StoreResult<()>;
    /// Writes what may change of it, and adds one to its version; `Gone` where it changed meanwhile.
    async fn update_promotion(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: &PromotionRecord,
    ) -> StoreResult<()>;
    /// The promotion of that id, in the app.
    async fn promotion(
        &mut self,
        app: &Authorized<App, See>,
        id: PromotionId,
    ) -> StoreResult<Option<PromotionRecord>>;
    /// The promotion that was asked for with that key.
    async fn promotion_of_key(
        &mut self,
        app: &Authorized<App, See>,
        key: &str,
    ) -> StoreResult<Option<PromotionId>>;
    /// Promotions of the app that have not started, oldest first; only of one environment where given.
    async fn pending_promotions(
        &mut self,
        app: &Authorized<App, See>,
        environment: Option<EnvironmentId>,
    ) -> StoreResult<Vec<PromotionRecord>>;
    /// A promotion as lists show it.
    async fn promotion_row(
        &mut self,
        app: &Authorized<App, See>,
        id: PromotionId,
    ) -> StoreResult<Option<PromotionRow>>;
    /// Promotions of the app asked for before `before`, newest first.
    async fn promotion_rows(
        &mut self,
        app: &Authorized<App, See>,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<PromotionRow>>;
    /// Promotions of the organization that have not started, oldest first: `portal::promotion` shows of them
    /// what the reader is asked for.
    async fn pending_in(&mut self, org: OrgId) -> StoreResult<Vec<(PromotionId, AppId)>>;
    /// What the person asked for and has not succeeded, newest first.
    async fn unfinished_of(&mut self, user: UserId, limit: i64) -> StoreResult<Vec<(PromotionId, AppId)>>;
    /// What the person decided on, newest decision first.
    async fn decided_by(&mut self, user: UserId, limit: i64) -> StoreResult<Vec<(PromotionId, AppId)>>;
    /// How many promotions wait for the person, as of the last looks at them.
    async fn turns_of(&mut self, user: UserId) -> StoreResult<i64>;
    /// Sets whose turn it is; who it newly is or no longer is.
    async fn set_turns(&mut self, promotion: PromotionId, users: &[UserId]) -> StoreResult<Vec<UserId>>;
    /// Adds a decision.
    async fn insert_decision(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: PromotionId,
        decision: &Decision,
    ) -> StoreResult<()>;
    /// The decisions on a promotion, oldest first.
    async fn decisions(
        &mut self,
        app: &Authorized<App, See>,
        promotion: PromotionId,
    ) -> StoreResult<Vec<Decision>>;
    /// Begins an attempt. `Constraint` where the promotion has one of that number.
    async fn insert_deployment(
        &mut self,
        app: &Authorized<App, Modify>,
        deployment: &DeploymentRecord,
    ) -> StoreResult<()>;
    /// Writes what may change of an attempt that stands at `was`; `Gone` where it stands elsewhere by now.
    async fn update_deployment(
        &mut self,
        app: &Authorized<App, Modify>,
        deployment: &DeploymentRecord,
        was: DeploymentState,
    ) -> StoreResult<()>;
    /// The attempts of a promotion, newest first.
    async fn deployments(
        &mut self,
        app: &Authorized<App, See>,
        promotion: PromotionId,
    ) -> StoreResult<Vec<DeploymentRecord>>;
    /// The deployment of that id.
    async fn deployment(
        &mut self,
        app: &Authorized<App, See>,
        id: DeploymentId,
    ) -> StoreResult<Option<DeploymentRecord>>;
    /// The attempts in an environment, newest first.
    async fn deployments_in(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        limit: i64,
    ) -> StoreResult<Vec<DeploymentRecord>>;
    /// What the project's apps deployed to an environment, begun before `before`, newest first.
    async fn history_of(
        &mut self,
        project: &Authorized<Project, See>,
        environment: EnvironmentId,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<HistoryRow>>;
    /// Whether the release was there completely at some time.
    async fn verified_in(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        release: ReleaseId,
    ) -> StoreResult<bool>;
    /// The release that was there completely last, of those made before `made_before` and not defective.
    async fn last_verified(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        made_before: Timestamp,
    ) -> StoreResult<Option<ReleaseId>>;
}
