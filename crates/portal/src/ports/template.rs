//! Templates that organizations and projects write, which app uses which, and bulk upgrades.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{AnyScope, Anywhere, App, AppScope, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{AppId, ProjectId, ProposalId, TemplateId, UpgradeId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::pipeline::TemplateRef;
use slipway_domain::template::{Notice, Standing, StepState, UpgradeState};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// A template with the document that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRecord {
    /// Which.
    pub id: TemplateId,
    /// Whose; `None`: the organization's.
    pub project: Option<ProjectId>,
    /// Its slug, unique in its place.
    pub slug: String,
    /// The document.
    pub text: String,
    /// Raised by every save, from 1.
    pub version: i64,
    /// How it stands.
    pub standing: Standing,
    /// Why it is deprecated or withdrawn.
    pub notice: Option<Notice>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was saved last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: Option<PersonRef>,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersionRecord {
    /// Of which template.
    pub template: TemplateId,
    /// Semantic version.
    pub version: String,
    /// The document as it was.
    pub text: String,
    /// What changed.
    pub changelog: Text,
    /// When it was published.
    pub published_at: Timestamp,
    /// By whom.
    pub published_by: Option<PersonRef>,
}

/// What an app's file says that it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRecord {
    /// The template; `None`: none.
    pub used: Option<TemplateRef>,
    /// The newest commit of the default branch in which that was seen; empty: Slipway merged it itself.
    pub commit: String,
    /// When.
    pub seen_at: Timestamp,
}

/// A bulk upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRecord {
    /// Which.
    pub id: UpgradeId,
    /// The template's key.
    pub key: String,
    /// The version that apps are brought to.
    pub to: String,
    /// How far it is.
    pub state: UpgradeState,
    /// In whose name it runs.
    pub by: PersonRef,
    /// Why it stopped.
    pub reason: Option<Text>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// An app of a bulk upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeStepRecord {
    /// The app.
    pub app: AppId,
    /// The version it used.
    pub from: String,
    /// Where it stands.
    pub state: StepState,
    /// Why it is refused or skipped, or what it waits for.
    pub reason: Option<Text>,
    /// Its proposal.
    pub proposal: Option<ProposalId>,
    /// How often GitLab did not answer about it.
    pub tries: i64,
    /// When it got its answer.
    pub ended_at: Option<Timestamp>,
}

/// Templates. A place is an organization or a project; an organization's templates are not its projects'.
#[async_trait]
pub trait TemplateTx: Send {
    /// The templates of the place, by slug.
    async fn templates(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<TemplateRecord>>;
    /// The templates of the place's organization, by slug.
    async fn templates_above(
        &mut self,
        place: &Authorized<Anywhere, See>,
    ) -> StoreResult<Vec<TemplateRecord>>;
    /// The templates that an app may use: those of its organization, then those of its project, by slug.
    async fn templates_for(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<TemplateRecord>>;
    /// Keeps a new one. `Constraint("templates_slug_key")` where the slug is taken.
    async fn insert_template(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        template: &TemplateRecord,
    ) -> StoreResult<()>;
    /// Changes document, standing and notice of the one that still has this version, and raises it. `Gone`: it has
    /// another one.
    async fn update_template(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        template: &TemplateRecord,
    ) -> StoreResult<()>;
    /// Forgets one of which no version is published and that still has this version. `Gone`: there is none.
    async fn delete_template(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: TemplateId,
        version: i64,
    ) -> StoreResult<()>;
    /// Somebody's editor of the document is open at this time; whether they were not known to write it since `since`.
    /// `Gone`: the place has no such template.
    async fn note_template_editor(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        template: TemplateId,
        who: UserId,
        at: Timestamp,
        since: Timestamp,
    ) -> StoreResult<bool>;
    /// Whose editor of the document was open since then, by name.
    async fn template_editors(
        &mut self,
        place: &Authorized<Anywhere, See>,
        template: TemplateId,
        since: Timestamp,
    ) -> StoreResult<Vec<PersonRef>>;
    /// The published versions of templates of the place's organization, by template, newest publication first.
    async fn template_versions(
        &mut self,
        place: &Authorized<Anywhere, See>,
        templates: &[TemplateId],
    ) -> StoreResult<Vec<TemplateVersionRecord>>;
    /// As [`template_versions`](Self::template_versions), for an app.
    async fn template_versions_for(
        &mut self,
        app: &Authorized<App, See>,
        templates: &[TemplateId],
    ) -> StoreResult<Vec<TemplateVersionRecord>>;
    /// Publishes a version. `Constraint` where there is one of this number.
    async fn insert_template_version(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        version: &TemplateVersionRecord,
    ) -> StoreResult<()>;
    /// What an app uses; `None`: nobody looked yet.
    async fn template_use(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<UseRecord>>;
    /// Notes what an app uses.
    async fn put_template_use(&mut self, app: &Authorized<App, Modify>, seen: &UseRecord) -> StoreResult<()>;
    /// The apps of the place that use a template, by project and name. Who sees which is for the caller to look.
    async fn template_uses(
        &mut self,
        place: &Authorized<Anywhere, See>,
        key: &str,
    ) -> StoreResult<Vec<(AppScope, UseRecord)>>;
    /// How many apps of the place use each version of each template, for those that are not archived: key, version, app.
    async fn all_template_uses(
        &mut self,
        place: &Authorized<Anywhere, See>,
    ) -> StoreResult<Vec<(AppScope, TemplateRef)>>;
    /// Starts a bulk upgrade with its apps.
    async fn insert_template_upgrade(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        upgrade: &UpgradeRecord,
        steps: &[UpgradeStepRecord],
    ) -> StoreResult<()>;
    /// Changes state, person, reason and end of one that stands at `was`. `Gone`: it stands elsewhere.
    async fn update_template_upgrade(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        upgrade: &UpgradeRecord,
        was: UpgradeState,
    ) -> StoreResult<()>;
    /// A bulk upgrade of the place.
    async fn template_upgrade(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Option<UpgradeRecord>>;
    /// The newest bulk upgrades of a template in the place.
    async fn template_upgrades(
        &mut self,
        place: &Authorized<Anywhere, See>,
        key: &str,
        limit: i64,
    ) -> StoreResult<Vec<UpgradeRecord>>;
    /// The apps of a bulk upgrade by project and name, each with the address of its merge request.
    async fn template_upgrade_steps(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Vec<(AppScope, UpgradeStepRecord, Option<String>)>>;
    /// The first app of a bulk upgrade that waits.
    async fn next_template_upgrade_step(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Option<UpgradeStepRecord>>;
    /// Settles an app that waits, or has it wait on, of a bulk upgrade that runs. `Gone`: it does not wait any more, or
    /// the upgrade does not run.
    async fn settle_template_upgrade_step(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: UpgradeId,
        step: &UpgradeStepRecord,
    ) -> StoreResult<()>;
    /// Has the apps that were refused wait again; how many these are.
    async fn retry_template_upgrade_steps(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: UpgradeId,
    ) -> StoreResult<i64>;
    /// Where a bulk upgrade runs. For `portal::access` alone.
    async fn place_of_template_upgrade(&mut self, id: UpgradeId) -> StoreResult<Option<AnyScope>>;
}
