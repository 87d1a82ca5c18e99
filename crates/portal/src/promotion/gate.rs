//! Gates: everything that must be open before a deployment starts, each with a reason a person can act on.

use crate::access::{self, App, Authorized, WorkloadNames, may};
use crate::change::Change;
use crate::environment::eligible;
use crate::error::{Error, Result};
use crate::ports::{
    DeploymentRecord, EnvironmentRecord, PromotionRecord, ReleaseRecord, StopRecord, SubjectRecord, Tx,
};
use crate::quota;
use crate::signature;
use crate::subscriber::event;
use slipway_domain::approval::{ApprovalPolicy, Case, Decision, Evaluation, evaluate};
use slipway_domain::break_glass::BreakGlass;
use slipway_domain::delegation::Delegation;
use slipway_domain::drift::{self, FieldChange, Settlement};
use slipway_domain::environment::{Health, Queue};
use slipway_domain::freeze::Freeze;
use slipway_domain::gate::{self, Gate, GateKind};
use slipway_domain::hold::Hold;
use slipway_domain::id::UserId;
use slipway_domain::manifest::{self, Target};
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::promotion::PromotionKind;
use slipway_domain::quota::{Quota, Requests, peak};
use slipway_domain::release::{SubjectParts, subject};
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// All that the gates of one promotion depend on, read in one transaction.
pub(crate) struct Facts {
    pub promotion: PromotionRecord,
    pub release: ReleaseRecord,
    pub environment: EnvironmentRecord,
    /// The release that runs there now.
    pub running: Option<ReleaseRecord>,
    /// The objects as they would be applied.
    pub manifests: Vec<serde_json::Value>,
    /// What approvals are asked for now.
    pub subject: SubjectRecord,
    pub decisions: Vec<Decision>,
    pub eligible: BTreeMap<String, BTreeMap<UserId, PersonRef>>,
    policy: ApprovalPolicy,
    authors: BTreeSet<UserId>,
    /// Who may approve in whose place there.
    delegations: Vec<Delegation>,
    /// What the release did in the environment before in the chain.
    before: Option<gate::Before>,
    /// The freeze windows that hold for the app.
    freezes: Vec<Freeze>,
    /// The holds on the stop.
    pub holds: Vec<Hold>,
    /// The breakings of glass for the promotion, oldest first.
    pub glasses: Vec<BreakGlass>,
    /// When the environment was removed from the chain.
    pub removed_at: Option<Timestamp>,
    /// What goes before it, where they go in order.
    ahead: Option<String>,
    /// The version that holds the lock, where that is another promotion.
    locked_by: Option<String>,
    /// What the environment is limited to, where it is.
    quota: Option<Limit>,
    /// The fields that it takes over from whoever has them: the drift that it settles, or what was adopted before.
    pub takes: Vec<FieldChange>,
    /// Why there is nothing to settle any more, where it settles a drift.
    pub settled: Option<Text>,
}

/// A quota, and what is to fit into it.
struct Limit {
    quota: Quota,
    /// By the other apps.
    taken: Requests,
    /// By this one on its way to the release.
    asked: Requests,
}

/// The objects of a release in an environment, and what approvals of it are given to.
///
/// They are those that were rendered when the release was made. For one that is older than that, or an environment that came
/// later, they are rendered now; the repository's own manifests cannot be, and then there are none.
pub(super) async fn render(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
) -> Result<(Vec<serde_json::Value>, SubjectRecord)> {
    let key = &environment.environment.key;
    let namespace = environment.binding.as_ref().map_or("", |b| b.namespace.as_str());
    let kept = tx.manifests_of(app, release.id).await?;
    let manifests = match kept.into_iter().find(|kept| kept.environment == *key) {
        Some(kept) => manifest::place(&kept.objects, namespace),
        None if !release.workload.manifests.is_empty() => Vec::new(),
        None => rendered(&app.workload, release, key, namespace),
    };
    let record = subject_of(release, environment, &manifests, "");
    Ok((manifests, record))
}

/// What approvals of these objects are given to; `settles` names the drift that they settle.
fn subject_of(
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    manifests: &[serde_json::Value],
    settles: &str,
) -> SubjectRecord {
    let yaml = format!("{}{settles}", manifest::yaml(manifests));
    let parts = SubjectParts {
        images: &release.images,
        manifests: &yaml,
        template: release.template.as_deref().unwrap_or_default(),
        rules_version: environment.rules_version,
    };
    SubjectRecord {
        subject: subject(&parts),
        rules_version: environment.rules_version,
        // The same hash over the manifests alone, to tell later what it was that changed.
        manifests: subject(&SubjectParts {
            images: &[],
            template: "",
            rules_version: 0,
            ..parts
        }),
    }
}

/// What settles a drift: the objects, and what approvals of it are given to. What was deployed is the ground, in the very
/// form it was applied in, so that settling starts no pod that the difference would not.
fn settle(
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    base: &DeploymentRecord,
    how: Settlement,
    changes: &[FieldChange],
) -> (Vec<serde_json::Value>, SubjectRecord) {
    let ground = manifest::of_attempt(&base.manifests, base.attempt);
    let manifests = match how {
        Settlement::Revert => ground,
        Settlement::Adopt => drift::adopted(&ground, changes),
    };
    let settles = format!("# {}: {}\n", how.key(), drift::digest(changes));
    let record = subject_of(release, environment, &manifests, &settles);
    (manifests, record)
}

/// The objects of a release's workload.
pub(crate) fn rendered(
    names: &WorkloadNames,
    release: &ReleaseRecord,
    key: &str,
    namespace: &str,
) -> Vec<serde_json::Value> {
    let target = Target {
        app: &names.name,
        project: &names.part_of,
        environment: key,
        namespace,
    };
    manifest::render(target, &release.images, &release.workload)
}

/// What approvals of the settling of a drift are given to.
pub(crate) fn settling(
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    base: &DeploymentRecord,
    how: Settlement,
    changes: &[FieldChange],
) -> SubjectRecord {
    settle(release, environment, base, how, changes).1
}

/// What a promotion applies, and from whom it takes.
struct Applied {
    manifests: Vec<serde_json::Value>,
    subject: SubjectRecord,
    takes: Vec<FieldChange>,
    settled: Option<Text>,
}

async fn applied(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    promotion: &PromotionRecord,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    stop: &StopRecord,
) -> Result<Applied> {
    let base = match stop.current {
        Some((deployment, _)) => tx.deployment(app, deployment).await?,
        None => None,
    };
    let Some(how) = promotion.kind.settles() else {
        let (manifests, subject) = render(tx, app, release, environment).await?;
        let takes = inherited(tx, app, base).await?;
        return Ok(Applied {
            manifests,
            subject,
            takes,
            settled: None,
        });
    };
    let changes = match tx.deployments(app, promotion.id).await?.into_iter().next() {
        // Another try is of what the one before took on: its marks are in the cluster, so that nothing is compared there.
        Some(tried) => tried.takes,
        None => tx
            .drift(app, promotion.environment)
            .await?
            .map_or_else(Vec::new, |drift| drift.changes),
    };
    let replaced = stop.deployed_at.is_none_or(|at| at > promotion.requested_at);
    let settled = if replaced {
        Some(Text::new(
            "Something else was deployed there since, and with it the difference is over.",
            "此后已有新的部署，差异已不存在。",
        ))
    } else if changes.is_empty() {
        Some(Text::new(
            "The cluster has what was deployed there again: there is nothing to settle.",
            "集群已与部署一致，无需处理。",
        ))
    } else {
        None
    };
    let (manifests, subject) = match &base {
        Some(base) => settle(release, environment, base, how, &changes),
        None => render(tx, app, release, environment).await?,
    };
    Ok(Applied {
        manifests,
        subject,
        takes: changes,
        settled,
    })
}

/// What was adopted may be taken over by whatever is deployed next: approvers of the adoption made it Slipway's.
async fn inherited(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    base: Option<DeploymentRecord>,
) -> Result<Vec<FieldChange>> {
    let Some(base) = base.filter(|base| !base.takes.is_empty()) else {
        return Ok(Vec::new());
    };
    let came_by = tx.promotion(app, base.promotion).await?;
    let reverted = came_by.is_some_and(|promotion| promotion.kind == PromotionKind::Revert);
    Ok(if reverted { Vec::new() } else { base.takes })
}

/// The quota of the environment, where it limits anything.
async fn limit(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    environment: &EnvironmentRecord,
    running: Option<&ReleaseRecord>,
    release: &ReleaseRecord,
) -> Result<Option<Limit>> {
    let project = access::project_of(app);
    let at = &environment.environment;
    let rows = tx.quotas(&project).await?;
    let row = rows
        .into_iter()
        .find(|row| row.environment.id == at.id && row.quota.limits());
    let Some(row) = row else {
        return Ok(None);
    };
    let running = running.map(|running| &running.workload);
    Ok(Some(Limit {
        quota: row.quota,
        taken: quota::taken(tx, &project, at, Some(app.id())).await?,
        asked: peak(running, &release.workload, &at.key),
    }))
}

impl Facts {
    /// Tells subscribers what happened to the promotion; `verdict` is what somebody decided.
    pub async fn announce(
        &self,
        change: &mut Change<'_>,
        kind: EventKind,
        place: &Place,
        verdict: Option<&str>,
    ) -> Result<()> {
        let what = (
            self.release.version.as_str(),
            self.environment.environment.key.as_str(),
        );
        event::promotion(change, kind, place, &self.promotion, what, verdict).await
    }

    /// Reads everything.
    pub async fn load(
        tx: &mut dyn Tx,
        app: &Authorized<App, may::See>,
        promotion: PromotionRecord,
        now: Timestamp,
    ) -> Result<Self> {
        let release = tx.release(app, promotion.release).await?.ok_or(Error::NotFound)?;
        let project = access::project_of(app);
        let (environment, removed_at) = tx
            .environment(&project, promotion.environment)
            .await?
            .ok_or(Error::NotFound)?;
        let chain = tx.environments(&project).await?;
        let at = chain
            .iter()
            .position(|e| e.environment.id == promotion.environment);
        let before = match at.and_then(|at| at.checked_sub(1)) {
            Some(i) => Some(before(tx, app, &chain[i], &release).await?),
            None => None,
        };
        let stop = tx.stop(app, environment.environment.id).await?;
        let running = match stop.current {
            Some((_, id)) => tx.release(app, id).await?,
            None => None,
        };
        let (from, to) = match &running {
            Some(running) if running.created_at > release.created_at => {
                (Some(release.created_at), running.created_at)
            }
            other => (other.as_ref().map(|r| r.created_at), release.created_at),
        };
        let commits = super::commits_between(tx, app, from, to).await?;
        let emails: BTreeSet<String> = commits
            .iter()
            .chain(&release.commits)
            .map(|c| c.author_email.clone())
            .collect();
        let authors = tx
            .people_by_email(&emails.into_iter().collect::<Vec<_>>())
            .await?;
        let policy = match promotion.kind {
            // Back to what was approved before: nobody is asked again.
            PromotionKind::Rollback => ApprovalPolicy {
                rules: Vec::new(),
                ..environment.policy.clone()
            },
            _ => environment.policy.clone(),
        };
        let eligible = eligible(tx, app.org_id(), app.project_id(), &policy).await?;
        let decisions = tx.decisions(app, promotion.id).await?;
        let locked_by = match stop.lock {
            Some(lock) if lock.owner != promotion.id && lock.lease_until > now => Some(
                tx.promotion_row(app, lock.owner)
                    .await?
                    .map_or_else(String::new, |row| row.release.version),
            ),
            _ => None,
        };
        let quota = limit(tx, app, &environment, running.as_ref(), &release).await?;
        let mut delegations = tx.delegations(&project, promotion.requested_at).await?;
        delegations.retain(|given| given.environment.is_none_or(|only| only == promotion.environment));
        let holds = tx.holds(app).await?.into_iter();
        let holds = holds
            .filter(|(at, _)| *at == promotion.environment)
            .map(|(_, hold)| hold)
            .collect();
        let freezes = tx.freezes_of(app).await?;
        let glasses = tx.glasses(app, promotion.id).await?;
        let ahead = ahead(tx, app, &promotion, environment.gating.queue).await?;
        let applied = applied(tx, app, &promotion, &release, &environment, &stop).await?;
        let authors = authors.into_iter().map(|p| p.id).collect();
        Ok(Self {
            promotion,
            release,
            environment,
            running,
            manifests: applied.manifests,
            subject: applied.subject,
            takes: applied.takes,
            settled: applied.settled,
            decisions,
            eligible,
            policy,
            authors,
            delegations,
            before,
            freezes,
            holds,
            glasses,
            removed_at,
            ahead,
            locked_by,
            quota,
        })
    }

    /// Whether the environment has a quota, so that what others start there matters.
    pub const fn is_limited(&self) -> bool {
        self.quota.is_some()
    }

    /// What the approvals are judged by.
    pub fn case(&self, now: Timestamp) -> Case<'_> {
        Case {
            policy: &self.policy,
            requester: self.promotion.requester(),
            authors: &self.authors,
            subject: &self.subject.subject,
            requested_at: self.promotion.requested_at,
            decisions: &self.decisions,
            eligible: &self.eligible,
            delegations: &self.delegations,
            pauses: &self.promotion.pauses,
            now,
        }
    }

    /// Where the approvals stand.
    pub fn evaluation(&self, now: Timestamp) -> Evaluation {
        evaluate(&self.case(now))
    }

    /// Every gate, open or shut.
    pub fn gates(&self, evaluation: &Evaluation, now: Timestamp) -> Vec<Gate> {
        self.gates_with(evaluation, &self.glasses, now)
    }

    fn gates_with(&self, evaluation: &Evaluation, glasses: &[BreakGlass], now: Timestamp) -> Vec<Gate> {
        let signed = signature::signed(
            &self.release.images,
            &self.release.evidence.signatures,
            &self.environment.gating.signers,
        );
        gate::gates(&gate::Facts {
            kind: self.promotion.kind,
            version: &self.release.version,
            evaluation,
            tier: self.environment.environment.tier,
            gating: &self.environment.gating,
            before: self.before.clone(),
            waiver: self.promotion.waiver.as_deref(),
            evidence: &self.release.evidence,
            signed: &signed,
            defective: self.release.defective.as_ref().map(|(_, why)| why.as_str()),
            bound: self.environment.binding.is_some(),
            holds: &self.holds,
            freezes: &self.freezes,
            ahead: self.ahead.as_deref(),
            locked_by: self.locked_by.as_deref(),
            quota: self
                .quota
                .as_ref()
                .map(|limit| limit.quota.room(limit.taken, limit.asked)),
            glasses,
            now,
        })
    }

    /// The breakings of glass without which it could not start now.
    pub fn glasses_in_use(&self, evaluation: &Evaluation, now: Timestamp) -> Vec<BreakGlass> {
        let tier = self.environment.environment.tier;
        let shut: Vec<GateKind> = self
            .gates_with(evaluation, &[], now)
            .into_iter()
            .filter(|gate| !gate.open)
            .map(|gate| gate.kind)
            .collect();
        let used = |glass: &&BreakGlass| shut.iter().any(|gate| glass.opens(*gate, tier, now));
        self.glasses.iter().filter(used).cloned().collect()
    }
}

/// The environment before in the chain, and what the release did there.
async fn before(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    before: &EnvironmentRecord,
    release: &ReleaseRecord,
) -> Result<gate::Before> {
    let at = before.environment.id;
    let stop = tx.stop(app, at).await?;
    let soak = tx.soak(app, at, release.id).await?;
    let healthy = stop.observed.is_some_and(|seen| seen.health == Health::Healthy);
    Ok(gate::Before {
        name: before.environment.name.clone(),
        verified: tx.verified_in(app, at, release.id).await?,
        soaked: gate::Soaked {
            healthy_for: soak.healthy_for,
            counting: healthy && stop.current.is_some_and(|(_, running)| running == release.id),
        },
    })
}

/// The version of what was asked for before the promotion and still waits, where they go in order.
async fn ahead(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    promotion: &PromotionRecord,
    queue: Queue,
) -> Result<Option<String>> {
    if queue != Queue::InOrder
        || promotion.kind == PromotionKind::Rollback
        || promotion.kind.settles().is_some()
    {
        return Ok(None);
    }
    let pending = tx.pending_promotions(app, Some(promotion.environment)).await?;
    let first = pending
        .iter()
        .filter(|p| p.kind.settles().is_none())
        .find(|p| (p.requested_at, p.id) < (promotion.requested_at, promotion.id));
    match first {
        Some(first) => Ok(tx
            .release(app, first.release)
            .await?
            .map(|release| release.version)),
        None => Ok(None),
    }
}
