//! What the use cases need of the outside. Each noun has its own trait here; [`Tx`] is all of them.

mod access;
mod app;
mod attachment;
mod audit;
mod board;
mod break_glass;
mod ci;
mod clock;
mod cluster;
mod comment;
mod connection;
mod courier;
mod delegation;
mod digest;
mod drift;
mod environment;
mod factor;
mod forge;
mod freeze;
mod group;
mod hold;
mod home;
mod identity;
mod import;
mod intake;
mod invitation;
mod item;
mod iteration;
mod mail;
mod member;
mod mirror;
mod notice;
mod oauth;
mod operator;
mod org;
mod outbox;
mod person;
mod place;
mod promotion;
mod proposal;
mod provider;
mod release;
mod role;
mod run;
mod search;
mod secret;
mod session;
mod shelf;
mod snapshot;
mod store;
mod subscriber;
mod table;
mod template;
mod token;
mod trail;
mod watch;
mod webhook;
mod working_copy;

pub use access::{AccessTx, Binding, NewBinding};
pub use app::{AppTx, NewApp, RepositoryLink};
pub use attachment::{AttachmentRecord, AttachmentTx};
pub use audit::{AuditFilter, AuditRecord, AuditTx, Chain};
pub use board::BoardTx;
pub use break_glass::BreakGlassTx;
pub use ci::{CiForge, Flow, ForgeCoverage, ForgeSchedule, NewPipeline, NewSchedule, NewVariable};
pub use clock::{Clock, SystemClock};
pub use cluster::{Cluster, ClusterAccess, ClusterConnector, ClusterError, NEEDS, Need, Owned, Touched};
pub use comment::{CommentRecord, CommentTx};
pub use connection::{ClusterRecord, ConnectionRecord, ConnectionTx};
pub use courier::{Courier, CourierError, Parcel, Receipt};
pub use delegation::DelegationTx;
pub use digest::{DigestItem, DigestTx};
pub use drift::DriftTx;
pub use environment::{EnvironmentBinding, EnvironmentRecord, EnvironmentTx, Lock, NowRunning, StopRecord};
pub use factor::{FactorRow, FactorTx};
pub use forge::{
    Bearer, Credential, FileWrite, ForgeAccess, ForgeBranch, ForgeConnector, ForgeError, ForgeFile,
    ForgeGroup, ForgeJob, ForgeMergeRequest, ForgePage, ForgePipeline, ForgeProject, GroupFilter, Hook, Lint,
    NewCommit, NewMergeRequest, SourceForge, TokenInfo, Trace,
};
pub use freeze::{FreezeRecord, FreezeTx};
pub use group::{GroupBinding, GroupTx};
pub use hold::{HoldTx, SoakRecord};
pub use home::HomeTx;
pub use identity::{ClaimedGroup, IdentityRow, IdentityTx};
pub use import::{ImportItemRecord, ImportRecord, ImportTx};
pub use intake::{IntakeRecord, IntakeTx, NewIntake};
pub use invitation::{InvitationRecord, InvitationTx, RequestRecord};
pub use item::{DueItem, ItemRecord, ItemTx, NewItemEvent, NewItemRow, NewIteration};
pub use iteration::{CARDS_MOST, IterationTx};
pub use mail::{Mail, MailAccess, MailError, MailServerRecord, MailTx, Mailer, PATIENCE as MAIL_PATIENCE};
pub use member::{HeldBinding, MemberTx};
pub use mirror::{
    ForgeIssue, ForgeNote, ForgePerson, IssueEdit, IssueForge, LinkRecord, MirrorRecord, MirrorTarget,
    MirrorTx, NoteRecord,
};
pub use notice::{NewNotice, NoticeRecord, NoticeTx, Which};
pub use oauth::{
    AskingGrant, CodeGrant, GrantError, GrantRecord, NewGrant, OauthApplication, OauthTokens, OauthTx,
    RenewalFailure, RevocationRecord, SealedTokens, TripRecord,
};
pub use operator::OperatorTx;
pub use org::{NewOrg, NewProject, OrgTx, ProjectTx};
pub use outbox::{Claimed, OutboxTx};
pub use person::{Credentials, NewPerson, PersonTx};
pub use place::{AppEdit, PlaceTx, PlacedWorkload, ProjectEdit};
pub use promotion::{DeploymentRecord, PromotionRecord, PromotionTx, SubjectRecord};
pub use proposal::{ProposalRecord, ProposalTx};
pub use provider::{ProviderAccess, ProviderConnector, ProviderError, ProviderRecord, ProviderTx};
pub use release::{ReleaseManifests, ReleaseRecord, ReleaseTx};
pub use role::{RoleRecord, RoleTx};
pub use run::{JobRecord, RepositoryState, RunRecord, RunTx};
pub use search::{FoundEnvironment, FoundItem, FoundRelease, FoundRun, SearchTx};
pub use secret::SecretTx;
pub use session::{SessionRow, SessionTx};
pub use shelf::{Held, Shelf, ShelfError, ShelfTx, Shelving};
pub use snapshot::{Snapshot, SnapshotKind, SnapshotTx};
pub use store::{Ends, Store, StoreError};
pub use subscriber::{MessageRecord, NewMessage, SubscriberRecord, SubscriberTx, Tried};
pub use table::{TableTx, ViewRecord};
pub use template::{
    TemplateRecord, TemplateTx, TemplateVersionRecord, UpgradeRecord, UpgradeStepRecord, UseRecord,
};
pub use token::{BotRecord, KeptReply, Once, OnceRequest, TokenRecord, TokenTx};
pub use trail::{ChangeForge, ForgeChange, ForgeMessage, MarkRecord, TrailRelease, TrailState, TrailTx};
pub use watch::{WatchTx, WatchedStop};
pub use webhook::{DeliveryRecord, WebhookTx};
pub use working_copy::WorkingCopyTx;

/// One connection to the database, reading or inside one transaction.
pub trait Tx:
    AccessTx
    + AppTx
    + AttachmentTx
    + AuditTx
    + BoardTx
    + BreakGlassTx
    + DelegationTx
    + DigestTx
    + DriftTx
    + FreezeTx
    + HoldTx
    + CommentTx
    + ConnectionTx
    + EnvironmentTx
    + HomeTx
    + ImportTx
    + IntakeTx
    + ItemTx
    + IterationTx
    + OauthTx
    + OrgTx
    + OutboxTx
    + PersonTx
    + PlaceTx
    + ProjectTx
    + PromotionTx
    + ProposalTx
    + ReleaseTx
    + RunTx
    + SecretTx
    + SnapshotTx
    + SubscriberTx
    + TableTx
    + TemplateTx
    + TokenTx
    + TrailTx
    + WatchTx
    + WebhookTx
    + WorkingCopyTx
    + GroupTx
    + InvitationTx
    + MailTx
    + MemberTx
    + MirrorTx
    + RoleTx
    + SessionTx
    + ShelfTx
    + FactorTx
    + IdentityTx
    + SearchTx
    + NoticeTx
    + OperatorTx
    + ProviderTx
    + Ends
{
}

impl<T> Tx for T where
    T: AccessTx
        + AppTx
        + AttachmentTx
        + AuditTx
        + BoardTx
        + BreakGlassTx
        + DelegationTx
        + DigestTx
        + DriftTx
        + FreezeTx
        + HoldTx
        + CommentTx
        + ConnectionTx
        + EnvironmentTx
        + HomeTx
        + ImportTx
        + IntakeTx
        + ItemTx
        + IterationTx
        + OauthTx
        + OrgTx
        + OutboxTx
        + PersonTx
        + PlaceTx
        + ProjectTx
        + PromotionTx
        + ProposalTx
        + ReleaseTx
        + RunTx
        + SecretTx
        + SnapshotTx
        + SubscriberTx
        + TableTx
        + TemplateTx
        + TokenTx
        + TrailTx
        + WatchTx
        + WebhookTx
        + WorkingCopyTx
        + GroupTx
        + InvitationTx
        + MailTx
        + MemberTx
        + MirrorTx
        + RoleTx
        + SessionTx
        + ShelfTx
        + FactorTx
        + IdentityTx
        + SearchTx
        + NoticeTx
        + OperatorTx
        + ProviderTx
        + Ends
{
}

/// The result of a store method.
pub type StoreResult<T> = Result<T, StoreError>;
