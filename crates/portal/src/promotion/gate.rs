//! Gates: everything that must be open before a deployment starts, each with a reason a person can act on.

use crate::access::{self, App, Authorized, may};
use crate::change::Change;
use crate::environment::eligible;
use crate::error::{Error, Result};
use crate::ports::{EnvironmentRecord, PromotionRecord, ReleaseRecord, SubjectRecord, Tx};
use crate::quota;
use crate::subscriber::event;
use slipway_domain::approval::{ApprovalPolicy, Case, Decision, Evaluation, Standing, evaluate};
use slipway_domain::id::UserId;
use slipway_domain::manifest::{self, Target};
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::promotion::{Gate, GateKind, PromotionKind};
use slipway_domain::quota::{Quota, Requests, peak};
use slipway_domain::release::{SubjectParts, subject};
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// All that the gates of one promotion depend on, read in one transaction.
pub(super) struct Facts {
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
    /// The environment before in the chain, and whether the release was there completely.
    before: Option<(EnvironmentRecord, bool)>,
    /// The version that holds the lock, where that is another promotion.
    locked_by: Option<String>,
    /// What the environment is limited to, where it is.
    quota: Option<Limit>,
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
pub(super) fn render(
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
) -> (Vec<serde_json::Value>, SubjectRecord) {
    let target = Target {
        app: &app.workload.name,
        project: &app.workload.part_of,
        environment: &environment.environment.key,
        namespace: environment.binding.as_ref().map_or("", |b| b.namespace.as_str()),
    };
    let manifests = manifest::render(target, &release.images, &release.workload);
    let yaml = manifest::yaml(&manifests);
    let parts = SubjectParts {
        images: &release.images,
        manifests: &yaml,
        template: release.template.as_deref().unwrap_or_default(),
        rules_version: environment.rules_version,
    };
    let record = SubjectRecord {
        subject: subject(&parts),
        rules_version: environment.rules_version,
        // The same hash over the manifests alone, to tell later what it was that changed.
        manifests: subject(&SubjectParts {
            images: &[],
            template: "",
            rules_version: 0,
            ..parts
        }),
    };
    (manifests, record)
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
        let chain = tx.environments(&access::project_of(app)).await?;
        let at = chain
            .iter()
            .position(|e| e.environment.id == promotion.environment)
            .ok_or(Error::NotFound)?;
        let environment = chain[at].clone();
        let before = match at.checked_sub(1).map(|i| chain[i].clone()) {
            Some(before) => {
                let verified = tx.verified_in(app, before.environment.id, release.id).await?;
                Some((before, verified))
            }
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
        let (manifests, subject) = render(app, &release, &environment);
        let authors = authors.into_iter().map(|p| p.id).collect();
        Ok(Self {
            promotion,
            release,
            environment,
            running,
            manifests,
            subject,
            decisions,
            eligible,
            policy,
            authors,
            before,
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
            requester: self.promotion.requested_by,
            authors: &self.authors,
            subject: &self.subject.subject,
            requested_at: self.promotion.requested_at,
            decisions: &self.decisions,
            eligible: &self.eligible,
            now,
        }
    }

    /// Where the approvals stand.
    pub fn evaluation(&self, now: Timestamp) -> Evaluation {
        evaluate(&self.case(now))
    }

    /// Every gate, open or shut.
    pub fn gates(&self, evaluation: &Evaluation) -> Vec<Gate> {
        let gate = |kind, open, reason| Gate {
            kind,
            open,
            reason,
            opens_at: None,
        };
        let mut gates = vec![gate(
            GateKind::Approvals,
            evaluation.standing == Standing::Satisfied,
            self.approval_words(evaluation),
        )];
        if let Some((open, reason)) = self.previous() {
            gates.push(gate(GateKind::Previous, open, reason));
        }
        let (open, reason) = self.evidence();
        gates.push(gate(GateKind::Evidence, open, reason));
        if let Some((_, why)) = &self.release.defective {
            let reason = Text::new(
                format!("{} is marked defective: {why}", self.release.version),
                format!("{} 已标记为有缺陷：{why}", self.release.version),
            );
            gates.push(gate(
                GateKind::Defective,
                self.promotion.kind == PromotionKind::Rollback,
                reason,
            ));
        }
        if self.environment.binding.is_none() {
            let reason = Text::new(
                "The environment has no cluster. A project lead must bind it to one.",
                "该环境尚未绑定集群，请项目负责人完成绑定。",
            );
            gates.push(gate(GateKind::Hold, false, reason));
        }
        let (open, reason) = match &self.locked_by {
            None => (
                true,
                Text::new("nothing else is being deployed there", "当前没有其他部署"),
            ),
            Some(version) => (
                false,
                Text::new(
                    format!("{version} is being deployed there; this starts when it has ended"),
                    format!("正在部署 {version}，结束后自动开始"),
                ),
            ),
        };
        gates.push(gate(GateKind::Lock, open, reason));
        if let Some(limit) = &self.quota {
            let (open, reason) = limit.quota.room(limit.taken, limit.asked);
            gates.push(gate(GateKind::Quota, open, reason));
        }
        gates
    }

    fn approval_words(&self, evaluation: &Evaluation) -> Text {
        if self.promotion.kind == PromotionKind::Rollback {
            return Text::new(
                "a rollback to what was verified here needs no approval",
                "回滚到已验证的版本无需审批",
            );
        }
        match evaluation.rules.iter().find(|rule| rule.turn) {
            Some(rule) if evaluation.standing == Standing::Waiting => Text::new(
                format!("{}: {}", rule.name.en, rule.words.en),
                format!("{}：{}", rule.name.zh, rule.words.zh),
            ),
            _ => evaluation.words.clone(),
        }
    }

    fn previous(&self) -> Option<(bool, Text)> {
        let (before, verified) = self.before.as_ref()?;
        if self.promotion.kind == PromotionKind::Rollback {
            return None;
        }
        let name = &before.environment.name;
        Some(match (&self.promotion.waiver, verified) {
            (_, true) => (
                true,
                Text::new(format!("was deployed to {name}"), format!("已成功部署到 {name}")),
            ),
            (Some(why), false) => (
                true,
                Text::new(
                    format!("{name} is skipped on purpose: {why}"),
                    format!("已明确跳过 {name}：{why}"),
                ),
            ),
            (None, false) => (
                false,
                Text::new(
                    format!("{} must run in {name} first", self.release.version),
                    format!("{} 须先成功部署到 {name}", self.release.version),
                ),
            ),
        })
    }

    fn evidence(&self) -> (bool, Text) {
        let evidence = &self.release.evidence;
        let (passed, failed) = (evidence.tests_passed, evidence.tests_failed);
        if failed > 0 {
            return (
                self.promotion.kind == PromotionKind::Rollback,
                Text::new(
                    format!("{failed} tests of its pipeline failed; fix them and release again"),
                    format!("流水线有 {failed} 个测试失败，请修复后重新发布"),
                ),
            );
        }
        if passed == 0 {
            return (
                true,
                Text::new(
                    "its pipeline was green and reported no tests",
                    "流水线通过，未报告测试",
                ),
            );
        }
        (
            true,
            Text::new(format!("{passed} tests passed"), format!("{passed} 个测试通过")),
        )
    }
}
