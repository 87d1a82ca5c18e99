//! Typed ids: one newtype per noun over a `UUIDv7`, so that no function can be handed the wrong one.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every typed id can do. Ids are made by `portal::OpCtx::id`, which owns clock and randomness.
pub trait TypedId: Copy + std::fmt::Display {
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID inside.
    fn uuid(self) -> Uuid;
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl TypedId for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

typed_ids! {
    /// An organization.
    OrgId,
    /// A project of an organization.
    ProjectId,
    /// An application of a project.
    AppId,
    /// A person (or bot) that can sign in.
    UserId,
    /// A named set of people in an organization.
    GroupId,
    /// A role held by someone somewhere.
    BindingId,
    /// A role that an organization made.
    RoleId,
    /// An invitation to a place.
    InvitationId,
    /// Somebody's request for a role.
    RoleRequestId,
    /// A connection to a GitLab instance.
    ConnectionId,
    /// A Kubernetes cluster that Slipway deploys to.
    ClusterId,
    /// An environment of a project's chain.
    EnvironmentId,
    /// An import of a GitLab group.
    ImportId,
    /// A template that an organization or a project wrote.
    TemplateId,
    /// A bulk upgrade of the apps that use a template.
    UpgradeId,
    /// A pipeline proposed to a repository as a merge request.
    ProposalId,
    /// A pipeline run.
    RunId,
    /// A job of a run.
    JobId,
    /// An immutable release.
    ReleaseId,
    /// A request to put one release into one environment.
    PromotionId,
    /// One person's decision on a promotion.
    DecisionId,
    /// One attempt to roll a promotion's manifests out.
    DeploymentId,
    /// An iteration of a project.
    IterationId,
    /// A work item.
    ItemId,
    /// A comment on a work item.
    CommentId,
    /// A template of the description of work items.
    ItemTemplateId,
    /// A saved view of a page about work items.
    SavedViewId,
    /// A file that is attached to a work item.
    AttachmentId,
    /// An import of work items from a file.
    IntakeId,
    /// A row of an item's history.
    ItemEventId,
    /// A row of the audit log.
    AuditId,
    /// A notice to somebody.
    NoticeId,
    /// A row of the outbox.
    OutboxId,
    /// A webhook as it was received.
    DeliveryId,
    /// An API token.
    TokenId,
    /// A place that webhooks are sent to.
    SubscriberId,
    /// A webhook that is sent.
    MessageId,
    /// A mail that was sent.
    MailId,
    /// An authorization by OAuth that is to be taken back.
    RevocationId,
    /// A provider of sign-in that operators set up.
    ProviderId,
    /// A freeze window.
    FreezeId,
    /// A hold on what goes to a stop.
    HoldId,
    /// A breaking of glass.
    BreakGlassId,
    /// A delegation of approvals.
    DelegationId,
}
