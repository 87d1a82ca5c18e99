//! Pipelines on their way into a repository, and drafts of their forms.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{ProposalId, UserId};
use slipway_domain::pipeline::Params;
use slipway_domain::proposal::{Draft, ProposalState};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// A proposal as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalRecord {
    /// Which.
    pub id: ProposalId,
    /// Its number in the app, part of the branch.
    pub number: i64,
    /// `slipway/pipeline-<number>`.
    pub branch: String,
    /// The branch it is to be merged into.
    pub target: String,
    /// The title of the merge request.
    pub title: String,
    /// The file as it is to be.
    pub content: String,
    /// `key@version` of the template.
    pub template: String,
    /// What the template's form was filled in with; `None`: it was not made of a form.
    pub params: Option<Params>,
    /// The last commit of the file that the author saw on the target; `None`: there was none.
    pub base: Option<String>,
    /// SHA-256 (hex) of the content that is committed on the branch; `None`: nothing is yet.
    pub committed: Option<String>,
    /// Where it stands.
    pub state: ProposalState,
    /// The merge request's number in the project.
    pub iid: Option<i64>,
    /// The newest commit of the merge request.
    pub sha: Option<String>,
    /// Where GitLab shows it.
    pub web_url: Option<String>,
    /// Why it cannot go on or be merged now.
    pub blocked: Option<Text>,
    /// Who proposed it.
    pub author: Option<UserId>,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// Grows by one with each change: a write from an older one is refused.
    pub version: i64,
}

/// Proposals.
#[async_trait]
pub trait ProposalTx: Send {
    /// Makes a proposal. `Constraint` where the number is taken.
    async fn insert_proposal(
        &mut self,
        app: &Authorized<App, Modify>,
        proposal: &ProposalRecord,
    ) -> StoreResult<()>;
    /// Changes a proposal whose version is still `proposal.version`, and adds one to it. `Gone`: it is not.
    async fn update_proposal(
        &mut self,
        app: &Authorized<App, Modify>,
        proposal: &ProposalRecord,
    ) -> StoreResult<()>;
    /// The proposal of that id.
    async fn proposal(
        &mut self,
        app: &Authorized<App, See>,
        id: ProposalId,
    ) -> StoreResult<Option<ProposalRecord>>;
    /// Proposals, newest first.
    async fn proposals(&mut self, app: &Authorized<App, See>, limit: i64)
    -> StoreResult<Vec<ProposalRecord>>;
    /// Keeps what somebody typed.
    async fn put_draft(
        &mut self,
        app: &Authorized<App, Modify>,
        user: UserId,
        draft: &Draft,
    ) -> StoreResult<()>;
    /// What somebody typed.
    async fn draft(&mut self, app: &Authorized<App, See>, user: UserId) -> StoreResult<Option<Draft>>;
    /// Forgets what somebody typed.
    async fn delete_draft(&mut self, app: &Authorized<App, Modify>, user: UserId) -> StoreResult<()>;
}
